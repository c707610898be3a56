/* network/onnx/op_add.c -- Add and Sub: of two maps, one of which is the residual, summed with the
 * other before it is rounded; or of a map and constants. */
#include "network/onnx/read.h"

/* sign[i] * input i, summed: one a draft, or made one; the other rounded, and of one layer. */
static enum err add_maps(struct onnx_reader *r, const struct onnx_node *node, const int sign[2])
{
    static const double minus = -1, nothing = 0;
    uint32_t open = onnx_input(r, node, 1)->means == ONNX_DRAFT ? 1 : 0;
    struct onnx_meaning sum, residual;

    if (open == 1 && onnx_input(r, node, 0)->means == ONNX_DRAFT)
        return onnx_node_refuse(node, r->msg, "adds two unquantised results: want QuantizeLinear "
                                "behind one of them");
    enum err e = onnx_take_open(r, node, open, &sum);
    if (!e && sign[open] < 0)
        e = onnx_draft_scale(r, node, sum.draft, 1, &minus, &nothing);
    if (!e)
        e = onnx_take_pixels(r, node, 1 - open, &residual);
    if (!e)
        e = onnx_single(r, node, &residual);
    if (!e)
        e = onnx_draft_add(r, node, &sum, &residual, sign[1 - open]);
    if (!e)
        onnx_output(r, node, sum);
    return e;
}

static enum err read_sum(struct onnx_reader *r, const struct onnx_node *node, int second)
{
    const int sign[] = {1, second};

    for (uint32_t i = 0; i < 2; i++)
        if (onnx_is_constant(onnx_input(r, node, i)))
            return onnx_add_constant(r, node, i, sign);
    return add_maps(r, node, sign);
}

static enum err read_add(struct onnx_reader *r, const struct onnx_node *node)
{
    return read_sum(r, node, 1);
}

static enum err read_sub(struct onnx_reader *r, const struct onnx_node *node)
{
    return read_sum(r, node, -1);
}

const struct onnx_operator onnx_ops_add[] = {
    {"Add", 7, 2, 2, "", read_add},
    {"Sub", 7, 2, 2, "", read_sub},
    {0},
};
