/* network/values/tokens_portable.c -- see token_kernel.h; plain C. */
#include <stdint.h>

#define TARGET
#define DOUBLES 2

static void add_pairs(int32_t *sum, const int16_t *a, const int16_t *b, uint32_t n);

#include "network/values/token_lanes.inc"

static void add_pairs(int32_t *sum, const int16_t *a, const int16_t *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++, a += VALUE_PAIR, b += VALUE_PAIR)
        for (uint32_t lane = 0; lane < VALUE_LANES; lane++)
            sum[lane] += a[2 * lane] * b[2 * lane] + a[2 * lane + 1] * b[2 * lane + 1];
}

const struct value_token_kernel value_tokens_portable = TOKEN_KERNEL;
