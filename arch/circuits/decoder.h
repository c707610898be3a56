/* arch/circuits/decoder.h -- address decoder of a memory's rows, or of a column multiplexer.
 *
 * k address bits: k INV, predecoding of pairs of bits in 4 * floor(k / 2) NAND2, 2^k NOR of ceil(k
 * / 2) inputs, two driver INV per line; for a multiplexer a NAND2 with an enable between. With one
 * or two bits the NAND2 or INV are the lines. Source: DNN+NeuroSim V1.4; docs/models/decoder.md.
 */
#ifndef ARCH_CIRCUITS_DECODER_H
#define ARCH_CIRCUITS_DECODER_H

#include "arch/tech/circuit.h"

struct decoder_cfg {
    unsigned bits;         // k, 1 to 20
    bool     mux;          // drives the two halves of transmission gates
    double   driver_ratio; // of the last inverters, in units of 4 F
    double   load_pf;      // on a line; of a multiplexer: on its N side
    double   load_p_pf;    // on the P side
    double   load_kohm;    // of the line itself
    double   line_cells;   // cells along the line; 0 with a multiplexer
    double   height_um;    // of the columns it is laid out in; 0: one column
};

/* delay_ns: from address to a line. energy_pj: of one access. */
struct circuit decoder(const struct technology *t, const struct decoder_cfg *cfg,
                       const struct activity *activity);

#endif
