/* Values of whole transformers: random small ones beside a naive program that knows nothing of
 * ours, plain, by every kernel's lanes, in chips under both kernels and in streams abreast;
 * properties of attention; and a key that is read before it has come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/chip.h"
#include "arch/prove.h"
#include "core/simd.h"
#include "network/family.h"
#include "network/precision.h"
#include "network/tokens/tokens.h"
#include "network/tokens/values.h"
#include "network/values/plain.h"
#include "network/values/prepared.h"
#include "network/values/values.h"
#include "study/run.h"
#include "study/study.h"
#include "test/random_tokens.h"
#include "test/run_rig.h"

enum { N_NETWORK = 1000, N_EVERY_KERNEL = 300, N_CHIP = 120 };

static const struct network *network_of(const struct random_tokens *t)
{
    return &t->rig.network;
}

static int64_t plain_value(void *user, uint32_t layer, uint32_t pixel, uint32_t channel)
{
    struct { const struct random_tokens *t; struct plain *p; } *of = user;
    const struct layer *l = &network_of(of->t)->layer[layer];

    return plain_delivered(of->p, layer, (size_t)pixel * l->out.channels + channel);
}

static void check_layers(const struct random_tokens *t)
{
    struct { const struct random_tokens *t; struct plain *p; } of = { t, plain_new(network_of(t)) };

    assert_non_null(of.p);
    for (uint32_t i = 0; i < 2; i++) {
        plain_run(of.p, t->image + i * t->image_bytes, NULL);
        for (uint32_t l = 1; l < network_of(t)->n_layer; l++)
            naive_layer_is(t, l, plain_value, &of);
    }
    plain_free(of.p);
}

static void every_layer_is_that_of_a_naive_program(void **state)
{
    uint32_t of_sums = 0;

    (void)state;
    for (unsigned seed = 1; seed <= N_NETWORK; seed++) {
        struct random_tokens t;
        random_tokens_make(&t, seed, false);
        check_layers(&t);
        random_tokens_release(&t);
        if (!random_tokens_of_sums_make(&t, seed, false))
            continue;
        check_layers(&t);
        random_tokens_release(&t);
        of_sums++;
    }
    assert_true(of_sums > N_NETWORK / 4);
}

/* ---- lanes ---- */

struct maps { // of images, one after the other: what every layer computes
    const struct network *n;
    unsigned  seed;
    uint32_t  first;  // image of the first lane
    size_t   *begin;  // owned; [n_layer]: where a layer's values of an image begin
    size_t    size;   // of all layers
    int32_t  *value;  // owned
    bool      compare; // else they are kept
    uint32_t  n_map;
};

static void maps_init(struct maps *m, const struct random_tokens *t)
{
    *m = (struct maps){ .n = network_of(t), .seed = t->seed };
    m->begin = calloc(m->n->n_layer, sizeof *m->begin);
    assert_non_null(m->begin);
    for (uint32_t i = 0; i < m->n->n_layer; i++) {
        const struct shape *s = &m->n->layer[i].out;
        m->begin[i] = m->size;
        m->size += (size_t)s->height * s->width * s->channels;
    }
    m->value = calloc(TOKENS_IMAGES * m->size, sizeof *m->value);
    assert_non_null(m->value);
}

static void maps_release(struct maps *m)
{
    free(m->begin);
    free(m->value);
}

static void see_column(void *user, uint32_t layer, const struct value_map *map, uint32_t y,
                       uint32_t n)
{
    struct maps *m = user;

    for (uint32_t lane = 0; lane < n; lane++)
        for (uint32_t x = 0; x < map->shape.height; x++)
            for (uint32_t c = 0; c < map->shape.channels; c++) {
                int32_t *kept = m->value + (m->first + lane) * m->size + m->begin[layer] +
                                ((size_t)y * map->shape.height + x) * map->shape.channels + c;
                const int32_t found = value_get(map, x, y, c, lane);
                if (m->compare && *kept != found)
                    fail_msg("seed %u, layer %u, lane %u, (%u, %u), channel %u: %d, want %d",
                             m->seed, layer, lane, x, y, c, found, *kept);
                *kept = found;
            }
    m->n_map += y == map->shape.width - 1;
}

static void keep_plain(const struct random_tokens *t, struct maps *m, int64_t *result)
{
    const struct value_watch watch = { .output = see_column, .user = m };
    const uint32_t last = m->n->n_layer - 1, classes = network_result(m->n)->out.channels;
    struct plain *p = plain_new(m->n);

    assert_non_null(p);
    for (m->first = 0; m->first < TOKENS_IMAGES; m->first++) {
        plain_run(p, t->image + m->first * t->image_bytes, &watch);
        for (uint32_t c = 0; c < classes; c++)
            result[m->first * classes + c] = plain_delivered(p, last, c);
    }
    plain_free(p);
}

static void check_lanes(const struct random_tokens *t, struct maps *m, const char *kernel,
                        const int64_t *want)
{
    const struct value_watch watch = { .output = see_column, .user = m };
    const uint32_t classes = network_result(m->n)->out.channels;
    struct values *v = values_new(m->n, kernel);
    struct value_lanes *l = v ? value_lanes_new(v) : NULL;
    int64_t *result = calloc(TOKENS_IMAGES * classes, sizeof *result);

    assert_non_null(l);
    assert_non_null(result);
    m->compare = true;
    m->n_map = 0;
    for (m->first = 0; m->first < TOKENS_IMAGES; m->first += VALUE_LANES) {
        const uint32_t left = TOKENS_IMAGES - m->first;
        value_lanes_run(l, t->image + m->first * t->image_bytes,
                        left < VALUE_LANES ? left : VALUE_LANES, result + m->first * classes,
                        &watch);
    }
    assert_true(m->n_map > 0);
    if (network_result(m->n)->out.height * network_result(m->n)->out.width == 1)
        assert_memory_equal(result, want, TOKENS_IMAGES * classes * sizeof *result);
    free(result);
    value_lanes_free(l);
    values_free(v);
}

static void check_kernels(const struct random_tokens *t)
{
    struct maps m;

    maps_init(&m, t);
    int64_t *result = calloc(TOKENS_IMAGES * network_result(m.n)->out.channels, sizeof *result);
    assert_non_null(result);
    keep_plain(t, &m, result);
    check_lanes(t, &m, NULL, result);
    for (const char *const *k = simd_names(); t->seed <= N_EVERY_KERNEL && *k; k++)
        check_lanes(t, &m, *k, result);
    free(result);
    maps_release(&m);
}

static void lanes_of_every_kernel_give_the_same_bytes(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= N_NETWORK; seed++) {
        struct random_tokens t;
        random_tokens_make(&t, seed, false);
        check_kernels(&t);
        random_tokens_release(&t);
        if (!random_tokens_of_sums_make(&t, seed, false))
            continue;
        check_kernels(&t);
        random_tokens_release(&t);
    }
}

/* Maps are given up behind their last reader: those of six layers lie where those of two did, but
 * for what a step reads or makes. */
static void maps_of_more_layers_take_no_more_memory(void **state)
{
    static const char *const layers[] = { "network.layers=2", "network.layers=6" };
    size_t bytes[2];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const char *const set[] = { "network.random_weights=3", "network.hidden=16",
                                    "network.heads=2", "network.ffn=40", "network.sequence=8",
                                    layers[i] };
        struct study s;
        struct err_msg m;
        if (study_load(&s, "configs/bert_base_spoon.yaml", set, sizeof set / sizeof *set, &m))
            fail_msg("%s", m.text);
        struct values *v = values_new(&s.network, NULL);
        assert_non_null(v);
        bytes[i] = v->lane_bytes;
        values_free(v);
        study_release(&s);
    }
    const size_t token = VALUE_LANES * 8; // a channel of all tokens
    assert_int_equal(bytes[1], bytes[0]);
    assert_true(bytes[0] >= (16 + 40) * token); // f2 reads f1 and makes its sum
}

/* ---- chips ---- */

enum { N_PLANE = 2, N_IMAGE = 3 };

/* Streams of images abreast, whose results are those of plain. */
static void check_chip(const struct random_tokens *t, enum kernel_kind kernel,
                       const int64_t *want)
{
    static const struct counted_images counted[N_PLANE] = { { 0, N_IMAGE }, { 1, N_IMAGE } };
    const struct chip_cfg cfg = { .plan = &t->rig.plan, .kernel = kernel,
                                  .planes = { .n = N_PLANE, .counted = counted } };
    const struct shape s = layer_delivers(network_result(network_of(t)));
    const size_t n = (size_t)s.height * s.width * s.channels;
    struct chip *chip = chip_new(&cfg);
    uint8_t *pixels = malloc(N_PLANE * t->image_bytes);
    struct chip_result r;
    struct err_msg m;
    uint32_t in = 0, out = 0;

    assert_non_null(chip);
    assert_non_null(pixels);
    for (int64_t at = -(int64_t)t->rig.plan.time.lead; out < N_IMAGE; at++) {
        for (bool more = true; more && in < N_IMAGE; in += more) {
            for (uint32_t p = 0; p < N_PLANE; p++)
                memcpy(pixels + p * t->image_bytes, t->image + (p * N_IMAGE + in) * t->image_bytes,
                       t->image_bytes);
            more = chip_inject(chip, (const int8_t *)pixels);
        }
        if (chip_run(chip, at, &m))
            fail_msg("seed %u: %s", t->seed, m.text);
        for (; chip_result(chip, &r); out++)
            for (uint32_t p = 0; p < N_PLANE; p++)
                for (size_t i = 0; i < n; i++)
                    if (r.value[p * n + i] != want[(p * N_IMAGE + out) * n + i])
                        fail_msg("seed %u: stream %u, image %u, value %zu: %d, want %d", t->seed,
                                 p, out, i, (int)r.value[p * n + i],
                                 (int)want[(p * N_IMAGE + out) * n + i]);
    }
    chip_free(chip);
    free(pixels);
}

/* Sums travel and are kept in 32 bits. */
static void check_bits(const struct plan *p)
{
    uint32_t n = 0;

    for (uint32_t k = 0; k < p->n_stream; k++) {
        const struct plan_stream *s = &p->stream[k];
        if (s->kind != STREAM_FORWARD)
            continue;
        const uint32_t from = p->core[s->from].plan_layer, to = p->core[s->to].plan_layer;
        if (!plan_network_layer(p, from)->raw_output) {
            assert_int_equal(s->value_bits, 8);
            continue;
        }
        assert_int_equal(s->value_bits, 32);
        assert_int_equal(plan_input_bits(p, to), 32);
        n++;
    }
    assert_true(n > 0);
}

static void check_chips(const struct random_tokens *t)
{
    const uint32_t last = network_of(t)->n_layer - 1;
    const struct shape s = layer_delivers(network_result(network_of(t)));
    const size_t n = (size_t)s.height * s.width * s.channels;
    int64_t *want = calloc(TOKENS_IMAGES * n, sizeof *want);
    struct plain *p = plain_new(network_of(t));

    assert_non_null(want);
    assert_non_null(p);
    for (uint32_t i = 0; i < TOKENS_IMAGES; i++) {
        plain_run(p, t->image + i * t->image_bytes, NULL);
        for (size_t k = 0; k < n; k++)
            want[i * n + k] = plain_delivered(p, last, k);
    }
    check_chip(t, KERNEL_NATIVE, want);
    if (has_systemc() && t->seed % 4 == 0)
        check_chip(t, KERNEL_SYSTEMC, want);
    plain_free(p);
    free(want);
}

static void chips_compute_from_the_words_they_read(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= N_CHIP; seed++) {
        struct random_tokens t;
        struct err_msg m;
        random_tokens_make(&t, seed, true);
        check_chips(&t);
        random_tokens_release(&t);
        if (!random_tokens_of_sums_make(&t, seed, true))
            continue;
        check_bits(&t.rig.plan);
        check_chips(&t);
        if (prove(&t.rig.plan, NULL, &m))
            fail_msg("seed %u: %s", seed, m.text);
        random_tokens_release(&t);
    }
}

/* ---- a key that is not there ---- */

/* Runs a chip of a plan with values until it fails; the message. */
static enum err run_wrong(const struct random_tokens *t, void (*spoil)(struct plan *p),
                          struct err_msg *m)
{
    static const struct counted_images counted[] = { { 0, N_IMAGE } };
    struct plan *p = (struct plan *)&t->rig.plan; // of ours
    const struct chip_cfg cfg = { .plan = p, .planes = { .n = 1, .counted = counted } };
    struct chip *chip = chip_new(&cfg);
    enum err e = ERR_NONE;
    uint32_t in = 0;

    assert_non_null(chip);
    spoil(p);
    for (int64_t at = -(int64_t)p->time.lead; !e && at < 10000; at++) {
        while (in < N_IMAGE && chip_inject(chip, (const int8_t *)t->image + in * t->image_bytes))
            in++;
        e = chip_run(chip, at, m);
        for (struct chip_result r; !e && chip_result(chip, &r);)
            ;
    }
    chip_free(chip);
    return e;
}

static struct plan_layer *attention_of(struct plan *p)
{
    for (uint32_t i = 0; i < p->n_layer; i++)
        if (plan_network_layer(p, i)->kind == LAYER_ATTENTION)
            return &p->layer[i];
    return NULL;
}

/* The controller has been told of what a query needs; the window that is read then begins a key
 * later, and ends with one that has not come. */
static void look_ahead(struct plan *p)
{
    attention_of(p)->window.skip[1]++;
}

static void leave(struct plan *p)
{
    (void)p;
}

static void a_key_that_is_read_before_it_has_come_stops_the_chip(void **state)
{
    const struct transformer_cfg cfg = { .layers = 1, .hidden = 8, .heads = 2, .kv_heads = 2,
                                         .ffn = 8, .sequence = 6, .causal = true };
    static const char *const set[] = { "core.crossbar.rows=64", NULL };
    struct random_tokens t = { .seed = 1 };
    struct err_msg m;

    (void)state;
    for (int wrong = 0; wrong < 2; wrong++) {
        rig_config(&t.rig, set);
        if (network_transformer(&t.rig.network, &cfg, &m) ||
            family_fill(&t.rig.network, 1, &m) || rig_plan(&t.rig))
            fail_msg("%s", m.text);
        t.image_bytes = cfg.sequence * cfg.hidden;
        t.image = calloc(N_IMAGE, t.image_bytes);
        assert_non_null(t.image);
        if (!wrong) {
            assert_int_equal(run_wrong(&t, leave, &m), ERR_NONE);
        } else {
            assert_int_equal(run_wrong(&t, look_ahead, &m), ERR_RUN);
            assert_non_null(strstr(m.text, "not in the memory when it is read"));
            assert_non_null(strstr(m.text, "l1.att"));
        }
        random_tokens_release(&t);
    }
}

/* ---- properties ---- */

enum { MOST_TOKENS = 9, CHANNELS = 12 };

static void make_family(struct network *n, uint32_t sequence, bool causal)
{
    const struct transformer_cfg cfg = { .layers = 2, .hidden = CHANNELS, .heads = 3,
                                         .kv_heads = 3, .ffn = 20, .sequence = sequence,
                                         .causal = causal, .functions = true };
    struct err_msg m;

    if (network_transformer(n, &cfg, &m) || family_fill(n, 5, &m))
        fail_msg("%s", m.text);
}

static struct plain *run_on(const struct network *n, const uint8_t *image)
{
    struct plain *p = plain_new(n);

    assert_non_null(p);
    plain_run(p, image, NULL);
    return p;
}

static void draw_image(uint8_t *image, size_t n)
{
    for (size_t i = 0; i < n; i++)
        image[i] = (uint8_t)(i * 7919 + i * i * 31);
}

static void permuted_tokens_give_the_result_permuted(void **state)
{
    static const uint32_t order[] = { 3, 0, 6, 1, 5, 2, 4 };
    enum { N = sizeof order / sizeof *order };
    uint8_t image[N * CHANNELS], other[N * CHANNELS];
    struct network n;

    (void)state;
    make_family(&n, N, false);
    draw_image(image, sizeof image);
    for (uint32_t i = 0; i < N; i++)
        memcpy(other + i * CHANNELS, image + order[i] * CHANNELS, CHANNELS);
    struct plain *a = run_on(&n, image), *b = run_on(&n, other);
    bool differ = false;
    for (uint32_t i = 0; i < N; i++)
        for (uint32_t c = 0; c < CHANNELS; c++) {
            const int64_t v = plain_delivered(a, n.n_layer - 1, order[i] * CHANNELS + c);
            assert_int_equal(plain_delivered(b, n.n_layer - 1, i * CHANNELS + c), v);
            differ |= plain_delivered(a, n.n_layer - 1, i * CHANNELS + c) != v;
        }
    assert_true(differ);
    plain_free(a);
    plain_free(b);
    network_release(&n);
}

/* A causal network's first tokens are those of a bidirectional one that has no later keys. */
static void copy_steps(struct network *to, const struct network *from)
{
    for (uint32_t i = 1; i < to->n_layer; i++) {
        struct token_values *v = to->layer[i].token ? to->layer[i].token->values : NULL;
        if (v) {
            v->step = from->layer[i].token->values->step;
            memcpy(v->part, from->layer[i].token->values->part, sizeof v->part);
        } else {
            memcpy(to->layer[i].requant.m, from->layer[i].requant.m,
                   to->layer[i].out.channels * sizeof *to->layer[i].requant.m);
            memcpy(to->layer[i].requant.b, from->layer[i].requant.b,
                   to->layer[i].out.channels * sizeof *to->layer[i].requant.b);
            memcpy(to->layer[i].requant.shift, from->layer[i].requant.shift,
                   to->layer[i].out.channels);
        }
    }
}

static uint32_t find_attention(const struct network *n)
{
    return network_find(n, "l1.att");
}

static void a_causal_query_sees_what_a_shorter_sequence_has(void **state)
{
    uint8_t image[MOST_TOKENS * CHANNELS];
    struct network all;

    (void)state;
    make_family(&all, MOST_TOKENS, true);
    draw_image(image, sizeof image);
    struct plain *a = run_on(&all, image);
    for (uint32_t n = 1; n <= MOST_TOKENS; n++) {
        struct network some;
        make_family(&some, n, false);
        copy_steps(&some, &all);
        struct plain *b = run_on(&some, image);
        const uint32_t at = find_attention(&all); // of the first layer, which reads the same
        for (uint32_t c = 0; c < CHANNELS; c++)
            assert_int_equal(plain_delivered(b, at, (n - 1) * CHANNELS + c),
                             plain_delivered(a, at, (n - 1) * CHANNELS + c));
        plain_free(b);
        network_release(&some);
    }
    plain_free(a);
    network_release(&all);
}

/* One key, or keys that are all alike: the values that it has, in steps of the result. */
static void keys_that_are_alike_give_their_value(void **state)
{
    uint8_t image[MOST_TOKENS * CHANNELS];

    (void)state;
    for (uint32_t tokens = 1; tokens <= MOST_TOKENS; tokens += 4) {
        struct network n;
        make_family(&n, tokens, false);
        draw_image(image, CHANNELS);
        for (uint32_t i = 1; i < tokens; i++)
            memcpy(image + i * CHANNELS, image, CHANNELS);
        struct plain *p = run_on(&n, image);
        const uint32_t at = find_attention(&n), v = network_find(&n, "l1.v");
        const double ratio = n.layer[v].out_scale / n.layer[at].out_scale;
        for (uint32_t i = 0; i < tokens; i++)
            for (uint32_t c = 0; c < CHANNELS; c++) {
                const double real = (double)plain_delivered(p, v, c) * ratio;
                const int64_t found = plain_delivered(p, at, i * CHANNELS + c);
                assert_true(real - (double)found <= 0.5 + 1e-9 || found == 127);
                assert_true((double)found - real <= 0.5 + 1e-9 || found == -128);
            }
        plain_free(p);
        network_release(&n);
    }
}

/* ---- studies ---- */

static void attention_bits_of_a_machine_are_those_of_its_values(void **state)
{
    static const struct {
        const char            *set;
        uint32_t               bits;
        enum attention_weights weights;
    } rows[] = {
        { "attention.bits=6", 6, ATTENTION_GRID },
        { "attention.bits=8", 8, ATTENTION_GRID },
        { "attention.bits=10", 10, ATTENTION_GRID },
        { "attention.bits=fp32", 8, ATTENTION_REAL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *const set[] = { "network.random_weights=3", "network.layers=1",
                                    "network.hidden=8", "network.heads=2", "network.ffn=8",
                                    "network.sequence=4", rows[i].set };
        struct study s;
        struct err_msg m;
        if (study_load(&s, "configs/bert_base_spoon.yaml", set, sizeof set / sizeof *set, &m))
            fail_msg("%s", m.text);
        const struct layer *l = &s.network.layer[find_attention(&s.network)];
        assert_int_equal(l->token->values->bits, rows[i].bits);
        assert_int_equal(l->token->values->weights, rows[i].weights);
        l->token->values->weights = ATTENTION_CODES;
        network_attention_bits(&s.network, rows[i].bits == 8 ? 8 : rows[i].bits);
        assert_int_equal(l->token->values->weights, rows[i].bits == 8 ? ATTENTION_CODES
                                                                      : ATTENTION_GRID);
        study_release(&s);
    }
}

static void run_study(const struct study *s, bool timed, uint32_t jobs, struct run_result *r)
{
    const struct run_cfg cfg = { .images = "random", .n_image = 20, .timed_values = timed,
                                 .jobs = jobs };
    struct err_msg m;

    if (run(&s->plan, &cfg, r, &m))
        fail_msg("%s", m.text);
}

static void assert_same(const struct study *s, const struct run_result *a,
                        const struct run_result *b)
{
    for (uint32_t i = 0; i < s->plan.n_core; i++)
        if (memcmp(&a->core[i], &b->core[i], sizeof *a->core) != 0)
            fail_msg("counters of %s differ", s->plan.core[i].name);
    assert_memory_equal(a->predicted, b->predicted, 20 * sizeof *a->predicted);
}

/* Also what linear layers count by the values that come to them. */
static void runs_count_and_classify_alike_however_values_are_computed(void **state)
{
    static const char *const more[][4] = {
        { "network.norm=post", "network.causal=true", "network.gated=false", "attention.bits=8" },
        { "network.norm=pre", "network.causal=true", "network.gated=true", "attention.bits=6" },
        { "network.qkv=fused", "network.norm=pre", "attention.cores=1", "network.kv_heads=2" },
        { "network.size=8", "network.patch=4", "attention.bits=10", "network.kv_heads=2" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        const char *const set[] = { "network.random_weights=3", "network.layers=2",
                                    "network.hidden=24", "network.heads=4", "network.ffn=40",
                                    "network.sequence=7", "network.classes=9",
                                    "core.crossbar.rows=16", "core.crossbar.columns=32",
                                    more[i][0], more[i][1], more[i][2], more[i][3] };
        struct study s;
        struct run_result layer, timed, jobs;
        struct err_msg m;
        if (study_load(&s, "configs/bert_base_spoon.yaml", set, sizeof set / sizeof *set, &m))
            fail_msg("%s", m.text);
        run_study(&s, false, 1, &layer);
        run_study(&s, true, 1, &timed);
        run_study(&s, false, 3, &jobs);
        assert_same(&s, &layer, &timed);
        assert_same(&s, &layer, &jobs);
        uint64_t rows = 0;
        for (uint32_t k = 0; k < s.plan.n_core; k++)
            rows += layer.core[k].active_rows;
        assert_true(rows > 0);
        run_result_release(&layer);
        run_result_release(&timed);
        run_result_release(&jobs);
        study_release(&s);
    }
}

/* A channel that turns is two products and their sum, of a query in each head, of a key in each
 * that the heads of queries read. */
static void what_turns_is_counted_channel_by_channel(void **state)
{
    uint32_t turning = 0;

    (void)state;
    for (unsigned seed = 1; seed <= 300; seed++) {
        struct random_tokens t;
        random_tokens_make(&t, seed, false);
        for (uint32_t i = 1; i < network_of(&t)->n_layer; i++) {
            const struct layer *l = &network_of(&t)->layer[i];
            if (l->kind != LAYER_ATTENTION)
                continue;
            const struct token_op *op = l->token;
            for (uint32_t heads = 1; heads <= op->heads; heads++) {
                uint64_t channels = 0;
                if (op->heads % heads)
                    continue;
                for (uint32_t h = 0; h < heads; h++)
                    for (uint32_t c = 0; c < op->head; c++) {
                        const bool first = h % (op->heads / op->kv_heads) == 0; // of its key
                        channels += c < 2 * op->values->rotation[TOKEN_QUERIES].n;
                        channels += first && c < 2 * op->values->rotation[TOKEN_KEYS].n;
                    }
                const struct token_share share = { heads, heads * op->value_head };
                const struct token_work w = token_kind_of(l)->work(l, &share, 3);
                assert_int_equal(w.multiplies, 2 * channels);
                assert_int_equal(w.adds, channels);
                turning += channels > 0;
            }
        }
        random_tokens_release(&t);
    }
    assert_in_range(turning, 50, 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_that_is_read_before_it_has_come_stops_the_chip),
        cmocka_unit_test(permuted_tokens_give_the_result_permuted),
        cmocka_unit_test(a_causal_query_sees_what_a_shorter_sequence_has),
        cmocka_unit_test(keys_that_are_alike_give_their_value),
        cmocka_unit_test(attention_bits_of_a_machine_are_those_of_its_values),
        cmocka_unit_test(runs_count_and_classify_alike_however_values_are_computed),
        cmocka_unit_test(what_turns_is_counted_channel_by_channel),
        cmocka_unit_test(every_layer_is_that_of_a_naive_program),
        cmocka_unit_test(maps_of_more_layers_take_no_more_memory),
        cmocka_unit_test(lanes_of_every_kernel_give_the_same_bytes),
        cmocka_unit_test(chips_compute_from_the_words_they_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
