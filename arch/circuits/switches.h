/* arch/circuits/switches.h -- what drives an array's rows and selects its columns.
 *
 * Row switches: per row a flip-flop and three transmission gates, which put the select voltage on
 * the row's transistors and the read voltage on its cells. Column switches: per column a flip-flop
 * and two transmission gates, for programming only. Multiplexer: one transmission gate per column,
 * so that `columns / outputs` of them share a converter. Level shifters: from the supply to a write
 * voltage. Source: DNN+NeuroSim V1.4; docs/models/switches.md.
 */
#ifndef ARCH_CIRCUITS_SWITCHES_H
#define ARCH_CIRCUITS_SWITCHES_H

#include "arch/tech/circuit.h"

struct row_switch_cfg {
    unsigned rows;
    double   active;            // share of rows that are driven, 0 to 1
    double   select_v, read_v;
    double   row_pf, row_kohm;  // of a row's wire and transistors
    double   height_um;         // of the array beside it
};

/* A word line may have repeaters: what a part of it loads its driver with, and the repeaters of one
 * line; all 0 where there are none. energy_pj: of one read. */
double word_line_part_pf(const struct technology *t, double row_pf);
struct circuit word_line_repeaters(const struct technology *t, double row_pf, double row_kohm);

/* energy_pj: of one read. */
struct circuit row_switch(const struct technology *t, const struct row_switch_cfg *cfg);

/* cell_kohm: mean cell of a column; no energy in a read. */
struct circuit column_switch(const struct technology *t, unsigned columns, double cell_kohm,
                             double width_um);

struct mux_cfg {
    unsigned columns, outputs;
    double   column_kohm; // that the switch may add a quarter to
    double   read_v;
    double   width_um;    // of the array above it
};

struct mux {
    struct circuit circuit;     // energy_pj: of connecting one column per output
    double         n_pf, p_pf;  // gates of the two halves of a switch
};

struct mux column_mux(const struct technology *t, const struct mux_cfg *cfg);

/* n of them in a row or column; `wiring`: area of layout over that of the gates. delay_ns: of one,
 * without load. energy_pj: n lines go up to write_v and down again. The area is Lu et al.'s; the
 * rest is what its inverters take, with gates as much longer as they are wider (assumed). */
struct circuit level_shifter(const struct technology *t, unsigned n, double wiring,
                             double write_v);

/* Height in which a pass gate of a row of that height is folded. The program of the model measures
 * it in bulk cells of 28 F, which gives FinFET cells more room than they have; its figures contain
 * it. */
double pass_cell_um(const struct technology *t, double height_um);

#endif
