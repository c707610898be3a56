/* arch/units/sliced_lanes_avx2.c -- see sliced_lanes.h; four images a vector, so that a pixel has
 * four. */
#include "arch/units/sliced_lanes.h"
#include "core/simd.h"

#if SIMD_X86
#include <immintrin.h>

#define TARGET __attribute__((target("avx2,popcnt")))
#define INLINE TARGET __attribute__((always_inline)) static inline

enum { BYTES = 32, VECTORS = 4, IMAGES = 4, MOST_SLICES = 2 };

/* Swaps what the mask says with what is `by` bits above it. */
INLINE __m256i swap(__m256i v, long long mask, const int by)
{
    __m256i other = _mm256_and_si256(_mm256_xor_si256(v, _mm256_srli_epi64(v, by)),
                                     _mm256_set1_epi64x(mask));

    return _mm256_xor_si256(v, _mm256_xor_si256(other, _mm256_slli_epi64(other, by)));
}

/* Of four images: bit b of byte r becomes bit r of byte b. */
INLINE void index_images(__m256i v, uint8_t *to)
{
    const __m256i low = _mm256_set1_epi8(15);

    v = swap(v, 0x00aa00aa00aa00aa, 7);
    v = swap(v, 0x0000cccc0000cccc, 14);
    v = swap(v, 0x00000000f0f0f0f0, 28);
    _mm256_storeu_si256((void *)to, _mm256_and_si256(v, low));
    _mm256_storeu_si256((void *)(to + SLICED_LANES_INDEX),
                        _mm256_and_si256(_mm256_srli_epi64(v, 4), low));
}

TARGET static void index_quads(const uint8_t *a, const uint8_t *b, uint8_t flip, uint8_t *to)
{
    const __m256i flips = _mm256_set1_epi8((char)flip);

    for (int i = 0; i < 2; i++, a += BYTES, b += b ? BYTES : 0, to += 2 * BYTES) {
        const __m256i of_a = _mm256_xor_si256(_mm256_loadu_si256((const void *)a), flips);
        const __m256i of_b = b ? _mm256_xor_si256(_mm256_loadu_si256((const void *)b), flips)
                               : _mm256_setzero_si256();
        const __m256i even = _mm256_unpacklo_epi32(of_a, of_b); // images 0, 1, 4, 5
        const __m256i odd = _mm256_unpackhi_epi32(of_a, of_b);  // and 2, 3, 6, 7
        index_images(_mm256_permute2x128_si256(even, odd, 0x20), to);
        index_images(_mm256_permute2x128_si256(even, odd, 0x31), to + BYTES);
    }
}

/* Two images a vector of 128 bits: first each bit of both, then vectors are transposed by words. */
TARGET static void by_bits(const uint8_t *index, uint8_t *to)
{
    enum { N = SLICED_LANES_BITS };
    const __m128i pairs = _mm_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
    __m128i a[N], b[N];

    for (int i = 0; i < N; i++)
        a[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)index + i), pairs);
    for (int i = 0; i < N; i += 2) {
        b[i] = _mm_unpacklo_epi16(a[i], a[i + 1]); // bits 0 to 3 of two
        b[i + 1] = _mm_unpackhi_epi16(a[i], a[i + 1]);
    }
    for (int i = 0; i < N; i += 4)
        for (int h = 0; h < 2; h++) {
            a[i + 2 * h] = _mm_unpacklo_epi32(b[i + h], b[i + 2 + h]); // bits 4 h and 4 h + 1
            a[i + 2 * h + 1] = _mm_unpackhi_epi32(b[i + h], b[i + 2 + h]);
        }
    for (int i = 0; i < N / 2; i++) {
        __m128i *two = (__m128i *)(void *)to + 2 * i;
        _mm_storeu_si128(two, _mm_unpacklo_epi64(a[i], a[i + N / 2]));
        _mm_storeu_si128(two + 1, _mm_unpackhi_epi64(a[i], a[i + N / 2]));
    }
}

/* Byte i of a table is the sum of the digits whose bit is set in i; two tables at a time. */
TARGET static void tables(const uint8_t *digit, uint32_t n, uint8_t *table)
{
    const __m256i on = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    const __m256i quad = _mm256_set_epi64x(0x0404040404040404, 0x0404040404040404, 0, 0);

    for (uint32_t i = 0; i < n; i += 2, digit += 2 * SLICED_LANES_QUAD, table += BYTES) {
        const __m256i two =
            _mm256_broadcastsi128_si256(_mm_loadl_epi64((const __m128i *)(const void *)digit));
        __m256i sum = _mm256_setzero_si256();
        for (int r = 0; r < SLICED_LANES_QUAD; r++) {
            const __m256i bit = _mm256_set1_epi8((char)(1 << r));
            const __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(on, bit), bit);
            const __m256i row = _mm256_add_epi8(quad, _mm256_set1_epi8((char)r));
            sum = _mm256_add_epi8(sum, _mm256_and_si256(set, _mm256_shuffle_epi8(two, row)));
        }
        _mm256_storeu_si256((void *)table, sum);
    }
}

/* Codes of n_slice slices from j on of a pixel; total[VECTORS] of the low and the high four bits of
 * each image. */
INLINE uint64_t tile(const struct sliced_lanes_column *c, const uint8_t *index, uint32_t j,
                     __m256i *total, const uint32_t n_slice)
{
    const size_t slice = (size_t)c->table_quads * SLICED_LANES_TABLE;
    const uint8_t *table = c->table + j * slice;
    const __m256i most = _mm256_set1_epi8((char)c->most);
    const __m256i weight = _mm256_set1_epi64x(c->is_signed ? (long long)0xf804020108040201
                                                           : 0x0804020108040201);
    __m256i sum[MOST_SLICES][VECTORS];
    uint64_t n_clipped = 0;

#pragma GCC unroll 2
    for (uint32_t k = 0; k < n_slice; k++)
#pragma GCC unroll 4
        for (uint32_t v = 0; v < VECTORS; v++)
            sum[k][v] = _mm256_setzero_si256();
    for (uint32_t q = 0; q < c->quads; q++, index += SLICED_LANES_INDEX) {
        __m256i t[MOST_SLICES];
#pragma GCC unroll 2
        for (uint32_t k = 0; k < n_slice; k++)
            t[k] = _mm256_broadcastsi128_si256(
                _mm_loadu_si128((const void *)(table + k * slice + q * SLICED_LANES_TABLE)));
#pragma GCC unroll 4
        for (uint32_t v = 0; v < VECTORS; v++) {
            const __m256i on = _mm256_loadu_si256((const void *)(index + v * BYTES));
#pragma GCC unroll 2
            for (uint32_t k = 0; k < n_slice; k++)
                sum[k][v] = _mm256_adds_epu8(sum[k][v], _mm256_shuffle_epi8(t[k], on));
        }
    }
#pragma GCC unroll 2
    for (uint32_t k = 0; k < n_slice; k++) {
        const __m256i factor = _mm256_set1_epi32(c->factor[j + k]);
#pragma GCC unroll 4
        for (uint32_t v = 0; v < VECTORS; v++) {
            const uint32_t n = c->n_image > v * IMAGES ? c->n_image - v * IMAGES : 0;
            const uint32_t there =
                n >= IMAGES ? UINT32_MAX : (UINT32_C(1) << n * SLICED_LANES_BITS) - 1;
            const __m256i code = _mm256_min_epu8(sum[k][v], most);
            const uint32_t same =
                (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(code, sum[k][v]));
            const __m256i eight = _mm256_madd_epi16(_mm256_maddubs_epi16(code, weight),
                                                    _mm256_set1_epi16(1));
            n_clipped += (uint64_t)_mm_popcnt_u32(~same & there);
            if (c->times > 1)
                n_clipped += (c->times - 1) * (uint64_t)_mm_popcnt_u32(~same & there & 0x80808080);
            total[v] = _mm256_add_epi32(total[v], _mm256_mullo_epi32(eight, factor));
        }
    }
    return n_clipped;
}

TARGET static uint64_t column(const struct sliced_lanes_column *c)
{
    const __m256i even = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
    const uint8_t *index = c->index;
    uint64_t n_clipped = 0;

    for (uint32_t p = 0; p < c->n; p++, index += (size_t)c->quads * SLICED_LANES_INDEX) {
        __m256i total[VECTORS] = { _mm256_setzero_si256(), _mm256_setzero_si256(),
                                   _mm256_setzero_si256(), _mm256_setzero_si256() };
        uint32_t j = 0;
        for (; j + 2 <= c->n_slice; j += 2)
            n_clipped += tile(c, index, j, total, 2);
        if (j < c->n_slice)
            n_clipped += tile(c, index, j, total, 1);
        for (uint32_t v = 0; v < VECTORS; v++) {
            __m128i *to = (__m128i *)(void *)(c->sum + p * c->sum_apart + v * IMAGES);
            const __m256i two = _mm256_permutevar8x32_epi32(total[v], even);
            const __m128i high = _mm_slli_epi32(_mm256_extracti128_si256(two, 1), 4);
            const __m128i all = _mm_add_epi32(_mm256_castsi256_si128(two), high);
            _mm_storeu_si128(to, _mm_add_epi32(_mm_loadu_si128(to), all));
        }
    }
    return n_clipped;
}

/* ---- any codes ---- */

/* Sums of n_slice slices from j on in a pixel: wide[n_slice][bit], of sixteen images. */
INLINE void count_any(const struct sliced_lanes_codes *c, const uint8_t *index, uint32_t j,
                      __m256i (*wide)[SLICED_LANES_BITS], const uint32_t n_slice)
{
    const size_t slice = (size_t)c->table_quads * SLICED_LANES_TABLE;
    const uint8_t *table = c->table + j * slice;

    for (uint32_t k = 0; k < n_slice; k++)
        for (uint32_t b = 0; b < SLICED_LANES_BITS; b++)
            wide[k][b] = _mm256_setzero_si256();
    for (uint32_t q = 0; q < c->quads;) {
        const uint32_t end = c->quads - q < c->full ? c->quads : q + c->full;
        __m256i sum[MOST_SLICES][VECTORS];
#pragma GCC unroll 2
        for (uint32_t k = 0; k < n_slice; k++)
#pragma GCC unroll 4
            for (uint32_t v = 0; v < VECTORS; v++)
                sum[k][v] = _mm256_setzero_si256();
        for (; q < end; q++, index += SLICED_LANES_INDEX) {
            __m256i t[MOST_SLICES];
#pragma GCC unroll 2
            for (uint32_t k = 0; k < n_slice; k++)
                t[k] = _mm256_broadcastsi128_si256(
                    _mm_loadu_si128((const void *)(table + k * slice + q * SLICED_LANES_TABLE)));
#pragma GCC unroll 4
            for (uint32_t v = 0; v < VECTORS; v++) {
                const __m256i on = _mm256_loadu_si256((const void *)(index + v * BYTES));
#pragma GCC unroll 2
                for (uint32_t k = 0; k < n_slice; k++)
                    sum[k][v] = _mm256_add_epi8(sum[k][v], _mm256_shuffle_epi8(t[k], on));
            }
        }
#pragma GCC unroll 2
        for (uint32_t k = 0; k < n_slice; k++)
#pragma GCC unroll 4
            for (uint32_t v = 0; v < VECTORS; v++) {
                const __m128i low = _mm256_castsi256_si128(sum[k][v]);
                const __m128i high = _mm256_extracti128_si256(sum[k][v], 1);
                wide[k][2 * v] = _mm256_add_epi16(wide[k][2 * v], _mm256_cvtepu8_epi16(low));
                wide[k][2 * v + 1] = _mm256_add_epi16(wide[k][2 * v + 1],
                                                      _mm256_cvtepu8_epi16(high));
            }
    }
}

/* Adds the codes of eight images of a slice's sums[bit][image] to *total. */
INLINE uint64_t convert_any(const struct sliced_lanes_codes *c, const uint16_t *sums,
                            const struct sliced_lanes_code *code, uint32_t n, __m256i *total)
{
    const uint32_t there = n >= 8 ? 0xff : (UINT32_C(1) << n) - 1;
    uint64_t n_clipped = 0;

    for (uint32_t k = 0; k < c->n_digit; k++, code++) {
        const struct sliced_lanes_digit *d = &c->digit[k];
        const __m256i least = _mm256_set1_epi32(code->least), most = _mm256_set1_epi32(code->most);
        const uint16_t *of_bit = sums + (size_t)d->first * SLICED_LANES_IMAGES;
        __m256i s = _mm256_setzero_si256();
        for (uint32_t b = 0; b < d->n; b++, of_bit += SLICED_LANES_IMAGES) {
            __m256i of = _mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)of_bit));
            if (d->weight[b] != 1)
                of = _mm256_mullo_epi32(of, _mm256_set1_epi32(d->weight[b]));
            s = _mm256_add_epi32(s, of);
        }
        __m256 steps = _mm256_cvtepi32_ps(s);
        if (code->over_step > 0)
            steps = _mm256_mul_ps(steps, _mm256_set1_ps(code->over_step));
        else
            steps = _mm256_div_ps(steps, _mm256_set1_ps(code->step));
        s = _mm256_cvtps_epi32(steps);
        const __m256i kept = _mm256_max_epi32(_mm256_min_epi32(s, most), least);
        const __m256 same = _mm256_castsi256_ps(_mm256_cmpeq_epi32(kept, s));
        n_clipped += (uint64_t)_mm_popcnt_u32(~(uint32_t)_mm256_movemask_ps(same) & there);
        *total = _mm256_add_epi32(*total,
                                  _mm256_mullo_epi32(kept, _mm256_set1_epi32(code->factor)));
    }
    return n_clipped;
}

INLINE uint64_t slices_any(const struct sliced_lanes_codes *c, const uint8_t *index, uint32_t j,
                           __m256i *total, const uint32_t n_slice)
{
    __m256i wide[MOST_SLICES][SLICED_LANES_BITS];
    uint16_t sums[SLICED_LANES_BITS * SLICED_LANES_IMAGES];
    const uint32_t n = c->n_image;
    uint64_t n_clipped = 0;

    count_any(c, index, j, wide, n_slice);
    for (uint32_t k = 0; k < n_slice; k++) {
        const struct sliced_lanes_code *code = c->code + (size_t)(j + k) * c->n_digit;
        for (uint32_t b = 0; b < SLICED_LANES_BITS; b++)
            _mm256_storeu_si256((void *)(sums + b * SLICED_LANES_IMAGES), wide[k][b]);
        n_clipped += convert_any(c, sums, code, n, &total[0]);
        n_clipped += convert_any(c, sums + 8, code, n > 8 ? n - 8 : 0, &total[1]);
    }
    return n_clipped;
}

TARGET static uint64_t codes(const struct sliced_lanes_codes *c)
{
    const uint8_t *index = c->index;
    uint64_t n_clipped = 0;

    for (uint32_t p = 0; p < c->n; p++, index += (size_t)c->quads * SLICED_LANES_INDEX) {
        __m256i *to = (__m256i *)(void *)(c->sum + p * c->sum_apart);
        __m256i total[2] = { _mm256_loadu_si256(to), _mm256_loadu_si256(to + 1) };
        uint32_t j = 0;
        for (; j + 2 <= c->n_slice; j += 2)
            n_clipped += slices_any(c, index, j, total, 2);
        if (j < c->n_slice)
            n_clipped += slices_any(c, index, j, total, 1);
        _mm256_storeu_si256(to, total[0]);
        _mm256_storeu_si256(to + 1, total[1]);
    }
    return n_clipped;
}

const struct sliced_lanes_kernel sliced_lanes_avx2 = { index_quads, by_bits, tables, column,
                                                       codes };
#endif
