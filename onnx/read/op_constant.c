/* onnx/read/op_constant.c -- Constant, and Shape of a map: numbers that no image changes. What
 * is computed from them is folded (fold.c). */
#include <inttypes.h>

#include "onnx/read/reader.h"

static enum err read_constant(struct onnx_reader *r, const struct onnx_node *node)
{
    const Onnx__TensorProto *t;
    enum err e = onnx_attr_tensor(node, "value", &t, r->msg);

    if (e || !t)
        return e ? e : onnx_fold(r, node);
    struct onnx_meaning m = {.means = ONNX_STORED};
    e = onnx_tensor_view(&m.tensor, t, r->msg);
    if (e)
        return onnx_node_prefix(node, r->msg);
    onnx_output(r, node, m);
    return ERR_NONE;
}

static int64_t clamped(int64_t v, uint32_t n)
{
    v = v < 0 ? v + n : v;
    return v < 0 ? 0 : v > n ? n : v;
}

/* Of a map, draft or scores; start and end came with set 15. */
static enum err read_shape(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_meaning *x = onnx_input(r, node, 0);
    int64_t v[ONNX_MAP_DIMS], start = 0, end = INT32_MAX;
    uint32_t dim[ONNX_MAP_DIMS], n_dim;
    enum err e = onnx_attr_int(node, "start", &start, r->msg);

    if (!e)
        e = onnx_attr_int(node, "end", &end, r->msg);
    if (!e && x->means != ONNX_IMAGE && x->means != ONNX_DRAFT && x->means != ONNX_SCORES &&
        !onnx_is_map(x))
        e = onnx_node_refuse(node, r->msg, "input 0 is %s: want a map", onnx_means_text(x->means));
    if (e)
        return e;
    n_dim = onnx_dims(r, x, dim);
    start = clamped(start, n_dim);
    end = clamped(end, n_dim);
    for (uint32_t k = 0; k < n_dim; k++)
        v[k] = dim[k];
    return onnx_store_list(r, node, end > start ? (uint32_t)(end - start) : 0, v + start);
}

const struct onnx_operator onnx_ops_constant[] = {
    {"Constant", 1, 0, 0, "value value_float:12 value_floats:12 value_int:12 value_ints:12",
     read_constant},
    {"Shape",    1, 1, 1, "end:15 start:15", read_shape},
    {0},
};
