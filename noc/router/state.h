/* noc/router/state.h -- what routers are made of: ports, queues of flits, interfaces of nodes; and
 * events to come. Of noc/router alone. */
#ifndef NOC_ROUTER_STATE_H
#define NOC_ROUTER_STATE_H

#include "core/block.h"
#include "core/calendar.h"
#include "noc/router.h"

#define NOBODY UINT32_MAX

/* A flit is its packet, and whether it is the first and the last of it. */
#define FLIT(packet, is_head, is_tail) ((packet) << 2 | (uint32_t)(is_head) << 1 | (is_tail))
#define FLIT_PACKET(flit)              ((flit) >> 2)
#define FLIT_IS_HEAD(flit)             ((flit) >> 1 & 1)
#define FLIT_IS_TAIL(flit)             ((flit) & 1)

/* ---- events ---- */

enum event_kind {
    FLIT_FROM_ROUTER, // at: queue
    FLIT_FROM_NODE,   // at: queue
    FLIT_TO_NODE,     // at: port
    PLACE_FOR_ROUTER, // at: the queue that has it
    PLACE_FOR_NODE,
    ASKS_FOR_VC, // at: queue
    ASKS_FOR_SWITCH,
    N_EVENT_KIND
};

struct event {
    uint64_t clk;
    uint32_t at, flit;
};

struct events { // of a kind, in order of time: a ring
    struct event *event; // owned
    uint32_t      first, n, room; // room: a power of 2, or 0
};

bool events_grow(struct events *q); // twice the room; false: no memory

/* ---- state ---- */

enum queue_stage { QUEUE_IDLE, QUEUE_ROUTING, QUEUE_ASKS_VC, QUEUE_HAS_VC, QUEUE_MOVES };

struct queue { // of flits: a virtual channel of an input port
    uint32_t         first, n;
    enum queue_stage stage;
    uint32_t         exit; // port that its packet leaves by, once routed; of several, the first
    const uint32_t  *exits; // where it is copied: all of them, borrowed; else NULL
    uint32_t         n_exit;
    uint32_t         vc;   // of those ports, which it asks for or has
    uint32_t         turn; // of its arbiter, which is one for the virtual channels of all outputs
};

struct out_vc {
    uint32_t holder; // queue, or NOBODY
    uint32_t turn;   // of its arbiter among the router's queues
    bool     blocked; // its holder has a flit for it, and there is no place
};

struct port {
    uint64_t asks, goes; // in: queues that ask for a virtual channel; that can send a flit now
    uint64_t free;       // out: virtual channels that nobody holds
    uint32_t in_turn, out_turn; // of the arbiters of the switch
    uint32_t n_blocked;  // out: queues that have a flit for it and no place
    uint64_t blocked_clk, blocked_from_clk;
    uint64_t flits;      // out
};

struct source {
    uint32_t node, to, n_flit;
    const struct graph_union *all; // instead of `to`; NULL: none
    bool     offered;
    uint64_t from_clk, tag;
};

struct interface { // of a node
    uint32_t    first_source, n_source, turn; // in order[]
    uint32_t    vc_turn, vc;
    uint32_t    left, packet; // of the packet that it sends; 0: none
    uint64_t    flits;        // sent
    bool        awake, busy;  // busy: inside its own step
    struct wake wake;
};

struct copy_turn { // of packets that are copied: among a router's queues, among its ports
    uint32_t queue, port;
};

struct list { // of those that act in this clock
    uint32_t *member; // owned
    uint32_t  n;
};

struct routers {
    const struct graph  *graph;
    struct router_spec   spec;
    struct router_user   user;
    uint64_t             clk; // the next to be run
    uint32_t             delay[N_EVENT_KIND];
    struct events        events[N_EVENT_KIND];
    struct port         *port;
    struct queue        *queue;  // port * vcs + vc
    uint32_t            *flit;   // queue * vc_flits + place
    uint32_t            *room;   // by queue: places that the one before it may fill
    struct out_vc       *out_vc; // port * vcs + vc
    bool                *awake;  // by router
    uint32_t            *held;   // by router: packets that have virtual channels
    struct copy_turn    *copy_turn; // by router
    bool                 copies; // some packets go to several nodes
    struct list          routers, nodes;
    struct interface    *node;
    struct source       *source;
    uint32_t             n_source;
    uint32_t            *order; // sources by node
    struct calendar      calendar;
    struct router_packet *packet;
    uint32_t            *free_packet;
    uint32_t             n_free, n_packet, packet_room;
    uint32_t            *best, *asked; // scratch: by out_vc of a router; those that were asked for
    struct router_counts counts;
    bool                 no_memory;
};

static inline void push(struct routers *n, enum event_kind kind, uint32_t delay, uint32_t at,
                        uint32_t flit)
{
    struct events *q = &n->events[kind];

    if (q->n == q->room && !events_grow(q)) {
        n->no_memory = true;
        return;
    }
    q->event[(q->first + q->n++) & (q->room - 1)] = (struct event){ n->clk + delay, at, flit };
}

static inline void wake_router(struct routers *n, uint32_t router)
{
    if (n->awake[router])
        return;
    n->awake[router] = true;
    n->routers.member[n->routers.n++] = router;
}

static inline void wake_node(struct routers *n, uint32_t node)
{
    if (n->node[node].awake)
        return;
    n->node[node].awake = true;
    n->nodes.member[n->nodes.n++] = node;
}

/* Queue at the other end of a virtual channel of an output; NOBODY where that is a node. */
static inline uint32_t queue_behind(const struct routers *n, uint32_t port, uint32_t vc)
{
    uint32_t peer = n->graph->peer[port];

    return graph_is_router(peer) ? peer * n->spec.vcs + vc : NOBODY;
}

static inline uint32_t front(const struct routers *n, uint32_t queue)
{
    return n->flit[(size_t)queue * n->spec.vc_flits + n->queue[queue].first];
}

static inline void change_blocked(struct port *out, bool blocked, uint64_t clk)
{
    if (blocked) {
        if (out->n_blocked++ == 0)
            out->blocked_from_clk = clk;
    } else if (--out->n_blocked == 0) {
        out->blocked_clk += clk - out->blocked_from_clk;
    }
}

static inline void set_blocked(struct routers *n, uint32_t port, uint32_t vc, bool blocked,
                               uint64_t clk)
{
    struct out_vc *o = &n->out_vc[port * n->spec.vcs + vc];

    if (o->blocked != blocked)
        change_blocked(&n->port[port], blocked, clk);
    o->blocked = blocked;
}

/* ---- Queues, queues.c ---- */

void queue_put(struct routers *n, uint32_t queue, uint32_t flit);
void queue_ask_for_vc(struct routers *n, uint32_t queue);
void queue_ask_for_switch(struct routers *n, uint32_t queue);

/* A place of it is free for the one before it. */
void queue_add_place(struct routers *n, uint32_t queue);

/* Finds whether the queue's front can go, from clk on: where it is copied, to all of its exits. */
void queue_look(struct routers *n, uint32_t queue, uint64_t clk);

/* A head is at the front from clk on: this clock or the next. */
void queue_begin_routing(struct routers *n, uint32_t queue, uint64_t clk);

/* ---- Nodes, interface.c, and what routers grant, allocators.c: in this clock ---- */

void interfaces_step(struct routers *n);
void interface_take(struct routers *n, uint32_t port, uint32_t flit); // that left by the port
void allocators_step(struct routers *n);

#endif
