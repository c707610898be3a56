/* arch/units/crossbar.h -- ideal crossbar: exact int8 matrix-vector products.
 *
 * rows x columns int8 weights; one firing applies a byte to every row and returns the int32 sum of
 * every column:
 *
 *     out[c] = sum_r w[r][c] * x[r]        x uint8 or int8
 *
 * With at most 65,536 rows |out| <= 65,536 * 128 * 255 < 2^31: a sum never overflows. Weights are
 * packed once when the crossbar is programmed; rows before the first and behind the last weight of
 * 16 columns are not multiplied (kernel replicas are such bands). The kernel that multiplies
 * (AVX-512 VNNI, AVX2, portable C) is chosen at run time and does not change a bit of the result.
 *
 * Inputs of one bit and weights -1, 0 and +1 are counted instead, 64 rows at a time:
 *
 *     out[c] = popcount(x & plus[c]) - popcount(x & minus[c])
 *            = 2 * popcount(x & plus[c]) - popcount(x)        where no weight is 0
 *
 * Not modelled here: device noise, drift, wire drop, converters (separate stages).
 */
#ifndef ARCH_UNITS_CROSSBAR_H
#define ARCH_UNITS_CROSSBAR_H

#include <stdbool.h>
#include <stdint.h>

#define CROSSBAR_MAX_ROWS    65536
#define CROSSBAR_MAX_COLUMNS 65536

/* What inputs did; energy is priced from it. */
struct input_counts {
    uint64_t active_rows; // rows with x != 0
    uint64_t sum_abs_x;   // sum |x_r|
    uint64_t sum_abs_xw;  // sum over rows of |x_r| * (sum of |w| of the row)
};

struct crossbar {
    uint32_t rows, columns;
    bool     in_signed;
    uint32_t packed_rows;    // rows rounded up to what the kernels read
    uint32_t packed_columns; // columns rounded up likewise: ints that mvm() writes

    const struct crossbar_kernel *kernel;

    /* Owned; arch/units/crossbar_kernel.h describes them. */
    struct crossbar_block *block; // packed_columns / 16
    int8_t                *packed;
    int32_t               *offset;
    uint32_t              *row_abs;
    int8_t                *row_digit;
    int16_t               *row_part;

    /* Of inputs of one bit; counter NULL: bytes. Owned; arch/units/crossbar_bits.c. */
    const struct crossbar_counter *counter;
    uint64_t *plus, *minus; // minus NULL: no weight is 0
};

/* Programs weight[rows][columns] (row-major), in_signed: inputs are int8. The kernel is the fastest
 * that the machine has, or the one called kernel_name ("avx512vnni", "avx2", "portable") when it is
 * not NULL. False when the host has no memory or lacks that kernel; then *x is zero. */
bool crossbar_init(struct crossbar *x, uint32_t rows, uint32_t columns, const int8_t *weight,
                   bool in_signed, const char *kernel_name);
void crossbar_release(struct crossbar *x); // takes a zeroed one

/* From now on inputs are bytes 0 and 1, to a crossbar of unsigned inputs that holds `weight`; where
 * all are -1, 0 or +1 its products are counted. False when the host has no memory. */
bool crossbar_take_bits(struct crossbar *x, const int8_t *weight, const char *kernel_name);

/* in: packed_rows readable bytes, of which those behind `rows` may hold anything; out:
 * packed_columns ints. */
void crossbar_mvm(const struct crossbar *x, const uint8_t *in, int32_t *out);

/* Adds what an input does to the counts. */
void crossbar_count(const struct crossbar *x, const uint8_t *in, struct input_counts *n);

/* Names of the kernels this machine can run, fastest first; ends with NULL. */
const char *const *crossbar_kernels(void);

#endif
