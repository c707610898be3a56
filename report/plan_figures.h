/* report/plan_figures.h -- figures that follow from a plan alone, and names that people read. */
#ifndef REPORT_PLAN_FIGURES_H
#define REPORT_PLAN_FIGURES_H

#include "dataflow/plan/plan.h"

/* Images per second of a batch of n images, n at least 1; first_result in elapsed timesteps. The
 * batch ends (n - 1) intervals after it, and what the images take to settle (plan_late()). */
double batch_throughput(const struct plan *p, uint64_t first_result, uint64_t n);

double timesteps_us(const struct plan *p, uint64_t timesteps);

/* Devices that hold weights, over the devices of the core's array and of all arrays. */
double core_utilization(const struct plan *p, uint32_t core);
double chip_utilization(const struct plan *p);

/* Attention's share of a network's multiply-accumulates; its first layer, n_layer when there is
 * none. */
double   attention_share(const struct network *n);
uint32_t first_attention(const struct plan *p);

/* Of all the pixels that wait at a layer's summing cores at most. */
uint64_t residual_fifo_bytes(const struct plan *p, uint32_t layer);

/* The core that uses most of a timestep in stage s; false when no core has the stage. */
bool worst_core(const struct plan *p, enum stage s, uint32_t *core);

/* The core whose stages take the longest together, each in its worst timestep. */
uint32_t busiest_core(const struct plan *p, uint64_t *clocks);

double share_of_timestep(const struct plan *p, uint64_t clocks);

/* Residual pixels that wait at the core. */
uint32_t core_fifo(const struct plan *p, uint32_t core);

/* Names for people; stage_name() and stream_kind_name() are keys. */
const char *stage_title(enum stage s);
const char *stream_title(enum stream_kind k);

/* "presentation" where an image has several, each of which passes the chip as an image; "image". */
const char *plan_pass_word(const struct plan *p);

/* Names of a stream's ends: cores, or the chip's edge. */
const char *stream_from(const struct plan *p, const struct plan_stream *s);
const char *stream_to(const struct plan *p, const struct plan_stream *s);

#endif
