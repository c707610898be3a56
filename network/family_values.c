/* network/family_values.c -- random values for a network that has shapes only; see family.h.
 *
 * Real numbers are kept near a standard deviation of 1, and steps such that it is SPREAD codes, so
 * that bytes use their range. Weights are means of four uniform bytes: a bell that ends at -127 and
 * 127, as those of trained networks do. What a sum of n products of codes of root mean square r is
 * worth is 1 / (sqrt(n) * w * r), w that of the weights. A residual adds its square. What is found
 * so is a forecast, from layer to layer; nothing is run.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "core/util.h"
#include "network/family.h"
#include "network/requantize.h"
#include "network/tokens/tokens.h"
#include "network/tokens/values.h"

enum { SPREAD = 32, RELU_SPREAD = 64 }; // codes of a standard deviation; of what ReLU cuts

static const double weight_rms = 36.9; // sqrt((256^2 - 1) / 12 / 4)
static const double bias = 0.1;        // standard deviations of what is stored
static const double stored = 0.5;

struct forecast { // of a layer's codes, less their zero point
    double step, rms;
};

struct filling {
    struct network  *network;
    struct forecast *of; // owned; [n_layer]
    struct rng       random;
    struct err_msg  *msg;
};

static double real_rms(const struct filling *f, uint32_t layer)
{
    return f->of[layer].step * f->of[layer].rms;
}

static double *normals(struct rng r, size_t n, double mean, double deviation)
{
    double *v = malloc(n * sizeof *v);

    for (size_t i = 0; v && i < n; i++)
        v[i] = mean + deviation * rng_normal(r, i);
    return v;
}

/* ---- layers with weights ---- */

/* Of the low four bytes. */
static int8_t bell(uint64_t bytes)
{
    int32_t sum = -510;

    for (int i = 0; i < 4; i++)
        sum += (int32_t)(bytes >> 8 * i & 255);
    return (int8_t)(sum / 4);
}

static bool draw_weights(const struct filling *f, uint32_t index)
{
    struct layer *l = &f->network->layer[index];
    const size_t n = (size_t)layer_kernel_rows(l) * l->out.channels;
    const struct rng r = rng_in(f->random, index);

    l->weight = malloc(n);
    for (size_t i = 0; l->weight && i < n; i += 2) {
        const uint64_t bytes = rng_u64(r, i / 2);
        for (size_t k = i; k < min_u64(i + 2, n); k++)
            l->weight[k] = bell(bytes >> 32 * (k - i));
    }
    return l->weight;
}

/* Root mean square of what a table makes of normal codes. */
static double looked_up_rms(const struct layer *l)
{
    double sum = 0, all = 0;

    for (int32_t v = -128; v < 128; v++) {
        const double x = (double)v / SPREAD, density = exp(-x * x / 2);
        const uint8_t byte = layer_look_up(l, 0, (uint8_t)v);
        const int32_t to = l->out_signed ? (int8_t)byte : byte;
        sum += density * to * to;
        all += density;
    }
    return sqrt(sum / all);
}

static enum err pool(struct filling *f, uint32_t index)
{
    struct layer *l = &f->network->layer[index];
    struct forecast *own = &f->of[index];
    const struct pool_scales s = { .n = (uint64_t)l->out.height * l->out.width, .in = own->step,
                                   .out = own->step };

    l->pool.low = l->requant.low;
    l->pool.high = l->requant.high;
    return pool_requantize(&l->pool, &s, f->msg);
}

static enum err fill_linear(struct filling *f, uint32_t index)
{
    struct layer *l = &f->network->layer[index];
    struct forecast *own = &f->of[index];
    const uint32_t n = l->out.channels;
    const double sum = sqrt(layer_kernel_rows(l)) * weight_rms * f->of[l->input[0]].rms;
    const double residual = l->has_residual ? real_rms(f, l->residual) : 0;
    const double deviation = sqrt(1 + residual * residual);
    double *unit = malloc(n * sizeof *unit);
    double *offset = normals(rng_in(rng_in(f->random, index), 1), n, 0, bias);
    struct requant_scales s = { .n = n, .unit = unit, .bias = offset,
                                .residual = l->has_residual ? f->of[l->residual].step : 0,
                                .out = deviation / (l->relu ? RELU_SPREAD : SPREAD) };
    enum err e = unit && offset && draw_weights(f, index)
                     ? ERR_NONE
                     : err_set(f->msg, ERR_MEMORY, "no memory for the weights of %s", l->name);

    for (uint32_t o = 0; unit && o < n; o++)
        unit[o] = 1 / sum;
    if (!e)
        e = l->raw_output ? requantize_raw(&l->requant, &s, f->msg)
                          : requantize(&l->requant, &s, f->msg);
    free(unit);
    free(offset);
    l->requant.low = l->relu ? 0 : l->out_signed ? INT8_MIN : 0;
    l->requant.high = l->out_signed ? INT8_MAX : UINT8_MAX;
    *own = (struct forecast){ s.out, l->relu ? RELU_SPREAD / sqrt(2) : SPREAD };
    l->out_scale = own->step;
    if (l->table)
        own->rms = looked_up_rms(l);
    return !e && l->pooled ? pool(f, index) : e;
}

/* A maximum is delivered as it is. */
static enum err fill_pool(struct filling *f, uint32_t index)
{
    struct layer *l = &f->network->layer[index];
    const uint32_t n = layer_n_scale(l);
    struct requant *q = &l->requant;

    assert(l->kind == LAYER_MAX_POOL);
    q->m = malloc(n * sizeof *q->m);
    q->b = calloc(n, sizeof *q->b);
    q->shift = calloc(n, sizeof *q->shift);
    if (!q->m || !q->b || !q->shift)
        return err_set(f->msg, ERR_MEMORY, "no memory for the scales of %s", l->name);
    for (uint32_t o = 0; o < n; o++)
        q->m[o] = 1;
    q->low = l->out_signed ? INT8_MIN : 0;
    q->high = l->out_signed ? INT8_MAX : UINT8_MAX;
    f->of[index] = f->of[l->input[0]];
    l->out_scale = f->of[index].step;
    return ERR_NONE;
}

/* ---- layers of tokens ---- */

static void read_parts(const struct filling *f, uint32_t index)
{
    const struct layer *l = &f->network->layer[index];
    uint32_t channel = 0;

    for (uint32_t i = 0; i < l->n_input; i++)
        for (uint32_t c = layer_delivers(&f->network->layer[l->input[i]]).channels; c > 0; c--)
            l->token->values->part[token_part_of(l, channel++)] =
                (struct token_part){ f->network->layer[l->input[i]].out_zero,
                                     f->of[l->input[i]].step };
}

/* What a token's real numbers are worth, and what is stored. */
static double fill_kind(const struct filling *f, uint32_t index)
{
    const struct layer *l = &f->network->layer[index];
    struct token_values *v = l->token->values;
    const struct rng r = rng_in(f->random, index);
    const double in = real_rms(f, l->input[0]);
    const uint64_t keys = token_seen(l, 0, l->out.width / 8); // of a causal query an early one

    if (l->kind == LAYER_ATTENTION || l->token->weighted) {
        v->n_score = 1;
        v->score[0].scale = l->token->weighted ? 1 : 1 / sqrt(l->token->head);
        v->bits = 8;
    }
    switch (l->kind) {
    case LAYER_ATTENTION: // scores of variance 1: of S weights e / S are as if alike
        return fmin(1, sqrt(exp(1) / (double)keys)) * real_rms(f, l->input[l->n_input - 1]);
    case LAYER_NORM:
        v->eps = 1e-5;
        v->gain = normals(rng_in(r, 1), l->out.channels, SPREAD, SPREAD * bias);
        v->offset = l->token->rms ? NULL : normals(rng_in(r, 2), l->out.channels, 0, SPREAD * bias);
        return 1;
    case LAYER_MAP:
        return in * real_rms(f, l->input[1]);
    case LAYER_TOKENS:
        return sqrt(in * in + stored * stored);
    default:
        return in;
    }
}

static enum err fill_tokens(struct filling *f, uint32_t index)
{
    struct layer *l = &f->network->layer[index];
    struct token_values *v = NULL;

    l->requant = (struct requant){ .low = l->out_signed ? INT8_MIN : 0,
                                   .high = l->out_signed ? INT8_MAX : UINT8_MAX };
    if (l->table) { // what it makes is as wide as what it reads
        f->of[index] = f->of[l->input[0]];
        return ERR_NONE;
    }
    v = l->token->values = calloc(1, sizeof *v);
    if (!v)
        return err_set(f->msg, ERR_MEMORY, "no memory for the values of %s", l->name);
    for (uint32_t i = 0; i < TOKEN_PARTS; i++)
        v->part[i].step = 1; // queries of a weighted sum, and what is not read
    read_parts(f, index);
    v->step = fill_kind(f, index) / SPREAD;
    if (l->kind == LAYER_TOKENS)
        v->stored = normals(rng_in(f->random, index), (size_t)l->out.width * l->out.channels, 0,
                            stored / v->step);
    f->of[index] = (struct forecast){ v->step, SPREAD };
    l->out_scale = v->step;
    return ERR_NONE;
}

/* ---- the network ---- */

enum err family_fill(struct network *n, uint64_t seed, struct err_msg *m)
{
    struct filling f = { .network = n, .of = calloc(n->n_layer, sizeof *f.of),
                         .random = rng_at(seed, "weights"), .msg = m };
    enum err e = f.of ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for random weights");

    assert(!n->has_values);
    if (!e)
        f.of[0] = (struct forecast){ 1.0 / RELU_SPREAD, RELU_SPREAD };
    for (uint32_t i = 1; i < n->n_layer && !e; i++) {
        const struct layer *l = &n->layer[i];
        e = layer_is_of_tokens(l) ? fill_tokens(&f, i)
            : layer_is_digital(l) ? fill_pool(&f, i)
                                  : fill_linear(&f, i);
    }
    free(f.of);
    n->has_values = !e;
    if (!e)
        e = network_check(n, m);
    if (e)
        network_release(n);
    return e;
}
