/* test/random_study.h -- random networks with weights, and random machines for them.
 *
 * Networks are chains of convolutions of any window (sides, strides, dilation, uneven padding,
 * groups) over maps that are not square, with residual blocks, resampling shortcuts, pooling,
 * scaling, sums of rounded maps, concatenation, zero points, and a pooled and fully connected end.
 * Machines vary all that mapping and timing depend on. Most, not all, studies have a plan.
 */
#ifndef TEST_RANDOM_STUDY_H
#define TEST_RANDOM_STUDY_H

#include <stdbool.h>

#include "dataflow/config.h"
#include "dataflow/plan/plan.h"
#include "network/network.h"

struct random_study {
    unsigned       seed;
    struct network network;
    struct config  config;
    struct plan    plan;
    int8_t        *image; // 4 random ones, one after the other
    uint32_t       image_bytes;
};

enum { STUDY_IMAGES = 4 };

/* The study of a seed. Machines that do not fit are drawn again until one does. */
void random_study_make(struct random_study *s, unsigned seed);
/* The same of a network that ends in one to three fully connected layers, the first of them on the
 * whole map, behind one to three others; on arrays of few rows and columns. `bare`: nothing comes
 * before the first, which reads the image. */
void random_flat_study_make(struct random_study *s, unsigned seed, bool bare);
/* The study of a seed, whose layers have values and weights of 2 to 16 bits, signed or not. */
void random_wide_study_make(struct random_study *s, unsigned seed);
/* Another plan of the same study, under elastic clocking with small buffers, which s->config has
 * then; false where it has none. The caller releases it. */
bool random_study_elastic(struct plan *p, struct random_study *s);
/* Before that: what stages take, one to some tens of clocks each; columns of the memories. */
void random_study_clocks(struct random_study *s);
void random_study_release(struct random_study *s);

#endif
