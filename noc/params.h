/* noc/params.h -- the fabric as the configuration states it. */
#ifndef NOC_PARAMS_H
#define NOC_PARAMS_H

#include <stdint.h>

#include "core/param.h"

struct fabric_cfg {
    char     kind[32]; // a row of the table in noc/fabrics.c
    uint64_t link_bps, partial_sum_bps;
    uint32_t hop_timesteps, partial_sum_hops;
    enum partial_sum { PARTIAL_SUM_DIGITAL, PARTIAL_SUM_ANALOG } partial_sum;
};

/* clang-format off */
#define FABRIC_PARAMS(type, at)                                                                    \
    PARAM_NAME(type, at.kind, "fabric.kind", "point_to_point",                                     \
               "point_to_point: a link of its own for every stream"),                              \
    PARAM_RATE(type, at.link_bps, "fabric.link_gbps", "5", PARAM_GBPS / 1000, 10000 * PARAM_GBPS,  \
               "rate of a link that carries pixels"),                                              \
    PARAM_RATE(type, at.partial_sum_bps, "fabric.partial_sum_gbps", "20.48", PARAM_GBPS / 1000,    \
               10000 * PARAM_GBPS, "rate of a link that carries partial sums"),                    \
    PARAM_U32(type, at.hop_timesteps, "fabric.hop_timesteps", "timesteps", "1", 1, 65536,          \
              "from a firing to the pixel stored at the next core"),                               \
    PARAM_U32(type, at.partial_sum_hops, "fabric.partial_sum_hops", "hops", "1", 0, 65536,         \
              "from a part of a split layer to the next"),                                         \
    PARAM_ENUM(type, at.partial_sum, "fabric.partial_sum", "digital",                              \
               PARAM_NAMES("digital", "analog"), NULL,                                             \
               "how parts of a layer's rows are added: analog joins their arrays before the "      \
               "readout")
/* clang-format on */

#endif
