/* test/random_tokens.c -- see random_tokens.h. */
#include "test/random_tokens.h"

#include <assert.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "network/family.h"
#include "network/step_function.h"
#include "network/tokens/tokens.h"
#include "network/tokens/values.h"
#include "test/dice.h"
#include "test/random_function.h"

/* ---- shapes ---- */

struct maker {
    struct dice     dice;
    struct network *n;
    bool            is_signed; // all maps
    uint32_t        heads, kv_heads, head, value_head, hidden;
};

static struct layer *append(struct maker *m, enum layer_kind kind, uint32_t input,
                            uint32_t channels)
{
    struct layer *l = &m->n->layer[m->n->n_layer];
    char name[32];

    snprintf(name, sizeof name, "layer%u", m->n->n_layer);
    *l = (struct layer){ .name = strdup(name), .kind = kind, .input = malloc(sizeof *l->input),
                         .n_input = 1, .groups = 1, .in = layer_delivers(&m->n->layer[input]),
                         .out_signed = m->is_signed };
    l->input[0] = input;
    l->window = (struct window){ .kernel = { 1, 1 }, .stride = { 1, 1 }, .dilation = { 1, 1 } };
    l->out = l->in;
    l->out.channels = channels;
    if (kind != LAYER_CONV)
        l->token = calloc(1, sizeof *l->token);
    m->n->n_layer++;
    return l;
}

static uint32_t latest(const struct maker *m)
{
    return m->n->n_layer - 1;
}

static void read_too(const struct maker *m, struct layer *l, uint32_t input)
{
    l->input = realloc(l->input, (l->n_input + 1) * sizeof *l->input);
    l->input[l->n_input++] = input;
    l->in.channels += layer_delivers(&m->n->layer[input]).channels;
}

static uint32_t linear(struct maker *m, uint32_t input, uint32_t channels)
{
    append(m, LAYER_CONV, input, channels);
    return latest(m);
}

static uint32_t norm(struct maker *m, uint32_t input)
{
    append(m, LAYER_NORM, input, m->hidden)->token->rms = chance(&m->dice, 2);
    return latest(m);
}

static void random_table(struct maker *m, struct layer *l)
{
    l->n_table = chance(&m->dice, 2) ? 1 : l->out.channels;
    l->table = malloc((size_t)l->n_table * 256);
    for (size_t i = 0; i < (size_t)l->n_table * 256; i++)
        l->table[i] = (uint8_t)pick(&m->dice, 0, 255);
}

static uint32_t attention(struct maker *m, uint32_t x)
{
    const uint32_t q = m->heads * m->head, k = m->kv_heads * m->head;
    const uint32_t v = m->kv_heads * m->value_head, out = m->heads * m->value_head;
    struct layer *l;

    if (chance(&m->dice, 3)) {
        l = append(m, LAYER_ATTENTION, linear(m, x, q + k + v), out);
    } else {
        const uint32_t from[] = { linear(m, x, q), linear(m, x, k), linear(m, x, v) };
        l = append(m, LAYER_ATTENTION, from[0], out);
        read_too(m, l, from[1]);
        read_too(m, l, from[2]);
    }
    *l->token = (struct token_op){ .heads = m->heads, .kv_heads = m->kv_heads, .head = m->head,
                                   .value_head = m->value_head,
                                   .causal = l->in.height == 1 && chance(&m->dice, 3) };
    const uint32_t size[] = { l->in.height, l->in.width };
    for (int a = 0; a < 2; a++) {
        const bool after = !l->token->causal;
        l->window.kernel[a] = after ? 2 * size[a] - 1 : size[a];
        l->window.pad_before[a] = size[a] - 1;
        l->window.pad_after[a] = after ? size[a] - 1 : 0;
        if (after && chance(&m->dice, 3))
            l->window.block[a] = pick(&m->dice, 1, size[a]);
    }
    if (size[0] == 1 && l->window.block[1] == 0 && chance(&m->dice, 4)) { // neighbours alone
        l->window.pad_before[1] = pick(&m->dice, 0, size[1] - 1);
        l->window.pad_after[1] = l->token->causal ? 0 : pick(&m->dice, 0, size[1] - 1);
        l->window.kernel[1] = l->window.pad_before[1] + 1 + l->window.pad_after[1];
    }
    return latest(m);
}

static uint32_t add(struct maker *m, uint32_t layer, uint32_t residual)
{
    m->n->layer[layer].has_residual = true;
    m->n->layer[layer].residual = residual;
    return layer;
}

static uint32_t feed_forward(struct maker *m, uint32_t x)
{
    const uint32_t ffn = pick(&m->dice, 1, 40);
    uint32_t f1 = linear(m, x, ffn);

    if (chance(&m->dice, 2)) {
        random_table(m, &m->n->layer[f1]);
    } else if (chance(&m->dice, 2)) {
        random_table(m, append(m, LAYER_MAP, f1, ffn));
        f1 = latest(m);
    }
    if (chance(&m->dice, 3)) {
        const uint32_t f3 = linear(m, x, ffn);
        struct layer *gate = append(m, LAYER_MAP, f1, ffn);
        gate->token->product = true;
        read_too(m, gate, f3);
        f1 = latest(m);
    }
    return linear(m, f1, m->hidden);
}

static uint32_t block(struct maker *m, uint32_t x)
{
    uint32_t in = chance(&m->dice, 2) ? norm(m, x) : x;
    uint32_t o = linear(m, attention(m, in), m->hidden);

    if (chance(&m->dice, 2)) {
        x = add(m, o, x);
        in = norm(m, x);
    } else {
        in = norm(m, o);
        read_too(m, &m->n->layer[in], x);
        x = in;
    }
    return add(m, feed_forward(m, in), x);
}

static uint32_t stored(struct maker *m, uint32_t x)
{
    struct layer *l = append(m, LAYER_TOKENS, x, m->hidden);

    l->in = (struct shape){ 1, l->in.height * l->in.width, m->hidden };
    l->window.pad_before[1] = pick(&m->dice, 0, 2);
    l->window.pad_after[1] = pick(&m->dice, 0, 1);
    l->out = l->in;
    l->out.width += l->window.pad_before[1] + l->window.pad_after[1];
    return latest(m);
}

/* Some places of `size`, evenly apart. */
static void see_some(struct maker *m, struct window *w, int axis, uint32_t size)
{
    w->skip[axis] = pick(&m->dice, 0, size - 1);
    w->dilation[axis] = pick(&m->dice, 1, 3);
    const uint32_t most = (size - 1 - w->skip[axis]) / w->dilation[axis] + 1;
    w->kernel[axis] = pick(&m->dice, 1, most);
    w->stride[axis] = size;
}

/* Mean, of some at times, weighted sum, or one token, or nothing. */
static uint32_t ending(struct maker *m, uint32_t x)
{
    const uint32_t how = pick(&m->dice, 0, 3);
    const bool weighted = how == 1;

    if (how == 3)
        return x;
    const uint32_t weight = weighted ? linear(m, x, 1) : 0;
    struct layer *l = append(m, how == 2 ? LAYER_NORM : LAYER_SUM_TOKENS, x, m->hidden);
    if (how == 2) {
        l->window.stride[0] = l->in.height;
        l->window.stride[1] = l->in.width;
        l->window.skip[1] = pick(&m->dice, 0, l->in.width - 1);
    } else {
        l->window.kernel[0] = l->in.height;
        l->window.kernel[1] = l->in.width;
        const bool some = !weighted && chance(&m->dice, 2);
        for (int a = 0; some && a < 2; a++)
            see_some(m, &l->window, a, a == 0 ? l->in.height : l->in.width);
    }
    l->out.height = l->out.width = 1;
    l->token->weighted = weighted;
    if (weighted)
        read_too(m, l, weight);
    return latest(m);
}

static void make_shapes(struct maker *m)
{
    struct dice *d = &m->dice;
    const bool large = chance(d, 30);
    struct shape map = { .height = !large && chance(d, 3) ? pick(d, 2, 3) : 1 };

    map.width = pick(d, 1, large ? 40 : 6);
    map.channels = pick(d, 1, 9);
    m->heads = pick(d, 1, large ? 8 : 4);
    m->kv_heads = pick(d, 1, m->heads);
    while (m->heads % m->kv_heads)
        m->kv_heads++;
    m->head = pick(d, 1, large ? 17 : 9);
    m->value_head = chance(d, 2) ? m->head : pick(d, 1, 9);
    m->hidden = pick(d, 1, large ? 60 : 30);
    m->n->layer = calloc(64, sizeof *m->n->layer);
    m->n->name = strdup("tokens");
    m->n->layer[0] = (struct layer){ .name = strdup("image"), .kind = LAYER_IMAGE, .out = map,
                                     .out_signed = m->is_signed, .groups = 1 };
    m->n->n_layer = 1;
    uint32_t x = linear(m, 0, m->hidden);
    x = chance(d, 2) ? stored(m, x) : x;
    for (uint32_t i = pick(d, 1, 2); i > 0; i--)
        x = block(m, x);
    x = ending(m, x);
    if (chance(d, 2) && m->n->layer[x].out.width * m->n->layer[x].out.height == 1)
        m->n->layer[linear(m, x, 5)].raw_output = true;
}

/* ---- values ---- */

static double real(struct dice *d, double least, double most)
{
    return least + (most - least) * pick(d, 0, 4096) / 4096;
}

/* Zero points of all maps, as everybody reads them. */
static void set_zeros(struct maker *m)
{
    for (uint32_t i = 0; i < m->n->n_layer; i++) {
        struct layer *l = &m->n->layer[i];
        uint32_t channel = 0;
        l->out_zero = l->raw_output  ? 0
                      : m->is_signed ? (int32_t)pick(&m->dice, 0, 20) - 10
                                     : (int32_t)pick(&m->dice, 100, 150);
        if (i == 0)
            continue;
        if (!l->raw_output && !(l->kind == LAYER_MAP && l->table))
            l->requant.zero = l->out_zero;
        if (layer_is_of_tokens(l)) {
            for (uint32_t k = 0; l->token->values && k < l->n_input; k++)
                for (uint32_t c = m->n->layer[l->input[k]].out.channels; c > 0; c--)
                    l->token->values->part[token_part_of(l, channel++)].zero =
                        m->n->layer[l->input[k]].out_zero;
            continue;
        }
        l->in_zero = m->n->layer[l->input[0]].out_zero;
        if (l->has_residual)
            l->requant.r_zero = m->n->layer[l->residual].out_zero;
    }
}

static struct code_range bytes_of(struct dice *d, double step)
{
    const int32_t low = chance(d, 2) ? -128 : 0, zero = low + (int32_t)pick(d, 100, 140);

    return (struct code_range){ step * real(d, 0.8, 1.6), zero, low, low + 255 };
}

static void draw_rotation(struct dice *d, struct token_rotation *r, uint32_t head, uint32_t tokens,
                          double step)
{
    r->n = pick(d, 0, head / 2);
    if (r->n == 0)
        return;
    r->halves = chance(d, 2);
    r->turn = malloc((size_t)tokens * r->n * 2 * sizeof *r->turn);
    for (uint32_t i = 0; i < tokens * r->n; i++) {
        const double angle = real(d, 0, 7);
        r->turn[2 * i] = cos(angle);
        r->turn[2 * i + 1] = sin(angle);
    }
    if (chance(d, 2))
        r->moved = bytes_of(d, step);
    if (chance(d, 2))
        r->straight = bytes_of(d, step);
    if (chance(d, 2))
        r->crossed = bytes_of(d, step);
    r->sum = bytes_of(d, step);
}

static void draw_softmax(struct maker *m, struct layer *l)
{
    struct dice *d = &m->dice;
    struct token_values *v = l->token->values;
    const uint32_t heads = l->kind == LAYER_ATTENTION ? l->token->heads : 1;
    const uint32_t tokens = l->in.height * l->in.width;
    const int32_t low = chance(d, 2) ? -128 : 0;

    v->score[0].scale *= real(d, 0.3, 2);
    v->weights = (enum attention_weights)pick(d, 0, 2);
    if (v->weights == ATTENTION_CODES)
        v->weight_codes = (struct code_range){ real(d, 0.003, 0.01), low, low, low + 255 };
    v->n_score = pick(d, 1, 4);
    for (uint32_t k = 0; k < v->n_score; k++) {
        struct token_score *s = &v->score[k];
        if (k > 0)
            s->scale = real(d, 0.5, 1.5);
        if (chance(d, 2)) {
            const double step = real(d, 0.02, 0.1);
            s->codes = (struct code_range){ step, (int32_t)pick(d, 0, 9) - 5, -128, 127 };
        }
        if (!chance(d, 3))
            continue;
        s->n_bias = chance(d, 2) ? heads : 1;
        s->bias = malloc((size_t)s->n_bias * tokens * tokens * sizeof *s->bias);
        for (uint32_t i = 0; i < s->n_bias * tokens * tokens; i++)
            s->bias[i] = real(d, -2, 2);
    }
    if (chance(d, 3)) {
        v->n_masked = chance(d, 2) ? heads : 1;
        v->masked = malloc((size_t)v->n_masked * tokens * tokens);
        for (uint32_t i = 0; i < v->n_masked * tokens * tokens; i++)
            v->masked[i] = i % tokens != i / tokens % tokens && chance(d, 3);
        for (uint32_t h = 0; l->token->weighted && h < v->n_masked; h++)
            v->masked[0] = 0;
    }
    if (l->token->head < 2 || !chance(d, 3))
        return;
    for (int i = 0; i < 2; i++)
        draw_rotation(d, &v->rotation[i], l->token->head, tokens, v->part[i].step);
}

static void draw_tokens(struct maker *m)
{
    for (uint32_t i = 1; i < m->n->n_layer; i++) {
        struct layer *l = &m->n->layer[i];
        struct token_values *v = l->token ? l->token->values : NULL;
        if (!v)
            continue;
        v->step *= real(&m->dice, 0.5, 1.5);
        if (l->kind == LAYER_ATTENTION || l->token->weighted)
            draw_softmax(m, l);
        if (l->kind == LAYER_NORM && l->n_input == 1 && chance(&m->dice, 4)) {
            v->steps = malloc(l->out.channels * sizeof *v->steps);
            for (uint32_t c = 0; c < l->out.channels; c++)
                v->steps[c] = real(&m->dice, 0.01, 0.1);
        }
    }
}

/* ---- machine ---- */

static void make_machine(struct random_tokens *t, struct dice *d)
{
    static const char *const always[] = {
        "core.input_memory.word_bits=8192", "core.input_memory.words=4096",
        "core.digital.lanes=65536", "fabric.link_gbps=10000", "fabric.partial_sum_gbps=10000",
        "chip.cores=65536", "attention.lanes=100000", "attention.exp_lanes=100000",
        "attention.memory_bytes=1000000", "digital_core.lanes=100000",
    };
    char text[3][64];
    const char *set[16];
    size_t n = 0;

    for (; n < sizeof always / sizeof *always; n++)
        set[n] = always[n];
    snprintf(text[0], sizeof text[0], "core.crossbar.rows=%u", pick(d, 8, 64));
    snprintf(text[1], sizeof text[1], "core.crossbar.columns=%u", pick(d, 8, 64));
    snprintf(text[2], sizeof text[2], "attention.cores=%s", chance(d, 2) ? "per_head" : "1");
    for (int i = 0; i < 3; i++)
        set[n++] = text[i];
    set[n] = NULL;
    rig_config(&t->rig, set);
}

/* Whether a norm that reads a linear layer first is all that reads it. */
static bool is_read_by(const struct network *n, uint32_t linear, uint32_t norm)
{
    const struct layer *l = &n->layer[linear];
    bool alone = n->layer[norm].kind == LAYER_NORM && n->layer[norm].input[0] == linear &&
                 l->kind == LAYER_CONV && !l->has_residual && !l->table;

    for (uint32_t i = linear + 1; i < n->n_layer; i++) {
        for (uint32_t k = 0; k < n->layer[i].n_input; k++)
            alone &= (i == norm && k == 0) || n->layer[i].input[k] != linear;
        alone &= !n->layer[i].has_residual || n->layer[i].residual != linear;
    }
    return alone;
}

/* Linear layers that nothing but a norm reads hand on their sums; how many. */
static uint32_t hand_on_sums(struct maker *m)
{
    uint32_t n = 0;

    for (uint32_t i = 1; i < m->n->n_layer; i++) {
        struct layer *norm = &m->n->layer[i], *l = &m->n->layer[norm->input[0]];
        struct token_values *v = norm->token ? norm->token->values : NULL;
        if (!is_read_by(m->n, norm->input[0], i))
            continue;
        requant_release(&l->requant);
        step_function_free(l->function);
        l->function = NULL;
        l->raw_output = true;
        l->out_zero = 0;
        l->requant.b = calloc(l->out.channels, sizeof *l->requant.b);
        free(v->steps);
        v->steps = calloc(l->out.channels, sizeof *v->steps);
        v->shift = calloc(l->out.channels, sizeof *v->shift);
        v->part[0].zero = 0;
        v->part[1].step = real(&m->dice, 1, 5);
        for (uint32_t c = 0; c < l->out.channels; c++) {
            l->requant.b[c] = (int64_t)pick(&m->dice, 0, 2000) - 1000;
            v->steps[c] = real(&m->dice, -0.01, 0.1);
            v->shift[c] = real(&m->dice, -50, 50);
        }
        n++;
    }
    return n;
}

static bool make(struct random_tokens *t, unsigned seed, bool plan, bool sums)
{
    static const uint32_t bits[] = { 8, 6, 10, 0 };
    struct maker m = { .dice = { seed }, .n = &t->rig.network };

    *t = (struct random_tokens){ .seed = seed };
    make_machine(t, &m.dice);
    m.is_signed = !chance(&m.dice, 3);
    make_shapes(&m);
    if (network_check(m.n, &t->rig.msg) || family_fill(m.n, seed, &t->rig.msg))
        fail_msg("seed %u: %s", seed, t->rig.msg.text);
    set_zeros(&m);
    draw_tokens(&m);
    random_functions(seed, m.n);
    if (chance(&m.dice, 2))
        network_attention_bits(m.n, bits[pick(&m.dice, 0, 3)]);
    if (sums && hand_on_sums(&m) == 0) {
        random_tokens_release(t);
        return false;
    }
    if (network_check(m.n, &t->rig.msg))
        fail_msg("seed %u: %s", seed, t->rig.msg.text);
    if (plan && rig_plan(&t->rig))
        fail_msg("seed %u: %s", seed, t->rig.msg.text);
    const struct shape *s = &m.n->layer[0].out;
    t->image_bytes = (size_t)s->height * s->width * s->channels;
    t->image = malloc(TOKENS_IMAGES * t->image_bytes);
    for (size_t i = 0; i < TOKENS_IMAGES * t->image_bytes; i++)
        t->image[i] = (uint8_t)pick(&m.dice, 0, 255);
    return true;
}

void random_tokens_make(struct random_tokens *t, unsigned seed, bool plan)
{
    make(t, seed, plan, false);
}

bool random_tokens_of_sums_make(struct random_tokens *t, unsigned seed, bool plan)
{
    return make(t, seed, plan, true);
}

void random_tokens_release(struct random_tokens *t)
{
    rig_release(&t->rig);
    free(t->image);
}

/* ---- a naive program ---- */

struct naive { // of a layer
    const struct layer        *l;
    const struct token_values *v;
    const struct network      *n;
    unsigned                   seed;
    read_fn                   *read;
    void                      *user;
};

/* A value that the layer reads, its inputs side by side. */
static int64_t value(const struct naive *k, uint32_t pixel, uint32_t channel)
{
    for (uint32_t i = 0;; i++) {
        const uint32_t n = k->n->layer[k->l->input[i]].out.channels;
        if (channel < n)
            return k->read(k->user, k->l->input[i], pixel, channel);
        channel -= n;
    }
}

static bool sees(const struct layer *l, uint32_t out, uint32_t in)
{
    const struct window *w = &l->window;
    const int64_t o[] = { out % l->out.height, out / l->out.height };
    const int64_t i[] = { in % l->in.height, in / l->in.height };

    for (int a = 0; a < 2; a++) {
        const int64_t at = i[a] - o[a] * w->stride[a] - w->skip[a] + w->pad_before[a];
        if (at < 0 || at % w->dilation[a] != 0 || at / w->dilation[a] >= w->kernel[a])
            return false;
        if (w->block[a] > 0 && i[a] / w->block[a] != o[a] / w->block[a])
            return false;
    }
    return true;
}

static long double cut(long double v, long double low, long double high)
{
    return v < low ? low : v > high ? high : v;
}

/* A byte in fewer bits, from -(2^(b-1) - 1) to as many. */
static long double narrow(const struct naive *k, long double v)
{
    const long double most = ldexpl(1, (int)k->v->bits - 1) - 1;

    return k->v->bits < 8 ? cut(rintl(ldexpl(v, (int)k->v->bits - 8)), -most, most) : v;
}

static long double grown(const struct naive *k)
{
    return k->v->bits < 8 ? ldexpl(1, 8 - (int)k->v->bits) : 1;
}

static long double code_of(const struct code_range *c, long double v)
{
    return cut(rintl(v / c->step) + c->zero, c->low, c->high) - c->zero;
}

static long double real_of(const struct code_range *c, long double v)
{
    return c->step == 0 ? v : code_of(c, v) * c->step;
}

/* Real value of a query's or key's channel c of head h, as it is multiplied: a whole number of
 * steps, `step`. */
static long double vector(const struct naive *k, uint32_t part, uint32_t first, uint32_t pixel,
                          uint32_t c, long double *step)
{
    const struct token_rotation *r = &k->v->rotation[part];
    const long double zero = k->v->part[part].zero;
    long double x = narrow(k, (long double)value(k, pixel, first + c) - zero);

    *step = k->v->part[part].step * grown(k);
    if (r->n == 0)
        return x;
    if (c < 2 * r->n) {
        const uint32_t pair = r->halves ? c % r->n : c / 2;
        const bool second = r->halves ? c >= r->n : c % 2;
        const uint32_t other = r->halves ? (second ? c - r->n : c + r->n) : (c ^ 1);
        const long double y = narrow(k, (long double)value(k, pixel, first + other) - zero);
        const double *turn = r->turn + ((size_t)pixel * r->n + pair) * 2;
        const long double s = k->v->part[part].step;
        const long double moved = real_of(&r->moved, second ? y * s : -y * s);
        x = real_of(&r->straight, x * s * turn[0]) + real_of(&r->crossed, moved * turn[1]);
    } else {
        x *= k->v->part[part].step;
    }
    *step = r->sum.step * grown(k);
    return code_of(&r->sum, x);
}

/* Of a query, or of a query of 1; the result before it is rounded, in its steps. */
static long double softmax_sum(const struct naive *k, uint32_t head, uint32_t pixel, uint32_t c)
{
    const struct layer *l = k->l;
    const struct token_op *t = l->token;
    const struct token_values *v = k->v;
    const uint32_t tokens = l->in.height * l->in.width;
    const bool weighted = t->weighted;
    const uint32_t kv = weighted ? 0 : head / (t->heads / t->kv_heads);
    const uint32_t keys = weighted ? l->out.channels : t->heads * t->head;
    const uint32_t values = weighted ? 0 : keys + t->kv_heads * t->head;
    const uint32_t head_n = weighted ? 1 : t->head, value_n = weighted ? 0 : t->value_head;
    long double s[64], most = -INFINITY, sum = 0, whole = 0, out = 0;
    bool part[64];

    for (uint32_t j = 0; j < tokens; j++) {
        const uint32_t at = (pixel * tokens) + j;
        const uint32_t nth = v->n_masked > 1 ? head : 0;
        part[j] = sees(l, pixel, j) && !(v->masked && v->masked[nth * tokens * tokens + at]);
        if (!part[j])
            continue;
        long double a = 1, b = 1, step_q = v->part[0].step * grown(k), step_k = 1;
        s[j] = 0;
        for (uint32_t i = 0; i < head_n; i++) {
            if (!weighted)
                a = vector(k, 0, head * head_n, pixel, i, &step_q);
            b = vector(k, 1, keys + kv * head_n, j, i, &step_k);
            s[j] += a * b;
        }
        s[j] *= step_q * step_k;
        for (uint32_t i = 0; i < v->n_score; i++) {
            const struct token_score *f = &v->score[i];
            const uint32_t of = f->n_bias > 1 ? head * tokens * tokens : 0;
            s[j] = s[j] * f->scale + (f->bias ? f->bias[of + at] : 0);
            s[j] = f->codes.step != 0 ? code_of(&f->codes, s[j]) * f->codes.step : s[j];
        }
        most = s[j] > most ? s[j] : most;
    }
    for (uint32_t j = 0; j < tokens; j++)
        sum += part[j] ? expl(s[j] - most) : 0;
    for (uint32_t j = 0; j < tokens; j++) {
        if (!part[j])
            continue;
        long double p = expl(s[j] - most);
        if (v->weights == ATTENTION_GRID)
            p = rintl(p * (ldexpl(1, (int)v->bits) - 1));
        else if (v->weights == ATTENTION_CODES)
            p = code_of(&v->weight_codes, p / sum) * v->weight_codes.step;
        whole += p;
        out += p * narrow(k, (long double)value(k, j, values + kv * value_n + c) -
                                 v->part[TOKEN_VALUES].zero);
    }
    if (v->weights != ATTENTION_CODES)
        out /= whole;
    return out * v->part[TOKEN_VALUES].step * grown(k) / v->step;
}

static long double normalised(const struct naive *k, uint32_t pixel, uint32_t c)
{
    const struct layer *l = k->l;
    const struct token_values *v = k->v;
    const uint32_t n = l->out.channels;
    long double x[64] = { 0 }, mean = 0, variance = 0;

    for (uint32_t i = 0; i < n; i++) {
        x[i] = ((long double)value(k, pixel, i) - v->part[0].zero) *
                   (v->steps ? v->steps[i] : v->part[0].step) +
               (v->shift ? v->shift[i] : 0);
        if (l->n_input == 2)
            x[i] += ((long double)value(k, pixel, n + i) - v->part[1].zero) * v->part[1].step;
        mean += l->token->rms ? 0 : x[i] / n;
    }
    for (uint32_t i = 0; i < n; i++)
        variance += (x[i] - mean) * (x[i] - mean) / n;
    return (x[c] - mean) / sqrtl(variance + v->eps) * v->gain[c] + (v->offset ? v->offset[c] : 0);
}

/* An output before it is rounded, in steps of the result. */
static long double token_output(const struct naive *k, uint32_t out, uint32_t c)
{
    const struct layer *l = k->l;
    const struct token_values *v = k->v;
    const uint32_t n = l->out.channels, tokens = l->in.height * l->in.width;
    uint32_t first = UINT32_MAX, seen = 0;
    long double sum = 0;

    for (uint32_t i = 0; i < tokens; i++) {
        if (!sees(l, out, i))
            continue;
        first = first == UINT32_MAX ? i : first;
        seen++;
        sum += l->kind == LAYER_SUM_TOKENS || l->kind == LAYER_TOKENS
                   ? (long double)value(k, i, c) - v->part[0].zero
                   : 0;
    }
    switch (l->kind) {
    case LAYER_ATTENTION:
        return softmax_sum(k, c / l->token->value_head, out, c % l->token->value_head);
    case LAYER_NORM:
        return normalised(k, first, c);
    case LAYER_MAP:
        return ((long double)value(k, first, c) - v->part[0].zero) * v->part[0].step *
               ((long double)value(k, first, n + c) - v->part[1].zero) * v->part[1].step / v->step;
    case LAYER_TOKENS:
        return sum * v->part[0].step / v->step + v->stored[out * n + c];
    default:
        return l->token->weighted ? softmax_sum(k, 0, 0, c)
                                  : sum * v->part[0].step / v->step / seen;
    }
}

static int64_t looked_up(const struct layer *l, uint32_t c, int64_t v)
{
    const uint8_t byte = l->table[(l->n_table > 1 ? c : 0) * 256 + (uint8_t)v];

    return l->out_signed ? (int8_t)byte : byte;
}

/* Of a layer with weights: exact. */
static int64_t linear_output(const struct naive *k, uint32_t pixel, uint32_t c)
{
    const struct layer *l = k->l;
    const struct requant *q = &l->requant;
    int64_t acc = 0;

    for (uint32_t i = 0; i < l->in.channels; i++)
        acc += l->weight[c * l->in.channels + i] * (value(k, pixel, i) - l->in_zero);
    if (l->raw_output)
        return acc + q->b[c];
    acc = acc * q->m[c] + q->b[c];
    if (l->has_residual)
        acc += (k->read(k->user, l->residual, pixel, c) - q->r_zero) * q->mr[c];
    acc = l->function ? naive_function(l->function, acc, q->shift[c])
                      : (int64_t)rintl(ldexpl((long double)acc, -q->shift[c]));
    acc = (int64_t)cut(acc + q->zero, q->low, q->high);
    return l->table ? looked_up(l, c, acc) : acc;
}

void naive_layer_is(const struct random_tokens *t, uint32_t layer, read_fn *read, void *user)
{
    const struct layer *l = &t->rig.network.layer[layer];
    const struct naive k = { .l = l, .v = l->token ? l->token->values : NULL,
                             .n = &t->rig.network, .seed = t->seed, .read = read, .user = user };

    const uint32_t each = l->in.width > 20 ? 7 : 1; // of many, some channels

    for (uint32_t i = 0; i < l->out.height * l->out.width; i++)
        for (uint32_t c = i % each; c < l->out.channels; c += each) {
            const int64_t found = read(user, layer, i, c);
            if (!l->token || l->table) {
                const int64_t want = l->token ? looked_up(l, c, value(&k, i, c))
                                              : linear_output(&k, i, c);
                if (found != want)
                    fail_msg("seed %u: %s, pixel %u, channel %u: %d, want %d", t->seed, l->name, i,
                             c, (int)found, (int)want);
                continue;
            }
            const long double v = token_output(&k, i, c);
            const long double low = cut(rintl(v - 1e-9L) + l->requant.zero, l->requant.low,
                                        l->requant.high);
            const long double high = cut(rintl(v + 1e-9L) + l->requant.zero, l->requant.low,
                                         l->requant.high);
            if (found != (int64_t)low && found != (int64_t)high)
                fail_msg("seed %u: %s, kind %d, pixel %u, channel %u: %d, want %d", t->seed,
                         l->name, l->kind, i, c, (int)found, (int)high);
        }
}
