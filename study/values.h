/* study/values.h -- the values of a run's images, layer by layer, beside a chip's timing run. */
#ifndef STUDY_VALUES_H
#define STUDY_VALUES_H

#include <stdatomic.h>

#include "arch/values/sliced_layers.h"
#include "arch/values/tally.h"
#include "core/err.h"
#include "study/run.h"

/* Images that the timing run did not go through: they fire as the last one before. */
struct stream_skip {
    uint64_t from, n; // [from, from + n)
};

struct values_cfg {
    const struct plan        *plan;
    const struct firing_log  *log; // of the timing run; may be NULL where outputs fire one by one
    struct stream_skip        skip;
    uint64_t                  n_image;
    const char               *kernel_name; // NULL: the fastest
    const struct ranges      *ranges;      // of calibrated converters; NULL: none
};

/* What all jobs share: the network made ready, and classes of pixels. */
struct values_study;
struct values_study *values_study_new(const struct values_cfg *cfg);
void values_study_free(struct values_study *s); // takes NULL

/* Where images come from: n of them one after the other, as the network has them signed. */
struct values_source {
    enum err (*next)(void *user, uint8_t *image, struct err_msg *m);
    void *user;
    const uint32_t *label; // of image i of the run, once it has come; NULL: there are none
};

/* Runs images [first, end): predicted[n_image], unless NULL, gets their classes, core[] the value
 * counters, *spikes, zeros or NULL, those of a network of neurons. ERR_MEMORY, or what the source
 * says. Stops early when *stop. */
enum err values_run(const struct values_study *s, uint64_t first, uint64_t end,
                    const struct values_source *source, uint32_t *predicted,
                    struct core_counters *core, struct spike_counts *spikes,
                    atomic_uint_fast64_t *done, atomic_bool *stop, struct err_msg *m);

/* The channel of the largest value, the first of equals. */
uint32_t largest_value(const int64_t *value, uint32_t n);

#endif
