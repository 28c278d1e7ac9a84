/** Elements of the page. Texts of a model become text, never HTML. */

let last = 0;

export const newId = () => `e${++last}`;

/** Make an element; `onclick` and the like are listeners, other properties attributes. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== false && value !== undefined) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== undefined && child !== ""));
  return made;
}

export function button(text, onclick, properties = {}) {
  return element("button", { type: "button", onclick, ...properties }, text);
}

/** Make a `select` whose values are the indices of its labels. */
export function selection(labels, onchange, properties = {}) {
  const options = labels.map((label, index) => element("option", { value: index }, shortened(label, 60)));
  return element("select", { onchange, ...properties }, options);
}

/** Names and messages may have a megabyte. */
export function shortened(text, limit = 300) {
  const whole = String(text);
  return whole.length > limit ? `${whole.slice(0, limit)}…` : whole;
}
