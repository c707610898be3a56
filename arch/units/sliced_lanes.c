/* arch/units/sliced_lanes.c -- see sliced_lanes.h; plain C. */
#include <stdlib.h>

#include "core/simd.h"

#define TARGET

#include "arch/units/sliced_lanes.inc"

const struct sliced_lanes_kernel *sliced_lanes_kernel(const char *name)
{
    static const struct sliced_lanes_kernel *const kernels[N_SIMD] = {
#if SIMD_X86
        [SIMD_AVX512VNNI] = &sliced_lanes_avx512,
        [SIMD_AVX2]       = &sliced_lanes_avx2,
#endif
        [SIMD_PORTABLE]   = &sliced_lanes_portable,
    };
    enum simd simd = simd_find(name);

    return simd < N_SIMD ? kernels[simd] : NULL;
}

struct sliced_lanes_term sliced_lanes_term_of(const struct sliced_lanes_reach *r,
                                              const struct converter *k, int32_t factor)
{
    const int64_t minus_bits = bits_of((uint64_t)r->minus), minus = (INT64_C(1) << minus_bits) - 1;
    const int64_t half = k->step / 2;
    int64_t zero = minus > half ? (minus - half + k->step - 1) / k->step : 0;

    zero += k->step % 2 == 0 ? zero % 2 : 0; // so that even codes stay even
    const int64_t add = zero * k->step + half - minus;
    const int64_t least = (minus - r->minus + add) / k->step - 1, most = r->plus + minus + add;
    const int64_t low = k->least + zero, high = k->most + zero;
    return (struct sliced_lanes_term){
        .step = k->step, .plus_bits = (uint8_t)bits_of((uint64_t)r->plus),
        .minus_bits = (uint8_t)minus_bits, .sum_bits = (uint8_t)bits_of((uint64_t)most),
        .add = (uint32_t)add, .zero = (uint32_t)zero,
        .clips_low = low > 0 && least < low, .low = (uint32_t)low,
        .clips_high = most / k->step > high, .high = (uint32_t)high,
        .shift = (uint8_t)(bits_of((uint64_t)llabs(factor)) - 1), .negative = factor < 0,
    };
}

static void bits(const uint8_t *quad, uint8_t flip,
                 uint16_t to[SLICED_LANES_BITS][SLICED_LANES_QUAD])
{
    memset(to, 0, sizeof(uint16_t) * SLICED_LANES_BITS * SLICED_LANES_QUAD);
    for (uint32_t i = 0; i < SLICED_LANES_IMAGES; i++)
        for (uint32_t r = 0; r < SLICED_LANES_QUAD; r++, quad++)
            for (uint32_t b = 0; b < SLICED_LANES_BITS; b++)
                to[b][r] |= (uint16_t)(((*quad ^ flip) >> b & 1) << i);
}

const struct sliced_lanes_kernel sliced_lanes_portable = { bits, column };
