/* arch/tech/circuit.h -- what every circuit returns, and how cells fill a rectangle.
 *
 * A circuit is a pure function of a technology and a few sizes, in a file of its own of
 * arch/circuits/. It returns one struct circuit. Adding one is adding a file; sub_array.c there and
 * arch/cost/ compose them.
 */
#ifndef ARCH_TECH_CIRCUIT_H
#define ARCH_TECH_CIRCUIT_H

#include "arch/tech/gate.h"

struct circuit {
    double area_um2;
    double width_um, height_um; // of its rectangle, white space included; area_um2 is their product
    double delay_ns;            // of one action, 0 where a clock sets it
    double energy_pj;           // of one action
    double leakage_uw;
};

/* How many gates really switch, and what layout adds to a schematic. Each factor was fitted to one
 * chip or is 1: configs/calibration/ says to which. Energy of an uncalibrated circuit assumes that
 * every gate of its critical path switches. */
struct activity {
    double adder;   // share of an adder's transitions that happen
    double dff;     // the same of registers in a datapath
    double control; // of decoders and comparators
};

#define ACTIVITY_ALL ((struct activity){ 1, 1, 1 })

/* n cells of w x h in rows no wider than width_um, or in columns no higher than height_um: as many
 * to a row as fit, at least one. Sets width, height and area. */
void circuit_in_rows(struct circuit *c, double n, double w_um, double h_um, double width_um);
void circuit_in_columns(struct circuit *c, double n, double w_um, double h_um, double height_um);

/* All of the area at a given width or height. */
void circuit_at_width(struct circuit *c, double width_um);
void circuit_at_height(struct circuit *c, double height_um);

/* n circuits side by side, working at once. */
struct circuit circuit_times(struct circuit c, double n);

#endif
