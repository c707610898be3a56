/* dataflow/crossbar/readout_charge.c -- charge that a neuron takes as it comes. */
#include "dataflow/crossbar/readout.h"

const struct readout readout_charge = {
    .name = "charge",
    .doc = "the sum, taken by the neuron unconverted",
    .counts = false,
};
