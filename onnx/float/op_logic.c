/* onnx/float/op_logic.c -- values compared and chosen: Equal, Greater and their like, And, Or,
 * Not, Where, Trilu, Range. Masks are made of them. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "onnx/float/op.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

/* ---- Two operands, spread to one shape ---- */

static enum err spread_shape(const struct float_call *c, uint32_t n_in, uint32_t *n_dim,
                             uint32_t dim[ONNX_MOST_DIMS])
{
    *n_dim = 0;
    for (uint32_t i = 0; i < n_in; i++)
        *n_dim = c->in[i]->n_dim > *n_dim ? c->in[i]->n_dim : *n_dim;
    for (uint32_t k = 0; k < *n_dim; k++)
        dim[k] = 1;
    for (uint32_t i = 0; i < n_in; i++) {
        const struct array *a = c->in[i];
        for (uint32_t k = 0; k < a->n_dim; k++) {
            uint32_t *length = &dim[*n_dim - a->n_dim + k];
            if (a->dim[k] != *length && a->dim[k] != 1 && *length != 1)
                return FLOAT_REFUSE(c, "operands of length %" PRIu32 " and %" PRIu32 " along one "
                                    "axis: want the same, or 1", *length, a->dim[k]);
            *length = *length == 1 ? a->dim[k] : *length;
        }
    }
    return ERR_NONE;
}

/* Which value of `a` place i of the result reads. */
static size_t place_in(const struct array *a, const struct array *out, size_t i)
{
    size_t at = 0, size = 1;

    for (uint32_t k = out->n_dim; k-- > 0; i /= out->dim[k]) {
        uint32_t skip = out->n_dim - a->n_dim;
        if (k < skip)
            continue;
        at += (a->dim[k - skip] == 1 ? 0 : i % out->dim[k]) * size;
        size *= a->dim[k - skip];
    }
    return at;
}

static bool compare(char how, const struct array *a, size_t i, const struct array *b, size_t j)
{
    double x = array_get(a, i), y = array_get(b, j);
    bool less = a->integer && b->integer ? a->integer[i] < b->integer[j] : x < y;
    bool same = a->integer && b->integer ? a->integer[i] == b->integer[j] : x == y;

    switch (how) {
    case '=':
        return same;
    case '<':
        return less;
    case '>':
        return !less && !same && x == x && y == y;
    case 'l':
        return less || same;
    case 'g':
        return !less && x == x && y == y;
    case '&':
        return x != 0 && y != 0;
    default:
        return x != 0 || y != 0;
    }
}

static enum err logic(struct float_call *c, char how)
{
    uint32_t n_dim, dim[ONNX_MOST_DIMS];
    enum err e = spread_shape(c, 2, &n_dim, dim);

    if (!e && (c->in[0]->real == NULL) != (c->in[1]->real == NULL))
        e = FLOAT_REFUSE(c, "operands of types %s and %s: want the same",
                         onnx_type_name(c->in[0]->type), onnx_type_name(c->in[1]->type));
    if (!e)
        e = float_out(c, TYPE(BOOL), n_dim, dim);
    for (size_t i = 0; i < c->out.n && !e; i++)
        c->out.integer[i] = compare(how, c->in[0], place_in(c->in[0], &c->out, i), c->in[1],
                                    place_in(c->in[1], &c->out, i));
    return e;
}

static enum err eval_equal(struct float_call *c) { return logic(c, '='); }
static enum err eval_less(struct float_call *c) { return logic(c, '<'); }
static enum err eval_greater(struct float_call *c) { return logic(c, '>'); }
static enum err eval_at_most(struct float_call *c) { return logic(c, 'l'); }
static enum err eval_at_least(struct float_call *c) { return logic(c, 'g'); }
static enum err eval_and(struct float_call *c) { return logic(c, '&'); }
static enum err eval_or(struct float_call *c) { return logic(c, '|'); }

/* ---- One operand ---- */

static enum err claim(struct float_call *c, bool nan)
{
    const struct array *x = c->in[0];
    enum err e = float_out(c, TYPE(BOOL), x->n_dim, x->dim);

    for (size_t i = 0; i < x->n && !e; i++)
        c->out.integer[i] = nan ? isnan(array_get(x, i)) : array_get(x, i) == 0;
    return e;
}

static enum err eval_not(struct float_call *c) { return claim(c, false); }
static enum err eval_is_nan(struct float_call *c) { return claim(c, true); }

/* ---- Choices ---- */

static void copy_value(struct array *to, size_t i, const struct array *from, size_t k)
{
    if (to->real)
        to->real[i] = from->real[k];
    else
        to->integer[i] = from->integer[k];
}

static enum err eval_where(struct float_call *c)
{
    const struct array *condition = c->in[0];
    uint32_t n_dim, dim[ONNX_MOST_DIMS];
    enum err e = spread_shape(c, 3, &n_dim, dim);

    if (!e && (!condition->integer || c->in[1]->type != c->in[2]->type))
        e = FLOAT_REFUSE(c, "chooses by %s between %s and %s: want bool, and one type",
                         onnx_type_name(condition->type), onnx_type_name(c->in[1]->type),
                         onnx_type_name(c->in[2]->type));
    if (!e)
        e = float_out(c, c->in[1]->type, n_dim, dim);
    for (size_t i = 0; i < c->out.n && !e; i++) {
        bool first = condition->integer[place_in(condition, &c->out, i)] != 0;
        const struct array *from = c->in[first ? 1 : 2];
        copy_value(&c->out, i, from, place_in(from, &c->out, i));
    }
    return e;
}

/* The upper or lower triangle of the last two axes, from diagonal k on; zeros beside it. */
static enum err eval_trilu(struct float_call *c)
{
    const struct array *x = c->in[0];
    int64_t upper = 1, k = 0;
    enum err e = onnx_attr_int(c->node, "upper", &upper, c->msg);

    if (!e && float_has(c, 1) && (!c->in[1]->integer || c->in[1]->n != 1))
        e = FLOAT_REFUSE(c, "%zu diagonals: want one integer", c->in[1]->n);
    if (!e && float_has(c, 1))
        k = c->in[1]->integer[0];
    if (!e && x->n_dim < 2)
        e = FLOAT_REFUSE(c, "%" PRIu32 " dimensions: want 2 or more", x->n_dim);
    if (!e)
        e = float_out(c, x->type, x->n_dim, x->dim);
    const size_t columns = e ? 1 : x->dim[x->n_dim - 1], rows = e ? 1 : x->dim[x->n_dim - 2];
    k = k > INT32_MAX ? INT32_MAX : k < -INT32_MAX ? -INT32_MAX : k;
    for (size_t i = 0; i < c->out.n && !e; i++) {
        int64_t row = (int64_t)(i / columns % rows), column = (int64_t)(i % columns);
        if (upper ? column - row >= k : column - row <= k)
            copy_value(&c->out, i, x, i);
    }
    return e;
}

/* first, first + step, .. up to but without the limit. */
static enum err eval_range(struct float_call *c)
{
    enum err e = ERR_NONE;

    for (uint32_t i = 0; i < 3 && !e; i++)
        if (c->in[i]->n != 1 || c->in[i]->type != c->in[0]->type)
            e = FLOAT_REFUSE(c, "input %" PRIu32 " has %zu values of %s: want one, of one type", i,
                             c->in[i]->n, onnx_type_name(c->in[i]->type));
    if (e)
        return e;
    const double first = array_get(c->in[0], 0), step = array_get(c->in[2], 0);
    const double n = fmax(ceil((array_get(c->in[1], 0) - first) / step), 0);
    if (!(n <= INT32_MAX))
        return FLOAT_REFUSE(c, "%g values from %g by %g: want below 2^31", n, first, step);
    e = float_out(c, c->in[0]->type, 1, &(uint32_t){(uint32_t)n});
    for (size_t i = 0; i < c->out.n && !e; i++)
        array_set(&c->out, i, first + (double)i * step);
    return e;
}

const struct float_operator float_ops_logic[] = {
    {"And",            2, 2, "", eval_and},
    {"Equal",          2, 2, "", eval_equal},
    {"Greater",        2, 2, "", eval_greater},
    {"GreaterOrEqual", 2, 2, "", eval_at_least},
    {"IsNaN",          1, 1, "", eval_is_nan},
    {"Less",           2, 2, "", eval_less},
    {"LessOrEqual",    2, 2, "", eval_at_most},
    {"Not",            1, 1, "", eval_not},
    {"Or",             2, 2, "", eval_or},
    {"Range",          3, 3, "", eval_range},
    {"Trilu",          1, 2, "upper", eval_trilu},
    {"Where",          3, 3, "", eval_where},
    {0},
};
