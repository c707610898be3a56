/* Streams of images abreast in one chip: each gives what a chip of its own gives, and a run gives
 * the same to the last counter and picojoule however its images are dealt to chips and streams, and
 * when their values are computed layer by layer instead. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/chip.h"
#include "core/counter.h"
#include "core/util.h"
#include "network/precision.h"
#include "onnx/read/read.h"
#include "study/pricing.h"
#include "study/run.h"
#include "study/study.h"
#include "test/random_study.h"
#include "test/reference.h"
#include "test/run_rig.h"
#include "test/tmpdir.h"
#include "test/zoo/zoo.h"

enum { N_STUDY = 150, N_PLANE = 3, N_IMAGE = 3, MOST_CLASSES = 16 };
enum { LAYER_BY_LAYER = 0 }; // instead of streams abreast

/* ---- a chip ---- */

/* Plane p's image i: another order in every plane. */
static uint32_t image_of(uint32_t plane, uint32_t i)
{
    return (2 * plane + i) % STUDY_IMAGES;
}

struct seen { // of a chip
    int64_t               timestep[N_IMAGE];
    int64_t               value[N_PLANE][N_IMAGE][MOST_CLASSES];
    struct core_counters *counters; // owned; [cores]
    uint64_t             *bits;     // owned; [streams]
};

static void seen_init(struct seen *s, const struct plan *p)
{
    *s = (struct seen){ .counters = calloc(p->n_core, sizeof *s->counters),
                        .bits = calloc(p->n_stream, sizeof *s->bits) };
    assert_non_null(s->counters);
    assert_non_null(s->bits);
}

static void seen_release(struct seen *s)
{
    free(s->counters);
    free(s->bits);
}

/* Runs planes [first, first + n) on one chip, and adds what it counts to *s. */
static void run_planes(const struct random_study *s, const struct counted_images *counted,
                       uint32_t first, uint32_t n, struct seen *seen)
{
    const struct chip_cfg cfg = { .plan = &s->plan,
                                  .planes = { .n = n, .counted = counted + first } };
    const uint32_t classes = layer_delivers(network_result(&s->network)).channels;
    struct chip *chip = chip_new(&cfg);
    int8_t *pixels = malloc((size_t)n * s->image_bytes);
    struct chip_result r;
    struct err_msg m;
    uint32_t in = 0, out = 0;

    assert_non_null(chip);
    assert_non_null(pixels);
    for (int64_t t = -(int64_t)s->plan.time.lead; out < N_IMAGE; t++) {
        for (bool more = true; more && in < N_IMAGE; in += more) {
            for (uint32_t p = 0; p < n; p++)
                memcpy(pixels + p * s->image_bytes,
                       s->image + image_of(first + p, in) * s->image_bytes, s->image_bytes);
            more = chip_inject(chip, pixels);
        }
        if (chip_run(chip, t, &m))
            fail_msg("seed %u: %s", s->seed, m.text);
        for (; chip_result(chip, &r); out++) {
            seen->timestep[out] = r.timestep;
            for (uint32_t p = 0; p < n; p++)
                memcpy(seen->value[first + p][out], r.value + p * classes,
                       classes * sizeof *r.value);
        }
    }
    assert_int_equal(chip_run(chip, INT32_MAX, &m), ERR_NONE);
    for (uint32_t i = 0; i < s->plan.n_core; i++)
        counter_add(core_counter_rows, &seen->counters[i], chip_counters(chip, i));
    for (uint32_t i = 0; i < s->plan.n_stream; i++)
        seen->bits[i] += chip_stream_bits(chip, i);
    chip_free(chip);
    free(pixels);
}

static void assert_values_of_the_reference(const struct random_study *s, const struct seen *seen)
{
    const struct layer *l = network_result(&s->network);
    struct reference r;

    if (l->pooled || l->out.height * l->out.width > 1)
        return;
    reference_init(&r, &s->network);
    for (uint32_t p = 0; p < N_PLANE; p++)
        for (uint32_t i = 0; i < N_IMAGE; i++) {
            reference_run(&r, s->image + image_of(p, i) * s->image_bytes);
            for (uint32_t ch = 0; ch < l->out.channels; ch++)
                assert_int_equal(seen->value[p][i][ch],
                                 reference_map(&r, s->network.n_layer - 1, 0, 0, ch));
        }
    reference_release(&r);
}

static void planes_are_chips_of_their_own(void **state)
{
    static const struct counted_images counted[N_PLANE] = { { 0, 3 }, { 1, 3 }, { 1, 2 } };

    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct random_study s;
        struct seen together, alone;
        random_study_make(&s, seed);
        seen_init(&together, &s.plan);
        seen_init(&alone, &s.plan);
        run_planes(&s, counted, 0, N_PLANE, &together);
        for (uint32_t p = 0; p < N_PLANE; p++)
            run_planes(&s, counted, p, 1, &alone);
        assert_memory_equal(together.timestep, alone.timestep, sizeof alone.timestep);
        assert_memory_equal(together.value, alone.value, sizeof alone.value);
        for (uint32_t i = 0; i < s.plan.n_core; i++)
            if (memcmp(&together.counters[i], &alone.counters[i], sizeof *alone.counters) != 0)
                fail_msg("seed %u: counters of %s differ", seed, s.plan.core[i].name);
        assert_memory_equal(together.bits, alone.bits, s.plan.n_stream * sizeof *alone.bits);
        assert_values_of_the_reference(&s, &together);
        seen_release(&together);
        seen_release(&alone);
        random_study_release(&s);
    }
}

/* ---- a run ---- */

/* n grey images as large as the map, with labels, by a generator of the test's own. */
static void write_images(const char *dir, uint32_t n, uint32_t height, uint32_t width,
                         uint32_t classes, uint32_t seed)
{
    size_t size = 16 + (size_t)n * height * width;
    uint8_t *file = calloc(1, size), *labels = calloc(1, 8 + n);

    memcpy(file, (uint8_t[]){ 0, 0, 8, 3, 0, 0, 0, (uint8_t)n, 0, 0, 0, (uint8_t)height, 0, 0, 0,
                              (uint8_t)width }, 16);
    memcpy(labels, (uint8_t[]){ 0, 0, 8, 1, 0, 0, 0, (uint8_t)n }, 8);
    for (size_t i = 16; i < size; i++) {
        seed = seed * 1664525 + 1013904223;
        file[i] = (uint8_t)(seed >> 24);
    }
    for (uint32_t i = 0; i < n; i++)
        labels[8 + i] = (uint8_t)(i % classes);
    tmpdir_write(dir, "i-images-idx3-ubyte", file, size);
    tmpdir_write(dir, "i-labels-idx1-ubyte", labels, 8 + n);
    free(file);
    free(labels);
}

static void count_firing(void *user, uint32_t core, const struct core_event *e)
{
    (void)core;
    *(uint64_t *)user += e->kind == CORE_FIRED;
}

static struct run_result run_watched(const struct plan *p, const char *images, uint32_t n_image,
                                     uint32_t jobs, uint32_t abreast,
                                     const struct core_probe *probe)
{
    const struct run_cfg cfg = { .images = images, .n_image = n_image, .jobs = jobs,
                                 .abreast = abreast, .timed_values = abreast != LAYER_BY_LAYER,
                                 .probe = probe };

    return run_or_fail(p, &cfg);
}

static struct run_result run_as(const struct plan *p, const char *images, uint32_t n_image,
                                uint32_t jobs, uint32_t abreast)
{
    return run_watched(p, images, n_image, jobs, abreast, NULL);
}

/* Whether accesses of another image take another number of words in some memory of the plan. */
static bool rotates(const struct plan *p)
{
    for (uint32_t i = 0; i < p->n_core; i++)
        if (memory_rotation(&p->time.core[i].layout, p->layer[p->core[i].plan_layer].in_width) > 1)
            return true;
    return false;
}

static void a_run_is_the_same_however_it_is_cut(void **state)
{
    static const uint32_t cut[][2] = { // jobs, streams abreast
        { 1, LAYER_BY_LAYER }, { 3, LAYER_BY_LAYER }, { 1, 2 }, { 1, 3 }, { 1, 16 }, { 2, 4 },
        { 3, 1 },
    };
    const uint32_t n_layered = 2; // of them
    uint32_t n_rotates = 0, n_transient = 0;

    for (unsigned seed = 1; seed <= 500; seed++) {
        size_t n_cut = seed <= 100 ? sizeof cut / sizeof *cut : n_layered;
        struct random_study s;
        char path[TMPDIR_PATH_MAX];
        uint32_t n_image = 1 + seed * 7 % 40;
        random_study_make(&s, seed);
        const struct shape *in = &s.network.layer[0].out;
        uint32_t classes = layer_delivers(network_result(&s.network)).channels;
        s.network.has_values = true;
        write_images(*state, 40, in->height, in->width, classes, seed);
        tmpdir_path(path, *state, "i-images-idx3-ubyte");
        struct run_result whole = run_as(&s.plan, path, n_image, 1, 1);
        for (uint32_t i = 0; i < n_image; i++)
            assert_int_equal(whole.label[i], i % classes);
        assert_int_equal(whole.total_timesteps,
                         s.plan.time.first_result + (n_image - 1) * s.plan.interval +
                             (uint64_t)timetable_late(&s.plan.time, n_image - 1));
        for (size_t i = 0; i < n_cut; i++) {
            struct run_result r = run_as(&s.plan, path, n_image, cut[i][0], cut[i][1]);
            assert_same_run(&s.plan, &r, &whole, seed);
            run_result_release(&r);
        }
        n_rotates += n_image > 8 && rotates(&s.plan);
        n_transient += n_image > 8 && s.plan.time.transient_images > 1;
        run_result_release(&whole);
        random_study_release(&s);
    }
    assert_true(n_rotates >= 10); // that it is about something
    assert_true(n_transient >= 3);
}

/* Inputs in slices: their digits are counted, in maps as in firings. In two bytes, those of a
 * negative value are more than its magnitude. */
static void digits_of_slices_are_counted_in_maps_as_in_firings(void **state)
{
    uint32_t n_less = 0;

    for (unsigned seed = 1; seed <= 120; seed++) {
        struct random_study s;
        char path[TMPDIR_PATH_MAX];
        struct err_msg m;
        uint64_t n_digit = 0, n_abs = 0;
        uint32_t bits = seed % 2 ? 8 : 16;
        random_study_make(&s, seed);
        const struct shape *in = &s.network.layer[0].out;
        uint32_t classes = layer_delivers(network_result(&s.network)).channels;
        s.network.has_values = true;
        plan_release(&s.plan);
        s.config.crossbar.input_slice_bits = 1 + seed / 2 % (seed % 3 ? 3 : bits - 1);
        s.config.memory.word_bits = max_u32(s.config.memory.word_bits, bits);
        if (network_carry(&s.network, bits, 0, &m) ||
            plan_make(&s.plan, &s.network, &s.config, &m))
            fail_msg("seed %u: %s", seed, m.text);
        write_images(*state, 5, in->height, in->width, classes, seed);
        tmpdir_path(path, *state, "i-images-idx3-ubyte");
        struct run_result whole = run_as(&s.plan, path, 5, 1, 1);
        struct run_result r = run_as(&s.plan, path, 5, 1, LAYER_BY_LAYER);
        assert_same_run(&s.plan, &r, &whole, seed);
        for (uint32_t i = 0; i < s.plan.n_core; i++) {
            n_digit += r.core[i].sum_digits;
            n_abs += r.core[i].sum_abs_x;
        }
        assert_true(n_digit > 0);
        n_less += n_digit < n_abs;
        run_result_release(&r);
        run_result_release(&whole);
        random_study_release(&s);
    }
    assert_true(n_less >= 60);
}

/* ---- the zoo, layer by layer ---- */

enum { ZOO_SIDE = 32, ZOO_THIN = 8, ZOO_IMAGES = 18, ZOO_CLASSES = 10 };

static void must(enum err e, const struct err_msg *m)
{
    if (e)
        fail_msg("%s", m->text);
}

/* Layers whose outputs see a pixel again have no replicas. */
static bool sees_again(const struct network *n)
{
    bool again = false;

    for (uint32_t i = 0; i < n->n_layer; i++)
        again |= n->layer[i].window.again[0] > 0 || n->layer[i].window.again[1] > 0;
    return again;
}

/* A network of the zoo, reduced, with costs; the form with every operator by itself or not. */
static void bring(struct study *s, const char *name, bool plain)
{
    static const char *const set[] = { "energy.technology=14nm_lp", "energy.device=pcm",
                                       "energy.chip=dazzi2021_14nm",
                                       "fabric.link_gbps=100", "mapping.replicas={16: 2}" };
    uint32_t n_set = sizeof set / sizeof *set;
    struct zoo_cfg cfg = zoo_defaults();
    struct err_msg m;
    size_t size;

    cfg.form = ZOO_QDQ;
    cfg.size = ZOO_SIDE;
    cfg.thin = ZOO_THIN;
    cfg.classes = ZOO_CLASSES;
    cfg.rounded_add = cfg.norm_nodes = plain;
    Onnx__ModelProto *model = zoo_make(name, &cfg);
    uint8_t *bytes = make_packed(model, &size);
    make_free(model);
    must(network_decode_onnx(&s->network, name, bytes, size, &m), &m);
    free(bytes);
    must(config_load(&s->config, "configs/imagenet.yaml", set,
                     sees_again(&s->network) ? n_set - 1 : n_set, &m), &m);
    must(plan_make(&s->plan, &s->network, &s->config, &m), &m);
}

static void let_go(struct study *s)
{
    plan_release(&s->plan);
    config_release(&s->config);
    network_release(&s->network);
}

static struct price_report priced(const struct study *s, const struct run_result *r)
{
    struct price_report p = { 0 };
    struct err_msg m;

    must(pricing(&p, s, r, &m), &m);
    return p;
}

static void assert_costs_the_same(const struct study *s, const struct run_result *a,
                                  const struct run_result *b)
{
    struct price_report x = priced(s, a), y = priced(s, b);

    assert_true(x.values);
    assert_int_equal(x.n_core, y.n_core);
    assert_memory_equal(x.core, y.core, x.n_core * sizeof *x.core);
    assert_memory_equal(&x.total, &y.total, sizeof x.total);
    price_report_release(&x);
    price_report_release(&y);
}

/* By layer, with any jobs and a watcher, as through the chip; returns firings that it saw. */
static uint64_t compare_ways(const struct study *s, const char *images)
{
    uint64_t firings = 0;
    const struct core_probe probe = { .event = count_firing, .user = &firings };
    struct run_result whole = run_as(&s->plan, images, ZOO_IMAGES, 1, 1);

    for (uint32_t jobs = 1; jobs <= 2; jobs++) {
        struct run_result r = run_as(&s->plan, images, ZOO_IMAGES, jobs, LAYER_BY_LAYER);
        assert_same_run(&s->plan, &r, &whole, 0);
        assert_costs_the_same(s, &r, &whole);
        run_result_release(&r);
    }
    struct run_result watched = run_watched(&s->plan, images, ZOO_IMAGES, 1, LAYER_BY_LAYER,
                                            &probe);
    assert_same_run(&s->plan, &watched, &whole, 0);
    run_result_release(&watched);
    run_result_release(&whole);
    return firings;
}

static void the_zoo_is_the_same_layer_by_layer(void **state)
{
    char path[TMPDIR_PATH_MAX];

    write_images(*state, ZOO_IMAGES, ZOO_SIDE, ZOO_SIDE, ZOO_CLASSES, 1);
    tmpdir_path(path, *state, "i-images-idx3-ubyte");
    for (uint32_t i = 0; zoo_name(i); i++) {
        struct study s = { 0 };
        if (zoo_size(zoo_name(i), ZOO_SIDE) != ZOO_SIDE)
            continue;
        bring(&s, zoo_name(i), i % 2 == 0);
        assert_true(compare_ways(&s, path) > 0);
        let_go(&s);
    }
}

/* Of a network that ends in a map there are no classes, but all else. */
static void a_map_is_the_same_layer_by_layer(void **state)
{
    char path[TMPDIR_PATH_MAX];
    struct study s = { 0 };
    struct err_msg m;

    write_images(*state, ZOO_IMAGES, ZOO_SIDE, ZOO_SIDE, ZOO_CLASSES, 1);
    tmpdir_path(path, *state, "i-images-idx3-ubyte");
    bring(&s, "resnet18", false);
    uint32_t whole = s.network.n_layer, ends = s.network.n_end;
    plan_release(&s.plan);
    s.network.n_layer = 6;
    s.network.n_end = 0; // of layers that are gone
    assert_true(network_result(&s.network)->out.height > 1);
    must(plan_make(&s.plan, &s.network, &s.config, &m), &m);
    compare_ways(&s, path);
    s.network.n_layer = whole;
    s.network.n_end = ends;
    let_go(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planes_are_chips_of_their_own),
        cmocka_unit_test_setup_teardown(a_run_is_the_same_however_it_is_cut, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(digits_of_slices_are_counted_in_maps_as_in_firings,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(the_zoo_is_the_same_layer_by_layer, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(a_map_is_the_same_layer_by_layer, tmpdir_make,
                                        tmpdir_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
