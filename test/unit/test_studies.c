/* Points of a study against loops written here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "study/sweep/points.h"
#include "study/sweep/where.h"
#include "test/cli_rig.h"
#include "test/tmpdir.h"

static struct sweep study(const char *text)
{
    struct sweep s;
    struct err_msg m = { "" };

    if (sweep_load_text(&s, "here.yaml", text, &m))
        fail_msg("%s", m.text);
    return s;
}

/* "a=1 b=2" of point i. */
static void point_text(const struct sweep *s, uint64_t i, char text[512])
{
    struct point p;

    sweep_point(s, i, &p);
    text[0] = '\0';
    for (size_t k = 0; k < p.n_set; k++)
        snprintf(text + strlen(text), 512 - strlen(text), "%s%s", k ? " " : "", p.set[k]);
}

static void assert_point(const struct sweep *s, uint64_t i, const char *want)
{
    char text[512];

    point_text(s, i, text);
    assert_string_equal(text, want);
}

static void a_grid_is_every_combination_the_last_axis_fastest(void **state)
{
    static const int rows[] = { 128, 256, 512 }, zipped[][2] = { { 64, 512 }, { 32, 1024 } };
    struct sweep s = study("base: resnet32\n"
                           "zip: [{core.crossbar.columns: [64, 32],"
                           " core.input_memory.words: [512, 1024]}]\n"
                           "vary: {core.crossbar.rows: {from: 128, to: 600, factor: 2},"
                           " fabric.link_gbps: {from: 5, to: 6, steps: 11}}\n"
                           "points: [{name: own, set: {mapping.firing: free}}]\n"
                           "where: ['core.crossbar.rows * 2 > 512 or batch == 1']\n");
    uint64_t n = 0;
    char want[512];

    (void)state;
    assert_int_equal(s.n_point, 3 * 11 * 2 + 1);
    for (int r = 0; r < 3; r++)
        for (int g = 0; g < 11; g++)
            for (int z = 0; z < 2; z++, n++) {
                struct point p;
                bool kept;
                struct err_msg m;
                snprintf(want, sizeof want, "core.crossbar.rows=%d fabric.link_gbps=%g "
                         "core.crossbar.columns=%d core.input_memory.words=%d", rows[r],
                         5 + g / 10.0, zipped[z][0], zipped[z][1]);
                assert_point(&s, n, want);
                sweep_point(&s, n, &p);
                assert_int_equal(sweep_keeps(&s, &p, &kept, &m), ERR_NONE);
                assert_int_equal(kept, rows[r] * 2 > 512);
            }
    assert_point(&s, n, "mapping.firing=free");
    sweep_release(&s);
}

static void ratios_meet_both_ends(void **state)
{
    struct sweep s = study("base: resnet32\n"
                           "vary: {fabric.link_gbps: {from: 1, to: 100, steps: 3, scale: log}}");

    (void)state;
    assert_int_equal(s.n_point, 3);
    assert_point(&s, 0, "fabric.link_gbps=1");
    assert_point(&s, 1, "fabric.link_gbps=10");
    assert_point(&s, 2, "fabric.link_gbps=100");
    sweep_release(&s);
}

static double drawn(const struct sweep *s, uint64_t i, size_t k)
{
    struct point p;

    sweep_point(s, i, &p);
    return strtod(strchr(p.set[k], '=') + 1, NULL);
}

static void a_latin_hypercube_has_one_draw_in_each_part_of_every_range(void **state)
{
    struct sweep s = study("base: resnet32\n"
                           "sample: {count: 50, seed: 3, kind: latin_hypercube,"
                           " keys: {fabric.link_gbps: [10, 60], fabric.partial_sum_gbps: [1, 6]}}");
    int n[2][50] = { { 0 } }, same = 0;

    (void)state;
    for (uint64_t i = 0; i < 50; i++) {
        int a = (int)(drawn(&s, i, 0) - 10), b = (int)((drawn(&s, i, 1) - 1) * 10);
        n[0][a]++;
        n[1][b]++;
        same += a == b;
    }
    for (size_t i = 0; i < 50; i++) {
        assert_int_equal(n[0][i], 1);
        assert_int_equal(n[1][i], 1);
    }
    assert_true(same < 10); // keys are drawn apart: one of 50 on the average
    sweep_release(&s);
}

static void another_key_or_more_draws_change_no_draw(void **state)
{
    struct sweep s = study("base: resnet32\nsample: {count: 5, seed: 1, keys: {batch: [1, 900]}}");
    struct sweep t = study("base: resnet32\nvary: {chip.cores: [50, 64]}\n"
                           "sample: {count: 9, seed: 1, keys: {clock_mhz: [250, 1000],"
                           " batch: [1, 900]}}");

    (void)state;
    for (uint64_t i = 0; i < 5; i++) {
        assert_true(drawn(&s, i, 0) == drawn(&t, i, 2));
        assert_true(drawn(&s, i, 0) == drawn(&t, 9 + i, 2));
    }
    sweep_release(&s);
    sweep_release(&t);
}

static enum err seven(const void *user, const char *key, double *value, struct err_msg *m)
{
    (void)user;
    (void)m;
    *value = strcmp(key, "a.seven") == 0 ? 7 : 2;
    return ERR_NONE;
}

static void conditions_bind_as_in_c(void **state)
{
    static const struct {
        const char *text;
        double      value;
    } cases[] = {
        { "1 + 2 * 3", 7 }, { "(1 + 2) * 3", 9 }, { "7 % 4 - 1", 2 }, { "-a.seven + 8", 1 },
        { "8 / two / 2", 2 }, { "1 + 1 == 2 and 3 > 2", 1 }, { "1 < 0 and 1 < 0 or 1", 1 },
        { "not 1 == 2", 1 }, { "not not 0", 0 }, { "2 <= 2 and 2 >= 3", 0 }, { "two != 2", 0 },
        { "5 - 2 - 1", 2 }, { " notable ", 2 },
    };
    struct err_msg m;
    double value;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(where_value(cases[i].text, seven, NULL, &value, &m), ERR_NONE);
        if (value != cases[i].value)
            fail_msg("%s: %g", cases[i].text, value);
    }
}

static void a_wrong_study_is_one_line_with_place_and_cure(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "vary: {batch: [1]}", "base is not there: want base: CONFIG" },
        { "base: resnet32", "no points: want vary, zip, sample or points" },
        { "base: resnet32\nvari: {}", ":2: study.vari: no such key: did you mean vary" },
        { "base: resnet32\nset: {batch: 1}", ":2: study.set: no such key: want one of base, vary, "
          "zip, sample, points, where" },
        { "base: resnet32\nimages: {set: a, jobs: 2}\nvary: {batch: [1]}", ":2: images.jobs: no "
          "such key: want one of set, labels, shape, mean, std, count (imcsim help studies)" },
        { "base: resnet32\nvary:\n  core.crossbar.row: [1]", ":3: core.crossbar.row: no key of a "
          "configuration: did you mean core.crossbar.rows" },
        { "base: resnet32\nvary: {batch: []}", "batch = [...]: want a list of values or a range" },
        { "base: resnet32\nvary: {}", "want a map that is not empty" },
        { "base: resnet32\nvary: {batch: {from: 1, to: 9}}", "want steps: N or factor: F" },
        { "base: resnet32\nvary: {batch: {from: 9, to: 1, steps: 2}}", "want at least from, 9" },
        { "base: resnet32\nvary: {batch: {from: 0, to: 9, factor: 2}}", "want more than 0" },
        { "base: resnet32\nvary: {batch: {from: 1, to: 1000, steps: 1000},"
          " clock_mhz: {from: 1, to: 1000, steps: 1000}, chip.cores: {from: 1, to: 1000, "
          "steps: 1000}}", "chip.cores: 1000000 x 1000 points with it: want at most 10000000" },
        { "base: resnet32\nvary: {batch: [1]}\nzip: [{batch: [1]}]", "varies twice" },
        { "base: resnet32\nzip: [{batch: [1, 2], chip.cores: [64]}]", "want equally many" },
        { "base: resnet32\nvary: {batch: [1]}\nwhere: ['batch +']", ":3: condition \"batch +\": at "
          "\"\": want a key, a number or (" },
        { "base: resnet32\nvary: {batch: [1]}\nwhere: ['bath == 1']", "where: bath: no point sets "
          "it, and the base has no such number" },
        { "base: resnet32\nvary: {batch: [1]}\nwhere: ['1 / (batch - 1)']", "no division by 0" },
        { "base: resnet32\npoints: [{name: a, set: {mapping.replicas: {32: 2}}}]\n"
          "where: ['mapping.replicas.32 < 2']", "where: mapping.replicas.32: a point sets "
          "mapping.replicas whole: want the key varied by itself" },
        { "base: resnet32\nsample: {count: 2, keys: {batch: 7}}", "want [least, most]" },
        { "base: resnet32\nsample: {count: 0, keys: {batch: [1, 2]}}", "sample.count" },
        { "base: nowhere.yaml\nvary: {batch: [1]}", "nowhere.yaml" },
        { "base: resnet32\npoints: [{name: a}]", "want {name: NAME, set: {KEY: VALUE}}" },
    };
    struct sweep s;
    struct err_msg m;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(sweep_load_text(&s, "here.yaml", cases[i].text, &m), ERR_INPUT);
        if (!strstr(m.text, cases[i].want))
            fail_msg("%s\n  %s\n  want %s", cases[i].text, m.text, cases[i].want);
    }
}

static void a_listed_point_is_a_command_that_runs(void **state)
{
    static const char study_text[] = "base: resnet32\nvary: {network.depth: [8]}\n"
        "points: [{name: wide, set: {network.depth: 8, mapping.replicas: {32: 2}}}]\n";
    char command[512];

    tmpdir_write(*state, "s.yaml", study_text, sizeof study_text - 1);
    char *lines = succeed(*state, "sweep @/s.yaml --dry-run"), *last = strstr(lines, "\nimcsim ");
    assert_non_null(last);
    assert_non_null(strstr(last, "# 2 points: 1 of the grid, 1 with a name, less 0"));
    *strstr(last, " # wide") = '\0';
    snprintf(command, sizeof command, "%s --json -", last + strlen("\nimcsim "));
    json_t *doc = json_of(*state, command);
    assert_int_equal(integer_at(doc, "config.mapping.replicas.32"), 2);
    json_decref(doc);
    free(lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_grid_is_every_combination_the_last_axis_fastest),
        cmocka_unit_test(ratios_meet_both_ends),
        cmocka_unit_test(a_latin_hypercube_has_one_draw_in_each_part_of_every_range),
        cmocka_unit_test(another_key_or_more_draws_change_no_draw),
        cmocka_unit_test(conditions_bind_as_in_c),
        cmocka_unit_test(a_wrong_study_is_one_line_with_place_and_cure),
        cmocka_unit_test_setup_teardown(a_listed_point_is_a_command_that_runs, tmpdir_make,
                                        tmpdir_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
