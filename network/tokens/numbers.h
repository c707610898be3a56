/* network/tokens/numbers.h -- numbers that digital cores compute with where values are not whole.
 *
 * In a format each operation on real numbers is rounded once to nearest, ties to even, and so is
 * what is stored for it (scales, gains, offsets) and a whole number that enters one; e^x is one
 * operation. Sums go in the order that is stated for doubles. What is exact in whole numbers stays
 * so: scores, sums of whole weights and of their products, the statistics of a norm.
 *
 * A format is a function and a row. Doubles are those that the host has.
 *
 * Source: IEEE 754-2019, binary32; S. Wang and P. Kanwar, "BFloat16", 2019: 8 bits of binary32's
 * significand and its exponent, gradual underflow kept here.
 */
#ifndef NETWORK_TOKENS_NUMBERS_H
#define NETWORK_TOKENS_NUMBERS_H

#include <stddef.h>

struct number_format {
    const char *name; // "fp32"
    double (*rounded)(double v); // the nearest of the format; infinite beyond its largest
};

enum number_kind { NUMBERS_DOUBLE, NUMBERS_FP32, NUMBERS_BF16, N_NUMBERS };

/* NULL: double, which is not rounded further. */
const struct number_format *number_format_of(enum number_kind n);

static inline double number_in(const struct number_format *f, double v)
{
    return f ? f->rounded(v) : v;
}

#endif
