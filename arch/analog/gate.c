/* arch/analog/gate.c -- see gate.h. */
#include "arch/analog/gate.h"

#include <assert.h>
#include <stdlib.h>

/* The next clock at which rows go off that were on together until then. */
static uint32_t next_level(const struct wires *w, size_t rows, const uint16_t *x, uint32_t from,
                           uint32_t most)
{
    uint32_t next = from == 0 ? 1 : 2 * from;

    if (w->model->each_level) {
        next = most;
        for (size_t i = 0; i < rows; i++)
            if (x[i] > from && x[i] < next)
                next = x[i];
    }
    return next < most ? next : most;
}

static size_t rows_on(size_t rows, const uint16_t *x, uint32_t from, uint32_t to,
                      struct wires_on *on)
{
    size_t n = 0;

    for (size_t i = 0; i < rows; i++)
        if (x[i] > from)
            on[n++] = (struct wires_on){
                i, x[i] >= to ? 1 : (double)(x[i] - from) / (double)(to - from)
            };
    return n;
}

bool gate_charge(const struct wires *w, size_t rows, size_t columns, const double *g,
                 const uint16_t *x, uint16_t most, double *charge)
{
    struct wires_on *on = malloc(rows * sizeof *on);
    double *sum = malloc(3 * columns * sizeof *sum);
    bool done = on && sum;

    for (size_t j = 0; j < columns; j++)
        charge[j] = 0;
    for (uint32_t from = 0, to; done && from < most; from = to) {
        to = next_level(w, rows, x, from, most);
        size_t n = rows_on(rows, x, from, to, on);
        w->model->collect(w, rows, columns, g, on, n, sum, sum + columns);
        for (size_t j = 0; j < columns; j++)
            charge[j] += (double)(to - from) * sum[j];
    }
    free(on);
    free(sum);
    return done;
}
