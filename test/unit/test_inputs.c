/* Values of a model's input: what becomes of each, and which are refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "onnx/read/read.h"
#include "onnx/tensor.h"
#include "study/inputs.h"
#include "study/outputs.h"
#include "test/onnx_make.h"
#include "test/tmpdir.h"

enum { N = 4 };

/* ---- Files ---- */

static void write_npy(const char *dir, const char *type, const void *data, size_t size)
{
    uint8_t file[256] = "\x93NUMPY\x01\x00";
    int n = snprintf((char *)file + 10, 118, "{'descr': '%s', 'fortran_order': False, "
                     "'shape': (%d, %d, 1, 1), }", type, 2, N);

    memset(file + 10 + n, ' ', 118 - (size_t)n);
    file[8] = 118;
    memcpy(file + 128, data, size);
    tmpdir_write(dir, "x.npy", file, 128 + size);
}

static void write_model(const char *dir, Onnx__ModelProto *m)
{
    size_t size;
    uint8_t *file = make_packed(m, &size);

    tmpdir_write(dir, "m.onnx", file, size);
    free(file);
    make_free(m);
}

/* A convolution of whole numbers, which Floor and Clip make bytes. */
static Onnx__ModelProto *whole_numbers(void)
{
    Onnx__ModelProto *m = make_model(N, 1, 1);
    float w[N * N], half = 0.5F, low = 0, high = 255;

    for (int i = 0; i < N * N; i++)
        w[i] = (float)(i - 8);
    make_tensor(m, "w", ONNX_TYPE(FLOAT), (const int64_t[]){N, N, 1, 1, -1}, w, sizeof w);
    make_float_list(m, "half", 1, &half);
    make_tensor(m, "low", ONNX_TYPE(FLOAT), (const int64_t[]){-1}, &low, sizeof low);
    make_tensor(m, "high", ONNX_TYPE(FLOAT), (const int64_t[]){-1}, &high, sizeof high);
    make_node(m, "Conv", "conv", "image w", "sums");
    make_node(m, "Mul", "mul", "sums half", "m");
    make_node(m, "Floor", "floor", "m", "f");
    make_node(m, "Clip", "clip", "f low high", "out");
    return m;
}

/* The image by QuantizeLinear of this type and zero point, steps of 1/2. */
static Onnx__ModelProto *quantised(int32_t type, int zero)
{
    Onnx__ModelProto *m = make_model(N, 1, 1);
    int8_t w[N * N] = {1, 2, 3};
    float scale = 0.1F;

    make_qdq(m, "image", "x", 0.5F, type, zero);
    make_weights(m, "w", (const int64_t[]){N, N, 1, 1, -1}, w, 1, &scale, 0);
    make_node(m, "Conv", "conv", "x w", "out");
    return m;
}

static Onnx__ModelProto *bytes_as_input(int32_t type)
{
    Onnx__ModelProto *m = quantised(type, 0);

    m->graph->input[0]->type->tensor_type->elem_type = type;
    make_rename(&find_node(m, "x/DQ")->input[0], "image");
    size_t kept = 0;
    for (size_t i = 0; i < m->graph->n_node; i++) {
        if (strcmp(m->graph->node[i]->op_type, "QuantizeLinear") == 0)
            onnx__node_proto__free_unpacked(m->graph->node[i], NULL);
        else
            m->graph->node[kept++] = m->graph->node[i];
    }
    m->graph->n_node = kept;
    return m;
}

/* ---- Reading ---- */

static enum err open_inputs(const char *dir, const char *set, struct inputs **in,
                            struct network *n, struct err_msg *m)
{
    char path[TMPDIR_PATH_MAX];
    enum onnx_input_type type = strcmp(set, "int8") == 0 ? ONNX_INPUT_INT8 : ONNX_INPUT_AUTO;
    const struct network_onnx_cfg cfg = {.input_type = type};
    enum err e = network_load_onnx_as(n, tmpdir_path(path, dir, "m.onnx"), &cfg, m);

    *in = NULL;
    return e ? e : inputs_open(in, tmpdir_path(path, dir, "x.npy"), n, m);
}

static void assert_bytes(const char *dir, const char *set, const int want[2 * N], uint64_t n_cut)
{
    struct inputs *in;
    struct network n;
    struct err_msg m;
    uint8_t bytes[N];

    if (open_inputs(dir, set, &in, &n, &m))
        fail_msg("%s", m.text);
    assert_int_equal(inputs_count(in), 2);
    assert_int_equal(inputs_cut(in), n_cut);
    for (uint64_t i = 0; i < 2; i++) {
        inputs_take(in, i, bytes);
        for (uint64_t c = 0; c < N; c++)
            assert_int_equal(bytes[c], (uint8_t)want[i * N + c]);
    }
    inputs_close(in);
    network_release(&n);
}

static void assert_refused(const char *dir, const char *set, const char *want)
{
    struct inputs *in;
    struct network n;
    struct err_msg m;

    assert_int_equal(open_inputs(dir, set, &in, &n, &m), ERR_INPUT);
    if (!strstr(m.text, want))
        fail_msg("\"%s\": want \"%s\" in it", m.text, want);
    network_release(&n);
}

static void a_network_of_whole_numbers_refuses_what_its_bytes_do_not_hold(void **state)
{
    float v[2 * N] = {0, 1, 2, 255, 4, 5, 6, 7};

    write_model(*state, whole_numbers());
    write_npy(*state, "<f4", v, sizeof v);
    assert_bytes(*state, "", (const int[]){0, 1, 2, 255, 4, 5, 6, 7}, 0);
    static const float bad[] = {-1, 256, 0.5F, NAN, -INFINITY};
    static const char *const as[] = {"-1", "256", "0.5", "nan", "-inf"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char want[160];
        v[6] = bad[i];
        write_npy(*state, "<f4", v, sizeof v);
        snprintf(want, sizeof want, "x.npy: image 1, value 2 is %s: want whole numbers from 0 to "
                 "255, the model's input, or --set network.input_type=int8", as[i]);
        assert_refused(*state, "", want);
    }
}

static void signed_values_are_carried_once_the_user_says_that_they_are(void **state)
{
    static const double v[2 * N] = {-128, 127, -1, 0, 1, 2, 3, 4};
    static const int64_t large[2 * N] = {0, 0, 0, 0, 128, 2, 3, 4};

    write_model(*state, whole_numbers());
    write_npy(*state, "<f8", v, sizeof v);
    assert_refused(*state, "", "image 0, value 0 is -128");
    assert_bytes(*state, "int8", (const int[]){-128, 127, -1, 0, 1, 2, 3, 4}, 0);
    write_npy(*state, "<i8", large, sizeof large);
    assert_refused(*state, "int8", "image 1, value 0 is 128: want whole numbers from -128 to 127, "
                   "the model's input, or --set network.input_type=uint8");
    assert_bytes(*state, "", (const int[]){0, 0, 0, 0, 128, 2, 3, 4}, 0);
}

static void the_key_is_refused_where_the_file_says_it(void **state)
{
    static const float v[2 * N] = {0};

    write_npy(*state, "<f4", v, sizeof v);
    write_model(*state, quantised(ONNX_TYPE(UINT8), 3));
    assert_refused(*state, "int8", "m.onnx: network.input_type = int8: this is no network of whole "
                   "numbers");
    write_model(*state, bytes_as_input(ONNX_TYPE(UINT8)));
    assert_refused(*state, "int8", "m.onnx: network.input_type = int8: the graph's input is uint8: "
                   "want auto");
}

static void an_input_of_bytes_takes_any_array_of_whole_numbers_that_they_hold(void **state)
{
    static const int8_t v[2 * N] = {-128, 127, 0, 1, 2, 3, 4, 5};
    static const int32_t some[2 * N] = {0, 255, 0, 1, 2, 3, 4, 5};

    write_model(*state, bytes_as_input(ONNX_TYPE(INT8)));
    write_npy(*state, "|i1", v, sizeof v);
    assert_bytes(*state, "", (const int[]){-128, 127, 0, 1, 2, 3, 4, 5}, 0);
    write_npy(*state, "<i4", some, sizeof some);
    assert_refused(*state, "", "image 0, value 1 is 255: want whole numbers from -128 to 127, the "
                   "model's input");
    write_model(*state, bytes_as_input(ONNX_TYPE(UINT8)));
    assert_bytes(*state, "", (const int[]){0, 255, 0, 1, 2, 3, 4, 5}, 0);
    write_npy(*state, "|i1", v, sizeof v);
    assert_refused(*state, "", "image 0, value 0 is -128: want whole numbers from 0 to 255");
}

/* Steps of 1/2: ties to even, cut as ONNX says, and counted. */
static void real_values_are_cut_as_quantize_linear_does_and_counted(void **state)
{
    float v[2 * N] = {0, 0.25F, 0.75F, -1, 100, 126, 126.25F, -2};

    write_model(*state, quantised(ONNX_TYPE(UINT8), 3));
    write_npy(*state, "<f4", v, sizeof v);
    assert_bytes(*state, "", (const int[]){3, 3, 5, 1, 203, 255, 255, 0}, 1);
    v[0] = INFINITY;
    write_npy(*state, "<f4", v, sizeof v);
    assert_bytes(*state, "", (const int[]){255, 3, 5, 1, 203, 255, 255, 0}, 2);
    v[5] = NAN;
    write_npy(*state, "<f4", v, sizeof v);
    assert_refused(*state, "", "x.npy: image 1, value 1 is nan: want numbers");
}

/* Values as IEEE 754 lays them out, the highest byte first or last. */
static void arrays_have_either_order_of_bytes_and_floats_of_16_bits(void **state)
{
    static const struct {
        const char *type; // behind the order of bytes
        size_t      size;
        uint64_t    v[2 * N]; // 0, 1/4, 3/4, -1, 100, 126, 126 1/4, -2; as integers cut towards 0
        bool        whole;
    } arrays[] = {
        {"f2", 2, {0, 0x3400, 0x3a00, 0xbc00, 0x5640, 0x57e0, 0x57e4, 0xc000}, false},
        {"f4", 4, {0, 0x3e800000, 0x3f400000, 0xbf800000, 0x42c80000, 0x42fc0000, 0x42fc8000,
                   0xc0000000}, false},
        {"f8", 8, {0, 0x3fd0000000000000, 0x3fe8000000000000, 0xbff0000000000000,
                   0x4059000000000000, 0x405f800000000000, 0x405f900000000000,
                   0xc000000000000000}, false},
        {"i2", 2, {0, 0, 0, 0xffff, 100, 126, 126, 0xfffe}, true},
        {"i4", 4, {0, 0, 0, 0xffffffff, 100, 126, 126, 0xfffffffe}, true},
        {"i8", 8, {0, 0, 0, UINT64_MAX, 100, 126, 126, UINT64_MAX - 1}, true},
    };

    write_model(*state, quantised(ONNX_TYPE(UINT8), 3));
    for (size_t t = 0; t < sizeof arrays / sizeof *arrays; t++)
        for (int big = 0; big < 2; big++) {
            const size_t size = arrays[t].size;
            const char type[] = {big ? '>' : '<', arrays[t].type[0], arrays[t].type[1], '\0'};
            uint8_t data[2 * N * 8];
            for (size_t i = 0; i < 2 * N; i++)
                for (size_t k = 0; k < size; k++)
                    data[i * size + (big ? size - 1 - k : k)] = (uint8_t)(arrays[t].v[i] >> 8 * k);
            write_npy(*state, type, data, 2 * N * size);
            assert_bytes(*state, "", (const int[]){3, 3, arrays[t].whole ? 3 : 5, 1, 203, 255, 255,
                                                   0}, 1);
        }
}

static void other_arrays_of_numpy_are_refused_with_a_cure(void **state)
{
    float v[2 * N] = {0};

    write_model(*state, quantised(ONNX_TYPE(UINT8), 3));
    write_npy(*state, "<c8", v, sizeof v);
    assert_refused(*state, "", "an array of '<c8': want '<f2', '<f4', '<f8', '|u1', '|i1', '<i4' "
                   "or '<i8', as astype() makes it");
    write_npy(*state, ">u1", v, sizeof v); // numpy writes '|u1'
    assert_refused(*state, "", "an array of '>u1': want");
    write_npy(*state, "<f4', 'fortran_order': True, 'more': '", v, sizeof v);
    assert_refused(*state, "", "in Fortran's order: want C's, as numpy.ascontiguousarray()");
}

/* What QuantizeLinear of 4 bits leaves of an image, a convolution by the identity delivers. */
static void an_image_of_4_bits_is_cut_to_them(void **state)
{
    static const float v[2 * N] = {0, 1, 15, 16, 100, 255, 1000, -3};
    static const double want[2 * N] = {0, 1, 15, 15, 15, 15, 15, 0};
    static const int8_t w[N * N] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
    const float scale = 1;
    Onnx__ModelProto *m = make_model(N, 1, 1);
    char path[TMPDIR_PATH_MAX];
    struct network_cfg cfg = {0};
    struct outputs *o;
    struct inputs *in;
    struct network n;
    struct err_msg msg;
    uint8_t bytes[2 * N];
    size_t n_value;

    m->opset_import[0]->version = 21;
    make_qdq(m, "image", "x", 1, ONNX_UINT4, 0);
    make_weights(m, "w", (const int64_t[]){N, N, 1, 1, -1}, w, 1, &scale, 0);
    make_node(m, "Conv", "conv", "x w", "out");
    write_model(*state, m);
    write_npy(*state, "<f4", v, sizeof v);
    if (open_inputs(*state, "", &in, &n, &msg))
        fail_msg("%s", msg.text);
    snprintf(cfg.onnx, sizeof cfg.onnx, "%s", tmpdir_path(path, *state, "m.onnx"));
    if (outputs_new(&o, &cfg, &n, &msg))
        fail_msg("%s", msg.text);
    for (uint64_t i = 0; i < 2; i++)
        inputs_take(in, i, bytes + i * N);
    assert_int_equal(outputs_run(o, bytes, 2, &msg), ERR_NONE);
    const double *got = outputs_values(o, 0, &n_value);
    assert_int_equal(n_value, 2 * N);
    for (size_t i = 0; i < n_value; i++)
        assert_true(got[i] == want[i]);
    outputs_free(o);
    inputs_close(in);
    network_release(&n);
}

int main(void)
{
#define IN_A_FOLDER(f) cmocka_unit_test_setup_teardown(f, tmpdir_make, tmpdir_remove)
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(a_network_of_whole_numbers_refuses_what_its_bytes_do_not_hold),
        IN_A_FOLDER(signed_values_are_carried_once_the_user_says_that_they_are),
        IN_A_FOLDER(the_key_is_refused_where_the_file_says_it),
        IN_A_FOLDER(an_input_of_bytes_takes_any_array_of_whole_numbers_that_they_hold),
        IN_A_FOLDER(arrays_have_either_order_of_bytes_and_floats_of_16_bits),
        IN_A_FOLDER(other_arrays_of_numpy_are_refused_with_a_cure),
        IN_A_FOLDER(an_image_of_4_bits_is_cut_to_them),
        IN_A_FOLDER(real_values_are_cut_as_quantize_linear_does_and_counted),
    };

    return cmocka_run_group_tests_name("inputs", tests, NULL, NULL);
}
