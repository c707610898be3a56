/* network/values/bits_avx2.c -- see bits.h; AVX2: vpshufb looks 32 bytes of two quads up.
 *
 * Four outputs of two pixels, or eight of one, are in registers at a time, in bytes for as many
 * steps as these hold.
 */
#include "core/simd.h"
#include "network/values/bits.h"

#if SIMD_X86
#include <immintrin.h>

#include "core/util.h"

#define AVX2     __attribute__((target("avx2")))
#define AVX2_INL AVX2 __attribute__((always_inline)) static inline

enum { HALF_LANES = VALUE_LANES / 2, HALF_BYTES = VALUE_BYTES / 2, MOST_PIXELS = 2,
       EIGHT = 2 * VALUE_QUAD, MOST_SUMS = 8, MOST_STEPS = INT8_MAX / VALUE_QUAD };

AVX2_INL __m256i load(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

AVX2_INL void store(void *p, __m256i v)
{
    _mm256_storeu_si256((__m256i *)p, v);
}

/* Numbers of four bits of a quad's lanes, as words: lanes 0 to 3, 8 to 11; 4 to 7, 12 to 15. */
AVX2_INL __m256i quad_words(const uint8_t *quad, uint32_t channels)
{
    const __m256i there = _mm256_set1_epi32((int32_t)channels);
    const __m256i bit = _mm256_set1_epi32(0x08040201), one = _mm256_set1_epi16(1);
    __m256i low = _mm256_and_si256(load(quad), there);
    __m256i high = _mm256_and_si256(load(quad + HALF_BYTES), there);

    return _mm256_packs_epi32(_mm256_madd_epi16(_mm256_maddubs_epi16(low, bit), one),
                              _mm256_madd_epi16(_mm256_maddubs_epi16(high, bit), one));
}

AVX2 static void pack(const struct value_map *m, const uint8_t *pixel, uint32_t n, uint8_t *packed)
{
    const __m256i in_order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);

    for (; n > 0; n--, pixel += m->pixel_bytes)
        for (uint32_t q = 0; q < m->quads; q += VALUE_PAIR_QUADS, packed += VALUE_PAIR_BYTES) {
            const uint8_t *quad = pixel + (size_t)q * VALUE_BYTES;
            __m256i a = quad_words(quad, value_channels(m, q)), b = _mm256_setzero_si256();
            if (q + 1 < m->quads)
                b = quad_words(quad + VALUE_BYTES, value_channels(m, q + 1));
            store(packed, _mm256_permutevar8x32_epi32(_mm256_packus_epi16(a, b), in_order));
        }
}

/* Words of 16 lanes: what both quads add. */
AVX2_INL __m256i widen(__m256i bytes)
{
    return _mm256_add_epi16(_mm256_cvtepi8_epi16(_mm256_castsi256_si128(bytes)),
                            _mm256_cvtepi8_epi16(_mm256_extracti128_si256(bytes, 1)));
}

struct place { // in a patch
    uint32_t run, step;
};

/* sum[] becomes that of as many steps as bytes hold, of n_out outputs of n pixels from *in on. *at
 * and *plus go on. */
AVX2_INL void sum_steps(const struct value_column *c, const uint8_t *in, struct place *at,
                        const uint32_t **plus, const uint32_t n_out, const uint32_t n,
                        __m256i *sum)
{
    const uint32_t apart = c->quads * VALUE_QUAD;
    const uint32_t *w = *plus;
    __m256i acc[MOST_SUMS];
    uint32_t left = MOST_STEPS;

#pragma GCC unroll 8
    for (uint32_t i = 0; i < n * n_out; i++)
        acc[i] = _mm256_setzero_si256();
    while (left > 0 && at->run < c->n_run) {
        const uint8_t *x = in + c->run[at->run] + (size_t)at->step * VALUE_PAIR_BYTES;
        uint32_t steps = min_u32(left, c->steps - at->step);
        left -= steps;
        at->step += steps;
        if (at->step == c->steps)
            *at = (struct place){ at->run + 1, 0 };
        for (; steps > 0; steps--, x += VALUE_PAIR_BYTES, w += apart)
#pragma GCC unroll 8
            for (uint32_t o = 0; o < n_out; o++) {
                const __m256i table = load((const uint8_t *)value_pairs + w[o]);
#pragma GCC unroll 2
                for (uint32_t p = 0; p < n; p++)
                    acc[p * n_out + o] = _mm256_add_epi8(
                        acc[p * n_out + o],
                        _mm256_shuffle_epi8(table, load(x + p * c->in_step)));
            }
    }
    *plus = w;
#pragma GCC unroll 8
    for (uint32_t i = 0; i < n * n_out; i++)
        sum[i] = widen(acc[i]);
}

/* Four outputs of a pixel, of words, become values. */
AVX2_INL void two_values(const struct value_scale *s, const int16_t *above, const __m256i *sum,
                         uint8_t *out)
{
    const __m256i low = _mm256_set1_epi8((char)s->low);
    __m256i bit[VALUE_QUAD];

#pragma GCC unroll 4
    for (uint32_t o = 0; o < VALUE_QUAD; o++)
        bit[o] = _mm256_and_si256(
            _mm256_cmpgt_epi16(sum[o], _mm256_set1_epi16(above[o])),
            _mm256_set1_epi16(o % 2 ? 1 << 8 : 1));
    __m256i first = _mm256_add_epi8(_mm256_or_si256(bit[0], bit[1]), low);
    __m256i second = _mm256_add_epi8(_mm256_or_si256(bit[2], bit[3]), low);
    __m256i even = _mm256_unpacklo_epi16(first, second); // lanes 0 to 3, 8 to 11
    __m256i odd = _mm256_unpackhi_epi16(first, second);
    store(out, _mm256_permute2x128_si256(even, odd, 0x20));
    store(out + HALF_BYTES, _mm256_permute2x128_si256(even, odd, 0x31));
}

AVX2_INL void store_sums(const int32_t *start, const __m256i *sum, int32_t *to)
{
    for (uint32_t o = 0; o < VALUE_QUAD; o++, to += VALUE_LANES) {
        const __m256i first = _mm256_set1_epi32(start[o]);
        __m256i low = _mm256_cvtepi16_epi32(_mm256_castsi256_si128(sum[o]));
        __m256i high = _mm256_cvtepi16_epi32(_mm256_extracti128_si256(sum[o], 1));
        store(to, _mm256_add_epi32(low, first));
        store(to + HALF_LANES, _mm256_add_epi32(high, first));
    }
}

/* n_out outputs, from o on, of n neighbouring pixels from pixel `at` of the column on. */
AVX2_INL void tile(const struct value_bit_column *b, uint32_t at, uint32_t o,
                   const uint32_t n_out, const uint32_t n)
{
    const struct value_column *c = b->column;
    const uint8_t *in = c->in + at * c->in_step;
    const uint32_t outputs = c->quads * VALUE_QUAD, *plus = b->plus + o;
    struct place place = { 0, 0 };
    __m256i sum[MOST_SUMS];

    sum_steps(c, in, &place, &plus, n_out, n, sum);
    while (place.run < c->n_run) {
        __m256i more[MOST_SUMS];
        sum_steps(c, in, &place, &plus, n_out, n, more);
#pragma GCC unroll 8
        for (uint32_t i = 0; i < n * n_out; i++)
            sum[i] = _mm256_add_epi16(sum[i], more[i]);
    }
#pragma GCC unroll 2
    for (uint32_t i = 0; i < n * n_out; i += VALUE_QUAD) {
        const uint32_t p = at + i / n_out, k = o + i % n_out;
        if (b->above)
            two_values(c->scale, b->above + k, sum + i,
                       c->out + p * c->out_step + k / VALUE_QUAD * VALUE_BYTES);
        else
            store_sums(c->start + k, sum + i, c->sums + ((size_t)p * outputs + k) * VALUE_LANES);
    }
}

AVX2 static void column(const struct value_bit_column *b)
{
    const uint32_t n = b->column->n, pairs = n - n % MOST_PIXELS;
    const uint32_t outputs = b->column->quads * VALUE_QUAD;
    uint32_t o = 0;

    for (; pairs > 0 && o < outputs; o += VALUE_QUAD)
        for (uint32_t i = 0; i < pairs; i += MOST_PIXELS)
            tile(b, i, o, VALUE_QUAD, MOST_PIXELS);
    for (o = 0; pairs < n && o + EIGHT <= outputs; o += EIGHT)
        tile(b, pairs, o, EIGHT, 1);
    if (pairs < n && o < outputs)
        tile(b, pairs, o, VALUE_QUAD, 1);
}

const struct value_counter value_counter_avx2 = { VALUE_PAIR_QUADS, VALUE_PAIR_BYTES,
                                                  VALUE_PAIR_OUTPUTS, value_place_pairs, pack, NULL,
                                                  column };
#endif
