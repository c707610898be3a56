/* core/rng.h -- seeded streams of random numbers, one for each block path.
 *
 * The generator is xoshiro256** 1.0 (Blackman and Vigna, "Scrambled linear pseudorandom number
 * generators", ACM Trans. Math. Softw. 47(4), 2021; period 2^256 - 1). Its state is four outputs of
 * SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014)
 * begun at
 *
 *     splitmix64(seed) XOR fnv1a_64(path)
 *
 * so that a stream depends on the seed of the run and on whose it is, but not on what other blocks
 * there are or in which order they draw.
 */
#ifndef CORE_RNG_H
#define CORE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t s[4]; // not all zero
};

void rng_init(struct rng *r, uint64_t seed, const char *path);

/* All 64 bits random. */
uint64_t rng_u64(struct rng *r);

/* Uniform in [0, 1): a multiple of 2^-53. */
double rng_double(struct rng *r);

/* Standard normal, within 8.6 of the mean; always two draws (Box and Muller, "A note on the
 * generation of random normal deviates", Ann. Math. Stat. 29(2), 1958). */
double rng_normal(struct rng *r);

/* What rng_init() is made of: the next output of SplitMix64, and FNV-1a of a string (Fowler, Noll
 * and Vo, 64 bit). */
uint64_t rng_splitmix64(uint64_t *state);
uint64_t rng_hash(const char *path);

#endif
