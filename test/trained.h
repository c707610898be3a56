/* test/trained.h -- trained networks of ../shared/data whose layers see all of the one before, and
 * sets of 28 x 28 images for them.
 */
#ifndef TEST_TRAINED_H
#define TEST_TRAINED_H

#include <stdbool.h>
#include <stdint.h>

#include "test/plan_rig.h"
#include "test/shared.h"

#define FASHION "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"

enum { TRAINED_SIDE = 28, TRAINED_IMAGE = TRAINED_SIDE * TRAINED_SIDE, TRAINED_CLASSES = 10,
       TRAINED_MOST_LAYERS = 4 };

struct dense {
    const char *blob; // spiking/NAME
    uint32_t    n_layer, size[TRAINED_MOST_LAYERS + 1];
    bool        binary; // weights +-1, activations [sum >= t]; else bytes, by m, b and sh
    uint32_t    image_bits;
};

/* Array "w1" for ("w", 1), "b" for ("b", 0). */
struct blob_array trained_array(const struct blob *b, const char *name, uint32_t i);

/* The network of a rig whose configuration has been read. */
void trained_network(struct plan_rig *r, const struct dense *d, const struct blob *b);

/* The first n images of a set, [n][rows][columns], and their labels. Fails the test where there are
 * not so many. */
void trained_images(const char *path, uint8_t *pixel, uint32_t *label, uint32_t n);

#endif
