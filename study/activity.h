/* study/activity.h -- what inputs did in a run with images, for runs that have none.
 *
 * A result of `imcsim run --images SET --json FILE` says of each layer how many driven rows had an
 * input that was not 0, how large inputs and their digits were, and what their products with the
 * weights' magnitudes came to. A timing run of the same network counts the same of its inputs:
 *
 *     active_rows, sum_abs_x, sum_digits    of a driven row as there, in the mean of the layer
 *     sum_abs_xw                            of an image as there, dealt to the layer's cores by
 *                                           the cells that they drive
 *
 * so that on the same machine a layer costs what it cost there, and on another one what such inputs
 * cost in its arrays. Digits are those of inputs in slices of the same bits.
 */
#ifndef STUDY_ACTIVITY_H
#define STUDY_ACTIVITY_H

#include "core/err.h"
#include "study/run.h"
#include "study/study.h"

/* core[plan->n_core]: the counters of a timing run of s, whose value counters are set to those of
 * the file at `path`. ERR_INPUT names file, layer and cure. */
enum err activity_apply(struct core_counters *core, const struct study *s, uint64_t n_image,
                        const char *path, struct err_msg *m);

#endif
