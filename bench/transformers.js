// bench/transformers.js -- ONNX Runtime, without optimisations, on the transformers that
// write_transformers wrote, beside what imcsim made of them: every value of every output.
//
// usage: node bench/transformers.js FOLDER MODELS     FOLDER holds node_modules
//            counts, and a line for each model that differs; exit status 1 where more than 1 of 100
//            does, for single precision may fall on the other side of a tie
'use strict';
const fs = require('fs');
const path = require('path');

const [folder, models] = process.argv.slice(2);
const ort = require(path.resolve(folder, 'node_modules/onnxruntime-node'));

async function compare(file) {
    const want = JSON.parse(fs.readFileSync(path.join(models, file)));
    const session = await ort.InferenceSession.create(
        path.join(models, file.replace('.json', '.onnx')),
        {graphOptimizationLevel: 'disabled', executionMode: 'sequential', intraOpNumThreads: 1,
         interOpNumThreads: 1, logSeverityLevel: 4});
    const image = want.ids
        ? new ort.Tensor('int64', BigInt64Array.from(want.input, BigInt), want.shape)
        : new ort.Tensor('float32', Float32Array.from(want.input), want.shape);
    const got = await session.run({image});
    await session.release();
    let differ = 0;
    for (const [name, values] of Object.entries(want.outputs)) {
        differ += Math.abs(got[name].data.length - values.length);
        differ += values.filter((v, i) => Number(got[name].data[i]) !== v).length;
    }
    return differ;
}

async function main() {
    let n = 0, differ = 0, refused = new Map();
    for (const file of fs.readdirSync(models).filter((f) => f.endsWith('.json'))) {
        try {
            const values = await compare(file);
            n++;
            if (values > 0) {
                differ++;
                console.log(`  seed ${file.replace('.json', '')}: ${values} values differ`);
            }
        } catch (e) {
            const why = e.message.replace(/[0-9]+/g, 'N').slice(0, 160);
            refused.set(why, (refused.get(why) || 0) + 1);
        }
    }
    for (const [why, times] of refused)
        console.log(`  ONNX Runtime refuses ${times}: ${why}`);
    console.log(`${n} transformers, ${differ} of which differ somewhere`);
    process.exitCode = n === 0 || differ * 100 > n ? 1 : 0;
}

main().catch((e) => {
    console.error(e);
    process.exit(1);
});
