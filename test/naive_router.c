/* test/naive_router.c -- see naive_router.h. */
#include "test/naive_router.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_QUEUES = 1024, MOST_PORTS = 256, MOST_THINGS = 8192 }; // of a router; under way

struct flit {
    struct naive_packet *packet;
    bool head, tail;
};

struct queue { // a virtual channel of an input port
    struct flit *flit; // [vc_flits]
    uint32_t n, n_out, out[NAIVE_MOST_ENDS], vc;
    uint32_t turn, turn_out; // behind what it got last, of that output
    bool     granted;        // the packet at the front
    uint64_t front_clk, granted_clk;
    uint32_t room;           // places that the one before may fill
};

struct out_vc { // a virtual channel of an output port
    bool     held;
    uint32_t turn;
};

struct port {
    uint32_t in_turn, out_turn;
    struct router_channel channel;
};

struct router {
    uint32_t n_flit; // in its queues
    uint32_t copy_queue, copy_port; // turns of packets that are copied
    uint32_t bus_turn, bus_owner;   // of a graph that is a bus; owner: queue + 1
};

struct thing { // under way
    uint64_t clk;
    enum { TO_QUEUE, TO_NODE, CREDIT } kind;
    uint32_t at; // queue, of TO_NODE port
    struct flit flit;
};

struct interface { // of a node
    struct naive_packet *packet; // that it sends; NULL: none
    uint32_t left, vc, vc_turn, turn;
};

struct naive_routers {
    const struct graph  *g;
    struct router_spec   s;
    const uint32_t      *node; // of each source
    uint32_t             n_source;
    struct naive_packet **offered; // owned; [n_source]
    struct queue        *queue;    // owned; port * vcs + vc
    struct flit         *flit;     // owned; of all queues
    struct out_vc       *out_vc;   // owned; likewise
    struct port         *port;     // owned
    struct router       *router;   // owned
    struct interface    *interface; // owned; by node
    struct thing         thing[MOST_THINGS];
    uint32_t             n_thing;
    struct router_counts counts;
};

static void launch(struct naive_routers *n, struct thing thing)
{
    assert(n->n_thing < MOST_THINGS);
    n->thing[n->n_thing++] = thing;
}

/* ---- what comes ---- */

void naive_packet_taken(struct naive_packet *p, uint32_t node, uint64_t clk)
{
    uint64_t *at = &p->taken_clk;

    for (uint32_t i = 0; i < p->n_end; i++)
        if (p->end[i] == node)
            at = &p->end_clk[i];
    assert(*at == 0 && (at != &p->taken_clk || p->to == node));
    *at = clk;
}

static void comes(struct naive_routers *n, const struct thing *a, uint64_t clk)
{
    struct queue *q = &n->queue[a->at];

    if (a->kind == CREDIT) {
        q->room++;
    } else if (a->kind == TO_QUEUE) {
        if (q->n == 0)
            q->front_clk = clk;
        assert(q->n < n->s.vc_flits);
        q->flit[q->n++] = a->flit;
        n->router[a->at / n->s.vcs / n->g->n_port].n_flit++;
        n->counts.buffer_writes++;
    } else {
        n->counts.flits_taken++;
        n->counts.packets_taken += a->flit.tail;
        if (a->flit.tail)
            naive_packet_taken(a->flit.packet, n->g->peer[a->at] - GRAPH_NODE, clk);
    }
}

void naive_routers_arrive(struct naive_routers *n, uint64_t clk)
{
    for (uint32_t i = 0; i < n->n_thing;) {
        assert(n->thing[i].clk >= clk);
        if (n->thing[i].clk == clk) {
            comes(n, &n->thing[i], clk);
            n->thing[i] = n->thing[--n->n_thing];
        } else {
            i++;
        }
    }
}

/* ---- interfaces ---- */

void naive_routers_offer(struct naive_routers *n, struct naive_packet *p)
{
    assert(!n->offered[p->source]);
    n->offered[p->source] = p;
}

bool naive_routers_waits(const struct naive_routers *n, uint32_t source)
{
    return n->offered[source];
}

bool naive_routers_sends(const struct naive_routers *n, uint32_t source)
{
    const struct interface *f = &n->interface[n->node[source]];

    return n->offered[source] || (f->packet && f->packet->source == source);
}

/* Sources of a node, the one behind it that was served last first: the next that has something. */
static struct naive_packet *next_packet(const struct naive_routers *n, uint32_t node, uint64_t clk)
{
    for (uint32_t k = 0; k < n->n_source; k++) {
        uint32_t source = (n->interface[node].turn + k) % n->n_source;
        struct naive_packet *p = n->offered[source];
        if (n->node[source] == node && p && p->from_clk <= clk)
            return p;
    }
    return NULL;
}

static void begins(struct naive_routers *n, uint32_t node, uint64_t clk)
{
    struct interface *f = &n->interface[node];
    struct naive_packet *p = next_packet(n, node, clk);

    for (uint32_t v = 0; p && !f->packet && v < n->s.vcs; v++) {
        uint32_t vc = (f->vc_turn + v) % n->s.vcs;
        if (n->queue[n->g->at[node] * n->s.vcs + vc].room < (n->s.cut_through ? p->n_flit : 1))
            continue;
        *f = (struct interface){ p, p->n_flit, vc, vc + 1, p->source + 1 };
        p->sent_clk = clk;
        n->offered[p->source] = NULL;
        n->counts.packets_sent++;
    }
}

static void interface_goes(struct naive_routers *n, uint32_t node, uint64_t clk)
{
    struct interface *f = &n->interface[node];

    if (!f->packet)
        begins(n, node, clk);
    const uint32_t queue = n->g->at[node] * n->s.vcs + f->vc;
    if (!f->packet || n->queue[queue].room == 0)
        return;
    n->queue[queue].room--;
    n->counts.flits_sent++;
    launch(n, (struct thing){ clk + 2, TO_QUEUE, queue,
                              { f->packet, f->left == f->packet->n_flit, f->left == 1 } });
    if (--f->left == 0)
        f->packet = NULL;
}

/* ---- routers ---- */

/* The queue that a virtual channel of an output leads to; NULL where that is a node. */
static struct queue *behind(const struct naive_routers *n, uint32_t out, uint32_t vc)
{
    const uint32_t peer = n->g->peer[out];

    return peer < GRAPH_NODE ? &n->queue[peer * n->s.vcs + vc] : NULL;
}

/* Adds the port by which a packet for `to` leaves the router, if it comes there. */
static void add_exit(const struct naive_routers *n, struct queue *q, uint32_t router,
                     uint32_t from, uint32_t to)
{
    uint32_t at = n->g->at[from] / n->g->n_port, out;

    for (;;) {
        out = at * n->g->n_port + n->g->exit(n->g, at, to);
        if (at == router)
            break;
        if (n->g->peer[out] >= GRAPH_NODE)
            return; // another way
        at = n->g->peer[out] / n->g->n_port;
    }
    for (uint32_t i = 0; i < q->n_out; i++)
        if (q->out[i] == out)
            return;
    q->out[q->n_out++] = out;
}

static void route(const struct naive_routers *n, struct queue *q, uint32_t router)
{
    const struct naive_packet *p = q->flit[0].packet;

    assert(q->flit[0].head);
    q->n_out = 0;
    for (uint32_t i = 0; i < p->n_end; i++)
        add_exit(n, q, router, n->node[p->source], p->end[i]);
    if (p->n_end == 0)
        add_exit(n, q, router, n->node[p->source], p->to);
}

/* Of the outputs that it asks for, or is copied to, the first. */
static uint32_t first_out(const struct queue *q)
{
    uint32_t first = q->out[0];

    for (uint32_t i = 1; i < q->n_out; i++)
        first = q->out[i] < first ? q->out[i] : first;
    return first;
}

/* The virtual channel that it asks for, of all of its outputs; UINT32_MAX: none. */
static uint32_t wish_of(const struct naive_routers *n, const struct queue *q)
{
    const uint32_t vcs = n->s.vcs, n_flit = q->flit[0].packet->n_flit;

    for (uint32_t v = 0; v < vcs; v++) {
        uint32_t vc = first_out(q) == q->turn_out ? (q->turn + v) % vcs : v;
        bool can = true;
        for (uint32_t i = 0; i < q->n_out; i++) {
            const struct queue *next = behind(n, q->out[i], vc);
            can &= !n->out_vc[q->out[i] * vcs + vc].held &&
                   (!next || !n->s.cut_through || next->room >= n_flit);
        }
        if (can)
            return vc;
    }
    return UINT32_MAX;
}

static void grant(struct naive_routers *n, struct queue *q, uint32_t vc, uint64_t clk)
{
    q->granted = true;
    q->granted_clk = clk;
    q->vc = vc;
    q->turn = vc + 1;
    q->turn_out = first_out(q);
    for (uint32_t i = 0; i < q->n_out; i++)
        n->out_vc[q->out[i] * n->s.vcs + vc].held = true;
    n->counts.allocations += q->n_out;
}

/* Copies first, as many as can. */
static void grant_copies(struct naive_routers *n, const bool *asks, uint32_t router, uint64_t clk)
{
    struct router *r = &n->router[router];
    uint32_t n_queue = n->g->n_port * n->s.vcs, first = router * n_queue, turn = r->copy_queue;
    bool granted = false;

    for (uint32_t k = 0; k < n_queue; k++) {
        uint32_t i = (turn + k) % n_queue;
        struct queue *q = &n->queue[first + i];
        uint32_t vc = asks[i] && q->n_out > 1 ? wish_of(n, q) : UINT32_MAX;
        if (vc == UINT32_MAX || r->bus_owner > 0)
            continue;
        grant(n, q, vc, clk);
        if (n->g->serial)
            r->bus_owner = first + i + 1;
        if (!granted)
            r->copy_queue = i + 1;
        granted = true;
    }
}

static void grant_vcs(struct naive_routers *n, uint32_t router, uint64_t clk)
{
    struct router *r = &n->router[router];
    uint32_t vcs = n->s.vcs, n_queue = n->g->n_port * vcs, first = router * n_queue;
    uint32_t wish[MOST_QUEUES];
    bool asks[MOST_QUEUES], any = false;

    for (uint32_t i = 0; i < n_queue; i++) {
        struct queue *q = &n->queue[first + i];
        asks[i] = q->n > 0 && !q->granted && clk >= q->front_clk + n->s.routing_clk;
        any |= asks[i];
        if (asks[i])
            route(n, q, router);
    }
    if (!any)
        return;
    grant_copies(n, asks, router, clk);
    for (uint32_t i = 0; i < n_queue; i++) {
        struct queue *q = &n->queue[first + i];
        uint32_t vc = asks[i] && q->n_out == 1 ? wish_of(n, q) : UINT32_MAX;
        wish[i] = vc == UINT32_MAX ? vc : q->out[0] * vcs + vc;
    }
    for (uint32_t k = 0, turn = r->bus_turn; n->g->serial && k < n_queue; k++) {
        uint32_t i = (turn + k) % n_queue; // the one who may keep its wish
        if (wish[i] != UINT32_MAX && r->bus_owner == 0) {
            r->bus_owner = first + i + 1;
            r->bus_turn = i + 1;
        } else {
            wish[i] = UINT32_MAX;
        }
    }
    for (uint32_t out = first; out < first + n_queue; out++) {
        for (uint32_t k = 0; k < n_queue; k++) {
            uint32_t i = (n->out_vc[out].turn + k) % n_queue;
            if (wish[i] != out)
                continue;
            grant(n, &n->queue[first + i], out % vcs, clk);
            n->out_vc[out].turn = i + 1;
            break;
        }
    }
}

/* To a router or a node. */
static void leaves(struct naive_routers *n, uint32_t out, uint32_t vc, struct flit f, uint64_t clk)
{
    const struct router_spec *s = &n->s;
    struct queue *next = behind(n, out, vc);

    n->port[out].channel.flits++;
    n->counts.switch_traversals++;
    if (next) {
        next->room--;
        n->counts.flit_hops++;
        launch(n, (struct thing){ clk + s->switch_clk + s->crossbar_clk + s->link_clk, TO_QUEUE,
                                  n->g->peer[out] * s->vcs + vc, f });
    } else {
        launch(n, (struct thing){ clk + s->switch_clk + s->crossbar_clk + 1, TO_NODE, out, f });
    }
    if (f.tail)
        n->out_vc[out * s->vcs + vc].held = false;
}

static void move(struct naive_routers *n, uint32_t queue, uint64_t clk)
{
    struct queue *q = &n->queue[queue];
    struct router *r = &n->router[queue / n->s.vcs / n->g->n_port];
    struct flit f = q->flit[0];
    const bool from_router = n->g->peer[queue / n->s.vcs] < GRAPH_NODE;

    memmove(q->flit, q->flit + 1, --q->n * sizeof *q->flit);
    r->n_flit--;
    n->counts.buffer_reads++;
    n->counts.flits_copied += q->n_out - 1;
    launch(n, (struct thing){ clk + 1 + (from_router ? n->s.link_clk + n->s.credit_clk : 1),
                              CREDIT, queue, f });
    for (uint32_t i = 0; i < q->n_out; i++)
        leaves(n, q->out[i], q->vc, f, clk);
    if (f.tail) {
        r->bus_owner = 0;
        q->granted = false;
        q->front_clk = clk + 1;
    }
}

/* Whether a queue's flit has room behind all of its outputs; which of them lack it. */
static bool has_room(const struct naive_routers *n, const struct queue *q, uint32_t first,
                     bool *blocked)
{
    bool all = true;

    for (uint32_t i = 0; i < q->n_out; i++) {
        const struct queue *next = behind(n, q->out[i], q->vc);
        bool room = !next || next->room > 0;
        blocked[q->out[i] - first] |= !room;
        all &= room;
    }
    return all;
}

/* The copies of the ports' choices, in turn: all of its outputs or none. */
static void switch_copies(struct naive_routers *n, uint32_t router, const uint32_t *from,
                          bool *won, uint64_t clk)
{
    uint32_t n_port = n->g->n_port, first = router * n_port, turn = n->router[router].copy_port;
    bool any = false;

    for (uint32_t k = 0; k < n_port; k++) {
        uint32_t p = (turn + k) % n_port;
        if (from[p] == UINT32_MAX || n->queue[from[p]].n_out == 1)
            continue;
        const struct queue *q = &n->queue[from[p]];
        bool left = true;
        for (uint32_t i = 0; i < q->n_out; i++)
            left &= !won[q->out[i] - first];
        if (!left)
            continue;
        for (uint32_t i = 0; i < q->n_out; i++) {
            won[q->out[i] - first] = true;
            n->port[q->out[i]].out_turn = p + 1;
        }
        n->port[first + p].in_turn = from[p] % n->s.vcs + 1;
        if (!any)
            n->router[router].copy_port = p + 1;
        any = true;
        move(n, from[p], clk);
    }
}

static void grant_switch(struct naive_routers *n, uint32_t router, uint64_t clk)
{
    uint32_t vcs = n->s.vcs, n_port = n->g->n_port, first = router * n_port;
    uint32_t wish[MOST_PORTS], from[MOST_PORTS];
    bool blocked[MOST_PORTS] = { false }, won[MOST_PORTS] = { false };

    for (uint32_t p = 0; p < n_port; p++) {
        wish[p] = from[p] = UINT32_MAX;
        for (uint32_t k = 0; k < vcs; k++) {
            uint32_t vc = (n->port[first + p].in_turn + k) % vcs, queue = (first + p) * vcs + vc;
            const struct queue *q = &n->queue[queue];
            if (q->n == 0 || !q->granted || clk < q->granted_clk + n->s.vc_clk)
                continue;
            if (!has_room(n, q, first, blocked) || from[p] != UINT32_MAX)
                continue;
            wish[p] = q->n_out == 1 ? q->out[0] : UINT32_MAX;
            from[p] = queue;
        }
    }
    switch_copies(n, router, from, won, clk);
    for (uint32_t out = first; out < first + n_port; out++) {
        n->port[out].channel.blocked_clk += blocked[out - first];
        for (uint32_t k = 0; k < n_port && !won[out - first]; k++) {
            uint32_t p = (n->port[out].out_turn + k) % n_port;
            if (wish[p] != out)
                continue;
            n->port[first + p].in_turn = from[p] % vcs + 1;
            n->port[out].out_turn = p + 1;
            move(n, from[p], clk);
            break;
        }
    }
}

void naive_routers_go(struct naive_routers *n, uint64_t clk)
{
    for (uint32_t node = 0; node < n->g->n_node; node++)
        interface_goes(n, node, clk);
    for (uint32_t router = 0; router < n->g->n_router; router++)
        if (n->router[router].n_flit > 0) {
            grant_vcs(n, router, clk);
            grant_switch(n, router, clk);
        }
}

bool naive_routers_rest(const struct naive_routers *n)
{
    bool rest = n->n_thing == 0;

    for (uint32_t i = 0; i < n->g->n_router * n->g->n_port * n->s.vcs; i++)
        rest &= n->queue[i].n == 0;
    for (uint32_t i = 0; i < n->n_source; i++)
        rest &= !naive_routers_sends(n, i);
    return rest;
}

/* ---- what was counted; made and released ---- */

struct router_channel naive_routers_channel(const struct naive_routers *n, uint32_t port)
{
    return n->port[port].channel;
}

struct router_counts naive_routers_counts(const struct naive_routers *n)
{
    return n->counts;
}

struct naive_routers *naive_routers_new(const struct graph *g, const struct router_spec *spec,
                                        const uint32_t *node, uint32_t n_source)
{
    const uint32_t n_port = g->n_router * g->n_port, n_queue = n_port * spec->vcs;
    struct naive_routers *n = calloc(1, sizeof *n);

    assert(n && g->n_port * spec->vcs <= MOST_QUEUES && g->n_port <= MOST_PORTS);
    *n = (struct naive_routers){ .g = g, .s = *spec, .node = node, .n_source = n_source };
    n->offered = calloc(n_source, sizeof(struct naive_packet *));
    n->queue = calloc(n_queue, sizeof *n->queue);
    n->flit = calloc((size_t)n_queue * spec->vc_flits, sizeof *n->flit);
    n->out_vc = calloc(n_queue, sizeof *n->out_vc);
    n->port = calloc(n_port, sizeof *n->port);
    n->router = calloc(g->n_router, sizeof *n->router);
    n->interface = calloc(g->n_node, sizeof *n->interface);
    assert(n->offered && n->queue && n->flit && n->out_vc && n->port && n->router && n->interface);
    for (uint32_t i = 0; i < n_queue; i++) {
        n->queue[i].flit = n->flit + (size_t)i * spec->vc_flits;
        n->queue[i].room = spec->vc_flits;
    }
    return n;
}

void naive_routers_free(struct naive_routers *n)
{
    free(n->offered);
    free(n->queue);
    free(n->flit);
    free(n->out_vc);
    free(n->port);
    free(n->router);
    free(n->interface);
    free(n);
}
