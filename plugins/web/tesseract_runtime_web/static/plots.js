/** Pictures by plotly.js, which is loaded after the first view. */

import { element } from "./element.js";

export class Plots {
  #library;

  divs = new Set();
  constructor(worker) { this.worker = worker; }

  /** Load the library once. */
  load() {
    this.#library ??= new Promise((resolve, reject) => {
      const src = document.querySelector("meta[name=plot-library]").content;
      const onerror = () => reject(new Error("The plot library could not be loaded."));
      document.head.append(element("script", { src, onload: () => resolve(window.Plotly), onerror }));
    });
    return this.#library;
  }

  /** Draw arrays of one shape, the newest first, as a picture of a kind. */
  async draw(div, kind, arrays, { start, shape, part, unit }) {
    const plotly = await this.load();
    const { traces, layout } = await PICTURES[kind](this.worker, arrays, { start, shape, part, unit });
    const styles = getComputedStyle(document.documentElement);
    const colour = (name) => styles.getPropertyValue(`--${name}`).trim();
    const axis = { gridcolor: colour("line"), zerolinecolor: colour("line"), linecolor: colour("line"), automargin: true };
    const look = {
      paper_bgcolor: "transparent", plot_bgcolor: "transparent", font: { color: colour("muted"), size: 12 },
      margin: { l: 48, r: 12, t: 8, b: 36 }, showlegend: false, height: 280,
      scene: { xaxis: axis, yaxis: axis, zaxis: axis },
    };
    for (const key of ["xaxis", "yaxis"]) look[key] = { ...axis, ...layout[key] };
    await plotly.react(div, traces(colour), look, { responsive: true, displaylogo: false, displayModeBar: "hover" });
    div.redraw = () => this.draw(div, kind, arrays, { start, shape, part, unit });
    this.divs.add(div);
  }

  /** Draw everything again, in other colours. */
  redraw() {
    for (const div of this.divs) div.isConnected ? div.redraw() : this.divs.delete(div);
  }
}

/** The older an answer is, the paler it is. */
const faded = (colour, index) => (index === 0 ? { color: colour("accent"), width: 2 } : { color: colour("older"), width: 1 });

const PICTURES = {
  async line(worker, arrays, { start, shape: [count], part, unit }) {
    const lines = await Promise.all(arrays.map(({ array }) => worker.ask("line", [array, start, count, part])));
    const mode = count > 40 ? "lines" : "lines+markers";
    const trace = ([x, y], index, colour) => ({ type: "scatter", mode, x, y, line: faded(colour, index), hovertemplate: "%{x}: %{y}<extra></extra>" });
    const traces = (colour) => lines.map((line, index) => trace(line, index, colour)).reverse();
    return { traces, layout: { xaxis: { title: { text: "index" } }, yaxis: { title: { text: unit } } } };
  },
  async heat(worker, [{ array }], { start, shape: [rows, columns], part }) {
    const plane = await worker.ask("plane", [array, start, rows, columns, part]);
    const traces = () => [{ type: "heatmap", ...plane, colorscale: "Viridis", colorbar: { thickness: 12, outlinewidth: 0 } }];
    return { traces, layout: { xaxis: { title: { text: "column" } }, yaxis: { title: { text: "row" }, autorange: "reversed" } } };
  },
  async curve(worker, arrays, { start, shape: [rows, columns], part }) {
    const curves = await Promise.all(arrays.map(({ array }) => worker.ask("points", [array, start, rows, columns, part])));
    const type = columns === 3 ? "scatter3d" : "scatter";
    const trace = ([x, y, z], index, colour) => ({ type, mode: "lines+markers", marker: { size: 3 }, x, y, z, line: faded(colour, index) });
    return { traces: (colour) => curves.map((curve, index) => trace(curve, index, colour)).reverse(), layout: {} };
  },
};

/** The kinds of pictures that an array of a shape has, the best one first. */
export function kindsFor(shape) {
  if (shape.length === 1) return shape[0] > 1 ? ["line"] : [];
  const [rows, columns] = shape.slice(-2);
  if (rows * columns < 2) return [];
  const isCurve = shape.length === 2 && (columns === 2 || columns === 3) && rows > columns;
  return isCurve ? ["curve", "heat"] : ["heat"];
}
