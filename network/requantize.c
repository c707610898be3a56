/* network/requantize.c -- see requantize.h. */
#include "network/requantize.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { M_BITS = 15, MOST_SHIFT = 47 };

/* floor(-log2(a)) without the rounding of log2; a positive and finite. */
static int floor_minus_log2(double a)
{
    int exponent;
    double fraction = frexp(a, &exponent); // a = fraction * 2^exponent, 0.5 <= fraction < 1

    return fraction > 0.5 ? -exponent : 1 - exponent;
}

static enum err shift_for(double a, uint8_t *shift, struct err_msg *msg)
{
    if (!(a > 0) || !isfinite(a))
        return err_set(msg, ERR_INPUT, "scales that make one step of a sum %g outputs: want a "
                       "positive finite number", a);
    int s = M_BITS + floor_minus_log2(a);
    if (s < 0)
        return err_set(msg, ERR_INPUT, "scales that make one step of a sum %g outputs: want at "
                       "most 2^15", a);
    *shift = (uint8_t)(s < MOST_SHIFT ? s : MOST_SHIFT);
    return ERR_NONE;
}

/* rint(v * 2^shift), refused beyond 2^61, where no sum is left of 64 bits. */
static enum err scaled(double v, unsigned shift, const char *what, int64_t *out,
                       struct err_msg *msg)
{
    double t = rint(ldexp(v, (int)shift));

    if (!(fabs(t) <= 0x1p61))
        return err_set(msg, ERR_INPUT, "%s of %g outputs at a shift of %u: want it to fit 62 bits",
                       what, v, shift);
    *out = (int64_t)t;
    return ERR_NONE;
}

static enum err fill(struct requant *q, const struct requant_scales *s, struct err_msg *msg)
{
    enum err e = ERR_NONE;

    for (uint32_t o = 0; o < s->n && !e; o++) {
        q->m[o] = (uint16_t)rint(ldexp(s->unit[o] / s->out, q->shift));
        e = scaled(s->bias[o] / s->out, q->shift, "a bias", &q->b[o], msg);
        if (!e)
            q->b[o] += s->out_zero * (INT64_C(1) << q->shift);
    }
    return e ? e : scaled(s->residual / s->out, q->shift, "a residual step", &q->mr, msg);
}

enum err requantize(struct requant *q, const struct requant_scales *s, struct err_msg *msg)
{
    double most = 0;

    for (uint32_t o = 0; o < s->n; o++)
        most = fmax(most, s->unit[o] / s->out);
    enum err e = shift_for(most, &q->shift, msg);
    if (e)
        return e;
    q->m = malloc(s->n * sizeof *q->m);
    q->b = malloc(s->n * sizeof *q->b);
    if (!q->m || !q->b)
        return err_set(msg, ERR_MEMORY, "no memory for the scales of %" PRIu32 " outputs", s->n);
    return fill(q, s, msg);
}

static bool all_even(const struct requant *q, uint32_t n)
{
    bool odd = q->mr % 2 != 0;

    for (uint32_t o = 0; o < n && !odd; o++)
        odd = q->m[o] % 2 != 0 || q->b[o] % 2 != 0;
    return !odd;
}

void requant_reduce(struct requant *q, uint32_t n)
{
    for (; q->shift > 0 && all_even(q, n); q->shift--) {
        q->mr /= 2;
        for (uint32_t o = 0; o < n; o++) {
            q->m[o] = (uint16_t)(q->m[o] / 2);
            q->b[o] /= 2;
        }
    }
}

enum err pool_requantize(struct pool_requant *p, const struct pool_scales *s, struct err_msg *msg)
{
    double a = s->in / ((double)s->n * s->out);
    int exponent;
    enum err e = ERR_NONE;

    if (a <= 1 && frexp(a, &exponent) == 0.5 && 1 - exponent <= MOST_SHIFT) {
        p->m = 1;
        p->shift = (uint8_t)(1 - exponent);
    } else {
        e = shift_for(a, &p->shift, msg);
        if (!e)
            p->m = (uint32_t)rint(ldexp(a, p->shift));
    }
    if (!e)
        p->b = s->out_zero * (INT64_C(1) << p->shift) - (int64_t)s->n * s->in_zero * p->m;
    return e;
}

enum err requantize_raw(struct requant *q, const struct requant_scales *s, struct err_msg *msg)
{
    enum err e = ERR_NONE;

    q->b = malloc(s->n * sizeof *q->b);
    if (!q->b)
        return err_set(msg, ERR_MEMORY, "no memory for the biases of %" PRIu32 " outputs", s->n);
    for (uint32_t o = 0; o < s->n && !e; o++)
        e = scaled(s->bias[o] / s->unit[o], 0, "a bias", &q->b[o], msg);
    return e;
}
