/* Tests of arch/elastic/live.c: images that come while the chip runs, against the twin that steps
 * every core, and against runs whose images are all there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/elastic/elastic.h"
#include "core/rng.h"
#include "core/util.h"
#include "test/elastic_rig.h"
#include "test/naive_elastic.h"
#include "test/plan_rig.h"
#include "test/random_study.h"

static uint64_t below(struct rng r, uint64_t i, uint64_t n)
{
    return rng_u64(r, i) % n;
}

static struct elastic_live *live_of(const struct plan *p, uint64_t n_image)
{
    const struct elastic_cfg_run cfg = { .n_image = n_image };
    struct elastic_live *l;
    struct err_msg m;

    if (elastic_live_new(&l, p, &cfg, &m))
        fail_msg("%s", m.text);
    return l;
}

static void run_to(struct elastic_live *l, uint64_t clk)
{
    struct err_msg m;

    assert_int_equal(elastic_live_run(l, clk, &m), ERR_NONE);
}

/* Runs to its end in pieces that chance cuts; each image is given just before the piece in which it
 * is there, or earlier. What has ended is told in the clock of its result. */
static void play(struct elastic_live *l, const uint64_t *there, uint32_t n_image, struct rng r,
                 struct elastic_result *e)
{
    uint64_t open = 0, clk[NAIVE_ELASTIC_IMAGES] = { 0 }, ended = 0, last;
    struct err_msg m;
    uint32_t given = 0;

    for (uint64_t i = 0; given < n_image || elastic_live_next(l) != CYC_NEVER; i++) {
        uint64_t until = open + below(r, i, 50);
        for (; given < n_image && (there[given] <= until || below(r, i + 1, 7) == 0); given++) {
            assert_true(elastic_live_give(l, max_u64(there[given], open)));
            until = max_u64(open, min_u64(until, there[given]));
        }
        run_to(l, until);
        open = until + 1;
        assert_true(elastic_live_begun(l) <= given);
        const uint64_t now = elastic_live_ended(l, &last);
        if (now > ended) {
            assert_int_equal(now, ended + 1);
            assert_true(last <= until);
            clk[ended++] = last;
        }
    }
    assert_int_equal(ended, n_image);
    assert_int_equal(elastic_live_end(l, e, &m), ERR_NONE);
    for (uint32_t i = 0; i < n_image; i++)
        assert_int_equal(clk[i], e->result_clk[i]);
}

/* Whether the network runs under elastic clocking. */
static bool compare_with_twin(unsigned seed)
{
    const struct rng r = rng_at(seed, "live");
    const uint32_t n_image = 1 + seed % NAIVE_ELASTIC_IMAGES;
    uint64_t there[NAIVE_ELASTIC_IMAGES] = { below(r, 0, 20) }, clk[NAIVE_ELASTIC_IMAGES];
    struct random_study s;
    struct elastic_result e;
    struct plan p;

    for (uint32_t i = 1; i < n_image; i++)
        there[i] = there[i - 1] + below(r, i, 3) * below(r, 10 + i, 2000);
    random_study_make(&s, seed);
    bool ends = random_study_elastic(&p, &s);
    if (!ends) {
        random_study_release(&s);
        return false;
    }
    ends = naive_elastic_run(&p, &p.config->elastic, n_image, there, 100000, NULL, clk);
    if (ends) {
        struct elastic_live *l = live_of(&p, n_image);
        play(l, there, n_image, rng_in(r, 1), &e);
        for (uint32_t i = 0; i < n_image; i++)
            if (e.result_clk[i] != clk[i] || e.start_clk[i] < there[i])
                fail_msg("seed %u, image %u: %llu, the twin %llu", seed, i,
                         (unsigned long long)e.result_clk[i], (unsigned long long)clk[i]);
        elastic_result_release(&e);
        elastic_live_free(l);
    }
    plan_release(&p);
    random_study_release(&s);
    return ends;
}

static void results_come_when_a_twin_has_them_whenever_images_come(void **state)
{
    enum { N = 120 };
    uint32_t n_run = 0;

    (void)state;
    for (unsigned seed = 7001; seed <= 7000 + N; seed++)
        n_run += compare_with_twin(seed);
    assert_true(n_run >= N / 2);
}

/* ---- images that are all there, or come at a pace ---- */

/* ResNet-32, as it is run at once: back to back, and paced by elastic.image_period_clocks. */
static void the_same_images_take_what_they_take_in_a_run(void **state)
{
    enum { N = 3, PERIOD = 60007 };
    static const char *const back[] = { "clocking.kind=elastic", NULL };
    static const char *const paced[] = { "clocking.kind=elastic",
                                         "elastic.image_period_clocks=60007", NULL };

    (void)state;
    for (int k = 0; k < 2; k++) {
        struct elastic_result run, live;
        struct plan_rig r, plain;
        struct err_msg m;
        if (rig_make(&r, k ? paced : back) || rig_make(&plain, back))
            fail_msg("no plan");
        elastic_rig_run(&run, &r.plan, NULL, N, KERNEL_NATIVE, KERNEL_SKIP_IDLE);
        struct elastic_live *l = live_of(&plain.plan, N);
        for (uint64_t i = 0; i < N; i++)
            assert_true(elastic_live_give(l, i * (k ? PERIOD : 0)));
        assert_int_equal(elastic_live_end(l, &live, &m), ERR_NONE);
        elastic_rig_same(&run, &live, &r.plan);
        elastic_live_free(l);
        elastic_result_release(&run);
        elastic_result_release(&live);
        rig_release(&r);
        rig_release(&plain);
    }
}

/* Nothing is due for an image that nobody has given. */
static void a_chip_without_an_image_waits(void **state)
{
    static const char *const set[] = { "clocking.kind=elastic", NULL };
    struct plan_rig r;
    uint64_t clk;

    (void)state;
    if (rig_make(&r, set))
        fail_msg("%s", r.msg.text);
    struct elastic_live *l = live_of(&r.plan, 2);
    run_to(l, 1000);
    assert_int_equal(elastic_live_next(l), CYC_NEVER);
    assert_true(elastic_live_give(l, 2000));
    assert_int_equal(elastic_live_next(l), 2000);
    run_to(l, 2000);
    assert_int_equal(elastic_live_begun(l), 1);
    while (elastic_live_next(l) != CYC_NEVER)
        run_to(l, elastic_live_next(l));
    assert_int_equal(elastic_live_ended(l, &clk), 1);
    elastic_live_free(l);
    elastic_live_free(NULL);
    rig_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_come_when_a_twin_has_them_whenever_images_come),
        cmocka_unit_test(the_same_images_take_what_they_take_in_a_run),
        cmocka_unit_test(a_chip_without_an_image_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
