/* dataflow/plan/dry_run/resampling.c -- layers whose pixels are read back for them, see
 * dry_run.h. */
#include <stdlib.h>

#include "dataflow/plan/dry_run/dry_run_internal.h"

enum { MOST_TRANSIENT_IMAGES = 4 }; // beyond those of the layers that are not resampling

struct sends { // of a resampling layer's pixels, for images from the first on
    struct dry_run *s;
    uint32_t        layer, n_image;
    struct pixel   *order;  // owned; of one copy
    size_t          n;      // of its pixels
    int64_t        *stored; // owned; [n_image][column * height + row]
};

static int64_t *stored_at(const struct sends *d, const struct pixel *at)
{
    const struct map_times *map = &d->s->layer[d->layer].stored;

    return &d->stored[(at->image * map->width + at->column) * map->height + at->row];
}

static void list_copy(struct sends *d, uint32_t copy)
{
    const struct strips *strips = &d->s->layer[d->layer].strips;

    d->n = 0;
    for (uint64_t image = 0; image < d->n_image; image++)
        for (uint32_t left = copy * strips->width; left < strips->shape.width;
             left += strips_apart(strips)) {
            const struct strip_form *form = strip_at(strips, left);
            for (uint32_t i = 0; i < form->n_place; i++)
                d->order[d->n++] = (struct pixel){ image, form->place[i].row,
                                                   left + form->place[i].column };
        }
}

/* Latest firings of the copy with which every result is there for its sum: backwards from the last
 * of all images. */
static void fire_latest(struct sends *d)
{
    const struct dry_run *s = d->s;
    const struct firing_policy *f = s->plan->layer[d->layer].firing;
    const struct firing_shape *shape = &s->layer[d->layer].strips.shape;
    struct pixel last = { 0 };
    int64_t t = INT64_MAX;
    uint32_t sum = plan_sum_of(s->plan, d->layer), held = 0;
    int64_t way = s->plan->hops[sum].residual + plan_sum_latency(s->plan, d->layer);
    struct column_times summed = { 0 };

    for (size_t i = d->n; i-- > 0;) {
        const struct pixel *o = &d->order[i];
        if (i + 1 == d->n || o->column != o[1].column || o->image != o[1].image)
            summed = dry_run_summed(s, sum, o->image, o->column);
        int64_t deadline = column_time(&summed, o->row) - way;
        if (held > 0 && deadline >= t && firing_joins(f, shape, o, held, &last)) {
            held++;
        } else {
            t = deadline < t ? deadline : t - 1;
            last = *o;
            held = 1;
        }
        *stored_at(d, o) = t;
    }
}

/* When a later column of its slot takes the place of pixel (row, c) in the memories of a layer. */
static int64_t place_taken(const struct dry_run *s, uint32_t layer, uint32_t columns,
                           uint32_t racing, uint32_t row, uint64_t c)
{
    int64_t first = INT64_MAX;

    for (uint32_t later = columns; later <= racing * columns; later += columns) {
        struct column_times next = dry_run_column(s, dry_run_begun, layer, c + later);
        int64_t t = column_time(&next, row);
        first = t < first ? t : first;
    }
    return first;
}

/* Turns the latest firings of the copy into the timesteps in which its pixels are stored, a hop
 * after they are sent: in order, and before they are overwritten. False when one would have to be
 * sent before it is there. The last image has none behind it and is not looked at. */
static bool store_sent(struct sends *d, uint32_t columns)
{
    const struct plan *p = d->s->plan;
    const uint32_t feeder = p->layer[d->layer].feeder;
    const struct window *w = &plan_network_layer(p, d->layer)->window;
    const uint32_t racing = dry_run_racing_columns(p, feeder);
    int64_t hop = p->hops[d->layer].pixels, next = INT64_MAX;
    struct column_times come = { 0 };
    uint64_t of = UINT64_MAX; // column whose pixels come[] are
    bool in_time = true;

    for (size_t i = d->n; i-- > 0;) {
        const struct pixel *o = &d->order[i];
        uint32_t row = o->row * w->stride[0], column = o->column * w->stride[1];
        uint64_t c = o->image * p->layer[feeder].in_width + column;
        int64_t overwritten = place_taken(d->s, feeder, columns, racing, row, c);
        int64_t *t = stored_at(d, o);
        next = overwritten - 1 + hop < next ? overwritten - 1 + hop : next;
        next = *t = *t < next ? *t : next;
        if (o->image + 1 >= d->n_image)
            continue;
        if (c != of)
            come = dry_run_stored(d->s, feeder, o->image, column);
        of = c;
        in_time &= *t - hop >= column_time(&come, row);
    }
    return in_time;
}

/* Keeps them by column, and fires the layer accordingly. */
static bool keep(struct sends *d)
{
    struct dry_run_layer *l = &d->s->layer[d->layer];
    struct firing_run *state = calloc(l->strips.shape.copies, sizeof *state);
    const int64_t *time = d->stored;
    bool done = state && map_times_grow(&l->stored, d->n_image) &&
                map_times_grow(&l->fired, d->n_image);

    for (uint32_t image = 0; done && image < d->n_image; image++)
        for (uint32_t c = 0; done && c < l->stored.width; c++, time += l->stored.height)
            done = map_times_put(&l->stored, &d->s->kinds, image, c, time);
    done = done && dry_run_fire_images(d->s, d->layer, 0, d->n_image, state);
    free(state);
    return done;
}

enum err dry_run_resampling(struct dry_run *s, uint32_t layer, uint32_t columns, bool *in_time,
                            struct err_msg *m)
{
    struct dry_run_layer *l = &s->layer[layer];
    uint32_t n_image = s->n_image + MOST_TRANSIENT_IMAGES, kept = s->n_image;
    size_t n = n_image * dry_run_map_size(s->plan, layer);
    struct sends d = { .s = s, .layer = layer, .n_image = n_image,
                       .order = calloc(n, sizeof *d.order),
                       .stored = calloc(n, sizeof *d.stored) };
    bool done = d.order && d.stored;

    *in_time = true;
    for (uint32_t copy = 0; done && copy < l->strips.shape.copies; copy++) {
        list_copy(&d, copy);
        fire_latest(&d);
        *in_time &= store_sent(&d, columns);
    }
    done = done && keep(&d);
    free(d.order);
    free(d.stored);
    if (!done)
        return err_set(m, ERR_MEMORY, "no memory for the dry timing run");
    while (kept + 1 < n_image && !(map_times_repeats(&l->fired, kept, s->plan->interval) &&
                                   map_times_repeats(&l->stored, kept, s->plan->interval)))
        kept++;
    s->n_image = l->fired.n_image = l->stored.n_image = kept; // what follows repeats the last
    if (*in_time && kept + 1 == n_image)
        return err_set(m, ERR_RUN, "resampling layer %s does not settle from image to image",
                       plan_layer_name(s->plan, layer));
    return ERR_NONE;
}
