#!/usr/bin/env bash
# ONNX Runtime 1.30.0 (npm, x86-64): NaN gets lost on its way. Relu hands it on, but MaxPool takes the other values of
# the window, ArgMax the largest of the rest, and QuantizeLinear makes it byte 0: not the zero point, which
# stands for 0. A network whose weights hold a NaN answers with a class all the same, so that an
# accuracy says nothing about it; weights must be looked at.
. "$(dirname "$0")/tools/setup.sh"
npm_packages onnxruntime-node@1.30.0

cat >nan.js <<'JS'
const { FLOAT, UINT8, INT64, tensor, node, model } = require('onnx.js');
const ort = require('onnxruntime-node');

async function run(op, attributes, dims, values, type, result, more = []) {
  const names = more.map((_, i) => 'c' + i);
  const bytes = model({ nodes: [node(op, ['x', ...names], ['y'], attributes)],
                        initializers: more.map((c, i) => tensor(names[i], c[0], [], [c[1]])),
                        inputs: [['x', FLOAT, dims]], outputs: [['y', type, result]] });
  const session = await ort.InferenceSession.create(bytes);
  const x = new ort.Tensor('float32', Float32Array.from(values), dims);
  console.log(op, Array.from((await session.run({ x })).y.data).join(' '));
}
(async () => {
  await run('Relu', {}, [3], [NaN, -1, 2], FLOAT, [3]);
  await run('MaxPool', { kernel_shape: [1, 2] }, [1, 1, 1, 3], [NaN, 1, 2], FLOAT, [1, 1, 1, 2]);
  await run('ArgMax', { axis: 1 }, [1, 3], [1, NaN, 3], INT64, [1, 1]);
  await run('QuantizeLinear', {}, [3], [NaN, 0, 1], UINT8, [3], [[FLOAT, 1], [UINT8, 10]]);
  process.exit(0);
})();
JS
node nan.js 2>/dev/null >out
sed -n 1p out | expect "NaN, -1, 2" "Relu NaN 0 2"
sed -n 2p out | expect "windows NaN 1 and 1 2" "MaxPool 1 2"
sed -n 3p out | expect "1, NaN, 3" "ArgMax 2"
sed -n 4p out | expect "NaN, 0, 1 with zero point 10" "QuantizeLinear 0 10 11"
