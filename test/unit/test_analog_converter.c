#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <math.h>

#include <cmocka.h>

#include "arch/analog/converter.h"
#include "core/round.h"

enum { BITS = 3, STEP = 10 };

static const int sums[] = { -45, -35, -25, -15, -5, 4, 5, 6, 15, 25, 26, 35, 36 };
#define N_SUM (sizeof sums / sizeof *sums)

/* Ends and step as they are, so that the table holds for sums of any unit. */
static struct analog_converter converter(double gain, double offset)
{
    return (struct analog_converter){ { STEP, -4, 3 }, gain, offset };
}

static void a_table_of_codes_ties_to_even_and_what_is_clipped(void **state)
{
    static const int exact[N_SUM] = { -4, -4, -2, -2, 0, 0, 0, 1, 2, 2, 3, 3, 3 };
    static const int off[N_SUM] = { -4, -4, -3, -2, -1, 0, 0, 0, 1, 2, 2, 3, 3 };
    const struct analog_converter plain = converter(1, 0), spread = converter(1.1, -.6);
    uint64_t unused = 0;

    (void)state;
    for (size_t i = 0; i < N_SUM; i++) {
        uint64_t clipped = 0;
        assert_int_equal(analog_convert(&plain, sums[i], 0, &clipped), exact[i] * STEP);
        assert_int_equal(clipped, sums[i] == 35 || sums[i] == 36);
        assert_int_equal(analog_convert(&spread, sums[i], 0, &unused), off[i] * STEP);
    }
}

/* The sum that comes out, of weights and inputs whose products add up to `sum`. */
static int64_t converted(const struct analog_converter *c, int64_t sum, uint64_t *clipped)
{
    return analog_digital(analog_convert(c, 128 * sum, 0, clipped), UINT32_C(1) << 30);
}

/* 2^(bits-1) > rows w_max x_max: a step is at most a weight times an input, and is rounded away. */
static void enough_bits_are_exact(void **state)
{
    static const struct {
        uint32_t rows, bits;
    } enough[] = { { 256, 24 }, { 512, 25 }, { 8, 19 }, { 8192, 29 } };

    (void)state;
    for (size_t i = 0; i < sizeof enough / sizeof *enough; i++) {
        int64_t range = INT64_C(127) * 255 * enough[i].rows, n_wrong = 0;
        const struct analog_converter c = analog_converter_of(enough[i].bits, range, true);
        const struct analog_converter less = analog_converter_of(enough[i].bits - 1, range, true);
        uint64_t clipped = 0;
        for (int64_t sum = -range; sum <= range; sum += range > 300000 ? 9973 : 1) {
            assert_int_equal(converted(&c, sum, &clipped), sum);
            n_wrong += converted(&less, sum, &clipped) != sum;
        }
        assert_int_equal(converted(&c, range, &clipped), range);
        assert_int_equal(clipped, 0);
        assert_true(n_wrong > 0);
    }
}

static void steps_reach_the_range(void **state)
{
    const struct analog_converter both = analog_converter_of(8, 1000, true);
    const struct analog_converter one = analog_converter_of(8, 1000, false);

    (void)state;
    assert_int_equal(both.code.step, 1000); // 128 * 1000 / 128
    assert_int_equal(both.code.least, -128);
    assert_int_equal(both.code.most, 127);
    assert_int_equal(one.code.step, 502); // 128 * 1000 / 255 = 501.96
    assert_int_equal(one.code.least, 0);
    assert_int_equal(one.code.most, 255);
}

/* Integers and doubles agree where both can say it. */
static void a_gain_of_almost_1_gives_the_same_codes(void **state)
{
    struct analog_converter c = analog_converter_of(10, 12345, true), near = c;

    (void)state;
    near.offset = 1e-300;
    for (int64_t v = -2000000; v <= 2000000; v += 613) {
        uint64_t a = 0, b = 0;
        assert_int_equal(analog_convert(&c, v, 0, &a), analog_convert(&near, v, 0, &b));
        assert_int_equal(a, b);
    }
}

static void noise_is_in_steps_and_beyond_all_codes_is_clipped(void **state)
{
    const struct analog_converter c = converter(1, 0);
    uint64_t clipped = 0;

    (void)state;
    assert_int_equal(analog_convert(&c, 0, 1.4, &clipped), 1 * STEP);
    assert_int_equal(analog_convert(&c, 0, -1.6, &clipped), -2 * STEP);
    assert_int_equal(clipped, 0);
    assert_int_equal(analog_convert(&c, 0, 1e300, &clipped), 3 * STEP);
    assert_int_equal(analog_convert(&c, 0, -1e300, &clipped), -4 * STEP);
    assert_int_equal(clipped, 2);
}

static void gains_and_offsets_have_the_deviations_that_are_asked_for(void **state)
{
    enum { N = 100000 };
    struct analog_converter *c = calloc(N, sizeof *c);
    const struct rng place = rng_at(5, "adc");
    double gain = 0, gain2 = 0, offset = 0, offset2 = 0, both = 0;
    struct analog_converter one[3];

    (void)state;
    assert_non_null(c);
    analog_converters_spread(c, N, .02, .5, place, 0);
    analog_converters_spread(one, 3, .02, .5, place, 777);
    assert_true(one[1].gain == c[778].gain && one[1].offset == c[778].offset);
    for (size_t i = 0; i < N; i++) {
        gain += (c[i].gain - 1) / N;
        gain2 += (c[i].gain - 1) * (c[i].gain - 1) / N;
        offset += c[i].offset / N;
        offset2 += c[i].offset * c[i].offset / N;
        both += (c[i].gain - 1) * c[i].offset / N;
    }
    double se = 3 / sqrt(N);
    assert_true(fabs(gain) < .02 * se && fabs(offset) < .5 * se);
    assert_true(fabs(gain2 / (.02 * .02) - 1) < sqrt(2) * se);
    assert_true(fabs(offset2 / (.5 * .5) - 1) < sqrt(2) * se);
    assert_true(fabs(both) < .02 * .5 * se);
    free(c);
}

/* Share of a normal variable beyond z, and its density there. */
static double beyond(double z)
{
    return erfc(z / sqrt(2)) / 2;
}
static double density(double z)
{
    return exp(-z * z / 2) / sqrt(2 * acos(-1));
}

/* docs/converters.md has the formula and its table. */
static void the_error_of_a_read_is_that_of_the_formula(void **state)
{
    static const struct {
        double z;
        uint32_t bits;
        double noise, error;
    } want[] = { { 4, 8, 0, .0094 }, { 4, 8, .5, .018 }, { 3, 6, 0, .034 }, { 2, 12, 0, .107 },
                 { 8, 5, 0, .144 },  { 5, 10, 0, .0028 } };
    enum { N = 60000, SD = 100000 };

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        double z = want[i].z, n = want[i].noise, square = 0;
        const struct analog_converter c =
            analog_converter_of(want[i].bits, (int64_t)(z * SD), true);
        double step = z / exp2(want[i].bits - 1), clipping = 2 * ((1 + z * z) * beyond(z) -
                                                                  z * density(z));
        double formula = sqrt(step * step * (1 / 12. + n * n) * (1 - 2 * beyond(z)) + clipping);
        assert_true(fabs(formula - want[i].error) < .02 * want[i].error);
        for (uint64_t k = 0; k < N; k++) {
            uint64_t clipped = 0;
            int64_t v = (int64_t)(128. * SD * rng_normal(rng_at(3, "sum"), k));
            int64_t y = analog_convert(&c, v, n * rng_normal(rng_at(4, "noise"), k), &clipped);
            square += pow((double)(y - v) / (128. * SD), 2) / N;
        }
        if (fabs(sqrt(square) / formula - 1) > .05) // of few that are clipped
            fail_msg("%u bits, z %g: error %g, want %g", want[i].bits, z, sqrt(square), formula);
    }
}

static void the_digital_scale_rounds_to_nearest_ties_to_even(void **state)
{
    static const uint32_t k[] = { 1u << 30, 1u << 29, 3u << 29, 0, 1, UINT32_MAX, 1234567891 };

    (void)state;
    for (size_t i = 0; i < sizeof k / sizeof *k; i++)
        for (int64_t v = -70000; v <= 70000; v += 3) // fits 64 bits
            assert_int_equal(analog_digital(v, k[i]), round_nearest_even(v * k[i], 37));
    assert_int_equal(analog_digital(64, 1u << 30), 0);
    assert_int_equal(analog_digital(192, 1u << 30), 2);
    assert_int_equal(analog_digital(-64, 1u << 30), 0);
    assert_int_equal(analog_digital(-192, 1u << 30), -2);
    /* beyond 64 bits: multiples of 128, and of a half more */
    const int64_t large = (INT64_C(1) << 47) - 128;
    assert_int_equal(analog_digital(large, 1u << 30), large / 128);
    assert_int_equal(analog_digital(-large, 1u << 30), -large / 128);
    assert_int_equal(analog_digital(large - 64, 1u << 30), large / 128 - 1); // the even one
    assert_int_equal(analog_digital(large - 65, 1u << 30), large / 128 - 1);
    assert_int_equal(analog_digital(large - 63, 1u << 30), large / 128);
    assert_int_equal(analog_digital(large, 3u << 29), INT64_C(0x17ffffffffe)); // a half less
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_of_codes_ties_to_even_and_what_is_clipped),
        cmocka_unit_test(enough_bits_are_exact),
        cmocka_unit_test(steps_reach_the_range),
        cmocka_unit_test(a_gain_of_almost_1_gives_the_same_codes),
        cmocka_unit_test(noise_is_in_steps_and_beyond_all_codes_is_clipped),
        cmocka_unit_test(gains_and_offsets_have_the_deviations_that_are_asked_for),
        cmocka_unit_test(the_error_of_a_read_is_that_of_the_formula),
        cmocka_unit_test(the_digital_scale_rounds_to_nearest_ties_to_even),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
