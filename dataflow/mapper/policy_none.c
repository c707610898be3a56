/* dataflow/mapper/policy_none.c -- every layer once: what does not fit one array is split. */
#include "dataflow/mapper/mapper.h"

static bool choose(const struct mapper *mp, uint32_t *choice)
{
    for (uint32_t i = 0; i < mp->n_layer; i++) {
        choice[i] = mapper_find(mp, i, 1, 1);
        if (choice[i] == mp->layer[i].n_option)
            return false;
    }
    return mapper_cores(mp, choice) <= mp->config->chip_cores;
}

const struct mapper_policy map_none = {
    .name = "none",
    .doc = "every layer once",
    .choose = choose,
};
