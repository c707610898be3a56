/* arch/units/sliced_portable.c -- see sliced_kernel.h; plain C, what the other kernels mean. */
#include <string.h>

#include "arch/units/sliced_kernel.h"

static void planes(const uint16_t *x, uint32_t n, uint32_t n_bit, uint32_t words, uint64_t *word)
{
    memset(word, 0, (size_t)n_bit * words * sizeof *word);
    for (uint32_t r = 0; r < n; r++)
        for (uint32_t b = 0; x[r] != 0 && b < n_bit; b++)
            word[(size_t)b * words + r / 64] |= (uint64_t)(x[r] >> b & 1) << r % 64;
}

static void add_plane(const struct sliced_read *r, uint32_t i, uint32_t p, int64_t *sum)
{
    const uint64_t *x = r->input + (size_t)i * r->words;
    const uint64_t *w = r->plane + (size_t)p * r->words * r->lanes;
    int64_t factor = (int64_t)r->input_factor[i] * r->plane_factor[p];

    for (uint32_t k = 0; k < r->words; k++) {
        if (x[k] == 0)
            continue;
        for (uint32_t o = 0; o < r->outputs; o++)
            sum[o] += factor * __builtin_popcountll(x[k] & w[(size_t)k * r->lanes + o]);
    }
}

static uint64_t read_slice(const struct sliced_read *r, int64_t *sum, int64_t *out)
{
    uint64_t n_clipped = 0;

    for (uint32_t o = 0; o < r->outputs; o++)
        sum[o] = 0;
    for (uint32_t i = 0; i < r->n_input; i++)
        for (uint32_t p = 0; p < r->n_plane; p++)
            add_plane(r, i, p, sum);
    for (uint32_t o = 0; o < r->outputs; o++) {
        out[o] += r->factor * converter_code(&r->converter, sum[o]);
        n_clipped += converter_clips(&r->converter, sum[o]);
    }
    return n_clipped;
}

const struct sliced_kernel sliced_portable = { planes, read_slice };
