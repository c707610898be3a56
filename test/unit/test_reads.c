#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/util.h"
#include "dataflow/crossbar/reads.h"

#define NS UINT64_C(1000000) // fs

static struct cell_layout layout_of(const struct cell *cell, const struct cell_cfg *cfg)
{
    struct cell_layout l;
    struct err_msg m;

    assert_int_equal(cell_layout(cell, cfg, &l, &m), ERR_NONE);
    return l;
}

/* Shafiee et al. 2016: 16-bit inputs bit by bit, 128 columns behind one converter of 1.28 GS/s. */
static void isaac_reads_sixteen_times_and_converts_meanwhile(void **state)
{
    const struct cell_cfg weights = { 16, true, 2, CELL_OFFSET, false };
    const struct cell_layout cell = layout_of(&cell_sliced, &weights);
    const struct reads_cfg cfg = { .input_bits = 16, .input_slice_bits = 1, .read_fs = 100 * NS,
                                   .converted = true, .conversion_fs = 781250,
                                   .columns_per_adc = 128, .pipelined = true };
    const struct reads r = reads_of(&cfg, &cell, 128, 16);

    (void)state;
    assert_int_equal(r.n, 16);
    assert_int_equal(r.time_fs, 1700 * NS);
    assert_int_equal(r.columns, 129); // 16 outputs of 8 columns, and the column of ones
    assert_int_equal(r.converters, 2);
    assert_int_equal(r.conversions, 16 * 129);
    assert_int_equal(reads_exact_bits(128, 1, 3), 9); // 384 passes 255
}

/* Pulses: one read, a converter a column, nothing shared. */
static void pulses_are_one_read(void **state)
{
    const struct cell_cfg weights = { .weight_bits = 8, .weight_signed = true };
    const struct cell_layout cell = layout_of(&cell_differential, &weights);
    const struct reads_cfg cfg = { .input_bits = 8, .input_slice_bits = 8, .read_fs = 100 * NS,
                                   .columns_per_adc = 1 };
    const struct reads r = reads_of(&cfg, &cell, 144, 16);

    (void)state;
    assert_int_equal(r.n, 1);
    assert_int_equal(r.time_fs, 100 * NS);
    assert_int_equal(r.conversions, 0);
    assert_int_equal(r.converters, 0);
}

/* A naive machine: the array reads, a converter takes its columns one after the other; the array
 * may read on when the columns of its last read have been taken over. */
static uint64_t naive_time(const struct reads_cfg *c, uint64_t n)
{
    uint64_t conv = c->converted ? c->columns_per_adc * c->conversion_fs : 0;
    uint64_t array_free = 0, converter_free = 0;

    for (uint64_t i = 0; i < n; i++) {
        uint64_t begin = c->pipelined ? array_free : max_u64(array_free, converter_free);
        uint64_t read = begin + c->read_fs, taken = max_u64(read, converter_free);
        converter_free = taken + conv;
        array_free = taken;
    }
    return converter_free;
}

static uint32_t draw(uint64_t *seed, uint32_t n)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33) % n;
}

static void the_time_of_a_product_is_that_of_its_reads_one_by_one(void **state)
{
    uint64_t seed = 3;

    (void)state;
    for (int i = 0; i < 500; i++) {
        const struct cell_cfg weights = { 1 + draw(&seed, 16), draw(&seed, 2), draw(&seed, 5),
                                          draw(&seed, 2) ? CELL_OFFSET : CELL_SIGNED, false };
        const struct cell_layout cell =
            layout_of(draw(&seed, 2) ? &cell_sliced : &cell_sram, &weights);
        const struct reads_cfg cfg = {
            .input_bits = 1 + draw(&seed, 16), .input_slice_bits = 1 + draw(&seed, 16),
            .rows_at_once = draw(&seed, 40),
            .read_fs = (1 + draw(&seed, 200)) * NS, .converted = draw(&seed, 4) != 0,
            .conversion_fs = 1 + draw(&seed, 3000000), .columns_per_adc = 1 + draw(&seed, 64),
            .pipelined = draw(&seed, 2),
        };
        uint32_t rows = 1 + draw(&seed, 300), outputs = 1 + draw(&seed, 64), n = 0;
        const struct reads r = reads_of(&cfg, &cell, rows, outputs);
        uint32_t at_once = cfg.rows_at_once ? cfg.rows_at_once : rows;

        for (uint32_t b = 0; b < cfg.input_bits; b += cfg.input_slice_bits)
            for (uint32_t row = 0; row < rows; row += at_once)
                n++;
        assert_int_equal(r.n, n);
        assert_int_equal(r.time_fs, naive_time(&cfg, n));
        assert_int_equal(r.conversions, cfg.converted ? (uint64_t)n * r.columns : 0);
    }
}

static void a_time_beyond_64_bits_is_the_largest(void **state)
{
    const struct cell_cfg weights = { .weight_bits = 8, .weight_signed = true };
    const struct cell_layout cell = layout_of(&cell_differential, &weights);
    const struct reads_cfg cfg = { .input_bits = 16, .input_slice_bits = 1, .rows_at_once = 1,
                                   .read_fs = UINT64_MAX / 2 };

    (void)state;
    assert_true(reads_of(&cfg, &cell, 8192, 1).time_fs == UINT64_MAX);
}

static void digits_are_summed_over_slices(void **state)
{
    struct reads_cfg cfg = { .input_bits = 8 };
    uint32_t sum[256];

    (void)state;
    cfg.input_slice_bits = 1; // set bits of the pattern, whatever its sign
    for (unsigned is_signed = 0; is_signed <= 1; is_signed++) {
        reads_digit_sums(&cfg, is_signed, sum);
        for (unsigned x = 0; x < 256; x++)
            assert_int_equal(sum[x], __builtin_popcount(x));
    }
    cfg.input_slice_bits = 16; // one pulse: the magnitude
    reads_digit_sums(&cfg, true, sum);
    for (int x = -128; x < 128; x++)
        assert_int_equal(sum[(uint8_t)x], abs(x));
    cfg.input_slice_bits = 3; // 182 = 10 110 110; as -74 its top digit is -2
    reads_digit_sums(&cfg, false, sum);
    assert_int_equal(sum[182], 2 + 6 + 6);
    reads_digit_sums(&cfg, true, sum);
    assert_int_equal(sum[182], 2 + 6 + 6);
    assert_int_equal(sum[246], 1 + 6 + 6); // 11 110 110: -1
    cfg = (struct reads_cfg){ .input_bits = 16, .input_slice_bits = 1 }; // carried in more bits
    reads_digit_sums(&cfg, true, sum);
    assert_int_equal(sum[0xff], 16);
    assert_int_equal(sum[0x7f], 7);
    cfg = (struct reads_cfg){ .input_bits = 4, .input_slice_bits = 2 }; // 0xfd: 11 01, -1 and 1
    reads_digit_sums(&cfg, true, sum);
    assert_int_equal(sum[0xfd], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(isaac_reads_sixteen_times_and_converts_meanwhile),
        cmocka_unit_test(pulses_are_one_read),
        cmocka_unit_test(the_time_of_a_product_is_that_of_its_reads_one_by_one),
        cmocka_unit_test(a_time_beyond_64_bits_is_the_largest),
        cmocka_unit_test(digits_are_summed_over_slices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
