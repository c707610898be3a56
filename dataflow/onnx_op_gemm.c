/* dataflow/onnx_op_gemm.c -- Gemm: alpha * A * B + beta * C, A a flattened map, B and C constant.
 *
 * On a map of more than one pixel it is the convolution whose kernel covers the map: flattening
 * orders channel, row, column, as weights do.
 */
#include <inttypes.h>
#include <math.h>

#include "dataflow/onnx_read.h"

static enum err read_attributes(const struct onnx_reader *r, const struct onnx_node *node,
                                struct onnx_affine *a)
{
    int64_t trans_a = 0, trans_b = 0;

    *a = (struct onnx_affine){.alpha = 1, .beta = 1};
    enum err e = onnx_attr_float(node, "alpha", &a->alpha, r->msg);
    if (!e)
        e = onnx_attr_float(node, "beta", &a->beta, r->msg);
    if (!e)
        e = onnx_attr_int(node, "transA", &trans_a, r->msg);
    if (!e)
        e = onnx_attr_int(node, "transB", &trans_b, r->msg);
    if (!e && trans_a)
        e = onnx_node_refuse(node, r->msg, "transA is %" PRId64 ": want 0", trans_a);
    if (!e && (!(a->alpha > 0) || !isfinite(a->alpha)))
        e = onnx_node_refuse(node, r->msg, "alpha is %g: want a positive finite number", a->alpha);
    a->axis = trans_b ? 0 : 1;
    return e;
}

static enum err check_inputs(const struct onnx_reader *r, const struct onnx_node *node,
                             uint32_t axis)
{
    const struct onnx_meaning *x = onnx_input(r, node, 0), *w = onnx_input(r, node, 1);
    uint64_t values = (uint64_t)x->shape.height * x->shape.width * x->shape.channels;

    enum err e = onnx_check_weights(r, node, 2, true);
    if (!e && w->tensor.dim[1 - axis] != values)
        e = onnx_node_refuse(node, r->msg, "weights for %" PRIu32 " inputs on a map of %" PRIu64
                             " values: want one for each", w->tensor.dim[1 - axis], values);
    return e;
}

static enum err read_gemm(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_affine affine;
    struct onnx_draft *d;

    enum err e = read_attributes(r, node, &affine);
    if (!e)
        e = check_inputs(r, node, affine.axis);
    if (!e)
        e = onnx_draft_new(r, node, &affine, &d);
    if (e)
        return e;

    struct layer *l = &d->layer;
    l->kind = l->in.height == 1 && l->in.width == 1 ? LAYER_GEMM : LAYER_CONV;
    l->window = (struct window){
        .kernel = {l->in.height, l->in.width}, .stride = {1, 1}, .dilation = {1, 1}};
    l->out.height = l->out.width = 1;
    onnx_output(r, node, (struct onnx_meaning){.means = ONNX_DRAFT, .draft = d, .shape = l->out,
                                               .flat = true});
    return ERR_NONE;
}

static const char *const attributes[] = {"alpha", "beta", "transA", "transB", NULL};

const struct onnx_operator onnx_op_gemm = {"Gemm", 1, 2, 3, attributes, read_gemm};
