/* onnx/read/tokens.h -- maps read as tokens, and drafts of layers of tokens; shared by the files
 * of the reader that make such layers.
 *
 * Tokens are a tensor's dimensions but the last, whose places are pixels; channels are the last.
 * A draft of a layer of tokens has in `unit` and `bias` what joins its real result: gain and offset
 * of a norm, for each channel; of the others one factor for all, and of LAYER_TOKENS one offset.
 */
#ifndef ONNX_READ_TOKENS_H
#define ONNX_READ_TOKENS_H

#include "network/tokens/tokens.h"
#include "network/tokens/values.h"
#include "onnx/read/reader.h"

struct onnx_tokens {
    struct onnx_meaning x;    // whole maps of layers, quantised alike
    struct onnx_axes    axes; // x's; the last dimension is all channels
    bool                one;  // a single token is read, that at
    uint32_t            row, column;
};

/* Input i, dequantised, or a meaning that is; parts of its channels or of its tokens become a layer
 * of their own. */
enum err onnx_take_tokens(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                          struct onnx_tokens *t);
enum err onnx_see_tokens(struct onnx_reader *r, const struct onnx_node *node,
                         const struct onnx_meaning *x, struct onnx_tokens *t);

/* Of d's layer, that has t's map: its window of one pixel, what it delivers but the channels; and
 * the meaning of its result. */
void onnx_window_tokens(const struct onnx_tokens *t, struct layer *l);
struct onnx_meaning onnx_draft_of_tokens(const struct onnx_reader *r, const struct onnx_tokens *t,
                                         struct onnx_draft *d);

/* Some channels of a map, in the order of a list of n. */
enum err onnx_pick_channels(struct onnx_reader *r, const struct onnx_node *node,
                            struct onnx_meaning *x, const uint32_t *pick, uint32_t n);

/* A layer of tokens that reads x. It has values, whose first part is x's quantisation. */
enum err onnx_draft_tokens(struct onnx_reader *r, const struct onnx_node *node,
                           const struct onnx_meaning *x, enum layer_kind kind,
                           struct onnx_draft **draft);
struct token_part onnx_part_of(const struct layer *from);

/* The draft, quantised as q says, becomes layer *index. */
enum err onnx_quantise_tokens(struct onnx_reader *r, const struct onnx_node *node,
                              struct onnx_draft *d, const struct onnx_quantisation *q);

/* Number of a token in its map: pixels in the order in which they come. */
uint32_t onnx_token_number(const struct shape *s, const uint32_t at[ONNX_SIDES]);

/* Input i, constant, which tells tokens apart: added to input 1 - i, times `sign` each. */
bool     onnx_tells_tokens(const struct onnx_reader *r, const struct onnx_meaning *x,
                           const struct onnx_meaning *c);
enum err onnx_add_stored(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                         const int sign[2]);

/* Concat of stored tokens and a map, input `map`: the others are constants. */
enum err onnx_join_stored(struct onnx_reader *r, const struct onnx_node *node, uint32_t map,
                          int64_t axis);

/* ReduceMean, ReduceSum over the dimensions of a set of bits: all tokens. */
enum err onnx_reduce_tokens(struct onnx_reader *r, const struct onnx_node *node, uint32_t set,
                            bool keep, bool sums);

/* ---- Norms, op_norm.c and norm_pieces.c ---- */

/* x, dequantised, a plain sum of two rounded maps or that of a layer of weights, which nothing else
 * may read, as tokens, and a draft of a norm of them, without eps, whose gain is 1. */
bool     onnx_is_plain_sum(const struct onnx_meaning *x);
bool     onnx_is_weighted_sum(const struct onnx_reader *r, const struct onnx_meaning *x);
enum err onnx_draft_norm(struct onnx_reader *r, const struct onnx_node *node,
                         const struct onnx_meaning *x, struct onnx_tokens *t,
                         struct onnx_draft **d);

/* ---- Rotations, attention/rotary.c ---- */

struct onnx_turn { // of a map of heads, whose channels are an axis of so many
    struct token_rotation rotation; // its sum has no step until it is rounded; the reader's
    bool            *known;         // of each token's pairs: has been found
    uint32_t         head;
    struct onnx_axis axis;   // the channels
    double           factor; // by which codes were multiplied since
};

/* ---- Attention, attention/scores.c ---- */

/* MatMul of two maps: scores. */
enum err onnx_read_scores(struct onnx_reader *r, const struct onnx_node *node);

#endif
