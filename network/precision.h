/* network/precision.h -- how many bits values, weights and sums of a network have. Arrays, links
 * and prices all read them here.
 */
#ifndef NETWORK_PRECISION_H
#define NETWORK_PRECISION_H

#include <stdint.h>

#include "network/network.h"

struct precision {
    uint32_t value_bits, weight_bits, sum_bits;
};

/* Of every layer: int8 or uint8 values, int8 weights, int32 sums. */
static inline struct precision network_precision(const struct network *n)
{
    (void)n;
    return (struct precision){ .value_bits = 8, .weight_bits = 8, .sum_bits = 32 };
}

#endif
