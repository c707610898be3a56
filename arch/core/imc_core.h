/* arch/core/imc_core.h -- one IMC core: input memory, dataflow controller, crossbar, digital processor.
 *
 * In `timestep` clocking (T clocks) a core acts at multiples of T, Dazzi et al. 2021, Algorithm 1:
 *
 *     1. store the pixels that have come
 *     2. fire, if the patch of the next output is stored: up to n outputs
 *     3. read back the residual and resampling pixels that are due
 *
 * and what it makes is delivered to be stored hop timesteps later. The parts of a row-split layer
 * fire together; part r adds its sums to those of part r - 1, which come partial_sum_hops later,
 * and hands them on; the last part runs the digital processor, on outputs whose residual is there,
 * in order, of one firing a timestep. With 0 hops the sums run along the chain
 * inside the timestep, one clock per part: the only work that a core does between timesteps.
 *
 *     pixels   tokens of pixels to store (several channels: slices, copies, images)
 *     partial  int32 sums of the part before
 *     residual pixels to add, which wait in a FIFO
 *     out      results, one channel per consumer; read-back pixels, one channel per receiver
 *
 * A core of a digital layer (pooling, scaling) leaves its crossbar idle: what its window holds goes
 * straight to the digital processor, and it counts no firings of the crossbar.
 *
 * Stages are not simulated one after the other inside a timestep: the plan has checked that each
 * fits (dataflow/plan/budget.c). Values are exact integers; a timing run moves the same tokens
 * without them.
 */
#ifndef ARCH_CORE_IMC_CORE_H
#define ARCH_CORE_IMC_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/units/array.h"
#include "arch/units/digital.h"
#include "arch/units/kernel_matrix.h"
#include "core/block.h"
#include "core/chan.h"
#include "core/counter.h"
#include "core/err.h"
#include "core/planes.h"
#include "dataflow/controller.h"
#include "dataflow/plan/plan.h"
#include "memory/registers.h"
#include "noc/token.h"

/* Everything that energy is priced from. Timing runs leave the three value counters at 0. */
#define CORE_COUNTERS(X)                                                                         \
    X(firings,           "mvm",      "times the crossbar fired")                                 \
    X(outputs,           "pixel",    "output pixels computed")                                   \
    X(driven_rows,       "row",      "crossbar rows driven, summed over firings")                \
    X(active_rows,       "row",      "of those, rows whose input was not zero")                  \
    X(sum_abs_x,         "lsb",      "sum of |x| over rows and firings")                         \
    X(sum_abs_xw,        "lsb2",     "sum over rows of |x| times the row's sum of |w|")          \
    X(conversions,       "sample",   "columns converted")                                        \
    X(words_written,     "word",     "words written to the input memory")                        \
    X(words_read,        "word",     "words read for the crossbar")                              \
    X(words_read_back,   "word",     "words read back as residual or resampling pixels")         \
    X(pixels_stored,     "pixel",    "pixels or channel slices stored")                          \
    X(scale_ops,         "op",       "multiply-and-add of scale and bias")                       \
    X(residual_ops,      "op",       "residual values added")                                    \
    X(relu_ops,          "op",       "ReLU applied")                                             \
    X(round_ops,         "op",       "roundings with saturation")                                \
    X(pool_ops,          "op",       "additions and comparisons of pooling")                     \
    X(partial_sum_ops,   "op",       "partial sums added")                                       \
    X(busy_timesteps,    "timestep", "timesteps with a firing, of a crossbar or none")

struct core_counters { CORE_COUNTERS(COUNTER_FIELD) };

extern const struct counter core_counter_rows[]; // ends with COUNTER_END

/* What went wrong in a chip: the plan's promises were not kept. The earliest counts. */
struct fault {
    bool           set;
    uint64_t       cyc;
    uint32_t       core;
    struct err_msg msg;
};

struct core_port { // a channel into or out of the core
    struct chan *chan;
    uint32_t     stream;      // of the plan
    const struct plan_stream *st; // the same; borrowed
    uint32_t     first, n;    // channels: where they sit at this end
    uint32_t     value_bytes; // of one pixel in the token, all planes; 0 in a timing run
    uint32_t     plane_bytes; // of that, in one plane
    uint32_t     to_copy, to_layer; // FROM_RESAMPLING: only columns that this copy adds
    uint64_t     bits;        // carried out of this core
    struct token *token;      // read-back: being filled in the present step
};

struct core_sums { // of one firing, until they are handed on
    uint32_t             n, passed; // outputs, and those handed on already
    struct pixel *place; // owned; [most outputs]
    int32_t             *acc;   // owned; [planes], acc_plane apart: [most outputs][outputs]
};

struct residual_pixel { // one that waits for its sum
    uint64_t image;
    uint32_t x, y;
    uint32_t arrived; // channels of it; 0: the slot is free
    uint8_t *value;   // owned; [planes][outputs]
};

struct core_read_back {
    const struct read_back *table; // borrowed
    uint64_t                image;
    uint32_t                at;    // next send of that image
    uint64_t                due;   // its timestep
    struct core_port       *out;   // owned; one per receiver
    uint32_t                n_out;
    bool                    token_open; // out[].token have been begun in the present step
};

/* Somebody who watches a chip: waveforms, timelines, tests. It sees and changes nothing, and knows
 * cores by their number in the plan. */
enum core_event_kind {
    CORE_STORED,    // pixels or channel slices, into the memory
    CORE_FIRED,     // the crossbar
    CORE_RESULT,    // outputs of the digital processor, before pooling
    CORE_READ_BACK, // a residual or resampling pixel
    CORE_SENT       // bits on a stream
};
struct core_event {
    enum core_event_kind kind;
    uint64_t             timestep; // of the chip
    uint32_t             n;        // pixels; SENT: 0
    const struct pixel  *pixel;
    uint64_t             words; // STORED, FIRED, READ_BACK: of the memory, in one plane
    uint32_t             stream; // SENT: of the plan
    uint64_t             bits;   // SENT: in one plane
    const int32_t       *sum;   // RESULT: [outputs], complete; NULL in a timing run
    const uint8_t       *value; // RESULT: of the outputs; NULL in a timing run
    uint32_t             value_bytes;
};
struct core_probe {
    void (*event)(void *user, uint32_t core, const struct core_event *e);
    /* After each step of a core, its events told; next: the output that it computes next. NULL:
     * not wanted. */
    void (*stepped)(void *user, uint32_t core, const struct pixel *next, uint64_t cyc);
    void *user;
};

struct imc_core {
    struct block             base; // first: a struct imc_core * is a struct block *
    const struct plan       *plan; // borrowed
    uint32_t                 index;
    const struct plan_core  *pc;
    const struct plan_layer *pl;
    const struct layer      *layer;
    struct planes            planes;
    uint64_t                 weighed_image; // whose weight is known: planes in which it counts
    uint32_t                 weight;
    uint64_t                 first_image;   // of the chip's stream
    uint64_t                 timestep_clk, hop_clk;
    struct fault            *fault;         // borrowed; the chip's
    const struct core_probe *probe;         // borrowed; NULL: nobody watches

    struct core_port *pixels, *residual, *out; // owned
    uint32_t          n_pixels, n_residual, n_out;
    struct core_port  partial_in, partial_out; // chan is NULL at the ends of the chain
    struct core_read_back *read_back;          // owned
    uint32_t               n_read_back;

    struct input_memory    memory;
    struct input_registers registers;
    struct controller      controller;
    struct kernel_matrix   matrix;
    struct imc_array          *array; // owned; NULL: a digital layer
    const uint8_t        **in;    // owned; [planes]: inputs of the present product
    struct digital         digital;
    int32_t               *zero_sum; // owned; per output: in_zero * sum of its weights, or NULL
    bool                   is_digital;
    const uint8_t        **window;   // owned; pixels of one window, of a digital layer
    struct requant         average; // owned; [pixels - 1][outputs]; zero: no average

    uint64_t             next_timestep; // the first in which it may fire again
    uint64_t             newest_image;  // of which a pixel has come; valid when any_image
    bool                 any_image;
    struct pixel *place;   // owned; outputs of the present firing
    uint32_t            *used;    // owned; replicas that compute them
    int32_t             *acc;     // owned; [planes][array's n_write]: of one product
    size_t               acc_plane; // ints of a plane's sums, and of what a product overwrites
    uint8_t             *result;  // owned; [most outputs][planes][result_bytes]
    uint32_t             result_bytes;
    uint8_t             *pixel;   // owned; [planes]: one that is read back
    struct core_sums    *sums;    // owned; ring of firings, the oldest first
    uint32_t             sums_room, sums_head, sums_n;
    uint32_t             sums_complete; // of them, from the oldest: the parts before are added
    uint64_t             next_sum_timestep; // the first in which sums may be handed on again
    struct residual_pixel *waiting; // owned; the residual FIFO
    uint32_t               waiting_room;
    int32_t               *pool;    // owned; [planes][outputs]: sums of global pooling
    uint64_t               pool_left; // outputs until the image's pool is complete

    struct core_counters counters; // of the images that count, in all planes
    uint64_t first_fired, last_fired; // timesteps of the chip, of the stream's first image
    bool     any_fired;
};

struct imc_core_cfg {
    const struct plan *plan;
    uint32_t           index;       // of the core in the plan
    struct planes      planes;
    uint64_t           first_image;
    const struct imc_array_kind *array; // NULL: the machine's
    const char        *crossbar_kernel; // NULL: the fastest
    struct fault      *fault;
    const struct core_probe *probe;
};

/* Ports are added by the chip afterwards. False when the host has no memory or lacks the crossbar
 * kernel; then *c is zero. path is borrowed. */
bool imc_core_init(struct imc_core *c, const char *path, const struct imc_core_cfg *cfg);
void imc_core_release(struct imc_core *c); // takes a zeroed one

/* Port for a stream of the plan that comes to, or goes from, this core. False when the host has no
 * memory. */
bool imc_core_connect_in(struct imc_core *c, uint32_t stream, struct chan *chan);
bool imc_core_connect_out(struct imc_core *c, uint32_t stream, struct chan *chan);

extern const struct block_ops imc_core_ops;

/* Works out when the next pixel of a timetable is due. */
void imc_core_set_due(const struct imc_core *c, struct core_read_back *rb);

/* Bytes of one pixel's values on a stream, in one plane. */
uint32_t stream_value_bytes(const struct plan *p, uint32_t stream);

#endif
