/* dataflow/firing_column.h -- column by column, each from its first row on: the order
 * of two policies. */
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
    if (++p->row < s->height)
        return;
    p->row = 0;
    p->column += s->copies;
    if (p->column < s->width)
        return;
    p->column = copy;
    p->image++;
}

static inline void column_origin(const struct firing_shape *s, const struct pixel *head,
                                 uint32_t *row, uint32_t *column)
{
    (void)s;
    *row = head->row;
    *column = head->column;
}

#endif
