/* dataflow/plan/dry_run_memory.c -- columns kept and tracked, see dry_run.h. */
#include <stdlib.h>

#include "dataflow/plan/dry_run_internal.h"
#include "memory/registers.h"

static void use_at(int64_t *slot, int64_t t)
{
    *slot = t > *slot ? t : *slot;
}

/* Whether an output's window lies in the padding altogether. */
static bool sees_nothing(const struct plan_layer *pl, const struct pixel *at)
{
    return window_inside(&pl->window, 0, at->row, pl->in_height) == 0 ||
           window_inside(&pl->window, 1, at->column, pl->in_width) == 0;
}

/* It reads nothing, but fires when the pixels at the edge next to it have come. */
static void wait_for_edge(const struct plan_layer *pl, const struct pixel *at, int64_t t,
                          int64_t *use)
{
    uint32_t row = window_last(&pl->window, 0, at->row, pl->in_height);
    uint32_t last = window_last(&pl->window, 1, at->column, pl->in_width);

    for (uint32_t column = window_first(&pl->window, 1, at->column, pl->in_width); column <= last;
         column++)
        use_at(&use[(size_t)column * pl->in_height + row], t);
}

/* Latest read of every pixel of an image in the memories of a layer, for the crossbar and as a
 * residual, or wait for it; INT64_MIN where none is. Resampling pixels are sent before they are
 * overwritten, whatever K is, and do not count. */
static void last_uses(const struct dry_run *s, uint32_t layer, uint64_t image,
                      struct input_registers *reg, int64_t *use)
{
    const struct plan *p = s->plan;
    const struct plan_layer *pl = &p->layer[layer];
    struct firing_shape shape = plan_firing_shape(p, layer);

    for (uint32_t column = 0; column < pl->in_width; column++)
        for (uint32_t row = 0; row < pl->in_height; row++)
            use[(size_t)column * pl->in_height + row] = INT64_MIN;
    for (uint32_t copy = 0; copy < pl->copies; copy++) {
        struct pixel at = firing_first(pl->firing, &shape, copy, image);
        for (registers_reset(reg); at.image == image; pl->firing->next(&shape, copy, &at)) {
            int64_t t = dry_run_fired(s, layer, image, at.row, at.column);
            registers_begin(reg, &at);
            registers_need(reg, &at);
            for (const struct row_read *r = reg->read; r < reg->read + reg->n_read; r++)
                for (uint32_t i = 0; i < r->columns; i++)
                    use_at(&use[(size_t)(r->first_column + i) * pl->in_height + r->row], t);
            if (sees_nothing(pl, &at))
                wait_for_edge(pl, &at, t, use);
        }
    }
    for (uint32_t i = 0; i < p->n_layer; i++) {
        if (p->layer[i].residual != RESIDUAL_READ_BACK || p->layer[i].residual_from != layer)
            continue;
        for (uint32_t column = 0; column < pl->in_width; column++)
            for (uint32_t row = 0; row < pl->in_height; row++)
                use_at(&use[(size_t)column * pl->in_height + row],
                       dry_run_summed(s, i, image, row, column) - p->hops[i].residual);
    }
}

/* Whether a column may begin to come, from one copy or layer, before the one before is complete. */
static bool columns_overlap(const struct plan *p, uint32_t layer)
{
    return !plan_in_scan_order(p, layer) || plan_network_layer(p, layer)->n_input > 1;
}

/* Whether a pixel may come in slices from several cores, of which those of a timestep are stored in
 * any order. */
static bool comes_in_slices(const struct plan *p, uint32_t layer)
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
    bool                  slices; // comes_in_slices()
    const int64_t        *use;    // last_uses()
};

/* Last timestep in which a pixel must be in its slot before that of the column `later` behind takes
 * it. One that comes in slices must also have come before, if either is used. */
static int64_t kept_until(const struct keeper *k, uint32_t row, uint32_t column, uint32_t later)
{
    const struct plan_layer *pl = &k->s->plan->layer[k->layer];
    int64_t t = k->use[(size_t)column * pl->in_height + row];

    if (!k->slices)
        return t;
    int64_t next = k->use[(size_t)((column + later) % pl->in_width) * pl->in_height + row];
    if (t == INT64_MIN && next == INT64_MIN)
        return t;
    int64_t stored = dry_run_stored(k->s, k->layer, k->image, row, column);
    return stored > t ? stored : t;
}

/* Whether a later column, of n tracked, begins before the rows that outputs see of column c have
 * come. */
static bool loses_track(const struct dry_run *s, uint32_t layer, uint64_t c, uint32_t last,
                        uint32_t n)
{
    uint32_t racing = dry_run_racing_columns(s->plan, layer);
    int64_t come = dry_run_column_time(s, dry_run_stored, layer, last, c);

    for (uint32_t later = n; later <= racing * n; later += n)
        if (dry_run_column_time(s, dry_run_stored, layer, 0, c + later) < come)
            return true;
    return false;
}

uint32_t dry_run_tracked_columns(const struct dry_run *s, uint32_t layer, uint32_t columns)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    uint32_t rows = plan_network_layer(s->plan, layer)->out.height;
    uint32_t n = columns, before = 0, last = 0;

    for (uint32_t row = 0; row < rows; row++) // the last output need not see the last row
        last = max_u32(last, window_last(&pl->window, 0, row, pl->in_height));
    while (columns_overlap(s->plan, layer) && before != n) {
        before = n;
        for (uint64_t c = 0; c < (uint64_t)s->n_image * pl->in_width; c++)
            while (loses_track(s, layer, c, last, n))
                n++;
    }
    return n;
}

/* Whether a later column of its slot takes a pixel's place too early. */
static bool overwritten(const struct keeper *k, uint32_t row, uint32_t column, uint32_t columns)
{
    uint64_t c = (uint64_t)k->image * k->s->plan->layer[k->layer].in_width + column;

    for (uint32_t later = columns; later <= k->racing * columns; later += columns)
        if (dry_run_column_time(k->s, dry_run_begun, k->layer, row, c + later) <=
            kept_until(k, row, column, later))
            return true;
    return false;
}

/* Raises *columns until no pixel of an image is overwritten too early. */
static void keep_columns(const struct keeper *k, uint32_t *columns)
{
    const struct plan_layer *pl = &k->s->plan->layer[k->layer];

    for (uint32_t column = 0; column < pl->in_width; column++)
        for (uint32_t row = 0; row < pl->in_height; row++)
            while (overwritten(k, row, column, *columns))
                ++*columns;
}

enum err dry_run_memory_columns(const struct dry_run *s, uint32_t layer, uint32_t *columns,
                                 struct err_msg *m)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    struct firing_shape shape = plan_firing_shape(s->plan, layer);
    struct input_registers reg;
    int64_t *use = calloc((size_t)pl->in_height * pl->in_width, sizeof *use);

    struct keeper k = { .s = s, .layer = layer, .racing = dry_run_racing_columns(s->plan, layer),
                        .slices = comes_in_slices(s->plan, layer), .use = use };

    *columns = max_u32(*columns, plan_kernel_columns(s->plan, layer));
    if (!use || !registers_init(&reg, &pl->window, pl->in_height, pl->in_width,
                                pl->firing->strip_width(&shape))) {
        free(use);
        return err_set(m, ERR_MEMORY, "no memory for the dry timing run");
    }
    for (uint32_t before = 0; before != *columns;) { // a new number has new neighbours
        before = *columns;
        for (k.image = 0; k.image < s->n_image; k.image++) {
            last_uses(s, layer, k.image, &reg, use);
            keep_columns(&k, columns);
        }
        if (!k.slices)
            break;
    }
    registers_release(&reg);
    free(use);
    return ERR_NONE;
}
