/* arch/analog/matrix.c -- see matrix.h. */
#include "arch/analog/matrix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arch/analog/gate.h"

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

static size_t size_of(const struct analog_matrix *m)
{
    return (size_t)m->rows * m->columns;
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
    double g_us = d->spec->g_max_us - d->spec->g_min_us;

    return (1 << ANALOG_WEIGHT_BIT) * (double)d->w_max / (d->spec->centred ? g_us / 2 : g_us);
}

/* What the columns of gates that are all on draw of devices g, where wires resist. */
static bool see_gates(struct analog_matrix *m, const struct wires *w, const double *g)
{
    uint16_t *x = malloc(m->rows * sizeof *x);
    bool done = x;

    for (uint32_t r = 0; done && r < m->rows; r++)
        x[r] = 1;
    for (uint32_t k = 0; done && k < m->devices; k++)
        done = gate_charge(w, m->rows, m->columns, g + k * size_of(m), x, 1,
                           m->seen + (size_t)k * m->columns);
    free(x);
    return done;
}

/* g[devices][rows][columns] becomes what is seen of it. */
static bool see(struct analog_matrix *m, const struct analog_spec *s, double *g)
{
    size_t n = m->devices * size_of(m);
    double all = sum_of(n, g);
    bool done = true;

    m->seen_us = all;
    if (s->wires.model && s->wires.model != &wires_off && !s->gated)
        done = wires_see_all(&s->wires, s->layout, m->devices, m->rows, m->columns, g);
    for (uint32_t k = 0; k < m->devices; k++)
        sum_columns(m, g + k * size_of(m), m->seen + (size_t)k * m->columns);
    if (!s->wires.model || s->wires.model == &wires_off || !done)
        return done;
    done = !s->gated || see_gates(m, &s->wires, g);
    m->seen_us = s->gated ? sum_of((size_t)m->devices * m->columns, m->seen) : sum_of(n, g);
    m->drop = all > 0 ? 1 - m->seen_us / all : 0;
    return done;
}

static void take_weights(struct analog_matrix *m, const double *g)
{
    size_t size = size_of(m);

    for (size_t i = 0; m->parts == 1 && i < size; i++) {
        double t = m->devices == 1 ? g[i] - m->reference_us : g[i] - g[size + i];
        m->a[i] = saturated(rounded(m->unit * t), &m->saturated);
    }
    for (size_t i = 0; m->parts > 1 && i < m->parts * size; i++)
        m->a[i] = saturated(rounded(m->unit * (g[i] - m->reference_us)), &m->saturated);
}

/* deviation[devices][rows][columns], in uS. */
static void take_variances(struct analog_matrix *m, const double *deviation)
{
    size_t size = size_of(m);

    for (size_t i = 0; i < m->parts * size; i++)
        m->variance[i] = 0;
    for (size_t i = 0; i < m->devices * size; i++) {
        double sd = m->unit * deviation[i];
        m->variance[m->parts == 1 ? i % size : i] += sd * sd;
    }
}

/* What the sets of devices are at a time. */
static bool take_devices(const struct analog_matrix *m, const struct analog_devices *d, uint32_t n,
                         double t_s, double *g)
{
    double *spare = malloc(size_of(m) * sizeof *spare); // of devices that are not there
    bool done = spare, alone = d->spec->alone;

    for (uint32_t i = 0; done && i < n; i++) {
        double *plus = g + (alone ? i : 2 * i) * size_of(m);
        done = analog_devices_at(&d[i], t_s, plus, alone ? spare : plus + size_of(m));
    }
    free(spare);
    return done;
}

/* They become the deviations of a read. */
static bool deviate(const struct analog_matrix *m, const struct analog_devices *d, uint32_t n,
                    double t_s, double *g)
{
    double *spare = calloc(size_of(m), sizeof *spare);
    bool alone = d->spec->alone;

    for (uint32_t i = 0; spare && i < n; i++) {
        double *plus = g + (alone ? i : 2 * i) * size_of(m);
        analog_devices_deviate(&d[i], t_s, plus, alone ? spare : plus + size_of(m));
    }
    bool done = spare;
    free(spare);
    return done;
}

static bool alloc(struct analog_matrix *m, const struct analog_spec *s)
{
    bool each = s->read_each && s->read_scale > 0;

    m->a = malloc(m->parts * size_of(m) * sizeof *m->a);
    m->seen = malloc((size_t)m->devices * m->columns * sizeof *m->seen);
    m->g = s->gated ? malloc(m->devices * size_of(m) * sizeof *m->g) : NULL;
    m->variance = each ? malloc(m->parts * size_of(m) * sizeof *m->variance) : NULL;
    return m->a && m->seen && (m->g || !s->gated) && (m->variance || !each);
}

bool analog_matrix_init(struct analog_matrix *m, const struct analog_devices *d, uint32_t n,
                        double t_s)
{
    const struct analog_spec *s = d->spec;

    *m = (struct analog_matrix){ .rows = d->rows, .columns = d->columns,
                                 .devices = s->alone ? n : 2 * n, .unit = analog_unit(d),
                                 .wires = s->wires };
    m->reference_us = s->centred ? (s->g_max_us + s->g_min_us) / 2 : s->dummy ? s->g_min_us : 0;
    m->parts = s->apart || s->cut ? m->devices : 1;
    double *g = malloc(m->devices * size_of(m) * sizeof *g);
    bool done = alloc(m, s) && g && take_devices(m, d, n, t_s, g);
    if (done && m->g)
        memcpy(m->g, g, m->devices * size_of(m) * sizeof *g);
    done = done && see(m, s, g);
    if (done)
        take_weights(m, g);
    if (done && m->variance) {
        done = deviate(m, d, n, t_s, g);
        take_variances(m, g);
    }
    if (!done)
        analog_matrix_release(m);
    free(g);
    return done;
}

void analog_matrix_release(struct analog_matrix *m)
{
    free(m->a);
    free(m->seen);
    free(m->g);
    free(m->variance);
    *m = (struct analog_matrix){ 0 };
}

uint32_t analog_scale(double reference_us, double seen_us)
{
    double k = (reference_us == seen_us ? 1 : reference_us / seen_us) * (1 << ANALOG_SCALE_BIT);

    return !(k < UINT32_MAX) ? UINT32_MAX : (uint32_t)rounded(k);
}
