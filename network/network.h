/* network/network.h -- a network as the simulator sees it: layers that hold weights or compute in
 * digital processors, and the pixels that flow between them.
 *
 * A pixel is all channels at one row and column of a feature map; pixels travel column by column,
 * each column from its first row on. Layer 0 is the image; every other layer names the earlier
 * layers it reads, so the layers are in topological order. What runs in a core's digital processor
 * behind the crossbar (scale, bias, residual sum, ReLU, rounding, global pooling) is part of the
 * layer.
 *
 * Arithmetic of one output, docs/accelerator.md, section 4a (all integers):
 *
 *     acc = sum w * (x - in_zero)                  padding pixels are in_zero
 *     t   = acc * m[o] + b[o] + (r - r_zero) * mr[o]     int64; r the residual, if there is one
 *     out = clamp(rne(t, shift[o]) + zero, low, high)    rne: round to nearest, ties to even
 *
 * A layer with a function of its sums has the code of t / 2^shift[o] (network/step_function.h) in
 * place of rne(t, shift[o]).
 *
 * A digital layer has no weights: each output channel is made from the input channel of the same
 * number, and acc is, over the positions of the window that lie inside the map,
 *
 *     LAYER_MAX_POOL      max (x - in_zero)
 *     LAYER_AVERAGE_POOL  sum (x - in_zero); m, b, mr, shift are those of entry k - 1 for k such
 *                         positions
 *     LAYER_SCALE         x - in_zero, or in_zero - x where negated[o]; its window is one pixel
 *
 * A sum of two maps is a LAYER_SCALE with a residual. One that multiplies has a product instead:
 *
 *     t = acc * (r - r_zero) * m[o] + b[o]
 *
 * The window of a LAYER_SCALE may see each pixel of its map again and again: all outputs the one
 * pixel that a pool delivers (squeeze-and-excite), or each output of a map enlarged the pixel that
 * it comes from. Or it sets the pixels apart: between them x is in_zero, as a convolution wants it
 * that undoes a stride.
 *
 * A layer with a table looks each `out` up in it, and delivers or pools what stands there: any
 * function of one byte, of the same for all outputs or of each its own.
 *
 * Values, weights and acc are of as many bits as network/precision.h says: mostly bytes, and sums
 * of int32.
 *
 * Layers of tokens (network/tokens/tokens.h) are digital too, and see whole pixels: each output may
 * be made from every channel of its window. A token is a pixel, and a sequence of S tokens a map of
 * 1 row and S columns.
 *
 * A layer with raw_output delivers acc + b[o] as it is, of 32 bits: the logits, or what a norm
 * reads (network/tokens/values.h). A pooled layer sums `out`
 * over the map and delivers clamp(rne(sum * pool.m + pool.b, pool.shift) + zero, low, high) once.
 */
#ifndef NETWORK_NETWORK_H
#define NETWORK_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "network/params.h"
#include "network/spiking/coding.h"

struct shape {
    uint32_t height, width, channels; // rows, columns, channels
};

enum layer_kind {
    LAYER_IMAGE, // layer 0: what the scratchpad delivers
    LAYER_CONV,  // convolution, on crossbars
    LAYER_GEMM,  // fully connected, on crossbars: a convolution whose kernel covers the map
    LAYER_MAX_POOL, // the others are digital: in digital processors only
    LAYER_AVERAGE_POOL,
    LAYER_SCALE,
    LAYER_ATTENTION, // these are of tokens
    LAYER_NORM,
    LAYER_MAP,
    LAYER_TOKENS,
    LAYER_SUM_TOKENS
};

struct window { // of a convolution, [0] along rows, [1] along columns
    uint32_t kernel[2];
    uint32_t stride[2];
    uint32_t dilation[2];
    uint32_t pad_before[2], pad_after[2];
    uint32_t again[2]; // further times that each row, each column of the map comes; 0 unless the
                       // kernel is 1 and steps by 1
    uint32_t skip[2];  // rows, columns of the map before the first window
    uint32_t block[2]; // of tokens: an output sees those of its own so many rows, columns, of what
                       // the window spans; 0: all of that
    bool     apart;    // what comes again is the zero point, and not behind the last row or column
};

/* Where the window of output `at` begins, along an axis; before the map in the padding. */
static inline int64_t window_begin(const struct window *w, int axis, uint32_t at)
{
    int64_t begin = (int64_t)at * w->stride[axis] + w->skip[axis] - w->pad_before[axis];

    return w->again[axis] == 0 ? begin : begin / ((int64_t)w->again[axis] + 1);
}

/* Whether output (row, column) lies between the pixels of a map whose window sets them apart. */
static inline bool window_between(const struct window *w, uint32_t row, uint32_t column)
{
    return w->apart && (row % (w->again[0] + 1) != 0 || column % (w->again[1] + 1) != 0);
}

struct requant { // owned by the layer; arrays of layer_n_scale() entries, mostly one per output
    uint32_t *m;      // of 16 bits; of 24 in a network that has tokens and a file
    int64_t  *b;
    int64_t  *mr;      // multiplies the residual; NULL without one that is added
    uint8_t  *shift;   // 0 to 62
    int32_t   r_zero;  // zero point of the residual
    int32_t   zero;    // zero point of the result, added once it is rounded
    int32_t   low, high;
};

struct pool_requant {
    uint32_t m;
    int64_t  b;
    uint8_t  shift;
    int32_t  zero;
    int32_t  low, high;
};

struct layer {
    char           *name; // owned; unique in the network
    enum layer_kind kind;
    uint32_t       *input;   // owned; layers whose pixels, concatenated by channel, are read
    uint32_t        n_input; // 0 for the image, else at least 1
    bool            has_residual;
    bool            multiplies; // by the residual, which is added otherwise; of LAYER_SCALE only
    uint32_t        residual; // layer whose pixel is added before rounding
    struct shape    in, out;  // out: before pooling
    struct window   window;
    uint32_t        groups; // input channels are dealt to groups of outputs; 1 otherwise; as many
                            // as channels where the layer is digital
    bool            relu;
    bool            pooled;     // global average pool in the digital processor
    bool            raw_output; // sums leave the core
    bool            out_signed; // values delivered are signed
    int32_t         in_zero;    // zero point of the input, inserted as padding
    uint32_t        value_bits; // of a value delivered, 1 to MOST_VALUE_BITS; 0: a byte
    uint32_t        weight_bits; // likewise
    int32_t         out_zero;   // zero point of what is delivered
    double          out_scale;  // real value = (q - out_zero) * out_scale; for reports only

    /* Without values (timing only) all below is NULL or 0. */
    int8_t             *weight; // owned; [out.channels][in.channels / groups][kernel 0][kernel 1];
                                // NULL where the layer is digital, and where some leave int8:
    int16_t            *wide_weight; // owned; those of all, instead; else NULL
    bool               *negated; // owned; of LAYER_SCALE, [out.channels]; NULL: none is
    struct requant      requant;
    uint8_t            *table; // owned; [n_table][256], by the byte of `out`; NULL: no look-up
    uint32_t            n_table; // 1, or out.channels
    struct step_function *function; // owned; of sums that are not rounded; NULL: they are
    struct pool_requant pool;

    struct token_op *token; // owned; of a layer of tokens (network/tokens/tokens.h); else NULL

    struct neuron *neuron; // owned; of outputs that remember (network/spiking/neuron.h), which
                           // deliver spikes, and pool them to their sum; NULL: of none
};

/* A value of the model's file that a layer delivers and that leaves the network: all that comes
 * behind it in the file, such as Softmax, is the host's. */
struct network_end {
    char    *value; // owned; its name in the file
    uint32_t layer;
    bool     real;  // the bytes' real values, or the sums' ; else the bytes
    uint32_t n_dim, dim[8]; // of one image, as the file has them
    bool     channels_last;
    uint32_t *place; // owned; of each value in the file's order, in [column][row][channel] of what
                     // the layer delivers; NULL: channels_last says where
};

/* Rows of tokens' channels for the ids of a model's input, off the chip. */
struct network_table {
    char    *name; // owned; of that input
    uint32_t rows;
    uint8_t *code; // owned; [rows][channels], as layer 0 delivers them
};

struct network {
    char         *name;  // owned
    struct layer *layer; // owned
    uint32_t      n_layer;
    bool          has_values; // weights and scales are there
    struct {
        uint32_t value_bits, weight_bits; // in which a machine carries them at least; 0: any
    }             least;
    bool          image_is_bytes, image_channels_last; // of a model's file: its input
    struct presentation present;  // of an image
    uint32_t      decoded_from; // column of tokens, each of whom comes from here on when the one
                                // before it has its answer; 0: none does
    struct network_table *table; // owned; of ids, whose rows are the image's tokens; else NULL
    bool          image_is_whole; // a network of whole numbers, whose input is those of the bytes
    struct network_end *end; // owned; of a model's file, else NULL
    uint32_t      n_end;
    struct network *host; // owned; layers before the image (network/host.h); NULL: none
};

/* Shape of the pixels that a layer delivers: 1 x 1 when pooled. */
struct shape layer_delivers(const struct layer *l);

/* Whether no weights, and so no crossbar, are needed: pooling, scaling, layers of tokens. */
bool layer_is_digital(const struct layer *l);

/* Whether it is of tokens; a network: any of its layers. */
static inline bool layer_is_of_tokens(const struct layer *l)
{
    return l->kind >= LAYER_ATTENTION;
}
bool network_has_tokens(const struct network *n);

/* Whether the digital processor makes more of a sum than its rounded value. */
static inline bool layer_looks_up(const struct layer *l)
{
    return l->table || l->function;
}

/* What stands in the table of output o for a byte; there is one. */
static inline uint8_t layer_look_up(const struct layer *l, uint32_t o, uint8_t byte)
{
    return l->table[(l->n_table == 1 ? 0 : (size_t)o * 256) + byte];
}

/* Whether weights are there; weight i of them. */
static inline bool layer_has_weights(const struct layer *l)
{
    return l->weight || l->wide_weight;
}
static inline int32_t layer_weight(const struct layer *l, size_t i)
{
    return l->weight ? l->weight[i] : l->wide_weight[i];
}

/* Room for n weights, all 0, wide or not; *l has none. False when the host has no memory. */
bool layer_make_weights(struct layer *l, size_t n, bool wide);
void layer_set_weight(struct layer *l, size_t i, int32_t v);

/* Entries of requant's arrays: output channels; kernel positions of an average. */
uint32_t layer_n_scale(const struct layer *l);

/* Weights of one output, the rows of one kernel matrix: kernel positions times input channels of
 * one group; 0 where the layer is digital. */
uint32_t layer_kernel_rows(const struct layer *l);

/* Weights of the network (biases not counted) and multiply-accumulates of one image. */
uint64_t network_weights(const struct network *n);
uint64_t network_macs(const struct network *n);

/* Index of the layer called `name`; n->n_layer when there is none. */
uint32_t network_find(const struct network *n, const char *name);

/* The layer whose result is the network's: the last one. */
const struct layer *network_result(const struct network *n);

/* Checks what every later stage relies on: topological order, matching shapes, unique names,
 * windows that give the stated outputs. ERR_INPUT names layer, value and cure. */
enum err network_check(const struct network *n, struct err_msg *m);

/* Leaves shapes only. */
void network_strip_values(struct network *n);

/* Its four arrays. */
void requant_release(struct requant *q);

/* Takes a zeroed network too. */
void network_release(struct network *n);

/* CIFAR-style residual networks (He et al. 2016, section 4.2) with the channel counts and layer
 * names of Dazzi et al. 2021, Table 2: conv1 .. conv(depth-1), rs1 .. , fc. depth = 2 + 2 * stages
 * * blocks, blocks >= 1; stage i > 0 halves the map. Without weights. */
struct resnet_cifar_cfg {
    uint32_t        depth, size, classes;
    const uint32_t *channels; // one per stage
    uint32_t        n_stage;
};
enum err network_resnet_cifar(struct network *n, const struct resnet_cifar_cfg *cfg,
                              struct err_msg *m);

/* CIFAR-style plain networks (VGG-8 of Lu et al. 2021): conv1 .. , pool1 .. behind each
 * stage, which halves the map, fc1, fc2. depth = 2 + stages * convolutions. Without weights. */
struct vgg_cifar_cfg {
    uint32_t        depth, size, classes;
    const uint32_t *channels; // one per stage
    uint32_t        n_stage;
};
enum err network_vgg_cifar(struct network *n, const struct vgg_cifar_cfg *cfg,
                           struct err_msg *m);

/* Encoders and decoders of tokens (network/family_transformer.c). Without weights. */
struct transformer_cfg;
enum err network_transformer(struct network *n, const struct transformer_cfg *cfg,
                             struct err_msg *m);

#endif
