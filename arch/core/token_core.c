/* arch/core/token_core.c -- the kind of core of a layer of tokens: attention, normalisation,
 * tables. */
#include "arch/core/imc_core.h"
#include "arch/core/stages.h"

static bool takes(const struct plan *p, uint32_t site)
{
    return site < p->n_core &&
           layer_is_of_tokens(plan_network_layer(p, p->core[site].plan_layer));
}

static bool init(struct core *core, const struct core_cfg *cfg)
{
    static const struct core_stage *const stages[] = {
        &stage_store, &stage_gather, &stage_hand_on, NULL,
    };

    if (!imc_core_init(core, cfg, false))
        return false;
    imc_core_add_stages((struct imc_core *)core, stages);
    return true;
}

const struct core_kind core_tokens = {
    .name = "tokens",
    .path = "chip.",
    .bytes = sizeof(struct imc_core),
    .ops = { .type = "token_core", .step = imc_core_step, .describe = imc_core_describe },
    .takes = takes,
    .init = init,
    .connect_in = imc_core_connect_in,
    .connect_out = imc_core_connect_out,
    .release = imc_core_release,
};
