/* arch/watch/picture.c -- see picture.h. */
#include "arch/watch/picture.h"

#include <stdlib.h>

#include "traces/pipeline_svg.h"

struct picture {
    const struct plan *plan;
    struct pipeline    pipeline;
};

/* The cores of a layer's first part and split stand for all: they fire together. */
static void on_cycle(void *user, uint64_t cyc, const struct core_cycle *core, uint32_t n)
{
    struct picture *v = user;
    const struct plan *p = v->plan;

    for (uint32_t i = 0; i < n; i++) {
        const struct plan_core *pc = &p->core[core[i].core];
        if (core[i].n_fired > 0 && pc->part + pc->split == 0)
            pipeline_count(&v->pipeline, pc->plan_layer, core[i].fired[0].image,
                           cyc / p->timestep_clk - p->time.lead);
    }
}

struct picture *picture_new(const struct plan *p)
{
    struct picture *v = calloc(1, sizeof *v);

    if (!v || !pipeline_init(&v->pipeline, p->n_layer)) {
        free(v);
        return NULL;
    }
    v->plan = p;
    for (uint32_t i = 0; i < p->n_layer; i++) {
        v->pipeline.row[i].name = plan_layer_name(p, i);
        v->pipeline.row[i].most = p->layer[i].copies;
    }
    return v;
}

void picture_free(struct picture *v)
{
    if (!v)
        return;
    pipeline_release(&v->pipeline);
    free(v);
}

struct journal_sink picture_sink(struct picture *v)
{
    return (struct journal_sink){ on_cycle, v };
}

void picture_draw(const struct picture *v, FILE *out)
{
    pipeline_draw(&v->pipeline, v->plan->network->name, v->plan->config->timestep_ns, out);
}
