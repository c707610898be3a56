/* arch/circuits/register_file.h -- a buffer of flip-flops behind a row decoder.
 *
 * The energy of a bit is that of clocking all flip-flops once and decoding every word once, divided
 * by the bits: idle clocking is free, as in the program of the model, which makes it look cheaper
 * than an SRAM. Use it to compare. Source: DNN+NeuroSim V1.4.
 */
#ifndef ARCH_CIRCUITS_REGISTER_FILE_H
#define ARCH_CIRCUITS_REGISTER_FILE_H

#include "arch/tech/circuit.h"

/* words: at least 4. energy_pj: of reading a word. */
struct circuit register_file(const struct technology *t, unsigned words, unsigned word_bits,
                             const struct activity *activity);

/* Of a word: the flip-flops are clocked twice, and the decoder works once. */
double register_file_write_pj(const struct technology *t, unsigned words, unsigned word_bits,
                              const struct activity *activity);

#endif
