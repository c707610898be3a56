/* arch/units/ranges.h -- what the converters of each core reach, where calibration said it
 * (core.readout.range = percentile; arch/units/gauge.h finds it).
 *
 * Every column of an array has its entry, in units of weight times input: column c of slice j at
 * j * columns + c, the column of ones behind them all. Analog arrays, whose sums are in 1/128 of a
 * weight, take 128 times it.
 */
#ifndef ARCH_UNITS_RANGES_H
#define ARCH_UNITS_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/units/array.h"
#include "dataflow/plan/plan.h"

struct ranges {
    uint32_t n_core; // of the plan
    struct core_ranges {
        uint32_t n;
        int64_t *range; // owned; [n]; NULL where nothing is calibrated
    } *core; // owned
};

/* All entries 1. False without memory; then *r is zero. */
bool ranges_init(struct ranges *r, const struct plan *p);
void ranges_release(struct ranges *r); // takes a zeroed one

/* What a code of this column reaches: the range of the configuration, or that of calibration. */
int64_t converter_range(const struct array_matrix *m, uint32_t slice, uint32_t column);

#endif
