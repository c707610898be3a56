/* test/unit/test_fabric.c -- clocks of links in closed form, and the table of fabrics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "noc/fabric.h"

#define MHZ UINT64_C(1000000)
#define MBPS UINT64_C(1000000)

static const struct fabric_rates article = {
    .clock_hz = 500 * MHZ, .link_bps = 5000 * MBPS, .partial_sum_bps = 20480 * MBPS,
    .hop_timesteps = 1, .partial_sum_hops = 1,
};

static void the_article_s_pixel_takes_45_of_50_clocks_and_its_partial_sums_44(void **state)
{
    (void)state;
    static const struct fabric_link link[] = {
        { .from = 0, .to = 1, .payload = FABRIC_PIXELS, .bits = 56 * 8 },
        { .from = 1, .to = 2, .payload = FABRIC_PARTIAL_SUMS, .bits = 56 * 32 },
    };
    struct fabric_use use[2];
    struct err_msg m;

    assert_int_equal(fabric_point_to_point.carry(&article, link, 2, use, &m), ERR_NONE);
    assert_int_equal(use[0].rate_bps, 5000 * MBPS);
    assert_int_equal(use[0].clocks, 45); // 448 / 5 Gb/s = 89.6 ns
    assert_int_equal(use[1].rate_bps, 20480 * MBPS);
    assert_int_equal(use[1].clocks, 44); // 1,792 / 20.48 Gb/s = 87.5 ns
}

static void equation_7_fills_the_timestep_exactly(void **state)
{
    (void)state;
    assert_int_equal(fabric_clocks(56 * 8, 500 * MHZ, 4480 * MBPS), 50);
    assert_int_equal(fabric_clocks(56 * 8, 500 * MHZ, 4480 * MBPS - 1), 51);
    assert_int_equal(fabric_clocks(4 * 16 * 8, 500 * MHZ, 5120 * MBPS), 50); // four pixels
    assert_int_equal(fabric_clocks(4 * 16 * 8, 500 * MHZ, 5110 * MBPS), 51);
}

static void clocks_are_the_least_that_carry_the_bits(void **state)
{
    (void)state;
    for (uint64_t bits = 0; bits < 300; bits++)
        for (uint64_t clock = 1; clock < 20; clock++)
            for (uint64_t rate = 1; rate < 20; rate++) {
                uint64_t want = 0;
                while (want * rate < bits * clock)
                    want++;
                assert_int_equal(fabric_clocks(bits, clock, rate), want);
            }
}

static void products_beyond_64_bits_stay_exact(void **state)
{
    (void)state;
    assert_int_equal(fabric_clocks(UINT64_C(1) << 62, 1000, 1000), UINT64_C(1) << 62);
    assert_int_equal(fabric_clocks((UINT64_C(1) << 62) + 1, 1000, 2000), (UINT64_C(1) << 61) + 1);
    assert_int_equal(fabric_clocks(UINT64_MAX, UINT64_MAX, UINT64_MAX), UINT64_MAX);
    assert_int_equal(fabric_clocks(UINT64_MAX, 3, 1), UINT64_MAX); // does not fit: the most
}

static void each_payload_has_its_rate_and_its_hops_whatever_else_is_sent(void **state)
{
    (void)state;
    struct fabric_rates r = article;
    r.hop_timesteps = 3;
    r.partial_sum_hops = 0;
    enum { N = 40 };
    struct fabric_link link[N];
    struct fabric_use all[N], alone;
    struct err_msg m;

    for (uint32_t i = 0; i < N; i++)
        link[i] = (struct fabric_link){ .from = 0, .to = i % 3 ? 1 : FABRIC_EDGE, .bits = 100 * i,
                                        .payload = i % 2 ? FABRIC_PARTIAL_SUMS : FABRIC_PIXELS };
    assert_int_equal(fabric_point_to_point.carry(&r, link, N, all, &m), ERR_NONE);
    for (uint32_t i = 0; i < N; i++) {
        fabric_point_to_point.carry(&r, &link[i], 1, &alone, &m);
        assert_int_equal(all[i].clocks, alone.clocks); // links do not share
        assert_int_equal(all[i].hops, i % 2 ? 0 : 3);
        assert_int_equal(all[i].rate_bps, (i % 2 ? 20480 : 5000) * MBPS);
    }
}

static void an_unknown_fabric_is_refused_with_the_names_that_exist(void **state)
{
    (void)state;
    const struct fabric *f = NULL;
    struct err_msg m;

    assert_int_equal(fabric_find(&f, "point_to_point", &m), ERR_NONE);
    assert_ptr_equal(f, &fabric_point_to_point);
    assert_int_equal(fabric_find(&f, "mesh", &m), ERR_INPUT);
    assert_string_equal(m.text, "fabric.kind = mesh: want one of point_to_point");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_article_s_pixel_takes_45_of_50_clocks_and_its_partial_sums_44),
        cmocka_unit_test(equation_7_fills_the_timestep_exactly),
        cmocka_unit_test(clocks_are_the_least_that_carry_the_bits),
        cmocka_unit_test(products_beyond_64_bits_stay_exact),
        cmocka_unit_test(each_payload_has_its_rate_and_its_hops_whatever_else_is_sent),
        cmocka_unit_test(an_unknown_fabric_is_refused_with_the_names_that_exist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
