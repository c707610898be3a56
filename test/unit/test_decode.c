/* Sequences that are decoded token by token, in turn: an event model of our own beside the plan,
 * the closed form, and chips that are stepped under both kernels. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/prove.h"
#include "dataflow/plan/decode.h"
#include "dataflow/plan/tokens.h"
#include "report/table.h"
#include "report/tokens_report.h"
#include "study/decode.h"
#include "test/cli_rig.h"
#include "test/run_rig.h"
#include "test/tmpdir.h"
#include "test/token_machine.h"

enum { CLOCKS = 50 };

struct machine {
    uint32_t layers, hidden, heads, ffn, rows, vocabulary, lanes, norm_lanes, word_bits, cores;
    bool     pre, gated, fused;
    uint32_t prompt, tokens, streams;
    uint64_t sample_ns;
};

static void make_settings(struct token_settings *s, const struct machine *m)
{
    *s = (struct token_settings){ .n = 0 };
    token_set_word(s, "network.family", "transformer");
    token_set(s, "network.layers", m->layers);
    token_set(s, "network.hidden", m->hidden);
    token_set(s, "network.heads", m->heads);
    token_set(s, "network.ffn", m->ffn);
    token_set(s, "network.sequence", 4);
    token_set_word(s, "network.causal", "true");
    token_set_word(s, "network.norm", m->pre ? "pre" : "post");
    token_set_word(s, "network.gated", m->gated ? "true" : "false");
    token_set_word(s, "network.qkv", m->fused ? "fused" : "separate");
    token_set(s, "network.vocabulary", m->vocabulary);
    token_set(s, "network.classes", 0);
    token_set(s, "core.crossbar.rows", m->rows);
    token_set(s, "core.crossbar.columns", m->rows);
    token_set(s, "core.input_memory.word_bits", m->word_bits);
    token_set(s, "core.input_memory.words", 4096);
    token_set(s, "core.digital.lanes", 65536);
    token_set(s, "fabric.link_gbps", 10000);
    token_set(s, "fabric.partial_sum_gbps", 10000);
    token_set(s, "chip.cores", 65536);
    token_set(s, "attention.cores", m->cores);
    token_set(s, "attention.lanes", m->lanes);
    token_set(s, "attention.exp_lanes", 1000000);
    token_set(s, "attention.memory_bytes", UINT64_C(1) << 40);
    token_set(s, "digital_core.lanes", m->norm_lanes);
    token_set(s, "digital_core.timesteps", 65536);
    token_set(s, "decode.prompt", m->prompt);
    token_set(s, "decode.tokens", m->tokens);
    token_set(s, "decode.streams", m->streams);
    token_set(s, "decode.sample_ns", m->sample_ns);
}

static void load(struct study *s, struct decoder *d, const struct machine *m)
{
    struct token_settings set;
    struct err_msg msg;

    make_settings(&set, m);
    if (study_load(s, NULL, set.set, set.n, &msg) || decoder_make(d, s, &msg))
        fail_msg("%s", msg.text);
}

static void release(struct study *s, struct decoder *d)
{
    decoder_release(d);
    study_release(s);
}

static uint32_t draw(uint64_t *state, uint32_t least, uint32_t most)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return least + (uint32_t)((*state >> 33) % (most - least + 1));
}

static struct machine random_machine(uint64_t seed)
{
    uint64_t s = seed * UINT64_C(0x9E3779B97F4A7C15);
    struct machine m = { .layers = draw(&s, 1, 3), .heads = draw(&s, 1, 4),
                         .ffn = draw(&s, 1, 160), .rows = draw(&s, 8, 64),
                         .lanes = draw(&s, 1, 12), .pre = draw(&s, 0, 1), .gated = draw(&s, 0, 1),
                         .fused = draw(&s, 0, 1), .prompt = draw(&s, 0, 7),
                         .tokens = draw(&s, 1, 6), .streams = draw(&s, 1, 7),
                         .norm_lanes = 1000000, .word_bits = 8192 };

    m.hidden = m.heads * draw(&s, 1, 16);
    m.vocabulary = draw(&s, 0, 2) ? draw(&s, 1, 100) : 0;
    m.cores = draw(&s, 0, 1) ? 1 : m.heads;
    if (draw(&s, 0, 2) == 0)
        m.lanes = 1000000; // A = 1
    if (draw(&s, 0, 3) == 0)
        m.norm_lanes = 2;
    if (draw(&s, 0, 3) == 0)
        m.sample_ns = draw(&s, 1, 1500);
    return m;
}

/* ---- an event model ---- */

static uint64_t up(uint64_t a, uint64_t b)
{
    return (a + b - 1) / b;
}

static int64_t max_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static uint64_t attention_timesteps(const struct machine *m, uint64_t n)
{
    const uint64_t heads = m->heads / m->cores, d = m->hidden / m->heads;

    return up(2 * up(heads * n * d, m->lanes), CLOCKS);
}

enum unit { NORM1, QKV, ATTENTION, O, NORM2, F1, GATE, F2, HEAD_NORM, HEAD, N_UNIT };

struct model { // what was free when
    const struct machine *m;
    int64_t free[4][N_UNIT], summed[4][N_UNIT];
};

/* A digital core that takes `lasts`: returns when the token is stored behind it. */
static int64_t digital(struct model *k, uint32_t layer, enum unit u, uint64_t lasts, int64_t comes)
{
    int64_t *free = &k->free[layer][u];

    *free = max_of(*free, comes) + (int64_t)lasts;
    return *free;
}

/* A matrix of so many rows, to which a residual may be added where the sum is complete. */
static int64_t matrix(struct model *k, uint32_t layer, enum unit u, uint32_t rows, int64_t comes,
                      int64_t residual)
{
    int64_t *free = &k->free[layer][u], *summed = &k->summed[layer][u];
    const int64_t fires = max_of(*free, comes);

    *free = fires + 1;
    *summed = max_of(*summed, max_of(fires + (int64_t)up(rows, k->m->rows) - 1, residual)) + 1;
    return *summed;
}

static int64_t pass(struct model *k, uint32_t layer, uint64_t keys, int64_t x)
{
    const struct machine *m = k->m;
    const uint64_t norm = up(up(3 * (uint64_t)m->hidden, m->norm_lanes), CLOCKS);
    const uint64_t gate = up(up(m->ffn, m->norm_lanes), CLOCKS);
    const int64_t in = m->pre ? digital(k, layer, NORM1, norm, x) : x;
    int64_t t = matrix(k, layer, QKV, m->hidden, in, 0);

    t = digital(k, layer, ATTENTION, attention_timesteps(m, keys), t);
    const int64_t sum = matrix(k, layer, O, m->hidden, t, x);
    const int64_t mid = digital(k, layer, NORM2, norm, sum);
    t = matrix(k, layer, F1, m->hidden, mid, 0);
    if (m->gated)
        t = digital(k, layer, GATE, gate, t);
    t = matrix(k, layer, F2, m->ffn, t, m->pre ? sum : mid);
    return m->pre ? t : digital(k, layer, NORM1, norm, t);
}

/* Of token `column`: when it has its answer, or has been passed on by all layers. */
static int64_t model_token(struct model *k, uint32_t column, int64_t comes)
{
    const struct machine *m = k->m;
    const uint64_t norm = up(up(3 * (uint64_t)m->hidden, m->norm_lanes), CLOCKS);
    int64_t t = comes;

    for (uint32_t l = 0; l < m->layers; l++)
        t = pass(k, l, column + 1, t);
    if (m->vocabulary == 0 || column + 1 < m->prompt)
        return t;
    if (m->pre)
        t = digital(k, 0, HEAD_NORM, norm, t);
    return matrix(k, 0, HEAD, m->hidden, t, 0);
}

static int64_t model_all(const struct machine *m, int64_t *comes)
{
    struct model k = { .m = m };
    const uint32_t first = m->prompt > 1 ? m->prompt : 1, width = m->prompt + m->tokens;
    int64_t answer[8] = { 0 }, last = 0;

    for (uint32_t column = 0; column < width; column++)
        for (uint32_t s = 0; s < m->streams; s++, comes++) {
            *comes = column < first ? 0 : answer[s] + (int64_t)up(m->sample_ns, 100);
            if (column + s > 0)
                *comes = max_of(*comes, comes[-1]); // in turn
            last = answer[s] = model_token(&k, column, *comes);
        }
    return last;
}

static void another_model_has_the_times_of_every_token(void **state)
{
    uint32_t n_streams = 0, n_grows = 0, n_late = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        const struct machine m = random_machine(seed);
        int64_t comes[13 * 7];
        struct study s;
        struct decoder d;
        load(&s, &d, &m);
        const int64_t last = model_all(&m, comes);
        for (uint32_t i = 0; i < m.streams * (m.prompt + m.tokens); i++)
            if (d.plan.comes[i] != comes[i])
                fail_msg("seed %" PRIu64 ", token %" PRIu32 ": %" PRId64 ", want %" PRId64, seed, i,
                         d.plan.comes[i], comes[i]);
        if ((int64_t)d.plan.time.first_result != last)
            fail_msg("seed %" PRIu64 ": %" PRIu64 " timesteps, want %" PRId64, seed,
                     d.plan.time.first_result, last);
        n_streams += m.streams > 1;
        n_late += m.sample_ns > 0;
        n_grows += attention_timesteps(&m, 1) < attention_timesteps(&m, m.prompt + m.tokens);
        release(&s, &d);
    }
    assert_true(n_streams > 500 && n_grows > 100 && n_late > 100);
}

/* One sequence by itself takes, token after token, what the closed form says of its keys; several
 * of them as much, until a core has no timestep left between two. */
static void decoding_takes_what_the_closed_form_says(void **state)
{
    uint32_t n_alone = 0, n_turns = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct machine m = random_machine(seed);
        if (seed % 2)
            m.streams = 1;
        else
            m.lanes = 1000000;
        m.prompt += 1;
        struct study s;
        struct decoder d;
        load(&s, &d, &m);
        const struct decoding closed = decode_of(&s.plan);
        const struct decoder_times t = decoder_times(&d);
        if (m.streams == 1) {
            assert_int_equal(t.all - t.first + up(m.sample_ns, 100), closed.all);
            assert_int_equal(t.last_token, closed.last_token);
            n_alone++;
        } else if (m.tokens > 1) {
            const uint32_t w = m.prompt + m.tokens;
            const int64_t pace = d.plan.comes[(w - 1) * m.streams] -
                                 d.plan.comes[(w - 2) * m.streams];
            assert_int_equal(pace, closed.last_token);
            n_turns++;
        }
        release(&s, &d);
    }
    assert_true(n_alone > 150 && n_turns > 100);
}

/* ---- chips ---- */

static struct run_result run_as(const struct decoder *d, bool stepped, enum kernel_kind kernel,
                                const struct core_probe *probe)
{
    const struct run_cfg cfg = { .n_image = 1, .jobs = 1, .stepped = stepped, .kernel = kernel,
                                 .probe = probe };

    return run_or_fail(&d->plan, &cfg);
}

static void chips_of_both_kernels_decode_as_the_plan_says(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        const struct machine m = random_machine(seed);
        struct study s;
        struct decoder d;
        struct err_msg msg;
        load(&s, &d, &m);
        struct run_result a = run_as(&d, false, KERNEL_NATIVE, NULL);
        struct run_result b = run_as(&d, true, KERNEL_NATIVE, NULL);
        assert_true(!a.stepped && b.stepped);
        assert_same_run(&d.plan, &a, &b, seed);
        run_result_release(&b);
        if (has_systemc() && seed % 8 == 0) {
            b = run_as(&d, true, KERNEL_SYSTEMC, NULL);
            assert_same_run(&d.plan, &a, &b, seed);
            run_result_release(&b);
        }
        if (seed % 4 == 0 && prove(&d.plan, NULL, &msg))
            fail_msg("seed %" PRIu64 ": %s", seed, msg.text);
        run_result_release(&a);
        release(&s, &d);
    }
}

/* What is done for a token is done once: keys and values are written when it comes, and those of
 * the tokens before it read, of its own sequence. */
static void each_token_reads_the_keys_of_its_own_sequence(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct machine m = random_machine(seed);
        struct study s;
        struct decoder d;
        m.norm_lanes = 1000000;
        load(&s, &d, &m);
        struct run_result r = run_as(&d, seed % 2, KERNEL_NATIVE, NULL);
        const uint64_t w = m.prompt + m.tokens, pairs = m.streams * w * (w + 1) / 2;
        const uint64_t answers = m.streams * (m.prompt > 0 ? m.tokens + 1 : m.tokens);
        uint64_t qk = 0, read = 0, head = 0;
        for (uint32_t i = 0; i < d.plan.n_core; i++) {
            const struct plan_core *c = &d.plan.core[i];
            qk += r.core[i].qk_macs;
            read += r.core[i].kv_words_read;
            if (strcmp(plan_layer_name(&d.plan, c->plan_layer), "head") == 0 && c->part == 0 &&
                c->split == 0)
                head += r.core[i].firings;
        }
        assert_int_equal(qk, m.layers * pairs * m.hidden);
        assert_int_equal(read, m.layers * m.cores * pairs * 2); // a word of keys, one of values
        assert_int_equal(head, m.vocabulary > 0 ? answers : 0);
        run_result_release(&r);
        release(&s, &d);
    }
}

/* A decoded token is stored in the first layer not before the answer to the one before has left. */
struct watch {
    const struct decoder *d;
    uint64_t answered[8];  // tokens of each sequence with an answer
    uint64_t n_stored, n_early, wait;
    uint64_t at[8];        // when the latest was there
};

static void see(void *user, uint32_t core, const struct core_event *e)
{
    struct watch *w = user;
    const struct plan *p = &w->d->plan;
    const struct plan_core *c = &p->core[core];
    const uint32_t first = p->network->decoded_from;

    if (e->kind == CORE_STORED && p->layer[c->plan_layer].feed == FEED_SCRATCHPAD)
        for (uint32_t i = 0; i < e->n; i++) {
            const struct pixel *px = &e->pixel[i];
            if (px->column < first)
                continue;
            w->n_stored++;
            w->n_early += w->answered[px->row] < px->column + 1 - first ||
                          e->timestep <= w->at[px->row];
        }
    if (e->kind == CORE_RESULT && c->plan_layer == p->n_layer - 1 && c->split == 0)
        for (uint32_t i = 0; i < e->n; i++) {
            const uint32_t seen = e->pixel[i].column + p->network->layer[0].out.width -
                                  network_result(p->network)->out.width;
            w->answered[e->pixel[i].row] += seen + 1 >= first;
            w->at[e->pixel[i].row] = e->timestep;
        }
}

static void no_token_comes_before_the_answer_to_the_one_before(void **state)
{
    uint64_t n = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct machine m = random_machine(seed);
        struct study s;
        struct decoder d;
        m.vocabulary = 7;
        load(&s, &d, &m);
        struct watch w = { .d = &d };
        const struct core_probe probe = { .event = see, .user = &w };
        struct run_result r = run_as(&d, true, KERNEL_NATIVE, &probe);
        if (w.n_early > 0)
            fail_msg("seed %" PRIu64 ": %" PRIu64 " of %" PRIu64 " tokens came early", seed,
                     w.n_early, w.n_stored);
        n += w.n_stored;
        run_result_release(&r);
        release(&s, &d);
    }
    assert_true(n > 500);
}

/* GPT-2 small on arrays of 512 x 512, A = 1: 183 timesteps and 54,645 tokens/s, stepped. */
static void gpt2_is_stepped_while_it_decodes(void **state)
{
    const struct machine m = { .layers = 12, .hidden = 768, .heads = 12, .ffn = 3072, .rows = 512,
                               .vocabulary = 50257, .lanes = 31458, .norm_lanes = 64,
                               .word_bits = 256, .cores = 1, .pre = true, .prompt = 20,
                               .tokens = 6, .streams = 3 };
    struct study s;
    struct decoder d;

    (void)state;
    load(&s, &d, &m);
    struct run_result r = run_as(&d, true, KERNEL_NATIVE, NULL);
    const struct decoder_times t = decoder_times(&d);
    assert_int_equal(t.last_token, 183);
    /* the last of three comes two timesteps later */
    assert_int_equal(r.first_result, t.first + 6 * 183 + 2);
    assert_int_equal((uint64_t)(decode_of(&s.plan).tokens_per_s / 3 + .5), 54645);
    run_result_release(&r);
    release(&s, &d);
}

/* ---- what is said of it ---- */

static const char small[] = "gpt2_small --set network.layers=1 --set network.vocabulary=90 "
                            "--set decode.prompt=5 --set decode.tokens=3 --set decode.streams=2 "
                            "--set network.sequence=8 ";

/* By the plan and by chips under both kernels; FIELDS that may differ are not in it. */
static void a_run_says_the_same_of_plan_and_chip(void **state)
{
    static const char *const how[] = { "", "--timing chip", "--kernel systemc" };
    char text[512], *want = NULL;

    for (size_t i = 0; i < (has_systemc() ? 3 : 2); i++) {
        snprintf(text, sizeof text, "run %s %s --json -", small, how[i]);
        json_t *doc = json_of(*state, text), *decode = at(doc, "decode");
        assert_string_equal(text_at(decode, "timing"), i == 0 ? "plan" : "chip");
        /* keys and values of 768 bytes each in words of 32, each of eight tokens of two */
        assert_int_equal(integer_at(decode, "counters.kv_words_written"), 2 * 24 * 8 * 2);
        assert_int_equal(integer_at(decode, "counters.kv_words_read"), 2 * 24 * 2 * 8 * 9 / 2);
        json_object_del(decode, "timing");
        char *got = json_dumps(decode, JSON_SORT_KEYS);
        if (want)
            assert_string_equal(got, want);
        free(want);
        want = got;
        json_decref(doc);
    }
    free(want);
}

/* The same lanes found by trying one after the other. */
static void the_next_lanes_that_help_are_found(void **state)
{
    uint32_t n_exps = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct machine m = random_machine(seed);
        struct token_settings set_;
        struct study s;
        struct err_msg msg;
        char *text;
        size_t n;
        const uint32_t exps = seed % 4 == 0 ? 1 : 1000;
        m.lanes = exps == 1 ? 1000 : 1 + (uint32_t)seed % 7;
        make_settings(&set_, &m);
        token_set(&set_, "attention.exp_lanes", exps);
        token_set(&set_, "network.sequence", 60);
        token_set(&set_, "decode.tokens", 0);
        if (study_load(&s, NULL, set_.set, set_.n, &msg))
            fail_msg("%s", msg.text);
        uint64_t now = 0, most;
        const uint32_t att = network_find(&s.network, "l1.att") - 1;
        now = tokens_timesteps(&s.plan, att, &most);
        uint32_t next = 0;
        for (uint32_t k = 1; k < 20000 && next == 0; k++) {
            struct config other = s.config;
            struct plan plan = s.plan;
            if (exps == 1)
                other.attention.exp_lanes = k;
            else
                other.attention.lanes = k;
            plan.config = &other;
            next = tokens_timesteps(&plan, att, &most) < now ? k : 0;
        }
        FILE *out = open_memstream(&text, &n);
        struct table *t = lanes_table(&s);
        assert_int_equal(table_print(t, TABLE_CSV, out, &msg), ERR_NONE);
        table_free(t);
        fclose(out);
        char row[96];
        snprintf(row, sizeof row, "the next that helps,%" PRIu32 ",%" PRIu32 ",",
                 exps == 1 ? m.lanes : next, exps == 1 ? next : exps);
        if (next > 0 ? !strstr(text, row) : strstr(text, "the next that helps") != NULL)
            fail_msg("seed %" PRIu64 ": want %s in %s", seed, row, text);
        n_exps += exps == 1 && next > 0;
        free(text);
        study_release(&s);
    }
    assert_true(n_exps > 2);
}

/* A row for each layer; in one of attention each token's work is a bar, and each wait. */
static void a_picture_has_every_token(void **state)
{
    char text[512];

    snprintf(text, sizeof text, "run %s --svg @/t.svg", small);
    free(succeed(*state, text));
    char *svg = read_file(*state, "t.svg");
    size_t rows = 0, bars = 0;
    for (const char *p = svg; (p = strstr(p, "class=\"layer\"")); p++)
        rows++;
    const char *att = strstr(svg, ">l1.att</text>"), *end = strstr(att, ">l1.o</text>");
    assert_non_null(end);
    for (const char *p = att; (p = strstr(p, "class=\"work\"")) && p < end; p++)
        for (const char *q = p; *q != '>'; q++)
            bars += *q == 'M';
    assert_int_equal(rows, 11); // norm1, q, k, v, att, o, norm2, f1, f2, norm, head
    assert_int_equal(bars, 2 * 8);
    assert_non_null(strstr(svg, "sequence 1: works, waits"));
    free(svg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_model_has_the_times_of_every_token),
        cmocka_unit_test(decoding_takes_what_the_closed_form_says),
        cmocka_unit_test(chips_of_both_kernels_decode_as_the_plan_says),
        cmocka_unit_test(each_token_reads_the_keys_of_its_own_sequence),
        cmocka_unit_test(no_token_comes_before_the_answer_to_the_one_before),
        cmocka_unit_test(gpt2_is_stepped_while_it_decodes),
        cmocka_unit_test(a_run_says_the_same_of_plan_and_chip),
        cmocka_unit_test(the_next_lanes_that_help_are_found),
        cmocka_unit_test(a_picture_has_every_token),
    };

    return cmocka_run_group_tests(tests, tmpdir_make, tmpdir_remove);
}
