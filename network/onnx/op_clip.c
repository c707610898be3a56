/* network/onnx/op_clip.c -- Relu and Clip: bounds of the clamp that follows rounding. On a rounded
 * map whose bytes keep within the bounds anyway they are nothing, else they begin a LAYER_SCALE. */
#include <inttypes.h>
#include <math.h>

#include "network/onnx/read.h"

/* Whether what layer l delivers lies within the bounds, to a hundredth of a step. */
static bool keeps_within(const struct layer *l, double low, double high)
{
    int32_t least = l->out_signed ? INT8_MIN : 0, most = l->out_signed ? INT8_MAX : UINT8_MAX;

    if (l->kind != LAYER_IMAGE) {
        least = l->pooled ? l->pool.low : l->requant.low;
        most = l->pooled ? l->pool.high : l->requant.high;
    }
    return least - l->out_zero >= low / l->out_scale - 0.01 &&
           most - l->out_zero <= high / l->out_scale + 0.01;
}

static enum err clip(struct onnx_reader *r, const struct onnx_node *node, double low, double high)
{
    struct onnx_meaning x = onnx_passed_on(r, node, 0);
    bool idle = x.means == ONNX_PIXELS && low <= 0 && high >= 0; // zeros around it stay

    for (uint32_t i = 0; i < x.n_layer && idle; i++)
        idle = keeps_within(&r->network->layer[x.layer[i]], low, high);
    enum err e = ERR_NONE;
    if (!idle) {
        e = onnx_take_open(r, node, 0, &x);
        if (!e)
            e = onnx_draft_clip(r, node, x.draft, low, high);
    }
    if (!e)
        onnx_output(r, node, x);
    return e;
}

static enum err read_relu(struct onnx_reader *r, const struct onnx_node *node)
{
    return clip(r, node, 0, INFINITY);
}

/* Bounds are attributes up to set 10, inputs later. */
static enum err read_bound(const struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                           const char *attribute, double *v)
{
    if (!onnx_has_input(node, i))
        return onnx_attr_float(node, attribute, v, r->msg);
    const struct onnx_meaning *m = onnx_input(r, node, i);
    if (!onnx_is_constant(m) || !onnx_tensor_is_single(&m->tensor))
        return onnx_node_refuse(node, r->msg, "its bound %s is %s: want one stored number",
                                attribute, onnx_means_text(m->means));
    *v = onnx_constant(m, 0);
    return ERR_NONE;
}

static enum err read_clip(struct onnx_reader *r, const struct onnx_node *node)
{
    double low = -INFINITY, high = INFINITY;
    enum err e = read_bound(r, node, 1, "min", &low);

    if (!e)
        e = read_bound(r, node, 2, "max", &high);
    if (!e && !(low <= high))
        e = onnx_node_refuse(node, r->msg, "clips to %g .. %g: want bounds in order", low, high);
    return e ? e : clip(r, node, low, high);
}

const struct onnx_operator onnx_ops_clip[] = {
    {"Clip", 6, 1, 3, "min max", read_clip},
    {"Relu", 1, 1, 1, "", read_relu},
    {0},
};
