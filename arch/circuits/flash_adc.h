/* arch/circuits/flash_adc.h -- flash converter: a sense amplifier per level, reference columns,
 * encoder.
 *
 * L levels are told apart by L - 1 sense amplifiers, which compare the column with
 *
 *     R_i = 1 / (G (1 - i / L)),   G = rows / R_on,   i = 0 .. L - 2
 *
 * Current-mode amplifiers (CSA): delay and static power are fits to circuit simulations, kept with
 * the technology; voltage-mode ones (VSA) take 1 ns and draw no static power. The fit contains what
 * the cells conduct. Source: DNN+NeuroSim V1.4; docs/models/flash_adc.md.
 */
#ifndef ARCH_CIRCUITS_FLASH_ADC_H
#define ARCH_CIRCUITS_FLASH_ADC_H

#include "arch/tech/circuit.h"
#include "core/err.h"

enum sense_amp { SENSE_CURRENT, SENSE_VOLTAGE };

struct flash_adc_cfg {
    enum sense_amp sense;
    unsigned levels;        // L, 2 to 4096, a power of two
    unsigned converters;    // side by side
    unsigned columns;       // that they digitise, one after another
    double   rows_at_once; // cells that conduct into a column at once
    double   on_kohm;       // of a cell
    double   column_kohm;   // of the columns in the mean, while read
    double   column_pf;
    double   reference_um2; // of a reference column; one serves L amplifiers
    double   reference_pj;  // of switching a reference column on; 0 where it always is
    double   width_um;      // of the array above
};

struct flash_adc {
    struct circuit amplifiers; // energy_pj: of digitising all columns once
    struct circuit encoder;
};

/* ERR_INPUT when the technology has no fit for current-mode amplifiers. */
enum err flash_adc(const struct technology *t, const struct flash_adc_cfg *cfg,
                   struct flash_adc *adc, struct err_msg *m);

#endif
