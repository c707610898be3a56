/* dataflow/fire_free.c -- any n outputs in scan order, across the end of a column and from one
 * image into the next. This is the article's accounting (Dazzi et al. 2021, section 3.1.4);
 * replicas that share rows cannot do it, since the patches on the two sides do not overlap. */
#include "core/util.h"
#include "dataflow/firing.h"
#include "dataflow/firing_column.h"

static bool joins(const struct firing_shape *s, const struct pixel *head,
                  const struct pixel *p)
{
    (void)s, (void)head, (void)p;
    return true;
}

static uint64_t firings(const struct firing_shape *s)
{
    return ceil_div(ceil_div(s->width, s->copies) * s->height, s->n);
}

static uint32_t most_outputs(const struct firing_shape *s)
{
    return s->n; // of several images, where a map has fewer
}

const struct firing_policy fire_free = {
    .name = "free",
    .doc = "any n outputs in scan order, across columns and images",
    .across_columns = true,
    .of_blocks = &fire_free,
    .in_scan_order = column_in_scan_order,
    .strip_width = column_strip_width,
    .next = column_next,
    .joins = joins,
    .origin = column_origin,
    .firings = firings,
    .most_outputs = most_outputs,
    .never_behind = column_never_behind,
};
