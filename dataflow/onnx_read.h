/* dataflow/onnx_read.h -- how a QDQ graph becomes layers; shared by the files onnx_*.c only.
 *
 * Nodes are visited once, in order. Each visit states what the node's output means, from what its
 * inputs mean:
 *
 *     image       QuantizeLinear  -> bytes of layer 0
 *     bytes       DequantizeLinear -> pixels (the bytes' real values)
 *     constant    DequantizeLinear -> weights
 *     pixels      Conv, Gemm, GlobalAveragePool -> a draft (real values not yet rounded)
 *     draft       Relu, Add of pixels, Flatten -> the same draft, with more to do
 *     draft       QuantizeLinear  -> bytes of the layer that the draft becomes
 *
 * So a layer of the simulator is all that lies between two QuantizeLinear, and layers are numbered
 * as they are quantised: a residual is always an earlier layer. Anything that does not fit this
 * scheme is refused with the node's name. One operator is one file onnx_op_*.c and one row of the
 * table in onnx_read.c.
 */
#ifndef DATAFLOW_ONNX_READ_H
#define DATAFLOW_ONNX_READ_H

#include "dataflow/network.h"
#include "dataflow/onnx_graph.h"
#include "dataflow/onnx_tensor.h"

enum onnx_means { // what is known of a value
    ONNX_NOTHING,
    ONNX_STORED,  // a constant of the file: tensor
    ONNX_WEIGHTS, // tensor times scale, along axis unless the scale is single
    ONNX_IMAGE,   // the graph's input, real
    ONNX_BYTES,   // what a layer delivers
    ONNX_PIXELS,  // the same as real values
    ONNX_DRAFT    // real values that no layer delivers yet
};

struct onnx_meaning {
    enum onnx_means    means;
    struct onnx_tensor tensor, scale; // STORED: tensor; WEIGHTS: both
    uint32_t           axis;
    uint32_t           layer;  // BYTES, PIXELS
    bool               pooled; // BYTES, PIXELS: after the layer's pooling
    struct onnx_draft *draft;
    struct shape       shape; // IMAGE, BYTES, PIXELS, DRAFT
    bool               flat;  // of two dimensions: a pixel's values, channel by channel
};

struct onnx_draft { // a layer under construction, or pooling added to a layer
    struct onnx_draft *next;
    const Onnx__NodeProto *node;
    struct layer       layer; // its memory is the draft's until it becomes a layer
    double            *unit;  // per output: worth of one step of the sum
    double            *bias;  // per output, real
    double             residual_scale;
    bool               pools;  // pooling of layer `pooled`; of `layer` only relu is used
    uint32_t           pooled;
};

struct onnx_reader {
    struct network      *network; // layers so far; room for one per node and the image
    struct onnx_graph    graph;
    struct onnx_meaning *meaning; // per value
    struct onnx_draft   *draft;   // all of them
    bool                *read;    // per layer: another layer reads it
    void                *names;   // of the layers, for tsearch
    uint64_t             weights_left; // bound on memory where nodes share weights
    struct err_msg      *msg;
};

struct onnx_operator {
    const char        *name;
    int                since; // operator set
    uint32_t           least_input, most_input;
    const char *const *attribute; // those it knows; ends with NULL
    enum err         (*read)(struct onnx_reader *r, const struct onnx_node *node);
};

extern const struct onnx_operator onnx_op_add, onnx_op_conv, onnx_op_dequantize, onnx_op_flatten,
    onnx_op_gemm, onnx_op_global_average_pool, onnx_op_quantize, onnx_op_relu;

/* What input i means; the caller has checked that it is there. */
const struct onnx_meaning *onnx_input(const struct onnx_reader *r, const struct onnx_node *node,
                                      uint32_t i);
bool onnx_has_input(const struct onnx_node *node, uint32_t i);
void onnx_output(struct onnx_reader *r, const struct onnx_node *node, struct onnx_meaning m);

/* "pixels that no DequantizeLinear made"...: what a value is, for errors. */
const char *onnx_means_text(enum onnx_means means);

/* Input i as pixels; the layer counts as read. */
enum err onnx_take_pixels(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                          const struct onnx_meaning **x);

/* Input i as a draft that nobody else reads. */
enum err onnx_take_draft(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                         const struct onnx_meaning **x);

/* Whether input 1 is what a crossbar holds: int8 weights, at least one, of n_dim dimensions, and
 * input 0 a map, flat or not. */
enum err onnx_check_weights(const struct onnx_reader *r, const struct onnx_node *node,
                            uint32_t n_dim, bool flat);

/* onnx_draft.c: a layer that reads input 0 through the weights of input 1, which have one output
 * for each place along `axis` (0, or 1 of two), and adds the bias of input 2, if there is one.
 * Weights times `alpha`, bias times `beta`. The caller fills in kind, window, groups and the map
 * that leaves. */
struct onnx_affine {
    uint32_t axis;
    double   alpha, beta;
};
enum err onnx_draft_new(struct onnx_reader *r, const struct onnx_node *node,
                        const struct onnx_affine *a, struct onnx_draft **draft);

/* The draft becomes layer *layer, quantised as stated; or the network's raw result. */
struct onnx_quantisation {
    double  scale;
    int32_t zero;
    bool    is_signed;
};
enum err onnx_draft_quantise(struct onnx_reader *r, const struct onnx_node *node,
                             struct onnx_draft *d, const struct onnx_quantisation *q,
                             uint32_t *layer);
enum err onnx_draft_finish_raw(struct onnx_reader *r, struct onnx_draft *d);
void onnx_draft_free_all(struct onnx_reader *r);

/* Appends the image as layer 0. */
enum err onnx_add_image(struct onnx_reader *r, struct shape shape,
                        const struct onnx_quantisation *q);

/* The whole reader on a model in memory; `name` becomes the network's. */
enum err network_decode_onnx(struct network *n, const char *name, const uint8_t *data, size_t size,
                             struct err_msg *m);

#endif
