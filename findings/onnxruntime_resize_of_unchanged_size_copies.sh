#!/usr/bin/env bash
# ONNX Runtime 1.30.0 (npm): Resize by a scale of 1.25 makes floor(3 * 1.25) = 3 columns of 3, and copies them. ONNX has
# column x come from x / 1.25 (asymmetric, floor: columns 0, 0 and 1), and so does this runtime as soon as another axis
# changes its size: with 2 rows of 1 each row is 1 1 2. Where such a step ends up as large as the map, the values depend
# on the other axis, and a model cut to one row differs from the whole.
. "$(dirname "$0")/tools/setup.sh"
npm_packages onnxruntime-node@1.30.0

cat >resize.js <<'JS'
const { FLOAT, tensor, node, model } = require('onnx.js');
const ort = require('onnxruntime-node');
(async () => {
  for (const rows of [1, 2]) {
    const bytes = model({
      nodes: [node('Resize', ['x', '', 's'], ['y'],
                   { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' })],
      initializers: [tensor('s', FLOAT, [4], [1, 1, rows, 1.25])],
      inputs: [['x', FLOAT, [1, 1, 1, 3]]], outputs: [['y', FLOAT, [1, 1, rows, 3]]] });
    for (const level of ['disabled', 'all']) {
      const session = await ort.InferenceSession.create(bytes, { graphOptimizationLevel: level });
      const { y } = await session.run({ x: new ort.Tensor('float32', Float32Array.of(1, 2, 3), [1, 1, 1, 3]) });
      console.log(`${level}:`, ...y.data);
    }
  }
})();
JS
node resize.js 2>/dev/null >out.txt
sed -n 1,2p out.txt | tr '\n' ';' | expect "1 2 3 by 1.25, one row" "disabled: 1 2 3;all: 1 2 3;"
sed -n 3,4p out.txt | tr '\n' ';' | expect "two rows" "disabled: 1 1 2 1 1 2;all: 1 1 2 1 1 2;"
