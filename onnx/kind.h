/* onnx/kind.h -- what kind of network a decoded model holds: one of floats, one that is
 * quantised, one of whole numbers. It looks at operators and constants alone.
 */
#ifndef ONNX_KIND_H
#define ONNX_KIND_H

#include <stdbool.h>

#include "onnx.pb-c.h"

/* Whether it rounds by Floor or Cast instead of QuantizeLinear, on weights that are whole numbers:
 * see onnx/read/op_integer.c. */
bool onnx_is_of_integers(const Onnx__ModelProto *model);

/* Whether it is one of integers, or its maps pass QuantizeLinear or operators like it, or come as
 * codes. A float model has none of these; its weights may be stored as codes all the same. */
bool onnx_model_is_quantised(const Onnx__ModelProto *model);

#endif
