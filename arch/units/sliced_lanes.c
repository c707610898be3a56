/* arch/units/sliced_lanes.c -- see sliced_lanes.h; plain C, what the other kernels mean. */
#include "arch/units/sliced_lanes.h"

#include <math.h>
#include <string.h>

#include "core/simd.h"

const struct sliced_lanes_kernel *sliced_lanes_kernel(const char *name)
{
    static const struct sliced_lanes_kernel *const kernels[N_SIMD] = {
#if SIMD_X86
        [SIMD_AVX512VNNI] = &sliced_lanes_avx512,
        [SIMD_AVX2]       = &sliced_lanes_avx2,
#endif
        [SIMD_PORTABLE]   = &sliced_lanes_portable,
    };
    enum simd simd = simd_find(name);

    return simd < N_SIMD ? kernels[simd] : NULL;
}

/* Swaps what the mask says with what is `by` bits above it. */
static inline uint64_t swap(uint64_t v, uint64_t mask, unsigned by)
{
    uint64_t other = (v ^ v >> by) & mask;

    return v ^ other ^ other << by;
}

/* Bit b of byte r becomes bit r of byte b. */
static inline uint64_t transposed(uint64_t v)
{
    v = swap(v, UINT64_C(0x00aa00aa00aa00aa), 7);
    v = swap(v, UINT64_C(0x0000cccc0000cccc), 14);
    return swap(v, UINT64_C(0x00000000f0f0f0f0), 28);
}

static void index_quads(const uint8_t *a, const uint8_t *b, uint8_t flip, uint8_t *to)
{
    const uint64_t low = UINT64_C(0x0f0f0f0f0f0f0f0f);

    for (uint32_t i = 0; i < SLICED_LANES_IMAGES; i++, to += SLICED_LANES_BITS) {
        uint32_t four[2] = { 0 };
        memcpy(&four[0], a + (size_t)i * SLICED_LANES_QUAD, SLICED_LANES_QUAD);
        if (b)
            memcpy(&four[1], b + (size_t)i * SLICED_LANES_QUAD, SLICED_LANES_QUAD);
        uint64_t rows = transposed((four[0] | (uint64_t)four[1] << 32) ^
                                   flip * UINT64_C(0x0101010101010101));
        const uint64_t first = rows & low, second = rows >> 4 & low;
        memcpy(to, &first, sizeof first);
        memcpy(to + SLICED_LANES_INDEX, &second, sizeof second);
    }
}

static void by_bits(const uint8_t *index, uint8_t *to)
{
    for (uint32_t i = 0; i < SLICED_LANES_IMAGES; i++)
        for (uint32_t b = 0; b < SLICED_LANES_BITS; b++)
            to[b * SLICED_LANES_IMAGES + i] = index[i * SLICED_LANES_BITS + b];
}

static void tables(const uint8_t *digit, uint32_t n, uint8_t *table)
{
    for (uint32_t i = 0; i < n; i++, digit += SLICED_LANES_QUAD)
        for (uint32_t on = 0; on < SLICED_LANES_TABLE; on++, table++) {
            *table = 0;
            for (uint32_t r = 0; r < SLICED_LANES_QUAD; r++)
                *table = (uint8_t)(*table + (on >> r & 1) * digit[r]);
        }
}

/* Sums of a slice in a pixel: of every image and bit. */
static void count(const uint8_t *index, const uint8_t *table, uint32_t quads, uint8_t *sum)
{
    memset(sum, 0, SLICED_LANES_INDEX);
    for (uint32_t q = 0; q < quads; q++, table += SLICED_LANES_TABLE)
        for (uint32_t i = 0; i < SLICED_LANES_INDEX; i++) {
            uint32_t more = sum[i] + (uint32_t)table[*index++];
            sum[i] = more > UINT8_MAX ? UINT8_MAX : (uint8_t)more;
        }
}

/* Adds the codes of those sums, times their factors. */
static uint64_t convert(const struct sliced_lanes_column *c, const uint8_t *sum, int32_t factor,
                        int32_t *out)
{
    uint64_t n_clipped = 0;

    for (uint32_t i = 0; i < c->n_image; i++)
        for (uint32_t b = 0; b < SLICED_LANES_BITS; b++, sum++) {
            bool top = b == SLICED_LANES_BITS - 1, clips = *sum > c->most;
            int32_t code = clips ? c->most : *sum, weight = factor * (1 << b);
            n_clipped += !clips ? 0 : top ? c->times : 1;
            out[i] += (top && c->is_signed ? -weight : weight) * code;
        }
    return n_clipped;
}

static uint64_t column(const struct sliced_lanes_column *c)
{
    uint8_t sum[SLICED_LANES_INDEX];
    uint64_t n_clipped = 0;

    for (uint32_t p = 0; p < c->n; p++)
        for (uint32_t j = 0; j < c->n_slice; j++) {
            count(c->index + (size_t)p * c->quads * SLICED_LANES_INDEX,
                  c->table + (size_t)j * c->table_quads * SLICED_LANES_TABLE, c->quads, sum);
            n_clipped += convert(c, sum, c->factor[j], c->sum + p * c->sum_apart);
        }
    return n_clipped;
}

/* Codes of a slice in a pixel, whose sums are sum[bit][image]. */
static uint64_t convert_any(const struct sliced_lanes_codes *c, const uint32_t *sum, uint32_t slice,
                            int32_t *out)
{
    uint64_t n_clipped = 0;

    for (uint32_t k = 0; k < c->n_digit; k++) {
        const struct sliced_lanes_digit *d = &c->digit[k];
        const struct sliced_lanes_code *to = &c->code[slice * c->n_digit + k];
        for (uint32_t i = 0; i < c->n_image; i++) {
            int32_t s = 0;
            for (uint32_t b = 0; b < d->n; b++)
                s += d->weight[b] * (int32_t)sum[(d->first + b) * SLICED_LANES_IMAGES + i];
            int32_t code = (int32_t)lrintf((float)s / to->step); // ties to even
            n_clipped += code < to->least || code > to->most;
            code = code < to->least ? to->least : code > to->most ? to->most : code;
            out[i] += to->factor * code;
        }
    }
    return n_clipped;
}

static uint64_t codes(const struct sliced_lanes_codes *c)
{
    uint32_t sum[SLICED_LANES_INDEX];
    uint64_t n_clipped = 0;

    for (uint32_t p = 0; p < c->n; p++)
        for (uint32_t j = 0; j < c->n_slice; j++) {
            const uint8_t *index = c->index + (size_t)p * c->quads * SLICED_LANES_INDEX;
            const uint8_t *table = c->table + (size_t)j * c->table_quads * SLICED_LANES_TABLE;
            memset(sum, 0, sizeof sum);
            for (uint32_t q = 0; q < c->quads; q++, table += SLICED_LANES_TABLE)
                for (uint32_t i = 0; i < SLICED_LANES_INDEX; i++)
                    sum[i] += table[*index++];
            n_clipped += convert_any(c, sum, j, c->sum + p * c->sum_apart);
        }
    return n_clipped;
}

const struct sliced_lanes_kernel sliced_lanes_portable = { index_quads, by_bits, tables, column,
                                                           codes };
