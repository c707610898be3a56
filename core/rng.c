/* core/rng.c -- see rng.h. */
#include "core/rng.h"

#include <math.h>

enum { ROUNDS = 10, DRAW = 0, PLACE = 1, BEGIN = 2 };

static const double two_pi = 6.283185307179586476925;

void rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];

    for (int i = 0; i < ROUNDS; i++) {
        const uint64_t a = UINT64_C(0xd2511f53) * c0, b = UINT64_C(0xcd9e8d57) * c2;
        c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)b;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)a;
        k0 += UINT32_C(0x9e3779b9);
        k1 += UINT32_C(0xbb67ae85);
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

uint64_t rng_hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325;

    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3;
    return h;
}

struct pair { // 128 bits
    uint64_t first, second;
};

static struct pair philox(uint64_t key, uint64_t index, uint64_t use)
{
    const uint32_t counter[] = { (uint32_t)index, (uint32_t)(index >> 32), (uint32_t)use,
                                 (uint32_t)(use >> 32) };
    const uint32_t halves[] = { (uint32_t)key, (uint32_t)(key >> 32) };
    uint32_t out[4];

    rng_philox(counter, halves, out);
    return (struct pair){ out[0] | (uint64_t)out[1] << 32, out[2] | (uint64_t)out[3] << 32 };
}

struct rng rng_at(uint64_t seed, const char *what)
{
    return (struct rng){ philox(seed, rng_hash(what), BEGIN).first };
}

struct rng rng_in(struct rng outer, uint64_t where)
{
    return (struct rng){ philox(outer.key, where, PLACE).first };
}

uint64_t rng_u64(struct rng r, uint64_t i)
{
    return philox(r.key, i, DRAW).first;
}

static double uniform(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1p-53;
}

double rng_double(struct rng r, uint64_t i)
{
    return uniform(rng_u64(r, i));
}

double rng_normal(struct rng r, uint64_t i)
{
    const struct pair p = philox(r.key, i, DRAW);
    const double radius = sqrt(-2 * log(1 - uniform(p.first))); // of (0, 1]: no infinity

    return radius * cos(two_pi * uniform(p.second));
}
