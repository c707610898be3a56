/* arch/analog/matrix.c -- see matrix.h. */
#include "arch/analog/matrix.h"

#include <math.h>
#include <stdlib.h>

/* To nearest, ties to even, of numbers below 2^51. */
static double rounded(double x)
{
    const double shift = 0x1.8p52;

    return (x + shift) - shift;
}

static int16_t saturated(double x, uint64_t *n)
{
    *n += x > INT16_MAX || x < INT16_MIN;
    return (int16_t)(x > INT16_MAX ? INT16_MAX : x < INT16_MIN ? INT16_MIN : x);
}

static double sum_of(size_t n, const double *x)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

static void sum_columns(const struct analog_matrix *m, const double *t, double *sum)
{
    for (uint32_t c = 0; c < m->columns; c++)
        sum[c] = 0;
    for (uint32_t r = 0; r < m->rows; r++)
        for (uint32_t c = 0; c < m->columns; c++)
            sum[c] += *t++;
}

double analog_unit(const struct analog_devices *d)
{
    return (1 << ANALOG_WEIGHT_BIT) * (double)d->w_max / (d->spec->g_max_us - d->spec->g_min_us);
}

/* Conductances become what is seen of them. */
static bool see(struct analog_matrix *m, const struct analog_spec *s, double *plus, double *minus)
{
    size_t n = (size_t)m->rows * m->columns;
    double all = sum_of(2 * n, plus); // of both: they stand together

    m->seen_us = all;
    if (!s->wires.model || s->wires.model == &wires_off)
        return true;
    if (!wires_see_pairs(&s->wires, s->layout, m->rows, m->columns, plus, minus))
        return false;
    m->seen_us = sum_of(2 * n, plus);
    m->drop = all > 0 ? 1 - m->seen_us / all : 0;
    return true;
}

static void take_weights(struct analog_matrix *m, double unit, const double *plus,
                         const double *minus)
{
    size_t n = (size_t)m->rows * m->columns;

    for (size_t i = 0; !m->minus && i < n; i++)
        m->a[i] = saturated(rounded(unit * (plus[i] - minus[i])), &m->saturated);
    for (size_t i = 0; m->minus && i < n; i++) {
        m->a[i] = saturated(rounded(unit * plus[i]), &m->saturated);
        m->minus[i] = saturated(rounded(unit * minus[i]), &m->saturated);
    }
}

bool analog_matrix_init(struct analog_matrix *m, const struct analog_devices *d, double t_s)
{
    size_t n = (size_t)d->rows * d->columns;
    double *plus = malloc(2 * n * sizeof *plus), *minus = plus ? plus + n : NULL;
    const struct analog_spec *s = d->spec;

    *m = (struct analog_matrix){ .rows = d->rows, .columns = d->columns };
    m->a = malloc(n * sizeof *m->a);
    m->minus = s->apart ? malloc(n * sizeof *m->minus) : NULL;
    m->seen = malloc(2 * (size_t)d->columns * sizeof *m->seen);
    bool done = plus && m->a && m->seen && (m->minus || !s->apart) &&
                analog_devices_at(d, t_s, plus, minus) && see(m, s, plus, minus);
    if (done) {
        take_weights(m, analog_unit(d), plus, minus);
        sum_columns(m, plus, m->seen);
        sum_columns(m, minus, m->seen + m->columns);
    } else {
        analog_matrix_release(m);
    }
    free(plus);
    return done;
}

void analog_matrix_release(struct analog_matrix *m)
{
    free(m->a);
    free(m->minus);
    free(m->seen);
    *m = (struct analog_matrix){ 0 };
}

uint32_t analog_scale(double reference_us, double seen_us)
{
    double k = (reference_us == seen_us ? 1 : reference_us / seen_us) * (1 << ANALOG_SCALE_BIT);

    return !(k < UINT32_MAX) ? UINT32_MAX : (uint32_t)rounded(k);
}
