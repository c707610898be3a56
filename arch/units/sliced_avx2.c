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

TARGET static void planes(const uint16_t *x, uint32_t n, uint32_t n_bit, uint32_t words,
                          uint64_t *word)
{
    for (uint32_t k = 0; k < words; k++) {
        uint32_t first = SLICED_WORD_ROWS * k;
        uint16_t in[SLICED_WORD_ROWS] = { 0 };
        if (n > first)
            memcpy(in, x + first, (n - first < SLICED_WORD_ROWS ? n - first : SLICED_WORD_ROWS) *
                                      sizeof *in);
        for (uint32_t b = 0; b < n_bit; b++) {
            const __m128i up = _mm_cvtsi32_si128(15 - (int)b); // the bit becomes a sign
            uint64_t bits = 0;
            for (uint32_t i = 0; i < SLICED_WORD_ROWS; i += 32) {
                const __m256i *at = (const __m256i *)(in + i);
                __m256i low = _mm256_srai_epi16(_mm256_sll_epi16(_mm256_loadu_si256(at), up), 15);
                __m256i high = _mm256_srai_epi16(_mm256_sll_epi16(_mm256_loadu_si256(at + 1), up),
                                                 15);
                __m256i both = _mm256_permute4x64_epi64(_mm256_packs_epi16(low, high), 0xd8);
                bits |= (uint64_t)(uint32_t)_mm256_movemask_epi8(both) << i;
            }
            word[(size_t)b * words + k] = bits;
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
                                       const struct sliced_digit *d, const struct slice_planes *s,
                                       uint32_t o)
{
    const uint64_t *w = sliced_plane(a, group, s->first) + o;
    size_t plane = (size_t)a->group_words * a->lanes;
    __m256i sum = _mm256_setzero_si256();

    for (uint32_t p = s->first; p < s->first + s->n; p++, w += plane) {
        const uint64_t *x = sliced_input(a, group, d->first);
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

TARGET static inline __m256i to_code(const struct slice_codes *c, uint32_t o, __m256i sum)
{
    if (c->whole)
        return sum;
    __m256d s = to_double(sum), over_step = _mm256_loadu_pd(c->over_step + o);
    __m256d q = nearest(_mm256_mul_pd(s, over_step));

    if (c->ties)
        q = to_even(q, s, to_double(_mm256_loadu_si256((const __m256i *)(c->step + o))),
                    over_step);
    return to_whole(q);
}

/* The low 64 bits of products. */
TARGET static inline __m256i product(__m256i a, __m256i b)
{
    __m256i cross = _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(a, 32), b),
                                     _mm256_mul_epu32(a, _mm256_srli_epi64(b, 32)));

    return _mm256_add_epi64(_mm256_mul_epu32(a, b), _mm256_slli_epi64(cross, 32));
}

/* Outputs from `o` on. */
TARGET static inline __m256i lane_reads(const struct sliced_array *a, uint32_t group,
                                        const struct sliced_digit *d, uint32_t o, __m256i total,
                                        __m256i *n_clipped)
{
    for (uint32_t j = 0; j < a->layout.n_slice; j++) {
        const struct slice_codes *c = sliced_codes(a, j, d);
        const __m256i least = _mm256_set1_epi64x(c->least), most = _mm256_set1_epi64x(c->most);
        __m256i code = to_code(c, o, lane_sums(a, group, d, &a->slice[j], o));
        __m256i below = _mm256_cmpgt_epi64(least, code), above = _mm256_cmpgt_epi64(code, most);
        __m256i weight = _mm256_set1_epi64x(d->factor * a->layout.slice[j].factor);

        *n_clipped = _mm256_sub_epi64(*n_clipped, _mm256_or_si256(below, above));
        code = _mm256_blendv_epi8(_mm256_blendv_epi8(code, most, above), least, below);
        if (!c->whole)
            weight = product(weight, _mm256_loadu_si256((const __m256i *)(c->step + o)));
        total = _mm256_add_epi64(total, product(code, weight));
    }
    return total;
}

TARGET static uint64_t group_reads(const struct sliced_array *a, uint32_t group, int64_t *out)
{
    bool silent[SLICED_MOST_INPUT_BITS] = { false };
    uint64_t ones_clipped = 0;
    int64_t of_ones = 0;
    __m256i n_clipped = _mm256_setzero_si256();
    uint64_t of_lane[WIDTH];

    for (uint32_t i = 0; i < a->n_digit; i++)
        silent[i] = sliced_is_silent(a, group, &a->digit[i]);
    for (uint32_t i = 0; a->layout.ones != 0 && i < a->n_digit; i++)
        if (!silent[i])
            of_ones += sliced_ones(a, group, &a->digit[i], &ones_clipped);
    for (uint32_t o = 0; o < a->lanes; o += WIDTH) {
        __m256i total = _mm256_add_epi64(_mm256_loadu_si256((const __m256i *)(out + o)),
                                         _mm256_set1_epi64x(of_ones));
        for (uint32_t i = 0; i < a->n_digit; i++)
            if (!silent[i])
                total = lane_reads(a, group, &a->digit[i], o, total, &n_clipped);
        _mm256_storeu_si256((__m256i *)(out + o), total);
    }
    _mm256_storeu_si256((__m256i *)of_lane, n_clipped);
    return ones_clipped + of_lane[0] + of_lane[1] + of_lane[2] + of_lane[3];
}

const struct sliced_kernel sliced_avx2 = { planes, group_reads };
#endif
