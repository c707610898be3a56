/* network/part.h -- one layer of a network by itself, for machines that compute one layer after
 * another. */
#ifndef NETWORK_PART_H
#define NETWORK_PART_H

#include "core/err.h"
#include "network/network.h"

/* Leaves the layer called so, and what it reads as the image: its channels, concatenated, in their
 * bits. n has been checked. ERR_INPUT: there is no such layer, or it has no weights, or is added to
 * another map; *n is as it was then. */
enum err network_keep_layer(struct network *n, const char *name, struct err_msg *m);

#endif
