/* imcsim.h -- the simulator as a library, for C and C++.
 *
 *     struct imcsim_study *s = imcsim_load("resnet32", NULL, NULL, &e);
 *     struct imcsim_result *r = imcsim_run(s, NULL, &e);
 *     imcsim_number(r, "timing.first_result_timesteps", &timesteps, &e);
 *
 * A study is a configuration with its network and its plan; it never changes. A result is a run of
 * it, priced where the configuration names costs. Handles are opaque, belong to who made them, and
 * may be used by one thread at a time; different ones in as many threads as one likes. The library
 * has no globals, prints nothing and ends no process. docs/library.md has a tour.
 *
 *     cc program.c $(pkg-config --cflags --libs imcsim)
 */
#ifndef IMCSIM_H
#define IMCSIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

extern const char imcsim_version[]; // "0.1.0"

/* ---- errors ---- */

enum imcsim_status { // the command's exit status is 2 for the first and 1 for the others
    IMCSIM_OK,
    IMCSIM_BAD_INPUT, // configuration, network, images, or a call of this library
    IMCSIM_FAILED,    // the simulated machine failed
    IMCSIM_NO_OUTPUT, // a file could not be written
    IMCSIM_NO_MEMORY
};

/* What the command would have said, one line: place, value found, what is accepted. Every function
 * that can fail takes one; NULL: not wanted. Untouched by calls that succeed. */
struct imcsim_error {
    enum imcsim_status status;
    char               text[1024];
};

/* ---- studies ---- */

struct imcsim_study;
struct imcsim_policies; // below

/* Reads a configuration: the path of a file, the name of an installed one ("resnet32"), or NULL for
 * the defaults. `set` holds "key=value" as the command's --set, up to a NULL; NULL: none. `own`,
 * borrowed for the study's life, may be NULL. NULL on error. */
struct imcsim_study *imcsim_load(const char *path, const char *const *set,
                                 const struct imcsim_policies *own, struct imcsim_error *e);

/* The same of a configuration's text, YAML; files that it names are seen from the current
 * directory. */
struct imcsim_study *imcsim_load_text(const char *text, const char *const *set,
                                      const struct imcsim_policies *own, struct imcsim_error *e);
void imcsim_study_free(struct imcsim_study *s); // takes NULL

/* The plan as JSON, as `imcsim map --json` writes it (docs/results.md): the study's, until it is
 * freed. NULL on error. */
const char *imcsim_study_json(struct imcsim_study *s, struct imcsim_error *e);

/* A number of that document by its path: "cores", "timing.interval_timesteps", "layers[0].rows",
 * "layers.conv1.rows" (of the item whose name is so). False when there is none. */
bool imcsim_study_number(struct imcsim_study *s, const char *path, double *value,
                         struct imcsim_error *e);

/* Notes that the command would have printed, such as keys without effect; NULL behind the last. */
const char *imcsim_study_note(const struct imcsim_study *s, size_t i);

/* ---- runs ---- */

struct imcsim_result;

struct imcsim_run { // zero: a timing run of one image in one thread
    const char *images; // path of an image set; NULL: timing only
    uint64_t    count;  // images; 0: all of the set, or 1
    uint32_t    jobs;   // threads; 0: 1
    void (*progress)(void *user, uint64_t done, uint64_t count); // now and then; or NULL. Fewer
                                                                 // done than before: a second pass
    void *user;
};

/* The study is borrowed for the result's life. `how` may be NULL. NULL on error. */
struct imcsim_result *imcsim_run(const struct imcsim_study *s, const struct imcsim_run *how,
                                 struct imcsim_error *e);
void imcsim_result_free(struct imcsim_result *r); // takes NULL

/* As `imcsim run --json` writes it, and a number of it by its path: "timing.latency_us",
 * "accuracy.top1", "energy.total_nj_per_image", "layers.conv1.mvms". As above. */
const char *imcsim_result_json(struct imcsim_result *r, struct imcsim_error *e);
bool imcsim_number(struct imcsim_result *r, const char *path, double *value,
                   struct imcsim_error *e);

/* The class of image i; UINT32_MAX where there is none. */
uint32_t imcsim_class(const struct imcsim_result *r, uint64_t i);

/* Prices the run by other costs, without running again: words as energy.technology, energy.device
 * and energy.chip take them; NULL: as configured. The result's document then has these prices, and
 * the configuration that it was run with. False on error; the result is as it was. */
bool imcsim_price(struct imcsim_result *r, const char *technology, const char *device,
                  const char *chip, struct imcsim_error *e);

/* ---- policies of one's own ---- */

/* Policies beside the built-in ones, which a configuration then names likewise (mapping.firing,
 * core.input_memory.placing, fabric.kind). Each table ends with NULL, or is NULL. The structs are
 * those that the built-in policies fill: <dataflow/firing.h>, <memory/input_memory.h> and
 * <noc/fabric.h>, installed beside this file. They are not promised to stay between versions. */
struct firing_policy;
struct placing;
struct fabric;
struct imcsim_policies {
    const struct firing_policy *const *firing;
    const struct placing *const       *placing;
    const struct fabric *const        *fabric;
};

/* ---- blocks of one's own ---- */

/* A design of clocked blocks that talk through channels, run by the kernel that runs the chip. A
 * block's step is told the cycle. It returns the next cycle with work even if no channel moves,
 * later than `now`; IMCSIM_NEVER if it only waits for its channels. Order within a cycle is free:
 * what is pushed or popped is seen by others in a later cycle; a step with nothing to do changes
 * nothing. */
#define IMCSIM_NEVER UINT64_MAX

struct imcsim_design;
struct imcsim_block;
struct imcsim_channel;

struct imcsim_design *imcsim_design_new(struct imcsim_error *e);
void imcsim_design_free(struct imcsim_design *d); // with its blocks and channels; takes NULL

/* Before the first run; NULL without memory. */
struct imcsim_block *imcsim_block_new(struct imcsim_design *d, const char *name,
                                      uint64_t (*step)(void *user, uint64_t now), void *user);

/* A first-in first-out queue of `depth` payloads from one block to another. */
struct imcsim_channel *imcsim_channel_new(struct imcsim_design *d, struct imcsim_block *from,
                                          struct imcsim_block *to, uint32_t depth,
                                          size_t payload_bytes);

/* For the steps of its two ends, at most one push and one pop a cycle. push() returns the payload
 * to be filled, which the other end sees from cycle `ready` on, later than now and not before the
 * previous push's; NULL when the channel is full. pop() returns the oldest payload, valid until the
 * step ends; NULL when there is none yet. */
void *imcsim_push(struct imcsim_channel *c, uint64_t ready);
const void *imcsim_pop(struct imcsim_channel *c, uint64_t now);

/* Runs to the end of cycle `until`; IMCSIM_NEVER: until nothing can move. Returns the last cycle in
 * which a block had work; IMCSIM_NEVER without memory. */
uint64_t imcsim_design_run(struct imcsim_design *d, uint64_t until);

#ifdef __cplusplus
}
#endif

#endif
