/* arch/units/sliced_array.h -- an array that is read slice by slice: digits of the inputs, digits
 * of the weights, a few rows at a time, a converter behind every column.
 *
 *     out[o] = sum_g sum_i 2^(i d) ( sum_j factor_j code(S_gij[o]) + ones code(N_gi) )
 *     S_gij[o] = sum over the rows r of group g of  X_i[r] * digit_j(w[r][o])
 *     N_gi     = sum over the rows r of group g of  X_i[r]
 *
 * X_i are the digits of d bits of an input, the top one in two's complement where inputs are
 * signed; cells (dataflow/crossbar/cell.h) give the digits of the weights. One (g, i) is a read.
 * With codes that are the sums, out is the product of weights and inputs.
 *
 * Sums are counted in bit planes: S is a sum of popcounts of 64 rows at a time. The kernel that
 * counts (AVX-512 VPOPCNTDQ, portable C) is chosen at run time and changes no bit.
 *
 * Not modelled here: noise, drift, wires.
 */
#ifndef ARCH_UNITS_SLICED_ARRAY_H
#define ARCH_UNITS_SLICED_ARRAY_H

#include <stdbool.h>
#include <stdint.h>

#include "dataflow/crossbar/cell.h"
#include "dataflow/crossbar/converter.h"

enum { SLICED_MOST_INPUT_BITS = 16 };

struct sliced_array_cfg {
    uint32_t           rows, outputs;
    uint32_t           input_bits; // 1 to SLICED_MOST_INPUT_BITS
    bool               input_signed;
    uint32_t           input_slice_bits; // d, 1 to input_bits
    uint32_t           rows_at_once;     // 1 to rows
    const struct cell *cell;
    struct cell_cfg    weights;
    /* Converter of a column; `both_signs` where its sums may be negative. NULL: exact. */
    struct converter (*converter)(const void *user, bool both_signs);
    const void *user;
};

struct sliced_array {
    struct sliced_array_cfg cfg;
    struct cell_layout      layout;
    uint32_t n_group, group_words; // words of 64 rows of a group
    uint32_t n_digit;              // of an input
    uint32_t lanes;                // outputs rounded up to what a kernel takes
    uint32_t n_plane;              // bit planes of a weight
    struct slice_planes {
        uint32_t first, n;         // planes of slice j
    } slice[CELL_MOST_SLICES];
    int32_t          plane_factor[2 * CELL_MOST_WEIGHT_BITS + 2]; // +-2^bit in the digit
    struct converter both_signs, from_zero;
    uint64_t        *plane; // owned; [group][plane][word][lanes]
    uint64_t        *input; // owned; [group][input bit][word]
    int64_t         *sum;   // owned; [lanes]
    const struct sliced_kernel *kernel;
};

/* Programs weight[rows][outputs], each within the cell's range. kernel_name as in crossbar_init().
 * False when the host has no memory or lacks the kernel; then *a is zero. */
bool sliced_array_init(struct sliced_array *a, const struct sliced_array_cfg *cfg,
                       const int32_t *weight, const char *kernel_name);
void sliced_array_release(struct sliced_array *a); // takes a zeroed one

/* out[outputs] of inputs x[rows], each the low input_bits of its 16, in two's complement where
 * inputs are signed. Returns how many codes were clipped. */
uint64_t sliced_array_mvm(struct sliced_array *a, const uint16_t *x, int64_t *out);

#endif
