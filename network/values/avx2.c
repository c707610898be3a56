/* network/values/avx2.c -- see kernel.h; AVX2.
 *
 * vpmaddwd adds two products of 16 bits to an int32 exactly (vpmaddubsw would saturate): the four
 * bytes of a lane become the words of channels 0 and 2 and those of channels 1 and 3, and weights
 * are packed as words in that order. Four outputs of eight lanes twice are in registers at a time.
 */
#include "core/simd.h"
#include "network/values/kernel.h"

#if SIMD_X86
#include <immintrin.h>
#include <string.h>

#define AVX2     __attribute__((target("avx2")))
#define AVX2_INL AVX2 __attribute__((always_inline)) static inline

enum { HALF = VALUE_BYTES / 2, WEIGHT_BYTES = 8 };

static void pack(const int8_t weight[VALUE_QUAD], int8_t *packed)
{
    const int16_t words[VALUE_QUAD] = { weight[0], weight[2], weight[1], weight[3] };

    memcpy(packed, words, sizeof words);
}

AVX2_INL __m256i weights(const int8_t *w)
{
    int32_t two;

    memcpy(&two, w, sizeof two);
    return _mm256_set1_epi32(two);
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

struct half { // of the lanes of four channels: words of channels 0 and 2, and of 1 and 3
    __m256i even, odd;
};

AVX2_INL struct half load_half(const uint8_t *x)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)x);

    return (struct half){ _mm256_and_si256(v, _mm256_set1_epi16(255)), _mm256_srli_epi16(v, 8) };
}

AVX2_INL __m256i add_products(__m256i sum, struct half x, __m256i even, __m256i odd)
{
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(x.even, even));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(x.odd, odd));
}

/* Four outputs of a pixel. */
AVX2_INL void pixel(const struct value_column *j, uint32_t at)
{
    const uint8_t *in = j->in + at * j->in_step;
    const int8_t *w = j->weight;
    __m256i a0 = _mm256_set1_epi32(j->start[0]), a1 = a0;
    __m256i b0 = _mm256_set1_epi32(j->start[1]), b1 = b0;
    __m256i c0 = _mm256_set1_epi32(j->start[2]), c1 = c0;
    __m256i d0 = _mm256_set1_epi32(j->start[3]), d1 = d0;

    for (uint32_t r = 0; r < j->n_run; r++) {
        const uint8_t *x = in + j->run[r];
        for (uint32_t k = j->steps; k > 0; k--, x += VALUE_BYTES, w += 4 * WEIGHT_BYTES) {
            struct half x0 = load_half(x), x1 = load_half(x + HALF);
            __m256i even = weights(w), odd = weights(w + 4);
            a0 = add_products(a0, x0, even, odd);
            a1 = add_products(a1, x1, even, odd);
            even = weights(w + 8), odd = weights(w + 12);
            b0 = add_products(b0, x0, even, odd);
            b1 = add_products(b1, x1, even, odd);
            even = weights(w + 16), odd = weights(w + 20);
            c0 = add_products(c0, x0, even, odd);
            c1 = add_products(c1, x1, even, odd);
            even = weights(w + 24), odd = weights(w + 28);
            d0 = add_products(d0, x0, even, odd);
            d1 = add_products(d1, x1, even, odd);
        }
    }
    if (j->sums) {
        __m256i *to = (__m256i *)(void *)(j->sums + (size_t)at * VALUE_QUAD * VALUE_LANES);
        const __m256i sums[] = { a0, a1, b0, b1, c0, c1, d0, d1 };
        for (uint32_t i = 0; i < 8; i++)
            _mm256_storeu_si256(to + i, sums[i]);
        return;
    }
    const uint8_t *r = j->residual ? j->residual + at * j->residual_step : NULL;
    uint8_t *out = j->out + at * j->out_step;
    finish_half(j->scale, j->channel, a0, b0, c0, d0, r, out);
    finish_half(j->scale, j->channel, a1, b1, c1, d1, r ? r + HALF : NULL, out + HALF);
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

const struct value_kernel value_avx2 = { VALUE_QUAD, WEIGHT_BYTES, pack, column, finish, most,
                                         sum };
#endif
