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
       MOST_SUM = 1 << 29, // of a core, so that those of a layer are less than 2^31
       MOST_PASSES = 2, NO_BIT = 255 };

#define NO_PLACE UINT32_MAX

struct sliced_pass {
    struct sliced_lanes_pass    digits;
    struct sliced_lanes_column *column; // owned; [output], the column of ones behind them
};

struct sliced_codes { // what a core's columns are read with
    uint32_t out_first, out_n, quads;
    bool     ones;    // there is a column of ones
    bool     differ;  // some can, from their sums
    bool     is_signed;
    uint32_t input_bits;
    struct sliced_pass pass[MOST_PASSES];
    uint32_t           n_pass;
    struct sliced_lanes_term *term; // owned, of all columns
    struct sliced_lanes_list *list; // owned, of all terms
    uint16_t                 *at;   // owned, of all lists
    size_t n_term, n_list, n_at, term_room, list_room, at_room;
};

struct sliced_core {
    const struct sliced_lanes_kernel *kernel;
    const struct plan         *plan;  // borrowed
    uint32_t                   layer, apart; // of the plan; from one copy to the next
    struct sliced_codes        own;
    const struct sliced_codes *codes; // its own, or the first copy's
    struct value_reader        reader; // of a first copy: it reads for all of them
    atomic_uint_fast64_t       clipped;
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

static struct array_matrix matrix_of(const struct plan *p, uint32_t core,
                                     const struct ranges *ranges)
{
    const struct plan_core *c = &p->core[core];

    return (struct array_matrix){ .spec = &p->layer[c->plan_layer].array, .ranges = ranges,
                                  .core = core, .rows = c->rows, .columns = c->columns,
                                  .outputs = c->out_n };
}

/* Digits of the inputs in passes: those that count alike, and the top one of several bits of signed
 * inputs. Beyond its byte a value has zeros, or its sign: as -2^7 = 2^7 + ... - 2^k, bits of it are
 * one, that counts negative. */
static uint32_t find_passes(const struct reads_cfg *r, bool is_signed,
                            struct sliced_lanes_pass pass[MOST_PASSES])
{
    const uint32_t d = min_u32(r->input_slice_bits, r->input_bits);
    uint32_t bits = is_signed && d > 1 ? r->input_bits : min_u32(r->input_bits, BYTE_BITS);
    uint32_t n_digit = (uint32_t)ceil_div(bits, d), top = bits - (n_digit - 1) * d, n = 0;
    bool apart = is_signed && top > 1;

    if (n_digit > apart) {
        pass[n] = (struct sliced_lanes_pass){
            .n = n_digit - apart, .bits = d, .top_negative = is_signed && !apart,
            .times = is_signed && d == 1 ? r->input_bits - bits + 1 : 1 };
        n++;
    }
    if (apart) {
        pass[n] = (struct sliced_lanes_pass){ .first = (n_digit - 1) * d, .n = 1, .bits = top,
                                              .both_signs = true, .times = 1 };
        n++;
    }
    return n;
}

/* The converter of a slice of an output in a pass. */
static struct converter converter_at(const struct array_matrix *m, uint32_t slice, uint32_t output,
                                     bool digits_have_signs)
{
    const struct cell_layout *l = &m->spec->layout;
    bool signs = slice < l->n_slice && l->slice[slice].least < 0;

    return array_converter(m->spec, converter_range(m, slice, output), signs || digits_have_signs);
}

/* Adds what the codes of a slice are at most in a product, either way. False: sums or steps are too
 * large. */
static bool add_most(const struct array_matrix *m, const struct sliced_lanes_pass *pass,
                     uint32_t slice, uint32_t output, int64_t *most)
{
    const struct cell_layout *l = &m->spec->layout;
    const bool ones = slice == l->n_slice;
    const struct cell_slice s = ones ? (struct cell_slice){ l->ones, 0, 1, 1 } : l->slice[slice];
    struct converter k = converter_at(m, slice, output, pass->both_signs);
    uint32_t rows = array_rows_at_once(m->spec, m->rows);
    int64_t sum = (int64_t)rows * max_i32(s.most, -s.least) * ((INT64_C(1) << pass->bits) - 1);
    int64_t code = max_i64(k.most, -k.least), reach = sum + k.step, all = 0;

    if (3 * sum + 4 * k.step >= INT64_C(1) << SLICED_LANES_MOST_PLANES)
        return false;
    for (uint32_t i = 0; i < pass->n; i++)
        all += INT64_C(1) << (pass->first + i * pass->bits);
    *most += (code < reach / k.step ? code * k.step : reach) * llabs(s.factor) * all *
             (int64_t)ceil_div(m->rows, rows);
    return (llabs(s.factor) & (llabs(s.factor) - 1)) == 0 && *most < MOST_SUM;
}

/* Whether all codes of a core's outputs and of its column of ones can be made; *most_out becomes
 * what an output is at most. */
static bool codes_fit(const struct array_matrix *m, bool is_signed, int64_t *most_out)
{
    const struct cell_layout *l = &m->spec->layout;
    struct sliced_lanes_pass pass[MOST_PASSES];
    const uint32_t n_pass = find_passes(&m->spec->reads, is_signed, pass);
    bool fits = true;

    *most_out = 0;
    for (uint32_t o = 0; fits && o < m->outputs; o++) {
        int64_t most = 0;
        for (uint32_t i = 0; i < n_pass; i++)
            for (uint32_t j = 0; fits && j < l->n_slice + (l->ones != 0); j++)
                fits = add_most(m, &pass[i], j, j < l->n_slice ? o : 0, &most);
        *most_out = max_i64(*most_out, most);
    }
    return fits;
}

/* Replicas share what they drive: a column of ones sees the rows of all, and which rows come
 * together differs. */
static bool replicas_fit(const struct plan_layer *pl, bool all_at_once)
{
    return pl->replicas.n == 1 ||
           (pl->array.layout.ones == 0 && !pl->array.per_column && all_at_once);
}

static bool core_fits(const struct plan *p, uint32_t core, const struct ranges *ranges)
{
    const struct plan_core *c = &p->core[core];
    const struct plan_layer *pl = &p->layer[c->plan_layer];
    const struct array_spec *s = &pl->array;
    const struct array_matrix m = matrix_of(p, core, ranges);
    const size_t rows = (size_t)quads_of(p, c) * QUAD + 1;
    int64_t most;

    return rows * SLICED_LANES_AT <= UINT16_MAX &&
           replicas_fit(pl, array_rows_at_once(s, c->rows) == c->rows) &&
           s->adc_bits > 0 && codes_fit(&m, in_signed(p, c), &most);
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

/* The bit of a stored byte that is bit b of the inputs. */
static uint32_t stored_bit(const struct sliced_codes *c, uint32_t b)
{
    if (b >= c->input_bits)
        return NO_BIT;
    return b < BYTE_BITS ? b : c->is_signed ? BYTE_BITS - 1 : NO_BIT;
}

struct spread { // where a bit of the first row goes, of the first pixel
    uint32_t bit;
    uint16_t *to;
};

/* Of all bits that are there; returns how many. */
static uint32_t find_spread(const struct sliced_codes *c, const struct sliced_lanes_tile *t,
                            struct sliced_lanes_vector *x, struct spread *s)
{
    const uint32_t slots = t->pass->n / t->groups * t->pass->bits;
    uint32_t n = 0;

    for (uint32_t i = 0; i < t->groups * slots; i++) {
        const uint32_t bit = stored_bit(c, t->pass->first + i);
        uint32_t word = i / slots * (SLICED_LANES_WORDS / t->groups);
        if (bit != NO_BIT)
            s[n++] = (struct spread){ bit, &x[i % slots * (size_t)(t->rows + 1)].word[word] };
    }
    return n;
}

static void gather(const struct sliced_core *core, const struct sliced_lanes_tile *t,
                   const struct value_patch *p, uint32_t first, struct sliced_lanes_vector *x)
{
    const struct sliced_codes *c = core->codes;
    const uint8_t flip = c->is_signed ? 0x80 : 0;
    struct spread s[SLICED_LANES_WORDS * MOST_VALUE_BITS];
    const uint32_t n = find_spread(c, t, x, s);
    size_t row = 0;

    memset(x, 0, (size_t)(t->rows + 1) * (t->pass->n / t->groups) * t->pass->bits * sizeof *x);
    for (uint32_t r = 0; r < p->n_run; r++)
        for (uint32_t k = 0; k < p->steps; k++, row += QUAD)
            for (uint32_t i = 0; i < t->n; i++) {
                const uint8_t *pixel = p->in + (first + i) * p->in_step;
                uint16_t bits[SLICED_LANES_BITS][QUAD];
                core->kernel->bits(pixel + p->run[r] + (size_t)k * VALUE_BYTES, flip, bits);
                for (uint32_t b = 0; b < n; b++)
                    for (uint32_t q = 0; q < QUAD; q++)
                        s[b].to[(row + q) * SLICED_LANES_WORDS + i] = bits[s[b].bit][q];
            }
}

/* Adds the outputs of a block, in a tile; those that are not the core's stay 0. */
static uint64_t read_tile(const struct sliced_core *core, const struct value_sums_read *s,
                          const struct sliced_lanes_tile *t,
                          const struct sliced_lanes_column *column, uint32_t pixel)
{
    const struct sliced_codes *c = core->codes;
    uint32_t first = max_u32(s->first, c->out_first);
    uint32_t end = min_u32(s->first + s->outputs, c->out_first + c->out_n);
    const size_t apart = (size_t)s->outputs * VALUE_LANES;
    int32_t *sum = s->sum[0] + pixel * apart, ones[SLICED_LANES_WORDS][VALUE_LANES] = { { 0 } };
    uint64_t n_clipped = 0;

    if (c->ones) { // it is one for the core, whatever blocks its outputs are in
        uint64_t of_ones = core->kernel->column(t, &column[c->out_n], ones[0], VALUE_LANES);
        n_clipped += s->first <= c->out_first ? of_ones : 0;
    }
    for (uint32_t o = first; o < end; o++) {
        int32_t *to = sum + (size_t)(o - s->first) * VALUE_LANES;
        for (uint32_t i = 0; c->ones && i < t->n; i++)
            for (uint32_t lane = 0; lane < VALUE_LANES; lane++)
                to[i * apart + lane] += ones[i][lane];
        n_clipped += core->kernel->column(t, &column[o - c->out_first], to, apart);
    }
    return n_clipped;
}

/* The copy of a layer's first that computes a column. */
static struct sliced_core *copy_of(struct sliced_core *first, uint32_t column)
{
    return first + (size_t)plan_owner(first->plan, first->layer, column) * first->apart;
}

static void read_codes(void *user, const struct value_sums_read *s)
{
    struct sliced_core *core = copy_of(user, s->column);
    const struct sliced_codes *c = core->codes;
    struct sliced_lanes_vector *x = s->scratch;
    uint64_t n_clipped = 0;

    assert(s->patch.n_run * s->patch.steps == c->quads);
    memset(s->sum[0], 0, (size_t)s->n * s->outputs * VALUE_LANES * sizeof *s->sum[0]);
    for (uint32_t first = 0, n; first < s->n; first += n) {
        n = min_u32(s->n - first, SLICED_LANES_WORDS);
        for (uint32_t i = 0; i < c->n_pass; i++) {
            const struct sliced_lanes_pass *pass = &c->pass[i].digits;
            struct sliced_lanes_tile t = { .pass = pass, .x = x, .rows = c->quads * QUAD,
                                           .groups = 1, .n = n, .n_image = s->n_lane };
            while (2 * t.groups * n <= SLICED_LANES_WORDS && pass->n % (2 * t.groups) == 0)
                t.groups *= 2;
            gather(core, &t, &s->patch, first, x);
            n_clipped += read_tile(core, s, &t, c->pass[i].column, first);
        }
    }
    atomic_fetch_add(&core->clipped, n_clipped);
}

/* ---- making ---- */

/* The core's matrix as [output][channel][window], and which rows these are, from 1 on; 0: none. */
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
            matrix[i] = (int16_t)(i / c->columns + 1);
        kernel_matrix_kernels(&m, p, core, matrix, k->row);
        kernel_matrix_release(&m);
    }
    free(matrix);
    return done;
}

/* A column's rows in the order of the array: where their inputs are, and their weights. */
struct column_rows {
    uint32_t *place;  // owned; [n]; NO_PLACE: nobody's
    int32_t  *weight; // owned; [n]
    uint32_t  n;
    int32_t  *digit;  // owned; [places], of a term
    int32_t  *exact;  // owned; [places], of slices whose codes are their sums
    uint32_t  places;
};

/* Room for one more, doubled when it is used up. */
static void *grown(void *old, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return old;
    *room = *room ? 2 * *room : 256;
    return realloc(old, *room * size);
}

static bool append_row(struct sliced_codes *c, uint32_t row)
{
    uint16_t *at = grown(c->at, c->n_at, &c->at_room, sizeof *at);

    if (at) {
        c->at = at;
        c->at[c->n_at++] = (uint16_t)(row * SLICED_LANES_AT);
    }
    return at;
}

/* Places whose digits have this sign and this bit. */
static bool append_list(struct sliced_codes *c, const struct column_rows *r, bool negative,
                        uint8_t bit)
{
    struct sliced_lanes_list l = { .first = (uint32_t)c->n_at, .bit = bit, .negative = negative };
    bool done = true;

    for (uint32_t i = 0; done && i < r->places; i++)
        if ((r->digit[i] < 0) == negative && (abs(r->digit[i]) >> bit & 1))
            done = append_row(c, i);
    while (done && (c->n_at - l.first) % SLICED_LANES_PAD != 0)
        done = append_row(c, r->places);
    l.n = (uint32_t)(c->n_at - l.first);
    if (!done || l.n == 0)
        return done;
    struct sliced_lanes_list *list = grown(c->list, c->n_list, &c->list_room, sizeof *list);
    if (list) {
        c->list = list;
        c->list[c->n_list++] = l;
    }
    return list;
}

/* Sums of a pass that digits come to which add up to plus and to -minus. */
static struct sliced_lanes_reach reach_of(const struct sliced_lanes_pass *pass, int64_t plus,
                                          int64_t minus)
{
    const int64_t down = pass->both_signs ? INT64_C(1) << (pass->bits - 1) : 0;
    const int64_t up = (INT64_C(1) << pass->bits) - 1 - down;

    return (struct sliced_lanes_reach){ up * plus + down * minus, up * minus + down * plus };
}

/* The total of codes of a step. */
static uint8_t total_of(struct sliced_lanes_column *column, int64_t step)
{
    uint32_t k = 0;

    while (k < column->n_step && column->step[k] != step)
        k++;
    assert(k < SLICED_LANES_MOST_STEPS);
    column->n_step = max_u32(column->n_step, k + 1);
    column->step[k] = (int32_t)step;
    return (uint8_t)k;
}

/* What digits of r come to is converted; NULL: it is what it is. */
static bool append_term(struct sliced_codes *c, const struct sliced_lanes_pass *pass,
                        const struct column_rows *r, const struct converter *k, int32_t factor,
                        struct sliced_lanes_column *column)
{
    const struct converter exact = { 1, INT32_MIN, INT32_MAX };
    int64_t plus = 0, minus = 0, bits = 0;
    const size_t first = c->n_list;
    bool done = true;

    for (uint32_t i = 0; i < r->places; i++) {
        *(r->digit[i] < 0 ? &minus : &plus) += abs(r->digit[i]);
        bits |= abs(r->digit[i]);
    }
    if (bits == 0)
        return true;
    const struct sliced_lanes_reach reach = reach_of(pass, plus, minus);
    struct sliced_lanes_term t = sliced_lanes_term_of(&reach, k ? k : &exact, factor);
    for (uint8_t b = 0; done && bits >> b; b++)
        done = append_list(c, r, false, b) && append_list(c, r, true, b);
    t.first = (uint32_t)first;
    t.n = (uint32_t)(c->n_list - first);
    t.total = total_of(column, t.step);
    c->differ |= k != NULL;
    struct sliced_lanes_term *term = grown(c->term, c->n_term, &c->term_room, sizeof *term);
    if (term) {
        c->term = term;
        c->term[c->n_term++] = t;
        column->n_term++;
    }
    return done && term;
}

/* Slice j in the rows from `first` to `end`: a term, or some of the exact one. */
static bool append_slice(struct sliced_codes *c, const struct array_matrix *m,
                         const struct sliced_lanes_pass *pass, struct column_rows *r, uint32_t j,
                         uint32_t output, uint32_t first, uint32_t end,
                         struct sliced_lanes_column *column)
{
    const struct array_spec *s = m->spec;
    const bool ones = j == s->layout.n_slice;
    const struct converter k = converter_at(m, j, ones ? 0 : output, pass->both_signs);
    const int32_t factor = ones ? s->layout.ones : s->layout.slice[j].factor;
    int64_t plus = 0, minus = 0;
    bool done = true;

    for (uint32_t i = first; i < end; i++)
        if (r->place[i] != NO_PLACE) {
            int32_t digit = ones ? 1 : s->cell->digit(&s->weights, j, r->weight[i]);
            r->digit[r->place[i]] = digit;
            *(digit < 0 ? &minus : &plus) += abs(digit);
        }
    const struct sliced_lanes_reach reach = reach_of(pass, plus, minus);
    if (!converter_passes(&k, -reach.minus, reach.plus))
        done = append_term(c, pass, r, &k, factor, column);
    for (uint32_t i = first; i < end; i++)
        if (r->place[i] != NO_PLACE) {
            if (converter_passes(&k, -reach.minus, reach.plus))
                r->exact[r->place[i]] += factor * r->digit[r->place[i]];
            r->digit[r->place[i]] = 0;
        }
    return done;
}

static bool append_column(struct sliced_codes *c, const struct array_matrix *m, uint32_t pass,
                          struct column_rows *r, uint32_t output)
{
    const uint32_t n_slice = m->spec->layout.n_slice, at_once = array_rows_at_once(m->spec, r->n);
    const bool ones = output == c->out_n;
    const struct sliced_lanes_pass *digits = &c->pass[pass].digits;
    struct sliced_lanes_column *column = &c->pass[pass].column[output];
    bool done = true;

    memset(r->exact, 0, r->places * sizeof *r->exact);
    for (uint32_t row = 0; row < r->n; row += at_once)
        for (uint32_t j = ones ? n_slice : 0; done && j < n_slice + ones; j++)
            done = append_slice(c, m, digits, r, j, output, row, min_u32(row + at_once, r->n),
                                column);
    memcpy(r->digit, r->exact, r->places * sizeof *r->exact);
    done = done && append_term(c, digits, r, NULL, 1, column);
    memset(r->digit, 0, r->places * sizeof *r->digit);
    return done;
}

/* Where in a patch, as it is read, a kernel's weight is. */
static uint32_t place_of(const struct plan *p, const struct plan_core *pc, uint32_t quads,
                         uint32_t channel, uint32_t position)
{
    const uint32_t *kernel = p->layer[pc->plan_layer].window.kernel;
    uint32_t ch = pc->in_first % QUAD + channel;
    uint32_t at = position % kernel[1] * kernel[0] + position / kernel[1];

    return (at * quads + ch / QUAD) * QUAD + ch % QUAD;
}

/* Rows of an output; those of the column of ones are added to *ones. */
static void find_rows(struct column_rows *r, struct column_rows *ones, const struct kernels *k,
                      const struct plan *p, const struct plan_core *pc, uint32_t output)
{
    const uint32_t *kernel = p->layer[pc->plan_layer].window.kernel;
    const uint32_t positions = kernel[0] * kernel[1], n = pc->in_n * positions;
    const size_t first = (size_t)output * n;

    for (uint32_t i = 0; i < r->n; i++)
        r->place[i] = NO_PLACE;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = (uint16_t)k->row[first + i];
        if (row == 0)
            continue;
        r->place[row - 1] = place_of(p, pc, r->places / QUAD / positions, i / positions,
                                     i % positions);
        r->weight[row - 1] = k->weight[first + i];
        ones->place[row - 1] = r->place[row - 1];
    }
}

static bool column_rows_init(struct column_rows *r, uint32_t n, uint32_t places)
{
    *r = (struct column_rows){ malloc(n * sizeof *r->place), calloc(n, sizeof *r->weight), n,
                               calloc(places, sizeof *r->digit), calloc(places, sizeof *r->exact),
                               places };
    for (uint32_t i = 0; r->place && i < n; i++)
        r->place[i] = NO_PLACE;
    return r->place && r->weight && r->digit && r->exact;
}

static void column_rows_release(struct column_rows *r)
{
    free(r->place);
    free(r->weight);
    free(r->digit);
    free(r->exact);
}

static bool make_columns(struct sliced_codes *c, const struct array_matrix *m, const struct plan *p,
                         uint32_t core)
{
    const struct plan_core *pc = &p->core[core];
    struct column_rows r, ones;
    struct kernels k;
    bool done = column_rows_init(&r, pc->rows, c->quads * QUAD);

    done = column_rows_init(&ones, pc->rows, c->quads * QUAD) && done;
    done = find_kernels(&k, p, core) && done;
    for (uint32_t i = 0; i < c->n_pass; i++) {
        c->pass[i].column = calloc((size_t)c->out_n + 1, sizeof *c->pass[i].column);
        done = done && c->pass[i].column;
    }
    for (uint32_t i = 0; done && i < c->n_pass; i++)
        for (uint32_t o = 0; done && o < c->out_n + c->ones; o++) {
            if (o < c->out_n)
                find_rows(&r, &ones, &k, p, pc, o);
            done = append_column(c, m, i, o < c->out_n ? &r : &ones, o);
        }
    const struct sliced_lanes_term *term = c->term; // where they stay
    for (uint32_t i = 0; done && i < c->n_pass; i++)
        for (uint32_t o = 0; o < c->out_n + c->ones; term += c->pass[i].column[o++].n_term) {
            c->pass[i].column[o].term = term;
            c->pass[i].column[o].list = c->list;
            c->pass[i].column[o].at = c->at;
        }
    column_rows_release(&r);
    column_rows_release(&ones);
    free(k.weight);
    free(k.row);
    return done;
}

static bool make_codes(struct sliced_codes *c, const struct array_matrix *m, const struct plan *p)
{
    const struct plan_core *pc = &p->core[m->core];
    struct sliced_lanes_pass pass[MOST_PASSES];

    c->out_first = pc->out_first;
    c->out_n = pc->out_n;
    c->quads = quads_of(p, pc);
    c->ones = m->spec->layout.ones != 0;
    c->is_signed = in_signed(p, pc);
    c->input_bits = m->spec->reads.input_bits;
    c->n_pass = find_passes(&m->spec->reads, c->is_signed, pass);
    for (uint32_t i = 0; i < c->n_pass; i++)
        c->pass[i].digits = pass[i];
    return make_columns(c, m, p, m->core);
}

/* Copies keep the same weights; only calibration sets them apart. */
static bool make_core(struct sliced_core *c, const struct plan *p, uint32_t core,
                      const struct ranges *ranges)
{
    const struct plan_core *pc = &p->core[core];
    const struct plan_layer *pl = &p->layer[pc->plan_layer];
    const struct array_matrix m = matrix_of(p, core, ranges);
    struct sliced_core *first;
    int64_t most;

    c->plan = p;
    c->layer = pc->plan_layer;
    c->apart = pl->parts * pl->splits;
    first = c - (size_t)pc->copy * c->apart;
    c->codes = pl->array.calibrated ? &c->own : &first->own;
    if (!codes_fit(&m, in_signed(p, pc), &most) ||
        (c->codes == &c->own && !make_codes(&c->own, &m, p)))
        return false;
    first->reader.most = max_i64(first->reader.most, most);
    for (uint32_t i = 0; c == first && i < c->own.n_pass; i++) {
        const struct sliced_lanes_pass *d = &c->own.pass[i].digits;
        const size_t bits = ((size_t)c->own.quads * QUAD + 1) * d->n * d->bits;
        first->reader.scratch = max_u64(first->reader.scratch,
                                        bits * sizeof(struct sliced_lanes_vector));
    }
    return true;
}

static void release_codes(struct sliced_codes *c)
{
    for (uint32_t k = 0; k < c->n_pass; k++)
        free(c->pass[k].column);
    free(c->term);
    free(c->list);
    free(c->at);
    *c = (struct sliced_codes){ 0 };
}

/* The cores of a layer of the plan; none where no code can differ from its sum by these weights. */
static bool make_layer(struct sliced_layers *l, const struct plan *p, uint32_t layer,
                       const struct ranges *ranges, const struct sliced_lanes_kernel *kernel)
{
    const struct plan_layer *pl = &p->layer[layer];
    struct value_cores *cores = &l->layer[pl->layer];
    bool done = true, differ = false;

    for (uint32_t i = pl->first_core; done && i < pl->first_core + pl->n_core; i++) {
        const struct plan_core *c = &p->core[i];
        l->own[i].kernel = kernel;
        l->own[i].reader.read = read_codes;
        l->own[i].reader.user = &l->own[i];
        l->core[i] = (struct value_core){ .out_first = c->out_first, .out_n = c->out_n,
                                          .in_first = c->in_first, .in_n = c->in_n,
                                          .reader = &l->own[i].reader };
        done = make_core(&l->own[i], p, i, ranges);
        differ |= l->own[i].own.differ;
    }
    for (uint32_t i = pl->first_core; !differ && i < pl->first_core + pl->n_core; i++)
        release_codes(&l->own[i].own);
    if (differ) // those of the first copy stand in front
        *cores = (struct value_cores){ &l->core[pl->first_core], pl->parts * pl->splits };
    return done;
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
    for (uint32_t i = 0; done && i < p->n_layer; i++)
        if (!layer_is_digital(plan_network_layer(p, i)) && !layer_is_exact(p, i))
            done = make_layer(l, p, i, ranges, kernel);
    if (done)
        return l;
    sliced_layers_free(l);
    return NULL;
}

void sliced_layers_free(struct sliced_layers *l)
{
    if (!l)
        return;
    for (uint32_t i = 0; l->own && i < l->n_core; i++)
        release_codes(&l->own[i].own);
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
