/* import/scales.c -- scales of activations: what each was seen to need, of all that are alike, and
 * moved to where steps are exact.
 */
#include "import/build.h"

#include <math.h>
#include <string.h>

enum { MULTIPLIER_BITS = 15 };

/* The magnitude that a share of all that was seen does not exceed. */
static double magnitude(const struct import_value *v, double percentile)
{
    uint64_t total = 0, below = 0;
    uint32_t bin = 0;

    for (uint32_t i = 0; i < IMPORT_BINS; i++)
        total += v->seen[i];
    double wanted = percentile / 100 * (double)total;
    while (bin + 1 < IMPORT_BINS && (double)(below + v->seen[bin]) < wanted)
        below += v->seen[bin++];
    uint32_t bits = (bin + 1) << 16; // the bin's upper edge
    float edge;
    memcpy(&edge, &bits, sizeof edge);
    return (double)(edge < v->largest ? edge : v->largest);
}

static double power_of_two_above(double v)
{
    int exponent;
    double fraction = frexp(v, &exponent);

    return ldexp(1, fraction == 0.5 ? exponent - 1 : exponent);
}

/* The scale that one value needs by itself. */
static enum err scale_of(const struct import *im, uint32_t i, bool positive, double *scale,
                         struct err_msg *m)
{
    const struct import_value *v = &im->value[i];

    if (!isfinite(v->largest))
        return err_set(m, ERR_INPUT, "value \"%.100s\" is not finite on these images: want a sound "
                       "model", value_name(im, i));
    *scale = magnitude(v, im->cfg.percentile) / (positive ? UINT8_MAX : INT8_MAX);
    if (im->cfg.power_of_two && *scale > 0)
        *scale = power_of_two_above(*scale);
    return ERR_NONE;
}

/* uint8 where all values alike are. A mean has the type of its map, so that it fits behind it. */
static void choose_types(struct import *im)
{
    for (uint32_t i = 0; i < im->graph->graph.n_value; i++)
        im->value[import_root(im, i)].positive &= im->value[i].positive || !im->value[i].known;
    for (uint32_t i = 0; i < im->n_node; i++)
        if (im->node[i].kind == IMPORT_MEAN)
            im->value[import_root(im, im->node[i].out)].positive &=
                im->value[import_root(im, im->node[i].in[0])].positive;
    for (uint32_t i = 0; i < im->graph->graph.n_value; i++)
        im->value[i].positive = im->value[import_root(im, i)].positive;
}

/* A step in which int8 holds what any of the values alike had, of those that --percentile leaves,
 * for what is not positive. */
static void choose_ranges(struct import *im)
{
    for (uint32_t i = 0; i < im->graph->graph.n_value; i++) {
        const struct import_value *v = &im->value[i];
        struct import_value *root = &im->value[import_root(im, i)];
        if (!v->seen || root->positive)
            continue;
        const float most = (float)magnitude(v, im->cfg.percentile);
        root->low = fminf(root->low, fmaxf(v->low, -most));
        root->high = fmaxf(root->high, fminf(v->high, most));
    }
    for (uint32_t i = 0; i < im->graph->graph.n_value; i++) {
        struct import_value *v = &im->value[i];
        if (import_root(im, i) == i && !v->positive && v->high > v->low)
            v->scale = (float)(((double)v->high - (double)v->low) / UINT8_MAX);
    }
}

/* ---- The image ---- */

struct image_scale { // of the model's input, int8
    double  scale;
    int32_t zero;
};

/* Pixels are int8 = pixel - 128 where all channels are alike by whole pixels; else 256 steps hold
 * the values of all channels, and 0. */
static struct image_scale image_scale(const struct import *im)
{
    const struct normalise *how = &im->cfg.normalise;
    double low = 0, high = 0;

    if (im->cfg.values)
        return (struct image_scale){ (double)im->value[im->graph->graph.image].scale, 0 };
    if (how->n == 0)
        return (struct image_scale){ im->cfg.scale, im->cfg.mean + INT8_MIN };
    for (uint32_t ch = 0; ch < how->n; ch++) {
        low = fmin(low, (double)normalise_value(how, ch, 0));
        high = fmax(high, (double)normalise_value(how, ch, UINT8_MAX));
    }
    double scale = (high - low) / UINT8_MAX;
    if (im->cfg.power_of_two)
        scale = power_of_two_above(scale);
    return (struct image_scale){ scale, (int32_t)rint(INT8_MIN - low / scale) };
}

int32_t import_image_zero(const struct import *im)
{
    return image_scale(im).zero;
}

/* ---- Exact steps ---- */

/* Steps M / 2^shift with an M that digital processors hold, as they would choose it
 * (network/requantize.h): with such a step they are exact. */
static double exact_step(double v, double (*whole)(double))
{
    int exponent;
    double fraction = frexp(v, &exponent);

    return ldexp(whole(ldexp(fraction, MULTIPLIER_BITS)), exponent - MULTIPLIER_BITS);
}

/* The value that the result of a node becomes once it is rounded; ONNX_ABSENT where it leaves as
 * it is. */
static uint32_t rounded_result(const struct import *im, const struct import_node *n)
{
    uint32_t v = n->out;

    for (uint32_t i = (uint32_t)(n - im->node) + 1; i < im->n_node && !im->value[v].rounded; i++)
        if (im->node[i].in[0] == v || im->node[i].in[1] == v)
            v = im->node[i].out;
    return im->value[v].rounded ? v : ONNX_ABSENT;
}

/* What averages and products of maps become has a scale a little larger than it needs, of which
 * their step is an exact one. */
static void fit_scale(struct import *im, const struct import_node *n)
{
    const bool product = n->kind == IMPORT_COPY && n->in[1] != ONNX_ABSENT;
    const uint32_t to = rounded_result(im, n), in = import_root(im, n->in[0]);

    if ((!product && n->averaged == 0) || to == ONNX_ABSENT || import_root(im, to) == in)
        return;
    struct import_value *out = &im->value[import_root(im, to)];
    double step = (double)im->value[in].scale;
    if (product)
        step *= (double)im->value[import_root(im, n->in[1])].scale;
    else
        step /= n->averaged;
    if (step >= 0x1p-100 && out->scale >= 0x1p-100F)
        out->scale = (float)(step / exact_step(step / (double)out->scale, floor));
}

void import_fit_steps(const struct import *im, const struct import_node *n, float *v, size_t count)
{
    uint32_t to = rounded_result(im, n);

    if (to == ONNX_ABSENT)
        return;
    double ratio = (double)im->value[n->in[0]].scale / (double)im->value[to].scale;
    for (size_t i = 0; i < count; i++)
        v[i] = (float)(exact_step((double)v[i] * ratio, rint) / ratio);
}

/* ---- All of them ---- */

static int32_t zero_of(const struct import *im, uint32_t root)
{
    const struct import_value *v = &im->value[root];

    if (!im->cfg.asymmetric || v->positive || root == import_root(im, im->graph->graph.image))
        return 0;
    return (int32_t)rint(INT8_MIN - (double)v->low / (double)v->scale);
}

enum err import_choose_scales(struct import *im, struct err_msg *m)
{
    uint32_t n = im->graph->graph.n_value;

    choose_types(im);
    for (uint32_t i = 0; i < n; i++) {
        struct import_value *root = &im->value[import_root(im, i)];
        double scale = 0;
        if (!im->value[i].seen)
            continue;
        enum err e = scale_of(im, i, root->positive, &scale, m);
        if (e)
            return e;
        root->scale = (float)fmax((double)root->scale, scale);
    }
    if (im->cfg.asymmetric)
        choose_ranges(im);
    im->value[im->graph->graph.image].scale = (float)image_scale(im).scale;
    for (uint32_t i = 0; i < im->n_node && !im->cfg.power_of_two; i++)
        fit_scale(im, &im->node[i]);
    for (uint32_t i = 0; i < n; i++) {
        float scale = im->value[import_root(im, i)].scale;
        im->value[i].scale = scale >= 0x1p-100F ? scale : 1; // never seen but as 0
        im->value[i].zero = scale >= 0x1p-100F ? zero_of(im, import_root(im, i)) : 0;
    }
    return ERR_NONE;
}
