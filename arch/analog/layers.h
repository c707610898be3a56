/* arch/analog/layers.h -- the cores of a chip at a time, as network/values computes with them. */
#ifndef ARCH_ANALOG_LAYERS_H
#define ARCH_ANALOG_LAYERS_H

#include "arch/analog/chip.h"
#include "network/values/values.h"

struct analog_layers {
    struct value_cores *layer;  // owned; [n_layer of the network]
    struct value_core  *core;   // owned; those of all layers
    int16_t            *weight; // owned; of all cores
};

/* Whether values can be computed layer by layer: every output of a layer is one core's column, the
 * same for all pixels. Not with replicas, whose outputs see the devices of one another's rows, nor
 * with copies. */
bool analog_by_layer(const struct plan *p);

/* Of such a plan. False when the host has no memory; then *l is zero. */
bool analog_layers_init(struct analog_layers *l, const struct analog_state *s);
void analog_layers_release(struct analog_layers *l); // takes a zeroed one

#endif
