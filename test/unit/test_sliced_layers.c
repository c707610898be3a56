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
#include "test/dice.h"
#include "test/random_study.h"

enum { N_STUDY = 500 };

/* ---- machines ---- */

static const struct drawn_cell {
    const char *name;
    enum cell_scheme scheme;
    uint32_t most_bits; // of a weight
} cells[] = {
    { "differential", CELL_SIGNED, 8 }, { "pair", CELL_SIGNED, 2 },
    { "reference", CELL_SIGNED, 1 },    { "sliced", CELL_SIGNED, 8 },
    { "sliced", CELL_OFFSET, 8 },       { "sram", CELL_SIGNED, 8 },
};

enum { N_CELL = sizeof cells / sizeof *cells };

static bool keeps_the_least(const struct drawn_cell *c)
{
    return c->scheme == CELL_OFFSET || strcmp(c->name, "sliced") != 0;
}

/* Weights that a cell keeps, of so many bits, and scales that make as much of them. */
static void narrow_weights(struct network *n, const struct drawn_cell *cell, uint32_t bits)
{
    const int32_t most = (1 << (bits - 1)) - 1;
    const int32_t least = bits == 8 && keeps_the_least(cell) ? -128 : -most;

    for (uint32_t i = 1; i < n->n_layer; i++) {
        struct layer *l = &n->layer[i];
        const size_t size = l->weight ? layer_kernel_rows(l) * (size_t)l->out.channels : 0;
        for (size_t k = 0; k < size; k++) {
            int32_t w = l->weight[k] / (1 << (8 - bits));
            l->weight[k] = (int8_t)(bits == 1 ? (w < 0 ? -1 : 1) : w < least ? least : w);
        }
        l->weight_bits = size > 0 ? bits : 0;
        for (uint32_t o = 0; size > 0 && o < layer_n_scale(l); o++) {
            l->requant.shift[o] -= (uint8_t)(8 - bits);
            l->requant.b[o] >>= 8 - bits;
            if (l->requant.mr)
                l->requant.mr[o] >>= 8 - bits;
        }
    }
}

static void draw_cell(struct dice *d, struct random_study *s)
{
    struct crossbar_cfg *x = &s->config.crossbar;
    const struct drawn_cell *c = &cells[pick(d, 0, N_CELL - 1)];
    uint32_t bits = chance(d, 2) ? pick(d, 1, c->most_bits) : c->most_bits;

    snprintf(x->cell, sizeof x->cell, "%s", c->name);
    x->scheme = c->scheme;
    x->cell_bits = pick(d, 0, 8);
    s->config.readout.separate =
        (strcmp(c->name, "differential") == 0 || strcmp(c->name, "pair") == 0) && chance(d, 2);
    narrow_weights(&s->network, c, bits);
    if (chance(d, 4) && c->most_bits == 8)
        s->network.least.weight_bits = pick(d, 8, 16);
}

static void draw_rows(struct dice *d, struct crossbar_cfg *x)
{
    x->rows_at_once = chance(d, 4) ? pick(d, 1, 40) : 0;
    x->rows = chance(d, 4) ? pick(d, 3, 13) : pick(d, 60, 300); // few: parts begin inside channels
    x->columns = 300;
    if (chance(d, 5)) { // of a bit of each of 8, or nearly
        x->rows = 128;
        x->cell_bits = 1;
    }
}

/* Codes whose step is 1 and that end soon, or any. */
static void draw_codes(struct dice *d, struct random_study *s, bool any)
{
    struct readout_cfg *r = &s->config.readout;

    snprintf(r->kind, sizeof r->kind, "adc");
    r->columns_per_adc = 1;
    s->config.crossbar.input_slice_bits = any ? pick(d, 1, 9) : 1;
    r->bits = any ? pick(d, 1, 12) : pick(d, 2, 7);
    r->range = (1U << r->bits) - 1;
    if (any && chance(d, 4)) { // drawn in draw_ranges()
        r->range = RANGE_PERCENTILE;
        snprintf(s->config.calibration.images, sizeof s->config.calibration.images, "none");
    } else if (any && chance(d, 2)) {
        r->range = chance(d, 3) ? RANGE_FULL : pick(d, 1, 3000);
    }
    r->per = chance(d, 2) ? PER_CORE : PER_COLUMN;
}

/* A machine whose codes can clip; false: the network does not fit, or its layers are not alone on
 * their cores. */
static bool make_sliced(struct random_study *s, bool any)
{
    struct dice d = { .state = s->seed ^ UINT64_C(0x736c69636564) };
    struct err_msg m;

    plan_release(&s->plan);
    draw_cell(&d, s);
    draw_rows(&d, &s->config.crossbar);
    draw_codes(&d, s, any);
    return plan_make(&s->plan, &s->network, &s->config, &m) == ERR_NONE;
}

/* ---- what has been drawn ---- */

struct tally { // of machines that clip
    uint32_t cell[N_CELL], bits[32], apart, slices_128x8, replicas, copies, few_rows, calibrated;
    uint32_t calibrated_copies, wide;
};

static void count_machine(struct tally *t, const struct random_study *s)
{
    const struct crossbar_cfg *x = &s->config.crossbar;
    const struct array_spec *a = &s->plan.layer[0].array;
    const bool calibrated = s->config.readout.range == RANGE_PERCENTILE;
    bool replicas = false, copies = false, wide = false;

    for (uint32_t i = 0; i < N_CELL; i++)
        t->cell[i] += strcmp(cells[i].name, x->cell) == 0 && cells[i].scheme == x->scheme;
    for (uint32_t i = 0; i < s->plan.n_layer; i++) {
        replicas |= s->plan.layer[i].replicas.n > 1;
        copies |= s->plan.layer[i].copies > 1;
        wide |= s->plan.layer[i].array.reads.input_bits > 8;
    }
    t->bits[s->config.readout.bits]++;
    t->apart += s->config.readout.separate;
    t->slices_128x8 += x->rows == 128 && a->layout.n_slice == 8;
    t->replicas += replicas;
    t->copies += copies;
    t->few_rows += x->rows_at_once > 0;
    t->calibrated += calibrated;
    t->calibrated_copies += calibrated && copies;
    t->wide += wide;
}

static void assert_all_drawn(const struct tally *t, uint32_t most_bits)
{
    for (uint32_t i = 0; i < N_CELL; i++)
        if (t->cell[i] < 3)
            fail_msg("%u machines of cell %s, scheme %d", t->cell[i], cells[i].name,
                     (int)cells[i].scheme);
    for (uint32_t b = 2; b <= most_bits; b++)
        if (t->bits[b] < 3)
            fail_msg("%u machines of codes of %u bits", t->bits[b], b);
    if (t->apart < 3 || t->slices_128x8 < 3 || t->replicas < 3 || t->copies < 3 ||
        t->few_rows < 3 || t->wide < 3)
        fail_msg("machines: apart %u, 128 x 8 slices %u, replicas %u, copies %u, few rows %u, "
                 "wide %u", t->apart, t->slices_128x8, t->replicas, t->copies, t->few_rows,
                 t->wide);
    if (most_bits == 12 && (t->calibrated < 3 || t->calibrated_copies < 3))
        fail_msg("calibrated %u, of copies %u", t->calibrated, t->calibrated_copies);
}

/* ---- runs ---- */

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
            fail_msg("seed %u, %s, core %u: %llu clipped, want %llu", s->seed,
                     simd ? simd : "fastest", i,
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
    struct tally tally = { 0 };

    while (simd_names()[n_simd])
        n_simd++;
    for (unsigned seed = 1; seed <= n_study; seed++) {
        struct random_study s;
        if (seed % 3)
            random_study_make(&s, seed);
        else
            random_flat_study_make(&s, seed, false);
        struct ranges ranges = { 0 };
        bool fits = make_sliced(&s, any);
        if (fits && s.config.readout.range == RANGE_PERCENTILE)
            draw_ranges(&ranges, &s);
        const struct ranges *drawn = ranges.core ? &ranges : NULL;
        if (fits && !plan_is_exact(&s.plan) && sliced_by_layer(&s.plan, drawn)) {
            bool clips = assert_same_run(&s, drawn, 1 + seed % 20,
                                         simd_names()[seed / 7 % n_simd]) > 0;
            if (clips)
                count_machine(&tally, &s);
            n_clipping += clips;
            n++;
        }
        ranges_release(&ranges);
        random_study_release(&s);
    }
    if (n < n_study / 10 || n_clipping < n / 4)
        fail_msg("%u studies, %u of which clip", n, n_clipping);
    assert_all_drawn(&tally, any ? 12 : 7);
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

/* ---- many rows ---- */

enum { SIDE = 50, DEEP = 3, OUTPUTS = 3 }; // 7,500 rows

static void dense_network(struct network *n)
{
    struct dice d = { .state = 7 };

    *n = (struct network){ .name = strdup("dense"), .has_values = true, .n_layer = 2,
                           .layer = calloc(2, sizeof *n->layer) };
    n->layer[0] = (struct layer){ .name = strdup("image"), .groups = 1, .out_signed = true,
                                  .out = { SIDE, SIDE, DEEP } };
    struct layer *l = &n->layer[1];
    *l = (struct layer){ .name = strdup("fc"), .kind = LAYER_GEMM, .groups = 1, .n_input = 1,
                         .input = calloc(1, sizeof *l->input), .in = n->layer[0].out,
                         .out = { 1, 1, OUTPUTS }, .raw_output = true, .out_signed = true,
                         .window = { .kernel = { SIDE, SIDE }, .stride = { 1, 1 },
                                     .dilation = { 1, 1 } } };
    l->requant.m = calloc(OUTPUTS, sizeof *l->requant.m);
    l->requant.b = calloc(OUTPUTS, sizeof *l->requant.b);
    l->requant.shift = calloc(OUTPUTS, sizeof *l->requant.shift);
    l->requant.low = -128;
    l->requant.high = 127;
    l->weight = malloc(SIDE * SIDE * DEEP * OUTPUTS);
    for (uint32_t i = 0; i < SIDE * SIDE * DEEP * OUTPUTS; i++)
        l->weight[i] = (int8_t)((int32_t)pick(&d, 0, 254) - 127);
}

static void make_dense(struct random_study *s, uint32_t range)
{
    struct err_msg m;

    *s = (struct random_study){ 0 };
    dense_network(&s->network);
    assert_int_equal(config_load(&s->config, NULL, NULL, 0, &m), ERR_NONE);
    s->config.crossbar.rows = 8192;
    s->config.crossbar.input_slice_bits = 1;
    s->config.timestep_ns = 10000;
    s->config.memory.words = 1 << 20;
    s->config.fabric.link_bps = s->config.fabric.partial_sum_bps = UINT64_C(10000) * 1000000000;
    snprintf(s->config.crossbar.cell, sizeof s->config.crossbar.cell, "sliced");
    s->config.crossbar.cell_bits = 2;
    snprintf(s->config.readout.kind, sizeof s->config.readout.kind, "adc");
    s->config.readout.range = range;
    if (plan_make(&s->plan, &s->network, &s->config, &m))
        fail_msg("%s", m.text);
}

static void an_array_of_7500_rows_clips_as_through_the_chip(void **state)
{
    struct random_study s;

    (void)state;
    make_dense(&s, 1500);
    assert_int_equal(s.plan.n_core, 1);
    assert_true(sliced_by_layer(&s.plan, NULL));
    assert_true(assert_same_run(&s, NULL, 20, NULL) > 0);
    random_study_release(&s);
}

/* An input bit drives all rows: 255 weights of 1 in a column come to 255 at most. */
static void a_layer_whose_weights_reach_no_end_of_a_code_is_one_product(void **state)
{
    (void)state;
    for (uint32_t n_one = 255; n_one <= 256; n_one++) {
        struct random_study s;

        make_dense(&s, 255);
        for (uint32_t i = 0; i < SIDE * SIDE * DEEP * OUTPUTS; i++)
            s.network.layer[1].weight[i] = i < n_one;
        struct sliced_layers *l = sliced_layers_new(&s.plan, NULL, NULL);
        assert_non_null(l);
        assert_int_equal(sliced_layers_cores(l)[1].n, n_one - 255);
        assert_int_equal(assert_same_run(&s, NULL, 20, NULL), 0);
        sliced_layers_free(l);
        random_study_release(&s);
    }
}

/* ---- a column ---- */

enum { ROWS = 45, TERMS = 5, MOST_DIGIT_BITS = 4 };

static uint32_t draw(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

struct drawn { // terms of one list each for every bit and sign of their digits
    struct sliced_lanes_vector x[SLICED_LANES_WORDS * MOST_DIGIT_BITS][ROWS + 1];
    int32_t digit[TERMS][ROWS], factor[TERMS];
    struct converter converter[TERMS];
    struct sliced_lanes_pass pass;
    struct sliced_lanes_tile tile;
    struct sliced_lanes_term term[TERMS];
    struct sliced_lanes_list list[TERMS * 2 * 6];
    uint16_t at[TERMS * 2 * 6 * (ROWS + SLICED_LANES_PAD)];
    struct sliced_lanes_column column;
    uint32_t n_list, n_at;
};

static void list_rows(struct drawn *d, uint32_t term, bool negative, uint32_t bit)
{
    struct sliced_lanes_list *l = &d->list[d->n_list];

    *l = (struct sliced_lanes_list){ .first = d->n_at, .bit = (uint8_t)bit, .negative = negative };
    for (uint32_t r = 0; r < ROWS; r++)
        if ((d->digit[term][r] < 0) == negative && abs(d->digit[term][r]) >> bit & 1)
            d->at[d->n_at++] = (uint16_t)(r * SLICED_LANES_AT);
    while ((d->n_at - l->first) % SLICED_LANES_PAD)
        d->at[d->n_at++] = ROWS * SLICED_LANES_AT;
    l->n = d->n_at - l->first;
    d->n_list += l->n > 0;
}

/* Sums that the digits of a term can come to. */
static struct sliced_lanes_reach reach_of(const struct drawn *d, uint32_t term)
{
    int64_t top = d->pass.both_signs ? 1 << (d->pass.bits - 1) : 0;
    int64_t up = (1 << d->pass.bits) - 1 - top;
    struct sliced_lanes_reach r = { 0 };

    for (uint32_t i = 0; i < ROWS; i++) {
        int64_t digit = d->digit[term][i];
        r.plus += digit > 0 ? digit * up : -digit * top;
        r.minus += digit > 0 ? digit * top : -digit * up;
    }
    return r;
}

/* A converter whose codes end at the sums' own ends, or one step before. */
static struct converter draw_converter(uint32_t *state, const struct sliced_lanes_reach *r,
                                       bool both_signs)
{
    bool any_step = draw(state) % 3;
    const int64_t step = any_step ? 1 + (int64_t)(draw(state) % 9) : 1 << draw(state) % 5;
    int64_t most = r->plus / step - draw(state) % 2;
    int64_t least = both_signs ? -(r->minus / step) + draw(state) % 2 : 0;

    if (draw(state) % 3 == 0)
        most /= 2;

    return (struct converter){ step, least > 0 ? 0 : least, most < 0 ? 0 : most };
}

static void draw_term(struct drawn *d, uint32_t term, uint32_t *state)
{
    bool negative = draw(state) % 2, signs = negative || d->pass.both_signs;
    int32_t sign = draw(state) % 2 ? 1 : -1;
    int32_t places = 1 << draw(state) % 8;
    struct sliced_lanes_term *t = &d->term[term];

    for (uint32_t r = 0; r < ROWS; r++) {
        int32_t digit = (int32_t)(draw(state) % 32);
        bool minus = negative && draw(state) % 2;
        d->digit[term][r] = minus ? -digit : digit;
    }
    const struct sliced_lanes_reach reach = reach_of(d, term);
    d->converter[term] = draw_converter(state, &reach, signs);
    d->factor[term] = sign * places;
    *t = sliced_lanes_term_of(&reach, &d->converter[term], d->factor[term]);
    t->first = d->n_list;
    for (uint32_t b = 0; b < 5; b++) {
        list_rows(d, term, false, b);
        list_rows(d, term, true, b);
    }
    t->n = d->n_list - t->first;
    t->total = (uint8_t)term;
    d->column.step[term] = (int32_t)t->step;
}

static void draw_column(struct drawn *d, uint32_t seed)
{
    uint32_t state = seed, groups = 1U << seed % 5; // and no more than 16 bits in all

    memset(d, 0, sizeof *d);
    d->pass = (struct sliced_lanes_pass){
        .first = seed % 3, .bits = min_u32(1 + seed / 5 % MOST_DIGIT_BITS, 16 / groups),
        .n = groups, .times = 1 };
    if (seed % 3 == 0)
        d->pass = (struct sliced_lanes_pass){ .bits = 1, .n = groups * (16 / groups),
                                              .top_negative = true, .times = 1 + seed % 4 };
    else if (groups == 1)
        d->pass.both_signs = d->pass.bits > 1;
    d->tile = (struct sliced_lanes_tile){ .pass = &d->pass, .x = d->x[0], .rows = ROWS,
                                          .groups = groups, .n = 1 + seed % (16 / groups),
                                          .n_image = 1 + seed / 7 % SLICED_LANES_IMAGES };
    for (uint32_t k = 0; k < d->pass.n / groups * d->pass.bits; k++)
        for (uint32_t r = 0; r < ROWS; r++)
            for (uint32_t w = 0; w < SLICED_LANES_WORDS; w++)
                d->x[k][r].word[w] = (uint16_t)(seed % 4 ? draw(&state) : 0xffff); // all rows on
    for (uint32_t i = 0; i < TERMS; i++)
        draw_term(d, i, &state);
    d->column.term = d->term;
    d->column.n_term = d->column.n_step = TERMS;
    d->column.list = d->list;
    d->column.at = d->at;
}

/* What the formula says of an image in a pixel. */
static int64_t formula(const struct drawn *d, uint32_t pixel, uint32_t image, uint64_t *n_clipped)
{
    const uint32_t groups = d->tile.groups, digits = d->pass.n / groups, bits = d->pass.bits;
    int64_t out = 0;

    for (uint32_t i = 0; i < d->pass.n; i++)
        for (uint32_t j = 0; j < TERMS; j++) {
            bool top = d->pass.top_negative && i == d->pass.n - 1;
            int64_t sum = 0, weight = (INT64_C(1) << (d->pass.first + i * bits)) * d->factor[j];
            for (uint32_t r = 0; r < ROWS; r++)
                for (uint32_t b = 0; b < bits; b++) {
                    uint32_t word = i / digits * (16 / groups) + pixel;
                    int64_t on = d->x[i % digits * bits + b][r].word[word] >> image & 1;
                    sum += (d->pass.both_signs && b == bits - 1 ? -on : on) *
                           d->digit[j][r] * (1 << b);
                }
            *n_clipped += !converter_clips(&d->converter[j], sum) ? 0 : top ? d->pass.times : 1;
            out += (top ? -weight : weight) * converter_code(&d->converter[j], sum);
        }
    return out;
}

static void columns_are_what_the_formula_says(void **state)
{
    uint64_t all_clipped = 0;

    (void)state;
    for (uint32_t seed = 0; seed < 600; seed++)
        for (const char *const *name = simd_names(); *name; name++) {
            static struct drawn d;
            int32_t sum[SLICED_LANES_WORDS][SLICED_LANES_IMAGES] = { { 0 } };
            uint64_t want = 0;
            draw_column(&d, seed);
            uint64_t n_clipped =
                sliced_lanes_kernel(*name)->column(&d.tile, &d.column, sum[0], SLICED_LANES_IMAGES);
            for (uint32_t p = 0; p < d.tile.n; p++)
                for (uint32_t i = 0; i < d.tile.n_image; i++)
                    if (sum[p][i] != (int32_t)formula(&d, p, i, &want))
                        fail_msg("%s, seed %u, pixel %u, image %u: %d", *name, seed, p, i,
                                 sum[p][i]);
            assert_int_equal(n_clipped, want);
            all_clipped += want;
        }
    assert_true(all_clipped > 0);
}

static void bits_of_rows_are_those_of_their_bytes(void **state)
{
    uint8_t quad[SLICED_LANES_IMAGES][SLICED_LANES_QUAD];
    uint32_t at = 5;

    (void)state;
    for (uint32_t i = 0; i < sizeof quad; i++)
        quad[i / 4][i % 4] = (uint8_t)draw(&at);
    for (const char *const *name = simd_names(); *name; name++)
        for (uint32_t flip = 0; flip <= 0x80; flip += 0x80) {
            uint16_t to[SLICED_LANES_BITS][SLICED_LANES_QUAD];
            sliced_lanes_kernel(*name)->bits(quad[0], (uint8_t)flip, to);
            for (uint32_t b = 0; b < SLICED_LANES_BITS; b++)
                for (uint32_t i = 0; i < sizeof quad; i++)
                    assert_int_equal(to[b][i % 4] >> i / 4 & 1,
                                     (quad[i / 4][i % 4] ^ flip) >> b & 1);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_of_rows_are_those_of_their_bytes),
        cmocka_unit_test(columns_are_what_the_formula_says),
        cmocka_unit_test(random_machines_clip_and_classify_as_through_the_chip),
        cmocka_unit_test(any_codes_clip_and_classify_as_through_the_chip),
        cmocka_unit_test(a_layer_whose_weights_reach_no_end_of_a_code_is_one_product),
        cmocka_unit_test(an_array_of_7500_rows_clips_as_through_the_chip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
