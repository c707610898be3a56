/* onnx/read/op_conv.c -- Conv: over rows and columns, or columns only; any kernel, stride,
 * padding, dilation, group.
 */
#include <inttypes.h>

#include "onnx/read/reader.h"

static enum err check_channels(const struct onnx_reader *r, const struct onnx_node *node,
                               const struct onnx_meaning *x, const uint32_t *dim, uint32_t *groups)
{
    int64_t group = 1;
    enum err e = onnx_attr_int(node, "group", &group, r->msg);

    if (e)
        return e;
    if (group < 1 || x->shape.channels % (uint64_t)group || dim[0] % (uint64_t)group ||
        dim[1] != x->shape.channels / (uint64_t)group)
        return onnx_node_refuse(node, r->msg, "weights %" PRIu32 "x%" PRIu32 "x%" PRIu32 "x%" PRIu32
                                " in %" PRId64 " groups on a map of %" PRIu32 " channels: want "
                                "outputs x channels of a group x rows x columns", dim[0], dim[1],
                                dim[2], dim[3], group, x->shape.channels);
    *groups = (uint32_t)group;
    return ERR_NONE;
}

static enum err read_window(const struct onnx_reader *r, const struct onnx_node *node,
                            const struct onnx_meaning *x, const uint32_t *dim, struct layer *l)
{
    uint32_t kernel[2] = {dim[2], dim[3]};
    enum err e = onnx_read_sides(r, node, x, "kernel_shape", kernel);

    if (!e && (kernel[0] != dim[2] || kernel[1] != dim[3]))
        e = onnx_node_refuse(node, r->msg, "kernel_shape is %" PRIu32 "x%" PRIu32 ": want the %"
                             PRIu32 "x%" PRIu32 " of its weights", kernel[0], kernel[1], dim[2],
                             dim[3]);
    l->window.kernel[0] = dim[2];
    l->window.kernel[1] = dim[3];
    return e ? e : onnx_read_window(r, node, x, &l->window, &l->out);
}

enum err onnx_conv(struct onnx_reader *r, const struct onnx_node *node,
                   const struct onnx_meaning *x, const struct onnx_meaning *weights,
                   const struct onnx_meaning *bias, struct onnx_meaning *out)
{
    const struct onnx_affine affine = {.weights = weights, .bias = bias, .alpha = 1, .beta = 1};
    const uint32_t *given = weights->tensor.dim;
    bool flat = x->layout == ONNX_NCW;
    const uint32_t dim[] = {given[0], given[1], flat ? 1 : given[2], given[flat ? 2 : 3]};
    uint32_t groups = 1;
    struct onnx_draft *d;

    enum err e = onnx_check_layout(r, node, x);
    if (!e)
        e = onnx_check_weights(r, node, weights, flat ? 3 : 4);
    if (!e)
        e = check_channels(r, node, x, dim, &groups);
    if (!e)
        e = onnx_draft_affine(r, node, x, &affine, &d);
    if (!e)
        e = read_window(r, node, x, dim, &d->layer);
    if (e)
        return e;
    d->layer.kind = LAYER_CONV;
    d->layer.groups = groups;
    *out = (struct onnx_meaning){.means = ONNX_DRAFT, .draft = d, .shape = d->layer.out,
                                 .layout = x->layout};
    return ERR_NONE;
}

static enum err read_conv(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning x, out;
    enum err e = onnx_take_padded(r, node, 0, &x);

    if (!e)
        e = onnx_conv(r, node, &x, onnx_input(r, node, 1),
                      onnx_has_input(node, 2) ? onnx_input(r, node, 2) : NULL, &out);
    if (!e)
        onnx_output(r, node, out);
    return e;
}

const struct onnx_operator onnx_ops_conv[] = {
    {"Conv", 1, 2, 3, "auto_pad dilations group kernel_shape pads strides", read_conv},
    {0},
};
