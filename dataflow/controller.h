/* dataflow/controller.h -- the dataflow controller's pointers: which output is next, and whether a
 * core may fire (Dazzi et al. 2021, Algorithm 1, conditions_to_compute).
 *
 * At a timestep it takes the outputs, in the order of the layer's firing policy, whose patches are
 * stored: up to n, as many as the policy lets share a firing. It does not wait for a full group.
 */
#ifndef DATAFLOW_CONTROLLER_H
#define DATAFLOW_CONTROLLER_H

#include <stdbool.h>
#include <stdint.h>

#include "dataflow/plan/plan.h"
#include "memory/input_memory.h"

struct controller {
    const struct plan_layer    *layer;   // borrowed
    const struct input_memory  *memory;  // borrowed
    struct firing_shape         shape;
    uint32_t                    copy;
    struct pixel         next;    // output that is computed next
    uint32_t                    rows_seen, first_column, last_column; // of next's patch
    bool                        in_scan_order; // of the columns, the last one tells
    bool                        paced;   // fed by the scratchpad: not before the image's timestep
    uint64_t                    first_image, first_timestep, interval; // when images begin
};

void controller_init(struct controller *c, const struct plan *p, uint32_t layer, uint32_t copy,
                     const struct input_memory *memory, uint64_t first_image);

/* Whether the next output may be computed in timestep t. */
bool controller_ready(const struct controller *c, uint64_t t);

/* Takes the outputs of the firing of timestep t into out[n], in order; returns their number, 0 when
 * the next is not ready. */
uint32_t controller_fire(struct controller *c, uint64_t t, struct pixel *out);

/* The first timestep in which the next output may fire for all that the controller knows by itself:
 * later ones depend on pixels that have not come. */
uint64_t controller_paced_timestep(const struct controller *c);

#endif
