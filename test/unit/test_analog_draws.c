/* test/unit/test_analog_draws.c -- draws of devices against core/rng.h, the C library and the
 * moments of their distributions, within three standard errors of a million. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "arch/analog/draw_kernel.h"

enum { N = 1000000 };

static void check_near(double got, double want, double standard_error)
{
    if (!(fabs(got - want) <= 3 * standard_error))
        fail_msg("%g is not within %g of %g", got, 3 * standard_error, want);
}

static double *new_numbers(size_t n)
{
    double *x = malloc(n * sizeof *x);

    assert_non_null(x);
    return x;
}

/* Units in the last place that x is off. */
static double ulps(double x, double want)
{
    double w = fabs(want);

    return fabs(x - want) / (nextafter(w, INFINITY) - w);
}

static void first_of_a_uniform_pair_is_the_number_of_the_place(void **state)
{
    struct rng r = rng_at(3, "a place");
    double *x = new_numbers(2 * 1003);

    (void)state;
    draw_uniforms(r, UINT64_C(0xfffffff0), 1003, x);
    for (size_t i = 0; i < 1003; i++)
        assert_true(x[2 * i] == rng_double(r, UINT64_C(0xfffffff0) + i));
    free(x);
}

static void first_of_a_normal_pair_is_that_of_the_c_library(void **state)
{
    struct rng r = rng_at(4, "a place");
    double *x = new_numbers(2 * N);

    (void)state;
    draw_normals(r, 7, N, x);
    for (size_t i = 0; i < N; i++)
        assert_true(fabs(x[2 * i] - rng_normal(r, 7 + i)) < 1e-14);
    free(x);
}

/* A pair alone, and pairs of any cut, are those of all at once. */
static void a_draw_does_not_depend_on_what_is_drawn_beside_it(void **state)
{
    enum { ALL = 53 };
    struct rng r = rng_at(5, "a place");
    double all[2 * ALL], some[2 * ALL];

    (void)state;
    draw_normals(r, 100, ALL, all);
    for (size_t first = 0; first < ALL; first++)
        for (size_t n = 0; first + n <= ALL; n++) {
            draw_normals(r, 100 + first, n, some);
            assert_memory_equal(some, all + 2 * first, 2 * n * sizeof *some);
        }
}

static void every_instruction_set_draws_the_same_bits(void **state)
{
    enum { PAIRS = 1 << 14 };
    double *want = new_numbers(8 * PAIRS), *got = new_numbers(8 * PAIRS);

    (void)state;
    for (const char *const *name = simd_names(); *name; name++) {
        const struct draw_kernel *k = draw_kernels[simd_find(*name)];
        k->uniforms(11, 3, PAIRS, got);
        k->normals(12, 5, PAIRS, got + 2 * PAIRS);
        k->exponentials(2 * PAIRS, got + 2 * PAIRS, got + 4 * PAIRS);
        k->logarithms(2 * PAIRS, got + 4 * PAIRS, got + 6 * PAIRS);
        if (name == simd_names())
            memcpy(want, got, 8 * PAIRS * sizeof *want);
        assert_memory_equal(got, want, 8 * PAIRS * sizeof *got);
    }
    free(want);
    free(got);
}

static void exponential_and_logarithm_are_those_of_the_c_library_to_2_ulps(void **state)
{
    double *u = new_numbers(2 * N), *x = new_numbers(2 * N);
    struct rng r = rng_at(6, "arguments");

    (void)state;
    draw_uniforms(r, 0, N, u);
    for (size_t i = 0; i < 2 * N; i++)
        x[i] = (u[i] - 0.5) * 1390; // to 695
    draw_exp(2 * N, x, x);
    for (size_t i = 0; i < 2 * N; i++)
        assert_true(ulps(x[i], exp((u[i] - 0.5) * 1390)) <= 2);
    draw_log(2 * N, x, x);
    for (size_t i = 0; i < 2 * N; i++)
        assert_true(fabs(x[i] - (u[i] - 0.5) * 1390) <= 2e-13);
    for (size_t i = 0; i < 2 * N; i++)
        u[i] = 1 - u[i];
    draw_log(2 * N, u, x);
    for (size_t i = 0; i < 2 * N; i++)
        assert_true(ulps(x[i], log(u[i])) <= 2);
    free(u);
    free(x);
}

static void edges_of_exponential_and_logarithm_are_exact(void **state)
{
    double x[] = { 0, -0.0, 1e9, -1e9 }, one = 1;

    (void)state;
    draw_exp(4, x, x);
    assert_true(x[0] == 1 && x[1] == 1 && ulps(x[2], exp(700)) <= 2 && ulps(x[3], exp(-700)) <= 2);
    draw_log(1, &one, &one);
    assert_true(one == 0);
}

/* Moments of the standard normal: 0, 1, 0, 3, with variances 1, 2, 15, 96 of a sample. */
static void normals_have_the_moments_of_the_standard_normal(void **state)
{
    double *x = new_numbers(2 * N), sum[2][5] = { { 0 } }, product = 0;

    (void)state;
    draw_normals(rng_at(1, "normal"), 0, N, x);
    for (size_t i = 0; i < 2 * N; i++)
        for (int k = 1; k <= 4; k++)
            sum[i % 2][k] += pow(x[i], k);
    for (size_t i = 0; i < N; i++)
        product += x[2 * i] * x[2 * i + 1];
    for (int half = 0; half < 2; half++) {
        check_near(sum[half][1] / N, 0, sqrt(1. / N));
        check_near(sum[half][2] / N, 1, sqrt(2. / N));
        check_near(sum[half][3] / N, 0, sqrt(15. / N));
        check_near(sum[half][4] / N, 3, sqrt(96. / N));
    }
    check_near(product / N, 0, sqrt(1. / N)); // two devices have nothing to do with one another
    free(x);
}

/* P(|x| > z) = erfc(z / sqrt 2). */
static void normals_have_the_tails_of_the_standard_normal(void **state)
{
    static const double z[] = { 0.5, 1, 2, 3, 4 };
    enum { N_Z = sizeof z / sizeof *z };
    double *x = new_numbers(2 * N);
    int beyond[N_Z] = { 0 };

    (void)state;
    draw_normals(rng_at(2, "normal"), 0, N, x);
    for (size_t i = 0; i < 2 * N; i++)
        for (int k = 0; k < N_Z; k++)
            beyond[k] += fabs(x[i]) > z[k];
    for (int k = 0; k < N_Z; k++) {
        double p = erfc(z[k] / sqrt(2));
        check_near(beyond[k] / (2. * N), p, sqrt(p * (1 - p) / (2. * N)));
    }
    free(x);
}

static void both_uniforms_of_a_pair_are_uniform_and_independent(void **state)
{
    double *x = new_numbers(2 * N), sum[2] = { 0 }, square[2] = { 0 }, product = 0;

    (void)state;
    draw_uniforms(rng_at(1, "uniform"), 0, N, x);
    for (size_t i = 0; i < 2 * N; i++) {
        assert_true(x[i] >= 0 && x[i] < 1);
        sum[i % 2] += x[i];
        square[i % 2] += x[i] * x[i];
    }
    for (size_t i = 0; i < N; i++)
        product += (x[2 * i] - 0.5) * (x[2 * i + 1] - 0.5);
    for (int half = 0; half < 2; half++) {
        check_near(sum[half] / N, 0.5, sqrt(1. / 12 / N));
        check_near(square[half] / N, 1. / 3, sqrt(4. / 45 / N));
    }
    check_near(product / N, 0, 1. / 12 / sqrt(N));
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_of_a_uniform_pair_is_the_number_of_the_place),
        cmocka_unit_test(first_of_a_normal_pair_is_that_of_the_c_library),
        cmocka_unit_test(a_draw_does_not_depend_on_what_is_drawn_beside_it),
        cmocka_unit_test(every_instruction_set_draws_the_same_bits),
        cmocka_unit_test(exponential_and_logarithm_are_those_of_the_c_library_to_2_ulps),
        cmocka_unit_test(edges_of_exponential_and_logarithm_are_exact),
        cmocka_unit_test(normals_have_the_moments_of_the_standard_normal),
        cmocka_unit_test(normals_have_the_tails_of_the_standard_normal),
        cmocka_unit_test(both_uniforms_of_a_pair_are_uniform_and_independent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
