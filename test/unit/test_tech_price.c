/* What a run costs: the article's figures, hand calculations, conservation, bad input. */
#include <ctype.h>
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
#include <jansson.h>

#include "arch/circuits/adder.h"
#include "arch/circuits/dff.h"
#include "report/price_report.h"
#include "study/price.h"
#include "study/price_json.h"
#include "test/tech_rig.h"
#include "test/tmpdir.h"

static struct chip_model load_chip(const char *technology)
{
    struct chip_model c;
    struct err_msg m;

    if (chip_model_load(&c, technology, "pcm", "dazzi2021_14nm", &m))
        fail_msg("%s", m.text);
    return c;
}

static struct core_hardware hermes(uint32_t n)
{
    return (struct core_hardware){ .rows = n, .columns = n, .words = 512, .word_bits = 128,
                                   .lanes = 64, .mvm_ns = 130, .clock_ns = 2, .value_bits = 8,
                                   .weight_bits = 8, .kernel_columns = 3, .pixel_channels = 56 };
}

static struct core_unit unit_of(const struct chip_model *c, const struct core_hardware *h)
{
    struct core_unit u;
    struct err_msg m;

    if (core_unit(c, h, &u, &m))
        fail_msg("%s", m.text);
    return u;
}

/* ---- figures of Dazzi et al. 2021 ---- */

static void one_calibration_gives_both_efficiencies(void **state)
{
    (void)state;
    struct chip_model c = load_chip("14nm_lp");
    struct core_hardware h = hermes(256), h512 = hermes(512);
    struct core_unit u = unit_of(&c, &h), u512 = unit_of(&c, &h512);
    struct core_peak p = core_peak(&h, &u), p512 = core_peak(&h512, &u512);

    CHECK_NEAR(p.tops_per_w, 10.5, 0.005);
    CHECK_NEAR(p512.tops_per_w, 16.3, 0.005);
    CHECK_NEAR(p.tops, 1.008, 0.001);
    CHECK_NEAR(p.tops_per_mm2, 1.59, 0.005);
    CHECK_NEAR(p.total_pj, 12480, 0.005); // spec: one product costs 12.48 nJ
    CHECK_NEAR(p.area_um2, 634000, 0.005);
}

static void controller_and_memory_draw_what_table_4_says(void **state)
{
    (void)state;
    struct chip_model c = load_chip("14nm_lp");
    struct core_hardware h = hermes(256);
    struct core_unit u = unit_of(&c, &h);
    struct control_power p = control_power(&h, &u);

    CHECK_NEAR(p.sequential_mw, 4.455, 0.01);
    CHECK_NEAR(p.sram_mw, 2.604, 0.01);
    CHECK_NEAR(p.combinational_mw, 2.225, 0.01);
    CHECK_NEAR(p.clock_mw, 1.261, 0.10); // predicted
    CHECK_NEAR(p.total_mw, 10.544, 0.01);
    CHECK_NEAR(p.sequential_mw / p.total_mw, 0.4225, 0.03);
    CHECK_NEAR(p.sram_mw / p.total_mw, 0.247, 0.03);
    CHECK_NEAR(p.combinational_mw / p.total_mw, 0.211, 0.03);
    CHECK_NEAR(p.clock_mw / p.total_mw, 0.1196, 0.10);
    CHECK_NEAR((u.leakage_uw[PRICE_CONTROLLER] + u.leakage_uw[PRICE_CLOCK] +
                u.leakage_uw[PRICE_INPUT_MEMORY]) * 1e-3, 0.1276, 0.01);
    CHECK_NEAR(u.area_um2[PRICE_CONTROLLER], 13200, 0.01);
    CHECK_NEAR(u.area_um2[PRICE_INPUT_MEMORY], 9100, 0.01);
}

/* Energy of a clock over its time, and leakage, of each part. */
static void power_of_the_controller_is_energy_per_clock_and_leakage(void **state)
{
    (void)state;
    struct chip_model c = load_chip("14nm_lp");
    struct core_hardware h = hermes(256);
    struct core_unit u = unit_of(&c, &h);
    struct control_power p = control_power(&h, &u);
    double logic_uw = u.leakage_uw[PRICE_CONTROLLER] - u.register_leakage_uw;

    CHECK_NEAR(p.sequential_mw, u.control_registers / 2 + u.register_leakage_uw / 1e3, 1e-12);
    CHECK_NEAR(p.combinational_mw, u.control_selection / 2 + logic_uw / 1e3, 1e-12);
    CHECK_NEAR(p.clock_mw, u.tree / 2 + u.leakage_uw[PRICE_CLOCK] / 1e3, 1e-12);
    CHECK_NEAR(p.sram_mw, u.read_word / 2 + u.leakage_uw[PRICE_INPUT_MEMORY] / 1e3, 1e-12);
    CHECK_NEAR(p.total_mw, p.sequential_mw + p.combinational_mw + p.clock_mw + p.sram_mw, 1e-12);
}

static void links_cost_what_the_article_says(void **state)
{
    (void)state;
    struct chip_model c = load_chip("14nm_lp");
    struct core_hardware h = hermes(256);
    struct core_unit u = unit_of(&c, &h);
    double mean = 16. / 3; // pitches between two cores of 8 x 8

    CHECK_NEAR(link_bit_pj(&c, &u, 1), 0.0394, 0.01);
    CHECK_NEAR(link_bit_pj(&c, &u, mean) * 4.48, 0.775, 0.01); // pJ/bit * Gb/s = mW
    /* the longest of its links, predicted: 11 of the 14 pitches that an 8 x 8 array has */
    assert_true(link_bit_pj(&c, &u, 10) < 0.3465 && link_bit_pj(&c, &u, 14) > 0.3465);
}

/* The same figures with every fitted factor at 1: what the circuits say by themselves. */
static void without_factors_the_circuits_come_this_close(void **state)
{
    (void)state;
    struct chip_model c = load_chip("14nm_lp");
    struct core_hardware h = hermes(256);

    c.fact.register_energy = c.fact.selection_activity = c.fact.control_area = 1;
    c.fact.sram_area = c.fact.sram_energy = c.fact.control_leakage = c.fact.sram_leakage = 1;
    struct core_unit u = unit_of(&c, &h);
    struct control_power p = control_power(&h, &u);
    CHECK_NEAR(p.clock_mw, 1.261, 0.02);
    CHECK_NEAR(p.combinational_mw, 2.225, 0.10);
    CHECK_NEAR(p.sequential_mw, 4.455, 0.20);
    CHECK_NEAR(u.area_um2[PRICE_CONTROLLER], 13200, 0.20);
    CHECK_NEAR(u.area_um2[PRICE_INPUT_MEMORY], 9100 * 0.52, 0.02); // as found for that program
}

/* ---- unit costs by hand ---- */

static void a_cell_draws_its_read_current_from_the_supply(void **state)
{
    (void)state;
    struct chip_model c = load_chip("14nm_lp");
    struct core_hardware h = hermes(256);

    c.fact.cell_energy = 1;
    struct core_unit u = unit_of(&c, &h);
    /* 0.8 V * 0.2 V * (2 * 2.5 uS) * 45 ns = 36 fJ */
    CHECK_NEAR(u.cell, 0.036, 1e-9);
    /* largest weight 127 is 25 uS, largest input 255 is 90 ns: 0.16 * 25 * 90 = 360 fJ */
    CHECK_NEAR(u.cell_lsb2 * 127 * 255, 0.360, 1e-9);
}

/* Cells of four devices of 11 x 11 F; a row of 128 of them, 0.2 fF/um, at 0.2 V. */
static void a_row_is_its_wire_over_the_columns(void **state)
{
    (void)state;
    struct chip_model c = load_chip("14nm_lp");
    struct core_hardware h = hermes(256);
    double cell_um = 2 * 11 * .014;

    h.columns = 128;
    CHECK_NEAR(unit_of(&c, &h).row, 128 * cell_um * 0.2e-3 * 0.2 * 0.2, 1e-9);
    c.fact.line_um2 = 0;
    CHECK_NEAR(unit_of(&c, &h).area_um2[PRICE_CROSSBAR], 256 * 128 * cell_um * cell_um, 1e-9);
    CHECK_NEAR(unit_of(&c, &h).area_um2[PRICE_INPUT_DRIVERS],
               256 * dff(&c.technology, 8, 2, 1).area_um2, 1e-9);
}

static void a_line_s_periphery_scales_with_the_node(void **state)
{
    (void)state;
    struct chip_model c = load_chip("22nm_lp");
    struct core_hardware h = hermes(256);
    double with = unit_of(&c, &h).area_um2[PRICE_CROSSBAR], line_um2 = c.fact.line_um2;

    c.fact.line_um2 = 0;
    double um2 = with - unit_of(&c, &h).area_um2[PRICE_CROSSBAR];
    CHECK_NEAR(um2, 256 * line_um2 * c.cited_area, 1e-9);
    assert_true(c.cited_area > 1);
}

/* acc * M is 16 additions of 24 bit, then one of 64 bit with its register; so is rounding. */
static void scaling_is_an_array_multiplier_and_an_addition(void **state)
{
    (void)state;
    struct chip_model c = load_chip("14nm_lp");
    struct core_hardware h = hermes(256);
    struct core_unit u = unit_of(&c, &h);
    struct activity a = { c.fact.adder_activity, c.fact.register_activity, 1 };
    double add_pj = adder(&c.technology, 64, 0, &a).energy_pj +
                    dff(&c.technology, 64, 64, a.dff).energy_pj;

    CHECK_NEAR(u.add, add_pj, 1e-9);
    CHECK_NEAR(u.round, add_pj, 1e-9);
    CHECK_NEAR(u.scale, 16 * adder(&c.technology, 24, 0, &a).energy_pj + add_pj, 1e-9);
}

/* 256 pairs of 2.5 uS: 1.28 mS. */
static void a_sar_converter_reads_the_column_that_all_rows_drive(void **state)
{
    (void)state;
    struct chip_model c = load_chip("14nm_lp");
    struct core_hardware h = hermes(256);

    c.converter = PRICE_CONVERTER_SAR;
    c.fact.converter_bits = 8;
    CHECK_NEAR(unit_of(&c, &h).conversion,
               9e-3 * (8 * .3132 + 2.5681 + 61.085 / ((1e3 / (256 * 2 * 2.5)) * 0.5 / 0.277)),
               1e-6);
}

static void registers_of_the_controller_are_counted(void **state)
{
    (void)state;
    struct chip_model c = load_chip("14nm_lp");
    struct core_hardware h = hermes(256);

    /* inputs twice, a kernel row and four pixels of 56 bytes, sixteen pointers */
    CHECK_NEAR(unit_of(&c, &h).control_dff,
               2 * 256 * 8 + 3 * 56 * 8 + 4 * 56 * 8 + 16 * 16, 1e-12);
}

static void another_node_scales_what_was_cited_and_says_so(void **state)
{
    (void)state;
    struct chip_model at14 = load_chip("14nm_lp"), at22 = load_chip("22nm_lp");
    struct core_hardware h = hermes(256);
    struct core_unit u14 = unit_of(&at14, &h), u22 = unit_of(&at22, &h);

    assert_string_equal(at14.warning, "");
    assert_non_null(strstr(at22.warning, "scaled to 22nm_lp"));
    assert_true(u22.conversion > u14.conversion);
    CHECK_NEAR(u22.conversion / u14.conversion, u22.column / u14.column, 1e-12);
    for (unsigned b = 0; b < N_PRICE_BLOCK; b++)
        assert_true(u22.area_um2[b] >= u14.area_um2[b]);
}

/* Elsewhere: leakage of transistors of another type is the circuits' own, cells of another device
 * have no factor; ratios that can hold stay. */
static void factors_hold_where_they_were_fitted(void **state)
{
    (void)state;
    struct chip_model home = load_chip("14nm_lp"), lp = load_chip("32nm_lp"), other;
    struct chip_model hp = load_chip("32nm_hp"), plain = chip_model_predicted(&hp);
    struct core_hardware h = hermes(256);
    struct core_unit u = unit_of(&hp, &h), want = unit_of(&plain, &h);
    struct err_msg m;

    CHECK_NEAR(u.leakage_uw[PRICE_DIGITAL], want.leakage_uw[PRICE_DIGITAL], 1e-12);
    CHECK_NEAR(u.leakage_uw[PRICE_INPUT_MEMORY], want.leakage_uw[PRICE_INPUT_MEMORY], 1e-12);
    CHECK_NEAR(lp.fact.control_leakage, home.fact.control_leakage, 0);
    CHECK_NEAR(hp.fact.sram_energy, home.fact.sram_energy, 0);
    assert_non_null(strstr(hp.warning, "its factors of leakage are of 14nm_lp and left out"));
    assert_null(strstr(lp.warning, "left out"));
    assert_string_equal(price_basis(&home, PRICE_CROSSBAR), "calibrated");
    assert_string_equal(price_basis(&lp, PRICE_CROSSBAR), "scaled");
    assert_string_equal(price_basis(&lp, PRICE_ADC), "scaled");
    assert_string_equal(price_basis(&lp, PRICE_CLOCK), "predicted");

    if (chip_model_load(&other, "14nm_lp", "pcm_4bit", "dazzi2021_14nm", &m))
        fail_msg("%s", m.text);
    CHECK_NEAR(other.fact.cell_energy, 1, 0);
    assert_non_null(strstr(other.warning, "its factor of the cells' energy is of pcm"));
    assert_string_equal(price_basis(&other, PRICE_CROSSBAR), "scaled");
}

static const char *const chip_files[] = { "composed", "dazzi2021_14nm", "isaac_32nm" };

/* A chip file at any node, type and temperature: finite and positive, or refused by name; what was
 * fitted elsewhere is never called calibrated, and a note says what was done. */
static void check_elsewhere(const char *chip, const char *technology, unsigned n_check[2])
{
    struct core_hardware h = hermes(256);
    struct chip_model c;
    struct core_unit u;
    struct err_msg m;

    h.mvm_ns = 1e4;
    if (chip_model_load(&c, technology, "pcm", chip, &m) || core_unit(&c, &h, &u, &m)) {
        if (!strstr(m.text, "access transistor")) // of a composed array
            fail_msg("%s at %s: %s", chip, technology, m.text);
        n_check[1]++;
        return;
    }
    bool home = strcmp(technology, c.home_technology) == 0 || strcmp(chip, "composed") == 0;
    struct core_peak p = core_peak(&h, &u);
    double mw = 0;
    for (unsigned b = 0; b < N_PRICE_BLOCK; b++) {
        assert_true(isfinite(u.area_um2[b]) && u.area_um2[b] >= 0);
        assert_true(isfinite(u.leakage_uw[b]) && u.leakage_uw[b] >= 0);
        assert_true(home || strcmp(price_basis(&c, (enum price_block)b), "calibrated") != 0);
        mw += u.leakage_uw[b] * 1e-3;
    }
    assert_true(isfinite(p.tops_per_w) && p.tops_per_w > 0 && isfinite(p.total_pj));
    assert_true(isfinite(p.tops_per_mm2) && p.tops_per_mm2 > 0);
    assert_true(home || strstr(c.warning, "scaled to ") != NULL);
    /* a core of a million cells' area and transistors: not the watts of misplaced factors */
    if (!(mw < 300))
        fail_msg("%s at %s leaks %g mW a core", chip, technology, mw);
    n_check[0]++;
}

static void every_chip_is_priced_everywhere_or_refused(void **state)
{
    static const unsigned nm[] = { 130, 90, 65, 45, 32, 22, 14, 10, 7, 5, 3, 2, 1 };
    unsigned n[2] = { 0 };
    char name[32];

    (void)state;
    for (size_t i = 0; i < sizeof chip_files / sizeof *chip_files; i++)
        for (size_t k = 0; k < sizeof nm / sizeof *nm; k++)
            for (unsigned hp = 0; hp <= (nm[k] >= 22 ? 1 : 0); hp++)
                for (unsigned kelvin = 300; kelvin <= (nm[k] >= 22 ? 400u : 300u); kelvin += 20) {
                    snprintf(name, sizeof name, "%unm_%s", nm[k], hp ? "hp" : "lp");
                    if (kelvin > 300)
                        snprintf(name + strlen(name), 8, "_%uk", kelvin);
                    check_elsewhere(chip_files[i], name, n);
                }
    assert_int_equal(n[0] + n[1], 3 * (6 * 2 * 6 + 7));
    print_message("%u priced, %u refused\n", n[0], n[1]);
    assert_true(n[1] == 0);
}

/* ---- scaling ---- */

/* What falls from node to node and rises with sizes. */
enum { CORE_COST = 8 };

static void core_costs(const struct chip_model *c, const struct core_hardware *h,
                       double cost[CORE_COST])
{
    struct core_unit u = unit_of(c, h);
    struct core_peak p = core_peak(h, &u);
    const double all[CORE_COST] = { p.total_pj, p.area_um2, u.control_registers, u.read_word,
                                    u.write_word, u.area_um2[PRICE_CONTROLLER],
                                    u.control_selection, link_bit_pj(c, &u, 1) };

    memcpy(cost, all, sizeof all);
    for (unsigned i = 0; i < CORE_COST; i++)
        assert_true(isfinite(cost[i]) && cost[i] > 0);
    for (unsigned b = 0; b < N_PRICE_BLOCK; b++)
        assert_true(isfinite(u.leakage_uw[b]) && u.leakage_uw[b] >= 0);
}

static const char *const nodes[] = { "130nm_lp", "90nm_lp", "65nm_lp", "45nm_lp", "32nm_lp",
                                     "22nm_lp", "14nm_lp", "10nm_lp", "7nm_lp" };
enum { N_NODE = sizeof nodes / sizeof *nodes };

static void a_core_costs_less_at_every_smaller_node(void **state)
{
    (void)state;
    struct core_hardware h = hermes(256);
    double last[CORE_COST], now[CORE_COST];

    for (size_t n = 0; n < N_NODE; n++) {
        struct chip_model c = load_chip(nodes[n]);

        core_costs(&c, &h, now);
        for (unsigned i = 0; n > 0 && i < CORE_COST; i++)
            assert_true(now[i] < last[i]);
        memcpy(last, now, sizeof last);
    }
}

/* D13 of docs/validation.md. */
static void clock_tree_and_sram_read_slow_down_into_finfets(void **state)
{
    (void)state;
    struct chip_model at22 = load_chip("22nm_lp"), at14 = load_chip("14nm_lp");
    struct core_hardware h = hermes(256);
    struct core_unit u22 = unit_of(&at22, &h), u14 = unit_of(&at14, &h);

    assert_true(u14.tree > u22.tree && u14.tree < 1.02 * u22.tree);
    assert_true(u14.latency_ns[PRICE_INPUT_MEMORY] > u22.latency_ns[PRICE_INPUT_MEMORY]);
}

static void a_larger_core_costs_more_at_every_node(void **state)
{
    (void)state;
    double last[CORE_COST] = { 0 }, now[CORE_COST];

    for (size_t n = 0; n < N_NODE; n++) {
        struct chip_model c = load_chip(nodes[n]);

        for (uint32_t size = 64; size <= 1024; size *= 2) {
            struct core_hardware h = hermes(size);

            h.words = 2 * size;
            core_costs(&c, &h, now);
            for (unsigned i = 0; size > 64 && i < CORE_COST; i++)
                assert_true(now[i] > last[i]);
            memcpy(last, now, sizeof last);
        }
    }
}

static void a_finer_converter_costs_more_at_every_node(void **state)
{
    (void)state;
    struct core_hardware h = hermes(256);

    h.mvm_ns = 1e6;
    for (size_t n = 0; n < N_NODE; n++)
        for (enum price_converter k = PRICE_CONVERTER_SAR; k <= PRICE_CONVERTER_CCO; k++) {
            struct chip_model c = load_chip(nodes[n]);
            double last[3] = { 0 };

            c.converter = k;
            for (unsigned bits = 1; bits <= 12; bits++) {
                c.fact.converter_bits = bits;
                struct core_unit u = unit_of(&c, &h);
                const double now[] = { u.conversion, u.area_um2[PRICE_ADC],
                                       u.latency_ns[PRICE_ADC] };

                for (unsigned i = 0; i < 3; i++)
                    assert_true(isfinite(now[i]) && now[i] > last[i]);
                memcpy(last, now, sizeof last);
            }
        }
}

/* ---- runs ---- */

struct rig {
    struct config         config;
    struct network        network;
    struct plan           plan;
    struct core_counters *core;
    uint64_t             *bits;
    struct price_run      run;
};

static void rig_init_with(struct rig *r, const char *setting)
{
    struct resnet_cifar_cfg cfg;
    struct err_msg m;

    if (config_load(&r->config, "configs/resnet32.yaml", &setting, setting ? 1 : 0, &m))
        fail_msg("%s", m.text);
    cfg = (struct resnet_cifar_cfg){ 32, 32, 10, r->config.network.channels, 3 };
    if (network_resnet_cifar(&r->network, &cfg, &m) ||
        plan_make(&r->plan, &r->network, &r->config, &m))
        fail_msg("%s", m.text);
    r->core = calloc(r->plan.n_core, sizeof *r->core);
    r->bits = calloc(r->plan.n_stream, sizeof *r->bits);
    r->run = (struct price_run){ r->core, r->bits, 1, 1000, 0, 0, false, 0, NULL };
}

static void rig_init(struct rig *r)
{
    rig_init_with(r, NULL);
}

/* Counts that no two cores share. */
static void rig_fill(struct rig *r, uint64_t n_image)
{
    for (uint32_t i = 0; i < r->plan.n_core; i++) {
        uint64_t *n = (uint64_t *)&r->core[i];

        for (size_t k = 0; k < sizeof r->core[i] / sizeof *n; k++)
            n[k] = n_image * (1000 + 17 * i + 7 * k);
        r->core[i].busy_timesteps = 3 + i;
    }
    for (uint32_t i = 0; i < r->plan.n_stream; i++)
        r->bits[i] = n_image * (900 + 13 * i);
    r->run.n_image = n_image;
}

static void rig_release(struct rig *r)
{
    free(r->core);
    free(r->bits);
    plan_release(&r->plan);
    network_release(&r->network);
    config_release(&r->config);
}

static struct price_report report_of(const struct rig *r)
{
    struct chip_model c = load_chip("14nm_lp");
    struct price_report q;
    struct err_msg m;

    if (price(&c, &r->plan, &r->run, &q, &m))
        fail_msg("%s", m.text);
    return q;
}

static void every_count_is_paid_for_in_one_block(void **state)
{
    (void)state;
    static const struct { size_t offset; int block; } want[] = {
        { offsetof(struct core_counters, conversions), PRICE_ADC },
        { offsetof(struct core_counters, words_read), PRICE_INPUT_MEMORY },
        { offsetof(struct core_counters, words_read_back), PRICE_INPUT_MEMORY },
        { offsetof(struct core_counters, words_written), PRICE_INPUT_MEMORY },
        { offsetof(struct core_counters, scale_ops), PRICE_DIGITAL },
        { offsetof(struct core_counters, residual_ops), PRICE_DIGITAL },
        { offsetof(struct core_counters, round_ops), PRICE_DIGITAL },
        { offsetof(struct core_counters, pool_ops), PRICE_DIGITAL },
        { offsetof(struct core_counters, partial_sum_ops), PRICE_DIGITAL },
        { offsetof(struct core_counters, driven_rows), PRICE_INPUT_DRIVERS },
    };
    struct rig r;

    rig_init(&r);
    struct price_report none = report_of(&r);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        memset(r.core, 0, r.plan.n_core * sizeof *r.core);
        *(uint64_t *)(void *)((char *)&r.core[5] + want[i].offset) = 100000;
        struct price_report q = report_of(&r);

        for (int b = 0; b < N_PRICE_BLOCK; b++) {
            int64_t more = q.core[5].energy_pj[b] - none.core[5].energy_pj[b];
            bool crossbar_too = b == PRICE_CROSSBAR && (want[i].block == PRICE_ADC ||
                                                        want[i].block == PRICE_INPUT_DRIVERS);

            assert_true(more > 0 ? b == want[i].block || crossbar_too : b != want[i].block);
        }
        for (uint32_t k = 0; k < r.plan.n_core; k++)
            if (k != 5)
                assert_memory_equal(q.core[k].energy_pj, none.core[k].energy_pj,
                                    sizeof q.core[k].energy_pj);
        price_report_release(&q);
    }
    price_report_release(&none);
    rig_release(&r);
}

static void a_bill_by_hand(void **state)
{
    (void)state;
    struct chip_model c = load_chip("14nm_lp");
    struct rig r;

    rig_init(&r);
    /* one firing of 144 rows and 16 columns in each of 1,000 timesteps of 50 clocks */
    r.core[1] = (struct core_counters){ .firings = 1000, .outputs = 1000, .driven_rows = 144000,
                                        .conversions = 16000, .words_read = 9000,
                                        .busy_timesteps = 1000 };
    struct price_report q = report_of(&r);
    struct core_hardware h = hermes(256);
    struct core_unit u;

    h.mvm_ns = 100;
    u = unit_of(&c, &h);
    const struct price_row *row = &q.core[1];
    CHECK_NEAR((double)row->energy_pj[PRICE_CROSSBAR],
               1000 * (144 * 16 * 0.0549202 + 16 * 28.891 + 144 * u.row), 1e-5);
    CHECK_NEAR((double)row->energy_pj[PRICE_ADC], 16000 * 4.61, 1e-9);
    CHECK_NEAR((double)row->energy_pj[PRICE_CLOCK], 50000 * u.tree, 1e-5);
    CHECK_NEAR((double)row->energy_pj[PRICE_INPUT_MEMORY], 9000 * u.read_word, 1e-5);
    CHECK_NEAR((double)row->leakage_pj[PRICE_INPUT_MEMORY], 21.55e-6 * 100e-6 * 1e12, 0.001);
    assert_true(row->idle_pj == 0);
    /* a core that never fires pays a fifth of controller and clock, and all of the leakage */
    row = &q.core[2];
    CHECK_NEAR((double)row->energy_pj[PRICE_CLOCK], 0.2 * 50000 * u.tree, 1e-5);
    CHECK_NEAR((double)row->idle_pj, (double)(price_row_energy_pj(row) + price_row_leakage_pj(row)),
               1e-5);
    price_report_release(&q);
    rig_release(&r);
}

/* 144 inputs and 9 words of 128 bits in each of 1,000 firings, a pointer of 16 bits with each word.
 * 7,488 registers, whose clock stops unless they are written; of the tree, what is above 128 gates
 * a word goes on. */
static void registers_with_gates_take_the_clocks_in_which_they_are_written(void **state)
{
    (void)state;
    struct chip_model c = load_chip("14nm_lp");
    struct core_hardware h = hermes(256);
    struct price_report q;
    struct err_msg m;
    struct rig r;

    h.mvm_ns = 100;
    const struct core_unit u = unit_of(&c, &h);
    const double writes = 1000 * (144 * 8 + 9 * (128 + 16)) / u.control_dff;
    rig_init(&r);
    r.core[1] = (struct core_counters){ .firings = 1000, .driven_rows = 144000,
                                        .words_read = 9000, .busy_timesteps = 1000 };
    c.registers_gated = true;
    if (price(&c, &r.plan, &r.run, &q, &m))
        fail_msg("%s", m.text);
    CHECK_NEAR((double)q.core[1].energy_pj[PRICE_CONTROLLER],
               writes * (u.control_registers + u.control_selection), 1e-3);
    CHECK_NEAR((double)q.core[1].energy_pj[PRICE_CLOCK],
               (writes + 50000 / 128.) * u.tree, 1e-3);
    /* a core that never fires: a fifth of the tree above the gates */
    assert_int_equal(q.core[2].energy_pj[PRICE_CONTROLLER], 0);
    CHECK_NEAR((double)q.core[2].energy_pj[PRICE_CLOCK], 0.2 * 50000 / 128 * u.tree, 1e-2);
    price_report_release(&q);
    rig_release(&r);
}

static void images_share_what_their_run_costs(void **state)
{
    (void)state;
    struct rig r;

    rig_init(&r);
    rig_fill(&r, 1);
    struct price_report all = report_of(&r);
    r.run.n_image = 4;
    struct price_report each = report_of(&r);
    for (unsigned b = 0; b < N_PRICE_BLOCK; b++) { // rounded to whole pJ
        assert_true(llabs(4 * each.core[7].energy_pj[b] - all.core[7].energy_pj[b]) <= 4);
        assert_true(llabs(4 * each.core[7].leakage_pj[b] - all.core[7].leakage_pj[b]) <= 4);
    }
    assert_true(llabs(4 * each.core[7].idle_pj - all.core[7].idle_pj) <= 4);
    assert_memory_equal(each.core[7].area_um2, all.core[7].area_um2, sizeof all.core[7].area_um2);
    CHECK_NEAR(each.image_ns * 4, 1000 * 100, 1e-12); // timesteps of 100 ns
    price_report_release(&all);
    price_report_release(&each);
    rig_release(&r);
}

/* Four images, one every 200 of 1,000 timesteps of 50 clocks and 100 ns; nothing fires. */
static void an_image_is_priced_in_a_full_pipeline_and_filling_it_apart(void **state)
{
    (void)state;
    struct chip_model c = load_chip("14nm_lp");
    struct core_hardware h = hermes(256);
    double uw = 0;
    struct rig r;

    h.mvm_ns = 100;
    const struct core_unit u = unit_of(&c, &h);
    for (unsigned b = 0; b < N_PRICE_BLOCK; b++)
        uw += u.leakage_uw[b];
    rig_init(&r);
    r.run.n_image = 4;
    r.run.interval = 200;
    struct price_report q = report_of(&r);
    double clock_pj = 0.2 * (u.control_registers + u.control_selection + u.tree);
    CHECK_NEAR((double)q.core[7].energy_pj[PRICE_CLOCK], 0.2 * 200 * 50 * u.tree, 1e-4);
    CHECK_NEAR((double)price_row_leakage_pj(&q.core[7]), uw * 200 * 100e-3, 1e-3);
    CHECK_NEAR((double)q.fill_pj, 43 * 200 * (50 * clock_pj + uw * 100e-3), 1e-6);
    CHECK_NEAR(q.image_ns, 200 * 100, 1e-12);
    CHECK_NEAR(q.tops, q.image_ops / 20000 * 1e-3, 1e-12);
    price_report_release(&q);
    rig_release(&r);
}

static void with_values_crossbar_and_drivers_follow_them(void **state)
{
    (void)state;
    struct chip_model c = load_chip("14nm_lp");
    struct core_hardware h = hermes(256);
    struct rig r;

    rig_init(&r);
    r.core[1].firings = 10;
    r.core[1].conversions = 160;
    r.core[1].driven_rows = 1440;
    r.core[1].sum_abs_x = 98765;
    r.core[1].sum_abs_xw = 123456789;
    r.run.values = true;
    struct price_report q = report_of(&r);
    struct core_unit u;
    h.mvm_ns = 100;
    u = unit_of(&c, &h);
    assert_true(q.values);
    CHECK_NEAR((double)q.core[1].energy_pj[PRICE_CROSSBAR],
               123456789 * u.cell_lsb2 + 160 * u.column + 1440 * u.row, 1e-4);
    /* 256 clocks of an 8-bit counter are the pulse of 255, the mean pulse half of that */
    CHECK_NEAR(u.row_digits * 2, 255, 1e-12); // half of the longest pulse
    CHECK_NEAR((double)q.core[1].energy_pj[PRICE_INPUT_DRIVERS], 98765 * u.driver_digit, 1e-3);
    price_report_release(&q);
    rig_release(&r);
}

static void a_stream_is_paid_by_its_sender_per_pitch(void **state)
{
    (void)state;
    struct chip_model c = load_chip("14nm_lp");
    struct core_hardware h = hermes(256);
    struct core_unit u = unit_of(&c, &h);
    struct rig r;

    rig_init(&r);
    for (uint32_t i = 0; i < r.plan.n_stream; i++) {
        const struct plan_stream *s = &r.plan.stream[i];
        if (s->kind == STREAM_IMAGE || s->kind == STREAM_RESULT)
            continue;
        memset(r.bits, 0, r.plan.n_stream * sizeof *r.bits);
        r.bits[i] = 1000000;
        struct price_report q = report_of(&r);
        /* 43 cores in rows of 7 */
        double away = abs((int)(s->from / 7) - (int)(s->to / 7)) +
                      abs((int)(s->from % 7) - (int)(s->to % 7));
        CHECK_NEAR((double)q.core[s->from].energy_pj[PRICE_LINKS],
                   1e6 * link_bit_pj(&c, &u, away), 1e-5);
        assert_true(q.total.energy_pj[PRICE_LINKS] == q.core[s->from].energy_pj[PRICE_LINKS]);
        price_report_release(&q);
        i += 7;
    }
    rig_release(&r);
}

static void image_and_result_are_paid_from_the_left_edge(void **state)
{
    (void)state;
    struct chip_model c = load_chip("14nm_lp");
    struct core_hardware h = hermes(256);
    struct core_unit u = unit_of(&c, &h);
    struct rig r;
    unsigned n = 0;

    rig_init(&r);
    for (uint32_t i = 0; i < r.plan.n_stream; i++) {
        const struct plan_stream *s = &r.plan.stream[i];
        bool image = s->kind == STREAM_IMAGE;

        if (!image && s->kind != STREAM_RESULT)
            continue;
        memset(r.bits, 0, r.plan.n_stream * sizeof *r.bits);
        r.bits[i] = 1000000;
        struct price_report q = report_of(&r);
        /* the first and the last of 43 cores in rows of 7: 42 = 6 * 7 */
        CHECK_NEAR((double)q.core[image ? 0 : 42].energy_pj[PRICE_LINKS],
                   1e6 * link_bit_pj(&c, &u, 1), 1e-5);
        price_report_release(&q);
        n++;
    }
    assert_int_equal(n, 2);
    rig_release(&r);
}

/* Cores that hold nothing lie around those that do. */
static void links_cost_the_same_on_a_larger_chip(void **state)
{
    static const char *const cores[] = { "chip.cores=43", "chip.cores=64", "chip.cores=10000" };
    int64_t first_pj = 0;

    (void)state;
    for (size_t i = 0; i < sizeof cores / sizeof *cores; i++) {
        struct rig r;

        rig_init_with(&r, cores[i]);
        rig_fill(&r, 1);
        struct price_report q = report_of(&r);
        first_pj = i == 0 ? q.total.energy_pj[PRICE_LINKS] : first_pj;
        assert_true(first_pj > 0 && q.total.energy_pj[PRICE_LINKS] == first_pj);
        price_report_release(&q);
        rig_release(&r);
    }
}

static void what_the_network_needs_is_delivered(void **state)
{
    (void)state;
    /* 2 operations a weight and pixel: ResNet-32 of 16, 28, 56 channels on 32 x 32 pixels */
    const double ops = 2.0 * (27 * 16 * 1024 + 10 * 144 * 16 * 1024 + (16 + 144) * 28 * 256 +
                              9 * 252 * 28 * 256 + (28 + 252) * 56 * 64 + 9 * 504 * 56 * 64 + 560);
    struct rig r;

    rig_init(&r);
    rig_fill(&r, 5);
    struct price_report q = report_of(&r);
    double pj = (double)(price_row_energy_pj(&q.total) + price_row_leakage_pj(&q.total));
    const double image_ns = 1000 * 100 / 5.0;
    CHECK_NEAR(q.image_ops, ops, 0);
    CHECK_NEAR(q.tops_per_w, ops / pj, 1e-12); // 1 / pJ = T / (W s)
    CHECK_NEAR(q.tops, ops / (image_ns * 1e-9) * 1e-12, 1e-12);
    CHECK_NEAR(q.tops_per_mm2, q.tops / (43 * 0.634), 1e-3); // mm2 of a core
    price_report_release(&q);
    rig_release(&r);
}

/* Clocks of 2 ns in the worst timestep: docs/validation.md, section Time. */
static void latency_of_a_block_is_that_of_its_slowest_core(void **state)
{
    (void)state;
    struct rig r;

    rig_init(&r);
    struct price_report q = report_of(&r);
    CHECK_NEAR(q.total.latency_ns[PRICE_CROSSBAR], 90, 0);
    CHECK_NEAR(q.total.latency_ns[PRICE_ADC], 0.667, 0);
    CHECK_NEAR(q.total.latency_ns[PRICE_INPUT_MEMORY], 16 * 2, 0);
    CHECK_NEAR(q.total.latency_ns[PRICE_DIGITAL], 1 * 2, 0);
    CHECK_NEAR(q.total.latency_ns[PRICE_LINKS], 45 * 2, 0); // 448 bits at 5 Gb/s
    assert_true(q.total.latency_ns[PRICE_CLOCK] == 0);
    r.plan.time.core[3].used_clk[STAGE_PARTIAL_SUM] = 49;
    r.plan.time.core[3].used_clk[STAGE_DIGITAL] = 7;
    price_report_release(&q);
    q = report_of(&r);
    CHECK_NEAR(q.layer[3].latency_ns[PRICE_LINKS], 49 * 2, 0);
    CHECK_NEAR(q.total.latency_ns[PRICE_LINKS], 49 * 2, 0);
    CHECK_NEAR(q.total.latency_ns[PRICE_DIGITAL], 7 * 2, 0);
    price_report_release(&q);
    rig_release(&r);
}

static void a_core_of_other_hardware_has_costs_of_its_own(void **state)
{
    (void)state;
    struct rig r;

    rig_init(&r);
    r.plan.core[3].digital.lanes = 32;
    r.plan.core[5].memory.words = 1024;
    r.plan.core[7].crossbar.columns = 128;
    r.plan.core[9].crossbar.rows = 128;
    struct price_report q = report_of(&r);
    CHECK_NEAR((double)q.core[3].area_um2[PRICE_DIGITAL],
               (double)q.core[0].area_um2[PRICE_DIGITAL] / 2, 1e-4);
    assert_true(q.core[5].area_um2[PRICE_INPUT_MEMORY] > q.core[0].area_um2[PRICE_INPUT_MEMORY]);
    CHECK_NEAR((double)q.core[7].area_um2[PRICE_ADC], 128 * 1600, 0);
    CHECK_NEAR((double)q.core[9].area_um2[PRICE_INPUT_DRIVERS],
               (double)q.core[0].area_um2[PRICE_INPUT_DRIVERS] / 2, 1e-3);
    for (uint32_t i = 4; i <= 10; i += 2)
        assert_memory_equal(q.core[i].area_um2, q.core[0].area_um2, sizeof q.core[0].area_um2);
    price_report_release(&q);
    rig_release(&r);
}

static void a_run_of_nothing_is_refused(void **state)
{
    (void)state;
    struct chip_model c = load_chip("14nm_lp");
    struct price_report q;
    struct err_msg m;
    struct rig r;

    rig_init(&r);
    r.run.timesteps = 0;
    assert_int_equal(price(&c, &r.plan, &r.run, &q, &m), ERR_INPUT);
    assert_non_null(strstr(m.text, "1 images in 0 timesteps"));
    r.run = (struct price_run){ r.core, r.bits, 0, 1000, 0, 0, false, 0, NULL };
    assert_int_equal(price(&c, &r.plan, &r.run, &q, &m), ERR_INPUT);
    assert_non_null(strstr(m.text, "0 images in 1000 timesteps"));
    r.run.n_image = 1;
    r.plan.core[42].memory.words = 3;
    assert_int_equal(price(&c, &r.plan, &r.run, &q, &m), ERR_INPUT);
    assert_null(q.core);
    assert_int_equal(q.n_core, 0);
    rig_release(&r);
}

/* ---- conservation ---- */

/* A printed number in thousandths; false for a text. */
static bool thousandths(const char *text, int64_t *value)
{
    char *end;
    int64_t whole = strtoll(text, &end, 10), unit = 1000;

    if (end == text)
        return false;
    for (; *end == ','; end += 4) // thousands
        whole = 1000 * whole + strtoll(end + 1, NULL, 10);
    *value = whole * 1000;
    if (*end == '.')
        while (isdigit((unsigned char)*++end)) {
            unit /= 10;
            *value += unit * (*end - '0');
        }
    return true;
}

enum { MOST_CELL = 20, CELL = 48 };

/* The cells of a printed row, as a reader of that format would part them; 0: a line of no cells.
 * In text two spaces part them. */
static unsigned read_row(const char *line, enum table_format f, char cell[MOST_CELL][CELL])
{
    const char *separator = f == TABLE_CSV ? "," : f == TABLE_MARKDOWN ? "|" : "  ";
    const char *end = line + strcspn(line, "\n");
    unsigned n = 0;

    if (strchr("\n#", *line) || strncmp(line, "|---", 4) == 0 || !strstr(line, separator))
        return 0;
    line += strspn(line, f == TABLE_CSV ? "" : "| ");
    while (line < end && n < MOST_CELL) {
        const char *to = strstr(line, separator);
        to = to && to < end ? to : end;
        snprintf(cell[n++], CELL, "%.*s", (int)(to - line), line);
        line = to < end ? to + strlen(separator) : end;
        line += f == TABLE_WIDE ? strspn(line, " ") : 0;
    }
    return n;
}

static const char *next_line(const char *line)
{
    return strchr(line, '\n') + 1;
}

/* Every column with a number in its last row, the total, is the sum of the rows above. Returns how
 * many such there are. */
static unsigned check_columns(const char *table, enum table_format f)
{
    char cell[MOST_CELL][CELL] = { "" };
    int64_t sum[MOST_CELL] = { 0 }, value;
    unsigned n_row = 0, n_column = 0, n = 0;

    for (const char *line = table; *line; line = next_line(line)) {
        unsigned k = read_row(line, f, cell);
        bool total = k > 0 && strstr(cell[0], "total");

        if (k == 0 || n_row++ == 0) // titles
            continue;
        for (unsigned i = 1; i < k; i++)
            if (thousandths(cell[i], &value)) {
                if (total && sum[i] != value)
                    fail_msg("column %u: rows add to %lld, total says %s", i, (long long)sum[i],
                             cell[i]);
                n += total;
                sum[i] += value;
            }
        n_column = k;
    }
    assert_true(n_row > 2 && n_column > 5);
    return n;
}

typedef struct table *make_table(const struct price_report *r);

enum { PRINTED = 1 << 16 };

static void print_to(const struct price_report *q, make_table *make, enum table_format f, FILE *out)
{
    struct table *t = make(q);
    struct err_msg m;

    assert_int_equal(table_print(t, f, out, &m), ERR_NONE);
    table_free(t);
}

static void print_one(const struct price_report *q, make_table *make, enum table_format f,
                      char text[PRINTED])
{
    FILE *out = fmemopen(text, PRINTED, "w");

    assert_non_null(out);
    print_to(q, make, f, out);
    assert_true(ftell(out) < PRINTED - 1);
    fclose(out);
}

static const enum table_format exact[] = { TABLE_CSV, TABLE_MARKDOWN, TABLE_WIDE };

static void printed_columns_sum_to_the_last_digit_in_every_format(void **state)
{
    (void)state;
    struct rig r;

    rig_init(&r);
    for (uint64_t images = 1; images <= 7; images += 3)
        for (unsigned i = 0; i < sizeof exact / sizeof *exact; i++) {
            enum table_format f = exact[i];
            rig_fill(&r, images);
            struct price_report q = report_of(&r);
            char text[PRINTED];

            print_one(&q, price_block_table, f, text);
            assert_int_equal(check_columns(text, f), 8); // not latency and basis
            print_one(&q, price_layer_table, f, text);
            assert_int_equal(check_columns(text, f), N_PRICE_BLOCK + 7);
            print_one(&q, price_kind_table, f, text);
            assert_int_equal(check_columns(text, f), 7);
            price_report_release(&q);
        }
    rig_release(&r);
}

/* 361,712 weights (Table 2) of four devices. */
static void programming_is_paid_for_once_by_each_device(void **state)
{
    (void)state;
    struct chip_model c = load_chip("14nm_lp");
    struct price_report q;
    struct err_msg m;
    struct rig r;
    char text[PRINTED];

    rig_init(&r);
    rig_fill(&r, 1);
    c.device.program_pj = 12.5;
    c.device.program_basis = "cited";
    if (price(&c, &r.plan, &r.run, &q, &m))
        fail_msg("%s", m.text);
    assert_int_equal(q.total.cells, 361712 * 4);
    assert_int_equal(q.total.program_pj, 361712 * 4 * 25 / 2);
    assert_int_equal(q.layer[0].program_pj, 27 * 16 * 4 * 25 / 2);
    print_one(&q, price_programming_table, TABLE_CSV, text);
    assert_non_null(strstr(text, "total,1446848,18085.6,cited"));
    price_report_release(&q);
    c.device.program_pj = 0;
    if (price(&c, &r.plan, &r.run, &q, &m))
        fail_msg("%s", m.text);
    print_one(&q, price_programming_table, TABLE_CSV, text);
    assert_null(strstr(text, "total"));
    price_report_release(&q);
    rig_release(&r);
}

static void unused_cores_have_area_and_leak(void **state)
{
    (void)state;
    struct rig r;

    rig_init(&r);
    rig_fill(&r, 3);
    struct price_report none = report_of(&r);
    r.run.n_unused = 21;
    struct price_report q = report_of(&r);
    for (unsigned b = 0; b < N_PRICE_BLOCK; b++) {
        assert_true(q.unused.energy_pj[b] == 0);
        assert_true(llabs(q.unused.area_um2[b] - 21 * none.core[0].area_um2[b]) <= 11);
        assert_true(llabs(q.unused.leakage_pj[b] - 21 * none.core[0].leakage_pj[b]) <= 11);
    }
    assert_true(price_row_area_um2(&q.total) ==
                price_row_area_um2(&none.total) + price_row_area_um2(&q.unused));
    for (unsigned i = 0; i < sizeof exact / sizeof *exact; i++) {
        char text[PRINTED];

        print_one(&q, price_layer_table, exact[i], text);
        assert_int_equal(check_columns(text, exact[i]), N_PRICE_BLOCK + 7);
    }
    price_report_release(&none);
    price_report_release(&q);
    rig_release(&r);
}

static void blocks_and_leakage_of_a_layer_make_its_sum(void **state)
{
    (void)state;
    struct rig r;

    rig_init(&r);
    rig_fill(&r, 3);
    struct price_report q = report_of(&r);
    char layers[PRINTED], cell[MOST_CELL][CELL];
    unsigned n = 0;

    print_one(&q, price_layer_table, TABLE_CSV, layers);
    for (const char *line = next_line(layers); *line; line = next_line(line), n++) {
        int64_t sum = 0, value;

        read_row(line, TABLE_CSV, cell);
        for (unsigned i = 1; i <= N_PRICE_BLOCK + 1; i++) {
            assert_true(thousandths(cell[i], &value));
            sum += value;
        }
        assert_true(thousandths(cell[N_PRICE_BLOCK + 2], &value));
        assert_true(sum == value);
    }
    assert_int_equal(n, 34 + 1);
    price_report_release(&q);
    rig_release(&r);
}

/* The items of one block over all cores are the block's row of the table by block. */
static void every_joule_is_an_item_of_one_layer_and_one_block(void **state)
{
    (void)state;
    enum { DYNAMIC = 3, LEAKAGE, ENERGY, AREA = 9 };
    int64_t dynamic[N_PRICE_BLOCK] = { 0 }, leakage[N_PRICE_BLOCK] = { 0 };
    int64_t area[N_PRICE_BLOCK] = { 0 }, percent = 0, value, layer_pj[34] = { 0 };
    struct rig r;
    char text[PRINTED], cell[MOST_CELL][CELL];
    unsigned row = 0;

    rig_init(&r);
    rig_fill(&r, 3);
    struct price_report q = report_of(&r);
    print_one(&q, price_item_table, TABLE_CSV, text);
    for (const char *line = next_line(text); *line; line = next_line(line), row++) {
        unsigned b = row % N_PRICE_BLOCK, core = row / N_PRICE_BLOCK;

        assert_int_equal(read_row(line, TABLE_CSV, cell), 13);
        assert_string_equal(cell[0], plan_layer_name(&r.plan, r.plan.core[core].plan_layer));
        assert_string_equal(cell[1], r.plan.core[core].name);
        assert_string_equal(cell[2], price_block_name((enum price_block)b));
        assert_true(thousandths(cell[DYNAMIC], &value));
        dynamic[b] += value;
        assert_true(thousandths(cell[LEAKAGE], &value));
        leakage[b] += value;
        assert_true(thousandths(cell[AREA], &value));
        area[b] += value / 1000;
        assert_true(thousandths(cell[ENERGY], &value));
        layer_pj[r.plan.core[core].plan_layer] += value;
        assert_true(thousandths(cell[6], &value));
        percent += value;
    }
    assert_int_equal(row, r.plan.n_core * N_PRICE_BLOCK);
    assert_int_equal(percent, 100000);
    assert_memory_equal(dynamic, q.total.energy_pj, sizeof dynamic);
    assert_memory_equal(leakage, q.total.leakage_pj, sizeof leakage);
    assert_memory_equal(area, q.total.area_um2, sizeof area);
    assert_int_equal(q.n_layer, 34);
    for (uint32_t i = 0; i < q.n_layer; i++)
        assert_true(layer_pj[i] == price_row_energy_pj(&q.layer[i]) +
                                   price_row_leakage_pj(&q.layer[i]));
    price_report_release(&q);
    rig_release(&r);
}

static void json_blocks_sum_to_the_total(void **state)
{
    (void)state;
    struct rig r;

    rig_init(&r);
    rig_fill(&r, 3);
    struct price_report q = report_of(&r);
    json_t *energy = price_energy_json(&q), *area = price_area_json(&q);
    const char *key;
    json_t *value;
    double sum = 0;

    json_object_foreach(json_object_get(energy, "blocks"), key, value)
        sum += json_real_value(value);
    CHECK_NEAR(sum, json_real_value(json_object_get(energy, "total_nj_per_image")), 1e-12);
    sum = 0;
    json_object_foreach(json_object_get(area, "blocks"), key, value)
        sum += json_real_value(value);
    CHECK_NEAR(sum, json_real_value(json_object_get(area, "total_mm2")), 1e-12);
    json_decref(energy);
    json_decref(area);
    price_report_release(&q);
    rig_release(&r);
}

static double sum_of(json_t *object)
{
    const char *key;
    json_t *value;
    double sum = 0;

    json_object_foreach(object, key, value)
        sum += json_number_value(value);
    return sum;
}

static double number_of(json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static void json_layers_sum_to_the_total_and_their_blocks_to_them(void **state)
{
    (void)state;
    struct rig r;
    double nj = 0, mw = 0, mm2 = 0;
    json_t *layer;
    size_t i;

    rig_init(&r);
    rig_fill(&r, 3);
    struct price_report q = report_of(&r);
    json_t *energy = price_energy_json(&q), *area = price_area_json(&q);

    json_array_foreach(json_object_get(energy, "layers"), i, layer) {
        CHECK_NEAR(sum_of(json_object_get(layer, "blocks")), number_of(layer, "nj_per_image"),
                   1e-12);
        CHECK_NEAR(sum_of(json_object_get(layer, "area_blocks")), number_of(layer, "area_mm2"),
                   1e-12);
        nj += number_of(layer, "nj_per_image");
        mw += number_of(layer, "mean_power_mw");
        mm2 += number_of(layer, "area_mm2");
    }
    assert_int_equal(i, 34);
    CHECK_NEAR(nj, number_of(energy, "total_nj_per_image"), 1e-12);
    CHECK_NEAR(mm2, number_of(area, "total_mm2"), 1e-12);
    CHECK_NEAR(mw, number_of(energy, "mean_power_mw"), 1e-12);
    /* nJ in a third of 1,000 timesteps of 100 ns: uJ / us = W */
    CHECK_NEAR(mw, nj * 1e-3 / (100 / 3.0) * 1e3, 1e-12);
    CHECK_NEAR(sum_of(json_object_get(energy, "leakage")),
               (double)price_row_leakage_pj(&q.total) * 1e-3, 1e-12);
    json_decref(energy);
    json_decref(area);
    price_report_release(&q);
    rig_release(&r);
}

/* The first layer's row by hand, from its amounts. */
static void shares_and_powers_of_a_row_are_its_energy_s(void **state)
{
    (void)state;
    char text[PRINTED], cell[MOST_CELL][CELL];
    int64_t value;
    struct rig r;

    rig_init(&r);
    rig_fill(&r, 3);
    struct price_report q = report_of(&r);
    double pj = (double)(price_row_energy_pj(&q.layer[0]) + price_row_leakage_pj(&q.layer[0]));
    double all = (double)(price_row_energy_pj(&q.total) + price_row_leakage_pj(&q.total));

    print_one(&q, price_layer_table, TABLE_CSV, text);
    read_row(next_line(text), TABLE_CSV, cell);
    assert_true(thousandths(cell[N_PRICE_BLOCK + 4], &value));
    assert_true(fabs((double)value * 1e-3 - 100 * pj / all) <= 0.005 + 1e-9);
    assert_true(thousandths(cell[N_PRICE_BLOCK + 5], &value)); // pJ / ns = mW
    assert_true(fabs((double)value * 1e-3 - pj / (100e3 / 3)) <= 0.0005 + 1e-9);
    assert_true(thousandths(cell[N_PRICE_BLOCK + 6], &value)); // of all of the network's products
    assert_true(fabs((double)value * 1e-3 - 2e3 * pj / q.image_ops) <= 0.0005 + 1e-9);
    price_report_release(&q);
    rig_release(&r);
}

static char *printed(const struct price_report *q, enum table_format f)
{
    char *text;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    assert_non_null(out);
    print_to(q, price_block_table, f, out);
    print_to(q, price_layer_table, f, out);
    price_print_svg(q, out);
    fclose(out);
    return text;
}

static void pricing_twice_gives_the_same_bytes(void **state)
{
    (void)state;
    struct rig r;

    rig_init(&r);
    rig_fill(&r, 2);
    struct chip_model c = load_chip("14nm_lp");
    struct price_report a, b;
    struct err_msg m;
    assert_int_equal(price(&c, &r.plan, &r.run, &a, &m), ERR_NONE);
    assert_int_equal(price(&c, &r.plan, &r.run, &b, &m), ERR_NONE);
    for (int f = TABLE_TEXT; f <= TABLE_HTML; f++) {
        char *one = printed(&a, (enum table_format)f), *two = printed(&b, (enum table_format)f);
        assert_string_equal(one, two);
        free(one);
        free(two);
    }
    price_report_release(&a);
    price_report_release(&b);
    rig_release(&r);
}

static void names_are_escaped_where_a_format_needs_it(void **state)
{
    (void)state;
    struct rig r;

    rig_init(&r);
    struct price_report q = report_of(&r);
    snprintf(q.layer[0].name, sizeof q.layer[0].name, "a_b&<c>");
    char *latex = printed(&q, TABLE_LATEX);
    assert_non_null(strstr(latex, "a\\_b\\&$<$c$>$"));
    assert_non_null(strstr(latex, ">a_b&amp;&lt;c></text>"));
    free(latex);
    price_report_release(&q);
    rig_release(&r);
}

/* ---- facts of machine and network ---- */

static void controllers_hold_the_widest_kernel_row_and_pixel_of_the_plan(void **state)
{
    static const struct {
        const char *setting;
        uint32_t    channels;
    } test[] = { { NULL, 56 }, { "network.channels=[8, 16, 24]", 24 },
                 { "network.channels=[16, 28, 50]", 50 } };
    struct chip_model c = load_chip("14nm_lp");

    (void)state;
    for (size_t i = 0; i < sizeof test / sizeof *test; i++) {
        struct rig r;
        rig_init_with(&r, test[i].setting);
        struct price_report q = report_of(&r);
        struct core_hardware h = hermes(256);
        h.pixel_channels = test[i].channels; // of 8 bits, with kernels of 3 x 3
        struct core_unit u = unit_of(&c, &h);
        assert_true(u.control_dff == 2 * 256 * 8 + (3 + 4) * test[i].channels * 8 + 16 * 16);
        assert_int_equal(q.core[0].area_um2[PRICE_CONTROLLER],
                         llround(u.area_um2[PRICE_CONTROLLER]));
        price_report_release(&q);
        rig_release(&r);
    }
}

static void a_fact_that_machine_and_network_know_is_read_with_a_note(void **state)
{
    static const char *const path = "configs/chips/dazzi2021_14nm.yaml";
    const char *dir = *state;
    char file[TMPDIR_PATH_MAX], text[16384];
    struct chip_model plain = load_chip("14nm_lp"), c;
    struct core_hardware h = hermes(256);
    struct err_msg m;
    FILE *in = fopen(path, "r");


    assert_non_null(in);
    size_t n = fread(text, 1, sizeof text - 256, in);
    fclose(in);
    n += (size_t)sprintf(text + n, "kernel_columns: {value: 7, assumed: \"old\"}\n"
                                   "input_bits: {value: 4, assumed: \"old\"}\n");
    tmpdir_write(dir, "chip.yaml", text, n);
    tmpdir_path(file, dir, "chip.yaml");
    if (chip_model_load(&c, "14nm_lp", "configs/devices/pcm.yaml", file, &m))
        fail_msg("%s", m.text);
    assert_string_equal(plain.warning, "");
    assert_string_equal(c.warning,
                        "input_bits has no effect: it follows from machine and network; "
                        "kernel_columns has no effect: it follows from machine and network");
    struct core_unit want = unit_of(&plain, &h), got = unit_of(&c, &h);
    assert_memory_equal(&got, &want, sizeof got);
}

/* ---- bad input ---- */

static void refused(const struct chip_model *c, const struct core_hardware *h, const char *part)
{
    struct core_unit u;
    struct err_msg m;

    assert_int_equal(core_unit(c, h, &u, &m), ERR_INPUT);
    if (!strstr(m.text, part))
        fail_msg("\"%s\" does not say \"%s\"", m.text, part);
}

static void a_converter_slower_than_the_product_is_refused(void **state)
{
    (void)state;
    struct chip_model c = load_chip("14nm_lp");
    struct core_hardware h = hermes(256);

    h.mvm_ns = 90.5; // 90 ns of pulse and 0.667 ns of conversion
    refused(&c, &h, "mvm_ns = 90.5");
    h.mvm_ns = 90.667;
    unit_of(&c, &h);
    h.mvm_ns = 100; // a SAR of 10 bits takes 11 ns
    c.converter = PRICE_CONVERTER_SAR;
    refused(&c, &h, "conversion of 11 ns");
    h = hermes(256);
    h.words = 3;
    c.converter = PRICE_CONVERTER_CITED;
    refused(&c, &h, "3 words");
}

/* The chip's file with one text replaced. */
static enum err load_edited(const char *from, const char *to, struct err_msg *m)
{
    char path[] = "/tmp/imcsim-chip-XXXXXX", text[16384];
    FILE *f = fopen("configs/chips/dazzi2021_14nm.yaml", "r");
    struct chip_model c;

    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    char *at = strstr(text, from);
    assert_non_null(at);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    f = fdopen(fd, "w");
    fprintf(f, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    fclose(f);
    enum err e = chip_model_load(&c, "14nm_lp", "pcm", path, m);
    unlink(path);
    return e;
}

static void a_missing_or_absurd_cost_is_refused(void **state)
{
    (void)state;
    struct err_msg m;

    assert_int_equal(load_edited("converter_pj: ", "# ", &m), ERR_INPUT);
    assert_non_null(strstr(m.text, "converter_pj is missing"));
    assert_int_equal(load_edited("converter_pj:        {value: 4.61", "converter_pj: {value: -4.61",
                                 &m), ERR_INPUT);
    assert_non_null(strstr(m.text, "-4.61"));
    static const char *const absurd[] = { "nan", ".nan", ".inf", "-.inf", "1e999", "0", "1e7",
                                          "\"4.61 pJ\"" };
    for (size_t i = 0; i < sizeof absurd / sizeof *absurd; i++) {
        char leaf[64];

        snprintf(leaf, sizeof leaf, "converter_pj: {value: %s", absurd[i]);
        assert_int_equal(load_edited("converter_pj:        {value: 4.61", leaf, &m), ERR_INPUT);
        assert_non_null(strstr(m.text, "converter_pj"));
        assert_non_null(strstr(m.text, "want a number from 1e-06 to 1000000 pJ"));
    }
    assert_int_equal(load_edited("converter: cited", "converter: magic", &m), ERR_INPUT);
    assert_non_null(strstr(m.text, "want cited, sar, cco or circuits"));
    struct chip_model c;
    assert_int_equal(chip_model_load(&c, "14nm_lp", "sram", "dazzi2021_14nm", &m), ERR_INPUT);
    assert_non_null(strstr(m.text, "sram"));
}

static void without_factors_nothing_is_scaled(void **state)
{
    (void)state;
    struct chip_model c = load_chip("14nm_lp"), p = chip_model_predicted(&c);
    const double factor[] = { p.fact.cell_energy, p.fact.sram_energy, p.fact.register_energy,
                              p.fact.selection_activity, p.fact.link_latch, p.fact.link_wire,
                              p.fact.control_area, p.fact.control_leakage, p.fact.sram_area,
                              p.fact.sram_leakage };

    for (size_t i = 0; i < sizeof factor / sizeof *factor; i++)
        CHECK_NEAR(factor[i], 1, 0);
    CHECK_NEAR(p.fact.column_pj + 1, 1, 0);
    CHECK_NEAR(p.fact.line_um2 + 1, 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_calibration_gives_both_efficiencies),
        cmocka_unit_test(controller_and_memory_draw_what_table_4_says),
        cmocka_unit_test(power_of_the_controller_is_energy_per_clock_and_leakage),
        cmocka_unit_test(links_cost_what_the_article_says),
        cmocka_unit_test(without_factors_the_circuits_come_this_close),
        cmocka_unit_test(a_cell_draws_its_read_current_from_the_supply),
        cmocka_unit_test(a_row_is_its_wire_over_the_columns),
        cmocka_unit_test(a_line_s_periphery_scales_with_the_node),
        cmocka_unit_test(scaling_is_an_array_multiplier_and_an_addition),
        cmocka_unit_test(a_sar_converter_reads_the_column_that_all_rows_drive),
        cmocka_unit_test(registers_of_the_controller_are_counted),
        cmocka_unit_test(another_node_scales_what_was_cited_and_says_so),
        cmocka_unit_test(factors_hold_where_they_were_fitted),
        cmocka_unit_test(every_chip_is_priced_everywhere_or_refused),
        cmocka_unit_test(a_core_costs_less_at_every_smaller_node),
        cmocka_unit_test(clock_tree_and_sram_read_slow_down_into_finfets),
        cmocka_unit_test(a_larger_core_costs_more_at_every_node),
        cmocka_unit_test(a_finer_converter_costs_more_at_every_node),
        cmocka_unit_test(every_count_is_paid_for_in_one_block),
        cmocka_unit_test(a_bill_by_hand),
        cmocka_unit_test(registers_with_gates_take_the_clocks_in_which_they_are_written),
        cmocka_unit_test(images_share_what_their_run_costs),
        cmocka_unit_test(an_image_is_priced_in_a_full_pipeline_and_filling_it_apart),
        cmocka_unit_test(programming_is_paid_for_once_by_each_device),
        cmocka_unit_test(unused_cores_have_area_and_leak),
        cmocka_unit_test(with_values_crossbar_and_drivers_follow_them),
        cmocka_unit_test(a_stream_is_paid_by_its_sender_per_pitch),
        cmocka_unit_test(image_and_result_are_paid_from_the_left_edge),
        cmocka_unit_test(links_cost_the_same_on_a_larger_chip),
        cmocka_unit_test(what_the_network_needs_is_delivered),
        cmocka_unit_test(latency_of_a_block_is_that_of_its_slowest_core),
        cmocka_unit_test(controllers_hold_the_widest_kernel_row_and_pixel_of_the_plan),
        cmocka_unit_test_setup_teardown(a_fact_that_machine_and_network_know_is_read_with_a_note,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test(a_core_of_other_hardware_has_costs_of_its_own),
        cmocka_unit_test(a_run_of_nothing_is_refused),
        cmocka_unit_test(printed_columns_sum_to_the_last_digit_in_every_format),
        cmocka_unit_test(blocks_and_leakage_of_a_layer_make_its_sum),
        cmocka_unit_test(every_joule_is_an_item_of_one_layer_and_one_block),
        cmocka_unit_test(json_blocks_sum_to_the_total),
        cmocka_unit_test(json_layers_sum_to_the_total_and_their_blocks_to_them),
        cmocka_unit_test(shares_and_powers_of_a_row_are_its_energy_s),
        cmocka_unit_test(pricing_twice_gives_the_same_bytes),
        cmocka_unit_test(names_are_escaped_where_a_format_needs_it),
        cmocka_unit_test(a_converter_slower_than_the_product_is_refused),
        cmocka_unit_test(a_missing_or_absurd_cost_is_refused),
        cmocka_unit_test(without_factors_nothing_is_scaled),
    };
    return cmocka_run_group_tests_name("tech_price", tests, NULL, NULL);
}
