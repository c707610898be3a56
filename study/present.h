/* study/present.h -- how images are presented to a network, and what its outputs remember, as the
 * configuration says. */
#ifndef STUDY_PRESENT_H
#define STUDY_PRESENT_H

#include "core/err.h"
#include "dataflow/config.h"
#include "network/network.h"
#include "nir/network.h"

/* How images are presented, as the configuration says. */
enum err present_read(struct presentation *p, const struct config *c, struct err_msg *m);

/* What the file of network.nir leaves open; network.nir is given. ERR_INPUT: keys that mean nothing
 * beside it. */
enum err present_nir(struct nir_cfg *nir, const struct config *c, const struct presentation *p,
                     struct err_msg *m);

/* Notes layers none of whose neurons can ever fire. */
void present_note(struct config *c, const struct network *n);

/* Of a network that has been made and checked: fills n->present, and makes neurons of its layers
 * where neuron.kind wants them (network/spiking/convert.h); one of network.nir has them already.
 * ERR_INPUT names the key and its
 * place. */
enum err present_network(struct network *n, const struct config *c, struct err_msg *m);

#endif
