/* test/naive_machine.h -- when the cores of an accelerator fire, step by step, without cleverness.
 *
 * A second implementation of the timing that plan and engine compute, written from the rules alone
 * and sharing no code with them: one loop over the timesteps, in each one loop over all cores, each
 * of which looks up pixel by pixel whether the patch of its next output is there.
 *
 * A network of the resnet-cifar family (network/network.h) sits on cores, a layer on parts (shares
 * of its input channels, a chain of partial sums) x groups (shares of its output channels) x copies
 * (which take output columns, or strips of block firing, in turn). In timestep t a core
 *
 *   1. stores the pixels that reach it in t;
 *   2. fires if the patch of its next output is stored, and then computes, in its policy's order,
 *      up to n outputs whose patches are stored: of one column (column), of one block (block), any
 *      (free). A sum is complete in t + (parts - 1) * partial_sum_hop, or when its residual can be
 *      there, in order and those of one firing a timestep, and stored one hop later.
 *
 * The first layer never waits within an image: it begins image i in timestep i * interval. Its
 * pixels are stored in scan order, as late as that allows, and no more in a timestep than come on
 * average. A residual pixel is read from the memory of the block's first convolution one hop before
 * its sum. A resampling layer's pixels are read from there in the last timestep before they are
 * overwritten, or as late as lets the result arrive with the sum, whichever is earlier; what they
 * then wait for is the resampling core. The pooled layer is never copied.
 */
#ifndef TEST_NAIVE_MACHINE_H
#define TEST_NAIVE_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

enum { NAIVE_STAGES = 3, NAIVE_IMAGES = 8, NAIVE_LAYERS = 256 };

enum naive_firing { NAIVE_COLUMN, NAIVE_FREE, NAIVE_BLOCK };

struct naive_case {
    uint32_t          depth, size, channels[NAIVE_STAGES], classes; // depth = 2 + 6 * blocks
    uint32_t          rows, columns;                                // of an array
    uint32_t          replicas[NAIVE_STAGES];    // n, by stage
    uint32_t          resampling[NAIVE_STAGES];  // n of the stage's resampling layer; 0: the same
    uint32_t          block_width[NAIVE_STAGES]; // dW; 1 is Method 1
    uint32_t          copies[NAIVE_STAGES];
    enum naive_firing firing;
    uint32_t          hop, partial_sum_hop; // in timesteps; hop at least 1
    uint32_t          n_image;              // back to back, at most NAIVE_IMAGES
    bool              whole_patches; // every firing reads all of its patches; else only what no
                                     // firing before, in the same column or strip, has read
};

struct naive_layer {
    char     name[16];      // conv1 .., rs1 before the convolutions of its block, .. fc
    uint32_t rows, columns; // of the whole matrix with its replicas
    uint32_t parts, groups, copies;
    int64_t  first[NAIVE_IMAGES], last[NAIVE_IMAGES]; // firing that holds an output of the image
    uint64_t firings[NAIVE_IMAGES]; // begun with an output of the image; all copies, of one part
    uint32_t memory_columns; // least K, at least the kernel size; columns counted in the input map,
                             // of which a resampling layer gets every second
    uint32_t fifo; // resampling layers: most results that wait at one summing core
};

struct naive_result {
    struct naive_layer layer[NAIVE_LAYERS];
    uint32_t           n_layer, n_core;
    int64_t            interval;
    int64_t            last_conv, fc_result; // of the first image, elapsed
};

/* False when one input channel or one output channel with its replicas does not fit an array, or a
 * copy would have no column or strip. */
bool naive_run(const struct naive_case *c, struct naive_result *r);

#endif
