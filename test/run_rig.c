#include "test/run_rig.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "arch/core/core.h"
#include "core/counter.h"

struct run_result run_or_fail(const struct plan *p, const struct run_cfg *cfg)
{
    struct run_result r;
    struct err_msg m;

    if (run(p, cfg, &r, &m))
        fail_msg("%s", m.text);
    return r;
}

static void assert_same_classes(const uint32_t *a, const uint32_t *b, size_t n)
{
    assert_int_equal(!a, !b);
    if (a)
        assert_memory_equal(a, b, n * sizeof *a);
}

void assert_same_run(const struct plan *p, const struct run_result *a, const struct run_result *b,
                     uint64_t seed)
{
    for (uint32_t i = 0; i < p->n_core; i++)
        for (const struct counter *row = core_counter_rows; row->name; row++) {
            const uint64_t x = counter_get(row, &a->core[i]), y = counter_get(row, &b->core[i]);
            if (x != y)
                fail_msg("seed %" PRIu64 ": %s of %s: %" PRIu64 " and %" PRIu64, seed, row->name,
                         p->core[i].name, x, y);
        }
    assert_memory_equal(a->stream_bits, b->stream_bits, p->n_stream * sizeof *a->stream_bits);
    assert_memory_equal(a->layer, b->layer, p->n_layer * sizeof *a->layer);
    assert_int_equal(a->n_image, b->n_image);
    assert_int_equal(a->first_result, b->first_result);
    assert_int_equal(a->last_conv, b->last_conv);
    assert_int_equal(a->total_timesteps, b->total_timesteps);
    assert_int_equal(a->n_correct, b->n_correct);
    assert_same_classes(a->label, b->label, a->n_image);
    assert_same_classes(a->predicted, b->predicted, a->n_image);
}

bool has_systemc(void)
{
#ifdef WITH_SYSTEMC
    return true;
#else
    return false;
#endif
}
