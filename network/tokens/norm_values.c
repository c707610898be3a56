/* network/tokens/norm_values.c -- see norm_values.h. */
#include "network/tokens/norm_values.h"

#include <math.h>

static int32_t finished(const struct norm_values *f, uint32_t c, double distance, double root)
{
    const struct number_format *in = f->numbers;
    double y = root > 0 ? number_in(in, distance / root) : 0;

    y = number_in(in, y * number_in(in, f->gain[c]));
    if (f->offset)
        y = number_in(in, y + number_in(in, f->offset[c]));
    y = nearbyint(y) + f->zero;
    return (int32_t)(y < f->low ? f->low : y > f->high ? f->high : y);
}

static double root_in(const struct number_format *in, double square)
{
    return number_in(in, sqrt(number_in(in, square)));
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
    const struct number_format *in = f->numbers;
    const double eps = number_in(in, number_in(in, (double)(n * n)) * number_in(in, f->eps));
    const double root = root_in(in, number_in(in, (double)(n * squares - sum * sum)) + eps);
    for (uint32_t c = 0; c < f->n; c++)
        out[c] = finished(f, c, number_in(in, (double)(n * x[c] - sum)), root);
}

void norm_of_reals(const struct norm_values *f, const double *x, int32_t *out)
{
    const struct number_format *in = f->numbers;
    const double n = number_in(in, f->n);
    double mean = 0, squares = 0;

    for (uint32_t c = 0; c < f->n && !f->rms; c++)
        mean = number_in(in, mean + x[c]);
    mean = number_in(in, mean / n);
    for (uint32_t c = 0; c < f->n; c++) {
        const double distance = number_in(in, x[c] - mean);
        squares = number_in(in, squares + number_in(in, distance * distance));
    }
    const double root = root_in(in, number_in(in, squares / n) + number_in(in, f->eps));
    for (uint32_t c = 0; c < f->n; c++)
        out[c] = finished(f, c, number_in(in, x[c] - mean), root);
}
