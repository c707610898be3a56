/* dataflow/plan/dry_run.h -- the dry timing run: when every output of every layer is computed.
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
 * Pixels read back from memories (for residual sums and resampling layers) are timed backwards from
 * the sums that need them, as late as docs/accelerator.md, section 3, allows.
 */
#ifndef DATAFLOW_PLAN_DRY_RUN_H
#define DATAFLOW_PLAN_DRY_RUN_H

#include "dataflow/firing.h"
#include "dataflow/plan/plan.h"

struct dry_run {
    const struct plan *plan;    // borrowed
    struct dry_run_source {    // where a layer's pixels come from, if one table has their times
        int64_t *const *table;  // fired[] or summed[] of the producer; NULL: no one table does
        int64_t         delay;
        uint32_t        height; // rows of the map; its size
        size_t          size;
        bool            in_order; // plan_in_scan_order()
    }                 *source;  // owned; [layer]
    uint32_t           n_image; // rows kept; image i >= n_image repeats the last one, later
    int64_t          **fired;   // owned; [layer][image][column * height + row]: timestep of output
    int64_t          **summed;  // owned; likewise, of layers that add a residual; else NULL
    int64_t          **stored;  // owned; [layer][column * height + row] of FEED_SCRATCHPAD; of
                                // FEED_READ_BACK, once timed; else NULL
};

/* Times every layer of the plan, whose mapping, feeds and interval are set. ERR_RUN when images do
 * not settle, ERR_MEMORY. On error *s is zero. */
enum err dry_run_make(struct dry_run *s, const struct plan *p, struct err_msg *m);
void dry_run_release(struct dry_run *s); // takes a zeroed one

/* Timestep in which output (row, column) of an image is computed by a layer. */
int64_t dry_run_fired(const struct dry_run *s, uint32_t layer, uint64_t image, uint32_t row,
                       uint32_t column);

/* Timestep in which the sum of that output is complete: its last part has added the others', and
 * its residual, which is sent so as to be in time if it can, has come. */
int64_t dry_run_summed(const struct dry_run *s, uint32_t layer, uint64_t image, uint32_t row,
                        uint32_t column);

/* Timestep in which the layer delivers it: as summed, or when the pool is complete. */
int64_t dry_run_done(const struct dry_run *s, uint32_t layer, uint64_t image, uint32_t row,
                      uint32_t column);

/* Timestep in whose first phase a pixel is stored in the memories of a layer: its last slice. */
int64_t dry_run_stored(const struct dry_run *s, uint32_t layer, uint64_t image, uint32_t row,
                        uint32_t column);

/* The same of its first slice, which takes the pixel's slot over. Layers that are concatenated
 * deliver theirs at different times. */
int64_t dry_run_begun(const struct dry_run *s, uint32_t layer, uint64_t image, uint32_t row,
                       uint32_t column);

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

/* What waits at a summing core of the layer at most, in one timestep: residual pixels, and firings
 * whose sums are not complete; those used in that timestep included. */
enum err dry_run_waiting(const struct dry_run *s, uint32_t layer, uint32_t *pixels,
                          uint32_t *firings, struct err_msg *m);

#endif
