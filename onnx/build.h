/* onnx/build.h -- makes an ONNX model, message by message.
 *
 * Memory that runs out is remembered: functions then do nothing, and onnx_build_pack() reports it,
 * so that building needs no checks. Strings and data are copied.
 */
#ifndef ONNX_BUILD_H
#define ONNX_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "onnx.pb-c.h"

struct onnx_build {
    Onnx__ModelProto *model; // owned
    bool              failed;
};

void onnx_build_init(struct onnx_build *b, const char *name, int64_t ir_version, int64_t opset);
void onnx_build_release(struct onnx_build *b);

/* The file's bytes, the caller's. */
enum err onnx_build_pack(const struct onnx_build *b, uint8_t **data, size_t *size,
                         struct err_msg *m);

/* Float values that enter or leave the graph. */
void onnx_build_input(struct onnx_build *b, const char *name, uint32_t n_dim, const uint32_t *dim);
void onnx_build_output(struct onnx_build *b, const char *name, uint32_t n_dim,
                       const uint32_t *dim);

/* Of the last input: another type; its last axis is denoted as that of channels. */
void onnx_build_input_type(struct onnx_build *b, int32_t type, bool channels_last);

/* A node called "name"; inputs are appended in order. NULL when memory has run out. */
Onnx__NodeProto *onnx_build_node(struct onnx_build *b, const char *op, const char *name,
                                 const char *output);
void onnx_build_node_input(struct onnx_build *b, Onnx__NodeProto *node, const char *name);
void onnx_build_int(struct onnx_build *b, Onnx__NodeProto *node, const char *name, int64_t v);

/* A copy of an attribute that is a number, a list of integers or a string. */
void onnx_build_attribute(struct onnx_build *b, Onnx__NodeProto *node,
                          const Onnx__AttributeProto *a);

/* An initializer; data as little-endian bytes. */
void onnx_build_tensor(struct onnx_build *b, const char *name, int32_t type, uint32_t n_dim,
                       const uint32_t *dim, const void *data, size_t size);

#endif
