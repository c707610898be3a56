/* arch/analog/chip.h -- a chip of analog arrays: devices that are programmed once, and what its
 * cores multiply with at a time. */
#ifndef ARCH_ANALOG_CHIP_H
#define ARCH_ANALOG_CHIP_H

#include "arch/analog/matrix.h"
#include "arch/analog/readout.h"
#include "dataflow/plan/plan.h"

struct analog_chip {
    const struct plan        *plan; // borrowed, and so is the next
    const struct analog_spec *spec;
    double *memory; // owned: of all devices, together, so that it comes in large pages
    struct analog_cells {
        uint32_t               n;   // sets of devices of a weight; 0 where a core has no array
        struct analog_devices *set; // owned; [n]
    } *cells; // owned; [n_core]
    struct analog_seen {
        double  all_us;    // of all devices
        double *column_us; // owned; [columns]: as the readout sees them
    } *reference; // owned; [n_core]: seen at the reference; or NULL
};

struct analog_weights { // of a core at a time
    struct analog_matrix  matrix;  // zero where it has no array, and so is the next
    struct analog_readout readout;
};

struct analog_state { // of a chip at a time
    const struct plan     *plan; // borrowed
    struct analog_weights *core; // owned; [n_core]
};

/* Whether sums of the plan's weights, where it has them, fit 31 bits on such devices without noise:
 * ERR_INPUT where they do not. */
enum err analog_chip_check(const struct plan *p, const struct analog_spec *spec,
                           struct err_msg *m);

/* Chip `number` of those that the seed makes; the network has weights. ERR_INPUT when a weight is
 * beyond w_max. On error *c is zero. */
enum err analog_chip_init(struct analog_chip *c, const struct plan *p,
                          const struct analog_spec *spec, uint64_t number, struct err_msg *m);
void analog_chip_release(struct analog_chip *c); // takes a zeroed one

/* ERR_INPUT when a sum of a core may pass 31 bits. On error *s is zero. */
enum err analog_state_init(struct analog_state *s, const struct analog_chip *c, double t_s,
                           struct err_msg *m);

/* The network's own weights, as devices without any effect keep them. */
enum err analog_state_exact(struct analog_state *s, const struct plan *p, struct err_msg *m);
void analog_state_release(struct analog_state *s); // takes a zeroed one

#endif
