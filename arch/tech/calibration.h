/* arch/tech/calibration.h -- the factors between a circuit on paper and one chip, by name.
 *
 * A file of configs/calibration/ gives the seven factors that Lu et al. 2021 fitted to their 40 nm
 * RRAM macro, each with its fit; calibration_none() is what the circuits predict by themselves.
 */
#ifndef ARCH_TECH_CALIBRATION_H
#define ARCH_TECH_CALIBRATION_H

#include "arch/tech/circuit.h"
#include "core/err.h"

struct calibration {
    double level_shifter_wiring; // alpha: area of a level shifter over that of its gates
    double sensing_delay;        // beta: sensing cycle over the sum of its stages
    double dff_activity;         // gamma: registers of shift-add and accumulator
    double adder_activity;       // delta: their adders
    double control_activity;     // epsilon: gates of control
    double control_dff_activity; // zeta: registers of control
    double post_layout_energy;   // eta: energy after layout over before
};

struct calibration calibration_none(void);
enum err calibration_load(struct calibration *c, const char *path, struct err_msg *m);
struct activity calibration_activity(const struct calibration *c);

#endif
