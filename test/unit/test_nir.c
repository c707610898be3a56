/* Spiking networks of NIR files: what is read of them, as integers, and what they fire. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/rng.h"
#include "nir/network.h"
#include "network/spiking/neuron.h"
#include "network/spiking/reach.h"
#include "network/spiking/spikes.h"
#include "test/nir_make.h"
#include "test/shared.h"
#include "test/tmpdir.h"

static const struct nir_cfg plain = { .reset = NIR_RESET_SUBTRACT, .most = 1, .image_bits = 8,
                                      .steps = 1000, .fraction_bits = NIR_FRACTION_AUTO,
                                    .floor = NEURON_UNBOUNDED, .ceiling = NEURON_UNBOUNDED };

static void put_output(struct nir_make *k, const char *from)
{
    nir_make_node(k, "output", "Output", from);
    nir_make_number(k, "output", "shape", 1);
}

/* ---- files of the field ---- */

static bool load_shared(struct network *n, const char *name, const struct nir_cfg *cfg)
{
    char *path = shared_path(name);
    struct nir_graph g;
    struct err_msg m;

    if (!path)
        return false;
    if (nir_graph_load(&g, path, &m) || nir_network(n, "shared", &g, cfg, &m))
        fail_msg("%s", m.text);
    n->present = (struct presentation){ .coding = coding_find("events"), .steps = cfg->steps,
                                        .bare = true };
    if (network_check(n, &m))
        fail_msg("%s", m.text);
    nir_graph_release(&g);
    free(path);
    return true;
}

/* The NIR paper's single neuron, tau 2.5 ms, threshold 0.1, steps of 0.1 ms: input spikes and those
 * of Norse, of its lif_norse.csv. */
static void the_lif_neuron_of_the_nir_paper_fires_at_460_510_710_760(void **state)
{
    static const uint32_t in[] = { 60,  220, 270, 310, 320, 350, 370, 400, 410, 430, 440, 450,
                                   460, 470, 480, 490, 500, 510, 520, 530, 670, 680, 690, 700,
                                   710, 720, 730, 740, 750, 760, 770, 780, 840, 850 };
    static const uint32_t out[] = { 460, 510, 710, 760 };

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct nir_cfg cfg = plain;
        struct network n;
        uint32_t next = 0, fired = 0;
        cfg.dt_us = 100;
        cfg.reset = i % 2 ? NIR_RESET_ZERO : NIR_RESET_SUBTRACT;
        cfg.weights = i / 2 ? NIR_WEIGHTS_INT8 : NIR_WEIGHTS_AUTO;
        if (!load_shared(&n, "nmnist/lif_norse.nir", &cfg))
            skip();
        struct spikes *s = spikes_new(&n);
        spikes_forget(s);
        for (uint32_t t = 0; t < 1000; t++) {
            int32_t x = next < sizeof in / sizeof *in && in[next] == t;
            next += (uint32_t)x;
            spikes_step(s, &x, t, NULL);
            if (spikes_delivered(s, 1, 0)) {
                assert_true(fired < 4);
                assert_int_equal(t, out[fired++]);
            }
        }
        assert_int_equal(fired, 4);
        assert_int_equal(spikes_result(s, 0), 4);
        spikes_free(s);
        network_release(&n);
    }
}

/* Weights and thresholds that were derived of the same file elsewhere. */
static void the_n_mnist_network_has_thresholds_71_127_203_107_196(void **state)
{
    static const struct {
        const char *name;
        uint32_t    layer;
        int64_t     theta;
    } want[] = { { "conv1", 1, 71 }, { "conv2", 2, 127 }, { "conv3", 4, 203 },
                 { "fc1", 6, 107 }, { "fc2", 7, 196 } };
    struct network n;
    struct blob b;

    (void)state;
    if (!blob_open(&b, "spiking/nmnist_cnn") || !load_shared(&n, "nmnist/cnn_sinabs.nir", &plain))
        skip();
    assert_int_equal(n.n_layer, 8);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const struct layer *l = &n.layer[want[i].layer];
        char name[16];
        snprintf(name, sizeof name, "%s.w", want[i].name);
        const struct blob_array w = blob_find(&b, name);
        assert_int_equal(w.n, (size_t)layer_kernel_rows(l) * l->out.channels);
        assert_memory_equal(l->weight, w.data, w.n);
        for (uint32_t o = 0; o < l->out.channels; o++) {
            assert_int_equal(l->neuron->theta[o], want[i].theta);
            assert_int_equal(l->neuron->m[o], 1);
        }
    }
    network_release(&n);
    blob_close(&b);
}

/* ---- every kind of neuron beside plain loops ---- */

enum { MOST_SIDE = 6, STEPS = 60 };

struct naive { // a layer of neurons that sees all inputs
    const char *type;
    uint32_t in, out;
    double w[MOST_SIDE * MOST_SIDE], bias[MOST_SIDE];
    double r[MOST_SIDE], tau[MOST_SIDE], tau_syn[MOST_SIDE], w_in[MOST_SIDE];
    double v_leak[MOST_SIDE], theta[MOST_SIDE], v_reset[MOST_SIDE];
    bool   leaks, synapse, fires, resets; // the last: v_reset is stated
    double v[MOST_SIDE], j[MOST_SIDE];
    int32_t spikes[MOST_SIDE];
};

static double rounded(double v)
{
    return nearbyint(v);
}

/* nir/network.h's equations, each constant rounded as it says; every number is whole. */
static void naive_step(struct naive *k, const struct nir_cfg *cfg, const int32_t *x)
{
    const double one = 65536;
    double unit = 0, most = 0;
    bool whole = true, plain_neuron = !k->leaks;

    for (uint32_t i = 0; i < k->in * k->out; i++) {
        whole &= k->w[i] == rounded(k->w[i]) && fabs(k->w[i]) <= 127;
        most = fmax(most, fabs(k->w[i]));
    }
    unit = cfg->weights != NIR_WEIGHTS_INT8 && whole ? 1 : most > 0 ? most / 127 : 1;
    for (uint32_t o = 0; o < k->out; o++)
        plain_neuron &= k->bias[o] == 0 && k->r[o] == k->r[0] &&
                        (!k->fires || !k->resets || cfg->reset != NIR_RESET_ZERO ||
                         k->v_reset[o] == 0);
    const double scale = plain_neuron ? unit * k->r[0] : unit;
    const double grid = plain_neuron ? 1 : one;
    for (uint32_t o = 0; o < k->out; o++) {
        double dt = cfg->dt_us / 1e6, beta = 1, gain = k->r[o], leak = 0, acc = 0;
        for (uint32_t i = 0; i < k->in; i++)
            acc += rounded(k->w[o * k->in + i] / unit) * x[i];
        if (k->leaks) {
            beta = 1 - dt / k->tau[o];
            gain = k->r[o] * (dt / k->tau[o]);
            leak = k->v_leak[o] * (dt / k->tau[o]);
        }
        double now, before = k->v[o];
        if (k->synapse) {
            double share = dt / k->tau_syn[o], in = k->w_in[o] * share;
            k->j[o] = rounded(k->j[o] * rounded((1 - share) * one) / one) +
                      acc * rounded(in * one) + rounded(k->bias[o] * in / unit * one);
            now = rounded(k->j[o] * rounded(gain * one) / one) + rounded(leak / unit * one);
        } else
            now = acc * (plain_neuron ? 1 : rounded(gain * one)) +
                  rounded((gain * k->bias[o] / scale + leak / scale) * grid);
        double theta = rounded(k->theta[o] / scale * grid);
        k->v[o] = (k->leaks ? rounded(before * rounded(beta * one) / one) : before) + now;
        if (cfg->reset == NIR_RESET_DELAYED && k->fires)
            k->v[o] -= theta * k->spikes[o];
        k->spikes[o] = k->fires && k->v[o] >= theta;
        if (k->spikes[o] && cfg->reset == NIR_RESET_SUBTRACT)
            k->v[o] -= theta;
        if (k->spikes[o] && cfg->reset == NIR_RESET_ZERO)
            k->v[o] = k->resets ? rounded(k->v_reset[o] / scale * grid) : 0;
    }
}

static double drawn(struct rng r, uint32_t *at)
{
    return (double)(rng_u64(r, (*at)++) >> 11) / 9007199254740992.0;
}

static void draw(struct naive *k, struct rng r, uint32_t *at, const char *type, uint32_t in,
                 uint32_t out, bool whole)
{
    bool one_gain = drawn(r, at) < 0.5, biased = drawn(r, at) < 0.5;

    *k = (struct naive){ .type = type, .in = in, .out = out,
                         .leaks = strcmp(type, "IF") != 0 && strcmp(type, "I") != 0,
                         .synapse = strncmp(type, "Cuba", 4) == 0,
                         .fires = strchr(type, 'F'), .resets = drawn(r, at) < 0.5 };
    for (uint32_t i = 0; i < in * out; i++)
        k->w[i] = whole ? floor(200 * drawn(r, at)) - 80 : 2 * drawn(r, at) - 0.6;
    for (uint32_t o = 0; o < out; o++) {
        k->bias[o] = biased ? drawn(r, at) - 0.4 : 0;
        k->r[o] = one_gain && o > 0 ? k->r[0] : 0.5 + drawn(r, at);
        k->tau[o] = 0.001 + 0.02 * drawn(r, at);
        k->tau_syn[o] = 0.001 + 0.02 * drawn(r, at);
        k->w_in[o] = 0.5 + 3 * drawn(r, at);
        k->v_leak[o] = 0.2 * drawn(r, at) - 0.1;
        k->theta[o] = (whole ? 90 : 1) * (0.1 + drawn(r, at));
        k->v_reset[o] = drawn(r, at) < 0.5 ? 0 : -0.2 * drawn(r, at);
    }
}

static void put_field(struct nir_make *k, const char *node, const char *name, const double *v,
                      uint32_t n)
{
    nir_make_numbers(k, node, name, v, (uint32_t[4]){ n });
}

static void put_layer(struct nir_make *k, const struct naive *l, const char *weights,
                      const char *neurons, const char *from)
{
    nir_make_node(k, weights, "Affine", from);
    nir_make_numbers(k, weights, "weight", l->w, (uint32_t[4]){ l->out, l->in });
    put_field(k, weights, "bias", l->bias, l->out);
    nir_make_node(k, neurons, l->type, weights);
    put_field(k, neurons, "r", l->r, l->out);
    if (l->leaks) {
        put_field(k, neurons, l->synapse ? "tau_mem" : "tau", l->tau, l->out);
        put_field(k, neurons, "v_leak", l->v_leak, l->out);
    }
    if (l->synapse) {
        put_field(k, neurons, "tau_syn", l->tau_syn, l->out);
        put_field(k, neurons, "w_in", l->w_in, l->out);
    }
    if (l->fires)
        put_field(k, neurons, "v_threshold", l->theta, l->out);
    if (l->fires && l->resets)
        put_field(k, neurons, "v_reset", l->v_reset, l->out);
}

static void two_layers_fire_as_plain_loops_do(struct rng r)
{
    static const char *const types[] = { "IF", "LIF", "CubaLIF", "IF", "LIF", "CubaLIF",
                                         "I", "LI", "CubaLI" };
    uint32_t at = 0, fired[MOST_SIDE] = { 0 };
    struct nir_cfg cfg = plain;
    struct naive a, b;
    struct nir_make k;
    struct network n;
    int32_t x[MOST_SIDE];

    cfg.dt_us = 100 + floor(900 * drawn(r, &at));
    cfg.reset = 1 + (enum nir_reset)(3 * drawn(r, &at));
    cfg.weights = drawn(r, &at) < 0.3 ? NIR_WEIGHTS_INT8 : NIR_WEIGHTS_AUTO;
    uint32_t pick[5];
    for (size_t i = 0; i < 5; i++) // one after the other: compilers order arguments as they like
        pick[i] = (uint32_t)((i == 1 ? 9 : 6) * drawn(r, &at));
    bool whole = drawn(r, &at) < 0.3;
    draw(&a, r, &at, types[pick[0]], 1 + pick[2], 1 + pick[3], whole);
    whole = drawn(r, &at) < 0.3;
    draw(&b, r, &at, types[pick[1]], a.out, 1 + pick[4], whole);
    nir_make_input(&k, a.in);
    put_layer(&k, &a, "0", "1", "input");
    put_layer(&k, &b, "2", "3", "1");
    put_output(&k, "3");
    nir_make_network(&n, &k, &cfg);
    struct spikes *s = spikes_new(&n);
    spikes_forget(s);
    for (uint32_t t = 0; t < STEPS; t++) {
        for (uint32_t i = 0; i < a.in; i++)
            x[i] = drawn(r, &at) < 0.4;
        naive_step(&a, &cfg, x);
        naive_step(&b, &cfg, a.spikes);
        spikes_step(s, x, t, NULL);
        for (uint32_t o = 0; o < a.out; o++)
            assert_int_equal(spikes_delivered(s, 1, o), a.spikes[o]);
        for (uint32_t o = 0; o < b.out; o++) {
            fired[o] += (uint32_t)b.spikes[o];
            if ((double)spikes_potential(s, 2, o) != b.v[o])
                fail_msg("%s, reset %d, weights %d, step %u: neuron %u of %s has %lld, want %.0f",
                         a.type, (int)cfg.reset, (int)cfg.weights, t, o, b.type,
                         (long long)spikes_potential(s, 2, o), b.v[o]);
            assert_int_equal(spikes_result(s, o), b.fires ? fired[o] : (int64_t)b.v[o]);
        }
    }
    spikes_free(s);
    network_release(&n);
}

static void neurons_of_every_kind_fire_as_plain_loops_do(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 500; i++)
        two_layers_fire_as_plain_loops_do(rng_in(rng_at(20, "nir"), i));
}

/* Eshraghian and others 2022: currents of at most 1, of which a step leaves 0.83, reach 5.88. */
static void a_threshold_out_of_reach_is_found(void **state)
{
    static const double theta[] = { 6.4, 5.9, 5.8 };

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct nir_cfg cfg = plain;
        struct nir_make k;
        struct network n;
        double most;
        cfg.dt_us = 170;
        cfg.image_bits = 1;
        nir_make_input(&k, 1);
        nir_make_node(&k, "a", "Linear", "input");
        nir_make_numbers(&k, "a", "weight", (double[]){ 1 }, (uint32_t[4]){ 1, 1 });
        nir_make_node(&k, "b", "LIF", "a");
        nir_make_number(&k, "b", "tau", 0.001);
        nir_make_number(&k, "b", "r", 1 / 0.17);
        nir_make_number(&k, "b", "v_leak", 0);
        nir_make_number(&k, "b", "v_threshold", theta[i]);
        put_output(&k, "b");
        nir_make_network(&n, &k, &cfg);
        assert_int_equal(spiking_out_of_reach(&n, 1, &most), i < 2);
        if (i < 2)
            assert_true(fabs(most - 1 / 0.17 / theta[i]) < 1e-3);
        network_release(&n);
    }
}

/* ---- graphs ---- */

static const uint32_t one[4] = { 1 };

static void put_if(struct nir_make *k, const char *node, const char *from, double theta)
{
    nir_make_node(k, node, "IF", from);
    nir_make_numbers(k, node, "r", (double[]){ 1 }, one);
    nir_make_numbers(k, node, "v_threshold", &theta, one);
}

static void put_linear(struct nir_make *k, const char *node, const char *from, double w)
{
    nir_make_node(k, node, "Linear", from);
    nir_make_numbers(k, node, "weight", &w, (uint32_t[4]){ 1, 1 });
}

static void put_map(struct nir_make *k)
{
    static const double shape[] = { 2, 4, 6 };

    nir_make_begin(k);
    nir_make_node(k, "input", "Input", NULL);
    nir_make_numbers(k, "input", "shape", shape, (uint32_t[4]){ 3 });
}

static void put_pair(struct nir_make *k, const char *node, const char *field, double a, double b)
{
    nir_make_numbers(k, node, field, (double[]){ a, b }, (uint32_t[4]){ 2 });
}

/* Each kind of node that the NIR paper lists, in a file. */
static void put_zoo(struct nir_make *k)
{
    double w[2 * 2 * 3 * 3], v[2 * 2 * 3] = { 0.5, -0.25, 1 };

    for (size_t i = 0; i < sizeof w / sizeof *w; i++)
        w[i] = (double)i / 36 - 0.3;
    put_map(k);
    nir_make_node(k, "scale", "Scale", "input");
    nir_make_numbers(k, "scale", "scale", (double[]){ 2, 0.5 }, (uint32_t[4]){ 2 });
    nir_make_node(k, "conv", "Conv2d", "scale");
    nir_make_numbers(k, "conv", "weight", w, (uint32_t[4]){ 2, 2, 3, 3 });
    put_pair(k, "conv", "bias", 0.1, -0.1);
    put_pair(k, "conv", "stride", 1, 1);
    nir_make_text(k, "conv", "padding", "same");
    put_pair(k, "conv", "dilation", 1, 1);
    nir_make_number(k, "conv", "groups", 1);
    put_pair(k, "conv", "input_shape", 4, 6);
    put_if(k, "if", "conv", 0.7);
    nir_make_node(k, "delay", "Delay", "if");
    put_pair(k, "delay", "delay", 0.001, 0.003);
    nir_make_node(k, "pool", "AvgPool2d", "delay");
    put_pair(k, "pool", "kernel_size", 2, 2);
    put_pair(k, "pool", "stride", 2, 2);
    put_pair(k, "pool", "padding", 0, 0);
    nir_make_node(k, "flat", "Flatten", "pool");
    nir_make_number(k, "flat", "start_dim", 0);
    nir_make_number(k, "flat", "end_dim", -1);
    nir_make_node(k, "fc", "Linear", "flat");
    nir_make_numbers(k, "fc", "weight", v, (uint32_t[4]){ 1, 12 });
    nir_make_node(k, "threshold", "Threshold", "fc");
    nir_make_number(k, "threshold", "threshold", 0.05);
    put_linear(k, "last", "threshold", 3);
    nir_make_node(k, "li", "LI", "last");
    nir_make_number(k, "li", "tau", 0.01);
    nir_make_number(k, "li", "r", 1);
    nir_make_number(k, "li", "v_leak", 0);
    put_output(k, "li");
}

static void check_zoo(const struct network *n)
{
    const struct layer *conv = &n->layer[1], *pool = &n->layer[2], *fc = &n->layer[3];

    assert_int_equal(n->n_layer, 5);
    assert_string_equal(conv->name, "conv");
    assert_int_equal(conv->out.height, 4);
    assert_int_equal(conv->out.width, 6);
    assert_int_equal(conv->neuron->delay[0], 1);
    assert_int_equal(conv->neuron->delay[1], 3);
    assert_int_equal(pool->kind, LAYER_AVERAGE_POOL);
    assert_int_equal(pool->out.height, 2);
    assert_int_equal(fc->out.channels, 1);
    /* Weights of the first input channel count 2, those of the other 0.5: the largest of all is
     * 2 x 26/36 - 0.6, of output 1. */
    const double unit = 2 * (26.0 / 36 - 0.3) / 127;
    for (uint32_t i = 0; i < 36; i++)
        assert_int_equal(conv->weight[i],
                         (int)nearbyint(((double)i / 36 - 0.3) * (i / 9 % 2 ? 0.5 : 2) / unit));
    assert_int_equal(conv->neuron->theta[0], (int64_t)nearbyint(0.7 / unit * 65536));
    assert_int_equal(conv->neuron->b[1], (int64_t)nearbyint(-0.1 / unit * 65536));
    assert_int_equal(fc->weight[0], 64); // 0.5 / 4 of 1 / 4: ties to even
    assert_int_equal(fc->weight[1], -32);
    assert_int_equal(fc->weight[2], 127);
    assert_false(n->layer[4].neuron->kind->fires);
}

static void a_file_with_each_kind_of_node_is_read(void **state)
{
    struct nir_cfg cfg = plain;
    char path[TMPDIR_PATH_MAX];
    struct nir_make k;
    struct nir_graph g;
    struct network n;
    struct err_msg m;

    cfg.dt_us = 1000;
    put_zoo(&k);
    nir_make_end(&k);
    tmpdir_path(path, *state, "zoo.nir");
    if (!nir_make_write(&k, path))
        skip();
    if (nir_graph_load(&g, path, &m) || nir_network(&n, "zoo", &g, &cfg, &m))
        fail_msg("%s", m.text);
    check_zoo(&n);
    network_release(&n);
    nir_graph_release(&g);
    nir_make_release(&k);
}

static void delays_are_as_many_steps(void **state)
{
    struct nir_cfg cfg = plain;
    struct nir_make k;
    struct network n;

    (void)state;
    cfg.dt_us = 500;
    nir_make_input(&k, 1);
    put_linear(&k, "a", "input", 1);
    put_if(&k, "b", "a", 1);
    nir_make_node(&k, "c", "Delay", "b");
    nir_make_number(&k, "c", "delay", 0.0015);
    put_linear(&k, "d", "c", 1);
    put_if(&k, "e", "d", 1);
    put_output(&k, "e");
    nir_make_network(&n, &k, &cfg);
    struct spikes *s = spikes_new(&n);
    for (int again = 0; again < 2; again++) {
        spikes_forget(s);
        for (uint32_t t = 0; t < 20; t++) {
            int32_t x = t == 2 || t == 3 || t == 11;
            spikes_step(s, &x, t, NULL);
            assert_int_equal(spikes_delivered(s, 2, 0), t == 5 || t == 6 || t == 14);
        }
    }
    spikes_free(s);
    network_release(&n);
}

/* 3 x + 2 y of the same neurons, and their own spikes. */
static void sums_of_two_reach_one_neuron(void **state)
{
    struct nir_make k;
    struct network n;

    (void)state;
    nir_make_input(&k, 1);
    put_linear(&k, "a", "input", 1);
    put_if(&k, "b", "a", 1);
    put_linear(&k, "c", "b", 3);
    put_linear(&k, "d", "b", 2.5);
    put_if(&k, "e", "c", 11);
    nir_make_edge(&k, "d", "e");
    put_linear(&k, "f", "e", 1);
    put_if(&k, "g", "f", 2);
    nir_make_edge(&k, "b", "g");
    put_output(&k, "g");
    nir_make_network(&n, &k, &plain);
    struct spikes *s = spikes_new(&n);
    double v = 0, u = 0;
    spikes_forget(s);
    for (uint32_t t = 0; t < 30; t++) {
        int32_t x = t % 3 != 0, e, g;
        v += x * 5.5;
        e = v >= 11;
        v -= 11 * e;
        u += e + x;
        g = u >= 2;
        u -= 2 * g;
        spikes_step(s, &x, t, NULL);
        assert_int_equal(spikes_delivered(s, network_find(&n, "f"), 0), g);
        assert_int_equal(spikes_delivered(s, network_find(&n, "d"), 0), e);
    }
    spikes_free(s);
    network_release(&n);
}

static void a_graph_in_a_graph_is_read_as_if_it_stood_there(void **state)
{
    static const char inner[] = "text 2 2 2 /node/nodes/sub/edges\nin\0mid\0mid\0out\0";
    struct nir_make k, head;
    struct nir_graph g;

    (void)state;
    nir_make_input(&k, 1);
    nir_make_text(&k, "sub", "type", "NIRGraph");
    nir_make_edge(&k, "input", "sub");
    nir_make_text(&k, "sub/nodes/in", "type", "Input");
    nir_make_text(&k, "sub/nodes/mid", "type", "Linear");
    nir_make_numbers(&k, "sub/nodes/mid", "weight", (double[]){ 1 }, (uint32_t[4]){ 1, 1 });
    nir_make_text(&k, "sub/nodes/out", "type", "Output");
    put_if(&k, "if", "sub", 1);
    put_output(&k, "if");
    nir_make_begin(&head);
    head.bytes = malloc(sizeof inner - 1 + k.n + 4096);
    memcpy(head.bytes, inner, sizeof inner - 1);
    memcpy(head.bytes + sizeof inner - 1, k.bytes, k.n);
    head.n = sizeof inner - 1 + k.n;
    head.room = head.n + 4096;
    free(k.bytes);
    head.edges = k.edges;
    head.n_edge = k.n_edge;
    head.n_edge_byte = k.n_edge_byte;
    head.edge_room = k.edge_room;
    struct network n;
    nir_make_network(&n, &head, &plain);
    assert_int_equal(n.n_layer, 2);
    assert_string_equal(n.layer[1].name, "sub_mid");
    network_release(&n);
    (void)g;
}
/* ---- pools of currents ---- */

enum { KERNEL = 3, WIDE = KERNEL + 1, POOLED_STEPS = 40 };

struct pooled { // two channels to two, whole weights
    double w[2 * 2 * KERNEL * KERNEL], bias[2], theta;
    bool   mean, leaks;
};

static void put_conv(struct nir_make *k, const double *w, const double *bias, uint32_t kernel,
                     double stride)
{
    nir_make_node(k, "conv", "Conv2d", "input");
    nir_make_numbers(k, "conv", "weight", w, (uint32_t[4]){ 2, 2, kernel, kernel });
    put_pair(k, "conv", "bias", bias[0], bias[1]);
    put_pair(k, "conv", "stride", stride, stride);
    put_pair(k, "conv", "padding", 1, 1);
    put_pair(k, "conv", "dilation", 1, 1);
    nir_make_number(k, "conv", "groups", 1);
}

static void put_neuron(struct nir_make *k, const struct pooled *p, const char *from, double theta)
{
    nir_make_node(k, "n", p->leaks ? "LIF" : "IF", from);
    nir_make_number(k, "n", "r", 1);
    if (p->leaks) {
        nir_make_number(k, "n", "tau", 0.005);
        nir_make_number(k, "n", "v_leak", 0);
    }
    nir_make_number(k, "n", "v_threshold", theta);
    put_output(k, "n");
}

static void put_pool(struct nir_make *k, const char *type, const char *from, double pad)
{
    nir_make_node(k, "pool", type, from);
    put_pair(k, "pool", "kernel_size", 2, 2);
    put_pair(k, "pool", "stride", 2, 2);
    put_pair(k, "pool", "padding", pad, pad);
}

/* A sum of a convolution's currents over 2 x 2 outputs is a convolution of the sum of its kernel
 * shifted by 0 and 1, two steps apart: neurons behind both fire alike. */
static void expect_alike(const struct pooled *p, struct rng r)
{
    double wide[2 * 2 * WIDE * WIDE] = { 0 }, bias[2] = { 4 * p->bias[0], 4 * p->bias[1] };
    struct nir_cfg cfg = plain;
    struct network a, b;
    struct nir_make k;
    uint32_t at = 0, fired = 0;

    cfg.dt_us = 1000;
    cfg.weights = NIR_WEIGHTS_GIVEN;
    cfg.fraction_bits = 16;
    cfg.most = 2;
    for (size_t i = 0; i < 4 * KERNEL * KERNEL; i++)
        for (size_t s = 0; s < 4; s++)
            wide[i / (KERNEL * KERNEL) * WIDE * WIDE +
                 (i / KERNEL % KERNEL + s / 2) * WIDE + i % KERNEL + s % 2] += p->w[i];
    put_map(&k);
    put_conv(&k, p->w, p->bias, KERNEL, 1);
    put_pool(&k, p->mean ? "AvgPool2d" : "SumPool2d", "conv", 0);
    put_neuron(&k, p, "pool", p->theta);
    nir_make_network(&a, &k, &cfg);
    put_map(&k);
    put_conv(&k, wide, bias, WIDE, 2);
    put_neuron(&k, p, "conv", p->mean ? 4 * p->theta : p->theta);
    nir_make_network(&b, &k, &cfg);
    assert_int_equal(a.n_layer, 3);
    assert_int_equal(b.n_layer, 2);
    struct spikes *s = spikes_new(&a), *t = spikes_new(&b);
    for (uint32_t step = 0; step < POOLED_STEPS; step++) {
        int32_t x[2 * 4 * 6];
        for (size_t i = 0; i < sizeof x / sizeof *x; i++)
            x[i] = rng_u64(r, at++) % 3 == 0;
        spikes_step(s, x, step, NULL);
        spikes_step(t, x, step, NULL);
        for (size_t i = 0; i < 2 * 2 * 3; i++) {
            assert_int_equal(spikes_delivered(s, 2, i), spikes_delivered(t, 1, i));
            assert_int_equal(spikes_potential(s, 2, i), spikes_potential(t, 1, i));
            fired += (uint32_t)spikes_delivered(s, 2, i);
        }
    }
    assert_true(fired > 0);
    spikes_free(s);
    spikes_free(t);
    network_release(&a);
    network_release(&b);
}

static void pooled_currents_are_those_of_a_wider_kernel(void **state)
{
    struct rng r = rng_at(5, "pooled currents");
    uint32_t at = 0;

    (void)state;
    for (int n = 0; n < 40; n++) {
        struct pooled p = { .mean = n % 2, .leaks = n / 2 % 2 };
        for (size_t i = 0; i < sizeof p.w / sizeof *p.w; i++)
            p.w[i] = (double)(rng_u64(r, at++) % 31) - 12;
        p.bias[0] = (double)(rng_u64(r, at++) % 9) - 4;
        p.bias[1] = (double)(rng_u64(r, at++) % 9) - 4;
        if (n / 4 % 2) // neurons rest without a current
            p.bias[0] = p.bias[1] = 0;
        p.theta = 1 + (double)(rng_u64(r, at++) % 40) / 8;
        expect_alike(&p, rng_at((uint64_t)n, "inputs"));
    }
}

/* ---- refusals ---- */

static void expect_refusal(struct nir_make *k, const struct nir_cfg *cfg, const char *what)
{
    struct nir_file f;
    struct nir_graph g;
    struct network n;
    struct err_msg m;

    nir_make_end(k);
    enum err e = nir_file_parse(&f, k->bytes, k->n, &m);
    assert_int_equal(e, ERR_NONE);
    e = nir_graph_make(&g, &f, &m);
    if (!e) {
        e = nir_network(&n, "test", &g, cfg, &m);
        nir_graph_release(&g);
    }
    assert_int_equal(e, ERR_INPUT);
    if (!strstr(m.text, what) || !strstr(m.text, "want"))
        fail_msg("\"%s\" says nothing of \"%s\"", m.text, what);
    nir_make_release(k);
}

static void put_lif(struct nir_make *k, double tau, double theta)
{
    nir_make_input(k, 1);
    put_linear(k, "a", "input", 0.5);
    nir_make_node(k, "b", "LIF", "a");
    nir_make_number(k, "b", "tau", tau);
    nir_make_number(k, "b", "r", 1);
    nir_make_number(k, "b", "v_leak", 0);
    nir_make_number(k, "b", "v_threshold", theta);
    put_output(k, "b");
}

static void what_a_file_leaves_open_has_to_be_said(void **state)
{
    struct nir_cfg cfg = plain;
    struct nir_make k;

    (void)state;
    put_lif(&k, 0.01, 1);
    expect_refusal(&k, &cfg, "node b (LIF): its time constants are seconds: want nir.dt_us");
    cfg.dt_us = 1000;
    cfg.reset = NIR_RESET_OPEN;
    put_lif(&k, 0.01, 1);
    expect_refusal(&k, &cfg, "want nir.reset");
    nir_make_input(&k, 1);
    put_linear(&k, "a", "input", 1);
    put_if(&k, "b", "a", 1);
    nir_make_number(&k, "b", "v_reset", 0); // says it
    put_output(&k, "b");
    struct network n;
    nir_make_network(&n, &k, &cfg);
    assert_int_equal(n.layer[1].neuron->reset, NEURON_ZERO);
    network_release(&n);
}

static void parameters_out_of_range_are_refused_by_node(void **state)
{
    struct nir_cfg cfg = plain;
    struct nir_make k;

    (void)state;
    cfg.dt_us = 1000;
    put_lif(&k, 0.0005, 1);
    expect_refusal(&k, &cfg, "tau = 0.0005 s, with steps of 1000 us");
    put_lif(&k, -1, 1);
    expect_refusal(&k, &cfg, "tau = -1 s");
    put_lif(&k, 0.01, 0);
    expect_refusal(&k, &cfg, "threshold that is 0");
    put_lif(&k, 0.01, NAN);
    expect_refusal(&k, &cfg, "v_threshold of channel 0 is nan");
    put_lif(&k, 0.01, 1e30);
    expect_refusal(&k, &cfg, "61 bits");
    cfg.weights = NIR_WEIGHTS_GIVEN;
    put_lif(&k, 0.01, 1);
    expect_refusal(&k, &cfg, "not whole numbers");
}

static void graphs_that_are_none_are_refused_by_node(void **state)
{
    struct nir_make k;

    (void)state;
    nir_make_input(&k, 1);
    put_linear(&k, "a", "input", 1);
    put_if(&k, "b", "a", 1);
    nir_make_edge(&k, "b", "a");
    put_output(&k, "b");
    expect_refusal(&k, &plain, "node a (Linear): is fed by what it feeds");
    nir_make_input(&k, 1);
    put_linear(&k, "a", "input", 1);
    put_linear(&k, "b", "a", 1);
    put_if(&k, "c", "b", 1);
    put_output(&k, "c");
    expect_refusal(&k, &plain, "node b (Linear): reads the sums of other weights");
    nir_make_input(&k, 2);
    put_linear(&k, "a", "input", 1);
    put_if(&k, "c", "a", 1);
    put_output(&k, "c");
    expect_refusal(&k, &plain, "node a (Linear): weights of 1 inputs, it reads 2");
    nir_make_input(&k, 1);
    nir_make_node(&k, "a", "Transformer", "input");
    put_output(&k, "a");
    expect_refusal(&k, &plain, "node a (Transformer): its type is not read");
    nir_make_input(&k, 1);
    put_linear(&k, "a", "input", 1);
    nir_make_edge(&k, "a", "nobody");
    put_output(&k, "a");
    expect_refusal(&k, &plain, "there is no node nobody");
    put_map(&k);
    put_linear(&k, "a", "input", 1);
    put_output(&k, "a");
    expect_refusal(&k, &plain, "a Flatten in front of it");
    for (int i = 0; i < 4; i++) {
        static const double w[4 * KERNEL * KERNEL];
        static const char *const what[] = { "pads currents", "scales pooled currents",
                                            "pools currents that are pooled",
                                            "adds pooled currents" };
        struct pooled p = { .theta = 1 };
        put_map(&k);
        put_conv(&k, w, p.bias, KERNEL, 1);
        put_pool(&k, "SumPool2d", "conv", i == 0);
        if (i == 1) {
            nir_make_node(&k, "next", "Scale", "pool");
            nir_make_number(&k, "next", "scale", 2);
        } else if (i == 2) {
            nir_make_node(&k, "next", "AvgPool2d", "pool");
            put_pair(&k, "next", "kernel_size", 1, 1);
            put_pair(&k, "next", "stride", 1, 1);
            put_pair(&k, "next", "padding", 0, 0);
        }
        put_neuron(&k, &p, i == 1 || i == 2 ? "next" : "pool", 1);
        if (i == 3)
            nir_make_edge(&k, "input", "n");
        expect_refusal(&k, &plain, what[i]);
    }
}

/* ---- hostile files ---- */

/* Files cut anywhere, and with bytes changed, are read or refused; never more. */
static void broken_files_are_refused_in_words(void **state)
{
    char path[TMPDIR_PATH_MAX];
    struct nir_make k;
    uint32_t refused = 0;

    put_zoo(&k);
    nir_make_end(&k);
    tmpdir_path(path, *state, "whole.nir");
    if (!nir_make_write(&k, path))
        skip();
    nir_make_release(&k);
    FILE *f = fopen(path, "rb");
    static uint8_t bytes[1 << 17];
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    assert_in_range(n, 1000, sizeof bytes - 1);
    for (uint32_t i = 0; i < 30; i++) {
        struct rng r = rng_in(rng_at(7, "broken"), i);
        struct nir_graph g;
        struct err_msg m;
        size_t cut = i < 10 ? n * i / 10 : n, at = rng_u64(r, 0) % n;
        uint8_t was = bytes[at];
        if (i >= 10)
            bytes[at] ^= (uint8_t)(1 + rng_u64(r, 1) % 255);
        tmpdir_write(*state, "broken.nir", bytes, cut);
        bytes[at] = was;
        tmpdir_path(path, *state, "broken.nir");
        enum err e = nir_graph_load(&g, path, &m);
        if (!e)
            nir_graph_release(&g);
        else if (e != ERR_INPUT || !strstr(m.text, "broken.nir") || !strstr(m.text, "want"))
            fail_msg("%s", m.text);
        refused += e != 0;
    }
    assert_true(refused >= 10);
}

/* Values that were never written take no room in a file, however many it states. */
static void values_that_no_file_of_its_size_holds_are_refused(void **state)
{
    enum { N = 7919, MORE = 1 << 27 };
    static const double w[N];
    static uint8_t bytes[1 << 17];
    const uint64_t was = N, is = MORE;
    char path[TMPDIR_PATH_MAX];
    struct nir_make k;
    struct nir_graph g;
    struct err_msg m;
    uint32_t patched = 0;

    nir_make_input(&k, 1);
    nir_make_node(&k, "a", "Linear", "input");
    nir_make_numbers(&k, "a", "weight", w, (uint32_t[4]){ N, 1 });
    put_output(&k, "a");
    nir_make_end(&k);
    tmpdir_path(path, *state, "many.nir");
    if (!nir_make_write(&k, path))
        skip();
    nir_make_release(&k);
    FILE *f = fopen(path, "rb");
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    for (size_t i = 0; i + sizeof was <= n; i++)
        if (memcmp(bytes + i, &was, sizeof was) == 0) {
            memcpy(bytes + i, &is, sizeof is);
            patched++;
        }
    assert_true(patched > 0);
    tmpdir_write(*state, "many.nir", bytes, n);
    assert_int_equal(nir_graph_load(&g, path, &m), ERR_INPUT);
    if (!strstr(m.text, "many.nir: has more values than fit into the file: /node/nodes/a/weight"))
        fail_msg("%s", m.text);
}

static void what_is_no_hdf5_is_refused_by_name(void **state)
{
    char path[TMPDIR_PATH_MAX];
    struct nir_graph g;
    struct err_msg m;

    tmpdir_write(*state, "text.nir", "input: x\n", 9);
    tmpdir_path(path, *state, "text.nir");
    assert_int_equal(nir_graph_load(&g, path, &m), ERR_INPUT);
    assert_non_null(strstr(m.text, "text.nir: is no HDF5 file"));
    tmpdir_path(path, *state, "nowhere.nir");
    assert_int_equal(nir_graph_load(&g, path, &m), ERR_INPUT);
    assert_non_null(strstr(m.text, "No such file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lif_neuron_of_the_nir_paper_fires_at_460_510_710_760),
        cmocka_unit_test(the_n_mnist_network_has_thresholds_71_127_203_107_196),
        cmocka_unit_test(neurons_of_every_kind_fire_as_plain_loops_do),
        cmocka_unit_test(a_threshold_out_of_reach_is_found),
        cmocka_unit_test_setup_teardown(a_file_with_each_kind_of_node_is_read, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test(delays_are_as_many_steps),
        cmocka_unit_test(sums_of_two_reach_one_neuron),
        cmocka_unit_test(a_graph_in_a_graph_is_read_as_if_it_stood_there),
        cmocka_unit_test(pooled_currents_are_those_of_a_wider_kernel),
        cmocka_unit_test(what_a_file_leaves_open_has_to_be_said),
        cmocka_unit_test(parameters_out_of_range_are_refused_by_node),
        cmocka_unit_test(graphs_that_are_none_are_refused_by_node),
        cmocka_unit_test_setup_teardown(broken_files_are_refused_in_words, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(values_that_no_file_of_its_size_holds_are_refused,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(what_is_no_hdf5_is_refused_by_name, tmpdir_make,
                                        tmpdir_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
