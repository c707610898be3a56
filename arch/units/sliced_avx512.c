/* arch/units/sliced_avx512.c -- see sliced_kernel.h; eight outputs at a time, VPOPCNTDQ. */
#include "arch/units/sliced_kernel.h"
#include "core/simd.h"

#if SIMD_X86
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vpopcntdq,popcnt")))

TARGET static void planes(const uint8_t *x, uint32_t n, uint32_t n_bit, uint32_t words,
                          uint64_t *word)
{
    for (uint32_t k = 0; k < words; k++) {
        uint32_t left = n > 64 * k ? n - 64 * k : 0;
        __mmask64 there = left >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << left) - 1;
        __m512i in = _mm512_maskz_loadu_epi8(there, x + 64 * k);

        for (uint32_t b = 0; b < n_bit; b++)
            word[(size_t)b * words + k] =
                _mm512_test_epi8_mask(in, _mm512_set1_epi8((char)(1 << b)));
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
                                       const struct sliced_read *r, const struct slice_planes *s,
                                       uint32_t o)
{
    const struct sliced_digit *d = r->digit;
    const uint64_t *w = sliced_plane(a, group, s->first) + o;
    size_t plane = (size_t)a->group_words * a->lanes;
    __m512i sum = _mm512_setzero_si512();

    for (uint32_t p = s->first; p < s->first + s->n; p++, w += plane) {
        const uint64_t *x = r->x;
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

/* What codes of step 1 differ by. */
TARGET static inline __m512i ends(const struct slice_codes *c, __m512i sum, uint64_t *n_clipped)
{
    const __m512i least = _mm512_set1_epi64(c->least), most = _mm512_set1_epi64(c->most);
    __m512i kept = _mm512_max_epi64(_mm512_min_epi64(sum, most), least);

    *n_clipped += (uint64_t)_mm_popcnt_u32(_mm512_cmpneq_epi64_mask(kept, sum));
    return _mm512_sub_epi64(kept, sum);
}

/* What codes of other steps differ by, whole numbers. */
TARGET static inline __m512d rounded(const struct slice_codes *c, uint32_t o, __m512i sum,
                                     uint64_t *n_clipped)
{
    __m512d s = _mm512_cvtepi64_pd(sum), over_step = _mm512_loadu_pd(c->over_step + o);
    __m512d step = _mm512_cvtepi64_pd(_mm512_loadu_si512(c->step + o));
    __m512d code = _mm512_roundscale_pd(_mm512_mul_pd(s, over_step),
                                        _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);

    if (c->ties)
        code = to_even(code, s, step, over_step);
    if (c->clips) {
        __m512d kept = _mm512_max_pd(_mm512_min_pd(code, _mm512_set1_pd((double)c->most)),
                                     _mm512_set1_pd((double)c->least));
        *n_clipped += (uint64_t)_mm_popcnt_u32(_mm512_cmp_pd_mask(code, kept, _CMP_NEQ_OQ));
        code = kept;
    }
    return _mm512_fmsub_pd(code, step, s);
}

/* total + differ * factor, which is a power of 2 of either sign. */
TARGET static inline __m512i add_scaled(__m512i total, __m512i differ, int64_t factor)
{
    differ = _mm512_sll_epi64(differ, _mm_cvtsi32_si128(__builtin_ctzll((uint64_t)factor)));
    return factor < 0 ? _mm512_sub_epi64(total, differ) : _mm512_add_epi64(total, differ);
}

/* The reads of slice j of outputs from `o` on. */
TARGET static __m512i lane_reads(const struct sliced_array *a, uint32_t group,
                                 const struct sliced_reads *r, uint32_t j, uint32_t o,
                                 uint64_t *n_clipped)
{
    const uint32_t loud = sliced_loud(a, group, j, o);
    __m512i total = _mm512_setzero_si512();

    for (uint32_t i = 0; i < r->n; i++) {
        const struct sliced_digit *d = r->read[i].digit;
        const struct slice_codes *c = sliced_codes(a, j, d);
        if (r->read[i].rows < loud)
            continue;
        __m512i sum = lane_sums(a, group, &r->read[i], &a->slice[j], o);
        __m512i differ = c->whole ? ends(c, sum, n_clipped)
                                  : _mm512_cvtpd_epi64(rounded(c, o, sum, n_clipped));
        total = add_scaled(total, differ, d->factor * a->layout.slice[j].factor);
    }
    return total;
}

/* ---- digits of one bit, of few rows: weights stay in registers while the inputs go by ---- */

#define INLINE static inline __attribute__((always_inline))

enum { MOST_WORDS = 4, MOST_BITS = 2 }; // of a group of rows, of a digit of the weights

/* Rows that a read shares with the planes w[bits][words], the planes weighted. */
TARGET INLINE __m512i bit_sums(const uint64_t *x, __m512i (*w)[MOST_WORDS], const uint32_t words,
                               const uint32_t bits)
{
    __m512i n0 = _mm512_setzero_si512(), n1 = n0;

#define ADD_WORD(k)                                                                                \
    do {                                                                                           \
        const __m512i in = _mm512_set1_epi64((long long)x[k]);                                     \
        n0 = _mm512_add_epi64(n0, _mm512_popcnt_epi64(_mm512_and_si512(in, w[0][k])));             \
        if (bits > 1)                                                                              \
            n1 = _mm512_add_epi64(n1, _mm512_popcnt_epi64(_mm512_and_si512(in, w[1][k])));         \
    } while (0)
    ADD_WORD(0);
    if (words > 1)
        ADD_WORD(1);
    if (words > 2)
        ADD_WORD(2);
    if (words > 3)
        ADD_WORD(3);
#undef ADD_WORD
    return bits == 1 ? n0 : _mm512_add_epi64(n0, _mm512_add_epi64(n1, n1));
}

/* Planes of a slice: w[bits][words]. */
TARGET INLINE void load_planes(const uint64_t *plane, size_t lanes, __m512i (*w)[MOST_WORDS],
                               const uint32_t words, const uint32_t bits)
{
#define LOAD(b, k)                                                                                 \
    if (b < bits && k < words)                                                                     \
    w[b][k] = _mm512_loadu_si512(plane + (b * words + k) * lanes)
    LOAD(0, 0);
    LOAD(0, 1);
    LOAD(0, 2);
    LOAD(0, 3);
    LOAD(1, 0);
    LOAD(1, 1);
    LOAD(1, 2);
    LOAD(1, 3);
#undef LOAD
}

TARGET INLINE __m512i bit_reads(const struct sliced_array *a, uint32_t group,
                                const struct sliced_reads *r, uint32_t j, uint32_t o,
                                uint64_t *n_clipped, const uint32_t words, const uint32_t bits)
{
    const uint32_t loud = sliced_loud(a, group, j, o);
    const struct slice_codes *c = &a->from_zero[j];
    const __m512i most = _mm512_set1_epi64(c->most);
    const uint64_t *plane = sliced_plane(a, group, a->slice[j].first) + o;
    __m512i w[MOST_BITS][MOST_WORDS], total = _mm512_setzero_si512();
    __m512d differ = _mm512_setzero_pd();

    load_planes(plane, a->lanes, w, words, bits);
    for (uint32_t i = 0; i < r->n; i++) {
        const struct sliced_read *read = &r->read[i];
        if (read->rows < loud)
            continue;
        __m512i sum = bit_sums(read->x, w, words, bits);
        if (!c->whole) {
            differ = _mm512_fmadd_pd(rounded(c, o, sum, n_clipped),
                                     _mm512_set1_pd((double)read->digit->factor), differ);
            continue;
        }
        __mmask8 above = _mm512_cmpgt_epi64_mask(sum, most);
        if (above == 0)
            continue;
        *n_clipped += (uint64_t)_mm_popcnt_u32(above);
        total = add_scaled(total, _mm512_maskz_sub_epi64(above, most, sum), read->digit->factor);
    }
    if (!c->whole)
        total = _mm512_cvtpd_epi64(differ);
    return add_scaled(_mm512_setzero_si512(), total, a->layout.slice[j].factor);
}

typedef __m512i reads_fn(const struct sliced_array *a, uint32_t group,
                         const struct sliced_reads *r, uint32_t j, uint32_t o,
                         uint64_t *n_clipped);

#define BIT_READS(words, bits)                                                                     \
    TARGET static __m512i bit_reads_##words##_##bits(                                              \
        const struct sliced_array *a, uint32_t group, const struct sliced_reads *r, uint32_t j,    \
        uint32_t o, uint64_t *n_clipped)                                                           \
    {                                                                                              \
        return bit_reads(a, group, r, j, o, n_clipped, words, bits);                               \
    }
BIT_READS(1, 1) BIT_READS(2, 1) BIT_READS(3, 1) BIT_READS(4, 1)
BIT_READS(1, 2) BIT_READS(2, 2) BIT_READS(3, 2) BIT_READS(4, 2)

/* Of a slice: sums of few rows and digits that are never negative have ways of their own. */
static reads_fn *find_reads(const struct sliced_array *a, uint32_t j)
{
    static reads_fn *const of_bits[MOST_BITS][MOST_WORDS] = {
        { bit_reads_1_1, bit_reads_2_1, bit_reads_3_1, bit_reads_4_1 },
        { bit_reads_1_2, bit_reads_2_2, bit_reads_3_2, bit_reads_4_2 },
    };
    const struct slice_planes *s = &a->slice[j];

    return a->cfg.input_slice_bits == 1 && a->group_words <= MOST_WORDS && s->n >= 1 &&
                   s->n <= MOST_BITS && a->layout.slice[j].least >= 0
               ? of_bits[s->n - 1][a->group_words - 1]
               : lane_reads;
}

TARGET static uint64_t group_reads(const struct sliced_array *a, uint32_t group, int64_t *out)
{
    struct sliced_reads r;

    sliced_drive(a, group, &r);
    uint64_t n_clipped = sliced_all_ones(a, &r, out);
    for (uint32_t j = 0; j < a->layout.n_slice; j++) {
        reads_fn *reads = find_reads(a, j);
        for (uint32_t o = 0; o < a->lanes; o += SLICED_LANES) {
            if (r.most_rows < sliced_loud(a, group, j, o))
                continue;
            __m512i differ = reads(a, group, &r, j, o, &n_clipped);
            _mm512_storeu_si512(out + o, _mm512_add_epi64(_mm512_loadu_si512(out + o), differ));
        }
    }
    return n_clipped;
}

TARGET static void sums(const struct sliced_array *a, uint32_t group, const struct sliced_read *r,
                        const struct slice_planes *s, uint32_t o, int64_t *sum)
{
    _mm512_storeu_si512(sum, lane_sums(a, group, r, s, o));
}

const struct sliced_kernel sliced_avx512 = { planes, group_reads, sums };
#endif
