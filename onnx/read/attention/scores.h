/* onnx/read/attention/scores.h -- scores of queries and keys on their way to a layer of attention:
 * what attention.c, join.c, masks.c, operands.c and scores.c share. Of these alone. */
#ifndef ONNX_READ_ATTENTION_SCORES_H
#define ONNX_READ_ATTENTION_SCORES_H

#include "onnx/read/tokens.h"

struct onnx_scores {
    struct onnx_meaning map[2];  // queries and keys, dequantised
    struct onnx_axes    axes[2]; // theirs; of keys the last two dimensions as those of queries
    double factor[2];            // of each, real
    bool     sums;               // of one query of 1: map[1] is of one channel
    uint32_t heads, tokens;      // all tokens
    uint32_t windows, seen;      // of as many tokens each
    uint32_t n_dim, dim[ONNX_MAP_DIMS]; // of the tensor of scores
    bool    rounded;             // codes: what reads them wants DequantizeLinear
    bool    weights;             // what Softmax made
    bool    weights_rounded;
    uint32_t n_score;            // steps, the last of them open while it has no codes
    struct token_score score[TOKEN_SCORES]; // biases in numbers of tokens, the reader's
    bool     only_masks[TOKEN_SCORES];      // its bias, which counts where it is rounded
    double   put;                // the largest number that Where puts in place of a score
    struct code_range weight_codes;
    uint8_t *masked; // [n_masked][queries][keys] in numbers of tokens; NULL: none; the reader's
    uint32_t n_masked;
};

static inline enum err no_memory(const struct onnx_reader *r)
{
    return err_set(r->msg, ERR_MEMORY, "no memory for attention");
}

/* ---- Operands of a product, operands.c ---- */

enum err onnx_refuse_product(const struct onnx_reader *r, const struct onnx_node *node,
                             const char *why);

/* Input i: a dequantised map, or one times a number, and its axes. */
enum err onnx_take_operand(struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                           struct onnx_meaning *x, struct onnx_axes *axes, double *factor);

/* Refuses other dimensions than heads and windows in front, then tokens, then channels; each token
 * is there once. */
enum err onnx_check_operand(const struct onnx_reader *r, const struct onnx_node *node,
                            const struct onnx_meaning *x, const struct onnx_axes *a);

uint32_t onnx_count_heads(const struct onnx_axes *a);
uint32_t onnx_head_channel(const struct onnx_axes *a, uint32_t head); // its first
uint32_t onnx_count_windows(const struct onnx_axes *a);
void     onnx_locate_window(const struct onnx_axes *a, uint32_t window, // adds to at[side]
                            uint32_t at[ONNX_SIDES]);

/* Whether two operands have the same tokens, in the same order, in the same windows. */
bool onnx_same_tokens(const struct onnx_meaning *x, const struct onnx_axes *a,
                      const struct onnx_meaning *y, const struct onnx_axes *b);

/* ---- Scores, scores.c ---- */

enum err onnx_refuse_scores(const struct onnx_reader *r, const struct onnx_node *node,
                            const char *why);

/* The step that what comes belongs to: the last, or one more behind codes; NULL: too many. */
struct token_score *onnx_open_step(const struct onnx_reader *r, const struct onnx_node *node,
                                   struct onnx_scores *s);

/* ---- Biases and masks of scores, masks.c ---- */

struct onnx_spread { // what a constant does to each score
    const struct onnx_meaning *c;
    double factor;
    bool   masks; // where it is not 0; else it is added
};
enum err onnx_spread_over(struct onnx_reader *r, const struct onnx_node *node,
                          struct onnx_scores *s, const struct onnx_spread *c);

/* Where(condition, a, b): scores where the condition says so, else a number below all scores. */
enum err onnx_read_where(struct onnx_reader *r, const struct onnx_node *node,
                         struct onnx_scores *s);

/* Masks the keys of other windows, of scores without a mask. */
enum err onnx_hide_windows(struct onnx_reader *r, const struct onnx_node *node,
                           struct onnx_scores *s);

/* Scores that a mask was added to take part once they are rounded, to codes of c: as the least
 * code, mostly. */
enum err onnx_round_masked(struct onnx_reader *r, const struct onnx_node *node,
                           struct onnx_scores *s, const struct code_range *c);

/* ---- The layer, join.c and attention.c ---- */

struct onnx_heads { // of queries, keys or values
    struct onnx_meaning    *x;
    const struct onnx_axes *axes;
    uint32_t *channel, n; // in the map
};

/* One map of all channels of o[3], queries, keys and values, in `all`. */
enum err onnx_join_heads(struct onnx_reader *r, const struct onnx_node *node, struct onnx_heads *o,
                         struct onnx_meaning *all);

/* MatMul of weights of attention by values: a draft. */
enum err onnx_read_mixed(struct onnx_reader *r, const struct onnx_node *node,
                         struct onnx_scores *s);

#endif
