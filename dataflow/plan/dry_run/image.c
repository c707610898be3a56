/* dataflow/plan/dry_run/image.c -- when the scratchpad's pixels are stored, see dry_run.h. */
#include <stdlib.h>

#include "dataflow/plan/dry_run/dry_run_internal.h"
#include "memory/registers.h"

static void use_by(int64_t *slot, int64_t t)
{
    *slot = t < *slot ? t : *slot;
}

bool dry_run_adds_its_image(const struct plan *p, uint32_t layer)
{
    const struct plan_layer *pl = &p->layer[layer];

    return (pl->residual == RESIDUAL_READ_BACK || pl->residual == RESIDUAL_IMAGE) &&
           pl->residual_from == layer && pl->feed == FEED_SCRATCHPAD;
}

/* A pixel is read, or waited for as the last of a patch that lies in the padding. */
static void use_strip(const struct dry_run *s, uint32_t layer, uint32_t left, int64_t *use)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    const struct dry_run_layer *l = &s->layer[layer];
    const struct strip_form *form = strip_at(&l->strips, left);
    uint32_t first, columns;

    for (const struct strip_read *r = form->read; r < form->read + form->n_read; r++) {
        const struct strip_place *place = &form->place[r->place];
        struct column_times fired = dry_run_fired(s, layer, 0, left + place->column);
        strip_read_columns(pl, r, left, &first, &columns);
        for (uint32_t i = 0; i < columns; i++)
            use_by(&use[(size_t)(first + i) * pl->in_height + r->row],
                   column_time(&fired, place->row));
    }
    for (uint32_t i = 0; i < form->columns; i++) {
        struct column_times fired = dry_run_fired(s, layer, 0, left + i);
        size_t last = window_last(&pl->window, 1, left + i, pl->in_width);
        for (uint32_t r = 0; r < l->strips.shape.height; r++)
            use_by(&use[last * pl->in_height + l->last_row[r]], column_time(&fired, r));
    }
}

/* Time of pixel i, counted on into the image that follows an interval later. */
static int64_t next_images(const int64_t *time, size_t n, size_t i, uint64_t interval)
{
    return i < n ? time[i] : time[i - n] + (int64_t)interval;
}

void dry_run_as_late_as_possible(int64_t *time, size_t n, uint64_t interval)
{
    size_t rate = ceil_div(n, interval);

    time[n - 1] = time[n - 1] < (int64_t)interval ? time[n - 1] : (int64_t)interval - 1;
    for (bool changed = true; changed;) { // again, until the next image's first pixels agree
        changed = false;
        for (size_t i = n; i-- > 0;) {
            int64_t latest = next_images(time, n, i + rate, interval) - 1;
            int64_t next = next_images(time, n, i + 1, interval);
            latest = next < latest ? next : latest;
            changed |= time[i] > latest;
            time[i] = time[i] < latest ? time[i] : latest;
        }
    }
}

bool dry_run_store_image(struct dry_run *s, uint32_t layer)
{
    struct map_times *stored = &s->layer[layer].stored;
    const struct strips *strips = &s->layer[layer].strips;
    size_t n = (size_t)stored->height * stored->width;
    int64_t *time = malloc(n * sizeof *time);
    bool done = time && map_times_grow(stored, 1);

    for (size_t i = 0; done && i < n; i++)
        time[i] = DRY_RUN_NEVER_USED;
    for (uint32_t left = 0; done && left < strips->shape.width; left += strips->width)
        use_strip(s, layer, left, time);
    if (done)
        dry_run_as_late_as_possible(time, n, s->plan->interval);
    for (uint32_t c = 0; done && c < stored->width; c++)
        done = map_times_put(stored, &s->kinds, 0, c, time + (size_t)c * stored->height);
    free(time);
    return done;
}
