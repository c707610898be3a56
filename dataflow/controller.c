/* dataflow/controller.c -- see controller.h. */
#include "dataflow/controller.h"

#include "memory/registers.h"

/* Works out the patch of the output that is next: its last row in each of its columns. */
static void look_at(struct controller *c)
{
    const struct plan_layer *pl = c->layer;

    c->rows_seen = window_last(&pl->window, 0, c->next.row, pl->in_height) + 1;
    c->last_column = window_last(&pl->window, 1, c->next.column, pl->in_width);
    c->first_column = c->in_scan_order ? c->last_column
                                       : window_first(&pl->window, 1, c->next.column, pl->in_width);
}

void controller_init(struct controller *c, const struct plan *p, uint32_t layer, uint32_t copy,
                     const struct input_memory *memory, uint64_t first_image)
{
    *c = (struct controller){
        .layer = &p->layer[layer],
        .memory = memory,
        .shape = plan_firing_shape(p, layer),
        .copy = copy,
        .in_scan_order = plan_in_scan_order(p, layer),
        .paced = p->layer[layer].feed == FEED_SCRATCHPAD,
        .first_image = first_image,
        .first_timestep = p->time.lead,
        .interval = p->interval,
    };
    c->next = firing_first(c->layer->firing, &c->shape, copy, first_image);
    look_at(c);
}

uint64_t controller_paced_timestep(const struct controller *c)
{
    return c->paced ? c->first_timestep + (c->next.image - c->first_image) * c->interval : 0;
}

bool controller_ready(const struct controller *c, uint64_t t)
{
    uint64_t before = c->next.image * c->layer->in_width;

    if (t < controller_paced_timestep(c))
        return false;
    for (uint32_t column = c->first_column; column <= c->last_column; column++)
        if (memory_rows_stored(c->memory, before + column) < c->rows_seen)
            return false;
    return true;
}

uint32_t controller_fire(struct controller *c, uint64_t t, struct pixel *out)
{
    const struct firing_policy *f = c->layer->firing;
    uint32_t n = 0;

    while ((n == 0 || firing_joins(f, &c->shape, &out[0], n, &c->next)) && controller_ready(c, t)) {
        out[n++] = c->next;
        f->next(&c->shape, c->copy, &c->next);
        look_at(c);
    }
    return n;
}
