/* test/unit/test_mapper.c -- the mapper against the rules of the field and against the cycle-level
 * chip. Every mapping there is: test_mapper_optimal.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/util.h"
#include "dataflow/mapper/cores.h"
#include "dataflow/mapper/mapper.h"
#include "dataflow/mapper/times.h"
#include "onnx/read/read.h"
#include "study/pricing.h"
#include "study/run.h"
#include "test/run_rig.h"

#define LARGE_MEMORY "core.input_memory.words=65536", "core.input_memory.word_bits=8192"

struct machine {
    struct config  config;
    struct network network;
};

static void load(struct machine *mc, const char *path, const char *const *set, size_t n)
{
    struct err_msg m;

    if (config_load(&mc->config, path, set, n, &m))
        fail_msg("%s", m.text);
    const struct network_cfg *cfg = &mc->config.network;
    struct resnet_cifar_cfg family = { cfg->depth, cfg->size, cfg->classes, cfg->channels,
                                       cfg->n_channels };
    enum err e = cfg->onnx[0] ? network_load_onnx(&mc->network, cfg->onnx, &m)
                              : network_resnet_cifar(&mc->network, &family, &m);
    if (e)
        fail_msg("%s", m.text);
}
#define LOAD(mc, path, ...)                                                                        \
    load(mc, path, (const char *const[]){ __VA_ARGS__ },                                           \
         sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static void unload(struct machine *mc)
{
    network_release(&mc->network);
    config_release(&mc->config);
}

/* What the mapper finds; leaves the mapping in the machine's configuration. */
static struct mapping_report resolve(struct machine *mc)
{
    struct mapping_report r;
    struct err_msg m;

    if (mapping_resolve(&mc->config, &mc->network, NULL, &r, &m))
        fail_msg("%s", m.text);
    return r;
}

static struct plan plan_of(const struct machine *mc)
{
    struct plan p;
    struct err_msg m;

    if (plan_make(&p, &mc->network, &mc->config, &m))
        fail_msg("%s", m.text);
    return p;
}

static uint32_t pick(uint32_t *seed, uint32_t least, uint32_t most)
{
    *seed = *seed * 1664525u + 1013904223u;
    return least + (*seed >> 8) % (most - least + 1);
}

/* ---- times ---- */

static uint64_t least_interval(const struct mapper *mp, const uint32_t *choice)
{
    uint64_t most = 0;

    for (uint32_t i = 0; i < mp->n_layer; i++)
        most = max_u64(most, mp->layer[i].option[choice[i]].least_interval);
    return most;
}

/* However many replicas: 256 pixels of a word are written, and in each of 16 columns of outputs at
 * least a word of 16 rows is read, in timesteps of 8 clocks. */
static void an_interval_has_time_for_the_words_of_an_image(void **state)
{
    (void)state;
    struct machine mc;
    struct mapper mp;
    struct err_msg m;

    LOAD(&mc, NULL, "network.depth=8", "network.size=16", "network.channels=[16]",
         "clocking.timestep_ns=16", "core.crossbar.mvm_ns=16", "fabric.link_gbps=200",
         "fabric.partial_sum_gbps=1000", "core.input_memory.words=4096");
    assert_int_equal(mapper_init(&mp, &mc.network, &mc.config, &m), ERR_NONE);
    uint32_t all = mapper_find(&mp, 1, 16, 1);
    assert_true(all < mp.layer[1].n_option);
    assert_int_equal(mp.layer[1].option[all].firings, 16);
    assert_int_equal(mp.layer[1].option[all].least_interval, (256 + 16 * 16) / 8);
    mapper_release(&mp);
    unload(&mc);
}

/* The image's layer is timed by the image alone. */
static void an_option_that_fails_alone_fails_with_all_others(void **state)
{
    (void)state;
    struct machine mc;
    struct mapper mp;
    struct err_msg m;
    uint32_t choice[64], fail = 0, fit = 0;

    LOAD(&mc, NULL, "network.depth=8", "network.size=24", "network.channels=[16]",
         "clocking.timestep_ns=48", "core.crossbar.mvm_ns=48", "fabric.link_gbps=200",
         "fabric.partial_sum_gbps=1000", "core.input_memory.words=4096",
         "core.input_memory.word_bits=512");
    assert_int_equal(mapper_init(&mp, &mc.network, &mc.config, &m), ERR_NONE);
    for (uint32_t k = 0; k < mp.layer[0].n_option; k += 3) {
        const struct mapper_option *o = &mp.layer[0].option[k];
        if (o->doubtful || !mapper_all_cheapest(&mp, max_u64(o->firings, 200), choice))
            continue;
        choice[0] = k;
        bool alone = mapper_alone_fits(&mp, 0, o, mapper_interval(&mp, choice));
        fail += !alone;
        fit += alone && mapper_fits(&mp, choice);
        assert_true(alone || !mapper_fits(&mp, choice));
    }
    assert_true(fail >= 50 && fit >= 20);
    assert_true(mapper_alone_fits(&mp, 1, &mp.layer[1].option[0], 1)); // nothing is known of it
    mapper_release(&mp);
    unload(&mc);
}

/* One firing of more pixels than a link carries to one core needs its reader split. */
static void cheapest_mappings_split_what_links_need_split(void **state)
{
    (void)state;
    struct machine mc;
    struct mapper mp;
    struct err_msg m;
    uint64_t *interval;
    uint32_t n, n_need = 0, choice[64];

    LOAD(&mc, NULL, "network.depth=8", "network.channels=[16]", "chip.cores=60",
         "core.crossbar.rows=100", "fabric.link_gbps=1.28", "fabric.partial_sum_gbps=100",
         LARGE_MEMORY);
    assert_int_equal(mapper_init(&mp, &mc.network, &mc.config, &m), ERR_NONE);
    assert_int_equal(mapper_intervals(&mp, &interval, &n, &m), ERR_NONE);
    for (uint32_t k = 0; k < n; k++) {
        if (!mapper_all_cheapest(&mp, interval[k], choice))
            continue;
        for (uint32_t i = 0; i < mp.n_layer; i++)
            n_need += mp.layer[i].option[choice[i]].need_parts > 1;
        assert_true(mapper_fits(&mp, choice));
    }
    assert_true(n_need > 0);
    free(interval);
    mapper_release(&mp);
    unload(&mc);
}

static void little_effort_does_not_make_a_bound_too_high(void **state)
{
    (void)state;
    static const char *const chips[] = { "chip.cores=27", "chip.cores=34", "chip.cores=45" };

    for (int i = 0; i < 3; i++) {
        struct machine little, much;
        LOAD(&little, NULL, "network.depth=20", "mapping.optimize=latency", "mapping.effort=1",
             "fabric.link_gbps=4.48", chips[i]);
        LOAD(&much, NULL, "network.depth=20", "mapping.optimize=latency", "mapping.effort=50",
             "fabric.link_gbps=4.48", chips[i]);
        assert_true(resolve(&little).bound <= resolve(&much).value);
        unload(&little);
        unload(&much);
    }
}

static void first_results_are_those_of_the_plan(void **state)
{
    (void)state;
    struct machine mc;
    struct mapper mp;
    struct mapper_times *times;
    struct err_msg m;
    uint32_t n = 0;

    LOAD(&mc, NULL, "network.depth=14", "network.size=16", "chip.cores=40",
         "fabric.link_gbps=20", LARGE_MEMORY);
    assert_int_equal(mapper_init(&mp, &mc.network, &mc.config, &m), ERR_NONE);
    assert_int_equal(mapper_times_new(&times, &mp, &m), ERR_NONE);
    for (uint32_t seed = 1; seed <= 150; seed++) {
        uint32_t r = seed, choice[64];
        for (uint32_t i = 0; i < mp.n_layer; i++)
            choice[i] = pick(&r, 0, mp.layer[i].n_option / 12);
        if (mapper_cores(&mp, choice) > 40 || !mapper_fits(&mp, choice))
            continue;
        struct machine copy = mc;
        assert_int_equal(mapper_write(&mp, choice, &copy.config, &m), ERR_NONE);
        struct plan p = plan_of(&copy);
        assert_int_equal(mapper_times_first_result(times, choice), p.time.first_result);
        assert_int_equal(mapper_interval(&mp, choice), p.interval);
        assert_true(least_interval(&mp, choice) <= p.interval);
        assert_int_equal(mapper_cores(&mp, choice), p.n_core);
        plan_release(&p);
        param_release(config_params, &copy.config);
        n++;
    }
    assert_true(n > 50);
    mapper_times_free(times);
    mapper_release(&mp);
    unload(&mc);
}

static struct run_result run_images(const struct plan *p, uint32_t n_image)
{
    const struct run_cfg cfg = { .n_image = n_image, .jobs = 1, .stepped = true };

    return run_or_fail(p, &cfg);
}

/* The first result, and the interval once images repeat one another: the first ones of a stream may
 * come a little later each, as they wait for those before them. */
static void assert_chip_is_as_planned(const struct plan *p)
{
    uint32_t n = p->time.transient_images + 1;
    struct run_result some = run_images(p, n), more = run_images(p, n + 1);

    assert_int_equal(some.first_result, p->time.first_result);
    assert_int_equal(more.total_timesteps - some.total_timesteps, p->interval);
    if (p->time.transient_images == 1)
        assert_int_equal(some.total_timesteps, p->time.first_result + p->interval);
    run_result_release(&some);
    run_result_release(&more);
}

/* ---- rules of the field ---- */

static uint64_t value_of(const struct pricer *pricer, enum optimize o, const struct plan *p)
{
    struct err_msg m;
    uint64_t pj;

    switch (o) {
    case OPTIMIZE_LATENCY:
        return p->time.first_result;
    case OPTIMIZE_INTERVAL:
        return p->interval;
    case OPTIMIZE_BALANCED:
        return p->interval * p->time.first_result;
    case OPTIMIZE_EDP:
        if (pricer->prices.image_pj((void *)pricer, p, &pj, &m))
            fail_msg("%s", m.text);
        return pj * p->time.first_result;
    case OPTIMIZE_NONE:
        break;
    }
    fail_msg("no objective");
    return 0;
}

enum { N_RULE = 4 };

/* The plans of the rules: those of them whose mappings have one. */
static void plan_rules(const struct machine *mc, struct machine *rule, struct plan *plan)
{
    for (int i = 0; i < N_RULE; i++) {
        struct mapping_report r;
        struct err_msg m;

        plan[i] = (struct plan){ 0 };
        rule[i] = *mc;
        rule[i].config.mapping.optimize = OPTIMIZE_NONE;
        snprintf(rule[i].config.mapping.policy, sizeof rule[i].config.mapping.policy, "%s",
                 mapper_policies[i]->name);
        if (mapping_resolve(&rule[i].config, &rule[i].network, NULL, &r, &m) == ERR_NONE)
            plan[i] = plan_of(&rule[i]);
    }
    assert_null(mapper_policies[N_RULE]);
}

/* The optimiser's mapping is no worse than any rule's, by their plans, nor is its bound; it is what
 * it says, and the chip does so. */
static void assert_optimal(const struct machine *mc, const struct pricer *pricer,
                           enum optimize o, const struct plan *rule)
{
    struct machine best = *mc;
    struct mapping_report r;
    struct err_msg m;

    best.config.mapping.optimize = o;
    if (mapping_resolve(&best.config, &best.network, &pricer->prices, &r, &m)) {
        for (int i = 0; i < N_RULE; i++)
            assert_int_equal(rule[i].n_core, 0);
        return;
    }
    struct plan p = plan_of(&best);
    assert_int_equal(value_of(pricer, o, &p), r.value);
    assert_int_equal(p.interval, r.interval);
    assert_true(r.bound <= r.value);
    for (int i = 0; i < N_RULE; i++)
        if (rule[i].n_core > 0) {
            assert_true(r.value <= value_of(pricer, o, &rule[i]));
            assert_true(r.bound <= value_of(pricer, o, &rule[i]));
        }
    assert_chip_is_as_planned(&p);
    plan_release(&p);
    param_release(config_params, &best.config); // what the mapper put there
}

static void assert_never_worse(const char *network, uint32_t cores, uint32_t side, double gbps)
{
    static const enum optimize objectives[] = { OPTIMIZE_LATENCY, OPTIMIZE_INTERVAL,
                                                OPTIMIZE_BALANCED, OPTIMIZE_EDP };
    char set[4][64];
    struct machine mc, rule[N_RULE];
    struct plan plan[N_RULE];
    struct pricer pricer;
    struct err_msg m;

    snprintf(set[0], 64, "chip.cores=%u", cores);
    snprintf(set[1], 64, "core.crossbar.rows=%u", side);
    snprintf(set[2], 64, "core.crossbar.columns=%u", side);
    snprintf(set[3], 64, "fabric.link_gbps=%.2f", gbps);
    LOAD(&mc, "configs/dazzi2021_14nm.yaml", network, set[0], set[1], set[2], set[3],
         "mapping.effort=1");
    if (pricer_init(&pricer, &mc.config, &mc.network, &m))
        fail_msg("%s", m.text);
    plan_rules(&mc, rule, plan);
    for (int i = 0; i < 4; i++)
        assert_optimal(&mc, &pricer, objectives[i], plan);
    for (int i = 0; i < N_RULE; i++) {
        plan_release(&plan[i]);
        param_release(config_params, &rule[i].config);
    }
    unload(&mc);
}

/* With IMCSIM_ALL_MAPPINGS=1 of every network, chip and link that the mapper is held to. */
static void no_rule_of_the_field_is_better(void **state)
{
    static const char *const networks[] = { "network.depth=20", "network.depth=32",
                                            "network.depth=44", "network.depth=56",
                                            "network.onnx=models/resnet32_fmnist.onnx",
                                            "network.onnx=models/resnet32_cifar10.onnx" };
    static const uint32_t cores[] = { 34, 43, 50, 64, 90, 128, 192, 256 };
    static const double links[] = { 4.48, 5.12, 7.5, 10.24 };

    (void)state;
    assert_never_worse(networks[0], 34, 256, 4.48);
    assert_never_worse(networks[1], 64, 256, 4.48);
    assert_never_worse(networks[4], 40, 512, 5.12);
    for (size_t i = 0; getenv("IMCSIM_ALL_MAPPINGS") && i < 6; i++)
        for (size_t k = 0; k < 8 * 2 * 4; k++)
            assert_never_worse(networks[i], cores[k % 8], k / 8 % 2 ? 512 : 256, links[k / 16]);
}

/* A copy at a time to the slowest: with 46 cores ResNet-32 gives its three to conv1, conv2 and
 * conv3, and stays as slow as conv4. */
static void greedy_gives_its_copies_to_the_earliest_of_the_slowest(void **state)
{
    (void)state;
    struct machine mc;

    LOAD(&mc, NULL, "mapping.policy=greedy", "chip.cores=46", LARGE_MEMORY);
    resolve(&mc);
    struct plan p = plan_of(&mc);
    for (uint32_t i = 0; i < p.n_layer; i++)
        assert_int_equal(p.layer[i].copies, i < 3 ? 2 : 1);
    assert_int_equal(p.interval, 1024);
    plan_release(&p);
    unload(&mc);
}

static void the_article_s_rule_is_4_2_1(void **state)
{
    (void)state;
    struct machine mc;

    LOAD(&mc, NULL, "mapping.policy=article", "fabric.link_gbps=5.12");
    resolve(&mc);
    struct plan p = plan_of(&mc);
    assert_int_equal(p.n_core, 62); // docs/accelerator.md, section 4
    assert_int_equal(p.time.first_result, 567);
    assert_int_equal(p.interval, 256);
    plan_release(&p);
    unload(&mc);
}

/* ---- beyond the article ---- */

static void assert_beyond_the_article(const struct machine *mc)
{
    struct plan p = plan_of(mc);

    assert_true(p.n_core <= 64);
    assert_int_equal(mc->config.crossbar.rows, 256);
    assert_int_equal(mc->config.crossbar.columns, 256);
    assert_int_equal(mc->config.fabric.link_bps, 4480000000);
    for (uint32_t i = 0; i < p.n_layer; i++)
        assert_true(p.layer[i].firing == &fire_column || p.layer[i].firing == &fire_block);
    for (uint32_t i = 0; i < p.n_stream; i++)
        assert_true(p.stream[i].kind == STREAM_PARTIAL_SUM || p.stream[i].kind == STREAM_IMAGE ||
                    (uint64_t)p.time.stream[i].most_pixels * p.stream[i].n *
                            p.stream[i].value_bits <=
                        448);
    assert_true(p.time.first_result < 538);
    assert_true(p.interval < 256);
    assert_int_equal(p.time.first_result, 440);
    assert_int_equal(p.interval, 176);
    assert_chip_is_as_planned(&p);
    plan_release(&p);
}

static void sixty_four_cores_beat_the_article_s_latency_and_interval(void **state)
{
    (void)state;
    struct machine mc;

    LOAD(&mc, "configs/resnet32_optimized.yaml", "batch=50");
    assert_beyond_the_article(&mc);
    unload(&mc);
    LOAD(&mc, "configs/resnet32.yaml", "fabric.link_gbps=4.48", "mapping.optimize=latency");
    struct mapping_report r = resolve(&mc);
    assert_int_equal(r.value, 440);
    assert_true(r.bound >= 425 && r.bound <= 440);
    assert_beyond_the_article(&mc);
    unload(&mc);
}

/* ---- what is refused ---- */

static void assert_refused(const char *const *set, size_t n, const char *want)
{
    struct machine mc;
    struct mapping_report r;
    struct err_msg m = { "" };

    load(&mc, NULL, set, n);
    assert_int_equal(mapping_resolve(&mc.config, &mc.network, NULL, &r, &m), ERR_INPUT);
    assert_string_equal(m.text, want);
    unload(&mc);
}
#define REFUSED(want, ...)                                                                         \
    assert_refused((const char *const[]){ __VA_ARGS__ },                                           \
                   sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *), want)

static void what_cannot_be_had_is_refused_with_what_would_do(void **state)
{
    (void)state;
    REFUSED("--set chip.cores: chip.cores = 40: network resnet-cifar-32 needs 43 cores with "
            "arrays of 256 x 256: want chip.cores = 43 or larger arrays",
            "mapping.optimize=interval", "chip.cores=40");
    REFUSED("default: chip.cores = 64: network resnet-cifar-65534 needs 87379 cores with arrays "
            "of 256 x 256, its weights at least 196 such chips: want larger arrays or fewer layers",
            "mapping.optimize=interval", "network.depth=65534");
    REFUSED("--set core.digital.lanes: core.digital.lanes = 1: layer rs2 cannot be mapped with "
            "that: want core.digital.lanes = 56, 55 more",
            "mapping.optimize=latency",
            "core.digital.lanes=1", "clocking.timestep_ns=2", "core.crossbar.mvm_ns=2");
    REFUSED("--set fabric.link_gbps: fabric.link_gbps = 4: no mapping of resnet-cifar-32 does with "
            "that: want fabric.link_gbps = 4.48, 0.48 more",
            "mapping.optimize=latency", "fabric.link_gbps=4");
    REFUSED("--set mapping.replicas.32: mapping.optimize and mapping.policy choose replicas, "
            "copies and block widths: want either these or one of them", "mapping.optimize=latency",
            "mapping.replicas.32=4");
    REFUSED("--set mapping.policy: mapping.policy = best: want none, stride, greedy or article",
            "mapping.policy=best");
    REFUSED("--set mapping.optimize: mapping.optimize = edp: energy has no price: want "
            "energy.chip, such as dazzi2021_14nm",
            "mapping.optimize=edp");
}

/* ---- the front ---- */

static void more_cores_are_never_worse_along_the_front(void **state)
{
    (void)state;
    struct machine mc;
    struct pareto front;
    struct err_msg m;

    LOAD(&mc, NULL, "network.depth=20", "chip.cores=40", "mapping.effort=20");
    assert_int_equal(mapping_pareto(&mc.config, &mc.network, NULL, &front, &m), ERR_NONE);
    assert_true(front.n_point > 3);
    for (uint32_t i = 0; i < front.n_point; i++) {
        const struct pareto_point *p = &front.point[i];
        assert_true(p->cores <= 40 && p->bound <= p->first_result);
        assert_true(i == 0 || (p->cores > p[-1].cores && p->interval <= p[-1].interval &&
                               p->first_result <= p[-1].first_result));
    }
    pareto_release(&front);
    unload(&mc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interval_has_time_for_the_words_of_an_image),
        cmocka_unit_test(an_option_that_fails_alone_fails_with_all_others),
        cmocka_unit_test(cheapest_mappings_split_what_links_need_split),
        cmocka_unit_test(little_effort_does_not_make_a_bound_too_high),
        cmocka_unit_test(first_results_are_those_of_the_plan),
        cmocka_unit_test(no_rule_of_the_field_is_better),
        cmocka_unit_test(greedy_gives_its_copies_to_the_earliest_of_the_slowest),
        cmocka_unit_test(the_article_s_rule_is_4_2_1),
        cmocka_unit_test(sixty_four_cores_beat_the_article_s_latency_and_interval),
        cmocka_unit_test(what_cannot_be_had_is_refused_with_what_would_do),
        cmocka_unit_test(more_cores_are_never_worse_along_the_front),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
