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

static bool is_alone(const struct placement_work *w, uint32_t flow)
{
    return w->lead[flow] == PLACEMENT_NOBODY;
}

uint64_t placement_cost_alone_at(const struct placement_work *w, uint32_t core, uint32_t node)
{
    uint64_t sum = 0;

    for (uint32_t i = w->first[core]; i < w->first[core + 1]; i++) {
        const struct placement_partner *p = &w->partner[i];
        size_t here = node, other = w->node[p->core];
        if (other == PLACEMENT_NOBODY || p->core == core || !is_alone(w, p->flow))
            continue;
        sum += p->bits * w->distance[p->sends ? other * w->n + here : here * w->n + other];
    }
    return sum;
}

/* Channels between routers on the ways of a packet, from its first flow on, to those that are
 * placed; their loads too, unless `load` is NULL. */
static uint32_t walk(struct placement_work *w, uint32_t lead, uint64_t *load)
{
    const struct placement_task *t = w->task;
    const struct graph *g = t->graph;
    uint32_t channels = 0;

    w->n_walk++;
    for (uint32_t i = lead; i != PLACEMENT_NOBODY; i = w->next[i]) {
        uint32_t from = w->node[t->flow[i].from], to = w->node[t->flow[i].to];
        bool on = from != PLACEMENT_NOBODY && to != PLACEMENT_NOBODY;
        for (uint32_t router = on ? g->at[from] / g->n_port : 0; on;) {
            uint32_t exit = g->exit(g, router, to), port = router * g->n_port + exit;
            if (exit == GRAPH_NONE)
                break;
            bool is_new = w->seen[port] != w->n_walk;
            w->seen[port] = w->n_walk;
            if (load && is_new)
                load[port] += t->flow[i].bits;
            on = graph_is_router(g->peer[port]);
            channels += on && is_new;
            router = g->peer[port] / g->n_port;
        }
    }
    return channels;
}

static uint64_t cost_of_packet(struct placement_work *w, uint32_t lead)
{
    return w->task->flow[lead].bits * walk(w, lead, NULL);
}

uint64_t placement_cost_at(struct placement_work *w, uint32_t core, uint32_t node)
{
    uint64_t sum = placement_cost_alone_at(w, core, node);
    const uint32_t was = w->node[core];

    for (uint32_t i = w->first[core]; i < w->first[core + 1]; i++) {
        const struct placement_partner *p = &w->partner[i];
        if (is_alone(w, p->flow) || (!p->sends && w->lead[p->flow] != p->flow))
            continue; // a packet counts once where it is sent
        w->node[core] = node;
        sum += cost_of_packet(w, w->lead[p->flow]);
        w->node[core] = PLACEMENT_NOBODY;
        sum -= cost_of_packet(w, w->lead[p->flow]);
    }
    w->node[core] = was;
    return sum;
}

uint64_t placement_cost(struct placement_work *w)
{
    const struct placement_task *t = w->task;
    uint64_t sum = 0;

    for (uint32_t i = 0; i < t->n_flow; i++) {
        const struct placement_flow *f = &t->flow[i];
        if (is_alone(w, i))
            sum += f->bits * w->distance[(size_t)w->node[f->from] * w->n + w->node[f->to]];
        else if (w->lead[i] == i)
            sum += cost_of_packet(w, i);
    }
    return sum;
}

uint64_t placement_loads(struct placement_work *w)
{
    const struct graph *g = w->task->graph;
    const uint32_t n = g->n_router * g->n_port;
    uint64_t most = 0;

    memset(w->load, 0, n * sizeof *w->load);
    for (uint32_t i = 0; i < w->task->n_flow; i++)
        if (is_alone(w, i) || w->lead[i] == i)
            walk(w, i, w->load);
    for (uint32_t port = 0; port < n; port++)
        if (graph_is_router(g->peer[port]))
            most = max_u64(most, w->load[port]);
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
                w->partner[at++] = (struct placement_partner){ f->to, false, f->bits, i };
            if (f->to == core)
                w->partner[at++] = (struct placement_partner){ f->from, true, f->bits, i };
        }
    }
    w->first[t->n_core] = at;
}

/* Flows that are one packet, each with the next. */
static void gather(struct placement_work *w)
{
    const struct placement_task *t = w->task;
    uint32_t *last = w->lead; // by the first flow, until all are gathered

    for (uint32_t i = 0; i < t->n_flow; i++) {
        uint32_t lead = t->with ? t->with[i] : i;
        w->next[i] = PLACEMENT_NOBODY;
        if (lead != i)
            w->next[last[lead]] = i;
        last[lead] = i;
    }
    for (uint32_t i = 0; i < t->n_flow; i++) {
        uint32_t lead = t->with ? t->with[i] : i;
        w->lead[i] = w->next[lead] != PLACEMENT_NOBODY ? lead : PLACEMENT_NOBODY;
    }
}

static enum err check(const struct placement_task *t, struct err_msg *m)
{
    if (t->n_core > t->graph->n_node)
        return err_set(m, ERR_INPUT, "fabric.rows = %" PRIu32 ": %" PRIu32 " cores on %" PRIu32
                       " places: want at least fabric.rows = %" PRIu32 ", or more fabric.columns",
                       t->graph->rows, t->n_core, t->graph->n_node,
                       (uint32_t)ceil_div(t->n_core, t->graph->columns));
    if (t->graph->n_node > PLACEMENT_MOST_NODES)
        return err_set(m, ERR_INPUT, "fabric.rows = %" PRIu32 ", fabric.columns = %" PRIu32
                       ": %" PRIu32 " places: want at most %d for a placement", t->graph->rows,
                       t->graph->columns, t->graph->n_node, PLACEMENT_MOST_NODES);
    return ERR_NONE;
}

bool placement_fits(const struct placement_task *t)
{
    struct err_msg unused;

    return !check(t, &unused);
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
    w->lead = malloc((t->n_flow + 1) * sizeof *w->lead);
    w->next = malloc((t->n_flow + 1) * sizeof *w->next);
    w->seen = calloc(n_port, sizeof *w->seen);
    if (!p->node || !p->hops || !p->load || !w->distance || !w->partner || !w->first || !w->core ||
        !w->lead || !w->next || !w->seen)
        return false;
    memset(w->core, 0xff, n * sizeof *w->core); // PLACEMENT_NOBODY
    memset(w->node, 0xff, t->n_core * sizeof *w->node);
    measure(w);
    meet(w);
    gather(w);
    return true;
}

static void finish(struct placement *p, struct placement_work *w)
{
    const struct placement_task *t = w->task;

    p->busiest = placement_loads(w);
    for (uint32_t i = 0; i < t->n_flow; i++) {
        const struct placement_flow *f = &t->flow[i];
        uint32_t routers = graph_routers(t->graph, p->node[f->from], p->node[f->to]);
        p->hops[i] = routers > 0 ? routers - 1 : PLACEMENT_NOBODY;
        p->n_apart += routers == 0;
        uint32_t channels = is_alone(w, i) || w->lead[i] == i ? walk(w, i, NULL) : 0;
        p->channels += channels;
        p->bit_hops += channels * f->bits;
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
        finish(p, &w);
    else
        placement_release(p);
    free(w.distance);
    free(w.partner);
    free(w.first);
    free(w.core);
    free(w.lead);
    free(w.next);
    free(w.seen);
    return e;
}

void placement_release(struct placement *p)
{
    free(p->node);
    free(p->hops);
    free(p->load);
    *p = (struct placement){ 0 };
}
