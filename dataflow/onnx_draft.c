/* dataflow/onnx_draft.c -- from drafts to layers; see onnx_read.h. */
#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataflow/onnx_read.h"
#include "dataflow/requantize.h"

static enum err no_memory(const struct onnx_reader *r)
{
    return err_set(r->msg, ERR_MEMORY, "no memory for a layer");
}

/* ---- Making a draft ---- */

static struct onnx_draft *add_draft(struct onnx_reader *r, const struct onnx_node *node, uint32_t n)
{
    struct onnx_draft *d = calloc(1, sizeof *d);

    if (!d)
        return NULL;
    d->next = r->draft;
    r->draft = d;
    d->node = node->proto;
    d->unit = calloc(n, sizeof *d->unit);
    d->bias = calloc(n, sizeof *d->bias);
    d->layer.input = malloc(sizeof *d->layer.input);
    return d->unit && d->bias && d->layer.input ? d : NULL;
}

/* Outputs first, as a layer keeps them. */
static void copy_weights(int8_t *to, const struct onnx_tensor *t, uint32_t axis)
{
    size_t rows = axis == 0 ? 1 : t->dim[0], columns = t->n / rows;

    assert(axis == 0 || t->n_dim == 2);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            to[j * rows + i] = (int8_t)onnx_tensor_integer(t, i * columns + j);
}

static enum err fill_weights(struct onnx_reader *r, const struct onnx_node *node,
                             struct onnx_draft *d, const struct onnx_affine *a)
{
    const struct onnx_meaning *w = onnx_input(r, node, 1);
    double in_scale = r->network->layer[d->layer.input[0]].out_scale;
    bool single = w->scale.n == 1;

    if (!single && w->axis != a->axis)
        return onnx_node_refuse(node, r->msg, "the scales of its weights run along axis %" PRIu32
                                ": want one for each output, axis %" PRIu32, w->axis, a->axis);
    d->layer.weight = malloc(w->tensor.n);
    if (!d->layer.weight)
        return no_memory(r);
    copy_weights(d->layer.weight, &w->tensor, a->axis);
    for (uint32_t o = 0; o < d->layer.out.channels; o++)
        d->unit[o] = a->alpha * in_scale * onnx_tensor_real(&w->scale, single ? 0 : o);
    return ERR_NONE;
}

/* Value i of a bias: stored as real, or dequantised from integers. */
static double bias_value(const struct onnx_meaning *b, uint32_t i)
{
    double v = onnx_tensor_real(&b->tensor, i);
    return b->means == ONNX_STORED ? v
                                   : v * onnx_tensor_real(&b->scale, b->scale.n == 1 ? 0 : i);
}

static enum err fill_bias(struct onnx_reader *r, const struct onnx_node *node,
                          struct onnx_draft *d, double beta)
{
    if (!onnx_has_input(node, 2))
        return ERR_NONE;
    const struct onnx_meaning *b = onnx_input(r, node, 2);
    uint32_t n = d->layer.out.channels;

    if (b->means != ONNX_WEIGHTS &&
        !(b->means == ONNX_STORED && onnx_type_is_real(b->tensor.type)))
        return onnx_node_refuse(node, r->msg, "its bias is %s: want a stored float tensor or a "
                                "dequantised constant", onnx_means_text(b->means));
    if (b->tensor.n != n || (b->tensor.n_dim > 0 && b->tensor.dim[b->tensor.n_dim - 1] != n))
        return onnx_node_refuse(node, r->msg, "its bias has %zu values: want a list of %" PRIu32,
                                b->tensor.n, n);
    for (uint32_t o = 0; o < n; o++) {
        d->bias[o] = beta * bias_value(b, o);
        if (!isfinite(d->bias[o]))
            return onnx_node_refuse(node, r->msg, "bias %" PRIu32 " is %g: want a finite number", o,
                                    d->bias[o]);
    }
    return ERR_NONE;
}

enum err onnx_draft_new(struct onnx_reader *r, const struct onnx_node *node,
                        const struct onnx_affine *a, struct onnx_draft **draft)
{
    const struct onnx_tensor *w = &onnx_input(r, node, 1)->tensor;
    const struct onnx_meaning *x;

    enum err e = onnx_take_pixels(r, node, 0, &x);
    if (e)
        return e;
    if (w->n > r->weights_left)
        return onnx_node_refuse(node, r->msg, "its weights are stored once and used by many nodes: "
                                "want at most 8 times the file's size in all");
    r->weights_left -= w->n;
    struct onnx_draft *d = add_draft(r, node, w->dim[a->axis]);
    if (!d)
        return no_memory(r);
    d->layer.input[0] = x->layer;
    d->layer.n_input = 1;
    d->layer.in = x->shape;
    d->layer.in_zero = r->network->layer[x->layer].out_zero;
    d->layer.out.channels = w->dim[a->axis];
    d->layer.groups = 1;
    e = fill_weights(r, node, d, a);
    if (!e)
        e = fill_bias(r, node, d, a->beta);
    *draft = d;
    return e;
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

/* Takes over the draft's layer. */
static enum err append(struct onnx_reader *r, const char *name, struct layer *l, uint32_t *index)
{
    enum err e = claim_name(r, name, &l->name);
    if (e)
        return e;
    *index = r->network->n_layer;
    r->network->layer[r->network->n_layer++] = *l;
    *l = (struct layer){0};
    return ERR_NONE;
}

static enum err append_draft(struct onnx_reader *r, struct onnx_draft *d, uint32_t *index)
{
    char name[MOST_NAME];

    readable_name(d->node, name);
    return append(r, *name ? name : "layer", &d->layer, index);
}

enum err onnx_add_image(struct onnx_reader *r, struct shape shape,
                        const struct onnx_quantisation *q)
{
    struct layer image = {.kind = LAYER_IMAGE, .out = shape, .groups = 1,
                          .out_signed = q->is_signed, .out_zero = q->zero, .out_scale = q->scale};
    uint32_t index;

    return append(r, "image", &image, &index);
}

/* ---- Finishing ---- */

static void range_of(const struct onnx_quantisation *q, bool relu, int32_t *low, int32_t *high)
{
    *low = relu ? q->zero : q->is_signed ? INT8_MIN : 0;
    *high = q->is_signed ? INT8_MAX : UINT8_MAX;
}

static void deliver(struct layer *l, const struct onnx_quantisation *q)
{
    l->out_signed = q->is_signed;
    l->out_zero = q->zero;
    l->out_scale = q->scale;
}

static enum err quantise_layer(struct onnx_reader *r, const struct onnx_node *node,
                               struct onnx_draft *d, const struct onnx_quantisation *q,
                               uint32_t *index)
{
    struct layer *l = &d->layer;
    struct requant_scales scales = {.n = l->out.channels, .unit = d->unit, .bias = d->bias,
                                    .residual = d->residual_scale, .out = q->scale,
                                    .out_zero = q->zero};

    enum err e = requantize(&l->requant, &scales, r->msg);
    if (e)
        return e == ERR_INPUT ? onnx_node_prefix(node, r->msg) : e;
    if (l->has_residual)
        l->requant.r_zero = r->network->layer[l->residual].out_zero;
    range_of(q, l->relu, &l->requant.low, &l->requant.high);
    deliver(l, q);
    return append_draft(r, d, index);
}

static enum err quantise_pool(struct onnx_reader *r, const struct onnx_node *node,
                              const struct onnx_draft *d, const struct onnx_quantisation *q)
{
    struct layer *l = &r->network->layer[d->pooled];
    struct pool_scales scales = {.n = (uint64_t)l->out.height * l->out.width, .in = l->out_scale,
                                 .in_zero = l->out_zero, .out = q->scale, .out_zero = q->zero};

    if (q->is_signed != l->out_signed)
        return onnx_node_refuse(node, r->msg, "rounds the mean of %s values to %s: want one type",
                                l->out_signed ? "int8" : "uint8", q->is_signed ? "int8" : "uint8");
    enum err e = pool_requantize(&l->pool, &scales, r->msg);
    if (e)
        return onnx_node_prefix(node, r->msg);
    range_of(q, d->layer.relu, &l->pool.low, &l->pool.high);
    deliver(l, q);
    return ERR_NONE;
}

enum err onnx_draft_quantise(struct onnx_reader *r, const struct onnx_node *node,
                             struct onnx_draft *d, const struct onnx_quantisation *q,
                             uint32_t *layer)
{
    if (!d->pools)
        return quantise_layer(r, node, d, q, layer);
    *layer = d->pooled;
    return quantise_pool(r, node, d, q);
}

enum err onnx_draft_finish_raw(struct onnx_reader *r, struct onnx_draft *d)
{
    struct onnx_node node = {.proto = d->node};
    struct layer *l = &d->layer;
    struct requant_scales scales = {.n = l->out.channels, .unit = d->unit, .bias = d->bias};
    uint32_t index;

    for (uint32_t o = 1; o < l->out.channels; o++)
        if (d->unit[o] != d->unit[0])
            return onnx_node_refuse(&node, r->msg, "its sums are the result and have scales that "
                                    "differ: want one scale for its weights, or QuantizeLinear "
                                    "behind it");
    enum err e = requantize_raw(&l->requant, &scales, r->msg);
    if (e)
        return e == ERR_INPUT ? onnx_node_prefix(&node, r->msg) : e;
    l->raw_output = true;
    l->out_signed = true;
    l->out_scale = d->unit[0];
    return append_draft(r, d, &index);
}

static void free_draft(struct onnx_draft *d)
{
    free(d->unit);
    free(d->bias);
    free(d->layer.input);
    free(d->layer.weight);
    free(d->layer.requant.m);
    free(d->layer.requant.b);
    free(d);
}

void onnx_draft_free_all(struct onnx_reader *r)
{
    while (r->draft) {
        struct onnx_draft *d = r->draft;
        r->draft = d->next;
        free_draft(d);
    }
    for (uint32_t i = 0; i < r->network->n_layer; i++)
        tdelete(r->network->layer[i].name, &r->names, by_text);
}
