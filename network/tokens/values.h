/* network/tokens/values.h -- what a layer of tokens computes with, and of what.
 *
 * Codes are whole numbers: bytes, of a norm up to 16 bits, or the sums of a layer that does not
 * round them, of 32. Steps are real: a code c of a part of what is read is worth
 * (c - zero) * step, and a result
 *
 *     out = clamp(rne(real / step) + requant.zero, requant.low, requant.high)
 *
 * with the layer's own requant, whose arrays are NULL. One double expression of exact sums, in the
 * order that is stated here and in attention_values.h and norm_values.h:
 *
 *     LAYER_ATTENTION   parts: queries, keys, values; attention_values.h
 *     LAYER_NORM        a part, whole numbers; or the real sum of two, each of all channels; or,
 *                       with `steps`, real numbers whose channels have steps of their own
 *                       and, with `shift`, are moved: of part 0, c * steps + shift
 *     LAYER_MAP         what stands in the layer's table for a byte, requant.low to high being
 *                       those that come; or, of two parts, rne((a - a's zero) (b - b's zero) *
 *                       unit) with unit = a's step * b's step / step
 *     LAYER_TOKENS      rne((c - zero) * (part's step / step) + stored), or stored alone where its
 *                       window lies in the padding
 *     LAYER_SUM_TOKENS  rne(sum (c - zero) * (part's step / step) / n); or, weighted, attention of
 *                       one query of 1 whose keys are the last channel and values all before it:
 *                       parts are then queries (0, 1), keys, values
 *
 * Tokens have the number column * rows + row of their map, and so has an output.
 *
 * Where `bits` are less than 8, queries, keys and values are narrowed as they come
 * (attention_narrowed), and their steps grow.
 */
#ifndef NETWORK_TOKENS_VALUES_H
#define NETWORK_TOKENS_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "network/network.h"
#include "network/tokens/attention_values.h"
#include "network/tokens/numbers.h"

struct token_part {
    int32_t zero;
    double  step; // positive
};

enum { TOKEN_QUERIES, TOKEN_KEYS, TOKEN_VALUES, TOKEN_PARTS };

/* Of queries or keys, by the token's number: of a pair (a, b) of real numbers
 *
 *     a' = straight(a cos) + crossed(moved(-b) sin)    b' = straight(b cos) + crossed(moved(a) sin)
 *
 * each rounded to codes of a step, if any, and the sum always. Channels of no pair are rounded. */
struct token_rotation {
    uint32_t n;      // pairs of a head's channels, 0: none
    bool     halves; // channels c and c + n; else 2 c and 2 c + 1
    double  *turn;   // owned; [tokens][n][2]: cosine, sine
    struct code_range moved, straight, crossed, sum; // of sum less its zero: -255 to 255
};

/* A step of scores: real numbers, times scale, plus a bias, then in codes of a step, if any. */
struct token_score {
    double            scale;
    double           *bias;   // owned; [n_bias][queries][keys]; NULL: none
    uint32_t          n_bias; // heads, or 1 for all
    struct code_range codes;
};

enum { TOKEN_SCORES = ATTENTION_STEPS - 1 }; // steps, at most

struct token_values { // owned by a struct token_op; fields of other kinds are 0
    struct token_part part[TOKEN_PARTS]; // from the first on
    double            step;              // of the result; 0 where a table is looked up

    /* Of attention and of weighted sums. The score of a query and a key is q.k, 1 step at least: */
    uint32_t           n_score;
    struct token_score score[TOKEN_SCORES];
    uint8_t           *masked; // owned; [n_masked][queries][keys], not 0: takes no part; NULL
    uint32_t           n_masked; // heads, or 1 for all
    struct token_rotation rotation[2]; // of queries, of keys
    enum attention_weights weights;
    uint32_t               bits;    // 2 to 16; of the grid
    struct code_range      weight_codes; // of ATTENTION_CODES, of e / sum of e

    /* Of a norm: */
    double  eps;           // real
    double *gain, *offset; // owned; [channels], in steps of the result; offset NULL: 0
    double *steps;         // owned; [channels] of part 0, whose step counts for nothing; or NULL
    double *shift;         // owned; [channels] of part 0, real; only with steps; or NULL: 0

    const struct number_format *numbers; // of each operation on real numbers; NULL: double

    double *stored; // owned; of LAYER_TOKENS, [outputs][channels], in steps of the result
};

void token_values_free(struct token_values *v); // takes NULL

/* What a core of an attention layer sees and does: heads [first, first + n) of queries, kv of keys
 * and values, side by side as the whole layer has its own. Of other kinds all is 0. */
struct token_heads {
    uint32_t first, n, kv;
};
struct token_heads token_heads_all(const struct layer *l);

/* What the window of an output sees. */
struct token_window {
    struct token_heads    heads;
    uint32_t              at;     // number of the output
    uint32_t              n;      // of tokens inside the map
    const uint32_t       *number; // [n]: theirs, ascending
    const int32_t *const *code;   // [n][channels that are read]
};

/* Bytes that compute() takes for windows of up to n tokens. */
size_t token_room(const struct layer *l, uint32_t n);

/* Of parts of what is read, for kinds: a value as it enters; a real number of steps of the result
 * as its code; a whole number times what 1 of it is worth; a check of the first n parts. */
int32_t  token_entering(const struct token_values *v, uint32_t part, int32_t code);
int32_t  token_code(const struct layer *l, double steps);
double   token_real(const struct token_values *v, double whole, double unit); // whole * unit
enum err token_check_parts(const struct layer *l, uint32_t first, uint32_t n, struct err_msg *m);

/* The part that a channel of what is read belongs to. */
uint32_t token_part_of(const struct layer *l, uint32_t channel);

/* The head of an attention layer, or of a weighted sum, and a query of it: code of the query and,
 * from there on, keys and values, of so many channels each. */
struct token_query {
    uint32_t       head;    // its number in the layer
    uint32_t       query, key, value;        // first channels
    uint32_t       head_n, value_n;
    const int32_t *code;    // of the token that asks; NULL: a query of 1
    uint32_t       number;  // its
};
void token_attend(const struct layer *l, const struct token_window *w, const struct token_query *q,
                  void *room, int32_t *out);

/* Of a head, with the machine's bits. */
struct attention_values token_head_values(const struct layer *l, uint32_t head_n, uint32_t value_n);
enum err token_check_softmax(const struct layer *l, uint32_t heads, struct err_msg *m);

/* attention.bits of a machine: whatever the network states, b < 8 narrows queries, keys and values,
 * and weights are on a grid of b; but with 8 codes that a file states stay. 0: weights are real. */
void network_attention_bits(struct network *n, uint32_t bits);

/* digital.numbers of a machine: what layers of tokens compute with. Tables stay. */
void network_digital_numbers(struct network *n, enum number_kind numbers);

#endif
