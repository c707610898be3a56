/* arch/units/sliced_lanes_avx512.c -- see sliced_lanes.h; eight images a vector, so that a pixel
 * has two. */
#include "arch/units/sliced_lanes.h"
#include "core/simd.h"

#if SIMD_X86
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,popcnt")))
#define INLINE TARGET __attribute__((always_inline)) static inline

enum { BYTES = 64, HALVES = 2, MOST_PIXELS = 2, MOST_SLICES = 4 };

/* Swaps what the mask says with what is `by` bits above it. */
INLINE __m512i swap(__m512i v, int64_t mask, const unsigned by)
{
    __m512i other = _mm512_and_si512(_mm512_xor_si512(v, _mm512_srli_epi64(v, by)),
                                     _mm512_set1_epi64(mask));

    return _mm512_ternarylogic_epi64(v, other, _mm512_slli_epi64(other, by), 0x96); // xor of three
}

/* Of eight images: bit b of byte r becomes bit r of byte b. */
INLINE void index_half(__m512i v, uint8_t *to)
{
    const __m512i low = _mm512_set1_epi8(15);

    v = swap(v, 0x00aa00aa00aa00aa, 7);
    v = swap(v, 0x0000cccc0000cccc, 14);
    v = swap(v, 0x00000000f0f0f0f0, 28);
    _mm512_storeu_si512(to, _mm512_and_si512(v, low));
    _mm512_storeu_si512(to + SLICED_LANES_INDEX,
                        _mm512_and_si512(_mm512_srli_epi64(v, 4), low));
}

TARGET static void index_quads(const uint8_t *a, const uint8_t *b, uint8_t flip, uint8_t *to)
{
    const __m512i first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const __m512i last = _mm512_add_epi32(first, _mm512_set1_epi32(8));
    const __m512i flips = _mm512_set1_epi8((char)flip);
    const __m512i of_a = _mm512_xor_si512(_mm512_loadu_si512(a), flips);
    const __m512i of_b = b ? _mm512_xor_si512(_mm512_loadu_si512(b), flips)
                           : _mm512_setzero_si512();

    index_half(_mm512_permutex2var_epi32(of_a, first, of_b), to);
    index_half(_mm512_permutex2var_epi32(of_a, last, of_b), to + BYTES);
}

/* Two images a lane of 128 bits: first each bit of both, then each bit of all. */
TARGET static void by_bits(const uint8_t *index, uint8_t *to)
{
    const __m512i pairs = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15));
    const __m512i two = _mm512_set_epi64(
        0x003b0033002b0023, 0x001b0013000b0003, 0x003a0032002a0022, 0x001a0012000a0002,
        0x0039003100290021, 0x0019001100090001, 0x0038003000280020, 0x0018001000080000);
    const __m512i low = _mm512_shuffle_epi8(_mm512_loadu_si512(index), pairs);
    const __m512i high = _mm512_shuffle_epi8(_mm512_loadu_si512(index + BYTES), pairs);
    const __m512i four = _mm512_add_epi16(two, _mm512_set1_epi16(4));

    _mm512_storeu_si512(to, _mm512_permutex2var_epi16(low, two, high));
    _mm512_storeu_si512(to + BYTES, _mm512_permutex2var_epi16(low, four, high));
}

/* Byte i of a table is the sum of the digits whose bit is set in i. */
TARGET static void tables(const uint8_t *digit, uint32_t n, uint8_t *table)
{
    const __m512i on = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    const __m512i quad = _mm512_set_epi64(0x0c0c0c0c0c0c0c0c, 0x0c0c0c0c0c0c0c0c,
                                          0x0808080808080808, 0x0808080808080808,
                                          0x0404040404040404, 0x0404040404040404, 0, 0);

    for (uint32_t i = 0; i < n; i += 4, digit += 4 * SLICED_LANES_QUAD, table += BYTES) {
        const __m512i four = _mm512_broadcast_i32x4(_mm_loadu_si128((const void *)digit));
        __m512i sum = _mm512_setzero_si512();
        for (int r = 0; r < SLICED_LANES_QUAD; r++) {
            const __m512i row = _mm512_add_epi8(quad, _mm512_set1_epi8((char)r));
            __mmask64 set = _mm512_test_epi8_mask(on, _mm512_set1_epi8((char)(1 << r)));
            sum = _mm512_add_epi8(sum, _mm512_maskz_shuffle_epi8(set, four, row));
        }
        _mm512_storeu_si512(table, sum);
    }
}

/* Codes of n_pixel pixels and n_slice slices from j on; total[n_pixel][2] of the low and the high
 * four bits of each image. */
INLINE uint64_t tile(const struct sliced_lanes_column *c, const uint8_t *index, uint32_t j,
                     __m512i *total, const __mmask64 *there, const uint32_t n_pixel,
                     const uint32_t n_slice)
{
    const size_t pixel = (size_t)c->quads * SLICED_LANES_INDEX;
    const size_t slice = (size_t)c->table_quads * SLICED_LANES_TABLE;
    const uint32_t n_vector = n_pixel * HALVES;
    const uint8_t *table = c->table + j * slice;
    const __m512i most = _mm512_set1_epi8((char)c->most);
    const __m512i weight = _mm512_set1_epi64(c->is_signed ? (int64_t)0xf804020108040201
                                                          : 0x0804020108040201);
    const __mmask64 top = 0x8080808080808080;
    __m512i sum[MOST_SLICES][MOST_PIXELS * HALVES];
    uint64_t n_clipped = 0;

#pragma GCC unroll 4
    for (uint32_t k = 0; k < n_slice; k++)
#pragma GCC unroll 4
        for (uint32_t v = 0; v < n_vector; v++)
            sum[k][v] = _mm512_setzero_si512();
    for (uint32_t q = 0; q < c->quads; q++) {
        __m512i on[MOST_PIXELS * HALVES];
#pragma GCC unroll 4
        for (uint32_t v = 0; v < n_vector; v++)
            on[v] = _mm512_loadu_si512(index + v / HALVES * pixel + q * SLICED_LANES_INDEX +
                                       v % HALVES * BYTES);
#pragma GCC unroll 4
        for (uint32_t k = 0; k < n_slice; k++) {
            const __m512i t = _mm512_broadcast_i32x4(
                _mm_loadu_si128((const void *)(table + k * slice + q * SLICED_LANES_TABLE)));
#pragma GCC unroll 4
            for (uint32_t v = 0; v < n_vector; v++)
                sum[k][v] = _mm512_adds_epu8(sum[k][v], _mm512_shuffle_epi8(t, on[v]));
        }
    }
#pragma GCC unroll 4
    for (uint32_t k = 0; k < n_slice; k++) {
        const __m512i factor = _mm512_set1_epi32(c->factor[j + k]);
#pragma GCC unroll 4
        for (uint32_t v = 0; v < n_vector; v++) {
            const __mmask64 above = _mm512_cmpgt_epu8_mask(sum[k][v], most) & there[v % HALVES];
            const __m512i code = _mm512_min_epu8(sum[k][v], most);
            __m512i eight = _mm512_dpbusd_epi32(_mm512_setzero_si512(), code, weight);
            n_clipped += (uint64_t)_mm_popcnt_u64(above);
            if (c->times > 1)
                n_clipped += (c->times - 1) * (uint64_t)_mm_popcnt_u64(above & top);
            total[v] = _mm512_add_epi32(total[v], _mm512_mullo_epi32(eight, factor));
        }
    }
    return n_clipped;
}

INLINE uint64_t pixels(const struct sliced_lanes_column *c, uint32_t at, const __mmask64 *there,
                       const uint32_t n_pixel)
{
    const uint8_t *index = c->index + at * (size_t)c->quads * SLICED_LANES_INDEX;
    __m512i total[MOST_PIXELS * HALVES];
    uint64_t n_clipped = 0;
    uint32_t j = 0;

#pragma GCC unroll 4
    for (uint32_t v = 0; v < n_pixel * HALVES; v++)
        total[v] = _mm512_setzero_si512();
    for (; j + 4 <= c->n_slice; j += 4)
        n_clipped += tile(c, index, j, total, there, n_pixel, 4);
    for (; j + 2 <= c->n_slice; j += 2)
        n_clipped += tile(c, index, j, total, there, n_pixel, 2);
    for (; j < c->n_slice; j++)
        n_clipped += tile(c, index, j, total, there, n_pixel, 1);
#pragma GCC unroll 4
    for (uint32_t v = 0; v < n_pixel * HALVES; v++) {
        int32_t *to = c->sum + (at + v / HALVES) * c->sum_apart + v % HALVES * 8;
        const __m512i high = _mm512_slli_epi64(_mm512_srli_epi64(total[v], 32), 4);
        const __m256i all = _mm512_cvtepi64_epi32(_mm512_add_epi32(total[v], high));
        const __m256i had = _mm256_loadu_si256((const void *)to);
        _mm256_storeu_si256((void *)to, _mm256_add_epi32(had, all));
    }
    return n_clipped;
}

TARGET static uint64_t column(const struct sliced_lanes_column *c)
{
    const uint32_t n = c->n_image;
    const __mmask64 all = ~UINT64_C(0);
    const __mmask64 there[HALVES] = { n < 8 ? (UINT64_C(1) << 8 * n) - 1 : all,
                                      n <= 8    ? 0
                                      : n == 16 ? all
                                                : (UINT64_C(1) << 8 * (n - 8)) - 1 };
    uint64_t n_clipped = 0;
    uint32_t p = 0;

    for (; p + 2 <= c->n; p += 2)
        n_clipped += pixels(c, p, there, 2);
    if (p < c->n)
        n_clipped += pixels(c, p, there, 1);
    return n_clipped;
}

/* ---- any codes ---- */

enum { ALL_BITS = SLICED_LANES_BITS, WIDES = 4 }; // vectors of 16-bit sums, two bits in each

/* Sums of n_slice slices from j on in a pixel: wide[n_slice][bit][image]. */
INLINE void count_any(const struct sliced_lanes_codes *c, const uint8_t *index, uint32_t j,
                      __m512i (*wide)[WIDES], const uint32_t n_slice)
{
    const size_t slice = (size_t)c->table_quads * SLICED_LANES_TABLE;
    const uint8_t *table = c->table + j * slice;

#pragma GCC unroll 4
    for (uint32_t k = 0; k < n_slice; k++)
#pragma GCC unroll 4
        for (uint32_t v = 0; v < WIDES; v++)
            wide[k][v] = _mm512_setzero_si512();
    for (uint32_t q = 0; q < c->quads;) {
        const uint32_t end = c->quads - q < c->full ? c->quads : q + c->full;
        __m512i sum[MOST_SLICES][HALVES];
#pragma GCC unroll 4
        for (uint32_t k = 0; k < n_slice; k++)
            sum[k][0] = sum[k][1] = _mm512_setzero_si512();
        for (; q < end; q++, index += SLICED_LANES_INDEX) {
            const __m512i low = _mm512_loadu_si512(index), high = _mm512_loadu_si512(index + BYTES);
#pragma GCC unroll 4
            for (uint32_t k = 0; k < n_slice; k++) {
                const __m512i t = _mm512_broadcast_i32x4(
                    _mm_loadu_si128((const void *)(table + k * slice + q * SLICED_LANES_TABLE)));
                sum[k][0] = _mm512_add_epi8(sum[k][0], _mm512_shuffle_epi8(t, low));
                sum[k][1] = _mm512_add_epi8(sum[k][1], _mm512_shuffle_epi8(t, high));
            }
        }
#pragma GCC unroll 4
        for (uint32_t k = 0; k < n_slice; k++)
#pragma GCC unroll 2
            for (uint32_t h = 0; h < HALVES; h++) {
                const __m256i upper = _mm512_extracti64x4_epi64(sum[k][h], 1);
                const __m512i lower = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(sum[k][h]));
                wide[k][2 * h] = _mm512_add_epi16(wide[k][2 * h], lower);
                wide[k][2 * h + 1] = _mm512_add_epi16(wide[k][2 * h + 1],
                                                      _mm512_cvtepu8_epi16(upper));
            }
    }
}

/* Adds the codes of a slice's sums[bit][image] to *total. */
INLINE uint64_t convert_any(const struct sliced_lanes_codes *c, const uint16_t *sums,
                            const struct sliced_lanes_code *code, __mmask16 there, __m512i *total)
{
    uint64_t n_clipped = 0;

    for (uint32_t k = 0; k < c->n_digit; k++, code++) {
        const struct sliced_lanes_digit *d = &c->digit[k];
        const __m512i least = _mm512_set1_epi32(code->least), most = _mm512_set1_epi32(code->most);
        const uint16_t *of_bit = sums + (size_t)d->first * SLICED_LANES_IMAGES;
        __m512i s = _mm512_setzero_si512();
        for (uint32_t b = 0; b < d->n; b++, of_bit += SLICED_LANES_IMAGES) {
            __m512i of = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)of_bit));
            if (d->weight[b] != 1)
                of = _mm512_mullo_epi32(of, _mm512_set1_epi32(d->weight[b]));
            s = _mm512_add_epi32(s, of);
        }
        __m512 steps = _mm512_cvtepi32_ps(s);
        if (code->over_step > 0)
            steps = _mm512_mul_ps(steps, _mm512_set1_ps(code->over_step));
        else
            steps = _mm512_div_ps(steps, _mm512_set1_ps(code->step));
        s = _mm512_cvtps_epi32(steps);
        const __m512i kept = _mm512_max_epi32(_mm512_min_epi32(s, most), least);
        const __mmask16 clips = _mm512_mask_cmpneq_epi32_mask(there, kept, s);
        n_clipped += (uint64_t)_mm_popcnt_u32(clips);
        *total = _mm512_add_epi32(*total,
                                  _mm512_mullo_epi32(kept, _mm512_set1_epi32(code->factor)));
    }
    return n_clipped;
}

INLINE uint64_t slices_any(const struct sliced_lanes_codes *c, const uint8_t *index, uint32_t j,
                           __mmask16 there, __m512i *total, const uint32_t n_slice)
{
    __m512i wide[MOST_SLICES][WIDES];
    uint16_t sums[ALL_BITS * SLICED_LANES_IMAGES];
    uint64_t n_clipped = 0;

    count_any(c, index, j, wide, n_slice);
#pragma GCC unroll 4
    for (uint32_t k = 0; k < n_slice; k++) {
#pragma GCC unroll 4
        for (uint32_t v = 0; v < WIDES; v++)
            _mm512_storeu_si512(sums + v * BYTES / sizeof *sums, wide[k][v]);
        n_clipped += convert_any(c, sums, c->code + (size_t)(j + k) * c->n_digit, there, total);
    }
    return n_clipped;
}

TARGET static uint64_t codes(const struct sliced_lanes_codes *c)
{
    const __mmask16 there = (__mmask16)((UINT32_C(1) << c->n_image) - 1);
    const uint8_t *index = c->index;
    uint64_t n_clipped = 0;

    for (uint32_t p = 0; p < c->n; p++, index += (size_t)c->quads * SLICED_LANES_INDEX) {
        int32_t *to = c->sum + p * c->sum_apart;
        __m512i total = _mm512_loadu_si512(to);
        uint32_t j = 0;
        for (; j + 4 <= c->n_slice; j += 4)
            n_clipped += slices_any(c, index, j, there, &total, 4);
        for (; j + 2 <= c->n_slice; j += 2)
            n_clipped += slices_any(c, index, j, there, &total, 2);
        for (; j < c->n_slice; j++)
            n_clipped += slices_any(c, index, j, there, &total, 1);
        _mm512_storeu_si512(to, total);
    }
    return n_clipped;
}

const struct sliced_lanes_kernel sliced_lanes_avx512 = { index_quads, by_bits, tables, column,
                                                         codes };
#endif
