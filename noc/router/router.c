/* noc/router/router.c -- the life of routers, and their clocks event by event; see noc/router.h. */
#include "noc/router/state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"

enum { MOST_QUEUED = 1 << 28 };

/* ---- clocks ---- */

bool events_grow(struct events *q)
{
    uint32_t room = q->room ? 2 * q->room : 64;
    struct event *e = malloc(room * sizeof *e);

    if (!e)
        return false;
    for (uint32_t i = 0; i < q->n; i++)
        e[i] = q->event[(q->first + i) & (q->room - 1)];
    free(q->event);
    *q = (struct events){ e, 0, q->n, room };
    return true;
}

static void happen(struct routers *n, enum event_kind kind, const struct event *e)
{
    switch (kind) {
    case FLIT_FROM_ROUTER:
    case FLIT_FROM_NODE:
        queue_put(n, e->at, e->flit);
        break;
    case FLIT_TO_NODE:
        interface_take(n, e->at, e->flit);
        break;
    case PLACE_FOR_ROUTER:
    case PLACE_FOR_NODE:
        queue_add_place(n, e->at);
        break;
    case ASKS_FOR_VC:
        queue_ask_for_vc(n, e->at);
        break;
    case ASKS_FOR_SWITCH:
        queue_ask_for_switch(n, e->at);
        break;
    case N_EVENT_KIND:
        break;
    }
}

static void run_clock(struct routers *n)
{
    for (enum event_kind kind = 0; kind < N_EVENT_KIND; kind++) {
        struct events *q = &n->events[kind];
        while (q->n > 0 && q->event[q->first].clk == n->clk) {
            struct event e = q->event[q->first];
            q->first = (q->first + 1) & (q->room - 1);
            q->n--;
            happen(n, kind, &e);
        }
    }
    if (calendar_next(&n->calendar) == n->clk)
        for (struct wake *w = calendar_take(&n->calendar, n->clk); w; w = w->next)
            wake_node(n, (uint32_t)((struct interface *)w->whom - n->node));
    interfaces_step(n);
    allocators_step(n);
}

uint64_t routers_next(const struct routers *n)
{
    if (n->routers.n > 0 || n->nodes.n > 0)
        return n->clk;
    uint64_t next = calendar_next(&n->calendar);
    for (int kind = 0; kind < N_EVENT_KIND; kind++) {
        const struct events *q = &n->events[kind];
        if (q->n > 0 && q->event[q->first].clk < next)
            next = q->event[q->first].clk;
    }
    return next;
}

uint64_t routers_last_place(const struct routers *n)
{
    uint64_t last = 0;

    assert(n->n_free == n->n_packet);
    for (enum event_kind kind = PLACE_FOR_ROUTER; kind <= PLACE_FOR_NODE; kind++) {
        const struct events *q = &n->events[kind];
        if (q->n > 0)
            last = max_u64(last, q->event[(q->first + q->n - 1) & (q->room - 1)].clk);
    }
    return last;
}

enum err routers_run(struct routers *n, uint64_t until_clk, struct err_msg *m)
{
    for (uint64_t clk = routers_next(n); clk < until_clk; clk = routers_next(n)) {
        n->clk = clk;
        run_clock(n);
        n->clk++;
        if (n->no_memory)
            return err_set(m, ERR_MEMORY, "no memory for the flits of %" PRIu32 " routers",
                           n->graph->n_router);
    }
    if (until_clk != CYC_NEVER && n->clk < until_clk)
        n->clk = until_clk;
    return ERR_NONE;
}

/* ---- life ---- */

static void set_delays(struct routers *n)
{
    const struct router_spec *s = &n->spec;

    n->delay[FLIT_FROM_ROUTER] = s->switch_clk + s->crossbar_clk + s->link_clk;
    n->delay[FLIT_FROM_NODE] = 2;
    n->delay[FLIT_TO_NODE] = s->switch_clk + s->crossbar_clk + 1;
    n->delay[PLACE_FOR_ROUTER] = 1 + s->link_clk + s->credit_clk;
    n->delay[PLACE_FOR_NODE] = 2;
}

/* Sources in the order of their nodes. */
static void sort_sources(struct routers *n, const uint32_t *source_node)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < n->n_source; i++) {
        n->source[i].node = source_node[i];
        n->node[source_node[i]].n_source++;
    }
    for (uint32_t node = 0; node < n->graph->n_node; node++) {
        n->node[node].first_source = at;
        at += n->node[node].n_source;
        n->node[node].n_source = 0;
        n->node[node].wake.whom = &n->node[node];
    }
    for (uint32_t i = 0; i < n->n_source; i++) {
        struct interface *f = &n->node[source_node[i]];
        n->order[f->first_source + f->n_source++] = i;
    }
}

static bool allocate(struct routers *n)
{
    size_t n_port = (size_t)n->graph->n_router * n->graph->n_port, n_queue = n_port * n->spec.vcs;
    size_t n_node = n->graph->n_node, own_queues = (size_t)n->graph->n_port * n->spec.vcs;

    n->port = calloc(n_port, sizeof *n->port);
    n->queue = calloc(n_queue, sizeof *n->queue);
    n->flit = malloc(n_queue * n->spec.vc_flits * sizeof *n->flit);
    n->room = malloc(n_queue * sizeof *n->room);
    n->out_vc = malloc(n_queue * sizeof *n->out_vc);
    n->awake = calloc(n->graph->n_router, sizeof *n->awake);
    n->held = calloc(n->graph->n_router, sizeof *n->held);
    n->copy_turn = calloc(n->graph->n_router, sizeof *n->copy_turn);
    n->routers.member = malloc(n->graph->n_router * sizeof *n->routers.member);
    n->nodes.member = malloc(n_node * sizeof *n->nodes.member);
    n->node = calloc(n_node, sizeof *n->node);
    n->source = calloc(n->n_source, sizeof *n->source);
    n->order = malloc(n->n_source * sizeof *n->order);
    n->best = malloc(own_queues * sizeof *n->best);
    n->asked = malloc(own_queues * sizeof *n->asked);
    if (!n->port || !n->queue || !n->flit || !n->room || !n->out_vc || !n->awake ||
        !n->held || !n->copy_turn || !n->routers.member || !n->nodes.member || !n->node ||
        !n->source || !n->order || !n->best || !n->asked)
        return false;
    for (size_t i = 0; i < n_queue; i++) {
        n->room[i] = n->spec.vc_flits;
        n->out_vc[i] = (struct out_vc){ .holder = NOBODY };
    }
    for (size_t i = 0; i < n_port; i++)
        n->port[i].free = UINT64_MAX >> (64 - n->spec.vcs);
    memset(n->best, 0xff, own_queues * sizeof *n->best); // NOBODY
    return true;
}

static enum err too_many(const struct graph *g, const struct router_spec *spec, uint64_t places,
                         struct err_msg *m)
{
    const uint64_t most = MOST_QUEUED / (places / spec->vc_flits);
    char flits[60] = "";

    if (most > 0)
        snprintf(flits, sizeof flits, "fabric.vc_flits = %" PRIu64 " or fewer, or ", most);
    return err_set(m, ERR_INPUT, "fabric.vc_flits = %" PRIu32 ": %" PRIu64 " places for flits in "
                   "%" PRIu32 " routers with fabric.vcs = %" PRIu32 ", and at most %d are "
                   "simulated: want %sfewer fabric.vcs, fabric.rows or fabric.columns",
                   spec->vc_flits, places, g->n_router, spec->vcs, MOST_QUEUED, flits);
}

enum err routers_new(struct routers **new, const struct graph *g, const struct router_spec *spec,
                     const uint32_t *source_node, uint32_t n_source, const struct router_user *user,
                     struct err_msg *m)
{
    uint64_t places = (uint64_t)g->n_router * g->n_port * spec->vcs * spec->vc_flits;

    assert(spec->vcs > 0 && spec->vcs <= ROUTER_MOST_VCS && spec->vc_flits > 0);
    assert(spec->link_clk > 0 && n_source > 0);
    *new = NULL;
    if (places > MOST_QUEUED)
        return too_many(g, spec, places, m);
    struct routers *n = calloc(1, sizeof *n);
    if (n) {
        n->graph = g;
        n->spec = *spec;
        n->user = *user;
        n->n_source = n_source;
        set_delays(n);
    }
    if (!n || !allocate(n)) {
        routers_free(n);
        return err_set(m, ERR_MEMORY, "no memory for %" PRIu32 " routers", g->n_router);
    }
    sort_sources(n, source_node);
    *new = n;
    return ERR_NONE;
}

void routers_free(struct routers *n)
{
    if (!n)
        return;
    for (int kind = 0; kind < N_EVENT_KIND; kind++)
        free(n->events[kind].event);
    free(n->port);
    free(n->queue);
    free(n->flit);
    free(n->room);
    free(n->out_vc);
    free(n->awake);
    free(n->held);
    free(n->copy_turn);
    free(n->routers.member);
    free(n->nodes.member);
    free(n->node);
    free(n->source);
    free(n->order);
    free(n->packet);
    free(n->free_packet);
    free(n->best);
    free(n->asked);
    free(n);
}
