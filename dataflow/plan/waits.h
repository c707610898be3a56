/* dataflow/plan/waits.h -- how long queries wait in attention cores, of the first image of a plan's
 * timetable. All cores of a layer begin and end a query together.
 *
 *     barrier   from when a query is stored, with its key and value, until the last key is there
 *               that it sees
 *     lanes     from then on until the core begins it: it works on those before
 *
 * A plan knows when sums of its inputs are complete but for residuals, which the matrices in front
 * of attention do not add; where one does, its wait counts as one for lanes.
 */
#ifndef DATAFLOW_PLAN_WAITS_H
#define DATAFLOW_PLAN_WAITS_H

#include "dataflow/plan/plan.h"

struct token_wait { // of an output of a layer of tokens, in timesteps of the first image
    int64_t stored, ready; // of attention, it; and all that it sees. Of other layers, begins
    int64_t begins, ends;  // ends: the first in which the core is free again
};
struct token_wait token_wait(const struct plan *p, uint32_t layer, uint32_t row, uint32_t column);

struct waits { // of a layer of attention
    uint64_t n;                       // queries
    int64_t  first_stored, last_stored, last_end;
    uint64_t barrier, lanes, longest; // timesteps, of all of them; of one
    uint64_t most;                    // queries that are stored and not begun, in one timestep
    uint64_t busy;                    // timesteps in which a core works
};
struct waits waits_of(const struct plan *p, uint32_t layer);

#endif
