/* arch/event/machine.h -- event cores one behind the other, from a recording to spikes.
 *
 * Cores are blocks, spikes travel on channels, and either kernel runs them (core/kernel.h): a
 * machine needs no plan, as nothing in it is due before something came. */
#ifndef ARCH_EVENT_MACHINE_H
#define ARCH_EVENT_MACHINE_H

#include <stddef.h>
#include <stdint.h>

#include "arch/event/core.h"
#include "core/err.h"
#include "core/kernel.h"

struct event { // a spike that comes from outside
    uint64_t t_ns;
    uint32_t source; // of the first layer
};

struct event_machine;

/* ERR_INPUT names the key of core.event that is out of its range beside the others. */
enum err event_timing_check(const struct event_timing *t, struct err_msg *m);

/* ERR_INPUT names the layer whose neurons need more than rows; of *l only name, channels and
 * neuron are looked at. */
enum err event_neurons_check(const struct event_layer *l, struct err_msg *m);

/* The cores of each of the n layers, each of which has as many sources as the one before has
 * outputs. What is in *timing and layer[] is borrowed. ERR_INPUT where the timing is none, or a
 * layer's neurons need more than rows: biases, a leak, several spikes at once. On error *m is NULL.
 */
enum err event_machine_new(struct event_machine **machine, const struct event_layer *layer,
                           uint32_t n, const struct event_timing *timing, struct err_msg *m);
void event_machine_free(struct event_machine *m); // takes NULL

struct event_run {
    enum kernel_kind    kind;
    enum kernel_mode    mode;
    const struct event *event; // in order of time
    size_t              n;
    uint64_t            end_ns;   // of the recording, for event_counts.rows_in_time
    uint64_t            until_ns; // CYC_NEVER: until nothing moves
};

/* Runs a machine that remembers nothing of the run before. ERR_INPUT names an event that is out of
 * order or of no source. */
enum err event_machine_run(struct event_machine *machine, const struct event_run *run,
                           struct err_msg *m);

/* After a run; cores of a layer are beside one another. */
uint32_t event_machine_cores(const struct event_machine *m);
const struct event_core *event_machine_core(const struct event_machine *m, uint32_t i);

#endif
