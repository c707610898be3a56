/* arch/tech/device.h -- the memory device at a crossing, as circuits see it.
 *
 * Files configs/devices/<name>.yaml; every number names its origin (arch/tech/facts.h). A cell has
 * one device and its access transistor, or is six transistors (sram).
 *
 * A cell of b bits keeps 2^b conductances between 1 / on and 1 / off. They are told apart when they
 * lie at least a device's level_step (a share of the largest) apart:
 *
 *     1 - 1 / ratio >= level_step * (2^b - 1),   ratio = off / on
 */
#ifndef ARCH_TECH_DEVICE_H
#define ARCH_TECH_DEVICE_H

#include <stdbool.h>

#include "core/err.h"

struct device {
    char   name[32];
    bool   sram;
    double on_kohm, off_kohm; // not of sram
    double level_step;
    double bits;              // that the source reports per cell
    double mean_us;           // conductance in the mean over a trained network's cells
    double read_v, select_v, write_v;
    double cell_height_f, cell_width_f;
};

enum err device_load(struct device *d, const char *path, struct err_msg *m);

/* ERR_INPUT with ratio, bits asked and the most that it holds. */
enum err device_check_bits(const struct device *d, double bits, struct err_msg *m);

#endif
