/* arch/analog/wires.c -- see wires.h. */
#include "arch/analog/wires.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OHM 1e-9 // resistances of a configuration are in billionths

static bool see_off(const struct wires *w, size_t rows, size_t columns, const double *g, double *t)
{
    (void)w;
    memcpy(t, g, rows * columns * sizeof *t);
    return true;
}

static void collect_off(const struct wires *w, size_t rows, size_t columns, const double *g,
                        const struct wires_on *on, size_t n_on, double *sum, double *spare)
{
    (void)w, (void)rows, (void)spare;
    memset(sum, 0, columns * sizeof *sum);
    for (size_t k = 0; k < n_on; k++)
        for (size_t j = 0; j < columns; j++)
            sum[j] += g[on[k].row * columns + j] * on[k].share;
}

const struct wires_model wires_off = {
    .name = "off",
    .doc = "wires without resistance",
    .see = see_off,
    .collect = collect_off,
};

const struct wires_model *const wires_models[] = {
    [WIRES_OFF] = &wires_off, [WIRES_FAST] = &wires_fast, [WIRES_EXACT] = &wires_exact, NULL
};

struct wires wires_of(const struct wires_cfg *c, size_t rows, size_t columns, double unused_us)
{
    assert(unused_us >= 0);
    return (struct wires){
        .model = wires_models[c->model],
        .r_row_ohm = (double)c->r_row * OHM, .r_column_ohm = (double)c->r_column * OHM,
        .r_driver_ohm = (double)c->r_driver * OHM, .r_sense_ohm = (double)c->r_sense * OHM,
        .rows = rows, .columns = columns, .place = c->place, .unused_us = unused_us,
    };
}

struct wires_unused wires_unused(const struct wires *w, size_t rows, size_t columns)
{
    size_t r = w->rows > rows ? w->rows - rows : 0;
    size_t c = w->columns > columns ? w->columns - columns : 0;

    return w->place == WIRES_NEAR ? (struct wires_unused){ .behind = c, .above = r }
                                  : (struct wires_unused){ .before = c, .below = r };
}

bool wires_see(const struct wires *w, size_t rows, size_t columns, const double *g, double *t)
{
    assert(rows > 0 && columns > 0);
    assert(w->r_row_ohm >= 0 && w->r_column_ohm >= 0 && w->r_driver_ohm >= 0 &&
           w->r_sense_ohm >= 0 && w->unused_us >= 0);
    for (size_t i = 0; i < rows * columns; i++)
        assert(g[i] >= 0 && isfinite(g[i]));
    bool resists = w->r_row_ohm + w->r_column_ohm + w->r_driver_ohm + w->r_sense_ohm > 0;
    return (resists ? w->model : &wires_off)->see(w, rows, columns, g, t);
}

bool wires_see_all(const struct wires *w, enum wires_layout layout, size_t n, size_t rows,
                   size_t columns, double *g)
{
    size_t size = rows * columns, group = layout == WIRES_COLUMNS ? 1 : columns;
    double *in = malloc(n * size * sizeof *in), *t = malloc(n * size * sizeof *t);
    bool done = in && t;

    /* Groups of each in turn: single devices, or whole rows. */
    for (size_t k = 0; done && k < n; k++)
        for (size_t i = 0; i < size; i++)
            in[(i / group * n + k) * group + i % group] = g[k * size + i];
    done = done && (layout == WIRES_COLUMNS ? wires_see(w, rows, n * columns, in, t)
                                            : wires_see(w, n * rows, columns, in, t));
    for (size_t k = 0; done && k < n; k++)
        for (size_t i = 0; i < size; i++)
            g[k * size + i] = t[(i / group * n + k) * group + i % group];
    free(in);
    free(t);
    return done;
}

double wires_mean_drop(size_t n, const double *g, const double *t)
{
    double without = 0, with = 0;

    for (size_t i = 0; i < n; i++) {
        without += g[i];
        with += t[i];
    }
    return without > 0 ? 1 - with / without : 0;
}
