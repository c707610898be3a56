/* study/event.h -- recordings on event cores: what spikes come when, machines that run them, what
 * they counted. */
#ifndef STUDY_EVENT_H
#define STUDY_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/event/layers.h"
#include "arch/event/machine.h"
#include "core/err.h"
#include "core/kernel.h"
#include "dataflow/plan/plan.h"
#include "traces/images/images.h"

struct event_core_result { // of all recordings
    struct event_counts counts;
    bool     holds; // weights: it is an event core, and no pool
    uint64_t longest_wait_ns;
    uint64_t last_ns; // latest after the beginning of a recording that its neurons acted
};

struct event_result { // of all recordings
    uint32_t  n_core, n_layer;
    struct event_core_result *core; // owned; by plan core, zero where it holds no weights
    uint64_t  events;      // that came from outside
    uint64_t  recorded_ns; // how long the recordings are
    uint64_t  active_ns;   // from their beginning to the last row of each
    uint64_t  longest_ns;  // of them
    uint64_t  elapsed_ns;  // of each the longer of both
};

bool event_result_init(struct event_result *r, const struct plan *p); // false without memory
void event_result_release(struct event_result *r); // takes a zeroed one
void event_result_add(struct event_result *a, const struct event_result *b);

/* How long a recording is: its steps, input.bin_us each. */
uint64_t event_recording_ns(const struct plan *p);

/* Machines of a plan, one for each thread. */
struct event_study;
enum err event_study_new(struct event_study **s, const struct plan *p, enum kernel_kind kernel,
                         enum kernel_mode mode, struct err_msg *m);
void event_study_free(struct event_study *s); // takes NULL

/* Runs recording `number` and adds what it counted; *class_: the output of the last layer that
 * fired most, or whose potential is largest where none fires. Either of events, in any order; or,
 * where events is NULL, an image as the network presents it: what is not 0 at step t is as many
 * spikes t input.bin_us after the beginning. */
enum err event_study_run(struct event_study *s, uint64_t number, struct image_events *events,
                         const uint8_t *image, struct event_result *r, uint32_t *class_,
                         struct err_msg *m);

#endif
