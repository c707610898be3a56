/* test/unit/test_analog_off.c -- off is off: with every effect off, wires of 0 ohm, levels that
 * keep every weight and converters of enough bits, the networks that users bring have the results
 * of exact weights to the bit, with every instruction set, any jobs and under both kernels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "arch/analog/layers.h"
#include "core/simd.h"
#include "onnx/read/read.h"
#include "study/analog.h"
#include "test/random_tokens.h"
#include "test/trained.h"
#include "test/zoo/zoo.h"

enum { ZOO_SIDE = 32, ZOO_THIN = 8, N_IMAGE = 3, MOST_SET = 24 };

static void must(enum err e, const struct err_msg *m)
{
    if (e)
        fail_msg("%s", m->text);
}

/* Each a machine whose devices keep weights as they are. */
#define OFF "analog.programming=off", "analog.drift=off", "core.crossbar.w_max=layer"
static const char *const off[][MOST_SET] = {
    { OFF, "core.crossbar.device=pcm_joshi", "analog.read_noise=off", "core.readout.kind=adc",
      "core.readout.bits=24", "core.crossbar.rows=256", "core.wires.model=exact" },
    { OFF, "core.crossbar.device=levels", "core.crossbar.on_off=10", "core.crossbar.g_max_us=40",
      "core.readout.kind=adc", "core.readout.bits=25", "core.crossbar.rows=512",
      "core.wires.model=fast" },
    { OFF, "core.crossbar.device=pcm_hermes", "core.readout.kind=adc", "core.readout.bits=24",
      "core.readout.separate=yes", "core.wires.model=fast", "core.wires.layout=rows" },
    /* in reads, through the chip */
    { OFF, "core.crossbar.device=levels", "core.crossbar.on_off=10", "core.crossbar.g_max_us=40",
      "core.crossbar.cell=sliced", "core.crossbar.cell_bits=2", "core.crossbar.columns=512",
      "core.crossbar.input_slice_bits=1", "core.readout.kind=adc", "core.readout.bits=24" },
    { OFF, "core.crossbar.device=pcm_joshi", "core.crossbar.cell=sliced",
      "core.crossbar.cell_bits=4", "core.crossbar.scheme=offset", "core.crossbar.rows_at_once=100",
      "core.wires.model=fast", "core.wires.input=gate" },
    { OFF, "core.crossbar.device=pcm_joshi", "core.crossbar.cell=sram", "core.readout.kind=adc",
      "core.readout.bits=24", "core.wires.model=exact" },
    { OFF, "core.crossbar.device=levels", "core.crossbar.on_off=10", "core.crossbar.g_max_us=40",
      "core.crossbar.cell=sliced", "core.crossbar.cell_bits=4", "core.crossbar.scheme=offset",
      "core.crossbar.dummy_column=yes", "core.crossbar.columns=512" },
    { OFF, "core.crossbar.device=levels", "core.crossbar.on_off=3", "core.crossbar.g_max_us=40",
      "core.crossbar.cell=sram", "core.crossbar.dummy_column=yes", "core.readout.kind=adc",
      "core.readout.bits=24" },
};
enum { N_OFF = sizeof off / sizeof *off, N_WHOLE = 3 };

static size_t count(const char *const *set)
{
    size_t n = 0;

    while (n < MOST_SET && set[n])
        n++;
    return n;
}

/* Results of random images, with the cores' weights or the network's own. */
static void results_of(const struct network *n, const struct value_cores *cores, const char *simd,
                       int64_t *to)
{
    size_t bytes = network_image_bytes(n);
    uint8_t *image = malloc(N_IMAGE * bytes);
    struct values *v = cores ? values_new_on(n, simd, cores) : values_new(n, simd);
    struct value_lanes *lanes = v ? value_lanes_new(v) : NULL;

    assert_non_null(image);
    assert_non_null(lanes);
    for (size_t i = 0; i < N_IMAGE * bytes; i++)
        image[i] = (uint8_t)((i * 2654435761u >> 11) % 256);
    value_lanes_run(lanes, image, N_IMAGE, to, NULL);
    value_lanes_free(lanes);
    values_free(v);
    free(image);
}

/* Whether the network's plan on such a machine has its results. */
static void assert_off(const struct network *n, const char *machine, const char *const *set)
{
    uint32_t classes = layer_delivers(network_result(n)).channels;
    size_t bytes = N_IMAGE * classes * sizeof(int64_t);
    int64_t *want = calloc(1, bytes), *got = calloc(1, bytes);
    struct config c;
    struct plan p;
    struct analog_spec spec;
    struct analog_chip chip;
    struct analog_state state;
    struct analog_layers layers;
    struct err_msg m;

    must(config_load(&c, machine, set, count(set), &m), &m);
    must(plan_make(&p, n, &c, &m), &m);
    must(analog_spec_of(&spec, &c, &m), &m);
    must(analog_chip_init(&chip, &p, &spec, 3, &m), &m);
    must(analog_state_init(&state, &chip, 31536000, &m), &m);
    assert_true(analog_by_layer(&p) && analog_layers_init(&layers, &state));
    results_of(n, NULL, NULL, want);
    for (const char *const *simd = simd_names(); *simd; simd++) {
        results_of(n, layers.layer, *simd, got);
        assert_memory_equal(got, want, bytes);
    }
    analog_layers_release(&layers);
    analog_state_release(&state);
    analog_chip_release(&chip);
    plan_release(&p);
    config_release(&c);
    free(want);
    free(got);
}

static void the_zoo_has_its_results_where_all_effects_are_off(void **state)
{
    (void)state;
    for (uint32_t i = 0; zoo_name(i); i++) {
        struct zoo_cfg cfg = zoo_defaults();
        struct network n;
        struct err_msg m;
        size_t size;
        cfg.form = ZOO_QDQ;
        cfg.size = zoo_size(zoo_name(i), ZOO_SIDE);
        cfg.thin = ZOO_THIN;
        cfg.classes = 10;
        Onnx__ModelProto *model = zoo_make(zoo_name(i), &cfg);
        uint8_t *bytes = make_packed(model, &size);
        make_free(model);
        must(network_decode_onnx(&n, zoo_name(i), bytes, size, &m), &m);
        free(bytes);
        assert_off(&n, "configs/imagenet.yaml", off[i % N_WHOLE]);
        network_release(&n);
    }
}

static void trained_networks_have_their_results_where_all_effects_are_off(void **state)
{
    static const char *const models[] = { "models/resnet32_fmnist.onnx",
                                          "models/resnet32_cifar10.onnx" };

    (void)state;
    for (size_t i = 0; i < 2 * N_WHOLE; i++) {
        struct network n;
        struct err_msg m;
        must(network_load_onnx(&n, models[i % 2], &m), &m);
        assert_off(&n, "configs/resnet32_fmnist.yaml", off[i / 2]);
        network_release(&n);
    }
}

/* What a norm reads of an array leaves its core in 32 bits. */
static void norms_of_sums_have_their_results_where_all_effects_are_off(void **state)
{
    static const char *const room[] = {
        "core.input_memory.kind=registers", "core.digital.lanes=65536", "fabric.link_gbps=10000",
        "fabric.partial_sum_gbps=10000", "chip.cores=65536", "attention.lanes=100000",
        "attention.exp_lanes=100000", "attention.memory_bytes=1000000",
        "digital_core.lanes=100000",
    };
    enum { N_ROOM = sizeof room / sizeof *room, N_SEED = 40 };
    uint32_t n = 0;

    (void)state;
    for (unsigned seed = 1; seed <= N_SEED; seed++) {
        const char *const *effects = off[n % N_WHOLE];
        const char *set[MOST_SET + N_ROOM] = { NULL };
        struct random_tokens t;
        if (!random_tokens_of_sums_make(&t, seed, false))
            continue;
        memcpy(set, room, sizeof room);
        memcpy(set + N_ROOM, effects, count(effects) * sizeof *set);
        assert_off(&t.rig.network, NULL, set);
        random_tokens_release(&t);
        n++;
    }
    assert_true(n > N_SEED / 4);
}

/* Bytes and bits, of layers that see all of the one before. */
static void dense_networks_have_their_results_where_all_effects_are_off(void **state)
{
    static const struct dense dense[] = {
        { "spiking/mlp_fmnist", 3, { 784, 256, 128, 10 }, false, 8 },
        { "spiking/bnn_fmnist", 4, { 784, 512, 512, 512, 10 }, true, 8 },
    };
    static const char *const room[] = { "core.input_memory.kind=registers", "fabric.link_gbps=200",
                                        "fabric.partial_sum_gbps=200", NULL };

    (void)state;
    for (size_t i = 0; i < 2 * N_WHOLE; i++) {
        const struct dense *d = &dense[i % 2];
        const char *set[MOST_SET] = { room[0], room[1], room[2] };
        struct plan_rig r;
        struct blob b;
        if (!blob_open(&b, d->blob))
            skip();
        memcpy(set + 3, off[i / 2], count(off[i / 2]) * sizeof *set);
        rig_config(&r, room);
        trained_network(&r, d, &b);
        blob_close(&b);
        assert_off(&r.network, NULL, set);
        rig_release(&r);
    }
}

/* Weights of one bit in a device, or in two of two columns. */
static void bits_have_their_results_in_cells_of_bits_where_all_effects_are_off(void **state)
{
    static const struct dense dense = { "spiking/bnn_fmnist", 4, { 784, 512, 512, 512, 10 }, true,
                                        8 };
    static const char *const room[] = { "core.input_memory.kind=registers", "fabric.link_gbps=200",
                                        "fabric.partial_sum_gbps=200", NULL };
    static const char *const cell[][MOST_SET] = {
        { OFF, "core.crossbar.cell=pair", "core.crossbar.device=pcm_joshi",
          "core.wires.model=exact", "core.readout.kind=adc", "core.readout.bits=24" },
        { OFF, "core.crossbar.cell=pair", "core.crossbar.device=pcm_joshi",
          "core.readout.kind=adc", "core.readout.bits=24", "core.readout.separate=yes" },
        { OFF, "core.crossbar.cell=reference", "core.crossbar.device=levels",
          "core.crossbar.on_off=10", "core.crossbar.g_max_us=40", "core.wires.model=fast",
          "core.readout.kind=adc", "core.readout.bits=24" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cell / sizeof *cell; i++) {
        const char *set[MOST_SET] = { room[0], room[1], room[2] };
        struct plan_rig r;
        struct blob b;
        if (!blob_open(&b, dense.blob))
            skip();
        memcpy(set + 3, cell[i], count(cell[i]) * sizeof *set);
        rig_config(&r, room);
        trained_network(&r, &dense, &b);
        blob_close(&b);
        assert_off(&r.network, NULL, set);
        rig_release(&r);
    }
}

/* ---- runs ---- */

static void check_run(const struct study *s, const struct run_cfg *cfg)
{
    struct run_result exact;
    struct analog_result r;
    struct err_msg m;

    must(run(&s->plan, cfg, &exact, &m), &m);
    must(analog_run(s, cfg, &exact, &r, &m), &m);
    for (uint32_t i = 0; i < r.n_time * r.n_chip; i++)
        assert_memory_equal(r.predicted + i * r.n_image, exact.predicted,
                            r.n_image * sizeof *r.predicted);
    for (uint32_t i = 0; i < r.n_time * r.n_chip * r.n_layer; i++)
        if (r.figures[i].error > 0 || fabs(r.figures[i].drop) > 1e-12 ||
            r.figures[i].clipped > 0 || r.figures[i].saturated > 0)
            fail_msg("%s, layer %u: error %g, drop %g, clipped %g, %u saturated",
                     s->analog.device->name, i % r.n_layer, r.figures[i].error, r.figures[i].drop,
                     r.figures[i].clipped, (unsigned)r.figures[i].saturated);
    analog_result_release(&r);
    run_result_release(&exact);
}

static void runs_have_their_classes_with_any_jobs_and_kernel_where_all_effects_are_off(void **state)
{
    struct run_cfg cfg = {
        .images = "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz", .n_image = 7,
    };

    (void)state;
    for (uint32_t i = 0; i < N_WHOLE; i++) {
        const char *set[MOST_SET] = { "analog.chips=2", "analog.times_s=[25, 86400]" };
        struct study s;
        struct err_msg m;
        memcpy(set + 2, off[i], count(off[i]) * sizeof *set);
        must(study_load(&s, "configs/resnet32_fmnist.yaml", set, count(set), &m), &m);
        for (cfg.jobs = 1; cfg.jobs <= 5; cfg.jobs += cfg.jobs == 1 ? 1 : 3)
            check_run(&s, &cfg);
        study_release(&s);
    }
    cfg.jobs = 1;
    cfg.n_image = 1;
    cfg.timed_values = true;
    for (uint32_t k = 0; k < N_OFF; k++) {
        const char *set[MOST_SET] = { "analog.chips=1", "analog.times_s=[25]" };
        struct study s;
        struct err_msg m;
        cfg.kernel = k % 2 == 1 && kernel_available(KERNEL_SYSTEMC) ? KERNEL_SYSTEMC
                                                                    : KERNEL_NATIVE;
        memcpy(set + 2, off[k], count(off[k]) * sizeof *set);
        must(study_load(&s, "configs/resnet32_fmnist.yaml", set, count(set), &m), &m);
        check_run(&s, &cfg);
        study_release(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_zoo_has_its_results_where_all_effects_are_off),
        cmocka_unit_test(trained_networks_have_their_results_where_all_effects_are_off),
        cmocka_unit_test(norms_of_sums_have_their_results_where_all_effects_are_off),
        cmocka_unit_test(dense_networks_have_their_results_where_all_effects_are_off),
        cmocka_unit_test(bits_have_their_results_in_cells_of_bits_where_all_effects_are_off),
        cmocka_unit_test(
            runs_have_their_classes_with_any_jobs_and_kernel_where_all_effects_are_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
