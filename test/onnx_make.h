/* test/onnx_make.h -- makes ONNX models in memory, good ones and bad ones.
 *
 * Everything is allocated as protobuf-c itself would, so a test may change any message before it
 * is packed. Names are copied.
 */
#ifndef TEST_ONNX_MAKE_H
#define TEST_ONNX_MAKE_H

#include <stddef.h>
#include <stdint.h>

#include "onnx.pb-c.h"

#define ONNX_TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

/* A model of operator set 13 whose one input "image" is float, 1 x channels x rows x columns, and
 * whose one output is called "out". */
Onnx__ModelProto *make_model(int64_t channels, int64_t rows, int64_t columns);
void make_free(Onnx__ModelProto *model);

/* One more set of operators that the model uses. */
void make_opset(Onnx__ModelProto *model, const char *domain, int64_t version);

/* The file's bytes; the caller frees. */
uint8_t *make_packed(const Onnx__ModelProto *model, size_t *size);

/* The graph's first output, or (name) one more, is float of these dimensions. */
void make_output(Onnx__ModelProto *model, const char *name, size_t n_dim, const int64_t *dims);

/* inputs: names separated by a space, "-" for one that is left out. */
Onnx__NodeProto *make_node(Onnx__ModelProto *model, const char *op, const char *name,
                           const char *inputs, const char *output);
Onnx__AttributeProto *make_int(Onnx__NodeProto *node, const char *name, int64_t v);
Onnx__AttributeProto *make_float(Onnx__NodeProto *node, const char *name, float v);
Onnx__AttributeProto *make_text(Onnx__NodeProto *node, const char *name, const char *v);
Onnx__AttributeProto *make_ints(Onnx__NodeProto *node, const char *name, size_t n,
                                const int64_t *v);

/* A constant. dims ends with -1. Data of make_tensor: raw, as the machine has them, which is
 * little-endian here. */
Onnx__TensorProto *make_tensor(Onnx__ModelProto *model, const char *name, int32_t type,
                               const int64_t *dims, const void *data, size_t size);
Onnx__TensorProto *make_float_list(Onnx__ModelProto *model, const char *name, size_t n,
                                   const float *v);

/* Value `in` through QuantizeLinear and DequantizeLinear to value `name`; type UINT8, INT8, UINT16
 * or INT16, of which the last two want set 21. */
void make_qdq(Onnx__ModelProto *model, const char *in, const char *name, float scale, int32_t type,
              int zero);

/* int8 weights through DequantizeLinear to value `name`; n scales: 1, or one along axis. And
 * weights of int16. */
void make_weights(Onnx__ModelProto *model, const char *name, const int64_t *dims,
                  const int8_t *data, size_t n_scale, const float *scale, int64_t axis);
void make_wide_weights(Onnx__ModelProto *model, const char *name, const int64_t *dims,
                       const int16_t *data, size_t n_scale, const float *scale, int64_t axis);

/* What make_ added under this name; NULL when there is no such thing. */
Onnx__NodeProto      *find_node(const Onnx__ModelProto *model, const char *name);
Onnx__TensorProto    *find_tensor(const Onnx__ModelProto *model, const char *name);
Onnx__AttributeProto *find_attribute(const Onnx__NodeProto *node, const char *name);

/* Replaces a string of a message. */
void make_rename(char **field, const char *text);

#endif
