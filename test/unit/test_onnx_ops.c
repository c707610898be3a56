/* Operators that the ONNX reader takes, one small quantised model each: its integers against the
 * float evaluator's result. With scales that are powers of two and offsets that are bytes nothing
 * but QuantizeLinear rounds, and both agree exactly; where a divisor is not one, to a step. */
#include <inttypes.h>
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
#include "test/reference.h"

enum { CHANNELS = 4, ROWS = 7, COLUMNS = 6, N_IMAGE = 3, MOST = 4096 };

#define U8 ONNX_TYPE(UINT8)
#define I8 ONNX_TYPE(INT8)
#define LIST(...) (const int64_t[]){__VA_ARGS__}, sizeof((int64_t[]){__VA_ARGS__}) / 8

/* ---- Pieces of models ---- */

static uint32_t random_state;

static uint32_t random_number(void)
{
    random_state = random_state * 1103515245 + 12345;
    return random_state >> 16;
}

static void ints(Onnx__NodeProto *n, const char *name, const int64_t *v, size_t n_v)
{
    make_ints(n, name, n_v, v);
}

static void int_list(Onnx__ModelProto *m, const char *name, const int64_t *v, size_t n)
{
    make_tensor(m, name, ONNX_TYPE(INT64), (const int64_t[]){(int64_t)n, -1}, v, n * sizeof *v);
}

static void scalar(Onnx__ModelProto *m, const char *name, float v)
{
    make_tensor(m, name, ONNX_TYPE(FLOAT), (const int64_t[]){-1}, &v, sizeof v);
}

/* As many constants as channels; behind: ones behind their dimension. */
static void channels(Onnx__ModelProto *m, const char *name, int behind, const float *v)
{
    const int64_t dims[][4] = {{CHANNELS, -1}, {CHANNELS, 1, -1}, {CHANNELS, 1, 1, -1}};

    make_tensor(m, name, ONNX_TYPE(FLOAT), dims[behind], v, CHANNELS * sizeof *v);
}

/* int8 weights called `name`, n of them, with one scale. */
static void weights(Onnx__ModelProto *m, const char *name, const int64_t *dims, float scale)
{
    int8_t v[MOST];
    size_t n = 1;

    for (const int64_t *d = dims; *d >= 0; d++)
        n *= (size_t)*d;
    assert_true(n <= MOST);
    for (size_t i = 0; i < n; i++)
        v[i] = (int8_t)(random_number() % 31 - 15);
    make_weights(m, name, dims, v, 1, &scale, 0);
}

/* A 3 x 3 Conv of the image's channels, then rounded as `name`. */
static Onnx__NodeProto *conv(Onnx__ModelProto *m, const char *in, const char *name, float scale,
                             int32_t type, int zero)
{
    char w[32], inputs[80], out[32];

    snprintf(w, sizeof w, "%s.w", name);
    snprintf(out, sizeof out, "%s.c", name);
    snprintf(inputs, sizeof inputs, "%s %s", in, w);
    weights(m, w, (const int64_t[]){CHANNELS, CHANNELS, 3, 3, -1}, 1.0F / 64);
    Onnx__NodeProto *n = make_node(m, "Conv", name, inputs, out);
    ints(n, "pads", LIST(1, 1, 1, 1));
    make_qdq(m, out, name, scale, type, zero);
    return n;
}

/* The image's bytes as "in", and two rounded maps: "a" from 0, "b" of either sign. */
static Onnx__ModelProto *begin(void)
{
    Onnx__ModelProto *m = make_model(CHANNELS, ROWS, COLUMNS);

    random_state = 1;
    make_qdq(m, "image", "in", 1.0F / 64, I8, 0);
    conv(m, "in", "a", 1.0F / 32, U8, 0);
    conv(m, "in", "b", 1.0F / 16, I8, -4);
    return m;
}

/* Rounds `in`, which is the model's result then. */
static void end(Onnx__ModelProto *m, const char *in, float scale, int32_t type, int zero)
{
    make_qdq(m, in, "out", scale, type, zero);
}

/* ---- Models ---- */

#define MODEL(name, ...)                                                                           \
    static void name(Onnx__ModelProto *m)                                                          \
    {                                                                                              \
        Onnx__NodeProto *n = NULL;                                                                 \
        (void)n;                                                                                   \
        __VA_ARGS__;                                                                               \
    }

MODEL(max_pool, n = make_node(m, "MaxPool", "p", "b", "y"); ints(n, "kernel_shape", LIST(3, 3));
      ints(n, "strides", LIST(2, 2)); ints(n, "pads", LIST(1, 1, 1, 1));
      end(m, "y", 1.0F / 16, I8, -4))
MODEL(max_pool_ceil, n = make_node(m, "MaxPool", "p", "b", "y");
      ints(n, "kernel_shape", LIST(2, 3)); ints(n, "strides", LIST(2, 2));
      make_int(n, "ceil_mode", 1); end(m, "y", 1.0F / 16, I8, -4))
MODEL(max_pool_rescaled, n = make_node(m, "MaxPool", "p", "b", "y");
      ints(n, "kernel_shape", LIST(2, 3)); ints(n, "dilations", LIST(2, 1));
      end(m, "y", 1.0F / 8, U8, 100))
MODEL(max_pool_same, n = make_node(m, "MaxPool", "p", "in", "y");
      ints(n, "kernel_shape", LIST(3, 2)); ints(n, "strides", LIST(2, 1));
      make_text(n, "auto_pad", "SAME_LOWER"); conv(m, "y", "c", 1.0F / 16, U8, 8);
      end(m, "c", 1.0F / 16, U8, 8))
MODEL(max_pool_unrounded, weights(m, "w", (const int64_t[]){4, 4, 1, 1, -1}, 1.0F / 64);
      make_node(m, "Conv", "c", "b w", "c"); make_node(m, "Relu", "r", "c", "r");
      n = make_node(m, "MaxPool", "p", "r", "y"); ints(n, "kernel_shape", LIST(3, 3));
      ints(n, "strides", LIST(2, 2)); ints(n, "pads", LIST(1, 1, 0, 0));
      end(m, "y", 1.0F / 64, U8, 0))
MODEL(function_unrounded, weights(m, "w", (const int64_t[]){4, 4, 1, 1, -1}, 1.0F / 64);
      make_node(m, "Conv", "c", "b w", "c"); make_node(m, "Sigmoid", "f", "c", "y");
      end(m, "y", 1.0F / 256, U8, 0))
/* A convolution of one pixel, `in` to `out`. */
static void pixel_conv(Onnx__ModelProto *m, const char *in, const char *out)
{
    char w[32], inputs[80];

    snprintf(w, sizeof w, "%s.w", out);
    snprintf(inputs, sizeof inputs, "%s %s", in, w);
    weights(m, w, (const int64_t[]){CHANNELS, CHANNELS, 1, 1, -1}, 1.0F / 64);
    make_node(m, "Conv", out, inputs, out);
}

/* Adds a value to itself n times, by and by: 2^n of it are read on the way. */
static void doubled(Onnx__ModelProto *m, char *value, int n)
{
    for (int i = 0; i < n; i++) {
        char next[32], inputs[80];
        snprintf(next, sizeof next, "d%d", i);
        snprintf(inputs, sizeof inputs, "%s %s", value, value);
        make_node(m, "Add", next, inputs, next);
        strcpy(value, next);
    }
}

MODEL(function_doubled, char v[32] = "f"; pixel_conv(m, "b", "c");
      make_node(m, "Sigmoid", "f", "c", "f"); doubled(m, v, 40);
      end(m, v, 0x1p40F / 256, U8, 0))
MODEL(functions_in_a_row, char v[32] = "b"; scalar(m, "half", 0.5F); scalar(m, "one", 1);
      for (int i = 0; i < 60; i++) {
          char name[6][32], inputs[80];
          for (int k = 0; k < 6; k++)
              snprintf(name[k], sizeof name[k], "f%d.%d", i, k);
          pixel_conv(m, v, name[0]);
          make_node(m, "Tanh", name[1], name[0], name[1]);
          snprintf(inputs, sizeof inputs, "%s one", name[1]);
          make_node(m, "Add", name[2], inputs, name[2]);
          snprintf(inputs, sizeof inputs, "%s half", name[2]);
          make_node(m, "Mul", name[3], inputs, name[3]);
          make_node(m, "Sigmoid", name[4], name[3], name[4]);
          snprintf(v, sizeof v, "v%d", i);
          make_qdq(m, name[4], v, 1.0F / 512, U8, 0);
      }
      pixel_conv(m, v, "last"); end(m, "last", 1.0F / 64, I8, 0))
MODEL(average_of_four, n = make_node(m, "AveragePool", "p", "b", "y");
      ints(n, "kernel_shape", LIST(2, 2)); ints(n, "strides", LIST(2, 2));
      end(m, "y", 1.0F / 16, I8, 6))
MODEL(average_at_the_edge, n = make_node(m, "AveragePool", "p", "b", "y");
      ints(n, "kernel_shape", LIST(2, 2)); ints(n, "pads", LIST(1, 1, 1, 1));
      end(m, "y", 1.0F / 16, I8, 6))
MODEL(average_with_padding, n = make_node(m, "AveragePool", "p", "b", "y");
      ints(n, "kernel_shape", LIST(2, 4)); ints(n, "pads", LIST(1, 2, 1, 2));
      make_int(n, "count_include_pad", 1); end(m, "y", 1.0F / 16, I8, 6))
MODEL(average_of_nine, n = make_node(m, "AveragePool", "p", "b", "y");
      ints(n, "kernel_shape", LIST(3, 3)); ints(n, "pads", LIST(1, 1, 1, 1));
      ints(n, "strides", LIST(2, 2)); make_int(n, "ceil_mode", 1); end(m, "y", 1.0F / 16, I8, 6))
MODEL(average_scaled, n = make_node(m, "AveragePool", "p", "b", "y");
      ints(n, "kernel_shape", LIST(2, 2)); scalar(m, "half", 0.5F); scalar(m, "one", 0.0625F);
      make_node(m, "Mul", "m", "y half", "y2"); make_node(m, "Sub", "s", "y2 one", "y3");
      make_node(m, "Relu", "r", "y3", "y4"); end(m, "y4", 1.0F / 64, U8, 0))
MODEL(global_average, make_node(m, "GlobalAveragePool", "p", "b", "y");
      end(m, "y", 1.0F / 16, I8, 0))
MODEL(global_average_shared, make_node(m, "GlobalAveragePool", "p", "b", "y");
      make_qdq(m, "y", "y2", 1.0F / 32, I8, 0); n = make_node(m, "MaxPool", "q", "b", "z");
      ints(n, "kernel_shape", LIST(7, 6)); make_node(m, "Add", "s", "z y2", "s");
      end(m, "s", 1.0F / 16, I8, 0))
MODEL(global_max, make_node(m, "GlobalMaxPool", "p", "b", "y"); end(m, "y", 1.0F / 16, I8, -4))
MODEL(mean_kept, n = make_node(m, "ReduceMean", "p", "b", "y"); ints(n, "axes", LIST(-1, 2));
      end(m, "y", 1.0F / 16, U8, 128))
MODEL(mean_of_channels, n = make_node(m, "ReduceMean", "p", "b", "y"); ints(n, "axes", LIST(1));
      end(m, "y", 1.0F / 16, I8, 4))
MODEL(sum_of_maps, int_list(m, "x", LIST(-1, 2)); make_node(m, "ReduceSum", "p", "b x", "y");
      end(m, "y", 1.0F / 2, I8, 4))
MODEL(sum_of_maps_flat, n = make_node(m, "ReduceSum", "p", "a", "y"); ints(n, "axes", LIST(2, 3));
      make_int(n, "keepdims", 0); weights(m, "w", (const int64_t[]){5, 4, -1}, 1.0F / 64);
      make_qdq(m, "y", "y2", 1.0F / 2, U8, 0); n = make_node(m, "Gemm", "g", "y2 w", "out");
      make_int(n, "transB", 1))
MODEL(sum_of_channels, int_list(m, "x", LIST(-3)); make_node(m, "ReduceSum", "p", "b x", "y");
      end(m, "y", 1.0F / 8, I8, 4))
MODEL(largest_of_maps, n = make_node(m, "ReduceMax", "p", "b", "y"); ints(n, "axes", LIST(2, 3));
      end(m, "y", 1.0F / 16, I8, -4))
MODEL(largest_of_maps_flat, int_list(m, "x", LIST(3, -2));
      n = make_node(m, "ReduceMax", "p", "b x", "y"); make_int(n, "keepdims", 0);
      weights(m, "w", (const int64_t[]){4, 5, -1}, 1.0F / 64);
      make_node(m, "MatMul", "g", "y w", "out"))
MODEL(largest_channels_last, n = make_node(m, "Transpose", "t", "b", "t");
      ints(n, "perm", LIST(0, 2, 3, 1)); n = make_node(m, "ReduceMax", "p", "t", "y");
      ints(n, "axes", LIST(1, 2)); make_int(n, "keepdims", 0); end(m, "y", 1.0F / 8, I8, 0))
MODEL(sum_channels_last, n = make_node(m, "Transpose", "t", "b", "t");
      ints(n, "perm", LIST(0, 2, 3, 1)); n = make_node(m, "ReduceSum", "p", "t", "y");
      ints(n, "axes", LIST(3)); n = make_node(m, "Transpose", "u", "y", "u");
      ints(n, "perm", LIST(0, 3, 1, 2)); end(m, "u", 1.0F / 8, I8, 0))
MODEL(average_of_pixels_apart, m->opset_import[0]->version = 19;
      n = make_node(m, "AveragePool", "p", "b", "y");
      ints(n, "kernel_shape", LIST(2, 4)); ints(n, "dilations", LIST(3, 1));
      ints(n, "strides", LIST(2, 1)); end(m, "y", 1.0F / 16, I8, 6))
MODEL(expanded, make_node(m, "GlobalMaxPool", "g", "b", "g");
      int_list(m, "x", LIST(1, 4, ROWS, COLUMNS)); make_node(m, "Expand", "e", "g x", "e");
      make_node(m, "Add", "s", "e a", "y"); end(m, "y", 1.0F / 16, I8, 0))
MODEL(expanded_row, int_list(m, "f", LIST(2)); int_list(m, "l", LIST(3));
      int_list(m, "x", LIST(2)); make_node(m, "Slice", "c", "b f l x", "c");
      int_list(m, "z", LIST(5, 1)); make_node(m, "Expand", "e", "c z", "y");
      end(m, "y", 1.0F / 16, I8, -4))
MODEL(expanded_channel, int_list(m, "x", LIST(1)); make_node(m, "ReduceSum", "p", "b x", "y");
      make_qdq(m, "y", "y2", 1.0F / 8, I8, 0); int_list(m, "z", LIST(4, 1, 1));
      make_node(m, "Expand", "e", "y2 z", "e"); make_node(m, "Mul", "m", "a e", "y3");
      end(m, "y3", 1.0F / 4, I8, 0))
MODEL(expanded_to_nothing, int_list(m, "z", LIST(1, 1)); make_node(m, "Expand", "e", "b z", "e");
      make_node(m, "Shape", "h", "b", "h"); make_node(m, "Expand", "f", "e h", "y");
      end(m, "y", 1.0F / 16, I8, 0))
MODEL(factors_behind_relu, channels(m, "f", 2, (const float[]){2, -0.5F, 0, 0.25F});
      channels(m, "o", 2, (const float[]){-1, 0.5F, 0.25F, 0.25F}); scalar(m, "most", 2);
      make_node(m, "Relu", "r", "b", "r"); make_node(m, "Mul", "m", "r f", "y");
      make_node(m, "Add", "s", "y o", "z"); make_node(m, "Min", "c", "z most", "z2");
      end(m, "z2", 1.0F / 16, I8, 4))
MODEL(norm_behind_relu, weights(m, "w", (const int64_t[]){4, 4, 1, 1, -1}, 1.0F / 64);
      channels(m, "f", 2, (const float[]){2, -0.5F, -1, 0.25F});
      make_node(m, "Conv", "c", "b w", "c"); make_node(m, "Relu", "r", "c", "r");
      make_node(m, "Mul", "m", "r f", "y"); end(m, "y", 1.0F / 32, I8, 4))
MODEL(wide_padding, weights(m, "w", (const int64_t[]){4, 4, 3, 3, -1}, 1.0F / 64);
      n = make_node(m, "Conv", "c", "b w", "c"); ints(n, "pads", LIST(3, 4, 5, 3));
      end(m, "c", 1.0F / 16, I8, 0))
MODEL(largest_of_a_conv, weights(m, "w", (const int64_t[]){4, 4, 1, 1, -1}, 1.0F / 64);
      scalar(m, "zero", 0); make_node(m, "Conv", "c", "b w", "c");
      make_node(m, "Max", "r", "zero c", "r"); end(m, "r", 1.0F / 32, U8, 0))
MODEL(mean_flat, n = make_node(m, "ReduceMean", "p", "b", "y"); ints(n, "axes", LIST(2, 3));
      make_int(n, "keepdims", 0); end(m, "y", 1.0F / 16, I8, 0))
MODEL(concat_alike, conv(m, "in", "c", 1.0F / 16, I8, -4);
      n = make_node(m, "Concat", "j", "b c", "y"); make_int(n, "axis", 1);
      end(m, "y", 1.0F / 16, I8, -4))
MODEL(concat_rescaled, n = make_node(m, "Concat", "j", "a b in", "y"); make_int(n, "axis", -3);
      end(m, "y", 1.0F / 8, I8, 10))
MODEL(concat_nested, n = make_node(m, "Concat", "j", "a b", "y"); make_int(n, "axis", 1);
      make_qdq(m, "y", "y2", 1.0F / 16, I8, 0); n = make_node(m, "Concat", "k", "y2 a y2", "z");
      make_int(n, "axis", 1); make_qdq(m, "z", "z2", 1.0F / 16, I8, 0);
      weights(m, "w", (const int64_t[]){3, 20, 2, 2, -1}, 1.0F / 64);
      make_node(m, "Conv", "e", "z2 w", "e"); end(m, "e", 1.0F / 4, U8, 128))
MODEL(concat_straight_into_conv, n = make_node(m, "Concat", "j", "b b", "y");
      make_int(n, "axis", 1);
      weights(m, "w", (const int64_t[]){3, 8, 3, 2, -1}, 1.0F / 64);
      n = make_node(m, "Conv", "e", "y w", "e"); ints(n, "pads", LIST(2, 1, 0, 1));
      end(m, "e", 1.0F / 4, U8, 128))
MODEL(concat_into_gemm, n = make_node(m, "Concat", "j", "b b", "y"); make_int(n, "axis", 1);
      make_node(m, "Flatten", "f", "y", "f");
      weights(m, "w", (const int64_t[]){8 * ROWS * COLUMNS, 3, -1}, 1.0F / 64);
      make_node(m, "Gemm", "out", "f w", "out"))
MODEL(concat_pooled, n = make_node(m, "Concat", "j", "b b", "y"); make_int(n, "axis", 1);
      n = make_node(m, "MaxPool", "p", "y", "z"); ints(n, "kernel_shape", LIST(2, 2));
      make_node(m, "GlobalAveragePool", "g", "z", "g"); end(m, "g", 1.0F / 16, I8, 0))
MODEL(sum_of_rounded, make_node(m, "Add", "s", "a b", "y"); make_node(m, "Relu", "r", "y", "z");
      end(m, "z", 1.0F / 16, U8, 0))
MODEL(sum_with_itself, make_node(m, "Add", "s", "b b", "y"); end(m, "y", 1.0F / 16, I8, 0))
MODEL(image_added, weights(m, "w", (const int64_t[]){4, 4, 3, 3, -1}, 1.0F / 64);
      n = make_node(m, "Conv", "c", "in w", "c"); ints(n, "pads", LIST(1, 1, 1, 1));
      make_node(m, "Add", "s", "in c", "y"); end(m, "y", 1.0F / 32, U8, 128))
MODEL(image_twice, make_node(m, "Add", "s", "in in", "y"); end(m, "y", 1.0F / 32, I8, 3))
MODEL(image_subtracted, make_node(m, "Sub", "s", "b in", "y"); end(m, "y", 1.0F / 32, I8, 3))
MODEL(image_multiplied, make_node(m, "Mul", "s", "in b", "y"); end(m, "y", 1.0F / 16, I8, 3))
MODEL(image_gated, make_node(m, "GlobalMaxPool", "g", "in", "g");
      make_node(m, "Mul", "s", "g in", "y"); end(m, "y", 1.0F / 32, I8, 3))
MODEL(difference, make_node(m, "Sub", "s", "a b", "y"); end(m, "y", 1.0F / 16, I8, 0))
MODEL(difference_of_a_conv, weights(m, "w", (const int64_t[]){4, 4, 1, 1, -1}, 1.0F / 64);
      make_node(m, "Conv", "c", "a w", "c"); make_node(m, "Sub", "s", "b c", "y");
      end(m, "y", 1.0F / 16, I8, 0))
MODEL(concat_is_residual, n = make_node(m, "Concat", "j", "b b", "j"); make_int(n, "axis", 1);
      weights(m, "w", (const int64_t[]){8, 4, 1, 1, -1}, 1.0F / 64);
      make_node(m, "Conv", "c", "a w", "c"); make_node(m, "Add", "s", "j c", "y");
      end(m, "y", 1.0F / 16, I8, 0))
MODEL(factors, channels(m, "f", 2, (const float[]){2, -0.5F, 1, 0.25F});
      channels(m, "o", 2, (const float[]){-1, 0.5F, 0, 0.25F});
      make_node(m, "Mul", "m", "f b", "y"); make_node(m, "Add", "s", "y o", "z");
      end(m, "z", 1.0F / 16, I8, 0))
MODEL(factors_behind_conv, weights(m, "w", (const int64_t[]){4, 4, 1, 1, -1}, 1.0F / 64);
      channels(m, "f", 2, (const float[]){2, -0.5F, 1, -0.25F}); scalar(m, "o", 0.25F);
      make_node(m, "Conv", "c", "a w", "c"); make_node(m, "Mul", "m", "c f", "y");
      make_node(m, "Sub", "s", "o y", "z"); make_node(m, "Relu", "r", "z", "z2");
      end(m, "z2", 1.0F / 32, U8, 0))
MODEL(quotient, scalar(m, "f", -4); make_node(m, "Div", "d", "b f", "y");
      end(m, "y", 1.0F / 64, I8, 0))
MODEL(norm, channels(m, "f", 0, (const float[]){2, -0.5F, 1, 0.25F});
      channels(m, "o", 0, (const float[]){-1, 0.5F, 0, 0.25F});
      channels(m, "mean", 0, (const float[]){1, 0.5F, -1, 0});
      channels(m, "variance", 0, (const float[]){1, 4, 0.25F, 16});
      n = make_node(m, "BatchNormalization", "n", "b f o mean variance", "y");
      make_float(n, "epsilon", 0); make_node(m, "Relu", "r", "y", "z");
      end(m, "z", 1.0F / 16, U8, 0))
MODEL(dequantised_constant, weights(m, "k", (const int64_t[]){1, 4, 1, 1, -1}, 1.0F / 4);
      make_node(m, "Mul", "m", "b k", "y"); end(m, "y", 1.0F / 4, I8, 0))
MODEL(relu_of_rounded, make_node(m, "Relu", "r", "b", "y"); end(m, "y", 1.0F / 16, I8, -4))
MODEL(relu_of_rounded_rescaled, make_node(m, "Relu", "r", "b", "y"); end(m, "y", 1.0F / 32, U8, 0))
MODEL(idle_relu, make_node(m, "Relu", "r", "a", "y"); end(m, "y", 1.0F / 32, U8, 0))
MODEL(relu6, weights(m, "w", (const int64_t[]){4, 4, 1, 1, -1}, 1.0F / 16); scalar(m, "zero", 0);
      scalar(m, "six", 6); make_node(m, "Conv", "c", "in w", "c");
      make_node(m, "Clip", "r", "c zero six", "y"); end(m, "y", 1.0F / 32, U8, 0))
MODEL(clipped, scalar(m, "least", -1); scalar(m, "most", 2.5F);
      make_node(m, "Clip", "r", "b least most", "y"); end(m, "y", 1.0F / 32, I8, 10))
MODEL(clipped_above, scalar(m, "most", 2.5F); make_node(m, "Clip", "r", "b - most", "y");
      end(m, "y", 1.0F / 32, I8, 10))
MODEL(rounded_again, make_qdq(m, "b", "c", 1.0F / 4, U8, 78); end(m, "c", 1.0F / 16, I8, 0))
MODEL(depthwise, weights(m, "w", (const int64_t[]){8, 1, 3, 2, -1}, 1.0F / 64);
      n = make_node(m, "Conv", "c", "b w", "c"); make_int(n, "group", 4);
      ints(n, "pads", LIST(2, 0, 1, 1)); ints(n, "strides", LIST(2, 1));
      end(m, "c", 1.0F / 16, I8, 0))
MODEL(grouped, weights(m, "w", (const int64_t[]){6, 2, 2, 2, -1}, 1.0F / 64);
      n = make_node(m, "Conv", "c", "b w", "c"); make_int(n, "group", 2);
      ints(n, "dilations", LIST(2, 3)); end(m, "c", 1.0F / 16, I8, 0))
MODEL(product, make_node(m, "Flatten", "f", "b", "f");
      weights(m, "w", (const int64_t[]){4 * ROWS * COLUMNS, 5, -1}, 1.0F / 64);
      make_float_list(m, "bias", 5, (const float[]){1, -2, 0.5F, 0, 3});
      make_node(m, "MatMul", "p", "f w", "p"); make_node(m, "Add", "s", "p bias", "y");
      end(m, "y", 1, I8, 0))
MODEL(transposed_weights, make_node(m, "Flatten", "f", "b", "f");
      weights(m, "w", (const int64_t[]){5, 4 * ROWS * COLUMNS, -1}, 1.0F / 64);
      make_node(m, "Transpose", "t", "w", "wt"); make_node(m, "MatMul", "out", "f wt", "out"))
MODEL(channels_last, n = make_node(m, "Transpose", "t", "b", "t");
      ints(n, "perm", LIST(0, 2, 3, 1));
      make_float_list(m, "f", 4, (const float[]){2, -0.5F, 1, 0.25F});
      make_node(m, "Mul", "m", "t f", "y"); make_qdq(m, "y", "z", 1.0F / 16, I8, 0);
      n = make_node(m, "Transpose", "u", "z", "u"); ints(n, "perm", LIST(0, 3, 1, 2));
      end(m, "u", 1.0F / 16, I8, 0))
MODEL(flat_channels_last, n = make_node(m, "Transpose", "t", "b", "t");
      ints(n, "perm", LIST(0, 2, 3, 1)); int_list(m, "s", LIST(1, -1));
      make_node(m, "Reshape", "f", "t s", "f");
      weights(m, "w", (const int64_t[]){4 * ROWS * COLUMNS, 5, -1}, 1.0F / 64);
      make_node(m, "MatMul", "out", "f w", "out"))
MODEL(mean_channels_last, n = make_node(m, "Transpose", "t", "b", "t");
      ints(n, "perm", LIST(0, 2, 3, 1)); n = make_node(m, "ReduceMean", "p", "t", "y");
      ints(n, "axes", LIST(1, 2)); make_int(n, "keepdims", 0); end(m, "y", 1.0F / 16, I8, 0))
MODEL(exported_flatten, make_node(m, "Shape", "s", "b", "s"); int_list(m, "zero", LIST(0));
      make_node(m, "Gather", "g", "s zero", "g"); int_list(m, "rest", LIST(-1));
      n = make_node(m, "Concat", "j", "g rest", "j"); make_int(n, "axis", 0);
      make_node(m, "Reshape", "r", "b j", "r"); make_node(m, "Identity", "i", "r", "i");
      make_node(m, "Dropout", "d", "i", "d");
      weights(m, "w", (const int64_t[]){4 * ROWS * COLUMNS, 5, -1}, 1.0F / 64);
      make_node(m, "Gemm", "gemm", "d w", "y"); make_node(m, "Softmax", "end", "y", "out"))
MODEL(squeezed, make_node(m, "GlobalAveragePool", "p", "b", "y");
      make_qdq(m, "y", "y2", 1.0F / 16, I8, 0); int_list(m, "axes", LIST(2, 3));
      make_node(m, "Squeeze", "s", "y2 axes", "s"); make_node(m, "Unsqueeze", "u", "s axes", "u");
      weights(m, "w", (const int64_t[]){5, 4, 1, 1, -1}, 1.0F / 64);
      make_node(m, "Conv", "c", "u w", "c"); end(m, "c", 1.0F / 16, I8, 0))
MODEL(padded, int_list(m, "pads", LIST(0, 0, 1, 2, 0, 0, 0, 1));
      make_node(m, "Pad", "pad", "b pads", "p");
      weights(m, "w", (const int64_t[]){5, 4, 3, 3, -1}, 1.0F / 64);
      n = make_node(m, "Conv", "c", "p w", "c"); ints(n, "pads", LIST(1, 0, 1, 0));
      end(m, "c", 1.0F / 16, I8, 0))
MODEL(padded_average, int_list(m, "pads", LIST(0, 0, 1, 1, 0, 0, 0, 1));
      make_node(m, "Pad", "pad", "b pads", "p"); n = make_node(m, "AveragePool", "q", "p", "y");
      ints(n, "kernel_shape", LIST(2, 2)); end(m, "y", 1.0F / 16, I8, 0))
MODEL(padded_max, int_list(m, "pads", LIST(0, 0, 1, 1, 0, 0, 1, 1));
      make_node(m, "Pad", "pad", "a pads", "p"); n = make_node(m, "MaxPool", "q", "p", "y");
      ints(n, "kernel_shape", LIST(3, 3)); ints(n, "strides", LIST(2, 2));
      end(m, "y", 1.0F / 32, U8, 0))
MODEL(shortcut, int_list(m, "start", LIST(0, 0)); int_list(m, "stop", LIST(INT64_MAX, INT64_MAX));
      int_list(m, "axes", LIST(2, 3)); int_list(m, "steps", LIST(2, 2));
      make_node(m, "Slice", "cut", "b start stop axes steps", "c");
      int_list(m, "pads", LIST(0, 2, 0, 0, 0, 2, 0, 0)); make_node(m, "Pad", "pad", "c pads", "p");
      weights(m, "w", (const int64_t[]){8, 4, 1, 1, -1}, 1.0F / 64);
      n = make_node(m, "Conv", "conv", "a w", "s"); ints(n, "strides", LIST(2, 2));
      make_node(m, "Add", "add", "s p", "y"); end(m, "y", 1.0F / 16, I8, 0))
MODEL(cropped, int_list(m, "start", LIST(1, -4, 1)); int_list(m, "stop", LIST(3, -1, 4));
      int_list(m, "axes", LIST(1, 3, 2)); make_node(m, "Slice", "cut", "b start stop axes", "y");
      end(m, "y", 1.0F / 8, I8, 4))
MODEL(one_pixel, int_list(m, "start", LIST(3, 5)); int_list(m, "stop", LIST(4, 6));
      int_list(m, "axes", LIST(2, 3)); make_node(m, "Slice", "cut", "b start stop axes", "y");
      end(m, "y", 1.0F / 16, I8, -4))

MODEL(picked_channels, int_list(m, "k", LIST(2, -1, 2, 0));
      n = make_node(m, "Gather", "g", "b k", "y"); make_int(n, "axis", 1);
      end(m, "y", 1.0F / 16, I8, -4))
MODEL(picked_of_a_part, int_list(m, "s", LIST(1)); int_list(m, "e", LIST(4));
      int_list(m, "x", LIST(1)); make_node(m, "Slice", "cut", "b s e x", "c");
      n = make_node(m, "Transpose", "t", "c", "t"); ints(n, "perm", LIST(0, 2, 3, 1));
      int_list(m, "k", LIST(2, 0)); n = make_node(m, "Gather", "g", "t k", "g");
      make_int(n, "axis", -1); n = make_node(m, "Transpose", "u", "g", "u");
      ints(n, "perm", LIST(0, 3, 1, 2)); end(m, "u", 1.0F / 16, I8, -4))

/* ---- Functions of one byte: a table of the layer that delivers it, or of one by itself ---- */

MODEL(leaky, n = make_node(m, "LeakyRelu", "f", "b", "y"); make_float(n, "alpha", 0.125F);
      end(m, "y", 1.0F / 16, I8, 3))
MODEL(leaky_of_a_shared_map, n = make_node(m, "LeakyRelu", "f", "b", "y");
      make_node(m, "Add", "s", "b b", "s"); make_qdq(m, "s", "s2", 1.0F / 8, I8, 0);
      make_qdq(m, "y", "y2", 1.0F / 16, U8, 9); make_node(m, "Add", "t", "s2 y2", "t");
      end(m, "t", 1.0F / 8, I8, 0))
MODEL(sigmoid, make_node(m, "Sigmoid", "f", "b", "y"); end(m, "y", 1.0F / 256, U8, 0))
MODEL(sigmoid_of_the_image, make_node(m, "Sigmoid", "f", "in", "y");
      make_qdq(m, "y", "y2", 1.0F / 256, U8, 0); conv(m, "y2", "c", 1.0F / 16, U8, 8);
      end(m, "c", 1.0F / 16, U8, 8))
MODEL(silu, make_node(m, "Sigmoid", "f", "b", "y"); make_node(m, "Mul", "g", "b y", "z");
      end(m, "z", 1.0F / 32, I8, -100))
MODEL(silu_rounded_twice, make_node(m, "Sigmoid", "f", "b", "y");
      make_qdq(m, "y", "y2", 1.0F / 256, U8, 0); make_node(m, "Mul", "g", "y2 b", "z");
      end(m, "z", 1.0F / 32, I8, -100))
MODEL(hard_swish_in_pieces, scalar(m, "three", 3); scalar(m, "zero", 0); scalar(m, "six", 6);
      make_node(m, "Add", "s", "b three", "y1"); make_node(m, "Clip", "c", "y1 zero six", "y2");
      make_node(m, "Mul", "g", "b y2", "y3"); make_node(m, "Div", "d", "y3 six", "y4");
      end(m, "y4", 1.0F / 16, I8, -4))
MODEL(hard_swish, make_node(m, "HardSwish", "f", "b", "y");
      end(m, "y", 1.0F / 16, I8, -4))
MODEL(slopes, channels(m, "k", 2, (const float[]){0.5F, -0.25F, 0, 2});
      make_node(m, "PRelu", "f", "b k", "y"); end(m, "y", 1.0F / 16, I8, -4))
MODEL(slopes_then_norm, channels(m, "k", 2, (const float[]){0.5F, -0.25F, 0, 2});
      channels(m, "f", 0, (const float[]){2, -0.5F, 1, 0.25F});
      channels(m, "o", 0, (const float[]){-1, 0.5F, 0, 0.25F});
      channels(m, "variance", 0, (const float[]){1, 4, 0.25F, 16});
      make_node(m, "PRelu", "p", "b k", "y");
      n = make_node(m, "BatchNormalization", "n", "y f o o variance", "z");
      make_float(n, "epsilon", 0); end(m, "z", 1.0F / 16, I8, -4))
MODEL(sigmoid_then_norm, channels(m, "f", 0, (const float[]){2, -0.5F, 1, 0.25F});
      channels(m, "variance", 0, (const float[]){1, 4, 0.25F, 16});
      make_node(m, "Tanh", "p", "b", "y");
      n = make_node(m, "BatchNormalization", "n", "y f f f variance", "z");
      make_float(n, "epsilon", 0); end(m, "z", 1.0F / 32, I8, -4))
MODEL(square, make_node(m, "Mul", "g", "b b", "y"); end(m, "y", 1.0F / 4, U8, 0))
MODEL(gelu_of_a_concat, n = make_node(m, "Concat", "j", "b b", "j"); make_int(n, "axis", 1);
      make_node(m, "Gelu", "f", "j", "y"); end(m, "y", 1.0F / 16, I8, -4))
MODEL(table_of_a_table, make_node(m, "Elu", "f", "b", "y");
      make_qdq(m, "y", "y2", 1.0F / 64, U8, 70);
      weights(m, "w", (const int64_t[]){4, 4, 1, 1, -1}, 1.0F / 64);
      make_node(m, "Conv", "c", "y2 w", "c"); make_qdq(m, "c", "c2", 1.0F / 64, I8, 0);
      make_node(m, "Tanh", "g", "c2", "g"); make_qdq(m, "g", "g2", 1.0F / 64, I8, 0);
      make_node(m, "Abs", "h", "g2", "h"); end(m, "h", 1.0F / 128, U8, 0))
MODEL(pooled_behind_a_table, make_node(m, "Elu", "f", "b", "y");
      make_qdq(m, "y", "y2", 1.0F / 64, U8, 70);
      make_node(m, "GlobalAveragePool", "p", "y2", "p"); end(m, "p", 1.0F / 64, U8, 70))
MODEL(table_behind_a_pool, make_node(m, "GlobalAveragePool", "p", "b", "p");
      make_qdq(m, "p", "p2", 1.0F / 64, I8, 0); make_node(m, "Sigmoid", "f", "p2", "y");
      end(m, "y", 1.0F / 256, U8, 0))
MODEL(table_into_a_flat_product, make_node(m, "Flatten", "f", "b", "f");
      make_node(m, "Softsign", "g", "f", "g"); make_qdq(m, "g", "g2", 1.0F / 128, I8, 0);
      weights(m, "w", (const int64_t[]){4 * ROWS * COLUMNS, 5, -1}, 1.0F / 64);
      make_node(m, "MatMul", "p", "g2 w", "y"); end(m, "y", 1.0F / 16, I8, 0))
MODEL(sign, make_node(m, "Sign", "f", "b", "y"); end(m, "y", 1.0F / 64, I8, 3))
MODEL(sign_unrounded, weights(m, "w", (const int64_t[]){4, 4, 1, 1, -1}, 1.0F / 64);
      make_node(m, "Conv", "c", "b w", "c"); make_node(m, "Sign", "f", "c", "y");
      end(m, "y", 1.0F / 64, I8, -2))
MODEL(bounds_of_two, scalar(m, "low", -1); scalar(m, "high", 2);
      make_node(m, "Max", "f", "low b", "y"); make_node(m, "Min", "g", "y high", "z");
      end(m, "z", 1.0F / 32, I8, 0))
MODEL(reciprocal, scalar(m, "one", 1); make_node(m, "Exp", "e", "b", "e");
      make_node(m, "Add", "s", "one e", "s"); make_node(m, "Div", "d", "one s", "y");
      end(m, "y", 1.0F / 256, U8, 0))
MODEL(constant_by_map, scalar(m, "one", 1); scalar(m, "two", 24);
      make_node(m, "Add", "s", "b two", "s"); make_qdq(m, "s", "s2", 1.0F / 4, U8, 0);
      make_node(m, "Div", "d", "one s2", "y"); end(m, "y", 1.0F / 2048, U8, 0))

MODEL(bounds_of_several, scalar(m, "low", -1); scalar(m, "zero", -0.5F); scalar(m, "high", 2);
      make_node(m, "Max", "f", "low b zero", "y"); make_node(m, "Min", "g", "high y high", "z");
      end(m, "z", 1.0F / 32, I8, 0))

/* ---- Products of maps; maps enlarged ---- */

MODEL(product_of_maps, make_node(m, "Mul", "m", "a b", "y"); end(m, "y", 1.0F / 16, I8, 4))
MODEL(product_then_relu, make_node(m, "Mul", "m", "b a", "y"); scalar(m, "f", -0.5F);
      make_node(m, "Mul", "k", "y f", "z"); make_node(m, "Relu", "r", "z", "z2");
      end(m, "z2", 1.0F / 64, U8, 0))
MODEL(gate, make_node(m, "GlobalMaxPool", "g", "b", "g");
      make_qdq(m, "g", "g2", 1.0F / 16, I8, -4);
      weights(m, "w", (const int64_t[]){4, 4, 1, 1, -1}, 1.0F / 64);
      make_node(m, "Conv", "c", "g2 w", "c"); make_qdq(m, "c", "c2", 1.0F / 32, I8, 0);
      make_node(m, "HardSigmoid", "h", "c2", "h"); make_qdq(m, "h", "h2", 1.0F / 256, U8, 0);
      make_node(m, "Mul", "m", "h2 b", "y"); end(m, "y", 1.0F / 32, I8, 0))
MODEL(gate_of_the_mean, make_node(m, "GlobalAveragePool", "g", "b", "g");
      make_qdq(m, "g", "g2", 1.0F / 64, U8, 100);
      make_node(m, "Mul", "m", "b g2", "y"); end(m, "y", 1.0F / 16, I8, 0))
MODEL(enlarged, scalar(m, "none", 0); make_float_list(m, "k", 4, (const float[]){1, 1, 2, 3});
      make_node(m, "Resize", "z", "b - k", "y"); end(m, "y", 1.0F / 16, I8, -4))
MODEL(enlarged_to_sizes, int_list(m, "k", LIST(1, 4, 2 * ROWS, 2 * COLUMNS));
      n = make_node(m, "Resize", "z", "b - - k", "y"); make_text(n, "nearest_mode", "floor");
      make_text(n, "coordinate_transformation_mode", "asymmetric");
      conv(m, "y", "c", 1.0F / 16, U8, 8);
      end(m, "c", 1.0F / 16, U8, 8))

MODEL(enlarged_by_axes, m->opset_import[0]->version = 19;
      make_float_list(m, "k", 2, (const float[]){3, 2});
      n = make_node(m, "Resize", "z", "b - k", "y"); ints(n, "axes", LIST(-1, 2));
      end(m, "y", 1.0F / 16, I8, -4))
MODEL(enlarged_channels_last, n = make_node(m, "Transpose", "t", "b", "t");
      ints(n, "perm", LIST(0, 2, 3, 1));
      make_float_list(m, "k", 4, (const float[]){1, 3, 2, 1});
      make_node(m, "Resize", "z", "t - k", "y"); n = make_node(m, "Transpose", "u", "y", "u");
      ints(n, "perm", LIST(0, 3, 1, 2)); end(m, "u", 1.0F / 16, I8, -4))
MODEL(enlarged_linearly, make_float_list(m, "k", 4, (const float[]){1, 1, 2, 2});
      n = make_node(m, "Resize", "z", "b - k", "y"); make_text(n, "mode", "linear");
      end(m, "y", 1.0F / 16, I8, -4))
MODEL(enlarged_linearly_onwards, make_float_list(m, "k", 4, (const float[]){1, 1, 2, 2});
      n = make_node(m, "Resize", "z", "b - k", "y"); make_text(n, "mode", "linear");
      make_text(n, "coordinate_transformation_mode", "asymmetric");
      end(m, "y", 1.0F / 32, I8, -4))

/* uint8 weights around 128, a zero point for each output, through QuantizeLinear and a bias. */
static void quantised_weights(Onnx__ModelProto *m)
{
    float real[5 * 4];
    const float steps[] = {1.0F / 64, 1.0F / 32, 1.0F / 64, 1.0F / 16, 1.0F / 64};
    const uint8_t zeros[] = {128, 128, 130, 100, 128};
    const int32_t bias[] = {100, -200, 300, 0, 77};

    for (int i = 0; i < 20; i++)
        real[i] = (float)((int)(random_number() % 200) - 100) / 64;
    make_tensor(m, "w.f", ONNX_TYPE(FLOAT), (const int64_t[]){5, 4, 1, 1, -1}, real, sizeof real);
    make_float_list(m, "w.s", 5, steps);
    make_tensor(m, "w.z", U8, (const int64_t[]){5, -1}, zeros, sizeof zeros);
    make_tensor(m, "k.q", ONNX_TYPE(INT32), (const int64_t[]){5, -1}, bias, sizeof bias);
    make_int(make_node(m, "QuantizeLinear", "w/Q", "w.f w.s w.z", "w.q"), "axis", 0);
    make_int(make_node(m, "DequantizeLinear", "w/DQ", "w.q w.s w.z", "w"), "axis", 0);
    make_int(make_node(m, "DequantizeLinear", "k/DQ", "k.q w.s", "bias"), "axis", 0);
    make_node(m, "Conv", "c", "b w bias", "c");
    end(m, "c", 1.0F / 16, I8, 0);
}

static Onnx__NodeProto *microsoft(Onnx__NodeProto *n)
{
    make_rename(&n->domain, "com.microsoft");
    return n;
}

/* The whole of a model in QLinear operators. */
static void qlinear(Onnx__ModelProto *m)
{
    const float steps[] = {1.0F / 64, 1.0F / 32, 1.0F / 64, 1.0F / 16, 1.0F / 64};
    const int32_t bias[] = {100, -200, 300, 0, 77};
    const int8_t zeros[5] = {0}, four = 4;
    int8_t w[5 * 8 * 4];

    for (size_t i = 0; i < sizeof w; i++)
        w[i] = (int8_t)(random_number() % 37 - 18);
    make_tensor(m, "w", I8, (const int64_t[]){5, 8, 2, 2, -1}, w, sizeof w);
    make_tensor(m, "v", I8, (const int64_t[]){6, 5, -1}, w, 30);
    make_float_list(m, "w.s", 5, steps);
    scalar(m, "v.s", 1.0F / 64);
    scalar(m, "y.s", 1.0F / 8);
    make_tensor(m, "z4", I8, (const int64_t[]){-1}, &four, 1);
    make_tensor(m, "z0", I8, (const int64_t[]){-1}, zeros, 1);
    make_tensor(m, "z5", I8, (const int64_t[]){5, -1}, zeros, 5);
    make_tensor(m, "c.b", ONNX_TYPE(INT32), (const int64_t[]){5, -1}, bias, sizeof bias);
    make_int(microsoft(make_node(m, "QLinearConcat", "j",
                                 "y.s z0 in.q in.scale in.zero b.q b.scale b.zero", "j")),
             "axis", 1);
    make_node(m, "QLinearConv", "c", "j y.s z0 w w.s z5 y.s z4 c.b", "c");
    microsoft(make_node(m, "QLinearAdd", "s", "c y.s z4 c y.s z4 y.s z0", "s"));
    ints(make_node(m, "MaxPool", "p", "s", "p"), "kernel_shape", LIST(2, 2));
    make_node(m, "Identity", "i", "p", "p2");
    make_int(microsoft(make_node(m, "QLinearGlobalAveragePool", "g", "p2 y.s z0 y.s z4", "g")),
             "channels_last", 0);
    make_node(m, "Flatten", "f", "g", "f");
    make_int(microsoft(make_node(m, "QGemm", "fc", "f y.s z4 v v.s z0 - y.s z0", "q")), "transB",
             1);
    make_node(m, "DequantizeLinear", "out/DQ", "q y.s z0", "out");
    make_opset(m, "com.microsoft", 1);
}

/* The mean of 2 x 2 bytes by two, of a map that has an odd row, which the last windows lack. */
static Onnx__NodeProto *qlinear_average(Onnx__ModelProto *m)
{
    const int8_t zero = 6;

    scalar(m, "y.s", 1.0F / 16);
    make_tensor(m, "z", I8, (const int64_t[]){-1}, &zero, 1);
    Onnx__NodeProto *n = microsoft(make_node(m, "QLinearAveragePool", "p",
                                             "b.q b.scale b.zero y.s z", "q"));
    ints(n, "kernel_shape", LIST(2, 2));
    ints(n, "strides", LIST(2, 2));
    make_int(n, "count_include_pad", 1);
    make_node(m, "DequantizeLinear", "out/DQ", "q y.s z", "out");
    make_opset(m, "com.microsoft", 1);
    return n;
}

MODEL(qlinear_average_ceil, make_int(qlinear_average(m), "ceil_mode", 1))
MODEL(qlinear_average_padded, ints(qlinear_average(m), "pads", LIST(0, 0, 1, 0)))

/* A rounded sum times a matrix, and back to bytes. */
static void qlinear_matmul(Onnx__ModelProto *m)
{
    int8_t w[4 * ROWS * COLUMNS * 2];
    const int8_t zero = 0;

    for (size_t i = 0; i < sizeof w; i++)
        w[i] = (int8_t)(random_number() % 31 - 15);
    make_tensor(m, "w", I8, (const int64_t[]){4 * ROWS * COLUMNS, 2, -1}, w, sizeof w);
    make_tensor(m, "z", I8, (const int64_t[]){-1}, &zero, 1);
    scalar(m, "w.s", 1.0F / 64);
    scalar(m, "y.s", 2);
    make_node(m, "Flatten", "f", "b.q", "f");
    make_node(m, "QLinearMatMul", "p", "f b.scale b.zero w w.s z y.s z", "q");
    make_node(m, "DequantizeLinear", "out/DQ", "q y.s z", "out");
}

/* Clip with attributes, as before set 11. */
static void old_relu6(Onnx__ModelProto *m)
{
    Onnx__NodeProto *n;

    m->opset_import[0]->version = 10;
    weights(m, "w", (const int64_t[]){4, 4, 1, 1, -1}, 1.0F / 16);
    make_node(m, "Conv", "c", "in w", "c");
    n = make_node(m, "Clip", "r", "c", "y");
    make_float(n, "min", 0);
    make_float(n, "max", 6);
    end(m, "y", 1.0F / 32, U8, 0);
}

/* ---- Comparison ---- */

struct model {
    const char *name;
    void      (*fill)(Onnx__ModelProto *m);
    double      steps; // by which results may differ
    uint32_t    n_layer; // the image, a and b included where they are read
};

static void must(enum err e, const char *name, const struct err_msg *m)
{
    if (e)
        fail_msg("%s: %s", name, m->text);
}

/* begin() has more maps than most models read: those go, with what they need. */
static void prune(Onnx__ModelProto *m)
{
    Onnx__GraphProto *g = m->graph;
    bool gone = true;

    while (gone) {
        gone = false;
        for (size_t i = g->n_node; i-- > 0;) {
            bool read = strcmp(g->node[i]->output[0], "out") == 0;
            for (size_t k = 0; k < g->n_node; k++)
                for (size_t j = 0; j < g->node[k]->n_input; j++)
                    read |= strcmp(g->node[k]->input[j], g->node[i]->output[0]) == 0;
            if (read)
                continue;
            onnx__node_proto__free_unpacked(g->node[i], NULL);
            memmove(&g->node[i], &g->node[i + 1], (--g->n_node - i) * sizeof *g->node);
            gone = true;
        }
    }
}

static struct network network_of(const Onnx__ModelProto *model, const char *name)
{
    struct network n;
    struct err_msg m;
    size_t size;
    uint8_t *bytes = make_packed(model, &size);

    must(network_decode_onnx(&n, "made", bytes, size, &m), name, &m);
    free(bytes);
    return n;
}

static struct array image_of(uint32_t seed, int8_t *bytes)
{
    struct array image;

    assert_true(array_init(&image, ONNX_TYPE(FLOAT), 4,
                           (const uint32_t[]){1, CHANNELS, ROWS, COLUMNS}));
    random_state = seed;
    for (int c = 0; c < CHANNELS; c++)
        for (int x = 0; x < ROWS; x++)
            for (int y = 0; y < COLUMNS; y++) {
                int8_t q = (int8_t)random_number();
                bytes[(y * ROWS + x) * CHANNELS + c] = q;
                image.real[(c * ROWS + x) * COLUMNS + y] = (float)q / 64;
            }
    return image;
}

static void compare(const struct model *t, const struct reference *r, const struct array *want)
{
    const struct network *n = r->network;
    const struct layer *l = network_result(n);
    struct shape s = layer_delivers(l);
    int lowest = INT32_MAX, highest = INT32_MIN;

    assert_int_equal(want->n, (size_t)s.height * s.width * s.channels);
    for (uint32_t c = 0; c < s.channels; c++)
        for (uint32_t x = 0; x < s.height; x++)
            for (uint32_t y = 0; y < s.width; y++) {
                int64_t got = reference_delivered(r, n->n_layer - 1, x, y, c);
                double v = (double)want->real[(c * s.height + x) * s.width + y] / l->out_scale;
                double off = fabs((double)(got - l->out_zero) - v);
                if (!(off <= t->steps))
                    fail_msg("%s: output %" PRIu32 " of (%" PRIu32 ", %" PRIu32 ") is %" PRId64
                             ", want %g", t->name, c, x, y, got - l->out_zero, v);
                lowest = got < lowest ? (int)got : lowest;
                highest = got > highest ? (int)got : highest;
            }
    if (lowest == highest) // a comparison of nothing
        fail_msg("%s: all outputs are %d", t->name, lowest);
}

/* A model as the reader has it beside one as the float evaluator has it. */
static void run_models(const struct model *t, const Onnx__ModelProto *read,
                       Onnx__ModelProto *model)
{
    struct float_graph g;
    struct err_msg m;
    struct network n = network_of(read, t->name);

    if (n.n_layer != t->n_layer)
        fail_msg("%s: %" PRIu32 " layers, want %" PRIu32, t->name, n.n_layer, t->n_layer);
    Onnx__NodeProto *last = model->graph->node[model->graph->n_node - 1];
    if (strcmp(last->op_type, "Softmax") == 0) // not the reader's: the sums in front of it
        make_rename(&last->op_type, "Identity");
    must(float_graph_init(&g, model, &m), t->name, &m);
    for (uint32_t i = 0; i < N_IMAGE; i++) {
        int8_t bytes[CHANNELS * ROWS * COLUMNS];
        struct array image = image_of(i, bytes);
        struct float_run run;
        struct reference r;
        must(float_run_init(&run, &g, &m), t->name, &m);
        float_run_set(&run, g.graph.image, &image);
        must(float_run_all(&run, &m), t->name, &m);
        reference_init(&r, &n);
        reference_run(&r, bytes);
        compare(t, &r, &run.value[g.graph.result]);
        reference_release(&r);
        float_run_release(&run);
    }
    float_graph_release(&g);
    network_release(&n);
}

static void run(const struct model *t)
{
    Onnx__ModelProto *model = begin();

    t->fill(model);
    prune(model);
    run_models(t, model, model);
    make_free(model);
}

/* ---- Sums of codes ---- */

struct integer { // a ConvInteger of "b", and what stands behind it
    const char *name;
    int64_t     group, pad, stride, dilation, points; // zero points of weights
    bool        same;  // auto_pad
    bool        each;  // a scale for each output, and a bias
};

static void window(Onnx__NodeProto *n, const struct integer *of)
{
    make_int(n, "group", of->group);
    ints(n, "strides", LIST(of->stride, of->stride));
    ints(n, "dilations", LIST(of->dilation, of->dilation));
    if (of->same)
        make_text(n, "auto_pad", "SAME_UPPER");
    else
        ints(n, "pads", LIST(of->pad, of->pad, of->pad, of->pad));
}

/* The same with codes, or with what they mean. */
static Onnx__ModelProto *make_convolution(const struct integer *of, bool codes)
{
    Onnx__ModelProto *m = begin();
    const int64_t dims[] = {CHANNELS, CHANNELS / of->group, 3, 3, -1};
    const int64_t *points = (const int64_t[]){of->points, -1} + (of->points == 1);
    int8_t w[CHANNELS * CHANNELS * 9], zero[CHANNELS] = {3, -7, 0, 12};
    float scale[CHANNELS] = {1.0F / 128, 1.0F / 64, 1.0F / 64, 1.0F / 256};
    float bias[CHANNELS] = {0.5F, -0.25F, 0, 1}, sums[CHANNELS];

    for (size_t i = 0; i < sizeof w; i++)
        w[i] = (int8_t)(random_number() % 61 - 30);
    for (int i = 0; i < CHANNELS; i++) {
        scale[i] = of->each ? scale[i] : 1.0F / 128;
        sums[i] = scale[i] / 16; // b's scale
    }
    make_tensor(m, "w", I8, dims, w, sizeof w / (size_t)of->group);
    make_tensor(m, "w.zero", I8, points, zero, (size_t)of->points);
    channels(m, "sums", 2, sums);
    channels(m, "bias", 2, bias);
    if (codes) {
        window(make_node(m, "ConvInteger", "c", "b.q w b.zero w.zero", "c"), of);
        make_int(make_node(m, "Cast", "f", "c", "f"), "to", 1);
        make_node(m, "Mul", "s", of->each ? "f sums" : "sums f", "y");
    } else {
        int8_t zeros[CHANNELS];
        for (int i = 0; i < CHANNELS; i++)
            zeros[i] = zero[of->points == 1 ? 0 : i];
        make_tensor(m, "w.zeros", I8, (const int64_t[]){CHANNELS, -1}, zeros, CHANNELS);
        channels(m, "scales", 0, scale);
        make_int(make_node(m, "DequantizeLinear", "d", "w scales w.zeros", "d"), "axis", 0);
        window(make_node(m, "Conv", "c", "b d", "y"), of);
    }
    if (of->each)
        make_node(m, "Add", "a", "y bias", "z");
    end(m, of->each ? "z" : "y", 1.0F / 8, I8, 5);
    prune(m);
    return m;
}

static void sums_of_codes_are_convolutions_of_what_they_mean(void **state)
{
    static const struct integer models[] = {
        {"plain", 1, 0, 1, 1, 1, false, false}, {"padded", 1, 1, 1, 1, 1, false, true},
        {"strided", 1, 2, 2, 1, CHANNELS, false, true}, {"grouped", 2, 1, 1, 1, 1, false, true},
        {"each by itself", CHANNELS, 1, 1, 2, CHANNELS, false, false},
        {"same", 1, 0, 2, 1, CHANNELS, true, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        const struct model t = {models[i].name, NULL, 0, 3};
        Onnx__ModelProto *codes = make_convolution(&models[i], true);
        Onnx__ModelProto *meaning = make_convolution(&models[i], false);
        run_models(&t, codes, meaning);
        make_free(codes);
        make_free(meaning);
    }
}

static void each_operator_gives_what_onnx_defines(void **state)
{
#define T(name, steps, layers) {#name, name, steps, layers}
    static const struct model models[] = {
        T(max_pool, 0, 3), T(max_pool_ceil, 0, 3), T(max_pool_rescaled, 0, 4),
        T(max_pool_same, 0, 3), T(max_pool_unrounded, 0, 4), T(function_unrounded, 0, 3),
        T(function_doubled, 0, 3), T(functions_in_a_row, 0, 63),
        T(average_of_four, 0, 3), T(average_at_the_edge, 0, 3), T(average_with_padding, 0, 3),
        T(average_of_nine, 1, 3), T(average_scaled, 0, 3),
        T(global_average, 1, 2), T(global_average_shared, 1, 5), T(global_max, 0, 3),
        T(mean_kept, 1, 3), T(mean_flat, 1, 2),
        T(concat_alike, 0, 4), T(concat_rescaled, 0, 7), T(concat_nested, 0, 7),
        T(concat_straight_into_conv, 0, 3), T(concat_into_gemm, 0, 3), T(concat_pooled, 1, 3),
        T(sum_of_rounded, 0, 4), T(sum_with_itself, 0, 3), T(difference, 0, 4),
        T(difference_of_a_conv, 0, 4), T(concat_is_residual, 0, 5),
        T(factors, 0, 3), T(factors_behind_conv, 0, 3), T(quotient, 0, 3), T(norm, 0, 3),
        T(dequantised_constant, 0, 3),
        T(relu_of_rounded, 0, 3), T(relu_of_rounded_rescaled, 0, 3), T(idle_relu, 0, 2),
        T(relu6, 0, 2), T(old_relu6, 0, 2), T(clipped, 0, 3), T(clipped_above, 0, 3),
        T(rounded_again, 0, 4),
        T(depthwise, 0, 3), T(grouped, 0, 3), T(product, 0, 3), T(transposed_weights, 0, 3),
        T(channels_last, 0, 3), T(flat_channels_last, 0, 3), T(mean_channels_last, 1, 2),
        T(exported_flatten, 0, 3), T(squeezed, 1, 3),
        T(padded, 0, 3), T(padded_average, 0, 3), T(padded_max, 0, 3), T(shortcut, 0, 5),
        T(cropped, 0, 4), T(one_pixel, 0, 3),
        T(leaky, 0, 2), T(leaky_of_a_shared_map, 0, 5), T(sigmoid, 0, 2),
        T(sigmoid_of_the_image, 0, 3), T(silu, 0, 2), T(silu_rounded_twice, 0, 2),
        T(hard_swish_in_pieces, 0, 2), T(hard_swish, 0, 2), T(slopes, 0, 2),
        T(slopes_then_norm, 0, 2), T(sigmoid_then_norm, 0, 2), T(square, 0, 2),
        T(gelu_of_a_concat, 0, 3), T(table_of_a_table, 0, 3), T(pooled_behind_a_table, 1, 2),
        T(table_behind_a_pool, 0, 3), T(table_into_a_flat_product, 0, 3), T(bounds_of_two, 0, 2),
        T(reciprocal, 0, 2), T(constant_by_map, 0, 3),
        T(mean_of_channels, 0, 3), T(factors_behind_relu, 0, 3), T(norm_behind_relu, 0, 3),
        T(wide_padding, 0, 3), T(largest_of_a_conv, 0, 3),
        T(product_of_maps, 0, 4), T(product_then_relu, 0, 4), T(gate, 0, 5),
        T(gate_of_the_mean, 1, 4), T(enlarged, 0, 3), T(enlarged_to_sizes, 0, 4),
        T(enlarged_linearly, 1, 4), T(enlarged_linearly_onwards, 0, 4),
        T(sum_of_maps, 0, 2), T(sum_of_maps_flat, 0, 3), T(sum_of_channels, 0, 3),
        T(largest_of_maps, 0, 3), T(largest_of_maps_flat, 0, 4), T(largest_channels_last, 0, 4),
        T(sum_channels_last, 0, 3), T(average_of_pixels_apart, 0, 3),
        T(expanded, 0, 6), T(expanded_row, 0, 4), T(expanded_channel, 0, 6),
        T(expanded_to_nothing, 0, 3),
        T(picked_channels, 0, 3), T(picked_of_a_part, 0, 3), T(bounds_of_several, 0, 2),
        T(enlarged_by_axes, 0, 3), T(enlarged_channels_last, 0, 3),
        T(sign, 0, 2), T(sign_unrounded, 0, 3),
        T(image_added, 0, 2), T(image_twice, 0, 2), T(image_subtracted, 0, 3),
        T(image_multiplied, 0, 4), T(image_gated, 0, 4),
        T(quantised_weights, 0, 3), T(qlinear, 1, 8), T(qlinear_matmul, 0, 3),
        T(qlinear_average_ceil, 0, 3), T(qlinear_average_padded, 0, 3),
    };
    (void)state;

    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        run(&models[i]);
}

/* ONNX Runtime's own average divides by all of a window, whatever makes it reach beyond the map. */
static void an_average_of_bytes_counts_ceil_mode_as_padding(void **state)
{
    void (*const fill[])(Onnx__ModelProto *) = {qlinear_average_ceil, qlinear_average_padded};
    int64_t got[2][4 * 3 * CHANNELS];
    (void)state;

    for (size_t k = 0; k < 2; k++) {
        Onnx__ModelProto *model = begin();
        int8_t bytes[CHANNELS * ROWS * COLUMNS];
        struct array image = image_of(0, bytes);
        struct reference r;
        fill[k](model);
        prune(model);
        struct network n = network_of(model, "averages");
        const struct layer *l = &n.layer[n.n_layer - 1];
        assert_true(l->out.height == 4 && l->out.width == 3 && l->out.channels == CHANNELS);
        reference_init(&r, &n);
        reference_run(&r, bytes);
        for (uint32_t i = 0; i < 4 * 3 * CHANNELS; i++)
            got[k][i] = reference_delivered(&r, n.n_layer - 1, i / 3 % 4, i % 3, i / 12);
        reference_release(&r);
        network_release(&n);
        array_release(&image);
        make_free(model);
    }
    assert_memory_equal(got[0], got[1], sizeof got[0]);
}

/* ---- Refusals ---- */

MODEL(conflicting_divisors, n = make_node(m, "AveragePool", "p", "b", "y");
      ints(n, "kernel_shape", LIST(2, 2)); ints(n, "strides", LIST(2, 2));
      ints(n, "pads", LIST(1, 1, 0, 0)); make_int(n, "ceil_mode", 1);
      make_int(n, "count_include_pad", 1); end(m, "y", 1.0F / 16, I8, 0))
MODEL(sum_behind_pool, weights(m, "w", (const int64_t[]){4, 4, 1, 1, -1}, 1.0F / 64);
      make_node(m, "Conv", "c", "b w", "c"); n = make_node(m, "MaxPool", "p", "c", "y");
      ints(n, "kernel_shape", LIST(1, 1)); make_node(m, "Add", "s", "y b", "s");
      end(m, "s", 1.0F / 64, U8, 0))
MODEL(no_kernel, make_node(m, "MaxPool", "p", "b", "y"); end(m, "y", 1.0F / 16, I8, -4))
MODEL(indices, n = make_node(m, "MaxPool", "p", "b", "y"); ints(n, "kernel_shape", LIST(1, 1));
      n->output = realloc(n->output, 2 * sizeof *n->output); n->output[n->n_output++] = strdup("k");
      make_node(m, "Add", "s", "y k", "z"); end(m, "z", 1.0F / 16, I8, 0))
MODEL(mean_without_axes, make_node(m, "ReduceMean", "p", "b", "y");
      end(m, "y", 1.0F / 16, I8, 0))
MODEL(mean_of_the_batch, n = make_node(m, "ReduceMean", "p", "b", "y"); ints(n, "axes", LIST(0));
      end(m, "y", 1.0F / 16, I8, 0))
MODEL(concat_of_rows, n = make_node(m, "Concat", "j", "b b", "y"); make_int(n, "axis", 2);
      end(m, "y", 1.0F / 16, I8, 0))
MODEL(concat_unlike, n = make_node(m, "MaxPool", "p", "b", "p");
      ints(n, "kernel_shape", LIST(2, 2)); n = make_node(m, "Concat", "j", "b p", "y");
      make_int(n, "axis", 1);
      end(m, "y", 1.0F / 16, I8, 0))
MODEL(concat_unrounded, n = make_node(m, "Concat", "j", "a b", "y"); make_int(n, "axis", 1);
      make_node(m, "GlobalAveragePool", "g", "y", "g"); end(m, "g", 1.0F / 16, I8, 0))
MODEL(concat_of_bytes, n = make_node(m, "Concat", "j", "a.q b.q", "y"); make_int(n, "axis", 1);
      make_node(m, "DequantizeLinear", "out/DQ", "y a.scale a.zero", "out"))
MODEL(spread_map, make_node(m, "GlobalMaxPool", "g", "b", "g");
      make_node(m, "Add", "s", "b g", "y"); end(m, "y", 1.0F / 16, I8, 0))
MODEL(maps_of_other_channels, n = make_node(m, "Concat", "j", "b b", "j"); make_int(n, "axis", 1);
      make_node(m, "Mul", "m", "a j", "y"); end(m, "y", 1.0F / 16, I8, 0))
MODEL(product_unrounded, weights(m, "w", (const int64_t[]){4, 4, 1, 1, -1}, 1.0F / 64);
      make_node(m, "Conv", "c", "b w", "c"); make_node(m, "Mul", "m", "a c", "y");
      end(m, "y", 1.0F / 16, I8, 0))
MODEL(enlarged_cubically, make_float_list(m, "k", 4, (const float[]){1, 1, 2, 2});
      n = make_node(m, "Resize", "z", "b - k", "y"); make_text(n, "mode", "cubic");
      end(m, "y", 1.0F / 16, I8, -4))
MODEL(largest_of_channels, n = make_node(m, "ReduceMax", "p", "b", "y"); ints(n, "axes", LIST(1));
      end(m, "y", 1.0F / 16, I8, 0))
MODEL(least_of_maps, n = make_node(m, "ReduceMin", "p", "b", "y"); ints(n, "axes", LIST(2, 3));
      end(m, "y", 1.0F / 16, I8, 0))
MODEL(normalised_by_itself, channels(m, "f", 0, (const float[]){1, 2, 3, 4});
      make_node(m, "InstanceNormalization", "p", "b f f", "y"); end(m, "y", 1.0F / 16, I8, 0))
MODEL(picked_rows, int_list(m, "k", LIST(2, 0)); n = make_node(m, "Gather", "g", "b k", "y");
      make_int(n, "axis", 2); end(m, "y", 1.0F / 16, I8, 0))
MODEL(picked_beyond, int_list(m, "k", LIST(2, 4)); n = make_node(m, "Gather", "g", "b k", "y");
      make_int(n, "axis", 1); end(m, "y", 1.0F / 16, I8, 0))
MODEL(largest_of_two_maps, make_node(m, "Max", "p", "a b", "y"); end(m, "y", 1.0F / 16, I8, 0))
MODEL(expanded_batch, int_list(m, "z", LIST(2, 4, ROWS, COLUMNS));
      make_node(m, "Expand", "e", "b z", "y"); end(m, "y", 1.0F / 16, I8, 0))
MODEL(expanded_twice, int_list(m, "z", LIST(2 * COLUMNS)); make_node(m, "Expand", "e", "b z", "y");
      end(m, "y", 1.0F / 16, I8, 0))
MODEL(expanded_further, int_list(m, "z", LIST(1, 1, 4, ROWS, COLUMNS));
      make_node(m, "Expand", "e", "b z", "y"); end(m, "y", 1.0F / 16, I8, 0))
MODEL(enlarged_by_a_half, make_float_list(m, "k", 4, (const float[]){1, 1, 1.5F, 2});
      make_node(m, "Resize", "z", "b - k", "y"); end(m, "y", 1.0F / 16, I8, -4))
MODEL(slopes_of_a_sum, make_float_list(m, "k", 4, (const float[]){1, 2, 3, 4});
      weights(m, "w", (const int64_t[]){4, 4, 1, 1, -1}, 1.0F / 64);
      make_node(m, "Conv", "c", "b w", "c"); make_node(m, "PRelu", "f", "c k", "y");
      end(m, "y", 1.0F / 256, U8, 0))
MODEL(two_unrounded_sums, weights(m, "w", (const int64_t[]){4, 4, 1, 1, -1}, 1.0F / 64);
      make_node(m, "Conv", "c", "b w", "c"); make_node(m, "Conv", "d", "a w", "d");
      make_node(m, "Add", "add", "c d", "y"); end(m, "y", 1.0F / 16, I8, 0))
MODEL(function_of_many, char v[32] = "f"; pixel_conv(m, "b", "c");
      make_node(m, "Sigmoid", "f", "c", "f"); doubled(m, v, 64);
      end(m, v, 0x1p64F, U8, 0))
MODEL(function_of_reads, char v[1024] = "f"; pixel_conv(m, "b", "c");
      make_node(m, "Sigmoid", "f", "c", "f");
      for (int i = 0; i < 256; i++) strcat(v, " f");
      make_node(m, "Max", "g", v, "g"); end(m, "g", 1, U8, 0))
MODEL(function_of_steps, pixel_conv(m, "b", "c"); scalar(m, "k", 0x1p30F);
      make_node(m, "Mul", "d", "c k", "d"); make_node(m, "Tanh", "t", "c", "t");
      make_node(m, "Sin", "f", "d", "f"); make_node(m, "Add", "g", "t f", "g");
      end(m, "g", 1.0F / 64, U8, 128))
MODEL(function_of_columns, make_float_list(m, "k", COLUMNS, (const float[COLUMNS]){1});
      make_node(m, "PRelu", "f", "b k", "y"); end(m, "y", 1.0F / 16, I8, 0))
MODEL(function_added, make_node(m, "Sigmoid", "f", "b", "y"); make_node(m, "Add", "s", "y a", "z");
      end(m, "z", 1.0F / 16, I8, 0))
MODEL(quotient_of_maps, make_node(m, "Div", "d", "a b", "y");
      end(m, "y", 1.0F / 16, I8, 0))
MODEL(quotient_by_zero, scalar(m, "zero", 0); make_node(m, "Div", "d", "b zero", "y");
      end(m, "y", 1.0F / 16, I8, 0))
MODEL(quotient_by_infinity, scalar(m, "most", INFINITY); make_node(m, "Div", "d", "b most", "y");
      end(m, "y", 1.0F / 16, I8, 0))
MODEL(infinite_variance, channels(m, "f", 0, (const float[]){1, 2, 3, 4});
      channels(m, "v", 0, (const float[]){1, INFINITY, 3, 4});
      make_node(m, "BatchNormalization", "n", "b f f f v", "y"); end(m, "y", 1.0F / 16, I8, 0))
MODEL(constants_of_columns, make_float_list(m, "f", COLUMNS, (const float[COLUMNS]){1});
      make_node(m, "Mul", "m", "b f", "y"); end(m, "y", 1.0F / 16, I8, 0))
MODEL(factors_behind_sum, channels(m, "f", 2, (const float[]){1, 2, 3, 4});
      make_node(m, "Add", "s", "a b", "s"); make_node(m, "Mul", "m", "s f", "y");
      end(m, "y", 1.0F / 16, I8, 0))
MODEL(factors_behind_average, channels(m, "f", 2, (const float[]){1, 2, 3, 4});
      make_node(m, "GlobalAveragePool", "g", "b", "g"); make_node(m, "Mul", "m", "g f", "y");
      end(m, "y", 1.0F / 16, I8, 0))
MODEL(average_negated, scalar(m, "f", -1); make_node(m, "GlobalAveragePool", "g", "b", "g");
      make_node(m, "Mul", "m", "g f", "y"); end(m, "y", 1.0F / 16, I8, 0))
MODEL(average_apart_early, n = make_node(m, "AveragePool", "p", "b", "y");
      ints(n, "kernel_shape", LIST(2, 2)); ints(n, "dilations", LIST(2, 2));
      end(m, "y", 1.0F / 16, I8, 6))
MODEL(known_set_too, n = make_node(m, "MaxPool", "p", "b", "y");
      ints(n, "kernel_shape", LIST(2, 2)); ints(n, "dilations:10", LIST(2, 2));
      end(m, "y", 1.0F / 16, I8, 6))
MODEL(training, m->opset_import[0]->version = 14; channels(m, "f", 0, (const float[]){1, 2, 3, 4});
      n = make_node(m, "BatchNormalization", "n", "b f f f f", "y");
      make_int(n, "training_mode", 1); end(m, "y", 1.0F / 16, I8, 0))
MODEL(negative_variance, channels(m, "f", 0, (const float[]){1, 2, -3, 4});
      make_node(m, "BatchNormalization", "n", "b f f f f", "y"); end(m, "y", 1.0F / 16, I8, 0))
MODEL(bounds_reversed, scalar(m, "low", 1); scalar(m, "high", -1);
      make_node(m, "Clip", "c", "b low high", "y"); end(m, "y", 1.0F / 16, I8, 0))
MODEL(bytes_below_all, scalar(m, "high", -129); make_node(m, "Clip", "c", "b.q - high", "y");
      make_node(m, "DequantizeLinear", "d", "y b.scale b.zero", "out"))
MODEL(bytes_above_all, scalar(m, "low", 1e10F); make_node(m, "Clip", "c", "b.q low", "y");
      make_node(m, "DequantizeLinear", "d", "y b.scale b.zero", "out"))
MODEL(bound_is_a_map, make_node(m, "Clip", "c", "b a", "y"); end(m, "y", 1.0F / 16, I8, 0))
MODEL(pad_of_ones, int_list(m, "p", LIST(0, 0, 1, 1, 0, 0, 1, 1)); scalar(m, "one", 1);
      make_node(m, "Pad", "pad", "b p one", "y"); end(m, "y", 1.0F / 16, I8, -4))
MODEL(pad_reflected, int_list(m, "p", LIST(0, 0, 1, 1, 0, 0, 1, 1));
      make_text(make_node(m, "Pad", "pad", "b p", "y"), "mode", "reflect");
      end(m, "y", 1.0F / 16, I8, -4))
MODEL(pad_negative, int_list(m, "p", LIST(-1, 1)); int_list(m, "axes", LIST(2)); // not all axes
      make_node(m, "Pad", "pad", "b p - axes", "y"); end(m, "y", 1.0F / 16, I8, -4))
MODEL(pad_of_the_batch, int_list(m, "p", LIST(1, 0, 0, 0, 0, 0, 0, 0));
      make_node(m, "Pad", "pad", "b p", "y"); end(m, "y", 1.0F / 16, I8, -4))
MODEL(pad_for_a_sum, int_list(m, "p", LIST(0, 0, 1, 1, 0, 0, 1, 1));
      make_node(m, "Pad", "pad", "b p", "y"); make_node(m, "Add", "s", "y y", "z");
      end(m, "z", 1.0F / 16, I8, -4))
MODEL(pad_for_the_largest, int_list(m, "p", LIST(0, 0, 1, 1, 0, 0, 1, 1));
      make_node(m, "Pad", "pad", "b p", "y"); n = make_node(m, "MaxPool", "q", "y", "z");
      ints(n, "kernel_shape", LIST(3, 3)); end(m, "z", 1.0F / 16, I8, -4))
MODEL(slice_backwards, int_list(m, "s", LIST(6)); int_list(m, "e", LIST(0));
      int_list(m, "x", LIST(2)); int_list(m, "t", LIST(-1));
      make_node(m, "Slice", "cut", "b s e x t", "y");
      end(m, "y", 1.0F / 16, I8, -4))
MODEL(axis_twice, int_list(m, "s", LIST(0, 0)); int_list(m, "e", LIST(4, 4));
      int_list(m, "x", LIST(2, -2)); make_node(m, "Slice", "cut", "b s e x", "y");
      end(m, "y", 1.0F / 16, I8, -4))
MODEL(flat_slice, int_list(m, "s", LIST(0)); int_list(m, "e", LIST(4)); int_list(m, "x", LIST(1));
      make_node(m, "Flatten", "f", "b", "f"); make_node(m, "Slice", "cut", "f s e x", "y");
      end(m, "y", 1.0F / 16, I8, -4))
MODEL(perm_twice, n = make_node(m, "Transpose", "t", "b", "y"); ints(n, "perm", LIST(0, 1, 1, 2));
      end(m, "y", 1.0F / 16, I8, -4))
MODEL(other_shape, int_list(m, "s", LIST(1, 8, -1)); make_node(m, "Reshape", "r", "b s", "y");
      end(m, "y", 1.0F / 16, I8, -4))
MODEL(two_open_dimensions, int_list(m, "s", LIST(1, -1, -1));
      make_node(m, "Reshape", "r", "b s", "y"); end(m, "y", 1.0F / 16, I8, -4))
MODEL(shape_is_a_map, make_node(m, "Reshape", "r", "b a", "y"); end(m, "y", 1.0F / 16, I8, -4))
MODEL(squeezed_rows, int_list(m, "s", LIST(2)); make_node(m, "Squeeze", "q", "b s", "y");
      end(m, "y", 1.0F / 16, I8, -4))
MODEL(map_in_a_product, weights(m, "w", (const int64_t[]){6, 4, -1}, 1);
      make_node(m, "MatMul", "p", "b w", "y"); end(m, "y", 1.0F / 16, I8, 0))
MODEL(float_model, make_node(m, "Relu", "r", "image", "out"))
MODEL(image_alone, make_node(m, "Identity", "i", "in", "out"))
MODEL(folded_badly, int_list(m, "s", LIST(1, 2)); int_list(m, "t", LIST(1, 2, 3));
      make_node(m, "Add", "sum", "s t", "u"); make_node(m, "Reshape", "r", "b u", "y");
      end(m, "y", 1.0F / 16, I8, -4))

/* A weight of -128 has no other sign. */
static void sign_of_least_weight(Onnx__ModelProto *m)
{
    const float one = 1;
    const int8_t w[4] = {1, -128, 2, 3};

    make_weights(m, "w", (const int64_t[]){1, 4, 1, 1, -1}, w, 1, &one, 0);
    scalar(m, "f", -1);
    make_node(m, "Conv", "c", "b w", "c");
    make_node(m, "Mul", "m", "c f", "y");
    end(m, "y", 1.0F / 16, I8, 0);
}

/* Channels double with every Concat. */
static void doubling_channels(Onnx__ModelProto *m)
{
    char in[16] = "b b", out[16], name[16];

    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "j%d", i);
        snprintf(out, sizeof out, "x%d", i);
        make_int(make_node(m, "Concat", name, in, i < 19 ? out : "out"), "axis", 1);
        snprintf(in, sizeof in, "x%d x%d", i, i);
    }
}

/* Many layers of as many channels as there may be, from a small file. */
static void many_wide_layers(Onnx__ModelProto *m)
{
    char in[16] = "b b", out[16], name[16];

    for (int i = 0; i < 114; i++) {
        snprintf(name, sizeof name, "n%d", i);
        snprintf(out, sizeof out, "x%d", i);
        Onnx__NodeProto *n = make_node(m, i < 14 ? "Concat" : "MaxPool", name, in,
                                       i < 113 ? out : "out");
        if (i < 14)
            make_int(n, "axis", 1);
        else
            ints(n, "kernel_shape", LIST(1, 1));
        snprintf(in, sizeof in, i < 13 ? "x%d x%d" : "x%d", i, i);
    }
}

static void each_refusal_names_node_place_and_cure(void **state)
{
    static const struct {
        void      (*fill)(Onnx__ModelProto *m);
        const char *want;
    } cases[] = {
        {conflicting_divisors, "node \"p\" (AveragePool): divides sums of 1 positions by 4 here "
                               "and by 2 there: want ceil_mode 0"},
        {sum_behind_pool, "node \"s\" (Add): adds to what is already pooled: want QuantizeLinear"},
        {no_kernel, "node \"p\" (MaxPool): no kernel_shape: want"},
        {indices, "node \"p\" (MaxPool): output 1 is read: want"},
        {mean_without_axes, "node \"p\" (ReduceMean): goes over other axes than rows and"},
        {mean_of_the_batch, "node \"p\" (ReduceMean): goes over other axes than rows and"},
        {concat_of_rows, "node \"j\" (Concat): concatenates along axis 2: want 1"},
        {concat_unlike, "node \"j\" (Concat): concatenates maps of 7x6 and 6x5: want"},
        {concat_unrounded, "node \"g\" (GlobalAveragePool): reads concatenated maps whose scales"},
        {concat_of_bytes, "node \"j\" (Concat): concatenates bytes of different scales"},
        {spread_map, "node \"s\" (Add): adds 1x1x4 (rows x columns x channels) to 7x6x4: want"},
        {maps_of_other_channels, "node \"m\" (Mul): multiplies maps of 7x6x4 and 7x6x8 (rows x"},
        {product_unrounded, "node \"m\" (Mul): multiplies an unquantised result: want"},
        {enlarged_cubically, "node \"z\" (Resize): mode is \"cubic\": want nearest"},
        {largest_of_channels, "node \"p\" (ReduceMax): takes the largest over other axes than"},
        {least_of_maps, "node \"p\" (ReduceMin): no such operator here: want Neg, ReduceMax and"},
        {normalised_by_itself, "node \"p\" (InstanceNormalization): no such operator here: want"},
        {picked_rows, "node \"g\" (Gather): picks along axis 2, or of zeros around a map: want"},
        {picked_beyond, "node \"g\" (Gather): picks channel 4 of 4: want one of them"},
        {largest_of_two_maps, "node \"p\" (Max): of two maps, or of a constant for each channel: "
                              "want a map and numbers"},
        {expanded_batch, "node \"e\" (Expand): expands axis 0 of 1 to 2: want rows, columns"},
        {expanded_twice, "node \"e\" (Expand): expands axis 3 of 6 to 12: want rows, columns"},
        {expanded_further, "node \"e\" (Expand): expands to 5 dimensions: want 4"},
        {enlarged_by_a_half, "node \"z\" (Resize): a factor of 1.5 along axis 2, half_pixel"},
        {quotient_of_maps, "node \"d\" (Div): divides by a map: want"},
        {two_unrounded_sums, "node \"add\" (Add): adds two unquantised results: want Quantize"},
        {slopes_of_a_sum, "node \"f\" (PRelu): input 1 has 4 constants: want one, or"},
        {function_of_columns, "node \"f\" (PRelu): input 1 has 6 constants in 1 dimensions: want"},
        {function_of_many, "node \"d0\" (Add): is one of more than 64 operators without Quant"},
        {function_of_reads, "node \"g\" (Max): is one of operators that read sums more than 256 "
                            "times: want"},
        {function_of_steps, "node \"g\" (Add): has more than 65536 steps as a function of sums: "
                            "want"},
        {function_added, "node \"s\" (Add): reads an unquantised function of a map: want"},
        {quotient_by_zero, "node \"d\" (Div): constant 0 makes a factor of inf"},
        {quotient_by_infinity, "node \"d\" (Div): constant 0 is inf: want finite numbers"},
        {infinite_variance, "node \"n\" (BatchNormalization): constant 1 is inf: want finite"},
        {constants_of_columns, "node \"m\" (Mul): 6 constants in 1 dimensions: want one, or one "
                               "for each of 4 channels"},
        {factors_behind_sum, "node \"m\" (Mul): scales what is already a sum: want"},
        {factors_behind_average, "node \"m\" (Mul): scales channels of what is already averaged"},
        {average_negated, "node \"m\" (Mul): changes the sign of what is already pooled: want"},
        {average_apart_early, "node \"p\" (AveragePool): attribute \"dilations\" is not in "
                              "operator set 13: want set 19 or later"},
        {known_set_too, "node \"p\" (MaxPool): attribute \"dilations:10\" is not understood: want"},
        {training, "node \"n\" (BatchNormalization): is in training mode: want"},
        {negative_variance, "node \"n\" (BatchNormalization): constant 2 makes a factor of"},
        {bytes_below_all, "node \"c\" (Clip): clips bytes to -inf .. -129: want bounds that bytes"},
        {bytes_above_all, "node \"c\" (Clip): clips bytes to 1e+10 .. inf: want bounds that "
                          "bytes"},
        {bounds_reversed, "node \"c\" (Clip): clips to 1 .. -1: want"},
        {bound_is_a_map, "node \"c\" (Clip): its bound min is a dequantised map: want"},
        {pad_of_ones, "node \"pad\" (Pad): pads with 1: want 0"},
        {pad_reflected, "node \"pad\" (Pad): mode is \"reflect\": want constant"},
        {pad_negative, "node \"pad\" (Pad): pads axis 2 by -1 and 1: want 0 to"},
        {pad_of_the_batch, "node \"pad\" (Pad): pads the batch"},
        {pad_for_a_sum, "node \"s\" (Add): input 0 has zeros around it: want Pad in front of"},
        {pad_for_the_largest, "node \"q\" (MaxPool): takes zeros around a map that has negative"},
        {slice_backwards, "node \"cut\" (Slice): takes from 6 to 0 in steps of -1 of 7: want"},
        {axis_twice, "node \"cut\" (Slice): axis -2 of 4 dimensions: want each once"},
        {flat_slice, "node \"cut\" (Slice): takes 4 of 168 places along axis 1, which are no part"},
        {perm_twice, "node \"t\" (Transpose): perm does not order 4 axes: want"},
        {other_shape, "node \"r\" (Reshape): changes a map of 7x6x4 (rows x columns x channels) "
                      "to 3 dimensions that take rows, columns and channels apart otherwise: want"},
        {two_open_dimensions, "node \"r\" (Reshape): dimension 2 becomes -1: want"},
        {shape_is_a_map, "node \"r\" (Reshape): input 1 is a dequantised map: want stored"},
        {squeezed_rows, "node \"q\" (Squeeze): squeezes axis 2 of length 7: want 1"},
        {map_in_a_product, "node \"p\" (MatMul): weights of 2 dimensions on a map of 4: want"},
        {float_model, "no QuantizeLinear in it: want a quantised model, as \"imcsim import\""},
        {image_alone, "graph output \"out\" is the image: want a network"},
        {folded_badly, "node \"sum\" (Add): operands of length 2 and 3 along one axis: want"},
        {sign_of_least_weight, "node \"m\" (Mul): changes the sign of a weight of -128: want"},
        {many_wide_layers, "node \"n77\" (MaxPool): 65537 more channels, positions of windows or "
                           "parts of maps: want"},
        {doubling_channels, "node \"j14\" (Concat): makes 131072 channels: want at most 65536"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Onnx__ModelProto *model = begin();
        struct network n;
        struct err_msg m = {"accepted"};
        size_t size;
        cases[i].fill(model);
        if (cases[i].fill != indices)
            prune(model);
        uint8_t *bytes = make_packed(model, &size);
        enum err e = network_decode_onnx(&n, "made", bytes, size, &m);
        if (e != ERR_INPUT || strncmp(m.text, cases[i].want, strlen(cases[i].want)) != 0)
            fail_msg("\"%s\", want \"%s...\"", m.text, cases[i].want);
        if (!strstr(m.text, "want "))
            fail_msg("\"%s\" names no cure", m.text);
        free(bytes);
        make_free(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_operator_gives_what_onnx_defines),
        cmocka_unit_test(sums_of_codes_are_convolutions_of_what_they_mean),
        cmocka_unit_test(an_average_of_bytes_counts_ceil_mode_as_padding),
        cmocka_unit_test(each_refusal_names_node_place_and_cure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
