/* Tests of noc/router.h and noc/traffic.h against closed forms; against a twin that steps every
 * router in every clock; and against BookSim2's curves where they are there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/block.h"
#include "core/rng.h"
#include "core/util.h"
#include "noc/fabric.h"
#include "noc/router.h"
#include "noc/traffic.h"
#include "test/naive_router.h"
#include "test/shared.h"

static const struct router_spec plain = { 2, 8, 1, 1, 1, 1, 1, 0, false };

static struct graph graph_of(const struct fabric *f, uint32_t rows, uint32_t columns,
                             enum arity arity)
{
    struct fabric_cfg cfg = { .rows = rows, .columns = columns, .arity = arity };
    struct graph g;
    struct err_msg m;

    if (f->graph(&cfg, &g, &m))
        fail_msg("%s", m.text);
    return g;
}

static struct graph mesh(uint32_t rows, uint32_t columns)
{
    return graph_of(&fabric_mesh, rows, columns, ARITY_4);
}

/* Number i of the place, from low to high. */
static uint32_t upto(struct rng r, uint32_t i, uint32_t low, uint32_t high)
{
    return low + (uint32_t)(rng_u64(r, i) % (high - low + 1));
}

/* ---- lists of packets ---- */

struct play { // packets for sources, in order of from_clk for each
    struct naive_packet *packet;
    uint32_t       n, n_source;
    uint32_t      *node; // of each source
    uint32_t      *next; // packet of each source
    struct routers *routers;
    struct graph_union *way; // of each packet that is copied
    struct router_counts counts[2]; // found; the twin's
};

static uint32_t next_of(const struct play *p, uint32_t source, uint32_t from)
{
    while (from < p->n && p->packet[from].source != source)
        from++;
    return from;
}

static void offer(struct play *p, uint32_t source)
{
    uint32_t i = p->next[source];

    if (i < p->n && p->packet[i].n_end > 0)
        routers_offer_all(p->routers, source, &p->way[i], p->packet[i].n_flit,
                          p->packet[i].from_clk, i);
    else if (i < p->n)
        routers_offer(p->routers, source, p->packet[i].to, p->packet[i].n_flit,
                      p->packet[i].from_clk, i);
}

static void sent(void *user, uint32_t source, uint64_t clk)
{
    struct play *p = user;

    p->packet[p->next[source]].sent_clk = clk;
    p->next[source] = next_of(p, source, p->next[source] + 1);
    offer(p, source);
}

static void taken(void *user, const struct router_packet *packet, uint64_t clk)
{
    struct play *p = user;

    assert_int_equal(p->packet[packet->tag].sent_clk, packet->sent_clk);
    naive_packet_taken(&p->packet[packet->tag], packet->to, clk);
}

static uint32_t ends(const struct play *p)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < p->n; i++)
        n += max_u32(1, p->packet[i].n_end);
    return n;
}

static void find_ways(struct play *p, const struct graph *g)
{
    struct err_msg m;

    p->way = calloc(p->n, sizeof *p->way);
    for (uint32_t i = 0; i < p->n; i++)
        if (p->packet[i].n_end > 0)
            assert_int_equal(graph_unite(&p->way[i], g, p->node[p->packet[i].source],
                                         p->packet[i].end, p->packet[i].n_end, &m), ERR_NONE);
}

/* Plays all; checks at many clocks that nothing is lost. */
static void play(struct play *p, const struct graph *g, const struct router_spec *spec,
                 struct router_channel *channel)
{
    const struct router_user user = { .user = p, .sent = sent, .taken = taken };
    struct err_msg m;

    p->next = calloc(p->n_source, sizeof *p->next);
    find_ways(p, g);
    assert_int_equal(routers_new(&p->routers, g, spec, p->node, p->n_source, &user, &m), ERR_NONE);
    for (uint32_t i = 0; i < p->n_source; i++) {
        p->next[i] = next_of(p, i, 0);
        offer(p, i);
    }
    for (uint64_t clk = 7; routers_next(p->routers) != CYC_NEVER; clk += 7) {
        assert_int_equal(routers_run(p->routers, clk, &m), ERR_NONE);
        if (routers_check(p->routers, &m))
            fail_msg("%s", m.text);
        assert_true(clk < 1000000);
    }
    const struct router_counts *c = routers_counts(p->routers);
    assert_int_equal(c->flits_sent + c->flits_copied, c->flits_taken);
    assert_int_equal(c->packets_taken, ends(p));
    if (p->n == 1) // each of its flits goes through what its head was given
        assert_int_equal(c->allocations * p->packet->n_flit, c->switch_traversals);
    p->counts[0] = *c;
    for (uint32_t i = 0; channel && i < g->n_router * g->n_port; i++)
        channel[i] = routers_channel(p->routers, i);
    routers_free(p->routers);
    for (uint32_t i = 0; i < p->n; i++)
        graph_union_release(&p->way[i]);
    free(p->way);
    free(p->next);
}

/* ---- a packet alone ---- */

static uint64_t alone(const struct graph *g, const struct router_spec *spec, uint32_t from,
                      uint32_t to, uint32_t n_flit)
{
    struct naive_packet packet = { .to = to, .n_flit = n_flit, .from_clk = 5 };
    struct play p = { .packet = &packet, .n = 1, .n_source = 1, .node = &from };

    play(&p, g, spec, NULL);
    assert_int_equal(packet.sent_clk, 5);
    return packet.taken_clk - 5;
}

static uint32_t apart(uint32_t a, uint32_t b)
{
    return a > b ? a - b : b - a;
}

static void check_pairs(uint32_t rows, uint32_t columns)
{
    struct graph g = mesh(rows, columns);

    for (uint32_t from = 0; from < g.n_node; from++)
        for (uint32_t to = 0; to < g.n_node; to++) {
            uint32_t hops = apart(from % columns, to % columns) +
                            apart(from / columns, to / columns);
            uint32_t n_flit = 1 + (from + to) % 8;
            assert_int_equal(alone(&g, &plain, from, to, n_flit), 5 * (hops + 1) + 1 + n_flit);
        }
    graph_release(&g);
}

static void a_packet_alone_takes_5_clocks_a_router_1_and_its_flits_for_every_pair(void **state)
{
    (void)state;
    check_pairs(8, 8);
    check_pairs(6, 8);
    check_pairs(1, 5);
    check_pairs(7, 1);
}

static void stages_and_channels_of_other_lengths_add_up(void **state)
{
    (void)state;
    struct graph g = mesh(4, 5);

    for (uint32_t i = 0; i < 300; i++) {
        struct rng draw = rng_in(rng_at(1, "alone"), i);
        uint32_t r = upto(draw, 0, 0, 4), v = upto(draw, 1, 0, 4), s = upto(draw, 2, 0, 4);
        uint32_t x = upto(draw, 3, 0, 4), l = upto(draw, 4, 1, 5), n = upto(draw, 7, 1, 12);
        uint32_t from = upto(draw, 5, 0, 19), to = upto(draw, 6, 0, 19);
        struct router_spec spec = { 1, 64, r, v, s, x, l, upto(draw, 8, 0, 8), i % 2 };
        uint32_t routers = 1 + apart(from % 5, to % 5) + apart(from / 5, to / 5);
        uint64_t t0 = routers * (r + v + s + x) + (routers - 1) * l + 2 + n;
        assert_int_equal(alone(&g, &spec, from, to, n), t0);
        assert_int_equal(router_zero_load(&spec, routers, n), t0);
        assert_int_equal(graph_routers(&g, from, to), routers);
    }
    graph_release(&g);
}

/* ---- two neighbours that never stop ---- */

/* Flits that node 1 takes in `clocks` clocks of steady exchange. */
static uint64_t exchanged(const struct router_spec *spec, uint32_t n_flit, uint64_t clocks)
{
    enum { BEGIN = 2000 };
    struct graph g = mesh(1, 2);
    uint32_t n = 2 * (uint32_t)((BEGIN + clocks) / n_flit + 1), node[] = { 0, 1 };
    struct naive_packet *packet = calloc(n, sizeof *packet);
    struct play p = { .packet = packet, .n = n, .n_source = 2, .node = node };
    uint64_t flits = 0;

    for (uint32_t i = 0; i < n; i++)
        packet[i] = (struct naive_packet){ .source = i % 2, .to = 1 - i % 2, .n_flit = n_flit };
    play(&p, &g, spec, NULL);
    for (uint32_t i = 0; i < n; i += 2)
        flits += packet[i].taken_clk >= BEGIN && packet[i].taken_clk < BEGIN + clocks ? n_flit : 0;
    free(packet);
    graph_release(&g);
    return flits;
}

/* vcs n / (n + r + v) flits a clock, and never more than one; with several virtual channels and
 * longer pipelines packets may interleave, and fall behind that. */
static void neighbours_exchange_as_many_flits_as_heads_leave_room_for(void **state)
{
    (void)state;
    for (uint32_t vcs = 1; vcs <= 4; vcs++)
        for (uint32_t n = 1; n <= 16; n *= 2)
            for (uint32_t r = 1; r <= (vcs == 1 ? 4 : 1); r++) {
                struct router_spec spec = { vcs, 64, r, 1, 1, 1, 1, 0, false };
                uint64_t clocks = 840 * (n + r + 1);
                uint64_t flits = min_u64(clocks, 840 * (uint64_t)vcs * n);
                assert_int_equal(exchanged(&spec, n, clocks), flits);
            }
}

static void check_period(struct router_spec spec, uint32_t n_flit, uint32_t clocks)
{
    assert_int_equal(exchanged(&spec, n_flit, 100 * clocks), 100 * n_flit);
}

/* A place is won again after 1 + s + x + 2 l + c clocks, r + v later by a head. */
static void one_virtual_channel_of_one_place_waits_for_its_credits(void **state)
{
    (void)state;
    check_period((struct router_spec){ 1, 1, 1, 1, 1, 1, 1, 0, false }, 1, 7);
    check_period((struct router_spec){ 1, 1, 1, 1, 1, 1, 2, 0, false }, 8, 58);
    check_period((struct router_spec){ 1, 1, 1, 1, 1, 2, 1, 0, false }, 8, 50);
    check_period((struct router_spec){ 1, 1, 1, 1, 1, 1, 1, 3, false }, 8, 66);
}

/* Here the interface's loop and the channel's are of nearly the same length: figures of an
 * independent program. */
static void few_places_at_the_interface_count_too(void **state)
{
    (void)state;
    check_period((struct router_spec){ 1, 1, 1, 1, 1, 1, 1, 0, false }, 8, 43);
    check_period((struct router_spec){ 1, 2, 1, 1, 1, 1, 1, 0, false }, 8, 23);
    check_period((struct router_spec){ 1, 4, 1, 1, 1, 1, 1, 0, false }, 8, 13);
}

/* ---- the twin: every router in every clock ---- */

enum { MANY = 4096 }; // ports

static void twin_play(struct play *p, const struct graph *g, const struct router_spec *spec,
                      struct router_channel *channel)
{
    struct naive_routers *t = naive_routers_new(g, spec, p->node, p->n_source);
    uint32_t *next = calloc(p->n_source, sizeof *next);

    assert_true(next && g->n_router * g->n_port <= MANY);
    for (uint64_t clk = 0; naive_routers_counts(t).packets_taken < ends(p); clk++) {
        assert_true(clk < 1000000);
        for (uint32_t i = 0; i < p->n_source; i++) {
            if (naive_routers_waits(t, i) || (next[i] = next_of(p, i, next[i])) == p->n)
                continue;
            naive_routers_offer(t, &p->packet[next[i]++]);
        }
        naive_routers_arrive(t, clk);
        naive_routers_go(t, clk);
    }
    for (uint32_t i = 0; i < g->n_router * g->n_port; i++)
        channel[i] = naive_routers_channel(t, i);
    p->counts[1] = naive_routers_counts(t);
    naive_routers_free(t);
    free(next);
}

/* ---- both alike ---- */

/* Some nodes, each once, for a packet that is copied. */
static void draw_ends(struct naive_packet *p, struct rng r, const struct graph *g)
{
    uint32_t n = upto(r, 0, 2, 6), first = upto(r, 1, 0, g->n_node - 1);
    uint32_t step = upto(r, 2, 1, 1 + g->n_node / 4);

    for (p->n_end = 0; p->n_end < n && p->n_end * step < g->n_node; p->n_end++)
        p->end[p->n_end] = (first + p->n_end * step) % g->n_node;
}

static struct play random_play(struct rng r, const struct graph *g, uint32_t longest, bool copies)
{
    struct play p = { .n = upto(r, 0, 1, 250), .n_source = g->n_node * upto(r, 1, 1, 3) };
    uint32_t clocks = upto(r, 2, 1, 300);

    p.packet = calloc(p.n, sizeof *p.packet);
    p.node = calloc(p.n_source, sizeof *p.node);
    assert_true(p.packet && p.node);
    for (uint32_t i = 0; i < p.n_source; i++)
        p.node[i] = i % g->n_node;
    for (uint32_t i = 0; i < p.n; i++) {
        struct rng one = rng_in(r, i);
        p.packet[i] = (struct naive_packet){ .source = upto(one, 0, 0, p.n_source - 1),
                                       .to = upto(one, 1, 0, g->n_node - 1),
                                       .n_flit = upto(one, 2, 1, longest),
                                       .from_clk = (uint64_t)clocks * i / p.n };
        if (copies && upto(one, 3, 0, 1))
            draw_ends(&p.packet[i], rng_in(one, 4), g);
    }
    return p;
}

static void check_twin(const struct graph *g, const struct router_spec *spec, struct play *p)
{
    static struct router_channel ours[MANY], theirs[MANY];
    struct naive_packet *packet = calloc(p->n, sizeof *packet);

    assert_non_null(packet);
    play(p, g, spec, ours);
    memcpy(packet, p->packet, p->n * sizeof *packet);
    for (uint32_t i = 0; i < p->n; i++) {
        p->packet[i].sent_clk = p->packet[i].taken_clk = 0;
        memset(p->packet[i].end_clk, 0, sizeof p->packet[i].end_clk);
    }
    twin_play(p, g, spec, theirs);
    assert_memory_equal(packet, p->packet, p->n * sizeof *packet);
    assert_memory_equal(&p->counts[0], &p->counts[1], offsetof(struct router_counts, steps));
    for (uint32_t i = 0; i < g->n_router * g->n_port; i++) {
        assert_int_equal(ours[i].flits, theirs[i].flits);
        assert_int_equal(ours[i].blocked_clk, theirs[i].blocked_clk);
    }
    free(packet);
}

static void check_twins(const struct fabric *f, uint32_t n, bool copies)
{
    for (uint32_t i = 0; i < n; i++) {
        struct rng r = rng_in(rng_at(copies ? 4 : 3, "twin"), i);
        struct graph g = graph_of(f, upto(r, 1000, 1, 4), upto(r, 1001, 1, 4), i % 2);
        struct router_spec s = { upto(r, 1002, 1, 5), upto(r, 1003, 1, 9), upto(r, 1004, 0, 2),
                                 upto(r, 1005, 0, 2), upto(r, 1006, 0, 2), upto(r, 1007, 0, 2),
                                 upto(r, 1008, 1, 3), upto(r, 1009, 0, 3), copies || i % 4 == 0 };
        struct play p = random_play(r, &g, s.cut_through ? s.vc_flits : 12, copies);
        check_twin(&g, &s, &p);
        free(p.packet);
        free(p.node);
        graph_release(&g);
    }
}

static void every_clock_is_that_of_a_twin_that_steps_every_router(void **state)
{
    (void)state;
    check_twins(&fabric_mesh, 250, false);
    check_twins(&fabric_tree, 150, false);
    check_twins(&fabric_bus, 100, false);
}

/* ---- packets that are copied ---- */

static void copies_come_in_the_clocks_of_the_twin_too(void **state)
{
    (void)state;
    check_twins(&fabric_mesh, 250, true);
    check_twins(&fabric_tree, 150, true);
    check_twins(&fabric_bus, 100, true);
}

/* Alone, every node has the packet when it would have it if it went there alone; every channel of
 * the routes has its flits once. */
static void check_copies_alone(const struct fabric *f, struct rng r)
{
    static struct router_channel channel[MANY];
    struct graph g = graph_of(f, upto(r, 0, 1, 6), upto(r, 1, 2, 8), upto(r, 2, 0, 1));
    struct router_spec spec = { upto(r, 3, 1, 3), 12, upto(r, 4, 0, 3), upto(r, 5, 0, 3),
                                upto(r, 6, 0, 3), upto(r, 7, 0, 3), upto(r, 8, 1, 4), 0, true };
    struct naive_packet one = { .n_flit = upto(r, 9, 1, 12), .from_clk = 5 };
    uint32_t from = upto(r, 10, 0, g.n_node - 1);
    struct play p = { .packet = &one, .n = 1, .n_source = 1, .node = &from };
    bool *on = calloc((size_t)g.n_router * g.n_port, sizeof *on);

    draw_ends(&one, rng_in(r, 11), &g);
    play(&p, &g, &spec, channel);
    for (uint32_t i = 0; i < one.n_end; i++) {
        uint32_t routers = graph_routers(&g, from, one.end[i]);
        uint32_t stages = spec.routing_clk + spec.vc_clk + spec.switch_clk + spec.crossbar_clk;
        assert_int_equal(one.end_clk[i] - 5, routers * stages + (routers - 1) * spec.link_clk + 2 +
                                                 one.n_flit);
        uint32_t router = g.at[from] / g.n_port;
        for (;;) {
            uint32_t out = router * g.n_port + g.exit(&g, router, one.end[i]);
            on[out] = true;
            if (!graph_is_router(g.peer[out]))
                break;
            router = g.peer[out] / g.n_port;
        }
    }
    for (uint32_t i = 0; i < g.n_router * g.n_port; i++)
        assert_int_equal(channel[i].flits, on[i] ? one.n_flit : 0);
    free(on);
    graph_release(&g);
}

static void copies_alone_take_what_each_way_takes_and_each_channel_once(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 200; i++) {
        const struct fabric *f = i % 4 == 0   ? &fabric_tree
                                 : i % 4 == 1 ? &fabric_bus
                                              : &fabric_mesh;
        check_copies_alone(f, rng_in(rng_at(5, "copies"), i));
    }
}

/* ---- trees and buses ---- */

/* Levels above a place that another shares: both rows and columns halve from one to the next, of
 * two children in turn, columns first; a side of one place does so no more. */
static uint32_t levels_apart(uint32_t rows, uint32_t columns, uint32_t arity, uint32_t a,
                             uint32_t b)
{
    uint32_t ya = a / columns, xa = a % columns, yb = b / columns, xb = b % columns;
    uint32_t wide = 1, high = 1, level = 0;

    do {
        for (uint32_t k = 1; k < arity; k *= 2) {
            if (high >= rows || (wide < columns && wide <= high)) {
                wide *= 2;
                xa /= 2;
                xb /= 2;
            } else {
                high *= 2;
                ya /= 2;
                yb /= 2;
            }
        }
        level++;
    } while (xa != xb || ya != yb);
    return level;
}

static void check_tree(uint32_t rows, uint32_t columns, enum arity arity)
{
    struct graph g = graph_of(&fabric_tree, rows, columns, arity);
    struct graph_cycle c;
    struct err_msg m;

    for (uint32_t from = 0; from < g.n_node; from++)
        for (uint32_t to = 0; to < g.n_node; to++) {
            uint32_t up = levels_apart(rows, columns, arity == ARITY_2 ? 2 : 4, from, to);
            assert_int_equal(graph_routers(&g, from, to), 2 * up - 1);
            if ((from + to) % 7 == 0)
                assert_int_equal(alone(&g, &plain, from, to, 3), 5 * (2 * up - 1) + 1 + 3);
        }
    assert_int_equal(graph_find_cycle(&g, NULL, 0, &c, &m), ERR_NONE);
    assert_int_equal(c.n, 0);
    graph_release(&g);
}

/* Up to the first router above both ends and down, and no circle. */
static void a_tree_s_packets_go_up_to_the_common_parent_and_down(void **state)
{
    (void)state;
    for (enum arity arity = ARITY_4; arity <= ARITY_2; arity++) {
        check_tree(8, 8, arity);
        check_tree(6, 8, arity);
        check_tree(5, 3, arity);
        check_tree(1, 13, arity);
        check_tree(9, 1, arity);
        check_tree(1, 1, arity);
    }
}

/* 8 x 8 places by four: 16 + 4 + 1 routers; a place is half a pitch in both directions from its
 * router, a block's middle as far from its parent's as the block is wide. By two: 63 routers. */
static void an_h_tree_s_channels_are_as_long_as_half_of_what_they_join(void **state)
{
    struct graph g = graph_of(&fabric_tree, 8, 8, ARITY_4);
    uint32_t halves = 0;

    (void)state;
    assert_int_equal(g.n_router, 21);
    for (uint32_t port = 0; port < g.n_router * g.n_port; port++)
        if (graph_is_router(g.peer[port]))
            halves += graph_length(&g, port);
        else if (g.peer[port] != GRAPH_NONE)
            assert_int_equal(graph_length(&g, port), 2);
    assert_int_equal(halves, 2 * (16 * 4 + 4 * 8)); // both ways
    graph_release(&g);
    g = graph_of(&fabric_tree, 8, 8, ARITY_2);
    assert_int_equal(g.n_router, 63);
    graph_release(&g);
}

/* Of nodes that never stop: from the first head, which asks 2 + r clocks after it was sent, packets
 * follow one another without a gap. */
static void a_bus_takes_a_packet_s_flits_and_its_arbiter_s_clocks(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 8; n += 1 + n / 2)
        for (uint32_t v = 0; v <= 3; v++) {
            enum { NODES = 6, EACH = 200 };
            struct router_spec spec = { 2, 16, 1, v, 1, 1, 1, 0, false };
            struct graph g = graph_of(&fabric_bus, 2, 3, ARITY_4);
            struct naive_packet packet[NODES * EACH];
            uint32_t node[NODES] = { 0, 1, 2, 3, 4, 5 };
            struct play p = { .packet = packet, .n = NODES * EACH, .n_source = NODES,
                              .node = node };
            uint64_t last = 0;
            for (uint32_t i = 0; i < p.n; i++)
                packet[i] = (struct naive_packet){ .source = i % NODES,
                                             .to = (i / NODES + 3 * i) % NODES, .n_flit = n };
            play(&p, &g, &spec, NULL);
            for (uint32_t i = 0; i < p.n; i++)
                last = max_u64(last, packet[i].taken_clk);
            assert_int_equal(last, 2 + 1 + (uint64_t)p.n * (n + v) - 1 + 1 + 1 + 1); // s, x
            graph_release(&g);
        }
}

/* ---- no circle ---- */

static void routes_along_rows_then_columns_close_no_circle(void **state)
{
    (void)state;
    for (uint32_t rows = 1; rows <= 5; rows++)
        for (uint32_t columns = 1; columns <= 6; columns++) {
            struct graph g = mesh(rows, columns);
            struct graph_cycle c;
            struct err_msg m;
            assert_int_equal(graph_find_cycle(&g, NULL, 0, &c, &m), ERR_NONE);
            assert_int_equal(c.n, 0);
            graph_release(&g);
        }
}

static uint32_t clockwise(const struct graph *g, uint32_t router, uint32_t node)
{
    (void)g;
    return router == node ? 2 : 0;
}

/* A ring whose packets all go one way round: the circle is the ring. */
static void a_ring_is_a_circle(void **state)
{
    enum { N = 5 };
    struct graph g;
    struct graph_cycle c;
    struct err_msg m;

    (void)state;
    assert_int_equal(graph_init(&g, N, 3, N, &m), ERR_NONE);
    g.exit = clockwise;
    for (uint32_t i = 0; i < N; i++) {
        graph_attach(&g, i, i * 3 + 2);
        graph_join(&g, i * 3, (i + 1) % N * 3 + 1);
    }
    assert_int_equal(graph_find_cycle(&g, NULL, 0, &c, &m), ERR_NONE);
    assert_int_equal(c.n, N);
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal(g.peer[c.port[i]] / 3, c.port[(i + 1) % N] / 3);
    free(c.port);
    graph_release(&g);
}

/* ---- traffic ---- */

static struct traffic_result drive(const struct graph *g, const struct router_spec *s,
                                   const char *pattern, uint32_t n_flit, double rate,
                                   uint64_t clocks)
{
    struct traffic t = { .rate = (uint64_t)(rate * 1e9 + 0.5), .n_flit = n_flit,
                         .warm_up_clk = clocks / 5, .measured_clk = clocks, .seed = 1 };
    struct traffic_result r;
    struct err_msg m;

    assert_int_equal(traffic_find(&t, pattern, g, &m), ERR_NONE);
    if (traffic_run(&r, g, s, &t, NULL, NULL, &m))
        fail_msg("%s", m.text);
    return r;
}

/* P(gap > k) = q^k, so the mean is 1 / p, and a number of half its range gives the median. */
static void gaps_are_geometric(void **state)
{
    enum { N = 200000 };
    struct traffic_gap g;
    double sum = 0;

    (void)state;
    traffic_gap_init(&g, TRAFFIC_RATE_ONE / 10, 2);
    for (uint32_t i = 0; i < N; i++)
        sum += (double)traffic_gap(&g, rng_u64(rng_at(1, "gaps"), i));
    assert_true(sum / N > 19.8 && sum / N < 20.2); // 20, and 0.04 for one deviation
    assert_int_equal(traffic_gap(&g, UINT64_MAX), 1);
    assert_int_equal(traffic_gap(&g, UINT64_C(1) << 63), 14); // 0.95^13 = 0.513, 0.95^14 = 0.488
    traffic_gap_init(&g, TRAFFIC_RATE_ONE, 1);
    assert_int_equal(traffic_gap(&g, 0), 1);
}

static void the_seed_alone_decides(void **state)
{
    struct graph g = mesh(4, 4);
    struct traffic_result a, b;

    (void)state;
    a = drive(&g, &plain, "uniform", 3, 0.2, 2000);
    b = drive(&g, &plain, "uniform", 3, 0.2, 2000);
    assert_int_equal(a.latency_sum, b.latency_sum);
    assert_memory_equal(&a.counts, &b.counts, sizeof a.counts);
    assert_true(a.taken == a.created && !a.saturated);
    traffic_result_release(&a);
    traffic_result_release(&b);
    graph_release(&g);
}

/* Node by node, by what the patterns are in Dally and Towles, Principles and Practices of
 * Interconnection Networks (2004), 3.2: the bits d of a node's number s, and the digits of its
 * place. */
static void patterns_are_permutations_of_bits_and_of_digits(void **state)
{
    static const struct {
        const char *name;
        uint32_t    rows, columns;
        uint8_t     bit[6], flip; // d_i = s_bit[i], or its opposite; digits where bits are all 0
    } cases[] = {
        { "bitcomp", 8, 8, { 0, 1, 2, 3, 4, 5 }, 1 },
        { "bitrev", 8, 8, { 5, 4, 3, 2, 1, 0 }, 0 },
        { "shuffle", 8, 8, { 5, 0, 1, 2, 3, 4 }, 0 },
        { "transpose", 8, 8, { 3, 4, 5, 0, 1, 2 }, 0 },
        { "bitrev", 4, 8, { 4, 3, 2, 1, 0 }, 0 },
        { "tornado", 8, 8, { 0 }, 0 },
        { "tornado", 5, 6, { 0 }, 0 },
        { "tornado", 1, 7, { 0 }, 0 },
    };

    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct graph g = mesh(cases[k].rows, cases[k].columns);
        struct traffic t = { .n_flit = 1 };
        struct err_msg m;
        const uint32_t rows = g.rows, columns = g.columns;
        assert_int_equal(traffic_find(&t, cases[k].name, &g, &m), ERR_NONE);
        for (uint32_t s = 0; s < g.n_node; s++) {
            uint32_t d = 0;
            for (uint32_t i = 0; UINT32_C(1) << i < g.n_node; i++)
                d |= ((s >> cases[k].bit[i] ^ cases[k].flip) & 1) << i;
            if (cases[k].bit[0] + cases[k].bit[1] == 0) // half of the ring, and less than half
                d = (s / columns + (rows - 1) / 2) % rows * columns +
                    (s % columns + (columns - 1) / 2) % columns;
            assert_int_equal(t.pattern->to(&t, &g, s, 0), d);
        }
        traffic_release(&t);
        graph_release(&g);
    }
}

/* Routers are stepped where flits are, not in every clock. */
static void steps_grow_with_flits(void **state)
{
    struct graph small = mesh(8, 8), large = mesh(32, 32);
    struct traffic_result a = drive(&small, &plain, "neighbor", 1, 0.001, 5000);
    struct traffic_result b = drive(&large, &plain, "neighbor", 1, 0.001, 5000);

    (void)state;
    assert_true(a.counts.steps <= 2 * a.counts.buffer_reads);
    assert_true(b.counts.steps <= 2 * b.counts.buffer_reads);
    assert_true(b.counts.steps < 1024 * b.clocks / 100);
    traffic_result_release(&a);
    traffic_result_release(&b);
    graph_release(&small);
    graph_release(&large);
}

/* BookSim2's curves: mean latency below 70 % of saturation, what is accepted above it. */
static void latencies_and_saturation_are_booksim_s(void **state)
{
    char line[256], pattern[32];
    uint32_t vcs, buf, n_flit, n_low = 0, n_high = 0;
    double offered, latency = 0, accepted, knee[6] = { 0 };
    char *path = shared_path("booksim_mesh_8x8.csv");

    (void)state;
    if (!path)
        skip();
    struct graph g = mesh(8, 8);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    free(path);
    for (int pass = 0; pass < 2; pass++, rewind(f)) // saturation first
        while (fgets(line, sizeof line, f)) {
            bool high = strstr(line, ",,,,") != NULL; // no latency where it is saturated
            const char *form = high ? "8x8,%31[^,],%u,%u,%u,%lf,,,,%lf"
                                    : "8x8,%31[^,],%u,%u,%u,%lf,%*f,%*f,%*f,%lf";
            if (sscanf(line, form, pattern, &vcs, &buf, &n_flit, &offered, &accepted) != 6)
                continue;
            if (!high)
                sscanf(line, "8x8,%*[^,],%*u,%*u,%*u,%*f,%lf", &latency);
            double *limit = &knee[n_flit > 4 ? 2 : n_flit > 1] + 3 * (pattern[0] == 't');
            if (pass == 0 && high && (*limit == 0 || accepted < *limit))
                *limit = accepted;
            if (pass == 0 || (!high && offered > 0.7 * *limit))
                continue;
            struct router_spec s = plain;
            s.vcs = vcs;
            s.vc_flits = buf;
            uint64_t clocks = high ? 10000 : 20000;
            struct traffic_result r = drive(&g, &s, pattern, n_flit, offered, clocks);
            double ours = (double)r.latency_sum / (double)r.taken;
            double taken = (double)r.taken_flits / 64 / (double)clocks;
            if (high && (!r.saturated || taken < 0.95 * accepted || taken > 1.05 * accepted))
                fail_msg("%s: %.4f accepted", line, taken);
            double most = 0.02 * latency > 0.5 ? 0.02 * latency : 0.5;
            if (!high && (r.saturated || ours < latency - most || ours > latency + most))
                fail_msg("%s: %.2f clocks", line, ours);
            n_low += !high;
            n_high += high;
            traffic_result_release(&r);
        }
    fclose(f);
    graph_release(&g);
    assert_true(n_low >= 20 && n_high >= 6);
}

/* As BookSim2 prints them at revision 28f4329 (github.com/booksim/booksim2), seed 1: "Packet
 * latency average" at a rate of flits, and "Accepted flit rate average" at one above saturation
 * (sim_type = throughput). topology = mesh, routing_function = dor, vc_allocator and
 * sw_allocator = separable_input_first, wait_for_tail_credit = 0, injection_rate_uses_flits = 1. */
static const struct {
    uint32_t    rows, columns, vcs, vc_flits, n_flit;
    const char *pattern;
    uint32_t    credit_clk, routing_clk; // credit_delay, routing_delay
    double      rate, latency, above, accepted;
} booksim[] = {
    { 8, 8, 1, 1, 1, "uniform", 0, 1, 0.0207, 36.7462, 0.0509, 0.0409 },
    { 8, 8, 1, 16, 20, "uniform", 0, 1, 0.1277, 64.3756, 0.3131, 0.2607 },
    { 8, 8, 2, 2, 4, "uniform", 0, 1, 0.0886, 43.0529, 0.2059, 0.1796 },
    { 8, 8, 3, 5, 2, "uniform", 0, 1, 0.1767, 36.0823, 0.4762, 0.3899 },
    { 8, 8, 4, 1, 1, "uniform", 0, 1, 0.0789, 37.2776, 0.2059, 0.1674 },
    { 8, 8, 4, 8, 1, "uniform", 0, 1, 0.1861, 34.7198, 0.4762, 0.4191 },
    { 8, 8, 8, 2, 3, "uniform", 0, 1, 0.1747, 41.8654, 0.4762, 0.3860 },
    { 8, 8, 8, 8, 8, "uniform", 0, 1, 0.1852, 47.5144, 0.4762, 0.4182 },
    { 8, 8, 2, 8, 4, "uniform", 3, 1, 0.1596, 39.1033, 0.4141, 0.3545 },
    { 8, 8, 2, 8, 4, "uniform", 0, 0, 0.1710, 33.0229, 0.4762, 0.3841 },
    { 8, 8, 2, 8, 4, "bitcomp", 0, 1, 0.0893, 51.8177, 0.2367, 0.1446 },
    { 8, 8, 2, 8, 4, "bitrev", 0, 1, 0.0662, 37.648, 0.1790, 0.1512 },
    { 8, 8, 2, 8, 4, "tornado", 0, 1, 0.0930, 49.0908, 0.3131, 0.1663 },
    { 8, 8, 4, 4, 1, "shuffle", 0, 1, 0.1599, 28.678, 0.2723, 0.2335 },
    { 8, 8, 2, 8, 4, "neighbor", 0, 1, 0.45, 28.8154, 1, 0.9920 },
    { 4, 4, 4, 4, 8, "uniform", 0, 1, 0.2714, 34.7864, 0.7242, 0.5939 },
    { 5, 5, 2, 8, 4, "uniform", 0, 1, 0.2547, 28.8413, 0.7242, 0.5602 },
    { 1, 16, 2, 8, 4, "uniform", 0, 1, 0.0916, 38.9286, 0.2723, 0.2043 },
    { 16, 16, 2, 8, 4, "uniform", 0, 1, 0.0862, 66.209, 0.2367, 0.1910 },
};

static void other_settings_are_booksim_s_too(void **state)
{
    enum { LOW = 20000, HIGH = 8000 };

    (void)state;
    for (size_t i = 0; i < sizeof booksim / sizeof *booksim; i++) {
        struct graph g = mesh(booksim[i].rows, booksim[i].columns);
        struct router_spec s = plain;
        s.vcs = booksim[i].vcs;
        s.vc_flits = booksim[i].vc_flits;
        s.credit_clk = booksim[i].credit_clk;
        s.routing_clk = booksim[i].routing_clk;
        struct traffic_result low = drive(&g, &s, booksim[i].pattern, booksim[i].n_flit,
                                          booksim[i].rate, LOW);
        struct traffic_result high = drive(&g, &s, booksim[i].pattern, booksim[i].n_flit,
                                           booksim[i].above, HIGH);
        const double ours = (double)low.latency_sum / (double)low.taken;
        const double want = booksim[i].latency;
        const double taken = (double)high.taken_flits / g.n_node / HIGH;
        const double most = 0.02 * want > 0.5 ? 0.02 * want : 0.5;
        if (ours < want - most || ours > want + most)
            fail_msg("row %zu: %.2f clocks, not %.2f", i, ours, want);
        if (taken < 0.95 * booksim[i].accepted || taken > 1.05 * booksim[i].accepted)
            fail_msg("row %zu: %.4f accepted, not %.4f", i, taken, booksim[i].accepted);
        traffic_result_release(&low);
        traffic_result_release(&high);
        graph_release(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_alone_takes_5_clocks_a_router_1_and_its_flits_for_every_pair),
        cmocka_unit_test(stages_and_channels_of_other_lengths_add_up),
        cmocka_unit_test(neighbours_exchange_as_many_flits_as_heads_leave_room_for),
        cmocka_unit_test(one_virtual_channel_of_one_place_waits_for_its_credits),
        cmocka_unit_test(few_places_at_the_interface_count_too),
        cmocka_unit_test(every_clock_is_that_of_a_twin_that_steps_every_router),
        cmocka_unit_test(copies_come_in_the_clocks_of_the_twin_too),
        cmocka_unit_test(copies_alone_take_what_each_way_takes_and_each_channel_once),
        cmocka_unit_test(a_tree_s_packets_go_up_to_the_common_parent_and_down),
        cmocka_unit_test(an_h_tree_s_channels_are_as_long_as_half_of_what_they_join),
        cmocka_unit_test(a_bus_takes_a_packet_s_flits_and_its_arbiter_s_clocks),
        cmocka_unit_test(routes_along_rows_then_columns_close_no_circle),
        cmocka_unit_test(a_ring_is_a_circle),
        cmocka_unit_test(gaps_are_geometric),
        cmocka_unit_test(the_seed_alone_decides),
        cmocka_unit_test(patterns_are_permutations_of_bits_and_of_digits),
        cmocka_unit_test(steps_grow_with_flits),
        cmocka_unit_test(latencies_and_saturation_are_booksim_s),
        cmocka_unit_test(other_settings_are_booksim_s_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
