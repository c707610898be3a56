/* test/naive_onnx.h -- the operators of quantised transformers, one value after the other in double
 * precision, as ONNX defines them: what a model's file means, without the simulator.
 *
 * Softmax that the file does not round is on a grid of 8 bits, as docs/transformers.md has it: the
 * largest of a row is 255, and what the row is multiplied with is divided by its sum.
 */
#ifndef TEST_NAIVE_ONNX_H
#define TEST_NAIVE_ONNX_H

#include <stdint.h>

#include "onnx.pb-c.h"

enum { NAIVE_DIMS = 8 };

struct naive_tensor {
    const char *name; // the model's
    uint32_t    n_dim;
    int64_t     dim[NAIVE_DIMS];
    size_t      n;
    double     *v; // owned
    double     *divisor; // owned; of each row, by which its products are divided; NULL: none
};

struct naive_onnx {
    const Onnx__ModelProto *model; // borrowed
    struct naive_tensor    *tensor; // owned; all values of the graph so far
    size_t                  n;
};

/* Evaluates the graph on the values of its input; dims are the file's. A test fails at what it does
 * not know. */
void naive_onnx_run(struct naive_onnx *o, const Onnx__ModelProto *model, const double *input);
void naive_onnx_release(struct naive_onnx *o);

/* A value by name; the test fails when there is none. */
const struct naive_tensor *naive_onnx_find(const struct naive_onnx *o, const char *name);

#endif
