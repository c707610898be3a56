/* arch/tech/device.h -- the memory device at a crossing, as circuits see it.
 *
 * Files configs/devices/<name>.yaml; every number names its origin (arch/tech/facts.h). A cell has
 * one device and its access transistor, or is six transistors (sram). A configuration may change
 * numbers of a file, or state a device of its own.
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
    char   model[32];         // of how conductances spread and drift (arch/analog/device.h), or ""
    double r_on_ohm, r_off_ohm; // not of sram
    double level_step;
    double bits;              // that the source reports per cell
    double mean_us;           // conductance in the mean over a trained network's cells
    double read_v, select_v, write_v;
    double cell_height_f, cell_width_f;
    double program_pj;        // to program it once, checks included; 0: not stated
    const char *program_basis; // of that: "assumed", "cited", "calibrated", or "stated" by a map
                               // without an origin; NULL: not stated
};

static inline double device_on_kohm(const struct device *d)
{
    return d->r_on_ohm / 1e3;
}

static inline double device_off_kohm(const struct device *d)
{
    return d->r_off_ohm / 1e3;
}

enum err device_load(struct device *d, const char *path, struct err_msg *m);

/* The device that energy.device or core.crossbar.device means: a word for core/datadir.h, or a map
 * as text, {file: WORD, r_on_ohm: 10000}, of the numbers that differ from the file's; without file
 * all are wanted. Where mean_us is not among them, the mean keeps its place between the least and
 * the largest conductance: half-way, without file. Messages begin with the key or the file. */
enum err device_read(struct device *d, const char *word, const char *key, struct err_msg *m);

/* ERR_INPUT with ratio, bits asked and the most that it holds. */
enum err device_check_bits(const struct device *d, double bits, struct err_msg *m);

#endif
