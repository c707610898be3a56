// bench/operators.js -- ONNX Runtime on the small models that test_float_attention writes, beside
// what plain loops make of them.
//
// usage: node bench/operators.js FOLDER MODELS      FOLDER holds node_modules
//            for each operator the models that agree, and how far apart the others are; exit status
//            1 where one does not agree that is not known to
'use strict';
const fs = require('fs');
const path = require('path');

const [folder, models] = process.argv.slice(2);
const ort = require(path.resolve(folder, 'node_modules/onnxruntime-node'));

function floats(file) {
    const b = fs.readFileSync(file);
    return new Float32Array(b.buffer.slice(b.byteOffset, b.byteOffset + b.length));
}

async function compare(number) {
    const at = path.join(models, number);
    const session = await ort.InferenceSession.create(
        `${at}.onnx`, {graphOptimizationLevel: 'disabled', logSeverityLevel: 4});
    const image = floats(`${at}.in`), want = floats(`${at}.want`);
    const shape = session.inputMetadata[0].shape;
    const feeds = {[session.inputNames[0]]: new ort.Tensor('float32', image, shape)};
    const result = (await session.run(feeds))[session.outputNames[0]].data;
    let most = result.length === want.length ? 0 : Infinity;
    for (let i = 0; i < want.length; i++)
        most = Math.max(most, Math.abs(result[i] - want[i]) / (1 + Math.abs(want[i])));
    return most;
}

(async () => {
    const rows = new Map();
    for (const line of fs.readFileSync(path.join(models, 'list'), 'utf8').trim().split('\n')) {
        const [number, ...words] = line.split(' '), name = words.join(' ');
        const row = rows.get(name) || {same: 0, apart: [], refused: []};
        rows.set(name, row);
        try {
            const most = await compare(number);
            if (most <= 1e-4)
                row.same++;
            else
                row.apart.push(`${number}: ${most.toPrecision(2)}`);
        } catch (e) {
            row.refused.push(`${number}: ${String(e.message).split('\n')[0].slice(0, 160)}`);
        }
    }
    let wrong = 0;
    for (const [name, row] of rows) {
        console.log(`  ${name}: ${row.same} agree` +
                    (row.apart.length ? `, apart ${row.apart.join(', ')}` : '') +
                    (row.refused.length ? `, refused ${row.refused.length}` : ''));
        for (const line of row.refused.slice(0, 2))
            console.log(`    ${line}`);
        wrong += row.apart.length;
    }
    process.exitCode = wrong > 0 ? 1 : 0;
})();
