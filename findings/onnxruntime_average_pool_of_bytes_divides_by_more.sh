#!/usr/bin/env bash
# ONNX Runtime 1.30.0 (npm): the mean of a map that is 9 throughout is 4.5 at its edge and 2.2 in its corner, once
# the pool lies between QuantizeLinear and DequantizeLinear (AveragePool, ceil_mode=1, count_include_pad=1, no
# padding). From level "extended" on, which is the default, the pool becomes one of bytes, and that divides by
# the whole kernel where the last window reaches beyond the map; the pool of floats divides by what is
# there. Accuracy moves with the level, and a plan that counts the divisor must know which was meant.
. "$(dirname "$0")/tools/setup.sh"
npm_packages onnxruntime-node@1.30.0

cat >pool.js <<'JS'
const { FLOAT, UINT8, tensor, node, model } = require('onnx.js');
const ort = require('onnxruntime-node');
(async () => {
  const bytes = model({
    nodes: [node('QuantizeLinear', ['x', 's', 'z'], ['xq']), node('DequantizeLinear', ['xq', 's', 'z'], ['xd']),
            node('AveragePool', ['xd'], ['p'],
                 { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1, count_include_pad: 1 }),
            node('QuantizeLinear', ['p', 's', 'z'], ['q']), node('DequantizeLinear', ['q', 's', 'z'], ['y'])],
    initializers: [tensor('s', FLOAT, [], [0.1]), tensor('z', UINT8, [], [0])],
    inputs: [['x', FLOAT, [1, 1, 5, 5]]], outputs: [['y', FLOAT, [1, 1, 3, 3]]] });
  const x = new ort.Tensor('float32', new Float32Array(25).fill(9), [1, 1, 5, 5]);
  for (const level of ['disabled', 'basic', 'extended', 'all']) {
    const session = await ort.InferenceSession.create(bytes, { graphOptimizationLevel: level });
    const { y } = await session.run({ x });
    console.log(level + ':', Array.from(y.data, v => +v.toFixed(1)).join(' '));
  }
})();
JS
node pool.js 2>/dev/null >out.txt
head -n 2 out.txt | tr '\n' ';' | expect "means of nines" "disabled: 9 9 9 9 9 9 9 9 9;basic: 9 9 9 9 9 9 9 9 9;"
tail -n 2 out.txt | tr '\n' ';' |
    expect "the same pool of bytes" "extended: 9 9 4.5 9 9 4.5 4.5 4.5 2.2;all: 9 9 4.5 9 9 4.5 4.5 4.5 2.2;"
