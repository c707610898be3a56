/* Digital blocks, memories and wires against DNN+NeuroSim V1.4 and against closed forms. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arch/circuits/adder.h"
#include "arch/circuits/cco_adc.h"
#include "arch/circuits/comparator.h"
#include "arch/circuits/decoder.h"
#include "arch/circuits/dff.h"
#include "arch/circuits/flash_adc.h"
#include "arch/circuits/pulse_driver.h"
#include "arch/circuits/register_file.h"
#include "arch/circuits/sar_adc.h"
#include "arch/circuits/shift_add.h"
#include "arch/circuits/sram.h"
#include "arch/circuits/switches.h"
#include "arch/circuits/wire.h"
#include "test/tech_rig.h"

/* That program multiplies adder and control energy by the factors of its calibration. */
static const struct activity published = { .adder = 0.15, .dff = 0.5, .control = 0.05 };

static const char *const names[] = { "22nm_lp", "14nm_lp" };

static void adders_match_the_published_program(void **state)
{
    (void)state;
    static const struct { double um2, ns, fj, nw; } want[2][2] = {
        { { 11.12, .495, 8.578, 1.074 }, { 22.25, 1.007, 17.09, 2.148 } },
        { { 9.704, .481, 3.274, .521 }, { 19.41, .982, 6.517, 1.041 } },
    };

    for (size_t i = 0; i < 2; i++) {
        struct technology t = tech_load(names[i]);

        for (size_t k = 0; k < 2; k++) {
            struct circuit c = adder(&t, k == 0 ? 8 : 16, dff_in_pf(&t), &published);

            CHECK_NEAR(c.area_um2, want[i][k].um2, 0.01);
            CHECK_NEAR(c.delay_ns, want[i][k].ns, 0.01);
            CHECK_NEAR(c.energy_pj * 1e3, want[i][k].fj, 0.01);
            CHECK_NEAR(c.leakage_uw * 1e3, want[i][k].nw, 0.01);
        }
    }
}

static void registers_trees_and_pooling_match_the_published_program(void **state)
{
    (void)state;
    static const struct { double dff_um2, dff_fj, dff_pw, tree_pj, pool_um2, pool_fj; } want[2] = {
        { 1.236, 1.411, 34.7, .0523, 58.7, 4.64 },
        { 1.078, 1.127, 59.6, .0200, 51.2, 2.82 },
    };

    for (size_t i = 0; i < 2; i++) {
        struct technology t = tech_load(names[i]);
        struct circuit reg = dff(&t, 1, 1, 1), pool = max_pool(&t, 8, 4, &published);

        CHECK_NEAR(reg.area_um2, want[i].dff_um2, 0.01);
        CHECK_NEAR(reg.energy_pj * 1e3, want[i].dff_fj, 0.01);
        CHECK_NEAR(reg.leakage_uw * 1e6, want[i].dff_pw, 0.01);
        CHECK_NEAR(adder_tree(&t, 4, 16, 0, &published).energy_pj, want[i].tree_pj, 0.01);
        CHECK_NEAR(pool.area_um2, want[i].pool_um2, 0.01);
        CHECK_NEAR(pool.energy_pj * 1e3, want[i].pool_fj, 0.01);
    }
}

static void sram_matches_the_published_program(void **state)
{
    (void)state;
    static const struct { unsigned words; double um2, read_pj, write_pj, read_ns; } want[2][3] = {
        { { 128, 2607, .542, .702, .67 }, { 512, 9609, 2.12, 2.56, 1.70 },
          { 1024, 18953, 4.22, 4.89, 3.06 } },
        { { 128, 1314, .338, .467, .64 }, { 512, 4727, 1.28, 1.66, 2.21 },
          { 1024, 9282, 2.54, 3.11, 4.17 } },
    };

    for (size_t i = 0; i < 2; i++) {
        struct technology t = tech_load(names[i]);

        for (size_t k = 0; k < 3; k++) {
            struct sram_cfg cfg = { want[i][k].words, 128 };
            struct sram s = sram(&t, &cfg, &published);

            CHECK_NEAR(s.macro.area_um2, want[i][k].um2, 0.01);
            CHECK_NEAR(s.macro.energy_pj, want[i][k].read_pj, 0.01);
            CHECK_NEAR(s.write_pj, want[i][k].write_pj, 0.01);
            CHECK_NEAR(s.macro.delay_ns, want[i][k].read_ns, 0.01);
        }
    }
}

static void register_files_match_the_published_program(void **state)
{
    (void)state;
    static const struct { const char *name; double um2; } want[] = {
        { "32nm_lp", 43154 }, { "22nm_lp", 20397 }, { "14nm_lp", 17800 }, { "7nm_lp", 5417 },
    };

    for (size_t i = 0; i < 4; i++) {
        struct technology t = tech_load(want[i].name);

        CHECK_NEAR(register_file(&t, 128, 128, &published).area_um2, want[i].um2, 0.01);
    }
}

static void repeated_wires_match_the_published_program(void **state)
{
    (void)state;
    static const struct { double d, s, ns, pj, slow_ns, slow_pj; } want[2] = {
        { 99.6, 77, .278, .117, .219, .097 },
        { 64.7, 43, .347, .109, .289, .089 },
    };

    for (size_t i = 0; i < 2; i++) {
        struct technology t = tech_load(names[i]);
        struct repeated_wire fast = repeated_wire(&t, 0, SHRINK_HALVE);
        struct repeated_wire slow = repeated_wire(&t, 0.1, SHRINK_HALVE);
        double long_um = 2e5 * t.feature_um; // four times as wide

        CHECK_NEAR(fast.spacing_um, want[i].d, 0.01);
        CHECK_NEAR(fast.size, want[i].s, 1e-9);
        CHECK_NEAR(fast.ns_per_um * 1e3, want[i].ns, 0.01);
        CHECK_NEAR(fast.pj_per_bit_um * 1e3, want[i].pj, 0.01);
        CHECK_NEAR(repeated_wire_ns(&t, &slow, long_um) / long_um * 1e3, want[i].slow_ns, 0.01);
        CHECK_NEAR(slow.pj_per_bit_um * 1e3, want[i].slow_pj, 0.01);
    }
}

static void an_adder_grows_by_one_bit_at_a_time(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");
    struct activity all = ACTIVITY_ALL;
    struct gate nand = gate_standard(&t, GATE_NAND, 2, gate_enlarge(&t, gate_widths(&t, 2, 1)));
    struct circuit four = adder(&t, 4, 0, &all), five = adder(&t, 5, 0, &all);
    struct circuit six = adder(&t, 6, 0, &all);
    double v2 = t.supply_v * t.supply_v;

    CHECK_NEAR(five.area_um2 - four.area_um2, 9 * gate_area_um2(&nand), 1e-9);
    CHECK_NEAR(five.energy_pj - four.energy_pj, v2 * (13 * nand.in_pf + 7 * nand.out_pf), 1e-9);
    CHECK_NEAR(six.delay_ns - five.delay_ns, five.delay_ns - four.delay_ns, 1e-9);
    struct activity tenth = { 0.1, 1, 1 };
    CHECK_NEAR(adder(&t, 4, 0, &tenth).energy_pj, four.energy_pj / 10, 1e-12);
}

static void an_adder_tree_of_n_numbers_has_n_minus_one_adders(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");
    struct activity all = ACTIVITY_ALL;
    double bit_um2 = adder(&t, 1, 0, &all).area_um2;

    CHECK_NEAR(adder_tree(&t, 2, 8, 0, &all).area_um2, 8 * bit_um2, 1e-9);
    CHECK_NEAR(adder_tree(&t, 4, 8, 0, &all).area_um2, (8 + 8 + 9) * bit_um2, 1e-9);
    CHECK_NEAR(adder_tree(&t, 5, 8, 0, &all).area_um2, (8 + 8 + 9 + 10) * bit_um2, 1e-9);
    CHECK_NEAR(adder_tree(&t, 4, 8, 0, &all).delay_ns,
               adder(&t, 8, 0, &all).delay_ns + adder(&t, 2, 0, &all).delay_ns, 1e-12);
}

static void idle_flip_flops_still_pay_for_their_clock(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");
    struct gate inv = gate_standard(&t, GATE_INV, 1, gate_widths(&t, 1, 1));
    double v2 = t.supply_v * t.supply_v;

    CHECK_NEAR(dff(&t, 10, 0, 1).energy_pj, 10 * v2 * (6 * inv.in_pf + 4 * inv.out_pf), 1e-9);
    CHECK_NEAR(dff(&t, 10, 10, 1).energy_pj - dff(&t, 10, 0, 1).energy_pj,
               10 * v2 * (2 * inv.in_pf + 6 * inv.out_pf), 1e-9);
    CHECK_NEAR(dff(&t, 1, 1, 1).area_um2, 12 * gate_area_um2(&inv), 1e-9);
}

static void shift_and_add_is_adders_and_registers(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");
    struct activity all = ACTIVITY_ALL;
    struct shift_add_cfg cfg = { 32, 5, 2, 67.584 };
    struct circuit c = shift_add(&t, &cfg, &all);

    CHECK_NEAR(c.energy_pj, 32 * adder(&t, 5, dff_in_pf(&t), &all).energy_pj +
               dff(&t, 32 * 7, 32 * 7, 1).energy_pj, 1e-9);
    CHECK_NEAR(c.area_um2, c.width_um * c.height_um, 1e-12);
}

static void a_decoder_doubles_its_lines_with_every_bit(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");
    struct activity all = ACTIVITY_ALL;
    struct decoder_cfg c = { .bits = 6, .driver_ratio = 1, .load_pf = .01, .line_cells = 64 };
    struct circuit six = decoder(&t, &c, &all);

    c.bits = 7;
    struct circuit seven = decoder(&t, &c, &all);
    CHECK_NEAR(six.height_um, 64 * t.cell_height_um, 1e-9);
    CHECK_NEAR(seven.height_um, 128 * t.cell_height_um, 1e-9);
    assert_true(seven.delay_ns > six.delay_ns && seven.energy_pj > six.energy_pj);
}

static void a_wire_charges_itself_and_its_repeaters(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");
    struct repeated_wire w = repeated_wire(&t, 0, SHRINK_HALVE);
    struct bus_cfg cfg = { .bits = 8, .length_um = 100, .toggle = 0.5, .folding = 1 };
    double pf = t.wire_pf_um + (w.repeater.in_pf + w.repeater.out_pf) / w.spacing_um;

    CHECK_NEAR(bus(&t, &w, &cfg).energy_pj,
               0.5 * 0.5 * 8 * 100 * pf * t.supply_v * t.supply_v, 1e-9);
    cfg.length_um = 200;
    CHECK_NEAR(bus(&t, &w, &cfg).delay_ns, 200 * w.ns_per_um, 1e-9);
}

static void an_h_tree_reaches_a_leaf_by_halving_arms(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");
    struct repeated_wire w = repeated_wire(&t, 0, SHRINK_HALVE);
    struct circuit c = h_tree(&t, &w, 4, 10, 10, 1, 1);

    /* arms of 10, then 5 um both ways, after a trunk of 2 leaves */
    CHECK_NEAR(c.energy_pj, w.pj_per_bit_um * (20 + 2 * (10 + 5)), 1e-9);
    /* an H over 2 x 2 leaves of 10 x 6: a trunk of 10, a bar of 10, two posts of 6 */
    c = h_tree(&t, &w, 2, 10, 6, 3, 1);
    CHECK_NEAR(c.leakage_uw, 3 * w.leakage_uw_per_um * (10 + 10 + 2 * 6), 1e-9);
    CHECK_NEAR(c.area_um2, 3 * w.repeater.width_um * (10 + 10 + 2 * 6), 1e-9);
    /* over 4 x 4: a trunk of 20, a bar of 20, posts of 12, and four of those smaller ones */
    c = h_tree(&t, &w, 4, 10, 6, 3, 1);
    CHECK_NEAR(c.leakage_uw, 3 * w.leakage_uw_per_um * (20 + 20 + 24 + 4 * (10 + 12)), 1e-9);
}

/* At 22 nm wires of 220 um are two, of 2.2 mm four times as wide; only their resistance counts. */
static void a_long_wire_is_wider(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");
    struct repeated_wire w = repeated_wire(&t, 0, SHRINK_HALVE);
    double c = 0.2e-3, d = w.spacing_um, per_kohm = 0.7 * (0.54 * c * d + w.repeater.in_pf);

    CHECK_NEAR(repeated_wire_ns(&t, &w, 219), 219 * w.ns_per_um, 1e-9);
    CHECK_NEAR(w.ns_per_um - repeated_wire_ns(&t, &w, 221) / 221,
               per_kohm * (t.wire_m0_kohm_um - t.wire_x2_kohm_um), 1e-6);
    CHECK_NEAR(w.ns_per_um - repeated_wire_ns(&t, &w, 2199) / 2199,
               per_kohm * (t.wire_m0_kohm_um - t.wire_x2_kohm_um), 1e-6);
    CHECK_NEAR(w.ns_per_um - repeated_wire_ns(&t, &w, 2201) / 2201,
               per_kohm * (t.wire_m0_kohm_um - t.wire_x4_kohm_um), 1e-6);
}

/* Behind switches of the least size, 0.38 r c of a distributed wire. */
static void a_row_of_sram_cells_is_a_distributed_wire(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");
    struct row_switch_cfg cfg = { .rows = 64, .active = 0.5, .select_v = 0.85, .read_v = 0.5,
                                  .row_pf = 0.2, .row_kohm = 1e6, .height_um = 20 };
    double ns = sram_row_switch(&t, &cfg).delay_ns;

    cfg.row_kohm = 1.1e6;
    CHECK_NEAR(sram_row_switch(&t, &cfg).delay_ns - ns, 0.38 * 1e5 * 0.2, 1e-6);
}

static void what_sram_forgets_is_added_on_request(void **state)
{
    (void)state;
    struct technology t = tech_load("14nm_lp");
    struct sram_cfg cfg = { 512, 128 };
    struct sram s = sram(&t, &cfg, &published), all = sram_complete(s);

    CHECK_NEAR(all.macro.energy_pj - s.macro.energy_pj, s.sense.energy_pj, 1e-9);
    CHECK_NEAR(all.write_pj - s.write_pj, s.flip_pj / 2, 1e-9);
    /* one fin each: a gate of 103.816 aF, a drain of one fin across the gap of 5.571 - 1.857 F */
    double drain_pf = 8e-3 * (5.571 - 1.857) * .014 * 12e-3;
    CHECK_NEAR(s.flip_pj, 128 * (3 * drain_pf + 2 * 103.816e-6) * .8 * .8, 1e-6);
    CHECK_NEAR(s.cells_leakage_uw, 512 * 128 * sram_cell(&t).leakage_uw, 1e-9);
    CHECK_NEAR(all.macro.leakage_uw, s.macro.leakage_uw + s.sense.leakage_uw + s.cells_leakage_uw,
               1e-9);
}

static void a_sar_converter_takes_a_clock_per_bit_and_one(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");
    struct circuit c = sar_adc(&t, 5, 1000);
    double r_kohm = 1000 * 0.5 / 0.55; // the fits hold at 0.5 V, the node reads at 0.55 V

    CHECK_NEAR(c.delay_ns, 6, 1e-12);
    CHECK_NEAR(c.energy_pj, (.538 * 5 + 4.3753 + 72.341 / r_kohm) * 6e-3, 1e-9);
    CHECK_NEAR(sar_adc(&t, 6, 1000).area_um2 - c.area_um2,
               (109 + 73) * 2 * 3.8 * 28 * .022 * .022, 1e-9);
}

static void an_oscillator_counts_one_period_per_code(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");
    struct gate inv = gate_standard(&t, GATE_INV, 1, gate_enlarge(&t, gate_widths(&t, 1, 1)));
    double period_pj = 5 * (inv.in_pf + inv.out_pf) * t.supply_v * t.supply_v +
                       dff(&t, 8, 2, 1).energy_pj;
    double period_ns = 2 * 5 * log(2) * inv.down_kohm * (inv.in_pf + inv.out_pf);

    CHECK_NEAR(cco_adc(&t, 8, 1).energy_pj, 256 * period_pj, 1e-9);
    CHECK_NEAR(cco_adc(&t, 8, 0.25).energy_pj, 64 * period_pj, 1e-9);
    CHECK_NEAR(cco_adc(&t, 8, 0.5).delay_ns, 256 * period_ns, 1e-9);
    CHECK_NEAR(cco_adc(&t, 9, 0.5).delay_ns, 512 * period_ns, 1e-9);
    struct gate ring = gate_standard(&t, GATE_INV, 1, gate_enlarge(&t, gate_widths(&t, 1, 1)));
    CHECK_NEAR(cco_adc(&t, 9, 0.5).leakage_uw,
               5 * ring.leakage_uw + 9 * dff(&t, 1, 1, 1).leakage_uw, 1e-9);
}

static void a_multiplexer_adds_a_quarter_of_the_column(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");
    struct mux_cfg cfg = { .columns = 64, .outputs = 8, .column_kohm = 4, .read_v = 0.5,
                           .width_um = 20 };
    struct mux one = column_mux(&t, &cfg);
    struct widths w = pass_gate_widths(&t, 1);

    CHECK_NEAR(pass_gate_kohm(&t, w), 1, 1e-9);
    CHECK_NEAR(one.n_pf, transistor_gate_pf(&t, w.n_um), 1e-12);
    cfg.outputs = 16;
    CHECK_NEAR(column_mux(&t, &cfg).circuit.energy_pj, 2 * one.circuit.energy_pj, 1e-12);
    CHECK_NEAR(column_mux(&t, &cfg).circuit.area_um2, one.circuit.area_um2, 1e-12);
}

static void level_shifters_are_one_after_another(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");

    CHECK_NEAR(level_shifter(&t, 256, 1.44, 2).area_um2,
               256 * 1.44 * level_shifter(&t, 1, 1, 2).area_um2, 1e-12);
    CHECK_NEAR(level_shifter(&t, 1, 1, 2).height_um, 2.5 * 28 * .022, 1e-12);
    /* 22 nm, gates of 1.4298 fF/um, all but the first 2.5 times as long: widths in um */
    double low_um = (30 + 40 * t.size_ratio) * .044, gate_um =
        2.5 * (2 * (64 + 20 * t.size_ratio) + 128 + 164 * t.size_ratio) * .044;
    double at_1 = level_shifter(&t, 1, 1, 1).energy_pj, at_2 = level_shifter(&t, 1, 1, 2).energy_pj;
    double high_pf = (at_2 - at_1) / 3; // 2^2 - 1^2
    assert_true(high_pf > gate_um * 1.4298e-3 && high_pf < 2 * gate_um * 1.4298e-3);
    assert_true(at_1 - high_pf > low_um * 1.4298e-3 * .85 * .85);
    assert_true(at_1 - high_pf < 2 * low_um * 1.4298e-3 * .85 * .85);
    /* three stages; the gates of the last two resist 2.5 times as much */
    struct gate low = gate_make(&t, GATE_INV, 1, gate_widths(&t, 30, 40), 2.5 * .616);
    struct gate latch = gate_make(&t, GATE_INV, 1, gate_widths(&t, 64, 20), 2.5 * .616);
    struct gate high = gate_make(&t, GATE_INV, 1, gate_widths(&t, 128, 164), 2.5 * .616);
    struct edge e = { 0, 0 };
    edge_stage(&e, low.up_kohm, low.out_pf + 2.5 * latch.in_pf);
    edge_stage(&e, 2.5 * latch.down_kohm, 2.5 * (latch.in_pf + high.in_pf) + latch.out_pf);
    edge_stage(&e, 2.5 * high.up_kohm, high.out_pf);
    CHECK_NEAR(level_shifter(&t, 1, 1, 2).delay_ns, e.delay_ns, 1e-9);
    CHECK_NEAR(level_shifter(&t, 3, 1, 2).leakage_uw,
               3 * (low.leakage_uw + 2 * latch.leakage_uw + high.leakage_uw), 1e-9);
}

/* A row switch's delay is one step through the gate and half of the row's resistance. */
static void a_row_switch_charges_its_row_through_a_gate(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");
    struct row_switch_cfg cfg = { .rows = 64, .active = 0, .select_v = 1.1, .read_v = 0.5,
                                  .row_pf = 0.2, .row_kohm = 4, .height_um = 20 };
    struct circuit idle = row_switch(&t, &cfg), heavy;

    CHECK_NEAR(idle.energy_pj, 64 * dff(&t, 1, 1, 1).energy_pj, 1e-12);
    CHECK_NEAR(idle.leakage_uw, 64 * dff(&t, 1, 1, 1).leakage_uw, 1e-12);
    cfg.row_kohm = 14;
    heavy = row_switch(&t, &cfg);
    CHECK_NEAR(heavy.delay_ns - idle.delay_ns, log(2) * 10 * 0.2 / 2, 1e-9);
    /* of 14 * 2 F in N and a P of equal strength: gates 1.4298 fF/um, opened three at a time */
    cfg.active = 0.5;
    cfg.select_v = cfg.read_v = 1e-9;
    CHECK_NEAR(row_switch(&t, &cfg).energy_pj - idle.energy_pj,
               32 * 3 * 14 * .044 * (1 + 791.9 / 600.2) * 1.4298e-3 * .85 * .85, 1e-9);
}

static void column_switches_only_leak_in_a_read(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");
    struct circuit c = column_switch(&t, 64, 90, 64 * 12 * .022);

    assert_true(c.energy_pj == 0);
    CHECK_NEAR(c.leakage_uw, 64 * dff(&t, 1, 1, 1).leakage_uw, 1e-12);
    assert_true(c.area_um2 > 64 * dff(&t, 1, 1, 1).area_um2);
}

/* 2^bits clocks of a counter, two of whose bits change in a clock. */
static void a_pulse_is_counted_down(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");
    struct gate inv = gate_standard(&t, GATE_INV, 1, gate_widths(&t, 1, 1));
    double clock_pf = 8 * (6 * inv.in_pf + 4 * inv.out_pf) + 2 * (2 * inv.in_pf + 6 * inv.out_pf);

    CHECK_NEAR(pulse_driver(&t, 8, 1).energy_pj, 256 * clock_pf * .85 * .85, 1e-9);
    CHECK_NEAR(pulse_driver(&t, 8, 0.25).energy_pj, 64 * clock_pf * .85 * .85, 1e-9);
    CHECK_NEAR(pulse_driver(&t, 8, 1).area_um2, 96 * gate_area_um2(&inv), 1e-9);
    CHECK_NEAR(pulse_driver(&t, 8, 0).leakage_uw, 64 * inv.leakage_uw, 1e-9);
}

static void an_accumulator_adds_in_place(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");
    struct activity all = ACTIVITY_ALL;
    struct shift_add_cfg cfg = { 32, 5, 3, 67.584 };
    struct circuit c = accumulator(&t, &cfg, &all), add = adder(&t, 7, dff_in_pf(&t), &all);

    CHECK_NEAR(c.delay_ns, add.delay_ns, 1e-12);
    CHECK_NEAR(c.energy_pj, 32 * add.energy_pj + dff(&t, 32 * 8, 32 * 6, 1).energy_pj, 1e-9);
    CHECK_NEAR(c.leakage_uw, 32 * add.leakage_uw + 32 * 8 * dff(&t, 1, 1, 1).leakage_uw, 1e-9);
    /* 256 flip-flops of 12 inverters, each two gate pitches of 3.8 F wide, 33 to a row */
    double dff_um = 12 * 2 * 3.8 * .022, per_row = floor(67.584 / dff_um);
    CHECK_NEAR(c.area_um2, 32 * add.area_um2 + 67.584 * ceil(256 / per_row) * 28 * .022, 1e-9);
}

static void a_flash_converter_has_an_amplifier_per_level(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");
    struct flash_adc_cfg cfg = { .sense = SENSE_VOLTAGE, .levels = 8, .converters = 16,
                                 .columns = 128, .rows_at_once = 7, .on_kohm = 6,
                                 .column_kohm = 1, .column_pf = 0.05, .width_um = 50 };
    struct gate n = gate_standard(&t, GATE_INV, 1, gate_widths(&t, 1, 0));
    struct flash_adc adc, twice;
    struct err_msg m;

    assert_int_equal(flash_adc(&t, &cfg, &adc, &m), ERR_NONE);
    CHECK_NEAR(adc.amplifiers.area_um2, 16 * 7 * 9 * gate_area_um2(&n), 1e-9);
    CHECK_NEAR(adc.amplifiers.delay_ns, 1, 1e-12);
    cfg.columns = 256;
    assert_int_equal(flash_adc(&t, &cfg, &twice, &m), ERR_NONE);
    CHECK_NEAR(twice.amplifiers.energy_pj, 2 * adc.amplifiers.energy_pj, 1e-12);
    /* each of L - 1 amplifiers charges 1 / L of the reference column */
    cfg.column_pf *= 2;
    struct flash_adc heavier;
    assert_int_equal(flash_adc(&t, &cfg, &heavier, &m), ERR_NONE);
    CHECK_NEAR(heavier.amplifiers.energy_pj - twice.amplifiers.energy_pj,
               256 * 7. / 8 * 0.05 * t.read_v * t.read_v, 1e-9);
    /* a current-mode one has no cost where the technology has no fit */
    cfg.sense = SENSE_CURRENT;
    t.n_csa = 0;
    assert_int_equal(flash_adc(&t, &cfg, &twice, &m), ERR_INPUT);
    assert_non_null(strstr(m.text, "csa is missing"));
}

static void cells_fill_columns_and_rows(void **state)
{
    (void)state;
    struct circuit c = { 0 };

    circuit_in_columns(&c, 10, 2, 3, 13); // four to a column
    CHECK_NEAR(c.width_um, 6, 1e-12);
    CHECK_NEAR(c.area_um2, 6 * 13, 1e-12);
    circuit_in_rows(&c, 10, 2, 3, 9); // four to a row
    CHECK_NEAR(c.height_um, 9, 1e-12);
    CHECK_NEAR(c.area_um2, 9 * 9, 1e-12);
}

/* A bit is a NAND2 that drives a NAND3, which drives the next bit's NAND2. */
static void a_comparator_decides_bit_by_bit(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");
    struct activity all = ACTIVITY_ALL;
    struct gate inv = gate_standard(&t, GATE_INV, 1, gate_enlarge(&t, gate_widths(&t, 1, 1)));
    struct gate two = gate_standard(&t, GATE_NAND, 2, gate_enlarge(&t, gate_widths(&t, 2, 1)));
    struct gate three = gate_standard(&t, GATE_NAND, 3, gate_enlarge(&t, gate_widths(&t, 3, 1)));
    struct edge e = { 0, 0 };

    edge_stage(&e, 2 * two.down_kohm, two.out_pf + three.in_pf);
    edge_stage(&e, three.up_kohm, three.out_pf + two.in_pf);
    edge_stage(&e, 2 * two.down_kohm, two.out_pf + three.in_pf);
    edge_stage(&e, three.up_kohm, three.out_pf + 2 * inv.out_pf);
    CHECK_NEAR(comparator(&t, 2, &all).delay_ns, e.delay_ns, 1e-9);
    CHECK_NEAR(comparator(&t, 5, &all).leakage_uw,
               5 * (4 * inv.leakage_uw + 4 * two.leakage_uw + 3 * three.leakage_uw), 1e-9);
    /* w - 1 comparators choose from w values */
    CHECK_NEAR(max_pool(&t, 8, 5, &all).leakage_uw, 4 * max_pool(&t, 8, 2, &all).leakage_uw, 1e-9);
    CHECK_NEAR(max_pool(&t, 8, 5, &all).energy_pj, 4 * max_pool(&t, 8, 2, &all).energy_pj, 1e-9);
    CHECK_NEAR(max_pool(&t, 8, 5, &all).area_um2, 4 * max_pool(&t, 8, 2, &all).area_um2, 1e-9);
    CHECK_NEAR(relu(&t, 8, 3).energy_pj, dff(&t, 24, 24, 1).energy_pj, 1e-9);
}

static void a_comparator_is_gates_per_bit(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");
    struct activity all = ACTIVITY_ALL;
    struct circuit one = comparator(&t, 1, &all), eight = comparator(&t, 8, &all);

    CHECK_NEAR(eight.area_um2, 8 * one.area_um2, 1e-12);
    CHECK_NEAR(eight.energy_pj, 8 * one.energy_pj, 1e-12);
    /* 4 INV of 2 pitches, 4 NAND2 of 3, 3 NAND3 of 4 */
    CHECK_NEAR(one.area_um2, (4 * 2 + 4 * 3 + 3 * 4) * 3.8 * 28 * .022 * .022, 1e-9);
    CHECK_NEAR(relu(&t, 8, 4).energy_pj, dff(&t, 32, 32, 1).energy_pj, 1e-12);
}

static void a_register_file_shares_the_cost_of_clocking_all(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");
    struct activity all = ACTIVITY_ALL;
    double register_pj = dff(&t, 1, 1, 1).energy_pj;

    /* an 8-bit word of 1,024 costs its own 8 flip-flops and a decoder's access */
    struct circuit c = register_file(&t, 1024, 8, &all);
    struct decoder_cfg lines = { .bits = 10, .driver_ratio = 1, .line_cells = 8,
                                 .load_pf = 8 * t.cell_height_um * t.wire_pf_um,
                                 .height_um = 1024 * t.cell_height_um };
    CHECK_NEAR(c.energy_pj, 8 * register_pj + decoder(&t, &lines, &all).energy_pj, 1e-9);
    /* 16 kb of the published program: some .09 pJ to read a line of 128 bit, .18 to write it */
    CHECK_NEAR(register_file(&t, 128, 128, &published).energy_pj, .09, 0.06);
    CHECK_NEAR(register_file_write_pj(&t, 128, 128, &published), .18, 0.03);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adders_match_the_published_program),
        cmocka_unit_test(registers_trees_and_pooling_match_the_published_program),
        cmocka_unit_test(sram_matches_the_published_program),
        cmocka_unit_test(register_files_match_the_published_program),
        cmocka_unit_test(repeated_wires_match_the_published_program),
        cmocka_unit_test(an_adder_grows_by_one_bit_at_a_time),
        cmocka_unit_test(an_adder_tree_of_n_numbers_has_n_minus_one_adders),
        cmocka_unit_test(idle_flip_flops_still_pay_for_their_clock),
        cmocka_unit_test(shift_and_add_is_adders_and_registers),
        cmocka_unit_test(a_decoder_doubles_its_lines_with_every_bit),
        cmocka_unit_test(a_wire_charges_itself_and_its_repeaters),
        cmocka_unit_test(an_h_tree_reaches_a_leaf_by_halving_arms),
        cmocka_unit_test(a_long_wire_is_wider),
        cmocka_unit_test(a_row_of_sram_cells_is_a_distributed_wire),
        cmocka_unit_test(what_sram_forgets_is_added_on_request),
        cmocka_unit_test(a_sar_converter_takes_a_clock_per_bit_and_one),
        cmocka_unit_test(an_oscillator_counts_one_period_per_code),
        cmocka_unit_test(a_multiplexer_adds_a_quarter_of_the_column),
        cmocka_unit_test(level_shifters_are_one_after_another),
        cmocka_unit_test(a_row_switch_charges_its_row_through_a_gate),
        cmocka_unit_test(column_switches_only_leak_in_a_read),
        cmocka_unit_test(a_pulse_is_counted_down),
        cmocka_unit_test(an_accumulator_adds_in_place),
        cmocka_unit_test(a_flash_converter_has_an_amplifier_per_level),
        cmocka_unit_test(cells_fill_columns_and_rows),
        cmocka_unit_test(a_comparator_is_gates_per_bit),
        cmocka_unit_test(a_comparator_decides_bit_by_bit),
        cmocka_unit_test(a_register_file_shares_the_cost_of_clocking_all),
    };
    return cmocka_run_group_tests_name("tech_circuits", tests, NULL, NULL);
}
