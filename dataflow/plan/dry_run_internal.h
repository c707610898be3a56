/* dataflow/plan/dry_run_internal.h -- what the files of the dry timing run share. */
#ifndef DATAFLOW_PLAN_DRY_RUN_INTERNAL_H
#define DATAFLOW_PLAN_DRY_RUN_INTERNAL_H

#include "core/util.h"
#include "dataflow/plan/dry_run.h"

/* Outputs of a layer for an image. */
static inline size_t dry_run_map_size(const struct plan *p, uint32_t layer)
{
    const struct shape *out = &plan_network_layer(p, layer)->out;

    return (size_t)out->height * out->width;
}

/* Of an output in its layer's table. */
static inline size_t dry_run_output_index(const struct dry_run *s, uint32_t layer,
                                           const struct pixel *at)
{
    uint32_t height = plan_network_layer(s->plan, layer)->out.height;

    return at->image * dry_run_map_size(s->plan, layer) + (size_t)at->column * height + at->row;
}

/* Timestep in which pixel (row, column) has come, or begins to: columns counted on from image to
 * image. */
typedef int64_t dry_run_time(const struct dry_run *s, uint32_t layer, uint64_t image, uint32_t row,
                              uint32_t column);
static inline int64_t dry_run_column_time(const struct dry_run *s, dry_run_time *time,
                                           uint32_t layer, uint32_t row, uint64_t column)
{
    uint32_t width = s->plan->layer[layer].in_width;

    return time(s, layer, column / width, row, (uint32_t)(column % width));
}

/* Of the later columns of a slot, one after another, so many may be the first to begin: each copy
 * that computes them does so in their order. */
uint32_t dry_run_racing_columns(const struct plan *p, uint32_t layer);

/* Times the firings of an image; state[copies] are those of the image before. */
void dry_run_fire_image(struct dry_run *s, uint32_t layer, uint64_t image,
                         struct firing_run *state);

/* Whether row `image` of a table of n outputs an image is the one before, an interval later. */
bool dry_run_row_repeats(const int64_t *table, size_t n, uint64_t image, uint64_t interval);

/* Room for n entries, and for n_image images in every table. False when the host has no memory. */
bool dry_run_grow_table(int64_t **table, size_t n);
bool dry_run_grow(struct dry_run *s, uint32_t n_image);

#endif
