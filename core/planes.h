/* core/planes.h -- streams of images abreast.
 *
 * When a core fires does not depend on the values that it computes with. So one chip can carry the
 * values of several streams of images, each in a plane of its own: whatever holds values holds
 * those of every plane, and what happens, happens to all of them. The chip counts its images as
 * those of one stream; which of them count in a plane is said by their numbers.
 *
 * Values of more than a byte, and sums of more than 32 bits, take two planes: low bytes or words
 * and, in the next, high ones. Whatever only moves them knows nothing of that. Sums that a norm
 * reads travel as words, and its memory has four planes of bytes for a value.
 */
#ifndef CORE_PLANES_H
#define CORE_PLANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct counted_images { // of one plane: [first, end) as the chip counts
    uint64_t first, end;
};

/* In a timing run, image `first` stands for all up to `end`, which do the same. */
struct standing_images {
    uint64_t first, end; // end 0: each for itself
};

struct planes {
    uint32_t                     n;       // 0: a timing run, of one stream
    bool                         wide;    // a stream has two planes, of low and of high bytes
    const struct counted_images *counted; // borrowed; [streams], or [1] when n is 0; NULL: all
    struct standing_images       standing;
};

enum { SUM_PLANES = 4 }; // of a stream, where sums of 32 bits are kept byte by byte

static inline uint32_t planes_streams(const struct planes *p)
{
    return p->wide ? p->n / 2 : p->n;
}

static inline bool plane_counts(const struct planes *p, uint32_t stream, uint64_t image)
{
    return !p->counted || (image >= p->counted[stream].first && image < p->counted[stream].end);
}

/* A sum in the words of two planes, `apart` ints from one to the other. */
static inline int64_t wide_sum(const int32_t *low, size_t apart)
{
    return (int64_t)((uint64_t)(uint32_t)low[apart] << 32 | (uint32_t)low[0]);
}
static inline void wide_sum_set(int32_t *low, size_t apart, int64_t sum)
{
    low[0] = (int32_t)(uint32_t)sum;
    low[apart] = (int32_t)(uint32_t)((uint64_t)sum >> 32);
}

/* A value in the bytes of two planes, two's complement. */
static inline int32_t wide_value(const uint8_t *low, const uint8_t *high, bool is_signed)
{
    uint16_t v = (uint16_t)(*low | *high << 8);

    return is_signed ? (int16_t)v : v;
}

/* A value of 32 bits in the bytes of four planes, `apart` bytes from one to the next. */
static inline int32_t kept_sum(const uint8_t *byte, size_t apart)
{
    uint32_t v = 0;

    for (uint32_t k = 0; k < SUM_PLANES; k++)
        v |= (uint32_t)byte[k * apart] << 8 * k;
    return (int32_t)v;
}

static inline void kept_sum_set(uint8_t *byte, size_t apart, int32_t v)
{
    for (uint32_t k = 0; k < SUM_PLANES; k++)
        byte[k * apart] = (uint8_t)((uint32_t)v >> 8 * k);
}

/* How many images an image stands for. */
static inline uint64_t standing_for(const struct standing_images *s, uint64_t image)
{
    if (image < s->first || s->end == 0)
        return 1;
    return image == s->first ? s->end - image : 0;
}

/* In how many streams an image counts, or how often in a timing run. */
static inline uint64_t planes_counting(const struct planes *p, uint64_t image)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i == 0 || i < planes_streams(p); i++)
        n += plane_counts(p, i, image);
    return n * standing_for(&p->standing, image);
}

#endif
