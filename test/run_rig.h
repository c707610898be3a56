/* test/run_rig.h -- runs that fail the test where they fail, and runs that must be the same. */
#ifndef TEST_RUN_RIG_H
#define TEST_RUN_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "dataflow/plan/plan.h"
#include "study/run.h"

/* run() of a plan; the caller releases what it returns. */
struct run_result run_or_fail(const struct plan *p, const struct run_cfg *cfg);

/* Fails, naming the seed, where two runs of a plan differ in a time, a class or a counter. */
void assert_same_run(const struct plan *p, const struct run_result *a, const struct run_result *b,
                     uint64_t seed);

bool has_systemc(void); // that chips can be stepped by

#endif
