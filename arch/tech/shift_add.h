/* arch/tech/shift_add.h -- units that shift what they hold and add what comes, once per clock.
 *
 * A unit is an adder of b bits and b + p flip-flops, p the bits it grows by. Source: DNN+NeuroSim
 * V1.4.
 */
#ifndef ARCH_TECH_SHIFT_ADD_H
#define ARCH_TECH_SHIFT_ADD_H

#include "arch/tech/circuit.h"

struct shift_add_cfg {
    unsigned units, bits, growth_bits;
    double   width_um; // of the rows it is laid out in
};

struct circuit shift_add(const struct technology *t, const struct shift_add_cfg *cfg,
                         const struct activity *activity);

#endif
