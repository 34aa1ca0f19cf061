// JSON Schemas made from the types that the clients' packages declare: what an answer must be, by nothing of ours.

import {fileURLToPath} from "node:url";
import Ajv from "ajv";
import {createGenerator} from "ts-json-schema-generator";

const types = fileURLToPath(new URL("answers.ts", import.meta.url));
const generator = createGenerator({path: types, type: "*", expose: "all", skipTypeCheck: true, additionalProperties: true, topRef: true});
const ajv = new Ajv({strict: false, allErrors: true});
const made = new Map();

// fits gives what is wrong with a value as a type of answers.ts; empty: nothing. An event is held against the member of its union that has its type.
export function fits(type, value) {
  const kind = type.endsWith("Event") ? value.type : undefined, key = `${type} ${kind}`;
  if (!made.has(key)) made.set(key, ajv.compile(schema(type, kind)));
  const validate = made.get(key);
  return validate(value) ? "" : `${type}: ` + validate.errors.slice(0, 6).map(e => `${e.instancePath} ${e.message}`).join("; ");
}

function schema(type, kind) {
  if (!made.has(type)) made.set(type, generator.createSchema(type));
  const {definitions} = made.get(type);
  for (const d of Object.values(definitions)) {
    if (d.required) d.required = d.required.filter(name => name !== "output_text"); // the clients themselves put it there
  }
  if (kind === undefined) return {$ref: `#/definitions/${type}`, definitions};
  const name = Object.keys(definitions).find(name => definitions[name].properties?.type?.const === kind && !name.startsWith("Beta"));
  if (!name) throw new Error(`${type} has no event ${kind}`);
  return {$ref: `#/definitions/${name}`, definitions};
}
