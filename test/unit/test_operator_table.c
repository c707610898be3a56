/* The operators that files of transformers have, a row each: what becomes of it behind a rounded
 * map of tokens in a quantised file, and in a float one under import: read or refused with a cure.
 * Values: test_onnx_tokens, test_import_transformers, test_float_attention. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "import/import.h"
#include "network/onnx/file.h"
#include "network/onnx/prepare.h"
#include "network/onnx/read.h"
#include "test/onnx_make.h"

enum { TOKENS = 3, HIDDEN = 4 };

#define MS "com.microsoft"

struct row {
    const char *op, *domain, *more; // inputs behind x, of stored()
    int         opset;
    const char *quantised, *floats; // NULL: read; else what the refusal holds
    int         inputs;             // x comes so many times; 0: once
};

static const struct row rows[] = {
    /* linear */
    { "MatMul", NULL, "matrix", 17, NULL, NULL, 0 },
    { "FusedMatMul", MS, "matrix", 17, NULL, NULL, 0 },
    { "Add", NULL, "each", 17, NULL, NULL, 0 },
    { "Sub", NULL, "each", 17, NULL, NULL, 0 },
    /* norms */
    { "LayerNormalization", NULL, "each each", 17, NULL, NULL, 0 },
    { "LayerNormalization", NULL, "each each", 13, NULL, NULL, 0 },
    { "RMSNormalization", NULL, "each", 23, NULL, NULL, 0 },
    { "SimplifiedLayerNormalization", NULL, "each", 17, NULL, NULL, 0 },
    { "SkipLayerNormalization", MS, "each each", 17, NULL, NULL, 2 },
    { "SkipSimplifiedLayerNormalization", MS, "each", 17, NULL, NULL, 2 },
    /* functions */
    { "Gelu", NULL, "", 20, NULL, NULL, 0 },
    { "Gelu", MS, "", 17, NULL, NULL, 0 },
    { "BiasGelu", MS, "each", 17, NULL, NULL, 0 },
    { "FastGelu", MS, "", 17, NULL, NULL, 0 },
    { "FastGelu", MS, "each", 17, NULL, NULL, 0 },
    { "QuickGelu", MS, "", 17, NULL, NULL, 0 },
    { "Erf", NULL, "", 17, NULL, NULL, 0 },
    { "Tanh", NULL, "", 17, NULL, NULL, 0 },
    { "Sigmoid", NULL, "", 17, NULL, NULL, 0 },
    { "Swish", NULL, "", 24, NULL, NULL, 0 },
    { "HardSwish", NULL, "", 17, NULL, NULL, 0 },
    { "HardSigmoid", NULL, "", 17, NULL, NULL, 0 },
    { "Exp", NULL, "", 17, NULL, NULL, 0 },
    { "Pow", NULL, "three", 17, NULL, NULL, 0 },
    { "Relu", NULL, "", 17, NULL, NULL, 0 },
    { "Mul", NULL, "", 17, NULL, NULL, 2 },
    /* positions, tokens, layout */
    { "Add", NULL, "places", 17, NULL, NULL, 0 },
    { "Reshape", NULL, "shape", 17, NULL, NULL, 0 },
    { "Identity", NULL, "", 17, NULL, NULL, 0 },
    { "Expand", NULL, "shape", 17, NULL, NULL, 0 },
    { "Dropout", NULL, "", 17, NULL, NULL, 0 },
    /* refused */
    { "MatMulInteger", NULL, "matrix", 17, "want the float model", "want", 0 },
    { "DynamicQuantizeLinear", NULL, "", 17, "want the float model", "want", 0 },
    { "QAttention", MS, "matrix", 17, "want the float model", "want", 0 },
    { "If", NULL, "", 17, "want a graph that is the same for every input", "want", 0 },
    { "Loop", NULL, "", 17, "want a graph that is the same for every input", "want", 0 },
    { "Scan", NULL, "", 17, "want a graph that is the same for every input", "want", 0 },
    { "iSoftmax", "own", "", 17, "want", "want", 0 },
};

static void store(Onnx__ModelProto *m)
{
    static const int64_t matrix[] = { HIDDEN, HIDDEN, -1 }, list[] = { 3, -1 };
    static const int64_t places[] = { TOKENS, HIDDEN, -1 }, shape[] = { 1, TOKENS, HIDDEN };
    float v[HIDDEN * HIDDEN];
    const float three = 3;

    for (int i = 0; i < HIDDEN * HIDDEN; i++)
        v[i] = (float)(i % 5 + 1) / 4;
    make_tensor(m, "matrix", ONNX_TYPE(FLOAT), matrix, v, sizeof v);
    make_tensor(m, "places", ONNX_TYPE(FLOAT), places, v, TOKENS * HIDDEN * sizeof *v);
    make_float_list(m, "each", HIDDEN, v);
    make_float_list(m, "three", 1, &three);
    make_tensor(m, "shape", ONNX_TYPE(INT64), list, shape, sizeof shape);
}

/* Tokens, a matrix, the operator, a matrix; rounded between, or a float file. */
static Onnx__ModelProto *make(const struct row *row, bool quantised)
{
    static const int64_t matrix[] = { HIDDEN, HIDDEN, -1 };
    static const int8_t weight[HIDDEN * HIDDEN] = { 1, -7, 3, 4, 9, 2, -5, 8, 1, 1, 6, -3, 2, 5 };
    Onnx__ModelProto *m = make_model(1, TOKENS, HIDDEN);
    Onnx__TensorShapeProto *shape = m->graph->input[0]->type->tensor_type->shape;
    const float scale = 1.0F / 64;
    char in[128];

    shape->n_dim = 3;
    free(shape->dim[3]);
    shape->dim[1]->dim_value = TOKENS;
    shape->dim[2]->dim_value = HIDDEN;
    m->opset_import[0]->version = row->opset;
    make_opset(m, MS, 1);
    if (row->domain && strcmp(row->domain, MS) != 0)
        make_opset(m, row->domain, 1);
    store(m);
    make_weights(m, "w", matrix, weight, 1, &scale, 1);
    if (quantised)
        make_qdq(m, "image", "image_q", scale, ONNX_TYPE(INT8), 0);
    snprintf(in, sizeof in, "%s %s", quantised ? "image_q" : "image", quantised ? "w" : "matrix");
    make_node(m, "MatMul", "first", in, "a");
    if (quantised)
        make_qdq(m, "a", "x", scale, ONNX_TYPE(INT8), 0);
    const char *x = quantised ? "x" : "a";
    const char *more = quantised && strcmp(row->more, "matrix") == 0 ? "w" : row->more;
    snprintf(in, sizeof in, row->inputs == 2 ? "%s %s%s%s" : "%s%.0s%s%s", x, x,
             *row->more ? " " : "", more);
    Onnx__NodeProto *node = make_node(m, row->op, "it", in, "b");
    if (row->domain)
        make_rename(&node->domain, row->domain);
    if (quantised)
        make_qdq(m, "b", "y", scale, ONNX_TYPE(INT8), 0);
    snprintf(in, sizeof in, "%s %s", quantised ? "y" : "b", quantised ? "w" : "matrix");
    make_node(m, "MatMul", "last", in, "c");
    if (quantised)
        make_qdq(m, "c", "out", scale, ONNX_TYPE(INT8), 0);
    else
        make_node(m, "Identity", "end", "c", "out");
    make_output(m, NULL, 3, (const int64_t[]){ 1, TOKENS, HIDDEN });
    return m;
}

static enum err read(Onnx__ModelProto *m, bool quantised, struct network *n, struct err_msg *msg)
{
    size_t size;
    uint8_t *data = make_packed(m, &size);
    Onnx__ModelProto *model = NULL;
    struct onnx_ids ids = { 0 };
    bool complete;
    enum err e;

    if (quantised) {
        e = network_decode_onnx(n, "row", data, size, msg);
    } else {
        e = onnx_decode(data, size, &model, msg);
        if (!e)
            e = onnx_prepare(model, &(struct onnx_surroundings){ 0 }, &complete, &ids, msg);
        if (!e)
            e = import_network(n, "row", model, msg);
        onnx_ids_release(&ids);
        onnx_free_model(model);
    }
    free(data);
    return e;
}

static void check(const struct row *row, bool quantised)
{
    const char *want = quantised ? row->quantised : row->floats;
    const char *what = quantised ? "quantised" : "float";
    Onnx__ModelProto *m = make(row, quantised);
    struct err_msg msg = { "" };
    struct network n = { 0 };
    const enum err e = read(m, quantised, &n, &msg);

    if (!want && e)
        fail_msg("%s in a %s file: %s", row->op, what, msg.text);
    if (want && e != ERR_INPUT)
        fail_msg("%s in a %s file is read", row->op, what);
    if (want && (!strstr(msg.text, want) || !strstr(msg.text, "want")))
        fail_msg("%s in a %s file: \"%s\", want \"%s\"", row->op, what, msg.text, want);
    if (!e)
        assert_true(n.n_layer >= 3); // the image and both matrices
    network_release(&n);
    make_free(m);
}

static void each_operator_is_read_or_refused_with_a_cure(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check(&rows[i], true);
        check(&rows[i], false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_operator_is_read_or_refused_with_a_cure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
