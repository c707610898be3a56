/* network/params.h -- the network as the configuration states it: a built-in family, or a file. */
#ifndef NETWORK_PARAMS_H
#define NETWORK_PARAMS_H

#include <stdint.h>

#include "core/param.h"

enum onnx_input_type { ONNX_INPUT_AUTO, ONNX_INPUT_UINT8, ONNX_INPUT_INT8 };

struct network_cfg {
    char     family[32]; // "resnet-cifar", "vgg-cifar", or empty when onnx is given
    char     onnx[1024]; // path as seen from the current directory, or empty
    char     nir[1024];  // likewise; at most one of them
    char     input_shape[64]; // "1x3x224x224", or empty; beside onnx only, like the next
    enum onnx_input_type input_type; // of a network of whole numbers
    uint64_t random_weights;  // seed; 0: none
    uint32_t depth, size, classes;
    uint32_t channels[13]; // stages, of which each but the first halves a map of at most 4,096
    uint32_t n_channels;
    uint32_t value_bits, weight_bits; // or WIDTH_OWN; of a family and of a file
};

/* 3 x 3 kernels from as many to as many channels have at most 2^30 weights (network/check.c). */
enum { FAMILY_MOST_CHANNELS = 10922 };

enum { MOST_VALUE_BITS = 16 }; // of values and weights (network/precision.h)

#define WIDTH_OWN PARAM_WORD(0)

/* clang-format off */
#define NETWORK_PARAMS(type, at)                                                                   \
    PARAM_NAME(type, at.family, "network.family", "resnet-cifar",                                  \
               "built-in network, resnet-cifar or vgg-cifar, timing only"),                        \
    PARAM_U32(type, at.depth, "network.depth", "", "32", 4, 65536,                                 \
              "weighted layers: 2 + 2 * stages * blocks; vgg-cifar: 2 + stages * convolutions"),   \
    PARAM_U32(type, at.size, "network.size", "pixels", "32", 1, 4096,                              \
              "height and width of the image"),                                                    \
    PARAM_LIST(type, at.channels, at.n_channels, "network.channels", "[16, 28, 56]", 1,            \
               FAMILY_MOST_CHANNELS, "channels of each stage"),                                    \
    PARAM_U32(type, at.classes, "network.classes", "", "10", 1, 65536,                             \
              "outputs of the last layer"),                                                        \
    PARAM_PATH(type, at.onnx, "network.onnx",                                                      \
               "quantised ONNX model instead of a family; a path from the configuration's file"),  \
    PARAM_PATH(type, at.nir, "network.nir",                                                        \
               "spiking network in a file of NIR instead; a path from the configuration's file"),  \
    PARAM_NAME(type, at.input_shape, "network.input_shape", "",                                    \
               "dimensions of the model's input that its file leaves open, such as 1x3x224x224"),  \
    PARAM_ENUM(type, at.input_type, "network.input_type", "auto",                                  \
               PARAM_NAMES("auto", "uint8", "int8"), NULL,                                         \
               "of the image's bytes in a network of whole numbers; auto: uint8, or as its file "  \
               "says"),                                                                            \
    PARAM_U64(type, at.random_weights, "network.random_weights", "", "0", 0, INT64_MAX,            \
              "seed of random weights where the model's are missing; 0: none, timing only"),       \
    PARAM_U32_OR(type, at.value_bits, "network.value_bits", "bit", "own", 1, MOST_VALUE_BITS,      \
                 PARAM_NAMES("own"),                                                               \
                 "in which links, memories and arrays carry a value; own: those of the network"),  \
    PARAM_U32_OR(type, at.weight_bits, "network.weight_bits", "bit", "own", 1, MOST_VALUE_BITS,    \
                 PARAM_NAMES("own"), "in which arrays keep a weight; own: those of the network")
/* clang-format on */

#endif
