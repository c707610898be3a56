/* arch/cost/macro.h -- the 40 nm RRAM macro of Lu et al. 2021, module by module, beside the chip.
 *
 * 256 x 256 cells of 75 F^2, of which 128 x 128 compute, in TSMC 40 nm at 0.9 V; 7 rows at once; a
 * 3-bit flash converter of 7 voltage sense amplifiers per 8 columns; shift-add, accumulator and
 * control in standard cells, control counted in inverters. Areas and the energy of all digital
 * blocks come from arch/circuits at 40 nm with the largest transistors that cells hold;
 * the converter, and delay and energy of the other analog modules, are the article's simulated
 * figures (cited), since neither its design kit nor its fits are public. docs/models/macro.md.
 *
 * The seven factors (arch/tech/calibration.h) multiply as the article has it; calibration_none()
 * shows what is predicted.
 */
#ifndef ARCH_COST_MACRO_H
#define ARCH_COST_MACRO_H

#include <stdbool.h>

#include "arch/tech/calibration.h"
#include "arch/tech/technology.h"
#include "core/err.h"

enum macro_module {
    MACRO_LEVEL_SHIFTER, MACRO_MUX_ADC, MACRO_ARRAY, MACRO_ANALOG, // Table 3; the last is the sum
    MACRO_SHIFT_DFF, MACRO_SHIFT_ADDER, MACRO_SHIFT_INV,           // Table 5
    MACRO_ACCUM_DFF, MACRO_ACCUM_ADDER, MACRO_ACCUM_INV,
    MACRO_CONTROL_DFF, MACRO_CONTROL_INV, MACRO_DIGITAL,           // the last is the sum
    N_MACRO_MODULE
};

struct macro_cell {
    double ours;
    double chip;    // measured by the authors; 0: not given
    double article; // what the article computes, after its factors; 0: not given
    bool   cited;   // ours is the article's figure
};

struct macro {
    struct {
        struct macro_cell area_um2, energy_pj;
    }                 module[N_MACRO_MODULE];
    struct macro_cell sensing_ns;                 // Table 3: the cycle
    struct macro_cell pre_layout_pj, post_layout_pj; // Table 6: the whole array
};

const char *macro_module_name(enum macro_module m);

struct macro_preset {
    struct technology  plain;   // 40 nm as interpolated, at the macro's supply
    struct technology  fitted;  // with the capacitances that give the article's energies
    struct calibration factors; // the article's seven
};

/* A file like configs/rram40_macro.yaml; whether a file is one: it has a map `macro`. */
enum err macro_load(struct macro_preset *p, const char *path, struct err_msg *m);
bool macro_is(const char *path);

struct macro macro(const struct technology *t, const struct calibration *cal);

#endif
