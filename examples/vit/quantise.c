/* examples/vit/quantise.c -- the trained transformer in bytes: as an ONNX file, and run as the
 * integers that the file means.
 *
 *     quantise WEIGHTS TRAINING-IMAGES MODEL.onnx [TEST-IMAGES TEST-LABELS]
 *
 * Every edge is a byte of step 2^-k, with the k of least squared error on 512 training images;
 * weights are bytes of a step for each output, which is a whole number of 15 bits times a power of
 * two, so that the integers of a digital processor say the same as the file. Scores and softmax are
 * not rounded in the file; with test images the rows printed are those of the floats, and of the
 * integers with softmax on grids of 8 and 6 bits and unrounded.
 *
 * The integers are plain loops, so that another program may be held to them.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "net.h"
#include "test/onnx_make.h"

enum { CALIBRATE = 512, PIXELS = SIDE * SIDE, TESTS = 10000 };

/* y[o] = clamp(rne((sum x w * m[o] + b[o] + (r << (shift[o] + r_shift))) / 2^shift[o])) */
struct matrix {
    int     rows, columns;
    int8_t *w; // [row][column]
    int64_t *m, *b;
    int     *shift, r_shift;
    float   *scale, *bias; // as the file has them
    int32_t low, high;
};

struct coded_layer {
    struct matrix q, k, v, o, f1, f2;
    int kx, knorm1, kq, kk, kv, kheads, kmiddle, knorm2, kf1, kgelu; // steps are 2^-k
    int8_t gelu[256];
};

struct coded {
    const struct vit *v;
    struct matrix conv1, conv2, fc;
    int kin, kstem, kconv2, kplace, klast, knorm, kmean;
    int8_t place[TOKENS * HIDDEN];
    struct coded_layer layer[LAYERS];
};

static double rne(double v)
{
    return nearbyint(v);
}

static int32_t cut(double v, int32_t low, int32_t high)
{
    v = rne(v);
    return v < low ? low : v > high ? high : (int32_t)v;
}

/* ---- steps ---- */

/* The k of least squared error; columns [first, first + width) of rows of `stride` floats. */
static int best_k(const float *x, size_t rows, size_t stride, size_t first, size_t width, int low)
{
    double least = INFINITY;
    int best = 0;

    for (int k = -4; k <= 12; k++) {
        double error = 0, step = ldexp(1, -k);
        for (size_t i = 0; i < rows; i++)
            for (size_t j = first; j < first + width; j++) {
                double v = (double)x[i * stride + j];
                double d = cut(v / step, low, low + 255) * step - v;
                error += d * d;
            }
        if (error < least) {
            least = error;
            best = k;
        }
    }
    return best;
}

/* w[rows][columns] of floats, column `first` on of `stride`; inputs of step 2^-kx, outputs of
 * 2^-ky. */
static struct matrix code_matrix(const float *w, const float *bias, int rows, int stride, int first,
                                 int columns, int kx, int ky)
{
    const size_t n = (size_t)columns;
    struct matrix q = { rows, columns, malloc((size_t)rows * n), calloc(n, sizeof *q.m),
                        calloc(n, sizeof *q.b), calloc(n, sizeof *q.shift), 0,
                        calloc(n, sizeof *q.scale), calloc(n, sizeof *q.bias), -128, 127 };

    for (int o = 0; o < columns; o++) {
        double most = 1e-6;
        for (int i = 0; i < rows; i++)
            most = fmax(most, fabs((double)w[i * stride + first + o]));
        double a = most / 127 * ldexp(1, ky - kx);
        q.shift[o] = 15 + (int)floor(-log2(a));
        q.m[o] = (int64_t)rne(ldexp(a, q.shift[o]));
        double step = ldexp((double)q.m[o], kx - ky - q.shift[o]);
        q.scale[o] = (float)step;
        for (int i = 0; i < rows; i++)
            q.w[i * columns + o] =
                (int8_t)cut((double)w[i * stride + first + o] / step, -127, 127);
        double b = rne(ldexp((double)bias[first + o], ky + q.shift[o]));
        int more = fabs(b) < 1 ? 0 : ilogb(b) - 23; // bits that a float does not hold
        if (more > 0)
            b = ldexp(rne(ldexp(b, -more)), more);
        q.b[o] = (int64_t)b;
        q.bias[o] = (float)ldexp(b, -ky - q.shift[o]);
    }
    return q;
}

static double gelu_of(double x)
{
    return x * 0.5 * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
}

static void code_layer(struct coded_layer *q, const struct vit *v, const struct vit_work *w, int l)
{
    const struct vit_layer *f = &v->layer[l];
    const size_t rows = (size_t)CALIBRATE * TOKENS;
    const float *out = l + 1 < LAYERS ? w->layer[l + 1].x : w->last;
    const int kout = best_k(out, rows, HIDDEN, 0, HIDDEN, -128);

    q->kx = best_k(w->layer[l].x, rows, HIDDEN, 0, HIDDEN, -128);
    q->knorm1 = best_k(w->layer[l].norm1, rows, HIDDEN, 0, HIDDEN, -128);
    q->kq = best_k(w->layer[l].qkv, rows, 3 * HIDDEN, 0, HIDDEN, -128);
    q->kk = best_k(w->layer[l].qkv, rows, 3 * HIDDEN, HIDDEN, HIDDEN, -128);
    q->kv = best_k(w->layer[l].qkv, rows, 3 * HIDDEN, 2 * HIDDEN, HIDDEN, -128);
    q->kheads = best_k(w->layer[l].heads, rows, HIDDEN, 0, HIDDEN, -128);
    q->kmiddle = best_k(w->layer[l].middle, rows, HIDDEN, 0, HIDDEN, -128);
    q->knorm2 = best_k(w->layer[l].norm2, rows, HIDDEN, 0, HIDDEN, -128);
    q->kf1 = best_k(w->layer[l].f1, rows, FFN, 0, FFN, -128);
    q->kgelu = best_k(w->layer[l].gelu, rows, FFN, 0, FFN, -128);
    q->q = code_matrix(f->qkv, f->qkv_bias, HIDDEN, 3 * HIDDEN, 0, HIDDEN, q->knorm1, q->kq);
    q->k = code_matrix(f->qkv, f->qkv_bias, HIDDEN, 3 * HIDDEN, HIDDEN, HIDDEN, q->knorm1, q->kk);
    q->v = code_matrix(f->qkv, f->qkv_bias, HIDDEN, 3 * HIDDEN, 2 * HIDDEN, HIDDEN, q->knorm1,
                       q->kv);
    q->o = code_matrix(f->o, f->o_bias, HIDDEN, HIDDEN, 0, HIDDEN, q->kheads, q->kmiddle);
    q->o.r_shift = q->kmiddle - q->kx;
    q->f1 = code_matrix(f->f1, f->f1_bias, HIDDEN, FFN, 0, FFN, q->knorm2, q->kf1);
    q->f2 = code_matrix(f->f2, f->f2_bias, FFN, HIDDEN, 0, HIDDEN, q->kgelu, kout);
    q->f2.r_shift = kout - q->kmiddle;
    for (int i = 0; i < 256; i++)
        q->gelu[i] = (int8_t)cut(ldexp(gelu_of(ldexp((int8_t)i, -q->kf1)), q->kgelu), -128, 127);
}

static void code_all(struct coded *q, const struct vit *v, const struct vit_work *w)
{
    const size_t rows = (size_t)CALIBRATE * TOKENS;

    q->v = v;
    q->kin = 7;
    q->kstem = best_k(w->stem, (size_t)CALIBRATE * STEM_SIDE * STEM_SIDE, STEM, 0, STEM, 0);
    q->kconv2 = best_k(w->conv2, rows, HIDDEN, 0, HIDDEN, -128);
    q->kplace = best_k(v->place, TOKENS, HIDDEN, 0, HIDDEN, -128);
    for (int i = 0; i < TOKENS * HIDDEN; i++)
        q->place[i] = (int8_t)cut(ldexp((double)v->place[i], q->kplace), -127, 127);
    for (int l = 0; l < LAYERS; l++)
        code_layer(&q->layer[l], v, w, l);
    q->klast = best_k(w->last, rows, HIDDEN, 0, HIDDEN, -128);
    q->knorm = best_k(w->norm, rows, HIDDEN, 0, HIDDEN, -128);
    q->kmean = best_k(w->mean, CALIBRATE, HIDDEN, 0, HIDDEN, -128);
    q->conv1 = code_matrix(v->conv1, v->conv1_bias, STEM_ROWS, STEM, 0, STEM, q->kin, q->kstem);
    q->conv1.low = 0;
    q->conv1.high = 255;
    q->conv2 = code_matrix(v->conv2, v->conv2_bias, CONV_ROWS, HIDDEN, 0, HIDDEN, q->kstem,
                           q->kconv2);
    float most = 0; // one step for all classes, whose sums are compared
    for (int i = 0; i < HIDDEN * CLASSES; i++)
        most = fmaxf(most, fabsf(v->fc[i]));
    q->fc = code_matrix(v->fc, v->fc_bias, HIDDEN, CLASSES, 0, CLASSES, q->kmean, q->kmean);
    for (int o = 0; o < CLASSES; o++) {
        q->fc.scale[o] = most / 127;
        for (int i = 0; i < HIDDEN; i++)
            q->fc.w[i * CLASSES + o] =
                (int8_t)cut((double)(v->fc[i * CLASSES + o] / q->fc.scale[o]), -127, 127);
        double unit = ldexp((double)q->fc.scale[o], -q->kmean);
        q->fc.b[o] = (int64_t)rne((double)v->fc_bias[o] / unit);
        q->fc.bias[o] = (float)((double)q->fc.b[o] * unit);
    }
}

/* ---- integers, image by image ---- */

static int64_t shift_even(int64_t t, int s) // t / 2^s to nearest, ties to even
{
    return (t + (INT64_C(1) << (s - 1)) - 1 + ((t >> s) & 1)) >> s;
}

/* y[rows][columns] of x[rows][m->rows]; residual NULL: none. */
static void run_matrix(const struct matrix *m, int rows, const int32_t *x, const int32_t *residual,
                       int32_t *y)
{
    for (int i = 0; i < rows; i++, x += m->rows) {
        int32_t acc[3 * HIDDEN] = { 0 };
        for (int k = 0; k < m->rows; k++)
            for (int o = 0; o < m->columns; o++)
                acc[o] += x[k] * m->w[k * m->columns + o];
        for (int o = 0; o < m->columns; o++) {
            int64_t t = acc[o] * m->m[o] + m->b[o];
            if (residual)
                t += residual[i * m->columns + o] * (INT64_C(1) << (m->shift[o] + m->r_shift));
            t = shift_even(t, m->shift[o]);
            y[i * m->columns + o] = (int32_t)(t < m->low ? m->low : t > m->high ? m->high : t);
        }
    }
}

static void run_norm(const int32_t *x, const float *gain, const float *offset, int kx, int ky,
                     int32_t *y)
{
    for (int t = 0; t < TOKENS; t++, x += HIDDEN, y += HIDDEN) {
        int64_t sum = 0, squares = 0;
        for (int c = 0; c < HIDDEN; c++) {
            sum += x[c];
            squares += (int64_t)x[c] * x[c];
        }
        double root = sqrt((double)(HIDDEN * squares - sum * sum) +
                           (double)HIDDEN * HIDDEN * (double)1e-5F * ldexp(1, 2 * kx));
        for (int c = 0; c < HIDDEN; c++)
            y[c] = cut((double)(HIDDEN * x[c] - sum) / root * ldexp((double)gain[c], ky) +
                           ldexp((double)offset[c], ky), -128, 127);
    }
}

static int32_t narrowed(int32_t v, int bits)
{
    int32_t most = (1 << (bits - 1)) - 1, r = bits == 8 ? v : (int32_t)shift_even(v, 8 - bits);

    return r > most ? most : r < -most ? -most : r;
}

/* bits 0: softmax is not rounded. */
static void run_attention(const struct coded_layer *l, int bits, const int32_t *q, const int32_t *k,
                          const int32_t *v, int32_t *out)
{
    const int b = bits ? bits : 8;
    const double score = 0.25 * ldexp(1, 2 * (8 - b) - l->kq - l->kk);
    const double unit = ldexp(1, l->kheads - l->kv + 8 - b);

    for (int h = 0; h < HEADS; h++)
        for (int i = 0; i < TOKENS; i++) {
            double p[TOKENS], sum = 0;
            int32_t s[TOKENS], most = INT32_MIN;
            for (int j = 0; j < TOKENS; j++) {
                s[j] = 0;
                for (int c = h * HEAD; c < (h + 1) * HEAD; c++)
                    s[j] += bits && bits < 8 ? narrowed(q[i * HIDDEN + c], b) *
                                                   narrowed(k[j * HIDDEN + c], b)
                                             : q[i * HIDDEN + c] * k[j * HIDDEN + c];
                most = s[j] > most ? s[j] : most;
            }
            for (int j = 0; j < TOKENS; j++) {
                p[j] = exp((s[j] - most) * score);
                p[j] = bits ? rne(p[j] * ((1 << b) - 1)) : p[j];
                sum += p[j];
            }
            for (int c = h * HEAD; c < (h + 1) * HEAD; c++) {
                double acc = 0;
                for (int j = 0; j < TOKENS; j++)
                    acc += p[j] * (bits && bits < 8 ? narrowed(v[j * HIDDEN + c], b)
                                                    : v[j * HIDDEN + c]);
                out[i * HIDDEN + c] = cut(acc * unit / sum, -128, 127);
            }
        }
}

static void gather_codes(int32_t *rows, const int32_t *map, int side, int channels)
{
    for (int y = 0; y < side / 2; y++)
        for (int x = 0; x < side / 2; x++)
            for (int i = 0; i < 3; i++)
                for (int j = 0; j < 3; j++)
                    for (int c = 0; c < channels; c++) {
                        int r = 2 * y + i - 1, k = 2 * x + j - 1;
                        bool in = r >= 0 && k >= 0 && r < side && k < side;
                        *rows++ = in ? map[(r * side + k) * channels + c] : 0;
                    }
}

/* The class of an image. */
static int run_image(const struct coded *q, int bits, const uint8_t *image)
{
    static int32_t pixel[PIXELS], rows1[STEM_SIDE * STEM_SIDE * STEM_ROWS];
    static int32_t stem[STEM_SIDE * STEM_SIDE * STEM], rows2[TOKENS * CONV_ROWS];
    static int32_t x[TOKENS * HIDDEN], n[TOKENS * HIDDEN], a[TOKENS * HIDDEN], b[TOKENS * HIDDEN];
    static int32_t c[TOKENS * HIDDEN], middle[TOKENS * HIDDEN], f[TOKENS * FFN];
    int32_t mean[HIDDEN];
    int best = 0;

    for (int i = 0; i < PIXELS; i++)
        pixel[i] = image[i] - 128;
    gather_codes(rows1, pixel, SIDE, 1);
    run_matrix(&q->conv1, STEM_SIDE * STEM_SIDE, rows1, NULL, stem);
    gather_codes(rows2, stem, STEM_SIDE, STEM);
    run_matrix(&q->conv2, TOKENS, rows2, NULL, x);
    for (int i = 0; i < TOKENS * HIDDEN; i++)
        x[i] = cut(ldexp(x[i], q->layer[0].kx - q->kconv2) +
                       ldexp(q->place[i], q->layer[0].kx - q->kplace), -128, 127);
    for (int l = 0; l < LAYERS; l++) {
        const struct coded_layer *k = &q->layer[l];
        const struct vit_layer *v = &q->v->layer[l];
        run_norm(x, v->gain1, v->offset1, k->kx, k->knorm1, n);
        run_matrix(&k->q, TOKENS, n, NULL, a);
        run_matrix(&k->k, TOKENS, n, NULL, b);
        run_matrix(&k->v, TOKENS, n, NULL, c);
        run_attention(k, bits, a, b, c, n);
        run_matrix(&k->o, TOKENS, n, x, middle);
        run_norm(middle, v->gain2, v->offset2, k->kmiddle, k->knorm2, n);
        run_matrix(&k->f1, TOKENS, n, NULL, f);
        for (int i = 0; i < TOKENS * FFN; i++)
            f[i] = k->gelu[(uint8_t)f[i]];
        run_matrix(&k->f2, TOKENS, f, middle, x);
    }
    run_norm(x, q->v->gain, q->v->offset, q->klast, q->knorm, n);
    for (int o = 0; o < HIDDEN; o++) {
        int32_t sum = 0;
        for (int t = 0; t < TOKENS; t++)
            sum += n[t * HIDDEN + o];
        mean[o] = cut(ldexp(sum, q->kmean - q->knorm) / TOKENS, -128, 127);
    }
    int64_t score[CLASSES];
    for (int o = 0; o < CLASSES; o++) {
        score[o] = q->fc.b[o];
        for (int i = 0; i < HIDDEN; i++)
            score[o] += mean[i] * q->fc.w[i * CLASSES + o];
        best = score[o] > score[best] ? o : best;
    }
    return best;
}

/* ---- the file ---- */

struct file {
    Onnx__ModelProto *model;
    char              at[64]; // the edge that the next node reads
};

static void put_node(struct file *f, const char *op, const char *inputs, const char *output)
{
    make_node(f->model, op, output, inputs, output);
}

/* A rounded edge of step 2^-k; the next node reads it. */
static void put_edge(struct file *f, const char *in, const char *name, int k, bool is_signed)
{
    make_qdq(f->model, in, name, (float)ldexp(1, -k),
             is_signed ? ONNX_TYPE(INT8) : ONNX_TYPE(UINT8), 0);
    snprintf(f->at, sizeof f->at, "%s", name);
}

static void put_floats(struct file *f, const char *name, int64_t n, const float *v)
{
    const int64_t dims[] = { n, -1 };

    make_tensor(f->model, name, ONNX_TYPE(FLOAT), dims, v, (size_t)n * sizeof *v);
}

static void put_axes(struct file *f, const char *name, size_t n, const int64_t *v)
{
    const int64_t dims[] = { (int64_t)n, -1 };

    make_tensor(f->model, name, ONNX_TYPE(INT64), dims, v, n * sizeof *v);
}

/* Bytes of a step for each output through DequantizeLinear, with zero points, which some runtimes
 * want, to value `name`. */
static void put_weights(struct file *f, const char *name, const int64_t *dims, const int8_t *w,
                        int64_t outputs, const float *scale, int64_t axis)
{
    char bytes[112], steps[112], zeros[112], inputs[512];
    const int64_t vector[] = { outputs, -1 };
    int8_t zero[3 * HIDDEN] = { 0 };
    size_t size = 1;

    for (const int64_t *d = dims; *d >= 0; d++)
        size *= (size_t)*d;
    snprintf(bytes, sizeof bytes, "%s.q", name);
    snprintf(steps, sizeof steps, "%s.scale", name);
    snprintf(zeros, sizeof zeros, "%s.zero", name);
    make_tensor(f->model, bytes, ONNX_TYPE(INT8), dims, w, size);
    put_floats(f, steps, outputs, scale);
    make_tensor(f->model, zeros, ONNX_TYPE(INT8), vector, zero, (size_t)outputs);
    snprintf(inputs, sizeof inputs, "%s %s %s", bytes, steps, zeros);
    make_int(make_node(f->model, "DequantizeLinear", name, inputs, name), "axis", axis);
}

/* at W + bias [+ residual], not rounded yet, as `name`.sum. */
static void put_matrix(struct file *f, const char *name, const struct matrix *m,
                       const char *residual)
{
    const int64_t dims[] = { m->rows, m->columns, -1 };
    char a[96], b[96], c[96], inputs[256];

    snprintf(a, sizeof a, "%s.w", name);
    put_weights(f, a, dims, m->w, m->columns, m->scale, 1);
    snprintf(inputs, sizeof inputs, "%s %s", f->at, a);
    snprintf(b, sizeof b, "%s.product", name);
    put_node(f, "MatMul", inputs, b);
    snprintf(a, sizeof a, "%s.bias", name);
    put_floats(f, a, m->columns, m->bias);
    snprintf(inputs, sizeof inputs, "%s %s", b, a);
    snprintf(c, sizeof c, residual ? "%s.biased" : "%s.sum", name);
    put_node(f, "Add", inputs, c);
    if (residual) {
        snprintf(inputs, sizeof inputs, "%s %s", c, residual);
        snprintf(b, sizeof b, "%s.sum", name);
        put_node(f, "Add", inputs, b);
    }
}

static void put_conv(struct file *f, const char *name, const struct matrix *m, int channels)
{
    const int64_t dims[] = { m->columns, channels, 3, 3, -1 }, pads[] = { 1, 1, 1, 1 };
    const int64_t sides[] = { 3, 3 }, strides[] = { 2, 2 };
    int8_t *w = malloc((size_t)m->rows * (size_t)m->columns), *to = w;
    char a[96], b[96], c[96], inputs[256];

    for (int o = 0; o < m->columns; o++)
        for (int k = 0; k < channels; k++)
            for (int i = 0; i < 9; i++)
                *to++ = m->w[(i * channels + k) * m->columns + o];
    snprintf(a, sizeof a, "%s.w", name);
    put_weights(f, a, dims, w, m->columns, m->scale, 0);
    snprintf(b, sizeof b, "%s.bias", name);
    put_floats(f, b, m->columns, m->bias);
    snprintf(inputs, sizeof inputs, "%s %s %s", f->at, a, b);
    snprintf(c, sizeof c, "%s.sum", name);
    Onnx__NodeProto *n = make_node(f->model, "Conv", name, inputs, c);
    make_ints(n, "kernel_shape", 2, sides);
    make_ints(n, "strides", 2, strides);
    make_ints(n, "pads", 4, pads);
    free(w);
}

static void put_norm(struct file *f, const char *name, const float *gain, const float *offset,
                     int k)
{
    char a[96], b[96], c[96], inputs[256];

    snprintf(a, sizeof a, "%s.gain", name);
    snprintf(b, sizeof b, "%s.offset", name);
    put_floats(f, a, HIDDEN, gain);
    put_floats(f, b, HIDDEN, offset);
    snprintf(inputs, sizeof inputs, "%s %s %s", f->at, a, b);
    snprintf(c, sizeof c, "%s.y", name);
    Onnx__NodeProto *n = make_node(f->model, "LayerNormalization", name, inputs, c);
    make_int(n, "axis", -1);
    make_float(n, "epsilon", 1e-5F);
    put_edge(f, c, name, k, true);
}

/* Heads of a map: [1][head][token][channel], of keys [1][head][channel][token]. */
static void put_heads(struct file *f, const char *name, bool keys)
{
    const int64_t cut[] = { 1, TOKENS, HEADS, HEAD }, heads[] = { 0, 2, 1, 3 };
    const int64_t across[] = { 0, 2, 3, 1 };
    char a[96], b[96], c[96], inputs[256];

    snprintf(a, sizeof a, "%s.axes", name);
    put_axes(f, a, 4, cut);
    snprintf(b, sizeof b, "%s.cut", name);
    snprintf(inputs, sizeof inputs, "%s %s", name, a);
    put_node(f, "Reshape", inputs, b);
    snprintf(c, sizeof c, "%s.heads", name);
    make_ints(make_node(f->model, "Transpose", c, b, c), "perm", 4, keys ? across : heads);
}

static void put_attention(struct file *f, const char *l, int k)
{
    static const int64_t back[] = { 0, 2, 1, 3 }, joined[] = { 1, TOKENS, HIDDEN };
    const float scale = 0.25F;
    char n[12][64], in[256];
    static const char *const names[] = { "q.heads", "k.heads", "v.heads", "scale", "scores",
                                         "scaled", "softmax", "mixed", "mixed.tokens",
                                         "axes", "joined", "att" };

    for (int i = 0; i < 12; i++)
        snprintf(n[i], sizeof n[i], "%s.%s", l, names[i]);
    snprintf(in, sizeof in, "%s %s", n[0], n[1]);
    put_node(f, "MatMul", in, n[4]);
    put_floats(f, n[3], 1, &scale);
    snprintf(in, sizeof in, "%s %s", n[4], n[3]);
    put_node(f, "Mul", in, n[5]);
    make_int(make_node(f->model, "Softmax", n[6], n[5], n[6]), "axis", -1);
    snprintf(in, sizeof in, "%s %s", n[6], n[2]);
    put_node(f, "MatMul", in, n[7]);
    make_ints(make_node(f->model, "Transpose", n[8], n[7], n[8]), "perm", 4, back);
    put_axes(f, n[9], 3, joined);
    snprintf(in, sizeof in, "%s %s", n[8], n[9]);
    put_node(f, "Reshape", in, n[10]);
    put_edge(f, n[10], n[11], k, true);
}

static void put_layer(struct file *f, const struct coded *q, int l, int kout)
{
    const struct coded_layer *k = &q->layer[l];
    const struct vit_layer *v = &q->v->layer[l];
    const struct { const char *name; const struct matrix *m; int k; } maps[] = {
        { "q", &k->q, k->kq }, { "k", &k->k, k->kk }, { "v", &k->v, k->kv },
    };
    char x[64], name[64], sum[80], layer[8], norm[64], middle[64];

    snprintf(x, sizeof x, "%s", f->at);
    snprintf(layer, sizeof layer, "l%d", l + 1);
    snprintf(norm, sizeof norm, "%s.norm1", layer);
    put_norm(f, norm, v->gain1, v->offset1, k->knorm1);
    for (int i = 0; i < 3; i++) {
        snprintf(f->at, sizeof f->at, "%s", norm);
        snprintf(name, sizeof name, "%s.%s", layer, maps[i].name);
        put_matrix(f, name, maps[i].m, NULL);
        snprintf(sum, sizeof sum, "%s.sum", name);
        put_edge(f, sum, name, maps[i].k, true);
        put_heads(f, name, i == 1);
    }
    put_attention(f, layer, k->kheads);
    snprintf(middle, sizeof middle, "%s.o", layer);
    put_matrix(f, middle, &k->o, x);
    snprintf(sum, sizeof sum, "%s.sum", middle);
    put_edge(f, sum, middle, k->kmiddle, true);
    snprintf(norm, sizeof norm, "%s.norm2", layer);
    put_norm(f, norm, v->gain2, v->offset2, k->knorm2);
    snprintf(name, sizeof name, "%s.f1", layer);
    put_matrix(f, name, &k->f1, NULL);
    snprintf(sum, sizeof sum, "%s.sum", name);
    put_edge(f, sum, name, k->kf1, true);
    snprintf(sum, sizeof sum, "%s.gelu.y", layer);
    make_text(make_node(f->model, "Gelu", sum, name, sum), "approximate", "tanh");
    snprintf(name, sizeof name, "%s.gelu", layer);
    put_edge(f, sum, name, k->kgelu, true);
    snprintf(name, sizeof name, "%s.f2", layer);
    put_matrix(f, name, &k->f2, middle);
    snprintf(sum, sizeof sum, "%s.sum", name);
    put_edge(f, sum, name, kout, true);
}

/* Tokens of the map, and what is stored for each place. */
static void put_tokens(struct file *f, const struct coded *q)
{
    static const int64_t flat[] = { 1, HIDDEN, TOKENS }, turned[] = { 0, 2, 1 };
    const int64_t dims[] = { 1, TOKENS, HIDDEN, -1 }, scalar[] = { -1 };
    const float step = (float)ldexp(1, -q->kplace);
    const int8_t zero = 0;

    put_axes(f, "tokens.axes", 3, flat);
    put_node(f, "Reshape", "conv2 tokens.axes", "tokens.flat");
    make_ints(make_node(f->model, "Transpose", "tokens", "tokens.flat", "tokens"), "perm", 3,
              turned);
    make_tensor(f->model, "place.q", ONNX_TYPE(INT8), dims, q->place, sizeof q->place);
    make_tensor(f->model, "place.scale", ONNX_TYPE(FLOAT), scalar, &step, sizeof step);
    make_tensor(f->model, "place.zero", ONNX_TYPE(INT8), scalar, &zero, sizeof zero);
    put_node(f, "DequantizeLinear", "place.q place.scale place.zero", "place");
    put_node(f, "Add", "tokens place", "placed.sum");
    put_edge(f, "placed.sum", "placed", q->layer[0].kx, true);
}

static void write_model(const char *path, const struct coded *q)
{
    static const int64_t classes[] = { 1, CLASSES }, one = 1;
    struct file f = { make_model(1, SIDE, SIDE), "" };
    size_t size;

    f.model->opset_import[0]->version = 20;
    f.model->ir_version = 9;
    put_edge(&f, "image", "pixels", q->kin, true);
    put_conv(&f, "conv1", &q->conv1, 1);
    put_node(&f, "Relu", "conv1.sum", "conv1.relu");
    put_edge(&f, "conv1.relu", "conv1", q->kstem, false);
    put_conv(&f, "conv2", &q->conv2, STEM);
    put_edge(&f, "conv2.sum", "conv2", q->kconv2, true);
    put_tokens(&f, q);
    for (int l = 0; l < LAYERS; l++)
        put_layer(&f, q, l, l + 1 < LAYERS ? q->layer[l + 1].kx : q->klast);
    put_norm(&f, "norm", q->v->gain, q->v->offset, q->knorm);
    put_axes(&f, "mean.axes", 1, &one);
    char in[80];
    snprintf(in, sizeof in, "%s mean.axes", f.at);
    make_int(make_node(f.model, "ReduceMean", "mean.y", in, "mean.y"), "keepdims", 0);
    put_edge(&f, "mean.y", "mean", q->kmean, true);
    put_matrix(&f, "fc", &q->fc, NULL);
    put_node(&f, "Identity", "fc.sum", "out");
    make_output(f.model, NULL, 2, classes);
    uint8_t *bytes = make_packed(f.model, &size);
    FILE *out = fopen(path, "wb");
    if (!out || fwrite(bytes, size, 1, out) != 1 || fclose(out) != 0) {
        perror(path);
        exit(1);
    }
    free(bytes);
    make_free(f.model);
}

/* ---- */

static void *read_whole(const char *path, size_t head, size_t n)
{
    gzFile f = gzopen(path, "rb");
    uint8_t *data = malloc(head + n);

    if (!f || !data || gzread(f, data, (unsigned)(head + n)) != (int)(head + n)) {
        fprintf(stderr, "%s: cannot read %zu bytes of it\n", path, head + n);
        exit(1);
    }
    gzclose(f);
    memmove(data, data + head, n);
    return data;
}

static void floats_of(float *to, const uint8_t *image, size_t n)
{
    for (size_t i = 0; i < n * PIXELS; i++)
        to[i] = (float)image[i] / 128 - 1;
}

static int right_in_floats(const struct vit *v, struct vit_work *w, const uint8_t *image,
                           const uint8_t *label)
{
    static float pixel[CALIBRATE * PIXELS], score[CALIBRATE * CLASSES];
    int right = 0;

    for (int first = 0; first < TESTS; first += CALIBRATE) {
        const int n = TESTS - first < CALIBRATE ? TESTS - first : CALIBRATE;
        floats_of(pixel, image + (size_t)first * PIXELS, (size_t)n);
        vit_forward(v, w, (uint32_t)n, pixel, score);
        for (int i = 0; i < n; i++) {
            int best = 0;
            for (int c = 1; c < CLASSES; c++)
                best = score[i * CLASSES + c] > score[i * CLASSES + best] ? c : best;
            right += best == label[first + i];
        }
    }
    return right;
}

int main(int argc, char **argv)
{
    static float pixel[CALIBRATE * PIXELS], score[CALIBRATE * CLASSES];
    static struct coded q;

    if (argc < 4)
        return fprintf(stderr, "usage: quantise WEIGHTS TRAINING-IMAGES MODEL.onnx "
                               "[TEST-IMAGES TEST-LABELS]\n"), 2;
    struct vit *v = read_whole(argv[1], 0, sizeof *v);
    uint8_t *train = read_whole(argv[2], 16, (size_t)CALIBRATE * PIXELS);
    struct vit_work *w = vit_work_new(CALIBRATE);
    if (!w)
        return fprintf(stderr, "no memory\n"), 1;
    floats_of(pixel, train, CALIBRATE);
    vit_forward(v, w, CALIBRATE, pixel, score);
    code_all(&q, v, w);
    write_model(argv[3], &q);
    if (argc > 5) {
        static const struct { const char *name; int bits; } rows[] = {
            { "softmax on a grid of 8 bits", 8 },
            { "of 6 bits, as queries, keys and values are", 6 },
            { "not rounded", 0 },
        };
        uint8_t *image = read_whole(argv[4], 16, (size_t)TESTS * PIXELS);
        uint8_t *label = read_whole(argv[5], 8, TESTS);
        printf("floats: %d of %d right\n", right_in_floats(v, w, image, label), TESTS);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            int right = 0;
            for (int t = 0; t < TESTS; t++)
                right += run_image(&q, rows[i].bits, image + (size_t)t * PIXELS) == label[t];
            printf("bytes, %s: %d\n", rows[i].name, right);
        }
        free(image);
        free(label);
    }
    free(train);
    vit_work_free(w);
    free(v);
    return 0;
}
