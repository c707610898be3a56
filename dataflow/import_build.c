/* dataflow/import_build.c -- scales, and the quantised model; see import.h. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataflow/import.h"
#include "dataflow/onnx_build.h"
#include "dataflow/onnx_read.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

enum { IR_VERSION = 7, OPSET = 13, MOST_WEIGHT = 127 };

struct name {
    char text[512];
};

static const char *value_name(const struct import *im, uint32_t v)
{
    return im->graph->graph.value[v].name;
}

static struct name joined(const char *name, const char *ending)
{
    struct name n;

    snprintf(n.text, sizeof n.text, "%.400s%s", name, ending);
    return n;
}

/* What a node reads: the dequantised bytes where the value is rounded. */
static struct name read_name(const struct import *im, uint32_t v)
{
    return joined(value_name(im, v), im->value[v].rounded ? "_dequantized" : "");
}

static const char *node_name(const struct import *im, const struct import_node *n)
{
    const char *name = n->node->proto->name;

    return name && *name ? name : value_name(im, n->out);
}

/* ---- Scales ---- */

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

static enum err choose_scales(struct import *im, struct err_msg *m)
{
    for (uint32_t i = 0; i < im->graph->graph.n_value; i++) {
        struct import_value *v = &im->value[i];
        if (!v->seen)
            continue;
        if (!isfinite(v->largest))
            return err_set(m, ERR_INPUT, "value \"%.100s\" is not finite on these images: want a "
                           "sound model", value_name(im, i));
        double scale = magnitude(v, im->cfg.percentile) / (v->positive ? UINT8_MAX : INT8_MAX);
        if (im->cfg.power_of_two && scale > 0)
            scale = power_of_two_above(scale);
        v->scale = (float)scale >= 0x1p-100F ? (float)scale : 1; // never seen but as 0
    }
    im->value[im->graph->graph.image].scale = (float)im->cfg.scale;
    return ERR_NONE;
}

/* ---- Constants ---- */

static double largest(const float *v, size_t n)
{
    double most = 0;

    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)v[i]));
    return most;
}

/* Weights and their scales as initializers, and the DequantizeLinear that makes `output`. */
static enum err add_weights(struct onnx_build *b, const struct import_node *n, bool per_channel,
                            const char *output, struct err_msg *m)
{
    const struct array *w = &n->weight;
    size_t outputs = w->dim[0], rows = w->n / outputs;
    uint32_t n_scale = per_channel ? w->dim[0] : 1;
    int8_t *q = malloc(w->n);
    float *scale = malloc(outputs * sizeof *scale);
    enum err e = q && scale ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for weights");

    for (size_t o = 0; o < outputs && !e; o++) {
        double most = largest(w->real + (per_channel ? o * rows : 0), per_channel ? rows : w->n);
        if (!isfinite(most))
            e = onnx_node_refuse(n->node, m, "a weight is not finite: want a sound model");
        scale[o] = most / MOST_WEIGHT >= 0x1p-100 ? (float)(most / MOST_WEIGHT) : 1;
        for (size_t i = o * rows; i < (o + 1) * rows && !e; i++)
            q[i] = (int8_t)array_saturate(TYPE(INT8), rint((double)w->real[i] / (double)scale[o]));
    }
    if (!e) {
        struct name bytes = joined(output, "_quantized"), steps = joined(output, "_scale");
        onnx_build_tensor(b, bytes.text, TYPE(INT8), w->n_dim, w->dim, q, w->n);
        onnx_build_tensor(b, steps.text, TYPE(FLOAT), per_channel ? 1 : 0, &n_scale, scale,
                          n_scale * sizeof *scale);
        Onnx__NodeProto *d = onnx_build_node(b, "DequantizeLinear",
                                             joined(output, "/DequantizeLinear").text, output);
        onnx_build_node_input(b, d, bytes.text);
        onnx_build_node_input(b, d, steps.text);
        onnx_build_int(b, d, "axis", 0);
    }
    free(q);
    free(scale);
    return e;
}

/* ---- Nodes ---- */

/* Value v through QuantizeLinear and DequantizeLinear. */
static void add_rounding(const struct import *im, struct onnx_build *b, uint32_t v)
{
    const char *name = value_name(im, v);
    bool is_image = v == im->graph->graph.image;
    uint8_t zero = is_image ? (uint8_t)(im->cfg.mean - 128) : 0;
    struct name scale = joined(name, "_scale"), zeros = joined(name, "_zero");
    struct name bytes = joined(name, "_quantized"), real = joined(name, "_dequantized");

    onnx_build_tensor(b, scale.text, TYPE(FLOAT), 0, NULL, &im->value[v].scale, sizeof(float));
    onnx_build_tensor(b, zeros.text, im->value[v].positive ? TYPE(UINT8) : TYPE(INT8), 0, NULL,
                      &zero, 1);
    Onnx__NodeProto *q =
        onnx_build_node(b, "QuantizeLinear", joined(name, "/QuantizeLinear").text, bytes.text);
    onnx_build_node_input(b, q, name);
    onnx_build_node_input(b, q, scale.text);
    onnx_build_node_input(b, q, zeros.text);
    Onnx__NodeProto *d =
        onnx_build_node(b, "DequantizeLinear", joined(name, "/DequantizeLinear").text, real.text);
    onnx_build_node_input(b, d, bytes.text);
    onnx_build_node_input(b, d, scale.text);
    onnx_build_node_input(b, d, zeros.text);
}

static enum err add_affine(const struct import *im, struct onnx_build *b,
                           const struct import_node *n, struct err_msg *m)
{
    const char *out = value_name(im, n->out);
    bool raw = n->out == im->result && !im->value[n->out].rounded;
    struct name weight = joined(out, "_weight"), bias = joined(out, "_bias");
    enum err e = add_weights(b, n, im->cfg.per_channel && !raw, weight.text, m);

    if (e)
        return e;
    onnx_build_tensor(b, bias.text, TYPE(FLOAT), 1, n->weight.dim, n->bias,
                      n->weight.dim[0] * sizeof *n->bias);
    Onnx__NodeProto *node = onnx_build_node(b, n->kind == IMPORT_CONV ? "Conv" : "Gemm",
                                            node_name(im, n), out);
    onnx_build_node_input(b, node, read_name(im, n->in[0]).text);
    onnx_build_node_input(b, node, weight.text);
    onnx_build_node_input(b, node, bias.text);
    if (n->kind == IMPORT_GEMM)
        onnx_build_int(b, node, "transB", 1);
    for (size_t i = 0; n->kind == IMPORT_CONV && i < n->node->proto->n_attribute; i++)
        onnx_build_attribute(b, node, n->node->proto->attribute[i]);
    return ERR_NONE;
}

static void add_pool(const struct import *im, struct onnx_build *b, const struct import_node *n)
{
    const char *out = value_name(im, n->out);
    struct name mean = joined(out, n->flat ? "_mean" : "");
    Onnx__NodeProto *pool = onnx_build_node(b, "GlobalAveragePool", node_name(im, n), mean.text);

    onnx_build_node_input(b, pool, read_name(im, n->in[0]).text);
    if (n->flat)
        onnx_build_node_input(
            b, onnx_build_node(b, "Flatten", joined(node_name(im, n), "/Flatten").text, out),
            mean.text);
}

static enum err add_node(const struct import *im, struct onnx_build *b,
                         const struct import_node *n, struct err_msg *m)
{
    static const char *const ops[] = {
        [IMPORT_ADD] = "Add", [IMPORT_RELU] = "Relu", [IMPORT_FLATTEN] = "Flatten"};

    switch (n->kind) {
    case IMPORT_CONV:
    case IMPORT_GEMM:
        return add_affine(im, b, n, m);
    case IMPORT_POOL:
        add_pool(im, b, n);
        return ERR_NONE;
    case IMPORT_ADD:
    case IMPORT_RELU:
    case IMPORT_FLATTEN:
        break;
    }
    Onnx__NodeProto *node =
        onnx_build_node(b, ops[n->kind], node_name(im, n), value_name(im, n->out));
    for (int i = 0; i < 2; i++)
        if (n->in[i] != ONNX_ABSENT)
            onnx_build_node_input(b, node, read_name(im, n->in[i]).text);
    return ERR_NONE;
}

static enum err build_graph(const struct import *im, struct onnx_build *b, struct err_msg *m)
{
    const uint32_t dim[] = {1, im->image.channels, im->image.height, im->image.width};
    enum err e = ERR_NONE;

    onnx_build_input(b, value_name(im, im->graph->graph.image), 4, dim);
    add_rounding(im, b, im->graph->graph.image);
    for (uint32_t i = 0; i < im->n_node && !e; i++) {
        e = add_node(im, b, &im->node[i], m);
        if (!e && im->value[im->node[i].out].rounded)
            add_rounding(im, b, im->node[i].out);
    }
    onnx_build_output(b, read_name(im, im->result).text, im->n_result_dim,
                      im->result_dim);
    return e;
}

/* That the simulator takes it, and not only we. */
static enum err check(const char *name, const uint8_t *data, size_t size, struct err_msg *m)
{
    struct network n;
    enum err e = network_decode_onnx(&n, name, data, size, m);

    if (e)
        err_prefix(m, "the quantised model");
    else
        network_release(&n);
    return e;
}

enum err import_build(struct import *im, const char *name, uint8_t **data, size_t *size,
                      struct err_msg *m)
{
    struct onnx_build b;
    enum err e = choose_scales(im, m);

    *data = NULL;
    if (e)
        return e;
    onnx_build_init(&b, name, IR_VERSION, OPSET);
    if (!b.failed)
        e = build_graph(im, &b, m);
    if (!e)
        e = onnx_build_pack(&b, data, size, m);
    onnx_build_release(&b);
    if (!e)
        e = check(name, *data, *size, m);
    if (e) {
        free(*data);
        *data = NULL;
    }
    return e;
}
