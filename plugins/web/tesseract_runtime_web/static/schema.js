/** Reads JSON Schemas: references, kinds of fields, expected arrays. */

export class Schemas {
  constructor(openapi) { this.openapi = openapi; }

  /** Follow references; keys beside one win over those of its target. */
  resolved(schema) {
    if (schema === null || typeof schema !== "object") return {};
    const { $ref, allOf, ...beside } = schema;
    if ($ref !== undefined) return { ...this.resolved(this.#target($ref)), ...beside };
    return allOf?.length === 1 ? { ...this.resolved(allOf[0]), ...beside } : schema;
  }

  #target(reference) {
    const keys = decodeURIComponent(reference).slice(2).split("/");
    return keys.reduce((node, key) => node?.[key.replaceAll("~1", "/").replaceAll("~0", "~")], this.openapi);
  }

  /** The schemas of a union without null, or the schema itself alone. */
  variants(schema) {
    const all = (schema.anyOf ?? schema.oneOf ?? [schema]).map((one) => this.resolved(one));
    return all.filter((one) => one.type !== "null");
  }

  /** Check roughly whether a value belongs to a schema, to choose a variant for it. */
  fits(given, value) {
    const schema = this.resolved(given);
    const isNumber = typeof value === "number" || typeof value === "bigint";
    const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
    const isOf = ([name, field]) => this.resolved(field).const === undefined || field.const === value[name];
    const checks = {
      array: () => Array.isArray(value) || (isMap && ("array" in value || "data" in value)),
      boolean: () => typeof value === "boolean",
      choice: () => schema.enum.includes(value),
      constant: () => schema.const === value,
      dict: () => isMap,
      integer: () => isNumber && !(value % 1),
      list: () => Array.isArray(value) && value.every((item) => this.fits(schema.items, item)),
      number: () => isNumber,
      object: () => isMap && (schema.required ?? []).every((name) => name in value) && Object.entries(schema.properties).every(isOf),
      text: () => typeof value === "string",
      tuple: () => Array.isArray(value) && value.length === schema.prefixItems.length,
      union: () => this.variants(schema).some((one) => this.fits(one, value)),
    };
    return checks[kindOf(schema)]?.() ?? true;
  }
}

const KINDS_OF_TYPES = {
  boolean: () => "boolean", integer: () => "integer", null: () => "constant", number: () => "number", string: () => "text",
  array: (schema) => (schema.prefixItems ? "tuple" : "list"),
  object: (schema) => (schema.properties ? "object" : schema.additionalProperties ? "dict" : "any"),
};

/** Name the kind of field that a resolved schema asks for. */
export function kindOf(schema) {
  if (schema.array_flags) {
    const { shape, dtype } = expectedArray(schema);
    if (shape?.length !== 0) return "array";
    return dtype === "bool" ? "boolean" : /^u?int/.test(dtype) ? "integer" : "number";
  }
  if ("const" in schema) return "constant";
  if (schema.enum) return "choice";
  if (schema.anyOf || schema.oneOf) return "union";
  return KINDS_OF_TYPES[schema.type]?.(schema) ?? "any";
}

/** The data type and shape of an array, with null for any size; no shape if its rank is free. */
export function expectedArray({ properties: { shape, dtype } }) {
  // A size may also be 1, which is broadcast: the enumeration is [1, size].
  const sizes = (shape.prefixItems ?? []).map((size) => size.const ?? size.enum?.at(-1) ?? null);
  return { dtype: dtype.examples?.[0] ?? "float64", shape: shape.maxItems === undefined ? undefined : sizes };
}

/** Say what a resolved schema is, in few words. */
export function typeName(schema) {
  if (!schema.array_flags) return schema.title?.replace(/^[A-Z]\w*?_/, "") ?? String(schema.const ?? kindOf(schema));
  const { shape, dtype } = expectedArray(schema);
  return `${dtype} (${shape?.map((size) => size ?? "n").join(", ") ?? "any shape"})`;
}

const LIMITS = {
  minimum: "≥ ", exclusiveMinimum: "> ", maximum: "≤ ", exclusiveMaximum: "< ", multipleOf: "multiple of ",
  minLength: "characters ≥ ", maxLength: "characters ≤ ", pattern: "pattern ", minItems: "items ≥ ", maxItems: "items ≤ ",
};

/** The bounds of a value as texts. */
export function limitsOf(schema) {
  return Object.entries(LIMITS).filter(([key]) => key in schema).map(([key, sign]) => `${sign}${schema[key]}`);
}
