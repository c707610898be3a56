/* network/values/avx512.c -- see kernel.h; AVX-512 with VNNI.
 *
 * vpdpbusd adds four products uint8 * int8 to each int32 lane without saturating between, two of
 * them a clock. Eight outputs of three pixels are in registers at a time: eleven loads feed 24
 * multiplications.
 *
 * The products are written in assembler: gcc 12 keeps a copy of every sum in memory when it is
 * given the intrinsic function.
 */
#include "core/simd.h"
#include "network/values/kernel.h"
#include "network/values/steps.h"
#include "network/values/token_kernel.h"

#if SIMD_X86
#include <immintrin.h>
#include <string.h>

#define AVX512     __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))
#define AVX512_INL AVX512 __attribute__((always_inline)) static inline

enum { MOST_SUMS = 24 }; // in registers

/* sum += products of four bytes of x and w in each lane. */
AVX512_INL void add_fours(__m512i *sum, __m512i x, __m512i w)
{
#ifdef EMULATED
    *sum = _mm512_dpbusd_epi32(*sum, x, w);
#else
    __asm__("vpdpbusd %2, %1, %0" : "+v"(*sum) : "v"(x), "v"(w));
#endif
}

/* sum += products of two words of x and w in each lane. */
AVX512_INL void add_pairs(__m512i *sum, __m512i x, __m512i w)
{
#ifdef EMULATED
    *sum = _mm512_dpwssd_epi32(*sum, x, w);
#else
    __asm__("vpdpwssd %2, %1, %0" : "+v"(*sum) : "v"(x), "v"(w));
#endif
}

AVX512_INL __m512i real_to_int(__m512d low, __m512d high)
{
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtpd_epi32(low)),
                              _mm512_cvtpd_epi32(high), 1);
}

/* One channel: sums of 16 lanes to stored values, not clamped. */
AVX512_INL __m512i scale(const struct value_scale *s, uint32_t o, __m512i sum, __m512i residual,
                         int has_residual)
{
    __m512d m = _mm512_set1_pd(s->m_real[o]), b = _mm512_set1_pd(s->b_real[o]);
    __m512d low = _mm512_cvtepi32_pd(_mm512_castsi512_si256(sum));
    __m512d high = _mm512_cvtepi32_pd(_mm512_extracti64x4_epi64(sum, 1));

    low = _mm512_fmadd_pd(low, m, b);
    high = _mm512_fmadd_pd(high, m, b);
    if (has_residual) {
        __m512d mr = _mm512_set1_pd(s->mr_real[o]);
        __m512d r_low = _mm512_cvtepi32_pd(_mm512_castsi512_si256(residual));
        __m512d r_high = _mm512_cvtepi32_pd(_mm512_extracti64x4_epi64(residual, 1));
        low = _mm512_fmadd_pd(r_low, mr, low);
        high = _mm512_fmadd_pd(r_high, mr, high);
    }
    return real_to_int(low, high);
}

/* Four channels of 16 lanes: saturated to bytes, clamped, each lane's together. */
AVX512_INL __m512i to_bytes(const struct value_scale *s, __m512i a, __m512i b, __m512i c, __m512i d)
{
    const __m512i together = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    const __m512i offset = _mm512_set1_epi16(s->offset); // behind the rounding
    __m512i v = _mm512_packus_epi16(_mm512_adds_epi16(_mm512_packs_epi32(a, b), offset),
                                    _mm512_adds_epi16(_mm512_packs_epi32(c, d), offset));

    v = _mm512_shuffle_epi8(v, together);
    v = _mm512_max_epu8(v, _mm512_set1_epi8((char)s->low));
    return _mm512_min_epu8(v, _mm512_set1_epi8((char)s->high));
}

AVX512_INL void finish_quad(const struct value_scale *s, uint32_t o, const __m512i *sum,
                            const uint8_t *residual, uint8_t *out)
{
    const __m512i byte = _mm512_set1_epi32(255);
    __m512i r = _mm512_setzero_si512(), q[VALUE_QUAD];

    if (residual) {
        r = _mm512_loadu_si512(residual);
        q[0] = scale(s, o, sum[0], _mm512_and_si512(r, byte), 1);
        q[1] = scale(s, o + 1, sum[1], _mm512_and_si512(_mm512_srli_epi32(r, 8), byte), 1);
        q[2] = scale(s, o + 2, sum[2], _mm512_and_si512(_mm512_srli_epi32(r, 16), byte), 1);
        q[3] = scale(s, o + 3, sum[3], _mm512_srli_epi32(r, 24), 1);
    } else {
        q[0] = scale(s, o, sum[0], r, 0);
        q[1] = scale(s, o + 1, sum[1], r, 0);
        q[2] = scale(s, o + 2, sum[2], r, 0);
        q[3] = scale(s, o + 3, sum[3], r, 0);
    }
    _mm512_storeu_si512(out, to_bytes(s, q[0], q[1], q[2], q[3]));
}

/* n_out outputs of n neighbouring pixels from pixel `at` of the column on. */
AVX512_INL void tile(const struct value_column *j, uint32_t at, const uint32_t n_out,
                     const uint32_t n)
{
    const uint8_t *in = j->in + at * j->in_step;
    const int8_t *w = j->weight;
    __m512i acc[MOST_SUMS];

#pragma GCC unroll 8
    for (uint32_t o = 0; o < n_out; o++)
#pragma GCC unroll 4
        for (uint32_t p = 0; p < n; p++)
            acc[p * n_out + o] = _mm512_set1_epi32(j->start[o]);
    for (uint32_t r = 0; r < j->n_run; r++) {
        const uint8_t *x = in + j->run[r];
        for (uint32_t k = j->steps; k > 0; k--, x += VALUE_BYTES, w += n_out * VALUE_QUAD) {
            __m512i v[4];
#pragma GCC unroll 4
            for (uint32_t p = 0; p < n; p++)
                v[p] = _mm512_loadu_si512(x + p * j->in_step);
#pragma GCC unroll 8
            for (uint32_t o = 0; o < n_out; o++) {
                int32_t four;
                memcpy(&four, w + o * VALUE_QUAD, sizeof four);
                __m512i weight = _mm512_set1_epi32(four);
#pragma GCC unroll 4
                for (uint32_t p = 0; p < n; p++)
                    add_fours(&acc[p * n_out + o], v[p], weight);
            }
        }
    }
#pragma GCC unroll 4
    for (uint32_t p = 0; p < n; p++) {
        if (j->sums) {
#pragma GCC unroll 8
            for (uint32_t o = 0; o < n_out; o++)
                _mm512_storeu_si512(j->sums + ((size_t)(at + p) * n_out + o) * VALUE_LANES,
                                    acc[p * n_out + o]);
            continue;
        }
        const uint8_t *r = j->residual ? j->residual + (at + p) * j->residual_step : NULL;
#pragma GCC unroll 2
        for (uint32_t q = 0; q < n_out / VALUE_QUAD; q++)
            finish_quad(j->scale, j->channel + q * VALUE_QUAD, acc + p * n_out + q * VALUE_QUAD,
                        r ? r + q * VALUE_BYTES : NULL,
                        j->out + (at + p) * j->out_step + q * VALUE_BYTES);
    }
}

AVX512 static void column_of_eight(const struct value_column *j)
{
    uint32_t i = 0;

    for (; i + 3 <= j->n; i += 3)
        tile(j, i, 8, 3);
    if (j->n - i == 2)
        tile(j, i, 8, 2);
    else if (j->n - i == 1)
        tile(j, i, 8, 1);
}

AVX512 static void column_of_four(const struct value_column *j)
{
    uint32_t i = 0;

    for (; i + 4 <= j->n; i += 4)
        tile(j, i, 4, 4);
    for (; i < j->n; i++)
        tile(j, i, 4, 1);
}

static void column(const struct value_column *j)
{
    if (j->quads == 2)
        column_of_eight(j);
    else
        column_of_four(j);
}

AVX512 static void finish(const struct value_scale *s, uint32_t channel,
                          const int32_t (*sum)[VALUE_LANES], const uint8_t *residual, uint8_t *out)
{
    const __m512i acc[VALUE_QUAD] = {
        _mm512_loadu_si512(sum[0]), _mm512_loadu_si512(sum[1]), _mm512_loadu_si512(sum[2]),
        _mm512_loadu_si512(sum[3]),
    };

    finish_quad(s, channel, acc, residual, out);
}

AVX512 static void look_up(const struct value_scale *s, uint32_t channel,
                           const int32_t (*sum)[VALUE_LANES], const uint8_t *residual, uint8_t *out)
{
    value_look_up(s, channel, sum, residual, out);
}

AVX512 static void most(const struct value_window *w, uint32_t quads, uint8_t *out)
{
    for (size_t q = 0; q < (size_t)quads * VALUE_BYTES; q += VALUE_BYTES) {
        __m512i v = _mm512_setzero_si512();
        for (uint32_t j = 0; j < w->columns; j++) {
            const uint8_t *p = w->column[j] + w->first + q;
            for (uint32_t i = 0; i < w->rows; i++, p += w->row_bytes)
                v = _mm512_max_epu8(v, _mm512_loadu_si512(p));
        }
        _mm512_storeu_si512(out + q, v);
    }
}

AVX512 static void sum(const uint8_t *pixel, size_t pixel_bytes, uint32_t n, uint8_t zero,
                       struct value_sums *s)
{
    const __m512i zeros = _mm512_set1_epi8((char)zero), byte = _mm512_set1_epi16(255);
    const __m512i one = _mm512_set1_epi8(1);
    __m512i even = _mm512_loadu_si512(s->even), odd = _mm512_loadu_si512(s->odd);
    __m512i nonzero = _mm512_loadu_si512(s->nonzero);

    for (uint32_t i = 0; i < n; i++, pixel += pixel_bytes) {
        __m512i v = _mm512_loadu_si512(pixel);
        v = _mm512_or_si512(_mm512_subs_epu8(v, zeros), _mm512_subs_epu8(zeros, v));
        even = _mm512_add_epi16(even, _mm512_and_si512(v, byte));
        odd = _mm512_add_epi16(odd, _mm512_srli_epi16(v, 8));
        nonzero = _mm512_add_epi8(nonzero, _mm512_min_epu8(v, one));
    }
    _mm512_storeu_si512(s->even, even);
    _mm512_storeu_si512(s->odd, odd);
    _mm512_storeu_si512(s->nonzero, nonzero);
}

AVX512 static void sum_function(const uint8_t *pixel, size_t pixel_bytes, uint32_t n,
                                const struct value_function *f, struct value_function_sums *s)
{
    const __m512i low = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)f->low));
    const __m512i high = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)f->high));
    const __m512i half = _mm512_set1_epi8(15), byte = _mm512_set1_epi16(255);
    __m512i even = _mm512_loadu_si512(s->even), odd = _mm512_loadu_si512(s->odd);

    for (uint32_t i = 0; i < n; i++, pixel += pixel_bytes) {
        __m512i v = _mm512_loadu_si512(pixel);
        __m512i lower = _mm512_shuffle_epi8(low, _mm512_and_si512(v, half));
        __m512i upper = _mm512_and_si512(_mm512_srli_epi16(v, 4), half);
        v = _mm512_add_epi8(lower, _mm512_shuffle_epi8(high, upper));
        even = _mm512_add_epi16(even, _mm512_and_si512(v, byte));
        odd = _mm512_add_epi16(odd, _mm512_srli_epi16(v, 8));
    }
    _mm512_storeu_si512(s->even, even);
    _mm512_storeu_si512(s->odd, odd);
}

/* The same as tile() with weights of 16 bits: the even channels of a quad, then the odd ones. */
AVX512_INL void wide_tile(const struct value_column *j, const int16_t *w, uint32_t at,
                          const uint32_t n_out, const uint32_t n)
{
    const uint8_t *in = j->in + at * j->in_step;
    const __m512i byte = _mm512_set1_epi16(255);
    __m512i acc[MOST_SUMS];

#pragma GCC unroll 8
    for (uint32_t o = 0; o < n_out; o++)
#pragma GCC unroll 4
        for (uint32_t p = 0; p < n; p++)
            acc[p * n_out + o] = _mm512_set1_epi32(j->start[o]);
    for (uint32_t r = 0; r < j->n_run; r++) {
        const uint8_t *x = in + j->run[r];
        for (uint32_t k = j->steps; k > 0; k--, x += VALUE_BYTES, w += n_out * VALUE_QUAD) {
            __m512i even[4], odd[4];
#pragma GCC unroll 4
            for (uint32_t p = 0; p < n; p++) {
                __m512i v = _mm512_loadu_si512(x + p * j->in_step);
                even[p] = _mm512_and_si512(v, byte);
                odd[p] = _mm512_srli_epi16(v, 8);
            }
#pragma GCC unroll 8
            for (uint32_t o = 0; o < n_out; o++) {
                int32_t two[2];
                memcpy(two, w + o * VALUE_QUAD, sizeof two);
                __m512i weight = _mm512_set1_epi32(two[0]);
#pragma GCC unroll 4
                for (uint32_t p = 0; p < n; p++)
                    add_pairs(&acc[p * n_out + o], even[p], weight);
                weight = _mm512_set1_epi32(two[1]);
#pragma GCC unroll 4
                for (uint32_t p = 0; p < n; p++)
                    add_pairs(&acc[p * n_out + o], odd[p], weight);
            }
        }
    }
#pragma GCC unroll 4
    for (uint32_t p = 0; p < n; p++)
#pragma GCC unroll 8
        for (uint32_t o = 0; o < n_out; o++)
            _mm512_storeu_si512(j->sums + ((size_t)(at + p) * n_out + o) * VALUE_LANES,
                                acc[p * n_out + o]);
}

AVX512 static void wide_column(const struct value_column *j, const int16_t *weight)
{
    uint32_t i = 0;

    for (; j->quads == 2 && i + 3 <= j->n; i += 3)
        wide_tile(j, weight, i, 8, 3);
    for (; j->quads == 2 && i < j->n; i++)
        wide_tile(j, weight, i, 8, 1);
    for (; i + 4 <= j->n; i += 4)
        wide_tile(j, weight, i, 4, 4);
    for (; i < j->n; i++)
        wide_tile(j, weight, i, 4, 1);
}

/* rne(v scale 2^-VALUE_SCALE_BIT) of eight sums. */
AVX512_INL __m256i read_half(__m256i v, __m512i scale)
{
    const __m512i half = _mm512_set1_epi64((INT64_C(1) << (VALUE_SCALE_BIT - 1)) - 1);
    __m512i t = _mm512_mullo_epi64(_mm512_cvtepi32_epi64(v), scale);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi64(t, VALUE_SCALE_BIT), _mm512_set1_epi64(1));

    t = _mm512_add_epi64(_mm512_add_epi64(t, half), odd); // far below 2^63
    return _mm512_cvtepi64_epi32(_mm512_srai_epi64(t, VALUE_SCALE_BIT));
}

AVX512 static void read(const struct value_reading *r)
{
    const __m512i scale = _mm512_set1_epi64(r->scale);
    const int32_t *sum = r->sum;
    int32_t *total = r->total;

    for (uint32_t i = 0; i < r->n; i++)
        for (uint32_t o = 0; o < r->outputs; o++, sum += VALUE_LANES, total += VALUE_LANES) {
            __m512i v = _mm512_loadu_si512(sum);
            __m256i low = read_half(_mm512_castsi512_si256(v), scale);
            __m256i high = read_half(_mm512_extracti64x4_epi64(v, 1), scale);
            __m512i y = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
            __m512i to = r->start ? _mm512_set1_epi32(r->start[o]) : _mm512_loadu_si512(total);
            _mm512_storeu_si512(total, _mm512_add_epi32(to, y));
        }
}

const struct value_kernel value_avx512vnni = {
    MOST_OUTPUTS, NULL, column, wide_column, read, finish, look_up, most, sum,
    sum_function,
    &value_tokens_avx512,
};
#endif
