/* network/values/lanes.c -- runs up to VALUE_LANES images through a network; see values.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "network/values/prepared.h"

struct value_lanes {
    const struct values *v;
    uint8_t            **slot; // owned; [v->n_slot]
    int32_t             *sums; // owned; of a column of one block
};

/* Zeroed, on a cache line; NULL without memory. */
static void *new_lines(size_t bytes)
{
    size_t n = round_up(max_u64(bytes, 1), VALUE_BYTES);
    void *p = aligned_alloc(VALUE_BYTES, n);

    return p ? memset(p, 0, n) : NULL;
}

struct value_lanes *value_lanes_new(const struct values *v)
{
    struct value_lanes *l = calloc(1, sizeof *l);

    if (!l)
        return NULL;
    *l = (struct value_lanes){ .v = v, .slot = calloc(v->n_slot, sizeof *l->slot),
                               .sums = new_lines(v->most_sums * sizeof *l->sums) };
    bool done = l->slot && l->sums;
    for (uint32_t i = 0; done && i < v->n_slot; i++) {
        l->slot[i] = new_lines(v->slot_bytes[i]);
        done = l->slot[i];
    }
    if (done)
        return l;
    value_lanes_free(l);
    return NULL;
}

void value_lanes_free(struct value_lanes *l)
{
    if (!l)
        return;
    for (uint32_t i = 0; l->slot && i < l->v->n_slot; i++)
        free(l->slot[i]);
    free(l->slot);
    free(l->sums);
    free(l);
}

/* ---- maps ---- */

static struct value_map map_of(const struct value_lanes *l, uint32_t spec)
{
    const struct value_spec *s = &l->v->spec[spec];
    struct value_map m = s->map;

    m.byte = l->slot[s->slot];
    return m;
}

static uint8_t *pixel_at(const struct value_map *m, uint32_t x, uint32_t y)
{
    return (uint8_t *)value_pixel(m, x, y); // of a slot of ours
}

/* The map's border, whose slot held another map before. */
static void fill_border(const struct value_map *m)
{
    uint8_t *column = (uint8_t *)m->byte;
    uint32_t width = m->before[1] + m->shape.width + m->after[1];
    size_t above = m->before[0] * m->pixel_bytes, below = m->after[0] * m->pixel_bytes;

    for (uint32_t y = 0; y < width; y++, column += m->column_bytes) {
        if (y < m->before[1] || y >= m->before[1] + m->shape.width) {
            memset(column, m->zero, m->column_bytes);
        } else {
            memset(column, m->zero, above);
            memset(column + m->column_bytes - below, m->zero, below);
        }
    }
}

/* Images in lanes. */
static void spread(struct value_lanes *l, const uint8_t *image, uint32_t n)
{
    const struct value_map m = map_of(l, 0);
    uint32_t channels = m.shape.channels;
    uint8_t flip = m.is_signed ? 0x80 : 0;
    size_t apart = values_image_bytes(l->v);

    fill_border(&m);
    for (uint32_t y = 0; y < m.shape.width; y++)
        for (uint32_t x = 0; x < m.shape.height; x++) {
            uint8_t *to = pixel_at(&m, x, y);
            const uint8_t *from = image + ((size_t)y * m.shape.height + x) * channels;
            for (uint32_t lane = 0; lane < n; lane++, from += apart)
                for (uint32_t c = 0; c < channels; c++)
                    to[c / VALUE_QUAD * VALUE_BYTES + lane * VALUE_QUAD + c % VALUE_QUAD] =
                        from[c] ^ flip;
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

static void concatenate(struct value_lanes *l, uint32_t spec)
{
    const struct value_spec *s = &l->v->spec[spec];
    const struct value_map to = map_of(l, spec);
    uint32_t first = 0;

    fill_border(&to);
    for (uint32_t i = 0; i < s->n_input; i++) {
        const struct value_map from = map_of(l, s->input[i]);
        for (uint32_t y = 0; y < to.shape.width; y++)
            for (uint32_t x = 0; x < to.shape.height; x++)
                copy_channels(pixel_at(&to, x, y), first, value_pixel(&from, x, y),
                              from.shape.channels);
        first += from.shape.channels;
    }
}

/* ---- layers with weights ---- */

static void finish_exactly(const struct value_column *c)
{
    const int32_t(*sum)[VALUE_LANES] = (const int32_t(*)[VALUE_LANES])(const void *)c->sums;

    for (uint32_t i = 0; i < c->n; i++)
        for (uint32_t q = 0; q < c->quads; q++, sum += VALUE_QUAD)
            value_finish_exact(c->scale, c->channel + q * VALUE_QUAD, sum,
                               c->residual ? c->residual + i * c->residual_step + q * VALUE_BYTES
                                           : NULL,
                               c->out + i * c->out_step + q * VALUE_BYTES);
}

static void deliver_sums(const struct value_lanes *l, const struct value_column *c, uint32_t n,
                         int32_t *result)
{
    uint32_t classes = network_result(l->v->network)->out.channels;

    for (uint32_t i = 0; i < c->quads * VALUE_QUAD && c->channel + i < classes; i++)
        for (uint32_t lane = 0; lane < n; lane++)
            result[lane * classes + c->channel + i] =
                (int32_t)((uint32_t)c->sums[i * VALUE_LANES + lane] +
                          (uint32_t)c->scale->b[c->channel + i]);
}

static void convolve(struct value_lanes *l, uint32_t index, const struct value_map *in,
                     const struct value_map *out, uint32_t n, int32_t *result)
{
    const struct layer *layer = &l->v->network->layer[index];
    const struct value_layer *own = &l->v->layer[index];
    const struct window *w = &layer->window;
    const struct value_map residual = map_of(l, layer->has_residual ? layer->residual : index);

    for (uint32_t y = 0; y < layer->out.width; y++) {
        const uint8_t *window = in->byte + (size_t)y * w->stride[1] * in->column_bytes +
                                (in->before[1] - w->pad_before[1]) * in->column_bytes +
                                (in->before[0] - w->pad_before[0]) * in->pixel_bytes;
        for (uint32_t k = 0; k < own->n_block; k++) {
            const struct value_block *b = &own->block[k];
            size_t quad = (size_t)b->first / VALUE_QUAD * VALUE_BYTES;
            const struct value_column c = {
                .in = window + b->in_quad * VALUE_BYTES,
                .in_step = w->stride[0] * in->pixel_bytes,
                .run = own->run,
                .n_run = own->n_run,
                .steps = own->steps,
                .weight = own->weight + b->weight,
                .start = own->start + b->first,
                .quads = b->quads,
                .n = layer->out.height,
                .scale = &own->scale,
                .channel = b->first,
                .residual = layer->has_residual ? value_pixel(&residual, 0, y) + quad : NULL,
                .residual_step = residual.pixel_bytes,
                .out = pixel_at(out, 0, y) + quad,
                .out_step = out->pixel_bytes,
                .sums = own->scale.in_doubles ? NULL : l->sums,
            };
            l->v->kernel->column(&c);
            if (layer->raw_output)
                deliver_sums(l, &c, n, result);
            else if (!own->scale.in_doubles)
                finish_exactly(&c);
        }
    }
}

/* ---- digital layers ---- */

struct window_pixels { // of one output, inside the map; in pixels
    uint32_t       rows, columns;
    size_t         row_bytes, column_bytes; // from one to the next
    const uint8_t *first;
};

/* Positions along an axis that lie inside the map: how many, and the first. Where pixels are seen
 * again the window is one of them, and without padding. */
static uint32_t inside(const struct window *w, int axis, uint32_t at, uint32_t size,
                       uint32_t *first)
{
    int64_t begin = (int64_t)at * w->stride[axis] - w->pad_before[axis];
    uint32_t n = 0;

    if (w->again[axis]) {
        *first = at / (w->again[axis] + 1);
        return 1;
    }
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

static struct window_pixels window_at(const struct layer *l, const struct value_map *in, uint32_t x,
                                      uint32_t y)
{
    uint32_t row, column;
    struct window_pixels p = { .row_bytes = l->window.dilation[0] * in->pixel_bytes,
                               .column_bytes = l->window.dilation[1] * in->column_bytes };

    p.rows = inside(&l->window, 0, x, l->in.height, &row);
    p.columns = inside(&l->window, 1, y, l->in.width, &column);
    p.first = value_pixel(in, row, column);
    return p;
}

static void most_of(const struct window_pixels *p, size_t quad, uint8_t *most)
{
    memset(most, 0, VALUE_BYTES);
    for (uint32_t j = 0; j < p->columns; j++)
        for (uint32_t i = 0; i < p->rows; i++) {
            const uint8_t *v = p->first + j * p->column_bytes + i * p->row_bytes + quad;
            for (uint32_t k = 0; k < VALUE_BYTES; k++)
                most[k] = v[k] > most[k] ? v[k] : most[k];
        }
}

/* sum[c][lane] += the byte of channel c of a quad, less `zero`. */
static void add_quad(const uint8_t *quad, int32_t zero, int32_t (*sum)[VALUE_LANES])
{
    uint32_t lanes[VALUE_LANES];

    for (uint32_t lane = 0; lane < VALUE_LANES; lane++) { // the lowest byte is channel 0's
        const uint8_t *v = quad + lane * VALUE_QUAD;
        lanes[lane] = v[0] | (uint32_t)v[1] << 8 | (uint32_t)v[2] << 16 | (uint32_t)v[3] << 24;
    }
    for (uint32_t c = 0; c < VALUE_QUAD; c++)
        for (uint32_t lane = 0; lane < VALUE_LANES; lane++)
            sum[c][lane] += (int32_t)(lanes[lane] >> 8 * c & 255) - zero;
}

static void finish(const struct value_lanes *l, const struct value_scale *s, uint32_t channel,
                   const int32_t (*sum)[VALUE_LANES], const uint8_t *residual, uint8_t *out)
{
    if (s->in_doubles)
        l->v->kernel->finish(s, channel, sum, residual, out);
    else
        value_finish_exact(s, channel, sum, residual, out);
}

/* A quad's sums become their products with the residual. */
static void multiply_quad(const uint8_t *residual, int32_t zero, int32_t (*sum)[VALUE_LANES])
{
    int32_t factor[VALUE_QUAD][VALUE_LANES] = { { 0 } };

    add_quad(residual, zero, factor);
    for (uint32_t c = 0; c < VALUE_QUAD; c++)
        for (uint32_t lane = 0; lane < VALUE_LANES; lane++)
            sum[c][lane] *= factor[c][lane];
}

/* One quad of one output. */
static void compute_quad(const struct value_lanes *l, uint32_t index, const struct window_pixels *p,
                         uint32_t quad, uint32_t positions, uint8_t zero, const uint8_t *residual,
                         uint8_t *out)
{
    const struct layer *layer = &l->v->network->layer[index];
    const struct value_layer *own = &l->v->layer[index];
    int32_t sum[VALUE_QUAD][VALUE_LANES] = { { 0 } };
    uint8_t most[VALUE_BYTES];
    uint32_t channel = quad * VALUE_QUAD;

    if (layer->kind == LAYER_AVERAGE_POOL) {
        for (uint32_t j = 0; j < p->columns; j++)
            for (uint32_t i = 0; i < p->rows; i++)
                add_quad(p->first + j * p->column_bytes + i * p->row_bytes + quad * VALUE_BYTES,
                         zero, sum);
        channel = (positions - 1) * VALUE_QUAD;
    } else {
        most_of(p, quad * VALUE_BYTES, most); // of one pixel, where it only scales
        add_quad(most, zero, sum);
    }
    for (uint32_t c = 0; layer->negated && c < VALUE_QUAD; c++)
        for (uint32_t lane = 0; lane < VALUE_LANES; lane++)
            if (quad * VALUE_QUAD + c < layer->out.channels &&
                layer->negated[quad * VALUE_QUAD + c])
                sum[c][lane] = -sum[c][lane];
    if (layer->multiplies) {
        multiply_quad(residual, own->residual_zero, sum);
        residual = NULL;
    }
    finish(l, &own->scale, channel, (const int32_t(*)[VALUE_LANES])sum, residual, out);
}

static void compute_windows(struct value_lanes *l, uint32_t index, const struct value_map *in,
                            const struct value_map *out)
{
    const struct layer *layer = &l->v->network->layer[index];
    const struct value_layer *own = &l->v->layer[index];
    const struct value_map residual = map_of(l, layer->has_residual ? layer->residual : index);

    for (uint32_t y = 0, at = 0; y < layer->out.width; y++)
        for (uint32_t x = 0; x < layer->out.height; x++, at++) {
            const struct window_pixels p = window_at(layer, in, x, y);
            uint8_t *to = pixel_at(out, x, y);
            for (uint32_t q = 0; q < out->quads; q++, to += VALUE_BYTES) {
                if (own->identity)
                    most_of(&p, (size_t)q * VALUE_BYTES, to);
                else
                    compute_quad(l, index, &p, q, own->positions ? own->positions[at] : 1, in->zero,
                                 layer->has_residual ? value_pixel(&residual, x, y) +
                                                           (size_t)q * VALUE_BYTES
                                                     : NULL,
                                 to);
            }
        }
}

/* ---- a network ---- */

/* Each byte becomes what its table holds. */
static void look_up(const struct value_layer *own, const struct value_map *m)
{
    for (uint32_t y = 0; y < m->shape.width; y++) {
        uint8_t *byte = pixel_at(m, 0, y);
        for (uint32_t x = 0; x < m->shape.height; x++)
            for (uint32_t q = 0; q < m->quads; q++, byte += VALUE_BYTES) {
                const uint8_t *table = own->table + (size_t)q * VALUE_QUAD * 256;
                for (uint32_t i = 0; i < VALUE_BYTES; i++)
                    byte[i] = table[i % VALUE_QUAD * 256 + byte[i]];
            }
    }
}

static void pool(struct value_lanes *l, uint32_t index, const struct value_map *in,
                 const struct value_map *out)
{
    const struct value_scale *s = &l->v->layer[index].pool;
    int32_t zero = in->is_signed ? 128 : 0;

    for (uint32_t q = 0; q < in->quads; q++) {
        int32_t sum[VALUE_QUAD][VALUE_LANES] = { { 0 } };
        for (uint32_t y = 0; y < in->shape.width; y++)
            for (uint32_t x = 0; x < in->shape.height; x++)
                add_quad(value_pixel(in, x, y) + (size_t)q * VALUE_BYTES, zero, sum);
        finish(l, s, 0, (const int32_t(*)[VALUE_LANES])sum, NULL,
               pixel_at(out, 0, 0) + (size_t)q * VALUE_BYTES);
    }
}

static void run_layer(struct value_lanes *l, uint32_t index, uint32_t n, int32_t *result,
                      const struct value_watch *watch)
{
    const struct layer *layer = &l->v->network->layer[index];
    const struct value_layer *own = &l->v->layer[index];
    const struct value_map in = map_of(l, own->in), out = map_of(l, own->pooled),
                           delivered = map_of(l, own->out);

    if (l->v->spec[own->in].input && l->v->spec[own->in].first_use == index)
        concatenate(l, own->in);
    if (watch && watch->input)
        watch->input(watch->user, index, &in, n);
    fill_border(&delivered);
    if (layer_is_digital(layer))
        compute_windows(l, index, &in, &out);
    else
        convolve(l, index, &in, &out, n, result);
    if (own->table)
        look_up(own, &out);
    if (watch && watch->output && !layer->raw_output)
        watch->output(watch->user, index, &out, n);
    if (layer->pooled)
        pool(l, index, &out, &delivered);
}

void value_lanes_run(struct value_lanes *l, const uint8_t *image, uint32_t n, int32_t *result,
                     const struct value_watch *watch)
{
    const struct network *network = l->v->network;
    const struct layer *last = network_result(network);

    assert(n >= 1 && n <= VALUE_LANES);
    spread(l, image, n);
    for (uint32_t i = 1; i < network->n_layer; i++)
        run_layer(l, i, n, result, watch);
    if (last->raw_output)
        return;
    const struct value_map m = map_of(l, network->n_layer - 1);
    for (uint32_t lane = 0; lane < n; lane++)
        for (uint32_t c = 0; c < m.shape.channels; c++)
            result[lane * m.shape.channels + c] = value_get(&m, 0, 0, c, lane);
}

/* ---- sums over pixels ---- */

void values_sum(const struct values *v, const struct value_map *m, const uint8_t *pixel, uint32_t n,
                struct value_sums *sums)
{
    for (uint32_t q = 0; q < m->quads; q++)
        v->kernel->sum(pixel + (size_t)q * VALUE_BYTES, m->pixel_bytes, n,
                       m->is_signed ? 128 : 0, &sums[q]);
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
