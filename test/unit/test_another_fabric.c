/* test/unit/test_another_fabric.c -- a fabric is a file and a row: three that only this program
 * has, in a table of its own in place of noc/fabrics.c, and no other file knows of them. One takes
 * seven timesteps for everything, so that every closed form holds with hops of seven; in one a hop
 * is as long as its way on the floorplan, and in one the shorter, the longer its way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/util.h"
#include "noc/fabric.h"
#include "study/run.h"
#include "study/study.h"
#include "test/plan_rig.h"

#define IMAGES "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"

enum { SEVEN = 7, MOST_CORES = 64 };

static uint64_t use(const struct fabric_machine *machine, const struct fabric_route *r,
                    uint64_t bits)
{
    return fabric_clocks(bits, machine->clock_hz, r->rate_bps);
}

/* ---- seven hops ---- */

static enum err seven(const struct fabric_machine *machine, const struct fabric_link *link,
                      uint32_t n, struct fabric_route *route, struct err_msg *m)
{
    (void)m;
    for (uint32_t i = 0; i < n; i++)
        route[i] = (struct fabric_route){
            link[i].payload == FABRIC_PIXELS ? machine->link_bps : machine->partial_sum_bps, SEVEN
        };
    return ERR_NONE;
}

static const struct fabric fabric_seven_hops = {
    .name = "seven_hops", .doc = "seven timesteps everywhere", .place = fabric_square,
    .route = seven, .use = use, .build = fabric_build_channels,
};

/* ---- as far as it is ---- */

static struct fabric_place in_a_row(uint32_t n_core, uint32_t core)
{
    assert_true(core < n_core);
    return (struct fabric_place){ core, 0 };
}

static uint32_t far(uint32_t from, uint32_t to)
{
    return from == FABRIC_EDGE || to == FABRIC_EDGE ? 1 : from > to ? from - to : to - from;
}

static uint32_t near(uint32_t from, uint32_t to)
{
    return MOST_CORES - far(from, to);
}

static void routes(const struct fabric_machine *machine, const struct fabric_link *link, uint32_t n,
                   uint32_t (*hops)(uint32_t from, uint32_t to), struct fabric_route *route)
{
    for (uint32_t i = 0; i < n; i++)
        route[i] = (struct fabric_route){
            link[i].payload == FABRIC_PIXELS ? machine->link_bps : machine->partial_sum_bps,
            hops(link[i].from, link[i].to)
        };
}

static enum err by_distance(const struct fabric_machine *machine, const struct fabric_link *link,
                            uint32_t n, struct fabric_route *route, struct err_msg *m)
{
    (void)m;
    routes(machine, link, n, far, route);
    return ERR_NONE;
}

static enum err by_nearness(const struct fabric_machine *machine, const struct fabric_link *link,
                            uint32_t n, struct fabric_route *route, struct err_msg *m)
{
    (void)m;
    routes(machine, link, n, near, route);
    return ERR_NONE;
}

static const struct fabric fabric_row = {
    .name = "row", .doc = "cores in a row, a timestep from one to the next", .place = in_a_row,
    .route = by_distance, .use = use, .build = fabric_build_channels,
};

static const struct fabric fabric_contrary = {
    .name = "contrary", .doc = "cores in a row, the farther the sooner", .place = in_a_row,
    .route = by_nearness, .use = use, .build = fabric_build_channels,
};

const struct fabric *const fabrics[] = { &fabric_point_to_point, &fabric_seven_hops, &fabric_row,
                                         &fabric_contrary, NULL };

/* ---- plans ---- */

static void make(struct plan_rig *r, const char *const *set)
{
    if (rig_make(r, set))
        fail_msg("%s", r->msg.text);
}

/* docs/accelerator.md, section 4, with hops of seven. */
static void unsplit_networks_end_when_the_closed_form_says(void **state)
{
    (void)state;
    for (uint32_t blocks = 1; blocks <= 3; blocks++)
        for (uint32_t size = 12; size <= 36; size += 8) {
            char depth[32], side[32];
            const char *const set[] = { depth, side, "fabric.kind=seven_hops",
                                        "core.crossbar.rows=512", "core.crossbar.columns=512",
                                        NULL };
            snprintf(depth, sizeof depth, "network.depth=%u", 2 + 6 * blocks);
            snprintf(side, sizeof side, "network.size=%u", size);
            struct plan_rig r;
            make(&r, set);
            uint32_t h[3] = { size, (size + 1) / 2, ((size + 1) / 2 + 1) / 2 };
            uint64_t t = (uint64_t)size * size + 2 * blocks * (h[0] + 1 + SEVEN);
            for (int stage = 1; stage < 3; stage++)
                t += SEVEN + (2 * blocks - 1) * (h[stage] + 1 + SEVEN);
            assert_int_equal(r.plan.time.last_conv, t);
            assert_int_equal(r.plan.time.first_result, t + SEVEN);
            rig_release(&r);
        }
}

static void a_second_layer_waits_for_chain_and_hop_of_the_first(void **state)
{
    (void)state;
    static const char *const set[] = { "fabric.kind=seven_hops", "core.crossbar.rows=64", NULL };

    for (uint32_t h = 2; h < 12; h++)
        for (uint32_t channels = 1; channels <= 20; channels++) {
            struct plan_rig r;
            rig_config(&r, set);
            rig_image(&r, h, h + 1, channels);
            rig_conv(&r, 0, 5, 3, 1);
            rig_conv(&r, 1, 5, 3, 1)->pooled = true;
            if (rig_plan(&r))
                fail_msg("%s", r.msg.text);
            uint64_t parts = ceil_div(channels, 64 / 9), way = (parts - 1) * SEVEN + SEVEN;
            assert_int_equal(r.plan.time.layer[1].first_timestep, h + 1 + way);
            assert_int_equal(r.plan.time.first_result, h * (h + 1) + way + h + 1);
            rig_release(&r);
        }
}

/* ---- runs ---- */

static void load(struct study *s, const char *path, const char *fabric, const char *more)
{
    const char *set[] = { fabric, more };
    struct err_msg m;

    if (study_load(s, path, set, more ? 2 : 1, &m))
        fail_msg("%s", m.text);
}

static uint64_t first_result(const struct study *s)
{
    const struct run_cfg cfg = { .n_image = 4, .jobs = 1, .stepped = true };
    struct run_result r;
    struct err_msg m;

    if (run(&s->plan, &cfg, &r, &m))
        fail_msg("%s", m.text);
    uint64_t t = r.first_result;
    run_result_release(&r);
    return t;
}

/* On 256 x 256 arrays 31 hops of pixels lie on the way of an image's last pixel, 30 between
 * convolutions and one to the last layer, and nine chains of two parts: each of the 40 hops takes
 * six timesteps more than the article's one. */
static void resnet_32_takes_six_timesteps_more_for_each_of_40_hops(void **state)
{
    (void)state;
    struct study s;

    load(&s, "configs/resnet32.yaml", "fabric.kind=seven_hops", NULL);
    assert_int_equal(s.plan.time.first_result, 1628 + 40 * (SEVEN - 1));
    assert_int_equal(first_result(&s), 1628 + 40 * (SEVEN - 1));
    assert_int_equal(s.plan.interval, 1024);
    study_release(&s);
}

/* The keys of another fabric's hops do not matter. */
static void the_hops_are_the_fabric_s_and_not_the_configuration_s(void **state)
{
    (void)state;
    struct study s;

    load(&s, "configs/resnet32.yaml", "fabric.kind=seven_hops", "fabric.hop_timesteps=3");
    assert_int_equal(s.plan.time.first_result, 1628 + 40 * (SEVEN - 1));
    for (uint32_t i = 0; i < s.plan.n_stream; i++)
        assert_int_equal(s.plan.stream[i].route.hops, SEVEN);
    study_release(&s);
}

static void classes(const char *fabric, uint32_t *predicted, uint32_t n)
{
    const struct run_cfg cfg = { .images = IMAGES, .n_image = n, .jobs = 1 };
    struct study s;
    struct run_result r;
    struct err_msg m;

    load(&s, "configs/resnet32_fmnist.yaml", fabric, NULL);
    if (run(&s.plan, &cfg, &r, &m))
        fail_msg("%s", m.text);
    for (uint32_t i = 0; i < n; i++)
        predicted[i] = r.predicted[i];
    run_result_release(&r);
    study_release(&s);
}

static void the_classes_do_not_depend_on_the_fabric(void **state)
{
    enum { N = 12 };
    uint32_t ideal[N], seven_hops[N], row[N];

    (void)state;
    if (access(IMAGES, R_OK) != 0)
        skip();
    classes("fabric.kind=point_to_point", ideal, N);
    classes("fabric.kind=seven_hops", seven_hops, N);
    classes("fabric.kind=row", row, N);
    assert_memory_equal(seven_hops, ideal, sizeof ideal);
    assert_memory_equal(row, ideal, sizeof ideal);
}

/* The cores of a layer get their pixels by ways of several lengths and fire together all the same,
 * as late as the longest has it. */
static void check_longest_way(const char *fabric, uint32_t (*hops)(uint32_t from, uint32_t to))
{
    struct study s;

    load(&s, "configs/resnet32.yaml", fabric, NULL);
    uint32_t longest[MOST_CORES] = { 0 };
    for (uint32_t i = 0; i < s.plan.n_stream; i++) {
        const struct plan_stream *st = &s.plan.stream[i];
        uint32_t layer = s.plan.core[st->to].plan_layer;
        if (st->kind == STREAM_FORWARD)
            longest[layer] = max_u32(longest[layer], hops(st->from, st->to));
    }
    for (uint32_t i = 0; i < s.plan.n_stream; i++) {
        const struct plan_stream *st = &s.plan.stream[i];
        if (st->kind == STREAM_FORWARD)
            assert_int_equal(st->route.hops, longest[s.plan.core[st->to].plan_layer]);
    }
    assert_int_equal(first_result(&s), s.plan.time.first_result);
    study_release(&s);
}

static void the_longest_way_into_a_layer_counts(void **state)
{
    (void)state;
    check_longest_way("fabric.kind=row", far);
    check_longest_way("fabric.kind=contrary", near);
}

static void the_mapper_s_latency_is_that_of_the_plan(void **state)
{
    (void)state;
    static const char *const fabric[] = { "fabric.kind=seven_hops", "fabric.kind=row" };

    for (int i = 0; i < 2; i++) {
        const char *const set[] = { fabric[i], "network.depth=8", "mapping.optimize=latency" };
        struct study s;
        struct err_msg m;
        if (study_load(&s, NULL, set, 3, &m))
            fail_msg("%s", m.text);
        assert_int_equal(s.mapping.value, s.plan.time.first_result);
        assert_true(s.mapping.bound <= s.mapping.value);
        assert_int_equal(first_result(&s), s.plan.time.first_result);
        study_release(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unsplit_networks_end_when_the_closed_form_says),
        cmocka_unit_test(a_second_layer_waits_for_chain_and_hop_of_the_first),
        cmocka_unit_test(resnet_32_takes_six_timesteps_more_for_each_of_40_hops),
        cmocka_unit_test(the_hops_are_the_fabric_s_and_not_the_configuration_s),
        cmocka_unit_test(the_classes_do_not_depend_on_the_fabric),
        cmocka_unit_test(the_longest_way_into_a_layer_counts),
        cmocka_unit_test(the_mapper_s_latency_is_that_of_the_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
