/* onnx/rewrite/prepare.h -- what a model's file leaves to its surroundings, put in before anything
 * reads the graph: functions of the model's own in place of their calls, nodes behind those that
 * they read, tensors that lie in other files, dimensions of the input that are left open, ONNX's
 * own operators in place of QONNX's, tokens in place of their ids.
 */
#ifndef ONNX_REWRITE_PREPARE_H
#define ONNX_REWRITE_PREPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "network/network.h"
#include "network/params.h"
#include "onnx.pb-c.h"
#include "onnx/ids.h"

struct onnx_surroundings {
    const char *folder;      // of the model, where its other files lie; NULL: there are none
    const char *input_shape; // "1x3x224x224", for the graph's input; NULL or empty: the file's
    const struct count_map *axes; // lengths of its inputs' axes by their names; NULL: none
    enum onnx_input_type input_type; // in a network of whole numbers whose file says float
    uint64_t    seed;        // of random values for tensors that are nowhere; 0: they have none
};

/* Changes *model. *complete says whether every value is there: in a model that is not, tensors
 * that are nowhere are 0 (integers) and 1 (floats), good for shapes and time only. *ids, to be
 * released also on error: of a model whose input they are. */
enum err onnx_prepare(Onnx__ModelProto *model, const struct onnx_surroundings *s, bool *complete,
                      struct onnx_ids *ids, struct err_msg *m);

#endif
