/* test/unit/test_naive_analog.c -- analog chips against a slow program that computes them device by
 * device (test/naive_analog.h): every sum of every layer, of random networks and effects, and a
 * whole run of ResNet-32. */
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
#include "study/analog.h"
#include "study/recalibrate.h"
#include "test/naive_analog.h"
#include "test/random_study.h"

enum { N_STUDY = 300, MOST_LAYERS = 64 };

static void must(enum err e, const struct err_msg *m)
{
    if (e)
        fail_msg("%s", m->text);
}

/* Every effect in some studies, and none in all. */
static struct naive_effects effects_of(unsigned study)
{
    const unsigned seed = study * 2654435761u >> 8;
    static const double times[] = { 1, 100, 3600, 86400, 31536000 };
    struct naive_effects e = {
        .seed = 7 * seed, .chip = seed % 4, .t_s = times[seed % 5], .reference_s = 25,
        .hermes = seed % 2, .programming = seed % 7 != 0, .drift = seed % 6 != 0,
        .read = seed % 3 != 0, .stuck_off = seed % 4 == 0 ? .02 : 0,
        .stuck_on = seed % 8 == 0 ? .01 : 0, .bits = seed % 5 == 0 ? 0 : 4 + seed % 7,
    };

    if (e.drift) {
        e.by_core = seed % 5 < 2;
        e.by_column = seed % 5 == 3;
    }
    if (e.bits > 0) {
        e.range = 3000 + 1000 * (seed % 11);
        e.apart = seed % 3 == 1;
        e.gain_sd = seed % 4 == 1 ? 0 : .05;
        e.offset_sd = seed % 4 == 2 ? 0 : 1.5;
        e.noise = seed % 4 == 3 ? 0 : .7;
        e.through_adc = (e.by_core || e.by_column) && seed % 2 == 1;
    }
    return e;
}

static struct analog_spec spec_of(const struct naive_effects *e)
{
    return (struct analog_spec){
        .device = e->hermes ? &analog_pcm_hermes : &analog_pcm_joshi,
        .g_max_us = e->hermes ? 20.7 : 25, .w_max = 127, .seed = e->seed,
        .prog_scale = e->programming, .drift = e->drift, .read_scale = e->read,
        .stuck_off = e->stuck_off, .stuck_on = e->stuck_on,
        .compensated = e->by_core || e->by_column, .column_by_column = e->by_column,
        .through_adc = e->through_adc, .reference_s = e->reference_s,
        .converted = e->bits > 0, .apart = e->apart, .adc_gain_sd = e->gain_sd,
        .adc_offset_sd = e->offset_sd, .adc_noise = e->noise,
        .cut = e->cell_bits > 0, .alone = e->offset, .read_each = e->per_mvm,
        .gated = e->column_ohm + e->sense_ohm > 0,
        .wires = { .model = e->column_ohm + e->sense_ohm > 0 ? &wires_exact : &wires_off,
                   .r_column_ohm = e->column_ohm, .r_sense_ohm = e->sense_ohm },
    };
}

/* Weights of -128 become -127, which a device keeps. Scales beside a residual's are at their
 * largest, so that some chips leave 16 bits. */
static void cut_weights(struct network *n)
{
    for (uint32_t i = 1; i < n->n_layer; i++) {
        for (uint32_t o = 0; n->layer[i].requant.mr && o < n->layer[i].out.channels; o++)
            n->layer[i].requant.m[o] = UINT16_MAX;
        for (size_t k = 0; n->layer[i].weight &&
                           k < (size_t)n->layer[i].out.channels * layer_kernel_rows(&n->layer[i]);
             k++)
            if (n->layer[i].weight[k] == INT8_MIN)
                n->layer[i].weight[k] = -INT8_MAX;
    }
}

static void convert(struct plan *p, const struct naive_effects *e)
{
    for (uint32_t i = 0; i < p->n_layer; i++) {
        struct array_spec *s = &p->layer[i].array;
        struct err_msg m;
        s->adc_bits = e->bits;
        s->range = e->range;
        s->weights.separate = e->apart;
        s->cell = e->twos ? &cell_sram : e->cell_bits > 0 ? &cell_sliced : s->cell;
        s->weights.cell_bits = e->cell_bits;
        s->weights.scheme = e->offset ? CELL_OFFSET : CELL_SIGNED;
        s->reads.input_slice_bits = e->slice_bits > 0 ? e->slice_bits : 16;
        s->reads.rows_at_once = e->rows_at_once;
        must(cell_layout(s->cell, &s->weights, &s->layout, &m), &m);
    }
}

struct cursor { // of what the run gives beside what the twin has
    const struct reference *want;
    unsigned seed;
    uint32_t column[MOST_LAYERS]; // of the next sums from the first output on
    uint64_t n;
};

static void compare_sums(void *user, uint32_t layer, uint32_t first, uint32_t outputs, uint32_t n,
                         const int32_t *sum, uint32_t n_lane)
{
    struct cursor *c = user;
    const struct layer *l = &c->want->network->layer[layer];

    assert_int_equal(n_lane, 1);
    assert_int_equal(n, l->out.height);
    for (uint32_t x = 0; x < n; x++)
        for (uint32_t o = 0; o < outputs; o++, sum += VALUE_LANES) {
            if (first + o >= l->out.channels)
                continue;
            int64_t want = reference_sum(c->want, layer, x, c->column[layer], first + o);
            if (*sum != want)
                fail_msg("seed %u, layer %s (%u, %u), output %u: %d, want %d", c->seed, l->name, x,
                         c->column[layer], first + o, *sum, (int)want);
            c->n++;
        }
    c->column[layer] += first + outputs >= l->out.channels;
}

static struct analog_state state_of(const struct plan *p, const struct analog_spec *spec,
                                    const struct naive_effects *e)
{
    struct analog_chip chip;
    struct analog_state state;
    struct err_msg m;

    must(analog_chip_init(&chip, p, spec, e->chip, &m), &m);
    must(analog_state_init(&state, &chip, e->t_s, &m), &m);
    analog_chip_release(&chip);
    return state;
}

/* Two images, one after the other. Returns how many sums were compared. */
static uint64_t check_study(const struct random_study *s, const struct naive_effects *e)
{
    const struct analog_spec spec = spec_of(e);
    struct analog_state state = state_of(&s->plan, &spec, e);
    struct analog_layers layers;
    struct naive_chip twin;
    struct cursor c = { .seed = s->seed };
    int64_t *result = calloc(VALUE_LANES, 4096 * sizeof *result);

    assert_non_null(result);
    assert_true(analog_layers_init(&layers, &state));
    struct values *v = values_new_on(&s->network, NULL, layers.layer);
    struct value_lanes *lanes = value_lanes_new(v);
    assert_non_null(lanes);
    naive_chip_init(&twin, &s->plan, e);
    c.want = &twin.digital;
    for (uint32_t i = 0; i < 2; i++) {
        const struct value_watch watch = { .sums = compare_sums, .user = &c };
        naive_chip_run(&twin, s->image + i * s->image_bytes);
        memset(c.column, 0, sizeof c.column);
        value_lanes_number(lanes, i);
        value_lanes_run(lanes, (const uint8_t *)s->image + i * s->image_bytes, 1, result, &watch);
    }
    for (uint32_t i = 0; i < s->plan.n_core; i++)
        if (state.core[i].matrix.a)
            assert_int_equal(analog_readout_take_clipped(&state.core[i].readout),
                             twin.core[i].clipped);
    naive_chip_release(&twin);
    value_lanes_free(lanes);
    values_free(v);
    analog_layers_release(&layers);
    analog_state_release(&state);
    free(result);
    return c.n;
}

static void make_study(struct random_study *s, unsigned seed)
{
    if (seed % 2)
        random_study_make(s, seed);
    else
        random_flat_study_make(s, seed, seed % 4 == 0);
}

static void every_sum_is_that_of_the_naive_twin(void **state)
{
    uint32_t n_study = 0, n_parts = 0;
    uint64_t n = 0;

    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        const struct naive_effects e = effects_of(seed);
        struct random_study s;
        make_study(&s, seed);
        assert_true(s.network.n_layer <= MOST_LAYERS);
        if (analog_by_layer(&s.plan)) {
            cut_weights(&s.network);
            convert(&s.plan, &e);
            n += check_study(&s, &e);
            n_study++;
            for (uint32_t i = 0; i < s.plan.n_layer; i++)
                n_parts += s.plan.layer[i].parts > 1;
        }
        random_study_release(&s);
    }
    print_message("%u networks, %u layers in parts, %u sums\n", n_study, n_parts, (unsigned)n);
    assert_true(n_study >= 12 && n_parts >= 5 && n > 10000);
}

/* ---- reads ---- */

/* Weights in digits, inputs in slices, some rows at a time, noise of every read, gates. */
static struct naive_effects reads_of_study(unsigned study)
{
    const unsigned seed = study * 2246822519u >> 7;
    struct naive_effects e = effects_of(study);

    e.through_adc = e.apart = false;
    e.cell_bits = seed % 3 == 0 ? 0 : 1 + seed / 3 % 4;
    e.offset = e.cell_bits > 0 && seed / 12 % 2 == 0;
    e.twos = e.offset && e.cell_bits == 1;
    e.slice_bits = seed / 24 % 3 == 0 ? 0 : 1 + seed / 72 % 3;
    e.rows_at_once = seed % 5 < 2 ? 0 : 3 + seed % 13;
    e.per_mvm = seed % 4 == 1;
    if (seed % 6 == 0) {
        e.column_ohm = 40 + seed % 50;
        e.sense_ohm = 300;
        e.cell_bits = seed % 4 == 0 ? 0 : e.cell_bits;
        e.offset = e.offset && e.cell_bits > 0;
        e.twos = e.offset && e.twos;
    }
    e.apart = e.bits > 0 && e.cell_bits == 0 && seed % 8 == 0;
    e.range = e.bits > 0 ? 1 + e.range / (1 << e.cell_bits) : 0;
    return e;
}

/* Two images through a chip. Returns how many codes were clipped. */
static uint64_t check_chip(const struct random_study *s, const struct naive_effects *e)
{
    const struct analog_spec spec = spec_of(e);
    struct analog_state state = state_of(&s->plan, &spec, e);
    const struct analog_state *states = &state;
    const struct chip_cfg cfg = { .plan = &s->plan, .planes.n = 1, .analog = &states };
    uint32_t n = layer_delivers(network_result(&s->network)).channels;
    uint32_t last = s->network.n_layer - 1;
    struct chip *chip = chip_new(&cfg);
    struct naive_chip twin;
    struct chip_result r;
    uint64_t clipped = 0;
    int64_t t = 0;
    struct err_msg m;

    assert_non_null(chip);
    naive_chip_init(&twin, &s->plan, e);
    for (uint32_t i = 0, injected = 0; i < 2; i++) {
        naive_chip_run(&twin, s->image + i * s->image_bytes);
        for (; !chip_result(chip, &r); t++) {
            while (injected < 2 && chip_inject(chip, s->image + injected * s->image_bytes))
                injected++;
            must(chip_run(chip, t, &m), &m);
        }
        for (uint32_t o = 0; o < n; o++)
            if (r.value[o] != reference_delivered(&twin.digital, last, 0, 0, o))
                fail_msg("seed %u, image %u, output %u: %d, want %d", s->seed, i, o,
                         (int)r.value[o],
                         (int)reference_delivered(&twin.digital, last, 0, 0, o));
    }
    for (uint32_t i = 0; i < s->plan.n_core; i++)
        if (state.core[i].matrix.a) {
            assert_int_equal(analog_readout_take_clipped(&state.core[i].readout),
                             twin.core[i].clipped);
            clipped += twin.core[i].clipped;
        }
    chip_free(chip);
    naive_chip_release(&twin);
    analog_state_release(&state);
    return clipped;
}

static void products_of_reads_are_those_of_the_naive_twin(void **state)
{
    uint32_t n_gated = 0, n_cut = 0, n_offset = 0, n_each = 0, n_some = 0, n_clipped = 0,
             n_twos = 0;

    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        const struct naive_effects e = reads_of_study(seed);
        bool gated = e.column_ohm > 0;
        struct random_study s;
        make_study(&s, seed);
        struct shape r = layer_delivers(network_result(&s.network));
        if (analog_by_layer(&s.plan) && r.height * r.width == 1 &&
            network_macs(&s.network) < (gated ? 8000u : 60000u)) {
            cut_weights(&s.network);
            convert(&s.plan, &e);
            n_clipped += check_chip(&s, &e) > 0;
            n_gated += gated;
            n_cut += e.cell_bits > 0;
            n_offset += e.offset;
            n_twos += e.twos;
            n_each += e.per_mvm && e.read;
            n_some += e.rows_at_once > 0;
        }
        random_study_release(&s);
    }
    print_message("%u with gates, %u in digits, %u with an offset, %u with noise of each read, %u "
                  "of some rows, %u clip, %u in bits\n", n_gated, n_cut, n_offset, n_each, n_some,
                  n_clipped, n_twos);
    assert_true(n_gated >= 3 && n_cut >= 15 && n_offset >= 5 && n_each >= 5 && n_some >= 10 &&
                n_clipped >= 10 && n_twos >= 3);
}

/* ---- recalibration ---- */

enum { N_CALIBRATION = 3 };

struct moments {
    double mean, deviation;
};

/* Of the sums of an output of a layer over the images, which are numbered from `first` on. */
static void see_moments(struct reference *r, struct naive_chip *twin, const struct random_study *s,
                        uint32_t layer, struct moments *to)
{
    const struct shape *out = &s->network.layer[layer].out;
    double n = (double)out->height * out->width * N_CALIBRATION;
    double square[64] = { 0 };

    assert_true(out->channels <= 64);
    for (uint32_t o = 0; o < out->channels; o++)
        to[o].mean = 0;
    for (uint32_t i = 0; i < N_CALIBRATION; i++) {
        if (twin)
            naive_chip_run(twin, s->image + i * s->image_bytes);
        else
            reference_run(r, s->image + i * s->image_bytes);
        for (uint32_t k = 0; k < out->height * out->width * out->channels; k++) {
            double v = (double)r->sum[layer][k];
            to[k % out->channels].mean += v / n;
            square[k % out->channels] += v * v / n;
        }
    }
    for (uint32_t o = 0; o < out->channels; o++)
        to[o].deviation = sqrt(fmax(0, square[o] - to[o].mean * to[o].mean));
}

/* M' = M s0 / s and B' = B + M (m0 - m s0 / s); what leaves 16 bits has a digit less. */
static void correct(struct requant *q, uint32_t o, const struct moments *exact,
                    const struct moments *chip)
{
    bool varies = exact->deviation > 0 && chip->deviation > 0;
    double ratio = varies ? exact->deviation / chip->deviation : 1, m = q->m[o] * ratio;
    double b = (double)q->b[o] + q->m[o] * (exact->mean - chip->mean * ratio);

    for (; nearbyint(m) > UINT16_MAX && q->shift[o] > 0; m /= 2, b /= 2) {
        q->shift[o]--;
        if (q->mr)
            q->mr[o] /= 2; // a power of two
    }
    q->m[o] = (uint16_t)fmin(nearbyint(m), UINT16_MAX);
    q->b[o] = llrint(b);
}

/* What is expected of a layer stands in *q, what was found in *got. */
static void check_scales(const struct requant *q, const struct requant *got, const char *name,
                         unsigned seed, uint32_t n)
{
    for (uint32_t o = 0; o < n; o++) {
        assert_int_equal(q->shift[o], got->shift[o]);
        if (q->mr)
            assert_int_equal(q->mr[o], got->mr[o]);
        double m = ldexp(q->m[o], -q->shift[o]), b = ldexp((double)q->b[o], -q->shift[o]);
        double got_m = ldexp(got->m[o], -got->shift[o]);
        double got_b = ldexp((double)got->b[o], -got->shift[o]);
        double unit = ldexp(1, -q->shift[o]), tolerance = 1.01 * unit; // a last digit
        if (fabs(m - got_m) > tolerance || fabs(b - got_b) > tolerance + 1e-9 * fabs(b))
            fail_msg("seed %u, layer %s, output %u: scale %.9g, want %.9g; bias %.9g, want %.9g",
                     seed, name, o, got_m, m, got_b, b);
    }
}

/* Layer after layer of a twin whose network takes the scales that are expected. Returns how many
 * layers there were. */
static uint32_t check_recalibration(const struct random_study *s, const struct naive_effects *e)
{
    const struct analog_spec spec = spec_of(e);
    struct analog_state state = state_of(&s->plan, &spec, e);
    struct analog_layers layers;
    struct recalibration r;
    struct network got, want;
    struct naive_chip twin;
    struct reference exact;
    struct moments m0[64], m1[64];
    uint32_t n = 0;

    assert_true(analog_layers_init(&layers, &state));
    assert_true(recalibration_init(&r, &s->plan, (const uint8_t *)s->image, N_CALIBRATION,
                                   s->image_bytes, NULL));
    assert_true(own_scales(&got, &s->network) && own_scales(&want, &s->network));
    assert_true(recalibrate(&r, &got, layers.layer));
    naive_chip_init(&twin, &s->plan, e);
    twin.digital.network = &want;
    reference_init(&exact, &s->network);
    for (uint32_t i = 1; i < want.n_layer; i++) {
        struct requant *q = &want.layer[i].requant;
        if (layer_is_digital(&want.layer[i]) || want.layer[i].raw_output)
            continue;
        see_moments(&exact, NULL, s, i, m0);
        twin.image = UINT64_C(1) << 63;
        see_moments(&twin.digital, &twin, s, i, m1);
        for (uint32_t o = 0; o < want.layer[i].out.channels; o++)
            correct(q, o, &m0[o], &m1[o]);
        check_scales(q, &got.layer[i].requant, want.layer[i].name, s->seed,
                     want.layer[i].out.channels);
        memcpy(q->m, got.layer[i].requant.m, want.layer[i].out.channels * sizeof *q->m);
        memcpy(q->b, got.layer[i].requant.b, want.layer[i].out.channels * sizeof *q->b);
        n++;
    }
    reference_release(&exact);
    naive_chip_release(&twin);
    own_scales_release(&got);
    own_scales_release(&want);
    recalibration_release(&r);
    analog_layers_release(&layers);
    analog_state_release(&state);
    return n;
}

static void scales_are_recalibrated_as_by_the_naive_twin(void **state)
{
    uint32_t n = 0;

    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        const struct naive_effects e = effects_of(seed);
        struct random_study s;
        make_study(&s, seed);
        if (analog_by_layer(&s.plan)) {
            cut_weights(&s.network);
            convert(&s.plan, &e);
            n += check_recalibration(&s, &e);
        }
        random_study_release(&s);
    }
    assert_true(n >= 60);
}

/* ---- a run ---- */

#define MACHINE "configs/resnet32_fmnist.yaml"
#define IMAGES  "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"
enum { N_IMAGE = 2, CHIP = 1 };

static enum err keep_image(void *user, uint64_t i, const uint8_t *image, struct err_msg *m)
{
    uint8_t **to = user;

    (void)m;
    memcpy(to[i], image, 32 * 32 * 3);
    return ERR_NONE;
}

static void check_within(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%.9g is not within %g of %.9g", got, tolerance, want);
}

/* Error of products, scale and clipped codes of a layer. */
static void check_figures(const struct naive_chip *twin, uint32_t layer,
                          const struct analog_figures *got)
{
    const struct plan_layer *l = &twin->plan->layer[layer];
    const struct shape *out = &plan_network_layer(twin->plan, layer)->out;
    double error = 0, square = 0, k = 0, clipped = 0, codes = 0;

    for (uint32_t i = l->first_core; i < l->first_core + l->n_core; i++) {
        const struct naive_core *c = &twin->core[i];
        error += c->error;
        square += c->square;
        clipped += (double)c->clipped;
        codes += 2. * c->columns * out->height * out->width * N_IMAGE;
        for (uint32_t o = 0; o < c->columns; o++)
            k += c->k[o] / c->columns / l->n_core;
    }
    check_within(got->error, sqrt(error / square), 1e-9);
    check_within(got->k, k, 1e-9);
    check_within(got->clipped, clipped / codes, 1e-12);
}

static void a_run_has_the_classes_and_figures_of_the_naive_twin(void **state)
{
    const char *const set[] = {
        "core.crossbar.device=pcm_joshi", "analog.read_noise=frozen", "analog.seed=5",
        "analog.chips=2", "analog.times_s=[25, 86400]", "analog.compensation=column",
        "core.readout.kind=adc", "core.readout.bits=9", "core.readout.range=30000",
        "core.readout.separate=yes", "analog.adc_gain_sd=0.01", "analog.adc_offset_lsb_sd=0.3",
        "analog.adc_noise_lsb=0.5", "analog.stuck_off=0.001",
    };
    const struct naive_effects effects = {
        .seed = 5, .chip = CHIP, .t_s = 86400, .reference_s = 25, .programming = true,
        .drift = true, .read = true, .stuck_off = 0.001, .by_column = true, .bits = 9,
        .range = 30000, .apart = true, .gain_sd = 0.01, .offset_sd = 0.3, .noise = 0.5,
    };
    const struct run_cfg cfg = { .images = IMAGES, .n_image = N_IMAGE, .jobs = 1 };
    uint8_t image[N_IMAGE][32 * 32 * 3], *to[] = { image[0], image[1] };
    struct run_result exact;
    struct analog_result r;
    struct naive_chip twin;
    struct study s;
    struct err_msg m;

    (void)state;
    must(study_load(&s, MACHINE, set, sizeof set / sizeof *set, &m), &m);
    must(run(&s.plan, &cfg, &exact, &m), &m);
    must(analog_run(&s, &cfg, &exact, &r, &m), &m);
    must(run_visit_images(&s.plan, &cfg, 0, N_IMAGE, keep_image, to, &m), &m);
    naive_chip_init(&twin, &s.plan, &effects);
    for (uint32_t i = 0; i < N_IMAGE; i++) {
        naive_chip_run(&twin, image[i]);
        assert_int_equal(r.predicted[(1 * 2 + CHIP) * N_IMAGE + i],
                         reference_class(&twin.digital));
    }
    for (uint32_t i = 0; i < s.plan.n_layer; i++)
        check_figures(&twin, i, &r.figures[(1 * 2 + CHIP) * r.n_layer + i]);
    naive_chip_release(&twin);
    analog_result_release(&r);
    run_result_release(&exact);
    study_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sum_is_that_of_the_naive_twin),
        cmocka_unit_test(products_of_reads_are_those_of_the_naive_twin),
        cmocka_unit_test(scales_are_recalibrated_as_by_the_naive_twin),
        cmocka_unit_test(a_run_has_the_classes_and_figures_of_the_naive_twin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
