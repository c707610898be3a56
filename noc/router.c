/* noc/router.c -- see router.h. */
#include "noc/router.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/block.h"
#include "core/calendar.h"
#include "core/util.h"

#define NOBODY UINT32_MAX

/* A flit is its packet, and whether it is the first and the last of it. */
#define FLIT(packet, is_head, is_tail) ((packet) << 2 | (uint32_t)(is_head) << 1 | (is_tail))
#define FLIT_PACKET(flit)              ((flit) >> 2)
#define FLIT_IS_HEAD(flit)             ((flit) >> 1 & 1)
#define FLIT_IS_TAIL(flit)             ((flit) & 1)

enum { MOST_PACKETS = 1 << 30, MOST_QUEUED = 1 << 28 };

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

static bool events_grow(struct events *q)
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

static void push(struct routers *n, enum event_kind kind, uint32_t delay, uint32_t at,
                 uint32_t flit)
{
    struct events *q = &n->events[kind];

    if (q->n == q->room && !events_grow(q)) {
        n->no_memory = true;
        return;
    }
    q->event[(q->first + q->n++) & (q->room - 1)] = (struct event){ n->clk + delay, at, flit };
}

static void wake_router(struct routers *n, uint32_t router)
{
    if (n->awake[router])
        return;
    n->awake[router] = true;
    n->routers.member[n->routers.n++] = router;
}

static void wake_node(struct routers *n, uint32_t node)
{
    if (n->node[node].awake)
        return;
    n->node[node].awake = true;
    n->nodes.member[n->nodes.n++] = node;
}

static uint32_t next_in_turn(uint64_t mask, uint32_t turn)
{
    uint64_t behind = turn < 64 ? mask >> turn << turn : 0;

    return (uint32_t)__builtin_ctzll(behind ? behind : mask);
}

/* Places from the one whose turn it is. */
static uint32_t behind_turn(uint32_t i, uint32_t turn, uint32_t n)
{
    return i >= turn ? i - turn : i + n - turn;
}

/* ---- queues ---- */

/* Queue at the other end of a virtual channel of an output; NOBODY where that is a node. */
static uint32_t queue_behind(const struct routers *n, uint32_t port, uint32_t vc)
{
    uint32_t peer = n->graph->peer[port];

    return graph_is_router(peer) ? peer * n->spec.vcs + vc : NOBODY;
}

static uint32_t front(const struct routers *n, uint32_t queue)
{
    return n->flit[(size_t)queue * n->spec.vc_flits + n->queue[queue].first];
}

static void change_blocked(struct port *out, bool blocked, uint64_t clk)
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

/* Whether an output's virtual channel has room for the flit that is there for it, if one is. */
static inline bool find_room(struct routers *n, uint32_t port, uint32_t vc, bool flit, uint64_t clk)
{
    uint32_t behind = flit ? queue_behind(n, port, vc) : NOBODY;
    bool has_room = behind == NOBODY || n->room[behind] > 0;

    set_blocked(n, port, vc, !has_room, clk);
    return has_room;
}

/* Whether the queue's front can go, from clk on: where it is copied, to all of its exits. */
static void look(struct routers *n, uint32_t queue, uint64_t clk)
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

static void ask_for_vc(struct routers *n, uint32_t queue)
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

static void ask_for_switch(struct routers *n, uint32_t queue)
{
    n->queue[queue].stage = QUEUE_MOVES;
    look(n, queue, n->clk);
}

/* A head is at the front from clk on: this clock or the next. */
static void begin_routing(struct routers *n, uint32_t queue, uint64_t clk)
{
    uint32_t delay = n->spec.routing_clk + (uint32_t)(clk - n->clk);

    n->queue[queue].stage = QUEUE_ROUTING;
    if (delay == 0)
        ask_for_vc(n, queue);
    else
        push(n, ASKS_FOR_VC, delay, queue, 0);
}

static void put_flit(struct routers *n, uint32_t queue, uint32_t flit)
{
    struct queue *q = &n->queue[queue];
    uint32_t at = q->first + q->n;

    assert(q->n < n->spec.vc_flits);
    at = at < n->spec.vc_flits ? at : at - n->spec.vc_flits;
    n->flit[(size_t)queue * n->spec.vc_flits + at] = flit;
    q->n++;
    n->counts.buffer_writes++;
    if (q->stage == QUEUE_IDLE)
        begin_routing(n, queue, n->clk);
    else if (q->stage == QUEUE_MOVES)
        look(n, queue, n->clk);
}

static uint32_t take_flit(struct routers *n, uint32_t queue)
{
    struct queue *q = &n->queue[queue];
    uint32_t flit = front(n, queue);

    q->first = q->first + 1 == n->spec.vc_flits ? 0 : q->first + 1;
    q->n--;
    n->counts.buffer_reads++;
    return flit;
}

static void add_place(struct routers *n, uint32_t queue)
{
    uint32_t peer = n->graph->peer[queue / n->spec.vcs];

    n->room[queue]++;
    if (!graph_is_router(peer)) {
        wake_node(n, peer - GRAPH_NODE);
        return;
    }
    uint32_t holder = n->out_vc[peer * n->spec.vcs + queue % n->spec.vcs].holder;
    if (holder != NOBODY)
        look(n, holder, n->clk);
    else if (n->spec.cut_through)
        wake_router(n, peer / n->graph->n_port); // somebody may have waited for that much room
}

/* ---- packets ---- */

static bool grow_packets(struct routers *n)
{
    uint32_t room = n->packet_room ? 2 * n->packet_room : 64;

    if (room > MOST_PACKETS)
        return false;
    struct router_packet *p = realloc(n->packet, room * sizeof *p);
    if (p)
        n->packet = p;
    uint32_t *f = realloc(n->free_packet, room * sizeof *f);
    if (f)
        n->free_packet = f;
    if (!p || !f)
        return false;
    n->packet_room = room;
    return true;
}

static uint32_t new_packet(struct routers *n)
{
    if (n->n_free > 0)
        return n->free_packet[--n->n_free];
    if (n->n_packet == n->packet_room && !grow_packets(n)) {
        n->no_memory = true;
        return NOBODY;
    }
    return n->n_packet++;
}

static void take(struct routers *n, uint32_t port, uint32_t flit)
{
    struct router_packet *p = &n->packet[FLIT_PACKET(flit)];

    assert(p->all || n->graph->peer[port] == GRAPH_NODE + p->to);
    n->counts.flits_taken++;
    if (!FLIT_IS_TAIL(flit))
        return;
    n->counts.packets_taken++;
    struct router_packet whole = *p;
    whole.to = n->graph->peer[port] - GRAPH_NODE;
    if (--p->ends == 0)
        n->free_packet[n->n_free++] = FLIT_PACKET(flit);
    if (n->user.taken)
        n->user.taken(n->user.user, &whole, n->clk);
}

/* ---- interfaces ---- */

static uint32_t first_queue(const struct routers *n, uint32_t node)
{
    return n->graph->at[node] * n->spec.vcs;
}

/* The next virtual channel in turn with room for a packet; NOBODY: none. */
static uint32_t roomy_vc(const struct routers *n, uint32_t node, uint32_t n_flit)
{
    uint32_t want = n->spec.cut_through ? n_flit : 1;

    for (uint32_t i = 0; i < n->spec.vcs; i++) {
        uint32_t vc = n->node[node].vc_turn + i;
        vc = vc < n->spec.vcs ? vc : vc - n->spec.vcs;
        if (n->room[first_queue(n, node) + vc] >= want)
            return vc;
    }
    return NOBODY;
}

/* The next source in turn with a packet for this clock; NOBODY: none. */
static uint32_t due_source(const struct routers *n, uint32_t node, uint64_t clk)
{
    const struct interface *f = &n->node[node];

    for (uint32_t i = 0; i < f->n_source; i++) {
        uint32_t at = f->turn + i;
        at = at < f->n_source ? at : at - f->n_source;
        const struct source *s = &n->source[n->order[f->first_source + at]];
        if (s->offered && s->from_clk <= clk)
            return at;
    }
    return NOBODY;
}

static void begin_packet(struct routers *n, uint32_t node)
{
    struct interface *f = &n->node[node];
    uint32_t at = due_source(n, node, n->clk);

    if (at == NOBODY)
        return;
    uint32_t source = n->order[f->first_source + at];
    struct source *s = &n->source[source];
    uint32_t vc = roomy_vc(n, node, s->n_flit);
    if (vc == NOBODY)
        return;
    uint32_t packet = new_packet(n);
    if (packet == NOBODY)
        return;
    n->packet[packet] = (struct router_packet){
        .from = source, .to = s->to, .all = s->all, .ends = s->all ? s->all->n_node : 1,
        .n_flit = s->n_flit, .offered_clk = s->from_clk, .sent_clk = n->clk, .tag = s->tag,
    };
    f->turn = at + 1 == f->n_source ? 0 : at + 1;
    f->vc = vc;
    f->vc_turn = vc + 1 == n->spec.vcs ? 0 : vc + 1;
    f->left = s->n_flit;
    f->packet = packet;
    s->offered = false;
    n->counts.packets_sent++;
    if (n->user.sent)
        n->user.sent(n->user.user, source, n->clk);
}

static void send_flit(struct routers *n, uint32_t node)
{
    struct interface *f = &n->node[node];
    uint32_t queue = first_queue(n, node) + f->vc;

    if (f->left == 0 || n->room[queue] == 0)
        return;
    bool is_head = n->packet[f->packet].n_flit == f->left;
    push(n, FLIT_FROM_NODE, n->delay[FLIT_FROM_NODE], queue,
         FLIT(f->packet, is_head, f->left == 1));
    n->room[queue]--;
    f->left--;
    f->flits++;
    n->counts.flits_sent++;
    if (f->left == 0 && n->user.sent_all)
        n->user.sent_all(n->user.user, n->packet[f->packet].from, n->clk);
}

/* Sleeps until a source is due that is not yet in the next clock. */
static void sleep_until_due(struct routers *n, uint32_t node)
{
    struct interface *f = &n->node[node];
    uint64_t soonest = CYC_NEVER;

    for (uint32_t i = 0; i < f->n_source; i++) {
        const struct source *s = &n->source[n->order[f->first_source + i]];
        if (s->offered && s->from_clk > n->clk + 1 && s->from_clk < soonest)
            soonest = s->from_clk;
    }
    calendar_set(&n->calendar, &f->wake, soonest);
}

/* Whether it can send in the next clock. What else may change that wakes it: a place that is freed,
 * or another source, whose turn it may be, that is due. */
static bool node_goes_on(struct routers *n, uint32_t node)
{
    const struct interface *f = &n->node[node];

    if (f->left > 0)
        return n->room[first_queue(n, node) + f->vc] > 0;
    sleep_until_due(n, node);
    uint32_t due = due_source(n, node, n->clk + 1);
    return due != NOBODY &&
           roomy_vc(n, node, n->source[n->order[f->first_source + due]].n_flit) != NOBODY;
}

static void step_nodes(struct routers *n)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < n->nodes.n; i++) {
        uint32_t node = n->nodes.member[i];
        struct interface *f = &n->node[node];
        f->busy = true;
        if (f->left == 0)
            begin_packet(n, node);
        send_flit(n, node);
        f->busy = false;
        f->awake = node_goes_on(n, node);
        if (f->awake)
            n->nodes.member[kept++] = node;
    }
    n->nodes.n = kept;
}

static void offer(struct routers *n, uint32_t source, const struct source *packet)
{
    struct source *s = &n->source[source];
    struct interface *f = &n->node[s->node];
    uint64_t from_clk = packet->from_clk;

    assert(!s->offered && packet->n_flit > 0 && packet->n_flit <= ROUTER_MOST_FLITS);
    assert(!n->spec.cut_through || packet->n_flit <= n->spec.vc_flits);
    *s = *packet;
    s->node = (uint32_t)(f - n->node);
    s->offered = true;
    if (!f->busy && !f->awake && !(f->wake.link && f->wake.cyc <= from_clk))
        calendar_set(&n->calendar, &f->wake, from_clk > n->clk ? from_clk : n->clk);
}

void routers_offer(struct routers *n, uint32_t source, uint32_t to, uint32_t n_flit,
                   uint64_t from_clk, uint64_t tag)
{
    assert(to < n->graph->n_node);
    offer(n, source, &(struct source){ .to = to, .n_flit = n_flit, .from_clk = from_clk,
                                       .tag = tag });
}

void routers_offer_all(struct routers *n, uint32_t source, const struct graph_union *to,
                       uint32_t n_flit, uint64_t from_clk, uint64_t tag)
{
    assert(n->spec.cut_through && to->n_node > 0);
    n->copies = true;
    offer(n, source, &(struct source){ .to = GRAPH_NONE, .all = to, .n_flit = n_flit,
                                       .from_clk = from_clk, .tag = tag });
}

void routers_withdraw(struct routers *n)
{
    for (uint32_t i = 0; i < n->n_source; i++)
        n->source[i].offered = false;
}

/* ---- the allocators ---- */

/* Of an output's free virtual channels those that have room for so many flits: to a node, all. */
static uint64_t roomy(const struct routers *n, uint32_t exit, uint64_t free, uint32_t n_flit)
{
    for (uint64_t left = graph_is_router(n->graph->peer[exit]) ? free : 0; left; left &= left - 1) {
        uint32_t vc = (uint32_t)__builtin_ctzll(left);
        if (n->room[queue_behind(n, exit, vc)] < n_flit)
            free &= ~(UINT64_C(1) << vc);
    }
    return free;
}

/* The output's virtual channel that a queue asks for: the next in its turn that is free, in all of
 * its exits. */
static uint32_t wanted_vc(const struct routers *n, uint32_t queue)
{
    const struct queue *q = &n->queue[queue];
    uint64_t free = n->port[q->exit].free;

    if (n->graph->serial && n->held[q->exit / n->graph->n_port] > 0)
        return NOBODY;
    for (uint32_t i = 1; i < q->n_exit; i++)
        free &= n->port[q->exits[i]].free;
    if (n->spec.cut_through) {
        const uint32_t n_flit = n->packet[FLIT_PACKET(front(n, queue))].n_flit;
        free = roomy(n, q->exit, free, n_flit);
        for (uint32_t i = 1; i < q->n_exit; i++)
            free = roomy(n, q->exits[i], free, n_flit);
    }
    if (!free)
        return NOBODY;
    const uint32_t first = q->exit * n->spec.vcs; // of an output that its turn is not at, this one
    return next_in_turn(free, q->turn > first && q->turn < first + n->spec.vcs ? q->turn - first
                                                                               : 0);
}

static inline void hold(struct routers *n, uint32_t exit, uint32_t vc, uint32_t queue)
{
    n->out_vc[exit * n->spec.vcs + vc].holder = queue;
    n->port[exit].free &= ~(UINT64_C(1) << vc);
}

static void grant_vc(struct routers *n, uint32_t queue)
{
    uint32_t vcs = n->spec.vcs;
    struct queue *q = &n->queue[queue];

    hold(n, q->exit, q->vc, queue);
    for (uint32_t i = 1; i < q->n_exit; i++)
        hold(n, q->exits[i], q->vc, queue);
    n->held[q->exit / n->graph->n_port]++;
    n->port[queue / vcs].asks &= ~(UINT64_C(1) << queue % vcs);
    q->stage = QUEUE_HAS_VC;
    q->turn = q->exit * vcs + q->vc + 1;
    n->counts.allocations += q->n_exit;
    if (n->spec.vc_clk == 0)
        ask_for_switch(n, queue);
    else
        push(n, ASKS_FOR_SWITCH, n->spec.vc_clk, queue, 0);
}

/* Packets that are copied, from the queue whose turn it is; the turn moves behind the first that
 * gets its virtual channels. */
static void grant_vcs_of_copies(struct routers *n, uint32_t router)
{
    uint32_t vcs = n->spec.vcs, n_queue = n->graph->n_port * vcs, first = router * n_queue;
    uint32_t turn = n->copy_turn[router].queue;
    bool granted = false;

    for (uint32_t i = 0; i < n_queue; i++) {
        uint32_t local = turn + i < n_queue ? turn + i : turn + i - n_queue, queue = first + local;
        if (!(n->port[queue / vcs].asks >> queue % vcs & 1) || n->queue[queue].n_exit == 1)
            continue;
        uint32_t vc = wanted_vc(n, queue);
        if (vc == NOBODY)
            continue;
        n->queue[queue].vc = vc;
        grant_vc(n, queue);
        if (!granted)
            n->copy_turn[router].queue = local + 1 == n_queue ? 0 : local + 1;
        granted = true;
    }
}

/* Every virtual channel of an output has an arbiter; a bus has one, which is the first's. */
static void grant_vcs(struct routers *n, uint32_t router)
{
    uint32_t first = router * n->graph->n_port, vcs = n->spec.vcs, n_asked = 0;
    uint32_t n_queue = n->graph->n_port * vcs;

    if (n->copies)
        grant_vcs_of_copies(n, router);
    for (uint32_t port = first; port < first + n->graph->n_port; port++)
        for (uint64_t left = n->port[port].asks; left; left &= left - 1) {
            uint32_t queue = port * vcs + (uint32_t)__builtin_ctzll(left);
            struct queue *q = &n->queue[queue];
            uint32_t vc = q->n_exit == 1 ? wanted_vc(n, queue) : NOBODY;
            if (vc == NOBODY)
                continue;
            q->vc = vc;
            uint32_t arbiter = n->graph->serial ? 0 : (q->exit - first) * vcs + vc;
            uint32_t *best = &n->best[arbiter], turn = n->out_vc[first * vcs + arbiter].turn;
            if (*best == NOBODY)
                n->asked[n_asked++] = arbiter;
            if (*best == NOBODY || behind_turn(queue % n_queue, turn, n_queue) <
                                       behind_turn(*best % n_queue, turn, n_queue))
                *best = queue;
        }
    for (uint32_t i = 0; i < n_asked; i++) {
        uint32_t *best = &n->best[n->asked[i]], local = *best % n_queue;
        n->out_vc[first * vcs + n->asked[i]].turn = local + 1 == n_queue ? 0 : local + 1;
        grant_vc(n, *best);
        *best = NOBODY;
    }
}

static inline void let_go(struct routers *n, uint32_t exit, uint32_t vc)
{
    set_blocked(n, exit, vc, false, n->clk + 1);
    n->out_vc[exit * n->spec.vcs + vc].holder = NOBODY;
    n->port[exit].free |= UINT64_C(1) << vc;
}

/* The tail has left: the outputs' virtual channels are free, the next head may be routed. */
static void end_packet(struct routers *n, uint32_t queue)
{
    struct queue *q = &n->queue[queue];

    let_go(n, q->exit, q->vc);
    for (uint32_t i = 1; i < q->n_exit; i++)
        let_go(n, q->exits[i], q->vc);
    n->held[q->exit / n->graph->n_port]--;
    n->port[queue / n->spec.vcs].goes &= ~(UINT64_C(1) << queue % n->spec.vcs);
    q->stage = QUEUE_IDLE;
    if (q->n > 0)
        begin_routing(n, queue, n->clk + 1);
}

/* A flit leaves the router by a port, in a virtual channel. */
static void leave(struct routers *n, uint32_t out, uint32_t vc, uint32_t flit)
{
    uint32_t behind = queue_behind(n, out, vc);

    n->port[out].flits++;
    n->counts.switch_traversals++;
    if (behind != NOBODY) {
        n->counts.flit_hops++;
        n->room[behind]--;
        push(n, FLIT_FROM_ROUTER, n->delay[FLIT_FROM_ROUTER], behind, flit);
        return;
    }
    push(n, FLIT_TO_NODE, n->delay[FLIT_TO_NODE], out, flit);
    if (FLIT_IS_TAIL(flit) && n->user.arrives) {
        struct router_packet p = n->packet[FLIT_PACKET(flit)];
        p.to = n->graph->peer[out] - GRAPH_NODE;
        n->user.arrives(n->user.user, &p, n->clk + n->delay[FLIT_TO_NODE]);
    }
}

static void move_flit(struct routers *n, uint32_t queue)
{
    const struct queue *q = &n->queue[queue];
    uint32_t flit = take_flit(n, queue);
    enum event_kind place = graph_is_router(n->graph->peer[queue / n->spec.vcs])
                                ? PLACE_FOR_ROUTER : PLACE_FOR_NODE;

    if (FLIT_IS_HEAD(flit))
        n->packet[FLIT_PACKET(flit)].routers++;
    push(n, place, n->delay[place], queue, 0);
    leave(n, q->exit, q->vc, flit);
    for (uint32_t i = 1; i < q->n_exit; i++)
        leave(n, q->exits[i], q->vc, flit);
    n->counts.flits_copied += q->n_exit - 1;
    if (FLIT_IS_TAIL(flit))
        end_packet(n, queue);
    else
        look(n, queue, n->clk + 1);
}

/* The queue that a port offers to the switch: the next in its turn that can send. */
static uint32_t offered(const struct routers *n, uint32_t port)
{
    const struct port *in = &n->port[port];

    return port * n->spec.vcs + next_in_turn(in->goes, in->in_turn);
}

/* Whether nobody has won any of the outputs of a queue that is copied yet. */
static bool are_left(const struct routers *n, const struct queue *q, uint32_t first)
{
    for (uint32_t i = 0; i < q->n_exit; i++)
        if (n->best[q->exits[i] - first] != NOBODY)
            return false;
    return true;
}

/* Those that are copied, from the port whose turn it is: each takes all of its outputs or none. */
static uint32_t choose_copies(struct routers *n, uint32_t router)
{
    uint32_t n_port = n->graph->n_port, first = router * n_port, n_asked = 0;
    uint32_t turn = n->copy_turn[router].port;

    for (uint32_t i = 0; i < n_port; i++) {
        uint32_t p = turn + i < n_port ? turn + i : turn + i - n_port;
        uint32_t queue = n->port[first + p].goes ? offered(n, first + p) : NOBODY;
        const struct queue *q = queue != NOBODY ? &n->queue[queue] : NULL;
        if (!q || q->n_exit == 1 || !are_left(n, q, first))
            continue;
        if (n_asked == 0)
            n->copy_turn[router].port = p + 1 == n_port ? 0 : p + 1;
        for (uint32_t k = 0; k < q->n_exit; k++) {
            n->best[q->exits[k] - first] = queue;
            n->asked[n_asked++] = q->exits[k];
        }
    }
    return n_asked;
}

static void grant_switch(struct routers *n, uint32_t router)
{
    uint32_t n_port = n->graph->n_port, first = router * n_port, vcs = n->spec.vcs;
    uint32_t n_asked = n->copies ? choose_copies(n, router) : 0;

    for (uint32_t p = 0; p < n_port; p++) {
        if (!n->port[first + p].goes)
            continue;
        uint32_t queue = offered(n, first + p);
        uint32_t out = n->queue[queue].exit, *best = &n->best[out - first];
        uint32_t turn = n->port[out].out_turn;
        if (n->copies &&
            (n->queue[queue].n_exit > 1 || (*best != NOBODY && n->queue[*best].n_exit > 1)))
            continue;
        if (*best == NOBODY)
            n->asked[n_asked++] = out;
        if (*best == NOBODY || behind_turn(p, turn, n_port) <
                                   behind_turn(*best / vcs - first, turn, n_port))
            *best = queue;
    }
    for (uint32_t i = 0; i < n_asked; i++) {
        uint32_t out = n->asked[i], queue = n->best[out - first], p = queue / vcs - first;
        n->best[out - first] = NOBODY;
        n->port[first + p].in_turn = queue % vcs + 1 == vcs ? 0 : queue % vcs + 1;
        n->port[out].out_turn = p + 1 == n_port ? 0 : p + 1;
        if (out == n->queue[queue].exit) // of copies, once
            move_flit(n, queue);
    }
}

static bool router_goes_on(const struct routers *n, uint32_t router)
{
    uint32_t first = router * n->graph->n_port;

    for (uint32_t port = first; port < first + n->graph->n_port; port++) {
        if (n->port[port].goes)
            return true;
        for (uint64_t left = n->port[port].asks; left; left &= left - 1)
            if (wanted_vc(n, port * n->spec.vcs + (uint32_t)__builtin_ctzll(left)) != NOBODY)
                return true;
    }
    return false;
}

static void step_routers(struct routers *n)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < n->routers.n; i++) {
        uint32_t router = n->routers.member[i];
        n->counts.steps++;
        grant_vcs(n, router);
        grant_switch(n, router);
        n->awake[router] = router_goes_on(n, router);
        if (n->awake[router])
            n->routers.member[kept++] = router;
    }
    n->routers.n = kept;
}

/* ---- clocks ---- */

static void happen(struct routers *n, enum event_kind kind, const struct event *e)
{
    switch (kind) {
    case FLIT_FROM_ROUTER:
    case FLIT_FROM_NODE:
        put_flit(n, e->at, e->flit);
        break;
    case FLIT_TO_NODE:
        take(n, e->at, e->flit);
        break;
    case PLACE_FOR_ROUTER:
    case PLACE_FOR_NODE:
        add_place(n, e->at);
        break;
    case ASKS_FOR_VC:
        ask_for_vc(n, e->at);
        break;
    case ASKS_FOR_SWITCH:
        ask_for_switch(n, e->at);
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
    step_nodes(n);
    step_routers(n);
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

enum err routers_new(struct routers **new, const struct graph *g, const struct router_spec *spec,
                     const uint32_t *source_node, uint32_t n_source, const struct router_user *user,
                     struct err_msg *m)
{
    uint64_t places = (uint64_t)g->n_router * g->n_port * spec->vcs * spec->vc_flits;

    assert(spec->vcs > 0 && spec->vcs <= ROUTER_MOST_VCS && spec->vc_flits > 0);
    assert(spec->link_clk > 0 && n_source > 0);
    *new = NULL;
    if (places > MOST_QUEUED)
        return err_set(m, ERR_INPUT, "queues of %" PRIu64 " flits in all: want at most %d: fewer "
                       "routers, virtual channels or flits of each", places, MOST_QUEUED);
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

/* ---- what was counted ---- */

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

/* ---- what it is, and what adds up ---- */

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

uint64_t router_zero_load(const struct router_spec *s, uint32_t routers, uint32_t n_flit)
{
    uint64_t stages = (uint64_t)s->routing_clk + s->vc_clk + s->switch_clk + s->crossbar_clk;

    return routers * stages + (uint64_t)(routers - 1) * s->link_clk + 2 + n_flit;
}
