/* dataflow/crossbar/readout_adc.c -- codes of some bits, of converters that columns may share. */
#include "dataflow/crossbar/readout.h"

const struct readout readout_adc = {
    .name = "adc",
    .doc = "a code of core.readout.bits",
    .codes = true,
    .takes_time = true,
    .counts = true,
};
