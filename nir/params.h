/* nir/params.h -- what a NIR file leaves open, as the configuration states it. */
#ifndef NIR_PARAMS_H
#define NIR_PARAMS_H

#include <stdint.h>

#include "core/param.h"

struct nir_params {
    uint64_t dt_us;   // billionths; 0: open
    uint32_t reset;   // enum nir_reset
    uint32_t weights; // enum nir_weights
};

/* clang-format off */
#define NIR_PARAMS(type, at)                                                                       \
    PARAM_DECIMAL(type, at.dt_us, "nir.dt_us", "us", "0", 0, 1000000 * PARAM_BILLION, 1,           \
                  "how long a step of network.nir is, whose time constants are seconds; 0: open"), \
    PARAM_ENUM(type, at.reset, "nir.reset", "open",                                                \
               PARAM_NAMES("open", "zero", "subtract", "delayed"), NULL,                           \
               "of a potential that fired: v_reset or 0, less the threshold, less it a step "      \
               "later; open: as the file says"),                                                   \
    PARAM_ENUM(type, at.weights, "nir.weights", "auto",                                            \
               PARAM_NAMES("auto", "int8", "given"), NULL,                                         \
               "of network.nir: int8, in 127ths of a layer's largest; given, whole as they are; "  \
               "auto: given where all are int8")
/* clang-format on */

#endif
