/* network/host.h -- layers that are not on the chip: a host computes them, exactly, and hands what
 * the last of them delivers to the chip as its image.
 */
#ifndef NETWORK_HOST_H
#define NETWORK_HOST_H

#include "network/network.h"

/* Takes the first layers off a network that has been checked: n->host has them from then on, and
 * the network's image is what the last delivers. ERR_INPUT, and *n as it was: fewer layers than
 * that, or what stays reads others than the last of them. */
enum err network_give_to_host(struct network *n, uint32_t layers, struct err_msg *m);

/* The network that images are given to. */
static inline const struct network *network_fed(const struct network *n)
{
    return n->host ? n->host : n;
}

#endif
