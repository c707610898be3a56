/* Tests of arch/cost/router_unit.h, and of what a run's routers and channels cost by their
 * counters. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/circuits/dff.h"
#include "arch/circuits/wire.h"
#include "arch/cost/router_unit.h"
#include "test/cli_rig.h"
#include "test/tmpdir.h"

#define RUN "run configs/resnet32.yaml --set clocking.kind=elastic --set energy.chip=composed " \
            "--set energy.technology=14nm_lp --json - "

static struct chip_model composed(void)
{
    struct chip_model c;
    struct err_msg m;

    if (chip_model_load(&c, "14nm_lp", "pcm", "composed", &m) ||
        router_facts_load(&c, "composed", &m))
        fail_msg("%s", m.text);
    return c;
}

static void assert_near(double a, double b, double relative)
{
    if (!(fabs(a - b) <= relative * fabs(b)))
        fail_msg("%.9g, want %.9g", a, b);
}

/* A router of five ports, two queues of eight flits of 128 bits at each: four stages of
 * multiplexers to a queue's flit, three to the output. */
static void a_router_is_its_flip_flops_and_its_gates(void **state)
{
    const struct chip_model c = composed();
    const struct technology *t = &c.technology;
    const struct router_hardware h = { 128, 2, 8, 10, 50, 250 };
    const struct router_unit u = router_unit(&c, &h);
    const struct gate nand = gate_standard(t, GATE_NAND, 2, gate_widths(t, 2, 1));
    const double v2 = t->supply_v * t->supply_v, nand_pj = (nand.in_pf + nand.out_pf) * v2;
    const double n_dff = 10 * 5 * (2 * 8 + 1) * 128.0; // one more at each output
    const double n_nand = 10 * (5 * 15 * 3 * 128.0 + 25 * 3 * 128.0 + 2 * 25 * 2 * 12.0);

    (void)state;
    assert_near(u.write_pj, dff(t, 128, 64, 1).energy_pj, 1e-12);
    assert_near(u.read_pj, 64 * 4 * 3 * nand_pj, 1e-12);
    assert_near(u.traversal_pj, 64 * 3 * 3 * nand_pj + dff(t, 128, 64, 1).energy_pj, 1e-12);
    assert_near(u.allocation_pj, (5 * 2 + 5 * 2) * 12 * nand_pj, 1e-12);
    assert_near(u.area_um2, n_dff * dff(t, 1, 1, 1).area_um2 + n_nand * gate_area_um2(&nand),
                1e-12);
    assert_near(u.leakage_uw, n_dff * dff(t, 1, 1, 1).leakage_uw + n_nand * nand.leakage_uw, 1e-12);
}

static double count(json_t *run, const char *key)
{
    return (double)integer_at(at(run, "fabric"), key);
}

/* Two images; 64 places of 8 x 8: 4 corners of 3 ports, 24 sides of 4, 36 of 5. */
static void an_image_takes_what_its_counters_say(void **state)
{
    const struct chip_model c = composed();
    const struct router_hardware h = { 128, 2, 8, 64, 4 * 3 + 24 * 4 + 36 * 5,
                                       4 * 9 + 24 * 16 + 36 * 25 };
    const struct router_unit u = router_unit(&c, &h);
    const struct repeated_wire w = repeated_wire(&c.technology, 0, SHRINK_HALVE);
    json_t *run = json_of(*state, RUN "--set fabric.kind=mesh"), *f;

    assert_int_equal(count(run, "buffer_writes"), count(run, "injected_flits") +
                                                      count(run, "flit_hops"));
    assert_int_equal(count(run, "buffer_reads"), count(run, "buffer_writes"));
    assert_int_equal(count(run, "switch_traversals"), count(run, "buffer_reads"));
    assert_near(number_at(run, "fabric.bit_mm"), 128 * count(run, "flit_hops"), 1e-12);
    f = at(run, "energy.fabric");
    double pj = count(run, "buffer_writes") * u.write_pj + count(run, "buffer_reads") * u.read_pj +
                count(run, "switch_traversals") * u.traversal_pj +
                count(run, "allocations") * u.allocation_pj;
    assert_near(number_at(f, "blocks.routers") * 1e3, pj / 2, 1e-4); // whole pJ
    pj = 0.5 * 1000 * number_at(run, "fabric.bit_mm") * w.pj_per_bit_um;
    assert_near(number_at(f, "blocks.links") * 1e3, pj / 2, 1e-4);
    assert_near(number_at(f, "area_blocks.routers") * 1e6, u.area_um2, 1e-5);
    const struct bus_cfg wires = { 128, 224 * 1000.0, 1, 1 }; // 2 * (7 * 8 + 8 * 7) channels
    assert_near(number_at(f, "area_blocks.links") * 1e6, bus(&c.technology, &w, &wires).area_um2,
                1e-5);
    json_decref(run);
}

/* Twice as far: twice the wires, the same routers. */
static void channels_cost_by_their_length(void **state)
{
    json_t *one = json_of(*state, RUN "--set fabric.kind=tree");
    json_t *two = json_of(*state, RUN "--set fabric.kind=tree --set fabric.pitch_um=2000");

    assert_near(number_at(two, "energy.fabric.blocks.links"),
                2 * number_at(one, "energy.fabric.blocks.links"), 1e-4);
    assert_near(number_at(two, "energy.fabric.blocks.routers"),
                number_at(one, "energy.fabric.blocks.routers"), 1e-12);
    assert_near(number_at(two, "fabric.bit_mm"), 2 * number_at(one, "fabric.bit_mm"), 1e-12);
    json_decref(one);
    json_decref(two);
}

/* Links that are shared have wires, and no routers; blocks of the chip have those of the fabric. */
static void shared_links_have_no_routers(void **state)
{
    json_t *run = json_of(*state, RUN "--set fabric.kind=adjacent --set placement.kind=search "
                                      "--set fabric.reach.diagonal=[1]");
    const struct chip_model c = composed();
    const struct repeated_wire w = repeated_wire(&c.technology, 0, SHRINK_HALVE);
    double pj = 0.5 * 1000 * number_at(run, "fabric.bit_mm") * w.pj_per_bit_um / 2;

    assert_null(json_object_get(at(run, "energy.fabric.blocks"), "routers"));
    assert_near(number_at(run, "energy.fabric.blocks.links") * 1e3, pj, 1e-4);
    assert_true(number_at(run, "energy.blocks.links") >
                number_at(run, "energy.fabric.blocks.links"));
    json_decref(run);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tmpdir_make, tmpdir_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_router_is_its_flip_flops_and_its_gates),
        TEST(an_image_takes_what_its_counters_say),
        TEST(channels_cost_by_their_length),
        TEST(shared_links_have_no_routers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
