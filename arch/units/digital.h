/* arch/units/digital.h -- the digital processor: from accumulators to activations
 * (docs/accelerator.md, section 4a).
 *
 *     t   = acc * m[o] + b[o] + (r - r_zero) * mr[o]     int64
 *     out = clamp(rne(t, shift[o]) + zero, low, high)
 *
 * rne(t, s) is t / 2^s rounded to nearest, ties to even: (t + 2^(s-1) - 1 + ((t >> s) & 1)) >> s
 * with arithmetic shifts, for s > 0; a function of the sum (network/step_function.h) has its code
 * for t / 2^s there. Whoever makes the constants sees to it that t fits 64 bits; it
 * wraps where it does not. Pure functions; when a result is there is the core's business
 * (ceil(outputs / lanes) clocks).
 */
#ifndef ARCH_UNITS_DIGITAL_H
#define ARCH_UNITS_DIGITAL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/round.h"
#include "network/network.h"

struct digital { // borrowed view of one core's output channels
    uint32_t        n; // outputs
    const uint32_t *m;         // below 2^31
    const int64_t  *b;
    const int64_t  *mr;        // NULL: there is no residual
    const uint8_t  *shift;     // 0 to 62
    int32_t         r_zero;    // within int8 or within uint8
    bool            r_signed;  // residual bytes are int8
    int32_t         zero;      // within the bytes that low and high are within
    int32_t         low, high; // within int8 or within uint8
    const struct step_function *function; // in place of rounding; NULL: it is rounded

    const struct digital_kernel *kernel; // set by digital_select()
};

/* Chooses the kernel for these constants: the fastest that the machine has, or the one called
 * kernel_name (names as in crossbar_kernels()) when it is not NULL; the portable one for those that
 * it does not take. All give the same bits. False when the machine lacks it. */
bool digital_select(struct digital *d, const char *kernel_name);

/* acc[n] -> out[n] (the bytes of int8 or uint8, by low and high). residual: n bytes, or NULL. */
void digital_process(const struct digital *d, const int32_t *acc, const uint8_t *residual,
                     uint8_t *out);

/* product[o] = acc[o] * (r - r_zero), of n residual bytes; product may be acc. */
void digital_multiply(const struct digital *d, const int32_t *acc, const uint8_t *residual,
                      int32_t *product);

/* What a digital layer hands over instead of a crossbar's sums: acc[o] is the largest, or the sum,
 * of channel o of n_pixel pixels, each less `zero`. */
void digital_max(uint32_t n, const uint8_t *const *pixel, uint32_t n_pixel, bool is_signed,
                 int32_t zero, int32_t *acc);
void digital_sum(uint32_t n, const uint8_t *const *pixel, uint32_t n_pixel, bool is_signed,
                 int32_t zero, int32_t *acc);

/* sum[n] += out[n], read as int8 when is_signed. */
void digital_pool_add(uint32_t n, int32_t *sum, const uint8_t *out, bool is_signed);

/* out[i] = clamp(rne(sum[i] * p->m + p->b, p->shift) + p->zero). */
void digital_pool_finish(const struct pool_requant *p, uint32_t n, const int32_t *sum,
                         uint8_t *out);

#endif
