/* Against plain loops: Clip by bounds in either order, as ONNX defines it since set 13,
 * Min(max, Max(input, min)), so that every value is max where min is above it (NaN stays);
 * QuantizeLinear and DequantizeLinear with a scale for each block along an axis; LRN; Upsample. */
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

static const float values[] = {-INFINITY, -3, -1, -0.5F, 0, 0.5F, 1, 2.5F, 3, INFINITY, NAN};
enum { N = sizeof values / sizeof *values };

/* The result of the model, which is freed, for an image of these values. */
static struct array result_of(Onnx__ModelProto *model, const float *value)
{
    struct onnx_image shape_of;
    struct float_graph g;
    struct float_run run;
    struct array image, out;
    struct err_msg m;

    if (float_graph_init(&g, model, &m) || float_run_init(&run, &g, &m))
        fail_msg("%s", m.text);
    assert_int_equal(onnx_graph_image(&g.graph, &shape_of, &m), ERR_NONE);
    assert_true(array_init(&image, ONNX_TYPE(FLOAT), 4, shape_of.dim));
    memcpy(image.real, value, image.n * sizeof *value);
    float_run_set(&run, g.graph.image, &image);
    if (float_run_all(&run, &m))
        fail_msg("%s", m.text);
    out = run.value[g.graph.result];
    run.value[g.graph.result] = (struct array){0};
    float_run_release(&run);
    float_graph_release(&g);
    make_free(model);
    return out;
}

/* Bound i is left out where given[i] is false. */
static struct array clip(const float bound[2], const bool given[2])
{
    Onnx__ModelProto *model = make_model(1, 1, N);
    static const char *const inputs[2][2] = {{"image", "image - high"},
                                             {"image low", "image low high"}};

    make_tensor(model, "low", ONNX_TYPE(FLOAT), (const int64_t[]){-1}, &bound[0], sizeof bound[0]);
    make_tensor(model, "high", ONNX_TYPE(FLOAT), (const int64_t[]){-1}, &bound[1], sizeof bound[1]);
    make_node(model, "Clip", "c", inputs[given[0]][given[1]], "out");
    return result_of(model, values);
}

static void clip_is_min_of_max(void **state)
{
    static const float bounds[] = {-INFINITY, -2, -1, 0, 1, 2, 3, INFINITY};
    enum { N_BOUND = sizeof bounds / sizeof *bounds };
    (void)state;

    for (size_t k = 0; k < 4 * N_BOUND * N_BOUND; k++) {
        const float bound[2] = {bounds[k / 4 % N_BOUND], bounds[k / 4 / N_BOUND]};
        const bool given[2] = {k % 2 == 1, k / 2 % 2 == 1};
        struct array out = clip(bound, given);
        for (size_t i = 0; i < N; i++) {
            float want = values[i];
            if (given[0] && !isnan(want))
                want = fmaxf(want, bound[0]);
            if (given[1] && !isnan(want))
                want = fminf(want, bound[1]);
            if (!(out.real[i] == want || (isnan(out.real[i]) && isnan(want))))
                fail_msg("Clip of %g by %g to %g (%d, %d given) is %g, not %g", (double)values[i],
                         (double)bound[0], (double)bound[1], given[0], given[1],
                         (double)out.real[i], (double)want);
        }
        array_release(&out);
    }
}

/* 2 x 5 x 3 values through QuantizeLinear to int8 and DequantizeLinear, in blocks along an axis; or
 * through the first alone. */
enum { PLACES = 30 };
static const int64_t shape[] = {2, 5, 3};

static Onnx__ModelProto *in_blocks(int64_t axis, int64_t block, const float *scale,
                                   const int8_t *zero, size_t n_block, bool back)
{
    Onnx__ModelProto *m = make_model(1, 1, PLACES);
    int64_t dims[] = {2, 5, 3, -1};

    m->opset_import[0]->version = 21;
    dims[axis] = (int64_t)n_block;
    const size_t n = (size_t)(dims[0] * dims[1] * dims[2]);
    make_tensor(m, "shape", ONNX_TYPE(INT64), (const int64_t[]){3, -1}, shape, sizeof shape);
    make_tensor(m, "s", ONNX_TYPE(FLOAT), dims, scale, n * sizeof *scale);
    make_tensor(m, "z", ONNX_TYPE(INT8), dims, zero, n);
    make_node(m, "Reshape", "r", "image shape", "x");
    Onnx__NodeProto *q = make_node(m, "QuantizeLinear", "q", "x s z", back ? "code" : "out");
    make_int(q, "axis", axis - (block % 2 ? 3 : 0)); // from either end
    make_int(q, "block_size", block);
    make_int(q, "output_dtype", ONNX_TYPE(INT8));
    if (back) {
        Onnx__NodeProto *d = make_node(m, "DequantizeLinear", "d", "code s z", "out");
        make_int(d, "axis", axis);
        make_int(d, "block_size", block);
    }
    return m;
}

static void scales_of_blocks_are_found_by_their_index(void **state)
{
    float scale[PLACES], x[PLACES];
    int8_t zero[PLACES];
    (void)state;

    for (size_t i = 0; i < PLACES; i++) {
        scale[i] = 0.125F * (float)(1 + i * 7 % 11);
        zero[i] = (int8_t)(i * 5 % 23);
        x[i] = (float)(i * 13 % 37) - 18.3F;
    }
    for (int64_t axis = 0; axis < 3; axis++)
        for (int64_t block = 1; block <= shape[axis] + 1; block++) {
            const size_t n_block = (size_t)((shape[axis] + block - 1) / block);
            struct array code = result_of(in_blocks(axis, block, scale, zero, n_block, false), x);
            struct array real = result_of(in_blocks(axis, block, scale, zero, n_block, true), x);
            assert_int_equal(code.type, ONNX_TYPE(INT8));
            for (size_t i = 0; i < PLACES; i++) {
                size_t at[] = {i / 15, i / 3 % 5, i % 3}, dim[] = {2, 5, 3};
                at[axis] /= (size_t)block;
                dim[axis] = n_block;
                const size_t k = (at[0] * dim[1] + at[1]) * dim[2] + at[2];
                const float want = fminf(fmaxf(rintf(x[i] / scale[k]) + zero[k], -128), 127);
                if ((float)code.integer[i] != want ||
                    real.real[i] != (want - zero[k]) * scale[k])
                    fail_msg("axis %d, blocks of %d, value %zu: %d and %g, not %g", (int)axis,
                             (int)block, i, (int)code.integer[i], (double)real.real[i],
                             (double)want);
            }
            array_release(&code);
            array_release(&real);
        }
}

/* LRN, of windows up to twice as wide as the map, as the operators that it is rewritten to. */
static void lrn_sums_the_channels_around(void **state)
{
    enum { CHANNELS = 5, PIXELS = 2 };
    const float alpha = 0.3F, beta = 0.6F, bias = 1.5F;
    float x[CHANNELS * PIXELS];
    struct err_msg msg;
    (void)state;

    for (int i = 0; i < CHANNELS * PIXELS; i++)
        x[i] = (float)(i * 7 % 11) - 4.5F;
    for (int size = 1; size <= 2 * CHANNELS + 2; size++) {
        Onnx__ModelProto *m = make_model(CHANNELS, 1, PIXELS);
        Onnx__NodeProto *n = make_node(m, "LRN", "n", "image", "out");
        make_int(n, "size", size);
        make_float(n, "alpha", alpha);
        make_float(n, "beta", beta);
        make_float(n, "bias", bias);
        if (onnx_rewrite(m, &msg))
            fail_msg("%s", msg.text);
        struct array out = result_of(m, x);
        for (int i = 0; i < CHANNELS * PIXELS; i++) {
            const int channel = i / PIXELS, pixel = i % PIXELS;
            double sum = 0;
            for (int k = channel - (size - 1) / 2; k <= channel + size / 2; k++)
                if (k >= 0 && k < CHANNELS)
                    sum += (double)x[k * PIXELS + pixel] * (double)x[k * PIXELS + pixel];
            const double want = (double)x[i] / pow((double)bias + (double)alpha / size * sum,
                                                   (double)beta);
            if (fabs((double)out.real[i] - want) > 1e-5 * fabs(want))
                fail_msg("size %d, value %d: %g, not %g", size, i, (double)out.real[i], want);
        }
        array_release(&out);
    }
}

/* Upsample by 2 and 3, scales in an attribute or stored. */
static struct array upsampled(const float *x, const char *mode, bool attribute)
{
    Onnx__ModelProto *m = make_model(2, 2, 3);
    static const float scales[] = {1, 1, 2, 3};
    struct err_msg msg;

    m->opset_import[0]->version = attribute ? 8 : 9;
    make_float_list(m, "scales", 4, scales);
    Onnx__NodeProto *n = make_node(m, "Upsample", "n", attribute ? "image" : "image scales", "out");
    make_text(n, "mode", mode);
    if (attribute) {
        Onnx__AttributeProto *a = make_float(n, "scales", 0);
        a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS;
        a->floats = malloc(sizeof scales);
        assert_non_null(a->floats);
        memcpy(a->floats, scales, sizeof scales);
        a->n_floats = 4;
    }
    if (onnx_rewrite(m, &msg))
        fail_msg("%s", msg.text);
    return result_of(m, x);
}

static void scales_of_upsample_may_be_an_attribute(void **state)
{
    float x[2 * 2 * 3];
    (void)state;

    for (int i = 0; i < 2 * 2 * 3; i++)
        x[i] = (float)(i * 5 % 7);
    for (int linear = 0; linear < 2; linear++) {
        struct array old = upsampled(x, linear ? "linear" : "nearest", true);
        struct array new = upsampled(x, linear ? "linear" : "nearest", false);
        assert_int_equal(old.n, 2 * 4 * 9);
        assert_memory_equal(old.real, new.real, old.n * sizeof *old.real);
        for (size_t i = 0; i < old.n; i++) {
            const size_t row = i / 9 % 4, column = i % 9, map = i / 36 * 6;
            const size_t r = row / 2, c = column / 3;
            const double down = linear ? (int)(row % 2) / 2.0 : 0;
            const double right = linear ? (int)(column % 3) / 3.0 : 0;
            const size_t r1 = r + 1 < 2 ? r + 1 : r, c1 = c + 1 < 3 ? c + 1 : c;
            const double want = (1 - down) * ((1 - right) * (double)x[map + 3 * r + c] +
                                              right * (double)x[map + 3 * r + c1]) +
                                down * ((1 - right) * (double)x[map + 3 * r1 + c] +
                                        right * (double)x[map + 3 * r1 + c1]);
            if (fabs((double)old.real[i] - want) > 1e-5)
                fail_msg("linear %d, value %zu: %g, not %g", linear, i, (double)old.real[i], want);
        }
        array_release(&old);
        array_release(&new);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clip_is_min_of_max),
        cmocka_unit_test(scales_of_blocks_are_found_by_their_index),
        cmocka_unit_test(lrn_sums_the_channels_around),
        cmocka_unit_test(scales_of_upsample_may_be_an_attribute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
