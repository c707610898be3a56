// A small writer of ONNX models for the scripts of this folder: just enough of the format (protobuf
// messages of onnx.proto: ModelProto, GraphProto, NodeProto, TensorProto) to state a case in a few lines.
'use strict';

const FLOAT = 1, UINT8 = 2, INT8 = 3, INT32 = 6, INT64 = 7, BOOL = 9, FLOAT16 = 10,
      INT4 = 22; // its values: bytes of two, the first in the low bits
const arrays = { 1: Float32Array, 2: Uint8Array, 3: Int8Array, 6: Int32Array, 7: BigInt64Array, 9: Uint8Array,
                 10: Uint16Array, 22: Uint8Array };

function varint(n) {
  const bytes = [];
  let v = BigInt.asUintN(64, BigInt(n));
  do { bytes.push(Number(v & 127n) | (v > 127n ? 128 : 0)); v >>= 7n; } while (v > 0n);
  return Buffer.from(bytes);
}
const number = (field, n) => Buffer.concat([varint(field * 8), varint(n)]);
const bytes = (field, b) => Buffer.concat([varint(field * 8 + 2), varint(b.length), b]);
const text = (field, s) => bytes(field, Buffer.from(s));
function real(field, x) {
  const b = Buffer.alloc(4);
  b.writeFloatLE(x);
  return Buffer.concat([varint(field * 8 + 5), b]);
}

// An initialiser: values in row-major order, type one of the constants above.
function tensor(name, type, dims, values) {
  const data = type === INT64 ? BigInt64Array.from(values, BigInt) : arrays[type].from(values);
  return Buffer.concat([...dims.map(d => number(1, d)), number(2, type), text(8, name),
                        bytes(9, Buffer.from(data.buffer, data.byteOffset, data.byteLength))]);
}

// Attributes: whole numbers, reals ({f: 0.5}), strings, lists of whole numbers.
function attribute(name, value) {
  const head = text(1, name);
  if (Array.isArray(value)) return Buffer.concat([head, ...value.map(v => number(8, v)), number(20, 7)]);
  if (typeof value === 'string') return Buffer.concat([head, text(4, value), number(20, 3)]);
  if (typeof value === 'object') return Buffer.concat([head, real(2, value.f), number(20, 1)]);
  return Buffer.concat([head, number(3, value), number(20, 2)]);
}

function node(op, inputs, outputs, attributes = {}, domain = '') {
  return Buffer.concat([...inputs.map(i => text(1, i)), ...outputs.map(o => text(2, o)), text(4, op),
                        ...Object.entries(attributes).map(([k, v]) => bytes(5, attribute(k, v))), text(7, domain)]);
}

// A value of the graph: [name, type, dims]; a dim that the file leaves open is a name.
function value([name, type, dims]) {
  const shape = Buffer.concat(dims.map(d => bytes(1, typeof d === 'string' ? text(2, d) : number(1, d))));
  return Buffer.concat([text(1, name), bytes(2, bytes(1, Buffer.concat([number(1, type), bytes(2, shape)])))]);
}

function model({ nodes, initializers = [], inputs, outputs, opset = 13, domains = {} }) {
  const graph = Buffer.concat([...nodes.map(n => bytes(1, n)), text(2, 'g'), ...initializers.map(t => bytes(5, t)),
                               ...inputs.map(v => bytes(11, value(v))), ...outputs.map(v => bytes(12, value(v)))]);
  const sets = [['', opset], ...Object.entries(domains)];
  return Buffer.concat([number(1, 8), bytes(7, graph),
                        ...sets.map(([d, v]) => bytes(8, Buffer.concat([text(1, d), number(2, v)])))]);
}

module.exports = { FLOAT, UINT8, INT8, INT32, INT64, BOOL, FLOAT16, INT4, tensor, node, model };
