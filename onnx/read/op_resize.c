/* onnx/read/op_resize.c -- Resize and Upsample: the nearest pixel, whole factors; Expand. A
 * scaling layer whose window sees each pixel several times. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "onnx/read/reader.h"

enum { MOST_FACTOR = 64, MOST_SIDE = 65536 };

/* Where output x of a map enlarged by f comes from, before it is rounded. */
static double source_of(const char *mode, double x, double f)
{
    return strcmp(mode, "asymmetric") == 0 ? x / f : (x + 0.5) / f - 0.5;
}

static double rounded(const char *nearest, double x)
{
    if (strcmp(nearest, "floor") == 0)
        return floor(x);
    if (strcmp(nearest, "ceil") == 0)
        return ceil(x);
    return strcmp(nearest, "round_prefer_ceil") == 0 ? floor(x + 0.5) : ceil(x - 0.5);
}

/* Whether f neighbours are all the pixel that they come from. */
static bool repeats(const char *mode, const char *nearest, uint32_t f)
{
    for (uint32_t x = f; x < 2 * f; x++) // of a pixel inside
        if (rounded(nearest, source_of(mode, x, f)) != 1)
            return false;
    return true;
}

static enum err read_modes(const struct onnx_reader *r, const struct onnx_node *node,
                           char coordinates[32], char nearest[32])
{
    bool upsample = strcmp(node->proto->op_type, "Upsample") == 0 || r->graph.opset < 11;
    char mode[16] = "nearest";
    enum err e = onnx_attr_text(node, "mode", mode, sizeof mode, r->msg);

    strcpy(coordinates, upsample ? "asymmetric" : "half_pixel");
    strcpy(nearest, upsample ? "floor" : "round_prefer_floor");
    if (!e)
        e = onnx_attr_text(node, "coordinate_transformation_mode", coordinates, 32, r->msg);
    if (!e)
        e = onnx_attr_text(node, "nearest_mode", nearest, 32, r->msg);
    if (!e && strcmp(mode, "nearest") != 0)
        e = onnx_node_refuse(node, r->msg, "mode is \"%s\": want nearest", mode);
    if (!e && strcmp(coordinates, "asymmetric") != 0 && !strstr(coordinates, "half_pixel"))
        e = onnx_node_refuse(node, r->msg, "coordinate_transformation_mode is \"%s\": want "
                             "asymmetric or half_pixel", coordinates);
    return e;
}

/* Factors of the four axes, from scales or from sizes; set 18 names those that they are of. */
static enum err read_factors(const struct onnx_reader *r, const struct onnx_node *node,
                             const struct onnx_meaning *x, double factor[4])
{
    bool old = strcmp(node->proto->op_type, "Upsample") == 0 || r->graph.opset < 11;
    uint32_t i = old ? 1 : 2, n = 4, dim[ONNX_MAP_DIMS];
    int64_t axes[] = {0, 1, 2, 3};
    bool given = false;

    onnx_dims(r, x, dim);
    if (!old && onnx_has_input(node, 3))
        i = 3;
    if (!onnx_has_input(node, i))
        return onnx_node_refuse(node, r->msg, "no scales and no sizes: want either as input");
    const struct onnx_meaning *c = onnx_input(r, node, i);
    enum err e = onnx_attr_list(node, "axes", axes, 4, &n, &given, r->msg);
    if (!e && (!onnx_is_constant(c) || c->tensor.n != n))
        e = onnx_node_refuse(node, r->msg, "its %s are %s: want %" PRIu32 " stored numbers",
                             i == 3 ? "sizes" : "scales", onnx_means_text(c->means), n);
    for (uint32_t k = 0; k < 4; k++)
        factor[k] = 1;
    for (uint32_t k = 0; k < n && !e; k++) {
        int64_t axis = axes[k] < 0 ? axes[k] + 4 : axes[k];
        if (axis < 0 || axis >= 4)
            return onnx_node_refuse(node, r->msg, "axis %" PRId64 " of 4: want one of them",
                                    axes[k]);
        factor[axis] = onnx_constant(c, k) / (i == 3 ? dim[axis] : 1);
    }
    return e;
}

/* Each pixel of x as often as the factors say. */
static enum err enlarge(struct onnx_reader *r, const struct onnx_node *node,
                        const struct onnx_meaning *x, uint32_t rows, uint32_t columns)
{
    const struct onnx_quantisation q = onnx_quantisation_of_all(r, x);
    const struct shape out = {x->shape.height * rows, x->shape.width * columns, x->shape.channels};
    struct onnx_draft *d;
    uint32_t *list;
    enum err e = onnx_new_list(r, node, 1, &list);

    if (!e)
        e = onnx_draft_digital(r, node, x, LAYER_SCALE, &d);
    if (e)
        return e;
    d->layer.out = out;
    d->layer.window.again[0] = rows - 1;
    d->layer.window.again[1] = columns - 1;
    e = onnx_draft_quantise(r, node, d, &q, list);
    if (!e)
        onnx_output(r, node, (struct onnx_meaning){.means = x->means, .layer = list, .n_layer = 1,
                                                   .shape = out, .layout = x->layout});
    return e;
}

static enum err read_resize(struct onnx_reader *r, const struct onnx_node *node)
{
    char coordinates[32], nearest[32];
    double factor[4];
    struct onnx_meaning x;
    enum err e = onnx_take_map(r, node, 0, &x);
    const uint32_t row = x.layout == ONNX_NHWC ? 1 : 2; // the axis of rows

    if (!e && x.layout != ONNX_NHWC)
        e = onnx_check_layout(r, node, &x);
    if (!e && onnx_is_padded(&x))
        e = onnx_node_refuse(node, r->msg, "enlarges zeros around a map: want Pad behind it");
    if (!e)
        e = onnx_settle(r, node, &x);
    if (!e)
        e = read_modes(r, node, coordinates, nearest);
    if (!e)
        e = read_factors(r, node, &x, factor);
    for (uint32_t k = 0; k < 4 && !e; k++)
        if (!(factor[k] >= 1 && factor[k] <= (k - row < 2 ? MOST_FACTOR : 1)) ||
            factor[k] != floor(factor[k]) || !repeats(coordinates, nearest, (uint32_t)factor[k]))
            e = onnx_node_refuse(node, r->msg, "a factor of %g along axis %" PRIu32 ", %s, %s: "
                                 "want whole factors of rows and columns, of the pixel before",
                                 factor[k], k, coordinates, nearest);
    return e ? e : enlarge(r, node, &x, (uint32_t)factor[row], (uint32_t)factor[row + 1]);
}

/* ---- Expand ---- */

/* How often each row, column and channel of x comes: those that are one alone, as the shape says.
 * Counted from the last axis, as many axes as the shape has. */
static enum err read_expansion(struct onnx_reader *r, const struct onnx_node *node,
                               const struct onnx_meaning *x, uint32_t again[ONNX_MAP_DIMS])
{
    uint32_t dim[ONNX_MAP_DIMS], n_dim = onnx_dims(r, x, dim), n = 0;
    int64_t shape[ONNX_MAP_DIMS];
    enum err e = onnx_stored_list(r, node, 1, ONNX_MAP_DIMS, shape, &n);

    for (uint32_t k = 0; k < ONNX_MAP_DIMS; k++)
        again[k] = 1;
    if (!e && n > n_dim)
        e = onnx_node_refuse(node, r->msg, "expands to %" PRIu32 " dimensions: want %" PRIu32, n,
                             n_dim);
    for (uint32_t i = 0; i < n && !e; i++) {
        uint32_t k = n_dim - n + i;
        if (shape[i] == 1 || shape[i] == dim[k])
            continue;
        if (dim[k] != 1 || k == 0 || shape[i] < 1 || shape[i] > MOST_SIDE)
            return onnx_node_refuse(node, r->msg, "expands axis %" PRIu32 " of %" PRIu32 " to %"
                                    PRId64 ": want rows, columns or channels of 1, to at most %d",
                                    k, dim[k], shape[i], MOST_SIDE);
        again[k] = (uint32_t)shape[i];
    }
    return e;
}

/* The same place several times: heads of keys and values, mostly. */
static enum err repeat_axes(struct onnx_reader *r, const struct onnx_node *node,
                            struct onnx_meaning *x, const uint32_t again[ONNX_MAP_DIMS])
{
    for (uint32_t k = 0; k < x->axes.n_dim; k++)
        if (again[k] > 1 && !axes_repeat(&x->axes, k, again[k]))
            return onnx_node_refuse(node, r->msg, "repeats more than %d axes hold: want fewer "
                                    "dimensions", ONNX_MOST_AXES);
    onnx_output(r, node, *x);
    return ERR_NONE;
}

static enum err read_expand(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning x, *y = &r->meaning[node->output[0]];
    uint32_t again[ONNX_MAP_DIMS];
    enum err e = onnx_take_map(r, node, 0, &x);

    if (!e && onnx_is_padded(&x))
        e = onnx_node_refuse(node, r->msg, "expands zeros around a map: want Pad behind it");
    if (!e)
        e = onnx_settle(r, node, &x);
    if (!e && x.layout == ONNX_AXES) {
        e = read_expansion(r, node, &x, again);
        return e ? e : repeat_axes(r, node, &x, again);
    }
    if (!e && (x.layout == ONNX_NHWC || onnx_is_grouped(&x)))
        e = onnx_check_layout(r, node, &x);
    if (!e)
        e = read_expansion(r, node, &x, again);
    if (e)
        return e;
    const uint32_t rows = x.layout == ONNX_NCHW ? again[2] : 1;
    const uint32_t columns = x.layout == ONNX_NCHW ? again[3] : x.layout == ONNX_NCW ? again[2] : 1;
    onnx_output(r, node, x);
    if (rows > 1 || columns > 1)
        e = enlarge(r, node, &x, rows, columns);
    if (e || again[1] == 1)
        return e;
    y->view = (struct onnx_view){.some = true, .step = {1, 1}};
    y->shape.channels = again[1];
    uint32_t *pick; // channel 0
    e = onnx_new_list(r, node, again[1], &pick);
    y->view.pick = pick;
    return e;
}

const struct onnx_operator onnx_ops_resize[] = {
    {"Resize",   10, 1, 4, "axes:18 coordinate_transformation_mode:11 cubic_coeff_a:11 "
                           "exclude_outside:11 extrapolation_value:11 keep_aspect_ratio_policy:18 "
                           "mode nearest_mode:11", read_resize},
    {"Expand",    8, 2, 2, "", read_expand},
    {"Upsample",  7, 1, 2, "mode", read_resize},
    {0},
};
