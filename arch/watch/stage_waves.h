/* arch/watch/stage_waves.h -- waveforms of a chip under elastic clocking: a row for each stage, as
 * a value change dump (traces/vcd.h).
 *
 * The signals, their values and the filter are described in docs/waveforms.md.
 */
#ifndef ARCH_WATCH_STAGE_WAVES_H
#define ARCH_WATCH_STAGE_WAVES_H

#include "arch/watch/stages.h"
#include "arch/watch/waves.h"

struct stage_waves;

/* cfg's window is in clocks. ERR_INPUT when a part of the scope matches nothing. On success the
 * caller owns *w; plan and result are borrowed. */
enum err stage_waves_new(struct stage_waves **w, const struct plan *p,
                         const struct elastic_result *r, const struct waves_cfg *cfg,
                         struct err_msg *m);
void stage_waves_free(struct stage_waves *w); // takes NULL

/* For stages_new(). */
struct stages_sink stage_waves_sink(struct stage_waves *w);

/* After stages_end(): completes what was written. */
void stage_waves_end(struct stage_waves *w);

#endif
