/* onnx/float/op_qlinear.c -- the quantised operators of ONNX Runtime's own domain,
 * com.microsoft, that its static quantisation writes: inputs made real, ONNX's operator of the same
 * name, the result rounded. */
#include <inttypes.h>
#include <stdlib.h>

#include "onnx/float/op.h"

/* Input i with its scale and zero point behind it; scales along `axis`, if there are several. */
static enum err real_input(struct float_call *c, uint32_t i, int64_t axis, struct array *out)
{
    return float_dequantise(c, &(struct float_quantised){i, i + 1, i + 2, axis, 0, 0}, out);
}

/* a, b, y's scale and zero point. */
static enum err eval_two(struct float_call *c)
{
    struct array a = {0}, b = {0};
    const struct array *in[] = {&a, &b};
    enum err e = real_input(c, 0, 1, &a);

    if (!e)
        e = real_input(c, 3, 1, &b);
    if (!e)
        e = float_call_operator(c, c->node->proto->op_type + sizeof "QLinear" - 1, in, 2);
    if (!e)
        e = float_requantise(c, 6, 7);
    array_release(&a);
    array_release(&b);
    return e;
}

/* x, y's scale and zero point: the operator named behind QLinear. */
static enum err eval_one(struct float_call *c)
{
    struct array x = {0};
    const struct array *in[] = {&x};
    int64_t last = 0;
    enum err e = onnx_attr_int(c->node, "channels_last", &last, c->msg);

    if (!e && last)
        e = FLOAT_REFUSE(c, "channels_last is %" PRId64 ": want 0", last);
    if (!e)
        e = real_input(c, 0, 1, &x);
    if (!e)
        e = float_call_operator(c, c->node->proto->op_type + sizeof "QLinear" - 1, in, 1);
    if (!e)
        e = float_requantise(c, 3, 4);
    array_release(&x);
    return e;
}

/* y's scale and zero point, then each part. */
static enum err eval_concat(struct float_call *c)
{
    uint32_t n = (c->n_in - 2) / 3;
    struct array *part = calloc(n, sizeof *part);
    const struct array **in = calloc(n, sizeof *in);
    enum err e = part && in ? ERR_NONE : float_no_memory(c);

    if (!e && c->n_in != 2 + 3 * n)
        e = FLOAT_REFUSE(c, "%" PRIu32 " inputs: want two, and three for each map", c->n_in);
    for (uint32_t i = 0; i < n && !e; i++) {
        in[i] = &part[i];
        if (!float_has(c, 2 + 3 * i) || !float_has(c, 3 + 3 * i))
            e = FLOAT_REFUSE(c, "map %" PRIu32 " is left out: want it", i);
        else
            e = real_input(c, 2 + 3 * i, 1, &part[i]);
    }
    if (!e)
        e = float_call_operator(c, "Concat", in, n);
    if (!e)
        e = float_requantise(c, 0, 1);
    for (uint32_t i = 0; part && i < n; i++)
        array_release(&part[i]);
    free(part);
    free(in);
    return e;
}

/* The bias of a product, int32 worth the scales of a and b multiplied. */
static enum err real_bias(struct float_call *c, struct array *out)
{
    const struct array *bias = c->in[6], *a = c->in[1], *b = c->in[4];

    if (!bias->integer || a->n != 1 || (b->n != 1 && b->n != bias->n))
        return FLOAT_REFUSE(c, "%zu biases of %s for %zu scales: want int32, one for each", bias->n,
                            onnx_type_name(bias->type), b->n);
    if (!array_init(out, a->type, bias->n_dim, bias->dim))
        return float_no_memory(c);
    for (size_t i = 0; i < bias->n; i++)
        out->real[i] =
            (float)bias->integer[i] * (a->real[0] * b->real[b->n == 1 ? 0 : i]);
    return ERR_NONE;
}

/* a, b, bias, y's scale and zero point; without these the result stays real. */
static enum err eval_gemm(struct float_call *c)
{
    struct array a = {0}, b = {0}, bias = {0};
    const struct array *in[] = {&a, &b, &bias};
    int64_t trans_b = 0;
    enum err e = onnx_attr_int(c->node, "transB", &trans_b, c->msg);

    if (!e)
        e = real_input(c, 0, 1, &a);
    if (!e)
        e = real_input(c, 3, trans_b ? 0 : 1, &b);
    if (!e && float_has(c, 6))
        e = real_bias(c, &bias);
    if (!e)
        e = float_call_operator(c, "Gemm", in, float_has(c, 6) ? 3 : 2);
    if (!e && float_has(c, 7))
        e = float_requantise(c, 7, 8);
    array_release(&a);
    array_release(&b);
    array_release(&bias);
    return e;
}

const struct float_operator float_ops_qlinear[] = {
    {"QGemm",         6, 9, "alpha transA transB", eval_gemm},
    {"QLinearAdd",    7, 8, "", eval_two},
    {"QLinearConcat", 5, UINT32_MAX, "axis", eval_concat},
    {"QLinearMul",    7, 8, "", eval_two},
    {"QLinearLeakyRelu", 4, 5, "alpha", eval_one},
    {"QLinearSigmoid",   4, 5, "", eval_one},
    {"QLinearAveragePool", 4, 5, "auto_pad ceil_mode channels_last count_include_pad "
                           "kernel_shape pads strides", eval_one},
    {"QLinearGlobalAveragePool", 5, 5, "channels_last", eval_one},
    {0},
};
