/* What stages and buffers do in time, as waveforms, timelines and pictures show it, against where
 * the run says that time goes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "arch/watch/stage_picture.h"
#include "arch/watch/stage_tracks.h"
#include "arch/watch/stage_waves.h"
#include "test/random_study.h"
#include "test/vcd_read.h"
#include "traces/states_svg.h"

enum { N_STUDY = 40, N_IMAGE = 3 };

/* A run that has ended, and the files of one that was watched. */
struct watched {
    struct random_study   study;
    struct plan           plan;
    struct elastic_result r;
    char                 *vcd, *json, *svg;
};

static FILE *open_text(char **text)
{
    static size_t size;
    FILE *f = open_memstream(text, &size);

    assert_non_null(f);
    return f;
}

static void watch_run(struct watched *w, enum kernel_kind kernel, enum kernel_mode mode,
                      const struct waves_cfg *how)
{
    FILE *vcd = open_text(&w->vcd), *json = open_text(&w->json), *svg = open_text(&w->svg);
    struct waves_cfg cfg = *how;
    struct stage_waves *waves;
    struct elastic_result again;
    struct err_msg m;

    cfg.out = vcd;
    assert_int_equal(stage_waves_new(&waves, &w->plan, &w->r, &cfg, &m), ERR_NONE);
    struct stage_tracks *tracks = stage_tracks_new(&w->plan, &w->r, json);
    struct stage_picture *picture = stage_picture_new(&w->plan, &w->r);
    const struct stages_sink sink[] = { stage_waves_sink(waves), stage_tracks_sink(tracks),
                                        stage_picture_sink(picture) };
    struct stages *stages = stages_new(&w->r, sink, 3);
    const struct elastic_cfg_run run = { .n_image = N_IMAGE, .kernel = kernel, .mode = mode,
                                         .watch = stages_watch(stages) };
    assert_int_equal(elastic_run(&w->plan, &run, &again, &m), ERR_NONE);
    assert_int_equal(again.elapsed, w->r.elapsed);
    elastic_result_release(&again);
    stages_end(stages);
    stage_waves_end(waves);
    stage_tracks_end(tracks);
    stage_picture_end(picture, svg);
    stages_free(stages);
    stage_waves_free(waves);
    stage_tracks_free(tracks);
    stage_picture_free(picture);
    fclose(vcd);
    fclose(json);
    fclose(svg);
}

static void release_files(struct watched *w)
{
    free(w->vcd);
    free(w->json);
    free(w->svg);
}

static void release(struct watched *w)
{
    release_files(w);
    elastic_result_release(&w->r);
    plan_release(&w->plan);
    random_study_release(&w->study);
}

/* False: it has no plan, or stands still. */
static bool make(struct watched *w, unsigned seed)
{
    const struct elastic_cfg_run cfg = { .n_image = N_IMAGE };
    struct err_msg m;

    *w = (struct watched){ .vcd = NULL };
    random_study_make(&w->study, seed);
    bool planned = random_study_elastic(&w->plan, &w->study);
    if (planned && !elastic_run(&w->plan, &cfg, &w->r, &m))
        return true;
    if (planned)
        plan_release(&w->plan);
    random_study_release(&w->study);
    return false;
}

static bool watch(struct watched *w, unsigned seed)
{
    const struct waves_cfg all = { .scope = NULL };

    if (!make(w, seed))
        return false;
    watch_run(w, KERNEL_NATIVE, KERNEL_SKIP_IDLE, &all);
    return true;
}

/* ---- waveforms ---- */

/* Ticks in which a signal has a value, or at least that. */
static uint64_t time_of(const struct vcd_signal *s, uint64_t value, bool or_more, uint64_t end)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < s->n_change; i++) {
        uint64_t next = i + 1 < s->n_change ? s->change[i + 1].time : end;
        if (s->change[i].value == value || (or_more && s->change[i].value > value))
            sum += next - s->change[i].time;
    }
    return sum;
}

/* The i-th signal of 3 bits, or of 32 bits and a name with "_pixels": of the result's i-th stage or
 * buffer of a site, sites in their order. */
static const struct vcd_signal *signal_of(const struct vcd_file *f, bool stage, uint32_t i)
{
    for (uint32_t k = 0; k < f->n_signal; k++) {
        const struct vcd_signal *s = &f->signal[k];
        if (stage ? s->bits == 3 : strstr(s->name, "_pixels") != NULL)
            if (i-- == 0)
                return s;
    }
    fail_msg("no such signal");
    return NULL;
}

static void assert_names_differ(const struct vcd_file *f)
{
    for (uint32_t i = 0; i < f->n_signal; i++)
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(f->signal[i].path, f->signal[k].path) == 0)
                fail_msg("two signals %s", f->signal[i].path);
}

static void assert_waves(const struct watched *w)
{
    static const enum elastic_state of_value[] = { ELASTIC_IDLE, ELASTIC_BUSY, ELASTIC_STARVED,
                                                   ELASTIC_BLOCKED, ELASTIC_WAITING };
    struct vcd_file f = vcd_read(w->vcd);
    const uint64_t end = f.end_time, tick = end / w->r.elapsed;
    uint64_t full = 0;

    assert_int_equal(tick * w->r.elapsed, end);
    assert_names_differ(&f);
    for (uint32_t i = 0; i < w->r.n_stage; i++)
        for (uint64_t v = 0; v < 5; v++)
            assert_int_equal(time_of(signal_of(&f, true, i), v, false, end),
                             tick * w->r.stage[i].clk[of_value[v]]);
    for (uint32_t i = 0; i < w->r.n_buffer; i++) {
        const struct elastic_buffer *b = &w->r.buffer[i];
        assert_int_equal(time_of(signal_of(&f, false, i), b->size, true, end), tick * b->full_clk);
        full += tick * b->full_clk;
    }
    const struct vcd_signal *all = vcd_find(&f, "chip.full_buffers");
    assert_non_null(all);
    for (uint32_t n = 1; n <= w->r.n_buffer; n++)
        full -= n * time_of(all, n, false, end);
    assert_int_equal(full, 0);
    vcd_file_release(&f);
}

/* ---- timelines ---- */

/* The stage of a track. */
static uint32_t stage_of(const struct watched *w, int64_t process, int64_t thread)
{
    uint32_t i = 0;

    while (i < w->r.n_stage && w->r.stage[i].core != process - 2)
        i++;
    i += (uint32_t)thread - 1;
    assert_true(i < w->r.n_stage && w->r.stage[i].core == process - 2);
    return i;
}

/* The state that a slice's name begins with, behind which its cause is one of the stage's. */
static enum elastic_state state_of(const struct watched *w, const struct elastic_stage *s,
                                   const char *name)
{
    char want[300];

    if (strcmp(name, "busy") == 0)
        return ELASTIC_BUSY;
    for (uint32_t k = 0; k < s->n_cause; k++) {
        snprintf(want, sizeof want, "%s - %s", elastic_state_names[s->cause[k].state],
                 elastic_cause_name(&w->plan, s, &s->cause[k]).text);
        if (strcmp(name, want) == 0)
            return s->cause[k].state;
    }
    fail_msg("slice %s", name);
    return ELASTIC_IDLE;
}

static void assert_tracks(const struct watched *w)
{
    double (*us)[N_ELASTIC_STATE] = calloc(w->r.n_stage, sizeof *us);
    json_error_t error;
    json_t *doc = json_loads(w->json, JSON_REJECT_DUPLICATES, &error), *e;
    size_t i;

    if (!doc)
        fail_msg("line %d: %s", error.line, error.text);
    assert_non_null(us);
    json_array_foreach(json_object_get(doc, "traceEvents"), i, e) {
        if (strcmp(json_string_value(json_object_get(e, "ph")), "X") != 0)
            continue;
        uint32_t at = stage_of(w, json_integer_value(json_object_get(e, "pid")),
                               json_integer_value(json_object_get(e, "tid")));
        enum elastic_state state = state_of(w, &w->r.stage[at],
                                            json_string_value(json_object_get(e, "name")));
        us[at][state] += json_number_value(json_object_get(e, "dur"));
    }
    for (uint32_t k = 0; k < w->r.n_stage; k++)
        for (int state = 0; state < ELASTIC_IDLE; state++)
            assert_int_equal(llround(us[k][state] * w->plan.config->clock_mhz),
                             w->r.stage[k].clk[state]);
    free(us);
    json_decref(doc);
}

/* ---- the picture ---- */

static void assert_picture(const struct watched *w)
{
    const char *at = w->svg;

    for (uint32_t i = 0; i < w->r.n_stage; i++) {
        const struct elastic_stage *s = &w->r.stage[i];
        at = strstr(at, "<g class=\"row\"><title>");
        assert_non_null(at);
        for (int k = 0; k < N_ELASTIC_STATE; k++) {
            char want[80];
            snprintf(want, sizeof want, "%s%llu clocks %s", k > 0 ? ", " : ": ",
                     (unsigned long long)s->clk[k], elastic_state_names[k]);
            const char *found = strstr(at, want);
            if (!found || found > strstr(at, "</title>"))
                fail_msg("no%s in %.200s", want, at);
        }
        at++;
    }
    assert_null(strstr(at, "<g class=\"row\">"));
    assert_non_null(strstr(at, "</svg>"));
}

/* Columns hold what a row of clocks, one by one, has in them; half a column is half as high. */
static void a_column_of_the_picture_is_the_sum_of_its_clocks(void **state)
{
    static const struct states_kind kind[] = { { "a", "#000000", "" }, { "b", "#ffffff", "" } };
    enum { END = 1234, COLUMN = 5, N = END / COLUMN + 1 };
    uint64_t want[N][2] = { { 0 } };
    struct states_picture p;
    char *text;

    (void)state;
    assert_true(states_init(&p, kind, 2, 1, END));
    assert_int_equal(p.column_clk, COLUMN);
    assert_int_equal(p.n_column, N);
    p.row[0].name = "row";
    for (uint64_t at = 0, next, n = 7; at < END; at = next, n = n * 31 % 101) {
        next = at + n < END ? at + n : END;
        states_add(&p, 0, n % 2, at, next);
        for (uint64_t clk = at; clk < next; clk++)
            want[clk / COLUMN][n % 2]++;
    }
    for (uint32_t i = 0; i < N; i++)
        for (uint32_t k = 0; k < 2; k++)
            assert_int_equal(p.row[0].clk[2 * i + k], want[i][k]);
    states_release(&p);

    assert_true(states_init(&p, kind, 2, 1, 500)); // two clocks a column
    p.row[0].name = "row";
    states_add(&p, 0, 0, 0, 2);
    states_add(&p, 0, 0, 3, 4);
    FILE *f = open_text(&text);
    states_draw(&p, "title", f);
    fclose(f);
    // all of the first column, 12 high, half of the second, and nothing of the others
    assert_non_null(strstr(text, "\"#000000\" d=\"M90 94H90V82H94V88H98V94H1090V94Z\""));
    free(text);
    states_release(&p);
}

static void every_clock_of_every_stage_and_full_buffer_is_shown(void **state)
{
    uint32_t n = 0;

    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct watched w;
        if (!watch(&w, seed))
            continue;
        n++;
        assert_waves(&w);
        assert_tracks(&w);
        assert_picture(&w);
        release(&w);
    }
    print_message("%u networks watched\n", n);
    assert_true(n >= N_STUDY / 3);
}

/* ---- what does not show ---- */

static void no_order_of_steps_and_no_kernel_shows(void **state)
{
    static const struct {
        enum kernel_kind kernel;
        enum kernel_mode mode;
    } other[] = {
        { KERNEL_NATIVE, KERNEL_EVERY_CYCLE }, { KERNEL_NATIVE, KERNEL_REVERSED },
    };
    const struct waves_cfg all = { .scope = NULL };

    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY / 2; seed++) {
        struct watched w;
        if (!watch(&w, seed))
            continue;
        for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
            struct watched o = w;
            watch_run(&o, other[i].kernel, other[i].mode, &all);
            assert_string_equal(w.vcd, o.vcd);
            assert_string_equal(w.json, o.json);
            assert_string_equal(w.svg, o.svg);
            release_files(&o);
        }
        release(&w);
    }
}

static void a_scope_and_a_window_leave_the_rest_out(void **state)
{
    struct watched w;
    struct err_msg m;
    struct stage_waves *waves;
    unsigned seed = 1;

    (void)state;
    while (!watch(&w, seed))
        seed++;
    struct vcd_file all = vcd_read(w.vcd);
    const uint64_t tick = all.end_time / w.r.elapsed, middle = w.r.elapsed / 2;
    struct watched some = w;
    watch_run(&some, KERNEL_NATIVE, KERNEL_SKIP_IDLE,
              &(struct waves_cfg){ .scope = "*:port,*:full_buffers", .windowed = true,
                                   .first = middle, .last = middle + 40 });
    struct vcd_file f = vcd_read(some.vcd);
    assert_int_equal(f.n_signal, 2 * w.plan.n_core + 1);
    assert_int_equal(f.dump_time, middle * tick);
    assert_true(f.end_time == (middle + 40) * tick);
    for (uint32_t i = 0; i < f.n_signal; i++) {
        const struct vcd_signal *whole = vcd_find(&all, f.signal[i].path);
        assert_non_null(whole);
        for (uint64_t t = middle; t <= middle + 40; t++)
            assert_int_equal(vcd_value_at(&f.signal[i], t * tick),
                             vcd_value_at(whole, t * tick));
    }
    const struct waves_cfg none = { .scope = "*:port,*:fire" };
    assert_int_equal(stage_waves_new(&waves, &w.plan, &w.r, &none, &m), ERR_INPUT);
    assert_non_null(strstr(m.text, "trace scope *:fire: no such signal: want CORES:SIGNALS"));
    vcd_file_release(&f);
    vcd_file_release(&all);
    release_files(&some);
    release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_clock_of_every_stage_and_full_buffer_is_shown),
        cmocka_unit_test(a_column_of_the_picture_is_the_sum_of_its_clocks),
        cmocka_unit_test(no_order_of_steps_and_no_kernel_shows),
        cmocka_unit_test(a_scope_and_a_window_leave_the_rest_out),
    };

    return cmocka_run_group_tests_name("stages", tests, NULL, NULL);
}
