/* arch/units/sliced_portable.c -- see sliced_kernel.h; plain C, what the other kernels mean. */
#include <string.h>

#include "arch/units/sliced_kernel.h"

static void planes(const uint8_t *x, uint32_t n, uint32_t n_bit, uint32_t words, uint64_t *word)
{
    memset(word, 0, (size_t)n_bit * words * sizeof *word);
    for (uint32_t r = 0; r < n; r++)
        for (uint32_t b = 0; x[r] != 0 && b < n_bit; b++)
            word[(size_t)b * words + r / SLICED_WORD_ROWS] |=
                (uint64_t)(x[r] >> b & 1) << r % SLICED_WORD_ROWS;
}

/* Bits that are 1; a machine of whatever instruction set. */
static inline uint64_t ones_of(uint64_t v)
{
    v -= v >> 1 & UINT64_C(0x5555555555555555);
    v = (v & UINT64_C(0x3333333333333333)) + (v >> 2 & UINT64_C(0x3333333333333333));
    v = (v + (v >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return v * UINT64_C(0x0101010101010101) >> 56;
}

/* Sums of the outputs from `o` on, of which there are SLICED_LANES. */
static void lane_sums(const struct sliced_array *a, uint32_t group, const struct sliced_read *r,
                      const struct slice_planes *s, uint32_t o, int64_t *sum)
{
    const struct sliced_digit *d = r->digit;

    for (uint32_t l = 0; l < SLICED_LANES; l++)
        sum[l] = 0;
    for (uint32_t p = s->first; p < s->first + s->n; p++)
        for (uint32_t b = 0; b < d->n; b++) {
            const uint64_t *x = r->x + b * a->group_words;
            const uint64_t *w = sliced_plane(a, group, p) + o;
            uint64_t n[SLICED_LANES] = { 0 };
            for (uint32_t k = 0; k < a->group_words; k++, w += a->lanes)
                for (uint32_t l = 0; l < SLICED_LANES; l++)
                    n[l] += ones_of(x[k] & w[l]);
            bool negative = a->plane_bit[p].negative != (d->both_signs && b == d->n - 1);
            for (uint32_t l = 0; l < SLICED_LANES; l++) {
                int64_t weighted = (int64_t)(n[l] << (a->plane_bit[p].bit + b));
                sum[l] += negative ? -weighted : weighted;
            }
        }
}

/* A read of slice j of outputs from `o` on, of which there are SLICED_LANES. */
static uint64_t lane_read(const struct sliced_array *a, uint32_t group,
                          const struct sliced_read *r, uint32_t j, uint32_t o, int64_t *out)
{
    const struct slice_codes *c = sliced_codes(a, j, r->digit);
    int64_t factor = r->digit->factor * a->layout.slice[j].factor, sum[SLICED_LANES];
    uint64_t n_clipped = 0;

    lane_sums(a, group, r, &a->slice[j], o, sum);
    for (uint32_t l = 0; l < SLICED_LANES; l++) {
        int64_t step = c->step[o + l];
        int64_t code = c->whole ? sum[l] : sliced_quotient(sum[l], step, c->over_step[o + l]);
        int64_t kept = code < c->least ? c->least : code > c->most ? c->most : code;
        n_clipped += code != kept;
        out[l] += factor * (step * kept - sum[l]);
    }
    return n_clipped;
}

static uint64_t group_reads(const struct sliced_array *a, uint32_t group, int64_t *out)
{
    struct sliced_reads r;

    sliced_drive(a, group, &r);
    uint64_t n_clipped = sliced_all_ones(a, &r, out);
    for (uint32_t o = 0; o < a->lanes; o += SLICED_LANES)
        for (uint32_t j = 0; j < a->layout.n_slice; j++) {
            uint32_t loud = sliced_loud(a, group, j, o);
            for (uint32_t i = 0; r.most_rows >= loud && i < r.n; i++)
                if (r.read[i].rows >= loud)
                    n_clipped += lane_read(a, group, &r.read[i], j, o, out + o);
        }
    return n_clipped;
}

const struct sliced_kernel sliced_portable = { planes, group_reads, lane_sums };
