/* dataflow/plan/dry_run/memory.c -- columns kept and tracked, see dry_run.h. */
#include <stdlib.h>

#include "dataflow/plan/dry_run/dry_run_internal.h"
#include "memory/registers.h"

static void use_at(int64_t *slot, int64_t t)
{
    *slot = t > *slot ? t : *slot;
}

/* Whether a window lies in the padding altogether, along an axis. */
static bool sees_nothing(const struct plan_layer *pl, int axis, uint32_t at)
{
    return window_inside(&pl->window, axis, at, axis == 0 ? pl->in_height : pl->in_width) == 0;
}

/* Outputs that see nothing read nothing, but fire when the pixels at the edge next to them have
 * come. */
static void wait_for_edge(const struct dry_run *s, uint32_t layer, uint32_t image, uint32_t column,
                          int64_t *use)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    struct column_times fired = dry_run_fired(s, layer, image, column);
    bool all = sees_nothing(pl, 1, column);
    uint32_t from = window_first(&pl->window, 1, column, pl->in_width);
    uint32_t to = window_last(&pl->window, 1, column, pl->in_width);

    for (uint32_t r = 0; r < s->layer[layer].fired.height; r++)
        for (uint32_t k = from; k <= to && (all || sees_nothing(pl, 0, r)); k++)
            use_at(&use[(size_t)k * pl->in_height + s->layer[layer].last_row[r]],
                   column_time(&fired, r));
}

/* Reads of the outputs of a strip. */
static void use_strip(const struct dry_run *s, uint32_t layer, uint32_t image, uint32_t left,
                      int64_t *use)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    const struct strip_form *form = strip_at(&s->layer[layer].strips, left);
    struct column_times fired = { 0 };
    uint32_t column = UINT32_MAX, first = 0, columns = 0;
    const struct strip_read *before = NULL;

    for (const struct strip_read *r = form->read; r < form->read + form->n_read; r++) {
        const struct strip_place *place = &form->place[r->place];
        if (place->column != column)
            fired = dry_run_fired(s, layer, image, left + place->column);
        column = place->column;
        if (!before || r->first != before->first || r->columns != before->columns)
            strip_read_columns(pl, r, left, &first, &columns);
        before = r;
        int64_t t = column_time(&fired, place->row) + dry_run_longer(s, layer, left + column);
        int64_t *at = &use[(size_t)first * pl->in_height + r->row];
        for (uint32_t i = 0; i < columns; i++, at += pl->in_height)
            use_at(at, t);
    }
}

static void use_as_residual(const struct dry_run *s, uint32_t adds, uint32_t image, uint32_t height,
                            uint32_t width, int64_t *use)
{
    int64_t hop = s->plan->hops[adds].residual;

    for (uint32_t column = 0; column < width; column++, use += height) {
        struct column_times summed = dry_run_summed(s, adds, image, column);
        for (uint32_t row = 0; row < height; row++)
            use_at(&use[row], column_time(&summed, row) - hop);
    }
}

/* Latest read of every pixel of an image in the memories of a layer, for the crossbar and as a
 * residual, or wait for it; INT64_MIN where none is. Resampling pixels are sent before they are
 * overwritten, whatever K is, and do not count. */
static void last_uses(const struct dry_run *s, uint32_t layer, uint32_t image, bool all_see,
                      int64_t *use)
{
    const struct plan *p = s->plan;
    const struct plan_layer *pl = &p->layer[layer];
    const struct strips *strips = &s->layer[layer].strips;
    size_t n = (size_t)pl->in_height * pl->in_width;

    for (size_t i = 0; i < n; i++)
        use[i] = INT64_MIN;
    for (uint32_t left = 0; left < strips->shape.width; left += strips->width)
        use_strip(s, layer, image, left, use);
    for (uint32_t column = 0; !all_see && column < strips->shape.width; column++)
        wait_for_edge(s, layer, image, column, use);
    for (uint32_t i = 0; i < p->n_layer; i++)
        if (p->layer[i].residual == RESIDUAL_READ_BACK && p->layer[i].residual_from == layer)
            use_as_residual(s, i, image, pl->in_height, pl->in_width, use);
}

/* Whether every window has something of the map. */
static bool all_windows_see(const struct dry_run *s, uint32_t layer)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    bool see = true;

    for (uint32_t r = 0; r < s->layer[layer].fired.height; r++)
        see &= !sees_nothing(pl, 0, r);
    for (uint32_t c = 0; c < s->layer[layer].fired.width; c++)
        see &= !sees_nothing(pl, 1, c);
    return see;
}

/* Whether a column may begin to come, from one copy or layer, before the one before is complete. */
static bool columns_overlap(const struct plan *p, uint32_t layer)
{
    return !plan_in_scan_order(p, layer) || plan_network_layer(p, layer)->n_input > 1;
}

bool dry_run_comes_in_slices(const struct plan *p, uint32_t layer)
{
    const struct plan_layer *pl = &p->layer[layer];
    const struct layer *l = plan_network_layer(p, layer);

    if (pl->feed == FEED_SCRATCHPAD)
        return false;
    if (pl->feed == FEED_READ_BACK)
        return p->layer[pl->feeder].splits > 1 || p->layer[pl->feeder].parts > 1;
    return columns_overlap(p, layer) || p->layer[l->input[0] - 1].splits > 1;
}

uint32_t dry_run_racing_columns(const struct plan *p, uint32_t layer)
{
    const struct layer *l = plan_network_layer(p, layer);
    uint32_t most = 1;

    for (uint32_t i = 0; i < l->n_input; i++)
        if (l->input[i] > 0)
            most = max_u32(most, p->layer[l->input[i] - 1].copies);
    return most;
}

struct keeper { // what the columns of a layer's memory are counted with, for one image
    const struct dry_run *s;
    uint32_t              layer, image, racing; // dry_run_racing_columns()
    bool                  slices; // dry_run_comes_in_slices()
    bool                  all_see; // all_windows_see()
    int64_t              *use;    // owned; last_uses()
    int64_t              *until;  // owned; keep_until() of a column
};

/* The last timestep in which each pixel of a column must be in its slot before that of the column
 * `later` behind takes it. One that comes in slices must also have come before, if either is
 * used. */
static const int64_t *keep_until(const struct keeper *k, uint32_t column, uint32_t later)
{
    const struct plan_layer *pl = &k->s->plan->layer[k->layer];
    const int64_t *use = k->use + (size_t)column * pl->in_height;
    const int64_t *next = k->use + (size_t)((column + later) % pl->in_width) * pl->in_height;

    if (!k->slices)
        return use;
    struct column_times stored = dry_run_stored(k->s, k->layer, k->image, column);
    for (uint32_t r = 0; r < pl->in_height; r++) {
        int64_t t = use[r], come = column_time(&stored, r);
        bool used = t != INT64_MIN || next[r] != INT64_MIN;
        k->until[r] = used && come > t ? come : t;
    }
    return k->until;
}

/* The first row from `row` on in which a later column of its slot takes a pixel's place too early;
 * the map's height where none does. */
static uint32_t overwritten(const struct keeper *k, uint32_t row, uint32_t column, uint32_t columns)
{
    uint32_t width = k->s->plan->layer[k->layer].in_width;
    uint32_t first = k->s->plan->layer[k->layer].in_height;
    uint64_t c = (uint64_t)k->image * width + column;

    for (uint32_t later = columns; later <= k->racing * columns; later += columns) {
        struct column_times next = dry_run_column(k->s, dry_run_begun, k->layer, c + later);
        const int64_t *until = keep_until(k, column, later);
        for (uint32_t r = row; r < first; r++)
            if (column_time(&next, r) <= until[r])
                first = r;
    }
    return first;
}

/* Raises *columns until no pixel of an image is overwritten too early. */
static void keep_columns(const struct keeper *k, uint32_t *columns)
{
    const struct plan_layer *pl = &k->s->plan->layer[k->layer];

    for (uint32_t column = 0; column < pl->in_width; column++)
        for (uint32_t row = 0; (row = overwritten(k, row, column, *columns)) < pl->in_height;)
            ++*columns;
}

enum err dry_run_memory_columns(const struct dry_run *s, uint32_t layer, uint32_t *columns,
                                 struct err_msg *m)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    struct keeper k = { .s = s, .layer = layer, .racing = dry_run_racing_columns(s->plan, layer),
                        .slices = dry_run_comes_in_slices(s->plan, layer),
                        .all_see = all_windows_see(s, layer),
                        .use = malloc((size_t)pl->in_height * pl->in_width * sizeof *k.use),
                        .until = malloc(pl->in_height * sizeof *k.until) };
    bool done = k.use && k.until;

    *columns = max_u32(*columns, plan_kernel_columns(s->plan, layer));
    for (uint32_t before = 0; done && before != *columns;) { // a new number has new neighbours
        before = *columns;
        for (k.image = 0; k.image < s->n_image; k.image++) {
            last_uses(s, layer, k.image, k.all_see, k.use);
            keep_columns(&k, columns);
        }
        if (!k.slices)
            break;
    }
    free(k.use);
    free(k.until);
    return done ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for the dry timing run");
}

/* Whether a later column, of n tracked, begins before the rows that outputs see of column c have
 * come. */
static bool loses_track(const struct dry_run *s, uint32_t layer, uint64_t c, uint32_t last,
                        uint32_t n)
{
    uint32_t racing = dry_run_racing_columns(s->plan, layer);
    struct column_times own = dry_run_column(s, dry_run_stored, layer, c);
    int64_t come = column_time(&own, last);

    for (uint32_t later = n; later <= racing * n; later += n) {
        struct column_times next = dry_run_column(s, dry_run_stored, layer, c + later);
        if (column_time(&next, 0) < come)
            return true;
    }
    return false;
}

uint32_t dry_run_tracked_columns(const struct dry_run *s, uint32_t layer, uint32_t columns)
{
    const struct dry_run_layer *l = &s->layer[layer];
    uint32_t n = columns, before = 0, last = 0;

    for (uint32_t row = 0; row < l->fired.height; row++) // the last need not see the last row
        last = max_u32(last, l->last_row[row]);
    while (columns_overlap(s->plan, layer) && before != n) {
        before = n;
        for (uint64_t c = 0; c < (uint64_t)s->n_image * s->plan->layer[layer].in_width; c++)
            while (loses_track(s, layer, c, last, n))
                n++;
    }
    return n;
}
