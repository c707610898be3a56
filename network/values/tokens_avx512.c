/* network/values/tokens_avx512.c -- see token_kernel.h; AVX-512 with VNNI. */
#include "core/simd.h"

#if SIMD_X86
#include <immintrin.h>
#include <stdint.h>

#define TARGET  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))
#define DOUBLES 8

TARGET __attribute__((always_inline)) static inline void add_pairs(int32_t *sum, const int16_t *a,
                                                                   const int16_t *b, uint32_t n);

#include "network/values/token_lanes.inc"

TARGET __attribute__((always_inline)) static inline void add_pairs(int32_t *sum, const int16_t *a,
                                                                   const int16_t *b, uint32_t n)
{
    __m512i all_sums = _mm512_loadu_si512(sum);

    for (uint32_t i = 0; i < n; i++, a += VALUE_PAIR, b += VALUE_PAIR)
        all_sums = _mm512_dpwssd_epi32(all_sums, _mm512_loadu_si512(a), _mm512_loadu_si512(b));
    _mm512_storeu_si512(sum, all_sums);
}

const struct value_token_kernel value_tokens_avx512 = TOKEN_KERNEL;
#endif
