/* arch/circuits/sram.h -- SRAM macro: cells, row decoder, precharge, write drivers, sense
 * amplifiers.
 *
 * One access reads or writes a line of word_bits, one line per row of cells:
 *
 *     bit line   Elmore delay of cell and wire until it has fallen by half the sense voltage
 *     energy     decoder + word line + V^2 * wire of every column
 *     sense      t = C / gm * ln(V / v_sense), V^2 C per bit
 *
 * The program the model comes from forgets the sense amplifiers, what a cell needs to flip, and the
 * leakage of the cells; they are kept apart so that both can be had. Source: DNN+NeuroSim V1.4;
 * docs/models/sram.md.
 */
#ifndef ARCH_CIRCUITS_SRAM_H
#define ARCH_CIRCUITS_SRAM_H

#include "arch/circuits/switches.h"
#include "arch/tech/circuit.h"

struct sram_cfg {
    unsigned words, word_bits; // words: at least 4
};

struct sram {
    struct circuit macro; // delay_ns and energy_pj: of reading a word
    double         write_pj;
    struct circuit sense; // all sense amplifiers; no area
    double         flip_pj; // of writing a word whose bits all change
    double         cells_leakage_uw;
};

struct sram sram(const struct technology *t, const struct sram_cfg *cfg,
                 const struct activity *activity);

/* The macro with what the program forgets: half of the bits of a write flip. */
struct sram sram_complete(struct sram s);

/* Parts, shared with a sub-array of SRAM cells. */
struct sram_cell {
    double access_kohm, pull_down_kohm;
    double access_gate_pf; // of one of the two access transistors
    double access_drain_pf; // its junction
    double bit_line_pf;    // what a cell adds to its bit line
    double flip_pf;        // what charges when a cell changes
    double leakage_uw;
};
struct sram_cell sram_cell(const struct technology *t);

/* delay_ns and energy_pj: of precharging all columns. */
struct circuit sram_precharge(const struct technology *t, unsigned columns, double column_pf,
                              double column_kohm, double width_um);
/* energy_pj: of writing all columns, beside precharge and cells. */
struct circuit sram_write_driver(const struct technology *t, unsigned columns, double width_um);
/* Two transmission gates per row, sized by the row's wire; energy_pj of one read. */
struct circuit sram_row_switch(const struct technology *t, const struct row_switch_cfg *cfg);

#endif
