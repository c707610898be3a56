/* arch/digital_avx2.c -- see digital.h; four outputs at a time. The last four may overlap those
 * before, which does no harm: an output depends on its inputs alone. */
#include "arch/digital_kernel.h"
#include "arch/simd.h"
#include "core/util.h"

#if SIMD_X86
#include <immintrin.h>
#include <string.h>

#define AVX2     __attribute__((target("avx2")))
#define AVX2_INL AVX2 __attribute__((always_inline)) static inline

enum { LANES = 4 };

/* (r - r_zero) * mr modulo 2^64, from 32-bit products with mr = high * 2^32 + low, low signed. */
AVX2_INL __m256i residual_term(const struct digital *d, const uint8_t *residual)
{
    int32_t low = (int32_t)(uint32_t)(uint64_t)d->mr;
    int64_t high = (int64_t)(((uint64_t)d->mr - (uint64_t)(int64_t)low) >> 32);
    int32_t four;

    memcpy(&four, residual, sizeof four);
    __m128i byte = _mm_cvtsi32_si128(four);
    __m256i r = d->r_signed ? _mm256_cvtepi8_epi64(byte) : _mm256_cvtepu8_epi64(byte);
    r = _mm256_sub_epi64(r, _mm256_set1_epi64x(d->r_zero));
    __m256i upper = _mm256_slli_epi64(_mm256_mul_epi32(r, _mm256_set1_epi64x(high)), 32);
    return _mm256_add_epi64(upper, _mm256_mul_epi32(r, _mm256_set1_epi64x(low)));
}

/* round_nearest_even() in every lane; AVX2 has no arithmetic shift of 64 bits. */
AVX2_INL __m256i round_lanes(__m256i t, uint8_t shift)
{
    int64_t mask = (INT64_C(1) << shift) - 1;
    __m128i by = _mm_cvtsi32_si128(shift), by_rest = _mm_cvtsi32_si128(64 - shift);
    __m256i sign = _mm256_cmpgt_epi64(_mm256_setzero_si256(), t);
    __m256i floor = _mm256_or_si256(_mm256_srl_epi64(t, by), _mm256_sll_epi64(sign, by_rest));
    __m256i rest = _mm256_and_si256(t, _mm256_set1_epi64x(mask));
    __m256i odd = _mm256_and_si256(floor, _mm256_set1_epi64x(mask & 1));

    rest = _mm256_add_epi64(rest, _mm256_add_epi64(odd, _mm256_set1_epi64x(mask >> 1)));
    return _mm256_add_epi64(floor, _mm256_srl_epi64(rest, by));
}

AVX2_INL __m256i clamp_lanes(__m256i t, int32_t low, int32_t high)
{
    __m256i lo = _mm256_set1_epi64x(low), hi = _mm256_set1_epi64x(high);

    t = _mm256_blendv_epi8(t, lo, _mm256_cmpgt_epi64(lo, t));
    return _mm256_blendv_epi8(t, hi, _mm256_cmpgt_epi64(t, hi));
}

/* The low byte of every lane. */
AVX2_INL void store_bytes(uint8_t *out, __m256i t)
{
    __m128i pick = _mm_set1_epi16(0x0800); // bytes 0 and 8
    __m128i two = _mm_shuffle_epi8(_mm256_castsi256_si128(t), pick);
    __m128i more = _mm_shuffle_epi8(_mm256_extracti128_si256(t, 1), pick);
    int32_t four = _mm_cvtsi128_si32(_mm_unpacklo_epi16(two, more));

    memcpy(out, &four, sizeof four);
}

AVX2_INL void process_four(const struct digital *d, const int32_t *acc, const uint8_t *residual,
                           uint8_t *out, uint32_t i)
{
    __m256i a = _mm256_cvtepi32_epi64(_mm_loadu_si128((const __m128i *)(acc + i)));
    __m256i m = _mm256_cvtepu16_epi64(_mm_loadl_epi64((const __m128i *)(d->m + i)));
    __m256i b = _mm256_loadu_si256((const __m256i *)(d->b + i));
    __m256i t = _mm256_add_epi64(_mm256_mul_epi32(a, m), b);

    if (residual)
        t = _mm256_add_epi64(t, residual_term(d, residual + i));
    store_bytes(out + i, clamp_lanes(round_lanes(t, d->shift), d->low, d->high));
}

AVX2 static void process(const struct digital *borrowed, const int32_t *acc,
                         const uint8_t *residual, uint8_t *out)
{
    const struct digital d = *borrowed; // bytes stored to out cannot change a copy

    if (d.n < LANES) {
        digital_portable.process(&d, acc, residual, out);
        return;
    }
    for (uint32_t i = 0; i < d.n; i += LANES)
        process_four(&d, acc, residual, out, min_u32(i, d.n - LANES));
}

const struct digital_kernel digital_avx2 = { process };
#endif
