/* dataflow/tokens_params.h -- the digital cores of a transformer as the configuration states them:
 * attention, normalisation, and how a sequence is decoded. */
#ifndef DATAFLOW_TOKENS_PARAMS_H
#define DATAFLOW_TOKENS_PARAMS_H

#include <stdint.h>

#include "core/param.h"
#include "network/tokens/numbers.h"

#define ATTENTION_PER_HEAD PARAM_WORD(0)

enum attention_bits { ATTENTION_6, ATTENTION_8, ATTENTION_10, ATTENTION_FP32 };

struct attention_cfg { // of every attention layer
    uint32_t cores;    // or ATTENTION_PER_HEAD
    uint32_t lanes, exp_lanes; // of a core: multiply-accumulates and exponentials a clock
    enum attention_bits bits;
    uint64_t memory_bytes; // of a core: keys and values of all banks
    uint32_t banks;        // sequences that it keeps
};

struct token_core_cfg { // of the other layers of tokens
    uint32_t lanes;     // operations a clock
    uint32_t timesteps; // that a token may take
    enum number_kind numbers; // that they compute with, and attention
};

struct decode_cfg { // 0 tokens: sequences come whole
    uint32_t prompt, tokens, streams;
    uint64_t sample_ns;
};

/* clang-format off */
#define ATTENTION_PARAMS(type, at)                                                                 \
    PARAM_U32_OR(type, at.cores, "attention.cores", "", "per_head", 1, 4096,                       \
                 PARAM_NAMES("per_head"),                                                          \
                 "of tokens: attention cores of a layer, each with as many of its heads"),         \
    PARAM_U32(type, at.lanes, "attention.lanes", "", "64", 1, 1048576,                             \
              "of tokens: multiply-accumulates of an attention core a clock"),                     \
    PARAM_U32(type, at.exp_lanes, "attention.exp_lanes", "", "16", 1, 1048576,                     \
              "of tokens: exponentials of an attention core a clock, beside them"),                \
    PARAM_ENUM(type, at.bits, "attention.bits", "8", PARAM_NAMES("6", "8", "10", "fp32"), NULL,    \
               "of tokens: of queries, keys, values and probabilities; fp32: they are not "        \
               "rounded again"),                                                                   \
    PARAM_U64(type, at.memory_bytes, "attention.memory_bytes", "B", "65536", 1, INT64_MAX,         \
              "of tokens: memory of an attention core for keys and values, all banks"),            \
    PARAM_U32(type, at.banks, "attention.banks", "", "2", 1, 65536,                                \
              "of tokens: sequences whose keys and values an attention core keeps")

#define TOKEN_CORE_PARAMS(type, at)                                                                \
    PARAM_U32(type, at.lanes, "digital_core.lanes", "", "64", 1, 1048576,                          \
              "of tokens: operations a clock of a core that normalises or looks up"),              \
    PARAM_U32(type, at.timesteps, "digital_core.timesteps", "", "1", 1, 65536,                     \
              "of tokens: timesteps that such a core may take for a token"),                       \
    PARAM_ENUM(type, at.numbers, "digital.numbers", "double",                                      \
               PARAM_NAMES("double", "fp32", "bf16"), NULL,                                        \
               "of tokens: to which each operation of softmax, norms and products is rounded")

#define DECODE_PARAMS(type, at)                                                                    \
    PARAM_U32(type, at.prompt, "decode.prompt", "tokens", "0", 0, 32768,                           \
              "of tokens: that come together, before the first that is decoded"),                  \
    PARAM_U32(type, at.tokens, "decode.tokens", "", "0", 0, 32768,                                 \
              "of tokens: that are decoded, each when the one before has its answer; 0: none"),    \
    PARAM_U32(type, at.streams, "decode.streams", "", "1", 1, 4096,                                \
              "of tokens: sequences that are decoded in turn"),                                    \
    PARAM_U64(type, at.sample_ns, "decode.sample_ns", "ns", "0", 0, 1000000000,                    \
              "of tokens: from an answer to the token that is chosen by it")
/* clang-format on */

#endif
