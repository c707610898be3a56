/* network/tokens/tokens.h -- digital layers that see whole tokens.
 *
 * A token is a pixel of H channels; a sequence of S tokens is a map of 1 row and S columns, or of
 * several rows, in scan order. A layer of tokens gathers every channel of what its window sees:
 *
 *     LAYER_ATTENTION   queries, keys and values, concatenated in this order: h heads of d
 *                       channels, hk heads of d, hk heads of d_v. Of each head, for a query: scores
 *                       q.k / sqrt(d), softmax over the keys that the window sees, sum of p * v
 *     LAYER_NORM        normalisation of a token over its channels, gain and offset; or by its root
 *                       mean square, without offset. Of the sum of two maps, where it reads two
 *     LAYER_MAP         a table of 256 entries for each value; or the product of two maps
 *     LAYER_TOKENS      stored tokens where its window lies in the padding, behind or in front of
 *                       those that come; what is stored for a token is added to it. The sequence is
 *                       1 row, whatever map comes
 *     LAYER_SUM_TOKENS  mean of the tokens of its window; or their sum, weighted by softmax over
 *                       one more channel that is read
 *
 * Which keys a query may see is the window's: every token of a sequence (2 * S - 1 columns with
 * S - 1 of padding on either side), or itself and those before it (S columns, S - 1 of padding in
 * front).
 *
 * A kind is a row of token_kinds[] and a file. What it computes for a token is stated once, as
 * struct token_work: time (dataflow/plan/rules.h) and counters (arch/core) follow from it.
 *
 * Source: K. Spoon et al., Front. Comput. Neurosci. 15:675741 (2021): what multiplies two
 * activations, softmax and normalisation are digital.
 */
#ifndef NETWORK_TOKENS_TOKENS_H
#define NETWORK_TOKENS_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "network/network.h"

struct token_values; // network/tokens/values.h
struct token_window;

struct token_op { // of a layer of tokens; of other kinds the fields are 0
    uint32_t heads, kv_heads;  // of attention
    uint32_t head, value_head; // channels of a head: of queries and keys, of values
    bool     causal;           // no key behind the query
    bool     rms;              // of a norm: by the root mean square
    bool     product;          // of a map: of two maps, else a table
    bool     weighted;         // of a sum: by softmax over the last channel that is read
    struct token_values *values; // owned; NULL without values
};

/* Part of a layer that one core does: heads of attention, all of any other. */
struct token_share {
    uint32_t heads;    // 0 but for attention
    uint32_t channels; // of the outputs
};

struct token_work { // for one output
    uint64_t qk_macs, pv_macs; // products of queries and keys, of probabilities and values
    uint64_t exps, divisions, roots;
    uint64_t adds, multiplies, look_ups;
    uint64_t lane_ops; // one after the other in each lane, but for attention: passes over channels
};

struct token_kind {
    const char *name; // "attention"
    /* ERR_INPUT with a line that begins behind the layer's name. Shapes and windows are sound. */
    enum err (*check)(const struct layer *l, struct err_msg *m);
    /* Of an output whose window sees `seen` tokens. */
    struct token_work (*work)(const struct layer *l, const struct token_share *share,
                              uint64_t seen);
    /* Of a layer with values: out[n], the channels of one token that the heads make, or all of
     * them, from what its window sees (network/tokens/values.h). Room as token_room() has it. */
    void (*compute)(const struct layer *l, const struct token_window *w, void *room, int32_t *out);
};

extern const struct token_kind token_attention, token_norm, token_map, token_stored, token_sum;

const struct token_kind *token_kind_of(const struct layer *l); // a layer of tokens

/* The whole layer. */
struct token_share token_share_all(const struct layer *l);

/* Multiply-accumulates of a network's attention for one image. */
uint64_t network_attention_macs(const struct network *n);

/* Channels of the queries, keys and values in what an attention layer reads. */
static inline uint32_t attention_queries(const struct token_op *t)
{
    return t->heads * t->head;
}
static inline uint32_t attention_keys(const struct token_op *t)
{
    return t->kv_heads * t->head;
}
static inline uint32_t attention_values(const struct token_op *t)
{
    return t->kv_heads * t->value_head;
}

/* Tokens that the window of output (row, column) of a layer sees. */
uint64_t token_seen(const struct layer *l, uint32_t row, uint32_t column);

/* Whether each output sees the one token of its place. */
bool token_by_token(const struct layer *l);

/* Whether it does, along an axis; and the numbers of those that it sees, ascending. Returns how
 * many. */
bool     token_sees(const struct window *w, int axis, uint32_t at, uint32_t place);
uint32_t token_numbers(const struct layer *l, uint32_t row, uint32_t column, uint32_t *number);

#endif
