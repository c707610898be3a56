/* arch/circuits/adder.h -- ripple-carry adder of nine NAND2 per bit, and trees of them.
 *
 *     area   = 9 n A(NAND2)        leakage = 9 n P(NAND2)
 *     delay  = carry chain of 2 n + 1 NAND2, one input pattern: A = 11..1, B = 10..0, carry in 1
 *     energy = activity * all transitions of that pattern
 *
 * Source: DNN+NeuroSim V1.4; docs/models/adder.md.
 */
#ifndef ARCH_CIRCUITS_ADDER_H
#define ARCH_CIRCUITS_ADDER_H

#include "arch/tech/circuit.h"

/* bits: at least 1; load_pf: on the sum output. In one row of cells. */
struct circuit adder(const struct technology *t, unsigned bits, double load_pf,
                     const struct activity *activity);

/* A tree that adds n numbers of so many bits: stage k has adders of bits + k bits; its delay is one
 * adder and a carry of two bits per further stage. n: at least 2. */
struct circuit adder_tree(const struct technology *t, unsigned n, unsigned bits, double load_pf,
                          const struct activity *activity);

#endif
