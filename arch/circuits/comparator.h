/* arch/circuits/comparator.h -- magnitude comparator, ReLU registers and a maximum-pooling unit.
 *
 * A comparator bit is 4 INV, 4 NAND2 and 3 NAND3 on enlarged transistors; a pooling unit of a
 * window of w values has w - 1 comparators with their pass gates, and on average decides after half
 * of the bits. Source: DNN+NeuroSim V1.3 and V1.4; docs/models/comparator.md.
 */
#ifndef ARCH_CIRCUITS_COMPARATOR_H
#define ARCH_CIRCUITS_COMPARATOR_H

#include "arch/tech/circuit.h"

struct circuit comparator(const struct technology *t, unsigned bits,
                          const struct activity *activity);

/* window: at least 2 values; bits: at least 2. */
struct circuit max_pool(const struct technology *t, unsigned bits, unsigned window,
                        const struct activity *activity);

/* Registers that clear by the sign bit. */
struct circuit relu(const struct technology *t, unsigned bits, unsigned units);

#endif
