/* Quantised transformers from files: small ones, written in the styles of exporters, beside what
 * their files mean in doubles; and an encoder whose every code was made elsewhere. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "network/onnx/file.h"
#include "network/onnx/read.h"
#include "network/tokens/tokens.h"
#include "network/values/plain.h"
#include "test/naive_onnx.h"
#include "test/onnx_make.h"
#include "test/shared.h"
#include "traces/npy.h"
#include "traces/zip.h"

#define ENDED (-1)
#define LIST(...) sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t), \
                  (const int64_t[]){ __VA_ARGS__ }

/* ---- random numbers ---- */

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

/* ---- styles ---- */

enum cut { APART, SLICED, SPLIT, GATHERED, IN_HEADS, N_CUT }; // queries, keys, values
enum scaled { NOT, SCORES, QUERIES, BOTH, N_SCALED };
enum masked { FREE, CAUSAL, CAUSAL_WHERE, BIAS, N_MASKED };

struct style {
    uint32_t tokens, heads, head, ffn, classes, kv; // kv heads
    enum cut cut;
    enum scaled scaled;
    enum masked masked;
    bool keys_at_once, scores_rounded, weights_rounded, weights_zero;
    bool pre, rms, sum_unrounded, tanh, places, class_token, mean, swapped, late;
    int8_t   q_zero, v_zero;
};

static struct style draw_style(struct random *r)
{
    struct style s = { 0 };

    s.tokens = 1 + below(r, 7);
    s.head = 2 + below(r, 5);
    s.kv = 1 + below(r, 3);
    s.heads = s.kv * (1 + below(r, 2));
    s.ffn = 3 + below(r, 12);
    s.classes = 2 + below(r, 4);
    s.cut = (enum cut)below(r, N_CUT);
    if (s.cut != APART)
        s.heads = s.kv;
    s.scaled = (enum scaled)below(r, N_SCALED);
    s.masked = (enum masked)below(r, N_MASKED);
    s.keys_at_once = below(r, 2);
    s.scores_rounded = below(r, 2);
    s.weights_rounded = below(r, 2);
    s.weights_zero = below(r, 2);
    s.pre = below(r, 2);
    s.rms = below(r, 2);
    s.sum_unrounded = below(r, 2);
    s.tanh = below(r, 2);
    s.places = below(r, 2);
    s.class_token = below(r, 3) == 0;
    s.mean = below(r, 2);
    s.swapped = below(r, 2);
    s.late = below(r, 2);
    s.q_zero = (int8_t)(below(r, 2) ? 0 : below(r, 20));
    s.v_zero = (int8_t)(below(r, 2) ? 0 : below(r, 20));
    return s;
}

/* ---- the file ---- */

struct file {
    Onnx__ModelProto *m;
    struct random    *r;
    uint32_t          n; // names so far
    char              at[24]; // the edge that the next node reads
};

static const char *name_next(struct file *f)
{
    snprintf(f->at, sizeof f->at, "e%u", f->n++);
    return f->at;
}

/* A node that reads `inputs`; its output is f->at. */
static Onnx__NodeProto *node(struct file *f, const char *op, const char *inputs)
{
    char in[128];

    snprintf(in, sizeof in, "%s", inputs);
    name_next(f);
    return make_node(f->m, op, f->at, in, f->at);
}

/* Node of f->at and something else, which comes first where `first`. */
static void join(struct file *f, const char *op, const char *other, bool first)
{
    char in[64];

    snprintf(in, sizeof in, first ? "%s %s" : "%s %s", first ? other : f->at,
             first ? f->at : other);
    node(f, op, in);
}

static void edge(struct file *f, int power, bool is_signed, int zero)
{
    char from[24];

    snprintf(from, sizeof from, "%s", f->at);
    make_qdq(f->m, from, name_next(f), (float)ldexp(1, power),
             is_signed ? ONNX_TYPE(INT8) : ONNX_TYPE(UINT8), zero);
}

static void reals(struct file *f, char name[24], const int64_t *dims, double most)
{
    size_t n = 1;

    for (const int64_t *d = dims; *d >= 0; d++)
        n *= (size_t)*d;
    float *v = malloc((n + 1) * sizeof *v);
    for (size_t i = 0; i < n; i++) // of few bits, so that products are exact
        v[i] = (float)(most * ((int)below(f->r, 129) - 64) / 64);
    snprintf(name, 24, "c%u", f->n++);
    make_tensor(f->m, name, ONNX_TYPE(FLOAT), dims, v, n * sizeof *v);
    free(v);
}

static void integers(struct file *f, char name[24], size_t n, const int64_t *v)
{
    const int64_t dims[] = { (int64_t)n, ENDED };

    snprintf(name, 24, "c%u", f->n++);
    make_tensor(f->m, name, ONNX_TYPE(INT64), dims, v, n * sizeof *v);
}

static void reshape(struct file *f, size_t n, const int64_t *dim)
{
    char name[24];

    integers(f, name, n, dim);
    join(f, "Reshape", name, false);
}

static void transpose(struct file *f, size_t n, const int64_t *perm)
{
    make_ints(node(f, "Transpose", f->at), "perm", n, perm);
}

/* Bytes of one step, 2^-7, or one for each output. */
static void weights(struct file *f, char name[24], int64_t rows, int64_t columns)
{
    const int64_t dims[] = { rows, columns, ENDED };
    const bool each = below(f->r, 2);
    int8_t *w = malloc((size_t)(rows * columns));
    float *scale = malloc((size_t)columns * sizeof *scale);

    for (int64_t i = 0; i < rows * columns; i++)
        w[i] = (int8_t)((int)below(f->r, 255) - 127);
    for (int64_t i = 0; i < columns; i++)
        scale[i] = ldexpf(1 + (float)(each ? below(f->r, 64) : 0) / 64, -7);
    snprintf(name, 24, "w%u", f->n++);
    make_weights(f->m, name, dims, w, each ? (size_t)columns : 1, scale, 1);
    free(w);
    free(scale);
}

/* f->at times weights, plus a bias; not rounded. */
static void linear(struct file *f, const struct style *s, int64_t rows, int64_t columns)
{
    const int64_t dims[] = { columns, ENDED };
    char name[24];

    weights(f, name, rows, columns);
    join(f, "MatMul", name, false);
    reals(f, name, dims, 1);
    join(f, "Add", name, s->swapped);
}

static void norm(struct file *f, const struct style *s, int64_t channels)
{
    const int64_t dims[] = { channels, ENDED };
    char gain[24], offset[24], in[96];

    reals(f, gain, dims, 1);
    reals(f, offset, dims, .5);
    snprintf(in, sizeof in, s->rms ? "%s %s" : "%s %s %s", f->at, gain, offset);
    make_float(node(f, s->rms ? "RMSNormalization" : "LayerNormalization", in), "epsilon", 1e-5F);
    edge(f, -6, true, 0);
}

static void scale(struct file *f, const char *op, double v)
{
    char name[24];
    const float value = (float)v;

    snprintf(name, sizeof name, "c%u", f->n++);
    make_float_list(f->m, name, 1, &value);
    join(f, op, name, false);
}

static void divide_or_multiply(struct file *f, double by)
{
    const bool divides = below(f->r, 2);

    scale(f, divides ? "Div" : "Mul", divides ? by : 1 / by);
}

/* ---- attention ---- */

/* The part `i` of a fused map of three, as heads x tokens x channels. */
static void cut_part(struct file *f, const struct style *s, const char *fused, uint32_t i)
{
    const int64_t h = s->heads, d = s->head, t = s->tokens, hidden = h * d;
    char from[24], a[24], b[24], c[24], in[128];

    snprintf(f->at, sizeof f->at, "%s", fused);
    if (s->cut == SLICED || s->cut == SPLIT) {
        if (s->cut == SLICED) {
            integers(f, a, LIST((int64_t)i * hidden));
            integers(f, b, LIST((int64_t)(i + 1) * hidden));
            integers(f, c, LIST(2));
            snprintf(in, sizeof in, "%s %s %s %s", f->at, a, b, c);
            node(f, "Slice", in);
        } else {
            snprintf(f->at, sizeof f->at, "%.20s.%u", fused, i % 3);
        }
        reshape(f, LIST(1, t, h, d));
        transpose(f, LIST(0, 2, 1, 3));
    } else if (s->cut == GATHERED) { // tokens, parts, heads -> parts, heads, tokens
        reshape(f, LIST(1, t, 3, h, d));
        transpose(f, LIST(2, 0, 3, 1, 4));
        snprintf(a, sizeof a, "c%u", f->n++);
        const int64_t place = i, scalar[] = { ENDED };
        make_tensor(f->m, a, ONNX_TYPE(INT64), scalar, &place, sizeof place);
        snprintf(from, sizeof from, "%s", f->at);
        snprintf(in, sizeof in, "%s %s", from, a);
        make_int(node(f, "Gather", in), "axis", 0);
    } else { // each head has its three
        reshape(f, LIST(1, t, h, 3 * d));
        transpose(f, LIST(0, 2, 1, 3));
        integers(f, a, LIST((int64_t)i * d));
        integers(f, b, LIST((int64_t)(i + 1) * d));
        integers(f, c, LIST(-1));
        snprintf(in, sizeof in, "%s %s %s %s", f->at, a, b, c);
        node(f, "Slice", in);
    }
}

/* A map of its own as heads x tokens x channels; few heads for many queries come several times. */
static void cut_map(struct file *f, const struct style *s, uint32_t i)
{
    const int64_t h = i == 0 ? s->heads : s->kv, d = s->head, t = s->tokens;
    const int64_t times = (int64_t)s->heads / h;
    char name[24];

    reshape(f, LIST(1, t, h, d));
    if (i == 1 && s->keys_at_once && times == 1) { // to heads x channels x tokens
        transpose(f, LIST(0, 2, 3, 1));
        return;
    }
    transpose(f, LIST(0, 2, 1, 3));
    if (times == 1)
        return;
    reshape(f, LIST(1, h, 1, t, d));
    integers(f, name, LIST(1, h, times, t, d));
    join(f, "Expand", name, false);
    reshape(f, LIST(1, h * times, t, d));
}

static void mask(struct file *f, const struct style *s)
{
    const int64_t dims[] = { 1, 1, s->tokens, s->tokens, ENDED };
    float v[64];
    uint8_t flag[64];
    char name[24], in[96];

    for (uint32_t i = 0; i < s->tokens; i++)
        for (uint32_t j = 0; j < s->tokens; j++) {
            v[i * s->tokens + j] = j > i ? -3.4e38F : 0;
            flag[i * s->tokens + j] = j <= i;
        }
    snprintf(name, sizeof name, "c%u", f->n++);
    if (s->masked == CAUSAL) {
        make_tensor(f->m, name, ONNX_TYPE(FLOAT), dims, v,
                    (size_t)s->tokens * s->tokens * sizeof *v);
        join(f, "Add", name, s->swapped);
    } else if (s->masked == CAUSAL_WHERE) {
        const float least = -1e9F;
        char number[24];
        make_tensor(f->m, name, ONNX_TYPE(BOOL), dims, flag, (size_t)s->tokens * s->tokens);
        snprintf(number, sizeof number, "c%u", f->n++);
        make_float_list(f->m, number, 1, &least);
        snprintf(in, sizeof in, "%s %s %s", name, f->at, number);
        node(f, "Where", in);
    } else if (s->masked == BIAS) {
        const int64_t each[] = { s->heads, s->tokens, s->tokens, ENDED };
        reals(f, name, each, 2);
        join(f, "Add", name, false);
    }
}

static void attention(struct file *f, const struct style *s)
{
    const int64_t t = s->tokens, hidden = (int64_t)s->heads * s->head;
    char x[24], fused[24], operand[3][24], in[64];

    snprintf(x, sizeof x, "%s", f->at);
    if (s->cut != APART) {
        linear(f, s, hidden, 3 * hidden);
        edge(f, -4, true, 0);
        snprintf(fused, sizeof fused, "%s", f->at);
        if (s->cut == SPLIT) {
            char outputs[3][32];
            Onnx__NodeProto *n = make_node(f->m, "Split", "split", fused, "split");
            make_int(n, "axis", 2);
            make_int(n, "num_outputs", 3);
            n->output = realloc(n->output, 3 * sizeof *n->output);
            free(n->output[0]);
            n->n_output = 3;
            for (int i = 0; i < 3; i++) {
                snprintf(outputs[i], sizeof outputs[i], "%s.%d", fused, i);
                n->output[i] = strdup(outputs[i]);
            }
        }
    }
    for (uint32_t i = 0; i < 3; i++) {
        if (s->cut == APART) {
            snprintf(f->at, sizeof f->at, "%s", x);
            linear(f, s, hidden, (int64_t)(i == 0 ? s->heads : s->kv) * s->head);
            edge(f, -4, true, i == 0 ? s->q_zero : i == 2 ? s->v_zero : 0);
            cut_map(f, s, i);
        } else {
            cut_part(f, s, fused, i);
        }
        if (i < 2 && s->scaled == BOTH)
            scale(f, "Mul", .5);
        if (i == 0 && s->scaled == QUERIES)
            divide_or_multiply(f, 4);
        if (i == 1 && !(s->keys_at_once && s->cut == APART && s->kv == s->heads))
            transpose(f, LIST(0, 1, 3, 2));
        snprintf(operand[i], sizeof operand[i], "%s", f->at);
    }
    snprintf(in, sizeof in, "%s %s", operand[0], operand[1]);
    node(f, "MatMul", in);
    if (s->scores_rounded)
        edge(f, -3, true, 3);
    if (s->scaled == SCORES)
        divide_or_multiply(f, 4);
    mask(f, s);
    make_int(node(f, "Softmax", f->at), "axis", s->late ? -1 : 3);
    if (s->weights_rounded)
        edge(f, -8, s->weights_zero, s->weights_zero ? -128 : 0);
    join(f, "MatMul", operand[2], false);
    if (!s->late)
        edge(f, -5, true, -4);
    transpose(f, LIST(0, 2, 1, 3));
    reshape(f, LIST(1, t, hidden));
    if (s->late)
        edge(f, -5, true, 2);
}

/* ---- the rest ---- */

static void add_residual(struct file *f, const struct style *s, const char *x, bool rounded)
{
    if (s->sum_unrounded)
        edge(f, -4, true, 1);
    join(f, "Add", x, s->swapped);
    if (rounded)
        edge(f, -4, true, -2);
}

static void encode(struct file *f, const struct style *s)
{
    const int64_t hidden = (int64_t)s->heads * s->head;
    const bool rounded = s->pre || !s->sum_unrounded;
    char x[24], y[24];

    snprintf(x, sizeof x, "%s", f->at);
    if (s->pre)
        norm(f, s, hidden);
    attention(f, s);
    linear(f, s, hidden, hidden);
    add_residual(f, s, x, rounded);
    snprintf(x, sizeof x, "%s", f->at);
    norm(f, s, hidden);
    snprintf(y, sizeof y, "%s", s->pre ? x : f->at);
    linear(f, s, hidden, s->ffn);
    edge(f, -4, true, 0);
    make_text(node(f, "Gelu", f->at), "approximate", s->tanh ? "tanh" : "none");
    edge(f, -5, true, 0);
    linear(f, s, s->ffn, hidden);
    add_residual(f, s, y, rounded);
    if (!s->pre)
        norm(f, s, hidden);
}

static void begin(struct file *f, struct style *s)
{
    const int64_t hidden = (int64_t)s->heads * s->head;
    char name[24];

    edge(f, -5, true, 0);
    linear(f, s, hidden, hidden);
    edge(f, -4, true, 0);
    if (s->class_token) {
        const int64_t dims[] = { 1, 1, hidden, ENDED };
        reals(f, name, dims, 2);
        char in[64];
        snprintf(in, sizeof in, "%s %s", name, f->at);
        make_int(node(f, "Concat", in), "axis", 1);
        s->tokens++;
        if (!s->places)
            edge(f, -4, true, 0);
    }
    if (s->places) {
        const int64_t dims[] = { 1, s->tokens, hidden, ENDED };
        reals(f, name, dims, 2);
        join(f, "Add", name, s->swapped);
        edge(f, -4, true, 5);
    }
}

static void finish(struct file *f, const struct style *s)
{
    const int64_t hidden = (int64_t)s->heads * s->head, scalar[] = { ENDED }, one = 1;
    const int64_t place = s->tokens - 1;
    char name[24], in[64];

    if (s->mean) {
        integers(f, name, 1, &one);
        snprintf(in, sizeof in, "%s %s", f->at, name);
        make_int(node(f, "ReduceMean", in), "keepdims", 0);
        edge(f, -6, true, 0);
    } else {
        snprintf(name, sizeof name, "c%u", f->n++);
        make_tensor(f->m, name, ONNX_TYPE(INT64), scalar, &place, sizeof place);
        snprintf(in, sizeof in, "%s %s", f->at, name);
        make_int(node(f, "Gather", in), "axis", 1);
    }
    linear(f, s, hidden, s->classes);
    edge(f, -3, true, 0);
    make_node(f->m, "Identity", "end", f->at, "out");
}

static Onnx__ModelProto *make_transformer(struct random *r, struct style *s)
{
    const int64_t hidden = (int64_t)s->heads * s->head, classes[] = { 1, s->classes };
    struct file f = { .m = make_model(1, s->tokens, hidden), .r = r, .at = "image" };
    Onnx__TensorShapeProto *shape = f.m->graph->input[0]->type->tensor_type->shape;

    shape->n_dim = 3; // 1 x tokens x channels
    shape->dim[1]->dim_value = s->tokens;
    shape->dim[2]->dim_value = hidden;
    free(shape->dim[3]);
    f.m->opset_import[0]->version = s->rms ? 23 : 20;
    begin(&f, s);
    encode(&f, s);
    if (below(r, 3) == 0)
        encode(&f, s);
    finish(&f, s);
    make_output(f.m, NULL, 2, classes);
    return f.m;
}

/* ---- comparing ---- */

static void read_model(const Onnx__ModelProto *m, struct network *n)
{
    struct err_msg msg;
    size_t size;
    uint8_t *data = make_packed(m, &size);

    if (network_decode_onnx(n, "drawn", data, size, &msg))
        fail_msg("%s", msg.text);
    free(data);
}

static void compare(const Onnx__ModelProto *m, struct random *r)
{
    struct network n;
    struct naive_onnx o;
    double input[1024];
    uint8_t byte[1024];

    read_model(m, &n);
    const size_t values = (size_t)n.layer[0].out.width * n.layer[0].out.channels;
    struct plain *p = plain_new(&n);
    assert_non_null(p);
    assert_in_range(values, 1, 1024);
    for (size_t i = 0; i < values; i++) { // a map of one row: token by token, as the file has it
        int code = (int)below(r, 256) - 128;
        byte[i] = (uint8_t)code;
        input[i] = ldexp(code, -5);
    }
    plain_run(p, byte, NULL);
    naive_onnx_run(&o, m, input);
    const struct naive_tensor *want = naive_onnx_find(&o, "out");
    for (size_t i = 0; i < want->n; i++)
        if (plain_delivered(p, n.n_layer - 1, i) != (int64_t)(want->v[i] * 8))
            fail_msg("result %zu is %lld, want %g", i,
                     (long long)plain_delivered(p, n.n_layer - 1, i), want->v[i] * 8);
    naive_onnx_release(&o);
    plain_free(p);
    network_release(&n);
}

static void random_transformers_in_the_styles_of_exporters_are_what_their_files_mean(void **state)
{
    uint32_t seen[N_CUT][N_MASKED] = { { 0 } };

    (void)state;
    for (uint32_t seed = 1; seed <= 1000; seed++) {
        struct random r = { seed * UINT64_C(0x9e3779b97f4a7c15) };
        struct style s = draw_style(&r);
        Onnx__ModelProto *m = make_transformer(&r, &s);
        seen[s.cut][s.masked]++;
        compare(m, &r);
        make_free(m);
    }
    for (int i = 0; i < N_CUT; i++)
        for (int k = 0; k < N_MASKED; k++)
            assert_in_range(seen[i][k], 20, 100);
}

/* ---- an encoder whose codes were made elsewhere ---- */

enum { ENCODER_LAYERS = 2, ENCODER_TOKENS = 16 };

/* Codes of an edge; the caller frees. */
static int64_t *read_codes(const struct zip *z, const char *path, const char *edge, size_t *n)
{
    char name[64];

    snprintf(name, sizeof name, "code_%s.npy", edge);
    for (size_t i = 0; i < z->n; i++) {
        struct infile *f;
        struct err_msg m;
        struct npy a;
        if (strcmp(z->member[i].name, name) != 0)
            continue;
        if (infile_open_part(&f, path, &z->member[i].part, &m) || npy_read_head(&a, f, &m))
            fail_msg("%s", m.text);
        int64_t *v = malloc(a.n * sizeof *v);
        assert_int_equal(a.type, NPY_INT64);
        assert_int_equal(infile_read(f, v, a.n * sizeof *v, "codes", &m), ERR_NONE);
        infile_close(f);
        *n = a.n;
        return v;
    }
    fail_msg("no codes %s", name);
    return NULL;
}

/* A layer by its name: every value is the edge's. Of heads the file has each one's tokens. */
static void compare_codes(const struct plain *p, const struct network *n, const char *layer,
                          const int64_t *want, size_t n_want, bool heads)
{
    const uint32_t at = network_find(n, layer);

    assert_true(at < n->n_layer);
    const size_t channels = n->layer[at].out.channels, tokens = n_want / channels;
    for (size_t i = 0; i < n_want; i++) {
        size_t token = i / channels, c = i % channels, head = c / 16;
        size_t from = heads ? (head * tokens + token) * 16 + c % 16 : i;
        if (plain_delivered(p, at, i) != want[from])
            fail_msg("%s, token %zu, channel %zu: %lld, want %lld", layer, token, c,
                     (long long)plain_delivered(p, at, i), (long long)want[from]);
    }
}

static void every_code_of_a_quantised_encoder_is_the_one_that_was_made_elsewhere(void **state)
{
    static const struct {
        const char *layer, *edge;
        bool heads;
    } edges[] = { { "q_mm", "qq", false }, { "k_mm", "kq", false }, { "v_mm", "vq", false },
                  { "a_pv", "a_o", true }, { "o_mm", "oq", false }, { "r1", "r1q", false },
                  { "ln2", "ln2q", false }, { "f1_mm", "gq", false }, { "f2_mm", "f2q", false },
                  { "r2", "r2q", false }, { "ln3", "ln3q", false } };
    char *path = shared_path("transformers/qdq_enc.onnx");
    char *codes = shared_path("transformers/qdq_enc_ref.npz");
    uint8_t image[ENCODER_TOKENS * 64];
    struct network n;
    struct err_msg m;
    struct zip z;
    size_t size;

    (void)state;
    if (!path || !codes)
        skip();
    if (network_load_onnx(&n, path, &m) || zip_read(&z, codes, &m))
        fail_msg("%s", m.text);
    int64_t *in = read_codes(&z, codes, "in", &size);
    for (size_t i = 0; i < size; i++)
        image[i] = (uint8_t)in[i];
    struct plain *p = plain_new(&n);
    plain_run(p, image, NULL);
    for (int l = 0; l < ENCODER_LAYERS; l++)
        for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
            char layer[32], edge[32];
            snprintf(layer, sizeof layer, "l%d_%s", l, edges[i].layer);
            snprintf(edge, sizeof edge, "l%d_%s", l, edges[i].edge);
            int64_t *want = read_codes(&z, codes, edge, &size);
            compare_codes(p, &n, layer, want, size, edges[i].heads);
            free(want);
        }
    int64_t *want = read_codes(&z, codes, "poolq", &size);
    compare_codes(p, &n, "pool", want, size, false);
    free(want);
    free(in);
    plain_free(p);
    network_release(&n);
    zip_release(&z);
    free(path);
    free(codes);
}

/* ---- our own vision transformer ---- */

static void the_trained_vision_transformer_is_what_its_file_means(void **state)
{
    enum { SIDE = 28, CLASSES = 10 };
    struct random r = { 12345 };
    double input[SIDE * SIDE];
    uint8_t image[SIDE * SIDE], *data;
    Onnx__ModelProto *model;
    struct naive_onnx o;
    struct network n;
    struct err_msg m;
    size_t size;

    (void)state;
    if (network_load_onnx(&n, "models/vit_fmnist.onnx", &m) ||
        onnx_read_file("models/vit_fmnist.onnx", &data, &size, &m) ||
        onnx_decode(data, size, &model, &m))
        fail_msg("%s", m.text);
    assert_int_equal(network_weights(&n), 178520);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) { // a bright square, and noise
            int code = (x - 14) * (x - 14) + (y - 14) * (y - 14) < 64 ? 60 : -128;
            code += (int)below(&r, 40);
            input[y * SIDE + x] = ldexp(code, -7);
            image[x * SIDE + y] = (uint8_t)code;
        }
    struct plain *p = plain_new(&n);
    plain_run(p, image, NULL);
    naive_onnx_run(&o, model, input);
    const struct naive_tensor *want = naive_onnx_find(&o, "out");
    for (size_t i = 0; i < CLASSES; i++) {
        const double got = (double)plain_delivered(p, n.n_layer - 1, i) * network_result(&n)->out_scale;
        assert_true(fabs(got - want->v[i]) < 1e-6);
    }
    naive_onnx_release(&o);
    plain_free(p);
    network_release(&n);
    onnx_free_model(model);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_transformers_in_the_styles_of_exporters_are_what_their_files_mean),
        cmocka_unit_test(every_code_of_a_quantised_encoder_is_the_one_that_was_made_elsewhere),
        cmocka_unit_test(the_trained_vision_transformer_is_what_its_file_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
