/* dataflow/crossbar/reads.c -- see reads.h. */
#include "dataflow/crossbar/reads.h"

#include <assert.h>

#include "core/util.h"

static uint64_t product(uint64_t a, uint64_t b)
{
    uint64_t p;

    return __builtin_mul_overflow(a, b, &p) ? UINT64_MAX : p;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
    uint64_t s;

    return __builtin_add_overflow(a, b, &s) ? UINT64_MAX : s;
}

static uint64_t conversions_fs(const struct reads_cfg *cfg)
{
    return cfg->converted ? product(cfg->columns_per_adc, cfg->conversion_fs) : 0;
}

uint64_t reads_time_fs(const struct reads_cfg *cfg, uint64_t n)
{
    const uint64_t conv_fs = conversions_fs(cfg);

    if (n == 0)
        return 0;
    return cfg->pipelined ? sum(product(n, max_u64(cfg->read_fs, conv_fs)),
                                min_u64(cfg->read_fs, conv_fs))
                          : product(n, sum(cfg->read_fs, conv_fs));
}

struct reads reads_of(const struct reads_cfg *cfg, const struct cell_layout *cell, uint32_t rows,
                      uint32_t outputs)
{
    assert(rows >= 1 && outputs >= 1 && cfg->input_bits >= 1 && cfg->input_slice_bits >= 1);
    assert(!cfg->converted || cfg->columns_per_adc >= 1);
    uint32_t at_once = cfg->rows_at_once ? min_u32(cfg->rows_at_once, rows) : rows;
    struct reads r = {
        .slices = (uint32_t)ceil_div(cfg->input_bits, cfg->input_slice_bits),
        .groups = (uint32_t)ceil_div(rows, at_once),
        .columns = outputs * cell->columns + (cell->ones != 0),
    };

    r.n = (uint64_t)r.slices * r.groups * (cfg->train ? cfg->train : 1);
    if (cfg->converted) {
        r.converters = (uint32_t)ceil_div(outputs * cell->columns, cfg->columns_per_adc) +
                       (cell->ones != 0);
        r.conversions = r.n * r.columns;
    }
    r.time_fs = reads_time_fs(cfg, r.n);
    return r;
}

uint32_t reads_exact_bits(uint32_t rows, uint32_t input_digit_bits, int32_t most_digit)
{
    assert(input_digit_bits >= 1 && input_digit_bits <= 16 && most_digit >= 0);
    uint64_t most = (uint64_t)rows * ((UINT64_C(1) << input_digit_bits) - 1) * (uint64_t)most_digit;
    uint32_t bits = 0;

    while (bits < 64 && most >> bits)
        bits++;
    return bits;
}

uint32_t reads_digit_sum(const struct reads_cfg *cfg, int32_t x)
{
    uint32_t sum = 0;

    for (uint32_t first = 0; first < cfg->input_bits; first += cfg->input_slice_bits) {
        uint32_t n = min_u32(cfg->input_slice_bits, cfg->input_bits - first);
        uint32_t codes = UINT32_C(1) << n, digit = (uint32_t)(x >> first) & (codes - 1);
        bool negative = x < 0 && first + n == cfg->input_bits;
        sum += negative ? codes - digit : digit;
    }
    return sum;
}

void reads_digit_sums(const struct reads_cfg *cfg, bool is_signed, uint32_t sum[256])
{
    for (int32_t i = 0; i < 256; i++)
        sum[i] = reads_digit_sum(cfg, is_signed && i >= 128 ? i - 256 : i);
}
