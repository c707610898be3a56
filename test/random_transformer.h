/* test/random_transformer.h -- small quantised transformers, as ONNX files of random values, in the
 * styles in which exporters write them.
 *
 * All steps are powers of two, and gains and weights' steps have few bits: what the integers of a
 * digital processor say is what the file says, exactly, but for what Softmax and norms round.
 */
#ifndef TEST_RANDOM_TRANSFORMER_H
#define TEST_RANDOM_TRANSFORMER_H

#include <stdbool.h>
#include <stdint.h>

#include "onnx.pb-c.h"

struct random {
    uint64_t state;
};

uint32_t random_below(struct random *r, uint32_t n);

enum cut { APART, SLICED, SPLIT, GATHERED, IN_HEADS, N_CUT }; // queries, keys, values
enum scaled { NOT, SCORES, QUERIES, BOTH, N_SCALED };
enum masked { FREE, CAUSAL, CAUSAL_WHERE, BIAS, N_MASKED };

enum ids { NO_IDS, REAL_TABLE, ROUNDED_TABLE, READ_TABLE, CODE_TABLE, N_IDS }; // of the input

enum turned { STILL, BY_OPERATOR, INTERLEAVED, BY_PIECES, BY_MATRIX, N_TURNED }; // queries, keys

/* The result: of one token, or of all rounded, in codes, or not. */
enum delivered { ONE_TOKEN, TOKENS, TOKEN_CODES, TOKEN_SUMS, N_DELIVERED };
enum laid { TOKENS_CHANNELS, CHANNELS_TOKENS, TOKENS_ONE_CHANNELS, N_LAID }; // a map of tokens

enum wrong { // what the file has that no layer computes
    NOTHING, DYNAMIC, RUN_TIME, BRANCH, DATA_MASK, NO_SOFTMAX, TOKENS_BY_TOKENS, HEADS_LEFT_OVER,
    BETWEEN_CODES, FIRST_AXIS, OPEN_TOKENS, PAST, SECOND_INPUT, STACKED_WEIGHTS,
    SCALED_VALUES, OPEN_IDS, COMPARED_IDS, MADE_TABLE,
    TURNED_FREELY, TURNED_TO_NORM, ODD_PAIRS
};

struct style {
    enum wrong wrong;
    uint32_t tokens, heads, head, ffn, classes, kv; // kv heads
    uint32_t windows; // of so many tokens: 1, or 4 of 2 x 2
    bool     square;  // tokens are a map of 4 rows and columns; else a row
    enum cut cut;
    enum ids ids;
    enum turned turned;
    uint32_t turns_rounded; // bits: what moves, either product, a part
    enum scaled scaled;
    enum delivered delivered;
    enum laid laid;
    bool     but_first; // the mean is of all tokens but the first
    bool     second; // the first layer's map is an output too, "first", rounded
    enum masked masked;
    uint32_t rounded; // scores: bits, behind their product, their factor, their mask
    bool keys_at_once, weights_rounded, weights_zero;
    bool pre, rms, sum_unrounded, tanh, places, class_token, mean, swapped, late, pooled;
    bool pieces, inverse; // norms without an operator of their own
    bool function_unrounded; // Gelu of a sum that is not rounded
    bool weighted_unrounded, bare; // norms of a layer's sums that are not; to which none are added
    int8_t   q_zero, v_zero;
};

enum { TABLE_ROWS = 11 };

struct style random_style(struct random *r);

/* The model, whose input is "image", ids or values in steps of 1/32, and whose first output, "out",
 * is rounded to steps of 1/8, if at all. *s is then what it has: a class token is one token
 * more. */
Onnx__ModelProto *make_transformer(struct random *r, struct style *s);

#endif
