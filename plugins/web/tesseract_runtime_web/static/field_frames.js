/** The frames of fields: those with one control, and those with fields inside. */

import { element, newId, shortened } from "./element.js";
import { expectedArray, limitsOf } from "./schema.js";
import { shapeOf } from "./shapes.js";

class FramedField {
  constructor(parts) {
    Object.assign(this, parts); // schema, label, form, required, kind
    this.name = shortened(this.label, 120);
    const notes = [this.schema.description, ...limitsOf(this.schema)].filter(Boolean);
    this.note = element("p", { class: "note", id: newId() }, notes.map((text) => shortened(text, 600)).join(" · "));
    this.faults = element("p", { class: "fault", id: newId(), role: "alert" });
  }

  child() {}

  /** Show a fault beside those shown already; an empty text removes all. */
  fault(text) {
    if (text === "") this.faults.replaceChildren();
    else this.faults.append(element("span", {}, shortened(text)));
    this.control?.toggleAttribute("aria-invalid", text !== "");
  }
}

/** A field with one control. Subclasses have `makeControl`, `read` and `write`. */
export class LeafField extends FramedField {
  build() {
    this.control = this.makeControl({ id: newId(), "aria-describedby": `${this.note.id} ${this.faults.id}` });
    const unit = this.schema.unit ? element("span", { class: "unit" }, shortened(this.schema.unit, 40)) : "";
    this.element = element("div", { class: "field", "data-field": this.name, oninput: () => this.#renew() },
      element("label", { for: this.control.id }, this.name, unit), this.note,
      element("div", { class: "row" }, this.control, this.makeExtras()), this.faults);
  }

  makeExtras() { return []; }

  /** Forget the faults of an older value. */
  #renew() {
    this.fault("");
    if (this.control.validationMessage) this.fault(this.control.validationMessage);
  }

  get value() {
    const value = this.read();
    const isShape = this.form.wantsShapes && this.schema.array_flags && value !== undefined;
    return isShape ? { shape: value.shape ?? shapeOf(value), dtype: expectedArray(this.schema).dtype } : value;
  }

  /** Show a value, or the default for `undefined`. */
  set value(value) { this.write(value === undefined ? this.schema.default : value); }

  /** Refuse what cannot be sent at all; an empty text accepts. */
  complain(text) {
    if (text === this.control.validationMessage) return;
    this.control.setCustomValidity(text);
    this.fault("");
    if (text) this.fault(text);
  }
}

/** A frame around other fields. */
export class GroupField extends FramedField {
  build() {
    this.head = element("div", { class: "row" });
    this.body = element("div", { class: "items" });
    this.element = element("fieldset", { "data-field": this.name },
      element("legend", {}, this.name), this.note, this.head, this.body, this.faults);
  }
}
