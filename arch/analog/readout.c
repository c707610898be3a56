/* arch/analog/readout.c -- see readout.h. */
#include "arch/analog/readout.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "arch/analog/draw.h"
#include "arch/units/ranges.h"
#include "core/util.h"

struct analog_count {
    atomic_uint_fast64_t n;
};

/* Where the draws of an effect begin: at a core's part, of all copies where they share them. */
static struct rng place_of(const struct analog_devices *d, const char *what, bool copies,
                           uint32_t part)
{
    struct rng r = rng_in(rng_in(rng_at(d->spec->seed, what), d->chip), d->layer);

    r = copies ? rng_in(r, d->copy) : r;
    return rng_in(rng_in(rng_in(r, d->group), d->part), part);
}

static bool has_signed_inputs(const struct plan *p, uint32_t core)
{
    return p->network->layer[plan_network_layer(p, p->core[core].plan_layer)->input[0]].out_signed;
}

/* The largest input of a core. */
static double full_input(const struct plan *p, uint32_t core)
{
    uint32_t bits = p->layer[p->core[core].plan_layer].array.reads.input_bits;

    return (1 << (has_signed_inputs(p, core) ? bits - 1 : bits)) - 1;
}

static struct analog_converter *make_converters(const struct analog_readout *r,
                                                const struct plan *p, uint32_t core,
                                                const struct analog_devices *d, bool signs)
{
    const struct analog_spec *s = d->spec;
    const struct plan_core *pc = &p->core[core];
    const struct array_spec *array = &p->layer[pc->plan_layer].array;
    const struct array_matrix matrix = { .spec = array, .ranges = s->ranges, .core = core,
                                         .columns = r->columns };
    struct analog_converter *all = calloc((size_t)r->parts * r->columns, sizeof *all);

    for (uint32_t part = 0; all && part < r->parts; part++) {
        bool both = signs || array->layout.slice[part].least < 0;
        struct analog_converter *to = all + (size_t)part * r->columns;
        for (uint32_t c = 0; c < r->columns; c++)
            to[c] = analog_converter_of(array->adc_bits, converter_range(&matrix, part, c), both);
        struct rng place = place_of(d, "converter", true, part);
        for (uint32_t q = 0; q < d->replicas; q++)
            analog_converters_spread(to + (size_t)q * d->outputs, d->outputs, s->adc_gain_sd,
                                     s->adc_offset_sd, place, d->replica[q]);
    }
    return all;
}

/* Of inputs in several digits, only the top one's may be negative. */
static bool make_all_converters(struct analog_readout *r, const struct plan *p, uint32_t core,
                                const struct analog_devices *d)
{
    const struct reads_cfg *reads = &p->layer[p->core[core].plan_layer].array.reads;
    bool in_signed = has_signed_inputs(p, core), cut = reads->input_slice_bits < reads->input_bits;

    r->converter = make_converters(r, p, core, d, in_signed && !cut);
    r->either = in_signed && cut ? make_converters(r, p, core, d, true) : NULL;
    return r->converter && (r->either || !in_signed || !cut);
}

bool analog_readout_init(struct analog_readout *r, const struct plan *p, uint32_t core,
                         const struct analog_devices *d, uint32_t parts, double t_s)
{
    uint64_t time;
    const struct plan_core *pc = &p->core[core];
    const struct layer *l = plan_network_layer(p, pc->plan_layer);

    *r = (struct analog_readout){
        .columns = d->columns, .outputs = d->outputs, .k = UINT32_C(1) << ANALOG_SCALE_BIT,
        .parts = parts, .most = (INT64_C(1) << 30) / p->layer[pc->plan_layer].parts,
        .noise = d->spec->adc_noise, .out_first = pc->out_first, .height = l->out.height,
        .quads = (uint32_t)ceil_div(l->out.channels, ANALOG_QUAD),
        .full = d->spec->through_adc ? full_input(p, core) * analog_unit(d) : 0,
        .clipped = calloc(1, sizeof *r->clipped),
    };
    memcpy(&time, &t_s, sizeof time);
    for (uint32_t part = 0; part < r->parts; part++) {
        r->place[part] = place_of(d, "conversion", false, part);
        r->each[part] = rng_in(place_of(d, "product", false, part), time);
    }
    if (r->clipped && (!d->spec->converted || make_all_converters(r, p, core, d)))
        return true;
    analog_readout_release(r);
    return false;
}

void analog_readout_add_clipped(const struct analog_readout *r, uint64_t n)
{
    atomic_fetch_add(&r->clipped->n, n);
}

uint64_t analog_readout_take_clipped(const struct analog_readout *r)
{
    return atomic_exchange(&r->clipped->n, 0);
}

void analog_readout_release(struct analog_readout *r)
{
    free(r->column_k);
    free(r->converter);
    free(r->either);
    free(r->clipped);
    *r = (struct analog_readout){ 0 };
}

/* ---- compensation ---- */

void analog_readout_see(const struct analog_readout *r, const struct analog_matrix *m,
                        double *seen)
{
    uint64_t unused = 0;

    for (uint32_t c = 0; c < r->columns; c++) {
        double all = m->seen[c];
        for (uint32_t i = 1; i < m->devices; i++)
            all += m->seen[i * r->columns + c];
        seen[c] = r->full > 0 ? 0 : all;
        for (uint32_t i = 0; r->full > 0 && i < r->parts; i++) {
            double v = r->parts == 1 ? all : m->seen[i * r->columns + c];
            seen[c] += (double)analog_convert(&r->converter[i * r->columns + c],
                                              llrint(v * r->full), 0, &unused) / r->full;
        }
    }
}

bool analog_readout_scale_columns(struct analog_readout *r, const double *reference,
                                  const double *seen)
{
    r->column_k = calloc(r->columns, sizeof *r->column_k);
    for (uint32_t c = 0; r->column_k && c < r->columns; c++)
        r->column_k[c] = analog_scale(reference[c], seen[c]);
    return r->column_k;
}

static uint32_t scale_of(const struct analog_readout *r, uint32_t column)
{
    return r->column_k ? r->column_k[column] : r->k;
}

int64_t analog_readout_most(const struct analog_readout *r)
{
    int64_t most = 0;

    for (uint32_t c = 0; r->converter && c < r->columns; c++) {
        int64_t sum = 0;
        for (uint32_t i = 0; i < r->parts; i++) {
            const struct converter *code = &r->converter[i * r->columns + c].code;
            sum += (code->most > -code->least ? code->most : -code->least) * code->step;
        }
        sum = analog_digital(sum, scale_of(r, c));
        most = sum > most ? sum : most;
    }
    return most;
}

/* ---- reads ---- */

/* Where the noise of channel quad `quad` of output pixel (row, column) begins, in pairs. */
static uint64_t pair_of(const struct analog_readout *r, uint32_t row, uint32_t column,
                        uint32_t quad)
{
    return (((uint64_t)column * r->quads + quad) * r->height + row) * (ANALOG_QUAD / 2);
}

int64_t analog_readout_code(const struct analog_readout *r, const struct analog_read *one,
                            int64_t v, uint64_t *n_clipped)
{
    const struct analog_converter *c = one->both_signs && r->either ? r->either : r->converter;

    if (!c)
        return v;
    double noise = r->noise > 0 ? r->noise * analog_readout_draw(r, one, false) : 0;
    return analog_convert(&c[one->part * r->columns + one->column], v, noise, n_clipped);
}

double analog_readout_draw(const struct analog_readout *r, const struct analog_read *one,
                           bool of_array)
{
    struct rng place = rng_in(of_array ? r->each[one->part] : r->place[one->part], one->at->image);
    uint32_t channel = r->out_first + one->output, in_quad = channel % ANALOG_QUAD;
    double drawn[2];

    place = one->read > 0 ? rng_in(place, one->read) : place;
    draw_normals(place, pair_of(r, one->at->row, one->at->column, channel / ANALOG_QUAD) +
                        in_quad / 2, 1, drawn);
    return drawn[in_quad % 2];
}

int64_t analog_readout_scaled(const struct analog_readout *r, uint32_t column, int64_t v)
{
    return analog_digital(v, scale_of(r, column));
}

/* n sums of a column, `apart` from one to the next, become y; noise[parts]: [n] each, or NULL. */
static uint64_t read_column(const struct analog_readout *r, uint32_t column, uint32_t n,
                            int32_t *sum, const int32_t *minus, const double *const *noise)
{
    const struct analog_converter *plus = r->converter ? &r->converter[column] : NULL;
    const struct analog_converter *other = plus && r->parts > 1 ? plus + r->columns : NULL;
    uint32_t k = scale_of(r, column);
    uint64_t clipped = 0;

    for (uint32_t i = 0; !plus && i < n; i++)
        sum[i] = (int32_t)analog_scaled(sum[i], k);
    for (uint32_t i = 0; plus && i < n; i++) {
        int64_t v = analog_convert(plus, sum[i], noise ? noise[0][i] : 0, &clipped);
        if (other)
            v -= analog_convert(other, minus[i], noise ? noise[1][i] : 0, &clipped);
        sum[i] = (int32_t)analog_digital(v, k);
    }
    return clipped;
}

uint64_t analog_readout_pixel(const struct analog_readout *r, const struct pixel *at,
                              uint32_t replica, int32_t *sum, const int32_t *minus)
{
    double drawn[ANALOG_PAIR][ANALOG_QUAD];
    uint64_t clipped = 0;

    for (uint32_t o = 0; o < r->outputs; o++) {
        uint32_t channel = r->out_first + o, in_quad = channel % ANALOG_QUAD;
        const double *noise[] = { drawn[0] + in_quad, drawn[1] + in_quad };
        for (uint32_t i = 0; r->noise > 0 && i < r->parts && (o == 0 || in_quad == 0); i++) {
            draw_normals(rng_in(r->place[i], at->image),
                         pair_of(r, at->row, at->column, channel / ANALOG_QUAD), ANALOG_QUAD / 2,
                         drawn[i]);
            for (uint32_t j = 0; j < ANALOG_QUAD; j++)
                drawn[i][j] *= r->noise;
        }
        clipped += read_column(r, replica * r->outputs + o, 1, &sum[o], &minus[o],
                               r->noise > 0 ? noise : NULL);
    }
    return clipped;
}

enum { STRETCH = 16 }; // rows whose noise is drawn at once

struct stretch { // noise of rows [from, from + n) of a quad
    double part[ANALOG_PAIR][STRETCH][ANALOG_QUAD][ANALOG_LANES];
};

static void draw_stretch(const struct analog_readout *r, const struct analog_lanes *l,
                         uint32_t quad, uint32_t from, uint32_t n, struct stretch *s)
{
    double drawn[STRETCH * ANALOG_QUAD];

    for (uint32_t i = 0; i < r->parts; i++)
        for (uint32_t lane = 0; lane < l->n_lane; lane++) {
            draw_normals(rng_in(r->place[i], l->image + lane), pair_of(r, from, l->column, quad),
                         n * (ANALOG_QUAD / 2), drawn);
            for (uint32_t k = 0; k < n * ANALOG_QUAD; k++)
                s->part[i][k / ANALOG_QUAD][k % ANALOG_QUAD][lane] = r->noise * drawn[k];
        }
}

/* Rows [from, from + n) of the quad of outputs that begins with output `first` of *l. */
static uint64_t read_stretch(const struct analog_readout *r, const struct analog_lanes *l,
                             uint32_t first, uint32_t from, uint32_t n, const struct stretch *s)
{
    uint64_t clipped = 0;

    for (uint32_t x = 0; x < n; x++)
        for (uint32_t o = 0; o < ANALOG_QUAD; o++) {
            size_t at = ((size_t)(from + x) * l->outputs + first + o) * ANALOG_LANES;
            uint32_t column = l->first + first + o - r->out_first; // beyond, too, below the first
            const double *noise[] = { s->part[0][x][o], s->part[1][x][o] };
            if (column >= r->outputs)
                memset(&l->sum[at], 0, ANALOG_LANES * sizeof *l->sum);
            else
                clipped += read_column(r, column, l->n_lane, &l->sum[at],
                                       l->minus ? &l->minus[at] : NULL,
                                       r->noise > 0 ? noise : NULL);
        }
    return clipped;
}

uint64_t analog_readout_lanes(const struct analog_readout *r, const struct analog_lanes *l)
{
    struct stretch s;
    uint64_t clipped = 0;

    for (uint32_t first = 0; first < l->outputs; first += ANALOG_QUAD)
        for (uint32_t from = 0, n; from < l->n; from += n) {
            n = min_u32(l->n - from, STRETCH);
            if (r->noise > 0)
                draw_stretch(r, l, (l->first + first) / ANALOG_QUAD, from, n, &s);
            clipped += read_stretch(r, l, first, from, n, &s);
        }
    return clipped;
}
