/* onnx/read/layer.c -- from drafts to layers; see reader.h. */
#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "network/precision.h"
#include "network/requantize.h"
#include "network/step_function.h"
#include "onnx/read/reader.h"
#include "onnx/read/tokens.h"

static enum err no_memory(const struct onnx_reader *r)
{
    return err_set(r->msg, ERR_MEMORY, "no memory for a layer");
}

/* ---- Names of layers ---- */

enum { MOST_NAME = 64 };

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* "/layer1/conv1/Conv" becomes layer1_conv1: the path without the operator, in the letters that a
 * configuration key allows. */
static void readable_name(const Onnx__NodeProto *node, char out[MOST_NAME])
{
    const char *s = node->name && *node->name ? node->name : node->output[0];
    size_t n = strlen(s), type = strlen(node->op_type), used = 0;

    if (n > type + 1 && strcmp(s + n - type, node->op_type) == 0 && s[n - type - 1] == '/')
        n -= type + 1;
    for (size_t i = 0; i < n && used < MOST_NAME - 1; i++) {
        unsigned char c = (unsigned char)s[i];
        if (used == 0 && !isalnum(c) && c != '_')
            continue; // a leading slash
        if (used == 0 && isdigit(c))
            out[used++] = 'n'; // a number alone would be an output height to mapping keys
        out[used++] = isalnum(c) || c == '-' ? s[i] : '_';
    }
    out[used] = '\0';
}

/* A copy of `wanted` that no layer has; a number behind it makes it so. */
static enum err claim_name(struct onnx_reader *r, const char *wanted, char **name)
{
    uint32_t index = r->network->n_layer;
    char tail[32] = "";

    for (uint32_t i = 0;; i++) {
        size_t size = strlen(wanted) + strlen(tail) + 1;
        *name = malloc(size);
        if (!*name)
            return no_memory(r);
        snprintf(*name, size, "%s%s", wanted, tail);
        char **found = tsearch(*name, &r->names, by_text);
        if (found && *found == *name)
            return ERR_NONE;
        free(*name);
        *name = NULL;
        if (!found)
            return no_memory(r);
        snprintf(tail, sizeof tail, i ? "_%" PRIu32 "_%" PRIu32 : "_%" PRIu32, index, i);
    }
}

enum { MOST_LAYERS = 1 << 16 };

static enum err make_room(struct onnx_reader *r)
{
    uint32_t most = 2 * r->most_layers;

    if (r->network->n_layer < r->most_layers)
        return ERR_NONE;
    if (r->network->n_layer >= MOST_LAYERS)
        return err_set(r->msg, ERR_INPUT, "more than %d layers: want a smaller network",
                       MOST_LAYERS);
    struct layer *longer = realloc(r->network->layer, most * sizeof *longer);
    if (!longer)
        return no_memory(r);
    r->network->layer = longer;
    r->most_layers = most;
    return ERR_NONE;
}

/* Takes over the draft's layer. */
static enum err append(struct onnx_reader *r, const char *name, struct layer *l, uint32_t *index)
{
    enum err e = make_room(r);

    if (!e)
        e = claim_name(r, name, &l->name);
    if (e)
        return e;
    *index = r->network->n_layer;
    r->network->layer[r->network->n_layer++] = *l;
    *l = (struct layer){0};
    return ERR_NONE;
}

/* The least that hold all weights: 1 where they are all +-1. */
static uint32_t weight_bits(const struct layer *l)
{
    size_t n = layer_has_weights(l) ? (size_t)layer_kernel_rows(l) * l->out.channels : 0;
    int32_t least = INT16_MAX, most = INT16_MIN;
    bool signs = true;

    for (size_t i = 0; i < n; i++) {
        int32_t w = layer_weight(l, i);
        least = min_i32(least, w);
        most = max_i32(most, w);
        signs &= w == 1 || w == -1;
    }
    return n == 0 ? 0 : signs ? 1 : value_bits_for(least, most, true);
}

static enum err append_draft(struct onnx_reader *r, struct onnx_draft *d, uint32_t *index)
{
    char name[MOST_NAME];

    d->layer.weight_bits = weight_bits(&d->layer);
    readable_name(d->node, name);
    return append(r, *name ? name : "layer", &d->layer, index);
}

enum err onnx_add_image(struct onnx_reader *r, struct shape shape,
                        const struct onnx_quantisation *q)
{
    struct layer image = {.kind = LAYER_IMAGE, .out = shape, .groups = 1};
    uint32_t index;

    onnx_deliver(&image, q);
    image.value_bits = max_u32(image.value_bits, 8); // pixels, which are cut behind it
    return append(r, "image", &image, &index);
}

void onnx_forget_names(struct onnx_reader *r)
{
    for (uint32_t i = 0; i < r->network->n_layer; i++)
        tdelete(r->network->layer[i].name, &r->names, by_text);
}

/* ---- Finishing ---- */

struct onnx_quantisation onnx_quantisation_of(const struct layer *l)
{
    struct onnx_quantisation q = {.scale = l->out_scale, .zero = l->out_zero,
                                  .is_signed = l->out_signed};

    value_limits(layer_value_bits(l), l->out_signed, &q.least, &q.most);
    return q;
}

struct onnx_quantisation onnx_quantisation_of_all(const struct onnx_reader *r,
                                                  const struct onnx_meaning *x)
{
    struct onnx_quantisation q = onnx_quantisation_of(&r->network->layer[x->layer[0]]);

    for (uint32_t i = 1; i < x->n_layer; i++) {
        struct onnx_quantisation other = onnx_quantisation_of(&r->network->layer[x->layer[i]]);
        q.least = other.least < q.least ? other.least : q.least;
        q.most = other.most > q.most ? other.most : q.most;
    }
    return q;
}

bool onnx_quantised_alike(const struct layer *l, const struct onnx_quantisation *q)
{
    int32_t low, high;

    layer_range(l, &low, &high);
    return onnx_same_steps(l, q) && low >= q->least && high <= q->most;
}

bool onnx_same_steps(const struct layer *l, const struct onnx_quantisation *q)
{
    return l->out_scale == q->scale && l->out_zero == q->zero && l->out_signed == q->is_signed;
}

/* The byte that QuantizeLinear makes of v. */
static int32_t byte_of(const struct onnx_quantisation *q, double v)
{
    return (int32_t)fmin(fmax(rint(v / q->scale) + q->zero, q->least), q->most);
}

/* What is cut before rounding is cut after it as well: rounding keeps order. */
static void range_of(const struct onnx_draft *d, const struct onnx_quantisation *q, int32_t *low,
                     int32_t *high)
{
    *low = byte_of(q, d->low);
    *high = byte_of(q, d->high);
}

/* Bounds of each output by itself, as a table. */
static enum err bound_outputs(const struct onnx_reader *r, struct onnx_draft *d,
                              const struct onnx_quantisation *q)
{
    struct layer *l = &d->layer;

    if (value_bits_for(q->least, q->most, q->is_signed) > 8)
        return err_set(r->msg, ERR_INPUT, "bounds of each output by itself, of values of more than "
                       "8 bits: want the same for all");
    l->table = malloc((size_t)d->n * 256);
    l->n_table = d->n;
    if (!l->table)
        return no_memory(r);
    for (uint32_t o = 0; o < d->n; o++) {
        int32_t low = byte_of(q, d->bound[2 * o]), high = byte_of(q, d->bound[2 * o + 1]);
        for (int32_t i = 0; i < 256; i++) {
            int32_t v = q->is_signed ? (int8_t)i : i;
            l->table[(size_t)o * 256 + (size_t)i] = (uint8_t)(v < low ? low : v > high ? high : v);
        }
    }
    return ERR_NONE;
}

void onnx_deliver(struct layer *l, const struct onnx_quantisation *q)
{
    l->value_bits = value_bits_for(q->least, q->most, q->is_signed);
    l->out_signed = q->is_signed;
    l->out_zero = q->zero;
    l->out_scale = q->scale;
}

/* Worth of a step and bias for each number of positions, where it occurs. */
static enum err spread_average(struct onnx_reader *r, struct onnx_draft *d)
{
    uint32_t n = layer_n_scale(&d->layer);
    double unit = d->unit[0], bias = d->bias[0];

    assert(d->n == 1 && d->divisor);
    free(d->unit);
    free(d->bias);
    d->unit = calloc(n, sizeof *d->unit);
    d->bias = calloc(n, sizeof *d->bias);
    if (!d->unit || !d->bias)
        return no_memory(r);
    for (uint32_t k = 0; k < n; k++) {
        d->unit[k] = d->divisor[k] ? unit / d->divisor[k] : 0;
        d->bias[k] = bias;
    }
    d->n = n;
    return ERR_NONE;
}

/* An output whose weights are all 0 has no sum: its scale, which quantisers choose freely, counts
 * for nothing. True where some output has one; *live is then such a scale. */
static bool drop_dead(struct onnx_draft *d, double *live)
{
    const struct layer *l = &d->layer;
    size_t rows = layer_kernel_rows(l);
    bool some = false;

    for (uint32_t o = 0; layer_has_weights(l) && o < l->out.channels; o++) {
        bool dead = true;
        for (size_t i = o * rows; i < (o + 1) * rows && dead; i++)
            dead = layer_weight(l, i) == 0;
        if (dead)
            d->unit[o] = 0;
        else if (!some)
            *live = d->unit[o];
        some |= !dead;
    }
    return some;
}

/* The draft's function becomes its layer's. */
static void deliver_codes(struct onnx_draft *d, int32_t zero)
{
    struct requant *q = &d->layer.requant;
    const struct step_function *f = d->layer.function = d->function;

    d->function = NULL;
    q->low = q->high = f->code[0] + zero;
    for (uint32_t k = 1; k <= f->n; k++) {
        q->low = min_i32(q->low, f->code[k] + zero);
        q->high = max_i32(q->high, f->code[k] + zero);
    }
    d->layer.relu = false;
}

static enum err quantise_layer(struct onnx_reader *r, const struct onnx_node *node,
                               struct onnx_draft *d, const struct onnx_quantisation *q,
                               uint32_t *index)
{
    struct layer *l = &d->layer;
    enum err e = l->kind == LAYER_AVERAGE_POOL ? spread_average(r, d) : ERR_NONE;
    double live;

    if (e)
        return e;
    if (d->handed_on)
        return onnx_node_refuse(node, r->msg, "rounds sums that a norm reads as they are: want "
                                "QuantizeLinear in front of the fork");
    if (layer_is_of_tokens(l)) {
        e = onnx_quantise_tokens(r, node, d, q);
        l->requant.zero = q->zero;
        range_of(d, q, &l->requant.low, &l->requant.high);
        onnx_deliver(l, q);
        return e ? e : append_draft(r, d, index);
    }
    drop_dead(d, &live);
    struct requant_scales scales = {.n = layer_n_scale(l), .unit = d->unit, .bias = d->bias,
                                    .residual = d->residual_scale, .out = q->scale,
                                    .out_zero = q->zero, .fine = r->fine || d->function};
    e = requantize(&l->requant, &scales, r->msg);
    if (e)
        return e == ERR_INPUT ? onnx_node_prefix(node, r->msg) : e;
    if (layer_is_digital(l))
        requant_reduce(&l->requant, scales.n);
    if (l->has_residual)
        l->requant.r_zero = r->network->layer[l->residual].out_zero;
    l->relu = d->bounded && !d->bound && d->low == 0;
    if (d->bound) {
        e = bound_outputs(r, d, q);
        if (e)
            return e;
        d->low = -INFINITY;
        d->high = INFINITY;
    }
    if (d->function)
        deliver_codes(d, q->zero);
    else
        range_of(d, q, &l->requant.low, &l->requant.high);
    onnx_deliver(l, q);
    return append_draft(r, d, index);
}

/* Whether nothing but a factor and bounds joined an average of a whole map. */
static bool is_plain(const struct onnx_draft *d)
{
    return d->whole && !d->layer.has_residual && d->bias[0] == 0;
}

/* The layer that an average is part of; NULL where it is one by itself. */
static struct layer *fused_with(const struct onnx_reader *r, const struct onnx_draft *d,
                                const struct onnx_quantisation *q)
{
    struct layer *l = &r->network->layer[d->layer.input[0]];

    return d->fuses && is_plain(d) && q->is_signed == l->out_signed ? l : NULL;
}

static enum err quantise_pool(struct onnx_reader *r, const struct onnx_node *node,
                              const struct onnx_draft *d, const struct onnx_quantisation *q,
                              struct layer *l)
{
    struct pool_scales scales = {.n = (uint64_t)l->out.height * l->out.width, .in = d->unit[0],
                                 .in_zero = l->out_zero, .out = q->scale, .out_zero = q->zero};
    enum err e = pool_requantize(&l->pool, &scales, r->msg);

    if (e)
        return onnx_node_prefix(node, r->msg);
    l->pooled = true;
    range_of(d, q, &l->pool.low, &l->pool.high);
    onnx_deliver(l, q);
    return ERR_NONE;
}

/* A layer that delivers what the average's layers do, and sums it up: the average of a map that
 * others read as well, or that comes from several layers. */
static enum err sum_up(struct onnx_reader *r, const struct onnx_node *node,
                       const struct onnx_draft *d, const struct onnx_quantisation *q,
                       uint32_t *layer)
{
    const struct onnx_node own = {.proto = d->node};
    const struct onnx_meaning x = {.layer = d->layer.input, .n_layer = d->layer.n_input,
                                   .shape = d->layer.in};
    struct onnx_quantisation in = onnx_quantisation_of_all(r, &x);
    struct onnx_draft *sum;

    if (in.is_signed != q->is_signed) { // the pool keeps the type of what it sums
        int32_t by = in.most - in.least > UINT8_MAX ? INT16_MIN : INT8_MIN;
        by = q->is_signed ? by : -by;
        in.zero += by;
        in.least += by;
        in.most += by;
    }
    in.is_signed = q->is_signed;
    enum err e = onnx_draft_digital(r, &own, &x, LAYER_SCALE, &sum);
    if (!e)
        e = quantise_layer(r, node, sum, &in, layer);
    return e ? e : quantise_pool(r, node, d, q, &r->network->layer[*layer]);
}

/* The layer that takes the largest of what layer *layer delivers; *layer becomes that. */
static enum err pool_largest(struct onnx_reader *r, const struct onnx_draft *d,
                             const struct onnx_quantisation *q, uint32_t *layer)
{
    const struct onnx_node node = {.proto = d->largest};
    const struct onnx_meaning x = {.layer = layer, .n_layer = 1,
                                   .shape = layer_delivers(&r->network->layer[*layer])};
    struct onnx_draft *pool;
    enum err e = onnx_draft_digital(r, &node, &x, LAYER_MAX_POOL, &pool);

    if (e)
        return e;
    pool->layer.window = d->pool;
    pool->layer.out = d->pool_out;
    return quantise_layer(r, &node, pool, q, layer);
}

enum err onnx_draft_quantise(struct onnx_reader *r, const struct onnx_node *node,
                             struct onnx_draft *d, const struct onnx_quantisation *q,
                             uint32_t *layer)
{
    struct layer *fused = fused_with(r, d, q);
    enum err e;

    if (fused) {
        *layer = d->layer.input[0];
        e = quantise_pool(r, node, d, q, fused);
    } else if (is_plain(d)) {
        e = sum_up(r, node, d, q, layer);
    } else {
        e = quantise_layer(r, node, d, q, layer);
    }
    return e || !d->largest ? e : pool_largest(r, d, q, layer);
}

enum err onnx_draft_hand_on(struct onnx_reader *r, struct onnx_draft *d, uint32_t *index)
{
    struct layer *l = &d->layer;

    l->requant.b = calloc(l->out.channels, sizeof *l->requant.b);
    if (!l->requant.b)
        return no_memory(r);
    l->has_residual = false;
    l->residual = 0;
    l->raw_output = true;
    l->out_scale = 1;
    d->handed_on = true;
    return append_draft(r, d, index);
}

bool onnx_draft_may_be_raw(const struct onnx_draft *d)
{
    return !d->handed_on && !layer_is_digital(&d->layer) && !d->layer.has_residual &&
           !d->bounded && !d->largest;
}

enum err onnx_draft_finish_raw(struct onnx_reader *r, struct onnx_draft *d)
{
    struct onnx_node node = {.proto = d->node};
    struct layer *l = &d->layer;
    struct requant_scales scales = {.n = l->out.channels, .unit = d->unit, .bias = d->bias};
    double one = d->unit[0];
    uint32_t index;

    if (!drop_dead(d, &one) && !(one > 0))
        one = 1;
    for (uint32_t o = 0; o < l->out.channels; o++) {
        d->unit[o] = d->unit[o] == 0 ? one : d->unit[o];
        if (d->unit[o] != one)
            return onnx_node_refuse(&node, r->msg, "its sums are the result and have scales that "
                                    "differ: want one scale for its weights, or QuantizeLinear "
                                    "behind it");
    }
    enum err e = requantize_raw(&l->requant, &scales, r->msg);
    if (e)
        return e == ERR_INPUT ? onnx_node_prefix(&node, r->msg) : e;
    l->raw_output = true;
    l->out_signed = true;
    l->out_scale = one;
    return append_draft(r, d, &index);
}
