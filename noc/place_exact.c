/* noc/place_exact.c -- the least cost there is: branch and bound, for few cores.
 *
 * Cores are placed in the order of the pipeline, at every free node from the lowest on. What is
 * still to come costs at least what every core that is not placed would cost at the free node that
 * suits it best, flows that are copied left out, and a hop for each flow between two that are not,
 * where every place has a router of its own. Annealing gives the cost to begin with. Of placements
 * that cost the same those with a less loaded busiest channel are better; where all ways have
 * channels none has less than the largest flow, and once that is reached the first found has the
 * lowest positions. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "noc/placement.h"

enum { MOST_STEPS = 20 * 1000 * 1000 };

struct exact {
    struct placement_work *w;
    uint64_t  cost, busiest, least_busiest; // of the best
    uint32_t *best;  // owned; by core
    uint64_t *after; // owned; by depth: least cost of flows between two of the cores from there on
    uint32_t  n_step;
    bool      found;
};

/* The least that a core not placed yet costs with those that are. */
static uint64_t least_at(const struct placement_work *w, uint32_t core)
{
    uint64_t least = UINT64_MAX;

    for (uint32_t node = 0; node < w->n && least > 0; node++)
        if (w->core[node] == PLACEMENT_NOBODY)
            least = min_u64(least, placement_cost_alone_at(w, core, node));
    return least;
}

/* Whether nothing better comes of the cores placed, `depth` of them. */
static bool is_hopeless(const struct exact *s, uint32_t depth, uint64_t cost)
{
    const struct placement_task *t = s->w->task;
    bool equal_will_do = !s->found || s->busiest > s->least_busiest;
    uint64_t bound = cost + s->after[depth];

    for (uint32_t i = depth; i < t->n_core; i++) {
        if (bound > s->cost || (bound == s->cost && !equal_will_do))
            return true;
        bound += least_at(s->w, t->order[i]);
    }
    return bound > s->cost || (bound == s->cost && !equal_will_do);
}

static void take(struct exact *s, uint64_t cost)
{
    uint64_t most = placement_loads(s->w);

    if (s->found && cost == s->cost && most >= s->busiest)
        return;
    s->found = true;
    s->cost = cost;
    s->busiest = most;
    memcpy(s->best, s->w->node, s->w->task->n_core * sizeof *s->best);
}

static void descend(struct exact *s, uint32_t depth, uint64_t cost)
{
    struct placement_work *w = s->w;
    uint32_t core = w->task->order[depth < w->task->n_core ? depth : 0];

    if (depth == w->task->n_core) {
        take(s, cost);
        return;
    }
    for (uint32_t node = 0; node < w->n && s->n_step < MOST_STEPS; node++) {
        if (w->core[node] != PLACEMENT_NOBODY)
            continue;
        uint64_t more = placement_cost_at(w, core, node);
        s->n_step++;
        placement_put(w, core, node);
        if (!is_hopeless(s, depth + 1, cost + more))
            descend(s, depth + 1, cost + more);
        w->node[core] = PLACEMENT_NOBODY;
        w->core[node] = PLACEMENT_NOBODY;
    }
}

/* Hops between two different nodes, at least: 0 or 1; *linked: all ways have channels. */
static uint32_t least_hops(const struct placement_work *w, bool *linked)
{
    uint32_t least = 1, most = 0;

    for (uint32_t a = 0; a < w->n; a++)
        for (uint32_t b = 0; b < w->n; b++) {
            if (a == b)
                continue;
            least = min_u32(least, w->distance[(size_t)a * w->n + b]);
            most = max_u32(most, w->distance[(size_t)a * w->n + b]);
        }
    *linked = least > 0 && most < w->n;
    return least;
}

/* What the flows among the cores from each depth on cost at least, and bits of the largest flow. */
static void sum_flows(struct exact *s)
{
    const struct placement_task *t = s->w->task;
    bool linked;
    const uint32_t hops = least_hops(s->w, &linked);

    for (uint32_t depth = 0; depth <= t->n_core; depth++)
        for (uint32_t i = 0; i < t->n_flow; i++) {
            const struct placement_flow *f = &t->flow[i];
            uint32_t ends = 0;
            for (uint32_t k = depth; k < t->n_core; k++)
                ends += t->order[k] == f->from || t->order[k] == f->to;
            s->after[depth] += ends == 2 && f->from != f->to ? f->bits * hops : 0;
        }
    for (uint32_t i = 0; linked && i < t->n_flow; i++)
        if (t->flow[i].from != t->flow[i].to)
            s->least_busiest = max_u64(s->least_busiest, t->flow[i].bits);
}

static enum err search(struct exact *s, struct err_msg *m)
{
    struct placement_work *w = s->w;
    enum err e = placement_anneal.place(w, m);

    if (e)
        return e;
    s->cost = placement_cost(w);
    memset(w->core, 0xff, w->n * sizeof *w->core); // PLACEMENT_NOBODY
    memset(w->node, 0xff, w->task->n_core * sizeof *w->node);
    sum_flows(s);
    descend(s, 0, 0);
    if (s->n_step >= MOST_STEPS)
        return err_set(m, ERR_INPUT, "placement.kind = exact: not decided after %d steps: want "
                       "fewer cores or places, or placement.kind = anneal", MOST_STEPS);
    for (uint32_t core = 0; core < w->task->n_core; core++)
        placement_put(w, core, s->best[core]);
    return ERR_NONE;
}

static enum err place(struct placement_work *w, struct err_msg *m)
{
    uint32_t n = w->task->n_core;

    if (n > PLACEMENT_MOST_EXACT)
        return err_set(m, ERR_INPUT, "placement.kind = exact: %" PRIu32 " cores: want at most %d "
                       "of them, or placement.kind = anneal", n, PLACEMENT_MOST_EXACT);
    struct exact s = { .w = w,
                       .best = calloc(n + 1, sizeof *s.best),
                       .after = calloc(n + 1, sizeof *s.after) };
    enum err e = s.best && s.after ? search(&s, m)
                                   : err_set(m, ERR_MEMORY, "no memory for a placement");
    free(s.best);
    free(s.after);
    return e;
}

const struct placement_policy placement_exact = {
    .name = "exact", .doc = "the least cost there is, of at most 12 cores", .place = place,
};
