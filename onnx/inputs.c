/* onnx/inputs.c -- see inputs.h. Messages are allocated as protobuf-c itself would. */
#include "onnx/inputs.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/tensor.h"

#define DIM(name)  ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_##name
#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

enum { MOST_VALUES = 1 << 24 }; // of a constant that an input becomes

static const char *text(const char *s)
{
    return s ? s : "";
}

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for a model");
}

static Onnx__TypeProto__Tensor *tensor_of(const Onnx__ValueInfoProto *input)
{
    const Onnx__TypeProto *t = input->type;

    return t && t->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ? t->tensor_type : NULL;
}

/* ---- Open axes ---- */

static bool has_name(const Onnx__TensorShapeProto__Dimension *d)
{
    return d->value_case == DIM(PARAM) && *text(d->dim_param);
}

static void set_length(Onnx__TensorShapeProto__Dimension *d, uint32_t length)
{
    free(d->dim_param);
    d->value_case = DIM(VALUE);
    d->dim_value = length;
}

/* The name of an axis that is still open, for a message, a batch last; "" where none has one. */
static const char *open_axis(const Onnx__GraphProto *g)
{
    const char *batch = "";

    for (size_t i = 0; i < g->n_input; i++) {
        const Onnx__TypeProto__Tensor *t = tensor_of(g->input[i]);
        for (size_t k = 0; t && t->shape && k < t->shape->n_dim; k++)
            if (has_name(t->shape->dim[k]) && k > 0)
                return t->shape->dim[k]->dim_param;
            else if (has_name(t->shape->dim[k]))
                batch = t->shape->dim[k]->dim_param;
    }
    return batch;
}

static bool set_axis(const Onnx__GraphProto *g, const struct count_entry *axis)
{
    bool found = false;

    for (size_t i = 0; i < g->n_input; i++) {
        Onnx__TypeProto__Tensor *t = tensor_of(g->input[i]);
        for (size_t k = 0; t && t->shape && k < t->shape->n_dim; k++) {
            Onnx__TensorShapeProto__Dimension *d = t->shape->dim[k];
            if (!has_name(d) || strcmp(d->dim_param, axis->key) != 0)
                continue;
            set_length(d, axis->value);
            found = true;
        }
    }
    return found;
}

enum err onnx_settle_axes(Onnx__ModelProto *model, const struct count_map *axes, struct err_msg *m)
{
    for (uint32_t i = 0; model->graph && i < axes->n_entry; i++) {
        if (set_axis(model->graph, &axes->entry[i]))
            continue;
        const char *other = open_axis(model->graph);
        return err_set(m, ERR_INPUT, "network.axes.%.60s: no input of the model has an open axis "
                       "of this name: want %s%.60s", axes->entry[i].key,
                       *other ? "one that it has, such as " : "none, for every axis is as long as "
                                                              "the file says", other);
    }
    return ERR_NONE;
}

/* ---- Inputs beside the network's ---- */

enum meaning { THE_NETWORKS, ALL_ONES, POSITIONS, ALL_ZEROS, PAST };

static enum meaning meaning_of(const char *name)
{
    static const struct {
        const char  *part;
        enum meaning meaning;
    } parts[] = {
        {"past", PAST},           {"mask", ALL_ONES},      {"position", POSITIONS},
        {"token_type", ALL_ZEROS}, {"segment", ALL_ZEROS},
    };

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(name, parts[i].part))
            return parts[i].meaning;
    return THE_NETWORKS;
}

static bool is_stored(const Onnx__GraphProto *g, const char *name)
{
    for (size_t i = 0; i < g->n_initializer; i++)
        if (strcmp(text(g->initializer[i]->name), name) == 0)
            return true;
    return false;
}

/* Whether an input before has its name, which is refused where values get their names. */
static bool is_repeated(const Onnx__GraphProto *g, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(text(g->input[k]->name), text(g->input[i]->name)) == 0)
            return true;
    return false;
}

/* Dimensions and how many values they hold. */
static enum err lengths(const Onnx__ValueInfoProto *input, const Onnx__TypeProto__Tensor *t,
                        int64_t dim[ONNX_MOST_DIMS], size_t *n, struct err_msg *m)
{
    *n = 1;
    for (size_t k = 0; k < t->shape->n_dim; k++) {
        const Onnx__TensorShapeProto__Dimension *d = t->shape->dim[k];
        bool known = d->value_case == DIM(VALUE) && d->dim_value > 0;
        dim[k] = known ? d->dim_value : 1;
        if (!known && k > 0)
            return err_set(m, ERR_INPUT, "graph input \"%.100s\": axis %zu%s%.60s is open: want "
                           "its length, by network.axes: {%.60s: 128} or import --axes %.60s=128%s",
                           input->name, k, has_name(d) ? ", " : "",
                           has_name(d) ? d->dim_param : "", has_name(d) ? d->dim_param : "NAME",
                           has_name(d) ? d->dim_param : "NAME",
                           has_name(d) ? "" : ", in a file that names that axis");
        if (dim[k] > MOST_VALUES || *n > (size_t)MOST_VALUES / (size_t)dim[k])
            return err_set(m, ERR_INPUT, "graph input \"%.100s\": more than %d values: want a "
                           "shorter sequence", input->name, MOST_VALUES);
        *n *= (size_t)dim[k];
    }
    return ERR_NONE;
}

static double value_at(enum meaning meaning, size_t i, int64_t last)
{
    return meaning == ALL_ONES ? 1 : meaning == POSITIONS ? (double)(i % (size_t)last) : 0;
}

/* Little-endian values of a type that inputs of ids and masks have. */
static void fill(uint8_t *to, int32_t type, size_t n, enum meaning meaning, int64_t last)
{
    const size_t bytes = onnx_type_bits(type) / 8;

    for (size_t i = 0; i < n; i++) {
        float real = (float)value_at(meaning, i, last);
        uint64_t v = (uint64_t)value_at(meaning, i, last);
        if (type == TYPE(FLOAT)) {
            uint32_t bits;
            memcpy(&bits, &real, sizeof bits);
            v = bits;
        }
        for (size_t k = 0; k < bytes; k++)
            to[i * bytes + k] = (uint8_t)(v >> 8 * k);
    }
}

static enum err put_constant(Onnx__GraphProto *g, const Onnx__ValueInfoProto *input,
                             enum meaning meaning, struct err_msg *m)
{
    const Onnx__TypeProto__Tensor *t = tensor_of(input);
    int64_t dim[ONNX_MOST_DIMS];
    size_t n;

    if (!t || !t->shape || t->shape->n_dim < 1 || t->shape->n_dim > ONNX_MOST_DIMS ||
        (t->elem_type != TYPE(INT64) && t->elem_type != TYPE(INT32) &&
         t->elem_type != TYPE(FLOAT) && t->elem_type != TYPE(BOOL)))
        return err_set(m, ERR_INPUT, "graph input \"%.100s\": want a tensor of int64, int32, bool "
                       "or float that has a shape", input->name);
    enum err e = lengths(input, t, dim, &n, m);
    if (e)
        return e;
    Onnx__TensorProto *c = malloc(sizeof *c);
    Onnx__TensorProto **longer = realloc(g->initializer, (g->n_initializer + 1) * sizeof *longer);
    if (longer)
        g->initializer = longer;
    if (!c || !longer) {
        free(c);
        return no_memory(m);
    }
    onnx__tensor_proto__init(c);
    longer[g->n_initializer++] = c;
    c->has_data_type = c->has_raw_data = 1;
    c->data_type = t->elem_type;
    c->name = strdup(input->name);
    c->dims = malloc(sizeof dim);
    c->raw_data.data = malloc(n * (onnx_type_bits(t->elem_type) / 8) + 1);
    if (!c->name || !c->dims || !c->raw_data.data)
        return no_memory(m);
    c->n_dims = t->shape->n_dim;
    memcpy(c->dims, dim, c->n_dims * sizeof *dim);
    c->raw_data.len = n * (onnx_type_bits(t->elem_type) / 8);
    fill(c->raw_data.data, t->elem_type, n, meaning, dim[c->n_dims - 1]);
    return ERR_NONE;
}

/* The second input, and what may be done about it. */
static enum err refuse(const Onnx__ValueInfoProto *input, enum meaning meaning, struct err_msg *m)
{
    if (meaning == PAST)
        return err_set(m, ERR_INPUT, "graph input \"%.100s\" holds keys and values of tokens "
                       "before: want a model exported without a cache; network.family = "
                       "transformer with decode.tokens decodes one by one", text(input->name));
    return err_set(m, ERR_INPUT, "graph input \"%.100s\" is one more: want one, an image, tokens "
                   "or ids, and beside it masks, positions and token types only, by these names",
                   text(input->name));
}

enum err onnx_settle_inputs(Onnx__ModelProto *model, struct err_msg *m)
{
    Onnx__GraphProto *g = model->graph;
    size_t n_input = 0, n_own = 0, kept = 0;
    const size_t n_stored = g->n_initializer;
    enum err e = ERR_NONE;

    for (size_t i = 0; i < g->n_input; i++)
        n_input += !is_stored(g, text(g->input[i]->name));
    if (n_input < 2)
        return ERR_NONE;
    for (size_t i = 0; i < g->n_input && !e; i++) {
        const Onnx__ValueInfoProto *input = g->input[i];
        enum meaning meaning = meaning_of(text(input->name));
        if (is_stored(g, text(input->name)) || is_repeated(g, i))
            continue;
        n_own += meaning == THE_NETWORKS;
        if (meaning == PAST || n_own > 1)
            e = refuse(input, meaning, m);
        else if (meaning != THE_NETWORKS)
            e = put_constant(g, input, meaning, m);
    }
    if (!e && n_own == 0)
        e = err_set(m, ERR_INPUT, "no graph input but masks, positions and token types: want an "
                    "image, tokens or ids too");
    for (size_t i = 0; i < g->n_input && !e && g->n_initializer > n_stored; i++)
        if (is_stored(g, text(g->input[i]->name)))
            onnx__value_info_proto__free_unpacked(g->input[i], NULL);
        else
            g->input[kept++] = g->input[i];
    if (!e && g->n_initializer > n_stored)
        g->n_input = kept;
    return e;
}
