#!/usr/bin/env bash
# ONNX Runtime 1.30.0 (npm): a pair of QuantizeLinear and DequantizeLinear of scale 0.25 between two of scale
# 0.1 is removed from level "basic" on, so a tensor that the network rounds to steps of 0.25 keeps its steps
# of 0.1. The removed pair is the coarsest of the three: the result is not that of the graph. Hardware that
# computes what the graph says agrees with level "disabled" only.
. "$(dirname "$0")/tools/setup.sh"
npm_packages onnxruntime-node@1.30.0

cat >pairs.js <<'JS'
const { FLOAT, UINT8, tensor, node, model } = require('onnx.js');
const ort = require('onnxruntime-node');
const bytes = model({
  nodes: [node('QuantizeLinear', ['x', 'fine', 'zero'], ['a']), node('DequantizeLinear', ['a', 'fine', 'zero'], ['b']),
          node('QuantizeLinear', ['b', 'coarse', 'zero'], ['c']), node('DequantizeLinear', ['c', 'coarse', 'zero'], ['d']),
          node('QuantizeLinear', ['d', 'fine', 'zero'], ['y'])],
  initializers: [tensor('fine', FLOAT, [], [0.1]), tensor('coarse', FLOAT, [], [0.25]), tensor('zero', UINT8, [], [0])],
  inputs: [['x', FLOAT, [11]]], outputs: [['y', UINT8, [11]]] });
const x = new ort.Tensor('float32', Float32Array.from({ length: 11 }, (_, i) => i / 10), [11]);
(async () => {
  for (const level of ['disabled', 'basic', 'extended', 'all']) {
    const session = await ort.InferenceSession.create(bytes, { graphOptimizationLevel: level });
    console.log(level + ':', (await session.run({ x })).y.data.join(' '));
  }
})();
JS
node pairs.js >out.txt
grep disabled out.txt | expect "tenths, rounded to quarters" "disabled: 0 0 2 2 5 5 5 8 8 10 10"
grep basic out.txt | expect "the same graph" "basic: 0 1 2 3 4 5 6 7 8 9 10"
