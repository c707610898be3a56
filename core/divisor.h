/* core/divisor.h -- exact division by a number that stays the same, without the division.
 *
 *     n / d = floor(n * m / 2^64),  m = ceil(2^64 / d)
 *
 * With e = m * d - 2^64 < d the product is n / d + n * e / (d * 2^64): as long as n * e < 2^64 that
 * is less than 1 / d too much, and the floor is right (Granlund and Montgomery 1994). n * d < 2^64
 * is enough; other n are divided.
 */
#ifndef CORE_DIVISOR_H
#define CORE_DIVISOR_H

#include <assert.h>
#include <stdint.h>

struct divisor {
    uint64_t d, m;
    uint64_t most; // n up to it are multiplied
};

static inline struct divisor divisor_of(uint64_t d)
{
    assert(d > 0);
    return (struct divisor){ d, UINT64_MAX / d + 1, d == 1 ? 0 : UINT64_MAX / d };
}

static inline uint64_t quotient(uint64_t n, const struct divisor *v)
{
    __extension__ typedef unsigned __int128 wide;

    return n <= v->most ? (uint64_t)((wide)n * v->m >> 64) : n / v->d;
}

static inline uint64_t remainder_of(uint64_t n, const struct divisor *v)
{
    return n - quotient(n, v) * v->d;
}

#endif
