// Records documents as @msgpack/msgpack writes and reads them: `npm install && node record.mjs`.

import { readFileSync, writeFileSync } from "node:fs";
import { decode, encode } from "@msgpack/msgpack";

const here = new URL(".", import.meta.url);

const bytesOf = (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

const arrayOf = (dtype, shape, array) => ({
  shape,
  dtype,
  data: { buffer: bytesOf(array), encoding: "raw" },
});

const nested = (depth) => (depth === 0 ? 1 : [nested(depth - 1)]);

const written = {
  arrays: {
    inputs: {
      float32: arrayOf("float32", [2, 2], Float32Array.of(1.5, -0, NaN, -Infinity)),
      float64: arrayOf("float64", [3], Float64Array.of(0.1, 1e308, 5e-324)),
      int8: arrayOf("int8", [2], Int8Array.of(-128, 127)),
      int64: arrayOf("int64", [2], BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n)),
      uint64: arrayOf("uint64", [], BigUint64Array.of(2n ** 64n - 1n)),
      many: [arrayOf("float64", [0], new Float64Array(0))],
    },
  },
  large: {
    inputs: {
      float64: arrayOf("float64", [10000], Float64Array.from({ length: 10000 }, (_, i) => i / 7)),
    },
  },
  plain: {
    inputs: {
      number: 3,
      whole: -4294967297,
      text: "a \u03b1 \u{1f600}",
      float64: [1, 2.5, -300, 70000],
      anything: { "": [null, true, false, 1.5, -1, 200, 40000, 2 ** 40, "x".repeat(300)] },
    },
  },
  nested: { inputs: { anything: nested(90) } },
  date: { inputs: { anything: new Date(0) } },
  undefined: { inputs: { anything: { a: undefined } } },
};

for (const [name, tree] of Object.entries(written)) {
  writeFileSync(new URL(`javascript_${name}.msgpack`, here), encode(tree));
}

// Arrays of the document that the runtime has written, as JavaScript reads them.
const kinds = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
};
const plain = (value) => {
  if (value instanceof Object && "dtype" in value) {
    const bytes = Uint8Array.from(value.data.buffer);
    return { shape: value.shape, values: [...new kinds[value.dtype](bytes.buffer)].map(String) };
  }
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Object) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  }
  return value;
};
const ours = decode(readFileSync(new URL("runtime.msgpack", here)));
writeFileSync(new URL("runtime_in_javascript.json", here), JSON.stringify(plain(ours), null, 1) + "\n");
