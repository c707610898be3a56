/* energy.chip = composed: the array of a core is the sub-array that the configuration states, and a
 * run pays for what it counts. What sub_array() gives is held against its program elsewhere
 * (test_tech_sub_array); here it is the oracle. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/circuits/pulse_driver.h"
#include "arch/circuits/sram.h"
#include "arch/circuits/sub_array.h"
#include "study/pricing.h"
#include "study/run.h"
#include "study/study.h"
#include "test/plan_rig.h"
#include "test/tech_rig.h"

static struct chip_model load_chip(const char *technology, const char *device, enum adc_kind adc)
{
    struct chip_model c;
    struct err_msg m;

    if (chip_model_load(&c, technology, device, "composed", &m))
        fail_msg("%s", m.text);
    c.adc = adc;
    return c;
}

/* Bit-serial: weights of 8 bits in `cells` cells, 8 bits of the inputs one after the other. */
static struct core_hardware serial(uint32_t n, uint32_t cells, uint32_t rows_at_once)
{
    return (struct core_hardware){
        .rows = n, .columns = n, .words = 512, .word_bits = 128, .lanes = 64, .mvm_ns = 1e4,
        .clock_ns = 2, .value_bits = 8, .weight_bits = 8, .kernel_columns = 3,
        .pixel_channels = 56,
        .array = { .slices = 8, .slice_bits = 1, .rows_at_once = rows_at_once,
                   .columns_per_adc = 8, .adc_bits = 5, .columns_per_weight = cells, .devices = 1,
                   .cell_bits = 8 / cells, .read_ns = 10 },
    };
}

static struct sub_array twin(const struct chip_model *c, const struct core_hardware *h)
{
    double on_us = 1e6 / c->device.r_on_ohm, off_us = 1e6 / c->device.r_off_ohm;
    unsigned at_once = h->array.rows_at_once ? h->array.rows_at_once : h->rows;
    struct sub_array_cfg cfg = {
        .rows = h->rows, .columns = h->columns, .rows_at_once = at_once, .columns_per_adc = 8,
        .levels = 32, .converter = c->adc, .weight_bits = 8,
        .cells_per_weight = h->array.columns_per_weight, .input_bits = 8, .active = 0.5,
        .sum_bits = 5 + (unsigned)ceil(log2(ceil((double)h->rows / at_once))),
        .on_share = c->device.sram ? 0.5 : (c->device.mean_us - off_us) / (on_us - off_us),
    };
    struct calibration cal = calibration_none();
    struct sub_array s;
    struct err_msg m;

    cal.adder_activity = 0.15 * (1 - pow(1 - cfg.active * cfg.on_share, at_once));
    cal.dff_activity = 0.5;
    if (sub_array(&c->technology, &c->device, &cfg, &cal, &s, &m))
        fail_msg("%s", m.text);
    return s;
}

static struct core_unit unit_of(const struct chip_model *c, const struct core_hardware *h)
{
    struct core_unit u;
    struct err_msg m;

    if (core_unit(c, h, &u, &m))
        fail_msg("%s", m.text);
    return u;
}

/* Eight bits of the inputs, half of them 1: eight times the sub-array's energy of a bit, but that a
 * word line goes up once a read and not for each of the eight columns of a converter. */
static void a_product_takes_what_its_sub_array_takes(void **state)
{
    static const struct {
        const char *technology, *device;
        enum adc_kind adc;
        uint32_t cells;
    } t[] = {
        { "22nm_lp", "pcm_4bit", CONVERTER_CSA, 2 }, { "22nm_lp", "sram", CONVERTER_CSA, 8 },
        { "32nm_hp", "rram_2bit", CONVERTER_SAR, 4 }, { "7nm_lp", "sram", CONVERTER_VSA, 8 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof *t; i++)
        for (uint32_t at_once = 0; at_once <= 32; at_once += 32) {
            struct chip_model c = load_chip(t[i].technology, t[i].device, t[i].adc);
            struct core_hardware h = serial(128, t[i].cells, at_once);
            struct core_unit u = unit_of(&c, &h), none = { 0 };
            struct sub_array s = twin(&c, &h);
            const struct circuit *b = s.block;
            double reads = at_once ? 4 : 1;
            struct core_peak p = core_peak(&h, &u);

            CHECK_NEAR(p.energy_pj[PRICE_CROSSBAR], 8 * b[BLOCK_ARRAY].energy_pj / 8, 1e-9);
            CHECK_NEAR(p.energy_pj[PRICE_INPUT_DRIVERS], 8 * b[BLOCK_ROW_SWITCH].energy_pj / 8,
                       1e-9);
            CHECK_NEAR(p.energy_pj[PRICE_ADC],
                       8 * (b[BLOCK_ADC].energy_pj +
                            reads * (b[BLOCK_MUX].energy_pj + b[BLOCK_MUX_DECODER].energy_pj)),
                       1e-9);
            u.scale = u.round = 0; // shift-and-adds alone
            CHECK_NEAR(core_peak(&h, &u).energy_pj[PRICE_DIGITAL],
                       8 * (b[BLOCK_PARTIAL_ADD].energy_pj + b[BLOCK_SHIFT_ADD_WEIGHT].energy_pj +
                            b[BLOCK_SHIFT_ADD_INPUT].energy_pj), 1e-9);
            CHECK_NEAR(u.array_ns, 8 * s.clocks * s.clock_ns, 1e-9);
            assert_memory_equal(&u.cell, &none.cell, sizeof u.cell); // is in the converter's fit
        }
}

static void an_array_has_the_area_and_leakage_of_its_box(void **state)
{
    (void)state;
    struct chip_model c = load_chip("22nm_lp", "pcm_4bit", CONVERTER_CSA);
    struct core_hardware h = serial(256, 2, 0), one = h;
    struct core_unit u, idle;
    struct sub_array s = twin(&c, &h);

    one.lanes = 1;
    h.lanes = 2; // lanes and adders share a block: the difference is a lane's
    u = unit_of(&c, &h);
    idle = unit_of(&c, &one);
    double lane_um2 = u.area_um2[PRICE_DIGITAL] - idle.area_um2[PRICE_DIGITAL];
    double lane_uw = u.leakage_uw[PRICE_DIGITAL] - idle.leakage_uw[PRICE_DIGITAL];
    CHECK_NEAR(u.area_um2[PRICE_CROSSBAR] + u.area_um2[PRICE_INPUT_DRIVERS] +
               u.area_um2[PRICE_ADC] + u.area_um2[PRICE_DIGITAL] - 2 * lane_um2, s.box_um2, 1e-9);
    CHECK_NEAR(u.leakage_uw[PRICE_CROSSBAR] + u.leakage_uw[PRICE_INPUT_DRIVERS] +
               u.leakage_uw[PRICE_ADC] + u.leakage_uw[PRICE_DIGITAL] - 2 * lane_uw, s.leakage_uw,
               1e-9);
}

/* The plain array: one pulse of 8 bits, differential pairs, a SAR of 8 bits behind each column. It
 * takes 9 ns, which leaves 91 of 100: 0.8 V * 0.2 V * 2 * 2.5 uS * 45.5 ns. */
static void a_plain_array_conducts_for_what_its_converter_leaves(void **state)
{
    (void)state;
    struct chip_model c = load_chip("14nm_lp", "pcm", CONVERTER_SAR);
    struct core_hardware h = { .rows = 256, .columns = 256, .words = 512, .word_bits = 128,
                               .lanes = 64, .mvm_ns = 100, .clock_ns = 2, .value_bits = 8,
                               .weight_bits = 8, .kernel_columns = 3, .pixel_channels = 56 };
    struct core_unit u = unit_of(&c, &h);

    CHECK_NEAR(u.cell, 0.8 * 0.2 * 2 * 2.5 * 45.5e-3, 1e-9);
    CHECK_NEAR(u.cell_lsb2 * 127 * 255, 0.8 * 0.2 * 25 * 91e-3, 1e-9); // 25 uS, the longest pulse
    CHECK_NEAR(u.row_digits * u.driver_digit, pulse_driver(&c.technology, 8, 0.5).energy_pj, 1e-9);
    CHECK_NEAR(u.driver_digit * 255, pulse_driver(&c.technology, 8, 1).energy_pj, 1e-9);
    CHECK_NEAR(u.latency_ns[PRICE_CROSSBAR] + u.latency_ns[PRICE_ADC], 100, 1e-9);
    for (unsigned b = 0; b < N_PRICE_BLOCK; b++)
        assert_string_equal(price_basis(&c, (enum price_block)b), "predicted");
}

/* Counters that no two have, of one core of a bit-serial machine, priced by hand. */
static void a_core_pays_for_each_of_its_counts(void **state)
{
    static const char *const set[] = {
        "core.crossbar.cell=sliced", "core.crossbar.cell_bits=2",
        "core.crossbar.input_slice_bits=1",
        "core.readout.kind=adc", "core.readout.bits=5", "core.readout.columns_per_adc=8",
        "core.crossbar.columns=512", "energy.chip=composed", "energy.device=rram_2bit",
        "energy.technology=22nm_lp", "energy.converter=csa", "chip.cores=200", NULL };
    struct plan_rig r;
    struct chip_model c;
    struct err_msg m;

    (void)state;
    if (rig_make(&r, set) || pricing_load(&c, &r.config, &r.network, &m))
        fail_msg("%s", r.msg.text);
    struct core_counters *core = calloc(r.plan.n_core, sizeof *core);
    uint64_t *bits = calloc(r.plan.n_stream, sizeof *bits);
    for (unsigned values = 0; values <= 1; values++) {
        struct core_counters n = { .firings = 1000, .driven_rows = 70001, .active_rows = 30011,
                                   .sum_abs_x = values * 100003, .sum_abs_xw = values * 9000011,
                                   .sum_digits = values * 90007,
                                   .conversions = 500009, .reads = 8000, .shift_adds = 400009 };
        struct price_run run = { core, bits, 1, 1, 0, 0, values != 0, 0, NULL };
        struct price_report q;
        core[0] = n;
        if (price(&c, &r.plan, &run, &q, &m))
            fail_msg("%s", m.text);
        struct core_hardware h = serial(256, 8, 0);
        h.columns = 512;
        h.array.cell_bits = 2;
        h.density = values ? 90007. / (8 * 70001) : 0.5;
        struct core_unit u = unit_of(&c, &h);
        double ones = values ? 90007 : 70001 * 4;
        CHECK_NEAR((double)q.core[0].energy_pj[PRICE_CROSSBAR], ones * u.line_digit, 1e-3);
        CHECK_NEAR((double)q.core[0].energy_pj[PRICE_INPUT_DRIVERS],
                   70001 * u.row_clocked + ones * u.driver_digit, 1e-3);
        CHECK_NEAR((double)q.core[0].energy_pj[PRICE_ADC], 500009 * u.conversion, 1e-3);
        CHECK_NEAR((double)q.core[0].energy_pj[PRICE_DIGITAL], 400009 * u.shift_add, 1e-3);
        assert_int_equal(q.core[0].shift_add_pj, q.core[0].energy_pj[PRICE_DIGITAL]);
        assert_int_equal(q.total.shift_add_pj, q.core[0].shift_add_pj);
        price_report_release(&q);
    }
    free(core);
    free(bits);
    rig_release(&r);
}

/* Joined arrays are read together: what two of 128 rows take is what one of 256 takes. */
static void joined_arrays_cost_what_one_of_all_their_rows_does(void **state)
{
    static const char *const set[2][12] = {
        { "core.crossbar.rows=128", "fabric.partial_sum=analog", "core.crossbar.cell=sliced",
          "core.crossbar.cell_bits=1", "core.crossbar.input_slice_bits=1", "core.readout.kind=adc",
          "core.readout.bits=5", "energy.chip=composed", "energy.device=rram_4bit",
          "core.crossbar.columns=512", "chip.cores=400", NULL },
        { "core.crossbar.rows=256", "core.crossbar.cell=sliced",
          "core.crossbar.cell_bits=1", "core.crossbar.input_slice_bits=1", "core.readout.kind=adc",
          "core.readout.bits=5", "energy.chip=composed", "energy.device=rram_4bit",
          "core.crossbar.columns=512", "chip.cores=400", NULL } };
    struct price_report q[2];
    struct plan_rig r[2];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct chip_model c;
        struct err_msg m;

        if (rig_make(&r[i], set[i]) || pricing_load(&c, &r[i].config, &r[i].network, &m))
            fail_msg("%s%s", r[i].msg.text, m.text);
        struct core_counters *core = calloc(r[i].plan.n_core, sizeof *core);
        uint64_t *bits = calloc(r[i].plan.n_stream, sizeof *bits);
        core[1] = (struct core_counters){ .firings = 1000, .driven_rows = 144000,
                                          .conversions = 129000, .reads = 8000,
                                          .shift_adds = 100000 };
        struct price_run run = { core, bits, 1, 1, 0, 0, false, 0, NULL };
        if (price(&c, &r[i].plan, &run, &q[i], &m))
            fail_msg("%s", m.text);
        free(core);
        free(bits);
    }
    assert_int_equal(r[0].plan.core[1].arrays, 2); // 144 rows
    for (unsigned b = 0; b <= PRICE_DIGITAL; b++) {
        assert_true(q[0].core[1].area_um2[b] > 0);
        assert_int_equal(q[0].core[1].area_um2[b], q[1].core[1].area_um2[b]);
        assert_int_equal(q[0].core[1].energy_pj[b], q[1].core[1].energy_pj[b]);
        assert_true(q[0].core[0].area_um2[b] <= q[0].core[1].area_um2[b]); // 27 rows: one of 128
    }
    assert_true((double)q[0].core[0].area_um2[PRICE_INPUT_DRIVERS] <
                0.6 * (double)q[0].core[1].area_um2[PRICE_INPUT_DRIVERS]);
    for (unsigned i = 0; i < 2; i++) {
        price_report_release(&q[i]);
        rig_release(&r[i]);
    }
}

/* A bit of SRAM is its share of a word as long as the array's row, in a memory of its rows. */
static void a_cell_is_programmed_as_its_device_says(void **state)
{
    struct chip_model c = load_chip("22nm_lp", "sram", CONVERTER_SAR);
    struct chip_model pcm = load_chip("22nm_lp", "pcm_4bit", CONVERTER_SAR);
    struct core_hardware h = serial(256, 8, 0);
    struct sram_cfg cfg = { 256, 256 };
    struct activity all = ACTIVITY_ALL;

    (void)state;
    double want = sram_complete(sram(&c.technology, &cfg, &all)).write_pj / 256;
    h.columns = 256;
    CHECK_NEAR(unit_of(&c, &h).program, want, 1e-12);
    CHECK_NEAR(unit_of(&pcm, &h).program, 200, 1e-12); // its file
}

/* 400 inputs are four arrays of 128 rows; a sign is one amplifier a column. */
static void signs_of_joined_arrays_are_a_comparator_a_column(void **state)
{
    static const char *const set[] = { "energy.chip=composed", "energy.converter=csa",
                                       "energy.technology=22nm_lp", "energy.device=rram_4bit" };
    struct chip_model c = load_chip("22nm_lp", "rram_4bit", CONVERTER_CSA);
    const struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE, .jobs = 1 };
    struct core_hardware h = serial(512, 1, 0);
    struct price_report q;
    struct run_result r;
    struct study s;
    struct err_msg m;

    (void)state;
    h.columns = 128;
    h.value_bits = 1;
    h.array = (struct array_hardware){ .slices = 1, .slice_bits = 1, .columns_per_adc = 1,
                                       .adc_bits = 1, .columns_per_weight = 1, .devices = 1,
                                       .cell_bits = 1 };
    if (study_load(&s, "lee2020_reram_bnn", set, 4, &m) || run(&s.plan, &cfg, &r, &m) ||
        pricing(&q, &s, &r, &m))
        fail_msg("%s", m.text);
    const struct core_unit u = unit_of(&c, &h);
    CHECK_NEAR((double)q.core[0].area_um2[PRICE_ADC], u.area_um2[PRICE_ADC], 1e-3);
    CHECK_NEAR((double)q.core[0].area_um2[PRICE_INPUT_DRIVERS], u.area_um2[PRICE_INPUT_DRIVERS],
               1e-3);
    price_report_release(&q);
    run_result_release(&r);
    study_release(&s);
}

/* What a bit of 1 takes of word line and switch is its own; a converter takes less of a column that
 * conducts less, an adder nothing of codes that are 0. */
static void zeros_save_what_their_circuits_do_not_do(void **state)
{
    static const double density[] = { 0.001, 0.01, 0.1, 0.3, 0.6, 1 };
    enum { N = sizeof density / sizeof *density };
    struct chip_model c = load_chip("22nm_lp", "pcm_4bit", CONVERTER_SAR);
    struct core_hardware h = serial(128, 2, 16);
    struct core_unit u[N];

    (void)state;
    for (size_t i = 0; i < N; i++) {
        h.density = density[i];
        u[i] = unit_of(&c, &h);
    }
    double slope = (u[5].conversion - u[0].conversion) / (1 - 0.001);
    for (size_t i = 0; i < N; i++) {
        double row_pf = 128 * 12 * 0.022 * c.technology.wire_pf_um;

        /* of a word line its wire alone; gates of cells come on top */
        assert_true(u[i].line_digit > row_pf * 0.85 * 0.85 && u[i].line_digit < 10 * row_pf);
        CHECK_NEAR(u[i].line_digit, u[0].line_digit, 1e-9);
        CHECK_NEAR(u[i].driver_digit, u[0].driver_digit, 1e-9);
        CHECK_NEAR(u[i].row_clocked, u[0].row_clocked, 1e-6);
        CHECK_NEAR(u[i].row_digits, 8 * density[i], 1e-12);
        /* a SAR converter: a line in what the column conducts, 1 / column_kohm */
        CHECK_NEAR(u[i].conversion, u[0].conversion + slope * (density[i] - 0.001), 1e-9);
        assert_true(i == 0 || u[i].shift_add > u[i - 1].shift_add);
    }
    /* registers take the clock even of zeros */
    assert_true(u[0].shift_add > 0.1 * u[5].shift_add);
}

static void every_machine_has_finite_costs(void **state)
{
    static const char *const nodes[] = { "130nm_lp", "90nm_hp", "65nm_lp", "45nm_hp", "32nm_lp",
                                         "22nm_hp", "22nm_lp_400k", "14nm_lp", "10nm_lp", "7nm_lp",
                                         "5nm_lp", "3nm_lp", "2nm_lp", "1nm_lp" };
    static const char *const devices[] = { "rram_4bit", "fefet_4bit", "sram" };
    unsigned n = 0;

    (void)state;
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
        for (size_t d = 0; d < 3; d++)
            for (enum adc_kind k = CONVERTER_CSA; k <= CONVERTER_CCO; k++)
                for (unsigned bits = 1; bits <= 8; bits += 7) {
                    struct chip_model c = load_chip(nodes[i], devices[d], k);
                    struct core_hardware h = serial(128, 8, 0);
                    struct core_unit u;
                    struct err_msg m;

                    h.array.slice_bits = bits;
                    h.array.slices = 8 / bits;
                    h.array.cell_bits = 1;
                    if (core_unit(&c, &h, &u, &m)) {
                        assert_true(bits == 8); // pulses into cells or amplifiers that take none
                        assert_non_null(strstr(m.text, "core.crossbar.input_slice_bits = 1"));
                        continue;
                    }
                    double sum = 0;
                    for (unsigned b = 0; b < N_PRICE_BLOCK; b++) {
                        assert_true(isfinite(u.area_um2[b]) && u.area_um2[b] >= 0);
                        assert_true(isfinite(u.leakage_uw[b]) && u.leakage_uw[b] >= 0);
                        sum += u.area_um2[b];
                    }
                    struct core_peak p = core_peak(&h, &u);
                    CHECK_NEAR(p.area_um2, sum, 1e-12);
                    for (unsigned b = 0; b <= PRICE_DIGITAL; b++)
                        assert_true(isfinite(p.energy_pj[b]) && p.energy_pj[b] > 0);
                    n++;
                }
    assert_int_equal(n, 14 * (3 * 4 + 2 * 2));
}

/* What is priced of two ways to name a device. */
static void a_device_in_a_map_is_priced_as_one_in_a_file(void **state)
{
    static const char *const ways[][2] = {
        { "core.crossbar.device={file: rram_4bit, r_on_ohm: 20000, mean_us: 7}", "batch=1" },
        { "energy.device={file: rram_4bit, r_on_ohm: 20000, mean_us: 7}", "batch=1" },
        { "core.crossbar.device=rram_4bit", "energy.device={file: rram_4bit, r_on_ohm: 20000, "
          "mean_us: 7}" },
        { "energy.device=rram_4bit", "batch=1" }, // another
    };
    struct device twin;
    struct err_msg m;

    (void)state;
    assert_int_equal(device_load(&twin, "configs/devices/rram_4bit.yaml", &m), ERR_NONE);
    twin.r_on_ohm = 20000;
    twin.mean_us = 7;
    for (size_t i = 0; i < 4; i++) {
        const char *const set[] = { "core.crossbar.cell=sliced", "core.crossbar.input_slice_bits=1",
                                    "core.readout.kind=adc", "energy.chip=composed", ways[i][0],
                                    ways[i][1], NULL };
        struct plan_rig r;
        struct chip_model c = { 0 };
        if (rig_make(&r, set) || pricing_load(&c, &r.config, &r.network, &m))
            fail_msg("%s", r.msg.text);
        struct chip_model by_hand = c;
        by_hand.device = twin;
        struct core_hardware h = serial(128, 2, 0);
        struct core_unit u = unit_of(&c, &h), want = unit_of(&by_hand, &h);
        assert_int_equal(u.line_digit == want.line_digit, i < 3);
        assert_int_equal(u.conversion == want.conversion, i < 3);
        rig_release(&r);
    }
}

static void refused(const char *const *set, const char *want)
{
    struct plan_rig r;
    struct chip_model c;
    struct core_unit u;
    struct err_msg m = { "" };
    const struct core_hardware h = { .rows = 256, .columns = 256, .words = 512, .word_bits = 128,
                                     .lanes = 64, .mvm_ns = 100, .clock_ns = 2, .value_bits = 8,
                                     .weight_bits = 8, .kernel_columns = 3, .pixel_channels = 56 };

    rig_config(&r, set);
    rig_family(&r);
    enum err e = pricing_load(&c, &r.config, &r.network, &m);
    if (!e)
        e = core_unit(&c, &h, &u, &m);
    assert_int_equal(e, ERR_INPUT);
    if (!strstr(m.text, want))
        fail_msg("\"%s\" does not say \"%s\"", m.text, want);
    rig_release(&r);
}

static void what_no_circuit_does_is_refused_with_a_cure(void **state)
{
    (void)state;
    refused((const char *const[]){ "energy.chip=composed", "energy.converter=csa", NULL },
            "want core.crossbar.input_slice_bits = 1, or energy.converter = sar");
    refused((const char *const[]){ "energy.chip=composed", "energy.device=sram", NULL },
            "want core.crossbar.input_slice_bits = 1");
    refused((const char *const[]){ "energy.chip=dazzi2021_14nm", "energy.converter=sar", NULL },
            "want energy.converter = auto, or energy.chip = composed");
    refused((const char *const[]){ "energy.chip=dazzi2021_14nm",
                                   "core.crossbar.input_slice_bits=1", NULL },
            "want energy.chip = composed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_product_takes_what_its_sub_array_takes),
        cmocka_unit_test(an_array_has_the_area_and_leakage_of_its_box),
        cmocka_unit_test(a_plain_array_conducts_for_what_its_converter_leaves),
        cmocka_unit_test(a_core_pays_for_each_of_its_counts),
        cmocka_unit_test(a_device_in_a_map_is_priced_as_one_in_a_file),
        cmocka_unit_test(joined_arrays_cost_what_one_of_all_their_rows_does),
        cmocka_unit_test(a_cell_is_programmed_as_its_device_says),
        cmocka_unit_test(signs_of_joined_arrays_are_a_comparator_a_column),
        cmocka_unit_test(zeros_save_what_their_circuits_do_not_do),
        cmocka_unit_test(every_machine_has_finite_costs),
        cmocka_unit_test(what_no_circuit_does_is_refused_with_a_cure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
