// bench/onnxruntime.js -- ONNX Runtime on an image set, one thread. The image is (pixel - 128) / 64,
// smaller ones centred among pixels of value 0, grey ones repeated: the input of both models that
// come with imcsim. IMAGES may be the word random, for inputs of other shapes.
//
// usage: node bench/onnxruntime.js FOLDER time MODEL IMAGES COUNT
//            processor's seconds an image, all optimisations on; the faster of two passes
//        node bench/onnxruntime.js FOLDER classes MODEL IMAGES COUNT LEVEL
//            the class of each image, a line each; LEVEL: disabled, basic, extended, all or exact
// Level exact is all, but without the AVX2 kernels that saturate sums at 16 bits.
// FOLDER holds node_modules with onnxruntime-node (scripts/install_peer.sh).
'use strict';
const fs = require('fs');
const path = require('path');
const zlib = require('zlib');

const [folder, what, model, images, count, level] = process.argv.slice(2);
const ort = require(path.resolve(folder, 'node_modules/onnxruntime-node'));

const PASSES = 2, IDX_IMAGES = 0x803, CIFAR = {channels: 3, rows: 32, columns: 32, label: 1};

// Planes of an image one after the other, and how large they are.
function readSet(name) {
    let bytes = fs.readFileSync(name);
    if (bytes[0] === 0x1f && bytes[1] === 0x8b)
        bytes = zlib.gunzipSync(bytes);
    if (bytes.readUInt32BE(0) !== IDX_IMAGES)
        return {...CIFAR, begin: 0, bytes};
    return {channels: 1, rows: bytes.readUInt32BE(8), columns: bytes.readUInt32BE(12), label: 0,
            begin: 16, bytes};
}

// Image i of the set as the float input of the network.
function tensor(set, i, [batch, channels, rows, columns]) {
    const data = new Float32Array(batch * channels * rows * columns).fill((0 - 128) / 64);
    const plane = set.rows * set.columns;
    const begin = set.begin + i * (set.label + set.channels * plane) + set.label;
    const top = (rows - set.rows) >> 1, left = (columns - set.columns) >> 1;
    for (let c = 0; c < channels; c++)
        for (let y = 0; y < set.rows; y++)
            for (let x = 0; x < set.columns; x++) {
                const pixel = set.bytes[begin + (c % set.channels) * plane + y * set.columns + x];
                data[(c * rows + y + top) * columns + x + left] = (pixel - 128) / 64;
            }
    return new ort.Tensor('float32', data, [batch, channels, rows, columns]);
}

// Floats from -2 to 2, of any shape.
function random(shape) {
    const data = new Float32Array(shape.reduce((n, d) => n * d, 1));
    return new ort.Tensor('float32', data.map(() => 4 * Math.random() - 2), shape);
}

function largest(values) {
    return values.reduce((best, v, i) => (v > values[best] ? i : best), 0);
}

async function classes(session, inputs) {
    for (const x of inputs) {
        const result = await session.run({[session.inputNames[0]]: x});
        console.log(largest(result[session.outputNames[0]].data));
    }
}

async function time(session, inputs) {
    let best = Infinity;
    for (let pass = 0; pass < PASSES; pass++) {
        const begin = process.cpuUsage();
        for (const x of inputs)
            await session.run({[session.inputNames[0]]: x});
        const used = process.cpuUsage(begin);
        best = Math.min(best, (used.user + used.system) / 1e6 / inputs.length);
    }
    console.log(best);
}

async function main() {
    const session = await ort.InferenceSession.create(model, {
        graphOptimizationLevel: level && level !== 'exact' ? level : 'all',
        executionMode: 'sequential', intraOpNumThreads: 1, interOpNumThreads: 1,
        logSeverityLevel: 3,
        extra: {session: {x64quantprecision: level === 'exact' ? '1' : '0'}}});
    const set = images === 'random' ? null : readSet(images);
    const shape = session.inputMetadata[0].shape;
    const inputs = Array.from({length: Number(count)},
                              (_, i) => set ? tensor(set, i, shape) : random(shape));
    await (what === 'time' ? time : classes)(session, inputs);
}

main().catch((e) => {
    console.error(String(e));
    process.exit(1);
});
