/* network/spiking/spikes.h -- what a network of neurons makes of an image, step by step.
 *
 * Work grows with spikes: a value that is not 0 adds its weights to the sums of the outputs that
 * see it, and the neurons of a layer act once all of its inputs have come. Layer l sees step t of
 * layer l - 1 as its own step t.
 */
#ifndef NETWORK_SPIKING_SPIKES_H
#define NETWORK_SPIKING_SPIKES_H

#include <stdint.h>

#include "network/network.h"
#include "network/spiking/counts.h"

struct value_watch;

/* A network made ready, and the state of one image. */
struct spikes;

/* n is borrowed; each of its layers but the image and those of average pools has a neuron. NULL
 * when the host has no memory. */
struct spikes *spikes_new(const struct network *n);
void spikes_free(struct spikes *s); // takes NULL

/* What is done from now on is counted, borrowed; NULL: it is not. */
void spikes_count(struct spikes *s, struct spike_counts *counts);

/* Presents an image, n->present.steps times, to neurons that have forgotten the one before:
 * [column][row][channel] pixels; `number` is what is drawn by. watch: NULL for nobody; it sees the
 * maps of every step, of one lane. */
void spikes_run(struct spikes *s, const uint8_t *image, uint64_t number,
                const struct value_watch *watch);

/* The same step by step: forgets, and presents what comes at step t, in order, an input map of the
 * network's first layer, [column][row][channel]. */
void spikes_forget(struct spikes *s);
void spikes_step(struct spikes *s, const int32_t *input, uint32_t t,
                 const struct value_watch *watch);

/* Result i of the last layer: how often it has fired; of one that never does, its potential. */
int64_t spikes_result(const struct spikes *s, size_t i);

/* Potential of output i of a layer's map, [column][row][channel], and what it has just delivered
 * (before it is pooled): spikes, or the sum of an average pool. */
int64_t spikes_potential(const struct spikes *s, uint32_t layer, size_t i);
int32_t spikes_delivered(const struct spikes *s, uint32_t layer, size_t i);

#endif
