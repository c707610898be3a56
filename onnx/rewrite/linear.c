/* onnx/rewrite/linear.c -- Resize and Upsample by linear interpolation, whole factors f, as means
 * of the nearest pixels, along each axis:
 *
 *     asymmetric        the f pixels from here on
 *     half_pixel, odd   the f pixels around
 *     half_pixel, even  the f pixels around the corner before and around the one behind, halved;
 *                       in a quantised model, whose file rounds once, the 2f around of twice as
 *                       many
 *
 * A mean of the pixels that lie in the map is the same as repeating the map's border. So it is the
 * interpolation itself, with one rounding where the file has one.
 *
 * Upsample of sets 7 and 8 has its scales in an attribute: they become its input, as from set 9 on.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/rewrite/rewrite.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name
#define INTS       ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS

enum { MOST_FACTOR = 32, SCALES_BEHIND = 11 }; // set from which scales are Resize's third input

static bool is_upsample(const Onnx__NodeProto *node)
{
    return strcmp(onnx_text(node->op_type), "Upsample") == 0;
}

static bool is_linear(const Onnx__NodeProto *node)
{
    const struct onnx_node n = { .proto = node };
    char mode[16] = "nearest";
    struct err_msg ignored;

    return !onnx_attr_text(&n, "mode", mode, sizeof mode, &ignored) &&
           (strcmp(mode, "linear") == 0 || strcmp(mode, "bilinear") == 0);
}

/* Which attribute holds the scales; as many as there are: none does. */
static size_t old_scales(const Onnx__NodeProto *node)
{
    size_t i = 0;

    while (i < node->n_attribute && strcmp(onnx_text(node->attribute[i]->name), "scales") != 0)
        i++;
    return is_upsample(node) && node->n_input == 1 ? i : node->n_attribute;
}

static bool takes(const struct onnx_rewriting *w, const Onnx__NodeProto *node)
{
    (void)w;
    return onnx_is_own_domain(node->domain) &&
           (is_upsample(node) || strcmp(onnx_text(node->op_type), "Resize") == 0) &&
           (is_linear(node) || old_scales(node) < node->n_attribute);
}

static void store_scales(struct onnx_rewriting *w, Onnx__NodeProto *node)
{
    const size_t i = old_scales(node);
    char name[ONNX_NAME];

    if (i == node->n_attribute)
        return;
    Onnx__AttributeProto *a = node->attribute[i];
    const uint32_t n = (uint32_t)a->n_floats;
    onnx_put_floats(w, onnx_put_name(name, node, "stored"), 1, &n, a->floats);
    onnx_put_input(w, node, name);
    node->attribute[i] = node->attribute[--node->n_attribute];
    onnx__attribute_proto__free_unpacked(a, NULL);
}

struct linear {
    size_t  scales;     // which input
    int64_t factor[2];  // of rows and columns
    bool    asymmetric;
};

static enum err read_coordinates(struct onnx_rewriting *w, const Onnx__NodeProto *node, bool old,
                                 struct linear *l)
{
    const struct onnx_node n = { .proto = node };
    char mode[32] = "half_pixel";
    enum err e = onnx_attr_text(&n, "coordinate_transformation_mode", mode, sizeof mode, w->msg);

    l->asymmetric = old || strcmp(mode, "asymmetric") == 0;
    if (!e && !l->asymmetric && strcmp(mode, "half_pixel") != 0 &&
        strcmp(mode, "pytorch_half_pixel") != 0)
        e = onnx_refuse(w, node, "interpolates with %s: want half_pixel or asymmetric, or mode "
                        "nearest", mode);
    for (size_t i = 0; i < node->n_attribute && !e; i++)
        if (strcmp(onnx_text(node->attribute[i]->name), "axes") == 0 ||
            strcmp(onnx_text(node->attribute[i]->name), "antialias") == 0)
            e = onnx_refuse(w, node, "attribute \"%s\" is not understood: want a model without it",
                            node->attribute[i]->name);
    return e;
}

static enum err read_linear(struct onnx_rewriting *w, const Onnx__NodeProto *node,
                            struct linear *l)
{
    const bool old = is_upsample(node) || onnx_rewrite_opset(w) < SCALES_BEHIND;
    struct onnx_tensor t;
    enum err e = read_coordinates(w, node, old, l);

    if (e)
        return e;
    l->scales = old ? 1 : 2;
    if (!onnx_rewrite_constant(w, node, l->scales, &t) || t.n != 4)
        return onnx_refuse(w, node, "interpolates by no stored scales of four axes: want these, "
                           "or mode nearest");
    for (uint32_t k = 0; k < 4; k++) {
        double f = onnx_tensor_real(&t, k);
        if (!(f >= 1 && f <= (k < 2 ? 1 : MOST_FACTOR)) || f != floor(f))
            return onnx_refuse(w, node, "interpolates by %g along axis %" PRIu32 ": want whole "
                               "factors of rows and columns, at most %d", f, k, MOST_FACTOR);
        if (k >= 2)
            l->factor[k - 2] = (int64_t)f;
    }
    return ERR_NONE;
}

/* A mean of `in`, as if the map's border were repeated. */
static void put_mean(struct onnx_rewriting *w, const Onnx__NodeProto *like, const char *in,
                     const char *out, const int64_t kernel[2], const int64_t stride[2],
                     const int64_t pads[4])
{
    Onnx__NodeProto *node =
        onnx_put_node(w, like, "AveragePool", (const char *const[]){ in, NULL, NULL }, out);

    onnx_put_attribute(w, node, "kernel_shape", 2, kernel, INTS);
    onnx_put_attribute(w, node, "strides", 2, stride, INTS);
    onnx_put_attribute(w, node, "pads", 4, pads, INTS);
}

/* The node, to the nearest pixel: what the coordinates are by default repeats pixels. */
static void put_nearest(struct onnx_rewriting *w, const Onnx__NodeProto *node, size_t scales,
                        const char *out, const int64_t factor[2])
{
    char name[ONNX_NAME];
    const uint32_t four = 4;
    Onnx__TensorProto *t = onnx_put_tensor(w, onnx_put_name(name, node, "scales"), TYPE(FLOAT), 1,
                                           &four, 4 * sizeof(float));

    if (!t)
        return;
    const float scale[] = { 1, 1, (float)factor[0], (float)factor[1] };
    memcpy(t->raw_data.data, scale, sizeof scale);
    const char *in[] = { node->input[0], scales == 1 ? name : "", scales == 1 ? NULL : name };
    onnx_put_node(w, node, onnx_text(node->op_type), in, out);
}

static enum err rewrite(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    Onnx__NodeProto *node = *own;
    int64_t by[2], first[2], second[2], stride[] = { 1, 1 }, pads[4];
    static const int64_t one[] = { 1, 1 }, none[4];
    char near[ONNX_NAME], mean[ONNX_NAME];
    struct linear l = { 0 };

    store_scales(w, node);
    if (!is_linear(node)) {
        *own = NULL;
        onnx_put(w, node);
        return ERR_NONE;
    }
    enum err e = read_linear(w, node, &l);
    if (e)
        return e;
    for (int a = 0; a < 2; a++) {
        const int64_t f = l.factor[a];
        const bool even = !l.asymmetric && f % 2 == 0, doubles = even && !w->is_float;
        by[a] = first[a] = doubles ? 2 * f : f;
        stride[a] = doubles ? 2 : 1;
        second[a] = even && !doubles ? 2 : 1;
        pads[a] = l.asymmetric ? 0 : doubles ? f - 1 : f / 2;
        pads[a + 2] = l.asymmetric ? f - 1 : pads[a];
    }
    onnx_put_name(near, node, "near");
    onnx_put_name(mean, node, "mean");
    put_nearest(w, node, l.scales, near, by);
    if (second[0] == 1 && second[1] == 1) {
        put_mean(w, node, near, node->output[0], first, stride, pads);
    } else {
        put_mean(w, node, near, mean, first, stride, pads);
        put_mean(w, node, mean, node->output[0], second, one, none);
    }
    return ERR_NONE;
}

const struct onnx_rewriter onnx_rewrites_linear[] = {
    { takes, rewrite, false },
    { 0 },
};
