/* Small models after what users of ONNX reported, beside what ONNX Runtime 1.30.0 gives for them,
 * its optimisations disabled: ../shared/cases. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataflow/config.h"
#include "network/network.h"
#include "study/outputs.h"
#include "test/shared.h"
#include "traces/npy.h"

static char *case_path(const char *name, const char *ending)
{
    char file[128];

    snprintf(file, sizeof file, "../cases/%s%s", name, ending);
    return shared_path(file);
}

static struct npy read_array(const char *path)
{
    struct npy a;
    struct err_msg m;

    if (npy_read(&a, path, &m))
        fail_msg("%s", m.text);
    return a;
}

/* Image i as bytes in the order of traces/images.h. */
static void quantise(const struct layer *image, const struct npy *in, size_t i, uint8_t *bytes)
{
    struct shape s = image->out;
    size_t n = (size_t)s.height * s.width * s.channels;
    double low = image->out_signed ? -128 : 0, high = image->out_signed ? 127 : 255;

    for (size_t c = 0; c < s.channels; c++)
        for (size_t x = 0; x < s.height; x++)
            for (size_t y = 0; y < s.width; y++) {
                float v = (float)npy_value(in, i * n + (c * s.height + x) * s.width + y);
                double q = in->type == NPY_UINT8 ? (double)v
                                     : rint((double)(v / (float)image->out_scale)) +
                                           image->out_zero;
                bytes[(y * s.height + x) * s.channels + c] =
                    (uint8_t)(int)fmin(fmax(q, low), high);
            }
}

/* Output `index` of all images is that of the file, but for `most`. */
static void assert_output(const char *name, const struct outputs *o, uint32_t index,
                          const char *ending, double most)
{
    char *path = case_path(name, ending);
    size_t n;
    const double *got = outputs_values(o, index, &n);

    if (!path)
        skip();
    struct npy ref = read_array(path);
    assert_int_equal(n, ref.n);
    for (size_t i = 0; i < n; i++)
        if (!(fabs(got[i] - npy_value(&ref, i)) <= most))
            fail_msg("%s: value %zu is %g, want %g", name, i, got[i], npy_value(&ref, i));
    npy_release(&ref);
    free(path);
}

/* The outputs are ONNX Runtime's, but for `most` that bytes at a tie may make of it. */
static void assert_near(const char *name, double most)
{
    char *path = case_path(name, ".onnx"), *in_path = case_path(name, ".in.npy");
    struct network_cfg cfg = {0};
    struct network n;
    struct outputs *o;
    struct err_msg m;

    if (!path || !in_path)
        skip();
    snprintf(cfg.onnx, sizeof cfg.onnx, "%s", path);
    if (strcmp(name, "hw_sym") == 0)
        strcpy(cfg.input_shape, "1x2x8x8");
    const struct network_onnx_cfg open = {cfg.input_shape, 0};
    if (network_load_onnx_as(&n, path, &open, &m) || outputs_new(&o, &cfg, &n, &m))
        fail_msg("%s", m.text);
    struct npy in = read_array(in_path);
    const struct layer *image = &n.layer[0];
    size_t n_in = (size_t)image->out.height * image->out.width * image->out.channels;
    uint8_t *bytes = malloc(n_in);
    assert_non_null(bytes);
    for (size_t i = 0; i < in.n / n_in; i++) {
        quantise(image, &in, i, bytes);
        if (outputs_add(o, bytes, &m))
            fail_msg("%s", m.text);
    }
    assert_output(name, o, 0, ".ref.npy", most);
    if (outputs_count(o) > 1)
        assert_output(name, o, 1, ".ref1.npy", most);
    outputs_free(o);
    network_release(&n);
    npy_release(&in);
    free(bytes);
    free(path);
    free(in_path);
}

/* To the last bit. */
static void assert_case(const char *name)
{
    assert_near(name, 0);
}

static void a_dead_channels_scale_changes_no_other(void **state)
{
    (void)state;
    assert_case("dead1x1_25000");
}

static void spellings_of_exporters_are_read(void **state)
{
    static const char *const names[] = {
        "act_q_dq_differ", "batch_4",   "end_reshape10", "input_uint8",   "opset21",
        "squeeze_all",     "max0",      "qcdq_act4",     "qcdq_weights4", "depthwise_reshape",
        "reducemean_ch",   "function_Relu",
    };
    (void)state;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_case(names[i]);
}

/* The mean of four bytes of one scale is a tie one time in four. ONNX Runtime's QLinearAveragePool
 * computes it in float from real values, whose scale of 0.05 no float is, so that ties fall to
 * either side; here they go to the even byte. Each moves a sum by at most 95 * 0.05 / 64. */
static void an_average_of_bytes_is_that_of_onnx_runtime_but_for_ties(void **state)
{
    (void)state;
    assert_near("QLinearAveragePool", 4 * 95 * 0.05 / 64);
}

static void networks_end_in_maps_several_outputs_and_what_the_host_computes(void **state)
{
    static const char *const names[] = {"end_map_qdq", "end_conv_qdq_gap", "end_softmax_qdq",
                                        "two_outputs", "hw_sym"};
    (void)state;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_case(names[i]);
}

static void an_odd_zero_point_is_added_to_what_is_rounded(void **state)
{
    (void)state;
    assert_case("ap_zp127");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dead_channels_scale_changes_no_other),
        cmocka_unit_test(spellings_of_exporters_are_read),
        cmocka_unit_test(an_average_of_bytes_is_that_of_onnx_runtime_but_for_ties),
        cmocka_unit_test(networks_end_in_maps_several_outputs_and_what_the_host_computes),
        cmocka_unit_test(an_odd_zero_point_is_added_to_what_is_rounded),
    };
    return cmocka_run_group_tests_name("cases", tests, NULL, NULL);
}
