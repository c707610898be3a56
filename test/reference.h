/* test/reference.h -- a network run on one image by plain loops in 64-bit integers.
 *
 * Written from network/network.h alone and sharing no code with the simulator: what the simulator
 * computes is compared with this, and this with files that other programs made.
 */
#ifndef TEST_REFERENCE_H
#define TEST_REFERENCE_H

#include <stdint.h>

#include "network/network.h"

struct reference {
    const struct network *network; // with values; borrowed
    int64_t             **sum;     // per layer, before scaling; of the image: unused
    int64_t             **map;     // per layer, before pooling
    int64_t             **pooled;  // per layer; NULL where it does not pool

    /* What stands in place of a sum of weights times inputs; patch: what the kernel covers, of all
     * channels of the input, less the zero point: [channel][kernel 0][kernel 1]. NULL: nothing. */
    int64_t (*product)(void *user, uint32_t layer, uint32_t x, uint32_t y, uint32_t o,
                       const int64_t *patch);
    void *user;
};

void reference_init(struct reference *r, const struct network *n);
void reference_release(struct reference *r);

/* The image's bytes in the order of traces/images/images.h: [column][row][channel]; of a network
 * that leaves the byte the low ones and then the high ones (network_image_bytes()). */
void reference_run(struct reference *r, const void *image);

/* Of layer l at row x and column y, in the map before pooling. */
int64_t reference_sum(const struct reference *r, uint32_t l, uint32_t x, uint32_t y, uint32_t ch);
int64_t reference_map(const struct reference *r, uint32_t l, uint32_t x, uint32_t y, uint32_t ch);

/* What the layer delivers: the map, or its one pooled pixel. */
int64_t reference_delivered(const struct reference *r, uint32_t l, uint32_t x, uint32_t y,
                            uint32_t ch);

/* Channel of the largest value that the last layer delivers; the first of equals. */
uint32_t reference_class(const struct reference *r);

#endif
