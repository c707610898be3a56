/* arch/circuits/cco_adc.h -- converter of a current-controlled oscillator and a counter.
 *
 * The column current sets the frequency of a ring of inverters, and a counter counts its periods:
 *
 *     f_max = 1 / (2 stages t_inv)      time = 2^bits / f_max
 *     energy at code c = c * (stages V^2 (C_in + C_out) + counter)
 *
 * An own model, not fitted: a five-stage ring that runs up to its free frequency (assumed). See
 * docs/models/cco_adc.md.
 */
#ifndef ARCH_CIRCUITS_CCO_ADC_H
#define ARCH_CIRCUITS_CCO_ADC_H

#include "arch/tech/circuit.h"

/* bits: 1 to 16; mean_code: share of full scale, 0 to 1. */
struct circuit cco_adc(const struct technology *t, unsigned bits, double mean_code);

#endif
