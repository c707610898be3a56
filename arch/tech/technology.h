/* arch/tech/technology.h -- a CMOS node: transistors, cell geometry, wires, SRAM cell, converter
 * fits.
 *
 * One file per node, configs/tech/<node>nm.yaml, with a section per flavour (lp, hp); every number
 * there names its origin (arch/tech/facts.h). A node between two files is interpolated: each number
 * geometrically in the node, fins and sheets of the smaller node, and the caller gets a warning.
 *
 * Units. Files keep those of the literature; technology_load() turns them into one set in which no
 * circuit needs a factor: um, pF, kohm, ns, V, mA (on), uA (off), pJ, uW. pF*kohm = ns, pF*V*V =
 * pJ, V/mA = kohm, uA*V = uW. Figures hold at 300 K; technology_heat() takes those to up to 400 K
 * whose currents there are known.
 *
 * The numbers and what they mean: docs/models/technology.md.
 */
#ifndef ARCH_TECH_TECHNOLOGY_H
#define ARCH_TECH_TECHNOLOGY_H

#include <stdbool.h>

#include "core/err.h"

enum flavour { FLAVOUR_LP, FLAVOUR_HP };
enum transistor { TRANSISTOR_BULK, TRANSISTOR_FINFET, TRANSISTOR_GAA };

struct channel { // NMOS or PMOS, per um of effective width
    double on_ma, off_ua;
    double gm_ms; // of a sense amplifier
};

struct channels {
    struct channel n, p;
};
enum { N_HOT = 10 }; // temperatures above 300 K with known currents

enum { MOST_FIT_PIECES = 4 };

struct fit { // y = a * ln(ohm) + b or a * ohm + b, per piece
    unsigned n;
    struct fit_piece {
        double below_ohm;
        bool   log;
        double a, b;
    } piece[MOST_FIT_PIECES];
};

struct csa_fit { // current-mode sense amplifier
    struct fit delay_ns, power_uw;
    double     reference_ff, slope_ns, full_ohm, knee_ohm;
};

struct technology {
    char            name[40]; // "22nm_lp", "22nm_lp_350k"
    double          node_nm;
    enum flavour    flavour;
    enum transistor transistor;

    double         feature_um; // F
    double         supply_v;
    struct channel n, p;
    bool            hot;               // at[] is known
    struct channels at[N_HOT];         // at 310, 320, .. 400 K, without gm
    double         size_ratio;         // P over N width of equal strength
    double         resistance_factor;  // of a switching gate over V / I_on
    double         gate_pf_um;         // per um of effective width
    double         junction_pf_um2, junction_side_pf_um, junction_channel_pf_um; // at supply_v

    double cell_height_um, gate_pitch_um, drain_um; // drain_um: gap between two gates
    double np_gap_um, cell_margin_um, track_pitch_um;
    double gate_length_um;
    double fin_pitch_um, fin_width_um, fin_effective_um; // not bulk; effective: with all sheets
    unsigned fins_most;                                  // per polarity in a cell

    double wire_m0_um, wire_m0_kohm_um; // along an array's columns
    double wire_m1_um, wire_m1_kohm_um; // along its rows
    double wire_x2_kohm_um, wire_x4_kohm_um; // of long wires, two and four times as wide as M0
    double wire_pf_um;

    double read_v;                         // of the converters' fits
    double sram_height_um, sram_width_um;  // of a cell
    double bit_line_drain_pf;              // of an access transistor; 0 in bulk
    double least_share; // of the smallest transistors, of a stack of sheets; 1 for others
    double word_line_parts; // with a repeater between each two, or 1
    double repeater_stacks, repeater_uw, encoder_load_pf; // where sheets are stacked
    double row_switch_ratio, column_switch_ratio, mux_driver_ratio;

    double         sar_bit_uw, sar_base_uw, sar_uw_kohm;
    unsigned       n_csa;      // fits below: 0 (no such converter at this node), 1, or 2
    struct csa_fit csa[2];     // 2: of the neighbouring nodes
    double         csa_weight; // of csa[1], geometrically
    double         csa_amplifier_uw, csa_column_w_ohm, csa_column_exponent; // power, HP
    double         sar_column_w_ohm; // HP, with the same exponent, instead of sar_uw_kohm
};

struct technology_warning {
    char text[256]; // empty: none
};

/* Loads a node, or interpolates it from the files of `directory` (NULL: those that come with
 * imcsim, core/datadir.h). node_nm is 1 to 130. HP exists down to 22 nm only. ERR_INPUT names file,
 * line, value and limits. */
enum err technology_load(struct technology *t, const char *directory, double node_nm,
                         enum flavour flavour, struct technology_warning *w, struct err_msg *m);

/* Makes it hotter, once: 300 to 400 K. On- and off-currents are those of the table, geometric
 * between its steps; wires and SAR converters go by their coefficients; widths, capacitances and
 * the fits of sense amplifiers stay. The name says so: "22nm_lp_350k". ERR_INPUT where the currents
 * are not known. */
enum err technology_heat(struct technology *t, double kelvin, struct err_msg *m);

/* Reads "22nm_lp", "40nm_lp", "28nm_hp", "22nm_lp_350k"; "my/nodes/22nm_lp" is of files of one's
 * own, in "my/nodes". */
enum err technology_load_name(struct technology *t, const char *directory, const char *name,
                              struct technology_warning *w, struct err_msg *m);

/* Of one current-mode sense amplifier, and of all those of a column; both need n_csa > 0. */
double csa_delay_ns(const struct technology *t, double ohm, double column_pf);
double csa_power_uw(const struct technology *t, unsigned amplifiers, double ohm);

/* Of a SAR converter of so many bits on a column. */
double sar_power_uw(const struct technology *t, unsigned bits, double kohm);

#endif
