/* noc/router/interface.c -- interfaces of nodes: packets that their sources offer are sent, flit by
 * flit, and what comes is taken.
 */
#include "noc/router/state.h"

#include <assert.h>
#include <stdlib.h>

enum { MOST_PACKETS = 1 << 30 };

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

void interface_take(struct routers *n, uint32_t port, uint32_t flit)
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

/* ---- sending ---- */

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

void interfaces_step(struct routers *n)
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

/* ---- offers ---- */

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
