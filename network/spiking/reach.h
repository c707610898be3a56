/* network/spiking/reach.h -- neurons that can never fire. */
#ifndef NETWORK_SPIKING_REACH_H
#define NETWORK_SPIKING_REACH_H

#include "network/network.h"

/* How many outputs of a layer whose neurons fire have a threshold above any potential that spikes
 * on all of their inputs, in every step of an image, could bring about; *most: the largest share of
 * its threshold that one of them reaches. 0 where there are none, of neurons with synapses, and of
 * a network without values. */
uint32_t spiking_out_of_reach(const struct network *n, uint32_t layer, double *most);

#endif
