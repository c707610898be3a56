/* arch/core/imc_core.h -- one IMC core: input memory, dataflow controller, array, digital
 * processor.
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
 * A core of a digital layer (pooling, scaling) has no array: what its window holds goes straight to
 * the digital processor, and it counts no firings of the crossbar.
 *
 * What a core does is a list of stages (arch/core/stages.h). Stages are not simulated one after the
 * other inside a timestep: the plan has checked that each fits (dataflow/plan/budget.c). Values are
 * exact integers; a timing run moves the same tokens without them.
 */
#ifndef ARCH_CORE_IMC_CORE_H
#define ARCH_CORE_IMC_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/core/core.h"
#include "arch/core/port.h"
#include "arch/units/array.h"
#include "arch/units/digital.h"
#include "arch/units/kernel_matrix.h"
#include "dataflow/controller.h"
#include "memory/registers.h"

enum { CORE_MOST_STAGES = 8 };

/* ---- what the core is: from the plan, and never changed ---- */

struct imc_spec {
    const struct plan       *plan; // borrowed, and so are the next three
    const struct plan_core  *pc;
    const struct plan_layer *pl;
    const struct layer      *layer;
    uint32_t                 index;       // of the core in the plan
    struct planes            planes;
    uint64_t                 first_image; // of the chip's stream
    uint64_t                 timestep_clk;
    uint32_t                 in_n, out_n; // its channels
    uint32_t                 in_width;    // of the map
    uint32_t                 rotation;    // of the memory: images until it repeats
    bool                     tokens;      // the layer is of them
    uint32_t                 folds;       // rows of a map that comes, of which each is a column of
                                          // the one row kept; 0: it is kept as it comes
    bool                     adds;        // residual pixels to its sums
    bool                     in_signed;
    bool                     of_sums;      // it reads sums, and keeps a value in four bytes
    uint32_t                 result_bytes; // of an output, in one plane
    uint32_t                 sums_room;    // firings whose sums wait
    uint32_t                 waiting_room; // residual pixels that wait
    const struct proof      *proof;        // borrowed; NULL: values travel
};

/* ---- what it remembers between two steps, values apart; with the states of memory, registers and
 *      controller it decides when the core does what ---- */

struct core_sums { // of one firing, until they are handed on
    uint32_t      n, passed; // outputs, and those handed on already
    struct pixel *place;     // owned; [most outputs]
    int32_t      *acc;       // of the core's; [planes], acc_plane apart: [most outputs][outputs]
};

struct residual_pixel { // one that waits for its sum
    uint64_t image;
    uint32_t row, column;
    uint32_t arrived; // channels of it; 0: the slot is free
    uint8_t *value;   // owned; [planes][outputs]
};

struct core_read_back { // a timetable that this core follows
    const struct read_back       *who;   // borrowed
    const struct read_back_times *times; // borrowed
    uint64_t                image;
    uint32_t                at;    // next send of that image
    uint64_t                due;   // its timestep
    struct port            *out;   // owned; one per receiver
    uint32_t                n_out;
};

struct imc_state {
    uint64_t next_timestep;     // the first in which it may fire again
    uint64_t next_sum_timestep; // the first in which sums may be handed on again
    uint64_t newest_image;      // of which a pixel has come; valid when any_image
    bool     any_image;
    uint32_t sums_head, sums_n; // ring of firings, the oldest first
    uint32_t sums_complete;     // of them, from the oldest: the parts before are added
    uint64_t pool_left;         // outputs until the image's pool is complete
    uint32_t displaced;         // waiting pixels that are not in the slot core_waiting_home() says
};

/* ---- how it is connected ---- */

struct imc_ports {
    struct port *pixels, *residual, *out; // owned
    uint32_t     n_pixels, n_residual, n_out;
    struct port  partial_in, partial_out; // chan is NULL at the ends of the chain
};

/* ---- what has no meaning between two steps ---- */

struct imc_scratch {
    uint32_t       *used;   // owned; replicas that compute the outputs of the present product
    const uint8_t **in;     // owned; [planes]: inputs of the present product
    int32_t        *acc;    // owned; [planes][array's n_write]: of one product; without an array
                            // [planes][outputs]: of one pixel and its residual
    uint8_t        *result; // owned; [most outputs][planes][result_bytes]
    uint8_t        *pixel;  // owned; [planes]: one that is read back
    uint8_t        *sums;   // owned; [memory's planes][in_n]: one that comes; NULL: of no sums
    const uint8_t **window; // owned; [2]: pixels of one window, of a digital layer
    uint64_t        weighed_image; // whose weight is known: planes in which it counts
    uint64_t        weight;
};

struct imc_tokens { // of a layer of tokens, computed: what the window of an output holds
    uint32_t        most;   // tokens
    uint8_t        *byte;   // owned; [memory's planes][most][values stored]
    int32_t        *code;   // owned; [most][values stored]
    const int32_t **token;  // owned; [most]: in it
    uint32_t       *number; // owned; [most]
    void           *room;   // owned; the kind's
};

struct imc_core {
    struct core             base; // first
    const struct imc_spec  *spec; // owned
    const struct core_stage *stage[CORE_MOST_STAGES + 1]; // what it does, in order; ends with NULL
    struct imc_ports        ports;
    uint64_t               *stream_bits; // borrowed; [plan->n_stream]: what ports have sent

    struct imc_state        state;
    struct core_sums       *sums;    // owned; ring of sums_room
    struct residual_pixel  *waiting; // owned; the residual FIFO, of waiting_room
    struct core_read_back  *read_back; // owned
    uint32_t                n_read_back;
    int32_t                *pool;    // owned; [planes][outputs]: sums of global pooling
    int64_t                *wide_pool; // owned; [streams][outputs]: those of a wide core

    struct input_memory     memory;
    struct input_registers  registers;
    struct controller       controller;
    struct kernel_matrix    matrix;
    struct imc_array       *array;     // owned; NULL: a digital layer
    struct digital          digital;
    int64_t                *zero_sum;  // owned; per output: in_zero * sum of its weights, or NULL
    struct requant          average;   // owned; [pixels - 1][outputs]; zero: no average
    size_t                  acc_plane; // ints of a plane's sums, and of what a product overwrites
    int32_t                *acc;       // owned; of all sums that wait, or of one without values

    struct imc_scratch      scratch;
    struct imc_tokens       tokens;
};

/* Of struct core_kind. The kind then adds its stages, imc_core_add_stages(). */
bool imc_core_init(struct core *core, const struct core_cfg *cfg, bool multiplies);
void imc_core_add_stages(struct imc_core *c, const struct core_stage *const *stage);
bool imc_core_connect_in(struct core *core, uint32_t stream, struct chan *chan);
bool imc_core_connect_out(struct core *core, uint32_t stream, struct chan *chan);
void imc_core_release(struct core *core);
uint64_t imc_core_step(struct block *b, uint64_t now_cyc);
void imc_core_describe(const struct block *b, FILE *out);

/* A pixel is counted with its image, as often as that counts. */
static inline uint64_t core_weight(struct imc_core *c, uint64_t image)
{
    if (image != c->scratch.weighed_image) {
        c->scratch.weighed_image = image;
        c->scratch.weight = planes_counting(&c->spec->planes, image);
    }
    return c->scratch.weight;
}

/* Of an access to the memory: whether other images for which its image counts may take other words
 * than it does. *images are then all of them. */
static inline bool core_words_differ(const struct imc_core *c, uint64_t weight,
                                     struct image_row *images)
{
    *images = (struct image_row){ c->spec->in_width, c->spec->rotation, weight };
    return c->spec->planes.n == 0 && weight > 1 && c->spec->rotation > 1;
}

/* Words that a read takes in all images for which its image counts; `words` in itself. */
static inline uint64_t core_words_read(struct imc_core *c, uint32_t row, uint64_t column,
                                       uint32_t n_columns, uint64_t image, uint32_t words)
{
    uint64_t weight = core_weight(c, image);
    struct image_row images;

    return core_words_differ(c, weight, &images)
               ? memory_read_words_in(c->memory.layout, &images, row, column, n_columns)
               : weight * words;
}

/* Cycle from which a pixel computed or read in a timestep can be stored where the port leads. */
static inline uint64_t core_pixel_cyc(const struct imc_core *c, const struct port *port,
                                      uint64_t timestep)
{
    return (timestep + port->st->route.hops) * c->spec->timestep_clk;
}

/* Pixels of an output's window that lie inside the map. */
static inline uint32_t core_pixels_inside(const struct imc_core *c, const struct pixel *place)
{
    const struct plan_layer *pl = c->spec->pl;

    return window_inside(&pl->window, 0, place->row, pl->in_height) *
           window_inside(&pl->window, 1, place->column, pl->in_width);
}

/* Where a residual pixel waits unless another is there: pixels come and go in order, so that each
 * mostly finds its slot free. */
static inline struct residual_pixel *core_waiting_home(const struct imc_core *c,
                                                       const struct pixel *at)
{
    uint64_t height = c->spec->layer->out.height, size = height * c->spec->layer->out.width;

    return &c->waiting[(at->image * size + at->column * height + at->row) % c->spec->waiting_room];
}

/* The slot of a residual pixel of which some slice has come; NULL: none has. */
struct residual_pixel *core_waiting(const struct imc_core *c, const struct pixel *at);

/* Tells the probe of n pixels and the words that they took. */
static inline void core_tell_pixels(const struct imc_core *c, enum core_event_kind kind,
                                    uint64_t timestep, uint32_t n, const struct pixel *pixel,
                                    uint64_t words)
{
    if (!c->base.probe)
        return;
    const struct core_event told = { .kind = kind, .timestep = timestep, .n = n,
                                     .pixel = pixel, .words = words };
    core_tell(&c->base, &told);
}

#endif
