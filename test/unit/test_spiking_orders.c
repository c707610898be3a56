/* Random networks of neurons on random machines: the same spikes whatever comes first, step or
 * output, whichever kernel turns the clock, and however images are dealt to jobs. What the spikes
 * have to be is test_spiking's, by plain loops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "study/run.h"
#include "test/random_spiking.h"

enum { N_NETWORK = 500, STEPS = 8, IMAGES = 3 };

struct way {
    const char      *name;
    bool             by_output;
    enum kernel_kind kernel;
    uint32_t         jobs;
};

static const struct way ways[] = {
    { "step by step", false, KERNEL_NATIVE, 1 },
    { "step by step, 3 jobs", false, KERNEL_NATIVE, 3 },
    { "step by step, SystemC", false, KERNEL_SYSTEMC, 1 },
    { "output by output", true, KERNEL_NATIVE, 1 },
    { "output by output, 2 jobs", true, KERNEL_NATIVE, 2 },
    { "output by output, SystemC", true, KERNEL_SYSTEMC, 1 },
};

enum { WAYS = sizeof ways / sizeof *ways };

/* A machine with room for trains of bytes, whose arrays, firing, words and clocks are drawn. */
static void draw_machine(uint64_t seed, char (*text)[64], const char **set)
{
    static const char *const firing[] = { "column", "free", "block" };
    struct random_draws d = { .rng = rng_at(seed, "machine") };
    uint32_t n = 0;

    snprintf(text[n++], sizeof *text, "core.crossbar.rows=%u", 9 + random_draw(&d, 200));
    snprintf(text[n++], sizeof *text, "core.crossbar.columns=%u", 4 + random_draw(&d, 60));
    snprintf(text[n++], sizeof *text, "core.input_memory.word_bits=%u",
             64 * (1 + random_draw(&d, 4)));
    snprintf(text[n++], sizeof *text, "core.input_memory.words=65536");
    snprintf(text[n++], sizeof *text, "core.digital.lanes=1024");
    snprintf(text[n++], sizeof *text, "fabric.link_gbps=10000");
    snprintf(text[n++], sizeof *text, "fabric.partial_sum_gbps=10000");
    snprintf(text[n++], sizeof *text, "fabric.hop_timesteps=%u", 1 + random_draw(&d, 2));
    snprintf(text[n++], sizeof *text, "clock_mhz=10");
    snprintf(text[n++], sizeof *text, "clocking.timestep_ns=%u",
             100 * (200 + random_draw(&d, 100)));
    snprintf(text[n++], sizeof *text, "mapping.firing=%s", firing[random_draw(&d, 3)]);
    snprintf(text[n++], sizeof *text, "mapping.replicas={layer1: %u}", 1 + random_draw(&d, 3));
    snprintf(text[n++], sizeof *text, "chip.cores=65536");
    const uint32_t skips = random_draw(&d, 4), slice = 1 + random_draw(&d, 3);
    if (skips < 2) {
        snprintf(text[n++], sizeof *text, "core.crossbar.skip_zero_%s=yes",
                 skips == 0 ? "rows" : "patches");
        snprintf(text[n++], sizeof *text, "core.crossbar.input_slice_bits=%u", slice);
        snprintf(text[n++], sizeof *text, "core.crossbar.rows_at_once=8");
    }
    for (uint32_t i = 0; i < n; i++)
        set[i] = text[i];
    set[n] = NULL;
}

static void run_so(struct plan_rig *r, const struct way *way, struct run_result *result)
{
    const struct run_cfg cfg = { .images = "random", .n_image = IMAGES, .kernel = way->kernel,
                                 .jobs = way->jobs };
    struct err_msg m;

    r->network.present.by_output = way->by_output;
    if (rig_plan(r))
        fail_msg("%s: %s", way->name, r->msg.text);
    if (run(&r->plan, &cfg, result, &m))
        fail_msg("%s: %s", way->name, m.text);
}

static void expect_same_spikes(const struct run_result *a, const struct run_result *b)
{
    const struct spike_counts *s = &a->spikes, *t = &b->spikes;

    assert_int_equal(s->n_layer, t->n_layer);
    assert_int_equal(s->steps, t->steps);
    assert_memory_equal(s->spikes, t->spikes, (size_t)s->n_layer * s->steps * sizeof *s->spikes);
    assert_memory_equal(s->events, t->events, s->n_layer * sizeof *s->events);
    assert_memory_equal(s->most_state, t->most_state, s->n_layer * sizeof *s->most_state);
    if (a->predicted) // the result is no map
        assert_memory_equal(a->predicted, b->predicted, IMAGES * sizeof *a->predicted);
}

/* Of one order: time and counters too. */
static void expect_same_run(const struct plan *p, const struct run_result *a,
                            const struct run_result *b)
{
    assert_int_equal(a->total_timesteps, b->total_timesteps);
    assert_int_equal(a->first_result, b->first_result);
    assert_memory_equal(a->core, b->core, p->n_core * sizeof *a->core);
}

/* Of both orders: rows and devices are driven by spikes, whenever they come. */
static void expect_same_work(const struct plan *p, const struct run_result *a,
                             const struct run_result *b)
{
    for (uint32_t i = 0; i < p->n_core; i++) {
        assert_int_equal(a->core[i].active_rows, b->core[i].active_rows);
        assert_int_equal(a->core[i].sum_abs_xw, b->core[i].sum_abs_xw);
        assert_int_equal(a->core[i].conversions, b->core[i].conversions);
        assert_int_equal(a->core[i].reads, b->core[i].reads);
        assert_int_equal(a->core[i].shift_adds, b->core[i].shift_adds);
    }
}

static bool any_spike(const struct run_result *r)
{
    uint64_t n = 0;

    for (uint32_t l = 1; l < r->spikes.n_layer; l++)
        n += spike_counts_of(&r->spikes, l);
    return n > 0;
}

static void spikes_are_the_same_whatever_the_order_the_kernel_and_the_jobs(void **state)
{
    uint32_t spiking = 0, n = 0;

    (void)state;
    for (uint64_t seed = 1; n < N_NETWORK; seed++) {
        char text[20][64];
        const char *set[21];
        struct plan_rig r;
        struct run_result result[WAYS] = { 0 };

        draw_machine(seed, text, set);
        random_spiking_make(&r, seed, STEPS, set);
        if (rig_plan(&r)) { // such as a window that lies in the padding
            rig_release(&r);
            continue;
        }
        n++;
        for (uint32_t i = 0, first = 0; i < WAYS; i++) {
            if (ways[i].kernel == KERNEL_SYSTEMC && !kernel_available(KERNEL_SYSTEMC))
                continue;
            run_so(&r, &ways[i], &result[i]);
            first = i > 0 && ways[i].by_output != ways[i - 1].by_output ? i : first;
            expect_same_spikes(&result[0], &result[i]);
            expect_same_work(&r.plan, &result[0], &result[i]);
            expect_same_run(&r.plan, &result[first], &result[i]);
        }
        spiking += any_spike(&result[0]);
        for (uint32_t i = 0; i < WAYS; i++)
            run_result_release(&result[i]);
        rig_release(&r);
    }
    assert_true(spiking > N_NETWORK / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spikes_are_the_same_whatever_the_order_the_kernel_and_the_jobs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
