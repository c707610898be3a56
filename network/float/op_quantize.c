/* network/float/op_quantize.c -- QuantizeLinear, DequantizeLinear. */
#include <inttypes.h>
#include <math.h>

#include "network/float/op.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

struct scales { // of an array, one or one for each place along an axis
    const struct array *scale, *zero; // zero: NULL for 0
    struct float_split  split;
};

static enum err read_scales(const struct float_call *c, const struct array *x,
                            const struct float_quantised *q, struct scales *s)
{
    uint32_t axis = 0;

    *s = (struct scales){c->in[q->scale], float_has(c, q->zero) ? c->in[q->zero] : NULL,
                         {1, 1, x->n}};
    enum err e = s->scale->n == 1 ? ERR_NONE : float_axis(c, q->axis, x->n_dim, &axis);
    if (e)
        return e;
    if (s->scale->n != 1)
        s->split = float_split(x, axis);
    if (!s->scale->real || s->scale->n != s->split.at ||
        (s->zero && (!s->zero->integer || s->zero->n != s->scale->n)))
        return FLOAT_REFUSE(c, "%zu scales and %zu zero points: want one float scale and at most "
                            "one integer zero point, or one for each of %zu places along the axis",
                            s->scale->n, s->zero ? s->zero->n : 0, s->split.at);
    for (size_t i = 0; i < s->scale->n; i++)
        if (!(s->scale->real[i] > 0) || !isfinite(s->scale->real[i]))
            return FLOAT_REFUSE(c, "scale %zu is %g: want a positive finite number", i,
                                (double)s->scale->real[i]);
    return ERR_NONE;
}

static size_t place(const struct scales *s, size_t i)
{
    return i / s->split.behind % s->split.at;
}

static int64_t zero_at(const struct scales *s, size_t i)
{
    return s->zero ? s->zero->integer[place(s, i)] : 0;
}

enum err float_dequantise(struct float_call *c, const struct float_quantised *q, struct array *out)
{
    const struct array *x = c->in[q->x];
    struct scales s;
    enum err e = read_scales(c, x, q, &s);

    if (!e && !x->integer)
        e = FLOAT_REFUSE(c, "dequantises %s: want integers", onnx_type_name(x->type));
    if (!e && !array_init(out, TYPE(FLOAT), x->n_dim, x->dim))
        e = float_no_memory(c);
    for (size_t i = 0; i < x->n && !e; i++)
        out->real[i] = (float)(x->integer[i] - zero_at(&s, i)) * s.scale->real[place(&s, i)];
    return e;
}

static enum err quantise(struct float_call *c, const struct array *x,
                         const struct float_quantised *q, struct array *out)
{
    struct scales s;
    enum err e = read_scales(c, x, q, &s);
    int32_t type = !e && s.zero ? s.zero->type : TYPE(UINT8);

    if (!e && (!x->real || !onnx_type_is_code(type)))
        e = FLOAT_REFUSE(c, "quantises %s to %s: want float to integers of 4, 8 or 16 bits",
                         onnx_type_name(x->type), onnx_type_name(type));
    if (!e && !array_init(out, type, x->n_dim, x->dim))
        e = float_no_memory(c);
    for (size_t i = 0; i < x->n && !e; i++)
        out->integer[i] = array_saturate(
            type, (double)rintf(x->real[i] / s.scale->real[place(&s, i)]) + (double)zero_at(&s, i));
    return e;
}

enum err float_requantise(struct float_call *c, uint32_t scale, uint32_t zero)
{
    struct array real = c->out;

    c->out = (struct array){0};
    enum err e = quantise(c, &real, &(struct float_quantised){0, scale, zero, 0}, &c->out);
    array_release(&real);
    return e;
}

static enum err read_node(const struct float_call *c, struct float_quantised *q)
{
    int64_t saturate = 1, block = 0; // the first speaks of 8-bit floats only

    *q = (struct float_quantised){0, 1, 2, 1};
    enum err e = onnx_attr_int(c->node, "axis", &q->axis, c->msg);

    if (!e)
        e = onnx_attr_int(c->node, "block_size", &block, c->msg);
    if (!e && block != 0)
        e = FLOAT_REFUSE(c, "a scale for each block of %" PRId64 ": want one for each channel, or "
                         "one", block);
    return e ? e : onnx_attr_int(c->node, "saturate", &saturate, c->msg);
}

static enum err eval_quantize(struct float_call *c)
{
    struct float_quantised q;
    enum err e = read_node(c, &q);

    return e ? e : quantise(c, c->in[0], &q, &c->out);
}

static enum err eval_dequantize(struct float_call *c)
{
    struct float_quantised q;
    enum err e = read_node(c, &q);

    return e ? e : float_dequantise(c, &q, &c->out);
}

const struct float_operator float_ops_quantize[] = {
    {"QuantizeLinear",   2, 3, "axis block_size saturate", eval_quantize},
    {"DequantizeLinear", 2, 3, "axis block_size", eval_dequantize},
    {0},
};
