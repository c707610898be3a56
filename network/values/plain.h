/* network/values/plain.h -- what a network computes, one image after the other, by plain loops:
 * values and weights of up to 16 bits, sums of 64.
 *
 * The arithmetic is network/network.h's, to the bit; maps are int32_t whatever the bits of a value.
 * values.h chooses it for networks that leave the byte; whoever wants what every layer delivers
 * takes it for any.
 */
#ifndef NETWORK_VALUES_PLAIN_H
#define NETWORK_VALUES_PLAIN_H

#include <stdint.h>

#include "network/network.h"
#include "network/values/values.h"

/* A network made ready, and the maps of one image. */
struct plain;

/* n is borrowed and has values. NULL when the host has no memory. */
struct plain *plain_new(const struct network *n);
void plain_free(struct plain *p); // takes NULL

/* Runs one image: network_image_bytes() of them, [column][row][channel]. watch: NULL for nobody;
 * it sees one lane. */
void plain_run(struct plain *p, const uint8_t *image, const struct value_watch *watch);

/* Value i of what a layer has delivered, a value or a sum: [column][row][channel]. Of the latest
 * run. */
int64_t plain_delivered(const struct plain *p, uint32_t layer, size_t i);

/* The class: channel of the largest result, the first of equals. */
uint32_t plain_class(const struct plain *p);

#endif
