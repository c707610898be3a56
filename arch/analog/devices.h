/* arch/analog/devices.h -- the devices of a core: programmed once, older at each time.
 *
 * A weight is the difference of two devices. Of each, in this order (arch/analog/device.h has the
 * models, arch/analog/spec.h says which effects are on):
 *
 *     target     G+ = G_min + (G_max - G_min) max(w, 0) / w_max, G- likewise of -w; with n levels
 *                the quotient is rounded to a multiple of 1 / (n - 1), ties to even
 *     program    G_p = max(0, G + G_max sigma_prog(G / G_max) N)
 *     stuck      u uniform: G_min for ever where u < stuck_off, else G_max where u < stuck_off +
 *                stuck_on
 *     drift      G_t = G_p (max(t, t0) / t0)^-nu
 *     read       max(0, G_t (1 + spread growth(t) N)), the same at all reads of a time
 *
 * Cells without a weight are programmed to 0 like others. Each N and u is drawn for itself: a
 * function of seed, effect, chip, layer, copy, group and part of the core, of the names of row and
 * column, and for reads of the time; nothing else changes it. A weight that is cut into digits has
 * several sets of devices: each is one of these, whose weights are the digits.
 *
 * Conductances in uS, times in s after programming.
 */
#ifndef ARCH_ANALOG_DEVICES_H
#define ARCH_ANALOG_DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/analog/spec.h"

struct analog_core { // what is programmed, and where; borrowed for the call
    uint64_t        chip;
    uint32_t        layer, copy, group, part;
    uint32_t        set;     // of those that a weight has: 0, but for weights that are cut
    uint32_t        rows, replicas, outputs; // a column for each output of each replica
    const uint64_t *row;     // [rows]: name of each, alike wherever the core has it
    const uint64_t *replica; // [replicas]: name of its first column; the next ones count on
    const int8_t   *weight;  // [rows][replicas * outputs], |w| at most w_max
    uint32_t        w_max;   // weight of the largest conductance
    double         *memory;  // [analog_devices_size()], where they are kept; NULL: in their own
};

struct analog_devices {
    const struct analog_spec *spec; // borrowed
    uint64_t  chip;
    uint32_t  layer, copy, group, part, set;
    uint32_t  rows, columns, replicas, outputs, w_max;
    uint64_t *row, *replica; // owned
    double   *own;           // owned; NULL: the memory is somebody else's
    double   *g;             // [rows][columns][2]: programmed, of plus and minus
    double   *nu, *spread;   // likewise; NULL where the effect is off
};

/* Numbers that are kept of the devices of so many weights. */
size_t analog_devices_size(const struct analog_spec *spec, size_t n_weight);

/* False when the host has no memory; then *d is zero. */
bool analog_devices_init(struct analog_devices *d, const struct analog_spec *spec,
                         const struct analog_core *core);
void analog_devices_release(struct analog_devices *d); // takes a zeroed one

/* plus[rows][columns] and minus: what the devices are t_s after they were programmed. False when
 * the host has no memory. */
bool analog_devices_at(const struct analog_devices *d, double t_s, double *plus, double *minus);

/* Where reads have a noise of their own: plus[rows][columns] and minus, which are conductances that
 * are seen, become the deviations of a read. */
void analog_devices_deviate(const struct analog_devices *d, double t_s, double *plus,
                            double *minus);

#endif
