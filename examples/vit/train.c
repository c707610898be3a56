/* examples/vit/train.c -- trains the vision transformer of net.h on Fashion-MNIST.
 *
 *     train IMAGES LABELS WEIGHTS [EPOCHS [SEED]]
 *
 * IMAGES and LABELS are the 60,000 of Debian's package dataset-fashion-mnist, gzip or not; WEIGHTS
 * is written, the floats of struct vit as they are, after every epoch. AdamW (Loshchilov and Hutter
 * 2019), a rate that rises for an epoch and falls along a cosine, labels smoothed by 0.1; images
 * are shifted by at most 2 pixels and flipped. The weights that are written are a running mean of
 * those that are trained. Nothing is looked at but training images.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "net.h"

enum { IMAGES = 60000, BATCH = 100, PIXELS = SIDE * SIDE, HEAD_BYTES = 16, LABEL_BYTES = 8 };

static uint64_t state;

static uint64_t draw(void) // SplitMix64
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint8_t *read_idx(const char *path, size_t head, size_t n)
{
    gzFile f = gzopen(path, "rb");
    uint8_t *data = malloc(head + n);

    if (!f || !data || gzread(f, data, (unsigned)(head + n)) != (int)(head + n)) {
        fprintf(stderr, "%s: want Fashion-MNIST's training set\n", path);
        exit(1);
    }
    gzclose(f);
    memmove(data, data + head, n);
    return data;
}

/* A pixel p is p / 128 - 1, so that a byte less 128 is a code of step 2^-7; outside it is black. */
static void take(float *to, const uint8_t *image)
{
    const int dx = (int)(draw() % 5) - 2, dy = (int)(draw() % 5) - 2;
    const bool flip = draw() % 2;

    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            int r = y + dy, c = (flip ? SIDE - 1 - x : x) + dx;
            bool in = r >= 0 && c >= 0 && r < SIDE && c < SIDE;
            *to++ = (float)(in ? image[r * SIDE + c] : 0) / 128 - 1;
        }
}

/* Slopes of the mean loss by scores; returns the number that is right. */
static int judge(const float *scores, const uint8_t *label, float *slope, double *loss)
{
    int right = 0;

    for (int i = 0; i < BATCH; i++, scores += CLASSES, slope += CLASSES) {
        float most = scores[0], sum = 0;
        int best = 0;
        for (int c = 1; c < CLASSES; c++)
            if (scores[c] > most) {
                most = scores[c];
                best = c;
            }
        for (int c = 0; c < CLASSES; c++)
            sum += slope[c] = expf(scores[c] - most);
        right += best == label[i];
        for (int c = 0; c < CLASSES; c++) {
            float p = slope[c] / sum, want = 0.1F / CLASSES + (c == label[i] ? 0.9F : 0);
            *loss -= want * logf(p > 1e-12F ? p : 1e-12F) / BATCH;
            slope[c] = (p - want) / BATCH;
        }
    }
    return right;
}

struct adam {
    struct vit first, second, mean;
    double     steps;
};

static void step(struct vit *v, struct adam *a, const struct vit *slope, double rate)
{
    float *w = (float *)v, *m = (float *)&a->first, *s = (float *)&a->second;
    float *mean = (float *)&a->mean;
    const float *g = (const float *)slope;

    a->steps++;
    const float c1 = (float)(1 - pow(0.9, a->steps)), c2 = (float)(1 - pow(0.999, a->steps));
    const float keep = (float)fmin(0.9995, 1 - 1 / a->steps), r = (float)rate;
    for (size_t i = 0; i < VIT_WEIGHTS; i++) {
        m[i] = 0.9F * m[i] + 0.1F * g[i];
        s[i] = 0.999F * s[i] + 0.001F * g[i] * g[i];
        w[i] -= r * (m[i] / c1 / (sqrtf(s[i] / c2) + 1e-8F) + 0.05F * w[i]);
        mean[i] = keep * mean[i] + (1 - keep) * w[i];
    }
}

static void write_weights(const char *path, const struct vit *v)
{
    char part[4096];
    snprintf(part, sizeof part, "%s.part", path);
    FILE *f = fopen(part, "wb");

    if (!f || fwrite(v, sizeof *v, 1, f) != 1 || fclose(f) != 0 || rename(part, path) != 0) {
        perror(path);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return fprintf(stderr, "usage: train IMAGES LABELS WEIGHTS [EPOCHS [SEED]]\n"), 2;
    const int epochs = argc > 4 ? atoi(argv[4]) : 36, batches = IMAGES / BATCH;
    uint8_t *image = read_idx(argv[1], HEAD_BYTES, (size_t)IMAGES * PIXELS);
    uint8_t *label = read_idx(argv[2], LABEL_BYTES, IMAGES);
    struct vit *v = malloc(sizeof *v), *slope = malloc(sizeof *slope);
    struct adam *a = calloc(1, sizeof *a);
    struct vit_work *w = vit_work_new(BATCH);
    static float pixel[BATCH * PIXELS], scores[BATCH * CLASSES], by_score[BATCH * CLASSES];
    static uint32_t order[IMAGES];

    if (!v || !slope || !a || !w)
        return fprintf(stderr, "no memory\n"), 1;
    state = argc > 5 ? strtoull(argv[5], NULL, 10) : 1;
    vit_begin(v, state);
    for (uint32_t i = 0; i < IMAGES; i++)
        order[i] = i;
    for (int e = 0; e < epochs; e++) {
        double loss = 0;
        int right = 0;
        for (uint32_t i = IMAGES - 1; i > 0; i--) { // Fisher and Yates
            uint32_t j = (uint32_t)(draw() % (i + 1)), k = order[i];
            order[i] = order[j];
            order[j] = k;
        }
        for (int b = 0; b < batches; b++) {
            uint8_t want[BATCH];
            for (int i = 0; i < BATCH; i++) {
                uint32_t at = order[b * BATCH + i];
                take(pixel + i * PIXELS, image + (size_t)at * PIXELS);
                want[i] = label[at];
            }
            double t = e + (double)b / batches, warm = 1;
            double along = 3.14159265358979 * (t - warm) / (epochs - warm);
            double rate = t < warm ? t / warm : 0.5 * (1 + cos(along));
            vit_forward(v, w, BATCH, pixel, scores);
            right += judge(scores, want, by_score, &loss);
            memset(slope, 0, sizeof *slope);
            vit_backward(v, w, BATCH, by_score, slope);
            step(v, a, slope, 0.002 * rate);
        }
        write_weights(argv[3], &a->mean);
        printf("epoch %d of %d: loss %.4f, %.2f %% of training images right\n", e + 1, epochs,
               loss / batches, 100.0 * right / IMAGES);
        fflush(stdout);
    }
    vit_work_free(w);
    free(image);
    free(label);
    free(v);
    free(slope);
    free(a);
    return 0;
}
