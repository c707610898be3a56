/* test/onnx_make.c -- see onnx_make.h. */
#include "test/onnx_make.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

static void *new_message(const ProtobufCMessageDescriptor *type)
{
    void *p = must(malloc(type->sizeof_message));

    protobuf_c_message_init(type, p);
    return p;
}

/* Appends item to the list of pointers at *list, whatever they point to. */
static void append(void *list, size_t *n, void *item)
{
    void **items;

    memcpy(&items, list, sizeof items);
    items = must(realloc(items, (*n + 1) * sizeof *items));
    items[(*n)++] = item;
    memcpy(list, &items, sizeof items);
}

static char *copy(const char *text)
{
    return must(strdup(text));
}

void make_rename(char **field, const char *text)
{
    free(*field);
    *field = copy(text);
}

static Onnx__TypeProto *float_type(size_t n_dim, const int64_t *dims)
{
    Onnx__TypeProto *type = new_message(&onnx__type_proto__descriptor);

    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = new_message(&onnx__type_proto__tensor__descriptor);
    type->tensor_type->has_elem_type = 1;
    type->tensor_type->elem_type = ONNX_TYPE(FLOAT);
    type->tensor_type->shape = new_message(&onnx__tensor_shape_proto__descriptor);
    for (size_t i = 0; i < n_dim; i++) {
        Onnx__TensorShapeProto__Dimension *d =
            new_message(&onnx__tensor_shape_proto__dimension__descriptor);
        d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        d->dim_value = dims[i];
        append(&type->tensor_type->shape->dim, &type->tensor_type->shape->n_dim, d);
    }
    return type;
}

static Onnx__ValueInfoProto *value_info(const char *name)
{
    Onnx__ValueInfoProto *v = new_message(&onnx__value_info_proto__descriptor);

    v->name = copy(name);
    return v;
}

Onnx__ModelProto *make_model(int64_t channels, int64_t rows, int64_t columns)
{
    Onnx__ModelProto *model = new_message(&onnx__model_proto__descriptor);
    Onnx__OperatorSetIdProto *opset = new_message(&onnx__operator_set_id_proto__descriptor);
    Onnx__ValueInfoProto *image = value_info("image");

    opset->has_version = 1;
    opset->version = 13;
    append(&model->opset_import, &model->n_opset_import, opset);
    model->has_ir_version = 1;
    model->ir_version = 7;
    model->graph = new_message(&onnx__graph_proto__descriptor);
    model->graph->name = copy("made");
    image->type = float_type(4, (const int64_t[]){1, channels, rows, columns});
    append(&model->graph->input, &model->graph->n_input, image);
    append(&model->graph->output, &model->graph->n_output, value_info("out"));
    return model;
}

void make_opset(Onnx__ModelProto *model, const char *domain, int64_t version)
{
    Onnx__OperatorSetIdProto *set = new_message(&onnx__operator_set_id_proto__descriptor);

    set->domain = copy(domain);
    set->has_version = 1;
    set->version = version;
    append(&model->opset_import, &model->n_opset_import, set);
}

void make_output(Onnx__ModelProto *model, const char *name, size_t n_dim, const int64_t *dims)
{
    Onnx__GraphProto *g = model->graph;

    if (name)
        append(&g->output, &g->n_output, value_info(name));
    g->output[g->n_output - 1]->type = float_type(n_dim, dims);
}

void make_free(Onnx__ModelProto *model)
{
    onnx__model_proto__free_unpacked(model, NULL);
}

uint8_t *make_packed(const Onnx__ModelProto *model, size_t *size)
{
    *size = onnx__model_proto__get_packed_size(model);
    uint8_t *bytes = must(malloc(*size));
    onnx__model_proto__pack(model, bytes);
    return bytes;
}

Onnx__NodeProto *make_node(Onnx__ModelProto *model, const char *op, const char *name,
                           const char *inputs, const char *output)
{
    Onnx__NodeProto *node = new_message(&onnx__node_proto__descriptor);
    char *list = copy(inputs), *rest = list;

    node->op_type = copy(op);
    node->name = copy(name);
    for (char *word; (word = strtok_r(rest, " ", &rest));)
        append(&node->input, &node->n_input, copy(strcmp(word, "-") == 0 ? "" : word));
    append(&node->output, &node->n_output, copy(output));
    append(&model->graph->node, &model->graph->n_node, node);
    free(list);
    return node;
}

static Onnx__AttributeProto *attribute(Onnx__NodeProto *node, const char *name,
                                       Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *a = new_message(&onnx__attribute_proto__descriptor);

    a->name = copy(name);
    a->has_type = 1;
    a->type = type;
    append(&node->attribute, &node->n_attribute, a);
    return a;
}

Onnx__AttributeProto *make_int(Onnx__NodeProto *node, const char *name, int64_t v)
{
    Onnx__AttributeProto *a =
        attribute(node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);

    a->has_i = 1;
    a->i = v;
    return a;
}

Onnx__AttributeProto *make_float(Onnx__NodeProto *node, const char *name, float v)
{
    Onnx__AttributeProto *a =
        attribute(node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);

    a->has_f = 1;
    a->f = v;
    return a;
}

Onnx__AttributeProto *make_text(Onnx__NodeProto *node, const char *name, const char *v)
{
    Onnx__AttributeProto *a =
        attribute(node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);

    a->has_s = 1;
    a->s = (ProtobufCBinaryData){strlen(v), (uint8_t *)copy(v)};
    return a;
}

Onnx__AttributeProto *make_ints(Onnx__NodeProto *node, const char *name, size_t n, const int64_t *v)
{
    Onnx__AttributeProto *a =
        attribute(node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);

    a->n_ints = n;
    a->ints = must(malloc(n * sizeof *v));
    memcpy(a->ints, v, n * sizeof *v);
    return a;
}

Onnx__TensorProto *make_tensor(Onnx__ModelProto *model, const char *name, int32_t type,
                               const int64_t *dims, const void *data, size_t size)
{
    Onnx__TensorProto *t = new_message(&onnx__tensor_proto__descriptor);

    t->name = copy(name);
    t->has_data_type = 1;
    t->data_type = type;
    while (dims[t->n_dims] >= 0)
        t->n_dims++;
    t->dims = t->n_dims ? must(malloc(t->n_dims * sizeof *dims)) : NULL;
    if (t->dims)
        memcpy(t->dims, dims, t->n_dims * sizeof *dims);
    t->has_raw_data = 1;
    t->raw_data = (ProtobufCBinaryData){size, must(malloc(size + 1))};
    memcpy(t->raw_data.data, data, size);
    append(&model->graph->initializer, &model->graph->n_initializer, t);
    return t;
}

Onnx__TensorProto *make_float_list(Onnx__ModelProto *model, const char *name, size_t n,
                                   const float *v)
{
    return make_tensor(model, name, ONNX_TYPE(FLOAT), (const int64_t[]){(int64_t)n, -1}, v,
                       n * sizeof *v);
}

static const char *joined(char out[128], const char *name, const char *ending)
{
    snprintf(out, 128, "%s%s", name, ending);
    return out;
}

static const int64_t scalar[] = {-1};

void make_qdq(Onnx__ModelProto *model, const char *in, const char *name, float scale, int32_t type,
              int zero)
{
    char bytes[128], scale_name[128], zero_name[128], node[128], inputs[512];
    uint8_t z[] = {(uint8_t)zero, (uint8_t)(zero >> 8)};
    bool wide = type == ONNX_TYPE(INT16) || type == ONNX_TYPE(UINT16);

    joined(bytes, name, ".q");
    make_tensor(model, joined(scale_name, name, ".scale"), ONNX_TYPE(FLOAT), scalar, &scale,
                sizeof scale);
    make_tensor(model, joined(zero_name, name, ".zero"), type, scalar, z, wide ? 2 : 1);
    snprintf(inputs, sizeof inputs, "%s %s %s", in, scale_name, zero_name);
    make_node(model, "QuantizeLinear", joined(node, name, "/Q"), inputs, bytes);
    snprintf(inputs, sizeof inputs, "%s %s %s", bytes, scale_name, zero_name);
    make_node(model, "DequantizeLinear", joined(node, name, "/DQ"), inputs, name);
}

static void weights_of(Onnx__ModelProto *model, const char *name, const int64_t *dims,
                       int32_t type, const void *data, size_t size, size_t n_scale,
                       const float *scale, int64_t axis)
{
    char bytes[128], scale_name[128], node[128], inputs[512];

    for (const int64_t *d = dims; *d >= 0; d++)
        size *= (size_t)*d;
    make_tensor(model, joined(bytes, name, ".q"), type, dims, data, size);
    make_float_list(model, joined(scale_name, name, ".scale"), n_scale, scale);
    snprintf(inputs, sizeof inputs, "%s %s", bytes, scale_name);
    make_int(make_node(model, "DequantizeLinear", joined(node, name, "/DQ"), inputs, name), "axis",
             axis);
}

void make_weights(Onnx__ModelProto *model, const char *name, const int64_t *dims,
                  const int8_t *data, size_t n_scale, const float *scale, int64_t axis)
{
    weights_of(model, name, dims, ONNX_TYPE(INT8), data, 1, n_scale, scale, axis);
}

void make_wide_weights(Onnx__ModelProto *model, const char *name, const int64_t *dims,
                       const int16_t *data, size_t n_scale, const float *scale, int64_t axis)
{
    weights_of(model, name, dims, ONNX_TYPE(INT16), data, sizeof *data, n_scale, scale, axis);
}

Onnx__NodeProto *find_node(const Onnx__ModelProto *model, const char *name)
{
    for (size_t i = 0; i < model->graph->n_node; i++)
        if (strcmp(model->graph->node[i]->name, name) == 0)
            return model->graph->node[i];
    return NULL;
}

Onnx__TensorProto *find_tensor(const Onnx__ModelProto *model, const char *name)
{
    for (size_t i = 0; i < model->graph->n_initializer; i++)
        if (strcmp(model->graph->initializer[i]->name, name) == 0)
            return model->graph->initializer[i];
    return NULL;
}

Onnx__AttributeProto *find_attribute(const Onnx__NodeProto *node, const char *name)
{
    for (size_t i = 0; i < node->n_attribute; i++)
        if (strcmp(node->attribute[i]->name, name) == 0)
            return node->attribute[i];
    return NULL;
}
