/** The form of an endpoint's payload: the shared inputs, pickers of paths, vectors, other fields. */

import { element, newId, shortened } from "./element.js";
import { fieldOf } from "./fields.js";
import { keysOf, pathsOf } from "./paths.js";

export class EndpointForm {
  /** `inputs` is the field that all endpoints share; `latest()` gives the last result of `apply`. */
  constructor(endpoint, form, inputs, latest) {
    Object.assign(this, { endpoint, form, inputs, latest });
    const { inputs: _, ...others } = endpoint.payload.properties ?? {};
    const required = endpoint.payload.required ?? [];
    this.hasInputs = "inputs" in (endpoint.payload.properties ?? {});
    this.fields = new Map(Object.entries(others).map(([name, schema]) => [name, this.#field(name, schema, required.includes(name))]));
    this.element = element("div", { class: "items" }, [...this.fields.values()].map((field) => field.element));
    this.#follow();
  }

  #field(name, schema, isRequired) {
    const side = /output|^cotangent/.test(name) ? "Output" : "Input";
    if (schema.uniqueItems) return new PathPicker(name, schema, () => this.#paths(schema, side), () => this.#follow());
    return fieldOf(schema, name, this.form, isRequired);
  }

  #paths(schema, side) {
    const items = schema.items.anyOf ?? [schema.items];
    const tree = side === "Input" ? this.inputs.value : this.latest();
    const patterns = items.some(({ pattern }) => pattern) ? Object.keys(this.endpoint.model.differentiable(side)) : [];
    return [...new Set([...items.map((item) => item.const).filter(Boolean), ...patterns.flatMap((pattern) => pathsOf(pattern, tree))])];
  }

  /** Let vectors have the paths that are picked, each with ones in the shape of its array. */
  #follow() {
    for (const [name, vector] of this.fields) {
      if (!/tangent_vector$/.test(name)) continue;
      const side = name.startsWith("cotangent") ? "outputs" : "inputs";
      const picked = [...this.fields].find(([other]) => other.endsWith(`_${side}`))[1].value;
      for (const item of [...vector.items].filter(({ key }) => !picked.includes(key.value))) item.remove();
      for (const path of picked.filter((one) => !vector.child(one))) {
        vector.add(undefined, path);
        const shape = this.#shape(path, side);
        if (shape) vector.child(path).generate?.({ kind: "constant", from: 1, to: 1, shape });
      }
    }
  }

  #shape(path, side) {
    if (side === "outputs") return keysOf(path).reduce((node, key) => node?.[key], this.latest())?.shape;
    return keysOf(path).reduce((field, key) => field?.child(key), this.inputs)?.sizes;
  }

  get payload() {
    const entries = [...this.fields].map(([name, field]) => [name, field.value]).filter(([, value]) => value !== undefined);
    return { ...(this.hasInputs && { inputs: this.inputs.value }), ...Object.fromEntries(entries) };
  }

  set payload({ inputs, ...others }) {
    if (this.hasInputs) this.inputs.value = inputs;
    for (const [name, field] of this.fields) field.value = others[name];
    this.#follow();
  }

  child(name) { return name === "inputs" ? this.inputs : this.fields.get(name); }

  fault() {} // it stands above the answers
}

/** Check boxes for the paths of arrays. */
class PathPicker {
  constructor(name, schema, paths, onchange) {
    this.paths = paths;
    this.list = element("div", { onchange });
    this.faults = element("p", { class: "fault", role: "alert" });
    const note = element("p", { class: "note" }, schema.description ?? "");
    this.element = element("fieldset", { "data-field": name, onfocusin: () => this.#refresh() }, element("legend", {}, name), note, this.list, this.faults);
    this.value = undefined;
  }

  /** Show the paths of now: items may have been added. */
  #refresh() {
    const paths = this.paths();
    const known = [...this.list.querySelectorAll("input")].map((box) => box.value);
    if (String(known) !== String(paths)) this.#show(paths, this.value);
  }

  #show(paths, picked) {
    this.list.replaceChildren(...paths.map((path) => {
      const [id, checked] = [newId(), picked.includes(path)];
      return element("div", { class: "row" }, element("input", { type: "checkbox", id, value: path, checked }), element("label", { for: id }, shortened(path, 120)));
    }));
  }

  get value() { return [...this.list.querySelectorAll(":checked")].map((box) => box.value); }

  set value(paths) {
    const all = [...new Set([...this.paths(), ...(paths ?? [])])];
    this.#show(all, paths ?? all.slice(0, 1));
  }

  child() {}

  fault(text) { this.faults.replaceChildren(shortened(text)); }
}
