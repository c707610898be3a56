/* dataflow/firing.c -- see firing.h. */
#include "dataflow/firing.h"

#include <stddef.h>
#include <string.h>

#include "core/util.h"

const struct firing_policy *const firing_policies[] = { &fire_column, &fire_free, &fire_block,
                                                        NULL };

const struct firing_policy *firing_find(const char *name)
{
    for (size_t i = 0; firing_policies[i]; i++)
        if (strcmp(firing_policies[i]->name, name) == 0)
            return firing_policies[i];
    return NULL;
}

struct firing_place firing_first(const struct firing_policy *f, const struct firing_shape *s,
                                 uint32_t copy, uint64_t image)
{
    return (struct firing_place){ .image = image, .x = 0, .y = copy * f->strip_width(s) };
}

uint32_t firing_strips(const struct firing_policy *f, const struct firing_shape *s)
{
    return (uint32_t)ceil_div(s->width, f->strip_width(s));
}
