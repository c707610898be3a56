/* dataflow/mapper/times.h -- when the first image's outputs are delivered, one layer at a time.
 *
 * The rule of dataflow/plan/rules.h for the one image that sets the latency, on plain tables, so
 * that a search can time one layer under many options. Of every layer it keeps done[column *
 * height + row], the timestep in which the output is delivered: its sum is complete, or the pool is
 * (one entry then). What a layer waits for does not depend on its own option:
 *
 *     ready(row, column)     every pixel of its patch is stored, one hop after the last was
 *                            delivered
 *     residual(row, column)  its residual can be there: two hops after delivery where it is
 *                            read back from a memory, one where it is sent
 *
 * **Monotone.** Let g(p) be how many outputs of a copy are done one firing after p were, when all
 * are ready: p + n but not beyond the column or block. g does not fall, and after timestep t p(t) =
 * min(g(p(t - 1)), R(t)), with R(t) the outputs before the first one that is not ready. So more or
 * earlier inputs never make p(t) less. The one exception is a sum that waits for its residual: of
 * two firings that wait the second is summed a timestep after the first, which one firing of both
 * is not. With `relaxed` those are summed together; this is monotone and never later.
 */
#ifndef DATAFLOW_MAPPER_TIMES_H
#define DATAFLOW_MAPPER_TIMES_H

#include <stdbool.h>
#include <stdint.h>

#include "dataflow/mapper/mapper.h"

struct mapper_times;

/* ERR_INPUT when a network is not timed (one that adds the image itself). */
enum err mapper_times_new(struct mapper_times **t, const struct mapper *mp, struct err_msg *m);
void mapper_times_free(struct mapper_times *t); // takes NULL

/* Entries of a layer's table. */
uint32_t mapper_times_size(const struct mapper *mp, uint32_t layer);

/* The last layer whose times need those of `layer`; itself if none. */
uint32_t mapper_times_last_reader(const struct mapper_times *t, uint32_t layer);

/* Takes the tables of the layers before: done[layer], NULL where no reader is left. */
void mapper_times_inputs(struct mapper_times *t, uint32_t layer, const int64_t *const *done);

/* Times the layer of the last mapper_times_inputs() under one of its options. False when every
 * output was computed as soon as it was ready, so that no option is earlier. */
bool mapper_times_layer(struct mapper_times *t, const struct mapper_option *o, bool relaxed,
                        int64_t *done);

/* The same, no later than under any option. */
void mapper_times_least(struct mapper_times *t, int64_t *done);

/* first_result, with the times of the last layer. */
uint64_t mapper_times_result(const struct mapper *mp, const int64_t *done);

/* Whether the memories of the layer just timed can do what this one image and layer ask of them:
 * keep each pixel until the crossbar has read it, so that the pixel `memory_columns` columns on
 * comes later; and write and read their words in a timestep. False is certain; true is not, since
 * later images and pixels that are read back ask for more. `careful` is not: it assumes that as
 * many pixels are read back as a firing computes. */
bool mapper_times_fits(struct mapper_times *t, const struct mapper_option *o, bool careful);

/* first_result of a whole mapping, as plan_make() gives it. */
uint64_t mapper_times_first_result(struct mapper_times *t, const uint32_t *choice);

#endif
