/* network/spiking/coding.c -- see coding.h. */
#include "network/spiking/coding.h"

#include <string.h>

#include "core/rng.h"

enum { PIXELS = 256 }; // values of a pixel

static void code_binary(const struct presentation *p, uint64_t image, uint32_t t,
                        const uint8_t *pixel, size_t n, int32_t *x)
{
    (void)image, (void)t;
    for (size_t i = 0; i < n; i++)
        x[i] = pixel[i] >= p->level;
}

static void code_rate(const struct presentation *p, uint64_t image, uint32_t t,
                      const uint8_t *pixel, size_t n, int32_t *x)
{
    (void)p, (void)image;
    for (size_t i = 0; i < n; i++)
        x[i] = (int32_t)((uint64_t)pixel[i] * (t + UINT64_C(1)) / PIXELS -
                         (uint64_t)pixel[i] * t / PIXELS);
}

static void code_phase(const struct presentation *p, uint64_t image, uint32_t t,
                       const uint8_t *pixel, size_t n, int32_t *x)
{
    const uint32_t bit = CODING_PERIOD - 1 - t % CODING_PERIOD;

    (void)p, (void)image;
    for (size_t i = 0; i < n; i++)
        x[i] = pixel[i] >> bit & 1;
}

static void code_events(const struct presentation *p, uint64_t image, uint32_t t,
                        const uint8_t *pixel, size_t n, int32_t *x)
{
    (void)p, (void)image;
    for (size_t i = 0; i < n; i++)
        x[i] = pixel[t * n + i];
}

static void code_bernoulli(const struct presentation *p, uint64_t image, uint32_t t,
                           const uint8_t *pixel, size_t n, int32_t *x)
{
    const struct rng step = rng_in(rng_in(rng_at(p->seed, "input"), image), t);

    for (size_t i = 0; i < n; i++)
        x[i] = rng_u64(step, i) % PIXELS < pixel[i];
}

const struct coding codings[] = {
    { .name = "value", .doc = "a pixel as it is, once", .once = true },
    { .name = "binary", .doc = "1 where a pixel is at least input.level, once", .once = true,
      .keys = "input.level", .code = code_binary },
    { .name = "rate", .doc = "evenly spaced spikes, p / 256 a step", .weight = CODING_PERIOD,
      .code = code_rate },
    { .name = "phase", .doc = "the bits of a pixel, highest first, over and over",
      .periodic = true, .code = code_phase },
    { .name = "events", .doc = "events of a recording, bin by bin", .recorded = true,
      .code = code_events },
    { .name = "bernoulli", .doc = "spikes by chance, p / 256 a step", .weight = CODING_PERIOD,
      .keys = "input.seed", .code = code_bernoulli },
    { 0 }
};

const struct coding *coding_find(const char *name)
{
    for (const struct coding *c = codings; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

uint32_t presentation_weight(const struct presentation *p, uint32_t t)
{
    if (!p->coding || p->bare)
        return 0;
    return p->coding->periodic ? CODING_PERIOD - 1 - t % CODING_PERIOD : p->coding->weight;
}

uint32_t presentation_least_weight(const struct presentation *p)
{
    return p->coding && p->coding->periodic ? 0 : presentation_weight(p, 0);
}

bool presentation_adds(const struct presentation *p, uint32_t t)
{
    return !p->coding || p->bare || !p->coding->periodic || t % CODING_PERIOD == 0;
}
