/* memory/params.h -- the input memory as the configuration states it. */
#ifndef MEMORY_PARAMS_H
#define MEMORY_PARAMS_H

#include <stdint.h>

#include "core/param.h"

struct policies; // dataflow/policies.h

struct memory_cfg {
    enum memory_kind { MEMORY_SRAM, MEMORY_REGISTERS } kind;
    uint32_t word_bits; // a multiple of 8
    uint32_t words;
    uint32_t columns; // K; or COLUMNS_AUTO. Of elastic clocking
    char     placing[32]; // "auto", or a row of the table in memory/placing.c, or one of `own`
    const struct policies *own; // borrowed; NULL: none
};

#define COLUMNS_AUTO PARAM_WORD(0)

/* clang-format off */
#define MEMORY_PARAMS(type, at)                                                                    \
    PARAM_ENUM(type, at.kind, "core.input_memory.kind", "sram", PARAM_NAMES("sram", "registers"),  \
               NULL, "registers latch a map of one pixel, with no port and in no time"),           \
    PARAM_U32_STEP(type, at.word_bits, "core.input_memory.word_bits", "bit", "128", 8, 8192, 8,    \
                   "width of the SRAM: one word a clock"),                                         \
    PARAM_U32(type, at.words, "core.input_memory.words", "", "512", 1, 65536,                      \
              "words of the SRAM"),                                                                \
    PARAM_U32_OR(type, at.columns, "core.input_memory.columns", "", "auto", 1, 65536,              \
                 PARAM_NAMES("auto"), "of elastic: columns of the map that it keeps; auto: those " \
                 "of the plan"),                                                                   \
    PARAM_NAME(type, at.placing, "core.input_memory.placing", "auto",                              \
               "how pixels lie in words: iwap, klip, plip; auto: iwap if narrower than a word, "   \
               "else plip")
/* clang-format on */

#endif
