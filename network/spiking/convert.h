/* network/spiking/convert.h -- a quantised network becomes one of neurons, by configuration alone.
 *
 * The spikes of an output stand for the value that its layer delivers, less the zero point: a
 * neuron's threshold is one step of that value (times neuron.theta), 2^shift, instead of rounding.
 * What follows from it (Kim 2019, section 4.2):
 *
 *     zero points   go into the bias; padding is coded like a pixel of the zero point
 *     residuals     are currents of the same step; so is what a layer without ReLU delivers, which
 *                   only residuals and averages may read
 *     averages      are sums; the bias and the threshold behind them are as many times larger.
 *                   Of currents, those of a layer without ReLU, in front of a ReLU: the neurons
 *                   stand behind the pool, and their current is that of its whole window
 *     the last      adds currents up and never fires; the class is its largest potential
 *
 * A value is not cut at the top: a layer whose spikes come at every step delivers what its period
 * holds.
 */
#ifndef NETWORK_SPIKING_CONVERT_H
#define NETWORK_SPIKING_CONVERT_H

#include "core/err.h"
#include "network/network.h"
#include "network/spiking/neuron.h"

struct neuron_cfg { // of a layer, as configured
    const struct neuron_kind *kind; // one that fires
    uint32_t          beta;         // of NEURON_NO_LEAK
    uint64_t          theta;        // billionths of a step of the value delivered
    enum neuron_reset reset;
    uint32_t          floor, ceiling; // of V, in thresholds, or NEURON_UNBOUNDED
    int32_t           most;         // spikes of a step
    uint32_t          skip;         // periods that the last layer does not count
    uint32_t          fraction_bits; // of V behind what the network's own scales have
};

/* n has been checked, and has values or not; n->present says how images are coded. cfg: one for
 * each layer of n. ERR_INPUT names the layer that no neuron can be made of, and a cure. */
enum err network_make_spiking(struct network *n, const struct neuron_cfg *cfg, struct err_msg *m);

#endif
