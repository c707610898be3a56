/* onnx/read/op_gemm.c -- Gemm: alpha * A * B + beta * C, A a flattened map or tokens, B and C
 * constant; MatMul: A * B, or of two maps, which is attention's.
 *
 * On a flattened map of more than one pixel the kernel covers the map: flattening orders channel,
 * row, column, as weights do, or row, column, channel, or tokens as they lie: then weights are put
 * in order. Of tokens that are not flattened each is multiplied by the weights: a convolution whose
 * kernel is one pixel.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/read/tokens.h"

/* Where value i of a flattened map lies among weights, by channel, row, column. axes: of tokens, of
 * which the last dimension is the whole map; NULL: row, column, channel. */
static size_t weight_place(const struct layer *l, const struct onnx_axes *axes, size_t i)
{
    const size_t pixels = (size_t)l->in.height * l->in.width;
    uint32_t at[ONNX_SIDES] = {0};

    if (!axes)
        return i % l->in.channels * pixels + i / l->in.channels;
    axes_locate(axes, axes->n_dim - 1, (uint32_t)i, at);
    return at[ONNX_CHANNEL] * pixels + (size_t)at[ONNX_ROW] * l->in.width + at[ONNX_COLUMN];
}

static enum err reorder(const struct onnx_reader *r, struct layer *l, const struct onnx_axes *axes)
{
    size_t rows = (size_t)l->in.height * l->in.width * l->in.channels;
    int16_t *copy = malloc(rows * sizeof *copy);

    if (!copy)
        return err_set(r->msg, ERR_MEMORY, "no memory for weights");
    for (uint32_t o = 0; o < l->out.channels; o++) {
        for (size_t i = 0; i < rows; i++)
            copy[i] = (int16_t)layer_weight(l, o * rows + i);
        for (size_t i = 0; i < rows; i++)
            layer_set_weight(l, o * rows + weight_place(l, axes, i), copy[i]);
    }
    free(copy);
    return ERR_NONE;
}

/* Whether all values of several tokens are one dimension, whatever their order. */
static bool is_flat_tokens(const struct onnx_reader *r, const struct onnx_meaning *x,
                           struct onnx_axes *a)
{
    const struct shape *s = &x->shape;

    if (x->layout != ONNX_AXES || (uint64_t)s->height * s->width == 1 || !onnx_axes_of(r, x, a) ||
        a->n_dim == 0)
        return false;
    const uint32_t last = a->n_dim - 1;
    return axes_within(a, 0, last, 0) && axes_cover(a, last, last + 1, ONNX_ROW, s->height) &&
           axes_cover(a, last, last + 1, ONNX_COLUMN, s->width) &&
           axes_cover(a, last, last + 1, ONNX_CHANNEL, s->channels);
}

static enum err check_inputs(const struct onnx_reader *r, const struct onnx_node *node,
                             const struct onnx_meaning *x, const struct onnx_affine *a)
{
    uint64_t values = (uint64_t)x->shape.height * x->shape.width * x->shape.channels;
    enum err e = onnx_check_weights(r, node, a->weights, 2);

    if (!e && a->weights->tensor.dim[1 - a->axis] != values)
        e = onnx_node_refuse(node, r->msg, "weights for %" PRIu32 " inputs on a map of %" PRIu64
                             " values: want one for each", a->weights->tensor.dim[1 - a->axis],
                             values);
    return e;
}

/* Weights of more dimensions, the first of which are 1, as two. */
static enum err squeeze_weights(const struct onnx_reader *r, const struct onnx_node *node,
                                struct onnx_meaning *w)
{
    struct onnx_tensor *t = &w->tensor;
    const uint32_t more = t->n_dim > 2 ? t->n_dim - 2 : 0;

    for (uint32_t k = 0; k < more; k++)
        if (t->dim[k] != 1)
            return onnx_node_refuse(node, r->msg, "weights of %" PRIu32 " dimensions, %" PRIu32 " "
                                    "along axis %" PRIu32 ": want one matrix, for all tokens",
                                    t->n_dim, t->dim[k], k);
    memmove(t->dim, t->dim + more, (t->n_dim - more) * sizeof *t->dim);
    t->n_dim -= more;
    w->axis = w->axis >= more ? w->axis - more : 0;
    return onnx_check_weights(r, node, w, 2);
}

/* Each token times weights. */
static enum err multiply_tokens(struct onnx_reader *r, const struct onnx_node *node,
                                const struct onnx_meaning *x, const struct onnx_affine *affine,
                                struct onnx_meaning *out)
{
    struct onnx_affine a = *affine;
    struct onnx_meaning w = *a.weights;
    struct onnx_tokens t;
    struct onnx_draft *d;
    enum err e = x->layout == ONNX_NCHW
                     ? onnx_node_refuse(node, r->msg, "weights of 2 dimensions on a map of 4: want "
                                        "Flatten in front, or channels last")
                     : squeeze_weights(r, node, &w);

    a.weights = &w;
    if (!e)
        e = onnx_see_tokens(r, node, x, &t);
    if (!e && w.tensor.dim[1 - a.axis] != t.x.shape.channels)
        e = onnx_node_refuse(node, r->msg, "weights for %" PRIu32 " inputs on tokens of %" PRIu32
                             " channels: want one for each", w.tensor.dim[1 - a.axis],
                             t.x.shape.channels);
    if (!e)
        e = onnx_draft_affine(r, node, &t.x, &a, &d);
    if (e)
        return e;
    d->layer.kind = LAYER_CONV;
    onnx_window_tokens(&t, &d->layer);
    *out = onnx_draft_of_tokens(r, &t, d);
    return ERR_NONE;
}

enum err onnx_product(struct onnx_reader *r, const struct onnx_node *node,
                      const struct onnx_meaning *x, const struct onnx_affine *a,
                      struct onnx_meaning *out)
{
    struct onnx_meaning whole = *x;
    struct onnx_axes axes;
    struct onnx_draft *d;
    const bool tokens = is_flat_tokens(r, x, &axes);

    if (!tokens && !onnx_is_flat(x) && a->weights->means == ONNX_WEIGHTS)
        return multiply_tokens(r, node, x, a, out);
    enum err e = check_inputs(r, node, x, a);

    if (!e && tokens)
        e = onnx_settle(r, node, &whole);
    if (!e)
        e = onnx_draft_affine(r, node, &whole, a, &d);
    if (e)
        return e;
    struct layer *l = &d->layer;
    l->kind = LAYER_GEMM;
    l->window.kernel[0] = l->in.height;
    l->window.kernel[1] = l->in.width;
    l->out.height = l->out.width = 1;
    *out = (struct onnx_meaning){.means = ONNX_DRAFT, .draft = d, .shape = l->out,
                                 .layout = ONNX_FLAT};
    return tokens                      ? reorder(r, l, &axes)
           : x->layout == ONNX_FLAT_NHWC ? reorder(r, l, NULL)
                                         : ERR_NONE;
}

/* Input 0 times weights. */
static enum err read_product(struct onnx_reader *r, const struct onnx_node *node,
                             const struct onnx_affine *a)
{
    struct onnx_meaning x = onnx_passed_on(r, node, 0), out;
    enum err e = x.means == ONNX_PIXELS && x.layout == ONNX_AXES && !onnx_is_padded(&x)
                     ? ERR_NONE : onnx_take_pixels(r, node, 0, &x);

    if (!e)
        e = onnx_product(r, node, &x, a, &out);
    if (!e)
        onnx_output(r, node, out);
    return e;
}

static enum err read_gemm(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_affine a = {.weights = onnx_input(r, node, 1), .alpha = 1, .beta = 1};
    int64_t trans_a = 0, trans_b = 0;
    enum err e = onnx_attr_float(node, "alpha", &a.alpha, r->msg);

    if (!e)
        e = onnx_attr_float(node, "beta", &a.beta, r->msg);
    if (!e)
        e = onnx_attr_int(node, "transA", &trans_a, r->msg);
    if (!e)
        e = onnx_attr_int(node, "transB", &trans_b, r->msg);
    if (!e && trans_a)
        e = onnx_node_refuse(node, r->msg, "transA is %" PRId64 ": want 0", trans_a);
    if (!e && (!(a.alpha > 0) || !isfinite(a.alpha)))
        e = onnx_node_refuse(node, r->msg, "alpha is %g: want a positive finite number", a.alpha);
    a.axis = trans_b ? 0 : 1;
    a.bias = onnx_has_input(node, 2) ? onnx_input(r, node, 2) : NULL;
    return e ? e : read_product(r, node, &a);
}

static enum err read_matmul(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_affine a = {.weights = onnx_input(r, node, 1), .axis = 1, .alpha = 1};

    if (!onnx_is_constant(a.weights) && !onnx_is_constant(onnx_input(r, node, 0)))
        return onnx_read_scores(r, node);
    return read_product(r, node, &a);
}

const struct onnx_operator onnx_ops_gemm[] = {
    {"Gemm",   1, 2, 3, "alpha beta broadcast transA transB", read_gemm},
    {"MatMul", 1, 2, 2, "", read_matmul},
    {0},
};
