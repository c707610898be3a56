/* import/op_affine.c -- Conv, ConvTranspose, Gemm, MatMul: what goes on crossbars. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "import/walk.h"
#include "onnx/transposed.h"

static enum err start(const struct import_walk *w, struct import_node *n, uint32_t outputs)
{
    struct import_value *v = import_new_draft(w, false);

    v->maker = (uint32_t)(n - w->im->node);
    n->bias = calloc(outputs, sizeof *n->bias);
    return n->bias ? ERR_NONE : import_no_memory(w);
}

static enum err take_bias(const struct import_walk *w, struct import_node *n, double beta)
{
    const struct array *bias = import_constant(w, 2);
    uint32_t outputs = n->weight.dim[0];

    if (w->node->n_input < 3 || w->node->input[2] == ONNX_ABSENT)
        return ERR_NONE;
    if (!bias || (bias->n != outputs && bias->n != 1))
        return IMPORT_REFUSE(w, "its bias is not %" PRIu32 " constants: want one for each output",
                             outputs);
    enum err e = import_check_finite(w, "bias", bias);
    if (e)
        return e;
    for (uint32_t o = 0; o < outputs; o++)
        n->bias[o] = (float)(beta * (double)bias->real[bias->n == 1 ? 0 : o]);
    return ERR_NONE;
}

static enum err visit_conv(const struct import_walk *w)
{
    const struct array *weight = import_constant(w, 1);
    struct import_value *x;

    if (!weight || weight->n_dim < 3 || weight->n_dim > 4 || weight->n == 0)
        return IMPORT_REFUSE(w, "its weights are not constant or not of one or two axes: want "
                             "outputs x channels x rows x columns, or x columns");
    enum err e = import_check_finite(w, "weight", weight);
    if (!e)
        e = import_take_map(w, 0, &x);
    if (e)
        return e;
    struct import_node *n = import_add_node(w, IMPORT_CONV, x, NULL);
    if (!array_init(&n->weight, weight->type, weight->n_dim, weight->dim))
        return import_no_memory(w);
    memcpy(n->weight.real, weight->real, weight->n * sizeof *weight->real);
    e = start(w, n, weight->dim[0]);
    if (!e)
        e = import_settle_pads(w, n, weight->dim + 2);
    return e ? e : take_bias(w, n, 1);
}

/* Weights as a convolution has them, outputs first, so that constants behind it may join them. */
static enum err visit_transposed(const struct import_walk *w)
{
    const struct array *weight = import_constant(w, 1), *in = import_in_shape(w, 0);
    uint32_t dim[ONNX_MOST_DIMS];
    struct import_value *x;
    struct transposed t;

    if (!weight || weight->n_dim < 3 || weight->n_dim > 4 || weight->n == 0)
        return IMPORT_REFUSE(w, "its weights are not constant or not of one or two axes: want "
                             "channels x outputs x rows x columns, or x columns");
    enum err e = import_check_finite(w, "weight", weight);
    if (!e)
        e = transposed_read(w->node, weight->n_dim - 2, in->dim[1], in->dim + 2, weight->dim, &t,
                            w->msg);
    if (!e)
        e = import_take_map(w, 0, &x);
    if (e)
        return e;
    struct import_node *n = import_add_node(w, IMPORT_TRANSPOSED, x, NULL);
    memcpy(dim, weight->dim, sizeof dim);
    dim[0] = t.groups * t.outputs;
    dim[1] = t.inputs;
    if (!array_init(&n->weight, weight->type, weight->n_dim, dim))
        return import_no_memory(w);
    for (size_t i = 0; i < weight->n; i++)
        n->weight.real[transposed_place(&t, i)] = weight->real[i];
    n->groups = t.groups;
    e = start(w, n, dim[0]);
    return e ? e : take_bias(w, n, 1);
}

/* x times a constant matrix, kept as outputs x inputs. */
static enum err product(const struct import_walk *w, bool trans_b, double alpha, double beta)
{
    const struct array *b = import_constant(w, 1);
    struct import_value *x;

    if (!b || b->n_dim != 2 || b->n == 0 ||
        (import_in_shape(w, 0)->n_dim != 2 && strcmp(w->node->proto->op_type, "MatMul") != 0))
        return IMPORT_REFUSE(w, "its second factor is not a constant matrix, or its first not of "
                             "two dimensions: want a flattened map times weights");
    enum err e = import_check_finite(w, "weight", b);
    if (!e)
        e = import_take_map(w, 0, &x);
    if (e)
        return e;
    struct import_node *n = import_add_node(w, IMPORT_GEMM, x, NULL);
    const uint32_t dim[] = {b->dim[trans_b ? 0 : 1], b->dim[trans_b ? 1 : 0]};
    if (!array_init(&n->weight, b->type, 2, dim))
        return import_no_memory(w);
    for (size_t o = 0; o < dim[0]; o++)
        for (size_t i = 0; i < dim[1]; i++)
            n->weight.real[o * dim[1] + i] =
                (float)alpha * b->real[trans_b ? o * dim[1] + i : i * dim[0] + o];
    e = start(w, n, dim[0]);
    return e ? e : take_bias(w, n, beta);
}

static enum err visit_gemm(const struct import_walk *w)
{
    double alpha = 1, beta = 1;
    int64_t trans_a = 0, trans_b = 0;
    enum err e = onnx_attr_float(w->node, "alpha", &alpha, w->msg);

    if (!e)
        e = onnx_attr_float(w->node, "beta", &beta, w->msg);
    if (!e)
        e = onnx_attr_int(w->node, "transA", &trans_a, w->msg);
    if (!e)
        e = onnx_attr_int(w->node, "transB", &trans_b, w->msg);
    if (!e && trans_a)
        e = IMPORT_REFUSE(w, "transA is %" PRId64 ": want 0", trans_a);
    return e ? e : product(w, trans_b, alpha, beta);
}

/* Tokens times a constant matrix, of any number of dimensions; a vector of a batch is a Gemm's. */
static enum err of_tokens(const struct import_walk *w)
{
    enum err e = product(w, false, 1, 1);

    if (!e)
        w->im->node[w->im->n_node - 1].kind = IMPORT_MATMUL;
    return e;
}

/* Of two maps it is half of attention. */
static enum err visit_matmul(const struct import_walk *w)
{
    if (import_constant(w, 1) && import_in_shape(w, 0)->n_dim > 2)
        return of_tokens(w);
    if (import_constant(w, 0) || import_constant(w, 1))
        return product(w, false, 1, 1);
    return import_visit_whole(w, import_input(w, 0)->positive && import_input(w, 1)->positive);
}

const struct import_operator import_ops_affine[] = {
    {"Conv",   visit_conv},
    {"ConvTranspose", visit_transposed},
    {"Gemm",   visit_gemm},
    {"MatMul", visit_matmul},
    {0},
};
