/* imcsim breakdown: presets, stored results, bad input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/tech/macro.h"
#include "arch/tech/price_table.h"
#include "cli/macro_report.h"
#include "cli/pricing.h"
#include "cli/report.h"
#include "cli/stored.h"
#include "test/tmpdir.h"

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
    price_print_blocks(&price, PRICE_CSV, out);
    price_print_items(&price, out);
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
                                           "configs/hermes_14nm.yaml", "configs/isaac_32nm.yaml" };

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
    if (stored_load(&s, &r, &o, &m))
        fail_msg("%s", m.text);
    got = priced(&s, &r);
    assert_string_equal(want, got);
    free(got);
    run_result_release(&r);
    study_release(&s);

    const char *set[] = { "energy.technology=22nm_lp" };
    o.set = set;
    o.n_set = 1;
    if (stored_load(&s, &r, &o, &m))
        fail_msg("%s", m.text);
    got = priced(&s, &r);
    assert_string_not_equal(want, got);
    free(got);
    free(want);
    run_result_release(&r);
    study_release(&s);
}

static void refuse(const char *dir, const char *text, const char *part)
{
    char path[TMPDIR_PATH_MAX];
    struct options o = { .operand = tmpdir_path(path, dir, "bad.json") };
    struct study s;
    struct run_result r;
    struct err_msg m;

    tmpdir_write(dir, "bad.json", text, strlen(text));
    assert_int_equal(stored_load(&s, &r, &o, &m), ERR_INPUT);
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
    assert_non_null(strstr(m.text, "energy.chip = none: want a file of configs/chips"));
    run_result_release(&r);
    study_release(&s);
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
        said[0] += strstr(line, ",cited,") != NULL;
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
    refuse_macro(*state, "", "no map `macro`");
    refuse_macro(*state, "[macro]", "no map `macro`");
    refuse_macro(*state, "macro: {supply_v: {value: 0.9, source: x}}", "no calibration");
    refuse_macro(*state, "calibration: c\nmacro: {supply_v: {value: 1, source: x}}", "size_ratio");
    refuse_macro(*state, "calibration: c\nmacro: {}\nspeed: 1", "unknown key speed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_preset_is_priced),
        cmocka_unit_test_setup_teardown(a_stored_result_prices_to_the_same_bytes, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(documents_that_are_no_results_are_refused, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test(a_hundred_nanoseconds_are_too_short_for_hermes),
        cmocka_unit_test(without_costs_there_is_no_energy),
        cmocka_unit_test_setup_teardown(the_macro_is_shown_by_module, tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(macros_that_lack_a_part_are_refused, tmpdir_make,
                                        tmpdir_remove),
    };
    return cmocka_run_group_tests_name("breakdown", tests, NULL, NULL);
}
