/* network/values/bits.h -- layers that read 0 and 1 by weights -1 and +1: their products are
 * counted, 32 rows of sixteen images at a time.
 *
 *     sum[o] = start[o] + 2 popcount(x & plus[o]) - popcount(x)
 *
 * A word is eight quads of a patch, in the order of its runs: bit 8 c + k is channel c of quad k.
 * Where a sum becomes one of two values that are neighbours, that is the higher one from some sum
 * on, which is found once.
 *
 * Layers with groups, or weights of 0, and all others are of bytes (kernel.h).
 */
#ifndef NETWORK_VALUES_BITS_H
#define NETWORK_VALUES_BITS_H

#include "network/values/kernel.h"

enum { VALUE_WORD_QUADS = 8, VALUE_WORD_ROWS = VALUE_WORD_QUADS * VALUE_QUAD };

struct value_bits { // of a layer
    uint32_t  words;     // of a patch; 0: it is one of bytes, and all below is NULL
    uint32_t *valid;     // owned; [words]: rows that there are
    uint32_t *plus;      // owned; [outputs / block][words][block]
    bool      two;       // values that sums become, neighbours; else they are scaled as others
    int32_t  *threshold; // owned; [outputs]: what a sum less start[o] at least is to be the higher
};

struct value_bit_column {     // a block of a column
    const struct value_column *column;
    const uint32_t *bit;      // [n][words + 1][VALUE_LANES]: a patch, and how many of it are 1
    uint32_t        words;
    const uint32_t *plus;     // [words][outputs]
    const int32_t  *threshold; // [outputs]; NULL: the column's sums are wanted
};

struct value_counter {
    /* Fills bit[] from the patches of a column. */
    void (*gather)(const struct value_column *c, const struct value_bits *b, uint32_t *bit);
    void (*column)(const struct value_bit_column *b);
};

/* The fastest that belongs to a kernel. */
const struct value_counter *value_counter_of(const struct value_kernel *k);

/* Ints that value_bit_column.bit takes for a column of n patches. */
static inline size_t value_bits_ints(const struct value_bits *b, uint32_t n)
{
    return b->words > 0 ? (size_t)n * (b->words + 1) * VALUE_LANES : 0;
}

#endif
