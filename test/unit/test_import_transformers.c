/* Float transformers become quantised ones: random encoders written in several styles, their
 * scales against a closed form, what the quantised model answers against the float one, and the
 * integers of the network that is read from it. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "import/import.h"
#include "import/walk.h"
#include "network/values/values.h"
#include "onnx/file.h"
#include "onnx/read/read.h"
#include "onnx/rewrite/rewrite.h"
#include "test/onnx_make.h"
#include "test/shared.h"

enum { SIDE = 6, CHANNELS = 2, PATCH = 2, TOKENS = 9, HIDDEN = 16, FFN = 24, HEADS = 4,
       HEAD = HIDDEN / HEADS, N_CLASS = 5, N_IMAGE = 24, N_PIXEL = SIDE * SIDE * CHANNELS };

enum style { PRE = 1, FUSED = 2, ONE_STEP = 4, PIECES = 8, CAUSAL = 16, ON_QUERIES = 32,
             OWN = 64, PLACES = 128, LAST = 256, NORMS = 512, ROOTS = 1024, TURNED = 2048,
             CLASS = 4096, FLAT = 8192 };

static uint32_t state_of;

static double uniform(void) // -1 to 1
{
    state_of = state_of * 1664525 + 1013904223;
    return (double)(state_of >> 8) / (1 << 23) - 1;
}

/* ---- A float model ---- */

static void floats(Onnx__ModelProto *m, const char *name, const int64_t *dims, double middle,
                   double spread)
{
    static float v[4096];
    size_t n = 1;

    for (const int64_t *d = dims; *d >= 0; d++)
        n *= (size_t)*d;
    assert_true(n <= 4096);
    for (size_t i = 0; i < n; i++)
        v[i] = (float)(middle + spread * uniform());
    make_tensor(m, name, ONNX_TYPE(FLOAT), dims, v, n * sizeof *v);
}

static void list(Onnx__ModelProto *m, const char *name, size_t n, const int64_t *v)
{
    make_tensor(m, name, ONNX_TYPE(INT64), (const int64_t[]){(int64_t)n, -1}, v, n * sizeof *v);
}

static Onnx__NodeProto *node(Onnx__ModelProto *m, const char *op, const char *inputs,
                             const char *output)
{
    return make_node(m, op, output, inputs, output);
}

static Onnx__NodeProto *node2(Onnx__ModelProto *m, const char *op, const char *a, const char *b,
                              const char *output)
{
    char inputs[128];

    snprintf(inputs, sizeof inputs, "%s %s", a, b);
    return node(m, op, inputs, output);
}

/* x times weights plus bias, "name". */
static void linear(Onnx__ModelProto *m, const char *name, const char *x, int64_t in, int64_t out)
{
    char weight[32], bias[32], product[32];

    snprintf(weight, sizeof weight, "%s.w", name);
    snprintf(bias, sizeof bias, "%s.b", name);
    snprintf(product, sizeof product, "%s.mm", name);
    floats(m, weight, (const int64_t[]){in, out, -1}, 0, 1.7 / sqrt((double)in));
    floats(m, bias, (const int64_t[]){out, -1}, 0, 0.3);
    node2(m, "MatMul", x, weight, product);
    node2(m, "Add", bias, product, name);
}

/* As ReduceMean, Sub, Pow, ReduceMean, Add, Sqrt, Div, Mul, Add. */
static void norm_in_pieces(Onnx__ModelProto *m, const char *name, const char *x, const char *gain,
                           const char *offset)
{
    static const char *const what[] = {"mean", "less", "square", "var", "more", "root", "by",
                                       "scaled"};
    const float two = 2, epsilon = 1e-5F;
    char v[8][32], two_name[32], epsilon_name[32];

    for (int i = 0; i < 8; i++)
        snprintf(v[i], sizeof v[i], "%s.%s", name, what[i]);
    snprintf(two_name, sizeof two_name, "%s.two", name);
    snprintf(epsilon_name, sizeof epsilon_name, "%s.epsilon", name);
    make_float_list(m, two_name, 1, &two);
    make_float_list(m, epsilon_name, 1, &epsilon);
    make_ints(node(m, "ReduceMean", x, v[0]), "axes", 1, (const int64_t[]){-1});
    node2(m, "Sub", x, v[0], v[1]);
    node2(m, "Pow", v[1], two_name, v[2]);
    make_ints(node(m, "ReduceMean", v[2], v[3]), "axes", 1, (const int64_t[]){-1});
    node2(m, "Add", v[3], epsilon_name, v[4]);
    node(m, "Sqrt", v[4], v[5]);
    node2(m, "Div", v[1], v[5], v[6]);
    node2(m, "Mul", v[6], gain, v[7]);
    node2(m, "Add", v[7], offset, name);
}

/* The root mean square, as Pow, ReduceMean, Add, Sqrt, Reciprocal or Div of 1, Mul, Mul. */
static void root_in_pieces(Onnx__ModelProto *m, const char *name, const char *x, const char *gain,
                           bool by_one)
{
    static const char *const what[] = {"square", "mean", "more", "root", "inverse", "by"};
    const float two = 2, epsilon = 1e-5F, one = 1;
    char v[6][32], one_name[32], two_name[32], epsilon_name[32];

    for (int i = 0; i < 6; i++)
        snprintf(v[i], sizeof v[i], "%s.%s", name, what[i]);
    snprintf(two_name, sizeof two_name, "%s.two", name);
    snprintf(epsilon_name, sizeof epsilon_name, "%s.epsilon", name);
    make_float_list(m, two_name, 1, &two);
    make_float_list(m, epsilon_name, 1, &epsilon);
    node2(m, "Pow", x, two_name, v[0]);
    make_ints(node(m, "ReduceMean", v[0], v[1]), "axes", 1, (const int64_t[]){-1});
    node2(m, "Add", epsilon_name, v[1], v[2]);
    node(m, "Sqrt", v[2], v[3]);
    if (by_one) {
        snprintf(one_name, sizeof one_name, "%s.one", name);
        make_float_list(m, one_name, 1, &one);
        node2(m, "Div", one_name, v[3], v[4]);
    } else {
        node(m, "Reciprocal", v[3], v[4]);
    }
    node2(m, "Mul", x, v[4], v[5]);
    node2(m, "Mul", gain, v[5], name);
}

static void norm(Onnx__ModelProto *m, const char *name, const char *x, int style)
{
    char gain[32], offset[32], inputs[128];

    snprintf(gain, sizeof gain, "%s.g", name);
    snprintf(offset, sizeof offset, "%s.o", name);
    snprintf(inputs, sizeof inputs, "%s %s %s", x, gain, offset);
    floats(m, gain, (const int64_t[]){HIDDEN, -1}, 1, 0.3);
    floats(m, offset, (const int64_t[]){HIDDEN, -1}, 0, 0.3);
    if (style & ROOTS)
        root_in_pieces(m, name, x, gain, style & TURNED);
    else if (style & NORMS)
        norm_in_pieces(m, name, x, gain, offset);
    else
        node(m, "LayerNormalization", inputs, name);
}

/* x * cosines + (-second half, first half of x) * sines. */
static void turn(Onnx__ModelProto *m, const char *x, const char *name)
{
    float cosines[TOKENS * HEAD], sines[TOKENS * HEAD];
    char v[6][48], inputs[96];

    if (strcmp(name, "qh") == 0) {
        for (int i = 0; i < TOKENS * HEAD; i++) {
            const double angle = i / HEAD / pow(9, i % (HEAD / 2));
            cosines[i] = (float)cos(angle);
            sines[i] = (float)sin(angle);
        }
        const int64_t dims[] = {1, 1, TOKENS, HEAD, -1};
        make_tensor(m, "cosines", ONNX_TYPE(FLOAT), dims, cosines, sizeof cosines);
        make_tensor(m, "sines", ONNX_TYPE(FLOAT), dims, sines, sizeof sines);
        list(m, "zero", 1, (const int64_t[]){0});
        list(m, "half.head", 1, (const int64_t[]){HEAD / 2});
        list(m, "head", 1, (const int64_t[]){HEAD});
        list(m, "last.axis", 1, (const int64_t[]){3});
    }
    for (int i = 0; i < 6; i++)
        snprintf(v[i], sizeof v[i], "%s.turn%d", name, i);
    snprintf(inputs, sizeof inputs, "%s zero half.head last.axis", x);
    node(m, "Slice", inputs, v[0]);
    snprintf(inputs, sizeof inputs, "%s half.head head last.axis", x);
    node(m, "Slice", inputs, v[1]);
    node(m, "Neg", v[1], v[2]);
    make_int(node2(m, "Concat", v[2], v[0], v[3]), "axis", 3);
    node2(m, "Mul", x, "cosines", v[4]);
    node2(m, "Mul", v[3], "sines", v[5]);
    node2(m, "Add", v[4], v[5], name);
}

/* Tokens x channels to heads x tokens x channels, or of keys heads x channels x tokens. */
static void by_heads(Onnx__ModelProto *m, const char *x, const char *name, bool keys, int style)
{
    char split[32], turned[32], bare[32];

    snprintf(split, sizeof split, "%s.split", name);
    snprintf(turned, sizeof turned, "%s.turned", name);
    node2(m, "Reshape", x, "heads", split);
    if (keys && (style & ONE_STEP)) {
        make_ints(node(m, "Transpose", split, name), "perm", 4, (const int64_t[]){0, 2, 3, 1});
        return;
    }
    snprintf(bare, sizeof bare, "%s.bare", name);
    const bool turns = (style & TURNED) && strcmp(name, "vh") != 0;
    make_ints(node(m, "Transpose", split, turns ? bare : keys ? turned : name), "perm", 4,
              (const int64_t[]){0, 2, 1, 3});
    if (turns)
        turn(m, bare, keys ? turned : name);
    if (keys)
        make_ints(node(m, "Transpose", turned, name), "perm", 4, (const int64_t[]){0, 1, 3, 2});
}

static void scores(Onnx__ModelProto *m, int style)
{
    const float root = (float)sqrt(HEAD), scale = 1 / root;
    const char *s = "qk";

    make_float_list(m, "root", 1, &root);
    make_float_list(m, "scale", 1, &scale);
    if (style & ON_QUERIES) {
        node2(m, "Div", "qh", "root", "qd");
        node2(m, "MatMul", "qd", "kh", "qk");
    } else {
        node2(m, "MatMul", "qh", "kh", "qk.raw");
        node2(m, "Mul", "qk.raw", "scale", "qk");
    }
    if (style & CAUSAL) {
        float mask[TOKENS * TOKENS];
        for (int i = 0; i < TOKENS * TOKENS; i++)
            mask[i] = i % TOKENS > i / TOKENS ? -3.4e38F : 0;
        make_tensor(m, "mask", ONNX_TYPE(FLOAT), (const int64_t[]){1, 1, TOKENS, TOKENS, -1}, mask,
                    sizeof mask);
        node2(m, "Add", "qk", "mask", "qk.masked");
        s = "qk.masked";
    }
    make_int(node(m, "Softmax", s, "p"), "axis", -1);
}

static void attention(Onnx__ModelProto *m, const char *x, int style)
{
    const int64_t tokens = TOKENS + (style & CLASS ? 1 : 0);

    if (style & OWN) {
        floats(m, "qkv.w", (const int64_t[]){HIDDEN, 3 * HIDDEN, -1}, 0, 1.7 / sqrt(HIDDEN));
        floats(m, "qkv.b", (const int64_t[]){3 * HIDDEN, -1}, 0, 0.3);
        char inputs[64];
        snprintf(inputs, sizeof inputs, "%s qkv.w qkv.b", x);
        Onnx__NodeProto *n = node(m, "Attention", inputs, "joined");
        make_rename(&n->domain, "com.microsoft");
        make_int(n, "num_heads", HEADS);
        make_int(n, "unidirectional", (style & CAUSAL) != 0);
        return;
    }
    static const char *const parts[] = {"q", "k", "v"}, *const heads[] = {"qh", "kh", "vh"};
    list(m, "heads", 4, (const int64_t[]){1, tokens, HEADS, HEAD});
    if (style & FUSED)
        linear(m, "qkv", x, HIDDEN, 3 * HIDDEN);
    for (int64_t i = 0; i < 3; i++) {
        char inputs[64], end[8];
        if (!(style & FUSED)) {
            linear(m, parts[i], x, HIDDEN, HIDDEN);
        } else {
            const int64_t from[] = {i * HIDDEN}, to[] = {(i + 1) * HIDDEN}, axis[] = {2};
            snprintf(end, sizeof end, "to%d", (int)i);
            snprintf(inputs, sizeof inputs, "from%d", (int)i);
            list(m, inputs, 1, from);
            list(m, end, 1, to);
            if (i == 0)
                list(m, "cut.axis", 1, axis);
            snprintf(inputs, sizeof inputs, "qkv from%d to%d cut.axis", (int)i, (int)i);
            node(m, "Slice", inputs, parts[i]);
        }
        by_heads(m, parts[i], heads[i], i == 1, style);
    }
    scores(m, style);
    node2(m, "MatMul", "p", "vh", "pv");
    make_ints(node(m, "Transpose", "pv", "pv.tokens"), "perm", 4, (const int64_t[]){0, 2, 1, 3});
    list(m, "tokens", 3, (const int64_t[]){1, tokens, HIDDEN});
    node2(m, "Reshape", "pv.tokens", "tokens", "joined");
}

/* x / 2 * (1 + erf(x / sqrt 2)), or Gelu. */
static void gelu(Onnx__ModelProto *m, int style)
{
    const float root = (float)sqrt(2), one = 1, half = 0.5F;

    if (!(style & PIECES)) {
        make_rename(&node(m, "Gelu", "f1", "g")->domain, "com.microsoft");
        return;
    }
    make_float_list(m, "root2", 1, &root);
    make_float_list(m, "one", 1, &one);
    make_float_list(m, "half", 1, &half);
    node2(m, "Div", "f1", "root2", "g.in");
    node(m, "Erf", "g.in", "g.erf");
    node2(m, "Add", "g.erf", "one", "g.more");
    node2(m, "Mul", "f1", "g.more", "g.twice");
    node2(m, "Mul", "g.twice", "half", "g");
}

static Onnx__ModelProto *encoder(int style, uint32_t seed)
{
    Onnx__ModelProto *m = make_model(CHANNELS, SIDE, SIDE);

    state_of = seed;
    m->opset_import[0]->version = 17;
    floats(m, "patch.w", (const int64_t[]){HIDDEN, CHANNELS, PATCH, PATCH, -1}, 0, 0.5);
    make_ints(node(m, "Conv", "image patch.w", "patch"), "strides", 2,
              (const int64_t[]){PATCH, PATCH});
    list(m, "flat", 3, (const int64_t[]){1, HIDDEN, TOKENS});
    node(m, "Reshape", "patch flat", "patches");
    make_ints(node(m, "Transpose", "patches", style & (PLACES | CLASS) ? "bare" : "x"), "perm", 3,
              (const int64_t[]){0, 2, 1});
    if (style & PLACES) {
        floats(m, "places", (const int64_t[]){1, TOKENS, HIDDEN, -1}, 0, 0.5);
        node2(m, "Add", "bare", "places", "x");
    }
    if (style & CLASS) {
        floats(m, "class", (const int64_t[]){1, 1, HIDDEN, -1}, 0, 0.5);
        make_int(node(m, "Concat", "class bare", "x"), "axis", 1);
    }
    if (style & PRE)
        norm(m, "n1", "x", style);
    attention(m, style & PRE ? "n1" : "x", style);
    linear(m, "o", "joined", HIDDEN, HIDDEN);
    node2(m, "Add", "x", "o", "r1");
    norm(m, "n2", "r1", style);
    linear(m, "f1", "n2", HIDDEN, FFN);
    gelu(m, style);
    linear(m, "f2", "g", FFN, HIDDEN);
    node2(m, "Add", style & PRE ? "r1" : "n2", "f2", "r2");
    norm(m, "n3", "r2", style);
    const int64_t values = HIDDEN * (style & FLAT ? TOKENS + (style & CLASS ? 1 : 0) : 1);
    if (style & FLAT) {
        list(m, "all", 2, (const int64_t[]){1, values});
        node(m, "Reshape", "n3 all", "pool");
    } else if (style & LAST) {
        const int64_t zero = 0;
        make_tensor(m, "first", ONNX_TYPE(INT64), (const int64_t[]){-1}, &zero, sizeof zero);
        make_int(node(m, "Gather", "n3 first", "pool"), "axis", 1);
    } else {
        Onnx__NodeProto *mean = node(m, "ReduceMean", "n3", "pool");
        make_ints(mean, "axes", 1, (const int64_t[]){1});
        make_int(mean, "keepdims", 0);
    }
    floats(m, "fc.w", (const int64_t[]){values, N_CLASS, -1}, 0, 0.7);
    node(m, "MatMul", "pool fc.w", "out");
    return m;
}

/* ---- Its import ---- */

struct made {
    Onnx__ModelProto  *model, *q_model;
    struct float_graph graph, q_graph;
    struct import      import;
    struct network     network;
    uint8_t           *data;
    size_t             size;
    float             *most; // per value of the float graph: largest magnitude on all images
};

static void pixels_of(uint32_t image, int8_t *pixels)
{
    state_of = image * 1000003 + 17;
    for (size_t i = 0; i < N_PIXEL; i++)
        pixels[i] = (int8_t)(127 * uniform());
}

static void run_on(const struct import *im, struct float_run *run, uint32_t image)
{
    int8_t pixels[N_PIXEL];
    struct array a;
    struct err_msg m;

    pixels_of(image, pixels);
    assert_true(array_init(&a, ONNX_TYPE(FLOAT), 4, im->image_dim));
    import_image(im, pixels, &a);
    float_run_set(run, run->graph->graph.image, &a);
    if (float_run_all(run, &m))
        fail_msg("%s", m.text);
}

static void take_most(struct made *t, const struct float_run *run)
{
    for (uint32_t v = 0; v < t->graph.graph.n_value; v++)
        for (size_t i = 0; run->value[v].real && i < run->value[v].n; i++)
            t->most[v] = fmaxf(t->most[v], fabsf(run->value[v].real[i]));
}

static void make_as(struct made *t, Onnx__ModelProto *model, bool asymmetric)
{
    const struct import_cfg cfg = {.mean = 128, .scale = 1.0 / 64, .percentile = 100,
                                   .per_channel = true, .asymmetric = asymmetric};
    struct array image;
    struct float_run run;
    struct err_msg m;

    *t = (struct made){.model = model};
    if (onnx_rewrite(model, &m) || float_graph_init(&t->graph, model, &m))
        fail_msg("%s", m.text);
    assert_true(array_init(&image, ONNX_TYPE(FLOAT), 4, (uint32_t[]){1, CHANNELS, SIDE, SIDE}));
    if (float_graph_fold(&t->graph, &image, &m) || float_run_init(&run, &t->graph, &m))
        fail_msg("%s", m.text);
    float_run_set(&run, t->graph.graph.image, &image);
    if (float_run_all(&run, &m) || import_init(&t->import, &t->graph, &run, &cfg, &m))
        fail_msg("%s", m.text);
    t->most = calloc(t->graph.graph.n_value, sizeof *t->most);
    assert_non_null(t->most);
    for (uint32_t i = 0; i < N_IMAGE; i++) {
        run_on(&t->import, &run, i);
        import_observe(&t->import, &run);
        take_most(t, &run);
    }
    float_run_release(&run);
    if (import_build(&t->import, "made", &t->data, &t->size, &m) ||
        onnx_decode(t->data, t->size, &t->q_model, &m) ||
        float_graph_init(&t->q_graph, t->q_model, &m) ||
        network_decode_onnx(&t->network, "made", t->data, t->size, &m))
        fail_msg("%s", m.text);
}

static void make(struct made *t, Onnx__ModelProto *model)
{
    make_as(t, model, false);
}

static void release(struct made *t)
{
    network_release(&t->network);
    float_graph_release(&t->q_graph);
    onnx_free_model(t->q_model);
    import_release(&t->import);
    float_graph_release(&t->graph);
    make_free(t->model);
    free(t->data);
    free(t->most);
}

/* ---- What it is held to ---- */

/* Scales of values that are rounded: the largest magnitude on all images by 127 or 255; of an
 * average 2^-15 more at most. */
static void scales_hold_what_was_seen(const struct made *t, int style)
{
    uint32_t n = 0;

    for (uint32_t v = 0; v < t->graph.graph.n_value; v++) {
        double most = 0;
        if (import_root(&t->import, v) != v || v == t->graph.graph.image)
            continue;
        for (uint32_t k = 0; k < t->graph.graph.n_value; k++)
            if (import_root(&t->import, k) == v && t->import.value[k].rounded)
                most = fmax(most, (double)t->most[k]);
        if (most == 0)
            continue;
        double want = most / (t->import.value[v].positive ? 255 : 127);
        double scale = (double)t->import.value[v].scale;
        n++;
        if (!(scale >= want * (1 - 1e-6) && scale <= want * (1 + 0x1p-14)))
            fail_msg("style %d: scale of %s is %g, want %g", style, t->graph.graph.value[v].name,
                     scale, want);
    }
    assert_true(n >= 12); // q, k, v, products, weights, sums, norms, f1, g
}

static size_t largest(const float *v)
{
    size_t best = 0;

    for (size_t i = 1; i < N_CLASS; i++)
        best = v[i] > v[best] ? i : best;
    return best;
}

struct square {
    double error, value;
};

static void add_squares(struct square *s, const float *got, const float *want)
{
    for (size_t i = 0; i < N_CLASS; i++) {
        s->error += pow((double)got[i] - (double)want[i], 2);
        s->value += pow((double)want[i], 2);
    }
}

/* The network's sums, as numbers. */
static void run_network(const struct made *t, const int8_t *pixels, struct value_lanes *lanes,
                        float *out)
{
    uint8_t bytes[N_PIXEL];
    int64_t result[VALUE_LANES * N_CLASS];

    for (size_t i = 0; i < N_PIXEL; i++) // int8, or as uint8
        bytes[i] = (uint8_t)((uint8_t)pixels[i] ^ (t->network.layer[0].out_signed ? 0 : 0x80));
    value_lanes_run(lanes, bytes, 1, result, NULL);
    for (size_t i = 0; i < N_CLASS; i++)
        out[i] = (float)((double)result[i] * network_result(&t->network)->out_scale);
}

static void a_style_is_quantised(int style, bool asymmetric)
{
    struct made t;
    struct float_run one, other;
    struct square quantised = {0, 0}, network = {0, 0};
    struct err_msg m;
    unsigned same = 0;

    make_as(&t, encoder(style, 100 + (uint32_t)style), asymmetric);
    if (!asymmetric)
        scales_hold_what_was_seen(&t, style);
    struct values *values = values_new(&t.network, NULL);
    struct value_lanes *lanes = value_lanes_new(values);
    assert_non_null(lanes);
    if (float_run_init(&one, &t.graph, &m) || float_run_init(&other, &t.q_graph, &m))
        fail_msg("%s", m.text);
    for (uint32_t i = 0; i < N_IMAGE; i++) {
        float integers[N_CLASS];
        int8_t pixels[N_PIXEL];
        run_on(&t.import, &one, i);
        run_on(&t.import, &other, i);
        pixels_of(i, pixels);
        run_network(&t, pixels, lanes, integers);
        const float *want = one.value[t.graph.graph.result].real;
        const float *got = other.value[t.q_graph.graph.result].real;
        add_squares(&quantised, got, want);
        add_squares(&network, integers, got);
        same += largest(integers) == largest(want);
    }
    double error = sqrt(quantised.error / quantised.value);
    double apart = sqrt(network.error / network.value);
    if (!(error < 0.12) || !(apart < 0.02) || same < N_IMAGE * 3 / 4)
        fail_msg("style %d: quantised %g off, its integers %g, %u of %d classes", style, error,
                 apart, same, N_IMAGE);
    float_run_release(&one);
    float_run_release(&other);
    value_lanes_free(lanes);
    values_free(values);
    release(&t);
}

static void each_style_of_an_encoder_is_quantised(void **state)
{
    static const int styles[] = {
        0, PRE, FUSED, ONE_STEP | PRE, PIECES, CAUSAL | PRE, ON_QUERIES, OWN, OWN | CAUSAL | PRE,
        PLACES, PLACES | LAST, PRE | LAST | FUSED | CAUSAL, PRE | PIECES | ONE_STEP | ON_QUERIES,
        NORMS | PIECES, NORMS | PIECES | PRE, ROOTS, ROOTS | PRE | CAUSAL, TURNED | PRE,
        TURNED | ROOTS | CAUSAL | FUSED, TURNED | ON_QUERIES, CLASS | PRE | LAST,
        CLASS | ROOTS | PRE, FLAT | PRE, FLAT | CLASS,
    };
    (void)state;

    for (size_t i = 0; i < sizeof styles / sizeof *styles; i++)
        for (int asymmetric = 0; asymmetric < 2; asymmetric++)
            a_style_is_quantised(styles[i], asymmetric);
}

/* Nothing is rounded inside a function in pieces, nor between scores and Softmax. */
static void what_is_one_function_is_rounded_once(void **state)
{
    static const char *const inner[] = {"g.in", "g.erf", "g.more", "g.twice", "qk", "qk.masked"};
    static const char *const rounded[] = {"f1", "g", "qk.raw", "p", "pv", "n3"};
    static const char *const pieces[] = {"n1.square", "n1.mean", "n1.root", "n1.inverse", "n1.by",
                                         "qh.turn2", "qh.turn3", "qh.turn4", "kh.turned.turn5"};
    static const char *const wholes[] = {"n1", "qh", "kh.turned"};
    struct made t;
    (void)state;

    make(&t, encoder(PIECES | CAUSAL, 3));
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++)
        assert_false(t.import.value[onnx_graph_find(&t.graph.graph, inner[i])].rounded);
    for (size_t i = 0; i < sizeof rounded / sizeof *rounded; i++)
        assert_true(t.import.value[onnx_graph_find(&t.graph.graph, rounded[i])].rounded);
    assert_true(t.import.value[onnx_graph_find(&t.graph.graph, "p")].positive);
    release(&t);
    make(&t, encoder(ROOTS | TURNED | PRE, 3));
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        assert_false(t.import.value[onnx_graph_find(&t.graph.graph, pieces[i])].rounded);
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++)
        assert_true(t.import.value[onnx_graph_find(&t.graph.graph, wholes[i])].rounded);
    release(&t);
}

/* ReduceMean over the last axis, as set 18 has it. */
static void reduce_by_input(Onnx__ModelProto *m)
{
    list(m, "last", 1, (const int64_t[]){-1});
    m->opset_import[0]->version = 18;
    for (size_t i = 0; i < m->graph->n_node; i++) {
        Onnx__NodeProto *n = m->graph->node[i];
        if (strcmp(n->op_type, "ReduceMean") != 0 || find_attribute(n, "keepdims"))
            continue;
        assert_int_equal(n->n_attribute, 1);
        onnx__attribute_proto__free_unpacked(n->attribute[--n->n_attribute], NULL);
        n->input = realloc(n->input, 2 * sizeof *n->input);
        assert_non_null(n->input);
        n->input[n->n_input++] = strdup("last");
    }
}

/* Axes are attributes up to set 17 and an input from 18 on, whatever the float model had. */
static void axes_are_where_the_set_of_operators_has_them(void **state)
{
    static const struct {
        int  style;
        bool by_input;
        bool late; // Gelu is of set 20
    } models[] = {{ROOTS, false, true}, {ROOTS | PIECES | LAST, true, false}, {NORMS, false, true}};
    (void)state;

    for (size_t k = 0; k < sizeof models / sizeof *models; k++) {
        Onnx__ModelProto *m = encoder(models[k].style, 4);
        struct made t;
        uint32_t n_mean = 0;
        if (models[k].by_input)
            reduce_by_input(m);
        make(&t, m);
        assert_true((t.q_model->opset_import[0]->version >= 18) == models[k].late);
        for (size_t i = 0; i < t.q_model->graph->n_node; i++) {
            const Onnx__NodeProto *n = t.q_model->graph->node[i];
            if (strcmp(n->op_type, "ReduceMean") != 0)
                continue;
            n_mean++;
            assert_int_equal(n->n_input, models[k].late ? 2 : 1);
            assert_int_equal(find_attribute(n, "axes") == NULL, models[k].late);
        }
        assert_true(n_mean >= 2);
        release(&t);
    }
}

/* ---- Real files ---- */

/* A random image of the model, as both graphs take it. */
static void set_random(const struct import *im, struct float_run *run, uint32_t number)
{
    static int8_t pixels[1 << 13];
    struct array a;
    struct err_msg m;

    state_of = number * 69069 + 1;
    assert_true(array_init(&a, ONNX_TYPE(FLOAT), im->n_image_dim, im->image_dim));
    assert_true(a.n <= sizeof pixels);
    for (size_t i = 0; i < a.n; i++)
        pixels[i] = (int8_t)(127 * uniform());
    import_image(im, pixels, &a);
    float_run_set(run, run->graph->graph.image, &a);
    if (float_run_all(run, &m))
        fail_msg("%s", m.text);
}

/* What quantising moves the outputs by on images that scales were not chosen on, root of sum
 * (quantised - float)^2 / sum float^2; the network is read as well. */
static double moved_by(const char *name)
{
    static const struct import_cfg cfg = {.mean = 128, .scale = 1.0 / 64, .percentile = 100,
                                          .per_channel = true};
    char file[64];
    struct made t = {0};
    struct onnx_model model;
    struct float_run one, other;
    struct onnx_image image;
    struct array black;
    struct square s = {0, 0};
    struct err_msg m;

    snprintf(file, sizeof file, "transformers/%s.onnx", name);
    char *path = shared_path(file);
    if (!path)
        return 0;
    if (onnx_model_load(&model, path, &(struct network_onnx_cfg){0}, &m) ||
        float_graph_init(&t.graph, model.proto, &m) || onnx_graph_image(&t.graph.graph, &image, &m))
        fail_msg("%s", m.text);
    assert_true(array_init(&black, ONNX_TYPE(FLOAT), image.n_dim, image.dim));
    if (float_graph_fold(&t.graph, &black, &m) || float_run_init(&one, &t.graph, &m))
        fail_msg("%s", m.text);
    float_run_set(&one, t.graph.graph.image, &black);
    if (float_run_all(&one, &m) || import_init(&t.import, &t.graph, &one, &cfg, &m))
        fail_msg("%s", m.text);
    for (uint32_t i = 0; i < 100; i++) {
        set_random(&t.import, &one, i);
        import_observe(&t.import, &one);
    }
    if (import_build(&t.import, name, &t.data, &t.size, &m) ||
        onnx_decode(t.data, t.size, &t.q_model, &m) ||
        float_graph_init(&t.q_graph, t.q_model, &m) || float_run_init(&other, &t.q_graph, &m))
        fail_msg("%s", m.text);
    for (uint32_t i = 0; i < 50; i++) {
        set_random(&t.import, &one, 1000 + i);
        set_random(&t.import, &other, 1000 + i);
        const struct array *want = &one.value[t.graph.graph.result];
        const struct array *got = &other.value[t.q_graph.graph.result];
        assert_int_equal(want->n, got->n);
        for (size_t k = 0; k < want->n; k++) {
            s.error += pow((double)got->real[k] - (double)want->real[k], 2);
            s.value += pow((double)want->real[k], 2);
        }
    }
    float_run_release(&one);
    float_run_release(&other);
    free(t.data);
    float_graph_release(&t.q_graph);
    onnx_free_model(t.q_model);
    import_release(&t.import);
    float_graph_release(&t.graph);
    onnx_model_release(&model);
    free(path);
    return sqrt(s.error / s.value);
}

static void real_transformers_move_by_a_few_percent(void **state)
{
    static const struct {
        const char *name;
        double      most;
    } files[] = {{"cct1_16", 0.05}, {"cct2_op20", 0.1}, {"tinyvit", 0.1}};
    (void)state;

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        double error = moved_by(files[i].name);
        print_message("%s: outputs %.2f %% off\n", files[i].name, 100 * error);
        if (!(error < files[i].most))
            fail_msg("%s: outputs %g off, want below %g", files[i].name, error, files[i].most);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(axes_are_where_the_set_of_operators_has_them),
        cmocka_unit_test(each_style_of_an_encoder_is_quantised),
        cmocka_unit_test(real_transformers_move_by_a_few_percent),
        cmocka_unit_test(what_is_one_function_is_rounded_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
