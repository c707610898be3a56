/* network/values/bits.h -- layers that read 0 and 1 by weights -1 and +1: what they read is packed
 * once, when a pixel is there, and their products are counted.
 *
 *     sum[o] = start[o] + 2 popcount(x & plus[o]) - popcount(x)
 *
 * A packed pixel is a row of steps, of which a counter has one kind:
 *
 *     pairs   byte[2][VALUE_LANES]   bit c of a byte: channel c of one of two quads; each byte is
 *                                    looked up in what its four weights make of it: a word of
 *                                    weights is where that is, from VALUE_PAIR_BIT on
 *     words   uint32[VALUE_LANES]    bit 8 c + k: channel c of quad k of eight; popcounts, 32 rows
 *                                    at a time
 *
 * Channels that fill the last quad up are 0. A patch is as many words of weights as steps; of
 * pixels that are no whole words, several share one.
 *
 * Where a sum becomes one of two values that are neighbours, that is the higher one from some sum
 * on, which is found once.
 *
 * Layers with groups, or weights of 0, or more rows than int16 counts, and all others are of bytes
 * (kernel.h).
 */
#ifndef NETWORK_VALUES_BITS_H
#define NETWORK_VALUES_BITS_H

#include "network/values/kernel.h"

enum { VALUE_PAIR_QUADS = 2, VALUE_PAIR_BYTES = VALUE_PAIR_QUADS * VALUE_LANES,
       VALUE_PAIR_OUTPUTS = 32, VALUE_PAIR_WEIGHTS = 1 << VALUE_PAIR_QUADS * VALUE_QUAD,
       VALUE_PAIR_BIT = 5,
       VALUE_WORD_QUADS = 8, VALUE_WORD_BYTES = VALUE_LANES * sizeof(uint32_t) };

struct value_bits { // of a layer
    uint32_t  words;     // of a patch; 0: it is one of bytes, and all below is NULL
    uint32_t  quads;     // of a pixel that it reads
    uint32_t *plus;      // owned; [outputs / block][words][block]
    bool      two;       // values that sums become, neighbours; else they are scaled as others
    int16_t  *above;     // owned; [outputs]: a sum less start[o] is more than it to be the higher;
                         // from -rows - 1 to rows
};

struct value_bit_column {      // a block of a column
    const struct value_column *column; // of packed pixels
    const uint32_t *bit;       // what gather() made, [n][words + 1][VALUE_LANES]: a patch, and how
                               // many of it are 1
    uint32_t        words;
    const uint32_t *plus;      // [words][outputs]
    const int16_t  *above;     // [outputs]; NULL: the column's sums are wanted
};

struct value_bit_place { // of a row's weight
    uint32_t word, bit;
};

struct value_counter {
    uint32_t step_quads, step_bytes;
    uint32_t outputs; // of a block, at most; whole quads
    /* Where the weight for a channel at a position of the window, [column][row], is. */
    struct value_bit_place (*place)(uint32_t positions, uint32_t quads, uint32_t position,
                                    uint32_t channel);
    /* n neighbouring pixels of a map. */
    void (*pack)(const struct value_map *m, const uint8_t *pixel, uint32_t n, uint8_t *packed);
    /* Fills bit[] from the patches of a column; NULL: they are read where they are. */
    void (*gather)(const struct value_column *c, const struct value_bits *b, uint32_t *bit);
    void (*column)(const struct value_bit_column *b);
};

/* [weights of two quads][quad][channels]: what the weights, bit c of which is 1 where that of
 * channel c is +1, make of the channels. */
extern const int8_t value_pairs[VALUE_PAIR_WEIGHTS][VALUE_PAIR_QUADS][1 << VALUE_QUAD];

extern const struct value_counter value_counter_pairs, value_counter_avx2, value_counter_words;

/* The fastest that belongs to a kernel. */
const struct value_counter *value_counter_of(const struct value_kernel *k);

/* Places of counters of pairs. */
struct value_bit_place value_place_pairs(uint32_t positions, uint32_t quads, uint32_t position,
                                         uint32_t channel);

/* The 1 of each channel of quad q of a map that there is, as bytes of a lane. */
static inline uint32_t value_channels(const struct value_map *m, uint32_t q)
{
    uint32_t n = m->shape.channels - q * VALUE_QUAD;

    return n < VALUE_QUAD ? 0x01010101 & ((UINT32_C(1) << 8 * n) - 1) : 0x01010101;
}

/* Ints that value_bit_column.bit takes for a column of n patches. */
static inline size_t value_bits_ints(const struct value_bits *b, uint32_t n)
{
    return b->words > 0 ? (size_t)n * (b->words + 1) * VALUE_LANES : 0;
}

#endif
