/* Float transformers: real files against the outputs that come with them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "onnx/float/graph.h"
#include "onnx/read/read.h"
#include "test/onnx_make.h"
#include "test/shared.h"

enum { MOST_BYTES = 1 << 16 };

static size_t read_floats(const char *file, float *v)
{
    char *path = shared_path(file);
    FILE *f = path ? fopen(path, "rb") : NULL;

    assert_non_null(f);
    size_t n = fread(v, sizeof *v, MOST_BYTES / sizeof *v, f);
    fclose(f);
    free(path);
    return n;
}

/* Largest distance of the model's outputs from those in its file. */
static void outputs_are_those_of_the_file(const char *name, const char *stem)
{
    static float in[MOST_BYTES / sizeof(float)], want[MOST_BYTES / sizeof(float)];
    char file[128], *path;
    struct onnx_model model;
    struct float_graph g;
    struct float_run run;
    struct array a;
    struct onnx_image image;
    struct err_msg m;

    snprintf(file, sizeof file, "transformers/%s.onnx", name);
    path = shared_path(file);
    if (!path)
        skip();
    if (onnx_model_load(&model, path, &(struct network_onnx_cfg){0}, &m) ||
        float_graph_init(&g, model.proto, &m) || float_run_init(&run, &g, &m) ||
        onnx_graph_image(&g.graph, &image, &m))
        fail_msg("%s", m.text);
    snprintf(file, sizeof file, "transformers/%s_inputs.bin", stem);
    size_t n = read_floats(file, in);
    assert_true(array_init(&a, ONNX_TYPE(FLOAT), image.n_dim, image.dim));
    assert_int_equal(a.n, n);
    memcpy(a.real, in, n * sizeof *in);
    float_run_set(&run, g.graph.image, &a);
    if (float_run_all(&run, &m))
        fail_msg("%s", m.text);
    snprintf(file, sizeof file, "transformers/%s_outputs.bin", stem);
    n = read_floats(file, want);
    const struct array *out = &run.value[g.graph.result];
    assert_int_equal(out->n, n);
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)out->real[i] - (double)want[i]) <= 1e-5))
            fail_msg("%s: output %zu is %g, want %g", name, i, (double)out->real[i],
                     (double)want[i]);
    float_run_release(&run);
    float_graph_release(&g);
    onnx_model_release(&model);
    free(path);
}

static void cct_of_one_layer_is_as_its_file_says(void **state)
{
    (void)state;
    outputs_are_those_of_the_file("cct1_16", "CCT_FP32_CCT_1_16_16_32");
}

static void cct_of_two_layers_is_as_its_file_says(void **state)
{
    (void)state;
    outputs_are_those_of_the_file("cct2_op20", "CCT_FP32_CCT_2_32_32_128_Opset20");
}

static void tiny_vit_is_as_its_file_says(void **state)
{
    (void)state;
    outputs_are_those_of_the_file("tinyvit", "TinyViT_Demo");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cct_of_one_layer_is_as_its_file_says),
        cmocka_unit_test(cct_of_two_layers_is_as_its_file_says),
        cmocka_unit_test(tiny_vit_is_as_its_file_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
