/* test/dice.h -- whole numbers at random, the same on every host and by every compiler. */
#ifndef TEST_DICE_H
#define TEST_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice { // SplitMix64 (Steele, Lea, Flood 2014)
    uint64_t state;
};

/* From least to most. */
static inline uint32_t pick(struct dice *d, uint32_t least, uint32_t most)
{
    uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return least + (uint32_t)(z % ((uint64_t)most - least + 1));
}

static inline bool chance(struct dice *d, uint32_t one_in)
{
    return pick(d, 1, one_in) == 1;
}

#endif
