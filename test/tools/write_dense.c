/* Writes a trained network of layers that see all of the one before as a quantised ONNX model. Its
 * bits are where ../shared/data is (test/shared.h): weights w1 .. of +1 and -1, thresholds t1 ..,
 * and what is added to the last sums, b.
 *
 *     a = [sum w x >= t] = clip(sum w x + 1 - t, 0, 1)
 *
 * The input has a channel for each value, pixels from 0 to 1 that are rounded: 128 of 255 and more
 * are 1.
 *
 * INPUTS:8 takes bytes instead, as they are: whole numbers from 0 to 255.
 *
 * usage: write_dense STEM FILE.onnx INPUTS[:8] OUTPUTS...
 *        write_dense spiking/lee_bnn bnn.onnx 400 128 128 10 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/onnx_make.h"
#include "test/shared.h"

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "write_dense: cannot %s\n", what);
    exit(1);
}

/* Value `in` in one bit as value `name`. */
static void make_bits(Onnx__ModelProto *model, const char *in, const char *name)
{
    char codes[32], bits[32], inputs[96];

    snprintf(codes, sizeof codes, "%s_codes", name);
    snprintf(bits, sizeof bits, "%s_bits", name);
    snprintf(inputs, sizeof inputs, "%s one zero", in);
    make_node(model, "QuantizeLinear", codes, inputs, codes);
    snprintf(inputs, sizeof inputs, "%s zero most", codes);
    make_node(model, "Clip", bits, inputs, bits);
    snprintf(inputs, sizeof inputs, "%s one zero", bits);
    make_node(model, "DequantizeLinear", name, inputs, name);
}

/* The input as bytes. */
static void make_bytes(Onnx__ModelProto *model)
{
    make_node(model, "QuantizeLinear", "bytes", "image one zero", "bytes");
    make_node(model, "DequantizeLinear", "bit0", "bytes one zero", "bit0");
}

static void make_layer(Onnx__ModelProto *model, const struct blob *b, uint32_t i, bool last,
                       int64_t in, int64_t out)
{
    char name[16], from[16], sums[32], w[32], offset[32], inputs[96];
    const int64_t dims[] = { out, in, -1 };
    const float one = 1;

    snprintf(name, sizeof name, "w%u", i);
    struct blob_array weight = blob_find(b, name);
    snprintf(name, sizeof name, last ? "b%u" : "t%u", i);
    struct blob_array t = blob_find(b, blob_has(b, name) ? name : "b");
    must(weight.n == (size_t)(in * out) && t.n == (size_t)out, "use arrays of another size");
    float *bias = malloc((size_t)out * sizeof *bias);
    must(bias, "get memory");
    for (size_t o = 0; o < t.n; o++)
        bias[o] = (float)(last ? blob_integer(&t, o) : 1 - blob_integer(&t, o));
    snprintf(w, sizeof w, "weight%u", i);
    snprintf(offset, sizeof offset, "bias%u", i);
    snprintf(sums, sizeof sums, last ? "out" : "sums%u", i);
    snprintf(from, sizeof from, i > 1 ? "bit%u" : "flat", i - 1);
    make_weights(model, w, dims, (const int8_t *)weight.data, 1, &one, 0);
    make_float_list(model, offset, (size_t)out, bias);
    snprintf(inputs, sizeof inputs, "%s %s %s", from, w, offset);
    snprintf(name, sizeof name, "dense%u", i);
    make_int(make_node(model, "Gemm", name, inputs, sums), "transB", 1);
    snprintf(name, sizeof name, "bit%u", i);
    if (!last)
        make_bits(model, sums, name);
    free(bias);
}

static void write_model(const char *path, const Onnx__ModelProto *model)
{
    size_t size;
    uint8_t *bytes = make_packed(model, &size);
    FILE *f = fopen(path, "wb");

    must(f && fwrite(bytes, 1, size, f) == size && fclose(f) == 0, path);
    free(bytes);
}

int main(int argc, char **argv)
{
    const int64_t none[] = { -1 };
    const uint8_t zero = 0, one = 1;
    struct blob b;

    must(argc > 4 && blob_open(&b, argv[1]), "do without STEM FILE.onnx INPUTS OUTPUTS...");
    int64_t in = atoi(argv[3]);
    Onnx__ModelProto *model = make_model(in, 1, 1);
    make_tensor(model, "zero", ONNX_TYPE(UINT8), none, &zero, 1);
    make_tensor(model, "most", ONNX_TYPE(UINT8), none, &one, 1);
    make_tensor(model, "one", ONNX_TYPE(FLOAT), none, &(float){ 1 }, sizeof(float));
    if (strstr(argv[3], ":8"))
        make_bytes(model);
    else
        make_bits(model, "image", "bit0");
    make_node(model, "Flatten", "flat", "bit0", "flat");
    for (int i = 4; i < argc; i++) {
        int64_t out = atoi(argv[i]);
        make_layer(model, &b, (uint32_t)i - 3, i + 1 == argc, in, out);
        in = out;
    }
    make_output(model, NULL, 2, (const int64_t[]){ 1, in });
    write_model(argv[2], model);
    make_free(model);
    blob_close(&b);
    return 0;
}
