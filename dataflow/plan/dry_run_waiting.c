/* dataflow/plan/dry_run_waiting.c -- what waits at summing cores, see dry_run.h. */
#include <stdlib.h>

#include "dataflow/plan/dry_run_internal.h"

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

/* When the residual of an output comes. */
static int64_t residual_comes(const struct dry_run *s, uint32_t layer, uint64_t image, uint32_t row,
                              uint32_t column)
{
    const struct plan_layer *pl = &s->plan->layer[layer];

    if (pl->residual == RESIDUAL_READ_BACK) // sent to be there just then
        return dry_run_summed(s, layer, image, row, column);
    return dry_run_done(s, pl->residual_from, image, row, column) + s->plan->hops[layer].residual;
}

/* Images that can wait at the same time, beyond those kept. */
static uint32_t images_waiting(const struct dry_run *s, uint32_t layer)
{
    const struct shape *out = &plan_network_layer(s->plan, layer)->out;
    int64_t longest = 0;

    for (uint32_t image = 0; image < s->n_image; image++)
        for (uint32_t column = 0; column < out->width; column++)
            for (uint32_t row = 0; row < out->height; row++) {
                int64_t since = dry_run_fired(s, layer, image, row, column);
                int64_t come = residual_comes(s, layer, image, row, column);
                since = come < since ? come : since;
                int64_t wait = dry_run_summed(s, layer, image, row, column) - since;
                longest = wait > longest ? wait : longest;
            }
    return 1 + (uint32_t)((uint64_t)longest / s->plan->interval);
}

enum err dry_run_waiting(const struct dry_run *s, uint32_t layer, uint32_t *pixels,
                          uint32_t *firings, struct err_msg *m)
{
    const struct plan *p = s->plan;
    const struct plan_layer *pl = &p->layer[layer];
    struct firing_shape shape = plan_firing_shape(p, layer);
    uint32_t n_image = s->n_image + images_waiting(s, layer);
    size_t most = n_image * dry_run_map_size(p, layer);
    int64_t *come = calloc(most, sizeof *come), *go = calloc(most, sizeof *go);
    int64_t *fired = calloc(most, sizeof *fired), *summed = calloc(most, sizeof *summed);
    bool done = come && go && fired && summed;

    *pixels = *firings = 0;
    for (uint32_t copy = 0; done && copy < pl->copies; copy++) {
        struct pixel at = firing_first(pl->firing, &shape, copy, 0);
        size_t n = 0, n_firing = 0;
        for (; at.image < n_image; pl->firing->next(&shape, copy, &at), n++) {
            int64_t t = dry_run_fired(s, layer, at.image, at.row, at.column);
            go[n] = dry_run_summed(s, layer, at.image, at.row, at.column);
            come[n] = residual_comes(s, layer, at.image, at.row, at.column);
            if (n_firing == 0 || fired[n_firing - 1] != t)
                fired[n_firing++] = t;
            summed[n_firing - 1] = go[n];
        }
        *pixels = max_u32(*pixels, most_at_once(come, go, n));
        *firings = max_u32(*firings, most_at_once(fired, summed, n_firing));
    }
    free(come);
    free(go);
    free(fired);
    free(summed);
    return done ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for the dry timing run");
}
