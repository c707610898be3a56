/* cli/article/neurosim_counts.h -- what DNN+NeuroSim counts of an image, priced by our circuits.
 *
 * Its counts: a layer of K x K kernels lies in K K groups of arrays, one for each position, if its
 * K is the network's most frequent one and its rows fill an array; others as one matrix. Each bit
 * of the inputs drives every array of a layer once an output pixel, of which there are without
 * padding ((H - K) / s + 1)^2; only rows with weights take energy, of columns only those with
 * weights are converted. Inputs travel half of the chip's width, results half of its height, over
 * wires with repeaters; K K positions of a kernel are fetched as K, and what is pooled returns as
 * a quarter. Not counted: its adder trees, buffers and the trees of wires inside its tiles.
 *
 * Inferred, for the figures agree with them and not without: that only used rows and columns count,
 * and the way of inputs and results.
 */
#ifndef CLI_ARTICLE_NEUROSIM_COUNTS_H
#define CLI_ARTICLE_NEUROSIM_COUNTS_H

#include <stdbool.h>

#include "arch/circuits/sub_array.h"
#include "core/err.h"

enum { NEUROSIM_TURNS = 8 }; // columns of a converter

struct neurosim_layer { // n layers alike; a pool of 2 x 2 behind, or none. A table ends with n = 0
    unsigned n, size, channels, kernel, stride, outputs;
    bool     pooled;
};
extern const struct neurosim_layer neurosim_vgg8[], neurosim_resnet32[];

struct neurosim_machine { // arrays of so many rows and columns, cells of an 8-bit weight
    struct technology  technology;
    struct device      device;
    struct calibration calibration;
    unsigned           side, cells, levels; // levels: of a code
    double             ones;         // of the inputs' bits
    double             half_side_um; // of the chip
};

struct neurosim_parts { // of an image: uJ, what was counted, and arrays that hold weights
    double lines, converters, accumulation, switches, mux, buses;
    double rows, columns; // driven with a bit, converted
    double arrays;
};
double neurosim_sum(const struct neurosim_parts *p); // of its uJ

/* Loads what technology and device name, and the program's factors. */
enum err neurosim_load(struct neurosim_machine *k, const char *technology, const char *device,
                       struct err_msg *m);

/* An array whose first `rows` rows hold weights, as it is read. */
enum err neurosim_array(const struct neurosim_machine *k, unsigned rows, struct sub_array *s,
                        struct err_msg *m);

/* border: pixels around the maps of 3 x 3 kernels, on both sides together. */
enum err neurosim_network(const struct neurosim_machine *k, const struct neurosim_layer *layer,
                          unsigned border, struct neurosim_parts *p, struct err_msg *m);

#endif
