#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/units/crossbar.h"
#include "arch/units/digital.h"
#include "network/step_function.h"

__extension__ typedef __int128 wide;

struct lcg { // a generator of the test's own
    uint64_t state;
};

static uint32_t next(struct lcg *g, uint32_t n)
{
    g->state = g->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(g->state >> 33) % n;
}

static int64_t next_bits(struct lcg *g, uint32_t bits) // signed, of that many bits at most
{
    uint64_t v =
        (uint64_t)next(g, 1u << 31) << 33 ^ (uint64_t)next(g, 1u << 31) << 11 ^ next(g, 4096);

    return (int64_t)v >> (64 - bits);
}

/* The nearest integer to t / 2^shift by comparing distances; of two as near, the even one. */
static wide nearest(wide t, unsigned shift)
{
    wide unit = (wide)1 << shift;
    wide below = t / unit - (t % unit < 0), above = below + 1;
    wide to_below = t - below * unit, to_above = above * unit - t;

    if (to_below != to_above)
        return to_below < to_above ? below : above;
    return below % 2 == 0 ? below : above;
}

static void rounding_is_to_the_nearest_and_ties_go_to_even(void **state)
{
    struct lcg g = { 1 };

    (void)state;
    for (unsigned shift = 0; shift <= 62; shift++) {
        int64_t half = shift ? INT64_C(1) << (shift - 1) : 0;

        for (uint32_t i = 0; i < 2000; i++) {
            int64_t near_tie = (int64_t)((uint64_t)next_bits(&g, 64 - shift) << shift) + half;
            int64_t t[] = { next_bits(&g, 64), next_bits(&g, 1 + next(&g, 63)), near_tie,
                            near_tie - (near_tie > INT64_MIN), near_tie + (near_tie < INT64_MAX) };

            for (size_t k = 0; k < sizeof t / sizeof t[0]; k++)
                assert_int_equal(round_nearest_even(t[k], shift), nearest(t[k], shift));
        }
        assert_int_equal(round_nearest_even(INT64_MAX, shift), nearest(INT64_MAX, shift));
        assert_int_equal(round_nearest_even(INT64_MIN, shift), nearest(INT64_MIN, shift));
    }
}

static void halves_round_to_even_by_hand(void **state)
{
    static const int64_t test[][3] = {
        // t, shift, rounded
        { 1, 1, 0 },  { 3, 1, 2 },  { 5, 1, 2 },   { -1, 1, 0 },  { -3, 1, -2 }, { 6, 2, 2 },
        { 10, 2, 2 }, { 11, 2, 3 }, { -6, 2, -2 }, { -7, 2, -2 }, { -5, 2, -1 }, { 7, 0, 7 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof test / sizeof test[0]; i++)
        assert_int_equal(round_nearest_even(test[i][0], (unsigned)test[i][1]), test[i][2]);
}

enum { MOST = 70 };

struct job { // one call of digital_process() with its arrays
    struct digital d;
    uint32_t m[MOST];
    int64_t b[MOST], mr[MOST];
    uint8_t shift[MOST];
    int32_t acc[MOST];
    uint8_t residual[MOST];
    bool has_residual;
};

/* |acc * m| < 2^47, |b| < 2^62, |r * mr| < 2^62: t fits. */
static void random_job(struct job *j, struct lcg *g, uint32_t n)
{
    bool out_signed = next(g, 2);

    j->d = (struct digital){ .n = n,
                             .m = j->m,
                             .b = j->b,
                             .mr = j->mr,
                             .shift = j->shift,
                             .r_signed = next(g, 2),
                             .low = out_signed ? -128 : 0,
                             .high = out_signed ? 127 : 255 };
    if (next(g, 3) == 0) {
        j->d.low += (int32_t)next(g, 100);
        j->d.high -= (int32_t)next(g, 100);
    }
    j->d.zero = j->d.low + (int32_t)next(g, (uint32_t)(j->d.high - j->d.low) + 1);
    bool usual = next(g, 2), power = next(g, 2);
    j->has_residual = next(g, 3) > 0;
    uint32_t mr_bits = 1 + next(g, 54), mr_power = next(g, 53);
    j->d.r_zero = next(g, 2) ? 0 : (int32_t)next(g, 384) - 128;
    const bool fine = next(g, 4) == 0; // factors of 24 bits
    uint32_t b_bits = next(g, 2) ? 62 : 52; // those of 52 let t fit a double, often only just
    if (b_bits == 52 && next(g, 2)) {
        mr_bits = 43;
        power = false;
    }
    for (uint32_t i = 0; i < n; i++) {
        j->shift[i] = (uint8_t)(usual ? 12 + next(g, 20) : next(g, 63));
        j->mr[i] = power ? INT64_C(1) << mr_power : next_bits(g, mr_bits);
        j->m[i] = (uint32_t)(next(g, 4) ? next(g, fine ? 1 << 24 : 65536) : 65535);
        j->b[i] = next_bits(g, 1 + next(g, b_bits));
        j->acc[i] = (int32_t)next_bits(g, 1 + next(g, 32));
        if (next(g, 8) == 0)
            j->acc[i] = next(g, 2) ? INT32_MAX : INT32_MIN;
        j->residual[i] = (uint8_t)next(g, 256);
    }
}

static wide exact(const struct job *j, uint32_t i)
{
    int r = j->d.r_signed ? (int8_t)j->residual[i] : j->residual[i];
    wide t = (wide)j->acc[i] * j->m[i] + j->b[i];

    return j->has_residual ? t + (wide)(r - j->d.r_zero) * j->mr[i] : t;
}

/* Moves an output's b by less than 2^shift: its sum becomes a tie, or one more or less. */
static void move_to_tie(struct job *j, struct lcg *g, uint32_t i)
{
    wide unit = (wide)1 << j->shift[i], over = (exact(j, i) - unit / 2) % unit;

    j->b[i] += (int64_t)((wide)next(g, 3) - 1 - over);
}

static int wanted(const struct job *j, uint32_t i)
{
    wide t = nearest(exact(j, i), j->shift[i]) + j->d.zero;

    return (int)(t < j->d.low ? j->d.low : t > j->d.high ? j->d.high : t) & 0xff;
}

static void every_kernel_gives_the_naive_bytes_and_no_more(void **state)
{
    struct lcg g = { 2 };

    (void)state;
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t n = 1 + next(&g, MOST);
        struct job j;

        random_job(&j, &g, n);
        for (uint32_t o = 0; o < n && i % 2; o++)
            if (j.shift[o] < 50)
                move_to_tie(&j, &g, o);
        for (const char *const *k = crossbar_kernels(); *k; k++) {
            uint8_t out[MOST + 64];

            memset(out, 0xa5, sizeof out);
            assert_true(digital_select(&j.d, *k));
            digital_process(&j.d, j.acc, j.has_residual ? j.residual : NULL, out);
            for (uint32_t o = 0; o < n; o++)
                assert_int_equal(out[o], wanted(&j, o));
            for (uint32_t o = n; o < sizeof out; o++)
                assert_int_equal(out[o], 0xa5);
        }
    }
}

/* A step at -1.5 and one at 2: whatever the kernel, sums of 12 bits behind the point fall to 7, 40
 * or 90, less and more than rounding would give. */
static void every_kernel_knows_functions_of_sums(void **state)
{
    enum { N = 33, SHIFT = 12 };
    double threshold[] = { -1.5, 2 };
    int32_t code[] = { 7, 40, 90 };
    const struct step_function f = { 2, threshold, code };
    uint32_t m[N];
    int64_t b[N];
    uint8_t shift[N], out[N];
    int32_t acc[N];

    (void)state;
    for (uint32_t i = 0; i < N; i++) { // from -4 to 4 in quarters
        m[i] = 1 << 10;
        b[i] = 0;
        shift[i] = SHIFT;
        acc[i] = (int32_t)i - 16;
    }
    for (const char *const *k = crossbar_kernels(); *k; k++) {
        struct digital d = { .n = N, .m = m, .b = b, .shift = shift, .function = &f,
                             .high = 255 };
        assert_true(digital_select(&d, *k));
        digital_process(&d, acc, NULL, out);
        for (uint32_t i = 0; i < N; i++)
            assert_int_equal(out[i], acc[i] < -6 ? 7 : acc[i] < 8 ? 40 : 90);
    }
}

static void an_unknown_kernel_is_refused(void **state)
{
    struct digital d = { .n = 0 };

    (void)state;
    assert_true(digital_select(&d, NULL));
    assert_false(digital_select(&d, "abacus"));
}

static void pooling_sums_signed_and_unsigned_bytes(void **state)
{
    static const uint8_t byte[] = { 0, 1, 127, 128, 255 };
    int32_t sum[5] = { 10, 10, 10, 10, 10 };

    (void)state;
    digital_pool_add(5, sum, byte, false);
    digital_pool_add(5, sum, byte, true);
    for (int i = 0; i < 5; i++)
        assert_int_equal(sum[i], 10 + byte[i] + (byte[i] < 128 ? byte[i] : byte[i] - 256));
}

static void pooled_mean_is_rounded_and_clamped(void **state)
{
    struct lcg g = { 3 };

    (void)state;
    for (uint32_t i = 0; i < 5000; i++) {
        struct pool_requant p = { .m = 1 + next(&g, i % 2 ? 1 : 1u << 31),
                                  .b = next_bits(&g, 1 + next(&g, 60)),
                                  .zero = (int32_t)next(&g, 256),
                                  .high = 255,
                                  .shift = (uint8_t)next(&g, 63) };
        int32_t sum = (int32_t)next_bits(&g, 1 + next(&g, 31));
        wide t = nearest((wide)sum * p.m + p.b, p.shift) + p.zero;
        uint8_t out;

        digital_pool_finish(&p, 1, &sum, &out);
        assert_int_equal(out, t < 0 ? 0 : t > 255 ? 255 : t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounding_is_to_the_nearest_and_ties_go_to_even),
        cmocka_unit_test(halves_round_to_even_by_hand),
        cmocka_unit_test(every_kernel_gives_the_naive_bytes_and_no_more),
        cmocka_unit_test(every_kernel_knows_functions_of_sums),
        cmocka_unit_test(an_unknown_kernel_is_refused),
        cmocka_unit_test(pooling_sums_signed_and_unsigned_bytes),
        cmocka_unit_test(pooled_mean_is_rounded_and_clamped),
    };

    return cmocka_run_group_tests_name("digital", tests, NULL, NULL);
}
