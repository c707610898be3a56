/* arch/digital.h -- the digital processor: from accumulators to activations, spec section 4a.
 *
 *     t   = acc * m[o] + b[o] + (r - r_zero) * mr        int64
 *     out = clamp(rne(t, shift), low, high)
 *     rne(t, s) = (t + 2^(s-1) - 1 + ((t >> s) & 1)) >> s   for s > 0, else t
 *
 * rne rounds to nearest, ties to even, with arithmetic shifts. Pure functions; when a result is
 * there is the core's business (ceil(outputs / lanes) clocks).
 */
#ifndef ARCH_DIGITAL_H
#define ARCH_DIGITAL_H

#include <stdbool.h>
#include <stdint.h>

#include "dataflow/network.h"

int64_t round_nearest_even(int64_t t, unsigned shift);

struct digital { // borrowed view of one core's output channels
    uint32_t        n;       // outputs
    const uint16_t *m;
    const int64_t  *b;
    int64_t         mr;
    int32_t         r_zero;
    bool            r_signed; // residual bytes are int8
    uint8_t         shift;
    int32_t         low, high;
};

/* acc[n] -> out[n] (the bytes of int8 or uint8, by low and high). residual: n bytes, or NULL. */
void digital_process(const struct digital *d, const int32_t *acc, const uint8_t *residual,
                     uint8_t *out);

/* sum[n] += out[n], read as int8 when is_signed. */
void digital_pool_add(uint32_t n, int32_t *sum, const uint8_t *out, bool is_signed);

/* out[i] = clamp(rne(sum[i] * p->m + p->b, p->shift)). */
void digital_pool_finish(const struct pool_requant *p, uint32_t n, const int32_t *sum,
                         uint8_t *out);

#endif
