/* arch/watch/waves.h -- waveforms of a chip: what its cores do, as a value change dump
 * (traces/vcd.h).
 *
 * The signals, their meaning and the filter are described in docs/waveforms.md.
 */
#ifndef ARCH_WATCH_WAVES_H
#define ARCH_WATCH_WAVES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "arch/watch/journal.h"
#include "core/err.h"
#include "dataflow/plan/plan.h"

struct waves;

struct waves_cfg {
    FILE       *out;   // borrowed; its errors are the caller's to look for
    const char *scope; // "conv1,conv2*:fire", shell patterns; NULL: every signal of every core
    bool        windowed; // only timesteps of the plan from first to last, both included:
    uint64_t    first, last;
};

/* ERR_INPUT when a part of the scope matches nothing. On success the caller owns *w. */
enum err waves_new(struct waves **w, const struct plan *p, const struct waves_cfg *cfg,
                   struct err_msg *m);
void waves_free(struct waves *w); // takes NULL

/* For journal_new(). */
struct journal_sink waves_sink(struct waves *w);

/* After journal_end(): completes what was written. */
void waves_end(struct waves *w);

#endif
