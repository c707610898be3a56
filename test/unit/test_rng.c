/* Tests of core/rng.h: published outputs, and moments within four standard errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "core/rng.h"

enum { N = 1000000 };

static void check_near(double got, double want, double standard_error)
{
    if (!(fabs(got - want) <= 4 * standard_error))
        fail_msg("%g is not within %g of %g", got, 4 * standard_error, want);
}

/* Of the authors' xoshiro256starstar.c from the state 1, 2, 3, 4. */
static void generator_is_xoshiro256_starstar(void **state)
{
    (void)state;
    static const uint64_t want[] = {
        11520, 0, 1509978240, 1215971899390074240, 1216172134540287360, 607988272756665600,
        UINT64_C(16172922978634559625), UINT64_C(8476171486693032832),
        UINT64_C(10595114339597558777), UINT64_C(2904607092377533576),
    };
    struct rng r = { { 1, 2, 3, 4 } };

    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        assert_true(rng_u64(&r) == want[i]);
}

/* Of splitmix64.c from 1234567. */
static void seeds_are_spread_by_splitmix64(void **state)
{
    (void)state;
    static const uint64_t want[] = {
        UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423), UINT64_C(4593380528125082431),
        UINT64_C(16408922859458223821),
    };
    uint64_t s = 1234567;

    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        assert_true(rng_splitmix64(&s) == want[i]);
}

/* Of the FNV reference code. */
static void paths_are_hashed_by_fnv1a(void **state)
{
    (void)state;
    assert_true(rng_hash("") == UINT64_C(0xcbf29ce484222325));
    assert_true(rng_hash("a") == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(rng_hash("foobar") == UINT64_C(0x85944171f73967e8));
}

static void stream_depends_on_seed_and_path_alone(void **state)
{
    (void)state;
    static const struct {
        uint64_t    seed;
        const char *path;
    } streams[] = { { 1, "chip.conv1" }, { 1, "chip.conv2" }, { 2, "chip.conv1" }, { 2, "" } };
    enum { N_STREAMS = sizeof streams / sizeof *streams };
    struct rng r[N_STREAMS], again;
    uint64_t first[N_STREAMS];

    for (size_t i = 0; i < N_STREAMS; i++) {
        rng_init(&r[i], streams[i].seed, streams[i].path);
        first[i] = rng_u64(&r[i]);
        for (size_t j = 0; j < i; j++)
            assert_true(first[j] != first[i]);
    }
    for (size_t i = N_STREAMS; i-- > 0;) {
        rng_init(&again, streams[i].seed, streams[i].path);
        assert_true(rng_u64(&again) == first[i]);
        assert_true(rng_u64(&again) == rng_u64(&r[i])); // whatever the others drew
    }
}

static void init_begins_splitmix64_where_the_header_says(void **state)
{
    (void)state;
    uint64_t s = UINT64_C(6457827717110365317) ^ UINT64_C(0x85944171f73967e8);
    struct rng r;

    rng_init(&r, 1234567, "foobar");
    for (int i = 0; i < 4; i++)
        assert_true(r.s[i] == rng_splitmix64(&s));
}

static void double_is_uniform_in_0_to_1(void **state)
{
    (void)state;
    double sum = 0, sum2 = 0, least = 1, most = 0;
    struct rng r;

    rng_init(&r, 1, "uniform");
    for (int i = 0; i < N; i++) {
        double x = rng_double(&r);
        sum += x;
        sum2 += x * x;
        least = fmin(least, x);
        most = fmax(most, x);
    }
    check_near(sum / N, 0.5, sqrt(1. / 12 / N));
    check_near(sum2 / N, 1. / 3, sqrt(4. / 45 / N)); // E x^4 - (E x^2)^2 = 1/5 - 1/9
    assert_true(least >= 0 && least < 20. / N);
    assert_true(most < 1 && most > 1 - 20. / N);
}

static void double_takes_the_upper_53_bits(void **state)
{
    (void)state;
    struct rng r = { { 1, 2, 3, 4 } }; // 11520, 0, 1509978240, 1215971899390074240, ...

    assert_true(rng_double(&r) == 5 * 0x1p-53); // floor(11520 / 2048)
    assert_true(rng_double(&r) == 0);
    rng_double(&r);
    assert_true(rng_double(&r) == (double)(UINT64_C(1215971899390074240) / 2048) * 0x1p-53);
}

static void normal_of_a_zero_draw_is_finite(void **state)
{
    (void)state;
    struct rng r = { { 1, 2, 3, 4 } };

    rng_u64(&r); // the next output is 0
    assert_true(rng_normal(&r) == 0);
}

/* Moments of the standard normal: 0, 1, 0, 3, with variances 1, 2, 15, 96 of a sample. */
static void normal_has_the_moments_of_the_standard_normal(void **state)
{
    (void)state;
    double sum[5] = { 0 };
    struct rng r;

    rng_init(&r, 1, "normal");
    for (int i = 0; i < N; i++) {
        double x = rng_normal(&r);
        for (int k = 1; k <= 4; k++)
            sum[k] += pow(x, k);
    }
    check_near(sum[1] / N, 0, sqrt(1. / N));
    check_near(sum[2] / N, 1, sqrt(2. / N));
    check_near(sum[3] / N, 0, sqrt(15. / N));
    check_near(sum[4] / N, 3, sqrt(96. / N));
}

/* P(|x| > z) = erfc(z / sqrt 2). */
static void normal_has_the_tails_of_the_standard_normal(void **state)
{
    (void)state;
    static const double z[] = { 0.5, 1, 2, 3, 4 };
    enum { N_Z = sizeof z / sizeof *z };
    int beyond[N_Z] = { 0 };
    struct rng r;

    rng_init(&r, 2, "normal");
    for (int i = 0; i < N; i++) {
        double x = fabs(rng_normal(&r));
        for (int k = 0; k < N_Z; k++)
            beyond[k] += x > z[k];
    }
    for (int k = 0; k < N_Z; k++) {
        double p = erfc(z[k] / sqrt(2));
        check_near((double)beyond[k] / N, p, sqrt(p * (1 - p) / N));
    }
}

static void neighbouring_streams_are_not_correlated(void **state)
{
    (void)state;
    struct rng a, b, next_seed;
    double with_path = 0, with_seed = 0, with_lag = 0, last = 0;

    rng_init(&a, 7, "core1");
    rng_init(&b, 7, "core2");
    rng_init(&next_seed, 8, "core1");
    for (int i = 0; i < N; i++) {
        double x = rng_normal(&a);
        with_path += x * rng_normal(&b);
        with_seed += x * rng_normal(&next_seed);
        with_lag += x * last;
        last = x;
    }
    check_near(with_path / N, 0, sqrt(1. / N));
    check_near(with_seed / N, 0, sqrt(1. / N));
    check_near(with_lag / N, 0, sqrt(1. / N));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generator_is_xoshiro256_starstar),
        cmocka_unit_test(seeds_are_spread_by_splitmix64),
        cmocka_unit_test(paths_are_hashed_by_fnv1a),
        cmocka_unit_test(stream_depends_on_seed_and_path_alone),
        cmocka_unit_test(init_begins_splitmix64_where_the_header_says),
        cmocka_unit_test(double_is_uniform_in_0_to_1),
        cmocka_unit_test(double_takes_the_upper_53_bits),
        cmocka_unit_test(normal_of_a_zero_draw_is_finite),
        cmocka_unit_test(normal_has_the_moments_of_the_standard_normal),
        cmocka_unit_test(normal_has_the_tails_of_the_standard_normal),
        cmocka_unit_test(neighbouring_streams_are_not_correlated),
    };
    return cmocka_run_group_tests_name("rng", tests, NULL, NULL);
}
