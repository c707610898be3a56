/* arch/units/sliced_avx512.c -- see sliced_kernel.h; eight outputs at a time, VPOPCNTDQ. */
#include "arch/units/sliced_kernel.h"
#include "core/simd.h"

#if SIMD_X86
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vpopcntdq,popcnt")))

TARGET static void planes(const uint16_t *x, uint32_t n, uint32_t n_bit, uint32_t words,
                          uint64_t *word)
{
    for (uint32_t k = 0; k < words; k++) {
        uint32_t left = n > 64 * k ? n - 64 * k : 0;
        __mmask64 there = left >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << left) - 1;
        __m512i low = _mm512_maskz_loadu_epi16((__mmask32)there, x + 64 * k);
        __m512i high = _mm512_maskz_loadu_epi16((__mmask32)(there >> 32), x + 64 * k + 32);

        for (uint32_t b = 0; b < n_bit; b++) {
            __m512i bit = _mm512_set1_epi16((short)(1 << b));
            word[(size_t)b * words + k] = _mm512_test_epi16_mask(low, bit) |
                                          (uint64_t)_mm512_test_epi16_mask(high, bit) << 32;
        }
    }
}

TARGET static inline __m512i word_rows(const uint64_t *x, const uint64_t *w)
{
    return _mm512_popcnt_epi64(_mm512_and_si512(_mm512_set1_epi64((long long)*x),
                                                _mm512_loadu_si512(w)));
}

/* Rows that an input plane and a plane of weights share. Arrays of few rows have no loop. */
TARGET static inline __m512i shared_rows(const uint64_t *x, const uint64_t *w, uint32_t words,
                                         size_t lanes)
{
    __m512i n = word_rows(x, w);

    if (words > 1)
        n = _mm512_add_epi64(n, word_rows(x + 1, w + lanes));
    if (words > 2)
        n = _mm512_add_epi64(n, word_rows(x + 2, w + 2 * lanes));
    if (words > 3)
        n = _mm512_add_epi64(n, word_rows(x + 3, w + 3 * lanes));
    for (uint32_t k = 4; k < words; k++)
        n = _mm512_add_epi64(n, word_rows(x + k, w + k * lanes));
    return n;
}

TARGET static inline __m512i lane_sums(const struct sliced_array *a, uint32_t group,
                                       const struct sliced_digit *d, const struct slice_planes *s,
                                       uint32_t o)
{
    const uint64_t *w = sliced_plane(a, group, s->first) + o;
    size_t plane = (size_t)a->group_words * a->lanes;
    __m512i sum = _mm512_setzero_si512();

    for (uint32_t p = s->first; p < s->first + s->n; p++, w += plane) {
        const uint64_t *x = sliced_input(a, group, d->first);
        for (uint32_t b = 0; b < d->n; b++, x += a->group_words) {
            __m512i n = shared_rows(x, w, a->group_words, a->lanes);
            if (a->plane_bit[p].bit + b > 0)
                n = _mm512_sll_epi64(n, _mm_cvtsi32_si128((int)(a->plane_bit[p].bit + b)));
            bool negative = a->plane_bit[p].negative != (d->both_signs && b == d->n - 1);
            sum = negative ? _mm512_sub_epi64(sum, n) : _mm512_add_epi64(sum, n);
        }
    }
    return sum;
}

/* Ties that ended at their odd neighbour end at the even one. */
TARGET static inline __m512d to_even(__m512d q, __m512d s, __m512d step, __m512d over_step)
{
    __m512d rest = _mm512_abs_pd(_mm512_sub_pd(s, _mm512_mul_pd(q, step)));
    __mmask8 tie = _mm512_cmp_pd_mask(_mm512_add_pd(rest, rest), step, _CMP_EQ_OQ);
    __m512d half = _mm512_mul_pd(_mm512_mul_pd(s, over_step), _mm512_set1_pd(0.5));

    half = _mm512_roundscale_pd(half, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    return _mm512_mask_add_pd(q, tie, half, half);
}

TARGET static inline __m512i to_code(const struct slice_codes *c, uint32_t o, __m512i sum)
{
    if (c->whole)
        return sum;
    __m512d s = _mm512_cvtepi64_pd(sum), over_step = _mm512_loadu_pd(c->over_step + o);
    __m512d q = _mm512_roundscale_pd(_mm512_mul_pd(s, over_step),
                                     _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);

    if (c->ties)
        q = to_even(q, s, _mm512_cvtepi64_pd(_mm512_loadu_si512(c->step + o)), over_step);
    return _mm512_cvtpd_epi64(q);
}

/* Outputs from `o` on. */
TARGET static inline __m512i lane_reads(const struct sliced_array *a, uint32_t group,
                                        const struct sliced_digit *d, uint32_t o, __m512i total,
                                        __m512i *n_clipped)
{
    for (uint32_t j = 0; j < a->layout.n_slice; j++) {
        const struct slice_codes *c = sliced_codes(a, j, d);
        __m512i code = to_code(c, o, lane_sums(a, group, d, &a->slice[j], o));
        __m512i kept = _mm512_max_epi64(_mm512_min_epi64(code, _mm512_set1_epi64(c->most)),
                                        _mm512_set1_epi64(c->least));
        __m512i weight = _mm512_set1_epi64(d->factor * a->layout.slice[j].factor);

        *n_clipped = _mm512_mask_add_epi64(*n_clipped, _mm512_cmpneq_epi64_mask(code, kept),
                                           *n_clipped, _mm512_set1_epi64(1));
        if (!c->whole)
            weight = _mm512_mullo_epi64(weight, _mm512_loadu_si512(c->step + o));
        total = _mm512_add_epi64(total, _mm512_mullo_epi64(kept, weight));
    }
    return total;
}

/* ---- digits of one bit, of few rows: weights stay in registers while the inputs go by ---- */

#define INLINE static inline __attribute__((always_inline))

struct bits { // of the inputs that drive any row
    const uint64_t *x[SLICED_MOST_INPUT_BITS];
    uint8_t         bit[SLICED_MOST_INPUT_BITS];
    bool            negative[SLICED_MOST_INPUT_BITS];
    uint32_t        n;
};

static void driven_bits(const struct sliced_array *a, uint32_t group, struct bits *in)
{
    in->n = 0;
    for (uint32_t i = 0; i < a->n_digit; i++) {
        const struct sliced_digit *d = &a->digit[i];
        if (sliced_is_silent(a, group, d))
            continue;
        in->x[in->n] = sliced_input(a, group, d->first);
        in->bit[in->n] = (uint8_t)d->first;
        in->negative[in->n++] = d->factor < 0;
    }
}

/* sum[i] += what plane p of the weights adds to the sums of each driven bit. */
TARGET INLINE void add_plane(const struct sliced_array *a, const uint64_t *w, uint32_t p,
                             const struct bits *in, const uint32_t words, __m512i *sum)
{
    const __m128i up = _mm_cvtsi32_si128(a->plane_bit[p].bit);
    const __m512i sign = _mm512_set1_epi64(-(int64_t)a->plane_bit[p].negative);
    const size_t lanes = a->lanes;
    const __m512i w0 = _mm512_loadu_si512(w);
    const __m512i w1 = words > 1 ? _mm512_loadu_si512(w + lanes) : w0;
    const __m512i w2 = words > 2 ? _mm512_loadu_si512(w + 2 * lanes) : w0;
    const __m512i w3 = words > 3 ? _mm512_loadu_si512(w + 3 * lanes) : w0;

    for (uint32_t i = 0; i < in->n; i++) {
        const uint64_t *x = in->x[i];
#define SHARED(k, w) _mm512_popcnt_epi64(_mm512_and_si512(_mm512_set1_epi64((long long)x[k]), w))
        __m512i n = SHARED(0, w0);
        if (words > 1)
            n = _mm512_add_epi64(n, SHARED(1, w1));
        if (words > 2)
            n = _mm512_add_epi64(n, SHARED(2, w2));
        if (words > 3)
            n = _mm512_add_epi64(n, SHARED(3, w3));
#undef SHARED
        n = _mm512_sll_epi64(n, up);
        sum[i] = _mm512_add_epi64(sum[i], _mm512_sub_epi64(_mm512_xor_si512(n, sign), sign));
    }
}

TARGET INLINE __m512i slice_bits(const struct sliced_array *a, uint32_t group, uint32_t j,
                                 uint32_t o, const struct bits *in, const uint32_t words,
                                 __m512i *n_clipped)
{
    const struct slice_planes *s = &a->slice[j];
    const struct slice_codes *c = sliced_codes(a, j, &a->digit[0]); // all of one bit
    const __m512i least = _mm512_set1_epi64(c->least), most = _mm512_set1_epi64(c->most);
    const __m512i one = _mm512_set1_epi64(1);
    __m512i weight = _mm512_set1_epi64(a->layout.slice[j].factor);
    __m512i sum[SLICED_MOST_INPUT_BITS], total = _mm512_setzero_si512();

    for (uint32_t i = 0; i < in->n; i++)
        sum[i] = _mm512_setzero_si512();
    for (uint32_t p = s->first; p < s->first + s->n; p++)
        add_plane(a, sliced_plane(a, group, p) + o, p, in, words, sum);
    for (uint32_t i = 0; i < in->n; i++) {
        __m512i code = to_code(c, o, sum[i]);
        __m512i kept = _mm512_max_epi64(_mm512_min_epi64(code, most), least);
        *n_clipped = _mm512_mask_add_epi64(*n_clipped, _mm512_cmpneq_epi64_mask(code, kept),
                                           *n_clipped, one);
        kept = _mm512_sll_epi64(kept, _mm_cvtsi32_si128(in->bit[i]));
        total = in->negative[i] ? _mm512_sub_epi64(total, kept) : _mm512_add_epi64(total, kept);
    }
    if (!c->whole)
        weight = _mm512_mullo_epi64(weight, _mm512_loadu_si512(c->step + o));
    return _mm512_mullo_epi64(total, weight);
}

TARGET INLINE uint64_t bit_reads(const struct sliced_array *a, uint32_t group, int64_t *out,
                                 const uint32_t words)
{
    uint64_t ones_clipped = 0;
    int64_t of_ones = 0;
    __m512i n_clipped = _mm512_setzero_si512();
    struct bits in;

    driven_bits(a, group, &in);
    for (uint32_t i = 0; a->layout.ones != 0 && i < in.n; i++)
        of_ones += sliced_ones(a, group, &a->digit[in.bit[i]], &ones_clipped);
    for (uint32_t o = 0; o < a->lanes; o += SLICED_LANES) {
        __m512i total = _mm512_add_epi64(_mm512_loadu_si512(out + o),
                                         _mm512_set1_epi64(of_ones));
        for (uint32_t j = 0; j < a->layout.n_slice; j++)
            total = _mm512_add_epi64(total,
                                     slice_bits(a, group, j, o, &in, words, &n_clipped));
        _mm512_storeu_si512(out + o, total);
    }
    return ones_clipped + (uint64_t)_mm512_reduce_add_epi64(n_clipped);
}

/* ---- digits of any bits ---- */

TARGET static uint64_t digit_reads(const struct sliced_array *a, uint32_t group,
                                   int64_t *out)
{
    bool silent[SLICED_MOST_INPUT_BITS] = { false };
    uint64_t ones_clipped = 0;
    int64_t of_ones = 0;
    __m512i n_clipped = _mm512_setzero_si512();

    for (uint32_t i = 0; i < a->n_digit; i++)
        silent[i] = sliced_is_silent(a, group, &a->digit[i]);
    for (uint32_t i = 0; a->layout.ones != 0 && i < a->n_digit; i++)
        if (!silent[i])
            of_ones += sliced_ones(a, group, &a->digit[i], &ones_clipped);
    for (uint32_t o = 0; o < a->lanes; o += SLICED_LANES) {
        __m512i total = _mm512_add_epi64(_mm512_loadu_si512(out + o),
                                         _mm512_set1_epi64(of_ones));
        for (uint32_t i = 0; i < a->n_digit; i++)
            if (!silent[i])
                total = lane_reads(a, group, &a->digit[i], o, total, &n_clipped);
        _mm512_storeu_si512(out + o, total);
    }
    return ones_clipped + (uint64_t)_mm512_reduce_add_epi64(n_clipped);
}

TARGET static uint64_t group_reads(const struct sliced_array *a, uint32_t group, int64_t *out)
{
    if (a->cfg.input_slice_bits > 1)
        return digit_reads(a, group, out);
    switch (a->group_words) {
    case 1:
        return bit_reads(a, group, out, 1);
    case 2:
        return bit_reads(a, group, out, 2);
    case 3:
        return bit_reads(a, group, out, 3);
    case 4:
        return bit_reads(a, group, out, 4);
    default:
        return digit_reads(a, group, out);
    }
}

const struct sliced_kernel sliced_avx512 = { planes, group_reads };
#endif
