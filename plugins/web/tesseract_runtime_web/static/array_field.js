/** The field of an array: typed, from a file, or generated; a large one stays in the worker. */

import { button, element, newId, selection } from "./element.js";
import { LeafField } from "./field_frames.js";
import { expectedArray, typeName } from "./schema.js";
import { brief, parsedJson, product, rowsOf, shapeOf } from "./shapes.js";
import { jsonText } from "./snippets.js";
import { sketch } from "./sketch.js";

const MOST_TYPED = 200; // values
const LONGEST_TEXT = 20000; // characters that are read while they are typed
const KINDS = ["linspace", "constant", "random"];

/** Read typed numbers: nested lists of JSON, or rows of a table. */
function typedList(text, rank) {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  if (trimmed.startsWith("[")) return parsedJson(trimmed);
  if (rank > 2) throw new Error(`Write ${rank} levels of lists, as in [[[1, 2], [3, 4]]].`);
  const rows = rowsOf(trimmed);
  if (rank === undefined && rows.flat().length === 1) return rows[0][0];
  return rank === 2 || (rank === undefined && rows.length > 1) ? rows : rows.flat();
}

/** Write a list as text, a matrix as a table. */
function tableText(list) {
  const shape = shapeOf(list);
  if (shape.length === 0) return String(list);
  if (shape.length > 2 || product(shape) === 0) return jsonText(list);
  return (shape.length === 2 ? list : [list]).map((row) => row.join(", ")).join("\n");
}

export class ArrayField extends LeafField {
  makeControl(properties) {
    this.expected = expectedArray(this.schema);
    this.form.arrays.add(this);
    const placeholder = "numbers, rows of a table, or drop a .npy, .csv or .json file";
    return element("textarea", { rows: 2, spellcheck: "false", placeholder, oninput: () => this.#typed(), ...properties });
  }

  makeExtras() {
    this.canvas = element("canvas", { width: 160, height: 40, "aria-hidden": "true", hidden: true });
    this.facts = element("p", { class: "facts" });
    const onchange = () => this.#load("read", { file: file.files[0] });
    const named = { id: newId(), class: "visually-hidden", "aria-label": `File of ${this.name}` };
    const file = element("input", { type: "file", accept: ".npy,.csv,.txt,.json", onchange, ...named });
    this.clear = button("Clear", () => this.#clear(), { class: "quiet", hidden: true });
    const choose = element("label", { for: file.id, class: "button quiet" }, "File…");
    const tools = element("div", { class: "row tools" }, file, choose, this.clear, this.#generator());
    return element("div", { class: "array" }, element("div", { class: "row" }, this.canvas, this.facts), tools);
  }

  build() {
    super.build();
    this.element.addEventListener("dragover", (event) => event.preventDefault());
    this.element.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer.files[0]) this.#load("read", { file: event.dataTransfer.files[0] });
    });
  }

  #clear() {
    this.write(undefined);
    this.control.focus();
    this.form.changed();
  }

  #generator() {
    const kind = selection(KINDS, undefined, { "aria-label": "Values" });
    const [from, to] = ["from", "to"].map((name, value) => element("input", { value, size: 5, "aria-label": name }));
    const known = this.expected.shape?.every((size) => size !== null) ? this.expected.shape.join(", ") : "";
    const shape = element("input", { size: 9, "aria-label": "Shape", placeholder: "shape", value: known });
    const offer = () => {
      const others = [...this.form.arrays].filter((field) => field !== this && field.element.isConnected && field.sizes);
      const options = others.map((field) => element("option", { value: field.sizes.join(", ") }, field.name));
      like.replaceChildren(element("option", { value: "" }, "shape of…"), ...options);
    };
    const like = element("select", { "aria-label": "Shape of another field", onfocus: offer, onchange: () => (shape.value = like.value) });
    offer();
    const sizes = () => shape.value.split(/[\s,]+/).filter(Boolean).map(Number);
    const bounds = () => ({ from: Number(from.value), to: Number(to.value) });
    const fill = () => this.generate({ kind: KINDS[kind.value], ...bounds(), shape: sizes() });
    const parts = [kind, from, to, shape, like, button("Fill", fill)];
    return element("details", {}, element("summary", {}, "Generate"), element("div", { class: "row" }, parts));
  }

  generate(recipe) { return this.#load("generate", recipe); }

  /** Let the worker make an array, and show it. */
  async #load(action, details) {
    try {
      this.fault("");
      this.write(await this.form.worker.ask(action, { ...details, dtype: this.expected.dtype }));
    } catch (error) { this.fault(error.message); }
    this.form.changed();
  }

  #typed() {
    const text = this.control.value;
    const name = text.trim().startsWith("[") ? "typed.json" : "typed.csv";
    if (text.length > LONGEST_TEXT) this.#load("read", { file: new File([text], name) });
    else this.#show();
  }

  read() {
    if (this.held !== undefined) return this.held;
    try {
      const list = typedList(this.control.value, this.expected.shape?.length);
      shapeOf(list);
      this.complain("");
      return list;
    } catch (error) { return this.complain(error.message); }
  }

  /** Show nested lists, an array document, or the summary of an array in the worker. */
  write(value) {
    const list = value?.array ? value.values : value?.data?.encoding === "json" ? value.data.buffer : value;
    const isList = list !== undefined && (Array.isArray(list) || typeof list !== "object");
    const isTyped = value == null || (isList && product(shapeOf(list)) <= MOST_TYPED);
    this.held = isTyped ? undefined : value;
    this.control.value = isTyped && list != null ? tableText(list) : "";
    if (!isTyped && Array.isArray(list)) this.#load("list", { list });
    this.#show();
  }

  #show() {
    const value = this.read();
    const isHeld = this.held !== undefined;
    this.control.hidden = isHeld;
    this.clear.hidden = !isHeld && this.control.value === "";
    this.sizes = value?.shape ?? (value == null ? undefined : shapeOf(value));
    const range = value?.minimum <= value?.maximum ? `, ${brief(value.minimum)} to ${brief(value.maximum)}` : "";
    const dtype = value?.dtype ?? this.expected.dtype;
    this.facts.textContent = this.sizes ? `${dtype} (${this.sizes.join(", ")})${range}` : typeName(this.schema);
    this.canvas.hidden = !(Array.isArray(value) || value?.array) || product(this.sizes) < 2;
    if (!this.canvas.hidden) sketch(this.canvas, value, this.form.worker);
  }
}
