/* test/elastic_rig.c -- see elastic_rig.h. */
#include "test/elastic_rig.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
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

/* ---- beside the twin ---- */

#define SAME(what, a, b)                                                                           \
    do {                                                                                           \
        if ((a) != (b))                                                                            \
            fail_msg("seed %u, %s: %llu, the twin %llu", seed, what, (unsigned long long)(a),      \
                     (unsigned long long)(b));                                                     \
    } while (0)

static const struct elastic_stage *stage_of(const struct elastic_result *r,
                                            const struct elastic_stage *like)
{
    for (uint32_t i = 0; i < r->n_stage; i++)
        if (r->stage[i].kind == like->kind &&
            (like->kind == ELASTIC_LINK ? r->stage[i].stream == like->stream
                                        : r->stage[i].core == like->core))
            return &r->stage[i];
    fail_msg("no such stage");
    return NULL;
}

/* Whether a core's port stores one stream, reads nothing back and reads for one output at a time.
 * Otherwise work of one kind may lack room while there is none of another: then there are two ways
 * to say what the port waits for, and only their sum is compared. */
static bool port_has_one_task(const struct plan *p, uint32_t core)
{
    const struct plan_core *c = &p->core[core];
    uint32_t n = 0;

    for (uint32_t i = 0; i < p->n_stream; i++) {
        const enum stream_kind kind = p->stream[i].kind;
        n += p->stream[i].to == core && (kind == STREAM_FORWARD || kind == STREAM_IMAGE ||
                                         kind == STREAM_TO_RESAMPLING || kind == STREAM_VALID);
    }
    for (uint32_t i = 0; c->split == 0 && i < p->n_read_back; i++)
        n += p->read_back[i].reader == c->plan_layer && p->read_back[i].reader_copy == c->copy;
    return n == 1 && plan_firing_shape(p, c->plan_layer).n == 1;
}

static void same_stages(const struct elastic_result *a, const struct elastic_result *b,
                        const struct plan *p, unsigned seed)
{
    SAME("stages", a->n_stage, b->n_stage);
    for (uint32_t i = 0; i < a->n_stage; i++) {
        const struct elastic_stage *s = &a->stage[i], *t = stage_of(b, s);
        const bool all = s->kind != ELASTIC_PORT || port_has_one_task(p, s->core);
        for (int k = 0; k < N_ELASTIC_STATE; k++) {
            char what[300];
            if (!all && (k == ELASTIC_STARVED || k == ELASTIC_BLOCKED))
                continue; // since all states together are all clocks
            snprintf(what, sizeof what, "%s %s", elastic_stage_name(p, s).text,
                     elastic_state_names[k]);
            SAME(what, s->clk[k], t->clk[k]);
        }
    }
}

static const struct elastic_buffer *buffer_of(const struct elastic_result *r,
                                              const struct elastic_buffer *like)
{
    for (uint32_t i = 0; i < r->n_buffer; i++) {
        const struct elastic_buffer *b = &r->buffer[i];
        if (b->kind == like->kind && b->core == like->core &&
            (b->kind == BUFFER_OUTPUT || b->stream == like->stream))
            return b;
    }
    fail_msg("no such buffer");
    return NULL;
}

static void same_buffers(const struct elastic_result *a, const struct elastic_result *b,
                         const struct plan *p, unsigned seed)
{
    for (uint32_t i = 0; i < a->n_buffer; i++) {
        const struct elastic_buffer *s = &a->buffer[i], *t = buffer_of(b, s);
        const struct elastic_name name = elastic_buffer_name(p, s);
        SAME(name.text, s->size, t->size);
        SAME(name.text, s->most, t->most);
        SAME(name.text, s->full_clk, t->full_clk);
    }
}

static void same_cores(const struct elastic_core *a, const struct elastic_core *b, unsigned seed)
{
    SAME("firings", a->firings, b->firings);
    SAME("outputs", a->outputs, b->outputs);
    SAME("words written", a->words_written, b->words_written);
    SAME("words read", a->words_read, b->words_read);
    SAME("words read back", a->words_read_back, b->words_read_back);
    SAME("pixels stored", a->pixels_stored, b->pixels_stored);
    SAME("first clock", a->first_clk, b->first_clk);
    SAME("last clock", a->last_clk, b->last_clk);
    SAME("busy", a->busy_clk, b->busy_clk);
}

static void same_packets(const struct elastic_packets *a, const struct elastic_packets *b,
                         const struct graph *g, unsigned seed)
{
    SAME("packets", a->n, b->n);
    SAME("flits", a->flits, b->flits);
    SAME("least latency", a->latency_min, b->latency_min);
    SAME("most latency", a->latency_max, b->latency_max);
    SAME("latency of 95 %", a->latency_p95, b->latency_p95);
    SAME("latencies", a->latency_sum, b->latency_sum);
    SAME("zero load", a->zero_load_sum, b->zero_load_sum);
    SAME("packets sent", a->counts.packets_sent, b->counts.packets_sent);
    SAME("packets taken", a->counts.packets_taken, b->counts.packets_taken);
    SAME("flits sent", a->counts.flits_sent, b->counts.flits_sent);
    SAME("flits taken", a->counts.flits_taken, b->counts.flits_taken);
    SAME("flits copied", a->counts.flits_copied, b->counts.flits_copied);
    SAME("hops", a->counts.flit_hops, b->counts.flit_hops);
    SAME("buffer writes", a->counts.buffer_writes, b->counts.buffer_writes);
    SAME("buffer reads", a->counts.buffer_reads, b->counts.buffer_reads);
    SAME("switch", a->counts.switch_traversals, b->counts.switch_traversals);
    SAME("allocations", a->counts.allocations, b->counts.allocations);
    for (uint32_t i = 0; i < g->n_router * g->n_port; i++) {
        SAME("channel's flits", a->channel[i].flits, b->channel[i].flits);
        SAME("channel blocked", a->channel[i].blocked_clk, b->channel[i].blocked_clk);
    }
}

static void like_the_twin(const struct elastic_result *a, const struct elastic_result *b,
                          const struct plan *p, unsigned seed)
{
    for (uint64_t i = 0; i < a->n_image; i++) {
        SAME("result", a->result_clk[i], b->result_clk[i]);
        SAME("start", a->start_clk[i], b->start_clk[i]);
    }
    SAME("first firing", a->first_firing_clk, b->first_firing_clk);
    for (uint32_t i = 0; i < p->n_stream; i++) {
        SAME("tokens", a->stream[i].tokens, b->stream[i].tokens);
        SAME("bits", a->stream[i].bits, b->stream[i].bits);
        SAME("clocks of a link", a->stream[i].busy_clk, b->stream[i].busy_clk);
    }
    for (uint32_t i = 0; i < p->n_core; i++)
        same_cores(&a->core[i], &b->core[i], seed);
    same_buffers(a, b, p, seed);
    SAME("elapsed", a->elapsed, b->elapsed);
    same_stages(a, b, p, seed);
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
    struct elastic_result twin;
    struct err_msg m;
    bool ends = naive_elastic_tell(p, cfg, PATIENCE, array, &twin);
    enum err err = elastic_run(p, cfg, e, &m);

    if (ends != !err || (err && !strstr(m.text, "nothing can move any more")))
        fail_msg("seed %u: the twin %s, %s", seed, ends ? "ends" : "stands still",
                 err ? m.text : "the chip ends");
    if (!ends)
        return false;
    like_the_twin(e, &twin, p, seed);
    if (twin.packets.channel)
        same_packets(&e->packets, &twin.packets, cfg->places->graph, seed);
    elastic_rig_adds_up(e);
    elastic_result_release(&twin);
    return true;
}

/* ---- of two runs ---- */

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
