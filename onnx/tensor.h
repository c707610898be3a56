/* onnx/tensor.h -- a checked view of a tensor stored in an ONNX file.
 *
 * The values may sit in raw_data (little-endian) or in the field of their type; the view hides
 * which. Types: float, double, float16, bfloat16, int4, uint4, int8, uint8, int32, int64, bool.
 */
#ifndef ONNX_TENSOR_H
#define ONNX_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "onnx.pb-c.h"

enum { ONNX_MOST_DIMS = 8 };

enum { ONNX_UINT4 = 21, ONNX_INT4 = 22 }; // types that came after Debian's onnx.proto

struct onnx_tensor { // valid as long as the model
    const Onnx__TensorProto *proto;
    int32_t                  type; // ONNX__TENSOR_PROTO__DATA_TYPE__*
    uint32_t                 n_dim;
    uint32_t                 dim[ONNX_MOST_DIMS];
    size_t                   n; // product of the dims, at most 2^31 - 1: as many values are there
};

/* Refuses, by name: unknown types, data in another file, dims that disagree with the data. */
enum err onnx_tensor_view(struct onnx_tensor *t, const Onnx__TensorProto *proto,
                          struct err_msg *m);

/* Value i < n. onnx_tensor_integer wants an integer type. */
double  onnx_tensor_real(const struct onnx_tensor *t, size_t i);
int64_t onnx_tensor_integer(const struct onnx_tensor *t, size_t i);

/* A scalar, or a list of one. */
bool onnx_tensor_is_single(const struct onnx_tensor *t);

const char *onnx_type_name(int32_t type); // "int8"; "type 99" is "an unknown type"
bool        onnx_type_is_real(int32_t type);
size_t      onnx_type_bits(int32_t type); // of a value; 0: it is not read

/* Whether a map may be rounded to a type: integers of 4, 8 and 16 bits. */
bool onnx_type_is_code(int32_t type);

/* Least and largest value of an integer type; false: it is none that is read. */
bool onnx_type_limits(int32_t type, int64_t *least, int64_t *most);

#endif
