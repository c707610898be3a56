/* import/weights.c -- weights as int8, and their scales. */
#include "import/build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/transposed.h"

enum { MOST_WEIGHT = 127 };

static double largest(const float *v, size_t n)
{
    double most = 0;

    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)v[i]));
    return most;
}

enum err import_check_numbers(const struct import_node *n, const char *what, const float *v,
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

enum err import_add_weights(const struct import *im, struct onnx_build *b,
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
    enum err e = q && scale && zero ? import_check_numbers(n, "weight", w->real, w->n, m)
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
        import_fit_steps(im, n, scale, n_scale);
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
