/* onnx/read/op_qlinear.c -- QLinearConv, QLinearMatMul, and of com.microsoft QGemm, QLinearAdd,
 * QLinearConcat, QLinearGlobalAveragePool: DequantizeLinear of the inputs, the operator and
 * QuantizeLinear in one. Every tensor is followed by its scale and zero point.
 *
 * MatMulInteger, ConvInteger: sums of codes less their zero points, which Cast, Mul by the scales
 * and what else stands there make real. Scales that are found at run time
 * (DynamicQuantizeLinear) are refused by name. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "onnx/read/reader.h"

/* x, made real, becomes bytes with the scale and zero point of inputs i and i + 1. */
static enum err finish(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                       const struct onnx_meaning *x)
{
    struct onnx_quantisation q;
    enum err e = onnx_read_quantisation(r, node, i, &q);

    return e ? e : onnx_quantise(r, node, x, &q);
}

/* Adds the bias of input i, if there is one, stored int32 worth x's scale times w's, to a draft
 * that has none. */
static enum err add_bias(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                         const struct onnx_meaning *w, struct onnx_draft *d)
{
    if (!onnx_has_input(node, i))
        return ERR_NONE;
    const struct onnx_meaning *b = onnx_input(r, node, i);
    if (b->means != ONNX_STORED || b->tensor.type != ONNX__TENSOR_PROTO__DATA_TYPE__INT32 ||
        b->tensor.n != d->n)
        return onnx_node_refuse(node, r->msg, "its bias is %s of %zu %s: want %" PRIu32 " stored "
                                "int32", onnx_means_text(b->means), b->tensor.n,
                                onnx_type_name(b->tensor.type), d->n);
    assert(w->scale.n == 1 || w->scale.n == d->n);
    for (uint32_t o = 0; o < d->n; o++) // a step of the sum is worth the scales' product
        d->bias[o] = d->unit[o] * onnx_tensor_real(&b->tensor, o);
    return ERR_NONE;
}

/* x, w, y's scale and zero point, bias. */
static enum err read_conv(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning x, w, out;
    enum err e = onnx_take_bytes(r, node, 0, &x);

    if (!e)
        e = onnx_settle(r, node, &x);
    if (!e)
        e = onnx_take_weights(r, node, 3, 0, &w);
    if (!e)
        e = onnx_conv(r, node, &x, &w, NULL, &out);
    if (!e)
        e = add_bias(r, node, 8, &w, out.draft);
    return e ? e : finish(r, node, 6, &out);
}

/* Bytes for a product: settled and without zeros around them. */
static enum err take_whole(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                           struct onnx_meaning *x)
{
    enum err e = onnx_take_bytes(r, node, i, x);

    if (!e && onnx_is_padded(x))
        e = onnx_node_refuse(node, r->msg, "input %" PRIu32 " has zeros around it: want Pad in "
                             "front of a convolution", i);
    return e ? e : onnx_settle(r, node, x);
}

/* a, b, y's scale and zero point. */
static enum err read_matmul(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning x, w, out;
    const struct onnx_affine a = {.weights = &w, .axis = 1, .alpha = 1};
    enum err e = take_whole(r, node, 0, &x);

    if (!e)
        e = onnx_take_weights(r, node, 3, 1, &w);
    if (!e)
        e = onnx_product(r, node, &x, &a, &out);
    return e ? e : finish(r, node, 6, &out);
}

/* a, b, bias, y's scale and zero point; without these the result stays real. */
static enum err read_gemm(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning x, w, out;
    struct onnx_affine a = {.weights = &w, .alpha = 1};
    int64_t trans_a = 0, trans_b = 0;
    enum err e = onnx_attr_float(node, "alpha", &a.alpha, r->msg);

    if (!e)
        e = onnx_attr_int(node, "transA", &trans_a, r->msg);
    if (!e)
        e = onnx_attr_int(node, "transB", &trans_b, r->msg);
    if (!e && (trans_a || !(a.alpha > 0) || !isfinite(a.alpha)))
        e = onnx_node_refuse(node, r->msg, "transA is %" PRId64 ", alpha %g: want 0 and a positive "
                             "finite number", trans_a, a.alpha);
    a.axis = trans_b ? 0 : 1;
    if (!e)
        e = take_whole(r, node, 0, &x);
    if (!e)
        e = onnx_take_weights(r, node, 3, a.axis, &w);
    if (!e)
        e = onnx_product(r, node, &x, &a, &out);
    if (!e)
        e = add_bias(r, node, 6, &w, out.draft);
    if (!e && !onnx_has_input(node, 7)) {
        onnx_output(r, node, out);
        return ERR_NONE;
    }
    return e ? e : finish(r, node, 7, &out);
}

/* a, b, y's scale and zero point. */
static enum err read_add(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning a, b;
    struct onnx_draft *d;
    enum err e = take_whole(r, node, 0, &a);

    if (!e)
        e = take_whole(r, node, 3, &b);
    if (!e)
        e = onnx_single(r, node, &b);
    if (!e)
        e = onnx_draft_digital(r, node, &a, LAYER_SCALE, &d);
    if (e)
        return e;
    struct onnx_meaning sum = {.means = ONNX_DRAFT, .draft = d, .shape = a.shape,
                               .layout = a.layout};
    e = onnx_draft_add(r, node, &sum, &b, 1);
    return e ? e : finish(r, node, 6, &sum);
}

/* y's scale and zero point, then each part. */
static enum err read_concat(struct onnx_reader *r, const struct onnx_node *node)
{
    uint32_t n = (node->n_input - 2) / 3;
    struct onnx_meaning *part = calloc(n, sizeof *part), out;
    int64_t axis = 1;
    enum err e = part ? onnx_attr_int(node, "axis", &axis, r->msg)
                      : err_set(r->msg, ERR_MEMORY, "no memory for a list of maps");

    if (!e && node->n_input != 2 + 3 * n)
        e = onnx_node_refuse(node, r->msg, "%" PRIu32 " inputs: want two, and three for each map",
                             node->n_input);
    for (uint32_t i = 0; i < n && !e; i++) {
        if (!onnx_has_input(node, 2 + 3 * i) || !onnx_has_input(node, 3 + 3 * i))
            e = onnx_node_refuse(node, r->msg, "map %" PRIu32 " is left out: want it", i);
        else
            e = take_whole(r, node, 2 + 3 * i, &part[i]);
    }
    if (!e)
        e = onnx_concat(r, node, n, part, axis, &out);
    if (!e)
        e = finish(r, node, 0, &out);
    free(part);
    return e;
}

/* x, y's scale and zero point; of a window. */
static enum err read_window_average(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning x, out;
    int64_t last = 0;
    enum err e = onnx_attr_int(node, "channels_last", &last, r->msg);

    if (!e && last)
        e = onnx_node_refuse(node, r->msg, "channels_last is %" PRId64 ": want 0", last);
    if (!e)
        e = take_whole(r, node, 0, &x);
    if (!e)
        e = onnx_average(r, node, &x, &out);
    return e ? e : finish(r, node, 3, &out);
}

/* x, y's scale and zero point; of the whole map. */
static enum err read_average(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning x, out;
    int64_t last = 0;
    enum err e = onnx_attr_int(node, "channels_last", &last, r->msg);

    if (!e)
        e = take_whole(r, node, 0, &x);
    if (!e && x.layout != (last ? ONNX_NHWC : ONNX_NCHW))
        e = onnx_node_refuse(node, r->msg, "channels_last is %" PRId64 ", its map's order another: "
                             "want the same", last);
    if (!e)
        e = onnx_global_average(r, node, &x, &out);
    if (e)
        return e;
    out.layout = x.layout;
    return finish(r, node, 3, &out);
}

/* ---- Sums of codes ---- */

/* Input 0, codes of one scale, whose zero point input 2 states. */
static enum err take_codes(struct onnx_reader *r, const struct onnx_node *node,
                           struct onnx_meaning *x)
{
    *x = onnx_passed_on(r, node, 0);
    if (x->means != ONNX_BYTES)
        return onnx_node_refuse(node, r->msg, "input 0 is %s: want what QuantizeLinear makes, or "
                                "the float model", onnx_means_text(x->means));
    const struct onnx_quantisation q = onnx_quantisation_of_all(r, x);
    const struct onnx_meaning *zero = onnx_has_input(node, 2) ? onnx_input(r, node, 2) : NULL;
    if (zero && (zero->means != ONNX_STORED || zero->tensor.n != 1 ||
                 onnx_type_is_real(zero->tensor.type)))
        return onnx_node_refuse(node, r->msg, "its zero point is %s of %zu: want one stored "
                                "integer", onnx_means_text(zero->means), zero->tensor.n);
    const int64_t v = zero ? onnx_tensor_integer(&zero->tensor, 0) : 0;
    for (uint32_t i = 0; i < x->n_layer; i++)
        if (!onnx_same_steps(&r->network->layer[x->layer[i]], &q))
            return onnx_node_refuse(node, r->msg, "reads codes of several scales: want one");
    if (v != q.zero)
        return onnx_node_refuse(node, r->msg, "takes %" PRId64 " off codes whose zero point is "
                                "%" PRId32 ": want that", v, q.zero);
    x->means = ONNX_PIXELS;
    return onnx_settle(r, node, x);
}

/* Input 1, stored codes, less input 3, one or one for each output, which lie along `axis`. */
static enum err take_code_weights(struct onnx_reader *r, const struct onnx_node *node,
                                  uint32_t axis, struct onnx_meaning *w)
{
    const struct onnx_meaning *stored = onnx_input(r, node, 1);
    const uint32_t one = 1;
    struct array scale = {0};

    if (stored->means != ONNX_STORED || onnx_type_is_real(stored->tensor.type))
        return onnx_node_refuse(node, r->msg, "input 1 is %s: want stored integers",
                                onnx_means_text(stored->means));
    *w = (struct onnx_meaning){.means = ONNX_WEIGHTS, .tensor = stored->tensor,
                               .axis = axis};
    const struct onnx_tensor *zero = onnx_has_input(node, 3) ? &onnx_input(r, node, 3)->tensor
                                                             : NULL;
    if (zero && (onnx_input(r, node, 3)->means != ONNX_STORED || zero->type != w->tensor.type ||
                 axis >= w->tensor.n_dim || (zero->n != 1 && zero->n != w->tensor.dim[axis])))
        return onnx_node_refuse(node, r->msg, "the zero points of its weights are %zu: want one, "
                                "or one for each output, of the weights' type", zero->n);
    for (size_t k = 0; zero && k < zero->n; k++)
        if (onnx_tensor_integer(zero, k) != 0)
            w->zero = *zero;
    if (!array_init(&scale, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 1, &one))
        return err_set(r->msg, ERR_MEMORY, "no memory for weights");
    scale.real[0] = 1;
    enum err e = onnx_keep_array(r, &scale, &w->scale);
    array_release(&scale);
    return e;
}

/* A step of the sum is worth 1. */
static void put_sums(struct onnx_reader *r, const struct onnx_node *node,
                     const struct onnx_meaning *out)
{
    for (uint32_t o = 0; o < out->draft->n; o++)
        out->draft->unit[o] = 1;
    onnx_output(r, node, *out);
}

static enum err read_matmul_integer(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning x, w, out;
    const struct onnx_affine a = {.weights = &w, .axis = 1, .alpha = 1};
    enum err e = take_codes(r, node, &x);

    if (!e && onnx_is_padded(&x))
        e = onnx_node_refuse(node, r->msg, "input 0 has zeros around it: want Pad in front of a "
                             "convolution");
    if (!e)
        e = take_code_weights(r, node, 1, &w);
    if (!e)
        e = onnx_product(r, node, &x, &a, &out);
    if (!e)
        put_sums(r, node, &out);
    return e;
}

static enum err read_conv_integer(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning x, w, out;
    enum err e = take_codes(r, node, &x);

    if (!e)
        e = take_code_weights(r, node, 0, &w);
    if (!e)
        e = onnx_conv(r, node, &x, &w, NULL, &out);
    if (!e)
        put_sums(r, node, &out);
    return e;
}

const struct onnx_operator onnx_ops_qlinear[] = {
    {"ConvInteger",   10, 2, 4, "auto_pad dilations group kernel_shape pads strides",
     read_conv_integer},
    {"MatMulInteger", 10, 2, 4, "", read_matmul_integer},
    {"QLinearConv",   10, 8, 9, "auto_pad dilations group kernel_shape pads strides", read_conv},
    {"QLinearMatMul", 10, 8, 8, "", read_matmul},
    {"QGemm",          0, 6, 9, "alpha transA transB", read_gemm},
    {"QLinearAdd",     0, 7, 8, "", read_add},
    {"QLinearConcat",  0, 5, UINT32_MAX, "axis", read_concat},
    {"QLinearAveragePool", 0, 5, 5, "auto_pad ceil_mode channels_last count_include_pad "
     "kernel_shape pads strides", read_window_average},
    {"QLinearGlobalAveragePool", 0, 5, 5, "channels_last", read_average},
    {0},
};
