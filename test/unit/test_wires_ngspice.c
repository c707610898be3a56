/* Wires against ngspice, where it is installed. */
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
#include "arch/analog/wires.h"
#include "core/rng.h"
#include "test/spice.h"
#include "test/tmpdir.h"

enum { MOST = 32 };

struct sample {
    size_t rows, columns;
    double r_row, r_column, r_driver, r_sense;
};

static const struct sample samples[] = {
    { 4, 3, 5, 5, 0, 0 },      { 4, 3, 5, 5, 100, 50 },   { 1, 1, 3, 4, 5, 6 },
    { 8, 8, 0, 20, 0, 10 },    { 8, 8, 20, 0, 10, 0 },    { 16, 16, 0, 0, 500, 200 },
    { 16, 16, 2, 3, 50, 70 },  { 32, 32, 1, 1, 0, 0 },    { 32, 32, 30, 50, 100, 100 },
    { 32, 5, 7, 2, 10, 40 },   { 3, 32, 7, 2, 10, 40 },
};
#define N_SAMPLE (sizeof samples / sizeof *samples)

struct array {
    struct wires wires;
    double g[MOST * MOST], t[MOST * MOST], volt[MOST], ua[MOST];
};

/* ReRAM: on, off, in between, and a device in ten that conducts nothing. */
static void fill(struct array *a, const struct sample *s)
{
    const struct rng device = rng_at(s->rows * 1000 + s->columns, "device");
    const struct rng input = rng_at(s->rows, "input");

    a->wires = (struct wires){ .model = &wires_exact, .r_row_ohm = s->r_row,
                               .r_column_ohm = s->r_column, .r_driver_ohm = s->r_driver,
                               .r_sense_ohm = s->r_sense };
    for (size_t i = 0; i < s->rows * s->columns; i++) {
        double u = rng_double(device, i);
        a->g[i] = u < .1 ? 0 : u < .4 ? 167 : u < .7 ? 167 / 150. : 167 * u;
    }
    for (size_t i = 0; i < s->rows; i++)
        a->volt[i] = i % 4 == 3 ? 0 : .2 * rng_double(input, i);
}

static void run_ngspice(const char *dir, const struct sample *s, struct array *a, bool gate)
{
    const struct spice_array of = { &a->wires, s->rows, s->columns, a->g, a->volt, gate };
    char path[TMPDIR_PATH_MAX];
    FILE *f = fopen(tmpdir_path(path, dir, "array.cir"), "w");

    assert_non_null(f);
    spice_write(f, &of);
    assert_int_equal(fclose(f), 0);
    assert_true(spice_run(path, s->columns, a->ua));
}

static void need_ngspice(void)
{
    if (spice_is_installed())
        return;
    print_message("ngspice is not installed\n");
    skip();
}

static double current(const struct array *a, const struct sample *s, size_t column)
{
    double sum = 0;

    for (size_t i = 0; i < s->rows; i++)
        sum += a->t[i * s->columns + column] * a->volt[i];
    return sum;
}

static void exact_wires_carry_what_ngspice_finds(void **state)
{
    need_ngspice();
    for (size_t k = 0; k < N_SAMPLE; k++) {
        static struct array a;
        fill(&a, &samples[k]);
        run_ngspice(*state, &samples[k], &a, false);
        assert_true(wires_see(&a.wires, samples[k].rows, samples[k].columns, a.g, a.t));
        for (size_t j = 0; j < samples[k].columns; j++) {
            double found = current(&a, &samples[k], j);
            if (fabs(found - a.ua[j]) > 1e-9 * fabs(a.ua[j]))
                fail_msg("sample %zu, column %zu: %.15g uA, ngspice %.15g", k, j, found, a.ua[j]);
        }
    }
}

static void exact_columns_of_gates_carry_what_ngspice_finds(void **state)
{
    need_ngspice();
    for (size_t k = 0; k < N_SAMPLE; k++) {
        static struct array a;
        double charge[MOST];
        uint16_t x[MOST];
        fill(&a, &samples[k]);
        for (size_t i = 0; i < samples[k].rows; i++) {
            x[i] = i % 3 != 1;
            a.volt[i] = x[i];
        }
        run_ngspice(*state, &samples[k], &a, true);
        assert_true(gate_charge(&a.wires, samples[k].rows, samples[k].columns, a.g, x, 1, charge));
        for (size_t j = 0; j < samples[k].columns; j++)
            if (fabs(charge[j] - a.ua[j]) > 1e-9 * fabs(a.ua[j]))
                fail_msg("sample %zu, column %zu: %.15g uA, ngspice %.15g", k, j, charge[j],
                         a.ua[j]);
    }
}

/* Resistances for which the current of all columns is less by about `drop`. */
static double scale_to(const struct array *a, const struct sample *s, double drop)
{
    double low = 0, high = 100;

    for (int i = 0; i < 12; i++) {
        static double t[MOST * MOST];
        double middle = (low + high) / 2;
        struct wires w = a->wires;
        w.r_row_ohm = w.r_column_ohm = middle;
        assert_true(wires_see(&w, s->rows, s->columns, a->g, t));
        *(wires_mean_drop(s->rows * s->columns, a->g, t) < drop ? &low : &high) = middle;
    }
    return low;
}

/* rms error in per cent of the rms current; arrays differ by a factor of two. */
static void fast_wires_are_off_by_as_much_as_their_table_says(void **state)
{
    static const struct {
        double drop, rms;
    } want[] = { { .04, .01 }, { .08, .04 }, { .13, .15 }, { .23, .46 },
                 { .36, .97 }, { .56, 3.1 }, { .88, 19 } };

    need_ngspice();
    for (size_t k = 0; k < sizeof want / sizeof *want; k++) {
        static struct array a;
        const struct sample s = { MOST, MOST, 0, 0, 0, 0 };
        double error = 0, square = 0;
        fill(&a, &s);
        a.wires.r_row_ohm = a.wires.r_column_ohm = scale_to(&a, &s, want[k].drop);
        run_ngspice(*state, &s, &a, false);
        a.wires.model = &wires_fast;
        assert_true(wires_see(&a.wires, MOST, MOST, a.g, a.t));
        for (size_t j = 0; j < MOST; j++) {
            double off = current(&a, &s, j) - a.ua[j];
            error += off * off;
            square += a.ua[j] * a.ua[j];
        }
        double rms = 100 * sqrt(error / square);
        if (rms > 2 * want[k].rms)
            fail_msg("drop %g: rms %.4f %%, want at most twice %g %%", want[k].drop, rms,
                     want[k].rms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(exact_wires_carry_what_ngspice_finds, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(exact_columns_of_gates_carry_what_ngspice_finds,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(fast_wires_are_off_by_as_much_as_their_table_says,
                                        tmpdir_make, tmpdir_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
