/* network/values/tokens.c -- layers of tokens in lanes: what a kernel does not do is done image by
 * image, as the layer's kind states it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "network/tokens/norm_values.h"
#include "network/tokens/tokens.h"
#include "network/tokens/values.h"
#include "network/values/prepared.h"
#include "network/values/token_kernel.h"

struct call {
    const struct value_token_kernel *kernel;
    const struct layer     *l;
    const struct value_map *in, *out;
    uint8_t                *room;
};

static uint32_t tokens_of(const struct layer *l)
{
    return l->in.height * l->in.width;
}

static uint32_t outputs_of(const struct layer *l)
{
    return l->out.height * l->out.width;
}

/* ---- room ---- */

/* Memory of the layer, one array behind the other; NULL: how much is counted. */
struct arena {
    uint8_t *at;
    size_t   used;
};

static void *take(struct arena *a, size_t n, size_t bytes)
{
    uint8_t *taken = a->at ? a->at + a->used : NULL;

    a->used += round_up(n * bytes, VALUE_BYTES);
    return taken;
}

struct attention_room {
    const uint8_t **in;  // [tokens]
    uint8_t       **out; // [queries]
    int16_t  *query, *key, *value, *weight;
    uint8_t  *masked;    // [tokens]
    uint32_t *number;    // [tokens]
    double   *score;
    uint32_t  pairs; // of keys
};

static struct attention_room attention_room(struct arena *a, const struct layer *l)
{
    const struct token_op *t = l->token;
    const uint32_t n = tokens_of(l), head = (t->head + 1) / 2;
    struct attention_room r = { .pairs = n / 2 + 1 };

    r.in = take(a, n, sizeof *r.in);
    r.out = take(a, n, sizeof *r.out);
    r.query = take(a, head, VALUE_PAIR * sizeof *r.query);
    r.key = take(a, (size_t)n * head, VALUE_PAIR * sizeof *r.key);
    r.value = take(a, (size_t)t->value_head * r.pairs, VALUE_PAIR * sizeof *r.value);
    r.weight = take(a, r.pairs, VALUE_PAIR * sizeof *r.weight);
    r.masked = take(a, n, 1);
    r.number = take(a, n, sizeof *r.number);
    r.score = take(a, n, VALUE_LANES * sizeof *r.score);
    return r;
}

struct exact_room {
    int32_t        *code, *out;
    const int32_t **token;
    uint32_t       *number;
    void           *kind;
};

static struct exact_room exact_room(struct arena *a, const struct layer *l)
{
    const uint32_t n = tokens_of(l);
    struct exact_room r;

    r.code = take(a, (size_t)n * l->in.channels, sizeof *r.code);
    r.out = take(a, l->out.channels, sizeof *r.out);
    r.token = take(a, n, sizeof *r.token);
    r.number = take(a, n, sizeof *r.number);
    r.kind = take(a, 1, token_room(l, n));
    return r;
}

/* ---- maps ---- */

/* Pixels are counted column by column, whatever shape the layer sees. */
static uint8_t *pixel_at(const struct value_map *m, uint32_t number)
{
    return (uint8_t *)value_pixel(m, number % m->shape.height, number / m->shape.height); // ours
}

static int32_t stored_zero(const struct call *c, uint32_t part)
{
    return c->l->token->values->part[part].zero + (c->in->is_signed && !c->in->sums ? 128 : 0);
}

static struct value_result result_of(const struct call *c, double unit)
{
    const struct requant *q = &c->l->requant;

    return (struct value_result){ unit, q->zero, q->low, q->high, c->out->is_signed ? 128 : 0 };
}

/* ---- image by image ---- */

static void read_codes(const struct call *c, uint32_t lane, int32_t *code)
{
    const uint32_t channels = c->l->in.channels;

    for (uint32_t i = 0; i < tokens_of(c->l); i++)
        for (uint32_t k = 0; k < channels; k++)
            *code++ = value_get(c->in, i % c->in->shape.height, i / c->in->shape.height, k, lane);
}

static void write_codes(const struct call *c, uint32_t lane, uint32_t number, const int32_t *code)
{
    uint8_t *pixel = pixel_at(c->out, number);

    for (uint32_t k = 0; k < c->l->out.channels; k++)
        pixel[k / VALUE_QUAD * VALUE_BYTES + lane * VALUE_QUAD + k % VALUE_QUAD] =
            (uint8_t)(code[k] + (c->out->is_signed ? 128 : 0));
}

static void compute_exactly(const struct call *c)
{
    struct arena arena = { c->room, 0 };
    const struct exact_room r = exact_room(&arena, c->l);
    struct token_window w = { .heads = token_heads_all(c->l), .number = r.number,
                              .code = r.token };

    for (uint32_t lane = 0; lane < VALUE_LANES; lane++) {
        read_codes(c, lane, r.code);
        for (w.at = 0; w.at < outputs_of(c->l); w.at++) {
            w.n = token_numbers(c->l, w.at % c->l->out.height, w.at / c->l->out.height, r.number);
            for (uint32_t i = 0; i < w.n; i++)
                r.token[i] = r.code + (size_t)r.number[i] * c->l->in.channels;
            token_kind_of(c->l)->compute(c->l, &w, r.kind, r.out);
            write_codes(c, lane, w.at, r.out);
        }
    }
}

/* Whether operations are in a format of their own, which no kernel computes in. */
static bool is_rounded(const struct layer *l)
{
    return l->token->values && l->token->values->numbers;
}

/* ---- attention ---- */

/* Whether weights are words, and sums of their products ints. */
static bool fits_words(const struct layer *l, const struct attention_values *a)
{
    const struct code_range *c = &a->weight_codes;
    int64_t most = a->weights == ATTENTION_GRID ? (INT64_C(1) << a->bits) - 1 : 0;

    if (a->weights == ATTENTION_CODES)
        most = max_i32(abs(c->low - c->zero), abs(c->high - c->zero));
    return most <= INT16_MAX && most * 255 * tokens_of(l) <= INT32_MAX;
}

static struct value_entering entering(const struct call *c, uint32_t part, uint32_t channel,
                                      uint32_t n)
{
    return (struct value_entering){ channel, n, stored_zero(c, part), c->l->token->values->bits };
}

/* Keys and values of a head, from where they were stored. */
static void enter_keys(const struct call *c, const struct attention_room *r, uint32_t kv)
{
    const struct token_op *t = c->l->token;
    const uint32_t n = tokens_of(c->l), first = attention_queries(t) + attention_keys(t);
    const struct value_entering key =
        entering(c, TOKEN_KEYS, attention_queries(t) + kv * t->head, t->head);
    const struct value_entering value =
        entering(c, TOKEN_VALUES, first + kv * t->value_head, t->value_head);

    for (uint32_t j = 0; j < n; j++)
        c->kernel->enter(&key, r->in[j], r->key + (size_t)j * ((t->head + 1) / 2) * VALUE_PAIR);
    for (uint32_t j = 0; j < n; j += 2)
        c->kernel->enter_values(&value, r->in[j], j + 1 < n ? r->in[j + 1] : NULL, r->pairs,
                                r->value + (size_t)(j / 2) * VALUE_PAIR);
}

/* What a query sees: [0, *n), and which of them take no part; NULL: all do. */
static const uint8_t *find_masked(const struct call *c, const struct attention_room *r,
                                  uint32_t head, uint32_t at, uint32_t *n)
{
    const struct layer *l = c->l;
    const struct token_values *v = l->token->values;
    const size_t tokens = tokens_of(l);
    const uint32_t seen = token_numbers(l, at % l->out.height, at / l->out.height, r->number);
    const uint8_t *masked = NULL;

    if (v->masked)
        masked = v->masked + ((v->n_masked > 1 ? head : 0) * tokens + at) * tokens;
    *n = r->number[seen - 1] + 1;
    if (!masked && seen == *n)
        return NULL;
    memset(r->masked, 1, *n);
    for (uint32_t i = 0; i < seen; i++)
        r->masked[r->number[i]] = masked ? masked[r->number[i]] : 0;
    return r->masked;
}

static void attend_head(const struct call *c, const struct attention_room *r,
                        const struct attention_values *a, uint32_t head)
{
    const struct token_op *t = c->l->token;
    const struct token_values *v = t->values;
    const size_t tokens = tokens_of(c->l);
    const struct value_entering query = entering(c, TOKEN_QUERIES, head * t->head, t->head);
    struct value_query q = {
        .values = a, .result = result_of(c, a->unit), .query = r->query, .key = r->key,
        .value = r->value, .pairs = r->pairs, .score = r->score, .weight = r->weight,
        .channel = head * t->value_head,
    };

    for (uint32_t i = 0; i < outputs_of(c->l); i++) {
        q.masked = find_masked(c, r, head, i, &q.n);
        for (uint32_t k = 0; k < v->n_score; k++) {
            const struct token_score *s = &v->score[k];
            q.bias[k] =
                s->bias ? s->bias + ((s->n_bias > 1 ? head : 0) * tokens + i) * tokens : NULL;
        }
        q.out = r->out[i];
        c->kernel->enter(&query, r->in[i], r->query);
        c->kernel->query(&q);
    }
}

static void attend(const struct call *c)
{
    const struct token_op *t = c->l->token;
    const struct attention_values a = token_head_values(c->l, t->head, t->value_head);
    struct arena arena = { c->room, 0 };
    const struct attention_room r = attention_room(&arena, c->l);
    const uint32_t group = t->heads / t->kv_heads;

    if (!fits_words(c->l, &a) || t->values->rotation[TOKEN_QUERIES].n > 0 ||
        t->values->rotation[TOKEN_KEYS].n > 0) {
        compute_exactly(c);
        return;
    }
    for (uint32_t i = 0; i < tokens_of(c->l); i++) {
        r.in[i] = pixel_at(c->in, i);
        r.out[i] = pixel_at(c->out, i);
    }
    for (uint32_t h = 0; h < t->heads; h++) {
        if (h % group == 0)
            enter_keys(c, &r, h / group);
        attend_head(c, &r, &a, h);
    }
}

/* ---- the other kinds ---- */

/* The token that an output of a layer token by token sees. */
static const uint8_t *token_under(const struct call *c, uint32_t output)
{
    const struct layer *l = c->l;
    const int64_t row = window_begin(&l->window, 0, output % l->out.height);
    const int64_t column = window_begin(&l->window, 1, output / l->out.height);

    if (column < 0 || column >= l->in.width)
        return NULL;
    return pixel_at(c->in, (uint32_t)column * l->in.height + (uint32_t)row);
}

static void normalise(const struct call *c)
{
    const struct token_values *v = c->l->token->values;
    const bool real = c->l->n_input > 1 || v->steps;
    const double eps = real ? v->eps : v->eps / (v->part[0].step * v->part[0].step);
    const double step[] = { v->part[0].step, v->part[1].step };
    struct arena arena = { c->room, 0 };
    const struct norm_values norm = { .n = c->l->out.channels, .rms = c->l->token->rms,
                                      .eps = eps, .gain = v->gain, .offset = v->offset };
    const struct value_norm f = {
        .norm = &norm, .result = result_of(c, 1), .step = step, .steps = v->steps,
        .shift = v->shift, .sums = c->in->sums,
        .zero = { stored_zero(c, 0), stored_zero(c, 1) }, .parts = c->l->n_input, .real = real,
        .x = take(&arena, norm.n, VALUE_LANES * sizeof(double)),
    };

    for (uint32_t i = 0; i < outputs_of(c->l); i++)
        c->kernel->norm(&f, token_under(c, i), pixel_at(c->out, i));
}

static void look_up(const struct call *c, const uint8_t *table)
{
    for (uint32_t i = 0; i < outputs_of(c->l); i++) {
        const uint8_t *from = token_under(c, i);
        uint8_t *to = pixel_at(c->out, i);
        for (uint32_t q = 0; q < c->out->quads; q++, from += VALUE_BYTES, to += VALUE_BYTES)
            for (uint32_t b = 0; b < VALUE_BYTES; b++)
                to[b] = table[(size_t)(q * VALUE_QUAD + b % VALUE_QUAD) * 256 + from[b]];
    }
}

static void multiply(const struct call *c)
{
    const struct token_values *v = c->l->token->values;
    const struct value_result r = result_of(c, v->part[0].step * v->part[1].step / v->step);
    const int32_t zero[] = { stored_zero(c, 0), stored_zero(c, 1) };

    for (uint32_t i = 0; i < outputs_of(c->l); i++)
        c->kernel->product(&r, zero, c->l->out.channels, token_under(c, i), pixel_at(c->out, i));
}

static void add_stored(const struct call *c)
{
    const struct token_values *v = c->l->token->values;
    const struct value_result r = result_of(c, v->part[0].step / v->step);
    const uint32_t n = c->l->out.channels;

    for (uint32_t i = 0; i < outputs_of(c->l); i++)
        c->kernel->add(&r, stored_zero(c, 0), n, v->stored + (size_t)i * n, token_under(c, i),
                       pixel_at(c->out, i));
}

struct mean_room {
    const uint8_t **pixel;
    uint32_t       *number;
};

static struct mean_room mean_room(struct arena *a, const struct layer *l)
{
    struct mean_room r;

    r.pixel = take(a, tokens_of(l), sizeof *r.pixel);
    r.number = take(a, tokens_of(l), sizeof *r.number);
    return r;
}

static void sum_tokens(const struct call *c)
{
    const struct token_values *v = c->l->token->values;
    const struct value_result r = result_of(c, v->part[0].step / v->step);
    struct arena arena = { c->room, 0 };
    const struct mean_room room = mean_room(&arena, c->l);

    if (c->l->token->weighted || tokens_of(c->l) > INT32_MAX / 255) {
        compute_exactly(c);
        return;
    }
    for (uint32_t i = 0; i < outputs_of(c->l); i++) {
        const uint32_t n = token_numbers(c->l, i % c->l->out.height, i / c->l->out.height,
                                         room.number);
        for (uint32_t k = 0; k < n; k++)
            room.pixel[k] = pixel_at(c->in, room.number[k]);
        c->kernel->mean(&r, stored_zero(c, 0), c->l->out.channels, room.pixel, n,
                        pixel_at(c->out, i));
    }
}

size_t value_tokens_room(const struct layer *l)
{
    struct arena fast = { 0 }, exact = { 0 };

    if (l->kind == LAYER_ATTENTION)
        attention_room(&fast, l);
    else if (l->kind == LAYER_NORM)
        take(&fast, l->out.channels, VALUE_LANES * sizeof(double));
    else if (l->kind == LAYER_SUM_TOKENS)
        mean_room(&fast, l);
    if (l->kind == LAYER_ATTENTION || l->kind == LAYER_SUM_TOKENS || is_rounded(l))
        exact_room(&exact, l);
    return max_u64(fast.used, exact.used);
}

void value_tokens(const struct value_kernel *k, const struct layer *l, const struct value_map *in,
                  const struct value_map *out, const uint8_t *table, void *room)
{
    const struct call c = { k->tokens, l, in, out, room };

    if (is_rounded(l)) {
        compute_exactly(&c);
        return;
    }
    switch (l->kind) {
    case LAYER_ATTENTION:
        attend(&c);
        return;
    case LAYER_NORM:
        normalise(&c);
        return;
    case LAYER_MAP:
        if (table)
            look_up(&c, table);
        else
            multiply(&c);
        return;
    case LAYER_TOKENS:
        add_stored(&c);
        return;
    default:
        assert(l->kind == LAYER_SUM_TOKENS);
        sum_tokens(&c);
    }
}
