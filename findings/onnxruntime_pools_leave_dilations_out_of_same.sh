#!/usr/bin/env bash
# ONNX Runtime 1.30.0 (npm): auto_pad=SAME_UPPER promises ceil(columns / stride) outputs, and ONNX counts the padding for
# (kernel - 1) * dilation + 1 columns. MaxPool and AveragePool pad for `kernel` columns whatever the dilation: of 7
# columns, kernel 3 makes 7 without dilation and 5 with one of 2, though the file says 7.
. "$(dirname "$0")/tools/setup.sh"
npm_packages onnxruntime-node@1.30.0

cat >same.js <<'JS'
const { FLOAT, node, model } = require('onnx.js');
const ort = require('onnxruntime-node');
const x = new ort.Tensor('float32', Float32Array.from([1, 2, 3, 4, 5, 6, 7]), [1, 1, 7]);
(async () => {
  for (const op of ['MaxPool', 'AveragePool'])
    for (const dilation of [1, 2]) {
      const same = { kernel_shape: [3], dilations: [dilation], auto_pad: 'SAME_UPPER' };
      const bytes = model({ opset: 19, nodes: [node(op, ['x'], ['y'], same)],
                            inputs: [['x', FLOAT, [1, 1, 7]]], outputs: [['y', FLOAT, [1, 1, 7]]] });
      const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4 });
      const { y } = await session.run({ x });
      console.log(op, dilation, y.dims.join('x'));
    }
})();
JS
node same.js 2>/dev/null >out.txt
tr '\n' ';' <out.txt | expect "SAME_UPPER beside dilations" \
    "MaxPool 1 1x1x7;MaxPool 2 1x1x5;AveragePool 1 1x1x7;AveragePool 2 1x1x5;"
