/* arch/crossbar_avx2.c -- see crossbar_kernel.h; AVX2.
 *
 * vpmaddubsw would saturate at 2 * 255 * 128. So inputs and weights have 16 bits and are multiplied
 * by vpmaddwd, which is exact: weights as they are packed, inputs once for all columns, 1,024 rows
 * at a time. A lane of 32 bits is a column, whose pair of rows meets the inputs of that pair, and
 * sums itself up.
 */
#include "arch/crossbar_kernel.h"
#include "arch/simd.h"
#include "core/util.h"

#if SIMD_X86
#include <immintrin.h>
#include <string.h>

#define AVX2     __attribute__((target("avx2,popcnt")))
#define AVX2_INL AVX2 __attribute__((always_inline)) static inline

enum { MOST_GROUPS = 64, CELL_BYTES = CELL_WEIGHTS * sizeof(int16_t) };

static void pack_pairs(int8_t (*weight)[BLOCK_COLUMNS], void *cell)
{
    int16_t *w = cell;

    for (uint32_t r = 0; r < GROUP_ROWS; r += 2)
        for (uint32_t c = 0; c < BLOCK_COLUMNS; c++) {
            *w++ = weight[r][c];
            *w++ = weight[r + 1][c];
        }
}

AVX2_INL __m256i widen(bool is_signed, const uint8_t *in)
{
    __m128i v = _mm_loadu_si128((const __m128i *)in);

    return is_signed ? _mm256_cvtepi8_epi16(v) : _mm256_cvtepu8_epi16(v);
}

/* Two rows' inputs in every lane. */
AVX2_INL __m256i pair(const int16_t *in)
{
    int32_t both;

    memcpy(&both, in, sizeof both);
    return _mm256_set1_epi32(both);
}

AVX2_INL __m256i multiply_add(__m256i sum, __m256i x, const int16_t *w)
{
    return _mm256_add_epi32(sum, _mm256_madd_epi16(x, _mm256_load_si256((const __m256i *)w)));
}

/* out[16] += cells * inputs. */
AVX2_INL void multiply_cells(const int16_t *w, const int16_t *in, uint32_t n_group, int32_t *out)
{
    __m256i a = _mm256_loadu_si256((__m256i *)out), b = _mm256_loadu_si256((__m256i *)(out + 8));
    __m256i c = _mm256_setzero_si256(), d = c;

    for (uint32_t g = 0; g < n_group; g++, in += GROUP_ROWS, w += CELL_WEIGHTS)
#pragma GCC unroll 4
        for (uint32_t i = 0; i < GROUP_ROWS; i += 4) {
            __m256i x = pair(in + i), y = pair(in + i + 2);
            a = multiply_add(a, x, w + i * BLOCK_COLUMNS);
            b = multiply_add(b, x, w + i * BLOCK_COLUMNS + BLOCK_COLUMNS);
            c = multiply_add(c, y, w + i * BLOCK_COLUMNS + 2 * BLOCK_COLUMNS);
            d = multiply_add(d, y, w + i * BLOCK_COLUMNS + 3 * BLOCK_COLUMNS);
        }
    _mm256_storeu_si256((__m256i *)out, _mm256_add_epi32(a, c));
    _mm256_storeu_si256((__m256i *)(out + 8), _mm256_add_epi32(b, d));
}

/* Adds what rows of n_group groups from `first` on contribute. */
AVX2 static void multiply_rows(const struct crossbar *x, const uint8_t *in, uint32_t first,
                               uint32_t n_group, int32_t *out)
{
    int16_t wide[MOST_GROUPS * GROUP_ROWS] __attribute__((aligned(32)));

    for (uint32_t g = 0; g < n_group; g++)
        _mm256_store_si256((__m256i *)(wide + g * GROUP_ROWS),
                           widen(x->in_signed, in + (size_t)(first + g) * GROUP_ROWS));
    for (uint32_t i = 0; i < x->packed_columns / BLOCK_COLUMNS; i++) {
        const struct crossbar_block *b = &x->block[i];
        uint32_t from = max_u32(first, b->group);
        uint32_t to = min_u32(first + n_group, b->group + b->n_group);
        if (from >= to)
            continue;
        const int8_t *cell = x->packed + b->begin + (from - b->group) * CELL_BYTES;
        multiply_cells((const int16_t *)(const void *)cell, wide + (from - first) * GROUP_ROWS,
                       to - from, out + i * BLOCK_COLUMNS);
    }
}

AVX2 static void mvm(const struct crossbar *x, const uint8_t *in, int32_t *out)
{
    uint32_t groups = (x->rows + GROUP_ROWS - 1) / GROUP_ROWS;

    memset(out, 0, x->packed_columns * sizeof *out);
    for (uint32_t g = 0; g < groups; g += MOST_GROUPS)
        multiply_rows(x, in, g, min_u32(MOST_GROUPS, groups - g), out);
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

/* Columns whose |w| sum to less than 2^15 in any case. */
enum { WITHOUT_UPPER_PART = ((1 << PART_BIT) - 1) / 128 };

/* Sum of |in[r]| * part[r], which is 0 behind the last row. A lane of 32 bits takes 128 times
 * 2 * 255 * (2^15 - 1). */
AVX2_INL uint64_t sum_products(const struct crossbar *x, const uint8_t *in, const int16_t *part)
{
    __m256i low = _mm256_set1_epi64x(UINT32_MAX), all = _mm256_setzero_si256();

    for (uint32_t from = 0; from < x->rows; from += MOST_GROUPS * GROUP_ROWS) {
        uint32_t to = min_u32(from + MOST_GROUPS * GROUP_ROWS, x->rows);
        __m256i sum = _mm256_setzero_si256();
        for (uint32_t r = from; r < to; r += GROUP_ROWS) {
            __m256i v = _mm256_abs_epi16(widen(x->in_signed, in + r));
            __m256i w = _mm256_load_si256((const __m256i *)(part + r));
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(v, w));
        }
        all = _mm256_add_epi64(all, _mm256_and_si256(sum, low));
        all = _mm256_add_epi64(all, _mm256_srli_epi64(sum, 32));
    }
    return sum_lanes(all);
}

AVX2 static void count(const struct crossbar *x, const uint8_t *in, struct crossbar_activity *a)
{
    __m256i zero = _mm256_setzero_si256(), sum = zero;

    for (uint32_t r = 0; r < x->rows; r += 32) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(in + r));

        v = _mm256_and_si256(x->in_signed ? _mm256_abs_epi8(v) : v, first_bytes(x->rows - r));
        uint32_t is_zero = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, zero));
        a->active_rows += 32 - (uint64_t)_mm_popcnt_u32(is_zero);
        sum = _mm256_add_epi64(sum, _mm256_sad_epu8(v, zero));
    }
    a->sum_abs_x += sum_lanes(sum);
    a->sum_abs_xw += sum_products(x, in, x->row_part);
    if (x->columns > WITHOUT_UPPER_PART)
        a->sum_abs_xw += sum_products(x, in, x->row_part + x->packed_rows) << PART_BIT;
}

const struct crossbar_kernel crossbar_avx2 = { CELL_BYTES, pack_pairs, mvm, count };
#endif
