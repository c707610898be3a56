#!/usr/bin/env bash
# ONNX Runtime 1.30.0 (npm), the same release built for x86-64 (onnxruntime-node) and for WebAssembly
# (onnxruntime-web): a Cast from float to uint8 takes -3 to 253 in the first and to 0 in the second; 300 becomes 44 in
# both. The standard leaves values outside the range open. A chain of integers kept in floats (scale,
# floor, cast) needs a Clip before its Cast, or its bytes depend on who runs it.
. "$(dirname "$0")/tools/setup.sh"
npm_packages onnxruntime-node@1.30.0 onnxruntime-web@1.30.0

cat >cast.js <<'JS'
const { FLOAT, UINT8, node, model } = require('onnx.js');
const bytes = model({ nodes: [node('Cast', ['x'], ['y'], { to: UINT8 })],
                      inputs: [['x', FLOAT, [5]]], outputs: [['y', UINT8, [5]]] });
(async () => {
  const ort = require(process.argv[2]);
  const session = await ort.InferenceSession.create(bytes, { executionProviders: [process.argv[3]] });
  const x = new ort.Tensor('float32', Float32Array.from([-3, 7, 255, 256, 300]), [5]);
  console.log((await session.run({ x })).y.data.join(' '));
  process.exit(0);
})();
JS
node cast.js onnxruntime-node cpu 2>/dev/null | expect "-3 7 255 256 300, x86-64" "253 7 255 0 44"
node cast.js onnxruntime-web wasm 2>/dev/null | expect "-3 7 255 256 300, WebAssembly" "0 7 255 0 44"
