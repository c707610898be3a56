/* dataflow/plan/elastic.c -- `elastic` clocking: nobody waits for a timestep; see
 * arch/elastic/elastic.h.
 *
 * Times follow from buffers and are a run's to find. A timetable has no more than the columns that
 * memories keep: those of `timestep` with hops of one timestep, or as configured; fewer than those
 * of the plan stall, and never fail. Attention keeps its banks. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dataflow/plan/structure.h"
#include "dataflow/plan/timestep.h"

/* The structure with hops of one timestep: those that are configured have no effect. */
static bool with_plain_hops(struct plan *plain, const struct plan *p)
{
    *plain = *p;
    plain->hops = calloc(p->n_layer, sizeof *plain->hops);
    for (uint32_t i = 0; plain->hops && i < p->n_layer; i++)
        plain->hops[i] = (struct layer_hops){ 1, 1, 1 };
    return plain->hops != NULL;
}

static enum err set_columns(struct timetable *t, const struct plan *p, struct err_msg *m)
{
    uint32_t columns = p->config->memory.columns;

    for (uint32_t i = 0; columns != COLUMNS_AUTO && i < p->n_layer; i++) {
        uint32_t least = plan_kernel_columns(p, i);
        if (layer_is_of_tokens(plan_network_layer(p, i)))
            continue; // of no input memory
        if (columns < least)
            return PLAN_REFUSE(p, "core.input_memory.columns", m,
                               "core.input_memory.columns = %" PRIu32 ": a kernel of layer %s sees "
                               "%" PRIu32 ": want at least core.input_memory.columns = %" PRIu32,
                               columns, plan_layer_name(p, i), least, least);
        t->layer[i].memory_columns = columns;
    }
    return columns == COLUMNS_AUTO ? ERR_NONE : timestep_memories(t, p, "want", m);
}

static enum err timetable(struct timetable *t, const struct plan *p, enum thorough thorough,
                          struct err_msg *m)
{
    struct dry_run s = { 0 };
    struct plan plain = { 0 };
    if (p->config->decode.tokens > 0 && network_has_tokens(p->network))
        return PLAN_REFUSE(p, "decode.tokens", m, "decode.tokens = %" PRIu32 ": under "
                           "clocking.kind = elastic no token waits for an answer: want "
                           "clocking.kind = timestep, or decode.tokens = 0",
                           p->config->decode.tokens);
    enum err e = timestep_allocate(t, p) && with_plain_hops(&plain, p)
                     ? timestep_columns(t, &plain, &s, m)
                     : err_set(m, ERR_MEMORY, "no memory for the plan's times");

    (void)thorough;
    if (!e && p->fabric->graph) // cores are placed in the order in which they would fire
        timestep_firings(t, &plain, &s);
    if (!e)
        e = set_columns(t, p, m);
    dry_run_release(&s);
    free(plain.hops);
    return e;
}

const struct clocking_policy clocking_elastic = {
    .name = "elastic",
    .doc = "each stage as soon as it can: buffers, credits, stalls",
    .timetable = timetable,
};
