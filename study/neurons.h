/* study/neurons.h -- what the outputs of each layer remember and when they fire, as the
 * configuration says: neuron.* for all, neuron.layers.NAME for one. */
#ifndef STUDY_NEURONS_H
#define STUDY_NEURONS_H

#include "core/err.h"
#include "dataflow/config.h"
#include "network/network.h"
#include "network/spiking/convert.h"

/* One for each layer of n; neuron.kind is one that fires. The caller frees *cfg, which is NULL on
 * error. ERR_INPUT names key and place. */
enum err neurons_of(struct neuron_cfg **cfg, const struct config *c, const struct network *n,
                    struct err_msg *m);

#endif
