/* arch/analog/spec.h -- which effects the devices of a machine have, from its configuration's keys
 * (core.crossbar, analog; docs/analog.md).
 *
 * Conductances in uS, times in s. Everything that is off is as if the device were ideal.
 */
#ifndef ARCH_ANALOG_SPEC_H
#define ARCH_ANALOG_SPEC_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "arch/analog/device.h"
#include "arch/analog/wires.h"
#include "core/err.h"
#include "core/notes.h"
#include "dataflow/config.h"

struct ranges;

struct analog_spec {
    const struct analog_device *device; // NULL: without a model, and nothing else means anything
    double   g_max_us, g_min_us;
    uint32_t w_max;                 // weight that g_max stands for; 0: each layer's largest
    uint32_t levels;                // that a target is rounded to; 0: any
    uint64_t seed;
    double   prog_scale;            // of programming noise; 0: off
    double   sigma_rel;             // of devices without a model of it
    bool     drift;
    double   read_scale;            // of read noise; 0: off
    bool     read_each;             // it is drawn for every product, not once a time
    double   stuck_off, stuck_on;   // probabilities of a device
    struct wires wires;             // of an array
    enum wires_layout layout;       // of a weight's two devices
    bool     gated;                 // inputs are on the gates of cells, and wires resist (gate.h)
    bool     cut;                   // weights are cut into digits (core.crossbar.cell),
    bool     alone;                 // each in one device, not in one of either sign,
    bool     centred;               // less a reference in the middle of what it can conduct,
    bool     dummy;                 // or less what a column of devices at g_min draws
    bool     compensated;           // sums are scaled by what drift took, of each core,
    bool     column_by_column;      // or of each column,
    bool     through_adc;           // as the converters see it
    double   reference_s;           // since when
    bool     converted;             // converters stand behind columns (core.readout),
    bool     apart;                 // of which each device of a weight has one
    double   adc_gain_sd;           // of gains around 1
    double   adc_offset_sd, adc_noise; // in steps of a code
    const struct ranges *ranges;    // of calibrated converters, borrowed; NULL: there are none
};

/* Notes what a user should hear of. ERR_INPUT names key, value and cure. */
enum err analog_spec_of(struct analog_spec *s, struct config *c, struct err_msg *m);

#endif
