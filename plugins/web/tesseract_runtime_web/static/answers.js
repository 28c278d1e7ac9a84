/** The answers of calls: a card for each value, with the last few answers behind the newest. */

import { ArrayCard } from "./array_card.js";
import { element, shortened } from "./element.js";

const MOST_ANSWERS = 5;
const MOST_CARDS = 200;

export class Answers {
  #answers = []; // newest first
  #cards = new Map();

  constructor(context) {
    this.context = context; // worker, plots, schemas
    this.overlay = element("input", { type: "checkbox", id: "overlay", checked: true, onchange: () => this.#draw() });
    this.status = element("p", { class: "status", role: "status" }, "Nothing has been computed yet.");
    this.error = element("div", { class: "error", role: "alert", hidden: true });
    this.list = element("div", { class: "cards" });
    const older = element("label", { class: "row" }, this.overlay, "Show earlier answers too");
    this.element = element("section", { id: "answers", "aria-labelledby": "answers-title" },
      element("h2", { id: "answers-title" }, "Result"), this.status, this.error, this.list, older);
  }

  /** The result of the newest answer of an endpoint. */
  latest(endpoint) { return this.#answers.find((answer) => answer.endpoint.name === endpoint)?.result; }

  /** Show an answer; one of a slider takes the place of the slider's last. */
  show(answer, endpoint, isLive) {
    const { status, milliseconds, run, fault } = answer;
    const size = `${(answer.size / 1000).toLocaleString("en", { maximumFractionDigits: 1 })} kB`;
    const facts = [`${Math.round(milliseconds)} ms`, size, run && `run ${run}`].filter(Boolean).join(" · ");
    this.status.textContent = status ? `${status === 200 ? "Computed" : `Failed (${status})`}: ${facts}` : "Failed";
    this.error.hidden = !fault;
    const isBelow = this.element.getBoundingClientRect().top > innerHeight; // on a phone
    if (!isLive && isBelow) this.element.scrollIntoView();
    if (fault) return this.error.replaceChildren(...faultTexts(fault).map((text) => element("p", {}, shortened(text, 2000))));
    if (isLive && this.#answers[0]?.isLive) this.#forget(this.#answers.shift());
    if (this.#answers[0]?.endpoint.name !== endpoint.name) this.#answers.splice(0).forEach((old) => this.#forget(old));
    this.#answers.unshift({ ...answer, endpoint, isLive });
    this.#answers.splice(MOST_ANSWERS).forEach((old) => this.#forget(old));
    this.#draw();
  }

  #forget(answer) {
    const ids = [...leaves(answer.result)].map(([, value]) => value?.array).filter(Boolean);
    this.context.worker.ask("release", ids);
  }

  #draw() {
    const [newest] = this.#answers;
    if (!newest) return;
    const shown = this.overlay.checked ? this.#answers : [newest];
    const trees = shown.map(({ result }) => new Map([...leaves(result)].map(([keys, value]) => [keys.join(" / "), { keys, value }])));
    const paths = [...trees[0]].slice(0, MOST_CARDS);
    const cards = new Map(paths.map(([path, { keys, value }]) => {
      const old = trees.map((tree) => tree.get(path)?.value);
      const type = value?.array ? ArrayCard : ValueCard;
      const known = this.#cards.get(path);
      const card = known instanceof type && known.endpoint === newest.endpoint ? known : new type(keys, newest.endpoint, this.context);
      card.update(old.filter((one) => Boolean(one?.array) === Boolean(value?.array)));
      return [path, card];
    }));
    this.#cards = cards;
    const elements = [...cards.values()].map((card) => card.element);
    if (elements.some((one, index) => this.list.children[index] !== one) || this.list.children.length !== elements.length) this.list.replaceChildren(...elements);
  }
}

/** Yield the keys and the value of every leaf of a result. */
function* leaves(node, keys = []) {
  const isLeaf = node === null || typeof node !== "object" || node instanceof Uint8Array || Number.isInteger(node.array);
  if (isLeaf) yield [keys, node];
  else for (const [key, item] of Object.entries(node)) yield* leaves(item, [...keys, key]);
}

/** A number, a text or the like, and the ones before it. */
class ValueCard {
  constructor(keys, endpoint, { schemas }) {
    Object.assign(this, { endpoint, schema: endpoint.resultSchema(schemas, keys) });
    this.value = element("output", { class: "value" });
    this.older = element("p", { class: "note" });
    this.element = element("article", { class: "card", "data-result": shortened(keys.join(".")) },
      element("h3", {}, shortened(keys.join(".") || "result", 120)), element("p", { class: "note" }, shortened(this.schema.description ?? "", 600)),
      element("p", { class: "row" }, this.value, element("span", { class: "unit" }, shortened(this.schema.unit ?? "", 40))), this.older);
  }

  update([newest, ...older]) {
    this.value.textContent = shortened(newest ?? "none", 2000);
    this.value.classList.toggle("long", this.value.textContent.length > 60);
    this.older.textContent = older.length ? `before: ${older.map((value) => shortened(value, 30)).join(", ")}` : "";
  }
}

function faultTexts({ detail, run_id: run, traceback }) {
  if (Array.isArray(detail)) return [`${detail.length === 1 ? "One value is" : `${detail.length} values are`} refused:`, ...detail.map(({ loc, msg }) => `${loc.slice(1).join(".")}: ${msg}`)];
  return [detail?.message ?? detail, run && `The log of run ${run} has more.`, traceback].filter(Boolean);
}
