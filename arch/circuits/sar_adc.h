/* arch/circuits/sar_adc.h -- successive-approximation converter.
 *
 *     time = (bits + 1) ns       power = bit * bits + base + k / R
 *     area = A_N (269 + 109 (bits - 1)) + A_P (209 + 73 (bits - 1))
 *
 * A_N, A_P: an N or P transistor of 2 F in a cell; power is a fit to circuit simulations, kept with
 * the technology; R the column's resistance. The time does not depend on the node: the fits assume
 * a 1 GHz clock. Source: DNN+NeuroSim V1.4; docs/models/sar_adc.md.
 */
#ifndef ARCH_CIRCUITS_SAR_ADC_H
#define ARCH_CIRCUITS_SAR_ADC_H

#include "arch/tech/circuit.h"

/* bits: 1 to 16. energy_pj: of one conversion. */
struct circuit sar_adc(const struct technology *t, unsigned bits, double column_kohm);

#endif
