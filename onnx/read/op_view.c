/* onnx/read/op_view.c -- Slice, Split, Gather and Pad: which part of a map is meant, and zeros
 * around it.
 *
 * A part of heads or tokens is told by axes (axes.h). Nothing is computed until something reads the
 * result: zeros around rows and columns become the
 * padding of the Conv behind them; parts, and channels of zeros, a convolution whose weights are 0
 * and 1 (onnx_draft_view). */
#include <inttypes.h>
#include <string.h>

#include "onnx/read/reader.h"

enum { MOST_SIDE = 65536, MOST_PART = 256 };

struct axis { // of a map, in its layout
    bool batch, channels;
    int  side; // 0 rows, 1 columns
};

static struct axis axis_of(const struct onnx_meaning *x, uint32_t k)
{
    uint32_t first = x->layout == ONNX_NHWC ? 1 : 2;
    struct axis a = {.batch = k == 0};

    if (x->layout == ONNX_NCW)
        return (struct axis){.batch = k == 0, .channels = k == 1, .side = 1};
    a.channels = !a.batch && k != first && k != first + 1;
    a.side = k == first + 1;
    return a;
}

/* Whether parts of x are views of rows, columns and channels; else of axes. */
static bool is_viewed(const struct onnx_meaning *x)
{
    return x->layout == ONNX_NCHW || x->layout == ONNX_NHWC || x->layout == ONNX_NCW;
}

/* Input 0, of which a part is meant: a map in its own dimensions, or in any that axes tell. */
static enum err take_part(struct onnx_reader *r, const struct onnx_node *node,
                          struct onnx_meaning *x)
{
    struct onnx_axes axes;
    enum err e = onnx_take_map(r, node, 0, x);

    if (!e && !is_viewed(x)) {
        if (!onnx_axes_of(r, x, &axes))
            return onnx_node_refuse(node, r->msg, "reads a part of several images, or of zeros "
                                    "around them: want a batch of 1, and no Pad in front");
        x->layout = ONNX_AXES;
        x->axes = axes;
    }
    if (!e && !x->view.some)
        x->view = (struct onnx_view){.step = {1, 1}};
    return e;
}

static enum err take_four(struct onnx_reader *r, const struct onnx_node *node,
                          struct onnx_meaning *x)
{
    enum err e = onnx_take_map(r, node, 0, x);

    if (!e && !is_viewed(x))
        e = onnx_node_refuse(node, r->msg, "reads a flattened map, tokens or heads: want rows and "
                             "columns");
    if (!e && !x->view.some)
        x->view = (struct onnx_view){.step = {1, 1}};
    return e;
}

/* The node's output, in a layout of its own where it has one. */
static void put_part(struct onnx_reader *r, const struct onnx_node *node, struct onnx_meaning *x)
{
    const struct onnx_axes axes = x->axes;

    if (x->layout == ONNX_AXES)
        onnx_set_axes(r, x, &axes);
    onnx_output(r, node, *x);
}

/* Input i, or the attribute that it was before. */
static enum err read_list(const struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                          const char *attribute, int64_t v[ONNX_MOST_DIMS], uint32_t *n)
{
    bool given = false;

    *n = 0;
    return onnx_has_input(node, i)
               ? onnx_stored_list(r, node, i, ONNX_MOST_DIMS, v, n)
               : onnx_attr_list(node, attribute, v, ONNX_MOST_DIMS, n, &given, r->msg);
}

/* axes given, or 0, 1, ... for n values. */
static enum err read_axes(const struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                          const struct onnx_meaning *x, uint32_t n, uint32_t axis[ONNX_MAP_DIMS])
{
    uint32_t n_axis = 0, seen = 0, dim[ONNX_MAP_DIMS];
    int64_t v[ONNX_MOST_DIMS], n_dim = onnx_dims(r, x, dim);
    enum err e = read_list(r, node, i, "axes", v, &n_axis);

    if (!e && n_axis == 0)
        for (n_axis = 0; n_axis < n && n_axis < n_dim; n_axis++)
            v[n_axis] = n_axis;
    if (!e && n_axis != n)
        e = onnx_node_refuse(node, r->msg, "%" PRIu32 " values for %" PRIu32 " axes: want one for "
                             "each, at most %" PRId64, n, n_axis, n_dim);
    for (uint32_t k = 0; k < n && !e; k++) {
        int64_t a = v[k] < 0 ? v[k] + n_dim : v[k];
        if (a < 0 || a >= n_dim || seen & 1U << a)
            return onnx_node_refuse(node, r->msg, "axis %" PRId64 " of %" PRId64 " dimensions: "
                                    "want each once", v[k], n_dim);
        seen |= 1U << a;
        axis[k] = (uint32_t)a;
    }
    return e;
}

/* ---- Slice ---- */

struct range {
    int64_t start, end, step;
};

/* Where the slice begins in `length`, and how many it takes; refused unless at least one. */
static enum err resolve(const struct onnx_reader *r, const struct onnx_node *node,
                        const struct range *a, uint32_t length, uint32_t *start, uint32_t *n)
{
    int64_t from = a->start < -(int64_t)length ? 0 : a->start < 0 ? a->start + length : a->start;
    int64_t to = a->end < -(int64_t)length ? 0 : a->end < 0 ? a->end + length : a->end;

    to = to < length ? to : length;
    if (a->step < 1 || a->step > MOST_SIDE || from >= to)
        return onnx_node_refuse(node, r->msg, "takes from %" PRId64 " to %" PRId64 " in steps of %"
                                PRId64 " of %" PRIu32 ": want at least one, forwards", a->start,
                                a->end, a->step, length);
    *start = (uint32_t)from;
    *n = (uint32_t)((to - from - 1) / a->step + 1);
    return ERR_NONE;
}

static enum err slice_axis(struct onnx_reader *r, const struct onnx_node *node,
                           struct onnx_meaning *x, uint32_t k, const struct range *range)
{
    struct axis axis = axis_of(x, k);
    struct onnx_view *v = &x->view;
    uint32_t dim[ONNX_MAP_DIMS], start = 0, n = 0;

    onnx_dims(r, x, dim);
    enum err e = resolve(r, node, range, dim[k], &start, &n);
    if (e || n == dim[k])
        return e;
    if (x->layout == ONNX_AXES)
        return axes_slice(&x->axes, k, start, n, (uint32_t)range->step)
                   ? ERR_NONE
                   : onnx_node_refuse(node, r->msg, "takes %" PRIu32 " of %" PRIu32 " places along "
                                      "axis %" PRIu32 ", which are no part of rows, columns or "
                                      "channels: want one place, or such a part", n, dim[k], k);
    if (axis.channels) {
        uint32_t *pick;
        e = onnx_new_list(r, node, n, &pick);
        for (uint32_t o = 0; o < n && !e; o++) {
            uint32_t from = start + o * (uint32_t)range->step;
            pick[o] = v->pick ? v->pick[from] : from;
        }
        v->pick = pick;
        x->shape.channels = n;
    } else {
        uint64_t first = v->first[axis.side] + (uint64_t)start * v->step[axis.side];
        uint64_t step = (uint64_t)v->step[axis.side] * (uint64_t)range->step;
        if (step > MOST_SIDE)
            return onnx_node_refuse(
                node, r->msg, "takes every %" PRIu64 "th pixel: want at most %d", step, MOST_SIDE);
        v->first[axis.side] = (uint32_t)first; // within the map
        v->step[axis.side] = (uint32_t)step;
        *(axis.side == 0 ? &x->shape.height : &x->shape.width) = n;
    }
    v->some = true;
    return e;
}

static enum err read_slice(struct onnx_reader *r, const struct onnx_node *node)
{
    int64_t start[ONNX_MOST_DIMS], end[ONNX_MOST_DIMS], step[ONNX_MOST_DIMS];
    uint32_t n = 0, n_end = 0, n_step = 0, axis[ONNX_MAP_DIMS];
    struct onnx_meaning x;
    enum err e = take_part(r, node, &x);

    if (!e)
        e = read_list(r, node, 1, "starts", start, &n);
    if (!e)
        e = read_list(r, node, 2, "ends", end, &n_end);
    if (!e)
        e = read_list(r, node, 4, "steps", step, &n_step);
    if (!e && (n_end != n || (n_step != 0 && n_step != n)))
        e = onnx_node_refuse(node, r->msg, "%" PRIu32 " starts, %" PRIu32 " ends, %" PRIu32
                             " steps: want as many of each", n, n_end, n_step);
    if (!e && onnx_is_padded(&x))
        e = onnx_node_refuse(node, r->msg,
                             "takes a part of zeros around a map: want Slice in front "
                             "of Pad");
    if (!e)
        e = read_axes(r, node, 3, &x, n, axis);
    for (uint32_t k = 0; k < n && !e; k++) {
        const struct range range = {start[k], end[k], n_step ? step[k] : 1};
        e = slice_axis(r, node, &x, axis[k], &range);
    }
    if (!e)
        put_part(r, node, &x);
    return e;
}

/* ---- Split ---- */

static enum err read_split(struct onnx_reader *r, const struct onnx_node *node)
{
    int64_t axis = 0, size[MOST_PART];
    uint32_t dim[ONNX_MAP_DIMS], start = 0, n = 0, n_size = 0;
    struct onnx_meaning x;
    bool given;
    enum err e = take_part(r, node, &x);

    if (!e)
        e = onnx_attr_int(node, "axis", &axis, r->msg);
    if (!e)
        e = onnx_has_input(node, 1)
                ? onnx_stored_list(r, node, 1, MOST_PART, size, &n_size)
                : onnx_attr_list(node, "split", size, MOST_PART, &n_size, &given, r->msg);
    if (e)
        return e;
    int64_t n_dim = onnx_dims(r, &x, dim), a = axis < 0 ? axis + n_dim : axis;
    if (a < 1 || a >= n_dim || onnx_is_padded(&x))
        return onnx_node_refuse(node, r->msg, "splits along axis %" PRId64 ", or zeros around a "
                                "map: want channels, rows or columns, in front of Pad", axis);
    e = onnx_split_part(node, dim[a], n_size, size, &start, &n, r->msg);
    if (!e)
        e = slice_axis(r, node, &x, (uint32_t)a,
                       &(struct range){start, (int64_t)start + n, 1});
    if (!e)
        put_part(r, node, &x);
    return e;
}

/* ---- Gather ---- */

/* One place of an axis, which goes, or the places of a list, evenly apart. */
static enum err gather_axis(struct onnx_reader *r, const struct onnx_node *node,
                            struct onnx_meaning *x, int64_t axis)
{
    const struct onnx_meaning *index = onnx_input(r, node, 1);
    const struct onnx_tensor *t = &index->tensor;
    uint32_t dim[ONNX_MAP_DIMS];
    const int64_t n_dim = onnx_dims(r, x, dim), a = axis < 0 ? axis + n_dim : axis;

    if (a < 0 || a >= n_dim || index->means != ONNX_STORED || onnx_type_is_real(t->type) ||
        t->n_dim > 1 || t->n < 1)
        return onnx_node_refuse(node, r->msg, "picks along axis %" PRId64 " by %s: want an axis of "
                                "%" PRId64 ", and a stored place or list", axis,
                                onnx_means_text(index->means), n_dim);
    const int64_t length = dim[a], first = onnx_tensor_integer(t, 0);
    const int64_t start = first < 0 ? first + length : first;
    const int64_t step = t->n > 1 ? onnx_tensor_integer(t, 1) - first : 1;
    bool even = start >= 0 && step > 0 && start + step * ((int64_t)t->n - 1) < length;
    for (size_t i = 0; i < t->n && even; i++)
        even = onnx_tensor_integer(t, i) == first + (int64_t)i * step;
    if (!even || !axes_slice(&x->axes, (uint32_t)a, (uint32_t)start, (uint32_t)t->n,
                             (uint32_t)step))
        return onnx_node_refuse(node, r->msg, "picks %zu of %" PRId64 " places along axis %" PRId64
                                ": want places evenly apart, ascending", t->n, length, axis);
    if (t->n_dim == 0)
        axes_drop(&x->axes, (uint32_t)a);
    put_part(r, node, x);
    return ERR_NONE;
}

/* Channels in the order of a list, each as often as it is there. */
static enum err read_gather(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_meaning *index = onnx_input(r, node, 1);
    struct onnx_meaning x;
    int64_t axis = 0;
    uint32_t *pick = NULL;
    enum err e = take_part(r, node, &x);

    if (!e)
        e = onnx_attr_int(node, "axis", &axis, r->msg);
    if (e)
        return e;
    if (x.layout == ONNX_AXES)
        return gather_axis(r, node, &x, axis);
    const int64_t n_dim = x.layout == ONNX_NCW ? 3 : 4, a = axis < 0 ? axis + n_dim : axis;
    if (a < 0 || a >= n_dim || !axis_of(&x, (uint32_t)a).channels || onnx_is_padded(&x))
        return onnx_node_refuse(node, r->msg, "picks along axis %" PRId64 ", or of zeros around a "
                                "map: want channels, in front of Pad", axis);
    if (index->means != ONNX_STORED || onnx_type_is_real(index->tensor.type) ||
        index->tensor.n_dim != 1 || index->tensor.n < 1 || index->tensor.n > MOST_SIDE)
        return onnx_node_refuse(node, r->msg, "picks by %s: want a stored list of 1 to %d integers",
                                onnx_means_text(index->means), MOST_SIDE);
    const uint32_t n = (uint32_t)index->tensor.n;
    e = onnx_new_list(r, node, n, &pick);
    for (uint32_t o = 0; o < n && !e; o++) {
        int64_t v = onnx_tensor_integer(&index->tensor, o);
        int64_t from = v < 0 ? v + x.shape.channels : v;
        if (from < 0 || from >= x.shape.channels)
            return onnx_node_refuse(node, r->msg, "picks channel %" PRId64 " of %" PRIu32
                                    ": want one of them", v, x.shape.channels);
        pick[o] = x.view.pick ? x.view.pick[from] : (uint32_t)from;
    }
    if (e)
        return e;
    x.view.pick = pick;
    x.view.some = true;
    x.shape.channels = n;
    onnx_output(r, node, x);
    return ERR_NONE;
}

/* ---- Pad ---- */

static enum err check_value(const struct onnx_reader *r, const struct onnx_node *node,
                            const struct onnx_meaning *x)
{
    char mode[16] = "constant";
    double value = 0, want = 0;
    enum err e = onnx_attr_text(node, "mode", mode, sizeof mode, r->msg);

    if (!e && strcmp(mode, "constant") != 0)
        e = onnx_node_refuse(node, r->msg, "mode is \"%s\": want constant", mode);
    if (!e)
        e = onnx_attr_float(node, "value", &value, r->msg);
    if (e)
        return e;
    if (onnx_has_input(node, 2)) {
        const struct onnx_meaning *c = onnx_input(r, node, 2);
        if (!onnx_is_constant(c) || c->tensor.n != 1)
            return onnx_node_refuse(node, r->msg, "its value is %s: want one stored number",
                                    onnx_means_text(c->means));
        value = onnx_constant(c, 0);
    }
    if (x->means == ONNX_BYTES)
        want = r->network->layer[x->layer[0]].out_zero;
    if (value != want)
        return onnx_node_refuse(node, r->msg, "pads with %g: want %g, the value 0", value, want);
    return ERR_NONE;
}

static enum err pad_axis(struct onnx_reader *r, const struct onnx_node *node,
                         struct onnx_meaning *x, uint32_t k, int64_t before, int64_t behind)
{
    struct axis axis = axis_of(x, k);

    if (before < 0 || behind < 0 || before > MOST_SIDE || behind > MOST_SIDE)
        return onnx_node_refuse(node, r->msg, "pads axis %" PRIu32 " by %" PRId64 " and %" PRId64
                                ": want 0 to %d", k, before, behind, MOST_SIDE);
    if (before == 0 && behind == 0)
        return ERR_NONE;
    uint64_t channels = x->shape.channels + (uint64_t)before + (uint64_t)behind;
    if (axis.batch || (axis.channels && channels > MOST_SIDE))
        return onnx_node_refuse(node, r->msg, "pads the batch, or to more than %d channels: want "
                                "neither", MOST_SIDE);
    if (axis.channels) {
        uint32_t *pick;
        enum err e = onnx_new_list(r, node, (uint32_t)channels, &pick);
        for (uint32_t o = 0; o < channels && !e; o++) {
            bool zero = o < before || o - before >= x->shape.channels;
            pick[o] = zero           ? ONNX_ZERO
                      : x->view.pick ? x->view.pick[o - before]
                                     : o - (uint32_t)before;
        }
        x->view.pick = pick;
        x->shape.channels = (uint32_t)channels;
        x->view.some = true;
        return e;
    }
    if (x->pad[axis.side] + before > MOST_SIDE || x->pad[2 + axis.side] + behind > MOST_SIDE)
        return onnx_node_refuse(node, r->msg, "pads more than %d in all: want less", MOST_SIDE);
    x->pad[axis.side] += (uint32_t)before;
    x->pad[2 + axis.side] += (uint32_t)behind;
    return ERR_NONE;
}

static enum err read_pad(struct onnx_reader *r, const struct onnx_node *node)
{
    int64_t pads[ONNX_MOST_DIMS];
    uint32_t n = 0, axis[ONNX_MAP_DIMS];
    struct onnx_meaning x;
    enum err e = take_four(r, node, &x);

    if (!e)
        e = check_value(r, node, &x);
    if (!e)
        e = read_list(r, node, 1, "pads", pads, &n);
    if (!e && n % 2 != 0)
        e = onnx_node_refuse(node, r->msg, "%" PRIu32 " pads: want two for each axis", n);
    if (!e)
        e = read_axes(r, node, 3, &x, n / 2, axis);
    for (uint32_t k = 0; k < n / 2 && !e; k++)
        e = pad_axis(r, node, &x, axis[k], pads[k], pads[n / 2 + k]);
    if (!e)
        onnx_output(r, node, x);
    return e;
}

const struct onnx_operator onnx_ops_view[] = {
    {"Gather", 1, 2, 2, "axis", read_gather},
    {"Pad",   2, 1, 4, "mode pads value", read_pad},
    {"Slice", 1, 1, 5, "axes ends starts", read_slice},
    {"Split", 2, 1, 2, "axis num_outputs:18 split", read_split},
    {0},
};
