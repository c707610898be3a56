/* arch/event/core.h -- a core that works when spikes come, not when a clock says so.
 *
 * A spike is an address. Each address, one source of the layer, has a request, which a spike
 * raises; a spike on a request that is up already is merged with it, and lost. An arbiter serves
 * one request at a time:
 *
 *     choice   at a; the request falls, the row of the array is read for `service`
 *     row      at b = a + service: the row's weights are the neurons' currents, which act at once
 *     spikes   of neurons that fire then are at the next cores at b + hop
 *
 * A source of a map is seen by several positions of the next one: it is as many rows, read one
 * behind the other, each for the neurons of one position. A source that no window sees is dropped.
 *
 * What arrives at a time is registered before the choice of that time. A cycle is a nanosecond.
 * Arbiter and neurons may have clocks of their own, whose edge k of f kHz is at
 * ceil(k 10^6 / f) ns: choices are made at edges of the arbiter's, service is some of its cycles,
 * and neurons act at the first edge of theirs that is not before b.
 *
 * Neurons are those of network/spiking/neuron.h, a row a step. Cores that share a layer have some
 * channels each, of every position, and requests of their own. The machines are muBrain (J. Stuijt
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
#include "core/counter.h"
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

/* arrived = merged + unseen + requests + requests that are still up, or served. */
#define EVENT_COUNTERS(X)                                                                          \
    X(arrived,      "spike",   "spikes that came")                                                 \
    X(merged,       "spike",   "of them lost: their request was up already")                       \
    X(unseen,       "spike",   "of them dropped: no window sees their source")                     \
    X(requests,     "request", "requests served")                                                  \
    X(rows,         "row",     "rows read and taken by the neurons")                               \
    X(rows_in_time, "row",     "of them before the recording ends")                                \
    X(synapses,     "op",      "synaptic operations: rows times their neurons")                    \
    X(spikes,       "spike",   "spikes fired")                                                     \
    X(wait_ns,      "ns",      "between a request and its choice, all requests")                   \
    X(busy_ns,      "ns",      "of reading rows")                                                  \
    X(late_ns,      "ns",      "that rows wait for the edge of the neurons' clock")

struct event_counts {
    EVENT_COUNTERS(COUNTER_FIELD)
};
extern const struct counter event_counter_rows[];

struct event_visit { // of a source: a row, for the neurons of a position
    uint32_t row, position;
};

struct event_layer { // what cores hold; borrowed for their life
    const char          *name;
    uint32_t             sources, outputs;
    uint32_t             rows, channels; // of the matrix; outputs are whole positions of channels
    const int32_t       *weight;   // [channels][rows], as a network's layer has it
    const struct neuron *neuron;   // of its channels, alike at every position
    const uint32_t      *begin;    // [sources + 1]: source s is visit[begin[s]] and those up to
    const struct event_visit *visit; // visit[begin[s + 1]]; NULL: it is row s, of one position
    uint32_t             cores;    // that share the channels out, the first ones more; 0: one
};

struct event_core {
    struct block               block;  // first
    const struct event_timing *timing; // borrowed, and so are the next
    const struct event_layer  *layer;
    struct chan              **in, **out; // [n_in], [n_out]: from and to cores beside one another
    uint32_t  n_in, n_out;
    uint32_t  first, channels; // of the layer's, that are its own
    uint32_t  outputs;   // channels times positions
    struct neuron neuron; // of its channels; arrays are the layer's
    int64_t  *weight;    // owned; [rows][channels]: currents
    int64_t  *v;         // owned; [position][channel]: potentials
    int32_t  *fired;     // owned; likewise: by the latest row of the position
    uint64_t *n_fired;   // owned; likewise: since the beginning
    uint8_t  *up;        // owned; [sources]: requests
    uint64_t *since_ns;  // owned; [sources]: when they were raised
    uint32_t  n_up, last;
    bool      serving, acting; // a row is read; one waits for the neurons' edge
    uint32_t  at, at_end;      // visits of the source that is served, from that of the row on
    struct event_visit row, acting_row;
    uint64_t  served_ns, act_ns, end_ns; // the last: when the recording ends
    struct event_counts counts;
    uint64_t  longest_wait_ns, last_ns; // the last: when the neurons acted last
};

/* The core-th of those that hold the layer. False when the host has no memory; then *c is zero.
 * Channels are the caller's to set. */
bool event_core_init(struct event_core *c, const char *path, const struct event_layer *layer,
                     uint32_t core, const struct event_timing *timing);
void event_core_release(struct event_core *c); // takes a zeroed one

/* Forgets all; the recording that comes ends then. */
void event_core_begin(struct event_core *c, uint64_t end_ns);

/* Output of the layer that output i of the core is. */
static inline uint32_t event_core_output(const struct event_core *c, uint32_t i)
{
    return i / c->channels * c->layer->channels + c->first + i % c->channels;
}

/* Bytes of a payload of so many addresses. */
static inline size_t event_spikes_bytes(uint32_t most)
{
    return sizeof(struct event_spikes) + most * sizeof(uint32_t);
}

/* When edge k of a clock is, and the first edge that is not before t_ns. */
uint64_t event_edge_ns(uint32_t khz, uint64_t k);
uint64_t event_edge_from(uint32_t khz, uint64_t t_ns);

#endif
