#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <math.h>

#include <cmocka.h>

#include "arch/analog/wires.h"
#include "core/rng.h"

/* ---- arrays ---- */

struct array {
    size_t rows, columns;
    double *g, *t; // [rows][columns]
};

static struct array new_array(size_t rows, size_t columns)
{
    struct array a = { rows, columns, calloc(rows * columns, sizeof *a.g),
                       calloc(rows * columns, sizeof *a.t) };

    assert_true(a.g && a.t);
    return a;
}

static void free_array(struct array *a)
{
    free(a->g);
    free(a->t);
}

static double uniform(const char *what, uint64_t i)
{
    return rng_double(rng_at(7, what), i);
}

/* A quarter of the devices is off, and a tenth conducts nothing. */
static struct array random_array(size_t rows, size_t columns, uint64_t seed)
{
    struct array a = new_array(rows, columns);

    for (size_t i = 0; i < rows * columns; i++) {
        double u = uniform("device", seed << 20 | i);
        a.g[i] = u < .1 ? 0 : u < .35 ? 1 : 100 * u;
    }
    return a;
}

static struct wires wires(const struct wires_model *model, double r_row, double r_column,
                          double r_driver, double r_sense)
{
    return (struct wires){ .model = model, .r_row_ohm = r_row, .r_column_ohm = r_column,
                           .r_driver_ohm = r_driver, .r_sense_ohm = r_sense };
}

/* Current of a column in uA. */
static double current(const struct array *a, size_t column, const double *volt)
{
    double sum = 0;

    for (size_t i = 0; i < a->rows; i++)
        sum += a->t[i * a->columns + column] * volt[i];
    return sum;
}

static void assert_close(double found, double wanted, double relative)
{
    if (fabs(found - wanted) > relative * fabs(wanted))
        fail_msg("%.15g, want %.15g within %g of it", found, wanted, relative);
}

/* ---- the nodal equations, written down one after the other and eliminated ---- */

enum { MOST_NODES = 400 };

struct circuit {
    size_t n_node;
    size_t same[MOST_NODES];                  // nodes that 0 ohm makes one; the least of them
    double a[MOST_NODES][MOST_NODES + 1];     // conductances in uS, and on the right uA
};

static size_t one_of(const struct circuit *c, size_t node)
{
    while (c->same[node] != node)
        node = c->same[node];
    return node;
}

static void merge(struct circuit *c, size_t a, size_t b)
{
    a = one_of(c, a);
    b = one_of(c, b);
    c->same[a > b ? a : b] = a > b ? b : a;
}

static void conduct(struct circuit *c, size_t a, size_t b, double us)
{
    a = one_of(c, a);
    b = one_of(c, b);
    c->a[a][a] += us;
    c->a[b][b] += us;
    c->a[a][b] -= us;
    c->a[b][a] -= us;
}

/* Node 0 is ground; then come drivers, senses, nodes of rows and nodes of columns. */
struct nodes {
    size_t driver, sense, row, column;
};

struct segment {
    size_t a, b;
    double ohm;
};

static size_t segments(const struct wires *w, size_t rows, size_t columns, const struct nodes *n,
                       struct segment *s)
{
    size_t count = 0;

    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            size_t u = n->row + i * columns + j, v = n->column + i * columns + j;
            s[count++] = j == 0
                             ? (struct segment){ n->driver + i, u, w->r_driver_ohm + w->r_row_ohm }
                             : (struct segment){ u - 1, u, w->r_row_ohm };
            s[count++] = i == rows - 1
                             ? (struct segment){ v, n->sense + j, w->r_sense_ohm + w->r_column_ohm }
                             : (struct segment){ v, v + columns, w->r_column_ohm };
        }
    return count;
}

/* Rows and columns of nodes whose voltage is given become 1 and that voltage. */
static void fix(struct circuit *c, size_t node, double volt)
{
    node = one_of(c, node);
    memset(c->a[node], 0, sizeof c->a[node]);
    c->a[node][node] = 1;
    c->a[node][c->n_node] = volt;
}

static void eliminate(struct circuit *c)
{
    size_t n = c->n_node;

    for (size_t k = 0; k < n; k++) {
        size_t pivot = k;
        for (size_t i = k + 1; i < n; i++)
            if (fabs(c->a[i][k]) > fabs(c->a[pivot][k]))
                pivot = i;
        for (size_t j = k; j <= n; j++) {
            double v = c->a[k][j];
            c->a[k][j] = c->a[pivot][j];
            c->a[pivot][j] = v;
        }
        for (size_t i = 0; i < n; i++) {
            double f = i == k ? 0 : c->a[i][k] / c->a[k][k];
            for (size_t j = k; f != 0 && j <= n; j++)
                c->a[i][j] -= f * c->a[k][j];
        }
    }
}

static double volt_at(const struct circuit *c, size_t node)
{
    node = one_of(c, node);
    return c->a[node][c->n_node] / c->a[node][node];
}

/* Currents of all columns, when row `driven` is at 1 V, in uA: what the devices of a column
 * carry. */
static void solve_nodes(const struct wires *w, const struct array *a, size_t driven, double *ua)
{
    static struct circuit c;
    static struct segment s[MOST_NODES];
    const struct nodes n = { 1, 1 + a->rows, 1 + a->rows + a->columns,
                             1 + a->rows + a->columns + a->rows * a->columns };
    size_t n_device = a->rows * a->columns, count;

    c.n_node = n.column + n_device;
    assert_true(c.n_node <= MOST_NODES);
    memset(c.a, 0, sizeof c.a);
    for (size_t i = 0; i < c.n_node; i++)
        c.same[i] = i;
    count = segments(w, a->rows, a->columns, &n, s);
    for (size_t i = 0; i < count; i++)
        if (s[i].ohm == 0)
            merge(&c, s[i].a, s[i].b);
    for (size_t i = 0; i < count; i++)
        if (s[i].ohm > 0)
            conduct(&c, s[i].a, s[i].b, 1e6 / s[i].ohm);
    for (size_t i = 0; i < n_device; i++)
        conduct(&c, n.row + i, n.column + i, a->g[i]);
    for (size_t i = 0; i < c.n_node; i++)
        if (c.a[i][i] == 0) // nothing leads there, or it is one with another node
            c.a[i][i] = 1;
    for (size_t i = 0; i < a->rows; i++)
        fix(&c, n.driver + i, i == driven);
    for (size_t j = 0; j < a->columns; j++)
        fix(&c, n.sense + j, 0);
    fix(&c, 0, 0);
    eliminate(&c);
    for (size_t j = 0; j < a->columns; j++)
        ua[j] = 0;
    for (size_t i = 0; i < n_device; i++)
        ua[i % a->columns] += a->g[i] * (volt_at(&c, n.row + i) - volt_at(&c, n.column + i));
}

/* The part of an array with a matrix in its corner that holds the matrix. */
static void cut_out(const struct array *whole, const struct wires *w, struct array *a)
{
    const struct wires_unused n = wires_unused(w, a->rows, a->columns);

    for (size_t i = 0; i < a->rows; i++)
        memcpy(a->g + i * a->columns, whole->g + (n.above + i) * whole->columns + n.before,
               a->columns * sizeof *a->g);
}

/* Devices beside the matrix are unused ones. */
static void unuse(struct array *whole, const struct wires *w, const struct array *a)
{
    const struct wires_unused n = wires_unused(w, a->rows, a->columns);

    for (size_t i = 0; i < whole->rows; i++)
        for (size_t j = 0; j < whole->columns; j++)
            if (i < n.above || i >= n.above + a->rows || j < n.before || j >= n.before + a->columns)
                whole->g[i * whole->columns + j] = w->unused_us;
}

static double some_ohm(uint64_t i)
{
    double u = uniform("ohm", i);

    return u < .3 ? 0 : u < .6 ? 10 * u : 3000 * u;
}

static void random_wires(struct wires *w, uint64_t seed)
{
    *w = wires(&wires_exact, some_ohm(4 * seed), some_ohm(4 * seed + 1), some_ohm(4 * seed + 2),
               some_ohm(4 * seed + 3));
    w->place = uniform("place", seed) < .5 ? WIRES_NEAR : WIRES_FAR;
    w->unused_us = uniform("unused", seed) < .5 ? 0 : 20 * uniform("unused", seed);
}

static size_t some_length(const char *what, uint64_t i, size_t most)
{
    return 1 + (size_t)(uniform(what, i) * (double)most);
}

static void exact_wires_solve_the_nodal_equations_of_any_array(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct array whole =
            random_array(some_length("rows", seed, 9), some_length("columns", seed, 9), seed);
        struct array a = new_array(some_length("used rows", seed, whole.rows),
                                   some_length("used columns", seed, whole.columns));
        struct wires w;
        double ua[9];

        random_wires(&w, seed);
        w.rows = whole.rows;
        w.columns = whole.columns;
        unuse(&whole, &w, &a);
        cut_out(&whole, &w, &a);
        const struct wires_unused n = wires_unused(&w, a.rows, a.columns);
        assert_true(wires_see(&w, a.rows, a.columns, a.g, a.t));
        for (size_t i = 0; i < a.rows; i++) {
            solve_nodes(&w, &whole, n.above + i, ua);
            for (size_t j = 0; j < a.columns; j++) {
                double largest = a.g[i * a.columns + j], t = a.t[i * a.columns + j];
                if (fabs(t - ua[n.before + j]) > 1e-9 * fmax(largest, 1))
                    fail_msg("array %d, device %zu, %zu: %.15g uS, want %.15g", (int)seed, i, j, t,
                             ua[n.before + j]);
            }
        }
        free_array(&whole);
        free_array(&a);
    }
}

/* ---- large arrays: nodal equations row by row and column by column in turn ---- */

struct lines { // nodes of an array
    const struct wires *w;
    const struct array *a;
    const double *volt;      // of the drivers
    double *u, *v;           // [rows][columns]: of rows and of columns
};

/* x[i * step] for i < n: r_end and then segments of r lead to device 0, n - 1 segments beyond. The
 * devices lead to `other`. Returns the largest change. */
static double solve_line(const double *g, const double *other, double *x, size_t n, size_t step,
                         double r_end, double r, double volt)
{
    static double factor[512], right[512];
    double y = 1e6 / r, y_end = 1e6 / (r + r_end), most = 0;

    for (size_t i = 0; i < n; i++) { // from the far end
        size_t at = n - 1 - i;
        double d = g[at * step] + (at + 1 < n ? y : 0) + (at == 0 ? y_end : y);
        double b = g[at * step] * other[at * step] + (at == 0 ? y_end * volt : 0);
        if (i > 0) {
            d -= y * factor[i - 1];
            b += y * right[i - 1];
        }
        factor[i] = y / d;
        right[i] = b / d;
    }
    for (size_t at = 0; at < n; at++) {
        size_t i = n - 1 - at;
        double new = right[i] + (at > 0 ? factor[i] * x[(at - 1) * step] : 0);
        most = fmax(most, fabs(new - x[at * step]));
        x[at * step] = new;
    }
    return most;
}

static double sweep(struct lines *l)
{
    const struct wires *w = l->w;
    size_t rows = l->a->rows, columns = l->a->columns;
    double most = 0;

    for (size_t i = 0; i < rows; i++)
        most = fmax(most, solve_line(l->a->g + i * columns, l->v + i * columns, l->u + i * columns,
                                     columns, 1, w->r_driver_ohm, w->r_row_ohm, l->volt[i]));
    for (size_t j = 0; j < columns; j++) { // upside down: device 0 of the line is at the sense
        static double g[512], u[512], v[512];
        for (size_t i = 0; i < rows; i++) {
            size_t at = (rows - 1 - i) * columns + j;
            g[i] = l->a->g[at];
            u[i] = l->u[at];
            v[i] = l->v[at];
        }
        most = fmax(most, solve_line(g, u, v, rows, 1, w->r_sense_ohm, w->r_column_ohm, 0));
        for (size_t i = 0; i < rows; i++)
            l->v[(rows - 1 - i) * columns + j] = v[i];
    }
    return most;
}

/* Column currents of T and of the nodes agree; returns the mean drop. */
static double compare_with_nodes(const struct wires *w, const struct array *a, const double *volt)
{
    size_t n = a->rows * a->columns;
    struct lines l = { w, a, volt, calloc(n, sizeof *l.u), calloc(n, sizeof *l.v) };
    int sweeps = 0;

    assert_true(l.u && l.v);
    while (sweep(&l) > 1e-15 && sweeps < 300)
        sweeps++;
    assert_true(sweeps < 300);
    for (size_t j = 0; j < a->columns; j++) {
        double ua = 0;
        for (size_t i = 0; i < a->rows; i++)
            ua += a->g[i * a->columns + j] * (l.u[i * a->columns + j] - l.v[i * a->columns + j]);
        assert_close(current(a, j, volt), ua, 1e-9);
    }
    free(l.u);
    free(l.v);
    return wires_mean_drop(n, a->g, a->t);
}

enum { ON_US = 167 }; // ReRAM of 6 kohm, 150 times less when off

static void fill_with_reram(struct array *a)
{
    for (size_t i = 0; i < a->rows * a->columns; i++)
        a->g[i] = uniform("reram", i) < .5 ? ON_US : ON_US / 150.0;
}

static void fill_volts(double *volt, size_t n)
{
    for (size_t i = 0; i < n; i++)
        volt[i] = uniform("volt", i) < .2 ? 0 : .2 * uniform("volt", i);
}

static void exact_wires_solve_large_arrays_of_reram(void **state)
{
    static const size_t size[][2] = { { 128, 128 }, { 256, 256 }, { 100, 33 } };
    double volt[256];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct array a = new_array(size[i][0], size[i][1]);
        const struct wires w = wires(&wires_exact, .7, 1.1, 30, 20);
        fill_with_reram(&a);
        fill_volts(volt, a.rows);
        assert_true(wires_see(&w, a.rows, a.columns, a.g, a.t));
        double drop = compare_with_nodes(&w, &a, volt);
        assert_true(drop > .1 && drop < .9);
        free_array(&a);
    }
}

/* ---- the iteration of CrossSim 3 (T. P. Xiao et al., Sandia), written down from its formula:
 * device voltages less what the currents that they draw drop on the way, until nothing changes ----
 */

/* Currents of the columns in uA after so many rounds, with everything driven at `volt`. */
static void relax(const struct wires *w, const struct array *a, const double *volt, int rounds,
                  double *ua)
{
    size_t rows = a->rows, columns = a->columns;
    double *dv = calloc(rows * columns, sizeof *dv), *par = calloc(rows * columns, sizeof *par);

    assert_true(dv && par);
    for (size_t i = 0; i < rows * columns; i++)
        dv[i] = volt[i / columns];
    for (int round = 0; round < rounds; round++) {
        memset(par, 0, rows * columns * sizeof *par);
        for (size_t i = 0; i < rows; i++) { // what each segment of a row carries drops behind it
            double drop = 0;
            for (size_t j = 0; j < columns; j++) {
                double carried = 0;
                for (size_t k = j; k < columns; k++)
                    carried += a->g[i * columns + k] * dv[i * columns + k];
                par[i * columns + j] += drop += carried * w->r_row_ohm * 1e-6;
            }
        }
        for (size_t j = 0; j < columns; j++) { // and those of a column towards its end
            double drop = 0;
            for (size_t i = rows; i-- > 0;) {
                double carried = 0;
                for (size_t k = 0; k <= i; k++)
                    carried += a->g[k * columns + j] * dv[k * columns + j];
                par[i * columns + j] += drop += carried * w->r_column_ohm * 1e-6;
            }
        }
        for (size_t i = 0; i < rows * columns; i++)
            dv[i] += .5 * (volt[i / columns] - par[i] - dv[i]);
    }
    for (size_t j = 0; j < columns; j++)
        ua[j] = 0;
    for (size_t i = 0; i < rows * columns; i++)
        ua[i % columns] += a->g[i] * dv[i];
    free(dv);
    free(par);
}

static void crosssims_iteration_ends_at_the_exact_currents(void **state)
{
    struct array a = random_array(24, 20, 5);
    const struct wires w = wires(&wires_exact, 8, 11, 0, 0);
    double volt[24], ua[20];

    (void)state;
    fill_volts(volt, a.rows);
    assert_true(wires_see(&w, a.rows, a.columns, a.g, a.t));
    relax(&w, &a, volt, 200, ua);
    for (size_t j = 0; j < a.columns; j++)
        assert_close(current(&a, j, volt), ua[j], 1e-10);
    free_array(&a);
}

/* ---- closed forms ---- */

static void ngspice_and_a_nodal_solver_gave_these_currents(void **state)
{
    static const struct {
        const struct wires_model *model;
        double r_driver, r_sense, ua[3], tolerance;
    } want[] = {
        { &wires_off, 0, 0, { 5.56, 6.70, 5.84 }, 1e-14 },
        { &wires_exact, 0, 0, { 5.556849223739, 6.694430539687, 5.834372887455 }, 1e-12 },
        { &wires_exact, 100, 50, { 5.516768820811, 6.642409203255, 5.793097257958 }, 1e-12 },
        { &wires_fast, 0, 0, { 5.5568490085, 6.6944307074, 5.8343732660 }, 1e-10 },
    };
    struct array a = new_array(4, 3);
    double volt[4];

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        volt[i] = .02 * (double)(5 * i % 11);
        for (size_t j = 0; j < 3; j++)
            a.g[i * 3 + j] = 1 + (double)((7 * i + 3 * j) % 25);
    }
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct wires w = wires(want[i].model, 5, 5, want[i].r_driver, want[i].r_sense);
        assert_true(wires_see(&w, 4, 3, a.g, a.t));
        for (size_t j = 0; j < 3; j++)
            assert_close(current(&a, j, volt), want[i].ua[j], want[i].tolerance);
    }
    free_array(&a);
}

static void one_device_is_in_series_with_all_resistances(void **state)
{
    const double g = 50, ohm = 3 + 7 + 11 + 13;
    double t;

    (void)state;
    for (int i = WIRES_FAST; i <= WIRES_EXACT; i++) {
        struct wires w = wires(wires_models[i], 3, 7, 11, 13);
        assert_true(wires_see(&w, 1, 1, &g, &t));
        assert_close(t, 1 / (1 / g + ohm * 1e-6), 1e-14);
    }
}

/* Equal devices along one wire that are all driven: what is lost at each is A cosh((i + 1/2) h),
 * 2 cosh(h) = 2 + g r, and everything at the end. */
static void a_ladder_of_equal_devices_is_a_hyperbolic_cosine(void **state)
{
    enum { N = 200 };
    const double ohm = 4, us = 60, h = acosh(1 + us * ohm * 1e-6 / 2);
    struct array a = new_array(N, 1);
    double ones[N];

    (void)state;
    for (size_t i = 0; i < N; i++) {
        a.g[i] = us;
        ones[i] = 1;
    }
    double all = 1e6 / ohm * (1 - cosh((N - .5) * h) / cosh((N + .5) * h));
    struct wires down = wires(&wires_exact, 0, ohm, 0, 0);
    assert_true(wires_see(&down, N, 1, a.g, a.t));
    assert_close(current(&a, 0, ones), all, 1e-12);
    struct wires along = wires(&wires_exact, ohm, 0, 0, 0);
    assert_true(wires_see(&along, 1, N, a.g, a.t));
    assert_close(current(&a, 0, ones), all, 1e-12);
    free_array(&a);
}

static void the_drop_of_fast_wires_is_the_double_sum(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct array whole =
            random_array(some_length("rows", seed, 20), some_length("columns", seed, 20), seed);
        struct array a = new_array(some_length("used rows", seed, whole.rows),
                                   some_length("used columns", seed, whole.columns));
        struct wires w;

        random_wires(&w, seed);
        w.model = &wires_fast;
        w.rows = whole.rows;
        w.columns = whole.columns;
        unuse(&whole, &w, &a);
        cut_out(&whole, &w, &a);
        const struct wires_unused n = wires_unused(&w, a.rows, a.columns);
        assert_true(wires_see(&w, a.rows, a.columns, a.g, a.t));
        for (size_t i = n.above; i < n.above + a.rows; i++)
            for (size_t j = n.before; j < n.before + a.columns; j++) {
                double drop = 0, g = whole.g[i * whole.columns + j];
                for (size_t k = 0; k < whole.columns; k++)
                    drop += whole.g[i * whole.columns + k] *
                            (w.r_row_ohm * (double)((j < k ? j : k) + 1) + w.r_driver_ohm);
                for (size_t k = 0; k < whole.rows; k++)
                    drop += whole.g[k * whole.columns + j] *
                            (w.r_column_ohm * (double)(whole.rows - (i > k ? i : k)) +
                             w.r_sense_ohm);
                assert_close(a.t[(i - n.above) * a.columns + j - n.before], g / (1 + drop * 1e-6),
                             1e-12);
            }
        free_array(&whole);
        free_array(&a);
    }
}

static void wires_of_0_ohm_change_no_bit(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++)
        for (int i = 0; wires_models[i]; i++) {
            struct array a = random_array(some_length("rows", seed, 40),
                                          some_length("columns", seed, 40), seed);
            struct wires w = wires(wires_models[i], 0, 0, 0, 0);
            w.rows = w.columns = 44;
            w.unused_us = 3;
            w.place = WIRES_FAR;
            assert_true(wires_see(&w, a.rows, a.columns, a.g, a.t));
            assert_memory_equal(a.g, a.t, a.rows * a.columns * sizeof *a.g);
            free_array(&a);
        }
}

static void a_model_is_found_by_what_the_configuration_says(void **state)
{
    const struct wires_cfg c = { .model = WIRES_EXACT, .r_row = 1500000000, .r_column = 2,
                                 .r_driver = 3000000000, .r_sense = 4000000000,
                                 .place = WIRES_FAR };
    struct wires w = wires_of(&c, 256, 512, .5);

    (void)state;
    assert_string_equal(w.model->name, "exact");
    assert_close(w.r_row_ohm, 1.5, 1e-15);
    assert_close(w.r_column_ohm, 2e-9, 1e-15);
    assert_close(w.r_driver_ohm, 3, 1e-15);
    assert_close(w.r_sense_ohm, 4, 1e-15);
    assert_true(w.rows == 256 && w.columns == 512 && w.unused_us == .5 && w.place == WIRES_FAR);
}

/* ---- how wrong fast wires are ---- */

/* Of column currents for random inputs: error in units of the rms of the exact ones. */
static void fast_errors(const struct array *exact, const struct array *fast, double *rms,
                        double *largest)
{
    double volt[256], square = 0, error = 0;
    size_t draws = 8;

    *largest = 0;
    for (size_t d = 0; d < draws; d++) {
        for (size_t i = 0; i < exact->rows; i++)
            volt[i] = .2 * uniform("input", d << 20 | i);
        for (size_t j = 0; j < exact->columns; j++) {
            double want = current(exact, j, volt), off = current(fast, j, volt) - want;
            square += want * want;
            error += off * off;
            *largest = fmax(*largest, fabs(off));
        }
    }
    double unit = sqrt(square / (double)(draws * exact->columns));
    *rms = sqrt(error / (double)(draws * exact->columns)) / unit;
    *largest /= unit;
}

/* Wires of so many ohm, of which the mean drop is `drop`. */
static double ohm_of_drop(const struct array *a, double drop)
{
    double low = 0, high = 100;

    for (int i = 0; i < 13; i++) {
        double middle = (low + high) / 2;
        struct wires w = wires(&wires_exact, middle, middle, 0, 0);
        assert_true(wires_see(&w, a->rows, a->columns, a->g, a->t));
        *(wires_mean_drop(a->rows * a->columns, a->g, a->t) < drop ? &low : &high) = middle;
    }
    return low;
}

/* The errors depend on the array, and the largest one on how many are looked at: by a
 * factor of two and of three. */
static void fast_wires_are_as_wrong_as_they_say(void **state)
{
    static const struct {
        double drop, rms, largest; // per cent
    } want[] = { { 4, .01, .02 },   { 8, .04, .1 },    { 13, .15, .6 },   { 23, .46, 1.7 },
                 { 36, .97, 2.4 },  { 42, .9, 3.1 },   { 56, 3.1, 6 },    { 88, 19, 52 } };
    struct array exact = new_array(48, 48), fast = exact;

    (void)state;
    fast.t = calloc(48 * 48, sizeof *fast.t);
    assert_non_null(fast.t);
    fill_with_reram(&exact);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        double ohm = ohm_of_drop(&exact, want[i].drop / 100), rms, largest;
        struct wires w = wires(&wires_exact, ohm, ohm, 0, 0);
        assert_true(wires_see(&w, exact.rows, exact.columns, exact.g, exact.t));
        w.model = &wires_fast;
        assert_true(wires_see(&w, exact.rows, exact.columns, fast.g, fast.t));
        fast_errors(&exact, &fast, &rms, &largest);
        if (100 * rms > 2 * want[i].rms || 100 * largest > 3 * want[i].largest)
            fail_msg("drop %g: rms %.3g %%, largest %.3g %%", want[i].drop, 100 * rms,
                     100 * largest);
    }
    free(fast.t);
    free_array(&exact);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_wires_solve_the_nodal_equations_of_any_array),
        cmocka_unit_test(exact_wires_solve_large_arrays_of_reram),
        cmocka_unit_test(crosssims_iteration_ends_at_the_exact_currents),
        cmocka_unit_test(ngspice_and_a_nodal_solver_gave_these_currents),
        cmocka_unit_test(one_device_is_in_series_with_all_resistances),
        cmocka_unit_test(a_ladder_of_equal_devices_is_a_hyperbolic_cosine),
        cmocka_unit_test(the_drop_of_fast_wires_is_the_double_sum),
        cmocka_unit_test(wires_of_0_ohm_change_no_bit),
        cmocka_unit_test(a_model_is_found_by_what_the_configuration_says),
        cmocka_unit_test(fast_wires_are_as_wrong_as_they_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
