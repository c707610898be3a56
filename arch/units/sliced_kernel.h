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

struct sliced_read;

struct sliced_kernel {
    /* word[b][k], `words` of each of n_bit bits: bit r is bit b of x[64 k + r], 0 behind
     * x[n - 1]. */
    void (*planes)(const uint8_t *x, uint32_t n, uint32_t n_bit, uint32_t words, uint64_t *word);

    /* The reads of a group of rows: out[lanes] += what codes differ by from their sums, of all
     * digits and slices and of the column of ones. Returns how many codes were clipped. */
    uint64_t (*group)(const struct sliced_array *a, uint32_t group, int64_t *out);

    /* sum[SLICED_LANES]: what columns of a slice sum in a read, of outputs from `o` on. */
    void (*sums)(const struct sliced_array *a, uint32_t group, const struct sliced_read *r,
                 const struct slice_planes *s, uint32_t o, int64_t *sum);
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

/* A read of a group that drives rows; what the others read is 0. */
struct sliced_read {
    const struct sliced_digit *digit;
    const uint64_t            *x;    // planes of its bits
    uint32_t                   rows; // driven
};

struct sliced_reads {
    struct sliced_read read[SLICED_MOST_INPUT_BITS];
    uint32_t           n, most_rows;
};

/* Rows of a group that a digit of several bits drives. */
static inline uint32_t sliced_driven(const struct sliced_digit *d, const uint64_t *x,
                                     uint32_t words)
{
    uint32_t rows = 0;

    for (uint32_t k = 0; k < words; k++) {
        uint64_t any = x[k];
        for (uint32_t b = 1; b < d->n; b++)
            any |= x[b * words + k];
        rows += (uint32_t)__builtin_popcountll(any);
    }
    return rows;
}

static inline void sliced_drive(const struct sliced_array *a, uint32_t group,
                                struct sliced_reads *r)
{
    const uint32_t words = a->group_words;
    const uint64_t *x = sliced_input(a, group, 0);

    r->n = r->most_rows = 0;
    for (const struct sliced_digit *d = a->digit; d < a->digit + a->n_digit; d++) {
        uint32_t rows = 0;

        for (uint32_t k = 0; d->n == 1 && k < words; k++)
            rows += (uint32_t)__builtin_popcountll(x[k]);
        if (d->n > 1)
            rows = sliced_driven(d, x, words);
        if (rows > 0)
            r->read[r->n++] = (struct sliced_read){ d, x, rows };
        r->most_rows = rows > r->most_rows ? rows : r->most_rows;
        x += (size_t)d->n * words;
    }
}

/* Rows from which on codes of slice j of the outputs o to o + SLICED_LANES - 1 can differ. */
static inline uint32_t sliced_loud(const struct sliced_array *a, uint32_t group, uint32_t j,
                                   uint32_t o)
{
    return a->loud[((size_t)group * a->layout.n_slice + j) * (a->lanes / SLICED_LANES) +
                   o / SLICED_LANES];
}

/* Of a sum below 2^50, ties to even. */
static inline int64_t sliced_quotient(int64_t sum, int64_t step, double over_step)
{
    const double whole = 6755399441055744.0; // 1.5 * 2^52: what is added to it loses its fraction
    int64_t q = (int64_t)((double)sum * over_step + whole - whole), rest = sum - q * step;
    int64_t tie = (q & 1) & (2 * (rest < 0 ? -rest : rest) == step);

    return q + (rest < 0 ? -tie : tie);
}

/* Sum of the column of ones in a read. */
static inline int64_t sliced_ones_sum(const struct sliced_array *a, const struct sliced_read *r)
{
    const struct sliced_digit *d = r->digit;
    int64_t ones = d->n == 1 ? r->rows : 0;

    for (uint32_t b = 0; d->n > 1 && b < d->n; b++) {
        int64_t n = 0;
        for (uint32_t k = 0; k < a->group_words; k++)
            n += __builtin_popcountll(r->x[b * a->group_words + k]);
        ones += d->both_signs && b == d->n - 1 ? -(n << b) : n << b;
    }
    return ones;
}

/* What the code of the column of ones differs by in a read, times its factor. */
static inline int64_t sliced_ones(const struct sliced_array *a, const struct sliced_read *r,
                                  uint64_t *n_clipped)
{
    const struct sliced_digit *d = r->digit;
    const struct converter *c = &a->ones[d->both_signs];
    int64_t ones = sliced_ones_sum(a, r);
    int64_t code = c->step == 1
                       ? ones
                       : sliced_quotient(ones, c->step, a->ones_over_step[d->both_signs]);
    int64_t kept = code < c->least ? c->least : code > c->most ? c->most : code;
    *n_clipped += code != kept;
    return d->factor * a->layout.ones * (c->step * kept - ones);
}

/* Adds that of all reads to every output. */
static inline uint64_t sliced_all_ones(const struct sliced_array *a, const struct sliced_reads *r,
                                       int64_t *out)
{
    uint64_t n_clipped = 0;
    int64_t differ = 0;

    for (uint32_t i = 0; a->layout.ones != 0 && i < r->n; i++)
        differ += sliced_ones(a, &r->read[i], &n_clipped);
    for (uint32_t o = 0; differ != 0 && o < a->lanes; o++)
        out[o] += differ;
    return n_clipped;
}

#endif
