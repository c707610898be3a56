/* network/output.h -- from sums to what a layer delivers, one value after the other, as
 * network/network.h says; whatever the bits of values and sums.
 */
#ifndef NETWORK_OUTPUT_H
#define NETWORK_OUTPUT_H

#include <stdint.h>

#include "core/round.h"
#include "network/network.h"
#include "network/step_function.h"

static inline int32_t output_clamped(int64_t v, int32_t low, int32_t high)
{
    return (int32_t)(v < low ? low : v > high ? high : v);
}

/* t / 2^shift, rounded, or the code that a layer's function has for it. */
static inline int64_t output_rounded(const struct step_function *f, int64_t t, unsigned shift)
{
    return f ? step_function_code(f, t, shift) : round_nearest_even(t, shift);
}

/* `out` of output o, of scale entry `at`; residual: r as it is, 0 where there is none. Not of a
 * layer that delivers its sums. */
static inline int32_t layer_output(const struct layer *l, uint32_t o, uint32_t at, int64_t acc,
                                   int32_t residual)
{
    const struct requant *q = &l->requant;
    int64_t r = (int64_t)residual - q->r_zero;
    int64_t t = (l->multiplies ? acc * r : acc) * q->m[at] + q->b[at] + (q->mr ? r * q->mr[at] : 0);
    int32_t v = output_clamped(output_rounded(l->function, t, q->shift[at]) + q->zero, q->low,
                               q->high);

    if (!l->table)
        return v;
    uint8_t byte = layer_look_up(l, o, (uint8_t)v);
    return l->out_signed ? (int8_t)byte : byte;
}

/* What a pooled layer delivers, of the sum of its outputs. */
static inline int32_t layer_pool_output(const struct layer *l, int64_t sum)
{
    const struct pool_requant *p = &l->pool;

    return output_clamped(round_nearest_even(sum * p->m + p->b, p->shift) + p->zero, p->low,
                          p->high);
}

/* A value in two bytes, two's complement: the low one and the high one. */
static inline uint8_t value_low_byte(int32_t v)
{
    return (uint8_t)v;
}
static inline uint8_t value_high_byte(int32_t v)
{
    return (uint8_t)((uint32_t)v >> 8);
}
static inline int32_t value_of_bytes(uint8_t low, uint8_t high, bool is_signed)
{
    uint16_t v = (uint16_t)(low | high << 8);

    return is_signed ? (int16_t)v : v;
}

#endif
