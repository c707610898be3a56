/* arch/watch/stage_picture.h -- what each stage of a chip under elastic clocking does in time, as a
 * picture (traces/states_svg.h). */
#ifndef ARCH_WATCH_STAGE_PICTURE_H
#define ARCH_WATCH_STAGE_PICTURE_H

#include <stdio.h>

#include "arch/watch/stages.h"

struct stage_picture;

/* plan and result are borrowed. NULL when the host has no memory. */
struct stage_picture *stage_picture_new(const struct plan *p, const struct elastic_result *r);
void stage_picture_free(struct stage_picture *v); // takes NULL

/* For stages_new(). */
struct stages_sink stage_picture_sink(struct stage_picture *v);

/* After stages_end(): draws what it has seen. */
void stage_picture_end(struct stage_picture *v, FILE *out);

#endif
