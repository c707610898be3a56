/* cli/run/neuron_trace.h -- what chosen neurons of a network do with the first image, step by step.
 * */
#ifndef CLI_RUN_NEURON_TRACE_H
#define CLI_RUN_NEURON_TRACE_H

#include <stdint.h>

#include "cli/options.h"
#include "study/study.h"

struct neuron_trace {
    const char *name;   // borrowed; of their layer. NULL: none were chosen
    uint32_t    first, n, steps; // neurons in the map's order: column, row, channel
    bool        fires;
    int32_t    *spikes; // owned; [n][steps]
    double     *v;      // owned; [n][steps], behind a step: in thresholds, where they fire
};

/* Of o->neurons, "LAYER" or "LAYER:FIRST-LAST", and the first of the run's images. ERR_INPUT: no
 * such layer or neurons. On error *t is zero. */
enum err neuron_trace_make(struct neuron_trace *t, const struct options *o, const struct study *s,
                           struct err_msg *m);
void     neuron_trace_release(struct neuron_trace *t);

#endif
