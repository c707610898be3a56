/* onnx/transposed.h -- ConvTranspose as a convolution that steps by 1: the map's pixels are
 * set apart by zeros, stride - 1 between neighbours, and the kernel runs over them backwards.
 *
 *     padding before = reach - 1 - pad begin       reach = (kernel - 1) * dilation + 1
 *     padding behind = reach - 1 - pad end + output_padding
 *
 * Weights are [inputs][outputs of a group][kernel...]; those of the convolution are
 * [outputs][inputs of a group][kernel, backwards].
 */
#ifndef ONNX_TRANSPOSED_H
#define ONNX_TRANSPOSED_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "onnx/graph.h"

enum { TRANSPOSED_AXES = 2 };

struct transposed {
    uint32_t n_axis;
    uint32_t in[TRANSPOSED_AXES], kernel[TRANSPOSED_AXES], stride[TRANSPOSED_AXES];
    uint32_t dilation[TRANSPOSED_AXES], out[TRANSPOSED_AXES];
    int64_t  before[TRANSPOSED_AXES]; // padding of the convolution; below 0: its map is cut
    int64_t  behind[TRANSPOSED_AXES];
    uint32_t groups, inputs, outputs; // channels of one group
};

/* Of a node that reads `channels` x in[n_axis], through weights of dimensions dim[2 + n_axis]; one
 * or two axes. Sides are 1 to 65536. */
enum err transposed_read(const struct onnx_node *node, uint32_t n_axis, uint32_t channels,
                         const uint32_t *in, const uint32_t *dim, struct transposed *t,
                         struct err_msg *m);

/* Weights of a node, and where weight i of them is among [outputs][inputs of a group][kernel],
 * which is not turned. */
size_t transposed_weights(const struct transposed *t);
size_t transposed_place(const struct transposed *t, size_t i);

#endif
