/* dataflow/mapper/policy_article.c -- replicas by the height of a map over that of the last
 * convolution's: the 4, 2, 1 of Dazzi et al. 2021, section 3.1.4, in ResNet-32. A layer whose
 * budgets do not allow so many has the most that they do. */
#include "core/util.h"
#include "dataflow/mapper/mapper.h"

static bool choose(const struct mapper *mp, uint32_t *choice)
{
    uint32_t last = plan_network_layer(&mp->plan, plan_last_convolution(&mp->plan))->out.height;

    for (uint32_t i = 0; i < mp->n_layer; i++) {
        uint32_t n = max_u32(1, plan_network_layer(&mp->plan, i)->out.height / last);
        do
            choice[i] = mapper_find(mp, i, n, 1);
        while (choice[i] == mp->layer[i].n_option && n-- > 1);
        if (choice[i] == mp->layer[i].n_option)
            return false;
    }
    return mapper_cores(mp, choice) <= mp->config->chip_cores;
}

const struct mapper_policy map_article = {
    .name = "article",
    .doc = "replicas by the height of a map: 4, 2, 1 in ResNet-32",
    .choose = choose,
};
