/* Images under elastic clocking: what comes of them does not depend on when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/elastic/elastic.h"
#include "study/run.h"
#include "test/random_study.h"
#include "test/token_machine.h"

enum { N_STUDY = 500, N_TOKENS = 100, N_IMAGE = 3 };

static enum err run_images(struct run_result *r, const struct plan *p, enum kernel_mode mode,
                           struct err_msg *m)
{
    const struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = mode, .jobs = 1,
                                 .images = "random", .n_image = N_IMAGE };

    return run(p, &cfg, r, m);
}

/* Buffers large enough that hardly any network stands still, small enough that they fill. */
static void set_buffers(struct elastic_cfg *e, unsigned seed)
{
    e->input_pixels = 1 + seed % 3;
    e->residual_pixels = 40 + seed % 30;
    e->partial_sum_pixels = 1 + seed / 3 % 3;
    e->output_pixels = 1 + seed / 2 % 4;
    e->read_back_pixels = 1 + seed % 2;
    e->group = seed % 2 ? GROUP_ANY : GROUP_FULL;
    e->credit_clk = 1 + seed % 4;
}

static void assert_counters(const struct random_study *s, const struct plan *p,
                            const struct run_result *e, const struct run_result *t)
{
    for (uint32_t i = 0; run_counts_all(p) && i < p->n_core; i++) {
        if (p->layer[p->core[i].plan_layer].replicas.n > 1)
            continue; // timesteps fire what is there, elastic clocking whole groups
        for (const struct counter *c = core_counter_rows; c->name; c++) {
            uint64_t a = counter_get(c, &e->core[i]), b = counter_get(c, &t->core[i]);
            bool of_columns = strncmp(c->name, "words", strlen("words")) == 0;
            if (a == b || strcmp(c->name, "busy_timesteps") == 0)
                continue;
            if (of_columns && p->time.core[i].layout.shape.columns !=
                                  s->plan.time.core[i].layout.shape.columns)
                continue;
            fail_msg("seed %u, core %u, %s: %llu, want %llu", s->seed, (unsigned)i, c->name,
                     (unsigned long long)a, (unsigned long long)b);
        }
    }
}

static void assert_times(const struct elastic_result *e)
{
    for (uint32_t i = 0; i < e->n_stage; i++) {
        uint64_t sum = 0;
        for (int k = 0; k < N_ELASTIC_STATE; k++)
            sum += e->stage[i].clk[k];
        assert_int_equal(sum, e->elapsed);
    }
}

/* Returns whether it ended; else it stands still and says so. */
static bool compare(void (*study_make)(struct random_study *, unsigned), unsigned seed)
{
    struct run_result t, e, back;
    struct random_study s;
    struct plan p;
    struct err_msg m;

    study_make(&s, seed);
    if (run_images(&t, &s.plan, KERNEL_SKIP_IDLE, &m))
        fail_msg("seed %u: %s", seed, m.text);
    s.config.clocking = CLOCKING_ELASTIC;
    set_buffers(&s.config.elastic, seed);
    enum err err = plan_make(&p, &s.network, &s.config, &m);
    bool planned = !err;
    if (!err)
        err = run_images(&e, &p, KERNEL_SKIP_IDLE, &m);
    if (!err) {
        assert_int_equal(run_images(&back, &p, KERNEL_REVERSED, &m), ERR_NONE);
        for (uint32_t i = 0; i < N_IMAGE; i++) {
            if (t.predicted)
                assert_int_equal(e.predicted[i], t.predicted[i]);
            assert_int_equal(e.elastic->result_clk[i], back.elastic->result_clk[i]);
        }
        assert_memory_equal(e.stream_bits, t.stream_bits, p.n_stream * sizeof *e.stream_bits);
        assert_counters(&s, &p, &e, &t);
        assert_times(e.elastic);
        run_result_release(&e);
        run_result_release(&back);
    } else if (planned && !strstr(m.text, "nothing can move any more")) {
        fail_msg("seed %u: %s", seed, m.text);
    }
    if (planned)
        plan_release(&p);
    run_result_release(&t);
    random_study_release(&s);
    return !err;
}

static void random_networks_have_the_classes_and_counters_of_timesteps(void **state)
{
    uint32_t n = 0;

    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++)
        n += compare(random_study_make, seed);
    print_message("%u of %d networks end\n", n, N_STUDY);
    assert_true(n >= N_STUDY * 3 / 4);
}

static void random_transformers_have_the_classes_and_counters_of_timesteps(void **state)
{
    uint32_t n = 0;

    (void)state;
    for (unsigned seed = 1; seed <= N_TOKENS; seed++)
        n += compare(token_map_study_make, seed) + compare(token_sums_study_make, seed);
    assert_int_equal(n, 2 * N_TOKENS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_networks_have_the_classes_and_counters_of_timesteps),
        cmocka_unit_test(random_transformers_have_the_classes_and_counters_of_timesteps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
