/** The exact call as JSON, for curl and in Python, to copy. */

const isLarge = (value) => Number.isInteger(value?.array);

/** Write a payload as JSON with exact integers; names of large arrays are collected. */
export function jsonText(value, large = []) {
  const whole = (node, name) => {
    if (isLarge(node)) return large.push(name) && JSON.stringify({ shape: node.shape, dtype: node.dtype, data: { encoding: "base64", buffer: `BYTES OF ${name}.npy` } });
    if (typeof node === "bigint") return String(node);
    if (typeof node === "number") return Number.isFinite(node) ? JSON.stringify(node) : `"${node}"`;
    if (Array.isArray(node)) return `[${node.map((item) => whole(item, name)).join(", ")}]`;
    if (node === null || typeof node !== "object") return JSON.stringify(node ?? null);
    return `{${Object.entries(node).map(([key, item]) => `${JSON.stringify(key)}: ${whole(item, key)}`).join(", ")}}`;
  };
  return whole(value, "payload");
}

function pythonText(node, name = "") {
  if (isLarge(node)) return `np.load(${JSON.stringify(`${name}.npy`)})`;
  if (node === null || node === undefined) return "None";
  if (typeof node === "boolean") return node ? "True" : "False";
  if (typeof node === "number" && !Number.isFinite(node)) return `float("${node}")`;
  if (Array.isArray(node)) return `[${node.map((item) => pythonText(item, name)).join(", ")}]`;
  if (typeof node !== "object") return jsonText(node);
  return `{${Object.entries(node).map(([key, item]) => `${JSON.stringify(key)}: ${pythonText(item, key)}`).join(", ")}}`;
}

export const SNIPPETS = {
  JSON: (endpoint, payload) => jsonText(payload),
  curl: (endpoint, payload, { url, key }) => {
    const header = key ? " --header 'Authorization: Bearer KEY'" : "";
    return `curl${header} --json '${jsonText(payload).replaceAll("'", `'\\''`)}' '${url}/${endpoint}'`;
  },
  Python: (endpoint, payload, { url, key }) => {
    const named = Object.entries(payload).map(([name, value]) => `        ${name === "inputs" ? "" : `${name}=`}${pythonText(value, name)},\n`);
    const load = JSON.stringify(payload).includes('"array":') ? "import numpy as np\n" : "";
    const connect = `Tesseract.from_url("${url}"${key ? ', api_key="KEY"' : ""})`;
    return `${load}from tesseract_runtime_client import Tesseract\n\nwith ${connect} as tesseract:\n    result = tesseract.${endpoint}(\n${named.join("")}    )\n`;
  },
};
