/* test/unit/test_rng.c -- published outputs; places; moments within four standard errors. */
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

/* The known answers of the authors' Random123 library. */
static void generator_is_philox_4x32_of_ten_rounds(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } known[] = {
        { { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX },
          { UINT32_MAX, UINT32_MAX },
          { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 }, // digits of pi
          { 0xa4093822, 0x299f31d0 },
          { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t got[4];
        rng_philox(known[i].counter, known[i].key, got);
        assert_memory_equal(got, known[i].want, sizeof got);
    }
}

/* Of the FNV reference code. */
static void texts_are_hashed_by_fnv1a(void **state)
{
    (void)state;
    assert_true(rng_hash("") == UINT64_C(0xcbf29ce484222325));
    assert_true(rng_hash("a") == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(rng_hash("foobar") == UINT64_C(0x85944171f73967e8));
}

/* First 64 bits of philox(key, {index, use}). */
static uint64_t first(uint64_t key, uint64_t index, uint32_t use)
{
    const uint32_t c[] = { (uint32_t)index, (uint32_t)(index >> 32), use, 0 };
    const uint32_t k[] = { (uint32_t)key, (uint32_t)(key >> 32) };
    uint32_t out[4];

    rng_philox(c, k, out);
    return (uint64_t)out[1] << 32 | out[0];
}

static void numbers_are_made_as_the_header_says(void **state)
{
    (void)state;
    const uint64_t seed = 0x123456789abcdef0, where = 0xfedcba9876543210, i = 0x1111111122222222;
    const uint64_t what = UINT64_C(0x85944171f73967e8); // of "foobar"
    struct rng r = rng_at(seed, "foobar");

    assert_true(r.key == first(seed, what, 2));
    assert_true(rng_in(r, where).key == first(r.key, where, 1));
    assert_true(rng_u64(r, i) == first(r.key, i, 0));
    assert_true(rng_double(r, i) == (double)(first(r.key, i, 0) / 2048) * 0x1p-53);
}

static int by_value(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Seeds, whats, places in either order and depth, indices: no two of them share a number. */
static void places_are_told_apart_by_each_of_their_parts(void **state)
{
    (void)state;
    static const char *const what[] = { "", "a", "b", "ab" };
    enum { SIDE = 8, ALL = 4 * SIDE * SIDE * SIDE * SIDE };
    uint64_t *drawn = malloc((ALL + 4 * SIDE * SIDE * SIDE) * sizeof *drawn);
    size_t n = 0;

    assert_non_null(drawn);
    for (uint64_t seed = 0; seed < SIDE; seed++)
        for (size_t w = 0; w < 4; w++)
            for (uint64_t x = 0; x < SIDE; x++)
                for (uint64_t y = 0; y < SIDE; y++) {
                    struct rng outer = rng_in(rng_at(seed, what[w]), x);
                    drawn[n++] = rng_u64(outer, y);
                    for (uint64_t i = 0; i < SIDE; i++)
                        drawn[n++] = rng_u64(rng_in(outer, y), i);
                }
    qsort(drawn, n, sizeof *drawn, by_value);
    for (size_t i = 1; i < n; i++)
        assert_true(drawn[i] != drawn[i - 1]);
    free(drawn);
}

static void order_of_drawing_does_not_matter(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    uint64_t forwards[COUNT];

    for (uint64_t i = 0; i < COUNT; i++)
        forwards[i] = rng_u64(rng_in(rng_at(5, "order"), i / 10), i % 10);
    for (uint64_t i = COUNT; i-- > 0;) {
        (void)rng_normal(rng_at(5, "something else"), i);
        assert_true(rng_u64(rng_in(rng_at(5, "order"), i / 10), i % 10) == forwards[i]);
    }
}

static void double_is_uniform_in_0_to_1(void **state)
{
    (void)state;
    double sum = 0, sum2 = 0, least = 1, most = 0;
    struct rng r = rng_at(1, "uniform");

    for (uint64_t i = 0; i < N; i++) {
        double x = rng_double(r, i);
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

/* Counts in 256 equal cells have a chi-square of 255 degrees: mean 255, variance 510. */
static void every_byte_is_equally_frequent_over_indices_and_over_places(void **state)
{
    (void)state;
    struct rng r = rng_at(3, "bytes");

    for (int over_places = 0; over_places < 2; over_places++)
        for (int shift = 0; shift < 64; shift += 8) {
            int count[256] = { 0 };
            double chi = 0;
            for (uint64_t i = 0; i < N / 4; i++) {
                uint64_t x = over_places ? rng_u64(rng_in(r, i), 0) : rng_u64(r, i);
                count[x >> shift & 255]++;
            }
            for (int k = 0; k < 256; k++)
                chi += (count[k] - N / 1024.) * (count[k] - N / 1024.) / (N / 1024.);
            check_near(chi, 255, sqrt(510));
        }
}

/* Moments of the standard normal: 0, 1, 0, 3, with variances 1, 2, 15, 96 of a sample. */
static void normal_has_the_moments_of_the_standard_normal(void **state)
{
    (void)state;
    double sum[5] = { 0 };
    struct rng r = rng_at(1, "normal");

    for (uint64_t i = 0; i < N; i++) {
        double x = rng_normal(r, i);
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
    struct rng r = rng_at(2, "normal");

    for (uint64_t i = 0; i < N; i++) {
        double x = fabs(rng_normal(r, i));
        for (int k = 0; k < N_Z; k++)
            beyond[k] += x > z[k];
    }
    for (int k = 0; k < N_Z; k++) {
        double p = erfc(z[k] / sqrt(2));
        check_near((double)beyond[k] / N, p, sqrt(p * (1 - p) / N));
    }
}

static void neighbouring_places_are_not_correlated(void **state)
{
    (void)state;
    struct rng a = rng_in(rng_at(7, "core"), 1), b = rng_in(rng_at(7, "core"), 2);
    struct rng next_seed = rng_in(rng_at(8, "core"), 1);
    double with_place = 0, with_seed = 0, with_index = 0, across = 0, last = 0;

    for (uint64_t i = 0; i < N; i++) {
        double x = rng_normal(a, i);
        with_place += x * rng_normal(b, i);
        with_seed += x * rng_normal(next_seed, i);
        with_index += x * last;
        across += rng_normal(rng_in(a, i), 0) * rng_normal(rng_in(a, i), 1);
        last = x;
    }
    check_near(with_place / N, 0, sqrt(1. / N));
    check_near(with_seed / N, 0, sqrt(1. / N));
    check_near(with_index / N, 0, sqrt(1. / N));
    check_near(across / N, 0, sqrt(1. / N));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generator_is_philox_4x32_of_ten_rounds),
        cmocka_unit_test(texts_are_hashed_by_fnv1a),
        cmocka_unit_test(numbers_are_made_as_the_header_says),
        cmocka_unit_test(places_are_told_apart_by_each_of_their_parts),
        cmocka_unit_test(order_of_drawing_does_not_matter),
        cmocka_unit_test(double_is_uniform_in_0_to_1),
        cmocka_unit_test(every_byte_is_equally_frequent_over_indices_and_over_places),
        cmocka_unit_test(normal_has_the_moments_of_the_standard_normal),
        cmocka_unit_test(normal_has_the_tails_of_the_standard_normal),
        cmocka_unit_test(neighbouring_places_are_not_correlated),
    };
    return cmocka_run_group_tests_name("rng", tests, NULL, NULL);
}
