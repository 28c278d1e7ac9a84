/** Shapes of arrays, nested lists, and numbers as texts. */

const NAMED = { nan: NaN, inf: Infinity, infinity: Infinity, "-inf": -Infinity, "-infinity": -Infinity };

/** Read a number as people and JSON write it; a text that is not one stays a text. */
export function numberOf(text) {
  const word = String(text).trim();
  if (/^[+-]?\d+$/.test(word)) return Number.isSafeInteger(Number(word)) ? Number(word) : BigInt(word);
  const number = word === "" ? NaN : Number(word);
  return Number.isNaN(number) ? NAMED[word.toLowerCase()] ?? text : number;
}

/** Read lines of numbers, which commas, semicolons or blanks separate. */
export function rowsOf(text) {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  return lines.map((line) => line.split(/[\s,;]+/).filter((cell) => cell !== "").map(numberOf));
}

/** Read JSON with its integers exact, where the browser can. */
export function parsedJson(text) {
  const isLarge = (value) => Number.isInteger(value) && !Number.isSafeInteger(value);
  const whole = (value, source) => (isLarge(value) && /^-?\d+$/.test(source) ? BigInt(source) : value);
  return JSON.parse(text, (key, value, context) => whole(value, context?.source));
}

export const product = (sizes) => sizes.reduce((all, size) => all * size, 1);

/** Split flat values into nested lists; `value(index)` gives each. */
export function nested(shape, value, start = 0) {
  if (shape.length === 0) return value(start);
  const [count, ...rest] = shape;
  return Array.from({ length: count }, (_, item) => nested(rest, value, start + item * product(rest)));
}

/** The shape of nested lists, which must be regular. */
export function shapeOf(list) {
  if (!Array.isArray(list)) return [];
  const shapes = list.map(shapeOf);
  if (shapes.some((shape) => String(shape) !== String(shapes[0]))) throw new Error("The rows differ in length.");
  return [list.length, ...(shapes[0] ?? [])];
}

export const brief = (number) => Number(Number(number).toPrecision(4));
