/* Writes networks of the literature whose weights are not published as quantised ONNX models with
 * steps of 1.
 *
 *     bsnn     1 x 28 x 28, 5x5 16, average 2x2, 5x5 64, average 2x2, 10 outputs: weights of +1 and
 *              -1 at random (Eshraghian and others 2022)
 *     moneta   3 x 32 x 32, four 3x3 kernels of step 2: 64, 64, 128, 128: no weights, which would
 *              lie in a file beside it (Kim and others 2022)
 *
 * usage: write_snn bsnn|moneta FILE.onnx */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "test/onnx_make.h"

static void make_random(Onnx__ModelProto *model, const char *name, const int64_t *dims,
                        struct rng from)
{
    const float one = 1;
    size_t n = 1;

    for (size_t i = 0; dims[i] >= 0; i++)
        n *= (size_t)dims[i];
    int8_t *w = malloc(n);
    if (!w)
        exit(1);
    for (size_t i = 0; i < n; i++)
        w[i] = rng_u64(from, i) % 2 ? 1 : -1;
    make_weights(model, name, dims, w, 1, &one, 0);
    free(w);
}

static void make_convolution(Onnx__ModelProto *model, const char *in, const char *name,
                             const char *weights)
{
    static const int64_t pads[] = { 2, 2, 2, 2 }, two[] = { 2, 2 };
    char inputs[64], sums[32], fired[32], pooled[32];

    snprintf(inputs, sizeof inputs, "%s %s", in, weights);
    snprintf(sums, sizeof sums, "%s_sums", name);
    snprintf(fired, sizeof fired, "%s_fired", name);
    snprintf(pooled, sizeof pooled, "%s_pooled", name);
    make_ints(make_node(model, "Conv", name, inputs, sums), "pads", 4, pads);
    make_qdq(model, sums, fired, 1, ONNX_TYPE(UINT8), 0);
    Onnx__NodeProto *pool = make_node(model, "AveragePool", pooled, fired, pooled);
    make_ints(pool, "kernel_shape", 2, two);
    make_ints(pool, "strides", 2, two);
    snprintf(sums, sizeof sums, "%s_out", name);
    make_qdq(model, pooled, sums, 1, ONNX_TYPE(UINT8), 0);
}

static void make_bsnn(Onnx__ModelProto *model)
{
    const int64_t first[] = { 16, 1, 5, 5, -1 }, second[] = { 64, 16, 5, 5, -1 };
    const int64_t last[] = { 10, 64 * 7 * 7, -1 };
    struct rng from = rng_at(1, "bsnn");

    make_random(model, "w1", first, rng_in(from, 1));
    make_random(model, "w2", second, rng_in(from, 2));
    make_random(model, "w3", last, rng_in(from, 3));
    make_convolution(model, "pixels", "conv1", "w1");
    make_convolution(model, "conv1_out", "conv2", "w2");
    make_node(model, "Flatten", "flat", "conv2_out", "flat");
    make_int(make_node(model, "Gemm", "fc", "flat w3", "out"), "transB", 1);
    make_output(model, NULL, 2, (const int64_t[]){ 1, 10 });
}

/* A tensor of int8 whose bytes are said to be elsewhere. */
static void make_absent(Onnx__ModelProto *model, const char *name, int64_t out, int64_t in)
{
    const int64_t dims[] = { out, in, 3, 3, -1 };
    const float one = 1;
    size_t n = (size_t)(out * in * 9);
    int8_t *none = calloc(n, 1);
    char data[48];

    make_weights(model, name, dims, none, 1, &one, 0);
    free(none);
    for (size_t i = 0; i < model->graph->n_initializer; i++) {
        Onnx__TensorProto *t = model->graph->initializer[i];
        if (!t->has_raw_data || t->raw_data.len != n)
            continue;
        Onnx__StringStringEntryProto *e = malloc(sizeof *e);
        onnx__string_string_entry_proto__init(e);
        e->key = strdup("location");
        snprintf(data, sizeof data, "%.31s.bin", name);
        e->value = strdup(data);
        free(t->raw_data.data);
        t->raw_data = (ProtobufCBinaryData){ 0 };
        t->has_raw_data = 0;
        t->has_data_location = 1;
        t->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
        t->n_external_data = 1;
        t->external_data = malloc(sizeof *t->external_data);
        t->external_data[0] = e;
    }
}

static void make_moneta(Onnx__ModelProto *model)
{
    static const int64_t channels[] = { 3, 64, 64, 128, 128 }, one[] = { 1, 1, 1, 1 };
    static const int64_t two[] = { 2, 2 };
    char inputs[64], name[32], sums[32], out[32] = "pixels";

    for (int i = 1; i <= 4; i++) {
        snprintf(name, sizeof name, "w%d", i);
        make_absent(model, name, channels[i], channels[i - 1]);
        snprintf(inputs, sizeof inputs, "%s %s", out, name);
        snprintf(name, sizeof name, "conv%d", i);
        snprintf(sums, sizeof sums, i < 4 ? "sums%d" : "out", i);
        snprintf(out, sizeof out, "positive%d", i);
        Onnx__NodeProto *conv = make_node(model, "Conv", name, inputs, sums);
        make_ints(conv, "strides", 2, two);
        make_ints(conv, "pads", 4, one);
        if (i == 4)
            break;
        make_node(model, "Relu", out, sums, out);
        snprintf(sums, sizeof sums, "%s", out);
        snprintf(out, sizeof out, "fired%d", i);
        make_qdq(model, sums, out, 1, ONNX_TYPE(UINT8), 0);
    }
    make_output(model, NULL, 4, (const int64_t[]){ 1, 128, 2, 2 });
}

int main(int argc, char **argv)
{
    size_t size;

    if (argc != 3)
        return 2;
    bool moneta = strcmp(argv[1], "moneta") == 0;
    Onnx__ModelProto *model = moneta ? make_model(3, 32, 32) : make_model(1, 28, 28);
    make_qdq(model, "image", "pixels", 1, ONNX_TYPE(UINT8), 0);
    if (moneta)
        make_moneta(model);
    else
        make_bsnn(model);
    uint8_t *bytes = make_packed(model, &size);
    FILE *f = fopen(argv[2], "wb");
    int failed = !f || fwrite(bytes, 1, size, f) != size || fclose(f) != 0;
    free(bytes);
    make_free(model);
    return failed;
}
