/* Random quantised models against ONNX's definition of their operators in double precision.
 *
 * Each model is image, Conv, Conv with residual, GlobalAveragePool, Gemm, with any scales, zero
 * points, types, windows and groups. Every layer is compared on the inputs that the integer path
 * really gave it. m and b are rounded to half a unit of 2^-shift, so a byte may differ from ONNX's
 * only where the real value lies within
 *
 *     (|acc| + |r - r_zero| + 1) / 2 * 2^-shift
 *
 * of a tie: the bound is checked value by value, and no more is allowed. Values and weights have 8
 * bits, or each of them 8 or 16.
 */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "network/precision.h"
#include "onnx/read/read.h"
#include "test/onnx_make.h"
#include "test/reference.h"

enum { N_SEED = 300, MOST_VALUES = 4096, IMAGE_VALUES = 9 * 9 * 4 };

struct random {
    uint64_t state;
};

static uint32_t below(struct random *r, uint32_t n) // xorshift64* (S. Vigna)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return (uint32_t)((r->state * UINT64_C(2685821657736338717)) >> 33) % n;
}

static int within(struct random *r, int least, int most)
{
    return least + (int)below(r, (uint32_t)(most - least + 1));
}

static float scale_near(struct random *r, double around)
{
    return (float)(around * (0.6 + 0.01 * below(r, 100)));
}

struct bytes { // how an activation is quantised
    float   scale;
    int32_t type;
    int     zero;
};

static void limits(const struct bytes *b, int *least, int *most)
{
    bool is_signed = b->type == ONNX_TYPE(INT8) || b->type == ONNX_TYPE(INT16);
    bool wide = b->type == ONNX_TYPE(UINT16) || b->type == ONNX_TYPE(INT16);

    *least = !is_signed ? 0 : wide ? -32768 : -128;
    *most = *least + (wide ? 65535 : 255);
}

static struct bytes random_bytes(struct random *r, double around, bool any)
{
    bool is_signed = below(r, 2);

    if (any && below(r, 3) > 0)
        return (struct bytes){scale_near(r, around / 256),
                              is_signed ? ONNX_TYPE(INT16) : ONNX_TYPE(UINT16),
                              is_signed ? within(r, -32768, 32767) : within(r, 0, 65535)};

    return (struct bytes){scale_near(r, around), is_signed ? ONNX_TYPE(INT8) : ONNX_TYPE(UINT8),
                          is_signed ? within(r, -128, 127) : within(r, 0, 255)};
}

struct affine { // a Conv or Gemm
    int    outputs, inputs, groups; // inputs of one group
    int    kernel[2], stride[2], dilation[2], pad[4];
    bool   relu, per_channel, quantised_bias, trans_b;
    float  alpha, beta;
    bool    wide;               // int16, else int8
    int16_t weight[MOST_VALUES]; // outputs x inputs x kernel, whatever trans_b says
    float  scale[64];
    double bias[64];
};

struct design {
    int           channels, rows, columns;
    struct bytes  image, one, two, mean;
    struct affine conv1, conv2, fc;
};

static void random_weights(struct random *r, struct affine *a, bool per_channel, bool any)
{
    int rows = a->inputs * a->kernel[0] * a->kernel[1];

    a->per_channel = per_channel;
    a->wide = any && below(r, 3) > 0;
    double step = (a->wide ? 0.02 / 256 : 0.02) / rows;
    for (int i = 0; i < a->outputs * rows; i++)
        a->weight[i] = (int16_t)(a->wide ? within(r, -32768, 32767) : within(r, -128, 127));
    for (int o = 0; o < a->outputs; o++) {
        a->scale[o] = per_channel || o == 0 ? scale_near(r, step) : a->scale[0];
        a->bias[o] = (double)(float)((double)within(r, -100, 100) / 37);
    }
}

static struct design random_design(struct random *r, bool any)
{
    struct design d = {.channels = within(r, 1, 4), .rows = within(r, 5, 9),
                       .columns = within(r, 5, 9)};
    struct affine *a = &d.conv1;

    a->groups = below(r, 3) == 0 ? d.channels : 1; // depthwise
    a->inputs = d.channels / a->groups;
    a->outputs = d.channels * within(r, 1, 3);
    for (int axis = 0; axis < 2; axis++) {
        a->kernel[axis] = within(r, 1, 3);
        a->stride[axis] = within(r, 1, 3);
        a->dilation[axis] = within(r, 1, 2);
        for (int end = 0; end < 2; end++)
            a->pad[2 * end + axis] = within(r, 0, (a->kernel[axis] - 1) * a->dilation[axis]);
    }
    a->relu = below(r, 2);
    random_weights(r, a, below(r, 2), any);

    d.conv2 = (struct affine){.outputs = a->outputs, .inputs = a->outputs, .groups = 1,
                              .kernel = {3, 3}, .stride = {1, 1}, .dilation = {1, 1},
                              .pad = {1, 1, 1, 1}, .relu = below(r, 2)};
    random_weights(r, &d.conv2, below(r, 2), any);
    d.fc = (struct affine){.outputs = within(r, 2, 10), .inputs = a->outputs, .groups = 1,
                           .kernel = {1, 1}, .trans_b = below(r, 2), .quantised_bias = below(r, 2),
                           .alpha = (float)within(r, 1, 3), .beta = (float)within(r, -2, 2)};
    random_weights(r, &d.fc, false, any);

    d.image = random_bytes(r, 0.02, any);
    d.one = random_bytes(r, 0.02, any);
    d.two = random_bytes(r, 0.02, any);
    d.mean = random_bytes(r, 0.01, false);
    d.mean.type = d.two.type;
    int least, most;
    limits(&d.mean, &least, &most);
    d.mean.scale /= most - least > 255 ? 256 : 1;
    d.mean.zero = within(r, least, most);
    return d;
}

/* ---- The design as an ONNX model ---- */

static void add_weights(Onnx__ModelProto *m, const struct affine *a, const char *name,
                        const int64_t *dims, const int16_t *w)
{
    size_t n_scale = a->per_channel ? (size_t)a->outputs : 1;
    int8_t narrow[MOST_VALUES];

    if (a->wide) {
        make_wide_weights(m, name, dims, w, n_scale, a->scale, 0);
        return;
    }
    for (int i = 0; i < MOST_VALUES; i++)
        narrow[i] = (int8_t)w[i];
    make_weights(m, name, dims, narrow, n_scale, a->scale, 0);
}

static void add_conv(Onnx__ModelProto *m, const struct affine *a, const char *name,
                     const char *input, const char *output)
{
    const int64_t dims[] = {a->outputs, a->inputs, a->kernel[0], a->kernel[1], -1};
    char weights[32], bias[32], inputs[128];
    float list[64];

    snprintf(weights, sizeof weights, "%s.w", name);
    snprintf(bias, sizeof bias, "%s.b", name);
    snprintf(inputs, sizeof inputs, "%s %s %s", input, weights, bias);
    add_weights(m, a, weights, dims, a->weight);
    for (int o = 0; o < a->outputs; o++)
        list[o] = (float)a->bias[o];
    make_float_list(m, bias, (size_t)a->outputs, list);
    Onnx__NodeProto *n = make_node(m, "Conv", name, inputs, output);
    make_ints(n, "strides", 2, (const int64_t[]){a->stride[0], a->stride[1]});
    make_ints(n, "dilations", 2, (const int64_t[]){a->dilation[0], a->dilation[1]});
    make_ints(n, "pads", 4, (const int64_t[]){a->pad[0], a->pad[1], a->pad[2], a->pad[3]});
    make_int(n, "group", a->groups);
}

static void add_gemm(Onnx__ModelProto *m, struct affine *a, float in_scale)
{
    int16_t stored[MOST_VALUES] = {0};
    float list[64], step = in_scale * a->scale[0];
    int32_t integers[64];

    for (int o = 0; o < a->outputs; o++)
        for (int i = 0; i < a->inputs; i++)
            stored[a->trans_b ? o * a->inputs + i : i * a->outputs + o] =
                a->weight[o * a->inputs + i];
    const int64_t dims[] = {a->trans_b ? a->outputs : a->inputs,
                            a->trans_b ? a->inputs : a->outputs, -1};
    add_weights(m, a, "fc.w", dims, stored);
    for (int o = 0; o < a->outputs; o++) {
        list[o] = (float)a->bias[o];
        integers[o] = (int32_t)lrint(a->bias[o] / (double)step);
        if (a->quantised_bias)
            a->bias[o] = integers[o] * (double)step;
    }
    if (a->quantised_bias) {
        make_tensor(m, "fc.b.q", ONNX_TYPE(INT32), (const int64_t[]){a->outputs, -1}, integers,
                    (size_t)a->outputs * 4);
        make_float_list(m, "fc.b.scale", 1, &step);
        make_node(m, "DequantizeLinear", "fc.b/DQ", "fc.b.q fc.b.scale", "fc.b");
    } else {
        make_float_list(m, "fc.b", (size_t)a->outputs, list);
    }
    Onnx__NodeProto *n = make_node(m, "Gemm", "fc", "mean fc.w fc.b", "out");
    make_int(n, "transB", a->trans_b);
    make_float(n, "alpha", a->alpha);
    make_float(n, "beta", a->beta);
}

static struct network network_of(struct design *d)
{
    Onnx__ModelProto *m = make_model(d->channels, d->rows, d->columns);
    struct network n;
    struct err_msg msg;
    size_t size;

    m->opset_import[0]->version = 21;
    make_qdq(m, "image", "in", d->image.scale, d->image.type, d->image.zero);
    add_conv(m, &d->conv1, "conv1", "in", "c1");
    if (d->conv1.relu)
        make_node(m, "Relu", "relu1", "c1", "r1");
    make_qdq(m, d->conv1.relu ? "r1" : "c1", "one", d->one.scale, d->one.type, d->one.zero);
    add_conv(m, &d->conv2, "conv2", "one", "c2");
    make_node(m, "Add", "add", d->conv2.relu ? "c2 one" : "one c2", "s2");
    if (d->conv2.relu)
        make_node(m, "Relu", "relu2", "s2", "r2");
    make_qdq(m, d->conv2.relu ? "r2" : "s2", "two", d->two.scale, d->two.type, d->two.zero);
    make_node(m, "GlobalAveragePool", "gap", "two", "g");
    make_node(m, "Flatten", "flatten", "g", "flat");
    make_qdq(m, "flat", "mean", d->mean.scale, d->mean.type, d->mean.zero);
    add_gemm(m, &d->fc, d->mean.scale);

    uint8_t *bytes = make_packed(m, &size);
    if (network_decode_onnx(&n, "made", bytes, size, &msg))
        fail_msg("%s", msg.text);
    free(bytes);
    make_free(m);
    return n;
}

/* ---- ONNX's definitions ---- */

static double real(const struct bytes *b, int64_t q)
{
    return (double)(q - b->zero) * (double)b->scale;
}

static int64_t quantised(const struct bytes *b, double v)
{
    double q = rint(v / (double)b->scale) + b->zero;
    int least, most;

    limits(b, &least, &most);
    return (int64_t)fmin(fmax(q, least), most);
}

/* Real value of a convolution at (x, y), channel o, of what layer `in` delivers. */
static double convolution(const struct reference *r, uint32_t in, const struct bytes *b,
                          const struct affine *a, int x, int y, int o)
{
    const struct shape s = layer_delivers(&r->network->layer[in]);
    const int16_t *w = a->weight + o * a->inputs * a->kernel[0] * a->kernel[1];
    int first = o / (a->outputs / a->groups) * a->inputs;
    double sum = 0;

    for (int c = first; c < first + a->inputs; c++)
        for (int i = 0; i < a->kernel[0]; i++)
            for (int j = 0; j < a->kernel[1]; j++, w++) {
                int row = x * a->stride[0] + i * a->dilation[0] - a->pad[0];
                int column = y * a->stride[1] + j * a->dilation[1] - a->pad[1];
                if (row < 0 || column < 0 || row >= (int)s.height || column >= (int)s.width)
                    continue; // padding is the real value 0
                int64_t q =
                    reference_delivered(r, in, (uint32_t)row, (uint32_t)column, (uint32_t)c);
                sum += *w * (double)a->scale[o] * real(b, q);
            }
    return sum;
}

/* got lies between what ONNX gives for v - slack and v + slack (in steps of b). */
static void assert_near(const struct bytes *b, double v, double slack, int64_t got)
{
    double step = (double)b->scale;
    slack += 1e-9; // of this evaluation itself

    if (got < quantised(b, v - slack * step) || got > quantised(b, v + slack * step))
        fail_msg("%" PRId64 ", want %" PRId64 " (value %g, slack %g)", got, quantised(b, v), v,
                 slack);
}

static uint64_t check_conv(const struct reference *r, uint32_t layer, const struct bytes *in,
                           const struct bytes *out, const struct affine *a, bool residual)
{
    const struct layer *l = &r->network->layer[layer];
    uint64_t n_other = 0; // bytes that differ from ONNX's
    const uint32_t got_size[] = {l->out.height, l->out.width};
    const uint32_t in_size[] = {l->in.height, l->in.width};

    for (int axis = 0; axis < 2; axis++) {
        int padded = (int)in_size[axis] + a->pad[axis] + a->pad[2 + axis];
        int reach = (a->kernel[axis] - 1) * a->dilation[axis] + 1;
        assert_int_equal(got_size[axis], (padded - reach) / a->stride[axis] + 1);
    }
    for (uint32_t y = 0; y < l->out.width; y++)
        for (uint32_t x = 0; x < l->out.height; x++)
            for (uint32_t o = 0; o < l->out.channels; o++) {
                int64_t got = reference_map(r, layer, x, y, o);
                double v = convolution(r, layer - 1, in, a, (int)x, (int)y, (int)o) + a->bias[o];
                double acc = fabs((double)reference_sum(r, layer, x, y, o)), rest = 0;
                if (residual) {
                    int64_t q = reference_delivered(r, layer - 1, x, y, o);
                    v += real(in, q);
                    rest = fabs((double)(q - in->zero));
                }
                v = a->relu ? fmax(v, 0) : v;
                assert_near(out, v, ldexp((acc + rest + 1) / 2, -l->requant.shift[o]), got);
                n_other += got != quantised(out, v);
            }
    return n_other;
}

static void check_mean(const struct reference *r, const struct design *d)
{
    const struct layer *l = &r->network->layer[2];
    double n = (double)l->out.height * l->out.width;

    for (uint32_t ch = 0; ch < l->out.channels; ch++) {
        double sum = 0, steps = 0;
        for (uint32_t y = 0; y < l->out.width; y++)
            for (uint32_t x = 0; x < l->out.height; x++) {
                int64_t q = reference_map(r, 2, x, y, ch);
                sum += real(&d->two, q);
                steps += fabs((double)(q - d->two.zero));
            }
        assert_near(&d->mean, sum / n, ldexp(steps / 2, -l->pool.shift),
                    reference_delivered(r, 2, 0, 0, ch));
    }
}

static void check_logits(const struct reference *r, const struct design *d)
{
    const struct affine *a = &d->fc;
    double step = (double)a->alpha * (double)a->scale[0] * (double)d->mean.scale;

    assert_true(fabs(network_result(r->network)->out_scale - step) < 1e-12 * step);
    for (int o = 0; o < a->outputs; o++) {
        double v = (double)a->beta * a->bias[o];
        for (int i = 0; i < a->inputs; i++)
            v += (double)a->alpha * a->weight[o * a->inputs + i] * (double)a->scale[0] *
                 real(&d->mean, reference_delivered(r, 2, 0, 0, (uint32_t)i));
        double got = step * (double)reference_delivered(r, 3, 0, 0, (uint32_t)o);
        if (fabs(got - v) > 0.500001 * step)
            fail_msg("logit %d is %g, want %g", o, got, v);
    }
}

/* Any values of the image's type, low bytes first where some layer leaves the byte. */
static void fill_image(struct random *r, const struct network *n, uint8_t *image)
{
    size_t values = network_image_values(n);
    bool wide = layer_value_bits(&n->layer[0]) > 8;

    for (size_t i = 0; i < values; i++) {
        uint8_t low = (uint8_t)below(r, 256), high = wide ? (uint8_t)below(r, 256) : 0;
        image[i] = low;
        if (network_is_wide(n))
            image[values + i] = !wide && n->layer[0].out_signed && low > 127 ? 255 : high;
    }
}

/* n_other: values that differ from ONNX's; n_wide: networks that leave the byte. */
static void try_models(bool any, uint64_t *n_other, uint64_t *n, uint64_t *n_wide)
{
    for (uint64_t seed = 1; seed <= N_SEED; seed++) {
        struct random r = {seed * UINT64_C(0x9e3779b97f4a7c15)};
        struct design d = random_design(&r, any);
        struct network network = network_of(&d);
        struct reference reference;
        uint8_t image[2 * IMAGE_VALUES];

        assert_int_equal(network.n_layer, 4);
        reference_init(&reference, &network);
        fill_image(&r, &network, image);
        *n_wide += network_is_wide(&network);
        reference_run(&reference, image);
        *n_other += check_conv(&reference, 1, &d.image, &d.one, &d.conv1, false);
        *n_other += check_conv(&reference, 2, &d.one, &d.two, &d.conv2, true);
        for (int l = 1; l <= 2; l++)
            *n += (uint64_t)network.layer[l].out.height * network.layer[l].out.width *
                 network.layer[l].out.channels;
        check_mean(&reference, &d);
        check_logits(&reference, &d);
        reference_release(&reference);
        network_release(&network);
    }
}

static void random_models_give_what_onnx_defines(void **state)
{
    uint64_t n_other = 0, n = 0, n_wide = 0;

    (void)state;
    try_models(false, &n_other, &n, &n_wide);
    assert_int_equal(n_wide, 0);
    assert_true(n > 10 * N_SEED);
    assert_true(n_other * 200 < n); // 16 bits of scale: a half percent of bytes at most
}

static void so_do_models_of_8_and_16_bits(void **state)
{
    uint64_t n_other = 0, n = 0, n_wide = 0;

    (void)state;
    try_models(true, &n_other, &n, &n_wide);
    assert_true(n_wide > N_SEED * 9 / 10 && n > 10 * N_SEED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_models_give_what_onnx_defines),
        cmocka_unit_test(so_do_models_of_8_and_16_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
