/* arch/watch/tracks.h -- a timeline of a chip (traces/timeline.h): a track for each stage of each
 * core, counters, and flows that follow pixels from layer to layer. docs/waveforms.md describes it.
 *
 * A flow begins with an output of the layer that reads the image, one in every 16th of its map. It
 * goes on to the memory of the layer that follows (of several, the first in the plan), to the first
 * firing there whose patch holds the pixel, with that firing's output to the layer after it, and
 * ends with the result. Residual and resampling pixels are not followed.
 */
#ifndef ARCH_WATCH_TRACKS_H
#define ARCH_WATCH_TRACKS_H

#include <stdio.h>

#include "arch/watch/journal.h"
#include "dataflow/plan/plan.h"

struct tracks;

/* out is borrowed, its errors are the caller's to look for. NULL when the host has no memory. */
struct tracks *tracks_new(const struct plan *p, FILE *out);
void tracks_free(struct tracks *t); // takes NULL

/* For journal_new(). */
struct journal_sink tracks_sink(struct tracks *t);

/* After journal_end(): completes what was written. */
void tracks_end(struct tracks *t);

#endif
