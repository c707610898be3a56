/* arch/analog/gate.h -- wires of an array whose inputs are on the gates of its cells (1T1R).
 *
 * A row that is driven connects its devices to their columns; the others are open. All devices see
 * the same voltage, so that only columns carry current, and what a column loses depends on which
 * rows are on. An input x is a pulse of x clocks: row i is on while the clock is below x_i, and a
 * column collects
 *
 *     charge = sum over clocks c of I({i: x_i > c})        in uS times clocks, at one volt
 *
 * exact   I is that of a ladder: from the top, Y = g_i + Y / (1 + r_column Y); every level that x
 *         takes is a step of its own.
 * fast    I = sum_i g_i s_i / (1 + b_i), b of wires_fast.c with the rows that are on. Clocks are
 *         taken together from 0 to 1, 2, 4, 8 and so on to the largest input; s_i is the share of
 *         them in which row i is on. Of inputs of one bit I is wrong by .03 % at a drop of 14 %
 *         and by .3 to 1 % at 40 %, the less the more of it is the sense's; charges of eight bits,
 *         as behind a ReLU, by some .4 % at 13 %, of evenly spread inputs by .7 %.
 * off     charge = sum_i g_i x_i
 *
 * Inputs of either sign are driven in two phases, one for each.
 */
#ifndef ARCH_ANALOG_GATE_H
#define ARCH_ANALOG_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/analog/wires.h"

/* charge[columns] of inputs x[rows], which are at most `most`, and devices g[rows][columns] in uS.
 * False when the host has no memory. */
bool gate_charge(const struct wires *w, size_t rows, size_t columns, const double *g,
                 const uint16_t *x, uint16_t most, double *charge);

#endif
