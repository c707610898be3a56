#!/usr/bin/env bash
# ONNX Runtime 1.30.0 (npm): Div of whole numbers cuts towards zero, Mod (fmod=0) goes with the floor: -7 / 4 is -1 and
# its remainder 1, so that 4 (a / 4) + a mod 4 is not a. A requantisation of integers by Mul, Add, Div rounds a
# negative sum up; the same chain in floats, Div and Floor, rounds it down, as an arithmetic shift does.
# A reader that takes Div for a shift is off by one for negative sums, and only for those.
. "$(dirname "$0")/tools/setup.sh"
npm_packages onnxruntime-node@1.30.0

cat >div.js <<'JS'
const { FLOAT, INT32, node, model } = require('onnx.js');
const ort = require('onnxruntime-node');
(async () => {
  const bytes = model({
    nodes: [node('Div', ['a', 'b'], ['q']), node('Mod', ['a', 'b'], ['r']),
            node('Cast', ['a'], ['af'], { to: FLOAT }), node('Cast', ['b'], ['bf'], { to: FLOAT }),
            node('Div', ['af', 'bf'], ['d']), node('Floor', ['d'], ['f']), node('Cast', ['f'], ['n'], { to: INT32 })],
    inputs: [['a', INT32, [3]], ['b', INT32, [3]]],
    outputs: [['q', INT32, [3]], ['r', INT32, [3]], ['n', INT32, [3]]] });
  const session = await ort.InferenceSession.create(bytes);
  const whole = values => new ort.Tensor('int32', Int32Array.from(values), [3]);
  const { q, r, n } = await session.run({ a: whole([7, -7, -1]), b: whole([4, 4, 4]) });
  console.log('Div', ...q.data, 'Mod', ...r.data, 'Floor of Div', ...n.data);
})();
JS
node div.js 2>/dev/null | expect "7, -7 and -1 by 4" "Div 1 -1 0 Mod 3 1 3 Floor of Div 1 -2 -1"
