/* onnx/rewrite/rewrite.c -- see rewrite.h. */
#include "onnx/rewrite/rewrite.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/kind.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

enum { MOST_NODES = 1 << 16, LEAST_OPSET = 10, MOST_BACK = 16 };

static const struct onnx_rewriter *const families[] = {
    onnx_rewrites_qonnx, onnx_rewrites_linear, onnx_rewrites_lrn, onnx_rewrites_reword,
    onnx_rewrites_fused, onnx_rewrites_attention, onnx_rewrites_patches,
};

/* The node, with the names of operators as errors have them. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
enum err
onnx_refuse(struct onnx_rewriting *w, const Onnx__NodeProto *proto, const char *fmt, ...)
{
    const struct onnx_node node = { .proto = proto };
    char line[256];
    va_list args;

    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    return onnx_node_refuse(&node, w->msg, "%s", line);
}

int64_t onnx_rewrite_opset(const struct onnx_rewriting *w)
{
    for (size_t i = 0; i < w->model->n_opset_import; i++)
        if (onnx_is_own_domain(w->model->opset_import[i]->domain))
            return w->model->opset_import[i]->version;
    return 1;
}

/* ---- Constants ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct onnx_named *)a)->name, ((const struct onnx_named *)b)->name);
}

/* The tensor of a node Constant; NULL: it has none. */
static const Onnx__TensorProto *stored_in(const Onnx__NodeProto *node)
{
    if (strcmp(onnx_text(node->op_type), "Constant") != 0 || node->n_output != 1)
        return NULL;
    for (size_t i = 0; i < node->n_attribute; i++)
        if (strcmp(onnx_text(node->attribute[i]->name), "value") == 0)
            return node->attribute[i]->t;
    return NULL;
}

static bool list_constants(struct onnx_rewriting *w)
{
    const Onnx__GraphProto *g = w->model->graph;

    w->constant = calloc(g->n_initializer + g->n_node + 1, sizeof *w->constant);
    if (!w->constant)
        return false;
    for (size_t i = 0; i < g->n_initializer; i++)
        w->constant[w->n_constant++] =
            (struct onnx_named){ onnx_text(g->initializer[i]->name), g->initializer[i] };
    for (size_t i = 0; i < g->n_node; i++)
        if (stored_in(g->node[i]))
            w->constant[w->n_constant++] =
                (struct onnx_named){ onnx_text(g->node[i]->output[0]), stored_in(g->node[i]) };
    qsort(w->constant, w->n_constant, sizeof *w->constant, by_name);
    return true;
}

/* Input i as a constant; false: it is none. An error in it is the node's. */
bool onnx_rewrite_constant(struct onnx_rewriting *w, const Onnx__NodeProto *node, size_t i,
                           struct onnx_tensor *t)
{
    const struct onnx_named key = { i < node->n_input ? onnx_text(node->input[i]) : "", NULL };
    const struct onnx_named *found = bsearch(&key, w->constant, w->n_constant, sizeof key, by_name);

    const Onnx__GraphProto *g = w->model->graph;
    const Onnx__TensorProto *tensor = found ? found->tensor : NULL;

    for (size_t k = w->n_stored; k < g->n_initializer && !tensor; k++) // those put in
        if (strcmp(onnx_text(g->initializer[k]->name), key.name) == 0)
            tensor = g->initializer[k];
    return tensor && !onnx_tensor_view(t, tensor, w->msg);
}

/* Input i as one number. */
enum err onnx_rewrite_number(struct onnx_rewriting *w, const Onnx__NodeProto *node, size_t i,
                             const char *what, double *v)
{
    struct onnx_tensor t;

    if (!onnx_rewrite_constant(w, node, i, &t) || t.n != 1)
        return onnx_refuse(w, node, "its %s is no constant of one value: want one", what);
    *v = onnx_tensor_real(&t, 0);
    return ERR_NONE;
}

/* ---- Channels ---- */

const Onnx__NodeProto *onnx_rewrite_maker(const struct onnx_rewriting *w, const char *value)
{
    for (size_t i = w->n_node; i-- > 0;)
        for (size_t k = 0; k < w->node[i]->n_output; k++)
            if (strcmp(w->node[i]->output[k], value) == 0)
                return w->node[i];
    return NULL;
}

bool onnx_rewrite_is_read(const struct onnx_rewriting *w, const char *value)
{
    const Onnx__GraphProto *g = w->model->graph;

    if (!*value) // left out, as inputs of other nodes may be
        return false;
    for (size_t i = 0; i < g->n_output; i++)
        if (strcmp(onnx_text(g->output[i]->name), value) == 0)
            return true;
    for (size_t i = 0; i < g->n_node; i++)
        for (size_t k = 0; g->node[i] && k < g->node[i]->n_input; k++)
            if (strcmp(onnx_text(g->node[i]->input[k]), value) == 0)
                return true;
    return false;
}

/* What the file states of a value's shape; NULL: nothing. */
static const Onnx__TensorShapeProto *shape_told(const struct onnx_rewriting *w, const char *value)
{
    const Onnx__GraphProto *g = w->model->graph;

    for (size_t i = 0; i < g->n_input + g->n_value_info; i++) {
        const Onnx__ValueInfoProto *v =
            i < g->n_input ? g->input[i] : g->value_info[i - g->n_input];
        if (strcmp(onnx_text(v->name), value) == 0 && v->type &&
            v->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
            return v->type->tensor_type->shape;
    }
    return NULL;
}

static bool is_one_of(const char *type, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(type, list[i]) == 0)
            return true;
    return false;
}

/* Whether a result has its first input's shape, or one that it is spread to. */
static bool keeps_shape(const Onnx__NodeProto *node)
{
    static const char *const keep[] = {
        "Add", "Cast", "Clip", "DequantizeLinear", "Div", "Dropout", "Gelu", "Identity",
        "LayerNormalization", "Mul", "QuantizeLinear", "RMSNormalization", "Relu",
        "RotaryEmbedding", "SimplifiedLayerNormalization", "Softmax", "Sub", "Where",
    };

    return is_one_of(onnx_text(node->op_type), keep, sizeof keep / sizeof *keep);
}

/* The length of the list of integers `name` of a node; 0: it has none. */
static uint32_t list_length(const Onnx__NodeProto *node, const char *name)
{
    for (size_t i = 0; i < node->n_attribute; i++)
        if (strcmp(onnx_text(node->attribute[i]->name), name) == 0)
            return (uint32_t)node->attribute[i]->n_ints;
    return 0;
}

/* `left`: steps back that may still be taken, for all ways together. */
static uint32_t rank_of(struct onnx_rewriting *w, const char *value, int *left)
{
    const Onnx__TensorShapeProto *told = shape_told(w, value);
    const Onnx__NodeProto *node = onnx_rewrite_maker(w, value);
    const Onnx__NodeProto key = {.n_input = 1, .input = (char *[]){(char *)value}};
    struct onnx_tensor t;
    uint32_t most = 0;

    if (onnx_rewrite_constant(w, &key, 0, &t))
        return t.n_dim;
    if (told || !node || node->n_input == 0 || (*left)-- <= 0)
        return told ? (uint32_t)told->n_dim : 0;
    const char *type = onnx_text(node->op_type);
    if (strcmp(type, "Transpose") == 0 && list_length(node, "perm") > 0)
        return list_length(node, "perm");
    if (strcmp(type, "Reshape") == 0)
        return onnx_rewrite_constant(w, node, 1, &t) ? (uint32_t)t.n : 0;
    if (strcmp(type, "Transpose") != 0 && strcmp(type, "MatMul") != 0 && !keeps_shape(node))
        return 0;
    for (size_t i = 0; i < (strcmp(type, "MatMul") == 0 ? node->n_input : 1); i++) {
        uint32_t rank = rank_of(w, onnx_text(node->input[i]), left);
        most = rank > most ? rank : most;
    }
    return most;
}

uint32_t onnx_rewrite_rank(struct onnx_rewriting *w, const char *value)
{
    return rank_of(w, value, &(int){MOST_BACK});
}

static uint32_t last_of(struct onnx_rewriting *w, const char *value, int *left)
{
    const Onnx__TensorShapeProto *told = shape_told(w, value);
    const Onnx__NodeProto *node = onnx_rewrite_maker(w, value);
    const Onnx__NodeProto key = {.n_input = 1, .input = (char *[]){(char *)value}};
    const Onnx__TensorShapeProto__Dimension *d =
        told && told->n_dim > 0 ? told->dim[told->n_dim - 1] : NULL;
    struct onnx_tensor t;
    uint32_t most = 0;

    if (onnx_rewrite_constant(w, &key, 0, &t))
        return t.n_dim > 0 ? t.dim[t.n_dim - 1] : 1;
    if (d && d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE &&
        d->dim_value > 0 && d->dim_value <= INT32_MAX)
        return (uint32_t)d->dim_value;
    if (!node || node->n_input == 0 || (*left)-- <= 0)
        return 0;
    if (strcmp(onnx_text(node->op_type), "MatMul") == 0)
        return node->n_input > 1 ? last_of(w, onnx_text(node->input[1]), left) : 0;
    for (size_t i = 0; i < node->n_input && keeps_shape(node); i++) {
        uint32_t length = last_of(w, onnx_text(node->input[i]), left);
        most = length > most ? length : most;
    }
    return most;
}

uint32_t onnx_rewrite_last(struct onnx_rewriting *w, const char *value)
{
    return last_of(w, value, &(int){MOST_BACK});
}

bool onnx_rewrite_map(const struct onnx_rewriting *w, const char *value, uint32_t dim[4])
{
    const Onnx__TensorShapeProto *told = shape_told(w, value);
    const Onnx__NodeProto *node;

    for (int k = 0; k < MOST_BACK && !told && (node = onnx_rewrite_maker(w, value)) &&
                    node->n_input > 0 && keeps_shape(node); k++) {
        value = node->input[0];
        told = shape_told(w, value);
    }
    if (!told || told->n_dim != 4)
        return false;
    for (size_t i = 0; i < 4; i++) {
        const Onnx__TensorShapeProto__Dimension *d = told->dim[i];
        const bool known =
            d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        if (known ? d->dim_value < 1 || d->dim_value > INT32_MAX : i > 0)
            return false;
        dim[i] = known ? (uint32_t)d->dim_value : 1;
    }
    return true;
}

/* By what the file says of its shape. */
static uint32_t channels_told(Onnx__ValueInfoProto *const *list, size_t n, const char *value)
{
    for (size_t i = 0; i < n; i++) {
        const Onnx__TypeProto *type = list[i]->type;
        if (strcmp(onnx_text(list[i]->name), value) != 0 || !type ||
            type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE || !type->tensor_type->shape)
            continue;
        const Onnx__TensorShapeProto *s = type->tensor_type->shape;
        if (s->n_dim >= 3 && s->dim[1]->dim_value > 0 && s->dim[1]->dim_value <= UINT16_MAX &&
            s->dim[1]->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE)
            return (uint32_t)s->dim[1]->dim_value;
    }
    return 0;
}

static bool keeps_channels(const Onnx__NodeProto *node)
{
    static const char *const keep[] = {
        "Add", "AveragePool", "BatchNormalization", "Clip", "DequantizeLinear", "Dropout",
        "HardSwish", "Identity", "LeakyRelu", "MaxPool", "Mul", "PRelu", "QuantizeLinear", "Relu",
        "Sigmoid", "Tanh",
    };

    for (size_t i = 0; i < sizeof keep / sizeof *keep; i++)
        if (strcmp(onnx_text(node->op_type), keep[i]) == 0)
            return true;
    return false;
}

/* Outputs of a convolution, whose weights may be dequantised; 0: they are no constant. */
static uint32_t channels_made(struct onnx_rewriting *w, const Onnx__NodeProto *node)
{
    const Onnx__NodeProto *from = node->n_input > 1 ? onnx_rewrite_maker(w, node->input[1]) : NULL;
    struct onnx_tensor t;

    if (from && strcmp(onnx_text(from->op_type), "DequantizeLinear") == 0)
        return onnx_rewrite_constant(w, from, 0, &t) && t.n_dim > 0 ? t.dim[0] : 0;
    return onnx_rewrite_constant(w, node, 1, &t) && t.n_dim > 0 ? t.dim[0] : 0;
}

uint32_t onnx_rewrite_channels(struct onnx_rewriting *w, const char *value)
{
    const Onnx__GraphProto *g = w->model->graph;

    for (int back = 0; back < MOST_BACK; back++) {
        const Onnx__NodeProto *node = onnx_rewrite_maker(w, value);
        uint32_t told = channels_told(g->value_info, g->n_value_info, value);
        if (told == 0)
            told = channels_told(g->input, g->n_input, value);
        if (told > 0 || !node || node->n_input == 0)
            return told;
        if (strcmp(onnx_text(node->op_type), "Conv") == 0)
            return channels_made(w, node);
        if (!keeps_channels(node))
            return 0;
        value = onnx_text(node->input[0]);
    }
    return 0;
}

/* ---- What is put in ---- */

Onnx__TensorProto *onnx_put_tensor(struct onnx_rewriting *w, const char *name, int32_t type,
                                   size_t n_dim, const uint32_t *dim, size_t bytes)
{
    Onnx__GraphProto *g = w->model->graph;
    Onnx__TensorProto *t = malloc(sizeof *t);
    Onnx__TensorProto **longer = realloc(g->initializer, (g->n_initializer + 1) * sizeof *longer);

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

void onnx_put_float(struct onnx_rewriting *w, const char *name, double v)
{
    Onnx__TensorProto *t = onnx_put_tensor(w, name, TYPE(FLOAT), 0, NULL, sizeof(float));
    float f = (float)v;

    if (t)
        memcpy(t->raw_data.data, &f, sizeof f);
}

void onnx_put_integer(struct onnx_rewriting *w, const char *name, int32_t type, int64_t v)
{
    size_t bytes = onnx_type_bits(type) / 8;
    Onnx__TensorProto *t = onnx_put_tensor(w, name, type, 0, NULL, bytes);

    for (size_t i = 0; t && i < bytes; i++)
        t->raw_data.data[i] = (uint8_t)((uint64_t)v >> 8 * i);
}

void onnx_put_integers(struct onnx_rewriting *w, const char *name, uint32_t n, const int64_t *v)
{
    Onnx__TensorProto *t = onnx_put_tensor(w, name, TYPE(INT64), 1, &n, n * sizeof *v);

    if (t && n > 0)
        memcpy(t->raw_data.data, v, n * sizeof *v);
}

void onnx_put_floats(struct onnx_rewriting *w, const char *name, uint32_t n_dim,
                     const uint32_t *dim, const float *v)
{
    size_t n = 1;

    for (uint32_t i = 0; i < n_dim; i++)
        n *= dim[i];
    Onnx__TensorProto *t = onnx_put_tensor(w, name, TYPE(FLOAT), n_dim, dim, n * sizeof *v);
    if (t && n > 0)
        memcpy(t->raw_data.data, v, n * sizeof *v);
}

void onnx_put(struct onnx_rewriting *w, Onnx__NodeProto *node)
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
Onnx__NodeProto *onnx_put_node(struct onnx_rewriting *w, const Onnx__NodeProto *like,
                               const char *type, const char *const in[3], const char *out)
{
    Onnx__NodeProto *n = malloc(sizeof *n);

    if (!n) {
        w->failed = true;
        return NULL;
    }
    onnx__node_proto__init(n);
    n->op_type = strdup(type);
    n->name = strdup(*onnx_text(like->name) ? like->name : like->output[0]);
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
    onnx_put(w, n);
    return w->failed ? NULL : n;
}

/* An attribute without a value; NULL without memory. */
static Onnx__AttributeProto *new_attribute(struct onnx_rewriting *w, Onnx__NodeProto *node,
                                           const char *name,
                                           Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *a = node ? malloc(sizeof *a) : NULL;

    if (!a) {
        w->failed = true;
        return NULL;
    }
    onnx__attribute_proto__init(a);
    a->name = strdup(name);
    a->has_type = 1;
    a->type = type;
    Onnx__AttributeProto **longer =
        realloc(node->attribute, (node->n_attribute + 1) * sizeof *longer);
    w->failed |= !a->name || !longer;
    if (!longer) {
        onnx__attribute_proto__free_unpacked(a, NULL);
        return NULL;
    }
    node->attribute = longer;
    longer[node->n_attribute++] = a;
    return a;
}

void onnx_put_attribute(struct onnx_rewriting *w, Onnx__NodeProto *node, const char *name, size_t n,
                        const int64_t *v, Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *a = new_attribute(w, node, name, type);

    if (!a)
        return;
    if (type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT) {
        a->has_i = 1;
        a->i = v[0];
        return;
    }
    a->ints = malloc((n + 1) * sizeof *v);
    w->failed |= !a->ints;
    a->n_ints = a->ints ? n : 0;
    for (size_t i = 0; i < a->n_ints; i++)
        a->ints[i] = v[i];
}

void onnx_put_real_attribute(struct onnx_rewriting *w, Onnx__NodeProto *node, const char *name,
                             double v)
{
    Onnx__AttributeProto *a =
        new_attribute(w, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);

    if (a) {
        a->has_f = 1;
        a->f = (float)v;
    }
}

void onnx_put_text_attribute(struct onnx_rewriting *w, Onnx__NodeProto *node, const char *name,
                             const char *v)
{
    Onnx__AttributeProto *a =
        new_attribute(w, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    char *copy = a ? strdup(v) : NULL;

    w->failed |= !copy;
    if (copy) {
        a->has_s = 1;
        a->s = (ProtobufCBinaryData){strlen(v), (uint8_t *)copy};
    }
}

/* One more name of a node's list. */
static void append_name(struct onnx_rewriting *w, char ***list, size_t *n, const char *name)
{
    char **longer = realloc(*list, (*n + 1) * sizeof *longer), *copy = strdup(name);

    w->failed |= !longer || !copy;
    if (longer)
        *list = longer;
    if (longer && copy)
        longer[(*n)++] = copy;
    else
        free(copy);
}

void onnx_put_input(struct onnx_rewriting *w, Onnx__NodeProto *node, const char *name)
{
    if (node)
        append_name(w, &node->input, &node->n_input, name);
}

void onnx_put_output(struct onnx_rewriting *w, Onnx__NodeProto *node, const char *name)
{
    if (node)
        append_name(w, &node->output, &node->n_output, name);
}

/* "value.what" */
const char *onnx_put_name(char name[ONNX_NAME], const Onnx__NodeProto *node, const char *what)
{
    snprintf(name, ONNX_NAME, "%.200s.%s", node->output[0], what);
    return name;
}

/* ---- The graph ---- */

static const struct onnx_rewriter *find(const struct onnx_rewriting *w, const Onnx__NodeProto *node)
{
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        for (const struct onnx_rewriter *r = families[f]; r->takes; r++)
            if (r->takes(w, node))
                return r;
    return NULL;
}

static enum err rewrite_node(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    Onnx__NodeProto *node = *own;
    const struct onnx_rewriter *r = find(w, node);

    if (!r) {
        *own = NULL;
        onnx_put(w, node);
        return ERR_NONE;
    }
    if (node->n_input < 1 || node->n_output < 1 || (node->n_output > 1 && !r->several) ||
        !*onnx_text(node->output[0]))
        return onnx_refuse(w, node, "%zu inputs and %zu outputs: want one output", node->n_input,
                           node->n_output);
    if (w->n_node > MOST_NODES || w->made > (uint64_t)INT32_MAX)
        return onnx_refuse(w, node, "too many nodes or constants: want a smaller model");
    return r->rewrite(w, own);
}

/* QuantizeLinear came with set 10. */
static void raise_opset(const struct onnx_rewriting *w)
{
    for (size_t i = 0; i < w->model->n_opset_import; i++) {
        Onnx__OperatorSetIdProto *set = w->model->opset_import[i];
        if (onnx_is_own_domain(set->domain) && set->version < LEAST_OPSET)
            set->version = LEAST_OPSET;
    }
}

enum err onnx_rewrite(Onnx__ModelProto *model, struct err_msg *m)
{
    Onnx__GraphProto *g = model->graph;
    struct onnx_rewriting w = { .model = model, .is_float = true, .msg = m,
                                .n_stored = g->n_initializer };
    bool some = false, quantised = onnx_model_is_quantised(model); // else weights alone may be

    for (size_t i = 0; i < g->n_node; i++)
        w.is_float &= (!quantised || !strstr(onnx_text(g->node[i]->op_type), "Linear")) &&
                      !strstr(onnx_text(g->node[i]->op_type), "Quant");
    for (size_t i = 0; i < g->n_node; i++)
        some |= find(&w, g->node[i]) != NULL;
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
