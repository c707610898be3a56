/* core/round.h -- rounding of fixed-point numbers. */
#ifndef CORE_ROUND_H
#define CORE_ROUND_H

#include <assert.h>
#include <stdint.h>

/* t / 2^shift rounded to nearest, ties to even; exact for every t, shift 0 to 62. */
static inline int64_t round_nearest_even(int64_t t, unsigned shift)
{
    int64_t floor = t >> shift;
    uint64_t mask = (UINT64_C(1) << shift) - 1;
    uint64_t rest = (uint64_t)t & mask, odd = (uint64_t)floor & 1;

    assert(shift <= 62);
    /* 0 or 1 to add: rest, raised by just less than a half, or by a half where floor is odd. */
    return floor + (int64_t)((rest + (mask >> 1) + (odd & mask)) >> shift);
}

#endif
