/* dataflow/plan/timetable.h -- when a plan's layers work, and the room that takes.
 *
 * A clocking policy (dataflow/plan/clocking.h) makes it from the plan's structure: layers, cores
 * and streams, which it leaves as they are. All arrays run beside those of the structure: entry i
 * is that of layer, core or stream i. Timesteps count from that in which the first layer may fire
 * for the first image; an image's from its own, an interval later each.
 */
#ifndef DATAFLOW_PLAN_TIMETABLE_H
#define DATAFLOW_PLAN_TIMETABLE_H

#include <stdint.h>

#include "dataflow/plan/columns.h"
#include "dataflow/plan/rules.h"
#include "memory/input_memory.h"

struct layer_times {
    uint64_t firings;                       // of one image, alone, over its copies
    uint64_t first_timestep, last_timestep; // of the first image's firings, from 0
    uint32_t memory_columns;                // K
    uint32_t tracked_columns;               // whose progress the controller knows
    uint32_t residual_fifo; // pixels that wait at the summing core
    uint32_t sums_waiting;  // firings there whose sums are not complete
    struct map_times fired; // owned; when outputs fire, of the transient images; those of a copy in
                            // one timestep share a firing. Of no images: no plan can say
};

struct core_times {
    struct memory_layout layout;            // with its layer's K
    uint32_t             most_outputs;      // in one firing
    uint64_t             used_clk[N_STAGE]; // in the worst timestep; 0: the stage is not used
};

struct stream_times {
    uint32_t most_pixels; // in one timestep, worst case
    uint64_t used_clk;    // ceil(most_pixels * n * value_bits * clock / rate)
};

/* Of struct read_back: pixels in the order in which they are sent. */
struct read_back_times {
    uint32_t n; // sends per image
    struct read_back_send {
        uint32_t row, column;   // as the receiver counts
        int64_t  timestep; // after the image's first timestep
    }       *send;         // owned; [n_image][n], by time: image i uses row min(i, n_image - 1)
    uint32_t n_image;
    uint32_t most_pixels;  // sends in one timestep, at most
};

/* Of struct image_feed: when the scratchpad's pixels are stored. */
struct image_times {
    int64_t *stored; // owned; [column * height + row]: timestep after the image's first, or before
};

struct timetable {
    struct layer_times     *layer; // owned, like all of these; [n_layer]
    struct column_kinds     kinds; // of their firings
    struct core_times      *core;
    struct stream_times    *stream;
    struct read_back_times *read_back;
    struct image_times     *image_feed;
    uint32_t                n_layer, n_read_back, n_image_feed;

    uint64_t first_result;       // elapsed timesteps to the first image's result
    uint64_t last_tokens;        // elapsed timesteps to the last token of the last layer that
                                 // delivers a sequence: a head behind it sees one; 0: of no tokens
    uint64_t last_conv;          // elapsed timesteps to the last firing of the last convolution
    uint64_t lead;               // timesteps before the first that the scratchpad begins
    uint64_t pipeline_timesteps; // what a pipeline of real stages would add
    uint32_t transient_images;   // image i >= this repeats image i - 1, one interval later
    int64_t *late;               // owned; [transient_images], see timetable_late()
};

void timetable_release(struct timetable *t); // takes a zeroed one

/* Timesteps by which an image's result comes later than first_result + image * interval: until the
 * images repeat one another, memories and FIFOs fill. */
static inline int64_t timetable_late(const struct timetable *t, uint64_t image)
{
    return t->late[image < t->transient_images ? image : t->transient_images - 1];
}

#endif
