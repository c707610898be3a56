/* imcsim breakdown: presets, stored results, bad input. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/cost/macro.h"
#include "cli/command.h"
#include "cli/macro_report.h"
#include "report/price_report.h"
#include "report/report.h"
#include "study/pricing.h"
#include "study/stored.h"
#include "test/cli_rig.h"
#include "test/tmpdir.h"

static void assert_near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%.9g, want %.9g within %g", got, want, tolerance);
}

static void simulate(struct study *s, struct run_result *r, const char *path)
{
    const struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE, .jobs = 1 };
    struct err_msg m;

    if (study_load(s, path, NULL, 0, &m) || run(&s->plan, &cfg, r, &m))
        fail_msg("%s", m.text);
}

static char *priced(const struct study *s, const struct run_result *r)
{
    struct price_report price;
    struct err_msg m;
    char *text;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    if (pricing(&price, s, r, &m))
        fail_msg("%s", m.text);
    struct table *blocks = price_block_table(&price), *items = price_item_table(&price);
    assert_int_equal(table_print(blocks, TABLE_CSV, out, &m), ERR_NONE);
    assert_int_equal(table_print(items, TABLE_CSV, out, &m), ERR_NONE);
    table_free(blocks);
    table_free(items);
    fclose(out);
    price_report_release(&price);
    return text;
}

/* The run of a preset as the document that `run --json` writes. */
static void store(const char *dir, const char *preset, char path[TMPDIR_PATH_MAX], char **text)
{
    struct study s;
    struct run_result r;
    struct err_msg m;

    simulate(&s, &r, preset);
    struct report report = { .study = &s, .result = &r, .host = { .jobs = 1, .wall_s = 1 } };
    FILE *out = fopen(tmpdir_path(path, dir, "run.json"), "w");
    assert_non_null(out);
    assert_int_equal(report_json(&report, out, &m), ERR_NONE);
    fclose(out);
    *text = priced(&s, &r);
    run_result_release(&r);
    study_release(&s);
}

static void every_preset_is_priced(void **state)
{
    (void)state;
    static const char *const presets[] = { "configs/dazzi2021_14nm.yaml",
                                           "configs/hermes_14nm.yaml",
                                           "configs/isaac_pulses_32nm.yaml" };

    for (size_t i = 0; i < 3; i++) {
        struct study s;
        struct run_result r;

        simulate(&s, &r, presets[i]);
        free(priced(&s, &r));
        run_result_release(&r);
        study_release(&s);
    }
}

static void a_stored_result_prices_to_the_same_bytes(void **state)
{
    char path[TMPDIR_PATH_MAX], *want, *got;
    struct options o = { .operand = path };
    struct study s;
    struct run_result r;
    struct err_msg m;

    store(*state, "configs/hermes_14nm.yaml", path, &want);
    assert_true(stored_is(path));
    if (stored_load(&s, &r, o.operand, o.set, o.n_set, &m))
        fail_msg("%s", m.text);
    got = priced(&s, &r);
    assert_string_equal(want, got);
    free(got);
    run_result_release(&r);
    study_release(&s);

    const char *set[] = { "energy.technology=22nm_lp" };
    o.set = set;
    o.n_set = 1;
    if (stored_load(&s, &r, o.operand, o.set, o.n_set, &m))
        fail_msg("%s", m.text);
    got = priced(&s, &r);
    assert_string_not_equal(want, got);
    free(got);
    free(want);
    run_result_release(&r);
    study_release(&s);
}

/* The trained network on an image whose pixels are all alike, or on none (-1). */
static void price_grey(struct price_report *price, struct run_result *r, const char *dir, int grey)
{
    static const char *const set[] = { "energy.chip=dazzi2021_14nm", "energy.device=pcm",
                                       "energy.technology=14nm_lp" };
    struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE, .jobs = 1 };
    char path[TMPDIR_PATH_MAX], record[1 + 3 * 32 * 32] = { 0 }; // CIFAR-10: label, planes
    struct study s;
    struct err_msg m;

    if (grey >= 0) {
        memset(record + 1, grey, sizeof record - 1);
        tmpdir_write(dir, "grey.bin", record, sizeof record);
        cfg.images = tmpdir_path(path, dir, "grey.bin");
    }
    if (study_load(&s, "configs/resnet32_fmnist.yaml", set, 3, &m) || run(&s.plan, &cfg, r, &m) ||
        pricing(price, &s, r, &m))
        fail_msg("%s", m.text);
    study_release(&s);
}

static void a_run_with_values_is_priced_by_them(void **state)
{
    /* V_supply V_read (25 uS / 127) (90 ns / 255), fitted factor: pJ per |x| |w| */
    const double lsb2_pj = 0.8 * 0.2 * (25. / 127) * (90. / 255) * 1e-3 * 1.52556;
    struct price_report dark, light, none;
    struct run_result of_dark, of_light, of_none;

    price_grey(&dark, &of_dark, *state, 0);
    price_grey(&light, &of_light, *state, 200);
    price_grey(&none, &of_none, *state, -1);
    assert_true(dark.values && light.values && !none.values);
    for (uint32_t i = 0; i < dark.n_core; i++) {
        const struct core_counters *d = &of_dark.core[i], *l = &of_light.core[i];
        const int64_t *dark_pj = dark.core[i].energy_pj, *light_pj = light.core[i].energy_pj;
        double xw = (double)l->sum_abs_xw - (double)d->sum_abs_xw, x = (double)l->sum_abs_x;

        assert_true(xw != 0);
        assert_near((double)(light_pj[PRICE_CROSSBAR] - dark_pj[PRICE_CROSSBAR]), xw * lsb2_pj,
                    1 + 1e-6 * fabs(xw * lsb2_pj));
        /* 256 clocks for 255; without values 128 for every row */
        assert_near((double)light_pj[PRICE_INPUT_DRIVERS],
                    (double)none.core[i].energy_pj[PRICE_INPUT_DRIVERS] * x * (256. / 255) /
                        (128 * (double)l->driven_rows), 2);
        for (unsigned b = PRICE_ADC; b < N_PRICE_BLOCK; b++)
            assert_true(light_pj[b] == none.core[i].energy_pj[b] && dark_pj[b] == light_pj[b]);
    }
    price_report_release(&dark);
    price_report_release(&light);
    price_report_release(&none);
    run_result_release(&of_dark);
    run_result_release(&of_light);
    run_result_release(&of_none);
}

static void assert_says(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void the_text_of_a_priced_run_says_what_its_energy_rests_on(void **state)
{
    char *text = succeed(*state, "run configs/dazzi2021_14nm.yaml --json @/run.json"), part[128];
    json_t *doc = json_of(*state, "breakdown @/run.json --json -"), *value;
    json_t *blocks = at(doc, "energy.blocks");
    const char *key;
    double calibrated = 0;

    snprintf(part, sizeof part, "An image takes %.3f nJ on dazzi2021_14nm, 14nm_lp, pcm: ",
             number_at(doc, "energy.total_nj_per_image"));
    assert_says(text, part);
    snprintf(part, sizeof part, "\nleakage. %.4g TOPS/W delivered (one core at work all the time: "
             "%.4g), %.3f mm2.\n", number_at(doc, "energy.tops_per_w"),
             number_at(doc, "energy.peak.tops_per_w"), number_at(doc, "area.total_mm2"));
    assert_says(text, part);
    json_object_foreach(at(doc, "energy.basis"), key, value)
        if (strcmp(json_string_value(value), "calibrated") == 0)
            calibrated += number_at(blocks, key) + number_at(at(doc, "energy.leakage"), key);
    snprintf(part, sizeof part, "%.1f %%  calibrated: crossbar, input memory, dataflow controller, "
             "links\n", 100 * calibrated / number_at(doc, "energy.total_nj_per_image"));
    assert_says(text, part);
    assert_says(text, "%  cited: converters\n");
    assert_says(text, "%  predicted: input drivers, digital processor, clock\n");
    free(text);
    json_decref(doc);

    text = succeed(*state, "run configs/isaac_32nm.yaml --set energy.technology=22nm_lp");
    assert_null(strstr(text, "%  calibrated"));
    assert_says(text, "Note: figures of 32 nm scaled to 22nm_lp");
    free(text);
    text = succeed(*state, "run configs/resnet32.yaml");
    assert_null(strstr(text, "TOPS/W"));
    free(text);
}

static void refuse(const char *dir, const char *text, const char *part)
{
    char path[TMPDIR_PATH_MAX];
    struct options o = { .operand = tmpdir_path(path, dir, "bad.json") };
    struct study s;
    struct run_result r;
    struct err_msg m;

    tmpdir_write(dir, "bad.json", text, strlen(text));
    assert_int_equal(stored_load(&s, &r, o.operand, o.set, o.n_set, &m), ERR_INPUT);
    if (!strstr(m.text, part))
        fail_msg("\"%s\" does not say \"%s\"", m.text, part);
}

static void documents_that_are_no_results_are_refused(void **state)
{
    refuse(*state, "{", "bad.json:1");
    refuse(*state, "[]", "format = (none)");
    refuse(*state, "{\"format\": \"imcsim-run/1\"}", "no config");
    refuse(*state, "{\"format\": \"imcsim-run/1\", \"config\": {}}", "core_list");
    refuse(*state, "{\"format\": \"imcsim-run/1\", \"config\": {\"speed\": 1}}", "speed");
    refuse(*state, "{\"format\": \"imcsim-run/1\", \"config\": {\"clock_mhz\": -3}}",
           "bad.json: config: clock_mhz = -3: want a whole number from 1");
}

/* Loads and prices hermes' result after one of its counters became `value` (NULL: is gone). */
static enum err price_edited(const char *dir, const char *counter, json_t *value, struct err_msg *m)
{
    char path[TMPDIR_PATH_MAX], *bytes;
    struct options o = { .operand = path };
    struct price_report price;
    struct study s;
    struct run_result r;
    json_error_t error;

    store(dir, "configs/hermes_14nm.yaml", path, &bytes);
    free(bytes);
    json_t *doc = json_load_file(path, 0, &error);
    json_t *counters = at(json_array_get(at(doc, "core_list"), 3), "counters");
    if (value)
        json_object_set_new(counters, counter, value);
    else
        json_object_del(counters, counter);
    assert_int_equal(json_dump_file(doc, path, 0), 0);
    json_decref(doc);
    enum err e = stored_load(&s, &r, o.operand, o.set, o.n_set, m);
    if (e)
        return e;
    e = pricing(&price, &s, &r, m);
    price_report_release(&price);
    run_result_release(&r);
    study_release(&s);
    return e;
}

static void counters_that_cannot_be_are_refused_with_their_core(void **state)
{
    struct err_msg m;

    for (const struct counter *c = core_counter_rows; c->name; c++) {
        char want[96];

        if (c->offset >= offsetof(struct core_counters, reads))
            continue; // written where reads are configured only
        snprintf(want, sizeof want, "core_list[3].counters.%s is missing: want a whole", c->name);
        assert_int_equal(price_edited(*state, c->name, NULL, &m), ERR_INPUT);
        assert_says(m.text, want);
    }
    assert_int_equal(price_edited(*state, "firings", json_integer(-1), &m), ERR_INPUT);
    assert_says(m.text, "core_list[3].counters.firings = -1: want a whole number from 0");
    assert_int_equal(price_edited(*state, "firings", json_real(1.5), &m), ERR_INPUT);
    assert_says(m.text, "core_list[3].counters.firings: want a whole number from 0");
    assert_int_equal(price_edited(*state, "conversions", json_integer(INT64_MAX), &m), ERR_INPUT);
    assert_says(m.text, "core conv4: ");
    assert_says(m.text, " pJ an image: want at most 1e+13");
    /* the most that fits does: 34 pJ for each of 2e11 conversions */
    assert_int_equal(price_edited(*state, "conversions", json_integer(200000000000), &m), ERR_NONE);
}

static void a_stored_result_is_not_run_again(void **state)
{
    char path[TMPDIR_PATH_MAX];
    struct options o = { .operand = tmpdir_path(path, *state, "none.json"), .count = 1, .jobs = 1 };
    struct study s;
    struct run_result r;
    struct err_msg m;

    assert_int_equal(command_breakdown.run(&o, &m), ERR_INPUT);
    assert_says(m.text, "none.json: a stored result is not run again");
    o = (struct options){ .operand = path, .images = "x", .jobs = 1 };
    assert_int_equal(command_breakdown.run(&o, &m), ERR_INPUT);
    assert_says(m.text, "want no --images and no --count");
    assert_int_equal(stored_load(&s, &r, path, NULL, 0, &m), ERR_INPUT);
    assert_says(m.text, "unable to open");
}

static void a_hundred_nanoseconds_are_too_short_for_hermes(void **state)
{
    (void)state;
    const char *set[] = { "clocking.timestep_ns=100" };
    struct study s;
    struct err_msg m;

    assert_int_equal(study_load(&s, "configs/hermes_14nm.yaml", set, 1, &m), ERR_INPUT);
    assert_non_null(strstr(m.text, "130"));
}

static void without_costs_there_is_no_energy(void **state)
{
    (void)state;
    struct study s;
    struct run_result r;
    struct price_report price;
    struct err_msg m;

    simulate(&s, &r, "configs/resnet32.yaml");
    assert_false(pricing_wanted(&s.config));
    assert_int_equal(pricing(&price, &s, &r, &m), ERR_INPUT);
    assert_non_null(strstr(m.text, "energy.chip = none: want composed, or a file"));
    run_result_release(&r);
    study_release(&s);
}

/* Pulses are as long as the inputs' mean; bits of 1 raise lines, a switch is clocked without. */
static void a_stated_mean_input_is_what_drivers_are_priced_by(void **state)
{
    static const char *const machine[] = { "configs/dazzi2021_14nm.yaml",
                                           "configs/neurosim_resnet32_22nm.yaml" };
    static const char *const mean[] = { "0", "0.125", "0.25", "0.5" };

    for (size_t i = 0; i < 2; i++) {
        double nj[4];

        for (size_t k = 0; k < 4; k++) {
            char arguments[256];

            snprintf(arguments, sizeof arguments, "breakdown %s --set energy.mean_input=%s "
                     "--format json", machine[i], mean[k]);
            json_t *doc = json_of(*state, arguments);
            nj[k] = number_at(doc, "energy.blocks.input_drivers");
            json_decref(doc);
        }
        assert_near(nj[3] - nj[2], 2 * (nj[2] - nj[1]), 0.2); // half a pJ of rounding a core
        assert_true(nj[2] > 1.1 * nj[1]);
        assert_near(nj[0], nj[3], 1e-9 * nj[0]); // both files state a half
        if (i == 0)
            assert_near(nj[3], 2 * nj[2], 0.2);
    }
}

static void clocks_stop_where_the_configuration_says(void **state)
{
    static const char *const blocks[] = { "crossbar", "input_drivers", "adc", "digital",
                                          "input_memory", "links", "dataflow_controller", "clock" };
    json_t *core = json_of(*state, "breakdown configs/dazzi2021_14nm.yaml --format json");
    json_t *gated = json_of(*state, "breakdown configs/dazzi2021_14nm.yaml --format json "
                                    "--set energy.clock_gating=register");

    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        double by_core = json_number_value(json_object_get(at(core, "energy.blocks"), blocks[i]));
        double by_register = json_number_value(json_object_get(at(gated, "energy.blocks"),
                                                               blocks[i]));
        assert_true(i < 6 ? by_register == by_core : by_register < 0.5 * by_core);
    }
    json_decref(core);
    json_decref(gated);
}

static void the_macro_is_shown_by_module(void **state)
{
    char path[TMPDIR_PATH_MAX], line[512];
    struct options o = { .operand = "configs/rram40_macro.yaml",
                         .csv = tmpdir_path(path, *state, "macro.csv") };
    unsigned n = 0, said[3] = { 0 };
    struct err_msg m;

    assert_true(macro_is(o.operand));
    assert_false(macro_is("configs/hermes_14nm.yaml"));
    assert_int_equal(macro_report(&o, &m), ERR_NONE);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    for (; fgets(line, sizeof line, in); n++) {
        said[0] += strstr(line, ",cited,,\n") != NULL; // without a prediction
        said[1] += strstr(line, ",predicted,") != NULL && n > 0;
        said[2] += strstr(line, ",calibrated,") != NULL;
    }
    fclose(in);
    assert_int_equal(n, 1 + 2 * N_MACRO_MODULE + 3);
    assert_int_equal(said[0], 5);  // its mux and converter, and energy of what is analog
    assert_int_equal(said[1], 10); // areas of cells and of the array
    assert_int_equal(said[0] + said[1] + said[2], n - 1);

    o.svg = "macro.svg";
    assert_int_equal(macro_report(&o, &m), ERR_INPUT);
}

static void refuse_macro(const char *dir, const char *text, const char *part)
{
    char path[TMPDIR_PATH_MAX];
    struct macro_preset p;
    struct err_msg m;

    tmpdir_path(path, dir, "macro.yaml");
    tmpdir_write(dir, "macro.yaml", text, strlen(text));
    assert_int_equal(macro_load(&p, path, &m), ERR_INPUT);
    if (!strstr(m.text, part))
        fail_msg("\"%s\" does not say \"%s\"", m.text, part);
}

static void macros_that_lack_a_part_are_refused(void **state)
{
    refuse_macro(*state, "", "calibration and macro are missing: want them all");
    refuse_macro(*state, "[macro]", "calibration and macro are missing: want them all");
    refuse_macro(*state, "macro: {supply_v: {value: 0.9, source: x}}",
                 "calibration, macro.size_ratio, macro.gate_ff_um, macro.junction_ff_um2, "
                 "macro.junction_side_ff_um and macro.junction_channel_ff_um are missing");
    refuse_macro(*state, "calibration: c\nmacro: {supply_v: {value: 1, source: x}}", "size_ratio");
    refuse_macro(*state, "calibration: c\nmacro: {}\nspeed: 1", "unknown key speed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_preset_is_priced),
        cmocka_unit_test_setup_teardown(counters_that_cannot_be_are_refused_with_their_core,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(a_stored_result_is_not_run_again, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(a_stored_result_prices_to_the_same_bytes, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(a_run_with_values_is_priced_by_them, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(the_text_of_a_priced_run_says_what_its_energy_rests_on,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(documents_that_are_no_results_are_refused, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test(a_hundred_nanoseconds_are_too_short_for_hermes),
        cmocka_unit_test(without_costs_there_is_no_energy),
        cmocka_unit_test_setup_teardown(a_stated_mean_input_is_what_drivers_are_priced_by,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(clocks_stop_where_the_configuration_says, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(the_macro_is_shown_by_module, tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(macros_that_lack_a_part_are_refused, tmpdir_make,
                                        tmpdir_remove),
    };
    return cmocka_run_group_tests_name("breakdown", tests, NULL, NULL);
}
