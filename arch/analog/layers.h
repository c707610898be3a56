/* arch/analog/layers.h -- the cores of a chip at a time, as network/values computes with them. */
#ifndef ARCH_ANALOG_LAYERS_H
#define ARCH_ANALOG_LAYERS_H

#include "arch/analog/chip.h"
#include "network/values/values.h"

struct analog_meter { // of a core: what it gives beside exact products of the same inputs
    const struct analog_readout *readout; // borrowed
    uint32_t exact;         // which of the sums that are read
    double   error, square; // sums over outputs of (y - exact)^2 and of exact^2
};

struct analog_layers {
    struct value_cores  *layer;  // owned; [n_layer of the network]
    struct value_core   *core;   // owned; those of all layers
    struct value_reader *reader; // owned; likewise, where sums are not merely scaled
    int16_t             *weight; // owned; of all cores
    struct analog_meter *meter;  // owned; [n_core of the plan]; NULL: nothing is measured
};

/* Whether values can be computed layer by layer: every output of a layer is one core's column, the
 * same for all pixels. Not with replicas, whose outputs see the devices of one another's rows, nor
 * with copies, nor where products are made of reads (reads.h). */
bool analog_by_layer(const struct plan *p);

/* Of such a plan; the state is borrowed, and counts what its converters clip. False when the host
 * has no memory; then *l is zero. */
bool analog_layers_init(struct analog_layers *l, const struct analog_state *s);

/* The same, and one thread's runs are measured against the state of exact weights, which is
 * borrowed for the call; nothing that is clipped is counted. */
bool analog_layers_measured(struct analog_layers *l, const struct analog_state *s,
                            const struct analog_state *exact);
void analog_layers_release(struct analog_layers *l); // takes a zeroed one

#endif
