/** One live slider: moving it runs the model again and moves the plots. */

import { element } from "./element.js";

const PAUSE = 60; // milliseconds without a move before a call

export class LiveSlider {
  #field;
  #button;

  /** `run` computes with the values of the form. */
  constructor(run) { this.run = run; }

  /** Open the slider of a field and close the one before. */
  toggle(field, button) {
    const isOpen = this.#field === field;
    if (this.#field) this.#show(false);
    this.#field = undefined;
    if (isOpen) return;
    [this.#field, this.#button] = [field, button];
    const inputs = range(field.schema, Number(field.value) || 0).map((value, index) => element("input", { value, size: 7, "aria-label": index ? "Largest value" : "Least value", onchange: () => this.#limit(slide, inputs) }));
    const slide = element("input", { type: "range", "aria-label": `${field.label}, live`, oninput: () => this.#move(Number(slide.value)) });
    this.#limit(slide, inputs);
    slide.value = Number(field.value) || 0;
    field.slider.replaceChildren(inputs[0], slide, inputs[1]);
    this.#show(true);
    slide.focus();
  }

  #show(isOpen) {
    this.#field.slider.hidden = !isOpen;
    this.#button.setAttribute("aria-expanded", isOpen);
  }

  #limit(slide, [least, most]) {
    const isWhole = this.#field.schema.type === "integer";
    const step = isWhole ? 1 : (Number(most.value) - Number(least.value)) / 200;
    Object.assign(slide, { min: least.value, max: most.value, step: step > 0 ? step : "any" });
  }

  #move(value) {
    this.#field.value = Number(value.toPrecision(6));
    clearTimeout(this.timer);
    this.timer = setTimeout(this.run, PAUSE);
  }
}

/** The bounds of a schema, or the surroundings of a value. */
function range(schema, value) {
  const least = schema.minimum ?? schema.exclusiveMinimum ?? Math.min(0, 2 * value);
  const most = schema.maximum ?? schema.exclusiveMaximum ?? Math.max(least + 1, 2 * Math.abs(value));
  return [least, most];
}
