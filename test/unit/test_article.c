/* imcsim article --out: data and drawings of the figures, and the page that shows them. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/cli_rig.h"
#include "test/naive_machine.h"
#include "test/tmpdir.h"

static const char *const figures[] = { "figure6a", "figure6b", "figure9", "figure10a",
                                       "figure10b" };

enum { N_FIGURE = sizeof figures / sizeof *figures };

static bool installed(const char *program)
{
    char command[64];

    snprintf(command, sizeof command, "command -v %s >/dev/null", program);
    return system(command) == 0;
}

static size_t count(const char *text, const char *word)
{
    size_t n = 0;

    for (; (text = strstr(text, word)); text += strlen(word))
        n++;
    return n;
}

/* Reads all figures into one directory, once for all tests. */
static int make_figures(void **state)
{
    if (tmpdir_make(state))
        return -1;
    struct outcome o = imcsim(*state, "article --out @ --log-level error");
    int status = o.status;
    outcome_release(&o);
    return status;
}

/* ---- Fig. 6 ---- */

/* Rows for 16 channels of n outputs in a block dw wide: a naive union of 3x3 patches. */
static uint32_t naive_rows(uint32_t n, uint32_t dw)
{
    bool seen[70][10] = { { false } };
    uint32_t rows = 0;

    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < 9; k++) {
            bool *at = &seen[i / dw + k / 3][i % dw + k % 3];
            rows += *at ? 0 : 16;
            *at = true;
        }
    return rows;
}

static void figure_6_counts_the_rows_of_a_naive_union_of_patches(void **state)
{
    char *aspect = read_file(*state, "figure6a.csv"), *rows = read_file(*state, "figure6b.csv");
    char *a = strchr(aspect, '\n'), *r = strchr(rows, '\n');

    assert_int_equal(strncmp(aspect, "replicas,dw_1,dw_2,dw_3,dw_4,dw_5\n", 34), 0);
    for (uint32_t n = 1; n <= 64; n++) {
        assert_int_equal(strtoul(a, &a, 10), n);
        assert_int_equal(strtoul(r, &r, 10), n);
        for (uint32_t dw = 1; dw <= 5; dw++) {
            uint32_t want = naive_rows(n, dw);
            double ratio = strtod(a + 1, &a) * 16 * n;
            assert_int_equal(strtoul(r + 1, &r, 10), want);
            assert_true(ratio > want - 1e-6 && ratio < want + 1e-6);
        }
    }
    assert_string_equal(a, "\n");
    assert_string_equal(r, "\n");
    assert_int_equal(naive_rows(20, 1), 1056); // article 2.2.3
    assert_int_equal(naive_rows(20, 5), 672);
    free(aspect);
    free(rows);
}

/* ---- Fig. 9 ---- */

/* Place of a core by its position in the plan, along rows of 8 that turn at each end. */
static void place(json_t *cores, const char *name, json_int_t *row, json_int_t *column)
{
    size_t i;
    json_t *core;

    json_array_foreach(cores, i, core)
        if (strcmp(text_at(core, "name"), name) == 0) {
            *row = (json_int_t)i / 8;
            *column = (json_int_t)i % 8;
            if (*row % 2 == 1)
                *column = 7 - *column;
            return;
        }
    *row = *column = -1; // the edge of the chip
}

static void figure_9_has_every_stream_of_the_plan_between_places_of_an_8_by_6_array(void **state)
{
    json_t *map = json_of(*state, "map configs/resnet32.yaml --json -"), *stream;
    json_t *cores = at(map, "core_list");
    char *csv = read_file(*state, "figure9.csv"), *line = csv;
    size_t i;

    assert_true(json_array_size(cores) <= 48);
    json_array_foreach(at(map, "streams"), i, stream) {
        char want[256], place_text[2][32];
        const char *end[2] = { text_at(stream, "from"), text_at(stream, "to") };
        for (int k = 0; k < 2; k++) {
            json_int_t row, column;
            place(cores, end[k], &row, &column);
            if (row < 0)
                strcpy(place_text[k], ",");
            else
                snprintf(place_text[k], sizeof place_text[k], "%d,%d", (int)row, (int)column);
        }
        snprintf(want, sizeof want, "%s,%s,%s,%s,%s,%d,%d\n", text_at(stream, "kind"), end[0],
                 place_text[0], end[1], place_text[1], (int)integer_at(stream, "channels"),
                 (int)integer_at(stream, "value_bits"));
        line = strchr(line, '\n') + 1;
        if (strncmp(line, want, strlen(want)) != 0)
            fail_msg("want %sgot %.80s", want, line);
    }
    assert_string_equal(strchr(line, '\n'), "\n");
    free(csv);
    json_decref(map);
}

static void figure_9_draws_every_core_and_every_stream_in_its_colour(void **state)
{
    static const struct {
        const char *kind, *colour;
        size_t      n;
    } kinds[] = {
        /* conv23 .. conv31 are halved: 22 layers that feed one core (conv31: fc) and 9 that feed
         * two; 13 blocks without resampling, of which 4 read their residuals in two halves */
        { "forward", "#2e9e3f", 22 + 2 * 9 },  { "residual", "#2166d1", 9 + 2 * 4 },
        { "partial_sum", "#8a3ab9", 9 },       { "to_resampling", "#d62728", 2 },
        { "from_resampling", "#f28c12", 2 },   { "image", "#777777", 1 },
        { "result", "#777777", 1 },
    };
    json_t *map = json_of(*state, "map configs/resnet32.yaml --json -"), *o;
    char *svg = read_file(*state, "figure9.svg"), text[128];
    size_t i;

    json_array_foreach(at(map, "core_list"), i, o) {
        snprintf(text, sizeof text, ">%s</text>", text_at(o, "name"));
        assert_int_equal(count(svg, text), 1);
    }
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        size_t legend = strcmp(kinds[k].kind, "result") != 0; // named with the image
        snprintf(text, sizeof text, "<path class=\"%s\"", kinds[k].kind);
        assert_int_equal(count(svg, text), kinds[k].n + legend);
        assert_non_null(strstr(strstr(svg, text), kinds[k].colour));
    }
    assert_int_equal(count(svg, "rx=\"7\""), 48); // cores, used or not
    free(svg);
    json_decref(map);
}

/* ---- Fig. 10 ---- */

struct curves { // pixels computed until an elapsed timestep, by layer
    char     name[40][16];
    size_t   n;
    uint64_t rows;
    uint64_t (*value)[40];
};

static struct curves read_curves(const char *dir, const char *file)
{
    struct curves c = { .rows = 0 };
    char *csv = read_file(dir, file), *p = csv + strlen("timesteps");

    assert_int_equal(strncmp(csv, "timesteps,", 10), 0);
    for (; *p == ','; c.n++) {
        size_t length = strcspn(++p, ",\n");
        assert_true(c.n < 40 && length < 16);
        memcpy(c.name[c.n], p, length);
        p += length;
    }
    c.value = calloc(count(p, "\n"), sizeof *c.value);
    for (p++; *p; p++, c.rows++) {
        assert_int_equal(strtoull(p, &p, 10), c.rows);
        for (size_t i = 0; i < c.n; i++)
            c.value[c.rows][i] = strtoull(p + 1, &p, 10);
        assert_int_equal(*p, '\n');
    }
    free(csv);
    return c;
}

static struct naive_case resnet32(void)
{
    return (struct naive_case){ .depth = 32, .size = 32, .channels = { 16, 28, 56 },
                                .classes = 10, .rows = 256, .columns = 256,
                                .replicas = { 1, 1, 1 }, .block_width = { 1, 1, 1 },
                                .copies = { 1, 1, 1 }, .hop = 1, .partial_sum_hop = 1,
                                .n_image = 1 };
}

/* Article 3.1.3 and 3.1.4: the first layer computes n pixels in every timestep, all of the first
 * group do so in the plain run; no layer ever computes more than its group's n. */
static void assert_curves(const char *dir, const char *file, const struct naive_case *c)
{
    struct curves k = read_curves(dir, file);
    struct naive_result *r = malloc(sizeof *r);

    assert_true(naive_run(c, r));
    assert_int_equal(k.n, r->n_layer);
    assert_int_equal(k.rows, r->fc_result + 1);
    for (size_t i = 0; i < k.n; i++) {
        const struct naive_layer *l = &r->layer[i];
        bool fc = i + 1 == k.n;
        uint32_t group = i <= 10 ? 0 : i <= 21 ? 1 : 2, side = 32u >> group;
        uint64_t n = fc ? 1 : c->replicas[group], all = fc ? 1 : side * side;
        uint64_t first = (uint64_t)l->first[0], last = (uint64_t)l->last[0];
        assert_string_equal(k.name[i], l->name);
        assert_int_equal(k.value[first][i], 0);
        assert_true(k.value[first + 1][i] > 0);
        assert_true(k.value[last][i] < all);
        assert_int_equal(k.value[last + 1][i], all);
        assert_int_equal(k.value[k.rows - 1][i], all);
        for (uint64_t t = 1; t < k.rows; t++) {
            uint64_t step = k.value[t][i] - k.value[t - 1][i];
            assert_true(step <= n);
            if (group == 0 && (n == 1 || i == 0) && t > first && t <= last)
                assert_int_equal(step, n);
        }
    }
    free(k.value);
    free(r);
}

static void figure_10a_begins_and_ends_every_curve_when_a_naive_machine_does(void **state)
{
    struct naive_case c = resnet32();

    assert_curves(*state, "figure10a.csv", &c);
}

static void figure_10b_too_with_4_2_and_1_pixels_a_timestep(void **state)
{
    struct naive_case c = resnet32();

    c.rows = c.columns = 512;
    c.replicas[0] = 4;
    c.replicas[1] = 2;
    c.firing = NAIVE_FREE;
    assert_curves(*state, "figure10b.csv", &c);
}

/* Stride 2: nothing to compute while the pixels of an even column come, of which there are 32, not
 * the 16 that the article's text has; its average of one firing in four timesteps follows. */
static void layer_12_pauses_for_the_32_pixels_of_every_second_column(void **state)
{
    struct curves k = read_curves(*state, "figure10a.csv");
    size_t from = 10, layer = 12; // conv11, conv12; rs1 stands between them
    uint64_t pauses = 0, computed = 0;

    assert_string_equal(k.name[from], "conv11");
    assert_string_equal(k.name[layer], "conv12");
    for (uint64_t t = 0; t + 1 < k.rows; t++) { // a pixel is stored a hop after it is computed
        uint64_t stored = k.value[t][from], step = k.value[t + 1][layer] - k.value[t][layer];
        bool comes = t > 0 && stored > k.value[t - 1][from];
        if (comes && (stored - 1) / 32 % 2 == 0) {
            assert_int_equal(step, 0);
            pauses++;
        }
        computed += step;
    }
    assert_int_equal(pauses, 16 * 32);
    assert_int_equal(computed, 1024 / 4);
    free(k.value);
}

/* ---- gnuplot ---- */

static void gnuplot_draws_a_curve_for_each_width_and_for_each_convolution(void **state)
{
    static const struct {
        const char *name;
        size_t      curves;
    } drawn[] = { { "figure6a", 5 }, { "figure6b", 5 + 1 }, { "figure10a", 31 },
                  { "figure10b", 31 } };

    if (!installed("gnuplot")) {
        print_message("gnuplot is not installed\n");
        skip();
    }
    for (size_t i = 0; i < sizeof drawn / sizeof *drawn; i++) {
        char name[32], id[32];
        snprintf(name, sizeof name, "%s.svg", drawn[i].name);
        snprintf(id, sizeof id, "id=\"%s_plot_", drawn[i].name);
        char *svg = read_file(*state, name);
        assert_non_null(strstr(svg, "<svg"));
        assert_non_null(strstr(svg, "</svg>"));
        assert_int_equal(count(svg, id), drawn[i].curves);
        free(svg);
    }
}

/* Runs article in a directory of its own, which is all of the PATH. */
static struct outcome article_with_path(const char *dir)
{
    char *path = strdup(getenv("PATH"));

    setenv("PATH", dir, 1);
    struct outcome o = imcsim(dir, "article --out @");
    setenv("PATH", path, 1);
    free(path);
    return o;
}

static void without_gnuplot_the_data_is_written_and_a_message_says_what_is_missing(void **state)
{
    struct outcome o = article_with_path(*state);
    char path[TMPDIR_PATH_MAX];

    assert_int_equal(o.status, 0);
    assert_non_null(strstr(o.err, "gnuplot is not installed (Debian: gnuplot-nox)"));
    assert_int_equal(count(o.err, "\n"), 1);
    outcome_release(&o);
    char *csv = read_file(*state, "figure10a.csv"), *page = read_file(*state, "index.html");
    assert_int_equal(count(csv, "\n"), 1 + 1628 + 1);
    assert_int_equal(count(page, "Not drawn: gnuplot is not installed"), 4);
    assert_int_equal(count(page, "<img "), 1); // Fig. 9
    assert_null(fopen(tmpdir_path(path, *state, "figure10a.svg"), "r"));
    free(csv);
    free(page);
}

static void a_gnuplot_that_fails_is_quoted_and_nothing_is_written(void **state)
{
    static const char script[] = "#!/bin/sh\necho 'no terminal' >&2\nexit 1\n";
    char path[TMPDIR_PATH_MAX], command[TMPDIR_PATH_MAX + 16];

    tmpdir_write(*state, "gnuplot", script, strlen(script));
    snprintf(command, sizeof command, "chmod +x %s", tmpdir_path(path, *state, "gnuplot"));
    assert_int_equal(system(command), 0);
    struct outcome o = article_with_path(*state);
    assert_one_error_line(&o, "article", 1, "gnuplot failed: no terminal");
    outcome_release(&o);
    assert_null(fopen(tmpdir_path(path, *state, "index.html"), "r"));
    assert_null(fopen(tmpdir_path(path, *state, "table1.csv"), "r"));
}

/* ---- the page ---- */

/* What Chromium makes of a page: its document after scripts have run. */
static char *opened(const char *dir, const char *page)
{
    char command[1024];

    snprintf(command, sizeof command,
             "profile=$(mktemp -d) && timeout 100 chromium --headless --no-sandbox --disable-gpu "
             "--disable-quic --no-first-run --disable-background-networking "
             "--disable-component-update --disable-sync --user-data-dir=$profile "
             "--virtual-time-budget=10000 --dump-dom file://%s/%s >%s/dom 2>/dev/null; "
             "status=$?; rm -rf $profile; exit $status", dir, page, dir);
    assert_int_equal(system(command), 0);
    return read_file(dir, "dom");
}

/* The page itself with a script behind it, which notes the size of each image once all are loaded;
 * one that is broken has none. */
static void chromium_shows_every_figure_and_table_on_the_page(void **state)
{
    static const char script[] =
        "<script>onload = () => { for (const i of document.images) document.body.append("
        "`[${i.getAttribute('src')} ${i.naturalWidth > 300 && i.naturalHeight > 300}]`);"
        "for (const t of document.querySelectorAll('td')) if (t.innerText.startsWith('  '))"
        "document.body.append(`[set in: ${t.innerText}]`) }</script>";
    static const char *const shown[] = {
        "Table 1:", "Table 2:", "1.428 (1.427)", "252 (504)",
        ">1,628<", ">1,626<", ">1,619<", ">1,618<", ">526<", ">527<", ">538 (526)<", ">539<",
        ">565 (526)<", ">567<", ">553 (526)<", ">555<", ">62<", ">43<", ">34<", ">1,056<", ">672<",
        "[set in:   links of each core]", "Spoon et al. 2021", "2.70 (5)",
    };

    if (!installed("chromium") || !installed("gnuplot")) {
        print_message("chromium or gnuplot is not installed\n");
        skip();
    }
    char *page = read_file(*state, "index.html"), *probe = malloc(strlen(page) + sizeof script);
    tmpdir_write(*state, "probe.html", probe,
                 (size_t)sprintf(probe, "%s%s", page, script));
    char *dom = opened(*state, "probe.html");
    for (size_t i = 0; i < N_FIGURE; i++) {
        char loaded[64];
        snprintf(loaded, sizeof loaded, "[%s.svg true]", figures[i]);
        if (!strstr(dom, loaded))
            fail_msg("%s is not shown", figures[i]);
    }
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        if (!strstr(dom, shown[i]))
            fail_msg("no %s on the page", shown[i]);
    assert_int_equal(count(dom, "<table>"), 10);
    assert_null(strstr(dom, "DIFFERS"));
    free(page);
    free(probe);
    free(dom);
}

int main(void)
{
    const struct CMUnitTest with_figures[] = {
        cmocka_unit_test(figure_6_counts_the_rows_of_a_naive_union_of_patches),
        cmocka_unit_test(figure_9_has_every_stream_of_the_plan_between_places_of_an_8_by_6_array),
        cmocka_unit_test(figure_9_draws_every_core_and_every_stream_in_its_colour),
        cmocka_unit_test(figure_10a_begins_and_ends_every_curve_when_a_naive_machine_does),
        cmocka_unit_test(figure_10b_too_with_4_2_and_1_pixels_a_timestep),
        cmocka_unit_test(layer_12_pauses_for_the_32_pixels_of_every_second_column),
        cmocka_unit_test(gnuplot_draws_a_curve_for_each_width_and_for_each_convolution),
        cmocka_unit_test(chromium_shows_every_figure_and_table_on_the_page),
    };
#define TEST(f) cmocka_unit_test_setup_teardown(f, tmpdir_make, tmpdir_remove)
    const struct CMUnitTest gnuplot[] = {
        TEST(without_gnuplot_the_data_is_written_and_a_message_says_what_is_missing),
        TEST(a_gnuplot_that_fails_is_quoted_and_nothing_is_written),
    };

    return cmocka_run_group_tests(with_figures, make_figures, tmpdir_remove) +
           cmocka_run_group_tests(gnuplot, NULL, NULL);
}
