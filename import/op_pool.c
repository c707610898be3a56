/* import/op_pool.c -- MaxPool, AveragePool, GlobalMaxPool, GlobalAveragePool and
 * ReduceMean. */
#include <string.h>

#include "import/walk.h"

static enum err visit_average(const struct import_walk *w)
{
    int64_t dilation[2] = {1, 1}, kernel[2] = {1, 1};
    uint32_t n = 0, n_kernel = 0;
    bool given;
    struct import_value *x;
    enum err e = onnx_attr_list(w->node, "dilations", dilation, 2, &n, &given, w->msg);

    if (!e && (dilation[0] != 1 || dilation[1] != 1))
        e = IMPORT_REFUSE(w, "averages with dilations: want none");
    if (!e)
        e = onnx_attr_list(w->node, "kernel_shape", kernel, 2, &n_kernel, &given, w->msg);
    if (!e)
        e = import_take_map(w, 0, &x);
    if (e)
        return e;
    import_add_node(w, IMPORT_COPY, x, NULL)->averaged = (uint32_t)(kernel[0] * kernel[1]);
    import_new_draft(w, x->positive);
    return ERR_NONE;
}

/* Whether it is the mean over axes `from` to the one before `to`, and no others. */
static bool averages(const struct import_walk *w, const struct array *in, uint32_t from,
                     uint32_t to)
{
    const struct array *list = import_integers(w, 1);
    int64_t axis[ONNX_MOST_DIMS] = {0};
    uint32_t n = 0, found = 0;
    bool given = false;
    struct err_msg ignored;

    if (list && list->n <= ONNX_MOST_DIMS) {
        n = (uint32_t)list->n;
        memcpy(axis, list->integer, n * sizeof *axis);
    } else if (onnx_attr_list(w->node, "axes", axis, ONNX_MOST_DIMS, &n, &given, &ignored)) {
        return false;
    }
    for (uint32_t k = 0; k < n; k++)
        found |= 1U << (axis[k] < 0 ? axis[k] + in->n_dim : axis[k]); // it has been evaluated
    return found == (1U << to) - (1U << from);
}

static bool is_global(const struct import_walk *w)
{
    return strcmp(w->node->proto->op_type, "GlobalAveragePool") == 0;
}

/* Mean over rows and columns, or columns alone; flat: which are gone then. */
static enum err visit_mean(const struct import_walk *w)
{
    const struct array *in = import_in_shape(w, 0), *out = import_out_shape(w);
    struct import_value *x;
    enum err e = import_take_map(w, 0, &x);

    if (e)
        return e;
    bool flat = out->n_dim == 2;
    const uint32_t averaged = out->n > 0 ? (uint32_t)(in->n / out->n) : 0;
    if (in->n_dim == 4 && !is_global(w) && !import_integers(w, 1) && averages(w, in, 1, 3)) {
        import_add_node(w, IMPORT_COPY, x, NULL)->averaged = averaged;
        import_new_draft(w, x->positive);
        return ERR_NONE;
    }
    if (in->n_dim < 3 || in->n_dim > 4 || (!is_global(w) && !averages(w, in, 2, in->n_dim)) ||
        (!flat && out->n_dim != in->n_dim))
        return IMPORT_REFUSE(w, "does not average whole maps: want the mean over rows and columns");
    struct import_node *n = import_add_node(w, IMPORT_MEAN, x, NULL);
    n->averaged = averaged;
    n->flat = flat;
    import_new_draft(w, x->positive);
    return ERR_NONE;
}

const struct import_operator import_ops_pool[] = {
    {"AveragePool",       visit_average},
    {"GlobalAveragePool", visit_mean},
    {"GlobalMaxPool",     import_visit_moved},
    {"MaxPool",           import_visit_moved},
    {"ReduceMean",        visit_mean},
    {0},
};
