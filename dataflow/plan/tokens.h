/* dataflow/plan/tokens.h -- how layers of tokens (network/tokens/tokens.h) sit on digital cores.
 *
 * A core does some of the heads of an attention layer, or a whole layer of another kind. What it
 * needs of a token it stores side by side: of attention the channels of its queries, keys and
 * values. Keys and values lie in K/V memory,
 *
 *     bytes of a bank = tokens * bits / 8 * channels of keys and values of the core's heads
 *
 * of words of core.input_memory.word_bits, keys before values, a token in neighbouring words; the
 * other kinds keep a token in registers. Neither goes through the port of an input memory: lanes
 * read what they take.
 *
 * A token may take a core several timesteps, in which it begins no other (plan_lasts()):
 *
 *     attention  ceil(max(ceil(qk / lanes) + ceil(pv / lanes), ceil(exps / exp_lanes)) / T)
 *     others     ceil(ceil(passes * channels / lanes) / T)
 *
 * with one array of multiplying lanes for q.k and p.v, and exponentials beside it.
 */
#ifndef DATAFLOW_PLAN_TOKENS_H
#define DATAFLOW_PLAN_TOKENS_H

#include "dataflow/mapping.h"
#include "dataflow/plan/plan.h"
#include "network/tokens/tokens.h"
#include "network/tokens/values.h"

/* Cores, splits and firing of a layer of tokens. ERR_INPUT where heads cannot be dealt to cores so,
 * a token takes too long, or keys and values do not fit. */
enum err tokens_place(const struct plan *p, struct plan_layer *pl, struct err_msg *m);

/* Channels of a core: all that it stores, from 0 on, and its outputs. */
struct slice tokens_slice(const struct plan *p, uint32_t layer, uint32_t split);

/* What the core of a split stores of the concatenated input, in the order in which it does. Returns
 * how many ranges. */
enum { TOKEN_RANGES = 3 };
struct token_range {
    uint32_t first, n; // channels of the input
    uint32_t at;       // where the first of them is stored
};
uint32_t tokens_ranges(const struct plan *p, uint32_t layer, uint32_t split,
                       struct token_range range[TOKEN_RANGES]);

/* Heads of the core of a split of an attention layer; of other kinds none. */
struct token_heads tokens_heads(const struct plan *p, uint32_t layer, uint32_t split);

/* Work of a core of a split for output (row, column). */
struct token_work tokens_work(const struct plan *p, uint32_t layer, uint32_t split, uint32_t row,
                              uint32_t column);

/* Clocks that it takes. */
uint64_t tokens_clocks(const struct plan *p, uint32_t layer, const struct token_work *work);

/* Timesteps of all outputs of an image, one after the other, and the most of one. */
uint64_t tokens_timesteps(const struct plan *p, uint32_t layer, uint64_t *most);

/* Sequences that a core keeps keys and values of: attention.banks, or where they are decoded all, a
 * row of the map each. */
uint32_t tokens_n_bank(const struct plan *p);

/* Timesteps between sequences: in which all tokens of one are through. A memory of one bank is
 * empty before it takes the next, whose tokens come until the last one is there:
 *
 *     banks > 1: sum of A;  1: sum of A + (S - 1) * largest A */
uint64_t tokens_interval(const struct plan *p, uint32_t layer);

/* K/V memory of an attention core: bits of an element; words that a token's keys, its values and
 * both together lie in; bytes of a bank, and of the queries that wait when all of a sequence do. */
struct kv_memory {
    uint32_t bits, key_words, value_words, token_words;
    uint64_t bank_words, bank_bytes, queue_bytes;
    uint64_t key_bytes; // of a bank, those of keys
};
struct kv_memory tokens_kv(const struct plan *p, uint32_t layer);

/* The tokens that so many banks hold, of which as many as *columns are kept at once. ERR_INPUT when
 * they do not do. */
enum err tokens_banks(const struct plan *p, uint32_t layer, uint32_t *columns, struct err_msg *m);

/* Cores of layers of tokens, which have no array. */
uint32_t plan_digital_cores(const struct plan *p);

#endif
