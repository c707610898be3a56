/* dataflow/mapper/search.h -- mappings of least latency for every number of cores, and a bound.
 *
 * A dynamic program over the layers in their order. A state after layer l is what the rest depends
 * on: the cores used, and the delivery times of the layers that later ones read
 * (dataflow/mapper/times.h). It has a successor for each option of layer l + 1 that leaves enough
 * cores for the rest. Of two states, one that has no more of any of these dominates: times
 * are monotone, so whatever completes the other completes it at least as well. The dominated one is
 * dropped.
 *
 * States are many, so there is a limit to those kept (`mapping.effort`), and two runs, which
 * bracket the best (the restricted and relaxed decision diagrams of D. Bergman, A. Cire, W.-J. van
 * Hoeve, J. Hooker, "Discrete Optimization with Decision Diagrams", INFORMS J. Computing 28(1),
 * 2016):
 *
 *     restricted   drops the latest states beyond the limit: each end is a mapping with its latency
 *     relaxed      merges them, the earlier of each time and the fewer cores: by the same monotony
 *                  no mapping is earlier than the merged state
 *
 * When nothing had to be dropped or merged the two meet, and so they often do before. The limit is
 * a count of outputs timed, not of seconds: the result does not depend on the host.
 */
#ifndef DATAFLOW_MAPPER_SEARCH_H
#define DATAFLOW_MAPPER_SEARCH_H

#include <stdint.h>

#include "dataflow/mapper/mapper.h"
#include "dataflow/mapper/times.h"

struct mapper_point {
    uint32_t  cores;
    uint64_t  first_result;
    uint64_t  bound;  // no mapping of at most so many cores has less
    uint32_t *choice; // owned
};

struct mapper_front { // by cores; each point has a lower latency than the one before
    struct mapper_point *point; // owned
    uint32_t             n_point;
    uint64_t             bound; // on the latency of any mapping onto the chip
};

struct mapper_search_cfg {
    uint64_t interval; // of mappings looked at, at most
    uint32_t cores;    // likewise; at least mapper.least_cores
    uint32_t searches; // that share the effort
    bool     careful;  // with memories: mapper_times_fits()
    uint64_t least_firings; // of layers that read the image, where they have options of so many:
                            // all behind them are no faster
};

/* mapper_fewest_cores() of any option must be within cfg->cores. On error *f is zero. */
enum err mapper_search(const struct mapper *mp, const struct mapper_search_cfg *cfg,
                       struct mapper_front *f, struct err_msg *m);
void mapper_front_release(struct mapper_front *f); // takes a zeroed one

#endif
