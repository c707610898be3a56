#!/usr/bin/env bash
# ONNX Runtime 1.30.0 (npm): a Resize of operator set 10, mode nearest, takes the pixel below x / scale where it enlarges and
# the one above where it shrinks: 0 1 2 3 4 by 0.6 is 0 2 4, for 0, 1.67 and 3.33. The same in set 13, with
# asymmetric coordinates and nearest_mode floor, is 0 1 3. A reader that has one rule for set 10, or a file that is
# rewritten for a later set, samples other pixels, but only on the way down.
. "$(dirname "$0")/tools/setup.sh"
npm_packages onnxruntime-node@1.30.0

cat >resize.js <<'JS'
const { FLOAT, tensor, node, model } = require('onnx.js');
const ort = require('onnxruntime-node');
(async () => {
  for (const opset of [10, 13])
    for (const scale of [0.6, 1.6]) {
      const later = { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
      const bytes = model({
        nodes: [opset === 10 ? node('Resize', ['x', 's'], ['y'], { mode: 'nearest' })
                             : node('Resize', ['x', '', 's'], ['y'], { mode: 'nearest', ...later })],
        initializers: [tensor('s', FLOAT, [4], [1, 1, 1, scale])],
        inputs: [['x', FLOAT, [1, 1, 1, 5]]], outputs: [['y', FLOAT, [1, 1, 1, scale * 5]]], opset });
      const session = await ort.InferenceSession.create(bytes, { graphOptimizationLevel: 'disabled' });
      const x = new ort.Tensor('float32', Float32Array.of(0, 1, 2, 3, 4), [1, 1, 1, 5]);
      console.log(...(await session.run({ x })).y.data);
    }
})();
JS
node resize.js 2>/dev/null >out.txt
sed -n 1p out.txt | expect "0 1 2 3 4 by 0.6, set 10" "0 2 4"
sed -n 3p out.txt | expect "set 13, asymmetric, floor" "0 1 3"
sed -n 2p out.txt | expect "by 1.6, set 10" "0 0 1 1 2 3 3 4"
sed -n 4p out.txt | expect "set 13, asymmetric, floor" "0 0 1 1 2 3 3 4"
