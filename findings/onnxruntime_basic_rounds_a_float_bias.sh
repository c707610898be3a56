#!/usr/bin/env bash
# ONNX Runtime 1.30.0 (npm): the float bias of a Conv or Gemm whose input and weights come from DequantizeLinear is
# rounded to steps of the product of their scales, from level "basic" on: it becomes int32. With scales of 0.1 and 1 a
# bias of 0.04 is gone, with an output step of 0.01 that would have shown it; level "disabled" adds 0.04. Coarse
# weight scales (pruned filters, binary weights, powers of two) shift every result of a filter so.
. "$(dirname "$0")/tools/setup.sh"
npm_packages onnxruntime-node@1.30.0

cat >bias.js <<'JS'
const { FLOAT, INT8, UINT8, tensor, node, model } = require('onnx.js');
const ort = require('onnxruntime-node');
const bytes = model({
  nodes: [node('QuantizeLinear', ['x', 'xs', 'z'], ['xq']), node('DequantizeLinear', ['xq', 'xs', 'z'], ['xd']),
          node('DequantizeLinear', ['w', 'ws'], ['wd']), node('Conv', ['xd', 'wd', 'b'], ['c']),
          node('QuantizeLinear', ['c', 'ys', 'z'], ['q']), node('DequantizeLinear', ['q', 'ys', 'z'], ['y'])],
  initializers: [tensor('xs', FLOAT, [], [0.1]), tensor('ws', FLOAT, [], [1]), tensor('ys', FLOAT, [], [0.01]),
                 tensor('z', UINT8, [], [0]), tensor('w', INT8, [1, 1, 1, 1], [1]), tensor('b', FLOAT, [1], [0.04])],
  inputs: [['x', FLOAT, [1, 1, 1, 2]]], outputs: [['y', FLOAT, [1, 1, 1, 2]]] });
(async () => {
  for (const level of ['disabled', 'basic', 'extended', 'all']) {
    const session = await ort.InferenceSession.create(bytes, { graphOptimizationLevel: level });
    const { y } = await session.run({ x: new ort.Tensor('float32', Float32Array.of(0, 0.1), [1, 1, 1, 2]) });
    console.log(level, ...Array.from(y.data, v => v.toFixed(2)));
  }
})();
JS
node bias.js 2>/dev/null >out.txt
sed -n 1p out.txt | expect "0 and 0.1, plus 0.04" "disabled 0.04 0.14"
sed -n 2,4p out.txt | tr '\n' ';' | expect "optimised" "basic 0.00 0.10;extended 0.00 0.10;all 0.00 0.10;"
