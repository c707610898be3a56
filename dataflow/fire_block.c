/* dataflow/fire_block.c -- the outputs of one block of Method 2: strips block_w columns wide,
 * blocks of block_h rows from top to bottom, row by row inside a block, never across blocks. The
 * last strip and the last block are cut at the edge. Copies take strips in turn. */
#include "core/util.h"
#include "dataflow/firing.h"

static uint32_t strip_width(const struct firing_shape *s)
{
    return s->block_w;
}

static void next(const struct firing_shape *s, uint32_t copy, struct pixel *p)
{
    uint32_t left = p->column - p->column % s->block_w;

    if (++p->column < min_u32(left + s->block_w, s->width))
        return;
    p->column = left;
    if (++p->row < s->height)
        return;
    p->row = 0;
    p->column += s->block_w * s->copies;
    if (p->column < s->width)
        return;
    p->column = copy * s->block_w;
    p->image++;
}

static void origin(const struct firing_shape *s, const struct pixel *head, uint32_t *row,
                   uint32_t *column)
{
    *row = head->row - head->row % s->block_h;
    *column = head->column - head->column % s->block_w;
}

static bool joins(const struct firing_shape *s, const struct pixel *head,
                  const struct pixel *p)
{
    return p->image == head->image && p->row / s->block_h == head->row / s->block_h &&
           p->column / s->block_w == head->column / s->block_w;
}

static uint64_t firings(const struct firing_shape *s)
{
    return ceil_div(ceil_div(s->width, s->block_w), s->copies) * ceil_div(s->height, s->block_h);
}

static bool in_scan_order(const struct firing_shape *s)
{
    return s->block_w == 1;
}

static uint32_t most_outputs(const struct firing_shape *s)
{
    return s->block_w * min_u32(s->block_h, s->height);
}

/* The ends of b's blocks are ends of a's. */
static bool never_behind(const struct firing_shape *a, const struct firing_shape *b)
{
    return a->block_h % b->block_h == 0;
}

const struct firing_policy fire_block = {
    .name = "block",
    .doc = "the outputs of one block of replicas (Method 2)",
    .of_blocks = &fire_block,
    .in_scan_order = in_scan_order,
    .strip_width = strip_width,
    .next = next,
    .joins = joins,
    .origin = origin,
    .firings = firings,
    .most_outputs = most_outputs,
    .never_behind = never_behind,
};
