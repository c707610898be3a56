/* network/values/prepared.h -- a network made ready for its kernel: prepare.c makes it, flow.c
 * orders its columns, lanes.c runs it. */
#ifndef NETWORK_VALUES_PREPARED_H
#define NETWORK_VALUES_PREPARED_H

#include "network/values/bits.h"
#include "network/values/kernel.h"

#define NO_LAYER UINT32_MAX

enum { VALUE_TOGETHER = 32 }; // pixels of several columns that are computed in one go

/* A map while a run goes on: what a layer delivers (its index is the layer's), several of them
 * concatenated, or what a layer pools. */
struct value_spec {
    struct value_map map;    // without bytes
    size_t           begin;  // where they are in the memory of the lanes
    struct value_map packed; // the same pixels for layers that count; kept 0: there are none
    size_t           packed_begin;
    const uint32_t  *input;  // borrowed: the layers to be concatenated; NULL: none
    uint32_t         n_input;
    uint32_t         made, last; // steps between which its memory is its own
    uint32_t         reader; // the first layer whose input it is, or NO_LAYER; struct value_layer
                             // has the next
};

enum value_task { VALUE_SPREAD, VALUE_CONCATENATE, VALUE_COMPUTE, VALUE_POOL, N_VALUE_TASK };

struct value_step { // what makes a map
    enum value_task task;
    uint32_t        layer; // whose
    uint32_t        spec;  // that it makes
};

struct value_turn { // a step makes columns
    uint32_t step, column, n;
};

struct value_block { // outputs computed together
    uint32_t first, quads;        // outputs; of quads
    uint32_t in_quad;             // first that it reads
    size_t   weight;              // where its weights begin
};

struct value_read { // of a core: sums of a block of outputs
    uint32_t first, quads;         // outputs; of quads
    uint32_t in_quad, rows, steps; // as a block and its layer have them
    uint32_t matrices;
    size_t   weight[VALUE_MOST_MATRICES]; // where their weights begin, in v->wide
    int32_t  start[VALUE_MOST_MATRICES][MOST_OUTPUTS]; // what their sums begin with
    uint32_t scale;
    const struct value_reader *reader; // NULL: none
    bool     opens, closes;        // the first and the last of its block
};

struct value_layer {
    uint32_t in, out, pooled; // specs; pooled: of the map before pooling, else out
    uint32_t next_reader;     // the next layer that reads `in`, or NO_LAYER
    struct value_scale scale, pool;
    int32_t  residual_zero;   // as stored
    uint8_t *table;           // owned; [outputs, filled up][256], as stored; NULL: none
    bool     identity;        // a maximum is delivered as it is
    /* With weights: */
    int32_t *start;           // owned; [outputs, filled up to blocks]
    uint32_t rows;            // runs of a kernel's column: 1 where it is one, else its rows
    uint32_t steps;           // quads of a run
    uint32_t quads;           // of the input that a block reads
    struct value_block *block; // owned
    uint32_t n_block;
    struct value_bits bits;    // instead of packed weights, where it is counted
    /* Instead of weights of its own: */
    struct value_read *read;   // owned
    uint32_t n_read;
};

struct values {
    const struct network      *network;
    size_t                     image_bytes;
    bool                       keeps_ends; // for value_lanes_delivered()
    bool                       plain;  // all below is empty (plain.h, spiking/spikes.h)
    const struct value_kernel *kernel;
    const struct value_counter *counter;
    struct value_layer        *layer;  // owned; [n_layer], the image's is empty
    int8_t                    *weight; // owned; of all layers
    uint8_t                   *saturates; // owned; of each step of these, as kernel.h has it
    int16_t                   *wide;   // owned; of all layers that have cores
    struct value_spec         *spec;   // owned
    uint32_t                   n_spec;
    struct value_step         *step;   // owned, in topological order
    uint32_t                   n_step;
    struct value_turn         *turn;   // owned, in the order of a run
    size_t                     n_turn;
    size_t                     lane_bytes; // of all maps
    size_t                     most_sums;  // ints that a column of one block takes
    size_t                     most_scratch; // bytes that a reader works in
    size_t                     most_bits;  // ints that a column's bits take
    uint32_t                   most_matrices; // of a core; 0: there are none
    uint32_t                   most_runs, most_columns; // of a window
    size_t                     token_room; // bytes that a layer of tokens works in
};

/* Outputs of a layer, filled up to blocks. */
static inline uint32_t value_outputs(const struct values *v, const struct layer *l)
{
    return (l->out.channels + v->kernel->outputs - 1) / v->kernel->outputs * v->kernel->outputs;
}

/* Layers with cores (values.h). Fills own->read and returns whether the host had memory; *n:
 * weights of all layers so far. */
bool value_place_reads(struct values *v, uint32_t index, const struct value_cores *c, size_t *n);

/* Packs their weights into v->wide. */
void value_pack_reads(struct values *v, uint32_t index, const struct value_cores *c);

/* What sums of output o are at most, for values of at most 1; *start: what they begin with. */
uint64_t value_weigh_cores(const struct value_cores *c, const struct layer *l, uint32_t o,
                           int32_t *start);

/* Whether a layer can be counted. */
bool value_counts(const struct network *n, const struct layer *l);

/* What a layer whose weights have a place needs to be counted, if it can be. False when the host
 * has no memory. */
bool value_bits_prepare(struct values *v, uint32_t index);
void value_bits_release(struct value_bits *b); // takes a zeroed one

/* The scales of a layer that is counted have been made. */
void value_bits_scale(struct values *v, uint32_t index);

/* Orders the columns of all steps and says how many each map keeps, its map.kept, and from which
 * step to which. False when the host has no memory. */
bool value_flow(struct values *v);

/* What a layer of tokens works in, and all of its outputs: column [0, out.width). Its maps are
 * whole, on one of another shape of as many pixels where it is of LAYER_TOKENS. */
size_t value_tokens_room(const struct layer *l);
void value_tokens(const struct value_kernel *k, const struct layer *l, const struct value_map *in,
                  const struct value_map *out, const uint8_t *table, void *room);

/* Positions along an axis, counted from 0 inside the map, that output `at` sees: [*first, end) of
 * `size`, some of them between dilated ones. */
uint32_t value_window_end(const struct window *w, int axis, uint32_t at, uint32_t size,
                          uint32_t *first);

#endif
