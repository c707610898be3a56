/* dataflow/crossbar/converter.h -- from the sum of a column to its code.
 *
 *     code(s) = clamp(round(s / step), least, most) * step        ties to even
 *
 * A column of differences has codes of either sign, -2^(bits-1) to 2^(bits-1) - 1; others have
 * 0 to 2^bits - 1. step is a whole number of units of weight times input.
 */
#ifndef DATAFLOW_CROSSBAR_CONVERTER_H
#define DATAFLOW_CROSSBAR_CONVERTER_H

#include <stdbool.h>
#include <stdint.h>

struct converter {
    int64_t step;        // at least 1
    int64_t least, most; // codes
};

/* A converter of 1 to 32 bits that reaches `range`, at least 1: step is rounded up. */
struct converter converter_of(uint32_t bits, int64_t range, bool both_signs);

/* One that every sum passes unchanged. */
struct converter converter_exact(void);

int64_t converter_code(const struct converter *c, int64_t sum); // times step

/* Whether the code of this sum is at its end while the sum rounds to beyond it. */
bool converter_clips(const struct converter *c, int64_t sum);

/* Whether every sum from least to most is its own code. */
bool converter_passes(const struct converter *c, int64_t least, int64_t most);

#endif
