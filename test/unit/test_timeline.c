/* Timelines: the trace-event format read by jansson, the picture as text and by a browser. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
#include <zlib.h>

#include "test/cli_rig.h"
#include "test/tmpdir.h"

#define PLAIN  "configs/resnet32.yaml"
#define FMNIST "configs/resnet32_fmnist.yaml"
#define IMAGES "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"

enum { MIB = 1 << 20, MOST_TRACE_MIB = 20, MOST_PROCESS = 160, MOST_FLOW = 64, N_STAGE_NAMES = 5 };

static off_t size_of(const char *dir, const char *name)
{
    char path[TMPDIR_PATH_MAX];
    struct stat s;

    assert_int_equal(stat(tmpdir_path(path, dir, name), &s), 0);
    return s.st_size;
}

static size_t feed(void *buffer, size_t n, void *f)
{
    int got = gzread(f, buffer, (unsigned)n);

    return got < 0 ? (size_t)-1 : (size_t)got;
}

static json_t *json_gz(const char *dir, const char *name)
{
    char path[TMPDIR_PATH_MAX];
    gzFile f = gzopen(tmpdir_path(path, dir, name), "rb");
    json_error_t error;

    assert_non_null(f);
    json_t *doc = json_load_callback(feed, f, JSON_REJECT_DUPLICATES, &error);
    if (!doc)
        fail_msg("%s: line %d: %s", name, error.line, error.text);
    assert_int_equal(gzclose(f), Z_OK);
    return doc;
}

/* ---- the trace-event format ---- */

struct process { // what the events say of it
    const char *name;
    double      end_us[N_STAGE_NAMES + 1]; // of a thread's last slice
    double      begin_us[N_STAGE_NAMES + 1];
    int64_t     slices[N_STAGE_NAMES + 1];
    const char *thread[N_STAGE_NAMES + 1];
};

struct flow {
    int    points, layers;
    double last_us;
    char   phase;
};

struct seen {
    struct process process[MOST_PROCESS];
    struct flow    flow[MOST_FLOW];
    int64_t        active, most_active, words; // counters
    double         active_us, words_us;        // since the last change; and
    double         active_sum, words_sum;      // value times us so far
};

static int64_t int_of(json_t *e, const char *key, int64_t least, int64_t most)
{
    const json_t *v = json_object_get(e, key);

    if (!json_is_integer(v) || json_integer_value(v) < least || json_integer_value(v) > most)
        fail_msg("no good \"%s\": %s", key, json_dumps(e, 0));
    return json_integer_value(v);
}

static double time_of(json_t *e, const char *key)
{
    const json_t *v = json_object_get(e, key);

    if (!json_is_number(v) || json_number_value(v) < 0)
        fail_msg("no good \"%s\": %s", key, json_dumps(e, 0));
    return json_number_value(v);
}

static void see_name(struct seen *s, json_t *e, struct process *p)
{
    const char *what = text_at(e, "name");

    if (strcmp(what, "process_name") == 0)
        p->name = text_at(e, "args.name");
    else if (strcmp(what, "thread_name") == 0)
        p->thread[int_of(e, "tid", 1, N_STAGE_NAMES)] = text_at(e, "args.name");
    else
        assert_non_null(strstr(what, "_sort_index"));
    (void)s;
}

static void see_slice(json_t *e, struct process *p)
{
    int64_t tid = int_of(e, "tid", 1, N_STAGE_NAMES);
    double ts = time_of(e, "ts"), dur = time_of(e, "dur");

    assert_non_null(p->thread[tid]);
    assert_true(dur > 0 && ts >= p->end_us[tid] - 1e-9); // slices of a track do not overlap
    p->begin_us[tid] = ts;
    p->end_us[tid] = ts + dur;
    p->slices[tid]++;
}

/* A flow's point binds to a slice that begins there; one flow goes s t .. t f, forward in time. */
static void see_flow(struct seen *s, json_t *e, const struct process *p, char phase)
{
    struct flow *f = &s->flow[int_of(e, "id", 1, MOST_FLOW - 1)];
    int64_t tid = int_of(e, "tid", 1, N_STAGE_NAMES);
    double ts = time_of(e, "ts");

    text_at(e, "cat");
    assert_true((phase == 's') == (f->points == 0));
    assert_true(f->phase != 'f' && ts >= f->last_us);
    assert_true(p->slices[tid] > 0 && p->begin_us[tid] == ts);
    f->points++;
    f->layers += strcmp(p->thread[tid], "digital") == 0;
    f->last_us = ts;
    f->phase = phase;
}

static void see_counter(struct seen *s, json_t *e)
{
    bool active = strcmp(text_at(e, "name"), "active cores") == 0;
    int64_t *value = active ? &s->active : &s->words;
    double *since = active ? &s->active_us : &s->words_us;
    double *sum = active ? &s->active_sum : &s->words_sum;
    double now = time_of(e, "ts");

    if (!active)
        assert_string_equal(text_at(e, "name"), "memory words");
    assert_true(now >= *since);
    *sum += *value > 0 ? (double)*value * (now - *since) : 0;
    *since = now;
    *value = integer_at(e, "args.value");
    s->most_active = s->active > s->most_active ? s->active : s->most_active;
}

static void see_event(struct seen *s, json_t *e)
{
    const char *phase = text_at(e, "ph");
    struct process *p = &s->process[int_of(e, "pid", 1, MOST_PROCESS - 1)];

    assert_int_equal(strlen(phase), 1);
    text_at(e, "name");
    switch (*phase) {
    case 'M':
        see_name(s, e, p);
        return;
    case 'X':
        see_slice(e, p);
        return;
    case 's':
    case 't':
    case 'f':
        see_flow(s, e, p, *phase);
        return;
    case 'C':
        see_counter(s, e);
        return;
    default:
        fail_msg("phase %s", phase);
    }
}

static const struct process *process_named(const struct seen *s, const char *name)
{
    for (int i = 1; i < MOST_PROCESS; i++)
        if (s->process[i].name && strcmp(s->process[i].name, name) == 0)
            return &s->process[i];
    fail_msg("no process %s", name);
    return NULL;
}

static void a_trace_is_in_the_trace_event_format_and_agrees_with_the_report(void **state)
{
    json_t *doc = json_of(*state, "run " FMNIST " --images " IMAGES
                                  " --count 1 --trace @/t.json.gz --json -");
    json_t *trace = json_gz(*state, "t.json.gz"), *e, *core;
    struct seen s = { .active = -1 };
    size_t i;
    int whole = 0;

    assert_true(size_of(*state, "t.json.gz") <= (off_t)MOST_TRACE_MIB * MIB);
    json_array_foreach(at(trace, "traceEvents"), i, e)
        see_event(&s, e);
    json_array_foreach(at(doc, "core_list"), i, core) {
        const struct process *p = process_named(&s, text_at(core, "name"));
        assert_string_equal(p->thread[2], "crossbar");
        assert_int_equal(p->slices[2], integer_at(core, "counters.firings"));
    }
    for (i = 0; i < MOST_FLOW; i++) // every layer but the two that resample
        whole += s.flow[i].phase == 'f' && s.flow[i].layers == 32;
    assert_int_equal(whole, 16);
    assert_true(s.most_active > 1 && s.most_active <= 43);
    assert_int_equal(s.active, 0); // at the end
    assert_int_equal(s.words, 0);
    json_decref(trace);
    json_decref(doc);
}

/* With replicas, where a firing has several outputs. A timestep is 0.1 us. */
static void counters_add_up_to_the_firings_and_words_of_the_report(void **state)
{
    json_t *doc = json_of(*state, "run configs/resnet32_speedup.yaml --trace @/t.json --json -");
    json_t *trace = json_gz(*state, "t.json"), *e, *o;
    struct seen s = { .active = 0 };
    int64_t firings = 0, words = 0;
    size_t i;

    json_array_foreach(at(trace, "traceEvents"), i, e)
        see_event(&s, e);
    json_array_foreach(at(doc, "core_list"), i, o)
        firings += integer_at(o, "counters.firings");
    json_array_foreach(at(doc, "layers"), i, o)
        words += integer_at(o, "sram_reads") + integer_at(o, "sram_writes");
    assert_true(firings > 1000 && words > 1000);
    assert_int_equal((int64_t)(s.active_sum * 10 + 0.5), firings);
    assert_int_equal((int64_t)(s.words_sum * 10 + 0.5), words);
    json_decref(trace);
    json_decref(doc);
}

static void every_flow_reaches_the_result_whatever_the_machine(void **state)
{
    static const struct {
        const char *arguments;
        int         flows;
    } cases[] = {
        { PLAIN " --count 3", 3 * 16 },
        { PLAIN " --set fabric.partial_sum_hops=0", 16 },
        { PLAIN " --set 'mapping.copies={32: 2}' --set chip.cores=128", 16 },
        { "configs/resnet32_speedup.yaml", 16 },
    };

    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char arguments[256];
        struct seen s = { .active = -1 };
        size_t i;
        int whole = 0;
        snprintf(arguments, sizeof arguments, "run %s --trace @/t.json", cases[k].arguments);
        free(succeed(*state, arguments));
        json_t *trace = json_gz(*state, "t.json"), *e;
        json_array_foreach(at(trace, "traceEvents"), i, e)
            see_event(&s, e);
        for (i = 0; i < MOST_FLOW; i++) {
            assert_true(s.flow[i].points == 0 || s.flow[i].phase == 'f');
            whole += s.flow[i].phase == 'f';
        }
        assert_int_equal(whole, cases[k].flows);
        json_decref(trace);
    }
}

/* ---- the picture ---- */

static void the_picture_has_every_layer_with_the_report_s_times(void **state)
{
    json_t *doc = json_of(*state, "run " PLAIN " --count 2 --timeline @/t.svg --json -"), *layer;
    char *svg = read_file(*state, "t.svg"), want[256];
    size_t i;

    json_array_foreach(at(doc, "layers"), i, layer) {
        snprintf(want, sizeof want, ">%s</text>", text_at(layer, "name"));
        assert_non_null(strstr(svg, want));
        snprintf(want, sizeof want, "<title>%s, image 0: %lld firings, timesteps %lld to %lld<",
                 text_at(layer, "name"), (long long)integer_at(layer, "mvms") / 2,
                 (long long)integer_at(layer, "first_timestep"),
                 (long long)integer_at(layer, "last_timestep"));
        if (!strstr(svg, want))
            fail_msg("no %s", want);
        snprintf(want, sizeof want, "<title>%s, image 1: ", text_at(layer, "name"));
        assert_non_null(strstr(svg, want));
    }
    json_decref(doc);
    free(svg);
}

/* A page that counts the picture's elements from inside the browser and says so in its title. */
static void a_browser_finds_every_layer_in_the_picture(void **state)
{
    const char *dir = *state;
    char command[4096];

    if (system("command -v chromium >/dev/null") != 0) {
        print_message("skipped: chromium is not installed\n");
        skip();
    }
    free(succeed(dir, "run " PLAIN " --timeline @/t.svg"));
    char *svg = read_file(dir, "t.svg"), *page;
    size_t size;
    FILE *f = open_memstream(&page, &size);
    assert_non_null(f);
    fprintf(f, "<!DOCTYPE html><html><body>%s<p id=\"found\"></p><script>"
               "const seen = [...document.querySelectorAll('svg text.layer')].filter(t => {"
               "  const b = t.getBBox(); return b.width > 0 && b.x >= 0; });"
               "const areas = [...document.querySelectorAll('svg path.area')].filter(a =>"
               "  a.getBBox().width > 0 && a.getBBox().height > 0);"
               "found.textContent = 'layers ' + seen.map(t => t.textContent).join(' ') +"
               "  ' areas ' + areas.length;</script></body></html>", svg);
    fclose(f);
    tmpdir_write(dir, "page.html", page, size);
    snprintf(command, sizeof command,
             "profile=$(mktemp -d) && timeout 60 chromium --headless --no-sandbox --disable-gpu "
             "--disable-quic --no-first-run --disable-background-networking "
             "--disable-component-update --disable-sync --user-data-dir=$profile --dump-dom "
             "file://%s/page.html >%s/dom 2>/dev/null; s=$?; rm -rf \"$profile\"; exit $s",
             dir, dir);
    assert_int_equal(system(command), 0);
    char *dom = read_file(dir, "dom");
    json_t *plan = json_of(dir, "run " PLAIN " --json -"), *layer;
    char *found = strstr(dom, "<p id=\"found\">layers "), *want;
    assert_non_null(found);
    f = open_memstream(&want, &size);
    assert_non_null(f);
    fputs("<p id=\"found\">layers", f);
    size_t i;
    json_array_foreach(at(plan, "layers"), i, layer)
        fprintf(f, " %s", text_at(layer, "name"));
    fprintf(f, " areas %zu<", json_array_size(at(plan, "layers")));
    fclose(f);
    assert_memory_equal(found, want, size);
    json_decref(plan);
    free(want);
    free(dom);
    free(page);
    free(svg);
}

int main(void)
{
#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, tmpdir_make, tmpdir_remove)
    const struct CMUnitTest tests[] = {
        IN_DIR(a_trace_is_in_the_trace_event_format_and_agrees_with_the_report),
        IN_DIR(counters_add_up_to_the_firings_and_words_of_the_report),
        IN_DIR(every_flow_reaches_the_result_whatever_the_machine),
        IN_DIR(the_picture_has_every_layer_with_the_report_s_times),
        IN_DIR(a_browser_finds_every_layer_in_the_picture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
