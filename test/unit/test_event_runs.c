/* test/unit/test_event_runs.c -- event cores as a user has them: configurations, networks of NIR
 * and recordings, through plan and run, beside a naive twin of maps, windows, pools and layers that
 * cores share. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/rng.h"
#include "nir/network.h"
#include "study/event_price.h"
#include "study/present.h"
#include "study/run.h"
#include "study/study.h"
#include "test/nir_make.h"
#include "test/cli_rig.h"
#include "test/tmpdir.h"

enum { MOST_LAYERS = 3, MOST_CORES = 8, MOST_EVENTS = 400 };

static void must(enum err e, const struct err_msg *m)
{
    if (e)
        fail_msg("%s", m->text);
}

/* ---- the machines of the literature ---- */

static void run_config(const char *config, const char *set, const char *images,
                       enum kernel_kind kernel, struct run_result *r)
{
    const struct run_cfg cfg = { .kernel = kernel, .mode = KERNEL_SKIP_IDLE, .images = images,
                                 .jobs = 1 };
    struct study s;
    struct err_msg m;

    must(study_load_network(&s, config, &set, set ? 1 : 0, &m), &m);
    must(study_plan_any(&s, &m), &m);
    must(run(&s.plan, &cfg, r, &m), &m);
    study_release(&s);
}

static void mubrain_has_its_rows_by_configuration(void **state)
{
    static const uint64_t rows[] = { 6400, 40154 }, merged[] = { 0, 18877 },
                          spikes[] = { 59031, 57873 };

    (void)state;
    for (int k = 0; k < 2; k++) {
        struct run_result r;
        if (!kernel_available(k ? KERNEL_SYSTEMC : KERNEL_NATIVE))
            continue;
        run_config("configs/stuijt2021_mubrain.yaml", NULL, "models/stuijt2021_events.npy",
                   k ? KERNEL_SYSTEMC : KERNEL_NATIVE, &r);
        assert_int_equal(r.event->events, 6400);
        assert_int_equal(r.event->recorded_ns, 4200000);
        for (uint32_t i = 0; i < 2; i++) {
            const struct event_counts *c = &r.event->core[i].counts;
            assert_int_equal(c->rows, rows[i]);
            assert_int_equal(c->merged, merged[i]);
            assert_int_equal(c->spikes, spikes[i]);
            assert_int_equal(c->busy_ns, 100 * rows[i]); // the first: 15.2 % of 4.2 ms
        }
        run_result_release(&r);
    }
}

/* 256-64-10; the article's 16 outputs are six more, with a bias for each neuron. */
static void mubrain_has_as_many_synapses_as_published(void **state)
{
    struct study s;
    struct err_msg m;

    (void)state;
    must(study_load_network(&s, "configs/stuijt2021_mubrain.yaml", NULL, 0, &m), &m);
    const uint64_t weights = network_weights(&s.network), hidden = s.network.layer[1].out.channels;
    study_release(&s);
    assert_int_equal(weights, 17024);
    assert_int_equal(weights + 6 * hidden + hidden + 16, 17488);
}

static void chundi_has_its_rows_by_configuration(void **state)
{
    static const struct {
        const char *set, *images;
        uint64_t core, in_time, merged;
        bool     some; // are lost, and how many nobody says
    } want[] = {
        { NULL, "models/chundi2021_requests.npy", 0, 2833, 0, true },
        { "input.steps=80", "models/chundi2021_requests.npy", 0, 453, 0, true },
        { NULL, "models/chundi2021_255_spikes.npy", 0, 255, 0, false },
        { NULL, "models/chundi2021_255_spikes.npy", 1, 0, 0, false },
        { "network.nir=models/chundi2021_theta11.nir", "models/chundi2021_255_spikes.npy", 1, 0, 0,
          true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct run_result r;
        run_config("configs/chundi2021_always_on.yaml", want[i].set, want[i].images, KERNEL_NATIVE,
                   &r);
        const struct event_counts *c = &r.event->core[want[i].core].counts;
        if (want[i].in_time > 0)
            assert_int_equal(c->rows_in_time, want[i].in_time);
        assert_int_equal(c->merged > 0, want[i].some);
        run_result_release(&r);
    }
}

/* ---- what it costs ---- */

static struct event_price price_of(const char *chip, uint64_t elapsed_ns, struct event_counts c)
{
    struct event_core_result core[2] = { { .holds = true, .counts = c }, { .holds = true } };
    const struct event_result r = { .n_core = 2, .core = core, .elapsed_ns = elapsed_ns };
    struct event_chip costs;
    struct event_price p;
    struct err_msg m;

    must(event_chip_load(&costs, chip, &m), &m);
    event_price(&p, &costs, &r, 1);
    return p;
}

static void recordings_cost_what_was_calibrated(void **state)
{
    static const struct { // of the time that both cores read, and the power
        double rate, nw;
    } power[] = { { 0, 75 }, { 0.25, 111.25 }, { 1, 220 } };
    const double close = 1e-9;
    struct event_price p;

    (void)state;
    p = price_of("stuijt2021_mubrain", 4200000, (struct event_counts){ .spikes = 11500 });
    assert_true(fabs(p.total_nj - (21.36 * 4.2 + 18.2 * 11.5)) < close); // 299.0
    assert_true(fabs(p.total_nj * 1e6 / p.ns - 71.2) < 0.05);
    p = price_of("chundi2021_synapses", 500000000, (struct event_counts){ .synapses = 130560 });
    assert_true(fabs(p.total_nj - 195.84) < close);
    for (size_t i = 0; i < sizeof power / sizeof *power; i++) {
        const struct event_counts c = { .busy_ns = (uint64_t)(2 * 500000000 * power[i].rate) };
        p = price_of("chundi2021_power", 500000000, c);
        assert_true(fabs(p.total_nj / 0.5 - power[i].nw) < close);
    }
}

/* 518 events that fire as many spikes as the radar's recording. */
static void the_radars_spikes_fit_its_recording(void **state)
{
    struct run_result r;

    (void)state;
    run_config("configs/stuijt2021_mubrain.yaml", NULL, "models/stuijt2021_radar.npy",
               KERNEL_NATIVE, &r);
    assert_int_equal(r.event->events, 518);
    assert_int_equal(r.event->core[0].counts.spikes + r.event->core[1].counts.spikes, 11500);
    assert_int_equal(r.event->elapsed_ns, 4200000);
    run_result_release(&r);
}

/* ---- random networks ---- */

struct naive_layer { // of weights, behind a pool of `pool` x `pool` windows where that is not 1
    uint32_t in_rows, in_columns, in; // of the map in front of the pool
    uint32_t pool, kernel, stride, pad, out, rows, columns; // of its own map
    int32_t  weight[8 * 8 * 9]; // [out][in][kernel][kernel]; of a dense layer the whole map
    int64_t  theta;
    uint32_t cores;
};

struct bench {
    struct naive_layer layer[MOST_LAYERS];
    uint32_t n, steps, bin_us, service_ns, hop_ns;
    bool     fixed, zero, floor;
    struct { int32_t t_ns, source; } event[MOST_EVENTS]; // source as files have it
    uint32_t n_event;
};

static uint32_t draw(struct rng r, uint64_t *at, uint32_t n)
{
    return (uint32_t)(rng_u64(r, (*at)++) % n);
}

static struct naive_layer random_layer(struct rng r, uint64_t *at, uint32_t rows, uint32_t columns,
                                       uint32_t in, bool dense)
{
    struct naive_layer l = { .in_rows = rows, .in_columns = columns, .in = in, .pool = 1,
                             .out = 1 + draw(r, at, 6), .theta = 1 + draw(r, at, 12) };

    if (rows >= 4 && columns >= 4 && draw(r, at, 2))
        l.pool = 2;
    const uint32_t y = rows / l.pool, x = columns / l.pool;
    const uint32_t most = y < x ? y : x;
    l.kernel = dense ? y : 1 + draw(r, at, most < 3 ? most : 3);
    l.stride = dense ? 1 : 1 + draw(r, at, 2);
    l.pad = dense ? 0 : draw(r, at, l.kernel);
    l.rows = dense ? 1 : (y + 2 * l.pad - l.kernel) / l.stride + 1;
    l.columns = dense ? 1 : (x + 2 * l.pad - l.kernel) / l.stride + 1;
    for (uint32_t i = 0; i < l.out * in * l.kernel * (dense ? x : l.kernel); i++)
        l.weight[i] = (int32_t)draw(r, at, 11) - 4;
    return l;
}

static struct bench random_bench(unsigned seed)
{
    struct rng r = rng_at(seed, "event runs");
    struct bench b = { .steps = 4, .fixed = seed % 2, .zero = seed % 3 == 0,
                       .floor = seed % 4 < 2 };
    uint64_t at = 0;
    uint32_t rows = 3 + draw(r, &at, 4), columns = 3 + draw(r, &at, 4), in = 1 + draw(r, &at, 2);

    b.service_ns = 3 + draw(r, &at, 20);
    b.hop_ns = 1 + draw(r, &at, 30);
    b.bin_us = 1 + draw(r, &at, 3);
    b.n = 1 + draw(r, &at, MOST_LAYERS);
    for (uint32_t i = 0; i < b.n; i++) {
        bool dense = i + 1 == b.n && rows * columns <= 9;
        b.layer[i] = random_layer(r, &at, rows, columns, in, dense && rows == columns);
        rows = b.layer[i].rows;
        columns = b.layer[i].columns;
        in = b.layer[i].out;
    }
    const struct naive_layer *first = &b.layer[0];
    b.n_event = 20 + draw(r, &at, MOST_EVENTS - 20);
    for (uint32_t i = 0; i < b.n_event; i++) {
        b.event[i].t_ns = (int32_t)draw(r, &at, b.steps * b.bin_us * 1000);
        b.event[i].source = (int32_t)draw(r, &at, first->in_rows * first->in_columns * first->in);
    }
    return b;
}

static void put_numbers(struct nir_make *k, const char *node, const char *field, double a, double b)
{
    nir_make_numbers(k, node, field, (double[]){ a, b }, (uint32_t[4]){ 2 });
}

static void put_weights(struct nir_make *k, const struct naive_layer *l, const char *name,
                        const char *from)
{
    double w[8 * 8 * 9], ones[8], theta[8];
    const uint32_t n = l->out * l->in * l->kernel * l->kernel;
    char neuron[32];

    for (uint32_t i = 0; i < n; i++)
        w[i] = l->weight[i];
    for (uint32_t o = 0; o < l->out; o++) {
        ones[o] = 1;
        theta[o] = (double)l->theta;
    }
    nir_make_node(k, name, "Conv2d", from);
    nir_make_numbers(k, name, "weight", w, (uint32_t[4]){ l->out, l->in, l->kernel, l->kernel });
    nir_make_numbers(k, name, "bias", (double[8]){ 0 }, (uint32_t[4]){ l->out });
    put_numbers(k, name, "stride", l->stride, l->stride);
    put_numbers(k, name, "padding", l->pad, l->pad);
    put_numbers(k, name, "dilation", 1, 1);
    nir_make_number(k, name, "groups", 1);
    put_numbers(k, name, "input_shape", l->in_rows / l->pool, l->in_columns / l->pool);
    snprintf(neuron, sizeof neuron, "if%s", name);
    nir_make_node(k, neuron, "IF", name);
    nir_make_numbers(k, neuron, "r", ones, (uint32_t[4]){ l->out, 1, 1 });
    nir_make_numbers(k, neuron, "v_threshold", theta, (uint32_t[4]){ l->out, 1, 1 });
}

static void make_network(struct network *n, const struct bench *b, const struct config *c)
{
    const struct naive_layer *first = &b->layer[0];
    char from[16] = "input", name[16], pool[16];
    struct nir_make k;
    struct nir_graph g;
    struct nir_cfg cfg;
    struct presentation p;
    struct err_msg m;

    nir_make_begin(&k);
    nir_make_node(&k, "input", "Input", NULL);
    nir_make_numbers(&k, "input", "shape",
                     (double[]){ first->in, first->in_rows, first->in_columns },
                     (uint32_t[4]){ 3 });
    for (uint32_t i = 0; i < b->n; i++) {
        snprintf(name, sizeof name, "%u", i);
        snprintf(pool, sizeof pool, "pool%u", i);
        if (b->layer[i].pool > 1) {
            nir_make_node(&k, pool, "SumPool2d", from);
            put_numbers(&k, pool, "kernel_size", 2, 2);
            put_numbers(&k, pool, "stride", 2, 2);
            put_numbers(&k, pool, "padding", 0, 0);
        }
        put_weights(&k, &b->layer[i], name, b->layer[i].pool > 1 ? pool : from);
        snprintf(from, sizeof from, "if%u", i);
    }
    nir_make_node(&k, "output", "Output", from);
    nir_make_number(&k, "output", "shape", 1);
    nir_make_end(&k);
    nir_make_graph(&k, &g);
    must(present_read(&p, c, &m), &m);
    must(present_nir(&cfg, c, &p, &m), &m);
    must(nir_network(n, "random", &g, &cfg, &m), &m);
    n->present = p;
    must(network_check(n, &m), &m);
    nir_graph_release(&g);
    nir_make_release(&k);
}

static void write_events(const struct bench *b, const char *dir)
{
    char head[128] = "\x93NUMPY\x01", text[110];
    uint8_t bytes[128 + MOST_EVENTS * 8];

    memset(head + 10, ' ', sizeof head - 10);
    head[7] = 0;
    head[8] = 118;
    head[9] = 0;
    int n = snprintf(text, sizeof text, "{'descr': '<i4', 'fortran_order': False, 'shape': "
                     "(%u, 2)}", b->n_event);
    memcpy(head + 10, text, (size_t)n);
    head[127] = '\n';
    memcpy(bytes, head, 128);
    memcpy(bytes + 128, b->event, b->n_event * 8);
    tmpdir_write(dir, "events.npy", bytes, 128 + b->n_event * 8);
}

/* ---- the twin: nanosecond by nanosecond, window by window ---- */

enum { MOST_SOURCES = 256, MOST_ROWS = 1024, HOPS = 64 };

struct twin {
    const struct naive_layer *l;
    uint32_t first, n;    // of its layer's outputs a position
    uint8_t  up[MOST_SOURCES], way[HOPS][MOST_SOURCES];
    uint32_t last, row, n_row, begun_row;
    struct { uint32_t position, weight; } rows[MOST_ROWS]; // of the source that is served
    bool     busy;
    uint64_t end_ns;
    int64_t  v[MOST_SOURCES];
    struct event_counts counts;
};

/* Rows of a source of the layer, [column][row][channel], row by row of pools and of outputs. */
static void rows_of(struct twin *t, uint32_t source)
{
    const struct naive_layer *l = t->l;
    const uint32_t ch = source % l->in, y = source / l->in % l->in_rows,
                   x = source / l->in / l->in_rows, py = y / l->pool, px = x / l->pool;

    t->n_row = 0;
    if (py >= l->in_rows / l->pool || px >= l->in_columns / l->pool)
        return;
    for (uint32_t oy = 0; oy < l->rows; oy++)
        for (uint32_t ox = 0; ox < l->columns; ox++)
            for (uint32_t ky = 0; ky < l->kernel; ky++)
                for (uint32_t kx = 0; kx < l->kernel; kx++)
                    if (oy * l->stride + ky == py + l->pad && ox * l->stride + kx == px + l->pad) {
                        t->rows[t->n_row].position = ox * l->rows + oy;
                        t->rows[t->n_row++].weight = (ch * l->kernel + ky) * l->kernel + kx;
                    }
}

static void twin_spike(struct twin *all, uint32_t n, const struct twin *from, uint32_t output,
                       uint64_t t_ns)
{
    for (uint32_t i = 0; i < n; i++)
        if (all[i].l == from->l + 1)
            all[i].way[t_ns % HOPS][output] = 1;
}

static void twin_row(const struct bench *b, struct twin *all, uint32_t n, struct twin *t,
                     uint64_t now)
{
    const struct naive_layer *l = t->l;
    const uint32_t position = t->rows[t->row].position;

    t->counts.rows++;
    for (uint32_t o = t->first; o < t->first + t->n; o++) {
        int64_t *v = &t->v[position * l->out + o];
        *v += l->weight[o * l->in * l->kernel * l->kernel + t->rows[t->row].weight];
        if (b->floor && *v < 0)
            *v = 0;
        if (*v < l->theta)
            continue;
        *v = b->zero ? 0 : *v - l->theta;
        t->counts.spikes++;
        twin_spike(all, n, t, position * l->out + o, now + b->hop_ns);
    }
}

static void twin_step(const struct bench *b, struct twin *all, uint32_t n, struct twin *t,
                      uint64_t now)
{
    const uint32_t sources = t->l->in_rows * t->l->in_columns * t->l->in;
    bool any = false;

    if (t->busy && t->end_ns == now) {
        twin_row(b, all, n, t, now);
        t->busy = ++t->row < t->n_row;
        t->end_ns = now + b->service_ns;
    }
    for (uint32_t s = 0; s < sources; s++) {
        uint8_t came = t->way[now % HOPS][s];
        t->way[now % HOPS][s] = 0;
        t->counts.arrived += came;
        for (; came > 0; came--) {
            uint32_t was = t->n_row;
            struct twin other = { .l = t->l };
            rows_of(&other, s);
            t->n_row = was;
            t->counts.unseen += other.n_row == 0;
            t->counts.merged += other.n_row > 0 && t->up[s];
            t->up[s] |= other.n_row > 0;
        }
        any |= t->up[s];
    }
    if (t->busy || !any)
        return;
    uint32_t s = b->fixed ? 0 : (t->last + 1) % sources;
    while (!t->up[s])
        s = (s + 1) % sources;
    t->up[s] = 0;
    t->last = s;
    t->counts.requests++;
    rows_of(t, s);
    t->row = 0;
    t->busy = true;
    t->end_ns = now + b->service_ns;
}

static uint32_t make_twins(const struct bench *b, struct twin *all, const struct plan *p)
{
    uint32_t n = 0, layer = 0;

    for (uint32_t i = 0; i < p->n_core; i++) {
        if (p->core[i].rows == 0)
            continue; // a pool
        if (p->core[i].split == 0)
            layer += n > 0;
        const struct naive_layer *l = &b->layer[layer];
        assert_true(n < MOST_CORES);
        all[n] = (struct twin){ .l = l, .first = p->core[i].out_first, .n = p->core[i].out_n,
                                .last = l->in_rows * l->in_columns * l->in - 1 };
        n++;
    }
    return n;
}

static bool twins_move(const struct twin *all, uint32_t n)
{
    bool any = false;

    for (uint32_t i = 0; i < n; i++) {
        any |= all[i].busy;
        for (uint32_t k = 0; k < MOST_SOURCES; k++) {
            any |= all[i].up[k];
            for (uint32_t h = 0; h < HOPS; h++)
                any |= all[i].way[h][k];
        }
    }
    return any;
}

static void run_twins(const struct bench *b, struct twin *all, uint32_t n)
{
    const struct naive_layer *f = &b->layer[0];
    const uint64_t end = b->steps * b->bin_us * 1000;

    for (uint64_t now = 0; now <= end || twins_move(all, n); now++) {
        for (uint32_t e = 0; now <= end && e < b->n_event; e++) {
            uint32_t s = (uint32_t)b->event[e].source, x = s % f->in_columns,
                     y = s / f->in_columns % f->in_rows, ch = s / f->in_columns / f->in_rows;
            for (uint32_t i = 0; (uint64_t)b->event[e].t_ns == now && i < n && all[i].l == f; i++)
                all[i].way[now % HOPS][(x * f->in_rows + y) * f->in + ch]++;
        }
        for (uint32_t i = 0; i < n; i++)
            twin_step(b, all, n, &all[i], now);
    }
}

/* ---- */

static void load_config(struct config *c, const struct bench *b, bool events)
{
    char text[640], core[300];
    struct err_msg m;

    snprintf(core, sizeof core, "core:\n  kind: event\n  event: {arbiter: %s, service_ns: %u, "
             "hop_ns: %u}\n  crossbar: {rows: 512, columns: 3}\n",
             b->fixed ? "fixed" : "round_robin", b->service_ns, b->hop_ns);

    snprintf(text, sizeof text, "network: {nir: random}\n"
             "input: {coding: events, steps: %u, bin_us: %u}\nnir: {reset: %s}\n"
             "neuron: {floor: %s}\n%s", b->steps, b->bin_us, b->zero ? "zero" : "subtract",
             b->floor ? "0" : "none", events ? core : "");
    must(config_load_text(c, "test", text, NULL, 0, &m), &m);
}

static void expect_twins(const struct bench *b, const struct plan *p, const struct twin *twin,
                         const struct run_cfg *cfg, unsigned seed)
{
    struct run_result r;
    struct err_msg m;
    uint32_t n = 0;

    must(run(p, cfg, &r, &m), &m);
    assert_int_equal(r.event->events, b->n_event);
    for (uint32_t i = 0; i < p->n_core; i++) {
        const struct event_counts *c = &r.event->core[i].counts;
        if (p->core[i].rows == 0)
            continue;
        const struct event_counts *t = &twin[n++].counts;
        if (c->arrived != t->arrived || c->merged != t->merged || c->unseen != t->unseen ||
            c->requests != t->requests || c->rows != t->rows || c->spikes != t->spikes)
            fail_msg("seed %u, core %s", seed, p->core[i].name);
    }
    run_result_release(&r);
}

static void random_networks_are_a_naive_twin_through_the_plan(void **state)
{
    enum { N = 40 };
    static struct twin twin[MOST_CORES];
    uint64_t n_shared = 0, n_merged = 0, n_last = 0;
    char path[TMPDIR_PATH_MAX];

    for (unsigned seed = 1; seed <= N; seed++) {
        struct bench b = random_bench(seed);
        struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE, .jobs = 1,
                               .images = tmpdir_path(path, *state, "events.npy") };
        struct network n;
        struct config c;
        struct plan p;
        struct err_msg m;
        load_config(&c, &b, true);
        make_network(&n, &b, &c);
        must(plan_make(&p, &n, &c, &m), &m);
        write_events(&b, *state);
        uint32_t n_twin = make_twins(&b, twin, &p);
        run_twins(&b, twin, n_twin);
        expect_twins(&b, &p, twin, &cfg, seed);
        cfg.mode = KERNEL_REVERSED;
        expect_twins(&b, &p, twin, &cfg, seed);
        cfg.mode = KERNEL_SKIP_IDLE;
        cfg.kernel = KERNEL_SYSTEMC;
        if (seed % 10 == 0 && kernel_available(KERNEL_SYSTEMC))
            expect_twins(&b, &p, twin, &cfg, seed);
        n_shared += n_twin > b.n;
        n_merged += twin[0].counts.merged;
        n_last += n_twin > 1 && twin[n_twin - 1].counts.spikes > 0;
        plan_release(&p);
        network_release(&n);
        config_release(&c);
    }
    assert_true(n_shared > 10 && n_merged > 100 && n_last > 10);
}

/* Spikes that the layer with weights fires, all of its cores. */
static uint64_t spikes_of(const struct bench *b, bool events, const char *images)
{
    const struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE, .jobs = 1,
                                 .images = images };
    uint64_t spikes = 0;
    struct run_result r;
    struct network n;
    struct config c;
    struct plan p;
    struct err_msg m;

    load_config(&c, b, events);
    make_network(&n, b, &c);
    must(plan_make(&p, &n, &c, &m), &m);
    must(run(&p, &cfg, &r, &m), &m);
    for (uint32_t i = 0; events && i < p.n_core; i++)
        spikes += r.event->core[i].counts.spikes;
    if (!events)
        spikes = spike_counts_of(&r.spikes, n.n_layer - 1);
    run_result_release(&r);
    plan_release(&p);
    network_release(&n);
    config_release(&c);
    return spikes;
}

/* Where a step has one event, each neuron sees one row in it; and where no weight passes the
 * threshold, nothing is left that would fire in a step without an event. */
static void one_event_a_step_fires_what_the_step_does(void **state)
{
    char path[TMPDIR_PATH_MAX];
    uint64_t all = 0;

    for (unsigned seed = 1; seed <= 25; seed++) {
        struct bench b = random_bench(seed);
        b.n = 1;
        b.layer[0].theta += 6; // the largest weight
        b.steps = b.n_event;
        for (uint32_t i = 0; i < b.n_event; i++)
            b.event[i].t_ns = (int32_t)(1000 * b.bin_us * i);
        write_events(&b, *state);
        tmpdir_path(path, *state, "events.npy");
        uint64_t by_events = spikes_of(&b, true, path), by_steps = spikes_of(&b, false, path);
        if (by_events != by_steps)
            fail_msg("seed %u: %llu and %llu", seed, (unsigned long long)by_events,
                     (unsigned long long)by_steps);
        all += by_steps;
    }
    assert_true(all > 1000);
}

/* ---- what no machine is made of ---- */

/* A study of muBrain's service: figures of its points are those of runs. */
static void a_study_of_event_cores_has_the_figures_of_runs(void **state)
{
    static const uint32_t service_ns[] = { 50, 100, 200 };
    const char *dir = *state;
    char path[TMPDIR_PATH_MAX], arguments[TMPDIR_PATH_MAX + 256];
    struct outcome o;
    FILE *f;

    tmpdir_path(path, dir, "service.yaml");
    f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, "base: stuijt2021_mubrain\nvary: {core.event.service_ns: [50, 100, 200]}\n"
               "images: {set: models/stuijt2021_events.npy}\n");
    fclose(f);
    snprintf(arguments, sizeof arguments, "sweep %s --db %s/service.db --jobs 2", path, dir);
    o = imcsim(dir, arguments);
    assert_int_equal(o.status, 0);
    outcome_release(&o);
    snprintf(arguments, sizeof arguments, "report %s/service.db --json -", dir);
    json_t *report = json_of(dir, arguments), *point;
    size_t i;
    json_array_foreach(at(report, "points"), i, point) {
        snprintf(arguments, sizeof arguments, "run stuijt2021_mubrain --set "
                 "core.event.service_ns=%u --images models/stuijt2021_events.npy --json -",
                 service_ns[i]);
        json_t *run = json_of(dir, arguments);
        assert_true(number_at(point, "figures.rows_per_image") ==
                    (double)integer_at(run, "spiking.rows"));
        assert_true(number_at(point, "figures.spikes_per_image") ==
                    (double)integer_at(run, "spiking.spikes"));
        if (service_ns[i] == 100)
            assert_int_equal(integer_at(run, "spiking.rows"), 6400 + 40154);
        json_decref(run);
    }
    assert_int_equal(i, 3);
    json_decref(report);
}

static void expect_refused(const char *const *set, size_t n, const char *images, const char *want)
{
    const struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE, .jobs = 1,
                                 .images = images };
    struct err_msg m = { "" };
    struct run_result r;
    struct study s;

    enum err e = study_load_network(&s, "configs/stuijt2021_mubrain.yaml", set, n, &m);
    if (!e)
        e = study_plan_any(&s, &m);
    if (!e) {
        e = run(&s.plan, &cfg, &r, &m);
        study_release(&s);
    }
    assert_int_equal(e, ERR_INPUT);
    if (!strstr(m.text, want) || !strstr(m.text, "want"))
        fail_msg("\"%s\" says nothing of \"%s\"", m.text, want);
}

static void mistakes_are_told_with_place_and_cure(void **state)
{
    static const struct {
        const char *set, *want;
    } one[] = {
        { "core.kind=evnt", "--set core.kind: core.kind = evnt: want imc or event" },
        { "core.event.arbiter=first", "core.event.arbiter = first: want fixed or round_robin" },
        { "core.event.service_ns=0", "core.event.service_ns = 0: want a whole number from 1 to" },
        { "core.event.hop_ns=0", "core.event.hop_ns = 0: want a whole number from 1 to" },
        { "core.event.hop_ns=102500", "--set core.event.hop_ns: core.event.hop_ns = 102500" },
        { "core.event.service_cycles=3", "--set core.event.service_cycles: core.event." },
        { "core.event.neuron_clock_khz=9999", "--set core.event.neuron_clock_khz: core.event." },
        { "core.event.neuron_clock_khz=1000001", "want a whole number from 0 to 1000000" },
        { "core.crossbar.rows=128", "core.crossbar.rows = 256, or core.kind = imc" },
        { "neuron.most=2", "layer fc1: its neurons may fire several times at once" },
        { "core.crossbar.device=pcm_joshi", "core.crossbar.device" },
        { "nir.reset=delayed", "layer fc1: its neurons leak, or wait" },
        { "elastic.results=2", "elastic.results has no effect with core.kind = event" },
    };
    const char *const imc[] = { "core.kind=imc", "core.event.hop_ns=3" };
    char path[TMPDIR_PATH_MAX];

    for (size_t i = 0; i < sizeof one / sizeof *one; i++)
        expect_refused(&one[i].set, 1, "models/stuijt2021_events.npy", one[i].want);
    expect_refused(imc, 2, "models/stuijt2021_events.npy", "has no effect with core.kind = imc");
    expect_refused(NULL, 0, NULL, "event cores work when spikes come");
    struct bench b = { .n_event = 2, .event = { { 5, 0 }, { 7, 256 } } };
    write_events(&b, *state);
    expect_refused(NULL, 0, tmpdir_path(path, *state, "events.npy"),
                   "event 1: at 7 ns, of source 256: want times from 0 on and sources 0 to 255");
    b.event[1].t_ns = -1;
    write_events(&b, *state);
    expect_refused(NULL, 0, path, "event 1: at -1 ns");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mubrain_has_its_rows_by_configuration),
        cmocka_unit_test(mubrain_has_as_many_synapses_as_published),
        cmocka_unit_test(chundi_has_its_rows_by_configuration),
        cmocka_unit_test(recordings_cost_what_was_calibrated),
        cmocka_unit_test(the_radars_spikes_fit_its_recording),
        cmocka_unit_test_setup_teardown(random_networks_are_a_naive_twin_through_the_plan,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(one_event_a_step_fires_what_the_step_does, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(a_study_of_event_cores_has_the_figures_of_runs,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(mistakes_are_told_with_place_and_cure, tmpdir_make,
                                        tmpdir_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
