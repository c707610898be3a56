/* arch/units/sliced_avx2.c -- see sliced_kernel.h; four outputs at a time, bits counted in nibbles.
 *
 * Whole numbers below 2^51 become doubles, and doubles whole numbers, by way of 1.5 * 2^52, whose
 * last bit is 1.
 */
#include "arch/units/sliced_kernel.h"
#include "core/simd.h"

#if SIMD_X86
#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("avx2,popcnt")))

enum { WIDTH = 4 };

static const double two_52 = 6755399441055744.0; // 1.5 * 2^52

TARGET static void planes(const uint8_t *x, uint32_t n, uint32_t n_bit, uint32_t words,
                          uint64_t *word)
{
    for (uint32_t k = 0; k < words; k++) {
        uint32_t first = SLICED_WORD_ROWS * k, left = n > first ? n - first : 0;
        uint8_t in[SLICED_WORD_ROWS] = { 0 };

        memcpy(in, x + first, left < SLICED_WORD_ROWS ? left : SLICED_WORD_ROWS);
        const __m256i low = _mm256_loadu_si256((const __m256i *)in);
        const __m256i high = _mm256_loadu_si256((const __m256i *)(in + 32));
        for (uint32_t b = 0; b < n_bit; b++) {
            const __m128i up = _mm_cvtsi32_si128(7 - (int)b); // the bit becomes its byte's sign
            uint32_t of_low = (uint32_t)_mm256_movemask_epi8(_mm256_sll_epi16(low, up));
            uint32_t of_high = (uint32_t)_mm256_movemask_epi8(_mm256_sll_epi16(high, up));
            word[(size_t)b * words + k] = of_low | (uint64_t)of_high << 32;
        }
    }
}

/* Of each byte. */
TARGET static inline __m256i byte_ones(__m256i v)
{
    const __m256i ones = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1,
                                          2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i nibble = _mm256_set1_epi8(15);

    return _mm256_add_epi8(
        _mm256_shuffle_epi8(ones, _mm256_and_si256(v, nibble)),
        _mm256_shuffle_epi8(ones, _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble)));
}

/* Rows that an input plane and a plane of weights share. */
TARGET static inline __m256i shared_rows(const uint64_t *x, const uint64_t *w, uint32_t words,
                                         uint32_t lanes)
{
    enum { MOST_WORDS = 31 }; // whose ones a byte can count
    const __m256i zero = _mm256_setzero_si256();
    __m256i n = zero;

    for (uint32_t k = 0; k < words;) {
        __m256i bytes = zero;
        for (uint32_t end = words - k < MOST_WORDS ? words : k + MOST_WORDS; k < end; k++)
            bytes = _mm256_add_epi8(bytes, byte_ones(_mm256_and_si256(
                        _mm256_set1_epi64x((long long)x[k]),
                        _mm256_loadu_si256((const __m256i *)(w + (size_t)k * lanes)))));
        n = _mm256_add_epi64(n, _mm256_sad_epu8(bytes, zero));
    }
    return n;
}

TARGET static inline __m256i lane_sums(const struct sliced_array *a, uint32_t group,
                                       const struct sliced_read *r, const struct slice_planes *s,
                                       uint32_t o)
{
    const struct sliced_digit *d = r->digit;
    const uint64_t *w = sliced_plane(a, group, s->first) + o;
    size_t plane = (size_t)a->group_words * a->lanes;
    __m256i sum = _mm256_setzero_si256();

    for (uint32_t p = s->first; p < s->first + s->n; p++, w += plane) {
        const uint64_t *x = r->x;
        for (uint32_t b = 0; b < d->n; b++, x += a->group_words) {
            __m256i n = shared_rows(x, w, a->group_words, a->lanes);
            n = _mm256_sll_epi64(n, _mm_cvtsi32_si128((int)(a->plane_bit[p].bit + b)));
            bool negative = a->plane_bit[p].negative != (d->both_signs && b == d->n - 1);
            sum = negative ? _mm256_sub_epi64(sum, n) : _mm256_add_epi64(sum, n);
        }
    }
    return sum;
}

TARGET static inline __m256d to_double(__m256i v)
{
    const __m256d whole = _mm256_set1_pd(two_52);

    return _mm256_sub_pd(
        _mm256_castsi256_pd(_mm256_add_epi64(v, _mm256_castpd_si256(whole))), whole);
}

TARGET static inline __m256i to_whole(__m256d v)
{
    const __m256d whole = _mm256_set1_pd(two_52);

    return _mm256_sub_epi64(_mm256_castpd_si256(_mm256_add_pd(v, whole)),
                            _mm256_castpd_si256(whole));
}

TARGET static inline __m256d nearest(__m256d v)
{
    return _mm256_round_pd(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* Ties that ended at their odd neighbour end at the even one. */
TARGET static inline __m256d to_even(__m256d q, __m256d s, __m256d step, __m256d over_step)
{
    __m256d rest = _mm256_sub_pd(s, _mm256_mul_pd(q, step));
    __m256d twice = _mm256_andnot_pd(_mm256_set1_pd(-0.0), _mm256_add_pd(rest, rest));
    __m256d half = nearest(_mm256_mul_pd(_mm256_mul_pd(s, over_step), _mm256_set1_pd(0.5)));

    return _mm256_blendv_pd(q, _mm256_add_pd(half, half), _mm256_cmp_pd(twice, step, _CMP_EQ_OQ));
}

/* What codes of step 1 differ by. */
TARGET static inline __m256i ends(const struct slice_codes *c, __m256i sum, __m256i *n_clipped)
{
    const __m256i least = _mm256_set1_epi64x(c->least), most = _mm256_set1_epi64x(c->most);
    __m256i below = _mm256_cmpgt_epi64(least, sum), above = _mm256_cmpgt_epi64(sum, most);

    *n_clipped = _mm256_sub_epi64(*n_clipped, _mm256_or_si256(below, above));
    return _mm256_or_si256(_mm256_and_si256(above, _mm256_sub_epi64(most, sum)),
                           _mm256_and_si256(below, _mm256_sub_epi64(least, sum)));
}

/* What codes of other steps differ by. */
TARGET static inline __m256i rounded(const struct slice_codes *c, uint32_t o, __m256i sum,
                                     __m256i *n_clipped)
{
    __m256d s = to_double(sum), over_step = _mm256_loadu_pd(c->over_step + o);
    __m256d step = to_double(_mm256_loadu_si256((const __m256i *)(c->step + o)));
    __m256d code = nearest(_mm256_mul_pd(s, over_step));

    if (c->ties)
        code = to_even(code, s, step, over_step);
    __m256d kept = _mm256_max_pd(_mm256_min_pd(code, _mm256_set1_pd((double)c->most)),
                                 _mm256_set1_pd((double)c->least));
    *n_clipped = _mm256_sub_epi64(*n_clipped, _mm256_castpd_si256(
                     _mm256_cmp_pd(code, kept, _CMP_NEQ_OQ)));
    return to_whole(_mm256_sub_pd(_mm256_mul_pd(kept, step), s));
}

/* A read of slice j of outputs from `o` on. */
TARGET static inline __m256i lane_read(const struct sliced_array *a, uint32_t group,
                                       const struct sliced_read *r, uint32_t j, uint32_t o,
                                       __m256i total, __m256i *n_clipped)
{
    const struct slice_codes *c = sliced_codes(a, j, r->digit);
    const int64_t factor = r->digit->factor * a->layout.slice[j].factor; // a power of 2
    __m256i sum = lane_sums(a, group, r, &a->slice[j], o);
    __m256i differ = c->whole ? ends(c, sum, n_clipped) : rounded(c, o, sum, n_clipped);

    differ = _mm256_sll_epi64(differ, _mm_cvtsi32_si128(__builtin_ctzll((uint64_t)factor)));
    return factor < 0 ? _mm256_sub_epi64(total, differ) : _mm256_add_epi64(total, differ);
}

TARGET static uint64_t group_reads(const struct sliced_array *a, uint32_t group, int64_t *out)
{
    struct sliced_reads r;
    __m256i n_clipped = _mm256_setzero_si256();
    uint64_t of_lane[WIDTH];

    sliced_drive(a, group, &r);
    uint64_t ones_clipped = sliced_all_ones(a, &r, out);
    for (uint32_t o = 0; o < a->lanes; o += WIDTH) {
        __m256i total = _mm256_loadu_si256((const __m256i *)(out + o));
        for (uint32_t j = 0; j < a->layout.n_slice; j++) {
            uint32_t loud = sliced_loud(a, group, j, o);
            for (uint32_t i = 0; r.most_rows >= loud && i < r.n; i++)
                if (r.read[i].rows >= loud)
                    total = lane_read(a, group, &r.read[i], j, o, total, &n_clipped);
        }
        _mm256_storeu_si256((__m256i *)(out + o), total);
    }
    _mm256_storeu_si256((__m256i *)of_lane, n_clipped);
    return ones_clipped + of_lane[0] + of_lane[1] + of_lane[2] + of_lane[3];
}

TARGET static void sums(const struct sliced_array *a, uint32_t group, const struct sliced_read *r,
                        const struct slice_planes *s, uint32_t o, int64_t *sum)
{
    for (uint32_t l = 0; l < SLICED_LANES; l += WIDTH)
        _mm256_storeu_si256((__m256i *)(sum + l), lane_sums(a, group, r, s, o + l));
}

const struct sliced_kernel sliced_avx2 = { planes, group_reads, sums };
#endif
