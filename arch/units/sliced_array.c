/* arch/units/sliced_array.c -- see sliced_array.h; kernels, see sliced_kernel.h. */
#include "arch/units/sliced_array.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/simd.h"
#include "arch/units/sliced_kernel.h"
#include "core/util.h"

enum { WORD_ROWS = 64 };

static const struct sliced_kernel *find_kernel(const char *name)
{
    enum simd simd = simd_find(name);

#if SIMD_X86
    if (simd == SIMD_AVX512VNNI && __builtin_cpu_supports("avx512vpopcntdq"))
        return &sliced_avx512;
#endif
    return simd == N_SIMD ? NULL : &sliced_portable;
}

static uint32_t bits_of(int32_t magnitude)
{
    uint32_t n = 0;

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
        for (uint32_t b = 0; b < bits_of(s->most); b++)
            a->plane_factor[a->n_plane++] = INT32_C(1) << b;
        for (uint32_t b = 0; b < bits_of(-s->least); b++)
            a->plane_factor[a->n_plane++] = -(INT32_C(1) << b);
        a->slice[j].n = a->n_plane - a->slice[j].first;
    }
}

static uint64_t *plane_words(const struct sliced_array *a, uint32_t group, uint32_t plane)
{
    return a->plane + ((size_t)group * a->n_plane + plane) * a->group_words * a->lanes;
}

static void program_weight(struct sliced_array *a, uint32_t row, uint32_t o, int32_t weight)
{
    uint32_t group = row / a->cfg.rows_at_once, at = row % a->cfg.rows_at_once;
    size_t word = (size_t)(at / WORD_ROWS) * a->lanes + o;

    for (uint32_t j = 0; j < a->layout.n_slice; j++) {
        int32_t digit = a->cfg.cell->digit(&a->cfg.weights, j, weight);
        for (uint32_t p = a->slice[j].first; p < a->slice[j].first + a->slice[j].n; p++) {
            int32_t factor = a->plane_factor[p];
            bool on = factor > 0 ? digit > 0 && (digit & factor) : digit < 0 && (-digit & -factor);
            if (on)
                plane_words(a, group, p)[word] |= UINT64_C(1) << at % WORD_ROWS;
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
    a->group_words = (uint32_t)ceil_div(cfg->rows_at_once, WORD_ROWS);
    a->n_digit = (uint32_t)ceil_div(cfg->input_bits, cfg->input_slice_bits);
    a->lanes = (uint32_t)round_up(cfg->outputs, SLICED_LANES);
    lay_out_planes(a);
    a->both_signs = cfg->converter ? cfg->converter(cfg->user, true) : converter_exact();
    a->from_zero = cfg->converter ? cfg->converter(cfg->user, false) : converter_exact();
    a->plane = calloc((size_t)a->n_group * a->n_plane * a->group_words * a->lanes,
                      sizeof *a->plane);
    a->input = calloc((size_t)a->n_group * cfg->input_bits * a->group_words, sizeof *a->input);
    a->sum = calloc((size_t)2 * a->lanes, sizeof *a->sum);
    if (!a->plane || !a->input || !a->sum) {
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
    free(a->plane);
    free(a->input);
    free(a->sum);
    *a = (struct sliced_array){ 0 };
}

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

/* One read: digit i of the inputs of a group of rows. */
static uint64_t read_group(struct sliced_array *a, uint32_t group, uint32_t i, int64_t *out)
{
    const struct sliced_array_cfg *c = &a->cfg;
    uint32_t first = i * c->input_slice_bits;
    uint32_t n = min_u32(c->input_slice_bits, c->input_bits - first);
    bool top = c->input_signed && first + n == c->input_bits;
    int32_t factor[SLICED_MOST_INPUT_BITS];
    const uint64_t *input = a->input + ((size_t)group * c->input_bits + first) * a->group_words;
    int64_t ones = 0;
    uint64_t n_clipped = 0;

    for (uint32_t b = 0; b < n; b++)
        factor[b] = top && b == n - 1 ? -(INT32_C(1) << b) : INT32_C(1) << b;
    /* The sign of a digit of one bit is its factor's: what is converted is never negative. */
    int64_t outer = INT64_C(1) << first;
    if (n == 1 && top) {
        factor[0] = 1;
        outer = -outer;
    }
    bool negative = top && n > 1;
    for (uint32_t j = 0; j < a->layout.n_slice; j++) {
        const struct sliced_read read = {
            .input = input, .input_factor = factor, .n_input = n,
            .plane = plane_words(a, group, a->slice[j].first),
            .plane_factor = a->plane_factor + a->slice[j].first, .n_plane = a->slice[j].n,
            .words = a->group_words, .lanes = a->lanes, .outputs = c->outputs,
            .converter = negative || a->layout.slice[j].least < 0 ? a->both_signs : a->from_zero,
            .factor = outer * a->layout.slice[j].factor,
        };
        n_clipped += a->kernel->read(&read, a->sum, out);
    }
    if (a->layout.ones == 0)
        return n_clipped;
    for (uint32_t b = 0; b < n; b++)
        for (uint32_t k = 0; k < a->group_words; k++)
            ones += (int64_t)factor[b] *
                    __builtin_popcountll(input[(size_t)b * a->group_words + k]);
    const struct converter *converter = negative ? &a->both_signs : &a->from_zero;
    int64_t taken_off = outer * a->layout.ones * converter_code(converter, ones);
    for (uint32_t o = 0; o < c->outputs; o++)
        out[o] += taken_off;
    return n_clipped + converter_clips(converter, ones);
}

uint64_t sliced_array_mvm(struct sliced_array *a, const uint16_t *x, int64_t *out)
{
    int64_t *total = a->sum + a->lanes;
    uint64_t n_clipped = 0;

    memset(total, 0, a->lanes * sizeof *total);
    load_inputs(a, x);
    for (uint32_t group = 0; group < a->n_group; group++)
        for (uint32_t i = 0; i < a->n_digit; i++)
            n_clipped += read_group(a, group, i, total);
    memcpy(out, total, a->cfg.outputs * sizeof *out);
    return n_clipped;
}
