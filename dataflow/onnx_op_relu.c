/* dataflow/onnx_op_relu.c -- Relu: the lower bound of the clamp that follows rounding. */
#include "dataflow/onnx_read.h"

static enum err read_relu(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_meaning *x;
    enum err e = onnx_take_draft(r, node, 0, &x);

    if (e)
        return e;
    x->draft->layer.relu = true;
    onnx_output(r, node, *x);
    return ERR_NONE;
}

static const char *const attributes[] = {NULL};

const struct onnx_operator onnx_op_relu = {"Relu", 1, 1, 1, attributes, read_relu};
