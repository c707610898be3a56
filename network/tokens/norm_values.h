/* network/tokens/norm_values.h -- a token is normalised over its channels.
 *
 * Of n values x, whole numbers less their zero point, the statistics are whole numbers too:
 *
 *     S = sum x,  V = n * sum x^2 - S^2                   n^2 times the variance
 *     y = (n x - S) / sqrt(V + n^2 eps) * gain + offset   layer normalisation
 *     y = n x / sqrt(n * (sum x^2 + n eps)) * gain        by the root mean square
 *     out = clamp(rne(y) + zero)
 *
 * One root, and one division a channel, in doubles. eps is in squares of the input's step, gain and
 * offset are in steps of the result.
 */
#ifndef NETWORK_TOKENS_NORM_VALUES_H
#define NETWORK_TOKENS_NORM_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "network/tokens/numbers.h"

struct norm_values {
    uint32_t n;   // channels, 1 to 32,768
    bool     rms; // no mean is taken away
    const struct number_format *numbers; // of each operation on real numbers; NULL: double
    double   eps; // with 0, a token whose channels are alike gives its offset
    const double *gain, *offset; // [n], borrowed; offset NULL: 0
    int32_t  zero, low, high;
};

/* out[n] of x[n], within -65,535..65,535. */
void norm_of_token(const struct norm_values *f, const int32_t *x, int32_t *out);

/* The same of real numbers, in the input's step: two passes, the mean first, in order. */
void norm_of_reals(const struct norm_values *f, const double *x, int32_t *out);

#endif
