/* onnx/rewrite/lrn.c -- LRN of a float model as what cores have:
 *
 *     y = x * (bias + alpha / size * sum of x^2 over `size` channels around it) ^ -beta
 *
 * Mul of x by itself, a 1 x 1 convolution whose weights are a band, Pow, and Mul of two maps. The
 * result differs from LRN's own by rounding of floats.
 */
#include <inttypes.h>
#include <string.h>

#include "onnx/rewrite/rewrite.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

enum { MOST_CHANNELS = 4096 };

static bool takes(const struct onnx_rewriting *w, const Onnx__NodeProto *node)
{
    return w->is_float && onnx_is_own_domain(node->domain) &&
           strcmp(onnx_text(node->op_type), "LRN") == 0;
}

/* ONNX's window reaches (size - 1) / 2 channels back, rounded down, and the rest on: beyond the map
 * where it is wider. */
static void fill_band(float *band, int64_t n, int64_t size, double alpha)
{
    for (int64_t o = 0; o < n; o++)
        for (int64_t i = 0; i < n; i++)
            if (i >= o - (size - 1) / 2 && i <= o + size / 2)
                band[o * n + i] = (float)(alpha / (double)size);
}

static enum err rewrite(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    const struct onnx_node node = { .proto = *own };
    double alpha = 1e-4, beta = 0.75, bias = 1;
    int64_t size = 0;
    uint32_t n = onnx_rewrite_channels(w, onnx_text((*own)->input[0]));
    enum err e = onnx_attr_int(&node, "size", &size, w->msg);

    if (!e)
        e = onnx_attr_float(&node, "alpha", &alpha, w->msg);
    if (!e)
        e = onnx_attr_float(&node, "beta", &beta, w->msg);
    if (!e)
        e = onnx_attr_float(&node, "bias", &bias, w->msg);
    if (e)
        return e;
    if (n == 0 || n > MOST_CHANNELS)
        return onnx_refuse(w, *own,
                           "follows no convolution of 1 to %d channels: want one "
                           "in front, pools and Relu between",
                           MOST_CHANNELS);
    if (size < 1 || size > INT32_MAX || !(alpha >= 0) || !(bias > 0))
        return onnx_refuse(w, *own,
                           "size %" PRId64 ", alpha %g, bias %g: want a size of "
                           "1 to 2^31 - 1, alpha from 0, and a positive bias",
                           size, alpha, bias);
    const uint32_t dim[] = { n, n, 1, 1 };
    static const char *const parts[] = { "square",   "band",  "bias",  "sum",
                                         "positive", "power", "factor" };
    char name[7][ONNX_NAME];
    for (int i = 0; i < 7; i++)
        onnx_put_name(name[i], *own, parts[i]);
    Onnx__TensorProto *band =
        onnx_put_tensor(w, name[1], TYPE(FLOAT), 4, dim, (size_t)n * n * sizeof(float));
    Onnx__TensorProto *list = onnx_put_tensor(w, name[2], TYPE(FLOAT), 1, dim, n * sizeof(float));
    if (!band || !list)
        return ERR_NONE; // w->failed
    fill_band((float *)(void *)band->raw_data.data, n, size, alpha);
    for (uint32_t i = 0; i < n; i++)
        ((float *)(void *)list->raw_data.data)[i] = (float)bias;
    onnx_put_float(w, name[5], -beta);
    const char *x = (*own)->input[0];
    onnx_put_node(w, *own, "Mul", (const char *const[]){ x, x, NULL }, name[0]);
    onnx_put_node(w, *own, "Conv", (const char *const[]){ name[0], name[1], name[2] }, name[3]);
    onnx_put_node(w, *own, "Relu", (const char *const[]){ name[3], NULL, NULL }, name[4]);
    onnx_put_node(w, *own, "Pow", (const char *const[]){ name[4], name[5], NULL }, name[6]);
    onnx_put_node(w, *own, "Mul", (const char *const[]){ x, name[6], NULL }, (*own)->output[0]);
    return ERR_NONE;
}

const struct onnx_rewriter onnx_rewrites_lrn[] = {
    { takes, rewrite, false },
    { 0 },
};
