#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/simd.h"
#include "arch/units/sliced_array.h"
#include "core/util.h"

enum { MOST_ROWS = 400, MOST_OUTPUTS = 20 };

struct lcg { // a generator of the test's own
    uint64_t state;
};

static uint32_t next(struct lcg *g, uint32_t n)
{
    g->state = g->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((g->state >> 33) % n);
}

struct adc { // what the test asks of a converter, as analog.md writes it down
    uint32_t bits;
    int64_t  step;
};

static struct converter make_converter(const void *user, uint32_t j, uint32_t output,
                                       bool both_signs)
{
    const struct adc *adc = user;
    int64_t half = INT64_C(1) << (adc->bits - 1);

    (void)j, (void)output;
    return both_signs ? (struct converter){ adc->step, -half, half - 1 }
                      : (struct converter){ adc->step, 0, 2 * half - 1 };
}

/* ---- by hand ---- */

static const int32_t weights_by_hand[] = { 13, 7, 10, 15 };
static const uint8_t inputs_by_hand[] = { 5, 3, 7, 6 };

static int64_t by_hand(const struct adc *adc, uint64_t *clipped)
{
    const struct sliced_array_cfg cfg = {
        .rows = 4, .outputs = 1, .input_bits = 3, .input_slice_bits = 1, .rows_at_once = 4,
        .cell = &cell_sliced, .weights = { .weight_bits = 4, .cell_bits = 2 },
        .converter = adc ? make_converter : NULL, .user = adc,
    };
    struct sliced_array a;
    int64_t out;

    assert_true(sliced_array_init(&a, &cfg, weights_by_hand, NULL));
    *clipped = sliced_array_read(&a, inputs_by_hand);
    out = 13 * 5 + 7 * 3 + 10 * 7 + 15 * 6 + a.differ[0];
    sliced_array_release(&a);
    return out;
}

static void four_products_by_hand(void **state)
{
    uint64_t clipped;

    (void)state;
    assert_int_equal(by_hand(NULL, &clipped), 13 * 5 + 7 * 3 + 10 * 7 + 15 * 6);
    assert_int_equal(clipped, 0);
    /* S = 6 8 6 of the low digits, 6 6 8 of the high: a code of 3 bits ends at 7 */
    assert_int_equal(by_hand(&(struct adc){ 3, 1 }, &clipped), 228);
    assert_int_equal(clipped, 2);
    assert_int_equal(by_hand(&(struct adc){ 2, 3 }, &clipped), 264);
    assert_int_equal(clipped, 0);
    assert_int_equal(by_hand(&(struct adc){ 1, 8 }, &clipped), 280);
    assert_int_equal(clipped, 0);
}

static void a_converter_rounds_ties_to_even_and_keeps_to_its_codes(void **state)
{
    static const int64_t sum[] = { -45, -35, -25, -15, -5, 4, 5, 6, 15, 25, 26, 35, 36 };
    static const int64_t want[] = { -4, -4, -2, -2, 0, 0, 0, 1, 2, 2, 3, 3, 3 };
    const struct converter c = { 10, -4, 3 };

    (void)state;
    for (size_t i = 0; i < sizeof sum / sizeof *sum; i++) {
        assert_int_equal(converter_code(&c, sum[i]), 10 * want[i]);
        assert_int_equal(converter_clips(&c, sum[i]), sum[i] >= 35);
    }
}

static void a_converter_reaches_its_range(void **state)
{
    (void)state;
    struct converter c = converter_of(24, 256 * 127 * 255, true);
    assert_int_equal(c.step, 1); // 8,290,560 < 2^23
    assert_true(converter_passes(&c, -256 * 127 * 255, 256 * 127 * 255));
    assert_false(converter_passes(&c, -(INT64_C(1) << 23) - 1, 0));
    assert_false(converter_passes(&c, 0, INT64_C(1) << 23));
    c = converter_of(24, 512 * 127 * 255, true);
    assert_int_equal(c.step, 2); // 24 bits do not do for 512 rows
    c = converter_of(8, 384, false); // ISAAC: 128 rows of 2 bits
    assert_int_equal(c.step, 2);
    assert_int_equal(c.most, 255);
}

/* ---- a naive twin: the formula, element by element ---- */

struct design {
    struct sliced_array_cfg cfg;
    struct adc adc;
    int32_t weight[MOST_ROWS * MOST_OUTPUTS], x[MOST_ROWS];
};

static int64_t naive_code(const struct design *d, bool both_signs, int64_t sum, uint64_t *clipped)
{
    if (d->adc.bits == 0)
        return sum;
    /* round half to even, by trying every code around */
    int64_t step = d->adc.step, best = 0, code;
    bool found = false;
    for (code = sum / step - 2; code <= sum / step + 2; code++) {
        int64_t off = 2 * llabs(code * step - sum), best_off = 2 * llabs(best * step - sum);
        if (!found || off < best_off || (off == best_off && code % 2 == 0))
            best = code;
        found = true;
    }
    int64_t half = INT64_C(1) << (d->adc.bits - 1);
    int64_t least = both_signs ? -half : 0, most = both_signs ? half - 1 : 2 * half - 1;
    *clipped += best < least || best > most;
    return step * (best < least ? least : best > most ? most : best);
}

/* Digits of a weight as the specification describes each cell, one column after the other. */
struct naive_column {
    int64_t factor, digit;
    bool both_signs;
};

static uint32_t naive_columns(const struct design *d, int32_t w, struct naive_column *c,
                              int64_t *ones)
{
    const struct cell_cfg *cfg = &d->cfg.weights;
    uint32_t n = 0, bits = cfg->weight_bits, step = cfg->cell_bits;

    *ones = 0;
    bool apart = cfg->separate && d->cfg.cell != &cell_reference && cfg->weight_signed;
    if (apart && d->cfg.cell != &cell_sliced && d->cfg.cell != &cell_sram) {
        c[0] = (struct naive_column){ 1, w > 0 ? w : 0, false };
        c[1] = (struct naive_column){ -1, w < 0 ? -w : 0, false };
        return 2;
    }
    if (d->cfg.cell != &cell_sliced && d->cfg.cell != &cell_sram) {
        c[0] = (struct naive_column){ 1, w, true };
        if (d->cfg.cell == &cell_differential && !cfg->weight_signed)
            c[0].both_signs = false;
        return 1;
    }
    if (cfg->weight_signed && bits == 1 &&
        (d->cfg.cell == &cell_sram || cfg->scheme == CELL_OFFSET)) {
        *ones = -1;
        c[0] = (struct naive_column){ 2, (w + 1) / 2, false };
        return 1;
    }
    if (d->cfg.cell == &cell_sram) {
        for (uint32_t b = 0; b < bits; b++)
            c[n++] = (struct naive_column){
                cfg->weight_signed && b == bits - 1 ? -(INT64_C(1) << b) : INT64_C(1) << b,
                ((int64_t)w >> b) & 1, false };
        return n;
    }
    bool split = cfg->weight_signed && cfg->scheme == CELL_SIGNED;
    int64_t value = w;
    if (cfg->weight_signed && !split) {
        *ones = -(INT64_C(1) << (bits - 1));
        value -= *ones;
    }
    if (split && bits > 1)
        bits--;
    if (step == 0 || step > bits)
        step = bits;
    for (uint32_t at = 0; at < bits; at += step) {
        int64_t mask = (INT64_C(1) << (at + step > bits ? bits - at : step)) - 1;
        if (split) {
            c[n++] = (struct naive_column){ INT64_C(1) << at, w > 0 ? (w >> at) & mask : 0, false };
            c[n++] = (struct naive_column){ -(INT64_C(1) << at), w < 0 ? (-w >> at) & mask : 0,
                                            false };
        } else {
            c[n++] = (struct naive_column){ INT64_C(1) << at, (value >> at) & mask, false };
        }
    }
    return n;
}

static int64_t naive_digit(const struct design *d, int32_t x, uint32_t first, uint32_t n)
{
    int64_t digit = ((int64_t)x >> first) & ((INT64_C(1) << n) - 1);

    if (d->cfg.input_signed && first + n == d->cfg.input_bits && digit >> (n - 1))
        digit -= INT64_C(1) << n;
    return digit;
}

static int64_t naive_output(const struct design *d, uint32_t o, uint64_t *clipped,
                            uint64_t *ones_clipped)
{
    const struct sliced_array_cfg *c = &d->cfg;
    int64_t out = 0;

    for (uint32_t g = 0; g < c->rows; g += c->rows_at_once)
        for (uint32_t first = 0; first < c->input_bits; first += c->input_slice_bits) {
            uint32_t n = min_u32(c->input_slice_bits, c->input_bits - first);
            bool top = c->input_signed && first + n == c->input_bits;
            int64_t sum[CELL_MOST_SLICES] = { 0 }, n_x = 0, ones = 0;
            int64_t sign = top && n == 1 ? -1 : 1; // one bit: the digital side subtracts
            struct naive_column column[CELL_MOST_SLICES];
            uint32_t n_column = 0;
            for (uint32_t r = g; r < c->rows && r < g + c->rows_at_once; r++) {
                int64_t digit = sign * naive_digit(d, d->x[r], first, n);
                n_column = naive_columns(d, d->weight[r * c->outputs + o], column, &ones);
                for (uint32_t j = 0; j < n_column; j++)
                    sum[j] += digit * column[j].digit;
                n_x += digit;
            }
            bool negative = top && n > 1;
            for (uint32_t j = 0; j < n_column; j++)
                out += sign * (INT64_C(1) << first) * column[j].factor *
                       naive_code(d, negative || column[j].both_signs, sum[j], clipped);
            if (ones)
                out += sign * (INT64_C(1) << first) * ones *
                       naive_code(d, negative, n_x, ones_clipped);
        }
    return out;
}

static int64_t exact_output(const struct design *d, uint32_t o)
{
    int64_t sum = 0;

    for (uint32_t r = 0; r < d->cfg.rows; r++)
        sum += (int64_t)d->x[r] * d->weight[r * d->cfg.outputs + o];
    return sum;
}

static uint64_t multiply(struct sliced_array *a, const struct design *d, int64_t *out)
{
    uint16_t wide[MOST_ROWS];
    uint8_t byte[MOST_ROWS];

    for (uint32_t r = 0; r < d->cfg.rows; r++) {
        wide[r] = (uint16_t)d->x[r];
        byte[r] = (uint8_t)d->x[r];
    }
    uint64_t n = sliced_array_read(a, d->cfg.input_bits > 8 ? (const void *)wide : byte);
    for (uint32_t o = 0; o < d->cfg.outputs; o++)
        out[o] = exact_output(d, o) + a->differ[o];
    return n;
}

static int32_t between(struct lcg *g, int32_t least, int32_t most)
{
    return least + (int32_t)next(g, (uint32_t)(most - least + 1));
}

/* Random weights and inputs, now and then at their ends. */
static void fill(struct design *d, struct lcg *g, const struct cell_layout *l)
{
    const struct sliced_array_cfg *c = &d->cfg;
    int32_t least = c->input_signed ? -(INT32_C(1) << (c->input_bits - 1)) : 0;
    int32_t most = (INT32_C(1) << (c->input_bits - c->input_signed)) - 1;
    bool one_bit = c->weights.weight_bits == 1 && c->weights.weight_signed;

    for (uint32_t i = 0; i < c->rows * c->outputs; i++) {
        d->weight[i] = next(g, 8) ? between(g, l->least, l->most) : next(g, 2) ? l->least : l->most;
        if (d->weight[i] == 0 && one_bit && c->cell != &cell_pair)
            d->weight[i] = 1;
    }
    for (uint32_t r = 0; r < c->rows; r++)
        d->x[r] = next(g, 4) ? between(g, least, most) : next(g, 2) ? most : 0;
}

static uint32_t n_kind(void)
{
    uint32_t n = 0;

    while (cell_kinds[n])
        n++;
    return n;
}

static void make(struct design *d, struct lcg *g)
{
    struct sliced_array_cfg *c = &d->cfg;
    struct cell_layout l;
    struct err_msg m;

    do {
        *c = (struct sliced_array_cfg){
            .rows = 1 + next(g, next(g, 4) ? 24 : MOST_ROWS), .outputs = 1 + next(g, MOST_OUTPUTS),
            .input_bits = 1 + next(g, next(g, 3) ? 8 : 16), .input_signed = next(g, 2),
            .cell = cell_kinds[next(g, n_kind())],
            .weights = { 1 + next(g, next(g, 3) ? 8 : 16), next(g, 2), next(g, 9),
                         next(g, 2) ? CELL_OFFSET : CELL_SIGNED, next(g, 2) },
        };
        c->input_slice_bits = 1 + next(g, c->input_bits);
        c->rows_at_once = 1 + next(g, c->rows);
    } while (cell_layout(c->cell, &c->weights, &l, &m));
    fill(d, g, &l);
    d->adc = (struct adc){ next(g, 3) ? 1 + next(g, 12) : 0, 1 };
    if (d->adc.bits && next(g, 2))
        d->adc.step = 1 + next(g, 40);
    c->converter = d->adc.bits ? make_converter : NULL;
    c->user = &d->adc;
}

static void check_arrays(uint64_t seed)
{
    static struct design d;
    struct lcg g = { seed };
    int64_t out[MOST_OUTPUTS];

    for (int i = 0; i < 1000; i++) {
        make(&d, &g);
        for (const char *const *kernel = simd_names(); *kernel; kernel++) {
            struct sliced_array a;
            assert_true(sliced_array_init(&a, &d.cfg, d.weight, *kernel));
            uint64_t clipped = multiply(&a, &d, out), want_clipped = 0, of_ones = 0;
            for (uint32_t o = 0; o < d.cfg.outputs; o++) {
                of_ones = 0;
                int64_t want = naive_output(&d, o, &want_clipped, &of_ones);
                if (out[o] != want)
                    fail_msg("design %d, %s, %s, output %u: %lld, not %lld", i, *kernel,
                             d.cfg.cell->name, o, (long long)out[o], (long long)want);
            }
            assert_int_equal(clipped, want_clipped + of_ones);
            sliced_array_release(&a);
        }
    }
}

static void any_array_gives_what_its_formula_says(void **state)
{
    (void)state;
    for (uint64_t seed = 15; seed <= (getenv("IMCSIM_ALL_ARRAYS") ? 65U : 15U); seed++)
        check_arrays(seed);
}

static void exact_codes_give_the_plain_product(void **state)
{
    static struct design d;
    struct lcg g = { 16 };
    int64_t out[MOST_OUTPUTS];

    (void)state;
    for (int i = 0; i < 300; i++) {
        struct sliced_array a;
        make(&d, &g);
        d.cfg.converter = NULL;
        assert_true(sliced_array_init(&a, &d.cfg, d.weight, NULL));
        assert_int_equal(multiply(&a, &d, out), 0);
        for (uint32_t o = 0; o < d.cfg.outputs; o++)
            assert_int_equal(out[o], exact_output(&d, o));
        sliced_array_release(&a);
    }
}

/* ---- columns and refusals ---- */

static struct cell_layout layout_of(const struct cell *cell, struct cell_cfg cfg)
{
    struct cell_layout l;
    struct err_msg m;

    if (cell_layout(cell, &cfg, &l, &m))
        fail_msg("%s: %s", cell->name, m.text);
    return l;
}

static struct cell_cfg signed_bits(uint32_t n)
{
    return (struct cell_cfg){ .weight_bits = n, .weight_signed = true };
}

static void a_cell_takes_the_columns_of_its_slices(void **state)
{
    (void)state;
    assert_int_equal(layout_of(&cell_differential, signed_bits(8)).columns, 1);
    assert_int_equal(layout_of(&cell_pair, signed_bits(1)).columns, 2);
    assert_int_equal(layout_of(&cell_reference, signed_bits(1)).columns, 1);
    /* ISAAC: 16 bits in digits of 2, less 2^15 by the column of ones */
    struct cell_layout isaac =
        layout_of(&cell_sliced, (struct cell_cfg){ 16, true, 2, CELL_OFFSET, false });
    assert_int_equal(isaac.columns, 8);
    assert_int_equal(isaac.ones, -32768);
    /* 7 bits of magnitude in digits of 2, of either sign; the last has one bit */
    struct cell_layout two =
        layout_of(&cell_sliced, (struct cell_cfg){ 8, true, 2, CELL_SIGNED, false });
    assert_int_equal(two.columns, 8);
    assert_int_equal(two.slice[6].most, 1);
    assert_int_equal(two.least, -127);
    assert_int_equal(layout_of(&cell_sliced, signed_bits(8)).columns, 2);
    assert_int_equal(layout_of(&cell_sram, signed_bits(4)).columns, 4);
    assert_int_equal(layout_of(&cell_sram, signed_bits(1)).columns, 1);
}

/* w = ones + sum of factor * digit, of digits that a column can hold: whatever cells there are. */
static void check_digits(const struct cell *cell, const struct cell_cfg *cfg)
{
    struct cell_layout l;
    struct err_msg m;

    if (cell_layout(cell, cfg, &l, &m)) // it does not keep such weights
        return;
    assert_in_range(l.n_slice, 1, CELL_MOST_SLICES);
    for (int64_t w = l.least; w <= l.most; w++) {
        int64_t sum = l.ones;
        for (uint32_t j = 0; j < l.n_slice; j++) {
            int32_t digit = cell->digit(cfg, j, (int32_t)w);
            sum += (int64_t)l.slice[j].factor * digit;
            if (digit < l.slice[j].least || digit > l.slice[j].most)
                fail_msg("%s: digit %u of %d is %d", cell->name, j, (int)w, digit);
        }
        if (sum != w && (w != 0 || l.zero))
            fail_msg("%s, %u bits, cells of %u: %d, not %d", cell->name, cfg->weight_bits,
                     cfg->cell_bits, (int)sum, (int)w);
    }
}

static void digits_of_every_cell_make_the_weight(void **state)
{
    (void)state;
    for (const struct cell *const *cell = cell_kinds; *cell; cell++)
        for (uint32_t bits = 1; bits <= CELL_MOST_WEIGHT_BITS; bits++)
            for (uint32_t kind = 0; kind < 8; kind++)
                for (uint32_t c = 0; c <= (kind < 4 ? bits : 0); c++) {
                    const struct cell_cfg cfg = { bits, kind % 2, c,
                                                  kind & 2 ? CELL_OFFSET : CELL_SIGNED, kind & 4 };
                    check_digits(*cell, &cfg);
                }
}

static void cells_of_one_bit_refuse_wider_weights(void **state)
{
    const struct cell_cfg eight = signed_bits(8), three = signed_bits(3);
    struct cell_layout l;
    struct err_msg m;

    (void)state;
    assert_int_equal(cell_layout(&cell_reference, &eight, &l, &m),
                     ERR_INPUT);
    assert_non_null(strstr(m.text, "weights of 8 bits"));
    assert_int_equal(cell_layout(&cell_pair, &three, &l, &m), ERR_INPUT);
    assert_int_equal(l.n_slice, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_products_by_hand),
        cmocka_unit_test(a_converter_rounds_ties_to_even_and_keeps_to_its_codes),
        cmocka_unit_test(a_converter_reaches_its_range),
        cmocka_unit_test(any_array_gives_what_its_formula_says),
        cmocka_unit_test(exact_codes_give_the_plain_product),
        cmocka_unit_test(a_cell_takes_the_columns_of_its_slices),
        cmocka_unit_test(digits_of_every_cell_make_the_weight),
        cmocka_unit_test(cells_of_one_bit_refuse_wider_weights),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
