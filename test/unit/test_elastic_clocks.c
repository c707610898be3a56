/* Random networks on elastic machines whose stages take some clocks each, so that each of them may
 * be what the others wait for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "arch/elastic/elastic.h"
#include "core/util.h"
#include "test/elastic_rig.h"
#include "test/random_study.h"

enum { FIRST = 1, N_MACHINE = 200 };

static void tell_nobody(void *user, uint32_t core, const struct core_event *e)
{
    (void)user;
    (void)core;
    (void)e;
}

static void same_run(const struct elastic_result *e, const struct plan *p,
                     const struct elastic_cfg_run *cfg)
{
    struct elastic_result other;
    struct err_msg m;

    if (elastic_run(p, cfg, &other, &m))
        fail_msg("%s", m.text);
    elastic_rig_same(e, &other, p);
    elastic_result_release(&other);
}

/* ---- what buffers hold, as who watches is told ---- */

struct held {
    uint32_t pixels, most;
    uint64_t since_clk, full_clk;
};

struct watcher {
    const struct elastic_result *e;
    struct held                 *held; // owned; by buffer
};

static void see_state(void *user, uint64_t clk, uint32_t stage, const struct elastic_cause *cause)
{
    (void)user;
    (void)clk;
    (void)stage;
    (void)cause;
}

static void see_fill(void *user, uint64_t clk, uint32_t buffer, uint32_t pixels)
{
    const struct watcher *w = user;
    struct held *h = &w->held[buffer];

    h->full_clk += h->pixels == w->e->buffer[buffer].size ? clk - h->since_clk : 0;
    h->since_clk = clk;
    h->pixels = pixels;
    h->most = max_u32(h->most, pixels);
}

static void buffers_are_as_told(const struct plan *p, const struct elastic_result *e,
                                uint64_t n_image)
{
    struct watcher w = { e, calloc(e->n_buffer, sizeof *w.held) };
    const struct elastic_watch watch = { see_state, see_fill, &w };
    const struct elastic_cfg_run cfg = { .n_image = n_image, .watch = &watch };

    same_run(e, p, &cfg);
    for (uint32_t i = 0; i < e->n_buffer; i++) {
        see_fill(&w, e->elapsed, i, w.held[i].pixels);
        assert_int_equal(w.held[i].most, e->buffer[i].most);
        assert_int_equal(w.held[i].full_clk, e->buffer[i].full_clk);
        assert_int_equal(w.held[i].pixels, 0);
    }
    free(w.held);
}

/* Each image run, in any order of steps, and most of them left out. */
static void compare_runs(const struct plan *p, const struct elastic_result *few, uint64_t n_few)
{
    static const struct core_probe probe = { .event = tell_nobody };
    struct elastic_cfg_run cfg = { .n_image = n_few };
    struct elastic_result e;
    struct err_msg m;

    elastic_rig_adds_up(few);
    for (cfg.mode = KERNEL_EVERY_CYCLE; cfg.mode <= KERNEL_REVERSED; cfg.mode++)
        same_run(few, p, &cfg);
    buffers_are_as_told(p, few, n_few);
    cfg = (struct elastic_cfg_run){ .n_image = 15 };
    const enum err err = elastic_run(p, &cfg, &e, &m); // a later image may find no room
    cfg.probe = &probe;
    if (err) {
        assert_int_equal(elastic_run(p, &cfg, &e, &m), err);
        return;
    }
    elastic_rig_adds_up(&e);
    same_run(&e, p, &cfg);
    elastic_result_release(&e);
}

static void machines_whose_stages_take_some_clocks_are_as_the_twin_says(void **state)
{
    uint32_t n_run = 0, n_stuck = 0;

    (void)state;
    for (unsigned seed = FIRST; seed < FIRST + N_MACHINE; seed++) {
        const struct elastic_cfg_run cfg = { .n_image = 1 + seed % 3 };
        struct random_study s;
        struct elastic_result e;
        struct plan p;

        random_study_make(&s, seed);
        random_study_clocks(&s);
        s.config.elastic.image_period_clk = seed % 5 == 0 ? seed * 37 % 5000 : 0;
        if (random_study_elastic(&p, &s)) {
            const bool ends = elastic_rig_agrees(&e, &p, &cfg, seed);
            if (ends) {
                compare_runs(&p, &e, cfg.n_image);
                elastic_result_release(&e);
            }
            n_run += ends;
            n_stuck += !ends;
            plan_release(&p);
        }
        random_study_release(&s);
    }
    print_message("%u machines run, %u stand still\n", n_run, n_stuck);
    assert_true(n_run >= N_MACHINE / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machines_whose_stages_take_some_clocks_are_as_the_twin_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
