/* onnx/kind.c -- see kind.h. */
#include "onnx/kind.h"

#include <math.h>
#include <string.h>

#include "onnx/tensor.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

static bool makes_integers(const Onnx__NodeProto *node)
{
    for (size_t i = 0; i < node->n_attribute; i++)
        if (strcmp(node->attribute[i]->name ? node->attribute[i]->name : "", "to") == 0)
            return node->attribute[i]->i == TYPE(INT32) || node->attribute[i]->i == TYPE(INT64);
    return false;
}

/* Whether tensor t, where it may be weights, holds whole numbers. */
static bool is_whole(const Onnx__TensorProto *t)
{
    struct onnx_tensor v;
    struct err_msg ignored;

    if (t->n_dims < 2 || onnx_tensor_view(&v, t, &ignored) || !onnx_type_is_real(v.type))
        return true;
    for (size_t i = 0; i < v.n; i++) {
        double w = onnx_tensor_real(&v, i);
        if (w != rint(w))
            return false;
    }
    return true;
}

/* The same of what a node Constant holds. */
static bool holds_whole(const Onnx__NodeProto *node)
{
    bool whole = true;

    if (strcmp(node->op_type ? node->op_type : "", "Constant") == 0)
        for (size_t i = 0; i < node->n_attribute; i++)
            whole &= !node->attribute[i]->t || is_whole(node->attribute[i]->t);
    return whole;
}

bool onnx_is_of_integers(const Onnx__ModelProto *model)
{
    const Onnx__GraphProto *g = model->graph;
    bool some = false;

    for (size_t i = 0; g && i < g->n_node; i++) {
        const char *type = g->node[i]->op_type ? g->node[i]->op_type : "";
        if (strcmp(type, "RequantShift") == 0)
            return true;
        if (strstr(type, "QuantizeLinear"))
            return false;
        some |= strcmp(type, "Floor") == 0 ||
                (strcmp(type, "Cast") == 0 && makes_integers(g->node[i]));
    }
    for (size_t i = 0; some && i < g->n_initializer; i++)
        some = is_whole(g->initializer[i]);
    for (size_t i = 0; some && i < g->n_node; i++)
        some = holds_whole(g->node[i]);
    return some;
}

/* Whether an input of the graph holds codes, which no QuantizeLinear need make. */
static bool is_given_codes(const Onnx__GraphProto *g)
{
    for (size_t i = 0; i < g->n_input; i++) {
        const Onnx__TypeProto *type = g->input[i]->type;
        if (type && type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE &&
            onnx_type_is_code(type->tensor_type->elem_type))
            return true;
    }
    return false;
}

bool onnx_model_is_quantised(const Onnx__ModelProto *model)
{
    const Onnx__GraphProto *g = model->graph;
    bool restores = false;

    if (onnx_is_of_integers(model))
        return true;
    for (size_t i = 0; g && i < g->n_node; i++) {
        const char *type = g->node[i]->op_type ? g->node[i]->op_type : "";
        if (strcmp(type, "DequantizeLinear") == 0)
            restores = true;
        else if (strstr(type, "Linear") || strcmp(type, "QGemm") == 0)
            return true;
    }
    return restores && is_given_codes(g);
}
