/* Tests of arch/elastic/share.c: streams from a core to another over one link between their
 * places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/elastic/elastic.h"
#include "noc/fabric.h"
#include "test/elastic_rig.h"
#include "test/plan_rig.h"
#include "test/random_study.h"

enum { N_STUDY = 120 };

/* ---- places that are all joined ---- */

static uint32_t to_all(const struct graph *g, uint32_t router, uint32_t node)
{
    (void)g;
    return router == node ? 0 : 1 + node;
}

struct joined {
    struct graph          g;
    uint32_t             *node;
    struct elastic_places places;
};

static void join_all(struct joined *j, uint32_t n)
{
    struct err_msg m;

    assert_int_equal(graph_init(&j->g, n, n + 1, n, &m), ERR_NONE);
    j->g.rows = 1;
    j->g.columns = n;
    j->g.exit = to_all;
    j->node = calloc(n, sizeof *j->node);
    for (uint32_t i = 0; i < n; i++) {
        graph_attach(&j->g, i, i * (n + 1));
        j->node[i] = n - 1 - i;
        for (uint32_t k = 0; k < n; k++)
            j->g.peer[i * (n + 1) + 1 + k] = k * (n + 1);
    }
    j->places = (struct elastic_places){ &j->g, j->node };
}

static void release(struct joined *j)
{
    free(j->node);
    graph_release(&j->g);
}

/* ---- ResNet-32 ---- */

/* Conv2 sends conv3 its 1,024 pixels and those that it reads back, 16 channels of 8 bits each: at
 * 1 Gb/s and 500 MHz 64 clocks a pixel, of either stream. */
static void two_streams_take_an_image_as_long_as_both_on_one_link(void **state)
{
    static const char *const set[] = { "clocking.kind=elastic", "fabric.kind=adjacent",
                                       "fabric.link_gbps=1", "elastic.input_pixels=8",
                                       "elastic.output_pixels=8", "elastic.residual_pixels=80",
                                       "elastic.read_back_pixels=8", NULL };
    enum { N = 12 };
    struct elastic_result e;
    struct plan_rig r;
    struct joined j;

    (void)state;
    if (rig_make(&r, set))
        fail_msg("%s", r.msg.text);
    join_all(&j, r.plan.n_core);
    elastic_rig_run(&e, &r.plan, &j.places, N, KERNEL_NATIVE, KERNEL_SKIP_IDLE);
    for (int i = 1; i + 1 < N; i++) // behind the last nobody waits
        assert_int_equal(e.result_clk[i] - e.result_clk[i - 1], 2 * 1024 * 64);
    uint64_t bits = 0; // times pitches: cores lie in a row
    for (uint32_t i = 0; i < r.plan.n_stream; i++) {
        const struct plan_stream *st = &r.plan.stream[i];
        if (st->kind != STREAM_IMAGE && st->kind != STREAM_RESULT)
            bits += e.stream[i].bits * (st->from > st->to ? st->from - st->to : st->to - st->from);
    }
    assert_int_equal(e.packets.wires.bit_halves, 2 * bits);
    elastic_result_release(&e);
    release(&j);
    rig_release(&r);
}

/* ---- random networks ---- */

static bool make(struct plan *p, struct random_study *s, const char *kind)
{
    struct elastic_cfg *e = &s->config.elastic;
    struct err_msg m;

    s->config.clocking = CLOCKING_ELASTIC;
    snprintf(s->config.fabric.kind, sizeof s->config.fabric.kind, "%s", kind);
    s->config.fabric.link_bps = PARAM_GBPS / (1 + s->seed % 4); // links matter
    s->config.fabric.partial_sum_bps = PARAM_GBPS;
    e->input_pixels = 1 + s->seed % 4;
    e->residual_pixels = 30 + s->seed % 7;
    e->partial_sum_pixels = 1 + s->seed % 2;
    e->output_pixels = 1 + s->seed % 3;
    e->read_back_pixels = 1 + s->seed % 2;
    e->group = GROUP_ANY;
    return !plan_make(p, &s->network, &s->config, &m);
}

static void assert_same(const struct elastic_result *a, const struct elastic_result *b,
                        const struct plan *p)
{
    assert_int_equal(a->elapsed, b->elapsed);
    assert_memory_equal(a->result_clk, b->result_clk, a->n_image * sizeof *a->result_clk);
    assert_memory_equal(a->core, b->core, p->n_core * sizeof *a->core);
    for (uint32_t i = 0; i < a->n_stage; i++) {
        uint64_t clk = 0;
        assert_memory_equal(a->stage[i].clk, b->stage[i].clk, sizeof a->stage[i].clk);
        for (int k = 0; k < N_ELASTIC_STATE; k++)
            clk += a->stage[i].clk[k];
        assert_int_equal(clk, a->elapsed);
    }
}

/* Two streams of any core that go to one other. */
static bool shares(const struct plan *p)
{
    for (uint32_t i = 0; i < p->n_stream; i++)
        for (uint32_t k = 0; k < i; k++)
            if (p->stream[i].kind != STREAM_RESULT && p->stream[i].kind != STREAM_IMAGE &&
                p->stream[k].kind != STREAM_RESULT && p->stream[k].kind != STREAM_IMAGE &&
                p->stream[i].from == p->stream[k].from && p->stream[i].to == p->stream[k].to)
                return true;
    return false;
}

static void compare(const struct plan *p, const struct elastic_places *places,
                    const struct elastic_result *e, uint64_t n_image)
{
    struct elastic_result other;

    elastic_rig_run(&other, p, places, n_image, KERNEL_NATIVE, KERNEL_EVERY_CYCLE);
    assert_same(e, &other, p);
    elastic_result_release(&other);
    elastic_rig_run(&other, p, places, n_image, KERNEL_NATIVE, KERNEL_REVERSED);
    assert_same(e, &other, p);
    elastic_result_release(&other);
    if (!kernel_available(KERNEL_SYSTEMC))
        return;
    elastic_rig_run(&other, p, places, n_image, KERNEL_SYSTEMC, KERNEL_SKIP_IDLE);
    assert_same(e, &other, p);
    elastic_result_release(&other);
}

/* Whether it runs. */
static bool run_random(unsigned seed, bool *shared)
{
    struct elastic_cfg_run cfg = { .n_image = 1 + seed % 3 };
    struct random_study s;
    struct elastic_result e;
    struct plan p;
    struct joined j;

    random_study_make(&s, seed);
    if (!make(&p, &s, "adjacent")) {
        random_study_release(&s);
        return false;
    }
    join_all(&j, p.n_core);
    cfg.places = &j.places;
    *shared = shares(&p);
    const bool ends = elastic_rig_agrees(&e, &p, &cfg, seed);
    if (ends) {
        compare(&p, &j.places, &e, cfg.n_image);
        elastic_result_release(&e);
    }
    release(&j);
    plan_release(&p);
    random_study_release(&s);
    return ends;
}

static void every_result_is_that_of_a_twin_in_any_order_of_steps(void **state)
{
    unsigned n = 0, n_shared = 0;

    (void)state;
    for (unsigned seed = 3001; seed <= 3000 + N_STUDY; seed++) {
        bool shared = false;
        bool runs = run_random(seed, &shared);
        n += runs;
        n_shared += runs && shared;
    }
    print_message("%u networks run, in %u of them streams share a link\n", n, n_shared);
    assert_true(n >= N_STUDY / 2 && n_shared >= 10);
}

/* Where no two streams have the same ends, links are those of point_to_point. */
static void a_stream_alone_has_a_link_of_its_own(void **state)
{
    unsigned n = 0;

    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct elastic_result a, b;
        struct random_study s, t;
        struct plan p, q;
        struct joined j;
        random_study_make(&s, seed);
        random_study_make(&t, seed);
        bool made = make(&p, &s, "adjacent") && make(&q, &t, "point_to_point");
        struct elastic_cfg_run cfg = { .n_image = 2 };
        struct err_msg m;
        if (made && !shares(&p) && !elastic_run(&q, &cfg, &b, &m)) {
            join_all(&j, p.n_core);
            elastic_rig_run(&a, &p, &j.places, 2, KERNEL_NATIVE, KERNEL_SKIP_IDLE);
            assert_same(&a, &b, &p);
            elastic_result_release(&a);
            elastic_result_release(&b);
            release(&j);
            n++;
        }
        if (made) {
            plan_release(&p);
            plan_release(&q);
        }
        random_study_release(&s);
        random_study_release(&t);
    }
    assert_true(n >= 10);
}

/* Twelve images, of which those that repeat others are left out, beside a run of all. */
static void images_left_out_change_nothing_on_shared_links(void **state)
{
    static const char *const set[] = { "clocking.kind=elastic", "fabric.kind=adjacent",
                                       "fabric.link_gbps=2", "elastic.residual_pixels=80", NULL };
    struct elastic_result some, all;
    struct plan_rig r;
    struct joined j;

    (void)state;
    if (rig_make(&r, set))
        fail_msg("%s", r.msg.text);
    join_all(&j, r.plan.n_core);
    elastic_rig_run(&some, &r.plan, &j.places, 12, KERNEL_NATIVE, KERNEL_SKIP_IDLE);
    elastic_rig_run(&all, &r.plan, &j.places, 12, KERNEL_NATIVE, KERNEL_REVERSED);
    assert_same(&some, &all, &r.plan);
    assert_int_equal(some.packets.wires.bit_halves, all.packets.wires.bit_halves);
    elastic_result_release(&some);
    elastic_result_release(&all);
    release(&j);
    rig_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_streams_take_an_image_as_long_as_both_on_one_link),
        cmocka_unit_test(every_result_is_that_of_a_twin_in_any_order_of_steps),
        cmocka_unit_test(a_stream_alone_has_a_link_of_its_own),
        cmocka_unit_test(images_left_out_change_nothing_on_shared_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
