/* network/requantize.c -- see requantize.h. */
#include "network/requantize.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { M_BITS = 15, FINE_BITS = 24, MOST_SHIFT = 32 }; // shift: beyond the bits of m

/* floor(-log2(a)) without the rounding of log2; a positive and finite. */
static int floor_minus_log2(double a)
{
    int exponent;
    double fraction = frexp(a, &exponent); // a = fraction * 2^exponent, 0.5 <= fraction < 1

    return fraction > 0.5 ? -exponent : 1 - exponent;
}

static enum err shift_for(double a, int bits, uint8_t *shift, struct err_msg *msg)
{
    if (!(a > 0) || !isfinite(a))
        return err_set(msg, ERR_INPUT, "scales that make one step of a sum %g outputs: want a "
                       "positive finite number", a);
    int s = bits + floor_minus_log2(a);
    if (s < 0)
        return err_set(msg, ERR_INPUT, "scales that make one step of a sum %g outputs: want at "
                       "most 2^%d", a, bits);
    *shift = (uint8_t)(s < bits + MOST_SHIFT ? s : bits + MOST_SHIFT);
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

/* The step that output o's shift is made for, in outputs: of its sum, else of the residual. */
static double leading_step(const struct requant_scales *s, uint32_t o)
{
    if (s->unit[o] != 0)
        return s->unit[o] / s->out;
    return s->residual != 0 ? fabs(s->residual) / s->out : 1;
}

static enum err fill(struct requant *q, const struct requant_scales *s, uint32_t o,
                     struct err_msg *msg)
{
    enum err e = shift_for(leading_step(s, o), s->fine ? FINE_BITS : M_BITS, &q->shift[o], msg);

    if (e)
        return e;
    q->m[o] = (uint32_t)rint(ldexp(s->unit[o] / s->out, q->shift[o]));
    e = scaled(s->bias[o] / s->out, q->shift[o], "a bias", &q->b[o], msg);
    return e || !q->mr
               ? e
               : scaled(s->residual / s->out, q->shift[o], "a residual step", &q->mr[o], msg);
}

enum err requantize(struct requant *q, const struct requant_scales *s, struct err_msg *msg)
{
    enum err e = ERR_NONE;
    char output[32];

    q->m = malloc(s->n * sizeof *q->m);
    q->b = malloc(s->n * sizeof *q->b);
    q->shift = malloc(s->n * sizeof *q->shift);
    q->mr = s->residual != 0 ? malloc(s->n * sizeof *q->mr) : NULL;
    q->zero = s->out_zero;
    if (!q->m || !q->b || !q->shift || (s->residual != 0 && !q->mr))
        return err_set(msg, ERR_MEMORY, "no memory for the scales of %" PRIu32 " outputs", s->n);
    for (uint32_t o = 0; o < s->n && !e; o++) {
        e = fill(q, s, o, msg);
        if (e) {
            snprintf(output, sizeof output, "output %" PRIu32, o);
            err_prefix(msg, output);
        }
    }
    return e;
}

static void reduce(struct requant *q, uint32_t o)
{
    for (; q->shift[o] > 0; q->shift[o]--) {
        if (q->m[o] % 2 || q->b[o] % 2 || (q->mr && q->mr[o] % 2))
            return;
        q->m[o] /= 2;
        q->b[o] /= 2;
        if (q->mr)
            q->mr[o] /= 2;
    }
}

void requant_reduce(struct requant *q, uint32_t n)
{
    for (uint32_t o = 0; o < n; o++)
        reduce(q, o);
}

enum err pool_requantize(struct pool_requant *p, const struct pool_scales *s, struct err_msg *msg)
{
    double a = s->in / ((double)s->n * s->out);
    int exponent;
    enum err e = ERR_NONE;

    if (a <= 1 && frexp(a, &exponent) == 0.5 && 1 - exponent <= M_BITS + MOST_SHIFT) {
        p->m = 1;
        p->shift = (uint8_t)(1 - exponent);
    } else {
        e = shift_for(a, M_BITS, &p->shift, msg);
        if (!e)
            p->m = (uint32_t)rint(ldexp(a, p->shift));
    }
    if (!e)
        p->b = -(int64_t)s->n * s->in_zero * p->m;
    p->zero = s->out_zero;
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
