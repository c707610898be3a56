/* What every report has: each form, words for people and keys for programs, a page that describes
 * every key of its document. */
#include <ctype.h>
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
#include <jansson.h>

#include "test/cli_rig.h"
#include "test/tmpdir.h"
#include "test/zoo/zoo.h"

#define PLAIN   "configs/resnet32.yaml"
#define SPEEDUP "configs/resnet32_speedup.yaml"
#define FMNIST  "configs/resnet32_fmnist.yaml"
#define PRICED  "configs/dazzi2021_14nm.yaml"
#define MESH    PLAIN " --set fabric.kind=mesh --clocks 1000"
#define TOKENS  "configs/bert_base_spoon.yaml --set network.layers=2"
#define SET     "test/data/images/classes"

/* Every document: what makes it, one of its tables, the name of its format. */
static const struct {
    const char *arguments, *table, *format;
} reports[] = {
    { "run " PLAIN, "layers", "run" },
    { "run " PRICED, "cores", "run" },
    { "run configs/isaac.yaml", "run", "run" },
    { "run @/q.yaml --images " SET, "accuracy", "run" },
    { "run @/q.yaml --images " SET " --set core.crossbar.device=pcm_joshi", "analog_layers",
      "run" },
    { "run @/q.yaml --images " SET " --set core.readout.kind=adc", "converters", "run" },
    { "run configs/nmnist_nir.yaml --set network.nir=test/data/events/small.nir --images "
      "test/data/events/recordings", "spikes", "run" },
    { "run configs/lif_fmnist.yaml --images random --count 2", "steps", "run" },
    { "run " FMNIST " --images random --count 1 --set input.coding=phase --set input.steps=8 "
      "--set neuron.kind=if --set fabric.link_gbps=7", "neurons", "run" },
    { "run configs/isaac.yaml --set network.onnx=@/q.onnx --images random --count 1 "
      "--set chip.cores=4096 --set core.input_memory.words=65536 "
      "--set core.crossbar.skip_zero_rows=yes", "cores", "run" },
    { "run " PLAIN " --set clocking.kind=elastic --count 2", "stalls", "run" },
    { "run @/q.yaml --images " SET " --set clocking.kind=elastic", "buffers", "run" },
    { "run " PRICED " --set clocking.kind=elastic --count 2", "figures", "run" },
    { "run @/q.yaml --images " SET " --set clocking.kind=elastic "
      "--set core.crossbar.skip_zero_patches=yes", "reads", "run" },
    { "map " PLAIN, "layers", "map" },
    { "map " PLAIN " --set fabric.kind=mesh", "streams", "placement" },
    { "map configs/isaac.yaml", "arrays", "map" },
    { "map " PLAIN " --set mapping.optimize=latency --set mapping.effort=1", "cores",
      "map" },
    { "map " PRICED " --set mapping.optimize=edp --set mapping.effort=1", "streams", "map" },
    { "map " PLAIN " --pareto --set mapping.effort=1", "front", "pareto" },
    { "compare " PLAIN " " SPEEDUP " " PRICED " configs/isaac.yaml configs/rram40_macro.yaml",
      "comparison", "compare" },
    { "compare @/q.yaml --images " SET, "configurations", "compare" },
    { "breakdown configs/hermes_14nm.yaml", "layers", "breakdown" },
    { "breakdown @/q.yaml --images " SET, "zeros", "breakdown" },
    { "breakdown configs/rram40_macro.yaml", "modules", "macro" },
    { "run " TOKENS " --set decode.prompt=3 --set decode.tokens=2 --set network.causal=true",
      "decode", "run" },
    { "run " TOKENS, "waits", "run" },
    { "run " TOKENS, "links", "run" },
    { "map " TOKENS, "lanes", "map" },
    { "breakdown " TOKENS, "blocks", "breakdown" },
    { "breakdown " TOKENS " --set attention.bits=6 --set energy.technology=spoon2021", "relative",
      "breakdown" },
    { "circuit core", "blocks", "circuit" },
    { "article", "table3", "article" },
    { "import @/float.onnx --images " SET " -o @/q.onnx", "values", "import" },
    { "import @/float.onnx --images random --count 2 -o @/q.onnx", "classes", "import" },
    { "report @/s.db", "points", "report" },
    { "report @/s.db --front cores,latency_us", "best", "report" },
    { "report @/s.db --effects", "effects", "report" },
    { "fabric " MESH, "channels", "fabric" },
};
enum { N_REPORT = sizeof reports / sizeof *reports };

/* What has been printed, by arguments: the tests ask for the same. */
static json_t *prints;

/* One directory for all tests, with what the reports are of: a small float model and its quantised
 * one, a study of four points, one of which fails. */
static void write_inputs(const char *dir)
{
    static const char study[] = "base: resnet32\n"
                                "vary: {core.crossbar.rows: [256, 512], batch: [50, 100]}\n"
                                "points: [{name: none, set: {chip.cores: 1}}]\n";
    static const char machine[] = "network: {onnx: q.onnx}\nchip: {cores: 4096}\n"
                                  "core: {input_memory: {words: 65536}, digital: {lanes: 65536}}\n"
                                  "fabric: {link_gbps: 10000, partial_sum_gbps: 10000}\n";
    struct zoo_cfg cfg = zoo_defaults();
    size_t size;
    cfg.size = 32;
    cfg.thin = 16;
    cfg.classes = 10;

    Onnx__ModelProto *model = zoo_make("resnet18", &cfg);
    uint8_t *bytes = make_packed(model, &size);
    tmpdir_write(dir, "float.onnx", bytes, size);
    free(bytes);
    make_free(model);
    tmpdir_write(dir, "s.yaml", study, strlen(study));
    tmpdir_write(dir, "q.yaml", machine, strlen(machine));
    json_t *made = json_of(dir, "import @/float.onnx --images random --calibrate 2 -o @/q.onnx "
                                "--json -"); // which compares on as many
    assert_int_equal(json_integer_value(json_object_get(json_object_get(made, "images"), "count")),
                     2);
    json_decref(made);
    struct outcome o = imcsim(dir, "sweep @/s.yaml --db @/s.db");
    assert_int_equal(o.status, 0);
    outcome_release(&o);
}

static int begin(void **state)
{
    prints = json_object();
    if (tmpdir_make(state))
        return -1;
    write_inputs(*state);
    return 0;
}

static int end(void **state)
{
    json_decref(prints);
    return tmpdir_remove(state);
}

static char *printed(const char *dir, size_t report, const char *more)
{
    char arguments[512];

    snprintf(arguments, sizeof arguments, "%s %s", reports[report].arguments, more);
    if (!json_object_get(prints, arguments)) {
        char *text = succeed(dir, arguments);
        assert_int_equal(json_object_set_new(prints, arguments, json_string(text)), 0);
        free(text);
    }
    return strdup(json_string_value(json_object_get(prints, arguments)));
}

static json_t *document(const char *dir, size_t report)
{
    char *text = printed(dir, report, "--format json"), want[64];
    json_t *doc = json_loads(text, 0, NULL);

    if (!doc)
        fail_msg("%s: no JSON", reports[report].arguments);
    snprintf(want, sizeof want, "imcsim-%s/1", reports[report].format);
    assert_string_equal(text_at(doc, "format"), want);
    free(text);
    return doc;
}

static size_t count_of(const char *text, const char *what)
{
    size_t n = 0;

    for (; (text = strstr(text, what)); text += strlen(what))
        n++;
    return n;
}

static void every_report_has_every_form(void **state)
{
    char more[128];

    for (size_t i = 0; i < N_REPORT; i++) {
        const char *table = reports[i].table;
        char *text = printed(*state, i, "");
        if (lines_beyond(text, 100) > 0)
            fail_msg("%s: lines beyond 100 columns", reports[i].arguments);
        free(text);
        json_decref(document(*state, i));

        snprintf(more, sizeof more, "--format csv --table %s", table);
        text = printed(*state, i, more);
        assert_null(strstr(text, "\n\n")); // one table
        size_t n_row = count_of(text, "\n");
        free(text);
        snprintf(more, sizeof more, "--format latex --table %s", table);
        text = printed(*state, i, more);
        assert_memory_equal(text, "\\begin{table}\n", 14);
        assert_non_null(strstr(text, "\\toprule\n"));
        if (strstr(text, "\\caption{") == NULL)
            fail_msg("%s --table %s: no caption", reports[i].arguments, table);
        assert_int_equal(count_of(text, "\\\\\n"), n_row);
        free(text);
        snprintf(more, sizeof more, "--format markdown --table %s", table);
        text = printed(*state, i, more);
        assert_non_null(strstr(text, "|---"));
        free(text);
    }
    assert_fails(*state, "run " PLAIN " --table nets", 2,
                 "--table nets: want one of layers, stages, links, accuracy, predictions, "
                 "spikes, steps, waits, decode, learning, operations, neurons, analog, "
                 "analog_layers, cores, converters, streams, run");
}

/* ---- words ---- */

/* The titles of every table have words; keys of a configuration, which a user types, stay. */
static void people_read_words_and_programs_keys(void **state)
{
    char more[64];

    for (size_t i = 0; i < N_REPORT; i++) {
        snprintf(more, sizeof more, "--format markdown --table %s", reports[i].table);
        char *text = printed(*state, i, more), *titles = strstr(text, "\n| ");
        if (!titles)
            fail_msg("%s: no table", reports[i].arguments);
        char *end = strchr(titles + 1, '\n');
        *end = '\0';
        char *rows = strchr(end + 1, '\n'); // below the rule
        for (char *cell = strtok(titles + 1, "|"); cell; cell = strtok(NULL, "|"))
            if (strchr(cell, '_') && !strchr(cell, '.'))
                fail_msg("%s --table %s: a column is called%s", reports[i].arguments,
                         reports[i].table, cell);
        bool of_words = strncmp(titles + 1, "| figure", strlen("| figure")) == 0 ||
                        strncmp(titles + 1, "| stream", strlen("| stream")) == 0;
        for (char *row = rows; of_words && (row = strstr(row, "\n| ")) != NULL; row++)
            if (memchr(row + 3, '_', strcspn(row + 3, "|")))
                fail_msg("%s --table %s: a row is called %.*s", reports[i].arguments,
                         reports[i].table, (int)strcspn(row + 3, "|"), row + 3);
        free(text);
    }
    char *text = succeed(*state, "run " PLAIN " --table run");
    assert_non_null(strstr(text, "\n  first result timesteps      1,628\n"));
    free(text);
    text = succeed(*state, "map " PLAIN " --table stages"); // 266 % of a timestep are explained
    assert_non_null(strstr(text, "\n  Each stage has to fit into a timestep by itself. "));
    free(text);
    text = succeed(*state, "run " FMNIST " --images random --count 1 --set clocking.kind=elastic");
    assert_non_null(strstr(text, "\nImages   1 of random pixels\n"));
    free(text);
    text = succeed(*state, "run " PLAIN " --table run --format csv");
    assert_non_null(strstr(text, "\nfirst_result_timesteps,1628\n"));
    free(text);
    text = succeed(*state, "run " PLAIN " --table cores --format csv");
    assert_non_null(strstr(text, ",driven_rows,"));
    free(text);
    text = succeed(*state, "run " PLAIN " --table cores --format markdown");
    assert_null(strstr(text, " ops ")); // no counter's key without its lines
    assert_null(strstr(text, " sum abs "));
    free(text);
}

static void read_layer(const char *csv, const char *name, int64_t *last, int64_t *lag)
{
    char key[32];

    snprintf(key, sizeof key, "\n%s,", name);
    const char *field = strstr(csv, key);
    if (!field)
        fail_msg("no layer %s", name);
    for (int column = 0; column < 7; column++)
        field = strchr(field, ',') + 1;
    assert_int_equal(sscanf(field, "%" SCNd64 ",%" SCNd64, last, lag), 2);
}

/* A head reads the first of 197 tokens, two timesteps after the last of two parts has it: it is
 * through 196 timesteps before the last token comes, less these. */
static void what_reads_the_first_token_is_through_before_the_last_one_comes(void **state)
{
    char *csv = succeed(*state, "run configs/vit_tiny.yaml --table layers --format csv");
    int64_t last[2], lag[2];

    read_layer(csv, "l12.f2", &last[0], &lag[0]);
    read_layer(csv, "norm", &last[1], &lag[1]);
    assert_int_equal(lag[1], 2 - 196);
    assert_int_equal(lag[1], last[1] - last[0]);
    free(csv);
}

/* The number at the beginning of each line that says "until" something. */
static int64_t sum_of_parts(const char *text)
{
    int64_t sum = 0;

    for (const char *line = text; (line = strchr(line, '\n')) != NULL; line++) {
        const char *digit = line + 1 + strspn(line + 1, " ");
        int64_t n = 0;
        for (; isdigit((unsigned char)*digit) || *digit == ','; digit++)
            n = *digit == ',' ? n : 10 * n + *digit - '0';
        if (strncmp(digit, "  until ", 8) == 0)
            sum += n;
    }
    return sum;
}

/* Of images, tokens and presentations: the parts that a report explains the first result by. */
static void parts_of_the_first_result_add_up_to_it(void **state)
{
    static const struct {
        const char *arguments, *says;
    } runs[] = {
        { PLAIN, " in all to the last firing of a convolution\n" },
        { TOKENS, "\nA token travels as a pixel does, " },
        { "configs/vit_tiny.yaml", " in all to the last firing of a matrix\n" },
        { "configs/lif_fmnist.yaml --images random --count 1",
          "  until its other 7 presentations are through, one every 5 timesteps\n" },
        { FMNIST " --images random --count 1 --set input.coding=phase --set input.steps=8 "
          "--set neuron.kind=if --set fabric.link_gbps=7", " first presentation's firings, " },
    };

    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        char arguments[400];
        snprintf(arguments, sizeof arguments, "run %s", runs[i].arguments);
        char *text = succeed(*state, arguments);
        if (!strstr(text, runs[i].says))
            fail_msg("%s: want \"%s\"", arguments, runs[i].says);
        snprintf(arguments, sizeof arguments, "run %s --json -", runs[i].arguments);
        json_t *doc = json_of(*state, arguments);
        assert_int_equal(sum_of_parts(text), integer_at(doc, "timing.first_result_timesteps"));
        json_decref(doc);
        free(text);
    }
}

/* Bars of a layer's work in a picture of tokens. */
static int bars_of(const char *svg, const char *title)
{
    const char *end = strstr(svg, title), *path = end;
    int n = 0;

    if (!end)
        fail_msg("no %s", title);
    while (strncmp(path, "<path", 5) != 0)
        path--;
    for (; path < end; path++)
        n += *path == 'M';
    return n;
}

/* Of a map of 7 x 7 every pixel; none beyond the edge, also where the result does not wait for
 * them. */
static void a_picture_of_tokens_shows_maps_of_any_size_to_their_last_pixel(void **state)
{
    static const struct {
        const char *run, *map, *head;
        int         n; // bars of the map
    } runs[] = {
        { "run configs/vit_fmnist.yaml --svg @/t.svg", ">conv2, sequence 0<",
          ">fc_product, sequence 1<", 49 },
        { "run configs/vit_tiny.yaml --svg @/t.svg", ">patch, sequence 0<",
          ">classifier, sequence 1<", 66 }, // every third of 14 x 14
    };

    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        free(succeed(*state, runs[i].run));
        char *svg = read_file(*state, "t.svg");
        double width;
        assert_int_equal(sscanf(strstr(svg, "width="), "width=\"%lf", &width), 1);
        assert_int_equal(bars_of(svg, runs[i].map), runs[i].n);
        assert_int_equal(bars_of(svg, runs[i].head), 1);
        for (const char *x = strstr(svg, "d=\"M"); x && (x = strchr(x, 'H')) != NULL; x++)
            assert_true(strtod(x + 1, NULL) <= width - 30 + 0.01);
        free(svg);
    }
}

/* A letter takes 9.8 pixels at most; what is cut is whole in the box's title. */
static void names_of_the_chip_fit_their_boxes(void **state)
{
    size_t n = 0, n_cut = 0;

    free(succeed(*state, "map @/q.yaml --set core.crossbar.rows=64 --svg @/chip.svg"));
    char *svg = read_file(*state, "chip.svg");
    for (char *p = svg; (p = strstr(p, "<g><title>")) != NULL; n++) {
        p += strlen("<g><title>");
        const char *whole = p, *box = strstr(p, " width=\""), *bold = strstr(p, "#222222\">");
        const size_t length = strcspn(bold + strlen("#222222\">"), "<");
        if (9.8 * (double)length > strtod(box + strlen(" width=\""), NULL))
            fail_msg("%.*s: wider than its box", (int)strcspn(whole, ":"), whole);
        n_cut += length < strcspn(whole, ":");
    }
    assert_true(n > 20 && n_cut > 0 && n_cut < n);
    free(svg);
}

/* ---- the page ---- */

/* The heading that holds these words, which is there. */
static const char *find_section(const char *page, const char *heading)
{
    for (const char *line = page; (line = strstr(line, "\n### ")); line++) {
        const char *at = strstr(line, heading);
        if (at && at < strchr(line + 1, '\n'))
            return line;
    }
    fail_msg("docs/results.md has no section %s", heading);
    return page;
}

static json_t *looked_up; // whether sections have keys: items of an array have the same

static bool section_has(const char *page, const char *heading, const char *key)
{
    char row[512], both[600];

    snprintf(both, sizeof both, "%s %s", heading, key);
    if (!json_object_get(looked_up, both)) {
        const char *begin = find_section(page, heading), *end = strstr(begin + 1, "\n#");
        snprintf(row, sizeof row, "\n| `%s` |", key);
        const char *at = strstr(begin, row);
        json_object_set_new(looked_up, both, json_boolean(at && (!end || at < end)));
    }
    return json_is_true(json_object_get(looked_up, both));
}

/* Whether the section has a row for the key; or for the NAMEs beside it, and this is one. */
static bool is_described(const char *page, const char *heading, const char *path)
{
    char family[512];
    const char *dot = strrchr(path, '.');

    if (section_has(page, heading, path))
        return true;
    snprintf(family, sizeof family, "%.*s.NAME", dot ? (int)(dot - path) : 0, path);
    return dot && section_has(page, heading, family) && section_has(page, "Names", dot + 1);
}

static void assert_described(const char *page, const char *heading, json_t *value,
                             const char *path)
{
    char below[512];
    const char *key;
    json_t *item;
    size_t i;

    snprintf(below, sizeof below, "%s.*", path);
    if (*path && section_has(page, heading, below))
        return; // keys of a configuration
    if (json_is_object(value)) {
        json_object_foreach(value, key, item) {
            snprintf(below, sizeof below, "%s%s%s", path, *path ? "." : "", key);
            assert_described(page, heading, item, below);
        }
    } else if (json_is_array(value) && json_is_object(json_array_get(value, 0))) {
        snprintf(below, sizeof below, "%s[]", path);
        json_array_foreach(value, i, item)
            assert_described(page, heading, item, below);
    } else if (!is_described(page, heading, path)) {
        fail_msg("docs/results.md, %s: no row for `%s`", heading, path);
    }
}

/* A breakdown is a part of a run. */
static void the_page_on_results_describes_every_key_of_every_document(void **state)
{
    char *page = read_file("docs", "results.md"), heading[64];

    looked_up = json_object();
    for (size_t i = 0; i < N_REPORT; i++) {
        bool part = strcmp(reports[i].format, "breakdown") == 0;
        json_t *doc = document(*state, i);
        assert_true(strlen(text_at(doc, "version")) > 0);
        snprintf(heading, sizeof heading, "`imcsim-%s/1`", part ? "run" : reports[i].format);
        if (part) {
            assert_true(section_has(page, "`imcsim-breakdown/1`", "images"));
            json_object_del(doc, "images");
        }
        assert_described(page, heading, doc, "");
        json_decref(doc);
    }
    json_decref(looked_up);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_report_has_every_form),
        cmocka_unit_test(people_read_words_and_programs_keys),
        cmocka_unit_test(parts_of_the_first_result_add_up_to_it),
        cmocka_unit_test(a_picture_of_tokens_shows_maps_of_any_size_to_their_last_pixel),
        cmocka_unit_test(what_reads_the_first_token_is_through_before_the_last_one_comes),
        cmocka_unit_test(names_of_the_chip_fit_their_boxes),
        cmocka_unit_test(the_page_on_results_describes_every_key_of_every_document),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
