/* arch/circuits/pulse_driver.h -- what turns an input into a pulse on its row: pulse-width
 * modulation.
 *
 *     a down-counter of the input's bits, 2^bits clocks for the longest pulse
 *     E = mean * 2^bits * E(counter, two of its bits change in a clock)
 *
 * A pulse takes what the crossbar gives it, so there is no delay. Not modelled: the switch behind
 * it, which is part of the row. docs/models/switches.md.
 */
#ifndef ARCH_CIRCUITS_PULSE_DRIVER_H
#define ARCH_CIRCUITS_PULSE_DRIVER_H

#include "arch/tech/circuit.h"

/* One row's. energy_pj: of a pulse of `mean` of the longest, 0 to 1. */
struct circuit pulse_driver(const struct technology *t, double bits, double mean);

#endif
