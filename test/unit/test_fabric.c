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

static const struct fabric_machine article = {
    .clock_hz = 500 * MHZ, .link_bps = 5000 * MBPS, .partial_sum_bps = 20480 * MBPS,
    .hop_timesteps = 1, .partial_sum_hops = 1,
};

static void the_article_s_pixel_takes_45_of_50_clocks_and_its_partial_sums_44(void **state)
{
    (void)state;
    static const struct fabric_link link[] = {
        { .from = 0, .to = 1, .payload = FABRIC_PIXELS },
        { .from = 1, .to = 2, .payload = FABRIC_PARTIAL_SUMS },
    };
    struct fabric_route route[2];
    struct err_msg m;

    assert_int_equal(fabric_point_to_point.route(&article, link, 2, route, &m), ERR_NONE);
    assert_int_equal(route[0].rate_bps, 5000 * MBPS); // 448 bit: 89.6 ns
    assert_int_equal(fabric_point_to_point.use(&article, &route[0], 56 * 8), 45);
    assert_int_equal(route[1].rate_bps, 20480 * MBPS); // 1,792 bit: 87.5 ns
    assert_int_equal(fabric_point_to_point.use(&article, &route[1], 56 * 32), 44);
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
    struct fabric_machine machine = article;
    machine.hop_timesteps = 3;
    machine.partial_sum_hops = 0;
    enum { N = 40 };
    struct fabric_link link[N];
    struct fabric_route all[N];
    struct err_msg m;

    for (uint32_t i = 0; i < N; i++)
        link[i] = (struct fabric_link){ .from = 0, .to = i % 3 ? 1 : FABRIC_EDGE,
                                        .payload = i % 2 ? FABRIC_PARTIAL_SUMS : FABRIC_PIXELS };
    assert_int_equal(fabric_point_to_point.route(&machine, link, N, all, &m), ERR_NONE);
    for (uint32_t i = 0; i < N; i++) {
        assert_int_equal(all[i].hops, i % 2 ? 0 : 3);
        assert_int_equal(all[i].rate_bps, (i % 2 ? 20480 : 5000) * MBPS);
    }
}

/* 64 cores lie on 8 x 8, 43 on 7 x 7; a link runs along rows and columns, and to the chip's edge
 * from the left end of a row. */
static void lengths_are_those_of_the_floorplan(void **state)
{
    (void)state;
    const struct fabric *f = &fabric_point_to_point;

    assert_int_equal(fabric_distance(f, 64, 0, 63), 7 + 7);
    assert_int_equal(fabric_distance(f, 64, 9, 7), 6 + 1);
    assert_int_equal(fabric_distance(f, 64, 5, 5), 0);
    assert_int_equal(fabric_distance(f, 43, 6, 7), 6 + 1);
    assert_int_equal(fabric_distance(f, 49, 48, 0), 6 + 6);
    assert_int_equal(fabric_distance(f, 50, 48, 0), 0 + 6);
    assert_int_equal(fabric_distance(f, 64, FABRIC_EDGE, 10), 2 + 1);
    assert_int_equal(fabric_distance(f, 64, 8, FABRIC_EDGE), 0 + 1);
}

/* A sender may push once a timestep, and once more before the receiver has taken the first. */
static void channels_hold_what_is_on_the_way(void **state)
{
    (void)state;
    struct fabric_wire wire[3] = { { .path = "a", .bytes = 8 }, { .path = "b", .bytes = 16 },
                                   { .path = "c", .bytes = 8 } };
    struct fabric_net net = { 0 };

    for (uint32_t i = 0; i < 3; i++)
        wire[i].route.hops = 3 * i;
    assert_true(fabric_point_to_point.build(&net, wire, 3));
    assert_int_equal(net.n_chan, 3);
    assert_int_equal(net.n_block, 0);
    for (uint32_t i = 0; i < 3; i++) {
        assert_ptr_equal(wire[i].tx, wire[i].rx);
        assert_int_equal(wire[i].tx->depth, 3 * i + 2);
        assert_int_equal(wire[i].tx->payload_bytes, wire[i].bytes);
    }
    fabric_net_release(&net);
}

static void an_unknown_fabric_is_refused_with_the_names_that_exist(void **state)
{
    (void)state;
    const struct fabric *f = NULL;
    struct err_msg m;

    assert_int_equal(fabric_find(&f, "point_to_point", &m), ERR_NONE);
    assert_ptr_equal(f, &fabric_point_to_point);
    assert_int_equal(fabric_find(&f, "torus", &m), ERR_INPUT);
    assert_string_equal(m.text, "fabric.kind = torus: want one of point_to_point, adjacent, mesh, "
                                "tree, bus");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_article_s_pixel_takes_45_of_50_clocks_and_its_partial_sums_44),
        cmocka_unit_test(equation_7_fills_the_timestep_exactly),
        cmocka_unit_test(clocks_are_the_least_that_carry_the_bits),
        cmocka_unit_test(products_beyond_64_bits_stay_exact),
        cmocka_unit_test(each_payload_has_its_rate_and_its_hops_whatever_else_is_sent),
        cmocka_unit_test(lengths_are_those_of_the_floorplan),
        cmocka_unit_test(channels_hold_what_is_on_the_way),
        cmocka_unit_test(an_unknown_fabric_is_refused_with_the_names_that_exist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
