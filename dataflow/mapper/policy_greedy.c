/* dataflow/mapper/policy_greedy.c -- one more copy to the slowest layer (the earliest of several),
 * again and again, while cores remain. */
#include "dataflow/mapper/mapper.h"

static uint32_t slowest(const struct mapper *mp, const uint32_t *choice)
{
    uint32_t layer = 0;

    for (uint32_t i = 1; i < mp->n_layer; i++)
        if (mp->layer[i].option[choice[i]].firings >
            mp->layer[layer].option[choice[layer]].firings)
            layer = i;
    return layer;
}

static bool choose(const struct mapper *mp, uint32_t *choice)
{
    if (!map_none.choose(mp, choice))
        return false;
    for (;;) {
        uint32_t layer = slowest(mp, choice), before = choice[layer];
        uint32_t more = mapper_find(mp, layer, 1, mp->layer[layer].option[before].copies + 1);
        if (more == mp->layer[layer].n_option)
            return true;
        choice[layer] = more;
        if (mapper_cores(mp, choice) > mp->config->chip_cores) {
            choice[layer] = before;
            return true;
        }
    }
}

const struct mapper_policy map_greedy = {
    .name = "greedy",
    .doc = "one more copy to the slowest layer while cores remain",
    .choose = choose,
};
