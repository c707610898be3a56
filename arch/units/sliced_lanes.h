/* arch/units/sliced_lanes.h -- codes of a sliced array for sixteen images at once, where all rows
 * are read together and digits of weights are not negative:
 *
 *     S_bj = sum_r bit_b(x[r]) digit_j(w[r])
 *     out  = sum_j sum_i factor_ij clamp( round( sum_b weight_ib S_bj / step_ij ), least, most )
 *
 * It is sliced_array.h's sum, made in another order: digit i of the inputs has bits b, and the
 * weight of the top bit of signed inputs is negative.
 * Rows go four at a time: which of them a bit drives is a number below 16, the same for all
 * columns, and what four digits then add to a sum is looked up in a table of 16 bytes, for many
 * images and bits in one instruction. Bytes that are full are added to sums of 16 bits.
 *
 * Where inputs come bit by bit, codes have step 1 and end before 255, a sum is a byte that stays
 * there, beyond any code:
 *
 *     out = sum_j factor_j sum_i 2^i min( S_ij, most )
 *
 * Kernels (AVX-512, AVX2, portable C) give the same bytes.
 */
#ifndef ARCH_UNITS_SLICED_LANES_H
#define ARCH_UNITS_SLICED_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SLICED_LANES_IMAGES = 16,
    SLICED_LANES_BITS = 8,
    SLICED_LANES_QUAD = 4,                     // rows
    SLICED_LANES_INDEX = SLICED_LANES_IMAGES * SLICED_LANES_BITS, // bytes of a quad
    SLICED_LANES_TABLE = 16,                   // bytes of a quad
    SLICED_LANES_MOST_CODE = 254,
    SLICED_LANES_MOST_DIGIT = 63,              // four of them are a byte
    SLICED_LANES_MOST_WIDE = UINT16_MAX,       // S, where codes are any
    SLICED_LANES_MOST_SUM = 1 << 22,           // what is divided, either way: that floats divide
                                               // and round it as it is
};

struct sliced_lanes_column { // an output, of n pixels
    const uint8_t *index;    // [n][quads][image][bit]: which of four rows are on
    const uint8_t *table;    // [n_slice][table_quads][16], of which quads count
    const int32_t *factor;   // [n_slice]
    uint32_t n, quads, table_quads, n_slice, n_image;
    uint8_t  most;
    bool     is_signed;
    uint32_t times;          // that bit 7 is read: inputs of more than 8 bits repeat their sign
    int32_t *sum;            // [n][image], sum_apart from one to the next; added to
    size_t   sum_apart;
};

struct sliced_lanes_code { // of a slice and a digit of the inputs
    float   step, over_step; // 1 / step where that is exact, else 0
    int32_t least, most;
    int32_t factor; // of the code, step and digits' places in it
};

struct sliced_lanes_digit { // of the inputs
    uint32_t first, n;      // bits of the byte
    int32_t  weight[SLICED_LANES_BITS]; // [n]
};

struct sliced_lanes_codes { // an output, of n pixels
    const uint8_t *index;   // [n][quads][bit][image]: which of four rows are on
    const uint8_t *table;   // as above
    uint32_t n, quads, table_quads, n_slice, n_image;
    uint32_t full;          // quads that fill a byte, at most
    const struct sliced_lanes_digit *digit; // [n_digit]
    uint32_t n_digit;
    const struct sliced_lanes_code *code;   // [n_slice][n_digit]
    int32_t *sum;           // as above
    size_t   sum_apart;
};

struct sliced_lanes_kernel {
    /* Index of two quads of rows of every image, quad[image][4] ^ flip; b may be NULL, and is then
     * 0. to[2][image][bit]. */
    void (*index)(const uint8_t *a, const uint8_t *b, uint8_t flip, uint8_t *to);

    /* The index of a quad as codes() wants it, to[bit][image], from index[image][bit]. */
    void (*by_bits)(const uint8_t *index, uint8_t *to);

    /* table[n][16] of n quads of digits, n a multiple of 4. */
    void (*tables)(const uint8_t *digit, uint32_t n, uint8_t *table);

    /* Adds the outputs of every pixel to its sums. Returns how many codes were clipped. */
    uint64_t (*column)(const struct sliced_lanes_column *c);
    uint64_t (*codes)(const struct sliced_lanes_codes *c);
};

extern const struct sliced_lanes_kernel sliced_lanes_portable, sliced_lanes_avx2,
    sliced_lanes_avx512;

/* Named as in core/simd.h; NULL: the fastest. NULL when the machine lacks it. */
const struct sliced_lanes_kernel *sliced_lanes_kernel(const char *name);

#endif
