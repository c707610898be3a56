/* dataflow/crossbar/readout_sign.c -- a comparator with the threshold of the neuron: K. Lee's and
 * other binary networks. */
#include "dataflow/crossbar/readout.h"

const struct readout readout_sign = {
    .name = "sign",
    .doc = "one bit: whether the sum reaches the neuron's threshold",
    .takes_time = true,
    .counts = true,
    .one_bit = true,
};
