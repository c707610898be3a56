/* From real scales to the integers of the digital processor. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/rng.h"
#include "network/requantize.h"

static struct requant quantised(const struct requant_scales *s)
{
    struct requant q = {0};
    struct err_msg m;

    if (requantize(&q, s, &m))
        fail_msg("%s", m.text);
    return q;
}

static void release(struct requant *q)
{
    requant_release(q);
}

static void powers_of_two_are_exact(void **state)
{
    (void)state;
    for (int a = -32; a <= 15; a++) { // A = 2^a
        double unit = ldexp(1, a - 3), bias = 5 * ldexp(1, a - 3);
        struct requant_scales s = {.n = 1, .unit = &unit, .bias = &bias, .residual = 0.25,
                                   .out = 0.125, .out_zero = -7};
        struct requant q = quantised(&s);
        assert_int_equal(q.shift[0], 15 - a); // floor(-log2 A) = -a
        assert_int_equal(q.m[0], 1 << 15);
        assert_int_equal(q.b[0], INT64_C(5) << 15);
        assert_int_equal(q.zero, -7);
        assert_int_equal(q.mr[0], INT64_C(2) << q.shift[0]);
        release(&q);
    }
}

static void the_largest_multiplier_has_15_bits_and_a_bit_more_only_as_a_power_of_two(void **state)
{
    (void)state;
    for (int a = -32; a < 15; a++)
        for (int i = 1; i < 64; i++) {
            double unit = ldexp(64 + i, a - 6), bias = 0; // 2^a < A < 2^(a + 1)
            struct requant_scales s = {.n = 1, .unit = &unit, .bias = &bias, .out = 1};
            struct requant q = quantised(&s);
            assert_int_equal(q.shift[0], 14 - a);
            assert_int_equal(q.m[0], (64 + i) << 8); // A * 2^shift, in (2^14, 2^15)
            release(&q);
        }
}

static void each_output_has_its_shift_and_keeps_15_bits(void **state)
{
    double unit[] = {0x1.4p-20, 0x1.8p-5, 0x1.4p-30}, bias[] = {1, -1, 0x1p-10};
    struct requant_scales s = {.n = 3, .unit = unit, .bias = bias, .out = 1, .residual = -0.5};
    struct requant q = quantised(&s);
    const int shift[] = {34, 19, 44}, m[] = {20480, 24576, 20480};
    (void)state;

    for (int o = 0; o < 3; o++) {
        assert_int_equal(q.shift[o], shift[o]);
        assert_int_equal(q.m[o], m[o]);
        assert_int_equal(q.mr[o], -(INT64_C(1) << (shift[o] - 1)));
    }
    assert_int_equal(q.b[0], INT64_C(1) << 34);
    assert_int_equal(q.b[1], -(1 << 19));
    assert_int_equal(q.b[2], INT64_C(1) << 34);
    release(&q);
}

/* A filter of zeros delivers bias and residual. */
static void outputs_without_a_sum_keep_bias_and_residual(void **state)
{
    double unit[] = {0, 0x1p-3}, bias[] = {5, 0};
    struct requant_scales s = {.n = 2, .unit = unit, .bias = bias, .out = 1, .residual = 0x1.8p-7};
    struct requant q = quantised(&s);
    (void)state;

    assert_int_equal(q.shift[0], 21); // 1.5 * 2^-7 * 2^21 = 24,576
    assert_int_equal(q.m[0], 0);
    assert_int_equal(q.b[0], 5 << 21);
    assert_int_equal(q.mr[0], 24576);
    release(&q);
    s = (struct requant_scales){.n = 1, .unit = unit, .bias = bias, .out = 1};
    q = quantised(&s);
    assert_int_equal(q.shift[0], 15);
    assert_int_equal(q.b[0], 5 << 15);
    assert_null(q.mr);
    release(&q);
}

static void ties_go_to_even(void **state)
{
    double unit[] = {0x1.00018p-1, 0x1.00028p-1}, bias[] = {0, 0};
    struct requant_scales s = {.n = 2, .unit = unit, .bias = bias, .out = 1};
    struct requant q = quantised(&s);
    (void)state;

    assert_int_equal(q.shift[0], 15);
    assert_int_equal(q.m[0], 16384); // 16,384.375
    assert_int_equal(q.m[1], 16385); // 16,384.625
    release(&q);
    unit[0] = 0x1.0002p-1;           // 16,384.5
    unit[1] = 0x1.0006p-1;           // 16,385.5
    q = quantised(&s);
    assert_int_equal(q.m[0], 16384);
    assert_int_equal(q.m[1], 16386);
    release(&q);
}

static void shifts_stop_at_47_where_no_sum_counts(void **state)
{
    double unit = 0x1p-60, bias = 3;
    struct requant_scales s = {.n = 1, .unit = &unit, .bias = &bias, .out = 1};
    struct requant q = quantised(&s);
    (void)state;

    assert_int_equal(q.shift[0], 47);
    assert_int_equal(q.m[0], 0);
    assert_int_equal(q.b[0], INT64_C(3) << 47);
    release(&q);
}

static void fine_factors_have_24_bits(void **state)
{
    const struct rng r = rng_at(1, "fine factors");
    (void)state;

    for (uint32_t i = 0; i < 1000; i++) {
        double fraction = 1 + (double)(rng_u64(r, 2 * i) >> 11) * 0x1p-53; // [1, 2)
        int power = (int)(rng_u64(r, 2 * i + 1) % 40) - 32;
        double a = ldexp(fraction, power), bias = 0;
        struct requant_scales s = {.n = 1, .unit = &a, .bias = &bias, .out = 1, .fine = true};
        struct requant q = quantised(&s);
        assert_in_range(q.m[0], 1 << 23, 1 << 24);
        assert_true(fabs(ldexp(q.m[0], -q.shift[0]) - a) <= ldexp(a, -24));
        release(&q);
    }
}

static void refuse(const struct requant_scales *s, const char *want)
{
    struct requant q = {0};
    struct err_msg m = {""};

    assert_int_equal(requantize(&q, s, &m), ERR_INPUT);
    if (!strstr(m.text, want))
        fail_msg("\"%s\", want \"...%s...\"", m.text, want);
    release(&q);
}

static void what_does_not_fit_is_refused(void **state)
{
    double one = 1, zero = 0, large = 0x1.001p15, below = 0x1.fffp14, infinite = INFINITY;
    (void)state;

    refuse(&(struct requant_scales){.n = 1, .unit = &large, .bias = &zero, .out = 1},
           "output 0: scales that make one step of a sum 32776");
    refuse(&(struct requant_scales){.n = 1, .unit = &infinite, .bias = &zero, .out = 1}, "inf");
    refuse(&(struct requant_scales){.n = 1, .unit = &one, .bias = &infinite, .out = 1}, "a bias");
    refuse(&(struct requant_scales){.n = 1, .unit = &one, .bias = &zero, .out = 1,
                                    .residual = 0x1p47}, "a residual step");
    struct requant q =
        quantised(&(struct requant_scales){.n = 1, .unit = &below, .bias = &zero, .out = 1});
    assert_int_equal(q.shift[0], 0);
    release(&q);
}

static void a_mean_of_2_to_the_n_values_of_the_same_scale_is_a_shift(void **state)
{
    struct err_msg m;
    (void)state;

    for (unsigned n = 0; n <= 12; n++) {
        struct pool_scales s = {.n = UINT64_C(1) << n, .in = 0.3, .out = 0.3};
        struct pool_requant p = {0};
        assert_int_equal(pool_requantize(&p, &s, &m), ERR_NONE);
        assert_int_equal(p.m, 1);
        assert_int_equal(p.b, 0);
        assert_int_equal(p.shift, n);
    }
}

static void any_other_mean_takes_a_multiplier(void **state)
{
    struct pool_scales s = {.n = 49, .in = 1, .out = 1, .in_zero = 3, .out_zero = -5};
    struct pool_requant p = {0};
    struct err_msg m;
    (void)state;

    assert_int_equal(pool_requantize(&p, &s, &m), ERR_NONE);
    assert_int_equal(p.shift, 20); // 2^-6 < 1/49 < 2^-5
    assert_int_equal(p.m, 21400);  // 2^20 / 49 = 21,399.51
    assert_int_equal(p.b, -49 * 3 * 21400);
    assert_int_equal(p.zero, -5);

    for (int up = 2; up <= 1024; up *= 2) { // no shift of 1 does it
        s = (struct pool_scales){.n = 1, .in = up, .out = 1};
        assert_int_equal(pool_requantize(&p, &s, &m), ERR_NONE);
        assert_int_equal(p.m, up << p.shift);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(powers_of_two_are_exact),
        cmocka_unit_test(the_largest_multiplier_has_15_bits_and_a_bit_more_only_as_a_power_of_two),
        cmocka_unit_test(each_output_has_its_shift_and_keeps_15_bits),
        cmocka_unit_test(outputs_without_a_sum_keep_bias_and_residual),
        cmocka_unit_test(ties_go_to_even),
        cmocka_unit_test(shifts_stop_at_47_where_no_sum_counts),
        cmocka_unit_test(fine_factors_have_24_bits),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(a_mean_of_2_to_the_n_values_of_the_same_scale_is_a_shift),
        cmocka_unit_test(any_other_mean_takes_a_multiplier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
