/* arch/imc_core.h -- one IMC core: input memory, dataflow controller, crossbar, digital processor. */
#ifndef ARCH_IMC_CORE_H
#define ARCH_IMC_CORE_H

#include <stdint.h>

#include "core/counter.h"

/* Everything that energy is priced from. Timing runs leave the three value counters at 0. */
#define CORE_COUNTERS(X)                                                                         \
    X(firings,           "mvm",      "times the crossbar fired")                                 \
    X(outputs,           "pixel",    "output pixels computed")                                   \
    X(driven_rows,       "row",      "crossbar rows driven, summed over firings")                \
    X(active_rows,       "row",      "of those, rows whose input was not zero")                  \
    X(sum_abs_x,         "lsb",      "sum of |x| over rows and firings")                         \
    X(sum_abs_xw,        "lsb2",     "sum over rows of |x| times the row's sum of |w|")          \
    X(conversions,       "sample",   "columns converted")                                        \
    X(words_written,     "word",     "words written to the input memory")                        \
    X(words_read,        "word",     "words read for the crossbar")                              \
    X(words_read_back,   "word",     "words read back as residual or resampling pixels")         \
    X(pixels_stored,     "pixel",    "pixels or channel slices stored")                          \
    X(scale_ops,         "op",       "multiply-and-add of scale and bias")                       \
    X(residual_ops,      "op",       "residual values added")                                    \
    X(relu_ops,          "op",       "ReLU applied")                                             \
    X(round_ops,         "op",       "roundings with saturation")                                \
    X(pool_ops,          "op",       "additions of global pooling")                              \
    X(partial_sum_ops,   "op",       "partial sums added")                                       \
    X(busy_timesteps,    "timestep", "timesteps with a firing")

struct core_counters { CORE_COUNTERS(COUNTER_FIELD) };

extern const struct counter core_counter_rows[]; // ends with COUNTER_END

#endif
