/* dataflow/onnx_op_add.c -- Add: the residual, summed with a result before it is rounded. */
#include <inttypes.h>
#include <string.h>

#include "dataflow/onnx_read.h"

static enum err read_add(struct onnx_reader *r, const struct onnx_node *node)
{
    bool swapped = onnx_input(r, node, 0)->means == ONNX_PIXELS;
    const struct onnx_meaning *sum, *residual;

    if (swapped && onnx_input(r, node, 1)->means == ONNX_PIXELS)
        return onnx_node_refuse(node, r->msg, "adds two quantised maps: want one of them straight "
                                "from its Conv, without QuantizeLinear");
    enum err e = onnx_take_draft(r, node, swapped ? 1 : 0, &sum);
    if (!e)
        e = onnx_take_pixels(r, node, swapped ? 0 : 1, &residual);
    if (e)
        return e;
    struct layer *l = &sum->draft->layer;
    if (sum->draft->pools || l->relu || l->has_residual)
        return onnx_node_refuse(node, r->msg, "adds to what is already %s: want QuantizeLinear "
                                "before it", l->has_residual ? "a sum" : l->relu ? "cut by Relu"
                                                                                 : "pooled");
    if (sum->flat != residual->flat || memcmp(&sum->shape, &residual->shape, sizeof sum->shape))
        return onnx_node_refuse(node, r->msg, "adds %" PRIu32 "x%" PRIu32 "x%" PRIu32 " (rows x "
                                "columns x channels) to %" PRIu32 "x%" PRIu32 "x%" PRIu32 ": want "
                                "the same shape", residual->shape.height, residual->shape.width,
                                residual->shape.channels, sum->shape.height, sum->shape.width,
                                sum->shape.channels);
    l->has_residual = true;
    l->residual = residual->layer;
    sum->draft->residual_scale = r->network->layer[residual->layer].out_scale;
    onnx_output(r, node, *sum);
    return ERR_NONE;
}

static const char *const attributes[] = {NULL};

const struct onnx_operator onnx_op_add = {"Add", 7, 2, 2, attributes, read_add};
