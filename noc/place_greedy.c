/* noc/place_greedy.c -- one core after the other, that which exchanges most with those placed, to
 * where it costs least. */
#include "noc/placement.h"

/* The core that exchanges most with those placed; of equals the first of the pipeline. */
static uint32_t next_core(const struct placement_work *w)
{
    uint32_t next = PLACEMENT_NOBODY;
    uint64_t most = 0;

    for (uint32_t at = 0; at < w->task->n_core; at++) {
        uint32_t core = w->task->order[at];
        uint64_t bits = 0;
        if (w->node[core] != PLACEMENT_NOBODY)
            continue;
        for (uint32_t i = w->first[core]; i < w->first[core + 1]; i++)
            if (w->node[w->partner[i].core] != PLACEMENT_NOBODY)
                bits += w->partner[i].bits;
        if (next == PLACEMENT_NOBODY || bits > most) {
            next = core;
            most = bits;
        }
    }
    return next;
}

/* Of equals the lowest. */
static uint32_t cheapest_node(struct placement_work *w, uint32_t core)
{
    uint32_t best = PLACEMENT_NOBODY;
    uint64_t least = UINT64_MAX;

    for (uint32_t node = 0; node < w->n; node++) {
        if (w->core[node] != PLACEMENT_NOBODY)
            continue;
        uint64_t cost = placement_cost_at(w, core, node);
        if (cost < least) {
            least = cost;
            best = node;
        }
    }
    return best;
}

static enum err place(struct placement_work *w, struct err_msg *m)
{
    (void)m;
    for (uint32_t i = 0; i < w->task->n_core; i++) {
        uint32_t core = next_core(w);
        placement_put(w, core, cheapest_node(w, core));
    }
    return ERR_NONE;
}

const struct placement_policy placement_greedy = {
    .name = "greedy", .doc = "each where it costs least", .place = place,
};
