#!/usr/bin/env bash
# ONNX Runtime 1.30.0 (npm): MaxPool with auto_pad=SAME_UPPER, a kernel of 1 and a stride of 2, which picks every other pixel,
# refuses 6 columns and takes 5: the padding that SAME asks for, (ceil(6 / 2) - 1) * 2 + 1 - 6, is -1, and the pool does not
# take none for it, as Conv does. The model loads either way. TensorFlow's residual networks have their shortcuts so,
# and the error depends on the size of the image.
. "$(dirname "$0")/tools/setup.sh"
npm_packages onnxruntime-node@1.30.0

cat >same.js <<'JS'
const { FLOAT, tensor, node, model } = require('onnx.js');
const ort = require('onnxruntime-node');
(async () => {
  for (const op of ['MaxPool', 'AveragePool', 'Conv'])
    for (const columns of [5, 6]) {
      const dims = [1, 1, 1, columns];
      const bytes = model({
        nodes: [node(op, op === 'Conv' ? ['x', 'w'] : ['x'], ['y'],
                     { kernel_shape: [1, 1], strides: [1, 2], auto_pad: 'SAME_UPPER' })],
        initializers: op === 'Conv' ? [tensor('w', FLOAT, [1, 1, 1, 1], [1])] : [],
        inputs: [['x', FLOAT, dims]], outputs: [['y', FLOAT, [1, 1, 1, 3]]] });
      const session = await ort.InferenceSession.create(bytes, { graphOptimizationLevel: 'disabled' });
      const x = new ort.Tensor('float32', Float32Array.from({ length: columns }, (_, i) => i), dims);
      try {
        console.log(...(await session.run({ x })).y.data);
      } catch (e) {
        console.log(String(e.message).includes('must be non-negative') ? 'refused' : e.message);
      }
    }
})();
JS
node same.js 2>/dev/null >out.txt
sed -n 1,2p out.txt | tr '\n' ';' | expect "MaxPool of 5, of 6 columns" "0 2 4;refused;"
sed -n 3,4p out.txt | tr '\n' ';' | expect "AveragePool" "0 2 4;refused;"
sed -n 5,6p out.txt | tr '\n' ';' | expect "Conv" "0 2 4;0 2 4;"
