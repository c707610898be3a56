/* arch/values/sliced_layers.c -- see sliced_layers.h. */
#include "arch/values/sliced_layers.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "arch/units/kernel_matrix.h"
#include "arch/units/sliced_lanes.h"
#include "core/util.h"

enum { BYTE_BITS = 8, QUAD = SLICED_LANES_QUAD,
       MOST_INDEX = 512,   // quads whose index is kept at once
       MOST_TABLE = 2048,  // tables that are
       MOST_SUM = 1 << 29, // of a core, so that those of a layer are less than 2^31
       MOST_DIGITS = MOST_VALUE_BITS, // of an input
};

struct byte_codes { // from 0 on, of step 1
    int32_t  factor[CELL_MOST_SLICES], ones; // of the column of ones
    uint8_t  most;
    bool     is_signed;
    uint32_t times; // that the top bit of a byte is read
};

struct any_codes {
    struct sliced_lanes_digit digit[MOST_DIGITS];
    uint32_t                  n_digit, full; // quads that fill a byte
    struct sliced_lanes_code *code; // owned; [output][slice][n_digit], the column of ones behind
                                    // them; NULL: codes are bytes
};

struct sliced_core {
    const struct sliced_lanes_kernel *kernel;
    uint32_t out_first, out_n, quads;
    uint32_t n_slice;
    bool     ones;    // there is a column of ones
    uint8_t  flip;
    uint8_t *digit;   // owned; [output][slice][quads][4]; the column of ones behind them, one slice
    struct byte_codes bytes; // of all columns
    struct any_codes  any;   // where codes are not so
    struct value_reader reader;
    atomic_uint_fast64_t clipped;
};

struct sliced_layers {
    uint32_t            n_core;
    struct value_cores *layer; // owned; [n_layer of the network]
    struct value_core  *core;  // owned; [n_core of the plan]
    struct sliced_core *own;   // owned; likewise
};

/* ---- which ---- */

static bool layer_is_exact(const struct plan *p, uint32_t layer)
{
    const struct array_spec *a = &p->layer[layer].array;

    return array_is_exact(a, min_u32(a->rows, p->layer[layer].rows), true);
}

static bool in_signed(const struct plan *p, const struct plan_core *c)
{
    const struct layer *l = plan_network_layer(p, c->plan_layer);

    return p->network->layer[l->input[0]].out_signed;
}

/* Quads of a patch: channels of a position are filled up. */
static uint32_t quads_of(const struct plan *p, const struct plan_core *c)
{
    const struct window *w = &p->layer[c->plan_layer].window;

    return ((c->in_first + c->in_n - 1) / QUAD + 1 - c->in_first / QUAD) * w->kernel[0] *
           w->kernel[1];
}

static uint32_t table_quads(const struct sliced_core *c)
{
    return (uint32_t)round_up(c->quads, QUAD); // the kernel makes four at a time
}

static struct array_matrix matrix_of(const struct plan *p, uint32_t core,
                                     const struct ranges *ranges)
{
    const struct plan_core *c = &p->core[core];

    return (struct array_matrix){ .spec = &p->layer[c->plan_layer].array, .ranges = ranges,
                                  .core = core, .rows = c->rows, .columns = c->columns,
                                  .outputs = c->out_n };
}

/* Whether all columns of a core have codes from 0 to the same, of step 1. */
static bool codes_are_bytes(const struct plan *p, uint32_t core, const struct ranges *ranges)
{
    const struct plan_core *c = &p->core[core];
    const struct array_spec *s = &p->layer[c->plan_layer].array;
    const struct array_matrix m = matrix_of(p, core, ranges);
    const struct cell_layout *l = &s->layout;
    bool bytes = true;

    for (uint32_t j = 0; j < l->n_slice + (l->ones != 0); j++)
        for (uint32_t o = 0; bytes && o < (j < l->n_slice ? c->columns : 1); o++) {
            struct converter k = array_converter(s, converter_range(&m, j, o), false);
            bytes = k.step == 1 && k.least == 0 && k.most <= SLICED_LANES_MOST_CODE;
        }
    return bytes;
}

/* What a core's outputs are at most, either way. */
static int64_t most_of(const struct array_spec *s, uint8_t most_code)
{
    int64_t factors = llabs(s->layout.ones);

    for (uint32_t j = 0; j < s->layout.n_slice; j++)
        factors += llabs(s->layout.slice[j].factor);
    return factors * most_code * UINT8_MAX;
}

static bool core_is_of_bytes(const struct plan *p, uint32_t core, const struct ranges *ranges)
{
    const struct plan_core *c = &p->core[core];
    const struct array_spec *s = &p->layer[c->plan_layer].array;
    const struct reads_cfg *r = &s->reads;

    return min_u32(r->input_slice_bits, r->input_bits) == 1 &&
           (!in_signed(p, c) || r->input_bits >= BYTE_BITS) &&
           most_of(s, SLICED_LANES_MOST_CODE) < MOST_SUM && codes_are_bytes(p, core, ranges);
}

/* A digit of inputs of a byte: bits beyond it are its sign, or 0. */
static struct sliced_lanes_digit digit_of(const struct reads_cfg *r, bool is_signed, uint32_t first)
{
    uint32_t n = min_u32(r->input_slice_bits, r->input_bits - first);
    struct sliced_lanes_digit d = { .first = min_u32(first, BYTE_BITS - 1) };

    for (uint32_t b = first; b < first + n && (is_signed || b < BYTE_BITS); b++) {
        uint32_t at = min_u32(b, BYTE_BITS - 1) - d.first;
        bool negative = is_signed && n > 1 && b == r->input_bits - 1;
        d.weight[at] += negative ? -(1 << (b - first)) : 1 << (b - first);
        d.n = at + 1;
    }
    return d;
}

static int64_t within(int64_t v, int64_t reach)
{
    return v < -reach ? -reach : v > reach ? reach : v;
}

/* The codes of a column in a digit; least and most are no further away than sums come, of which
 * *most_out becomes the most that its codes give, either way. False: sums or steps are too
 * large. */
static bool make_code(const struct array_matrix *m, bool is_signed, uint32_t first, uint32_t slice,
                      uint32_t column, struct sliced_lanes_code *code, int64_t *most_out)
{
    const struct array_spec *s = m->spec;
    const struct cell_layout *l = &s->layout;
    const struct sliced_lanes_digit d = digit_of(&s->reads, is_signed, first);
    uint32_t n = min_u32(s->reads.input_slice_bits, s->reads.input_bits - first);
    bool top = is_signed && first + n == s->reads.input_bits, ones = slice == l->n_slice;
    struct converter k = array_converter(s, converter_range(m, slice, column), top && n > 1);
    int64_t sum = (int64_t)m->rows * (ones ? 1 : l->slice[slice].most), most = 0;

    if (sum > SLICED_LANES_MOST_WIDE || k.step > SLICED_LANES_MOST_SUM)
        return false;
    for (uint32_t b = 0; b < d.n; b++)
        most += sum * abs(d.weight[b]);
    int64_t reach = most / k.step + 1;
    int64_t factor = (ones ? l->ones : l->slice[slice].factor) * k.step * (INT64_C(1) << first);
    *most_out = reach * llabs(factor);
    *code = (struct sliced_lanes_code){
        .step = (float)k.step,
        .over_step = (k.step & (k.step - 1)) == 0 ? 1 / (float)k.step : 0,
        .least = (int32_t)within(k.least, reach), .most = (int32_t)within(k.most, reach),
        .factor = (int32_t)(top && n == 1 ? -factor : factor),
    };
    return most < SLICED_LANES_MOST_SUM && *most_out < MOST_SUM;
}

/* Whether all codes of a core's outputs and of its column of ones can be made; *most_out becomes
 * what an output is at most. code: [output][slice][digit], the column of ones behind them; or
 * NULL. */
static bool make_codes(const struct array_matrix *m, bool is_signed,
                       struct sliced_lanes_code *code, int64_t *most_out)
{
    const struct array_spec *s = m->spec;
    const uint32_t n_slice = s->layout.n_slice;

    *most_out = 0;
    for (uint32_t o = 0; o < m->outputs + (s->layout.ones != 0); o++) {
        int64_t all = 0, most;
        bool ones = o == m->outputs;
        for (uint32_t j = ones ? n_slice : 0; j < n_slice + ones; j++)
            for (uint32_t b = 0; b < s->reads.input_bits; b += s->reads.input_slice_bits) {
                struct sliced_lanes_code of;
                if (!make_code(m, is_signed, b, j, ones ? 0 : o, &of, &most))
                    return false;
                all += most;
                if (code)
                    *code++ = of;
            }
        *most_out = ones ? *most_out + all : all > *most_out ? all : *most_out;
    }
    return *most_out < MOST_SUM;
}

/* Replicas share what they drive: a column of ones sees the rows of all. */
static bool replicas_fit(const struct plan_layer *pl)
{
    return pl->replicas.n == 1 || (pl->array.layout.ones == 0 && !pl->array.per_column);
}

static bool core_fits(const struct plan *p, uint32_t core, const struct ranges *ranges)
{
    const struct plan_core *c = &p->core[core];
    const struct plan_layer *pl = &p->layer[c->plan_layer];
    const struct array_spec *s = &pl->array;
    const struct array_matrix m = matrix_of(p, core, ranges);
    uint32_t quads = quads_of(p, c);
    int64_t most;
    bool fits = replicas_fit(pl) && pl->copies == 1 && s->adc_bits > 0 &&
                array_rows_at_once(s, c->rows) == c->rows && quads <= MOST_INDEX &&
                round_up(quads, QUAD) * s->layout.n_slice <= MOST_TABLE;

    for (uint32_t j = 0; j < s->layout.n_slice; j++)
        fits &= s->layout.slice[j].least >= 0 &&
                s->layout.slice[j].most <= SLICED_LANES_MOST_DIGIT;
    return fits && (core_is_of_bytes(p, core, ranges) ||
                    make_codes(&m, in_signed(p, c), NULL, &most));
}

bool sliced_by_layer(const struct plan *p, const struct ranges *ranges)
{
    for (uint32_t i = 0; i < p->n_core; i++) {
        uint32_t layer = p->core[i].plan_layer;
        if (!layer_is_digital(plan_network_layer(p, layer)) && !layer_is_exact(p, layer) &&
            !core_fits(p, i, ranges))
            return false;
    }
    return true;
}

/* ---- reading ---- */

/* Index of two quads. */
static void index_quads(const struct sliced_core *c, const uint8_t *a, const uint8_t *b,
                        uint8_t *to)
{
    uint8_t index[2 * SLICED_LANES_INDEX];

    c->kernel->index(a, b, c->flip, c->any.code ? index : to);
    for (uint32_t i = 0; c->any.code && i < sizeof index; i += SLICED_LANES_INDEX)
        c->kernel->by_bits(index + i, to + i);
}

/* What a pixel's bits drive, quad after quad of its patch. */
static void index_pixel(const struct sliced_core *c, const struct value_patch *p, uint32_t pixel,
                        uint8_t *index)
{
    const uint8_t *in = p->in + pixel * p->in_step, *waits = NULL;

    for (uint32_t r = 0; r < p->n_run; r++)
        for (uint32_t k = 0; k < p->steps; k++) {
            const uint8_t *quad = in + p->run[r] + (size_t)k * VALUE_BYTES;
            if (!waits) {
                waits = quad;
                continue;
            }
            index_quads(c, waits, quad, index);
            index += 2 * SLICED_LANES_INDEX;
            waits = NULL;
        }
    if (waits) // and a quad of no rows
        index_quads(c, waits, NULL, index);
}

static size_t digits_of(const struct sliced_core *c)
{
    return (size_t)c->n_slice * table_quads(c) * QUAD;
}

struct tile { // pixels of a column that are read together
    uint32_t first, n;
    const uint8_t *index;
};

static uint64_t read_output(const struct sliced_core *c, const struct value_sums_read *s,
                            const struct tile *t, uint32_t output, int32_t *sum, size_t apart)
{
    uint8_t table[MOST_TABLE * SLICED_LANES_TABLE];
    bool ones = output == c->out_n;
    const uint32_t n_slice = ones ? 1 : c->n_slice;

    c->kernel->tables(c->digit + output * digits_of(c), n_slice * table_quads(c), table);
    if (c->any.code)
        return c->kernel->codes(&(struct sliced_lanes_codes){
            .index = t->index, .table = table, .n = t->n, .quads = c->quads,
            .table_quads = table_quads(c), .n_slice = n_slice, .n_image = s->n_lane,
            .full = c->any.full, .digit = c->any.digit, .n_digit = c->any.n_digit,
            .code = c->any.code + (size_t)output * c->n_slice * c->any.n_digit,
            .sum = sum, .sum_apart = apart });
    return c->kernel->column(&(struct sliced_lanes_column){
        .index = t->index, .table = table, .factor = ones ? &c->bytes.ones : c->bytes.factor,
        .n = t->n, .quads = c->quads, .table_quads = table_quads(c), .n_slice = n_slice,
        .n_image = s->n_lane, .most = c->bytes.most, .is_signed = c->bytes.is_signed,
        .times = c->bytes.times, .sum = sum, .sum_apart = apart });
}

/* Sums of the outputs of a block, in a tile; those that are not the core's stay 0. */
static uint64_t read_tile(const struct sliced_core *c, const struct value_sums_read *s,
                          const struct tile *t)
{
    uint32_t first = max_u32(s->first, c->out_first);
    uint32_t end = min_u32(s->first + s->outputs, c->out_first + c->out_n);
    const size_t apart = (size_t)s->outputs * VALUE_LANES;
    int32_t *sum = s->sum[0] + t->first * apart, ones[MOST_INDEX][VALUE_LANES];
    uint64_t n_clipped = 0;

    memset(ones, 0, t->n * sizeof ones[0]);
    if (c->ones) { // it is one for the core, whatever blocks its outputs are in
        uint64_t of_ones = read_output(c, s, t, c->out_n, ones[0], VALUE_LANES);
        n_clipped += s->first <= c->out_first ? of_ones : 0;
    }
    for (uint32_t o = first; o < end; o++) {
        int32_t *to = sum + (size_t)(o - s->first) * VALUE_LANES;
        for (uint32_t i = 0; i < t->n; i++)
            memcpy(to + i * apart, ones[i], sizeof ones[i]);
        n_clipped += read_output(c, s, t, o - c->out_first, to, apart);
    }
    return n_clipped;
}

static void read_codes(void *user, const struct value_sums_read *s)
{
    struct sliced_core *c = user;
    uint8_t index[(MOST_INDEX + 1) * SLICED_LANES_INDEX];
    struct tile t = { .index = index };
    uint64_t n_clipped = 0;

    assert(s->patch.n_run * s->patch.steps == c->quads);
    memset(s->sum[0], 0, (size_t)s->n * s->outputs * VALUE_LANES * sizeof *s->sum[0]);
    for (; t.first < s->n; t.first += t.n) {
        t.n = min_u32(s->n - t.first, MOST_INDEX / c->quads);
        for (uint32_t i = 0; i < t.n; i++)
            index_pixel(c, &s->patch, t.first + i, index + (size_t)i * c->quads *
                                                               SLICED_LANES_INDEX);
        n_clipped += read_tile(c, s, &t);
    }
    atomic_fetch_add(&c->clipped, n_clipped);
}

/* ---- making ---- */

/* The core's matrix as [output][channel][window], and where it has rows. */
struct kernels {
    int16_t *weight, *row; // owned
};

static bool find_kernels(struct kernels *k, const struct plan *p, uint32_t core)
{
    const struct plan_core *c = &p->core[core];
    const struct window *w = &p->layer[c->plan_layer].window;
    size_t n = (size_t)c->rows * c->columns;
    size_t size = (size_t)c->out_n * c->in_n * w->kernel[0] * w->kernel[1];
    struct kernel_matrix m;
    int16_t *matrix = malloc(n * sizeof *matrix);

    *k = (struct kernels){ malloc(size * sizeof *k->weight), malloc(size * sizeof *k->row) };
    bool done = matrix && k->weight && k->row && kernel_matrix_init(&m, p, core, 0, false);
    if (done) {
        kernel_matrix_wide_weights(&m, p, core, matrix);
        kernel_matrix_kernels(&m, p, core, matrix, k->weight);
        for (size_t i = 0; i < n; i++)
            matrix[i] = 1;
        kernel_matrix_kernels(&m, p, core, matrix, k->row);
        kernel_matrix_release(&m);
    }
    free(matrix);
    return done;
}

/* Digits of a weight, at a place of a quad of an output. */
static void set_digits(struct sliced_core *c, const struct array_spec *s, uint32_t output,
                       size_t place, int32_t weight)
{
    size_t slice = (size_t)table_quads(c) * QUAD;
    uint8_t *to = c->digit + output * digits_of(c) + place;

    for (uint32_t j = 0; j < c->n_slice; j++)
        to[j * slice] = (uint8_t)s->cell->digit(&s->weights, j, weight);
    c->digit[c->out_n * digits_of(c) + place] = 1; // of the column of ones
}

static bool make_digits(struct sliced_core *c, const struct plan *p, uint32_t core)
{
    const struct plan_core *pc = &p->core[core];
    const struct array_spec *s = &p->layer[pc->plan_layer].array;
    const uint32_t *kernel = p->layer[pc->plan_layer].window.kernel;
    uint32_t positions = kernel[0] * kernel[1], quads = c->quads / positions;
    struct kernels k;
    bool done = find_kernels(&k, p, core);

    c->digit = calloc((size_t)c->out_n + 1, digits_of(c));
    done = done && c->digit;
    for (size_t i = 0; done && i < (size_t)c->out_n * pc->in_n * positions; i++) {
        uint32_t position = (uint32_t)(i % positions);
        uint32_t ch = pc->in_first % QUAD + (uint32_t)(i / positions % pc->in_n);
        uint32_t at = position % kernel[1] * kernel[0] + position / kernel[1];
        if (k.row[i])
            set_digits(c, s, (uint32_t)(i / positions / pc->in_n),
                       ((size_t)at * quads + ch / QUAD) * QUAD + ch % QUAD, k.weight[i]);
    }
    free(k.weight);
    free(k.row);
    return done;
}

static struct byte_codes bytes_of(const struct array_matrix *m, bool is_signed)
{
    const struct array_spec *s = m->spec;
    struct byte_codes b = {
        .ones = s->layout.ones, .is_signed = is_signed,
        .most = (uint8_t)array_converter(s, converter_range(m, 0, 0), false).most,
        .times = is_signed ? s->reads.input_bits - BYTE_BITS + 1 : 1,
    };

    for (uint32_t j = 0; j < s->layout.n_slice; j++)
        b.factor[j] = s->layout.slice[j].factor;
    return b;
}

static bool make_any(struct any_codes *a, const struct array_matrix *m, bool is_signed,
                     int64_t *most)
{
    const struct array_spec *s = m->spec;
    int32_t digit = 1; // the most of a weight

    for (uint32_t b = 0; b < s->reads.input_bits; b += s->reads.input_slice_bits)
        a->digit[a->n_digit++] = digit_of(&s->reads, is_signed, b);
    for (uint32_t j = 0; j < s->layout.n_slice; j++)
        digit = max_i32(digit, s->layout.slice[j].most);
    a->full = (uint32_t)(UINT8_MAX / (QUAD * digit));
    a->code = calloc(((size_t)m->outputs + 1) * s->layout.n_slice * a->n_digit, sizeof *a->code);
    return a->code && make_codes(m, is_signed, a->code, most);
}

static bool make_core(struct sliced_core *c, const struct plan *p, uint32_t core,
                      const struct ranges *ranges)
{
    const struct plan_core *pc = &p->core[core];
    const struct array_matrix m = matrix_of(p, core, ranges);
    bool is_signed = in_signed(p, pc);
    int64_t most;

    c->out_first = pc->out_first;
    c->out_n = pc->out_n;
    c->quads = quads_of(p, pc);
    c->n_slice = m.spec->layout.n_slice;
    c->ones = m.spec->layout.ones != 0;
    c->flip = is_signed ? 0x80 : 0;
    if (core_is_of_bytes(p, core, ranges)) {
        c->bytes = bytes_of(&m, is_signed);
        most = most_of(m.spec, c->bytes.most);
    } else if (!make_any(&c->any, &m, is_signed, &most)) {
        return false;
    }
    c->reader = (struct value_reader){ read_codes, c, most };
    return make_digits(c, p, core);
}

struct sliced_layers *sliced_layers_new(const struct plan *p, const struct ranges *ranges,
                                        const char *kernel_name)
{
    struct sliced_layers *l = calloc(1, sizeof *l);
    const struct sliced_lanes_kernel *kernel = sliced_lanes_kernel(kernel_name);

    static_assert((int)SLICED_LANES_IMAGES == (int)VALUE_LANES && (int)QUAD == (int)VALUE_QUAD,
                  "the same lanes");
    if (!l)
        return NULL;
    *l = (struct sliced_layers){ p->n_core, calloc(p->network->n_layer, sizeof *l->layer),
                                 calloc(p->n_core, sizeof *l->core),
                                 calloc(p->n_core, sizeof *l->own) };
    bool done = l->layer && l->core && l->own && kernel;
    for (uint32_t i = 0; done && i < p->n_core; i++) {
        const struct plan_core *c = &p->core[i];
        struct value_cores *layer = &l->layer[p->layer[c->plan_layer].layer];
        if (layer_is_digital(plan_network_layer(p, c->plan_layer)) ||
            layer_is_exact(p, c->plan_layer))
            continue;
        l->own[i].kernel = kernel;
        done = make_core(&l->own[i], p, i, ranges);
        l->core[i] = (struct value_core){ .out_first = c->out_first, .out_n = c->out_n,
                                          .in_first = c->in_first, .in_n = c->in_n,
                                          .reader = &l->own[i].reader };
        if (layer->n++ == 0)
            layer->core = &l->core[i]; // those of a layer stand together
    }
    if (done)
        return l;
    sliced_layers_free(l);
    return NULL;
}

void sliced_layers_free(struct sliced_layers *l)
{
    if (!l)
        return;
    for (uint32_t i = 0; l->own && i < l->n_core; i++) {
        free(l->own[i].digit);
        free(l->own[i].any.code);
    }
    free(l->layer);
    free(l->core);
    free(l->own);
    free(l);
}

const struct value_cores *sliced_layers_cores(const struct sliced_layers *l)
{
    return l->layer;
}

void sliced_layers_count(struct sliced_layers *l, struct core_counters *core)
{
    for (uint32_t i = 0; i < l->n_core; i++)
        core[i].clipped += atomic_exchange(&l->own[i].clipped, 0);
}
