/* core/rng.c -- see rng.h. */
#include "core/rng.h"

#include <math.h>

static const double two_pi = 6.283185307179586476925;

uint64_t rng_splitmix64(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

uint64_t rng_hash(const char *path)
{
    uint64_t h = 0xcbf29ce484222325;

    for (; *path; path++)
        h = (h ^ (unsigned char)*path) * 0x100000001b3;
    return h;
}

void rng_init(struct rng *r, uint64_t seed, const char *path)
{
    uint64_t state = rng_splitmix64(&seed) ^ rng_hash(path);

    for (int i = 0; i < 4; i++)
        r->s[i] = rng_splitmix64(&state);
}

static uint64_t rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

uint64_t rng_u64(struct rng *r)
{
    uint64_t *s = r->s;
    const uint64_t out = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return out;
}

double rng_double(struct rng *r)
{
    return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

double rng_normal(struct rng *r)
{
    double radius = sqrt(-2 * log(1 - rng_double(r))); // of (0, 1]: no infinity

    return radius * cos(two_pi * rng_double(r));
}
