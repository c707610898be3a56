#!/usr/bin/env bash
# onnx 1.12.0 (Debian 12) beside ONNX Runtime 1.30.0 (npm): MaxPool with ceil_mode=1, kernel 2, stride 3, pads 1 and
# 1 over 5 columns. Shape inference of the onnx package says 3 outputs; ONNX Runtime computes 2, for a window
# that begins in the padding behind the map is left out (as PyTorch does). A plan made from the
# inferred shapes has a column that never comes, and every layer behind it another size.
. "$(dirname "$0")/tools/setup.sh"
debian python3-onnx=1.12.0-2+b4 python3-numpy=1:1.24.2-1+deb12u1 python3-protobuf=3.21.12-3+deb12u1
npm_packages onnxruntime-node@1.30.0

cat >pool.js <<'JS'
const { FLOAT, node, model } = require('onnx.js');
const ort = require('onnxruntime-node');
const bytes = model({ nodes: [node('MaxPool', ['x'], ['m'], { kernel_shape: [2], strides: [3], pads: [1, 1], ceil_mode: 1 }),
                              node('Identity', ['m'], ['y'])],
                      inputs: [['x', FLOAT, [1, 1, 5]]], outputs: [['y', FLOAT, [1, 1, 3]]] });
require('fs').writeFileSync('pool.onnx', bytes);
(async () => {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4 });
  const { y } = await session.run({ x: new ort.Tensor('float32', Float32Array.from([1, 2, 3, 4, 5]), [1, 1, 5]) });
  console.log(y.dims.join('x'));
})();
JS
node pool.js | expect "ONNX Runtime computes" 1x1x2
/usr/bin/python3 - <<'PY' | expect "onnx infers" 1x1x3
import onnx
from onnx import shape_inference
inferred = shape_inference.infer_shapes(onnx.load("pool.onnx"))
print("x".join(str(d.dim_value) for d in inferred.graph.value_info[0].type.tensor_type.shape.dim))
PY
