/* test/random_transformer.c -- see random_transformer.h. */
#include "test/random_transformer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/onnx_make.h"

enum { MOST_TOKENS = 17 };

#define ENDED (-1)
#define LIST(...) sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t), \
                  (const int64_t[]){ __VA_ARGS__ }

uint32_t random_below(struct random *r, uint32_t n) // xorshift64* (S. Vigna)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return (uint32_t)((r->state * UINT64_C(2685821657736338717)) >> 33) % n;
}

struct style random_style(struct random *r)
{
    struct style s = { 0 };

    s.tokens = 1 + random_below(r, 7);
    s.head = 2 + random_below(r, 5);
    s.kv = 1 + random_below(r, 3);
    s.heads = s.kv * (1 + random_below(r, 2));
    s.ffn = 3 + random_below(r, 12);
    s.classes = 2 + random_below(r, 4);
    s.cut = (enum cut)random_below(r, N_CUT);
    if (s.cut != APART)
        s.heads = s.kv;
    s.scaled = (enum scaled)random_below(r, N_SCALED);
    s.masked = (enum masked)random_below(r, N_MASKED);
    s.keys_at_once = random_below(r, 2);
    s.rounded = random_below(r, 8);
    s.weights_rounded = random_below(r, 2);
    s.weights_zero = random_below(r, 2);
    s.pre = random_below(r, 2);
    s.rms = random_below(r, 2);
    s.sum_unrounded = random_below(r, 2);
    s.tanh = random_below(r, 2);
    s.places = random_below(r, 2);
    s.class_token = random_below(r, 3) == 0;
    s.mean = random_below(r, 2);
    s.swapped = random_below(r, 2);
    s.late = random_below(r, 2);
    s.pooled = random_below(r, 3) == 0;
    s.pieces = random_below(r, 3) == 0;
    s.inverse = random_below(r, 2);
    s.sum_unrounded &= !(s.pieces && s.rms); // squares are of rounded maps
    s.windows = random_below(r, 4) == 0 ? 4 : 1;
    s.square = s.windows == 4 || random_below(r, 4) == 0;
    if (s.square)
        s.tokens = 16 / s.windows;
    if (s.windows == 4)
        s.places = s.class_token = false;
    if (!s.square && random_below(r, 2))
        s.ids = (enum ids)random_below(r, N_IDS);
    if (random_below(r, 3) == 0) {
        s.turned = (enum turned)random_below(r, N_TURNED);
        s.turns_rounded = random_below(r, 16);
        s.head += s.head % 2;
        if (s.windows > 1 && s.turned < BY_PIECES)
            s.turned = STILL;
    }
    s.q_zero = (int8_t)(random_below(r, 2) ? 0 : random_below(r, 20));
    s.v_zero = (int8_t)(random_below(r, 2) ? 0 : random_below(r, 20));
    if (s.q_zero != 0) // a part that is rounded has the map's own codes
        s.turns_rounded &= 7;
    if (random_below(r, 2)) {
        s.delivered = (enum delivered)random_below(r, N_DELIVERED);
        s.laid = (enum laid)random_below(r, N_LAID);
        s.second = random_below(r, 2);
    }
    s.function_unrounded = random_below(r, 2);
    s.weighted_unrounded = random_below(r, 4) == 0 && !s.pre;
    s.bare = random_below(r, 3) == 0;
    s.but_first = random_below(r, 2) && (!s.square || s.class_token) && s.tokens > 2;
    return s;
}

/* ---- the file ---- */

struct file {
    Onnx__ModelProto *m;
    struct random    *r;
    uint32_t          n; // names so far
    bool              single; // weights have one scale
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
        v[i] = (float)(most * ((int)random_below(f->r, 129) - 64) / 64);
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
    const bool each = random_below(f->r, 2) && !f->single;
    int8_t *w = malloc((size_t)(rows * columns));
    float *scale = malloc((size_t)columns * sizeof *scale);

    for (int64_t i = 0; i < rows * columns; i++)
        w[i] = (int8_t)((int)random_below(f->r, 255) - 127);
    for (int64_t i = 0; i < columns; i++)
        scale[i] = ldexpf(1 + (float)(each ? random_below(f->r, 64) : 0) / 64, -7);
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
    if (s->wrong == STACKED_WEIGHTS) // two matrices of half the rows
        for (size_t i = 0; i < f->m->graph->n_initializer; i++) {
            Onnx__TensorProto *t = f->m->graph->initializer[i];
            if (t->n_dims == 2 && t->data_type == ONNX_TYPE(INT8) && t->dims[0] % 2 == 0) {
                t->dims = realloc(t->dims, 3 * sizeof *t->dims);
                t->dims[2] = t->dims[1];
                t->dims[1] = t->dims[0] / 2;
                t->dims[0] = 2;
                t->n_dims = 3;
            }
        }
    join(f, "MatMul", name, false);
    reals(f, name, dims, 1);
    join(f, "Add", name, s->swapped);
}

/* f->at less its mean, by the root of its mean square. */
static void norm_in_pieces(struct file *f, const struct style *s)
{
    const float two = 2, eps = 1e-5F;
    char x[24], axes[24], number[24], in[64];

    snprintf(x, sizeof x, "%s", f->at);
    integers(f, axes, LIST(-1));
    if (!s->rms) {
        join(f, "ReduceMean", axes, false);
        join(f, "Sub", x, true);
        snprintf(x, sizeof x, "%s", f->at);
    }
    snprintf(number, sizeof number, "c%u", f->n++);
    make_float_list(f->m, number, 1, &two);
    join(f, s->late ? "Pow" : "Mul", s->late ? number : x, false);
    join(f, "ReduceMean", axes, false);
    snprintf(number, sizeof number, "c%u", f->n++);
    make_float_list(f->m, number, 1, &eps);
    join(f, "Add", number, s->swapped);
    node(f, "Sqrt", f->at);
    if (s->inverse)
        node(f, "Reciprocal", f->at);
    snprintf(in, sizeof in, "%s %s", x, f->at);
    node(f, s->inverse ? "Mul" : "Div", in);
}

static void norm(struct file *f, const struct style *s, int64_t channels)
{
    const int64_t dims[] = { channels, ENDED };
    char gain[24], offset[24], in[96];

    if (s->pieces) {
        norm_in_pieces(f, s);
        reals(f, gain, dims, 1);
        join(f, "Mul", gain, false);
        reals(f, offset, dims, .5);
        join(f, "Add", offset, s->swapped);
        edge(f, -6, true, 0);
        return;
    }

    reals(f, gain, dims, 1);
    reals(f, offset, dims, .5); // half codes: of a value that is the mean, ties
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
    const bool divides = random_below(f->r, 2);

    scale(f, divides ? "Div" : "Mul", divides ? by : 1 / by);
}

/* ---- attention ---- */

/* Half of the channels, or all of both halves alike, for each token. */
static void put_angles(struct file *f, const struct style *s, char name[24])
{
    const int64_t half = (int64_t)s->head / 2, t = s->tokens, n = s->turned < BY_PIECES ? 1 : 2;
    const int64_t dims[] = { 1, t, half, ENDED }, all[] = { 1, 1, t, 2 * half, ENDED };
    float *v = malloc((size_t)(t * half * n) * sizeof *v);

    for (int64_t i = 0; i < t; i++)
        for (int64_t k = 0; k < half; k++) {
            const float x = (float)((int)random_below(f->r, 129) - 64) / 64;
            for (int64_t j = 0; j < n; j++)
                v[(i * n + j) * half + k] = x;
        }
    if (s->wrong == ODD_PAIRS && n == 2)
        v[half] += 1;
    snprintf(name, 24, "c%u", f->n++);
    make_tensor(f->m, name, ONNX_TYPE(FLOAT), n == 2 ? all : s->late ? dims + 1 : dims, v,
                (size_t)(t * half * n) * sizeof *v);
    free(v);
}

static void slice(struct file *f, int64_t from, int64_t to, int64_t axis)
{
    char a[24], b[24], c[24], in[128];

    integers(f, a, 1, &from);
    integers(f, b, 1, &to);
    integers(f, c, 1, &axis);
    snprintf(in, sizeof in, "%s %s %s %s", f->at, a, b, c);
    node(f, "Slice", in);
}

/* The second half with a minus, and the first behind it. */
static void turn_round(struct file *f, const struct style *s)
{
    const int64_t half = (int64_t)s->head / 2, head = s->head;
    char x[24], second[24], in[64];

    if (s->turned == BY_MATRIX) {
        const int64_t dims[] = { head, head, ENDED };
        float *v = calloc((size_t)(head * head), sizeof *v);
        for (int64_t c = 0; c < half; c++) {
            v[(c + half) * head + c] = -1;
            v[c * head + c + half] = 1;
        }
        snprintf(second, sizeof second, "c%u", f->n++);
        make_tensor(f->m, second, ONNX_TYPE(FLOAT), dims, v, (size_t)(head * head) * sizeof *v);
        join(f, "MatMul", second, false);
        free(v);
        return;
    }
    snprintf(x, sizeof x, "%s", f->at);
    slice(f, half, head, 3);
    if (s->turns_rounded & 8)
        edge(f, -4, true, 0);
    node(f, "Neg", f->at);
    snprintf(second, sizeof second, "%s", f->at);
    snprintf(f->at, sizeof f->at, "%s", x);
    slice(f, 0, half, 3);
    snprintf(in, sizeof in, "%s %s", second, f->at);
    make_int(node(f, "Concat", in), "axis", -1);
}

/* Tokens in reverse, of which each has a row. */
static void put_places(struct file *f, const struct style *s, char name[24])
{
    const int64_t dims[] = { 1, s->tokens, ENDED };
    int64_t place[MOST_TOKENS];

    for (uint32_t i = 0; i < s->tokens; i++)
        place[i] = s->tokens - 1 - i;
    snprintf(name, 24, "c%u", f->n++);
    make_tensor(f->m, name, ONNX_TYPE(INT64), dims, place, s->tokens * sizeof *place);
}

/* heads x tokens x channels that turn by their place, and are rounded. */
static void turn(struct file *f, const struct style *s)
{
    char x[24], straight[24], cosines[24], sines[24], in[96];

    if (s->turned == STILL)
        return;
    put_angles(f, s, cosines);
    put_angles(f, s, sines);
    snprintf(x, sizeof x, "%s", f->at);
    if (s->turned < BY_PIECES) {
        if (s->late) // rows of the caches
            put_places(f, s, straight);
        snprintf(in, sizeof in, s->late ? "%s %s %s %s" : "%s %s %s", x, cosines, sines, straight);
        make_int(node(f, "RotaryEmbedding", in), "interleaved", s->turned == INTERLEAVED);
    } else {
        join(f, "Mul", cosines, s->swapped);
        if (s->turns_rounded & 1)
            edge(f, -4, true, 7);
        snprintf(straight, sizeof straight, "%s", f->at);
        snprintf(f->at, sizeof f->at, "%s", x);
        turn_round(f, s);
        if (s->turns_rounded & 2)
            edge(f, -4, true, 0);
        join(f, "Mul", sines, s->late);
        if (s->turns_rounded & 4)
            edge(f, -5, false, 120);
        join(f, "Add", straight, s->swapped);
    }
    if (s->wrong != TURNED_FREELY)
        edge(f, -4, true, 3);
    if (s->wrong == TURNED_TO_NORM)
        node(f, "Relu", f->at);
}

/* The part `i` of a fused map of three, as heads x tokens x channels. */
static void cut_part(struct file *f, const struct style *s, const char *fused, uint32_t i)
{
    const int64_t h = s->heads, d = s->head, t = s->tokens, hidden = h * d, w = s->windows;
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
        reshape(f, LIST(w, t, h, d));
        transpose(f, LIST(0, 2, 1, 3));
    } else if (s->cut == GATHERED) { // tokens, parts, heads -> parts, heads, tokens
        reshape(f, LIST(w, t, 3, h, d));
        transpose(f, LIST(2, 0, 3, 1, 4));
        snprintf(a, sizeof a, "c%u", f->n++);
        const int64_t place = i, scalar[] = { ENDED };
        make_tensor(f->m, a, ONNX_TYPE(INT64), scalar, &place, sizeof place);
        snprintf(from, sizeof from, "%s", f->at);
        snprintf(in, sizeof in, "%s %s", from, a);
        make_int(node(f, "Gather", in), "axis", 0);
    } else { // each head has its three
        reshape(f, LIST(w, t, h, 3 * d));
        transpose(f, LIST(0, 2, 1, 3));
        integers(f, a, LIST((int64_t)i * d));
        integers(f, b, LIST((int64_t)(i + 1) * d));
        integers(f, c, LIST(-1));
        snprintf(in, sizeof in, "%s %s %s %s", f->at, a, b, c);
        node(f, "Slice", in);
    }
    if (i < 2)
        turn(f, s);
}

/* A map of its own as heads x tokens x channels; few heads for many queries come several times. */
static void cut_map(struct file *f, const struct style *s, uint32_t i)
{
    const int64_t h = i == 0 ? s->heads : s->kv, d = s->head, t = s->tokens;
    const int64_t times = (int64_t)s->heads / h, w = s->windows;
    char name[24];

    if (s->wrong == HEADS_LEFT_OVER)
        reshape(f, LIST(w, t, h + 1, d));
    else
        reshape(f, LIST(w, t, h, d));
    if (i == 1 && s->keys_at_once && times == 1 && s->turned == STILL) {
        transpose(f, LIST(0, 2, 3, 1)); // to heads x channels x tokens
        return;
    }
    transpose(f, LIST(0, 2, 1, 3));
    if (i < 2)
        turn(f, s);
    if (times == 1)
        return;
    reshape(f, LIST(w, h, 1, t, d));
    integers(f, name, LIST(w, h, times, t, d));
    join(f, "Expand", name, false);
    reshape(f, LIST(w, h * times, t, d));
}

static void mask(struct file *f, const struct style *s)
{
    const int64_t dims[] = { 1, 1, s->tokens, s->tokens, ENDED };
    float v[MOST_TOKENS * MOST_TOKENS];
    uint8_t flag[MOST_TOKENS * MOST_TOKENS];
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
            Onnx__NodeProto *n = make_node(f->m, "Split", fused, fused, "split");
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
        if (i == 1 && !(s->keys_at_once && s->cut == APART && s->kv == s->heads && !s->turned))
            transpose(f, LIST(0, 1, 3, 2));
        snprintf(operand[i], sizeof operand[i], "%s", f->at);
    }
    snprintf(in, sizeof in, "%s %s", operand[0], operand[s->wrong == TOKENS_BY_TOKENS ? 2 : 1]);
    node(f, "MatMul", in);
    if (s->wrong == DATA_MASK) {
        char scores[24];
        snprintf(scores, sizeof scores, "%s", f->at);
        snprintf(f->at, sizeof f->at, "%s", operand[0]);
        scale(f, "Mul", .5);
        edge(f, -4, true, 0);
        join(f, "Add", scores, true);
    }
    if (s->rounded & 1)
        edge(f, -3, true, 3);
    if (s->scaled == SCORES)
        divide_or_multiply(f, 4);
    if (s->rounded & 2)
        edge(f, -4, false, 130);
    mask(f, s);
    if (s->rounded & 4)
        edge(f, s->wrong == BETWEEN_CODES ? 24 : -3, true, 60);
    if (s->wrong != NO_SOFTMAX)
        make_int(node(f, "Softmax", f->at), "axis",
                 s->wrong == FIRST_AXIS ? 1 : s->late ? -1 : 3);
    if (s->weights_rounded)
        edge(f, -8, s->weights_zero, s->weights_zero ? -128 : 0);
    if (s->wrong == SCALED_VALUES) {
        char mixed[24];
        snprintf(mixed, sizeof mixed, "%s", f->at);
        snprintf(f->at, sizeof f->at, "%s", operand[2]);
        scale(f, "Mul", .5);
        snprintf(operand[2], sizeof operand[2], "%s", f->at);
        snprintf(f->at, sizeof f->at, "%s", mixed);
    }
    join(f, "MatMul", operand[2], false);
    if (!s->late)
        edge(f, -5, true, -4);
    transpose(f, LIST(0, 2, 1, 3));
    reshape(f, LIST(s->windows, t, hidden));
    if (s->late)
        edge(f, -5, true, 2);
}

/* ---- the rest ---- */

static void add_residual(struct file *f, const struct style *s, const char *x, bool rounded)
{
    if (s->weighted_unrounded && s->bare)
        return;
    if (s->sum_unrounded && !s->weighted_unrounded)
        edge(f, -4, true, 1);
    join(f, "Add", x, s->swapped);
    if (rounded && !s->weighted_unrounded)
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
    if (!s->function_unrounded)
        edge(f, -4, true, 0);
    make_text(node(f, "Gelu", f->at), "approximate", s->tanh ? "tanh" : "none");
    edge(f, -5, true, 0);
    linear(f, s, s->ffn, hidden);
    add_residual(f, s, y, rounded);
    if (!s->pre)
        norm(f, s, hidden);
}

/* Rows and columns of windows and those of pixels in them change places, to and fro. */
static void move_windows(struct file *f, int64_t hidden)
{
    reshape(f, LIST(1, 2, 2, 2, 2, hidden));
    transpose(f, LIST(0, 1, 3, 2, 4, 5));
}

/* Rows of a table for ids; values that are rounded, whatever the table is. */
static void look_up(struct file *f, const struct style *s)
{
    const int64_t hidden = (int64_t)s->heads * s->head, dims[] = { TABLE_ROWS, hidden, ENDED };
    const int64_t scalar[] = { ENDED };
    const int8_t zero = (int8_t)random_below(f->r, 9);
    const float scale = ldexpf(1, -5);
    char table[24], in[64];

    if (s->ids == NO_IDS) {
        edge(f, -5, true, 0);
        return;
    }
    if (s->ids == REAL_TABLE) {
        reals(f, table, dims, 5);
    } else {
        int8_t *code = malloc((size_t)(TABLE_ROWS * hidden));
        for (int64_t i = 0; i < TABLE_ROWS * hidden; i++)
            code[i] = (int8_t)((int)random_below(f->r, 256) - 128);
        make_tensor(f->m, "table", ONNX_TYPE(INT8), dims, code, (size_t)(TABLE_ROWS * hidden));
        make_float_list(f->m, "step", 1, &scale);
        make_tensor(f->m, "zero", ONNX_TYPE(INT8), scalar, &zero, 1);
        make_node(f->m, "DequantizeLinear", "rows", "table step zero", "rows");
        snprintf(table, sizeof table, "rows");
        free(code);
    }
    if (s->wrong == COMPARED_IDS)
        make_node(f->m, "Equal", "equal", "image image", "equal");
    if (s->wrong == MADE_TABLE) {
        make_node(f->m, "Relu", "made", table, "made");
        snprintf(table, sizeof table, "made");
    }
    snprintf(in, sizeof in, "%s image", s->ids == CODE_TABLE ? "table" : table);
    node(f, "Gather", in);
    if (s->ids == REAL_TABLE || s->ids == ROUNDED_TABLE)
        edge(f, -5, true, 0);
    snprintf(in, sizeof in, "%s step zero", f->at);
    if (s->ids == CODE_TABLE)
        node(f, "DequantizeLinear", in);
}

static void begin(struct file *f, struct style *s)
{
    const int64_t hidden = (int64_t)s->heads * s->head;
    char name[24];

    look_up(f, s);
    if (s->square) { // channels first
        reshape(f, LIST(1, hidden, 16));
        transpose(f, LIST(0, 2, 1));
    }
    linear(f, s, hidden, hidden);
    edge(f, -4, true, 0);
    if (s->second)
        make_node(f->m, "Identity", "begin", f->at, "first");
    if (s->windows > 1) {
        reshape(f, LIST(1, 4, 4, hidden));
        move_windows(f, hidden);
        reshape(f, LIST(4, 4, hidden));
    }
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

/* A sum of tokens, weighted by Softmax of what a linear layer makes of them. */
static void pool(struct file *f, const struct style *s)
{
    const int64_t hidden = (int64_t)s->heads * s->head;
    char x[24];

    snprintf(x, sizeof x, "%s", f->at);
    linear(f, s, hidden, 1);
    edge(f, -4, true, 0);
    if (!s->late)
        transpose(f, LIST(0, 2, 1));
    make_int(node(f, "Softmax", f->at), "axis", s->late ? 1 : 2);
    if (s->weights_rounded)
        edge(f, -8, false, 0);
    if (s->late)
        transpose(f, LIST(0, 2, 1));
    join(f, "MatMul", x, false);
    edge(f, -5, true, 0);
    reshape(f, LIST(1, hidden));
}

static void make_last(struct file *f)
{
    make_node(f->m, "Identity", "end", f->at, "out");
}

/* Classes of every token. */
static void deliver_tokens(struct file *f, const struct style *s)
{
    const int64_t hidden = (int64_t)s->heads * s->head;

    f->single = s->delivered == TOKEN_SUMS;
    linear(f, s, hidden, s->classes);
    if (s->delivered != TOKEN_SUMS)
        edge(f, -3, true, 2);
    if (s->delivered == TOKEN_CODES) { // without its DequantizeLinear
        Onnx__NodeProto *last = f->m->graph->node[f->m->graph->n_node - 2];
        snprintf(f->at, sizeof f->at, "%s", last->output[0]);
    }
    if (s->laid == CHANNELS_TOKENS)
        transpose(f, LIST(0, 2, 1));
    if (s->laid == TOKENS_ONE_CHANNELS)
        transpose(f, LIST(1, 0, 2));
    make_last(f);
}

static void finish(struct file *f, const struct style *s)
{
    const int64_t hidden = (int64_t)s->heads * s->head, scalar[] = { ENDED }, one = 1;
    const int64_t place = s->tokens - 1;
    char name[24], in[64];

    if (s->windows > 1) {
        move_windows(f, hidden);
        reshape(f, LIST(1, 16, hidden));
    }
    if (s->delivered != ONE_TOKEN) {
        deliver_tokens(f, s);
        return;
    }
    if (s->pooled) {
        pool(f, s);
    } else if (s->mean) {
        if (s->but_first)
            slice(f, 1, INT32_MAX, 1);
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
    make_last(f);
}

static void make_open(Onnx__TensorShapeProto__Dimension *d)
{
    d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
    d->dim_param = strdup("sequence_length");
}

/* One more, like the first, that an Add reads. */
static void make_second_input(Onnx__ModelProto *m, const char *name)
{
    Onnx__GraphProto *g = m->graph;
    Onnx__ModelProto *other = make_model(1, 2, 3);
    char in[64];

    g->input = realloc(g->input, 2 * sizeof *g->input);
    g->input[1] = other->graph->input[0];
    other->graph->n_input = 0;
    make_rename(&g->input[1]->name, name);
    g->n_input = 2;
    make_free(other);
    snprintf(in, sizeof in, "image %s", name);
    make_node(m, "Add", "joined", in, "joined");
}

/* What the file says of its outputs. */
static void describe_outputs(Onnx__ModelProto *m, const struct style *s)
{
    const int64_t tokens = (int64_t)s->windows * s->tokens, classes = s->classes;
    const int64_t dims[N_LAID][3] = { { 1, tokens, classes }, { 1, classes, tokens },
                                      { tokens, 1, classes } };
    const int64_t first[] = { 1, tokens - s->class_token, (int64_t)s->heads * s->head };

    if (s->delivered == ONE_TOKEN)
        make_output(m, NULL, 2, (const int64_t[]){ 1, classes });
    else
        make_output(m, NULL, 3, dims[s->laid]);
    if (s->delivered == TOKEN_CODES)
        m->graph->output[0]->type->tensor_type->elem_type = ONNX_TYPE(INT8);
    if (s->second)
        make_output(m, "first", 3, first);
}

Onnx__ModelProto *make_transformer(struct random *r, struct style *s)
{
    const int64_t hidden = (int64_t)s->heads * s->head;
    struct file f = { .m = make_model(1, s->tokens, hidden), .r = r, .at = "image",
                      .single = s->wrong == STACKED_WEIGHTS };
    Onnx__TensorShapeProto *shape = f.m->graph->input[0]->type->tensor_type->shape;

    if (s->square) {
        shape->dim[1]->dim_value = hidden;
        shape->dim[2]->dim_value = shape->dim[3]->dim_value = 4;
    } else { // 1 x tokens x channels
        shape->n_dim = 3;
        shape->dim[1]->dim_value = s->tokens;
        shape->dim[2]->dim_value = hidden;
        free(shape->dim[3]);
    }
    if (s->ids != NO_IDS) {
        free(shape->dim[2]);
        shape->n_dim = 2;
        f.m->graph->input[0]->type->tensor_type->elem_type = ONNX_TYPE(INT64);
    }
    if (s->wrong == OPEN_IDS)
        make_open(shape->dim[1]);
    f.m->opset_import[0]->version = s->rms || s->turned ? 23 : 20;
    if (s->wrong == OPEN_TOKENS)
        make_open(shape->dim[1]);
    if (s->wrong == PAST || s->wrong == SECOND_INPUT)
        make_second_input(f.m, s->wrong == PAST ? "past_key_values.0" : "other");
    if (s->wrong == DYNAMIC)
        node(&f, "DynamicQuantizeLinear", f.at);
    if (s->wrong == RUN_TIME) {
        make_opset(f.m, "com.microsoft", 1);
        make_rename(&node(&f, "QAttention", f.at)->domain, "com.microsoft");
    }
    if (s->wrong == BRANCH)
        node(&f, "If", f.at);
    begin(&f, s);
    encode(&f, s);
    if (random_below(r, 3) == 0)
        encode(&f, s);
    finish(&f, s);
    describe_outputs(f.m, s);
    return f.m;
}
