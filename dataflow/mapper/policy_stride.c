/* dataflow/mapper/policy_stride.c -- as often as the strides behind a layer thin its pixels out:
 * the rule of A. Shafiee et al., ISAAC, ISCA 2016. A layer whose map has k times the pixels of the
 * last convolution's is to compute k pixels in the time of one, and takes the cheapest option that
 * does. Where that is too many cores all layers have half of it, a quarter, and so on. */
#include "core/util.h"
#include "dataflow/mapper/mapper.h"

static uint64_t pixels(const struct mapper *mp, uint32_t layer)
{
    const struct shape *out = &plan_network_layer(&mp->plan, layer)->out;

    return (uint64_t)out->height * out->width;
}

static bool choose_times(const struct mapper *mp, uint64_t fewer, uint32_t *choice)
{
    uint64_t last = pixels(mp, plan_last_convolution(&mp->plan));

    for (uint32_t i = 0; i < mp->n_layer; i++) {
        uint64_t times = max_u64(1, pixels(mp, i) / (last * fewer));
        choice[i] = mapper_cheapest(mp, i, ceil_div(pixels(mp, i), times));
        if (choice[i] == mp->layer[i].n_option)
            return false;
    }
    return mapper_cores(mp, choice) <= mp->config->chip_cores;
}

static bool choose(const struct mapper *mp, uint32_t *choice)
{
    uint64_t most = 1, fewer = 1;

    for (uint32_t i = 0; i < mp->n_layer; i++)
        most = max_u64(most, pixels(mp, i));
    for (; fewer <= most; fewer *= 2)
        if (choose_times(mp, fewer, choice))
            return true;
    return map_none.choose(mp, choice);
}

const struct mapper_policy map_stride = {
    .name = "stride",
    .doc = "as often as later strides thin pixels out, halved until it fits",
    .choose = choose,
};
