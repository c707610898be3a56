/* dataflow/plan/combinational.c -- `combinational` clocking: no clock and no registers between
 * layers. An input stays until its result is out, and the arrays' delays add up: that pass is the
 * timestep, in which every layer fires once. So a layer has one output pixel; wires, comparators
 * and digital processors take no time, and memories keep nothing. */
#include <inttypes.h>
#include <stdlib.h>

#include "core/util.h"
#include "dataflow/plan/structure.h"
#include "dataflow/plan/timestep.h"

static enum err check(const struct plan *p, struct err_msg *m)
{
    static const char *const cure = "want fully connected layers alone, or clocking.kind = "
                                    "timestep";
    uint32_t steps = (uint32_t)(plan_steps(p) * p->train);

    if (steps > 1)
        return PLAN_REFUSE(p, "clocking.kind", m,
                           "clocking.kind = combinational keeps nothing from step to step, the "
                           "network has %" PRIu32 ": want clocking.kind = timestep", steps);
    for (uint32_t i = 0; i < p->n_layer; i++) {
        const struct shape *map = &plan_network_layer(p, i)->out;
        if ((uint64_t)map->height * map->width > 1)
            return PLAN_REFUSE(p, "clocking.kind", m,
                               "clocking.kind = combinational keeps no pixels, layer %s has %"
                               PRIu32 " x %" PRIu32 " outputs one after the other: %s",
                               plan_layer_name(p, i), map->height, map->width, cure);
        if (p->layer[i].parts > 1)
            return PLAN_REFUSE(p, "fabric.partial_sum", m,
                               "clocking.kind = combinational has no registers for the %" PRIu32
                               " parts of layer %s: want fabric.partial_sum = analog, or larger "
                               "arrays", p->layer[i].parts, plan_layer_name(p, i));
    }
    return ERR_NONE;
}

static uint64_t core_clk(const struct plan *p, uint32_t core)
{
    const struct plan_core *c = &p->core[core];
    const struct plan_layer *pl = &p->layer[c->plan_layer];

    if (layer_is_digital(plan_network_layer(p, c->plan_layer)))
        return 0;
    return stage_array_clocks(p->config, &pl->array, c->rows, c->columns);
}

static uint64_t layer_clk(const struct plan *p, uint32_t layer)
{
    uint64_t most = 0;

    for (uint32_t k = 0; k < p->layer[layer].n_core; k++)
        most = max_u64(most, core_clk(p, p->layer[layer].first_core + k));
    return most;
}

/* The longest way from the image to the result. */
static enum err pass(struct plan *p, struct err_msg *m)
{
    uint64_t *done = calloc(p->n_layer + 1, sizeof *done); // by network layer; the image: 0
    enum err e = check(p, m);

    if (!done)
        return err_set(m, ERR_MEMORY, "no memory for the plan's times");
    for (uint32_t i = 0; !e && i < p->n_layer; i++) {
        const struct layer *l = plan_network_layer(p, i);
        uint64_t ready = l->has_residual ? done[l->residual] : 0;
        for (uint32_t k = 0; k < l->n_input; k++)
            ready = max_u64(ready, done[l->input[k]]);
        done[p->layer[i].layer] = ready + layer_clk(p, i);
        p->timestep_clk = max_u64(p->timestep_clk, done[p->layer[i].layer]);
    }
    free(done);
    return e;
}

static enum err timetable(struct timetable *t, const struct plan *p, enum thorough thorough,
                          struct err_msg *m)
{
    struct dry_run s = { 0 };
    enum err e = timestep_allocate(t, p)
                     ? timestep_columns(t, p, &s, m)
                     : err_set(m, ERR_MEMORY, "no memory for the plan's times");

    (void)thorough;
    if (!e)
        e = timestep_feeds(t, p, &s, m);
    for (uint32_t i = 0; !e && i < p->n_layer; i++)
        t->layer[i].firings = 1;
    for (uint32_t i = 0; !e && i < p->n_core; i++) {
        t->core[i].used_clk[STAGE_CROSSBAR] = core_clk(p, i);
        t->core[i].most_outputs = 1;
    }
    if (!e) {
        t->first_result = t->last_conv = t->transient_images = 1;
        t->late = calloc(1, sizeof *t->late);
        if (!t->late)
            e = err_set(m, ERR_MEMORY, "no memory for the plan's times");
        timestep_keep_firings(t, &s);
    }
    dry_run_release(&s);
    return e;
}

const struct clocking_policy clocking_combinational = {
    .name = "combinational",
    .doc = "no clock between layers: an input stays until its result is out",
    .in_timesteps = true,
    .pass = pass,
    .timetable = timetable,
};
