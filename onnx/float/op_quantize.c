/* onnx/float/op_quantize.c -- QuantizeLinear, DequantizeLinear. */
#include <inttypes.h>
#include <math.h>

#include "onnx/float/op.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

struct scales { // of an array: one, one for each place along an axis, or for each block of places
    const struct array *scale, *zero; // zero: NULL for 0
    struct float_split  split;
    size_t              block; // places of a block; 0: there are none
};

/* Whether the scales have the array's shape, but along the axis one for each block. */
static bool in_blocks(const struct array *scale, const struct array *x, uint32_t axis,
                      int64_t block)
{
    bool as_many = scale->n_dim == x->n_dim;

    for (uint32_t k = 0; k < x->n_dim && as_many; k++)
        as_many = scale->dim[k] ==
                  (k == axis ? (x->dim[k] + (uint64_t)block - 1) / (uint64_t)block : x->dim[k]);
    return as_many;
}

static enum err read_scales(const struct float_call *c, const struct array *x,
                            const struct float_quantised *q, struct scales *s)
{
    bool single = c->in[q->scale]->n == 1 && q->block == 0;
    uint32_t axis = 0;

    *s = (struct scales){c->in[q->scale], float_has(c, q->zero) ? c->in[q->zero] : NULL,
                         {1, 1, x->n}, (size_t)q->block};
    enum err e = single ? ERR_NONE : float_axis(c, q->axis, x->n_dim, &axis);
    if (e)
        return e;
    if (!single)
        s->split = float_split(x, axis);
    if (s->block && !in_blocks(s->scale, x, axis, q->block))
        return FLOAT_REFUSE(c, "%zu scales of blocks of %zu along axis %" PRIu32 ": want the shape "
                            "of what they scale, but there one for each block", s->scale->n,
                            s->block, axis);
    if (!s->scale->real || (!s->block && s->scale->n != s->split.at) ||
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
    const struct float_split *d = &s->split;
    size_t at = i / d->behind % d->at;

    if (!s->block)
        return at;
    size_t n_block = (d->at + s->block - 1) / s->block, before = i / d->behind / d->at;
    return (before * n_block + at / s->block) * d->behind + i % d->behind;
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
    int32_t type = q->type ? (int32_t)q->type : TYPE(UINT8);

    if (!e && s.zero && q->type && s.zero->type != type)
        e = FLOAT_REFUSE(c, "output_dtype is %s, the zero point's is %s: want one",
                         onnx_type_name(type), onnx_type_name(s.zero->type));
    if (!e && s.zero)
        type = s.zero->type;
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
    const struct float_quantised q = {.scale = scale, .zero = zero};
    enum err e = quantise(c, &real, &q, &c->out);
    array_release(&real);
    return e;
}

static enum err read_node(const struct float_call *c, struct float_quantised *q)
{
    int64_t saturate = 1; // speaks of 8-bit floats only

    *q = (struct float_quantised){.scale = 1, .zero = 2, .axis = 1};
    enum err e = onnx_attr_int(c->node, "axis", &q->axis, c->msg);

    if (!e)
        e = onnx_attr_int(c->node, "output_dtype", &q->type, c->msg);
    if (!e && (q->type < 0 || q->type > INT32_MAX))
        e = FLOAT_REFUSE(c, "output_dtype is %" PRId64 ": want a type of ONNX", q->type);
    if (!e)
        e = onnx_attr_int(c->node, "block_size", &q->block, c->msg);
    if (!e && (q->block < 0 || q->block > INT32_MAX))
        e = FLOAT_REFUSE(c, "block_size is %" PRId64 ": want 0 to 2^31 - 1", q->block);
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

    if (!e && q.type != 0 && q.type != TYPE(FLOAT))
        e = FLOAT_REFUSE(c, "output_dtype is %s: want float", onnx_type_name((int32_t)q.type));
    return e ? e : float_dequantise(c, &q, &c->out);
}

const struct float_operator float_ops_quantize[] = {
    {"QuantizeLinear",   2, 3, "axis block_size:21 output_dtype:21 precision:23 saturate:19",
     eval_quantize},
    {"DequantizeLinear", 2, 3, "axis block_size:21 output_dtype:23", eval_dequantize},
    {0},
};
