/* arch/units/digital_avx512.c -- see digital.h; eight outputs at a time. */
#include "arch/units/digital_kernel.h"
#include "core/simd.h"
#include "core/util.h"

#if SIMD_X86
#include <immintrin.h>

#define AVX512     __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define AVX512_INL AVX512 __attribute__((always_inline)) static inline

enum { LANES = 8 };

AVX512_INL __m512i residual_term(const struct digital *d, __mmask8 there, const uint8_t *residual,
                                 uint32_t i)
{
    __m128i byte = _mm_maskz_loadu_epi8(there, residual + i);
    __m512i r = d->r_signed ? _mm512_cvtepi8_epi64(byte) : _mm512_cvtepu8_epi64(byte);

    r = _mm512_sub_epi64(r, _mm512_set1_epi64(d->r_zero));
    return _mm512_mullo_epi64(r, _mm512_maskz_loadu_epi64(there, d->mr + i));
}

/* round_nearest_even() in every lane, of |t| below 2^62. */
AVX512_INL __m512i round_lanes(__m512i t, __m512i by)
{
    enum { ALL_THREE = 0x80 };
    const __m512i one = _mm512_set1_epi64(1);
    __m512i mask = _mm512_sub_epi64(_mm512_sllv_epi64(one, by), one);
    __m512i odd = _mm512_ternarylogic_epi64(_mm512_srav_epi64(t, by), mask, one, ALL_THREE);

    t = _mm512_add_epi64(t, _mm512_add_epi64(odd, _mm512_srli_epi64(mask, 1)));
    return _mm512_srav_epi64(t, by);
}

AVX512 static void process(const struct digital *borrowed, const int32_t *acc,
                           const uint8_t *residual, uint8_t *out)
{
    const struct digital d = *borrowed; // bytes stored to out cannot change a copy
    const __m512i low = _mm512_set1_epi64(d.low), high = _mm512_set1_epi64(d.high);
    const __m512i zero = _mm512_set1_epi64(d.zero);

    for (uint32_t i = 0; i < d.n; i += LANES) {
        __mmask8 there = (__mmask8)(0xff >> (LANES - min_u32(LANES, d.n - i)));
        __m512i a = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(there, acc + i));
        __m512i m = _mm512_cvtepu32_epi64(_mm256_maskz_loadu_epi32(there, d.m + i));
        __m512i t =
            _mm512_add_epi64(_mm512_mul_epi32(a, m), _mm512_maskz_loadu_epi64(there, d.b + i));

        if (residual)
            t = _mm512_add_epi64(t, residual_term(&d, there, residual, i));
        __m512i by = _mm512_cvtepu8_epi64(_mm_maskz_loadu_epi8(there, d.shift + i));
        t = _mm512_add_epi64(round_lanes(t, by), zero);
        t = _mm512_min_epi64(_mm512_max_epi64(t, low), high);
        _mm_mask_storeu_epi8(out + i, there, _mm512_cvtepi64_epi8(t));
    }
}

const struct digital_kernel digital_avx512vnni = { process, .in_doubles = false };
#endif
