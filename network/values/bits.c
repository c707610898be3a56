/* network/values/bits.c -- see bits.h; plain C. */
#include "network/values/bits.h"

#include <assert.h>

#include "core/simd.h"
#include "core/util.h"

/* Of weights w and channels x: as many as are 1 by +1, less those by -1. */
#define BIT(v, c)  ((v) >> (c)&1)
#define ONE(w, x, c) (BIT(x, c) * (2 * BIT(w, c) - 1))
#define SUM(w, x)  (ONE(w, x, 0) + ONE(w, x, 1) + ONE(w, x, 2) + ONE(w, x, 3))
#define FOUR(w, x) SUM(w, x), SUM(w, (x) + 1), SUM(w, (x) + 2), SUM(w, (x) + 3)
#define TABLE(w)   { FOUR(w, 0), FOUR(w, 4), FOUR(w, 8), FOUR(w, 12) }
#define PAIR(v, w) { TABLE(v), TABLE(w) }
#define PAIRS(w)                                                                                   \
    PAIR(0, w), PAIR(1, w), PAIR(2, w), PAIR(3, w), PAIR(4, w), PAIR(5, w), PAIR(6, w),            \
        PAIR(7, w), PAIR(8, w), PAIR(9, w), PAIR(10, w), PAIR(11, w), PAIR(12, w), PAIR(13, w),    \
        PAIR(14, w), PAIR(15, w)

_Alignas(64) const int8_t value_pairs[VALUE_PAIR_WEIGHTS][VALUE_PAIR_QUADS][1 << VALUE_QUAD] = {
    PAIRS(0), PAIRS(1), PAIRS(2),  PAIRS(3),  PAIRS(4),  PAIRS(5),  PAIRS(6),  PAIRS(7),
    PAIRS(8), PAIRS(9), PAIRS(10), PAIRS(11), PAIRS(12), PAIRS(13), PAIRS(14), PAIRS(15),
};

struct value_bit_place value_place_pairs(uint32_t positions, uint32_t quads, uint32_t position,
                                         uint32_t channel)
{
    uint32_t steps = (uint32_t)ceil_div(quads, VALUE_PAIR_QUADS), quad = channel / VALUE_QUAD;

    static_assert(sizeof value_pairs[0] == 1 << VALUE_PAIR_BIT, "where tables begin");
    (void)positions;
    return (struct value_bit_place){
        .word = position * steps + quad / VALUE_PAIR_QUADS,
        .bit = VALUE_PAIR_BIT + quad % VALUE_PAIR_QUADS * VALUE_QUAD + channel % VALUE_QUAD };
}

static void pack_quad(const uint8_t *quad, uint32_t channels, uint8_t *to)
{
    for (uint32_t lane = 0; lane < VALUE_LANES; lane++, quad += VALUE_QUAD) {
        to[lane] = 0;
        for (uint32_t c = 0; c < VALUE_QUAD; c++)
            to[lane] |= (uint8_t)((quad[c] & channels >> 8 * c & 1) << c);
    }
}

static void pack(const struct value_map *m, const uint8_t *pixel, uint32_t n, uint8_t *packed)
{
    for (; n > 0; n--, pixel += m->pixel_bytes)
        for (uint32_t q = 0; q < round_up(m->quads, VALUE_PAIR_QUADS); q++, packed += VALUE_LANES)
            pack_quad(pixel + (size_t)min_u32(q, m->quads - 1) * VALUE_BYTES,
                      q < m->quads ? value_channels(m, q) : 0, packed);
}

/* What an output sees, of all lanes. */
static void count(const struct value_column *c, const uint8_t *in, const uint32_t *plus,
                  uint32_t apart, int32_t *sum)
{
    for (uint32_t r = 0; r < c->n_run; r++) {
        const uint8_t *x = in + c->run[r];
        for (uint32_t s = c->steps; s > 0; s--, plus += apart)
            for (uint32_t q = 0; q < VALUE_PAIR_QUADS; q++, x += VALUE_LANES) {
                const int8_t *table = value_pairs[*plus >> VALUE_PAIR_BIT][q];
                for (uint32_t lane = 0; lane < VALUE_LANES; lane++)
                    sum[lane] += table[x[lane]];
            }
    }
}

static void column(const struct value_bit_column *b)
{
    const struct value_column *c = b->column;
    uint32_t outputs = c->quads * VALUE_QUAD;

    for (uint32_t i = 0; i < c->n; i++)
        for (uint32_t o = 0; o < outputs; o++) {
            uint8_t *out = c->out + i * c->out_step + o / VALUE_QUAD * VALUE_BYTES + o % VALUE_QUAD;
            int32_t sum[VALUE_LANES] = { 0 };
            count(c, c->in + i * c->in_step, b->plus + o, outputs, sum);
            for (uint32_t lane = 0; lane < VALUE_LANES; lane++)
                if (!b->above)
                    c->sums[(i * outputs + o) * VALUE_LANES + lane] = c->start[o] + sum[lane];
                else
                    out[lane * VALUE_QUAD] =
                        sum[lane] > b->above[o] ? c->scale->high : c->scale->low;
        }
}

const struct value_counter value_counter_pairs = { VALUE_PAIR_QUADS, VALUE_PAIR_BYTES,
                                                   VALUE_PAIR_OUTPUTS, value_place_pairs, pack,
                                                   NULL, column };

const struct value_counter *value_counter_of(const struct value_kernel *k)
{
#if SIMD_X86
    if (k == &value_avx512vnni && __builtin_cpu_supports("avx512vpopcntdq"))
        return &value_counter_words;
    if (k != &value_portable)
        return &value_counter_avx2;
#endif
    (void)k;
    return &value_counter_pairs;
}
