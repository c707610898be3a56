/* arch/cost/core_cost.h -- what a core of a chip model costs per action, and what follows: its
 * links, its peak, the power of its controller. chip_model.h says of what the costs are made.
 */
#ifndef ARCH_COST_CORE_COST_H
#define ARCH_COST_CORE_COST_H

#include "arch/cost/core_unit.h"

/* ERR_INPUT with value and limit: pulse and conversion longer than mvm_ns, memory of less than 4
 * words. */
enum err core_unit(const struct chip_model *c, const struct core_hardware *h, struct core_unit *u,
                   struct err_msg *m);

/* Parts of it: the digital processor of h->lanes, and the controller with its clock tree. */
void core_unit_digital(const struct chip_model *c, const struct core_hardware *h,
                       struct core_unit *u);
void core_unit_controller(const struct chip_model *c, const struct core_hardware *h,
                          struct core_unit *u);

/* Energy of a bit over so many pitches between cores, in pJ. */
double link_bit_pj(const struct chip_model *c, const struct core_unit *u, double pitches);

/* Area and leakage of a link so many wires wide: repeaters and latches at both ends. Those of a
 * chip file's core are in its figures, and 0. */
struct link_cost {
    double area_um2, leakage_uw;
};
struct link_cost link_cost(const struct chip_model *c, const struct core_unit *u, unsigned wires,
                           double pitches);

/* One core that multiplies all the time with all rows and columns. */
struct core_peak {
    double tops, tops_per_w, tops_per_mm2; // an operation is a multiplication or an addition
    double energy_pj[N_PRICE_ALL];         // of one product: crossbar, drivers, converters, digital
    double total_pj, area_um2;
};
struct core_peak core_peak(const struct core_hardware *h, const struct core_unit *u);

/* Dataflow controller and input memory while every clock does its work and reads a word: Table 4 of
 * Dazzi et al. 2021. Leakage is in each. */
struct control_power {
    double sequential_mw, sram_mw, combinational_mw, clock_mw, total_mw;
};
struct control_power control_power(const struct core_hardware *h, const struct core_unit *u);

#endif
