/* Networks of one bit on arrays whose sums become signs: K. Lee's machine of three layers, a binary
 * network, and one of bytes beside them. Trained bits and digits are where ../shared/data is; what
 * they should give was counted by the programs that trained them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "arch/chip.h"
#include "test/trained.h"

enum { SIDE = TRAINED_SIDE, IMAGE = TRAINED_IMAGE, CLASSES = TRAINED_CLASSES, PLANES = 50 };

/* ---- images on a chip ---- */

struct outcome {
    uint32_t by_score, by_sign; // images right, by the largest score and the first that is not
                                // negative
};

static void judge(struct outcome *o, const int64_t *score, uint32_t label)
{
    uint32_t best = 0, first = CLASSES;

    for (uint32_t c = 0; c < CLASSES; c++) {
        best = score[c] > score[best] ? c : best;
        first = first == CLASSES && score[c] >= 0 ? c : first;
    }
    o->by_score += best == label;
    o->by_sign += first == label;
}

/* Images [n] of so many values, PLANES abreast. */
static struct outcome run_chip(const struct plan *p, const uint8_t *in, uint32_t values,
                               const uint32_t *label, uint32_t n)
{
    const struct chip_cfg cfg = { .plan = p, .planes = { .n = PLANES } };
    struct chip *c = chip_new(&cfg);
    struct outcome o = { 0 };
    uint32_t injected = 0, done = 0;
    struct chip_result r;
    struct err_msg m;

    assert_non_null(c);
    assert_int_equal(n % PLANES, 0);
    for (int64_t t = 0; done < n; t++) {
        while (injected < n && chip_inject(c, (const int8_t *)in + (size_t)injected * values))
            injected += PLANES;
        if (chip_run(c, t, &m))
            fail_msg("%s", m.text);
        for (; chip_result(c, &r); done += PLANES)
            for (uint32_t i = 0; i < PLANES; i++)
                judge(&o, r.value + i * CLASSES, label[done + i]);
    }
    chip_free(c);
    return o;
}

/* ---- K. Lee's machine ---- */

static const struct dense lee = { "spiking/lee_bnn", 3, { 400, 128, 128, 10 }, true, 1 };

static const char *const lee_machine[] = {
    "clock_mhz=100", "clocking.timestep_ns=10", "core.crossbar.rows=128",
    "core.crossbar.columns=128", "core.crossbar.cell=reference", "core.crossbar.mvm_ns=10",
    "core.crossbar.input_slice_bits=1", "core.readout.kind=sign",
    "core.input_memory.kind=registers", "core.digital.lanes=128", "fabric.partial_sum=analog",
    "fabric.link_gbps=40", NULL
};

static void make_lee(struct plan_rig *r)
{
    struct blob b;

    if (!blob_open(&b, lee.blob))
        skip();
    rig_config(r, lee_machine);
    trained_network(r, &lee, &b);
    blob_close(&b);
    if (rig_plan(r))
        fail_msg("%s", r->msg.text);
}

static void lees_machine_is_six_arrays_and_makes_a_result_a_cycle(void **state)
{
    struct plan_rig r;
    uint32_t arrays = 0, converters = 0;

    (void)state;
    make_lee(&r);
    assert_int_equal(r.plan.n_core, 3);
    for (uint32_t i = 0; i < r.plan.n_core; i++) {
        const struct plan_core *c = &r.plan.core[i];
        arrays += c->arrays;
        converters += array_reads(&r.plan.layer[i].array, c->rows, c->columns).converters;
        assert_int_equal(c->arrays, (c->rows + 127) / 128);
    }
    assert_int_equal(arrays, 6); // 4 + 1 + 1
    assert_int_equal(converters, 128 + 128 + 10);
    assert_int_equal(network_weights(&r.network), 400 * 128 + 128 * 128 + 128 * 10); // 68,864
    assert_int_equal(r.plan.interval, 1);
    assert_int_equal(r.plan.time.first_result, 3);
    assert_int_equal(r.config.timestep_ns, 10);
    /* two operations a weight in each of the 100 million timesteps of a second: 13.7728 TOPS */
    assert_int_equal(2 * network_macs(&r.network) * 100, 13772800);
    rig_release(&r);
}

/* Tables 1 and 2 of the thesis: images of 28 to 12 pixels a side, layers of 192 to 64 bits. */
static void bits_of_lees_tables_are_the_weights_of_their_networks(void **state)
{
    static const struct {
        uint32_t in, hidden;
        uint64_t bits;
    } printed[] = {
        { 28 * 28, 128, 118016 }, { 24 * 24, 128, 91392 }, { 20 * 20, 128, 68864 },
        { 16 * 16, 128, 50432 },  { 12 * 12, 128, 36096 }, { 400, 192, 115584 },
        { 400, 160, 91200 },      { 400, 96, 48576 },      { 400, 64, 30336 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof printed / sizeof *printed; i++) {
        struct plan_rig r;
        rig_config(&r, lee_machine);
        rig_image(&r, 1, 1, printed[i].in);
        r.network.layer[0].value_bits = 1;
        for (uint32_t k = 0; k < 3; k++) {
            struct layer *l = rig_conv(&r, k, k < 2 ? printed[i].hidden : 10, 1, 1);
            l->weight_bits = l->value_bits = 1;
        }
        assert_int_equal(network_weights(&r.network), printed[i].bits);
        rig_release(&r);
    }
}

/* Calibrated: 23.36 mW and 0.03815 mm2 are the thesis's totals, whose breakdown is lost. */
static void lees_efficiency_follows_from_its_power_and_area(void **state)
{
    const double mw = 23.36, mm2 = 0.03815;
    struct plan_rig r;

    (void)state;
    make_lee(&r);
    double ns = plan_timestep_ns(&r.plan) * (double)r.plan.interval;
    double tops = 2e-3 * (double)network_macs(&r.network) / ns;
    assert_true(fabs(tops / mm2 - 361.02) < 0.005);
    assert_true(fabs(tops / mw * 1e3 - 589.59) < 0.005);
    assert_true(fabs(mw * ns * 1e-3 - 0.2336) < 1e-9);
    assert_true(fabs(mw * 1e-3 / mm2 - 0.6123) < 5e-5);
    rig_release(&r);
}

static void lees_machine_reads_the_digits(void **state)
{
    enum { N = 2000, CROP = 20, AT = 4 };
    char *path = shared_path("mnist/t2000-images-idx3-ubyte.gz");
    uint8_t *pixel = malloc(N * IMAGE), *in = malloc(N * CROP * CROP);
    uint32_t *label = calloc(N, sizeof *label);
    struct plan_rig r;

    (void)state;
    if (!path)
        skip();
    make_lee(&r);
    trained_images(path, pixel, label, N);
    for (uint32_t i = 0; i < N; i++)
        for (uint32_t k = 0; k < CROP * CROP; k++)
            in[i * CROP * CROP + k] =
                pixel[i * IMAGE + (k / CROP + AT) * SIDE + k % CROP + AT] >= 128;
    struct outcome o = run_chip(&r.plan, in, CROP * CROP, label, N);
    assert_int_equal(o.by_score, 1916);
    assert_int_equal(o.by_sign, 1900); // its priority encoder: the first score of 0 and more
    rig_release(&r);
    free(path);
    free(pixel);
    free(in);
    free(label);
}

/* ---- Fashion-MNIST ---- */

static uint32_t right_of_fashion(const struct dense *d, const char *const *set)
{
    enum { N = 10000 };
    uint8_t *pixel = malloc((size_t)N * IMAGE);
    uint32_t *label = calloc(N, sizeof *label);
    struct plan_rig r;
    struct blob b;

    if (!blob_open(&b, d->blob))
        skip();
    if (access(FASHION, R_OK) != 0) {
        print_message("%s is not there\n", FASHION);
        skip();
    }
    rig_config(&r, set);
    trained_network(&r, d, &b);
    blob_close(&b);
    if (rig_plan(&r))
        fail_msg("%s", r.msg.text);
    trained_images(FASHION, pixel, label, N);
    struct outcome o = run_chip(&r.plan, pixel, IMAGE, label, N);
    rig_release(&r);
    free(pixel);
    free(label);
    return o.by_score;
}

static void a_binary_network_has_8869_of_10000(void **state)
{
    static const struct dense bnn = { "spiking/bnn_fmnist", 4, { 784, 512, 512, 512, 10 },
                                      true, 8 }; // its first layer reads pixels as they are
    static const char *const machine[] = {
        "core.crossbar.cell=reference", "core.readout.kind=sign", "fabric.partial_sum=analog",
        "core.input_memory.kind=registers", "fabric.link_gbps=100", NULL
    };

    (void)state;
    assert_int_equal(right_of_fashion(&bnn, machine), 8869);
}

static void a_network_of_bytes_has_8957_of_10000(void **state)
{
    static const struct dense mlp = { "spiking/mlp_fmnist", 3, { 784, 256, 128, 10 },
                                      false, 8 };
    static const char *const machine[] = {
        "core.input_memory.kind=registers", "fabric.link_gbps=100",
        "fabric.partial_sum_gbps=100", NULL
    };

    (void)state;
    assert_int_equal(right_of_fashion(&mlp, machine), 8957);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lees_machine_is_six_arrays_and_makes_a_result_a_cycle),
        cmocka_unit_test(bits_of_lees_tables_are_the_weights_of_their_networks),
        cmocka_unit_test(lees_efficiency_follows_from_its_power_and_area),
        cmocka_unit_test(lees_machine_reads_the_digits),
        cmocka_unit_test(a_binary_network_has_8869_of_10000),
        cmocka_unit_test(a_network_of_bytes_has_8957_of_10000),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
