/* arch/analog/converter.c -- see converter.h. */
#include "arch/analog/converter.h"

#include <assert.h>
#include <math.h>

#include "arch/analog/draw.h"

enum { UNITS = 128, SHIFT = 37, HALF_BITS = 32 }; // of a weight; of v k

#define MOST_SUM (INT64_C(1) << 47)

struct analog_converter analog_converter_of(uint32_t bits, int64_t range, bool both_signs)
{
    assert(range >= 1 && range < MOST_SUM / UNITS);
    return (struct analog_converter){ converter_of(bits, UNITS * range, both_signs), 1, 0 };
}

void analog_converters_spread(struct analog_converter *converter, size_t n, double gain_sd,
                              double offset_sd, struct rng place, uint64_t first)
{
    for (size_t i = 0; i < n; i++) {
        double pair[2];
        draw_normals(place, first + i, 1, pair);
        converter[i].gain = 1 + gain_sd * pair[0];
        converter[i].offset = offset_sd * pair[1];
    }
}

/* To the nearest whole number, ties to even; far beyond all codes to one that is beyond them. */
static int64_t nearest(double x)
{
    const double shift = 0x1.8p52, most = 0x1p50;

    x = x < -most ? -most : x > most ? most : x;
    return (int64_t)((x + shift) - shift);
}

/* A quotient is rounded as an exact one would be: what is no tie is at least 1 / (2 step) away from
 * one, and the double's error is below |v| / step 2^-53. */
int64_t analog_convert(const struct analog_converter *c, int64_t v, double noise,
                       uint64_t *n_clipped)
{
    const struct converter *k = &c->code;

    assert(v > -MOST_SUM && v < MOST_SUM);
    int64_t code = nearest((double)v * c->gain / (double)k->step + c->offset + noise);
    int64_t kept = code < k->least ? k->least : code > k->most ? k->most : code;
    *n_clipped += code != kept;
    return kept * k->step;
}

int64_t analog_digital(int64_t v, uint32_t k)
{
    /* v k = high 2^32 + low, low from 0 to 2^32 - 1 */
    int64_t upper = v >> HALF_BITS;
    uint64_t lower = ((uint64_t)v & UINT32_MAX) * k;
    int64_t high = upper * (int64_t)k + (int64_t)(lower >> HALF_BITS);
    uint64_t rest = ((uint64_t)high << HALF_BITS | (lower & UINT32_MAX)) &
                    ((UINT64_C(1) << SHIFT) - 1);
    int64_t floor = high >> (SHIFT - HALF_BITS);
    const uint64_t half = UINT64_C(1) << (SHIFT - 1);

    assert(v > -MOST_SUM && v < MOST_SUM);
    return floor + (rest > half || (rest == half && floor % 2 != 0));
}
