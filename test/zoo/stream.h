/* test/zoo/stream.h -- the numbers of a tensor, one after the other.
 *
 * xoshiro256** 1.0 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", ACM
 * Trans. Math. Softw. 47(4), 2021), begun by four outputs of SplitMix64 at
 * splitmix64(seed) XOR fnv1a_64(name). The weights of the zoo have been drawn so from the beginning
 * and stay what they are; the simulator itself draws by place (core/rng.h).
 */
#ifndef TEST_ZOO_STREAM_H
#define TEST_ZOO_STREAM_H

#include <stdint.h>

struct stream {
    uint64_t s[4]; // not all zero
};

void stream_init(struct stream *r, uint64_t seed, const char *name);
double stream_double(struct stream *r); // uniform in [0, 1): a multiple of 2^-53

#endif
