/* onnx/read/op_concat.c -- Concat of rounded maps along channels, of tokens the last dimension:
 * their layers, one behind the other. Where their scales differ, QuantizeLinear behind it scales
 * those that need it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/read/tokens.h"

enum { MOST_CHANNELS = 65536 };
#define MOST_VALUES (UINT64_C(1) << 30) // of a map

/* Whether two maps of tokens have the same ones in the same order. */
static bool same_tokens(const struct onnx_meaning *a, const struct onnx_meaning *b)
{
    bool same = b->layout == ONNX_AXES && a->axes.n_dim == b->axes.n_dim;

    for (uint32_t k = 0; same && k + 1 < a->axes.n_dim; k++)
        same = axes_alike(&a->axes, k, &b->axes, k);
    return same;
}

static enum err check_part(const struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                           const struct onnx_meaning *first, const struct onnx_meaning *part)
{
    const struct shape *a = &first->shape, *b = &part->shape;
    bool alike = first->layout == ONNX_AXES ? same_tokens(first, part)
                                            : onnx_same_layout(part, first);

    if (part->means != first->means || !alike)
        return onnx_node_refuse(node, r->msg, "input %" PRIu32 " is %s, input 0 %s, or in another "
                                "order: want them alike", i, onnx_means_text(part->means),
                                onnx_means_text(first->means));
    if (a->height != b->height || a->width != b->width)
        return onnx_node_refuse(node, r->msg, "concatenates maps of %" PRIu32 "x%" PRIu32 " and %"
                                PRIu32 "x%" PRIu32 ": want the same rows and columns", a->height,
                                a->width, b->height, b->width);
    return ERR_NONE;
}

static enum err check_axis(const struct onnx_reader *r, const struct onnx_node *node,
                           const struct onnx_meaning *x, int64_t axis)
{
    uint32_t dim[ONNX_MAP_DIMS];
    int64_t n_dim = onnx_dims(r, x, dim);
    int64_t channel = x->layout == ONNX_AXES     ? n_dim - 1
                      : x->layout == ONNX_NHWC   ? 3
                      : x->layout == ONNX_VECTOR ? 0
                                                 : 1;
    bool mixed = x->layout == ONNX_FLAT_NHWC && (x->shape.height > 1 || x->shape.width > 1);

    if (axis != channel && axis != channel - n_dim)
        return onnx_node_refuse(node, r->msg, "concatenates along axis %" PRId64 ": want %" PRId64
                                ", the channels", axis, channel);
    if (mixed)
        return onnx_node_refuse(node, r->msg, "concatenates flattened maps whose channels come "
                                "last: want Concat in front of Flatten");
    return ERR_NONE;
}

enum err onnx_concat(struct onnx_reader *r, const struct onnx_node *node, uint32_t n,
                     const struct onnx_meaning *part, int64_t axis, struct onnx_meaning *out)
{
    uint64_t channels = 0, n_layer = 0;
    enum err e = check_axis(r, node, &part[0], axis);

    for (uint32_t i = 0; i < n && !e; i++) {
        e = check_part(r, node, i, &part[0], &part[i]);
        channels += part[i].shape.channels;
        n_layer += part[i].n_layer;
    }
    if (!e && (channels > MOST_CHANNELS ||
               channels > MOST_VALUES / part[0].shape.height / part[0].shape.width))
        e = onnx_node_refuse(node, r->msg, "makes %" PRIu64 " channels: want at most %d, and 2^30 "
                             "values", channels, MOST_CHANNELS);
    if (e)
        return e;
    uint32_t *list, at = 0;
    e = onnx_new_list(r, node, (uint32_t)n_layer, &list); // no more than channels
    for (uint32_t i = 0; i < n && !e; i++) {
        memcpy(list + at, part[i].layer, part[i].n_layer * sizeof *list);
        at += part[i].n_layer;
    }
    *out = part[0];
    for (uint32_t i = 1; i < n; i++)
        out->shared |= part[i].shared;
    out->layer = list;
    out->n_layer = at;
    out->shape.channels = (uint32_t)channels;
    if (out->layout == ONNX_AXES)
        axes_end_with_channels(&out->axes, out->shape.channels);
    return e;
}

/* A map of tokens, or a part of its channels, with all channels last. */
static enum err take_tokens(struct onnx_reader *r, const struct onnx_node *node,
                            struct onnx_meaning *x)
{
    struct onnx_tokens t;
    enum err e = onnx_see_tokens(r, node, x, &t);

    if (!e && t.one)
        return onnx_node_refuse(node, r->msg, "concatenates single tokens: want Concat of the maps "
                                "in front of Slice or Gather");
    if (!e) {
        *x = t.x;
        x->axes = t.axes;
    }
    return e;
}

/* Input i as whole maps. */
static enum err take_part(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                          int64_t axis, struct onnx_meaning *x)
{
    enum err e = onnx_take_map(r, node, i, x);

    if (!e && x->layout == ONNX_AXES) {
        e = check_axis(r, node, x, axis);
        return e ? e : take_tokens(r, node, x);
    }

    if (!e && onnx_is_padded(x))
        e = onnx_node_refuse(node, r->msg, "input %" PRIu32 " has zeros around it: want Pad behind "
                             "Concat", i);
    return e || !x->view.some ? e : onnx_settle(r, node, x);
}

static enum err check_bytes(const struct onnx_reader *r, const struct onnx_node *node,
                            const struct onnx_meaning *x)
{
    const struct onnx_quantisation q = onnx_quantisation_of_all(r, x);

    for (uint32_t i = 0; i < x->n_layer && x->means == ONNX_BYTES; i++)
        if (!onnx_quantised_alike(&r->network->layer[x->layer[i]], &q))
            return onnx_node_refuse(node, r->msg, "concatenates bytes of different scales, zero "
                                    "points or types: want DequantizeLinear in front of it");
    return ERR_NONE;
}

/* The one input that is a map, where the others are stored; else n_input. */
static uint32_t only_map(const struct onnx_reader *r, const struct onnx_node *node)
{
    uint32_t map = node->n_input, n = 0;

    for (uint32_t i = 0; i < node->n_input; i++) {
        if (!onnx_has_input(node, i))
            return node->n_input;
        if (onnx_is_constant(onnx_input(r, node, i)))
            continue;
        map = i;
        n++;
    }
    return n == 1 && node->n_input > 1 ? map : node->n_input;
}

static enum err read_concat(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning *part = calloc(node->n_input, sizeof *part), out;
    int64_t axis = 1;
    const uint32_t map = only_map(r, node);
    enum err e = part ? onnx_attr_int(node, "axis", &axis, r->msg)
                      : err_set(r->msg, ERR_MEMORY, "no memory for a list of maps");

    if (!e && map < node->n_input) {
        free(part);
        return onnx_join_stored(r, node, map, axis);
    }

    for (uint32_t i = 0; i < node->n_input && !e; i++) {
        if (onnx_has_input(node, i))
            e = take_part(r, node, i, axis, &part[i]);
        else
            e = onnx_node_refuse(node, r->msg, "input %" PRIu32 " is left out: want it", i);
    }
    if (!e)
        e = onnx_concat(r, node, node->n_input, part, axis, &out);
    if (!e)
        e = check_bytes(r, node, &out);
    if (!e)
        onnx_output(r, node, out);
    free(part);
    return e;
}

const struct onnx_operator onnx_ops_concat[] = {
    {"Concat", 4, 1, UINT32_MAX, "axis", read_concat},
    {0},
};
