/* onnx/float/op_layout.c -- values moved, not changed: Transpose, Concat, Pad, Slice,
 * Split, Gather, Expand, DepthToSpace, SpaceToDepth. */
#include <inttypes.h>
#include <string.h>

#include "onnx/float/op.h"

static void move(struct array *to, size_t at, const struct array *from, size_t i)
{
    if (to->real)
        to->real[at] = from->real[i];
    else
        to->integer[at] = from->integer[i];
}

/* Visits the places of `dim` in order: what each axis moves an index by, from `first` on. */
struct walk {
    uint32_t n_dim, dim[ONNX_MOST_DIMS];
    int64_t  step[ONNX_MOST_DIMS];
    int64_t  first;
};

/* out[i] = in[walk's index i], or the other way round. */
static void walk(const struct walk *w, struct array *out, const struct array *in, bool scatter)
{
    size_t place[ONNX_MOST_DIMS] = {0}, n = scatter ? in->n : out->n;
    int64_t at = w->first;

    for (size_t i = 0; i < n; i++) {
        move(out, scatter ? (size_t)at : i, in, scatter ? i : (size_t)at);
        for (size_t k = w->n_dim; k-- > 0;) { // of 32 bits gcc 12 -O2 drops stores to *w
            at += w->step[k];
            if (++place[k] < w->dim[k])
                break;
            at -= w->step[k] * (int64_t)place[k];
            place[k] = 0;
        }
    }
}

static void row_major(const struct array *a, int64_t step[ONNX_MOST_DIMS])
{
    int64_t size = 1;

    for (uint32_t i = a->n_dim; i-- > 0; size *= a->dim[i])
        step[i] = size;
}

static enum err eval_transpose(struct float_call *c)
{
    const struct array *x = c->in[0];
    struct float_list perm;
    struct walk w = {.n_dim = x->n_dim};
    int64_t step[ONNX_MOST_DIMS];
    uint32_t seen = 0;
    enum err e = float_integers(c, 1, "perm", &perm);

    if (!e && perm.given && perm.n != x->n_dim)
        e = FLOAT_REFUSE(c, "a permutation of %" PRIu32 " axes: want %" PRIu32, perm.n, x->n_dim);
    row_major(x, step);
    for (uint32_t i = 0; i < x->n_dim && !e; i++) {
        uint32_t from = x->n_dim - 1 - i;
        if (perm.given)
            e = float_axis(c, perm.v[i], x->n_dim, &from);
        if (!e && seen & (1U << from))
            e = FLOAT_REFUSE(c, "a permutation with axis %" PRIu32 " twice: want each once", from);
        if (e)
            break;
        seen |= 1U << from;
        w.dim[i] = x->dim[from];
        w.step[i] = step[from];
    }
    if (!e)
        e = float_out(c, x->type, x->n_dim, w.dim);
    if (!e)
        walk(&w, &c->out, x, false);
    return e;
}

/* ---- Concat ---- */

static enum err concat_shape(struct float_call *c, uint32_t axis)
{
    const struct array *first = c->in[0];
    uint32_t dim[ONNX_MOST_DIMS];
    uint64_t length = 0;

    memcpy(dim, first->dim, sizeof dim);
    for (uint32_t i = 0; i < c->n_in; i++) {
        const struct array *x = c->in[i];
        bool fits = x && x->n_dim == first->n_dim && x->type == first->type;
        for (uint32_t k = 0; fits && k < x->n_dim; k++)
            fits = k == axis || x->dim[k] == first->dim[k];
        if (!fits)
            return FLOAT_REFUSE(c, "input %" PRIu32 " differs from the first in type or beside "
                                "axis %" PRIu32 ": want the same", i, axis);
        length += x->dim[axis];
    }
    if (length > INT32_MAX)
        return FLOAT_REFUSE(c, "a length of %" PRIu64 ": want below 2^31", length);
    dim[axis] = (uint32_t)length;
    return float_out(c, first->type, first->n_dim, dim);
}

static enum err eval_concat(struct float_call *c)
{
    int64_t wanted = 1;
    uint32_t axis;
    enum err e = onnx_attr_int(c->node, "axis", &wanted, c->msg);

    if (!e)
        e = float_axis(c, wanted, c->in[0]->n_dim, &axis);
    if (!e)
        e = concat_shape(c, axis);
    if (e)
        return e;
    struct walk w = {.n_dim = c->out.n_dim};
    row_major(&c->out, w.step);
    for (uint32_t i = 0; i < c->n_in; i++) {
        memcpy(w.dim, c->in[i]->dim, sizeof w.dim);
        walk(&w, &c->out, c->in[i], true);
        w.first += w.step[axis] * c->in[i]->dim[axis];
    }
    return ERR_NONE;
}

/* ---- Pad ---- */

static enum err pad_value(const struct float_call *c, double *value)
{
    char mode[16] = "constant";
    enum err e = onnx_attr_text(c->node, "mode", mode, sizeof mode, c->msg);

    if (!e && strcmp(mode, "constant") != 0)
        e = FLOAT_REFUSE(c, "mode is \"%s\": want constant", mode);
    if (!e)
        e = onnx_attr_float(c->node, "value", value, c->msg);
    if (!e && float_has(c, 2) && c->in[2]->n != 1)
        e = FLOAT_REFUSE(c, "%zu values to pad with: want one", c->in[2]->n);
    if (!e && float_has(c, 2))
        *value = array_get(c->in[2], 0);
    return e;
}

/* Two for each dimension; set 18 names those that it pads. */
static enum err read_pads(struct float_call *c, struct float_list *pads)
{
    uint32_t n_dim = c->in[0]->n_dim, axis = 0;
    struct float_list axes = {0}, given;
    enum err e = float_integers(c, 1, "pads", &given);

    if (!e)
        e = float_integers(c, 3, NULL, &axes);
    uint32_t n = axes.given ? axes.n : n_dim;
    if (!e && given.n != 2 * n)
        e = FLOAT_REFUSE(c, "%" PRIu32 " pads: want two for each of %" PRIu32 " dimensions",
                         given.n, n);
    *pads = (struct float_list){.n = 2 * n_dim};
    for (uint32_t i = 0; i < n && !e; i++) {
        e = float_axis(c, axes.given ? axes.v[i] : i, n_dim, &axis);
        pads->v[axis] = given.v[i];
        pads->v[axis + n_dim] = given.v[i + n];
    }
    return e;
}

static enum err eval_pad(struct float_call *c)
{
    const struct array *x = c->in[0];
    struct walk w = {.n_dim = x->n_dim};
    struct float_list pads;
    double value = 0;
    uint32_t dim[ONNX_MOST_DIMS];
    enum err e = read_pads(c, &pads);

    if (!e)
        e = pad_value(c, &value);
    for (uint32_t i = 0; i < x->n_dim && !e; i++) {
        int64_t before = pads.v[i], after = pads.v[i + x->n_dim];
        if (before < 0 || after < 0 || before > INT32_MAX || after > INT32_MAX ||
            before + after + x->dim[i] > INT32_MAX)
            e = FLOAT_REFUSE(c, "pads %" PRId64 " and %" PRId64 ": want 0 to 2^31 - 1 and a length "
                             "below 2^31", before, after);
        else
            dim[i] = (uint32_t)(before + after + x->dim[i]);
    }
    if (!e)
        e = float_out(c, x->type, x->n_dim, dim);
    if (e)
        return e;
    for (size_t i = 0; value != 0 && i < c->out.n; i++)
        array_set(&c->out, i, value);
    row_major(&c->out, w.step);
    memcpy(w.dim, x->dim, sizeof w.dim);
    for (uint32_t i = 0; i < x->n_dim; i++)
        w.first += pads.v[i] * w.step[i];
    walk(&w, &c->out, x, true);
    return ERR_NONE;
}

/* ---- Slice ---- */

static int64_t between(int64_t v, int64_t least, int64_t most)
{
    return v < least ? least : v > most ? most : v;
}

/* One axis of length n: where it starts and how many it takes, as ONNX clamps them. */
static uint32_t cut(int64_t n, int64_t *start, int64_t end, int64_t step)
{
    if (*start < 0)
        *start = *start < -n ? 0 : *start + n;
    if (end < 0)
        end = end < -n ? -1 : end + n;
    if (step > 0) {
        *start = between(*start, 0, n);
        end = between(end, 0, n);
        return end > *start ? (uint32_t)((end - *start - 1) / step + 1) : 0;
    }
    *start = between(*start, 0, n - 1);
    end = between(end, -1, n - 1);
    return *start > end ? (uint32_t)((*start - end - 1) / -step + 1) : 0;
}

static enum err read_slice(struct float_call *c, struct float_list list[4])
{
    static const char *const attributes[] = {"starts", "ends", "axes", NULL};
    enum err e = ERR_NONE;

    for (uint32_t i = 0; i < 4 && !e; i++)
        e = float_integers(c, i + 1, attributes[i], &list[i]);
    for (uint32_t i = 0; i < 4 && !e; i++)
        if ((i < 2 && !list[i].given) || (list[i].given && list[i].n != list[0].n))
            e = FLOAT_REFUSE(c, "starts, ends, axes or steps that are not there or not as many: "
                             "want one of each for an axis");
    return e;
}

static enum err eval_slice(struct float_call *c)
{
    const struct array *x = c->in[0];
    struct walk w = {.n_dim = x->n_dim};
    struct float_list list[4]; // starts, ends, axes, steps
    enum err e = read_slice(c, list);
    uint32_t seen = 0;

    row_major(x, w.step);
    memcpy(w.dim, x->dim, sizeof w.dim);
    for (uint32_t i = 0; !e && i < list[0].n; i++) {
        int64_t start = list[0].v[i], step = list[3].given ? list[3].v[i] : 1;
        uint32_t axis;
        e = float_axis(c, list[2].given ? list[2].v[i] : i, x->n_dim, &axis);
        if (!e && (step == 0 || step < -INT32_MAX || step > INT32_MAX || seen & (1U << axis)))
            e = FLOAT_REFUSE(c, "step %" PRId64 " along axis %" PRIu32 ": want another step than "
                             "0, and each axis once", step, axis);
        if (e)
            break;
        seen |= 1U << axis;
        w.dim[axis] = x->dim[axis] ? cut(x->dim[axis], &start, list[1].v[i], step) : 0;
        w.first += w.dim[axis] ? start * w.step[axis] : 0;
        w.step[axis] *= step;
    }
    if (!e)
        e = float_out(c, x->type, x->n_dim, w.dim);
    if (!e)
        walk(&w, &c->out, x, false);
    return e;
}

/* ---- Split ---- */

static enum err eval_split(struct float_call *c)
{
    const struct array *x = c->in[0];
    struct walk w = {.n_dim = x->n_dim};
    struct float_list sizes;
    int64_t wanted = 0;
    uint32_t axis, start = 0, n = 0;
    enum err e = onnx_attr_int(c->node, "axis", &wanted, c->msg);

    if (!e)
        e = float_axis(c, wanted, x->n_dim, &axis);
    if (!e)
        e = float_integers(c, 1, "split", &sizes);
    if (!e)
        e = onnx_split_part(c->node, x->dim[axis], sizes.given ? sizes.n : 0, sizes.v, &start, &n,
                            c->msg);
    if (e)
        return e;
    row_major(x, w.step);
    memcpy(w.dim, x->dim, sizeof w.dim);
    w.dim[axis] = n;
    w.first = start * w.step[axis];
    e = float_out(c, x->type, x->n_dim, w.dim);
    if (!e)
        walk(&w, &c->out, x, false);
    return e;
}

/* ---- Gather ---- */

static enum err eval_gather(struct float_call *c)
{
    const struct array *x = c->in[0], *index = c->in[1];
    int64_t wanted = 0;
    uint32_t axis, dim[2 * ONNX_MOST_DIMS], n_dim = 0;
    enum err e = onnx_attr_int(c->node, "axis", &wanted, c->msg);

    if (!e)
        e = float_axis(c, wanted, x->n_dim, &axis);
    if (!e && (!index->integer || x->n_dim + index->n_dim - 1 > ONNX_MOST_DIMS))
        e = FLOAT_REFUSE(c, "indices of %s in %" PRIu32 " dimensions: want integers, and at most 8 "
                         "dimensions in all", onnx_type_name(index->type), index->n_dim);
    if (e)
        return e;
    for (uint32_t i = 0; i < x->n_dim; i++) {
        if (i != axis)
            dim[n_dim++] = x->dim[i];
        for (uint32_t k = 0; i == axis && k < index->n_dim; k++)
            dim[n_dim++] = index->dim[k];
    }
    for (size_t i = 0; i < index->n && !e; i++) {
        uint32_t place;
        if (x->dim[axis] > INT32_MAX || float_axis(c, index->integer[i], x->dim[axis], &place))
            e = FLOAT_REFUSE(c, "index %" PRId64 " of %" PRIu32 ": want one of them",
                             index->integer[i], x->dim[axis]);
    }
    if (!e)
        e = float_out(c, x->type, n_dim, dim);
    struct float_split s = float_split(x, axis);
    for (size_t i = 0; i < c->out.n && !e; i++) {
        int64_t at = index->integer[i / s.behind % index->n];
        at = at < 0 ? at + (int64_t)s.at : at;
        size_t before = i / s.behind / index->n;
        move(&c->out, i, x, (before * s.at + (size_t)at) * s.behind + i % s.behind);
    }
    return e;
}

/* ---- Expand ---- */

/* Each axis, counted from the last, as long as the longer of x's and the shape's, which is a
 * multiple of 1. */
static enum err eval_expand(struct float_call *c)
{
    const struct array *x = c->in[0];
    int64_t step[ONNX_MOST_DIMS] = {0};
    struct float_list shape;
    struct walk w = {0};
    enum err e = float_integers(c, 1, NULL, &shape);

    if (e)
        return e;
    if (shape.n > ONNX_MOST_DIMS)
        return FLOAT_REFUSE(c, "%" PRIu32 " dimensions: want at most 8", shape.n);
    w.n_dim = shape.n > x->n_dim ? shape.n : x->n_dim;
    row_major(x, step);
    for (uint32_t k = 0; k < w.n_dim; k++) {
        uint32_t behind = w.n_dim - k;
        int64_t have = behind > x->n_dim ? 1 : x->dim[x->n_dim - behind];
        int64_t want = behind > shape.n ? 1 : shape.v[shape.n - behind];
        if (want < 0 || want > INT32_MAX || (have != want && have != 1 && want != 1))
            return FLOAT_REFUSE(c, "expands a length of %" PRId64 " to %" PRId64 ": want the same, "
                                "or 1 of either", have, want);
        w.dim[k] = (uint32_t)(have == 1 ? want : have);
        w.step[k] = have == 1 ? 0 : step[x->n_dim - behind];
    }
    e = float_out(c, x->type, w.n_dim, w.dim);
    if (!e)
        walk(&w, &c->out, x, false);
    return e;
}

/* ---- DepthToSpace, SpaceToDepth ---- */

/* DepthToSpace, or SpaceToDepth the other way: pixel (row * b + i, column * b + j) of channel c is
 * channel (i * b + j) * C + c of pixel (row, column), or c * b * b + i * b + j (CRD). */
static enum err move_blocks(struct float_call *c, bool spreads)
{
    const struct array *x = c->in[0];
    int64_t side = 0;
    char mode[8] = "DCR";
    enum err e = onnx_attr_int(c->node, "blocksize", &side, c->msg);

    if (!e)
        e = onnx_attr_text(c->node, "mode", mode, sizeof mode, c->msg);
    if (!e && (x->n_dim != 4 || side < 1 || side > UINT8_MAX))
        e = FLOAT_REFUSE(c, "blocks of %" PRId64 " in %" PRIu32 " dimensions: want 1 to %d in 4",
                         side, x->n_dim, UINT8_MAX);
    if (e)
        return e;
    const uint32_t b = (uint32_t)side, bb = b * b;
    uint32_t dim[] = { x->dim[0], x->dim[1], x->dim[2], x->dim[3] };
    if (spreads ? dim[1] % bb != 0 || dim[2] > INT32_MAX / b || dim[3] > INT32_MAX / b
                : dim[2] % b != 0 || dim[3] % b != 0 || dim[1] > INT32_MAX / bb)
        return FLOAT_REFUSE(c, "blocks of %" PRIu32 " in %" PRIu32 " x %" PRIu32 " x %" PRIu32
                            ": want whole ones", b, dim[1], dim[2], dim[3]);
    dim[1] = spreads ? dim[1] / bb : dim[1] * bb;
    dim[2] = spreads ? dim[2] * b : dim[2] / b;
    dim[3] = spreads ? dim[3] * b : dim[3] / b;
    e = float_out(c, x->type, 4, dim);
    if (e)
        return e;
    const struct array *wide = spreads ? &c->out : x; // of few channels
    const int64_t few = wide->dim[1], rows = wide->dim[2] / b, columns = wide->dim[3] / b;
    const int64_t map = rows * columns; // of the deep one
    const bool by_channel = strcmp(mode, "CRD") == 0;
    const int64_t place = by_channel ? map : map * few; // from one pixel of a block to the next
    const struct walk w = {
        .n_dim = 6,
        .dim = {wide->dim[0], wide->dim[1], (uint32_t)rows, b, (uint32_t)columns, b},
        .step = {few * bb * map, by_channel ? bb * map : map, columns, place * b, 1, place}};
    walk(&w, &c->out, x, !spreads);
    return ERR_NONE;
}

static enum err eval_depth_to_space(struct float_call *c)
{
    return move_blocks(c, true);
}

static enum err eval_space_to_depth(struct float_call *c)
{
    return move_blocks(c, false);
}

enum { ANY = UINT16_MAX }; // inputs

const struct float_operator float_ops_layout[] = {
    {"Transpose", 1, 1, "perm", eval_transpose},
    {"Concat",    1, ANY, "axis", eval_concat},
    {"Pad",       1, 4, "mode pads value", eval_pad},
    {"Slice",     1, 5, "starts ends axes", eval_slice},
    {"Expand",    2, 2, "", eval_expand},
    {"Gather",    2, 2, "axis", eval_gather},
    {"Split",     1, 2, "axis num_outputs:18 split", eval_split},
    {"DepthToSpace", 1, 1, "blocksize mode:11", eval_depth_to_space},
    {"SpaceToDepth", 1, 1, "blocksize", eval_space_to_depth},
    {0},
};
