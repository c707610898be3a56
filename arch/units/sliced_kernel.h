/* arch/units/sliced_kernel.h -- what a kernel of the sliced array computes; sliced_array.h. */
#ifndef ARCH_UNITS_SLICED_KERNEL_H
#define ARCH_UNITS_SLICED_KERNEL_H

#include <stddef.h>

#include "arch/units/sliced_array.h"

enum { SLICED_LANES = 8 };

struct sliced_read { // one slice of one read
    const uint64_t  *input; // [n_input][words]
    const int32_t   *input_factor;
    uint32_t         n_input;
    const uint64_t  *plane; // [n_plane][words][lanes]
    const int32_t   *plane_factor;
    uint32_t         n_plane;
    uint32_t         words, lanes, outputs;
    struct converter converter;
    int64_t          factor;
};

struct sliced_kernel {
    /* word[b][k], `words` of each of n_bit bits: bit r is bit b of x[64 k + r], 0 behind
     * x[n - 1]. */
    void (*planes)(const uint16_t *x, uint32_t n, uint32_t n_bit, uint32_t words, uint64_t *word);

    /* out[o] += factor * code(sum); lanes behind `outputs` may hold anything. Returns how many
     * codes were clipped. sum[lanes] is scratch. */
    uint64_t (*read)(const struct sliced_read *r, int64_t *sum, int64_t *out);
};

extern const struct sliced_kernel sliced_portable, sliced_avx512;

#endif
