/* onnx/rewrite/order.h -- nodes of a file in an order in which each stands behind those whose
 * results it reads, as the standard wants them and some exporters do not leave them.
 */
#ifndef ONNX_REWRITE_ORDER_H
#define ONNX_REWRITE_ORDER_H

#include "core/err.h"
#include "onnx.pb-c.h"

/* Moves a node in front of the first that reads it, if it is not there already: nodes in order stay
 * as they are. In a cycle one reads what comes later, which onnx_graph_init refuses, and so it does
 * names that are made twice or never. ERR_MEMORY. */
enum err onnx_order_nodes(Onnx__GraphProto *g, struct err_msg *m);

#endif
