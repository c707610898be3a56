// bench/outputs.js -- what ONNX Runtime gives for a model beside what imcsim wrote, at each of its
// settings: optimisation levels, and quantisation exact or with sums that saturate.
//
// usage: node bench/outputs.js FOLDER inputs MODEL COUNT FILE.npy
//            random inputs of the model's shape, between -2 and 2; always the same
//        node bench/outputs.js FOLDER compare MODEL FILE.npy OUTPUTS.npz (or .npy)
//            a line for each setting: images of which the largest output is the same, values that
//            differ by more than rounding of floats, the largest difference as part of the largest
//            value; "fails" and why where ONNX Runtime cannot run the model; exit status 1 then
'use strict';
const fs = require('fs');
const path = require('path');

const [folder, what, model, ...rest] = process.argv.slice(2);
const ort = require(path.resolve(folder, 'node_modules/onnxruntime-node'));

function readNpy(bytes) {
    const v1 = bytes[6] === 1, size = v1 ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8);
    const begin = (v1 ? 10 : 12) + size, header = bytes.toString('latin1', v1 ? 10 : 12, begin);
    const shape = /'shape': \(([^)]*)\)/.exec(header)[1].split(',').filter((s) => s.trim()).map(Number);
    const data = bytes.buffer.slice(bytes.byteOffset + begin, bytes.byteOffset + bytes.length);
    const type = /'descr': '([^']*)'/.exec(header)[1];
    if (type !== '<f4' && type !== '<f8')
        throw new Error(`values of ${type}: want <f4 or <f8`);
    const wide = type === '<f8', n = shape.reduce((a, b) => a * b, 1);
    return {shape, values: new (wide ? Float64Array : Float32Array)(data, 0, n)};
}

// The first array of an .npz file that keeps its members as they are.
function readNpz(bytes) {
    const name = bytes.readUInt16LE(26), extra = bytes.readUInt16LE(28), begin = 30 + name + extra;
    if (bytes.readUInt32LE(0) !== 0x04034b50 || bytes.readUInt16LE(8) !== 0)
        throw new Error('no plain .npz file');
    return readNpy(Buffer.from(bytes.subarray(begin)));
}

function writeNpy(file, shape, values) {
    const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
    const padded = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11) + '\n';
    const head = Buffer.from('\x93NUMPY\x01\x00\x00\x00' + padded, 'latin1');
    head.writeUInt16LE(padded.length, 8);
    fs.writeFileSync(file, Buffer.concat([head, Buffer.from(values.buffer)]));
}

async function open(level, exact) {
    return ort.InferenceSession.create(model, {
        graphOptimizationLevel: level, executionMode: 'sequential', intraOpNumThreads: 1,
        interOpNumThreads: 1, logSeverityLevel: 4,
        extra: {session: {x64quantprecision: exact ? '1' : '0'}}});
}

function largest(values) {
    return values.reduce((best, v, i) => (v > values[best] ? i : best), 0);
}

async function inputs(count, file) {
    const shape = (await open('disabled', false)).inputMetadata[0].shape.slice(1).map(Number);
    const values = new Float32Array(count * shape.reduce((a, b) => a * b, 1));
    for (let i = 0, state = 1; i < values.length; i++) {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        values[i] = (state >>> 8) / 2 ** 22 - 2;
    }
    writeNpy(file, [count, ...shape], values);
}

async function compareAt(level, exact, input, want) {
    const session = await open(level, exact), count = input.shape[0];
    const size = input.values.length / count, out = want.values.length / count;
    let same = 0, differ = 0, most = 0, top = 0;
    for (let i = 0; i < count; i++) {
        const x = new ort.Tensor('float32', Float32Array.from(
            input.values.subarray(i * size, (i + 1) * size)), [1, ...input.shape.slice(1)]);
        const got = (await session.run({[session.inputNames[0]]: x}))[session.outputNames[0]].data;
        const ours = want.values.subarray(i * out, (i + 1) * out);
        same += largest(got) === largest(ours);
        for (let k = 0; k < out; k++) {
            const d = Math.abs(got[k] - ours[k]);
            differ += d > 1e-5 * Math.abs(ours[k]) + 1e-6;
            most = Math.max(most, d);
            top = Math.max(top, Math.abs(ours[k]));
        }
    }
    return `${same} of ${count}, ${differ} of ${count * out} values differ, most ` +
           `${(100 * most / top).toFixed(2)} %`;
}

async function compare(inFile, outFile) {
    const input = readNpy(fs.readFileSync(inFile)), written = fs.readFileSync(outFile);
    const want = outFile.endsWith('.npy') ? readNpy(written) : readNpz(written);
    for (const level of ['disabled', 'basic', 'extended', 'all'])
        for (const exact of [false, true]) {
            let line;
            try {
                line = await compareAt(level, exact, input, want);
            } catch (e) {
                line = `fails: ${String(e).split('\n')[0]}`;
                process.exitCode = 1;
            }
            console.log(`  ${(level + (exact ? ', exact' : '')).padEnd(16)}  ${line}`);
        }
}

(what === 'inputs' ? inputs(Number(rest[0]), rest[1]) : compare(rest[0], rest[1])).catch((e) => {
    console.error(String(e));
    process.exit(1);
});
