/* onnx/ids.c -- see ids.h. Messages are allocated as protobuf-c itself would. */
#include "onnx/ids.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "network/precision.h"
#include "onnx/graph.h"
#include "onnx/tensor.h"

#define DIM(name)  ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_##name
#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

enum { MOST_ROWS = 1 << 24, MOST_VALUES = 1 << 28 };

struct taking {
    Onnx__GraphProto        *g;
    struct onnx_ids         *ids;
    struct err_msg          *msg;
    Onnx__ValueInfoProto    *input;
    const char             **alias; // owned; [n_alias]: values that are the ids, moved or cast
    size_t                   n_alias;
    Onnx__NodeProto         *gather;
    const Onnx__NodeProto   *made; // DequantizeLinear of the table, if Gather alone reads it
    bool                     shape_read; // something asks for their shape
    const Onnx__TensorProto *table, *scale, *zero; // scale, zero: NULL but behind DequantizeLinear
    bool                     as_codes; // the new input is the table's integers
};

static const char *text(const char *s)
{
    return s ? s : "";
}

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for a table of ids");
}

static bool is(const Onnx__NodeProto *node, const char *const *list)
{
    for (; *list; list++)
        if (onnx_is_own_domain(node->domain) && strcmp(text(node->op_type), *list) == 0)
            return true;
    return false;
}

static bool is_one(const Onnx__NodeProto *node, const char *type)
{
    return is(node, (const char *const[]){type, NULL});
}

static enum err refuse(const struct taking *t, const Onnx__NodeProto *node, const char *why)
{
    return onnx_node_refuse(&(struct onnx_node){.proto = node}, t->msg, "%s: want ids that Gather "
                            "of axis 0 looks up in one stored table, and masks, positions and "
                            "token types as inputs of their own", why);
}

/* ---- What reads them ---- */

static const Onnx__TensorProto *stored(const struct taking *t, const char *name)
{
    for (size_t i = 0; i < t->g->n_initializer; i++)
        if (strcmp(text(t->g->initializer[i]->name), text(name)) == 0)
            return t->g->initializer[i];
    return NULL;
}

static const Onnx__NodeProto *maker(const struct taking *t, const char *name)
{
    for (size_t i = 0; i < t->g->n_node; i++)
        for (size_t k = 0; k < t->g->node[i]->n_output; k++)
            if (*text(name) && strcmp(text(t->g->node[i]->output[k]), name) == 0)
                return t->g->node[i];
    return NULL;
}

static bool is_alias(const struct taking *t, const char *name)
{
    for (size_t i = 0; i < t->n_alias; i++)
        if (*t->alias[i] && strcmp(text(name), t->alias[i]) == 0)
            return true;
    return false;
}

static enum err read_by(struct taking *t, Onnx__NodeProto *node, size_t i)
{
    static const char *const movers[] = {"Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze",
                                         NULL};
    const struct onnx_node n = {.proto = node};
    int64_t axis = 0;

    if (i == 0 && node->n_output == 1 && is(node, movers)) {
        t->alias[t->n_alias++] = text(node->output[0]);
        return ERR_NONE;
    }
    if (is_one(node, "Shape")) {
        t->shape_read = true;
        return ERR_NONE;
    }
    enum err e = onnx_attr_int(&n, "axis", &axis, t->msg);
    if (e)
        return e;
    if (!is_one(node, "Gather") || i != 1 || axis != 0 || node->n_output != 1)
        return refuse(t, node, "reads ids otherwise than Gather of a table");
    if (t->gather)
        return refuse(t, node, "is a second table of the same ids");
    t->gather = node;
    return ERR_NONE;
}

static enum err find_readers(struct taking *t)
{
    enum err e = ERR_NONE;

    t->alias[t->n_alias++] = text(t->input->name);
    for (size_t i = 0; i < t->g->n_node && !e; i++)
        for (size_t k = 0; k < t->g->node[i]->n_input && !e; k++)
            if (is_alias(t, t->g->node[i]->input[k]))
                e = read_by(t, t->g->node[i], k);
    if (!e && !t->gather)
        e = err_set(t->msg, ERR_INPUT, "graph input \"%.100s\" is integers that no Gather looks "
                    "up: want an image or tokens of floats or bytes, or ids that Gather of axis 0 "
                    "looks up in a stored table", t->input->name);
    return e;
}

/* ---- The table ---- */

/* A stored value, straight or through what does not change it. */
static const Onnx__TensorProto *trace(const struct taking *t, const char *name,
                                      const Onnx__NodeProto **by)
{
    static const char *const same[] = {"Cast", "Identity", NULL};
    const Onnx__TensorProto *found = stored(t, name);

    *by = NULL;
    for (size_t steps = 0; !found && steps < t->g->n_node; steps++) {
        *by = maker(t, name);
        if (!*by || !is(*by, same) || (*by)->n_input < 1)
            return NULL;
        name = (*by)->input[0];
        found = stored(t, name);
    }
    return found;
}

static size_t count_readers(const struct taking *t, const char *value)
{
    size_t n = 0;

    for (size_t i = 0; i < t->g->n_node; i++)
        for (size_t k = 0; k < t->g->node[i]->n_input; k++)
            n += strcmp(text(t->g->node[i]->input[k]), value) == 0;
    for (size_t i = 0; i < t->g->n_output; i++)
        n += strcmp(text(t->g->output[i]->name), value) == 0;
    return n;
}

/* Whether QuantizeLinear alone reads what Gather makes. */
static bool is_rounded(const struct taking *t)
{
    const char *out = text(t->gather->output[0]);
    bool some = false, all = true;

    for (size_t i = 0; i < t->g->n_node; i++)
        for (size_t k = 0; k < t->g->node[i]->n_input; k++)
            if (strcmp(text(t->g->node[i]->input[k]), out) == 0) {
                some = true;
                all &= k == 0 && is_one(t->g->node[i], "QuantizeLinear");
            }
    return some && all;
}

static enum err find_table(struct taking *t)
{
    const Onnx__NodeProto *by, *ignored;

    t->table = trace(t, t->gather->input[0], &by);
    if (!t->table && by && is_one(by, "DequantizeLinear") && by->n_input >= 2 &&
        by->n_output == 1) {
        t->table = trace(t, by->input[0], &ignored);
        t->scale = trace(t, by->input[1], &ignored);
        t->zero = by->n_input > 2 && *text(by->input[2]) ? trace(t, by->input[2], &ignored) : NULL;
        if (!t->scale || (by->n_input > 2 && *text(by->input[2]) && !t->zero))
            t->table = NULL;
        t->as_codes = !is_rounded(t);
        t->made = count_readers(t, text(by->output[0])) == 1 ? by : NULL;
    }
    if (!t->table)
        return refuse(t, by ? by : t->gather, "makes the table of ids of what is not stored");
    return ERR_NONE;
}

/* Values as Gather would make them, or integers. */
static enum err read_values(struct taking *t)
{
    struct onnx_ids *ids = t->ids;
    struct onnx_tensor table, scale = {0}, zero = {0};
    enum err e = onnx_tensor_view(&table, t->table, t->msg);

    if (!e && t->scale)
        e = onnx_tensor_view(&scale, t->scale, t->msg);
    if (!e && t->zero)
        e = onnx_tensor_view(&zero, t->zero, t->msg);
    if (e)
        return e;
    const bool real = onnx_type_is_real(table.type);
    if (table.n_dim != 2 || table.n == 0 || table.dim[0] > MOST_ROWS || table.n > MOST_VALUES ||
        (!real && (!onnx_type_is_code(table.type) || onnx_type_bits(table.type) != 8)))
        return refuse(t, t->gather, "its table is no rows x channels of floats, int8 or uint8, at "
                                    "most 2^28 of them");
    if (t->scale && (real || scale.n != 1 || zero.n > 1 || !onnx_type_is_real(scale.type) ||
                     (zero.n == 1 && zero.type != table.type)))
        return refuse(t, t->gather, "the rows of its table differ in scale or zero point, or these "
                                    "are of other types");
    ids->rows = table.dim[0];
    ids->channels = table.dim[1];
    ids->value = malloc(table.n * sizeof *ids->value);
    if (!ids->value)
        return no_memory(t->msg);
    const int64_t offset = zero.n == 1 ? onnx_tensor_integer(&zero, 0) : 0;
    for (size_t i = 0; i < table.n; i++) {
        const double v = real ? onnx_tensor_real(&table, i)
                              : (double)onnx_tensor_integer(&table, i);
        const bool moved = t->scale && !t->as_codes;
        ids->value[i] = moved ? (float)(v - (double)offset) * (float)onnx_tensor_real(&scale, 0)
                              : (float)v;
        if (!isfinite(ids->value[i]))
            return refuse(t, t->gather, "its table holds what is no number");
    }
    t->as_codes |= !real && !t->scale;
    return ERR_NONE;
}

/* ---- The graph without them ---- */

static bool renamed(char **name, const char *to)
{
    char *copy = strdup(to);

    if (!copy)
        return false;
    free(*name);
    *name = copy;
    return true;
}

/* The ids, all 0, for those who ask for their shape. */
static enum err put_zeros(struct taking *t)
{
    Onnx__TensorProto *c = malloc(sizeof *c);
    Onnx__TensorProto **longer = realloc(t->g->initializer,
                                         (t->g->n_initializer + 1) * sizeof *longer);

    if (longer)
        t->g->initializer = longer;
    if (!c || !longer) {
        free(c);
        return no_memory(t->msg);
    }
    onnx__tensor_proto__init(c);
    longer[t->g->n_initializer++] = c;
    c->has_data_type = c->has_raw_data = 1;
    c->data_type = t->ids->type;
    c->name = strdup(t->input->name);
    c->dims = malloc(2 * sizeof *c->dims);
    c->raw_data.len = (size_t)t->ids->tokens * onnx_type_bits(c->data_type) / 8;
    c->raw_data.data = calloc(c->raw_data.len, 1);
    if (!c->name || !c->dims || !c->raw_data.data)
        return no_memory(t->msg);
    c->n_dims = 2;
    c->dims[0] = 1;
    c->dims[1] = t->ids->tokens;
    return ERR_NONE;
}

/* The input is what Gather made, `name`. */
static enum err put_input(struct taking *t, const char *name)
{
    Onnx__TypeProto__Tensor *type = t->input->type->tensor_type;
    Onnx__TensorShapeProto__Dimension *d = malloc(sizeof *d), **longer;

    longer = realloc(type->shape->dim, 3 * sizeof *longer);
    if (longer)
        type->shape->dim = longer;
    if (!d || !longer || !renamed(&t->input->name, name)) {
        free(d);
        return no_memory(t->msg);
    }
    onnx__tensor_shape_proto__dimension__init(d);
    longer[2] = d;
    type->shape->n_dim = 3;
    d->value_case = DIM(VALUE);
    d->dim_value = t->ids->channels;
    type->elem_type = t->as_codes ? t->table->data_type : TYPE(FLOAT);
    d->denotation = strdup(ONNX_CHANNELS);
    return d->denotation ? ERR_NONE : no_memory(t->msg);
}

static void take_out(struct taking *t, size_t i)
{
    Onnx__NodeProto *node = t->g->node[i];

    for (size_t k = 0; k < t->n_alias; k++)
        if (node->n_output > 0 && t->alias[k] == node->output[0])
            t->alias[k] = ""; // goes with the node
    onnx__node_proto__free_unpacked(node, NULL);
    t->g->n_node--;
    memmove(&t->g->node[i], &t->g->node[i + 1], (t->g->n_node - i) * sizeof *t->g->node);
}

/* Takes out Gather, what made its table for it alone, and what moved ids for it alone. */
static void drop(struct taking *t)
{
    for (size_t i = t->g->n_node; i-- > 0;) {
        const Onnx__NodeProto *node = t->g->node[i];
        if (node == t->made || (node == t->gather && (!t->scale || !t->as_codes)))
            take_out(t, i);
    }
    for (size_t i = t->g->n_node; i-- > 0;) {
        const Onnx__NodeProto *node = t->g->node[i];
        if (node->n_input > 0 && node->n_output == 1 && is_alias(t, node->input[0]) &&
            !is_one(node, "Shape") && count_readers(t, text(node->output[0])) == 0)
            take_out(t, i);
    }
}

/* Gather becomes DequantizeLinear of the integers that it would have picked. */
static enum err dequantise(struct taking *t, const char *codes)
{
    Onnx__NodeProto *node = t->gather;
    const char *const in[] = {codes, t->scale->name, t->zero ? t->zero->name : ""};

    for (size_t i = 0; i < node->n_attribute; i++)
        onnx__attribute_proto__free_unpacked(node->attribute[i], NULL);
    node->n_attribute = 0;
    char **longer = realloc(node->input, 3 * sizeof *longer);
    if (!longer)
        return no_memory(t->msg);
    node->input = longer;
    longer[2] = strdup(in[2]);
    node->n_input = 3;
    if (!longer[2] || !renamed(&node->op_type, "DequantizeLinear") || !renamed(&longer[0], in[0]) ||
        !renamed(&longer[1], in[1]))
        return no_memory(t->msg);
    node->n_input = t->zero ? 3 : 2;
    if (!t->zero)
        free(longer[2]);
    return ERR_NONE;
}

static enum err change(struct taking *t)
{
    char name[512];
    enum err e = t->shape_read ? put_zeros(t) : ERR_NONE;

    snprintf(name, sizeof name, t->scale && t->as_codes ? "%.400s.codes" : "%.500s",
             text(t->gather->output[0]));
    if (!e && t->scale && t->as_codes)
        e = dequantise(t, name);
    t->ids->input = strdup(t->input->name);
    if (!e && !t->ids->input)
        e = no_memory(t->msg);
    if (!e)
        drop(t); // aliases are names of what goes, but for the input's
    return e ? e : put_input(t, name);
}

/* The one input that nothing gives, if it is integers of two dimensions; NULL otherwise. */
static Onnx__ValueInfoProto *find_input(const struct taking *t)
{
    Onnx__ValueInfoProto *found = NULL;

    for (size_t i = 0; i < t->g->n_input; i++)
        if (!stored(t, t->g->input[i]->name)) {
            if (found)
                return NULL;
            found = t->g->input[i];
        }
    const Onnx__TypeProto *type = found ? found->type : NULL;
    const Onnx__TypeProto__Tensor *tensor =
        type && type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ? type->tensor_type : NULL;
    const bool integers = tensor && tensor->shape && tensor->shape->n_dim == 2 &&
                          (tensor->elem_type == TYPE(INT32) || tensor->elem_type == TYPE(INT64));
    return integers && found->name ? found : NULL;
}

/* How many ids there are. */
static enum err find_tokens(struct taking *t)
{
    const Onnx__TypeProto__Tensor *type = t->input->type->tensor_type;
    const Onnx__TensorShapeProto__Dimension *batch = type->shape->dim[0], *d = type->shape->dim[1];
    const bool open = d->value_case != DIM(VALUE);

    if (batch->value_case == DIM(VALUE) && batch->dim_value > 1)
        return err_set(t->msg, ERR_INPUT, "graph input \"%.100s\": a batch of %" PRId64 ": want "
                       "1, or an axis that is left open", t->input->name, batch->dim_value);
    if (open && d->value_case == DIM(PARAM) && *text(d->dim_param))
        return err_set(t->msg, ERR_INPUT, "graph input \"%.100s\": axis %.60s is left open: want "
                       "its length, network.axes: {%.60s: 128} or import --axes %.60s=128",
                       t->input->name, d->dim_param, d->dim_param, d->dim_param);
    if (open || d->dim_value < 1 || d->dim_value > UINT16_MAX + 1)
        return err_set(t->msg, ERR_INPUT, "graph input \"%.100s\": %" PRId64 " ids: want 1 to "
                       "65536, by network.input_shape or import --input-shape 1x128 where the file "
                       "leaves them open", t->input->name, open ? 0 : d->dim_value);
    t->ids->type = type->elem_type;
    t->ids->tokens = (uint32_t)d->dim_value;
    return ERR_NONE;
}

enum err onnx_take_ids(Onnx__ModelProto *model, struct onnx_ids *ids, struct err_msg *m)
{
    struct taking t = {.g = model->graph, .ids = ids, .msg = m};

    *ids = (struct onnx_ids){0};
    t.input = find_input(&t);
    if (!t.input)
        return ERR_NONE;
    t.alias = calloc(t.g->n_node + 1, sizeof *t.alias);
    enum err e = t.alias ? find_tokens(&t) : no_memory(m);
    if (!e)
        e = find_readers(&t);
    if (!e)
        e = find_table(&t);
    if (!e)
        e = read_values(&t);
    if (!e)
        e = change(&t);
    free(t.alias);
    if (e)
        onnx_ids_release(ids);
    return e;
}

void onnx_ids_release(struct onnx_ids *ids)
{
    free(ids->input);
    free(ids->value);
    *ids = (struct onnx_ids){0};
}

enum err onnx_ids_table(const struct onnx_ids *ids, struct network *n, struct err_msg *m)
{
    const size_t size = (size_t)ids->rows * ids->channels;
    const struct shape *s = &n->layer[0].out;

    if (!ids->input || !n->has_values)
        return ERR_NONE;
    if (s->width != ids->tokens || s->channels != ids->channels || s->height != 1 ||
        layer_is_wide(&n->layer[0]))
        return err_set(m, ERR_INPUT, "rows of %" PRIu32 " channels for ids become an image of %"
                       PRIu32 "x%" PRIu32 "x%" PRIu32 " (rows, columns, channels), %" PRIu32
                       " bits: want tokens of as many channels, of 8 bits", ids->channels,
                       s->height, s->width, s->channels, layer_value_bits(&n->layer[0]));
    n->table = calloc(1, sizeof *n->table);
    if (!n->table)
        return no_memory(m);
    n->table->name = strdup(ids->input);
    n->table->rows = ids->rows;
    n->table->code = malloc(size);
    if (!n->table->name || !n->table->code)
        return no_memory(m);
    for (size_t i = 0; i < size; i++)
        n->table->code[i] = (uint8_t)network_image_code(n, (double)ids->value[i], NULL);
    return ERR_NONE;
}
