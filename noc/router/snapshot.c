/* noc/router/snapshot.c -- routers_state(): numbers that are alike where all that follows is. */
#include "noc/router/state.h"

struct teller {
    const struct routers *n;
    uint64_t clk;
    void (*put)(void *user, uint64_t number);
    uint64_t (*tag)(void *user, const struct router_packet *p);
    void *user;
};

static void put(const struct teller *t, uint64_t number)
{
    t->put(t->user, number);
}

static void put_packet(const struct teller *t, uint32_t packet)
{
    const struct router_packet *p = &t->n->packet[packet];

    put(t, p->from);
    put(t, p->to);
    put(t, p->ends);
    put(t, p->n_flit);
    put(t, p->routers);
    put(t, p->offered_clk - t->clk);
    put(t, p->sent_clk - t->clk);
    put(t, t->tag(t->user, p));
}

static void put_a_flit(const struct teller *t, uint32_t flit)
{
    put(t, FLIT_IS_HEAD(flit));
    put(t, FLIT_IS_TAIL(flit));
    put_packet(t, FLIT_PACKET(flit));
}

static void put_queue(const struct teller *t, uint32_t queue)
{
    const struct routers *n = t->n;
    const struct queue *q = &n->queue[queue];

    put(t, q->n);
    put(t, q->stage);
    put(t, q->turn);
    put(t, n->out_vc[queue].blocked);
    put(t, n->room[queue]);
    put(t, n->out_vc[queue].holder);
    put(t, n->out_vc[queue].turn);
    if (q->stage != QUEUE_IDLE) {
        put(t, q->exit);
        put(t, q->vc);
    }
    for (uint32_t i = 0; i < q->n; i++)
        put_a_flit(t, n->flit[(size_t)queue * n->spec.vc_flits +
                              (q->first + i) % n->spec.vc_flits]);
}

static void put_events(const struct teller *t, enum event_kind kind)
{
    const struct events *q = &t->n->events[kind];

    put(t, q->n);
    for (uint32_t i = 0; i < q->n; i++) {
        const struct event *e = &q->event[(q->first + i) & (q->room - 1)];
        put(t, e->clk - t->clk);
        put(t, e->at);
        if (kind <= FLIT_TO_NODE)
            put_a_flit(t, e->flit);
    }
}

static void put_node(const struct teller *t, const struct interface *f)
{
    put(t, f->turn);
    put(t, f->vc_turn);
    put(t, f->vc);
    put(t, f->left);
    put(t, f->awake);
    put(t, f->wake.link ? f->wake.cyc - t->clk : CYC_NEVER);
    if (f->left > 0)
        put_packet(t, f->packet);
}

void routers_state(const struct routers *n, uint64_t clk, void (*put_it)(void *user, uint64_t),
                   uint64_t (*tag)(void *user, const struct router_packet *p), void *user)
{
    const struct teller t = { n, clk, put_it, tag, user };
    uint32_t n_port = n->graph->n_router * n->graph->n_port;

    for (enum event_kind kind = 0; kind < N_EVENT_KIND; kind++)
        put_events(&t, kind);
    for (uint32_t i = 0; i < n_port * n->spec.vcs; i++)
        put_queue(&t, i);
    for (uint32_t i = 0; i < n_port; i++) {
        put(&t, n->port[i].asks);
        put(&t, n->port[i].goes);
        put(&t, n->port[i].in_turn);
        put(&t, n->port[i].out_turn);
    }
    for (uint32_t i = 0; i < n->graph->n_router; i++) {
        put(&t, n->awake[i]);
        put(&t, n->copy_turn[i].queue);
        put(&t, n->copy_turn[i].port);
    }
    for (uint32_t i = 0; i < n->graph->n_node; i++)
        put_node(&t, &n->node[i]);
    for (uint32_t i = 0; i < n->n_source; i++) {
        const struct source *s = &n->source[i];
        put(&t, s->offered ? s->from_clk - clk : CYC_NEVER);
        put(&t, s->offered ? (uint64_t)s->to << 32 | s->n_flit : 0);
    }
}
