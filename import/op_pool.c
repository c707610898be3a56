/* import/op_pool.c -- MaxPool, AveragePool, GlobalMaxPool, GlobalAveragePool, ReduceMax, ReduceMean
 * and ReduceSum. */
#include <inttypes.h>
#include <string.h>

#include "import/walk.h"

enum err import_settle_pads(const struct import_walk *w, struct import_node *n,
                            const uint32_t *kernel)
{
    const struct array *in = import_in_shape(w, 0), *out = import_out_shape(w);
    const uint32_t n_axis = in->n_dim - 2;
    uint32_t stride[] = {1, 1}, dilation[] = {1, 1};
    char automatic[16] = "NOTSET";
    enum err e = onnx_attr_text(w->node, "auto_pad", automatic, sizeof automatic, w->msg);

    if (e || strncmp(automatic, "SAME_", 5) != 0)
        return e;
    e = onnx_attr_sizes(w->node, "strides", stride, n_axis, 1, w->msg);
    if (!e)
        e = onnx_attr_sizes(w->node, "dilations", dilation, n_axis, 1, w->msg);
    for (uint32_t k = 0; k < n_axis && !e; k++) {
        int64_t reach = ((int64_t)kernel[k] - 1) * dilation[k] + 1;
        int64_t need = ((int64_t)out->dim[2 + k] - 1) * stride[k] + reach - in->dim[2 + k];
        int64_t total = need > 0 ? need : 0, less = total / 2, more = total - less;
        n->pad[k] = automatic[5] == 'U' ? less : more;
        n->pad[k + n_axis] = total - n->pad[k];
    }
    n->n_pad = e ? 0 : 2 * n_axis;
    return e;
}

/* A window of a pool over one or two axes. */
static enum err read_kernel(const struct import_walk *w, uint32_t kernel[2])
{
    uint32_t n_dim = import_in_shape(w, 0)->n_dim;

    kernel[0] = kernel[1] = 1;
    if (n_dim < 3 || n_dim > 4)
        return IMPORT_REFUSE(w, "pools a map of %" PRIu32 " dimensions: want batch x channels x "
                             "rows x columns, or x columns", n_dim);
    return onnx_attr_sizes(w->node, "kernel_shape", kernel, n_dim - 2, 1, w->msg);
}

static enum err visit_average(const struct import_walk *w)
{
    struct import_value *x;
    uint32_t kernel[2];
    enum err e = read_kernel(w, kernel);

    if (!e)
        e = import_take_map(w, 0, &x);
    if (e)
        return e;
    struct import_node *n = import_add_node(w, IMPORT_COPY, x, NULL);
    n->averaged = kernel[0] * kernel[1];
    import_new_draft(w, x->positive);
    return import_settle_pads(w, n, kernel);
}

static enum err visit_max(const struct import_walk *w)
{
    uint32_t kernel[2];
    enum err e = read_kernel(w, kernel);

    if (!e)
        e = import_visit_moved(w);
    return e ? e : import_settle_pads(w, &w->im->node[w->im->n_node - 1], kernel);
}

/* ---- Over axes ---- */

/* The axes as a set of bits: an attribute up to set 17 (ReduceSum: 12), an input later. */
static uint32_t axes_of(const struct import_walk *w)
{
    const uint32_t n_dim = import_in_shape(w, 0)->n_dim;
    const struct array *list = import_integers(w, 1);
    int64_t axis[ONNX_MOST_DIMS] = {0};
    uint32_t n = 0, found = 0;
    bool given = false;
    struct err_msg ignored;

    if (list && list->n <= ONNX_MOST_DIMS) {
        n = (uint32_t)list->n;
        memcpy(axis, list->integer, n * sizeof *axis);
    } else if (onnx_attr_list(w->node, "axes", axis, ONNX_MOST_DIMS, &n, &given, &ignored)) {
        return 0;
    }
    for (uint32_t k = 0; k < n; k++)
        found |= 1U << (axis[k] < 0 ? axis[k] + n_dim : axis[k]); // it has been evaluated
    return found;
}

/* Each channel for itself: rows and columns, or columns alone, behind the channels. */
static bool is_of_maps(const struct import_walk *w)
{
    const uint32_t n_dim = import_in_shape(w, 0)->n_dim, n_out = import_out_shape(w)->n_dim;
    const bool global = strcmp(w->node->proto->op_type, "GlobalAveragePool") == 0;

    return (n_dim == 3 || n_dim == 4) && (n_out == 2 || n_out == n_dim) &&
           (global || axes_of(w) == (1U << n_dim) - 4);
}

/* The same of channels that come last. */
static bool is_of_last(const struct import_walk *w)
{
    return import_in_shape(w, 0)->n_dim == 4 && axes_of(w) == 6;
}

/* Over channels, wherever they are; the reader knows. */
static bool is_of_channels(const struct import_walk *w)
{
    const uint32_t n_dim = import_in_shape(w, 0)->n_dim, set = axes_of(w);

    return import_out_shape(w)->n_dim == n_dim && n_dim >= 3 && (set == 2 || set == 1U << 3);
}

/* Over tokens (batch x tokens x channels), which may go with it. */
static bool is_of_tokens(const struct import_walk *w)
{
    return import_in_shape(w, 0)->n_dim == 3 && axes_of(w) == 2;
}

/* A global pool of x, and Flatten where the axes are gone. */
static struct import_node *pool_all(const struct import_walk *w, const struct import_value *x)
{
    struct import_node *n = import_add_node(w, IMPORT_MEAN, x, NULL);

    n->flat = import_out_shape(w)->n_dim == 2;
    return n;
}

/* The node as it is, its axes as list 0. */
static enum err keep(const struct import_walk *w, const struct import_value *x, uint32_t averaged)
{
    struct import_node *n = import_add_node(w, IMPORT_REDUCE, x, NULL);
    int64_t axis[ONNX_MOST_DIMS];
    uint32_t n_axis = 0, set = axes_of(w);

    for (uint32_t k = 0; k < ONNX_MOST_DIMS; k++)
        if (set >> k & 1)
            axis[n_axis++] = k;
    n->averaged = averaged;
    return import_add_list(w, n, n_axis, axis);
}

enum err import_visit_inner_mean(const struct import_walk *w)
{
    struct import_value *x;
    enum err e = import_take_map(w, 0, &x);

    if (!e)
        e = keep(w, x, 0);
    if (!e)
        import_new_loose(w);
    return e;
}

static enum err visit_mean(const struct import_walk *w)
{
    const struct array *in = import_in_shape(w, 0), *out = import_out_shape(w);
    const uint32_t averaged = out->n > 0 ? (uint32_t)(in->n / out->n) : 0;
    struct import_value *x;
    enum err e = import_take_map(w, 0, &x);

    if (e)
        return e;
    if (is_of_maps(w))
        pool_all(w, x)->averaged = averaged;
    else if (is_of_last(w) || is_of_channels(w) || is_of_tokens(w))
        e = keep(w, x, averaged);
    else
        return IMPORT_REFUSE(w, "does not average whole maps: want the mean over rows and columns, "
                             "or over channels with keepdims 1");
    import_new_draft(w, x->positive);
    return e;
}

static enum err visit_sum(const struct import_walk *w)
{
    struct import_value *x;
    enum err e = import_take_map(w, 0, &x);

    if (!e && !is_of_maps(w) && !is_of_last(w) && !is_of_channels(w))
        e = IMPORT_REFUSE(w, "does not sum whole maps: want the sum over rows and columns, or over "
                          "channels with keepdims 1");
    if (!e)
        e = keep(w, x, 1);
    if (!e)
        import_new_draft(w, x->positive);
    return e;
}

static enum err visit_largest(const struct import_walk *w)
{
    struct import_value *x;
    enum err e = import_take_map(w, 0, &x);

    if (!e && !is_of_maps(w) && !is_of_last(w))
        e = IMPORT_REFUSE(w, "does not take the largest of whole maps: want it over rows and "
                          "columns");
    if (e)
        return e;
    if (is_of_maps(w))
        pool_all(w, x)->largest = true;
    else
        e = keep(w, x, 0);
    import_new_alike(w, x);
    return e;
}

const struct import_operator import_ops_pool[] = {
    {"AveragePool",       visit_average},
    {"GlobalAveragePool", visit_mean},
    {"GlobalMaxPool",     import_visit_moved},
    {"MaxPool",           visit_max},
    {"ReduceMax",         visit_largest},
    {"ReduceMean",        visit_mean},
    {"ReduceSum",         visit_sum},
    {0},
};
