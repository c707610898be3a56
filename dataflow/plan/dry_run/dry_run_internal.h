/* dataflow/plan/dry_run/dry_run_internal.h -- what the files of the dry timing run share. */
#ifndef DATAFLOW_PLAN_DRY_RUN_DRY_RUN_INTERNAL_H
#define DATAFLOW_PLAN_DRY_RUN_DRY_RUN_INTERNAL_H

#include "core/util.h"
#include "dataflow/plan/dry_run/dry_run.h"

/* Outputs of a layer for an image. */
static inline size_t dry_run_map_size(const struct plan *p, uint32_t layer)
{
    const struct shape *out = &plan_network_layer(p, layer)->out;

    return (size_t)out->height * out->width;
}

/* When the pixels of a column have come, or begin to: columns counted on from image to image. */
static inline struct column_times dry_run_column(const struct dry_run *s, dry_run_time *time,
                                                 uint32_t layer, uint64_t column)
{
    uint32_t width = s->plan->layer[layer].in_width;

    return time(s, layer, column / width, (uint32_t)(column % width));
}

/* Whether a pixel may come in slices from several cores, of which those of a timestep are stored in
 * any order. */
bool dry_run_comes_in_slices(const struct plan *p, uint32_t layer);

/* Of the later columns of a slot, one after another, so many may be the first to begin: each copy
 * that computes them does so in their order. */
uint32_t dry_run_racing_columns(const struct plan *p, uint32_t layer);

/* Times the firings of a layer for images [from, to): state[copies] are those of the image before.
 * False when the host has no memory. */
bool dry_run_fire_images(struct dry_run *s, uint32_t layer, uint32_t from, uint32_t to,
                         struct firing_run *state);

/* Whether a layer before this one has done the same for the image, later; if so, the image is timed
 * accordingly (alike.c). */
bool dry_run_repeat_image(struct dry_run *s, uint32_t layer, uint32_t image);

/* Sets n_reader and reader[] of a layer. */
void dry_run_find_readers(struct dry_run *s, uint32_t layer);

/* Timesteps in which the scratchpad stores the pixels of an image, from when a layer uses them
 * (image.c). False when the host has no memory. */
bool dry_run_store_image(struct dry_run *s, uint32_t layer);

/* Whether a layer adds pixels of the image that it stores itself. */
bool dry_run_adds_its_image(const struct plan *p, uint32_t layer);

#endif
