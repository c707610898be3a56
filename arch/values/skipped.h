/* arch/values/skipped.h -- reads that zeros save (rows_on.h), of every product of images, from maps
 * instead of firings.
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

/* A column of what plan layer `layer` reads, as rows_on_see() takes it. */
void skipped_see(struct skipped *s, uint32_t layer, const struct value_map *map, uint32_t column,
                 uint32_t n_lane, int32_t outside);

/* Takes what was saved off the counters of core[plan->n_core], modulo 2^64: they may be of a part
 * of the run that the products themselves are not in. Once. */
void skipped_count(const struct skipped *s, struct core_counters *core);

#endif
