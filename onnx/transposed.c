/* onnx/transposed.c -- see transposed.h. */
#include "onnx/transposed.h"

#include <inttypes.h>
#include <string.h>

enum { MOST_LENGTH = 65536 };

static int64_t reach_of(const struct transposed *t, uint32_t axis)
{
    return (int64_t)(t->kernel[axis] - 1) * t->dilation[axis] + 1;
}

static enum err check_channels(const struct onnx_node *node, uint32_t channels,
                               const uint32_t *dim, struct transposed *t, struct err_msg *m)
{
    int64_t group = 1;
    enum err e = onnx_attr_int(node, "group", &group, m);

    if (e)
        return e;
    if (group < 1 || channels % (uint64_t)group || dim[0] != channels || dim[1] < 1 ||
        (uint64_t)group * dim[1] > MOST_LENGTH)
        return onnx_node_refuse(node, m, "weights for %" PRIu32 " channels and %" PRIu32
                                " outputs of each of %" PRId64 " groups on a map of %" PRIu32
                                " channels: want channels x outputs of a group x rows x columns",
                                dim[0], dim[1], group, channels);
    t->groups = (uint32_t)group;
    t->inputs = channels / t->groups;
    t->outputs = dim[1];
    return ERR_NONE;
}

/* Pads that make the output `want` long: the odd pixel at the end (UPPER) or start. */
static void pad_for(int64_t whole, int64_t want, bool upper, int64_t pad[2])
{
    int64_t total = whole > want ? whole - want : 0;

    pad[0] = upper ? total / 2 : total - total / 2;
    pad[1] = total - pad[0];
}

struct asked { // of a node, beside strides
    uint32_t added[TRANSPOSED_AXES];    // output_padding
    uint32_t pads[2 * TRANSPOSED_AXES]; // begins, then ends
    uint32_t shape[TRANSPOSED_AXES];    // 0: left open
    char     automatic[16];
};

static enum err read_asked(const struct onnx_node *node, struct transposed *t, struct asked *a,
                           struct err_msg *m)
{
    uint32_t n = t->n_axis;
    enum err e = onnx_attr_sizes(node, "strides", t->stride, n, 1, m);

    if (!e)
        e = onnx_attr_sizes(node, "dilations", t->dilation, n, 1, m);
    if (!e)
        e = onnx_attr_sizes(node, "output_padding", a->added, n, 0, m);
    if (!e)
        e = onnx_attr_sizes(node, "output_shape", a->shape, n, 1, m);
    if (!e)
        e = onnx_attr_sizes(node, "pads", a->pads, 2 * n, 0, m);
    if (!e)
        e = onnx_attr_text(node, "auto_pad", a->automatic, sizeof a->automatic, m);
    if (!e && strcmp(a->automatic, "NOTSET") != 0 && strcmp(a->automatic, "VALID") != 0 &&
        strcmp(a->automatic, "SAME_UPPER") != 0 && strcmp(a->automatic, "SAME_LOWER") != 0)
        e = onnx_node_refuse(node, m, "auto_pad is \"%s\": want NOTSET, SAME_UPPER, SAME_LOWER or "
                             "VALID", a->automatic);
    return e;
}

static enum err find_padding(const struct onnx_node *node, struct transposed *t,
                             const struct asked *a, uint32_t axis, struct err_msg *m)
{
    bool upper = strcmp(a->automatic, "SAME_UPPER") == 0;
    bool same = upper || strcmp(a->automatic, "SAME_LOWER") == 0;
    int64_t reach = reach_of(t, axis), added = a->added[axis];
    int64_t whole = (int64_t)(t->in[axis] - 1) * t->stride[axis] + reach + added;
    int64_t pad[2] = {a->pads[axis], a->pads[t->n_axis + axis]};

    if (a->shape[axis] > whole) { // nothing but the bias falls behind it
        added += a->shape[axis] - whole;
        whole = a->shape[axis];
    }
    if (a->shape[axis] || same)
        pad_for(whole, a->shape[axis] ? a->shape[axis] : (int64_t)t->in[axis] * t->stride[axis],
                upper, pad);
    else if (strcmp(a->automatic, "VALID") == 0)
        pad[0] = pad[1] = 0;
    int64_t out = whole - pad[0] - pad[1];
    if (out < 1 || out > MOST_LENGTH || (a->shape[axis] && out != a->shape[axis]))
        return onnx_node_refuse(node, m, "makes %" PRId64 " %s of %" PRIu32 ": want 1 to %d, and "
                                "those of output_shape", out,
                                axis + 1 < t->n_axis ? "rows" : "columns", t->in[axis],
                                MOST_LENGTH);
    t->out[axis] = (uint32_t)out;
    t->before[axis] = reach - 1 - pad[0];
    t->behind[axis] = reach - 1 - pad[1] + added;
    return ERR_NONE;
}

enum err transposed_read(const struct onnx_node *node, uint32_t n_axis, uint32_t channels,
                         const uint32_t *in, const uint32_t *dim, struct transposed *t,
                         struct err_msg *m)
{
    struct asked a = {.automatic = "NOTSET"};

    *t = (struct transposed){.n_axis = n_axis, .stride = {1, 1}, .dilation = {1, 1}};
    enum err e = check_channels(node, channels, dim, t, m);
    memcpy(t->in, in, n_axis * sizeof *in);
    memcpy(t->kernel, dim + 2, n_axis * sizeof *dim);
    if (!e)
        e = onnx_attr_sizes(node, "kernel_shape", t->kernel, n_axis, 1, m);
    for (uint32_t i = 0; i < n_axis && !e; i++)
        if (t->kernel[i] != dim[2 + i] || t->kernel[i] < 1 || t->kernel[i] > MOST_LENGTH ||
            in[i] < 1 || in[i] > MOST_LENGTH)
            e = onnx_node_refuse(node, m, "a kernel of %" PRIu32 " along axis %" PRIu32 " of a map "
                                 "of %" PRIu32 ": want that of its weights, and 1 to %d",
                                 t->kernel[i], 2 + i, in[i], MOST_LENGTH);
    if (!e)
        e = read_asked(node, t, &a, m);
    for (uint32_t i = 0; i < n_axis && !e; i++)
        e = find_padding(node, t, &a, i, m);
    return e;
}

static size_t positions(const struct transposed *t)
{
    return (size_t)t->kernel[0] * (t->n_axis > 1 ? t->kernel[1] : 1);
}

size_t transposed_weights(const struct transposed *t)
{
    return positions(t) * t->groups * t->inputs * t->outputs;
}

size_t transposed_place(const struct transposed *t, size_t i)
{
    size_t n = positions(t), at = i % n, o = i / n % t->outputs, channel = i / n / t->outputs;
    size_t output = channel / t->inputs * t->outputs + o;

    return (output * t->inputs + channel % t->inputs) * n + at;
}
