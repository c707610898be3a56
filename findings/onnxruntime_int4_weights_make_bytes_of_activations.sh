#!/usr/bin/env bash
# ONNX Runtime 1.30.0 (npm): a MatMul behind a DequantizeLinear of 4-bit weights in blocks, as weight-only quantisers
# write it, multiplies floats: 126 * 1 - 127 * 1 + 0.25 * 7 is 0.75. From level "extended" on, which is the default, it
# becomes MatMulNBits, and that rounds each block of the activations to 8 bits as well, so that 0.25 beside 127 is
# lost: -1. Accuracies of "4-bit weights, float activations" are of neither; session.qdq_matmulnbits_accuracy_level 1
# keeps the floats.
. "$(dirname "$0")/tools/setup.sh"
npm_packages onnxruntime-node@1.30.0

cat >blocks.js <<'JS'
const { FLOAT, INT4, tensor, node, model } = require('onnx.js');
const ort = require('onnxruntime-node');
const K = 32, N = 2, x = new Float32Array(K), w = Array.from({ length: K }, () => 0); // a row of two weights is a byte
x.set([126, 127, 0.25]);
w[0] = 0x11, w[1] = 0xff, w[2] = 0x77; // 1, -1 and 7
const bytes = model({
  nodes: [node('DequantizeLinear', ['w', 's'], ['wf'], { axis: 0, block_size: K }), node('MatMul', ['x', 'wf'], ['y'])],
  initializers: [tensor('w', INT4, [K, N], w), tensor('s', FLOAT, [1, N], [1, 1])],
  inputs: [['x', FLOAT, [1, K]]], outputs: [['y', FLOAT, [1, N]]], opset: 21 });
(async () => {
  const run = async (what, options) => {
    const session = await ort.InferenceSession.create(bytes, options);
    const { y } = await session.run({ x: new ort.Tensor('float32', x, [1, K]) });
    console.log(what, y.data[0].toFixed(2));
  };
  for (const level of ['disabled', 'basic', 'extended', 'all'])
    await run(level, { graphOptimizationLevel: level });
  await run('all, accuracy level 1',
            { extra: { session: { qdq_matmulnbits_accuracy_level: '1' } } });
})();
JS
node blocks.js 2>/dev/null >out.txt
sed -n 1,2p out.txt | tr '\n' ';' | expect "126 - 127 + 0.25 * 7, floats" "disabled 0.75;basic 0.75;"
sed -n 3,4p out.txt | tr '\n' ';' | expect "of MatMulNBits" "extended -1.00;all -1.00;"
sed -n 5p out.txt | expect "with level 1 of accuracy" "all, accuracy level 1 0.75"
