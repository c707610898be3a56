/* network/tokens/norm_values.c -- see norm_values.h. */
#include "network/tokens/norm_values.h"

#include <math.h>

static int32_t finished(const struct norm_values *f, uint32_t c, double distance, double root)
{
    double y = (root > 0 ? distance / root : 0) * f->gain[c] + (f->offset ? f->offset[c] : 0);

    y = nearbyint(y) + f->zero;
    return (int32_t)(y < f->low ? f->low : y > f->high ? f->high : y);
}

void norm_of_token(const struct norm_values *f, const int32_t *x, int32_t *out)
{
    const int64_t n = f->n;
    int64_t sum = 0, squares = 0;

    for (uint32_t c = 0; c < f->n; c++) {
        sum += x[c];
        squares += (int64_t)x[c] * x[c];
    }
    sum = f->rms ? 0 : sum;
    const double root = sqrt((double)(n * squares - sum * sum) + (double)(n * n) * f->eps);
    for (uint32_t c = 0; c < f->n; c++)
        out[c] = finished(f, c, (double)(n * x[c] - sum), root);
}

void norm_of_reals(const struct norm_values *f, const double *x, int32_t *out)
{
    double mean = 0, squares = 0;

    for (uint32_t c = 0; c < f->n && !f->rms; c++)
        mean += x[c];
    mean /= f->n;
    for (uint32_t c = 0; c < f->n; c++)
        squares += (x[c] - mean) * (x[c] - mean);
    const double root = sqrt(squares / f->n + f->eps);
    for (uint32_t c = 0; c < f->n; c++)
        out[c] = finished(f, c, x[c] - mean, root);
}
