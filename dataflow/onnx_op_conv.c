/* dataflow/onnx_op_conv.c -- Conv: two-dimensional; any kernel, stride, padding, dilation. */
#include <inttypes.h>
#include <string.h>

#include "core/util.h"
#include "dataflow/onnx_read.h"

/* Padding that makes the output ceil(in / stride), the odd pixel at the end (UPPER) or start. */
static void pad_to_same(struct window *w, int axis, uint32_t in, bool upper)
{
    uint64_t out = ceil_div(in, w->stride[axis]);
    uint64_t reach = (uint64_t)(w->kernel[axis] - 1) * w->dilation[axis] + 1;
    uint64_t need = (out - 1) * w->stride[axis] + reach;
    uint32_t total = need > in ? (uint32_t)(need - in) : 0;

    w->pad_before[axis] = upper ? total / 2 : total - total / 2;
    w->pad_after[axis] = total - w->pad_before[axis];
}

static enum err read_padding(const struct onnx_reader *r, const struct onnx_node *node,
                             const struct shape *in, struct window *w)
{
    char automatic[16] = "NOTSET";
    uint32_t pads[4] = {0}; // starts, then ends
    enum err e = onnx_attr_text(node, "auto_pad", automatic, sizeof automatic, r->msg);

    if (!e)
        e = onnx_attr_sizes(node, "pads", pads, 4, 0, r->msg);
    if (e)
        return e;
    bool upper = strcmp(automatic, "SAME_UPPER") == 0;
    for (int axis = 0; axis < 2; axis++) {
        w->pad_before[axis] = pads[axis];
        w->pad_after[axis] = pads[2 + axis];
        if (upper || strcmp(automatic, "SAME_LOWER") == 0)
            pad_to_same(w, axis, axis == 0 ? in->height : in->width, upper);
        else if (strcmp(automatic, "VALID") == 0)
            w->pad_before[axis] = w->pad_after[axis] = 0;
        else if (strcmp(automatic, "NOTSET") != 0)
            return onnx_node_refuse(node, r->msg, "auto_pad is \"%s\": want NOTSET, SAME_UPPER, "
                                    "SAME_LOWER or VALID", automatic);
    }
    return ERR_NONE;
}

static enum err read_window(const struct onnx_reader *r, const struct onnx_node *node,
                            const struct onnx_tensor *weights, const struct shape *in,
                            struct window *w)
{
    uint32_t kernel[2] = {weights->dim[2], weights->dim[3]};

    *w = (struct window){.kernel = {kernel[0], kernel[1]}, .stride = {1, 1}, .dilation = {1, 1}};
    enum err e = onnx_attr_sizes(node, "kernel_shape", kernel, 2, 1, r->msg);
    if (!e && (kernel[0] != w->kernel[0] || kernel[1] != w->kernel[1]))
        e = onnx_node_refuse(node, r->msg, "kernel_shape is %" PRIu32 "x%" PRIu32 ": want the %"
                             PRIu32 "x%" PRIu32 " of its weights", kernel[0], kernel[1],
                             w->kernel[0], w->kernel[1]);
    if (!e)
        e = onnx_attr_sizes(node, "strides", w->stride, 2, 1, r->msg);
    if (!e)
        e = onnx_attr_sizes(node, "dilations", w->dilation, 2, 1, r->msg);
    return e ? e : read_padding(r, node, in, w);
}

/* Length of the output along an axis; 0 when the kernel does not fit once. */
static uint32_t output_length(const struct window *w, int axis, uint32_t in)
{
    uint64_t reach = (uint64_t)(w->kernel[axis] - 1) * w->dilation[axis] + 1;
    uint64_t padded = (uint64_t)in + w->pad_before[axis] + w->pad_after[axis];

    return padded < reach ? 0 : (uint32_t)((padded - reach) / w->stride[axis] + 1);
}

static enum err check_channels(const struct onnx_reader *r, const struct onnx_node *node,
                               uint32_t *groups)
{
    const struct onnx_meaning *x = onnx_input(r, node, 0), *w = onnx_input(r, node, 1);
    const uint32_t *dim = w->tensor.dim;
    int64_t group = 1;

    enum err e = onnx_check_weights(r, node, 4, false);
    if (!e)
        e = onnx_attr_int(node, "group", &group, r->msg);
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

static enum err read_conv(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_tensor *weights = &onnx_input(r, node, 1)->tensor;
    const struct onnx_affine affine = {.axis = 0, .alpha = 1, .beta = 1};
    struct onnx_draft *d;
    uint32_t groups = 1;

    enum err e = check_channels(r, node, &groups);
    if (!e)
        e = onnx_draft_new(r, node, &affine, &d);
    if (!e)
        e = read_window(r, node, weights, &d->layer.in, &d->layer.window);
    if (e)
        return e;

    struct layer *l = &d->layer;
    l->kind = LAYER_CONV;
    l->groups = groups;
    l->out.height = output_length(&l->window, 0, l->in.height);
    l->out.width = output_length(&l->window, 1, l->in.width);
    if (l->out.height == 0 || l->out.width == 0)
        return onnx_node_refuse(node, r->msg, "its kernel is larger than the padded map of %" PRIu32
                                "x%" PRIu32 ": want a larger map", l->in.height, l->in.width);
    onnx_output(r, node, (struct onnx_meaning){.means = ONNX_DRAFT, .draft = d, .shape = l->out});
    return ERR_NONE;
}

static const char *const attributes[] = {"auto_pad", "dilations", "group", "kernel_shape",
                                         "pads",     "strides",   NULL};

const struct onnx_operator onnx_op_conv = {"Conv", 1, 2, 3, attributes, read_conv};
