/* arch/units/digital_avx2.c -- see digital.h; sixteen outputs at a time, in doubles, which hold
 * every integer of 53 bits: products and sums are exact, so is the division by 2^shift, and the
 * conversion back to integers rounds to nearest even. */
#include "arch/units/digital_kernel.h"
#include "core/simd.h"
#include "core/util.h"

#if SIMD_X86
#include <immintrin.h>
#include <string.h>

#define AVX2     __attribute__((target("avx2")))
#define AVX2_INL AVX2 __attribute__((always_inline)) static inline

enum { LANES = 16, QUARTER = 4 };

struct factors { // the same for all outputs
    __m256d low, high; // less the zero point
    __m128i r_zero, zero;
};

/* 2^-shift of four outputs. */
AVX2_INL __m256d units(const uint8_t *shift)
{
    int32_t four;

    memcpy(&four, shift, sizeof four);
    __m256i by = _mm256_cvtepu8_epi64(_mm_cvtsi32_si128(four));
    return _mm256_castsi256_pd(
        _mm256_slli_epi64(_mm256_sub_epi64(_mm256_set1_epi64x(1023), by), 52));
}

/* Of |v| up to 2^51; AVX2 has no such instruction. The bits of 1.5 * 2^52 and v, added as integers,
 * are the double 1.5 * 2^52 + v. */
AVX2_INL __m256d to_double(__m256i v)
{
    const __m256d offset = _mm256_set1_pd(0x1.8p52);

    return _mm256_sub_pd(
        _mm256_castsi256_pd(_mm256_add_epi64(v, _mm256_castpd_si256(offset))), offset);
}

AVX2_INL __m256d residual_term(const struct digital *d, const struct factors *f,
                               const uint8_t *residual, uint32_t i)
{
    int32_t four;

    memcpy(&four, residual + i, sizeof four);
    __m128i byte = _mm_cvtsi32_si128(four);
    __m128i r = d->r_signed ? _mm_cvtepi8_epi32(byte) : _mm_cvtepu8_epi32(byte);
    return _mm256_mul_pd(_mm256_cvtepi32_pd(_mm_sub_epi32(r, f->r_zero)),
                         to_double(_mm256_loadu_si256((const __m256i *)(d->mr + i))));
}

AVX2_INL __m128i process_four(const struct digital *d, const struct factors *f, const int32_t *acc,
                              const uint8_t *residual, uint32_t i)
{
    __m256d a = _mm256_cvtepi32_pd(_mm_loadu_si128((const __m128i *)(acc + i)));
    __m256d m = _mm256_cvtepi32_pd(_mm_loadu_si128((const __m128i *)(d->m + i)));
    __m256d b = to_double(_mm256_loadu_si256((const __m256i *)(d->b + i)));
    __m256d t = _mm256_add_pd(_mm256_mul_pd(a, m), b);

    if (residual)
        t = _mm256_add_pd(t, residual_term(d, f, residual, i));
    t = _mm256_min_pd(_mm256_max_pd(_mm256_mul_pd(t, units(d->shift + i)), f->low), f->high);
    return _mm256_cvtpd_epi32(t);
}

/* The low bytes of sixteen integers, the zero point added. */
AVX2_INL __m128i bytes_of(const struct factors *f, __m128i a, __m128i b, __m128i c, __m128i d)
{
    const __m128i byte = _mm_set1_epi32(255);

    return _mm_add_epi8(
        _mm_packus_epi16(_mm_packus_epi32(_mm_and_si128(a, byte), _mm_and_si128(b, byte)),
                         _mm_packus_epi32(_mm_and_si128(c, byte), _mm_and_si128(d, byte))),
        f->zero);
}

AVX2 static void process(const struct digital *borrowed, const int32_t *acc,
                         const uint8_t *residual, uint8_t *out)
{
    const struct digital d = *borrowed; // bytes stored to out cannot change a copy
    const struct factors f = {
        .low = _mm256_set1_pd(d.low - d.zero),
        .high = _mm256_set1_pd(d.high - d.zero),
        .r_zero = _mm_set1_epi32(d.r_zero),
        .zero = _mm_set1_epi8((int8_t)d.zero),
    };
    uint32_t i = 0;

    if (d.n < QUARTER) {
        digital_portable.process(&d, acc, residual, out);
        return;
    }
    for (; i + LANES <= d.n; i += LANES) {
        __m128i q[LANES / QUARTER];
#pragma GCC unroll 4
        for (uint32_t k = 0; k < LANES / QUARTER; k++)
            q[k] = process_four(&d, &f, acc, residual, i + k * QUARTER);
        _mm_storeu_si128((__m128i *)(out + i), bytes_of(&f, q[0], q[1], q[2], q[3]));
    }
    /* The last four may overlap those before: an output depends on its inputs alone. */
    for (; i < d.n; i += QUARTER) {
        uint32_t at = min_u32(i, d.n - QUARTER);
        __m128i q = process_four(&d, &f, acc, residual, at);
        int32_t four = _mm_cvtsi128_si32(bytes_of(&f, q, q, q, q));
        memcpy(out + at, &four, sizeof four);
    }
}

const struct digital_kernel digital_avx2 = { process, .in_doubles = true };
#endif
