/* arch/analog/levels.c -- a device that keeps one of some levels with a spread that is the same for
 * all (ReRAM, FeFET, SRAM): analog.sigma_rel of G_max. It neither drifts nor is its read noisy. */
#include "arch/analog/device.h"

const struct analog_device analog_levels = {
    .name = "levels",
    .doc = "levels with one spread, analog.sigma_rel (ReRAM, FeFET, SRAM)",
};
