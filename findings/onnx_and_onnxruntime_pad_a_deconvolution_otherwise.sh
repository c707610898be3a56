#!/usr/bin/env bash
# onnx 1.12.0 (Debian 12) beside ONNX Runtime 1.30.0 (npm): ConvTranspose with auto_pad=SAME_UPPER, stride 2 and output_padding 1
# over 3 columns. Shape inference of the onnx package adds the output padding to the 6 columns that SAME means
# (input * stride) and says 7; ONNX Runtime computes 6, and the operator's text agrees. Without output_padding
# both say 6. A decoder that was planned by the inferred shapes joins maps of other sizes.
. "$(dirname "$0")/tools/setup.sh"
debian python3-onnx=1.12.0-2+b4 python3-numpy=1:1.24.2-1+deb12u1 python3-protobuf=3.21.12-3+deb12u1
npm_packages onnxruntime-node@1.30.0

cat >deconvolution.js <<'JS'
const { FLOAT, tensor, node, model } = require('onnx.js');
const ort = require('onnxruntime-node');
(async () => {
  for (const padding of [0, 1]) {
    const bytes = model({
      nodes: [node('ConvTranspose', ['x', 'w'], ['c'],
                   { kernel_shape: [4], strides: [2], auto_pad: 'SAME_UPPER', output_padding: [padding] }),
              node('Identity', ['c'], ['y'])],
      initializers: [tensor('w', FLOAT, [1, 1, 4], [1, 10, 100, 1000])],
      inputs: [['x', FLOAT, [1, 1, 3]]], outputs: [['y', FLOAT, [1, 1, 'columns']]] });
    require('fs').writeFileSync(`padding_${padding}.onnx`, bytes);
    const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4 });
    const { y } = await session.run({ x: new ort.Tensor('float32', Float32Array.of(1, 2, 3), [1, 1, 3]) });
    console.log(y.dims.join('x'));
  }
})();
JS
node deconvolution.js | tr '\n' ' ' | expect "ONNX Runtime computes, output_padding 0 and 1" "1x1x6 1x1x6 "
/usr/bin/python3 - <<'PY' | tr '\n' ' ' | expect "onnx infers" "1x1x6 1x1x7 "
import onnx
from onnx import shape_inference
for padding in 0, 1:
    inferred = shape_inference.infer_shapes(onnx.load(f"padding_{padding}.onnx"))
    print("x".join(str(d.dim_value) for d in inferred.graph.value_info[0].type.tensor_type.shape.dim))
PY
