/** Fields of the form, by the kinds of schemas; all have `element`, `value`, `child` and `fault`. */

import { ArrayField } from "./array_field.js";
import { button, element, selection, shortened } from "./element.js";
import { GroupField, LeafField } from "./field_frames.js";
import { kindOf, typeName } from "./schema.js";
import { numberOf, parsedJson } from "./shapes.js";
import { jsonText } from "./snippets.js";

/** Make the field of a schema, with its default; `form` has what fields share. */
export function fieldOf(given, label, form, required = true) {
  const schema = form.schemas.resolved(given);
  const kind = kindOf(schema);
  const type = kind in CONTROLS ? ControlField : TYPES[kind];
  const field = new type({ schema, label, form, required, kind });
  field.build();
  field.value = undefined;
  return field;
}

/** Show a fault at its place, or at the nearest one that the form has. */
export function showFault(field, [key, ...rest], text) {
  const child = key === undefined ? undefined : field.child(key);
  if (child) return showFault(child, rest, text);
  return rest.length ? showFault(field, rest, text) : field.fault(text);
}

/** How each kind of control is made, read and filled. */
const CONTROLS = {
  any: {
    make: (field, properties) => element("textarea", { rows: 2, spellcheck: "false", placeholder: "JSON", ...properties }),
    read: (field) => field.parsed(),
    write: (field, value) => (field.control.value = value === undefined ? "" : jsonText(value)),
  },
  boolean: {
    make: (field, properties) => element("input", { type: "checkbox", ...properties }),
    read: ({ control }) => control.checked,
    write: ({ control }, value) => (control.checked = value === true),
  },
  choice: {
    make: ({ schema }, properties) => selection(["choose…", ...schema.enum], undefined, properties),
    read: ({ control, schema }) => schema.enum[control.value - 1],
    write: ({ control, schema }, value) => (control.value = schema.enum.indexOf(value) + 1),
  },
  constant: {
    make: ({ schema }, properties) => element("output", properties, shortened(schema.const ?? "none")),
    read: ({ schema }) => schema.const ?? null,
    write: () => {},
  },
  number: {
    make: (field, properties) => element("input", { inputmode: "decimal", autocomplete: "off", ...properties }),
    read: ({ control }) => (control.value.trim() === "" ? undefined : numberOf(control.value)),
    write: ({ control }, value) => (control.value = value ?? ""),
  },
  text: {
    make: ({ schema }, properties) => element("input", { type: schema.format === "password" ? "password" : "text", autocomplete: "off", ...properties }),
    read: ({ control, required }) => (control.value === "" && !required ? undefined : control.value),
    write: ({ control }, value) => (control.value = value ?? ""),
  },
};
CONTROLS.integer = CONTROLS.number;

class ControlField extends LeafField {
  makeControl(properties) { return CONTROLS[this.kind].make(this, properties); }

  /** Numbers have a button for the live slider. */
  makeExtras() {
    if (CONTROLS[this.kind] !== CONTROLS.number) return [];
    this.slider = element("div", { class: "slider", hidden: true });
    const open = button("Slide", () => this.form.slide(this, open), { class: "quiet", "aria-expanded": "false", "aria-label": `Slide ${this.name}` });
    return [open, this.slider];
  }

  read() { return CONTROLS[this.kind].read(this); }

  write(value) { CONTROLS[this.kind].write(this, value); }

  parsed() {
    const text = this.control.value.trim();
    try {
      this.complain("");
      return text === "" ? undefined : parsedJson(text);
    } catch (error) {
      return this.complain(`Not JSON: ${error.message}`);
    }
  }
}

/** The fields of a model by name, or the items of a tuple by index. */
class ObjectField extends GroupField {
  build() {
    super.build();
    const { properties, prefixItems, required = [] } = this.schema;
    const make = ([name, schema]) => [name, fieldOf(schema, name, this.form, Boolean(prefixItems) || required.includes(name))];
    this.fields = new Map(Object.entries(properties ?? prefixItems).map(make));
    this.body.append(...[...this.fields.values()].map((field) => field.element));
  }

  get value() {
    if (this.schema.prefixItems) return [...this.fields.values()].map((field) => field.value ?? null);
    const known = [...this.fields].map(([name, field]) => [name, field.value]).filter(([, value]) => value !== undefined);
    return known.length || this.required ? Object.fromEntries(known) : undefined;
  }

  set value(value) {
    const whole = value ?? this.schema.default;
    for (const [name, field] of this.fields) field.value = whole?.[name];
  }

  child(name) { return this.fields.get(String(name)); }
}

/** One of several kinds of values, null among them. */
class UnionField extends GroupField {
  build() {
    super.build();
    const variants = (this.schema.anyOf ?? this.schema.oneOf).map((one) => this.form.schemas.resolved(one));
    this.variants = [...variants].sort((one, other) => (other.type === "null") - (one.type === "null"));
    this.choice = selection(this.variants.map((one) => this.#nameOf(one)), () => this.#show(undefined), { "aria-label": `Kind of ${this.name}` });
    this.head.append(this.choice);
    this.body.classList.add("nameless");
  }

  #nameOf(variant) {
    const tag = variant.properties?.[this.schema.discriminator?.propertyName]?.const;
    return tag ?? (variant.type === "null" ? "none" : typeName(variant));
  }

  get value() { return this.inner.value; }

  set value(value) {
    const given = value === undefined ? this.schema.default : value;
    const place = this.variants.findIndex((variant) => this.form.schemas.fits(variant, given));
    this.choice.value = given === undefined ? 0 : Math.max(0, place);
    this.#show(given);
  }

  #show(value) {
    const { unit } = this.schema;
    this.inner = fieldOf({ unit, ...this.variants[this.choice.value] }, this.label, this.form);
    if (value !== undefined) this.inner.value = value;
    this.body.replaceChildren(...(this.inner.value === null ? [] : [this.inner.element]));
  }

  child(key) { return this.inner.child(key); }
}

class ListField extends GroupField {
  items = [];

  build() {
    super.build();
    this.head.append(button("Add", () => this.add(undefined), { class: "quiet", "aria-label": `Add to ${this.name}` }));
    this.body.classList.add("nameless");
  }

  /** Add an item; `key` is the one of a dict. */
  add(value, key) {
    const schema = this.schema.items ?? this.schema.additionalProperties;
    const field = fieldOf(schema, `${this.label} ${key ?? this.items.length}`, this.form);
    if (value !== undefined) field.value = value;
    const item = { field, key: this.makeKey(key) };
    item.remove = () => {
      this.items.splice(this.items.indexOf(item), 1);
      row.remove();
      this.form.changed();
    };
    const remove = button("Remove", item.remove, { class: "quiet" });
    const row = element("div", { class: "item" }, item.key, field.element, remove);
    this.items.push(item);
    this.body.append(row);
    this.form.changed();
  }

  makeKey() {}

  get value() { return this.items.map(({ field }) => field.value ?? null); }

  set value(value) {
    const whole = value ?? this.schema.default ?? {};
    this.items = [];
    this.body.replaceChildren();
    for (const [key, item] of Object.entries(whole)) this.add(item, Array.isArray(whole) ? undefined : key);
  }

  child(index) { return this.items[index]?.field; }
}

class DictField extends ListField {
  makeKey(key = "") {
    return element("input", { "aria-label": `Key of ${this.name}`, placeholder: "key", value: key });
  }

  get value() { return Object.fromEntries(this.items.map(({ key, field }) => [key.value, field.value ?? null])); }

  set value(value) { super.value = value; }

  child(key) { return this.items.find((item) => item.key.value === String(key))?.field; }
}

const TYPES = { array: ArrayField, dict: DictField, list: ListField, object: ObjectField, tuple: ObjectField, union: UnionField };
