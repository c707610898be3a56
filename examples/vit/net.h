/* examples/vit/net.h -- a small vision transformer in floats, forwards and backwards.
 *
 *     28 x 28 pixels -> 3x3 convolution, stride 2, 24 channels, ReLU -> the same, 64 channels
 *     -> 7 x 7 tokens, and what is learned for each place added
 *     -> LAYERS times: x += O attention(norm x);  x += F2 gelu(F1 norm x)
 *     -> norm -> mean over tokens -> 10 classes
 *
 * All arrays are of floats, row by row. A batch is `n` images; a token is a row of HIDDEN floats.
 */
#ifndef VIT_NET_H
#define VIT_NET_H

#include <stddef.h>
#include <stdint.h>

enum {
    SIDE = 28, STEM_SIDE = 14, STEM = 24, GRID = 7, TOKENS = GRID * GRID,
    HIDDEN = 64, HEADS = 4, HEAD = HIDDEN / HEADS, FFN = 128, LAYERS = 5, CLASSES = 10,
};

/* Weights: name of a field, rows, columns; one row: a vector. A row of a matrix is of an input. */
#define VIT_LAYER(X)                                                                               \
    X(gain1, 1, HIDDEN)                                                                            \
    X(offset1, 1, HIDDEN)                                                                          \
    X(qkv, HIDDEN, 3 * HIDDEN)                                                                     \
    X(qkv_bias, 1, 3 * HIDDEN)                                                                     \
    X(o, HIDDEN, HIDDEN)                                                                           \
    X(o_bias, 1, HIDDEN)                                                                           \
    X(gain2, 1, HIDDEN)                                                                            \
    X(offset2, 1, HIDDEN)                                                                          \
    X(f1, HIDDEN, FFN)                                                                             \
    X(f1_bias, 1, FFN)                                                                             \
    X(f2, FFN, HIDDEN)                                                                             \
    X(f2_bias, 1, HIDDEN)
#define VIT_ENDS(X)                                                                                \
    X(conv1, 9, STEM)                                                                              \
    X(conv1_bias, 1, STEM)                                                                         \
    X(conv2, 9 * STEM, HIDDEN)                                                                     \
    X(conv2_bias, 1, HIDDEN)                                                                       \
    X(place, TOKENS, HIDDEN)                                                                       \
    X(gain, 1, HIDDEN)                                                                             \
    X(offset, 1, HIDDEN)                                                                           \
    X(fc, HIDDEN, CLASSES)                                                                         \
    X(fc_bias, 1, CLASSES)

#define VIT_FIELD(name, rows, columns) float name[(rows) * (columns)];
struct vit_layer { VIT_LAYER(VIT_FIELD) };
struct vit { // nothing but floats
    VIT_ENDS(VIT_FIELD)
    struct vit_layer layer[LAYERS];
};

enum { VIT_WEIGHTS = sizeof(struct vit) / sizeof(float) };

enum { STEM_ROWS = 9, CONV_ROWS = 9 * STEM, SCORES = HEADS * TOKENS * TOKENS };

/* What a batch leaves behind on its way forward, and needs on its way back: arrays of
 * [image][size] floats, owned. rows1, rows2: patches of the two convolutions; last, norm, mean:
 * behind the layers; d to d4: scratch. Of a layer, x: what comes in; middle: x behind attention. */
#define VIT_WORK(X)                                                                                \
    X(rows1, STEM_SIDE * STEM_SIDE * STEM_ROWS)                                                    \
    X(stem, STEM_SIDE * STEM_SIDE * STEM)                                                          \
    X(rows2, TOKENS * CONV_ROWS)                                                                   \
    X(conv2, TOKENS * HIDDEN)                                                                      \
    X(last, TOKENS * HIDDEN)                                                                       \
    X(norm, TOKENS * HIDDEN)                                                                       \
    X(mean, HIDDEN)                                                                                \
    X(d, TOKENS * HIDDEN)                                                                          \
    X(d2, TOKENS * FFN)                                                                            \
    X(d3, TOKENS * 3 * HIDDEN)                                                                     \
    X(d4, TOKENS * CONV_ROWS)
#define VIT_SEEN(X)                                                                                \
    X(x, TOKENS * HIDDEN)                                                                          \
    X(norm1, TOKENS * HIDDEN)                                                                      \
    X(norm2, TOKENS * HIDDEN)                                                                      \
    X(qkv, TOKENS * 3 * HIDDEN)                                                                    \
    X(p, SCORES)                                                                                   \
    X(heads, TOKENS * HIDDEN)                                                                      \
    X(middle, TOKENS * HIDDEN)                                                                     \
    X(f1, TOKENS * FFN)                                                                            \
    X(gelu, TOKENS * FFN)

#define VIT_POINTER(name, size) float *name;
struct vit_work {
    VIT_WORK(VIT_POINTER)
    struct { VIT_SEEN(VIT_POINTER) } layer[LAYERS];
};

struct vit_work *vit_work_new(uint32_t most_images); // NULL: no memory
void vit_work_free(struct vit_work *w);

/* Random weights, of a seed. */
void vit_begin(struct vit *v, uint64_t seed);

/* scores[n][CLASSES] of pixel[n][SIDE][SIDE], which are within -2..2 or so. */
void vit_forward(const struct vit *v, struct vit_work *w, uint32_t n, const float *pixel,
                 float *scores);

/* Of the batch that went forward last: adds to *slope what the weights do to the loss, by what the
 * scores do to it. */
void vit_backward(const struct vit *v, struct vit_work *w, uint32_t n, const float *score_slope,
                  struct vit *slope);

#endif
