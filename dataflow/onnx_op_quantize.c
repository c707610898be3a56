/* dataflow/onnx_op_quantize.c -- QuantizeLinear and DequantizeLinear.
 *
 * Activations have one scale and one zero point, uint8 or int8. Constants are dequantised only:
 * weights int8, biases of any integer type, zero point 0, one scale or one along an axis.
 */
#include <inttypes.h>
#include <math.h>

#include "dataflow/onnx_read.h"

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

/* Scale and zero point of an activation. */
static enum err read_quantisation(const struct onnx_reader *r, const struct onnx_node *node,
                                  struct onnx_quantisation *q)
{
    const struct onnx_meaning *scale = onnx_input(r, node, 1);
    enum err e = check_scales(r, node, scale);

    if (e)
        return e;
    if (!onnx_tensor_is_single(&scale->tensor))
        return onnx_node_refuse(node, r->msg, "%zu scales for an activation: want one",
                                scale->tensor.n);
    *q = (struct onnx_quantisation){.scale = onnx_tensor_real(&scale->tensor, 0)};
    if (!onnx_has_input(node, 2))
        return ERR_NONE; // uint8 and 0
    const struct onnx_meaning *zero = onnx_input(r, node, 2);
    if (zero->means != ONNX_STORED)
        return onnx_node_refuse(node, r->msg, "its zero point is %s: want a stored tensor",
                                onnx_means_text(zero->means));
    if (!onnx_tensor_is_single(&zero->tensor) ||
        (zero->tensor.type != TYPE(UINT8) && zero->tensor.type != TYPE(INT8)))
        return onnx_node_refuse(node, r->msg, "its zero point is %zu %s: want one uint8 or int8",
                                zero->tensor.n, onnx_type_name(zero->tensor.type));
    q->zero = (int32_t)onnx_tensor_integer(&zero->tensor, 0);
    q->is_signed = zero->tensor.type == TYPE(INT8);
    return ERR_NONE;
}

/* Whether a layer's bytes are quantised just so. */
static bool is_quantised_as(const struct layer *l, const struct onnx_quantisation *q)
{
    return l->out_scale == q->scale && l->out_zero == q->zero && l->out_signed == q->is_signed;
}

static enum err quantise_image(struct onnx_reader *r, const struct onnx_node *node,
                               const struct onnx_meaning *x, const struct onnx_quantisation *q)
{
    enum err e = ERR_NONE;

    if (r->network->n_layer == 0)
        e = onnx_add_image(r, x->shape, q);
    else if (!is_quantised_as(&r->network->layer[0], q))
        e = onnx_node_refuse(node, r->msg, "quantises the image a second time and differently: "
                             "want one scale and zero point");
    return e;
}

static enum err read_quantize(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_meaning *x = onnx_input(r, node, 0);
    struct onnx_meaning out = {.means = ONNX_BYTES, .shape = x->shape, .flat = x->flat};
    struct onnx_quantisation q;

    enum err e = read_quantisation(r, node, &q);
    if (e)
        return e;
    if (x->means == ONNX_IMAGE) {
        e = quantise_image(r, node, x, &q);
    } else if (x->means == ONNX_PIXELS && is_quantised_as(&r->network->layer[x->layer], &q)) {
        out.layer = x->layer; // there and back again
        out.pooled = x->pooled;
    } else if (x->means == ONNX_PIXELS) {
        e = onnx_node_refuse(node, r->msg, "rounds a map a second time, to another scale, zero "
                             "point or type: want the same, or a Conv in between");
    } else {
        e = onnx_take_draft(r, node, 0, &x);
        if (!e)
            e = onnx_draft_quantise(r, node, x->draft, &q, &out.layer);
        out.pooled = !e && x->draft->pools;
    }
    if (!e)
        onnx_output(r, node, out);
    return e;
}

static const char *byte_name(bool is_signed)
{
    return is_signed ? "int8" : "uint8";
}

static enum err dequantize_map(struct onnx_reader *r, const struct onnx_node *node,
                               const struct onnx_meaning *x)
{
    const struct layer *l = &r->network->layer[x->layer];
    struct onnx_meaning out = *x;
    struct onnx_quantisation q;

    enum err e = read_quantisation(r, node, &q);
    if (e)
        return e;
    if (l->pooled && !x->pooled)
        return onnx_node_refuse(node, r->msg, "reads %s without its pooling: want "
                                "GlobalAveragePool to be its only reader", l->name);
    if (!is_quantised_as(l, &q))
        return onnx_node_refuse(node, r->msg, "reads bytes of scale %g and zero point %" PRId32
                                " (%s) as %g and %" PRId32 " (%s): want the same", l->out_scale,
                                l->out_zero, byte_name(l->out_signed), q.scale, q.zero,
                                byte_name(q.is_signed));
    out.means = ONNX_PIXELS;
    onnx_output(r, node, out);
    return ERR_NONE;
}

/* The zero points of a constant, if there are any: all 0. */
static enum err check_zeros(const struct onnx_reader *r, const struct onnx_node *node,
                            const struct onnx_tensor *x)
{
    if (!onnx_has_input(node, 2))
        return ERR_NONE;
    const struct onnx_meaning *zero = onnx_input(r, node, 2);
    if (zero->means != ONNX_STORED)
        return onnx_node_refuse(node, r->msg, "its zero points are %s: want a stored tensor",
                                onnx_means_text(zero->means));
    if (zero->tensor.type != x->type)
        return onnx_node_refuse(node, r->msg, "its zero points are %s: want %s",
                                onnx_type_name(zero->tensor.type), onnx_type_name(x->type));
    for (size_t i = 0; i < zero->tensor.n; i++)
        if (onnx_tensor_integer(&zero->tensor, i) != 0)
            return onnx_node_refuse(node, r->msg, "zero point %zu of a constant is %" PRId64
                                    ": want 0, symmetric weights", i,
                                    onnx_tensor_integer(&zero->tensor, i));
    return ERR_NONE;
}

static enum err dequantize_constant(struct onnx_reader *r, const struct onnx_node *node,
                                    const struct onnx_meaning *x)
{
    const struct onnx_meaning *scale = onnx_input(r, node, 1);
    int64_t axis = 1;

    enum err e = check_scales(r, node, scale);
    if (!e)
        e = onnx_attr_int(node, "axis", &axis, r->msg);
    if (!e && onnx_type_is_real(x->tensor.type))
        e = onnx_node_refuse(node, r->msg, "reads a stored %s: want integers",
                             onnx_type_name(x->tensor.type));
    if (!e)
        e = check_zeros(r, node, &x->tensor);
    if (e)
        return e;
    int64_t n_dim = x->tensor.n_dim;
    axis = axis < 0 ? axis + n_dim : axis;
    bool along = scale->tensor.n_dim == 1 && axis >= 0 && axis < n_dim &&
                 scale->tensor.n == x->tensor.dim[axis];
    if (scale->tensor.n == 0 || (!along && !onnx_tensor_is_single(&scale->tensor)))
        return onnx_node_refuse(node, r->msg, "%zu scales along axis %" PRId64 ": want one, or one "
                                "for each place along that axis", scale->tensor.n, axis);
    onnx_output(r, node, (struct onnx_meaning){.means = ONNX_WEIGHTS, .tensor = x->tensor,
                                               .scale = scale->tensor,
                                               .axis = along ? (uint32_t)axis : 0});
    return ERR_NONE;
}

static enum err read_dequantize(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_meaning *x = onnx_input(r, node, 0);

    if (x->means == ONNX_STORED)
        return dequantize_constant(r, node, x);
    if (x->means == ONNX_BYTES)
        return dequantize_map(r, node, x);
    return onnx_node_refuse(node, r->msg, "input 0 is %s: want integers",
                            onnx_means_text(x->means));
}

/* saturate speaks of 8-bit floats only, which are refused by their type. */
static const char *const quantize_attributes[] = {"axis", "saturate", NULL};
static const char *const dequantize_attributes[] = {"axis", NULL};

const struct onnx_operator onnx_op_quantize = {"QuantizeLinear", 10, 2, 3, quantize_attributes,
                                               read_quantize};
const struct onnx_operator onnx_op_dequantize = {"DequantizeLinear", 10, 2, 3,
                                                 dequantize_attributes, read_dequantize};
