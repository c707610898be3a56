/* network/family_transformer.c -- the built-in family transformer: encoders (BERT, DistilBERT, ViT,
 * DeiT) and decoders (GPT-2, Llama-like).
 *
 *     norm: post  x -> q, k, v -> att -> o (+ x) -> norm1 -> f1 -> f2 (+ norm1's) -> norm2
 *     norm: pre   x -> norm1 -> q, k, v -> att -> o (+ x) -> norm2 -> f1 -> f2 (+ o's)
 *     gated       f1, f3 -> gate -> f2
 *
 * of layer 1: l1.q, l1.k, l1.v (or l1.qkv), l1.att, l1.o, l1.norm1, l1.f1, l1.f2, l1.norm2. Before
 * the first, with a patch: patch, then class (the class token in front, positions). Sequences that
 * are decoded lie in rows of their own, and a head reads each token from the prompt's last on.
 * Behind the
 * last, where there is a head: norm, if they are in front of layers, and then head (vocabulary,
 * reads the last token) or classifier (the last token where causal, else the first).
 */
#include "network/family.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "network/tokens/tokens.h"

struct builder {
    struct family                 f;
    const struct transformer_cfg *cfg;
    uint32_t                      kv_heads, head; // and channels of a head
    uint32_t                      tokens;         // S
    uint32_t                      number;         // of the transformer's layer, from 1
};

/* "l1.q" */
static char *name_of(const struct builder *b, const char *what)
{
    char text[48];

    snprintf(text, sizeof text, "l%" PRIu32 ".%s", b->number, what);
    return strdup(text);
}

static enum err check_cfg(const struct transformer_cfg *c, uint32_t kv_heads, struct err_msg *m)
{
    if (c->heads == 0 || c->hidden % c->heads)
        return err_set(m, ERR_INPUT, "network.heads = %" PRIu32 ": they do not divide "
                       "network.hidden = %" PRIu32 ": want a divisor", c->heads, c->hidden);
    if (kv_heads == 0 || c->heads % kv_heads)
        return err_set(m, ERR_INPUT, "network.kv_heads = %" PRIu32 ": they do not divide "
                       "network.heads = %" PRIu32 ": want a divisor, or same", kv_heads, c->heads);
    if (c->patch > 0 && (c->size % c->patch || c->size < c->patch))
        return err_set(m, ERR_INPUT, "network.patch = %" PRIu32 ": images of network.size = %"
                       PRIu32 " are not whole patches: want a divisor", c->patch, c->size);
    if (c->patch > 0 && c->size / c->patch > 180)
        return err_set(m, ERR_INPUT, "network.patch = %" PRIu32 ": %" PRIu32 " patches on a side: "
                       "want at most 180", c->patch, c->size / c->patch);
    if (c->patch > 147)
        return err_set(m, ERR_INPUT, "network.patch = %" PRIu32 ": want at most 147, whose colours "
                       "are the channels of a pixel", c->patch);
    if (c->patch > 0 && c->vocabulary > 0)
        return err_set(m, ERR_INPUT, "network.vocabulary = %" PRIu32 ": of an image's patches: "
                       "want network.vocabulary = 0 or network.patch = 0", c->vocabulary);
    if (c->causal > 1 || c->gated > 1 || c->layers < 1 || c->hidden < 1 || c->ffn < 1 ||
        (c->patch == 0 && (c->sequence < 1 || c->sequence > 32768)))
        return err_set(m, ERR_INPUT, "network.layers = %" PRIu32 ": a transformer of %" PRIu32
                       " channels, %" PRIu32 " between feed-forward layers and %" PRIu32
                       " tokens: want at least 1 of each, and at most 32768 tokens", c->layers,
                       c->hidden, c->ffn, c->sequence);
    return ERR_NONE;
}

/* ---- layers ---- */

static uint32_t linear(struct builder *b, const char *what, uint32_t input, uint32_t channels)
{
    uint32_t i = family_conv(&b->f, name_of(b, what), input, channels, 1, 1);

    b->f.network->layer[i].out_signed = true;
    return i;
}

/* A layer of tokens whose window is one token. */
static uint32_t of_tokens(struct builder *b, enum layer_kind kind, char *name, uint32_t input,
                          const struct token_op *op)
{
    uint32_t i = family_conv(&b->f, name, input, 0, 1, 1);
    struct layer *l = &b->f.network->layer[i];

    l->kind = kind;
    l->out.channels = l->in.channels;
    l->out_signed = true;
    l->token = malloc(sizeof *l->token);
    b->f.failed |= !l->token;
    if (l->token)
        *l->token = *op;
    return i;
}

/* It reads other layers as well. */
static void read_too(struct builder *b, uint32_t layer, uint32_t n, const uint32_t *input)
{
    struct layer *l = &b->f.network->layer[layer];
    uint32_t *all = realloc(l->input, (1 + n) * sizeof *all);

    b->f.failed |= !all;
    if (!all)
        return;
    l->input = all;
    for (uint32_t i = 0; i < n; i++) {
        all[l->n_input++] = input[i];
        l->in.channels += b->f.network->layer[input[i]].out.channels;
    }
}

static uint32_t norm(struct builder *b, char *name, uint32_t input)
{
    return of_tokens(b, LAYER_NORM, name, input, &(struct token_op){ 0 });
}

static uint32_t attention(struct builder *b, uint32_t input)
{
    const uint32_t h = b->cfg->heads, d = b->head, kv = b->kv_heads, past = b->tokens - 1;
    const struct token_op op = { .heads = h, .kv_heads = kv, .head = d, .value_head = d,
                                 .causal = b->cfg->causal };
    uint32_t at;

    if (b->cfg->qkv == QKV_FUSED) {
        at = of_tokens(b, LAYER_ATTENTION, name_of(b, "att"),
                       linear(b, "qkv", input, (h + 2 * kv) * d), &op);
    } else {
        uint32_t q = linear(b, "q", input, h * d);
        const uint32_t rest[] = { linear(b, "k", input, kv * d), linear(b, "v", input, kv * d) };
        at = of_tokens(b, LAYER_ATTENTION, name_of(b, "att"), q, &op);
        read_too(b, at, 2, rest);
    }
    struct layer *l = &b->f.network->layer[at];
    l->out.channels = h * d;
    l->window.kernel[1] = op.causal ? b->tokens : 2 * b->tokens - 1;
    l->window.pad_before[1] = past;
    l->window.pad_after[1] = op.causal ? 0 : past;
    return at;
}

static uint32_t add(struct builder *b, uint32_t layer, uint32_t residual)
{
    b->f.network->layer[layer].has_residual = true;
    b->f.network->layer[layer].residual = residual;
    return layer;
}

/* Gelu, or SiLU of a gate, of codes of one step: a standard deviation of 1 is 32 of them. */
static void look_up(struct builder *b, uint32_t layer)
{
    struct layer *l = &b->f.network->layer[layer];
    const double step = 1.0 / 32;

    if (!b->cfg->functions)
        return;
    l->table = malloc(256);
    l->n_table = 1;
    b->f.failed |= !l->table;
    for (int32_t v = -128; l->table && v < 128; v++) {
        const double x = v * step;
        const double y = b->cfg->gated ? x / (1 + exp(-x)) : x / 2 * (1 + erf(x * sqrt(0.5)));
        l->table[(uint8_t)v] = (uint8_t)(int8_t)nearbyint(y / step);
    }
}

static uint32_t feed_forward(struct builder *b, uint32_t input)
{
    const struct transformer_cfg *c = b->cfg;
    uint32_t f1 = linear(b, "f1", input, c->ffn);

    look_up(b, f1);
    if (c->gated) {
        uint32_t f3 = linear(b, "f3", input, c->ffn);
        f1 = of_tokens(b, LAYER_MAP, name_of(b, "gate"), f1, &(struct token_op){ .product = true });
        read_too(b, f1, 1, &f3);
    }
    return linear(b, "f2", f1, c->hidden);
}

static uint32_t append_layer(struct builder *b, uint32_t x)
{
    bool pre = b->cfg->norm == NORM_PRE;
    uint32_t in = pre ? norm(b, name_of(b, "norm1"), x) : x;
    uint32_t sum = add(b, linear(b, "o", attention(b, in), b->cfg->hidden), x);
    uint32_t mid = norm(b, name_of(b, pre ? "norm2" : "norm1"), sum);
    uint32_t out = add(b, feed_forward(b, mid), pre ? sum : mid);

    return pre ? out : norm(b, name_of(b, "norm2"), out);
}

/* ---- ends ---- */

/* Patches of an image, the class token in front of them. A patch is seen once, so that it comes as
 * one pixel of all its colours: a kernel as large as its stride wants it all in a timestep. */
static uint32_t append_patches(struct builder *b)
{
    const uint32_t patch = b->cfg->patch, side = b->cfg->size / patch;
    struct layer *l;

    family_image(&b->f, side);
    b->f.network->layer[0].out.channels *= patch * patch;
    uint32_t at = family_conv(&b->f, strdup("patch"), 0, b->cfg->hidden, 1, 1);
    b->f.network->layer[at].out_signed = true;
    at = of_tokens(b, LAYER_TOKENS, strdup("class"), at, &(struct token_op){ 0 });
    l = &b->f.network->layer[at];
    l->in = (struct shape){ 1, side * side, b->cfg->hidden };
    l->window.pad_before[1] = 1;
    l->out = (struct shape){ 1, 1 + side * side, b->cfg->hidden };
    return at;
}

static uint32_t append_tokens(struct builder *b)
{
    family_image(&b->f, 1);
    b->f.network->layer[0].out = (struct shape){ max_u32(b->cfg->streams, 1), b->tokens,
                                                 b->cfg->hidden };
    return 0;
}

/* Of a layer that sees one token, or of sequences that are decoded all that want an answer. */
static void see_one(struct builder *b, uint32_t layer, bool last)
{
    struct layer *l = &b->f.network->layer[layer];

    if (b->cfg->streams > 0) {
        l->window.skip[1] = max_u32(b->cfg->prompt, 1) - 1;
        l->out.width = b->tokens - l->window.skip[1];
        return;
    }
    l->window.stride[1] = b->tokens;
    l->window.skip[1] = last ? b->tokens - 1 : 0;
    l->out.width = 1;
}

static bool has_head(const struct transformer_cfg *c)
{
    return c->vocabulary > 0 || c->classes > 0;
}

static void append_head(struct builder *b, uint32_t x)
{
    const struct transformer_cfg *c = b->cfg;
    const bool language = c->vocabulary > 0, last = language || c->causal;
    const bool pre = c->norm == NORM_PRE;

    if (!has_head(c))
        return;
    if (pre) {
        x = norm(b, strdup("norm"), x);
        see_one(b, x, last);
    }
    uint32_t at = family_conv(&b->f, strdup(language ? "head" : "classifier"), x,
                              language ? c->vocabulary : c->classes, 1, 1);
    if (!pre)
        see_one(b, at, last);
    b->f.network->layer[at].raw_output = b->f.network->layer[at].out_signed = true;
}

static uint32_t count_layers(const struct transformer_cfg *c)
{
    const uint32_t each = (c->qkv == QKV_FUSED ? 1u : 3u) + 6 + (c->gated ? 2 : 0);
    const uint32_t head = has_head(c) ? 1 + (c->norm == NORM_PRE) : 0;

    return 1 + (c->patch ? 2u : 0) + c->layers * each + head;
}

enum err network_transformer(struct network *n, const struct transformer_cfg *cfg,
                             struct err_msg *m)
{
    const uint32_t kv = cfg->kv_heads == KV_HEADS_SAME ? cfg->heads : cfg->kv_heads;
    enum err e = check_cfg(cfg, kv, m);

    *n = (struct network){ 0 };
    if (e)
        return e;
    uint32_t side = cfg->patch ? cfg->size / cfg->patch : 0, n_layer = count_layers(cfg);
    struct builder b = { .f = { .network = n }, .cfg = cfg, .kv_heads = kv,
                         .head = cfg->hidden / cfg->heads,
                         .tokens = cfg->patch ? side * side + 1 : cfg->sequence };
    if ((e = family_begin(&b.f, "transformer-", cfg->layers, n_layer, m)))
        return e;
    uint32_t x = cfg->patch ? append_patches(&b) : append_tokens(&b);
    for (b.number = 1; b.number <= cfg->layers; b.number++)
        x = append_layer(&b, x);
    append_head(&b, x);
    n->decoded_from = cfg->streams > 0 ? max_u32(cfg->prompt, 1) : 0;
    return family_end(&b.f, n_layer, m);
}
