/* arch/units/sliced_array.c -- see sliced_array.h; kernels, see sliced_kernel.h. */
#include "arch/units/sliced_array.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/simd.h"
#include "arch/units/sliced_kernel.h"
#include "core/util.h"

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
    a->input = calloc((size_t)a->n_group * cfg->input_bits * a->group_words, sizeof *a->input);
    a->sum = calloc(a->lanes, sizeof *a->sum);
    if (!a->plane || !a->input || !a->sum || !init_converters(a)) {
        sliced_array_release(a);
        return false;
    }
    for (uint32_t r = 0; r < cfg->rows; r++)
        for (uint32_t o = 0; o < cfg->outputs; o++)
            program_weight(a, r, o, weight[(size_t)r * cfg->outputs + o]);
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
    free(a->input);
    free(a->sum);
    *a = (struct sliced_array){ 0 };
}

/* ---- products ---- */

static void load_inputs(struct sliced_array *a, const uint16_t *x)
{
    const struct sliced_array_cfg *c = &a->cfg;

    for (uint32_t group = 0; group < a->n_group; group++) {
        uint32_t first = group * c->rows_at_once;
        a->kernel->planes(x + first, min_u32(c->rows_at_once, c->rows - first), c->input_bits,
                          a->group_words,
                          a->input + (size_t)group * c->input_bits * a->group_words);
    }
}

uint64_t sliced_array_mvm(struct sliced_array *a, const uint16_t *x, int64_t *out)
{
    uint64_t n_clipped = 0;

    memset(a->sum, 0, a->lanes * sizeof *a->sum);
    load_inputs(a, x);
    for (uint32_t group = 0; group < a->n_group; group++)
        n_clipped += a->kernel->group(a, group, a->sum);
    memcpy(out, a->sum, a->cfg.outputs * sizeof *out);
    return n_clipped;
}
