/* network/tokens/numbers.c -- see numbers.h. */
#include "network/tokens/numbers.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

static double round_fp32(double v)
{
    return (float)v;
}

/* The power of two that a normal number begins with. */
static double leading(double size)
{
    uint64_t bits;

    memcpy(&bits, &size, sizeof bits);
    bits &= UINT64_C(0x7ff) << 52;
    memcpy(&size, &bits, sizeof bits);
    return size;
}

/* Of 8 bits from the leading one on, or from that of the least normal number. */
static double round_bf16(double v)
{
    const double size = fabs(v), least = 0x1p-126, beyond = 0x1.ffp127; // halfway to 2^128

    if (!(size < beyond))
        return size >= beyond ? copysign(INFINITY, v) : v; // which is no number
    const double place = size >= least ? leading(size) : least;
    return nearbyint(v / place * 0x1p7) * (place * 0x1p-7);
}

static const struct number_format formats[] = {
    [NUMBERS_FP32] = { "fp32", round_fp32 },
    [NUMBERS_BF16] = { "bf16", round_bf16 },
};

const struct number_format *number_format_of(enum number_kind n)
{
    assert(n < N_NUMBERS);
    return n == NUMBERS_DOUBLE ? NULL : &formats[n];
}
