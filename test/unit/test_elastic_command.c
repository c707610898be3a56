/* imcsim run of a machine under elastic clocking, as a user meets it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "test/cli_rig.h"
#include "test/tmpdir.h"

#define ELASTIC "run configs/resnet32.yaml --set clocking.kind=elastic "
#define FMNIST "run configs/resnet32_fmnist.yaml --set clocking.kind=elastic " \
               "--images /usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz "
#define PRICED "run configs/dazzi2021_14nm.yaml "
#define SMALL "--set network.depth=8 --set network.size=8 "

static void the_document_has_times_stages_and_buffers(void **state)
{
    json_t *doc = json_of(*state, ELASTIC "--set elastic.residual_pixels=2 "
                                  "--set elastic.read_back_pixels=2 --count 5 --json -");

    assert_string_equal(text_at(doc, "timing.clocking"), "elastic");
    assert_int_equal(integer_at(doc, "timing.first_result_clocks"), 82501);
    assert_true(number_at(doc, "timing.interval_clocks") == 51200);
    assert_int_equal(json_integer_value(json_array_get(at(doc, "timing.interval_clocks_exact"), 0)),
                     2 * 51200);
    assert_int_equal(json_array_size(at(doc, "timing.results_clocks")), 5);
    assert_string_equal(text_at(doc, "timing.bound.resource"), "crossbar");
    assert_true(number_at(doc, "timing.bound.clocks_per_image") == 51200);
    assert_int_equal(json_array_size(at(doc, "core_list")), 43);
    json_t *stages = at(doc, "stages"), *s;
    size_t i;
    json_array_foreach(stages, i, s)
        assert_int_equal(integer_at(s, "busy") + integer_at(s, "starved") +
                             integer_at(s, "blocked") + integer_at(s, "waiting") +
                             integer_at(s, "idle"),
                         integer_at(doc, "timing.elapsed_clocks"));
    json_decref(doc);
}

static void the_text_says_when_and_who_waits(void **state)
{
    char *out = succeed(*state, ELASTIC "--set fabric.link_gbps=1");

    assert_non_null(strstr(out, "First result after 119,"));
    assert_non_null(strstr(out, "Interval "));
    assert_non_null(strstr(out, "The ten worst stalls"));
    assert_non_null(strstr(out, "\n  blocked  has work, and no room for what it makes\n"));
    assert_null(strstr(out, "of a core that has none"));
    free(out);
}

/* Of ten of them four are of attention, which has no array. */
static void a_crossbar_of_a_core_without_one_is_explained_where_it_is_listed(void **state)
{
    char *out = succeed(*state, "run configs/vit_fmnist.yaml --set clocking.kind=elastic "
                                "--set elastic.residual_pixels=47");

    assert_non_null(strstr(out, "_mixed.g3.crossbar  blocked  its digital processor"));
    assert_non_null(strstr(out, "\n  blocked   has work, and no room for what it makes\n"
                                "  waiting   has work and room, and lacks "));
    assert_non_null(strstr(out, "\n  crossbar  of a core that has none: where a pixel or token "));
    free(out);
}

static void buffers_below_a_token_are_raised_and_told(void **state)
{
    char *out = succeed(*state, ELASTIC "--set mapping.replicas={32:\\ 4} "
                                "--set core.crossbar.rows=512 --set core.crossbar.columns=512");

    assert_non_null(strstr(out, "Raised   conv2.input to 4 pixels, its largest token"));
    free(out);
}

static void every_key_has_a_row_on_the_page_of_results(void **state)
{
    static const char *const sections[] = { "timing", "stages", "buffers" };
    char *page = read_file("docs", "results.md"), row[256];
    json_t *doc = json_of(*state, ELASTIC SMALL "--json -"), *value;
    const char *key;

    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        json_t *section = at(doc, sections[i]);
        bool list = json_is_array(section);
        json_object_foreach(list ? json_array_get(section, 0) : section, key, value) {
            snprintf(row, sizeof row, "| `%s%s.%s", sections[i], list ? "[]" : "", key);
            if (!strstr(page, row))
                fail_msg("docs/results.md has no row %s", row);
        }
    }
    json_decref(doc);
    free(page);
}

static void what_only_timesteps_have_is_refused(void **state)
{
    assert_fails(*state, PRICED "--set clocking.kind=elastic --set fabric.kind=mesh", 2,
                 "configs/chips/dazzi2021_14nm.yaml:3: routers.arbiter_gates is missing: want "
                 "NAND2 of an arbiter for each of its requests (a ratio), energy.chip = composed, "
                 "or fabric.kind = point_to_point");
    free(succeed(*state, PRICED "--set clocking.kind=elastic --set fabric.kind=mesh --set "
                                "energy.chip=composed"));
    assert_fails(*state, "map configs/resnet32.yaml --set clocking.kind=elastic", 2,
                 "--set clocking.kind: clocking.kind = elastic: its times are those of imcsim run: "
                 "want clocking.kind = timestep here");
    assert_fails(*state, ELASTIC "--stats @/t.txt", 2, "run: --stats: clocking.kind = elastic has "
                 "none so far: want no --stats, or --set clocking.kind=timestep");
    assert_fails(*state, FMNIST "--count 1 --values timed", 2, "run: --values timed: clocking.kind "
                 "= elastic has none so far: want no --values timed");
    assert_fails(*state, FMNIST "--count 1 --set core.crossbar.device=pcm_joshi", 2,
                 "run: --images: clocking.kind = elastic runs images with exact weights: want "
                 "core.crossbar.device = ideal");
    assert_fails(*state, ELASTIC "--images random", 2, "has no weights: want --set network.onnx");
    assert_fails(*state, ELASTIC "--set clocking.timestep_ns=200", 2,
                 "clocking.timestep_ns has no effect with clocking.kind = elastic: want no such "
                 "key, or --set clocking.kind=timestep");
    assert_fails(*state, "run configs/resnet32.yaml --set elastic.results=2", 2,
                 "elastic.results has no effect with clocking.kind = timestep: want no such key, "
                 "or --set clocking.kind=elastic");
    assert_fails(*state, ELASTIC "--set elastic.hop_clocks=0", 2,
                 "elastic.hop_clocks = 0: want a whole number from 1 to 1000000");
    assert_fails(*state, ELASTIC "--set core.input_memory.columns=2", 2,
                 "want at least core.input_memory.columns = 3");
}

/* compare and sweep have the figures of run, with links and on routers. */
static void what_is_compared_is_what_run_says(void **state)
{
    static const char study[] = "base: resnet32.yaml\nvary:\n  clocking.kind: [elastic]\n"
                                "  network.depth: [8]\n  network.size: [8]\n"
                                "  fabric.kind: [point_to_point, bus]\n"
                                "objective: [timing.interval_clocks]\n";
    static const char *const kinds[] = { "point_to_point", "bus" };

    tmpdir_write(*state, "study.yaml", study, strlen(study));
    free(succeed(*state, "run configs/resnet32.yaml --write-config @/resnet32.yaml"));
    free(succeed(*state, "sweep @/study.yaml --db @/study.db"));
    char *points = succeed(*state, "report @/study.db --table points --format csv");
    for (size_t i = 0; i < 2; i++) {
        char arguments[300], first[80], interval[80];
        snprintf(arguments, sizeof arguments, ELASTIC SMALL "--set fabric.kind=%s --json -",
                 kinds[i]);
        json_t *doc = json_of(*state, arguments), *timing = at(doc, "timing");
        snprintf(first, sizeof first, ",%lld,",
                 json_integer_value(at(timing, "first_result_clocks")));
        snprintf(interval, sizeof interval, ",%.0f,",
                 json_number_value(at(timing, "interval_clocks")));
        snprintf(arguments, sizeof arguments, "compare configs/resnet32.yaml " SMALL
                 "--set clocking.kind=elastic --set fabric.kind=%s --format csv", kinds[i]);
        char *csv = succeed(*state, arguments);
        assert_non_null(strstr(csv, first));
        assert_non_null(strstr(csv, interval));
        assert_non_null(strstr(points, first));
        assert_non_null(strstr(points, interval));
        free(csv);
        const char *row = strstr(points, i == 0 ? ",point_to_point," : ",bus,"); // behind its id
        assert_non_null(row);
        while (row > points && row[-1] != '\n')
            row--;
        snprintf(arguments, sizeof arguments, "run --from @/study.db:%.8s --json -", row);
        json_t *again = json_of(*state, arguments);
        assert_true(json_equal(at(again, "timing"), timing));
        assert_true(json_equal(at(again, "stages"), at(doc, "stages")));
        json_decref(again);
        json_decref(doc);
    }
    free(points);
}

static size_t count_of(const char *text, const char *what)
{
    size_t n = 0;

    for (const char *at = text; (at = strstr(at, what)); at++)
        n++;
    return n;
}

/* The files of a run have every stage; test_stages.c holds them to its clocks. */
static void a_run_is_watched_into_files(void **state)
{
    json_t *doc = json_of(*state, ELASTIC SMALL "--json - --trace @/t.vcd --timeline @/t.svg");
    char *vcd = read_file(*state, "t.vcd"), *svg = read_file(*state, "t.svg");
    const size_t n = json_array_size(at(doc, "stages"));

    assert_int_equal(count_of(vcd, "$var wire 3 "), n);
    assert_int_equal(count_of(svg, "<g class=\"row\">"), n);
    free(svg);
    free(vcd);
    json_t *again = json_of(*state, ELASTIC SMALL "--json - --trace @/t.json.gz");
    assert_true(json_equal(doc, again)); // who watches changes nothing
    json_decref(again);
    json_decref(doc);
    doc = json_of(*state, ELASTIC SMALL "--json - --trace @/w.vcd --trace-window 100:200 "
                                        "--trace-scope conv1");
    vcd = read_file(*state, "w.vcd");
    assert_int_equal(count_of(vcd, "$var wire 3 "), 4);
    free(vcd);
    json_decref(doc);
    assert_fails(*state, ELASTIC SMALL "--trace @/none.vcd --trace-scope nobody", 2,
                 "trace scope nobody: no such signal: want CORES:SIGNALS, with cores conv1 to ");
    assert_fails(*state, ELASTIC "--trace @/none.vcd --trace-window 9:8", 2, "--trace-window 9:8");
    assert_fails(*state, ELASTIC "--trace -", 2, "want a file");
    char path[TMPDIR_PATH_MAX];
    assert_int_not_equal(access(tmpdir_path(path, *state, "none.vcd"), F_OK), 0);
}

static void images_have_the_classes_of_timesteps(void **state)
{
    static const char *const keys[] = { "accuracy", "labels", "predictions" };
    json_t *e = json_of(*state, FMNIST "--count 20 --json -");
    json_t *t = json_of(*state, FMNIST "--count 20 --set clocking.kind=timestep --json -");

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_true(json_equal(at(e, keys[i]), at(t, keys[i])));
    assert_int_equal(json_array_size(at(e, "predictions")), 20);
    json_decref(e);
    json_decref(t);
    char *text = succeed(*state, FMNIST "--count 20");
    assert_non_null(strstr(text, "of 20 images have the right class"));
    free(text);
}

/* Words, conversions, operations and bits are those of timesteps, and leakage is that of an image's
 * interval; the clock of a core runs while any of its stages works. */
static void an_image_costs_what_it_costs_in_timesteps_but_for_the_clock(void **state)
{
    static const char *const blocks[] = { "crossbar", "input_drivers", "adc", "digital",
                                          "input_memory", "links" };
    json_t *e = json_of(*state, PRICED "--set clocking.kind=elastic --count 9 --json -");
    json_t *t = json_of(*state, PRICED "--count 9 --json -");

    assert_true(number_at(e, "timing.interval_clocks") == 51200); // as many as 1,024 timesteps
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        char key[80];
        snprintf(key, sizeof key, "energy.blocks.%s", blocks[i]);
        assert_true(number_at(e, key) == number_at(t, key));
    }
    json_decref(e);
    json_decref(t);
}

/* A snake of 43 cores on 6 rows of 8 makes 89 hops, and the arrays set the pace. */
static void a_mesh_is_placed_and_keeps_the_pace(void **state)
{
    json_t *doc = json_of(*state, "run configs/resnet32.yaml --set clocking.kind=elastic --set "
                                  "fabric.kind=mesh --set fabric.rows=6 --json -");
    uint64_t hops = 0;

    assert_true(json_number_value(at(doc, "timing.interval_clocks")) == 51200);
    assert_int_equal(integer_at(doc, "fabric.hops.sum"), 89);
    assert_int_equal(integer_at(doc, "fabric.injected_flits"),
                     integer_at(doc, "fabric.delivered_flits"));
    for (size_t i = 0; i < json_array_size(at(doc, "fabric.hops.histogram")); i++)
        hops += i * (uint64_t)json_integer_value(json_array_get(at(doc, "fabric.hops.histogram"),
                                                                i));
    assert_int_equal(hops, 89);
    assert_int_equal(json_array_size(at(doc, "fabric.placement")), 43);
    json_decref(doc);
    assert_fails(*state, "run configs/resnet32.yaml --set clocking.kind=elastic --set "
                         "fabric.kind=mesh --set fabric.rows=2",
                 2, "want at least fabric.rows = 6");
    assert_fails(*state, "run configs/resnet32.yaml --set clocking.kind=elastic --set "
                         "fabric.kind=mesh --set fabric.switching=cut_through --set "
                         "fabric.vc_flits=1", 2, "want at least fabric.vc_flits = ");
}

/* Status 1, a line for each stage that has work, and last the circle with what breaks it. */
static void a_chip_that_stands_still_says_who_waits_and_what_would_do(void **state)
{
    static const char run[] = "run configs/vit_fmnist.yaml --set clocking.kind=elastic";
    struct outcome o = imcsim(*state, run);
    char again[256], *line = strtok(o.err, "\n"), *last = NULL;
    uint32_t n = 0, size;

    assert_int_equal(o.status, 1);
    assert_string_equal(o.out, "");
    for (; line; n++) {
        assert_int_equal(strncmp(line, "imcsim: ", 8), 0);
        last = line;
        line = strtok(NULL, "\n");
        if (line) // not the last
            assert_non_null(strstr(last, strstr(last, " is ") ? " is blocked by " : " waits for "));
    }
    assert_true(n > 5);
    assert_non_null(strstr(last, "nothing can move any more while image 0 is computed: "));
    assert_non_null(strstr(last, "placed_sum.output 2 of 2 full"));
    const char *cure = strstr(last, ": want elastic.residual_pixels = ");
    assert_non_null(cure);
    assert_int_equal(sscanf(cure, ": want elastic.residual_pixels = %u", &size), 1);
    outcome_release(&o);
    for (uint32_t less = 0; less < 2; less++) {
        snprintf(again, sizeof again, "%s --set elastic.residual_pixels=%u", run, size - less);
        o = imcsim(*state, again);
        assert_int_equal(o.status, less ? 1 : 0);
        outcome_release(&o);
    }
}

static void both_kernels_write_the_same(void **state)
{
#ifndef WITH_SYSTEMC
    printf("skipped: this build has no SystemC kernel\n");
    skip();
#endif
    char *native = succeed(*state, ELASTIC SMALL "--count 3 --table stages --format csv");
    char *other = succeed(*state, ELASTIC SMALL "--count 3 --table stages --format csv "
                                  "--kernel systemc");

    assert_string_equal(native, other);
    free(native);
    free(other);
}

#define SKIPS "run configs/resnet32_fmnist.yaml --set core.crossbar.input_slice_bits=1 " \
              "--set core.crossbar.rows_at_once=7 --set core.crossbar.skip_zero_rows=yes " \
              "--images /usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz "

static void zeros_save_time_and_leave_the_reads_of_timesteps(void **state)
{
    json_t *doc = json_of(*state, SKIPS "--count 3 --json - --set clocking.kind=elastic");
    json_t *steps = json_of(*state, SKIPS "--count 3 --json -");
    json_t *range = at(doc, "timing.intervals_clocks"), *core;
    const double mean = json_number_value(json_array_get(range, 1));
    uint64_t made = 0, all = 0;
    size_t i;

    assert_int_equal(json_array_size(range), 3);
    assert_true(json_number_value(json_array_get(range, 0)) <= mean &&
                mean <= json_number_value(json_array_get(range, 2)));
    assert_true(number_at(doc, "timing.first_result_clocks") < 82501 / 2);
    json_array_foreach(at(doc, "core_list"), i, core) {
        json_t *other = named(at(steps, "core_list"), text_at(core, "name"));
        const int64_t reads = integer_at(core, "reads.made");
        assert_int_equal(reads, integer_at(other, "counters.reads"));
        assert_int_equal(reads, integer_at(core, "counters.reads"));
        assert_int_equal(integer_at(core, "counters.conversions"),
                         integer_at(other, "counters.conversions"));
        assert_true(number_at(core, "reads.clocks_per_read") * (double)reads <
                    (double)integer_at(core, "counters.busy_crossbar_clocks") + 0.5);
        made += (uint64_t)reads;
        all += (uint64_t)integer_at(core, "reads.all");
    }
    assert_true(made > 0 && 4 * made < all);
    json_decref(doc);
    json_decref(steps);
    assert_fails(*state, SKIPS "--count 1 --set clocking.kind=elastic --table faster", 2,
                 "want at least 2 of them");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, tmpdir_make, tmpdir_remove)
    const struct CMUnitTest tests[] = {
        TEST(the_document_has_times_stages_and_buffers),
        TEST(the_text_says_when_and_who_waits),
        TEST(a_crossbar_of_a_core_without_one_is_explained_where_it_is_listed),
        TEST(buffers_below_a_token_are_raised_and_told),
        TEST(every_key_has_a_row_on_the_page_of_results),
        TEST(what_only_timesteps_have_is_refused),
        TEST(what_is_compared_is_what_run_says),
        TEST(a_run_is_watched_into_files),
        TEST(images_have_the_classes_of_timesteps),
        TEST(zeros_save_time_and_leave_the_reads_of_timesteps),
        TEST(an_image_costs_what_it_costs_in_timesteps_but_for_the_clock),
        TEST(a_mesh_is_placed_and_keeps_the_pace),
        TEST(a_chip_that_stands_still_says_who_waits_and_what_would_do),
        TEST(both_kernels_write_the_same),
    };

    return cmocka_run_group_tests_name("elastic_command", tests, NULL, NULL);
}
