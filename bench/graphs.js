// bench/graphs.js -- ONNX Runtime, without optimisations, on the networks that write_graphs wrote,
// beside what imcsim made of them. Bytes of an exact network must be equal. Of others a byte may be
// one off where the value before rounding is a tie, as docs/onnx.md bounds it for that byte (the
// requantising factors have 16 bits); what is computed from such a map is left out.
//
// usage: node bench/graphs.js FOLDER GRAPHS COUNT     FOLDER holds node_modules
//            counts and, of what is wrong, a line each; exit status 1 then, and where less than
//            COUNT networks have been compared
'use strict';
const fs = require('fs');
const path = require('path');

const [folder, graphs, count] = process.argv.slice(2);
const ort = require(path.resolve(folder, 'node_modules/onnxruntime-node'));

const found = {exact: {networks: 0, bytes: 0, ties: 0, wrong: 0},
               other: {networks: 0, bytes: 0, ties: 0, wrong: 0}};
const refused = new Map(), used = new Map();

// Whether v is as close to a tie as factors of 16 bits may move it: `bound` steps of its scale.
function isTie(v, map, bound) {
    const steps = v / map.scale, from = Math.abs(steps - Math.floor(steps) - 0.5);
    return from <= bound;
}

function compareMap(g, map, i, ours, theirs, kind) {
    const bytes = theirs[map.bytes].data, values = map.value ? theirs[map.value].data : null;
    const bounds = g.bounds[i][map.bytes];
    const mine = ours[map.bytes].slice(i * bytes.length, (i + 1) * bytes.length);
    let same = true;
    found[kind].bytes += bytes.length;
    for (let k = 0; k < bytes.length; k++) {
        if (mine[k] === Number(bytes[k]))
            continue;
        same = false;
        if (kind === 'other' && values && Math.abs(mine[k] - Number(bytes[k])) === 1 &&
            isTie(values[k], map, bounds[k])) {
            found[kind].ties++;
            continue;
        }
        if (found[kind].wrong++ < 40)
            console.log(`  seed ${g.seed} (${g.operators}): image ${i}, ${map.bytes} ${k} is ` +
                        `${mine[k]}, want ${bytes[k]}` +
                        (values ? ` (${values[k] / map.scale + map.zero})` : ''));
    }
    return same;
}

function compareSums(g, i, ours, theirs, kind) {
    const values = theirs[g.sums].data, mine = ours[g.sums].slice(i * values.length);
    const top = values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    for (let k = 0; k < values.length; k++) {
        const most = kind === 'exact' ? 0 : g.sumsStep / 2 + 1e-5 * top;
        if (Math.abs(mine[k] - values[k]) > most && found[kind].wrong++ < 40)
            console.log(`  seed ${g.seed} (${g.operators}): image ${i}, sum ${k} is ${mine[k]}, ` +
                        `want ${values[k]}`);
    }
}

async function compare(g, model) {
    const session = await ort.InferenceSession.create(model, {
        graphOptimizationLevel: 'disabled', executionMode: 'sequential', intraOpNumThreads: 1,
        interOpNumThreads: 1, logSeverityLevel: 4});
    const kind = g.exact ? 'exact' : 'other';
    found[kind].networks++;
    for (const name of new Set(g.operators.trim().split(' ')))
        used.set(name, (used.get(name) || 0) + 1);
    for (let i = 0; i < g.images.length; i++) {
        const image = new ort.Tensor('float32', Float32Array.from(g.images[i]), g.shape);
        const theirs = await session.run({[session.inputNames[0]]: image});
        const known = []; // maps whose bytes are ONNX Runtime's
        g.maps.forEach((map, k) => {
            known[k] = map.from.every((j) => j === k || known[j]);
            if (known[k] && map.isOutput)
                known[k] = compareMap(g, map, i, g.outputs, theirs, kind);
        });
        if (g.sums && known[g.sumsFrom])
            compareSums(g, i, g.outputs, theirs, kind);
    }
    await session.release();
}

async function main() {
    for (const file of fs.readdirSync(graphs).filter((f) => f.endsWith('.json'))) {
        const g = JSON.parse(fs.readFileSync(path.join(graphs, file)));
        if (g.refused) {
            const why = g.refused.replace(/node '[^']*' /, '').replace(/[0-9.]+/g, 'N');
            refused.set(why, (refused.get(why) || []).concat(g.seed));
        } else if (found.exact.networks + found.other.networks < Number(count)) {
            try {
                await compare(g, path.join(graphs, file.replace('.json', '.onnx')));
            } catch (e) {
                throw new Error(`seed ${g.seed} (${g.operators}): ${e.message}`);
            }
        }
    }
    for (const [why, seeds] of [...refused].sort((a, b) => b[1].length - a[1].length))
        console.log(`  refused ${seeds.length} times, first seed ${seeds[0]}: ${why}`);
    console.log('  ' + [...used].sort().map(([name, n]) => `${name} ${n}`).join(', '));
    for (const [kind, f] of Object.entries(found))
        console.log(`${kind}: ${f.networks} networks, ${f.bytes} bytes, ${f.ties} at ties, ` +
                    `${f.wrong} wrong`);
    const n = found.exact.networks + found.other.networks;
    process.exitCode = n < Number(count) || found.exact.wrong + found.other.wrong ? 1 : 0;
}

main().catch((e) => {
    console.error(e);
    process.exit(1);
});
