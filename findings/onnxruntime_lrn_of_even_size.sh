#!/usr/bin/env bash
# ONNX Runtime 1.30.0 (npm): LRN with an even size is refused when the model is loaded, though the operator is
# defined for it: channels from c - floor((size - 1) / 2) to c + ceil((size - 1) / 2). An odd size runs.
. "$(dirname "$0")/tools/setup.sh"
npm_packages onnxruntime-node@1.30.0

cat >lrn.js <<'JS'
const { FLOAT, node, model } = require('onnx.js');
const ort = require('onnxruntime-node');
(async () => {
  for (const size of [3, 4]) {
    const bytes = model({ nodes: [node('LRN', ['x'], ['y'], { size, alpha: { f: 1 }, beta: { f: 1 }, bias: { f: 1 } })],
                          inputs: [['x', FLOAT, [1, 4, 1, 1]]], outputs: [['y', FLOAT, [1, 4, 1, 1]]] });
    const outcome = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4 })
      .then(() => 'loads', e => 'refused: ' + /size_ % 2 == 1/.exec(e.message)[0]);
    console.log('size', size, outcome);
  }
})();
JS
node lrn.js 2>/dev/null >out.txt
tr '\n' ';' <out.txt | expect "LRN over four channels" "size 3 loads;size 4 refused: size_ % 2 == 1;"
