/* A float model becomes a quantised one: folding and scales against closed forms, and the whole by
 * running both. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/import/images.h"
#include "import/import.h"
#include "onnx/file.h"
#include "onnx/kind.h"
#include "onnx/read/read.h"
#include "onnx/rewrite/rewrite.h"
#include "test/onnx_make.h"
#include "test/reference.h"
#include "test/tmpdir.h"

enum { SIDE = 8, N_IMAGE = 20, CHANNELS = 3, N_PIXEL = SIDE * SIDE * CHANNELS, N_CLASS = 5 };

static double uniform(uint32_t *seed) // -1 to 1
{
    *seed = *seed * 1664525 + 1013904223;
    return (double)(*seed >> 8) / (1 << 23) - 1;
}

/* ---- A float model ---- */

static void add_floats(Onnx__ModelProto *m, const char *name, const int64_t *dims, double middle,
                       double spread, uint32_t *seed)
{
    float v[2048];
    size_t n = 1;

    for (const int64_t *d = dims; *d >= 0; d++)
        n *= (size_t)*d;
    assert_true(n <= 2048);
    for (size_t i = 0; i < n; i++)
        v[i] = (float)(middle + spread * uniform(seed));
    make_tensor(m, name, ONNX_TYPE(FLOAT), dims, v, n * sizeof *v);
}

static void add_conv(Onnx__ModelProto *m, const char *name, const char *in, int64_t inputs,
                     int64_t outputs, int64_t side, int64_t stride, uint32_t *seed)
{
    char weight[32], inputs_text[128], sum[32], bn[128], part[32];
    static const char *const parts[] = {"scale", "shift", "mean", "variance"};

    snprintf(weight, sizeof weight, "%s.w", name);
    snprintf(sum, sizeof sum, "%s.sum", name);
    snprintf(inputs_text, sizeof inputs_text, "%s %s", in, weight);
    add_floats(m, weight, (const int64_t[]){outputs, inputs, side, side, -1}, 0,
               2 / sqrt((double)(inputs * side * side)), seed);
    Onnx__NodeProto *conv = make_node(m, "Conv", name, inputs_text, sum);
    make_ints(conv, "pads", 4, (const int64_t[]){side / 2, side / 2, side / 2, side / 2});
    make_ints(conv, "strides", 2, (const int64_t[]){stride, stride});
    snprintf(bn, sizeof bn, "%s", sum);
    for (int i = 0; i < 4; i++) {
        snprintf(part, sizeof part, "%s.%s", name, parts[i]);
        add_floats(m, part, (const int64_t[]){outputs, -1}, i == 0 ? 0.5 : i == 3 ? 1 : 0,
                   i == 0 ? 1 : 0.5, seed); // scales of either sign
        strcat(strcat(bn, " "), part);
    }
    snprintf(sum, sizeof sum, "%s.bn", name);
    make_node(m, "BatchNormalization", sum, bn, name);
}

/* Residual block, a block with a shortcut, pooling and a product. */
static Onnx__ModelProto *float_model(void)
{
    Onnx__ModelProto *m = make_model(CHANNELS, SIDE, SIDE);
    uint32_t seed = 77;

    add_conv(m, "c1", "image", CHANNELS, 8, 3, 1, &seed);
    make_node(m, "Relu", "r1", "c1", "r1");
    add_conv(m, "c2", "r1", 8, 8, 3, 1, &seed);
    make_node(m, "Add", "a2", "c2 r1", "a2");
    make_node(m, "Identity", "i2", "a2", "i2");
    make_node(m, "Relu", "r2", "i2", "r2");
    add_conv(m, "c3", "r2", 8, 12, 3, 2, &seed);
    add_conv(m, "s3", "r2", 8, 12, 1, 2, &seed);
    make_node(m, "Add", "a3", "c3 s3", "a3");
    make_node(m, "Relu", "r3", "a3", "r3");
    make_node(m, "GlobalAveragePool", "gap", "r3", "gap");
    make_node(m, "Flatten", "flat", "gap", "flat");
    add_floats(m, "fc.w", (const int64_t[]){12, N_CLASS, -1}, 0, 1, &seed);
    add_floats(m, "fc.b", (const int64_t[]){N_CLASS, -1}, 0, 1, &seed);
    make_node(m, "MatMul", "fc", "flat fc.w", "fc");
    make_node(m, "Add", "bias", "fc fc.b", "out");
    return m;
}

/* ---- Its import ---- */

struct made {
    Onnx__ModelProto  *model, *q_model;
    struct float_graph graph, q_graph;
    struct import      import;
    struct network     network; // the quantised model's
    uint8_t           *data;
    size_t             size;
};

static const struct import_cfg plain = {.mean = 128, .scale = 1.0 / 64, .percentile = 100,
                                        .per_channel = true};

static int8_t pixel_at(uint32_t image, size_t i)
{
    uint32_t seed = image * 1000003 + (uint32_t)i * 7919 + 1;

    uniform(&seed);
    return (int8_t)(127 * uniform(&seed));
}

static void run_on(const struct import *im, struct float_run *run, uint32_t image)
{
    int8_t pixels[N_PIXEL];
    struct array a;
    struct err_msg m;

    for (size_t i = 0; i < N_PIXEL; i++)
        pixels[i] = pixel_at(image, i);
    assert_true(array_init(&a, ONNX_TYPE(FLOAT), 4, im->image_dim));
    import_image(im, pixels, &a);
    float_run_set(run, run->graph->graph.image, &a);
    if (float_run_all(run, &m))
        fail_msg("%s", m.text);
}

static struct array black_image(const struct float_graph *g)
{
    struct onnx_image image;
    struct err_msg m;
    struct array a;

    assert_int_equal(onnx_graph_image(&g->graph, &image, &m), ERR_NONE);
    assert_true(array_init(&a, ONNX_TYPE(FLOAT), 4, image.dim));
    return a;
}

static void set_black(struct float_run *run)
{
    struct array a = black_image(run->graph);

    float_run_set(run, run->graph->graph.image, &a);
}

/* The model is taken over. */
static enum err import_model(struct made *t, Onnx__ModelProto *model, const struct import_cfg *cfg,
                             struct err_msg *m)
{
    struct float_run run = {0};

    *t = (struct made){.model = model};
    enum err e = float_graph_init(&t->graph, model, m);
    if (!e) {
        struct array black = black_image(&t->graph);
        e = float_graph_fold(&t->graph, &black, m);
        array_release(&black);
    }
    if (!e)
        e = float_run_init(&run, &t->graph, m);
    if (!e) {
        set_black(&run);
        e = float_run_all(&run, m);
    }
    if (!e)
        e = import_init(&t->import, &t->graph, &run, cfg, m);
    for (uint32_t i = 0; i < N_IMAGE && !e; i++) {
        run_on(&t->import, &run, i);
        import_observe(&t->import, &run);
    }
    float_run_release(&run);
    return e ? e : import_build(&t->import, "made", &t->data, &t->size, m);
}

static void make_of(struct made *t, Onnx__ModelProto *model, const struct import_cfg *cfg)
{
    struct err_msg m;

    if (import_model(t, model, cfg, &m) || onnx_decode(t->data, t->size, &t->q_model, &m) ||
        float_graph_init(&t->q_graph, t->q_model, &m) ||
        network_decode_onnx(&t->network, "made", t->data, t->size, &m))
        fail_msg("%s", m.text);
}

static void make(struct made *t, const struct import_cfg *cfg)
{
    make_of(t, float_model(), cfg);
}

static void release(struct made *t)
{
    network_release(&t->network);
    import_release(&t->import);
    float_graph_release(&t->graph);
    float_graph_release(&t->q_graph);
    onnx_free_model(t->q_model);
    make_free(t->model);
    free(t->data);
}

static const float *floats(const Onnx__ModelProto *m, const char *name)
{
    const Onnx__TensorProto *t = find_tensor(m, name);

    if (!t)
        fail_msg("no tensor %s", name);
    return (const float *)(const void *)t->raw_data.data;
}

static const struct layer *layer(const struct made *t, const char *name)
{
    uint32_t i = network_find(&t->network, name);

    assert_true(i < t->network.n_layer);
    return &t->network.layer[i];
}

/* ---- Tests ---- */

static void batch_normalisation_is_folded_into_weights_and_bias(void **state)
{
    struct made t;

    (void)state;
    make(&t, &plain);
    const float *w = floats(t.model, "c1.w"), *scale = floats(t.model, "c1.scale");
    const float *variance = floats(t.model, "c1.variance"), *mean = floats(t.model, "c1.mean");
    const float *step = floats(t.q_model, "c1_weight_scale"), *bias = floats(t.q_model, "c1_bias");
    for (int o = 0; o < 8; o++) {
        double factor = (double)scale[o] / sqrt((double)variance[o] + 1e-5), most = 0;
        for (int i = 0; i < 27; i++)
            most = fmax(most, fabs((double)w[o * 27 + i] * factor));
        assert_true(fabs((double)step[o] - most / 127) < 1e-6 * most);
        for (int i = 0; i < 27; i++) {
            double folded = (double)w[o * 27 + i] * factor / (double)step[o];
            assert_true(fabs(folded - layer(&t, "c1")->weight[o * 27 + i]) < 0.501);
        }
        double shift = (double)floats(t.model, "c1.shift")[o] - (double)mean[o] * factor;
        assert_true(fabs((double)bias[o] - shift) < 1e-5);
    }
    release(&t);
}

static void one_scale_for_all_weights_spans_the_largest(void **state)
{
    struct import_cfg cfg = plain;
    struct made t;
    int most = 0;

    (void)state;
    cfg.per_channel = false;
    make(&t, &cfg);
    assert_int_equal(find_tensor(t.q_model, "c1_weight_scale")->n_dims, 0);
    for (int i = 0; i < 8 * 27; i++)
        most = abs(layer(&t, "c1")->weight[i]) > most ? abs(layer(&t, "c1")->weight[i]) : most;
    assert_int_equal(most, 127);
    release(&t);
}

/* Largest magnitude of a value over the images. */
static double largest_of(const struct made *t, const char *name)
{
    struct float_run run;
    struct err_msg m;
    uint32_t v = onnx_graph_find(&t->graph.graph, name);
    double most = 0;

    assert_int_equal(float_run_init(&run, &t->graph, &m), ERR_NONE);
    for (uint32_t i = 0; i < N_IMAGE; i++) {
        run_on(&t->import, &run, i);
        for (size_t k = 0; k < run.value[v].n; k++)
            most = fmax(most, fabs((double)run.value[v].real[k]));
    }
    float_run_release(&run);
    return most;
}

static void activations_span_the_largest_magnitude_seen(void **state)
{
    struct made t;

    (void)state;
    make(&t, &plain);
    double unsigned_step = largest_of(&t, "r2") / 255, signed_step = largest_of(&t, "s3") / 127;
    assert_true(fabs(layer(&t, "c2")->out_scale / unsigned_step - 1) < 1e-6);
    assert_false(layer(&t, "c2")->out_signed);
    assert_true(fabs(layer(&t, "s3")->out_scale / signed_step - 1) < 1e-6);
    assert_true(layer(&t, "s3")->out_signed);
    release(&t);
}

/* Scales that the file gives make M / 2^shift but for their own rounding to floats. */
static void assert_step(double step, uint32_t m, uint8_t shift)
{
    assert_true(fabs(step / ldexp(m, -shift) - 1) < 0x1p-22);
}

static double scale_of(const struct made *t, const char *value)
{
    char name[64];

    snprintf(name, sizeof name, "%s_scale", value);
    return (double)floats(t->q_model, name)[0];
}

static void steps_of_sums_and_averages_are_multipliers_exactly(void **state)
{
    static const struct { const char *conv, *in, *out; } convs[] = {
        {"c1", "image", "r1"}, {"c2", "r1", "r2"}, {"c3", "r2", "r3"}, {"s3", "r2", "s3"},
    };
    struct made t;

    (void)state;
    make(&t, &plain);
    for (size_t k = 0; k < sizeof convs / sizeof *convs; k++) {
        const struct layer *l = layer(&t, convs[k].conv);
        const double ratio = scale_of(&t, convs[k].in) / scale_of(&t, convs[k].out);
        char name[64];
        snprintf(name, sizeof name, "%s_weight_scale", convs[k].conv);
        for (uint32_t o = 0; o < l->out.channels; o++)
            assert_step(ratio * (double)floats(t.q_model, name)[o], l->requant.m[o],
                        l->requant.shift[o]);
    }
    const struct layer *pooled = layer(&t, "c3");
    assert_true(pooled->pooled);
    assert_step(scale_of(&t, "r3") / (pooled->out.height * pooled->out.width) /
                scale_of(&t, "gap"), pooled->pool.m, pooled->pool.shift);
    release(&t);
}

/* A map times constants, and times another map. */
static Onnx__ModelProto *multiplying_model(void)
{
    Onnx__ModelProto *m = make_model(CHANNELS, SIDE, SIDE);
    uint32_t seed = 5;

    add_conv(m, "c1", "image", CHANNELS, 8, 3, 1, &seed);
    make_node(m, "Relu", "r1", "c1", "r1");
    add_floats(m, "f", (const int64_t[]){1, 8, 1, 1, -1}, 1, 0.5, &seed);
    make_node(m, "Mul", "scaled", "r1 f", "scaled");
    make_node(m, "Mul", "squared", "r1 scaled", "squared");
    make_node(m, "GlobalAveragePool", "gap", "squared", "gap");
    make_node(m, "Flatten", "flat", "gap", "flat");
    add_floats(m, "fc.w", (const int64_t[]){8, N_CLASS, -1}, 0, 1, &seed);
    make_node(m, "MatMul", "fc", "flat fc.w", "out");
    return m;
}

static void steps_of_products_are_multipliers_exactly(void **state)
{
    struct made t;

    (void)state;
    make_of(&t, multiplying_model(), &plain);
    const double r1 = scale_of(&t, "r1"), scaled = scale_of(&t, "scaled");
    const struct layer *l = layer(&t, "scaled");
    for (int o = 0; o < 8; o++)
        assert_step(r1 * (double)floats(t.q_model, "scaled_factor")[o] / scaled, l->requant.m[o],
                    l->requant.shift[o]);
    l = layer(&t, "squared");
    assert_step(r1 * scaled / scale_of(&t, "squared"), l->requant.m[0], l->requant.shift[0]);
    release(&t);
}

static Onnx__ModelProto *clipping_model(void)
{
    Onnx__ModelProto *m = float_model();
    Onnx__NodeProto *clip = find_node(m, "r1");
    const float bound[] = {0, 0.75F};
    const char *const names[] = {"low", "high"};

    make_rename(&clip->op_type, "Clip");
    clip->input = realloc(clip->input, 3 * sizeof *clip->input);
    for (int i = 0; i < 2; i++) {
        make_tensor(m, names[i], ONNX_TYPE(FLOAT), (const int64_t[]){-1}, &bound[i], sizeof *bound);
        clip->input[clip->n_input++] = strdup(names[i]);
    }
    return m;
}

static void bytes_behind_clip_end_at_its_bound(void **state)
{
    struct import_cfg cfg = plain;
    struct made t;
    struct err_msg m;

    (void)state;
    if (import_model(&t, clipping_model(), &cfg, &m) ||
        network_decode_onnx(&t.network, "made", t.data, t.size, &m))
        fail_msg("%s", m.text);
    assert_true(fabs(255 * layer(&t, "c1")->out_scale - 0.75) < 1e-6);
    assert_int_equal(layer(&t, "c1")->requant.low, 0);
    assert_int_equal(layer(&t, "c1")->requant.high, 255);
    release(&t);

    cfg.power_of_two = true; // 0.75 / 255 is rounded up to 2^-8: the bound is a byte all the same
    if (import_model(&t, clipping_model(), &cfg, &m) ||
        network_decode_onnx(&t.network, "made", t.data, t.size, &m))
        fail_msg("%s", m.text);
    assert_true(layer(&t, "c1")->out_scale == 0x1p-8);
    assert_int_equal(layer(&t, "c1")->requant.high, 192);
    release(&t);
}

/* The least and the largest of a value over the images, and 0. */
static void range_of(const struct made *t, const char *name, double *low, double *high)
{
    struct float_run run;
    struct err_msg m;
    uint32_t v = onnx_graph_find(&t->graph.graph, name);

    *low = *high = 0;
    assert_int_equal(float_run_init(&run, &t->graph, &m), ERR_NONE);
    for (uint32_t i = 0; i < N_IMAGE; i++) {
        run_on(&t->import, &run, i);
        for (size_t k = 0; k < run.value[v].n; k++) {
            *low = fmin(*low, (double)run.value[v].real[k]);
            *high = fmax(*high, (double)run.value[v].real[k]);
        }
    }
    float_run_release(&run);
}

/* What is positive keeps its zero point 0. */
static void asymmetric_codes_reach_from_the_least_to_the_largest_value(void **state)
{
    struct import_cfg cfg = plain;
    struct made t;
    double low, high;

    (void)state;
    cfg.asymmetric = true;
    make(&t, &cfg);
    range_of(&t, "s3", &low, &high);
    const struct layer *l = layer(&t, "s3");
    assert_true(low < 0 && high > 0 && fabs(low + high) > 0.01 * high);
    assert_true(l->out_signed);
    assert_true(fabs(l->out_scale / ((high - low) / 255) - 1) < 1e-4);
    assert_int_equal(l->out_zero, (int)rint(-128 - low / l->out_scale));
    assert_true(fabs((-128 - l->out_zero) * l->out_scale - low) < 0.51 * l->out_scale);
    assert_true(fabs((127 - l->out_zero) * l->out_scale - high) < 0.51 * l->out_scale);
    assert_false(layer(&t, "c2")->out_signed);
    assert_int_equal(layer(&t, "c2")->out_zero, 0);
    assert_true(fabs(layer(&t, "c2")->out_scale / (largest_of(&t, "r2") / 255) - 1) < 1e-6);
    release(&t);
}

/* A stored token in front of those that a matrix makes of pixels, none of them below -1/4; what the
 * constants of these dimensions are added to on their way to a matrix, NULL: nothing is. */
static Onnx__ModelProto *stored_token_model(const int64_t *added)
{
    static const int64_t shape[] = {1, CHANNELS, SIDE * SIDE}, three[] = {3, -1};
    Onnx__ModelProto *m = make_model(CHANNELS, SIDE, SIDE);
    uint32_t seed = 5;

    make_tensor(m, "shape", ONNX_TYPE(INT64), three, shape, sizeof shape);
    make_node(m, "Reshape", "flat", "image shape", "flat");
    make_ints(make_node(m, "Transpose", "turn", "flat", "tokens"), "perm", 3,
              (const int64_t[]){0, 2, 1});
    add_floats(m, "e.w", (const int64_t[]){CHANNELS, 4, -1}, 0, 0.5, &seed);
    add_floats(m, "e.b", (const int64_t[]){4, -1}, 4, 0.5, &seed);
    make_node(m, "MatMul", "e", "tokens e.w", "e");
    make_node(m, "Add", "e.sum", "e e.b", "x");
    add_floats(m, "class", (const int64_t[]){1, 1, 4, -1}, 1, 1.25, &seed);
    make_int(make_node(m, "Concat", "all", "class x", "all"), "axis", 1);
    add_floats(m, "fc.w", (const int64_t[]){4, N_CLASS, -1}, 0, 1, &seed);
    if (added) {
        add_floats(m, "places", added, 0, 1, &seed);
        make_node(m, "Add", "placed", "all places", "placed");
    }
    make_node(m, "MatMul", "fc", added ? "placed fc.w" : "all fc.w", "out");
    return m;
}

/* Tokens joined to a stored one are rounded as they are unless positions follow: constants of
 * channels are no positions. */
static void joined_tokens_are_rounded_unless_they_get_positions(void **state)
{
    static const int64_t channels[] = {4, -1}, positions[] = {1, 1 + SIDE * SIDE, 4, -1};
    const int64_t *const added[] = {NULL, channels, positions};
    struct made t;

    (void)state;
    for (size_t i = 0; i < sizeof added / sizeof *added; i++) {
        make_of(&t, stored_token_model(added[i]), &plain);
        const Onnx__TensorProto *scale = find_tensor(t.q_model, "all_scale");
        assert_int_equal(scale != NULL, added[i] != positions);
        if (scale)
            assert_true(fabs(floats(t.q_model, "all_scale")[0] / (largest_of(&t, "all") / 127) - 1)
                        < 1e-6);
        release(&t);
    }
}

/* Its bytes are those of the map that it is joined to. */
static void a_stored_token_has_the_zero_point_of_its_map(void **state)
{
    struct import_cfg cfg = plain;
    struct made t;

    (void)state;
    cfg.asymmetric = true;
    make_of(&t, stored_token_model((const int64_t[]){1, 1 + SIDE * SIDE, 4, -1}), &cfg);
    const int8_t *code = (const int8_t *)find_tensor(t.q_model, "class_quantized")->raw_data.data;
    const int8_t *zero = (const int8_t *)find_tensor(t.q_model, "class_zero")->raw_data.data;
    const int8_t *maps = (const int8_t *)find_tensor(t.q_model, "x_zero")->raw_data.data;
    const float scale = floats(t.q_model, "class_scale")[0], *want = floats(t.model, "class");
    assert_int_equal(*zero, *maps);
    assert_true(*zero < -60 && scale == floats(t.q_model, "x_scale")[0]);
    for (int i = 0; i < 4; i++)
        assert_true(fabsf((float)(code[i] - *zero) * scale - want[i]) < 0.51F * scale);
    release(&t);
}

static void powers_of_two_lie_just_above(void **state)
{
    struct import_cfg cfg = plain;
    struct made t;
    int exponent;

    (void)state;
    cfg.power_of_two = true;
    make(&t, &cfg);
    double step = largest_of(&t, "r2") / 255, scale = layer(&t, "c2")->out_scale;
    assert_true(frexp(scale, &exponent) == 0.5);
    assert_true(scale >= step && scale < 2 * step);
    release(&t);
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void a_percentile_leaves_out_that_share_of_the_largest(void **state)
{
    enum { MOST = N_IMAGE * 8 * SIDE * SIDE };
    static float seen[MOST];
    struct import_cfg cfg = plain;
    struct float_run run;
    struct made t;
    struct err_msg m;
    size_t n = 0;

    (void)state;
    cfg.percentile = 95;
    make(&t, &cfg);
    uint32_t v = onnx_graph_find(&t.graph.graph, "r1");
    assert_int_equal(float_run_init(&run, &t.graph, &m), ERR_NONE);
    for (uint32_t i = 0; i < N_IMAGE; i++) {
        run_on(&t.import, &run, i);
        memcpy(seen + n, run.value[v].real, run.value[v].n * sizeof *seen);
        n += run.value[v].n;
    }
    assert_int_equal(n, MOST);
    qsort(seen, MOST, sizeof *seen, by_size);
    double want = (double)seen[MOST * 95 / 100 - 1] / 255, scale = layer(&t, "c1")->out_scale;
    assert_true(scale >= want * 0.999999 && scale <= want * (1 + 1.0 / 64));
    float_run_release(&run);
    release(&t);
}

static void the_image_is_int8_with_the_models_own_mean_and_scale(void **state)
{
    struct import_cfg cfg = plain;
    struct made t;

    (void)state;
    cfg.mean = 30;
    cfg.scale = 0.0125;
    make(&t, &cfg);
    assert_true(t.network.layer[0].out_signed);
    assert_int_equal(t.network.layer[0].out_zero, 30 - 128); // the byte of pixel 30
    assert_true(fabs(t.network.layer[0].out_scale / 0.0125 - 1) < 1e-6);

    int8_t pixels[N_PIXEL];
    struct array a;
    for (size_t i = 0; i < N_PIXEL; i++)
        pixels[i] = pixel_at(3, i);
    assert_true(array_init(&a, ONNX_TYPE(FLOAT), 4, (const uint32_t[]){1, CHANNELS, SIDE, SIDE}));
    import_image(&t.import, pixels, &a);
    for (int ch = 0; ch < CHANNELS; ch++)
        for (int x = 0; x < SIDE; x++)
            for (int y = 0; y < SIDE; y++) {
                int pixel = pixels[(y * SIDE + x) * CHANNELS + ch] + 128;
                double real = (double)a.real[(ch * SIDE + x) * SIDE + y];
                assert_true(fabs(real - (pixel - 30) * 0.0125) < 1e-6);
            }
    array_release(&a);
    release(&t);
}

/* The simulator's integers, the quantised model in float and the float model, side by side: the
 * first two agree to `near`, the others to `quantised`, both as shares of the values. */
static void compare(Onnx__ModelProto *model, double near, double quantised)
{
    struct float_run one, other;
    struct reference r;
    struct made t;
    struct err_msg m;
    double between = 0, error = 0, value = 0;

    make_of(&t, model, &plain);
    assert_int_equal(float_run_init(&one, &t.graph, &m), ERR_NONE);
    assert_int_equal(float_run_init(&other, &t.q_graph, &m), ERR_NONE);
    reference_init(&r, &t.network);
    for (uint32_t i = 0; i < N_IMAGE; i++) {
        int8_t pixels[N_PIXEL];
        for (size_t k = 0; k < N_PIXEL; k++)
            pixels[k] = pixel_at(i, k);
        run_on(&t.import, &one, i);
        run_on(&t.import, &other, i);
        reference_run(&r, pixels);
        const float *a = one.value[t.graph.graph.result].real;
        const float *b = other.value[t.q_graph.graph.result].real;
        const struct layer *l = network_result(&t.network);
        for (uint32_t k = 0; k < N_CLASS; k++) {
            double integer = l->out_scale * (double)(reference_delivered(&r, t.network.n_layer - 1,
                                                                         0, 0, k) - l->out_zero);
            between += pow(integer - (double)b[k], 2);
            error += pow((double)b[k] - (double)a[k], 2);
            value += (double)a[k] * (double)a[k];
        }
    }
    if (!(error > 0 && sqrt(error / value) < quantised && sqrt(between / value) < near))
        fail_msg("quantised differs from float by %g, the integers by %g", sqrt(error / value),
                 sqrt(between / value));
    reference_release(&r);
    float_run_release(&one);
    float_run_release(&other);
    release(&t);
}

static void integers_quantised_and_float_results_agree(void **state)
{
    (void)state;
    compare(float_model(), 0.01, 0.02);
}

static void int_list(Onnx__ModelProto *m, const char *name, size_t n, const int64_t *v)
{
    make_tensor(m, name, ONNX_TYPE(INT64), (const int64_t[]){(int64_t)n, -1}, v, n * sizeof *v);
}

/* Operators that stand between convolutions, in one network. */
static Onnx__ModelProto *varied_model(void)
{
    Onnx__ModelProto *m = make_model(CHANNELS, SIDE, SIDE);
    const int64_t two[] = {2, 2}, three[] = {3, 3}, ones[] = {1, 1, 1, 1};
    const float factor[] = {0.5F, -1.5F, 2, 1, -0.25F, 1, 1, 0.75F};
    uint32_t seed = 99;
    Onnx__NodeProto *n;

    add_conv(m, "c1", "image", CHANNELS, 8, 3, 1, &seed);
    make_node(m, "Clip", "r1", "c1 low high", "r1");
    make_tensor(m, "low", ONNX_TYPE(FLOAT), (const int64_t[]){-1}, (const float[]){-0.5F}, 4);
    make_tensor(m, "high", ONNX_TYPE(FLOAT), (const int64_t[]){-1}, (const float[]){1.5F}, 4);
    n = make_node(m, "MaxPool", "p1", "r1", "p1");
    make_ints(n, "kernel_shape", 2, three);
    make_ints(n, "pads", 4, ones);
    n = make_node(m, "AveragePool", "p2", "r1", "p2");
    make_ints(n, "kernel_shape", 2, three);
    make_ints(n, "pads", 4, ones);
    make_int(n, "count_include_pad", 1);
    make_int(make_node(m, "Concat", "j", "p1 p2 image", "j"), "axis", 1); // 19 channels
    add_floats(m, "g.w", (const int64_t[]){8, 19, 1, 1, -1}, 0, 0.4, &seed);
    make_node(m, "Conv", "g", "j g.w", "g");
    make_node(m, "Add", "s", "p1 p2", "s"); // two rounded maps, which others read as well
    make_node(m, "Sub", "d", "s g", "d");
    make_tensor(m, "factor", ONNX_TYPE(FLOAT), (const int64_t[]){8, 1, 1, -1}, factor, 32);
    make_node(m, "Mul", "m", "s factor", "m");
    make_node(m, "Relu", "r2", "m", "r2");
    make_node(m, "Add", "e", "d r2", "e");
    add_floats(m, "h.w", (const int64_t[]){8, 4, 3, 3, -1}, 0, 0.3, &seed);
    int_list(m, "pads", 8, (const int64_t[]){0, 0, 1, 1, 0, 0, 1, 1});
    make_node(m, "Pad", "pad", "e pads", "padded");
    n = make_node(m, "Conv", "h", "padded h.w", "h");
    make_int(n, "group", 2);
    make_ints(n, "strides", 2, two);
    int_list(m, "from", 2, (const int64_t[]){0, 0});
    int_list(m, "to", 2, (const int64_t[]){8, 8});
    int_list(m, "axes", 2, (const int64_t[]){2, 3});
    int_list(m, "steps", 2, two);
    make_node(m, "Slice", "cut", "e from to axes steps", "cut");
    make_node(m, "Add", "a", "h cut", "a");
    make_node(m, "GlobalMaxPool", "gm", "a", "gm");
    make_node(m, "GlobalAveragePool", "ga", "a", "ga");
    make_int(make_node(m, "Concat", "k", "gm ga", "k"), "axis", 1);
    make_node(m, "Squeeze", "flat", "k axes", "flat");
    add_floats(m, "fc.w", (const int64_t[]){16, N_CLASS, -1}, 0, 1, &seed);
    make_node(m, "MatMul", "fc", "flat fc.w", "out");
    return m;
}

/* Activations of today's networks, and a gate that multiplies a map by what its mean says. */
static Onnx__ModelProto *gated_model(void)
{
    Onnx__ModelProto *m = make_model(CHANNELS, SIDE, SIDE);
    uint32_t seed = 7;

    m->opset_import[0]->version = 14;
    add_conv(m, "c1", "image", CHANNELS, 8, 3, 1, &seed);
    make_node(m, "Sigmoid", "s1", "c1", "s1");
    make_node(m, "Mul", "m1", "c1 s1", "m1"); // SiLU
    make_node(m, "GlobalAveragePool", "g", "m1", "g");
    add_conv(m, "c2", "g", 8, 8, 1, 1, &seed);
    make_node(m, "HardSigmoid", "s2", "c2", "s2");
    make_node(m, "Mul", "m2", "s2 m1", "m2");
    add_conv(m, "c3", "m2", 8, 8, 3, 1, &seed);
    make_node(m, "HardSwish", "h", "c3", "h");
    make_float(make_node(m, "LeakyRelu", "l", "h", "l"), "alpha", 0.25F);
    make_node(m, "GlobalAveragePool", "p", "l", "p");
    make_node(m, "Flatten", "f", "p", "f");
    add_floats(m, "fc.w", (const int64_t[]){8, N_CLASS, -1}, 0, 1, &seed);
    make_node(m, "MatMul", "fc", "f fc.w", "out");
    return m;
}

/* Functions of later operator sets, and slopes for each channel. All nodes have one name. */
static Onnx__ModelProto *late_model(void)
{
    static const char *const functions[] = {"Mish", "Gelu", "Swish"};
    Onnx__ModelProto *m = make_model(CHANNELS, SIDE, SIDE);
    char in[8] = "p1", out[8], conv[8];
    uint32_t seed = 7;

    m->opset_import[0]->version = 24;
    add_conv(m, "c1", "image", CHANNELS, 8, 3, 1, &seed);
    add_floats(m, "slope", (const int64_t[]){8, 1, 1, -1}, 0, 0.5, &seed);
    make_node(m, "PRelu", "p1", "c1 slope", "p1");
    for (int i = 0; i < 3; i++) {
        snprintf(conv, sizeof conv, "d%d", i);
        snprintf(out, sizeof out, "f%d", i);
        add_conv(m, conv, in, 8, 8, 3, 1, &seed);
        make_node(m, functions[i], out, conv, out);
        strcpy(in, out);
    }
    make_node(m, "GlobalAveragePool", "g", in, "g");
    make_node(m, "Flatten", "f", "g", "f");
    add_floats(m, "fc.w", (const int64_t[]){8, N_CLASS, -1}, 0, 1, &seed);
    make_node(m, "MatMul", "fc", "f fc.w", "out");
    return m;
}

static void functions_of_later_sets_keep_their_values(void **state)
{
    (void)state;
    compare(late_model(), 0.02, 0.1);
}

/* All have one, which is a value's too. */
static void no_two_nodes_have_one_name(void **state)
{
    Onnx__ModelProto *model = late_model();
    struct made t;

    (void)state;
    for (size_t i = 0; i < model->graph->n_node; i++)
        make_rename(&model->graph->node[i]->name, i == 3 ? "" : "f1");
    make_of(&t, model, &plain);
    const Onnx__GraphProto *g = t.q_model->graph;
    for (size_t i = 0; i < g->n_node; i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(g->node[i]->name, g->node[k]->name);
    assert_int_equal(t.q_model->opset_import[0]->version, 24);
    release(&t);
}

/* A linear layer whose weights, 8 x N_CLASS, are codes with a scale for each block of 4 inputs, or
 * the floats that they stand for. */
static Onnx__ModelProto *weight_only_model(bool codes)
{
    enum { INPUTS = 8, BLOCK = 4 };
    Onnx__ModelProto *m = make_model(CHANNELS, SIDE, SIDE);
    int8_t code[INPUTS * N_CLASS];
    float real[INPUTS * N_CLASS], scale[INPUTS / BLOCK * N_CLASS];
    uint32_t seed = 11;
    struct err_msg msg;

    m->opset_import[0]->version = 21;
    add_conv(m, "c1", "image", CHANNELS, INPUTS, 3, 1, &seed);
    make_node(m, "Relu", "r", "c1", "r");
    make_int(make_node(m, "LRN", "l", "r", "l"), "size", 3); // of float models alone
    make_node(m, "GlobalAveragePool", "g", "l", "g");
    make_node(m, "Flatten", "f", "g", "f");
    for (size_t i = 0; i < INPUTS / BLOCK * N_CLASS; i++)
        scale[i] = (float)(0.02 + 0.01 * uniform(&seed));
    for (size_t i = 0; i < INPUTS * N_CLASS; i++) {
        code[i] = (int8_t)(127 * uniform(&seed));
        real[i] = (float)code[i] * scale[i / N_CLASS / BLOCK * N_CLASS + i % N_CLASS];
    }
    const int64_t dims[] = {INPUTS, N_CLASS, -1};
    if (codes) {
        make_tensor(m, "codes", ONNX_TYPE(INT8), dims, code, sizeof code);
        make_tensor(m, "scales", ONNX_TYPE(FLOAT), (const int64_t[]){INPUTS / BLOCK, N_CLASS, -1},
                    scale, sizeof scale);
        Onnx__NodeProto *d = make_node(m, "DequantizeLinear", "d", "codes scales", "fc.w");
        make_int(d, "axis", 0);
        make_int(d, "block_size", BLOCK);
    } else {
        make_tensor(m, "fc.w", ONNX_TYPE(FLOAT), dims, real, sizeof real);
    }
    make_node(m, "MatMul", "fc", "f fc.w", "out");
    if (onnx_rewrite(m, &msg))
        fail_msg("%s", msg.text);
    return m;
}

static void stored_weights_in_blocks_are_their_floats(void **state)
{
    struct made codes, floats;
    (void)state;

    make_of(&codes, weight_only_model(true), &plain);
    make_of(&floats, weight_only_model(false), &plain);
    assert_false(onnx_model_is_quantised(codes.model));
    assert_true(onnx_model_is_quantised(codes.q_model));
    assert_int_equal(codes.size, floats.size);
    assert_memory_equal(codes.data, floats.data, floats.size);
    codes.model->graph->input[0]->type->tensor_type->elem_type = ONNX_TYPE(INT8);
    assert_true(onnx_model_is_quantised(codes.model)); // DequantizeLinear may read it
    release(&codes);
    release(&floats);
}

/* Operators that become others before they are imported. */
static Onnx__ModelProto *reworded_model(void)
{
    Onnx__ModelProto *m = make_model(CHANNELS, SIDE, SIDE);
    const int64_t pads[] = {0, 0, -1, 1, 0, 0, 0, -2};
    uint32_t seed = 7;
    struct err_msg msg;

    m->opset_import[0]->version = 13;
    add_conv(m, "c1", "image", CHANNELS, 8, 3, 1, &seed);
    make_int(make_node(m, "DepthToSpace", "d", "c1", "d"), "blocksize", 2);
    add_conv(m, "c2", "d", 2, 2, 3, 1, &seed);
    make_node(m, "Relu", "r", "c2", "r");
    make_int(make_node(m, "SpaceToDepth", "s", "r", "s"), "blocksize", 2);
    add_conv(m, "c3", "s", 8, 8, 3, 1, &seed);
    make_node(m, "Sum", "sum", "c3 s c1", "sum");
    make_tensor(m, "pads", ONNX_TYPE(INT64), (const int64_t[]){8, -1}, pads, sizeof pads);
    make_node(m, "Pad", "p", "sum pads", "p");
    add_conv(m, "c4", "p", 8, 8, 3, 1, &seed);
    make_node(m, "GlobalAveragePool", "g", "c4", "g");
    make_node(m, "Flatten", "f", "g", "f");
    add_floats(m, "fc.w", (const int64_t[]){8, N_CLASS, -1}, 0, 1, &seed);
    make_node(m, "MatMul", "fc", "f fc.w", "out");
    if (onnx_rewrite(m, &msg))
        fail_msg("%s", msg.text);
    return m;
}

static void reworded_operators_keep_their_values(void **state)
{
    (void)state;
    compare(reworded_model(), 0.02, 0.1);
}

static void scalar(Onnx__ModelProto *m, const char *name, float v)
{
    make_tensor(m, name, ONNX_TYPE(FLOAT), (const int64_t[]){-1}, &v, sizeof v);
}

/* Largest and sums of maps and channels, in maps again by Expand; channels first and last. */
static Onnx__ModelProto *reduced_model(void)
{
    Onnx__ModelProto *m = make_model(CHANNELS, SIDE, SIDE);
    static const int64_t first[] = {0, 3, 1, 2}, last[] = {0, 2, 3, 1}, sides[] = {2, 3};
    uint32_t seed = 11;

    m->opset_import[0]->version = 13;
    add_conv(m, "c1", "image", CHANNELS, 8, 3, 1, &seed);
    int_list(m, "sides", 2, sides);
    int_list(m, "channels", 1, (const int64_t[]){1});
    int_list(m, "middle", 2, (const int64_t[]){1, 2});
    int_list(m, "to", 2, (const int64_t[]){SIDE, SIDE});
    make_ints(make_node(m, "ReduceMax", "most", "c1", "most"), "axes", 2, sides);
    make_node(m, "Expand", "e1", "most to", "e1");
    make_node(m, "Add", "a1", "c1 e1", "a1");
    make_node(m, "ReduceSum", "all", "a1 channels", "all");
    int_list(m, "wide", 4, (const int64_t[]){1, 8, 1, 1});
    make_node(m, "Expand", "e2", "all wide", "e2");
    add_conv(m, "c2", "e2", 8, 8, 3, 1, &seed);
    scalar(m, "low", -0.25F);
    scalar(m, "high", 2);
    make_node(m, "Max", "x2", "low c2", "x2");
    make_node(m, "Min", "n2", "high x2 high", "n2");
    int_list(m, "order", 8, (const int64_t[]){3, 1, -1, 0, 3, 2, 4, 5});
    make_int(make_node(m, "Gather", "k2", "n2 order", "k2"), "axis", 1);
    make_node(m, "Relu", "r2", "k2", "r2");
    make_ints(make_node(m, "Transpose", "t1", "r2", "t1"), "perm", 4, last);
    make_node(m, "ReduceSum", "s1", "t1 middle", "s1");
    make_ints(make_node(m, "Transpose", "t2", "s1", "t2"), "perm", 4, first);
    make_ints(make_node(m, "ReduceMean", "m1", "a1", "m1"), "axes", 1, (const int64_t[]){1});
    make_node(m, "Expand", "e3", "m1 wide", "e3");
    make_int(make_node(m, "ReduceSum", "s2", "e3 sides", "s2"), "keepdims", 0);
    make_node(m, "Sqrt", "q", "t2", "q");
    make_node(m, "Flatten", "f", "q", "f");
    add_floats(m, "fc.w", (const int64_t[]){8, N_CLASS, -1}, 0, 1, &seed);
    make_node(m, "Add", "sum", "f s2", "sum");
    make_node(m, "MatMul", "fc", "sum fc.w", "out");
    return m;
}

static void reductions_keep_their_values(void **state)
{
    Onnx__ModelProto *late = reduced_model();
    struct made t;
    (void)state;

    compare(reduced_model(), 0.02, 0.1);
    late->opset_import[0]->version = 20; // axes are an input from set 18 on, and Gelu asks for 20
    make_rename(&find_node(late, "r2")->op_type, "Gelu");
    Onnx__NodeProto *mean = find_node(late, "m1");
    onnx__attribute_proto__free_unpacked(mean->attribute[--mean->n_attribute], NULL);
    mean->input = realloc(mean->input, 2 * sizeof *mean->input);
    mean->input[mean->n_input++] = strdup("channels");
    make_rename(&find_node(late, "q")->op_type, "Abs");
    make_of(&t, late, &plain);
    assert_int_equal(t.q_model->opset_import[0]->version, 20);
    assert_int_equal(find_node(t.q_model, "m1")->n_input, 2);
    assert_int_equal(find_node(t.q_model, "most")->n_input, 1); // GlobalMaxPool
    release(&t);
}

static const int64_t *list_of(const Onnx__ModelProto *m, const char *node, const char *attribute)
{
    const Onnx__NodeProto *n = find_node(m, node);

    for (size_t i = 0; i < n->n_attribute; i++)
        if (strcmp(n->attribute[i]->name, attribute) == 0)
            return n->attribute[i]->ints;
    return NULL;
}

/* ONNX Runtime refuses SAME beside dilations in Conv, and leaves them out of account in pools. */
static void same_padding_is_written_out(void **state)
{
    Onnx__ModelProto *m = make_model(CHANNELS, SIDE, SIDE);
    const int64_t kernel[] = {2, 3}, apart[] = {2, 3}, step[] = {3, 1};
    static const int64_t conv[] = {2, 3, 2, 3}, max[] = {1, 3, 0, 3}, mean[] = {0, 1, 0, 1};
    uint32_t seed = 13;
    struct made t;
    (void)state;

    m->opset_import[0]->version = 19;
    add_conv(m, "c1", "image", CHANNELS, 8, 3, 1, &seed);
    add_floats(m, "w", (const int64_t[]){8, 8, 3, 3, -1}, 0, 0.3, &seed);
    Onnx__NodeProto *c = make_node(m, "Conv", "c2", "c1 w", "c2");
    make_text(c, "auto_pad", "SAME_UPPER");
    make_ints(c, "dilations", 2, apart);
    Onnx__NodeProto *p = make_node(m, "MaxPool", "p", "c2", "p");
    make_text(p, "auto_pad", "SAME_LOWER"); // rows: 3 of 8 by 3, reach 3: one more than there are
    make_ints(p, "kernel_shape", 2, kernel);
    make_ints(p, "dilations", 2, apart);
    make_ints(p, "strides", 2, step);
    Onnx__NodeProto *a = make_node(m, "AveragePool", "a", "p", "a");
    make_ints(a, "kernel_shape", 2, kernel);
    make_ints(a, "dilations", 2, (const int64_t[]){2, 1});
    make_text(a, "auto_pad", "SAME_UPPER");
    make_ints(a, "strides", 2, step); // rows: 1 of 3, reach 3
    make_node(m, "GlobalAveragePool", "g", "a", "g");
    make_node(m, "Flatten", "f", "g", "f");
    add_floats(m, "fc.w", (const int64_t[]){8, N_CLASS, -1}, 0, 1, &seed);
    make_node(m, "MatMul", "fc", "f fc.w", "out");
    make_of(&t, m, &plain);
    assert_memory_equal(list_of(t.q_model, "c2", "pads"), conv, sizeof conv);
    assert_memory_equal(list_of(t.q_model, "p", "pads"), max, sizeof max);
    assert_memory_equal(list_of(t.q_model, "a", "pads"), mean, sizeof mean);
    for (size_t i = 0; i < t.q_model->graph->n_node; i++)
        for (size_t k = 0; k < t.q_model->graph->node[i]->n_attribute; k++)
            assert_string_not_equal(t.q_model->graph->node[i]->attribute[k]->name, "auto_pad");
    assert_int_equal(t.q_model->opset_import[0]->version, 19); // dilations of AveragePool
    release(&t);
}

static void activations_and_gates_keep_their_values(void **state)
{
    (void)state;
    compare(gated_model(), 0.02, 0.1);
}

/* Weights of +1 and -1, norms, and signs. */
static Onnx__ModelProto *binary_model(void)
{
    Onnx__ModelProto *m = make_model(CHANNELS, SIDE, SIDE);
    const char *const names[] = {"c1", "c2"};
    uint32_t seed = 3;

    add_conv(m, "c1", "image", CHANNELS, 8, 3, 1, &seed);
    make_node(m, "Sign", "s1", "c1", "s1");
    add_conv(m, "c2", "s1", 8, 8, 3, 1, &seed);
    make_node(m, "Sign", "s2", "c2", "s2");
    for (int i = 0; i < 2; i++) {
        char weight[8];
        snprintf(weight, sizeof weight, "%s.w", names[i]);
        Onnx__TensorProto *t = find_tensor(m, weight);
        float *v = (float *)t->raw_data.data;
        for (size_t k = 0; k < t->raw_data.len / sizeof *v; k++)
            v[k] = v[k] < 0 ? -1 : 1;
    }
    make_node(m, "GlobalAveragePool", "g", "s2", "g");
    make_node(m, "Flatten", "f", "g", "f");
    add_floats(m, "fc.w", (const int64_t[]){8, N_CLASS, -1}, 0, 1, &seed);
    make_node(m, "MatMul", "fc", "f fc.w", "out");
    return m;
}

/* Products of +1 and -1 are exact, and so are their signs: what errs are the mean and the last
 * product. Rounded first, one of some hundred sums would be 0. */
static void signs_of_sums_are_those_of_the_floats(void **state)
{
    (void)state;
    compare(binary_model(), 0.01, 0.02);
}

static void operators_between_convolutions_keep_their_values(void **state)
{
    (void)state;
    compare(varied_model(), 0.02, 0.05);
}

/* As exporters of channels that come last leave it. */
static Onnx__ModelProto *channels_last_model(void)
{
    Onnx__ModelProto *m = make_model(SIDE, SIDE, CHANNELS);
    static const int64_t first[] = {0, 3, 1, 2}, last[] = {0, 2, 3, 1};
    uint32_t seed = 5;
    Onnx__NodeProto *n;

    make_ints(make_node(m, "Transpose", "t1", "image", "t1"), "perm", 4, first);
    add_conv(m, "c1", "t1", CHANNELS, 8, 3, 1, &seed);
    make_ints(make_node(m, "Transpose", "t2", "c1", "t2"), "perm", 4, last);
    add_floats(m, "bias", (const int64_t[]){8, -1}, 0, 0.5, &seed);
    make_node(m, "Add", "b", "t2 bias", "b");
    make_node(m, "Relu", "r", "b", "r");
    make_ints(make_node(m, "Transpose", "t3", "r", "t3"), "perm", 4, first);
    add_conv(m, "c2", "t3", 8, 6, 3, 2, &seed);
    make_node(m, "Relu", "r2", "c2", "r2");
    make_ints(make_node(m, "Transpose", "t4", "r2", "t4"), "perm", 4, last);
    n = make_node(m, "ReduceMean", "mean", "t4", "mean");
    make_ints(n, "axes", 2, (const int64_t[]){1, 2});
    make_int(n, "keepdims", 0);
    int_list(m, "shape", 2, (const int64_t[]){1, -1});
    make_node(m, "Reshape", "flat", "t4 shape", "flat"); // row, column, channel
    add_floats(m, "fc.w", (const int64_t[]){96, N_CLASS, -1}, 0, 0.3, &seed);
    add_floats(m, "fd.w", (const int64_t[]){6, N_CLASS, -1}, 0, 1, &seed);
    make_node(m, "MatMul", "fc", "flat fc.w", "fc");
    make_node(m, "MatMul", "fd", "mean fd.w", "fd");
    make_node(m, "Add", "sum", "fc fd", "sum");
    make_node(m, "Softmax", "end", "sum", "out");
    return m;
}

static void channels_that_come_last_are_understood(void **state)
{
    Onnx__ModelProto *m = channels_last_model();
    (void)state;

    make_rename(&find_node(m, "end")->op_type, "Identity"); // the model's sums are compared
    compare(m, 0.02, 0.05);
}

/* ---- What cannot be quantised ---- */

static void refuse(Onnx__ModelProto *model, const char *want)
{
    struct err_msg m = {""};
    struct made t;

    enum err e = import_model(&t, model, &plain, &m);
    if (e != ERR_INPUT || !strstr(m.text, want))
        fail_msg("want \"%s\", got \"%s\"", want, m.text);
    release(&t);
}

static Onnx__ModelProto *changed(const char *node, const char *op)
{
    Onnx__ModelProto *m = float_model();

    make_rename(&find_node(m, node)->op_type, op);
    return m;
}

static void what_cannot_be_quantised_is_refused_by_name(void **state)
{
    (void)state;
    refuse(changed("r1", "LRN"), "node \"r1\" (LRN): no such operator");
    refuse(changed("a2", "Div"), "node \"a2\" (Div): divides by a map: want");
    refuse(changed("r1", "Softmax"), "node \"r1\" (Softmax): cannot be quantised: want those");
    Onnx__ModelProto *m = changed("r1", "AveragePool"); // of set 13
    make_ints(find_node(m, "r1"), "kernel_shape", 2, (const int64_t[]){1, 1});
    make_ints(find_node(m, "r1"), "dilations", 2, (const int64_t[]){1, 1});
    refuse(m, "node \"r1\" (AveragePool): attribute \"dilations\" is not in operator set 13: want "
              "set 19 or later");
}

/* A map in the middle, which others read, and the sums, as the network of one output has them. */
static void every_output_leaves(void **state)
{
    Onnx__ModelProto *model = float_model();
    struct made one, two;

    (void)state;
    make_output(model, "r2", 4, (const int64_t[]){1, 8, SIDE, SIDE});
    make_of(&one, float_model(), &plain);
    make_of(&two, model, &plain);
    assert_int_equal(two.import.n_end, 2);
    assert_int_equal(two.network.n_end, 2);
    assert_string_equal(two.network.end[0].value, "r2_dequantized"); // maps before sums
    assert_string_equal(two.network.end[1].value, "out");
    for (int i = 0; i < 2; i++) {
        const struct network_end *e = &two.network.end[i];
        const struct layer *l = &two.network.layer[e->layer];
        assert_int_equal(l->raw_output, i == 1);
        assert_string_equal(l->name, i == 1 ? network_result(&one.network)->name : "c2");
    }
    const struct layer *a = network_result(&one.network), *b = network_result(&two.network);
    assert_memory_equal(a->weight, b->weight, (size_t)a->out.channels * a->in.channels);
    release(&one);
    release(&two);
}

/* Softmax, and a product of each score by a constant of its own, which no layer computes. */
static void what_is_behind_the_last_product_is_left_to_the_host(void **state)
{
    Onnx__ModelProto *model = float_model();
    const float factor[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    struct made t;

    (void)state;
    make_rename(&find_node(model, "bias")->output[0], "scores");
    make_node(model, "Softmax", "soft", "scores", "likely");
    make_tensor(model, "factor", ONNX_TYPE(FLOAT), (const int64_t[]){2, N_CLASS, -1}, factor,
                sizeof factor);
    make_node(model, "Mul", "spread", "likely factor", "out");
    make_of(&t, model, &plain);
    assert_non_null(strstr(t.import.left.text, "node \"soft\" (Softmax): cannot be quantised"));
    assert_int_equal(t.network.n_end, 1);
    assert_string_equal(t.network.end[0].value, "scores");
    assert_true(network_result(&t.network)->raw_output);
    release(&t);
}

/* A float tensor of the model with one value changed. */
static Onnx__ModelProto *spoilt(const char *tensor, size_t i, float v)
{
    Onnx__ModelProto *m = float_model();
    Onnx__TensorProto *t = find_tensor(m, tensor);

    assert_non_null(t);
    if (t->has_raw_data)
        ((float *)(void *)t->raw_data.data)[i] = v;
    else
        t->float_data[i] = v;
    return m;
}

static void what_is_not_finite_is_refused_by_name(void **state)
{
    (void)state;
    refuse(spoilt("c1.w", 3, INFINITY), "node \"c1\" (Conv): weight 3 is inf");
    refuse(spoilt("c1.w", 0, NAN), "node \"c1\" (Conv): weight 0 is ");
    refuse(spoilt("fc.w", 1, NAN), "node \"fc\" (MatMul): weight ");
    refuse(spoilt("fc.b", 1, NAN), "node \"bias\" (Add): constant 1 is ");
    for (int i = 0; i < 4; i++) {
        static const char *const statistics[] = {"c1.scale", "c1.shift", "c1.mean", "c1.variance"};
        refuse(spoilt(statistics[i], 0, NAN), "(BatchNormalization): constant 0 is ");
        refuse(spoilt(statistics[i], 2, INFINITY), "(BatchNormalization): constant 2 is inf: want");
    }
    Onnx__ModelProto *m = spoilt("fc.b", 2, INFINITY); // a quotient of 0
    make_rename(&find_node(m, "bias")->op_type, "Div");
    refuse(m, "node \"bias\" (Div): constant 2 is inf: want finite");
}

/* ---- Calibration on threads ---- */

/* The model with another import of it, which has seen nothing. */
static void import_again(struct import *im, const struct made *t)
{
    struct float_run run;
    struct err_msg m;

    assert_int_equal(float_run_init(&run, &t->graph, &m), ERR_NONE);
    set_black(&run);
    assert_int_equal(float_run_all(&run, &m), ERR_NONE);
    assert_int_equal(import_init(im, &t->graph, &run, &plain, &m), ERR_NONE);
    float_run_release(&run);
}

/* N_IMAGE images of pixel_at() as a file of raw bytes, [channel][row][column]. */
static void write_raw(const char *dir, const char *name)
{
    static uint8_t file[N_IMAGE][CHANNELS][SIDE][SIDE];

    for (uint32_t i = 0; i < N_IMAGE; i++)
        for (size_t c = 0; c < CHANNELS; c++)
            for (size_t x = 0; x < SIDE; x++)
                for (size_t y = 0; y < SIDE; y++)
                    file[i][c][x][y] = (uint8_t)(pixel_at(i, (y * SIDE + x) * CHANNELS + c) + 128);
    tmpdir_write(dir, name, file, sizeof file);
}

/* The same as numbers, as the model takes them. */
static struct npy numbers_of(const struct import *im)
{
    struct npy a = {.type = NPY_FLOAT32, .n_dim = 4, .n = N_IMAGE * N_PIXEL};

    a.data = malloc(a.n * sizeof(float));
    assert_non_null(a.data);
    for (uint32_t i = 0; i < N_IMAGE; i++) {
        int8_t pixels[N_PIXEL];
        float value[N_PIXEL];
        struct array image = {.n = N_PIXEL, .real = value};
        for (size_t k = 0; k < N_PIXEL; k++)
            pixels[k] = pixel_at(i, k);
        import_image(im, pixels, &image);
        memcpy(a.data + i * sizeof value, value, sizeof value);
    }
    return a;
}

static void assert_seen_alike(const struct import *a, const struct import *b, uint32_t jobs)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < a->graph->graph.n_value; i++) {
        const struct import_value *x = &a->value[i], *y = &b->value[i];
        assert_true(!x->seen == !y->seen);
        if (!x->seen)
            continue;
        if (x->largest != y->largest || memcmp(x->seen, y->seen, IMPORT_BINS * sizeof *x->seen))
            fail_msg("%s by %u jobs", a->graph->graph.value[i].name, jobs);
        n++;
    }
    assert_true(n > 4);
}

static void any_number_of_jobs_sees_what_one_image_after_the_other_shows(void **state)
{
    static const uint32_t jobs[] = {1, 2, 3, 7, 2 * N_IMAGE};
    const char *dir = *state;
    char path[TMPDIR_PATH_MAX];
    struct made t;
    struct err_msg m;

    make(&t, &plain); // which observes one after the other
    write_raw(dir, "raw");
    struct npy numbers = numbers_of(&t.import);
    for (size_t i = 0; i < 2 * sizeof jobs / sizeof *jobs; i++) {
        const uint32_t n = jobs[i / 2];
        struct import other;
        import_again(&other, &t);
        const struct import_images from = {.path = tmpdir_path(path, dir, "raw"),
                                           .how = {.shape = "3x8x8"}, .n_classes = N_CLASS,
                                           .inputs = i % 2 ? &numbers : NULL, .import = &other};
        if (import_calibrate(&other, &from, N_IMAGE, n, &m))
            fail_msg("%s", m.text);
        assert_seen_alike(&t.import, &other, n);
        import_release(&other);
    }
    npy_release(&numbers);
    release(&t);
}

/* Whatever job meets it, the first image that is not there is told. */
static void calibration_says_which_image_is_missing(void **state)
{
    const char *dir = *state;
    char path[TMPDIR_PATH_MAX];
    struct made t;
    struct err_msg m;

    make(&t, &plain);
    write_raw(dir, "raw");
    for (uint32_t jobs = 1; jobs <= 4; jobs++) {
        const struct import_images from = {.path = tmpdir_path(path, dir, "raw"),
                                           .how = {.shape = "3x8x8"}, .n_classes = N_CLASS,
                                           .import = &t.import};
        assert_int_equal(import_calibrate(&t.import, &from, N_IMAGE + 1, jobs, &m), ERR_INPUT);
        assert_non_null(strstr(m.text, "no image 20"));
    }
    release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_normalisation_is_folded_into_weights_and_bias),
        cmocka_unit_test(one_scale_for_all_weights_spans_the_largest),
        cmocka_unit_test(activations_span_the_largest_magnitude_seen),
        cmocka_unit_test(steps_of_sums_and_averages_are_multipliers_exactly),
        cmocka_unit_test(steps_of_products_are_multipliers_exactly),
        cmocka_unit_test(bytes_behind_clip_end_at_its_bound),
        cmocka_unit_test(asymmetric_codes_reach_from_the_least_to_the_largest_value),
        cmocka_unit_test(a_stored_token_has_the_zero_point_of_its_map),
        cmocka_unit_test(joined_tokens_are_rounded_unless_they_get_positions),
        cmocka_unit_test(powers_of_two_lie_just_above),
        cmocka_unit_test(a_percentile_leaves_out_that_share_of_the_largest),
        cmocka_unit_test(the_image_is_int8_with_the_models_own_mean_and_scale),
        cmocka_unit_test(integers_quantised_and_float_results_agree),
        cmocka_unit_test(reworded_operators_keep_their_values),
        cmocka_unit_test(reductions_keep_their_values),
        cmocka_unit_test(same_padding_is_written_out),
        cmocka_unit_test(activations_and_gates_keep_their_values),
        cmocka_unit_test(signs_of_sums_are_those_of_the_floats),
        cmocka_unit_test(functions_of_later_sets_keep_their_values),
        cmocka_unit_test(no_two_nodes_have_one_name),
        cmocka_unit_test(stored_weights_in_blocks_are_their_floats),
        cmocka_unit_test(operators_between_convolutions_keep_their_values),
        cmocka_unit_test(channels_that_come_last_are_understood),
        cmocka_unit_test(what_cannot_be_quantised_is_refused_by_name),
        cmocka_unit_test(what_is_not_finite_is_refused_by_name),
        cmocka_unit_test(every_output_leaves),
        cmocka_unit_test(what_is_behind_the_last_product_is_left_to_the_host),
        cmocka_unit_test_setup_teardown(
            any_number_of_jobs_sees_what_one_image_after_the_other_shows, tmpdir_make,
            tmpdir_remove),
        cmocka_unit_test_setup_teardown(calibration_says_which_image_is_missing, tmpdir_make,
                                        tmpdir_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
