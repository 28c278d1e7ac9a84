/** Arrays as files: `.npy` of numpy, `.csv` and `.json`, read and written. */

import { NumericArray } from "./numeric_array.js";
import { nested, numberOf, parsedJson, rowsOf, shapeOf } from "./shapes.js";

const DESCRIPTIONS = {
  "<f2": "float16", "<f4": "float32", "<f8": "float64", "|b1": "bool", "|i1": "int8", "|u1": "uint8",
  "<i2": "int16", "<i4": "int32", "<i8": "int64", "<u2": "uint16", "<u4": "uint32", "<u8": "uint64",
  "<c8": "complex64", "<c16": "complex128",
};
const ROWS_AT_ONCE = 10000;

/** Read a file by the end of its name; `dtype` is the one that the field expects. */
export async function readArray(file, dtype) {
  const suffix = file.name.split(".").at(-1).toLowerCase();
  if (suffix === "npy") return fromNpy(new Uint8Array(await file.arrayBuffer()));
  const text = await file.text();
  if (suffix !== "json") return fromList(tableOf(text), dtype);
  const document = parsedJson(text);
  return fromList(document.data?.buffer ?? document, document.dtype ?? dtype);
}

/** Read a table without its line of names; one row or column is a vector. */
function tableOf(text) {
  const [first, ...others] = rowsOf(text);
  const isHead = others.length > 0 && first.every((cell) => typeof cell === "string" && !/^[-+\d.]/.test(cell));
  const rows = isHead ? others : [first ?? [], ...others];
  return rows.length === 1 || rows.every((row) => row.length === 1) ? rows.flat() : rows;
}

/** Make an array of nested lists; complex numbers are texts such as `1+2j`. */
export function fromList(list, dtype) {
  const [shape, values] = [shapeOf(list), [list].flat(Infinity)];
  if (dtype.startsWith("complex")) return NumericArray.of(dtype, shape, values.flatMap(complexParts));
  const numbers = values.map(numberOf);
  const wrong = numbers.find((value) => typeof value === "string");
  if (wrong !== undefined) throw new Error(`'${wrong.slice(0, 40)}' is not a number.`);
  const isWhole = numbers.every((value) => typeof value === "bigint" || Number.isInteger(value));
  if (dtype.endsWith("int64") && isWhole) return NumericArray.of(dtype, shape, numbers.map(BigInt));
  // Others are sent as they are: the service says what does not fit.
  return NumericArray.of(dtype === "float32" ? dtype : "float64", shape, numbers.map(Number));
}

function complexParts(value) {
  const part = "[-+]?(?:\\d+\\.?\\d*|\\.\\d+)(?:e[-+]?\\d+)?";
  const [, real, imaginary] = new RegExp(`^\\(?(${part}(?![\\d.ej]))?(?:([-+]?(?:${part})?)j)?\\)?$`, "i").exec(value) ?? [];
  if (real === undefined && imaginary === undefined) throw new Error(`'${String(value).slice(0, 40)}' is not a number.`);
  return [Number(real ?? 0), Number(/^[-+]?$/.test(imaginary) ? `${imaginary}1` : imaginary ?? 0)];
}

function fromNpy(bytes) {
  const view = new DataView(bytes.buffer);
  const isNpy = bytes[0] === 0x93 && bytes.length > 12;
  const [size, start] = !isNpy ? [0, 0] : bytes[6] === 1 ? [view.getUint16(8, true), 10] : [view.getUint32(8, true), 12];
  const header = new TextDecoder().decode(bytes.subarray(start, start + size));
  const [, description, order, sizes] = /'descr': '(.+?)', 'fortran_order': (\w+), 'shape': \((.*?)\)/.exec(header) ?? [];
  const shape = (sizes ?? "").split(",").filter((part) => part.trim()).map(Number);
  if (!(description in DESCRIPTIONS) || (order === "True" && shape.length > 1)) {
    throw new Error("This .npy file is not of numbers in C order: save numpy.ascontiguousarray(array).");
  }
  return new NumericArray(DESCRIPTIONS[description], shape, bytes.subarray(start + size));
}

/** Write an array as a file of a format. */
export const WRITERS = {
  npy({ dtype, shape, bytes }) {
    const [description] = Object.entries(DESCRIPTIONS).find(([, name]) => name === dtype);
    const sizes = shape.map((size) => `${size},`).join("");
    const facts = `{'descr': '${description}', 'fortran_order': False, 'shape': (${sizes}), }`;
    const header = `${facts.padEnd(Math.ceil((facts.length + 11) / 64) * 64 - 11)}\n`;
    const magic = [0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, header.length & 255, header.length >> 8];
    return new Blob([new Uint8Array(magic), header, bytes]);
  },
  csv: (array) => new Blob(pieces(array, (row) => `${[row].flat(Infinity).join(",")}\n`)),
  json: (array) => new Blob(["[", ...pieces(array, (row, index) => `${index ? "," : ""}${JSON.stringify(row, exact)}`), "]"]),
};

function exact(_, value) {
  if (typeof value === "bigint") return JSON.rawJSON?.(value) ?? String(value);
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

/** Write the items of the first axis in pieces: one text of 10 million numbers would be too long. */
function pieces(array, written) {
  const [rows, ...shape] = array.shape;
  const text = (index) => written(nested(shape, (place) => array.value(place), (index * array.size) / rows), index);
  const piece = (first) => Array.from({ length: Math.min(ROWS_AT_ONCE, rows - first) }, (_, place) => text(first + place)).join("");
  return Array.from({ length: Math.ceil(rows / ROWS_AT_ONCE) }, (_, number) => piece(number * ROWS_AT_ONCE));
}
