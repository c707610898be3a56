/* onnx/read/op_pool.c -- MaxPool, AveragePool, GlobalMaxPool, GlobalAveragePool, ReduceMax,
 * ReduceMean, ReduceSum.
 *
 * The largest of some bytes is one of them: MaxPool makes a layer at once. A global average runs in
 * the digital processor of the layer whose map it averages where nothing else reads that map. An
 * average divides by a number that follows from how many positions lie in the map: what padding
 * counts is in struct onnx_draft.divisor, for each such number.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "network/precision.h"
#include "onnx/read/tokens.h"

enum { MOST_POSITIONS = 1 << 20 }; // of the window of an average

static enum err read_kernel(const struct onnx_reader *r, const struct onnx_node *node,
                            const struct onnx_meaning *x, struct window *w)
{
    *w = (struct window){.kernel = {x->layout == ONNX_NCW, 0}, .stride = {1, 1},
                         .dilation = {1, 1}};
    enum err e = onnx_read_sides(r, node, x, "kernel_shape", w->kernel);
    if (!e && w->kernel[1] == 0)
        e = onnx_node_refuse(node, r->msg, "no kernel_shape: want rows and columns of its window");
    return e;
}

/* ---- The largest ---- */

/* Whether zeros around the map never are the largest, but for windows that hold nothing else. */
static bool never_negative(const struct onnx_reader *r, const struct onnx_meaning *x)
{
    for (uint32_t i = 0; i < x->n_layer; i++) {
        const struct layer *l = &r->network->layer[x->layer[i]];
        int32_t least, most;
        layer_range(l, &least, &most);
        if (least < l->out_zero)
            return false;
    }
    return true;
}

static enum err max_pool(struct onnx_reader *r, const struct onnx_node *node,
                         struct onnx_meaning *x, const struct window *w, struct shape out)
{
    const struct onnx_quantisation q = onnx_quantisation_of_all(r, x);
    struct onnx_draft *d;
    uint32_t *list;
    enum err e = onnx_new_list(r, node, 1, &list);

    if (!e)
        e = onnx_draft_digital(r, node, x, LAYER_MAX_POOL, &d);
    if (e)
        return e;
    d->layer.window = *w;
    d->layer.out.height = out.height;
    d->layer.out.width = out.width;
    struct onnx_meaning y = {.means = x->means, .layer = list, .n_layer = 1,
                             .shape = d->layer.out, .layout = x->layout};
    e = onnx_draft_quantise(r, node, d, &q, list);
    if (!e)
        onnx_output(r, node, y);
    return e;
}

static enum err take_settled(struct onnx_reader *r, const struct onnx_node *node,
                             struct onnx_meaning *x)
{
    enum err e = onnx_take_map(r, node, 0, x);

    if (!e)
        e = onnx_check_layout(r, node, x);
    return e ? e : onnx_settle(r, node, x);
}

/* Of a draft: once it is rounded. */
static enum err pool_draft(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_meaning *x;
    enum err e = onnx_take_draft(r, node, 0, &x);

    if (!e)
        e = onnx_check_layout(r, node, x);
    if (!e && x->draft->largest)
        e = onnx_node_refuse(node, r->msg, "pools what is already pooled: want QuantizeLinear "
                             "before it");
    if (e)
        return e;
    struct onnx_meaning out = *x;
    struct onnx_draft *d = x->draft;
    e = read_kernel(r, node, x, &d->pool);
    if (!e)
        e = onnx_read_window(r, node, x, &d->pool, &d->pool_out);
    if (e)
        return e;
    d->largest = node->proto;
    d->pool_out.channels = x->shape.channels;
    out.shape = d->pool_out;
    onnx_output(r, node, out);
    return ERR_NONE;
}

static enum err read_max_pool(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning x;
    struct window w;
    struct shape out;

    if (onnx_input(r, node, 0)->means == ONNX_DRAFT)
        return pool_draft(r, node);
    enum err e = take_settled(r, node, &x);

    if (!e)
        e = read_kernel(r, node, &x, &w);
    if (!e && onnx_is_padded(&x) && !never_negative(r, &x))
        e = onnx_node_refuse(node, r->msg, "takes zeros around a map that has negative values for "
                             "the largest: want the padding in its own pads, or Relu before it");
    if (!e)
        e = onnx_read_window(r, node, &x, &w, &out);
    return e ? e : max_pool(r, node, &x, &w, out);
}

/* The largest pixel of the whole map. */
static enum err global_max(struct onnx_reader *r, const struct onnx_node *node,
                           struct onnx_meaning *x)
{
    const struct window w = {.kernel = {x->shape.height, x->shape.width}, .stride = {1, 1},
                             .dilation = {1, 1}};

    if (onnx_is_padded(x))
        return onnx_node_refuse(node, r->msg, "pools zeros around a map: want it without Pad");
    return max_pool(r, node, x, &w, (struct shape){1, 1, x->shape.channels});
}

static enum err read_global_max_pool(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning x;
    enum err e = take_settled(r, node, &x);

    return e ? e : global_max(r, node, &x);
}

/* ---- Averages ---- */

struct count { // of positions of a window along one axis
    uint32_t inside, counted; // in the map; in the divisor
};

/* Distinct counts along an axis, at most one for each output; counted ones lie from `first` to
 * before `end`. */
static uint32_t count_axis(const struct layer *l, int axis, int64_t first, int64_t end,
                           struct count *list)
{
    const struct window *w = &l->window;
    int64_t in = axis == 0 ? l->in.height : l->in.width;
    uint32_t n_out = axis == 0 ? l->out.height : l->out.width, n = 0;

    for (uint32_t at = 0; at < n_out; at++) {
        struct count c = {0};
        for (uint32_t k = 0; k < w->kernel[axis]; k++) {
            int64_t x = (int64_t)at * w->stride[axis] + (int64_t)k * w->dilation[axis] -
                        w->pad_before[axis];
            c.inside += x >= 0 && x < in;
            c.counted += x >= first && x < end;
        }
        if (n == 0 || memcmp(&list[n - 1], &c, sizeof c) != 0)
            list[n++] = c;
    }
    return n;
}

static enum err fill_divisors(struct onnx_reader *r, const struct onnx_node *node,
                              struct onnx_draft *d, const struct count *row, uint32_t n_row,
                              const struct count *column, uint32_t n_column)
{
    for (uint32_t i = 0; i < n_row; i++)
        for (uint32_t j = 0; j < n_column; j++) {
            uint32_t k = row[i].inside * column[j].inside;
            uint32_t divisor = row[i].counted * column[j].counted;
            if (k == 0)
                return onnx_node_refuse(node, r->msg, "averages windows that lie in the padding "
                                        "altogether: want less padding");
            if (d->divisor[k - 1] && d->divisor[k - 1] != divisor)
                return onnx_node_refuse(node, r->msg, "divides sums of %" PRIu32 " positions by %"
                                        PRIu32 " here and by %" PRIu32 " there: want ceil_mode 0, "
                                        "or count_include_pad 0", k, d->divisor[k - 1], divisor);
            d->divisor[k - 1] = divisor;
        }
    return ERR_NONE;
}

/* margin: positions beyond the map that count: rows and columns before, then behind. */
static enum err find_divisors(struct onnx_reader *r, const struct onnx_node *node,
                              struct onnx_draft *d, const uint32_t margin[4])
{
    const struct layer *l = &d->layer;
    const struct window *w = &l->window;
    uint64_t positions = (uint64_t)w->kernel[0] * w->kernel[1];

    if (positions > MOST_POSITIONS)
        return onnx_node_refuse(node, r->msg, "averages %" PRIu64 " positions: want at most %d",
                                positions, MOST_POSITIONS);
    enum err e = onnx_take_room(r, node, positions);
    if (e)
        return e;
    uint64_t work = (uint64_t)l->out.height * w->kernel[0] + (uint64_t)l->out.width * w->kernel[1];
    if (work > r->work_left)
        return onnx_node_refuse(node, r->msg,
                                "windows of %" PRIu64 " rows and columns in all: want "
                                "a smaller network",
                                work);
    r->work_left -= work;
    struct count *row = calloc(l->out.height, sizeof *row);
    struct count *column = calloc(l->out.width, sizeof *column);
    d->divisor = calloc(positions, sizeof *d->divisor);
    if (!row || !column || !d->divisor)
        e = err_set(r->msg, ERR_MEMORY, "no memory for a pool");
    if (!e) {
        uint32_t n_row = count_axis(l, 0, -(int64_t)margin[0],
                                    (int64_t)l->in.height + margin[2], row);
        uint32_t n_column = count_axis(l, 1, -(int64_t)margin[1],
                                       (int64_t)l->in.width + margin[3], column);
        e = fill_divisors(r, node, d, row, n_row, column, n_column);
    }
    free(row);
    free(column);
    return e;
}

/* Explicit or automatic padding counts where the node says so, that of Pad always, what ceil_mode
 * adds never; but for ONNX Runtime's own operator, whose window counts whole. */
static enum err find_margin(const struct onnx_reader *r, const struct onnx_node *node,
                            const struct onnx_meaning *x, struct window w, uint32_t margin[4])
{
    const uint32_t length[] = {x->shape.height + x->pad[0] + x->pad[2],
                               x->shape.width + x->pad[1] + x->pad[3]};
    int64_t includes = 0, ceil_mode = 0;
    uint32_t pads[4];
    enum err e = onnx_attr_int(node, "count_include_pad", &includes, r->msg);

    if (!e)
        e = onnx_attr_int(node, "ceil_mode", &ceil_mode, r->msg);
    memcpy(margin, x->pad, sizeof x->pad);
    if (e || !includes)
        return e;
    for (int axis = 0; axis < 2; axis++) {
        margin[axis] = w.pad_before[axis];
        margin[2 + axis] = w.pad_after[axis];
    }
    if (!ceil_mode || !onnx_is_own_domain(node->proto->domain))
        return ERR_NONE;
    memset(pads, 0, sizeof pads);
    e = onnx_read_pads(r, node, x, pads); // which ceil_mode has made more of
    for (int axis = 0; axis < 2 && !e; axis++) {
        uint32_t beyond = x->pad[2 + axis] + pads[2 + axis];
        if (margin[2 + axis] > beyond && length[axis] > 0)
            margin[2 + axis] = beyond;
    }
    return e;
}

enum err onnx_average(struct onnx_reader *r, const struct onnx_node *node,
                      const struct onnx_meaning *x, struct onnx_meaning *y)
{
    struct onnx_draft *d;
    struct window w;
    struct shape out;
    uint32_t margin[4];
    enum err e = onnx_check_layout(r, node, x);

    if (!e)
        e = read_kernel(r, node, x, &w);
    if (!e)
        e = onnx_read_window(r, node, x, &w, &out);
    if (!e)
        e = find_margin(r, node, x, w, margin);
    if (!e)
        e = onnx_draft_digital(r, node, x, LAYER_AVERAGE_POOL, &d);
    if (e)
        return e;
    d->layer.window = w;
    d->layer.out.height = out.height;
    d->layer.out.width = out.width;
    *y = (struct onnx_meaning){.means = ONNX_DRAFT, .draft = d, .shape = d->layer.out,
                               .layout = x->layout};
    return find_divisors(r, node, d, margin);
}

static enum err read_average_pool(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning x, out;
    enum err e = onnx_take_padded(r, node, 0, &x);

    if (!e)
        e = onnx_average(r, node, &x, &out);
    if (!e)
        onnx_output(r, node, out);
    return e;
}

enum err onnx_global_average(struct onnx_reader *r, const struct onnx_node *node,
                             const struct onnx_meaning *x, struct onnx_meaning *out)
{
    static const uint32_t none[4];
    const struct layer *from = &r->network->layer[x->layer[0]];
    struct onnx_draft *d;
    enum err e = onnx_draft_digital(r, node, x, LAYER_AVERAGE_POOL, &d);

    if (e)
        return e;
    d->whole = true;
    d->fuses = x->n_layer == 1 && !x->shared && from->kind != LAYER_IMAGE && !from->pooled;
    d->layer.window.kernel[0] = x->shape.height;
    d->layer.window.kernel[1] = x->shape.width;
    d->layer.out.height = d->layer.out.width = 1;
    *out = (struct onnx_meaning){.means = ONNX_DRAFT, .draft = d, .shape = d->layer.out,
                                 .layout = x->layout};
    return find_divisors(r, node, d, none);
}

static enum err read_global_average_pool(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning x, out;
    enum err e = onnx_take_pixels(r, node, 0, &x);

    if (!e)
        e = onnx_check_layout(r, node, &x);
    if (!e)
        e = onnx_global_average(r, node, &x, &out);
    if (!e)
        onnx_output(r, node, out);
    return e;
}

/* ---- ReduceMax, ReduceMean, ReduceSum ---- */

/* Axes are an attribute up to set 17, an input later: as a set of bits, all where none are
 * given. */
static enum err read_axes(const struct onnx_reader *r, const struct onnx_node *node,
                          const struct onnx_meaning *x, uint32_t *set)
{
    int64_t axis[4], noop = 0;
    uint32_t n = 0, dim[ONNX_MAP_DIMS], n_dim = onnx_dims(r, x, dim);
    bool given = false;
    enum err e = onnx_has_input(node, 1) ? onnx_stored_list(r, node, 1, 4, axis, &n)
                                         : onnx_attr_list(node, "axes", axis, 4, &n, &given,
                                                          r->msg);

    if (!e)
        e = onnx_attr_int(node, "noop_with_empty_axes", &noop, r->msg);
    *set = n == 0 && !noop ? (1U << n_dim) - 1 : 0;
    for (uint32_t i = 0; i < n && !e; i++) {
        int64_t a = axis[i] < 0 ? axis[i] + n_dim : axis[i];
        if (a < 0 || a >= n_dim)
            return onnx_node_refuse(node, r->msg, "axis %" PRId64 " of %" PRIu32 " dimensions: "
                                    "want one of them", axis[i], n_dim);
        *set |= 1U << a;
    }
    return e;
}

/* The mean over channels: a convolution of one output whose weights are all 1. */
static enum err average_channels(struct onnx_reader *r, const struct onnx_node *node,
                                 const struct onnx_meaning *x, struct onnx_meaning *out)
{
    struct onnx_draft *d;
    enum err e = onnx_draft_sum(r, node, x, &d);

    if (e)
        return e;
    *out = (struct onnx_meaning){.means = ONNX_DRAFT, .draft = d, .shape = d->layer.out,
                                 .layout = x->layout};
    return ERR_NONE;
}

enum reduced { SIDES, CHANNELS, OTHERS };

/* What a node reduces x over; *flat: to two dimensions. */
static enum err read_reduced(const struct onnx_reader *r, const struct onnx_node *node,
                             const struct onnx_meaning *x, enum reduced *over, bool *flat)
{
    bool last = x->layout == ONNX_NHWC;
    uint32_t sides = last ? 6 : x->layout == ONNX_NCW ? 4 : 12, channels = last ? 8 : 2, set = 0;
    int64_t keepdims = 1;
    enum err e = onnx_attr_int(node, "keepdims", &keepdims, r->msg);

    if (!e)
        e = read_axes(r, node, x, &set);
    *over = onnx_is_flat(x) || onnx_is_grouped(x) ? OTHERS
            : set == sides                        ? SIDES
            : set == channels && keepdims         ? CHANNELS
                                                  : OTHERS;
    *flat = !keepdims;
    return e;
}

static enum err reduce_tokens(struct onnx_reader *r, const struct onnx_node *node, bool sums)
{
    int64_t keepdims = 1;
    uint32_t set = 0;
    enum err e = onnx_attr_int(node, "keepdims", &keepdims, r->msg);

    if (!e)
        e = read_axes(r, node, onnx_input(r, node, 0), &set);
    return e ? e : onnx_reduce_tokens(r, node, set, keepdims, sums);
}

/* A mean, or as many of it as there are pixels or channels. */
static enum err reduce(struct onnx_reader *r, const struct onnx_node *node, bool sums)
{
    struct onnx_meaning x, out;
    enum reduced over = OTHERS;
    bool flat = false;
    enum err e = ERR_NONE;

    if (onnx_input(r, node, 0)->layout == ONNX_AXES && onnx_is_map(onnx_input(r, node, 0)))
        return reduce_tokens(r, node, sums);
    e = onnx_take_pixels(r, node, 0, &x);
    if (!e)
        e = read_reduced(r, node, &x, &over, &flat);
    if (!e && over == OTHERS)
        e = onnx_node_refuse(node, r->msg, "goes over other axes than rows and columns, or "
                             "channels with keepdims 1: want the one or the other");
    if (!e)
        e = over == SIDES ? onnx_global_average(r, node, &x, &out)
                          : average_channels(r, node, &x, &out);
    if (!e && sums) {
        const double offset = 0, n = over == CHANNELS
                                         ? x.shape.channels
                                         : (double)x.shape.height * x.shape.width;
        e = onnx_draft_scale(r, node, out.draft, 1, &n, &offset);
    }
    if (e)
        return e;
    if (flat)
        out.layout = ONNX_FLAT;
    onnx_output(r, node, out);
    return ERR_NONE;
}

static enum err read_reduce_mean(struct onnx_reader *r, const struct onnx_node *node)
{
    return reduce(r, node, false);
}

static enum err read_reduce_sum(struct onnx_reader *r, const struct onnx_node *node)
{
    return reduce(r, node, true);
}

static enum err read_reduce_max(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning x;
    enum reduced over = OTHERS;
    bool flat = false;
    enum err e = onnx_take_map(r, node, 0, &x);

    if (!e)
        e = onnx_settle(r, node, &x);
    if (!e)
        e = read_reduced(r, node, &x, &over, &flat);
    if (!e && over != SIDES)
        e = onnx_node_refuse(node, r->msg, "takes the largest over other axes than rows and "
                             "columns: want these");
    if (!e)
        e = global_max(r, node, &x);
    if (!e && flat)
        r->meaning[node->output[0]].layout = ONNX_FLAT;
    return e;
}

#define WINDOW  "auto_pad ceil_mode:10 kernel_shape pads strides"
#define REDUCES "axes keepdims noop_with_empty_axes"

const struct onnx_operator onnx_ops_pool[] = {
    {"AveragePool",       7, 1, 1, WINDOW " count_include_pad dilations:19", read_average_pool},
    {"GlobalAveragePool", 1, 1, 1, "", read_global_average_pool},
    {"GlobalMaxPool",     1, 1, 1, "", read_global_max_pool},
    {"MaxPool",           1, 1, 1, WINDOW " dilations:10 storage_order:8", read_max_pool},
    {"ReduceMax",         1, 1, 2, REDUCES ":18", read_reduce_max},
    {"ReduceMean",        1, 1, 2, REDUCES ":18", read_reduce_mean},
    {"ReduceSum",         1, 1, 2, REDUCES ":13", read_reduce_sum},
    {0},
};
