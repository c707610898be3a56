/* test/emulate/immintrin.h -- stands before the compiler's own for kernels of AVX-512 where
 * EMULATE=1 is given to make: SIMDe computes what they ask of the processor, to the same bits and
 * many times slower, so that they are tested where it has no such instructions. What Debian 12's
 * SIMDe 0.7.4 lacks is below.
 */
#ifndef TEST_EMULATE_IMMINTRIN_H
#define TEST_EMULATE_IMMINTRIN_H

#define EMULATED 1 // instead of assembler
#define SIMDE_ENABLE_NATIVE_ALIASES

#include <math.h>
#include <simde/x86/avx512.h>
#include <simde/x86/fma.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t  __mmask8;
typedef uint16_t __mmask16;
typedef uint64_t __mmask64;

#undef _MM_FROUND_NO_EXC
#define _MM_FROUND_NO_EXC SIMDE_MM_FROUND_NO_EXC
#define _mm_popcnt_u32    __builtin_popcount
#define _mm_popcnt_u64    __builtin_popcountll

#define EMULATE static __attribute__((unused)) inline

/* name(a): n lanes of a, each converted. */
#define LANES(name, to, to_lane, from, from_lane, n, expression)                                   \
    EMULATE to name(from a)                                                                        \
    {                                                                                              \
        from_lane in[sizeof(from) / sizeof(from_lane)];                                            \
        to_lane out[sizeof(to) / sizeof(to_lane)] = { 0 };                                         \
        to v;                                                                                      \
                                                                                                   \
        memcpy(in, &a, sizeof in);                                                                 \
        for (int i = 0; i < (n); i++) {                                                            \
            const from_lane x = in[i];                                                             \
            out[i] = (to_lane)(expression);                                                        \
        }                                                                                          \
        memcpy(&v, out, sizeof v);                                                                 \
        return v;                                                                                  \
    }

LANES(_mm512_cvtepi8_epi64, __m512i, int64_t, __m128i, int8_t, 8, x)
LANES(_mm512_cvtepu8_epi64, __m512i, int64_t, __m128i, uint8_t, 8, x)
LANES(_mm512_cvtepu8_epi16, __m512i, int16_t, __m256i, uint8_t, 32, x)
LANES(_mm512_cvtepi32_epi64, __m512i, int64_t, __m256i, int32_t, 8, x)
LANES(_mm512_cvtepu32_epi64, __m512i, int64_t, __m256i, uint32_t, 8, x)
LANES(_mm512_cvtepu16_epi32, __m512i, int32_t, __m256i, uint16_t, 16, x)
LANES(_mm512_cvtepi32_ps, __m512, float, __m512i, int32_t, 16, x)
LANES(_mm512_cvtps_epi32, __m512i, int32_t, __m512, float, 16, nearbyintf(x))
LANES(_mm512_cvtepi64_epi8, __m128i, int8_t, __m512i, int64_t, 8, x)
LANES(_mm512_cvtepi32_pd, __m512d, double, __m256i, int32_t, 8, x)
LANES(_mm512_cvtepi64_pd, __m512d, double, __m512i, int64_t, 8, x)
LANES(_mm512_cvtpd_epi32, __m256i, int32_t, __m512d, double, 8, nearbyint(x))
LANES(_mm512_cvtpd_epi64, __m512i, int64_t, __m512d, double, 8, nearbyint(x))

/* name(mask, p): lanes of memory where the mask has a bit, else 0; no other byte is read. */
#define MASKED_LOAD(name, vector, mask_type, lane)                                                 \
    EMULATE vector name(mask_type mask, const void *p)                                             \
    {                                                                                              \
        lane out[sizeof(vector) / sizeof(lane)] = { 0 };                                           \
        vector v;                                                                                  \
                                                                                                   \
        for (size_t i = 0; i < sizeof out / sizeof *out; i++)                                      \
            if (mask >> i & 1)                                                                     \
                memcpy(&out[i], (const char *)p + i * sizeof *out, sizeof *out);                   \
        memcpy(&v, out, sizeof v);                                                                 \
        return v;                                                                                  \
    }

MASKED_LOAD(_mm_maskz_loadu_epi8, __m128i, __mmask16, int8_t)
MASKED_LOAD(_mm512_maskz_loadu_epi8, __m512i, __mmask64, int8_t)
MASKED_LOAD(_mm256_maskz_loadu_epi32, __m256i, __mmask8, int32_t)
MASKED_LOAD(_mm512_maskz_loadu_epi64, __m512i, __mmask8, int64_t)

EMULATE void _mm_mask_storeu_epi8(void *p, __mmask16 mask, __m128i a)
{
    uint8_t in[16];

    memcpy(in, &a, sizeof in);
    for (size_t i = 0; i < sizeof in; i++)
        if (mask >> i & 1)
            ((uint8_t *)p)[i] = in[i];
}

EMULATE __mmask8 _mm512_cmpneq_epi64_mask(__m512i a, __m512i b)
{
    return (__mmask8)~_mm512_cmpeq_epi64_mask(a, b);
}

EMULATE __mmask16 _mm512_mask_cmpneq_epi32_mask(__mmask16 mask, __m512i a, __m512i b)
{
    return (__mmask16)(mask & ~_mm512_cmpeq_epi32_mask(a, b));
}

EMULATE __m512i _mm512_srav_epi64(__m512i a, __m512i by)
{
    int64_t x[8], n[8];

    memcpy(x, &a, sizeof x);
    memcpy(n, &by, sizeof n);
    for (int i = 0; i < 8; i++)
        x[i] >>= n[i] < 0 || n[i] > 63 ? 63 : n[i];
    memcpy(&a, x, sizeof a);
    return a;
}

EMULATE __m512i _mm512_srai_epi64(__m512i a, unsigned by)
{
    return _mm512_srav_epi64(a, _mm512_set1_epi64(by));
}

/* No function is compiled for instructions that are not here. */
#define target(set) unused

#endif
