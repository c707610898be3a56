/* onnx/rewrite/model.h -- a model's file, decoded and prepared for who reads its graph. */
#ifndef ONNX_REWRITE_MODEL_H
#define ONNX_REWRITE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "network/params.h"
#include "onnx.pb-c.h"
#include "onnx/ids.h"

/* What a file leaves open: dimensions of its input ("1x3x224x224"; NULL or empty: none) or axes by
 * their names there (NULL: none; network.axes), whether a network of whole numbers takes signed
 * ones, or weights, which may lie in files beside it. Where they are nowhere they are random, of
 * this seed, or (0) the model is not complete: it is good for time and price. */
struct network_onnx_cfg {
    const char             *input_shape;
    const struct count_map *axes; // the keys name them; entry.where: for errors
    enum onnx_input_type    input_type;
    uint64_t                random_weights;
};

struct onnx_model {
    Onnx__ModelProto *proto; // owned
    char             *name;  // owned; it is called after the file
    size_t            size;  // of the file
    bool              complete; // every value is there
    struct onnx_ids   ids;   // zero unless they are its input
};

/* On error, whose place is the file, *o is zero. */
enum err onnx_model_load(struct onnx_model *o, const char *path,
                         const struct network_onnx_cfg *cfg, struct err_msg *m);
void onnx_model_release(struct onnx_model *o); // takes a zeroed one

#endif
