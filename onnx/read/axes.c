/* onnx/read/axes.c -- see axes.h. */
#include "onnx/read/axes.h"

#include <assert.h>
#include <string.h>

#include "core/util.h"

void axes_add_dim(struct onnx_axes *a)
{
    a->n_dim++;
}

/* Whether y goes on where x ends: together they are one. */
static bool goes_on(const struct onnx_axis *x, const struct onnx_axis *y)
{
    return x->side == y->side && !x->order && !y->order &&
           x->step == (uint64_t)y->step * y->size;
}

bool axes_add(struct onnx_axes *a, struct onnx_axis axis)
{
    struct onnx_axis *last = a->n > 0 ? &a->axis[a->n - 1] : NULL;

    assert(a->n_dim > 0 && axis.size > 0);
    axis.dim = a->n_dim - 1;
    if (axis.size == 1 && !axis.order)
        return true;
    if (last && last->dim == axis.dim && goes_on(last, &axis)) {
        last->size *= axis.size;
        last->step = axis.step;
        return true;
    }
    if (a->n == ONNX_MOST_AXES)
        return false;
    a->axis[a->n++] = axis;
    return true;
}

uint32_t axes_length(const struct onnx_axes *a, uint32_t dim)
{
    uint64_t length = 1;

    for (uint32_t k = 0; k < a->n; k++)
        if (a->axis[k].dim == dim)
            length *= a->axis[k].size; // of lists that a tensor has: below 2^32
    return (uint32_t)length;
}

/* The outer `n` places of what is left of an axis; the rest is left. False: n does not divide. */
static bool split(struct onnx_axis *left, uint64_t n, struct onnx_axis *outer)
{
    if (left->size % n || (left->order && n < left->size))
        return false;
    *outer = *left;
    outer->size = (uint32_t)n;
    outer->step = left->step * (left->size / (uint32_t)n);
    left->size /= (uint32_t)n;
    return true;
}

bool axes_reshape(struct onnx_axes *a, uint32_t n_dim, const uint64_t *length)
{
    const struct onnx_axes old = *a;
    struct onnx_axes new = { .first = { a->first[0], a->first[1], a->first[2] } };
    struct onnx_axis left = { .size = 1 };
    uint32_t next = 0;

    for (uint32_t d = 0; d < n_dim; d++) {
        axes_add_dim(&new);
        for (uint64_t need = length[d]; need > 1;) {
            struct onnx_axis part;
            while (left.size == 1 && next < old.n)
                left = old.axis[next++];
            const uint64_t n = left.size < need ? left.size : need;
            if (n < 2 || need % n || !split(&left, n, &part) ||
                !axes_add(&new, part))
                return false;
            need /= n;
        }
    }
    if (left.size > 1 || next < old.n)
        return false;
    *a = new;
    return true;
}

bool axes_transpose(struct onnx_axes *a, const int64_t *perm)
{
    const struct onnx_axes old = *a;

    a->n = a->n_dim = 0;
    for (uint32_t d = 0; d < old.n_dim; d++) {
        axes_add_dim(a);
        for (uint32_t k = 0; k < old.n; k++)
            if (old.axis[k].dim == perm[d])
                axes_add(a, old.axis[k]); // never more
    }
    return true;
}

/* The axes without those of a dimension; *from is where that one's would be. */
static void take_out(struct onnx_axes *a, uint32_t dim, uint32_t *from)
{
    uint32_t kept = 0;

    *from = 0;
    for (uint32_t k = 0; k < a->n; k++) {
        if (a->axis[k].dim == dim)
            continue;
        *from += a->axis[k].dim < dim;
        a->axis[kept++] = a->axis[k];
    }
    a->n = kept;
}

bool axes_slice(struct onnx_axes *a, uint32_t dim, uint32_t start, uint32_t n, uint32_t step)
{
    struct onnx_axis *only = NULL;
    uint32_t of_dim = 0, from;

    if (n == axes_length(a, dim))
        return true;
    for (uint32_t k = 0; k < a->n; k++)
        if (a->axis[k].dim == dim) {
            only = &a->axis[k];
            of_dim++;
        }
    if (n == 1) {
        uint32_t at[ONNX_SIDES] = { 0 };
        axes_locate(a, dim, start, at);
        for (int side = 0; side < ONNX_SIDES; side++)
            a->first[side] += at[side];
        take_out(a, dim, &from);
        return true;
    }
    if (of_dim != 1)
        return false;
    if (only->order && step > 1)
        return false;
    if (only->order)
        only->order += start;
    else
        a->first[only->side] += start * only->step;
    only->size = n;
    only->step *= step;
    return true;
}

void axes_drop(struct onnx_axes *a, uint32_t dim)
{
    assert(axes_length(a, dim) == 1);
    for (uint32_t k = 0; k < a->n; k++)
        a->axis[k].dim -= a->axis[k].dim > dim;
    a->n_dim--;
}

void axes_end_with_channels(struct onnx_axes *a, uint32_t size)
{
    uint32_t from;

    take_out(a, a->n_dim - 1, &from);
    a->first[ONNX_CHANNEL] = 0;
    axes_add(a, (struct onnx_axis){ .side = ONNX_CHANNEL, .size = size, .step = 1 });
}

bool axes_repeat(struct onnx_axes *a, uint32_t dim, uint32_t n)
{
    uint32_t from;

    assert(axes_length(a, dim) == 1);
    if (n == 1)
        return true;
    if (a->n == ONNX_MOST_AXES)
        return false;
    take_out(a, dim, &from);
    memmove(&a->axis[from + 1], &a->axis[from], (a->n - from) * sizeof *a->axis);
    a->axis[from] = (struct onnx_axis){ .dim = dim, .side = ONNX_CHANNEL, .size = n };
    a->n++;
    return true;
}

void axes_locate(const struct onnx_axes *a, uint32_t dim, uint32_t i, uint32_t at[ONNX_SIDES])
{
    for (uint32_t k = a->n; k-- > 0;)
        if (a->axis[k].dim == dim) {
            const struct onnx_axis *x = &a->axis[k];
            at[x->side] += x->order ? x->order[i % x->size] : i % x->size * x->step;
            i /= x->size;
        }
}

bool axes_within(const struct onnx_axes *a, uint32_t from, uint32_t to, uint32_t sides)
{
    for (uint32_t k = 0; k < a->n; k++)
        if (a->axis[k].dim >= from && a->axis[k].dim < to && !(sides & 1U << a->axis[k].side))
            return false;
    return true;
}

/* Each step is the product of the sizes of those that are less: mixed radix. */
bool axes_cover(const struct onnx_axes *a, uint32_t from, uint32_t to, enum onnx_side side,
                uint32_t length)
{
    uint64_t reached = 1;
    uint32_t n = 0, used = 0;
    bool found = true;

    for (uint32_t k = 0; k < a->n; k++)
        n += a->axis[k].dim >= from && a->axis[k].dim < to && a->axis[k].side == side;
    while (found && reached < length) {
        found = false;
        for (uint32_t k = 0; k < a->n && !found; k++) {
            const struct onnx_axis *x = &a->axis[k];
            found = x->dim >= from && x->dim < to && x->side == side &&
                    (x->order ? x->size == length : x->step == reached);
            reached *= found ? x->size : 1;
            used += found;
        }
    }
    return reached == length && used == n && a->first[side] == 0;
}

/* The axes of a dimension: how many, and the first. */
static uint32_t of_dim(const struct onnx_axes *a, uint32_t dim, const struct onnx_axis **first)
{
    uint32_t n = 0;

    for (uint32_t k = 0; k < a->n; k++)
        if (a->axis[k].dim == dim) {
            *first = n == 0 ? &a->axis[k] : *first;
            n++;
        }
    return n;
}

bool axes_whole(const struct onnx_axes *a, uint32_t dim, enum onnx_side side, uint32_t length)
{
    const struct onnx_axis *x = NULL;
    const uint32_t n = of_dim(a, dim, &x);

    if (a->first[side] > 0 || length == 1)
        return a->first[side] == 0 && n == 0;
    return n == 1 && x->side == side && x->size == length && x->step == 1 && !x->order;
}

void axes_sort(struct onnx_axes *a)
{
    for (struct onnx_axis *x = a->axis; x < a->axis + a->n; x++) {
        uint32_t least = UINT32_MAX, most = 0; // an order has each place once
        for (uint32_t i = 0; x->order && i < x->size; i++) {
            least = min_u32(least, x->order[i]);
            most = max_u32(most, x->order[i]);
        }
        if (!x->order || most - least + 1 != x->size)
            continue;
        a->first[x->side] += least;
        x->order = NULL;
        x->step = 1;
    }
}

bool axes_alike(const struct onnx_axes *a, uint32_t dim, const struct onnx_axes *b, uint32_t other)
{
    const struct onnx_axis *x = NULL, *y = NULL;
    const uint32_t n = of_dim(a, dim, &x);

    if (n != of_dim(b, other, &y))
        return false;
    for (uint32_t k = 0; k < n; k++)
        if (x[k].side != y[k].side || x[k].size != y[k].size || x[k].step != y[k].step ||
            x[k].order != y[k].order)
            return false;
    return true;
}

bool axes_equal(const struct onnx_axes *a, const struct onnx_axes *b)
{
    bool equal = a->n_dim == b->n_dim;

    for (int side = 0; side < ONNX_SIDES; side++)
        equal &= a->first[side] == b->first[side];
    for (uint32_t d = 0; d < a->n_dim && equal; d++)
        equal = axes_alike(a, d, b, d);
    return equal;
}
