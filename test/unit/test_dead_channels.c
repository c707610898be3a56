/* A filter of zeros, whose scale quantisers choose freely, changes no byte of another: sweeps of
 * that scale against the plain model, computed here without rounding on the way. Nor does it
 * deliver what codes make of its cells. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/values/sliced_layers.h"
#include "core/util.h"
#include "network/network.h"
#include "network/values/values.h"
#include "onnx/read/read.h"
#include "test/onnx_make.h"
#include "test/reference.h"

enum { N = 8, DEAD = 3, N_IMAGE = 64 };

static uint32_t random_state = 7;

static uint32_t random_number(void)
{
    random_state = random_state * 1103515245 + 12345;
    return random_state >> 16;
}

struct model {
    int8_t weight[N * N];
    float  bias[N];
};

static void draw(struct model *w)
{
    for (int i = 0; i < N * N; i++)
        w->weight[i] = i / N == DEAD ? 0 : (int8_t)(random_number() % 255 - 127);
    for (int c = 0; c < N; c++) // multiples of 1/64 within the range of int8 / 16
        w->bias[c] = (float)((int)(random_number() % 512) - 256) / 64;
}

/* Conv with scales of 1/64, but for the dead channel's; its sum with the image; bytes of 1/16. */
static void read_model(struct network *n, const struct model *w, double ratio)
{
    Onnx__ModelProto *m = make_model(N, 1, 1);
    float scale[N];
    size_t size;
    struct err_msg msg;

    for (int c = 0; c < N; c++)
        scale[c] = 1.0F / 64;
    scale[DEAD] = (float)(ratio / 64);
    make_qdq(m, "image", "in", 1.0F / 64, ONNX_TYPE(INT8), 0);
    make_weights(m, "w", (const int64_t[]){N, N, 1, 1, -1}, w->weight, N, scale, 0);
    make_float_list(m, "b", N, w->bias);
    make_node(m, "Conv", "c", "in w b", "c");
    make_qdq(m, "c", "cq", 1.0F / 16, ONNX_TYPE(INT8), 0);
    make_node(m, "Conv", "d", "cq w b", "d");
    make_node(m, "Add", "s", "d cq", "s");
    make_qdq(m, "s", "out", 1.0F / 16, ONNX_TYPE(INT8), 0);
    uint8_t *file = make_packed(m, &size);
    if (network_decode_onnx(n, "dead", file, size, &msg))
        fail_msg("ratio %g: %s", ratio, msg.text);
    free(file);
    make_free(m);
}

static int byte_of(double v)
{
    return (int)fmin(fmax(rint(v * 16), -128), 127);
}

static void convolve(const struct model *w, const int *in, double in_scale, double *out)
{
    for (int c = 0; c < N; c++) {
        int sum = 0;
        for (int k = 0; k < N; k++)
            sum += w->weight[c * N + k] * in[k];
        out[c] = sum * in_scale / 64 + (double)w->bias[c];
    }
}

static void assert_bytes(const struct network *n, const struct model *w, double ratio)
{
    struct reference r;

    reference_init(&r, n);
    for (int i = 0; i < N_IMAGE; i++) {
        int8_t image[N];
        int in[N], map[N];
        double real[N];
        for (int c = 0; c < N; c++)
            in[c] = image[c] = (int8_t)random_number();
        reference_run(&r, image);
        convolve(w, in, 1.0 / 64, real);
        for (int c = 0; c < N; c++)
            map[c] = byte_of(real[c]);
        convolve(w, map, 1.0 / 16, real);
        for (uint32_t c = 0; c < N; c++) {
            int want = byte_of(real[c] + map[c] / 16.0);
            int64_t got = reference_delivered(&r, n->n_layer - 1, 0, 0, c);
            if (got != want)
                fail_msg("ratio %g, image %d: byte %u is %ld, want %d", ratio, i, c, (long)got,
                         want);
        }
    }
    reference_release(&r);
}

static void a_dead_channels_scale_changes_no_byte(void **state)
{
    (void)state;
    for (int power = -9; power <= 9; power++)
        for (int part = 1; part < 10; part += 2) {
            struct model w;
            struct network n;
            double ratio = part * pow(10, power);
            draw(&w);
            read_model(&n, &w, ratio);
            assert_bytes(&n, &w, ratio);
            network_release(&n);
        }
}

/* One live channel's scale far above the others': each has its own shift, so all stay exact. */
static void a_live_channels_scale_changes_no_other(void **state)
{
    (void)state;
    for (int power = 0; power <= 9; power++) {
        struct model w, small;
        struct network n, same;
        draw(&w);
        small = w;
        w.weight[DEAD * N] = 1; // alive, and as large as bytes are when 1/64 times the ratio
        read_model(&n, &w, pow(10, power) > 16384 ? 16384 : pow(10, power));
        read_model(&same, &small, 1);
        const struct requant *one = &n.layer[1].requant, *other = &same.layer[1].requant;
        for (int c = 0; c < N; c++)
            if (c != DEAD) {
                assert_int_equal(one->m[c], other->m[c]);
                assert_int_equal(one->shift[c], other->shift[c]);
            }
        network_release(&n);
        network_release(&same);
    }
}

/* A column of 0 in cells of 8 bits with an offset, read bit by bit, less 128 times that of ones: a
 * row's code ends at 255. */
static int column_of_zeros(const int8_t *image)
{
    int sum = 0;

    for (int bit = 0; bit < 8; bit++) {
        int rows = 0;
        for (int c = 0; c < N; c++)
            rows += (uint8_t)image[c] >> bit & 1;
        int read = min_i32(128 * rows, 255) - 128 * rows;
        sum += bit == 7 ? -128 * read : read * (1 << bit);
    }
    return sum;
}

static void read_one_layer(struct network *n, const struct model *w)
{
    Onnx__ModelProto *m = make_model(N, 1, 1);
    const float scale = 1.0F / 64;
    struct err_msg msg;
    size_t size;

    make_qdq(m, "image", "in", 1.0F / 64, ONNX_TYPE(INT8), 0);
    make_weights(m, "w", (const int64_t[]){N, N, 1, 1, -1}, w->weight, 1, &scale, 0);
    make_float_list(m, "b", N, w->bias);
    make_node(m, "Conv", "c", "in w b", "c");
    make_qdq(m, "c", "out", 1.0F / 16, ONNX_TYPE(INT8), 0);
    uint8_t *file = make_packed(m, &size);
    if (network_decode_onnx(n, "one", file, size, &msg))
        fail_msg("%s", msg.text);
    free(file);
    make_free(m);
}

static void keep_dead(void *user, uint32_t layer, const struct value_map *map, uint32_t column,
                      uint32_t n_lane)
{
    int32_t *dead = user;

    (void)n_lane;
    if (layer == 1)
        *dead = value_get(map, 0, column, DEAD, 0);
}

/* Deviation D26: a column of devices that are half on would deliver what its codes lack. */
static void codes_of_a_filter_of_zeros_count_for_nothing(void **state)
{
    static const char *const set[] = {
        "core.crossbar.cell=sliced", "core.crossbar.scheme=offset",
        "core.crossbar.input_slice_bits=1", "core.readout.kind=adc", "core.readout.range=255",
    };
    struct network n;
    struct config c;
    struct plan p;
    struct model w;
    struct err_msg m;
    int n_differ = 0;
    int32_t dead;
    const struct value_watch watch = { .output = keep_dead, .user = &dead };

    (void)state;
    draw(&w);
    w.bias[DEAD] = 0.25F;
    read_one_layer(&n, &w);
    assert_int_equal(config_load(&c, NULL, set, sizeof set / sizeof *set, &m), ERR_NONE);
    if (plan_make(&p, &n, &c, &m))
        fail_msg("%s", m.text);
    struct sliced_layers *s = sliced_layers_new(&p, NULL, NULL);
    assert_true(s && sliced_layers_cores(s)[1].n > 0);
    struct values *v = values_new_on(&n, NULL, sliced_layers_cores(s));
    struct value_lanes *l = value_lanes_new(v);
    for (int i = 0; i < N_IMAGE; i++) {
        int8_t image[N];
        int64_t result[N];
        for (int k = 0; k < N; k++)
            image[k] = (int8_t)random_number();
        value_lanes_run(l, (const uint8_t *)image, 1, result, &watch);
        assert_int_equal(dead, 4);
        n_differ += byte_of(column_of_zeros(image) / 4096.0 + 0.25) != 4;
    }
    assert_true(n_differ > N_IMAGE / 2);
    value_lanes_free(l);
    values_free(v);
    sliced_layers_free(s);
    plan_release(&p);
    config_release(&c);
    network_release(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dead_channels_scale_changes_no_byte),
        cmocka_unit_test(a_live_channels_scale_changes_no_other),
        cmocka_unit_test(codes_of_a_filter_of_zeros_count_for_nothing),
    };
    return cmocka_run_group_tests_name("dead channels", tests, NULL, NULL);
}
