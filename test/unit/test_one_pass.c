/* Clocking without a clock, a host's first layers, and the machine that has both: J. Kim's VCAM for
 * binary networks (../shared/spec/spiking.md, 3.2). Figures are the thesis's, or closed forms. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/kernel.h"
#include "core/rng.h"
#include "dataflow/crossbar/reads.h"
#include "study/study.h"
#include "test/cli_rig.h"
#include "test/plan_rig.h"
#include "test/tmpdir.h"
#include "test/trained.h"

static uint32_t up(uint32_t a, uint32_t b)
{
    return (a + b - 1) / b;
}

/* Tiles, and circuits that join their sums: one for each output of a tile. */
static void count_tiles(const struct plan *p, uint32_t layer, uint32_t *tiles, uint32_t *circuits)
{
    *tiles = *circuits = 0;
    for (uint32_t k = 0; k < p->layer[layer].n_core; k++) {
        const struct plan_core *c = &p->core[p->layer[layer].first_core + k];
        *tiles += c->arrays;
        *circuits += c->arrays * c->columns;
    }
}

/* ---- VCAM ---- */

static const double PS_FJ = 46.24; // of a circuit: calibrated to the product of 256 x 256 below

static void vcam_is_1235_tiles_1034_neurons_and_2_1_ns(void **state)
{
    static const uint32_t want[3] = { 608, 608, 19 };
    uint32_t all = 0, neurons = 0, circuits = 0, tiles, joins;
    struct study s;
    struct err_msg m;

    (void)state;
    if (study_load(&s, "kim2019_vcam", NULL, 0, &m))
        fail_msg("%s", m.text);
    assert_int_equal(s.plan.n_layer, 3);
    for (uint32_t i = 0; i < 3; i++) {
        count_tiles(&s.plan, i, &tiles, &joins);
        assert_int_equal(tiles, want[i]);
        all += tiles;
        circuits += joins;
        neurons += s.network.layer[i + 1].out.channels;
    }
    assert_int_equal(all, 1235);
    assert_int_equal(neurons, 1034);
    assert_int_equal(network_weights(&s.network), 529408);
    assert_int_equal(network_weights(s.network.host), 784 * 512);
    assert_int_equal(s.plan.timestep_clk, 21); // of 10 GHz
    assert_true(fabs(plan_timestep_ns(&s.plan) - 2.1) < 1e-12);
    assert_int_equal(s.plan.interval, 1);
    assert_int_equal(plan_first_result(&s.plan), 1);
    for (uint32_t i = 0; i < s.plan.n_core; i++)
        assert_int_equal(s.plan.time.core[i].used_clk[STAGE_CROSSBAR], 7);

    double ns = plan_timestep_ns(&s.plan), ops = 2. * (double)network_macs(&s.network);
    /* quoted power: 519.6 mW in 2.1 ns */
    assert_true(fabs(519.6 * ns * 1e-3 - 1.09) < 0.005);
    assert_true(fabs(ops / (519.6 * ns) - 970.4) < 0.1);
    /* predicted of the circuits alone */
    assert_int_equal(circuits, 19646);
    double nj = circuits * PS_FJ * 1e-6;
    assert_true(fabs(nj - 0.908) < 0.0005);
    assert_true(fabs(ops * 1e-3 / nj - 1166) < 1);
    assert_true(fabs(1 - nj / 1.0906 - 0.167) < 0.0005);
    study_release(&s);
}

static const char *const vcam[] = {
    "clock_mhz=10000", "clocking.kind=combinational", "chip.cores=1024", "core.crossbar.rows=32",
    "core.crossbar.columns=32", "core.crossbar.reserved_rows=5", "core.crossbar.cell=pair",
    "core.crossbar.mvm_ns=auto", "core.crossbar.read_ns=0.6", "core.readout.kind=sign",
    "core.readout.conversion_ns=0.1", "fabric.partial_sum=analog", NULL
};

static void rig_dense(struct plan_rig *r, const uint32_t *size, uint32_t n)
{
    rig_image(r, 1, 1, size[0]);
    r->network.layer[0].value_bits = 1;
    r->network.layer[0].out_signed = false;
    for (uint32_t i = 1; i < n; i++) {
        struct layer *l = rig_conv(r, i - 1, size[i], 1, 1);
        l->weight_bits = l->value_bits = 1;
        l->raw_output = i + 1 == n;
    }
}

static void a_product_of_256_by_256_is_160_tiles_in_0_7_ns(void **state)
{
    static const uint32_t size[] = { 256, 256 };
    uint32_t tiles, circuits;
    struct plan_rig r;

    (void)state;
    rig_config(&r, vcam);
    rig_dense(&r, size, 2);
    if (rig_plan(&r))
        fail_msg("%s", r.msg.text);
    count_tiles(&r.plan, 0, &tiles, &circuits);
    assert_int_equal(tiles, 160);
    assert_int_equal(r.plan.timestep_clk, 7);
    /* quoted: 169.1 mW; that is 0.1184 nJ, 1107.3 TOPS/W and 46.24 fJ a circuit */
    double nj = 169.1 * 0.7 * 1e-3, ops = 2. * (double)network_macs(&r.network);
    assert_true(fabs(nj - 0.1184) < 0.00005);
    assert_true(fabs(ops * 1e-3 / nj - 1107.3) < 0.1);
    assert_true(fabs(nj * 1e6 / circuits - PS_FJ) < 0.005);
    rig_release(&r);
}

/* Layers of any size on tiles of any size, one or two ways to the last: tiles and the longest way
 * by closed form. */
static void passes_of_random_machines_take_the_longest_way(void **state)
{
    struct rng rng = rng_at(11, "passes");
    uint64_t draw = 0;

    (void)state;
    for (int n = 0; n < 300; n++) {
        uint32_t size[7], layers = 2 + (uint32_t)(rng_u64(rng, draw++) % 5);
        uint32_t rows = 8 + (uint32_t)(rng_u64(rng, draw++) % 120);
        uint32_t columns = 2 * (4 + (uint32_t)(rng_u64(rng, draw++) % 60));
        uint32_t kept = (uint32_t)(rng_u64(rng, draw++) % 6);
        uint32_t tenths = 1 + (uint32_t)(rng_u64(rng, draw++) % 40);
        uint32_t convert = 1 + (uint32_t)(rng_u64(rng, draw++) % 20); // of two columns, in turn
        char text[5][64];
        const char *set[24];
        struct plan_rig r;
        uint64_t want = 0;

        for (uint32_t i = 0; i <= layers; i++)
            size[i] = 1 + (uint32_t)(rng_u64(rng, draw++) % 300);
        memcpy(set, vcam, sizeof vcam);
        size_t last = sizeof vcam / sizeof *vcam - 1;
        snprintf(text[0], 64, "core.crossbar.rows=%" PRIu32, rows + kept);
        snprintf(text[1], 64, "core.crossbar.columns=%" PRIu32, columns);
        snprintf(text[2], 64, "core.crossbar.reserved_rows=%" PRIu32, kept);
        snprintf(text[3], 64, "core.crossbar.read_ns=%" PRIu32 ".%" PRIu32, tenths / 10,
                 tenths % 10);
        snprintf(text[4], 64, "core.readout.conversion_ns=%" PRIu32 ".%" PRIu32, convert / 10,
                 convert % 10);
        for (size_t i = 0; i < 5; i++)
            set[last + i] = text[i];
        set[last + 5] = "core.readout.columns_per_adc=2";
        set[last + 6] = NULL;
        rig_config(&r, set);
        rig_dense(&r, size, layers + 1);
        bool two_ways = layers > 2 && rng_u64(rng, draw++) % 2;
        if (two_ways) // the last reads the first layer's outputs, too
            rig_concat(&r, 1);
        if (rig_plan(&r))
            fail_msg("%s", r.msg.text);
        for (uint32_t i = 0; i < layers; i++) {
            uint32_t in = size[i] + (two_ways && i + 1 == layers ? size[1] : 0), tiles, circuits;
            want += tenths + 2 * convert;
            count_tiles(&r.plan, i, &tiles, &circuits);
            assert_int_equal(circuits, size[i + 1] * up(in, rows));
            assert_int_equal(tiles, up(size[i + 1], columns / 2) * up(in, rows));
        }
        assert_int_equal(r.plan.timestep_clk, want);
        assert_int_equal(r.plan.interval, 1);
        assert_int_equal(plan_first_result(&r.plan), 1);
        rig_release(&r);
    }
}

/* ---- values ---- */

static void vcam_has_8869_of_10000_and_as_many_ones_a_layer(void **state)
{
    static const struct {
        const char *layer;
        int64_t     ones;
    } reads[] = { { "dense2", 2578957 }, { "dense3", 2534456 }, { "dense4", 2549869 } };
    json_t *core, *doc;
    size_t i, seen = 0;

    if (access(FASHION, R_OK) != 0)
        skip();
    doc = json_of(*state, "run kim2019_vcam --images " FASHION " --json -");
    assert_int_equal(integer_at(doc, "accuracy.correct"), 8869);
    assert_true(fabs(number_at(doc, "timing.timestep_ns") - 2.1) < 1e-12);
    assert_int_equal(integer_at(doc, "network.host_layers"), 1);
    json_array_foreach(at(doc, "core_list"), i, core)
        for (size_t k = 0; k < 3; k++)
            if (strcmp(text_at(core, "layer"), reads[k].layer) == 0) {
                assert_int_equal(integer_at(core, "counters.active_rows"), reads[k].ones);
                seen++;
            }
    assert_int_equal(seen, 65);
    json_decref(doc);
}

/* The host's layers are exact: classes are those of a chip that has all of them. */
static void layers_of_the_host_change_no_class(void **state)
{
    static const char *const with[] = {
        "run resnet32_fmnist --set network.host_layers=1 --images " FASHION " --count 64",
        "run resnet32_fmnist --set network.host_layers=1 --values timed --images " FASHION
        " --count 64",
        "run resnet32_fmnist --set network.host_layers=3 --images " FASHION " --count 64 --jobs 3",
    };
    json_t *plain;

    if (access(FASHION, R_OK) != 0)
        skip();
    plain = json_of(*state, "run resnet32_fmnist --images " FASHION " --count 64 --json -");
    for (size_t i = 0; i < sizeof with / sizeof *with; i++) {
        char arguments[256];
        snprintf(arguments, sizeof arguments, "%s --json -", with[i]);
        json_t *doc = json_of(*state, arguments);
        assert_true(json_equal(at(doc, "accuracy"), at(plain, "accuracy")));
        assert_true(integer_at(doc, "network.weights") + integer_at(doc, "network.host_weights") ==
                    integer_at(plain, "network.weights"));
        json_decref(doc);
    }
    json_decref(plain);
}

/* What a layer alone reads comes in its bits, and computes what it does in the network. */
static void a_layer_alone_reads_its_own_bits(void **state)
{
    static const char *const set[] = { "network.host_layers=0", "network.layer=dense3" };
    struct study s;
    struct err_msg m;

    (void)state;
    if (study_load(&s, "kim2019_vcam", set, 2, &m))
        fail_msg("%s", m.text);
    assert_int_equal(s.network.n_layer, 2);
    assert_int_equal(s.network.layer[0].value_bits, 1);
    assert_int_equal(s.network.layer[0].out.channels, 512);
    assert_int_equal(network_weights(&s.network), 512 * 512);
    assert_int_equal(s.plan.timestep_clk, 7);
    study_release(&s);
}

/* ---- what cannot be ---- */

static void biases_reach_as_far_as_their_rows(void **state)
{
    static const uint32_t size[] = { 512, 1, 1 };
    static const int64_t threshold[] = { 95, -95, 96, -96 }; // 19 tiles x 5 rows
    struct plan_rig r;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        rig_config(&r, vcam);
        rig_dense(&r, size, 3);
        r.network.has_values = true;
        for (uint32_t k = 1; k <= 2; k++) {
            struct layer *l = &r.network.layer[k];
            size_t n = size[k - 1];
            l->weight = calloc(n, 1);
            l->requant.b = calloc(1, sizeof *l->requant.b);
            l->requant.m = calloc(1, sizeof *l->requant.m);
            l->requant.shift = calloc(1, 1);
            l->requant.m[0] = 1;
            l->requant.high = 1;
            l->requant.b[0] = k == 1 ? 1 - threshold[i] : 0;
        }
        enum err e = rig_plan(&r);
        assert_int_equal(e, i < 2 ? ERR_NONE : ERR_INPUT);
        if (e)
            assert_non_null(strstr(r.msg.text, "5 rows of 19 arrays hold -95 to 95: want "
                                               "core.crossbar.reserved_rows = 6"));
        rig_release(&r);
    }
}

/* A trimmer that asks for signs alone: what an output is off by is within one row's reach after as
 * many reads as the reach has bits, whatever it was. */
static int64_t trimmed(int64_t off, uint32_t reads)
{
    int64_t bias = 0;

    for (int64_t step = INT64_C(1) << reads; step > 1;) {
        step /= 2;
        bias += off + bias >= 0 ? -step : step;
    }
    return off + bias;
}

static void a_trim_takes_seven_reads(void **state)
{
    json_t *doc = json_of(*state, "map kim2019_vcam --json -"), *layers = at(doc, "layers");
    int64_t reach = integer_at(json_array_get(layers, 0), "bias_reach"), worst = 0;
    uint32_t reads = (uint32_t)integer_at(json_array_get(layers, 0), "trim_reads");

    assert_int_equal(reach, 95);
    assert_int_equal(reads, 7);
    for (int64_t off = -reach; off <= reach; off++) {
        assert_true(llabs(trimmed(off, reads)) <= 1);
        worst = llabs(trimmed(off, reads - 1)) > worst ? llabs(trimmed(off, reads - 1)) : worst;
    }
    assert_true(worst > 1); // six do not
    json_decref(doc);
}

static void what_needs_a_clock_is_refused(void **state)
{
    assert_fails(*state, "run resnet32 --set clocking.kind=combinational", 2,
                 "clocking.kind = combinational keeps no pixels, layer conv1 has 32 x 32 outputs");
    assert_fails(*state, "run kim2019_vcam --set fabric.partial_sum=digital --set "
                 "core.readout.kind=exact --set chip.cores=2048", 2,
                 "has no registers for the 19 parts of layer dense2: want fabric.partial_sum = "
                 "analog");
    assert_fails(*state, "run kim2019_vcam --timing chip", 2, "want no --timing chip");
    if (kernel_available(KERNEL_SYSTEMC))
        assert_fails(*state, "run kim2019_vcam --kernel systemc", 2, "--kernel native");
    assert_fails(*state, "run kim2019_vcam --set clocking.timestep_ns=3", 2,
                 "clocking.timestep_ns has no effect with clocking.kind = combinational: want no "
                 "such key, or --set clocking.kind=timestep");
    assert_fails(*state, "run lif_fmnist --set clocking.kind=combinational", 2,
                 "keeps nothing from step to step, the network has 8");
    assert_fails(*state, "run kim2019_vcam --set network.host_layers=4", 2,
                 "has 4 layers: want at most 3");
    assert_fails(*state, "run resnet32_fmnist --set network.host_layers=2", 2,
                 "which is before layer");
    assert_fails(*state, "run lif_fmnist --set network.host_layers=1", 2, "want input.steps = 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vcam_is_1235_tiles_1034_neurons_and_2_1_ns),
        cmocka_unit_test(a_product_of_256_by_256_is_160_tiles_in_0_7_ns),
        cmocka_unit_test(passes_of_random_machines_take_the_longest_way),
        cmocka_unit_test(vcam_has_8869_of_10000_and_as_many_ones_a_layer),
        cmocka_unit_test(layers_of_the_host_change_no_class),
        cmocka_unit_test(biases_reach_as_far_as_their_rows),
        cmocka_unit_test(a_layer_alone_reads_its_own_bits),
        cmocka_unit_test(a_trim_takes_seven_reads),
        cmocka_unit_test(what_needs_a_clock_is_refused),
    };

    return cmocka_run_group_tests(tests, tmpdir_make, tmpdir_remove);
}
