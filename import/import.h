/* import/import.h -- a float ONNX model becomes a quantised (QDQ) one that network_load_onnx()
 * reads.
 *
 * Three steps: import_init() finds, in the float graph, the convolutions and products that go on
 * crossbars and what digital processors do before, between and behind them, batch normalisation
 * folded into weights and bias where it can be; import_observe() collects how large activations
 * get; import_build() chooses scales and writes the model:
 *
 *     image        pixel - 128, int8: what traces/images/ delivers; or numbers, int8, zero point
 *                  0; of ids the rows of their table, which is stored so
 *     activations  one scale, zero point 0 (but asymmetric ones, below); uint8 behind Relu, else
 *                  int8; magnitude observed / 255
 *                  or 127, or the power of two above it; one for all maps that Concat joins, and
 *                  for what MaxPool, Flatten and the like make of a map
 *     weights      int8, largest magnitude / 127, one scale for each output or one for all;
 *                  one for all where the sums are the network's result
 *     steps        the scales of weights, factors, averages and products of maps are moved by at
 *                  most 2^-15 of their size, to where s_in * s_w / s_out is an M / 2^shift of
 *                  network/requantize.h: the integers say what the file says
 *     outputs      those of the float model; the sums of the last product, else rounded. A node
 *                  that cannot be quantised is left to the host, with all behind it, unless a
 *                  Conv, Gemm or MatMul is there: what it reads is an output instead
 *     bias         float
 *
 * The tensors keep the float model's names, so that both can be compared: value x, where it is
 * rounded, is called x_dequantized afterwards. So do nodes whose name no other node has.
 */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "network/network.h"
#include "onnx/float/graph.h"
#include "onnx/ids.h"
#include "traces/images/normalise.h"

struct import_cfg {
    int32_t mean;         // the pixel that is 0 to the model, 0 to 255
    double  scale;        // real value = (pixel - mean) * scale
    struct normalise normalise; // or, where its n > 0, what it says
    bool    values;       // the input is no pixels but numbers, of which some are seen
    const struct onnx_ids *ids; // or rows for ids, all of which are seen; NULL: none
    double  percentile;   // of the magnitudes of an activation, above 0; 100: the largest
    bool    per_channel;  // scales of weights
    bool    power_of_two; // scales of activations
    bool    asymmetric;   // int8 of activations has its codes from the least value seen to the
                          // largest, 0 one of them
};

enum import_kind {
    IMPORT_CONV,
    IMPORT_TRANSPOSED, // ConvTranspose
    IMPORT_GEMM,
    IMPORT_MATMUL, // of tokens, by the same weights
    IMPORT_SCALE, // weight: a factor for each channel
    IMPORT_ADD,   // or Sub
    IMPORT_CLIP,
    IMPORT_COPY, // as in the float graph, attributes and all
    IMPORT_NODE, // likewise, with every input: constants go with it
    IMPORT_CONCAT,
    IMPORT_MEAN, // over rows and columns, or the largest: a global pool
    IMPORT_REDUCE, // ReduceMax, ReduceMean, ReduceSum; list 0: the axes
    IMPORT_FLATTEN,
    IMPORT_RESHAPE, // list 0: the dimensions
    IMPORT_RESIZE,  // likewise; to the nearest pixel
    IMPORT_LISTS,   // Expand, Pad, Slice: lists behind the map
    IMPORT_SPLIT    // likewise, of Slice
};

enum { IMPORT_MOST_LISTS = 4 };

struct import_node {
    enum import_kind        kind;
    const struct onnx_node *node; // of the float graph
    uint32_t in[2], out;          // values of the float graph
    uint32_t *more;               // owned; of CONCAT: all inputs
    uint32_t  n_more;
    struct array weight; // CONV: as ONNX has it; GEMM, MATMUL: outputs x inputs; TRANSPOSED:
                         // outputs x inputs of a group x kernel; SCALE: factors; COPY: the
                         // exponent of Pow, slopes of PRelu, or none
    uint32_t     groups;          // TRANSPOSED
    float       *bias;            // owned; one for each output
    int64_t      axis;    // NODE of Softmax
    bool         renamed;         // called as what it makes, for another has the node's name
    uint32_t     behind;          // SCALE: dimensions behind that of the factors
    double       low, high;       // CLIP
    uint32_t     averaged;        // MEAN, REDUCE, COPY of AveragePool: positions of a window, or 0
    bool         largest;         // MEAN: the largest pixel instead
    bool         flat;            // MEAN: and flattened
    int64_t      pad[4];          // CONV, COPY: begins, then ends, in place of auto_pad
    uint32_t     n_pad;           // 0: as the float graph has them
    struct array list[IMPORT_MOST_LISTS]; // of integers
    uint32_t     n_list;
};

struct import_value { // what becomes of a value of the float graph
    bool     known;    // a map of the network, by this name
    uint32_t source;   // the value it is another name of, or itself
    uint32_t alike;    // a value with the same scale, or itself: a tree whose root has none other
    uint32_t n_reader; // nodes that no folding removed, and outputs of the graph
    uint32_t maker;    // node of the import that constants may join; ONNX_ABSENT: none
    bool     draft;    // not rounded yet: may be added to and cut
    bool     summed, cut;
    bool     positive; // uint8 when rounded, unless a value alike is not
    bool     rounded;
    uint64_t *seen;    // owned, of rounded ones: [IMPORT_BINS] magnitudes
    float    largest;  // magnitude
    float    low, high; // seen, and 0
    float    scale;    // once import_build() has chosen it, as
    int32_t  zero;     // the code of 0
};

enum { IMPORT_BINS = 1 << 15 }; // by the upper 16 bits of a float: within 2^-7 of the magnitude

/* A node that is one of several that make a function of one map, such as Gelu by Erf: nothing is
 * rounded between them. */
enum import_piece { IMPORT_WHOLE, IMPORT_INNER, IMPORT_LAST };

struct import_end { // an output of the graph
    uint32_t value, n_dim, dim[ONNX_MOST_DIMS];
};

struct import {
    const struct float_graph *graph; // borrowed
    struct import_cfg         cfg;
    struct shape              image;
    uint32_t                  n_image_dim, image_dim[4]; // as the model takes it
    bool                      channels_last;
    struct import_value      *value; // one for each of the graph
    struct import_node       *node;  // in order
    uint32_t                  n_node;
    struct import_end        *end; // owned; of each output that an image changes, once
    uint32_t                  n_end, result; // result: which of them the last node makes
    bool                     *host; // owned; per node of the graph: left out, see below
    uint8_t                  *piece; // owned; per node: an enum import_piece
    bool                      unsound; // a constant is not finite: no node may be left out for it
    struct err_msg            left; // why the first of them is; empty without one
};

/* The graph has been folded; `sample` is a run on an image, for shapes. On error *im is zero. */
enum err import_init(struct import *im, const struct float_graph *g, const struct float_run *sample,
                     const struct import_cfg *cfg, struct err_msg *m);
void import_release(struct import *im); // takes a zeroed one

/* An image as the model takes it, from the bytes of traces/images/images.h. */
void import_image(const struct import *im, const int8_t *pixels, struct array *image);

/* Takes note of the activations of a run. */
void import_observe(struct import *im, const struct float_run *run);

/* The quantised model as bytes, the caller's; checked by reading it. */
enum err import_build(struct import *im, const char *name, uint8_t **data, size_t *size,
                      struct err_msg *m);

/* The network that a float model becomes, shapes only: for plans, time and price no image is
 * needed. The model has been prepared. */
enum err import_network(struct network *n, const char *name, const Onnx__ModelProto *model,
                        struct err_msg *m);

#endif
