/** Talks to the worker, and lets at most one call be in flight. */

import { parsedJson } from "./shapes.js";

export class ArrayWorker {
  #worker = new Worker("web/worker.js", { type: "module" });
  #waiting = new Map();
  #last = 0;

  constructor() {
    this.#worker.onmessage = ({ data: { id, result, error, name } }) => {
      const { resolve, reject } = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) resolve(result);
      else if (name !== "Released") reject(Object.assign(new Error(error), { name }));
    };
  }

  /** Let the worker do something. Nothing follows for an array of an answer that is gone. */
  ask(action, details) {
    const id = ++this.#last;
    this.#worker.postMessage({ id, action, details });
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }
}

export class Caller {
  key = ""; // in memory only
  #last = 0;

  constructor(worker) { this.worker = worker; }

  /** Get a document of the server. */
  async document(path) {
    const headers = this.key ? { Authorization: `Bearer ${this.key}` } : {};
    const response = await fetch(path, { headers });
    if (response.ok || path === "readyz") return parsedJson(await response.text());
    throw Object.assign(new Error(`${path}: ${response.status}`), { status: response.status });
  }

  /** Call an endpoint; an older call is closed, and answers nothing. */
  async call(endpoint, payload) {
    this.worker.ask("abort", this.#last);
    const call = ++this.#last;
    const url = new URL(endpoint, document.baseURI).href.split("#")[0];
    try {
      const answer = await this.worker.ask("call", { call, url, payload, key: this.key });
      return call === this.#last ? answer : undefined;
    } catch (error) {
      if (error.name === "AbortError" || call !== this.#last) return undefined;
      return { status: 0, fault: { detail: `The service does not answer: ${error.message}` } };
    }
  }
}
