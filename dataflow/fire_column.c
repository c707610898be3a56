/* dataflow/fire_column.c -- n outputs of one column: what replicas of Method 1, which share rows
 * along a column, can compute. Copies take columns in turn. */
#include "core/util.h"
#include "dataflow/firing.h"
#include "dataflow/firing_column.h"

static bool joins(const struct firing_shape *s, const struct pixel *head,
                  const struct pixel *p)
{
    (void)s;
    return p->image == head->image && p->column == head->column;
}

static uint64_t firings(const struct firing_shape *s)
{
    return ceil_div(s->width, s->copies) * ceil_div(s->height, s->n);
}

static uint32_t most_outputs(const struct firing_shape *s)
{
    return min_u32(s->n, s->height);
}

const struct firing_policy fire_column = {
    .name = "column",
    .doc = "n outputs of one column",
    .of_blocks = &fire_block,
    .in_scan_order = column_in_scan_order,
    .strip_width = column_strip_width,
    .next = column_next,
    .joins = joins,
    .origin = column_origin,
    .firings = firings,
    .most_outputs = most_outputs,
    .never_behind = column_never_behind,
};
