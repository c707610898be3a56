/* test/random_spiking.h -- random networks of neurons: chains of convolutions and pools of currents
 * over maps that are not square, with groups and residuals, neurons that leak or not, of every
 * reset, rate or phase coding; the last layer adds up.
 */
#ifndef TEST_RANDOM_SPIKING_H
#define TEST_RANDOM_SPIKING_H

#include "core/rng.h"
#include "test/plan_rig.h"

struct random_draws {
    struct rng rng;
    uint32_t   at;
    bool       quiet; // the network: no biases, and mostly no leaks, so that neurons rest
};

/* The next one, of 0 to n - 1. */
uint32_t random_draw(struct random_draws *d, uint32_t n);

/* The network of a seed, images presented in so many steps, and a configuration as rig_config()
 * makes it; without a plan. Returns the draws, for more of them. The caller releases *r. */
struct random_draws random_spiking_make(struct plan_rig *r, uint64_t seed, uint32_t steps,
                                        const char *const *machine);

#endif
