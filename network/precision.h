/* network/precision.h -- how many bits values, weights and sums of a network have. Memories, links,
 * arrays and prices all read them here.
 *
 *     values   as their layer states them, two's complement where it delivers signed ones
 *     weights  likewise, two's complement; 1 bit is +-1
 *     sums     32 bits; 64 where values or weights of more than 8 make sums that can pass 31
 *
 * Whoever makes a network states its widths: the reader of a model from its types, its Clips of
 * integers and its weights. A machine may carry all of them in more bits (network.least).
 */
#ifndef NETWORK_PRECISION_H
#define NETWORK_PRECISION_H

#include <stdbool.h>
#include <stdint.h>

#include "network/network.h"

/* Least and largest value of 1 to 16 bits; and the least bits that hold both of two values, of
 * signed ones at least 2. */
void     value_limits(uint32_t bits, bool is_signed, int32_t *least, int32_t *most);
uint32_t value_bits_for(int64_t least, int64_t most, bool is_signed);

/* As the layer states them: a value that it delivers, where that is no sum; a weight. */
uint32_t layer_value_bits(const struct layer *l);
uint32_t layer_weight_bits(const struct layer *l);

/* Whether a layer computes with more than bytes: of the values that it makes, also before they are
 * pooled, or of its weights. The network: any of its layers; then all of its sums may take 64
 * bits. */
bool layer_is_wide(const struct layer *l);
bool network_is_wide(const struct network *n);

/* Whether any of its layers has neurons: then its values are of one image after the other, step by
 * step (network/spiking/spikes.h), and an image is bytes. */
bool network_is_spiking(const struct network *n);

/* Values of an image, in bytes: a byte each, of a wide network the low bytes of all and then the
 * high ones, two's complement; of a recording those of all steps. */
size_t network_image_values(const struct network *n);
size_t network_image_bytes(const struct network *n);

/* Least and largest value that a layer's values take, which may be fewer than their bits hold. */
void layer_range(const struct layer *l, int32_t *low, int32_t *high);

/* The same of an image's pixels, which are coded step by step, or of its values. */
void network_image_range(const struct network *n, int32_t *low, int32_t *high);

/* The integer of a real value of the input, as the model's QuantizeLinear rounds it, in single
 * precision, ties to even, and cuts it; the value itself where the input is integers. *uncut:
 * before it is cut, unless it is NULL. */
int32_t network_image_code(const struct network *n, double v, double *uncut);

/* As the machine carries them: a value of layer `index`; what it delivers, a value or a sum; what
 * it reads, the most of its inputs; its weights, 1 where it has none; its sums. */
uint32_t network_value_bits(const struct network *n, uint32_t index);
uint32_t network_delivered_bits(const struct network *n, uint32_t index);
uint32_t network_input_bits(const struct network *n, uint32_t index);
uint32_t network_weight_bits(const struct network *n, uint32_t index);
uint32_t network_sum_bits(const struct network *n, uint32_t index);

/* The widths in which a machine carries all values and weights, 0 for those of the network: its own
 * where it states none. ERR_INPUT names the key "network.value_bits" where a layer has more. */
enum err network_carry(struct network *n, uint32_t value_bits, uint32_t weight_bits,
                       struct err_msg *m);

struct precision {
    uint32_t value_bits, weight_bits, sum_bits;
};

/* The most of all layers: what a chip whose cores are alike has to have. */
struct precision network_precision(const struct network *n);

#endif
