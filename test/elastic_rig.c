/* test/elastic_rig.c -- see elastic_rig.h. */
#include "test/elastic_rig.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "test/naive_elastic.h"

enum { PATIENCE = 100000 }; // clocks of the twin

void elastic_rig_run(struct elastic_result *e, const struct plan *p,
                     const struct elastic_places *at, uint64_t n_image, enum kernel_kind kernel,
                     enum kernel_mode mode)
{
    const struct elastic_cfg_run cfg = { .n_image = n_image, .kernel = kernel, .mode = mode,
                                         .places = at };
    struct err_msg m;

    if (elastic_run(p, &cfg, e, &m))
        fail_msg("%s", m.text);
}

bool elastic_rig_agrees(struct elastic_result *e, const struct plan *p,
                        const struct elastic_cfg_run *cfg, unsigned seed)
{
    return elastic_rig_agrees_on(e, p, cfg, NULL, seed);
}

bool elastic_rig_agrees_on(struct elastic_result *e, const struct plan *p,
                           const struct elastic_cfg_run *cfg, const struct naive_array *array,
                           unsigned seed)
{
    uint64_t clk[NAIVE_ELASTIC_IMAGES];
    struct err_msg m;
    bool ends = naive_elastic_run(p, &p->config->elastic, (uint32_t)cfg->n_image, NULL, PATIENCE,
                                  array, clk);
    enum err err = elastic_run(p, cfg, e, &m);

    if (ends != !err)
        fail_msg("seed %u: the twin %s, %s", seed, ends ? "ends" : "stands still",
                 err ? m.text : "the chip ends");
    for (uint64_t i = 0; ends && i < cfg->n_image; i++)
        if (clk[i] != e->result_clk[i])
            fail_msg("seed %u, image %" PRIu64 ": the twin's result after %" PRIu64 " clocks, the "
                     "chip's after %" PRIu64, seed, i, clk[i], e->result_clk[i]);
    return ends;
}

static void same_causes(const struct elastic_stage *a, const struct elastic_stage *b)
{
    assert_int_equal(a->n_cause, b->n_cause);
    for (uint32_t i = 0; i < a->n_cause; i++) {
        assert_int_equal(a->cause[i].state, b->cause[i].state);
        assert_int_equal(a->cause[i].on, b->cause[i].on);
        assert_int_equal(a->cause[i].stream, b->cause[i].stream);
        assert_int_equal(a->cause[i].clk, b->cause[i].clk);
    }
}

void elastic_rig_same(const struct elastic_result *a, const struct elastic_result *b,
                      const struct plan *p)
{
    assert_int_equal(a->elapsed, b->elapsed);
    assert_int_equal(a->n_image, b->n_image);
    assert_int_equal(a->n_stage, b->n_stage);
    assert_memory_equal(a->result_clk, b->result_clk, a->n_image * sizeof *a->result_clk);
    assert_memory_equal(a->start_clk, b->start_clk, a->n_image * sizeof *a->start_clk);
    assert_memory_equal(a->core, b->core, p->n_core * sizeof *a->core);
    assert_memory_equal(a->stream, b->stream, p->n_stream * sizeof *a->stream);
    for (uint32_t i = 0; i < a->n_stage; i++) {
        assert_memory_equal(a->stage[i].clk, b->stage[i].clk, sizeof a->stage[i].clk);
        same_causes(&a->stage[i], &b->stage[i]);
    }
    for (uint32_t i = 0; i < a->n_buffer; i++) {
        assert_int_equal(a->buffer[i].most, b->buffer[i].most);
        assert_int_equal(a->buffer[i].full_clk, b->buffer[i].full_clk);
    }
}

void elastic_rig_adds_up(const struct elastic_result *e)
{
    for (uint32_t i = 0; i < e->n_stage; i++) {
        const struct elastic_stage *s = &e->stage[i];
        uint64_t sum = 0, by_cause = 0;
        for (int k = 0; k < N_ELASTIC_STATE; k++)
            sum += s->clk[k];
        assert_int_equal(sum, e->elapsed);
        for (uint32_t k = 0; k < s->n_cause; k++)
            by_cause += s->cause[k].clk;
        assert_int_equal(by_cause, s->clk[ELASTIC_STARVED] + s->clk[ELASTIC_BLOCKED] +
                                       s->clk[ELASTIC_WAITING]);
    }
    for (uint32_t i = 0; i < e->n_buffer; i++) {
        assert_true(e->buffer[i].most <= e->buffer[i].size);
        assert_true(e->buffer[i].full_clk <= e->elapsed);
        assert_true(e->buffer[i].full_clk == 0 || e->buffer[i].most == e->buffer[i].size);
    }
}
