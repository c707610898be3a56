#!/usr/bin/env bash
# ONNX Runtime 1.30.0 (npm): softmax of 64 scores that are nearly alike, each about 1/64, is 0 throughout once it
# lies between DequantizeLinear and QuantizeLinear whose scale is 0.0173 / 255, as calibration finds it. From level
# "extended" on, which is the default, Softmax becomes one of bytes. The sum of each row is 1; here it is 0, and
# so is all that attention makes of it. With a scale of 1/255 the row is there, in four codes of 256.
. "$(dirname "$0")/tools/setup.sh"
npm_packages onnxruntime-node@1.30.0

cat >softmax.js <<'JS'
const { FLOAT, INT8, UINT8, tensor, node, model } = require('onnx.js');
const ort = require('onnxruntime-node');
(async () => {
  for (const scale of [0.0173 / 255, 1 / 255]) {
    const bytes = model({
      nodes: [node('QuantizeLinear', ['x', 's', 'z'], ['xq']), node('DequantizeLinear', ['xq', 's', 'z'], ['xd']),
              node('Softmax', ['xd'], ['p'], { axis: -1 }),
              node('QuantizeLinear', ['p', 'ps', 'pz'], ['q']), node('DequantizeLinear', ['q', 'ps', 'pz'], ['y'])],
      initializers: [tensor('s', FLOAT, [], [0.02]), tensor('z', INT8, [], [0]),
                     tensor('ps', FLOAT, [], [scale]), tensor('pz', UINT8, [], [0])],
      inputs: [['x', FLOAT, [1, 64]]], outputs: [['y', FLOAT, [1, 64]]] });
    const x = new ort.Tensor('float32', Float32Array.from({ length: 64 }, (_, i) => 0.02 * (i % 3)), [1, 64]);
    for (const level of ['disabled', 'basic', 'extended', 'all']) {
      const session = await ort.InferenceSession.create(bytes, { graphOptimizationLevel: level });
      const { y } = await session.run({ x });
      console.log(level + ':', y.data.reduce((a, b) => a + b).toFixed(2));
    }
  }
})();
JS
node softmax.js 2>/dev/null >out.txt
sed -n 1,2p out.txt | tr '\n' ';' | expect "sums of a row, floats" "disabled: 1.00;basic: 1.00;"
sed -n 3,4p out.txt | tr '\n' ';' | expect "of bytes" "extended: 0.00;all: 0.00;"
sed -n 7,8p out.txt | tr '\n' ';' | expect "with a scale of 1/255" "extended: 1.00;all: 1.00;"
