/* arch/units/sliced_array.h -- an array that is read slice by slice: digits of the inputs, digits
 * of the weights, a few rows at a time, a converter behind every column.
 *
 *     out[o] = sum_g sum_i 2^(i d) ( sum_j factor_j code(S_gij[o]) + ones code(N_gi) )
 *     S_gij[o] = sum over the rows r of group g of  X_i[r] * digit_j(w[r][o])
 *     N_gi     = sum over the rows r of group g of  X_i[r]
 *
 * X_i are the digits of d bits of an input, the top one in two's complement where inputs are
 * signed; cells (dataflow/crossbar/cell.h) give the digits of the weights. One (g, i) is a read.
 *
 * With codes that are the sums, out is the product of weights and inputs. So whoever has the
 * product needs of the reads only those whose codes can differ from their sums: a read that drives
 * few rows comes to a small sum. Of n driven rows a column has at most min(n, its devices that are
 * on) on in each bit plane of its digits.
 *
 * Sums are counted in bit planes: S is a sum of popcounts of 64 rows at a time. The kernel that
 * counts (AVX-512 VPOPCNTDQ, AVX2, portable C) is chosen at run time and changes no bit.
 *
 * Not modelled here: noise, drift, wires.
 */
#ifndef ARCH_UNITS_SLICED_ARRAY_H
#define ARCH_UNITS_SLICED_ARRAY_H

#include <stdbool.h>
#include <stdint.h>

#include "dataflow/crossbar/cell.h"
#include "dataflow/crossbar/converter.h"

enum { SLICED_MOST_INPUT_BITS = 16, SLICED_MOST_PLANES = 2 * CELL_MOST_WEIGHT_BITS + 2 };

struct sliced_array_cfg {
    uint32_t           rows, outputs;
    uint32_t           input_bits; // 1 to SLICED_MOST_INPUT_BITS
    bool               input_signed;
    uint32_t           input_slice_bits; // d, 1 to input_bits
    uint32_t           rows_at_once;     // 1 to rows
    const struct cell *cell;
    struct cell_cfg    weights;
    /* Converter of the column of slice j of an output; `both_signs` where its sums may be negative.
     * Codes are the same for all outputs, only steps may differ. j of the column of ones is the
     * number of slices, its output 0. NULL: exact. */
    struct converter (*converter)(const void *user, uint32_t j, uint32_t output, bool both_signs);
    const void *user;
};

struct slice_codes { // of the columns of a slice
    int64_t  least, most;
    bool     whole;     // every step is 1
    bool     ties;      // some step is even and no power of 2
    bool     clips;     // weights are such that a code can be clipped
    int64_t *step;      // owned; [lanes]
    double  *over_step; // owned; [lanes]
};

struct sliced_digit { // of the inputs: a read of each group of rows
    uint32_t first, n;   // bits
    bool     both_signs; // its top bit counts negative
    int64_t  factor;     // of its codes; a digit of one bit that counts negative has the sign here,
                         // so that what is converted is never negative
};

struct sliced_array {
    struct sliced_array_cfg cfg;
    struct cell_layout      layout;
    uint32_t n_group, group_words; // words of 64 rows of a group
    uint32_t lanes;                // outputs rounded up to what a kernel takes
    uint32_t n_plane;              // bit planes of a weight
    struct slice_planes {
        uint32_t first, n;         // planes of slice j
    } slice[CELL_MOST_SLICES];
    struct plane_bit {
        uint8_t bit;               // of the digit
        bool    negative;          // which is negative
    } plane_bit[SLICED_MOST_PLANES];
    uint32_t            n_digit;
    struct sliced_digit digit[SLICED_MOST_INPUT_BITS];
    struct slice_codes  from_zero[CELL_MOST_SLICES], both_signs[CELL_MOST_SLICES];
    struct converter    ones[2]; // of the column of ones; [1]: of either sign
    double              ones_over_step[2];
    uint64_t           *plane; // owned; [group][plane][word][lanes]
    uint32_t           *loud;  // owned; [group][slice][lanes / 8]: rows that a read drives at least
                               // where a code of these outputs differs from its sum
    uint64_t           *input; // owned; [group][input bit][word]
    uint8_t            *byte;  // owned; [2][rows]: inputs of more than 8 bits, low and high
    int64_t            *differ; // owned; [lanes]: of the latest reads
    const struct sliced_kernel *kernel;
};

/* Codes of a slice in the reads of a digit. */
static inline const struct slice_codes *sliced_codes(const struct sliced_array *a, uint32_t j,
                                                     const struct sliced_digit *d)
{
    return d->both_signs || a->layout.slice[j].least < 0 ? &a->both_signs[j] : &a->from_zero[j];
}

/* Programs weight[rows][outputs], each within the cell's range. kernel_name as in crossbar_init().
 * False when the host has no memory or lacks the kernel; then *a is zero. */
bool sliced_array_init(struct sliced_array *a, const struct sliced_array_cfg *cfg,
                       const int32_t *weight, const char *kernel_name);
void sliced_array_release(struct sliced_array *a); // takes a zeroed one

/* Reads inputs x[rows]: a->differ[outputs] then holds what the codes' products differ by from the
 * exact ones. An input is a byte, or a uint16_t where it has more than 8 bits; its low input_bits
 * count, in two's complement where inputs are signed. Returns how many codes were clipped. */
uint64_t sliced_array_read(struct sliced_array *a, const void *x);

/* How many of them were an output's, without the column of ones. */
uint64_t sliced_array_clipped(const struct sliced_array *a, uint32_t output);

/* The sums that converters see, of all reads of inputs as above: those of slice j of the outputs
 * first, first + 1, ..., n of them; j of the column of ones is the number of slices. A digit of one
 * bit that counts negative has sums from 0 on. */
typedef void sliced_see(void *user, uint32_t j, uint32_t first, uint32_t n, const int64_t *sum);
void sliced_array_sums(struct sliced_array *a, const void *x, sliced_see *see, void *user);

#endif
