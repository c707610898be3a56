/* dataflow/elastic_params.h -- buffers and delays of `elastic` clocking, as the configuration
 * states them; docs/elastic.md. Sizes count pixels of a stream's slice. */
#ifndef DATAFLOW_ELASTIC_PARAMS_H
#define DATAFLOW_ELASTIC_PARAMS_H

#include <stdint.h>

#include "core/param.h"

enum elastic_group { GROUP_FULL, GROUP_ANY };

struct elastic_cfg {
    uint32_t input_pixels, residual_pixels, partial_sum_pixels, output_pixels, read_back_pixels;
    uint32_t results, registers;
    enum elastic_group group;
    uint32_t hop_clk, credit_clk;
    uint32_t partial_sum_hop_clk; // or HOP_SAME
    uint64_t image_period_clk;
};

#define HOP_SAME PARAM_WORD(0)

enum { ELASTIC_MOST_PIXELS = 65536, ELASTIC_MOST_CLOCKS = 1000000 };

/* clang-format off */
#define ELASTIC_PARAMS(type, at)                                                                   \
    PARAM_U32(type, at.input_pixels, "elastic.input_pixels", "pixels", "2", 1,                     \
              ELASTIC_MOST_PIXELS, "of elastic: a stream's, at its receiver until stored"),        \
    PARAM_U32(type, at.residual_pixels, "elastic.residual_pixels", "pixels", "4", 1,               \
              ELASTIC_MOST_PIXELS, "of elastic: of a stream that is added, until it is"),          \
    PARAM_U32(type, at.partial_sum_pixels, "elastic.partial_sum_pixels", "pixels", "2", 1,         \
              ELASTIC_MOST_PIXELS, "of elastic: of sums from the part before, until added"),       \
    PARAM_U32(type, at.output_pixels, "elastic.output_pixels", "pixels", "2", 1,                   \
              ELASTIC_MOST_PIXELS, "of elastic: of a core's results, until every stream has sent " \
              "them"),                                                                             \
    PARAM_U32(type, at.read_back_pixels, "elastic.read_back_pixels", "pixels", "1", 1,             \
              ELASTIC_MOST_PIXELS, "of elastic: read back for one receiver, until sent"),          \
    PARAM_U32(type, at.results, "elastic.results", "firings", "1", 1, 1024,                        \
              "of elastic: that wait between array and digital processor"),                        \
    PARAM_U32(type, at.registers, "elastic.registers", "", "2", 1, 2,                              \
              "of elastic: sets of input registers; 2: one loads while the other multiplies"),     \
    PARAM_ENUM(type, at.group, "elastic.group", "full", PARAM_NAMES("full", "any"), NULL,          \
               "of elastic: a firing waits for all of its outputs, or takes those that are there"),\
    PARAM_U32(type, at.hop_clk, "elastic.hop_clocks", "clocks", "1", 1, ELASTIC_MOST_CLOCKS,       \
              "of elastic: from the end of sending to the receiver"),                              \
    PARAM_U32_OR(type, at.partial_sum_hop_clk, "elastic.partial_sum_hop_clocks", "clocks", "same", \
                 1, ELASTIC_MOST_CLOCKS, PARAM_NAMES("same"), "of elastic: of partial sums; same: "\
                 "elastic.hop_clocks"),                                                            \
    PARAM_U32(type, at.credit_clk, "elastic.credit_clocks", "clocks", "1", 1, ELASTIC_MOST_CLOCKS, \
              "of elastic: until a freed place is known to the sender"),                           \
    PARAM_U64(type, at.image_period_clk, "elastic.image_period_clocks", "clocks", "0", 0,          \
              1000000000000, "of elastic: between images, at least; 0: back to back")
/* clang-format on */

#endif
