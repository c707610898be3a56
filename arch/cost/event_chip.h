/* arch/cost/event_chip.h -- what events of a chip with event cores cost: a file of figures, each
 * with its origin, as those of other chips (arch/cost/chip_model.h). */
#ifndef ARCH_COST_EVENT_CHIP_H
#define ARCH_COST_EVENT_CHIP_H

#include "core/err.h"

struct event_chip {
    double leakage_uw;   // of the chip, always
    double reading_uw;   // besides, while all of its cores read rows; in proportion to their number
    double row_pj;       // of reading one
    double synapse_pj;   // of a weight of a row, added to its neuron
    double spike_pj;     // of a neuron's firing
};

/* `chip`: for core/datadir.h, folder chips. ERR_INPUT: a file, a key, a missing cost. */
enum err event_chip_load(struct event_chip *c, const char *chip, struct err_msg *m);

#endif
