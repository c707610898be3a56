/* onnx/build.c -- see build.h. Everything is allocated as protobuf-c itself would, so
 * that it can free it. */
#include "onnx/build.h"

#include <stdlib.h>
#include <string.h>

#include "onnx/graph.h"

static void *message(struct onnx_build *b, const ProtobufCMessageDescriptor *type)
{
    void *p = b->failed ? NULL : malloc(type->sizeof_message);

    if (p)
        protobuf_c_message_init(type, p);
    else
        b->failed = true;
    return p;
}

static char *copy(struct onnx_build *b, const char *text)
{
    char *s = b->failed ? NULL : strdup(text);

    b->failed |= !s;
    return s;
}

/* Appends item to the list of pointers at *list, whatever they point to, or else frees it. */
static void append(struct onnx_build *b, void *list, size_t *n, void *item)
{
    void **items;

    memcpy(&items, list, sizeof items);
    void **longer = item ? realloc(items, (*n + 1) * sizeof *items) : NULL;
    if (!longer) {
        b->failed = true;
        free(item);
        return;
    }
    longer[(*n)++] = item;
    memcpy(list, &longer, sizeof longer);
}

void onnx_build_init(struct onnx_build *b, const char *name, int64_t ir_version, int64_t opset)
{
    *b = (struct onnx_build){0};
    b->model = message(b, &onnx__model_proto__descriptor);
    if (b->failed)
        return;
    b->model->has_ir_version = 1;
    b->model->ir_version = ir_version;
    b->model->producer_name = copy(b, "imcsim");
    b->model->graph = message(b, &onnx__graph_proto__descriptor);
    Onnx__OperatorSetIdProto *set = message(b, &onnx__operator_set_id_proto__descriptor);
    append(b, &b->model->opset_import, &b->model->n_opset_import, set);
    if (b->failed)
        return;
    set->has_version = 1;
    set->version = opset;
    set->domain = copy(b, "");
    b->model->graph->name = copy(b, name);
}

void onnx_build_release(struct onnx_build *b)
{
    if (b->model)
        onnx__model_proto__free_unpacked(b->model, NULL);
    *b = (struct onnx_build){0};
}

enum err onnx_build_pack(const struct onnx_build *b, uint8_t **data, size_t *size,
                         struct err_msg *m)
{
    *data = NULL;
    if (!b->failed) {
        *size = onnx__model_proto__get_packed_size(b->model);
        *data = malloc(*size + 1);
    }
    if (!*data)
        return err_set(m, ERR_MEMORY, "no memory for a model");
    onnx__model_proto__pack(b->model, *data);
    return ERR_NONE;
}

/* ---- Ends ---- */

static Onnx__ValueInfoProto *value_info(struct onnx_build *b, const char *name, uint32_t n_dim,
                                        const uint32_t *dim)
{
    Onnx__ValueInfoProto *v = message(b, &onnx__value_info_proto__descriptor);

    if (!v)
        return NULL;
    v->name = copy(b, name);
    v->type = message(b, &onnx__type_proto__descriptor);
    if (!v->type)
        return v;
    v->type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    v->type->tensor_type = message(b, &onnx__type_proto__tensor__descriptor);
    if (!v->type->tensor_type)
        return v;
    v->type->tensor_type->has_elem_type = 1;
    v->type->tensor_type->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    Onnx__TensorShapeProto *shape = message(b, &onnx__tensor_shape_proto__descriptor);
    v->type->tensor_type->shape = shape;
    for (uint32_t i = 0; shape && i < n_dim; i++) {
        Onnx__TensorShapeProto__Dimension *d =
            message(b, &onnx__tensor_shape_proto__dimension__descriptor);
        if (d) {
            d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            d->dim_value = dim[i];
        }
        append(b, &shape->dim, &shape->n_dim, d);
    }
    return v;
}

void onnx_build_input(struct onnx_build *b, const char *name, uint32_t n_dim, const uint32_t *dim)
{
    if (!b->failed)
        append(b, &b->model->graph->input, &b->model->graph->n_input,
               value_info(b, name, n_dim, dim));
}

void onnx_build_input_type(struct onnx_build *b, int32_t type, bool channels_last)
{
    if (b->failed)
        return;
    const Onnx__GraphProto *g = b->model->graph;
    Onnx__TypeProto__Tensor *t = g->input[g->n_input - 1]->type->tensor_type;
    t->elem_type = type;
    if (channels_last)
        t->shape->dim[t->shape->n_dim - 1]->denotation = copy(b, ONNX_CHANNELS);
}

void onnx_build_output(struct onnx_build *b, const char *name, uint32_t n_dim,
                       const uint32_t *dim)
{
    if (!b->failed)
        append(b, &b->model->graph->output, &b->model->graph->n_output,
               value_info(b, name, n_dim, dim));
}

/* ---- Nodes ---- */

Onnx__NodeProto *onnx_build_node(struct onnx_build *b, const char *op, const char *name,
                                 const char *output)
{
    Onnx__NodeProto *node = message(b, &onnx__node_proto__descriptor);

    if (!node)
        return NULL;
    append(b, &b->model->graph->node, &b->model->graph->n_node, node);
    if (b->failed)
        return NULL;
    node->op_type = copy(b, op);
    node->name = copy(b, name);
    append(b, &node->output, &node->n_output, copy(b, output));
    return b->failed ? NULL : node;
}

void onnx_build_node_input(struct onnx_build *b, Onnx__NodeProto *node, const char *name)
{
    if (!b->failed)
        append(b, &node->input, &node->n_input, copy(b, name));
}

static Onnx__AttributeProto *attribute(struct onnx_build *b, Onnx__NodeProto *node,
                                       const char *name, Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *a = message(b, &onnx__attribute_proto__descriptor);

    if (!a)
        return NULL;
    append(b, &node->attribute, &node->n_attribute, a);
    if (b->failed)
        return NULL;
    a->name = copy(b, name);
    a->has_type = 1;
    a->type = type;
    return b->failed ? NULL : a;
}

void onnx_build_int(struct onnx_build *b, Onnx__NodeProto *node, const char *name, int64_t v)
{
    Onnx__AttributeProto *a =
        attribute(b, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);

    if (a) {
        a->has_i = 1;
        a->i = v;
    }
}

static void *copy_bytes(struct onnx_build *b, const void *data, size_t size)
{
    void *p = malloc(size + 1);

    if (!p)
        b->failed = true;
    else if (size)
        memcpy(p, data, size);
    return p;
}

void onnx_build_attribute(struct onnx_build *b, Onnx__NodeProto *node,
                          const Onnx__AttributeProto *from)
{
    Onnx__AttributeProto *a = attribute(b, node, from->name, from->type);

    if (!a)
        return;
    a->has_i = from->has_i;
    a->i = from->i;
    a->has_f = from->has_f;
    a->f = from->f;
    if (from->n_ints) {
        a->ints = copy_bytes(b, from->ints, from->n_ints * sizeof *a->ints);
        a->n_ints = a->ints ? from->n_ints : 0;
    }
    if (from->has_s) {
        a->s.data = copy_bytes(b, from->s.data, from->s.len);
        a->s.len = from->s.len;
        a->has_s = a->s.data != NULL;
    }
}

void onnx_build_tensor(struct onnx_build *b, const char *name, int32_t type, uint32_t n_dim,
                       const uint32_t *dim, const void *data, size_t size)
{
    Onnx__TensorProto *t = message(b, &onnx__tensor_proto__descriptor);

    if (!t)
        return;
    append(b, &b->model->graph->initializer, &b->model->graph->n_initializer, t);
    if (b->failed)
        return;
    t->name = copy(b, name);
    t->has_data_type = 1;
    t->data_type = type;
    t->dims = malloc((n_dim + 1) * sizeof *t->dims);
    b->failed |= !t->dims;
    for (uint32_t i = 0; t->dims && i < n_dim; i++)
        t->dims[t->n_dims++] = dim[i];
    t->raw_data.data = copy_bytes(b, data, size);
    t->raw_data.len = size;
    t->has_raw_data = t->raw_data.data != NULL;
}
