/* test/unit/test_mapper.c -- the mapper against every mapping there is, against the rules of the
 * field, and against the cycle-level chip. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/run.h"
#include "core/util.h"
#include "dataflow/mapper.h"
#include "dataflow/mapper_times.h"

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

/* ---- every mapping there is ---- */

struct least { // over all mappings, each by itself
    uint64_t interval, latency, product;
    uint32_t n_mapping;
};

struct way {
    uint32_t n, width, copies;
};

static struct config with_ways(const struct machine *mc, const struct way *way,
                               struct count_entry entry[3][8])
{
    struct config c = mc->config;
    struct count_map *maps[] = { &c.mapping.replicas, &c.mapping.copies, &c.mapping.block_width };

    for (uint32_t i = 0; i + 1 < mc->network.n_layer; i++) {
        const uint32_t values[] = { way[i].n, way[i].copies, way[i].width };
        for (int k = 0; k < 3; k++)
            entry[k][i] = (struct count_entry){ .key = mc->network.layer[i + 1].name,
                                                .where = (char *)"test",
                                                .value = values[k] };
    }
    for (int k = 0; k < 3; k++)
        *maps[k] = (struct count_map){ entry[k], mc->network.n_layer - 1 };
    return c;
}

static bool try_ways(const struct machine *mc, const struct way *way, struct least *least)
{
    struct count_entry entry[3][8];
    struct config c = with_ways(mc, way, entry);
    struct plan p;
    struct err_msg m;

    if (plan_make(&p, &mc->network, &c, &m))
        return false;
    least->interval = min_u64(least->interval, p.interval);
    least->latency = min_u64(least->latency, p.first_result);
    least->product = min_u64(least->product, p.interval * p.first_result);
    least->n_mapping++;
    plan_release(&p);
    return true;
}

/* Layers from `layer` on in all ways that have a plan while the layers behind are mapped once. */
static void try_all(const struct machine *mc, uint32_t layer, struct way *way, struct least *least)
{
    if (layer + 1 == mc->network.n_layer)
        return;
    const struct shape *out = &mc->network.layer[layer + 1].out;
    for (uint32_t width = 1; width <= out->width; width++)
        for (uint32_t n = width; n <= out->width * out->height; n++)
            for (uint32_t copies = 1; copies <= out->width; copies++) {
                way[layer] = (struct way){ n, width, copies };
                for (uint32_t i = layer + 1; i < 8; i++)
                    way[i] = (struct way){ 1, 1, 1 };
                struct least unused = *least;
                if (!try_ways(mc, way, way[layer].n * way[layer].copies == 1 && layer > 0
                                           ? &unused : least))
                    continue;
                try_all(mc, layer + 1, way, least);
            }
}

static void is_least(struct machine *mc, const char *objective, uint64_t want)
{
    const char *const names[] = { "none", "latency", "interval", "balanced" };
    struct machine copy;

    for (uint32_t i = 1; i < 4; i++)
        if (strcmp(names[i], objective) == 0)
            mc->config.mapping.optimize = (enum optimize)i;
    copy = *mc;
    struct mapping_report r = resolve(&copy);
    struct plan p = plan_of(&copy);
    uint64_t got = mc->config.mapping.optimize == OPTIMIZE_LATENCY    ? p.first_result
                   : mc->config.mapping.optimize == OPTIMIZE_INTERVAL ? p.interval
                                                                      : p.interval * p.first_result;

    assert_int_equal(got, want);
    assert_int_equal(r.value, want);
    assert_int_equal(r.bound, want);
    plan_release(&p);
    param_release(config_params, &copy.config); // what the mapper put there
}

static void no_mapping_is_better_in_small_cases(void **state)
{
    (void)state;
    uint32_t n_mapping = 0;

    for (uint32_t seed = 1; seed <= 8; seed++) {
        uint32_t r = seed;
        char size[32], channels[64], rows[64], columns[64], cores[32], link[64];
        uint32_t c = pick(&r, 2, 4), fit = pick(&r, 1, 2), side = pick(&r, 3, 4);

        snprintf(size, sizeof size, "network.size=%u", side);
        snprintf(channels, sizeof channels, "network.channels=[%u]", c);
        snprintf(rows, sizeof rows, "core.crossbar.rows=%u", pick(&r, 9 * c, 16 * c));
        snprintf(columns, sizeof columns, "core.crossbar.columns=%u", fit * c + pick(&r, 0, 1));
        snprintf(cores, sizeof cores, "chip.cores=%u", pick(&r, 6, 10));
        snprintf(link, sizeof link, "fabric.link_gbps=%.2f", 0.08 * c * pick(&r, 1, 3));
        struct machine mc;
        LOAD(&mc, NULL, "network.depth=4", "network.classes=2", size, channels, rows, columns,
             cores, link, LARGE_MEMORY);
        struct way way[8] = { { 0 } };
        struct least least = { UINT64_MAX, UINT64_MAX, UINT64_MAX, 0 };
        for (int i = 0; i < 8; i++)
            way[i] = (struct way){ 1, 1, 1 };
        try_all(&mc, 0, way, &least);
        n_mapping += least.n_mapping;
        is_least(&mc, "interval", least.interval);
        is_least(&mc, "latency", least.latency);
        is_least(&mc, "balanced", least.product);
        unload(&mc);
    }
    assert_true(n_mapping > 1000);
}

/* ---- times ---- */

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
        assert_int_equal(mapper_times_first_result(times, choice), p.first_result);
        assert_int_equal(mapper_interval(&mp, choice), p.interval);
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

static void assert_chip_is_as_planned(const struct plan *p)
{
    const struct run_cfg cfg = { .n_image = 3, .jobs = 1 };
    struct run_result r;
    struct err_msg m;

    if (run(p, &cfg, &r, &m))
        fail_msg("%s", m.text);
    assert_int_equal(r.first_result, p->first_result);
    assert_int_equal(r.total_timesteps, p->first_result + 2 * p->interval);
    run_result_release(&r);
}

/* ---- rules of the field ---- */

static uint64_t value_of(enum optimize o, uint64_t interval, uint64_t first_result)
{
    return o == OPTIMIZE_LATENCY    ? first_result
           : o == OPTIMIZE_INTERVAL ? interval
                                    : interval * first_result;
}

static void assert_as_predicted(const struct mapper *mp, struct machine *mc,
                                const struct mapper_result *r)
{
    struct machine copy = *mc;
    struct err_msg m;

    assert_int_equal(mapper_write(mp, r->choice, &copy.config, &m), ERR_NONE);
    struct plan p = plan_of(&copy);
    assert_true(p.n_core == r->cores && p.n_core <= mc->config.chip_cores);
    assert_int_equal(p.interval, r->interval);
    assert_int_equal(p.first_result, r->first_result);
    assert_int_equal(value_of(r->optimize, p.interval, p.first_result), r->value);
    assert_chip_is_as_planned(&p);
    plan_release(&p);
    param_release(config_params, &copy.config);
}

/* No rule whose mapping has a plan is below the optimiser's mapping, nor below its bound. */
static void assert_no_rule_is_better(const struct mapper *mp, const struct mapper_result *r)
{
    uint32_t *choice = calloc(mp->n_layer, sizeof *choice);
    struct mapper_times *times;
    struct err_msg m;

    assert_int_equal(mapper_times_new(&times, mp, &m), ERR_NONE);
    for (size_t i = 0; mapper_policies[i]; i++) {
        if (!mapper_policies[i]->choose(mp, choice) || !mapper_fits(mp, choice))
            continue;
        uint64_t value = value_of(r->optimize, mapper_interval(mp, choice),
                                  mapper_times_first_result(times, choice));
        assert_true(r->value <= value);
        assert_true(r->bound <= value);
    }
    mapper_times_free(times);
    free(choice);
}

static void assert_never_worse(const char *network, const char *cores, const char *rows,
                               const char *link)
{
    static const enum optimize objectives[] = { OPTIMIZE_LATENCY, OPTIMIZE_INTERVAL,
                                                OPTIMIZE_BALANCED };
    char columns[64];
    struct machine mc;
    struct mapper mp;
    struct err_msg m;

    snprintf(columns, sizeof columns, "core.crossbar.columns=%s", strchr(rows, '=') + 1);
    LOAD(&mc, NULL, network, cores, rows, columns, link, "mapping.effort=1");
    assert_int_equal(mapper_init(&mp, &mc.network, &mc.config, &m), ERR_NONE);
    for (int i = 0; i < 3; i++) {
        struct mapper_result r;
        mc.config.mapping.optimize = objectives[i];
        assert_int_equal(mapper_choose(&mp, &r, &m), ERR_NONE);
        assert_as_predicted(&mp, &mc, &r);
        assert_no_rule_is_better(&mp, &r);
        mapper_result_release(&r);
    }
    mapper_release(&mp);
    unload(&mc);
}

static void no_rule_of_the_field_is_better(void **state)
{
    (void)state;
    assert_never_worse("network.depth=20", "chip.cores=34", "core.crossbar.rows=256",
                       "fabric.link_gbps=4.48");
    assert_never_worse("network.depth=32", "chip.cores=64", "core.crossbar.rows=256",
                       "fabric.link_gbps=4.48");
    assert_never_worse("network.depth=32", "chip.cores=40", "core.crossbar.rows=512",
                       "fabric.link_gbps=5.12");
    assert_never_worse("network.depth=44", "chip.cores=128", "core.crossbar.rows=256",
                       "fabric.link_gbps=10.24");
    assert_never_worse("network.depth=56", "chip.cores=128", "core.crossbar.rows=512",
                       "fabric.link_gbps=10.24");
    assert_never_worse("network.onnx=models/resnet32_fmnist.onnx", "chip.cores=70",
                       "core.crossbar.rows=256", "fabric.link_gbps=5.12");
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
    assert_int_equal(p.first_result, 567);
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
                    (uint64_t)p.stream[i].most_pixels * p.stream[i].n * p.stream[i].value_bits <=
                        448);
    assert_true(p.first_result < 538);
    assert_true(p.interval < 256);
    assert_int_equal(p.first_result, 440);
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
    REFUSED("--set chip.cores: chip.cores = 40: every mapping of resnet-cifar-32 onto arrays of "
            "256 x 256 takes at least 43 cores, 3 more: want chip.cores = 43 or larger arrays",
            "mapping.optimize=interval", "chip.cores=40");
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
    REFUSED("--set mapping.optimize: mapping.optimize = edp: energy has no price: want energy.chip, "
            "such as dazzi2021_14nm",
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
    assert_int_equal(mapping_pareto(&mc.config, &mc.network, &front, &m), ERR_NONE);
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
        cmocka_unit_test(no_mapping_is_better_in_small_cases),
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
