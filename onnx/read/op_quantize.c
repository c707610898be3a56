/* onnx/read/op_quantize.c -- QuantizeLinear and DequantizeLinear.
 *
 * Activations have one scale and one zero point, integers of 4, 8 or 16 bits. Constants are
 * dequantised only: weights of as many, biases of any integer type; one scale and zero point or one
 * along an axis.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "network/precision.h"
#include "onnx/read/reader.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

static enum err check_scales(const struct onnx_reader *r, const struct onnx_node *node,
                             const struct onnx_meaning *scale)
{
    if (scale->means != ONNX_STORED)
        return onnx_node_refuse(node, r->msg, "its scale is %s: want a stored tensor",
                                onnx_means_text(scale->means));
    if (!onnx_type_is_real(scale->tensor.type))
        return onnx_node_refuse(node, r->msg, "its scale is %s: want float",
                                onnx_type_name(scale->tensor.type));
    for (size_t i = 0; i < scale->tensor.n; i++) {
        double s = onnx_tensor_real(&scale->tensor, i);
        if (!(s > 0) || !isfinite(s))
            return onnx_node_refuse(node, r->msg, "scale %zu is %g: want a positive finite number",
                                    i, s);
    }
    return ERR_NONE;
}

/* Values of 4 bits lie in bytes, cut to their range. */
static void set_type(struct onnx_quantisation *q, int32_t type)
{
    int64_t least, most;

    onnx_type_limits(type, &least, &most);
    q->least = (int32_t)least;
    q->most = (int32_t)most;
    q->is_signed = least < 0;
}

/* The zero point of an activation; the caller knows that it is there. */
static enum err read_zero(const struct onnx_reader *r, const struct onnx_node *node,
                          const struct onnx_meaning *zero, struct onnx_quantisation *q)
{
    if (zero->means != ONNX_STORED)
        return onnx_node_refuse(node, r->msg, "its zero point is %s: want a stored tensor",
                                onnx_means_text(zero->means));
    if (!onnx_tensor_is_single(&zero->tensor) || !onnx_type_is_code(zero->tensor.type))
        return onnx_node_refuse(node, r->msg, "its zero point is %zu %s: want one uint8 or int8, "
                                "or of 4 or 16 bits", zero->tensor.n,
                                onnx_type_name(zero->tensor.type));
    set_type(q, zero->tensor.type);
    q->zero = (int32_t)onnx_tensor_integer(&zero->tensor, 0);
    return ERR_NONE;
}

/* Without a zero point the type is an attribute since set 21, else uint8. */
static enum err read_output_type(const struct onnx_reader *r, const struct onnx_node *node,
                                 struct onnx_quantisation *q)
{
    int64_t type = 0;
    enum err e = onnx_attr_int(node, "output_dtype", &type, r->msg);

    if (e || type == 0 || strstr(node->proto->op_type, "Dequantize"))
        return e;
    if (type > INT32_MAX || !onnx_type_is_code((int32_t)type))
        return onnx_node_refuse(node, r->msg, "output_dtype is %" PRId64 ": want int8 or uint8, or "
                                "of 4 or 16 bits", type);
    set_type(q, (int32_t)type);
    return ERR_NONE;
}

enum err onnx_read_quantisation(const struct onnx_reader *r, const struct onnx_node *node,
                                uint32_t i, struct onnx_quantisation *q)
{
    const struct onnx_meaning *scale = onnx_input(r, node, i);
    enum err e = check_scales(r, node, scale);

    if (e)
        return e;
    if (!onnx_tensor_is_single(&scale->tensor))
        return onnx_node_refuse(node, r->msg, "%zu scales for an activation: want one",
                                scale->tensor.n);
    *q = (struct onnx_quantisation){.scale = onnx_tensor_real(&scale->tensor, 0)};
    set_type(q, TYPE(UINT8));
    if (!onnx_has_input(node, i + 1))
        return read_output_type(r, node, q);
    return read_zero(r, node, onnx_input(r, node, i + 1), q);
}

/* ---- Rounding ---- */

static enum err quantise_image(struct onnx_reader *r, const struct onnx_node *node,
                               const struct onnx_meaning *x, const struct onnx_quantisation *q)
{
    enum err e = ERR_NONE;

    if (r->network->n_layer == 0)
        e = onnx_add_image(r, x->shape, q);
    else if (!onnx_same_steps(&r->network->layer[0], q))
        e = onnx_node_refuse(node, r->msg, "quantises the image a second time and differently: "
                             "want one scale and zero point");
    return e;
}

/* Layer `from`, or what x.view picks of it, quantised as q says. */
static enum err rescale(struct onnx_reader *r, const struct onnx_node *node,
                        const struct onnx_meaning *x, const struct onnx_quantisation *q,
                        uint32_t *layer)
{
    struct onnx_draft *d;
    enum err e = x->view.some ? onnx_draft_view(r, node, x, &d)
                              : onnx_draft_digital(r, node, x, LAYER_SCALE, &d);

    return e ? e : onnx_draft_quantise(r, node, d, q, layer);
}

static bool all_alike(const struct onnx_reader *r, const struct onnx_meaning *x,
                      const struct onnx_quantisation *q)
{
    for (uint32_t i = 0; i < x->n_layer; i++)
        if (!onnx_quantised_alike(&r->network->layer[x->layer[i]], q))
            return false;
    return true;
}

/* Part i of x alone. */
static struct onnx_meaning part_of(const struct onnx_reader *r, const struct onnx_meaning *x,
                                   uint32_t i)
{
    struct onnx_meaning part = *x;

    part.layer = x->layer + i;
    part.n_layer = 1;
    part.shape = layer_delivers(&r->network->layer[x->layer[i]]);
    return part;
}

/* Each layer of x that is quantised otherwise is scaled by one more. */
static enum err quantise_again(struct onnx_reader *r, const struct onnx_node *node,
                               const struct onnx_meaning *x, const struct onnx_quantisation *q,
                               struct onnx_meaning *out)
{
    uint32_t *list;
    enum err e = onnx_new_list(r, node, x->n_layer, &list);

    if (!e && onnx_is_padded(x))
        e = onnx_node_refuse(node, r->msg, "rounds a map with zeros around it to another scale: "
                             "want Pad behind it");
    if (!e && x->view.some) {
        struct onnx_meaning whole = *x; // must be alike among themselves
        e = onnx_settle(r, node, &whole);
        *out = whole;
        return !e && !all_alike(r, out, q) ? quantise_again(r, node, &whole, q, out) : e;
    }
    bool kept = false;
    for (uint32_t i = 0; i < x->n_layer && !e; i++) {
        struct onnx_meaning part = part_of(r, x, i);
        list[i] = x->layer[i];
        if (!onnx_quantised_alike(&r->network->layer[x->layer[i]], q))
            e = rescale(r, node, &part, q, &list[i]);
        else
            kept = true;
    }
    out->layer = list;
    out->shared = kept && x->shared;
    return e;
}

static enum err quantise_draft(struct onnx_reader *r, const struct onnx_node *node,
                               const struct onnx_meaning *x, const struct onnx_quantisation *q,
                               struct onnx_meaning *out)
{
    uint32_t *list;
    enum err e = onnx_new_list(r, node, 1, &list);

    if (!e)
        e = onnx_draft_quantise(r, node, x->draft, q, list);
    if (e)
        return e;
    *out = (struct onnx_meaning){.layer = list, .n_layer = 1, .shape = x->shape,
                                 .layout = x->layout, .axes = x->axes};
    return ERR_NONE;
}

enum err onnx_quantise(struct onnx_reader *r, const struct onnx_node *node,
                       const struct onnx_meaning *x, const struct onnx_quantisation *q)
{
    static const uint32_t image = 0;
    struct onnx_meaning out = *x;
    enum err e = ERR_NONE;

    if (x->means == ONNX_IMAGE) {
        e = quantise_image(r, node, x, q);
        out.layer = &image;
        out.n_layer = 1;
        if (!e && !onnx_quantised_alike(&r->network->layer[0], q)) { // of fewer bits than a byte
            struct onnx_meaning whole = out;
            e = quantise_again(r, node, &whole, q, &out);
        }
    } else if (x->means == ONNX_PIXELS && !all_alike(r, x, q)) {
        e = quantise_again(r, node, x, q, &out);
    } else if (x->means == ONNX_DRAFT) {
        e = quantise_draft(r, node, x, q, &out);
    } // else there and back again
    out.means = ONNX_BYTES;
    if (!e)
        onnx_output(r, node, out);
    return e;
}

/* Scales for blocks along an axis came with set 21; 0: there are none. */
static enum err check_blocks(const struct onnx_reader *r, const struct onnx_node *node)
{
    int64_t block = 0;
    enum err e = onnx_attr_int(node, "block_size", &block, r->msg);

    if (!e && block != 0)
        e = onnx_node_refuse(node, r->msg, "a scale for each block of %" PRId64 ": want one for "
                             "each output, or one", block);
    return e;
}

static enum err read_quantize(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning x = onnx_passed_on(r, node, 0);
    const struct onnx_meaning *draft;
    struct onnx_quantisation q;

    enum err e = check_blocks(r, node);
    if (!e)
        e = onnx_read_quantisation(r, node, 1, &q);
    if (!e && x.means == ONNX_IMAGE && onnx_type_is_code(r->image_type))
        e = onnx_node_refuse(node, r->msg, "rounds an image of %s: want DequantizeLinear",
                             onnx_type_name(r->image_type));
    if (!e && x.means != ONNX_IMAGE && x.means != ONNX_PIXELS)
        e = onnx_take_draft(r, node, 0, &draft);
    return e ? e : onnx_quantise(r, node, &x, &q);
}

/* ---- Real values again ---- */

/* The type that holds such values. */
static const char *type_name(const struct onnx_quantisation *q)
{
    bool wide = value_bits_for(q->least, q->most, q->is_signed) > 8;

    return onnx_type_name(wide ? (q->is_signed ? TYPE(INT16) : TYPE(UINT16))
                               : q->is_signed ? TYPE(INT8) : TYPE(UINT8));
}

/* The bytes of layer *layer, taken for others: what they are worth and what is 0 are q's. */
static enum err read_otherwise(struct onnx_reader *r, const struct onnx_node *node,
                               const struct onnx_meaning *x, const struct onnx_quantisation *q,
                               bool alone, uint32_t *layer)
{
    struct layer *l = &r->network->layer[*layer];
    struct onnx_quantisation same = onnx_quantisation_of(l);
    struct onnx_draft *d;
    enum err e = ERR_NONE;

    if (!alone || l->kind == LAYER_IMAGE) { // a copy, for others read it as it is
        struct onnx_meaning part = *x;
        part.layer = layer;
        part.n_layer = 1;
        part.shape = layer_delivers(l);
        e = onnx_draft_digital(r, node, &part, LAYER_SCALE, &d);
        if (!e)
            e = onnx_draft_quantise(r, node, d, &same, layer);
    }
    if (e)
        return e;
    l = &r->network->layer[*layer];
    l->out_scale = q->scale;
    l->out_zero = q->zero;
    return ERR_NONE;
}

/* Makes inputs i and i + 1 scale and zero point of x's layers. */
static enum err make_alike(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                           struct onnx_meaning *x)
{
    struct onnx_quantisation q;
    uint32_t *list = NULL;
    bool alone = !x->shared && x->n_layer == 1;
    enum err e = onnx_read_quantisation(r, node, i, &q);

    for (uint32_t k = 0; k < x->n_layer && !e; k++) {
        const struct layer *l = &r->network->layer[x->layer[k]];
        const struct onnx_quantisation own = onnx_quantisation_of(l);
        if (onnx_quantised_alike(l, &q))
            continue;
        if (l->out_signed == q.is_signed && !x->view.some && !onnx_is_padded(x)) {
            e = list ? ERR_NONE : onnx_new_list(r, node, x->n_layer, &list);
            if (!e && x->layer != list) {
                memcpy(list, x->layer, x->n_layer * sizeof *list);
                x->layer = list;
            }
            if (!e)
                e = read_otherwise(r, node, x, &q, alone, &list[k]);
        } else {
            e = onnx_node_refuse(node, r->msg, "reads bytes of scale %g and zero point %" PRId32
                                 " (%s) as %g and %" PRId32 " (%s): want the same", l->out_scale,
                                 l->out_zero, type_name(&own), q.scale, q.zero, type_name(&q));
        }
    }
    return e;
}

enum err onnx_take_bytes(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                         struct onnx_meaning *x)
{
    *x = onnx_passed_on(r, node, i);
    if (x->means != ONNX_BYTES)
        return onnx_node_refuse(node, r->msg, "input %" PRIu32 " is %s: want a quantised map", i,
                                onnx_means_text(x->means));
    enum err e = make_alike(r, node, i + 1, x);
    x->means = ONNX_PIXELS;
    return e;
}

static enum err dequantize_map(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning x;
    enum err e = onnx_take_bytes(r, node, 0, &x);

    if (!e)
        onnx_output(r, node, x);
    return e;
}

/* A graph input that is bytes: its scale and zero point are stated here. */
static enum err dequantize_image(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning x = *onnx_input(r, node, 0);
    struct onnx_quantisation q;
    enum err e = onnx_read_quantisation(r, node, 1, &q);

    if (!e && !onnx_has_input(node, 2))
        set_type(&q, r->image_type);
    struct onnx_quantisation own = q;
    set_type(&own, r->image_type);
    if (!e && (q.least != own.least || q.most != own.most))
        e = onnx_node_refuse(node, r->msg, "reads an image of %s with a zero point of %s: want the "
                             "same", onnx_type_name(r->image_type), type_name(&q));
    if (!e)
        e = quantise_image(r, node, &x, &q);
    if (e)
        return e;
    static const uint32_t image = 0;
    x.means = ONNX_PIXELS;
    x.layer = &image;
    x.n_layer = 1;
    onnx_output(r, node, x);
    return ERR_NONE;
}

/* ---- Constants ---- */

/* Whether there is one, or one for each place along an axis. */
static bool fits_along(const struct onnx_tensor *t, const struct onnx_tensor *x, int64_t axis)
{
    bool along = t->n_dim == 1 && axis >= 0 && axis < x->n_dim && t->n == x->dim[axis];

    return t->n > 0 && (along || onnx_tensor_is_single(t));
}

static enum err take_zeros(const struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                           int64_t axis, struct onnx_meaning *w)
{
    const struct onnx_meaning *zero = onnx_input(r, node, i);

    if (zero->means != ONNX_STORED)
        return onnx_node_refuse(node, r->msg, "its zero points are %s: want a stored tensor",
                                onnx_means_text(zero->means));
    if (zero->tensor.type != w->tensor.type)
        return onnx_node_refuse(node, r->msg, "its zero points are %s: want %s",
                                onnx_type_name(zero->tensor.type), onnx_type_name(w->tensor.type));
    if (!fits_along(&zero->tensor, &w->tensor, axis))
        return onnx_node_refuse(node, r->msg,
                                "%zu zero points along axis %" PRId64 ": want one, or "
                                "one for each place along that axis",
                                zero->tensor.n, axis);
    for (size_t k = 0; k < zero->tensor.n; k++)
        if (onnx_tensor_integer(&zero->tensor, k) != 0)
            w->zero = zero->tensor; // mostly there are none
    return ERR_NONE;
}

enum err onnx_take_weights(const struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                           int64_t axis, struct onnx_meaning *w)
{
    const struct onnx_meaning *x = onnx_input(r, node, i), *scale = onnx_input(r, node, i + 1);
    int64_t n_dim = x->tensor.n_dim;

    if (x->means != ONNX_STORED)
        return onnx_node_refuse(node, r->msg, "input %" PRIu32 " is %s: want a stored tensor", i,
                                onnx_means_text(x->means));
    enum err e = check_scales(r, node, scale);
    if (!e && onnx_type_is_real(x->tensor.type))
        e = onnx_node_refuse(node, r->msg, "reads a stored %s: want integers",
                             onnx_type_name(x->tensor.type));
    if (e)
        return e;
    axis = axis < 0 ? axis + n_dim : axis;
    if (!fits_along(&scale->tensor, &x->tensor, axis))
        return onnx_node_refuse(node, r->msg, "%zu scales along axis %" PRId64 ": want one, or one "
                                "for each place along that axis", scale->tensor.n, axis);
    *w = (struct onnx_meaning){.means = ONNX_WEIGHTS, .tensor = x->tensor, .scale = scale->tensor,
                               .axis = axis >= 0 && axis < n_dim ? (uint32_t)axis : 0};
    return onnx_has_input(node, i + 2) ? take_zeros(r, node, i + 2, axis, w) : ERR_NONE;
}

static enum err dequantize_constant(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning w;
    int64_t axis = 1;
    enum err e = onnx_attr_int(node, "axis", &axis, r->msg);

    if (!e)
        e = check_blocks(r, node);
    if (!e)
        e = onnx_take_weights(r, node, 0, axis, &w);
    if (!e)
        onnx_output(r, node, w);
    return e;
}

static enum err read_dequantize(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_meaning *x = onnx_input(r, node, 0);

    if (x->means == ONNX_STORED)
        return dequantize_constant(r, node);
    if (x->means == ONNX_BYTES)
        return dequantize_map(r, node);
    if (x->means == ONNX_IMAGE && onnx_type_is_code(r->image_type))
        return dequantize_image(r, node);
    return onnx_node_refuse(node, r->msg, "input 0 is %s: want integers",
                            onnx_means_text(x->means));
}

/* saturate speaks of 8-bit floats only, which are refused by their type. axis is read before set
 * 13, which brought it, too: QONNX's files of older sets become ones with it. */
const struct onnx_operator onnx_ops_quantize[] = {
    {"QuantizeLinear",   10, 2, 3, "axis block_size:21 output_dtype:21 precision:23 saturate:19",
     read_quantize},
    {"DequantizeLinear", 10, 2, 3, "axis block_size:21 output_dtype:23", read_dequantize},
    {0},
};
