/* onnx/read/axes.h -- which value of a map stands at a place of a tensor.
 *
 * A tensor's dimension is a list of axes, the outermost first, whose sizes multiply to its length.
 * An axis runs over rows, columns or channels of the map, `step` apart, so that at index i of the
 * axes the tensor has the value of row, column and channel
 *
 *     first[side] + sum of i * step over the axes of that side
 *
 * or, where the places of an axis lie otherwise, what `order` says instead of i * step.
 *
 * Tokens are columns, or rows and columns; the heads of a fused map of queries, keys and values
 * are an axis of channels, and so are its three parts. So Reshape takes axes apart and joins them,
 * Transpose orders them, Slice begins later, Expand adds an axis of step 0, and none of them
 * computes anything. Axes of size 1 are left out; the batch is one of them.
 */
#ifndef ONNX_READ_AXES_H
#define ONNX_READ_AXES_H

#include <stdbool.h>
#include <stdint.h>

#include "network/network.h"

enum onnx_side { ONNX_ROW, ONNX_COLUMN, ONNX_CHANNEL, ONNX_SIDES };

struct onnx_axis {
    uint32_t       dim; // of the tensor, that it is part of
    enum onnx_side side;
    uint32_t       size, step;
    const uint32_t *order; // [size], the reader's; NULL mostly
};

enum { ONNX_MOST_AXES = 12 };

struct onnx_axes {
    uint32_t         n_dim, n;
    struct onnx_axis axis[ONNX_MOST_AXES]; // by dim, then outermost first
    uint32_t         first[ONNX_SIDES];
};

/* One dimension more, at the end, of nothing yet: its length is 1. */
void axes_add_dim(struct onnx_axes *a);

/* One axis more, the innermost of the last dimension; its `dim` counts for nothing. False: there
 * are too many. */
bool axes_add(struct onnx_axes *a, struct onnx_axis axis);

/* The last dimension becomes all `size` channels. */
void axes_end_with_channels(struct onnx_axes *a, uint32_t size);

uint32_t axes_length(const struct onnx_axes *a, uint32_t dim);

/* False, and *a is as it was, where no axes say it. The new lengths multiply to as many values;
 * perm orders the dimensions. */
bool axes_reshape(struct onnx_axes *a, uint32_t n_dim, const uint64_t *length);
bool axes_transpose(struct onnx_axes *a, const int64_t *perm);

/* n places of a dimension, from `start` on, `step` apart; all lie in it. */
bool axes_slice(struct onnx_axes *a, uint32_t dim, uint32_t start, uint32_t n, uint32_t step);

/* A dimension of length 1 goes. */
void axes_drop(struct onnx_axes *a, uint32_t dim);

/* A dimension of length 1 becomes one of n times the same. */
bool axes_repeat(struct onnx_axes *a, uint32_t dim, uint32_t n);

/* Where index i of a dimension is: adds to at[side]. */
void axes_locate(const struct onnx_axes *a, uint32_t dim, uint32_t i, uint32_t at[ONNX_SIDES]);

/* Whether dimensions `from` to `to` - 1 have only axes of the sides in `sides` (bits). */
bool axes_within(const struct onnx_axes *a, uint32_t from, uint32_t to, uint32_t sides);

/* Whether their axes of a side are all of its `length`, each place once, in any order; in order,
 * one axis. */
bool axes_cover(const struct onnx_axes *a, uint32_t from, uint32_t to, enum onnx_side side,
                uint32_t length);
bool axes_whole(const struct onnx_axes *a, uint32_t dim, enum onnx_side side, uint32_t length);

/* Places that lie side by side in another order come in theirs: for who asks which they are, not in
 * what order. */
void axes_sort(struct onnx_axes *a);

/* Whether two dimensions see the same places in the same order, whatever `first` is. */
bool axes_alike(const struct onnx_axes *a, uint32_t dim, const struct onnx_axes *b,
                uint32_t other);
bool axes_equal(const struct onnx_axes *a, const struct onnx_axes *b);

#endif
