/* arch/values/skipped.c -- see skipped.h. */
#include "arch/values/skipped.h"

#include <stdlib.h>
#include <string.h>

#include "arch/values/firing_groups.h"
#include "core/util.h"
#include "dataflow/crossbar/reads.h"

struct saved { // of a core
    uint64_t reads, conversions, shift_adds;
};

struct skipped {
    const struct plan       *plan;  // borrowed
    const struct firing_log *log;   // borrowed; may be NULL
    uint64_t                 image;
    struct saved            *saved; // owned; [n_core]
    bool                    *seen;  // owned; positions of the largest box that a firing spans
};

struct walk { // over the products of one core in a step
    struct skipped          *own;
    const struct plan_layer *pl;
    const struct plan_core  *core;
    const struct layer      *layer;
    const struct value_map  *map;
    struct firing_shape      shape;
    uint32_t                 box[2], step[2]; // as in tally.c
    int32_t                  padding;
    struct saved            *saved;
};

/* Rows and columns of its layer's map that a firing of all replicas spans. */
static void find_box(const struct plan *p, uint32_t layer, uint32_t box[2])
{
    const struct window *w = &p->layer[layer].window;
    const struct firing_shape shape = plan_firing_shape(p, layer);

    for (int a = 0; a < 2; a++) {
        uint32_t width = shape.block_w;
        uint32_t outputs = a == 1 ? width : (uint32_t)ceil_div(shape.n, width);
        box[a] = (outputs - 1) * w->stride[a] + (w->kernel[a] - 1) * w->dilation[a] + 1;
    }
}

struct skipped *skipped_new(const struct plan *p, const struct firing_log *l, uint64_t image)
{
    struct skipped *s = calloc(1, sizeof *s);
    size_t most = 1;

    if (!s)
        return NULL;
    for (uint32_t i = 0; i < p->n_layer; i++) {
        uint32_t box[2];
        if (layer_is_digital(plan_network_layer(p, i)))
            continue;
        find_box(p, i, box);
        most = max_u64(most, (uint64_t)box[0] * box[1]);
    }
    *s = (struct skipped){ .plan = p, .log = l, .image = image,
                           .saved = calloc(p->n_core, sizeof *s->saved),
                           .seen = calloc(most, sizeof *s->seen) };
    if (s->saved && s->seen)
        return s;
    skipped_free(s);
    return NULL;
}

void skipped_free(struct skipped *s)
{
    if (!s)
        return;
    free(s->saved);
    free(s->seen);
    free(s);
}

/* ---- a product ---- */

/* Marks the positions, from the origin on, that the outputs of a firing see. */
static void mark(const struct walk *k, const struct firing_group *g)
{
    const struct window *w = &k->pl->window;
    const struct pixel head = { .row = g->x, .column = g->y };
    struct pixel at = head;

    memset(k->own->seen, 0, (size_t)k->box[0] * k->box[1] * sizeof *k->own->seen);
    for (uint32_t n = 0; n < g->n; n++, k->pl->firing->next(&k->shape, k->core->copy, &at)) {
        uint32_t q = firing_replica(k->pl->firing, &k->shape, &head, &at);
        uint32_t dx = q / k->shape.block_w * w->stride[0];
        uint32_t dy = q % k->shape.block_w * w->stride[1];
        for (uint32_t j = 0; j < w->kernel[1]; j++)
            for (uint32_t i = 0; i < w->kernel[0]; i++)
                k->own->seen[(dy + j * w->dilation[1]) * k->box[0] + dx + i * w->dilation[0]] =
                    true;
    }
}

/* Whether the core has the row of a channel at a position: parts may begin and end inside channels,
 * and have no replicas then. */
static bool has_row(const struct walk *k, uint32_t channel, uint32_t i, uint32_t j)
{
    const struct window *w = &k->pl->window;
    const uint32_t positions = w->kernel[0] * w->kernel[1];

    if (!k->pl->inside)
        return true;
    uint32_t position = i / w->dilation[0] * w->kernel[1] + j / w->dilation[1];
    uint32_t row = (k->core->row_first / positions + channel - k->core->in_first) * positions +
                   position;
    return row >= k->core->row_first && row - k->core->row_first < k->core->row_n;
}

/* Rows of the position (i, j) whose digit is not 0. */
static uint32_t rows_at(const struct walk *k, int64_t x, int64_t y, uint32_t i, uint32_t j,
                        uint32_t mask)
{
    bool inside = x >= 0 && y >= 0 && x < k->pl->in_height && y < k->pl->in_width;
    const int32_t *pixel = inside ? k->map->value + ((size_t)y * k->step[1] *
                                                         k->map->shape.height +
                                                     (size_t)x * k->step[0]) *
                                                        k->map->shape.channels
                                  : NULL;
    uint32_t on = 0;

    for (uint32_t c = k->core->in_first; c < k->core->in_first + k->core->in_n; c++)
        on += ((uint32_t)(pixel ? pixel[c] : k->padding) & mask) != 0 && has_row(k, c, i, j);
    return on;
}

static uint32_t rows_on(const struct walk *k, int64_t x, int64_t y, uint32_t mask)
{
    uint32_t on = 0;

    for (uint32_t j = 0, p = 0; j < k->box[1]; j++)
        for (uint32_t i = 0; i < k->box[0]; i++, p++)
            if (k->own->seen[p])
                on += rows_at(k, x + i, y + j, i, j, mask);
    return on;
}

/* Reads of a step's product at the origin (x, y). */
static uint64_t reads_left(const struct walk *k, int64_t x, int64_t y, uint64_t all)
{
    const struct array_spec *s = &k->pl->array;
    const uint32_t bits = s->reads.input_slice_bits;
    uint64_t at_once = array_rows_at_once(s, k->core->rows), left = 0, any = 0;

    for (uint32_t first = 0; first < s->reads.input_bits; first += bits) {
        uint32_t n = min_u32(bits, s->reads.input_bits - first);
        uint32_t on = rows_on(k, x, y, ((UINT32_C(1) << n) - 1) << first);
        left += ceil_div(on, at_once);
        any |= on;
    }
    return s->skip_rows ? left : any ? all : 0;
}

static uint64_t additions(const struct array_spec *s, uint64_t outputs, uint64_t reads)
{
    return reads > 0 ? outputs * (reads * (s->layout.n_slice + (s->layout.ones != 0)) - 1) : 0;
}

static void on_group(void *user, const struct firing_group *g)
{
    struct walk *k = user;
    const struct array_spec *s = &k->pl->array;
    const struct window *w = &k->pl->window;
    const struct pixel head = { .row = g->x, .column = g->y };
    const uint64_t outputs = (uint64_t)g->n * k->core->out_n;
    const uint64_t train = s->reads.train ? s->reads.train : 1;
    const uint64_t all = array_reads(s, k->core->rows, k->core->columns).n / train;
    uint32_t x, y;

    mark(k, g);
    k->pl->firing->origin(&k->shape, &head, &x, &y);
    uint64_t left = reads_left(k, (int64_t)x * w->stride[0] - w->pad_before[0],
                               (int64_t)y * w->stride[1] - w->pad_before[1], all);
    k->saved->reads += all - left;
    if (s->readout->counts)
        k->saved->conversions += (all - left) * (outputs * s->layout.columns +
                                                 (s->layout.ones != 0));
    k->saved->shift_adds += additions(s, outputs, all) - additions(s, outputs, left);
}

/* ---- a step ---- */

void skipped_see(struct skipped *s, uint32_t layer, const struct value_map *map, int32_t padding)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    const struct layer *l = plan_network_layer(s->plan, layer);
    struct walk k = { .own = s, .pl = pl, .layer = l, .map = map, .padding = padding,
                      .shape = plan_firing_shape(s->plan, layer),
                      .step = { l->window.stride[0] / pl->window.stride[0],
                                l->window.stride[1] / pl->window.stride[1] } };

    find_box(s->plan, layer, k.box);
    for (uint32_t i = 0; i < pl->n_core; i++) {
        k.core = &s->plan->core[pl->first_core + i];
        k.saved = &s->saved[pl->first_core + i];
        firing_groups_each(s->plan, s->log, s->image, layer, k.core->copy, on_group, &k);
    }
}

void skipped_count(const struct skipped *s, struct core_counters *core)
{
    for (uint32_t i = 0; i < s->plan->n_core; i++) {
        core[i].reads -= s->saved[i].reads;
        core[i].conversions -= s->saved[i].conversions;
        core[i].shift_adds -= s->saved[i].shift_adds;
    }
}
