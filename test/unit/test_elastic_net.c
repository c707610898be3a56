/* Tests of arch/elastic/net.c: tokens of an elastic chip as packets of a fabric of routers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/elastic/elastic.h"
#include "core/util.h"
#include "noc/fabric.h"
#include "test/elastic_rig.h"
#include "test/plan_rig.h"
#include "test/random_study.h"

enum { N_IMAGE = 3, N_STUDY = 80 };

static void make_graph(struct graph *g, const struct fabric *f, const struct fabric_cfg *cfg)
{
    struct err_msg m;

    if (f->graph(cfg, g, &m))
        fail_msg("%s", m.text);
}

/* ---- one stream alone ---- */

/* Two convolutions, the second one `columns` places on, on routers or with links of their own. */
static void make_pair(struct plan_rig *r, const char *const *set, uint32_t channels)
{
    rig_config(r, set);
    rig_image(r, 7, 6, 3);
    rig_conv(r, 0, channels, 3, 1);
    rig_conv(r, 1, 5, 3, 1);
    if (rig_plan(r))
        fail_msg("%s", r->msg.text);
}

static void assert_alone(uint32_t routers, uint32_t channels, uint32_t input)
{
    const uint32_t n_flit = (uint32_t)ceil_div(16 + 8 * channels, 32);
    char rate[64], buffer[64], hop[64], credit[64];
    const char *const net_set[] = { "clocking.kind=elastic", "fabric.kind=mesh", "fabric.rows=1",
                                    "fabric.flit_bits=32", rate, buffer, hop, credit,
                                    NULL };
    const char *const link_set[] = { "clocking.kind=elastic", rate, buffer, hop, credit, NULL };
    struct plan_rig net, link;
    struct elastic_result a, b;
    struct graph g;

    /* A pixel takes as many clocks of a link as it has flits: 500 MHz. */
    snprintf(rate, sizeof rate, "fabric.link_gbps=%.6f", 8 * channels * 0.5 / n_flit + 1e-6);
    snprintf(buffer, sizeof buffer, "elastic.input_pixels=%u", input);
    snprintf(hop, sizeof hop, "elastic.hop_clocks=%u", 5 * routers + 1);
    snprintf(credit, sizeof credit, "elastic.credit_clocks=%u", routers - 1);
    make_pair(&net, net_set, channels);
    make_pair(&link, link_set, channels);
    make_graph(&g, net.plan.fabric, &net.config.fabric);
    const uint32_t node[] = { 0, routers - 1 };
    const struct elastic_places places = { &g, node };
    assert_int_equal(graph_routers(&g, node[0], node[1]), routers);
    elastic_rig_run(&a, &net.plan, &places, N_IMAGE, KERNEL_NATIVE, KERNEL_SKIP_IDLE);
    elastic_rig_run(&b, &link.plan, NULL, N_IMAGE, KERNEL_NATIVE, KERNEL_EVERY_CYCLE);
    for (uint32_t i = 0; i < N_IMAGE; i++) // the image comes by a link in both
        assert_int_equal(a.result_clk[i], b.result_clk[i]);
    assert_int_equal(a.packets.n, N_IMAGE * 42);
    assert_int_equal(a.packets.flits, N_IMAGE * 42 * n_flit);
    assert_int_equal(a.packets.latency_max, 5 * routers + 1 + n_flit);
    assert_int_equal(a.packets.latency_min, a.packets.latency_max);
    elastic_result_release(&a);
    elastic_result_release(&b);
    graph_release(&g);
    rig_release(&net);
    rig_release(&link);
}

static void a_stream_alone_is_a_link_of_5_clocks_a_router_and_1(void **state)
{
    (void)state;
    for (uint32_t routers = 2; routers <= 7; routers++)
        for (uint32_t channels = 2; channels <= 14; channels += 6)
            for (uint32_t input = 8; input <= 32; input += 8)
                assert_alone(routers, channels, input);
}

/* ---- ResNet-32 ---- */

static void make_resnet(struct plan_rig *r, const char *const *set)
{
    const char *all[16] = { "clocking.kind=elastic", "fabric.kind=mesh", "fabric.rows=6" };

    for (size_t i = 0; set[i]; i++)
        all[i + 3] = set[i];
    if (rig_make(r, all))
        fail_msg("%s", r->msg.text);
}

/* Row by row, every other one backwards. */
static void snake(uint32_t *node, uint32_t n, uint32_t columns)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = i / columns, at = i % columns;
        node[i] = row * columns + (row % 2 ? columns - 1 - at : at);
    }
}

/* Along the row first, then along the column, on 8 columns. */
static void carry(uint64_t *carried, uint32_t from, uint32_t to, uint64_t n_flit)
{
    while (from != to) {
        uint32_t next = from % 8 < to % 8   ? from + 1
                        : from % 8 > to % 8 ? from - 1
                        : from < to         ? from + 8
                                            : from - 8;
        carried[from * 48 + next] += n_flit;
        from = next;
    }
}

static void a_mesh_carries_what_its_hops_say_at_the_pace_of_the_arrays(void **state)
{
    static const char *const set[] = { NULL };
    struct elastic_result e;
    struct plan_rig r;
    struct graph g;

    (void)state;
    make_resnet(&r, set);
    make_graph(&g, r.plan.fabric, &r.config.fabric);
    uint32_t *node = calloc(r.plan.n_core, sizeof *node);
    snake(node, r.plan.n_core, 8);
    const struct elastic_places places = { &g, node };
    elastic_rig_run(&e, &r.plan, &places, N_IMAGE, KERNEL_NATIVE, KERNEL_SKIP_IDLE);
    for (uint32_t i = 1; i < N_IMAGE; i++)
        assert_int_equal(e.result_clk[i] - e.result_clk[i - 1], 51200);
    uint64_t flits = 0, flit_hops = 0, *carried = calloc((size_t)48 * 48, sizeof *carried);
    for (uint32_t i = 0; i < r.plan.n_stream; i++) {
        const struct plan_stream *st = &r.plan.stream[i];
        if (st->kind == STREAM_IMAGE || st->kind == STREAM_RESULT)
            continue;
        uint32_t away = graph_routers(&g, node[st->from], node[st->to]) - 1;
        /* Each token is a pixel, and all of a stream's tokens are alike. */
        uint64_t bits = e.stream[i].bits / e.stream[i].tokens;
        uint64_t n_flit = e.stream[i].tokens * ceil_div(16 + bits, 128);
        flits += n_flit;
        flit_hops += n_flit * away;
        carry(carried, node[st->from], node[st->to], n_flit);
    }
    for (uint32_t i = 0; i < g.n_router * g.n_port; i++)
        if (graph_is_router(g.peer[i]))
            assert_int_equal(e.packets.channel[i].flits,
                             carried[i / g.n_port * 48 + g.peer[i] / g.n_port]);
    assert_int_equal(e.packets.flits, flits);
    assert_int_equal(e.packets.counts.flits_sent, flits);
    assert_int_equal(e.packets.counts.flit_hops, flit_hops);
    assert_true(e.packets.latency_sum >= e.packets.zero_load_sum);
    elastic_result_release(&e);
    free(carried);
    free(node);
    graph_release(&g);
    rig_release(&r);
}

/* Flits of a stream's tokens, each of which is a pixel, and all of them alike. */
static uint64_t flits_of(const struct elastic_stream *s)
{
    return s->tokens ? s->tokens * ceil_div(16 + s->bits / s->tokens, 128) : 0;
}

static bool is_inside(const struct plan_stream *st)
{
    return st->kind != STREAM_IMAGE && st->kind != STREAM_RESULT;
}

/* ---- packets that are copied ---- */

static bool same_tokens(const struct plan_stream *a, const struct plan_stream *b)
{
    return a->from == b->from && a->kind == b->kind && a->first == b->first && a->n == b->n &&
           a->read_back == b->read_back;
}

/* Adds the flits of packets from a stream's core to those of all that get the same: each channel of
 * their ways once. Nothing for a stream that is not the first of them. */
static void carry_copies(uint64_t *carried, const struct plan *p, uint32_t stream,
                         const uint32_t *node, uint64_t n_flit)
{
    uint64_t *on = calloc((size_t)48 * 48, sizeof *on);

    for (uint32_t i = 0; i < p->n_stream; i++)
        if (is_inside(&p->stream[i]) && same_tokens(&p->stream[i], &p->stream[stream])) {
            assert_true(on != NULL);
            if (i < stream) {
                free(on);
                return;
            }
            carry(on, node[p->stream[i].from], node[p->stream[i].to], 1);
        }
    for (uint32_t i = 0; i < 48 * 48; i++)
        carried[i] += on[i] > 0 ? n_flit : 0;
    free(on);
}

/* 512 rows hold every kernel, 32 columns half of the last layers' outputs: both halves get the
 * same pixels. */
static void one_packet_goes_to_all_cores_that_get_the_same_token(void **state)
{
    static const char *const set[2][6] = {
        { "core.crossbar.rows=512", "core.crossbar.columns=32", "fabric.switching=cut_through",
          NULL },
        { "core.crossbar.rows=512", "core.crossbar.columns=32", "fabric.switching=cut_through",
          "fabric.multicast=tree", NULL },
    };
    struct elastic_result e[2];
    struct plan_rig r[2];
    struct graph g;
    uint32_t node[48];

    (void)state;
    for (int k = 0; k < 2; k++) {
        make_resnet(&r[k], set[k]);
        if (k == 0)
            make_graph(&g, r[k].plan.fabric, &r[k].config.fabric);
        snake(node, r[k].plan.n_core, 8);
        const struct elastic_places places = { &g, node };
        elastic_rig_run(&e[k], &r[k].plan, &places, N_IMAGE, KERNEL_NATIVE, KERNEL_SKIP_IDLE);
    }
    const struct plan *p = &r[1].plan;
    uint64_t *carried = calloc((size_t)48 * 48, sizeof *carried), all = 0;
    for (uint32_t i = 0; i < p->n_stream; i++) {
        assert_int_equal(e[0].stream[i].bits, e[1].stream[i].bits);
        assert_int_equal(e[0].stream[i].tokens, e[1].stream[i].tokens);
        if (is_inside(&p->stream[i]))
            carry_copies(carried, p, i, node, flits_of(&e[1].stream[i]));
    }
    for (uint32_t i = 0; i < g.n_router * g.n_port; i++)
        if (graph_is_router(g.peer[i])) {
            uint64_t flits = carried[i / g.n_port * 48 + g.peer[i] / g.n_port];
            assert_int_equal(e[1].packets.channel[i].flits, flits);
            all += flits;
        }
    assert_int_equal(e[1].packets.counts.flit_hops, all);
    assert_true(all < e[0].packets.counts.flit_hops);
    assert_int_equal(e[1].packets.flits, e[0].packets.flits); // taken
    assert_int_equal(e[1].packets.counts.flits_sent + e[1].packets.counts.flits_copied,
                     e[1].packets.counts.flits_taken);
    for (uint32_t i = 0; i < p->n_core; i++) { // when does not matter
        assert_int_equal(e[0].core[i].outputs, e[1].core[i].outputs);
        assert_int_equal(e[0].core[i].words_written, e[1].core[i].words_written);
    }
    free(carried);
    for (int k = 0; k < 2; k++) {
        elastic_result_release(&e[k]);
        rig_release(&r[k]);
    }
    graph_release(&g);
}

/* Core i at place i of 8 x 8, four below each router: 16, 4 and 1 of them. */
static void channels_of_a_tree_carry_what_leaves_and_enters_their_subtrees(void **state)
{
    static const char *const set[] = { "fabric.kind=tree", "fabric.rows=8", NULL };
    struct elastic_result e;
    struct plan_rig r;
    struct graph g;
    uint32_t node[64];

    (void)state;
    make_resnet(&r, set);
    make_graph(&g, r.plan.fabric, &r.config.fabric);
    for (uint32_t i = 0; i < 64; i++)
        node[i] = i;
    const struct elastic_places places = { &g, node };
    elastic_rig_run(&e, &r.plan, &places, N_IMAGE, KERNEL_NATIVE, KERNEL_SKIP_IDLE);
    for (uint32_t router = 0; router < 20; router++) {
        uint32_t side = router < 16 ? 2 : 4, across = 8 / side, at = router - (side == 4 ? 16 : 0);
        uint64_t up = 0, down = 0;
        for (uint32_t i = 0; i < r.plan.n_stream; i++) {
            const struct plan_stream *st = &r.plan.stream[i];
            if (!is_inside(st))
                continue;
            bool from = st->from / 8 / side * across + st->from % 8 / side == at;
            bool to = st->to / 8 / side * across + st->to % 8 / side == at;
            up += from && !to ? flits_of(&e.stream[i]) : 0;
            down += to && !from ? flits_of(&e.stream[i]) : 0;
        }
        assert_int_equal(e.packets.channel[router * 5 + 4].flits, up);
        assert_int_equal(e.packets.channel[g.peer[router * 5 + 4]].flits, down);
    }
    elastic_result_release(&e);
    graph_release(&g);
    rig_release(&r);
}

/* An image takes at least all packets' flits, and a clock of the arbiter for each of them. */
static void a_bus_bounds_an_image_by_all_flits_and_a_clock_a_packet(void **state)
{
    static const char *const set[] = { "fabric.kind=bus", "fabric.flit_bits=64",
                                       "elastic.input_pixels=16", "elastic.output_pixels=16",
                                       "elastic.residual_pixels=64", NULL };
    struct elastic_result e, more;
    struct plan_rig r;
    struct graph g;
    uint32_t node[48];

    (void)state;
    make_resnet(&r, set);
    make_graph(&g, r.plan.fabric, &r.config.fabric);
    for (uint32_t i = 0; i < 48; i++)
        node[i] = i;
    const struct elastic_places places = { &g, node };
    elastic_rig_run(&e, &r.plan, &places, 6, KERNEL_NATIVE, KERNEL_SKIP_IDLE);
    uint64_t least = (e.packets.flits + e.packets.n) / 6;
    assert_int_equal((e.packets.flits + e.packets.n) % 6, 0);
    assert_true(least > 51200); // more than the arrays take
    elastic_rig_run(&more, &r.plan, &places, 12, KERNEL_NATIVE, KERNEL_SKIP_IDLE);
    uint64_t took = (more.elapsed - e.elapsed) / 6;
    if (took < least || took * 100 > least * 101)
        fail_msg("%lu clocks, least %lu", (unsigned long)took, (unsigned long)least);
    elastic_result_release(&more);
    elastic_result_release(&e);
    graph_release(&g);
    rig_release(&r);
}

/* ---- random networks ---- */

static bool plan_routed(struct plan *p, struct random_study *s, const char *kind,
                        enum multicast multicast)
{
    struct err_msg m;

    s->config.clocking = CLOCKING_ELASTIC;
    s->config.elastic.input_pixels = 1 + s->seed % 4;
    s->config.elastic.residual_pixels = 40 + s->seed % 7;
    s->config.elastic.partial_sum_pixels = 1 + s->seed % 2;
    s->config.elastic.output_pixels = 1 + s->seed % 3;
    s->config.elastic.group = GROUP_ANY;
    snprintf(s->config.fabric.kind, sizeof s->config.fabric.kind, "%s", kind);
    s->config.fabric.columns = 2 + s->seed % 5;
    s->config.fabric.rows = 1024 / s->config.fabric.columns;
    s->config.fabric.flit_bits = UINT32_C(16) << s->seed % 5;
    s->config.fabric.vcs = 1 + s->seed % 3;
    s->config.fabric.vc_flits = 1 + s->seed % 6;
    if (multicast == MULTICAST_TREE) {
        s->config.fabric.multicast = multicast;
        s->config.fabric.switching = SWITCHING_CUT_THROUGH;
        s->config.fabric.vc_flits = 512;
        s->config.crossbar.columns = max_u32(8, s->config.crossbar.columns / 2);
    }
    if (plan_make(p, &s->network, &s->config, &m))
        return false;
    s->config.fabric.rows = (uint32_t)ceil_div(p->n_core, s->config.fabric.columns);
    return true;
}

static void assert_same(const struct elastic_result *a, const struct elastic_result *b,
                        const struct plan *p, const struct graph *g)
{
    assert_int_equal(a->elapsed, b->elapsed);
    assert_memory_equal(a->result_clk, b->result_clk, a->n_image * sizeof *a->result_clk);
    assert_memory_equal(a->core, b->core, p->n_core * sizeof *a->core);
    for (uint32_t i = 0; i < a->n_stage; i++)
        assert_memory_equal(a->stage[i].clk, b->stage[i].clk, sizeof a->stage[i].clk);
    assert_int_equal(a->packets.n, b->packets.n);
    assert_int_equal(a->packets.latency_sum, b->packets.latency_sum);
    assert_int_equal(a->packets.latency_p95, b->packets.latency_p95);
    assert_int_equal(a->packets.zero_load_sum, b->packets.zero_load_sum);
    assert_memory_equal(&a->packets.counts, &b->packets.counts,
                        offsetof(struct router_counts, steps));
    for (uint32_t i = 0; i < g->n_router * g->n_port; i++) {
        assert_int_equal(a->packets.channel[i].flits, b->packets.channel[i].flits);
        assert_int_equal(a->packets.channel[i].blocked_clk, b->packets.channel[i].blocked_clk);
    }
}

struct routed { // a random network on routers
    struct random_study   s;
    struct plan           p;
    struct graph          g;
    uint32_t             *node;
    struct elastic_places places;
};

static bool routed_make(struct routed *r, unsigned seed, const char *kind,
                        enum multicast multicast)
{
    random_study_make(&r->s, seed);
    if (!plan_routed(&r->p, &r->s, kind, multicast)) {
        random_study_release(&r->s);
        return false;
    }
    uint32_t n = r->p.n_core;
    make_graph(&r->g, r->p.fabric, &r->s.config.fabric);
    r->node = calloc(n, sizeof *r->node);
    for (uint32_t i = 0; i < n; i++) // somewhere
        r->node[i] = n % 7 == 0 ? i : (i * 7 + seed) % n;
    r->places = (struct elastic_places){ &r->g, r->node };
    return true;
}

static void routed_release(struct routed *r)
{
    free(r->node);
    graph_release(&r->g);
    plan_release(&r->p);
    random_study_release(&r->s);
}

static uint64_t copied;

static bool run_random(unsigned seed, const char *kind, enum multicast multicast)
{
    struct elastic_cfg_run cfg = { .n_image = N_IMAGE };
    struct elastic_result e, other;
    struct routed r;
    struct err_msg m;

    if (!routed_make(&r, seed, kind, multicast))
        return false;
    cfg.places = &r.places;
    enum err err = elastic_run(&r.p, &cfg, &e, &m);
    if (err && !strstr(m.text, "nothing can move any more"))
        fail_msg("seed %u: %s", seed, m.text);
    if (!err) {
        copied += e.packets.counts.flits_copied;
        elastic_rig_run(&other, &r.p, &r.places, N_IMAGE, KERNEL_NATIVE, KERNEL_EVERY_CYCLE);
        assert_same(&e, &other, &r.p, &r.g);
        elastic_result_release(&other);
        elastic_rig_run(&other, &r.p, &r.places, N_IMAGE, KERNEL_NATIVE, KERNEL_REVERSED);
        assert_same(&e, &other, &r.p, &r.g);
        elastic_result_release(&other);
        if (kernel_available(KERNEL_SYSTEMC) && seed % 8 == 0) {
            elastic_rig_run(&other, &r.p, &r.places, N_IMAGE, KERNEL_SYSTEMC, KERNEL_SKIP_IDLE);
            assert_same(&e, &other, &r.p, &r.g);
            elastic_result_release(&other);
        }
        cfg.places = NULL;
        bool ends = !elastic_run(&r.p, &cfg, &other, &m); // links hold less than routers
        if (!ends && !strstr(m.text, "nothing can move any more"))
            fail_msg("seed %u: %s", seed, m.text);
        for (uint32_t i = 0; ends && i < r.p.n_core; i++) { // when does not matter
            assert_int_equal(e.core[i].outputs, other.core[i].outputs);
            assert_int_equal(e.core[i].words_written, other.core[i].words_written);
        }
        for (uint32_t i = 0; ends && i < r.p.n_stream; i++)
            assert_int_equal(e.stream[i].bits, other.stream[i].bits);
        if (ends)
            elastic_result_release(&other);
        elastic_result_release(&e);
    }
    routed_release(&r);
    return !err;
}

static void random_networks_are_the_same_in_any_order_of_steps(void **state)
{
    static const char *const kinds[] = { "mesh", "tree", "bus" };

    (void)state;
    for (size_t k = 0; k < 3; k++) {
        unsigned last = k == 0 ? N_STUDY : N_STUDY / 2, n = 0;
        for (unsigned seed = 1; seed <= last; seed++)
            n += run_random(seed, kinds[k], MULTICAST_UNICAST);
        print_message("%s: %u of %u networks end\n", kinds[k], n, last);
        assert_true(n >= last / 2);
    }
}

static void random_networks_with_copies_are_too(void **state)
{
    static const char *const kinds[] = { "mesh", "tree", "bus" };
    unsigned n = 0;

    (void)state;
    copied = 0;
    for (unsigned seed = 1; seed <= N_STUDY; seed++)
        n += run_random(seed, kinds[seed % 3], MULTICAST_TREE);
    print_message("%u of %u networks end, %lu flits copied\n", n, (unsigned)N_STUDY,
                  (unsigned long)copied);
    assert_true(n >= N_STUDY / 2 && copied > 1000);
}

/* Twenty images, of which those that repeat others are left out, beside a run of all of them. */
static void images_left_out_change_nothing_on_routers_either(void **state)
{
    static const char *const kinds[] = { "mesh", "tree", "bus" };
    uint32_t n = 0, n_fewer = 0;

    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct elastic_cfg_run cfg = { .n_image = 20 };
        struct elastic_result some, all;
        struct routed r;
        struct err_msg m;
        if (!routed_make(&r, seed, kinds[seed % 3], seed % 2 ? MULTICAST_TREE : MULTICAST_UNICAST))
            continue;
        cfg.places = &r.places;
        if (!elastic_run(&r.p, &cfg, &some, &m)) {
            elastic_rig_run(&all, &r.p, &r.places, 20, KERNEL_NATIVE, KERNEL_EVERY_CYCLE);
            assert_int_equal(all.n_run, 20);
            assert_same(&some, &all, &r.p, &r.g);
            n++;
            n_fewer += some.n_run < 20;
            elastic_result_release(&some);
            elastic_result_release(&all);
        }
        routed_release(&r);
    }
    print_message("%u of %u networks leave images out\n", n_fewer, n);
    assert_true(n_fewer >= n / 3);
}

/* ---- refusals ---- */

static void what_no_packet_can_be_is_refused(void **state)
{
    static const struct {
        const char *set[4], *want;
    } bad[] = {
        { { "fabric.switching=cut_through", "fabric.vc_flits=1", NULL },
          "want at least fabric.vc_flits = " },
        { { "fabric.switch_clocks=0", "fabric.crossbar_clocks=0", NULL },
          "want fabric.switch_clocks = 1" },
        { { "fabric.multicast=tree", NULL }, "want fabric.switching = cut_through" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct elastic_cfg_run cfg = { .n_image = 1 };
        struct elastic_result e;
        struct plan_rig r;
        struct graph g;
        struct err_msg m;
        make_resnet(&r, bad[i].set);
        make_graph(&g, r.plan.fabric, &r.config.fabric);
        uint32_t *node = calloc(r.plan.n_core, sizeof *node);
        snake(node, r.plan.n_core, 8);
        const struct elastic_places places = { &g, node };
        cfg.places = &places;
        assert_int_equal(elastic_run(&r.plan, &cfg, &e, &m), ERR_INPUT);
        const char *want = strstr(m.text, bad[i].want);
        if (!want)
            fail_msg("%s", m.text);
        if (sscanf(want, "want at least fabric.vc_flits = %u", &r.config.fabric.vc_flits) == 1) {
            r.config.fabric.vc_flits--; // of the longest packet
            assert_int_equal(elastic_run(&r.plan, &cfg, &e, &m), ERR_INPUT);
            r.config.fabric.vc_flits++;
            assert_int_equal(elastic_run(&r.plan, &cfg, &e, &m), ERR_NONE);
            elastic_result_release(&e);
        }
        free(node);
        graph_release(&g);
        rig_release(&r);
    }
}

static uint32_t clockwise(const struct graph *g, uint32_t router, uint32_t node)
{
    (void)g;
    return router == node ? 2 : 0;
}

/* Packets that all go one way round a ring. */
static void routes_that_close_a_circle_are_refused_and_named(void **state)
{
    static const char *const set[] = { NULL };
    struct elastic_result e;
    struct plan_rig r;
    struct graph g;
    struct err_msg m;
    uint32_t node[64];

    (void)state;
    make_resnet(&r, set);
    const uint32_t n = r.plan.n_core;
    assert_int_equal(graph_init(&g, n, 3, n, &m), ERR_NONE);
    g.columns = n;
    g.rows = 1;
    g.exit = clockwise;
    for (uint32_t i = 0; i < n; i++) {
        node[i] = n - 1 - i; // so that routes are long
        graph_attach(&g, i, i * 3 + 2);
        graph_join(&g, i * 3, (i + 1) % n * 3 + 1);
    }
    const struct elastic_places places = { &g, node };
    const struct elastic_cfg_run cfg = { .n_image = 1, .places = &places };
    assert_int_equal(elastic_run(&r.plan, &cfg, &e, &m), ERR_INPUT);
    if (!strstr(m.text, "in a circle, from router to router 0 -> 1 -> 2 -> 3"))
        fail_msg("%s", m.text);
    graph_release(&g);
    rig_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_alone_is_a_link_of_5_clocks_a_router_and_1),
        cmocka_unit_test(a_mesh_carries_what_its_hops_say_at_the_pace_of_the_arrays),
        cmocka_unit_test(channels_of_a_tree_carry_what_leaves_and_enters_their_subtrees),
        cmocka_unit_test(a_bus_bounds_an_image_by_all_flits_and_a_clock_a_packet),
        cmocka_unit_test(random_networks_are_the_same_in_any_order_of_steps),
        cmocka_unit_test(one_packet_goes_to_all_cores_that_get_the_same_token),
        cmocka_unit_test(random_networks_with_copies_are_too),
        cmocka_unit_test(images_left_out_change_nothing_on_routers_either),
        cmocka_unit_test(what_no_packet_can_be_is_refused),
        cmocka_unit_test(routes_that_close_a_circle_are_refused_and_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
