/* arch/crossbar.c -- see crossbar.h; how weights are packed, see crossbar_kernel.h. */
#include "arch/crossbar.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "arch/crossbar_kernel.h"
#include "arch/simd.h"
#include "core/util.h"

static const struct crossbar_kernel *const kernels[N_SIMD] = {
    [SIMD_PORTABLE] = &crossbar_portable,
};

const char *const *crossbar_kernels(void)
{
    return simd_names();
}

/* Groups from the first to the last that hold a weight of the block. */
static void find_band(const struct crossbar *x, const int8_t *weight, struct crossbar_tile *t)
{
    uint32_t c = t->block * BLOCK_COLUMNS;
    size_t n = min_u32(BLOCK_COLUMNS, x->columns - c);
    uint32_t end = 0;

    for (uint32_t r = 0; r < x->rows; r++) {
        const int8_t *w = weight + (size_t)r * x->columns + c;
        bool zero = true;

        for (size_t i = 0; i < n; i++)
            zero = zero && w[i] == 0;
        if (zero)
            continue;
        if (end == 0)
            t->group = r / GROUP_ROWS;
        end = r / GROUP_ROWS + 1;
    }
    t->n_group = end - t->group;
}

/* Fills tile[] and returns the bytes that the cells of all tiles take. */
static size_t make_tiles(struct crossbar *x, const int8_t *weight)
{
    size_t bytes = 0;

    for (uint32_t b = 0; b < x->packed_columns / BLOCK_COLUMNS; b++) {
        struct crossbar_tile t = { .block = b, .n_block = 1, .begin = bytes };
        struct crossbar_tile *last = x->n_tile ? &x->tile[x->n_tile - 1] : NULL;

        find_band(x, weight, &t);
        if (last && last->n_block < TILE_BLOCKS && last->group == t.group &&
            last->n_group == t.n_group)
            last->n_block++;
        else
            x->tile[x->n_tile++] = t;
        bytes += (size_t)t.n_group * CELL_BYTES;
    }
    return bytes;
}

static void pack_cell(const struct crossbar *x, const int8_t *weight, uint32_t group,
                      uint32_t block, int8_t *cell)
{
    uint32_t r0 = group * GROUP_ROWS, c0 = block * BLOCK_COLUMNS;
    uint32_t n_r = min_u32(GROUP_ROWS, x->rows - r0);
    uint32_t n_c = min_u32(BLOCK_COLUMNS, x->columns - c0);

    for (uint32_t r = 0; r < n_r; r++)
        for (uint32_t c = 0; c < n_c; c++)
            cell[c * GROUP_ROWS + r] = weight[(size_t)(r0 + r) * x->columns + c0 + c];
}

static void pack_tiles(struct crossbar *x, const int8_t *weight)
{
    for (uint32_t i = 0; i < x->n_tile; i++) {
        const struct crossbar_tile *t = &x->tile[i];
        int8_t *cell = x->packed + t->begin;

        for (uint32_t g = t->group; g < t->group + t->n_group; g++)
            for (uint32_t b = t->block; b < t->block + t->n_block; b++, cell += CELL_BYTES)
                pack_cell(x, weight, g, b, cell);
    }
}

static void sum_weights(struct crossbar *x, const int8_t *weight)
{
    for (uint32_t r = 0; r < x->rows; r++) {
        const int8_t *w = weight + (size_t)r * x->columns;

        for (uint32_t c = 0; c < x->columns; c++)
            x->row_abs[r] += (uint32_t)abs(w[c]);
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
    *x = (struct crossbar){ .rows = rows, .columns = columns, .in_signed = in_signed,
                            .packed_rows = (uint32_t)round_up(rows, ROW_CHUNK),
                            .packed_columns = (uint32_t)round_up(columns, BLOCK_COLUMNS),
                            .kernel = kernels[simd] };
    x->tile = new_lines(x->packed_columns / BLOCK_COLUMNS * sizeof *x->tile);
    x->row_abs = new_lines(x->packed_rows * sizeof *x->row_abs);
    x->packed = x->tile ? new_lines(make_tiles(x, weight)) : NULL;
    if (!x->row_abs || !x->packed) {
        crossbar_release(x);
        return false;
    }
    pack_tiles(x, weight);
    sum_weights(x, weight);
    return true;
}

void crossbar_release(struct crossbar *x)
{
    free(x->tile);
    free(x->packed);
    free(x->offset);
    free(x->row_abs);
    free(x->row_digit);
    *x = (struct crossbar){ 0 };
}

void crossbar_mvm(const struct crossbar *x, const uint8_t *in, int32_t *out,
                  struct crossbar_activity *a)
{
    x->kernel->mvm(x, in, out);
    if (a)
        x->kernel->count(x, in, a);
}
