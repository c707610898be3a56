/* arch/units/sliced_kernel.h -- what a kernel of the sliced array computes; sliced_array.h.
 *
 * A sum s is divided by a step with the reciprocal r of the step, in double precision:
 *
 *     q = rne(s * r)        |s * r - s / step| < |s / step| * 2^-51
 *
 * A quotient that is no tie is at least 1 / (2 step) away from one, so that q is the exact
 * quotient, rounded, while |s| < 2^50; sums of 8,192 rows of digits of 16 bits are below 2^45. A
 * tie may end at its odd neighbour, which shows: s - q * step is then half a step, and the right
 * code is the even neighbour, 2 * rne(s * r / 2). Only an even step has ties, and where it is a
 * power of two r is exact and they are right at once.
 */
#ifndef ARCH_UNITS_SLICED_KERNEL_H
#define ARCH_UNITS_SLICED_KERNEL_H

#include <stddef.h>

#include "arch/units/sliced_array.h"

enum { SLICED_LANES = 8, SLICED_WORD_ROWS = 64 };

struct sliced_kernel {
    /* word[b][k], `words` of each of n_bit bits: bit r is bit b of x[64 k + r], 0 behind
     * x[n - 1]. */
    void (*planes)(const uint16_t *x, uint32_t n, uint32_t n_bit, uint32_t words, uint64_t *word);

    /* The reads of a group of rows: out[lanes] += what the codes of all digits and slices and those
     * of the column of ones come to. Returns how many codes were clipped. */
    uint64_t (*group)(const struct sliced_array *a, uint32_t group, int64_t *out);
};

extern const struct sliced_kernel sliced_portable, sliced_avx2, sliced_avx512;

/* Bit b of the inputs of a group. */
static inline const uint64_t *sliced_input(const struct sliced_array *a, uint32_t group,
                                           uint32_t b)
{
    return a->input + ((size_t)group * a->cfg.input_bits + b) * a->group_words;
}

/* Plane p of the weights of a group: [word][lanes]. */
static inline const uint64_t *sliced_plane(const struct sliced_array *a, uint32_t group,
                                           uint32_t p)
{
    return a->plane + ((size_t)group * a->n_plane + p) * a->group_words * a->lanes;
}

/* Whether no row of the group is driven in the read of a digit: all its codes are 0. */
static inline bool sliced_is_silent(const struct sliced_array *a, uint32_t group,
                                    const struct sliced_digit *d)
{
    const uint64_t *x = sliced_input(a, group, d->first);
    uint64_t any = 0;

    for (size_t k = 0; k < (size_t)d->n * a->group_words; k++)
        any |= x[k];
    return any == 0;
}

/* Of a sum below 2^50, ties to even. */
static inline int64_t sliced_quotient(int64_t sum, int64_t step, double over_step)
{
    const double whole = 6755399441055744.0; // 1.5 * 2^52: what is added to it loses its fraction
    int64_t q = (int64_t)((double)sum * over_step + whole - whole), rest = sum - q * step;
    int64_t tie = (q & 1) & (2 * (rest < 0 ? -rest : rest) == step);

    return q + (rest < 0 ? -tie : tie);
}

/* What the column of ones adds to every output in the read of a digit. */
static inline int64_t sliced_ones(const struct sliced_array *a, uint32_t group,
                                  const struct sliced_digit *d, uint64_t *n_clipped)
{
    const struct converter *c = &a->ones[d->both_signs];
    int64_t ones = 0;

    for (uint32_t b = 0; b < d->n; b++) {
        const uint64_t *x = sliced_input(a, group, d->first + b);
        int64_t n = 0;
        for (uint32_t k = 0; k < a->group_words; k++)
            n += __builtin_popcountll(x[k]);
        ones += d->both_signs && b == d->n - 1 ? -(n << b) : n << b;
    }
    int64_t code = sliced_quotient(ones, c->step, a->ones_over_step[d->both_signs]);
    int64_t kept = code < c->least ? c->least : code > c->most ? c->most : code;
    *n_clipped += code != kept;
    return d->factor * a->layout.ones * c->step * kept;
}

#endif
