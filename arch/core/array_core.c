/* arch/core/array_core.c -- how a core runs its stages, see imc_core.h; and the kind that
 * multiplies. */
#include "arch/core/imc_core.h"

#include <assert.h>
#include <stdio.h>

#include "arch/core/stages.h"
#include "core/util.h"

uint64_t imc_core_step(struct block *b, uint64_t now_cyc)
{
    struct imc_core *c = (struct imc_core *)b;
    const uint64_t clk = c->spec->timestep_clk;
    const uint64_t timestep = now_cyc / clk;
    const struct core_now now = { now_cyc, timestep, timestep * clk != now_cyc };
    const struct core_probe *probe = c->base.probe;
    uint64_t next = CYC_NEVER;

    for (const struct core_stage **s = c->stage; *s; s++)
        next = min_u64(next, (*s)->act(c, &now));
    if (probe && probe->stepped)
        probe->stepped(probe->user, c->spec->index, &c->controller.next, now_cyc);
    return next == CYC_NEVER || c->base.fault->set ? CYC_NEVER : next * clk;
}

void imc_core_describe(const struct block *b, FILE *out)
{
    const struct imc_core *c = (const struct imc_core *)b;

    fprintf(out, "%s:", b->path);
    for (const struct core_stage *const *s = c->stage; *s; s++)
        if ((*s)->describe)
            (*s)->describe(c, out);
    fputc('\n', out);
}

void imc_core_add_stages(struct imc_core *c, const struct core_stage *const *stage)
{
    uint32_t n = 0;

    for (; *stage; stage++) {
        assert(n < CORE_MOST_STAGES);
        if (!(*stage)->needed || (*stage)->needed(c))
            c->stage[n++] = *stage;
    }
}

static bool takes(const struct plan *p, uint32_t site)
{
    return site < p->n_core;
}

static bool init(struct core *core, const struct core_cfg *cfg)
{
    static const struct core_stage *const stages[] = {
        &stage_store, &stage_multiply, &stage_read_back, &stage_add_sums, &stage_hand_on, NULL,
    };

    if (!imc_core_init(core, cfg, true))
        return false;
    imc_core_add_stages((struct imc_core *)core, stages);
    return true;
}

const struct core_kind core_imc = {
    .name = "imc",
    .path = "chip.",
    .bytes = sizeof(struct imc_core),
    .ops = { .type = "imc_core", .step = imc_core_step, .describe = imc_core_describe },
    .takes = takes,
    .init = init,
    .connect_in = imc_core_connect_in,
    .connect_out = imc_core_connect_out,
    .release = imc_core_release,
};
