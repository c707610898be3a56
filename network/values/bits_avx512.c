/* network/values/bits_avx512.c -- see bits.h; AVX-512 with VPOPCNTDQ, by words of 32 rows. */
#include "core/simd.h"
#include "network/values/bits.h"

#if SIMD_X86
#include <immintrin.h>

#include "core/util.h"

#define AVX512     __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq")))
#define AVX512_INL AVX512 __attribute__((always_inline)) static inline

enum { MOST_SUMS = 24 }; // in registers

enum { OR_AND = 0xf8 }; // a | (b & c)

/* Whole words of a pixel come first, position after position; what is left of pixels, as many as
 * fit, shares words behind them. */
static struct value_bit_place place(uint32_t positions, uint32_t quads, uint32_t position,
                                    uint32_t channel)
{
    uint32_t whole = quads / VALUE_WORD_QUADS, rest = quads % VALUE_WORD_QUADS;
    uint32_t k = channel / VALUE_QUAD % VALUE_WORD_QUADS, word = channel / VALUE_QUAD;

    word = position * whole + word / VALUE_WORD_QUADS;
    if (channel / VALUE_QUAD >= whole * VALUE_WORD_QUADS) {
        uint32_t together = VALUE_WORD_QUADS / rest;
        word = positions * whole + position / together;
        k += position % together * rest;
    }
    return (struct value_bit_place){ .word = word, .bit = channel % VALUE_QUAD * 8 + k };
}

/* At most eight quads of a pixel, from q on. */
AVX512_INL __m512i take_quads(const struct value_map *m, const uint8_t *quad, uint32_t q)
{
    uint32_t n = min_u32(m->quads - q, VALUE_WORD_QUADS);
    __m512i word = _mm512_setzero_si512();

    for (uint32_t k = 0; k < n; k++, quad += VALUE_BYTES) {
        __m512i x = _mm512_sll_epi32(_mm512_loadu_si512(quad), _mm_cvtsi32_si128((int32_t)k));
        const __m512i there = _mm512_set1_epi32((int32_t)(value_channels(m, q + k) << k));
        word = _mm512_ternarylogic_epi32(word, x, there, OR_AND);
    }
    return word;
}

AVX512 static void pack(const struct value_map *m, const uint8_t *pixel, uint32_t n,
                        uint8_t *packed)
{
    for (; n > 0; n--, pixel += m->pixel_bytes)
        for (uint32_t q = 0; q < m->quads; q += VALUE_WORD_QUADS, packed += VALUE_WORD_BYTES)
            _mm512_storeu_si512(packed, take_quads(m, pixel + (size_t)q * VALUE_BYTES, q));
}

AVX512_INL void gather_patch(const struct value_column *c, const struct value_bits *b,
                             const uint8_t *in, uint32_t *bit)
{
    const uint32_t whole = b->quads / VALUE_WORD_QUADS, rest = b->quads % VALUE_WORD_QUADS;
    const uint32_t pixels = c->steps / (whole + (rest > 0)); // of a run
    uint32_t *shared = bit + (size_t)c->n_run * pixels * whole * VALUE_LANES, held = 0;
    __m512i word = _mm512_setzero_si512(), all = word;

    for (uint32_t r = 0; r < c->n_run; r++) {
        const uint8_t *x = in + c->run[r];
        for (uint32_t p = 0; p < pixels; p++) {
            for (uint32_t k = 0; k < whole; k++, x += VALUE_WORD_BYTES, bit += VALUE_LANES) {
                __m512i v = _mm512_loadu_si512(x);
                all = _mm512_add_epi32(all, _mm512_popcnt_epi32(v));
                _mm512_storeu_si512(bit, v);
            }
            if (rest == 0)
                continue;
            word = _mm512_or_si512(
                word, _mm512_sll_epi32(_mm512_loadu_si512(x), _mm_cvtsi32_si128((int32_t)held)));
            x += VALUE_WORD_BYTES;
            held += rest;
            if (held + rest <= VALUE_WORD_QUADS && (p + 1 < pixels || r + 1 < c->n_run))
                continue;
            all = _mm512_add_epi32(all, _mm512_popcnt_epi32(word));
            _mm512_storeu_si512(shared, word);
            shared += VALUE_LANES;
            word = _mm512_setzero_si512();
            held = 0;
        }
    }
    _mm512_storeu_si512(shared, all);
}

AVX512 static void gather(const struct value_column *c, const struct value_bits *b, uint32_t *bit)
{
    for (uint32_t i = 0; i < c->n; i++)
        gather_patch(c, b, c->in + i * c->in_step, bit + (size_t)i * (b->words + 1) * VALUE_LANES);
}

/* Four outputs of a pixel, from their sums. */
AVX512_INL void two_values(const struct value_scale *s, const int16_t *above, const __m512i *sum,
                           uint8_t *out)
{
    __m512i v = _mm512_set1_epi8((char)s->low);

#pragma GCC unroll 4
    for (uint32_t o = 0; o < VALUE_QUAD; o++) {
        __mmask16 high = _mm512_cmpgt_epi32_mask(sum[o], _mm512_set1_epi32(above[o]));
        v = _mm512_mask_add_epi32(v, high, v, _mm512_set1_epi32(1 << 8 * o));
    }
    _mm512_storeu_si512(out, v);
}

/* sum += ones of x & plus. Given the intrinsic functions, gcc 12 begins all at once and keeps sums
 * in memory. */
AVX512_INL void add_ones(__m512i *sum, __m512i x, __m512i plus)
{
#ifdef EMULATED
    *sum = _mm512_add_epi32(*sum, _mm512_popcnt_epi32(_mm512_and_si512(x, plus)));
#else
    __m512i t;

    __asm__("vpandd %2, %3, %1\n\t"
            "vpopcntd %1, %1\n\t"
            "vpaddd %1, %0, %0"
            : "+v"(*sum), "=&v"(t)
            : "v"(x), "v"(plus));
#endif
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
            if (!b->above)
                _mm512_storeu_si512(c->sums + ((size_t)(at + p) * n_out + o) * VALUE_LANES,
                                    _mm512_add_epi32(sum[o], _mm512_set1_epi32(c->start[o])));
        }
        if (!b->above)
            continue;
#pragma GCC unroll 2
        for (uint32_t q = 0; q < n_out / VALUE_QUAD; q++)
            two_values(c->scale, b->above + q * VALUE_QUAD, sum + q * VALUE_QUAD,
                       c->out + (at + p) * c->out_step + q * VALUE_BYTES);
    }
}

AVX512 static void column(const struct value_bit_column *b)
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

const struct value_counter value_counter_words = { VALUE_WORD_QUADS, VALUE_WORD_BYTES,
                                                   MOST_OUTPUTS, place, pack, gather, column };
#endif
