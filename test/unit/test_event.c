/* test/unit/test_event.c -- event cores: what arbiters choose, when rows come and neurons act, and
 * the two machines of the literature, muBrain (Stuijt et al. 2021) and the always-on network of
 * Chundi et al. 2021, against what was worked out elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/event/machine.h"
#include "core/rng.h"

enum { MOST_LAYERS = 4, MILLI = 1000000 }; // ns

static const struct event_timing mubrain = { .service_ns = 100, .hop_ns = 10 };
static const struct event_timing chundi = {
    .service_cycles = 3, .arbiter_khz = 17, .neuron_khz = 70, .hop_ns = 10,
};

struct bench {
    struct event_layer   layer[MOST_LAYERS];
    uint32_t             n;
    struct event_timing  timing;
    struct event        *event; // owned
    size_t               n_event, room;
    struct event_machine *machine;
};

static const char *const layer_names[MOST_LAYERS] = { "0", "1", "2", "3" };

static void must(enum err e, const struct err_msg *m)
{
    if (e)
        fail_msg("%s", m->text);
}

static struct bench bench_of(const struct event_timing *t, const char *arbiter)
{
    struct bench b = { .timing = *t };

    b.timing.arbiter = arbiter_find(arbiter);
    assert_non_null(b.timing.arbiter);
    return b;
}

/* A layer whose weights are all w, to be changed. */
static void add_layer(struct bench *b, uint32_t sources, uint32_t outputs, int64_t theta,
                      enum neuron_reset reset, int32_t w)
{
    struct neuron *n = neuron_new(neuron_kind_find("if"), outputs, false);
    int32_t *weight = malloc((size_t)sources * outputs * sizeof *weight);

    assert_non_null(n);
    assert_non_null(weight);
    for (size_t i = 0; i < (size_t)sources * outputs; i++)
        weight[i] = w;
    for (uint32_t o = 0; o < outputs; o++)
        n->theta[o] = theta;
    n->reset = reset;
    b->layer[b->n] = (struct event_layer){ .name = layer_names[b->n], .sources = sources,
                                           .outputs = outputs, .rows = sources,
                                           .channels = outputs, .weight = weight, .neuron = n };
    b->n++;
}

static int32_t *last_weights(struct bench *b)
{
    return (int32_t *)b->layer[b->n - 1].weight;
}

static void add_event(struct bench *b, uint64_t t_ns, uint32_t source)
{
    if (b->n_event == b->room) {
        b->room = b->room ? 2 * b->room : 64;
        b->event = realloc(b->event, b->room * sizeof *b->event);
        assert_non_null(b->event);
    }
    b->event[b->n_event++] = (struct event){ t_ns, source };
}

static void run_with(struct bench *b, enum kernel_kind kind, enum kernel_mode mode,
                     uint64_t until_ns)
{
    struct err_msg m;

    event_machine_free(b->machine);
    must(event_machine_new(&b->machine, b->layer, b->n, &b->timing, &m), &m);
    const struct event_run run = { kind, mode, b->event, b->n_event, UINT64_MAX, until_ns };
    must(event_machine_run(b->machine, &run, &m), &m);
}

static void run_bench(struct bench *b, uint64_t until_ns)
{
    run_with(b, KERNEL_NATIVE, KERNEL_SKIP_IDLE, until_ns);
}

static const struct event_core *core_of(const struct bench *b, uint32_t i)
{
    return event_machine_core(b->machine, i);
}

static void bench_release(struct bench *b)
{
    event_machine_free(b->machine);
    for (uint32_t i = 0; i < b->n; i++) {
        free((void *)b->layer[i].weight);
        neuron_free((struct neuron *)b->layer[i].neuron);
    }
    free(b->event);
}

/* ---- parts ---- */

static void arbiters_take_the_lowest_or_the_next_request(void **state)
{
    static const struct {
        uint8_t  up[5];
        uint32_t last, fixed, next;
    } want[] = {
        { { 1, 1, 1, 1, 1 }, 4, 0, 0 }, { { 1, 1, 1, 1, 1 }, 2, 0, 3 },
        { { 0, 1, 0, 1, 0 }, 1, 1, 3 }, { { 0, 1, 0, 1, 0 }, 3, 1, 1 },
        { { 0, 0, 1, 0, 0 }, 2, 2, 2 }, { { 0, 0, 0, 0, 1 }, 4, 4, 4 },
    };
    const struct arbiter *fixed = arbiter_find("fixed"), *next = arbiter_find("round_robin");

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        assert_int_equal(fixed->choose(want[i].up, 5, want[i].last), want[i].fixed);
        assert_int_equal(next->choose(want[i].up, 5, want[i].last), want[i].next);
    }
    assert_null(arbiter_find("random"));
}

static void edges_of_a_clock_are_a_cycle_apart_and_never_drift(void **state)
{
    (void)state;
    assert_int_equal(event_edge_ns(17, 0), 0);
    assert_int_equal(event_edge_ns(17, 1), 58824); // 58,823.5
    assert_int_equal(event_edge_ns(17, 17), 1000000);
    assert_int_equal(event_edge_ns(17, 8500), 500 * (uint64_t)MILLI);
    for (uint64_t k = 0; k < 400; k++) {
        uint64_t t = event_edge_ns(70, k);
        assert_int_equal(event_edge_from(70, t), k);
        assert_int_equal(event_edge_from(70, t + 1), k + 1);
    }
}

/* A row of 100 ns from when it is chosen; the next one is chosen when it ends. */
static void requests_at_once_are_served_one_after_the_other(void **state)
{
    struct bench b = bench_of(&mubrain, "round_robin");

    (void)state;
    add_layer(&b, 4, 2, 1000, NEURON_SUBTRACT, 1);
    for (uint32_t i = 0; i < 3; i++)
        add_event(&b, 50, i);
    add_event(&b, 349, 1);
    add_event(&b, 350, 2); // where nothing is left
    run_bench(&b, CYC_NEVER);
    const struct event_counts *c = &core_of(&b, 0)->counts;
    assert_int_equal(c->arrived, 5);
    assert_int_equal(c->rows, 5);
    assert_int_equal(c->merged, 0);
    assert_int_equal(c->synapses, 10);
    assert_int_equal(c->wait_ns, 0 + 100 + 200 + 1 + 100);
    assert_int_equal(core_of(&b, 0)->longest_wait_ns, 200);
    assert_int_equal(core_of(&b, 0)->last_ns, 550);
    bench_release(&b);
}

/* While the row itself is read its request is down. */
static void a_spike_on_a_request_that_is_up_is_lost(void **state)
{
    struct bench b = bench_of(&mubrain, "fixed");

    (void)state;
    add_layer(&b, 4, 1, 1000, NEURON_SUBTRACT, 3);
    add_event(&b, 10, 0);
    add_event(&b, 20, 0); // row 0 is read: up again
    add_event(&b, 30, 0); // lost
    add_event(&b, 30, 3);
    add_event(&b, 30, 3); // lost
    run_bench(&b, CYC_NEVER);
    assert_int_equal(core_of(&b, 0)->counts.rows, 3);
    assert_int_equal(core_of(&b, 0)->counts.merged, 2);
    assert_int_equal(core_of(&b, 0)->counts.wait_ns, 0 + 90 + 180);
    assert_int_equal(core_of(&b, 0)->v[0], 9);
    bench_release(&b);
}

/* ---- a naive twin ---- */

struct twin_core {
    uint8_t  up[64];
    uint32_t n_up, last, row;
    bool     busy;
    uint64_t end_ns, rows, merged, spikes, last_ns;
    int64_t  v[64];
};

/* All cores, nanosecond by nanosecond, until then. */
static void run_twin(const struct bench *b, struct twin_core *core, uint64_t until_ns)
{
    enum { HOP = 16 };
    static uint8_t way[MOST_LAYERS][HOP][64]; // of spikes, by the time modulo HOP
    size_t next = 0;

    memset(way, 0, sizeof way);
    for (uint32_t i = 0; i < b->n; i++)
        core[i] = (struct twin_core){ .last = b->layer[i].sources - 1 };
    for (uint64_t t = 0; t <= until_ns; t++)
        for (uint32_t i = 0; i < b->n; i++) {
            struct twin_core *c = &core[i];
            const struct event_layer *l = &b->layer[i];
            if (c->busy && c->end_ns == t) {
                c->busy = false;
                c->rows++;
                c->last_ns = t;
                for (uint32_t o = 0; o < l->outputs; o++) {
                    c->v[o] += l->weight[o * l->sources + c->row] * l->neuron->m[o];
                    if (c->v[o] < 0)
                        c->v[o] = 0;
                    if (c->v[o] < l->neuron->theta[o])
                        continue;
                    c->v[o] = l->neuron->reset == NEURON_ZERO ? 0 : c->v[o] - l->neuron->theta[o];
                    c->spikes++;
                    if (i + 1 < b->n)
                        way[i + 1][(t + b->timing.hop_ns) % HOP][o] = 1;
                }
            }
            for (; i == 0 && next < b->n_event && b->event[next].t_ns == t; next++)
                way[0][t % HOP][b->event[next].source]++;
            for (uint32_t k = 0; k < l->sources; k++) {
                uint8_t came = way[i][t % HOP][k];
                if (came == 0)
                    continue;
                c->merged += c->up[k] ? came : came - 1u;
                c->n_up += !c->up[k];
                c->up[k] = 1;
                way[i][t % HOP][k] = 0;
            }
            if (c->busy || c->n_up == 0)
                continue;
            uint32_t k = strcmp(b->timing.arbiter->name, "fixed") == 0 ? 0 : c->last + 1;
            while (!c->up[k % l->sources])
                k++;
            c->row = c->last = k % l->sources;
            c->up[c->row] = 0;
            c->n_up--;
            c->busy = true;
            c->end_ns = t + b->timing.service_ns;
        }
}

static struct bench random_bench(unsigned seed)
{
    struct rng r = rng_at(seed, "event");
    struct event_timing t = { .service_ns = 3 + rng_u64(r, 0) % 30, .hop_ns = 1 + seed % 13 };
    struct bench b = bench_of(&t, seed % 2 ? "fixed" : "round_robin");
    uint32_t sources = 1 + (uint32_t)(rng_u64(r, 1) % 40);
    uint64_t i = 10, at = 0;

    for (uint32_t l = 0; l < 1 + seed % 3; l++) {
        uint32_t outputs = 1 + (uint32_t)(rng_u64(r, i++) % 40);
        add_layer(&b, sources, outputs, 1 + (int64_t)(rng_u64(r, i++) % 30),
                  seed % 3 ? NEURON_SUBTRACT : NEURON_ZERO, 0);
        int32_t *w = last_weights(&b);
        for (uint32_t k = 0; k < sources * outputs; k++)
            w[k] = (int32_t)(rng_u64(r, i++) % 21) - 8;
        ((struct neuron *)b.layer[l].neuron)->floor = 0;
        b.layer[l].neuron->m[0] = 3;
        sources = outputs;
    }
    for (uint32_t k = 0; k < 300; k++) {
        at += rng_u64(r, i++) % (2 * t.service_ns);
        add_event(&b, at, (uint32_t)(rng_u64(r, i++) % b.layer[0].sources));
    }
    return b;
}

static void check_against(const struct bench *b, const struct twin_core *twin, unsigned seed)
{
    for (uint32_t i = 0; i < b->n; i++) {
        const struct event_core *c = core_of(b, i);
        if (c->counts.rows != twin[i].rows || c->counts.merged != twin[i].merged ||
            c->counts.spikes != twin[i].spikes || c->last_ns != twin[i].last_ns)
            fail_msg("seed %u, core %u", seed, i);
        for (uint32_t o = 0; o < c->outputs; o++)
            assert_int_equal(c->v[o], twin[i].v[o]);
        assert_int_equal(c->counts.arrived, c->counts.merged + c->counts.requests);
    }
}

static void random_machines_are_a_naive_twin_under_every_kernel(void **state)
{
    enum { N_MACHINE = 60 };
    uint64_t n_merged = 0, n_deep = 0;

    (void)state;
    for (unsigned seed = 1; seed <= N_MACHINE; seed++) {
        struct bench b = random_bench(seed);
        struct twin_core twin[MOST_LAYERS];
        run_twin(&b, twin, 40000);
        run_bench(&b, CYC_NEVER);
        check_against(&b, twin, seed);
        run_with(&b, KERNEL_NATIVE, KERNEL_REVERSED, CYC_NEVER);
        check_against(&b, twin, seed);
        run_with(&b, KERNEL_NATIVE, KERNEL_EVERY_CYCLE, 40000);
        check_against(&b, twin, seed);
        if (seed % 20 == 0 && kernel_available(KERNEL_SYSTEMC)) {
            run_with(&b, KERNEL_SYSTEMC, KERNEL_SKIP_IDLE, CYC_NEVER);
            check_against(&b, twin, seed);
        }
        n_merged += twin[b.n - 1].merged;
        n_deep += b.n > 1 && twin[1].spikes > 0;
        bench_release(&b);
    }
    assert_true(n_merged > 1000 && n_deep > 20);
}

/* ---- muBrain ---- */

/* Weights of 4 bits, times 8; a potential of at least 0. */
static void mubrain_layer(struct bench *b, uint32_t sources, uint32_t outputs)
{
    add_layer(b, sources, outputs, 64, NEURON_SUBTRACT, 0);
    ((struct neuron *)b->layer[b->n - 1].neuron)->floor = 0;
}

static void mubrain_fires_once_of_ten_sevens_and_is_never_below_0(void **state)
{
    struct bench b = bench_of(&mubrain, "round_robin");

    (void)state;
    mubrain_layer(&b, 1, 2);
    int32_t *w = last_weights(&b);
    w[0] = 7;
    w[1] = -7;
    for (uint32_t i = 0; i < 10; i++)
        add_event(&b, 200 * i, 0);
    run_bench(&b, CYC_NEVER);
    assert_int_equal(core_of(&b, 0)->v[0], 6);
    assert_int_equal(core_of(&b, 0)->n_fired[0], 1);
    assert_int_equal(core_of(&b, 0)->v[1], 0);
    assert_int_equal(core_of(&b, 0)->n_fired[1], 0);
    bench_release(&b);
}

/* 100 ns a row: 10 M events/s; 6,400 in 4.2 ms are 15.2 % of it. */
static void mubrain_serves_64_requests_at_once_in_6400_ns(void **state)
{
    struct bench b = bench_of(&mubrain, "round_robin");

    (void)state;
    mubrain_layer(&b, 64, 10);
    for (uint32_t i = 0; i < 64; i++)
        add_event(&b, 1000, i);
    run_bench(&b, CYC_NEVER);
    assert_int_equal(core_of(&b, 0)->last_ns, 1000 + 6400);
    assert_int_equal(core_of(&b, 0)->counts.rows, 64);
    bench_release(&b);
}

static uint64_t next_of(uint64_t *s)
{
    *s = *s * 6364136223846793005 + 1442695040888963407;
    return *s >> 33;
}

static int by_time(const void *a, const void *b)
{
    const struct event *x = a, *y = b;

    return (x->t_ns > y->t_ns) - (x->t_ns < y->t_ns);
}

/* 256-64-10, weights 8 (v mod 15 - 7), then 6,400 events, of the generator that begins with 7. */
static struct bench mubrain_of_seven(void)
{
    static const uint32_t side[] = { 256, 64, 10 };
    struct bench b = bench_of(&mubrain, "round_robin");
    uint64_t s = 7;

    for (uint32_t l = 0; l < 2; l++) {
        mubrain_layer(&b, side[l], side[l + 1]);
        int32_t *w = last_weights(&b);
        for (uint32_t i = 0; i < side[l]; i++)
            for (uint32_t o = 0; o < side[l + 1]; o++)
                w[o * side[l] + i] = 8 * ((int)(next_of(&s) % 15) - 7);
    }
    for (uint32_t i = 0; i < 6400; i++) {
        uint64_t t_ns = next_of(&s) % 4200000;
        add_event(&b, t_ns, (uint32_t)(next_of(&s) % 256));
    }
    qsort(b.event, b.n_event, sizeof *b.event, by_time);
    return b;
}

static void mubrain_serves_and_loses_as_many_spikes_as_were_worked_out(void **state)
{
    static const uint64_t rows[] = { 6400, 40154 }, merged[] = { 0, 18877 },
                          spikes[] = { 59031, 57873 };
    struct bench b = mubrain_of_seven();

    (void)state;
    for (int reversed = 0; reversed < 2; reversed++) {
        run_with(&b, KERNEL_NATIVE, reversed ? KERNEL_REVERSED : KERNEL_SKIP_IDLE, CYC_NEVER);
        for (uint32_t i = 0; i < 2; i++) {
            assert_int_equal(core_of(&b, i)->counts.rows, rows[i]);
            assert_int_equal(core_of(&b, i)->counts.merged, merged[i]);
            assert_int_equal(core_of(&b, i)->counts.spikes, spikes[i]);
        }
    }
    bench_release(&b);
}

/* ---- the always-on network ---- */

/* Of requests that never end; one more is then being read. */
static void chundi_serves_2833_requests_in_half_a_second(void **state)
{
    static const struct {
        uint64_t ms, rows;
    } want[] = { { 500, 2833 }, { 80, 453 } };

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct bench b = bench_of(&chundi, "fixed");
        add_layer(&b, 256, 128, 1000, NEURON_ZERO, 1);
        for (uint64_t t = 0; t < want[k].ms; t++)
            for (uint32_t i = 0; i < 256; i++)
                add_event(&b, t * MILLI, i);
        run_bench(&b, want[k].ms * MILLI);
        const struct event_core *c = core_of(&b, 0);
        assert_in_range(c->counts.rows, want[k].rows - 1, want[k].rows + 1);
        assert_int_equal(c->counts.rows, want[k].rows);
        bench_release(&b);
    }
}

/* Rows of the second core that 255 spikes in half a second, through 128 neurons, ask for. */
static const struct event_counts *starve(struct bench *b, int64_t theta)
{
    add_layer(b, 256, 128, theta, NEURON_ZERO, 1);
    add_layer(b, 128, 128, 100000, NEURON_ZERO, 1);
    for (uint64_t i = 0; i < 255; i++)
        add_event(b, i * 500 * MILLI / 255, (uint32_t)i);
    run_bench(b, 500 * (uint64_t)MILLI);
    return &core_of(b, 1)->counts;
}

static void chundi_starves_below_a_threshold_of_12(void **state)
{
    struct bench at = bench_of(&chundi, "fixed"), below = at;

    (void)state;
    const struct event_counts *c = starve(&at, 12);
    assert_int_equal(c->arrived, 128 * (255 / 12));
    assert_int_equal(c->merged, 0);
    c = starve(&below, 11);
    assert_int_equal(c->arrived, 128 * (255 / 11));
    assert_true(c->merged > 0);
    bench_release(&at);
    bench_release(&below);
}

/* 66,816 weights of a bit are 65.25 kib; four cores of 128 outputs and 255 spikes each are 1,020
 * requests, of which each is 128 synaptic operations. */
static void chundi_has_as_many_weights_and_synaptic_operations_as_published(void **state)
{
    static const uint32_t side[] = { 256, 128, 128, 128, 10 };
    uint32_t weights = 0;
    uint64_t synapses = 0;

    (void)state;
    for (int l = 0; l < 4; l++)
        weights += side[l] * side[l + 1];
    assert_int_equal(weights, 66816);
    assert_int_equal(weights * 100 / 1024, 6525);
    for (int l = 0; l < 4; l++) {
        struct bench b = bench_of(&chundi, "fixed");
        add_layer(&b, 256, 128, 100000, NEURON_ZERO, 1);
        for (uint64_t i = 0; i < 255; i++)
            add_event(&b, i * MILLI, (uint32_t)i);
        run_bench(&b, CYC_NEVER);
        synapses += core_of(&b, 0)->counts.synapses;
        bench_release(&b);
    }
    assert_int_equal(synapses, 130560);
}

/* A row that ends between two edges of the neurons' clock is taken at the second. */
static void neurons_act_at_edges_of_their_clock(void **state)
{
    struct bench b = bench_of(&chundi, "fixed");

    (void)state;
    add_layer(&b, 2, 1, 1, NEURON_ZERO, 1);
    add_event(&b, 1, 0);
    run_bench(&b, CYC_NEVER); // chosen at 58,824, read until 235,295: edge 17 of 70 kHz
    assert_int_equal(core_of(&b, 0)->last_ns, 242858);
    bench_release(&b);
}

/* ---- what no machine is made of ---- */

static void assert_refused(struct bench *b, const char *want)
{
    struct err_msg m;

    assert_int_equal(event_machine_new(&b->machine, b->layer, b->n, &b->timing, &m), ERR_INPUT);
    assert_string_equal(m.text, want);
    assert_null(b->machine);
}

static void machines_and_events_that_are_none_are_refused(void **state)
{
    struct bench b = bench_of(&mubrain, "fixed");
    struct err_msg m;

    (void)state;
    mubrain_layer(&b, 4, 3);
    mubrain_layer(&b, 2, 2);
    assert_refused(&b, "layer 1: has 2 sources: want 3, the outputs of the one before");
    b.layer[1].sources = 3;
    ((struct neuron *)b.layer[1].neuron)->b[1] = 1;
    assert_refused(&b, "layer 1: output 1 has a bias, which is added in every step, and an event "
                   "core has none: want no biases");
    ((struct neuron *)b.layer[1].neuron)->b[1] = 0;
    b.layer[0].neuron->beta[2] = 1000;
    assert_refused(&b, "layer 0: its neurons leak, or wait, in every step, and an event core has "
                   "none: want neuron.kind = if, and neuron.reset = subtract or zero");
    b.layer[0].neuron->beta[2] = NEURON_NO_LEAK;
    b.timing.hop_ns = 0;
    assert_refused(&b, "core.event.hop_ns = 0: a spike is at the next core later: want at least 1");
    b.timing.hop_ns = 100000000;
    assert_refused(&b, "core.event.hop_ns = 100000000: want at most 102400, 1024 rows");
    b.timing = (struct event_timing){ .arbiter = b.timing.arbiter, .hop_ns = 1 };
    assert_refused(&b, "core.event.service_cycles = 0: of core.event.arbiter_clock_khz = 0: want "
                   "cycles of a clock of 1 to 1000000 kHz, or core.event.service_ns alone");
    b.timing = chundi;
    b.timing.neuron_khz = 5;
    assert_refused(&b, "core.event.neuron_clock_khz = 5: neurons act once a cycle, and a row comes "
                   "every 176470 ns: want a faster clock");
    b.timing = mubrain;
    b.timing.arbiter = arbiter_find("fixed");
    must(event_machine_new(&b.machine, b.layer, 1, &b.timing, &m), &m);
    add_event(&b, 7, 3);
    add_event(&b, 5, 1);
    struct event_run run = { KERNEL_NATIVE, KERNEL_SKIP_IDLE, b.event, 2, 0, CYC_NEVER };
    assert_int_equal(event_machine_run(b.machine, &run, &m), ERR_INPUT);
    assert_string_equal(m.text, "event 1: at 5 ns, 2 ns before the one in front of it: want events "
                        "in order of time");
    b.event[1] = (struct event){ 7, 4 };
    assert_int_equal(event_machine_run(b.machine, &run, &m), ERR_INPUT);
    assert_string_equal(m.text, "event 1: of source 4: want 0 to 3");
    bench_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arbiters_take_the_lowest_or_the_next_request),
        cmocka_unit_test(edges_of_a_clock_are_a_cycle_apart_and_never_drift),
        cmocka_unit_test(requests_at_once_are_served_one_after_the_other),
        cmocka_unit_test(a_spike_on_a_request_that_is_up_is_lost),
        cmocka_unit_test(random_machines_are_a_naive_twin_under_every_kernel),
        cmocka_unit_test(mubrain_fires_once_of_ten_sevens_and_is_never_below_0),
        cmocka_unit_test(mubrain_serves_64_requests_at_once_in_6400_ns),
        cmocka_unit_test(mubrain_serves_and_loses_as_many_spikes_as_were_worked_out),
        cmocka_unit_test(chundi_serves_2833_requests_in_half_a_second),
        cmocka_unit_test(chundi_starves_below_a_threshold_of_12),
        cmocka_unit_test(chundi_has_as_many_weights_and_synaptic_operations_as_published),
        cmocka_unit_test(neurons_act_at_edges_of_their_clock),
        cmocka_unit_test(machines_and_events_that_are_none_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
