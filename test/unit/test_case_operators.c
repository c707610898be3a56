/* Small models with operators that users' networks have, beside what ONNX Runtime 1.30.0 gives for
 * them, its optimisations disabled: ../shared/cases. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "network/network.h"
#include "onnx/read/read.h"
#include "test/reference.h"
#include "test/shared.h"

/* The float32 values of a .npy file, which end it, behind a header that says how long it is. */
static float *read_values(const char *name, const char *ending, size_t *n)
{
    char file[128];
    uint8_t head[10];

    snprintf(file, sizeof file, "../cases/%s%s", name, ending);
    char *path = shared_path(file);
    if (!path)
        skip();
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fread(head, 1, sizeof head, f), sizeof head);
    assert_memory_equal(head, "\x93NUMPY\x01", 7);
    long begin = (long)sizeof head + head[8] + 256 * head[9];
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    *n = (size_t)(ftell(f) - begin) / sizeof(float);
    assert_int_equal(fseek(f, begin, SEEK_SET), 0);
    float *v = malloc(*n * sizeof *v);
    assert_non_null(v);
    assert_int_equal(fread(v, sizeof *v, *n, f), *n);
    fclose(f);
    free(path);
    return v;
}

/* An image as bytes in the order of traces/images/images.h. */
static void quantise(const struct layer *image, const float *in, uint8_t *bytes)
{
    struct shape s = image->out;
    double low = image->out_signed ? -128 : 0, high = image->out_signed ? 127 : 255;

    for (size_t c = 0; c < s.channels; c++)
        for (size_t x = 0; x < s.height; x++)
            for (size_t y = 0; y < s.width; y++) {
                float v = in[(c * s.height + x) * s.width + y] / (float)image->out_scale;
                double q = rint((double)v) + image->out_zero;
                bytes[(y * s.height + x) * s.channels + c] = (uint8_t)(int)fmin(fmax(q, low), high);
            }
}

/* What the network delivers is ONNX Runtime's, to the last bit. */
static void check(const char *name)
{
    char file[128];
    struct network n;
    struct err_msg m;
    struct reference r;
    size_t n_in, n_ref;

    snprintf(file, sizeof file, "../cases/%s.onnx", name);
    char *path = shared_path(file);
    if (!path)
        skip();
    if (network_load_onnx(&n, path, &m))
        fail_msg("%s", m.text);
    float *in = read_values(name, ".in.npy", &n_in), *ref = read_values(name, ".ref.npy", &n_ref);
    const struct layer *image = &n.layer[0], *last = network_result(&n);
    size_t values = (size_t)image->out.height * image->out.width * image->out.channels;
    size_t outputs = last->out.channels;
    uint8_t *bytes = malloc(values);
    assert_non_null(bytes);
    reference_init(&r, &n);
    assert_true(n_in > 0);
    assert_int_equal(n_in / values, n_ref / outputs);
    for (size_t i = 0; i < n_in / values; i++) {
        quantise(image, in + i * values, bytes);
        reference_run(&r, bytes);
        for (uint32_t c = 0; c < outputs; c++) {
            int64_t q = reference_delivered(&r, n.n_layer - 1, 0, 0, c) - last->out_zero;
            double want = (double)ref[i * outputs + c];
            if ((double)q * last->out_scale != want)
                fail_msg("%s: output %u of image %zu is %g, want %g", name, c, i,
                         (double)q * last->out_scale, want);
        }
    }
    reference_release(&r);
    network_release(&n);
    free(in);
    free(ref);
    free(bytes);
    free(path);
}

#define CASE(name)                                                                                 \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        check(#name);                                                                              \
    }

CASE(act_LeakyRelu)
CASE(silu)
CASE(se_block)
CASE(resize2)
CASE(convtranspose)
CASE(max0)
CASE(k3_pad3)
CASE(pad_3)
CASE(relu_then_bn)
CASE(reducemean_ch)
CASE(chan_shuffle)
CASE(squeeze_all)
CASE(depthwise_reshape)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(act_LeakyRelu), cmocka_unit_test(silu),
        cmocka_unit_test(se_block),      cmocka_unit_test(resize2),
        cmocka_unit_test(max0),          cmocka_unit_test(k3_pad3),
        cmocka_unit_test(pad_3),         cmocka_unit_test(relu_then_bn),
        cmocka_unit_test(reducemean_ch), cmocka_unit_test(chan_shuffle),
        cmocka_unit_test(squeeze_all),   cmocka_unit_test(depthwise_reshape),
        cmocka_unit_test(convtranspose),
    };
    return cmocka_run_group_tests_name("cases of operators", tests, NULL, NULL);
}
