/* arch/tech/gate.h -- transistors and gates: area, capacitance, resistance, leakage, delay.
 *
 * The model of DNN+NeuroSim V1.4 (docs/models/gate.md):
 *
 *     R = factor * V / (I_on W)        C_gate = c_gate W        C_out = drains of N and P
 *     delay of a stage = tau * sqrt(ln(1/2)^2 + 0.5 / (ramp tau)),  tau = R C     (Horowitz)
 *
 * W is the drawn width in bulk, the gated perimeter of whole fins else: a width of 2 F is one fin.
 * A transistor wider than its share of the cell height is folded into parallel fingers.
 */
#ifndef ARCH_TECH_GATE_H
#define ARCH_TECH_GATE_H

#include "arch/tech/technology.h"

enum gate_kind { GATE_INV, GATE_NAND, GATE_NOR };

struct widths { // of the N and P transistors of a gate; 0: there is none
    double n_um, p_um;
};

struct gate { // one gate; energy of a switching output is (in + out + load) V^2
    double width_um, height_um;
    double in_pf;  // of one input
    double out_pf;
    double leakage_uw;
    double down_kohm, up_kohm; // of one N and one P transistor; 0 where there is none
};

/* `height_um`: of the cell row, technology.cell_height_um but for pass gates and I/O cells. inputs:
 * 1 for GATE_INV, else at least 1. */
struct gate gate_make(const struct technology *t, enum gate_kind kind, unsigned inputs,
                      struct widths w, double height_um);

/* The same in a standard cell. */
struct gate gate_standard(const struct technology *t, enum gate_kind kind, unsigned inputs,
                          struct widths w);

/* N of 2 F and P of equal strength, each times a factor. */
struct widths gate_widths(const struct technology *t, double n_factor, double p_factor);

/* The largest widths of that ratio that fit a standard cell without folding; unchanged where the
 * fins would not come out whole. */
struct widths gate_enlarge(const struct technology *t, struct widths w);

/* The smallest inverter, or half of one: sheets make it narrower than a stack of standard width. */
struct gate gate_least(const struct technology *t, struct widths w);

double gate_area_um2(const struct gate *g);

/* Transistors by themselves. normal: V / I_on, of a pass gate; else of a switching gate. */
double transistor_gate_pf(const struct technology *t, double width_um);
double transistor_drain_pf(const struct technology *t, struct widths w, double height_um);
double transistor_gm_ms(const struct technology *t, struct widths w); // of both together
double transistor_n_kohm(const struct technology *t, double width_um);
double transistor_p_kohm(const struct technology *t, double width_um);
double transistor_n_pass_kohm(const struct technology *t, double width_um);
double transistor_p_pass_kohm(const struct technology *t, double width_um);

/* A transmission gate: both transistors in parallel, folded `folds` times into whatever height that
 * takes. */
double pass_gate_kohm(const struct technology *t, struct widths w);
void pass_gate_size(const struct technology *t, struct widths w, unsigned folds, double *width_um,
                    double *height_um);

/* The width of each half of a transmission gate of so many kohm, whole fins, at least F in bulk. */
struct widths pass_gate_widths(const struct technology *t, double kohm);

/* The drawn width of the smallest transistor: F in bulk, one fin (2 F) else. */
double transistor_least_um(const struct technology *t);

/* Delay of a chain of gates, stage by stage. Starts as a step: { 0 }. */
struct edge {
    double delay_ns;  // of the stages so far
    double per_ns;    // slope of the last stage's output; 0: a step
};
void edge_stage(struct edge *e, double kohm, double pf);

#endif
