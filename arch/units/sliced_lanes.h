/* arch/units/sliced_lanes.h -- codes of a sliced array for sixteen images and many pixels at once:
 *
 *     S   = sum_r X_i[r] digit_j(w[r])            rows of a group, digit i of the inputs
 *     out = sum_g sum_i 2^(i d) sum_j factor_j clamp( rne( S / step ), least, most ) step
 *
 * It is sliced_array.h's sum, made in another order. A bit of a row is a vector: its bits are those
 * of sixteen images in sixteen words, of as many pixels, or of digits of fewer. Of a weight only
 * the bits that are 1 are added: S is counted in bit planes, by full adders that take rows in
 * eights (carry-save, as Harley and Seal count bits), and all that becomes of a sum is made in
 * planes as well: it is divided bit by bit, bounded by comparison with constants, and added up.
 *
 * Sums are kept from 0 on: of digits of either sign 2^n - 1 - N, complement of a count, stands for
 * -N, and codes are `zero` more than they are. So are products by -1; what is too much is taken off
 * in the end.
 *
 * Columns whose codes are their sums, whatever the inputs are, may be one term: their digits, times
 * their factors, added up.
 *
 * Kernels (AVX-512, AVX2, portable C) give the same numbers.
 */
#ifndef ARCH_UNITS_SLICED_LANES_H
#define ARCH_UNITS_SLICED_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataflow/crossbar/converter.h"

enum {
    SLICED_LANES_IMAGES = 16,
    SLICED_LANES_WORDS = 16,       // of a vector
    SLICED_LANES_BITS = 8,         // of a stored byte
    SLICED_LANES_QUAD = 4,         // rows
    SLICED_LANES_PAD = 4,          // rows of a list are a multiple of it
    SLICED_LANES_AT = 4,           // 64 bits of a vector, which is how far it is to the next
    SLICED_LANES_MOST_PLANES = 30, // of a sum or a code
    SLICED_LANES_MOST_STEPS = 33,  // different ones, of a column
};

struct sliced_lanes_vector {
    uint16_t word[SLICED_LANES_WORDS] __attribute__((aligned(32))); // bit i: of image i
};

struct sliced_lanes_list { // rows whose digits have a bit
    uint32_t first, n;     // in at[]; filled up with the row behind the last
    uint8_t  bit;
    bool     negative;     // digits are
};

struct sliced_lanes_term { // what is converted together
    uint32_t first, n;     // lists
    int64_t  step;
    uint8_t  plus_bits, minus_bits; // that counts of either sign take
    uint32_t add;          // to plus + ~minus, so that it divides as it is rounded
    uint32_t zero;         // what is added to codes
    uint32_t low, high;    // codes with it are bounded by these,
    bool     clips_low, clips_high; // where sums come there
    uint8_t  sum_bits;     // that plus + ~minus + add takes
    uint8_t  shift;        // its factor is a power of 2,
    bool     negative;     // with this sign
    uint8_t  total;        // of codes of the same step
};

struct sliced_lanes_reach { // sums from -minus to plus
    int64_t plus, minus;
};

/* A term without lists and total, of sums that come so far; factor: a power of 2, of either sign.
 * The sums of a pass and 3 steps more are below 2^(SLICED_LANES_MOST_PLANES - 2). */
struct sliced_lanes_term sliced_lanes_term_of(const struct sliced_lanes_reach *r,
                                              const struct converter *k, int32_t factor);

struct sliced_lanes_pass { // digits of the inputs that have the same codes
    uint32_t first;        // bit of the inputs
    uint32_t n, bits;      // digits, and the bits of each
    bool     both_signs;   // the top bit of each counts negative (n is 1)
    bool     top_negative; // the last digit, which is a bit, does
    uint32_t times;        // that the last digit is read
};

struct sliced_lanes_column { // an output's, of a pass
    const struct sliced_lanes_term *term;
    uint32_t n_term;
    const struct sliced_lanes_list *list;
    const uint16_t *at; // of each row of lists: row * SLICED_LANES_AT
    int32_t  step[SLICED_LANES_MOST_STEPS]; // of totals
    uint32_t n_step;
};

struct sliced_lanes_tile { // pixels
    const struct sliced_lanes_pass   *pass;
    const struct sliced_lanes_vector *x; // [digits of a group * bits][rows + 1], the last row 0
    uint32_t rows;
    uint32_t groups;   // of digits, side by side in a vector: word[group][pixel]; power of 2, a
                       // divisor of pass->n
    uint32_t n;        // pixels, at most SLICED_LANES_WORDS / groups
    uint32_t n_image;
};

struct sliced_lanes_kernel {
    /* to[bit][row] of quad[image][row] ^ flip. */
    void (*bits)(const uint8_t *quad, uint8_t flip,
                 uint16_t to[SLICED_LANES_BITS][SLICED_LANES_QUAD]);

    /* Adds to sum[n][image], `apart` from one pixel to the next. Returns how many codes were
     * clipped. */
    uint64_t (*column)(const struct sliced_lanes_tile *t, const struct sliced_lanes_column *c,
                       int32_t *sum, size_t apart);
};

extern const struct sliced_lanes_kernel sliced_lanes_portable, sliced_lanes_avx2,
    sliced_lanes_avx512;

/* Of the latter two. */
void sliced_lanes_bits_avx2(const uint8_t *quad, uint8_t flip,
                            uint16_t to[SLICED_LANES_BITS][SLICED_LANES_QUAD]);

/* Named as in core/simd.h; NULL: the fastest. NULL when the machine lacks it. */
const struct sliced_lanes_kernel *sliced_lanes_kernel(const char *name);

#endif
