/* dataflow/onnx_op_flatten.c -- Flatten: batch x channels x rows x columns to batch x values. */
#include <inttypes.h>

#include "dataflow/onnx_read.h"

static enum err read_flatten(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_meaning *x = onnx_input(r, node, 0);
    int64_t axis = 1;

    enum err e = onnx_attr_int(node, "axis", &axis, r->msg);
    if (!e && x->means != ONNX_BYTES && x->means != ONNX_PIXELS)
        e = onnx_take_draft(r, node, 0, &x);
    if (e)
        return e;
    if (axis != 1 && axis != (x->flat ? -1 : -3))
        return onnx_node_refuse(node, r->msg, "flattens from axis %" PRId64 ": want 1, all but the "
                                "batch", axis);
    struct onnx_meaning out = *x;
    out.flat = true;
    onnx_output(r, node, out);
    return ERR_NONE;
}

static const char *const attributes[] = {"axis", NULL};

const struct onnx_operator onnx_op_flatten = {"Flatten", 1, 1, 1, attributes, read_flatten};
