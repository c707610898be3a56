/* dataflow/plan/operations.h -- what an array can be asked for, and what it takes.
 *
 *     forward    the product of its rows' inputs and weights: a firing
 *     backward   the same of the transposed array: outputs drive, rows are read
 *     read row   one row is driven, its columns are converted
 *     update     the weights of one output are written anew, by a learning rule
 *
 * Nothing is learned: updates are counted, and weights stay what they are. A rule is a row of
 * learning_rules[]. stdp: an output that spikes reads the w bits of its column, each a row of the
 * transposed array, computes for a clock, and writes w bits back, in 2 w + 1 clocks (MONETA: Kim et
 * al., Front. Neurosci. 2022; 17 clocks of 8 bits).
 */
#ifndef DATAFLOW_PLAN_OPERATIONS_H
#define DATAFLOW_PLAN_OPERATIONS_H

#include <stdint.h>

#include "dataflow/plan/plan.h"

enum operation { OPERATION_FORWARD, OPERATION_BACKWARD, OPERATION_READ_ROW, OPERATION_UPDATE,
                 N_OPERATION };

struct update_cost { // of one output's weights, all that one array holds of it
    uint64_t clocks, bits_read, bits_written; // bits of columns, each a row of the transposed array
};

struct learning_rule {
    const char *name, *doc;
    struct update_cost (*update)(uint32_t weight_bits); // NULL: nothing is updated
};

extern const struct learning_rule learning_rules[]; // ends with a row without a name

/* The row called so; NULL where there is none. */
const struct learning_rule *learning_rule_find(const char *name);

/* Clocks of an operation of one core of a layer with weights; of an update, without a rule, 0. */
uint64_t operation_clocks(const struct plan *p, uint32_t core, enum operation o);

/* Arrays that hold weights of one output of a layer: parts, copies, joined arrays; and how often
 * each of them holds it, for as many pixels that fire together. */
uint32_t operation_arrays(const struct plan *p, uint32_t layer);
uint32_t operation_replicas(const struct plan *p, uint32_t layer);

#endif
