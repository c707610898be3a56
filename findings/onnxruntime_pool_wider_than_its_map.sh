#!/usr/bin/env bash
# ONNX Runtime 1.30.0 (npm): a pool of 4 columns over a map of 3, without padding, makes one output where its stride is 2 or
# more, and none where it is 1: (3 - 4) / 2 is cut towards zero, where floor would make it -1, and one is added. MaxPool takes the
# largest of the three that are there, AveragePool divides by 3. Conv of the same sizes is refused. A network that is
# run on images too small for it answers all the same.
. "$(dirname "$0")/tools/setup.sh"
npm_packages onnxruntime-node@1.30.0

cat >pool.js <<'JS'
const { FLOAT, tensor, node, model } = require('onnx.js');
const ort = require('onnxruntime-node');
(async () => {
  for (const op of ['MaxPool', 'AveragePool', 'Conv'])
    for (const stride of [1, 2, 3]) {
      const bytes = model({
        nodes: [node(op, op === 'Conv' ? ['x', 'w'] : ['x'], ['y'], { kernel_shape: [1, 4], strides: [1, stride] })],
        initializers: op === 'Conv' ? [tensor('w', FLOAT, [1, 1, 1, 4], [1, 1, 1, 1])] : [],
        inputs: [['x', FLOAT, [1, 1, 1, 3]]], outputs: [['y', FLOAT, [1, 1, 1, stride === 1 ? 0 : 1]]] });
      try {
        const session = await ort.InferenceSession.create(bytes, { graphOptimizationLevel: 'disabled' });
        const { y } = await session.run({ x: new ort.Tensor('float32', Float32Array.of(1, 2, 6), [1, 1, 1, 3]) });
        console.log(`stride ${stride}: ${y.data.length ? y.data.join(' ') : 'none'}`);
      } catch (e) {
        console.log(`stride ${stride}: refused`);
      }
    }
})();
JS
node pool.js 2>/dev/null >out.txt
sed -n 1,3p out.txt | tr '\n' ';' | expect "MaxPool of 4 over 1 2 6" "stride 1: none;stride 2: 6;stride 3: 6;"
sed -n 4,6p out.txt | tr '\n' ';' | expect "AveragePool" "stride 1: none;stride 2: 3;stride 3: 3;"
sed -n 7,9p out.txt | tr '\n' ';' | expect "Conv" "stride 1: refused;stride 2: refused;stride 3: refused;"
