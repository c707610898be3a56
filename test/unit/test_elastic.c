/* Tests of arch/elastic: figures of an independent program, closed forms, the edge of a deadlock,
 * and random networks under every order of steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/elastic/elastic.h"
#include "study/run.h"
#include "test/elastic_rig.h"
#include "test/plan_rig.h"
#include "test/random_study.h"
#include "test/token_machine.h"

enum { MOST_SET = 24 };

#define ALL_BUFFERS(n, back)                                                                       \
    "elastic.input_pixels=" n, "elastic.residual_pixels=" n, "elastic.partial_sum_pixels=" n,      \
    "elastic.output_pixels=" n, "elastic.read_back_pixels=" back
#define REPLICAS "mapping.replicas={32: 4, 16: 2, 8: 1}"
#define WHOLE "core.crossbar.rows=512", "core.crossbar.columns=512"

static void make(struct plan_rig *r, const char *const *set)
{
    const char *all[MOST_SET + 1] = { "clocking.kind=elastic" };

    for (size_t i = 0; set[i]; i++) {
        assert_true(i + 1 < MOST_SET);
        all[i + 1] = set[i];
    }
    if (rig_make(r, all))
        fail_msg("%s", r->msg.text);
}

static void run_it(struct elastic_result *e, const struct plan *p, uint64_t n_image,
                   enum kernel_mode mode)
{
    const struct elastic_cfg_run cfg = { .n_image = n_image, .mode = mode };
    struct err_msg m;

    if (elastic_run(p, &cfg, e, &m))
        fail_msg("%s", m.text);
}

/* ---- an independent program ---- */

static const struct set {
    const char *name, *set[16];
    uint64_t    first, interval;
} sets[] = { // ResNet-32, five images back to back
    { "article", { ALL_BUFFERS("2", "2"), NULL }, 82501, 51200 },
    { "hermes", { ALL_BUFFERS("1", "1"), "core.crossbar.mvm_ns=130", "fabric.link_gbps=3.2",
                  "fabric.partial_sum_gbps=12.8", "core.digital.lanes=1",
                  "core.digital.clock_mhz=400", NULL }, 116201, 66560 },
    { "slow links", { ALL_BUFFERS("2", "2"), "fabric.link_gbps=1", NULL }, 119365, 65536 },
    { "one slow lane", { ALL_BUFFERS("2", "2"), "core.digital.lanes=1",
                         "core.digital.clock_mhz=100", NULL }, 163108, 81920 },
    { "replicas", { ALL_BUFFERS("8", "4"), WHOLE, REPLICAS, "fabric.link_gbps=6", NULL },
      29021, 12800 },
    { "depth 20", { ALL_BUFFERS("2", "2"), "network.depth=20", NULL }, 69517, 51200 },
};

static void results_come_when_an_independent_program_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        struct elastic_result e;
        struct plan_rig r;
        make(&r, sets[i].set);
        run_it(&e, &r.plan, 5, KERNEL_SKIP_IDLE);
        assert_int_equal(e.result_clk[0], sets[i].first);
        for (int k = 1; k < 5; k++)
            assert_int_equal(e.result_clk[k] - e.result_clk[k - 1], sets[i].interval);
        assert_int_equal(e.start_clk[0], 0);
        elastic_rig_adds_up(&e);
        uint64_t read = 0, written = 0;
        for (uint32_t k = 0; k < r.plan.n_core; k++) {
            read += e.core[k].words_read + e.core[k].words_read_back;
            written += e.core[k].words_written;
        }
        if (i == 0) {
            assert_int_equal(read, 311984);
            assert_int_equal(written, 101140);
        }
        elastic_result_release(&e);
        rig_release(&r);
    }
}

/* ---- long multiplications ---- */

/* From the first firing to the result: n T + m. */
static void assert_limit(const char *const *set, uint64_t t, uint64_t n, int64_t m)
{
    const char *all[MOST_SET];
    struct elastic_result e;
    struct plan_rig r;
    char mvm[64];
    size_t k = 0;

    for (; set[k]; k++)
        all[k] = set[k];
    snprintf(mvm, sizeof mvm, "core.crossbar.mvm_ns=%llu", (unsigned long long)(2 * t));
    all[k] = mvm;
    all[k + 1] = NULL;
    make(&r, all);
    run_it(&e, &r.plan, 2, KERNEL_SKIP_IDLE);
    int64_t rest = (int64_t)(e.result_clk[0] - e.first_firing_clk) - (int64_t)(n * t);
    if (m >= 0)
        assert_int_equal(rest, m);
    else // what is not multiplications is little
        assert_true(rest >= 0 && rest < (int64_t)t);
    elastic_rig_adds_up(&e);
    elastic_result_release(&e);
    rig_release(&r);
}

/* docs/elastic.md adds the 1,441 up, hop by hop. */
static void long_multiplications_take_1619_of_them_and_1441_clocks(void **state)
{
    static const char *const one[] = { ALL_BUFFERS("1", "1"), NULL };
    static const char *const two[] = { ALL_BUFFERS("2", "2"), NULL };
    static const char *const four[] = { ALL_BUFFERS("4", "4"), NULL };

    (void)state;
    for (uint64_t t = 10000; t <= 100000; t *= 10) {
        assert_limit(one, t, 1619, 1441);
        assert_limit(two, t, 1619, 1441);
        assert_limit(four, t, 1619, 1441);
    }
    assert_limit(two, 500000, 1619, 1441);
}

static void hops_of_sums_as_long_as_a_multiplication_add_nine(void **state)
{
    static const char *const set[] = { ALL_BUFFERS("2", "2"),
                                       "elastic.partial_sum_hop_clocks=100000", NULL };

    (void)state;
    assert_limit(set, 100000, 1628, 1432);
}

static void replicas_take_the_timesteps_of_timestep_clocking(void **state)
{
    static const char *const full[] = { ALL_BUFFERS("8", "4"), WHOLE, REPLICAS, NULL };
    static const char *const any[] = { ALL_BUFFERS("8", "4"), WHOLE, REPLICAS,
                                       "elastic.group=any", NULL };
    static const char *const sums[] = { ALL_BUFFERS("8", "4"), REPLICAS,
                                        "elastic.partial_sum_hop_clocks=100000", NULL };
    static const char *const sums_any[] = { ALL_BUFFERS("8", "4"), REPLICAS, "elastic.group=any",
                                            "elastic.partial_sum_hop_clocks=100000", NULL };

    (void)state;
    assert_limit(full, 100000, 539, -1);
    assert_limit(any, 100000, 551, -1);
    assert_limit(sums, 100000, 567, -1);
    assert_limit(sums_any, 100000, 579, -1);
}

/* ---- closed forms of the interval ---- */

static uint64_t interval_of(const char *const *set, uint64_t n_image, uint64_t over)
{
    struct elastic_result e;
    struct plan_rig r;

    make(&r, set);
    run_it(&e, &r.plan, n_image, KERNEL_SKIP_IDLE);
    elastic_rig_adds_up(&e);
    uint64_t clk = e.result_clk[n_image - 1] - e.result_clk[n_image - 1 - over];
    elastic_result_release(&e);
    rig_release(&r);
    return clk;
}

/* 1,024 firings, pixels or operations of the busiest. */
static void the_busiest_resource_sets_the_pace(void **state)
{
    static const struct {
        const char *set[12];
        uint64_t    clk;
    } bound[] = {
        { { "core.crossbar.mvm_ns=140", NULL }, 70 },
        { { ALL_BUFFERS("2", "2"), "fabric.link_gbps=0.8", NULL }, 80 }, // 128 bits
        { { "core.digital.lanes=2", "core.digital.clock_mhz=50", NULL }, 80 }, // 8 of 10 clocks
    };

    (void)state;
    for (size_t i = 0; i < sizeof bound / sizeof *bound; i++)
        assert_int_equal(interval_of(bound[i].set, 6, 3), 3 * 1024 * bound[i].clk);
}

/* Sent in 51, a hop, stored in 1, a clock of credit: 54 a pixel, and nothing else goes on. */
static void one_place_costs_the_way_there_and_back(void **state)
{
    static const char *const one[] = { ALL_BUFFERS("2", "2"), "fabric.link_gbps=1.26",
                                       "elastic.input_pixels=1", NULL };
    static const char *const two[] = { ALL_BUFFERS("2", "2"), "fabric.link_gbps=1.26", NULL };
    uint64_t clk = interval_of(one, 6, 3);

    (void)state;
    assert_in_range(clk, 3 * 54 * 1024, 3 * (54 * 1024 + 2));
    assert_int_equal(interval_of(two, 6, 3), 3 * 51 * 1024);
}

/* Reads and multiplications one after the other: 54,240 clocks an image and what reads wait. */
static void one_set_of_registers_adds_reads_to_multiplications(void **state)
{
    static const char *const set[] = { ALL_BUFFERS("2", "2"), "elastic.registers=1", NULL };

    (void)state;
    assert_in_range(interval_of(set, 8, 3), 3 * 54240, 3 * 54240 + 60);
}

static void images_come_no_sooner_than_their_period(void **state)
{
    static const char *const set[] = { "elastic.image_period_clocks=60000", NULL };
    struct elastic_result e;
    struct plan_rig r;

    (void)state;
    make(&r, set);
    run_it(&e, &r.plan, 4, KERNEL_SKIP_IDLE);
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_equal(e.start_clk[i], i * 60000);
        assert_in_range(e.result_clk[i], e.result_clk[0] + i * 60000 - 8,
                        e.result_clk[0] + i * 60000 + 8); // words of reads differ with the slot
    }
    assert_int_equal(e.result_clk[3], e.result_clk[0] + 3 * 60000); // three columns, three images
    elastic_result_release(&e);
    rig_release(&r);
}

/* ---- deadlock ---- */

/* A residual that is sent around two layers of 3 x 3 on maps of `rows`. */
static void make_loop(struct plan_rig *r, uint32_t rows, uint32_t residual, uint32_t output)
{
    char text[2][64];
    const char *const set[] = { "clocking.kind=elastic", text[0], text[1], NULL };

    snprintf(text[0], sizeof text[0], "elastic.residual_pixels=%u", residual);
    snprintf(text[1], sizeof text[1], "elastic.output_pixels=%u", output);
    rig_config(r, set);
    rig_image(r, rows, rows + 1, 2);
    rig_conv(r, 0, 4, 3, 1);
    rig_conv(r, 1, 4, 3, 1)->groups = 2; // whose memory does not hold whole pixels for another
    struct layer *sum = rig_conv(r, 2, 4, 3, 1);
    sum->has_residual = true;
    sum->residual = 1;
    if (rig_plan(r))
        fail_msg("%s", r->msg.text);
    assert_int_equal(r->plan.layer[2].residual, RESIDUAL_DIRECT);
}

static uint32_t n_trial; // of the run before, if it stood still

static enum err run_loop(uint32_t rows, uint32_t residual, uint32_t output, struct err_msg *m)
{
    const struct elastic_cfg_run cfg = { .n_image = 2, .n_trial = &n_trial };
    struct elastic_result e;
    struct plan_rig r;

    make_loop(&r, rows, residual, output);
    enum err err = elastic_run(&r.plan, &cfg, &e, m);
    if (!err)
        elastic_result_release(&e);
    rig_release(&r);
    return err;
}

static void a_loop_stands_still_below_2_rows_and_3_less_the_outputs(void **state)
{
    struct err_msg m;

    (void)state;
    for (uint32_t rows = 4; rows <= 16; rows += 3)
        for (uint32_t output = 1; output <= 4; output++) {
            uint32_t enough = 2 * rows + 3 - output;
            assert_int_equal(run_loop(rows, enough, output, &m), ERR_NONE);
            assert_int_equal(run_loop(rows, enough - 1, output, &m), ERR_RUN);
        }
}

static void a_deadlock_names_its_circle_and_a_cure_that_works(void **state)
{
    struct err_msg m;
    unsigned size;

    (void)state;
    for (uint32_t rows = 5; rows <= 20; rows += 5) {
        assert_int_equal(run_loop(rows, 3, 2, &m), ERR_RUN);
        const char *want = strstr(m.text, ": want elastic.");
        assert_non_null(want);
        assert_non_null(strstr(m.text, "waits for"));
        assert_non_null(strstr(m.text, ".residual 3 of 3 full"));
        assert_non_null(strstr(m.text, ".output 2 of 2 full"));
        if (sscanf(want, ": want elastic.residual_pixels = %u", &size) == 1)
            assert_int_equal(size, 2 * rows + 3 - 2); // and no less
        else if (sscanf(want, ": want elastic.output_pixels = %u", &size) == 1)
            assert_int_equal(run_loop(rows, 3, size, &m), ERR_NONE);
        else
            fail_msg("%s", m.text);
    }
}

/* Halving what one buffer lacks and then another takes more the larger the map is: after 16 runs
 * the least size that did is told. */
static void a_cure_is_looked_for_in_16_runs_at_most(void **state)
{
    static const uint32_t rows[] = { 4, 10, 40, 100, 200 };
    uint32_t before = 0;
    struct err_msg m;
    unsigned size;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(run_loop(rows[i], 3, 2, &m), ERR_RUN);
        print_message("%u rows: %u runs%s\n", rows[i], n_trial, strstr(m.text, ": want"));
        assert_in_range(n_trial, before, 16);
        before = n_trial;
        const char *want = strstr(m.text, ": want elastic.");
        assert_non_null(want);
        if (sscanf(want, ": want elastic.residual_pixels = %u", &size) == 1)
            assert_int_equal(run_loop(rows[i], size, 2, &m), ERR_NONE);
        else if (sscanf(want, ": want elastic.output_pixels = %u", &size) == 1)
            assert_int_equal(run_loop(rows[i], 3, size, &m), ERR_NONE);
        else
            fail_msg("%s", m.text);
    }
    assert_int_equal(before, 16);
}

/* ---- random networks ---- */

enum { N_STUDY = 60, N_IMAGE = 3 };

/* A digital processor waits for room that a link keeps which sends what it makes. */
static void assert_rooms_are_kept(const struct elastic_result *e, const struct plan *p)
{
    for (uint32_t i = 0; i < e->n_stage; i++)
        for (uint32_t k = 0; k < e->stage[i].n_cause; k++) {
            if (e->stage[i].cause[k].on != ON_OUTPUT)
                continue;
            const struct plan_stream *st = &p->stream[e->stage[i].cause[k].stream];
            assert_int_equal(st->from, e->stage[i].core);
            assert_true(st->kind != STREAM_RESIDUAL && st->kind != STREAM_TO_RESAMPLING);
        }
}

static bool has_replicas(const struct plan *p)
{
    for (uint32_t i = 0; i < p->n_layer; i++)
        if (p->layer[i].replicas.n > 1)
            return true;
    return false;
}

/* Every pixel is stored once, every output computed once, read as timestep clocking reads it. */
static void assert_work_is_that_of_timesteps(const struct elastic_result *e,
                                             const struct run_result *t, const struct plan *p)
{
    for (uint32_t i = 0; i < p->n_core; i++) {
        assert_int_equal(e->core[i].outputs, t->core[i].outputs);
        assert_int_equal(e->core[i].pixels_stored, t->core[i].pixels_stored);
        if (has_replicas(p))
            continue; // which fire in other groups
        assert_int_equal(e->core[i].firings, t->core[i].firings);
    }
    for (uint32_t i = 0; i < p->n_stream; i++)
        assert_int_equal(e->stream[i].bits, t->stream_bits[i]);
}

static void words_are_those_of_timesteps(const struct elastic_result *e,
                                         const struct run_result *t, const struct plan *p)
{
    for (uint32_t i = 0; i < p->n_core; i++) {
        assert_int_equal(e->core[i].words_written, t->core[i].words_written);
        assert_int_equal(e->core[i].words_read_back, t->core[i].words_read_back);
        if (!has_replicas(p))
            assert_int_equal(e->core[i].words_read, t->core[i].words_read);
    }
}

typedef void make_fn(struct random_study *s, unsigned seed);

static void run_random(make_fn *study_make, unsigned seed, uint32_t *n_run, uint32_t *n_stuck)
{
    struct random_study s;
    struct run_result t;
    struct elastic_result e, other;
    struct plan p;
    struct err_msg m;
    const struct run_cfg timing = { .n_image = N_IMAGE, .jobs = 1 };
    const struct elastic_cfg_run cfg = { .n_image = N_IMAGE };

    study_make(&s, seed);
    if (run(&s.plan, &timing, &t, &m))
        fail_msg("seed %u: %s", seed, m.text);
    if (!random_study_elastic(&p, &s)) {
        run_result_release(&t);
        random_study_release(&s);
        return;
    }
    enum err err = elastic_run(&p, &cfg, &e, &m);
    if (err) {
        if (err != ERR_RUN || !strstr(m.text, "waits for"))
            fail_msg("seed %u: %s", seed, m.text);
        ++*n_stuck;
    } else {
        ++*n_run;
        elastic_rig_adds_up(&e);
        assert_rooms_are_kept(&e, &p);
        assert_work_is_that_of_timesteps(&e, &t, &p);
        bool alike = true;
        for (uint32_t i = 0; i < p.n_layer; i++)
            alike &= p.time.layer[i].memory_columns == s.plan.time.layer[i].memory_columns;
        if (alike)
            words_are_those_of_timesteps(&e, &t, &p);
        for (enum kernel_mode mode = KERNEL_EVERY_CYCLE; mode <= KERNEL_REVERSED; mode++) {
            run_it(&other, &p, N_IMAGE, mode);
            elastic_rig_same(&e, &other, &p);
            elastic_result_release(&other);
        }
        elastic_result_release(&e);
    }
    plan_release(&p);
    run_result_release(&t);
    random_study_release(&s);
}

static void random_networks_do_the_work_of_timesteps_in_any_order_of_steps(void **state)
{
    uint32_t n_run = 0, n_stuck = 0;

    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++)
        run_random(random_study_make, seed, &n_run, &n_stuck);
    assert_true(n_run >= N_STUDY / 2);
}

static void transformers_do_the_work_of_timesteps_in_any_order_of_steps(void **state)
{
    uint32_t n_run = 0, n_stuck = 0;

    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++)
        run_random(seed % 3 ? token_study_make : token_map_study_make, seed, &n_run, &n_stuck);
    print_message("%u transformers run, %u stand still\n", n_run, n_stuck);
    assert_true(n_run >= N_STUDY / 3 && n_stuck > 5);
}

static void apply_key(struct config *c, const char *name, const char *value, const char *line)
{
    struct { const char *key; uint32_t *at; } const key[] = {
        { "elastic.input_pixels", &c->elastic.input_pixels },
        { "elastic.residual_pixels", &c->elastic.residual_pixels },
        { "elastic.partial_sum_pixels", &c->elastic.partial_sum_pixels },
        { "elastic.output_pixels", &c->elastic.output_pixels },
        { "elastic.read_back_pixels", &c->elastic.read_back_pixels },
        { "core.input_memory.columns", &c->memory.columns },
    };

    if (strcmp(name, "elastic.group") == 0 && strcmp(value, "any") == 0) {
        c->elastic.group = GROUP_ANY;
        return;
    }
    for (size_t i = 0; i < sizeof key / sizeof *key; i++)
        if (strcmp(name, key[i].key) == 0) {
            *key[i].at = (uint32_t)strtoul(value, NULL, 10);
            return;
        }
    fail_msg("%s", line);
}

/* Applies "want KEY = VALUE [and KEY = VALUE]"; false where the line has no such end. */
static bool apply_cure(struct config *c, const char *line)
{
    const char *want = strstr(line, ": want ");
    char name[2][80], value[2][80];

    if (!want)
        return false;
    int n = sscanf(want, ": want %79[a-z_.] = %79s and %79[a-z_.] = %79s", name[0], value[0],
                   name[1], value[1]);
    if (n != 2 && n != 4)
        fail_msg("%s", line);
    for (int i = 0; i < n / 2; i++)
        apply_key(c, name[i], value[i], line);
    return true;
}

/* Whether a network stands still; its cure lets it go on. */
static bool is_cured(make_fn *study_make, unsigned seed, uint32_t *n_without)
{
    uint32_t runs = 0;
    const struct elastic_cfg_run cfg = { .n_image = N_IMAGE, .n_trial = &runs };
    struct random_study s;
    struct elastic_result e;
    struct plan p;
    struct err_msg m, after;

    study_make(&s, seed);
    bool made = random_study_elastic(&p, &s), stuck = made && elastic_run(&p, &cfg, &e, &m);
    if (made && !stuck)
        elastic_result_release(&e);
    if (made)
        plan_release(&p);
    if (stuck && !strstr(m.text, "waits for"))
        fail_msg("seed %u: %s", seed, m.text);
    assert_in_range(runs, 0, 16);
    if (stuck && !apply_cure(&s.config, m.text)) {
        ++*n_without;
    } else if (stuck) {
        if (plan_make(&p, &s.network, &s.config, &after) || elastic_run(&p, &cfg, &e, &after))
            fail_msg("seed %u: %s; then %s", seed, m.text, after.text);
        elastic_result_release(&e);
        plan_release(&p);
    }
    random_study_release(&s);
    return stuck;
}

/* Of machines whose stages take some clocks, and whose memories few columns. */
static void slow_study_make(struct random_study *s, unsigned seed)
{
    random_study_make(s, seed);
    random_study_clocks(s);
}

static void of_500_networks_those_that_stand_still_name_a_circle_and_a_cure_that_works(void **state)
{
    uint32_t n = 0, n_without = 0;

    (void)state;
    for (unsigned seed = 1; seed <= 500; seed++)
        n += is_cured(seed % 2 ? random_study_make : slow_study_make, seed, &n_without);
    print_message("%u stand still, %u of them whatever is tried\n", n, n_without);
    assert_true(n > 0 && n_without * 100 < n);
}

static void transformers_that_stand_still_name_a_cure_that_works(void **state)
{
    uint32_t n = 0, n_without = 0;

    (void)state;
    for (unsigned seed = 1; seed <= 200; seed++)
        n += is_cured(token_study_make, seed, &n_without);
    print_message("%u stand still, %u of them whatever is tried\n", n, n_without);
    assert_true(n > 20 && n_without * 20 < n);
}

/* ---- transformers ---- */

/* Of one head and matrices that fit an array each, whose stages all take a multiplication's T
 * clocks: norms 3 * H of one lane, queries 2 * S * H of four, S = 6. */
static void make_even(struct random_study *s, uint32_t layers, uint32_t hidden, uint32_t banks,
                      const char *buffer, uint32_t pixels)
{
    const struct token_machine m = { .layers = layers, .hidden = hidden, .heads = 1, .kv_heads = 1,
                                     .ffn = hidden, .sequence = 6, .rows = 1024, .cores = 1,
                                     .lanes = 4, .exp_lanes = 8, .banks = banks, .norm_lanes = 1 };
    struct token_settings set;
    struct study study;
    struct err_msg msg;

    token_machine_settings(&set, &m);
    token_set(&set, "clock_mhz", 1000);
    token_set(&set, "core.crossbar.mvm_ns", 3 * hidden);
    token_set_word(&set, "clocking.kind", "elastic");
    token_set(&set, "elastic.residual_pixels", 100);
    if (buffer)
        token_set(&set, buffer, pixels);
    if (study_load_network(&study, NULL, set.set, set.n, &msg))
        fail_msg("%s", msg.text);
    *s = (struct random_study){ .network = study.network, .config = study.config };
    if (plan_make(&s->plan, &s->network, &s->config, &msg))
        fail_msg("%s", msg.text);
}

/* L * D + (S - 1) * (1 + L * A) of T, D = 3 + 1 + A + 2 and A = 1, as in timesteps; and what is not
 * multiplied on the way: 1 + link 1 + hop 1 + 2 from a matrix on, link 1 + hop 1 + 2 from what is
 * digital, and 1 in f1, whose port reads back first: 29 in a layer, 4 to the next. Two banks: a
 * sequence every S * T. */
static void a_transformer_of_even_stages_takes_the_timesteps_of_timestep_clocking(void **state)
{
    (void)state;
    for (uint32_t layers = 1; layers <= 3; layers++)
        for (uint32_t hidden = 64; hidden <= 1024; hidden *= 4) {
            const uint64_t t = 3 * hidden, n = layers * 7 + 5 * (1 + layers);
            struct random_study s;
            struct elastic_result e;
            make_even(&s, layers, hidden, 2, NULL, 0);
            run_it(&e, &s.plan, 12, KERNEL_SKIP_IDLE);
            assert_int_equal(e.result_clk[0] - e.first_firing_clk, n * t + 33 * layers - 4);
            assert_int_equal(e.result_clk[11] - e.result_clk[10], 6 * t);
            elastic_result_release(&e);
            random_study_release(&s);
        }
}

/* One bank is empty before it takes the next sequence, most of whose tokens are then to come. */
static void one_bank_of_keys_waits_for_the_last_query(void **state)
{
    struct random_study s;
    struct elastic_result e;

    (void)state;
    make_even(&s, 1, 256, 1, NULL, 0);
    run_it(&e, &s.plan, 12, KERNEL_SKIP_IDLE);
    const uint64_t interval = e.result_clk[11] - e.result_clk[10], t = 3 * 256;
    assert_true(interval > 7 * t && interval <= 11 * t);
    elastic_result_release(&e);
    random_study_release(&s);
    make_even(&s, 1, 256, 1, "elastic.input_pixels", 100); // the next one waits in front of it
    run_it(&e, &s.plan, 12, KERNEL_SKIP_IDLE);
    assert_int_equal(e.result_clk[11] - e.result_clk[10], 6 * t + 2); // and is read
    elastic_result_release(&e);
    random_study_release(&s);
}

/* Keys of a whole sequence come before the first token is added, behind a norm that keeps what is
 * not taken: S - output_pixels places of the sum. */
static void a_barrier_stands_still_below_a_sequence_less_the_outputs(void **state)
{
    (void)state;
    for (uint32_t outputs = 1; outputs <= 4; outputs++)
        for (uint32_t places = 1; places <= 7; places++) {
            struct random_study s;
            struct elastic_result e;
            struct err_msg m;
            const struct elastic_cfg_run cfg = { .n_image = 3 };
            make_even(&s, 2, 64, 2, "elastic.residual_pixels", places);
            s.config.elastic.output_pixels = outputs;
            const enum err err = elastic_run(&s.plan, &cfg, &e, &m);
            assert_int_equal(err, places < 6 - outputs ? ERR_RUN : ERR_NONE);
            if (!err)
                elastic_result_release(&e);
            random_study_release(&s);
        }
}

/* ---- images that repeat others ---- */

/* A run that leaves images out beside one that runs them all. Images that are run. */
static uint64_t compare_with_all(const struct plan *p, uint64_t n_image)
{
    struct elastic_result some, all;

    run_it(&some, p, n_image, KERNEL_SKIP_IDLE);
    run_it(&all, p, n_image, KERNEL_EVERY_CYCLE);
    assert_int_equal(all.n_run, n_image);
    elastic_rig_same(&some, &all, p);
    elastic_rig_adds_up(&some);
    uint64_t n_run = some.n_run;
    elastic_result_release(&some);
    elastic_result_release(&all);
    return n_run;
}

static uint32_t leave_out(make_fn *study_make)
{
    uint32_t n_fewer = 0;

    for (unsigned seed = 1; seed <= 2 * N_STUDY; seed++) {
        struct random_study s;
        struct elastic_result e;
        struct plan p;
        struct err_msg m;
        const uint64_t n_image = 9 + seed % 13;
        const struct elastic_cfg_run cfg = { .n_image = n_image };

        study_make(&s, seed);
        if (random_study_elastic(&p, &s)) {
            s.config.elastic.image_period_clk = seed % 4 == 0 ? seed * 100 : 0;
            if (!elastic_run(&p, &cfg, &e, &m)) {
                elastic_result_release(&e);
                n_fewer += compare_with_all(&p, n_image) < n_image;
            }
            plan_release(&p);
        }
        random_study_release(&s);
    }
    return n_fewer;
}

static void images_left_out_change_nothing(void **state)
{
    (void)state;
    const uint32_t n_network = leave_out(random_study_make);
    const uint32_t n_tokens = leave_out(token_study_make);
    print_message("%u networks leave images out, %u transformers\n", n_network, n_tokens);
    assert_true(n_network >= N_STUDY / 2 && n_tokens >= N_STUDY / 2);
}

static void tell_nobody(void *user, uint32_t core, const struct core_event *e)
{
    (void)user;
    (void)core;
    (void)e;
}

/* The sets of the independent program, their images back to back and paced: all images where each
 * firing is told. */
static void few_images_of_each_set_are_run(void **state)
{
    static const struct core_probe probe = { .event = tell_nobody };
    const struct elastic_cfg_run whole = { .n_image = 13, .probe = &probe };

    (void)state;
    for (size_t i = 0; i < 2 * sizeof sets / sizeof *sets; i++) {
        const struct set *set = &sets[i / 2];
        struct elastic_result some, all;
        struct plan_rig r;
        struct err_msg m;
        make(&r, set->set);
        r.config.elastic.image_period_clk = i % 2 == 1 ? set->interval + 1000 : 0;
        run_it(&some, &r.plan, whole.n_image, KERNEL_SKIP_IDLE);
        assert_int_equal(elastic_run(&r.plan, &whole, &all, &m), ERR_NONE);
        assert_int_equal(all.n_run, whole.n_image);
        elastic_rig_same(&some, &all, &r.plan);
        print_message("%s%s: %u images are run\n", set->name, i % 2 == 1 ? ", paced" : "",
                      (unsigned)some.n_run);
        assert_true(some.n_run <= 7);
        elastic_result_release(&some);
        elastic_result_release(&all);
        rig_release(&r);
    }
}

static void a_thousand_images_cost_what_three_do(void **state)
{
    static const char *const set[] = { ALL_BUFFERS("2", "2"), NULL };
    struct elastic_result e;
    struct plan_rig r;

    (void)state;
    make(&r, set);
    run_it(&e, &r.plan, 1000, KERNEL_SKIP_IDLE);
    assert_true(e.n_run <= 3); // though the first layer's memory turns for three
    for (int i = 0; i < 1000; i++)
        assert_int_equal(e.result_clk[i], 82501 + i * 51200);
    elastic_rig_adds_up(&e);
    elastic_result_release(&e);
    rig_release(&r);
}

/* ---- a twin that steps every core in every clock ---- */

enum { N_TWIN = 150 };

static void compare_with_twin(make_fn *study_make, unsigned seed, uint32_t *n_run,
                              uint32_t *n_stuck)
{
    struct random_study s;
    struct elastic_result e;
    struct plan p;
    const struct elastic_cfg_run cfg = { .n_image = 1 + seed % 3 };

    study_make(&s, seed);
    s.config.digital.clock_mhz = seed % 3 == 0 ? 123 : DIGITAL_CLOCK_SAME;
    if (!random_study_elastic(&p, &s)) {
        random_study_release(&s);
        return;
    }
    const bool ends = elastic_rig_agrees(&e, &p, &cfg, seed);
    *n_run += ends;
    *n_stuck += !ends;
    if (ends)
        elastic_result_release(&e);
    plan_release(&p);
    random_study_release(&s);
}

static void every_result_is_that_of_a_twin_that_steps_every_core(void **state)
{
    uint32_t n_run = 0, n_stuck = 0;

    (void)state;
    for (unsigned seed = 1001; seed <= 1000 + N_TWIN; seed++)
        compare_with_twin(random_study_make, seed, &n_run, &n_stuck);
    assert_true(n_run >= N_TWIN / 2);
    print_message("%u networks run, %u stand still\n", n_run, n_stuck);
}

static void transformers_take_the_clocks_of_the_twin(void **state)
{
    uint32_t n_run = 0, n_stuck = 0;

    (void)state;
    for (unsigned seed = 1; seed <= N_TWIN; seed++)
        compare_with_twin(seed % 3 ? token_study_make : token_map_study_make, seed, &n_run,
                          &n_stuck);
    print_message("%u transformers run, %u stand still\n", n_run, n_stuck);
    assert_true(n_run >= N_TWIN / 3 && n_stuck > 5);
}

/* ---- refusals ---- */

static void fewer_columns_than_a_kernel_sees_are_refused(void **state)
{
    static const char *const few[] = { "clocking.kind=elastic", "core.input_memory.columns=2",
                                       NULL };
    static const char *const enough[] = { "core.input_memory.columns=3", NULL };
    struct plan_rig r;

    (void)state;
    assert_int_equal(rig_make(&r, few), ERR_INPUT);
    assert_non_null(strstr(r.msg.text, "want at least core.input_memory.columns = 3"));
    rig_release(&r);
    make(&r, enough);
    rig_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_come_when_an_independent_program_says),
        cmocka_unit_test(long_multiplications_take_1619_of_them_and_1441_clocks),
        cmocka_unit_test(hops_of_sums_as_long_as_a_multiplication_add_nine),
        cmocka_unit_test(replicas_take_the_timesteps_of_timestep_clocking),
        cmocka_unit_test(the_busiest_resource_sets_the_pace),
        cmocka_unit_test(one_place_costs_the_way_there_and_back),
        cmocka_unit_test(one_set_of_registers_adds_reads_to_multiplications),
        cmocka_unit_test(images_come_no_sooner_than_their_period),
        cmocka_unit_test(a_loop_stands_still_below_2_rows_and_3_less_the_outputs),
        cmocka_unit_test(a_deadlock_names_its_circle_and_a_cure_that_works),
        cmocka_unit_test(a_cure_is_looked_for_in_16_runs_at_most),
        cmocka_unit_test(random_networks_do_the_work_of_timesteps_in_any_order_of_steps),
        cmocka_unit_test(transformers_do_the_work_of_timesteps_in_any_order_of_steps),
        cmocka_unit_test(
            of_500_networks_those_that_stand_still_name_a_circle_and_a_cure_that_works),
        cmocka_unit_test(transformers_that_stand_still_name_a_cure_that_works),
        cmocka_unit_test(a_transformer_of_even_stages_takes_the_timesteps_of_timestep_clocking),
        cmocka_unit_test(one_bank_of_keys_waits_for_the_last_query),
        cmocka_unit_test(a_barrier_stands_still_below_a_sequence_less_the_outputs),
        cmocka_unit_test(images_left_out_change_nothing),
        cmocka_unit_test(few_images_of_each_set_are_run),
        cmocka_unit_test(a_thousand_images_cost_what_three_do),
        cmocka_unit_test(every_result_is_that_of_a_twin_that_steps_every_core),
        cmocka_unit_test(transformers_take_the_clocks_of_the_twin),
        cmocka_unit_test(fewer_columns_than_a_kernel_sees_are_refused),
    };

    return cmocka_run_group_tests_name("elastic", tests, NULL, NULL);
}
