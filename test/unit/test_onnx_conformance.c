/* ONNX's own tests of its operators (Debian's libonnx-testdata): models of one or a few nodes with
 * inputs and the outputs they must give, here through the float evaluator.
 *
 * A test is left out where its model has an operator that is not ours, or asks for something that
 * the evaluator refuses; of the latter all are listed below, so that none joins them unnoticed.
 * Real values agree within ONNX's own tolerance, 1e-7 and 1e-3 of the value; integers exactly. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "onnx/file.h"
#include "onnx/float/graph.h"
#include "test/onnx_data.h"

enum verdict { PASSED, NO_OPERATOR, REFUSED, FAILED };

/* Tests of our operators that ask for what the evaluator does not have, by the beginning of their
 * name, and what that is. */
static const struct {
    const char *name, *why;
} refusals[] = {
    {"test_convtranspose_3d", "three axes"},
    {"test_cast_",                "float16, bfloat16 and strings"},
    {"test_resize_", "cubic interpolation, aligned corners, cropping"},
    {"test_max_float16", "float16"},
    {"test_max_int16", "16-bit integers"},
    {"test_max_uint", "unsigned integers"},
    {"test_min_float16", "float16"},
    {"test_min_int16", "16-bit integers"},
    {"test_min_uint", "unsigned integers"},
    {"test_pow_types_float32_uint", "unsigned integers"},
    {"test_castlike_",            "float16, bfloat16 and strings"},
    {"test_dropout_default_mask", "a second output"},
    {"test_training_dropout",     "training"},
    {"test_identity_",            "sequences and optional values"},
    {"test_batchnorm_epsilon_training_mode", "training"},
    {"test_batchnorm_example_training_mode", "training"},
    {"test_edge_pad",             "padding other than constant"},
    {"test_reflect_pad",          "padding other than constant"},
    {"test_ReflectionPad2d",      "padding other than constant"},
    {"test_ReplicationPad2d",     "padding other than constant"},
    {"test_maxpool_with_argmax_", "a second output"},
    {"test_ada",                  "another domain's operators alone"},
    {"test_momentum",             "another domain's operators alone"},
    {"test_nesterov_momentum",    "another domain's operators alone"},
    {"test_operator_pad",         "padding other than constant"},
    {"test_operator_add_",        "broadcasting from an axis, as before operator set 7"},
};

struct report {
    unsigned passed, no_operator, refused, failed;
};

/* ---- One test ---- */

static Onnx__TensorProto *read_tensor(const char *directory, const char *kind, size_t i)
{
    char path[600];
    uint8_t *data;
    size_t size;
    struct err_msg m;

    snprintf(path, sizeof path, "%s/test_data_set_0/%s_%zu.pb", directory, kind, i);
    if (onnx_read_file(path, &data, &size, &m))
        return NULL;
    Onnx__TensorProto *t = onnx__tensor_proto__unpack(NULL, size, data);
    free(data);
    return t;
}

static enum err array_of_file(const char *directory, const char *kind, size_t i, struct array *a,
                              struct err_msg *m)
{
    Onnx__TensorProto *proto = read_tensor(directory, kind, i);
    struct onnx_tensor t;
    enum err e = proto ? onnx_tensor_view(&t, proto, m)
                       : err_set(m, ERR_INPUT, "%s %zu: no tensor", kind, i);

    if (!e && t.type == ONNX__TENSOR_PROTO__DATA_TYPE__UINT16 && strstr(directory, "BFLOAT16"))
        e = err_set(m, ERR_INPUT, "%s %zu: bfloat16 that say that they are uint16", kind, i);
    if (!e)
        assert_true(array_from_tensor(a, &t));
    onnx__tensor_proto__free_unpacked(proto, NULL);
    return e;
}

static bool close_to(double v, double want)
{
    return v == want || (isnan(v) && isnan(want)) || fabs(v - want) <= 1e-7 + 1e-3 * fabs(want);
}

static bool same(const struct array *a, const struct array *want)
{
    if (a->type != want->type || !array_same_shape(a, want))
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (a->real ? !close_to((double)a->real[i], (double)want->real[i])
                    : a->integer[i] != want->integer[i])
            return false;
    return true;
}

static enum err set_inputs(struct float_run *r, const char *directory, struct err_msg *m)
{
    const Onnx__GraphProto *p = r->graph->graph.proto;
    size_t n_file = 0;
    enum err e = ERR_NONE;

    for (size_t i = 0; i < p->n_input && !e; i++) {
        uint32_t v = onnx_graph_find(&r->graph->graph, p->input[i]->name);
        struct array a = {0};
        if (v == ONNX_ABSENT || r->graph->graph.value[v].maker != ONNX_INPUT)
            continue; // an initializer gives it
        e = array_of_file(directory, "input", n_file++, &a, m);
        if (!e)
            float_run_set(r, v, &a);
    }
    return e;
}

static enum verdict run_model(const Onnx__ModelProto *model, const char *directory,
                              struct err_msg *m)
{
    struct float_graph g;
    struct float_run r = {0};
    struct array want = {0};
    enum verdict verdict = REFUSED;

    if (float_graph_init(&g, model, m))
        return strstr(m->text, "no such operator") ? NO_OPERATOR : REFUSED;
    enum err e = float_run_init(&r, &g, m);
    if (!e)
        e = set_inputs(&r, directory, m);
    if (!e)
        e = float_run_all(&r, m);
    if (!e)
        e = array_of_file(directory, "output", 0, &want, m);
    if (!e) {
        uint32_t out = onnx_graph_find(&g.graph, model->graph->output[0]->name);
        verdict = same(&r.value[out], &want) ? PASSED : FAILED;
    }
    array_release(&want);
    float_run_release(&r);
    float_graph_release(&g);
    return verdict;
}

static enum verdict run_directory(const char *directory, struct err_msg *m)
{
    char path[600];
    uint8_t *data;
    size_t size;
    Onnx__ModelProto *model;

    snprintf(path, sizeof path, "%s/model.onnx", directory);
    if (onnx_read_file(path, &data, &size, m))
        return FAILED;
    enum verdict v = onnx_decode(data, size, &model, m) ? FAILED : run_model(model, directory, m);
    onnx_free_model(model);
    free(data);
    return v;
}

/* ---- All of them ---- */

static const char *known_refusal(const char *name)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (strncmp(name, refusals[i].name, strlen(refusals[i].name)) == 0)
            return refusals[i].why;
    return NULL;
}

static void take(struct report *r, const char *name, enum verdict v, const struct err_msg *m)
{
    const char *why = known_refusal(name);

    if (v == REFUSED && !why)
        v = FAILED;
    r->passed += v == PASSED;
    r->no_operator += v == NO_OPERATOR;
    r->refused += v == REFUSED;
    r->failed += v == FAILED;
    if (v == REFUSED)
        print_message("left out: %s: %s\n", name, why);
    if (v == FAILED)
        print_message("FAILED: %s: %s\n", name, m->text);
}

static void run_one(void *report, const char *name, const char *directory)
{
    struct err_msg m = {"wrong values"};

    take(report, name, run_directory(directory, &m), &m);
}

static void check(const char *group)
{
    struct report r = {0};
    int n = onnx_data_visit(group, run_one, &r);

    print_message("%s: %d tests: %u passed, %u left out for an operator, %u for what they ask of "
                  "it, %u failed\n", group, n, r.passed, r.no_operator, r.refused, r.failed);
    assert_int_equal(r.failed, 0);
    assert_true(r.passed > 0);
}

static void every_node_test_of_our_operators_passes(void **state)
{
    (void)state;
    check("node");
}

static void every_simple_test_of_our_operators_passes(void **state)
{
    (void)state;
    check("simple");
}

static void every_layer_exported_by_pytorch_passes(void **state)
{
    (void)state;
    check("pytorch-converted");
}

static void every_operator_exported_by_pytorch_passes(void **state)
{
    (void)state;
    check("pytorch-operator");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_node_test_of_our_operators_passes),
        cmocka_unit_test(every_simple_test_of_our_operators_passes),
        cmocka_unit_test(every_layer_exported_by_pytorch_passes),
        cmocka_unit_test(every_operator_exported_by_pytorch_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
