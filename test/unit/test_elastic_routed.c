/* Elastic chips whose tokens are packets of routers, beside a twin that steps every core and every
 * router in every clock: times and counters of random networks on random small machines. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/elastic/elastic.h"
#include "core/util.h"
#include "noc/fabric.h"
#include "test/dice.h"
#include "test/elastic_rig.h"
#include "test/naive_elastic.h"
#include "test/random_study.h"
#include "test/token_machine.h"

enum { N_NETWORK = 600, N_TRANSFORMER = 80, LEAST_CORES = 4, PATIENCE = 5000 };

struct routed { // a random network on routers
    struct random_study   s;
    struct plan           p;
    struct graph          g;
    uint32_t             *node; // owned
    struct elastic_places places;
    uint64_t              n_image;
};

typedef void make_fn(struct random_study *s, unsigned seed);

/* ---- machines at random ---- */

static void draw_routers(struct dice *d, struct fabric_cfg *f, uint32_t most_side)
{
    static const char *const kind[] = { "mesh", "mesh", "tree", "bus" };

    snprintf(f->kind, sizeof f->kind, "%s", kind[pick(d, 0, 3)]);
    f->rows = pick(d, 2, most_side);
    f->columns = pick(d, 3, most_side);
    f->arity = chance(d, 2) ? ARITY_2 : ARITY_4;
    f->flit_bits = UINT32_C(16) << pick(d, 0, 4);
    f->header_bits = pick(d, 0, 24);
    f->vcs = pick(d, 1, 4);
    f->vc_flits = pick(d, 1, 8);
    f->routing_clk = pick(d, 0, 2);
    f->vc_clk = pick(d, 0, 2);
    f->switch_clk = pick(d, 0, 2);
    f->crossbar_clk = f->switch_clk > 0 ? pick(d, 0, 2) : 1;
    f->link_clk = pick(d, 1, 3);
    f->vc_credit_clk = pick(d, 0, 2);
    const bool cuts = chance(d, 2), copies = cuts && !chance(d, 4);
    f->switching = cuts ? SWITCHING_CUT_THROUGH : SWITCHING_WORMHOLE;
    f->multicast = copies ? MULTICAST_TREE : MULTICAST_UNICAST;
}

/* On arrays that are large enough for as many cores as there are places. */
static bool fits(struct routed *r)
{
    for (int i = 0; i < 6; i++) {
        if (random_study_elastic(&r->p, &r->s)) {
            if (r->p.n_core >= LEAST_CORES && r->p.n_core <= r->s.config.chip_cores)
                return true;
            plan_release(&r->p);
        }
        r->s.config.crossbar.rows *= 2;
        r->s.config.crossbar.columns *= 2;
    }
    return false;
}

/* Cores at places in any order. */
static void place(struct dice *d, struct routed *r)
{
    const uint32_t n = r->g.n_node;

    r->node = calloc(n, sizeof *r->node);
    assert_non_null(r->node);
    for (uint32_t i = 0; i < n; i++)
        r->node[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        const uint32_t k = pick(d, 0, i - 1), was = r->node[i - 1];
        r->node[i - 1] = r->node[k];
        r->node[k] = was;
    }
    r->places = (struct elastic_places){ &r->g, r->node };
}

static bool draw(struct routed *r, make_fn *study_make, uint32_t most_side, unsigned seed)
{
    struct dice d = { .state = seed };
    struct fabric_cfg *f = &r->s.config.fabric;
    struct err_msg m;

    study_make(&r->s, seed);
    draw_routers(&d, f, most_side);
    r->s.config.chip_cores = f->rows * f->columns;
    r->n_image = pick(&d, 1, 3);
    if (!fits(r)) {
        random_study_release(&r->s);
        return false;
    }
    r->s.config.elastic.residual_pixels += chance(&d, 2) ? 60 : 0; // fewer stand still
    r->s.config.elastic.image_period_clk = chance(&d, 4) ? pick(&d, 1, 3000) : 0;
    if (r->p.fabric->graph(f, &r->g, &m))
        fail_msg("seed %u: %s", seed, m.text);
    place(&d, r);
    return true;
}

static void release(struct routed *r)
{
    free(r->node);
    graph_release(&r->g);
    plan_release(&r->p);
    random_study_release(&r->s);
}

/* ---- both alike ---- */

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

static void same(const struct elastic_result *a, const struct elastic_result *b,
                 const struct routed *r, unsigned seed)
{
    SAME("first firing", a->first_firing_clk, b->first_firing_clk);
    for (uint64_t i = 0; i < a->n_image; i++) {
        SAME("result", a->result_clk[i], b->result_clk[i]);
        SAME("start", a->start_clk[i], b->start_clk[i]);
    }
    for (uint32_t i = 0; i < r->p.n_stream; i++) {
        SAME("tokens", a->stream[i].tokens, b->stream[i].tokens);
        SAME("bits", a->stream[i].bits, b->stream[i].bits);
        SAME("clocks of a link", a->stream[i].busy_clk, b->stream[i].busy_clk);
    }
    for (uint32_t i = 0; i < r->p.n_core; i++)
        same_cores(&a->core[i], &b->core[i], seed);
    same_packets(&a->packets, &b->packets, &r->g, seed);
    same_buffers(a, b, &r->p, seed);
    SAME("elapsed", a->elapsed, b->elapsed);
    same_stages(a, b, &r->p, seed);
}

/* As a user would: a buffer that holds the longest packet is wanted of who cuts through. */
static enum err run_it(struct routed *r, struct elastic_result *e, struct err_msg *m)
{
    const struct elastic_cfg_run cfg = { .n_image = r->n_image, .places = &r->places };
    uint32_t *flits = &r->s.config.fabric.vc_flits;
    enum err err = elastic_run(&r->p, &cfg, e, m);
    const char *want = err ? strstr(m->text, "want at least fabric.vc_flits = ") : NULL;

    if (!want || sscanf(want, "want at least fabric.vc_flits = %" SCNu32, flits) != 1)
        return err;
    return elastic_run(&r->p, &cfg, e, m);
}

struct seen { // machines
    uint32_t n, n_run, n_stuck;
    uint32_t n_wait, n_blocked, n_copied; // packets wait; flits have no place to go to, are copied
    uint32_t n_parts, n_replicas, n_residual, n_pooled;
};

static void see(struct seen *seen, const struct routed *r, const struct elastic_packets *t)
{
    bool blocked = false, parts = false, replicas = false, residual = false, pooled = false;

    for (uint32_t i = 0; i < r->g.n_router * r->g.n_port; i++)
        blocked |= t->channel[i].blocked_clk > 0;
    for (uint32_t i = 0; i < r->p.n_layer; i++) {
        const struct layer *l = plan_network_layer(&r->p, i);
        parts |= r->p.layer[i].parts > 1;
        replicas |= plan_firing_shape(&r->p, i).n > 1;
        residual |= l->has_residual;
        pooled |= l->pooled;
    }
    seen->n_run++;
    seen->n_wait += t->latency_sum > t->zero_load_sum;
    seen->n_blocked += blocked;
    seen->n_copied += t->counts.flits_copied > 0;
    seen->n_parts += parts;
    seen->n_replicas += replicas;
    seen->n_residual += residual;
    seen->n_pooled += pooled;
}

static void compare(make_fn *study_make, uint32_t most_side, unsigned seed, struct seen *seen)
{
    struct elastic_result e, twin;
    struct routed r;
    struct err_msg m;

    if (!draw(&r, study_make, most_side, seed))
        return;
    seen->n++;
    const enum err err = run_it(&r, &e, &m);
    if (err && !strstr(m.text, "waits for"))
        fail_msg("seed %u: %s", seed, m.text);
    const bool ends = naive_elastic_tell(&r.p, &r.places, (uint32_t)r.n_image, PATIENCE, &twin);
    if (ends != !err)
        fail_msg("seed %u: the twin %s, %s", seed, ends ? "ends" : "stands still",
                 err ? m.text : "the chip ends");
    seen->n_stuck += !ends;
    if (ends) {
        same(&e, &twin, &r, seed);
        elastic_rig_adds_up(&e);
        see(seen, &r, &twin.packets);
        elastic_result_release(&e);
        elastic_result_release(&twin);
    }
    release(&r);
}

static void network_make(struct random_study *s, unsigned seed)
{
    random_study_make(s, seed);
    random_study_clocks(s);
}

static void all_is_as_a_twin_of_cores_and_routers_says(void **state)
{
    struct seen n = { 0 };

    (void)state;
    for (unsigned seed = 1; seed <= N_NETWORK; seed++)
        compare(network_make, 4, seed, &n);
    print_message("%u networks, %u run, %u stand still; of those that run packets wait in %u, "
                  "flits lack room in %u and are copied in %u; %u have row splits, %u replicas, "
                  "%u residuals, %u pools\n", n.n, n.n_run, n.n_stuck, n.n_wait, n.n_blocked,
                  n.n_copied, n.n_parts, n.n_replicas, n.n_residual, n.n_pooled);
    assert_true(n.n_run >= 150 && n.n_stuck > 0);
    assert_true(n.n_wait >= 100 && n.n_blocked >= 30 && n.n_copied >= 20);
    assert_true(n.n_parts >= 20 && n.n_replicas >= 50 && n.n_residual >= 40 && n.n_pooled >= 100);
}

static void transformers_too(void **state)
{
    struct seen n = { 0 };

    (void)state;
    for (unsigned seed = 1; seed <= N_TRANSFORMER; seed++)
        compare(seed % 2 ? token_study_make : token_map_study_make, 6, seed, &n);
    print_message("%u transformers, %u run, %u stand still; packets wait in %u, flits are copied "
                  "in %u\n", n.n, n.n_run, n.n_stuck, n.n_wait, n.n_copied);
    assert_true(n.n_run >= 30 && n.n_wait >= 20 && n.n_copied >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_as_a_twin_of_cores_and_routers_says),
        cmocka_unit_test(transformers_too),
    };
    return cmocka_run_group_tests_name("elastic_routed", tests, NULL, NULL);
}
