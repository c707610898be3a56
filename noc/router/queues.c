/* noc/router/queues.c -- queues of input ports: flits come, and the first of them is routed, asks
 * for a virtual channel, then for the switch while there is a place for it behind its output.
 */
#include "noc/router/state.h"

#include <assert.h>

/* Whether an output's virtual channel has room for the flit that is there for it, if one is. */
static inline bool find_room(struct routers *n, uint32_t port, uint32_t vc, bool flit, uint64_t clk)
{
    uint32_t behind = flit ? queue_behind(n, port, vc) : NOBODY;
    bool has_room = behind == NOBODY || n->room[behind] > 0;

    set_blocked(n, port, vc, !has_room, clk);
    return has_room;
}

void queue_look(struct routers *n, uint32_t queue, uint64_t clk)
{
    struct queue *q = &n->queue[queue];
    uint32_t port = queue / n->spec.vcs, vc = queue % n->spec.vcs;
    bool goes = q->stage == QUEUE_MOVES;

    if (goes) {
        const bool flit = q->n > 0;
        goes = find_room(n, q->exit, q->vc, flit, clk) && flit;
        for (uint32_t i = 1; i < q->n_exit; i++)
            goes &= find_room(n, q->exits[i], q->vc, flit, clk);
    }
    if (goes) {
        n->port[port].goes |= UINT64_C(1) << vc;
        wake_router(n, port / n->graph->n_port);
    } else {
        n->port[port].goes &= ~(UINT64_C(1) << vc);
    }
}

void queue_ask_for_vc(struct routers *n, uint32_t queue)
{
    uint32_t port = queue / n->spec.vcs, router = port / n->graph->n_port;
    struct queue *q = &n->queue[queue];
    const struct router_packet *p = &n->packet[FLIT_PACKET(front(n, queue))];

    q->stage = QUEUE_ASKS_VC;
    q->exits = NULL;
    q->n_exit = 1;
    if (p->all)
        q->exits = graph_union_at(p->all, n->graph, router, &q->n_exit);
    q->exit = p->all ? q->exits[0]
                     : router * n->graph->n_port + n->graph->exit(n->graph, router, p->to);
    n->port[port].asks |= UINT64_C(1) << queue % n->spec.vcs;
    wake_router(n, router);
}

void queue_ask_for_switch(struct routers *n, uint32_t queue)
{
    n->queue[queue].stage = QUEUE_MOVES;
    queue_look(n, queue, n->clk);
}

void queue_begin_routing(struct routers *n, uint32_t queue, uint64_t clk)
{
    uint32_t delay = n->spec.routing_clk + (uint32_t)(clk - n->clk);

    n->queue[queue].stage = QUEUE_ROUTING;
    if (delay == 0)
        queue_ask_for_vc(n, queue);
    else
        push(n, ASKS_FOR_VC, delay, queue, 0);
}

void queue_put(struct routers *n, uint32_t queue, uint32_t flit)
{
    struct queue *q = &n->queue[queue];
    uint32_t at = q->first + q->n;

    assert(q->n < n->spec.vc_flits);
    at = at < n->spec.vc_flits ? at : at - n->spec.vc_flits;
    n->flit[(size_t)queue * n->spec.vc_flits + at] = flit;
    q->n++;
    n->counts.buffer_writes++;
    if (q->stage == QUEUE_IDLE)
        queue_begin_routing(n, queue, n->clk);
    else if (q->stage == QUEUE_MOVES)
        queue_look(n, queue, n->clk);
}

void queue_add_place(struct routers *n, uint32_t queue)
{
    uint32_t peer = n->graph->peer[queue / n->spec.vcs];

    n->room[queue]++;
    if (!graph_is_router(peer)) {
        wake_node(n, peer - GRAPH_NODE);
        return;
    }
    uint32_t holder = n->out_vc[peer * n->spec.vcs + queue % n->spec.vcs].holder;
    if (holder != NOBODY)
        queue_look(n, holder, n->clk);
    else if (n->spec.cut_through)
        wake_router(n, peer / n->graph->n_port); // somebody may have waited for that much room
}
