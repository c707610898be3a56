/* Operators that become others give the float values that they gave themselves, to the bit; where
 * they become means, to the rounding of floats. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "onnx/float/graph.h"
#include "onnx/rewrite/rewrite.h"
#include "test/onnx_make.h"

enum { CHANNELS = 8, SIDE = 6, N_VALUE = CHANNELS * SIDE * SIDE };

/* What the graph makes of 0.5, 1.5, ...; the caller frees it. */
static float *values_of(const Onnx__ModelProto *model, size_t *n)
{
    struct float_graph g;
    struct float_run run;
    struct array image;
    struct err_msg m;

    if (float_graph_init(&g, model, &m) || float_run_init(&run, &g, &m))
        fail_msg("%s", m.text);
    const uint32_t dim[] = { 1, CHANNELS, SIDE, SIDE };
    assert_true(array_init(&image, ONNX_TYPE(FLOAT), 4, dim));
    for (size_t i = 0; i < N_VALUE; i++)
        image.real[i] = (float)i + 0.5F;
    float_run_set(&run, g.graph.image, &image);
    if (float_run_all(&run, &m))
        fail_msg("%s", m.text);
    const struct array *out = &run.value[g.graph.result];
    float *v = malloc(out->n * sizeof *v);
    assert_non_null(v);
    memcpy(v, out->real, out->n * sizeof *v);
    *n = out->n;
    float_run_release(&run);
    float_graph_release(&g);
    return v;
}

static bool has(const Onnx__ModelProto *model, const char *op)
{
    for (size_t i = 0; i < model->graph->n_node; i++)
        if (strcmp(model->graph->node[i]->op_type, op) == 0)
            return true;
    return false;
}

/* Frees the model, whose operator `op` gives way to `other`. */
static void keeps_its_values(Onnx__ModelProto *model, const char *op, const char *other)
{
    struct err_msg m;
    size_t n, n_then;

    assert_true(has(model, op));
    float *v = values_of(model, &n);
    if (onnx_rewrite(model, &m))
        fail_msg("%s: %s", op, m.text);
    assert_false(has(model, op));
    assert_true(has(model, other));
    float *then = values_of(model, &n_then);
    assert_int_equal(n, n_then);
    assert_memory_equal(v, then, n * sizeof *v);
    free(v);
    free(then);
    make_free(model);
}

static Onnx__ModelProto *model_with(const char *op, const char *inputs, Onnx__NodeProto **node)
{
    Onnx__ModelProto *model = make_model(CHANNELS, SIDE, SIDE);

    model->opset_import[0]->version = 13;
    make_node(model, "Neg", "n", "image", "n");
    make_node(model, "Sqrt", "s", "image", "s");
    *node = make_node(model, op, "x", inputs, "out");
    return model;
}

static void blocks_become_convolutions(void **state)
{
    static const char *const modes[] = { "DCR", "CRD" };
    Onnx__NodeProto *node;
    (void)state;

    for (int mode = 0; mode < 2; mode++) {
        Onnx__ModelProto *model = model_with("DepthToSpace", "image", &node);
        make_int(node, "blocksize", 2);
        make_text(node, "mode", modes[mode]);
        keeps_its_values(model, "DepthToSpace", "ConvTranspose");
    }
    for (int side = 1; side <= 3; side++) {
        Onnx__ModelProto *model = model_with("SpaceToDepth", "image", &node);
        make_int(node, "blocksize", side);
        keeps_its_values(model, "SpaceToDepth", "Conv");
    }
}

static void a_sum_becomes_additions(void **state)
{
    Onnx__NodeProto *node;
    (void)state;

    keeps_its_values(model_with("Sum", "s", &node), "Sum", "Identity");
    keeps_its_values(model_with("Sum", "s n", &node), "Sum", "Add");
    keeps_its_values(model_with("Sum", "s n image", &node), "Sum", "Add");
    keeps_its_values(model_with("Sum", "s n image s s", &node), "Sum", "Add");
}

/* By rows and columns, in a float model or one that quantises, whose means have one rounding. */
static void interpolate(const char *coordinates, float rows, float columns, bool quantises)
{
    const float scales[] = { 1, 1, rows, columns };
    const uint8_t zero = 0;
    Onnx__NodeProto *node;
    struct err_msg m;
    size_t n, n_then;

    Onnx__ModelProto *model = model_with("Resize", "image - scales", &node);
    make_tensor(model, "scales", ONNX_TYPE(FLOAT), (const int64_t[]){ 4, -1 }, scales, 16);
    make_text(node, "mode", "linear");
    make_text(node, "coordinate_transformation_mode", coordinates);
    if (quantises) {
        make_tensor(model, "zero", ONNX_TYPE(UINT8), (const int64_t[]){ -1 }, &zero, 1);
        make_tensor(model, "one", ONNX_TYPE(FLOAT), (const int64_t[]){ -1 }, scales, 4);
        make_node(model, "QuantizeLinear", "q", "image one zero", "bytes");
    }
    float *v = values_of(model, &n);
    if (onnx_rewrite(model, &m))
        fail_msg("%s by %g and %g: %s", coordinates, (double)rows, (double)columns, m.text);
    size_t means = 0;
    for (size_t i = 0; i < model->graph->n_node; i++)
        means += strcmp(model->graph->node[i]->op_type, "AveragePool") == 0;
    assert_true(means == 1 || (means == 2 && !quantises));
    float *then = values_of(model, &n_then);
    assert_int_equal(n, n_then);
    assert_int_equal(n, N_VALUE * (size_t)(rows * columns));
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(v[i] - then[i]) <= 1e-6F * N_VALUE))
            fail_msg("%s by %g and %g: value %zu is %g, was %g", coordinates, (double)rows,
                     (double)columns, i, (double)then[i], (double)v[i]);
    free(v);
    free(then);
    make_free(model);
}

static void interpolation_becomes_means_of_repeated_pixels(void **state)
{
    static const char *const coordinates[] = { "asymmetric", "half_pixel", "pytorch_half_pixel" };
    (void)state;

    for (int mode = 0; mode < 3; mode++)
        for (int rows = 1; rows <= 5; rows++)
            for (int columns = 1; columns <= 4; columns++)
                for (int quantises = 0; quantises < 2; quantises++)
                    interpolate(coordinates[mode], (float)rows, (float)columns, quantises);
}

static void other_interpolation_is_refused_by_name(void **state)
{
    static const struct {
        float rows;
        const char *coordinates, *want;
    } cases[] = {
        { 2, "align_corners", "interpolates with align_corners: want half_pixel" },
        { 1.5F, "half_pixel", "interpolates by 1.5 along axis 2: want whole factors" },
        { 0.5F, "half_pixel", "interpolates by 0.5 along axis 2: want whole factors" },
        { 33, "half_pixel", "interpolates by 33 along axis 2: want whole factors" },
        { NAN, "half_pixel", "want whole factors" },
    };
    Onnx__NodeProto *node;
    struct err_msg m;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const float scales[] = { 1, 1, cases[i].rows, 2 };
        Onnx__ModelProto *model = model_with("Resize", "image - scales", &node);
        make_tensor(model, "scales", ONNX_TYPE(FLOAT), (const int64_t[]){ 4, -1 }, scales, 16);
        make_text(node, "mode", "linear");
        make_text(node, "coordinate_transformation_mode", cases[i].coordinates);
        assert_int_equal(onnx_rewrite(model, &m), ERR_INPUT);
        assert_non_null(strstr(m.text, "node \"x\" (Resize): "));
        assert_non_null(strstr(m.text, cases[i].want));
        make_free(model);
    }
    Onnx__ModelProto *model = model_with("Resize", "image - - sizes", &node);
    make_text(node, "mode", "linear");
    assert_int_equal(onnx_rewrite(model, &m), ERR_INPUT);
    assert_non_null(strstr(m.text, "interpolates by no stored scales of four axes: want these"));
    make_free(model);
}

static void what_is_padded_by_less_than_nothing_is_cut(void **state)
{
    const int64_t pads[] = { 0, -1, -2, 3, 0, -3, 1, -1 }; // before each axis, behind each
    const uint32_t rows = SIDE - 2 + 1, columns = SIDE + 3 - 1;
    Onnx__NodeProto *node;
    struct err_msg m;
    size_t n;
    (void)state;

    Onnx__ModelProto *model = model_with("Pad", "image pads", &node);
    make_tensor(model, "pads", ONNX_TYPE(INT64), (const int64_t[]){ 8, -1 }, pads, sizeof pads);
    assert_int_equal(onnx_rewrite(model, &m), ERR_NONE);
    float *v = values_of(model, &n);
    assert_int_equal(n, (CHANNELS - 4) * rows * columns);
    for (uint32_t c = 0; c < CHANNELS - 4; c++)
        for (uint32_t x = 0; x < rows; x++)
            for (uint32_t y = 0; y < columns; y++) {
                bool inside = y >= 3 && x + 2 < SIDE;
                uint32_t from = ((c + 1) * SIDE + x + 2) * SIDE + y - 3;
                assert_true(v[(c * rows + x) * columns + y] == (inside ? (float)from + 0.5F : 0));
            }
    free(v);
    make_free(model);
}

static void unknown_channels_and_odd_blocks_are_refused_by_name(void **state)
{
    Onnx__NodeProto *node;
    struct err_msg m;
    (void)state;

    Onnx__ModelProto *model = model_with("DepthToSpace", "image", &node);
    make_int(node, "blocksize", 3);
    assert_int_equal(onnx_rewrite(model, &m), ERR_INPUT);
    assert_non_null(strstr(m.text, "node \"x\" (DepthToSpace): 8 channels, blocks of 9 pixels: "));
    make_free(model);
    model = model_with("SpaceToDepth", "s", &node); // Sqrt is not followed
    make_int(node, "blocksize", 2);
    assert_int_equal(onnx_rewrite(model, &m), ERR_INPUT);
    assert_non_null(strstr(m.text, "node \"x\" (SpaceToDepth): nothing near says how many"));
    make_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_become_convolutions),
        cmocka_unit_test(a_sum_becomes_additions),
        cmocka_unit_test(interpolation_becomes_means_of_repeated_pixels),
        cmocka_unit_test(other_interpolation_is_refused_by_name),
        cmocka_unit_test(what_is_padded_by_less_than_nothing_is_cut),
        cmocka_unit_test(unknown_channels_and_odd_blocks_are_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
