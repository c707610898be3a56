/* import/build.c -- scales, and the quantised model; see import.h. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/import.h"
#include "import/walk.h"
#include "onnx/build.h"
#include "onnx/read/read.h"
#include "onnx/transposed.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

enum { IR_VERSION = 7, OPSET = 14, REDUCES_BY_INPUT = 18, MOST_WEIGHT = 127,
       MULTIPLIER_BITS = 15 };

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

    return name && *name && !n->renamed ? name : value_name(im, n->out);
}

struct named {
    const char         *name;
    struct import_node *node;
};

static int by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int c = strcmp(x->name, y->name);

    return c ? c : (x->node > y->node) - (x->node < y->node);
}

/* Nodes of one name, but for the first, are called as what they make; the first too where that is
 * another's name. Results of a Split have one name, and what rewriting makes of one node. Some
 * runtimes take none that has another's. */
static enum err rename_nodes(struct import *im, struct err_msg *m)
{
    struct named *sorted = malloc((im->n_node + 1) * sizeof *sorted);
    bool changed = true;

    if (!sorted)
        return err_set(m, ERR_MEMORY, "no memory for names");
    while (changed) { // values have names of their own
        changed = false;
        for (uint32_t i = 0; i < im->n_node; i++)
            sorted[i] = (struct named){ node_name(im, &im->node[i]), &im->node[i] };
        qsort(sorted, im->n_node, sizeof *sorted, by_name);
        for (uint32_t i = 1; i < im->n_node; i++) {
            struct import_node *n = sorted[i].node;
            if (strcmp(sorted[i].name, sorted[i - 1].name) != 0)
                continue;
            n = n->renamed ? sorted[i - 1].node : n;
            changed |= !n->renamed;
            n->renamed = true;
        }
    }
    free(sorted);
    return ERR_NONE;
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

struct image_scale { // of the model's input, int8
    double  scale;
    int32_t zero;
};

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

static int32_t zero_of(const struct import *im, uint32_t root)
{
    const struct import_value *v = &im->value[root];

    if (!im->cfg.asymmetric || v->positive || root == import_root(im, im->graph->graph.image))
        return 0;
    return (int32_t)rint(INT8_MIN - (double)v->low / (double)v->scale);
}

/* The largest scale that any of the values alike needs. */
static enum err choose_scales(struct import *im, struct err_msg *m)
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

/* The first that has every operator, and dilations of AveragePool. */
static int64_t operator_set(const struct import *im)
{
    static const struct { const char *op, *attribute; int64_t since; } late[] = {
        {"Mish", NULL, 18}, {"AveragePool", "dilations", 19}, {"Gelu", NULL, 20},
        {"Swish", NULL, 24},          {"LayerNormalization", NULL, 17},
        {"RMSNormalization", NULL, 23}, {"RotaryEmbedding", NULL, 23},
    };
    int64_t set = OPSET;

    for (uint32_t i = 0; i < im->n_node; i++)
        for (size_t k = 0; k < sizeof late / sizeof *late; k++) {
            const Onnx__NodeProto *node = im->node[i].node->proto;
            bool has = late[k].attribute == NULL;
            for (size_t a = 0; a < node->n_attribute && !has; a++)
                has = strcmp(node->attribute[a]->name, late[k].attribute) == 0;
            if (has && strcmp(node->op_type, late[k].op) == 0 && set < late[k].since)
                set = late[k].since;
        }
    return set;
}

/* ---- Constants ---- */

static double largest(const float *v, size_t n)
{
    double most = 0;

    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)v[i]));
    return most;
}

/* Refuses what is not finite, by the node's name and place: `what` is "weight" or "bias". */
static enum err check_finite(const struct import_node *n, const char *what, const float *v,
                             size_t n_value, struct err_msg *m)
{
    for (size_t i = 0; i < n_value; i++)
        if (!isfinite(v[i]))
            return onnx_node_refuse(n->node, m, "%s %zu is %g: want finite numbers", what, i,
                                    (double)v[i]);
    return ERR_NONE;
}

/* Filters of zeros, whose scale may be any, have the least of the others': runtimes round their
 * bias to steps of it. */
static void scale_dead(float *scale, size_t n)
{
    float least = 0;

    for (size_t o = 0; o < n; o++)
        if (scale[o] > 0 && (least == 0 || scale[o] < least))
            least = scale[o];
    for (size_t o = 0; o < n; o++)
        if (scale[o] == 0)
            scale[o] = least > 0 ? least : 1;
}

/* The order of the weights of a ConvTranspose. */
static struct transposed order_of(const struct import_node *n)
{
    const struct array *w = &n->weight;

    return (struct transposed){ .n_axis = w->n_dim - 2, .kernel = { w->dim[2], w->dim[3] },
                                .groups = n->groups, .inputs = w->dim[1],
                                .outputs = w->dim[0] / n->groups };
}

/* The scale of each output o is scale[o % n]: one for all, one for each, or, where those of a
 * ConvTranspose lie in groups, one for the outputs of the same place in all groups. */
static void find_scales(const struct array *w, float *scale, uint32_t n)
{
    size_t outputs = w->dim[0], rows = w->n / outputs;

    memset(scale, 0, n * sizeof *scale);
    for (size_t o = 0; o < outputs; o++) {
        float own = (float)(largest(w->real + o * rows, rows) / MOST_WEIGHT);
        if ((double)own >= 0x1p-100 && own > scale[o % n])
            scale[o % n] = own;
    }
    scale_dead(scale, n);
}

/* The nearest numbers of which a step of the sums, or of a scaling's products, is an exact one of
 * the result. */
static void fit_steps(const struct import *im, const struct import_node *n, float *v, size_t count)
{
    uint32_t to = rounded_result(im, n);

    if (to == ONNX_ABSENT)
        return;
    double ratio = (double)im->value[n->in[0]].scale / (double)im->value[to].scale;
    for (size_t i = 0; i < count; i++)
        v[i] = (float)(exact_step((double)v[i] * ratio, rint) / ratio);
}

/* Weights in steps of their scales, in the order of the file. */
static void round_weights(const struct import_node *n, const float *scale, uint32_t n_scale,
                          int8_t *q)
{
    const struct array *w = &n->weight;
    const size_t rows = w->n / w->dim[0];
    const bool turned = n->kind == IMPORT_TRANSPOSED, crossed = n->kind == IMPORT_MATMUL;
    const struct transposed t = turned ? order_of(n) : (struct transposed){ 0 };

    for (size_t i = 0; i < w->n; i++) {
        size_t from = turned    ? transposed_place(&t, i)
                      : crossed ? i % w->dim[0] * rows + i / w->dim[0]
                                : i;
        double step = (double)scale[from / rows % n_scale];
        q[i] = (int8_t)array_saturate(TYPE(INT8), rint((double)w->real[from] / step));
    }
}

/* Weights and their scales as initializers, and the DequantizeLinear that makes `output`. */
static enum err add_weights(const struct import *im, struct onnx_build *b,
                            const struct import_node *n, bool per_channel, const char *output,
                            struct err_msg *m)
{
    const struct array *w = &n->weight;
    const bool turned = n->kind == IMPORT_TRANSPOSED, crossed = n->kind == IMPORT_MATMUL;
    uint32_t n_scale = !per_channel ? 1 : w->dim[0] / (turned ? n->groups : 1);
    uint32_t dim[ONNX_MOST_DIMS];
    int8_t *q = malloc(w->n);
    float *scale = malloc(n_scale * sizeof *scale);
    int8_t *zero = calloc(n_scale, 1);
    enum err e = q && scale && zero ? check_finite(n, "weight", w->real, w->n, m)
                                    : err_set(m, ERR_MEMORY, "no memory for weights");

    memcpy(dim, w->dim, sizeof dim);
    if (turned) {
        dim[0] = w->dim[1] * n->groups;
        dim[1] = w->dim[0] / n->groups;
    }
    if (crossed) {
        dim[0] = w->dim[1];
        dim[1] = w->dim[0];
    }
    if (!e) {
        struct name bytes = joined(output, "_quantized"), steps = joined(output, "_scale");
        struct name zeros = joined(output, "_zero");
        find_scales(w, scale, n_scale);
        fit_steps(im, n, scale, n_scale);
        round_weights(n, scale, n_scale, q);
        onnx_build_tensor(b, bytes.text, TYPE(INT8), w->n_dim, dim, q, w->n);
        onnx_build_tensor(b, steps.text, TYPE(FLOAT), per_channel ? 1 : 0, &n_scale, scale,
                          n_scale * sizeof *scale);
        onnx_build_tensor(b, zeros.text, TYPE(INT8), per_channel ? 1 : 0, &n_scale, zero, n_scale);
        Onnx__NodeProto *d = onnx_build_node(b, "DequantizeLinear",
                                             joined(output, "/DequantizeLinear").text, output);
        onnx_build_node_input(b, d, bytes.text);
        onnx_build_node_input(b, d, steps.text);
        onnx_build_node_input(b, d, zeros.text); // optional, but some runtimes fail without
        onnx_build_int(b, d, "axis", turned || crossed ? 1 : 0);
    }
    free(zero);
    free(q);
    free(scale);
    return e;
}

/* ---- Nodes ---- */

/* The bytes of value v made real again. */
static void add_real(struct onnx_build *b, const char *name)
{
    struct name real = joined(name, "_dequantized");
    Onnx__NodeProto *d =
        onnx_build_node(b, "DequantizeLinear", joined(name, "/DequantizeLinear").text, real.text);

    onnx_build_node_input(b, d, joined(name, "_quantized").text);
    onnx_build_node_input(b, d, joined(name, "_scale").text);
    onnx_build_node_input(b, d, joined(name, "_zero").text);
}

static void add_scale(const struct import *im, struct onnx_build *b, uint32_t v, int32_t of_zero)
{
    const uint8_t zero = (uint8_t)of_zero;
    const char *name = value_name(im, v);

    onnx_build_tensor(b, joined(name, "_scale").text, TYPE(FLOAT), 0, NULL, &im->value[v].scale,
                      sizeof(float));
    onnx_build_tensor(b, joined(name, "_zero").text,
                      im->value[v].positive ? TYPE(UINT8) : TYPE(INT8), 0, NULL, &zero, 1);
}

/* Value v through QuantizeLinear and DequantizeLinear. */
static void add_rounding(const struct import *im, struct onnx_build *b, uint32_t v)
{
    const char *name = value_name(im, v);
    bool is_image = v == im->graph->graph.image;

    add_scale(im, b, v, is_image ? image_scale(im).zero : im->value[v].zero);
    Onnx__NodeProto *q = onnx_build_node(b, "QuantizeLinear", joined(name, "/QuantizeLinear").text,
                                         joined(name, "_quantized").text);
    onnx_build_node_input(b, q, name);
    onnx_build_node_input(b, q, joined(name, "_scale").text);
    onnx_build_node_input(b, q, joined(name, "_zero").text);
    add_real(b, name);
}

/* Stored tokens as bytes. */
static void add_stored(const struct import *im, struct onnx_build *b, uint32_t v)
{
    const struct array *a = &im->graph->constant[v];
    const int32_t type = im->value[v].positive ? TYPE(UINT8) : TYPE(INT8);
    uint8_t *code = malloc(a->n + 1);

    if (!code) {
        b->failed = true;
        return;
    }
    for (size_t i = 0; i < a->n; i++)
        code[i] = (uint8_t)array_saturate(type, rint((double)a->real[i] /
                                                     (double)im->value[v].scale) +
                                                    im->value[v].zero);
    onnx_build_tensor(b, joined(value_name(im, v), "_quantized").text, type, a->n_dim, a->dim, code,
                      a->n);
    free(code);
    add_scale(im, b, v, im->value[v].zero);
    add_real(b, value_name(im, v));
}

static void add_integers(struct onnx_build *b, Onnx__NodeProto *node, char *name, size_t n,
                         int64_t *v)
{
    Onnx__AttributeProto a = ONNX__ATTRIBUTE_PROTO__INIT;

    a.name = name;
    a.has_type = 1;
    a.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
    a.n_ints = n;
    a.ints = v;
    onnx_build_attribute(b, node, &a);
}

/* Those of the float graph's node, but for pads that import has settled. */
static void add_attributes(struct onnx_build *b, Onnx__NodeProto *node,
                           const struct import_node *n)
{
    const Onnx__NodeProto *from = n->node->proto;
    int64_t pad[4];

    for (size_t i = 0; i < from->n_attribute; i++) {
        const char *name = from->attribute[i]->name;
        if (n->n_pad == 0 || (strcmp(name, "auto_pad") != 0 && strcmp(name, "pads") != 0))
            onnx_build_attribute(b, node, from->attribute[i]);
    }
    memcpy(pad, n->pad, sizeof pad);
    if (n->n_pad > 0)
        add_integers(b, node, "pads", n->n_pad, pad);
}

/* MatMul, then Add. */
static void add_product(const struct import *im, struct onnx_build *b, const struct import_node *n,
                        const char *weight, const char *bias)
{
    const char *out = value_name(im, n->out);
    struct name sums = joined(out, "_product");
    Onnx__NodeProto *product =
        onnx_build_node(b, "MatMul", joined(node_name(im, n), "/MatMul").text, sums.text);

    onnx_build_node_input(b, product, read_name(im, n->in[0]).text);
    onnx_build_node_input(b, product, weight);
    Onnx__NodeProto *add = onnx_build_node(b, "Add", node_name(im, n), out);
    onnx_build_node_input(b, add, sums.text);
    onnx_build_node_input(b, add, bias);
}

static enum err add_affine(const struct import *im, struct onnx_build *b,
                           const struct import_node *n, struct err_msg *m)
{
    const char *out = value_name(im, n->out);
    bool raw = n->out == im->end[im->result].value && !im->value[n->out].rounded;
    struct name weight = joined(out, "_weight"), bias = joined(out, "_bias");
    enum err e = add_weights(im, b, n, im->cfg.per_channel && !raw, weight.text, m);

    if (!e)
        e = check_finite(n, "bias", n->bias, n->weight.dim[0], m);
    if (e)
        return e;
    onnx_build_tensor(b, bias.text, TYPE(FLOAT), 1, n->weight.dim, n->bias,
                      n->weight.dim[0] * sizeof *n->bias);
    if (n->kind == IMPORT_MATMUL) {
        add_product(im, b, n, weight.text, bias.text);
        return ERR_NONE;
    }
    Onnx__NodeProto *node = onnx_build_node(b, n->kind == IMPORT_CONV   ? "Conv"
                                               : n->kind == IMPORT_GEMM ? "Gemm"
                                                                        : "ConvTranspose",
                                            node_name(im, n), out);
    onnx_build_node_input(b, node, read_name(im, n->in[0]).text);
    onnx_build_node_input(b, node, weight.text);
    onnx_build_node_input(b, node, bias.text);
    if (n->kind == IMPORT_GEMM)
        onnx_build_int(b, node, "transB", 1);
    else
        add_attributes(b, node, n);
    return ERR_NONE;
}

static void add_mean(const struct import *im, struct onnx_build *b, const struct import_node *n)
{
    const char *out = value_name(im, n->out);
    struct name mean = joined(out, n->flat ? "_mean" : "");
    Onnx__NodeProto *pool = onnx_build_node(b, n->largest ? "GlobalMaxPool" : "GlobalAveragePool",
                                            node_name(im, n), mean.text);

    onnx_build_node_input(b, pool, read_name(im, n->in[0]).text);
    if (n->flat)
        onnx_build_node_input(
            b, onnx_build_node(b, "Flatten", joined(node_name(im, n), "/Flatten").text, out),
            mean.text);
}

/* Axes are an input of ReduceSum, of the others from set 18 on. */
static void add_reduced(const struct import *im, struct onnx_build *b, const struct import_node *n)
{
    const Onnx__NodeProto *from = n->node->proto;
    const char *out = value_name(im, n->out);
    const struct array *axes = &n->list[0];
    struct name list = joined(out, "_axes");
    Onnx__NodeProto *node = onnx_build_node(b, from->op_type, node_name(im, n), out);

    onnx_build_node_input(b, node, read_name(im, n->in[0]).text);
    for (size_t i = 0; i < from->n_attribute; i++)
        if (strcmp(from->attribute[i]->name, "keepdims") == 0)
            onnx_build_attribute(b, node, from->attribute[i]);
    if (strcmp(from->op_type, "ReduceSum") != 0 && operator_set(im) < REDUCES_BY_INPUT) {
        add_integers(b, node, "axes", axes->n, axes->integer);
        return;
    }
    onnx_build_tensor(b, list.text, TYPE(INT64), 1, axes->dim, axes->integer,
                      axes->n * sizeof *axes->integer);
    onnx_build_node_input(b, node, list.text);
}

/* A list of numbers for each channel, as one more input of a node. */
static void add_factors(struct onnx_build *b, const struct import_node *n, const char *name,
                        const float *v)
{
    uint32_t dim[ONNX_MOST_DIMS] = {n->weight.dim[0], 1, 1, 1, 1, 1, 1, 1};

    onnx_build_tensor(b, name, TYPE(FLOAT), n->behind + 1, dim, v, n->weight.n * sizeof *v);
}

/* Mul, then Add. */
static enum err add_scaling(const struct import *im, struct onnx_build *b,
                            const struct import_node *n, struct err_msg *m)
{
    const char *out = value_name(im, n->out);
    struct name scaled = joined(out, "_scaled"), factor = joined(out, "_factor");
    struct name offset = joined(out, "_offset");

    enum err e = check_finite(n, "factor", n->weight.real, n->weight.n, m);
    if (!e)
        e = check_finite(n, "offset", n->bias, n->weight.n, m);
    if (e)
        return e;
    fit_steps(im, n, n->weight.real, n->weight.n);
    add_factors(b, n, factor.text, n->weight.real);
    add_factors(b, n, offset.text, n->bias);
    Onnx__NodeProto *mul =
        onnx_build_node(b, "Mul", joined(node_name(im, n), "/Mul").text, scaled.text);
    onnx_build_node_input(b, mul, read_name(im, n->in[0]).text);
    onnx_build_node_input(b, mul, factor.text);
    Onnx__NodeProto *add = onnx_build_node(b, "Add", node_name(im, n), out);
    onnx_build_node_input(b, add, scaled.text);
    onnx_build_node_input(b, add, offset.text);
    return ERR_NONE;
}

static void add_bound(struct onnx_build *b, Onnx__NodeProto *node, const char *name, double v)
{
    float bound = (float)v;

    if (isinf(v)) {
        onnx_build_node_input(b, node, "");
        return;
    }
    onnx_build_tensor(b, name, TYPE(FLOAT), 0, NULL, &bound, sizeof bound);
    onnx_build_node_input(b, node, name);
}

static void add_clip(const struct import *im, struct onnx_build *b, const struct import_node *n)
{
    const char *out = value_name(im, n->out);
    bool relu = n->low == 0 && isinf(n->high);
    Onnx__NodeProto *node = onnx_build_node(b, relu ? "Relu" : "Clip", node_name(im, n), out);

    onnx_build_node_input(b, node, read_name(im, n->in[0]).text);
    if (relu)
        return;
    add_bound(b, node, joined(out, "_min").text, n->low);
    add_bound(b, node, joined(out, "_max").text, n->high);
}

static void add_text(struct onnx_build *b, Onnx__NodeProto *node, char *name, char *text)
{
    Onnx__AttributeProto a = ONNX__ATTRIBUTE_PROTO__INIT;

    a.name = name;
    a.has_type = a.has_s = 1;
    a.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
    a.s = (ProtobufCBinaryData){strlen(text), (uint8_t *)text};
    onnx_build_attribute(b, node, &a);
}

/* Resize as set 11 has it: sizes behind two inputs that are left out. Before, the nearest pixel was
 * the one that the coordinate, divided, lies in. */
static void begin_resize(const struct import *im, struct onnx_build *b,
                         const struct import_node *n, Onnx__NodeProto *node)
{
    static char *const names[] = {"mode", "coordinate_transformation_mode", "nearest_mode"};
    static char *const before[] = {"nearest", "asymmetric", "floor"};
    const Onnx__NodeProto *from = n->node->proto;

    onnx_build_node_input(b, node, "");
    onnx_build_node_input(b, node, "");
    for (int k = 0; k < 3; k++) {
        if (im->graph->graph.opset < 11)
            add_text(b, node, names[k], before[k]);
        for (size_t i = 0; i < from->n_attribute && im->graph->graph.opset >= 11; i++)
            if (strcmp(from->attribute[i]->name, names[k]) == 0)
                onnx_build_attribute(b, node, from->attribute[i]);
    }
}

/* A node of the float graph's operator, with its attributes unless its lists say the same. */
static void add_copy(const struct import *im, struct onnx_build *b, const struct import_node *n)
{
    const Onnx__NodeProto *from = n->node->proto;
    const char *out = value_name(im, n->out);
    Onnx__NodeProto *node = onnx_build_node(b, n->kind == IMPORT_RESHAPE ? "Reshape"
                                               : n->kind == IMPORT_FLATTEN ? "Flatten"
                                               : n->kind == IMPORT_RESIZE  ? "Resize"
                                               : n->kind == IMPORT_SPLIT   ? "Slice"
                                                                           : from->op_type,
                                            node_name(im, n), out);

    if (n->kind == IMPORT_CONCAT)
        for (uint32_t i = 0; i < n->n_more; i++)
            onnx_build_node_input(b, node, read_name(im, n->more[i]).text);
    else
        for (int i = 0; i < 2; i++)
            if (n->in[i] != ONNX_ABSENT)
                onnx_build_node_input(b, node, read_name(im, n->in[i]).text);
    if (n->kind == IMPORT_RESIZE)
        begin_resize(im, b, n, node);
    if (n->kind == IMPORT_COPY && n->weight.n > 0) {
        struct name name = joined(out, "_constant");
        onnx_build_tensor(b, name.text, TYPE(FLOAT), n->weight.n_dim, n->weight.dim,
                          n->weight.real, n->weight.n * sizeof *n->weight.real);
        onnx_build_node_input(b, node, name.text);
    }
    for (uint32_t i = 0; i < n->n_list; i++) {
        char ending[16];
        snprintf(ending, sizeof ending, "_list%" PRIu32, i);
        struct name name = joined(out, ending);
        onnx_build_tensor(b, name.text, TYPE(INT64), 1, n->list[i].dim, n->list[i].integer,
                          n->list[i].n * sizeof *n->list[i].integer);
        onnx_build_node_input(b, node, name.text);
    }
    if (n->kind == IMPORT_COPY || n->kind == IMPORT_CONCAT)
        add_attributes(b, node, n);
}

/* A constant of the float graph as one of the file's. */
static void add_constant(struct onnx_build *b, const char *name, const struct array *a)
{
    const size_t bytes = a->real ? sizeof *a->real : onnx_type_bits(a->type) / 8;
    uint8_t *data = malloc(a->n * bytes + 1);

    if (!data) {
        b->failed = true;
        return;
    }
    if (a->real)
        memcpy(data, a->real, a->n * bytes);
    for (size_t i = 0; a->integer && i < a->n; i++)
        for (size_t k = 0; k < bytes; k++)
            data[i * bytes + k] = (uint8_t)((uint64_t)a->integer[i] >> 8 * k);
    onnx_build_tensor(b, name, a->real ? TYPE(FLOAT) : a->type, a->n_dim, a->dim, data,
                      a->n * bytes);
    free(data);
}

/* Every input where it is in the float graph; Softmax by its axis, whose default has changed. */
static void add_whole(const struct import *im, struct onnx_build *b, const struct import_node *n)
{
    const struct onnx_node *from = n->node;
    const char *out = value_name(im, n->out);
    Onnx__NodeProto *node = onnx_build_node(b, from->proto->op_type, node_name(im, n), out);

    for (uint32_t i = 0; i < from->n_input; i++) {
        const uint32_t v = from->input[i];
        const struct array *a = v == ONNX_ABSENT ? NULL : &im->graph->constant[v];
        char ending[24];
        snprintf(ending, sizeof ending, "_constant%" PRIu32, i);
        struct name constant = joined(out, ending);
        if (a && (a->real || a->integer))
            add_constant(b, constant.text, a);
        onnx_build_node_input(b, node, !a                      ? ""
                                       : a->real || a->integer ? constant.text
                                            : read_name(im, im->value[v].source).text);
    }
    if (strcmp(from->proto->op_type, "Softmax") == 0)
        onnx_build_int(b, node, "axis", n->axis);
    else
        add_attributes(b, node, n);
}

static enum err add_node(const struct import *im, struct onnx_build *b,
                         const struct import_node *n, struct err_msg *m)
{
    switch (n->kind) {
    case IMPORT_CONV:
    case IMPORT_TRANSPOSED:
    case IMPORT_GEMM:
    case IMPORT_MATMUL:
        return add_affine(im, b, n, m);
    case IMPORT_SCALE:
        return add_scaling(im, b, n, m);
    case IMPORT_MEAN:
        add_mean(im, b, n);
        return ERR_NONE;
    case IMPORT_REDUCE:
        add_reduced(im, b, n);
        return ERR_NONE;
    case IMPORT_CLIP:
        add_clip(im, b, n);
        return ERR_NONE;
    case IMPORT_NODE:
        add_whole(im, b, n);
        return ERR_NONE;
    case IMPORT_ADD:
    case IMPORT_COPY:
    case IMPORT_CONCAT:
    case IMPORT_FLATTEN:
    case IMPORT_RESHAPE:
    case IMPORT_RESIZE:
    case IMPORT_SPLIT:
    case IMPORT_LISTS:
        break;
    }
    add_copy(im, b, n);
    return ERR_NONE;
}

/* Rows of the table for ids, stored as the bytes that they are rounded to. */
static void add_rows(const struct import *im, struct onnx_build *b)
{
    const uint32_t image = im->graph->graph.image;
    const struct onnx_ids *ids = im->cfg.ids;
    const char *name = value_name(im, image);
    const uint32_t dim[] = {1, ids->tokens}, rows[] = {ids->rows, ids->channels};
    const size_t n = (size_t)ids->rows * ids->channels;
    const struct name table = joined(name, "_table"), real = joined(name, "_table_dequantized");
    int8_t *code = malloc(n);

    if (!code) {
        b->failed = true;
        return;
    }
    for (size_t i = 0; i < n; i++)
        code[i] = (int8_t)fminf(fmaxf(rintf(ids->value[i] / im->value[image].scale), -127), 127);
    onnx_build_tensor(b, table.text, TYPE(INT8), 2, rows, code, n);
    free(code);
    onnx_build_input(b, ids->input, 2, dim);
    onnx_build_input_type(b, ids->type, false);
    Onnx__NodeProto *d =
        onnx_build_node(b, "DequantizeLinear", joined(name, "_table/DequantizeLinear").text,
                        real.text);
    onnx_build_node_input(b, d, table.text);
    onnx_build_node_input(b, d, joined(name, "_scale").text);
    onnx_build_node_input(b, d, joined(name, "_zero").text);
    Onnx__NodeProto *g = onnx_build_node(b, "Gather", joined(name, "/Gather").text, name);
    onnx_build_node_input(b, g, real.text);
    onnx_build_node_input(b, g, ids->input);
}

static void add_image(const struct import *im, struct onnx_build *b)
{
    if (im->cfg.ids) {
        add_rows(im, b);
        return;
    }
    onnx_build_input(b, value_name(im, im->graph->graph.image), im->n_image_dim, im->image_dim);
    if (im->n_image_dim == 3 && im->channels_last)
        onnx_build_input_type(b, TYPE(FLOAT), true);
}

static enum err build_graph(const struct import *im, struct onnx_build *b, struct err_msg *m)
{
    enum err e = ERR_NONE;

    add_image(im, b);
    add_rounding(im, b, im->graph->graph.image);
    for (uint32_t i = 0; i < im->graph->graph.n_value; i++)
        if (im->value[i].rounded && im->graph->constant[i].real)
            add_stored(im, b, i);
    for (uint32_t i = 0; i < im->n_node && !e; i++) {
        e = add_node(im, b, &im->node[i], m);
        if (!e && im->value[im->node[i].out].rounded)
            add_rounding(im, b, im->node[i].out);
    }
    for (uint32_t i = 0; i < im->n_end; i++)
        onnx_build_output(b, read_name(im, im->end[i].value).text, im->end[i].n_dim,
                          im->end[i].dim);
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
    if (!e)
        e = rename_nodes(im, m);
    if (e)
        return e;
    onnx_build_init(&b, name, IR_VERSION, operator_set(im));
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
