/* onnx/read/op_layout.c -- what only renames or reorders: Flatten, Reshape, Squeeze, Unsqueeze,
 * Transpose, Identity, Cast, Dropout. A layer's pixels stay what they are;
 * the meaning says in which order the file has them. */
#include <inttypes.h>
#include <string.h>

#include "onnx/read/reader.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

/* Input 0: a map, a draft that nobody else reads, or the image. */
static enum err take_any(struct onnx_reader *r, const struct onnx_node *node,
                         struct onnx_meaning *x)
{
    const struct onnx_meaning *draft;

    *x = onnx_passed_on(r, node, 0);
    if (onnx_is_map(x) || x->means == ONNX_IMAGE)
        return ERR_NONE;
    return onnx_take_draft(r, node, 0, &draft);
}

static bool is_pixel(const struct onnx_meaning *x)
{
    return x->shape.height == 1 && x->shape.width == 1 && !onnx_is_padded(x);
}

/* Whether x in y's layout has its values in the order in which x has them. */
static bool keeps_order(const struct onnx_reader *r, const struct onnx_meaning *x,
                        const struct onnx_meaning *y)
{
    bool last = x->layout == ONNX_NHWC || x->layout == ONNX_FLAT_NHWC; // channels are
    bool now_last = y->layout == ONNX_NHWC || y->layout == ONNX_FLAT_NHWC;

    if ((y->layout == ONNX_NCW && y->shape.height + y->pad[0] + y->pad[2] != 1) ||
        (y->layout == ONNX_VECTOR && r->batch != 1))
        return false;
    return is_pixel(x) || last == now_last;
}

/* x in the layout that has these dimensions; false: there is none. */
static bool find_layout(const struct onnx_reader *r, const struct onnx_meaning *x, uint32_t n_dim,
                        const uint64_t *dim, struct onnx_meaning *y)
{
    static const enum onnx_layout layouts[] = {ONNX_NCHW,   ONNX_NHWC,    ONNX_FLAT,
                                               ONNX_FLAT_NHWC, ONNX_NCW,  ONNX_VECTOR,
                                               ONNX_GROUPED, ONNX_GROUPED_FLAT};

    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        uint32_t want[ONNX_MAP_DIMS];
        *y = *x;
        y->layout = layouts[i];
        if (onnx_is_grouped(y)) {
            if (n_dim < 4 || dim[1] == 0 || x->shape.channels % dim[1] != 0 ||
                x->means == ONNX_DRAFT)
                continue;
            y->groups = (uint32_t)dim[1];
        }
        bool equal = onnx_dims(r, y, want) == n_dim && keeps_order(r, x, y);
        for (uint32_t k = 0; k < n_dim && equal; k++)
            equal = want[k] == dim[k];
        if (equal)
            return true;
    }
    return false;
}

/* x with other dimensions. */
static enum err reshape(struct onnx_reader *r, const struct onnx_node *node, struct onnx_meaning *x,
                        uint32_t n_dim, const uint64_t *dim)
{
    struct onnx_meaning y = *x;
    struct onnx_axes axes;

    if (x->layout == ONNX_AXES || !find_layout(r, x, n_dim, dim, &y)) {
        y = *x;
        if (!onnx_axes_of(r, x, &axes) || !axes_reshape(&axes, n_dim, dim))
            return onnx_node_refuse(node, r->msg,
                                    "changes a map of %" PRIu32 "x%" PRIu32 "x%" PRIu32
                                    " (rows x columns x channels) to %" PRIu32 " dimensions that "
                                    "take rows, columns and channels apart otherwise: want these "
                                    "joined or split, in their order", x->shape.height,
                                    x->shape.width, x->shape.channels, n_dim);
        onnx_set_axes(r, &y, &axes);
    }
    if (x->means == ONNX_IMAGE && y.layout != x->layout)
        return onnx_node_refuse(node, r->msg, "reshapes the unquantised image: want QuantizeLinear "
                                "in front");
    onnx_output(r, node, y);
    return ERR_NONE;
}

/* Dequantised constants: the integers are reshaped. Scales along an axis stay with it where an axis
 * as long has as many values behind it afterwards. */
static enum err reshape_weights(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_meaning w = *onnx_input(r, node, 0);
    struct onnx_meaning out = w;
    enum err e = onnx_fold(r, node);

    if (e)
        return e;
    out.tensor = r->meaning[node->output[0]].tensor;
    bool single = w.scale.n == 1 && w.zero.n <= 1, found = single;
    size_t wanted = 1, behind = 1;
    for (uint32_t k = w.axis + 1; k < w.tensor.n_dim; k++)
        wanted *= w.tensor.dim[k];
    for (uint32_t k = out.tensor.n_dim; k-- > 0 && !found; behind *= out.tensor.dim[k])
        if (behind == wanted && out.tensor.dim[k] == w.tensor.dim[w.axis]) {
            out.axis = k;
            found = true;
        }
    out.axis = single ? 0 : out.axis;
    if (!found)
        return onnx_node_refuse(node, r->msg, "takes the axis apart along which scales differ: "
                                "want one scale, or that axis as it is");
    onnx_output(r, node, out);
    return ERR_NONE;
}

static enum err read_flatten(struct onnx_reader *r, const struct onnx_node *node)
{
    if (onnx_input(r, node, 0)->means == ONNX_WEIGHTS)
        return reshape_weights(r, node);

    struct onnx_meaning x;
    uint32_t dim[ONNX_MAP_DIMS];
    int64_t axis = 1;
    enum err e = onnx_attr_int(node, "axis", &axis, r->msg);

    if (!e)
        e = take_any(r, node, &x);
    if (e)
        return e;
    uint32_t n_dim = onnx_dims(r, &x, dim);
    uint64_t flat[] = {1, 1};
    axis = axis < 0 ? axis + n_dim : axis;
    if (axis < 0 || axis > n_dim)
        return onnx_node_refuse(node, r->msg, "flattens from axis %" PRId64 " of %" PRIu32
                                " dimensions: want one of them", axis, n_dim);
    for (uint32_t k = 0; k < n_dim && flat[0] <= UINT32_MAX && flat[1] <= UINT32_MAX; k++)
        flat[k >= axis] *= dim[k];
    return reshape(r, node, &x, 2, flat);
}

/* 0 copies a dimension (unless allowzero says it is 0), -1 is what remains. */
static enum err read_reshape(struct onnx_reader *r, const struct onnx_node *node)
{
    if (onnx_input(r, node, 0)->means == ONNX_WEIGHTS)
        return reshape_weights(r, node);

    struct onnx_meaning x;
    int64_t want[ONNX_MOST_DIMS], allow_zero = 0;
    uint64_t dim[ONNX_MOST_DIMS], values = 1, rest = 1;
    uint32_t old[ONNX_MAP_DIMS], n = 0, open = ONNX_MOST_DIMS;
    enum err e = onnx_attr_int(node, "allowzero", &allow_zero, r->msg);

    if (!e)
        e = onnx_stored_list(r, node, 1, ONNX_MOST_DIMS, want, &n);
    if (!e)
        e = take_any(r, node, &x);
    if (e)
        return e;
    uint32_t n_old = onnx_dims(r, &x, old);
    for (uint32_t k = 0; k < n_old && values <= UINT32_MAX; k++)
        values *= old[k];
    values = values < UINT32_MAX ? values : UINT32_MAX;
    for (uint32_t k = 0; k < n; k++) {
        bool copies = want[k] == 0 && !allow_zero && k < n_old;
        if (want[k] == -1 && open == ONNX_MOST_DIMS)
            open = k;
        else if ((want[k] < 1 && !copies) || want[k] > UINT32_MAX)
            return onnx_node_refuse(node, r->msg, "dimension %" PRIu32 " becomes %" PRId64 ": want "
                                    "1 or more, 0 to copy, and -1 at most once", k, want[k]);
        dim[k] = want[k] == -1 ? 1 : copies ? old[k] : (uint64_t)want[k];
        rest = rest > values ? rest : rest * dim[k]; // below 2^64
    }
    if (open < ONNX_MOST_DIMS)
        dim[open] = values / rest;
    return reshape(r, node, &x, n, dim);
}

/* The axes of Squeeze and Unsqueeze: an input from set 13 on, before an attribute. As a set of
 * bits; of n_dim dimensions. */
static enum err read_axes(const struct onnx_reader *r, const struct onnx_node *node, uint32_t n_dim,
                          uint32_t *set, uint32_t *n)
{
    int64_t axis[ONNX_MOST_DIMS];
    bool given;
    enum err e = onnx_has_input(node, 1)
                     ? onnx_stored_list(r, node, 1, ONNX_MOST_DIMS, axis, n)
                     : onnx_attr_list(node, "axes", axis, ONNX_MOST_DIMS, n, &given, r->msg);

    *set = 0;
    for (uint32_t i = 0; i < *n && !e; i++) {
        int64_t a = axis[i] < 0 ? axis[i] + n_dim : axis[i];
        if (a < 0 || a >= n_dim || *set & 1U << a)
            return onnx_node_refuse(node, r->msg,
                                    "axis %" PRId64 " of %" PRIu32 " dimensions: want "
                                    "each once",
                                    axis[i], n_dim);
        *set |= 1U << a;
    }
    return e;
}

static enum err read_squeeze(struct onnx_reader *r, const struct onnx_node *node)
{
    if (onnx_input(r, node, 0)->means == ONNX_WEIGHTS)
        return reshape_weights(r, node);

    struct onnx_meaning x;
    uint32_t old[ONNX_MAP_DIMS], set = 0, n = 0, n_new = 0;
    uint64_t dim[ONNX_MAP_DIMS];
    enum err e = take_any(r, node, &x);

    if (e)
        return e;
    uint32_t n_old = onnx_dims(r, &x, old);
    e = read_axes(r, node, n_old, &set, &n);
    for (uint32_t k = 0; k < n_old && !e; k++) {
        bool gone = n > 0 ? set & 1U << k : old[k] == 1;
        if (gone && old[k] != 1)
            e = onnx_node_refuse(node, r->msg, "squeezes axis %" PRIu32 " of length %" PRIu32
                                 ": want 1", k, old[k]);
        if (!gone)
            dim[n_new++] = old[k];
    }
    return e ? e : reshape(r, node, &x, n_new, dim);
}

static enum err read_unsqueeze(struct onnx_reader *r, const struct onnx_node *node)
{
    if (onnx_input(r, node, 0)->means == ONNX_WEIGHTS)
        return reshape_weights(r, node);

    struct onnx_meaning x;
    uint32_t old[ONNX_MAP_DIMS], set = 0, n = 0, at = 0;
    uint64_t dim[ONNX_MAP_DIMS];
    enum err e = take_any(r, node, &x);

    if (e)
        return e;
    uint32_t n_old = onnx_dims(r, &x, old), n_new = n_old;
    for (uint32_t more = 1; !e && n_new == n_old && more <= ONNX_MAP_DIMS - n_old; more++) {
        e = read_axes(r, node, n_old + more, &set, &n);
        n_new += e ? 0 : n == more ? more : 0;
        e = n != more ? ERR_NONE : e;
    }
    if (!e && n_new == n_old)
        e = onnx_node_refuse(node, r->msg, "adds %" PRIu32 " axes to %" PRIu32 ": want at most %d "
                             "in all", n, n_old, ONNX_MAP_DIMS);
    for (uint32_t k = 0; k < n_new && !e; k++)
        dim[k] = set & 1U << k ? 1 : old[at++];
    return e ? e : reshape(r, node, &x, n_new, dim);
}

/* Dequantised constants: the integers are reordered, their scales follow. */
static enum err transpose_weights(struct onnx_reader *r, const struct onnx_node *node,
                                  const struct onnx_meaning *w, uint32_t n, const int64_t *perm)
{
    struct onnx_meaning out = *w;
    enum err e = onnx_fold(r, node);

    if (e)
        return e;
    out.tensor = r->meaning[node->output[0]].tensor;
    for (uint32_t k = 0; k < n; k++)
        if (perm[k] == w->axis)
            out.axis = k;
    onnx_output(r, node, out);
    return ERR_NONE;
}

/* Channels in groups change places with groups: a shuffle of the channels. */
static bool is_shuffle(uint32_t n, const int64_t *perm)
{
    bool only = true;

    for (uint32_t k = 0; k < n; k++)
        only &= perm[k] == (k == 1 ? 2 : k == 2 ? 1 : k);
    return only;
}

static enum err transpose_groups(struct onnx_reader *r, const struct onnx_node *node,
                                 struct onnx_meaning *x)
{
    const uint32_t groups = x->groups, each = x->shape.channels / groups;
    uint32_t *pick;

    enum err e = onnx_new_list(r, node, x->shape.channels, &pick);
    for (uint32_t o = 0; o < x->shape.channels && !e; o++) {
        uint32_t from = o % groups * each + o / groups;
        pick[o] = x->view.pick ? x->view.pick[from] : from;
    }
    if (!x->view.some)
        x->view = (struct onnx_view){.some = true, .step = {1, 1}};
    x->view.pick = pick;
    x->groups = each;
    if (!e)
        onnx_output(r, node, *x);
    return e;
}

/* Any order of dimensions: a part of attention, mostly. */
static enum err transpose_axes(struct onnx_reader *r, const struct onnx_node *node,
                               struct onnx_meaning *x, const int64_t *perm)
{
    struct onnx_axes axes;

    if (x->means == ONNX_IMAGE || !onnx_axes_of(r, x, &axes))
        return onnx_node_refuse(node, r->msg, "moves rows, columns or the batch of %s: want "
                                "channels first or last only, or a rounded map of one image",
                                onnx_means_text(x->means));
    axes_transpose(&axes, perm);
    onnx_set_axes(r, x, &axes);
    onnx_output(r, node, *x);
    return ERR_NONE;
}

static enum err read_transpose(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_meaning *w = onnx_input(r, node, 0);
    struct onnx_meaning x;
    int64_t perm[ONNX_MOST_DIMS];
    uint32_t old[ONNX_MAP_DIMS], n = 0;
    uint64_t dim[ONNX_MAP_DIMS];
    bool given = false;
    enum err e = onnx_attr_list(node, "perm", perm, ONNX_MOST_DIMS, &n, &given, r->msg);

    if (!e && !onnx_is_constant(w))
        e = take_any(r, node, &x);
    if (e)
        return e;
    uint32_t n_dim = onnx_is_constant(w) ? w->tensor.n_dim : onnx_dims(r, &x, old), set = 0;
    for (uint32_t k = 0; !given && k < n_dim; k++)
        perm[k] = n_dim - 1 - k; // reversed
    n = given ? n : n_dim;
    for (uint32_t k = 0; k < n; k++)
        if (n == n_dim && perm[k] >= 0 && perm[k] < n_dim)
            set |= 1U << perm[k];
    if (n != n_dim || set != (1U << n_dim) - 1)
        return onnx_node_refuse(node, r->msg, "perm does not order %" PRIu32 " axes: want each "
                                "once", n_dim);
    if (onnx_is_constant(w))
        return transpose_weights(r, node, w, n, perm);
    for (uint32_t k = 0; k < n; k++)
        dim[k] = old[perm[k]];
    bool to_last = n == 4 && perm[1] == 2 && perm[2] == 3 && x.layout == ONNX_NCHW;
    bool to_first = n == 4 && perm[1] == 3 && perm[2] == 1 && x.layout == ONNX_NHWC;
    if (onnx_is_grouped(&x) && is_shuffle(n, perm))
        return transpose_groups(r, node, &x);
    bool stays = true;
    for (uint32_t k = 0; k < n; k++)
        stays &= perm[k] == k;
    if (perm[0] == 0 && (to_last || to_first)) {
        x.layout = to_last ? ONNX_NHWC : ONNX_NCHW;
        onnx_output(r, node, x);
        return ERR_NONE;
    }
    if (x.layout == ONNX_AXES || (!stays && !is_pixel(&x)))
        return transpose_axes(r, node, &x, perm);
    return reshape(r, node, &x, n, dim);
}

static enum err read_identity(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning x = onnx_passed_on(r, node, 0);
    enum err e = onnx_is_constant(&x) ? ERR_NONE : take_any(r, node, &x);

    if (!e)
        onnx_output(r, node, x);
    return e;
}

/* Whole numbers, if that is what the value is: a network of whole numbers casts such ones. */
static enum err cast_to_integers(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning x;
    enum err e = take_any(r, node, &x);

    if (!e && x.means == ONNX_DRAFT && x.draft->steps > 1) {
        e = onnx_draft_floor(r, node, x.draft, 0);
        x.draft->truncated = true;
    }
    x.integer = true;
    if (!e)
        onnx_output(r, node, x);
    return e;
}

/* Between floats of any size a map's values stay what they are: its bytes decide. */
static enum err read_cast(struct onnx_reader *r, const struct onnx_node *node)
{
    int64_t to = 0;
    enum err e = onnx_attr_int(node, "to", &to, r->msg);

    if (!e && r->integers && (to == TYPE(INT32) || to == TYPE(INT64)))
        return cast_to_integers(r, node);
    if (!e && (to < 0 || to > INT32_MAX || !onnx_type_is_real((int32_t)to)))
        e = onnx_node_refuse(node, r->msg, "casts a map to type %" PRId64 " (%s): want a float "
                             "type", to, onnx_type_name((int32_t)to));
    if (!e)
        e = read_identity(r, node);
    if (!e)
        r->meaning[node->output[0]].integer = false;
    return e;
}

/* Inputs ratio and training mode came with set 12. */
static enum err read_dropout(struct onnx_reader *r, const struct onnx_node *node)
{
    if (onnx_has_input(node, 2)) {
        const struct onnx_meaning *mode = onnx_input(r, node, 2);
        if (mode->means != ONNX_STORED || mode->tensor.n != 1 || onnx_constant(mode, 0) != 0)
            return onnx_node_refuse(node, r->msg, "is in training mode: want a model exported for "
                                    "inference");
    }
    return read_identity(r, node);
}

const struct onnx_operator onnx_ops_layout[] = {
    {"Cast",      6, 1, 1, "round_mode:24 saturate:19 to", read_cast},
    {"Dropout",   7, 1, 3, "ratio seed:12", read_dropout},
    {"Flatten",   1, 1, 1, "axis", read_flatten},
    {"Identity",  1, 1, 1, "", read_identity},
    {"Reshape",   5, 2, 2, "allowzero:14", read_reshape},
    {"Squeeze",   1, 1, 2, "axes", read_squeeze},
    {"Transpose", 1, 1, 1, "perm", read_transpose},
    {"Unsqueeze", 1, 1, 2, "axes", read_unsqueeze},
    {0},
};
