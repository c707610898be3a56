/* onnx/rewrite/qonnx.c -- QONNX's operators (Brevitas, QKeras, FINN's front end) as ONNX's own.
 *
 *     Quant of a map         QuantizeLinear, Clip, DequantizeLinear
 *     Quant of a constant    a constant of int8 or int16 and DequantizeLinear; a list (a bias) of
 *                            more than 8 bits, and what has more than 16, floats
 *     BipolarQuant           of a constant: of -1 and 1. Of a map, scale s:
 *                            QuantizeLinear(x - s/2, s), cut to -1 and 0, which is whether x < 0,
 *                            because ties go to the even one; then s - 2s or s
 *     channels_last Conv...  Transpose, the operator, Transpose
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/rewrite/rewrite.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

enum { MOST_BITS = 32, BYTE_BITS = 8, WIDE_BITS = 16 };

/* ---- Quant ---- */

struct quant {
    double bits, zero;
    int64_t is_signed, narrow;
    double least, most; // of the integers
    double (*rounded)(double);
};

static enum err read_rounding(struct onnx_rewriting *w, const Onnx__NodeProto *proto,
                              struct quant *q)
{
    static const struct {
        const char *name;
        double (*rounded)(double);
    } modes[] = { { "ROUND", rint }, { "HALF_EVEN", rint }, { "FLOOR", floor }, { "CEIL", ceil } };
    const struct onnx_node node = { .proto = proto };
    char mode[32] = "ROUND";
    enum err e = onnx_attr_text(&node, "rounding_mode", mode, sizeof mode, w->msg);

    for (size_t i = 0; i < sizeof modes / sizeof *modes && !e; i++)
        if (strcmp(mode, modes[i].name) == 0)
            q->rounded = modes[i].rounded;
    return e || q->rounded ? e : onnx_refuse(w, proto, "rounding_mode is %s: want ROUND", mode);
}

static enum err read_quant(struct onnx_rewriting *w, const Onnx__NodeProto *proto, struct quant *q)
{
    const struct onnx_node node = { .proto = proto };

    *q = (struct quant){ .is_signed = 1, .narrow = 1 };
    enum err e = onnx_rewrite_number(w, proto, 2, "zero point", &q->zero);
    if (!e)
        e = onnx_rewrite_number(w, proto, 3, "width", &q->bits);
    if (!e)
        e = onnx_attr_int(&node, "signed", &q->is_signed, w->msg);
    if (!e)
        e = onnx_attr_int(&node, "narrow", &q->narrow, w->msg);
    if (!e)
        e = read_rounding(w, proto, q);
    if (e)
        return e;
    if (!(q->bits >= 1 && q->bits <= MOST_BITS) || q->bits != rint(q->bits))
        return onnx_refuse(w, proto, "a width of %g bits: want a whole number from 1 to %d",
                           q->bits, MOST_BITS);
    double half = ldexp(1, (int)q->bits - 1);
    q->least = q->is_signed ? -half + (q->narrow ? 1 : 0) : 0;
    q->most = q->is_signed ? half - 1 : 2 * half - (q->narrow ? 2 : 1);
    return ERR_NONE;
}

/* q: NULL for BipolarQuant. */
static bool is_bipolar(const struct quant *q)
{
    return !q || (q->bits == 1 && q->is_signed);
}

/* The integers that hold a width. */
static int32_t type_for(double bits, bool is_signed)
{
    return bits <= BYTE_BITS ? (is_signed ? TYPE(INT8) : TYPE(UINT8))
                             : is_signed ? TYPE(INT16) : TYPE(UINT16);
}

/* A map, cut to the integers that the width has. */
static enum err quantise_map(struct onnx_rewriting *w, const Onnx__NodeProto *node,
                             const struct quant *q, double scale)
{
    char s[ONNX_NAME], z[ONNX_NAME], low[ONNX_NAME], high[ONNX_NAME], bytes[ONNX_NAME],
        cut[ONNX_NAME];
    int32_t type = type_for(q->bits, q->is_signed);
    bool odd = fmod(q->zero, 2) != 0;

    if (q->bits > WIDE_BITS)
        return onnx_refuse(w, node, "%g bits for a map: want at most %d", q->bits, WIDE_BITS);
    if (q->rounded != rint)
        return onnx_refuse(w, node, "rounds a map down or up: want rounding_mode ROUND");
    if (odd || q->zero < q->least || q->zero > q->most) // ties go the other way
        return onnx_refuse(w, node, "a zero point of %g: want an even one from %g to %g", q->zero,
                           q->least, q->most);
    onnx_put_float(w, onnx_put_name(s, node, "scale"), scale);
    onnx_put_integer(w, onnx_put_name(z, node, "zero"), type, (int64_t)q->zero);
    onnx_put_integer(w, onnx_put_name(low, node, "low"), type, (int64_t)q->least);
    onnx_put_integer(w, onnx_put_name(high, node, "high"), type, (int64_t)q->most);
    onnx_put_name(bytes, node, "bytes");
    onnx_put_name(cut, node, "cut");
    onnx_put_node(w, node, "QuantizeLinear", (const char *const[]){ node->input[0], s, z }, bytes);
    onnx_put_node(w, node, "Clip", (const char *const[]){ bytes, low, high }, cut);
    onnx_put_node(w, node, "DequantizeLinear", (const char *const[]){ cut, s, z }, node->output[0]);
    return ERR_NONE;
}

/* Axis of x along which a constant that is spread over it has its values; false: there is none. */
static bool axis_of(const struct onnx_tensor *x, const struct onnx_tensor *s, uint32_t *axis)
{
    *axis = 0;
    if (s->n == 1)
        return true;
    for (uint32_t k = 0; k < s->n_dim; k++)
        if (s->dim[k] > 1) {
            *axis = k + x->n_dim - s->n_dim;
            return s->n_dim <= x->n_dim && s->dim[k] == s->n && x->dim[*axis] == s->n;
        }
    return false;
}

static double integer_of(const struct quant *q, double x, double scale)
{
    float y = (float)x / (float)scale; // as numpy has it

    if (is_bipolar(q))
        return q ? (y + (float)q->zero >= 0 ? 1 : -1) : x >= 0 ? 1 : -1;
    y += (float)q->zero;
    return q->rounded(fmin(fmax((double)y, q->least), q->most));
}

/* A constant becomes integers; where it has too many bits for them, the real values they stand for.
 * q: NULL for BipolarQuant. */
static enum err quantise_constant(struct onnx_rewriting *w, const Onnx__NodeProto *node,
                                  const struct quant *q, const struct onnx_tensor *x,
                                  const struct onnx_tensor *s)
{
    double most_bits = x->n_dim > 1 ? WIDE_BITS : BYTE_BITS;
    bool whole = !q || (q->bits <= most_bits && q->zero == 0);
    int32_t type = !whole ? TYPE(FLOAT) : q ? type_for(q->bits, q->is_signed) : TYPE(INT8);
    size_t size = onnx_type_bits(type) / 8;
    char integers[ONNX_NAME], scales[ONNX_NAME];
    uint32_t axis, behind = 1, n = (uint32_t)s->n;

    if (!axis_of(x, s, &axis))
        return onnx_refuse(w, node,
                           "%zu scales for %zu constants: want one, or one for each place "
                           "along one axis",
                           s->n, x->n);
    for (uint32_t k = axis + 1; k < x->n_dim; k++)
        behind *= x->dim[k];
    Onnx__TensorProto *t =
        onnx_put_tensor(w, whole ? onnx_put_name(integers, node, "integers") : node->output[0],
                        type, x->n_dim, x->dim, x->n * size);
    for (size_t i = 0; t && i < x->n; i++) {
        double v = onnx_tensor_real(x, i), scale = onnx_tensor_real(s, n == 1 ? 0 : i / behind % n);
        if (!isfinite(v) || !(scale > 0) || !isfinite(scale))
            return onnx_refuse(w, node,
                               "constant %zu is %g, of scale %g: want finite numbers, and a "
                               "positive scale",
                               i, v, scale);
        double k = integer_of(q, v, scale);
        float real = ((float)k - (float)(q ? q->zero : 0)) * (float)scale;
        int32_t integer = (int32_t)k; // little-endian throughout
        memcpy(t->raw_data.data + i * size, whole ? (const void *)&integer : &real, size);
    }
    if (!whole)
        return ERR_NONE;
    Onnx__TensorProto *list = onnx_put_tensor(w, onnx_put_name(scales, node, "scales"), TYPE(FLOAT),
                                              n > 1, &n, n * sizeof(float));
    for (uint32_t i = 0; list && i < n; i++) {
        float v = (float)onnx_tensor_real(s, i);
        memcpy(list->raw_data.data + i * sizeof v, &v, sizeof v);
    }
    const int64_t along = axis;
    const char *const in[] = { integers, scales, NULL };
    Onnx__NodeProto *made = onnx_put_node(w, node, "DequantizeLinear", in, node->output[0]);
    onnx_put_attribute(w, made, "axis", 1, &along, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    return ERR_NONE;
}

/* Whether a map is negative, and then its signs. */
static enum err take_signs(struct onnx_rewriting *w, const Onnx__NodeProto *node, double scale)
{
    char half[ONNX_NAME], s[ONNX_NAME], twice[ONNX_NAME], zero[ONNX_NAME], low[ONNX_NAME],
        v[6][ONNX_NAME];

    onnx_put_float(w, onnx_put_name(half, node, "half"), scale / 2);
    onnx_put_float(w, onnx_put_name(s, node, "scale"), scale);
    onnx_put_float(w, onnx_put_name(twice, node, "twice"), 2 * scale);
    onnx_put_integer(w, onnx_put_name(zero, node, "zero"), TYPE(INT8), 0);
    onnx_put_integer(w, onnx_put_name(low, node, "low"), TYPE(INT8), -1);
    static const char *const steps[] = { "less_half", "is_negative", "cut",
                                         "below",     "distance",    "sign" };
    for (int i = 0; i < 6; i++)
        onnx_put_name(v[i], node, steps[i]);
    onnx_put_node(w, node, "Sub", (const char *const[]){ node->input[0], half, NULL }, v[0]);
    onnx_put_node(w, node, "QuantizeLinear", (const char *const[]){ v[0], s, zero }, v[1]);
    onnx_put_node(w, node, "Clip", (const char *const[]){ v[1], low, zero }, v[2]);
    onnx_put_node(w, node, "DequantizeLinear", (const char *const[]){ v[2], twice, zero }, v[3]);
    onnx_put_node(w, node, "Neg", (const char *const[]){ v[3], NULL, NULL },
                  v[4]); // a table from here on
    onnx_put_node(w, node, "Sub", (const char *const[]){ s, v[4], NULL }, v[5]);
    onnx_put_name(v[0], node, "bytes");
    onnx_put_node(w, node, "QuantizeLinear", (const char *const[]){ v[5], s, zero }, v[0]);
    onnx_put_node(w, node, "DequantizeLinear", (const char *const[]){ v[0], s, zero },
                  node->output[0]);
    return ERR_NONE;
}

static enum err rewrite_quant(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    const Onnx__NodeProto *node = *own;
    bool bipolar = strcmp(node->op_type, "BipolarQuant") == 0;
    struct onnx_tensor x, s;
    struct quant q;
    enum err e = bipolar ? ERR_NONE : read_quant(w, node, &q);

    w->quantises = true;
    if (e)
        return e;
    if (!onnx_rewrite_constant(w, node, 1, &s) || s.n == 0)
        return onnx_refuse(w, node, "its scale is no constant: want one");
    if (onnx_rewrite_constant(w, node, 0, &x))
        return quantise_constant(w, node, bipolar ? NULL : &q, &x, &s);
    double scale = onnx_tensor_real(&s, 0);
    if (s.n != 1 || !(scale > 0) || !isfinite(scale))
        return onnx_refuse(w, node,
                           "%zu scales, the first %g, for a map: want one, positive and "
                           "finite",
                           s.n, scale);
    return is_bipolar(bipolar ? NULL : &q) ? take_signs(w, node, scale)
                                           : quantise_map(w, node, &q, scale);
}

/* ---- Channels last ---- */

/* To the front, or (last) to the end, of n dimensions. */
static void move_channels(struct onnx_rewriting *w, const Onnx__NodeProto *like, const char *in,
                          const char *out, size_t n, bool last)
{
    int64_t perm[ONNX_MOST_DIMS];

    for (size_t i = 0; i < n; i++)
        perm[i] = (int64_t)(i == 0 ? 0 : last ? (i == n - 1 ? 1 : i + 1) : i == 1 ? n - 1 : i - 1);
    onnx_put_attribute(
        w, onnx_put_node(w, like, "Transpose", (const char *const[]){ in, NULL, NULL }, out),
        "perm", n, perm, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
}

static enum err replace(char **field, const char *with)
{
    char *copy = strdup(with);

    if (!copy)
        return ERR_MEMORY;
    free(*field);
    *field = copy;
    return ERR_NONE;
}

/* Dimensions of what it reads, which its kernel tells. */
static size_t dims_of(const Onnx__NodeProto *node)
{
    for (size_t i = 0; i < node->n_attribute; i++)
        if (strcmp(onnx_text(node->attribute[i]->name), "kernel_shape") == 0 &&
            node->attribute[i]->n_ints == 1)
            return 3;
    return 4;
}

static enum err rewrite_channels_last(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    Onnx__NodeProto *node = *own;
    char in[ONNX_NAME], weights[ONNX_NAME], out[ONNX_NAME], last[ONNX_NAME];
    size_t n = dims_of(node);

    onnx_put_name(in, node, "in");
    onnx_put_name(weights, node, "weights");
    onnx_put_name(out, node, "out");
    snprintf(last, sizeof last, "%.255s", node->output[0]);
    move_channels(w, node, onnx_text(node->input[0]), in, n, false);
    bool conv = strcmp(onnx_text(node->op_type), "Conv") == 0 && node->n_input > 1;
    if (conv)
        move_channels(w, node, onnx_text(node->input[1]), weights, n, false);
    w->failed |= replace(&node->input[0], in) || (conv && replace(&node->input[1], weights)) ||
                 replace(&node->output[0], out) || replace(&node->domain, "");
    *own = NULL;
    onnx_put(w, node);
    if (!w->failed)
        move_channels(w, node, out, last, n, true);
    return ERR_NONE;
}

/* ---- The table ---- */

static bool is_foreign(const Onnx__NodeProto *node, const char *type)
{
    return !onnx_is_own_domain(node->domain) && strcmp(onnx_text(node->op_type), type) == 0;
}

static bool takes_quant(const struct onnx_rewriting *w, const Onnx__NodeProto *node)
{
    (void)w;
    return is_foreign(node, "Quant") || is_foreign(node, "BipolarQuant");
}

static bool takes_trunc(const struct onnx_rewriting *w, const Onnx__NodeProto *node)
{
    (void)w;
    return is_foreign(node, "Trunc");
}

static enum err refuse_trunc(struct onnx_rewriting *w, Onnx__NodeProto **node)
{
    return onnx_refuse(w, *node, "cuts bits off: want Quant in its place");
}

static bool takes_channels_last(const struct onnx_rewriting *w, const Onnx__NodeProto *node)
{
    (void)w;
    return strcmp(onnx_text(node->domain), "qonnx.custom_op.channels_last") == 0;
}

const struct onnx_rewriter onnx_rewrites_qonnx[] = {
    { takes_quant, rewrite_quant, false },
    { takes_trunc, refuse_trunc, false },
    { takes_channels_last, rewrite_channels_last, false },
    { 0 },
};
