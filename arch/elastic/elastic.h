/* arch/elastic/elastic.h -- a chip under `elastic` clocking: nobody waits for a timestep.
 *
 * Every stage of every core works as soon as its input is there, it is free, and what it makes has
 * room; a full buffer stops the stage before it. A core has a memory port, an array, a digital
 * processor and a link for each stream; an operation from clock s that takes d occupies its
 * resource in s .. s + d - 1, and its effect is there from s + d on. In a clock a core looks at
 *
 *     1. ends     what ends now takes effect; tokens and credits that come are taken
 *     2. links    the oldest token not yet sent goes, if the receiver has room for all of it
 *     3. digital  starts, if sums and residual pixels are there and its results have room
 *     4. array    starts, if the registers hold a firing and few enough results wait
 *     5. port     stores, else reads back, else reads for the next firing
 *
 * in this order, so that room freed by a later stage is used by the earlier one in the same clock.
 * docs/elastic.md has the durations and the buffers. No values travel, those of images are computed
 * layer by layer (study/run.h), and time asks for one thing of them: where an array skips zeros,
 * how many reads a product makes. On a fabric of routers tokens between cores are packets (net.c).
 * Not modelled: preemption of the port.
 */
#ifndef ARCH_ELASTIC_ELASTIC_H
#define ARCH_ELASTIC_ELASTIC_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/core/core.h"
#include "core/err.h"
#include "core/kernel.h"
#include "dataflow/plan/plan.h"
#include "noc/router.h"

enum elastic_state { ELASTIC_BUSY, ELASTIC_STARVED, ELASTIC_BLOCKED, ELASTIC_WAITING,
                     ELASTIC_IDLE, N_ELASTIC_STATE };
extern const char *const elastic_state_names[N_ELASTIC_STATE];

/* What a resource waits for. */
enum elastic_on {
    ON_NOTHING,
    ON_PIXELS,    // of a stream, to be stored
    ON_SUMS,      // of a stream
    ON_RESIDUAL,  // of a stream
    ON_CREDIT,    // of a stream's receiver
    ON_WIRE,      // that carries a token of another stream
    ON_TOKEN,     // of the stage that fills the link's buffer
    ON_PORT,      // registers are not loaded
    ON_CROSSBAR,  // no result yet, or registers that are not free
    ON_DIGITAL,   // results that are not taken
    ON_OUTPUT,    // room in the core's output buffer, that a stream has not sent
    ON_READ_BACK, // likewise of a buffer of pixels read back
    ON_SLOT,      // the place in the memory: a pixel there is still to be read
    ON_TIME,      // of the next image
    N_ELASTIC_ON
};

struct elastic_cause {
    enum elastic_state state;
    enum elastic_on    on;
    uint32_t           stream; // of the plan, where the above says so
    uint64_t           clk;
};

enum elastic_kind { ELASTIC_PORT, ELASTIC_CROSSBAR, ELASTIC_DIGITAL, ELASTIC_LINK,
                    N_ELASTIC_KIND };
extern const char *const elastic_kind_names[N_ELASTIC_KIND];

struct elastic_stage { // a resource; busy + starved + blocked + waiting + idle = elapsed
    enum elastic_kind     kind;
    uint32_t              core;   // or n_core + i: the scratchpad of image feed i
    uint32_t              stream; // of a link
    uint64_t              clk[N_ELASTIC_STATE];
    uint64_t              begin_clk, end_clk; // it works in [begin, end) alone, and is idle outside
    struct elastic_cause *cause;  // owned
    uint32_t              n_cause;
};

enum elastic_buffer_kind { BUFFER_INPUT, BUFFER_RESIDUAL, BUFFER_PARTIAL_SUM, BUFFER_OUTPUT,
                           BUFFER_READ_BACK, N_ELASTIC_BUFFER };
extern const char *const elastic_buffer_keys[N_ELASTIC_BUFFER]; // "elastic.input_pixels"

struct elastic_buffer {
    enum elastic_buffer_kind kind;
    uint32_t core;         // that has it
    uint32_t stream;       // into it, of the first three kinds; out of it, of read back
    uint32_t size, most;   // pixels
    bool     raised;       // to the largest token
    uint64_t full_clk;
};

struct elastic_core {
    uint64_t firings, outputs, words_written, words_read, words_read_back, pixels_stored;
    uint64_t first_clk, last_clk; // of the first image's starts of the array
    uint64_t busy_clk;            // in which any of port, array and digital processor works
    uint64_t products, reads;     // the latter as zeros leave them; 0 where nobody counts them
};

struct elastic_stream {
    uint64_t tokens, bits, busy_clk;
};

/* Where the cores of a plan sit on a fabric of routers, whose channels their streams share. */
struct elastic_places {
    const struct graph *graph;
    const uint32_t     *node; // [n_core]
};

/* Outputs that an array multiplies together, by replicas of one place: n from `output` on of an
 * image, in the order of the core's copy. */
struct elastic_product {
    uint32_t core;
    uint64_t image;
    uint32_t output, n;
};

/* Who knows what images have: reads of products, as arrays begin them. A core's come in the order
 * of its outputs, image after image; what the product of a firing with the most of them takes, the
 * array takes. */
struct elastic_reads {
    void (*begin)(void *user); // from the first image on, maybe once more
    enum err (*reads)(void *user, const struct elastic_product *p, uint64_t *reads,
                      struct err_msg *m); // which ends the run where it fails
    void *user;
};

/* Who watches a run: is told of every change of a stage's state and of a buffer's pixels, by its
 * index in struct elastic_result, in clocks that never fall and in any order within one. Of a state
 * nobody knows yet whether it is idleness (struct elastic_stage says until when). */
struct elastic_watch {
    void (*state)(void *user, uint64_t clk, uint32_t stage, const struct elastic_cause *cause);
    void (*fill)(void *user, uint64_t clk, uint32_t buffer, uint32_t pixels);
    void *user;
};

struct elastic_cfg_run {
    const struct elastic_places *places; // NULL: the plan's fabric has no routers
    const struct elastic_cfg *elastic; // NULL: the plan's configuration's
    uint64_t         n_image;          // at least 1
    enum kernel_kind kernel;
    enum kernel_mode mode; // EVERY_CYCLE also checks every stream's places in every clock
    const struct core_probe *probe; // told of every firing, CORE_FIRED, in clocks; NULL: nobody
    const struct elastic_watch *watch; // NULL: nobody
    const struct elastic_reads *reads; // NULL: products make all their reads
    const bool      *fast; // by stage: every operation of it takes a clock at most; NULL: of none
    void (*waits)(void *user, const char *line); // of a run that stands still: told of every stage
    void *user;                                  // that has work; NULL: nobody
    uint32_t *n_trial; // told, of a run that stands still: runs made to find a cure; NULL: nobody
};

/* What a fabric is made of, and carries. */
struct elastic_wires {
    uint64_t bit_halves;  // bits, of routers those of whole flits, times halves of a pitch
    uint64_t wire_halves; // of all channels, one way each
    uint64_t n_router;    // 0: direct links
    uint64_t n_ports, n_crosspoints; // of all routers: ports that lead somewhere; these by those
};

struct elastic_packets { // of a fabric of routers; of direct links `wires` alone
    struct elastic_wires wires;
    uint64_t n, flits;        // taken
    uint64_t latency_min, latency_max, latency_p95; // of packets, offer to tail, clocks
    uint64_t latency_sum, zero_load_sum;
    struct router_counts counts;
    struct router_channel *channel; // owned; by port of the graph; NULL: it has none
};

struct elastic_result {
    struct elastic_packets packets;
    uint64_t  n_image;
    uint64_t  n_run; // of them: the others repeat some of these, in every clock (repeat.c)
    uint64_t *start_clk, *result_clk; // owned; [n_image]: its first pixel is sent, its result there
    uint64_t  first_firing_clk;       // of the plan's first layer
    uint64_t  elapsed;                // clocks until nothing moves any more
    struct elastic_stage  *stage;  // owned
    struct elastic_buffer *buffer; // owned
    struct elastic_core   *core;   // owned; [n_core]
    struct elastic_stream *stream; // owned; [n_stream]
    uint32_t n_stage, n_buffer;
};

/* Runs n_image images. ERR_RUN: nothing can move any more; the line names the circle of stages that
 * wait for one another, and the smallest single buffer that breaks it, or what else was found to do
 * so (cure.c). On error *r is zero. */
enum err elastic_run(const struct plan *p, const struct elastic_cfg_run *cfg,
                     struct elastic_result *r, struct err_msg *m);
void elastic_result_release(struct elastic_result *r); // takes a zeroed one

/* ---- live.c: a chip whose images come from outside, while it runs ---- */

struct elastic_live;

/* Of a chip that cfg->n_image images will be given, under the native kernel; plan and what cfg
 * points to are borrowed. On success the caller owns *l. */
enum err elastic_live_new(struct elastic_live **l, const struct plan *p,
                          const struct elastic_cfg_run *cfg, struct err_msg *m);
void elastic_live_free(struct elastic_live *l); // takes NULL

/* The next image is there from a clock on that has not been run, not before the image given last.
 * False when the host has no memory. */
bool elastic_live_give(struct elastic_live *l, uint64_t clk);

/* The next clock in which something is due; CYC_NEVER: nothing is until an image is given. */
uint64_t elastic_live_next(const struct elastic_live *l);

/* Runs all clocks up to this one. ERR_RUN: the routers cannot go on; else what cfg->reads says. */
enum err elastic_live_run(struct elastic_live *l, uint64_t clk, struct err_msg *m);

/* So far: images of which a first pixel has been sent; results, with the clock of the last of
 * them; firings. */
uint64_t elastic_live_begun(const struct elastic_live *l);
uint64_t elastic_live_ended(const struct elastic_live *l, uint64_t *clk);
uint64_t elastic_live_firings(const struct elastic_live *l);

/* All images have been given: runs until nothing moves, as elastic_run() does. Once. */
enum err elastic_live_end(struct elastic_live *l, struct elastic_result *r, struct err_msg *m);

/* The mean interval between results, as a fraction of clocks over images: of the last half of them,
 * as far as that is whole rotations of the memories' columns. False of one image. */
bool elastic_interval(const struct plan *p, const struct elastic_result *r, uint64_t *clocks,
                      uint64_t *images);

/* ---- names.c ---- */

struct elastic_name {
    char text[256];
};

/* Name of what stands at `core` of a stage: a core, or "scratchpad". */
const char *elastic_site_name(const struct plan *p, uint32_t core);

/* "conv1.port", or "conv1 -> conv2" of a link; "conv2 -> conv3 residual" beside another. */
struct elastic_name elastic_stage_name(const struct plan *p, const struct elastic_stage *s);

/* What a stage waits for: "room at conv2". */
struct elastic_name elastic_cause_name(const struct plan *p, const struct elastic_stage *s,
                                       const struct elastic_cause *c);

/* "conv1.input" */
struct elastic_name elastic_buffer_name(const struct plan *p, const struct elastic_buffer *b);

#endif
