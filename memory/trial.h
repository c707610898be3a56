/* memory/trial.h -- whether a memory by itself gives back what it is given.
 *
 * Columns of pixels come, every value of which has a number of its own, until each slot has held
 * the oldest. Before the next column takes its slot, that one is read, alone and with those behind
 * it that a kernel row sees. So every pixel is read in every slot when all others are there, and
 * kernel rows from every slot on: what columns of later images find, wherever they come to lie.
 */
#ifndef MEMORY_TRIAL_H
#define MEMORY_TRIAL_H

#include "core/err.h"
#include "memory/input_memory.h"

/* ERR_RUN names the core, the row and the slot where something else is read. */
enum err memory_trial(const struct memory_layout *l, const char *core, struct err_msg *m);

#endif
