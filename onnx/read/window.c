/* onnx/read/window.c -- strides, dilations and padding of convolutions and pools. */
#include <inttypes.h>
#include <string.h>

#include "core/util.h"
#include "onnx/read/reader.h"

static uint64_t reach_of(const struct window *w, int axis)
{
    return (uint64_t)(w->kernel[axis] - 1) * w->dilation[axis] + 1;
}

/* Padding that makes the output ceil(in / stride), the odd pixel at the end (UPPER) or start. */
static void pad_to_same(struct window *w, int axis, uint32_t in, bool upper)
{
    uint64_t out = ceil_div(in, w->stride[axis]);
    uint64_t need = (out - 1) * w->stride[axis] + reach_of(w, axis);
    uint32_t total = need > in ? (uint32_t)(need - in) : 0;

    w->pad_before[axis] = upper ? total / 2 : total - total / 2;
    w->pad_after[axis] = total - w->pad_before[axis];
}

enum err onnx_read_sides(const struct onnx_reader *r, const struct onnx_node *node,
                         const struct onnx_meaning *x, const char *name, uint32_t v[2])
{
    bool flat = x->layout == ONNX_NCW;
    return onnx_attr_sizes(node, name, v + flat, flat ? 1 : 2, 1, r->msg);
}

enum err onnx_read_pads(const struct onnx_reader *r, const struct onnx_node *node,
                        const struct onnx_meaning *x, uint32_t v[4])
{
    uint32_t ends[] = {v[1], v[3]};

    if (x->layout != ONNX_NCW)
        return onnx_attr_sizes(node, "pads", v, 4, 0, r->msg);
    enum err e = onnx_attr_sizes(node, "pads", ends, 2, 0, r->msg);
    v[1] = ends[0];
    v[3] = ends[1];
    return e;
}

/* in: rows and columns, those added by Pad included. */
static enum err read_padding(const struct onnx_reader *r, const struct onnx_node *node,
                             const struct onnx_meaning *x, const uint32_t in[2], struct window *w)
{
    char automatic[16] = "NOTSET";
    uint32_t pads[4] = {0}; // starts, then ends
    enum err e = onnx_attr_text(node, "auto_pad", automatic, sizeof automatic, r->msg);

    if (!e)
        e = onnx_read_pads(r, node, x, pads);
    if (e)
        return e;
    bool upper = strcmp(automatic, "SAME_UPPER") == 0;
    for (int axis = 0; axis < 2; axis++) {
        w->pad_before[axis] = pads[axis];
        w->pad_after[axis] = pads[2 + axis];
        if (upper || strcmp(automatic, "SAME_LOWER") == 0)
            pad_to_same(w, axis, in[axis], upper);
        else if (strcmp(automatic, "VALID") == 0)
            w->pad_before[axis] = w->pad_after[axis] = 0;
        else if (strcmp(automatic, "NOTSET") != 0)
            return onnx_node_refuse(node, r->msg, "auto_pad is \"%s\": want NOTSET, SAME_UPPER, "
                                    "SAME_LOWER or VALID", automatic);
    }
    return ERR_NONE;
}

/* Outputs along an axis; 0 when the kernel does not fit once. A last window of ceil_mode, which
 * begins in the map or in the padding before it, is more padding behind. */
static uint32_t output_length(struct window *w, int axis, uint32_t in, bool ceil_mode)
{
    uint64_t reach = reach_of(w, axis), stride = w->stride[axis];
    uint64_t padded = (uint64_t)in + w->pad_before[axis] + w->pad_after[axis];

    if (padded < reach)
        return 0;
    uint64_t out = (padded - reach) / stride + 1;
    if (ceil_mode && (padded - reach) % stride && out * stride < in + w->pad_before[axis]) {
        w->pad_after[axis] += (uint32_t)(out * stride + reach - padded);
        out++;
    }
    return (uint32_t)out;
}

enum err onnx_read_window(const struct onnx_reader *r, const struct onnx_node *node,
                          const struct onnx_meaning *x, struct window *w, struct shape *out)
{
    const struct shape *in = &x->shape;
    const uint32_t *pad = x->pad;
    const uint32_t length[] = {in->height + pad[0] + pad[2], in->width + pad[1] + pad[3]};
    int64_t ceil_mode = 0;

    for (int axis = 0; axis < 2; axis++)
        w->stride[axis] = w->dilation[axis] = 1;
    enum err e = onnx_read_sides(r, node, x, "strides", w->stride);
    if (!e)
        e = onnx_read_sides(r, node, x, "dilations", w->dilation);
    if (!e)
        e = onnx_attr_int(node, "ceil_mode", &ceil_mode, r->msg);
    if (!e)
        e = read_padding(r, node, x, length, w);
    if (e)
        return e;
    out->height = output_length(w, 0, length[0], ceil_mode != 0);
    out->width = output_length(w, 1, length[1], ceil_mode != 0);
    for (int axis = 0; axis < 2; axis++) {
        w->pad_before[axis] += pad[axis];
        w->pad_after[axis] += pad[2 + axis];
    }
    if (out->height == 0 || out->width == 0)
        return onnx_node_refuse(node, r->msg, "its kernel is larger than the padded map of %" PRIu32
                                "x%" PRIu32 ": want a larger map", length[0], length[1]);
    return ERR_NONE;
}
