/* arch/units/gauge.h -- an array that measures: products are exact, and what its converters would
 * see is counted, until a percentile of it is known.
 *
 *     range = the least whole number that at least p % of |s| do not pass, at least 1
 *
 * s are the sums of every read of every column that a run's images make a core convert, those of
 * reads in which no row is driven too: of each column by itself, or of all columns of a core
 * together. The column of ones has a range of its own, as it has a converter of its own.
 *
 * Sums are counted in bins over an interval that is known to hold the percentile. Each run narrows
 * it to one bin, until a bin is one number: the result is exact, in memory that does not grow with
 * the images.
 *
 *     gauge_init(&g, plan);
 *     while (gauge_more(&g)) {
 *         ... the same images through chips whose arrays are gauge_array(&g) ...
 *         gauge_next(&g);
 *     }
 *     gauge_ranges(&g, &ranges);
 */
#ifndef ARCH_UNITS_GAUGE_H
#define ARCH_UNITS_GAUGE_H

#include <stdbool.h>

#include "arch/units/ranges.h"

struct gauge;

/* NULL without memory. The plan is borrowed. */
struct gauge *gauge_new(const struct plan *p);
void gauge_free(struct gauge *g); // takes NULL

/* For every core of chips that may run side by side. */
const struct imc_array_kind *gauge_array(struct gauge *g);

/* Whether another run is wanted; and after it, once its chips are freed. */
bool gauge_more(const struct gauge *g);
void gauge_next(struct gauge *g);

/* Into ranges of the same plan. */
void gauge_ranges(const struct gauge *g, struct ranges *r);

#endif
