/* examples/vit/net.c -- see net.h. */
#include "net.h"

#include <cblas.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct vit_work *vit_work_new(uint32_t most)
{
    struct vit_work *w = calloc(1, sizeof *w);
    bool done = w != NULL;

#define MAKE(name, size) done = done && (w->name = calloc((size_t)most * (size), sizeof(float)));
#define MAKE_SEEN(name, size)                                                                     \
    done = done && (w->layer[l].name = calloc((size_t)most * (size), sizeof(float)));
    if (done) {
        VIT_WORK(MAKE)
        for (int l = 0; l < LAYERS; l++) {
            VIT_SEEN(MAKE_SEEN)
        }
    }
    if (done)
        return w;
    vit_work_free(w);
    return NULL;
}

void vit_work_free(struct vit_work *w)
{
    if (!w)
        return;
#define DROP(name, size) free(w->name);
#define DROP_SEEN(name, size) free(w->layer[l].name);
    VIT_WORK(DROP)
    for (int l = 0; l < LAYERS; l++) {
        VIT_SEEN(DROP_SEEN)
    }
    free(w);
}

/* ---- weights at the beginning ---- */

static double uniform(uint64_t *state) // SplitMix64 (Steele, Lea, Flood 2014)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static void scatter(float *w, int rows, int columns, double gain, uint64_t *state)
{
    const double wide = gain * sqrt(3.0 / rows); // of variance gain^2 / rows

    for (int i = 0; i < rows * columns; i++)
        w[i] = (float)((2 * uniform(state) - 1) * wide);
}

static void fill(float *w, size_t n, float v)
{
    for (size_t i = 0; i < n; i++)
        w[i] = v;
}

void vit_begin(struct vit *v, uint64_t seed)
{
    uint64_t s = seed;

    memset(v, 0, sizeof *v);
    scatter(v->conv1, STEM_ROWS, STEM, 1.4, &s);
    scatter(v->conv2, CONV_ROWS, HIDDEN, 1, &s);
    scatter(v->place, 1, TOKENS * HIDDEN, 0.02, &s);
    scatter(v->fc, HIDDEN, CLASSES, 0.5, &s);
    fill(v->gain, HIDDEN, 1);
    for (int l = 0; l < LAYERS; l++) {
        struct vit_layer *k = &v->layer[l];
        scatter(k->qkv, HIDDEN, 3 * HIDDEN, 0.8, &s);
        scatter(k->o, HIDDEN, HIDDEN, 0.3, &s);
        scatter(k->f1, HIDDEN, FFN, 1, &s);
        scatter(k->f2, FFN, HIDDEN, 0.3, &s);
        fill(k->gain1, HIDDEN, 1);
        fill(k->gain2, HIDDEN, 1);
    }
}

/* ---- pieces ---- */

/* y[rows][n] = x[rows][k] w[k][n] + bias */
static void linear(float *y, const float *x, const float *w, const float *bias, size_t rows, int k,
                   int n)
{
    for (size_t i = 0; i < rows; i++)
        memcpy(y + i * (size_t)n, bias, (size_t)n * sizeof *y);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, n, k, 1, x, k, w, n, 1, y, n);
}

/* Slopes of that: dw += x^T dy, dbias += dy, dx = dy w^T (dx NULL: nobody wants it). */
static void linear_back(float *dx, float *dw, float *dbias, const float *x, const float *dy,
                        const float *w, size_t rows, int k, int n)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, k, n, (int)rows, 1, x, k, dy, n, 1, dw, n);
    for (size_t i = 0; i < rows; i++)
        for (int j = 0; j < n; j++)
            dbias[j] += dy[i * (size_t)n + (size_t)j];
    if (dx)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, k, n, 1, dy, n, w, n, 0, dx,
                    k);
}

#define EPS 1e-5F

static void moments(const float *x, float *mean, float *root)
{
    float sum = 0, squares = 0;

    for (int c = 0; c < HIDDEN; c++)
        sum += x[c];
    sum /= HIDDEN;
    for (int c = 0; c < HIDDEN; c++)
        squares += (x[c] - sum) * (x[c] - sum);
    *mean = sum;
    *root = sqrtf(squares / HIDDEN + EPS);
}

static void norm(float *y, const float *x, const float *gain, const float *offset, size_t rows)
{
    for (size_t i = 0; i < rows; i++, x += HIDDEN, y += HIDDEN) {
        float mean, root;
        moments(x, &mean, &root);
        for (int c = 0; c < HIDDEN; c++)
            y[c] = (x[c] - mean) / root * gain[c] + offset[c];
    }
}

/* dx += slope of x. */
static void norm_back(float *dx, float *dgain, float *doffset, const float *x, const float *dy,
                      const float *gain, size_t rows)
{
    for (size_t i = 0; i < rows; i++, x += HIDDEN, dy += HIDDEN, dx += HIDDEN) {
        float mean, root, sum = 0, along = 0;
        moments(x, &mean, &root);
        for (int c = 0; c < HIDDEN; c++) {
            float unit = (x[c] - mean) / root;
            dgain[c] += dy[c] * unit;
            doffset[c] += dy[c];
            sum += dy[c] * gain[c];
            along += dy[c] * gain[c] * unit;
        }
        for (int c = 0; c < HIDDEN; c++) {
            float unit = (x[c] - mean) / root;
            dx[c] += (dy[c] * gain[c] - sum / HIDDEN - unit * along / HIDDEN) / root;
        }
    }
}

/* The form by tanh (Hendrycks and Gimpel 2016): x times a logistic function. */
static float gelu_gate(float x)
{
    return 1 / (1 + expf(-1.5957691F * (x + 0.044715F * x * x * x)));
}

static void gelu(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * gelu_gate(x[i]);
}

static void gelu_back(float *d, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float s = gelu_gate(x[i]);
        d[i] *= s + x[i] * s * (1 - s) * 1.5957691F * (1 + 3 * 0.044715F * x[i] * x[i]);
    }
}

/* ---- attention of one image and head ---- */

static void softmax(float *p)
{
    for (int i = 0; i < TOKENS; i++, p += TOKENS) {
        float most = p[0], sum = 0;
        for (int j = 1; j < TOKENS; j++)
            most = p[j] > most ? p[j] : most;
        for (int j = 0; j < TOKENS; j++)
            sum += p[j] = expf(p[j] - most);
        for (int j = 0; j < TOKENS; j++)
            p[j] /= sum;
    }
}

#define SCALE 0.25F // 1 / sqrt(HEAD)

static void attend(float *out, float *p, const float *qkv)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, TOKENS, TOKENS, HEAD, SCALE, qkv,
                3 * HIDDEN, qkv + HIDDEN, 3 * HIDDEN, 0, p, TOKENS);
    softmax(p);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, TOKENS, HEAD, TOKENS, 1, p, TOKENS,
                qkv + 2 * HIDDEN, 3 * HIDDEN, 0, out, HIDDEN);
}

static void attend_back(float *dqkv, const float *dout, const float *p, const float *qkv)
{
    float dp[TOKENS * TOKENS];

    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, TOKENS, HEAD, TOKENS, 1, p, TOKENS, dout,
                HIDDEN, 0, dqkv + 2 * HIDDEN, 3 * HIDDEN);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, TOKENS, TOKENS, HEAD, 1, dout, HIDDEN,
                qkv + 2 * HIDDEN, 3 * HIDDEN, 0, dp, TOKENS);
    for (int i = 0; i < TOKENS; i++) {
        float along = 0;
        for (int j = 0; j < TOKENS; j++)
            along += dp[i * TOKENS + j] * p[i * TOKENS + j];
        for (int j = 0; j < TOKENS; j++)
            dp[i * TOKENS + j] = (dp[i * TOKENS + j] - along) * p[i * TOKENS + j];
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, TOKENS, HEAD, TOKENS, SCALE, dp, TOKENS,
                qkv + HIDDEN, 3 * HIDDEN, 0, dqkv, 3 * HIDDEN);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, TOKENS, HEAD, TOKENS, SCALE, dp, TOKENS,
                qkv, 3 * HIDDEN, 0, dqkv + HIDDEN, 3 * HIDDEN);
}

/* ---- the two convolutions: 3x3, stride 2, one pixel of zeros around ---- */

static void gather(float *rows, const float *map, int side, int channels)
{
    for (int y = 0; y < side / 2; y++)
        for (int x = 0; x < side / 2; x++)
            for (int i = 0; i < 3; i++)
                for (int j = 0; j < 3; j++, rows += channels) {
                    int r = 2 * y + i - 1, c = 2 * x + j - 1;
                    if (r < 0 || c < 0 || r >= side || c >= side)
                        memset(rows, 0, (size_t)channels * sizeof *rows);
                    else
                        memcpy(rows, map + (r * side + c) * channels,
                               (size_t)channels * sizeof *rows);
                }
}

/* map += what the rows were gathered from. */
static void scatter_back(float *map, const float *rows, int side, int channels)
{
    for (int y = 0; y < side / 2; y++)
        for (int x = 0; x < side / 2; x++)
            for (int i = 0; i < 3; i++)
                for (int j = 0; j < 3; j++, rows += channels) {
                    int r = 2 * y + i - 1, c = 2 * x + j - 1;
                    for (int k = 0; r >= 0 && c >= 0 && r < side && c < side && k < channels; k++)
                        map[(r * side + c) * channels + k] += rows[k];
                }
}

/* ---- all of it ---- */

static void layer_forward(const struct vit_layer *v, struct vit_work *w, int l, uint32_t n,
                          float *out)
{
    const size_t rows = (size_t)n * TOKENS, size = rows * HIDDEN;
    float *x = w->layer[l].x, *middle = w->layer[l].middle, *qkv = w->layer[l].qkv;

    norm(w->layer[l].norm1, x, v->gain1, v->offset1, rows);
    linear(qkv, w->layer[l].norm1, v->qkv, v->qkv_bias, rows, HIDDEN, 3 * HIDDEN);
    for (size_t i = 0; i < n; i++)
        for (size_t h = 0; h < HEADS; h++)
            attend(w->layer[l].heads + i * TOKENS * HIDDEN + h * HEAD,
                   w->layer[l].p + (i * HEADS + h) * TOKENS * TOKENS,
                   qkv + i * TOKENS * 3 * HIDDEN + h * HEAD);
    linear(middle, w->layer[l].heads, v->o, v->o_bias, rows, HIDDEN, HIDDEN);
    for (size_t i = 0; i < size; i++)
        middle[i] += x[i];
    norm(w->layer[l].norm2, middle, v->gain2, v->offset2, rows);
    linear(w->layer[l].f1, w->layer[l].norm2, v->f1, v->f1_bias, rows, HIDDEN, FFN);
    gelu(w->layer[l].gelu, w->layer[l].f1, rows * FFN);
    linear(out, w->layer[l].gelu, v->f2, v->f2_bias, rows, FFN, HIDDEN);
    for (size_t i = 0; i < size; i++)
        out[i] += middle[i];
}

void vit_forward(const struct vit *v, struct vit_work *w, uint32_t n, const float *pixel,
                 float *scores)
{
    const size_t rows = (size_t)n * TOKENS;
    float *x = w->layer[0].x;

    for (size_t i = 0; i < n; i++)
        gather(w->rows1 + i * STEM_SIDE * STEM_SIDE * STEM_ROWS, pixel + i * SIDE * SIDE, SIDE, 1);
    linear(w->stem, w->rows1, v->conv1, v->conv1_bias, (size_t)n * STEM_SIDE * STEM_SIDE, STEM_ROWS,
           STEM);
    for (size_t i = 0; i < (size_t)n * STEM_SIDE * STEM_SIDE * STEM; i++)
        w->stem[i] = w->stem[i] > 0 ? w->stem[i] : 0;
    for (size_t i = 0; i < n; i++)
        gather(w->rows2 + i * TOKENS * CONV_ROWS, w->stem + i * STEM_SIDE * STEM_SIDE * STEM,
               STEM_SIDE, STEM);
    linear(w->conv2, w->rows2, v->conv2, v->conv2_bias, rows, CONV_ROWS, HIDDEN);
    for (size_t i = 0; i < rows * HIDDEN; i++)
        x[i] = w->conv2[i] + v->place[i % (TOKENS * HIDDEN)];
    for (int l = 0; l < LAYERS; l++)
        layer_forward(&v->layer[l], w, l, n, l + 1 < LAYERS ? w->layer[l + 1].x : w->last);
    norm(w->norm, w->last, v->gain, v->offset, rows);
    memset(w->mean, 0, (size_t)n * HIDDEN * sizeof(float));
    for (size_t i = 0; i < rows * HIDDEN; i++)
        w->mean[i / (TOKENS * HIDDEN) * HIDDEN + i % HIDDEN] += w->norm[i] / TOKENS;
    linear(scores, w->mean, v->fc, v->fc_bias, n, HIDDEN, CLASSES);
}

static void layer_backward(const struct vit_layer *v, struct vit_work *w, int l, uint32_t n,
                           struct vit_layer *s)
{
    const size_t rows = (size_t)n * TOKENS;
    float *d = w->d, *wide = w->d2, *dqkv = w->d3;
    float *dnorm = w->d3; // free until dqkv is made

    linear_back(wide, s->f2, s->f2_bias, w->layer[l].gelu, d, v->f2, rows, FFN, HIDDEN);
    gelu_back(wide, w->layer[l].f1, rows * FFN);
    linear_back(dnorm, s->f1, s->f1_bias, w->layer[l].norm2, wide, v->f1, rows, HIDDEN, FFN);
    norm_back(d, s->gain2, s->offset2, w->layer[l].middle, dnorm, v->gain2, rows);
    float *dheads = w->d2;
    linear_back(dheads, s->o, s->o_bias, w->layer[l].heads, d, v->o, rows, HIDDEN, HIDDEN);
    for (size_t i = 0; i < n; i++)
        for (size_t h = 0; h < HEADS; h++)
            attend_back(dqkv + i * TOKENS * 3 * HIDDEN + h * HEAD,
                        dheads + i * TOKENS * HIDDEN + h * HEAD,
                        w->layer[l].p + (i * HEADS + h) * TOKENS * TOKENS,
                        w->layer[l].qkv + i * TOKENS * 3 * HIDDEN + h * HEAD);
    linear_back(dheads, s->qkv, s->qkv_bias, w->layer[l].norm1, dqkv, v->qkv, rows, HIDDEN,
                3 * HIDDEN);
    norm_back(d, s->gain1, s->offset1, w->layer[l].x, dheads, v->gain1, rows);
}

void vit_backward(const struct vit *v, struct vit_work *w, uint32_t n, const float *score_slope,
                  struct vit *slope)
{
    const size_t rows = (size_t)n * TOKENS;
    float *dmean = w->d2, *dnorm = w->d3;

    linear_back(dmean, slope->fc, slope->fc_bias, w->mean, score_slope, v->fc, n, HIDDEN, CLASSES);
    for (size_t i = 0; i < rows * HIDDEN; i++)
        dnorm[i] = dmean[i / (TOKENS * HIDDEN) * HIDDEN + i % HIDDEN] / TOKENS;
    memset(w->d, 0, rows * HIDDEN * sizeof(float));
    norm_back(w->d, slope->gain, slope->offset, w->last, dnorm, v->gain, rows);
    for (int l = LAYERS - 1; l >= 0; l--)
        layer_backward(&v->layer[l], w, l, n, &slope->layer[l]);
    for (size_t i = 0; i < rows * HIDDEN; i++)
        slope->place[i % (TOKENS * HIDDEN)] += w->d[i];
    linear_back(w->d4, slope->conv2, slope->conv2_bias, w->rows2, w->d, v->conv2, rows, CONV_ROWS,
                HIDDEN);
    const size_t stem = (size_t)STEM_SIDE * STEM_SIDE * STEM;
    float *dstem = w->layer[0].f1; // has been read
    memset(dstem, 0, n * stem * sizeof(float));
    for (size_t i = 0; i < n; i++)
        scatter_back(dstem + i * stem, w->d4 + i * TOKENS * CONV_ROWS, STEM_SIDE, STEM);
    for (size_t i = 0; i < n * stem; i++)
        dstem[i] = w->stem[i] > 0 ? dstem[i] : 0;
    linear_back(NULL, slope->conv1, slope->conv1_bias, w->rows1, dstem, v->conv1,
                (size_t)n * STEM_SIDE * STEM_SIDE, STEM_ROWS, STEM);
}
