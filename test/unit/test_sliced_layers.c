/* Codes that can clip, computed for sixteen images at once, are those of a chip that values travel
 * through: its arrays read image after image, in bit planes, and are held to the formula by
 * test_sliced_array. And one layer is held to the formula here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/units/sliced_lanes.h"
#include "arch/values/sliced_layers.h"
#include "core/simd.h"
#include "core/util.h"
#include "study/run.h"
#include "test/random_study.h"

enum { N_STUDY = 500 };

/* ---- machines ---- */

/* Codes whose step is 1 and that end soon, or any. */
static void draw_codes(struct random_study *s, unsigned seed, bool any)
{
    struct crossbar_cfg *x = &s->config.crossbar;
    struct readout_cfg *r = &s->config.readout;

    x->input_slice_bits = any ? 1 + seed / 2 % 9 : 1;
    r->bits = any ? 1 + seed / 3 % 12 : 2 + seed / 3 % 6;
    r->range = any ? seed % 4 == 0 ? RANGE_FULL : 1 + seed * 7919 % 3000 : (1U << r->bits) - 1;
    if (any && seed % 11 < 3) { // drawn in draw_ranges()
        r->range = RANGE_PERCENTILE;
        snprintf(s->config.calibration.images, sizeof s->config.calibration.images, "none");
    }
    r->per = seed % 11 == 1 ? PER_CORE : PER_COLUMN;
}

/* A machine whose codes can clip; false: the network does not fit, or its layers are not alone on
 * their cores. */
static bool make_sliced(struct random_study *s, unsigned seed, bool any)
{
    struct crossbar_cfg *x = &s->config.crossbar;
    struct err_msg m;

    plan_release(&s->plan);
    snprintf(x->cell, sizeof x->cell, "%s", seed % 4 ? "sliced" : "sram");
    x->cell_bits = 1 + seed / 4 % 6;
    x->scheme = seed % 4 == 1 ? CELL_SIGNED : CELL_OFFSET;
    x->rows_at_once = seed % 6 == 5 ? 7 : 0; // that is for the chip
    x->rows = seed % 5 ? 60 + seed % 7 * 40 : 3 + seed % 11; // few: parts begin inside channels
    x->columns = 300;
    snprintf(s->config.readout.kind, sizeof s->config.readout.kind, "adc");
    draw_codes(s, seed, any);
    s->config.readout.columns_per_adc = 1;
    return plan_make(&s->plan, &s->network, &s->config, &m) == ERR_NONE;
}

/* Of every column, those of a core alike where they have to be. */
static void draw_ranges(struct ranges *r, const struct random_study *s)
{
    uint32_t state = s->seed;

    assert_true(ranges_init(r, &s->plan));
    for (uint32_t i = 0; i < r->n_core; i++)
        for (uint32_t k = 0; k < r->core[i].n; k++)
            r->core[i].range[k] = k > 0 && s->config.readout.per == PER_CORE
                                      ? r->core[i].range[0]
                                      : 1 + (state = state * 1664525 + 1013904223) / 4096 % 2000;
}

static void run_images(const struct random_study *s, const struct ranges *ranges, uint32_t n_image,
                       const char *simd, bool timed, struct run_result *r)
{
    const struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE, .jobs = 1,
                                 .images = "random", .n_image = n_image, .simd = simd,
                                 .timed_values = timed, .ranges = ranges };
    struct err_msg m;

    if (run(&s->plan, &cfg, r, &m))
        fail_msg("seed %u: %s", s->seed, m.text);
}

/* Returns how many codes were clipped. */
static uint64_t assert_same_run(const struct random_study *s, const struct ranges *ranges,
                                uint32_t n_image, const char *simd)
{
    struct run_result layers, timed;
    uint64_t clipped = 0;

    run_images(s, ranges, n_image, simd, false, &layers);
    run_images(s, ranges, n_image, simd, true, &timed);
    for (uint32_t i = 0; i < s->plan.n_core; i++) {
        if (layers.core[i].clipped != timed.core[i].clipped)
            fail_msg("seed %u, %s, core %u: %llu clipped, want %llu", s->seed, simd, i,
                     (unsigned long long)layers.core[i].clipped,
                     (unsigned long long)timed.core[i].clipped);
        assert_memory_equal(&layers.core[i], &timed.core[i], sizeof layers.core[i]);
        clipped += timed.core[i].clipped;
    }
    for (uint32_t i = 0; timed.predicted && i < n_image; i++)
        assert_int_equal(layers.predicted[i], timed.predicted[i]);
    run_result_release(&layers);
    run_result_release(&timed);
    return clipped;
}

static void compare_machines(bool any)
{
    uint32_t n = 0, n_clipping = 0, n_simd = 0, n_study = any ? 3 * N_STUDY : N_STUDY;

    while (simd_names()[n_simd])
        n_simd++;
    for (unsigned seed = 1; seed <= n_study; seed++) {
        struct random_study s;
        if (seed % 3)
            random_study_make(&s, seed);
        else
            random_flat_study_make(&s, seed, false);
        struct ranges ranges = { 0 };
        bool fits = make_sliced(&s, seed, any);
        if (fits && s.config.readout.range == RANGE_PERCENTILE)
            draw_ranges(&ranges, &s);
        const struct ranges *drawn = ranges.core ? &ranges : NULL;
        if (fits && !plan_is_exact(&s.plan) && sliced_by_layer(&s.plan, drawn)) {
            n_clipping += assert_same_run(&s, drawn, 1 + seed % 20,
                                          simd_names()[seed / 7 % n_simd]) > 0;
            n++;
        }
        ranges_release(&ranges);
        random_study_release(&s);
    }
    if (n < n_study / 10 || n_clipping < n / 4)
        fail_msg("%u studies, %u of which clip", n, n_clipping);
}

static void random_machines_clip_and_classify_as_through_the_chip(void **state)
{
    (void)state;
    compare_machines(false);
}

static void any_codes_clip_and_classify_as_through_the_chip(void **state)
{
    (void)state;
    compare_machines(true);
}

/* ---- the kernels ---- */

enum { PIXELS = 5, QUADS = 11, TABLE_QUADS = 12, SLICES = 7 };

static uint32_t draw(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

struct drawn {
    uint8_t x[PIXELS][QUADS + 1][SLICED_LANES_IMAGES][SLICED_LANES_QUAD];
    uint8_t digit[SLICES][TABLE_QUADS][SLICED_LANES_QUAD];
    int32_t factor[SLICES];
    struct sliced_lanes_column column;
};

static void draw_column(struct drawn *d, uint32_t seed)
{
    uint32_t state = seed, most_digit = 1 + seed % SLICED_LANES_MOST_DIGIT;

    *d = (struct drawn){ .column = { .n = 1 + seed % PIXELS, .quads = 1 + seed % QUADS,
                                     .table_quads = TABLE_QUADS, .n_slice = 1 + seed % SLICES,
                                     .n_image = 1 + seed / 3 % SLICED_LANES_IMAGES,
                                     .most = (uint8_t)(1 + seed * 7 % SLICED_LANES_MOST_CODE),
                                     .is_signed = seed % 2, .times = 1 + seed % 3 } };
    for (size_t i = 0; i < sizeof d->x; i++)
        ((uint8_t *)d->x)[i] = (uint8_t)(draw(&state) & (seed % 5 ? 0xff : draw(&state)));
    for (uint32_t j = 0; j < SLICES; j++) {
        d->factor[j] = (1 << draw(&state) % 8) * (draw(&state) % 2 ? 1 : -1);
        for (uint32_t q = 0; q < d->column.quads; q++)
            for (uint32_t r = 0; r < SLICED_LANES_QUAD; r++)
                d->digit[j][q][r] = (uint8_t)(draw(&state) % (most_digit + 1));
    }
}

/* What the formula says of an image in a pixel. */
static int32_t formula(const struct drawn *d, uint32_t pixel, uint32_t image, uint64_t *n_clipped)
{
    const struct sliced_lanes_column *c = &d->column;
    int32_t out = 0;

    for (uint32_t j = 0; j < c->n_slice; j++)
        for (uint32_t b = 0; b < 8; b++) {
            int32_t sum = 0, weight = d->factor[j] * (c->is_signed && b == 7 ? -128 : 1 << b);
            for (uint32_t q = 0; q < c->quads; q++)
                for (uint32_t r = 0; r < SLICED_LANES_QUAD; r++)
                    sum += (d->x[pixel][q][image][r] >> b & 1) * d->digit[j][q][r];
            *n_clipped += sum <= c->most ? 0 : b == 7 ? c->times : 1;
            out += weight * (sum > c->most ? c->most : sum);
        }
    return out;
}

static void kernels_give_what_the_formula_says(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 300; seed++)
        for (const char *const *name = simd_names(); *name; name++) {
            const struct sliced_lanes_kernel *k = sliced_lanes_kernel(*name);
            static struct drawn d;
            static uint8_t index[PIXELS * QUADS * SLICED_LANES_INDEX + SLICED_LANES_INDEX];
            static uint8_t table[SLICES * TABLE_QUADS * SLICED_LANES_TABLE];
            static int32_t sum[PIXELS][SLICED_LANES_IMAGES];
            uint64_t want_clipped = 0;
            draw_column(&d, seed);
            struct sliced_lanes_column *c = &d.column;
            const uint8_t flip = c->is_signed ? 0x80 : 0;

            for (uint32_t p = 0; p < c->n; p++)
                for (uint32_t q = 0; q < c->quads; q += 2) {
                    uint8_t flipped[2][SLICED_LANES_IMAGES * SLICED_LANES_QUAD];
                    for (size_t i = 0; i < sizeof flipped; i++)
                        flipped[i / 64][i % 64] = d.x[p][q + i / 64][i / 4 % 16][i % 4] ^ flip;
                    k->index(flipped[0], q + 1 < c->quads ? flipped[1] : NULL, flip,
                             index + (p * c->quads + q) * SLICED_LANES_INDEX);
                }
            k->tables(d.digit[0][0], SLICES * TABLE_QUADS, table);
            memset(sum, 0, sizeof sum);
            c->index = index;
            c->table = table;
            c->factor = d.factor;
            c->sum = sum[0];
            c->sum_apart = SLICED_LANES_IMAGES;
            uint64_t n_clipped = k->column(c);
            for (uint32_t p = 0; p < c->n; p++)
                for (uint32_t i = 0; i < c->n_image; i++)
                    if (sum[p][i] != formula(&d, p, i, &want_clipped))
                        fail_msg("%s, seed %u, pixel %u, image %u: %d", *name, seed, p, i,
                                 sum[p][i]);
            assert_int_equal(n_clipped, want_clipped);
        }
}

/* ---- codes of any step ---- */

/* A pixel of four rows, whose bits come in two digits. */
struct coded {
    uint8_t                   index[SLICED_LANES_INDEX]; // [bit][image]
    uint8_t                   row[SLICED_LANES_QUAD];    // digits of the weights
    struct sliced_lanes_digit digit[2];
    struct sliced_lanes_code  code[2];
};

static struct sliced_lanes_code code_of(int32_t step, uint32_t bits, bool both_signs)
{
    int32_t most = both_signs ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;

    return (struct sliced_lanes_code){
        .step = (float)step, .over_step = step & (step - 1) ? 0 : 1 / (float)step,
        .least = both_signs ? -most - 1 : 0, .most = most, .factor = step };
}

/* Nearest multiple of the step, of two the even one, in integers. */
static int32_t nearest(int32_t sum, int32_t step)
{
    int32_t down = sum >= 0 ? sum / step : -((-sum + step - 1) / step);
    int32_t twice = 2 * (sum - down * step);

    return down + (twice > step || (twice == step && down % 2 != 0));
}

static int32_t sum_of(const struct coded *d, uint32_t digit, uint32_t image)
{
    const struct sliced_lanes_digit *g = &d->digit[digit];
    int32_t sum = 0;

    for (uint32_t b = 0; b < g->n; b++)
        for (uint32_t r = 0; r < SLICED_LANES_QUAD; r++)
            sum += g->weight[b] * d->row[r] *
                   (d->index[(g->first + b) * SLICED_LANES_IMAGES + image] >> r & 1);
    return sum;
}

/* out[image] of a kernel; returns how many codes it says were clipped. */
static uint64_t run_codes(const struct sliced_lanes_kernel *k, const struct coded *d,
                          uint32_t n_digit, int32_t *out)
{
    uint8_t row[SLICED_LANES_QUAD][SLICED_LANES_QUAD] = { { 0 } };
    uint8_t table[SLICED_LANES_QUAD * SLICED_LANES_TABLE];

    memcpy(row[0], d->row, sizeof d->row);
    k->tables(row[0], SLICED_LANES_QUAD, table);
    memset(out, 0, SLICED_LANES_IMAGES * sizeof *out);
    return k->codes(&(struct sliced_lanes_codes){
        .index = d->index, .table = table, .n = 1, .quads = 1, .table_quads = SLICED_LANES_QUAD,
        .n_slice = 1, .n_image = SLICED_LANES_IMAGES, .full = 1, .digit = d->digit,
        .n_digit = n_digit, .code = d->code, .sum = out, .sum_apart = SLICED_LANES_IMAGES });
}

static void codes_of_the_table_tie_to_even_and_are_clipped(void **state)
{
    static const int32_t sum[] = { -45, -35, -25, -15, -5, 4, 5, 6, 15, 25, 26, 35, 36 };
    static const int32_t want[] = { -4, -4, -2, -2, 0, 0, 0, 1, 2, 2, 3, 3, 3 };
    struct coded d = { .digit = { { .first = 0, .n = 2, .weight = { 1, -1 } } },
                       .code = { code_of(10, 3, true) } };
    int32_t out[SLICED_LANES_IMAGES];

    (void)state;
    for (const char *const *name = simd_names(); *name; name++)
        for (size_t i = 0; i < sizeof sum / sizeof *sum; i++) {
            d.row[0] = (uint8_t)abs(sum[i]);
            memset(d.index, 0, sizeof d.index); // of image 3 alone the row is on
            d.index[(sum[i] < 0 ? 1 : 0) * SLICED_LANES_IMAGES + 3] = 1;
            uint64_t clipped = run_codes(sliced_lanes_kernel(*name), &d, 1, out);
            assert_int_equal(out[3], 10 * want[i]);
            assert_int_equal(out[2], 0);
            assert_int_equal(clipped, sum[i] >= 35);
        }
}

static void codes_of_any_step_are_those_of_integers(void **state)
{
    uint32_t at = 7;

    (void)state;
    for (uint32_t seed = 0; seed < 2000; seed++)
        for (const char *const *name = simd_names(); *name; name++) {
            bool is_signed = seed % 2;
            uint32_t n = 1 + seed % 4, bits = 2 + seed % 7;
            int32_t step = 1 + (int32_t)(draw(&at) % 40), other = 1 + (int32_t)(draw(&at) % 40);
            struct coded d = { .digit = { { .first = 0, .n = n }, { .first = n, .n = n } },
                               .code = { code_of(step, bits, false),
                                         code_of(other, bits, is_signed) } };
            int32_t out[SLICED_LANES_IMAGES];
            uint64_t want_clipped = 0;
            for (uint32_t b = 0; b < n; b++)
                d.digit[0].weight[b] = d.digit[1].weight[b] = 1 << b;
            if (is_signed)
                d.digit[1].weight[n - 1] = -(1 << (n - 1));
            for (size_t i = 0; i < sizeof d.index; i++)
                d.index[i] = (uint8_t)(draw(&at) % 16);
            for (uint32_t r = 0; r < SLICED_LANES_QUAD; r++)
                d.row[r] = (uint8_t)(draw(&at) % (SLICED_LANES_MOST_DIGIT + 1));
            uint64_t clipped = run_codes(sliced_lanes_kernel(*name), &d, 2, out);
            for (uint32_t i = 0; i < SLICED_LANES_IMAGES; i++) {
                int32_t want = 0;
                for (uint32_t k = 0; k < 2; k++) {
                    const struct sliced_lanes_code *c = &d.code[k];
                    int32_t code = nearest(sum_of(&d, k, i), c->factor);
                    want_clipped += code < c->least || code > c->most;
                    code = code < c->least ? c->least : code > c->most ? c->most : code;
                    want += c->factor * code;
                }
                assert_int_equal(out[i], want);
            }
            assert_int_equal(clipped, want_clipped);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_of_the_table_tie_to_even_and_are_clipped),
        cmocka_unit_test(codes_of_any_step_are_those_of_integers),
        cmocka_unit_test(kernels_give_what_the_formula_says),
        cmocka_unit_test(random_machines_clip_and_classify_as_through_the_chip),
        cmocka_unit_test(any_codes_clip_and_classify_as_through_the_chip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
