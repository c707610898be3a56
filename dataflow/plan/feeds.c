/* dataflow/plan/feeds.c -- timetables of what does not follow from what a core has received: pixels
 * read back from memories, and those of the image. */
#include <stdlib.h>

#include "core/util.h"
#include "dataflow/plan/timestep.h"

/* One row of the timetable: what a receiver's copy gets of one image, in the order of its sums. */
static uint32_t fill_row(const struct plan *p, const struct dry_run *s, const struct read_back *rb,
                         uint32_t image, struct read_back_send *send)
{
    const struct strips *strips = &s->layer[rb->receiver].strips;
    bool resampling = p->layer[rb->receiver].feed == FEED_READ_BACK;
    dry_run_time *time = resampling ? dry_run_stored : dry_run_summed;
    const struct layer_hops *hops = &p->hops[rb->receiver];
    int64_t hop = resampling ? hops->pixels : hops->residual;
    int64_t before = hop + (int64_t)(image * p->interval);
    uint32_t n = 0;

    for (uint32_t left = rb->receiver_copy * strips->width; left < strips->shape.width;
         left += strips_apart(strips)) {
        const struct strip_form *form = strip_at(strips, left);
        struct column_times c = { 0 };
        for (uint32_t i = 0; i < form->n_place; i++) {
            const struct strip_place *at = &form->place[i];
            if (i == 0 || at->column != form->place[i - 1].column)
                c = time(s, rb->receiver, image, left + at->column);
            send[n++] = (struct read_back_send){ at->row, left + at->column,
                                                 column_time(&c, at->row) - before };
        }
    }
    return n;
}

/* The last pixels of an image and the first of the next may go together; the row behind the last
 * repeats it. */
static void count_most(struct read_back_times *rb, uint64_t interval)
{
    int64_t before = INT64_MIN;
    uint32_t run = 0;

    for (uint32_t image = 0; image <= rb->n_image; image++)
        for (uint32_t i = 0; i < rb->n; i++) {
            size_t row = min_u32(image, rb->n_image - 1);
            int64_t t = rb->send[row * rb->n + i].timestep + (int64_t)(image * interval);
            run = t == before ? run + 1 : 1;
            rb->most_pixels = max_u32(rb->most_pixels, run);
            before = t;
        }
}

static bool time_read_back(struct read_back_times *rb, const struct plan *p,
                           const struct dry_run *s, const struct read_back *who)
{
    const struct shape *out = &plan_network_layer(p, who->receiver)->out;
    size_t outputs = (size_t)out->height * out->width;

    rb->n_image = s->n_image;
    rb->send = malloc(rb->n_image * outputs * sizeof *rb->send);
    if (!rb->send)
        return false;
    for (uint32_t image = 0; image < rb->n_image; image++)
        rb->n = fill_row(p, s, who, image, rb->send + (size_t)image * rb->n);
    count_most(rb, p->interval);
    return true;
}

static bool time_image(struct timetable *t, const struct plan *p, const struct dry_run *s,
                       uint32_t feed)
{
    uint32_t layer = p->image_feed[feed].layer;
    if (p->layer[layer].residual == RESIDUAL_IMAGE) // as it is stored
        layer = p->layer[layer].residual_from;
    size_t n = (size_t)p->layer[layer].in_height * p->layer[layer].in_width;
    int64_t *stored = malloc(n * sizeof *stored), *at = stored;

    t->image_feed[feed].stored = stored;
    if (!stored)
        return false;
    for (uint32_t column = 0; column < p->layer[layer].in_width; column++) {
        struct column_times c = dry_run_stored(s, layer, 0, column);
        for (uint32_t row = 0; row < p->layer[layer].in_height; row++)
            *at++ = column_time(&c, row);
    }
    if (stored[0] <= 0) // pixels come in order: the first is the earliest
        t->lead = max_u64(t->lead, (uint64_t)(1 - stored[0]));
    return true;
}

enum err timestep_feeds(struct timetable *t, const struct plan *p, const struct dry_run *s,
                        struct err_msg *m)
{
    bool done = true;

    for (uint32_t i = 0; done && i < p->n_read_back; i++)
        done = time_read_back(&t->read_back[i], p, s, &p->read_back[i]);
    for (uint32_t i = 0; done && i < p->n_image_feed; i++)
        done = time_image(t, p, s, i);
    return done ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for the plan's timetables");
}
