/** MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md) as the runtime uses it. */

const MOST_BYTES = 2 ** 32;

/** Write a tree as parts of a Blob; bytes are parts of their own and are not copied. */
export function packed(tree) {
  const parts = [];
  let bytes = [];
  const number = (first, type, width, value) => {
    const view = new DataView(new ArrayBuffer(width));
    view[`set${type}`](0, value);
    bytes.push(first, ...new Uint8Array(view.buffer));
  };
  const integer = (value) => {
    if (BigInt.asIntN(64, value) === value) number(0xd3, "BigInt64", 8, value);
    else if (BigInt.asUintN(64, value) === value) number(0xcf, "BigUint64", 8, value);
    else text(String(value)); // the runtime reads larger ones so
  };
  const text = (value) => {
    const encoded = new TextEncoder().encode(value);
    number(0xdb, "Uint32", 4, encoded.length);
    for (const byte of encoded) bytes.push(byte);
  };
  const binary = (value) => {
    if (value.length >= MOST_BYTES) throw new Error("An array must have less than 4 GiB.");
    number(0xc6, "Uint32", 4, value.length);
    parts.push(new Uint8Array(bytes), value);
    bytes = [];
  };
  const object = (value) => {
    if (value === null) return bytes.push(0xc0);
    if (value instanceof Uint8Array) return binary(value);
    const items = Array.isArray(value) ? value : Object.entries(value);
    number(Array.isArray(value) ? 0xdd : 0xdf, "Uint32", 4, items.length);
    for (const item of items) (Array.isArray(value) ? [item] : item).forEach(write);
  };
  const isWhole = (value) => Number.isSafeInteger(value) && !Object.is(value, -0);
  const writers = {
    boolean: (value) => bytes.push(value ? 0xc3 : 0xc2),
    number: (value) => (isWhole(value) ? integer(BigInt(value)) : number(0xcb, "Float64", 8, value)),
    bigint: integer, object, string: text,
    undefined: () => bytes.push(0xc0),
  };
  const write = (value) => writers[typeof value](value);
  write(tree);
  return [...parts, new Uint8Array(bytes)];
}

/** Turn integers into numbers, which all of the page can compute with, where nothing is lost. */
export function shortInteger(value) { return Number.isSafeInteger(Number(value)) ? Number(value) : value; }

const NUMBERS = {
  0xca: ["Float32", 4], 0xcb: ["Float64", 8],
  0xcc: ["Uint8", 1], 0xcd: ["Uint16", 2], 0xce: ["Uint32", 4], 0xcf: ["BigUint64", 8],
  0xd0: ["Int8", 1], 0xd1: ["Int16", 2], 0xd2: ["Int32", 4], 0xd3: ["BigInt64", 8],
};
const CONSTANTS = { 0xc0: null, 0xc2: false, 0xc3: true };
const [SMALL, MIDDLE, LARGE] = [["Uint8", 1], ["Uint16", 2], ["Uint32", 4]];
const SIZED = {
  0xc4: ["binary", SMALL], 0xc5: ["binary", MIDDLE], 0xc6: ["binary", LARGE],
  0xd9: ["text", SMALL], 0xda: ["text", MIDDLE], 0xdb: ["text", LARGE],
  0xdc: ["list", MIDDLE], 0xdd: ["list", LARGE], 0xde: ["map", MIDDLE], 0xdf: ["map", LARGE],
};

/** Read a document; its binary parts are views of the given bytes. */
export function unpacked(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoder = new TextDecoder();
  let at = 0;
  const number = ([type, width]) => {
    at += width;
    return view[`get${type}`](at - width);
  };
  const read = {
    binary: (size) => bytes.subarray(at, (at += size)),
    text: (size) => decoder.decode(read.binary(size)),
    list: (size) => Array.from({ length: size }, value),
    map: (size) => {
      const map = Object.create(null); // where `__proto__` is a key like any other
      for (let count = 0; count < size; count++) {
        const key = value();
        map[key] = value();
      }
      return map;
    },
  };
  function value() {
    const first = number(SMALL);
    if (first < 0x80) return first;
    if (first < 0x90) return read.map(first & 0x0f);
    if (first < 0xa0) return read.list(first & 0x0f);
    if (first < 0xc0) return read.text(first & 0x1f);
    if (first >= 0xe0) return first - 0x100;
    if (first in CONSTANTS) return CONSTANTS[first];
    if (first in NUMBERS) return shortInteger(number(NUMBERS[first]));
    if (!(first in SIZED)) throw new Error(`The answer has the unknown type ${first} of MessagePack.`);
    const [kind, width] = SIZED[first];
    return read[kind](number(width));
  }
  return value();
}
