/* arch/units/crossbar_avx512.c -- see crossbar_kernel.h; AVX-512 with VNNI.
 *
 * vpdpbusd adds four products uint8 * int8 to each int32 lane without saturating between. Signed
 * inputs are shifted by 128 to unsigned; x->offset takes 128 times the column's sum away again,
 * modulo 2^32, so that only the final sum has to fit.
 */
#include "arch/units/crossbar_kernel.h"
#include "core/simd.h"

#if SIMD_X86
#include <immintrin.h>

#define AVX512     __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,popcnt")))
#define AVX512_INL AVX512 __attribute__((always_inline)) static inline

/* Quarter q of the result holds the sums of quarter q of a, of b, of c and of d. */
AVX512_INL __m512i sum_quarters(__m512i a, __m512i b, __m512i c, __m512i d)
{
    __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));

    return _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
}

/* The sums of 16 columns; a quarter of a vector belongs to one column. */
AVX512_INL __m512i multiply_block(const int8_t *cell, const uint8_t *in, uint32_t n_group,
                                  __m512i flip)
{
    __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;

    for (uint32_t g = 0; g < n_group; g++, cell += CELL_BYTES, in += GROUP_ROWS) {
        __m512i x = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)in));

        x = _mm512_xor_si512(x, flip);
        a = _mm512_dpbusd_epi32(a, x, _mm512_load_si512(cell));
        b = _mm512_dpbusd_epi32(b, x, _mm512_load_si512(cell + 64));
        c = _mm512_dpbusd_epi32(c, x, _mm512_load_si512(cell + 128));
        d = _mm512_dpbusd_epi32(d, x, _mm512_load_si512(cell + 192));
    }
    return _mm512_permutexvar_epi32(order, sum_quarters(a, b, c, d));
}

AVX512 static void mvm(const struct crossbar *x, const uint8_t *in, int32_t *out)
{
    __m512i flip = _mm512_set1_epi8(x->in_signed ? -128 : 0);

    for (uint32_t c = 0; c < x->packed_columns; c += BLOCK_COLUMNS) {
        const struct crossbar_block *b = &x->block[c / BLOCK_COLUMNS];
        __m512i sum =
            multiply_block(x->packed + b->begin, in + b->group * GROUP_ROWS, b->n_group, flip);

        _mm512_storeu_si512(out + c, _mm512_add_epi32(sum, _mm512_load_si512(x->offset + c)));
    }
}

/* The sums of the lanes of a, of b, of c and of d. */
AVX512_INL __m128i sum_lanes(__m512i a, __m512i b, __m512i c, __m512i d)
{
    __m512i v = sum_quarters(a, b, c, d);
    __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));

    return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

/* Sums stay within int32: 65,536 rows * 255 * 128 < 2^31. */
AVX512 static void count(const struct crossbar *x, const uint8_t *in, struct input_counts *a)
{
    __m512i s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0;
    const int8_t *digit = x->row_digit;
    uint64_t active = 0, bits = 0;

    for (uint32_t r = 0; r < x->rows; r += ROW_CHUNK, digit += ROW_CHUNK * ROW_DIGITS) {
        __m512i v = _mm512_loadu_si512(in + r);

        if (x->in_signed)
            v = _mm512_abs_epi8(v);
        bits = _mm512_test_epi8_mask(v, v);
        active += (uint64_t)_mm_popcnt_u64(bits);
        s0 = _mm512_dpbusd_epi32(s0, v, _mm512_load_si512(digit));
        s1 = _mm512_dpbusd_epi32(s1, v, _mm512_load_si512(digit + ROW_CHUNK));
        s2 = _mm512_dpbusd_epi32(s2, v, _mm512_load_si512(digit + 2 * ROW_CHUNK));
        s3 = _mm512_dpbusd_epi32(s3, v, _mm512_load_si512(digit + 3 * ROW_CHUNK));
    }
    /* In the last chunk some bytes may lie behind the last row. */
    active -= (uint64_t)_mm_popcnt_u64(bits >> (x->rows - 1) % ROW_CHUNK >> 1);
    int32_t s[ROW_DIGITS];
    _mm_storeu_si128((__m128i *)s, sum_lanes(s0, s1, s2, s3));
    a->active_rows += active;
    a->sum_abs_x += (uint64_t)s[0];
    a->sum_abs_xw +=
        (uint64_t)(s[0] * row_abs_centre(x) + s[1] + 256 * ((int64_t)s[2] + 256 * (int64_t)s[3]));
}

const struct crossbar_kernel crossbar_avx512vnni = { crossbar_pack_columns, mvm, count };
#endif
