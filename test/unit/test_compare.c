/* imcsim compare: several configurations side by side. */
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

#include "test/cli_rig.h"
#include "test/tmpdir.h"

#define PLAIN   "configs/resnet32.yaml"
#define SPEEDUP "configs/resnet32_speedup.yaml"
#define FMNIST  "configs/resnet32_fmnist.yaml"
#define PRICED  "configs/dazzi2021_14nm.yaml"

static void assert_near(json_t *o, const char *path, double want)
{
    double value = number_at(o, path);

    if (fabs(value - want) > 1e-9 * fabs(want))
        fail_msg("%s = %.15g, want %.15g", path, value, want);
}

/* Dazzi et al. 2021, sections 3.1.3 and 3.1.4, with 50 and 100 images: docs/accelerator.md, section
 * 4. Links: eq. 7 with 56 channels, four pixels of 16; conv23 .. conv31 send 56 sums of 32 bit. */
static void plain_run_and_speed_up_stand_side_by_side(void **state)
{
    json_t *doc = json_of(*state, "compare " PLAIN " " SPEEDUP " --json -");
    json_t *all = at(doc, "configurations"), *plain = json_array_get(all, 0),
           *fast = json_array_get(all, 1);

    assert_string_equal(text_at(doc, "format"), "imcsim-compare/1");
    assert_int_equal(json_array_size(all), 2);
    assert_string_equal(text_at(plain, "file"), PLAIN);
    assert_int_equal(integer_at(plain, "config.batch"), 50);
    assert_int_equal(integer_at(plain, "cores"), 43);
    assert_int_equal(integer_at(fast, "cores"), 34);
    assert_int_equal(integer_at(plain, "first_result_timesteps"), 1628);
    assert_int_equal(integer_at(fast, "first_result_timesteps"), 527);
    assert_int_equal(integer_at(plain, "last_conv_timesteps"), 1626);
    assert_int_equal(integer_at(fast, "last_conv_timesteps"), 526);
    assert_int_equal(integer_at(plain, "interval_timesteps"), 1024);
    assert_int_equal(integer_at(fast, "interval_timesteps"), 256);
    assert_near(plain, "latency_us", 162.8);
    assert_near(plain, "throughput_images_per_s", 50 / ((1628 + 49 * 1024) * 100e-9));
    assert_near(fast, "throughput_images_per_s", 100 / ((527 + 99 * 256) * 100e-9));
    assert_near(plain, "link_gbps_needed", 8 * 56 / 100.0);
    assert_near(fast, "link_gbps_needed", 8 * 4 * 16 / 100.0);
    assert_near(plain, "partial_sum_gbps_needed", 32 * 56 / 100.0);
    assert_null(json_object_get(fast, "partial_sum_gbps_needed"));
    assert_null(json_object_get(plain, "area_mm2"));
    /* weights / devices; replicas of conv1 .. 11: 4, of rs1, conv12 .. 21: 2 */
    assert_near(plain, "utilization", 361712.0 / (43 * 65536));
    assert_near(fast, "utilization",
                (4 * (432 + 10 * 2304) + 2 * (448 + 4032 + 9 * 7056) + 1568 + 14112 + 9 * 28224 +
                 560) / (34 * 262144.0));
    json_decref(doc);
}

static void memories_are_those_of_map(void **state)
{
    json_t *map = json_of(*state, "map " PLAIN " --json -"), *core;
    json_t *doc = json_of(*state, "compare " PLAIN " --json -");
    json_t *one = json_array_get(at(doc, "configurations"), 0);
    int64_t used = 0, there = 0;
    double fullest = 0;
    size_t i;

    json_array_foreach(at(map, "core_list"), i, core) {
        double share = number_at(core, "words_used") / number_at(core, "words");
        used += integer_at(core, "words_used");
        there += integer_at(core, "words");
        fullest = fmax(fullest, share);
    }
    assert_int_equal(there, 43 * 512);
    assert_int_equal(integer_at(one, "sram_words"), there);
    assert_int_equal(integer_at(one, "sram_words_used"), used);
    assert_near(one, "sram_fullest", 96.0 / 512); // 1,536 B in words of 16
    assert_near(one, "sram_fullest", fullest);
    json_decref(map);
    json_decref(doc);
}

/* BERT-base keeps 196,608 B of keys and values a layer and sequence, at 6 bit three quarters. */
static void machines_of_tokens_keep_keys_of_their_bits(void **state)
{
    json_t *doc = json_of(*state, "compare configs/bert_base_spoon.yaml "
                          "configs/bert_base_spoon.yaml --set attention.bits=6 "
                          "--set attention.banks=1 --set attention.cores=1 "
                          "--set attention.memory_bytes=196608 " PLAIN " --json -");
    json_t *all = at(doc, "configurations");
    json_t *eight = json_array_get(all, 0), *six = json_array_get(all, 1);

    assert_int_equal(integer_at(eight, "kv_bytes"), 2 * 12 * 196608);
    assert_int_equal(integer_at(six, "kv_bytes"), 12 * 147456);
    assert_int_equal(integer_at(eight, "digital_cores"), 12 * (12 + 2));
    assert_int_equal(integer_at(six, "digital_cores"), 12 * (1 + 2));
    assert_null(json_object_get(json_array_get(all, 2), "kv_bytes"));
    json_decref(doc);
}

static void ratios_are_to_the_first_and_absent_where_it_has_no_such_figure(void **state)
{
    static const char *const keys[] = { "cores", "utilization", "first_result_timesteps",
                                        "latency_us", "interval_timesteps", "interval_us", "batch",
                                        "throughput_images_per_s", "link_gbps_needed",
                                        "sram_words_used", "sram_words" };
    json_t *doc = json_of(*state, "compare " SPEEDUP " " PLAIN " " PRICED " --json -");
    json_t *all = at(doc, "configurations"), *first = json_array_get(all, 0);

    for (size_t i = 0; i < 3; i++) {
        json_t *o = json_array_get(all, i), *ratios = at(o, "ratios");
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
            assert_near(ratios, keys[k], number_at(o, keys[k]) / number_at(first, keys[k]));
        assert_null(json_object_get(ratios, "partial_sum_gbps_needed"));
        assert_null(json_object_get(ratios, "area_mm2"));
    }
    json_decref(doc);
}

/* ResNet-32's first layer makes 1,024 pixels, each a product of 100 ns, under either clocking;
 * twice as fast a clock makes no product shorter. */
static void intervals_of_both_clockings_stand_side_by_side_in_time(void **state)
{
    json_t *doc = json_of(*state, "compare " PLAIN " " PLAIN " --set clocking.kind=elastic " PLAIN
                          " --set clocking.kind=elastic --set clock_mhz=1000 --json -");

    for (size_t i = 0; i < 3; i++) {
        json_t *o = json_array_get(at(doc, "configurations"), i);
        assert_near(o, "interval_us", 102.4);
        assert_near(at(o, "ratios"), "interval_us", 1);
    }
    json_decref(doc);
}

/* One black image, whose label is then another than its class. */
static void accuracy_of_zero_has_no_ratio(void **state)
{
    uint8_t image[16 + 28 * 28] = { 0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28 };
    uint8_t label[9] = { 0, 0, 8, 1, 0, 0, 0, 1 };
    const char *set = " --images @/t-images-idx3-ubyte --json -";
    char arguments[256];

    tmpdir_write(*state, "t-images-idx3-ubyte", image, sizeof image);
    tmpdir_write(*state, "t-labels-idx1-ubyte", label, sizeof label);
    snprintf(arguments, sizeof arguments, "run " FMNIST "%s", set);
    json_t *run = json_of(*state, arguments);
    label[8] = (uint8_t)((json_integer_value(json_array_get(at(run, "predictions"), 0)) + 1) % 10);
    tmpdir_write(*state, "t-labels-idx1-ubyte", label, sizeof label);
    snprintf(arguments, sizeof arguments, "compare " FMNIST " " FMNIST "%s", set);
    json_t *doc = json_of(*state, arguments);
    json_t *second = json_array_get(at(doc, "configurations"), 1);
    assert_true(number_at(second, "top1") == 0);
    assert_null(json_object_get(at(second, "ratios"), "top1"));
    assert_near(second, "ratios.cores", 1);
    json_decref(doc);
    json_decref(run);
}

static void energy_and_area_are_those_of_breakdown(void **state)
{
    json_t *doc = json_of(*state, "compare " PLAIN " " PRICED " --count 3 --json -");
    json_t *cost = json_of(*state, "breakdown " PRICED " --count 3 --json -");
    json_t *priced = json_array_get(at(doc, "configurations"), 1);

    assert_near(priced, "energy_nj_per_image", number_at(cost, "energy.total_nj_per_image"));
    assert_near(priced, "tops_per_w", number_at(cost, "energy.tops_per_w"));
    assert_near(priced, "area_mm2", number_at(cost, "area.total_mm2"));
    assert_near(priced, "power_mw", number_at(cost, "energy.mean_power_mw"));
    assert_near(priced, "peak_tops_per_w", number_at(cost, "energy.peak.tops_per_w"));
    assert_near(priced, "peak_tops_per_mm2", number_at(cost, "energy.peak.tops_per_mm2"));
    assert_near(priced, "tops_per_mm2", number_at(cost, "area.tops_per_mm2"));
    const char *block;
    json_t *value;
    double nj = 0, mm2 = 0;
    json_object_foreach(at(cost, "energy.leakage"), block, value) {
        char key[64], path[64];
        double sum = json_number_value(value);

        if (strcmp(block, "leakage") == 0)
            continue;
        snprintf(path, sizeof path, "energy.blocks.%s", block);
        sum += number_at(cost, path);
        snprintf(key, sizeof key, "%s_nj_per_image", block);
        assert_near(priced, key, sum);
        nj += sum;
        snprintf(path, sizeof path, "area.blocks.%s", block);
        snprintf(key, sizeof key, "%s_mm2", block);
        if (number_at(cost, path) > 0)
            assert_near(priced, key, number_at(cost, path));
        else
            assert_null(json_object_get(priced, key));
        mm2 += number_at(cost, path);
    }
    assert_near(priced, "energy_nj_per_image", nj);
    assert_near(priced, "area_mm2", mm2);
    json_decref(doc);
    json_decref(cost);
}

static void energy_efficiency_and_area_have_ratios_in_every_form(void **state)
{
    static const char *const keys[] = { "energy_nj_per_image", "tops_per_w", "area_mm2" };
    static const char *const rows[] = { "| energy | nJ/image |", "| efficiency | TOPS/W |",
                                        "| area | mm2 |" };
#define BOTH "compare " PRICED " configs/hermes_14nm.yaml "
    json_t *doc = json_of(*state, BOTH "--json -");
    json_t *all = at(doc, "configurations"), *first = json_array_get(all, 0),
           *second = json_array_get(all, 1);
    char want[64], *text = succeed(*state, BOTH "--markdown @/t.md --csv @/t.csv");
    char *markdown = read_file(*state, "t.md"), *csv = read_file(*state, "t.csv");

    for (size_t i = 0; i < 3; i++) {
        double ratio = number_at(second, keys[i]) / number_at(first, keys[i]);

        assert_near(at(second, "ratios"), keys[i], ratio);
        snprintf(want, sizeof want, " %.3f |\n", ratio);
        const char *row = strstr(markdown, rows[i]);
        assert_non_null(row);
        assert_memory_equal(strchr(row, '\n') + 1 - strlen(want), want, strlen(want));
        assert_non_null(strstr(csv, keys[i]));
        snprintf(want, sizeof want, "%s_ratio", keys[i]);
        assert_non_null(strstr(csv, want));
    }
    assert_non_null(strstr(text, "TOPS/W"));
    free(text);
    free(markdown);
    free(csv);
    json_decref(doc);
}

static void set_before_the_first_applies_to_every_configuration(void **state)
{
    json_t *doc = json_of(*state, "compare --set mapping.firing=column --set batch=7 " PLAIN
                                  " " SPEEDUP " --json -");
    json_t *all = at(doc, "configurations");

    assert_int_equal(integer_at(json_array_get(all, 0), "batch"), 7);
    assert_int_equal(integer_at(json_array_get(all, 1), "batch"), 7);
    assert_int_equal(integer_at(json_array_get(all, 1), "first_result_timesteps"), 539);
    json_decref(doc);
}

static void text_markdown_and_csv_show_the_same(void **state)
{
    char *text = succeed(*state, "compare " PLAIN " " SPEEDUP " --markdown @/t.md --csv @/t.csv");
    char *markdown = read_file(*state, "t.md"), *csv = read_file(*state, "t.csv");

    assert_non_null(strstr(text, "unit          resnet32.yaml  resnet32_speedup.yaml  ratio\n"));
    assert_non_null(strstr(text, "images/s              9,652                 38,653  4.005\n"));
    assert_non_null(strstr(text, "\n  Ratios are to resnet32.yaml.\n"));
    assert_null(strstr(text, "energy"));
    assert_non_null(strstr(markdown, "| first result | timesteps | 1,628 | 527 | 0.324 |\n"));
    assert_non_null(strstr(markdown, "| busiest partial sums need | Gb/s | 17.92 |  |  |\n"));
    assert_int_equal(strncmp(csv, "configuration,config_hash,cores,utilization,", 44), 0);
    assert_non_null(strstr(csv, "\n" PLAIN ","));
    assert_non_null(strstr(csv, "\n" SPEEDUP ","));
    assert_non_null(strstr(csv, ",38653.31"));
    free(text);
    free(markdown);
    free(csv);
}

static void other_networks_are_told(void **state)
{
    char *one = succeed(*state, "compare " PLAIN " " PLAIN " --set network.depth=20 --label short "
                                SPEEDUP);
    char *all = succeed(*state, "compare --set network.depth=20 " PLAIN " " PLAIN " --set batch=2");

    assert_non_null(strstr(one, "\n  Networks differ: resnet-cifar-32 of resnet32.yaml, "
                                "resnet-cifar-20 of short, resnet-cifar-32 of"));
    assert_null(strstr(all, "Networks differ"));
    free(one);
    free(all);
}

static void files_of_one_name_are_told_apart_by_their_paths(void **state)
{
    tmpdir_write(*state, "resnet32.yaml", "batch: 2\n", 9);
    char *text = succeed(*state, "compare " PLAIN " @/resnet32.yaml " SPEEDUP);

    assert_non_null(strstr(text, "  " PLAIN "\n"));
    assert_non_null(strstr(text, "/resnet32.yaml  ratio"));
    assert_non_null(strstr(text, "  resnet32_speedup.yaml  "));
    free(text);
}

static void a_configuration_that_is_wrong_is_a_row_with_its_reason(void **state)
{
    tmpdir_write(*state, "wrong.yaml", "mapping: {replicas: {conv2: 999}}\n", 34);
    char *text = succeed(*state, "compare @/none.yaml " PLAIN " @/wrong.yaml " SPEEDUP
                                 " --csv @/t.csv");
    char *csv = read_file(*state, "t.csv");

    assert_non_null(strstr(text, "unit          resnet32.yaml  resnet32_speedup.yaml  ratio\n"));
    assert_non_null(strstr(text, "\n  wrong.yaml "));
    assert_non_null(strstr(text, "wrong.yaml:1: mapping.replicas"));
    assert_non_null(strstr(text, "\n  none.yaml "));
    assert_non_null(strstr(csv, "/none.yaml: cannot open"));
    assert_non_null(strstr(csv, ",resnet32_speedup.yaml,\n"));
    free(text);
    free(csv);
    json_t *doc = json_of(*state, "compare " PLAIN " @/wrong.yaml --json -");
    json_t *all = at(doc, "configurations");
    assert_non_null(strstr(text_at(json_array_get(all, 1), "error"), "mapping.replicas"));
    assert_null(json_object_get(json_array_get(all, 1), "cores"));
    json_decref(doc);
    assert_fails(*state, "compare @/none.yaml @/wrong.yaml", 2, "/none.yaml: cannot open");
}

static void set_behind_the_first_is_not_of_the_second(void **state)
{
    json_t *doc = json_of(*state, "compare " PLAIN " --set batch=2 " SPEEDUP " --json -");
    json_t *all = at(doc, "configurations");

    assert_int_equal(integer_at(json_array_get(all, 0), "batch"), 2);
    assert_int_equal(integer_at(json_array_get(all, 1), "batch"), 100);
    json_decref(doc);
}

static void a_file_may_come_several_times_with_its_own_settings_and_label(void **state)
{
    json_t *doc = json_of(*state, "compare --set clock_mhz=250 " PLAIN " --set batch=2 --label two "
                                  PLAIN " --set batch=3 --json -");
    json_t *all = at(doc, "configurations"), *one = json_array_get(all, 0),
           *other = json_array_get(all, 1);

    assert_int_equal(integer_at(one, "batch"), 2);
    assert_int_equal(integer_at(other, "batch"), 3);
    assert_int_equal(integer_at(one, "config.clock_mhz"), 250);
    assert_int_equal(integer_at(other, "config.clock_mhz"), 250);
    assert_string_equal(text_at(one, "label"), "two");
    assert_string_equal(text_at(other, "label"), "resnet32.yaml batch=3");
    json_decref(doc);
    doc = json_of(*state, "compare " PLAIN " " PLAIN " --set batch=3 --json -"); // the last one's
    assert_int_equal(integer_at(doc, "configurations[].batch"), 50);
    assert_int_equal(integer_at(json_array_get(at(doc, "configurations"), 1), "batch"), 3);
    json_decref(doc);
    assert_fails(*state, "compare --label x " PLAIN, 2, "--label x: want it behind a CONFIG");
}

/* Lines that stand in the page indented by four; no space ends a line there. */
static void assert_in_page(const char *page, const char *lines)
{
    while (*lines) {
        char want[1024];
        int n = (int)strcspn(lines, "\n"), shown = n;
        while (shown > 0 && lines[shown - 1] == ' ')
            shown--;
        snprintf(want, sizeof want, "\n    %.*s\n", shown, lines);
        if (shown > 0 && !strstr(page, want))
            fail_msg("docs/replication.md has no line %s", want);
        lines += n + (lines[n] == '\n');
    }
}

static void the_guide_shows_its_files_and_what_the_command_prints_of_them(void **state)
{
    static const struct {
        const char *name, *text;
    } files[] = {
        { "plain.yaml", "batch: 100\n" },
        { "column.yaml", "mapping: {replicas: {32: 4, 16: 2}}\n"
                         "fabric:  {link_gbps: 5.12}\nbatch:   100\n" },
        { "block.yaml", "mapping: {replicas: {32: 4, 16: 2}, block_width: {32: 2}}\n"
                        "fabric:  {link_gbps: 5.12}\nbatch:   100\n" },
        { "copies.yaml", "mapping: {copies: {32: 4, 16: 2}}\n"
                         "chip:    {cores: 128}\nbatch:   100\n" },
    };
    static const char *const refused[] = {
        "map configs/resnet32.yaml --set 'mapping.replicas={32: 4}'",
        "map configs/resnet32.yaml --set mapping.replicas.conv2=300",
    };
    char *page = read_file("docs", "replication.md");

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        assert_in_page(page, files[i].text);
        tmpdir_write(*state, files[i].name, files[i].text, strlen(files[i].text));
    }
    char *text =
        succeed(*state, "compare @/plain.yaml @/column.yaml @/block.yaml @/copies.yaml --wide");
    *strstr(text, "\n  Ratios") = '\0';
    assert_in_page(page, text);
    free(text);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct outcome o = imcsim(*state, refused[i]);
        assert_in_page(page, o.err);
        outcome_release(&o);
    }
    free(page);
}

/* ---- the picture ---- */

#define IMAGES "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"

/* Centre of the n-th dot of a label, from 0. */
static double centre_of(const char *svg, const char *label, int n)
{
    char title[64];
    const char *at = svg;

    snprintf(title, sizeof title, "<title>%s: ", label);
    for (at = strstr(at, title); at && n > 0; n--)
        at = strstr(at + 1, title);
    assert_non_null(at);
    while (strncmp(at, "cx=\"", 4) != 0)
        at--;
    return strtod(at + 4, NULL);
}

/* Of 320 pixels an axis has those between its dots, and a factor of 1.3 on either side. */
static void the_picture_has_accuracy_over_the_logarithm_of_each_cost(void **state)
{
    static const char arguments[] =
        "compare configs/resnet32_fmnist.yaml --label all --set core.crossbar.input_slice_bits=1 "
        "configs/resnet32_fmnist.yaml --label 'a<b' --set core.crossbar.input_slice_bits=1 "
        "--set core.crossbar.rows_at_once=7 --images " IMAGES " --count 3 --svg @/p.svg "
        "--json @/c.json";

    if (access(IMAGES, R_OK) != 0) {
        print_message("%s is not there\n", IMAGES);
        skip();
    }
    free(succeed(*state, arguments));
    char *svg = read_file(*state, "p.svg"), *text = read_file(*state, "c.json");
    json_t *doc = json_loads(text, 0, NULL);
    json_t *all = at(doc, "configurations");
    double one = number_at(json_array_get(all, 0), "conversions_per_image");
    double other = number_at(json_array_get(all, 1), "conversions_per_image");

    assert_true(other > 2 * one);
    assert_true(fabs(centre_of(svg, "all", 0) - 230) < 0.1); // the same time: in the middle
    assert_true(fabs(centre_of(svg, "a&lt;b", 0) - 230) < 0.1);
    double apart = centre_of(svg, "a&lt;b", 1) - centre_of(svg, "all", 1);
    assert_true(fabs(apart - 320 * log(other / one) / log(1.69 * other / one)) < 0.2);
    assert_null(strstr(svg, "nJ an image"));
    assert_non_null(strstr(svg, ">162.8</text>")); // no 1, 2 or 5 is near: its own mark
    json_decref(doc);
    free(text);
    free(svg);
}

static void a_picture_without_accuracy_is_refused(void **state)
{
    assert_fails(*state, "compare " PLAIN " --svg @/p.svg", 2,
                 "--svg: it draws accuracy: want --images too");
    assert_fails(*state, "compare configs/resnet32_fmnist.yaml --images random --count 1 --svg "
                 "@/p.svg", 2, "want --images of a set with labels");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, tmpdir_make, tmpdir_remove)
    const struct CMUnitTest tests[] = {
        TEST(plain_run_and_speed_up_stand_side_by_side),
        TEST(memories_are_those_of_map),
        TEST(machines_of_tokens_keep_keys_of_their_bits),
        TEST(ratios_are_to_the_first_and_absent_where_it_has_no_such_figure),
        TEST(intervals_of_both_clockings_stand_side_by_side_in_time),
        TEST(accuracy_of_zero_has_no_ratio),
        TEST(energy_and_area_are_those_of_breakdown),
        TEST(energy_efficiency_and_area_have_ratios_in_every_form),
        TEST(set_before_the_first_applies_to_every_configuration),
        TEST(text_markdown_and_csv_show_the_same),
        TEST(other_networks_are_told),
        TEST(files_of_one_name_are_told_apart_by_their_paths),
        TEST(the_guide_shows_its_files_and_what_the_command_prints_of_them),
        TEST(a_configuration_that_is_wrong_is_a_row_with_its_reason),
        TEST(the_picture_has_accuracy_over_the_logarithm_of_each_cost),
        TEST(a_picture_without_accuracy_is_refused),
        TEST(set_behind_the_first_is_not_of_the_second),
        TEST(a_file_may_come_several_times_with_its_own_settings_and_label),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
