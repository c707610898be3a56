/* arch/units/crossbar_kernel.h -- how a programmed crossbar lies in memory, for the files that
 * multiply.
 *
 * The matrix is cut into cells of 16 rows x 16 columns of 256 bytes, which a kernel packs as it
 * likes best, column after column or four rows after four rows:
 *
 *     cell[c][r]            = w[16 * group + r][16 * block + c]
 *     cell[r / 4][c][r % 4] = the same
 *
 * A block of 16 columns keeps the cells from the first to the last with a weight other than 0, one
 * after the other. Places behind the last row or column hold weight 0.
 *
 * offset[c] = -128 * (sum of column c) where inputs are signed, else 0: a kernel may shift signed
 * inputs by 128 to unsigned and add it.
 *
 * row_abs[r] is the sum of |w| of row r, 0 behind the last. For kernels that multiply bytes
 * row_digit says the same in four int8 digits: d[0] is 1 for every row there is and
 *
 *     row_abs[r] = centre * d[0] + d[1] + 256 * d[2] + 65536 * d[3],  centre = 64 * columns
 *     d[i] = row_digit[(r / 64 * 4 + i) * 64 + r % 64]
 *
 * and for those that multiply words in two parts from 0 to 2^15 - 1:
 *
 *     row_abs[r] = row_part[r] + 32768 * row_part[packed_rows + r]
 */
#ifndef ARCH_UNITS_CROSSBAR_KERNEL_H
#define ARCH_UNITS_CROSSBAR_KERNEL_H

#include <stddef.h>

#include "arch/units/crossbar.h"

enum {
    BLOCK_COLUMNS = 16,
    GROUP_ROWS    = 16,
    CELL_BYTES    = BLOCK_COLUMNS * GROUP_ROWS,
    PART_BIT      = 15,
    ROW_DIGITS    = 4,
    ROW_CHUNK     = 64 // packed_rows is a multiple of it
};

struct crossbar_block {      // 16 columns
    uint32_t group, n_group; // from the first to the last that holds a weight
    size_t   begin;          // of its cells in `packed`
};

struct crossbar_kernel {
    void (*pack)(int8_t (*weight)[BLOCK_COLUMNS], int8_t *cell); // [GROUP_ROWS] of them
    void (*mvm)(const struct crossbar *x, const uint8_t *in, int32_t *out);
    void (*count)(const struct crossbar *x, const uint8_t *in, struct input_counts *a);
};

extern const struct crossbar_kernel crossbar_avx512vnni, crossbar_avx2, crossbar_portable;

/* mvm() of a crossbar that takes bits. */
void crossbar_count_bits(const struct crossbar *x, const uint8_t *in, int32_t *out);

/* Column after column. */
void crossbar_pack_columns(int8_t (*weight)[BLOCK_COLUMNS], int8_t *cell);

static inline int64_t row_abs_centre(const struct crossbar *x)
{
    return 64 * (int64_t)x->columns;
}

#endif
