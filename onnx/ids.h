/* onnx/ids.h -- ids of tokens as the input of a model.
 *
 * Such a model begins with Gather, which picks a row of a stored table for each id: words become
 * tokens of as many channels, off the chip. That Gather goes, what it makes becomes the graph's
 * input, batch x tokens x channels, and its table is kept for those who have ids. What else reads
 * the ids may ask for their shape only.
 *
 *     table of floats                       the input is real
 *     DequantizeLinear of a stored table    likewise where QuantizeLinear follows; else the input
 *                                           is the table's integers, which that reads then
 *     table of integers                     the input is these
 */
#ifndef ONNX_IDS_H
#define ONNX_IDS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "network/network.h"
#include "onnx.pb-c.h"

struct onnx_ids {
    char    *input; // owned; what the file calls them; NULL: the model's input is no ids
    int32_t  type;  // ONNX's, int32 or int64
    uint32_t tokens, rows, channels;
    float   *value; // owned; [rows][channels]
};

/* Changes *model, whose graph is there, if its one input is ids; else *ids is zero. ERR_INPUT names
 * the node that reads them otherwise. */
enum err onnx_take_ids(Onnx__ModelProto *model, struct onnx_ids *ids, struct err_msg *m);
void     onnx_ids_release(struct onnx_ids *ids); // takes a zeroed one

/* n->table, of the network that was read from that model; of no ids nothing. */
enum err onnx_ids_table(const struct onnx_ids *ids, struct network *n, struct err_msg *m);

#endif
