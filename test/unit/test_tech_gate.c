/* Transistors and gates against DNN+NeuroSim V1.4 and against hand calculation. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "arch/tech/gate.h"
#include "test/tech_rig.h"

static void gates_match_the_published_program_at_22_and_14_nm(void **state)
{
    (void)state;
    static const struct {
        const char *technology;
        double inv_um2, inv_in_ff, inv_out_ff, inv_na, nand_um2, nand_in_ff, nand_out_ff, nand_na;
        double switch_kohm, pass_kohm; // N of 2 F
    } want[] = {
        { "22nm_lp", .1030, .1459, .0786, .00510, .1545, .2088, .1081, .00557, 43.2, 24.4 },
        { "14nm_lp", .0898, .2076, .00998, .00931, .1348, .3114, .0250, .00904, 30.5, 14.6 },
    };

    for (size_t i = 0; i < 2; i++) {
        struct technology t = tech_load(want[i].technology);
        struct gate inv = gate_standard(&t, GATE_INV, 1, gate_widths(&t, 1, 1));
        struct gate nand = gate_standard(&t, GATE_NAND, 2, gate_widths(&t, 2, 1));

        CHECK_NEAR(gate_area_um2(&inv), want[i].inv_um2, 0.005);
        CHECK_NEAR(inv.in_pf * 1e3, want[i].inv_in_ff, 0.005);
        CHECK_NEAR(inv.out_pf * 1e3, want[i].inv_out_ff, 0.005);
        CHECK_NEAR(inv.leakage_uw / t.supply_v * 1e3, want[i].inv_na, 0.005);
        CHECK_NEAR(gate_area_um2(&nand), want[i].nand_um2, 0.005);
        CHECK_NEAR(nand.in_pf * 1e3, want[i].nand_in_ff, 0.005);
        CHECK_NEAR(nand.out_pf * 1e3, want[i].nand_out_ff, 0.005);
        CHECK_NEAR(nand.leakage_uw / t.supply_v * 1e3, want[i].nand_na, 0.005);
        CHECK_NEAR(inv.down_kohm, want[i].switch_kohm, 0.005);
        CHECK_NEAR(transistor_n_pass_kohm(&t, 2 * t.feature_um), want[i].pass_kohm, 0.005);
    }
}

/* 22 nm: 100 pA/um and 0.85 V; N of 44 nm, P of 44 * 791.9 / 600.2 nm. */
static void gates_leak_by_the_stack_effect(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");
    double n_uw = 100e-6 * .044 * .85, p_uw = n_uw * 791.9 / 600.2;
    static const struct { enum gate_kind kind; unsigned inputs; double share; } want[] = {
        { GATE_NAND, 2, .48 }, { GATE_NAND, 3, .31 }, { GATE_NAND, 5, .31 },
        { GATE_NOR, 2, .95 },  { GATE_NOR, 3, .62 },  { GATE_NOR, 4, .62 },
    };

    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct gate g = gate_standard(&t, want[i].kind, want[i].inputs, gate_widths(&t, 1, 1));

        CHECK_NEAR(g.leakage_uw, want[i].share * want[i].inputs *
                   (want[i].kind == GATE_NAND ? p_uw : n_uw), 1e-6);
    }
}

/* Folded twice: 14 nm fins 48 nm apart and 8 nm wide, gap 9.71 F, margins 2 * 10.285 F; 2 nm sheets
 * 26 and 15 nm, 20 F, one margin of 22 F; bulk 3.5 + 3.6 F. */
static void a_pass_gate_is_as_high_as_its_fins(void **state)
{
    (void)state;
    struct technology bulk = tech_load("22nm_lp"), fin = tech_load("14nm_lp");
    struct technology sheet = tech_load("2nm_lp");
    double width_um, height_um;

    pass_gate_size(&bulk, (struct widths){ 1, 2 }, 2, &width_um, &height_um);
    CHECK_NEAR(width_um, 3 * 3.8 * .022, 1e-9);
    CHECK_NEAR(height_um, 1.5 + 7.1 * .022, 1e-9);
    pass_gate_size(&fin, (struct widths){ 5 * .028, 6 * .028 }, 2, &width_um, &height_um);
    CHECK_NEAR(height_um, (2 + 2) * .048 + 2 * .008 + (9.71 + 2 * 10.285) * .014, 1e-9);
    pass_gate_size(&sheet, (struct widths){ 5 * .004, 6 * .004 }, 2, &width_um, &height_um);
    CHECK_NEAR(height_um, (2 + 2) * .026 + 2 * .015 + (20 + 22) * .002, 1e-9);
}

static void enlarging_fills_the_cell_and_keeps_the_ratio(void **state)
{
    (void)state;
    struct technology t22 = tech_load("22nm_lp"), t14 = tech_load("14nm_lp");
    struct widths w;

    w = gate_enlarge(&t22, gate_widths(&t22, 1, 1));
    CHECK_NEAR(w.n_um, .1982, 0.001);
    CHECK_NEAR(w.p_um, .2616, 0.001);
    w = gate_enlarge(&t22, gate_widths(&t22, 2, 1));
    CHECK_NEAR(w.n_um, .277, 0.001);
    CHECK_NEAR(w.p_um, .183, 0.002);
    w = gate_enlarge(&t14, gate_widths(&t14, 1, 1)); // 1 fin each becomes 4
    CHECK_NEAR(w.n_um, 4 * 2 * .014, 1e-9);
    CHECK_NEAR(w.p_um, 4 * 2 * .014, 1e-9);
    w = gate_enlarge(&t14, gate_widths(&t14, 2, 1)); // stays as published, see gate.c
    CHECK_NEAR(w.n_um, 2 * 2 * .014, 1e-9);
    CHECK_NEAR(w.p_um, 1 * 2 * .014, 1e-9);
}

static void a_wide_transistor_folds_into_fingers(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");
    double room_um = (28 - 3.6) * .022; // N alone
    struct widths one = { room_um, 0 }, more = { room_um * 1.01, 0 }, three = { room_um * 2.5, 0 };
    double pitch_um = 3.8 * .022;

    CHECK_NEAR(gate_standard(&t, GATE_INV, 1, one).width_um, 2 * pitch_um, 1e-9);
    CHECK_NEAR(gate_standard(&t, GATE_INV, 1, more).width_um, 3 * pitch_um, 1e-9);
    CHECK_NEAR(gate_standard(&t, GATE_INV, 1, three).width_um, 4 * pitch_um, 1e-9);
}

static void neighbouring_inputs_share_drains_until_they_fold(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");
    double pitch_um = 3.8 * .022;
    struct widths small = gate_widths(&t, 1, 1), large = gate_widths(&t, 20, 20);

    CHECK_NEAR(gate_standard(&t, GATE_NAND, 3, small).width_um, (3 * 2 - 2) * pitch_um, 1e-9);
    struct gate inv = gate_standard(&t, GATE_INV, 1, large);
    CHECK_NEAR(gate_standard(&t, GATE_NAND, 3, large).width_um, 3 * inv.width_um, 1e-9);
}

static void a_chain_of_stages_follows_horowitz(void **state)
{
    (void)state;
    struct edge e = { 0, 0 };

    edge_stage(&e, 10, .001); // tau = 10 ps: docs/models/gate.md gives 6.93 ps, then 10.83 ps
    CHECK_NEAR(e.delay_ns, .00693, 0.001);
    edge_stage(&e, 10, .001);
    CHECK_NEAR(e.delay_ns, .00693 + .01083, 0.001);
}

static void resistance_falls_as_width_grows_by_whole_fins(void **state)
{
    (void)state;
    struct technology t = tech_load("14nm_lp");
    double fin_um = 2 * t.feature_um;

    CHECK_NEAR(transistor_n_kohm(&t, fin_um), 2 * transistor_n_kohm(&t, 2 * fin_um), 1e-12);
    CHECK_NEAR(transistor_n_kohm(&t, 1.5 * fin_um), transistor_n_kohm(&t, 2 * fin_um), 1e-12);
    CHECK_NEAR(pass_gate_kohm(&t, (struct widths){ fin_um, fin_um }),
               transistor_n_pass_kohm(&t, fin_um) / 2, 1e-12);
}

static void a_pass_gate_is_as_strong_as_asked(void **state)
{
    (void)state;
    struct technology bulk = tech_load("22nm_lp"), fin = tech_load("7nm_lp");
    struct widths w = pass_gate_widths(&bulk, 2);

    CHECK_NEAR(pass_gate_kohm(&bulk, w), 2, 1e-9);
    w = pass_gate_widths(&fin, 2); // rounded up to whole fins
    assert_true(pass_gate_kohm(&fin, w) <= 2 && pass_gate_kohm(&fin, w) > 1.4);
    w = pass_gate_widths(&bulk, 1e9);
    CHECK_NEAR(w.n_um, bulk.feature_um, 1e-12);
}

static void a_sense_transistor_follows_the_square_law(void **state)
{
    (void)state;
    struct technology t = tech_load("22nm_lp");

    /* 2 I / (0.7 Vdd - Vt), of 456 and 185 uA per um */
    CHECK_NEAR(transistor_gm_ms(&t, (struct widths){ 1, 0 }), 2 * 0.456 / 0.175, 1e-9);
    CHECK_NEAR(transistor_gm_ms(&t, (struct widths){ 0, 2 }), 2 * 2 * 0.185 / 0.175, 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gates_match_the_published_program_at_22_and_14_nm),
        cmocka_unit_test(gates_leak_by_the_stack_effect),
        cmocka_unit_test(a_pass_gate_is_as_high_as_its_fins),
        cmocka_unit_test(enlarging_fills_the_cell_and_keeps_the_ratio),
        cmocka_unit_test(a_wide_transistor_folds_into_fingers),
        cmocka_unit_test(neighbouring_inputs_share_drains_until_they_fold),
        cmocka_unit_test(a_chain_of_stages_follows_horowitz),
        cmocka_unit_test(resistance_falls_as_width_grows_by_whole_fins),
        cmocka_unit_test(a_pass_gate_is_as_strong_as_asked),
        cmocka_unit_test(a_sense_transistor_follows_the_square_law),
    };
    return cmocka_run_group_tests_name("tech_gate", tests, NULL, NULL);
}
