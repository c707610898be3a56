/* arch/crossbar_kernel.h -- how a programmed crossbar lies in memory, for the files that multiply.
 *
 * Columns are taken in blocks of 16, rows in groups of 4: one cell of 4 x 16 weights is 64 bytes,
 *
 *     cell[c][r] = w[4 * group + r][16 * block + c]
 *
 * which is what one AVX-512 VNNI instruction multiplies. Up to 4 neighbouring blocks whose weights
 * lie in the same groups make a tile, so that an input is broadcast once for all of them:
 *
 *     packed[tile->begin + ((group - tile->group) * tile->n_block + (block - tile->block)) * 64]
 *
 * Places behind the last row or column hold weight 0.
 */
#ifndef ARCH_CROSSBAR_KERNEL_H
#define ARCH_CROSSBAR_KERNEL_H

#include <stddef.h>

#include "arch/crossbar.h"

enum {
    BLOCK_COLUMNS = 16,
    GROUP_ROWS    = 4,
    CELL_BYTES    = BLOCK_COLUMNS * GROUP_ROWS,
    TILE_BLOCKS   = 4,
    ROW_CHUNK     = 64 // packed_rows is a multiple of it
};

struct crossbar_tile {
    uint32_t block, n_block; // 1 to TILE_BLOCKS
    uint32_t group, n_group; // from the first to the last with a weight; n_group 0: all are zero
    size_t   begin;          // of its cells in `packed`
};

struct crossbar_kernel {
    void (*mvm)(const struct crossbar *x, const uint8_t *in, int32_t *out);
    void (*count)(const struct crossbar *x, const uint8_t *in, struct crossbar_activity *a);
};

extern const struct crossbar_kernel crossbar_portable;

#endif
