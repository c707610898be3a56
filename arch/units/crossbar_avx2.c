/* arch/units/crossbar_avx2.c -- see crossbar_kernel.h; AVX2.
 *
 * vpmaddubsw multiplies bytes, but saturates at 16 bits: two products of inputs up to 127 fit, of
 * larger ones not. So an input is split into min(x, 127) and the rest, which is 0 for most, and
 * both are multiplied exactly; the rest only in those groups of four rows that have one. A lane of
 * 32 bits is a column, whose four rows meet their inputs in it. Signed inputs are shifted by 128
 * to unsigned, and x->offset undoes it.
 */
#include "arch/units/crossbar_kernel.h"
#include "core/simd.h"
#include "core/util.h"

#if SIMD_X86
#include <immintrin.h>
#include <string.h>

#define AVX2     __attribute__((target("avx2,popcnt")))
#define AVX2_INL AVX2 __attribute__((always_inline)) static inline

enum {
    MOST_INPUT = 127, // of a product that two of which fit 16 bits
    CHUNK_ROWS = 1024,
    CHUNK_GROUPS = CHUNK_ROWS / GROUP_ROWS,
    QUAD = 4, // rows in a lane
    QUAD_BYTES = QUAD * BLOCK_COLUMNS
};

struct inputs { // of at most CHUNK_ROWS rows
    uint8_t  small[CHUNK_ROWS], rest[CHUNK_ROWS]; // add up to the input
    uint16_t quad[CHUNK_ROWS / QUAD]; // those that have a rest, in order
    uint32_t n_quad;
};

static void pack_quads(int8_t (*weight)[BLOCK_COLUMNS], int8_t *cell)
{
    for (uint32_t r = 0; r < GROUP_ROWS; r += QUAD)
        for (uint32_t c = 0; c < BLOCK_COLUMNS; c++)
            for (uint32_t i = 0; i < QUAD; i++)
                *cell++ = weight[r + i][c];
}

AVX2_INL void split_inputs(const uint8_t *in, uint32_t rows, bool is_signed, struct inputs *s)
{
    __m256i flip = _mm256_set1_epi8(is_signed ? -128 : 0), most = _mm256_set1_epi8(MOST_INPUT);

    s->n_quad = 0;
    for (uint32_t r = 0; r < rows; r += 32) {
        __m256i v = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(in + r)), flip);
        uint32_t large = (uint32_t)_mm256_movemask_epi8(v);

        _mm256_storeu_si256((__m256i *)(s->small + r), _mm256_min_epu8(v, most));
        _mm256_storeu_si256((__m256i *)(s->rest + r), _mm256_subs_epu8(v, most));
        while (large) {
            uint32_t quad = (uint32_t)__builtin_ctz(large) / QUAD;
            s->quad[s->n_quad++] = (uint16_t)(r / QUAD + quad);
            large &= ~(15U << quad * QUAD);
        }
    }
}

/* Sums of the columns of n blocks, and what four rows add to them; the blocks' cells are `apart`
 * bytes apart. */
AVX2_INL void multiply_quad(__m256i sum[][2], uint32_t n, const uint8_t *in, const int8_t *w,
                            size_t apart)
{
    const __m256i one = _mm256_set1_epi16(1);
    int32_t four;

    memcpy(&four, in, sizeof four);
    __m256i x = _mm256_set1_epi32(four);
#pragma GCC unroll 2
    for (uint32_t b = 0; b < n; b++, w += apart)
#pragma GCC unroll 2
        for (uint32_t i = 0; i < 2; i++) {
            __m256i v = _mm256_load_si256((const __m256i *)(w + i * QUAD_BYTES / 2));
            v = _mm256_madd_epi16(_mm256_maddubs_epi16(x, v), one);
            sum[b][i] = _mm256_add_epi32(sum[b][i], v);
        }
}

/* Adds to out[n * 16] what groups [from, to) of n blocks contribute, which begin and end with the
 * same; inputs begin with group `first`. */
AVX2_INL void multiply_blocks(const struct crossbar *x, const struct crossbar_block *b, uint32_t n,
                              const struct inputs *s, uint32_t first, uint32_t from, uint32_t to,
                              int32_t *out)
{
    const size_t quads = GROUP_ROWS / QUAD;
    const size_t apart = (size_t)b->n_group * CELL_BYTES;
    const int8_t *cells = x->packed + b->begin + (size_t)(from - b->group) * CELL_BYTES;
    size_t begin = (size_t)(from - first) * quads, end = (size_t)(to - first) * quads, i = 0;
    __m256i sum[2][2], *to_out = (__m256i *)out;

#pragma GCC unroll 4
    for (uint32_t k = 0; k < 2 * n; k++)
        sum[k / 2][k % 2] = _mm256_loadu_si256(to_out + k);
    const uint8_t *small = s->small + begin * QUAD, *last = s->small + end * QUAD;
    for (const int8_t *w = cells; small < last; small += GROUP_ROWS, w += CELL_BYTES)
#pragma GCC unroll 4
        for (size_t k = 0; k < GROUP_ROWS / QUAD; k++)
            multiply_quad(sum, n, small + k * QUAD, w + k * QUAD_BYTES, apart);
    while (i < s->n_quad && s->quad[i] < begin)
        i++;
    for (; i < s->n_quad && s->quad[i] < end; i++)
        multiply_quad(sum, n, s->rest + s->quad[i] * QUAD,
                      cells + (s->quad[i] - begin) * QUAD_BYTES, apart);
#pragma GCC unroll 4
    for (uint32_t k = 0; k < 2 * n; k++)
        _mm256_storeu_si256(to_out + k, sum[k / 2][k % 2]);
}

/* Adds what n_group groups of rows from `first` on contribute. */
AVX2 static void multiply_rows(const struct crossbar *x, const uint8_t *in, uint32_t first,
                               uint32_t n_group, int32_t *out)
{
    uint32_t n_block = x->packed_columns / BLOCK_COLUMNS;
    struct inputs s;

    split_inputs(in + (size_t)first * GROUP_ROWS, n_group * GROUP_ROWS, x->in_signed, &s);
    for (uint32_t i = 0, n; i < n_block; i += n) {
        const struct crossbar_block *b = &x->block[i];
        uint32_t from = max_u32(first, b->group);
        uint32_t to = min_u32(first + n_group, b->group + b->n_group);
        n = i + 1 < n_block && b[1].group == b->group && b[1].n_group == b->n_group ? 2 : 1;
        if (from >= to)
            continue;
        if (n == 2)
            multiply_blocks(x, b, 2, &s, first, from, to, out + i * BLOCK_COLUMNS);
        else
            multiply_blocks(x, b, 1, &s, first, from, to, out + i * BLOCK_COLUMNS);
    }
}

AVX2 static void mvm(const struct crossbar *x, const uint8_t *in, int32_t *out)
{
    uint32_t groups = (x->rows + GROUP_ROWS - 1) / GROUP_ROWS;

    memcpy(out, x->offset, x->packed_columns * sizeof *out);
    for (uint32_t g = 0; g < groups; g += CHUNK_GROUPS)
        multiply_rows(x, in, g, min_u32(CHUNK_GROUPS, groups - g), out);
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

/* Lanes of 32 bits, unsigned, added up. */
AVX2_INL uint64_t sum_short_lanes(__m256i v)
{
    __m256i low = _mm256_and_si256(v, _mm256_set1_epi64x(UINT32_MAX));

    return sum_lanes(_mm256_add_epi64(low, _mm256_srli_epi64(v, 32)));
}

/* Products of 32 bytes with as many words. */
AVX2_INL __m256i multiply_parts(__m256i bytes, const int16_t *part)
{
    __m256i low = _mm256_cvtepu8_epi16(_mm256_castsi256_si128(bytes));
    __m256i high = _mm256_cvtepu8_epi16(_mm256_extracti128_si256(bytes, 1));

    return _mm256_add_epi32(
        _mm256_madd_epi16(low, _mm256_load_si256((const __m256i *)part)),
        _mm256_madd_epi16(high, _mm256_load_si256((const __m256i *)(part + 16))));
}

struct counts {
    __m256i zero;       // 32 bytes: rows whose input is 0
    __m256i sum;        // four lanes of 64 bits
    __m256i low, high;  // eight lanes of 32 bits, of the two parts of |w|
};

/* 32 rows from r on, |inputs| v. */
AVX2_INL void count_inputs(const struct crossbar *x, __m256i v, uint32_t r, bool two_parts,
                           struct counts *n)
{
    __m256i zero = _mm256_setzero_si256();

    n->zero = _mm256_sub_epi8(n->zero, _mm256_cmpeq_epi8(v, zero)); // a hit is -1
    n->sum = _mm256_add_epi64(n->sum, _mm256_sad_epu8(v, zero));
    n->low = _mm256_add_epi32(n->low, multiply_parts(v, x->row_part + r));
    if (two_parts)
        n->high = _mm256_add_epi32(n->high, multiply_parts(v, x->row_part + x->packed_rows + r));
}

AVX2_INL __m256i load_inputs(const uint8_t *in, bool is_signed)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)in);

    return is_signed ? _mm256_abs_epi8(v) : v;
}

/* Of rows [from, to), at most CHUNK_ROWS: 8 bits take 32 rows, 32 bits take 128 times
 * 2 * 255 * (2^15 - 1). */
AVX2_INL void count_rows(const struct crossbar *x, const uint8_t *in, uint32_t from, uint32_t to,
                         bool is_signed, bool two_parts, struct input_counts *a)
{
    __m256i zero = _mm256_setzero_si256();
    struct counts n = { zero, zero, zero, zero };
    uint32_t r = from;

    for (; r + 32 <= to; r += 32)
        count_inputs(x, load_inputs(in + r, is_signed), r, two_parts, &n);
    if (r < to) {
        __m256i v = _mm256_and_si256(load_inputs(in + r, is_signed), first_bytes(to - r));
        count_inputs(x, v, r, two_parts, &n);
        r += 32;
    }
    a->active_rows += r - from - sum_lanes(_mm256_sad_epu8(n.zero, zero));
    a->sum_abs_x += sum_lanes(n.sum);
    a->sum_abs_xw += sum_short_lanes(n.low);
    if (two_parts)
        a->sum_abs_xw += sum_short_lanes(n.high) << PART_BIT;
}

AVX2 static void count(const struct crossbar *x, const uint8_t *in, struct input_counts *a)
{
    bool two_parts = x->columns > WITHOUT_UPPER_PART;

    for (uint32_t r = 0; r < x->rows; r += CHUNK_ROWS) {
        uint32_t to = min_u32(r + CHUNK_ROWS, x->rows);
        if (x->in_signed || two_parts)
            count_rows(x, in, r, to, x->in_signed, two_parts, a);
        else // mostly
            count_rows(x, in, r, to, false, false, a);
    }
}

const struct crossbar_kernel crossbar_avx2 = { pack_quads, mvm, count };
#endif
