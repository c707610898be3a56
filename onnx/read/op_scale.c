/* onnx/read/op_scale.c -- Mul, Div, BatchNormalization and sums with constants: result * factor
 * + offset, for each channel or for all. On a rounded map they begin a LAYER_SCALE; behind a Conv
 * or another such operator they join its layer. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "core/util.h"
#include "onnx/read/reader.h"

/* Whether a constant has one value, or one for each channel of x. */
static enum err check_constant(const struct onnx_reader *r, const struct onnx_node *node,
                               const struct onnx_meaning *x, const struct onnx_meaning *c)
{
    const struct onnx_tensor *t = &c->tensor;
    uint32_t behind = x->layout == ONNX_NCHW ? 2 : x->layout == ONNX_NCW ? 1 : 0;
    uint32_t channels = x->shape.channels;
    bool flat_map = onnx_is_flat(x) && (x->shape.height > 1 || x->shape.width > 1);
    bool last = x->layout != ONNX_AXES ||
                axes_whole(&x->axes, x->axes.n_dim - 1, ONNX_CHANNEL, channels);
    bool along = t->n == channels && t->n_dim > behind && !flat_map && last &&
                 t->dim[t->n_dim - 1 - behind] == channels;
    const uint32_t most = onnx_is_flat(x)          ? 2
                          : x->layout == ONNX_AXES ? max_u32(x->axes.n_dim, 1)
                                                   : 4;

    if (t->n_dim > most || (t->n != 1 && !along))
        return onnx_node_refuse(node, r->msg, "%zu constants in %" PRIu32 " dimensions: want one, "
                                "or one for each of %" PRIu32 " channels%s", t->n, t->n_dim,
                                channels, x->layout == ONNX_AXES
                                              ? ", or QuantizeLinear and DequantizeLinear before "
                                                "what tells tokens apart" : "");
    return ERR_NONE;
}

/* All of them finite: an infinite divisor or variance would make a factor of 0. */
static enum err check_finite(const struct onnx_reader *r, const struct onnx_node *node,
                             const struct onnx_meaning *c)
{
    for (size_t o = 0; o < c->tensor.n; o++)
        if (!isfinite(onnx_constant(c, o)))
            return onnx_node_refuse(node, r->msg, "constant %zu is %g: want finite numbers", o,
                                    onnx_constant(c, o));
    return ERR_NONE;
}

struct scaling { // of x: one or for each channel
    uint32_t n;
    double  *factor, *offset;
};

static enum err new_scaling(struct onnx_reader *r, uint32_t n, struct scaling *s)
{
    *s = (struct scaling){n, onnx_keep(r, n, sizeof *s->factor),
                          onnx_keep(r, n, sizeof *s->offset)};
    return s->factor && s->offset ? ERR_NONE : err_set(r->msg, ERR_MEMORY, "no memory for scales");
}

/* Input 1 - i is a constant: what it does to input i, which becomes open. */
static enum err take_operands(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                              struct onnx_meaning *x, const struct onnx_meaning **c,
                              struct scaling *s)
{
    *c = onnx_input(r, node, 1 - i);
    enum err e = onnx_take_open(r, node, i, x);
    if (!e)
        e = check_constant(r, node, x, *c);
    if (!e)
        e = check_finite(r, node, *c);
    return e ? e : new_scaling(r, (uint32_t)(*c)->tensor.n, s);
}

static enum err apply(struct onnx_reader *r, const struct onnx_node *node,
                      const struct onnx_meaning *x, const struct scaling *s)
{
    struct onnx_meaning out = *x;
    enum err e = onnx_draft_scale(r, node, x->draft, s->n, s->factor, s->offset);

    for (uint32_t i = 0; i < node->n_input && !e; i++)
        out.integer |= onnx_has_input(node, i) && onnx_input(r, node, i)->integer;
    if (!e)
        onnx_output(r, node, out);
    return e;
}

enum err onnx_scale_open(struct onnx_reader *r, const struct onnx_node *node,
                         const struct onnx_meaning *x, double divisor)
{
    struct scaling s;
    uint32_t n = 1;
    enum err e = ERR_NONE;

    for (uint32_t i = 1; i < 3 && !e; i++) {
        const struct onnx_meaning *c = onnx_input(r, node, i);
        if (!onnx_is_constant(c))
            e = onnx_node_refuse(node, r->msg, "input %" PRIu32 " is %s: want constants", i,
                                 onnx_means_text(c->means));
        else
            e = check_constant(r, node, x, c);
        n = !e && c->tensor.n > n ? (uint32_t)c->tensor.n : n;
    }
    if (!e)
        e = new_scaling(r, n, &s);
    for (uint32_t o = 0; o < n && !e; o++) {
        const struct onnx_meaning *factor = onnx_input(r, node, 1);
        const struct onnx_meaning *offset = onnx_input(r, node, 2);
        s.factor[o] = onnx_constant(factor, factor->tensor.n == 1 ? 0 : o);
        s.offset[o] = onnx_constant(offset, offset->tensor.n == 1 ? 0 : o);
    }
    if (!e)
        e = onnx_draft_scale(r, node, x->draft, s.n, s.factor, s.offset);
    const double part = 1 / divisor, nothing = 0;
    return e ? e : onnx_draft_scale(r, node, x->draft, 1, &part, &nothing);
}

enum err onnx_add_constant(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                           const int sign[2])
{
    const struct onnx_meaning *c;
    struct onnx_meaning x;
    struct scaling s;
    enum err e = take_operands(r, node, 1 - i, &x, &c, &s);

    if (e)
        return e;
    for (uint32_t o = 0; o < s.n; o++) {
        s.factor[o] = sign[1 - i];
        s.offset[o] = sign[i] * onnx_constant(c, o);
    }
    return apply(r, node, &x, &s);
}

/* Input `i` times constants, or divided by them. */
static enum err multiply(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                         bool divides)
{
    const struct onnx_meaning *c;
    struct onnx_meaning x;
    struct scaling s;
    enum err e = take_operands(r, node, i, &x, &c, &s);

    if (e)
        return e;
    for (uint32_t o = 0; o < s.n; o++)
        s.factor[o] = divides ? 1 / onnx_constant(c, o) : onnx_constant(c, o);
    e = apply(r, node, &x, &s);
    if (!e && divides && onnx_input(r, node, i)->integer) {
        e = onnx_draft_floor(r, node, x.draft, 0);
        x.draft->truncated = true;
    }
    return e;
}

static bool is_pixel(const struct onnx_meaning *x)
{
    return x->shape.height == 1 && x->shape.width == 1;
}

/* Two rounded maps: pixel by pixel, or one of them a single pixel, by which all are multiplied.
 * What waits for the other in bytes is the residual: the map, or the earlier layer. */
static enum err multiply_maps(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning x[2];
    enum err e = ERR_NONE;

    for (uint32_t i = 0; i < 2 && !e; i++) {
        if (onnx_input(r, node, i)->means == ONNX_DRAFT)
            e = onnx_node_refuse(node, r->msg, "multiplies an unquantised result: want "
                                 "QuantizeLinear behind it");
        if (!e)
            e = onnx_take_pixels(r, node, i, &x[i]);
        if (!e)
            e = onnx_single(r, node, &x[i]);
    }
    if (e)
        return e;
    bool spread = is_pixel(&x[0]) != is_pixel(&x[1]);
    uint32_t wait = spread ? is_pixel(&x[0]) : x[0].layer[0] > x[1].layer[0];
    const struct onnx_meaning *by = &x[1 - wait];
    struct onnx_meaning *map = &x[wait];
    if (!onnx_same_layout(by, map) || by->shape.channels != map->shape.channels ||
        (!spread && (by->shape.height != map->shape.height || by->shape.width != map->shape.width)))
        return onnx_node_refuse(node, r->msg, "multiplies maps of %" PRIu32 "x%" PRIu32 "x%" PRIu32
                                " and %" PRIu32 "x%" PRIu32 "x%" PRIu32 " (rows x columns x "
                                "channels): want the same shape, or one row and column in one",
                                map->shape.height, map->shape.width, map->shape.channels,
                                by->shape.height, by->shape.width, by->shape.channels);
    struct onnx_draft *d;
    e = onnx_kept(r, node, map);
    if (!e)
        e = onnx_draft_digital(r, node, by, LAYER_SCALE, &d);
    if (e)
        return e;
    onnx_draft_multiply(r, d, map);
    onnx_output(r, node, (struct onnx_meaning){.means = ONNX_DRAFT, .draft = d,
                                               .shape = map->shape, .layout = map->layout,
                                               .axes = map->axes});
    return ERR_NONE;
}

static enum err read_mul(struct onnx_reader *r, const struct onnx_node *node)
{
    for (uint32_t i = 0; i < 2; i++)
        if (onnx_is_constant(onnx_input(r, node, i)))
            return multiply(r, node, 1 - i, false);
    return multiply_maps(r, node);
}

static enum err read_div(struct onnx_reader *r, const struct onnx_node *node)
{
    if (!onnx_is_constant(onnx_input(r, node, 1)))
        return onnx_node_refuse(node, r->msg, "divides by a map: want a constant divisor");
    return multiply(r, node, 0, true);
}

/* (x - mean) / sqrt(variance + epsilon) * scale + bias: inputs scale, bias, mean, variance. */
static enum err read_batch_normalization(struct onnx_reader *r, const struct onnx_node *node)
{
    double epsilon = 1e-5;
    int64_t training = 0;
    struct onnx_meaning x;
    struct scaling s;
    enum err e = onnx_attr_float(node, "epsilon", &epsilon, r->msg);

    if (!e)
        e = onnx_attr_int(node, "training_mode", &training, r->msg);
    if (!e && training)
        e = onnx_node_refuse(node, r->msg, "is in training mode: want a model for inference");
    if (!e)
        e = onnx_take_open(r, node, 0, &x);
    for (uint32_t i = 1; i < 5 && !e; i++) {
        const struct onnx_meaning *c = onnx_input(r, node, i);
        if (!onnx_is_constant(c) || c->tensor.n != x.shape.channels)
            e = onnx_node_refuse(node, r->msg, "input %" PRIu32 " is %s: want %" PRIu32
                                 " constants, one for each channel", i, onnx_means_text(c->means),
                                 x.shape.channels);
        else
            e = check_finite(r, node, c);
    }
    if (!e && x.layout != ONNX_NCHW &&
        (x.layout != ONNX_FLAT || x.shape.height * x.shape.width > 1))
        e = onnx_check_layout(r, node, &x);
    if (!e)
        e = new_scaling(r, x.shape.channels, &s);
    for (uint32_t o = 0; !e && o < s.n; o++) {
        s.factor[o] = onnx_constant(onnx_input(r, node, 1), o) /
                      sqrt(onnx_constant(onnx_input(r, node, 4), o) + epsilon);
        s.offset[o] = onnx_constant(onnx_input(r, node, 2), o) -
                      onnx_constant(onnx_input(r, node, 3), o) * s.factor[o];
    }
    return e ? e : apply(r, node, &x, &s);
}

const struct onnx_operator onnx_ops_scale[] = {
    {"BatchNormalization", 7, 5, 5, "epsilon momentum spatial training_mode:14",
     read_batch_normalization},
    {"Div", 7, 2, 2, "", read_div},
    {"Mul", 7, 2, 2, "", read_mul},
    {0},
};
