/* test/unit/test_row_splits.c -- rows that are cut inside channels: windows and flattened maps
 * whose every part has some positions of a channel. Against the naive reference, and by
 * counting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "arch/chip.h"
#include "core/util.h"
#include "dataflow/mapping.h"
#include "test/plan_rig.h"
#include "test/random_study.h"
#include "test/reference.h"

enum { N_STUDY = 300 };

/* ---- cuts ---- */

/* Every row of a kernel is in one part of each share of the outputs, in the order
 * [channel][position], and no part has two rows more than another or more than the array. */
static void parts_share_all_rows_as_evenly_as_can_be(void **state)
{
    (void)state;
    for (uint32_t positions = 2; positions <= 40; positions += 3)
        for (uint32_t channels = 1; channels <= 5; channels++)
            for (uint32_t rows = 1; rows < positions; rows++) {
                struct layer l = { .kind = LAYER_CONV, .groups = 1, .in = { 9, 99, channels },
                                   .out = { 1, 1, 7 },
                                   .window = { .kernel = { 1, positions }, .stride = { 1, 1 },
                                               .dilation = { 1, 1 } } };
                struct replicas one = replicas_make(&l.window, 1, 1);
                struct cut cut = layer_cut(&l, &one, rows, 3);
                uint32_t at = 0, least = UINT32_MAX, most = 0;
                assert_true(cut.inside);
                assert_int_equal(cut.splits, 3); // of at most three outputs
                assert_int_equal(cut.parts, ceil_div(channels * positions, rows));
                for (uint32_t part = 0; part < cut.parts; part++) {
                    struct slice s = layer_slice(&l, cut, part, 1);
                    assert_int_equal(s.row_first, at);
                    assert_int_equal(s.in_first, at / positions);
                    at += s.row_n;
                    assert_int_equal(s.in_first + s.in_n - 1, (at - 1) / positions);
                    least = min_u32(least, s.row_n);
                    most = max_u32(most, s.row_n);
                }
                assert_int_equal(at, channels * positions);
                assert_true(most <= rows && most - least <= 1);
            }
}

static void channels_stay_whole_where_one_fits(void **state)
{
    (void)state;
    struct layer l = { .kind = LAYER_CONV, .groups = 1, .in = { 9, 9, 56 }, .out = { 9, 9, 56 },
                       .window = { .kernel = { 3, 3 }, .stride = { 1, 1 }, .dilation = { 1, 1 },
                                   .pad_before = { 1, 1 }, .pad_after = { 1, 1 } } };
    struct replicas one = replicas_make(&l.window, 1, 1);
    struct cut cut = layer_cut(&l, &one, 256, 256);

    assert_false(cut.inside);
    assert_int_equal(cut.parts, 2); // 28 channels each
    assert_int_equal(layer_slice(&l, cut, 1, 0).in_first, 28);
    assert_int_equal(layer_slice(&l, cut, 1, 0).row_first, 28 * 9);
    assert_int_equal(layer_slice(&l, cut, 1, 0).row_n, 28 * 9);
}

/* ---- runs ---- */

struct comparison {
    const struct random_study *study;
    struct reference           reference[STUDY_IMAGES];
};

static void compare(void *user, uint32_t core, const struct core_event *e)
{
    const struct comparison *c = user;
    const struct plan_core *pc = &c->study->plan.core[core];

    if (e->kind != CORE_RESULT || !e->sum)
        return;
    uint32_t layer = c->study->plan.layer[pc->plan_layer].layer;
    for (uint32_t o = 0; o < pc->out_n; o++) {
        int64_t want = reference_sum(&c->reference[e->pixel->image], layer, e->pixel->row,
                                     e->pixel->column, pc->out_first + o);
        if (e->sum[o] != want)
            fail_msg("seed %u, %s: %d for %lld", c->study->seed, pc->name, e->sum[o],
                     (long long)want);
    }
}

/* All images through a chip, whose results are the reference's; the caller frees it. */
static struct chip *run_all(const struct random_study *s, struct comparison *c)
{
    const struct core_probe probe = { .event = compare, .user = c };
    const struct chip_cfg cfg = { .plan = &s->plan, .planes.n = 1, .probe = &probe };
    struct chip *chip = chip_new(&cfg);
    uint32_t in = 0, out = 0, last = s->network.n_layer - 1;
    struct chip_result r;
    struct err_msg m;

    assert_non_null(chip);
    for (int64_t until = -(int64_t)s->plan.time.lead; out < STUDY_IMAGES; until++) {
        while (in < STUDY_IMAGES && chip_inject(chip, s->image + in * s->image_bytes))
            in++;
        if (chip_run(chip, until, &m))
            fail_msg("seed %u: %s", s->seed, m.text);
        for (; chip_result(chip, &r); out++) {
            int64_t late = timetable_late(&s->plan.time, out);
            assert_int_equal(r.timestep + 1, (int64_t)s->plan.time.first_result +
                                                 (int64_t)(out * s->plan.interval) + late);
            for (uint32_t o = 0; o < s->network.layer[last].out.channels; o++)
                assert_int_equal(r.value[o],
                                 reference_delivered(&c->reference[out], last, 0, 0, o));
        }
        assert_true(out == STUDY_IMAGES || in < STUDY_IMAGES || !chip_stands_still(chip));
    }
    return chip;
}

/* A flat layer's cores together write each value of the map once for each share of the outputs, and
 * drive each row once. */
static void count(const struct random_study *s, const struct chip *chip, uint32_t layer)
{
    const struct plan_layer *pl = &s->plan.layer[layer];
    const struct layer *l = plan_network_layer(&s->plan, layer);
    uint64_t written = 0, driven = 0, values = layer_kernel_rows(l), bits = 0;
    uint64_t carried = 0;

    for (uint32_t k = 0; k < pl->n_core; k++) {
        const struct core_counters *n = chip_counters(chip, pl->first_core + k);
        written += n->words_written;
        driven += n->driven_rows;
    }
    for (uint32_t i = 0; i < s->plan.n_stream; i++)
        if (s->plan.core[s->plan.stream[i].to].plan_layer == layer &&
            (s->plan.stream[i].kind == STREAM_FORWARD || s->plan.stream[i].kind == STREAM_IMAGE))
            bits += chip_stream_bits(chip, i);
    assert_int_equal(written, values * pl->splits * STUDY_IMAGES);
    assert_int_equal(driven, values * pl->splits * STUDY_IMAGES);
    for (uint32_t i = 0; i < l->n_input; i++)
        carried += (uint64_t)layer_delivers(&s->network.layer[l->input[i]]).channels *
                   l->in.height * l->in.width * network_value_bits(&s->network, l->input[i]);
    assert_int_equal(bits, carried * pl->splits * STUDY_IMAGES);
}

static void check_studies(bool bare, uint32_t *n_flat, uint32_t *n_inside)
{
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct random_study s;
        struct comparison c = { .study = &s };
        random_flat_study_make(&s, seed, bare);
        for (uint32_t i = 0; i < STUDY_IMAGES; i++) {
            reference_init(&c.reference[i], &s.network);
            reference_run(&c.reference[i], s.image + i * s.image_bytes);
        }
        struct chip *chip = run_all(&s, &c);
        for (uint32_t i = 0; i < s.plan.n_layer; i++) {
            *n_inside += s.plan.layer[i].inside && !s.plan.layer[i].flat;
            *n_flat += s.plan.layer[i].flat;
            if (s.plan.layer[i].flat)
                count(&s, chip, i);
        }
        chip_free(chip);
        for (uint32_t i = 0; i < STUDY_IMAGES; i++)
            reference_release(&c.reference[i]);
        random_study_release(&s);
    }
}

static void maps_are_flattened_onto_arrays_of_any_size(void **state)
{
    uint32_t n_flat = 0, n_inside = 0;

    (void)state;
    check_studies(false, &n_flat, &n_inside);
    assert_true(n_flat > 100 && n_inside > 30);
}

static void images_are_flattened_onto_arrays_of_any_size(void **state)
{
    uint32_t n_flat = 0, n_inside = 0;

    (void)state;
    check_studies(true, &n_flat, &n_inside);
    assert_true(n_flat > 150);
}

/* ---- MNIST ---- */

/* 784 rows on arrays of 256 are four parts of 196, which store seven rows of the image each and
 * read them in the timestep in which they fire. */
static void an_image_of_784_pixels_takes_four_arrays_of_256_rows(void **state)
{
    static const char *const set[] = { "fabric.partial_sum_gbps=40.96", NULL };
    struct plan_rig r;

    (void)state;
    rig_config(&r, set);
    rig_image(&r, 28, 28, 1);
    rig_layer(&r, 0, 128,
              &(struct window){ .kernel = { 28, 28 }, .stride = { 1, 1 }, .dilation = { 1, 1 } });
    if (rig_plan(&r))
        fail_msg("%s", r.msg.text);
    assert_int_equal(r.plan.n_core, 4);
    assert_int_equal(r.plan.time.first_result, 1 + 3);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(r.plan.core[i].rows, 196);
        assert_int_equal(r.plan.core[i].row_first, 196 * i);
        assert_true(r.plan.time.core[i].used_clk[STAGE_MEMORY] <= 50);
    }
    rig_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_share_all_rows_as_evenly_as_can_be),
        cmocka_unit_test(channels_stay_whole_where_one_fits),
        cmocka_unit_test(maps_are_flattened_onto_arrays_of_any_size),
        cmocka_unit_test(images_are_flattened_onto_arrays_of_any_size),
        cmocka_unit_test(an_image_of_784_pixels_takes_four_arrays_of_256_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
