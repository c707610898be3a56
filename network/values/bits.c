/* network/values/bits.c -- see bits.h; plain C, AVX2, and AVX-512 with VPOPCNTDQ. */
#include "network/values/bits.h"

#include <stdlib.h>
#include <string.h>

#include "core/simd.h"
#include "core/util.h"
#include "network/precision.h"

/* ---- plain C ---- */

static uint32_t ones_of(uint32_t v)
{
    v -= v >> 1 & 0x55555555;
    v = (v & 0x33333333) + (v >> 2 & 0x33333333);
    v = (v + (v >> 4)) & 0x0f0f0f0f;
    return v * 0x01010101 >> 24;
}

/* The patch of one lane; to[] are VALUE_LANES apart. */
static void gather_lane(const struct value_column *c, const struct value_bits *b,
                        const uint8_t *in, uint32_t *to)
{
    uint32_t word = 0, n = 0, held = 0, k = 0;

    for (uint32_t r = 0; r < c->n_run; r++) {
        const uint8_t *x = in + c->run[r];
        for (uint32_t s = c->steps; s > 0; s--, x += VALUE_BYTES) {
            for (uint32_t ch = 0; ch < VALUE_QUAD; ch++)
                word |= (uint32_t)(x[ch] & 1) << (8 * ch + held);
            if (++held < VALUE_WORD_QUADS && (s > 1 || r + 1 < c->n_run))
                continue;
            n += ones_of(word & b->valid[k]);
            to[k++ * VALUE_LANES] = word;
            word = held = 0;
        }
    }
    to[k * VALUE_LANES] = n;
}

static void gather(const struct value_column *c, const struct value_bits *b, uint32_t *bit)
{
    for (uint32_t i = 0; i < c->n; i++, bit += (b->words + 1) * VALUE_LANES)
        for (uint32_t lane = 0; lane < VALUE_LANES; lane++)
            gather_lane(c, b, c->in + i * c->in_step + lane * VALUE_QUAD, bit + lane);
}

static void column(const struct value_bit_column *b)
{
    const struct value_column *c = b->column;
    const uint32_t *bit = b->bit;
    uint32_t outputs = c->quads * VALUE_QUAD;

    for (uint32_t i = 0; i < c->n; i++, bit += (b->words + 1) * VALUE_LANES)
        for (uint32_t o = 0; o < outputs; o++)
            for (uint32_t lane = 0; lane < VALUE_LANES; lane++) {
                uint32_t n = 0;
                for (uint32_t k = 0; k < b->words; k++)
                    n += ones_of(bit[k * VALUE_LANES + lane] & b->plus[k * outputs + o]);
                int32_t sum = (int32_t)(2 * n - bit[b->words * VALUE_LANES + lane]);
                if (!b->threshold)
                    c->sums[(i * outputs + o) * VALUE_LANES + lane] = c->start[o] + sum;
                else
                    c->out[i * c->out_step + o / VALUE_QUAD * VALUE_BYTES + lane * VALUE_QUAD +
                           o % VALUE_QUAD] = sum >= b->threshold[o] ? c->scale->high
                                                                    : c->scale->low;
            }
}

static const struct value_counter portable = { gather, column };

#if SIMD_X86
#include <immintrin.h>

/* ---- AVX2: nibbles are looked up ---- */

#define AVX2     __attribute__((target("avx2")))
#define AVX2_INL AVX2 __attribute__((always_inline)) static inline

enum { HALF_LANES = VALUE_LANES / 2, HALF_BYTES = VALUE_BYTES / 2,
       BYTE_WORDS = 31 }; // words whose ones a byte can count

/* The ones of each byte. */
AVX2_INL __m256i byte_ones(__m256i v)
{
    const __m256i ones = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1,
                                          2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i nibble = _mm256_set1_epi8(15);
    __m256i low = _mm256_shuffle_epi8(ones, _mm256_and_si256(v, nibble));
    __m256i high = _mm256_shuffle_epi8(ones, _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble));

    return _mm256_add_epi8(low, high);
}

/* Four bytes become their sum. */
AVX2_INL __m256i sum_bytes(__m256i v)
{
    return _mm256_madd_epi16(_mm256_maddubs_epi16(v, _mm256_set1_epi8(1)), _mm256_set1_epi16(1));
}

AVX2_INL __m256i load_half(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

/* Eight lanes of a patch. */
AVX2_INL void gather_half(const struct value_column *c, const struct value_bits *b,
                          const uint8_t *in, uint32_t *to)
{
    const __m256i one = _mm256_set1_epi8(1);
    __m256i word = _mm256_setzero_si256(), n = word;
    uint32_t held = 0, k = 0;

    for (uint32_t r = 0; r < c->n_run; r++) {
        const uint8_t *x = in + c->run[r];
        for (uint32_t s = c->steps; s > 0; s--, x += VALUE_BYTES) {
            __m256i quad = _mm256_and_si256(load_half(x), one);
            word = _mm256_or_si256(word, _mm256_sll_epi32(quad, _mm_cvtsi32_si128((int32_t)held)));
            if (++held < VALUE_WORD_QUADS && (s > 1 || r + 1 < c->n_run))
                continue;
            __m256i valid = _mm256_set1_epi32((int32_t)b->valid[k]);
            n = _mm256_add_epi32(n, sum_bytes(byte_ones(_mm256_and_si256(word, valid))));
            _mm256_storeu_si256((__m256i *)(void *)(to + k++ * VALUE_LANES), word);
            word = _mm256_setzero_si256();
            held = 0;
        }
    }
    _mm256_storeu_si256((__m256i *)(void *)(to + k * VALUE_LANES), n);
}

AVX2 static void gather_avx2(const struct value_column *c, const struct value_bits *b,
                             uint32_t *bit)
{
    for (uint32_t i = 0; i < c->n; i++, bit += (b->words + 1) * VALUE_LANES)
        for (uint32_t half = 0; half < 2; half++)
            gather_half(c, b, c->in + i * c->in_step + half * HALF_BYTES, bit + half * HALF_LANES);
}

/* Ones that four outputs share with eight lanes of a patch; plus[] has `apart` a word. */
AVX2_INL void count_half(const uint32_t *bit, uint32_t words, const uint32_t *plus, uint32_t apart,
                         __m256i *n)
{
    for (uint32_t o = 0; o < VALUE_QUAD; o++)
        n[o] = _mm256_setzero_si256();
    for (uint32_t k = 0; k < words;) {
        __m256i bytes[VALUE_QUAD];
        for (uint32_t o = 0; o < VALUE_QUAD; o++)
            bytes[o] = _mm256_setzero_si256();
        for (uint32_t end = min_u32(words, k + BYTE_WORDS); k < end; k++) {
            __m256i x = load_half(bit + k * VALUE_LANES);
#pragma GCC unroll 4
            for (uint32_t o = 0; o < VALUE_QUAD; o++) {
                __m256i w = _mm256_set1_epi32((int32_t)plus[k * apart + o]);
                bytes[o] = _mm256_add_epi8(bytes[o], byte_ones(_mm256_and_si256(x, w)));
            }
        }
        for (uint32_t o = 0; o < VALUE_QUAD; o++)
            n[o] = _mm256_add_epi32(n[o], sum_bytes(bytes[o]));
    }
}

/* Four outputs of eight lanes: counts become sums, or values. */
AVX2_INL void finish_half(const struct value_bit_column *b, uint32_t i, uint32_t first,
                          uint32_t half, __m256i all, const __m256i *n)
{
    const struct value_column *c = b->column;
    const uint32_t outputs = c->quads * VALUE_QUAD;
    const __m256i low = _mm256_set1_epi8((char)c->scale->low);
    __m256i out = _mm256_setzero_si256();

#pragma GCC unroll 4
    for (uint32_t o = 0; o < VALUE_QUAD; o++) {
        __m256i sum = _mm256_sub_epi32(_mm256_add_epi32(n[o], n[o]), all);
        if (!b->threshold) {
            sum = _mm256_add_epi32(sum, _mm256_set1_epi32(c->start[first + o]));
            size_t at = ((size_t)i * outputs + first + o) * VALUE_LANES + half * HALF_LANES;
            _mm256_storeu_si256((__m256i *)(void *)(c->sums + at), sum);
            continue;
        }
        __m256i below = _mm256_cmpgt_epi32(_mm256_set1_epi32(b->threshold[first + o]), sum);
        out = _mm256_or_si256(out, _mm256_andnot_si256(below, _mm256_set1_epi32(1 << 8 * o)));
    }
    if (b->threshold)
        _mm256_storeu_si256((__m256i *)(c->out + i * c->out_step +
                                        first / VALUE_QUAD * VALUE_BYTES + half * HALF_BYTES),
                            _mm256_add_epi8(out, low));
}

AVX2 static void column_avx2(const struct value_bit_column *b)
{
    const uint32_t *bit = b->bit, outputs = b->column->quads * VALUE_QUAD;

    for (uint32_t i = 0; i < b->column->n; i++, bit += (b->words + 1) * VALUE_LANES)
        for (uint32_t half = 0; half < 2; half++)
            for (uint32_t o = 0; o < outputs; o += VALUE_QUAD) {
                const uint32_t *lanes = bit + half * HALF_LANES;
                __m256i n[VALUE_QUAD];
                count_half(lanes, b->words, b->plus + o, outputs, n);
                finish_half(b, i, o, half, load_half(lanes + b->words * VALUE_LANES), n);
            }
}

static const struct value_counter avx2 = { gather_avx2, column_avx2 };

/* ---- AVX-512 with VPOPCNTDQ ---- */

#define AVX512     __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq")))
#define AVX512_INL AVX512 __attribute__((always_inline)) static inline

enum { MOST_SUMS = 24 }; // in registers

enum { OR_AND = 0xf8 }; // a | (b & c)

/* A word with quad k too. */
AVX512_INL __m512i take_quad(__m512i word, const uint8_t *x, uint32_t k)
{
    __m512i quad = _mm512_sll_epi32(_mm512_loadu_si512(x), _mm_cvtsi32_si128((int32_t)k));

    return _mm512_ternarylogic_epi32(word, quad, _mm512_set1_epi8((char)(1 << k)), OR_AND);
}

/* A word of eight quads. */
AVX512_INL __m512i take_quads(const uint8_t *x)
{
    __m512i even = _mm512_setzero_si512(), odd = even;

#pragma GCC unroll 4
    for (uint32_t k = 0; k < VALUE_WORD_QUADS; k += 2, x += 2 * VALUE_BYTES) {
        const __m512i bit = _mm512_set1_epi8((char)(1 << k)), next = _mm512_add_epi8(bit, bit);
        even = _mm512_ternarylogic_epi32(even, _mm512_slli_epi32(_mm512_loadu_si512(x), k), bit,
                                         OR_AND);
        odd = _mm512_ternarylogic_epi32(
            odd, _mm512_slli_epi32(_mm512_loadu_si512(x + VALUE_BYTES), k + 1), next, OR_AND);
    }
    return _mm512_or_si512(even, odd);
}

AVX512_INL void gather_patch(const struct value_column *c, const struct value_bits *b,
                             const uint8_t *in, uint32_t *bit)
{
    const uint32_t *valid = b->valid;
    __m512i word = _mm512_setzero_si512(), all = word;
    uint32_t held = 0;

    for (uint32_t r = 0; r < c->n_run; r++) {
        const uint8_t *x = in + c->run[r];
        for (uint32_t left = c->steps, n; left > 0; left -= n, x += n * VALUE_BYTES) {
            n = min_u32(left, VALUE_WORD_QUADS - held);
            if (n == VALUE_WORD_QUADS)
                word = take_quads(x);
            else
                for (uint32_t k = 0; k < n; k++)
                    word = take_quad(word, x + k * VALUE_BYTES, held + k);
            held = (held + n) % VALUE_WORD_QUADS;
            if (held > 0 && (left > n || r + 1 < c->n_run))
                continue;
            __m512i there = _mm512_and_si512(word, _mm512_set1_epi32((int32_t)*valid++));
            all = _mm512_add_epi32(all, _mm512_popcnt_epi32(there));
            _mm512_storeu_si512(bit, word);
            bit += VALUE_LANES;
            word = _mm512_setzero_si512();
        }
    }
    _mm512_storeu_si512(bit, all);
}

AVX512 static void gather_avx512(const struct value_column *c, const struct value_bits *b,
                                 uint32_t *bit)
{
    for (uint32_t i = 0; i < c->n; i++)
        gather_patch(c, b, c->in + i * c->in_step, bit + (size_t)i * (b->words + 1) * VALUE_LANES);
}

/* Four outputs of a pixel, from their sums. */
AVX512_INL void threshold_quad(const struct value_scale *s, const int32_t *threshold,
                               const __m512i *sum, uint8_t *out)
{
    __m512i v = _mm512_set1_epi8((char)s->low);

#pragma GCC unroll 4
    for (uint32_t o = 0; o < VALUE_QUAD; o++) {
        __mmask16 high = _mm512_cmpge_epi32_mask(sum[o], _mm512_set1_epi32(threshold[o]));
        v = _mm512_mask_add_epi32(v, high, v, _mm512_set1_epi32(1 << 8 * o));
    }
    _mm512_storeu_si512(out, v);
}

/* sum += ones of x & plus. Given the intrinsic functions, gcc 12 begins all at once and keeps sums
 * in memory. */
AVX512_INL void add_ones(__m512i *sum, __m512i x, __m512i plus)
{
    __m512i t;

    __asm__("vpandd %2, %3, %1\n\t"
            "vpopcntd %1, %1\n\t"
            "vpaddd %1, %0, %0"
            : "+v"(*sum), "=&v"(t)
            : "v"(x), "v"(plus));
}

/* n_out outputs of n neighbouring pixels from pixel `at` of the column on. */
AVX512_INL void tile(const struct value_bit_column *b, uint32_t at, const uint32_t n_out,
                     const uint32_t n)
{
    const struct value_column *c = b->column;
    const size_t apart = (size_t)(b->words + 1) * VALUE_LANES;
    const uint32_t *bit = b->bit + at * apart, *w = b->plus;
    __m512i acc[MOST_SUMS];

#pragma GCC unroll 24
    for (uint32_t i = 0; i < n_out * n; i++)
        acc[i] = _mm512_setzero_si512();
    for (uint32_t k = 0; k < b->words; k++, bit += VALUE_LANES, w += n_out) {
        __m512i x[4];
#pragma GCC unroll 4
        for (uint32_t p = 0; p < n; p++)
            x[p] = _mm512_loadu_si512(bit + p * apart);
#pragma GCC unroll 8
        for (uint32_t o = 0; o < n_out; o++) {
            __m512i plus = _mm512_set1_epi32((int32_t)w[o]);
#pragma GCC unroll 4
            for (uint32_t p = 0; p < n; p++)
                add_ones(&acc[p * n_out + o], x[p], plus);
        }
    }
#pragma GCC unroll 4
    for (uint32_t p = 0; p < n; p++) {
        __m512i *sum = acc + p * n_out, all = _mm512_loadu_si512(bit + p * apart);
#pragma GCC unroll 8
        for (uint32_t o = 0; o < n_out; o++) {
            sum[o] = _mm512_sub_epi32(_mm512_add_epi32(sum[o], sum[o]), all);
            if (!b->threshold)
                _mm512_storeu_si512(c->sums + ((size_t)(at + p) * n_out + o) * VALUE_LANES,
                                    _mm512_add_epi32(sum[o], _mm512_set1_epi32(c->start[o])));
        }
        if (!b->threshold)
            continue;
#pragma GCC unroll 2
        for (uint32_t q = 0; q < n_out / VALUE_QUAD; q++)
            threshold_quad(c->scale, b->threshold + q * VALUE_QUAD, sum + q * VALUE_QUAD,
                           c->out + (at + p) * c->out_step + q * VALUE_BYTES);
    }
}

AVX512 static void column_avx512(const struct value_bit_column *b)
{
    uint32_t n = b->column->n, i = 0;
    bool eight = b->column->quads == 2;

    for (; eight && i + 3 <= n; i += 3)
        tile(b, i, 8, 3);
    for (; eight && i < n; i++)
        tile(b, i, 8, 1);
    for (; i + 4 <= n; i += 4)
        tile(b, i, 4, 4);
    for (; i < n; i++)
        tile(b, i, 4, 1);
}

static const struct value_counter avx512 = { gather_avx512, column_avx512 };
#endif

const struct value_counter *value_counter_of(const struct value_kernel *k)
{
#if SIMD_X86
    if (k == &value_avx512vnni && __builtin_cpu_supports("avx512vpopcntdq"))
        return &avx512;
    if (k != &value_portable)
        return &avx2;
#endif
    (void)k;
    return &portable;
}
