/* nir/network.h -- the graph of a NIR file as a network of neurons.
 *
 * NIR is continuous in time; a step is dt long. Euler's rule makes of it (docs/spiking.md)
 *
 *     IF       V += R I                       an input's spike is worth its weight, whatever dt
 *     LIF      V  = (1 - dt/tau) V + (R I + v_leak) dt/tau
 *     CubaLIF  J  = (1 - dt/tau_syn) J + w_in dt/tau_syn I; V as above, of J
 *
 * with S = [V >= v_threshold]. I, LI and CubaLI never fire and stand last; a Threshold remembers
 * nothing. Weights are whole numbers q of unit u, w = u q: `given` where the file's are (u = 1), or
 * `int8`, u = max|w| / 127 of a layer. Potentials are whole multiples of 2^-f u, f =
 * neuron.fraction_bits; by itself 0 where neither leak nor gain nor bias needs more, else 16.
 */
#ifndef NIR_NETWORK_H
#define NIR_NETWORK_H

#include "network/network.h"
#include "nir/graph.h"
#include "network/spiking/params.h"

enum nir_reset { NIR_RESET_OPEN, NIR_RESET_ZERO, NIR_RESET_SUBTRACT, NIR_RESET_DELAYED };
enum nir_weights { NIR_WEIGHTS_AUTO, NIR_WEIGHTS_INT8, NIR_WEIGHTS_GIVEN };

#define NIR_FRACTION_AUTO NEURON_FRACTION_AUTO

struct nir_cfg {
    double           dt_us; // 0: left open
    enum nir_reset   reset;
    enum nir_weights weights; // auto: given where all of a layer are whole, -128 to 127
    uint32_t         most;    // spikes of a neuron in a step
    uint32_t         image_bits; // of a value presented
    uint32_t         steps;   // of an image: potentials are to keep to their bits
    uint32_t         fraction_bits; // or NIR_FRACTION_AUTO
    uint32_t         floor, ceiling; // of potentials, in thresholds, or NEURON_UNBOUNDED
};

/* n->present is filled by the caller, before or after. ERR_INPUT names the node, or the key that
 * has to say what the file leaves open. On error *n is zero. */
enum err nir_network(struct network *n, const char *name, const struct nir_graph *g,
                     const struct nir_cfg *cfg, struct err_msg *m);

#endif
