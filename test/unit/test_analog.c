/* test/unit/test_analog.c -- analog chips in runs: off is off, both ways that values take give the
 * same, and no figure depends on what is computed beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "arch/analog/layers.h"
#include "arch/chip.h"
#include "core/simd.h"
#include "study/analog.h"
#include "study/calibrate.h"
#include "study/measure.h"
#include "study/recalibrate.h"
#include "test/plan_rig.h"
#include "test/random_study.h"

enum { N_STUDY = 120, MOST_CLASSES = 64 };

static struct analog_spec effects_off(void)
{
    return (struct analog_spec){ .device = &analog_pcm_joshi, .g_max_us = 25, .seed = 1 };
}

static struct analog_spec effects_on(void)
{
    struct analog_spec s = effects_off();

    s.prog_scale = s.read_scale = 1;
    s.drift = s.compensated = true;
    s.stuck_off = 0.01;
    s.reference_s = 25;
    return s;
}

static void must(enum err e, const struct err_msg *m)
{
    if (e)
        fail_msg("%s", m->text);
}

static struct analog_state state_of(const struct random_study *s, const struct analog_spec *spec,
                                    uint64_t number, double t_s)
{
    struct analog_chip chip;
    struct analog_state state;
    struct err_msg m;

    must(analog_chip_init(&chip, &s->plan, spec, number, &m), &m);
    must(analog_state_init(&state, &chip, t_s, &m), &m);
    analog_chip_release(&chip);
    return state;
}

struct classes { // of one image
    int64_t value[MOST_CLASSES];
};

/* Image 0 through a chip, with exact weights or analog ones. */
static struct classes through_chip(const struct random_study *s,
                                   const struct analog_state *const *state, const char *simd,
                                   uint32_t planes, struct classes *other)
{
    const struct chip_cfg cfg = { .plan = &s->plan, .planes.n = planes, .analog = state,
                                  .simd = simd };
    uint32_t n = layer_delivers(network_result(&s->network)).channels;
    int8_t *pixels = malloc((size_t)planes * s->image_bytes);
    struct chip *chip = chip_new(&cfg);
    struct classes c = { { 0 } };
    struct chip_result r;
    struct err_msg m;

    assert_non_null(chip);
    assert_non_null(pixels);
    assert_true(n <= MOST_CLASSES);
    for (uint32_t p = 0; p < planes; p++)
        memcpy(pixels + p * s->image_bytes, s->image, s->image_bytes);
    assert_true(chip_inject(chip, pixels));
    must(chip_run(chip, INT32_MAX, &m), &m);
    assert_true(chip_result(chip, &r));
    memcpy(c.value, r.value, n * sizeof *c.value);
    if (other)
        memcpy(other->value, r.value + n, n * sizeof *c.value);
    chip_free(chip);
    free(pixels);
    return c;
}

static struct classes by_layer(const struct random_study *s, const struct analog_state *state,
                               const char *simd)
{
    struct analog_layers l;
    struct classes c = { { 0 } };

    assert_true(analog_layers_init(&l, state));
    struct values *v = values_new_on(&s->network, simd, l.layer);
    assert_non_null(v);
    struct value_lanes *lanes = value_lanes_new(v);
    assert_non_null(lanes);
    value_lanes_run(lanes, (const uint8_t *)s->image, 1, c.value, NULL);
    value_lanes_free(lanes);
    values_free(v);
    analog_layers_release(&l);
    return c;
}

/* Networks whose result is one pixel: the chip delivers maps as values_lanes_run() does not. */
static bool has_classes(const struct random_study *s)
{
    struct shape r = layer_delivers(network_result(&s->network));

    return r.height == 1 && r.width == 1;
}

#define SAME(a, b, seed)                                                                           \
    do {                                                                                           \
        if (memcmp(&(a), &(b), sizeof(a)) != 0)                                                    \
            fail_msg("seed %u: results differ", seed);                                             \
    } while (0)

static void off_is_off_on_both_ways_with_every_instruction_set(void **state)
{
    struct analog_spec specs[3] = { effects_off(), effects_off(), effects_off() };
    uint32_t n_layered = 0;

    (void)state;
    specs[1].device = &analog_levels;
    specs[1].g_min_us = 2.5;
    specs[2].compensated = true; // of what has not changed
    specs[2].reference_s = 25;
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct random_study s;
        random_study_make(&s, seed);
        if (has_classes(&s)) {
            struct classes want = through_chip(&s, NULL, NULL, 1, NULL);
            struct analog_state off = state_of(&s, &specs[seed % 3], seed, 86400);
            const struct analog_state *one = &off;
            for (const char *const *name = simd_names(); *name; name++) {
                struct classes got = through_chip(&s, &one, *name, 1, NULL);
                SAME(got, want, seed);
                if (!analog_by_layer(&s.plan))
                    continue;
                got = by_layer(&s, &off, *name);
                SAME(got, want, seed);
                n_layered++;
            }
            analog_state_release(&off);
        }
        random_study_release(&s);
    }
    assert_true(n_layered >= 15);
}

static void devices_act_alike_on_both_ways_with_every_instruction_set(void **state)
{
    struct analog_spec spec = effects_on();
    uint32_t n_layered = 0, n_other = 0;

    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct random_study s;
        random_study_make(&s, seed);
        if (has_classes(&s)) {
            struct classes exact = through_chip(&s, NULL, NULL, 1, NULL), want, second;
            struct analog_state day = state_of(&s, &spec, seed, 86400);
            struct analog_state year = state_of(&s, &spec, 1, 31536000);
            const struct analog_state *both[] = { &day, &year };
            want = through_chip(&s, both, "portable", 1, NULL);
            n_other += memcmp(&want, &exact, sizeof want) != 0;
            for (const char *const *name = simd_names(); *name; name++) {
                struct classes got = through_chip(&s, both, *name, 2, &second);
                SAME(got, want, seed);
                if (!analog_by_layer(&s.plan))
                    continue;
                got = by_layer(&s, &day, *name);
                SAME(got, want, seed);
                got = by_layer(&s, &year, *name);
                assert_memory_equal(got.value, second.value,
                                    layer_delivers(network_result(&s.network)).channels *
                                        sizeof *got.value);
                n_layered++;
            }
            analog_state_release(&day);
            analog_state_release(&year);
        }
        random_study_release(&s);
    }
    assert_true(n_layered >= 15 && n_other >= 20);
}

/* ---- converters ---- */

/* Puts converters behind the arrays of a plan, whatever else its machine has. */
static void convert(struct random_study *s, const char *const *more)
{
    const char *set[8] = { "core.readout.kind=adc", "core.crossbar.rows=1024" };
    const struct array_load load = { .value_bits = 8, .weight_bits = 8 };
    struct array_spec spec;
    struct config c;
    struct err_msg m;
    size_t n = 2;

    for (; *more; more++)
        set[n++] = *more;
    must(config_load(&c, NULL, set, n, &m), &m);
    must(array_spec_of(&spec, &c, &load, &m), &m);
    for (uint32_t i = 0; i < s->plan.n_layer; i++)
        s->plan.layer[i].array = spec;
    config_release(&c);
}

/* Both ways with every instruction set. Returns whether there was a layered one. */
static bool check_ways(const struct random_study *s, const struct analog_state *state,
                       const struct classes *want)
{
    for (const char *const *name = simd_names(); *name; name++) {
        struct classes got = through_chip(s, &state, *name, 1, NULL);
        SAME(got, *want, s->seed);
        if (!analog_by_layer(&s->plan))
            continue;
        got = by_layer(s, state, *name);
        SAME(got, *want, s->seed);
    }
    return analog_by_layer(&s->plan);
}

static uint64_t clipped_of(const struct analog_state *state)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < state->plan->n_core; i++)
        if (state->core[i].readout.clipped)
            n += analog_readout_take_clipped(&state->core[i].readout);
    return n;
}

/* A range that is a multiple of the codes, of either sign or none, has the same step in weights and
 * in 1/128 of one. */
static void converters_without_errors_are_those_of_arrays_without_devices(void **state)
{
    static const char *const one[] = { "core.readout.bits=6", "core.readout.range=3200", NULL };
    static const char *const two[] = { "core.readout.bits=6", "core.readout.range=6048",
                                       "core.readout.separate=yes", NULL };
    static const char *const fine[] = { "core.readout.bits=24", "core.readout.range=8388608",
                                        NULL };
    struct analog_spec spec = effects_off();
    uint32_t n_layered = 0, n_clipped = 0;

    (void)state;
    spec.converted = true;
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct random_study s;
        random_study_make(&s, seed);
        if (has_classes(&s)) {
            convert(&s, seed % 3 == 0 ? one : seed % 3 == 1 ? two : fine);
            spec.apart = seed % 3 == 1;
            struct classes want = through_chip(&s, NULL, NULL, 1, NULL);
            struct analog_state off = state_of(&s, &spec, seed, 86400);
            n_layered += check_ways(&s, &off, &want);
            n_clipped += clipped_of(&off) > 0;
            analog_state_release(&off);
        }
        random_study_release(&s);
    }
    assert_true(n_layered >= 8 && n_clipped >= 8);
}

/* A step of at most 1/128 of a weight, over all rows, joined or apart: as without converters. */
static void converters_of_enough_bits_are_exact(void **state)
{
    static const char *const full[] = { NULL };
    static const char *const apart[] = { "core.readout.separate=yes", NULL };
    struct analog_spec spec = effects_off();
    uint32_t n_layered = 0;

    (void)state;
    spec.converted = true;
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct random_study s;
        random_study_make(&s, seed);
        if (has_classes(&s)) {
            struct classes want = through_chip(&s, NULL, NULL, 1, NULL);
            convert(&s, seed % 2 ? full : apart);
            for (uint32_t i = 0; i < s.plan.n_layer; i++)
                s.plan.layer[i].array.adc_bits = 30;
            spec.apart = seed % 2 == 0;
            struct analog_state off = state_of(&s, &spec, seed, 86400);
            n_layered += check_ways(&s, &off, &want);
            assert_int_equal(clipped_of(&off), 0);
            analog_state_release(&off);
        }
        random_study_release(&s);
    }
    assert_true(n_layered >= 8);
}

static void converters_that_err_act_alike_on_both_ways_with_every_instruction_set(void **state)
{
    static const char *const one[] = { "core.readout.bits=8", "core.readout.range=20000", NULL };
    static const char *const two[] = { "core.readout.bits=8", "core.readout.range=20000",
                                       "core.readout.separate=yes", NULL };
    struct analog_spec spec = effects_on();
    uint32_t n_layered = 0, n_other = 0;

    (void)state;
    spec.converted = true;
    spec.adc_gain_sd = 0.1;
    spec.adc_offset_sd = 2;
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct random_study s;
        random_study_make(&s, seed);
        if (has_classes(&s)) {
            convert(&s, seed % 2 ? one : two);
            spec.apart = seed % 2 == 0;
            spec.column_by_column = seed % 3 == 0;
            spec.through_adc = seed % 5 == 0;
            spec.adc_noise = 0;
            struct analog_state quiet = state_of(&s, &spec, seed, 86400);
            const struct analog_state *only = &quiet;
            struct classes before = through_chip(&s, &only, NULL, 1, NULL);
            spec.adc_noise = 3;
            struct analog_state day = state_of(&s, &spec, seed, 86400);
            only = &day;
            clipped_of(&day);
            struct classes want = through_chip(&s, &only, "portable", 1, NULL);
            uint64_t clipped = clipped_of(&day);
            n_layered += check_ways(&s, &day, &want);
            assert_int_equal(clipped_of(&day) % (clipped ? clipped : 1), 0); // each way the same
            n_other += memcmp(&before, &want, sizeof want) != 0;
            analog_state_release(&quiet);
            analog_state_release(&day);
        }
        random_study_release(&s);
    }
    assert_true(n_layered >= 10 && n_other >= 15);
}

/* ---- runs ---- */

#define MACHINE "configs/resnet32_fmnist.yaml"
#define IMAGES  "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"
enum { N_IMAGE = 5, N_CHIP = 3, N_TIME = 2 };

static void study_with(struct study *s, const char *const *more)
{
    const char *set[16] = { "core.crossbar.device=pcm_joshi", "analog.read_noise=frozen" };
    size_t n = 2;
    struct err_msg m;

    for (; *more; more++)
        set[n++] = *more;
    must(study_load(s, MACHINE, set, n, &m), &m);
}

struct ran {
    struct run_result    exact;
    struct analog_result analog;
};

static struct ran run_chips(const struct study *s, uint32_t jobs, bool timed)
{
    const struct run_cfg cfg = { .images = IMAGES, .n_image = N_IMAGE, .jobs = jobs,
                                 .timed_values = timed };
    struct ran r;
    struct err_msg m;

    must(run(&s->plan, &cfg, &r.exact, &m), &m);
    must(analog_run(s, &cfg, &r.exact, &r.analog, &m), &m);
    return r;
}

static void ran_release(struct ran *r)
{
    run_result_release(&r->exact);
    analog_result_release(&r->analog);
}

static void check_cuts(const char *const *errors)
{
    const char *const all[] = { "analog.chips=3", "analog.times_s=[25, 86400]", errors[0],
                                errors[1], errors[2], errors[3], NULL };
    const char *const some[] = { "analog.chips=2", "analog.times_s=[1, 86400, 7]", errors[0],
                                 errors[1], errors[2], errors[3], NULL };
    struct study s;

    study_with(&s, all);
    struct ran whole = run_chips(&s, 1, false);
    for (uint32_t jobs = 2; jobs <= 5; jobs += 3) {
        struct ran r = run_chips(&s, jobs, false);
        assert_memory_equal(r.analog.predicted, whole.analog.predicted,
                            N_IMAGE * N_CHIP * N_TIME * sizeof *r.analog.predicted);
        ran_release(&r);
    }
    struct ran timed = run_chips(&s, 2, true);
    assert_memory_equal(timed.analog.predicted, whole.analog.predicted,
                        N_IMAGE * N_CHIP * N_TIME * sizeof *timed.analog.predicted);
    ran_release(&timed);
    study_release(&s);
    study_with(&s, some);
    struct ran r = run_chips(&s, 1, false);
    assert_memory_equal(r.analog.predicted + 1 * 2 * N_IMAGE, whole.analog.predicted +
                        1 * N_CHIP * N_IMAGE, 2 * N_IMAGE * sizeof *r.analog.predicted);
    ran_release(&r);
    ran_release(&whole);
    study_release(&s);
}

static void classes_do_not_depend_on_jobs_other_chips_times_or_the_way_of_values(void **state)
{
    static const char *const none[4] = { NULL };
    static const char *const converters[4] = { "core.readout.kind=adc", "core.readout.range=60000",
                                               "analog.adc_noise_lsb=1",
                                               "analog.adc_gain_sd=0.02" };

    (void)state;
    check_cuts(none);
    check_cuts(converters);
}

static void with_effects_off_every_chip_has_the_exact_classes_and_the_same_time(void **state)
{
    static const char *const off[] = { "analog.programming=off", "analog.drift=off",
                                       "analog.read_noise=off", "analog.chips=2",
                                       "core.crossbar.levels=128", NULL };
    const struct run_cfg cfg = { .images = IMAGES, .n_image = N_IMAGE, .jobs = 1 };
    struct study s, plain;
    struct run_result ideal;
    struct err_msg m;

    (void)state;
    study_with(&s, off);
    assert_int_equal(s.config.notes.n, 0); // no key is said to have no effect
    struct ran r = run_chips(&s, 1, false);
    for (uint32_t i = 0; i < r.analog.n_time * r.analog.n_chip; i++)
        assert_memory_equal(r.analog.predicted + i * N_IMAGE, r.exact.predicted,
                            N_IMAGE * sizeof *r.exact.predicted);
    must(study_load(&plain, MACHINE, NULL, 0, &m), &m);
    must(run(&plain.plan, &cfg, &ideal, &m), &m);
    assert_int_equal(r.exact.total_timesteps, ideal.total_timesteps);
    assert_memory_equal(r.exact.core, ideal.core, plain.plan.n_core * sizeof *ideal.core);
    run_result_release(&ideal);
    ran_release(&r);
    study_release(&plain);
    study_release(&s);
}

/* ---- recalibration ---- */

enum { N_CALIBRATION = 20 };

/* The network's scales after a chip without noise was recalibrated, of whose cores one is read with
 * another scale than it should. */
static struct network recalibrated(const struct study *s, uint32_t core, uint32_t k)
{
    const struct shape *in = &s->network.layer[0].out;
    size_t bytes = (size_t)in->height * in->width * in->channels;
    uint8_t *image = malloc(N_CALIBRATION * bytes);
    struct analog_spec off = effects_off();
    struct analog_chip chip;
    struct analog_state state;
    struct analog_layers layers;
    struct recalibration r;
    struct network own;
    struct err_msg m;

    assert_non_null(image);
    for (size_t i = 0; i < N_CALIBRATION * bytes; i++)
        image[i] = (uint8_t)(i * i % 251 - 128 + i / bytes);
    must(analog_chip_init(&chip, &s->plan, &off, 0, &m), &m);
    must(analog_state_init(&state, &chip, 1, &m), &m);
    state.core[core].readout.k = k;
    assert_true(analog_layers_init(&layers, &state));
    assert_true(recalibration_init(&r, &s->plan, image, N_CALIBRATION, bytes, NULL));
    assert_true(own_scales(&own, &s->network));
    assert_true(recalibrate(&r, &own, layers.layer));
    recalibration_release(&r);
    analog_layers_release(&layers);
    analog_state_release(&state);
    analog_chip_release(&chip);
    free(image);
    return own;
}

static double scale_of(const struct network *n, uint32_t layer, uint32_t o)
{
    return ldexp(n->layer[layer].requant.m[o], -n->layer[layer].requant.shift[o]);
}

static void a_chip_without_noise_keeps_its_scales(void **state)
{
    static const char *const none[] = { NULL };
    struct study s;

    (void)state;
    study_with(&s, none);
    struct network own = recalibrated(&s, 0, 1 << 30);
    for (uint32_t i = 1; i < own.n_layer; i++) {
        const struct requant *q = &own.layer[i].requant, *was = &s.network.layer[i].requant;
        uint32_t n = own.layer[i].out.channels;
        assert_memory_equal(q->b, was->b, n * sizeof *q->b);
        if (!own.layer[i].raw_output)
            assert_memory_equal(q->m, was->m, n * sizeof *q->m);
    }
    own_scales_release(&own);
    study_release(&s);
}

static void check_ratio(double ratio, double want, double tolerance, uint32_t output)
{
    if (!(fabs(ratio / want - 1) <= tolerance))
        fail_msg("output %u: %g", output, ratio);
}

/* A core that gives a quarter: four times the scale, with a digit less behind the point, as 16 bits
 * have no room for it; what is added to its sums keeps its own. */
static void a_core_that_gives_a_quarter_is_scaled_by_four(void **state)
{
    static const char *const none[] = { NULL };
    struct study s;
    uint32_t n_halved = 0;

    (void)state;
    study_with(&s, none);
    for (uint32_t core = 3; core < 7; core++) { // two of them add a residual
        const uint32_t layer = s.plan.layer[s.plan.core[core].plan_layer].layer;
        const struct requant *was = &s.network.layer[layer].requant;
        struct network own = recalibrated(&s, core, 1 << 28);
        const struct requant *q = &own.layer[layer].requant;
        for (uint32_t o = 0; o < own.layer[layer].out.channels; o++) {
            check_ratio(scale_of(&own, layer, o) / scale_of(&s.network, layer, o), 4, 0.01, o);
            if (!q->mr)
                continue;
            check_ratio(ldexp((double)q->mr[o] / (double)was->mr[o], was->shift[o] - q->shift[o]),
                        1, 1 / (double)q->mr[o], o);
            n_halved += q->shift[o] < was->shift[o];
        }
        own_scales_release(&own);
    }
    assert_int_equal(n_halved, 2 * 16);
    study_release(&s);
}

/* ---- both runs of a command ---- */

/* What a run with calibrated converters and one on chips give, one after the other. */
static void calibrated_converters_are_those_of_exact_and_analog_runs(void **state)
{
    static const char *const set[] = {
        "core.readout.kind=adc", "core.readout.range=percentile", "core.readout.percentile=99.0",
        "calibration.images=" IMAGES, "calibration.first=100", "calibration.count=2",
        "analog.chips=2", "analog.times_s=[3600]", NULL,
    };
    struct run_cfg cfg = { .images = IMAGES, .n_image = N_IMAGE, .jobs = 1 };
    struct study s;
    struct ranges ranges;
    struct measured both;
    struct err_msg m;

    (void)state;
    study_with(&s, set);
    must(measured_run(&both, &s, &cfg, &m), &m);
    must(calibrate(&ranges, &s.plan, &cfg, &m), &m);
    cfg.ranges = &ranges;
    struct run_result exact;
    struct analog_result chips;
    must(run(&s.plan, &cfg, &exact, &m), &m);
    must(analog_run(&s, &cfg, &exact, &chips, &m), &m);
    assert_memory_equal(both.run.predicted, exact.predicted, N_IMAGE * sizeof *exact.predicted);
    assert_memory_equal(both.analog.predicted, chips.predicted,
                        2 * N_IMAGE * sizeof *chips.predicted);
    assert_memory_equal(both.analog.figures, chips.figures,
                        2 * chips.n_layer * sizeof *chips.figures);
    assert_true(chips.figures[0].clipped > 0.001);
    analog_result_release(&chips);
    run_result_release(&exact);
    measured_release(&both);
    ranges_release(&ranges);
    study_release(&s);
}

/* ---- refusals ---- */

static void weights_beyond_the_largest_conductance_are_refused(void **state)
{
    static const char *const set[] = { "core.crossbar.w_max=100", NULL };
    struct study s;
    struct analog_chip chip;
    struct err_msg m;

    (void)state;
    study_with(&s, set);
    assert_int_equal(analog_chip_init(&chip, &s.plan, &s.analog, 0, &m), ERR_INPUT);
    assert_string_equal(m.text, "--set core.crossbar.w_max: core.crossbar.w_max = 100: layer L1 "
                        "has a weight of 127, more than a device keeps: want core.crossbar.w_max "
                        "= layer");
    study_release(&s);
}

/* 600 x 127 x 128 x 255 is beyond 31 bits, 500 of them are not: known before any device is made. */
static void sums_that_pass_31_bits_are_refused_with_the_plan(void **state)
{
    static const char *const set[] = { "core.crossbar.rows=1024", "fabric.link_gbps=1000",
                                       "core.input_memory.kind=registers", NULL };
    const struct analog_spec off = effects_off();

    (void)state;
    for (uint32_t rows = 500; rows <= 600; rows += 100) {
        struct plan_rig r;
        struct err_msg m;
        rig_config(&r, set);
        rig_image(&r, 1, 1, rows);
        r.network.layer[0].out_signed = false;
        r.network.has_values = true;
        struct layer *l = rig_conv(&r, 0, 4, 1, 1);
        l->weight = malloc(4 * rows);
        memset(l->weight, 127, 4 * rows);
        l->requant.b = calloc(4, sizeof *l->requant.b);
        l->raw_output = true;
        if (rig_plan(&r))
            fail_msg("%s", r.msg.text);
        assert_int_equal(analog_chip_check(&r.plan, &off, &m), rows == 500 ? ERR_NONE : ERR_INPUT);
        if (rows == 600)
            assert_non_null(strstr(m.text, "core.crossbar.rows = 1024: sums of core layer1, of 600 "
                                   "rows in 1/128 of a weight, may pass 31 bits: want "
                                   "core.crossbar.rows = 256"));
        rig_release(&r);
    }
}

static void assert_calibration_refused(const char *first, const char *count, const char *want)
{
    const char *const set[] = { first, count, "analog.chips=1", "analog.times_s=[25]", NULL };
    const struct run_cfg cfg = { .images = IMAGES, .n_image = N_IMAGE, .jobs = 1 };
    struct study s;
    struct run_result exact;
    struct analog_result r;
    struct err_msg m;

    study_with(&s, set);
    must(run(&s.plan, &cfg, &exact, &m), &m);
    assert_int_equal(analog_run(&s, &cfg, &exact, &r, &m), ERR_INPUT);
    assert_string_equal(m.text, want);
    run_result_release(&exact);
    study_release(&s);
}

static void images_to_calibrate_with_are_none_of_the_run(void **state)
{
    (void)state;
    assert_calibration_refused("calibration.first=3", "analog.batchnorm_images=2",
                               "--set calibration.first: calibration.first: its image 3 is image 3 "
                               "of " IMAGES " too, which are run: want calibration.first, or a "
                               "set, of others");
    assert_calibration_refused("calibration.first=9999", "analog.batchnorm_images=2",
                               "--set calibration.first: calibration.first: images " IMAGES
                               ": has 10000 images, 10001 are wanted: want fewer, or others");
}

static void runs_without_images_or_labels_are_refused(void **state)
{
    static const char *const none[] = { NULL };
    struct study s;
    const struct run_cfg timing = { .jobs = 1 }, inputs = { .inputs = "x.npy", .jobs = 1 };
    struct run_cfg unlabelled = { .images = "random", .n_image = 2, .jobs = 1 };
    struct run_result exact;
    struct analog_result r;
    struct err_msg m;

    (void)state;
    study_with(&s, none);
    assert_int_equal(analog_check(&s, &timing, &m), ERR_INPUT);
    assert_string_equal(m.text, "--set core.crossbar.device: core.crossbar.device = pcm_joshi: a "
                        "run without images has no weights that a device could keep: want "
                        "--images SET, or core.crossbar.device = ideal");
    assert_int_equal(analog_check(&s, &inputs, &m), ERR_INPUT);
    assert_string_equal(m.text, "--set core.crossbar.device: core.crossbar.device = pcm_joshi: "
                        "--inputs have no labels: want --images SET");
    must(analog_check(&s, &unlabelled, &m), &m);
    must(run(&s.plan, &unlabelled, &exact, &m), &m);
    assert_int_equal(analog_run(&s, &unlabelled, &exact, &r, &m), ERR_INPUT);
    assert_string_equal(m.text, "images random: have no labels, which the accuracy of analog chips "
                        "takes: want --labels FILE, or core.crossbar.device = ideal");
    run_result_release(&exact);
    study_release(&s);
}

/* ---- figures ---- */

static void check_within(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%.9g is not within %g of %.9g", got, tolerance, want);
}

/* Of any table of Student's distribution. */
static void students_t_is_that_of_the_tables(void **state)
{
    static const struct {
        uint32_t n;
        double   t;
    } table[] = { { 1, 12.706 }, { 2, 4.303 }, { 3, 3.182 }, { 4, 2.776 }, { 9, 2.262 },
                  { 10, 2.228 }, { 29, 2.045 }, { 30, 2.042 }, { 120, 1.980 }, { 100000, 1.960 } };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        check_within(student_95(table[i].n), table[i].t, 6e-4);
}

/* Four images, three chips: 2, 3 and 1 right, exactly 3. */
static void accuracy_is_counted_over_chips(void **state)
{
    uint32_t label[] = { 0, 1, 2, 3 }, exact_class[] = { 0, 1, 2, 0 };
    uint32_t class[] = { 0, 1, 0, 0,  0, 1, 0, 3,  5, 5, 5, 3 };
    const struct run_result exact = { .n_image = 4, .n_correct = 3, .label = label,
                                      .predicted = exact_class };
    const struct analog_result r = { .n_time = 1, .n_chip = 3, .n_image = 4, .predicted = class };
    struct analog_accuracy a = analog_accuracy(&r, &exact, 0);
    double half = 4.302653 * 0.25 / sqrt(3);

    (void)state;
    assert_true(analog_top1(&r, &exact, 0, 1) == 0.75);
    check_within(a.mean, 0.5, 1e-12);
    check_within(a.sd, 0.25, 1e-12);
    check_within(a.low, 0.5 - half, 1e-6);
    check_within(a.high, 0.5 + half, 1e-6);
    check_within(a.to_right, 2. / 3, 1e-12);
    check_within(a.to_wrong, 5. / 3, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(off_is_off_on_both_ways_with_every_instruction_set),
        cmocka_unit_test(devices_act_alike_on_both_ways_with_every_instruction_set),
        cmocka_unit_test(converters_without_errors_are_those_of_arrays_without_devices),
        cmocka_unit_test(converters_of_enough_bits_are_exact),
        cmocka_unit_test(converters_that_err_act_alike_on_both_ways_with_every_instruction_set),
        cmocka_unit_test(classes_do_not_depend_on_jobs_other_chips_times_or_the_way_of_values),
        cmocka_unit_test(with_effects_off_every_chip_has_the_exact_classes_and_the_same_time),
        cmocka_unit_test(a_chip_without_noise_keeps_its_scales),
        cmocka_unit_test(a_core_that_gives_a_quarter_is_scaled_by_four),
        cmocka_unit_test(calibrated_converters_are_those_of_exact_and_analog_runs),
        cmocka_unit_test(sums_that_pass_31_bits_are_refused_with_the_plan),
        cmocka_unit_test(images_to_calibrate_with_are_none_of_the_run),
        cmocka_unit_test(weights_beyond_the_largest_conductance_are_refused),
        cmocka_unit_test(runs_without_images_or_labels_are_refused),
        cmocka_unit_test(students_t_is_that_of_the_tables),
        cmocka_unit_test(accuracy_is_counted_over_chips),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
