/* arch/units/sliced_avx512.c -- see sliced_kernel.h; eight outputs at a time, VPOPCNTDQ.
 *
 * A sum divided by the step in double precision rounds as the exact quotient does while
 * |sum| < 2^51: a quotient that is no tie is at least 1 / (2 step) away from one.
 */
#include "arch/units/sliced_kernel.h"
#include "core/simd.h"

#if SIMD_X86
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vpopcntdq")))

TARGET static void planes(const uint16_t *x, uint32_t n, uint32_t n_bit, uint32_t words,
                          uint64_t *word)
{
    for (uint32_t k = 0; k < words; k++) {
        uint32_t left = n > 64 * k ? n - 64 * k : 0;
        __mmask64 there = left >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << left) - 1;
        __m512i low = _mm512_maskz_loadu_epi16((__mmask32)there, x + 64 * k);
        __m512i high = _mm512_maskz_loadu_epi16((__mmask32)(there >> 32), x + 64 * k + 32);

        for (uint32_t b = 0; b < n_bit; b++) {
            __m512i bit = _mm512_set1_epi16((short)(1 << b));
            word[(size_t)b * words + k] = _mm512_test_epi16_mask(low, bit) |
                                          (uint64_t)_mm512_test_epi16_mask(high, bit) << 32;
        }
    }
}

TARGET static __m512i lane_sums(const struct sliced_read *r, uint32_t o)
{
    __m512i sum = _mm512_setzero_si512();

    for (uint32_t p = 0; p < r->n_plane; p++) {
        const uint64_t *w = r->plane + (size_t)p * r->words * r->lanes + o;
        __m512i weighted = _mm512_setzero_si512();

        for (uint32_t i = 0; i < r->n_input; i++) {
            const uint64_t *x = r->input + (size_t)i * r->words;
            __m512i n = _mm512_setzero_si512();
            for (uint32_t k = 0; k < r->words; k++)
                n = _mm512_add_epi64(n, _mm512_popcnt_epi64(_mm512_and_si512(
                        _mm512_set1_epi64((long long)x[k]),
                        _mm512_loadu_si512(w + (size_t)k * r->lanes))));
            weighted = _mm512_add_epi64(weighted, _mm512_mullo_epi64(
                           n, _mm512_set1_epi64(r->input_factor[i])));
        }
        sum = _mm512_add_epi64(sum, _mm512_mullo_epi64(
                  weighted, _mm512_set1_epi64(r->plane_factor[p])));
    }
    return sum;
}

TARGET static __m512i to_code(const struct sliced_read *r, __m512i sum)
{
    if (r->converter.step == 1)
        return sum;
    __m512d q = _mm512_div_pd(_mm512_cvtepi64_pd(sum), _mm512_set1_pd((double)r->converter.step));

    return _mm512_cvtpd_epi64(
        _mm512_roundscale_pd(q, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

TARGET static uint64_t read_slice(const struct sliced_read *r, int64_t *scratch, int64_t *out)
{
    const __m512i least = _mm512_set1_epi64(r->converter.least);
    const __m512i most = _mm512_set1_epi64(r->converter.most);
    const __m512i factor = _mm512_set1_epi64(r->factor * r->converter.step);
    uint64_t n_clipped = 0;

    (void)scratch;
    for (uint32_t o = 0; o < r->outputs; o += SLICED_LANES) {
        uint32_t n = r->outputs - o < SLICED_LANES ? r->outputs - o : SLICED_LANES;
        __mmask8 used = (__mmask8)((1U << n) - 1);
        __m512i code = to_code(r, lane_sums(r, o));
        __mmask8 clips = _mm512_mask_cmplt_epi64_mask(used, code, least) |
                         _mm512_mask_cmpgt_epi64_mask(used, code, most);

        n_clipped += (uint64_t)__builtin_popcount(clips);
        code = _mm512_max_epi64(_mm512_min_epi64(code, most), least);
        __m512i total = _mm512_add_epi64(_mm512_loadu_si512(out + o),
                                         _mm512_mullo_epi64(code, factor));
        _mm512_storeu_si512(out + o, total);
    }
    return n_clipped;
}

const struct sliced_kernel sliced_avx512 = { planes, read_slice };
#endif
