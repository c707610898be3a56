/* network/family.h -- what builds the networks of a family, layer after layer; of family_NAME.c.
 */
#ifndef NETWORK_FAMILY_H
#define NETWORK_FAMILY_H

#include <stdbool.h>

#include "network/network.h"

struct family {
    struct network *network; // layers are appended; room for all is there
    bool            failed;  // the host has no memory
};

/* A network without layers, called prefix and depth. On error it is zero. */
enum err family_begin(struct family *f, const char *prefix, uint32_t depth, uint32_t n_layer,
                      struct err_msg *m);

/* Checks what was built, of n_layer layers. On error the network is released. */
enum err family_end(struct family *f, uint32_t n_layer, struct err_msg *m);

/* "conv", 7: "conv7", or NULL. What is given such a name owns it. */
char *family_name(const char *prefix, uint32_t number);

void family_image(struct family *f, uint32_t size);

/* The others return the index of their layer, which reads the layer `input`. Kernels are square. A
 * convolution is padded so that stride 1 keeps the map's size. */
uint32_t family_conv(struct family *f, char *name, uint32_t input, uint32_t channels,
                     uint32_t kernel, uint32_t stride);
uint32_t family_max_pool(struct family *f, char *name, uint32_t input); // 2 x 2
uint32_t family_full(struct family *f, char *name, uint32_t input, uint32_t outputs);

/* Random weights, scales and what is stored, of this seed, for a network of a family, which has
 * none yet; tables that it has stay. On error the network is released. */
enum err family_fill(struct network *n, uint64_t seed, struct err_msg *m);

#endif
