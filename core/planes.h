/* core/planes.h -- streams of images abreast.
 *
 * When a core fires does not depend on the values that it computes with. So one chip can carry the
 * values of several streams of images, each in a plane of its own: whatever holds values holds
 * those of every plane, and what happens, happens to all of them. The chip counts its images as
 * those of one stream; which of them count in a plane is said by their numbers.
 */
#ifndef CORE_PLANES_H
#define CORE_PLANES_H

#include <stdbool.h>
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
    const struct counted_images *counted; // borrowed; [n], or [1] when n is 0; NULL: all count
    struct standing_images       standing;
};

static inline bool plane_counts(const struct planes *p, uint32_t plane, uint64_t image)
{
    return !p->counted || (image >= p->counted[plane].first && image < p->counted[plane].end);
}

/* How many images an image stands for. */
static inline uint64_t standing_for(const struct standing_images *s, uint64_t image)
{
    if (image < s->first || s->end == 0)
        return 1;
    return image == s->first ? s->end - image : 0;
}

/* In how many planes an image counts, or how often in a timing run. */
static inline uint64_t planes_counting(const struct planes *p, uint64_t image)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i == 0 || i < p->n; i++)
        n += plane_counts(p, i, image);
    return n * standing_for(&p->standing, image);
}

#endif
