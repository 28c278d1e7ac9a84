/** The page of a model: joins the form, the calls and the answers. */

import { about } from "./about.js";
import { Answers } from "./answers.js";
import { button, element, selection, shortened } from "./element.js";
import { EndpointForm } from "./endpoint_form.js";
import { fieldOf, showFault } from "./fields.js";
import { parsedJson } from "./shapes.js";
import { LiveSlider } from "./slider.js";
import { jsonText, SNIPPETS } from "./snippets.js";

const LONGEST_FRAGMENT = 20000;
const PAUSE = 100; // milliseconds without a change

export class Page {
  #endpoint; // the form of the chosen one
  #timer;

  constructor({ model, caller, worker, plots, onUnauthorized }) {
    Object.assign(this, { model, caller, onUnauthorized });
    this.apply = model.endpoints.find(({ name }) => name === "apply") ?? model.endpoints[0];
    this.answers = new Answers({ worker, plots, schemas: model.schemas });
    const slider = new LiveSlider(() => this.run(true));
    const slide = (field, open) => slider.toggle(field, open);
    this.shared = { worker, schemas: model.schemas, arrays: new Set(), changed: () => this.changed(), slide };
    const schema = { ...model.schemas.resolved(this.apply.payload.properties?.inputs), description: "" };
    this.inputs = fieldOf(schema, "inputs", this.shared);
    this.elements = [this.#form(), this.answers.element, about(model, caller)];
    const state = stateOf(location.hash);
    this.choose(model.endpoints.find(({ name }) => name === state?.endpoint) ?? this.apply);
    this.fillIn(state?.payload ?? this.apply.examples[0]?.[1].value);
  }

  #form() {
    const { endpoints } = this.model;
    this.choice = selection(endpoints.map(({ name }) => name), () => this.choose(endpoints[this.choice.value]), { id: "endpoint" });
    [this.intro, this.extras, this.examples] = [element("p", { class: "note" }), element("div"), element("div")];
    const listeners = { oninput: () => this.changed(), onsubmit: (event) => this.#submitted(event) };
    this.form = element("form", { id: "form", novalidate: true, "aria-label": "Inputs", ...listeners },
      element("div", { class: "row heads" }, labelled("Endpoint", this.choice), this.examples),
      this.intro, this.inputs.element, this.extras,
      element("div", { class: "run" }, element("button", { class: "primary", id: "run" }, "Run")), this.#snippets());
    return this.form;
  }

  #snippets() {
    const show = () => this.#showSnippet();
    this.snippet = element("pre", { tabindex: 0 });
    this.language = selection(Object.keys(SNIPPETS), show, { "aria-label": "Language" });
    const copy = button("Copy", () => navigator.clipboard.writeText(this.snippet.textContent), { class: "quiet" });
    const tools = element("p", { class: "row" }, this.language, navigator.clipboard ? copy : "");
    return this.calls = element("details", { ontoggle: show }, element("summary", {}, "This call as text"), tools, this.snippet);
  }

  #showSnippet() {
    if (!this.calls.open) return;
    const url = new URL(".", document.baseURI).href.replace(/\/$/, "");
    const write = SNIPPETS[this.language.selectedOptions[0].text];
    this.snippet.textContent = write(this.#endpoint.endpoint.name, this.#endpoint.payload, { url, key: this.caller.key });
  }

  choose(chosen) {
    this.#endpoint = new EndpointForm(chosen, this.shared, this.inputs, () => this.answers.latest("apply"));
    this.choice.value = this.model.endpoints.indexOf(chosen);
    this.inputs.element.hidden = !this.#endpoint.hasInputs;
    this.intro.textContent = shortened(chosen.description ?? "", 1000);
    this.extras.replaceChildren(this.#endpoint.element);
    this.#offer(chosen.examples);
    this.changed();
  }

  #offer(examples) {
    const names = ["choose…", ...examples.map(([name]) => name)];
    const fill = selection(names, () => this.fillIn(examples[fill.value - 1]?.[1].value), { id: "example" });
    this.examples.replaceChildren(...(examples.length ? [labelled("Fill in", fill)] : []));
  }

  fillIn(payload) {
    if (!payload) return;
    this.#endpoint.payload = payload;
    this.changed();
  }

  changed() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#remember(), PAUSE);
  }

  /** Keep what is filled in in the fragment, for reloads and links; arrays in the worker are left out. */
  #remember() {
    const state = encodeURIComponent(jsonText({ endpoint: this.#endpoint.endpoint.name, payload: this.#endpoint.payload }));
    history.replaceState(null, "", state.length < LONGEST_FRAGMENT ? `#${state}` : location.pathname);
    this.#showSnippet();
  }

  #submitted(event) {
    event.preventDefault();
    this.#remember(); // reads the fields, which refuse what cannot be sent
    if (this.form.checkValidity()) this.run(false);
    else this.form.querySelector(":invalid:not(fieldset)").focus();
  }

  async run(isLive) {
    const { endpoint } = this.#endpoint;
    this.changed();
    for (const shown of this.form.querySelectorAll(".fault")) shown.replaceChildren();
    for (const wrong of this.form.querySelectorAll("[aria-invalid]")) wrong.removeAttribute("aria-invalid");
    this.shared.wantsShapes = endpoint.name === "abstract_eval";
    const { payload } = this.#endpoint;
    this.shared.wantsShapes = false;
    const answer = await this.caller.call(endpoint.name, payload);
    if (!answer) return; // a newer call goes on
    if (answer.status === 401) return this.onUnauthorized();
    this.answers.show(answer, endpoint, isLive);
    if (!Array.isArray(answer.fault?.detail)) return;
    for (const { loc, msg } of answer.fault.detail) showFault(this.#endpoint, loc.slice(1), msg);
    this.form.querySelector("[aria-invalid]")?.focus();
  }
}

const labelled = (text, control) => element("label", { for: control.id, class: "stacked" }, text, control);

/** What the fragment of a page holds, if it is one of ours. */
function stateOf(fragment) {
  try {
    const state = parsedJson(decodeURIComponent(fragment.slice(1)));
    return state?.payload ? state : undefined;
  } catch { return undefined; }
}
