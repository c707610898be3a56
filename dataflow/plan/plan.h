/* dataflow/plan/plan.h -- which part of which layer sits on which core, every stream between cores,
 * and when they work.
 *
 * The plan is what both halves of the simulator share: `imcsim map` prints it, the chip is built
 * from it, tests make small ones. Nothing after it knows what ONNX is, nothing before it knows
 * what a cycle is. It is immutable once made. The rules are those of docs/accelerator.md.
 *
 * It has two parts. The *structure*: layers, cores and streams, which hold under any clocking. The
 * *timetable* (dataflow/plan/timetable.h): first and last firings, columns kept, what waits, what
 * is read back when, and the worst use of each stage; a clocking policy computes it from the
 * structure (dataflow/plan/clocking.h), and every run proves it. A plan whose timetable is not made
 * yet has zeros there.
 *
 * A layer is cut by input channels into `parts` (a chain of partial sums), by output channels into
 * `splits`, and copied `copies` times over output columns. Its cores are numbered
 *
 *     first_core + (copy * splits + split) * parts + part
 */
#ifndef DATAFLOW_PLAN_PLAN_H
#define DATAFLOW_PLAN_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "dataflow/config.h"
#include "dataflow/crossbar/array_spec.h"
#include "dataflow/firing.h"
#include "dataflow/plan/timetable.h"
#include "network/network.h"
#include "network/precision.h"
#include "noc/fabric.h"

enum feed { // where a layer's pixels come from
    FEED_SCRATCHPAD, // the image
    FEED_PRODUCER,   // the cores of its input layers
    FEED_READ_BACK   // the memory of another layer that holds the same pixels (resampling layers)
};

enum residual_kind {
    RESIDUAL_NONE,
    RESIDUAL_READ_BACK, // read from the memory of a layer that holds the pixels
    RESIDUAL_DIRECT,    // sent by the cores that compute it
    RESIDUAL_IMAGE      // the image's, sent by a scratchpad when it is stored in the first layer
};

struct replicas { // copies of the kernel matrix in one crossbar
    uint32_t n;                 // output pixels per firing
    uint32_t width, height;     // of a block: width = min(dW, n), height = floor(n / width) rows
    uint32_t positions;         // U: union of the n patches' positions
};

struct plan_layer {
    uint32_t                    layer; // index in the network
    struct replicas             replicas;
    const struct firing_policy *firing;
    uint32_t                    parts, splits, copies;
    bool                        inside; // parts begin and end inside channels
    bool                        flat;   // and its one window is the whole map: parts store what
                                        // they multiply, a byte of each of their positions
    uint32_t                    first_core, n_core;
    uint32_t                    in_height, in_width; // of the map as its memories store it
    struct window               window;              // on that map
    uint32_t                    rows, columns; // of the whole matrix with its replicas
    struct array_spec           array;         // of its cores
    double                      utilization;   // devices of all replicas / devices of its arrays
    enum feed                   feed;
    uint32_t                    feeder; // FEED_READ_BACK: index of the plan layer that holds them
    enum residual_kind          residual;
    uint32_t                    residual_from; // index of the plan layer that sends it; of an
                                               // image, that stores it at the same time
};

struct plan_core {
    char                *name; // owned: "conv23", or with ".c1" (copy), ".g1" (split), ".p1" (part)
    uint32_t             plan_layer;
    uint32_t             part, split, copy;
    uint32_t             in_first, in_n;   // its input channels (of the concatenated input)
    uint32_t             out_first, out_n; // its output channels
    uint32_t             row_first, row_n; // of an output's kernel, [channel][position]
    uint32_t             rows, columns;    // of its matrix: inputs and outputs of a firing
    uint32_t             arrays;           // that hold it, joined before they are read
    struct crossbar_cfg  crossbar;         // hardware of this core
    struct memory_cfg    memory;
    struct digital_cfg   digital;
};

enum stream_kind {
    STREAM_IMAGE,           // scratchpad to the first layer
    STREAM_FORWARD,         // activations to the next layer
    STREAM_VALID,           // tells a core of concatenated inputs that a slice it lacks has come:
                            // no channels, so that the cores of a layer fire together
    STREAM_PARTIAL_SUM,     // int32 sums along the chain of a row-split layer
    STREAM_RESIDUAL,        // pixels read back from a memory to a summing core
    STREAM_TO_RESAMPLING,   // pixels read back from a memory to a resampling layer
    STREAM_FROM_RESAMPLING, // results that are added in another core, not convolved
    STREAM_IMAGE_RESIDUAL,  // scratchpad to a core that adds the image's pixels
    STREAM_RESULT,          // the network's result leaves the chip
    N_STREAM_KIND
};

struct plan_stream { // one link between two cores; a link of its own for every stream
    enum stream_kind kind;
    uint32_t         from, to;   // cores; meaningless at the chip's edge (IMAGE from, RESULT to)
    uint32_t         first, n;   // channels of the sender's layer that it carries
    uint32_t         to_first;   // the same channels as the receiver's layer counts them
    uint32_t         value_bits; // of values as their layer has them, or of sums (precision.h)
    uint32_t         pos_first, pos_n; // of a flat layer's map, row by row: pixels whose values it
                                       // carries, of others only that they have come; 0, 0: of all
    uint32_t         read_back;  // of plan->read_back; RESIDUAL and TO_RESAMPLING only
    struct fabric_route route;   // the fabric's; hops are those of struct layer_hops
};

/* Timesteps from sending to use, of all that the cores of a layer get of a kind: those of the
 * longest way, so that its cores fire together. What comes by shorter ways waits in its link. */
struct layer_hops {
    uint32_t pixels;   // to be stored
    uint32_t residual; // to be added
    uint32_t sums;     // from one part of a chain to the next
};

/* Pixels that the memories of one copy of a layer send to one copy of another, by the timetable
 * (article: read_res). */
struct read_back {
    uint32_t reader, reader_copy;     // plan layer whose memories are read
    uint32_t receiver, receiver_copy; // plan layer that gets the pixels
    uint32_t stride[2]; // receiver's pixel (r, c) is the reader's (r * stride[0], c * stride[1])
};

/* A layer that reads the image, or adds it, from a scratchpad of its own. */
struct image_feed {
    uint32_t layer; // plan layer
};

struct plan {
    const struct network *network; // borrowed
    const struct config  *config;  // borrowed
    struct plan_layer    *layer;   // plan layer i is network layer i + 1
    uint32_t              n_layer;
    struct plan_core     *core;
    uint32_t              n_core;
    const struct fabric  *fabric;
    struct plan_stream   *stream;
    uint32_t              n_stream;
    struct layer_hops    *hops; // by layer
    struct read_back     *read_back;
    uint32_t              n_read_back;
    struct image_feed    *image_feed;
    uint32_t              n_image_feed;
    uint64_t              timestep_clk; // clocks in a timestep
    uint32_t              steps;        // presentations of an image; 0: one
    uint32_t              train;        // steps that a value of each carries, one after the other
    uint64_t              interval;     // timesteps between images: most firings of a layer for one
    int64_t              *comes; // owned; of tokens that are decoded (dataflow/plan/decode.h),
                                 // [column * height + row]: timesteps after the image's first
                                 // before which it does not come; NULL: all may with the first
    struct timetable      time;
};

/* The layers alone, with neither cores nor streams: what the mapper chooses options for. */
enum err plan_make_layers(struct plan *p, const struct network *network,
                          const struct config *config, struct err_msg *m);

/* Maps the network onto the machine. network and config are borrowed for the plan's life. What
 * does not fit (cores, arrays, memory, a stage's budget) is ERR_INPUT and names core, stage, need
 * and the configuration that would cure it. On error *p is zero. */
enum err plan_make(struct plan *p, const struct network *network, const struct config *config,
                   struct err_msg *m);
void plan_release(struct plan *p); // takes a zeroed one

/* Network layer of a plan layer, and its name. */
static inline const struct layer *plan_network_layer(const struct plan *p, uint32_t layer)
{
    return &p->network->layer[p->layer[layer].layer];
}
static inline const char *plan_layer_name(const struct plan *p, uint32_t layer)
{
    return plan_network_layer(p, layer)->name;
}

/* Timesteps from a firing to its complete sum: a hop for each further part. */
static inline int64_t plan_sum_latency(const struct plan *p, uint32_t layer)
{
    return (int64_t)(p->layer[layer].parts - 1) * p->hops[layer].sums;
}

/* Timesteps that a core of the layer takes for output (row, column), in which it begins no other:
 * 1 but where a token takes longer (dataflow/plan/tokens.h). */
uint64_t plan_lasts(const struct plan *p, uint32_t layer, uint32_t row, uint32_t column);

/* Rows of the map that a layer of tokens makes one row of, column after column; 0: any other. */
uint32_t plan_folds(const struct plan *p, uint32_t layer);

/* The plan layer that adds what `layer` computes as its residual; n_layer when none does. */
uint32_t plan_sum_of(const struct plan *p, uint32_t layer);

struct firing_shape plan_firing_shape(const struct plan *p, uint32_t layer);

/* Copy of a layer that computes an output column. */
uint32_t plan_owner(const struct plan *p, uint32_t layer, uint32_t column);

/* Whether two streams between cores carry the same tokens with the same values: from one buffer of
 * their core, to receivers that drop none. */
bool plan_same_tokens(const struct plan *p, const struct plan_stream *a,
                      const struct plan_stream *b);

/* The last convolution on the way to the result; resampling layers are beside it. */
uint32_t plan_last_convolution(const struct plan *p);

/* Whether products are made of reads that somebody will want to see. */
bool plan_is_read(const struct plan *p);

/* Whether what arrays read depends on values. */
bool plan_skips(const struct plan *p);

/* Whether the sums of all arrays are exact, whatever their converters. */
bool plan_is_exact(const struct plan *p);

/* Whether the layer's input comes in scan order: one column is complete before the next begins. */
bool plan_in_scan_order(const struct plan *p, uint32_t layer);

/* Columns that one output's patch spans: the least K. */
uint32_t plan_kernel_columns(const struct plan *p, uint32_t layer);

/* Values of a pixel in a core's memory: one for each channel, or the one of a flat layer. */
static inline uint32_t plan_pixel_values(const struct plan *p, const struct plan_core *core)
{
    return p->layer[core->plan_layer].flat ? 1 : core->in_n;
}

/* Bits of a value that a layer delivers to others (a sum where it does not round), of one in the
 * memories of its cores and of its sums; and values that a word of those memories holds. */
static inline uint32_t plan_value_bits(const struct plan *p, uint32_t layer)
{
    return network_value_bits(p->network, p->layer[layer].layer) * p->train;
}
static inline uint32_t plan_delivered_bits(const struct plan *p, uint32_t layer)
{
    const uint32_t at = p->layer[layer].layer;

    return at + 1 == p->network->n_layer ? plan_value_bits(p, layer)
                                         : network_delivered_bits(p->network, at) * p->train;
}
static inline uint32_t plan_input_bits(const struct plan *p, uint32_t layer)
{
    return network_input_bits(p->network, p->layer[layer].layer) * p->train;
}
static inline uint32_t plan_sum_bits(const struct plan *p, uint32_t layer)
{
    return network_sum_bits(p->network, p->layer[layer].layer) * p->train;
}
static inline uint32_t plan_word_values(const struct plan *p, uint32_t layer)
{
    return p->config->memory.word_bits / plan_input_bits(p, layer);
}

/* What a flat layer's part reads of the columns [*first_column, *first_column + *columns) of a row:
 * from its first position there to its last. False when it has none. */
bool plan_flat_read(const struct plan *p, const struct plan_core *core, uint32_t row,
                    uint32_t *first_column, uint32_t *columns);

/* Core of a part, split and copy of a layer. */
static inline uint32_t plan_core_of(const struct plan *p, uint32_t layer, uint32_t copy,
                                    uint32_t split, uint32_t part)
{
    const struct plan_layer *pl = &p->layer[layer];

    return pl->first_core + (copy * pl->splits + split) * pl->parts + part;
}

const char *stream_kind_name(enum stream_kind k); // "forward"

/* Whether a scratchpad sends it. */
static inline bool stream_is_of_image(enum stream_kind k)
{
    return k == STREAM_IMAGE || k == STREAM_IMAGE_RESIDUAL;
}

/* Whether its pixels are added, and not stored. */
static inline bool stream_is_added(enum stream_kind k)
{
    return k == STREAM_RESIDUAL || k == STREAM_FROM_RESAMPLING || k == STREAM_IMAGE_RESIDUAL;
}

/* What it needs of the fabric. */
static inline struct fabric_link stream_link(const struct plan_stream *s)
{
    struct fabric_link link = { s->from, s->to, FABRIC_PIXELS };

    if (stream_is_of_image(s->kind))
        link.from = FABRIC_EDGE;
    if (s->kind == STREAM_RESULT)
        link.to = FABRIC_EDGE;
    if (s->kind == STREAM_PARTIAL_SUM)
        link.payload = FABRIC_PARTIAL_SUMS;
    return link;
}

/* Whether it carries the values of pixel (row, column) of a map so wide. */
static inline bool stream_carries(const struct plan_stream *s, uint32_t width, uint32_t row,
                                  uint32_t column)
{
    return s->pos_n == 0 || (uint64_t)row * width + column - s->pos_first < s->pos_n;
}

/* Stage of the sender's core that it takes. */
static inline enum stage stream_stage(enum stream_kind k)
{
    return k == STREAM_PARTIAL_SUM ? STAGE_PARTIAL_SUM : STAGE_LINK;
}

/* Share of a timestep that a core's stage uses in its worst timestep. */
double plan_stage_share(const struct plan *p, uint32_t core, enum stage s);

/* Largest bias that a layer's arrays hold in the rows reserved for it, either way, of one unit a
 * row; 0 where none are. And reads, each of which asks for a sum's sign, by which a trimmer finds
 * what an output is off: it halves its step from read to read, 2^(n-1) to 1, and ends within 1. */
int64_t  plan_bias_reach(const struct plan *p, uint32_t layer);
uint32_t plan_trim_reads(const struct plan *p, uint32_t layer);

/* The core and stage with the largest share; ties go to the lower core, then the earlier stage. */
void plan_slowest_stage(const struct plan *p, uint32_t *core, enum stage *s);

/* Length of a timestep, exactly where it is whole. */
double plan_timestep_ns(const struct plan *p);

/* Presentations of an image, each of which passes as an image does. */
static inline uint64_t plan_steps(const struct plan *p)
{
    return p->steps ? p->steps : 1;
}

/* Timesteps between images, each of which is presented in as many steps as the network has. */
static inline uint64_t plan_image_interval(const struct plan *p)
{
    return p->interval * plan_steps(p);
}

/* Elapsed timesteps until the first image's result is there: that of its last presentation. */
static inline uint64_t plan_first_result(const struct plan *p)
{
    return (uint64_t)((int64_t)(p->time.first_result + plan_image_interval(p) - p->interval) +
                      timetable_late(&p->time, plan_steps(p) - 1));
}

#endif
