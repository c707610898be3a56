/* network/spiking/params.h -- how images are presented, and neurons, as the configuration states
 * them. */
#ifndef NETWORK_SPIKING_PARAMS_H
#define NETWORK_SPIKING_PARAMS_H

#include <stdint.h>

#include "core/param.h"

struct input_cfg {
    char     coding[32]; // a row of codings[]
    uint32_t steps, level, crop, bin_us;
    uint64_t seed, lead;
    uint32_t order; // enum presentation_order
};

enum presentation_order { ORDER_STEP, ORDER_OUTPUT };

struct neuron_params {
    char     kind[32];   // "requantize", or a row of neuron_kinds[] that fires
    uint64_t beta, theta; // billionths
    uint32_t reset;      // enum neuron_reset
    uint32_t floor, ceiling; // or NEURON_UNBOUNDED
    uint32_t most, skip_periods;
    uint32_t fraction_bits; // or NEURON_FRACTION_AUTO
    char     layers[2048];  // maps of these by layer, as JSON text
};

#define NEURON_UNBOUNDED PARAM_WORD(0)
#define NEURON_FRACTION_AUTO PARAM_WORD(0)

/* clang-format off */
#define INPUT_PARAMS(type, at)                                                                     \
    PARAM_NAME(type, at.coding, "input.coding", "value",                                           \
               "how a pixel p of 0 to 255 is presented: value, binary, rate, phase, bernoulli; "  \
               "events: bins of a recording"),   \
    PARAM_U32(type, at.steps, "input.steps", "", "1", 1, 1000000,                                  \
              "presentations of an image, of rate, phase, bernoulli and events"),                  \
    PARAM_U32(type, at.level, "input.level", "", "128", 0, 255,                                    \
              "of binary: a pixel of at least this is 1"),                                         \
    PARAM_ENUM(type, at.order, "input.order", "step", PARAM_NAMES("step", "output"), NULL,         \
               "what comes first: a step of all pixels, or all steps of a pixel, as a train"),     \
    PARAM_U32(type, at.crop, "input.crop", "pixels", "0", 0, 65536,                                \
              "rows and columns taken of the middle of each image; 0: all"),                       \
    PARAM_U32(type, at.bin_us, "input.bin_us", "us", "1000", 1, 8388608,                           \
              "of events: how long a step is; what is later is in the last"),                      \
    PARAM_U64(type, at.lead, "input.lead", "", "0", 0, INT64_MAX,                                  \
              "an image is decided at the first step that leaves the best class so far ahead of "  \
              "the next, in potentials (spikes, of a last layer that fires); 0: at the last"),     \
    PARAM_U64(type, at.seed, "input.seed", "", "1", 0, INT64_MAX, "of bernoulli")

#define NEURON_PARAMS(type, at)                                                                    \
    PARAM_NAME(type, at.kind, "neuron.kind", "requantize",                                         \
               "what a layer's outputs do with sums: requantize, or remember and fire: if, lif"),  \
    PARAM_DECIMAL(type, at.beta, "neuron.beta", "", "1", 0, PARAM_BILLION, 1,                      \
                  "of lif: what a step leaves of a potential, rounded to 2^-16"),                  \
    PARAM_DECIMAL(type, at.theta, "neuron.theta", "", "1", 1, 1000000 * PARAM_BILLION, 1,          \
                  "threshold, in steps of the value that the layer delivers"),                     \
    PARAM_ENUM(type, at.reset, "neuron.reset", "subtract",                                         \
               PARAM_NAMES("subtract", "zero", "delayed", "none"), NULL,                           \
               "of a potential that fired: less the threshold, 0, less it a step later"),          \
    PARAM_U32_OR(type, at.floor, "neuron.floor", "", "none", 0, 1000000, PARAM_NAMES("none"),      \
                 "least potential, in thresholds"),                                         \
    PARAM_U32_OR(type, at.ceiling, "neuron.ceiling", "", "none", 1, 1000000, PARAM_NAMES("none"),  \
                 "largest potential, in thresholds"),                                       \
    PARAM_U32(type, at.most, "neuron.most", "", "1", 1, 255, "spikes of a neuron in a step"),      \
    PARAM_U32(type, at.skip_periods, "neuron.skip_periods", "", "0", 0, 100000,                    \
              "of phase coding: first periods that the last layer does not count"),                \
    PARAM_U32_OR(type, at.fraction_bits, "neuron.fraction_bits", "bit", "auto", 0, 24,             \
                 PARAM_NAMES("auto"), "of a potential, behind those of the network's scales; "     \
                 "auto: 0, of network.nir 16 where it leaks")

#define NEURON_LAYERS_PARAM(type, at)                                                              \
    PARAM_MAPS(type, at.layers, "neuron.layers",                                                   \
               "what differs by layer: {NAME: {theta: 2, ..}}, any key of neuron but this")
/* clang-format on */

#endif
