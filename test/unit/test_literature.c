/* Spiking machines of the literature in configs/: what a step takes, by their makers' figures
 * (../shared/spec/spiking.md, 3.3 and 3.5). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataflow/crossbar/reads.h"
#include "dataflow/plan/operations.h"
#include "network/spiking/neuron.h"
#include "network/spiking/spikes.h"
#include "study/study.h"
#include "test/cli_rig.h"
#include "test/tmpdir.h"

static void load(struct study *s, const char *config, const char *const *set, size_t n)
{
    struct err_msg m;

    if (study_load(s, config, set, n, &m))
        fail_msg("%s", m.text);
}

struct sums { // over the cores with arrays, of one image
    uint64_t arrays, reads, conversions, devices;
};

static struct sums sums_of(const char *dir, const char *arguments)
{
    json_t *doc = json_of(dir, arguments), *core;
    struct sums s = { 0 };
    size_t i;

    json_array_foreach(at(doc, "core_list"), i, core) {
        s.reads += (uint64_t)integer_at(core, "counters.reads");
        s.conversions += (uint64_t)integer_at(core, "counters.conversions");
        s.devices += (uint64_t)(integer_at(core, "rows") * integer_at(core, "columns"));
        s.arrays += integer_at(core, "rows") > 0;
    }
    json_decref(doc);
    return s;
}

/* Neurons are compared and nothing else is: 16 x 14 x 14, 64 x 7 x 7 and 10 of them. */
static void one_bit_and_charge_take_6282_comparisons_a_step(void **state)
{
    static const char *const charge[] = { "core.readout.kind=charge", "fabric.partial_sum=analog" };
    uint64_t neurons = 0;
    struct study s;

    (void)state;
    load(&s, "eshraghian2022_bsnn", charge, 2);
    for (uint32_t i = 0; i < s.plan.n_core; i++) {
        const struct plan_core *c = &s.plan.core[i];
        if (c->rows > 0)
            assert_int_equal(array_reads(&s.plan.layer[c->plan_layer].array, c->rows,
                                         c->columns).conversions, 0);
    }
    for (uint32_t i = 1; i < s.network.n_layer; i++)
        neurons += network_neurons(&s.network, i);
    study_release(&s);
    assert_int_equal(neurons, 3136 + 3136 + 10);
    assert_true(fabs((double)neurons * 7.8125e-6 * 100 - 4.91) < 0.005); // nJ of 100 steps
}

/* ---- its neurons, by plain loops ---- */

enum { SIDE = 28, STEPS = 6 };

/* Sum of the weights that see a spike, of a 5x5 kernel with borders of zeros. */
static int64_t plain_sum(const struct layer *l, const int32_t *in, int x, int y, uint32_t o)
{
    const int side = (int)l->in.height;
    int64_t sum = 0;

    for (uint32_t c = 0; c < l->in.channels; c++)
        for (int i = 0; i < 5; i++)
            for (int j = 0; j < 5; j++) {
                int px = x + i - 2, py = y + j - 2;
                if (px >= 0 && py >= 0 && px < side && py < side)
                    sum += in[((size_t)py * (size_t)side + (size_t)px) * l->in.channels + c] *
                           l->weight[(o * l->in.channels + c) * 25 + (uint32_t)(i * 5 + j)];
            }
    return sum;
}

/* U = .83 U + (sum of four currents) - 4 x 6.4 S, in 2^-23 of a weight, as a spike of `rate` stands
 * for 2^8: .83 is 54,395 of 65,536. */
static void plain_step(const struct layer *l, const int32_t *in, int64_t *v, int32_t *spike)
{
    const uint32_t side = l->out.height / 2;
    const double theta = 256 * rint(4 * 6.4 * 32768);

    for (uint32_t y = 0; y < side; y++)
        for (uint32_t x = 0; x < side; x++)
            for (uint32_t o = 0; o < l->out.channels; o++) {
                size_t at = ((size_t)y * side + x) * l->out.channels + o;
                int64_t sum = 0;
                for (int k = 0; k < 4; k++)
                    sum += plain_sum(l, in, (int)(2 * x) + k / 2, (int)(2 * y) + k % 2, o);
                v[at] = (int64_t)nearbyint((double)v[at] * 54395 / 65536) + sum * 32768 * 256 -
                        (int64_t)theta * spike[at];
                spike[at] = (double)v[at] >= theta;
            }
}

static void its_neurons_act_on_the_currents_of_four_outputs(void **state)
{
    static const uint32_t pools[] = { 2, 4 };
    static int32_t in[SIDE * SIDE], spike[2][16 * 14 * 14];
    static int64_t v[2][16 * 14 * 14];
    static uint8_t pixel[SIDE * SIDE];
    uint64_t fired = 0;
    struct study s;

    (void)state;
    load(&s, "eshraghian2022_bsnn", NULL, 0);
    const struct presentation *p = &s.network.present;
    struct spikes *spikes = spikes_new(&s.network);
    spikes_forget(spikes);
    for (uint32_t i = 0; i < SIDE * SIDE; i++)
        pixel[i] = (uint8_t)(i * 97 % 256);
    for (uint32_t t = 0; t < STEPS; t++) {
        p->coding->code(p, 0, t, pixel, SIDE * SIDE, in);
        spikes_step(spikes, in, t, NULL);
        plain_step(&s.network.layer[1], in, v[0], spike[0]);
        plain_step(&s.network.layer[3], spike[0], v[1], spike[1]);
        for (size_t k = 0; k < 2; k++)
            for (size_t i = 0; i < 16 * 14 * 14; i++) { // 64 x 7 x 7 as well
                assert_int_equal(spikes_delivered(spikes, pools[k], i), spike[k][i]);
                assert_int_equal(spikes_potential(spikes, pools[k], i), v[k][i]);
                fired += (uint64_t)spike[k][i];
            }
    }
    assert_true(fired > 0);
    spikes_free(spikes);
    study_release(&s);
}

static void a_step_of_the_bsnn_is_1189_reads_and_37762_conversions(void **state)
{
    struct sums s = sums_of(*state, "run eshraghian2022_bsnn --json -");
    struct sums few = sums_of(*state, "run eshraghian2022_bsnn --set input.steps=7 --json -");
    struct sums pairs = sums_of(*state, "run eshraghian2022_bsnn --set core.crossbar.cell=pair "
                                "--json -");
    struct study study;

    assert_int_equal(s.arrays, 1 + 2 + 13);
    assert_int_equal(pairs.arrays, 1 + 4 + 13);
    assert_int_equal(s.devices * 1000 / (16 * 256 * 64), 218); // 21.9 %
    assert_int_equal(s.reads, 100 * (784 + 392 + 13));
    assert_int_equal(few.reads, 7 * (784 + 392 + 13));
    assert_int_equal(s.conversions, 100 * (12544 + 25088 + 130)); // 3,776,200; 1 pJ: 3.776 uJ
    load(&study, "eshraghian2022_bsnn", NULL, 0);
    assert_int_equal(network_macs(&study.network), 313600 + 5017600 + 31360);
    study_release(&study);
}

/* A comparator cannot convert a part of a sum, so parts join before it. */
static void one_bit_takes_25098_conversions_where_parts_join(void **state)
{
    static const char *const joined[] = { "fabric.partial_sum=analog", "clocking.timestep_ns=200",
                                          "core.input_memory.word_bits=256" };
    uint64_t conversions = 0;
    struct study s;

    (void)state;
    load(&s, "eshraghian2022_bsnn", joined, 3);
    for (uint32_t i = 0; i < s.plan.n_core; i++) {
        const struct plan_core *c = &s.plan.core[i];
        const struct layer *l = plan_network_layer(&s.plan, c->plan_layer);
        if (!layer_is_digital(l))
            conversions += (uint64_t)l->out.height * l->out.width *
                           array_reads(&s.plan.layer[c->plan_layer].array, c->rows,
                                       c->columns).conversions;
    }
    study_release(&s);
    assert_int_equal(conversions, 12544 + 12544 + 10);
    assert_true(fabs((double)conversions * 7.8125e-6 * 100 - 19.61) < 0.005); // nJ of 100 steps
    assert_true(fabs(37762 * 7.8125e-6 * 100 - 29.50) < 0.005);
}

/* A device takes 0.9 uW where it conducts and 0.09 uW where it does not, for as long as a read: of
 * a pair one does, of a weight beside a reference half of them. */
static void arrays_of_the_bsnn_alone_have_80_8_and_161_6_tops_per_watt(void **state)
{
    struct study s;

    (void)state;
    load(&s, "eshraghian2022_bsnn", NULL, 0);
    const double macs = (double)network_macs(&s.network) * s.network.present.steps;
    const double read_ns = (double)s.config.crossbar.read_as * 1e-9;
    const double pair_uj = macs * (0.9 + 0.09) * read_ns * 1e-9;
    study_release(&s);
    assert_true(fabs(macs * 1e-6 - 536.3) < 0.05);
    assert_true(fabs(2e-6 * macs / pair_uj - 80.8) < 0.05);
    assert_true(fabs(2e-6 * macs / (pair_uj / 2) - 161.6) < 0.05);
}

/* ---- MONETA ---- */

enum { LAYERS = 4, CORES = 8 };

/* On the article's chip of eight cores, one layer after another; all of them are two chips. */
static void moneta_takes_layer_after_layer(void **state)
{
    static const uint64_t clocks[LAYERS] = { 76800, 409600, 102400, 51200 };
    char arguments[160];

    for (int k = 0; k < LAYERS; k++) {
        snprintf(arguments, sizeof arguments, "run kim2022_moneta --set chip.cores=8 --set "
                 "network.layer=conv%d --json -", k + 1);
        json_t *doc = json_of(*state, arguments);
        assert_true(number_at(doc, "timing.interval_clocks") == (double)clocks[k]);
        json_decref(doc);
    }
    assert_fails(*state, "run kim2022_moneta --set chip.cores=8", 2, "its weights at least 2 such "
                 "chips: want chip.cores = 24");
    assert_fails(*state, "run kim2022_moneta --set network.layer=conv5", 2,
                 "no such layer in network kim2022_shapes: want conv1");
}

/* Where steps come first each output keeps one. */
static void moneta_keeps_no_potentials(void **state)
{
    static const struct {
        const char *set;
        int64_t     words[LAYERS];
    } orders[] = { { "output", { 0 } }, { "step", { 16384, 4096, 2048, 512 } } };
    struct study s;
    struct err_msg m;

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        char set[32];
        snprintf(set, sizeof set, "input.order=%s", orders[k].set);
        if (study_load_network(&s, "kim2022_moneta", (const char *const[]){ set }, 1, &m))
            fail_msg("%s", m.text);
        for (uint32_t i = 0; i < LAYERS; i++)
            assert_int_equal(network_state_words(&s.network, i + 1), orders[k].words[i]);
        study_release(&s);
    }
}

/* Steps pass as images do: with four of them, an image's result is that of every fourth. */
static void steps_take_the_clocks_of_images(void **state)
{
    json_t *steps = json_of(*state, "run kim2022_moneta --set input.order=step --set input.steps=4 "
                            "--count 3 --json -");
    json_t *images = json_of(*state, "run kim2022_moneta --set input.order=step --set "
                             "input.steps=1 --count 12 --json -");

    assert_int_equal(integer_at(steps, "images.count"), 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(json_integer_value(json_array_get(at(steps, "timing.results_clocks"), i)),
                         json_integer_value(json_array_get(at(images, "timing.results_clocks"),
                                                           4 * i + 3)));
    assert_true(json_equal(at(steps, "core_list"), at(images, "core_list")));
    assert_true(json_equal(at(steps, "streams"), at(images, "streams")));
    json_decref(steps);
    json_decref(images);
}

/* Random weights, each a network of its own; what spikes have to be is test_spiking's. */
static void moneta_spikes_as_in_timesteps(void **state)
{
    for (int seed = 1; seed <= 4; seed++) {
        char elastic[256], stepped[400];
        snprintf(elastic, sizeof elastic, "run kim2022_moneta --set network.random_weights=%d "
                 "--set input.steps=12 --set neuron.theta=%d --count 2 --images random --json -",
                 seed, seed);
        snprintf(stepped, sizeof stepped, "%s --set clocking.kind=timestep --set "
                 "clocking.timestep_ns=20000 --set input.order=%s", elastic,
                 seed % 2 ? "step" : "output");
        json_t *a = json_of(*state, elastic), *b = json_of(*state, stepped);
        for (size_t i = 0; i <= LAYERS; i++) {
            json_t *x = json_array_get(at(a, "spiking.layers"), i);
            json_t *y = json_array_get(at(b, "spiking.layers"), i);
            assert_true(integer_at(x, "synaptic_events") == integer_at(y, "synaptic_events"));
            if (i < LAYERS) {
                assert_true(integer_at(x, "spikes") > 0);
                assert_true(json_equal(at(x, "spikes_by_step"), at(y, "spikes_by_step")));
            }
        }
        json_decref(a);
        json_decref(b);
    }
}

static void moneta_takes_76800_to_409600_clocks_a_layer(void **state)
{
    static const uint64_t clocks[LAYERS] = { 76800, 409600, 102400, 51200 };
    static const double per_s[LAYERS] = { 13020.8, 2441.4, 9765.6, 19531.2 };
    static const double tops[LAYERS] = { 1.152, 1.152, 2.304, 2.304 };
    json_t *doc = json_of(*state, "run kim2022_moneta --json -"), *core;
    uint64_t images = (uint64_t)integer_at(doc, "images.count");
    uint32_t cores[LAYERS] = { 0 };
    uint64_t bits[LAYERS] = { 0 };
    struct study s;
    size_t i;

    struct err_msg m;
    if (study_load_network(&s, "kim2022_moneta", NULL, 0, &m) || study_plan_any(&s, &m))
        fail_msg("%s", m.text);
    json_array_foreach(at(doc, "core_list"), i, core) {
        const struct plan_core *c = &s.plan.core[i];
        uint32_t layer = c->plan_layer;
        assert_string_equal(text_at(core, "name"), c->name);
        /* a clock a read */
        assert_int_equal(integer_at(core, "counters.reads"), clocks[layer] * images);
        bits[layer] += (uint64_t)c->rows * c->columns * 8;
        cores[layer]++;
    }
    json_decref(doc);
    study_release(&s);
    for (uint32_t k = 0; k < LAYERS; k++) {
        assert_true(fabs(1e9 / (double)clocks[k] - per_s[k]) < 0.06);
        /* nine arrays of a core add 16 outputs each, two operations a clock of 1 GHz */
        assert_true(fabs(cores[k] * 9 * 16 * 2e-3 - tops[k]) < 1e-9);
    }
    assert_int_equal(CORES * 9 * 128 * 128, 1152 * 1024);
    assert_int_equal((bits[0] + bits[1] + bits[2]) * 10 / 1024, 8775); // fit beside one another
    assert_int_equal(bits[3], CORES * 9 * 128 * 128);                  // full
    assert_true(bits[0] + bits[1] + bits[2] + bits[3] > CORES * 9 * 128 * 128);
}

/* Calibrated: 13.60 mW a core and 14.48 mW of arrays at an activity of 0.0092; 11.155 mm2. */
static void monetas_power_is_123_28_mw(void **state)
{
    const double rest = 13.60, array_pj = 21.86, ghz = 1, peak = CORES * 9 * 16 * 2e-3;
    double arrays = 72 * array_pj * ghz * 0.0092, mw = CORES * rest + arrays;

    (void)state;
    assert_true(fabs(arrays - 14.48) < 0.005);
    assert_true(fabs(mw - 123.28) < 0.005);
    assert_true(fabs(peak / mw * 1e3 - 18.69) < 0.005);
    assert_true(fabs(peak / 11.155 - 0.207) < 0.0005);
    assert_true(fabs(72 * array_pj * ghz * 0.01 - 15.74) < 0.005); // predicted: of 0.01 more
}

/* The article's layer 4 learns: 2 x 9 x 128 x 128 x 4 x 100 operations in 51,200 clocks. An update
 * is 17 clocks; that the nine arrays of a core go through its 16 outputs one by one, and that a
 * replay is 32 further passes, are our readings, by which its three figures come out. */
static void an_update_of_moneta_takes_17_clocks(void **state)
{
    static const char *const set[] = { "learning.rule=stdp" };
    const double operations = 2e-3 * 9 * 128 * 128 * 4 * 100, forward = 51200;
    struct study s;
    struct err_msg m;

    (void)state;
    if (study_load_network(&s, "kim2022_moneta", set, 1, &m) || study_plan_any(&s, &m))
        fail_msg("%s", m.text);
    const uint64_t clocks = operation_clocks(&s.plan, s.plan.n_core - 1, OPERATION_UPDATE);
    /* a firing is 100 steps of 128 rows of each array; a row is a read */
    assert_int_equal(operation_clocks(&s.plan, s.plan.n_core - 1, OPERATION_FORWARD), 12800);
    assert_int_equal(operation_clocks(&s.plan, s.plan.n_core - 1, OPERATION_READ_ROW), 1);
    study_release(&s);
    assert_int_equal(clocks, 17);
    const double updates = 9 * 16 * (double)clocks;
    assert_true(fabs(operations / (forward + updates) - 2.199) < 0.0005);
    assert_true(fabs(operations / (2 * forward + updates) - 1.125) < 0.0005);
    assert_true(fabs(operations / (33 * forward + updates) - 0.0697) < 0.00005);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_of_the_bsnn_is_1189_reads_and_37762_conversions),
        cmocka_unit_test(one_bit_takes_25098_conversions_where_parts_join),
        cmocka_unit_test(one_bit_and_charge_take_6282_comparisons_a_step),
        cmocka_unit_test(its_neurons_act_on_the_currents_of_four_outputs),
        cmocka_unit_test(arrays_of_the_bsnn_alone_have_80_8_and_161_6_tops_per_watt),
        cmocka_unit_test(moneta_takes_layer_after_layer),
        cmocka_unit_test(moneta_keeps_no_potentials),
        cmocka_unit_test(steps_take_the_clocks_of_images),
        cmocka_unit_test(moneta_spikes_as_in_timesteps),
        cmocka_unit_test(moneta_takes_76800_to_409600_clocks_a_layer),
        cmocka_unit_test(monetas_power_is_123_28_mw),
        cmocka_unit_test(an_update_of_moneta_takes_17_clocks),
    };

    return cmocka_run_group_tests(tests, tmpdir_make, tmpdir_remove);
}
