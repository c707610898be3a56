/* import/nodes.c -- nodes of the quantised model, from those of the float graph. */
#include "import/build.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REDUCES_BY_INPUT = 18 };

/* ---- Attributes ---- */

static void add_integers(struct onnx_build *b, Onnx__NodeProto *node, char *name, size_t n,
                         int64_t *v)
{
    Onnx__AttributeProto a = ONNX__ATTRIBUTE_PROTO__INIT;

    a.name = name;
    a.has_type = 1;
    a.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
    a.n_ints = n;
    a.ints = v;
    onnx_build_attribute(b, node, &a);
}

static void add_text(struct onnx_build *b, Onnx__NodeProto *node, char *name, char *text)
{
    Onnx__AttributeProto a = ONNX__ATTRIBUTE_PROTO__INIT;

    a.name = name;
    a.has_type = a.has_s = 1;
    a.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
    a.s = (ProtobufCBinaryData){strlen(text), (uint8_t *)text};
    onnx_build_attribute(b, node, &a);
}

/* Those of the float graph's node, but for pads that import has settled. */
static void add_attributes(struct onnx_build *b, Onnx__NodeProto *node,
                           const struct import_node *n)
{
    const Onnx__NodeProto *from = n->node->proto;
    int64_t pad[4];

    for (size_t i = 0; i < from->n_attribute; i++) {
        const char *name = from->attribute[i]->name;
        if (n->n_pad == 0 || (strcmp(name, "auto_pad") != 0 && strcmp(name, "pads") != 0))
            onnx_build_attribute(b, node, from->attribute[i]);
    }
    memcpy(pad, n->pad, sizeof pad);
    if (n->n_pad > 0)
        add_integers(b, node, "pads", n->n_pad, pad);
}

/* ---- Those of weights ---- */

/* MatMul, then Add. */
static void add_product(const struct import *im, struct onnx_build *b, const struct import_node *n,
                        const char *weight, const char *bias)
{
    const char *out = value_name(im, n->out);
    struct name sums = joined(out, "_product");
    Onnx__NodeProto *product =
        onnx_build_node(b, "MatMul", joined(node_name(im, n), "/MatMul").text, sums.text);

    onnx_build_node_input(b, product, read_name(im, n->in[0]).text);
    onnx_build_node_input(b, product, weight);
    Onnx__NodeProto *add = onnx_build_node(b, "Add", node_name(im, n), out);
    onnx_build_node_input(b, add, sums.text);
    onnx_build_node_input(b, add, bias);
}

static enum err add_affine(const struct import *im, struct onnx_build *b,
                           const struct import_node *n, struct err_msg *m)
{
    const char *out = value_name(im, n->out);
    bool raw = n->out == im->end[im->result].value && !im->value[n->out].rounded;
    struct name weight = joined(out, "_weight"), bias = joined(out, "_bias");
    enum err e = import_add_weights(im, b, n, im->cfg.per_channel && !raw, weight.text, m);

    if (!e)
        e = import_check_numbers(n, "bias", n->bias, n->weight.dim[0], m);
    if (e)
        return e;
    onnx_build_tensor(b, bias.text, TYPE(FLOAT), 1, n->weight.dim, n->bias,
                      n->weight.dim[0] * sizeof *n->bias);
    if (n->kind == IMPORT_MATMUL) {
        add_product(im, b, n, weight.text, bias.text);
        return ERR_NONE;
    }
    Onnx__NodeProto *node = onnx_build_node(b, n->kind == IMPORT_CONV   ? "Conv"
                                               : n->kind == IMPORT_GEMM ? "Gemm"
                                                                        : "ConvTranspose",
                                            node_name(im, n), out);
    onnx_build_node_input(b, node, read_name(im, n->in[0]).text);
    onnx_build_node_input(b, node, weight.text);
    onnx_build_node_input(b, node, bias.text);
    if (n->kind == IMPORT_GEMM)
        onnx_build_int(b, node, "transB", 1);
    else
        add_attributes(b, node, n);
    return ERR_NONE;
}

/* A list of numbers for each channel, as one more input of a node. */
static void add_factors(struct onnx_build *b, const struct import_node *n, const char *name,
                        const float *v)
{
    uint32_t dim[ONNX_MOST_DIMS] = {n->weight.dim[0], 1, 1, 1, 1, 1, 1, 1};

    onnx_build_tensor(b, name, TYPE(FLOAT), n->behind + 1, dim, v, n->weight.n * sizeof *v);
}

/* Mul, then Add. */
static enum err add_scaling(const struct import *im, struct onnx_build *b,
                            const struct import_node *n, struct err_msg *m)
{
    const char *out = value_name(im, n->out);
    struct name scaled = joined(out, "_scaled"), factor = joined(out, "_factor");
    struct name offset = joined(out, "_offset");

    enum err e = import_check_numbers(n, "factor", n->weight.real, n->weight.n, m);
    if (!e)
        e = import_check_numbers(n, "offset", n->bias, n->weight.n, m);
    if (e)
        return e;
    import_fit_steps(im, n, n->weight.real, n->weight.n);
    add_factors(b, n, factor.text, n->weight.real);
    add_factors(b, n, offset.text, n->bias);
    Onnx__NodeProto *mul =
        onnx_build_node(b, "Mul", joined(node_name(im, n), "/Mul").text, scaled.text);
    onnx_build_node_input(b, mul, read_name(im, n->in[0]).text);
    onnx_build_node_input(b, mul, factor.text);
    Onnx__NodeProto *add = onnx_build_node(b, "Add", node_name(im, n), out);
    onnx_build_node_input(b, add, scaled.text);
    onnx_build_node_input(b, add, offset.text);
    return ERR_NONE;
}

/* ---- Others ---- */

static void add_mean(const struct import *im, struct onnx_build *b, const struct import_node *n)
{
    const char *out = value_name(im, n->out);
    struct name mean = joined(out, n->flat ? "_mean" : "");
    Onnx__NodeProto *pool = onnx_build_node(b, n->largest ? "GlobalMaxPool" : "GlobalAveragePool",
                                            node_name(im, n), mean.text);

    onnx_build_node_input(b, pool, read_name(im, n->in[0]).text);
    if (n->flat)
        onnx_build_node_input(
            b, onnx_build_node(b, "Flatten", joined(node_name(im, n), "/Flatten").text, out),
            mean.text);
}

/* Axes are an input of ReduceSum, of the others from set 18 on. */
static void add_reduced(const struct import *im, struct onnx_build *b, const struct import_node *n)
{
    const Onnx__NodeProto *from = n->node->proto;
    const char *out = value_name(im, n->out);
    const struct array *axes = &n->list[0];
    struct name list = joined(out, "_axes");
    Onnx__NodeProto *node = onnx_build_node(b, from->op_type, node_name(im, n), out);

    onnx_build_node_input(b, node, read_name(im, n->in[0]).text);
    for (size_t i = 0; i < from->n_attribute; i++)
        if (strcmp(from->attribute[i]->name, "keepdims") == 0)
            onnx_build_attribute(b, node, from->attribute[i]);
    if (strcmp(from->op_type, "ReduceSum") != 0 && import_operator_set(im) < REDUCES_BY_INPUT) {
        add_integers(b, node, "axes", axes->n, axes->integer);
        return;
    }
    onnx_build_tensor(b, list.text, TYPE(INT64), 1, axes->dim, axes->integer,
                      axes->n * sizeof *axes->integer);
    onnx_build_node_input(b, node, list.text);
}

static void add_bound(struct onnx_build *b, Onnx__NodeProto *node, const char *name, double v)
{
    float bound = (float)v;

    if (isinf(v)) {
        onnx_build_node_input(b, node, "");
        return;
    }
    onnx_build_tensor(b, name, TYPE(FLOAT), 0, NULL, &bound, sizeof bound);
    onnx_build_node_input(b, node, name);
}

static void add_clip(const struct import *im, struct onnx_build *b, const struct import_node *n)
{
    const char *out = value_name(im, n->out);
    bool relu = n->low == 0 && isinf(n->high);
    Onnx__NodeProto *node = onnx_build_node(b, relu ? "Relu" : "Clip", node_name(im, n), out);

    onnx_build_node_input(b, node, read_name(im, n->in[0]).text);
    if (relu)
        return;
    add_bound(b, node, joined(out, "_min").text, n->low);
    add_bound(b, node, joined(out, "_max").text, n->high);
}

/* Resize as set 11 has it: sizes behind two inputs that are left out. Before, the nearest pixel was
 * the one that the coordinate, divided, lies in. */
static void begin_resize(const struct import *im, struct onnx_build *b,
                         const struct import_node *n, Onnx__NodeProto *node)
{
    static char *const names[] = {"mode", "coordinate_transformation_mode", "nearest_mode"};
    static char *const before[] = {"nearest", "asymmetric", "floor"};
    const Onnx__NodeProto *from = n->node->proto;

    onnx_build_node_input(b, node, "");
    onnx_build_node_input(b, node, "");
    for (int k = 0; k < 3; k++) {
        if (im->graph->graph.opset < 11)
            add_text(b, node, names[k], before[k]);
        for (size_t i = 0; i < from->n_attribute && im->graph->graph.opset >= 11; i++)
            if (strcmp(from->attribute[i]->name, names[k]) == 0)
                onnx_build_attribute(b, node, from->attribute[i]);
    }
}

/* A node of the float graph's operator, with its attributes unless its lists say the same. */
static void add_copy(const struct import *im, struct onnx_build *b, const struct import_node *n)
{
    const Onnx__NodeProto *from = n->node->proto;
    const char *out = value_name(im, n->out);
    Onnx__NodeProto *node = onnx_build_node(b, n->kind == IMPORT_RESHAPE ? "Reshape"
                                               : n->kind == IMPORT_FLATTEN ? "Flatten"
                                               : n->kind == IMPORT_RESIZE  ? "Resize"
                                               : n->kind == IMPORT_SPLIT   ? "Slice"
                                                                           : from->op_type,
                                            node_name(im, n), out);

    if (n->kind == IMPORT_CONCAT)
        for (uint32_t i = 0; i < n->n_more; i++)
            onnx_build_node_input(b, node, read_name(im, n->more[i]).text);
    else
        for (int i = 0; i < 2; i++)
            if (n->in[i] != ONNX_ABSENT)
                onnx_build_node_input(b, node, read_name(im, n->in[i]).text);
    if (n->kind == IMPORT_RESIZE)
        begin_resize(im, b, n, node);
    if (n->kind == IMPORT_COPY && n->weight.n > 0) {
        struct name name = joined(out, "_constant");
        onnx_build_tensor(b, name.text, TYPE(FLOAT), n->weight.n_dim, n->weight.dim,
                          n->weight.real, n->weight.n * sizeof *n->weight.real);
        onnx_build_node_input(b, node, name.text);
    }
    for (uint32_t i = 0; i < n->n_list; i++) {
        char ending[16];
        snprintf(ending, sizeof ending, "_list%" PRIu32, i);
        struct name name = joined(out, ending);
        onnx_build_tensor(b, name.text, TYPE(INT64), 1, n->list[i].dim, n->list[i].integer,
                          n->list[i].n * sizeof *n->list[i].integer);
        onnx_build_node_input(b, node, name.text);
    }
    if (n->kind == IMPORT_COPY || n->kind == IMPORT_CONCAT)
        add_attributes(b, node, n);
}

/* A constant of the float graph as one of the file's. */
static void add_constant(struct onnx_build *b, const char *name, const struct array *a)
{
    const size_t bytes = a->real ? sizeof *a->real : onnx_type_bits(a->type) / 8;
    uint8_t *data = malloc(a->n * bytes + 1);

    if (!data) {
        b->failed = true;
        return;
    }
    if (a->real)
        memcpy(data, a->real, a->n * bytes);
    for (size_t i = 0; a->integer && i < a->n; i++)
        for (size_t k = 0; k < bytes; k++)
            data[i * bytes + k] = (uint8_t)((uint64_t)a->integer[i] >> 8 * k);
    onnx_build_tensor(b, name, a->real ? TYPE(FLOAT) : a->type, a->n_dim, a->dim, data,
                      a->n * bytes);
    free(data);
}

/* Every input where it is in the float graph; Softmax by its axis, whose default has changed. */
static void add_whole(const struct import *im, struct onnx_build *b, const struct import_node *n)
{
    const struct onnx_node *from = n->node;
    const char *out = value_name(im, n->out);
    Onnx__NodeProto *node = onnx_build_node(b, from->proto->op_type, node_name(im, n), out);

    for (uint32_t i = 0; i < from->n_input; i++) {
        const uint32_t v = from->input[i];
        const struct array *a = v == ONNX_ABSENT ? NULL : &im->graph->constant[v];
        char ending[24];
        snprintf(ending, sizeof ending, "_constant%" PRIu32, i);
        struct name constant = joined(out, ending);
        if (a && (a->real || a->integer))
            add_constant(b, constant.text, a);
        onnx_build_node_input(b, node, !a                      ? ""
                                       : a->real || a->integer ? constant.text
                                            : read_name(im, im->value[v].source).text);
    }
    if (strcmp(from->proto->op_type, "Softmax") == 0)
        onnx_build_int(b, node, "axis", n->axis);
    else
        add_attributes(b, node, n);
}

/* ---- All kinds ---- */

enum err import_write_node(const struct import *im, struct onnx_build *b,
                           const struct import_node *n, struct err_msg *m)
{
    switch (n->kind) {
    case IMPORT_CONV:
    case IMPORT_TRANSPOSED:
    case IMPORT_GEMM:
    case IMPORT_MATMUL:
        return add_affine(im, b, n, m);
    case IMPORT_SCALE:
        return add_scaling(im, b, n, m);
    case IMPORT_MEAN:
        add_mean(im, b, n);
        return ERR_NONE;
    case IMPORT_REDUCE:
        add_reduced(im, b, n);
        return ERR_NONE;
    case IMPORT_CLIP:
        add_clip(im, b, n);
        return ERR_NONE;
    case IMPORT_NODE:
        add_whole(im, b, n);
        return ERR_NONE;
    case IMPORT_ADD:
    case IMPORT_COPY:
    case IMPORT_CONCAT:
    case IMPORT_FLATTEN:
    case IMPORT_RESHAPE:
    case IMPORT_RESIZE:
    case IMPORT_SPLIT:
    case IMPORT_LISTS:
        break;
    }
    add_copy(im, b, n);
    return ERR_NONE;
}
