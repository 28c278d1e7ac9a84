/** Arrays of numbers in memory: their values, a summary of them, and few points of many. */

import { shortInteger } from "./msgpack.js";
import { nested, product } from "./shapes.js";

const MOST_VALUES = 200; // an array of more stays in the worker
const MOST_POINTS = 3000; // of a line
const MOST_CELLS = 256; // of a heat map, along each axis

const VIEWS = {
  float16: globalThis.Float16Array, float32: Float32Array, float64: Float64Array,
  int8: Int8Array, int16: Int16Array, int32: Int32Array, int64: BigInt64Array,
  uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, uint64: BigUint64Array,
  bool: Uint8Array, complex64: Float32Array, complex128: Float64Array,
};

export class NumericArray {
  constructor(dtype, shape, bytes) {
    if (!VIEWS[dtype]) throw new Error(`This browser cannot show arrays of ${dtype}.`);
    Object.assign(this, { dtype, shape, bytes, size: product(shape), isComplex: dtype.startsWith("complex") });
    const width = VIEWS[dtype].BYTES_PER_ELEMENT;
    const memory = bytes.byteOffset % width ? bytes.slice() : bytes;
    this.numbers = new VIEWS[dtype](memory.buffer, memory.byteOffset, memory.byteLength / width);
  }

  static of(dtype, shape, values) {
    return new NumericArray(dtype, shape, new Uint8Array(VIEWS[dtype].from(values).buffer));
  }

  /** Return a function from a flat index to a number to compute with. */
  reader(part) {
    const numbers = this.numbers;
    if (!this.isComplex) return (index) => Number(numbers[index]);
    if (part === "phase") return (index) => Math.atan2(numbers[2 * index + 1], numbers[2 * index]);
    return (index) => Math.hypot(numbers[2 * index], numbers[2 * index + 1]);
  }

  /** The exact value at a flat index; a complex one as the text that the runtime reads. */
  value(index) {
    if (this.dtype === "bool") return this.numbers[index] === 1;
    if (!this.isComplex) return shortInteger(this.numbers[index]);
    const [real, imaginary] = this.numbers.subarray(2 * index, 2 * index + 2);
    return `${real}${imaginary < 0 ? "" : "+"}${imaginary}j`;
  }

  /** What the page knows of an array in the worker. */
  summary(array) {
    const read = this.reader();
    let [minimum, maximum, finite] = [Infinity, -Infinity, 0];
    for (let index = 0; index < this.size; index++) {
      const value = read(index);
      if (!Number.isFinite(value)) continue;
      finite++;
      if (value < minimum) minimum = value;
      if (value > maximum) maximum = value;
    }
    const values = this.size <= MOST_VALUES ? nested(this.shape, (index) => this.value(index)) : undefined;
    const { dtype, shape, size, isComplex } = this;
    return { array, dtype, shape, size, isComplex, minimum, maximum, notFinite: size - finite, values };
  }

  /** A line of few points: the least and the largest of each stretch. */
  line(start, count, part) {
    const read = this.reader(part);
    const stretch = count > MOST_POINTS ? Math.ceil((2 * count) / MOST_POINTS) : 1;
    const places = [];
    for (let first = start; first < start + count; first += stretch) {
      places.push(...extremes(read, first, Math.min(first + stretch, start + count)));
    }
    return [places.map((place) => place - start), places.map(read)];
  }

  /** A matrix of few cells: the mean of each block. */
  plane(start, rows, columns, part) {
    const read = this.reader(part);
    const [high, wide] = [rows, columns].map((size) => Math.max(1, Math.ceil(size / MOST_CELLS)));
    const mean = (top, left) => {
      const [bottom, right] = [Math.min(rows, top + high), Math.min(columns, left + wide)];
      let sum = 0;
      for (let row = top; row < bottom; row++) {
        for (let column = left; column < right; column++) sum += read(start + row * columns + column);
      }
      return sum / ((bottom - top) * (right - left));
    };
    const [x, y] = [[columns, wide], [rows, high]].map(([size, step]) => steps(size, step));
    return { x, y, z: y.map((top) => x.map((left) => mean(top, left))) };
  }

  /** The columns of a matrix of points, some of many. */
  points(start, rows, columns, part) {
    const read = this.reader(part);
    const chosen = steps(rows, Math.max(1, Math.ceil(rows / MOST_POINTS)));
    return steps(columns, 1).map((column) => chosen.map((row) => read(start + row * columns + column)));
  }
}

const steps = (size, step) => Array.from({ length: Math.ceil(size / step) }, (_, index) => index * step);

/** The places of the least and the largest value, in their order. */
function extremes(read, start, end) {
  let [least, largest] = [start, start];
  for (let index = start + 1; index < end; index++) {
    if (read(index) < read(least)) least = index;
    if (read(index) > read(largest)) largest = index;
  }
  return least === largest ? [least] : [Math.min(least, largest), Math.max(least, largest)];
}
