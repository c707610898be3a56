/* Elastic clocking on networks and machines that no paper names, beside the plan of timesteps,
 * closed forms, and a twin that steps every core in every clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/elastic/elastic.h"
#include "arch/reckon.h"
#include "study/study.h"
#include "test/dice.h"
#include "test/elastic_rig.h"
#include "test/naive_elastic.h"
#include "test/plan_rig.h"

enum { MOST_SET = 24 };

#define BUFFERS(n, back)                                                                           \
    "elastic.input_pixels=" n, "elastic.residual_pixels=" n, "elastic.partial_sum_pixels=" n,      \
    "elastic.output_pixels=" n, "elastic.read_back_pixels=" back
#define WHOLE "core.crossbar.rows=512", "core.crossbar.columns=512"

/* A machine of `set` and `more`, both up to NULL. */
static void make(struct plan_rig *r, const char *const *set, const char *const *more)
{
    const char *all[MOST_SET];
    size_t n = 0;

    for (; *set; set++)
        all[n++] = *set;
    for (; *more; more++)
        all[n++] = *more;
    assert_true(n < MOST_SET);
    all[n] = NULL;
    if (rig_make(r, all))
        fail_msg("%s", r->msg.text);
}

static void run_it(struct elastic_result *e, const struct plan *p, uint64_t n_image)
{
    const struct elastic_cfg_run cfg = { .n_image = n_image };
    struct err_msg m;

    if (elastic_run(p, &cfg, e, &m))
        fail_msg("%s", m.text);
}

/* ---- long multiplications: the timesteps of timestep clocking ---- */

/* From the first firing to the first result, with multiplications of T = t clocks and 1 GHz or 500
 * MHz: less n T, where n are the timesteps of the plan without hops of partial sums. */
static uint64_t rest_of(const char *const *set, uint64_t t, uint32_t clock_mhz)
{
    char mvm[64], clock[64];
    const char *const steps[] = { "clocking.kind=timestep", "fabric.partial_sum_hops=0", NULL };
    const char *const elastic[] = { "clocking.kind=elastic", BUFFERS("8", "4"), clock, mvm, NULL };
    struct elastic_result e;
    struct plan_rig r;

    make(&r, set, steps);
    const uint64_t n = r.plan.time.first_result;
    rig_release(&r);
    snprintf(clock, sizeof clock, "clock_mhz=%u", (unsigned)clock_mhz);
    snprintf(mvm, sizeof mvm, "core.crossbar.mvm_ns=%llu",
             (unsigned long long)(t * 1000 / clock_mhz));
    make(&r, set, elastic);
    run_it(&e, &r.plan, 1);
    const uint64_t clk = e.result_clk[0] - e.first_firing_clk;
    assert_true(clk >= n * t && clk < n * t + t);
    elastic_result_release(&e);
    rig_release(&r);
    return clk - n * t;
}

static const char *const networks[][8] = {
    { NULL },
    { "network.depth=8", NULL },
    { "network.depth=20", "network.size=16", NULL },
    { "network.depth=44", "chip.cores=96", NULL },
    { "network.depth=8", "network.size=24", "network.channels=[8, 20, 32]", NULL },
    { "network.depth=14", WHOLE, "mapping.replicas={32: 4, 16: 2, 8: 1}",
      "fabric.link_gbps=6", NULL },
    { "network.depth=14", WHOLE, "mapping.replicas={32: 8, 16: 4, 8: 2}",
      "fabric.link_gbps=12", "fabric.partial_sum_gbps=40", NULL },
    { "network.depth=20", "core.crossbar.rows=128", "core.crossbar.columns=128",
      "chip.cores=256", NULL },
};

/* n T + m: what is not multiplied is the same however long that takes. */
static void other_networks_take_the_timesteps_of_their_plans(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        const uint64_t m = rest_of(networks[i], 30000, 500);
        assert_int_equal(rest_of(networks[i], 200000, 500), m);
        print_message("network %u: n T + %u\n", (unsigned)i, (unsigned)m);
    }
}

/* The sum of docs/elastic.md over the hops of 6 n + 2 layers. */
static void each_block_adds_its_hops(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 7; n += 2) {
        char depth[40];
        const char *const set[] = { depth, "chip.cores=96", NULL };
        snprintf(depth, sizeof depth, "network.depth=%u", (unsigned)(6 * n + 2));
        assert_int_equal(rest_of(set, 30000, 500),
                         (2 * n + 1) * (1 + 13 + 1 + 1 + 6) + (1 + 23 + 1 + 2 + 6) +
                             (2 * n - 1) * (1 + 23 + 1 + 2 + 12) + 33 + (2 * n - 2) * (39 + 46) +
                             (46 + 55) + 1);
    }
}

/* At twice the clock, with links twice as fast, a million clocks are a million ns. */
static void a_multiplication_may_take_a_million_clocks(void **state)
{
    static const char *const set[] = { "fabric.link_gbps=10", "fabric.partial_sum_gbps=40.96",
                                       NULL };

    (void)state;
    assert_int_equal(rest_of(set, 1000000, 1000), 1441);
}

/* ---- the busiest sets the pace ---- */

static const char *const machines[][6] = {
    { "core.crossbar.mvm_ns=140", NULL },
    { "core.crossbar.mvm_ns=20", "fabric.link_gbps=0.9", NULL },
    { "core.digital.lanes=3", "core.digital.clock_mhz=70", NULL },
    { "fabric.partial_sum_gbps=3", NULL },
};

/* Where that is no memory port, and buffers hold what is on its way. */
static void the_busiest_sets_the_pace_of_other_networks(void **state)
{
    uint32_t n = 0;

    (void)state;
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++)
        for (size_t k = 0; k < sizeof machines / sizeof *machines; k++) {
            const char *all[MOST_SET] = { "clocking.kind=elastic", BUFFERS("64", "16") };
            struct elastic_result e;
            struct plan_rig r;
            uint64_t clocks, images, busy = 0;
            size_t used = 6;
            for (size_t j = 0; machines[k][j]; j++)
                all[used++] = machines[k][j];
            make(&r, networks[i], all);
            run_it(&e, &r.plan, 24);
            assert_true(elastic_interval(&r.plan, &e, &clocks, &images));
            enum elastic_kind kind = ELASTIC_PORT;
            for (uint32_t j = 0; j < e.n_stage; j++)
                if (e.stage[j].clk[ELASTIC_BUSY] > busy) {
                    busy = e.stage[j].clk[ELASTIC_BUSY];
                    kind = e.stage[j].kind;
                }
            assert_true(clocks * 24 + 24 >= busy * images); // never below
            if (kind != ELASTIC_PORT && clocks * 24 != busy * images)
                fail_msg("network %u, machine %u: %f, want %f", (unsigned)i, (unsigned)k,
                         (double)clocks / (double)images, (double)busy / 24);
            n += kind != ELASTIC_PORT;
            elastic_result_release(&e);
            rig_release(&r);
        }
    print_message("%u machines that no port bounds\n", n);
    assert_true(n > 20);
}

/* ---- beside a twin that steps every core in every clock ---- */

static const struct {
    const char *config, *set[MOST_SET];
} others[] = {
    { "configs/resnet32.yaml", { "network.depth=8", "network.size=12", NULL } },
    { "configs/resnet32.yaml", { "network.depth=8", "network.size=12", "elastic.registers=1",
                                 "elastic.output_pixels=1", "elastic.credit_clocks=7", NULL } },
    { "configs/resnet32_optimized.yaml", { "elastic.residual_pixels=9", NULL } },
    { "configs/resnet32_speedup.yaml", { "network.depth=8", "network.size=12", NULL } },
    { "configs/hermes_14nm.yaml", { "network.depth=8", "network.size=12",
                                    "elastic.results=2", NULL } },
    { "configs/neurosim_resnet32_22nm.yaml", { "network.depth=8", "network.size=12", NULL } },
    { "configs/dazzi2021_14nm.yaml", { "network.depth=8", "network.size=10",
                                       "elastic.image_period_clocks=6000", NULL } },
    { "configs/kim2019_vcam.yaml", { NULL } },
    { "configs/lee2020_reram_bnn.yaml", { NULL } },
    { "configs/isaac_pulses_32nm.yaml", { "network.depth=8", "network.size=12", NULL } },
    { "configs/sram_adder_tree.yaml", { "elastic.group=any", NULL } },
};

static void machines_that_come_along_are_as_the_twin_says(void **state)
{
    enum { N_IMAGE = 2, PATIENCE = 2000000 };

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const char *set[MOST_SET] = { "clocking.kind=elastic" };
        uint64_t clk[NAIVE_ELASTIC_IMAGES];
        struct elastic_result e;
        struct study s;
        struct err_msg m;
        size_t n = 1;
        for (; others[i].set[n - 1]; n++)
            set[n] = others[i].set[n - 1];
        if (study_load_network(&s, others[i].config, set, n, &m) || study_plan_any(&s, &m))
            fail_msg("%s", m.text);
        run_it(&e, &s.plan, N_IMAGE);
        assert_true(
            naive_elastic_run(&s.plan, &s.config.elastic, N_IMAGE, NULL, PATIENCE, NULL, clk));
        for (int k = 0; k < N_IMAGE; k++)
            if (clk[k] != e.result_clk[k])
                fail_msg("%s, image %d: %llu, the twin %llu", others[i].config, k,
                         (unsigned long long)e.result_clk[k], (unsigned long long)clk[k]);
        elastic_result_release(&e);
        study_release(&s);
    }
}

/* Outputs of three images fire together: buffers have room for all of them, and results come in
 * bursts, at the pace of the busiest. */
static void groups_may_run_over_images(void **state)
{
    static const char *const replicas[] = { "mapping.replicas={fc: 3}",
                                            "mapping.replicas={conv6: 6}", // on maps of 2 x 2
                                            "mapping.replicas={rs2: 6}" };

    (void)state;
    for (size_t i = 0; i < 3; i++)
        for (uint64_t n = 6; n <= 13; n++) {
            const char *const set[] = { "clocking.kind=elastic", "network.depth=8",
                                        "network.size=8", "mapping.firing=free",
                                        "core.input_memory.columns=12",
                                        "elastic.output_pixels=1", "elastic.residual_pixels=1",
                                        "elastic.partial_sum_pixels=1", replicas[i], NULL };
            struct elastic_result e;
            struct plan_rig r;
            uint64_t clocks, images;
            if (rig_make(&r, set))
                fail_msg("%s", r.msg.text);
            run_it(&e, &r.plan, n);
            assert_true(elastic_interval(&r.plan, &e, &clocks, &images));
            assert_int_equal(images, n / 3 / 2 * 3);
            assert_int_equal(clocks, images * 3200); // of conv1, 64 products of 50
            elastic_result_release(&e);
            rig_release(&r);
        }
}

/* ---- groups of outputs: what a core counts ---- */

enum { MOST_MAP = 64 };

struct counted { // firing by firing
    const struct plan *plan;
    struct core_counters *core; // owned; [n_core]
};

/* Rows that outputs drive together: a place of their windows drives those of its channels once. */
static uint64_t rows_together(const struct plan_core *c, const struct window *w,
                              const struct pixel *output, uint32_t n)
{
    static bool seen[MOST_MAP][MOST_MAP];
    uint32_t places = 0;

    memset(seen, 0, sizeof seen);
    for (uint32_t o = 0; o < n; o++)
        for (uint32_t i = 0; i < w->kernel[0]; i++)
            for (uint32_t k = 0; k < w->kernel[1]; k++) {
                bool *at = &seen[window_begin(w, 0, output[o].row) + i + 8]
                                [window_begin(w, 1, output[o].column) + k + 8];
                places += !*at;
                *at = true;
            }
    return (uint64_t)places * c->in_n;
}

static void count_firing(void *user, uint32_t core, const struct core_event *e)
{
    const struct counted *k = user;
    const struct plan_core *c = &k->plan->core[core];
    const struct plan_layer *pl = &k->plan->layer[c->plan_layer];
    const struct firing_shape shape = plan_firing_shape(k->plan, c->plan_layer);

    if (e->kind != CORE_FIRED || layer_is_digital(plan_network_layer(k->plan, c->plan_layer)))
        return;
    k->core[core].firings++;
    k->core[core].conversions += (uint64_t)e->n * c->out_n;
    for (uint32_t from = 0, to; from < e->n; from = to) {
        for (to = from + 1; to < e->n; to++)
            if (e->pixel[to].image != e->pixel[from].image ||
                firing_replica(pl->firing, &shape, &e->pixel[from], &e->pixel[to]) >= shape.n)
                break;
        k->core[core].driven_rows += rows_together(c, &pl->window, &e->pixel[from], to - from);
    }
}

static void assert_counted(const char *const *set, uint64_t n_image)
{
    struct elastic_result e;
    struct plan_rig r;
    struct err_msg m;

    if (rig_make(&r, set))
        fail_msg("%s", r.msg.text);
    const struct plan *p = &r.plan;
    struct counted k = { p, calloc(p->n_core, sizeof *k.core) };
    struct core_counters *core = calloc(p->n_core, sizeof *core);
    uint64_t *bits = calloc(p->n_stream, sizeof *bits);
    const struct core_probe probe = { .event = count_firing, .user = &k };
    const struct elastic_cfg_run cfg = { .n_image = n_image, .probe = &probe };
    assert_true(k.core && core && bits);
    if (elastic_run(p, &cfg, &e, &m))
        fail_msg("%s", m.text);
    assert_true(reckon_images(p, n_image, core, bits));
    for (uint32_t i = 0; i < p->n_core; i++) {
        assert_int_equal(core[i].firings, e.core[i].firings);
        assert_int_equal(core[i].firings, k.core[i].firings);
        assert_int_equal(core[i].outputs, e.core[i].outputs);
        assert_int_equal(core[i].conversions, k.core[i].conversions);
        if (p->layer[p->core[i].plan_layer].parts == 1)
            assert_int_equal(core[i].driven_rows, k.core[i].driven_rows);
    }
    free(k.core);
    free(core);
    free(bits);
    elastic_result_release(&e);
    rig_release(&r);
}

/* Whole groups are reckoned as they fire, whatever the policy, the copies and the images that a
 * group goes on over. */
static void groups_are_reckoned_as_they_fire(void **state)
{
    static const char *const firing[] = { "mapping.firing=block", "mapping.firing=column",
                                          "mapping.firing=free" };
    static const char *const replicas[] = {
        "mapping.replicas={16: 4, 8: 2}", "mapping.replicas={16: 3, 8: 3, 4: 5}",
        "mapping.replicas={16: 7}", "mapping.replicas={8: 6, 4: 4}" };
    static const char *const copies[] = { "mapping.copies={}", "mapping.copies={16: 2, 8: 3}" };

    (void)state;
    for (size_t i = 0; i < 3 * 4 * 2; i++)
        for (uint64_t n = 1; n <= 4; n++) {
            const char *const set[] = { "clocking.kind=elastic", "network.depth=8",
                                        "network.size=16", "core.crossbar.rows=2048",
                                        "core.crossbar.columns=2048", "chip.cores=64",
                                        "core.input_memory.columns=16", firing[i % 3],
                                        replicas[i / 3 % 4], copies[i / 12], NULL };
            assert_counted(set, n);
        }
}

/* ---- work ahead of the clock ---- */

static void nothing(void *user, uint32_t core, const struct core_event *e)
{
    (void)user, (void)core, (void)e;
}

/* A chip whose firings are told is stepped clock by clock; one that works ahead does the same in
 * the same clocks, where pixels are read back into buffers of several for several cores, too. */
static void cores_that_work_ahead_are_as_stepped(void **state)
{
    static const char *const columns[] = { "core.crossbar.columns=8", "core.crossbar.columns=16",
                                           "core.crossbar.columns=64" };
    static const char *const keys[] = { "elastic.read_back_pixels", "elastic.residual_pixels",
                                        "elastic.input_pixels", "elastic.output_pixels",
                                        "elastic.results", "elastic.registers",
                                        "elastic.hop_clocks", "elastic.credit_clocks" };
    static const int least[] = { 1, 4, 1, 1, 1, 1, 1, 1 }, most[] = { 4, 9, 3, 4, 3, 2, 4, 6 };
    static const char *const mvm[] = { "core.crossbar.mvm_ns=2", "core.crossbar.mvm_ns=10",
                                       "core.crossbar.mvm_ns=40" };
    static const char *const rate[] = { "fabric.link_gbps=2", "fabric.link_gbps=5",
                                        "fabric.link_gbps=20" };
    const struct core_probe probe = { .event = nothing };
    struct dice dice = { 5 };

    (void)state;
    for (int i = 0; i < 60; i++) {
        char text[8][40];
        const char *set[MOST_SET] = { "clocking.kind=elastic", "network.depth=14",
                                      "network.size=16", "chip.cores=256", columns[i % 3],
                                      mvm[i / 3 % 3], rate[i / 9 % 3] };
        struct elastic_result a, b;
        struct plan_rig r;
        struct err_msg m;
        for (int k = 0; k < 8; k++) {
            const unsigned n = pick(&dice, (uint32_t)least[k], (uint32_t)most[k]);
            snprintf(text[k], sizeof text[k], "%s=%u", keys[k], n);
            set[7 + k] = text[k];
        }
        if (rig_make(&r, set))
            fail_msg("%s", r.msg.text);
        const struct elastic_cfg_run stepped = { .n_image = 3, .probe = &probe };
        run_it(&a, &r.plan, 3);
        if (elastic_run(&r.plan, &stepped, &b, &m))
            fail_msg("%s", m.text);
        elastic_rig_same(&a, &b, &r.plan);
        elastic_result_release(&a);
        elastic_result_release(&b);
        rig_release(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_networks_take_the_timesteps_of_their_plans),
        cmocka_unit_test(each_block_adds_its_hops),
        cmocka_unit_test(a_multiplication_may_take_a_million_clocks),
        cmocka_unit_test(the_busiest_sets_the_pace_of_other_networks),
        cmocka_unit_test(groups_may_run_over_images),
        cmocka_unit_test(groups_are_reckoned_as_they_fire),
        cmocka_unit_test(cores_that_work_ahead_are_as_stepped),
        cmocka_unit_test(machines_that_come_along_are_as_the_twin_says),
    };

    return cmocka_run_group_tests_name("elastic_others", tests, NULL, NULL);
}
