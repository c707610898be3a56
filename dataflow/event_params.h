/* dataflow/event_params.h -- event cores as the configuration states them; arch/event/core.h. */
#ifndef DATAFLOW_EVENT_PARAMS_H
#define DATAFLOW_EVENT_PARAMS_H

#include <stdint.h>

#include "core/param.h"

struct event_cfg {
    char     arbiter[32]; // a row of arbiters[]
    uint64_t service_ns;
    uint32_t service_cycles, arbiter_khz; // 0: service_ns
    uint32_t neuron_khz;                  // 0: neurons act at once
    uint64_t hop_ns;
};

/* clang-format off */
#define EVENT_PARAMS(type, at)                                                                     \
    PARAM_NAME(type, at.arbiter, "core.event.arbiter", "round_robin",                              \
               "of event: which request is served next: fixed, the lowest; or round_robin"),       \
    PARAM_U64(type, at.service_ns, "core.event.service_ns", "ns", "100", 1, 1000000000,            \
              "of event: reading a row"),                                                          \
    PARAM_U32(type, at.service_cycles, "core.event.service_cycles", "cycles", "0", 0, 1000000,     \
              "of event: reading a row, of the arbiter's clock; 0: core.event.service_ns"),        \
    PARAM_U32(type, at.arbiter_khz, "core.event.arbiter_clock_khz", "kHz", "0", 0, 1000000,        \
              "of event: the arbiter's clock, at whose edges it chooses"),                         \
    PARAM_U32(type, at.neuron_khz, "core.event.neuron_clock_khz", "kHz", "0", 0, 1000000,          \
              "of event: the neurons' clock, at whose edges they take a row; 0: at once"),         \
    PARAM_U64(type, at.hop_ns, "core.event.hop_ns", "ns", "10", 1, 1000000000,                     \
              "of event: from a spike to its request at the next core")
/* clang-format on */

#endif
