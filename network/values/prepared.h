/* network/values/prepared.h -- a network made ready for its kernel: prepare.c makes it, lanes.c
 * runs it. */
#ifndef NETWORK_VALUES_PREPARED_H
#define NETWORK_VALUES_PREPARED_H

#include "network/values/kernel.h"

/* A map while a run goes on: what a layer delivers (its index is the layer's), several of them
 * concatenated, or what a layer pools. */
struct value_spec {
    struct value_map map;    // without bytes
    const uint32_t  *input;  // borrowed: the layers to be concatenated; NULL: none
    uint32_t         n_input;
    uint32_t         first_use, last_use; // layers that make and that last read it
    uint32_t         slot;   // the memory that it takes
};

struct value_block { // outputs computed together
    uint32_t first, quads;        // outputs; of quads
    uint32_t in_quad;             // first that it reads
    size_t   weight;              // where its weights begin
};

struct value_layer {
    uint32_t in, out, pooled; // specs; pooled: of the map before pooling, else out
    struct value_scale scale, pool;
    int32_t  residual_zero;   // as stored
    uint8_t *table;           // owned; [outputs, filled up][256], as stored; NULL: none
    bool     identity;        // a maximum is delivered as it is
    uint32_t *positions;      // owned; [out.width][out.height]: pixels of a window inside the
                              // map, of an average
    /* With weights: */
    int32_t *start;           // owned; [outputs, filled up to blocks]
    int8_t  *weight;          // owned
    size_t  *run;             // owned
    uint32_t n_run, steps;
    uint32_t quads;           // of the input that a block reads
    struct value_block *block; // owned
    uint32_t n_block;
};

struct values {
    const struct network      *network;
    const struct value_kernel *kernel;
    struct value_layer        *layer; // owned; [n_layer], the image's is empty
    struct value_spec         *spec;  // owned
    uint32_t                   n_spec;
    size_t                    *slot_bytes; // owned
    uint32_t                   n_slot;
    size_t                     most_sums;  // ints that a column of one block takes
};

/* Outputs of a layer, filled up to blocks. */
static inline uint32_t value_outputs(const struct values *v, const struct layer *l)
{
    return (l->out.channels + v->kernel->outputs - 1) / v->kernel->outputs * v->kernel->outputs;
}

#endif
