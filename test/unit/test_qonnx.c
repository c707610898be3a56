/* Networks of QONNX's Quant and BipolarQuant, beside what these operators are defined to do,
 * computed here in double precision. Scales are powers of two, so nothing may differ. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "network/precision.h"
#include "onnx/read/read.h"
#include "study/inputs.h"
#include "study/outputs.h"
#include "test/onnx_make.h"
#include "test/tmpdir.h"

enum { C = 3, O = 4, SIDE = 4, IN = C * SIDE * SIDE, OUT = O * SIDE * SIDE, N_NETWORK = 180,
       N_IMAGE = 3 };

static uint64_t random_state;

static int within(int least, int most)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return least + (int)((random_state >> 33) % (uint64_t)(most - least + 1));
}

/* ---- The operators ---- */

struct quant {
    bool   bipolar, is_signed, narrow;
    int    bits, zero;
    double scale[O];
    int    n_scale;
};

static double quantised(const struct quant *q, int channel, double x)
{
    double s = q->scale[q->n_scale == 1 ? 0 : channel], half = ldexp(1, q->bits - 1);
    double low = q->is_signed ? -half + q->narrow : 0;
    double high = q->is_signed ? half - 1 : 2 * half - 1 - q->narrow;

    if (q->bipolar || (q->bits == 1 && q->is_signed))
        return x >= 0 ? s : -s;
    return (rint(fmin(fmax(x / s + q->zero, low), high)) - q->zero) * s;
}

static struct quant draw(double scale, int n_scale, bool is_map, int most_bits)
{
    struct quant q = {.bipolar = within(0, 4) == 0, .is_signed = within(0, 1),
                      .narrow = within(0, 1), .bits = within(2, most_bits), .n_scale = n_scale};

    if (is_map && q.bits > 3 && within(0, 3) == 0)
        q.zero = q.is_signed ? -2 : 4;
    if (is_map && within(0, 9) == 0) {
        q.bits = 1;
        q.zero = 0;
    }
    for (int i = 0; i < n_scale; i++) // of as large values, whatever the bits
        q.scale[i] = ldexp(scale, within(-1, 1) - (q.bits > 8 ? q.bits - 8 : 0));
    return q;
}

/* ---- The network ---- */

struct design { // image, Quant, Conv 3x3, [Relu], Quant, Conv 1x1, Quant
    bool         last, relu;
    struct quant image, w1, b1, map, w2, out;
    double       weight1[O * C * 9], bias1[O], weight2[O * O];
};

static double real(int most, double step)
{
    return within(-most, most) * step;
}

static struct design random_design(int seed, int most_bits)
{
    struct design d;

    random_state = (uint64_t)seed * 7919 + 13;
    within(0, 1);
    d = (struct design){.last = within(0, 1), .relu = within(0, 1),
                        .image = draw(0.25, 1, true, most_bits),
                        .w1 = draw(0.125, O, false, most_bits),
                        .b1 = draw(0.0625, 1, false, 8),
                        .map = draw(0.5, 1, true, most_bits),
                        .w2 = draw(0.25, within(0, 1) ? O : 1, false, most_bits),
                        .out = draw(1, 1, true, most_bits)};
    d.b1.bits = within(0, 1) ? 16 : d.b1.bits; // floats
    d.b1.bipolar = false;
    for (int i = 0; i < O * C * 9; i++)
        d.weight1[i] = real(64, 1.0 / 32);
    for (int i = 0; i < O; i++)
        d.bias1[i] = real(64, 1.0 / 32);
    for (int i = 0; i < O * O; i++)
        d.weight2[i] = real(64, 1.0 / 16);
    return d;
}

static size_t at(bool last, int channels, int c, int row, int column)
{
    return (size_t)(last ? (row * SIDE + column) * channels + c : (c * SIDE + row) * SIDE + column);
}

static void compute(const struct design *d, const double *x, double *out)
{
    double map[OUT];

    for (int o = 0; o < O; o++)
        for (int p = 0; p < SIDE * SIDE; p++) {
            double sum = quantised(&d->b1, 0, d->bias1[o]);
            for (int k = 0; k < C * 9; k++) {
                int row = p / SIDE + k % 9 / 3 - 1, column = p % SIDE + k % 3 - 1;
                if (row >= 0 && row < SIDE && column >= 0 && column < SIDE)
                    sum += quantised(&d->w1, o, d->weight1[o * C * 9 + k]) *
                           quantised(&d->image, 0, x[at(d->last, C, k / 9, row, column)]);
            }
            map[o * SIDE * SIDE + p] = quantised(&d->map, 0, d->relu ? fmax(sum, 0) : sum);
        }
    for (int o = 0; o < O; o++)
        for (int p = 0; p < SIDE * SIDE; p++) {
            double sum = 0;
            for (int c = 0; c < O; c++)
                sum += quantised(&d->w2, o, d->weight2[o * O + c]) * map[c * SIDE * SIDE + p];
            out[at(d->last, O, o, p / SIDE, p % SIDE)] = quantised(&d->out, 0, sum);
        }
}

/* ---- The file ---- */

static void floats(Onnx__ModelProto *m, const char *name, const int64_t *dims, size_t n,
                   const double *v)
{
    float f[O * C * 9];

    for (size_t i = 0; i < n; i++)
        f[i] = (float)v[i];
    make_tensor(m, name, ONNX_TYPE(FLOAT), dims, f, n * sizeof *f);
}

/* `in` through Quant, to `name`; of rank `rank` where there is a scale for each output. */
static void put_quant(Onnx__ModelProto *m, const struct quant *q, const char *in, const char *name,
                      int rank)
{
    const int64_t one[] = {-1};
    int64_t dims[5] = {O, 1, 1, 1, -1};
    char scale[40], zero[40], bits[40], inputs[160];
    const double z = q->zero, b = q->bits;

    dims[rank] = -1;
    snprintf(scale, sizeof scale, "%s.s", name);
    snprintf(zero, sizeof zero, "%s.z", name);
    snprintf(bits, sizeof bits, "%s.b", name);
    floats(m, scale, q->n_scale == 1 ? one : dims, (size_t)q->n_scale, q->scale);
    snprintf(inputs, sizeof inputs, q->bipolar ? "%s %s" : "%s %s %s %s", in, scale, zero, bits);
    Onnx__NodeProto *n = make_node(m, q->bipolar ? "BipolarQuant" : "Quant", name, inputs, name);
    make_rename(&n->domain, "onnx.brevitas");
    if (q->bipolar)
        return;
    floats(m, zero, one, 1, &z);
    floats(m, bits, one, 1, &b);
    make_int(n, "signed", q->is_signed);
    make_int(n, "narrow", q->narrow);
    make_text(n, "rounding_mode", "ROUND");
}

static void put_conv(Onnx__ModelProto *m, bool last, int kernel, const char *name,
                     const char *inputs, const char *output)
{
    const int64_t pad = kernel / 2, pads[] = {pad, pad, pad, pad}, shape[] = {kernel, kernel};
    Onnx__NodeProto *n = make_node(m, "Conv", name, inputs, output);

    make_ints(n, "kernel_shape", 2, shape);
    make_ints(n, "pads", 4, pads);
    if (last)
        make_rename(&n->domain, "qonnx.custom_op.channels_last");
}

static Onnx__ModelProto *make_design(const struct design *d)
{
    Onnx__ModelProto *m = d->last ? make_model(SIDE, SIDE, C) : make_model(C, SIDE, SIDE);
    double w1[O * C * 9];

    m->opset_import[0]->version = within(0, 1) ? 9 : 14;
    for (int o = 0; o < O; o++) // channels last: output, row, column, input
        for (int c = 0; c < C; c++)
            for (int k = 0; k < 9; k++)
                w1[d->last ? (o * 9 + k) * C + c : (o * C + c) * 9 + k] =
                    d->weight1[(o * C + c) * 9 + k];
    const int64_t first[] = {O, C, 3, 3, -1}, last[] = {O, 3, 3, C, -1};
    floats(m, "w1", d->last ? last : first, O * C * 9, w1);
    floats(m, "b1", (const int64_t[]){O, -1}, O, d->bias1);
    const int64_t second[] = {O, O, 1, 1, -1}, second_last[] = {O, 1, 1, O, -1};
    floats(m, "w2", d->last ? second_last : second, O * O, d->weight2);
    put_quant(m, &d->image, "image", "x", 4);
    put_quant(m, &d->w1, "w1", "w1q", 4);
    put_quant(m, &d->b1, "b1", "b1q", 1);
    put_quant(m, &d->w2, "w2", "w2q", 4);
    put_conv(m, d->last, 3, "conv1", "x w1q b1q", "sums");
    if (d->relu)
        make_node(m, "Relu", "relu", "sums", "cut");
    put_quant(m, &d->map, d->relu ? "cut" : "sums", "map", 4);
    put_conv(m, d->last, 1, "conv2", "map w2q", "sums2");
    put_quant(m, &d->out, "sums2", "out", 4);
    return m;
}

static void write_npy(const char *dir, const double *x)
{
    uint8_t file[128 + N_IMAGE * IN * sizeof(double)] = "\x93NUMPY\x01\x00";
    int n = snprintf((char *)file + 10, 118, "{'descr': '<f8', 'fortran_order': False, 'shape': "
                     "(%d, %d), }", N_IMAGE, IN);

    memset(file + 10 + n, ' ', 118 - (size_t)n);
    file[8] = 118;
    memcpy(file + 128, x, N_IMAGE * IN * sizeof *x);
    tmpdir_write(dir, "x.npy", file, sizeof file);
}

static void write_model(const char *dir, Onnx__ModelProto *m)
{
    size_t size;
    uint8_t *file = make_packed(m, &size);

    tmpdir_write(dir, "m.onnx", file, size);
    free(file);
    make_free(m);
}

/* ---- Running ---- */

static void run(const char *dir, double *out)
{
    char path[TMPDIR_PATH_MAX];
    struct network_cfg cfg = {0};
    struct network n;
    struct inputs *in;
    struct outputs *o;
    struct err_msg m;
    uint8_t bytes[N_IMAGE * 2 * IN];
    size_t n_value;

    snprintf(cfg.onnx, sizeof cfg.onnx, "%s", tmpdir_path(path, dir, "m.onnx"));
    if (network_load_onnx(&n, cfg.onnx, &m) || outputs_new(&o, &cfg, &n, &m) ||
        inputs_open(&in, tmpdir_path(path, dir, "x.npy"), &n, &m))
        fail_msg("%s", m.text);
    const size_t size = network_image_bytes(&n);
    for (uint64_t i = 0; i < N_IMAGE; i++)
        inputs_take(in, i, bytes + i * size);
    if (outputs_run(o, bytes, N_IMAGE, &m))
        fail_msg("%s", m.text);
    const double *v = outputs_values(o, 0, &n_value);
    assert_int_equal(n_value, N_IMAGE * OUT);
    memcpy(out, v, n_value * sizeof *v);
    inputs_close(in);
    outputs_free(o);
    network_release(&n);
}

static void every_quant_is_what_its_definition_says(void **state)
{
    double x[N_IMAGE * IN], want[OUT], got[N_IMAGE * OUT];

    for (int seed = 0; seed < N_NETWORK; seed++) {
        struct design d = random_design(seed, seed % 2 ? 16 : 8);
        if (d.image.bipolar || (d.image.bits == 1 && d.image.is_signed))
            continue; // below
        write_model(*state, make_design(&d));
        for (int i = 0; i < N_IMAGE * IN; i++)
            x[i] = real(200, 1.0 / 32);
        write_npy(*state, x);
        run(*state, got);
        for (int i = 0; i < N_IMAGE; i++) {
            compute(&d, x + i * IN, want);
            for (int k = 0; k < OUT; k++)
                if (got[i * OUT + k] != want[k])
                    fail_msg("network %d, image %d: value %d is %g, want %g", seed, i, k,
                             got[i * OUT + k], want[k]);
        }
    }
}

/* ---- Refusals ---- */

static void assert_refused(Onnx__ModelProto *m, const char *want)
{
    struct network n;
    struct err_msg msg;
    size_t size;
    uint8_t *file = make_packed(m, &size);

    assert_int_equal(network_decode_onnx(&n, "qonnx", file, size, &msg), ERR_INPUT);
    if (!strstr(msg.text, want))
        fail_msg("\"%s\": want \"%s\" in it", msg.text, want);
    free(file);
    make_free(m);
}

static struct design plain_design(void)
{
    const struct quant q = {.is_signed = true, .bits = 4, .n_scale = 1, .scale = {0.5}};
    struct design d = random_design(1, 8);

    d.last = false;
    d.image = d.w1 = d.b1 = d.map = d.w2 = d.out = q;
    return d;
}

static void what_quant_means_otherwise_is_refused_with_a_cure(void **state)
{
    struct design d = plain_design();
    Onnx__ModelProto *m;
    (void)state;

    d.map.zero = 3;
    assert_refused(make_design(&d), "node \"map\" (onnx.brevitas.Quant): a zero point of 3: want "
                   "an even one from -8 to 7");
    d = plain_design();
    d.map.bits = 17;
    assert_refused(make_design(&d), "node \"map\" (onnx.brevitas.Quant): 17 bits for a map: want "
                   "at most 16");
    d = plain_design();
    d.map.n_scale = O;
    assert_refused(make_design(&d), "node \"map\" (onnx.brevitas.Quant): 4 scales, the first 0.5, "
                   "for a map: want one");
    d = plain_design();
    d.w1.scale[0] = 0;
    assert_refused(make_design(&d), "node \"w1q\" (onnx.brevitas.Quant): constant 0 is");
    d = plain_design();
    m = make_design(&d);
    make_rename((char **)&find_attribute(find_node(m, "map"), "rounding_mode")->s.data, "FLOOR");
    assert_refused(m, "node \"map\" (onnx.brevitas.Quant): rounds a map down or up: want "
                   "rounding_mode ROUND");
    m = make_design(&d);
    make_rename(&find_node(m, "map")->op_type, "Trunc");
    assert_refused(m, "node \"map\" (onnx.brevitas.Trunc): cuts bits off: want Quant in its place");
    m = make_design(&d);
    make_rename(&find_node(m, "map")->input[3], "image");
    assert_refused(m, "node \"map\" (onnx.brevitas.Quant): its width is no constant of one value");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_quant_is_what_its_definition_says, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test(what_quant_means_otherwise_is_refused_with_a_cure),
    };

    return cmocka_run_group_tests_name("qonnx", tests, NULL, NULL);
}
