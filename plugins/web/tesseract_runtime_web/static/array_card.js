/** The card of an array in a result: pictures, a table, and files. */

import { button, element, selection, shortened } from "./element.js";
import { brief, product } from "./shapes.js";
import { kindsFor } from "./plots.js";

const [ROWS, COLUMNS] = [200, 20]; // of a table

export class ArrayCard {
  constructor(keys, endpoint, { worker, plots, schemas }) {
    const schema = endpoint.resultSchema(schemas, keys);
    Object.assign(this, { keys, endpoint, worker, plots, unit: schema.unit });
    const name = keys.join(".") || "result";
    this.facts = element("p", { class: "facts" });
    this.kind = selection([], () => this.#draw(), { "aria-label": `Picture of ${shortened(name, 60)}`, hidden: true });
    this.slice = element("input", { type: "range", min: 0, value: 0, "aria-label": `Slice of ${shortened(name, 60)}`, oninput: () => this.#draw() });
    this.place = element("span", { class: "note" });
    this.slices = element("p", { class: "row", hidden: true }, this.slice, this.place);
    this.pictures = element("div");
    this.table = element("details", { ontoggle: () => this.#fill() }, element("summary", {}, "Table"));
    const files = ["npy", "csv", "json"].map((format) => button(`.${format}`, () => this.#save(format), { class: "quiet", "aria-label": `Download ${shortened(name, 60)} as .${format}` }));
    this.element = element("article", { class: "card wide", "data-result": shortened(name) },
      element("h3", {}, shortened(name, 120)), element("p", { class: "note" }, shortened(schema.description ?? "", 600)),
      this.facts, this.kind, this.slices, this.pictures, element("div", { class: "row tools" }, this.table, ...files));
  }

  update(arrays) {
    const [newest] = arrays;
    this.shape = this.endpoint.shapeToShow(newest.shape, this.keys);
    this.arrays = arrays.filter(({ shape }) => String(shape) === String(newest.shape));
    const range = newest.minimum <= newest.maximum ? ` · ${brief(newest.minimum)} to ${brief(newest.maximum)}` : "";
    const short = newest.values && newest.shape.length === 1 && newest.size <= 8 ? ` · [${newest.values.join(", ")}]` : "";
    const odd = newest.notFinite ? ` · ${newest.notFinite} not finite` : "";
    this.facts.textContent = `${newest.dtype} (${newest.shape.join(", ")})${newest.isComplex ? " · modulus" : ""}${range}${odd}${short} ${this.unit ?? ""}`;
    const kinds = kindsFor(this.shape);
    if (String(kinds) !== String(this.kinds)) {
      this.kinds = kinds;
      this.kind.replaceChildren(...kinds.map((kind, index) => element("option", { value: index }, `${kind[0].toUpperCase()}${kind.slice(1)}`)));
      this.kind.hidden = kinds.length < 2;
    }
    this.slice.max = product(this.shape.slice(0, -2)) - 1;
    this.slices.hidden = this.shape.length < 3;
    this.#fill();
    return this.#draw();
  }

  /** The part of the array that is shown: a vector, or the matrix of the chosen slice. */
  get #shown() {
    const shape = this.shape.slice(-2);
    return { shape, start: this.shape.length > 2 ? Number(this.slice.value) * product(shape) : 0 };
  }

  async #draw() {
    const [{ array, isComplex }] = this.arrays;
    delete this.element.dataset.drawn;
    const kind = this.kinds[this.kind.value || 0];
    const parts = !kind ? [] : isComplex ? ["modulus", "phase"] : [undefined];
    this.place.textContent = `slice ${indices(this.slice.value, this.shape.slice(0, -2)).join(", ")} of ${this.shape.slice(0, -2).join(" × ")}`;
    while (this.pictures.children.length > parts.length) this.pictures.lastChild.remove();
    while (this.pictures.children.length < parts.length) this.pictures.append(element("figure", {}, element("div", { class: "plot", role: "group" }), element("figcaption")));
    await Promise.all(parts.map((part, index) => this.#picture(this.pictures.children[index], kind, part)));
    if (array === this.arrays[0].array) this.element.dataset.drawn = array;
  }

  #picture(figure, kind, part) {
    const [{ minimum, maximum }] = this.arrays;
    figure.lastChild.textContent = part ?? "";
    figure.firstChild.setAttribute("aria-label", `${kind} of ${shortened(this.keys.join("."), 60)} from ${brief(minimum)} to ${brief(maximum)}`);
    return this.plots.draw(figure.firstChild, kind, this.arrays, { ...this.#shown, part, unit: part === "phase" ? "rad" : undefined });
  }

  /** Show the first rows and columns, if the table is open. */
  async #fill() {
    if (!this.table.open) return;
    const { shape, start } = this.#shown;
    const [rows, columns] = [shape[0], shape[1] ?? 1];
    const count = Math.min(ROWS, rows);
    const row = async (index) => {
      const values = await this.worker.ask("row", [this.arrays[0].array, start + index * columns, Math.min(columns, COLUMNS)]);
      return element("tr", {}, element("th", { scope: "row" }, index), values.map((value) => element("td", {}, String(value))));
    };
    const lines = await Promise.all(Array.from({ length: count }, (_, index) => row(index)));
    const isPart = rows > ROWS || columns > COLUMNS;
    const note = isPart ? `The first values of ${rows} × ${columns}; the files have all.` : "";
    const body = element("div", { class: "table", tabindex: 0, role: "region", "aria-label": "Values" }, element("table", {}, element("tbody", {}, lines)));
    this.table.replaceChildren(this.table.firstChild, body, element("p", { class: "note" }, note));
  }

  async #save(format) {
    const blob = await this.worker.ask("file", { array: this.arrays[0].array, format });
    const href = URL.createObjectURL(blob);
    element("a", { href, download: `${shortened(this.keys.join("."), 60) || "result"}.${format}` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60000);
  }
}

/** Split a flat index into one for each axis. */
function indices(index, sizes) {
  const step = (axis) => product(sizes.slice(axis + 1));
  return sizes.map((size, axis) => Math.floor(index / step(axis)) % size);
}
