/* dataflow/firing_column.h -- column by column, x fastest: the order of two policies. */
#ifndef DATAFLOW_FIRING_COLUMN_H
#define DATAFLOW_FIRING_COLUMN_H

#include "dataflow/firing.h"

static inline uint32_t column_strip_width(const struct firing_shape *s)
{
    (void)s;
    return 1;
}

static inline bool column_in_scan_order(const struct firing_shape *s)
{
    (void)s;
    return true;
}

static inline bool column_never_behind(const struct firing_shape *a, const struct firing_shape *b)
{
    return a->n >= b->n;
}

static inline void column_next(const struct firing_shape *s, uint32_t copy, struct pixel *p)
{
    if (++p->x < s->height)
        return;
    p->x = 0;
    p->y += s->copies;
    if (p->y < s->width)
        return;
    p->y = copy;
    p->image++;
}

static inline void column_origin(const struct firing_shape *s, const struct pixel *head,
                                 uint32_t *x, uint32_t *y)
{
    (void)s;
    *x = head->x;
    *y = head->y;
}

#endif
