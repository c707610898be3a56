/* onnx/read/reader.h -- how a quantised graph becomes layers; shared by the files of this folder.
 *
 * Nodes are visited once, in order. Each visit states what the node's output means, from what its
 * inputs mean:
 *
 *     stored      any operator of the float evaluator -> stored: folded
 *     stored      DequantizeLinear -> weights
 *     image       QuantizeLinear   -> bytes of layer 0
 *     bytes       DequantizeLinear -> pixels (the bytes' real values)
 *     bytes       MaxPool          -> bytes, of pixels pixels: its layer needs no rounding; of a
 *                                     draft the draft: rounding keeps order, and may come first
 *     pixels      Conv, Gemm, AveragePool, Add, Mul, Relu... -> a draft (real, not yet rounded)
 *     draft       Relu, Clip, Add of pixels, Mul by constants... -> the same draft, with more to do
 *     draft       QuantizeLinear   -> bytes of the layer that the draft becomes
 *     pixels      Sigmoid, LeakyRelu, x * Sigmoid(x)... -> a curve: a function of each byte, by the
 *                                     float evaluator; rounding and more of the like go on with it
 *     draft       Gelu, Erf, x * Sigmoid(x)... -> a function of sums that are not rounded, which
 *                                     QuantizeLinear makes part of the draft's layer
 *                                     (sum_function.c)
 *     curve       anything else    -> bytes or pixels of a layer with a table (curve.c)
 *     pixels      MatMul of two    -> scores: Mul, Softmax... go on with them, and MatMul by pixels
 *                                     makes a draft (attention/)
 *     pixels      ReduceMean over channels -> a piece of a norm, up to Div (norm_pieces.c)
 *
 * So a layer of the simulator is all that lies between two QuantizeLinear, and layers are numbered
 * as they are quantised: a residual is always an earlier layer. The QLinear operators are all three
 * at once. Bytes and pixels may be those of several layers, one behind the other by channel
 * (Concat), and may be part of their map, have their channels in another order or zeros around them
 * (Slice, Split, shuffled channels, Pad) until something reads them. What their dimensions are is
 * told by a layout, or, of tokens and heads, by axes (axes.h).
 *
 * Anything that does not fit this scheme is refused with the node's name. One file op_*.c is a
 * family of operators, one operator is one row of the table in read.c.
 */
#ifndef ONNX_READ_READER_H
#define ONNX_READ_READER_H

#include "network/network.h"
#include "onnx/array.h"
#include "onnx/graph.h"
#include "onnx/read/axes.h"
#include "onnx/tensor.h"

enum onnx_means { // what is known of a value
    ONNX_NOTHING,
    ONNX_STORED,  // a constant: tensor
    ONNX_WEIGHTS, // (tensor - zero) times scale, along axis unless the scale is single
    ONNX_IMAGE,   // the graph's input, real
    ONNX_BYTES,   // what layers deliver
    ONNX_PIXELS,  // the same as real values
    ONNX_DRAFT,   // real values that no layer delivers yet
    ONNX_CURVE,   // a function of the bytes of a map, rounded or not, that no layer delivers yet
    ONNX_FUNCTION, // a function of a draft's real values, not rounded yet
    ONNX_SCORES,  // of queries and keys, or what Softmax makes of them: part of an attention layer
    ONNX_PIECE    // of a normalisation
};

enum onnx_layout { // order of a map's values; the batch comes first
    ONNX_NCHW,
    ONNX_NHWC,
    ONNX_FLAT,      // two dimensions: channel, row, column
    ONNX_FLAT_NHWC, // two dimensions: row, column, channel
    ONNX_NCW,       // three: channel, column, of a map of one row
    ONNX_VECTOR,    // one, as FLAT, without the batch, which is 1
    ONNX_GROUPED,   // five: group, channel of the group, row, column
    ONNX_GROUPED_FLAT, // four: group, channel of the group, pixel
    ONNX_AXES          // any other, as axes say: tokens, heads
};

enum { ONNX_MAP_DIMS = ONNX_MOST_DIMS }; // at most

#define ONNX_ZERO UINT32_MAX // a channel that no layer has

struct onnx_view { // which of the layers' pixels are meant, and channels of zeros
    bool     some;              // else all
    uint32_t first[2], step[2]; // of rows, columns
    const uint32_t *pick;       // for each channel, which of the layers' it is, or ONNX_ZERO; NULL:
                                // all of them; the reader's
};

struct onnx_meaning {
    enum onnx_means    means;
    struct onnx_tensor tensor, scale, zero; // STORED: tensor; WEIGHTS: all, zero.n is 0 without one
    uint32_t           axis;
    const uint32_t    *layer; // BYTES, PIXELS: n_layer of them, the reader's
    uint32_t           n_layer;
    bool               shared; // BYTES, PIXELS: something else may read them
    struct onnx_view   view;
    uint32_t           pad[4]; // zeros around a map: rows and columns before, then behind
    struct onnx_draft *draft;
    struct onnx_curve *curve;
    uint32_t           sum; // FUNCTION: of the graph: the draft's value
    const struct onnx_scores *scores;
    const struct onnx_piece *piece;
    struct shape       shape; // IMAGE, BYTES, PIXELS, DRAFT, CURVE; with view and without pad
    enum onnx_layout   layout;
    uint32_t           groups;  // GROUPED: how many
    struct onnx_axes   axes;    // AXES: of shape
    const struct onnx_turn *turn; // BYTES, PIXELS: queries or keys that turn by their place
    bool               integer; // an integer's type: Div rounds towards zero
};

struct onnx_draft { // a layer under construction
    struct onnx_draft *next;
    const Onnx__NodeProto *node;
    struct layer layer; // its memory is the draft's until it becomes a layer
    uint32_t     n;     // entries of unit and bias: outputs; one for an average
    double      *unit;  // worth of one step of the sum; of an average, of all positions together
    double      *bias;  // real
    double       residual_scale; // negative where the residual is subtracted
    double       low, high;      // bounds of the real result
    bool         bounded;        // has been cut already
    double      *bound;          // low and high of each output, where they differ; or NULL
    uint32_t    *divisor; // of an average: for each number of positions; 0: it does not occur
    bool         whole;   // average of a whole map
    double       grain, steps; // the result is a multiple of grain / steps, whole numbers, where
                               // all weights are whole
    bool         floored, truncated; // whole numbers: rounded down; towards zero
    bool         fuses;   // of one layer's, that nothing else reads
    const Onnx__NodeProto *largest; // a MaxPool of the result, which rounding may precede; or NULL
    struct window pool;
    struct shape  pool_out;
    bool          handed_on; // its sums, to a norm: the layer is made
    struct step_function *function; // of the real result, which is not rounded before it; or NULL
};

struct onnx_reader {
    struct network      *network; // layers so far
    uint32_t             most_layers; // that there is room for
    int32_t              image_type; // ONNX's, of the graph's input
    bool                 integers; // whole numbers throughout, without QuantizeLinear
    bool                 fine;     // layers of tokens: M has 24 bits
    uint32_t             batch; // of the graph's input: images that the file takes at once
    struct onnx_graph    graph;
    struct onnx_meaning *meaning; // per value
    struct onnx_draft   *draft;   // all of them
    struct onnx_curve   *curve;   // likewise
    const struct onnx_pieces **pieces; // per node: of a rotation; NULL: it is none's
    bool                *host;    // per node: behind the network's results, the host's
    void                *names;   // of the layers, for tsearch
    void               **kept;    // memory of meanings
    size_t               n_kept;
    uint64_t             weights_left; // bound on memory where nodes share weights
    uint64_t             room_left;    // on lists that no part of the file is as long as
    uint64_t             values_left, work_left; // on folding
    struct err_msg      *msg;
};

struct onnx_operator {
    const char        *name;
    int                since; // operator set; 0: of com.microsoft
    uint32_t           least_input, most_input;
    const char        *attributes; // those it knows, as onnx_check_attribute() takes them
    enum err         (*read)(struct onnx_reader *r, const struct onnx_node *node);
};

extern const struct onnx_operator onnx_ops_add[], onnx_ops_attention[], onnx_ops_clip[],
    onnx_ops_concat[], onnx_ops_constant[], onnx_ops_conv[], onnx_ops_gemm[],
    onnx_ops_integer[], onnx_ops_layout[], onnx_ops_norm[], onnx_ops_pool[],
    onnx_ops_qlinear[], onnx_ops_quantize[], onnx_ops_resize[], onnx_ops_rotary[], onnx_ops_scale[],
    onnx_ops_transposed[], onnx_ops_view[]; // end with {0}

/* ---- Values ---- */

/* What input i means; the caller has checked that it is there. */
const struct onnx_meaning *onnx_input(const struct onnx_reader *r, const struct onnx_node *node,
                                      uint32_t i);
bool onnx_has_input(const struct onnx_node *node, uint32_t i);
void onnx_output(struct onnx_reader *r, const struct onnx_node *node, struct onnx_meaning m);

/* The same meaning, which others may have as well where the value has other readers. */
struct onnx_meaning onnx_passed_on(const struct onnx_reader *r, const struct onnx_node *node,
                                   uint32_t i);

/* "a quantised map"...: what a value is, for errors. */
const char *onnx_means_text(enum onnx_means means);

/* Adds to reads[], of each value, those of a value and of all that it comes from, back to bytes of
 * maps. */
void onnx_count_reads(const struct onnx_reader *r, uint32_t value, uint32_t *reads);

/* Its dimensions; returns how many. */
uint32_t onnx_dims(const struct onnx_reader *r, const struct onnx_meaning *m,
                   uint32_t dim[ONNX_MAP_DIMS]);

bool onnx_is_constant(const struct onnx_meaning *m); // STORED or WEIGHTS
bool onnx_is_flat(const struct onnx_meaning *m);
bool onnx_is_grouped(const struct onnx_meaning *m);
bool onnx_is_map(const struct onnx_meaning *m); // BYTES or PIXELS
bool onnx_is_padded(const struct onnx_meaning *m);
bool onnx_same_layout(const struct onnx_meaning *a, const struct onnx_meaning *b);

/* A map's dimensions as axes. False: of a padded one, or of several images. And the layout that
 * has these axes. */
bool onnx_axes_of(const struct onnx_reader *r, const struct onnx_meaning *x, struct onnx_axes *a);
void onnx_set_axes(const struct onnx_reader *r, struct onnx_meaning *x,
                   const struct onnx_axes *a);

/* A STORED or WEIGHTS number. */
double onnx_constant(const struct onnx_meaning *m, size_t i);

/* Input i as a stored list of at most `most` integers. */
enum err onnx_stored_list(const struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                          uint32_t most, int64_t *v, uint32_t *n);

/* Memory that lives as long as the reader, zeroed; NULL when there is none. */
void *onnx_keep(struct onnx_reader *r, size_t n, size_t size);

/* Counts n entries of lists that a small file can make long: channels, positions of windows, parts
 * of concatenated maps. Refused when they become absurdly many. */
enum err onnx_take_room(struct onnx_reader *r, const struct onnx_node *node, uint64_t n);

/* A tensor that lives as long as the reader, of the array's values. */
enum err onnx_keep_array(struct onnx_reader *r, const struct array *a, struct onnx_tensor *t);

/* A list of n layers. */
enum err onnx_new_list(struct onnx_reader *r, const struct onnx_node *node, uint32_t n,
                       uint32_t **list);

/* ---- Reading maps ---- */

/* Input i as real values of layers that are quantised alike, in whole maps, without padding. */
enum err onnx_take_pixels(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                          struct onnx_meaning *x);

/* The same, which may have zeros around it. */
enum err onnx_take_padded(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                          struct onnx_meaning *x);

/* Pixels or bytes, whatever their view and padding; layers may differ. */
enum err onnx_take_map(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                       struct onnx_meaning *x);

/* A meaning that a node is about to read, as whole maps quantised alike: makes the layers that
 * a view and differing scales need. */
enum err onnx_settle(struct onnx_reader *r, const struct onnx_node *node, struct onnx_meaning *x);

/* One layer that delivers what several do. */
enum err onnx_single(struct onnx_reader *r, const struct onnx_node *node, struct onnx_meaning *x);

/* The same for a map that waits for another to multiply it: of a layer, which copies the image. */
enum err onnx_kept(struct onnx_reader *r, const struct onnx_node *node, struct onnx_meaning *x);

/* Input i as a draft that nobody else reads. */
enum err onnx_take_draft(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                         const struct onnx_meaning **x);

/* A draft, or pixels as a new LAYER_SCALE draft. */
enum err onnx_take_open(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                        struct onnx_meaning *x);

/* ---- Windows ---- */

/* Strides, dilations and padding of a node that reads x and whose kernel is known, with x's zeros
 * around the map besides, and the output that results; ceil_mode as more padding behind. */
enum err onnx_read_window(const struct onnx_reader *r, const struct onnx_node *node,
                          const struct onnx_meaning *x, struct window *w, struct shape *out);

/* An attribute of one value for each of x's axes, rows and columns; of a map of one row, where
 * files have columns only, v[0] stays as it is. onnx_read_pads: begins, then ends. */
enum err onnx_read_sides(const struct onnx_reader *r, const struct onnx_node *node,
                         const struct onnx_meaning *x, const char *name, uint32_t v[2]);
enum err onnx_read_pads(const struct onnx_reader *r, const struct onnx_node *node,
                        const struct onnx_meaning *x, uint32_t v[4]);

/* Refuses other layouts than channels x rows x columns, or columns only. */
enum err onnx_check_layout(const struct onnx_reader *r, const struct onnx_node *node,
                           const struct onnx_meaning *x);

/* ---- Layers, draft.c ---- */

struct onnx_quantisation {
    double  scale;
    int32_t zero;
    bool    is_signed;
    int32_t least, most; // values that occur
};
struct onnx_quantisation onnx_quantisation_of(const struct layer *l);
struct onnx_quantisation onnx_quantisation_of_all(const struct onnx_reader *r,
                                                  const struct onnx_meaning *x); // all alike
void onnx_deliver(struct layer *l, const struct onnx_quantisation *q); // from now on
bool onnx_quantised_alike(const struct layer *l, const struct onnx_quantisation *q);
bool onnx_same_steps(const struct layer *l, const struct onnx_quantisation *q); // of any width

/* A layer that reads x through weights, which have one output for each place along `axis` (0, or 1
 * of two), and adds a bias. Weights times `alpha`, bias times `beta`; `flat`: of two dimensions.
 * The caller fills in kind, window, groups and the map that leaves. */
struct onnx_affine {
    const struct onnx_meaning *weights, *bias; // bias: NULL for none
    uint32_t n_dim;                            // that weights must have
    uint32_t axis;
    double   alpha, beta;
};
enum err onnx_check_weights(const struct onnx_reader *r, const struct onnx_node *node,
                            const struct onnx_meaning *weights, uint32_t n_dim);
enum err onnx_draft_affine(struct onnx_reader *r, const struct onnx_node *node,
                           const struct onnx_meaning *x, const struct onnx_affine *a,
                           struct onnx_draft **draft);

/* A digital layer on x. The caller fills in the window and the map that leaves. */
enum err onnx_draft_digital(struct onnx_reader *r, const struct onnx_node *node,
                            const struct onnx_meaning *x, enum layer_kind kind,
                            struct onnx_draft **draft);

/* Layers that a view has nothing of go; a view of all that is left is none. */
enum err onnx_narrow(struct onnx_reader *r, const struct onnx_node *node, struct onnx_meaning *x);

/* A 1 x 1 convolution, or one of a single weight in a larger window, that picks what x.view says.
 */
enum err onnx_draft_view(struct onnx_reader *r, const struct onnx_node *node,
                         const struct onnx_meaning *x, struct onnx_draft **draft);

/* A 1 x 1 convolution of one output, the mean of x's channels. */
enum err onnx_draft_sum(struct onnx_reader *r, const struct onnx_node *node,
                        const struct onnx_meaning *x, struct onnx_draft **draft);

/* result = result * factor + offset, per output (n entries) or for all (n = 1). */
enum err onnx_draft_scale(struct onnx_reader *r, const struct onnx_node *node,
                          struct onnx_draft *d, uint32_t n, const double *factor,
                          const double *offset);

/* result + sign * residual, a whole map of one layer. */
enum err onnx_draft_add(struct onnx_reader *r, const struct onnx_node *node,
                        const struct onnx_meaning *sum, const struct onnx_meaning *residual,
                        int sign);

/* The draft of a scaling times a whole map of one layer but the image, each of whose sides is that
 * of the draft's map or a multiple. */
void onnx_draft_multiply(const struct onnx_reader *r, struct onnx_draft *d,
                         const struct onnx_meaning *map);

/* min(max(result, low), high). */
enum err onnx_draft_clip(struct onnx_reader *r, const struct onnx_node *node,
                         struct onnx_draft *d, double low, double high);

/* Of whole numbers, 0 and up. */
double onnx_common_divisor(double a, double b);

/* The result, and `added` (0 or 1/2), rounded down; op_integer.c. */
enum err onnx_draft_floor(struct onnx_reader *r, const struct onnx_node *node,
                          struct onnx_draft *d, double added);

/* Inputs 1 and 2 are constants, one or one for each channel: (result * factor + offset) /
 * divisor. */
enum err onnx_scale_open(struct onnx_reader *r, const struct onnx_node *node,
                         const struct onnx_meaning *x, double divisor);

/* Makes of input i, where a network of whole numbers leaves that to its readers, a map or weights;
 * of a value that is a result. */
enum err onnx_integer_settle(struct onnx_reader *r, const struct onnx_node *node, uint32_t i);
enum err onnx_integer_settle_end(struct onnx_reader *r, uint32_t value);
bool     onnx_node_is(const struct onnx_node *node, const char *type);

/* The draft becomes layer *layer, quantised as stated; or the network's raw result. */
enum err onnx_draft_quantise(struct onnx_reader *r, const struct onnx_node *node,
                             struct onnx_draft *d, const struct onnx_quantisation *q,
                             uint32_t *layer);
/* The draft becomes layer *index, which hands on its sums, of 32 bits: worth unit, plus bias, for
 * each output, and of a residual that was to be added nothing. */
enum err onnx_draft_hand_on(struct onnx_reader *r, struct onnx_draft *d, uint32_t *index);
enum err onnx_draft_finish_raw(struct onnx_reader *r, struct onnx_draft *d);
bool     onnx_draft_may_be_raw(const struct onnx_draft *d);
void     onnx_draft_free_all(struct onnx_reader *r);
void     onnx_forget_names(struct onnx_reader *r);

/* Appends the image as layer 0. */
enum err onnx_add_image(struct onnx_reader *r, struct shape shape,
                        const struct onnx_quantisation *q);

/* ---- Functions of one byte, curve.c ---- */

/* Whether a node, which the reader's own table knows or not, makes a function of one map's bytes
 * of what it reads; and what it does. */
bool onnx_curve_continues(const struct onnx_reader *r, const struct onnx_node *node, bool known);
enum err onnx_curve_read(struct onnx_reader *r, const struct onnx_node *node);

/* A value that a node is about to read, if it is such a function, as what a layer delivers. */
enum err onnx_curve_settle(struct onnx_reader *r, const struct onnx_node *node, uint32_t value);
/* The same of a graph output; one that is not rounded stays what it is. */
enum err onnx_curve_settle_end(struct onnx_reader *r, uint32_t value);
void onnx_curve_free_all(struct onnx_reader *r);

/* ---- Functions of sums that are not rounded, sum_function.c ---- */

/* Whether a node, which the reader's own table knows or not, makes a function of one draft's real
 * values of what it reads, or rounds one; and what it does. */
bool onnx_function_continues(const struct onnx_reader *r, const struct onnx_node *node, bool known);
enum err onnx_function_read(struct onnx_reader *r, const struct onnx_node *node);

/* ---- Quantising, op_quantize.c ---- */

/* Scale and zero point of an activation, inputs i and i + 1. */
enum err onnx_read_quantisation(const struct onnx_reader *r, const struct onnx_node *node,
                                uint32_t i, struct onnx_quantisation *q);

/* Input i, bytes, as pixels; its scale and zero point, the inputs behind it, are the layers'. */
enum err onnx_take_bytes(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                         struct onnx_meaning *x);

/* Input i, stored bytes with scale and zero point behind it, as weights. */
enum err onnx_take_weights(const struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                           int64_t axis, struct onnx_meaning *w);

/* x, real, becomes bytes, the node's output. */
enum err onnx_quantise(struct onnx_reader *r, const struct onnx_node *node,
                       const struct onnx_meaning *x, const struct onnx_quantisation *q);

/* ---- Operators that others use ---- */

enum err onnx_conv(struct onnx_reader *r, const struct onnx_node *node,
                   const struct onnx_meaning *x, const struct onnx_meaning *weights,
                   const struct onnx_meaning *bias, struct onnx_meaning *out);
enum err onnx_product(struct onnx_reader *r, const struct onnx_node *node,
                      const struct onnx_meaning *x, const struct onnx_affine *a,
                      struct onnx_meaning *out);
enum err onnx_average(struct onnx_reader *r, const struct onnx_node *node,
                      const struct onnx_meaning *x, struct onnx_meaning *out);
enum err onnx_global_average(struct onnx_reader *r, const struct onnx_node *node,
                             const struct onnx_meaning *x, struct onnx_meaning *out);
/* Input i is a constant: sign[i] * input i + sign[1 - i] * the other. */
enum err onnx_add_constant(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                           const int sign[2]);
enum err onnx_concat(struct onnx_reader *r, const struct onnx_node *node, uint32_t n,
                     const struct onnx_meaning *part, int64_t axis, struct onnx_meaning *out);

/* ---- Constants, fold.c ---- */

/* Makes *out, which the caller releases, of input i of a node. */
typedef enum err onnx_operand(void *context, const struct onnx_node *node, uint32_t i,
                              struct array *out);

/* What the float evaluator makes of a node whose inputs operand() gives; the caller releases
 * *out. */
enum err onnx_evaluate(struct onnx_reader *r, const struct onnx_node *node, onnx_operand *operand,
                       void *context, struct array *out);

/* Evaluates a node whose inputs are all stored. */
enum err onnx_fold(struct onnx_reader *r, const struct onnx_node *node);

/* A stored list of n integers as the node's output. */
enum err onnx_store_list(struct onnx_reader *r, const struct onnx_node *node, uint32_t n,
                         const int64_t *v);

/* ---- Nodes that are part of something larger ---- */

/* Whether a node is part of a normalisation in pieces; reads it (norm_pieces.c). */
bool     onnx_is_of_norm(const struct onnx_reader *r, const struct onnx_node *node);
enum err onnx_read_norm_piece(struct onnx_reader *r, const struct onnx_node *node);

/* Finds rotations in pieces; whether a node is one of them, or reads what has turned; reads it
 * (attention/rotary.c). op: NULL where the tables have none. */
enum err onnx_find_rotations(struct onnx_reader *r);
bool     onnx_is_of_rotation(const struct onnx_reader *r, const struct onnx_node *node);
enum err onnx_read_of_rotation(struct onnx_reader *r, const struct onnx_node *node,
                               const struct onnx_operator *op);

/* Whether a node reads scores, and not just their dimensions, which are these; what it makes of
 * them (attention/scores.c). */
bool     onnx_reads_scores(const struct onnx_reader *r, const struct onnx_node *node);
uint32_t onnx_scores_dims(const struct onnx_scores *s, uint32_t dim[ONNX_MAP_DIMS]);
enum err onnx_go_on_with_scores(struct onnx_reader *r, const struct onnx_node *node);

#endif
