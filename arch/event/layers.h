/* arch/event/layers.h -- what event cores hold of a plan's network: a layer with weights each,
 * whose sources are the outputs of the one before. Pools of spikes between them are wires: a source
 * of the next layer is seen by all windows that see its pixel in one of theirs. */
#ifndef ARCH_EVENT_LAYERS_H
#define ARCH_EVENT_LAYERS_H

#include "arch/event/core.h"
#include "core/err.h"
#include "dataflow/plan/plan.h"

struct event_layers {
    uint32_t            n;
    struct event_layer *layer;      // owned, and so is what each points to but for the neuron
    uint32_t           *plan_layer; // owned; [n]
};

/* ERR_INPUT names a layer that no event core can be, and a cure. */
enum err event_layers_check(const struct network *n, struct err_msg *m);

/* Sources of a layer with weights: outputs of the one before, behind which there may be pools. */
uint64_t event_sources(const struct network *n, uint32_t layer);

/* Of a plan whose clocking is `event`, and whose network has been checked so and has values. On
 * error *l is zero. */
enum err event_layers_of(struct event_layers *l, const struct plan *p, struct err_msg *m);
void event_layers_release(struct event_layers *l); // takes a zeroed one

/* The machine's timing as the configuration states it. */
struct event_timing event_timing_of(const struct config *c);

#endif
