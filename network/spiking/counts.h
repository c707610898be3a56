/* network/spiking/counts.h -- what a network of neurons did, added up over images: spikes by layer
 * and step, and what follows from them. */
#ifndef NETWORK_SPIKING_COUNTS_H
#define NETWORK_SPIKING_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

struct network;

struct spike_counts {
    uint32_t  n_layer, steps;
    uint64_t *spikes;  // owned; [n_layer][steps]: values delivered that are spikes, several as many
    uint64_t *events;  // owned; [n_layer]: synaptic events, a spike and a weight that it meets
    uint64_t *most_state; // owned; [n_layer]: largest |state| of a neuron, after a step
    uint64_t *right;   // owned; [steps]: images whose class after a step was that of their label
    uint32_t *class_after; // owned; [steps]: of the last image
    uint64_t *decided, *decided_right; // owned; [steps]: images that are decided after a step, by
                           // the presentation's lead or as it is the last, and of those right ones
    uint32_t  decided_at;  // step of the last image
};

/* Zeros; false when the host has no memory. */
bool spike_counts_init(struct spike_counts *c, const struct network *n);
void spike_counts_release(struct spike_counts *c); // takes a zeroed one

/* The class of the largest score, the first of equal ones; and whether it is decided: ahead of
 * every other by `lead` at least, which is not 0. score[n]. */
uint32_t spike_decision(const int64_t *score, uint32_t n, uint64_t lead, bool *decided);

/* The class after step t of an image, whose steps come from the first to the last, and whether that
 * decides it. */
void spike_counts_decide(struct spike_counts *c, uint32_t t, const int64_t *score, uint32_t n,
                         uint64_t lead);

/* Steps until an image is decided, on average; 0 of none. */
double spike_counts_mean_steps(const struct spike_counts *c);

/* Adds what the last image's classes say of its label. */
void spike_counts_judge(struct spike_counts *c, uint32_t label);

/* a += b, of the same network. */
void spike_counts_add(struct spike_counts *a, const struct spike_counts *b);

/* Of all steps. */
uint64_t spike_counts_of(const struct spike_counts *c, uint32_t layer);

/* Bits of a state of the layer's neurons, signed; 0 of a layer without. */
uint32_t spike_counts_state_bits(const struct spike_counts *c, uint32_t layer);

#endif
