/* nir/build.h -- a network while it is made, node by node.
 *
 * A signal is what a node hands on: spikes of a layer of the network, or the currents of one whose
 * neurons have not come yet. The weights of such a layer are kept as real numbers until they do.
 */
#ifndef NIR_BUILD_H
#define NIR_BUILD_H

#include "nir/network.h"
#include "network/spiking/neuron.h"

struct nir_signal { // of a node
    bool     is_there;
    bool     current; // of `layer`, which has no neurons yet
    bool     flat;    // a map flattened, channel by channel
    uint32_t layer;
    struct shape shape;
    double  *factor;  // owned; [channels]: what one spike is worth; NULL: 1
};

struct nir_real { // of a layer
    double  *weight; // owned; [outputs][inputs of a group][kernel rows][kernel columns]; or NULL
    double  *bias;   // owned; [outputs]
    double   unit;   // u; 0 before the weights are whole numbers
    double   error;  // largest |w - u q| / u
    bool     pooled; // its sums are of a window of another layer's
};

struct nir_build {
    const struct nir_graph *graph;
    const struct nir_cfg   *cfg;
    struct network         *network;
    struct nir_signal      *signal; // owned; [nodes]
    struct nir_real        *real;   // owned; [nodes + 1], of layers
    struct err_msg         *msg;
};

struct nir_kind { // of a node
    const char *type;
    enum err (*take)(struct nir_build *b, uint32_t node, const struct nir_kind *self);
    uint32_t     dims; // of a convolution or pool
    bool         leaks, synapse, fires; // of neurons
};

extern const struct nir_kind nir_kinds[]; // ends with a row without a type

/* "node NAME (TYPE): WHAT: want CURE", ERR_INPUT. */
enum err nir_refuse(const struct nir_build *b, uint32_t node, const char *what, const char *cure);

/* The signal of the one node that this one reads. */
enum err nir_one_source(const struct nir_build *b, uint32_t node, struct nir_signal **from);

/* A field of n whole numbers (or one, for all of them), each least to most; `otherwise` where there
 * is none and that is not negative. */
enum err nir_wholes(const struct nir_build *b, uint32_t node, const char *name, uint32_t n,
                    int64_t least, int64_t most, int64_t otherwise, uint32_t *v);

/* A field that a neuron has of each output, which must be alike in all of a channel's; NAN
 * otherwise: must be there. v: [channels]. */
enum err nir_parameter(const struct nir_build *b, uint32_t node, const char *name,
                       struct shape shape, double otherwise, double *v);

/* A new layer that reads that of a signal; NULL when the host has no memory. */
struct layer *nir_add_layer(struct nir_build *b, uint32_t node, const struct nir_signal *from);

/* Arrays of zeros for the rounding that neurons and sums do without; false when the host has no
 * memory. */
bool nir_state_rounding(struct layer *l);

/* The signal of a node is another's, copied. */
enum err nir_pass(struct nir_build *b, uint32_t node, const struct nir_signal *from);

enum err nir_no_memory(const struct nir_build *b);

enum err nir_take_input(struct nir_build *b, uint32_t node, const struct nir_kind *self);
enum err nir_take_output(struct nir_build *b, uint32_t node, const struct nir_kind *self);
enum err nir_take_flatten(struct nir_build *b, uint32_t node, const struct nir_kind *self);
enum err nir_take_pool(struct nir_build *b, uint32_t node, const struct nir_kind *self);
enum err nir_take_scale(struct nir_build *b, uint32_t node, const struct nir_kind *self);
enum err nir_take_delay(struct nir_build *b, uint32_t node, const struct nir_kind *self);
enum err nir_take_conv(struct nir_build *b, uint32_t node, const struct nir_kind *self);
enum err nir_take_linear(struct nir_build *b, uint32_t node, const struct nir_kind *self);
enum err nir_take_neuron(struct nir_build *b, uint32_t node, const struct nir_kind *self);
enum err nir_take_threshold(struct nir_build *b, uint32_t node, const struct nir_kind *self);

/* Neurons of a node, in real numbers, [outputs] each. */
struct nir_dynamics {
    bool   fires;
    double *beta, *gain, *leak; // V = beta V + gain I + leak
    double *theta, *reset_to;   // of what fires; reset_to NULL: 0
    double *alpha, *out;        // of a synapse: J = alpha J + gain I, V = beta V + out J + leak
    enum neuron_reset reset;
};

/* Sums of a layer's weights hand themselves on, without their biases: the node adds them up. */
enum err nir_make_current(struct nir_build *b, uint32_t node, uint32_t layer);

/* The layer whose currents the node reads has them: its weights become whole numbers. */
enum err nir_give_neurons(struct nir_build *b, uint32_t node, const struct nir_dynamics *d);

#endif
