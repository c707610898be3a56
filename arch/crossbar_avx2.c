/* arch/crossbar_avx2.c -- see crossbar_kernel.h; AVX2.
 *
 * vpmaddubsw would saturate at 2 * 255 * 128. So inputs and weights are widened to 16 bits and
 * multiplied by vpmaddwd, which is exact. Signed inputs are shifted by 128 to unsigned and
 * x->offset undoes it, as in crossbar_avx512.c.
 */
#include "arch/crossbar_kernel.h"
#include "arch/simd.h"
#include "core/util.h"

#if SIMD_X86
#include <immintrin.h>

#define AVX2     __attribute__((target("avx2,popcnt")))
#define AVX2_INL AVX2 __attribute__((always_inline)) static inline

AVX2_INL __m256i widen(const int8_t *w)
{
    return _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)w));
}

/* The sums of four columns; a vector belongs to one column. */
AVX2_INL __m128i multiply_columns(const int8_t *cell, const uint8_t *in, uint32_t n_group,
                                  __m128i flip)
{
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;

    for (uint32_t g = 0; g < n_group; g++, cell += CELL_BYTES, in += GROUP_ROWS) {
        __m256i x = _mm256_cvtepu8_epi16(_mm_xor_si128(_mm_loadu_si128((const __m128i *)in), flip));

        a = _mm256_add_epi32(a, _mm256_madd_epi16(x, widen(cell)));
        b = _mm256_add_epi32(b, _mm256_madd_epi16(x, widen(cell + GROUP_ROWS)));
        c = _mm256_add_epi32(c, _mm256_madd_epi16(x, widen(cell + 2 * GROUP_ROWS)));
        d = _mm256_add_epi32(d, _mm256_madd_epi16(x, widen(cell + 3 * GROUP_ROWS)));
    }
    a = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    return _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
}

AVX2 static void mvm(const struct crossbar *x, const uint8_t *in, int32_t *out)
{
    __m128i flip = _mm_set1_epi8(x->in_signed ? -128 : 0);

    for (uint32_t c = 0; c < x->packed_columns; c += 4) {
        const struct crossbar_block *b = &x->block[c / BLOCK_COLUMNS];
        const int8_t *cell = x->packed + b->begin + c % BLOCK_COLUMNS * GROUP_ROWS;
        __m128i sum = multiply_columns(cell, in + b->group * GROUP_ROWS, b->n_group, flip);
        __m128i offset = _mm_load_si128((const __m128i *)(x->offset + c));

        _mm_storeu_si128((__m128i *)(out + c), _mm_add_epi32(sum, offset));
    }
}

AVX2_INL uint64_t sum_lanes(__m256i v)
{
    uint64_t lane[4];

    _mm256_storeu_si256((__m256i *)lane, v);
    return lane[0] + lane[1] + lane[2] + lane[3];
}

/* The first n of 32 bytes 0xff, the rest 0. */
AVX2_INL __m256i first_bytes(uint32_t n)
{
    __m256i index = _mm256_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17,
                                     18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);

    return _mm256_cmpgt_epi8(_mm256_set1_epi8((char)min_u32(n, 32)), index);
}

AVX2 static void count(const struct crossbar *x, const uint8_t *in, struct crossbar_activity *a)
{
    __m256i zero = _mm256_setzero_si256(), sum = zero, sum_w = zero;

    for (uint32_t r = 0; r < x->rows; r += 32) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(in + r));

        v = _mm256_and_si256(x->in_signed ? _mm256_abs_epi8(v) : v, first_bytes(x->rows - r));
        uint32_t is_zero = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, zero));
        a->active_rows += 32 - (uint64_t)_mm_popcnt_u32(is_zero);
        sum = _mm256_add_epi64(sum, _mm256_sad_epu8(v, zero));
    }
    for (uint32_t r = 0; r < x->rows; r += 8) { // row_abs is 0 behind the last row
        __m128i v = _mm_loadl_epi64((const __m128i *)(in + r));
        __m256i v32 = _mm256_cvtepu8_epi32(x->in_signed ? _mm_abs_epi8(v) : v);
        __m256i w = _mm256_load_si256((const __m256i *)(x->row_abs + r));
        __m256i even = _mm256_mul_epu32(v32, w);
        __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(v32, 32), _mm256_srli_epi64(w, 32));

        sum_w = _mm256_add_epi64(sum_w, _mm256_add_epi64(even, odd));
    }
    a->sum_abs_x += sum_lanes(sum);
    a->sum_abs_xw += sum_lanes(sum_w);
}

const struct crossbar_kernel crossbar_avx2 = { mvm, count };
#endif
