/* arch/event/core.h -- a core that works when spikes come, not when a clock says so.
 *
 * A spike is an address. Each address, one row of the array, has a request, which a spike raises;
 * a spike on a request that is up already is merged with it, and lost. An arbiter serves one
 * request at a time:
 *
 *     choice   at a; the request falls, the row is read for `service`
 *     row      at b = a + service: the row's weights are the neurons' currents, which act at once
 *     spikes   of neurons that fire then are at the next core at b + hop
 *
 * What arrives at a time is registered before the choice of that time. A cycle is a nanosecond.
 * Arbiter and neurons may have clocks of their own, whose edge k of f kHz is at
 * ceil(k 10^6 / f) ns: choices are made at edges of the arbiter's, service is some of its cycles,
 * and neurons act at the first edge of theirs that is not before b.
 *
 * Neurons are those of network/spiking/neuron.h, a row a step. The machines are muBrain (J. Stuijt
 * et al., "muBrain: an event-driven and fully synthesizable architecture for spiking neural
 * networks", Front. Neurosci. 15, 2021: no clock, 100 ns a row) and that of P. K. Chundi et al.,
 * "Always-on sub-microwatt spiking neural network based on spike-driven clock- and power-gating",
 * Front. Neurosci. 15, 2021 (17 and 70 kHz, three cycles a row).
 *
 * Not modelled: leaks between spikes, biases, rows of several cycles of neurons. */
#ifndef ARCH_EVENT_CORE_H
#define ARCH_EVENT_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/event/arbiter.h"
#include "core/block.h"
#include "core/chan.h"
#include "network/spiking/neuron.h"

enum { EVENT_MOST_KHZ = 1000000 }; // of a clock, whose edges are whole ns

struct event_timing {
    const struct arbiter *arbiter;
    uint64_t service_ns;                  // of a row; 0: service_cycles of arbiter_khz
    uint32_t service_cycles, arbiter_khz;
    uint32_t neuron_khz;                  // 0: neurons act at once
    uint64_t hop_ns;                      // at least 1
};

/* What a channel between cores carries: addresses that spiked at one time. */
struct event_spikes {
    uint32_t n;
    uint32_t source[]; // of the next core
};

struct event_counts {
    uint64_t arrived, merged, rows, spikes; // arrived = merged + rows + requests that are up, or
                                            // served
    uint64_t synapses;  // rows times outputs
    uint64_t wait_ns;   // between a request and its choice, of all rows
    uint64_t longest_wait_ns;
    uint64_t last_ns;   // when the neurons acted last
};

struct event_core {
    struct block               block; // first
    const struct event_timing *timing; // borrowed, and so are the next
    const struct neuron       *neuron;
    struct chan               *in, *out; // out: NULL behind the last
    uint32_t  sources, outputs;
    int64_t  *weight;   // owned; [sources][outputs]: currents
    int64_t  *v;        // owned; [outputs]: potentials
    int32_t  *fired;    // owned; [outputs]: by the latest row
    uint64_t *n_fired;  // owned; [outputs]: since the beginning
    uint8_t  *up;       // owned; [sources]: requests
    uint64_t *since_ns; // owned; [sources]: when they were raised
    uint32_t  n_up, last, row;
    bool      serving, acting; // a row is read; one waits for the neurons' edge
    uint32_t  acting_row;
    uint64_t  served_ns, act_ns;
    struct event_counts counts;
};

struct event_layer { // what a core holds; borrowed for its life
    uint32_t             sources, outputs;
    const int8_t        *weight; // [outputs][sources], as a network's dense layer has it
    const struct neuron *neuron;
};

/* False when the host has no memory; then *c is zero. Channels are the caller's to set. */
bool event_core_init(struct event_core *c, const char *path, const struct event_layer *layer,
                     const struct event_timing *timing);
void event_core_release(struct event_core *c); // takes a zeroed one

/* Bytes of a payload of so many addresses. */
static inline size_t event_spikes_bytes(uint32_t most)
{
    return sizeof(struct event_spikes) + most * sizeof(uint32_t);
}

/* When edge k of a clock is, and the first edge that is not before t_ns. */
uint64_t event_edge_ns(uint32_t khz, uint64_t k);
uint64_t event_edge_from(uint32_t khz, uint64_t t_ns);

#endif
