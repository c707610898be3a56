/* The inputs of a model's graph: axes that it leaves open, and masks, positions and token types
 * that become constants. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "onnx/float/graph.h"
#include "onnx/inputs.h"
#include "onnx/tensor.h"
#include "test/onnx_make.h"

/* One more input; -1: an axis that is open and has the name given for it. */
static void add_input(Onnx__ModelProto *model, const char *name, int32_t type, size_t n_dim,
                      const int64_t *dims, const char *axis)
{
    Onnx__GraphProto *g = model->graph;
    Onnx__ValueInfoProto *v = malloc(sizeof *v);
    Onnx__TypeProto *t = malloc(sizeof *t);
    Onnx__TypeProto__Tensor *tensor = malloc(sizeof *tensor);
    Onnx__TensorShapeProto *shape = malloc(sizeof *shape);

    g->input = realloc(g->input, (g->n_input + 1) * sizeof *g->input);
    assert_true(v && t && tensor && shape && g->input);
    onnx__value_info_proto__init(v);
    onnx__type_proto__init(t);
    onnx__type_proto__tensor__init(tensor);
    onnx__tensor_shape_proto__init(shape);
    v->name = strdup(name);
    v->type = t;
    t->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    t->tensor_type = tensor;
    tensor->has_elem_type = 1;
    tensor->elem_type = type;
    tensor->shape = shape;
    shape->dim = calloc(n_dim, sizeof *shape->dim);
    assert_non_null(shape->dim);
    for (size_t i = 0; i < n_dim; i++) {
        Onnx__TensorShapeProto__Dimension *d = malloc(sizeof *d);
        assert_non_null(d);
        onnx__tensor_shape_proto__dimension__init(d);
        d->value_case = dims[i] < 0 ? ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM
                                    : ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        if (dims[i] < 0)
            d->dim_param = strdup(axis);
        else
            d->dim_value = dims[i];
        shape->dim[shape->n_dim++] = d;
    }
    g->input[g->n_input++] = v;
}

/* Ids, a mask, positions and token types of open length, as exporters write BERT's. */
static Onnx__ModelProto *of_ids(void)
{
    static const int64_t open[] = {1, -1};
    Onnx__ModelProto *m = make_model(1, 1, 1);

    onnx__value_info_proto__free_unpacked(m->graph->input[0], NULL);
    m->graph->n_input = 0;
    add_input(m, "input_ids", ONNX_TYPE(INT64), 2, open, "sequence_length");
    add_input(m, "attention_mask", ONNX_TYPE(INT64), 2, open, "sequence_length");
    add_input(m, "position_ids", ONNX_TYPE(INT32), 2, open, "sequence_length");
    add_input(m, "token_type_ids", ONNX_TYPE(FLOAT), 2, open, "sequence_length");
    return m;
}

static struct count_map axes_of(struct count_entry *entry, char *key, uint32_t value)
{
    *entry = (struct count_entry){.key = key, .value = value};
    return (struct count_map){.entry = entry, .n_entry = 1};
}

static void inputs_beside_the_ids_become_constants(void **state)
{
    enum { LENGTH = 5 };
    Onnx__ModelProto *m = of_ids();
    struct count_entry entry;
    const struct count_map axes = axes_of(&entry, "sequence_length", LENGTH);
    struct err_msg msg;
    (void)state;

    assert_int_equal(onnx_settle_axes(m, &axes, &msg), ERR_NONE);
    assert_int_equal(onnx_settle_inputs(m, &msg), ERR_NONE);
    assert_int_equal(m->graph->n_input, 1);
    assert_string_equal(m->graph->input[0]->name, "input_ids");
    assert_int_equal(m->graph->input[0]->type->tensor_type->shape->dim[1]->dim_value, LENGTH);
    assert_int_equal(m->graph->n_initializer, 3);
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = {"attention_mask", "position_ids", "token_type_ids"};
        struct onnx_tensor t;
        assert_int_equal(onnx_tensor_view(&t, find_tensor(m, names[i]), &msg), ERR_NONE);
        assert_int_equal(t.n_dim, 2);
        assert_int_equal(t.dim[0], 1);
        assert_int_equal(t.n, LENGTH);
        for (size_t k = 0; k < LENGTH; k++) {
            double v = i == 2 ? onnx_tensor_real(&t, k) : (double)onnx_tensor_integer(&t, k);
            assert_true(v == (i == 0 ? 1 : i == 1 ? (double)k : 0));
        }
    }
    make_free(m);
}

static void refused(Onnx__ModelProto *m, const struct count_map *axes, const char *want)
{
    struct err_msg msg = {"accepted"};
    enum err e = axes ? onnx_settle_axes(m, axes, &msg) : ERR_NONE;

    if (!e)
        e = onnx_settle_inputs(m, &msg);
    if (e != ERR_INPUT || strncmp(msg.text, want, strlen(want)) != 0)
        fail_msg("\"%s\", want \"%s...\"", msg.text, want);
    make_free(m);
}

static void an_input_that_means_something_else_is_refused(void **state)
{
    static const int64_t past[] = {1, 4, 7, 8}, open[] = {1, -1};
    struct count_entry entry;
    const struct count_map other = axes_of(&entry, "seq", 5);
    Onnx__ModelProto *m;
    (void)state;

    refused(of_ids(), &other, "network.axes.seq: no input of the model has an open axis of this "
                              "name: want one that it has, such as sequence_length");
    refused(make_model(1, 1, 1), &other, "network.axes.seq: no input of the model has an open axis "
                                         "of this name: want none");
    refused(of_ids(), NULL, "graph input \"attention_mask\": axis 1, sequence_length is open: want "
                            "its length, by network.axes: {sequence_length: 128} or import --axes "
                            "sequence_length=128");
    m = of_ids();
    add_input(m, "past_key_values.0.key", ONNX_TYPE(FLOAT), 4, past, "");
    entry.key = "sequence_length";
    refused(m, &other, "graph input \"past_key_values.0.key\" holds keys and values of tokens "
                       "before: want a model exported without a cache");
    m = make_model(1, 1, 1);
    add_input(m, "second", ONNX_TYPE(FLOAT), 2, open, "n");
    refused(m, NULL, "graph input \"second\" is one more: want one");
    m = of_ids();
    onnx__value_info_proto__free_unpacked(m->graph->input[0], NULL);
    memmove(m->graph->input, m->graph->input + 1, 3 * sizeof *m->graph->input);
    m->graph->n_input = 3;
    refused(m, &other, "no graph input but masks, positions and token types: want");
}

/* Operators one behind the other, of 1 x 5 x 7 values and a constant. */
static struct shape image_of(const char *const *ops)
{
    static const int64_t dims[] = {1, 5, 7};
    const float one = 1;
    Onnx__ModelProto *m = make_model(1, 1, 1);
    char before[24] = "x", after[24], inputs[32];
    struct onnx_graph g;
    struct onnx_image image;
    struct err_msg msg;

    onnx__value_info_proto__free_unpacked(m->graph->input[0], NULL);
    m->graph->n_input = 0;
    add_input(m, "x", ONNX_TYPE(FLOAT), 3, dims, "");
    make_float_list(m, "one", 1, &one);
    make_tensor(m, "rows", ONNX_TYPE(INT64), (const int64_t[]){2, -1}, (const int64_t[]){-1, 7},
                2 * sizeof(int64_t));
    for (int i = 0; ops[i]; i++) {
        const bool turned = strcmp(ops[i], "Transpose") == 0;
        snprintf(after, sizeof after, ops[i + 1] ? "v%d" : "out", i);
        const char *other = turned ? "" : strcmp(ops[i], "Reshape") == 0 ? " rows" : " one";
        snprintf(inputs, sizeof inputs, "%s%s", before, other);
        Onnx__NodeProto *n = make_node(m, ops[i], after, inputs, after);
        if (turned)
            make_ints(n, "perm", 3, (const int64_t[]){0, 2, 1});
        memcpy(before, after, sizeof before);
    }
    if (onnx_graph_init(&g, m, 1, &msg) || onnx_graph_image(&g, &image, &msg))
        fail_msg("%s", msg.text);
    onnx_graph_release(&g);
    make_free(m);
    return image.shape;
}

static void tokens_are_told_from_channels_by_the_first_operator_that_can(void **state)
{
    static const struct {
        const char *ops[6];
        bool        tokens; // else channels x columns
    } chains[] = {
        {{"MatMul"}, true},
        {{"Add", "MatMul"}, true},
        {{"Concat", "Add", "LayerNormalization"}, true},
        {{"QuantizeLinear", "DequantizeLinear", "Mul", "Transpose", "Conv"}, true},
        {{"Pow", "Sub", "Div", "RMSNormalization"}, true},
        {{"Relu", "Reshape", "Gemm"}, true},
        {{"Reshape", "Conv"}, false},
        {{"Conv", "MatMul"}, false},
        {{"Add", "Conv", "MatMul"}, false},
        {{"Relu", "Flatten", "MatMul"}, false},
        {{"Add", "BatchNormalization", "MatMul"}, false},
        {{"Add", "Relu"}, false},
    };
    (void)state;

    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++) {
        const struct shape got = image_of(chains[i].ops);
        const uint32_t channels = chains[i].tokens ? 7 : 5;
        if (got.height != 1 || got.channels != channels || got.width != 12 - channels)
            fail_msg("chain %zu: %" PRIu32 " channels of %" PRIu32 " columns", i, got.channels,
                     got.width);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_told_from_channels_by_the_first_operator_that_can),
        cmocka_unit_test(inputs_beside_the_ids_become_constants),
        cmocka_unit_test(an_input_that_means_something_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
