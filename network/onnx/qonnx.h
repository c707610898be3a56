/* network/onnx/qonnx.h -- QONNX's operators (Brevitas, QKeras, FINN's front end) as ONNX's own.
 *
 *     Quant of a map         QuantizeLinear, Clip, DequantizeLinear
 *     Quant of a constant    a constant of int8 and DequantizeLinear; beyond 8 bits (a bias) floats
 *     BipolarQuant           of a constant: of -1 and 1. Of a map, scale s:
 *                            QuantizeLinear(x - s/2, s), cut to -1 and 0, which is whether x < 0,
 *                            because ties go to the even one; then s - 2s or s
 *     channels_last Conv...  Transpose, the operator, Transpose
 */
#ifndef NETWORK_ONNX_QONNX_H
#define NETWORK_ONNX_QONNX_H

#include "core/err.h"
#include "onnx.pb-c.h"

/* Changes *model, whose graph is there. ERR_INPUT names the node that means something else. */
enum err onnx_rewrite_qonnx(Onnx__ModelProto *model, struct err_msg *m);

#endif
