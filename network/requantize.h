/* network/requantize.h -- from real scales to the integers of the digital processor
 * (docs/accelerator.md, section 4a).
 *
 * An accumulator step of output o is worth unit[o], a byte of the result `out`; A = unit / out.
 *
 *     shift[o] = 15 + floor(-log2(A[o]))    so that m lies in 2^14 < m <= 2^15; or 24, and
 *                                           2^23 < m <= 2^24
 *     m[o]     = rint(A[o] * 2^shift[o])
 *     b[o]     = rint(bias[o] / out * 2^shift[o])
 *     mr[o]    = rint(residual / out * 2^shift[o])
 *
 * rint rounds to nearest, ties to even. Where all scales are powers of two nothing is rounded.
 * Shifts above 47 (56) are cut to that: A is then below 2^-32, and no sum of 32 bits moves the
 * result.
 * An output whose sum counts for nothing (unit 0: a filter of zeros) has the shift of the
 * residual's step, or of a step of 1.
 */
#ifndef NETWORK_REQUANTIZE_H
#define NETWORK_REQUANTIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "network/network.h"

struct requant_scales {
    uint32_t      n;        // output channels
    const double *unit;     // n, none negative
    const double *bias;     // n, real values
    double        residual; // worth of a byte of the residual, of either sign; 0 without one
    double        out;      // positive
    int32_t       out_zero;
    bool          fine; // m of 24 bits: the results are those of single precision, and of doubles,
                        // but within 2^-24 of a tie
};

/* Fills m, b, shift, mr where there is a residual (allocated, the layer's) and zero of *q; ranges
 * that do not fit are ERR_INPUT and name the output. */
enum err requantize(struct requant *q, const struct requant_scales *s, struct err_msg *msg);

/* Halves m, b and mr of each output as long as all are even, and the shift with them: what a
 * digital layer does alike with smaller numbers. */
void requant_reduce(struct requant *q, uint32_t n);

/* Mean of n bytes worth `in` each, as bytes worth `out`: m, b and shift of *p. m is 1 where
 * in / (n * out) is a power of two up to 1, else chosen as above. */
struct pool_scales {
    uint64_t n;
    double   in, out;
    int32_t  in_zero, out_zero;
};
enum err pool_requantize(struct pool_requant *p, const struct pool_scales *s, struct err_msg *msg);

/* Bias of a layer that delivers its sums: b[o] = rint(bias[o] / unit[o]); allocates b. */
enum err requantize_raw(struct requant *q, const struct requant_scales *s, struct err_msg *msg);

#endif
