/* import/op_layout.c -- Flatten, Reshape, Squeeze, Unsqueeze, Transpose, Identity and
 * Dropout. */
#include <inttypes.h>

#include "import/walk.h"

/* Another name, all but the batch made one dimension, or other dimensions. */
static enum err visit_layout(const struct import_walk *w)
{
    const struct array *in = import_in_shape(w, 0), *out = import_out_shape(w);
    struct import_value *x = import_input(w, 0);
    int64_t dim[ONNX_MOST_DIMS];

    if (x->known && array_same_shape(in, out)) {
        import_alias(w, x);
        return ERR_NONE;
    }
    enum err e = import_take_map(w, 0, &x);
    if (e)
        return e;
    bool flat = out->n_dim == 2 && out->dim[0] == in->dim[0];
    if (!flat && w->ends && in->n_dim == 4 && in->n != in->dim[1])
        return IMPORT_REFUSE(w, "brings a map into an order for the host: want it at the end");
    struct import_node *n = import_add_node(w, flat ? IMPORT_FLATTEN : IMPORT_RESHAPE, x, NULL);
    import_new_alike(w, x);
    for (uint32_t k = 0; k < out->n_dim; k++)
        dim[k] = out->dim[k];
    return flat ? ERR_NONE : import_add_list(w, n, out->n_dim, dim);
}

enum err import_visit_inner_layout(const struct import_walk *w)
{
    const struct array *out = import_out_shape(w);
    struct import_value *x;
    int64_t dim[ONNX_MOST_DIMS];
    enum err e = import_take_map(w, 0, &x);

    if (e)
        return e;
    struct import_node *n = import_add_node(w, IMPORT_RESHAPE, x, NULL);
    import_new_loose(w);
    for (uint32_t k = 0; k < out->n_dim; k++)
        dim[k] = out->dim[k];
    return import_add_list(w, n, out->n_dim, dim);
}

/* Between floats; the import has one size of them. */
static enum err visit_cast(const struct import_walk *w)
{
    int64_t to = 0;
    enum err e = onnx_attr_int(w->node, "to", &to, w->msg);

    if (!e && (to < 0 || to > INT32_MAX || !onnx_type_is_real((int32_t)to)))
        e = IMPORT_REFUSE(w, "casts a map to type %" PRId64 ": want a float type", to);
    return e ? e : visit_layout(w);
}

const struct import_operator import_ops_layout[] = {
    {"Cast",       visit_cast},
    {"Dropout",    visit_layout},
    {"Flatten",    visit_layout},
    {"Identity",   visit_layout},
    {"Reshape",    visit_layout},
    {"Squeeze",    visit_layout},
    {"Transpose",  import_visit_moved},
    {"Unsqueeze",  visit_layout},
    {0},
};
