/* network/values/tokens_avx2.c -- see token_kernel.h; AVX2. */
#include "core/simd.h"

#if SIMD_X86
#include <immintrin.h>
#include <stdint.h>

#define TARGET  __attribute__((target("avx2")))
#define DOUBLES 4

TARGET __attribute__((always_inline)) static inline void add_pairs(int32_t *sum, const int16_t *a,
                                                                   const int16_t *b, uint32_t n);

#include "network/values/token_lanes.inc"

INL __m256i half(const void *from, int which)
{
    return _mm256_loadu_si256((const __m256i *)from + which);
}

TARGET __attribute__((always_inline)) static inline void add_pairs(int32_t *sum, const int16_t *a,
                                                                   const int16_t *b, uint32_t n)
{
    __m256i low = half(sum, 0), high = half(sum, 1);

    for (uint32_t i = 0; i < n; i++, a += VALUE_PAIR, b += VALUE_PAIR) {
        low = _mm256_add_epi32(low, _mm256_madd_epi16(half(a, 0), half(b, 0)));
        high = _mm256_add_epi32(high, _mm256_madd_epi16(half(a, 1), half(b, 1)));
    }
    _mm256_storeu_si256((__m256i *)(void *)sum, low);
    _mm256_storeu_si256((__m256i *)(void *)sum + 1, high);
}

const struct value_token_kernel value_tokens_avx2 = TOKEN_KERNEL;
#endif
