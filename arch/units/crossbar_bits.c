/* arch/units/crossbar_bits.c -- products of bits by the popcounts of crossbar.h, 64 rows at a time.
 *
 * A plane is [block of 16 columns][word][column of the block], bit r of word k its row 64 k + r.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "arch/units/crossbar_kernel.h"
#include "core/simd.h"
#include "core/util.h"

enum { WORD_ROWS = ROW_CHUNK, MOST_WORDS = CROSSBAR_MAX_ROWS / WORD_ROWS };

struct crossbar_counter {
    /* bit[k]: which of the rows from 64 k on have an input other than 0. */
    void (*gather)(const uint8_t *in, uint32_t words, uint64_t *bit);
    /* out[packed_columns] of those bits, of which n are 1. */
    void (*count)(const struct crossbar *x, const uint64_t *bit, int32_t n, int32_t *out);
};

/* ---- plain C ---- */

static uint32_t ones_of(uint64_t v)
{
    v -= v >> 1 & UINT64_C(0x5555555555555555);
    v = (v & UINT64_C(0x3333333333333333)) + (v >> 2 & UINT64_C(0x3333333333333333));
    v = (v + (v >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (uint32_t)(v * UINT64_C(0x0101010101010101) >> 56);
}

static void gather(const uint8_t *in, uint32_t words, uint64_t *bit)
{
    for (uint32_t k = 0; k < words; k++) {
        bit[k] = 0;
        for (uint32_t r = 0; r < WORD_ROWS; r++)
            bit[k] |= (uint64_t)(in[k * WORD_ROWS + r] != 0) << r;
    }
}

/* Bits that a column shares with a plane. */
static int32_t shared(const uint64_t *plane, const uint64_t *bit, uint32_t words)
{
    uint32_t sum = 0;

    for (uint32_t k = 0; k < words; k++)
        sum += ones_of(bit[k] & plane[k * BLOCK_COLUMNS]);
    return (int32_t)sum;
}

static void count(const struct crossbar *x, const uint64_t *bit, int32_t n, int32_t *out)
{
    uint32_t words = x->packed_rows / WORD_ROWS;

    for (uint32_t c = 0; c < x->packed_columns; c++) {
        size_t at = (size_t)(c / BLOCK_COLUMNS) * words * BLOCK_COLUMNS + c % BLOCK_COLUMNS;
        int32_t plus = shared(x->plus + at, bit, words);
        out[c] = plus - (x->minus ? shared(x->minus + at, bit, words) : n - plus);
    }
}

static const struct crossbar_counter portable = { gather, count };

#if SIMD_X86
#include <immintrin.h>

/* ---- AVX2: nibbles are looked up ---- */

#define AVX2     __attribute__((target("avx2")))
#define AVX2_INL AVX2 __attribute__((always_inline)) static inline

AVX2 static void gather_avx2(const uint8_t *in, uint32_t words, uint64_t *bit)
{
    const __m256i zero = _mm256_setzero_si256();

    for (uint32_t k = 0; k < words; k++, in += WORD_ROWS) {
        const __m256i low = _mm256_loadu_si256((const __m256i *)in);
        const __m256i high = _mm256_loadu_si256((const __m256i *)(in + 32));
        uint32_t none_low = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, zero));
        uint32_t none_high = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, zero));
        bit[k] = ~(none_low | (uint64_t)none_high << 32);
    }
}

/* Bits of four words. */
AVX2_INL __m256i ones_avx2(__m256i v)
{
    const __m256i ones = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1,
                                          2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i nibble = _mm256_set1_epi8(15);
    __m256i low = _mm256_shuffle_epi8(ones, _mm256_and_si256(v, nibble));
    __m256i high = _mm256_shuffle_epi8(ones, _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble));

    return _mm256_add_epi8(low, high);
}

/* Bits that four columns share with a plane. */
AVX2_INL __m128i shared_avx2(const uint64_t *plane, const uint64_t *bit, uint32_t words)
{
    enum { MOST = 31 }; // words whose ones a byte can count
    const __m256i even = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
    __m256i sum = _mm256_setzero_si256();

    for (uint32_t k = 0; k < words;) {
        __m256i bytes = _mm256_setzero_si256();
        for (uint32_t end = min_u32(words, k + MOST); k < end; k++, plane += BLOCK_COLUMNS)
            bytes = _mm256_add_epi8(
                bytes, ones_avx2(_mm256_and_si256(_mm256_set1_epi64x((long long)bit[k]),
                                                  _mm256_loadu_si256((const void *)plane))));
        sum = _mm256_add_epi64(sum, _mm256_sad_epu8(bytes, _mm256_setzero_si256()));
    }
    return _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(sum, even));
}

AVX2 static void count_avx2(const struct crossbar *x, const uint64_t *bit, int32_t n, int32_t *out)
{
    const __m128i all = _mm_set1_epi32(n);
    uint32_t words = x->packed_rows / WORD_ROWS;
    size_t at = 0;

    for (uint32_t o = 0; o < x->packed_columns; o += BLOCK_COLUMNS, at += words * BLOCK_COLUMNS)
        for (uint32_t c = 0; c < BLOCK_COLUMNS; c += 4) {
            __m128i plus = shared_avx2(x->plus + at + c, bit, words);
            __m128i less = x->minus ? shared_avx2(x->minus + at + c, bit, words)
                                    : _mm_sub_epi32(all, plus);
            _mm_storeu_si128((__m128i *)(out + o + c), _mm_sub_epi32(plus, less));
        }
}

static const struct crossbar_counter avx2 = { gather_avx2, count_avx2 };

/* ---- AVX-512 with VPOPCNTDQ ---- */

#define AVX512     __attribute__((target("avx512f,avx512bw,avx512dq,avx512vpopcntdq")))
#define AVX512_INL AVX512 __attribute__((always_inline)) static inline

AVX512 static void gather_avx512(const uint8_t *in, uint32_t words, uint64_t *bit)
{
    for (uint32_t k = 0; k < words; k++, in += WORD_ROWS) {
        const __m512i v = _mm512_loadu_si512(in);
        bit[k] = _mm512_test_epi8_mask(v, v);
    }
}

AVX512_INL __m512i add_word(__m512i sum, __m512i bit, const uint64_t *w)
{
    return _mm512_add_epi64(sum,
                            _mm512_popcnt_epi64(_mm512_and_si512(bit, _mm512_loadu_si512(w))));
}

/* Bits that sixteen columns share with a plane, two words at a time. */
AVX512_INL __m512i shared_avx512(const uint64_t *plane, const uint64_t *bit, uint32_t words)
{
    __m512i low = _mm512_setzero_si512(), high = low, odd_low = low, odd_high = low;
    uint32_t k = 0;

    for (; k + 2 <= words; k += 2, plane += 2 * BLOCK_COLUMNS) {
        const __m512i even = _mm512_set1_epi64((long long)bit[k]);
        const __m512i odd = _mm512_set1_epi64((long long)bit[k + 1]);
        low = add_word(low, even, plane);
        high = add_word(high, even, plane + BLOCK_COLUMNS / 2);
        odd_low = add_word(odd_low, odd, plane + BLOCK_COLUMNS);
        odd_high = add_word(odd_high, odd, plane + BLOCK_COLUMNS + BLOCK_COLUMNS / 2);
    }
    if (k < words) {
        const __m512i last = _mm512_set1_epi64((long long)bit[k]);
        low = add_word(low, last, plane);
        high = add_word(high, last, plane + BLOCK_COLUMNS / 2);
    }
    return _mm512_inserti64x4(
        _mm512_castsi256_si512(_mm512_cvtepi64_epi32(_mm512_add_epi64(low, odd_low))),
        _mm512_cvtepi64_epi32(_mm512_add_epi64(high, odd_high)), 1);
}

AVX512 static void count_avx512(const struct crossbar *x, const uint64_t *bit, int32_t n,
                                int32_t *out)
{
    const __m512i all = _mm512_set1_epi32(n);
    uint32_t words = x->packed_rows / WORD_ROWS;
    size_t at = 0;

    for (uint32_t o = 0; o < x->packed_columns; o += BLOCK_COLUMNS, at += words * BLOCK_COLUMNS) {
        __m512i plus = shared_avx512(x->plus + at, bit, words);
        __m512i less = x->minus ? shared_avx512(x->minus + at, bit, words)
                                : _mm512_sub_epi32(all, plus);
        _mm512_storeu_si512(out + o, _mm512_sub_epi32(plus, less));
    }
}

static const struct crossbar_counter avx512 = { gather_avx512, count_avx512 };
#endif

static const struct crossbar_counter *find_counter(const char *kernel_name)
{
    enum simd simd = simd_find(kernel_name);

#if SIMD_X86
    if (simd == SIMD_AVX512VNNI && __builtin_cpu_supports("avx512vpopcntdq"))
        return &avx512;
    if (simd == SIMD_AVX512VNNI || simd == SIMD_AVX2)
        return &avx2;
#endif
    return simd == N_SIMD ? NULL : &portable;
}

/* ---- a crossbar ---- */

/* Sets the bits of the rows whose weight is `value`. */
static void fill_plane(const struct crossbar *x, const int8_t *weight, int8_t value,
                       uint64_t *plane)
{
    uint32_t words = x->packed_rows / WORD_ROWS;

    for (uint32_t r = 0; r < x->rows; r++)
        for (uint32_t c = 0; c < x->columns; c++) {
            size_t word = ((size_t)(c / BLOCK_COLUMNS) * words + r / WORD_ROWS) * BLOCK_COLUMNS +
                          c % BLOCK_COLUMNS;
            plane[word] |= (uint64_t)(weight[(size_t)r * x->columns + c] == value)
                           << r % WORD_ROWS;
        }
}

bool crossbar_take_bits(struct crossbar *x, const int8_t *weight, const char *kernel_name)
{
    size_t n = (size_t)x->rows * x->columns;
    size_t words = (size_t)x->packed_rows / WORD_ROWS * x->packed_columns;
    bool zeros = false;

    for (size_t i = 0; i < n; i++) {
        if (weight[i] < -1 || weight[i] > 1)
            return true;
        zeros |= weight[i] == 0;
    }
    uint64_t *plus = calloc(words, sizeof *plus), *minus = calloc(words, sizeof *minus);
    if (!plus || !minus) {
        free(plus);
        free(minus);
        return false;
    }
    fill_plane(x, weight, 1, plus);
    fill_plane(x, weight, -1, minus);
    if (!zeros) {
        free(minus);
        minus = NULL;
    }
    x->plus = plus;
    x->minus = minus;
    x->counter = find_counter(kernel_name);
    assert(x->counter);
    return true;
}

void crossbar_count_bits(const struct crossbar *x, const uint8_t *in, int32_t *out)
{
    uint32_t words = x->packed_rows / WORD_ROWS, n = 0;
    uint64_t bit[MOST_WORDS];

    x->counter->gather(in, words, bit);
    if (x->rows % WORD_ROWS != 0) // behind the last row there may be anything
        bit[words - 1] &= (UINT64_C(1) << x->rows % WORD_ROWS) - 1;
    for (uint32_t k = 0; k < words; k++)
        n += ones_of(bit[k]);
    x->counter->count(x, bit, (int32_t)n, out);
}
