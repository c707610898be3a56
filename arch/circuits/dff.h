/* arch/circuits/dff.h -- edge-triggered flip-flops: 4 transmission gates, 4 inverters, 4 clock
 * inverters.
 *
 *     area   = 12 A(INV)           leakage = 8 P(INV)
 *     energy of a clock edge pair = activity * V^2 * (n * clock part + n_switching * data part)
 *
 * Source: DNN+NeuroSim V1.4; docs/models/dff.md.
 */
#ifndef ARCH_CIRCUITS_DFF_H
#define ARCH_CIRCUITS_DFF_H

#include "arch/tech/circuit.h"

/* n flip-flops in one row, of which n_switching take another value each cycle. */
struct circuit dff(const struct technology *t, double n, double n_switching, double activity);

/* What a flip-flop's data input loads its driver with. */
double dff_in_pf(const struct technology *t);

#endif
