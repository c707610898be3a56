#!/usr/bin/env bash
# onnx 1.12.0 (Debian 12): its version converter takes a Resize of operator set 10 to set 11 and later without a word on
# coordinates. Set 10 has column x come from x / scale; from 11 on the default is half_pixel, (x + 1/2) / scale - 1/2. So the
# converted file, run by the same ONNX Runtime 1.30.0 (npm), interpolates 0 1 2 by 2 to other values, a quarter of a pixel to the
# side. Upsampling heads that are converted to be quantised are not the ones that were trained; nearest by 2 hides it.
. "$(dirname "$0")/tools/setup.sh"
debian python3-onnx=1.12.0-2+b4 python3-numpy=1:1.24.2-1+deb12u1 python3-protobuf=3.21.12-3+deb12u1
npm_packages onnxruntime-node@1.30.0

cat >resize.js <<'JS'
const { FLOAT, tensor, node, model } = require('onnx.js');
const fs = require('fs'), ort = require('onnxruntime-node');
const [what, mode, set] = process.argv.slice(2);
if (what === 'write')
  for (const mode of ['linear', 'nearest'])
    fs.writeFileSync(`${mode}_10.onnx`, model({
      nodes: [node('Resize', ['x', 's'], ['y'], { mode })],
      initializers: [tensor('s', FLOAT, [4], [1, 1, 1, 2])],
      inputs: [['x', FLOAT, [1, 1, 1, 3]]], outputs: [['y', FLOAT, [1, 1, 1, 6]]], opset: 10 }));
else
  (async () => {
    const session = await ort.InferenceSession.create(`${mode}_${set}.onnx`, { graphOptimizationLevel: 'disabled' });
    console.log(...(await session.run({ x: new ort.Tensor('float32', Float32Array.of(0, 1, 2), [1, 1, 1, 3]) })).y.data);
  })();
JS
node resize.js write
/usr/bin/python3 - <<'PY'
import onnx
from onnx import version_converter
for mode in "linear", "nearest":
    onnx.save(version_converter.convert_version(onnx.load(f"{mode}_10.onnx"), 13), f"{mode}_13.onnx")
PY
node resize.js run linear 10 2>/dev/null | expect "linear, set 10" "0 0.5 1 1.5 2 2"
node resize.js run linear 13 2>/dev/null | expect "converted to set 13" "0 0.25 0.75 1.25 1.75 2"
node resize.js run nearest 10 2>/dev/null | expect "nearest, set 10" "0 0 1 1 2 2"
node resize.js run nearest 13 2>/dev/null | expect "converted to set 13" "0 0 1 1 2 2"
