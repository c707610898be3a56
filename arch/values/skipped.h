/* arch/values/skipped.h -- reads that zeros save in networks of neurons, from maps instead of
 * firings: core.crossbar.skip_zero_rows and skip_zero_patches.
 *
 * A product of a step reads its slices' rows in groups of rows_at_once; of those whose digit is not
 * 0, or all where any is not:
 *
 *     skip_rows      reads = sum over slices  ceil(rows that are on / rows_at_once)
 *     skip_products  reads = 0 where no row is on, else all
 *
 * A chip without values counts every product whole (arch/units/array_sliced.c): what is less of
 * reads, conversions and additions is taken off. Times are the worst case and stay.
 */
#ifndef ARCH_VALUES_SKIPPED_H
#define ARCH_VALUES_SKIPPED_H

#include "arch/values/tally.h"

struct skipped; // of one thread

/* For images that are fired as `image` of the log was (arch/values/firing_groups.h). NULL when the
 * host has no memory. */
struct skipped *skipped_new(const struct plan *p, const struct firing_log *l, uint64_t image);
void skipped_free(struct skipped *s); // takes NULL

/* A step of what plan layer `layer`, which multiplies, reads: a whole map of values. padding: a
 * value of it. */
void skipped_see(struct skipped *s, uint32_t layer, const struct value_map *map, int32_t padding);

/* Takes what was saved off the counters of core[plan->n_core], modulo 2^64: they may be of a part
 * of the run that the products themselves are not in. Once. */
void skipped_count(const struct skipped *s, struct core_counters *core);

#endif
