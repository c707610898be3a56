/* onnx/rewrite/prepare.c -- see prepare.h. Messages are allocated as protobuf-c itself would. */
#include "onnx/rewrite/prepare.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/rng.h"
#include "onnx/inputs.h"
#include "onnx/kind.h"
#include "onnx/rewrite/order.h"
#include "onnx/rewrite/rewrite.h"

enum { MOST_NODES = 1 << 16, MOST_DEPTH = 16, MOST_SIDE = 65536 };
#define MOST_COPIED (UINT64_C(64) << 20) // bytes of nodes

static const char *text(const char *s)
{
    return s ? s : "";
}

/* ---- Functions of the model's own ---- */

struct inlining {
    const Onnx__ModelProto *model;
    Onnx__NodeProto       **node; // owned list, and what it points to
    size_t                  n_node;
    uint64_t                copied; // bytes so far
    uint32_t                n_call;
    bool                    found;
    struct err_msg         *msg;
};

static const Onnx__FunctionProto *function_of(const Onnx__ModelProto *m, const Onnx__NodeProto *n)
{
    for (size_t i = 0; i < m->n_functions; i++)
        if (strcmp(text(m->functions[i]->name), text(n->op_type)) == 0 &&
            strcmp(text(m->functions[i]->domain), text(n->domain)) == 0)
            return m->functions[i];
    return NULL;
}

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for a model");
}

/* A deep copy through the wire format. */
static enum err copy_message(struct inlining *l, const ProtobufCMessage *from,
                             ProtobufCMessage **to)
{
    size_t size = protobuf_c_message_get_packed_size(from);
    uint8_t *bytes = NULL;

    l->copied += size;
    if (l->copied > MOST_COPIED)
        return err_set(l->msg, ERR_INPUT, "functions of the model grow beyond 64 MiB: want them "
                       "inlined by the exporter");
    bytes = malloc(size + 1);
    if (bytes) {
        protobuf_c_message_pack(from, bytes);
        *to = protobuf_c_message_unpack(from->descriptor, NULL, size, bytes);
    }
    free(bytes);
    return bytes && *to ? ERR_NONE : no_memory(l->msg);
}

static enum err append(struct inlining *l, Onnx__NodeProto *node)
{
    Onnx__NodeProto **longer = realloc(l->node, (l->n_node + 1) * sizeof *longer);

    if (!longer || l->n_node >= MOST_NODES) {
        if (longer)
            l->node = longer;
        onnx__node_proto__free_unpacked(node, NULL);
        return longer ? err_set(l->msg, ERR_INPUT, "functions of the model make more than %d "
                                "nodes: want a smaller one", MOST_NODES)
                      : no_memory(l->msg);
    }
    l->node = longer;
    longer[l->n_node++] = node;
    return ERR_NONE;
}

/* What a name of the function's body is called in the graph. */
static enum err rename_value(struct inlining *l, const Onnx__FunctionProto *f,
                             const Onnx__NodeProto *call, char **name)
{
    const char *outer = NULL;
    char inner[160];

    if (!*text(*name))
        return ERR_NONE;
    for (size_t i = 0; i < f->n_input && !outer; i++)
        if (strcmp(f->input[i], *name) == 0)
            outer = i < call->n_input ? text(call->input[i]) : "";
    for (size_t i = 0; i < f->n_output && !outer; i++)
        if (strcmp(f->output[i], *name) == 0 && i < call->n_output && *text(call->output[i]))
            outer = call->output[i];
    if (!outer)
        snprintf(inner, sizeof inner, "%.60s.%" PRIu32 ".%.60s", text(f->name), l->n_call, *name);
    char *copy = strdup(outer ? outer : inner);
    if (!copy)
        return no_memory(l->msg);
    free(*name);
    *name = copy;
    return ERR_NONE;
}

/* An attribute that names one of the call's becomes that one, or goes where the call has none. */
static enum err settle_attribute(struct inlining *l, const Onnx__NodeProto *call,
                                 Onnx__AttributeProto **a, bool *gone)
{
    ProtobufCMessage *copy = NULL;

    *gone = false;
    if (!*text((*a)->ref_attr_name))
        return ERR_NONE;
    *gone = true;
    for (size_t i = 0; i < call->n_attribute; i++) {
        if (strcmp(text(call->attribute[i]->name), (*a)->ref_attr_name) != 0)
            continue;
        enum err e = copy_message(l, &call->attribute[i]->base, &copy);
        if (e)
            return e;
        Onnx__AttributeProto *given = (Onnx__AttributeProto *)copy;
        char *name = given->name;
        given->name = (*a)->name;
        (*a)->name = name;
        onnx__attribute_proto__free_unpacked(*a, NULL);
        *a = given;
        *gone = false;
        return ERR_NONE;
    }
    return ERR_NONE;
}

static enum err settle_attributes(struct inlining *l, const Onnx__NodeProto *call,
                                  Onnx__NodeProto *node)
{
    size_t kept = 0;
    enum err e = ERR_NONE;

    for (size_t i = 0; i < node->n_attribute; i++) {
        bool gone = false;
        if (!e)
            e = settle_attribute(l, call, &node->attribute[i], &gone);
        if (gone)
            onnx__attribute_proto__free_unpacked(node->attribute[i], NULL);
        else
            node->attribute[kept++] = node->attribute[i];
    }
    node->n_attribute = kept;
    return e;
}

static enum err add_body_node(struct inlining *l, const Onnx__FunctionProto *f,
                              const Onnx__NodeProto *call, const Onnx__NodeProto *from)
{
    ProtobufCMessage *copy = NULL;
    enum err e = copy_message(l, &from->base, &copy);

    if (e)
        return e;
    Onnx__NodeProto *node = (Onnx__NodeProto *)copy;
    for (size_t i = 0; i < node->n_input && !e; i++)
        e = rename_value(l, f, call, &node->input[i]);
    for (size_t i = 0; i < node->n_output && !e; i++)
        e = rename_value(l, f, call, &node->output[i]);
    if (!e)
        e = settle_attributes(l, call, node);
    if (e)
        onnx__node_proto__free_unpacked(node, NULL);
    return e ? e : append(l, node);
}

/* One node of the graph, which the list takes over, or the body of the function that it calls. */
static enum err inline_node(struct inlining *l, Onnx__NodeProto **node)
{
    const Onnx__FunctionProto *f = function_of(l->model, *node);
    Onnx__NodeProto *own = *node;
    enum err e = ERR_NONE;

    if (!f) {
        *node = NULL;
        return append(l, own);
    }
    l->found = true;
    l->n_call++;
    for (size_t i = 0; i < f->n_node && !e; i++)
        e = add_body_node(l, f, own, f->node[i]);
    return e;
}

static enum err inline_once(Onnx__ModelProto *model, uint32_t *n_call, uint64_t *copied,
                            bool *found, struct err_msg *m)
{
    Onnx__GraphProto *g = model->graph;
    struct inlining l = {.model = model, .msg = m, .n_call = *n_call, .copied = *copied};
    enum err e = ERR_NONE;

    for (size_t i = 0; i < g->n_node && !e; i++)
        e = inline_node(&l, &g->node[i]);
    for (size_t i = 0; i < g->n_node; i++)
        if (g->node[i])
            onnx__node_proto__free_unpacked(g->node[i], NULL);
    free(g->node);
    g->node = l.node;
    g->n_node = l.n_node;
    *n_call = l.n_call;
    *copied = l.copied;
    *found = l.found;
    return e;
}

static enum err inline_functions(Onnx__ModelProto *model, struct err_msg *m)
{
    bool found = model->n_functions > 0;
    uint32_t n_call = 0;
    uint64_t copied = 0;
    enum err e = ERR_NONE;

    for (uint32_t depth = 0; found && !e; depth++) {
        if (depth == MOST_DEPTH)
            return err_set(m, ERR_INPUT, "functions of the model call one another more than %d "
                           "deep: want no cycle", MOST_DEPTH);
        e = inline_once(model, &n_call, &copied, &found, m);
    }
    return e;
}

/* ---- The input's dimensions ---- */

static Onnx__TypeProto__Tensor *type_of_input(const Onnx__ModelProto *model)
{
    const Onnx__GraphProto *g = model->graph;

    for (size_t i = 0; i < g->n_input; i++) {
        bool constant = false;
        for (size_t k = 0; k < g->n_initializer && !constant; k++)
            constant = strcmp(text(g->initializer[k]->name), text(g->input[i]->name)) == 0;
        const Onnx__TypeProto *t = g->input[i]->type;
        if (!constant && t && t->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
            return t->tensor_type;
    }
    return NULL;
}

static enum err read_shape(const char *given, uint32_t dim[ONNX_MOST_DIMS], uint32_t *n,
                           struct err_msg *m)
{
    const char *p = given;

    for (*n = 0; *n < ONNX_MOST_DIMS; p++) {
        char *end;
        unsigned long v = *p >= '0' && *p <= '9' ? strtoul(p, &end, 10) : 0;
        if (v < 1 || v > MOST_SIDE)
            break;
        dim[(*n)++] = (uint32_t)v;
        p = end;
        if (*p == '\0')
            return ERR_NONE;
        if (*p != 'x')
            break;
    }
    return err_set(m, ERR_INPUT, "network.input_shape = %.100s: want numbers of 1 to %d with x "
                   "between them, such as 1x3x224x224", given, MOST_SIDE);
}

static enum err set_dimension(Onnx__TensorShapeProto *shape, uint32_t i, uint32_t v,
                              struct err_msg *m)
{
    Onnx__TensorShapeProto__Dimension *d = malloc(sizeof *d);

    if (!d)
        return no_memory(m);
    onnx__tensor_shape_proto__dimension__init(d);
    d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    d->dim_value = v;
    protobuf_c_message_free_unpacked(&shape->dim[i]->base, NULL);
    shape->dim[i] = d;
    return ERR_NONE;
}

static enum err set_shape(Onnx__ModelProto *model, const char *given, struct err_msg *m)
{
    Onnx__TypeProto__Tensor *t = type_of_input(model);
    uint32_t dim[ONNX_MOST_DIMS], n;
    enum err e = read_shape(given, dim, &n, m);

    if (e)
        return e;
    if (!t || !t->shape || t->shape->n_dim != n)
        return err_set(m, ERR_INPUT, "network.input_shape = %.100s: %" PRIu32 " dimensions, the "
                       "graph's input has %zu: want as many", given, n,
                       t && t->shape ? t->shape->n_dim : 0);
    for (uint32_t i = 0; i < n && !e; i++) {
        const Onnx__TensorShapeProto__Dimension *d = t->shape->dim[i];
        if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE &&
            d->dim_value > 0 && d->dim_value != dim[i])
            return err_set(m, ERR_INPUT, "network.input_shape = %.100s: dimension %" PRIu32
                           " is %" PRId64 " in the file: want the same, or one that it leaves open",
                           given, i, d->dim_value);
        e = set_dimension(t->shape, i, dim[i], m);
    }
    return e;
}

/* Networks of whole numbers are stored as floats: what bytes their image has stands nowhere. */
static enum err set_type(Onnx__ModelProto *model, enum onnx_input_type type, struct err_msg *m)
{
    Onnx__TypeProto__Tensor *t = type_of_input(model);
    const char *name = type == ONNX_INPUT_INT8 ? "int8" : "uint8";
    int32_t want = type == ONNX_INPUT_INT8 ? ONNX__TENSOR_PROTO__DATA_TYPE__INT8
                                           : ONNX__TENSOR_PROTO__DATA_TYPE__UINT8;

    if (!t || t->elem_type == want)
        return ERR_NONE;
    if (!onnx_type_is_real(t->elem_type))
        return err_set(m, ERR_INPUT, "network.input_type = %s: the graph's input is %s: want auto",
                       name, onnx_type_name(t->elem_type));
    if (!onnx_is_of_integers(model))
        return err_set(m, ERR_INPUT, "network.input_type = %s: this is no network of whole "
                       "numbers, which a QuantizeLinear makes of its input: want auto", name);
    t->elem_type = want;
    return ERR_NONE;
}

/* ---- Tensors that lie in other files ---- */

struct place {
    const char *location;
    uint64_t    offset, length;
    bool        has_length;
};

static enum err refuse(struct err_msg *m, const Onnx__TensorProto *t, const char *what)
{
    return err_set(m, ERR_INPUT, "tensor \"%.100s\": %s", text(t->name), what);
}

static bool read_number(const char *s, uint64_t *v)
{
    char *end;

    errno = 0;
    *v = strtoull(s, &end, 10);
    return *s >= '0' && *s <= '9' && *end == '\0' && !errno;
}

static enum err read_place(const Onnx__TensorProto *t, struct place *p, struct err_msg *m)
{
    *p = (struct place){0};
    for (size_t i = 0; i < t->n_external_data; i++) {
        const char *key = text(t->external_data[i]->key), *value = text(t->external_data[i]->value);
        if (strcmp(key, "location") == 0)
            p->location = value;
        else if (strcmp(key, "offset") == 0 && !read_number(value, &p->offset))
            return refuse(m, t, "its offset in another file is no number: want one");
        else if (strcmp(key, "length") == 0 && !(p->has_length = read_number(value, &p->length)))
            return refuse(m, t, "its length in another file is no number: want one");
    }
    if (!p->location || !*p->location || *p->location == '/' || strstr(p->location, ".."))
        return refuse(m, t, "its data are in a file that is not named, or not beside the model: "
                            "want a name without / in front and without ..");
    return ERR_NONE;
}

/* Bytes that the tensor's dimensions and type ask for. */
static enum err bytes_of(const Onnx__TensorProto *t, uint64_t *bytes, uint64_t *values,
                         struct err_msg *m)
{
    uint64_t n = 1;

    for (size_t i = 0; i < t->n_dims; i++) {
        if (t->dims[i] < 0 || t->dims[i] > INT32_MAX ||
            (t->dims[i] && n > (uint64_t)INT32_MAX / (uint64_t)t->dims[i]))
            return refuse(m, t, "dimensions that multiply to 2^31 or more: want fewer values");
        n *= (uint64_t)t->dims[i];
    }
    size_t bits = onnx_type_bits(t->data_type);
    if (bits == 0)
        return err_set(m, ERR_INPUT, "tensor \"%.100s\": type %" PRId32 " (%s) in another file: "
                       "want floats or integers", text(t->name), t->data_type,
                       onnx_type_name(t->data_type));
    *values = n;
    *bytes = bits == 4 ? n / 2 + n % 2 : n * (bits / 8);
    return ERR_NONE;
}

static void set_raw(Onnx__TensorProto *t, uint8_t *data, uint64_t bytes)
{
    for (size_t i = 0; i < t->n_external_data; i++)
        onnx__string_string_entry_proto__free_unpacked(t->external_data[i], NULL);
    free(t->external_data);
    t->external_data = NULL;
    t->n_external_data = 0;
    t->has_data_location = 0;
    t->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__DEFAULT;
    if (t->has_raw_data)
        free(t->raw_data.data);
    t->has_raw_data = 1;
    t->raw_data = (ProtobufCBinaryData){bytes, data};
}

static enum err read_bytes(const Onnx__TensorProto *t, FILE *f, const char *path,
                           const struct place *p, uint64_t bytes, uint8_t **data,
                           struct err_msg *m)
{
    struct stat s;

    if (fstat(fileno(f), &s) || !S_ISREG(s.st_mode) || p->offset > (uint64_t)s.st_size ||
        bytes > (uint64_t)s.st_size - p->offset || (p->has_length && p->length != bytes))
        return err_set(m, ERR_INPUT, "tensor \"%.100s\": %" PRIu64 " bytes from byte %" PRIu64
                       " of %.300s: want a file that holds them, and a length that fits the "
                       "dimensions", text(t->name), bytes, p->offset, path);
    *data = malloc(bytes + 1);
    if (!*data)
        return no_memory(m);
    if (fseeko(f, (off_t)p->offset, SEEK_SET) || fread(*data, 1, bytes, f) != bytes) {
        free(*data);
        return err_set(m, ERR_INPUT, "%.300s: cannot read: %s", path, strerror(errno));
    }
    return ERR_NONE;
}

/* ---- Tensors that are nowhere ---- */

static void put_float(int32_t type, double v, uint8_t *to)
{
    float f = (float)v;
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);

    if (type == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE) {
        memcpy(to, &v, sizeof v);
    } else if (type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT) {
        memcpy(to, &f, sizeof f);
    } else if (type == ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16) {
        to[0] = (uint8_t)(bits >> 16);
        to[1] = (uint8_t)(bits >> 24);
    } else { // float16: sign, exponent less 112, the upper 10 bits of the fraction
        int exponent = (int)(bits >> 23 & 255) - 112;
        uint32_t half = exponent < 1 ? 0 : (uint32_t)exponent << 10 | (bits >> 13 & 1023);
        half |= bits >> 16 & 0x8000;
        to[0] = (uint8_t)half;
        to[1] = (uint8_t)(half >> 8);
    }
}

/* Weights uniform as He et al. 2015 draw them, so that values neither grow nor fade; what has one
 * dimension (scales, variances, biases) lies between 0.5 and 1.5, which is good for each. */
static void fill_floats(const Onnx__TensorProto *t, uint64_t n, const struct rng *r,
                        uint8_t *data)
{
    size_t size = onnx_type_bits(t->data_type) / 8;
    double inputs = t->n_dims >= 2 && t->dims[0] > 0 ? (double)n / (double)t->dims[0] : 0;
    double most = sqrt(6 / fmax(inputs, 1));

    for (uint64_t i = 0; i < n; i++) {
        double u = r ? rng_double(*r, i) : 0.5;
        put_float(t->data_type, inputs > 0 && r ? (2 * u - 1) * most : 0.5 + u, data + i * size);
    }
}

static enum err fill(Onnx__TensorProto *t, uint64_t seed, struct err_msg *m)
{
    uint64_t bytes, n;
    const struct rng r = rng_in(rng_at(seed, "weights"), rng_hash(text(t->name)));
    enum err e = bytes_of(t, &bytes, &n, m);

    if (e)
        return e;
    if (t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64)
        return refuse(m, t, "its integers shape the network and are nowhere: want the file that "
                            "holds them");
    uint8_t *data = calloc(bytes + 1, 1);
    if (!data)
        return no_memory(m);
    if (onnx_type_is_real(t->data_type))
        fill_floats(t, n, seed ? &r : NULL, data);
    else if (onnx_type_bits(t->data_type) <= 16)
        for (uint64_t i = 0; i < bytes && seed; i++)
            data[i] = (uint8_t)rng_u64(r, i);
    set_raw(t, data, bytes);
    return ERR_NONE;
}

static enum err fetch(Onnx__TensorProto *t, const struct onnx_surroundings *s, bool *complete,
                      struct err_msg *m)
{
    char path[2048];
    struct place p;
    uint64_t bytes, n;
    uint8_t *data = NULL;
    enum err e = read_place(t, &p, m);

    if (!e)
        e = bytes_of(t, &bytes, &n, m);
    if (e)
        return e;
    snprintf(path, sizeof path, "%.1000s/%.1000s", s->folder ? s->folder : ".", p.location);
    FILE *f = s->folder ? fopen(path, "rb") : NULL;
    if (!f && s->folder && errno != ENOENT)
        return err_set(m, ERR_INPUT, "%.300s: cannot open: %s", path, strerror(errno));
    if (!f) {
        *complete &= s->seed != 0;
        return fill(t, s->seed, m);
    }
    e = read_bytes(t, f, path, &p, bytes, &data, m);
    fclose(f);
    if (!e)
        set_raw(t, data, bytes);
    return e;
}

static bool is_elsewhere(const Onnx__TensorProto *t)
{
    return t->n_external_data ||
           t->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
}

/* Whether a tensor has dimensions and no data: a file of shapes only. */
static bool is_nowhere(const Onnx__TensorProto *t)
{
    bool some = t->n_dims > 0;

    for (size_t i = 0; i < t->n_dims; i++)
        some &= t->dims[i] > 0;
    return some && !t->has_raw_data && !t->n_float_data && !t->n_int32_data && !t->n_int64_data &&
           !t->n_double_data && !t->n_uint64_data && !t->n_string_data;
}

static enum err supply(Onnx__TensorProto *t, const struct onnx_surroundings *s, bool *complete,
                       struct err_msg *m)
{
    if (is_elsewhere(t))
        return fetch(t, s, complete, m);
    if (!is_nowhere(t))
        return ERR_NONE;
    *complete &= s->seed != 0;
    return fill(t, s->seed, m);
}

enum err onnx_prepare(Onnx__ModelProto *model, const struct onnx_surroundings *s, bool *complete,
                      struct onnx_ids *ids, struct err_msg *m)
{
    enum err e = ERR_NONE;

    *complete = true;
    *ids = (struct onnx_ids){0};
    if (!model->graph)
        return ERR_NONE; // refused where the graph is read
    for (size_t i = 0; i < model->graph->n_initializer && !e; i++)
        e = supply(model->graph->initializer[i], s, complete, m);
    if (!e && s->axes)
        e = onnx_settle_axes(model, s->axes, m);
    if (!e)
        e = onnx_settle_inputs(model, m);
    if (!e && s->input_shape && *s->input_shape)
        e = set_shape(model, s->input_shape, m);
    if (!e)
        e = inline_functions(model, m);
    if (!e)
        e = onnx_order_nodes(model->graph, m);
    if (!e)
        e = onnx_rewrite(model, m);
    if (!e)
        e = onnx_take_ids(model, ids, m);
    return !e && s->input_type != ONNX_INPUT_AUTO ? set_type(model, s->input_type, m) : e;
}
