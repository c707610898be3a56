/* arch/cost/composed.h -- the array of a core from circuits: no chip was measured, nothing fitted.
 *
 * The array with drivers, switches, level shifters, multiplexers, converters and shift-and-adds is
 * a sub-array (arch/circuits/sub_array.h) of the configuration's sizes, read as the machine reads
 * it (docs/arrays.md). Its energy is divided by what a run counts:
 *
 *     a bit of an input    word line and row switch, for inputs that are not 0    (bit-serial)
 *     a pulse of an input  counter of the driver; cells  V_supply V_read G t      (slices of bits)
 *     a conversion         converter, and its share of the multiplexer
 *     a shift-and-add      mean of those over rows, cells of a weight and bits of the input
 *
 * A word line stays up while the columns behind a converter take their turns; in the program of the
 * sub-array it goes up for each of them. What a bit-serial read conducts through its cells is in
 * the fits of its converters. Bits of SRAM cells whose sums are exact are multiplied and added by
 * gates: a conversion is a column's tree. docs/models/chip.md has the rest.
 */
#ifndef ARCH_COST_COMPOSED_H
#define ARCH_COST_COMPOSED_H

#include "arch/cost/core_unit.h"

/* Sets what crossbar, input drivers and converters of *u cost, and shift_add. ERR_INPUT names key,
 * value and cure. */
enum err composed_array(const struct chip_model *c, const struct core_hardware *h,
                        struct core_unit *u, struct err_msg *m);

#endif
