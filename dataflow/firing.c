/* dataflow/firing.c -- see firing.h. */
#include "dataflow/firing.h"

#include <stddef.h>
#include <string.h>

#include "core/util.h"

#define ROW(name) &name,
const struct firing_policy *const firing_policies[] = { FIRING_POLICIES(ROW) NULL };

const struct firing_policy *firing_find(const char *name)
{
    for (size_t i = 0; firing_policies[i]; i++)
        if (strcmp(firing_policies[i]->name, name) == 0)
            return firing_policies[i];
    return NULL;
}

struct pixel firing_first(const struct firing_policy *f, const struct firing_shape *s,
                                 uint32_t copy, uint64_t image)
{
    return (struct pixel){ .image = image, .row = 0, .column = copy * f->strip_width(s) };
}

uint32_t firing_strips(const struct firing_policy *f, const struct firing_shape *s)
{
    return (uint32_t)ceil_div(s->width, f->strip_width(s));
}

uint32_t firing_replica(const struct firing_policy *f, const struct firing_shape *s,
                        const struct pixel *head, const struct pixel *p)
{
    uint32_t width = f->strip_width(s), row, column;

    if (p->image != head->image || p->column / width != head->column / width)
        return s->n;
    f->origin(s, head, &row, &column);
    uint32_t replica = (p->row - row) * s->block_w + (p->column - column);
    return replica < s->n ? replica : s->n;
}
