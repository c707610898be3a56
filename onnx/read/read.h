/* onnx/read/read.h -- a quantised ONNX model (QDQ, QOperator, whole numbers) as a network, weights
 * and scales included. docs/onnx.md lists operators and conventions; how it is done says reader.h.
 * On error the network is zero.
 */
#ifndef ONNX_READ_READ_H
#define ONNX_READ_READ_H

#include "network/network.h"
#include "onnx/rewrite/model.h"

/* Of a model that has been prepared; without values where some are missing. */
enum err network_read_onnx(struct network *n, const struct onnx_model *o, struct err_msg *m);

/* Of a model in memory, with nothing around it; `name` becomes the network's. */
enum err network_decode_onnx(struct network *n, const char *name, const uint8_t *data, size_t size,
                             struct err_msg *m);

/* Of a file; and of one that leaves something open. */
enum err network_load_onnx(struct network *n, const char *path, struct err_msg *m);
enum err network_load_onnx_as(struct network *n, const char *path,
                              const struct network_onnx_cfg *cfg, struct err_msg *m);

#endif
