/* arch/analog/converter.h -- what stands behind a column of devices: a converter with errors, and
 * the digital scale of its core.
 *
 *     code = clamp(rne(v gain / step + offset + noise N), least, most)
 *     y    = rne(code step k / 128)
 *
 * v is a sum in 1/128 of a weight times an input, as are steps; offset and noise are in steps; N is
 * standard normal, drawn anew for each conversion. gain and offset belong to a column's converter
 * for ever. Without errors all is integer, and with a step of at most 128 and codes that reach, y
 * is v / 128: rounding takes the step's error away.
 */
#ifndef ARCH_ANALOG_CONVERTER_H
#define ARCH_ANALOG_CONVERTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/rng.h"
#include "dataflow/crossbar/converter.h"

struct analog_converter { // of a column
    struct converter code; // its step in 1/128
    double gain, offset;
};

/* Of so many bits, that reaches `range` weights times inputs; without errors. */
struct analog_converter analog_converter_of(uint32_t bits, int64_t range, bool both_signs);

/* converter[n] of the columns of a core, each off by chance: gain and offset of column i are pair
 * first + i of the place. */
void analog_converters_spread(struct analog_converter *converter, size_t n, double gain_sd,
                              double offset_sd, struct rng place, uint64_t first);

/* The code of v, times step; noise: what is drawn for this conversion, in steps. Counts it if the
 * code is at its end and v rounds to beyond it. |v| is below 2^47. */
int64_t analog_convert(const struct analog_converter *c, int64_t v, double noise,
                       uint64_t *n_clipped);

/* rne(v k / 128), k in 2^-30, exact for |v| below 2^47. */
int64_t analog_digital(int64_t v, uint32_t k);

#endif
