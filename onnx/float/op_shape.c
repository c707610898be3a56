/* onnx/float/op_shape.c -- the same values in another shape, shapes as values; means, sums and
 * extremes over axes. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "onnx/float/op.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

/* Input 0 in another shape of as many values. */
static enum err reshape(struct float_call *c, uint32_t n_dim, const uint32_t *dim)
{
    const struct array *x = c->in[0];
    enum err e = float_out(c, x->type, n_dim, dim);

    if (!e && c->out.n != x->n)
        return FLOAT_REFUSE(c, "a shape of %zu values for %zu: want as many", c->out.n, x->n);
    if (!e && x->real)
        memcpy(c->out.real, x->real, x->n * sizeof *x->real);
    else if (!e)
        memcpy(c->out.integer, x->integer, x->n * sizeof *x->integer);
    return e;
}

static enum err eval_reshape(struct float_call *c)
{
    const struct array *x = c->in[0];
    struct float_list shape;
    uint32_t dim[FLOAT_MOST_LIST], open = UINT32_MAX;
    int64_t allow_zero = 0;
    uint64_t known = 1;
    enum err e = float_integers(c, 1, NULL, &shape);

    if (!e)
        e = onnx_attr_int(c->node, "allowzero", &allow_zero, c->msg);
    if (!e && shape.n > ONNX_MOST_DIMS)
        e = FLOAT_REFUSE(c, "%" PRIu32 " dimensions: want at most 8", shape.n);
    for (uint32_t i = 0; i < shape.n && !e; i++) {
        int64_t v = shape.v[i];
        if (v == 0 && !allow_zero && i < x->n_dim)
            v = x->dim[i];
        if (v < -1 || v > INT32_MAX || known > INT32_MAX || (v == -1 && open != UINT32_MAX))
            return FLOAT_REFUSE(c, "dimension %" PRIu32 " is %" PRId64 ": want 0 to 2^31 - 1, or "
                                "one of -1", i, v);
        open = v == -1 ? i : open;
        dim[i] = v == -1 ? 1 : (uint32_t)v;
        known *= dim[i];
    }
    if (!e && open != UINT32_MAX && (known == 0 || x->n % known))
        e = FLOAT_REFUSE(c, "%zu values in rows of %" PRIu64 ": want whole rows", x->n, known);
    if (!e && open != UINT32_MAX)
        dim[open] = (uint32_t)(x->n / known);
    return e ? e : reshape(c, shape.n, dim);
}

static enum err eval_flatten(struct float_call *c)
{
    const struct array *x = c->in[0];
    int64_t axis = 1;
    uint32_t dim[2] = {1, 1};
    enum err e = onnx_attr_int(c->node, "axis", &axis, c->msg);

    if (!e && (axis < -(int64_t)x->n_dim || axis > (int64_t)x->n_dim))
        e = FLOAT_REFUSE(c, "axis %" PRId64 " of %" PRIu32 " dimensions: want one of them", axis,
                         x->n_dim);
    axis = axis < 0 ? axis + x->n_dim : axis;
    for (uint32_t i = 0; i < x->n_dim && !e; i++)
        dim[i >= axis] *= x->dim[i];
    return e ? e : reshape(c, 2, dim);
}

/* Axes as a set of bits, of n_dim of them. */
static enum err axis_set(struct float_call *c, const struct float_list *axes, uint32_t n_dim,
                         uint32_t *set)
{
    enum err e = ERR_NONE;

    *set = 0;
    for (uint32_t i = 0; i < axes->n && !e; i++) {
        uint32_t axis;
        e = float_axis(c, axes->v[i], n_dim, &axis);
        if (!e && *set & (1U << axis))
            e = FLOAT_REFUSE(c, "axis %" PRIu32 " twice: want it once", axis);
        if (!e)
            *set |= 1U << axis;
    }
    return e;
}

static enum err eval_squeeze(struct float_call *c)
{
    const struct array *x = c->in[0];
    struct float_list axes;
    uint32_t set = 0, dim[ONNX_MOST_DIMS], n = 0;
    enum err e = float_integers(c, 1, "axes", &axes);

    if (!e)
        e = axis_set(c, &axes, x->n_dim, &set);
    for (uint32_t i = 0; i < x->n_dim && !e; i++) {
        bool drop = axes.given ? set >> i & 1 : x->dim[i] == 1;
        if (drop && x->dim[i] != 1)
            e = FLOAT_REFUSE(c, "axis %" PRIu32 " has length %" PRIu32 ": want 1", i, x->dim[i]);
        if (!drop)
            dim[n++] = x->dim[i];
    }
    return e ? e : reshape(c, n, dim);
}

static enum err eval_unsqueeze(struct float_call *c)
{
    const struct array *x = c->in[0];
    struct float_list axes;
    uint32_t set = 0, dim[ONNX_MOST_DIMS], from = 0;
    enum err e = float_integers(c, 1, "axes", &axes);

    if (!e && x->n_dim + axes.n > ONNX_MOST_DIMS)
        e = FLOAT_REFUSE(c, "%" PRIu32 " dimensions: want at most 8", x->n_dim + axes.n);
    if (!e)
        e = axis_set(c, &axes, x->n_dim + axes.n, &set);
    for (uint32_t i = 0; i < x->n_dim + axes.n && !e; i++)
        dim[i] = set >> i & 1 ? 1 : x->dim[from++];
    return e ? e : reshape(c, x->n_dim + axes.n, dim);
}

/* ---- Shapes and constants as values ---- */

static uint32_t clamp_axis(int64_t v, uint32_t n_dim)
{
    v = v < 0 ? v + n_dim : v;
    return v < 0 ? 0 : v > n_dim ? n_dim : (uint32_t)v;
}

static enum err eval_shape(struct float_call *c)
{
    const struct array *x = c->in[0];
    int64_t start = 0, end = x->n_dim;
    enum err e = onnx_attr_int(c->node, "start", &start, c->msg);

    if (!e)
        e = onnx_attr_int(c->node, "end", &end, c->msg);
    uint32_t first = clamp_axis(start, x->n_dim), last = clamp_axis(end, x->n_dim);
    uint32_t n = last > first ? last - first : 0;
    if (!e)
        e = float_out(c, TYPE(INT64), 1, &n);
    for (uint32_t i = 0; i < n && !e; i++)
        c->out.integer[i] = x->dim[first + i];
    return e;
}

/* The tensor of attribute `value`, as a new array; *out stays zero when there is none. */
static enum err read_value(struct float_call *c, struct array *out)
{
    const Onnx__TensorProto *proto;
    struct onnx_tensor t;
    enum err e = onnx_attr_tensor(c->node, "value", &proto, c->msg);

    if (e || !proto)
        return e;
    e = onnx_tensor_view(&t, proto, c->msg);
    if (e)
        return onnx_node_prefix(c->node, c->msg);
    return array_from_tensor(out, &t) ? ERR_NONE : float_no_memory(c);
}

/* A tensor, or from set 12 on an integer, a list of them, or a number. */
static enum err eval_constant(struct float_call *c)
{
    enum err e = read_value(c, &c->out);
    struct float_list list;
    int64_t integer = 0;
    double real = 0;

    if (e || c->out.real || c->out.integer)
        return e;
    e = float_integers(c, 0, "value_ints", &list);
    if (!e)
        e = onnx_attr_int(c->node, "value_int", &integer, c->msg);
    if (!e)
        e = onnx_attr_float(c->node, "value_float", &real, c->msg);
    if (!e && c->node->proto->n_attribute != 1)
        e = FLOAT_REFUSE(c, "%zu attributes: want one, its value", c->node->proto->n_attribute);
    if (e)
        return e;
    if (list.given) {
        e = float_out(c, TYPE(INT64), 1, &list.n);
        for (uint32_t i = 0; i < list.n && !e; i++)
            c->out.integer[i] = list.v[i];
        return e;
    }
    bool is_real = strcmp(c->node->proto->attribute[0]->name, "value_float") == 0;
    e = float_out(c, is_real ? TYPE(FLOAT) : TYPE(INT64), 0, NULL);
    if (!e && is_real)
        c->out.real[0] = (float)real;
    else if (!e)
        c->out.integer[0] = integer;
    return e;
}

static enum err eval_constant_of_shape(struct float_call *c)
{
    struct array value = {0};
    struct float_list shape;
    uint32_t dim[ONNX_MOST_DIMS];
    enum err e = float_integers(c, 0, NULL, &shape);

    if (!e)
        e = read_value(c, &value);
    if (!e && (shape.n > ONNX_MOST_DIMS || value.n > 1))
        e = FLOAT_REFUSE(c, "%" PRIu32 " dimensions, filled with %zu values: want at most 8 and "
                         "one", shape.n, value.n);
    for (uint32_t i = 0; i < shape.n && !e; i++) {
        if (shape.v[i] < 0 || shape.v[i] > INT32_MAX)
            e = FLOAT_REFUSE(c, "dimension %" PRIu32 " is %" PRId64 ": want 0 to 2^31 - 1", i,
                             shape.v[i]);
        dim[i] = (uint32_t)shape.v[i];
    }
    if (!e)
        e = float_out(c, value.n ? value.type : TYPE(FLOAT), shape.n, dim);
    for (size_t i = 0; i < c->out.n && value.n && !e; i++)
        array_set(&c->out, i, array_get(&value, 0));
    array_release(&value);
    return e;
}

/* ---- Means, sums and extremes over axes ---- */

/* Where place i of x ends up when the axes of the set are left out. */
static size_t reduced(const struct array *x, uint32_t set, size_t i)
{
    size_t at = 0, size = 1;

    for (uint32_t k = x->n_dim; k-- > 0; i /= x->dim[k])
        if (!(set >> k & 1)) {
            at += i % x->dim[k] * size;
            size *= x->dim[k];
        }
    return at;
}

/* What is left of x once the axes of the set are gone, or 1 long: zeros. */
static enum err reduced_shape(struct float_call *c, uint32_t *set)
{
    const struct array *x = c->in[0];
    struct float_list axes;
    int64_t keep = 1, nothing = 0;
    uint32_t dim[ONNX_MOST_DIMS], n_dim = 0;
    enum err e = float_integers(c, 1, "axes", &axes);

    if (!e)
        e = onnx_attr_int(c->node, "keepdims", &keep, c->msg);
    if (!e)
        e = onnx_attr_int(c->node, "noop_with_empty_axes", &nothing, c->msg);
    if (!e && !x->real)
        e = FLOAT_REFUSE(c, "of %s values: want float", onnx_type_name(x->type));
    if (!e)
        e = axis_set(c, &axes, x->n_dim, set);
    if (e)
        return e;
    if (axes.n == 0 && !nothing)
        *set = (1U << x->n_dim) - 1;
    for (uint32_t i = 0; i < x->n_dim; i++)
        if (!(*set >> i & 1) || keep)
            dim[n_dim++] = *set >> i & 1 ? 1 : x->dim[i];
    return float_out(c, x->type, n_dim, dim);
}

static enum err eval_reduce_sum(struct float_call *c)
{
    const struct array *x = c->in[0];
    uint32_t set;
    enum err e = reduced_shape(c, &set);

    for (size_t i = 0; i < x->n && !e; i++)
        c->out.real[reduced(x, set, i)] += x->real[i];
    return e;
}

static enum err eval_reduce_mean(struct float_call *c)
{
    enum err e = eval_reduce_sum(c);

    for (size_t i = 0; i < c->out.n && !e; i++)
        c->out.real[i] /= (float)(c->in[0]->n / c->out.n);
    return e;
}

static enum err eval_reduce_max(struct float_call *c)
{
    const struct array *x = c->in[0];
    uint32_t set;
    enum err e = reduced_shape(c, &set);

    for (size_t i = 0; i < c->out.n && !e; i++)
        c->out.real[i] = -INFINITY;
    for (size_t i = 0; i < x->n && !e; i++) {
        float *most = &c->out.real[reduced(x, set, i)];
        *most = x->real[i] > *most || isnan(x->real[i]) ? x->real[i] : *most;
    }
    return e;
}

#define REDUCES "axes keepdims noop_with_empty_axes"

const struct float_operator float_ops_shape[] = {
    {"Reshape",         1, 2, "allowzero:14", eval_reshape},
    {"Flatten",         1, 1, "axis", eval_flatten},
    {"Squeeze",         1, 2, "axes", eval_squeeze},
    {"Unsqueeze",       1, 2, "axes", eval_unsqueeze},
    {"Shape",           1, 1, "start:15 end:15", eval_shape},
    {"Constant",        0, 0, "value value_float:12 value_int:12 value_ints:12", eval_constant},
    {"ConstantOfShape", 1, 1, "value", eval_constant_of_shape},
    {"ReduceMax",       1, 2, REDUCES ":18", eval_reduce_max},
    {"ReduceMean",      1, 2, REDUCES ":18", eval_reduce_mean},
    {"ReduceSum",       1, 2, REDUCES ":13", eval_reduce_sum},
    {0},
};
