/** Computes beside the page: calls, their answers, and the arrays of both, which stay here. */

import { fromList, readArray, WRITERS } from "./array_files.js";
import { packed, unpacked } from "./msgpack.js";
import { NumericArray } from "./numeric_array.js";
import { nested, product } from "./shapes.js";

const arrays = new Map();
const calls = new Map();
let last = 0;

function kept(array) {
  arrays.set(++last, array);
  return array.summary(last);
}

function held(array) {
  if (!arrays.has(array)) throw Object.assign(new Error("This answer is gone."), { name: "Released" });
  return arrays.get(array);
}

const ACTIONS = {
  call,
  abort: (call) => calls.get(call)?.abort(),
  read: async ({ file, dtype }) => kept(await readArray(file, dtype)),
  list: ({ list, dtype }) => kept(fromList(list, dtype)),
  generate: (recipe) => kept(generated(recipe)),
  line: ([array, ...place]) => held(array).line(...place),
  plane: ([array, ...place]) => held(array).plane(...place),
  points: ([array, ...place]) => held(array).points(...place),
  row: ([array, start, count]) => nested([count], (index) => held(array).value(start + index)),
  file: ({ array, format }) => WRITERS[format](held(array)),
  release: (ids) => ids.forEach((id) => arrays.delete(id)),
};

onmessage = async ({ data: { id, action, details } }) => {
  try {
    postMessage({ id, result: await ACTIONS[action](details) });
  } catch (error) {
    postMessage({ id, error: error.message, name: error.name });
  }
};

/** Send a payload; the answer's arrays stay here, and the page gets summaries. */
async function call({ call, url, payload, key }) {
  const abort = new AbortController();
  calls.set(call, abort);
  const headers = { "Content-Type": "application/msgpack", Accept: "application/msgpack" };
  if (key) headers.Authorization = `Bearer ${key}`;
  const [body, start] = [new Blob(packed(sent(payload))), performance.now()];
  try {
    const response = await fetch(url, { method: "POST", headers, body, signal: abort.signal });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const run = response.headers.get("Tesseract-Run-Id");
    const facts = { status: response.status, milliseconds: performance.now() - start, size: bytes.length, run };
    if (response.ok) return { ...facts, result: received(unpacked(bytes)) };
    return { ...facts, fault: faultOf(new TextDecoder().decode(bytes)) };
  } finally { calls.delete(call); }
}

function faultOf(text) {
  try {
    return JSON.parse(text);
  } catch { return { detail: text }; } // of a proxy
}

/** Put arrays in the place of their summaries. */
function sent(node) {
  if (Array.isArray(node)) return node.map(sent);
  if (node === null || typeof node !== "object") return node;
  if (Number.isInteger(node.array) && arrays.has(node.array)) {
    const { dtype, shape, bytes } = arrays.get(node.array);
    return { shape, dtype, data: { buffer: bytes, encoding: "raw" } };
  }
  return mapped(node, sent);
}

function received(node) {
  if (Array.isArray(node)) {
    const isVector = node.length > 1 && node.every((item) => typeof item === "number");
    return isVector ? kept(NumericArray.of("float64", [node.length], node)) : node.map(received);
  }
  if (node === null || typeof node !== "object" || node instanceof Uint8Array) return node;
  if (node.data?.encoding !== "raw") return mapped(node, received);
  const array = new NumericArray(node.dtype, node.shape, node.data.buffer);
  return array.shape.length ? kept(array) : array.value(0);
}

const mapped = (node, change) => Object.fromEntries(Object.entries(node).map(([key, item]) => [key, change(item)]));

/** Make the values of an array: evenly spaced, equal or random. */
function generated({ dtype, shape, kind, from, to }) {
  const count = product(shape);
  if (!(count <= 1e8)) throw new Error(`The shape (${shape.join(", ")}) is not one of at most 100 million values.`);
  const step = count > 1 ? (to - from) / (count - 1) : 0;
  const random = () => from + (to - from) * Math.random();
  const value = { linspace: (index) => from + step * index, constant: () => from, random }[kind];
  const round = /int/.test(dtype) ? Math.round : Number;
  const values = new Float64Array(count).map((_, index) => round(value(index)));
  return NumericArray.of(dtype === "float32" ? dtype : "float64", shape, values);
}
