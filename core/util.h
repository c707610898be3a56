/* core/util.h -- arithmetic every model needs, written and tested once. */
#ifndef CORE_UTIL_H
#define CORE_UTIL_H

#include <assert.h>
#include <stdint.h>

/* Smallest q with q * d >= n. */
static inline uint64_t ceil_div(uint64_t n, uint64_t d)
{
    assert(d > 0);
    return n / d + (n % d != 0);
}

/* Smallest multiple of d that is at least n. */
static inline uint64_t round_up(uint64_t n, uint64_t d)
{
    return ceil_div(n, d) * d;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static inline uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static inline int32_t min_i32(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static inline int32_t max_i32(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static inline int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* n things dealt into `parts` shares as evenly as possible, the larger shares first: where
 * share `index` begins. share_begin(n, parts, parts) == n. */
static inline uint32_t share_begin(uint32_t n, uint32_t parts, uint32_t index)
{
    assert(parts > 0 && index <= parts);
    return index * (n / parts) + min_u32(index, n % parts);
}

#endif
