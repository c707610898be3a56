/* arch/values/rows_on.c -- see rows_on.h. */
#include "arch/values/rows_on.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "dataflow/crossbar/reads.h"
#include "network/precision.h"
#include "network/spiking/coding.h"

enum { MOST_SLICES = 32, MOST_RANGES = 3 }; // the latter of a core

struct range { // channels of a layer's input that have rows at the same positions of a kernel
    uint32_t  channel, n;
    uint32_t  position, end; // positions [position, end)
    uint32_t *on;            // owned; [lane][pixel][slice], of memories' maps; behind the last
                             // pixel of a lane what comes from outside
};

struct layer_rows { // empty where there is no array
    uint32_t      n_slice;
    uint32_t      mask[MOST_SLICES]; // of bits of a value
    uint32_t      box[2];            // rows and columns of the map that a firing spans
    uint32_t      step[2];           // of the layer's map from a pixel of its memories to the next
    uint32_t      n_pixel;
    struct range *range;             // owned
    uint32_t      n_range;
};

struct rows_on {
    const struct plan *plan; // borrowed
    uint32_t           lanes;
    struct layer_rows *layer;                // owned; [n_layer]
    uint32_t         (*of_core)[MOST_RANGES]; // owned; [n_core]: its ranges, of its layer's
    uint32_t          *n_of_core;            // owned; [n_core]
    bool              *seen;                 // owned; positions of the largest box
};

uint32_t rows_on_lanes(const struct plan *p)
{
    return network_is_wide(p->network) || network_is_spiking(p->network) ? 1 : VALUE_LANES;
}

/* ---- made ---- */

/* Slices whose reads are told apart; where products alone are skipped all are as one. */
static void find_slices(struct layer_rows *l, const struct array_spec *s)
{
    const uint32_t all = s->reads.input_bits;
    const uint32_t bits = s->skip_rows ? s->reads.input_slice_bits : all;

    for (uint32_t first = 0; first < all; first += bits) {
        uint32_t n = min_u32(bits, all - first);
        assert(l->n_slice < MOST_SLICES);
        l->mask[l->n_slice++] = (uint32_t)((UINT64_C(1) << n) - 1) << first;
    }
}

static void find_box(struct layer_rows *l, const struct plan *p, uint32_t layer)
{
    const struct window *w = &p->layer[layer].window;
    const struct firing_shape shape = plan_firing_shape(p, layer);

    for (int a = 0; a < 2; a++) {
        uint32_t width = shape.block_w;
        uint32_t outputs = a == 1 ? width : (uint32_t)ceil_div(shape.n, width);
        l->box[a] = (outputs - 1) * w->stride[a] + (w->kernel[a] - 1) * w->dilation[a] + 1;
    }
}

/* Cores with the same rows share their counts. */
static bool add_range(struct rows_on *r, uint32_t layer, uint32_t core, const struct range *range)
{
    struct layer_rows *l = &r->layer[layer];
    const size_t n = (size_t)r->lanes * (l->n_pixel + 1) * l->n_slice;
    uint32_t at = 0;

    while (at < l->n_range &&
           (l->range[at].channel != range->channel || l->range[at].n != range->n ||
            l->range[at].position != range->position || l->range[at].end != range->end))
        at++;
    r->of_core[core][r->n_of_core[core]++] = at;
    if (at < l->n_range)
        return true;
    l->range[l->n_range] = *range;
    l->range[l->n_range].on = calloc(n, sizeof *range->on);
    return l->range[l->n_range++].on != NULL;
}

/* A part may begin and end inside channels, which it then has at some positions alone. */
static bool add_core(struct rows_on *r, uint32_t layer, uint32_t core)
{
    const struct plan_core *c = &r->plan->core[core];
    const struct plan_layer *pl = &r->plan->layer[layer];
    const uint32_t positions = pl->window.kernel[0] * pl->window.kernel[1];
    const uint32_t begin = c->row_first % positions, end = begin + c->row_n; // of its first channel
    bool done = true;

    if (!pl->inside)
        return add_range(r, layer, core, &(struct range){ c->in_first, c->in_n, 0, positions,
                                                          NULL });
    for (uint32_t ch = 0, n; done && ch * positions < end; ch += n) {
        struct range range = { .channel = c->in_first + ch, .n = 1 };
        range.position = ch == 0 ? begin : 0;
        range.end = min_u32(positions, end - ch * positions);
        if (range.position == 0 && range.end == positions)
            range.n = (end - ch * positions) / positions;
        n = range.n;
        done = add_range(r, layer, core, &range);
    }
    return done;
}

static bool add_layer(struct rows_on *r, uint32_t layer, size_t *most)
{
    const struct plan *p = r->plan;
    const struct plan_layer *pl = &p->layer[layer];
    const struct layer *of = plan_network_layer(p, layer);
    struct layer_rows *l = &r->layer[layer];

    if (layer_is_digital(of))
        return true;
    find_slices(l, &pl->array);
    find_box(l, p, layer);
    for (int a = 0; a < 2; a++)
        l->step[a] = of->window.stride[a] / pl->window.stride[a];
    l->n_pixel = pl->in_height * pl->in_width;
    l->range = calloc((size_t)pl->n_core * MOST_RANGES, sizeof *l->range);
    *most = max_u64(*most, (uint64_t)l->box[0] * l->box[1]);
    bool done = l->range;
    for (uint32_t i = 0; done && i < pl->n_core; i++)
        done = add_core(r, layer, pl->first_core + i);
    return done;
}

struct rows_on *rows_on_new(const struct plan *p, uint32_t lanes)
{
    struct rows_on *r = calloc(1, sizeof *r);
    size_t most = 1;

    if (!r)
        return NULL;
    *r = (struct rows_on){ .plan = p, .lanes = lanes,
                           .layer = calloc(p->n_layer, sizeof *r->layer),
                           .of_core = calloc(p->n_core, sizeof *r->of_core),
                           .n_of_core = calloc(p->n_core, sizeof *r->n_of_core) };
    bool done = r->layer && r->of_core && r->n_of_core;
    for (uint32_t i = 0; done && i < p->n_layer; i++)
        done = add_layer(r, i, &most);
    r->seen = calloc(most, sizeof *r->seen);
    if (done && r->seen)
        return r;
    rows_on_free(r);
    return NULL;
}

void rows_on_free(struct rows_on *r)
{
    if (!r)
        return;
    for (uint32_t i = 0; r->layer && i < r->plan->n_layer; i++) {
        for (uint32_t k = 0; r->layer[i].range && k < r->layer[i].n_range; k++)
            free(r->layer[i].range[k].on);
        free(r->layer[i].range);
    }
    free(r->layer);
    free(r->of_core);
    free(r->n_of_core);
    free(r->seen);
    free(r);
}

/* ---- what maps have ---- */

int32_t rows_on_outside(const struct plan *p, uint64_t image, uint32_t step)
{
    const struct presentation *present = &p->network->present;
    const uint8_t zero = (uint8_t)plan_network_layer(p, 0)->in_zero;
    int32_t x;

    if (present->coding->recorded) // nothing comes from outside a recording
        return 0;
    present->coding->code(present, image, step, &zero, 1, &x);
    return x;
}

static uint32_t *on_of(const struct layer_rows *l, const struct range *r, uint32_t lane,
                       uint32_t pixel)
{
    return r->on + ((size_t)lane * (l->n_pixel + 1) + pixel) * l->n_slice;
}

/* n channels have a value. */
static void add_value(const struct layer_rows *l, int32_t value, uint32_t n, uint32_t *on)
{
    for (uint32_t s = 0; s < l->n_slice; s++)
        on[s] += ((uint32_t)value & l->mask[s]) ? n : 0;
}

static void see_range(const struct layer_rows *l, const struct range *r,
                      const struct plan_layer *pl, const struct value_map *map, uint32_t column,
                      uint32_t lane)
{
    const uint32_t y = column * l->step[1];

    for (uint32_t x = 0; x < pl->in_height; x++) {
        uint32_t *on = on_of(l, r, lane, column * pl->in_height + x), at = x * l->step[0];
        memset(on, 0, l->n_slice * sizeof *on);
        if (map->any && !map->any[(size_t)y * map->shape.height + at])
            continue;
        for (uint32_t c = r->channel; c < r->channel + r->n; c++)
            add_value(l, value_get(map, at, y, c, lane), 1, on);
    }
}

static void see_outside(const struct rows_on *r, uint32_t layer, uint32_t n_lane, int32_t outside)
{
    const struct layer_rows *l = &r->layer[layer];
    const int32_t zero = plan_network_layer(r->plan, layer)->in_zero;
    const bool coded = network_is_spiking(r->plan->network) && zero != 0;

    for (uint32_t k = 0; k < l->n_range; k++)
        for (uint32_t lane = 0; lane < n_lane; lane++) {
            uint32_t *on = on_of(l, &l->range[k], lane, l->n_pixel);
            memset(on, 0, l->n_slice * sizeof *on);
            add_value(l, coded ? outside : zero, l->range[k].n, on);
        }
}

bool rows_on_see(struct rows_on *r, uint32_t layer, const struct value_map *map, uint32_t column,
                 uint32_t n_lane, int32_t outside)
{
    const struct plan_layer *pl = &r->plan->layer[layer];
    const struct layer_rows *l = &r->layer[layer];

    assert(n_lane <= r->lanes);
    if (l->n_slice == 0)
        return false;
    if (column == 0)
        see_outside(r, layer, n_lane, outside);
    if (column % l->step[1] == 0 && column / l->step[1] < pl->in_width)
        for (uint32_t k = 0; k < l->n_range; k++)
            for (uint32_t lane = 0; lane < n_lane; lane++)
                see_range(l, &l->range[k], pl, map, column / l->step[1], lane);
    return column + 1 == map->shape.width;
}

/* ---- a product ---- */

/* Marks the positions, from the origin on, that the outputs of a product see. */
static void mark(struct rows_on *r, const struct plan_core *c, const struct pixel *head, uint32_t n)
{
    const struct plan_layer *pl = &r->plan->layer[c->plan_layer];
    const struct firing_shape shape = plan_firing_shape(r->plan, c->plan_layer);
    const uint32_t *box = r->layer[c->plan_layer].box;
    const struct window *w = &pl->window;
    struct pixel at = *head;

    memset(r->seen, 0, (size_t)box[0] * box[1] * sizeof *r->seen);
    for (uint32_t k = 0; k < n; k++, pl->firing->next(&shape, c->copy, &at)) {
        uint32_t q = firing_replica(pl->firing, &shape, head, &at);
        uint32_t dx = q / shape.block_w * w->stride[0], dy = q % shape.block_w * w->stride[1];
        for (uint32_t j = 0; j < w->kernel[1]; j++)
            for (uint32_t i = 0; i < w->kernel[0]; i++)
                r->seen[(dy + j * w->dilation[1]) * box[0] + dx + i * w->dilation[0]] = true;
    }
}

struct origin { // of a product's box, on the map of its memories
    int64_t x, y;
};

/* Adds what the pixels of a range have that the product sees, slice by slice. */
static void add_pixels(const struct rows_on *r, const struct layer_rows *l, const struct range *g,
                       const struct plan_layer *pl, uint32_t lane, const struct origin *o,
                       uint32_t *on)
{
    const struct window *w = &pl->window;

    for (uint32_t j = 0, p = 0; j < l->box[1]; j++)
        for (uint32_t i = 0; i < l->box[0]; i++, p++) {
            uint32_t position = i / w->dilation[0] * w->kernel[1] + j / w->dilation[1];
            if (!r->seen[p] || (pl->inside && (position < g->position || position >= g->end)))
                continue;
            int64_t x = o->x + i, y = o->y + j;
            bool there = x >= 0 && y >= 0 && x < pl->in_height && y < pl->in_width;
            const uint32_t *of =
                on_of(l, g, lane, there ? (uint32_t)(y * pl->in_height + x) : l->n_pixel);
            for (uint32_t s = 0; s < l->n_slice; s++)
                on[s] += of[s];
        }
}

uint64_t rows_on_reads(struct rows_on *r, uint32_t core, uint32_t lane, const struct pixel *head,
                       uint32_t n)
{
    const struct plan_core *c = &r->plan->core[core];
    const struct plan_layer *pl = &r->plan->layer[c->plan_layer];
    const struct layer_rows *l = &r->layer[c->plan_layer];
    const struct array_spec *s = &pl->array;
    const struct firing_shape shape = plan_firing_shape(r->plan, c->plan_layer);
    const uint64_t at_once = array_rows_at_once(s, c->rows);
    uint32_t on[MOST_SLICES] = { 0 }, row, column;
    uint64_t left = 0;

    mark(r, c, head, n);
    pl->firing->origin(&shape, head, &row, &column);
    const struct origin o = { window_begin(&pl->window, 0, row),
                              window_begin(&pl->window, 1, column) };
    for (uint32_t k = 0; k < r->n_of_core[core]; k++)
        add_pixels(r, l, &l->range[r->of_core[core][k]], pl, lane, &o, on);
    if (!s->skip_rows)
        return on[0] ? array_reads_of_step(s, c->rows) : 0;
    for (uint32_t i = 0; i < l->n_slice; i++)
        left += ceil_div(on[i], at_once);
    return left;
}
