/* onnx/float/op_resize.c -- Resize and Upsample to the nearest pixel or linearly between
 * neighbours, by any factors or sizes. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "onnx/float/op.h"

struct resize {
    bool   linear;
    char   coordinates[32], nearest[32];
    double scale[ONNX_MOST_DIMS];
};

static enum err read_modes(const struct float_call *c, struct resize *z)
{
    char mode[16] = "nearest";
    bool old = c->opset < 11 || strcmp(c->node->proto->op_type, "Upsample") == 0;
    enum err e = onnx_attr_text(c->node, "mode", mode, sizeof mode, c->msg);

    strcpy(z->coordinates, old ? "asymmetric" : "half_pixel");
    strcpy(z->nearest, old ? "floor" : "round_prefer_floor");
    if (!e)
        e = onnx_attr_text(c->node, "coordinate_transformation_mode", z->coordinates, 32, c->msg);
    if (!e)
        e = onnx_attr_text(c->node, "nearest_mode", z->nearest, 32, c->msg);
    z->linear = strcmp(mode, "linear") == 0 || strcmp(mode, "bilinear") == 0;
    if (!e && !z->linear && strcmp(mode, "nearest") != 0)
        e = FLOAT_REFUSE(c, "mode is \"%s\": want nearest or linear", mode);
    if (!e && strcmp(z->coordinates, "asymmetric") != 0 && strcmp(z->coordinates, "half_pixel") != 0
        && strcmp(z->coordinates, "pytorch_half_pixel") != 0)
        e = FLOAT_REFUSE(c, "coordinate_transformation_mode is \"%s\": want asymmetric or "
                         "half_pixel", z->coordinates);
    return e;
}

/* Which axis each scale or size is of: all in order, or those that set 18 names. */
static enum err read_axes(const struct float_call *c, struct float_list *axes)
{
    uint32_t n_dim = c->in[0]->n_dim, axis = 0;
    enum err e = float_integers(c, ONNX_ABSENT, "axes", axes);

    for (uint32_t i = 0; i < axes->n && !e; i++) {
        e = float_axis(c, axes->v[i], n_dim, &axis);
        axes->v[i] = axis;
    }
    for (; !axes->given && axes->n < n_dim; axes->n++)
        axes->v[axes->n] = axes->n;
    return e;
}

/* Scales, and the dims that follow; or dims, and the scales. */
static enum err read_sizes(const struct float_call *c, struct resize *z,
                           uint32_t dim[ONNX_MOST_DIMS])
{
    const struct array *x = c->in[0], *size = float_has(c, 3) ? c->in[3] : NULL;
    bool old = c->opset < 11 || strcmp(c->node->proto->op_type, "Upsample") == 0;
    const struct array *scale = float_has(c, old ? 1 : 2) ? c->in[old ? 1 : 2] : NULL;
    const struct array *given = size ? size : scale;
    struct float_list axes;
    enum err e = read_axes(c, &axes);

    if (!e && !x->real)
        e = FLOAT_REFUSE(c, "enlarges %s: want float", onnx_type_name(x->type));
    if (!e && (!given || given->n != axes.n))
        e = FLOAT_REFUSE(c, "%zu scales or sizes of %" PRIu32 " axes: want one for each",
                         given ? given->n : 0, axes.n);
    for (uint32_t k = 0; k < x->n_dim; k++) {
        dim[k] = x->dim[k];
        z->scale[k] = 1;
    }
    for (uint32_t i = 0; i < axes.n && !e; i++) {
        const uint32_t k = (uint32_t)axes.v[i];
        double v = array_get(given, i), length = size ? v : floor(x->dim[k] * v);
        if (!(length >= 1 && length <= INT32_MAX) || x->dim[k] == 0)
            return FLOAT_REFUSE(c, "makes axis %" PRIu32 " %g long: want 1 or more", k, length);
        dim[k] = (uint32_t)length;
        z->scale[k] = size ? v / x->dim[k] : v;
    }
    return e;
}

/* Where place `at` of `out` along axis k comes from. */
static double coordinate(const struct resize *z, uint32_t k, uint32_t at, uint32_t out)
{
    if (strcmp(z->coordinates, "asymmetric") == 0)
        return at / z->scale[k];
    if (strcmp(z->coordinates, "pytorch_half_pixel") == 0 && out == 1)
        return 0;
    return (at + 0.5) / z->scale[k] - 0.5;
}

static uint32_t within(double v, uint32_t n)
{
    return v < 0 ? 0 : v >= n ? n - 1 : (uint32_t)v;
}

/* The nearest of n places. */
static uint32_t nearest_to(const struct resize *z, double v, uint32_t n)
{
    return within(strcmp(z->nearest, "floor") == 0               ? floor(v)
                  : strcmp(z->nearest, "ceil") == 0              ? ceil(v)
                  : strcmp(z->nearest, "round_prefer_ceil") == 0 ? floor(v + 0.5)
                                                                 : ceil(v - 0.5), n);
}

/* Value i of the result: the sum over both neighbours along each axis, by how near they are. */
static double value_at(const struct resize *z, const struct array *x, const uint32_t *dim, size_t i)
{
    uint32_t place[2][ONNX_MOST_DIMS];
    double weight[2][ONNX_MOST_DIMS], sum = 0;
    uint32_t n_corner = z->linear ? 1U << x->n_dim : 1;

    for (uint32_t k = x->n_dim; k-- > 0; i /= dim[k]) {
        double v = coordinate(z, k, (uint32_t)(i % dim[k]), dim[k]);
        place[0][k] = z->linear ? within(floor(v), x->dim[k]) : nearest_to(z, v, x->dim[k]);
        place[1][k] = within(floor(v) + 1, x->dim[k]);
        weight[1][k] = z->linear ? v - floor(v) : 0;
        weight[0][k] = 1 - weight[1][k];
    }
    for (uint32_t corner = 0; corner < n_corner; corner++) {
        double part = 1;
        size_t from = 0;
        for (uint32_t k = 0; k < x->n_dim; k++) {
            part *= weight[corner >> k & 1][k];
            from = from * x->dim[k] + place[corner >> k & 1][k];
        }
        if (part > 0)
            sum += part * (double)x->real[from];
    }
    return sum;
}

static enum err eval_resize(struct float_call *c)
{
    const struct array *x = c->in[0];
    struct resize z;
    uint32_t dim[ONNX_MOST_DIMS];
    enum err e = read_modes(c, &z);

    if (!e)
        e = read_sizes(c, &z, dim);
    if (!e)
        e = float_out(c, x->type, x->n_dim, dim);
    if (!e && z.linear)
        e = float_work(c, (uint64_t)c->out.n << x->n_dim);
    for (size_t i = 0; i < c->out.n && !e; i++)
        c->out.real[i] = (float)value_at(&z, x, dim, i);
    return e;
}

#define MODES "axes:18 coordinate_transformation_mode:11 cubic_coeff_a:11 exclude_outside:11 " \
              "extrapolation_value:11 keep_aspect_ratio_policy:18 mode nearest_mode:11"

const struct float_operator float_ops_resize[] = {
    {"Resize",   1, 4, MODES, eval_resize},
    {"Upsample", 1, 2, "mode", eval_resize},
    {0},
};
