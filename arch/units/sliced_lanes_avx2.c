/* arch/units/sliced_lanes_avx2.c -- see sliced_lanes.h. */
#include "core/simd.h"

#if SIMD_X86
#include <immintrin.h>

#define TARGET __attribute__((target("avx2,popcnt")))

#include "arch/units/sliced_lanes.inc"

/* Two rows of sixteen images a vector, whose bits are its bytes' signs, one after the other. */
TARGET void sliced_lanes_bits_avx2(const uint8_t *quad, uint8_t flip,
                                   uint16_t to[SLICED_LANES_BITS][SLICED_LANES_QUAD])
{
    const __m256i rows = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    const __m256i flips = _mm256_set1_epi8((char)flip);
    const __m256i of_8 = _mm256_loadu_si256((const void *)quad);
    const __m256i of_16 = _mm256_loadu_si256((const void *)(quad + sizeof of_8));
    const __m256i a = _mm256_shuffle_epi8(_mm256_xor_si256(of_8, flips), rows);
    const __m256i b = _mm256_shuffle_epi8(_mm256_xor_si256(of_16, flips), rows);
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i low = _mm256_permutevar8x32_epi32(_mm256_unpacklo_epi32(a, b), order);
    __m256i high = _mm256_permutevar8x32_epi32(_mm256_unpackhi_epi32(a, b), order);

    for (int bit = SLICED_LANES_BITS - 1; bit >= 0; bit--) {
        const uint32_t of_low = (uint32_t)_mm256_movemask_epi8(low);
        const uint64_t four = of_low | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
        memcpy(to[bit], &four, sizeof four);
        low = _mm256_add_epi8(low, low);
        high = _mm256_add_epi8(high, high);
    }
}

const struct sliced_lanes_kernel sliced_lanes_avx2 = { sliced_lanes_bits_avx2, column };
#endif
