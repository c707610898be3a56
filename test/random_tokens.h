/* test/random_tokens.h -- random small transformers with values, made layer by layer: maps of one
 * or more rows, stored tokens and positions, norms of one map and of two, grouped heads, biases,
 * masks, rotations, codes of scores and of probabilities, tables, products, sums over tokens.
 */
#ifndef TEST_RANDOM_TOKENS_H
#define TEST_RANDOM_TOKENS_H

#include "network/network.h"
#include "test/plan_rig.h"

struct random_tokens {
    unsigned        seed;
    struct plan_rig rig;   // its network, and a machine that has room for it
    uint8_t        *image; // TOKENS_IMAGES random ones, one after the other
    size_t          image_bytes;
};

enum { TOKENS_IMAGES = 20 };

/* Whether the plan is made too. attention.bits of the seed are applied. */
void random_tokens_make(struct random_tokens *t, unsigned seed, bool plan);

/* The same, some of whose norms read sums that are not rounded. False, and *t is nothing, where the
 * seed has no norm that could. */
bool random_tokens_of_sums_make(struct random_tokens *t, unsigned seed, bool plan);
void random_tokens_release(struct random_tokens *t);

/* What a layer delivers, value by value, computed by plain loops in long doubles of what it reads:
 * read(user, layer, number of the pixel, channel). Fails the test where `found` is another value
 * that lies more than a double's error away from a tie. Layers of tokens and layers with weights,
 * whose kernel is a pixel. */
typedef int64_t read_fn(void *user, uint32_t layer, uint32_t pixel, uint32_t channel);
void naive_layer_is(const struct random_tokens *t, uint32_t layer, read_fn *read, void *user);

#endif
