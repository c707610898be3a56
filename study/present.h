/* study/present.h -- how images are presented to a network, and what its outputs remember, as the
 * configuration says. */
#ifndef STUDY_PRESENT_H
#define STUDY_PRESENT_H

#include "core/err.h"
#include "dataflow/config.h"
#include "network/network.h"

/* Of a network that has been made and checked: fills n->present, and makes neurons of its layers
 * where neuron.kind wants them (network/spiking/convert.h). ERR_INPUT names the key and its
 * place. */
enum err present_network(struct network *n, const struct config *c, struct err_msg *m);

#endif
