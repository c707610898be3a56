/* The ONNX reader: what it accepts, and one error for each thing that it does not. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "onnx/graph.h"
#include "onnx/rewrite/order.h"
#include "onnx/read/read.h"
#include "test/dice.h"
#include "test/onnx_make.h"
#include "test/tmpdir.h"

/* ---- A good model: image, conv1, conv2 with residual, mean, fc ---- */

static const float scales[] = {0.01f, 0.02f, 0.03f, 0.04f};
static const float biases[] = {1, -2, 3, -4};

/* Weights, all different enough. */
#define EIGHT(n) (n), -(n), (n) + 1, -1 - (n), 127 - (n), (n) - 128, 63 - (n), (n) - 64
static const int8_t numbers[] = {
    EIGHT(3),  EIGHT(5),  EIGHT(7),  EIGHT(11), EIGHT(13), EIGHT(17), EIGHT(19), EIGHT(23),
    EIGHT(29), EIGHT(31), EIGHT(37), EIGHT(41), EIGHT(43), EIGHT(47), EIGHT(53), EIGHT(59),
    EIGHT(61), EIGHT(67),
};

static void add_conv(Onnx__ModelProto *m, const char *name, const char *input, int64_t inputs,
                     const char *output)
{
    char weights[32], bias[32], list[128];

    snprintf(weights, sizeof weights, "%s.w", name);
    snprintf(bias, sizeof bias, "%s.b", name);
    snprintf(list, sizeof list, "%s %s %s", input, weights, bias);
    make_weights(m, weights, (const int64_t[]){4, inputs, 3, 3, -1}, numbers, 4, scales, 0);
    make_float_list(m, bias, 4, biases);
    make_ints(make_node(m, "Conv", name, list, output), "pads", 4, (const int64_t[]){1, 1, 1, 1});
}

static void add_body(Onnx__ModelProto *m)
{
    make_qdq(m, "image", "in", 0.5f, ONNX_TYPE(INT8), 0);
    add_conv(m, "conv1", "in", 2, "c1");
    make_node(m, "Relu", "relu1", "c1", "r1");
    make_qdq(m, "r1", "a", 0.25f, ONNX_TYPE(UINT8), 0);
    add_conv(m, "conv2", "a", 4, "c2");
    make_node(m, "Add", "add", "c2 a", "s2");
    make_node(m, "Relu", "relu2", "s2", "r2");
    make_qdq(m, "r2", "b", 0.5f, ONNX_TYPE(UINT8), 3);
}

static void add_head(Onnx__ModelProto *m)
{
    make_node(m, "GlobalAveragePool", "gap", "b", "g");
    make_int(make_node(m, "Flatten", "flatten", "g", "f"), "axis", 1);
    make_qdq(m, "f", "mean", 0.5f, ONNX_TYPE(UINT8), 3);
    make_weights(m, "fc.w", (const int64_t[]){3, 4, -1}, numbers, 1, scales, 0);
    make_float_list(m, "fc.b", 3, biases);
    make_int(make_node(m, "Gemm", "fc", "mean fc.w fc.b", "out"), "transB", 1);
}

static Onnx__ModelProto *good_model(void)
{
    Onnx__ModelProto *m = make_model(2, 6, 6);

    add_body(m);
    add_head(m);
    return m;
}

/* ---- Helpers ---- */

/* Packs and frees the model. */
static enum err decode(Onnx__ModelProto *model, struct network *n, struct err_msg *msg)
{
    size_t size;
    uint8_t *bytes = make_packed(model, &size);
    enum err e = network_decode_onnx(n, "made", bytes, size, msg);

    free(bytes);
    make_free(model);
    return e;
}

static struct network accepted(Onnx__ModelProto *model)
{
    struct network n;
    struct err_msg msg;

    if (decode(model, &n, &msg))
        fail_msg("%s", msg.text);
    return n;
}

static void assert_refused(Onnx__ModelProto *model, const char *want)
{
    struct network n;
    struct err_msg msg = {"accepted"};
    enum err e = decode(model, &n, &msg);

    if (e != ERR_INPUT || strncmp(msg.text, want, strlen(want)) != 0)
        fail_msg("\"%s\", want \"%s...\"", msg.text, want);
    if (!strstr(msg.text, "want "))
        fail_msg("\"%s\" names no cure", msg.text);
    assert_null(n.layer);
    assert_null(n.name);
}

static const struct layer *layer_of(const struct network *n, const char *name)
{
    uint32_t i = network_find(n, name);

    if (i == n->n_layer)
        fail_msg("no layer %s", name);
    return &n->layer[i];
}

static void assert_same(const struct network *a, const struct network *b)
{
    assert_int_equal(a->n_layer, b->n_layer);
    for (uint32_t i = 0; i < a->n_layer; i++) {
        const struct layer *x = &a->layer[i], *y = &b->layer[i];
        uint32_t n = x->out.channels;
        assert_string_equal(x->name, y->name);
        assert_memory_equal(&x->out, &y->out, sizeof x->out);
        assert_memory_equal(&x->window, &y->window, sizeof x->window);
        assert_int_equal(x->n_input, y->n_input);
        if (i == 0)
            continue;
        assert_int_equal(x->input[0], y->input[0]);
        assert_memory_equal(x->weight, y->weight, n * layer_kernel_rows(x));
        assert_memory_equal(x->requant.b, y->requant.b, n * sizeof *x->requant.b);
        if (!x->raw_output)
            assert_memory_equal(x->requant.m, y->requant.m, n * sizeof *x->requant.m);
        if (!x->raw_output)
            assert_memory_equal(x->requant.shift, y->requant.shift, n);
        assert_int_equal(x->requant.low, y->requant.low);
    }
}

/* The good model and the changed one are read alike. */
static void assert_no_difference(Onnx__ModelProto *changed)
{
    struct network a = accepted(good_model()), b = accepted(changed);

    assert_same(&a, &b);
    network_release(&a);
    network_release(&b);
}

static void remove_input(Onnx__NodeProto *n)
{
    free(n->input[--n->n_input]);
}

static void remove_node(Onnx__ModelProto *m, const char *name)
{
    Onnx__GraphProto *g = m->graph;
    size_t i = 0;

    while (g->node[i] != find_node(m, name))
        i++;
    onnx__node_proto__free_unpacked(g->node[i], NULL);
    g->n_node--;
    memmove(&g->node[i], &g->node[i + 1], (g->n_node - i) * sizeof *g->node);
}

/* Moves the last node in front of node `before`. */
static void move_last(Onnx__ModelProto *m, const char *before)
{
    Onnx__NodeProto *last = m->graph->node[m->graph->n_node - 1];
    size_t i = m->graph->n_node - 1;

    for (; i > 0 && m->graph->node[i] != find_node(m, before); i--)
        m->graph->node[i] = m->graph->node[i - 1];
    m->graph->node[i + 1] = m->graph->node[i];
    m->graph->node[i] = last;
}

/* ---- What is accepted ---- */

static void a_layer_is_all_between_two_quantisations(void **state)
{
    struct network n = accepted(good_model());
    const struct layer *one = layer_of(&n, "conv1"), *two = layer_of(&n, "conv2"),
                       *fc = layer_of(&n, "fc");
    (void)state;

    assert_int_equal(n.n_layer, 4);
    assert_true(n.layer[0].out_signed);
    assert_true(one->relu && !one->has_residual && !one->pooled && !one->out_signed);
    assert_true(two->relu && two->has_residual && two->pooled && !two->raw_output);
    assert_int_equal(two->residual, 1);
    assert_int_equal(two->requant.low, 3); // relu at the zero point
    assert_int_equal(two->pool.low, 0);
    assert_true(fc->kind == LAYER_GEMM && fc->raw_output);
    assert_int_equal(fc->in_zero, 3);
    assert_int_equal(fc->requant.b[1], -400); // -2 / (0.01 * 0.5)
    network_release(&n);
}

static void a_shortcut_listed_after_the_main_path_comes_first_all_the_same(void **state)
{
    Onnx__ModelProto *m = make_model(2, 6, 6);
    (void)state;

    make_qdq(m, "image", "in", 0.5f, ONNX_TYPE(INT8), 0);
    add_conv(m, "conv1", "in", 2, "c1");
    make_qdq(m, "c1", "a", 0.25f, ONNX_TYPE(UINT8), 0);
    add_conv(m, "conv2", "a", 4, "c2"); // not yet rounded when the shortcut is met
    add_conv(m, "shortcut", "a", 4, "c3");
    make_qdq(m, "c3", "s", 0.25f, ONNX_TYPE(UINT8), 0);
    make_node(m, "Add", "add", "s c2", "sum");
    make_qdq(m, "sum", "b", 0.5f, ONNX_TYPE(UINT8), 3);
    add_head(m);
    struct network n = accepted(m);
    assert_int_equal(network_find(&n, "shortcut"), 2);
    assert_int_equal(network_find(&n, "conv2"), 3);
    assert_int_equal(n.layer[3].residual, 2);
    network_release(&n);
}

static void names_become_readable_and_unique(void **state)
{
    static const struct {
        const char *one, *two, *want_one, *want_two;
    } cases[] = {
        {"conv1", "conv2", "conv1", "conv2"},
        {"/layer1/conv1/Conv", "a.b c", "layer1_conv1", "a_b_c"},
        {"L1/Conv", "RS1/Conv", "L1", "RS1"},
        {"Conv", "/Conv", "Conv", "Conv_2"},
        {"same", "same", "same", "same_2"},
        {"same_2", "same_2", "same_2", "same_2_2"},
        {"image", "fc", "image_1", "fc"},
        {"32", "-", "n32", "layer"},
        {"", "", "c1", "c2"}, // the value's name
        {"0123456789012345678901234567890123456789012345678901234567890123456789", "x",
         "n01234567890123456789012345678901234567890123456789012345678901", "x"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Onnx__ModelProto *m = good_model();
        Onnx__NodeProto *one = find_node(m, "conv1"), *two = find_node(m, "conv2");
        make_rename(&one->name, cases[i].one);
        make_rename(&two->name, cases[i].two);
        struct network n = accepted(m);
        assert_string_equal(n.layer[1].name, cases[i].want_one);
        assert_string_equal(n.layer[2].name, cases[i].want_two);
        if (strcmp(cases[i].two, "fc") == 0)
            assert_string_equal(n.layer[3].name, "fc_3");
        network_release(&n);
    }
}

/* Moves raw data into the field of the tensor's type. */
static void into_field(Onnx__TensorProto *t)
{
    size_t n = t->raw_data.len;
    uint8_t *raw = t->raw_data.data;

    t->has_raw_data = 0;
    t->raw_data = (ProtobufCBinaryData){0, NULL};
    if (t->data_type == ONNX_TYPE(FLOAT)) {
        t->n_float_data = n / sizeof(float);
        t->float_data = (float *)(void *)raw; // malloc'ed
        return;
    }
    t->n_int32_data = n;
    t->int32_data = malloc(n * sizeof *t->int32_data);
    assert_non_null(t->int32_data);
    for (size_t i = 0; i < n; i++)
        t->int32_data[i] = t->data_type == ONNX_TYPE(INT8) ? (int8_t)raw[i] : raw[i];
    free(raw);
}

static void typed_fields_and_raw_data_say_the_same(void **state)
{
    Onnx__ModelProto *m = good_model();
    (void)state;

    for (size_t i = 0; i < m->graph->n_initializer; i++)
        into_field(m->graph->initializer[i]);
    assert_no_difference(m);
}

/* Exporters list nodes as they like. */
static void nodes_of_any_order_make_the_same_network(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct dice d = { seed };
        Onnx__ModelProto *m = good_model();
        Onnx__NodeProto **node = m->graph->node;
        for (size_t i = m->graph->n_node - 1; i > 0; i--) {
            size_t k = pick(&d, 0, (uint32_t)i);
            Onnx__NodeProto *kept = node[i];
            node[i] = node[k];
            node[k] = kept;
        }
        assert_no_difference(m);
    }
}

/* An input that is left out is not the result that a later node leaves out. */
static void what_has_no_name_is_made_by_nobody(void **state)
{
    Onnx__ModelProto *m = make_model(2, 6, 6);
    struct err_msg msg;
    (void)state;

    Onnx__NodeProto *clip = make_node(m, "Clip", "clip", "image - high", "a");
    Onnx__NodeProto *pool = make_node(m, "MaxPool", "pool", "a", "b");
    pool->output = realloc(pool->output, 2 * sizeof *pool->output);
    assert_non_null(pool->output);
    pool->output[pool->n_output++] = strdup("");
    assert_int_equal(onnx_order_nodes(m->graph, &msg), ERR_NONE);
    assert_ptr_equal(m->graph->node[0], clip);
    assert_ptr_equal(m->graph->node[1], pool);
    make_free(m);
}

static void doubles_serve_as_scales_and_biases(void **state)
{
    Onnx__ModelProto *m = good_model();
    Onnx__TensorProto *t = find_tensor(m, "conv1.b");
    double wide[4];
    (void)state;

    for (int i = 0; i < 4; i++)
        wide[i] = (double)biases[i];
    t->data_type = ONNX_TYPE(DOUBLE);
    free(t->raw_data.data);
    t->raw_data.data = malloc(sizeof wide);
    assert_non_null(t->raw_data.data);
    memcpy(t->raw_data.data, wide, sizeof wide);
    t->raw_data.len = sizeof wide;
    assert_no_difference(m);
}

static void initializers_may_be_listed_as_inputs(void **state)
{
    Onnx__ModelProto *m = good_model();
    Onnx__GraphProto *g = m->graph;
    (void)state;

    g->input = realloc(g->input, 2 * sizeof *g->input);
    assert_non_null(g->input);
    g->input[1] = malloc(sizeof **g->input);
    assert_non_null(g->input[1]);
    onnx__value_info_proto__init(g->input[g->n_input++]);
    g->input[1]->name = strdup("conv1.b");
    assert_no_difference(m);
}

static void the_batch_may_be_left_open(void **state)
{
    Onnx__ModelProto *m = good_model();
    Onnx__TensorShapeProto__Dimension *d =
        m->graph->input[0]->type->tensor_type->shape->dim[0];
    (void)state;

    d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
    d->dim_param = strdup("N");
    assert_no_difference(m);
}

static void operator_sets_10_to_20_are_read_alike(void **state)
{
    (void)state;
    for (int64_t set = 10; set <= 20; set++) {
        Onnx__ModelProto *m = good_model();
        m->opset_import[0]->version = set;
        make_rename(&m->opset_import[0]->domain, set % 2 ? "ai.onnx" : "");
        assert_no_difference(m);
    }
}

static void automatic_padding_is_what_it_says(void **state)
{
    static const struct {
        const char *text;
        int64_t     stride, dilation;
        uint32_t    before, after, out; // for 6 rows and a kernel of 3
    } cases[] = {
        {"SAME_UPPER", 1, 1, 1, 1, 6}, {"SAME_LOWER", 1, 1, 1, 1, 6}, {"VALID", 1, 1, 0, 0, 4},
        {"SAME_UPPER", 2, 1, 0, 1, 3}, {"SAME_LOWER", 2, 1, 1, 0, 3}, {"VALID", 2, 1, 0, 0, 2},
        {"SAME_UPPER", 4, 1, 0, 1, 2}, {"SAME_LOWER", 5, 1, 1, 1, 2}, {"NOTSET", 3, 1, 1, 1, 2},
        {"SAME_UPPER", 3, 1, 0, 0, 2}, {"SAME_UPPER", 1, 2, 2, 2, 6}, {"SAME_LOWER", 2, 2, 2, 1, 3},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Onnx__ModelProto *m = make_model(2, 6, 6);
        make_qdq(m, "image", "in", 0.5f, ONNX_TYPE(INT8), 0);
        add_conv(m, "conv1", "in", 2, "out");
        find_tensor(m, "conv1.w.scale")->dims[0] = 1;
        find_tensor(m, "conv1.w.scale")->raw_data.len = 4;
        Onnx__NodeProto *n = find_node(m, "conv1");
        make_text(n, "auto_pad", cases[i].text);
        make_ints(n, "strides", 2, (const int64_t[]){cases[i].stride, cases[i].stride});
        make_ints(n, "dilations", 2, (const int64_t[]){cases[i].dilation, cases[i].dilation});
        struct network network = accepted(m);
        const struct layer *l = layer_of(&network, "conv1");
        for (int axis = 0; axis < 2; axis++) {
            assert_int_equal(l->window.pad_before[axis], cases[i].before);
            assert_int_equal(l->window.pad_after[axis], cases[i].after);
        }
        assert_int_equal(l->out.height, cases[i].out);
        assert_int_equal(l->out.width, cases[i].out);
        assert_true(l->raw_output); // a Conv may be the end too
        network_release(&network);
    }
}

static void gemm_on_a_map_has_a_kernel_that_covers_it(void **state)
{
    Onnx__ModelProto *m = make_model(2, 3, 4);
    (void)state;

    make_qdq(m, "image", "in", 0.5f, ONNX_TYPE(INT8), 0);
    make_node(m, "Flatten", "flatten", "in", "flat");
    make_weights(m, "fc.w", (const int64_t[]){5, 24, -1}, numbers, 1, scales, 0);
    make_int(make_node(m, "Gemm", "fc", "flat fc.w", "out"), "transB", 1);
    struct network n = accepted(m);
    const struct layer *l = layer_of(&n, "fc");
    assert_int_equal(l->kind, LAYER_GEMM);
    assert_int_equal(l->window.kernel[0], 3);
    assert_int_equal(l->window.kernel[1], 4);
    assert_int_equal(layer_kernel_rows(l), 24);
    assert_memory_equal(l->weight, numbers, 120); // channel, row, column in both
    network_release(&n);
}

static void quantising_again_alike_changes_nothing(void **state)
{
    Onnx__ModelProto *m = make_model(2, 6, 6);
    (void)state;

    add_body(m);
    make_node(m, "QuantizeLinear", "again/Q", "b b.scale b.zero", "b2.q");
    make_node(m, "DequantizeLinear", "again/DQ", "b2.q b.scale b.zero", "b2");
    make_node(m, "GlobalAveragePool", "gap", "b2", "g");
    make_qdq(m, "g", "mean", 0.5f, ONNX_TYPE(UINT8), 3);
    make_node(m, "QuantizeLinear", "mean/Q2", "mean mean.scale mean.zero", "m2.q");
    make_node(m, "DequantizeLinear", "mean/DQ2", "m2.q mean.scale mean.zero", "mean2");
    make_node(m, "Flatten", "flatten", "mean2", "flat"); // behind the rounding: as good
    make_weights(m, "fc.w", (const int64_t[]){3, 4, -1}, numbers, 1, scales, 0);
    make_float_list(m, "fc.b", 3, biases);
    make_int(make_node(m, "Gemm", "fc", "flat fc.w fc.b", "out"), "transB", 1);
    assert_no_difference(m);
}

static void one_dequantisation_for_each_reader_will_do(void **state)
{
    Onnx__ModelProto *m = good_model();
    (void)state;

    make_node(m, "DequantizeLinear", "a/DQ2", "a.q a.scale a.zero", "a2");
    move_last(m, "add");
    make_rename(&find_node(m, "add")->input[1], "a2");
    assert_no_difference(m);
}

static void a_quantised_result_is_delivered_as_bytes(void **state)
{
    Onnx__ModelProto *m = good_model();
    (void)state;

    make_rename(&find_node(m, "fc")->output[0], "logits");
    make_qdq(m, "logits", "out", 0.125f, ONNX_TYPE(INT8), -5);
    struct network n = accepted(m);
    const struct layer *l = network_result(&n);
    assert_false(l->raw_output);
    assert_true(l->out_signed);
    assert_int_equal(l->out_zero, -5);
    assert_int_equal(l->requant.low, -128);
    network_release(&n);
}

/* ---- What is refused ---- */

struct refusal {
    void      (*change)(Onnx__ModelProto *m);
    const char *want;
};

static void set_float(Onnx__ModelProto *m, const char *tensor, float v)
{
    memcpy(find_tensor(m, tensor)->raw_data.data, &v, sizeof v);
}

static void set_op(Onnx__ModelProto *m, const char *node, const char *op)
{
    make_rename(&find_node(m, node)->op_type, op);
}

static void set_input(Onnx__ModelProto *m, const char *node, size_t i, const char *value)
{
    make_rename(&find_node(m, node)->input[i], value);
}

#define CHANGE(name, ...) \
    static void name(Onnx__ModelProto *m) \
    { \
        __VA_ARGS__; \
    }

CHANGE(unknown_operator, set_op(m, "relu1", "Det"))
CHANGE(softmax_inside, set_op(m, "relu1", "Softmax"))
CHANGE(unnamed_operator, free(find_node(m, "relu1")->op_type);
       find_node(m, "relu1")->op_type = NULL)
CHANGE(foreign_domain, make_rename(&find_node(m, "relu1")->domain, "com.microsoft"))
CHANGE(unknown_attribute, make_int(find_node(m, "conv1"), "block_size", 4))
CHANGE(attribute_twice, make_ints(find_node(m, "conv1"), "pads", 1, (const int64_t[]){1}))
CHANGE(attribute_type, find_attribute(find_node(m, "conv1"), "pads")->type =
                           ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT)
CHANGE(too_many_inputs, set_op(m, "add", "Relu"))
CHANGE(too_few_inputs, remove_input(find_node(m, "add")))
CHANGE(input_left_out, set_input(m, "add", 1, ""))
CHANGE(no_output, make_rename(&find_node(m, "relu1")->output[0], ""))
CHANGE(input_of_nothing, set_input(m, "relu1", 0, "ghost"))
CHANGE(input_of_later, set_input(m, "relu1", 0, "c2"))
CHANGE(input_of_itself, set_input(m, "relu1", 0, "r1"))
CHANGE(two_makers, make_rename(&find_node(m, "relu1")->output[0], "c2"))
CHANGE(made_as_constant, make_rename(&find_node(m, "relu1")->output[0], "fc.b"))
CHANGE(constant_twice, make_rename(&find_tensor(m, "conv1.b")->name, "conv2.b"))
CHANGE(image_made_again, make_rename(&find_node(m, "relu1")->output[0], "image"))
CHANGE(no_graph, onnx__graph_proto__free_unpacked(m->graph, NULL); m->graph = NULL)
CHANGE(old_set, m->opset_import[0]->version = 6)
CHANGE(set_before_qdq, m->opset_import[0]->version = 9)
CHANGE(new_set, m->opset_import[0]->version = 27)
CHANGE(no_set, make_rename(&m->opset_import[0]->domain, "other"))
CHANGE(no_result, make_rename(&m->graph->output[0]->name, "ghost"))
CHANGE(result_is_constant, make_rename(&m->graph->output[0]->name, "fc.b"))
CHANGE(result_is_fork, make_rename(&m->graph->output[0]->name, "c1"))
CHANGE(no_image, make_rename(&m->graph->input[0]->name, "fc.b"))

static Onnx__TypeProto__Tensor *image_tensor(Onnx__ModelProto *m)
{
    return m->graph->input[0]->type->tensor_type;
}

CHANGE(image_of_bytes, image_tensor(m)->elem_type = ONNX_TYPE(UINT8))
CHANGE(image_of_3, protobuf_c_message_free_unpacked(&image_tensor(m)->shape->dim[3]->base, NULL);
       image_tensor(m)->shape->n_dim = 3)
CHANGE(image_open_rows, image_tensor(m)->shape->dim[2]->value_case =
                            ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE__NOT_SET)
CHANGE(image_negative, image_tensor(m)->shape->dim[3]->dim_value = -6)
CHANGE(image_huge, image_tensor(m)->shape->dim[3]->dim_value = INT64_C(1) << 40)
CHANGE(image_without_type, onnx__type_proto__free_unpacked(m->graph->input[0]->type, NULL);
       m->graph->input[0]->type = NULL)

CHANGE(tensor_type, find_tensor(m, "conv1.b")->data_type = ONNX_TYPE(UINT32))
CHANGE(tensor_type_unknown, find_tensor(m, "conv1.b")->data_type = 99)
CHANGE(tensor_dims, find_tensor(m, "conv1.w.q")->dims[0] = 5)
CHANGE(tensor_too_long, find_tensor(m, "conv1.w.q")->dims[0] = 3)
CHANGE(tensor_negative, find_tensor(m, "conv1.w.q")->dims[0] = -4)
CHANGE(tensor_huge, find_tensor(m, "conv1.w.q")->dims[0] = INT64_C(1) << 31)
CHANGE(tensor_product, find_tensor(m, "conv1.w.q")->dims[0] = 1 << 30)
CHANGE(tensor_empty, find_tensor(m, "conv1.w.q")->dims[1] = 0;
       find_tensor(m, "conv1.w.q")->raw_data.len = 0)
CHANGE(tensor_external, find_tensor(m, "conv1.b")->has_data_location = 1;
       find_tensor(m, "conv1.b")->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
CHANGE(tensor_value, into_field(find_tensor(m, "conv1.w.q"));
       find_tensor(m, "conv1.w.q")->int32_data[7] = 128)

static void tensor_of_9_dims(Onnx__ModelProto *m)
{
    Onnx__TensorProto *t = find_tensor(m, "conv1.b");

    free(t->dims);
    t->dims = calloc(9, sizeof *t->dims);
    assert_non_null(t->dims);
    t->n_dims = 9;
}

CHANGE(scale_nan, set_float(m, "a.scale", NAN))
CHANGE(scale_infinite, set_float(m, "a.scale", INFINITY))
CHANGE(scale_zero, set_float(m, "a.scale", 0))
CHANGE(scale_negative, set_float(m, "conv1.w.scale", -0.25f))
CHANGE(scale_of_bytes, set_input(m, "a/Q", 1, "a.zero"))
CHANGE(scale_of_many, set_input(m, "a/Q", 1, "conv1.w.scale"))
CHANGE(scale_is_a_map, set_input(m, "a/Q", 1, "in"))
CHANGE(zero_of_float, set_input(m, "a/Q", 2, "a.scale"))
CHANGE(zero_is_a_map, set_input(m, "a/Q", 2, "in"))
CHANGE(type_changes, set_input(m, "a/DQ", 2, "in.zero"))
CHANGE(scale_absurd, set_float(m, "a.scale", 1e-30f))
CHANGE(bias_absurd, set_float(m, "conv1.b", 3e38f))
CHANGE(bias_nan, set_float(m, "conv1.b", NAN))
CHANGE(bias_short, set_input(m, "conv1", 2, "fc.b"))
CHANGE(bias_of_bytes, set_input(m, "conv1", 2, "conv1.w.q"))
CHANGE(bias_is_a_map, set_input(m, "conv2", 2, "in"))
CHANGE(logit_bias_absurd, set_float(m, "fc.b", 3e9f))

static void weight_zero(Onnx__ModelProto *m)
{
    Onnx__NodeProto *n = find_node(m, "conv1.w/DQ");
    static const int8_t zeros[] = {0, 0, 127, 0};

    make_tensor(m, "zeros", ONNX_TYPE(INT8), (const int64_t[]){4, -1}, zeros, 4);
    n->input = realloc(n->input, 3 * sizeof *n->input);
    assert_non_null(n->input);
    n->input[n->n_input++] = strdup("zeros");
}

CHANGE(weight_zero_type, weight_zero(m); find_tensor(m, "zeros")->data_type = ONNX_TYPE(UINT8))

/* uint16 all of whose bytes are 255. */
static void weights_uint16(Onnx__ModelProto *m)
{
    Onnx__TensorProto *t = find_tensor(m, "conv1.w.q");

    t->data_type = ONNX_TYPE(UINT16);
    t->raw_data.len *= 2;
    t->raw_data.data = realloc(t->raw_data.data, t->raw_data.len);
    assert_non_null(t->raw_data.data);
    memset(t->raw_data.data, 255, t->raw_data.len);
}

CHANGE(weights_float, set_input(m, "conv1", 1, "conv1.w.scale"))
CHANGE(weights_are_a_map, set_input(m, "conv2", 1, "in"))
CHANGE(weights_of_2_dims, find_tensor(m, "conv1.w.q")->n_dims = 2;
       find_tensor(m, "conv1.w.q")->dims[1] = 18)
CHANGE(weight_axis, find_attribute(find_node(m, "conv2.w/DQ"), "axis")->i = 1)
CHANGE(weight_axis_length, find_attribute(find_node(m, "conv1.w/DQ"), "axis")->i = 1)
CHANGE(weight_axis_beyond, find_attribute(find_node(m, "conv1.w/DQ"), "axis")->i = 4)
CHANGE(dequantised_float, set_input(m, "conv1.w/DQ", 0, "conv1.w.scale"))
CHANGE(dequantised_image, set_input(m, "in/DQ", 0, "image"))
CHANGE(float_image_in_conv, set_input(m, "conv1", 0, "image"))
CHANGE(unquantised_map_in_conv, set_input(m, "conv2", 0, "r1"); set_input(m, "add", 1, "r1"))
CHANGE(fork_before_rounding, set_input(m, "add", 1, "c1"))
CHANGE(two_quantised_maps, set_input(m, "add", 0, "in"))
CHANGE(sum_of_constants, set_input(m, "add", 1, "conv1.b"))
CHANGE(other_shape, set_input(m, "add", 1, "in"))
CHANGE(flattened_image, set_input(m, "flatten", 0, "image"))
CHANGE(flatten_axis, find_attribute(find_node(m, "flatten"), "axis")->i = 2)
CHANGE(pooled_unrounded, set_input(m, "gap", 0, "r2"); remove_node(m, "b/DQ");
       remove_node(m, "b/Q"))
CHANGE(gemm_on_a_map, set_input(m, "fc", 0, "b"))
CHANGE(gemm_inputs, find_attribute(find_node(m, "fc"), "transB")->i = 0)
CHANGE(gemm_transposed, make_int(find_node(m, "fc"), "transA", 1))
CHANGE(gemm_alpha, make_float(find_node(m, "fc"), "alpha", -1))
CHANGE(gemm_alpha_nan, make_float(find_node(m, "fc"), "alpha", NAN))
CHANGE(gemm_alpha_infinite, make_float(find_node(m, "fc"), "alpha", INFINITY))

static int64_t *pads(Onnx__ModelProto *m)
{
    return find_attribute(find_node(m, "conv1"), "pads")->ints;
}

CHANGE(pads_negative, pads(m)[2] = -1)
CHANGE(pads_huge, pads(m)[2] = INT64_C(1) << 33)
CHANGE(pads_of_two, find_attribute(find_node(m, "conv1"), "pads")->n_ints = 2)
CHANGE(stride_0, make_ints(find_node(m, "conv1"), "strides", 2, (const int64_t[]){1, 0}))
CHANGE(dilation_huge, make_ints(find_node(m, "conv1"), "dilations", 2, (const int64_t[]){1, 65537}))
CHANGE(kernel_too_large, make_ints(find_node(m, "conv1"), "dilations", 2, (const int64_t[]){9, 1}))
CHANGE(kernel_shape, make_ints(find_node(m, "conv1"), "kernel_shape", 2, (const int64_t[]){3, 5}))
CHANGE(auto_pad, make_text(find_node(m, "conv1"), "auto_pad", "SAME"))
CHANGE(groups, make_int(find_node(m, "conv1"), "group", 2))
CHANGE(groups_0, make_int(find_node(m, "conv1"), "group", 0))
CHANGE(groups_huge, make_int(find_node(m, "conv1"), "group", INT64_C(1) << 32))
CHANGE(groups_negative, make_int(find_node(m, "conv1"), "group", INT64_MIN))

static void per_channel_logits(Onnx__ModelProto *m)
{
    make_float_list(m, "three", 3, scales);
    set_input(m, "fc.w/DQ", 1, "three");
}

static void sum_then_sum(Onnx__ModelProto *m)
{
    make_node(m, "Add", "again", "s2 a", "s3");
    move_last(m, "relu2");
    set_input(m, "relu2", 0, "s3");
}

static void sum_behind_relu(Onnx__ModelProto *m)
{
    make_node(m, "Add", "again", "r1 in", "s0");
    move_last(m, "a/Q");
    set_input(m, "a/Q", 0, "s0");
}

static void bias_of_2_dims(Onnx__ModelProto *m)
{
    static const float two_lists[8];

    make_tensor(m, "wide", ONNX_TYPE(FLOAT), (const int64_t[]){2, 4, -1}, two_lists,
                sizeof two_lists);
    set_input(m, "conv1", 2, "wide");
}

static void sum_after_relu(Onnx__ModelProto *m)
{
    make_node(m, "Add", "again", "r2 a", "s3");
    move_last(m, "b/Q");
    set_input(m, "b/Q", 0, "s3");
}

static void image_quantised_twice(Onnx__ModelProto *m)
{
    make_node(m, "QuantizeLinear", "image/Q2", "image b.scale b.zero", "i2.q");
    move_last(m, "conv1");
    make_output(m, "a.q", 0, NULL); // the first is read as well
    set_input(m, "a/DQ", 0, "i2.q");
}

static void two_images(Onnx__ModelProto *m)
{
    Onnx__GraphProto *g = m->graph;

    g->input = realloc(g->input, 2 * sizeof *g->input);
    assert_non_null(g->input);
    g->input[1] = malloc(sizeof **g->input);
    assert_non_null(g->input[1]);
    onnx__value_info_proto__init(g->input[g->n_input++]);
    g->input[1]->name = strdup("second");
}

/* One of them no operator of ours. */
static void add_unread(Onnx__ModelProto *m)
{
    make_node(m, "Flatten", "idle", "a", "i1");
    make_node(m, "Det", "idler", "i1", "i2");
}

static void nodes_that_lead_to_no_output_are_left_out(void **state)
{
    Onnx__ModelProto *model = good_model();
    struct onnx_graph g;
    struct err_msg m;

    (void)state;
    add_unread(model);
    assert_int_equal(onnx_graph_init(&g, model, 10, &m), ERR_NONE);
    assert_int_equal(g.n_node + 2, model->graph->n_node);
    assert_int_equal(g.value[onnx_graph_find(&g, "a")].n_reader, 2); // conv2, add
    onnx_graph_tell_unread(&g, &m);
    assert_string_equal(m.text, "node \"idle\" (Flatten): and 1 more lead to no output: they are "
                                "left out");
    onnx_graph_release(&g);
    assert_no_difference(model);
}

static void all_behind_the_result_is_left_out(void **state)
{
    Onnx__ModelProto *model = good_model();

    (void)state;
    make_rename(&model->graph->output[0]->name, "a");
    struct network n = accepted(model);
    assert_int_equal(n.n_layer, 2); // the image and conv1
    assert_string_equal(n.layer[1].name, "conv1");
    network_release(&n);
}

static void image_twice(Onnx__ModelProto *m)
{
    two_images(m);
    make_rename(&m->graph->input[1]->name, "image");
}

static void each_thing_that_is_not_understood_has_its_error(void **state)
{
    static const struct refusal refusals[] = {
        {unknown_operator, "node \"relu1\" (Det): no such operator here: want those that"},
        {softmax_inside, "node \"relu1\" (Softmax): is not the end of the network: want"},
        {unnamed_operator, "node \"relu1\" (): no such operator"},
        {foreign_domain, "node \"relu1\" (com.microsoft.Relu): no such operator"},
        {unknown_attribute, "node \"conv1\" (Conv): attribute \"block_size\" is not understood"},
        {attribute_twice, "node \"conv1\" (Conv): attribute pads is given twice"},
        {attribute_type, "node \"conv1\" (Conv): attribute pads has type 2: want integers"},
        {too_many_inputs, "node \"add\" (Relu): 2 inputs: want 1 to 1"},
        {too_few_inputs, "node \"add\" (Add): 1 inputs: want 2 to 2"},
        {input_left_out, "node \"add\" (Add): input 1 is left out"},
        {no_output, "node \"a/Q\" (QuantizeLinear): input \"r1\" is made by nothing"},
        {input_of_nothing, "node \"relu1\" (Relu): input \"ghost\" is made by nothing"},
        {input_of_later, "node \"a/Q\" (QuantizeLinear): input \"r1\" is made from the node's own "
                         "result: want a graph without cycles"},
        {input_of_itself, "node \"relu1\" (Relu): input \"r1\" is made by the node itself"},
        {two_makers, "value \"c2\" is made by node \"relu1\" and by node \"conv2\": want unique"},
        {made_as_constant, "value \"fc.b\" is made by an initializer and by node \"relu1\""},
        {constant_twice, "value \"conv2.b\" is made by an initializer and by an initializer"},
        {image_made_again, "value \"image\" is made by a graph input and by node \"relu1\""},
        {no_graph, "no graph in it"},
        {old_set, "operator set 6: want 7 to 26"},
        {set_before_qdq, "node \"in/Q\" (QuantizeLinear): not in operator set 9: want 10"},
        {new_set, "operator set 27: want 7 to 26"},
        {no_set, "operator set 0: want 7 to 26"},
        {no_result, "graph output \"ghost\" is made by nothing"},
        {result_is_constant, "graph input \"image\" leads to no output: want a network"},
        {result_is_fork,
         "node \"conv1\" (Conv): its sums are the result and have scales that differ"},
        {no_image, "node \"in/Q\" (QuantizeLinear): input \"image\" is made by nothing"},
        {image_of_bytes, "node \"in/Q\" (QuantizeLinear): rounds an image of uint8: want Dequant"},
        {image_of_3, "node \"conv1\" (Conv): weights of 4 dimensions: want 3"},
        {image_open_rows, "graph input \"image\": dimension 2 is 0 (left open): want 1 to 65536"},
        {image_negative, "graph input \"image\": dimension 3 is -6: want 1 to 65536"},
        {image_huge, "graph input \"image\": dimension 3 is 1099511627776: want 1 to 65536"},
        {image_without_type, "graph input \"image\": want a tensor of float"},
        {tensor_type, "tensor \"conv1.b\": type 12 (uint32): want floats of"},
        {tensor_type_unknown, "tensor \"conv1.b\": type 99 (an unknown type): want"},
        {tensor_dims, "tensor \"conv1.w.q\": 72 bytes of data: want 90"},
        {tensor_too_long, "tensor \"conv1.w.q\": 72 bytes of data: want 54"},
        {tensor_negative, "tensor \"conv1.w.q\": dimension 0 of -4: want 0 to 2^31 - 1"},
        {tensor_huge, "tensor \"conv1.w.q\": dimension 0 of 2147483648: want 0 to 2^31 - 1"},
        {tensor_product, "tensor \"conv1.w.q\": dimensions that multiply to 2^31 or more"},
        {tensor_of_9_dims, "tensor \"conv1.b\": more than 8 dimensions"},
        {tensor_empty, "node \"conv1\" (Conv): its weights are empty"},
        {tensor_external, "tensor \"conv1.b\": its data are in a file that is not named"},
        {tensor_value, "tensor \"conv1.w.q\": value 128: want -128 to 127, it is int8"},
        {scale_nan, "node \"a/Q\" (QuantizeLinear): scale 0 is nan: want a positive finite"},
        {scale_infinite, "node \"a/Q\" (QuantizeLinear): scale 0 is inf: want"},
        {scale_zero, "node \"a/Q\" (QuantizeLinear): scale 0 is 0: want"},
        {scale_negative, "node \"conv1.w/DQ\" (DequantizeLinear): scale 0 is -0.25: want"},
        {scale_of_bytes, "node \"a/Q\" (QuantizeLinear): its scale is uint8: want float"},
        {scale_of_many, "node \"a/Q\" (QuantizeLinear): 4 scales for an activation: want one"},
        {scale_is_a_map, "node \"a/Q\" (QuantizeLinear): its scale is a dequantised map"},
        {zero_of_float, "node \"a/Q\" (QuantizeLinear): its zero point is 1 float: want one "},
        {zero_is_a_map, "node \"a/Q\" (QuantizeLinear): its zero point is a dequantised map"},
        {type_changes, "node \"a/DQ\" (DequantizeLinear): reads bytes of scale 0.25 and zero point "
                       "0 (uint8) as 0.25 and 0 (int8)"},
        {scale_absurd, "node \"a/Q\" (QuantizeLinear): output 0: scales that make one step of a "
                       "sum"},
        {bias_absurd, "node \"a/Q\" (QuantizeLinear): output 0: a bias of"},
        {bias_nan, "node \"conv1\" (Conv): bias 0 is nan"},
        {bias_short, "node \"conv1\" (Conv): its bias has 3 values: want a list of 4"},
        {bias_of_bytes, "node \"conv1\" (Conv): its bias is a stored tensor"},
        {bias_is_a_map, "node \"conv2\" (Conv): its bias is a dequantised map"},
        {logit_bias_absurd, "layer fc: output 0 may reach a sum of "},
        {weight_zero_type, "node \"conv1.w/DQ\" (DequantizeLinear): its zero points are uint8: "
                           "want int8"},
        {weights_uint16, "node \"conv1\" (Conv): weight 0 less its zero point is 65535: want 16 "
                         "bits, -32768 to 32767"},
        {weights_float, "node \"conv1\" (Conv): its weights are a stored tensor: want integers"},
        {weights_are_a_map, "node \"conv2\" (Conv): its weights are a dequantised map: want "
                            "integers"},
        {weights_of_2_dims, "node \"conv1\" (Conv): weights of 2 dimensions: want 4"},
        {weight_axis, "node \"conv2\" (Conv): the scales of its weights run along axis 1: want"},
        {weight_axis_length, "node \"conv1.w/DQ\" (DequantizeLinear): 4 scales along axis 1: want"},
        {weight_axis_beyond, "node \"conv1.w/DQ\" (DequantizeLinear): 4 scales along axis 4: want"},
        {dequantised_float, "node \"conv1.w/DQ\" (DequantizeLinear): reads a stored float: want"},
        {dequantised_image, "node \"in/DQ\" (DequantizeLinear): input 0 is the unquantised image"},
        {float_image_in_conv, "node \"conv1\" (Conv): input 0 is the unquantised image: want"},
        {unquantised_map_in_conv, "node \"conv2\" (Conv): input 0 is an unquantised result: want"},
        {fork_before_rounding, "node \"a/Q\" (QuantizeLinear): rounds a function of a sum that"},
        {two_quantised_maps, "node \"add\" (Add): adds 6x6x4 (rows x columns x channels) to 6x6x2"},
        {sum_of_constants, "node \"add\" (Add): 4 constants in 1 dimensions: want one, or"},
        {other_shape, "node \"add\" (Add): adds 6x6x2 (rows x columns x channels) to 6x6x4"},
        {flattened_image, "node \"flatten\" (Flatten): reshapes the unquantised image: want"},
        {flatten_axis, "node \"fc\" (Gemm): reads a map whose last dimension is not its channels"},
        {pooled_unrounded, "node \"gap\" (GlobalAveragePool): input 0 is an unquantised result"},
        {gemm_on_a_map, "node \"fc\" (Gemm): weights of 2 dimensions on a map of 4: want Flatten"},
        {gemm_inputs, "node \"fc\" (Gemm): weights for 3 inputs on a map of 4 values"},
        {gemm_transposed, "node \"fc\" (Gemm): transA is 1: want 0"},
        {gemm_alpha, "node \"fc\" (Gemm): alpha is -1: want a positive"},
        {gemm_alpha_nan, "node \"fc\" (Gemm): alpha is nan: want a positive"},
        {gemm_alpha_infinite, "node \"fc\" (Gemm): alpha is inf: want a positive"},
        {pads_negative, "node \"conv1\" (Conv): attribute pads holds -1: want 0 to 65536"},
        {pads_huge, "node \"conv1\" (Conv): attribute pads holds 8589934592: want 0 to 65536"},
        {pads_of_two, "node \"conv1\" (Conv): attribute pads has 2 values: want 4"},
        {stride_0, "node \"conv1\" (Conv): attribute strides holds 0: want 1 to 65536"},
        {dilation_huge, "node \"conv1\" (Conv): attribute dilations holds 65537: want 1 to 65536"},
        {kernel_too_large, "node \"conv1\" (Conv): its kernel is larger than the padded map of"},
        {kernel_shape, "node \"conv1\" (Conv): kernel_shape is 3x5: want the 3x3 of its weights"},
        {auto_pad, "node \"conv1\" (Conv): auto_pad is \"SAME\": want NOTSET, SAME_UPPER"},
        {groups, "node \"conv1\" (Conv): weights 4x2x3x3 in 2 groups on a map of 2 channels"},
        {groups_0, "node \"conv1\" (Conv): weights 4x2x3x3 in 0 groups"},
        {groups_huge, "node \"conv1\" (Conv): weights 4x2x3x3 in 4294967296 groups"},
        {groups_negative, "node \"conv1\" (Conv): weights 4x2x3x3 in -9223372036854775808 groups"},
        {per_channel_logits, "node \"fc\" (Gemm): its sums are the result and have scales that "
                             "differ: want"},
        {sum_then_sum, "node \"again\" (Add): adds to what is already a sum"},
        {sum_behind_relu, "node \"again\" (Add): adds to what is already cut by Relu"},
        {bias_of_2_dims, "node \"conv1\" (Conv): its bias has 8 values: want a list of 4"},
        {sum_after_relu, "node \"again\" (Add): adds to what is already a sum"},
        {image_quantised_twice, "node \"image/Q2\" (QuantizeLinear): quantises the image a second "
                                "time and differently"},
        {two_images, "graph input \"second\" is one more: want one"},
        {image_twice, "value \"image\" is made by a graph input and by a graph input"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        Onnx__ModelProto *m = good_model();
        refusals[i].change(m);
        assert_refused(m, refusals[i].want);
    }
}

/* ---- The file ---- */

static void assert_bytes_refused(const uint8_t *bytes, size_t size, const char *want)
{
    struct network n;
    struct err_msg msg = {"accepted"};
    uint8_t *exact = malloc(size ? size : 1); // so that a sanitizer sees reads beyond the end

    assert_non_null(exact);
    memcpy(exact, bytes, size);
    if (network_decode_onnx(&n, "made", exact, size, &msg) != ERR_INPUT ||
        !strstr(msg.text, want) || !strstr(msg.text, "want "))
        fail_msg("%zu bytes: \"%s\", want \"...%s...\"", size, msg.text, want);
    free(exact);
}

static void a_model_cut_off_anywhere_is_refused(void **state)
{
    Onnx__ModelProto *m = good_model();
    size_t size;
    uint8_t *bytes = make_packed(m, &size);
    (void)state;

    for (size_t n = 0; n < size; n++)
        assert_bytes_refused(bytes, n, "");
    assert_bytes_refused(bytes, size - 1, "byte ");
    free(bytes);
    make_free(m);
}

static void the_error_of_a_corrupt_model_says_where(void **state)
{
    static const struct {
        const char *bytes;
        size_t      size;
        const char *want;
    } cases[] = {
        {"", 0, "no graph in it"},
        {"network:", 8, "byte 1, in model: a field of unknown type"},
        {"\x80", 1, "byte 0, in model: cut off inside a field's tag"},
        {"\x08", 1, "byte 1, in model: cut off inside a number"},
        {"\x0d\1\2\3", 4, "byte 1, in model: cut off inside a number"},
        {"\x09\1\2\3\4\5\6\7", 8, "byte 1, in model: cut off inside a number"},
        {"\x0b", 1, "byte 1, in model: a field of unknown type"},
        {"\x3a", 1, "byte 1, in model: cut off inside a length"},
        {"\x3a\5\x0a\3\x22\2", 6, "byte 2, in model: a length beyond"},
        {"\x3a\4\x0a\3\x22\2", 6, "byte 4, in model.graph: a length beyond"},
        {"\x3a\6\x0a\4\x2a\2\x0a\1", 8, "in model.graph.node.attribute: a length beyond"},
        {"\x3a\x80\x80\x80\x80\x08", 6, "byte 6, in model: a length beyond"},          // 2^31
        {"\x3a\xff\xff\xff\xff\x0f", 6, "byte 6, in model: a length beyond"},          // 2^32 - 1
        {"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, "a length beyond"}, // 2^64 - 1
        {"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12, "cut off inside a length"},
        {"\x3a\0\x3a\0", 4, "byte 4, in model: the same field twice"},
        {"\x38\1", 2, "fields of the wrong type"}, // the graph as a number
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_bytes_refused((const uint8_t *)cases[i].bytes, cases[i].size, cases[i].want);
}

/* Puts a message around what lies in bytes[*at] to the end. */
static void wrap(uint8_t *bytes, size_t end, size_t *at, uint8_t tag)
{
    size_t n = end - *at;
    uint8_t length[5];
    int k = 0;

    do
        length[k++] = (uint8_t)((n & 0x7f) | (n > 0x7f ? 0x80 : 0));
    while (n >>= 7);
    while (k > 0)
        bytes[--*at] = length[--k];
    bytes[--*at] = tag;
}

static void deep_nesting_is_refused_before_the_stack_is_gone(void **state)
{
    enum { SIZE = 4 << 20 };
    static const int levels[] = {30, 31, 600000}; // inside model and graph
    static const uint8_t tags[] = {0x0a, 0x2a, 0x32}; // graph.node, node.attribute, attribute.g
    uint8_t *bytes = malloc(SIZE);
    (void)state;

    assert_non_null(bytes);
    for (int k = 0; k < 3; k++) {
        size_t at = SIZE;
        for (int i = levels[k]; i > 0; i--)
            wrap(bytes, SIZE, &at, tags[(i - 1) % 3]);
        wrap(bytes, SIZE, &at, 0x3a); // model.graph
        assert_bytes_refused(bytes + at, SIZE - at,
                             k == 0 ? "operator set 0" : "messages nested more than 32 deep");
    }
    free(bytes);
}

static void a_file_that_unpacks_to_many_times_its_size_is_refused(void **state)
{
    enum { N_NODE = 2000000, SIZE = 2 * N_NODE + 16 }; // of two bytes each
    uint8_t *bytes = malloc(SIZE);
    size_t at = SIZE;
    (void)state;

    assert_non_null(bytes);
    for (int i = 0; i < N_NODE; i++) {
        bytes[--at] = 0;
        bytes[--at] = 0x0a;
    }
    wrap(bytes, SIZE, &at, 0x3a);
    assert_bytes_refused(bytes + at, SIZE - at, "unpacks to more than 64 MiB and 16 times its");
    free(bytes);
}

static void weights_shared_by_many_nodes_are_refused_before_memory_is_gone(void **state)
{
    enum { OUTPUTS = 1 << 18 }; // 2^18 weights once; 8 times the file and a MiB in all
    Onnx__ModelProto *m = make_model(1, 1, 1);
    const float scale = 0.5f;
    int8_t *weights = calloc(OUTPUTS, 1);
    (void)state;

    assert_non_null(weights);
    make_qdq(m, "image", "x0", scale, ONNX_TYPE(INT8), 0);
    make_weights(m, "w", (const int64_t[]){OUTPUTS, 1, 1, 1, -1}, weights, 1, &scale, 0);
    for (int i = 1; i < 100; i++) {
        char output[16];
        snprintf(output, sizeof output, "x%d", i);
        make_node(m, "Conv", "", "x0 w", output);
        make_node(m, "Relu", "", output, i < 99 ? "-" : "out");
        make_rename(&m->graph->node[m->graph->n_node - 1]->output[0], i < 99 ? output + 1 : "out");
    }
    for (int i = 1; i < 99; i++) { // somebody reads them, much later
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        Onnx__NodeProto *last = m->graph->node[m->graph->n_node - 1];
        last->input = realloc(last->input, (last->n_input + 1) * sizeof *last->input);
        assert_non_null(last->input);
        last->input[last->n_input++] = strdup(name);
    }
    assert_refused(m, "node \"x13\" (Conv): its weights are stored once and used by many nodes");
    free(weights);
}

static void files_that_cannot_be_read_are_refused_by_name(void **state)
{
    char path[TMPDIR_PATH_MAX], want[2 * TMPDIR_PATH_MAX];
    struct network n;
    struct err_msg msg;

    snprintf(want, sizeof want, "%s: cannot open: No such file or directory: want",
             tmpdir_path(path, *state, "ghost.onnx"));
    assert_int_equal(network_load_onnx(&n, path, &msg), ERR_INPUT);
    assert_memory_equal(msg.text, want, strlen(want));

    snprintf(want, sizeof want, "%s: not a regular file: want", (char *)*state);
    assert_int_equal(network_load_onnx(&n, *state, &msg), ERR_INPUT);
    assert_memory_equal(msg.text, want, strlen(want));

    tmpdir_write(*state, "empty.onnx", "", 0);
    snprintf(want, sizeof want, "%s: no graph in it: want",
             tmpdir_path(path, *state, "empty.onnx"));
    assert_int_equal(network_load_onnx(&n, path, &msg), ERR_INPUT);
    assert_memory_equal(msg.text, want, strlen(want));
    assert_null(n.layer);
}

static void the_network_is_called_as_the_file(void **state)
{
    static const char *const cases[][2] = {
        {"some.onnx", "some"}, {"some", "some"}, {".onnx", ".onnx"}, {"a.b.onnx", "a.b"}};
    Onnx__ModelProto *m = good_model();
    char path[TMPDIR_PATH_MAX];
    size_t size;
    uint8_t *bytes = make_packed(m, &size);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct network n;
        struct err_msg msg;
        tmpdir_write(*state, cases[i][0], bytes, size);
        if (network_load_onnx(&n, tmpdir_path(path, *state, cases[i][0]), &msg))
            fail_msg("%s", msg.text);
        assert_string_equal(n.name, cases[i][1]);
        network_release(&n);
    }
    free(bytes);
    make_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_layer_is_all_between_two_quantisations),
        cmocka_unit_test(a_shortcut_listed_after_the_main_path_comes_first_all_the_same),
        cmocka_unit_test(names_become_readable_and_unique),
        cmocka_unit_test(typed_fields_and_raw_data_say_the_same),
        cmocka_unit_test(nodes_of_any_order_make_the_same_network),
        cmocka_unit_test(what_has_no_name_is_made_by_nobody),
        cmocka_unit_test(doubles_serve_as_scales_and_biases),
        cmocka_unit_test(initializers_may_be_listed_as_inputs),
        cmocka_unit_test(the_batch_may_be_left_open),
        cmocka_unit_test(operator_sets_10_to_20_are_read_alike),
        cmocka_unit_test(automatic_padding_is_what_it_says),
        cmocka_unit_test(gemm_on_a_map_has_a_kernel_that_covers_it),
        cmocka_unit_test(quantising_again_alike_changes_nothing),
        cmocka_unit_test(one_dequantisation_for_each_reader_will_do),
        cmocka_unit_test(a_quantised_result_is_delivered_as_bytes),
        cmocka_unit_test(nodes_that_lead_to_no_output_are_left_out),
        cmocka_unit_test(all_behind_the_result_is_left_out),
        cmocka_unit_test(each_thing_that_is_not_understood_has_its_error),
        cmocka_unit_test(a_model_cut_off_anywhere_is_refused),
        cmocka_unit_test(the_error_of_a_corrupt_model_says_where),
        cmocka_unit_test(deep_nesting_is_refused_before_the_stack_is_gone),
        cmocka_unit_test(a_file_that_unpacks_to_many_times_its_size_is_refused),
        cmocka_unit_test(weights_shared_by_many_nodes_are_refused_before_memory_is_gone),
        cmocka_unit_test_setup_teardown(files_that_cannot_be_read_are_refused_by_name, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(the_network_is_called_as_the_file, tmpdir_make,
                                        tmpdir_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
