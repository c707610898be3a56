/* test/unit/test_dry_run.c -- the dry timing run against a machine that is stepped timestep by
 * timestep (test/naive_machine.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataflow/plan/dry_run/dry_run.h"
#include "dataflow/plan/timestep.h"
#include "test/naive_machine.h"
#include "test/plan_rig.h"

static uint32_t pick(uint32_t *seed, uint32_t least, uint32_t most)
{
    *seed = *seed * 1664525u + 1013904223u;
    return least + (*seed >> 8) % (most - least + 1);
}

/* ---- the same case for both ---- */

enum { IMAGES = 4 };

static struct naive_case random_case(uint32_t *r)
{
    static const uint32_t sides[] = { 64, 100, 256, 512, 1024 };
    struct naive_case c = { .depth = 8 + 6 * pick(r, 0, 1), .classes = pick(r, 1, 12) };

    c.size = pick(r, 5, 18); // maps of three heights, all above 1
    c.rows = sides[pick(r, 0, 4)];
    c.columns = sides[pick(r, 0, 4)];
    c.firing = (enum naive_firing)pick(r, 0, 2);
    c.hop = pick(r, 0, 3) ? 1 : 2;
    c.partial_sum_hop = pick(r, 0, 2);
    c.n_image = IMAGES;
    for (int stage = 0; stage < NAIVE_STAGES; stage++) {
        c.channels[stage] = pick(r, 1, 30);
        c.replicas[stage] = pick(r, 0, 1) ? 1 : pick(r, 1, 5);
        c.resampling[stage] = pick(r, 0, 3) ? 0 : pick(r, 1, 2);
        c.block_width[stage] = c.firing == NAIVE_BLOCK ? pick(r, 1, 2) : 1;
        c.copies[stage] = pick(r, 0, 3) ? 1 : pick(r, 1, 2);
    }
    return c;
}

struct settings {
    char        text[32][64];
    const char *set[33];
    size_t      n;
};

static void set(struct settings *s, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(s->text[s->n], sizeof s->text[s->n], fmt, args);
    va_end(args);
    s->set[s->n] = s->text[s->n];
    s->n++;
}

/* The naive machine knows no budgets: these are never exceeded. */
static void settings_of(const struct naive_case *c, struct settings *s)
{
    static const char *const firing[] = { "column", "free", "block" };
    uint32_t height = c->size;

    *s = (struct settings){ 0 };
    set(s, "network.depth=%u", c->depth);
    set(s, "network.size=%u", c->size);
    set(s, "network.channels=[%u, %u, %u]", c->channels[0], c->channels[1], c->channels[2]);
    set(s, "network.classes=%u", c->classes);
    set(s, "core.crossbar.rows=%u", c->rows);
    set(s, "core.crossbar.columns=%u", c->columns);
    set(s, "fabric.hop_timesteps=%u", c->hop);
    set(s, "fabric.partial_sum_hops=%u", c->partial_sum_hop);
    set(s, "mapping.firing=%s", firing[c->firing]);
    for (int stage = 0; stage < NAIVE_STAGES; stage++, height = (height + 1) / 2) {
        set(s, "mapping.replicas.%u=%u", height, c->replicas[stage]);
        set(s, "mapping.copies.%u=%u", height, c->copies[stage]);
        set(s, "mapping.block_width.%u=%u", height, c->block_width[stage]);
        if (stage > 0 && c->resampling[stage] > 0)
            set(s, "mapping.replicas.rs%d=%u", stage, c->resampling[stage]);
    }
    set(s, "mapping.copies.conv%u=1", c->depth - 1); // what is pooled is not copied
    set(s, "chip.cores=60000");
    set(s, "core.input_memory.words=65536");
    set(s, "clocking.timestep_ns=100000");
}

/* ---- comparison ---- */

/* First and last firing of a layer that hold an output of an image. */
static void assert_firings(const struct plan *p, const struct dry_run *s, uint32_t layer,
                           uint32_t image, int64_t want_first, int64_t want_last)
{
    const struct shape *out = &plan_network_layer(p, layer)->out;
    int64_t first = INT64_MAX, last = INT64_MIN;

    for (uint32_t y = 0; y < out->width; y++)
        for (uint32_t x = 0; x < out->height; x++) {
            struct column_times c = dry_run_fired(s, layer, image, y);
            int64_t t = column_time(&c, x);
            first = t < first ? t : first;
            last = t > last ? t : last;
        }
    assert_int_equal(first, want_first);
    assert_int_equal(last, want_last);
}

static void check_layer(const struct plan_rig *r, const struct dry_run *s,
                        const struct naive_layer *want)
{
    uint32_t i = rig_plan_layer(r, want->name);
    const struct plan_layer *pl = &r->plan.layer[i];
    const struct layer_times *t = &r->plan.time.layer[i];

    assert_int_equal(pl->rows, want->rows);
    assert_int_equal(pl->columns, want->columns);
    assert_int_equal(pl->parts, want->parts);
    assert_int_equal(pl->splits, want->groups);
    assert_int_equal(pl->copies, want->copies);
    assert_int_equal(t->first_timestep, want->first[0]);
    assert_int_equal(t->last_timestep, want->last[0]);
    assert_int_equal(t->firings, want->firings[0]);
    assert_int_equal(t->memory_columns, want->memory_columns);
    if (pl->feed == FEED_READ_BACK) { // dry_run_make() does not delay these
        assert_int_equal(r->plan.time.layer[plan_sum_of(&r->plan, i)].residual_fifo, want->fifo);
        return;
    }
    for (uint32_t image = 0; image < IMAGES; image++)
        assert_firings(&r->plan, s, i, image, want->first[image], want->last[image]);
}

/* Whether the case fits its arrays; then plan and naive machine agree. */
static bool check_case(const struct naive_case *c)
{
    struct settings settings;
    struct naive_result *want = malloc(sizeof *want);
    struct plan_rig r;
    struct dry_run s;

    assert_non_null(want);
    settings_of(c, &settings);
    if (!naive_run(c, want)) {
        assert_int_equal(rig_make(&r, settings.set), ERR_INPUT);
        rig_release(&r);
        free(want);
        return false;
    }
    if (rig_make(&r, settings.set) || dry_run_make(&s, &r.plan, &r.msg))
        fail_msg("%s", r.msg.text);
    assert_int_equal(r.plan.n_core, want->n_core);
    assert_int_equal(r.plan.interval, want->interval);
    assert_int_equal(r.plan.time.last_conv, want->last_conv);
    assert_int_equal(r.plan.time.first_result, want->fc_result);
    assert_int_equal(r.plan.n_layer, want->n_layer);
    for (uint32_t i = 0; i < want->n_layer; i++)
        check_layer(&r, &s, &want->layer[i]);
    dry_run_release(&s);
    rig_release(&r);
    free(want);
    return true;
}

static void random_machines_take_the_timesteps_columns_and_fifos_of_a_naive_one(void **state)
{
    (void)state;
    uint32_t fit = 0;

    for (uint32_t seed = 1; seed <= 400; seed++) {
        uint32_t r = seed;
        struct naive_case c = random_case(&r);
        fit += check_case(&c);
    }
    assert_true(fit >= 300);
}

/* docs/accelerator.md, section 4: the table, and arrays of 64 rows. */
static void resnet32_does_so_too(void **state)
{
    (void)state;
    static const struct {
        uint32_t          array, partial_sum_hop, replicas[2];
        enum naive_firing firing;
    } row[] = {
        { 256, 0, { 1, 1 }, NAIVE_COLUMN }, { 256, 1, { 1, 1 }, NAIVE_COLUMN },
        { 512, 1, { 4, 2 }, NAIVE_FREE },   { 512, 1, { 4, 2 }, NAIVE_COLUMN },
        { 256, 1, { 4, 2 }, NAIVE_COLUMN }, { 256, 1, { 4, 2 }, NAIVE_FREE },
        { 64, 1, { 1, 1 }, NAIVE_COLUMN },
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct naive_case c = { .depth = 32, .size = 32, .channels = { 16, 28, 56 },
                                .classes = 10, .rows = row[i].array, .columns = row[i].array,
                                .replicas = { row[i].replicas[0], row[i].replicas[1], 1 },
                                .block_width = { 1, 1, 1 }, .copies = { 1, 1, 1 },
                                .firing = row[i].firing, .hop = 1,
                                .partial_sum_hop = row[i].partial_sum_hop, .n_image = IMAGES };
        assert_true(check_case(&c));
    }
}

/* ---- layers that are alike ---- */

/* What the layer needs, computed for itself, is what the one before it needs that it is like. */
static void assert_alike(const struct dry_run *s, const struct timetable *t, uint32_t layer)
{
    const uint32_t like = s->layer[layer].like;
    uint32_t own = 0, others = 0, fifo = 0, sums = 0;
    struct err_msg m;

    assert_int_equal(t->layer[layer].last_timestep,
                     t->layer[like].last_timestep + (uint64_t)dry_run_later(s, layer));
    assert_int_equal(dry_run_memory_columns(s, layer, &own, &m), ERR_NONE);
    assert_int_equal(dry_run_memory_columns(s, like, &others, &m), ERR_NONE);
    assert_int_equal(own, others);
    assert_int_equal(t->layer[layer].tracked_columns,
                     dry_run_tracked_columns(s, layer, t->layer[layer].memory_columns));
    if (s->plan->layer[layer].residual == RESIDUAL_NONE)
        return;
    assert_int_equal(dry_run_waiting(s, layer, &fifo, &sums, &m), ERR_NONE);
    assert_int_equal(t->layer[layer].residual_fifo, fifo);
    assert_int_equal(t->layer[layer].sums_waiting, sums);
}

/* The busiest timestep of every memory, each counted for itself. */
static void assert_ports(const struct plan *p, struct dry_run *s)
{
    struct timetable t = p->time;
    struct err_msg m;

    for (uint32_t i = 0; i < p->n_layer; i++)
        s->layer[i].like = i;
    t.core = malloc(p->n_core * sizeof *t.core);
    assert_non_null(t.core);
    memcpy(t.core, p->time.core, p->n_core * sizeof *t.core);
    for (uint32_t i = 0; i < p->n_core; i++)
        t.core[i].used_clk[STAGE_MEMORY] = 0;
    assert_int_equal(timestep_memory_ports(&t, p, s, TO_THE_LAST, &m), ERR_NONE);
    for (uint32_t i = 0; i < p->n_core; i++)
        assert_int_equal(p->time.core[i].used_clk[STAGE_MEMORY], t.core[i].used_clk[STAGE_MEMORY]);
    free(t.core);
}

static void layers_that_are_alike_need_what_each_needs_alone(void **state)
{
    (void)state;
    uint32_t n_alike = 0, n_transient = 0; // of these, where images take time to settle

    for (uint32_t seed = 1; seed <= 120; seed++) {
        uint32_t r = seed;
        struct naive_case c = random_case(&r);
        struct settings settings;
        struct plan_rig rig;
        struct dry_run s = { 0 };
        struct timetable t;
        c.depth = 26;
        settings_of(&c, &settings);
        if (rig_make(&rig, settings.set) == ERR_NONE) {
            assert_true(timestep_allocate(&t, &rig.plan));
            assert_int_equal(timestep_columns(&t, &rig.plan, &s, &rig.msg), ERR_NONE);
            for (uint32_t i = 0; i < rig.plan.n_layer; i++)
                if (s.layer[i].like != i) {
                    n_alike++;
                    n_transient += rig.plan.time.transient_images > 1;
                    assert_alike(&s, &rig.plan.time, i);
                }
            assert_ports(&rig.plan, &s);
            timetable_release(&t);
            dry_run_release(&s);
        }
        rig_release(&rig);
    }
    assert_true(n_alike > 200 && n_transient > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_machines_take_the_timesteps_columns_and_fifos_of_a_naive_one),
        cmocka_unit_test(resnet32_does_so_too),
        cmocka_unit_test(layers_that_are_alike_need_what_each_needs_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
