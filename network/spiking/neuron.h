/* network/spiking/neuron.h -- outputs that remember from one presentation of an image to the next.
 *
 * Each output of a layer has a potential V, a whole number, which is 0 before the first step of an
 * image. At a step whose spikes stand for 2^w (network/spiking/coding.h)
 *
 *     V += leak          V = rne(V * beta, 16)
 *     V += current       (acc * m[o] << w) + (r * mr[o] << w) + b[o] where the step adds it; an r
 *                        that is a current itself has its 2^w already
 *     V -= theta[o] * (S of the step before) << w        reset: delayed; all steps have the same w
 *     V  = min(max(V, floor), ceiling)                    in multiples of theta[o]
 *     S  = [V >= theta[o] << w], or floor(V / (theta[o] << w)), at most `most`
 *     V -= theta[o] * S << w | V = reset_to[o] if S > 0   reset: subtract | zero
 *
 * and delivers S, or what it fired delay[o] steps before. acc is the sum of the inputs as
 * network/network.h has it, without zero points, r the residual. A neuron with a synapse has a
 * second state J, to which the current goes:
 *
 *     J  = rne(J * alpha[o], 16) + current                V += rne(J * out[o], 16) + leak[o]
 *
 * Sources: Kim 2019, eq. 4.2 to 4.7 (subtract, phase coding); Eshraghian and others 2022, eq. 1 and
 * snnTorch (delayed); NIR, Pedersen and others 2024 (if, lif, li, synapses, delays).
 */
#ifndef NETWORK_SPIKING_NEURON_H
#define NETWORK_SPIKING_NEURON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "network/spiking/params.h"

enum neuron_reset { NEURON_SUBTRACT, NEURON_ZERO, NEURON_DELAYED, NEURON_NO_RESET };

enum { NEURON_FIRED = 1, NEURON_READY = 2 };

enum { NEURON_LEAK_BITS = 16, NEURON_NO_LEAK = 1 << NEURON_LEAK_BITS };

struct synapse { // owned: entries for each output, in 65,536ths but for `leak`
    uint32_t *alpha; // what a step leaves of J
    int64_t  *out, *leak;
};

struct neuron { // of a layer; arrays owned, one entry for each output
    const struct neuron_kind *kind;
    uint32_t          n;    // outputs
    uint32_t         *beta; // what a step leaves of V, of NEURON_NO_LEAK
    enum neuron_reset reset;
    int64_t          *reset_to; // NULL: 0
    struct synapse    synapse;  // alpha NULL: none
    uint32_t         *delay;    // steps; NULL: 0
    uint32_t          floor, ceiling; // in thresholds, or NEURON_UNBOUNDED
    int32_t           most;  // spikes of a step
    double            unit;  // what 2^fraction_bits of V are worth in the network's own terms; 0:
    uint32_t          fraction_bits; // nobody says
    double            error; // largest of a weight, in `unit`
    uint32_t          skip;  // of what never fires: steps whose currents are not counted
    int64_t          *theta, *m, *b;
    int64_t          *mr;    // NULL: no residual
};

struct neuron_step { // of the outputs of one pixel
    uint32_t       n, weight;
    uint32_t       least_weight; // of all steps
    bool           plain;        // neuron_is_plain()
    const int64_t *current;
    int64_t       *v, *j;  // j: NULL without synapses
    int32_t       *spikes; // of the step before, and then of this one
};

struct neuron_kind {
    const char *name, *doc;
    bool        fires;    // delivers spikes
    bool        leaks;    // as configured
    bool        delivers_current; // neither remembers nor fires: a current of the same step
    /* Returns NEURON_FIRED where it delivers a spike, NEURON_READY where a state is at a threshold
     * already, so that the next step may fire without a current. */
    unsigned (*step)(const struct neuron *n, const struct neuron_step *s);
};

extern const struct neuron_kind neuron_kinds[]; // ends with a row without a name

/* The row called so; NULL where there is none. */
const struct neuron_kind *neuron_kind_find(const char *name);

struct network;

/* Words of state that a layer keeps from one step of an image to the next: a potential of each
 * output, and of one with a synapse its second state. 0 of a layer that remembers nothing, and
 * where all steps of an output come at once, so that a register holds what it remembers. Each word
 * is read and written once a step. */
uint64_t network_state_words(const struct network *n, uint32_t layer);

/* Outputs of a layer that remember and are compared, or added up, in every step. */
uint64_t network_neurons(const struct network *n, uint32_t layer);

/* A neuron of n outputs, all of its entries 0, m 1, beta NEURON_NO_LEAK; NULL when the host has no
 * memory. */
struct neuron *neuron_new(const struct neuron_kind *kind, uint32_t n, bool residual);
void neuron_set_leak(struct neuron *n, uint32_t beta); // of all outputs

/* Whether a step without a current, of neurons that are not ready, changes nothing but that no
 * spike is delivered. */
bool neuron_rests(const struct neuron *n);

/* Whether it subtracts, fires once and has neither leak nor bounds. */
bool neuron_is_plain(const struct neuron *n);
void neuron_free(struct neuron *n); // takes NULL

#endif
