/* Systems of the literature that are no machine of their own (../shared/spec/spiking.md, 3.8): each
 * as a test of what this simulator has of it. A wave of spikes through a cube, of event cores; a
 * trace of BCPNN, of a leaky integrator; the product of Bayesian crossbars, of log-likelihoods. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/event/machine.h"
#include "core/chan.h"
#include "core/rng.h"
#include "nir/network.h"
#include "network/spiking/neuron.h"
#include "network/spiking/spikes.h"
#include "test/nir_make.h"

/* ---- a wave ---- */

enum { NEIGHBOURS = 6, SERVICE_NS = 100, HOP_NS = 10 };

struct cube { // of s x s x s cells, each an event core of one neuron
    uint32_t           s, n, n_chan;
    struct event_core *core;
    struct chan       *chan;
    struct block     **block;
    struct chan      **link, **out;
    uint32_t          *writer;
};

/* The neighbour of a cell along an axis, either way; n where it has none. */
static uint32_t neighbour(const struct cube *c, uint32_t cell, int k)
{
    const uint32_t step[] = { 1, c->s, c->s * c->s };
    const uint32_t at = cell / step[k / 2] % c->s;

    if (k % 2 == 0)
        return at > 0 ? cell - step[k / 2] : c->n;
    return at + 1 < c->s ? cell + step[k / 2] : c->n;
}

/* Channels lead into a cell from each of its neighbours; the last one from outside into cell 0. */
static void connect(struct cube *c, uint32_t *n_out)
{
    uint32_t chan = 0;

    for (uint32_t to = 0; to < c->n; to++) {
        c->core[to].in = &c->link[chan];
        for (int k = 0; k < NEIGHBOURS; k++) {
            uint32_t from = neighbour(c, to, k);
            if (from == c->n)
                continue;
            c->core[from].out = &c->out[from * NEIGHBOURS];
            c->core[from].out[n_out[from]++] = &c->chan[chan];
            c->writer[chan] = from;
            c->link[chan++] = &c->chan[c->core[to].in - c->link + c->core[to].n_in];
            c->core[to].n_in++;
        }
        if (to == 0) {
            c->writer[chan] = c->n;
            c->link[chan] = &c->chan[chan];
            c->core[to].n_in++;
            chan++;
        }
    }
    c->n_chan = chan;
}

static uint64_t open_cube(struct cube *c)
{
    uint64_t from_outside = 0;

    for (uint32_t to = 0, chan = 0; to < c->n; to++)
        for (uint32_t k = 0; k < c->core[to].n_in; k++, chan++) {
            struct block *from = c->writer[chan] == c->n ? NULL : c->block[c->writer[chan]];
            assert_true(chan_init(&c->chan[chan], "wave", from, c->block[to], 4,
                                  event_spikes_bytes(1)));
            from_outside = from ? from_outside : chan;
        }
    return from_outside;
}

/* A spike comes to a corner; each cell fires once, at the first of its neighbours' spikes. */
static void check_wave(uint32_t s, enum kernel_kind kind, enum kernel_mode mode)
{
    static const struct event_timing timing = { .service_ns = SERVICE_NS, .hop_ns = HOP_NS };
    static const int32_t one = 1;
    int64_t rests = -1000; // what no number of spikes brings back
    struct event_timing t = timing;
    struct neuron *u = neuron_new(neuron_kind_find("if"), 1, false);
    const struct event_layer layer = { .name = "cell", .sources = 1, .outputs = 1, .rows = 1,
                                       .channels = 1, .weight = &one, .neuron = u };
    struct cube c = { .s = s, .n = s * s * s };
    const size_t most = (size_t)c.n * NEIGHBOURS + 1;
    uint64_t spikes = 0, arrived = 0, last = 0;

    t.arbiter = arbiter_find("round_robin");
    u->theta[0] = 1;
    u->reset = NEURON_ZERO;
    u->reset_to = &rests;
    c.core = calloc(c.n, sizeof *c.core);
    c.chan = calloc(most, sizeof *c.chan);
    c.block = calloc(c.n, sizeof(struct block *));
    c.link = calloc(most, sizeof(struct chan *));
    c.out = calloc(most, sizeof(struct chan *));
    c.writer = calloc(most, sizeof *c.writer);
    uint32_t *n_out = calloc(c.n, sizeof *n_out);
    for (uint32_t i = 0; i < c.n; i++) {
        assert_true(event_core_init(&c.core[i], "cell", &layer, 0, &t));
        c.block[i] = &c.core[i].block;
    }
    connect(&c, n_out);
    for (uint32_t i = 0; i < c.n; i++) {
        c.core[i].n_out = n_out[i];
        event_core_begin(&c.core[i], UINT64_MAX);
    }
    const uint64_t first = open_cube(&c);
    const struct design d = { c.block, c.n, c.link, c.n_chan };
    struct kernel *k = kernel_new(kind, &d, mode);
    struct event_spikes *start = calloc(1, event_spikes_bytes(1));
    start->n = 1;
    assert_non_null(k);
    assert_true(kernel_inject(k, &c.chan[first], 0, start));
    kernel_run(k, CYC_NEVER);
    for (uint32_t i = 0; i < c.n; i++) {
        const uint64_t depth = i % s + i / s % s + i / s / s;
        spikes += c.core[i].counts.spikes;
        arrived += c.core[i].counts.arrived;
        assert_int_equal(c.core[i].n_fired[0], 1);
        last = depth > last ? depth : last;
    }
    /* The corner that is farthest fires 3 (s - 1) rows and hops behind the first. */
    const struct event_core *corner = &c.core[c.n - 1];
    assert_int_equal(last, 3 * (s - 1));
    assert_int_equal(corner->last_ns, last * (SERVICE_NS + HOP_NS) + SERVICE_NS);
    assert_int_equal(spikes, (uint64_t)s * s * s);
    assert_int_equal(arrived - 1, (uint64_t)NEIGHBOURS * s * s * (s - 1));
    kernel_free(k);
    for (uint32_t i = 0; i < c.n_chan; i++)
        chan_release(&c.chan[i]);
    for (uint32_t i = 0; i < c.n; i++)
        event_core_release(&c.core[i]);
    u->reset_to = NULL;
    neuron_free(u);
    free(start);
    free(n_out);
    free(c.core);
    free(c.chan);
    free(c.block);
    free(c.link);
    free(c.out);
    free(c.writer);
}

/* s = 20: 8,000 spikes, 45,600 events, 57 steps. */
static void a_wave_crosses_a_cube_of_8000_cells_in_57_steps(void **state)
{
    (void)state;
    for (uint32_t s = 1; s <= 5; s++) {
        check_wave(s, KERNEL_NATIVE, KERNEL_EVERY_CYCLE);
        check_wave(s, KERNEL_NATIVE, KERNEL_REVERSED);
        if (kernel_available(KERNEL_SYSTEMC))
            check_wave(s, KERNEL_SYSTEMC, KERNEL_SKIP_IDLE);
    }
    assert_int_equal(20 * 20 * 20, 8000);
    assert_int_equal(NEIGHBOURS * 20 * 20 * 19, 45600);
    assert_int_equal(3 * 19, 57);
    check_wave(20, KERNEL_NATIVE, KERNEL_SKIP_IDLE);
}

/* ---- networks of NIR ---- */

static const struct nir_cfg plain = { .reset = NIR_RESET_SUBTRACT, .most = 1, .image_bits = 8,
                                      .steps = 1000, .fraction_bits = NIR_FRACTION_AUTO,
                                      .floor = NEURON_UNBOUNDED, .ceiling = NEURON_UNBOUNDED };

/* ---- BCPNN ---- */

/* A trace z' = (s - z) / tau of 5.5 ms: it rises by 2/11 a millisecond at first where its input is
 * there in every step, by half of that where it is in every other, and by what is missing of 1, and
 * of 1/2, later. Steps of 1 / 64 ms; in 65,536ths of the file's own terms. */
static void a_trace_rises_by_2_of_11_a_millisecond(void **state)
{
    enum { PER_MS = 64 };
    const double tau_ms = 5.5;

    (void)state;
    for (int half = 0; half < 2; half++) {
        struct nir_cfg cfg = plain;
        struct nir_make k;
        struct network n;
        cfg.dt_us = 1000.0 / PER_MS;
        cfg.weights = NIR_WEIGHTS_GIVEN;
        nir_make_input(&k, 1);
        nir_make_node(&k, "w", "Linear", "input");
        nir_make_numbers(&k, "w", "weight", (double[]){ 1 }, (uint32_t[4]){ 1, 1 });
        nir_make_node(&k, "z", "LI", "w");
        nir_make_number(&k, "z", "tau", tau_ms / 1000);
        nir_make_number(&k, "z", "r", 1);
        nir_make_number(&k, "z", "v_leak", 0);
        nir_make_node(&k, "output", "Output", "z");
        nir_make_number(&k, "output", "shape", 1);
        nir_make_network(&n, &k, &cfg);
        struct spikes *s = spikes_new(&n);
        const double one = 65536, drive = half ? 0.5 : 1;
        double z[2] = { 0 };
        for (uint32_t t = 0; t < 60 * PER_MS; t++) {
            int32_t x = !half || t % 2 == 0;
            spikes_step(s, &x, t, NULL);
            z[1] = (double)spikes_potential(s, 1, 0) / one;
            if (t == 1) // two steps from 0
                assert_true(fabs(z[1] * PER_MS / 2 - drive * 2 / 11) < 0.001);
            if ((t + 1) % PER_MS == 0) { // a millisecond, by the equation's own solution
                double ms = (double)(t + 1) / PER_MS;
                assert_true(fabs(z[1] - drive * (1 - exp(-ms / tau_ms))) < 0.004);
            }
        }
        assert_true(fabs(z[1] - drive) < 0.004);
        spikes_free(s);
        network_release(&n);
    }
}

/* ---- Bayes ---- */

enum { FEATURES = 12, VALUES = 4, CLASSES = 5, ROWS = FEATURES * VALUES };

/* Sums of log-likelihoods, which a crossbar adds up in one product of inputs that are each one of
 * four, beside the posterior itself: the same class but where two are nearer one another than what
 * rounding weights to 127ths can move, and that is its bound. */
static void a_product_is_bayes_but_for_the_rounding_of_weights(void **state)
{
    struct rng r = rng_at(9, "Bayes");
    uint32_t at = 0, same = 0, near = 0;

    (void)state;
    for (int n = 0; n < 40; n++) {
        double p[CLASSES][ROWS], w[CLASSES * ROWS], prior[CLASSES], bias[CLASSES], all = 0;
        struct nir_make k;
        struct network net;
        for (int c = 0; c < CLASSES; c++) {
            all += prior[c] = 1 + (double)(rng_u64(r, at++) % 9);
            for (int f = 0; f < FEATURES; f++) {
                double sum = 0;
                for (int v = 0; v < VALUES; v++)
                    sum += p[c][f * VALUES + v] = 1 + (double)(rng_u64(r, at++) % 30);
                for (int v = 0; v < VALUES; v++)
                    w[c * ROWS + f * VALUES + v] = log(p[c][f * VALUES + v] /= sum);
            }
        }
        for (int c = 0; c < CLASSES; c++)
            bias[c] = log(prior[c] /= all);
        struct nir_cfg cfg = plain;
        cfg.weights = NIR_WEIGHTS_INT8;
        nir_make_input(&k, ROWS);
        nir_make_node(&k, "likelihoods", "Affine", "input");
        nir_make_numbers(&k, "likelihoods", "weight", w, (uint32_t[4]){ CLASSES, ROWS });
        nir_make_numbers(&k, "likelihoods", "bias", bias, (uint32_t[4]){ CLASSES });
        nir_make_node(&k, "sum", "I", "likelihoods");
        nir_make_number(&k, "sum", "r", 1);
        nir_make_node(&k, "output", "Output", "sum");
        nir_make_number(&k, "output", "shape", 1);
        nir_make_network(&net, &k, &cfg);
        const struct neuron *u = net.layer[1].neuron;
        struct spikes *s = spikes_new(&net);
        for (int i = 0; i < 25; i++) {
            int32_t x[ROWS] = { 0 };
            double posterior[CLASSES], least = 0;
            uint32_t best = 0, found = 0;
            for (int f = 0; f < FEATURES; f++)
                x[f * VALUES + (int)(rng_u64(r, at++) % VALUES)] = 1;
            spikes_forget(s);
            spikes_step(s, x, 0, NULL);
            for (uint32_t c = 0; c < CLASSES; c++) {
                posterior[c] = prior[c];
                for (int j = 0; j < ROWS; j++)
                    posterior[c] *= x[j] ? p[c][j] : 1;
                double score = (double)spikes_potential(s, 1, c) * u->unit *
                               ldexp(1, -(int)u->fraction_bits);
                assert_true(fabs(score - log(posterior[c])) <=
                            (FEATURES * u->error + 1) * u->unit);
                best = posterior[c] > posterior[best] ? c : best;
                found = spikes_potential(s, 1, c) > spikes_potential(s, 1, found) ? c : found;
            }
            least = log(posterior[best]) - log(posterior[found]);
            same += best == found;
            near += best != found;
            assert_true(least <= 2 * (FEATURES * u->error + 1) * u->unit);
        }
        spikes_free(s);
        network_release(&net);
    }
    assert_int_equal(same + near, 1000);
    assert_true(same > 950);
    print_message("%u of 1000 classes are those of exact Bayes\n", same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wave_crosses_a_cube_of_8000_cells_in_57_steps),
        cmocka_unit_test(a_trace_rises_by_2_of_11_a_millisecond),
        cmocka_unit_test(a_product_is_bayes_but_for_the_rounding_of_weights),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
