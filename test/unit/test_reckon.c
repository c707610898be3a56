/* What a chip counts is reckoned from its plan: the same, to the last counter, as a chip counts
 * that is stepped from event to event. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/counter.h"
#include "study/run.h"
#include "test/random_study.h"

static struct run_result run_as(const struct plan *p, uint64_t n_image, bool stepped)
{
    const struct run_cfg cfg = { .n_image = n_image, .jobs = 1, .stepped = stepped };
    struct run_result r;
    struct err_msg m;

    if (run(p, &cfg, &r, &m))
        fail_msg("%s", m.text);
    assert_int_equal(r.stepped, stepped);
    return r;
}

static void assert_same_counters(const struct plan *p, const struct run_result *a,
                                 const struct run_result *b, unsigned seed)
{
    for (uint32_t i = 0; i < p->n_core; i++)
        for (const struct counter *row = core_counter_rows; row->name; row++) {
            uint64_t x = counter_get(row, &a->core[i]), y = counter_get(row, &b->core[i]);
            if (x != y)
                fail_msg("seed %u: %s of %s: %" PRIu64 ", stepped %" PRIu64, seed, row->name,
                         p->core[i].name, x, y);
        }
    for (uint32_t i = 0; i < p->n_stream; i++)
        if (a->stream_bits[i] != b->stream_bits[i])
            fail_msg("seed %u: bits of stream %u, %s: %" PRIu64 ", stepped %" PRIu64, seed, i,
                     stream_kind_name(p->stream[i].kind), a->stream_bits[i], b->stream_bits[i]);
}

static void assert_reckoned(const struct plan *p, uint64_t n_image, unsigned seed)
{
    struct run_result a = run_as(p, n_image, false), b = run_as(p, n_image, true);

    assert_same_counters(p, &a, &b, seed);
    assert_int_equal(a.first_result, b.first_result);
    assert_int_equal(a.last_conv, b.last_conv);
    assert_int_equal(a.total_timesteps, b.total_timesteps);
    assert_memory_equal(a.layer, b.layer, p->n_layer * sizeof *a.layer);
    run_result_release(&a);
    run_result_release(&b);
}

/* Images until memories and pipelines repeat themselves and beyond; the pipeline alone. */
static void assert_study(const struct random_study *s)
{
    assert_reckoned(&s->plan, 1 + s->seed * 7 % 40, s->seed);
    assert_reckoned(&s->plan, 1 + s->seed % 3, s->seed);
    if (s->seed % 10 == 0)
        assert_reckoned(&s->plan, 100003, s->seed);
}

static void random_designs_count_what_their_chips_count(void **state)
{
    uint32_t n_transient = 0, n_replica = 0;

    (void)state;
    for (unsigned seed = 1; seed <= 500; seed++) {
        struct random_study s;
        random_study_make(&s, seed);
        assert_study(&s);
        n_transient += s.plan.time.transient_images > 1;
        for (uint32_t i = 0; i < s.plan.n_layer; i++)
            n_replica += s.plan.layer[i].replicas.n > 1;
        random_study_release(&s);
    }
    assert_true(n_transient >= 10); // that it is about something
    assert_true(n_replica >= 100);
}

static void flat_and_wide_layers_count_what_their_chips_count(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 100; seed++) {
        struct random_study s;
        random_flat_study_make(&s, seed, seed % 2);
        assert_study(&s);
        random_study_release(&s);
        random_wide_study_make(&s, seed);
        assert_study(&s);
        random_study_release(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_designs_count_what_their_chips_count),
        cmocka_unit_test(flat_and_wide_layers_count_what_their_chips_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
