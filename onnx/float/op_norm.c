/* onnx/float/op_norm.c -- normalisations of each token over its channels: LayerNormalization,
 * RMSNormalization and SimplifiedLayerNormalization, ONNX Runtime's name for the latter.
 *
 * Over all axes from `axis` on, the last by default; statistics in double, one rounding at the end.
 * LayerNormalization has two more results, mean and 1 / root; a node stands for one of the three.
 */
#include <inttypes.h>
#include <math.h>

#include "onnx/float/op.h"

/* Gain and offset repeat over the axes that are normalised: their shape is that of x from some axis
 * on. */
static enum err check_repeats(const struct float_call *c, uint32_t i, uint32_t axis)
{
    const struct array *x = c->in[0], *a = float_has(c, i) ? c->in[i] : NULL;
    bool fits = !a || (a->real && a->n_dim <= x->n_dim - axis);

    for (uint32_t k = 0; a && fits && k < a->n_dim; k++)
        fits = a->dim[k] == x->dim[x->n_dim - a->n_dim + k];
    if (fits)
        return ERR_NONE;
    return FLOAT_REFUSE(c, "input %" PRIu32 " has %zu values in %" PRIu32 " dimensions: want "
                        "floats of the shape that is normalised", i, a->n, a->n_dim);
}

static double repeated(const struct float_call *c, uint32_t i, size_t at, double absent)
{
    return float_has(c, i) ? (double)c->in[i]->real[at % c->in[i]->n] : absent;
}

enum result { NORMALISED, MEAN, INVERSE };

/* Row `row` of n values: (x - mean) / sqrt(variance + epsilon) * gain + offset; `rms`: no mean. */
static void normalise(const struct float_call *c, size_t row, size_t n, double epsilon, bool rms)
{
    const float *x = c->in[0]->real + row * n;
    double mean = 0, square = 0;

    for (size_t i = 0; i < n && !rms; i++)
        mean += (double)x[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++)
        square += ((double)x[i] - mean) * ((double)x[i] - mean);
    const double root = sqrt(square / (double)n + epsilon);
    if (c->node->part != NORMALISED) {
        c->out.real[row] = (float)(c->node->part == MEAN ? mean : 1 / root);
        return;
    }
    for (size_t i = 0; i < n; i++)
        c->out.real[row * n + i] = (float)(((double)x[i] - mean) / root * repeated(c, 1, i, 1) +
                                           repeated(c, 2, i, 0));
}

static enum err norm(struct float_call *c, bool rms)
{
    const struct array *x = c->in[0];
    int64_t wanted = -1, stash = 1;
    double epsilon = 1e-5;
    uint32_t axis = 0, dim[ONNX_MOST_DIMS];
    enum err e = onnx_attr_int(c->node, "axis", &wanted, c->msg);

    if (!e)
        e = onnx_attr_int(c->node, "stash_type", &stash, c->msg);
    if (!e)
        e = onnx_attr_float(c->node, "epsilon", &epsilon, c->msg);
    if (!e)
        e = float_axis(c, wanted, x->n_dim, &axis);
    if (!e && !x->real)
        e = FLOAT_REFUSE(c, "reads %s: want float", onnx_type_name(x->type));
    if (!e && !(epsilon >= 0))
        e = FLOAT_REFUSE(c, "epsilon is %g: want 0 or more", epsilon);
    for (uint32_t i = 1; i < 3 && !e; i++)
        e = check_repeats(c, i, axis);
    if (!e && c->node->part > INVERSE)
        e = FLOAT_REFUSE(c, "result %" PRIu32 ": want three at most", c->node->part);
    for (uint32_t k = 0; k < x->n_dim; k++)
        dim[k] = k >= axis && c->node->part != NORMALISED ? 1 : x->dim[k];
    if (!e)
        e = float_out(c, x->type, x->n_dim, dim);
    if (e)
        return e;
    const struct float_split s = float_split(x, axis);
    const size_t n = s.at * s.behind;
    for (size_t i = 0; i < s.before && n > 0; i++)
        normalise(c, i, n, epsilon, rms);
    return ERR_NONE;
}

static enum err eval_layer(struct float_call *c) { return norm(c, false); }
static enum err eval_rms(struct float_call *c) { return norm(c, true); }

const struct float_operator float_ops_norm[] = {
    {"LayerNormalization", 2, 3, "axis epsilon stash_type", eval_layer},
    {"RMSNormalization",   2, 2, "axis epsilon stash_type", eval_rms},
    {"SimplifiedLayerNormalization", 2, 2, "axis epsilon stash_type", eval_rms},
    {0},
};
