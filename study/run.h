/* study/run.h -- a whole run: chips built from a plan, images in, classes and counters out.
 *
 * Without images, all that is asked for is what the plan's timetable says and what follows from it
 * (arch/reckon.h). No chip is stepped then, unless somebody watches, the kernel is SystemC, the
 * arrays are not the machine's own, or cfg->stepped wants it; the result is the same to the last
 * counter.
 *
 * When does not depend on what: a chip is run without values, and as soon as it repeats itself the
 * rest of its time is computed. The values of the images are computed layer by layer, and what they
 * count of each core beside them (arch/values/tally.h). The result is the same, to every counter,
 * as when values travel through the chip, which they do where timed_values says so:
 *
 * Under elastic clocking (arch/elastic/elastic.h) it is another chip that is run for its time, with
 * the values beside it; counters of layers with replicas are then those that time decides, alone.
 * Where its arrays skip zeros values come before it too, as it asks for them (read_counts.h).
 *
 * Event cores (arch/event/core.h) run each recording by itself, from neurons that remember nothing,
 * until nothing moves.
 *
 * Images stream through one chip back to back. With several jobs the stream is cut: each job runs
 * a chip of its own, started a few images early so that its pipeline is as full as the one chip's
 * would be, and only its own images count. Likewise a chip carries several pieces of the stream
 * abreast (core/planes.h), which are cut so that each finds the memories in the same rotation. The
 * result is the same for any number of jobs and pieces.
 */
#ifndef STUDY_RUN_H
#define STUDY_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/core/core.h"
#include "core/err.h"
#include "core/kernel.h"
#include "dataflow/plan/plan.h"
#include "network/spiking/counts.h"
#include "traces/images/images.h"

enum { RUN_MOST_STATES = 16 };

struct analog_state;
struct elastic_places;
struct elastic_reads;
struct event_result;

enum { RUN_ELASTIC_IMAGES = 2 }; // the least with an interval

struct run_cfg {
    enum kernel_kind kernel;
    enum kernel_mode mode;
    const char      *images;    // path of an image set; NULL and no inputs: timing only
    struct images_how images_how; // what is said of that set
    const char      *inputs;    // instead: path of an .npy file, values of the model's input
    uint64_t         first;     // image of the set to begin with
    uint64_t         n_image;   // images to run; 0: all from there on (timing only: 1, of elastic
                                // clocking RUN_ELASTIC_IMAGES)
    uint32_t         jobs;      // at least 1; must be 1 under SystemC
    uint32_t         abreast;   // streams that a chip carries side by side, at most; 0: a few
    bool             stepped;   // a chip is, though its plan says all that is asked (arch/reckon.h)
    bool             timed_values; // values travel through the chip, not layer by layer
    /* [n_state], 0 to RUN_MOST_STATES: what the arrays of a chip hold; values travel through all of
     * these chips abreast, and result.predicted has each one's classes behind the other's. 0: exact
     * weights. */
    const struct analog_state *const *state;
    uint32_t         n_state;
    const char      *simd; // instruction set to compute values with; NULL: the fastest
    const struct imc_array_kind *array; // of every core; NULL: the machine's
    const struct ranges *ranges; // of calibrated converters (study/calibrate.h); NULL: none
    const struct elastic_places *places; // of elastic clocking on a fabric of routers; else NULL
    const struct core_probe *probe; // watches the chip, of which there must be one; or NULL. Sees
                                    // values where they travel
    /* Called from the thread of run(), now and then; where time asks for reads of images, for
     * these first, and then from the first image on again. */
    void (*progress)(void *user, uint64_t done, uint64_t n_image);
    void *user;
    void (*waits)(void *user, const char *line); // of elastic clocking: elastic_cfg_run.waits; NULL
    void *waits_user;
};

struct layer_result {
    uint64_t first_timestep, last_timestep; // of the first image's firings, from 0
};

struct run_result {
    uint64_t              n_image;
    bool                  values; // counters of values are those of images
    bool                  stepped; // a chip was; else the plan has said all
    uint64_t              first_result, last_conv; // elapsed timesteps of the first image
    uint64_t              total_timesteps; // elapsed to the last image's result
    struct layer_result  *layer;   // owned; [plan->n_layer]
    struct core_counters *core;    // owned; [plan->n_core], summed over images
    struct codes_reached {            // that codes of a core's columns reach
        int64_t least, most;       // of the columns
    } *range;                      // owned; [plan->n_core]; NULL: nothing was calibrated
    uint64_t             *stream_bits; // owned; [plan->n_stream]
    struct spike_counts   spikes;      // owned; of a network of neurons with values; else zero
    struct event_result *event; // owned; of event cores, else NULL: what counts timesteps or core
                                // counters above is 0 then
    struct elastic_result *elastic; // owned; of elastic clocking, whose times are in clocks: what
                                    // counts timesteps above is 0, but busy_timesteps; else NULL
    uint64_t              n_correct;
    uint64_t              n_cut; // values of the inputs file that the model's QuantizeLinear cuts
    uint32_t             *label;     // owned; [n_image]; NULL without labels, and as the next
    uint32_t             *predicted; // owned; [n_image], of each state; NULL in a timing run, or
                                     // where the result is a map
};

/* Whether the run's images have values: a set or inputs. */
bool run_has_values(const struct run_cfg *cfg);

/* How many images the run has. ERR_INPUT when there are not as many as are wanted. */
enum err run_count_images(const struct plan *p, const struct run_cfg *cfg, uint64_t *n,
                          struct err_msg *m);

/* Calls `visit` with the bytes of each of n images of the run's set, from `first` on,
 * [column][row][channel]. ERR_INPUT when the set has fewer. */
enum err run_visit_images(const struct plan *p, const struct run_cfg *cfg, uint64_t first,
                          uint64_t n,
                          enum err (*visit)(void *user, uint64_t i, const uint8_t *image,
                                            struct err_msg *m),
                          void *user, struct err_msg *m);

/* ERR_RUN: the machine failed (a pixel read that was not there, nothing can move). On error *r is
 * zero. */
enum err run(const struct plan *p, const struct run_cfg *cfg, struct run_result *r,
             struct err_msg *m);
void run_result_release(struct run_result *r); // takes a zeroed one

/* The same of images, each presented once, that went through an elastic chip from outside
 * (elastic_live_end()), whose *e it takes: time and what follows from it, no values. On error *r is
 * zero. */
enum err run_of_elastic(struct run_result *r, const struct plan *p, struct elastic_result *e,
                        struct err_msg *m);

/* Whether values of images can be computed layer by layer: some converters that may clip act on a
 * chip's values only. ranges: of calibrated converters, or NULL. */
bool run_computes_layers(const struct plan *p, const struct ranges *ranges);

/* What a run under elastic clocking asks of its images where arrays skip zeros: for more runs like
 * one that has ended. *w is NULL where nothing is asked. */
struct run_reads;
enum err run_reads_open(struct run_reads **w, const struct plan *p, const struct run_cfg *cfg,
                        uint64_t n_image, struct err_msg *m);
const struct elastic_reads *run_reads_of(const struct run_reads *w); // NULL of NULL
void run_reads_close(struct run_reads *w);                           // takes NULL

/* Whether a run of the plan counts all that energy is priced from: not under elastic clocking with
 * replicas of which those fire whose outputs are there (`elastic.group: any`). */
bool run_counts_all(const struct plan *p);

#endif
