/* dataflow/plan/dry_run_resampling.c -- layers whose pixels are read back for them, see
 * dry_run.h. */
#include <stdlib.h>

#include "dataflow/plan/dry_run_internal.h"

enum { MOST_TRANSIENT_IMAGES = 4 }; // beyond those of the layers that are not resampling

/* Latest firings of one copy of a resampling layer with which every result is there for its sum:
 * backwards from the last of all images kept. Writes late[image][column * height + row] and the
 * copy's outputs in order; returns their number. */
static size_t latest_firings(const struct dry_run *s, uint32_t layer, uint32_t copy,
                             struct pixel *order, int64_t *late)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    struct firing_shape shape = plan_firing_shape(s->plan, layer);
    struct pixel at = firing_first(pl->firing, &shape, copy, 0), last = at;
    int64_t t = INT64_MAX;
    uint32_t sum = plan_sum_of(s->plan, layer), held = 0;
    int64_t way = s->plan->hops[sum].residual + plan_sum_latency(s->plan, layer);
    size_t n = 0;

    for (; at.image < s->n_image; pl->firing->next(&shape, copy, &at))
        order[n++] = at;
    for (size_t i = n; i-- > 0;) {
        const struct pixel *o = &order[i];
        int64_t deadline = dry_run_summed(s, sum, o->image, o->row, o->column) - way;
        if (held > 0 && deadline >= t && firing_joins(pl->firing, &shape, o, held, &last)) {
            held++;
        } else {
            t = deadline < t ? deadline : t - 1;
            last = *o;
            held = 1;
        }
        late[dry_run_output_index(s, layer, o)] = t;
    }
    return n;
}

/* When a later column of its slot takes the place of pixel (row, c) in the memories of a layer. */
static int64_t place_taken(const struct dry_run *s, uint32_t layer, uint32_t columns, uint32_t row,
                           uint64_t c)
{
    uint32_t racing = dry_run_racing_columns(s->plan, layer);
    int64_t first = INT64_MAX;

    for (uint32_t later = columns; later <= racing * columns; later += columns) {
        int64_t t = dry_run_column_time(s, dry_run_begun, layer, row, c + later);
        first = t < first ? t : first;
    }
    return first;
}

/* Turns the latest firings of a copy into the timesteps in which its pixels are stored, a hop after
 * they are sent: in order, and before they are overwritten. False when one would have to be sent
 * before it is there. The last image has none behind it and is not looked at. */
static bool store_sent(const struct dry_run *s, uint32_t layer, uint32_t columns,
                       const struct pixel *order, size_t n, int64_t *stored)
{
    const struct plan_layer *pl = &s->plan->layer[layer], *from = &s->plan->layer[pl->feeder];
    const struct window *w = &plan_network_layer(s->plan, layer)->window;
    int64_t hop = s->plan->hops[layer].pixels, next = INT64_MAX;
    bool in_time = true;

    while (n-- > 0) {
        const struct pixel *o = &order[n];
        uint32_t row = o->row * w->stride[0], column = o->column * w->stride[1];
        uint64_t c = o->image * from->in_width + column;
        int64_t overwritten = place_taken(s, pl->feeder, columns, row, c);
        int64_t *t = &stored[dry_run_output_index(s, layer, o)];
        next = overwritten - 1 + hop < next ? overwritten - 1 + hop : next;
        next = *t = *t < next ? *t : next;
        if (o->image + 1 < s->n_image)
            in_time &= *t - hop >= dry_run_stored(s, pl->feeder, o->image, row, column);
    }
    return in_time;
}

static void extend_table(int64_t *table, size_t n, uint32_t from, uint32_t to, uint64_t interval)
{
    for (size_t i = from * n; i < to * n; i++)
        table[i] = table[i - n] + (int64_t)interval;
}

static bool extend(struct dry_run *s, uint32_t n_image)
{
    const struct plan *p = s->plan;
    uint32_t old = s->n_image;

    if (n_image <= old)
        return true;
    if (!dry_run_grow(s, n_image))
        return false;
    for (uint32_t i = 0; i < p->n_layer; i++) {
        extend_table(s->fired[i], dry_run_map_size(p, i), old, n_image, p->interval);
        if (s->summed[i])
            extend_table(s->summed[i], dry_run_map_size(p, i), old, n_image, p->interval);
        if (p->layer[i].feed == FEED_READ_BACK && s->stored[i])
            extend_table(s->stored[i], dry_run_map_size(p, i), old, n_image, p->interval);
    }
    return true;
}

enum err dry_run_resampling(struct dry_run *s, uint32_t layer, uint32_t columns, bool *in_time,
                            struct err_msg *m)
{
    const struct plan *p = s->plan;
    uint32_t kept = s->n_image, n_image = kept + MOST_TRANSIENT_IMAGES, row = kept;
    size_t n = dry_run_map_size(p, layer);
    struct pixel *order = calloc(n_image * n, sizeof *order);
    struct firing_run *state = calloc(p->layer[layer].copies, sizeof *state);

    if (!order || !state || !dry_run_grow_table(&s->stored[layer], n_image * n) ||
        !extend(s, n_image)) {
        free(order);
        free(state);
        return err_set(m, ERR_MEMORY, "no memory for the dry timing run");
    }
    *in_time = true;
    for (uint32_t copy = 0; copy < p->layer[layer].copies; copy++) {
        size_t outputs = latest_firings(s, layer, copy, order, s->stored[layer]);
        *in_time &= store_sent(s, layer, columns, order, outputs, s->stored[layer]);
    }
    for (uint32_t image = 0; image < n_image; image++)
        dry_run_fire_image(s, layer, image, state);
    free(order);
    free(state);
    while (row + 1 < n_image && !(dry_run_row_repeats(s->fired[layer], n, row, p->interval) &&
                                  dry_run_row_repeats(s->stored[layer], n, row, p->interval)))
        row++;
    s->n_image = row; // it and all that follow repeat the one before
    if (*in_time && row + 1 == n_image)
        return err_set(m, ERR_RUN, "resampling layer %s does not settle from image to image",
                       plan_layer_name(p, layer));
    return ERR_NONE;
}
