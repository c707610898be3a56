/* network/onnx/qonnx.c -- see qonnx.h. Messages are allocated as protobuf-c itself would. */
#include "network/onnx/qonnx.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "network/onnx/graph.h"
#include "network/onnx/tensor.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

enum { MOST_NODES = 1 << 16, MOST_BITS = 32, BYTE_BITS = 8, LEAST_OPSET = 10, NAME = 256 };

static const char *text(const char *s)
{
    return s ? s : "";
}

struct named { // a constant of the model
    const char              *name;
    const Onnx__TensorProto *tensor;
};

struct rewriting {
    Onnx__ModelProto *model;
    Onnx__NodeProto **node; // owned list, and what it points to
    size_t            n_node;
    struct named     *constant; // by name
    size_t            n_constant;
    uint64_t          made; // bytes of new constants
    bool              quantises; // there was a Quant
    bool              failed;    // no memory
    struct err_msg   *msg;
};

/* The node, with the names of operators as errors have them. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
static enum err refuse(struct rewriting *w, const Onnx__NodeProto *proto, const char *fmt, ...)
{
    const struct onnx_node node = {.proto = proto};
    char line[256];
    va_list args;

    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    return onnx_node_refuse(&node, w->msg, "%s", line);
}

/* ---- Constants ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

/* The tensor of a node Constant; NULL: it has none. */
static const Onnx__TensorProto *stored_in(const Onnx__NodeProto *node)
{
    if (strcmp(text(node->op_type), "Constant") != 0 || node->n_output != 1)
        return NULL;
    for (size_t i = 0; i < node->n_attribute; i++)
        if (strcmp(text(node->attribute[i]->name), "value") == 0)
            return node->attribute[i]->t;
    return NULL;
}

static bool list_constants(struct rewriting *w)
{
    const Onnx__GraphProto *g = w->model->graph;

    w->constant = calloc(g->n_initializer + g->n_node + 1, sizeof *w->constant);
    if (!w->constant)
        return false;
    for (size_t i = 0; i < g->n_initializer; i++)
        w->constant[w->n_constant++] =
            (struct named){text(g->initializer[i]->name), g->initializer[i]};
    for (size_t i = 0; i < g->n_node; i++)
        if (stored_in(g->node[i]))
            w->constant[w->n_constant++] =
                (struct named){text(g->node[i]->output[0]), stored_in(g->node[i])};
    qsort(w->constant, w->n_constant, sizeof *w->constant, by_name);
    return true;
}

/* Input i as a constant; false: it is none. An error in it is the node's. */
static bool constant(struct rewriting *w, const Onnx__NodeProto *node, size_t i,
                     struct onnx_tensor *t)
{
    const struct named key = {i < node->n_input ? text(node->input[i]) : "", NULL};
    const struct named *found =
        bsearch(&key, w->constant, w->n_constant, sizeof key, by_name);

    return found && !onnx_tensor_view(t, found->tensor, w->msg);
}

/* Input i as one number. */
static enum err number(struct rewriting *w, const Onnx__NodeProto *node, size_t i,
                       const char *what, double *v)
{
    struct onnx_tensor t;

    if (!constant(w, node, i, &t) || t.n != 1)
        return refuse(w, node, "its %s is no constant of one value: want one", what);
    *v = onnx_tensor_real(&t, 0);
    return ERR_NONE;
}

/* ---- What is put in ---- */

static Onnx__TensorProto *add_tensor(struct rewriting *w, const char *name, int32_t type,
                                     size_t n_dim, const uint32_t *dim, size_t bytes)
{
    Onnx__GraphProto *g = w->model->graph;
    Onnx__TensorProto *t = malloc(sizeof *t);
    Onnx__TensorProto **longer = realloc(g->initializer,
                                         (g->n_initializer + 1) * sizeof *longer);

    if (longer)
        g->initializer = longer;
    if (!t || !longer) {
        free(t);
        w->failed = true;
        return NULL;
    }
    onnx__tensor_proto__init(t);
    t->has_data_type = 1;
    t->data_type = type;
    t->name = strdup(name);
    t->n_dims = n_dim;
    t->dims = calloc(n_dim + 1, sizeof *t->dims);
    t->has_raw_data = 1;
    t->raw_data.len = bytes;
    t->raw_data.data = calloc(bytes + 1, 1);
    w->failed |= !t->name || !t->dims || !t->raw_data.data;
    for (size_t i = 0; t->dims && i < n_dim; i++)
        t->dims[i] = dim[i];
    longer[g->n_initializer++] = t;
    w->made += bytes;
    return w->failed ? NULL : t;
}

static void add_float(struct rewriting *w, const char *name, double v)
{
    Onnx__TensorProto *t = add_tensor(w, name, TYPE(FLOAT), 0, NULL, sizeof(float));
    float f = (float)v;

    if (t)
        memcpy(t->raw_data.data, &f, sizeof f);
}

static void add_byte(struct rewriting *w, const char *name, bool is_signed, int64_t v)
{
    Onnx__TensorProto *t = add_tensor(w, name, is_signed ? TYPE(INT8) : TYPE(UINT8), 0, NULL, 1);

    if (t)
        t->raw_data.data[0] = (uint8_t)v;
}

static void take_node(struct rewriting *w, Onnx__NodeProto *node)
{
    Onnx__NodeProto **longer = realloc(w->node, (w->n_node + 1) * sizeof *longer);

    if (!longer) {
        onnx__node_proto__free_unpacked(node, NULL);
        w->failed = true;
        return;
    }
    w->node = longer;
    longer[w->n_node++] = node;
}

/* Up to three inputs, NULL behind the last, and one output. It is called as `like` is. */
static Onnx__NodeProto *add_node(struct rewriting *w, const Onnx__NodeProto *like,
                                 const char *type, const char *const in[3], const char *out)
{
    Onnx__NodeProto *n = malloc(sizeof *n);

    if (!n) {
        w->failed = true;
        return NULL;
    }
    onnx__node_proto__init(n);
    n->op_type = strdup(type);
    n->name = strdup(*text(like->name) ? like->name : like->output[0]);
    n->input = calloc(4, sizeof *n->input);
    n->output = calloc(2, sizeof *n->output);
    w->failed |= !n->op_type || !n->name || !n->input || !n->output;
    for (int i = 0; n->input && i < 3 && in[i]; i++) {
        n->input[n->n_input] = strdup(in[i]);
        w->failed |= !n->input[n->n_input++];
    }
    if (n->output) {
        n->output[0] = strdup(out);
        w->failed |= !n->output[n->n_output++];
    }
    take_node(w, n);
    return w->failed ? NULL : n;
}

static void add_attribute(struct rewriting *w, Onnx__NodeProto *node, const char *name, size_t n,
                          const int64_t *v, Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *a = node ? malloc(sizeof *a) : NULL;

    if (!a) {
        w->failed = true;
        return;
    }
    onnx__attribute_proto__init(a);
    a->name = strdup(name);
    a->has_type = 1;
    a->type = type;
    if (type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT) {
        a->has_i = 1;
        a->i = v[0];
    } else {
        a->ints = malloc(n * sizeof *v);
        w->failed |= !a->ints;
        a->n_ints = a->ints ? n : 0;
        for (size_t i = 0; i < a->n_ints; i++)
            a->ints[i] = v[i];
    }
    node->attribute = calloc(1, sizeof(Onnx__AttributeProto *)); // it has none yet
    w->failed |= !a->name || !node->attribute;
    if (node->attribute)
        node->attribute[node->n_attribute++] = a;
    else
        onnx__attribute_proto__free_unpacked(a, NULL);
}

/* "value.what" */
static const char *named(char name[NAME], const Onnx__NodeProto *node, const char *what)
{
    snprintf(name, NAME, "%.200s.%s", node->output[0], what);
    return name;
}

/* ---- Quant ---- */

struct quant {
    double  bits, zero;
    int64_t is_signed, narrow;
    double  least, most; // of the integers
    double (*rounded)(double);
};

static enum err read_rounding(struct rewriting *w, const Onnx__NodeProto *proto, struct quant *q)
{
    static const struct {
        const char *name;
        double (*rounded)(double);
    } modes[] = {{"ROUND", rint}, {"HALF_EVEN", rint}, {"FLOOR", floor}, {"CEIL", ceil}};
    const struct onnx_node node = {.proto = proto};
    char mode[32] = "ROUND";
    enum err e = onnx_attr_text(&node, "rounding_mode", mode, sizeof mode, w->msg);

    for (size_t i = 0; i < sizeof modes / sizeof *modes && !e; i++)
        if (strcmp(mode, modes[i].name) == 0)
            q->rounded = modes[i].rounded;
    return e || q->rounded ? e : refuse(w, proto, "rounding_mode is %s: want ROUND", mode);
}

static enum err read_quant(struct rewriting *w, const Onnx__NodeProto *proto, struct quant *q)
{
    const struct onnx_node node = {.proto = proto};

    *q = (struct quant){.is_signed = 1, .narrow = 1};
    enum err e = number(w, proto, 2, "zero point", &q->zero);
    if (!e)
        e = number(w, proto, 3, "width", &q->bits);
    if (!e)
        e = onnx_attr_int(&node, "signed", &q->is_signed, w->msg);
    if (!e)
        e = onnx_attr_int(&node, "narrow", &q->narrow, w->msg);
    if (!e)
        e = read_rounding(w, proto, q);
    if (e)
        return e;
    if (!(q->bits >= 1 && q->bits <= MOST_BITS) || q->bits != rint(q->bits))
        return refuse(w, proto, "a width of %g bits: want a whole number from 1 to %d", q->bits,
                      MOST_BITS);
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

/* A map, cut to the integers that the width has. */
static enum err quantise_map(struct rewriting *w, const Onnx__NodeProto *node,
                             const struct quant *q, double scale)
{
    char s[NAME], z[NAME], low[NAME], high[NAME], bytes[NAME], cut[NAME];
    bool odd = fmod(q->zero, 2) != 0;

    if (q->bits > BYTE_BITS)
        return refuse(w, node, "%g bits for a map: want at most %d", q->bits, BYTE_BITS);
    if (q->rounded != rint)
        return refuse(w, node, "rounds a map down or up: want rounding_mode ROUND");
    if (odd || q->zero < q->least || q->zero > q->most) // ties go the other way
        return refuse(w, node, "a zero point of %g: want an even one from %g to %g", q->zero,
                      q->least, q->most);
    add_float(w, named(s, node, "scale"), scale);
    add_byte(w, named(z, node, "zero"), q->is_signed, (int64_t)q->zero);
    add_byte(w, named(low, node, "low"), q->is_signed, (int64_t)q->least);
    add_byte(w, named(high, node, "high"), q->is_signed, (int64_t)q->most);
    named(bytes, node, "bytes");
    named(cut, node, "cut");
    add_node(w, node, "QuantizeLinear", (const char *const[]){node->input[0], s, z}, bytes);
    add_node(w, node, "Clip", (const char *const[]){bytes, low, high}, cut);
    add_node(w, node, "DequantizeLinear", (const char *const[]){cut, s, z}, node->output[0]);
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

/* A constant becomes integers; where they are no bytes, the real values they stand for. q: NULL for
 * BipolarQuant. */
static enum err quantise_constant(struct rewriting *w, const Onnx__NodeProto *node,
                                  const struct quant *q, const struct onnx_tensor *x,
                                  const struct onnx_tensor *s)
{
    bool bytes = !q || (q->bits <= BYTE_BITS && q->zero == 0), is_signed = !q || q->is_signed;
    int32_t type = !bytes ? TYPE(FLOAT) : is_signed ? TYPE(INT8) : TYPE(UINT8);
    char integers[NAME], scales[NAME];
    uint32_t axis, behind = 1, n = (uint32_t)s->n;

    if (!axis_of(x, s, &axis))
        return refuse(w, node, "%zu scales for %zu constants: want one, or one for each place "
                      "along one axis", s->n, x->n);
    for (uint32_t k = axis + 1; k < x->n_dim; k++)
        behind *= x->dim[k];
    Onnx__TensorProto *t = add_tensor(w, bytes ? named(integers, node, "integers")
                                               : node->output[0], type, x->n_dim, x->dim,
                                      x->n * (bytes ? 1 : sizeof(float)));
    for (size_t i = 0; t && i < x->n; i++) {
        double v = onnx_tensor_real(x, i), scale = onnx_tensor_real(s, n == 1 ? 0 : i / behind % n);
        if (!isfinite(v) || !(scale > 0) || !isfinite(scale))
            return refuse(w, node, "constant %zu is %g, of scale %g: want finite numbers, and a "
                          "positive scale", i, v, scale);
        double k = integer_of(q, v, scale);
        float real = ((float)k - (float)(q ? q->zero : 0)) * (float)scale;
        if (bytes)
            t->raw_data.data[i] = (uint8_t)(int)k;
        else
            memcpy(t->raw_data.data + i * sizeof real, &real, sizeof real);
    }
    if (!bytes)
        return ERR_NONE;
    Onnx__TensorProto *list = add_tensor(w, named(scales, node, "scales"), TYPE(FLOAT), n > 1, &n,
                                         n * sizeof(float));
    for (uint32_t i = 0; list && i < n; i++) {
        float v = (float)onnx_tensor_real(s, i);
        memcpy(list->raw_data.data + i * sizeof v, &v, sizeof v);
    }
    const int64_t along = axis;
    const char *const in[] = {integers, scales, NULL};
    Onnx__NodeProto *made = add_node(w, node, "DequantizeLinear", in, node->output[0]);
    add_attribute(w, made, "axis", 1, &along, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    return ERR_NONE;
}

/* Whether a map is negative, and then its signs. */
static enum err take_signs(struct rewriting *w, const Onnx__NodeProto *node, double scale)
{
    char half[NAME], s[NAME], twice[NAME], zero[NAME], low[NAME], v[6][NAME];

    add_float(w, named(half, node, "half"), scale / 2);
    add_float(w, named(s, node, "scale"), scale);
    add_float(w, named(twice, node, "twice"), 2 * scale);
    add_byte(w, named(zero, node, "zero"), true, 0);
    add_byte(w, named(low, node, "low"), true, -1);
    static const char *const steps[] = {"less_half", "is_negative", "cut", "below", "distance",
                                        "sign"};
    for (int i = 0; i < 6; i++)
        named(v[i], node, steps[i]);
    add_node(w, node, "Sub", (const char *const[]){node->input[0], half, NULL}, v[0]);
    add_node(w, node, "QuantizeLinear", (const char *const[]){v[0], s, zero}, v[1]);
    add_node(w, node, "Clip", (const char *const[]){v[1], low, zero}, v[2]);
    add_node(w, node, "DequantizeLinear", (const char *const[]){v[2], twice, zero}, v[3]);
    add_node(w, node, "Neg", (const char *const[]){v[3], NULL, NULL}, v[4]); // a table from here on
    add_node(w, node, "Sub", (const char *const[]){s, v[4], NULL}, v[5]);
    named(v[0], node, "bytes");
    add_node(w, node, "QuantizeLinear", (const char *const[]){v[5], s, zero}, v[0]);
    add_node(w, node, "DequantizeLinear", (const char *const[]){v[0], s, zero}, node->output[0]);
    return ERR_NONE;
}

static enum err rewrite_quant(struct rewriting *w, const Onnx__NodeProto *node)
{
    bool bipolar = strcmp(node->op_type, "BipolarQuant") == 0;
    struct onnx_tensor x, s;
    struct quant q;
    enum err e = bipolar ? ERR_NONE : read_quant(w, node, &q);

    w->quantises = true;
    if (e)
        return e;
    if (!constant(w, node, 1, &s) || s.n == 0)
        return refuse(w, node, "its scale is no constant: want one");
    if (constant(w, node, 0, &x))
        return quantise_constant(w, node, bipolar ? NULL : &q, &x, &s);
    double scale = onnx_tensor_real(&s, 0);
    if (s.n != 1 || !(scale > 0) || !isfinite(scale))
        return refuse(w, node, "%zu scales, the first %g, for a map: want one, positive and "
                      "finite", s.n, scale);
    return is_bipolar(bipolar ? NULL : &q) ? take_signs(w, node, scale)
                                           : quantise_map(w, node, &q, scale);
}

/* ---- Channels last ---- */

/* To the front, or (last) to the end, of n dimensions. */
static void move_channels(struct rewriting *w, const Onnx__NodeProto *like, const char *in,
                          const char *out, size_t n, bool last)
{
    int64_t perm[ONNX_MOST_DIMS];

    for (size_t i = 0; i < n; i++)
        perm[i] = (int64_t)(i == 0 ? 0 : last ? (i == n - 1 ? 1 : i + 1) : i == 1 ? n - 1 : i - 1);
    add_attribute(w, add_node(w, like, "Transpose", (const char *const[]){in, NULL, NULL}, out),
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
        if (strcmp(text(node->attribute[i]->name), "kernel_shape") == 0 &&
            node->attribute[i]->n_ints == 1)
            return 3;
    return 4;
}

static enum err rewrite_channels_last(struct rewriting *w, Onnx__NodeProto **own)
{
    Onnx__NodeProto *node = *own;
    char in[NAME], weights[NAME], out[NAME], last[NAME];
    size_t n = dims_of(node);

    named(in, node, "in");
    named(weights, node, "weights");
    named(out, node, "out");
    snprintf(last, sizeof last, "%.255s", node->output[0]);
    move_channels(w, node, text(node->input[0]), in, n, false);
    bool conv = strcmp(text(node->op_type), "Conv") == 0 && node->n_input > 1;
    if (conv)
        move_channels(w, node, text(node->input[1]), weights, n, false);
    w->failed |= replace(&node->input[0], in) || (conv && replace(&node->input[1], weights)) ||
                 replace(&node->output[0], out) || replace(&node->domain, "");
    *own = NULL;
    take_node(w, node);
    if (!w->failed)
        move_channels(w, node, out, last, n, true);
    return ERR_NONE;
}

/* ---- The graph ---- */

static bool is_quant(const Onnx__NodeProto *node)
{
    const char *type = text(node->op_type);

    return !onnx_is_own_domain(node->domain) &&
           (strcmp(type, "Quant") == 0 || strcmp(type, "BipolarQuant") == 0 ||
            strcmp(type, "Trunc") == 0);
}

static bool is_channels_last(const Onnx__NodeProto *node)
{
    return strcmp(text(node->domain), "qonnx.custom_op.channels_last") == 0;
}

static enum err rewrite_node(struct rewriting *w, Onnx__NodeProto **own)
{
    Onnx__NodeProto *node = *own;

    if (!is_quant(node) && !is_channels_last(node)) {
        *own = NULL;
        take_node(w, node);
        return ERR_NONE;
    }
    if (node->n_input < 1 || node->n_output != 1 || !*text(node->output[0]))
        return refuse(w, node, "%zu inputs and %zu outputs: want one output", node->n_input,
                      node->n_output);
    if (w->n_node > MOST_NODES || w->made > (uint64_t)INT32_MAX)
        return refuse(w, node, "too many nodes or constants: want a smaller model");
    if (is_channels_last(node))
        return rewrite_channels_last(w, own);
    if (strcmp(node->op_type, "Trunc") == 0)
        return refuse(w, node, "cuts bits off: want Quant in its place");
    return rewrite_quant(w, node);
}

/* QuantizeLinear came with set 10. */
static void raise_opset(const struct rewriting *w)
{
    for (size_t i = 0; i < w->model->n_opset_import; i++) {
        Onnx__OperatorSetIdProto *set = w->model->opset_import[i];
        if (onnx_is_own_domain(set->domain) && set->version < LEAST_OPSET)
            set->version = LEAST_OPSET;
    }
}

enum err onnx_rewrite_qonnx(Onnx__ModelProto *model, struct err_msg *m)
{
    Onnx__GraphProto *g = model->graph;
    struct rewriting w = {.model = model, .msg = m};
    bool some = false;

    for (size_t i = 0; i < g->n_node; i++)
        some |= is_quant(g->node[i]) || is_channels_last(g->node[i]);
    if (!some)
        return ERR_NONE;
    enum err e = list_constants(&w) ? ERR_NONE : ERR_MEMORY;
    for (size_t i = 0; i < g->n_node && !e && !w.failed; i++)
        e = rewrite_node(&w, &g->node[i]);
    for (size_t i = 0; i < g->n_node; i++)
        if (g->node[i])
            onnx__node_proto__free_unpacked(g->node[i], NULL);
    free(g->node);
    free(w.constant);
    g->node = w.node;
    g->n_node = w.n_node;
    if (w.quantises)
        raise_opset(&w);
    return w.failed || e == ERR_MEMORY ? err_set(m, ERR_MEMORY, "no memory for a model") : e;
}
