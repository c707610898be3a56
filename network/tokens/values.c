/* network/tokens/values.c -- see values.h. */
#include "network/tokens/values.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "core/util.h"
#include "network/tokens/tokens.h"

enum { MOST_CODE = 255 }; // of a query, key or value less its zero point

void token_values_free(struct token_values *v)
{
    if (!v)
        return;
    for (uint32_t k = 0; k < TOKEN_SCORES; k++)
        free(v->score[k].bias);
    free(v->masked);
    free(v->rotation[TOKEN_QUERIES].turn);
    free(v->rotation[TOKEN_KEYS].turn);
    free(v->gain);
    free(v->offset);
    free(v->steps);
    free(v->shift);
    free(v->stored);
    free(v);
}

void network_attention_bits(struct network *n, uint32_t bits)
{
    for (uint32_t i = 0; i < n->n_layer; i++) {
        struct token_values *v = n->layer[i].token ? n->layer[i].token->values : NULL;
        bool softmax = n->layer[i].kind == LAYER_ATTENTION || (v && n->layer[i].token->weighted);
        if (!v || !softmax)
            continue;
        if (bits == 0)
            v->weights = ATTENTION_REAL;
        else if (v->weights != ATTENTION_CODES || bits != 8)
            v->weights = ATTENTION_GRID;
        v->bits = bits > 0 ? bits : 8;
    }
}

void network_digital_numbers(struct network *n, enum number_kind numbers)
{
    for (uint32_t i = 0; i < n->n_layer; i++)
        if (n->layer[i].token && n->layer[i].token->values)
            n->layer[i].token->values->numbers = number_format_of(numbers);
}

struct token_heads token_heads_all(const struct layer *l)
{
    return (struct token_heads){ 0, l->token->heads, l->token->kv_heads };
}

uint32_t token_part_of(const struct layer *l, uint32_t channel)
{
    const struct token_op *t = l->token;

    if (l->kind == LAYER_ATTENTION)
        return channel < attention_queries(t)                       ? TOKEN_QUERIES
               : channel < attention_queries(t) + attention_keys(t) ? TOKEN_KEYS
                                                                    : TOKEN_VALUES;
    if (t->weighted)
        return channel < l->out.channels ? TOKEN_VALUES : TOKEN_KEYS;
    return channel / l->out.channels;
}

int32_t token_code(const struct layer *l, double steps)
{
    const struct requant *q = &l->requant;
    double v = nearbyint(steps) + q->zero;

    return (int32_t)(v < q->low ? q->low : v > q->high ? q->high : v);
}

double token_real(const struct token_values *v, double whole, double unit)
{
    return number_in(v->numbers, number_in(v->numbers, whole) * number_in(v->numbers, unit));
}

int32_t token_entering(const struct token_values *v, uint32_t part, int32_t code)
{
    const int32_t c = code - v->part[part].zero;

    return v->bits > 0 && v->bits < 8 ? attention_narrowed(c, v->bits) : c;
}

/* What a part's 1 is worth once it has entered. */
static double entered_step(const struct token_values *v, uint32_t part)
{
    double step = v->part[part].step;

    if (part < TOKEN_VALUES && v->rotation[part].n > 0)
        step = v->rotation[part].sum.step;
    return v->bits > 0 && v->bits < 8 ? step * (double)(1u << (8 - v->bits)) : step;
}

/* ---- softmax ---- */

/* From acc, whose 1 is worth `unit`, to the exponent. A step that nothing is added to divides by
 * its codes' step in what comes. */
static void put_score_steps(const struct token_values *v, double unit, struct attention_values *a)
{
    for (uint32_t k = 0; k < v->n_score; k++) {
        const struct token_score *s = &v->score[k];
        const bool plain = s->codes.step != 0 && !s->bias;
        struct score_step *to = &a->step[k];
        unit *= s->scale;
        *to = (struct score_step){ plain ? 1 : unit, s->codes };
        if (plain)
            to->codes.step /= unit;
        unit = s->codes.step != 0 ? s->codes.step : 1;
    }
    a->n_step = v->n_score;
    if (unit != 1)
        a->step[a->n_step++].scale = unit;
}

struct attention_values token_head_values(const struct layer *l, uint32_t head_n, uint32_t value_n)
{
    const struct token_values *v = l->token->values;
    const double product = entered_step(v, TOKEN_QUERIES) * entered_step(v, TOKEN_KEYS);
    const double unit = entered_step(v, TOKEN_VALUES) / v->step;
    struct attention_values a = {
        .head = head_n, .value_head = value_n, .weights = v->weights, .bits = v->bits,
        .weight_codes = v->weight_codes,
        .unit = v->weights == ATTENTION_CODES ? v->weight_codes.step * unit : unit,
        .zero = l->requant.zero, .low = l->requant.low, .high = l->requant.high,
        .numbers = v->numbers,
    };

    put_score_steps(v, product, &a);
    return a;
}

/* A real number as a code less its zero point; and what that is worth, if there are codes. */
static double code_of(const struct token_values *v, const struct code_range *c, double real)
{
    const double steps = number_in(v->numbers, real / number_in(v->numbers, c->step));
    const double code = nearbyint(steps) + c->zero;

    return (code < c->low ? c->low : code > c->high ? c->high : code) - c->zero;
}

static double rounded(const struct token_values *v, const struct code_range *c, double real)
{
    return c->step == 0 ? real : token_real(v, code_of(v, c, real), c->step);
}

/* straight(along cos) + crossed(moved(across) sin), as a code */
static int16_t turned(const struct token_values *v, const struct token_rotation *r, double along,
                      double across, const double turn[2])
{
    const double straight = rounded(v, &r->straight, token_real(v, along, turn[0]));
    const double moved = rounded(v, &r->moved, across);
    const double crossed = rounded(v, &r->crossed, token_real(v, moved, turn[1]));

    return (int16_t)code_of(v, &r->sum, number_in(v->numbers, straight + crossed));
}

static void turn_head(const struct token_values *v, uint32_t part, uint32_t number, uint32_t n,
                      int16_t *to)
{
    const struct token_rotation *r = &v->rotation[part];
    const double *turn = r->turn + (size_t)number * r->n * 2;
    const double step = v->part[part].step;

    for (uint32_t i = 0; i < r->n; i++) {
        int16_t *a = &to[r->halves ? i : 2 * i], *b = &to[r->halves ? i + r->n : 2 * i + 1];
        const double x = token_real(v, *a, step), y = token_real(v, *b, step);
        *a = turned(v, r, x, -y, turn + 2 * i);
        *b = turned(v, r, y, x, turn + 2 * i);
    }
    for (uint32_t c = 2 * r->n; c < n; c++)
        to[c] = (int16_t)code_of(v, &r->sum, token_real(v, to[c], step));
}

/* Codes of a head's channels as they enter, and turned. */
static void enter(const struct token_values *v, uint32_t part, uint32_t number, const int32_t *code,
                  uint32_t n, int16_t *to)
{
    for (uint32_t c = 0; c < n; c++)
        to[c] = (int16_t)token_entering(v, part, code[c]);
    if (part < TOKEN_VALUES && v->rotation[part].n > 0)
        turn_head(v, part, number, n, to);
}

/* Channels of a head of a layer's keys, and of its values. */
static void head_channels(const struct layer *l, uint32_t *key, uint32_t *value)
{
    *key = l->kind == LAYER_ATTENTION ? l->token->head : 1;
    *value = l->kind == LAYER_ATTENTION ? l->token->value_head : l->out.channels;
}

size_t token_room(const struct layer *l, uint32_t n)
{
    uint32_t key, value;

    if (l->kind == LAYER_NORM)
        return l->out.channels * sizeof(double);
    if (l->kind != LAYER_ATTENTION && !l->token->weighted)
        return 0;
    head_channels(l, &key, &value);
    const size_t doubles = 1 + l->token->values->n_score; // weights and biases
    return (size_t)n * (doubles * sizeof(double) + 1) + ((size_t)n * (key + value) + key) *
                                                      sizeof(int16_t);
}

void token_attend(const struct layer *l, const struct token_window *w, const struct token_query *q,
                  void *room, int32_t *out)
{
    const struct token_values *v = l->token->values;
    const struct attention_values a = token_head_values(l, q->head_n, q->value_n);
    const size_t tokens = (size_t)l->in.height * l->in.width;
    const size_t row = (size_t)q->number * tokens;
    double *weight = room, *bias = weight + w->n;
    int16_t *key = (void *)(bias + (size_t)w->n * v->n_score);
    int16_t *value = key + (size_t)w->n * q->head_n;
    int16_t *query = value + (size_t)w->n * q->value_n;
    uint8_t *masked = (uint8_t *)(query + q->head_n);
    const size_t head_mask = (v->n_masked > 1 ? q->head : 0) * tokens * tokens + row;
    struct attention_keys keys = {
        .n = w->n, .key = key, .value = value, .key_step = q->head_n, .value_step = q->value_n,
        .masked = v->masked ? masked : NULL,
    };

    for (uint32_t j = 0; j < w->n; j++) {
        enter(v, TOKEN_KEYS, w->number[j], w->code[j] + q->key, q->head_n, key + j * q->head_n);
        enter(v, TOKEN_VALUES, w->number[j], w->code[j] + q->value, q->value_n,
              value + j * q->value_n);
        if (v->masked)
            masked[j] = v->masked[head_mask + w->number[j]];
    }
    for (uint32_t k = 0; k < v->n_score; k++, bias += w->n) {
        const struct token_score *s = &v->score[k];
        const size_t first = (s->n_bias > 1 ? q->head : 0) * tokens * tokens + row;
        for (uint32_t j = 0; s->bias && j < w->n; j++)
            bias[j] = s->bias[first + w->number[j]];
        keys.bias[k] = s->bias ? bias : NULL;
    }
    if (q->code)
        enter(v, TOKEN_QUERIES, q->number, q->code + q->query, q->head_n, query);
    else
        query[0] = 1;
    attention_of_query(&a, &keys, query, weight, out);
}

/* ---- checks ---- */

static bool good_step(double step)
{
    return isfinite(step) && step > 0;
}

enum err token_check_parts(const struct layer *l, uint32_t first, uint32_t n, struct err_msg *m)
{
    const struct token_values *v = l->token->values;

    if (!good_step(v->step))
        return err_set(m, ERR_INPUT, "delivers steps of %g: want a positive number", v->step);
    for (uint32_t i = first; i < first + n; i++)
        if (!good_step(v->part[i].step))
            return err_set(m, ERR_INPUT, "reads steps of %g: want a positive number",
                           v->part[i].step);
    return ERR_NONE;
}

static enum err check_range(const struct code_range *c, const char *what, struct err_msg *m)
{
    const int32_t most = 1 << 16;

    if (good_step(c->step) && c->low <= c->high && c->low > -most && c->high < most &&
        c->zero > -most && c->zero < most)
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "rounds %s to steps of %g, %" PRId32 " to %" PRId32 " around %"
                   PRId32 ": want a positive step and codes of 16 bits", what, c->step, c->low,
                   c->high, c->zero);
}

static bool all_finite(const double *v, size_t n)
{
    bool finite = true;

    for (size_t i = 0; v && i < n; i++)
        finite &= isfinite(v[i]);
    return finite;
}

/* Whether a query has a key that takes part in some window; the first that has none otherwise. */
static bool all_attend(const struct layer *l, uint32_t *lonely)
{
    const struct token_values *v = l->token->values;
    const uint32_t rows = l->in.height, tokens = rows * l->in.width;
    const struct window *w = &l->window;

    for (uint32_t h = 0; h < v->n_masked; h++)
        for (uint32_t q = 0; q < l->out.height * l->out.width; q++) {
            const uint8_t *masked = v->masked + ((size_t)h * tokens + q) * tokens;
            bool seen = false;
            for (uint32_t k = 0; k < tokens && !seen; k++)
                seen = !masked[k] && token_sees(w, 0, q % l->out.height, k % rows) &&
                       token_sees(w, 1, q / l->out.height, k / rows);
            *lonely = q;
            if (!seen)
                return false;
        }
    return true;
}

static enum err check_scores(const struct token_values *v, uint32_t heads, uint64_t tokens,
                             struct err_msg *m)
{
    enum err e = ERR_NONE;

    if (v->n_score < 1 || v->n_score > TOKEN_SCORES)
        return err_set(m, ERR_INPUT, "takes %" PRIu32 " steps to a score: want 1 to %d", v->n_score,
                       TOKEN_SCORES);
    for (uint32_t k = 0; k < v->n_score && !e; k++) {
        const struct token_score *s = &v->score[k];
        if (!isfinite(s->scale) || s->scale == 0)
            return err_set(m, ERR_INPUT, "scales scores by %g: want a number that is not 0",
                           s->scale);
        if (s->bias && s->n_bias != 1 && s->n_bias != heads)
            return err_set(m, ERR_INPUT, "has a bias of %" PRIu32 " heads: want 1 or %" PRIu32,
                           s->n_bias, heads);
        if (s->bias && !all_finite(s->bias, s->n_bias * tokens * tokens))
            return err_set(m, ERR_INPUT, "adds a bias that is no number: want a mask");
        e = s->codes.step != 0 ? check_range(&s->codes, "scores", m) : ERR_NONE;
    }
    return e;
}

static enum err check_rotation(const struct token_rotation *r, uint32_t head, uint64_t tokens,
                               struct err_msg *m)
{
    const struct code_range *codes[] = { &r->moved, &r->straight, &r->crossed };
    enum err e = ERR_NONE;

    if (r->n == 0)
        return ERR_NONE;
    if (2 * (uint64_t)r->n > head || !all_finite(r->turn, tokens * r->n * 2))
        return err_set(m, ERR_INPUT, "turns %" PRIu32 " pairs of a head's %" PRIu32 " channels: "
                       "want at most half as many, by finite cosines and sines", r->n, head);
    for (int i = 0; i < 3 && !e; i++)
        e = codes[i]->step != 0 ? check_range(codes[i], "what turns", m) : ERR_NONE;
    if (!e)
        e = check_range(&r->sum, "what has turned", m);
    if (!e && (r->sum.low - r->sum.zero < -MOST_CODE || r->sum.high - r->sum.zero > MOST_CODE))
        e = err_set(m, ERR_INPUT, "turns queries or keys to codes of more than 8 bits: want bytes");
    return e;
}

enum err token_check_softmax(const struct layer *l, uint32_t heads, struct err_msg *m)
{
    const struct token_values *v = l->token->values;
    const uint64_t tokens = (uint64_t)l->in.height * l->in.width;
    uint32_t lonely;
    enum err e = token_check_parts(l, 0, TOKEN_PARTS, m);

    if (!e)
        e = check_scores(v, heads, tokens, m);
    if (!e && v->weights == ATTENTION_CODES)
        e = check_range(&v->weight_codes, "weights", m);
    if (e)
        return e;
    if (v->bits < 2 || v->bits > 16)
        return err_set(m, ERR_INPUT, "computes attention of %" PRIu32 " bits: want 2 to 16",
                       v->bits);
    if (v->masked && v->n_masked != 1 && v->n_masked != heads)
        return err_set(m, ERR_INPUT, "has a mask of %" PRIu32 " heads: want 1 or %" PRIu32,
                       v->n_masked, heads);
    if (v->masked && !all_attend(l, &lonely))
        return err_set(m, ERR_INPUT, "masks every key of query %" PRIu32 ": want one that takes "
                       "part", lonely);
    for (uint32_t part = 0; part < TOKEN_VALUES && !e; part++)
        e = check_rotation(&v->rotation[part], l->token->head, tokens, m);
    return e;
}
