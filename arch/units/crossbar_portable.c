/* arch/units/crossbar_portable.c -- see crossbar_kernel.h; plain C, the meaning of the other
 * kernels. */
#include "arch/units/crossbar_kernel.h"

static int32_t input(const struct crossbar *x, uint8_t byte)
{
    return x->in_signed ? (int8_t)byte : byte;
}

static void multiply_cell(const struct crossbar *x, const int8_t *cell, const uint8_t *in,
                          int32_t *out)
{
    int16_t v[GROUP_ROWS];

    for (uint32_t r = 0; r < GROUP_ROWS; r++)
        v[r] = (int16_t)input(x, in[r]);
    for (uint32_t c = 0; c < BLOCK_COLUMNS; c++, cell += GROUP_ROWS) {
        int32_t sum = 0;

        for (uint32_t r = 0; r < GROUP_ROWS; r++)
            sum += v[r] * cell[r];
        out[c] += sum;
    }
}

static void mvm(const struct crossbar *x, const uint8_t *in, int32_t *out)
{
    for (uint32_t c = 0; c < x->packed_columns; c++)
        out[c] = 0;
    for (uint32_t b = 0; b < x->packed_columns / BLOCK_COLUMNS; b++)
        for (uint32_t g = 0; g < x->block[b].n_group; g++)
            multiply_cell(x, x->packed + x->block[b].begin + (size_t)g * CELL_BYTES,
                          in + (x->block[b].group + g) * GROUP_ROWS, out + b * BLOCK_COLUMNS);
}

static void count(const struct crossbar *x, const uint8_t *in, struct input_counts *a)
{
    for (uint32_t r = 0; r < x->rows; r++) {
        int32_t v = input(x, in[r]);
        uint32_t v_abs = (uint32_t)(v < 0 ? -v : v);

        a->active_rows += v != 0;
        a->sum_abs_x += v_abs;
        a->sum_abs_xw += (uint64_t)v_abs * x->row_abs[r];
    }
}

const struct crossbar_kernel crossbar_portable = { crossbar_pack_columns, mvm, count };
