/* dataflow/plan/dry_run/waiting.c -- what waits at summing cores, see dry_run.h. */
#include <stdlib.h>

#include "dataflow/plan/dry_run/dry_run_internal.h"

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void sort_times(int64_t *time, size_t n)
{
    size_t i = 1;

    while (i < n && time[i - 1] <= time[i])
        i++;
    if (i < n)
        qsort(time, n, sizeof *time, by_time);
}

/* Most items there at once, of n that come and go; one that goes is there in that timestep. */
static uint32_t most_at_once(int64_t *come, int64_t *go, size_t n)
{
    size_t gone = 0, most = 0;

    sort_times(come, n);
    sort_times(go, n);
    for (size_t i = 0; i < n; i++) {
        while (go[gone] < come[i])
            gone++;
        if (i + 1 - gone > most)
            most = i + 1 - gone;
    }
    return (uint32_t)most;
}

/* When the residuals of a column come. */
static struct column_times residuals_come(const struct dry_run *s, uint32_t layer, uint64_t image,
                                          uint32_t column)
{
    const struct plan_layer *pl = &s->plan->layer[layer];

    if (pl->residual == RESIDUAL_READ_BACK) // sent to be there just then
        return dry_run_summed(s, layer, image, column);
    if (pl->residual == RESIDUAL_IMAGE)
        return dry_run_stored(s, pl->residual_from, image, column);
    struct column_times c = dry_run_done(s, pl->residual_from, image, column);
    c.later += s->plan->hops[layer].residual;
    return c;
}

/* Images that can wait at the same time, beyond those kept. */
static uint32_t images_waiting(const struct dry_run *s, uint32_t layer)
{
    const struct shape *out = &plan_network_layer(s->plan, layer)->out;
    int64_t longest = 0;

    for (uint32_t image = 0; image < s->n_image; image++)
        for (uint32_t column = 0; column < out->width; column++) {
            struct column_times fired = dry_run_fired(s, layer, image, column);
            struct column_times come = residuals_come(s, layer, image, column);
            struct column_times summed = dry_run_summed(s, layer, image, column);
            for (uint32_t row = 0; row < out->height; row++) {
                int64_t since = column_time(&fired, row), other = column_time(&come, row);
                since = other < since ? other : since;
                int64_t wait = column_time(&summed, row) - since;
                longest = wait > longest ? wait : longest;
            }
        }
    return 1 + (uint32_t)((uint64_t)longest / s->plan->interval);
}

struct waiting { // what comes and goes at a copy: residual pixels, firings
    int64_t *come, *go, *fired, *summed; // borrowed
    size_t   n, n_firing;
};

static void add_strip(struct waiting *w, const struct dry_run *s, uint32_t layer, uint64_t image,
                      uint32_t left)
{
    const struct strip_form *form = strip_at(&s->layer[layer].strips, left);
    struct column_times fired = { 0 }, come = { 0 }, summed = { 0 };
    uint32_t column = UINT32_MAX;

    for (const struct strip_place *p = form->place; p < form->place + form->n_place; p++) {
        if (p->column != column) {
            fired = dry_run_fired(s, layer, image, left + p->column);
            come = residuals_come(s, layer, image, left + p->column);
            summed = dry_run_summed(s, layer, image, left + p->column);
        }
        column = p->column;
        int64_t t = column_time(&fired, p->row), sum = column_time(&summed, p->row);
        w->come[w->n] = column_time(&come, p->row);
        w->go[w->n++] = sum;
        if (w->n_firing == 0 || w->fired[w->n_firing - 1] != t)
            w->fired[w->n_firing++] = t;
        w->summed[w->n_firing - 1] = sum;
    }
}

enum err dry_run_waiting(const struct dry_run *s, uint32_t layer, uint32_t *pixels,
                          uint32_t *firings, struct err_msg *m)
{
    const struct strips *strips = &s->layer[layer].strips;
    uint32_t n_image = s->n_image + images_waiting(s, layer);
    size_t most = n_image * dry_run_map_size(s->plan, layer);
    int64_t *all = most <= SIZE_MAX / 4 / sizeof *all ? malloc(4 * most * sizeof *all) : NULL;
    const size_t room = all ? most : 0;
    struct waiting w = { all, all + room, all + 2 * room, all + 3 * room, 0, 0 };
    bool done = all != NULL;

    *pixels = *firings = 0;
    for (uint32_t copy = 0; done && copy < strips->shape.copies; copy++) {
        w.n = w.n_firing = 0;
        for (uint64_t image = 0; image < n_image; image++)
            for (uint32_t left = copy * strips->width; left < strips->shape.width;
                 left += strips_apart(strips))
                add_strip(&w, s, layer, image, left);
        *pixels = max_u32(*pixels, most_at_once(w.come, w.go, w.n));
        *firings = max_u32(*firings, most_at_once(w.fired, w.summed, w.n_firing));
    }
    free(all);
    return done ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for the dry timing run");
}
