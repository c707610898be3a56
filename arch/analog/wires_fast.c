/* arch/analog/wires_fast.c -- the drop of each device, were no current lost on the way:
 *
 *     T_ij = g_ij / (1 + a_ij + b_ij)
 *     a_ij = r_row    sum_k (min(j, k) + 1) g_ik  + r_driver sum_k g_ik       along row i
 *     b_ij = r_column sum_k (R - max(i, k)) g_kj  + r_sense  sum_k g_kj       down column j
 *
 * A segment carries what all devices behind it draw, and drops as much: the first sum is one over
 * the segments before device j, the second over those below device i.
 */
#include "arch/analog/wires.h"

#include <stdlib.h>

struct line { // seen from its end at the driver or the sense
    double r, r_end;      // of a segment and of the end; ohm
    size_t near, far;     // unused devices nearer to the end and farther away than those used
    double unused_us;
};

/* What the devices that are farther away than those used draw. */
static double line_begin(const struct line *l)
{
    return (double)l->far * l->unused_us;
}

/* Drop between the end and the first segment of those used, which carries `all`. */
static double line_end(const struct line *l, double all)
{
    double n = (double)l->near, unused = n * l->unused_us;

    return l->r * (n * all + unused * (n + 1) / 2) + l->r_end * (all + unused);
}

struct lines {
    struct line row, column;
    double *a, *b; // owned; [columns]: of a row; of the columns so far
};

/* Of a row: its drop at each device. */
static void row_drops(const struct lines *l, size_t columns, const double *g)
{
    double carried = line_begin(&l->row);

    for (size_t j = columns; j-- > 0;)
        l->a[j] = carried += g[j];
    double drop = line_end(&l->row, carried);
    for (size_t j = 0; j < columns; j++)
        l->a[j] = drop += l->row.r * l->a[j];
}

static void see_all(const struct lines *l, size_t rows, size_t columns, const double *g, double *t)
{
    for (size_t j = 0; j < columns; j++) { // t: what the segment below carries
        double carried = line_begin(&l->column);
        for (size_t i = 0; i < rows; i++)
            t[i * columns + j] = carried += g[i * columns + j];
        l->b[j] = line_end(&l->column, carried);
    }
    for (size_t i = rows; i-- > 0;) {
        row_drops(l, columns, g + i * columns);
        for (size_t j = 0; j < columns; j++) {
            l->b[j] += l->column.r * t[i * columns + j];
            t[i * columns + j] = g[i * columns + j] / (1 + US_OHM * (l->a[j] + l->b[j]));
        }
    }
}

static bool see(const struct wires *w, size_t rows, size_t columns, const double *g, double *t)
{
    const struct wires_unused n = wires_unused(w, rows, columns);
    const struct lines l = {
        .row = { w->r_row_ohm, w->r_driver_ohm, n.before, n.behind, w->unused_us },
        .column = { w->r_column_ohm, w->r_sense_ohm, n.below, n.above, w->unused_us },
        .a = malloc(columns * sizeof *l.a), .b = malloc(columns * sizeof *l.b),
    };
    bool done = l.a && l.b;

    if (done)
        see_all(&l, rows, columns, g, t);
    free(l.a);
    free(l.b);
    return done;
}

/* From the sense upwards: what the segments so far carry, and what they drop. */
static void collect(const struct wires *w, size_t rows, size_t columns, const double *g,
                    const struct wires_on *on, size_t n_on, double *sum, double *spare)
{
    double *carried = spare, *drop = spare + columns;
    size_t unused = wires_unused(w, rows, columns).below, below = rows;

    wires_off.collect(w, rows, columns, g, on, n_on, carried, NULL);
    for (size_t j = 0; j < columns; j++) {
        drop[j] = US_OHM * (w->r_sense_ohm + (double)unused * w->r_column_ohm) * carried[j];
        sum[j] = 0;
    }
    for (size_t k = n_on; k-- > 0;) {
        const double *row = g + on[k].row * columns;
        double r = US_OHM * w->r_column_ohm * (double)(below - on[k].row);
        for (size_t j = 0; j < columns; j++) {
            double share = row[j] * on[k].share;
            drop[j] += r * carried[j];
            sum[j] += share / (1 + drop[j]);
            carried[j] -= share;
        }
        below = on[k].row;
    }
}

const struct wires_model wires_fast = {
    .name = "fast",
    .doc = "the drop of each device, were no current lost on the way",
    .see = see,
    .collect = collect,
};
