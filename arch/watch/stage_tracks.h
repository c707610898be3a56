/* arch/watch/stage_tracks.h -- a timeline of a chip under elastic clocking (traces/timeline.h): a
 * track for each stage, with a slice for each time in which it works or is held up and a name that
 * says by what; counters of full buffers. docs/waveforms.md describes it.
 */
#ifndef ARCH_WATCH_STAGE_TRACKS_H
#define ARCH_WATCH_STAGE_TRACKS_H

#include <stdio.h>

#include "arch/watch/stages.h"

struct stage_tracks;

/* plan and result are borrowed, and so is out, whose errors are the caller's to look for. NULL when
 * the host has no memory. */
struct stage_tracks *stage_tracks_new(const struct plan *p, const struct elastic_result *r,
                                      FILE *out);
void stage_tracks_free(struct stage_tracks *t); // takes NULL

/* For stages_new(). */
struct stages_sink stage_tracks_sink(struct stage_tracks *t);

/* After stages_end(): completes what was written. */
void stage_tracks_end(struct stage_tracks *t);

#endif
