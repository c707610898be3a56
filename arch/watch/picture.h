/* arch/watch/picture.h -- when each layer of a chip fires, as a picture (traces/pipeline_svg.h). */
#ifndef ARCH_WATCH_PICTURE_H
#define ARCH_WATCH_PICTURE_H

#include <stdio.h>

#include "arch/watch/journal.h"
#include "dataflow/plan/plan.h"

struct picture;

/* plan is borrowed. NULL when the host has no memory. */
struct picture *picture_new(const struct plan *p);
void picture_free(struct picture *v); // takes NULL

/* For journal_new(). */
struct journal_sink picture_sink(struct picture *v);

/* After journal_end(). */
void picture_draw(const struct picture *v, FILE *out);

#endif
