/* network/values/lanes.c -- runs up to VALUE_LANES images through a network; see values.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/pages.h"
#include "core/util.h"
#include "network/precision.h"
#include "network/spiking/spikes.h"
#include "network/values/plain.h"
#include "network/values/prepared.h"

struct value_lanes {
    const struct values *v;
    struct plain        *plain;  // owned; of a network that leaves the byte: all below is empty
    struct spikes       *spikes; // owned; likewise, of one of neurons
    uint8_t             *byte;   // owned; of all maps
    int32_t             *sums;   // owned; [v->most_matrices], of a column of one block
    int32_t             *total;  // owned; likewise, of those of several cores
    void                *scratch; // owned; of readers of sums
    uint32_t            *bit;    // owned; [v->most_bits]
    size_t              *run;    // owned; [v->most_runs]
    const uint8_t      **column; // owned; [v->most_columns]
    void                *room;   // owned; of layers of tokens
    uint64_t             number; // of the first image
    /* While a run goes on: */
    const uint8_t *image;
    uint32_t       n;
    int64_t       *result;
    const struct value_watch *watch;
};

static struct value_map map_of(const struct value_lanes *l, uint32_t spec)
{
    struct value_map m = l->v->spec[spec].map;

    m.byte = l->byte + l->v->spec[spec].begin;
    return m;
}

static struct value_map packed_map_of(const struct value_lanes *l, uint32_t spec)
{
    struct value_map m = l->v->spec[spec].packed;

    m.byte = l->byte + l->v->spec[spec].packed_begin;
    return m;
}

/* The border of every column there is, and a column of nothing else. */
static void fill_border(const struct value_map *m)
{
    uint8_t *column = (uint8_t *)m->byte; // of ours
    size_t above = m->before[0] * m->pixel_bytes, below = m->after[0] * m->pixel_bytes;

    for (uint32_t i = 0; i < value_columns(m); i++, column += m->column_bytes) {
        if (i == m->kept) {
            memset(column, m->zero, m->column_bytes);
        } else {
            memset(column, m->zero, above);
            memset(column + m->column_bytes - below, m->zero, below);
        }
    }
}

/* n pixels of a column, the border's counted, are packed for layers that count. */
static void pack_pixels(const struct value_lanes *l, uint32_t spec, size_t column, size_t first,
                        uint32_t n)
{
    const struct value_map m = map_of(l, spec), packed = packed_map_of(l, spec);
    size_t to = column * packed.column_bytes + first * packed.pixel_bytes;

    l->v->counter->pack(&m, m.byte + column * m.column_bytes + first * m.pixel_bytes, n,
                        (uint8_t *)packed.byte + to); // of ours
}

static void pack_border(const struct value_lanes *l, uint32_t spec)
{
    const struct value_map *m = &l->v->spec[spec].packed;

    for (size_t i = 0; m->kept > 0 && i < value_columns(m); i++)
        pack_pixels(l, spec, i, 0, m->before[0] + m->shape.height + m->after[0]);
}

struct value_lanes *value_lanes_new(const struct values *v)
{
    struct value_lanes *l = calloc(1, sizeof *l);

    if (!l)
        return NULL;
    if (v->plain) {
        *l = (struct value_lanes){ .v = v };
        if (network_is_spiking(v->network))
            l->spikes = spikes_new(v->network);
        else
            l->plain = plain_new(v->network);
        if (l->plain || l->spikes)
            return l;
        free(l);
        return NULL;
    }
    *l = (struct value_lanes){ .v = v,
                               .byte = pages_new(v->lane_bytes),
                               .sums = pages_new(v->most_sums * max_u32(v->most_matrices, 1) *
                                                 sizeof *l->sums),
                               .total = pages_new(v->most_sums * sizeof *l->total),
                               .scratch = pages_new(v->most_scratch),
                               .bit = pages_new(v->most_bits * sizeof *l->bit),
                               .run = calloc(v->most_runs + 1, sizeof *l->run),
                               .column = calloc(v->most_columns + 1, sizeof *l->column),
                               .room = pages_new(v->token_room) };
    if (!l->room || !l->byte || !l->sums || !l->total || !l->scratch || !l->bit || !l->run ||
        !l->column) {
        value_lanes_free(l);
        return NULL;
    }
    for (uint32_t i = 0; i < v->n_spec; i++) {
        const struct value_map m = map_of(l, i);
        fill_border(&m);
        pack_border(l, i);
    }
    return l;
}

void value_lanes_free(struct value_lanes *l)
{
    if (!l)
        return;
    plain_free(l->plain);
    spikes_free(l->spikes);
    free(l->byte);
    free(l->sums);
    free(l->total);
    free(l->scratch);
    free(l->bit);
    free(l->run);
    free(l->column);
    free(l->room);
    free(l);
}

void value_lanes_number(struct value_lanes *l, uint64_t image)
{
    l->number = image;
}

/* ---- maps ---- */

static uint8_t *pixel_at(const struct value_map *m, uint32_t x, uint32_t y)
{
    return (uint8_t *)value_pixel(m, x, y); // of ours
}

/* Images in lanes: n bytes, at most a quad, of every image. */
static inline void spread_quad(const struct value_lanes *l, const uint8_t *from, size_t n,
                               uint32_t flip, uint8_t *to)
{
    const size_t apart = values_image_bytes(l->v);

    for (uint32_t lane = 0; lane < l->n; lane++, from += apart, to += VALUE_QUAD) {
        uint32_t quad = 0;
        memcpy(&quad, from, n);
        quad ^= flip;
        memcpy(to, &quad, sizeof quad);
    }
}

static void spread(struct value_lanes *l, const struct value_step *s, uint32_t y)
{
    const struct value_map m = map_of(l, s->spec);
    const uint8_t *end = l->image + values_image_bytes(l->v);
    uint32_t channels = m.shape.channels, flip = m.is_signed ? 0x80808080 : 0;

    for (uint32_t x = 0; x < m.shape.height; x++) {
        const uint8_t *from = l->image + ((size_t)y * m.shape.height + x) * channels;
        uint8_t *to = pixel_at(&m, x, y);
        for (uint32_t c = 0; c < channels; c += VALUE_QUAD, to += VALUE_BYTES) {
            if (end - (from + c) >= VALUE_QUAD) // more than channels, maybe, which fill up
                spread_quad(l, from + c, VALUE_QUAD, flip, to);
            else
                spread_quad(l, from + c, (size_t)(end - (from + c)), flip, to);
        }
    }
}

/* Copies n channels of a pixel to channels `first` on of another. */
static void copy_channels(uint8_t *to, uint32_t first, const uint8_t *from, uint32_t n)
{
    if (first % VALUE_QUAD == 0 && n % VALUE_QUAD == 0) {
        memcpy(to + first / VALUE_QUAD * VALUE_BYTES, from, (size_t)n / VALUE_QUAD * VALUE_BYTES);
        return;
    }
    for (uint32_t c = 0; c < n; c++) {
        uint32_t o = first + c;
        for (uint32_t lane = 0; lane < VALUE_LANES; lane++)
            to[o / VALUE_QUAD * VALUE_BYTES + lane * VALUE_QUAD + o % VALUE_QUAD] =
                from[c / VALUE_QUAD * VALUE_BYTES + lane * VALUE_QUAD + c % VALUE_QUAD];
    }
}

/* The same of channels that become sums, or are some. */
static void copy_sums(int32_t *to, const struct value_map *m, uint32_t x, uint32_t y)
{
    const uint8_t *from = value_pixel(m, x, y);
    const uint32_t n = m->shape.channels, offset = m->is_signed ? 128 : 0;

    if (m->sums) {
        memcpy(to, from, (size_t)n * VALUE_LANES * sizeof *to);
        return;
    }
    for (uint32_t c = 0; c < n; c++, from += c % VALUE_QUAD == 0 ? VALUE_BYTES : 0)
        for (uint32_t lane = 0; lane < VALUE_LANES; lane++)
            *to++ = from[lane * VALUE_QUAD + c % VALUE_QUAD] - (int32_t)offset;
}

static void concatenate(struct value_lanes *l, const struct value_step *s, uint32_t y)
{
    const struct value_spec *spec = &l->v->spec[s->spec];
    const struct value_map to = map_of(l, s->spec);
    uint32_t first = 0;

    for (uint32_t i = 0; i < spec->n_input; i++) {
        const struct value_map from = map_of(l, spec->input[i]);
        for (uint32_t x = 0; x < to.shape.height; x++) {
            uint8_t *pixel = pixel_at(&to, x, y);
            if (to.sums)
                copy_sums((int32_t *)(void *)pixel + (size_t)first * VALUE_LANES, &from, x, y);
            else
                copy_channels(pixel, first, value_pixel(&from, x, y), from.shape.channels);
        }
        first += from.shape.channels;
    }
}

/* ---- layers with weights ---- */

static void finish(const struct value_lanes *l, const struct value_scale *s, uint32_t channel,
                   const int32_t (*sum)[VALUE_LANES], const uint8_t *residual, uint8_t *out)
{
    if (s->in_doubles)
        l->v->kernel->finish(s, channel, sum, residual, out);
    else if (s->steps)
        l->v->kernel->look_up(s, channel, sum, residual, out);
    else
        value_finish_exact(s, channel, sum, residual, out);
}

static void finish_sums(const struct value_lanes *l, const struct value_column *c)
{
    const int32_t(*sum)[VALUE_LANES] = (const int32_t(*)[VALUE_LANES])(const void *)c->sums;

    for (uint32_t i = 0; i < c->n; i++)
        for (uint32_t q = 0; q < c->quads; q++, sum += VALUE_QUAD)
            finish(l, c->scale, c->channel + q * VALUE_QUAD, sum,
                   c->residual ? c->residual + i * c->residual_step + q * VALUE_BYTES : NULL,
                   c->out + i * c->out_step + q * VALUE_BYTES);
}

/* Sums of pixels from number `pixel` on leave the layer as they are. */
static void put_sums(const struct value_column *c, const struct value_map *out, size_t pixel)
{
    const uint32_t outputs = c->quads * VALUE_QUAD;
    const uint64_t *b = c->scale->b + c->channel;
    const int32_t *sum = c->sums;

    for (uint32_t k = 0; k < c->n; k++, pixel++) {
        int32_t *to = (int32_t *)(void *)pixel_at(out, (uint32_t)(pixel % out->shape.height),
                                                  (uint32_t)(pixel / out->shape.height));
        to += (size_t)c->channel * VALUE_LANES;
        for (uint32_t i = 0; i < outputs; i++)
            for (uint32_t lane = 0; lane < VALUE_LANES; lane++)
                *to++ = (int32_t)((uint32_t)*sum++ + (uint32_t)b[i]);
    }
}

/* What a block of pixels, from number `pixel` on, becomes of sums. */
static void deliver(const struct value_lanes *l, const struct value_column *c,
                    const struct value_map *out, size_t pixel)
{
    if (out->sums)
        put_sums(c, out, pixel);
    else if (c->sums)
        finish_sums(l, c);
}

/* Where the runs of the window of output column y lie in the map, `rows` of each of its columns. */
static void find_runs(struct value_lanes *l, uint32_t index, const struct value_map *in,
                      uint32_t y, uint32_t rows)
{
    const struct window *w = &l->v->network->layer[index].window;
    size_t *run = l->run;

    for (uint32_t j = 0; j < w->kernel[1]; j++) {
        int64_t at = window_begin(w, 1, y) + (int64_t)j * w->dilation[1];
        uint32_t column = at < 0 || at >= in->shape.width ? in->kept : (uint32_t)at % in->kept;
        for (uint32_t i = 0; i < rows; i++)
            *run++ = column * in->column_bytes + (size_t)i * w->dilation[0] * in->pixel_bytes;
    }
}

/* Column y of a layer, of some rows of runs, at its first output. */
static struct value_column column_of(const struct value_lanes *l, uint32_t index,
                                     const struct value_map *in, const struct value_map *out,
                                     uint32_t y, uint32_t rows)
{
    const struct layer *layer = &l->v->network->layer[index];
    const struct window *w = &layer->window;
    const struct value_map residual = map_of(l, layer->has_residual ? layer->residual : index);

    return (struct value_column){
        .in = in->byte + (size_t)(in->before[0] + window_begin(w, 0, 0)) * in->pixel_bytes,
        .in_step = w->stride[0] * in->pixel_bytes,
        .run = l->run,
        .n_run = rows * w->kernel[1],
        .n = layer->out.height,
        .scale = &l->v->layer[index].scale,
        .residual = layer->has_residual ? value_pixel(&residual, 0, y) : NULL,
        .residual_step = residual.pixel_bytes,
        .out = pixel_at(out, 0, y),
        .out_step = out->pixel_bytes,
    };
}

/* On to the outputs n quads further. */
static void skip_quads(struct value_column *c, uint32_t n)
{
    c->channel += n * VALUE_QUAD;
    c->residual = c->residual ? c->residual + (size_t)n * VALUE_BYTES : NULL;
    c->out += (size_t)n * VALUE_BYTES;
}

/* What a reader makes of sums is added up. */
static void read_sums(const struct value_lanes *l, const struct value_read *r, uint32_t y,
                      const struct value_column *c, const struct value_reading *reading)
{
    struct value_sums_read s = { r->first, reading->outputs, y, reading->n, l->number, l->n,
                                 { c->in, c->in_step, c->run, c->n_run, c->steps },
                                 { l->sums }, l->scratch };
    const int32_t *sum = l->sums;
    int32_t *total = reading->total;

    for (uint32_t m = 1; m < r->matrices; m++)
        s.sum[m] = l->sums + m * l->v->most_sums;
    r->reader->read(r->reader->user, &s);
    for (uint32_t i = 0; i < s.n; i++)
        for (uint32_t o = 0; o < s.outputs; o++)
            for (uint32_t lane = 0; lane < VALUE_LANES; lane++, total++)
                *total = *sum++ + (reading->start ? reading->start[o] : *total);
}

/* Sums of several cores, each read by itself. */
static void convolve_cores(struct value_lanes *l, uint32_t index, const struct value_map *in,
                           const struct value_map *out, uint32_t y)
{
    const struct value_layer *own = &l->v->layer[index];

    for (uint32_t k = 0; k < own->n_read; k++) {
        const struct value_read *r = &own->read[k];
        struct value_column c = column_of(l, index, in, out, y, r->rows);
        skip_quads(&c, r->first / VALUE_QUAD);
        c.in += r->in_quad * VALUE_BYTES;
        c.steps = r->steps;
        c.quads = r->quads;
        find_runs(l, index, in, y, r->rows);
        for (uint32_t m = 0; m < r->matrices; m++) {
            c.start = r->start[m];
            c.sums = l->sums + m * l->v->most_sums;
            l->v->kernel->wide_column(&c, l->v->wide + r->weight[m]);
        }
        const struct value_reading reading = {
            .sum = l->sums, .total = l->total, .start = r->opens ? own->start + r->first : NULL,
            .n = c.n, .outputs = c.quads * VALUE_QUAD, .scale = r->scale };
        if (r->reader)
            read_sums(l, r, y, &c, &reading);
        else
            l->v->kernel->read(&reading);
        c.sums = l->total;
        if (r->closes && l->watch && l->watch->sums)
            l->watch->sums(l->watch->user, index, r->first, r->quads * VALUE_QUAD, c.n, c.sums,
                           l->n);
        if (r->closes)
            deliver(l, &c, out, (size_t)y * c.n);
    }
}

/* Pixels that are computed together: of column y, or n from some pixel on of a map whose pixels
 * stand one behind the other. */
struct pixels {
    uint32_t y, first, n;
};

static void convolve(struct value_lanes *l, uint32_t index, const struct value_map *in,
                     const struct value_map *out, const struct pixels *p)
{
    const struct layer *layer = &l->v->network->layer[index];
    const struct value_layer *own = &l->v->layer[index];
    const struct value_map residual = map_of(l, layer->has_residual ? layer->residual : index);

    find_runs(l, index, in, p->y, own->rows);
    struct value_column c = column_of(l, index, in, out, p->y, own->rows);
    const uint8_t *window = c.in + p->first * in->pixel_bytes;
    c.n = p->n;
    c.steps = own->steps;
    c.sums = own->scale.in_doubles ? NULL : l->sums;
    c.out += p->first * out->pixel_bytes;
    c.residual = c.residual ? c.residual + p->first * residual.pixel_bytes : NULL;
    for (uint32_t k = 0; k < own->n_block; skip_quads(&c, own->block[k++].quads)) {
        const struct value_block *b = &own->block[k];
        c.in = window + b->in_quad * VALUE_BYTES;
        c.weight = l->v->weight + b->weight;
        c.saturates = l->v->saturates ? l->v->saturates + b->weight / VALUE_STEP : NULL;
        c.start = own->start + b->first;
        c.quads = b->quads;
        l->v->kernel->column(&c);
        deliver(l, &c, out, (size_t)p->y * layer->out.height + p->first);
    }
}

/* The same by counting packed pixels. */
static void count(struct value_lanes *l, uint32_t index, const struct value_map *in,
                  const struct value_map *out, uint32_t y)
{
    const struct value_counter *counter = l->v->counter;
    const struct value_layer *own = &l->v->layer[index];
    const struct value_bits *bits = &own->bits;

    find_runs(l, index, in, y, own->rows);
    struct value_column c = column_of(l, index, in, out, y, own->rows);
    struct value_bit_column b = { .column = &c, .bit = l->bit, .words = bits->words };
    c.steps = own->steps / own->quads * (uint32_t)ceil_div(own->quads, counter->step_quads);
    c.sums = bits->two ? NULL : l->sums;
    if (counter->gather)
        counter->gather(&c, bits, l->bit);
    for (uint32_t k = 0; k < own->n_block; skip_quads(&c, own->block[k++].quads)) {
        c.start = own->start + c.channel;
        c.quads = own->block[k].quads;
        b.plus = bits->plus + (size_t)c.channel * bits->words;
        b.above = bits->two ? bits->above + c.channel : NULL;
        counter->column(&b);
        deliver(l, &c, out, (size_t)y * c.n);
    }
}

/* Whether a map's pixels stand one behind the other. */
static bool is_one_column(const struct value_map *m)
{
    return m->kept == m->shape.width && m->column_bytes == m->shape.height * m->pixel_bytes;
}

/* Whether a layer makes each pixel of the one of its number. */
static bool is_pixel_by_pixel(const struct value_lanes *l, uint32_t index)
{
    const struct layer *layer = &l->v->network->layer[index];
    const struct value_layer *own = &l->v->layer[index];
    const struct window *w = &layer->window;
    bool one = true;

    for (int a = 0; a < 2; a++)
        one = one && w->kernel[a] == 1 && w->stride[a] == 1 && w->pad_before[a] == 0 &&
              w->pad_after[a] == 0 && w->skip[a] == 0;
    return one && is_one_column(&l->v->spec[own->in].map) &&
           is_one_column(&l->v->spec[own->pooled].map) &&
           (!layer->has_residual || is_one_column(&l->v->spec[layer->residual].map));
}

/* Columns [y, y + n): of some pixels at a time, that what they read stays near while all weights go
 * by. */
static void convolve_columns(struct value_lanes *l, uint32_t index, const struct value_map *in,
                             const struct value_map *out, uint32_t y, uint32_t n)
{
    enum { NEAR = 1 << 18, FEW = 4 }; // bytes; pixels
    const uint32_t height = out->shape.height, all = (y + n) * height;
    const uint32_t most = min_u32(VALUE_TOGETHER, max_u32(FEW, NEAR / (uint32_t)in->pixel_bytes));

    if (n == 1 || !is_pixel_by_pixel(l, index)) {
        for (uint32_t i = y; i < y + n; i++)
            convolve(l, index, in, out, &(struct pixels){ .y = i, .n = height });
        return;
    }
    for (uint32_t at = y * height; at < all; at += most)
        convolve(l, index, in, out,
                 &(struct pixels){ .first = at, .n = min_u32(most, all - at) });
}

/* ---- digital layers ---- */

/* Positions along an axis that lie inside the map: how many, and the first. */
static uint32_t inside(const struct window *w, int axis, uint32_t at, uint32_t size,
                       uint32_t *first)
{
    int64_t begin = window_begin(w, axis, at);
    uint32_t n = 0;

    *first = 0;
    for (uint32_t k = 0; k < w->kernel[axis]; k++) {
        int64_t p = begin + (int64_t)k * w->dilation[axis];
        if (p < 0 || p >= size)
            continue;
        if (n++ == 0)
            *first = (uint32_t)p;
    }
    return n;
}

/* The columns that output column y sees; l->column[] of them. */
static uint32_t find_columns(struct value_lanes *l, const struct layer *layer,
                             const struct value_map *in, uint32_t y)
{
    uint32_t first, n = inside(&layer->window, 1, y, layer->in.width, &first);

    for (uint32_t j = 0; j < n; j++)
        l->column[j] = value_pixel(in, 0, first + j * layer->window.dilation[1]);
    return n;
}

/* The lowest bytes of 16 lanes are those of channel 0. */
static void add_channels(const uint8_t *quad, int32_t zero, int32_t (*sum)[VALUE_LANES])
{
    uint32_t lanes[VALUE_LANES];

    for (uint32_t lane = 0; lane < VALUE_LANES; lane++) {
        const uint8_t *v = quad + lane * VALUE_QUAD;
        lanes[lane] = v[0] | (uint32_t)v[1] << 8 | (uint32_t)v[2] << 16 | (uint32_t)v[3] << 24;
    }
    for (uint32_t c = 0; c < VALUE_QUAD; c++)
        for (uint32_t lane = 0; lane < VALUE_LANES; lane++)
            sum[c][lane] += (int32_t)(lanes[lane] >> 8 * c & 255) - zero;
}

/* sum[c][lane] += the sums of n pixels, less `zero` each; they are 0 then. */
static void take_sums(struct value_sums *s, uint32_t n, int32_t zero, int32_t (*sum)[VALUE_LANES])
{
    for (uint32_t c = 0; c < VALUE_QUAD; c++)
        for (uint32_t lane = 0; lane < VALUE_LANES; lane++)
            sum[c][lane] += (c % 2 ? s->odd : s->even)[2 * lane + c / 2] - (int32_t)n * zero;
    *s = (struct value_sums){ 0 };
}

/* sum[c][lane] += the pixels of a window, less `zero` each, of one quad. */
static void add_pixels(const struct value_lanes *l, const struct value_window *w, size_t quad,
                       int32_t zero, int32_t (*sum)[VALUE_LANES])
{
    struct value_sums s = { 0 };
    uint32_t held = 0;

    for (uint32_t j = 0; j < w->columns; j++)
        for (uint32_t i = 0, n; i < w->rows; i += n) {
            n = min_u32(w->rows - i, VALUE_MOST_PIXELS);
            if (held + n > VALUE_MOST_PIXELS) {
                take_sums(&s, held, zero, sum);
                held = 0;
            }
            l->v->kernel->sum(w->column[j] + w->first + i * w->row_bytes + quad, w->row_bytes, n,
                              0, &s);
            held += n;
        }
    take_sums(&s, held, zero, sum);
}

/* A quad's sums become their products with the residual. */
static void multiply_quad(const uint8_t *residual, int32_t zero, int32_t (*sum)[VALUE_LANES])
{
    int32_t factor[VALUE_QUAD][VALUE_LANES] = { { 0 } };

    add_channels(residual, zero, factor);
    for (uint32_t c = 0; c < VALUE_QUAD; c++)
        for (uint32_t lane = 0; lane < VALUE_LANES; lane++)
            sum[c][lane] *= factor[c][lane];
}

static void negate(const struct layer *layer, uint32_t channel, int32_t (*sum)[VALUE_LANES])
{
    for (uint32_t c = 0; c < VALUE_QUAD && channel + c < layer->out.channels; c++)
        for (uint32_t lane = 0; lane < VALUE_LANES && layer->negated[channel + c]; lane++)
            sum[c][lane] = -sum[c][lane];
}

/* One quad of one output, in place of what stands there: the largest of the window. */
static void compute_quad(const struct value_lanes *l, uint32_t index, const struct value_window *w,
                         uint32_t quad, uint8_t zero, const uint8_t *residual, uint8_t *out)
{
    const struct layer *layer = &l->v->network->layer[index];
    const struct value_layer *own = &l->v->layer[index];
    int32_t sum[VALUE_QUAD][VALUE_LANES] = { { 0 } };
    uint32_t channel = quad * VALUE_QUAD;

    if (layer->kind == LAYER_AVERAGE_POOL) {
        add_pixels(l, w, (size_t)quad * VALUE_BYTES, zero, sum);
        channel = (w->columns * w->rows - 1) * VALUE_QUAD;
    } else {
        add_channels(out, zero, sum);
    }
    if (layer->negated)
        negate(layer, quad * VALUE_QUAD, sum);
    if (layer->multiplies) {
        multiply_quad(residual, own->residual_zero, sum);
        residual = NULL;
    }
    finish(l, &own->scale, channel, (const int32_t(*)[VALUE_LANES])sum, residual, out);
}

static void compute_windows(struct value_lanes *l, uint32_t index, const struct value_map *in,
                            const struct value_map *out, uint32_t y)
{
    const struct layer *layer = &l->v->network->layer[index];
    const struct value_map residual = map_of(l, layer->has_residual ? layer->residual : index);
    struct value_window w = { .column = l->column,
                              .columns = find_columns(l, layer, in, y),
                              .row_bytes = layer->window.dilation[0] * in->pixel_bytes };

    for (uint32_t x = 0; x < layer->out.height; x++) {
        uint8_t *to = pixel_at(out, x, y);
        const uint8_t *r = layer->has_residual ? value_pixel(&residual, x, y) : NULL;
        uint32_t first;
        w.rows = inside(&layer->window, 0, x, layer->in.height, &first);
        w.first = first * in->pixel_bytes;
        if (window_between(&layer->window, x, y))
            memset(to, in->zero, (size_t)out->quads * VALUE_BYTES);
        else if (layer->kind != LAYER_AVERAGE_POOL) // of one pixel, where it only scales
            l->v->kernel->most(&w, out->quads, to);
        for (uint32_t q = 0; q < out->quads && !l->v->layer[index].identity; q++)
            compute_quad(l, index, &w, q, in->zero, r ? r + (size_t)q * VALUE_BYTES : NULL,
                         to + (size_t)q * VALUE_BYTES);
    }
}

/* ---- a network ---- */

/* Each byte of a column becomes what its table holds. */
static void look_up(const struct value_layer *own, const struct value_map *m, uint32_t y)
{
    uint8_t *byte = pixel_at(m, 0, y);

    for (uint32_t x = 0; x < m->shape.height; x++)
        for (uint32_t q = 0; q < m->quads; q++, byte += VALUE_BYTES) {
            const uint8_t *table = own->table + (size_t)q * VALUE_QUAD * 256;
            for (uint32_t i = 0; i < VALUE_BYTES; i++)
                byte[i] = table[i % VALUE_QUAD * 256 + byte[i]];
        }
}

static void compute_column(struct value_lanes *l, uint32_t index, const struct value_map *in,
                           const struct value_map *out, uint32_t y)
{
    const struct value_layer *own = &l->v->layer[index];
    const struct value_map packed = packed_map_of(l, own->in);

    if (layer_is_digital(&l->v->network->layer[index]))
        compute_windows(l, index, in, out, y);
    else if (own->read)
        convolve_cores(l, index, in, out, y);
    else
        count(l, index, &packed, out, y);
}

static void compute(struct value_lanes *l, const struct value_step *s, uint32_t y, uint32_t n)
{
    const struct layer *layer = &l->v->network->layer[s->layer];
    const struct value_layer *own = &l->v->layer[s->layer];
    const struct value_map in = map_of(l, own->in), out = map_of(l, s->spec);

    if (layer_is_of_tokens(layer))
        value_tokens(l->v->kernel, layer, &in, &out, own->table, l->room);
    else if (!layer_is_digital(layer) && !own->read && own->bits.words == 0)
        convolve_columns(l, s->layer, &in, &out, y, n);
    else
        for (uint32_t i = y; i < y + n; i++)
            compute_column(l, s->layer, &in, &out, i);
    for (uint32_t i = y; i < y + n; i++) {
        if (own->table && !layer_is_of_tokens(layer))
            look_up(own, &out, i);
        if (l->watch && l->watch->output && !layer->raw_output)
            l->watch->output(l->watch->user, s->layer, &out, i, l->n);
    }
}

/* A map whose columns are all there becomes one pixel. */
static void pool(struct value_lanes *l, const struct value_step *s, uint32_t y)
{
    const struct value_map in = map_of(l, l->v->layer[s->layer].pooled), out = map_of(l, s->spec);
    struct value_window w = { .column = l->column,
                              .columns = in.shape.width,
                              .rows = in.shape.height,
                              .row_bytes = in.pixel_bytes };

    for (uint32_t j = 0; j < w.columns; j++)
        l->column[j] = value_pixel(&in, 0, j);
    for (uint32_t q = 0; q < in.quads; q++) {
        int32_t sum[VALUE_QUAD][VALUE_LANES] = { { 0 } };
        add_pixels(l, &w, (size_t)q * VALUE_BYTES, in.is_signed ? 128 : 0, sum);
        finish(l, &l->v->layer[s->layer].pool, 0, (const int32_t(*)[VALUE_LANES])sum, NULL,
               pixel_at(&out, 0, y) + (size_t)q * VALUE_BYTES);
    }
}

static void take_turn(struct value_lanes *l, const struct value_turn *t)
{
    const struct value_step *s = &l->v->step[t->step];
    const struct value_map m = map_of(l, s->spec);
    uint32_t reader = l->watch && l->watch->input ? l->v->spec[s->spec].reader : NO_LAYER;
    const uint32_t end = t->column + t->n;

    if (s->task == VALUE_COMPUTE)
        compute(l, s, t->column, t->n);
    for (uint32_t y = t->column; y < end && s->task != VALUE_COMPUTE; y++)
        (s->task == VALUE_SPREAD ? spread : s->task == VALUE_POOL ? pool : concatenate)(l, s, y);
    for (uint32_t y = t->column; y < end && l->v->spec[s->spec].packed.kept > 0; y++)
        pack_pixels(l, s->spec, y % m.kept, m.before[0], m.shape.height);
    for (; reader != NO_LAYER; reader = l->v->layer[reader].next_reader)
        for (uint32_t y = t->column; y < end; y++)
            l->watch->input(l->watch->user, reader, &m, y, l->n);
}

void value_lanes_count(struct value_lanes *l, struct spike_counts *counts)
{
    if (l->spikes)
        spikes_count(l->spikes, counts);
}

/* One image after the other. */
static void run_plain(struct value_lanes *l, const uint8_t *image, uint32_t n, int64_t *result,
                      const struct value_watch *watch)
{
    const struct network *network = l->v->network;
    uint32_t classes = layer_delivers(network_result(network)).channels;

    for (uint32_t i = 0; i < n; i++, image += l->v->image_bytes) {
        if (l->spikes)
            spikes_run(l->spikes, image, l->number + i, watch);
        else
            plain_run(l->plain, image, watch);
        for (uint32_t c = 0; c < classes; c++)
            *result++ = l->spikes ? spikes_result(l->spikes, c)
                                  : plain_delivered(l->plain, network->n_layer - 1, c);
    }
}

void value_lanes_take(struct value_lanes *l, const uint8_t *image, uint32_t n, int64_t *result)
{
    assert(n >= 1 && n <= VALUE_LANES && !l->v->plain);
    l->image = image;
    l->n = n;
    l->result = result;
    l->watch = NULL;
}

static void take_result(const struct value_lanes *l)
{
    const struct value_map m = map_of(l, l->v->network->n_layer - 1);

    for (uint32_t lane = 0; lane < l->n; lane++)
        for (uint32_t c = 0; c < m.shape.channels; c++)
            l->result[lane * m.shape.channels + c] = value_get(&m, 0, 0, c, lane);
}

void value_lanes_layer(struct value_lanes *l, uint32_t layer, const struct value_watch *watch)
{
    l->watch = watch;
    for (uint32_t i = 0; i < l->v->n_step; i++) {
        const struct value_step *s = &l->v->step[i];
        uint32_t columns = l->v->spec[s->spec].map.shape.width;
        assert(l->v->spec[s->spec].map.kept == columns);
        if (s->layer == layer)
            take_turn(l, &(struct value_turn){ i, 0, columns });
    }
    if (layer + 1 == l->v->network->n_layer)
        take_result(l);
}

void value_lanes_run(struct value_lanes *l, const uint8_t *image, uint32_t n, int64_t *result,
                     const struct value_watch *watch)
{
    if (l->v->plain) {
        run_plain(l, image, n, result, watch);
        return;
    }
    value_lanes_take(l, image, n, result);
    l->watch = watch;
    for (size_t i = 0; i < l->v->n_turn; i++)
        take_turn(l, &l->v->turn[i]);
    take_result(l);
}

int64_t value_lanes_delivered(const struct value_lanes *l, uint32_t layer, size_t i,
                              uint32_t lane)
{
    const struct layer *of = &l->v->network->layer[layer];
    const struct shape s = layer_delivers(of);
    const size_t pixel = i / s.channels;

    assert(l->v->keeps_ends && !l->spikes);
    if (l->plain)
        return plain_delivered(l->plain, layer, i);
    const struct value_map m = map_of(l, layer);
    return value_get(&m, (uint32_t)(pixel % s.height), (uint32_t)(pixel / s.height),
                     (uint32_t)(i % s.channels), lane);
}

/* ---- sums over pixels ---- */

void values_sum(const struct values *v, const struct value_map *m, const uint8_t *pixel, uint32_t n,
                struct value_sums *sums)
{
    for (uint32_t q = 0; q < m->quads; q++)
        v->kernel->sum(pixel + (size_t)q * VALUE_BYTES, m->pixel_bytes, n,
                       m->is_signed ? 128 : 0, &sums[q]);
}

void values_sum_function(const struct values *v, const struct value_map *m, const uint8_t *pixel,
                         uint32_t n, const struct value_function *f,
                         struct value_function_sums *sums)
{
    for (uint32_t q = 0; q < m->quads; q++)
        v->kernel->sum_function(pixel + (size_t)q * VALUE_BYTES, m->pixel_bytes, n, f, &sums[q]);
}

void value_sums_take(struct value_sums *s, uint32_t n_lane, struct value_total *total)
{
    uint32_t abs[VALUE_QUAD] = { 0 }, nonzero[VALUE_QUAD] = { 0 };

    for (uint32_t lane = 0; lane < n_lane; lane++)
        for (uint32_t c = 0; c < VALUE_QUAD; c++) {
            abs[c] += (c % 2 ? s->odd : s->even)[2 * lane + c / 2];
            nonzero[c] += s->nonzero[VALUE_QUAD * lane + c];
        }
    for (uint32_t c = 0; c < VALUE_QUAD; c++) {
        total[c].abs += abs[c];
        total[c].nonzero += nonzero[c];
    }
    *s = (struct value_sums){ 0 };
}

void value_function_sums_take(struct value_function_sums *s, uint32_t n_lane, uint64_t *total)
{
    for (uint32_t lane = 0; lane < n_lane; lane++)
        for (uint32_t c = 0; c < VALUE_QUAD; c++)
            total[c] += (c % 2 ? s->odd : s->even)[2 * lane + c / 2];
    *s = (struct value_function_sums){ 0 };
}
