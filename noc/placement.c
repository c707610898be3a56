/* noc/placement.c -- see placement.h. */
#include "noc/placement.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"

enum err placement_find(const struct placement_policy **p, const char *name, struct err_msg *m)
{
    char known[256];
    size_t n = 0;

    for (const struct placement_policy *const *row = placement_policies; *row; row++) {
        if (strcmp((*row)->name, name) == 0) {
            *p = *row;
            return ERR_NONE;
        }
        if (n < sizeof known)
            n += (size_t)snprintf(&known[n], sizeof known - n, "%s%s", n ? ", " : "",
                                  (*row)->name);
    }
    return err_set(m, ERR_INPUT, "placement.kind = %s: want one of %s", name, known);
}

/* ---- costs ---- */

void placement_put(struct placement_work *w, uint32_t core, uint32_t node)
{
    w->node[core] = node;
    w->core[node] = core;
}

uint64_t placement_cost_at(const struct placement_work *w, uint32_t core, uint32_t node)
{
    uint64_t sum = 0;

    for (uint32_t i = w->first[core]; i < w->first[core + 1]; i++) {
        const struct placement_partner *p = &w->partner[i];
        size_t here = node, other = w->node[p->core];
        if (other == PLACEMENT_NOBODY || p->core == core)
            continue;
        sum += p->bits * w->distance[p->sends ? other * w->n + here : here * w->n + other];
    }
    return sum;
}

uint64_t placement_cost(const struct placement_work *w)
{
    uint64_t twice = 0;

    for (uint32_t core = 0; core < w->task->n_core; core++)
        twice += placement_cost_at(w, core, w->node[core]);
    return twice / 2;
}

uint64_t placement_loads(const struct placement_task *t, const uint32_t *node, uint64_t *load)
{
    const struct graph *g = t->graph;
    uint64_t most = 0;

    memset(load, 0, (size_t)g->n_router * g->n_port * sizeof *load);
    for (uint32_t i = 0; i < t->n_flow; i++) {
        uint32_t router = g->at[node[t->flow[i].from]] / g->n_port, to = node[t->flow[i].to];
        for (;;) {
            uint32_t exit = g->exit(g, router, to), port = router * g->n_port + exit;
            if (exit == GRAPH_NONE)
                break;
            load[port] += t->flow[i].bits;
            if (!graph_is_router(g->peer[port]))
                break;
            most = max_u64(most, load[port]);
            router = g->peer[port] / g->n_port;
        }
    }
    return most;
}

/* ---- the whole ---- */

static void measure(struct placement_work *w)
{
    const struct graph *g = w->task->graph;

    for (uint32_t a = 0; a < w->n; a++)
        for (uint32_t b = 0; b < w->n; b++) {
            uint32_t routers = graph_routers(g, a, b);
            w->distance[(size_t)a * w->n + b] = routers > 0 ? routers - 1 : w->n;
        }
}

/* Partners of every core: a flow for both of its ends. */
static void meet(struct placement_work *w)
{
    const struct placement_task *t = w->task;
    uint32_t at = 0;

    for (uint32_t core = 0; core < t->n_core; core++) {
        w->first[core] = at;
        for (uint32_t i = 0; i < t->n_flow; i++) {
            const struct placement_flow *f = &t->flow[i];
            if (f->from == core)
                w->partner[at++] = (struct placement_partner){ f->to, false, f->bits };
            if (f->to == core)
                w->partner[at++] = (struct placement_partner){ f->from, true, f->bits };
        }
    }
    w->first[t->n_core] = at;
}

static enum err check(const struct placement_task *t, struct err_msg *m)
{
    if (t->n_core > t->graph->n_node)
        return err_set(m, ERR_INPUT, "%" PRIu32 " cores on %" PRIu32 " places: want more "
                       "fabric.rows or fabric.columns", t->n_core, t->graph->n_node);
    if (t->graph->n_node > PLACEMENT_MOST_NODES)
        return err_set(m, ERR_INPUT, "%" PRIu32 " places: want at most %d for a placement",
                       t->graph->n_node, PLACEMENT_MOST_NODES);
    return ERR_NONE;
}

static bool begin(struct placement *p, struct placement_work *w)
{
    const struct placement_task *t = w->task;
    size_t n = t->graph->n_node, n_port = (size_t)t->graph->n_router * t->graph->n_port;

    p->node = malloc((t->n_core + 1) * sizeof *p->node);
    p->hops = calloc(t->n_flow + 1, sizeof *p->hops);
    p->load = calloc(n_port, sizeof *p->load);
    w->n = (uint32_t)n;
    w->node = p->node;
    w->load = p->load;
    w->distance = malloc(n * n * sizeof *w->distance);
    w->partner = malloc((2 * (size_t)t->n_flow + 1) * sizeof *w->partner);
    w->first = malloc((t->n_core + 1) * sizeof *w->first);
    w->core = malloc(n * sizeof *w->core);
    if (!p->node || !p->hops || !p->load || !w->distance || !w->partner || !w->first || !w->core)
        return false;
    memset(w->core, 0xff, n * sizeof *w->core); // PLACEMENT_NOBODY
    memset(w->node, 0xff, t->n_core * sizeof *w->node);
    measure(w);
    meet(w);
    return true;
}

static void finish(struct placement *p, const struct placement_task *t)
{
    p->busiest = placement_loads(t, p->node, p->load);
    for (uint32_t i = 0; i < t->n_flow; i++) {
        const struct placement_flow *f = &t->flow[i];
        uint32_t routers = graph_routers(t->graph, p->node[f->from], p->node[f->to]);
        p->hops[i] = routers > 0 ? routers - 1 : PLACEMENT_NOBODY;
        p->n_apart += routers == 0;
        p->bit_hops += routers > 0 ? p->hops[i] * f->bits : 0;
    }
}

enum err placement_make(struct placement *p, const struct placement_task *t,
                        const struct placement_policy *policy, struct err_msg *m)
{
    struct placement_work w = { .task = t };

    *p = (struct placement){ 0 };
    enum err e = check(t, m);
    if (!e)
        e = begin(p, &w) ? policy->place(&w, m)
                         : err_set(m, ERR_MEMORY, "no memory for a placement");
    if (!e)
        finish(p, t);
    else
        placement_release(p);
    free(w.distance);
    free(w.partner);
    free(w.first);
    free(w.core);
    return e;
}

void placement_release(struct placement *p)
{
    free(p->node);
    free(p->hops);
    free(p->load);
    *p = (struct placement){ 0 };
}
