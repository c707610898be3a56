#!/usr/bin/env bash
# ONNX Runtime 1.30.0 (npm): Resize, mode linear, of uint8 cuts fractions off: 0.75 becomes 0 and 193.75 becomes
# 193, where QuantizeLinear, QLinearConv and the other operators of bytes round to the nearest. An upsampling
# head loses half a step on the average, always downwards. The same Resize of floats gives the fractions.
. "$(dirname "$0")/tools/setup.sh"
npm_packages onnxruntime-node@1.30.0

cat >resize.js <<'JS'
const { FLOAT, UINT8, tensor, node, model } = require('onnx.js');
const ort = require('onnxruntime-node');
const twice = type => model({
  nodes: [node('Resize', ['x', '', 'scales'], ['y'], { mode: 'linear' })],
  initializers: [tensor('scales', FLOAT, [4], [1, 1, 1, 2])],
  inputs: [['x', type, [1, 1, 1, 4]]], outputs: [['y', type, [1, 1, 1, 8]]] });
const run = async (type, x) => {
  const session = await ort.InferenceSession.create(twice(type), { graphOptimizationLevel: 'disabled' });
  return (await session.run({ x })).y.data.join(' ');
};
(async () => {
  const x = [0, 3, 10, 255], dims = [1, 1, 1, 4];
  console.log('floats', await run(FLOAT, new ort.Tensor('float32', Float32Array.from(x), dims)));
  console.log('bytes', await run(UINT8, new ort.Tensor('uint8', Uint8Array.from(x), dims)));
})();
JS
node resize.js >out.txt
grep floats out.txt | expect "0 3 10 255 twice as wide" "floats 0 0.75 2.25 4.75 8.25 71.25 193.75 255"
grep bytes out.txt | expect "0 3 10 255 twice as wide" "bytes 0 0 2 4 8 71 193 255"
