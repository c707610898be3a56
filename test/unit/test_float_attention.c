/* Operators of transformers that are several of ONNX's, each in a small model against plain loops
 * in double. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "onnx/float/graph.h"
#include "onnx/rewrite/rewrite.h"
#include "test/onnx_make.h"

enum { TOKENS = 6, HIDDEN = 24, MOST = 1 << 14 };

static uint32_t state_of;

static double uniform(void) // -1 to 1
{
    state_of = state_of * 1664525 + 1013904223;
    return (double)(state_of >> 8) / (1 << 23) - 1;
}

/* ---- Models ---- */

/* The image as "x", 1 x tokens x channels. */
static Onnx__ModelProto *of_tokens(int64_t tokens, int64_t channels)
{
    const int64_t shape[] = {1, tokens, channels};
    Onnx__ModelProto *m = make_model(1, tokens, channels);

    make_tensor(m, "tokens.shape", ONNX_TYPE(INT64), (const int64_t[]){3, -1}, shape, sizeof shape);
    make_node(m, "Reshape", "tokens", "image tokens.shape", "x");
    return m;
}

static Onnx__NodeProto *own_node(Onnx__ModelProto *m, const char *op, const char *inputs,
                                 const char *output)
{
    Onnx__NodeProto *n = make_node(m, op, output, inputs, output);

    make_rename(&n->domain, "com.microsoft");
    return n;
}

static void more_outputs(Onnx__NodeProto *n, size_t count, const char *const *names)
{
    n->output = realloc(n->output, (1 + count) * sizeof *n->output);
    assert_non_null(n->output);
    for (size_t i = 0; i < count; i++)
        n->output[n->n_output++] = strdup(names[i]);
}

/* Random floats of these dimensions, also as `v`. */
static void floats(Onnx__ModelProto *m, const char *name, const int64_t *dims, double size,
                   float *v)
{
    size_t n = 1;

    for (const int64_t *d = dims; *d >= 0; d++)
        n *= (size_t)*d;
    assert_true(n <= MOST);
    for (size_t i = 0; i < n; i++)
        v[i] = (float)(size * uniform());
    make_tensor(m, name, ONNX_TYPE(FLOAT), dims, v, n * sizeof *v);
}

/* "out" of the model, which is freed, on an image of these values; the caller frees. */
static float *run_on(Onnx__ModelProto *m, const float *image, size_t n_image, size_t *n)
{
    struct float_graph g;
    struct float_run run;
    struct onnx_image shape;
    struct array a;
    struct err_msg msg;

    if (onnx_rewrite(m, &msg) || float_graph_init(&g, m, &msg) || float_run_init(&run, &g, &msg) ||
        onnx_graph_image(&g.graph, &shape, &msg))
        fail_msg("%s", msg.text);
    assert_true(array_init(&a, ONNX_TYPE(FLOAT), shape.n_dim, shape.dim));
    assert_int_equal(a.n, n_image);
    memcpy(a.real, image, n_image * sizeof *image);
    float_run_set(&run, g.graph.image, &a);
    if (float_run_all(&run, &msg))
        fail_msg("%s", msg.text);
    const struct array *out = &run.value[onnx_graph_find(&g.graph, "out")];
    float *v = malloc((out->n + 1) * sizeof *v);
    assert_non_null(v);
    for (size_t i = 0; i < out->n; i++)
        v[i] = (float)array_get(out, i);
    *n = out->n;
    float_run_release(&run);
    float_graph_release(&g);
    make_free(m);
    return v;
}

/* With IMCSIM_MODELS=FOLDER, what scripts/peer_operators.sh runs elsewhere: NUMBER.onnx, the
 * image's floats as NUMBER.in, those wanted as NUMBER.want; which operator it is, a line of
 * `list`. */
static void write_case(const char *what, Onnx__ModelProto *m, const float *image, size_t n_image,
                       const double *want, size_t n_want)
{
    static const struct {
        const char *op;
        int64_t     since;
    } late[] = {{"Attention", 23}, {"RotaryEmbedding", 23}, {"RMSNormalization", 23}, {"Gelu", 20}};
    static unsigned number;
    const char *folder = getenv("IMCSIM_MODELS"), *const endings[] = {"onnx", "in", "want"};
    char path[4096];

    if (!folder)
        return;
    m->opset_import[0]->version = 17;
    for (size_t i = 0; i < m->graph->n_node; i++)
        for (size_t k = 0; k < sizeof late / sizeof *late; k++)
            if (strcmp(m->graph->node[i]->op_type, late[k].op) == 0 &&
                !m->graph->node[i]->domain && m->opset_import[0]->version < late[k].since)
                m->opset_import[0]->version = late[k].since;
    m->ir_version = 10;
    make_opset(m, "com.microsoft", 1);
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%u.%s", folder, number, endings[i]);
        FILE *f = fopen(path, "wb");
        size_t size = 0;
        uint8_t *bytes = make_packed(m, &size);
        assert_non_null(f);
        for (size_t k = 0; i == 0 ? k < size : k < (i == 1 ? n_image : n_want); k++) {
            float v = i == 1 ? image[k] : i == 2 ? (float)want[k] : 0;
            fwrite(i == 0 ? (const void *)&bytes[k] : &v, i == 0 ? 1 : sizeof v, 1, f);
        }
        fclose(f);
        free(bytes);
    }
    snprintf(path, sizeof path, "%s/list", folder);
    FILE *list = fopen(path, "a");
    assert_non_null(list);
    fprintf(list, "%u %s\n", number++, what);
    fclose(list);
}

static void same(const char *what, Onnx__ModelProto *m, const float *image, size_t n_image,
                 const double *want, size_t n_want)
{
    size_t n;

    write_case(what, m, image, n_image, want, n_want);
    float *got = run_on(m, image, n_image, &n);

    assert_int_equal(n, n_want);
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)got[i] - want[i]) <= 2e-5 * (1 + fabs(want[i]))))
            fail_msg("%s: value %zu is %g, want %g", what, i, (double)got[i], want[i]);
    free(got);
}

/* ---- Plain attention ---- */

struct plain {
    int    heads, kv_heads, head, value_head, queries, keys;
    bool   causal;
    double scale, softcap;
    const float *bias; // [heads][queries][keys]
    const int   *mask; // [queries][keys]
};

/* q, k, v: tokens x heads x channels of one. */
static void attend(const struct plain *p, const double *q, const double *k, const double *v,
                   double *out)
{
    for (int h = 0; h < p->heads; h++)
        for (int i = 0; i < p->queries; i++) {
            const int kv = h / (p->heads / p->kv_heads);
            double score[64], sum = 0, most = -INFINITY;
            for (int j = 0; j < p->keys; j++) {
                score[j] = 0;
                for (int d = 0; d < p->head; d++)
                    score[j] += q[(i * p->heads + h) * p->head + d] *
                                k[(j * p->kv_heads + kv) * p->head + d];
                score[j] *= p->scale;
                if (p->softcap > 0) // Gemma 2's: before anything is added or masked
                    score[j] = p->softcap * tanh(score[j] / p->softcap);
                if (p->bias)
                    score[j] += (double)p->bias[(h * p->queries + i) * p->keys + j];
                if ((p->mask && !p->mask[i * p->keys + j]) || (p->causal && j > i))
                    score[j] = -INFINITY;
                most = fmax(most, score[j]);
            }
            for (int j = 0; j < p->keys; j++)
                sum += score[j] = exp(score[j] - most);
            for (int d = 0; d < p->value_head; d++) {
                double *o = &out[(i * p->heads + h) * p->value_head + d];
                *o = 0;
                for (int j = 0; j < p->keys; j++)
                    *o += score[j] / sum * v[(j * p->kv_heads + kv) * p->value_head + d];
            }
        }
}

/* rows x inner times inner x columns, and a bias unless it is NULL. */
static void multiply(const float *x, const float *w, const float *bias, int rows, int inner,
                     int columns, double *out)
{
    for (int i = 0; i < rows; i++)
        for (int o = 0; o < columns; o++) {
            double sum = bias ? (double)bias[o] : 0;
            for (int k = 0; k < inner; k++)
                sum += (double)x[i * inner + k] * (double)w[k * columns + o];
            out[i * columns + o] = sum;
        }
}

static void image_of(float *image, size_t n)
{
    for (size_t i = 0; i < n; i++)
        image[i] = (float)uniform();
}

/* ---- Tests of attention ---- */

static void attention_of_one_matrix_is_plain_attention(void **state)
{
    enum { HEADS = 4, HEAD = 6, VALUE = 5, COLUMNS = HEADS * (2 * HEAD + VALUE) };
    static float image[TOKENS * HIDDEN], w[HIDDEN * COLUMNS], bias[COLUMNS];
    static float score_bias[HEADS * TOKENS * TOKENS];
    static double all[TOKENS * COLUMNS], part[3][TOKENS * HEADS * HEAD], want[TOKENS * HIDDEN];
    (void)state;

    for (uint32_t seed = 0; seed < 4; seed++) {
        state_of = seed;
        Onnx__ModelProto *m = of_tokens(TOKENS, HIDDEN);
        floats(m, "w", (const int64_t[]){HIDDEN, COLUMNS, -1}, 0.4, w);
        floats(m, "b", (const int64_t[]){COLUMNS, -1}, 0.5, bias);
        floats(m, "s", (const int64_t[]){1, HEADS, TOKENS, TOKENS, -1}, 1, score_bias);
        Onnx__NodeProto *n = own_node(m, "Attention", seed & 2 ? "x w b - - s" : "x w b", "out");
        make_int(n, "num_heads", HEADS);
        make_int(n, "unidirectional", seed & 1);
        make_ints(n, "qkv_hidden_sizes", 3,
                  (const int64_t[]){HEADS * HEAD, HEADS * HEAD, HEADS * VALUE});
        image_of(image, TOKENS * HIDDEN);
        multiply(image, w, bias, TOKENS, HIDDEN, COLUMNS, all);
        for (int t = 0; t < TOKENS; t++)
            for (int c = 0; c < COLUMNS; c++) {
                int which = c / (HEADS * HEAD), width = which == 2 ? HEADS * VALUE : HEADS * HEAD;
                part[which][t * width + c - which * HEADS * HEAD] = all[t * COLUMNS + c];
            }
        const struct plain p = {HEADS, HEADS, HEAD, VALUE, TOKENS, TOKENS, seed & 1,
                                1 / sqrt(HEAD), 0, seed & 2 ? score_bias : NULL, NULL};
        attend(&p, part[0], part[1], part[2], want);
        same("com.microsoft.Attention", m, image, TOKENS * HIDDEN, want, TOKENS * HEADS * VALUE);
    }
}

/* Queries, keys and values as three products of the tokens, "q", "k" and "v". */
static void three_maps(Onnx__ModelProto *m, const int columns[3], const float *image,
                       double *const part[3])
{
    static const char *const names[3] = {"q", "k", "v"};
    static float w[3][HIDDEN * 64];

    for (int i = 0; i < 3; i++) {
        char weight[8], inputs[16];
        snprintf(weight, sizeof weight, "w%s", names[i]);
        snprintf(inputs, sizeof inputs, "x %s", weight);
        floats(m, weight, (const int64_t[]){HIDDEN, columns[i], -1}, 0.4, w[i]);
        make_node(m, "MatMul", names[i], inputs, names[i]);
        multiply(image, w[i], NULL, TOKENS, HIDDEN, columns[i], part[i]);
    }
}

static void heads_of_three_maps_or_of_one_are_plain_attention(void **state)
{
    enum { HEADS = 3, HEAD = 8, ALL = HEADS * HEAD };
    static float image[TOKENS * HIDDEN], bias[3 * ALL], w[HIDDEN * 3 * ALL];
    static double q[TOKENS * ALL], k[TOKENS * ALL], v[TOKENS * ALL], want[TOKENS * ALL];
    static double all[TOKENS * 3 * ALL];
    double *const part[3] = {q, k, v};
    const struct plain p = {HEADS, HEADS, HEAD, HEAD, TOKENS, TOKENS, false, 0.3, 0, NULL, NULL};
    (void)state;

    state_of = 11;
    image_of(image, TOKENS * HIDDEN);
    Onnx__ModelProto *m = of_tokens(TOKENS, HIDDEN);
    three_maps(m, (const int[]){ALL, ALL, ALL}, image, part);
    floats(m, "b", (const int64_t[]){3 * ALL, -1}, 0.5, bias);
    Onnx__NodeProto *n = own_node(m, "MultiHeadAttention", "q k v b", "out");
    make_int(n, "num_heads", HEADS);
    make_float(n, "scale", 0.3F);
    for (int i = 0; i < 3; i++)
        for (int at = 0; at < TOKENS * ALL; at++)
            part[i][at] += (double)bias[i * ALL + at % ALL];
    attend(&p, q, k, v, want);
    same("com.microsoft.MultiHeadAttention", m, image, TOKENS * HIDDEN, want, TOKENS * ALL);

    m = of_tokens(TOKENS, HIDDEN); // tokens x heads x parts x channels, the scale by default
    floats(m, "w", (const int64_t[]){HIDDEN, 3 * ALL, -1}, 0.4, w);
    make_node(m, "MatMul", "qkv", "x w", "qkv");
    const int64_t shape[] = {1, TOKENS, HEADS, 3, HEAD};
    make_tensor(m, "five", ONNX_TYPE(INT64), (const int64_t[]){5, -1}, shape, sizeof shape);
    make_node(m, "Reshape", "packed", "qkv five", "packed");
    make_int(own_node(m, "MultiHeadAttention", "packed", "out"), "num_heads", HEADS);
    multiply(image, w, NULL, TOKENS, HIDDEN, 3 * ALL, all);
    for (int at = 0; at < TOKENS * 3 * ALL; at++)
        part[at / HEAD % 3][at / HEAD / 3 * HEAD + at % HEAD] = all[at];
    struct plain by_default = p;
    by_default.scale = 1 / sqrt(HEAD);
    attend(&by_default, q, k, v, want);
    same("com.microsoft.MultiHeadAttention, packed", m, image, TOKENS * HIDDEN, want,
         TOKENS * ALL);
}

/* Channel pairs of each head turned: by complex numbers. */
static void turn(double *x, int heads, int head, int half, bool interleaved, const float *cosine,
                 const float *sine, const int *row)
{
    for (int t = 0; t < TOKENS; t++)
        for (int h = 0; h < heads; h++)
            for (int i = 0; i < half; i++) {
                double *v = x + (t * heads + h) * head;
                double *a = &v[interleaved ? 2 * i : i];
                double *b = &v[interleaved ? 2 * i + 1 : i + half];
                double c = (double)cosine[row[t] * half + i], s = (double)sine[row[t] * half + i];
                double re = *a * c - *b * s, im = *b * c + *a * s;
                *a = re;
                *b = im;
            }
}

static void fewer_heads_of_keys_are_read_by_several_queries(void **state)
{
    enum { HEADS = 4, KV = 2, HEAD = 16, ROWS = 9 }; // ONNX Runtime wants a multiple of 16
    static float image[TOKENS * HIDDEN], cosine[ROWS * HEAD / 2], sine[ROWS * HEAD / 2];
    static double q[TOKENS * HEADS * HEAD], k[TOKENS * KV * HEAD], v[TOKENS * KV * HEAD];
    static double want[TOKENS * HEADS * HEAD];
    double *const part[3] = {q, k, v};
    const int row[TOKENS] = {0, 1, 2, 3, 4, 5};
    (void)state;

    for (uint32_t seed = 0; seed < 8; seed++) {
        const bool rotary = seed & 1, interleaved = seed & 2, packed = seed & 4;
        state_of = 100 + seed;
        image_of(image, TOKENS * HIDDEN);
        Onnx__ModelProto *m = of_tokens(TOKENS, HIDDEN);
        three_maps(m, (const int[]){HEADS * HEAD, KV * HEAD, KV * HEAD}, image, part);
        floats(m, "c", (const int64_t[]){ROWS, HEAD / 2, -1}, 1, cosine);
        floats(m, "s", (const int64_t[]){ROWS, HEAD / 2, -1}, 1, sine);
        const int32_t length = TOKENS - 1, total = TOKENS;
        make_tensor(m, "seqlens_k", ONNX_TYPE(INT32), (const int64_t[]){1, -1}, &length,
                    sizeof length);
        make_tensor(m, "total", ONNX_TYPE(INT32), (const int64_t[]){1, -1}, &total, sizeof total);
        if (packed)
            make_int(make_node(m, "Concat", "qkv", "q k v", "qkv"), "axis", 2);
        Onnx__NodeProto *n = own_node(m, "GroupQueryAttention",
                                      packed ? "qkv - - - - seqlens_k total c s"
                                             : "q k v - - seqlens_k total c s", "out");
        more_outputs(n, 2, (const char *const[]){"present.key", "present.value"});
        make_int(n, "num_heads", HEADS);
        make_int(n, "kv_num_heads", KV);
        make_int(n, "do_rotary", rotary);
        make_int(n, "rotary_interleaved", interleaved);
        if (packed) { // nothing near says how many channels a Concat has
            struct err_msg msg;
            assert_int_equal(onnx_rewrite(m, &msg), ERR_INPUT);
            assert_non_null(strstr(msg.text, "want queries, keys and values as three inputs"));
            make_free(m);
            continue;
        }
        if (rotary) {
            turn(q, HEADS, HEAD, HEAD / 2, interleaved, cosine, sine, row);
            turn(k, KV, HEAD, HEAD / 2, interleaved, cosine, sine, row);
        }
        const struct plain p = {HEADS, KV, HEAD, HEAD, TOKENS, TOKENS, true, 1 / sqrt(HEAD), 0,
                                NULL, NULL};
        attend(&p, q, k, v, want);
        same("com.microsoft.GroupQueryAttention", m, image, TOKENS * HIDDEN, want,
             TOKENS * HEADS * HEAD);
    }
}

static void attention_of_onnx_is_plain_attention(void **state)
{
    enum { HEADS = 4, KV = 2, HEAD = 5, VALUE = 3, CAUSAL = 1, BIAS = 2, MASK = 4, CAP = 8 };
    static float image[TOKENS * HIDDEN], bias[HEADS * TOKENS * TOKENS];
    static double q[TOKENS * HEADS * HEAD], k[TOKENS * KV * HEAD], v[TOKENS * KV * VALUE];
    static double want[TOKENS * HEADS * VALUE];
    static int mask[TOKENS * TOKENS];
    static uint8_t bytes[TOKENS * TOKENS];
    double *const part[3] = {q, k, v};
    (void)state;

    for (int how = 0; how < 16; how++) {
        if ((how & BIAS) && (how & MASK))
            continue;
        state_of = 300 + (uint32_t)how;
        image_of(image, TOKENS * HIDDEN);
        Onnx__ModelProto *m = of_tokens(TOKENS, HIDDEN);
        three_maps(m, (const int[]){HEADS * HEAD, KV * HEAD, KV * VALUE}, image, part);
        floats(m, "bias", (const int64_t[]){1, HEADS, TOKENS, TOKENS, -1}, 1, bias);
        for (int i = 0; i < TOKENS * TOKENS; i++) {
            bool in = i % TOKENS == 0 || uniform() > 0;
            mask[i] = in;
            bytes[i] = in;
        }
        make_tensor(m, "mask", ONNX_TYPE(BOOL), (const int64_t[]){TOKENS, TOKENS, -1}, bytes,
                    sizeof bytes);
        Onnx__NodeProto *n = make_node(m, "Attention", "att",
                                       how & BIAS ? "q k v bias" : how & MASK ? "q k v mask"
                                                                              : "q k v", "out");
        make_int(n, "q_num_heads", HEADS);
        make_int(n, "kv_num_heads", KV);
        make_int(n, "is_causal", how & CAUSAL);
        if (how & CAP)
            make_float(n, "softcap", 0.7F);
        const struct plain p = {HEADS, KV, HEAD, VALUE, TOKENS, TOKENS, how & CAUSAL,
                                1 / sqrt(HEAD), how & CAP ? (double)0.7F : 0,
                                how & BIAS ? bias : NULL, how & MASK ? mask : NULL};
        attend(&p, q, k, v, want);
        same("Attention", m, image, TOKENS * HIDDEN, want, TOKENS * HEADS * VALUE);
    }
}

/* With heads as an axis, and Einsum of the two products beside it. */
static void heads_may_be_an_axis_and_products_einsum(void **state)
{
    enum { HEADS = 3, HEAD = 8, ALL = HEADS * HEAD };
    static float image[TOKENS * HIDDEN];
    static double q[TOKENS * ALL], k[TOKENS * ALL], v[TOKENS * ALL], made[TOKENS * ALL];
    double *const part[3] = {q, k, v}, want[TOKENS * ALL];
    const struct plain p = {HEADS, HEADS, HEAD, HEAD, TOKENS, TOKENS, false, 1 / sqrt(HEAD), 0,
                            NULL, NULL};
    static const int64_t shape[] = {1, TOKENS, HEADS, HEAD};
    (void)state;

    for (int einsum = 0; einsum < 2; einsum++) {
        static const char *const split[3] = {"q four", "k four", "v four"};
        static const char *const four[3] = {"q4", "k4", "v4"}, *const heads[3] = {"qh", "kh", "vh"};
        state_of = 500;
        image_of(image, TOKENS * HIDDEN);
        Onnx__ModelProto *m = of_tokens(TOKENS, HIDDEN);
        three_maps(m, (const int[]){ALL, ALL, ALL}, image, part);
        make_tensor(m, "four", ONNX_TYPE(INT64), (const int64_t[]){4, -1}, shape, sizeof shape);
        for (int i = 0; i < 3; i++) {
            make_node(m, "Reshape", four[i], split[i], four[i]);
            if (!einsum)
                make_ints(make_node(m, "Transpose", heads[i], four[i], heads[i]), "perm", 4,
                          (const int64_t[]){0, 2, 1, 3});
        }
        attend(&p, q, k, v, made);
        for (int t = 0; t < TOKENS; t++)
            for (int c = 0; c < ALL; c++) // with heads in front, but for Einsum's last product
                want[einsum ? t * ALL + c
                            : (c / HEAD * TOKENS + t) * HEAD + c % HEAD] = made[t * ALL + c];
        if (einsum) {
            const float scale = (float)(1 / sqrt(HEAD));
            make_float_list(m, "scale", 1, &scale);
            make_text(make_node(m, "Einsum", "qk", "q4 k4", "qk"), "equation", "bqhd, bkhd->bhqk");
            make_node(m, "Mul", "s", "qk scale", "s");
            make_node(m, "Softmax", "p", "s", "p");
            make_text(make_node(m, "Einsum", "out", "p v4", "out"), "equation",
                      "bhqk,bkhd -> bqhd");
        } else {
            make_node(m, "Attention", "att", "qh kh vh", "out");
        }
        same(einsum ? "Einsum" : "Attention by axes", m, image, TOKENS * HIDDEN, want,
             TOKENS * ALL);
    }
}

static void pairs_of_channels_turn_with_the_position(void **state)
{
    enum { HEADS = 3, HEAD = 8, ROWS = 16 };
    static float image[TOKENS * HIDDEN], cosine[ROWS * HEAD / 2], sine[ROWS * HEAD / 2];
    double want[TOKENS * HIDDEN];
    (void)state;

    for (uint32_t how = 0; how < 8; how++) {
        const bool own = how & 1, interleaved = how & 2;
        const int half = how & 4 ? HEAD / 4 : HEAD / 2; // some channels stay
        int row[TOKENS];
        int64_t positions[TOKENS];
        state_of = how;
        image_of(image, TOKENS * HIDDEN);
        for (int t = 0; t < TOKENS; t++)
            row[t] = (int)(positions[t] = (t * 5 + 2) % ROWS);
        Onnx__ModelProto *m = of_tokens(TOKENS, HIDDEN);
        floats(m, "c", (const int64_t[]){ROWS, half, -1}, 1, cosine);
        floats(m, "s", (const int64_t[]){ROWS, half, -1}, 1, sine);
        make_tensor(m, "at", ONNX_TYPE(INT64), (const int64_t[]){1, TOKENS, -1}, positions,
                    sizeof positions);
        Onnx__NodeProto *n = own ? own_node(m, "RotaryEmbedding", "x at c s", "out")
                                 : make_node(m, "RotaryEmbedding", "turn", "x c s at", "out");
        make_int(n, "num_heads", HEADS);
        make_int(n, "interleaved", interleaved);
        make_int(n, "rotary_embedding_dim", 2 * half);
        for (int i = 0; i < TOKENS * HIDDEN; i++)
            want[i] = (double)image[i];
        turn(want, HEADS, HEAD, half, interleaved, cosine, sine, row);
        same("RotaryEmbedding", m, image, TOKENS * HIDDEN, want, TOKENS * HIDDEN);
    }
}

/* ---- Norms, functions, products ---- */

/* Over the last n values of each row; `rms`: without mean. */
static void normalise(const double *x, int n, const float *gain, const float *offset,
                      double epsilon, bool rms, double *out, double statistics[2])
{
    double mean = 0, square = 0;

    for (int i = 0; i < n; i++)
        mean += rms ? 0 : x[i] / n;
    for (int i = 0; i < n; i++)
        square += (x[i] - mean) * (x[i] - mean) / n;
    statistics[0] = mean;
    statistics[1] = 1 / sqrt(square + epsilon);
    for (int i = 0; i < n; i++)
        out[i] = (x[i] - mean) * statistics[1] * (double)gain[i] +
                 (offset ? (double)offset[i] : 0);
}

static void norms_of_sums_have_all_their_results(void **state)
{
    static const char *const simple[2] = {"SkipLayerNormalization",
                                          "SkipSimplifiedLayerNormalization"};
    static float image[TOKENS * HIDDEN], gain[HIDDEN], offset[HIDDEN], bias[HIDDEN];
    static float skip[TOKENS * HIDDEN];
    double want[4][TOKENS * HIDDEN];
    (void)state;

    for (int how = 0; how < 12; how++) {
        const bool rms = how & 1, biased = how & 2;
        const int result = how / 4 == 2 ? 3 : how / 4; // the first, the second, the fourth
        static const char *const names[2][3] = {{"mean", "inverse", "sum"},
                                                {"out", "inverse", "sum"}};
        static const char *const last[3] = {"mean", "inverse", "out"};
        if (rms && result == 1)
            continue;
        state_of = (uint32_t)how;
        image_of(image, TOKENS * HIDDEN);
        Onnx__ModelProto *m = of_tokens(TOKENS, HIDDEN);
        floats(m, "skip", (const int64_t[]){1, TOKENS, HIDDEN, -1}, 1, skip);
        floats(m, "g", (const int64_t[]){HIDDEN, -1}, 1, gain);
        floats(m, "o", (const int64_t[]){HIDDEN, -1}, 1, offset);
        floats(m, "b", (const int64_t[]){HIDDEN, -1}, 1, bias);
        Onnx__NodeProto *n = own_node(m, simple[rms],
                                      rms ? biased ? "x skip g b" : "x skip g"
                                          : biased ? "x skip g o b" : "x skip g o",
                                      result == 0 ? "out" : "normalised");
        more_outputs(n, 3, result == 3 ? last : names[result == 1]);
        make_float(n, "epsilon", 0.01F);
        for (int t = 0; t < TOKENS; t++) {
            double statistics[2];
            for (int c = 0; c < HIDDEN; c++)
                want[3][t * HIDDEN + c] = (double)image[t * HIDDEN + c] +
                                          (double)skip[t * HIDDEN + c] +
                                          (biased ? (double)bias[c] : 0);
            normalise(want[3] + t * HIDDEN, HIDDEN, gain, rms ? NULL : offset, (double)0.01F, rms,
                      want[0] + t * HIDDEN, statistics);
            want[1][t] = statistics[0];
        }
        same(simple[rms], m, image, TOKENS * HIDDEN, want[result],
             result == 1 ? TOKENS : TOKENS * HIDDEN);
    }
}

/* Nor is an input that another node leaves out one of its results. */
static void results_that_are_left_out_are_not_read(void **state)
{
    static float image[TOKENS * HIDDEN], gain[HIDDEN], skip[TOKENS * HIDDEN];
    double sum[HIDDEN], want[TOKENS * HIDDEN], statistics[2];
    const float most = 1e30F;
    (void)state;

    state_of = 5;
    image_of(image, TOKENS * HIDDEN);
    Onnx__ModelProto *m = of_tokens(TOKENS, HIDDEN);
    floats(m, "skip", (const int64_t[]){1, TOKENS, HIDDEN, -1}, 1, skip);
    floats(m, "g", (const int64_t[]){HIDDEN, -1}, 1, gain);
    make_tensor(m, "most", ONNX_TYPE(FLOAT), (const int64_t[]){-1}, &most, sizeof most);
    Onnx__NodeProto *n = own_node(m, "SkipSimplifiedLayerNormalization", "x skip g", "normalised");
    make_float(n, "epsilon", 0.01F);
    make_node(m, "Clip", "clip", "normalised - most", "out");
    for (int t = 0; t < TOKENS; t++) {
        for (int c = 0; c < HIDDEN; c++)
            sum[c] = (double)image[t * HIDDEN + c] + (double)skip[t * HIDDEN + c];
        normalise(sum, HIDDEN, gain, NULL, (double)0.01F, true, want + t * HIDDEN, statistics);
    }
    same("Clip", m, image, TOKENS * HIDDEN, want, TOKENS * HIDDEN);
}

static void norms_are_over_the_axes_from_one_on(void **state)
{
    static const char *const ops[] = {"LayerNormalization", "RMSNormalization",
                                      "SimplifiedLayerNormalization"};
    static float image[TOKENS * HIDDEN], gain[TOKENS * HIDDEN], offset[TOKENS * HIDDEN];
    double x[TOKENS * HIDDEN], want[TOKENS * HIDDEN], statistics[2];
    (void)state;

    for (int how = 0; how < 6; how++) {
        const bool rms = how % 3 > 0, both = how >= 3; // over tokens and channels
        const int n_row = both ? TOKENS * HIDDEN : HIDDEN;
        state_of = (uint32_t)how;
        image_of(image, TOKENS * HIDDEN);
        Onnx__ModelProto *m = of_tokens(TOKENS, HIDDEN);
        const int64_t two[] = {TOKENS, HIDDEN, -1}, one[] = {HIDDEN, -1};
        floats(m, "g", both ? two : one, 1, gain);
        floats(m, "o", both ? two : one, 1, offset);
        Onnx__NodeProto *n = make_node(m, ops[how % 3], "norm", rms ? "x g" : "x g o", "out");
        make_int(n, "axis", both ? 1 : -1);
        for (int i = 0; i < TOKENS * HIDDEN; i++)
            x[i] = (double)image[i];
        for (int i = 0; i < TOKENS * HIDDEN; i += n_row)
            normalise(x + i, n_row, gain, rms ? NULL : offset, (double)1e-5F, rms, want + i,
                      statistics);
        same(ops[how % 3], m, image, TOKENS * HIDDEN, want, TOKENS * HIDDEN);
    }
}

static void gelus_are_their_formulas(void **state)
{
    static const struct {
        const char *op;
        bool        own, biased, tanh;
    } ops[] = {{"Gelu", true, false, false}, {"BiasGelu", true, true, false},
               {"FastGelu", true, false, true}, {"FastGelu", true, true, true},
               {"QuickGelu", true, false, false}, {"Gelu", false, false, false}};
    static float image[TOKENS * HIDDEN], bias[HIDDEN];
    double want[TOKENS * HIDDEN];
    (void)state;

    for (size_t k = 0; k < sizeof ops / sizeof *ops; k++) {
        state_of = (uint32_t)k;
        Onnx__ModelProto *m = of_tokens(TOKENS, HIDDEN);
        floats(m, "b", (const int64_t[]){HIDDEN, -1}, 1, bias);
        Onnx__NodeProto *n = make_node(m, ops[k].op, "f", ops[k].biased ? "x b" : "x", "out");
        if (ops[k].own)
            make_rename(&n->domain, "com.microsoft");
        for (int i = 0; i < TOKENS * HIDDEN; i++) {
            image[i] = (float)(4 * uniform());
            double x = (double)image[i] + (ops[k].biased ? (double)bias[i % HIDDEN] : 0);
            want[i] = ops[k].op[0] == 'Q' ? x / (1 + exp(-1.702 * x))
                      : ops[k].tanh
                          ? x / 2 * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)))
                          : x / 2 * erfc(-x / sqrt(2));
        }
        same(ops[k].op, m, image, TOKENS * HIDDEN, want, TOKENS * HIDDEN);
    }
}

static void sines_and_cosines_are_those_of_the_library(void **state)
{
    static float image[TOKENS * HIDDEN];
    double want[TOKENS * HIDDEN];
    (void)state;

    for (int k = 0; k < 2; k++) {
        state_of = (uint32_t)k;
        Onnx__ModelProto *m = of_tokens(TOKENS, HIDDEN);
        make_node(m, k ? "Cos" : "Sin", "f", "x", "out");
        for (int i = 0; i < TOKENS * HIDDEN; i++) {
            image[i] = (float)(9 * uniform());
            const double half = (double)image[i] / 2, t = tan(half); // other functions of it
            want[i] = k ? (1 - t * t) / (1 + t * t) : 2 * t / (1 + t * t);
        }
        same(k ? "Cos" : "Sin", m, image, TOKENS * HIDDEN, want, TOKENS * HIDDEN);
    }
}

static void weights_of_few_bits_are_what_their_blocks_say(void **state)
{
    enum { COLUMNS = 5, INNER = 40, BLOCK = 16, N_BLOCK = 3 };
    static float image[TOKENS * INNER], scale[COLUMNS * N_BLOCK], bias[COLUMNS];
    static uint8_t code[COLUMNS * N_BLOCK * BLOCK], zero[COLUMNS * N_BLOCK];
    double want[TOKENS * COLUMNS];
    (void)state;

    for (uint32_t how = 0; how < 8; how++) {
        const int bits = how & 1 ? 8 : 4, bytes = BLOCK * bits / 8, row = (N_BLOCK * bits + 7) / 8;
        const bool zeros = how & 2, biased = how & 4;
        state_of = how;
        image_of(image, TOKENS * INNER);
        Onnx__ModelProto *m = of_tokens(TOKENS, INNER);
        floats(m, "s", (const int64_t[]){COLUMNS * N_BLOCK, -1}, 0.1, scale);
        floats(m, "b", (const int64_t[]){COLUMNS, -1}, 1, bias);
        for (int i = 0; i < COLUMNS * N_BLOCK * bytes; i++)
            code[i] = (uint8_t)(127 * (1 + uniform()));
        for (int i = 0; i < COLUMNS * row; i++)
            zero[i] = (uint8_t)(127 * (1 + uniform()));
        make_tensor(m, "w", ONNX_TYPE(UINT8), (const int64_t[]){COLUMNS, N_BLOCK, bytes, -1}, code,
                    (size_t)(COLUMNS * N_BLOCK * bytes));
        make_tensor(m, "z", ONNX_TYPE(UINT8), (const int64_t[]){COLUMNS * row, -1}, zero,
                    (size_t)(COLUMNS * row));
        Onnx__NodeProto *n = own_node(m, "MatMulNBits",
                                      zeros ? biased ? "x w s z - b" : "x w s z"
                                            : biased ? "x w s - - b" : "x w s", "out");
        make_int(n, "K", INNER);
        make_int(n, "N", COLUMNS);
        make_int(n, "bits", bits);
        make_int(n, "block_size", BLOCK);
        for (int t = 0; t < TOKENS; t++)
            for (int o = 0; o < COLUMNS; o++) {
                double sum = biased ? (double)bias[o] : 0;
                for (int k = 0; k < INNER; k++) {
                    const int block = k / BLOCK, at = o * N_BLOCK + block;
                    int c = bits == 8 ? code[at * bytes + k % BLOCK]
                                      : code[at * bytes + k % BLOCK / 2] >> (k % 2 * 4) & 15;
                    int z = bits == 8 ? zero[o * row + block]
                                      : zero[o * row + block / 2] >> (block % 2 * 4) & 15;
                    z = zeros ? z : bits == 8 ? 128 : 8;
                    sum += (double)image[t * INNER + k] * (c - z) * (double)scale[at];
                }
                want[t * COLUMNS + o] = sum;
            }
        same("com.microsoft.MatMulNBits", m, image, TOKENS * INNER, want, TOKENS * COLUMNS);
    }
}

static void factors_are_turned_and_scaled(void **state)
{
    enum { OTHER = 7 };
    static float image[TOKENS * HIDDEN], w[HIDDEN * OTHER];
    double want[TOKENS * OTHER];
    (void)state;

    for (int how = 0; how < 4; how++) {
        const bool a = how & 1, b = how & 2;
        state_of = (uint32_t)how;
        image_of(image, TOKENS * HIDDEN);
        Onnx__ModelProto *m = a ? of_tokens(HIDDEN, TOKENS) : of_tokens(TOKENS, HIDDEN);
        const int64_t straight[] = {HIDDEN, OTHER, -1}, turned[] = {OTHER, HIDDEN, -1};
        floats(m, "w", b ? turned : straight, 1, w);
        Onnx__NodeProto *n = own_node(m, "FusedMatMul", "x w", "out");
        make_int(n, "transA", a);
        make_int(n, "transB", b);
        make_float(n, "alpha", 0.25F);
        for (int t = 0; t < TOKENS; t++)
            for (int o = 0; o < OTHER; o++) {
                double sum = 0;
                for (int k = 0; k < HIDDEN; k++)
                    sum += (double)image[a ? k * TOKENS + t : t * HIDDEN + k] *
                           (double)w[b ? o * HIDDEN + k : k * OTHER + o];
                want[t * OTHER + o] = sum / 4;
            }
        same("com.microsoft.FusedMatMul", m, image, TOKENS * HIDDEN, want, TOKENS * OTHER);
    }
}

/* Batches of either factor are repeated along axes of length 1. */
static void products_of_maps_spread_their_batches(void **state)
{
    enum { A = 2, B = 3, ROWS = 2, INNER = 4, COLUMNS = 3, MAP = A * ROWS * INNER };
    static float image[MAP], w[B * INNER * COLUMNS];
    double want[A * B * ROWS * COLUMNS];
    static const int64_t shape[] = {A, 1, ROWS, INNER};
    (void)state;

    state_of = 5;
    image_of(image, MAP);
    Onnx__ModelProto *m = of_tokens(MAP, 1);
    make_tensor(m, "four", ONNX_TYPE(INT64), (const int64_t[]){4, -1}, shape, sizeof shape);
    make_node(m, "Reshape", "r", "x four", "r");
    floats(m, "w", (const int64_t[]){B, INNER, COLUMNS, -1}, 1, w);
    make_node(m, "MatMul", "mm", "r w", "out");
    for (int i = 0; i < A * B * ROWS * COLUMNS; i++) {
        const int o = i % COLUMNS, row = i / COLUMNS % ROWS, b = i / COLUMNS / ROWS % B;
        const int a = i / COLUMNS / ROWS / B;
        want[i] = 0;
        for (int k = 0; k < INNER; k++)
            want[i] += (double)image[(a * ROWS + row) * INNER + k] *
                       (double)w[(b * INNER + k) * COLUMNS + o];
    }
    same("MatMul", m, image, MAP, want, A * B * ROWS * COLUMNS);
}

static void embeddings_are_sums_of_rows(void **state)
{
    enum { WORDS = 20, PLACES = 9, KINDS = 2 };
    static float words[WORDS * HIDDEN], places[PLACES * HIDDEN], kinds[KINDS * HIDDEN];
    static float gain[HIDDEN], offset[HIDDEN], one = 1;
    double want[TOKENS * HIDDEN];
    (void)state;

    for (int how = 0; how < 4; how++) {
        const bool segments = how & 1, given = how & 2;
        int32_t id[TOKENS], segment[TOKENS], place[TOKENS];
        state_of = (uint32_t)how;
        Onnx__ModelProto *m = make_model(1, 1, 1);
        floats(m, "words", (const int64_t[]){WORDS, HIDDEN, -1}, 1, words);
        floats(m, "places", (const int64_t[]){PLACES, HIDDEN, -1}, 1, places);
        floats(m, "kinds", (const int64_t[]){KINDS, HIDDEN, -1}, 1, kinds);
        floats(m, "g", (const int64_t[]){HIDDEN, -1}, 1, gain);
        floats(m, "o", (const int64_t[]){HIDDEN, -1}, 1, offset);
        for (int t = 0; t < TOKENS; t++) {
            id[t] = (int32_t)(WORDS * (1 + uniform()) / 2);
            segment[t] = t % KINDS;
            place[t] = given ? (t * 2 + 1) % PLACES : t;
        }
        const int64_t of_ids[] = {1, TOKENS, -1};
        make_tensor(m, "ids", ONNX_TYPE(INT32), of_ids, id, sizeof id);
        make_tensor(m, "segments", ONNX_TYPE(INT32), of_ids, segment, sizeof segment);
        make_tensor(m, "at", ONNX_TYPE(INT32), of_ids, place, sizeof place);
        Onnx__NodeProto *n = own_node(m, "EmbedLayerNormalization",
                                      segments
                                          ? given ? "ids segments words places kinds g o - at"
                                                  : "ids segments words places kinds g o"
                                          : given ? "ids - words places - g o - at"
                                                  : "ids - words places - g o", "embedded");
        make_float(n, "epsilon", 0.001F);
        more_outputs(n, 1, (const char *const[]){"mask_index"});
        make_node(m, "Add", "sum", "embedded image", "out"); // which the image moves by 1
        for (int t = 0; t < TOKENS; t++) {
            double sum[HIDDEN], statistics[2];
            for (int c = 0; c < HIDDEN; c++)
                sum[c] = (double)words[id[t] * HIDDEN + c] + (double)places[place[t] * HIDDEN + c] +
                         (segments ? (double)kinds[segment[t] * HIDDEN + c] : 0);
            normalise(sum, HIDDEN, gain, offset, (double)0.001F, false, want + t * HIDDEN,
                      statistics);
        }
        for (int i = 0; i < TOKENS * HIDDEN; i++)
            want[i] += 1;
        same("com.microsoft.EmbedLayerNormalization", m, &one, 1, want, TOKENS * HIDDEN);
    }
}

/* ---- Masks ---- */

static void masks_are_made_of_comparisons(void **state)
{
    enum { SIDE = 5 };
    static const struct {
        const char *op;
        char        how;
    } ops[] = {{"Equal", '='}, {"Less", '<'}, {"Greater", '>'}, {"LessOrEqual", 'l'},
               {"GreaterOrEqual", 'g'}};
    static float image[SIDE * SIDE];
    double want[SIDE * SIDE];
    (void)state;

    for (size_t k = 0; k < sizeof ops / sizeof *ops; k++) {
        const int64_t zero = 0, one = 1, side = SIDE;
        const float low = -7;
        Onnx__ModelProto *m = of_tokens(SIDE, SIDE);
        make_tensor(m, "zero", ONNX_TYPE(INT64), (const int64_t[]){-1}, &zero, sizeof zero);
        make_tensor(m, "one", ONNX_TYPE(INT64), (const int64_t[]){-1}, &one, sizeof one);
        make_tensor(m, "side", ONNX_TYPE(INT64), (const int64_t[]){-1}, &side, sizeof side);
        make_tensor(m, "axis", ONNX_TYPE(INT64), (const int64_t[]){1, -1}, &one, sizeof one);
        make_float_list(m, "low", 1, &low);
        make_node(m, "Range", "r", "zero side one", "column");
        make_node(m, "Unsqueeze", "u", "column axis", "row");
        make_node(m, ops[k].op, "c", "column row", "chosen");
        make_node(m, "Where", "w", "chosen x low", "out");
        image_of(image, SIDE * SIDE);
        for (int i = 0; i < SIDE * SIDE; i++) {
            int column = i % SIDE, row = i / SIDE;
            bool in = ops[k].how == '='   ? column == row
                      : ops[k].how == '<' ? column < row
                      : ops[k].how == '>' ? column > row
                      : ops[k].how == 'l' ? column <= row
                                          : column >= row;
            want[i] = in ? (double)image[i] : -7;
        }
        same(ops[k].op, m, image, SIDE * SIDE, want, SIDE * SIDE);
    }
    for (int how = 0; how < 14; how++) { // triangles
        const int64_t diagonal = how % 7 - 3;
        Onnx__ModelProto *m = of_tokens(SIDE, SIDE);
        make_tensor(m, "k", ONNX_TYPE(INT64), (const int64_t[]){-1}, &diagonal, sizeof diagonal);
        make_int(make_node(m, "Trilu", "t", "x k", "out"), "upper", how < 7);
        image_of(image, SIDE * SIDE);
        for (int i = 0; i < SIDE * SIDE; i++) {
            int64_t over = i % SIDE - i / SIDE;
            want[i] = (how < 7 ? over >= diagonal : over <= diagonal) ? (double)image[i] : 0;
        }
        same("Trilu", m, image, SIDE * SIDE, want, SIDE * SIDE);
    }
}

/* ---- What is refused ---- */

static void refuse(const char *op, bool own, const char *inputs, const char *attribute, int64_t v,
                   const char *want)
{
    struct err_msg msg = {"accepted"};
    static float w[HIDDEN * 3 * HIDDEN];
    static const uint8_t mask[TOKENS] = {1, 1, 1, 1, 1, 0};
    Onnx__ModelProto *m = of_tokens(TOKENS, HIDDEN);

    floats(m, "w", (const int64_t[]){HIDDEN, 3 * HIDDEN, -1}, 1, w);
    make_tensor(m, "mask", ONNX_TYPE(BOOL), (const int64_t[]){1, TOKENS, -1}, mask, sizeof mask);
    Onnx__NodeProto *n = make_node(m, op, "node", inputs, "out");
    if (own)
        make_rename(&n->domain, "com.microsoft");
    if (attribute)
        make_int(n, attribute, v);
    if (strcmp(op, "Einsum") == 0)
        make_text(n, "equation", "bsh,bsh->bh");
    enum err e = onnx_rewrite(m, &msg);
    if (e != ERR_INPUT || !strstr(msg.text, want) || !strstr(msg.text, "want "))
        fail_msg("%s: \"%s\", want \"%s\"", op, msg.text, want);
    make_free(m);
}

static void what_attention_does_not_have_is_refused(void **state)
{
    (void)state;
    refuse("Attention", true, "x w", "num_heads", 5,
           "24 channels of queries, 24 of values, 5 heads");
    refuse("Attention", true, "x w", "num_heads", 0, "0 heads, 0 of keys and values");
    refuse("Attention", true, "x w - mask", "num_heads", 4, "input 3 masks keys and is not made of "
                                                            "ones alone");
    refuse("Attention", true, "x w - - x", "num_heads", 4, "input 4 holds keys and values of "
                                                           "tokens before");
    refuse("MultiHeadAttention", true, "x x x - - - x", "num_heads", 4, "input 6 holds keys and "
                                                                        "values of tokens before");
    refuse("GroupQueryAttention", true, "x x x x", "num_heads", 4, "4 heads, 0 of keys and values");
    refuse("Attention", false, "x x", NULL, 0, "input 2 is left out");
    refuse("Attention", false, "x x x", "q_num_heads", 3, "3 heads, 0 of keys and values");
    refuse("MatMulNBits", true, "x w w", "bits", 3, "bits = 3");
    refuse("Einsum", false, "x x", NULL, 0, "equation is \"bsh,bsh->bh\"");
    refuse("SkipLayerNormalization", true, "x x", NULL, 0, "input 2 is left out");
    refuse("RotaryEmbedding", true, "x x x", NULL, 0, "input 3 is left out");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attention_of_one_matrix_is_plain_attention),
        cmocka_unit_test(heads_of_three_maps_or_of_one_are_plain_attention),
        cmocka_unit_test(fewer_heads_of_keys_are_read_by_several_queries),
        cmocka_unit_test(attention_of_onnx_is_plain_attention),
        cmocka_unit_test(heads_may_be_an_axis_and_products_einsum),
        cmocka_unit_test(pairs_of_channels_turn_with_the_position),
        cmocka_unit_test(norms_of_sums_have_all_their_results),
        cmocka_unit_test(results_that_are_left_out_are_not_read),
        cmocka_unit_test(norms_are_over_the_axes_from_one_on),
        cmocka_unit_test(gelus_are_their_formulas),
        cmocka_unit_test(sines_and_cosines_are_those_of_the_library),
        cmocka_unit_test(weights_of_few_bits_are_what_their_blocks_say),
        cmocka_unit_test(factors_are_turned_and_scaled),
        cmocka_unit_test(products_of_maps_spread_their_batches),
        cmocka_unit_test(embeddings_are_sums_of_rows),
        cmocka_unit_test(masks_are_made_of_comparisons),
        cmocka_unit_test(what_attention_does_not_have_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
