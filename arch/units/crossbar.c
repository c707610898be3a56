/* arch/units/crossbar.c -- see crossbar.h; how weights are packed, see crossbar_kernel.h. */
#include "arch/units/crossbar.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "arch/units/crossbar_kernel.h"
#include "core/simd.h"
#include "core/util.h"

static const struct crossbar_kernel *const kernels[N_SIMD] = {
#if SIMD_X86
    [SIMD_AVX512VNNI] = &crossbar_avx512vnni,
    [SIMD_AVX2]       = &crossbar_avx2,
#endif
    [SIMD_PORTABLE]   = &crossbar_portable,
};

const char *const *crossbar_kernels(void)
{
    return simd_names();
}

/* Groups from the first to the last that hold a weight of the block. */
static struct crossbar_block find_band(const struct crossbar *x, const int8_t *weight,
                                       uint32_t block)
{
    uint32_t c = block * BLOCK_COLUMNS, first = 0, end = 0;
    size_t n = min_u32(BLOCK_COLUMNS, x->columns - c);
    static const int8_t zero[BLOCK_COLUMNS];

    for (uint32_t r = 0; r < x->rows; r++) {
        if (memcmp(weight + (size_t)r * x->columns + c, zero, n) == 0)
            continue;
        if (end == 0)
            first = r / GROUP_ROWS;
        end = r / GROUP_ROWS + 1;
    }
    return (struct crossbar_block){ .group = first, .n_group = end - first };
}

/* Fills block[] and returns the bytes that their cells take. */
static size_t lay_out(struct crossbar *x, const int8_t *weight)
{
    size_t bytes = 0;

    for (uint32_t b = 0; b < x->packed_columns / BLOCK_COLUMNS; b++) {
        x->block[b] = find_band(x, weight, b);
        x->block[b].begin = bytes;
        bytes += (size_t)x->block[b].n_group * CELL_BYTES;
    }
    return bytes;
}

void crossbar_pack_columns(int8_t (*weight)[BLOCK_COLUMNS], int8_t *cell)
{
    for (uint32_t c = 0; c < BLOCK_COLUMNS; c++)
        for (uint32_t r = 0; r < GROUP_ROWS; r++)
            *cell++ = weight[r][c];
}

static void pack_cell(const struct crossbar *x, const int8_t *weight, uint32_t group,
                      uint32_t block, int8_t *cell)
{
    uint32_t r0 = group * GROUP_ROWS, c0 = block * BLOCK_COLUMNS;
    uint32_t n_r = min_u32(GROUP_ROWS, x->rows - r0);
    uint32_t n_c = min_u32(BLOCK_COLUMNS, x->columns - c0);
    int8_t square[GROUP_ROWS][BLOCK_COLUMNS] = { { 0 } };

    for (uint32_t r = 0; r < n_r; r++)
        memcpy(square[r], weight + (size_t)(r0 + r) * x->columns + c0, n_c);
    x->kernel->pack(square, cell);
}

static void pack(struct crossbar *x, const int8_t *weight)
{
    for (uint32_t b = 0; b < x->packed_columns / BLOCK_COLUMNS; b++)
        for (uint32_t g = 0; g < x->block[b].n_group; g++)
            pack_cell(x, weight, x->block[b].group + g, b,
                      x->packed + x->block[b].begin + (size_t)g * CELL_BYTES);
}

static void sum_weights(struct crossbar *x, const int8_t *weight)
{
    for (uint32_t r = 0; r < x->rows; r++) {
        const int8_t *w = weight + (size_t)r * x->columns;

        for (uint32_t c = 0; c < x->columns; c++) {
            x->row_abs[r] += (uint32_t)abs(w[c]);
            x->offset[c] -= x->in_signed ? 128 * w[c] : 0;
        }
    }
}

static void write_row_parts(struct crossbar *x)
{
    for (uint32_t r = 0; r < x->rows; r++) {
        x->row_part[r] = (int16_t)(x->row_abs[r] & ((1U << PART_BIT) - 1));
        x->row_part[x->packed_rows + r] = (int16_t)(x->row_abs[r] >> PART_BIT);
    }
}

static void write_row_digits(struct crossbar *x)
{
    for (uint32_t r = 0; r < x->rows; r++) {
        int8_t *digit = x->row_digit + r / ROW_CHUNK * (ROW_CHUNK * ROW_DIGITS) + r % ROW_CHUNK;
        int64_t rest = x->row_abs[r] - row_abs_centre(x);

        digit[0] = 1;
        for (uint32_t i = 1; i < ROW_DIGITS; i++) {
            digit[i * ROW_CHUNK] = (int8_t)(((rest & 255) ^ 128) - 128);
            rest = (rest - digit[i * ROW_CHUNK]) / 256;
        }
        assert(rest == 0);
    }
}

/* Zeroed, on a cache line; NULL without memory. */
static void *new_lines(size_t bytes)
{
    size_t n = round_up(max_u64(bytes, 1), 64);
    void *p = aligned_alloc(64, n);

    return p ? memset(p, 0, n) : NULL;
}

bool crossbar_init(struct crossbar *x, uint32_t rows, uint32_t columns, const int8_t *weight,
                   bool in_signed, const char *kernel_name)
{
    enum simd simd = simd_find(kernel_name);

    assert(rows >= 1 && rows <= CROSSBAR_MAX_ROWS);
    assert(columns >= 1 && columns <= CROSSBAR_MAX_COLUMNS);
    *x = (struct crossbar){ 0 };
    if (simd == N_SIMD)
        return false;
    *x = (struct crossbar){ .rows = rows,
                            .columns = columns,
                            .in_signed = in_signed,
                            .packed_rows = (uint32_t)round_up(rows, ROW_CHUNK),
                            .packed_columns = (uint32_t)round_up(columns, BLOCK_COLUMNS),
                            .kernel = kernels[simd] };
    x->block = new_lines(x->packed_columns / BLOCK_COLUMNS * sizeof *x->block);
    x->packed = x->block ? new_lines(lay_out(x, weight)) : NULL;
    x->offset = new_lines(x->packed_columns * sizeof *x->offset);
    x->row_abs = new_lines(x->packed_rows * sizeof *x->row_abs);
    x->row_digit = new_lines((size_t)x->packed_rows * ROW_DIGITS);
    x->row_part = new_lines((size_t)x->packed_rows * 2 * sizeof *x->row_part);
    if (!x->packed || !x->offset || !x->row_abs || !x->row_digit || !x->row_part) {
        crossbar_release(x);
        return false;
    }
    pack(x, weight);
    sum_weights(x, weight);
    write_row_digits(x);
    write_row_parts(x);
    return true;
}

void crossbar_release(struct crossbar *x)
{
    free(x->block);
    free(x->packed);
    free(x->offset);
    free(x->row_abs);
    free(x->row_digit);
    free(x->row_part);
    free(x->plus);
    free(x->minus);
    *x = (struct crossbar){ 0 };
}

void crossbar_mvm(const struct crossbar *x, const uint8_t *in, int32_t *out)
{
    if (x->counter)
        crossbar_count_bits(x, in, out);
    else
        x->kernel->mvm(x, in, out);
}

void crossbar_count(const struct crossbar *x, const uint8_t *in, struct input_counts *n)
{
    x->kernel->count(x, in, n);
}
