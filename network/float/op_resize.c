/* network/float/op_resize.c -- Resize and Upsample to the nearest pixel, by any factors or sizes.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "network/float/op.h"

struct resize {
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
    if (!e && strcmp(mode, "nearest") != 0)
        e = FLOAT_REFUSE(c, "mode is \"%s\": want nearest", mode);
    if (!e && strcmp(z->coordinates, "asymmetric") != 0 && strcmp(z->coordinates, "half_pixel") != 0
        && strcmp(z->coordinates, "pytorch_half_pixel") != 0)
        e = FLOAT_REFUSE(c, "coordinate_transformation_mode is \"%s\": want asymmetric or "
                         "half_pixel", z->coordinates);
    return e;
}

/* Scales, and the dims that follow; or dims, and the scales. */
static enum err read_sizes(const struct float_call *c, struct resize *z,
                           uint32_t dim[ONNX_MOST_DIMS])
{
    const struct array *x = c->in[0], *size = float_has(c, 3) ? c->in[3] : NULL;
    bool old = c->opset < 11 || strcmp(c->node->proto->op_type, "Upsample") == 0;
    const struct array *scale = float_has(c, old ? 1 : 2) ? c->in[old ? 1 : 2] : NULL;

    if (!x->real)
        return FLOAT_REFUSE(c, "enlarges %s: want float", onnx_type_name(x->type));
    const struct array *given = size ? size : scale;
    if (!given || given->n != x->n_dim)
        return FLOAT_REFUSE(c, "%zu scales or sizes of %" PRIu32 " axes: want one for each",
                            given ? given->n : 0, x->n_dim);
    for (uint32_t k = 0; k < x->n_dim; k++) {
        double v = array_get(given, k), length = size ? v : floor(x->dim[k] * v);
        if (!(length >= 1 && length <= INT32_MAX) || x->dim[k] == 0)
            return FLOAT_REFUSE(c, "makes axis %" PRIu32 " %g long: want 1 or more", k, length);
        dim[k] = (uint32_t)length;
        z->scale[k] = size ? v / x->dim[k] : v;
    }
    return ERR_NONE;
}

/* Where place `at` along an axis of n comes from. */
static uint32_t source_of(const struct resize *z, uint32_t k, uint32_t at, uint32_t n, uint32_t out)
{
    double v = at / z->scale[k];

    if (strstr(z->coordinates, "half_pixel"))
        v = (at + 0.5) / z->scale[k] - 0.5;
    if (strcmp(z->coordinates, "pytorch_half_pixel") == 0 && out == 1)
        v = 0;
    v = strcmp(z->nearest, "floor") == 0               ? floor(v)
        : strcmp(z->nearest, "ceil") == 0              ? ceil(v)
        : strcmp(z->nearest, "round_prefer_ceil") == 0 ? floor(v + 0.5)
                                                       : ceil(v - 0.5);
    return v < 0 ? 0 : v >= n ? n - 1 : (uint32_t)v;
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
    for (size_t i = 0; i < c->out.n && !e; i++) {
        size_t rest = i, from = 0, step = 1;
        for (uint32_t k = x->n_dim; k-- > 0; rest /= dim[k], step *= x->dim[k])
            from += step * source_of(&z, k, (uint32_t)(rest % dim[k]), x->dim[k], dim[k]);
        c->out.real[i] = x->real[from];
    }
    return e;
}

#define MODES "coordinate_transformation_mode cubic_coeff_a exclude_outside " \
              "extrapolation_value keep_aspect_ratio_policy mode nearest_mode"

const struct float_operator float_ops_resize[] = {
    {"Resize",   1, 4, MODES, eval_resize},
    {"Upsample", 1, 2, "mode", eval_resize},
    {0},
};
