/* onnx/file.h -- an ONNX file from disk to decoded messages.
 *
 * protobuf-c does the decoding. Before it sees a byte, a walk over the wire format proves that
 * every length lies inside its message and that messages nest at most 32 deep, which protobuf-c,
 * being recursive, takes on trust; while it works, an allocator stops a file that would unpack to
 * more than 64 MiB and 16 times its own size.
 */
#ifndef ONNX_FILE_H
#define ONNX_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "onnx.pb-c.h"

/* Reads a whole regular file of at most 2^31 - 1 bytes, protobuf's own limit. The caller frees. */
enum err onnx_read_file(const char *path, uint8_t **data, size_t *size, struct err_msg *m);

/* Decodes a model; onnx_free_model releases it. Nothing in it is checked yet beyond its encoding:
 * strings may be NULL. */
enum err onnx_decode(const uint8_t *data, size_t size, Onnx__ModelProto **model, struct err_msg *m);
void onnx_free_model(Onnx__ModelProto *model); // takes NULL

#endif
