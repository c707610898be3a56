/* dataflow/crossbar/readout.h -- what the sum of a column becomes.
 *
 *     exact   the sum itself
 *     adc     a code of some bits (converter.h)
 *     sign    whether it reaches the neuron's threshold: one bit, by a comparator
 *     charge  goes on as it is, unconverted
 *
 * The threshold of a sign is where the layer's output of one bit turns from 0 to 1, so that its
 * values are those of the digital processor that rounds the whole sum. A network's sums that leave
 * the chip leave it whole: whoever has only their signs takes the first that is not negative.
 *
 * Each is one file and one row of readouts[].
 */
#ifndef DATAFLOW_CROSSBAR_READOUT_H
#define DATAFLOW_CROSSBAR_READOUT_H

#include <stdbool.h>
#include <stdint.h>

struct readout {
    const char *name; // "adc"
    const char *doc;
    bool codes;       // of core.readout.bits, which may differ from the sums
    bool takes_time;  // columns share converters, each of which takes its time for one
    bool counts;      // a column that is read is a conversion
    bool one_bit;     // of one read that makes the whole output
};

/* A new readout is its file and a row here. */
#define READOUTS(X) X(readout_exact) X(readout_adc) X(readout_sign) X(readout_charge)
#define READOUT(name) extern const struct readout name;
READOUTS(READOUT)
#undef READOUT
extern const struct readout *const readouts[]; // ends with NULL

const struct readout *readout_find(const char *name); // NULL when unknown

#endif
