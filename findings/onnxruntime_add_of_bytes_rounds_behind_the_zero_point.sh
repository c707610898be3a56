#!/usr/bin/env bash
# ONNX Runtime 1.30.0 (npm): from level "extended" on, the default, an Add between DequantizeLinear and QuantizeLinear
# becomes QLinearAdd, which adds the zero point and then rounds ties to even; QuantizeLinear rounds and then adds it, and
# so does the Conv that becomes QLinearConv. With scales of 1/2 and 1, exact in floats, and a zero point of 51
# halves go the other way: 0.5 is 0 without optimisations and 1 with them. Residual networks have one such Add a block.
. "$(dirname "$0")/tools/setup.sh"
npm_packages onnxruntime-node@1.30.0

cat >ties.js <<'JS'
const { FLOAT, INT8, UINT8, tensor, node, model } = require('onnx.js');
const ort = require('onnxruntime-node');
const dims = [1, 1, 1, 4], zeros = new ort.Tensor('uint8', new Uint8Array(4), dims);
const halves = new ort.Tensor('uint8', Uint8Array.of(1, 3, 5, 7), dims);
const dequantise = v => node('DequantizeLinear', [v, 'xs', 'xz'], [v + 'd']);
const ops = {
  Add: { nodes: [dequantise('x'), dequantise('r'), node('Add', ['xd', 'rd'], ['c'])],
         inputs: [['x', UINT8, dims], ['r', UINT8, dims]], feeds: { x: halves, r: zeros } },
  Conv: { nodes: [dequantise('x'), node('DequantizeLinear', ['w', 'ys', 'wz'], ['wd']), node('Conv', ['xd', 'wd'], ['c'])],
          inputs: [['x', UINT8, dims]], feeds: { x: halves } } };
(async () => {
  for (const level of ['disabled', 'all'])
    for (const [op, { nodes, inputs, feeds }] of Object.entries(ops)) {
      const bytes = model({
        nodes: [...nodes, node('QuantizeLinear', ['c', 'ys', 'yz'], ['q']), node('DequantizeLinear', ['q', 'ys', 'yz'], ['y'])],
        initializers: [tensor('xs', FLOAT, [], [0.5]), tensor('xz', UINT8, [], [0]), tensor('ys', FLOAT, [], [1]),
                       tensor('yz', UINT8, [], [51]), tensor('w', INT8, [1, 1, 1, 1], [1]), tensor('wz', INT8, [], [0])],
        inputs, outputs: [['y', FLOAT, dims]] });
      const session = await ort.InferenceSession.create(bytes, { graphOptimizationLevel: level });
      console.log(`${op}, ${level}:`, ...(await session.run(feeds)).y.data);
    }
})();
JS
node ties.js 2>/dev/null >out.txt
sed -n 1,2p out.txt | tr '\n' ';' | expect "0.5 1.5 2.5 3.5" "Add, disabled: 0 2 2 4;Conv, disabled: 0 2 2 4;"
sed -n 3,4p out.txt | tr '\n' ';' | expect "optimised" "Add, all: 1 1 3 3;Conv, all: 0 2 2 4;"
