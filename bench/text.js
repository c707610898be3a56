// bench/text.js -- letters that a recogniser of text has right, by the likeliest class of each token
// (CTC: repetitions count once, class 0 for nothing).
//
// usage: node bench/text.js FOLDER LINES KEYS MODEL|OUTPUTS.npy...    FOLDER holds node_modules
//            LINES.npy, LINES.txt: from text.py. KEYS: a class a line, a blank behind the last.
//            A line for each: a model that ONNX Runtime runs without optimisations, or outputs of
//            `imcsim run`.
'use strict';
const fs = require('fs');
const path = require('path');

const [folder, lines, keys, ...asked] = process.argv.slice(2);
const ort = require(path.resolve(folder, 'node_modules/onnxruntime-node'));

function readNpy(file) {
    const bytes = fs.readFileSync(file), begin = 10 + bytes.readUInt16LE(8);
    const header = bytes.toString('latin1', 10, begin);
    const shape = /'shape': \(([^)]*)\)/.exec(header)[1].split(',').filter((s) => s.trim()).map(Number);
    const data = bytes.buffer.slice(bytes.byteOffset + begin, bytes.byteOffset + bytes.length);
    return {shape, values: new Float32Array(data, 0, shape.reduce((a, b) => a * b, 1))};
}

function textOf(values, tokens, names) {
    const classes = values.length / tokens;
    let text = '', before = 0;
    for (let t = 0; t < tokens; t++) {
        const of = values.subarray(t * classes, (t + 1) * classes);
        const best = of.reduce((a, v, c) => (v > of[a] ? c : a), 0);
        text += best > 0 && best !== before ? names[best] : '';
        before = best;
    }
    return text;
}

// Letters to put in, take out or change (Levenshtein).
function distance(a, b) {
    let row = Array.from({length: b.length + 1}, (_, i) => i);
    for (let i = 1; i <= a.length; i++) {
        const next = [i];
        for (let k = 1; k <= b.length; k++)
            next[k] = Math.min(next[k - 1] + 1, row[k] + 1, row[k - 1] + (a[i - 1] !== b[k - 1]));
        row = next;
    }
    return row[b.length];
}

async function answers(file, input) {
    if (file.endsWith('.npy')) {
        const out = readNpy(file), n = out.shape.slice(1).reduce((a, b) => a * b, 1);
        return Array.from({length: out.shape[0]}, (_, i) =>
            ({values: out.values.subarray(i * n, (i + 1) * n), tokens: out.shape[1]}));
    }
    const session = await ort.InferenceSession.create(file, {
        graphOptimizationLevel: 'disabled', intraOpNumThreads: 1, logSeverityLevel: 4});
    const size = input.values.length / input.shape[0], all = [];
    for (let i = 0; i < input.shape[0]; i++) {
        const x = new ort.Tensor('float32', input.values.slice(i * size, (i + 1) * size),
                                 [1, ...input.shape.slice(1)]);
        const out = (await session.run({[session.inputNames[0]]: x}))[session.outputNames[0]];
        all.push({values: out.data, tokens: out.dims[1]});
    }
    return all;
}

async function main() {
    const names = ['', ...fs.readFileSync(keys, 'utf8').trimEnd().split(/\r?\n/), ' '];
    const want = fs.readFileSync(lines + '.txt', 'utf8').trimEnd().split('\n');
    const input = readNpy(lines + '.npy'), letters = want.join('').length;
    for (const file of asked) {
        const got = (await answers(file, input)).map((a) => textOf(a.values, a.tokens, names));
        const wrong = want.reduce((sum, text, i) => sum + distance(got[i], text), 0);
        const right = want.filter((text, i) => got[i] === text).length;
        console.log(`  ${path.basename(file).padEnd(28)}  letters right ` +
                    `${(100 * (1 - wrong / letters)).toFixed(2)} %, lines ${right} of ${want.length}`);
    }
}

main().catch((e) => {
    console.error(String(e));
    process.exit(1);
});
