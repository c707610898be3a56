/* Transformers: the closed forms of their time, an event model of our own beside the plan, chips
 * that are stepped under both kernels, memories of keys and values, and what is refused. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/chip.h"
#include "arch/prove.h"
#include "core/counter.h"
#include "dataflow/plan/decode.h"
#include "dataflow/plan/tokens.h"
#include "dataflow/plan/waits.h"
#include "report/plan_report.h"
#include "report/table.h"
#include "report/tokens_report.h"
#include "study/run.h"
#include "study/study.h"
#include "test/run_rig.h"
#include "test/token_machine.h"

enum { CLOCKS = 50 };

static void assert_near(double a, double b, double most)
{
    if (a - b > most || b - a > most)
        fail_msg("%.15g, want %.15g", a, b);
}

static uint32_t layer_called(const struct plan *p, const char *name)
{
    uint32_t i = network_find(p->network, name);

    assert_true(i > 0 && i < p->network->n_layer);
    return i - 1;
}

/* ---- closed forms ---- */

static uint64_t up(uint64_t a, uint64_t b)
{
    return (a + b - 1) / b;
}

/* Of a core with so many heads, and n keys. */
static uint64_t attention_timesteps(const struct token_machine *m, uint64_t n)
{
    uint64_t heads = m->cores ? m->heads / m->cores : 1, d = m->hidden / m->heads;
    uint64_t macs = 2 * up(heads * n * d, m->lanes), exps = up(heads * n, m->exp_lanes);

    return up(macs > exps ? macs : exps, CLOCKS);
}

static uint64_t parts(const struct token_machine *m, uint64_t rows)
{
    return up(rows, m->rows);
}

static uint64_t matrix_cores(const struct token_machine *m, uint64_t rows, uint64_t columns)
{
    return parts(m, rows) * up(columns, m->rows);
}

static uint64_t closed_cores(const struct token_machine *m)
{
    uint64_t h = m->hidden, qkv = m->fused ? matrix_cores(m, h, 3 * h) : 3 * matrix_cores(m, h, h);

    return m->layers * (qkv + matrix_cores(m, h, h) + matrix_cores(m, h, m->ffn) +
                        matrix_cores(m, m->ffn, h)) +
           (m->vocabulary ? matrix_cores(m, h, m->vocabulary) : 0);
}

static void thousand_random_cases_take_what_closed_forms_say(void **state)
{
    uint32_t n_causal = 0, n_long = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        const struct token_machine m = token_machine_random(seed);
        struct study s;
        token_machine_load(&s, &m);
        const uint64_t a = attention_timesteps(&m, m.sequence), l = m.layers, n = m.sequence;
        const uint64_t d = 3 * parts(&m, m.hidden) + parts(&m, m.ffn) + a + 2;
        const uint64_t want = m.causal ? l * d + (n - 1) * a : l * d + (n - 1) * (1 + l * a);
        const uint64_t interval = m.banks > 1 ? n * a : (2 * n - 1) * a;
        if (s.plan.time.first_result != want || s.plan.interval != interval)
            fail_msg("seed %" PRIu64 ": %" PRIu64 " timesteps, interval %" PRIu64 ": want %" PRIu64
                     ", %" PRIu64, seed, s.plan.time.first_result, s.plan.interval, want, interval);
        assert_int_equal(s.plan.n_core - plan_digital_cores(&s.plan), closed_cores(&m));
        n_causal += m.causal;
        n_long += a > 1;
        study_release(&s);
    }
    assert_true(n_causal > 300 && n_long > 100);
}

static struct token_machine sized(uint32_t layers, uint32_t rows, bool fused, uint32_t vocabulary)
{
    struct token_machine m = token_machine_plain();

    m.layers = layers;
    m.rows = rows;
    m.fused = fused;
    m.vocabulary = vocabulary;
    m.pre = m.causal = vocabulary > 0;
    return m;
}

static void cores_and_weights_are_those_of_the_table(void **state)
{
    static const struct {
        uint32_t layers, rows, fused, vocabulary, cores;
        uint64_t weights;
        double   used;
    } rows[] = {
        { 12, 512, 0, 0, 480, 84934656, .675 },      { 12, 512, 1, 0, 456, 84934656, .711 },
        { 12, 256, 0, 0, 1296, 84934656, 1 },        { 6, 512, 0, 0, 240, 42467328, .675 },
        { 6, 512, 1, 0, 228, 42467328, .711 },       { 6, 256, 0, 0, 648, 42467328, 1 },
        { 12, 512, 0, 50257, 678, 123532032, .695 }, { 12, 256, 0, 50257, 1887, 123532032, .999 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct token_machine m = sized(rows[i].layers, rows[i].rows, rows[i].fused,
                                       rows[i].vocabulary);
        struct study s;
        token_machine_load(&s, &m);
        assert_int_equal(s.plan.n_core - plan_digital_cores(&s.plan), rows[i].cores);
        assert_int_equal(network_weights(&s.network), rows[i].weights);
        assert_near(chip_utilization(&s.plan), rows[i].used, .0005);
        study_release(&s);
    }
}

static void bert_and_gpt2_take_the_timesteps_that_were_worked_out(void **state)
{
    struct token_machine m = token_machine_plain();
    struct study s;
    token_machine_load(&s, &m);

    (void)state;
    assert_int_equal(s.plan.time.first_result, 1831);
    assert_int_equal(s.plan.interval, 128);
    study_release(&s);
    m.rows = 256;
    token_machine_load(&s, &m);
    assert_int_equal(s.plan.time.first_result, 1939);
    study_release(&s);
    m.rows = 512;
    m.lanes = 64;
    token_machine_load(&s, &m);
    assert_int_equal(s.plan.time.first_result, 95527);
    assert_int_equal(s.plan.interval, 7936);
    study_release(&s);
    m = token_machine_plain();
    m.causal = m.pre = true;
    m.sequence = 1024;
    m.lanes = 31458;
    m.exp_lanes = 246;
    token_machine_load(&s, &m);
    assert_int_equal(s.plan.time.first_result, 1203);
    study_release(&s);
    m.vocabulary = 50257; // a norm and the head, of two parts
    token_machine_load(&s, &m);
    assert_int_equal(s.plan.time.first_result, 1203 + 1 + 2);
    assert_int_equal(s.plan.time.last_tokens, 1203);
    study_release(&s);
}

static void a_token_waits_for_the_barrier_in_a_fifo_of_a_sequence_and_more(void **state)
{
    struct token_machine m = token_machine_plain();
    struct study s;
    token_machine_load(&s, &m);

    (void)state;
    assert_int_equal(s.plan.time.layer[layer_called(&s.plan, "l2.o")].residual_fifo, 128 + 2 * 2);
    study_release(&s);
    m.pre = true;
    token_machine_load(&s, &m);
    assert_int_equal(s.plan.time.layer[layer_called(&s.plan, "l2.o")].residual_fifo, 128 + 5);
    study_release(&s);
    m.pre = false;
    m.rows = 256;
    token_machine_load(&s, &m);
    assert_int_equal(s.plan.time.layer[layer_called(&s.plan, "l2.o")].residual_fifo, 128 + 2 * 3);
    study_release(&s);
}

/* S + 2 p_H tokens and one more where a norm stands in front, of sequences back to back and A = 1;
 * of the first layer, where tokens wait for the scratchpad, it is not asked. */
static void residuals_wait_in_fifos_of_a_closed_form(void **state)
{
    uint32_t n = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct token_machine m = token_machine_random(seed);
        struct study s;
        m.causal = false;
        m.banks = 2;
        m.lanes = m.exp_lanes = 1000000;
        m.layers = 2;
        token_machine_load(&s, &m);
        const uint32_t layer = layer_called(&s.plan, "l2.o");
        const uint64_t want = m.sequence + 2 * parts(&m, m.hidden) + m.pre;
        if (s.plan.time.layer[layer].residual_fifo != want)
            fail_msg("seed %" PRIu64 ": %" PRIu32 " tokens, want %" PRIu64, seed,
                     s.plan.time.layer[layer].residual_fifo, want);
        assert_int_equal(residual_fifo_bytes(&s.plan, layer), want * m.hidden);
        n += m.pre;
        study_release(&s);
    }
    assert_true(n > 100 && n < 200);
}

static void attention_has_the_share_that_its_closed_form_says(void **state)
{
    static const struct {
        uint32_t sequence;
        double   percent;
    } rows[] = { { 16, .346 }, { 32, .690 }, { 64, 1.370 }, { 128, 2.703 }, { 256, 5.263 },
                 { 512, 10 } };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int causal = 0; causal < 2; causal++) {
            struct token_machine m = token_machine_plain();
            m.sequence = rows[i].sequence;
            m.causal = causal;
            struct token_settings set;
            struct study s;
            struct err_msg msg;
            token_machine_settings(&set, &m);
            assert_int_equal(study_load_network(&s, NULL, set.set, set.n, &msg), ERR_NONE);
            double n = causal ? m.sequence + 1.0 : 2.0 * m.sequence, h = m.hidden, f = m.ffn;
            assert_near(attention_share(&s.network), n * h / (n * h + 4 * h * h + 2 * h * f),
                               1e-12);
            if (!causal)
                assert_near(100 * attention_share(&s.network), rows[i].percent, .0005);
            study_release(&s);
        }
}

/* ---- decoding ---- */

static void set_decode(struct token_settings *s, uint32_t prompt, uint32_t tokens, uint32_t streams)
{
    token_set(s, "decode.prompt", prompt);
    token_set(s, "decode.tokens", tokens);
    token_set(s, "decode.streams", streams);
}

/* By itself a token does what a sequence of one does, where attention takes as long. */
static void a_decoded_token_takes_the_way_of_a_sequence_of_one(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct token_machine m = token_machine_random(seed);
        m.causal = true;
        m.sequence = 1;
        m.gated = seed % 2;
        m.vocabulary = seed % 3 ? (uint32_t)(1 + seed % 50) : 0;
        struct study s;
        token_machine_load(&s, &m);
        assert_int_equal(decode_way(&s.plan, 1), s.plan.time.first_result);
        const uint64_t keys = 1 + seed % 90, ph = parts(&m, m.hidden);
        const uint64_t d = 3 * ph + parts(&m, m.ffn) + attention_timesteps(&m, keys) + 2 + m.gated;
        const uint64_t head = m.vocabulary ? m.pre + ph : 0;
        assert_int_equal(decode_way(&s.plan, keys), m.layers * d + head);
        study_release(&s);
    }
}

static void gpt2_decodes_a_token_in_183_timesteps(void **state)
{
    static const struct {
        uint32_t streams, timesteps;
    } rows[] = { { 1, 183 }, { 183, 183 }, { 184, 184 }, { 1000, 1000 } };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct token_machine m = sized(12, 512, false, 50257);
        struct token_settings set_;
        struct study s;
        struct err_msg msg;
        m.lanes = 31458;
        m.exp_lanes = 246;
        token_machine_settings(&set_, &m);
        set_decode(&set_, 1000, 24, rows[i].streams);
        assert_int_equal(study_load(&s, NULL, set_.set, set_.n, &msg), ERR_NONE);
        struct decoding d = decode_of(&s.plan);
        assert_int_equal(d.last_token, rows[i].timesteps);
        assert_int_equal(d.all, 24 * rows[i].timesteps);
        if (i == 0)
            assert_int_equal((uint64_t)(d.tokens_per_s + .5), 54645);
        study_release(&s);
    }
}

/* ---- an event model ---- */

enum { MODEL_IMAGES = 6 };

struct model { // when tokens are stored, image after image
    const struct token_machine *m;
    uint32_t n; // tokens of an image
    int64_t  interval;
};

typedef int64_t times[MODEL_IMAGES][32];

/* A matrix of so many parts; residuals (or NULL) are added where sums are complete. */
static void model_linear(const struct model *k, uint64_t n_part, times in, times residual,
                         times out)
{
    int64_t fired = INT64_MIN / 2, summed = INT64_MIN / 2;

    for (uint32_t i = 0; i < MODEL_IMAGES; i++)
        for (uint32_t t = 0; t < k->n; t++) {
            fired = in[i][t] > fired + 1 ? in[i][t] : fired + 1;
            int64_t sum = fired + (int64_t)n_part - 1;
            if (residual && residual[i][t] > sum)
                sum = residual[i][t];
            summed = sum > summed + 1 ? sum : summed + 1;
            out[i][t] = summed + 1;
        }
}

/* A core that takes `lasts` for a token. */
static void model_core(const struct model *k, uint64_t lasts, times in, times out)
{
    int64_t ends = INT64_MIN / 2;

    for (uint32_t i = 0; i < MODEL_IMAGES; i++)
        for (uint32_t t = 0; t < k->n; t++) {
            ends = (in[i][t] > ends ? in[i][t] : ends) + (int64_t)lasts;
            out[i][t] = ends;
        }
}

static void model_attention(const struct model *k, times in, times out)
{
    int64_t ends = INT64_MIN / 2;

    for (uint32_t i = 0; i < MODEL_IMAGES; i++)
        for (uint32_t t = 0; t < k->n; t++) {
            int64_t ready = in[i][t];
            for (uint32_t u = t; u < k->n && !k->m->causal; u++)
                ready = in[i][u] > ready ? in[i][u] : ready;
            uint64_t keys = k->m->causal ? t + 1 : k->n;
            ends = (ready > ends ? ready : ends) + (int64_t)attention_timesteps(k->m, keys);
            out[i][t] = ends;
        }
}

static uint64_t norm_lasts(const struct token_machine *m, uint64_t ops)
{
    return up(up(ops, m->norm_lanes), CLOCKS);
}

static void model_norm(const struct model *k, times in, times out)
{
    model_core(k, norm_lasts(k->m, 3 * k->m->hidden), in, out);
}

static void model_layer(const struct model *k, times x, times out)
{
    const struct token_machine *m = k->m;
    const uint64_t ph = parts(m, m->hidden), pf = parts(m, m->ffn);
    static times a, b, sum, mid, f;

    if (m->pre)
        model_norm(k, x, a);
    else
        memcpy(a, x, sizeof a);
    model_linear(k, ph, a, NULL, b);
    model_attention(k, b, a);
    model_linear(k, ph, a, x, sum);
    model_norm(k, sum, mid);
    model_linear(k, ph, mid, NULL, f);
    if (m->gated) {
        model_core(k, norm_lasts(m, m->ffn), f, a);
        memcpy(f, a, sizeof f);
    }
    model_linear(k, pf, f, m->pre ? sum : mid, a);
    if (m->pre)
        memcpy(out, a, sizeof a);
    else
        model_norm(k, a, out);
}

/* Of random machines whose sequences come as they are and leave as tokens. */
static void another_model_has_the_times_of_every_image(void **state)
{
    uint32_t n_late = 0, n_grows = 0, n_slow = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct token_machine m = token_machine_odd(seed);
        m.classes = m.vocabulary = m.patch = 0;
        struct study s;
        token_machine_load(&s, &m);
        struct model k = { &m, m.sequence, (int64_t)s.plan.interval };
        static times x, y;
        for (int64_t i = 0; i < MODEL_IMAGES; i++)
            for (uint32_t t = 0; t < k.n; t++)
                x[i][t] = i * k.interval + t;
        for (uint32_t l = 0; l < m.layers; l++) {
            model_layer(&k, x, y);
            memcpy(x, y, sizeof x);
        }
        for (uint32_t i = 0; i < MODEL_IMAGES; i++) {
            int64_t plan = (int64_t)s.plan.time.first_result + i * k.interval +
                           timetable_late(&s.plan.time, i);
            if (x[i][k.n - 1] != plan)
                fail_msg("seed %" PRIu64 ", image %" PRIu32 ": %" PRId64 ", the plan has %" PRId64,
                         seed, i, x[i][k.n - 1], plan);
            n_late += timetable_late(&s.plan.time, i) != 0;
        }
        n_grows += m.causal && attention_timesteps(&m, 1) < attention_timesteps(&m, k.n);
        n_slow += norm_lasts(&m, 3 * m.hidden) > 1;
        study_release(&s);
    }
    assert_true(n_late > 10 && n_grows > 50 && n_slow > 40);
}

/* ---- waits ---- */

/* Tokens come to the first layer one a timestep, and to others one every A: query i waits until the
 * last of S keys is there, and then for the i queries before it,
 *
 *     for keys  sum of S - 1 - i, times A behind the first layer;  for lanes  A times sum of i */
static void queries_wait_for_the_barrier_and_for_lanes(void **state)
{
    uint32_t n_long = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct token_machine m = token_machine_random(seed);
        struct study s;
        m.causal = false;
        m.banks = 2;
        token_machine_load(&s, &m);
        const uint64_t n = m.sequence, a = attention_timesteps(&m, n), half = n * (n - 1) / 2;
        for (uint32_t l = 1; l <= m.layers; l++) {
            char name[16];
            snprintf(name, sizeof name, "l%" PRIu32 ".att", l);
            const struct waits w = waits_of(&s.plan, layer_called(&s.plan, name));
            const uint64_t apart = l == 1 ? 1 : a; // tokens that come
            assert_int_equal(w.n, n);
            assert_int_equal(w.last_stored - w.first_stored, (n - 1) * apart);
            assert_int_equal(w.barrier, apart * half);
            assert_int_equal(w.lanes, a * half);
            assert_int_equal(w.longest, (n - 1) * (a > apart ? a : apart));
            assert_int_equal(w.most, n);
            assert_int_equal(w.busy, n * a);
            assert_int_equal(w.last_end - w.last_stored, n * a);
        }
        n_long += a > 1;
        study_release(&s);
    }
    assert_true(n_long > 20);
}

/* Causal queries see what has come, and wait for lanes alone: with A = 1 for nothing. */
static void causal_queries_wait_for_no_key(void **state)
{
    uint64_t lanes = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct token_machine m = token_machine_odd(seed);
        struct study s;
        m.causal = true;
        m.patch = 0;
        if (seed % 2)
            m.lanes = m.exp_lanes = 1000000;
        token_machine_load(&s, &m);
        for (uint32_t l = 1; l <= m.layers; l++) {
            char name[16];
            snprintf(name, sizeof name, "l%" PRIu32 ".att", l);
            const struct waits w = waits_of(&s.plan, layer_called(&s.plan, name));
            assert_int_equal(w.barrier, 0);
            if (seed % 2)
                assert_int_equal(w.lanes, 0);
            lanes += w.lanes;
        }
        study_release(&s);
    }
    assert_true(lanes > 1000);
}

/* A chip stores and begins queries when the plan says that they wait. */
struct waiting {
    const struct plan *plan;
    uint32_t           layer;
    uint64_t           slices, stored, fired; // of the first image; sums of timesteps
};

static void see_query(void *user, uint32_t core, const struct core_event *e)
{
    struct waiting *w = user;
    const struct plan_core *c = &w->plan->core[core];

    if (c->plan_layer != w->layer || c->split > 0 || e->n == 0 || e->pixel[0].image > 0)
        return;
    const uint64_t t = e->timestep - w->plan->time.lead;
    w->fired += e->kind == CORE_FIRED ? t : 0;
    for (uint32_t i = 0; e->kind == CORE_STORED && i < e->n; i++) {
        w->stored += t;
        w->slices++;
    }
}

static void a_chip_waits_as_long_as_its_plan_says(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct token_machine m = token_machine_odd(seed);
        struct study s;
        struct run_result r;
        struct err_msg msg;
        m.fused = true;
        m.rows = 3 * m.hidden; // queries, keys and values come together
        token_machine_load(&s, &m);
        struct waiting w = { &s.plan, layer_called(&s.plan, "l1.att"), 0, 0, 0 };
        const struct core_probe probe = { .event = see_query, .user = &w };
        const struct run_cfg cfg = { .n_image = 1, .jobs = 1, .probe = &probe };
        if (run(&s.plan, &cfg, &r, &msg))
            fail_msg("%s", msg.text);
        const struct waits plan = waits_of(&s.plan, w.layer);
        assert_int_equal(w.slices, 3 * plan.n); // a query, a key, a value
        assert_int_equal(w.fired - w.stored / 3, plan.barrier + plan.lanes);
        run_result_release(&r);
        study_release(&s);
    }
}

/* ---- chips ---- */

static struct run_result run_as(const struct plan *p, uint64_t n_image, bool stepped,
                                enum kernel_kind kernel)
{
    const struct run_cfg cfg = { .n_image = n_image, .jobs = 1, .stepped = stepped,
                                 .kernel = kernel };

    return run_or_fail(p, &cfg);
}

static void chips_of_both_kernels_do_what_the_plan_says(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        const struct token_machine m = token_machine_odd(seed);
        struct study s;
        token_machine_load(&s, &m);
        const uint64_t n = 1 + seed % 7;
        struct run_result a = run_as(&s.plan, n, false, KERNEL_NATIVE);
        struct run_result b = run_as(&s.plan, n, true, KERNEL_NATIVE);
        assert_false(a.stepped);
        assert_same_run(&s.plan, &a, &b, seed);
        run_result_release(&b);
        if (has_systemc() && seed % 8 == 0) {
            b = run_as(&s.plan, n, true, KERNEL_SYSTEMC);
            assert_same_run(&s.plan, &a, &b, seed);
            run_result_release(&b);
        }
        run_result_release(&a);
        study_release(&s);
    }
}

static void every_token_comes_to_its_place(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        const struct token_machine m = token_machine_odd(seed);
        struct study s;
        token_machine_load(&s, &m);
        struct err_msg msg;
        if (prove(&s.plan, NULL, &msg))
            fail_msg("seed %" PRIu64 ": %s", seed, msg.text);
        study_release(&s);
    }
}

/* Six heads of 3 channels, of which three share keys and values, on six cores, two or one: whole
 * heads, and those of keys that theirs look at. */
static void cores_store_the_heads_they_look_at(void **state)
{
    static const uint32_t cores[] = { 6, 2, 1 };

    (void)state;
    for (size_t i = 0; i < sizeof cores / sizeof *cores; i++) {
        struct token_machine m = { .layers = 1, .hidden = 18, .heads = 6, .kv_heads = 2, .ffn = 5,
                             .sequence = 4, .rows = 64, .cores = cores[i], .lanes = 9,
                             .exp_lanes = 9, .banks = 2, .norm_lanes = 99 };
        struct study s;
        token_machine_load(&s, &m);
        const uint32_t layer = layer_called(&s.plan, "l1.att"), each = 6 / cores[i];
        for (uint32_t core = 0; core < cores[i]; core++) {
            struct token_range r[TOKEN_RANGES];
            const uint32_t head = core * each, group = head / 3;
            const uint32_t n = (head + each - 1) / 3 + 1 - group; // of keys
            assert_int_equal(tokens_ranges(&s.plan, layer, core, r), 3);
            const uint32_t want[] = { head * 3, each * 3, 0, 18 + group * 3, n * 3, each * 3,
                                      18 + 6 + group * 3, n * 3, (each + n) * 3 };
            for (int k = 0; k < 3; k++) {
                assert_int_equal(r[k].first, want[3 * k]);
                assert_int_equal(r[k].n, want[3 * k + 1]);
                assert_int_equal(r[k].at, want[3 * k + 2]);
            }
        }
        study_release(&s);
    }
}

/* ---- counters and memories ---- */

static uint64_t counted(const struct plan *p, const struct run_result *r, const char *layer,
                        const char *counter)
{
    const struct plan_layer *pl = &p->layer[layer_called(p, layer)];
    const struct counter *row = core_counter_rows;
    uint64_t sum = 0;

    while (strcmp(row->name, counter) != 0)
        row++;
    for (uint32_t k = 0; k < pl->n_core; k++)
        sum += counter_get(row, &r->core[pl->first_core + k]);
    return sum;
}

static void cores_of_tokens_count_their_work(void **state)
{
    const struct token_machine m = { .layers = 2, .hidden = 48, .heads = 4, .kv_heads = 2,
                                     .ffn = 96, .sequence = 10, .rows = 64, .causal = true,
                                     .gated = true, .cores = 2, .lanes = 100, .exp_lanes = 10,
                                     .banks = 2, .norm_lanes = 100 };
    struct study s;
    token_machine_load(&s, &m);
    struct run_result r = run_as(&s.plan, 3, false, KERNEL_NATIVE);
    const uint64_t pairs = 10 * 11 / 2; // of a query and a key it sees

    (void)state;
    assert_int_equal(counted(&s.plan, &r, "l1.att", "qk_macs"), 3 * pairs * 48);
    assert_int_equal(counted(&s.plan, &r, "l2.att", "pv_macs"), 3 * pairs * 48);
    assert_int_equal(counted(&s.plan, &r, "l1.att", "exps"), 3 * pairs * 4);
    assert_int_equal(counted(&s.plan, &r, "l1.att", "divisions"), 3 * 10 * 48);
    /* A word of 1,024 bytes holds a token of either core: keys and values are written apart. */
    assert_int_equal(counted(&s.plan, &r, "l1.att", "kv_words_written"), 3 * 10 * 2 * 2);
    assert_int_equal(counted(&s.plan, &r, "l1.att", "kv_words_read"), 3 * pairs * 2 * 2);
    assert_int_equal(counted(&s.plan, &r, "l1.att", "queue_words"), 3 * 10 * 2 * 2);
    assert_int_equal(counted(&s.plan, &r, "l1.norm1", "tokens"), 3 * 10);
    assert_int_equal(counted(&s.plan, &r, "l1.norm1", "adds"), 3 * 10 * 4 * 48);
    assert_int_equal(counted(&s.plan, &r, "l1.norm1", "multiplies"), 3 * 10 * 2 * 48);
    assert_int_equal(counted(&s.plan, &r, "l1.norm1", "roots"), 3 * 10);
    assert_int_equal(counted(&s.plan, &r, "l1.gate", "multiplies"), 3 * 10 * 96);
    assert_int_equal(counted(&s.plan, &r, "l1.norm1", "words_written"), 0);
    run_result_release(&r);
    study_release(&s);
}

/* ---- words, one by one ---- */

/* Words that channels [first, end) of `bits` each lie in, marked channel by channel. */
static uint64_t words_marked(uint32_t first, uint32_t end, uint32_t bits, uint32_t word)
{
    static uint8_t marked[4096];
    uint64_t n = 0;

    memset(marked, 0, sizeof marked);
    for (uint32_t c = first; c < end; c++)
        for (uint32_t b = 0; b < bits; b++) {
            uint32_t w = (c * bits + b) / word;
            assert_true(w < sizeof marked);
            n += !marked[w];
            marked[w] = 1;
        }
    return n;
}

struct words {
    uint64_t written, read, queue;
};

/* Of one core for a sequence: keys and then values of its heads side by side, in elements of
 * `bits`; queries apart, in bytes. Slices come as cores of matrices deliver them. */
static struct words words_of_core(const struct plan *p, uint32_t layer,
                                  const struct token_machine *m, uint32_t core, uint32_t bits,
                                  uint32_t word)
{
    const struct layer *l = plan_network_layer(p, layer);
    const uint32_t d = m->hidden / m->heads, each = m->heads / (m->cores ? m->cores : m->heads);
    const uint32_t group = m->heads / m->kv_heads, first_kv = core * each / group;
    const uint32_t n_kv = ((core + 1) * each - 1) / group - first_kv + 1, h = m->hidden;
    const uint32_t kv = m->kv_heads * d, n = m->sequence;
    struct words w = { 0 };
    uint32_t offset = 0;

    for (uint32_t k = 0; k < l->n_input; k++) {
        const struct plan_layer *from = &p->layer[l->input[k] - 1];
        for (uint32_t i = from->first_core; i < from->first_core + from->n_core; i++) {
            uint32_t held[3] = { 0 }, low[3] = { 0 }, high[3] = { 0 };
            for (uint32_t c = 0; p->core[i].part == 0 && c < p->core[i].out_n; c++) {
                const uint32_t at = offset + p->core[i].out_first + c;
                const uint32_t kind = at < h ? 0 : at < h + kv ? 1 : 2;
                const uint32_t own = kind == 0 ? core * each * d : first_kv * d;
                const uint32_t own_n = kind == 0 ? each * d : n_kv * d;
                const uint32_t in = at - (kind == 0 ? 0 : kind == 1 ? h : h + kv);
                if (in < own || in >= own + own_n)
                    continue;
                const uint32_t place = in - own + (kind == 2 ? n_kv * d : 0);
                low[kind] = held[kind]++ == 0 ? place : low[kind];
                high[kind] = place + 1;
            }
            w.queue += n * words_marked(low[0], high[0], 8, word);
            w.written += n * words_marked(low[1], high[1], bits, word);
            w.written += n * words_marked(low[2], high[2], bits, word);
        }
        offset += p->network->layer[l->input[k]].out.channels;
    }
    const uint64_t pairs = m->causal ? n * (n + 1) / 2 : (uint64_t)n * n;
    w.read = pairs * (words_marked(0, n_kv * d, bits, word) +
                      words_marked(n_kv * d, 2 * n_kv * d, bits, word));
    w.queue += n * words_marked(0, each * d, 8, word);
    return w;
}

static void words_of_keys_values_and_queries_are_those_counted_one_by_one(void **state)
{
    static const char *const names[] = { "6", "8", "10" };
    static const uint32_t all_bits[] = { 6, 8, 10 }, all_words[] = { 32, 64, 128, 256 };

    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct token_machine m = token_machine_odd(seed);
        const uint32_t bits = all_bits[seed % 3], word = all_words[seed / 3 % 4], images = 2;
        struct token_settings set_;
        struct study s;
        struct err_msg msg;
        m.patch = 0;
        token_machine_settings(&set_, &m);
        token_set_word(&set_, "attention.bits", names[seed % 3]);
        token_set(&set_, "core.input_memory.word_bits", word);
        token_set(&set_, "clocking.timestep_ns", 10000);
        if (study_load(&s, NULL, set_.set, set_.n, &msg))
            fail_msg("%s", msg.text);
        struct run_result r = run_as(&s.plan, images, seed % 2, KERNEL_NATIVE);
        const uint32_t layer = layer_called(&s.plan, "l1.att");
        for (uint32_t c = 0; c < s.plan.layer[layer].n_core; c++) {
            const struct core_counters *n = &r.core[s.plan.layer[layer].first_core + c];
            const struct words w = words_of_core(&s.plan, layer, &m, c, bits, word);
            if (n->kv_words_written != images * w.written || n->kv_words_read != images * w.read ||
                n->queue_words != images * w.queue)
                fail_msg("seed %" PRIu64 ", core %" PRIu32 ": %" PRIu64 " %" PRIu64 " %" PRIu64
                         ", want %" PRIu64 " %" PRIu64 " %" PRIu64, seed, c, n->kv_words_written,
                         n->kv_words_read, n->queue_words, images * w.written, images * w.read,
                         images * w.queue);
        }
        run_result_release(&r);
        study_release(&s);
    }
}

/* ---- keys that are not there ---- */

/* Of a chip that carries so many sequences; its error, if there is one, in m. */
static enum err run_of_plan(const struct plan *p, struct err_msg *m)
{
    const struct chip_cfg cfg = { .plan = p };
    struct chip *chip = chip_new(&cfg);
    const uint32_t n = p->time.transient_images + 4;
    const int64_t end = (int64_t)((n + 2) * p->interval + p->time.first_result);
    struct chip_result result;
    enum err e = ERR_NONE;
    uint32_t in = 0;

    assert_non_null(chip);
    for (int64_t t = -(int64_t)p->time.lead; !e && t < end; t++) {
        while (in < n && chip_inject(chip, NULL))
            in++;
        e = chip_run(chip, t, m);
        while (!e && chip_result(chip, &result))
            ;
    }
    chip_free(chip);
    return e;
}

static void keep_tokens(struct plan *p, uint32_t layer, uint32_t columns)
{
    for (uint32_t c = 0; c < p->layer[layer].n_core; c++) {
        struct memory_layout *l = &p->time.core[p->layer[layer].first_core + c].layout;
        struct memory_shape shape = l->shape;
        shape.columns = columns;
        memory_layout_init(l, &shape, l->placing);
    }
}

/* Two sequences back to back have 2 S - 1 tokens in the memory at the peak. With room for one less
 * a key is read when another one lies there, which stops the chip. */
static void a_key_that_is_not_there_stops_the_chip(void **state)
{
    uint32_t n_found = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct token_machine m = token_machine_random(seed);
        struct study s;
        struct err_msg msg;
        m.causal = false;
        m.banks = 2;
        m.lanes = m.exp_lanes = 1000000;
        if (m.sequence < 2)
            continue;
        token_machine_load(&s, &m);
        const uint32_t layer = layer_called(&s.plan, "l1.att");
        assert_int_equal(s.plan.time.layer[layer].memory_columns, 2 * m.sequence);
        keep_tokens(&s.plan, layer, 2 * m.sequence - 1);
        if (run_of_plan(&s.plan, &msg))
            fail_msg("seed %" PRIu64 ": %s", seed, msg.text);
        keep_tokens(&s.plan, layer, 2 * m.sequence - 2);
        if (run_of_plan(&s.plan, &msg) != ERR_RUN)
            fail_msg("seed %" PRIu64 ", %" PRIu32 " tokens: it goes on", seed, m.sequence);
        if (!strstr(msg.text, "l1.att") || !strstr(msg.text, "not in the memory when it is read"))
            fail_msg("%s", msg.text);
        n_found++;
        study_release(&s);
    }
    assert_true(n_found > 30);
}

static void keys_and_values_take_what_their_bits_say(void **state)
{
    static const struct {
        const char *bits;
        uint64_t    bytes;
    } rows[] = { { "6", 147456 }, { "8", 196608 }, { "10", 245760 }, { "fp32", 196608 } };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (uint32_t cores = 0; cores < 2; cores++) {
            struct token_machine m = token_machine_plain();
            struct token_settings set;
            struct study s;
            struct err_msg msg;
            m.layers = 1;
            m.cores = cores;
            token_machine_settings(&set, &m);
            token_set_word(&set, "attention.bits", rows[i].bits);
            assert_int_equal(study_load(&s, NULL, set.set, set.n, &msg), ERR_NONE);
            uint32_t layer = layer_called(&s.plan, "l1.att");
            struct kv_memory kv = tokens_kv(&s.plan, layer);
            assert_int_equal(s.plan.layer[layer].n_core * kv.bank_bytes, rows[i].bytes);
            assert_int_equal(s.plan.layer[layer].n_core * kv.queue_bytes, 98304);
            study_release(&s);
        }
}

/* ---- lanes ---- */

/* Timesteps of a core's queries of a sequence, one after the other. */
static uint64_t all_queries(const struct token_machine *m, uint32_t lanes, uint32_t exp_lanes)
{
    struct token_machine other = *m;
    uint64_t sum = 0;

    other.lanes = lanes;
    other.exp_lanes = exp_lanes;
    for (uint64_t n = 1; n <= m->sequence; n++)
        sum += attention_timesteps(&other, m->causal ? n : m->sequence);
    return sum;
}

/* A row of the table of lanes: the machine that it names takes what it says. */
static void assert_row_is_run(struct token_machine m, const char *row)
{
    uint64_t query, interval, first;
    uint32_t lanes, exp_lanes;
    struct study s;

    if (sscanf(row, "%*[^,],%" SCNu32 ",%" SCNu32 ",%" SCNu64 ",%" SCNu64 ",%" SCNu64, &lanes,
               &exp_lanes, &query, &interval, &first) != 5)
        fail_msg("%s", row);
    m.lanes = lanes;
    m.exp_lanes = exp_lanes;
    token_machine_load(&s, &m);
    assert_int_equal(query, attention_timesteps(&m, m.sequence));
    assert_int_equal(interval, s.plan.interval);
    assert_int_equal(first, s.plan.time.first_result);
    study_release(&s);
}

/* The table helps with the fewest lanes that do, of either kind or of both, and ends where none do;
 * machines with as many run as long as it says. */
static void lanes_that_help_are_the_fewest_and_run_as_the_table_says(void **state)
{
    const uint32_t all = 1000000;
    uint32_t n_both = 0, n_none = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct token_machine m = token_machine_random(seed);
        struct study s;
        struct err_msg msg;
        char *text;
        size_t n;
        m.layers = 1;
        m.banks = 2;
        m.sequence = 20 + (uint32_t)seed % 40;
        m.exp_lanes = 1 + (uint32_t)seed % 3;
        m.lanes = seed % 2 ? 2 * m.hidden / m.heads * m.exp_lanes : 1 + (uint32_t)seed;
        token_machine_load(&s, &m);
        FILE *out = open_memstream(&text, &n);
        struct table *t = lanes_table(&s);
        assert_int_equal(table_print(t, TABLE_CSV, out, &msg), ERR_NONE);
        table_free(t);
        fclose(out);
        study_release(&s);
        const uint64_t now = all_queries(&m, m.lanes, m.exp_lanes);
        const char *next = strstr(text, "the next that helps"), *most = strstr(text, "as many");
        uint32_t lanes, exp_lanes;
        if (!next) {
            assert_int_equal(all_queries(&m, all, all), now);
            n_none++;
        } else {
            assert_int_equal(sscanf(next, "%*[^,],%" SCNu32 ",%" SCNu32, &lanes, &exp_lanes), 2);
            assert_true(all_queries(&m, lanes, exp_lanes) < now);
            assert_true(lanes == m.lanes || all_queries(&m, lanes - 1, exp_lanes) == now);
            assert_true(exp_lanes == m.exp_lanes || all_queries(&m, lanes, exp_lanes - 1) == now);
            n_both += lanes > m.lanes && exp_lanes > m.exp_lanes;
            assert_row_is_run(m, next);
            assert_row_is_run(m, most);
            sscanf(most, "%*[^,],%" SCNu32 ",%" SCNu32, &lanes, &exp_lanes);
            assert_int_equal(all_queries(&m, lanes, exp_lanes), all_queries(&m, all, all));
        }
        free(text);
    }
    assert_true(n_both > 2 && n_none > 2);
}

/* ---- refused ---- */

static void refused(const struct token_settings *set, const char *text)
{
    struct study s;
    struct err_msg m;

    if (study_load(&s, NULL, set->set, set->n, &m) == ERR_NONE)
        fail_msg("not refused: %s", text);
    if (!strstr(m.text, text))
        fail_msg("%s: want %s", m.text, text);
}

static void a_memory_one_word_too_small_is_refused_with_both_numbers(void **state)
{
    struct token_machine m = token_machine_plain();
    struct token_settings set_;
    struct study s;
    struct err_msg msg;

    (void)state;
    m.layers = 1;
    token_machine_settings(&set_, &m);
    token_set(&set_, "core.input_memory.word_bits", 256);
    token_set(&set_, "clocking.timestep_ns", 1000);
    token_set(&set_, "attention.memory_bytes", 2 * 196608 - 32);
    refused(&set_, "attention.memory_bytes = 393184: layer l1.att keeps keys and values of 2 "
                   "sequences in each core, 393216 B: want attention.memory_bytes = 393216");
    token_set(&set_, "attention.memory_bytes", 2 * 196608);
    assert_int_equal(study_load(&s, NULL, set_.set, set_.n, &msg), ERR_NONE);
    study_release(&s);
}

/* A line with the place, the value and what would do; which does. */
static void what_cannot_be_is_refused_with_its_cure(void **state)
{
    static const struct {
        const char *key, *value, *text, *cure, *cured;
    } rows[] = {
        { "network.heads", "7", "--set network.heads: network.heads = 7: they do not divide "
                                "network.hidden = 768: want a divisor", "network.heads", "24" },
        { "network.kv_heads", "5", "--set network.kv_heads: network.kv_heads = 5: they do not "
                                   "divide network.heads = 12: want a divisor, or same",
          "network.kv_heads", "same" },
        { "attention.cores", "5", "--set attention.cores: attention.cores = 5: they do not divide "
                                  "the 12 heads of layer l1.att: want a divisor, or per_head",
          "attention.cores", "per_head" },
        { "mapping.optimize", "interval", "--set mapping.optimize: mapping.optimize, "
                                          "mapping.policy: network transformer-1 has layers of "
                                          "tokens, which the mapper does not time yet: want none",
          "mapping.optimize", "none" },
        { "mapping.replicas", "{l1.att: 2}", "mapping.replicas.l1.att = 2: a layer of tokens has "
                                             "no array and one core for each share of its heads: "
                                             "want 1", "mapping.replicas", "{l1.att: 1}" },
        { "decode.tokens", "1", "--set decode.tokens: decode.tokens = 1: in layer l1.att a token "
                                "sees those behind it, which are not there yet: want "
                                "network.causal = true, or decode.tokens = 0", "network.causal",
          "true" },
        { "decode.tokens", "1", "decode.tokens = 1", "decode.tokens", "0" },
        { "network.patch", "5", "--set network.patch: network.patch = 5: images of network.size = "
                                "32 are not whole patches: want a divisor", "network.patch", "4" },
        { "clocking.kind", "elastic", "clocking.kind = elastic", "clocking.kind", "timestep" },
        { "fabric.kind", "mesh", "fabric.kind = mesh: its channels are shared, and under "
                                 "clocking.kind = timestep no stream waits", "fabric.kind",
          "point_to_point" },
        { "attention.bits", "7", "attention.bits = 7: want 6, 8, 10 or fp32",
          "attention.bits", "6" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct token_machine m = token_machine_plain();
        struct token_settings set;
        struct study s;
        struct err_msg msg;
        m.layers = 1;
        token_machine_settings(&set, &m);
        token_set_word(&set, rows[i].key, rows[i].value);
        refused(&set, rows[i].text);
        token_set_word(&set, rows[i].cure, rows[i].cured);
        if (study_load(&s, NULL, set.set, set.n, &msg))
            fail_msg("%s = %s does not cure: %s", rows[i].cure, rows[i].cured, msg.text);
        study_release(&s);
    }
}

static void an_elastic_chip_that_decodes_is_refused(void **state)
{
    struct token_machine m = token_machine_plain();
    struct token_settings set;
    struct study s;
    struct err_msg msg;

    (void)state;
    m.layers = 1;
    m.causal = true;
    token_machine_settings(&set, &m);
    token_set_word(&set, "clocking.kind", "elastic");
    token_set(&set, "decode.tokens", 4);
    assert_int_equal(study_load_network(&s, NULL, set.set, set.n, &msg), ERR_NONE);
    assert_int_equal(plan_make(&s.plan, &s.network, &s.config, &msg), ERR_INPUT);
    if (!strstr(msg.text, "decode.tokens = 4: under clocking.kind = elastic no token waits for an "
                          "answer: want clocking.kind = timestep, or decode.tokens = 0"))
        fail_msg("%s", msg.text);
    s.config.decode.tokens = 0; // the cure
    assert_int_equal(plan_make(&s.plan, &s.network, &s.config, &msg), ERR_NONE);
    study_release(&s);
}

/* What a token does not see, no block has. */
static void a_window_that_does_not_cover_its_block_is_refused(void **state)
{
    static const struct {
        uint32_t before, after, block;
        const char *want; // NULL: sound
    } rows[] = {
        { 3, 3, 4, NULL }, { 0, 0, 1, NULL }, { 5, 3, 4, NULL },
        { 2, 3, 4, "sees 6 columns from 2 before its own, which do not cover its block of 4: want "
                   "at least 7, 3 of them before" },
        { 3, 2, 4, "sees 6 columns from 3 before its own, which do not cover its block of 4: want "
                   "at least 7, 3 of them before" },
        { 0, 3, 2, "sees 4 columns from 0 before its own, which do not cover its block of 2: want "
                   "at least 3, 1 of them before" },
    };
    struct token_machine m = token_machine_plain();
    struct token_settings set;
    struct study s;
    struct err_msg msg;

    (void)state;
    m.layers = 1;
    token_machine_settings(&set, &m);
    assert_int_equal(study_load_network(&s, NULL, set.set, set.n, &msg), ERR_NONE);
    struct layer *att = &s.network.layer[network_find(&s.network, "l1.att")];
    assert_true(att->in.width >= 8);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        att->window.pad_before[1] = rows[i].before;
        att->window.pad_after[1] = rows[i].after;
        att->window.kernel[1] = rows[i].before + 1 + rows[i].after;
        att->window.block[1] = rows[i].block;
        assert_int_equal(network_check(&s.network, &msg), rows[i].want ? ERR_INPUT : ERR_NONE);
        if (rows[i].want &&
            (!strstr(msg.text, "layer l1.att: ") || !strstr(msg.text, rows[i].want)))
            fail_msg("%s", msg.text);
    }
    const uint32_t width = att->in.width; // a block that ends with the map
    att->window.pad_before[1] = att->window.pad_after[1] = width - 1;
    att->window.kernel[1] = 2 * width - 1;
    att->window.block[1] = UINT32_MAX;
    assert_int_equal(network_check(&s.network, &msg), ERR_NONE);
    struct layer *linear = &s.network.layer[1];
    assert_true(linear->kind == LAYER_CONV);
    linear->window.block[1] = 2;
    assert_int_equal(network_check(&s.network, &msg), ERR_INPUT);
    if (!strstr(msg.text, "sees its own block of 2 columns alone: want a layer of tokens"))
        fail_msg("%s", msg.text);
    study_release(&s);
}

/* Causal attention whose window goes on behind the query would wait for what it may not see. */
static void a_causal_mask_with_a_barrier_is_refused(void **state)
{
    struct token_machine m = token_machine_plain();
    struct token_settings set;
    struct study s;
    struct err_msg msg;

    (void)state;
    m.layers = 1;
    m.causal = true;
    token_machine_settings(&set, &m);
    assert_int_equal(study_load_network(&s, NULL, set.set, set.n, &msg), ERR_NONE);
    struct layer *att = &s.network.layer[network_find(&s.network, "l1.att")];
    att->window.kernel[1] += 5;
    att->window.pad_after[1] = 5;
    assert_int_equal(network_check(&s.network, &msg), ERR_INPUT);
    if (!strstr(msg.text, "l1.att") ||
        !strstr(msg.text, "is causal and waits for 5 tokens behind a query, a barrier: want a "
                          "window that ends with the query, or no causal mask"))
        fail_msg("%s", msg.text);
    att->token->causal = false; // the cure
    assert_int_equal(network_check(&s.network, &msg), ERR_NONE);
    study_release(&s);
}

static void a_norm_that_takes_longer_than_it_may_is_refused(void **state)
{
    struct token_machine m = token_machine_plain();
    struct token_settings set_;
    struct study s;
    struct err_msg msg;

    (void)state;
    m.layers = 1;
    m.norm_lanes = 46; // 3 * 768 / 46 is 51 clocks
    token_machine_settings(&set_, &m);
    token_set(&set_, "digital_core.timesteps", 1);
    refused(&set_, "digital_core.lanes = 46: layer l1.norm1 takes 51 clocks for a token, a "
                   "timestep has 50: want digital_core.lanes = 47, or digital_core.timesteps = 2");
    token_set(&set_, "digital_core.lanes", 47);
    assert_int_equal(study_load(&s, NULL, set_.set, set_.n, &msg), ERR_NONE);
    study_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cores_and_weights_are_those_of_the_table),
        cmocka_unit_test(bert_and_gpt2_take_the_timesteps_that_were_worked_out),
        cmocka_unit_test(thousand_random_cases_take_what_closed_forms_say),
        cmocka_unit_test(a_decoded_token_takes_the_way_of_a_sequence_of_one),
        cmocka_unit_test(gpt2_decodes_a_token_in_183_timesteps),
        cmocka_unit_test(another_model_has_the_times_of_every_image),
        cmocka_unit_test(a_token_waits_for_the_barrier_in_a_fifo_of_a_sequence_and_more),
        cmocka_unit_test(residuals_wait_in_fifos_of_a_closed_form),
        cmocka_unit_test(attention_has_the_share_that_its_closed_form_says),
        cmocka_unit_test(queries_wait_for_the_barrier_and_for_lanes),
        cmocka_unit_test(causal_queries_wait_for_no_key),
        cmocka_unit_test(a_chip_waits_as_long_as_its_plan_says),
        cmocka_unit_test(lanes_that_help_are_the_fewest_and_run_as_the_table_says),
        cmocka_unit_test(chips_of_both_kernels_do_what_the_plan_says),
        cmocka_unit_test(every_token_comes_to_its_place),
        cmocka_unit_test(cores_store_the_heads_they_look_at),
        cmocka_unit_test(cores_of_tokens_count_their_work),
        cmocka_unit_test(words_of_keys_values_and_queries_are_those_counted_one_by_one),
        cmocka_unit_test(a_key_that_is_not_there_stops_the_chip),
        cmocka_unit_test(keys_and_values_take_what_their_bits_say),
        cmocka_unit_test(a_memory_one_word_too_small_is_refused_with_both_numbers),
        cmocka_unit_test(a_norm_that_takes_longer_than_it_may_is_refused),
        cmocka_unit_test(what_cannot_be_is_refused_with_its_cure),
        cmocka_unit_test(an_elastic_chip_that_decodes_is_refused),
        cmocka_unit_test(a_window_that_does_not_cover_its_block_is_refused),
        cmocka_unit_test(a_causal_mask_with_a_barrier_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
