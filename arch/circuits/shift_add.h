/* arch/circuits/shift_add.h -- units that add what comes to what they hold, once per clock.
 *
 * A shift-and-add unit is an adder of b bits and b + p flip-flops, p the bits it grows by, all of
 * which take the clock and switch. An accumulator adds in place: an adder of b + p - 1 bits, of
 * whose registers half of the grown bits switch. Source: DNN+NeuroSim V1.4; docs/models/dff.md.
 */
#ifndef ARCH_CIRCUITS_SHIFT_ADD_H
#define ARCH_CIRCUITS_SHIFT_ADD_H

#include "arch/tech/circuit.h"

struct shift_add_cfg {
    unsigned units, bits, growth_bits;
    double   width_um; // of the rows it is laid out in
};

struct circuit shift_add(const struct technology *t, const struct shift_add_cfg *cfg,
                         const struct activity *activity);

/* energy_pj: of one addition in all units. */
struct circuit accumulator(const struct technology *t, const struct shift_add_cfg *cfg,
                           const struct activity *activity);

#endif
