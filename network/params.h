/* network/params.h -- the network as the configuration states it: a built-in family, or a file. */
#ifndef NETWORK_PARAMS_H
#define NETWORK_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/param.h"

enum onnx_input_type { ONNX_INPUT_AUTO, ONNX_INPUT_UINT8, ONNX_INPUT_INT8 };

enum transformer_norm { NORM_POST, NORM_PRE };
enum transformer_qkv { QKV_SEPARATE, QKV_FUSED };

struct transformer_cfg { // network/family_transformer.c
    uint32_t layers, hidden, heads, kv_heads; // kv_heads: or KV_HEADS_SAME
    uint32_t ffn, sequence;                   // sequence: tokens, unless patch is given
    uint32_t causal, gated;                   // 0 or 1
    enum transformer_norm norm;
    enum transformer_qkv  qkv;
    uint32_t vocabulary, patch;               // 0: none
    uint32_t size, classes;                   // of the family, set by the caller
    bool     functions; // of the feed-forward layers are there, as tables; likewise
    uint32_t streams, prompt; // likewise; streams: sequences of their own, a row each, decoded
                              // behind so many tokens (network.h, decoded_from); 0: none is
};

#define KV_HEADS_SAME PARAM_WORD(0)

struct network_cfg {
    char     family[32]; // "resnet-cifar", "vgg-cifar", "transformer"; empty when onnx is given
    char     onnx[1024]; // path as seen from the current directory, or empty
    char     nir[1024];  // likewise; at most one of them
    char     input_shape[64]; // "1x3x224x224", or empty; beside onnx only, like the next
    struct count_map axes;    // lengths of axes that the file names and leaves open
    enum onnx_input_type input_type; // of a network of whole numbers
    uint64_t random_weights;  // seed; 0: none
    uint32_t depth, size, classes;
    struct transformer_cfg transformer;
    uint32_t channels[13]; // stages, of which each but the first halves a map of at most 4,096
    uint32_t n_channels;
    uint32_t host_layers; // not on the chip
    char     layer[128];  // the only one that is, or "all"
    uint32_t value_bits, weight_bits; // or WIDTH_OWN; of a family and of a file
};

/* 3 x 3 kernels from as many to as many channels have at most 2^30 weights (network/check.c). */
enum { FAMILY_MOST_CHANNELS = 10922 };

enum { MOST_VALUE_BITS = 16 }; // of values and weights (network/precision.h)

#define WIDTH_OWN PARAM_WORD(0)

/* clang-format off */
#define NETWORK_PARAMS(type, at)                                                                   \
    PARAM_NAME(type, at.family, "network.family", "resnet-cifar",                                  \
               "built-in network, resnet-cifar, vgg-cifar or transformer, without weights, or "    \
               "with random ones"),                                                                \
    PARAM_U32(type, at.depth, "network.depth", "", "32", 4, 65536,                                 \
              "weighted layers: 2 + 2 * stages * blocks; vgg-cifar: 2 + stages * convolutions"),   \
    PARAM_U32(type, at.size, "network.size", "pixels", "32", 1, 4096,                              \
              "height and width of the image"),                                                    \
    PARAM_LIST(type, at.channels, at.n_channels, "network.channels", "[16, 28, 56]", 1,            \
               FAMILY_MOST_CHANNELS, "channels of each stage"),                                    \
    PARAM_U32(type, at.classes, "network.classes", "", "10", 0, 65536,                             \
              "outputs of the last layer; 0: a transformer delivers its tokens"),                  \
    PARAM_U32(type, at.transformer.layers, "network.layers", "", "12", 1, 1024,                    \
              "of tokens: attention and feed-forward, so many times"),                             \
    PARAM_U32(type, at.transformer.hidden, "network.hidden", "channels", "768", 1, 65536,          \
              "of tokens: channels of a token"),                                                   \
    PARAM_U32(type, at.transformer.heads, "network.heads", "", "12", 1, 4096,                      \
              "of tokens: heads of an attention layer; they divide hidden"),                       \
    PARAM_U32_OR(type, at.transformer.kv_heads, "network.kv_heads", "", "same", 1, 4096,           \
                 PARAM_NAMES("same"),                                                              \
                 "of tokens: heads of keys and values; same: as many as heads"),                   \
    PARAM_U32(type, at.transformer.ffn, "network.ffn", "channels", "3072", 1, 65536,               \
              "of tokens: channels between the two feed-forward layers"),                          \
    PARAM_U32(type, at.transformer.sequence, "network.sequence", "tokens", "128", 1, 32768,        \
              "of tokens: how many an image is; with network.patch they follow from size"),        \
    PARAM_ENUM(type, at.transformer.causal, "network.causal", "false",                             \
               PARAM_NAMES("false", "true"), NULL,                                                 \
               "of tokens: true: a token sees itself and those before it"),                        \
    PARAM_ENUM(type, at.transformer.norm, "network.norm", "post", PARAM_NAMES("post", "pre"),      \
               NULL, "of tokens: normalisation behind a residual sum (BERT) or in front (GPT)"),   \
    PARAM_ENUM(type, at.transformer.gated, "network.gated", "false",                               \
               PARAM_NAMES("false", "true"), NULL,                                                 \
               "of tokens: true: feed-forward with a gate, f1 times f3 (Llama)"),                  \
    PARAM_ENUM(type, at.transformer.qkv, "network.qkv", "separate",                                \
               PARAM_NAMES("separate", "fused"), NULL,                                             \
               "of tokens: queries, keys and values of three matrices or of one"),                 \
    PARAM_U32(type, at.transformer.vocabulary, "network.vocabulary", "", "0", 0, 65536,            \
              "of tokens: outputs of a language model's head, of the last token; 0: none"),        \
    PARAM_U32(type, at.transformer.patch, "network.patch", "pixels", "0", 0, 4096,                 \
              "of tokens: side of an image's patches, of which each is a token, behind one of "    \
              "the class; 0: tokens come as they are"),                                            \
    PARAM_PATH(type, at.onnx, "network.onnx",                                                      \
               "quantised ONNX model instead of a family; a path from the configuration's file"),  \
    PARAM_PATH(type, at.nir, "network.nir",                                                        \
               "spiking network in a file of NIR instead; a path from the configuration's file"),  \
    PARAM_NAME(type, at.input_shape, "network.input_shape", "",                                    \
               "dimensions of the model's input that its file leaves open, such as 1x3x224x224"),  \
    PARAM_COUNTS(type, at.axes, "network.axes", "{}", 1, 65536,                                    \
                 "lengths of axes that the model's file names and leaves open, such as "           \
                 "{sequence_length: 128}"),                                                        \
    PARAM_ENUM(type, at.input_type, "network.input_type", "auto",                                  \
               PARAM_NAMES("auto", "uint8", "int8"), NULL,                                         \
               "of the image's bytes in a network of whole numbers; auto: uint8, or as its file "  \
               "says"),                                                                            \
    PARAM_U64(type, at.random_weights, "network.random_weights", "", "0", 0, INT64_MAX,            \
              "seed of random weights of a family, or where a model's are missing; 0: none, "      \
              "timing only"),                                                                      \
    PARAM_U32(type, at.host_layers, "network.host_layers", "", "0", 0, 65536,                     \
              "first layers that are not on the chip: a host computes them, exactly and free"),   \
    PARAM_NAME(type, at.layer, "network.layer", "all",                                             \
               "one layer of it alone, by name, which reads its map as an image; all: all"),       \
    PARAM_U32_OR(type, at.value_bits, "network.value_bits", "bit", "own", 1, MOST_VALUE_BITS,      \
                 PARAM_NAMES("own"),                                                               \
                 "in which links, memories and arrays carry a value; own: those of the network"),  \
    PARAM_U32_OR(type, at.weight_bits, "network.weight_bits", "bit", "own", 1, MOST_VALUE_BITS,    \
                 PARAM_NAMES("own"), "in which arrays keep a weight; own: those of the network")
/* clang-format on */

#endif
