/* Files of facts: what they must hold, and nodes between two files. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "arch/circuits/adder.h"
#include "arch/circuits/dff.h"
#include "arch/circuits/sar_adc.h"
#include "arch/circuits/sram.h"
#include "arch/tech/calibration.h"
#include "arch/tech/device.h"
#include "test/tech_rig.h"

static const char *const lp_names[] = { "130nm_lp", "90nm_lp", "65nm_lp", "45nm_lp", "32nm_lp",
                                        "22nm_lp", "14nm_lp", "10nm_lp", "7nm_lp", "5nm_lp",
                                        "3nm_lp", "2nm_lp", "1nm_lp" };
static const char *const hp_names[] = { "130nm_hp", "90nm_hp", "65nm_hp", "45nm_hp", "32nm_hp",
                                        "22nm_hp" };

static void every_node_loads_without_a_warning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lp_names / sizeof *lp_names; i++)
        tech_load(lp_names[i]);
    for (size_t i = 0; i < sizeof hp_names / sizeof *hp_names; i++)
        tech_load(hp_names[i]);
}

/* Supply, currents (uA/um, pA/um), gate capacitance (fF/um), resistance factor; resistivity
 * (nohm m), width (nm) and aspect ratio of a column wire; read voltage; SAR fits (uW, uW kohm). */
static void every_node_has_the_published_constants(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double v, on_n, on_p, gate, off_n, off_p, factor, rho, width, aspect, read_v, a, b, k;
    } want[] = {
        { "130nm_lp", 1.3, 300.7, 150.7, 1.2 * 1.8574 + 0.95306, 100.2, 100.2, 1.54,
          20.1, 175, 1.6, 0.58, 8.4483, 65.243, 169.38 },
        { "90nm_lp", 1.2, 346.3, 200.3, 1.2 * 1.5413 + 0.96013, 100, 100.3, 1.77,
          22, 110, 1.6, 0.58, 5.9869, 37.462, 144.323 },
        { "65nm_lp", 1.1, 400, 238.7, 1.2 * 1.1926 + 0.96215, 100.2, 100.2, 1.77,
          22.1, 105, 1.7, 0.55, 3.7506, 25.844, 121.272 },
        { "45nm_lp", 1, 500.2, 300, 1.2 * 0.89307 + 0.88499, 100, 100.2, 1.77,
          23.7, 80, 1.7, 0.51, 2.1691, 16.693, 100.225 },
        { "32nm_lp", 0.9, 600.2, 400, 1.2 * 0.837528 + 0.685668, 100.1, 100.1, 1.77,
          26.3, 56, 1.8, 0.51, 1.1294, 8.8998, 79.449 },
        { "22nm_lp", 0.85, 791.9, 600.2, 1.2 * 0.5245 + 0.8004, 100, 100, 1.77,
          29.7, 40, 1.9, 0.55, 0.538, 4.3753, 72.341 },
        { "14nm_lp", 0.8, 595.045, 595.045, 103.816 / 92.0, 100, 102.33, 2.09,
          32.5, 32, 2.0, 0.277, 0.3132, 2.5681, 61.085 },
        { "10nm_lp", 0.75, 599.237, 599.237, 97.549 / 98.0, 127, 100.58, 2.09,
          39.5, 22, 2, 0.28, 0.1823, 1.5073, 51.58 },
        { "7nm_lp", 0.7, 562.048, 562.048, 100.497 / 107.0, 147, 100.95, 2.05,
          41.7, 20, 2, 0.264, 0.1061, 0.8847, 43.555 },
        { "5nm_lp", 0.7, 578.494, 578.494, 81.859 / 106.0, 138, 100.95, 2.1,
          49.8, 15, 2, 0.253, 0.0645, 0.5511, 38.8 },
        { "3nm_lp", 0.7, 641.463, 641.463, 72.572 / 101.0, 158, 100.95, 2.14,
          58, 12, 2, 0.248, 0.0333, 0.2849, 38.8 },
        { "2nm_lp", 0.65, 526.868, 526.868, 79.74 / (3 * 42.0), 73.3, 100.95, 1.98,
          66.1, 10, 2, 0.28, 0.0207, 0.1764, 31.3 },
        { "1nm_lp", 0.6, 460.979, 460.979, 66.94 / (4 * 32.0), 169, 100.95, 2.05,
          78.7, 8, 3, 0.272, 0.0101, 0.0843, 28.8 },
    };

    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct technology t = tech_load(want[i].name);

        CHECK_NEAR(t.supply_v, want[i].v, 1e-9);
        CHECK_NEAR(t.n.on_ma * 1e3, want[i].on_n, 1e-9);
        CHECK_NEAR(t.p.on_ma * 1e3, want[i].on_p, 1e-9);
        CHECK_NEAR(t.n.off_ua * 1e6, want[i].off_n, 1e-9);
        CHECK_NEAR(t.p.off_ua * 1e6, want[i].off_p, 1e-9);
        CHECK_NEAR(t.gate_pf_um * 1e3, want[i].gate, 1e-6);
        CHECK_NEAR(t.resistance_factor, want[i].factor, 1e-9);
        CHECK_NEAR(t.wire_m0_um * 1e3, want[i].width, 1e-9);
        CHECK_NEAR(t.wire_m0_kohm_um * 1e3, /* nohm m / nm2 = kohm / um */
                   want[i].rho * 1e3 / (want[i].width * want[i].width * want[i].aspect), 1e-6);
        CHECK_NEAR(t.read_v, want[i].read_v, 1e-9);
        CHECK_NEAR(sar_power_uw(&t, 7, 50), 7 * want[i].a + want[i].b +
                   want[i].k / (50 * 0.5 / want[i].read_v), 1e-6);
    }
}

/* uW a bit, uW, W at 1 ohm, and the power of ten by which a column's share falls. */
static void sar_converters_of_high_performance_have_fits_of_their_own(void **state)
{
    static const struct { const char *name; double a, b, k, e; } want[] = {
        { "130nm_hp", 6.4806, 49.047, 0.207452, 2.367 },
        { "90nm_hp", 4.3474, 31.782, 0.1649, 2.345 },
        { "65nm_hp", 2.9503, 22.047, 0.128483, 2.321 },
        { "45nm_hp", 2.1843, 11.931, 0.097754, 2.296 },
        { "32nm_hp", 1.0157, 7.6286, 0.083709, 2.313 },
        { "22nm_hp", 0.7213, 3.3041, 0.084273, 2.311 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct technology t = tech_load(want[i].name);
        double decades = log10(50e3 * 0.5 / t.read_v);

        CHECK_NEAR(sar_power_uw(&t, 7, 50), 7 * want[i].a + want[i].b +
                   want[i].k * 1e6 * exp(-want[i].e * decades), 1e-6);
    }
}

static void area_energy_and_delay_fall_from_node_to_node(void **state)
{
    (void)state;
    struct activity all = ACTIVITY_ALL;
    struct sram_cfg cfg = { 512, 128 };
    double last[9];

    for (size_t i = 0; i < 9; i++) { // 130 to 7 nm
        struct technology t = tech_load(lp_names[i]);
        struct circuit add = adder(&t, 8, 0, &all), reg = dff(&t, 1, 1, 1);
        struct circuit sar = sar_adc(&t, 8, 100);
        struct sram s = sram(&t, &cfg, &all);
        double now[] = { add.area_um2, add.delay_ns, add.energy_pj, reg.area_um2, reg.energy_pj,
                         sar.area_um2, sar.energy_pj, s.macro.area_um2, s.macro.energy_pj };

        for (size_t k = 0; k < 9; k++) {
            assert_true(isfinite(now[k]) && now[k] > 0);
            if (i > 0)
                assert_true(now[k] < last[k]);
            last[k] = now[k];
        }
    }
}

static void a_node_between_two_files_lies_between_them_and_warns(void **state)
{
    (void)state;
    static const struct { double node_nm; const char *large, *small; } want[] = {
        { 40, "45nm_lp", "32nm_lp" }, { 28, "32nm_lp", "22nm_lp" }, { 16, "22nm_lp", "14nm_lp" },
        { 12, "14nm_lp", "10nm_lp" },
    };
    struct activity all = ACTIVITY_ALL;

    for (size_t i = 0; i < 4; i++) {
        struct technology t, a = tech_load(want[i].large), b = tech_load(want[i].small);
        struct technology_warning w;
        struct err_msg m;

        assert_int_equal(technology_load(&t, "configs/tech", want[i].node_nm, FLAVOUR_LP, &w, &m),
                         ERR_NONE);
        assert_non_null(strstr(w.text, "interpolated"));
        struct circuit at = adder(&t, 8, 0, &all), aa = adder(&a, 8, 0, &all);
        struct circuit ab = adder(&b, 8, 0, &all);
        assert_true(at.area_um2 < aa.area_um2 && at.area_um2 > ab.area_um2);
        assert_true(at.energy_pj < aa.energy_pj && at.energy_pj > ab.energy_pj);
        assert_true(at.delay_ns < aa.delay_ns && at.delay_ns > ab.delay_ns);
        assert_true(csa_delay_ns(&t, 1000, 0.05) < csa_delay_ns(&a, 1000, 0.05));
        assert_true(csa_delay_ns(&t, 1000, 0.05) > csa_delay_ns(&b, 1000, 0.05));
    }
}

/* Below 22 nm the transistor and its supply are 14 nm's; what is drawn shrinks. */
static void from_bulk_to_fins_delay_and_energy_only_fall(void **state)
{
    (void)state;
    static const char *const names[] = { "22nm_lp", "21.9nm_lp", "20nm_lp", "18nm_lp", "16nm_lp",
                                         "14nm_lp" };
    struct activity all = ACTIVITY_ALL;
    struct technology at14 = tech_load("14nm_lp");
    double last_ns = HUGE_VAL, last_pj = HUGE_VAL, last_um2 = HUGE_VAL;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct technology t = tech_load_any(names[i]);
        struct circuit c = adder(&t, 8, 0, &all);

        assert_true(c.delay_ns < last_ns && c.energy_pj < last_pj && c.area_um2 < last_um2);
        last_ns = c.delay_ns;
        last_pj = c.energy_pj;
        last_um2 = c.area_um2;
        if (i == 0)
            continue;
        CHECK_NEAR(t.supply_v, at14.supply_v, 1e-12);
        CHECK_NEAR(t.n.on_ma, at14.n.on_ma, 1e-12);
        CHECK_NEAR(t.row_switch_ratio, at14.row_switch_ratio, 1e-12);
        CHECK_NEAR(t.column_switch_ratio, at14.column_switch_ratio, 1e-12);
        CHECK_NEAR(t.mux_driver_ratio, at14.mux_driver_ratio, 1e-12);
    }
}

static void a_node_halfway_in_ratio_has_the_geometric_mean(void **state)
{
    (void)state;
    struct technology a = tech_load("32nm_lp"), b = tech_load("22nm_lp"), t;
    struct technology_warning w;
    struct err_msg m;

    assert_int_equal(technology_load(&t, "configs/tech", sqrt(32. * 22), FLAVOUR_LP, &w, &m), 0);
    CHECK_NEAR(t.supply_v, sqrt(a.supply_v * b.supply_v), 1e-9);
    CHECK_NEAR(t.n.on_ma, sqrt(a.n.on_ma * b.n.on_ma), 1e-9);
    CHECK_NEAR(t.cell_height_um, sqrt(a.cell_height_um * b.cell_height_um), 1e-9);
}

/* nm of gate around a fin, or around all sheets of a stack. */
static void fins_and_sheets_are_gated_on_three_and_four_sides(void **state)
{
    (void)state;
    static const struct { const char *name; double gated_nm, pitch_nm, junction_ff_um2; } want[] = {
        { "14nm_lp", 92, 48, 12 },    { "10nm_lp", 98, 36, 13.4 },  { "7nm_lp", 107, 30, 13.7 },
        { "5nm_lp", 106, 28, 11.9 },  { "3nm_lp", 101, 24, 12.8 },  { "2nm_lp", 3 * 42, 26, 9.1 },
        { "1nm_lp", 4 * 32, 24, 10.2 },
    };

    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct technology t = tech_load(want[i].name);

        CHECK_NEAR(t.fin_effective_um * 1e3, want[i].gated_nm, 1e-9);
        CHECK_NEAR(t.fin_pitch_um * 1e3, want[i].pitch_nm, 1e-9);
        CHECK_NEAR(t.junction_pf_um2 * 1e3, want[i].junction_ff_um2, 1e-9);
    }
}

/* Currents in A/m of the program's own table, which is not linear: at 22 nm the off-current of
 * 350 K is half of what a line from 300 to 400 K gives. Wires have 0.00451 and the SAR converter
 * 0.0013 a kelvin more. */
static void currents_of_hot_transistors_are_the_table_and_wires_resist_more(void **state)
{
    (void)state;
    static const struct { const char *cool, *hot; double k, on_n, on_p, off_n, off_p; } want[] = {
        { "130nm_lp", "130nm_lp_310k", 310, 273.4, 136.2, 0.0001359, 0.0001328 },
        { "130nm_lp", "130nm_lp_350k", 350, 193.5, 94.88, 0.0003919, 0.0003504 },
        { "130nm_lp", "130nm_lp_400k", 400, 134.6, 65.44, 0.001111, 0.0009038 },
        { "130nm_hp", "130nm_hp_310k", 310, 910, 410, 0.1199, 0.1136 },
        { "130nm_hp", "130nm_hp_350k", 350, 830, 320, 0.2243, 0.1758 },
        { "130nm_hp", "130nm_hp_400k", 400, 740, 240, 0.4138, 0.2712 },
        { "90nm_lp", "90nm_lp_330k", 330, 262.5, 146.9, 0.000238, 0.0002244 },
        { "90nm_lp", "90nm_lp_350k", 350, 222.3, 122.6, 0.0003946, 0.0003576 },
        { "90nm_lp", "90nm_lp_400k", 400, 155, 83.62, 0.001141, 0.0009464 },
        { "90nm_hp", "90nm_hp_330k", 330, 1010, 440, 0.1686, 0.1448 },
        { "90nm_hp", "90nm_hp_350k", 350, 970, 390, 0.2274, 0.1793 },
        { "90nm_hp", "90nm_hp_400k", 400, 860, 290, 0.4254, 0.2813 },
        { "65nm_lp", "65nm_lp_310k", 310, 363.9, 216.1, 0.0001375, 0.0001354 },
        { "65nm_lp", "65nm_lp_350k", 350, 258.9, 152, 0.0004193, 0.0003843 },
        { "65nm_lp", "65nm_lp_400k", 400, 182.1, 106.1, 0.001273, 0.001073 },
        { "65nm_hp", "65nm_hp_310k", 310, 1100, 660, 0.1197, 0.1152 },
        { "65nm_hp", "65nm_hp_350k", 350, 1020, 520, 0.2248, 0.1874 },
        { "65nm_hp", "65nm_hp_400k", 400, 910, 390, 0.4212, 0.3036 },
        { "45nm_lp", "45nm_lp_330k", 330, 397.1, 235.1, 0.0002631, 0.0002501 },
        { "45nm_lp", "45nm_lp_350k", 350, 344.5, 202.8, 0.0004625, 0.0004241 },
        { "45nm_lp", "45nm_lp_400k", 400, 251.5, 146.7, 0.001511, 0.001275 },
        { "45nm_hp", "45nm_hp_330k", 330, 1190, 960, 0.1705, 0.162 },
        { "45nm_hp", "45nm_hp_350k", 350, 1130, 880, 0.2323, 0.2139 },
        { "45nm_hp", "45nm_hp_400k", 400, 1000, 720, 0.4448, 0.3838 },
        { "32nm_lp", "32nm_lp_310k", 310, 562.8, 368.4, 0.0001436, 0.0001407 },
        { "32nm_lp", "32nm_lp_350k", 350, 439.7, 272.8, 0.0005075, 0.0004577 },
        { "32nm_lp", "32nm_lp_400k", 400, 333.3, 198.4, 0.001774, 0.001457 },
        { "32nm_hp", "32nm_hp_310k", 310, 1380, 1170, 0.1204, 0.119 },
        { "32nm_hp", "32nm_hp_350k", 350, 1250, 980, 0.2284, 0.2167 },
        { "32nm_hp", "32nm_hp_400k", 400, 1080, 780, 0.4339, 0.3928 },
        { "22nm_lp", "22nm_lp_330k", 330, 689.4, 492.5, 0.0002996, 0.0002996 },
        { "22nm_lp", "22nm_lp_350k", 350, 628.3, 434.3, 0.0005658, 0.0005658 },
        { "22nm_lp", "22nm_lp_400k", 400, 501.7, 324.8, 0.002139, 0.002139 },
        { "22nm_hp", "22nm_hp_330k", 330, 1390, 1130, 0.1695, 0.1646 },
        { "22nm_hp", "22nm_hp_350k", 350, 1310, 1020, 0.2312, 0.2195 },
        { "22nm_hp", "22nm_hp_400k", 400, 1130, 800, 0.4466, 0.4015 },
    };
    struct activity all = ACTIVITY_ALL;

    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        double wire = 1 + 0.00451 * (want[i].k - 300);
        double sar = 1 + 0.0013 * (want[i].k - 300);
        struct technology cool = tech_load(want[i].cool), hot = tech_load(want[i].hot);

        assert_string_equal(hot.name, want[i].hot);
        CHECK_NEAR(hot.n.on_ma * 1e3, want[i].on_n, 1e-9);
        CHECK_NEAR(hot.p.on_ma * 1e3, want[i].on_p, 1e-9);
        CHECK_NEAR(hot.n.off_ua, want[i].off_n, 1e-9);
        CHECK_NEAR(hot.p.off_ua, want[i].off_p, 1e-9);
        CHECK_NEAR(hot.wire_m0_kohm_um, cool.wire_m0_kohm_um * wire, 1e-9);
        CHECK_NEAR(hot.wire_m1_kohm_um, cool.wire_m1_kohm_um * wire, 1e-9);
        CHECK_NEAR(hot.wire_x2_kohm_um, cool.wire_x2_kohm_um * wire, 1e-9);
        CHECK_NEAR(hot.wire_x4_kohm_um, cool.wire_x4_kohm_um * wire, 1e-9);
        CHECK_NEAR(sar_power_uw(&hot, 8, 100), sar_power_uw(&cool, 8, 100) * sar, 1e-9);
        struct circuit slow = adder(&hot, 8, 0, &all), fast = adder(&cool, 8, 0, &all);
        assert_true(slow.delay_ns > fast.delay_ns && slow.leakage_uw > fast.leakage_uw);
        CHECK_NEAR(slow.area_um2, fast.area_um2, 0);
        CHECK_NEAR(slow.energy_pj, fast.energy_pj, 0);
    }
    struct technology step = tech_load("22nm_lp_345k"); // between its steps geometric
    CHECK_NEAR(step.n.off_ua, sqrt(0.0004153 * 0.0005658), 1e-9);
    struct technology between = tech_load_any("28nm_lp_400k");
    assert_true(between.n.on_ma > 0.3333 && between.n.on_ma < 0.5017);
}

static void refused(enum err e, const struct err_msg *m, const char *part)
{
    assert_int_equal(e, ERR_INPUT);
    if (!strstr(m->text, part))
        fail_msg("\"%s\" does not say \"%s\"", m->text, part);
}

static void names_and_nodes_out_of_range_are_refused(void **state)
{
    (void)state;
    struct technology t;
    struct technology_warning w;
    struct err_msg m;
    enum err e;

    e = technology_load_name(&t, "configs/tech", "22nm", &w, &m);
    refused(e, &m, "22nm_lp");
    e = technology_load(&t, "configs/tech", 180, FLAVOUR_LP, &w, &m);
    refused(e, &m, "want 1 to 130 nm");
    e = technology_load(&t, "configs/tech", (double)NAN, FLAVOUR_LP, &w, &m);
    refused(e, &m, "want 1 to 130 nm");
    e = technology_load_name(&t, "configs/tech", "14nm_hp", &w, &m);
    refused(e, &m, "no section hp");
    e = technology_load_name(&t, "configs/tech", "16nm_hp", &w, &m);
    refused(e, &m, "no section hp");
    static const struct { const char *name, *part; } wrong[] = {
        { "22nm_lp_401k", "22nm_lp: 401 K: want 300 to 400 K" },
        { "22nm_lp_299k", "299 K: want 300 to 400 K" },
        { "14nm_lp_350k", "14nm_lp: 350 K: want 300 K" },
        { "18nm_lp_350k", "18nm_lp: 350 K: want 300 K" },
        { "22nm_lp_350", "want a name such as" },
        { "22nm_lp_k", "want a name such as" },
        { "22nm_lp350k", "want a name such as" },
        { "0x10nm_lp", "want a name such as" },
        { "1.2.3nm_lp", "want a name such as" },
        { " 22nm_lp", "want a name such as" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        e = technology_load_name(&t, "configs/tech", wrong[i].name, &w, &m);
        refused(e, &m, wrong[i].part);
    }
}

/* The 22 nm file with one text replaced, loaded from a directory of its own. */
static enum err load_edited(const char *from, const char *to, struct err_msg *m)
{
    char dir[] = "/tmp/imcsim-tech-XXXXXX", path[64], text[32768];
    FILE *f = fopen("configs/tech/22nm.yaml", "r");
    struct technology t;
    struct technology_warning w;

    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    char *at = strstr(text, from);
    assert_non_null(at);
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/22nm.yaml", dir);
    f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    fclose(f);
    enum err e = technology_load(&t, dir, 22, FLAVOUR_LP, &w, m);
    unlink(path);
    rmdir(dir);
    return e;
}

static void a_number_without_its_origin_is_refused(void **state)
{
    (void)state;
    struct err_msg m;
    enum err e;

    e = load_edited("cell_height_f:             {value: 28,        source:",
                    "cell_height_f:             {value: 28,        note:", &m);
    refused(e, &m, "one of source, fit, assumed");
    e = load_edited("cell_height_f:             {value: 28,        source: \"",
                    "cell_height_f:             {value: 28, fit: \"a\", source: \"", &m);
    refused(e, &m, "one of source, fit, assumed");
}

static void a_missing_cost_is_an_error_and_never_zero(void **state)
{
    (void)state;
    struct err_msg m;
    enum err e = load_edited("sar_bit_uw: ", "sar_bit_uv: ", &m);

    refused(e, &m, "sar_bit_uv");
    refused(e, &m, "did you mean sar_bit_uw?");
    e = load_edited("wire_ff_um: ", "# ", &m);
    refused(e, &m, "wire_ff_um is missing");
}

/* A device file of the text alone. */
static enum err device_of(const char *text, struct err_msg *m)
{
    char path[] = "/tmp/imcsim-device-XXXXXX";
    struct device d;
    FILE *f = fdopen(mkstemp(path), "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    enum err e = device_load(&d, path, m);
    unlink(path);
    return e;
}

static void all_that_a_file_lacks_is_told_in_one_line(void **state)
{
    (void)state;
    struct err_msg m;

    refused(device_of("", &m), &m, ":1: format, name and cell are missing: want them all");
    refused(device_of("name: a\ncell: sram\n", &m), &m,
            ":1: format, bits and read_v are missing: want them all");
    refused(device_of("format: imcsim-device/1\nname: a\ncell: resistive\n", &m), &m,
            "r_on_ohm, r_off_ohm, level_step, mean_us, bits, read_v, select_v, write_v, "
            "cell_height_f and cell_width_f are missing: want them all");
}

static void absurd_physics_is_refused_with_value_and_limit(void **state)
{
    (void)state;
    struct err_msg m;
    enum err e;

    e = load_edited("supply_v:                  {value: 0.85", "supply_v: {value: -0.85", &m);
    refused(e, &m, "-0.85");
    e = load_edited("supply_v:                  {value: 0.85", "supply_v: {value: 0.5", &m);
    refused(e, &m, "threshold_v = 0.42: want less than 0.7 * supply_v = 0.35");
    e = load_edited("wire_ff_um:                {value: 0.2", "wire_ff_um: {value: 200", &m);
    refused(e, &m, "wire_ff_um");
    e = load_edited("gate_width_f:              {value: 1", "gate_width_f: {value: 4", &m);
    refused(e, &m, "want less than gate_pitch_f = 3.8");
    e = load_edited("np_gap_f:                  {value: 3.5", "np_gap_f: {value: 25", &m);
    refused(e, &m, "np_gap_f + cell_margin_f = 28.6: want less than cell_height_f = 28");
}

/* A file with one text replaced, as a device. */
static enum err device_edited(const char *from, const char *to, struct err_msg *m)
{
    char path[] = "/tmp/imcsim-device-XXXXXX", text[4096];
    FILE *f = fopen("configs/devices/pcm_4bit.yaml", "r");
    struct device d;

    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    char *at = strstr(text, from);
    assert_non_null(at);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    f = fdopen(fd, "w");
    fprintf(f, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    fclose(f);
    enum err e = device_load(&d, path, m);
    unlink(path);
    return e;
}

static void a_device_that_cannot_be_is_refused_with_value_and_limit(void **state)
{
    (void)state;
    struct err_msg m;
    enum err e;

    e = device_edited("bits:           {value: 4", "bits: {value: 5", &m);
    refused(e, &m, "5 bits in a cell: on/off ratio 12.5");
    refused(e, &m, "holds at most 4");
    e = device_edited("r_off_ohm:      {value: 500000", "r_off_ohm: {value: 40000", &m);
    refused(e, &m, "r_off_ohm = 40000: want more than r_on_ohm = 40000");
    e = device_edited("r_off_ohm:      {value: 500000", "r_off_ohm: {value: .inf", &m);
    refused(e, &m, "r_off_ohm = .inf: want a number from 10");
    e = device_edited("r_on_ohm:       {value: 40000", "r_on_ohm: {value: -40", &m);
    refused(e, &m, "r_on_ohm = -40: want a number from 10");
    e = device_edited("cell: resistive", "cell: magnetic", &m);
    refused(e, &m, "cell = magnetic: want resistive or sram");
}

/* ---- devices of a configuration ---- */

static void a_map_changes_numbers_of_a_file(void **state)
{
    (void)state;
    struct device file, d;
    struct err_msg m;

    /* 6 and 900 kOhm, the mean half-way */
    assert_int_equal(device_read(&file, "rram_2bit", "k", &m), ERR_NONE);
    assert_int_equal(device_read(&d, "{file: rram_2bit, r_on_ohm: 10000}", "k", &m), ERR_NONE);
    CHECK_NEAR(d.r_on_ohm, 10000, 0);
    CHECK_NEAR(d.r_off_ohm, 900000, 0);
    CHECK_NEAR(d.mean_us, (100 + 1e6 / 900000) / 2, 1e-6);
    CHECK_NEAR(d.read_v, file.read_v, 0);
    CHECK_NEAR(d.bits, file.bits, 0);
    assert_string_equal(d.name, "rram_2bit, changed");
    assert_string_equal(d.model, "");
    assert_string_equal(d.program_basis, "assumed");
    assert_int_equal(device_read(&d, "{file: rram_2bit, program_pj: 3}", "k", &m), ERR_NONE);
    assert_string_equal(d.program_basis, "stated");

    /* 25 and .25 uS, the mean of 2.5 a tenth of the way: 20 and .2 have it at 2 */
    assert_int_equal(device_read(&d, "{\"file\":\"pcm_joshi\",\"r_on_ohm\":50000,"
                                     "\"r_off_ohm\":5e6}", "k", &m), ERR_NONE);
    CHECK_NEAR(d.mean_us, 2, 1e-12);
    assert_string_equal(d.model, "pcm_joshi");
    assert_int_equal(device_read(&d, "{file: pcm, mean_us: 3, r_on_ohm: 50000, read_v: "
                                     "{value: 0.3, source: measured}, model: x}", "k", &m), 0);
    CHECK_NEAR(d.mean_us, 3, 0);
    CHECK_NEAR(d.read_v, 0.3, 0);
    assert_string_equal(d.model, "x");
}

#define OWN "r_on_ohm: 1e4, r_off_ohm: 1e6, level_step: 0.1, bits: 2, read_v: 0.3, select_v: 1, " \
            "write_v: 2, cell_height_f: 4, cell_width_f: 12"

static void a_map_states_a_whole_device(void **state)
{
    (void)state;
    struct device d;
    struct err_msg m;

    assert_int_equal(device_read(&d, "{" OWN "}", "k", &m), ERR_NONE);
    assert_string_equal(d.name, "own");
    assert_false(d.sram);
    CHECK_NEAR(d.mean_us, (100 + 1) / 2.0, 1e-12);
    CHECK_NEAR(d.cell_width_f, 12, 0);
    assert_int_equal(device_read(&d, "{name: mine, mean_us: 7, " OWN "}", "k", &m), ERR_NONE);
    assert_string_equal(d.name, "mine");
    CHECK_NEAR(d.mean_us, 7, 0);
    assert_int_equal(device_read(&d, "{cell: sram, bits: 1, read_v: 0.5}", "k", &m), ERR_NONE);
    assert_true(d.sram);
}

static void a_map_that_is_no_device_is_refused_with_its_key(void **state)
{
    static const char *const bad[][2] = {
        { "{file: rram_2bit, r_on_ohm: -5}", "k.r_on_ohm = -5: want a number from 10" },
        { "{file: rram_2bit, r_on_ohm: 1e6}",
          "k.r_off_ohm = 900000: want more than r_on_ohm = 1e+06" },
        { "{file: rram_2bit, r_on_om: 5}", "k.r_on_om: unknown key; did you mean r_on_ohm?" },
        { "{file: rram_2bit, on_kohm: 5}", "k.on_kohm: unknown key" },
        { "{file: rram_2bit, cell: sram}", "k.cell: unknown key" },
        { "{file: rram_2bit, read_v: [1]}", "k.read_v: want {value: number" },
        { "{file: rram_3bit}", "k: rram_3bit: want one of fefet_4bit, levels, pcm" },
        { "{file: [a]}", "k.file" },
        { "{file: sram, r_on_ohm: 5000}", "k.r_on_ohm: unknown key" },
        { "{}", "k: r_on_ohm, r_off_ohm, level_step, bits, read_v, select_v, write_v, "
                "cell_height_f and cell_width_f: want them, or file: NAME to begin with" },
        { "{cell: sram, bits: 1}", "k: read_v: want it, or file: NAME to begin with" },
        { "{cell: magnetic}", "k.cell = magnetic: want resistive or sram" },
        { "{file: rram_2bit, bits: 7}", "7 bits in a cell: on/off ratio 150" },
        { "nothing", "k: nothing: want one of fefet_4bit, levels, pcm" },
        { "no/file.yaml", "no/file.yaml: cannot open" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct device d;
        struct err_msg m;
        assert_int_equal(device_read(&d, bad[i][0], "k", &m), ERR_INPUT);
        if (!strstr(m.text, bad[i][1]) || strstr(m.text, "map of a device:"))
            fail_msg("%s: %s", bad[i][0], m.text);
    }
}

static void files_of_before_state_kilohm(void **state)
{
    (void)state;
    struct err_msg m;

    assert_int_equal(device_edited("r_on_ohm:       {value: 40000, source: \"Lu et al. 2021, Table "
                                   "7\"}\nr_off_ohm:      {value: 500000",
                                   "on_kohm: {value: 40, source: a}\noff_kohm: {value: 500", &m),
                     ERR_NONE);
    refused(device_edited("r_on_ohm:       {value: 40000", "on_kohm: {value: 40", &m), &m,
            "r_off_ohm: unknown key");
}

static void every_device_and_calibration_loads(void **state)
{
    (void)state;
    static const char *const files[] = { "pcm", "pcm_4bit", "rram_2bit", "rram_4bit", "fefet_4bit",
                                         "sram", "pcm_joshi", "pcm_hermes", "levels" };
    struct calibration c;
    struct err_msg m;

    for (size_t i = 0; i < 9; i++) {
        struct device d;
        char path[64];

        snprintf(path, sizeof path, "configs/devices/%s.yaml", files[i]);
        assert_int_equal(device_load(&d, path, &m), ERR_NONE);
        assert_string_equal(d.name, files[i]);
    }
    assert_int_equal(calibration_load(&c, "configs/calibration/rram40_macro.yaml", &m), ERR_NONE);
    CHECK_NEAR(c.level_shifter_wiring, 1.44, 0);
    CHECK_NEAR(c.post_layout_energy, 1.22, 0);
}

static void an_on_off_ratio_holds_so_many_bits_and_no_more(void **state)
{
    (void)state;
    struct device d = { .name = "d", .r_on_ohm = 1e5, .r_off_ohm = 1e6, .level_step = 0.06 };
    struct err_msg m;

    /* a window of 0.9 holds 15 steps of 0.06: 16 levels exactly */
    assert_int_equal(device_check_bits(&d, 4, &m), ERR_NONE);
    refused(device_check_bits(&d, 5, &m), &m, "on/off ratio 10");
    d.level_step = 0.0601;
    refused(device_check_bits(&d, 4, &m), &m, "holds at most 3");
    d.r_off_ohm = 101e3;
    refused(device_check_bits(&d, 1, &m), &m, "holds at most 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_node_loads_without_a_warning),
        cmocka_unit_test(every_node_has_the_published_constants),
        cmocka_unit_test(sar_converters_of_high_performance_have_fits_of_their_own),
        cmocka_unit_test(area_energy_and_delay_fall_from_node_to_node),
        cmocka_unit_test(a_node_between_two_files_lies_between_them_and_warns),
        cmocka_unit_test(from_bulk_to_fins_delay_and_energy_only_fall),
        cmocka_unit_test(a_node_halfway_in_ratio_has_the_geometric_mean),
        cmocka_unit_test(fins_and_sheets_are_gated_on_three_and_four_sides),
        cmocka_unit_test(currents_of_hot_transistors_are_the_table_and_wires_resist_more),
        cmocka_unit_test(names_and_nodes_out_of_range_are_refused),
        cmocka_unit_test(a_number_without_its_origin_is_refused),
        cmocka_unit_test(a_missing_cost_is_an_error_and_never_zero),
        cmocka_unit_test(all_that_a_file_lacks_is_told_in_one_line),
        cmocka_unit_test(absurd_physics_is_refused_with_value_and_limit),
        cmocka_unit_test(a_device_that_cannot_be_is_refused_with_value_and_limit),
        cmocka_unit_test(a_map_changes_numbers_of_a_file),
        cmocka_unit_test(a_map_states_a_whole_device),
        cmocka_unit_test(a_map_that_is_no_device_is_refused_with_its_key),
        cmocka_unit_test(files_of_before_state_kilohm),
        cmocka_unit_test(every_device_and_calibration_loads),
        cmocka_unit_test(an_on_off_ratio_holds_so_many_bits_and_no_more),
    };
    return cmocka_run_group_tests_name("tech_technology", tests, NULL, NULL);
}
