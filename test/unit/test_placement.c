/* Tests of noc/placement.h against arithmetic on rows and columns, and against every placement
 * there is on small fabrics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/rng.h"
#include "noc/fabric.h"
#include "noc/placement.h"

enum { MOST_CORES = 12, MOST_FLOWS = 24, MOST_PLACES = 36 };

struct case_of { // a task with all that it points to
    struct fabric_cfg     cfg;
    struct graph          graph;
    struct placement_flow flow[MOST_FLOWS];
    uint32_t              order[MOST_CORES];
    const char           *name[MOST_CORES];
    uint32_t              with[MOST_FLOWS];
    struct placement_task task;
};

static uint32_t upto(struct rng r, uint32_t i, uint32_t low, uint32_t high)
{
    return low + (uint32_t)(rng_u64(r, i) % (high - low + 1));
}

static void make_graph(struct case_of *c, const struct fabric *f, uint32_t rows, uint32_t columns)
{
    struct err_msg m;

    c->cfg.rows = rows;
    c->cfg.columns = columns;
    if (f->graph(&c->cfg, &c->graph, &m))
        fail_msg("%s", m.text);
}

/* A chain, as pipelines are, and some flows beside it; the pipeline in an order of its own. */
static void draw_task(struct case_of *c, struct rng r, uint32_t n_core, uint32_t n_more)
{
    static const char *const names[MOST_CORES] = { "a", "b", "c", "d", "e", "f",
                                                   "g", "h", "i", "j", "k", "l" };
    uint32_t n = 0;

    for (uint32_t i = 0; i < n_core; i++) {
        uint32_t at = upto(r, i, 0, i);
        c->order[i] = c->order[at];
        c->order[at] = i;
        c->name[i] = names[i];
    }
    for (uint32_t i = 0; i + 1 < n_core; i++)
        c->flow[n++] = (struct placement_flow){ c->order[i], c->order[i + 1],
                                                upto(r, 100 + i, 1, 3) * 128 };
    for (uint32_t i = 0; n_core > 1 && i < n_more; i++) {
        uint32_t from = upto(r, 200 + i, 0, n_core - 1);
        uint32_t to = (from + upto(r, 300 + i, 1, n_core - 1)) % n_core;
        c->flow[n++] = (struct placement_flow){ from, to, upto(r, 400 + i, 1, 3) * 128 };
    }
    c->task = (struct placement_task){ .graph = &c->graph, .flow = c->flow, .n_flow = n,
                                       .n_core = n_core, .order = c->order, .name = c->name,
                                       .fabric = "this", .seed = 1, .moves = 20000 };
}

/* A packet of core i to three others, for each of n cores. */
static void draw_packets(struct case_of *c, struct rng r, uint32_t n)
{
    const uint32_t n_core = c->task.n_core;

    for (uint32_t i = 0; i < c->task.n_flow; i++)
        c->with[i] = i;
    for (uint32_t i = 0; n_core > 3 && i < n; i++) {
        uint32_t first = c->task.n_flow, bits = upto(r, i, 1, 4) * 64, step = upto(r, 50 + i, 0, 9);
        for (uint32_t k = 0; k < 3; k++) {
            uint32_t to = (i + 1 + (k + step) % (n_core - 1)) % n_core;
            c->with[c->task.n_flow] = first;
            c->flow[c->task.n_flow++] = (struct placement_flow){ i, to, bits };
        }
    }
    c->task.with = c->with;
}

static struct placement place(const struct case_of *c, const struct placement_policy *policy)
{
    struct placement p;
    struct err_msg m;

    if (placement_make(&p, &c->task, policy, &m))
        fail_msg("%s", m.text);
    return p;
}

/* ---- what a placement costs, on a mesh ---- */

static uint32_t apart(uint32_t a, uint32_t b)
{
    return a > b ? a - b : b - a;
}

static uint32_t hops_between(const struct case_of *c, uint32_t a, uint32_t b)
{
    if (c->graph.spot) // routers are not at places
        return graph_routers(&c->graph, a, b) - 1;
    return apart(a % c->cfg.columns, b % c->cfg.columns) +
           apart(a / c->cfg.columns, b / c->cfg.columns);
}

/* The next place of a walk along the row, then the column. */
static uint32_t next_of(const struct case_of *c, uint32_t at, uint32_t to)
{
    uint32_t columns = c->cfg.columns;

    return at % columns < to % columns   ? at + 1
           : at % columns > to % columns ? at - 1
           : at < to                     ? at + columns
                                         : at - columns;
}

static bool passes(const struct case_of *c, const uint32_t *node, uint32_t flow, uint32_t a,
                   uint32_t b)
{
    uint32_t at = node[c->flow[flow].from], to = node[c->flow[flow].to];

    for (; at != to; at = next_of(c, at, to))
        if (at == a && next_of(c, at, to) == b)
            return true;
    return false;
}

/* Whether no earlier flow of the same packet goes from place a to b. */
static bool is_first(const struct case_of *c, const uint32_t *node, uint32_t flow, uint32_t a,
                     uint32_t b)
{
    for (uint32_t i = 0; c->task.with && i < flow; i++)
        if (c->with[i] == c->with[flow] && passes(c, node, i, a, b))
            return false;
    return true;
}

/* Bits that go from each place to the next; the most of them. */
static uint64_t busiest_of(const struct case_of *c, const uint32_t *node, uint64_t *sum)
{
    uint64_t bits[MOST_PLACES][MOST_PLACES] = { { 0 } }, most = 0;

    *sum = 0;
    for (uint32_t i = 0; i < c->task.n_flow; i++) {
        uint32_t to = node[c->flow[i].to], next;
        for (uint32_t at = node[c->flow[i].from]; at != to; at = next) {
            next = next_of(c, at, to);
            if (!is_first(c, node, i, at, next))
                continue;
            bits[at][next] += c->flow[i].bits;
            most = bits[at][next] > most ? bits[at][next] : most;
            *sum += c->flow[i].bits;
        }
    }
    return most;
}

/* Likewise where routers are not at places, of flows that are alone. */
static uint64_t busiest_of_routers(const struct case_of *c, const uint32_t *node)
{
    enum { MOST = 40 }; // routers
    uint64_t bits[MOST][MOST] = { { 0 } }, most = 0;
    const struct graph *g = &c->graph;

    assert_true(g->n_router <= MOST);
    for (uint32_t i = 0; i < c->task.n_flow; i++) {
        uint32_t to = node[c->flow[i].to], last = g->at[to] / g->n_port, next;
        for (uint32_t at = g->at[node[c->flow[i].from]] / g->n_port; at != last; at = next) {
            next = g->peer[at * g->n_port + g->exit(g, at, to)] / g->n_port;
            bits[at][next] += c->flow[i].bits;
            most = bits[at][next] > most ? bits[at][next] : most;
        }
    }
    return most;
}

static uint64_t bit_hops_of(const struct case_of *c, const uint32_t *node)
{
    uint64_t sum = 0;

    if (c->task.with) {
        busiest_of(c, node, &sum);
        return sum;
    }
    for (uint32_t i = 0; i < c->task.n_flow; i++)
        sum += c->flow[i].bits * hops_between(c, node[c->flow[i].from], node[c->flow[i].to]);
    return sum;
}

static void assert_no_two_at_a_place(const struct case_of *c, const struct placement *p)
{
    for (uint32_t i = 0; i < c->task.n_core; i++) {
        assert_true(p->node[i] < c->graph.n_node);
        for (uint32_t k = 0; k < i; k++)
            assert_true(p->node[i] != p->node[k]);
    }
}

static void every_way_of_placing_costs_what_rows_and_columns_say(void **state)
{
    static const struct placement_policy *const policies[] = { &placement_listing, &placement_snake,
                                                               &placement_greedy,
                                                               &placement_anneal };
    (void)state;
    for (uint32_t seed = 0; seed < 60; seed++) {
        struct rng r = rng_in(rng_at(1, "costs"), seed);
        struct case_of c = { 0 };
        make_graph(&c, &fabric_mesh, upto(r, 500, 2, 6), upto(r, 501, 2, 6));
        uint32_t most = c.graph.n_node < MOST_CORES ? c.graph.n_node : MOST_CORES;
        draw_task(&c, rng_in(r, 1), upto(r, 502, 1, most), upto(r, 503, 0, 4));
        if (seed % 2)
            draw_packets(&c, rng_in(r, 2), upto(r, 504, 1, 3));
        uint64_t snake = 0, sum;
        for (size_t k = 0; k < sizeof policies / sizeof *policies; k++) {
            struct placement p = place(&c, policies[k]);
            assert_no_two_at_a_place(&c, &p);
            assert_int_equal(p.bit_hops, bit_hops_of(&c, p.node));
            assert_int_equal(p.busiest, busiest_of(&c, p.node, &sum));
            for (uint32_t i = 0; i < c.task.n_flow; i++)
                assert_int_equal(p.hops[i], hops_between(&c, p.node[c.flow[i].from],
                                                         p.node[c.flow[i].to]));
            if (policies[k] == &placement_snake)
                snake = p.bit_hops;
            if (policies[k] == &placement_anneal)
                assert_true(p.bit_hops <= snake);
            placement_release(&p);
        }
        graph_release(&c.graph);
    }
}

static void a_snake_turns_at_the_end_of_every_row(void **state)
{
    static const uint32_t want[] = { 0, 1, 2, 3, 7, 6, 5, 4, 8, 9 };
    struct case_of c = { 0 };

    (void)state;
    make_graph(&c, &fabric_mesh, 3, 4);
    draw_task(&c, rng_at(1, "snake"), 10, 0);
    struct placement p = place(&c, &placement_snake), l = place(&c, &placement_listing);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(p.node[c.order[i]], want[i]);
        assert_int_equal(l.node[c.order[i]], i);
    }
    placement_release(&p);
    placement_release(&l);
    graph_release(&c.graph);
}

static void annealing_is_a_matter_of_seed_and_moves_alone(void **state)
{
    struct case_of c = { 0 };

    (void)state;
    make_graph(&c, &fabric_mesh, 5, 5);
    draw_task(&c, rng_at(1, "anneal"), 12, 8);
    struct placement a = place(&c, &placement_anneal), b = place(&c, &placement_anneal);
    assert_memory_equal(a.node, b.node, 12 * sizeof *a.node);
    c.task.seed = 2;
    c.task.moves = 50;
    struct placement d = place(&c, &placement_anneal);
    assert_memory_not_equal(a.node, d.node, 12 * sizeof *a.node);
    placement_release(&a);
    placement_release(&b);
    placement_release(&d);
    graph_release(&c.graph);
}

/* ---- every placement there is ---- */

struct all { // the best of them
    const struct case_of *c;
    uint32_t node[MOST_CORES], best[MOST_CORES];
    uint64_t cost, busiest;
    bool     found, joined; // joined: some placement has every flow on a link
};

static bool links_all(const struct case_of *c, const uint32_t *node)
{
    for (uint32_t i = 0; i < c->task.n_flow; i++)
        if (graph_routers(&c->graph, node[c->flow[i].from], node[c->flow[i].to]) != 2)
            return false;
    return true;
}

/* In the order of the pipeline, places from the lowest: the first of equals has the lowest. */
static void try_all(struct all *a, uint32_t depth)
{
    const struct case_of *c = a->c;

    if (depth == c->task.n_core) {
        uint64_t sum, cost = bit_hops_of(c, a->node);
        uint64_t busiest = c->graph.spot ? busiest_of_routers(c, a->node)
                                           : busiest_of(c, a->node, &sum);
        a->joined |= links_all(c, a->node);
        if (a->found && (cost > a->cost || (cost == a->cost && busiest >= a->busiest)))
            return;
        a->found = true;
        a->cost = cost;
        a->busiest = busiest;
        memcpy(a->best, a->node, sizeof a->best);
        return;
    }
    for (uint32_t node = 0; node < c->graph.n_node; node++) {
        bool taken = false;
        for (uint32_t i = 0; i < depth; i++)
            taken |= a->node[c->order[i]] == node;
        a->node[c->order[depth]] = node;
        if (!taken)
            try_all(a, depth + 1);
    }
}

static void exact_is_the_best_of_all_placements(void **state)
{
    uint32_t annealed = 0, n = 0;

    (void)state;
    for (uint32_t seed = 0; seed < 40; seed++) {
        struct rng r = rng_in(rng_at(1, "exact"), seed);
        struct case_of c = { 0 };
        make_graph(&c, &fabric_mesh, upto(r, 500, 1, 3), upto(r, 501, 2, 3));
        uint32_t most = c.graph.n_node < 6 ? c.graph.n_node : 6;
        draw_task(&c, rng_in(r, 1), upto(r, 502, 2, most), upto(r, 503, 0, 5));
        if (seed % 2)
            draw_packets(&c, rng_in(r, 2), upto(r, 504, 1, 3));
        struct all a = { .c = &c };
        try_all(&a, 0);
        struct placement p = place(&c, &placement_exact), q = place(&c, &placement_anneal);
        assert_int_equal(p.bit_hops, a.cost);
        assert_int_equal(p.busiest, a.busiest);
        assert_memory_equal(p.node, a.best, c.task.n_core * sizeof *p.node);
        assert_true(q.bit_hops >= a.cost);
        annealed += q.bit_hops == a.cost;
        n++;
        placement_release(&p);
        placement_release(&q);
        graph_release(&c.graph);
    }
    assert_true(annealed >= n - 1); // small enough for it to find the best
}

/* Cores at one router of a tree or bus are no hop apart. */
static void exact_is_the_best_where_cores_share_routers(void **state)
{
    static const struct fabric *const fabrics_of[] = { &fabric_bus, &fabric_tree };

    (void)state;
    for (uint32_t seed = 0; seed < 100; seed++) {
        struct rng r = rng_in(rng_at(1, "shared routers"), seed);
        struct case_of c = { .cfg = { .arity = seed % 4 < 2 ? ARITY_2 : ARITY_4 } };
        make_graph(&c, fabrics_of[seed % 2], upto(r, 500, 1, 3), upto(r, 501, 2, 3));
        draw_task(&c, rng_in(r, 1), upto(r, 502, 2, c.graph.n_node < 5 ? c.graph.n_node : 5),
                  upto(r, 503, 0, 5));
        struct all a = { .c = &c };
        try_all(&a, 0);
        struct placement p = place(&c, &placement_exact);
        assert_int_equal(p.bit_hops, a.cost);
        assert_int_equal(p.busiest, a.busiest);
        assert_memory_equal(p.node, a.best, c.task.n_core * sizeof *p.node);
        placement_release(&p);
        graph_release(&c.graph);
    }
}

/* Two routers of two places below a third. 0 beside 2 leaves 8 bits one way between the routers,
 * 0 beside 1 leaves 4 each way, half of the largest flow. */
static void of_equals_that_with_less_on_a_channel_is_better(void **state)
{
    struct case_of c = { .cfg = { .arity = ARITY_2 } };

    (void)state;
    make_graph(&c, &fabric_tree, 2, 2);
    draw_task(&c, rng_at(1, "equals"), 4, 0);
    memcpy(c.order, (uint32_t[]){ 0, 2, 1, 3 }, 4 * sizeof *c.order);
    memcpy(c.flow, (struct placement_flow[]){ { 0, 1, 8 }, { 0, 2, 4 }, { 3, 1, 4 } },
           3 * sizeof *c.flow);
    c.task.n_flow = 3;
    struct placement p = place(&c, &placement_exact);
    assert_int_equal(p.bit_hops, 16);
    assert_int_equal(p.busiest, 4);
    placement_release(&p);
    graph_release(&c.graph);
}

/* 0 at a corner sends to 2 along the row, to 1 on the way, and to the corner below 2: a channel to
 * the right, another, and two down. */
static void a_packet_for_many_takes_a_channel_once(void **state)
{
    struct case_of c = { 0 };

    (void)state;
    make_graph(&c, &fabric_mesh, 3, 3);
    draw_task(&c, rng_at(1, "once"), 9, 0);
    for (uint32_t i = 0; i < 9; i++)
        c.order[i] = i;
    memcpy(c.flow, (struct placement_flow[]){ { 0, 2, 8 }, { 0, 1, 8 }, { 0, 8, 8 } },
           3 * sizeof *c.flow);
    c.task.n_flow = 3;
    for (int one = 0; one < 2; one++) {
        c.task.with = one ? c.with : NULL; // all 0
        struct placement p = place(&c, &placement_listing);
        assert_int_equal(p.channels, one ? 4 : 2 + 1 + 4);
        assert_int_equal(p.bit_hops, one ? 32 : 56);
        assert_int_equal(p.busiest, one ? 8 : 24);
        assert_int_equal(p.hops[2], 4);
        placement_release(&p);
    }
    graph_release(&c.graph);
}

/* Links as far as drawn, in any direction. */
static void draw_reach(struct fabric_cfg *cfg, struct rng r)
{
    cfg->n_reach_row = upto(r, 0, 0, 2);
    cfg->n_reach_column = upto(r, 1, 0, 1);
    cfg->n_reach_diagonal = upto(r, 2, 0, 1);
    for (uint32_t i = 0; i < 2; i++)
        cfg->reach_row[i] = i + 1;
    cfg->reach_column[0] = upto(r, 3, 1, 2);
    cfg->reach_diagonal[0] = 1;
}

static void a_search_finds_links_for_all_exactly_where_there_are_some(void **state)
{
    uint32_t n_found = 0, n_not = 0;

    (void)state;
    for (uint32_t seed = 0; seed < 300; seed++) {
        struct rng r = rng_in(rng_at(1, "search"), seed);
        struct case_of c = { 0 };
        struct placement p;
        struct err_msg m;
        draw_reach(&c.cfg, rng_in(r, 2));
        make_graph(&c, &fabric_adjacent, upto(r, 500, 1, 3), upto(r, 501, 2, 3));
        uint32_t most = c.graph.n_node < 6 ? c.graph.n_node : 6;
        draw_task(&c, rng_in(r, 1), upto(r, 502, 2, most), upto(r, 503, 0, 3));
        struct all a = { .c = &c };
        try_all(&a, 0);
        enum err e = placement_make(&p, &c.task, &placement_search, &m);
        assert_int_equal(!e, a.joined);
        if (e) {
            assert_non_null(strstr(m.text, "impossible"));
            n_not++;
        } else {
            assert_no_two_at_a_place(&c, &p);
            assert_true(links_all(&c, p.node) && p.n_apart == 0);
            n_found++;
            placement_release(&p);
        }
        graph_release(&c.graph);
    }
    assert_true(n_found >= 50 && n_not >= 50);
}

/* ---- links ---- */

static void links_reach_as_far_as_they_say_and_pass_nothing_on(void **state)
{
    struct case_of c = { .cfg = { .reach_row = { 1, 2 }, .n_reach_row = 2, .reach_column = { 3 },
                                  .n_reach_column = 1, .reach_diagonal = { 1 },
                                  .n_reach_diagonal = 1 } };

    (void)state;
    make_graph(&c, &fabric_adjacent, 4, 5);
    for (uint32_t a = 0; a < 20; a++)
        for (uint32_t b = 0; b < 20; b++) {
            uint32_t x = apart(a % 5, b % 5), y = apart(a / 5, b / 5);
            bool joined = (y == 0 && (x == 1 || x == 2)) || (x == 0 && y == 3) ||
                          (x == 1 && y == 1);
            assert_int_equal(graph_routers(&c.graph, a, b), a == b ? 1 : joined ? 2 : 0);
        }
    graph_release(&c.graph);
}

/* ---- why not ---- */

static void assert_refused(struct case_of *c, const struct placement_policy *policy,
                           const char *want)
{
    struct placement p;
    struct err_msg m;

    assert_int_equal(placement_make(&p, &c->task, policy, &m), ERR_INPUT);
    if (!strstr(m.text, want))
        fail_msg("%s: want %s", m.text, want);
}

static void a_reason_is_named_where_there_is_one(void **state)
{
    struct case_of c = { 0 };

    (void)state;
    make_graph(&c, &fabric_mesh, 4, 4);
    draw_task(&c, rng_at(1, "reasons"), 7, 0);
    c.task.name = (const char *const[]){ "n0", "n1", "n2", "n3", "n4", "n5", "n6" };
    memcpy(c.order, (uint32_t[]){ 0, 1, 2, 3, 4, 5, 6 }, 7 * sizeof *c.order);
    static const struct placement_flow circle[] = { { 0, 1, 8 }, { 1, 2, 8 }, { 2, 3, 8 },
                                                    { 3, 4, 8 }, { 4, 0, 8 }, { 5, 6, 8 } };
    memcpy(c.flow, circle, sizeof circle);
    c.task.n_flow = 6;
    assert_refused(&c, &placement_search, "n0, n1, n2, n3, n4 are a circle of 5");
    c.flow[6] = (struct placement_flow){ 0, 3, 8 };
    c.task.n_flow = 7;
    assert_refused(&c, &placement_search, "n0, n3, n4 are a circle of 3");
    static const struct placement_flow star[] = { { 0, 1, 8 }, { 2, 0, 8 }, { 0, 3, 8 },
                                                  { 0, 1, 8 }, { 0, 4, 8 }, { 5, 0, 8 } };
    memcpy(c.flow, star, sizeof star);
    c.task.n_flow = 6;
    assert_refused(&c, &placement_search, "n0 exchanges with 5 cores");
    c.task.n_flow = 5;
    c.task.moves = 2;
    assert_refused(&c, &placement_search, "undecided after 2 steps");
    graph_release(&c.graph);
    make_graph(&c, &fabric_mesh, 2, 3);
    assert_refused(&c, &placement_snake, "7 cores on 6 places: want at least fabric.rows = ");
    graph_release(&c.graph);
}

/* Two parts a layer, a_i and b_i, as a layer of split rows has: b_i sends to both parts of the
 * next, a_i sends its sums to b_i, and a residual goes from both to the next b. On links along rows
 * of 1 and 2 and along columns of 1 three that exchange lie side by side in a row. b0 and b1 are in
 * the triangles (a0, b0, b1) and (b0, a1, b1), so next to each other with a0 and a1 on either side:
 * none of them has room for the triangle (b1, a2, b2) then, on any grid. */
static void three_layers_of_two_parts_have_no_places_on_short_links(void **state)
{
    static const struct placement_flow two_parts[] = {
        { 0, 1, 8 }, { 1, 2, 8 }, { 1, 3, 8 }, { 2, 3, 8 }, { 0, 3, 8 },
        { 3, 4, 8 }, { 3, 5, 8 }, { 4, 5, 8 }, { 5, 6, 8 }, { 6, 7, 8 },
    };
    struct case_of c = { .cfg = { .reach_row = { 1, 2 }, .reach_column = { 1 }, .n_reach_row = 2,
                                  .n_reach_column = 1 } };
    struct placement p;
    struct err_msg m;

    (void)state;
    make_graph(&c, &fabric_adjacent, 3, 12);
    draw_task(&c, rng_at(1, "parts"), 8, 0);
    c.task.name = (const char *const[]){ "a0", "b0", "a1", "b1", "a2", "b2", "c", "d" };
    memcpy(c.order, (uint32_t[]){ 0, 1, 2, 3, 4, 5, 6, 7 }, 8 * sizeof *c.order);
    memcpy(c.flow, two_parts, sizeof two_parts);
    c.task.n_flow = 10;
    c.task.moves = 1000000;
    assert_refused(&c, &placement_search, "every flow of a0, b0, a1, b1, a2, b2 on a link");
    c.flow[4] = (struct placement_flow){ 0, 1, 8 }; // without the residual there are places
    if (placement_make(&p, &c.task, &placement_search, &m))
        fail_msg("%s", m.text);
    assert_true(links_all(&c, p.node));
    placement_release(&p);
    graph_release(&c.graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_of_placing_costs_what_rows_and_columns_say),
        cmocka_unit_test(a_snake_turns_at_the_end_of_every_row),
        cmocka_unit_test(annealing_is_a_matter_of_seed_and_moves_alone),
        cmocka_unit_test(exact_is_the_best_of_all_placements),
        cmocka_unit_test(exact_is_the_best_where_cores_share_routers),
        cmocka_unit_test(of_equals_that_with_less_on_a_channel_is_better),
        cmocka_unit_test(a_packet_for_many_takes_a_channel_once),
        cmocka_unit_test(a_search_finds_links_for_all_exactly_where_there_are_some),
        cmocka_unit_test(links_reach_as_far_as_they_say_and_pass_nothing_on),
        cmocka_unit_test(a_reason_is_named_where_there_is_one),
        cmocka_unit_test(three_layers_of_two_parts_have_no_places_on_short_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
