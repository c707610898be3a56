/* onnx/array.h -- an array of numbers, as ONNX's operators take and make them.
 *
 * Row-major, up to 8 dimensions. Real values (ONNX's floats of any size) are kept as float, all
 * integers as int64_t within the range of their type, so that an operator knows two kinds only.
 */
#ifndef ONNX_ARRAY_H
#define ONNX_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "onnx/tensor.h"

struct array {
    int32_t  type; // ONNX's: those of onnx/tensor.h
    uint32_t n_dim;
    uint32_t dim[ONNX_MOST_DIMS];
    size_t   n;       // product of the dims
    float   *real;    // owned; of floats
    int64_t *integer; // owned; of the others
};

/* Zeros. False when the host has no memory; then *a is zero. The dims multiply to below 2^31. */
bool array_init(struct array *a, int32_t type, uint32_t n_dim, const uint32_t *dim);
bool array_from_tensor(struct array *a, const struct onnx_tensor *t);
bool array_copy(struct array *to, const struct array *from);
void array_release(struct array *a); // takes a zeroed one

bool array_is_real(const struct array *a);
bool array_same_shape(const struct array *a, const struct array *b);

/* Value i; of int64_t beyond 2^53 the nearest double. Setting rounds towards zero, wraps and
 * saturates as array_fit says. */
double array_get(const struct array *a, size_t i);
void   array_set(struct array *a, size_t i, double v);

/* v in the range of an integer type: bits are cut off, as C's conversions do; or the nearest. */
int64_t array_wrap(int32_t type, int64_t v);
int64_t array_saturate(int32_t type, double v);

/* v as a float type has it: of float16 and bfloat16 the nearest, ties to even. */
float array_rounded(int32_t type, float v);

#endif
