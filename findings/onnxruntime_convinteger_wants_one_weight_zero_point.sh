#!/usr/bin/env bash
# ONNX Runtime 1.30.0 (npm): ConvInteger refuses a w_zero_point for each output channel, which the operator's
# definition allows ("a scalar or a 1-D tensor ... per-output-channel"). The model loads; the error comes when
# it runs. Full-range uint8 weights with a zero point for each filter need QLinearConv there.
. "$(dirname "$0")/tools/setup.sh"
npm_packages onnxruntime-node@1.30.0

cat >points.js <<'JS'
const { UINT8, INT32, tensor, node, model } = require('onnx.js');
const ort = require('onnxruntime-node');
const conv = points => model({
  nodes: [node('ConvInteger', ['x', 'w', 'xz', 'wz'], ['y'])],
  initializers: [tensor('w', UINT8, [2, 1, 1, 1], [130, 131]), tensor('xz', UINT8, [], [0]),
                 tensor('wz', UINT8, points.length > 1 ? [points.length] : [], points)],
  inputs: [['x', UINT8, [1, 1, 1, 2]]], outputs: [['y', INT32, [1, 2, 1, 2]]] });
(async () => {
  const x = new ort.Tensor('uint8', Uint8Array.from([1, 10]), [1, 1, 1, 2]);
  for (const points of [[128], [128, 128]]) {
    const session = await ort.InferenceSession.create(conv(points), { graphOptimizationLevel: 'disabled', logSeverityLevel: 4 });
    try {
      console.log(points.length, 'points:', (await session.run({ x })).y.data.join(' '));
    } catch (e) {
      console.log(points.length, 'points: refused,', /Non per-tensor quantization is not supported/.test(e.message) ? 'per-tensor only' : e.message);
    }
  }
})();
JS
node points.js 2>/dev/null >out.txt
grep '^1' out.txt | expect "one zero point for all" "1 points: 2 20 3 30"
grep '^2' out.txt | expect "one for each output channel" "2 points: refused, per-tensor only"
