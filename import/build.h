/* import/build.h -- the quantised model on its way to a file: what build.c, nodes.c, scales.c and
 * weights.c share. Of these alone. */
#ifndef IMPORT_BUILD_H
#define IMPORT_BUILD_H

#include <stdio.h>

#include "import/import.h"
#include "import/walk.h"
#include "onnx/build.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

/* ---- Names ---- */

struct name {
    char text[512];
};

static inline const char *value_name(const struct import *im, uint32_t v)
{
    return im->graph->graph.value[v].name;
}

static inline struct name joined(const char *name, const char *ending)
{
    struct name n;

    snprintf(n.text, sizeof n.text, "%.400s%s", name, ending);
    return n;
}

/* What a node reads: the dequantised bytes where the value is rounded. */
static inline struct name read_name(const struct import *im, uint32_t v)
{
    return joined(value_name(im, v), im->value[v].rounded ? "_dequantized" : "");
}

static inline const char *node_name(const struct import *im, const struct import_node *n)
{
    const char *name = n->node->proto->name;

    return name && *name && !n->renamed ? name : value_name(im, n->out);
}

/* ---- Scales, scales.c ---- */

/* Of all values, and codes of 0: the largest scale that any of the values alike needs. */
enum err import_choose_scales(struct import *im, struct err_msg *m);
int32_t  import_image_zero(const struct import *im);

/* Scales of weights, or factors, become the nearest numbers of which a step of the sums, or of a
 * scaling's products, is an exact one of the result. */
void import_fit_steps(const struct import *im, const struct import_node *n, float *v,
                      size_t count);

/* ---- Weights, weights.c ---- */

/* Refuses what is not finite, by the node's name and place: `what` is "weight" or "bias". */
enum err import_check_numbers(const struct import_node *n, const char *what, const float *v,
                              size_t n_value, struct err_msg *m);

/* Weights and their scales as initializers, and the DequantizeLinear that makes `output`. */
enum err import_add_weights(const struct import *im, struct onnx_build *b,
                            const struct import_node *n, bool per_channel, const char *output,
                            struct err_msg *m);

/* ---- Nodes, nodes.c, and what they need, build.c ---- */

enum err import_write_node(const struct import *im, struct onnx_build *b,
                           const struct import_node *n, struct err_msg *m);

/* The first that has every operator, and dilations of AveragePool. */
int64_t import_operator_set(const struct import *im);

#endif
