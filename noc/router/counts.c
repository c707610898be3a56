/* noc/router/counts.c -- what was counted of routers, and what must hold of it at any time. */
#include "noc/router/state.h"

#include <inttypes.h>
#include <stdlib.h>

const struct router_counts *routers_counts(const struct routers *n)
{
    return &n->counts;
}

struct router_channel routers_channel(const struct routers *n, uint32_t port)
{
    const struct port *p = &n->port[port];
    uint64_t open = p->n_blocked > 0 && n->clk > p->blocked_from_clk
                        ? n->clk - p->blocked_from_clk : 0;

    return (struct router_channel){ p->flits, p->blocked_clk + open };
}

uint64_t routers_sent(const struct routers *n, uint32_t node)
{
    return n->node[node].flits;
}

uint64_t routers_flit_halves(const struct routers *n)
{
    const struct graph *g = n->graph;
    uint64_t sum = 0;

    for (uint32_t p = 0; p < g->n_router * g->n_port; p++) {
        if (g->peer[p] == GRAPH_NONE)
            continue;
        const bool to_node = !graph_is_router(g->peer[p]);
        uint64_t flits = n->port[p].flits;
        if (to_node)
            flits += routers_sent(n, g->peer[p] - GRAPH_NODE);
        sum += flits * graph_length(g, p);
    }
    return sum;
}

void routers_settle(struct routers *n)
{
    for (uint32_t i = 0; i < n->graph->n_router * n->graph->n_port; i++) {
        struct port *p = &n->port[i];
        if (p->n_blocked > 0 && n->clk > p->blocked_from_clk) {
            p->blocked_clk += n->clk - p->blocked_from_clk;
            p->blocked_from_clk = n->clk;
        }
    }
}

void routers_sums(struct routers *n, void (*add)(void *user, uint64_t *sum), void *user)
{
    struct router_counts *c = &n->counts;
    uint64_t *const sum[] = { &c->packets_sent,  &c->packets_taken,     &c->flits_sent,
                              &c->flits_taken,   &c->flits_copied,      &c->flit_hops,
                              &c->buffer_writes, &c->buffer_reads,      &c->switch_traversals,
                              &c->allocations,   &c->steps };

    for (size_t i = 0; i < sizeof sum / sizeof *sum; i++)
        add(user, sum[i]);
    for (uint32_t i = 0; i < n->graph->n_router * n->graph->n_port; i++) {
        add(user, &n->port[i].flits);
        add(user, &n->port[i].blocked_clk);
    }
    for (uint32_t i = 0; i < n->graph->n_node; i++)
        add(user, &n->node[i].flits);
}

uint64_t router_zero_load(const struct router_spec *s, uint32_t routers, uint32_t n_flit)
{
    uint64_t stages = (uint64_t)s->routing_clk + s->vc_clk + s->switch_clk + s->crossbar_clk;

    return routers * stages + (uint64_t)(routers - 1) * s->link_clk + 2 + n_flit;
}

/* ---- what must hold ---- */

static uint64_t on_their_way(const struct routers *n)
{
    return (uint64_t)n->events[FLIT_FROM_ROUTER].n + n->events[FLIT_FROM_NODE].n +
           n->events[FLIT_TO_NODE].n;
}

static enum err check_flits(const struct routers *n, struct err_msg *m)
{
    uint64_t queued = 0, hops = 0, to_nodes = 0;
    uint32_t n_port = n->graph->n_router * n->graph->n_port;

    for (uint32_t port = 0; port < n_port; port++) {
        *(graph_is_router(n->graph->peer[port]) ? &hops : &to_nodes) += n->port[port].flits;
        for (uint32_t vc = 0; vc < n->spec.vcs; vc++)
            queued += n->queue[port * n->spec.vcs + vc].n;
    }
    uint64_t inside = queued + on_their_way(n);
    uint64_t sent = n->counts.flits_sent + n->counts.flits_copied;
    if (sent != n->counts.flits_taken + inside)
        return err_set(m, ERR_RUN, "%" PRIu64 " flits were sent or copied, %" PRIu64 " taken, but %"
                       PRIu64 " are on their way", sent, n->counts.flits_taken, inside);
    if (hops != n->counts.flit_hops ||
        to_nodes != n->counts.flits_taken + n->events[FLIT_TO_NODE].n)
        return err_set(m, ERR_RUN, "channels carried %" PRIu64 " flits for %" PRIu64 " hops", hops,
                       n->counts.flit_hops);
    return ERR_NONE;
}

enum err routers_check(const struct routers *n, struct err_msg *m)
{
    static const enum event_kind of_places[] = { FLIT_FROM_ROUTER, FLIT_FROM_NODE, PLACE_FOR_ROUTER,
                                                 PLACE_FOR_NODE };
    uint32_t n_queue = n->graph->n_router * n->graph->n_port * n->spec.vcs;
    uint32_t *moving = calloc(n_queue, sizeof *moving);
    enum err e = moving ? check_flits(n, m) : err_set(m, ERR_MEMORY, "no memory for a check");

    for (size_t k = 0; !e && k < sizeof of_places / sizeof *of_places; k++) {
        const struct events *q = &n->events[of_places[k]];
        for (uint32_t i = 0; i < q->n; i++)
            moving[q->event[(q->first + i) & (q->room - 1)].at]++;
    }
    for (uint32_t i = 0; !e && i < n_queue; i++)
        if (n->room[i] + n->queue[i].n + moving[i] != n->spec.vc_flits)
            e = err_set(m, ERR_RUN, "queue %" PRIu32 " of router %" PRIu32 " has lost a place",
                        i % (n->graph->n_port * n->spec.vcs),
                        i / (n->graph->n_port * n->spec.vcs));
    free(moving);
    return e;
}
