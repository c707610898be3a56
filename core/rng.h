/* core/rng.h -- random numbers that depend on where they are drawn, and on nothing else.
 *
 * A number is a function of the seed, of what is drawn, of the place and of its index there:
 *
 *     struct rng core = rng_in(rng_in(rng_at(seed, "programming"), chip), core_number);
 *     double     g    = rng_normal(core, row * columns + column);
 *
 * Nothing is kept between draws. So order, threads, jobs and what else is drawn cannot show: a
 * chip, an effect or a core more changes no other number.
 *
 * The function is Philox 4x32 of ten rounds (Salmon, Moraes, Dror and Shaw, "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011), a bijection of 128 bits for each key of 64 that passes
 * all of BigCrush. With P(key, counter) its first 64 bits,
 *
 *     key of (seed, what)        P(seed, {fnv1a_64(what), 2})
 *     key of a place in a place  P(key, {where, 1})
 *     number i of a place        P(key, {i, 0})
 *
 * Two of n places have the same key with a probability of n^2 / 2^65.
 */
#ifndef CORE_RNG_H
#define CORE_RNG_H

#include <stdint.h>

struct rng { // a place
    uint64_t key;
};

struct rng rng_at(uint64_t seed, const char *what);
struct rng rng_in(struct rng outer, uint64_t where); // rng_in(rng_in(r, 1), 2) is not (r, 2), 1

/* Number i of the place, all 64 bits random. */
uint64_t rng_u64(struct rng r, uint64_t i);

/* Uniform in [0, 1): the upper 53 bits of rng_u64(). */
double rng_double(struct rng r, uint64_t i);

/* Standard normal, within 8.6 of the mean (Box and Muller, "A note on the generation of random
 * normal deviates", Ann. Math. Stat. 29(2), 1958). log() and cos() are the C library's: the last
 * bit may differ between machines. */
double rng_normal(struct rng r, uint64_t i);

/* What it is made of: out = Philox 4x32-10 of counter and key, and FNV-1a of a string (Fowler, Noll
 * and Vo, 64 bit). */
void rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);
uint64_t rng_hash(const char *text);

#endif
