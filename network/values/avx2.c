/* network/values/avx2.c -- see kernel.h; AVX2.
 *
 * vpmaddubsw multiplies bytes and adds two products to a word, which saturates; vpmaddwd by ones
 * adds two words to an int32. Two products fit a word unless both weights are large and of one
 * sign; where any do not, even and odd channels are multiplied one after the other. Four outputs of
 * eight lanes twice are in registers at a time.
 */
#include "core/simd.h"
#include "network/values/kernel.h"
#include "network/values/steps.h"
#include "network/values/token_kernel.h"

#if SIMD_X86
#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#define AVX2     __attribute__((target("avx2")))
#define AVX2_INL AVX2 __attribute__((always_inline)) static inline

enum { HALF = VALUE_BYTES / 2 };

AVX2_INL __m256i weights(const int8_t *w)
{
    int32_t four;

    memcpy(&four, w, sizeof four);
    return _mm256_set1_epi32(four);
}

/* Eight lanes of one channel: sums to stored values, not clamped. */
AVX2_INL __m256i scale(const struct value_scale *s, uint32_t o, __m256i sum, __m256i residual,
                       int has_residual)
{
    __m256d m = _mm256_set1_pd(s->m_real[o]), b = _mm256_set1_pd(s->b_real[o]);
    __m256d low = _mm256_cvtepi32_pd(_mm256_castsi256_si128(sum));
    __m256d high = _mm256_cvtepi32_pd(_mm256_extracti128_si256(sum, 1));

    low = _mm256_add_pd(_mm256_mul_pd(low, m), b);
    high = _mm256_add_pd(_mm256_mul_pd(high, m), b);
    if (has_residual) {
        __m256d mr = _mm256_set1_pd(s->mr_real[o]);
        __m256d r_low = _mm256_cvtepi32_pd(_mm256_castsi256_si128(residual));
        __m256d r_high = _mm256_cvtepi32_pd(_mm256_extracti128_si256(residual, 1));
        low = _mm256_add_pd(_mm256_mul_pd(r_low, mr), low);
        high = _mm256_add_pd(_mm256_mul_pd(r_high, mr), high);
    }
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm256_cvtpd_epi32(low)),
                                   _mm256_cvtpd_epi32(high), 1);
}

AVX2_INL __m256i to_bytes(const struct value_scale *s, __m256i a, __m256i b, __m256i c, __m256i d)
{
    const __m256i together = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    const __m256i offset = _mm256_set1_epi16(s->offset); // behind the rounding
    __m256i v = _mm256_packus_epi16(_mm256_adds_epi16(_mm256_packs_epi32(a, b), offset),
                                    _mm256_adds_epi16(_mm256_packs_epi32(c, d), offset));

    v = _mm256_shuffle_epi8(v, together);
    v = _mm256_max_epu8(v, _mm256_set1_epi8((char)s->low));
    return _mm256_min_epu8(v, _mm256_set1_epi8((char)s->high));
}

/* Half of the lanes. */
AVX2_INL void finish_half(const struct value_scale *s, uint32_t o, __m256i a, __m256i b, __m256i c,
                          __m256i d, const uint8_t *residual, uint8_t *out)
{
    const __m256i byte = _mm256_set1_epi32(255);
    __m256i r = _mm256_setzero_si256();

    if (residual) {
        r = _mm256_loadu_si256((const __m256i *)residual);
        a = scale(s, o, a, _mm256_and_si256(r, byte), 1);
        b = scale(s, o + 1, b, _mm256_and_si256(_mm256_srli_epi32(r, 8), byte), 1);
        c = scale(s, o + 2, c, _mm256_and_si256(_mm256_srli_epi32(r, 16), byte), 1);
        d = scale(s, o + 3, d, _mm256_srli_epi32(r, 24), 1);
    } else {
        a = scale(s, o, a, r, 0);
        b = scale(s, o + 1, b, r, 0);
        c = scale(s, o + 2, c, r, 0);
        d = scale(s, o + 3, d, r, 0);
    }
    _mm256_storeu_si256((__m256i *)out, to_bytes(s, a, b, c, d));
}

AVX2_INL __m256i add_products(__m256i sum, __m256i x, __m256i weight)
{
    __m256i two = _mm256_maddubs_epi16(x, weight);

    return _mm256_add_epi32(sum, _mm256_madd_epi16(two, _mm256_set1_epi16(1)));
}

/* sum[halves] += products of four channels. */
AVX2_INL void multiply(__m256i *sum, __m256i x0, __m256i x1, __m256i weight)
{
    sum[0] = add_products(sum[0], x0, weight);
    sum[1] = add_products(sum[1], x1, weight);
}

/* Whether two products of neighbouring weights with bytes from 0 to 255 may not fit a word. */
static bool saturates(const int8_t weight[VALUE_STEP])
{
    const int most = INT16_MAX / UINT8_MAX;

    for (int i = 0; i < VALUE_STEP; i += 2)
        if (abs(weight[i] + weight[i + 1]) > most) // of one sign, as one fits by itself
            return true;
    return false;
}

/* sum[outputs][halves] += products of four channels. */
AVX2_INL void turn(__m256i *sum, __m256i x0, __m256i x1, const int8_t *w, bool saturates)
{
    if (!saturates) {
#pragma GCC unroll 4
        for (int o = 0; o < VALUE_QUAD; o++)
            multiply(sum + 2 * o, x0, x1, weights(w + o * VALUE_QUAD));
        return;
    }
    __asm__("" : "+r"(w)); // else weights are loaded before the branch, and sums go to memory
#pragma GCC unroll 4
    for (int o = 0; o < VALUE_QUAD; o++) {
        __m256i all = weights(w + o * VALUE_QUAD);
        multiply(sum + 2 * o, x0, x1, _mm256_srli_epi16(_mm256_slli_epi16(all, 8), 8));
        multiply(sum + 2 * o, x0, x1, _mm256_slli_epi16(_mm256_srli_epi16(all, 8), 8));
    }
}

/* Four outputs of a pixel. */
AVX2_INL void pixel(const struct value_column *j, uint32_t at)
{
    const uint8_t *in = j->in + at * j->in_step;
    const int8_t *w = j->weight;
    const uint8_t *saturates = j->saturates;
    __m256i sum[2 * VALUE_QUAD];

#pragma GCC unroll 4
    for (int o = 0; o < VALUE_QUAD; o++)
        sum[2 * o] = sum[2 * o + 1] = _mm256_set1_epi32(j->start[o]);
    for (uint32_t r = 0; r < j->n_run; r++) {
        const uint8_t *x = in + j->run[r];
        for (uint32_t k = j->steps; k > 0; k--, x += VALUE_BYTES, w += VALUE_STEP)
            turn(sum, _mm256_loadu_si256((const __m256i *)x),
                 _mm256_loadu_si256((const __m256i *)(x + HALF)), w, *saturates++);
    }
    if (j->sums) {
        __m256i *to = (__m256i *)(void *)(j->sums + (size_t)at * VALUE_QUAD * VALUE_LANES);
#pragma GCC unroll 8
        for (uint32_t i = 0; i < 2 * VALUE_QUAD; i++)
            _mm256_storeu_si256(to + i, sum[i]);
        return;
    }
    const uint8_t *r = j->residual ? j->residual + at * j->residual_step : NULL;
    uint8_t *out = j->out + at * j->out_step;
    finish_half(j->scale, j->channel, sum[0], sum[2], sum[4], sum[6], r, out);
    finish_half(j->scale, j->channel, sum[1], sum[3], sum[5], sum[7], r ? r + HALF : NULL,
                out + HALF);
}

AVX2 static void column(const struct value_column *j)
{
    for (uint32_t i = 0; i < j->n; i++)
        pixel(j, i);
}

AVX2 static void finish(const struct value_scale *s, uint32_t channel,
                        const int32_t (*sum)[VALUE_LANES], const uint8_t *residual, uint8_t *out)
{
    for (uint32_t half = 0; half < 2; half++) {
        const int32_t *at = sum[0] + half * VALUE_LANES / 2;
        __m256i v[VALUE_QUAD];
        for (uint32_t c = 0; c < VALUE_QUAD; c++)
            v[c] = _mm256_loadu_si256((const __m256i *)(const void *)(at + c * VALUE_LANES));
        finish_half(s, channel, v[0], v[1], v[2], v[3], residual ? residual + half * HALF : NULL,
                    out + half * HALF);
    }
}

AVX2 static void look_up(const struct value_scale *s, uint32_t channel,
                         const int32_t (*sum)[VALUE_LANES], const uint8_t *residual, uint8_t *out)
{
    value_look_up(s, channel, sum, residual, out);
}

AVX2 static void most(const struct value_window *w, uint32_t quads, uint8_t *out)
{
    for (size_t q = 0; q < (size_t)quads * VALUE_BYTES; q += HALF) {
        __m256i v = _mm256_setzero_si256();
        for (uint32_t j = 0; j < w->columns; j++) {
            const uint8_t *p = w->column[j] + w->first + q;
            for (uint32_t i = 0; i < w->rows; i++, p += w->row_bytes)
                v = _mm256_max_epu8(v, _mm256_loadu_si256((const __m256i *)p));
        }
        _mm256_storeu_si256((__m256i *)(out + q), v);
    }
}

AVX2_INL void sum_half(const uint8_t *p, size_t pixel_bytes, uint32_t n, uint8_t zero,
                       uint16_t *even_sum, uint16_t *odd_sum, uint8_t *nonzero_sum)
{
    const __m256i zeros = _mm256_set1_epi8((char)zero), byte = _mm256_set1_epi16(255);
    const __m256i one = _mm256_set1_epi8(1);
    __m256i even = _mm256_loadu_si256((__m256i *)(void *)even_sum);
    __m256i odd = _mm256_loadu_si256((__m256i *)(void *)odd_sum);
    __m256i nonzero = _mm256_loadu_si256((__m256i *)(void *)nonzero_sum);

    for (uint32_t i = 0; i < n; i++, p += pixel_bytes) {
        __m256i v = _mm256_loadu_si256((const __m256i *)p);
        v = _mm256_or_si256(_mm256_subs_epu8(v, zeros), _mm256_subs_epu8(zeros, v));
        even = _mm256_add_epi16(even, _mm256_and_si256(v, byte));
        odd = _mm256_add_epi16(odd, _mm256_srli_epi16(v, 8));
        nonzero = _mm256_add_epi8(nonzero, _mm256_min_epu8(v, one));
    }
    _mm256_storeu_si256((__m256i *)(void *)even_sum, even);
    _mm256_storeu_si256((__m256i *)(void *)odd_sum, odd);
    _mm256_storeu_si256((__m256i *)(void *)nonzero_sum, nonzero);
}

AVX2 static void sum(const uint8_t *p, size_t pixel_bytes, uint32_t n, uint8_t zero,
                     struct value_sums *s)
{
    sum_half(p, pixel_bytes, n, zero, s->even, s->odd, s->nonzero);
    sum_half(p + HALF, pixel_bytes, n, zero, s->even + VALUE_LANES, s->odd + VALUE_LANES,
             s->nonzero + HALF);
}

AVX2_INL void sum_function_half(const uint8_t *p, size_t pixel_bytes, uint32_t n,
                                const struct value_function *f, uint16_t *even_sum,
                                uint16_t *odd_sum)
{
    const __m256i low = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)f->low));
    const __m256i high = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)f->high));
    const __m256i half = _mm256_set1_epi8(15), byte = _mm256_set1_epi16(255);
    __m256i even = _mm256_loadu_si256((__m256i *)(void *)even_sum);
    __m256i odd = _mm256_loadu_si256((__m256i *)(void *)odd_sum);

    for (uint32_t i = 0; i < n; i++, p += pixel_bytes) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
        __m256i lower = _mm256_shuffle_epi8(low, _mm256_and_si256(v, half));
        __m256i upper = _mm256_and_si256(_mm256_srli_epi16(v, 4), half);
        v = _mm256_add_epi8(lower, _mm256_shuffle_epi8(high, upper));
        even = _mm256_add_epi16(even, _mm256_and_si256(v, byte));
        odd = _mm256_add_epi16(odd, _mm256_srli_epi16(v, 8));
    }
    _mm256_storeu_si256((__m256i *)(void *)even_sum, even);
    _mm256_storeu_si256((__m256i *)(void *)odd_sum, odd);
}

AVX2 static void sum_function(const uint8_t *p, size_t pixel_bytes, uint32_t n,
                              const struct value_function *f, struct value_function_sums *s)
{
    sum_function_half(p, pixel_bytes, n, f, s->even, s->odd);
    sum_function_half(p + HALF, pixel_bytes, n, f, s->even + VALUE_LANES, s->odd + VALUE_LANES);
}

/* Four outputs of a pixel by weights of 16 bits: the even channels of a quad, then the odd ones. */
AVX2_INL void wide_pixel(const struct value_column *j, const int16_t *w, uint32_t at)
{
    const __m256i byte = _mm256_set1_epi16(255);
    const uint8_t *in = j->in + at * j->in_step;
    __m256i *to = (__m256i *)(void *)(j->sums + (size_t)at * VALUE_QUAD * VALUE_LANES);
    __m256i sum[2 * VALUE_QUAD];

#pragma GCC unroll 4
    for (int o = 0; o < VALUE_QUAD; o++)
        sum[2 * o] = sum[2 * o + 1] = _mm256_set1_epi32(j->start[o]);
    for (uint32_t r = 0; r < j->n_run; r++) {
        const uint8_t *x = in + j->run[r];
        for (uint32_t k = j->steps; k > 0; k--, x += VALUE_BYTES)
#pragma GCC unroll 2
            for (int half = 0; half < 2; half++) {
                __m256i v = _mm256_loadu_si256((const __m256i *)(x + half * HALF));
                __m256i even = _mm256_and_si256(v, byte), odd = _mm256_srli_epi16(v, 8);
#pragma GCC unroll 4
                for (int o = 0; o < VALUE_QUAD; o++) {
                    const int8_t *four = (const int8_t *)(w + o * VALUE_QUAD);
                    __m256i a = _mm256_madd_epi16(even, weights(four));
                    __m256i b = _mm256_madd_epi16(odd, weights(four + sizeof(int32_t)));
                    sum[2 * o + half] = _mm256_add_epi32(sum[2 * o + half], _mm256_add_epi32(a, b));
                }
                w += half * VALUE_QUAD * VALUE_QUAD;
            }
    }
#pragma GCC unroll 8
    for (uint32_t i = 0; i < 2 * VALUE_QUAD; i++)
        _mm256_storeu_si256(to + i, sum[i]);
}

AVX2 static void wide_column(const struct value_column *j, const int16_t *weight)
{
    for (uint32_t i = 0; i < j->n; i++)
        wide_pixel(j, weight, i);
}

/* Where the scale is 1, sums in 32 bits; they are below 2^31 - 2^7. */
AVX2 static void read(const struct value_reading *r)
{
    enum { BIT = 7 };
    const __m256i half = _mm256_set1_epi32((1 << (BIT - 1)) - 1), one = _mm256_set1_epi32(1);
    const int32_t *sum = r->sum;
    int32_t *total = r->total;

    if (r->scale != UINT32_C(1) << (VALUE_SCALE_BIT - BIT)) {
        value_read_exact(r);
        return;
    }
    for (uint32_t i = 0; i < r->n * r->outputs * 2; i++, sum += 8, total += 8) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)sum);
        __m256i odd = _mm256_and_si256(_mm256_srai_epi32(v, BIT), one);
        __m256i to = r->start ? _mm256_set1_epi32(r->start[i / 2 % r->outputs])
                              : _mm256_loadu_si256((__m256i *)(void *)total);
        v = _mm256_srai_epi32(_mm256_add_epi32(_mm256_add_epi32(v, half), odd), BIT);
        _mm256_storeu_si256((__m256i *)(void *)total, _mm256_add_epi32(to, v));
    }
}

const struct value_kernel value_avx2 = {
    VALUE_QUAD, saturates, column, wide_column, read, finish, look_up, most, sum,
    sum_function,
    &value_tokens_avx2,
};
#endif
