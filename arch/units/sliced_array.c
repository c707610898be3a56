/* arch/units/sliced_array.c -- see sliced_array.h; kernels, see sliced_kernel.h. */
#include "arch/units/sliced_array.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/simd.h"
#include "arch/units/sliced_kernel.h"
#include "core/util.h"

enum { BYTE_BITS = 8 };

static const struct sliced_kernel *find_kernel(const char *name)
{
    enum simd simd = simd_find(name);

#if SIMD_X86
    if (simd == SIMD_AVX512VNNI && __builtin_cpu_supports("avx512vpopcntdq"))
        return &sliced_avx512;
    if (simd == SIMD_AVX512VNNI || simd == SIMD_AVX2)
        return &sliced_avx2;
#endif
    return simd == N_SIMD ? NULL : &sliced_portable;
}

static uint8_t bits_of(int32_t magnitude)
{
    uint8_t n = 0;

    while (magnitude >> n)
        n++;
    return n;
}

/* Planes of a slice: the bits of a digit, those of a negative digit's magnitude behind them. */
static void lay_out_planes(struct sliced_array *a)
{
    for (uint32_t j = 0; j < a->layout.n_slice; j++) {
        const struct cell_slice *s = &a->layout.slice[j];

        a->slice[j].first = a->n_plane;
        for (uint8_t b = 0; b < bits_of(s->most); b++)
            a->plane_bit[a->n_plane++] = (struct plane_bit){ b, false };
        for (uint8_t b = 0; b < bits_of(-s->least); b++)
            a->plane_bit[a->n_plane++] = (struct plane_bit){ b, true };
        a->slice[j].n = a->n_plane - a->slice[j].first;
    }
}

static void lay_out_digits(struct sliced_array *a)
{
    const struct sliced_array_cfg *c = &a->cfg;

    for (uint32_t first = 0; first < c->input_bits; first += c->input_slice_bits) {
        uint32_t n = min_u32(c->input_slice_bits, c->input_bits - first);
        bool top = c->input_signed && first + n == c->input_bits;
        a->digit[a->n_digit++] = (struct sliced_digit){
            .first = first, .n = n, .both_signs = top && n > 1,
            .factor = top && n == 1 ? -(INT64_C(1) << first) : INT64_C(1) << first,
        };
    }
}

/* ---- codes ---- */

static struct converter converter_at(const struct sliced_array *a, uint32_t j, uint32_t output,
                                     bool both_signs)
{
    return a->cfg.converter ? a->cfg.converter(a->cfg.user, j, output, both_signs)
                            : converter_exact();
}

static bool is_power_of_2(int64_t n)
{
    return (n & (n - 1)) == 0;
}

static bool init_codes(const struct sliced_array *a, uint32_t j, bool both_signs,
                       struct slice_codes *s)
{
    struct converter c = converter_at(a, j, 0, both_signs);

    *s = (struct slice_codes){
        .least = c.least, .most = c.most, .whole = true,
        .step = calloc(a->lanes, sizeof *s->step),
        .over_step = calloc(a->lanes, sizeof *s->over_step),
    };
    for (uint32_t o = 0; s->step && s->over_step && o < a->lanes; o++) {
        if (o < a->cfg.outputs)
            c = converter_at(a, j, o, both_signs);
        assert(c.least == s->least && c.most == s->most);
        s->step[o] = c.step;
        s->over_step[o] = 1.0 / (double)c.step;
        s->whole &= c.step == 1;
        s->ties |= c.step % 2 == 0 && !is_power_of_2(c.step);
    }
    return s->step && s->over_step;
}

static bool init_converters(struct sliced_array *a)
{
    bool done = true;

    for (uint32_t j = 0; done && j < a->layout.n_slice; j++)
        done = init_codes(a, j, false, &a->from_zero[j]) &&
               init_codes(a, j, true, &a->both_signs[j]);
    for (int i = 0; i < 2; i++) {
        a->ones[i] = converter_at(a, a->layout.n_slice, 0, i != 0);
        a->ones_over_step[i] = 1.0 / (double)a->ones[i].step;
    }
    return done;
}

/* ---- weights ---- */

static void program_weight(struct sliced_array *a, uint32_t row, uint32_t o, int32_t weight)
{
    uint32_t group = row / a->cfg.rows_at_once, at = row % a->cfg.rows_at_once;
    size_t word = (size_t)(at / SLICED_WORD_ROWS) * a->lanes + o;
    uint64_t *plane = a->plane + (size_t)group * a->n_plane * a->group_words * a->lanes;

    for (uint32_t j = 0; j < a->layout.n_slice; j++) {
        int32_t digit = a->cfg.cell->digit(&a->cfg.weights, j, weight);
        for (uint32_t p = a->slice[j].first; p < a->slice[j].first + a->slice[j].n; p++) {
            const struct plane_bit *b = &a->plane_bit[p];
            if ((digit < 0) == b->negative && (abs(digit) >> b->bit & 1))
                plane[(size_t)p * a->group_words * a->lanes + word] |=
                    UINT64_C(1) << at % SLICED_WORD_ROWS;
        }
    }
}

/* ---- which reads have to be read ---- */

static uint32_t ones_of(uint64_t word)
{
    return (uint32_t)__builtin_popcountll(word);
}

/* on[]: devices of output o that are on in each plane of slice j. */
static void count_devices(const struct sliced_array *a, uint32_t group, uint32_t j, uint32_t o,
                          uint32_t *on)
{
    const uint64_t *w = sliced_plane(a, group, a->slice[j].first) + o;

    for (uint32_t p = 0; p < a->slice[j].n; p++) {
        on[p] = 0;
        for (uint32_t k = 0; k < a->group_words; k++, w += a->lanes)
            on[p] += ones_of(*w);
    }
}

/* Sums that a read of so many rows can come to in slice j, of a digit of the inputs. */
static void find_sums(const struct sliced_array *a, uint32_t j, const uint32_t *on, uint32_t rows,
                      const struct sliced_digit *d, int64_t *least, int64_t *most)
{
    int64_t most_x = (INT64_C(1) << d->n) - 1, up = 0, down = 0;

    for (uint32_t p = 0; p < a->slice[j].n; p++) {
        const struct plane_bit *b = &a->plane_bit[a->slice[j].first + p];
        *(b->negative ? &down : &up) += (int64_t)min_u32(rows, on[p]) << b->bit;
    }
    *least = -most_x * (down + (d->both_signs ? up : 0));
    *most = most_x * (up + (d->both_signs ? down : 0));
}

/* Whether codes of output o can differ from their sums in a read that drives so many rows. Notes
 * whether one can be clipped. */
static bool can_differ(struct sliced_array *a, uint32_t j, uint32_t o, const uint32_t *on,
                       uint32_t rows)
{
    bool differs = false;

    for (uint32_t i = 0; i < a->n_digit; i++) {
        const struct sliced_digit *d = &a->digit[i];
        struct slice_codes *c = d->both_signs || a->layout.slice[j].least < 0 ? &a->both_signs[j]
                                                                              : &a->from_zero[j];
        const struct converter of_output = { c->step[o], c->least, c->most };
        int64_t least, most;
        find_sums(a, j, on, rows, d, &least, &most);
        c->clips |= converter_clips(&of_output, least) || converter_clips(&of_output, most);
        differs |= !converter_passes(&of_output, least, most);
    }
    return differs;
}

/* Least rows with which a code of an output can differ; UINT32_MAX: it never does. */
static uint32_t loud_from(struct sliced_array *a, uint32_t group, uint32_t j, uint32_t o)
{
    uint32_t on[SLICED_MOST_PLANES], low = 1, high = a->cfg.rows_at_once;

    count_devices(a, group, j, o, on);
    if (!can_differ(a, j, o, on, high))
        return UINT32_MAX;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (can_differ(a, j, o, on, middle))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void find_loud(struct sliced_array *a)
{
    uint32_t *loud = a->loud;

    for (uint32_t group = 0; group < a->n_group; group++)
        for (uint32_t j = 0; j < a->layout.n_slice; j++)
            for (uint32_t o = 0; o < a->lanes; o += SLICED_LANES, loud++) {
                *loud = UINT32_MAX;
                for (uint32_t l = o; l < min_u32(o + SLICED_LANES, a->cfg.outputs); l++)
                    *loud = min_u32(*loud, loud_from(a, group, j, l));
            }
}

bool sliced_array_init(struct sliced_array *a, const struct sliced_array_cfg *cfg,
                       const int32_t *weight, const char *kernel_name)
{
    struct err_msg m;

    assert(cfg->rows >= 1 && cfg->outputs >= 1);
    assert(cfg->input_bits >= 1 && cfg->input_bits <= SLICED_MOST_INPUT_BITS);
    assert(cfg->input_slice_bits >= 1 && cfg->input_slice_bits <= cfg->input_bits);
    assert(cfg->rows_at_once >= 1 && cfg->rows_at_once <= cfg->rows);
    *a = (struct sliced_array){ .cfg = *cfg, .kernel = find_kernel(kernel_name) };
    if (!a->kernel || cell_layout(cfg->cell, &cfg->weights, &a->layout, &m)) {
        *a = (struct sliced_array){ 0 };
        return false;
    }
    a->n_group = (uint32_t)ceil_div(cfg->rows, cfg->rows_at_once);
    a->group_words = (uint32_t)ceil_div(cfg->rows_at_once, SLICED_WORD_ROWS);
    a->lanes = (uint32_t)round_up(cfg->outputs, SLICED_LANES);
    lay_out_planes(a);
    lay_out_digits(a);
    a->plane = calloc((size_t)a->n_group * a->n_plane * a->group_words * a->lanes,
                      sizeof *a->plane);
    a->loud = calloc((size_t)a->n_group * a->layout.n_slice * (a->lanes / SLICED_LANES),
                     sizeof *a->loud);
    a->input = calloc((size_t)a->n_group * cfg->input_bits * a->group_words, sizeof *a->input);
    a->byte = calloc(cfg->rows, 2);
    a->differ = calloc(a->lanes, sizeof *a->differ);
    if (!a->plane || !a->loud || !a->input || !a->byte || !a->differ || !init_converters(a)) {
        sliced_array_release(a);
        return false;
    }
    for (uint32_t r = 0; r < cfg->rows; r++)
        for (uint32_t o = 0; o < cfg->outputs; o++)
            program_weight(a, r, o, weight[(size_t)r * cfg->outputs + o]);
    find_loud(a);
    return true;
}

void sliced_array_release(struct sliced_array *a)
{
    for (uint32_t j = 0; j < a->layout.n_slice; j++) {
        free(a->from_zero[j].step);
        free(a->from_zero[j].over_step);
        free(a->both_signs[j].step);
        free(a->both_signs[j].over_step);
    }
    free(a->plane);
    free(a->loud);
    free(a->input);
    free(a->byte);
    free(a->differ);
    *a = (struct sliced_array){ 0 };
}

/* ---- products ---- */

/* Bit planes of a byte of each input: bits from `first` on. */
static void load_bytes(struct sliced_array *a, const uint8_t *x, uint32_t first)
{
    const struct sliced_array_cfg *c = &a->cfg;
    uint32_t n_bit = min_u32(c->input_bits - first, BYTE_BITS);

    for (uint32_t group = 0; group < a->n_group; group++) {
        uint32_t row = group * c->rows_at_once;
        a->kernel->planes(x + row, min_u32(c->rows_at_once, c->rows - row), n_bit, a->group_words,
                          a->input + ((size_t)group * c->input_bits + first) * a->group_words);
    }
}

static void load_inputs(struct sliced_array *a, const void *x)
{
    uint32_t rows = a->cfg.rows;
    const uint16_t *wide = x;

    if (a->cfg.input_bits <= BYTE_BITS) {
        load_bytes(a, x, 0);
        return;
    }
    for (uint32_t r = 0; r < rows; r++) {
        a->byte[r] = (uint8_t)wide[r];
        a->byte[rows + r] = (uint8_t)(wide[r] >> BYTE_BITS);
    }
    load_bytes(a, a->byte, 0);
    load_bytes(a, a->byte + rows, BYTE_BITS);
}

uint64_t sliced_array_read(struct sliced_array *a, const void *x)
{
    uint64_t n_clipped = 0;

    memset(a->differ, 0, a->lanes * sizeof *a->differ);
    load_inputs(a, x);
    for (uint32_t group = 0; group < a->n_group; group++)
        n_clipped += a->kernel->group(a, group, a->differ);
    return n_clipped;
}

uint64_t sliced_array_clipped(const struct sliced_array *a, uint32_t output)
{
    const uint32_t lane = output % SLICED_LANES;
    uint64_t n_clipped = 0;

    for (uint32_t group = 0; group < a->n_group; group++) {
        struct sliced_reads r;
        sliced_drive(a, group, &r);
        for (uint32_t i = 0; i < r.n; i++)
            for (uint32_t j = 0; j < a->layout.n_slice; j++) {
                const struct slice_codes *c = sliced_codes(a, j, r.read[i].digit);
                int64_t sum[SLICED_LANES];
                a->kernel->sums(a, group, &r.read[i], &a->slice[j], output - lane, sum);
                int64_t code = sliced_quotient(sum[lane], c->step[output], c->over_step[output]);
                n_clipped += code < c->least || code > c->most;
            }
    }
    return n_clipped;
}

/* Of a read; NULL: it drives nothing. */
static void see_read(const struct sliced_array *a, uint32_t group, const struct sliced_read *r,
                     sliced_see *see, void *user)
{
    int64_t sum[SLICED_LANES] = { 0 }, ones = r ? sliced_ones_sum(a, r) : 0;

    for (uint32_t j = 0; j < a->layout.n_slice; j++)
        for (uint32_t o = 0; o < a->cfg.outputs; o += SLICED_LANES) {
            if (r)
                a->kernel->sums(a, group, r, &a->slice[j], o, sum);
            see(user, j, o, min_u32(SLICED_LANES, a->cfg.outputs - o), sum);
        }
    if (a->layout.ones != 0)
        see(user, a->layout.n_slice, 0, 1, &ones);
}

void sliced_array_sums(struct sliced_array *a, const void *x, sliced_see *see, void *user)
{
    load_inputs(a, x);
    for (uint32_t group = 0; group < a->n_group; group++) {
        struct sliced_reads r;
        sliced_drive(a, group, &r);
        for (uint32_t i = 0; i < a->n_digit; i++)
            see_read(a, group, i < r.n ? &r.read[i] : NULL, see, user);
    }
}
