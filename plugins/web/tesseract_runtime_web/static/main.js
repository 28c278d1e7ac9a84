/** Starts the page: asks for a key if one is needed, and sets the theme. */

import { ArrayWorker, Caller } from "./calls.js";
import { element, shortened } from "./element.js";
import { Model } from "./model.js";
import { Page } from "./page.js";
import { Plots } from "./plots.js";

const THEMES = ["system", "light", "dark"];

const worker = new ArrayWorker();
const caller = new Caller(worker);
const plots = new Plots(worker);
const main = document.getElementById("main");
const toAbout = document.getElementById("to-about");

/** Ask for the key, which stays in memory. */
function askForKey(isWrong) {
  const key = element("input", { type: "password", id: "key", autocomplete: "off", required: true, "aria-describedby": "key-fault" });
  const onsubmit = (event) => {
    event.preventDefault();
    caller.key = key.value;
    start();
  };
  toAbout.hidden = true;
  main.replaceChildren(element("form", { class: "card key", onsubmit },
    element("p", {}, "This service needs a key. It is kept in the memory of this page only."),
    element("label", { for: "key" }, "API key"), key, element("p", { class: "fault", id: "key-fault", role: "alert" }, isWrong ? "The service does not take this key." : ""),
    element("button", { class: "primary" }, "Continue")));
  key.focus();
}

async function start() {
  const onUnauthorized = () => askForKey(caller.key !== "");
  try {
    const openapi = await caller.document("openapi.json");
    const { title, version } = openapi.info;
    const page = new Page({ model: new Model(openapi), caller, worker, plots, onUnauthorized });
    document.title = shortened(title, 60);
    document.getElementById("title").textContent = shortened(title, 120);
    document.getElementById("subtitle").textContent = version === "unknown" ? "" : shortened(version, 40);
    main.replaceChildren(...page.elements);
    toAbout.hidden = false;
    requestIdleCallback(() => plots.load());
  } catch (error) {
    if (error.status === 401) return onUnauthorized();
    main.replaceChildren(element("p", { class: "error", role: "alert" }, shortened(error.message)));
    throw error;
  }
}

const themeButton = document.getElementById("theme");

function showTheme(theme) {
  document.documentElement.dataset.theme = theme;
  themeButton.textContent = `Theme: ${theme}`;
  localStorage.setItem("theme", theme);
  plots.redraw();
}

themeButton.onclick = () => showTheme(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length]);
toAbout.onclick = (event) => {
  event.preventDefault(); // the fragment is the state of the form
  const section = document.getElementById("about");
  section.open = true;
  section.scrollIntoView();
  section.firstChild.focus();
};
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plots.redraw());
showTheme(localStorage.getItem("theme") ?? "system");
start();
