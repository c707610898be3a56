/* What faster stages bring under elastic clocking: stages that are made fast by hand, by the
 * machine's own keys, and the ladder of the busiest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/elastic/faster.h"
#include "test/cli_rig.h"
#include "test/random_study.h"
#include "test/tmpdir.h"

enum { N_STUDY = 60, N_IMAGE = 4, CLOCK_NS = 100 }; // of random machines

#define ELASTIC "run configs/resnet32.yaml --set clocking.kind=elastic "

/* ---- stages that are fast, and machines whose keys make them so ---- */

/* Of the study, with its slow stages or those of a kind made fast; N_ELASTIC_KIND: none. */
static void set_speed(struct config *c, enum elastic_kind fast)
{
    c->crossbar.mvm_ns = fast == ELASTIC_CROSSBAR ? CLOCK_NS : 7 * CLOCK_NS;
    c->digital.lanes = fast == ELASTIC_DIGITAL ? 65536 : 1;
    c->fabric.link_bps = fast == ELASTIC_LINK ? UINT64_C(10000) * 1000000000
                                              : UINT64_C(150000000); // 15 bits a clock
    c->fabric.partial_sum_bps = c->fabric.link_bps;
}

static bool any_timed(const struct plan *p)
{
    bool any = false;

    for (uint32_t i = 0; i < p->n_layer; i++)
        any |= p->layer[i].array.timed || p->layer[i].array.reads.train > 1;
    return any;
}

/* False: the study has no such plan, or stands still. */
static bool run_speed(struct random_study *s, enum elastic_kind by_key, enum elastic_kind by_hand,
                      struct elastic_result *r)
{
    struct elastic_cfg_run cfg = { .n_image = N_IMAGE };
    struct elastic_result plain;
    bool *fast = NULL;
    struct plan p;
    struct err_msg m;

    set_speed(&s->config, by_key);
    s->config.clocking = CLOCKING_ELASTIC;
    if (plan_make(&p, &s->network, &s->config, &m))
        return false;
    bool ran = !any_timed(&p) && !elastic_run(&p, &cfg, &plain, &m);
    if (ran && by_hand < N_ELASTIC_KIND) {
        fast = calloc(plain.n_stage, sizeof *fast);
        assert_non_null(fast);
        for (uint32_t i = 0; i < plain.n_stage; i++)
            fast[i] = plain.stage[i].kind == by_hand;
        cfg.fast = fast;
        elastic_result_release(&plain);
        ran = !elastic_run(&p, &cfg, &plain, &m);
    }
    if (ran)
        *r = plain;
    free(fast);
    plan_release(&p);
    return ran;
}

static void fast_stages_are_those_of_a_machine_whose_keys_make_them_so(void **state)
{
    uint32_t n[N_ELASTIC_KIND] = { 0 };

    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++)
        for (enum elastic_kind k = ELASTIC_CROSSBAR; k < N_ELASTIC_KIND; k++) {
            struct elastic_result by_hand, by_key;
            struct random_study s;
            random_study_make(&s, seed);
            assert_int_equal(s.config.clock_mhz, 1000 / CLOCK_NS);
            if (run_speed(&s, N_ELASTIC_KIND, k, &by_hand)) {
                assert_true(run_speed(&s, k, N_ELASTIC_KIND, &by_key));
                assert_int_equal(by_hand.elapsed, by_key.elapsed);
                for (uint32_t i = 0; i < by_key.n_stage; i++)
                    assert_memory_equal(by_hand.stage[i].clk, by_key.stage[i].clk,
                                        sizeof by_key.stage[i].clk);
                elastic_result_release(&by_hand);
                elastic_result_release(&by_key);
                n[k]++;
            }
            random_study_release(&s);
        }
    for (enum elastic_kind k = ELASTIC_CROSSBAR; k < N_ELASTIC_KIND; k++)
        assert_true(n[k] > N_STUDY / 6);
}

/* ---- the ladder ---- */

static void assert_ladder(const struct elastic_ladder *l, const struct elastic_result *r)
{
    uint64_t before = UINT64_MAX, used = 0;

    assert_true(l->n > 0);
    for (uint32_t i = 0; i < l->n; i++) {
        const struct elastic_rung *g = &l->rung[i];
        uint32_t alike = 0, busier = 0;
        for (uint32_t k = 0; k < r->n_stage; k++) {
            alike += r->stage[k].clk[ELASTIC_BUSY] == g->busy_clk;
            busier += r->stage[k].clk[ELASTIC_BUSY] > g->busy_clk;
        }
        assert_int_equal(g->n, alike);
        assert_int_equal(busier, used); // those of the rungs before
        assert_true(g->busy_clk < before && g->next_clk < g->busy_clk);
        assert_true(i + 1 == l->n || l->rung[i + 1].busy_clk == g->next_clk);
        before = g->busy_clk;
        used += g->n;
    }
}

/* A port's clocks differ from image to image by few, as words share memory words. */
static void no_interval_is_below_that_of_the_busiest_of_the_others(void **state)
{
    uint32_t n = 0;

    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        const struct elastic_cfg_run cfg = { .n_image = 12 };
        struct random_study s;
        struct elastic_ladder l;
        struct elastic_result r;
        struct plan p;
        struct err_msg m;
        random_study_make(&s, seed);
        set_speed(&s.config, N_ELASTIC_KIND);
        if (random_study_elastic(&p, &s)) {
            if (!elastic_run(&p, &cfg, &r, &m)) {
                assert_int_equal(elastic_climb(&l, &p, &cfg, &r, &m), ERR_NONE);
                assert_ladder(&l, &r);
                for (uint32_t i = 0; i < l.n; i++) {
                    const struct elastic_rung *g = &l.rung[i];
                    double least = (double)g->next_clk / (double)cfg.n_image;
                    bool is_port = g->next < r.n_stage && r.stage[g->next].kind == ELASTIC_PORT;
                    if ((double)g->clocks / (double)g->images < least * (is_port ? 0.95 : 1))
                        fail_msg("seed %u, rung %u: %f below %f", seed, (unsigned)i,
                                 (double)g->clocks / (double)g->images, least);
                }
                elastic_result_release(&r);
                n++;
            }
            plan_release(&p);
        }
        random_study_release(&s);
    }
    assert_true(n > N_STUDY / 6);
}

/* ---- as a user meets it ---- */

/* What is promised of the busiest is what a machine has whose key makes it faster. */
static void assert_promise(const char *dir, const char *slow, const char *quick, const char *bound)
{
    char arguments[300];

    snprintf(arguments, sizeof arguments, ELASTIC "%s --count 9 --json -", slow);
    json_t *doc = json_of(dir, arguments);
    const double promised = number_at(doc, "timing.next.least_interval_clocks");
    assert_string_equal(text_at(doc, "timing.bound.resource"), bound);
    assert_true(number_at(doc, "timing.next.clocks_per_image") == promised);
    json_decref(doc);
    snprintf(arguments, sizeof arguments, ELASTIC "%s --count 9 --json -", quick);
    doc = json_of(dir, arguments);
    assert_true(number_at(doc, "timing.interval_clocks") == promised);
    json_decref(doc);
}

static void the_busiest_made_faster_brings_what_was_promised(void **state)
{
    assert_promise(*state, "--set core.digital.lanes=1 --set core.digital.clock_mhz=100",
                   "--set core.digital.lanes=64", "digital");
    assert_promise(*state, "--set fabric.link_gbps=1", "--set fabric.link_gbps=5", "link");
    char *text = succeed(*state, ELASTIC "--set fabric.link_gbps=1");
    assert_non_null(strstr(text, "Next         conv1.crossbar: with the former, and 15 that work "
                                 "as long, in no time an image"));
    free(text);
}

static void the_table_is_run_and_is_in_the_document(void **state)
{
    char *csv = succeed(*state, ELASTIC "--set fabric.link_gbps=1 --table faster --format csv");
    json_t *doc = json_of(*state, ELASTIC "--set fabric.link_gbps=1 --table faster --json -");
    json_t *rungs = at(doc, "faster"), *g;
    size_t i;

    assert_int_equal(json_array_size(rungs), ELASTIC_RUNGS);
    json_array_foreach(rungs, i, g) {
        char row[200];
        const bool is_link = json_object_get(g, "stream") != NULL;
        snprintf(row, sizeof row, "%s%s%s,%lld,", text_at(g, is_link ? "stream" : "core"),
                 is_link ? "" : ".", is_link ? "" : text_at(g, "resource"),
                 (long long)integer_at(g, "alike"));
        assert_non_null(strstr(csv, row));
        assert_true(number_at(g, "interval_clocks") >= number_at(g, "least_interval_clocks"));
    }
    free(csv);
    json_decref(doc);
    doc = json_of(*state, ELASTIC "--json -");
    assert_null(json_object_get(doc, "faster"));
    json_decref(doc);
    assert_fails(*state, ELASTIC "--set fabric.kind=mesh --table faster", 2, "run: --table faster: "
                 "on fabric.kind = mesh links share what would be faster: want another --table, or "
                 "--set fabric.kind=point_to_point");
    free(succeed(*state, ELASTIC "--set fabric.kind=point_to_point --table faster"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, tmpdir_make, tmpdir_remove)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fast_stages_are_those_of_a_machine_whose_keys_make_them_so),
        cmocka_unit_test(no_interval_is_below_that_of_the_busiest_of_the_others),
        TEST(the_busiest_made_faster_brings_what_was_promised),
        TEST(the_table_is_run_and_is_in_the_document),
    };

    return cmocka_run_group_tests_name("faster", tests, NULL, NULL);
}
