/* arch/analog/product.h -- exact products of bytes and the 16-bit matrix of a core.
 *
 *     v[c] = sum_r a[r][c] x[r]        x uint8 or int8, |v| < 2^31
 *
 * Pairs of rows are packed for blocks of 16 columns, so that one instruction multiplies a pair of
 * inputs with two rows of a block. The kernel (AVX-512 VNNI, AVX2, portable C) is chosen at run
 * time and changes no bit.
 */
#ifndef ARCH_ANALOG_PRODUCT_H
#define ARCH_ANALOG_PRODUCT_H

#include <stdbool.h>
#include <stdint.h>

enum { PRODUCT_COLUMNS = 16, PRODUCT_MOST_ROWS = 8192 };

struct analog_product {
    uint32_t rows, columns;
    bool     in_signed;
    uint32_t pairs;          // of rows, the last filled up
    uint32_t packed_columns; // columns rounded up to blocks: ints that a product writes
    int16_t *packed;         // owned; [block][pairs][PRODUCT_COLUMNS][2]
    void (*multiply)(const struct analog_product *p, const int16_t *x, int32_t *v);
};

/* Programs a[rows][columns]; sums of |a| times 255 stay below 2^31. simd as in crossbar_init().
 * False when the host has no memory or lacks the kernel; then *p is zero. */
bool analog_product_init(struct analog_product *p, uint32_t rows, uint32_t columns,
                         const int16_t *a, bool in_signed, const char *simd);
void analog_product_release(struct analog_product *p); // takes a zeroed one

/* x: `rows` bytes; v: packed_columns ints. */
void analog_product_of(const struct analog_product *p, const uint8_t *x, int32_t *v);

#endif
