/* arch/analog/wires_exact.c -- the nodes of the array, solved.
 *
 * A rectangle of cells has a port where a wire crosses its border. What it does to the rest of the
 * array is one matrix, out = H in:
 *
 *              in                           out
 *     left     v at the ends of the rows    i that the rows draw
 *     right    i drawn from the rows        v at their other ends
 *     top      i coming down the columns    v at their upper ends
 *     bottom   v at their lower ends        i that leaves them
 *
 * Two neighbours make one rectangle: where they meet, the out of one is the in of the other, and
 * these are solved for. So the array is halved down to single cells and put together again
 * (nested dissection; A. George, SIAM J. Numer. Anal. 10(2), 1973, here as in P.-G. Martinsson,
 * J. Comput. Phys. 242, 2013). Wires end at the right and at the top, where nothing has a port.
 * Of the whole, `left` are the drivers and `bottom` the senses: T is in H.
 *
 * Voltages go in at one end of a wire and currents at the other, so that a segment of 0 ohm is a
 * number like any other. An array of n x n takes about 100 n^3 operations.
 */
#include "arch/analog/wires.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum side { LEFT, RIGHT, TOP, BOTTOM, SIDES };

struct block {
    size_t n[SIDES], all; // ports
    double *h;            // owned; [all][all], ports in the order of the sides; NULL: no memory
};

struct grid {
    const struct wires *wires;
    size_t rows, columns;
    const double *g; // borrowed; [rows][columns], uS
};

struct part { // of the grid
    size_t row, rows, column, columns;
};

/* ---- dense matrices ---- */

struct matrix { // a piece of one
    double *at;
    size_t rows, columns, stride;
};

/* c += s * a b. */
static void add_product(const struct matrix *c, double s, const struct matrix *a,
                        const struct matrix *b)
{
    for (size_t i = 0; i < a->rows; i++)
        for (size_t k = 0; k < a->columns; k++) {
            const double f = s * a->at[i * a->stride + k], *from = b->at + k * b->stride;
            double *to = c->at + i * c->stride;
            for (size_t j = 0; j < b->columns; j++)
                to[j] += f * from[j];
        }
}

static void swap_rows(const struct matrix *m, size_t a, size_t b)
{
    for (size_t j = 0; j < m->columns && a != b; j++) {
        double v = m->at[a * m->stride + j];
        m->at[a * m->stride + j] = m->at[b * m->stride + j];
        m->at[b * m->stride + j] = v;
    }
}

static void subtract_row(const struct matrix *m, size_t from, size_t to, double f, size_t first)
{
    const double *a = m->at + from * m->stride;
    double *b = m->at + to * m->stride;

    for (size_t j = first; j < m->columns; j++)
        b[j] -= f * a[j];
}

/* x = m^-1 x, by elimination with the largest pivot of a column; m is lost. It is 1 plus the
 * product of two positive semidefinite matrices, which has an inverse. */
static void solve(const struct matrix *m, const struct matrix *x)
{
    size_t n = m->rows;

    for (size_t k = 0; k < n; k++) {
        size_t pivot = k;
        for (size_t i = k + 1; i < n; i++)
            if (fabs(m->at[i * m->stride + k]) > fabs(m->at[pivot * m->stride + k]))
                pivot = i;
        swap_rows(m, k, pivot);
        swap_rows(x, k, pivot);
        for (size_t i = k + 1; i < n; i++) {
            double f = m->at[i * m->stride + k] / m->at[k * m->stride + k];
            if (f == 0)
                continue;
            subtract_row(m, k, i, f, k + 1);
            subtract_row(x, k, i, f, 0);
        }
    }
    for (size_t k = n; k-- > 0;) {
        for (size_t i = k + 1; i < n; i++)
            subtract_row(x, i, k, m->at[k * m->stride + i], 0);
        for (size_t j = 0; j < x->columns; j++)
            x->at[k * x->stride + j] /= m->at[k * m->stride + k];
    }
}

/* ---- two rectangles side by side, or one above the other ---- */

static size_t first_port(const struct block *b, enum side side)
{
    size_t first = 0;

    for (int s = 0; s < (int)side; s++)
        first += b->n[s];
    return first;
}

/* A copy of h with the ports of a side behind all others. */
static double *put_last(const struct block *b, enum side side)
{
    size_t first = first_port(b, side), n = b->all, k = b->n[side];
    double *copy = malloc(n * n * sizeof *copy);

    for (size_t i = 0; copy && i < n; i++) {
        size_t row = i < first ? i : i < n - k ? i + k : i - (n - k) + first;
        const double *from = b->h + row * n;
        double *to = copy + i * n;
        memcpy(to, from, first * sizeof *to);
        memcpy(to + first, from + first + k, (n - k - first) * sizeof *to);
        memcpy(to + n - k, from + first, k * sizeof *to);
    }
    return copy;
}

static struct matrix piece(double *at, size_t row, size_t rows, size_t column, size_t columns,
                           size_t stride)
{
    return (struct matrix){ at + row * stride + column, rows, columns, stride };
}

static void copy_piece(const struct matrix *to, const struct matrix *from)
{
    for (size_t i = 0; i < from->rows; i++)
        memcpy(to->at + i * to->stride, from->at + i * from->stride,
               from->columns * sizeof *to->at);
}

struct joint {
    size_t k, na, nb;       // ports that meet; the others of the first and of the second
    double *a, *b;          // owned; h of either, the ports that meet last
    double *m, *x, *y, *h;  // owned; [k][k]; [k][n]: out of the first and of the second where they
};                          // meet; [n][n], n = na + nb

static bool joint_init(struct joint *j, const struct block *a, enum side side_a,
                       const struct block *b, enum side side_b)
{
    size_t k = a->n[side_a], na = a->all - k, nb = b->all - k, n = na + nb;

    assert(b->n[side_b] == k);
    *j = (struct joint){
        .k = k, .na = na, .nb = nb, .a = put_last(a, side_a), .b = put_last(b, side_b),
        .m = calloc(k * k, sizeof *j->m), .x = calloc(k * n, sizeof *j->x),
        .y = calloc(k * n, sizeof *j->y), .h = calloc(n * n, sizeof *j->h),
    };
    return j->a && j->b && j->m && j->x && j->y && j->h;
}

static void joint_release(struct joint *j)
{
    free(j->a);
    free(j->b);
    free(j->m);
    free(j->x);
    free(j->y);
    free(j->h);
}

/* x = A_x. in_a + P y and y = B_y. in_b + Q x where they meet, so (1 - P Q) x is known. */
static void joint_solve(struct joint *j)
{
    size_t k = j->k, na = j->na, nb = j->nb, n = na + nb, sa = na + k, sb = nb + k;
    const struct matrix p = piece(j->a, na, k, na, k, sa), q = piece(j->b, nb, k, nb, k, sb);
    const struct matrix a_in = piece(j->a, na, k, 0, na, sa), b_in = piece(j->b, nb, k, 0, nb, sb);
    const struct matrix a_out = piece(j->a, 0, na, na, k, sa);
    const struct matrix b_out = piece(j->b, 0, nb, nb, k, sb);
    const struct matrix m = piece(j->m, 0, k, 0, k, k);
    const struct matrix x = piece(j->x, 0, k, 0, n, n), y = piece(j->y, 0, k, 0, n, n);
    const struct matrix x_a = piece(j->x, 0, k, 0, na, n), x_b = piece(j->x, 0, k, na, nb, n);
    const struct matrix y_b = piece(j->y, 0, k, na, nb, n);
    const struct matrix h_aa = piece(j->h, 0, na, 0, na, n), h_a = piece(j->h, 0, na, 0, n, n);
    const struct matrix h_bb = piece(j->h, na, nb, na, nb, n), h_b = piece(j->h, na, nb, 0, n, n);
    const struct matrix a_rest = piece(j->a, 0, na, 0, na, sa);
    const struct matrix b_rest = piece(j->b, 0, nb, 0, nb, sb);

    for (size_t i = 0; i < k; i++)
        j->m[i * k + i] = 1;
    add_product(&m, -1, &p, &q);
    copy_piece(&x_a, &a_in);
    add_product(&x_b, 1, &p, &b_in);
    solve(&m, &x);
    copy_piece(&y_b, &b_in);
    add_product(&y, 1, &q, &x);
    copy_piece(&h_aa, &a_rest);
    add_product(&h_a, 1, &a_out, &y);
    copy_piece(&h_bb, &b_rest);
    add_product(&h_b, 1, &b_out, &x);
}

/* Of the ports in the order of the joint, those of the first before those of the second, the one
 * that is number i of the whole. */
static void order_ports(const struct block *a, enum side side_a, const struct block *b,
                        enum side side_b, struct block *whole, size_t *from)
{
    size_t next_a = 0, next_b = a->all - a->n[side_a];

    *whole = (struct block){ 0 };
    for (int s = 0; s < SIDES; s++) {
        for (size_t i = 0; s != (int)side_a && i < a->n[s]; i++, whole->n[s]++)
            from[whole->all++] = next_a++;
        for (size_t i = 0; s != (int)side_b && i < b->n[s]; i++, whole->n[s]++)
            from[whole->all++] = next_b++;
    }
}

/* Side a of the first meets side b of the second; both are taken. */
static struct block join(struct block *a, enum side side_a, struct block *b, enum side side_b)
{
    struct block whole = { 0 };
    struct joint j = { 0 };
    size_t *from = malloc((a->all + b->all) * sizeof *from), n = 0;

    if (a->h && b->h && from && joint_init(&j, a, side_a, b, side_b)) {
        joint_solve(&j);
        order_ports(a, side_a, b, side_b, &whole, from);
        n = whole.all;
        whole.h = malloc(n * n * sizeof *whole.h);
    }
    for (size_t i = 0; whole.h && i < n * n; i++)
        whole.h[i] = j.h[from[i / n] * n + from[i % n]];
    joint_release(&j);
    free(from);
    free(a->h);
    free(b->h);
    return whole;
}

/* ---- the array ---- */

/* A device between a node of its row and a node of its column, with the segments before and behind.
 * In terms of u and w at the nodes: u = v_left - r (i_right + i), w = v_bottom + s (i_top + i). */
static struct block cell(const struct grid *grid, size_t row, size_t column)
{
    const struct wires *w = grid->wires;
    double r = US_OHM * (w->r_row_ohm + (column == 0 ? w->r_driver_ohm : 0));
    double s = US_OHM * (w->r_column_ohm + (row == grid->rows - 1 ? w->r_sense_ohm : 0));
    double g = grid->g[row * grid->columns + column];
    const double current[SIDES] = { 1, -r, -s, -1 };  // of the device: d times the in
    const double effect[SIDES] = { 1, -r, s, 1 };     // of that current on the out
    double direct[SIDES][SIDES] = { 0 };
    double d = g / (1 + g * (r + s));
    struct block b = { .n = { 1, column + 1 < grid->columns, row > 0, 1 } };

    direct[LEFT][RIGHT] = direct[RIGHT][LEFT] = direct[TOP][BOTTOM] = direct[BOTTOM][TOP] = 1;
    direct[RIGHT][RIGHT] = -r;
    direct[TOP][TOP] = s;
    b.all = b.n[LEFT] + b.n[RIGHT] + b.n[TOP] + b.n[BOTTOM];
    b.h = malloc(b.all * b.all * sizeof *b.h);
    for (int out = 0, at = 0; b.h && out < SIDES; out++)
        for (int in = 0; in < SIDES; in++)
            if (b.n[out] && b.n[in])
                b.h[at++] = direct[out][in] + effect[out] * d * current[in];
    return b;
}

static struct block solve_part(const struct grid *grid, const struct part *p)
{
    struct part first = *p, second = *p;

    if (p->rows == 1 && p->columns == 1)
        return cell(grid, p->row, p->column);
    if (p->columns >= p->rows) {
        first.columns = p->columns / 2;
        second.column += first.columns;
        second.columns -= first.columns;
    } else {
        first.rows = p->rows / 2;
        second.row += first.rows;
        second.rows -= first.rows;
    }
    bool beside = p->columns >= p->rows;
    struct block a = solve_part(grid, &first), b = solve_part(grid, &second);
    return join(&a, beside ? RIGHT : BOTTOM, &b, beside ? LEFT : TOP);
}

/* Of the whole array, with the devices that hold no weight. */
static double *fill(const struct wires_unused *n, double unused_us, size_t rows, size_t columns,
                    const double *g, struct grid *grid)
{
    grid->rows = n->above + rows + n->below;
    grid->columns = n->before + columns + n->behind;
    double *all = malloc(grid->rows * grid->columns * sizeof *all);
    for (size_t i = 0; all && i < grid->rows * grid->columns; i++)
        all[i] = unused_us;
    for (size_t i = 0; all && i < rows; i++)
        memcpy(all + (n->above + i) * grid->columns + n->before, g + i * columns,
               columns * sizeof *all);
    grid->g = all;
    return all;
}

static bool see(const struct wires *w, size_t rows, size_t columns, const double *g, double *t)
{
    const struct wires_unused n = wires_unused(w, rows, columns);
    struct grid grid = { .wires = w };
    double *all = fill(&n, w->unused_us, rows, columns, g, &grid);
    struct block b = { 0 };

    if (all)
        b = solve_part(&grid, &(struct part){ 0, grid.rows, 0, grid.columns });
    for (size_t i = 0; b.h && i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            t[i * columns + j] = b.h[(grid.rows + n.before + j) * b.all + n.above + i];
    bool done = b.h;
    free(b.h);
    free(all);
    return done;
}

/* ---- input on gates ---- */

static double behind(double y, double r_ohm)
{
    return y / (1 + US_OHM * r_ohm * y);
}

/* From the top downwards: all that is above a node, as one device. */
static void collect(const struct wires *w, size_t rows, size_t columns, const double *g,
                    const struct wires_on *on, size_t n_on, double *sum, double *spare)
{
    size_t last = rows + wires_unused(w, rows, columns).below;

    (void)spare;
    memset(sum, 0, columns * sizeof *sum);
    for (size_t k = 0; k < n_on; k++) {
        const double *row = g + on[k].row * columns;
        size_t next = k + 1 < n_on ? on[k + 1].row : last;
        double r = (double)(next - on[k].row) * w->r_column_ohm;
        assert(on[k].share == 1);
        for (size_t j = 0; j < columns; j++)
            sum[j] = behind(sum[j] + row[j], r);
    }
    for (size_t j = 0; j < columns; j++)
        sum[j] = behind(sum[j], w->r_sense_ohm);
}

const struct wires_model wires_exact = {
    .name = "exact",
    .doc = "the nodes of the array, solved",
    .see = see,
    .collect = collect,
    .each_level = true,
};
