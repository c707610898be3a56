/* network/spiking/coding.h -- how the pixels of an image become what a network is presented, step
 * by step.
 *
 * An image is presented `steps` times. At step t a pixel p of 0 to 255 is a whole number x(p, t),
 * mostly a spike or none, which stands for x * 2^w(t):
 *
 *     value      x = p                                     one step; no coding
 *     binary     x = [p >= level]                          one step
 *     rate       x = floor(p (t+1) / 256) - floor(p t / 256), w = 8: an integrate-and-fire neuron
 *     phase      x = bit K-1 - (t mod K) of p, w = K-1 - (t mod K), K = 8: weighted spikes of
 *                Kim 2019, section 4.2, the highest bit first
 *     events     x = events of the pixel in bin t of a recording, w = 0
 *     bernoulli  x = 1 in p of 256 cases (core/rng.h), w = 8
 *
 * A network that computes with whole numbers of its own (network/spiking/neuron.h) takes w = 0.
 */
#ifndef NETWORK_SPIKING_CODING_H
#define NETWORK_SPIKING_CODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CODING_PERIOD = 8 }; // steps of a period of phase coding: bits of a pixel

struct presentation { // of an image
    const struct coding *coding; // NULL: value
    uint32_t steps;              // 1 or more; 0 as 1
    uint32_t level;              // of binary
    uint32_t crop;               // pixels along each side that are taken of an image; 0: all
    uint64_t seed;               // of bernoulli
    uint32_t bin_us;             // of events
    uint64_t lead;               // of the best class over the next, by which an image is decided
                                 // before its last step; 0: it is not
    bool     bare;               // w is 0: steps weigh alike
    bool     by_output;          // all steps of an output come before the next output's
};

struct coding {
    const char *name, *doc;
    const char *keys;     // of the configuration, that not all read; NULL: none
    bool        once;     // one step
    bool        recorded; // an image is a recording, a map of bytes for each step
    bool        periodic; // steps weigh differently, over and over
    uint32_t    weight;   // w, unless it is periodic
    /* x of n pixels of an image at step t; of a recording, the first of its maps. */
    void (*code)(const struct presentation *p, uint64_t image, uint32_t t, const uint8_t *pixel,
                 size_t n, int32_t *x);
};

extern const struct coding codings[]; // ends with a row without a name

/* The row called so; NULL where there is none. */
const struct coding *coding_find(const char *name);

/* Whether what is presented is something else than pixels. */
static inline bool presentation_is_coded(const struct presentation *p)
{
    return p->coding && p->coding->code;
}

/* Steps of an image, 1 or more. */
static inline uint32_t presentation_steps(const struct presentation *p)
{
    return p->steps ? p->steps : 1;
}

/* Steps that a pixel carries in a row, a train: all of them where they come output by output. */
static inline uint32_t presentation_train(const struct presentation *p)
{
    return p->by_output ? presentation_steps(p) : 1;
}

/* w of step t. */
uint32_t presentation_weight(const struct presentation *p, uint32_t t);

/* The least of all steps. */
uint32_t presentation_least_weight(const struct presentation *p);

/* Whether what an image adds once, such as a bias, comes at step t: at the first of each period, at
 * every one where they weigh alike. */
bool presentation_adds(const struct presentation *p, uint32_t t);

#endif
