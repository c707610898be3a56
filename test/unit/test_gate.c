#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <math.h>

#include <cmocka.h>

#include "arch/analog/gate.h"
#include "core/rng.h"

enum { MOST_ROWS = 256, MOST_COLUMNS = 24 };

struct array {
    size_t rows, columns;
    double g[MOST_ROWS * MOST_COLUMNS];
    uint16_t x[MOST_ROWS];
};

static double uniform(const char *what, uint64_t i)
{
    return rng_double(rng_at(11, what), i);
}

/* ReRAM of 6 kohm, on or 150 times less. Inputs as behind a ReLU: the magnitude of a normal number,
 * cut at 3.3 sd. */
static struct array *new_array(size_t rows, size_t columns, uint16_t most, double on)
{
    struct array *a = calloc(1, sizeof *a);

    assert_non_null(a);
    assert_true(rows <= MOST_ROWS && columns <= MOST_COLUMNS);
    a->rows = rows;
    a->columns = columns;
    for (size_t i = 0; i < rows * columns; i++)
        a->g[i] = uniform("device", i) < .5 ? 167 : 167 / 150.;
    for (size_t i = 0; i < rows; i++)
        if (uniform("on", i) < on)
            a->x[i] = (uint16_t)ceil(most * fmin(1, .3 * fabs(rng_normal(rng_at(11, "input"), i))));
    return a;
}

/* A column's node equations, each row on or off, by elimination from the top: current in uA at
 * 1 V. */
static double solve_column(const struct wires *w, const struct array *a, size_t column,
                           uint32_t clock)
{
    size_t n = a->rows;
    double d[MOST_ROWS] = { 1 }, b[MOST_ROWS] = { 0 }, y = 1e6 / w->r_column_ohm;
    double y_end = 1e6 / (w->r_column_ohm + w->r_sense_ohm);

    for (size_t i = 0; i < n; i++) {
        double g = a->x[i] > clock ? a->g[i * a->columns + column] : 0;
        d[i] = g + (i > 0 ? y : 0) + (i + 1 < n ? y : y_end);
        b[i] = g;
        if (i > 0) {
            b[i] += y / d[i - 1] * b[i - 1];
            d[i] -= y / d[i - 1] * y;
        }
    }
    return b[n - 1] / d[n - 1] * y_end;
}

static double charge_of_nodes(const struct wires *w, const struct array *a, size_t column,
                              uint16_t most)
{
    double sum = 0;

    for (uint32_t clock = 0; clock < most; clock++)
        sum += solve_column(w, a, column, clock);
    return sum;
}

static double charge_without_wires(const struct array *a, size_t column)
{
    double sum = 0;

    for (size_t i = 0; i < a->rows; i++)
        sum += a->g[i * a->columns + column] * a->x[i];
    return sum;
}

static void exact_wires_solve_the_nodes_of_each_clock(void **state)
{
    static const struct {
        size_t rows, columns;
        uint16_t most;
        double r_column, r_sense, on;
    } sample[] = { { 1, 1, 1, 3, 5, 1 },         { 7, 3, 1, 30, 0, .5 },
                   { 40, 5, 255, 2, 100, .7 },   { 256, 24, 1, 1, 0, .5 },
                   { 100, 2, 65535, 9, 1, 1 },   { 30, 4, 15, 500, 2, .9 } };

    (void)state;
    for (size_t s = 0; s < sizeof sample / sizeof *sample; s++) {
        uint16_t most = sample[s].most;
        struct array *a = new_array(sample[s].rows, sample[s].columns, most, sample[s].on);
        const struct wires w = { .model = &wires_exact, .r_column_ohm = sample[s].r_column,
                                 .r_sense_ohm = sample[s].r_sense, .r_row_ohm = 1000 };
        double charge[MOST_COLUMNS];
        assert_true(gate_charge(&w, a->rows, a->columns, a->g, a->x, most, charge));
        for (size_t j = 0; j < a->columns; j++) {
            double want = charge_of_nodes(&w, a, j, most);
            if (fabs(charge[j] - want) > 1e-10 * want)
                fail_msg("sample %zu, column %zu: %.15g, want %.15g", s, j, charge[j], want);
        }
        free(a);
    }
}

static void far_matrices_have_the_wire_below_them_too(void **state)
{
    struct array *a = new_array(20, 3, 255, 1);
    struct wires w = { .model = &wires_exact, .r_column_ohm = 5, .r_sense_ohm = 7, .rows = 50,
                       .columns = 3, .place = WIRES_FAR };
    double far[3], longer[3], near[3], shorter[3];

    (void)state;
    for (int m = WIRES_FAST; m <= WIRES_EXACT; m++) {
        const struct wires same = { .model = wires_models[m], .r_column_ohm = 5,
                                    .r_sense_ohm = 7 + 30 * 5 };
        w.model = same.model;
        w.rows = 50;
        w.place = WIRES_FAR;
        assert_true(gate_charge(&w, 20, 3, a->g, a->x, 255, far));
        assert_true(gate_charge(&same, 20, 3, a->g, a->x, 255, longer));
        w.place = WIRES_NEAR;
        assert_true(gate_charge(&w, 20, 3, a->g, a->x, 255, near));
        w.rows = 0;
        assert_true(gate_charge(&w, 20, 3, a->g, a->x, 255, shorter));
        for (size_t j = 0; j < 3; j++) {
            assert_true(fabs(far[j] - longer[j]) < 1e-12 * longer[j]);
            assert_true(near[j] == shorter[j] && near[j] > far[j]);
        }
    }
    free(a);
}

static void wires_of_0_ohm_lose_nothing(void **state)
{
    (void)state;
    struct array *a = new_array(90, 10, 255, .8);
    for (size_t i = 0; i < a->rows * a->columns; i++)
        a->g[i] = floor(a->g[i]); // so that sums are exact
    for (int m = 0; wires_models[m]; m++) {
        const struct wires w = { .model = wires_models[m], .r_row_ohm = 9, .r_driver_ohm = 9 };
        double charge[MOST_COLUMNS];
        assert_true(gate_charge(&w, a->rows, a->columns, a->g, a->x, 255, charge));
        for (size_t j = 0; j < a->columns; j++)
            assert_true(fabs(charge[j] - charge_without_wires(a, j)) <
                        1e-12 * charge_without_wires(a, j));
    }
    free(a);
}

/* ---- how wrong fast wires are ---- */

/* Resistances of the column so that all columns together lose so much; that of the sense is a
 * multiple of a segment's. */
static struct wires wires_that_drop(const struct array *a, uint16_t most, double sense, double drop)
{
    struct wires w = { .model = &wires_exact };
    double low = 0, high = 100;

    for (int i = 0; i < 14; i++) {
        double charge[MOST_COLUMNS], with = 0, without = 0;
        w.r_column_ohm = (low + high) / 2;
        w.r_sense_ohm = sense * w.r_column_ohm;
        assert_true(gate_charge(&w, a->rows, a->columns, a->g, a->x, most, charge));
        for (size_t j = 0; j < a->columns; j++) {
            with += charge[j];
            without += charge_without_wires(a, j);
        }
        *(1 - with / without < drop ? &low : &high) = w.r_column_ohm;
    }
    return w;
}

static void fast_wires_are_as_wrong_as_they_say(void **state)
{
    static const struct {
        uint16_t most;
        double on, sense, drop, error; // error: of the rms of the exact charges
    } want[] = { { 1, .5, 0, .14, .0003 },    { 1, .5, 0, .4, .011 },    { 1, .5, 100, .4, .003 },
                 { 255, 1, 0, .13, .0045 },   { 255, .6, 0, .13, .0045 } };

    (void)state;
    for (size_t s = 0; s < sizeof want / sizeof *want; s++) {
        struct array *a = new_array(128, 24, want[s].most, want[s].on);
        struct wires w = wires_that_drop(a, want[s].most, want[s].sense, want[s].drop);
        double exact[MOST_COLUMNS], fast[MOST_COLUMNS], square = 0, error = 0;
        assert_true(gate_charge(&w, a->rows, a->columns, a->g, a->x, want[s].most, exact));
        w.model = &wires_fast;
        assert_true(gate_charge(&w, a->rows, a->columns, a->g, a->x, want[s].most, fast));
        for (size_t j = 0; j < a->columns; j++) {
            square += exact[j] * exact[j];
            error += (fast[j] - exact[j]) * (fast[j] - exact[j]);
        }
        assert_true(sqrt(error / square) < want[s].error);
        free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_wires_solve_the_nodes_of_each_clock),
        cmocka_unit_test(far_matrices_have_the_wire_below_them_too),
        cmocka_unit_test(wires_of_0_ohm_lose_nothing),
        cmocka_unit_test(fast_wires_are_as_wrong_as_they_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
