/* arch/values/skipped.c -- see skipped.h. */
#include "arch/values/skipped.h"

#include <stdlib.h>

#include "arch/values/firing_groups.h"
#include "arch/values/rows_on.h"

struct saved { // of a core
    uint64_t reads, conversions, shift_adds;
};

struct skipped {
    const struct plan       *plan;  // borrowed
    const struct firing_log *log;   // borrowed; may be NULL
    uint64_t                 image;
    struct rows_on          *rows;  // owned
    struct saved            *saved; // owned; [n_core]
};

struct walk { // over the products of one core, in a lane
    struct skipped *own;
    uint32_t        core, lane;
};

struct skipped *skipped_new(const struct plan *p, const struct firing_log *l, uint64_t image)
{
    struct skipped *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    *s = (struct skipped){ .plan = p, .log = l, .image = image,
                           .rows = rows_on_new(p, rows_on_lanes(p)),
                           .saved = calloc(p->n_core, sizeof *s->saved) };
    if (s->rows && s->saved)
        return s;
    skipped_free(s);
    return NULL;
}

void skipped_free(struct skipped *s)
{
    if (!s)
        return;
    rows_on_free(s->rows);
    free(s->saved);
    free(s);
}

static uint64_t additions(const struct array_spec *s, uint64_t outputs, uint64_t reads)
{
    return reads > 0 ? outputs * (reads * (s->layout.n_slice + (s->layout.ones != 0)) - 1) : 0;
}

static void on_group(void *user, const struct firing_group *g)
{
    const struct walk *k = user;
    const struct plan_core *c = &k->own->plan->core[k->core];
    const struct array_spec *s = &k->own->plan->layer[c->plan_layer].array;
    const struct pixel head = { .row = g->x, .column = g->y };
    struct saved *saved = &k->own->saved[k->core];
    const uint64_t outputs = (uint64_t)g->n * c->out_n, all = array_reads_of_step(s, c->rows);
    const uint64_t left = rows_on_reads(k->own->rows, k->core, k->lane, &head, g->n);

    saved->reads += all - left;
    if (s->readout->counts)
        saved->conversions += (all - left) * (outputs * s->layout.columns +
                                              (s->layout.ones != 0));
    saved->shift_adds += additions(s, outputs, all) - additions(s, outputs, left);
}

void skipped_see(struct skipped *s, uint32_t layer, const struct value_map *map, uint32_t column,
                 uint32_t n_lane, int32_t outside)
{
    const struct plan_layer *pl = &s->plan->layer[layer];
    struct walk k = { .own = s };

    if (!rows_on_see(s->rows, layer, map, column, n_lane, outside))
        return;
    for (k.core = pl->first_core; k.core < pl->first_core + pl->n_core; k.core++)
        for (k.lane = 0; k.lane < n_lane; k.lane++)
            firing_groups_each(s->plan, s->log, s->image, layer, s->plan->core[k.core].copy,
                               on_group, &k);
}

void skipped_count(const struct skipped *s, struct core_counters *core)
{
    for (uint32_t i = 0; i < s->plan->n_core; i++) {
        core[i].reads -= s->saved[i].reads;
        core[i].conversions -= s->saved[i].conversions;
        core[i].shift_adds -= s->saved[i].shift_adds;
    }
}
