/* arch/elastic/net.c -- routers between the cores of an elastic chip.
 *
 * A token is a packet, a stream a source of its core's interface. What a core sends in a clock is
 * offered to the routers in that clock, and they are run for it in the next one: by this block,
 * which they wake, or for a core that asks whether its packet has gone, who is first. The routers
 * say s + x + 1 clocks before when a tail will be taken, so that a token is in its receiver's mail
 * in time; that is why a switch and a crossbar take a clock at least together.
 * Packets of a stream may overtake one another on several virtual channels: they are handed over in
 * order, one a clock. Cores reserve their receivers' places before they send, so packets never wait
 * at their ends, and the network's routes close no circle: what is offered arrives. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/elastic/site.h"
#include "core/block.h"

enum { BINS = 1 << 16 };

struct token_way { // of a packet that is on its way
    uint32_t pixels;
    uint64_t clk; // in which it is taken; CYC_NEVER: not known yet
};

struct net_stream {
    uint32_t          from, to; // nodes
    struct graph_union way;  // of one that sends for several; else zero
    uint32_t          hops;
    struct mail      *mail;  // to the receiver
    struct token_way *token; // owned; ring of `size`
    uint32_t          size;
    uint64_t          sent, handed; // tokens
    uint64_t          last_clk; // of the one handed over last
    bool              gone;  // all of the packet offered last
    bool              waits; // is in the list of those to be handed over
};

struct offer {
    uint32_t stream, n_flit;
    uint64_t clk;
};

struct net {
    struct block        base; // first
    const struct elastic_chip *chip;
    const struct graph *graph;
    struct router_spec  spec;
    struct routers     *routers;
    uint64_t            clk; // all before it have been run
    struct net_stream  *stream; // owned; [n_stream]
    struct offer       *offer;  // owned; ring of n_stream: one at a time for each
    uint32_t            n_stream, first_offer, n_offer;
    uint32_t           *waiting; // owned; streams with tokens to be handed over
    uint32_t            n_waiting;
    uint64_t            n_way; // tokens that are offered or on their way
    uint64_t           *bin;     // owned: packets by latency
    struct elastic_packets count;
    struct err_msg      msg;
    enum err            err; // why the routers could not go on
};

bool net_carries(const struct plan_stream *st)
{
    return !stream_is_of_image(st->kind) && st->kind != STREAM_RESULT;
}

struct block *net_block(struct net *n)
{
    return &n->base;
}

uint32_t net_hops(const struct net *n, uint32_t stream)
{
    return n->stream[stream].hops;
}

uint32_t net_to(const struct net *n, uint32_t stream)
{
    return n->stream[stream].to;
}

/* The stream of a packet, or of the copy that a node takes. */
static uint32_t stream_of(const struct net *n, const struct router_packet *p)
{
    const struct link *l = n->chip->link_of[p->from];

    for (uint32_t i = 0; i < l->n_with; i++)
        if (n->stream[l->with[i]->stream].to == p->to)
            return l->with[i]->stream;
    return p->from;
}

static uint32_t flits_of(const struct net *n, uint64_t bits)
{
    const struct fabric_cfg *f = &n->chip->plan->config->fabric;

    return (uint32_t)max_u64(1, ceil_div(f->header_bits + bits, f->flit_bits));
}

/* ---- what the routers tell ---- */

static void sent_all(void *user, uint32_t source, uint64_t clk)
{
    struct net *n = user;

    (void)clk;
    n->stream[source].gone = true;
}

static void arrives(void *user, const struct router_packet *p, uint64_t clk)
{
    struct net *n = user;
    uint32_t stream = stream_of(n, p);
    struct net_stream *s = &n->stream[stream];

    s->token[p->tag % s->size].clk = clk;
    if (!s->waits)
        n->waiting[n->n_waiting++] = stream;
    s->waits = true;
}

static void taken(void *user, const struct router_packet *p, uint64_t clk)
{
    struct net *n = user;
    struct elastic_packets *c = &n->count;
    uint64_t latency = clk - p->offered_clk;

    c->latency_min = c->n ? min_u64(c->latency_min, latency) : latency;
    c->latency_max = max_u64(c->latency_max, latency);
    c->latency_sum += latency;
    c->zero_load_sum += router_zero_load(&n->spec, n->stream[stream_of(n, p)].hops + 1, p->n_flit);
    c->flits += p->n_flit;
    c->n++;
    n->n_way--;
    n->bin[min_u64(latency, BINS - 1)]++;
}

/* ---- clocks ---- */

/* Runs the routers for all clocks before now: what cores send in them is known. */
static void advance(struct net *n, uint64_t now)
{
    while (!n->err && n->clk < now) {
        uint64_t until = now;
        for (; n->n_offer > 0 && n->offer[n->first_offer].clk <= n->clk; n->n_offer--) {
            const struct offer *o = &n->offer[n->first_offer];
            const struct net_stream *s = &n->stream[o->stream];
            if (s->way.n > 0)
                routers_offer_all(n->routers, o->stream, &s->way, o->n_flit, o->clk, s->sent - 1);
            else
                routers_offer(n->routers, o->stream, s->to, o->n_flit, o->clk, s->sent - 1);
            n->first_offer = (n->first_offer + 1) % n->n_stream;
        }
        if (n->n_offer > 0)
            until = min_u64(until, n->offer[n->first_offer].clk);
        n->err = routers_run(n->routers, until, &n->msg);
        n->clk = until;
    }
}

static void add_token(struct net *n, struct net_stream *s, uint32_t pixels)
{
    n->n_way++;
    assert(s->sent - s->handed < s->size);
    s->token[s->sent++ % s->size] = (struct token_way){ pixels, CYC_NEVER };
}

void net_send(struct net *n, uint32_t stream, uint32_t pixels, uint64_t bits, uint64_t now)
{
    const struct link *l = n->chip->link_of[stream];

    assert(n->n_offer < n->n_stream && l->lead == l);
    add_token(n, &n->stream[stream], pixels);
    for (uint32_t i = 1; i < l->n_with; i++)
        add_token(n, &n->stream[l->with[i]->stream], pixels);
    n->stream[stream].gone = false;
    n->offer[(n->first_offer + n->n_offer++) % n->n_stream] =
        (struct offer){ stream, flits_of(n, bits), now };
    n->base.wake(&n->base, now + 1);
}

bool net_has_sent(struct net *n, uint32_t stream, uint64_t now)
{
    advance(n, now);
    return n->stream[n->chip->link_of[stream]->lead->stream].gone || n->err;
}

/* Hands over the stream's next token, if it is known when it comes. Whether more may follow. */
static bool hand_over(struct net *n, uint32_t stream, uint64_t now)
{
    struct net_stream *s = &n->stream[stream];
    const struct token_way *t = &s->token[s->handed % s->size];

    if (s->handed == s->sent || t->clk == CYC_NEVER)
        return false;
    s->last_clk = max_u64(max_u64(t->clk, now + 1), s->handed > 0 ? s->last_clk + 1 : 0);
    mail_put(s->mail, s->last_clk, t->pixels);
    s->handed++;
    t = &s->token[s->handed % s->size];
    return s->handed < s->sent && t->clk != CYC_NEVER;
}

/* A clock is run in the next one, once it is known what is offered in it. Without packets only
 * places become known to be free, which nobody asks before a packet comes: the last of them ends
 * the run. */
static uint64_t next_step(const struct net *n, uint64_t now)
{
    if (n->n_waiting > 0 || n->n_offer > 0)
        return now + 1;
    if (n->n_way == 0) {
        const uint64_t last = routers_last_place(n->routers);
        return last > now ? last : CYC_NEVER;
    }
    const uint64_t next = routers_next(n->routers);
    return next == CYC_NEVER ? next : max_u64(next, now) + 1;
}

static uint64_t step(struct block *b, uint64_t now)
{
    struct net *n = (struct net *)b;
    uint32_t kept = 0;

    advance(n, now);
    for (uint32_t i = 0; i < n->n_waiting; i++) {
        n->stream[n->waiting[i]].waits = hand_over(n, n->waiting[i], now);
        if (n->stream[n->waiting[i]].waits)
            n->waiting[kept++] = n->waiting[i];
    }
    n->n_waiting = kept;
    return n->err ? CYC_NEVER : next_step(n, now);
}

/* ---- images that repeat others ---- */

struct teller {
    const struct net *net;
    void (*put)(void *user, uint64_t number);
    void *user;
};

static void put_number(void *user, uint64_t number)
{
    const struct teller *t = user;

    t->put(t->user, number);
}

/* Tokens of a stream are known by how many are on their way before them. */
static uint64_t tag_of(void *user, const struct router_packet *p)
{
    const struct teller *t = user;

    return p->tag - t->net->stream[p->from].handed;
}

static void put_stream(const struct teller *t, const struct net_stream *s, uint64_t now)
{
    t->put(t->user, s->sent - s->handed);
    t->put(t->user, s->gone);
    t->put(t->user, s->waits);
    t->put(t->user, s->handed > 0 && s->last_clk >= now ? s->last_clk + 1 - now : 0);
    for (uint64_t i = s->handed; i < s->sent; i++) {
        const struct token_way *way = &s->token[i % s->size];
        t->put(t->user, way->pixels);
        t->put(t->user, way->clk == CYC_NEVER ? CYC_NEVER : way->clk - now);
    }
}

void net_settle(struct net *n, uint64_t now)
{
    advance(n, now);
    routers_settle(n->routers);
}

void net_state(struct net *n, uint64_t now, void (*put)(void *user, uint64_t number), void *user)
{
    struct teller t = { n, put, user };

    put(user, n->clk - now);
    put(user, n->n_offer);
    for (uint32_t i = 0; i < n->n_offer; i++) {
        const struct offer *o = &n->offer[(n->first_offer + i) % n->n_stream];
        put(user, o->stream);
        put(user, o->n_flit);
        put(user, o->clk - now);
    }
    for (uint32_t i = 0; i < n->n_stream; i++)
        put_stream(&t, &n->stream[i], now);
    routers_state(n->routers, now, put_number, tag_of, &t);
}

void net_sums(struct net *n, void (*add)(void *user, uint64_t *sum), void *user)
{
    add(user, &n->count.n);
    add(user, &n->count.flits);
    add(user, &n->count.latency_sum);
    add(user, &n->count.zero_load_sum);
    for (uint32_t i = 0; i < BINS; i++)
        add(user, &n->bin[i]);
    routers_sums(n->routers, add, user);
}

static void describe(const struct block *b, FILE *out)
{
    const struct net *n = (const struct net *)b;

    fprintf(out, "%s has taken %" PRIu64 " packets\n", b->path, n->count.n);
}

static const struct block_ops net_ops = { "elastic_net", step, describe };

/* ---- life ---- */

static enum err check_spec(const struct router_spec *s, enum multicast multicast,
                           struct err_msg *m)
{
    if (multicast == MULTICAST_TREE && !s->cut_through)
        return err_set(m, ERR_INPUT, "fabric.multicast = tree: a copied packet may not wait half "
                       "sent, as with fabric.switching = wormhole it may: want fabric.switching = "
                       "cut_through, or fabric.multicast = unicast");
    if (s->switch_clk + s->crossbar_clk > 0)
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "fabric.switch_clocks = 0: with fabric.crossbar_clocks = 0 a flit "
                   "would be taken in the clock after it has won: want fabric.switch_clocks = 1 "
                   "under clocking.kind = elastic");
}

/* Packets on such routes could wait for one another for ever. */
static enum err refuse_cycle(const struct net *n, const struct graph_cycle *c, struct err_msg *m)
{
    char text[400];
    size_t used = 0;

    for (uint32_t i = 0; i <= c->n && used < sizeof text - 40; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%" PRIu32,
                                 i > 0 ? " -> " : "", c->port[i % c->n] / n->graph->n_port);
    return err_set(m, ERR_INPUT, "fabric.kind = %s: channels wait for one another in a circle, "
                   "from router to router %s: want fabric.kind = mesh, tree or bus, whose routes "
                   "close none", n->chip->plan->config->fabric.kind, text);
}

static enum err check_ways(const struct net *n, const uint32_t *node, struct err_msg *m)
{
    struct graph_way *way = calloc(n->n_stream, sizeof *way);
    struct graph_cycle cycle = { 0 };
    uint32_t n_way = 0;

    for (uint32_t i = 0; way && i < n->n_stream; i++)
        if (net_carries(&n->chip->plan->stream[i]))
            way[n_way++] = (struct graph_way){ node[i], n->stream[i].to };
    enum err e = way ? graph_find_cycle(n->graph, way, n_way, &cycle, m)
                     : err_set(m, ERR_MEMORY, "no memory for the network");
    if (!e && cycle.n > 0)
        e = refuse_cycle(n, &cycle, m);
    free(cycle.port);
    free(way);
    return e;
}

static enum err make_routers(struct net *n, const struct elastic_places *places, struct err_msg *m)
{
    const struct plan *p = n->chip->plan;
    const struct router_user user = { .user = n, .sent_all = sent_all, .arrives = arrives,
                                      .taken = taken };
    uint32_t *node = calloc(n->n_stream, sizeof *node);

    if (!node)
        return err_set(m, ERR_MEMORY, "no memory for the network");
    for (uint32_t i = 0; i < n->n_stream; i++) {
        const struct plan_stream *st = &p->stream[i];
        if (!net_carries(st))
            continue; // a source that is never offered anything
        node[i] = n->stream[i].from = places->node[st->from];
        n->stream[i].to = places->node[st->to];
        n->stream[i].hops = graph_routers(n->graph, node[i], n->stream[i].to) - 1;
    }
    enum err e = check_ways(n, node, m);
    if (!e)
        e = routers_new(&n->routers, n->graph, &n->spec, node, n->n_stream, &user, m);
    free(node);
    return e;
}

enum err net_new(struct net **new, struct elastic_chip *c, const struct elastic_places *places,
                 struct err_msg *m)
{
    struct net *n = calloc(1, sizeof *n);
    enum err e = ERR_NONE;

    *new = NULL;
    if (!n)
        return err_set(m, ERR_MEMORY, "no memory for the network");
    n->base = (struct block){ .ops = &net_ops, .path = "network" };
    n->chip = c;
    n->graph = places->graph;
    n->spec = fabric_router_spec(&c->plan->config->fabric);
    n->n_stream = c->plan->n_stream;
    n->stream = calloc(n->n_stream, sizeof *n->stream);
    n->offer = calloc(n->n_stream, sizeof *n->offer);
    n->waiting = calloc(n->n_stream, sizeof *n->waiting);
    n->bin = calloc(BINS, sizeof *n->bin);
    e = n->stream && n->offer && n->waiting && n->bin
            ? check_spec(&n->spec, c->plan->config->fabric.multicast, m)
            : err_set(m, ERR_MEMORY, "no memory for the network");
    if (!e)
        e = make_routers(n, places, m);
    if (e)
        net_free(n);
    else
        *new = n;
    return e;
}

enum err net_unite(struct net *n, struct err_msg *m)
{
    enum err e = ERR_NONE;
    uint32_t *to = calloc(n->n_stream, sizeof *to);

    if (!to)
        return err_set(m, ERR_MEMORY, "no memory for the network");
    for (uint32_t i = 0; !e && i < n->n_stream; i++) {
        const struct link *l = n->chip->link_of[i];
        for (uint32_t k = 0; k < l->n_with; k++)
            to[k] = n->stream[l->with[k]->stream].to;
        if (l->n_with > 1)
            e = graph_unite(&n->stream[i].way, n->graph, n->stream[i].from, to, l->n_with, m);
    }
    free(to);
    return e;
}

void net_free(struct net *n)
{
    if (!n)
        return;
    for (uint32_t i = 0; n->stream && i < n->n_stream; i++) {
        free(n->stream[i].token);
        graph_union_release(&n->stream[i].way);
    }
    routers_free(n->routers);
    free(n->stream);
    free(n->offer);
    free(n->waiting);
    free(n->bin);
    free(n->count.channel);
    free(n);
}

bool net_connect(struct net *n, uint32_t stream, struct mail *to_core, uint32_t size)
{
    struct net_stream *s = &n->stream[stream];

    s->mail = to_core;
    s->size = size;
    s->token = calloc(size, sizeof *s->token);
    return s->token != NULL;
}

/* ---- what was counted ---- */

enum err net_check(const struct net *n, uint32_t stream, uint64_t most_bits, struct err_msg *m)
{
    const struct plan *p = n->chip->plan;
    const uint32_t header = p->config->fabric.header_bits, flit = p->config->fabric.flit_bits;
    const uint64_t n_flit = ceil_div(header + most_bits, flit);
    const struct plan_stream *st = &p->stream[stream];

    if (n_flit > ROUTER_MOST_FLITS)
        return err_set(m, ERR_INPUT, "fabric.flit_bits = %" PRIu32 ": packets from %s to %s have %"
                       PRIu64 " flits: want at least fabric.flit_bits = %" PRIu64, flit,
                       p->core[st->from].name, p->core[st->to].name, n_flit,
                       ceil_div(header + most_bits, ROUTER_MOST_FLITS));
    if (n->spec.cut_through && n_flit > n->spec.vc_flits)
        return err_set(m, ERR_INPUT, "fabric.vc_flits = %" PRIu32 ": with fabric.switching = "
                       "cut_through a buffer holds a whole packet, and those from %s to %s have %"
                       PRIu64 " flits: want at least fabric.vc_flits = %" PRIu64,
                       n->spec.vc_flits, p->core[st->from].name, p->core[st->to].name, n_flit,
                       n_flit);
    return ERR_NONE;
}

enum err net_error(const struct net *n, struct err_msg *m)
{
    if (n->err)
        *m = n->msg;
    return n->err;
}

/* Channels of a node to and from its router, and of routers to one another. */
static void measure(const struct net *n, struct elastic_wires *w)
{
    const struct graph *g = n->graph;

    *w = (struct elastic_wires){ .n_router = g->n_router };
    w->bit_halves = routers_flit_halves(n->routers) * n->chip->plan->config->fabric.flit_bits;
    for (uint32_t router = 0; router < g->n_router; router++) {
        uint64_t ports = 0;
        for (uint32_t p = router * g->n_port; p < (router + 1) * g->n_port; p++) {
            if (g->peer[p] == GRAPH_NONE)
                continue;
            bool to_node = !graph_is_router(g->peer[p]);
            w->wire_halves += (uint64_t)graph_length(g, p) * (to_node ? 2 : 1);
            ports++;
        }
        w->n_ports += ports;
        w->n_crosspoints += g->serial ? ports : ports * ports;
    }
}

enum err net_collect(struct net *n, struct elastic_packets *p, struct err_msg *m)
{
    uint32_t n_port = n->graph->n_router * n->graph->n_port;
    uint64_t seen = 0;

    enum err e = routers_run(n->routers, CYC_NEVER, m); // credits that are on their way
    if (!e)
        e = routers_check(n->routers, m);
    n->count.channel = calloc(n_port, sizeof *n->count.channel);
    if (!e && !n->count.channel)
        e = err_set(m, ERR_MEMORY, "no memory for the channels");
    if (e)
        return e;
    for (uint32_t i = 0; i < n_port; i++)
        n->count.channel[i] = routers_channel(n->routers, i);
    for (n->count.latency_p95 = 0; n->count.latency_p95 < BINS; n->count.latency_p95++)
        if ((seen += n->bin[n->count.latency_p95]) * 100 >= n->count.n * 95)
            break;
    n->count.counts = *routers_counts(n->routers);
    measure(n, &n->count.wires);
    *p = n->count;
    n->count.channel = NULL;
    return ERR_NONE;
}
