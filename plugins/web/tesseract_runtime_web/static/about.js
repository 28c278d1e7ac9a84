/** What there is to know about the model and the service. */

import { element, shortened } from "./element.js";
import { typeName } from "./schema.js";

/** Make the section; the facts of the service are fetched when it is opened. */
export function about(model, caller) {
  const service = element("div");
  const ontoggle = async () => {
    if (details.open) service.replaceChildren(...(await serviceFacts(caller).catch((error) => [paragraph(error.message)])));
  };
  const apply = model.endpoints.find(({ name }) => name === "apply");
  const inputs = model.schemas.resolved({ $ref: apply?.payload.properties?.inputs?.$ref });
  const details = element("details", { id: "about", class: "card", ontoggle }, element("summary", {}, element("h2", {}, "About")),
    [model.openapi.info.description, inputs.description].filter(Boolean).map((text) => paragraph(text)),
    element("h3", {}, "Inputs"), fields(model.schemas, inputs),
    element("h3", {}, "Outputs"), fields(model.schemas, apply?.result ?? {}), service);
  return details;
}

const paragraph = (text) => element("p", {}, shortened(text, 5000));

function table(names, rows) {
  const head = element("tr", {}, names.map((name) => element("th", { scope: "col" }, name)));
  const body = rows.map((row) => element("tr", {}, row.map((cell) => element("td", {}, shortened(cell ?? "", 600)))));
  return element("div", { class: "table", tabindex: 0, role: "region", "aria-label": names.join(", ") }, element("table", {}, element("thead", {}, head), element("tbody", {}, body)));
}

function fields(schemas, schema) {
  const rows = Object.entries(schema.properties ?? {}).map(([name, given]) => {
    const field = schemas.resolved(given);
    const types = schemas.variants(field).map((one) => (one.array_flags || one.properties ? typeName(one) : one.const ?? one.type ?? "choice"));
    return [name, types.join(" or "), field.unit, field.description];
  });
  return table(["Name", "Type", "Unit", "Description"], rows);
}

async function serviceFacts(caller) {
  const [plugins, ready] = await Promise.all(["plugins", "readyz"].map((path) => caller.document(path)));
  const missing = Object.entries(plugins.unavailable_endpoints ?? {});
  return [
    element("h3", {}, "Workers"),
    paragraph(`${ready.status}${ready.detail ? `: ${ready.detail}` : ""}. ${ready.busy_workers ?? 0} of ${ready.workers} workers compute.`),
    element("h3", {}, "Plugins"),
    table(["Plugin", "Version", "Status"], plugins.plugins.map(({ name, version, status }) => [name, version, status])),
    ...(missing.length ? [element("h3", {}, "Endpoints that are missing"), table(["Endpoint", "Reason"], missing)] : []),
  ];
}
