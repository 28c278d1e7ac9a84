/** What the service says about the model: its endpoints, their payloads and results. */

import { templateOf } from "./paths.js";
import { Schemas } from "./schema.js";
import { product } from "./shapes.js";

export class Model {
  constructor(openapi) {
    this.openapi = openapi;
    this.schemas = new Schemas(openapi);
    const paths = Object.entries(openapi.paths ?? {});
    this.endpoints = paths.filter(([, { post }]) => post?.requestBody).map(([path, { post }]) => new Endpoint(path.slice(1), post, this));
  }

  /** The data types and shapes of differentiable arrays by their path templates. */
  differentiable(side) {
    return this.openapi.components?.schemas?.[`Apply${side}Schema`]?.differentiable_arrays ?? {};
  }
}

class Endpoint {
  constructor(name, operation, model) {
    Object.assign(this, { name, model, description: operation.description });
    const schemaOf = (content) => model.schemas.resolved(content?.["application/json"]?.schema ?? {});
    this.payload = schemaOf(operation.requestBody.content);
    this.examples = Object.entries(operation.requestBody.content["application/json"]?.examples ?? {}); // name and value
    this.result = schemaOf(operation.responses?.["200"]?.content);
  }

  /** The schema of a value in a result. */
  resultSchema(schemas, keys) {
    const inside = (schema, key) => schema.properties?.[key] ?? schema.items ?? schema.additionalProperties ?? {};
    return keys.reduce((schema, key) => schemas.resolved(inside(schema, key)), this.result);
  }

  /** A block of a Jacobian is shown as a matrix: outputs in rows, inputs in columns. */
  shapeToShow(shape, [output]) {
    const known = this.model.differentiable("Output")[templateOf(String(output))]?.shape;
    if (this.name !== "jacobian" || shape.length < 1) return shape;
    const rank = known?.length ?? 1;
    return [product(shape.slice(0, rank)), product(shape.slice(rank))];
  }
}
