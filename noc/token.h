/* noc/token.h -- what travels in a channel between two cores: the pixels of one firing, or those
 * read back in one timestep, with the values of one channel slice.
 *
 *     head | pixel[0] .. pixel[most - 1] | values of pixel[0] | values of pixel[1] | ..
 *
 * Every token knows the image, row and column of each pixel; the channel slice is the link's. A
 * timing run carries no values.
 */
#ifndef NOC_TOKEN_H
#define NOC_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "core/pixel.h"

struct token {
    uint64_t           timestep; // in which it was computed or read, counted by the chip
    uint32_t           n;        // pixels in it, at least 1
    uint32_t           most;     // pixels that fit
    struct pixel pixel[];
};

/* Bytes of a payload for `most` pixels of value_bytes each (0 in a timing run). */
static inline size_t token_bytes(uint32_t most, size_t value_bytes)
{
    return sizeof(struct token) + most * (sizeof(struct pixel) + value_bytes);
}

/* An empty token in a channel's payload. */
static inline struct token *token_begin(void *payload, uint64_t timestep, uint32_t most)
{
    struct token *t = (struct token *)payload; // C++ wants the cast

    t->timestep = timestep;
    t->n = 0;
    t->most = most;
    return t;
}

/* Values of pixel i, value_bytes each. */
static inline uint8_t *token_values(struct token *t, uint32_t i, size_t value_bytes)
{
    return (uint8_t *)&t->pixel[t->most] + i * value_bytes;
}
static inline const uint8_t *token_values_const(const struct token *t, uint32_t i,
                                                size_t value_bytes)
{
    return (const uint8_t *)&t->pixel[t->most] + i * value_bytes;
}

#endif
