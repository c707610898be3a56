/* dataflow/learning_params.h -- learning on the chip as the configuration states it;
 * dataflow/plan/operations.h. */
#ifndef DATAFLOW_LEARNING_PARAMS_H
#define DATAFLOW_LEARNING_PARAMS_H

#include <stdint.h>

#include "core/param.h"

struct learning_cfg {
    char     rule[32];  // a row of learning_rules[]
    uint64_t update_pj; // billionths
};

/* clang-format off */
#define LEARNING_PARAMS(type, at)                                                                  \
    PARAM_NAME(type, at.rule, "learning.rule", "none",                                             \
               "of learning: updates of weights that are counted, and not made: none; stdp, "     \
               "for each spike of an output"),                                                    \
    PARAM_DECIMAL(type, at.update_pj, "learning.update_pj", "pJ", "0", 0,                          \
                  1000000 * PARAM_BILLION, 1,                                                      \
                  "of learning: an update of an output's weights in one array; 0: it is not priced")
/* clang-format on */

#endif
