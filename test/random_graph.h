/* test/random_graph.h -- random small quantised networks over all operators that docs/onnx.md
 * lists, as ONNX models, with what is needed to compare their bytes with another program's.
 *
 * A graph is a chain of operators on maps of a few pixels; each result is rounded (QuantizeLinear,
 * some cut to fewer bits by Clip) and made real again. Of an exact graph all scales are powers of
 * two and all sums and averages are exact in single precision, so that nothing may differ. Of any
 * other each rounded map is an output, because a byte at a tie may fall either way, and what is
 * computed from it is then another matter.
 */
#ifndef TEST_RANDOM_GRAPH_H
#define TEST_RANDOM_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "test/onnx_make.h"

enum { GRAPH_MOST_MAPS = 24, GRAPH_NAME = 24 };

enum { GRAPH_FLOAT_OPERATORS = 37 }; // rows of the table before those that floats here have not

struct graph_map { // a rounded one; number 0 is the image
    char     value[GRAPH_NAME]; // before it was rounded; empty where an operator gives bytes
    char     bytes[GRAPH_NAME], name[GRAPH_NAME]; // rounded, and made real again
    uint32_t channels, rows, columns;
    bool     flat; // of two dimensions: 1 x channels
    float    scale;
    int      zero;
    bool     is_signed;
    double   most;     // about how large real values are
    double   addend;   // largest magnitude, real, of what was added to its sum
    uint32_t from[2], n_from; // maps that it was made of
    bool     read, is_output;
};

struct random_graph {
    Onnx__ModelProto *model; // owned
    bool              exact;
    struct graph_map  map[GRAPH_MOST_MAPS];
    uint32_t          n_map;
    char              sums[GRAPH_NAME]; // an output that is not rounded; empty without one
    uint32_t          sums_from;
    double            sums_step; // of which they are multiples: what a bias is rounded to
    char              operators[400]; // that it has, but those that round, for messages
    uint64_t          state;  // of its random numbers
    uint32_t          n_value;
    double            weight_scale; // the largest of the weights drawn last
};

/* The graph of a seed; of the first n_operator rows of the table of operators, or all. */
void random_graph_make(struct random_graph *g, uint64_t seed);
void random_graph_make_of(struct random_graph *g, uint64_t seed, uint32_t n_operator);
void random_graph_free(struct random_graph *g);

/* n random values of its image, a few of them beyond what its bytes hold. */
void random_graph_image(struct random_graph *g, float *v, uint32_t n);

/* The model with the values before each rounding as outputs too, for who is asked to explain a
 * byte. Changes g->model. */
void random_graph_tell_all(struct random_graph *g);

#endif
