/* dataflow/plan/dry_run/dry_run.h -- the dry timing run: when every output of every layer is
 * computed.
 *
 * Cores are never held back from downstream in timestep clocking, so a layer's times follow from
 * those of the layers it reads, and a run is one pass over the layers per image, layer by layer
 * instead of timestep by timestep. Outputs fire by the rule of dataflow/plan/rules.h, with
 *
 *     ready(j) = latest store of a pixel of its patch
 *
 * and a result is stored one hop after its sum is complete. Images follow each
 * other by the interval. Once an image repeats the one before it, an interval later, so do all that
 * follow, and later images are read off the last row kept.
 *
 * A strip of outputs follows from the columns that it sees and from the firing before it. Where
 * these are those of the strip before, only later, so are its times: they are not computed again,
 * and not kept again (dataflow/plan/columns.h). So it is with whole layers.
 *
 * Pixels read back from memories (for residual sums and resampling layers) are timed backwards from
 * the sums that need them, as late as docs/accelerator.md, section 3, allows.
 */
#ifndef DATAFLOW_PLAN_DRY_RUN_DRY_RUN_H
#define DATAFLOW_PLAN_DRY_RUN_DRY_RUN_H

#include "dataflow/plan/columns.h"
#include "dataflow/plan/plan.h"
#include "dataflow/plan/strips.h"

enum { DRY_RUN_READERS = 2 };

struct dry_run_layer { // maps of no columns where there is no such time
    struct strips    strips;
    struct map_times fired, summed;  // of outputs; summed of layers that add a residual
    struct map_times stored, begun;  // of pixels: of the image, for all images; of several inputs
                                     // that are concatenated, where first and last slice are apart;
                                     // of FEED_READ_BACK, once timed
    uint32_t        *last_row;       // owned; [out.height]: that an output sees
    uint32_t        *longer;         // owned; [out.width]: timesteps beyond one that an output
                                     // takes; NULL: none does
    bool             in_order;       // plan_in_scan_order()
    struct firing_run *run;    // owned; [copies]: the latest firings
    struct firing_run *before; // likewise, in run: those before the latest image
    uint32_t           n_reader, reader[DRY_RUN_READERS]; // layers that get pixels of its memory;
                                                          // of more of them the first
    uint32_t           like;   // dry_run_find_alike()
};

struct dry_run {
    const struct plan    *plan;    // borrowed
    struct dry_run_layer *layer;   // owned
    struct column_kinds   kinds;   // owned; of all maps
    uint32_t              n_image; // kept; image i >= n_image repeats the last one, later
};

/* Times every layer of the plan, whose mapping, feeds and interval are set. ERR_RUN when images do
 * not settle, ERR_MEMORY. On error *s is zero. */
enum err dry_run_make(struct dry_run *s, const struct plan *p, struct err_msg *m);
void dry_run_release(struct dry_run *s); // takes a zeroed one

/* When something happens to the outputs or pixels of a column of an image at a layer. */
typedef struct column_times dry_run_time(const struct dry_run *s, uint32_t layer, uint64_t image,
                                         uint32_t column);

/* Timesteps in which outputs are computed. */
struct column_times dry_run_fired(const struct dry_run *s, uint32_t layer, uint64_t image,
                                  uint32_t column);

/* Timesteps beyond one that an output of a column takes. */
int64_t dry_run_longer(const struct dry_run *s, uint32_t layer, uint32_t column);

/* Timesteps in which their sums are complete: the last part has added the others', and the
 * residual, which is sent so as to be in time if it can, has come. */
struct column_times dry_run_summed(const struct dry_run *s, uint32_t layer, uint64_t image,
                                   uint32_t column);

/* Timesteps in which the layer delivers outputs: as summed, or when the pool is complete. */
struct column_times dry_run_done(const struct dry_run *s, uint32_t layer, uint64_t image,
                                 uint32_t column);

/* Timesteps in whose first phase pixels are stored in the memories of the layer: their last
 * slice. */
struct column_times dry_run_stored(const struct dry_run *s, uint32_t layer, uint64_t image,
                                   uint32_t column);

/* The same of the first slice, which takes a pixel's slot over. Layers that are concatenated
 * deliver theirs at different times. */
struct column_times dry_run_begun(const struct dry_run *s, uint32_t layer, uint64_t image,
                                  uint32_t column);

/* Finds for every layer one before it that does the same, later: with the same geometry and times,
 * of pixels that come, of firings, sums and of what is read of its memory. `like` is that layer, or
 * the layer itself. Holds until other times are set. */
void dry_run_find_alike(struct dry_run *s);

/* By how much a layer's times are later than those of the layer that it is like. */
int64_t dry_run_later(const struct dry_run *s, uint32_t layer);

/* Raises *columns to the K that the memories of a layer need, so that no pixel is overwritten
 * before its last read for the crossbar or as a residual. */
enum err dry_run_memory_columns(const struct dry_run *s, uint32_t layer, uint32_t *columns,
                                 struct err_msg *m);

/* Columns of which the controller must know at the same time how far they have come: the memory's,
 * or more where one may begin before the one before it is complete. */
uint32_t dry_run_tracked_columns(const struct dry_run *s, uint32_t layer, uint32_t columns);

/* Times a resampling layer (FEED_READ_BACK): its pixels are sent in order, as late as its sums and
 * the memory of so many columns that they are read from allow. *in_time is false when one
 * would have to be sent before it is there: that memory needs more columns, then call again. */
enum err dry_run_resampling(struct dry_run *s, uint32_t layer, uint32_t columns, bool *in_time,
                            struct err_msg *m);

#define DRY_RUN_NEVER_USED (INT64_MAX / 2) // first use of a pixel that no window sees

/* The scratchpad stores the n pixels of an image in scan order, each as late as its first use and
 * the pixels behind it allow, and no more in a timestep than an image has pixels per timestep of
 * its interval: time[] holds the former, and then the latter. */
void dry_run_as_late_as_possible(int64_t *time, size_t n, uint64_t interval);

/* What waits at a summing core of the layer at most, in one timestep: residual pixels, and firings
 * whose sums are not complete; those used in that timestep included. */
enum err dry_run_waiting(const struct dry_run *s, uint32_t layer, uint32_t *pixels,
                          uint32_t *firings, struct err_msg *m);

#endif
