/* arch/circuits/wire.h -- wires with repeaters, buses and H-trees.
 *
 *     size    s = floor(sqrt(R_rep C' / (C_in R')))
 *     spacing d = sqrt(2 R_rep (C_in + C_out) / (R' C'))
 *     delay   0.7 (R_s (C_in,s + C_out,s + C' d) + 0.54 R' C' d^2 + R' d C_in,s) / d   per length
 *     energy  0.5 V^2 (C_in,s + C_out,s + C' d) / d              per bit that toggles, per length
 *
 * A tolerance trades delay for energy: repeaters shrink until the delay is that much above the
 * least. Source: DNN+NeuroSim V1.4; docs/models/wire.md.
 */
#ifndef ARCH_CIRCUITS_WIRE_H
#define ARCH_CIRCUITS_WIRE_H

#include "arch/tech/circuit.h"

struct repeated_wire {
    double size;          // of a repeater, in smallest inverters
    double spacing_um;
    struct gate repeater;
    double ns_per_um;     // of a short wire
    double pj_per_bit_um; // at one toggle per bit
    double leakage_uw_per_um;
};

enum shrink { SHRINK_HALVE, SHRINK_BY_ONE }; // of the repeaters under a tolerance

struct repeated_wire repeated_wire(const struct technology *t, double tolerance, enum shrink how);

/* Delay of a wire of that length: from 10,000 F on it is twice as wide, from 100,000 F four times.
 */
double repeated_wire_ns(const struct technology *t, const struct repeated_wire *w,
                        double length_um);

struct bus_cfg {
    unsigned bits;
    double   length_um;
    double   toggle;  // share of bits that change
    double   folding; // wires on so many layers over one another
};

/* A parallel bus; energy_pj: of one transfer of all bits. */
struct circuit bus(const struct technology *t, const struct repeated_wire *w,
                   const struct bus_cfg *cfg);

/* An H-tree from its root to n x n leaves of a size; energy_pj: one transfer of `bits` to one leaf.
 */
struct circuit h_tree(const struct technology *t, const struct repeated_wire *w, unsigned n,
                      double leaf_width_um, double leaf_height_um, unsigned bits, double toggle);

#endif
