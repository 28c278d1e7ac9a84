/** Paths of arrays in values, such as `a.[0].{key}`, and their templates, such as `a.[].{}`. */

const STEP = /\[\d*\]|\{(?:\\.|[^}\\])*\}|(?:\\.|[^.[{\\])+/g;

/** Turn a path into its template: `a.[0].{k}` into `a.[].{}`. */
export const templateOf = (path) => path.replace(/\[\d+\]/g, "[]").replace(/\{(?:\\.|[^}\\])*\}/g, "{}");

/** List the paths of a template that a value has: `a.[]` of two items are `a.[0]` and `a.[1]`. */
export function pathsOf(pattern, value) {
  const grown = (places, step) => places.flatMap(([path, node]) => {
    const join = (part, inner) => [path ? `${path}.${part}` : part, inner];
    if (step === "[]") return Object.entries(node ?? []).map(([index, item]) => join(`[${index}]`, item));
    if (step === "{}") return Object.entries(node ?? {}).map(([key, item]) => join(`{${key.replace(/[{}\\]/g, "\\$&")}}`, item));
    return [join(step, node?.[step.replace(/^\[|\]$/g, "")])];
  });
  return pattern.match(STEP).reduce(grown, [["", value]]).map(([path]) => path);
}

/** The keys that a path goes through. */
export const keysOf = (path) => path.match(STEP).map((step) => step.replace(/^[[{]|[\]}]$/g, "").replace(/\\(.)/g, "$1"));
