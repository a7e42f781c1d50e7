/**
 * The types of the client, written from the API's description. The types inferred from the sources come from the routes,
 * whose handlers name the platform. A user of the package has neither, and gets the same shapes as plain declarations with
 * their descriptions.
 */
import * as z from "zod";

const Schema: z.ZodType<JsonSchema> = z.lazy(() =>
  z.looseObject({
    $ref: z.string().optional(),
    description: z.string().optional(),
    type: z.union([z.string(), z.array(z.string())]).optional(),
    const: z.unknown().optional(),
    enum: z.array(z.unknown()).optional(),
    anyOf: z.array(Schema).optional(),
    oneOf: z.array(Schema).optional(),
    allOf: z.array(Schema).optional(),
    properties: z.record(z.string(), Schema).optional(),
    required: z.array(z.string()).optional(),
    additionalProperties: z.union([z.boolean(), Schema]).optional(),
    items: z.union([z.boolean(), Schema]).optional(),
    prefixItems: z.array(Schema).optional(),
  }),
);
type JsonSchema = {
  readonly $ref?: string | undefined;
  readonly description?: string | undefined;
  readonly type?: string | readonly string[] | undefined;
  readonly const?: unknown;
  readonly enum?: readonly unknown[] | undefined;
  readonly anyOf?: readonly JsonSchema[] | undefined;
  readonly oneOf?: readonly JsonSchema[] | undefined;
  readonly allOf?: readonly JsonSchema[] | undefined;
  readonly properties?: Readonly<Record<string, JsonSchema>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly additionalProperties?: boolean | JsonSchema | undefined;
  readonly items?: boolean | JsonSchema | undefined;
  readonly prefixItems?: readonly JsonSchema[] | undefined;
};

const Content = z.record(z.string(), z.object({ schema: Schema.optional() })).default({});
const Operation = z.object({
  summary: z.string().default(""),
  parameters: z
    .array(
      z.object({
        name: z.string(),
        in: z.enum(["path", "query", "header"]),
        required: z.boolean(),
        description: z.string().optional(),
        schema: Schema,
      }),
    )
    .default([]),
  requestBody: z.object({ required: z.boolean(), content: Content }).optional(),
  responses: z.record(z.string(), z.object({ content: Content })),
});
type Operation = z.infer<typeof Operation>;
type Parameter = Operation["parameters"][number];
const Document = z.object({
  paths: z.record(z.string(), z.record(z.string(), Operation)),
  components: z.object({ schemas: z.record(z.string(), Schema) }),
});

const HEAD = `/**
 * The typed client: every route with its parameters, body and answers. It is Hono's \`hc\`; nothing but \`fetch\` runs.
 *
 *     const api = createClient("https://reveille.example.com", TOKEN);
 *     const made = await api.v1.jobs.$post({ json: { name: "stand-up", message: "…", schedule: { cron: "0 9 * * 1-5" } } });
 *     if (made.status === 201) console.log((await made.json()).next_run_at);
 */
import type { Hono } from "hono";
import type { ClientRequestOptions, hc } from "hono/client";
import type { BlankEnv } from "hono/types";

/** A client for the deployment at \`baseUrl\`, calling with \`token\`. \`options\` are Hono's: \`fetch\`, \`headers\`, \`init\`. */
export declare const createClient: (
  baseUrl: string,
  token: string,
  options?: ClientRequestOptions,
) => ReturnType<typeof hc<Api>>;

export type Api = Hono<BlankEnv, ApiSchema, "/">;
`;

/** The declarations of `reveille/client` for the API that `openapi` (an OpenAPI 3.1 document) describes. */
export function clientTypes(openapi: unknown): string {
  const { paths, components } = Document.parse(openapi);
  const named = Object.entries(components.schemas).map(
    ([name, schema]) => `${doc(schema.description, "")}export type ${name} = ${typeOf(schema, "")};\n`,
  );
  const routes = Object.entries(paths).map(([path, operations]) => {
    const methods = Object.entries(operations).map(
      ([method, operation]) => `${doc(operation.summary, "    ")}    $${method}: ${endpoint(operation)};`,
    );
    return `  ${JSON.stringify(path.replace(/\{([^}]+)\}/g, ":$1"))}: {\n${methods.join("\n")}\n  };`;
  });
  const schema = `/** The API in Hono's terms, for \`hc\`. */\nexport type ApiSchema = {\n${routes.join("\n")}\n};\n`;
  return [HEAD, schema, ...named].join("\n");
}

const INDENT = "      ";

/** One member of a union for each status that is not an error. */
function endpoint({ parameters, requestBody, responses }: Operation): string {
  const input = [
    group("param", parameters, "path", (type) => type),
    // Everything in a query is text and may be repeated.
    group("query", parameters, "query", () => "string | string[]"),
    group("header", parameters, "header", (type) => type),
    json(requestBody),
  ].filter((part) => part !== "");
  const taken = input.length === 0 ? "{}" : `{ ${input.join("; ")} }`;
  const answers = Object.entries(responses).flatMap(([status, { content }]) => {
    if (!/^[23]/.test(status)) return [];
    const schema = content["application/json"]?.schema;
    const output = schema === undefined ? "null" : typeOf(schema, INDENT);
    return [`{ input: ${taken}; output: ${output}; outputFormat: "json"; status: ${status} }`];
  });
  return answers.length === 0 ? "never" : answers.join(" | ");
}

function group(name: string, parameters: readonly Parameter[], place: string, write: (type: string) => string): string {
  const fields = parameters.filter((parameter) => parameter.in === place);
  if (fields.length === 0) return "";
  // Hono reads headers by their declared names, in lower case.
  const keyOf = (field: Parameter): string =>
    JSON.stringify(place === "header" ? field.name.toLowerCase() : field.name);
  const lines = fields.map(
    (field) => `${keyOf(field)}${field.required ? "" : "?"}: ${write(typeOf(field.schema, INDENT))}`,
  );
  return `${name}${fields.some(({ required }) => required) ? "" : "?"}: { ${lines.join("; ")} }`;
}

function json(body: Operation["requestBody"]): string {
  const schema = Object.values(body?.content ?? {})[0]?.schema;
  if (body === undefined || schema === undefined) return "";
  return `json${body.required ? "" : "?"}: ${typeOf(schema, INDENT)}`;
}

/** The TypeScript type of a JSON Schema. The service checks what a type cannot express (bounds, patterns). */
function typeOf(schema: JsonSchema, indent: string): string {
  if (schema.$ref !== undefined) return schema.$ref.replace("#/components/schemas/", "");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return union(schema.enum.map((value) => JSON.stringify(value)));
  const anyOf = schema.anyOf ?? schema.oneOf;
  if (anyOf !== undefined) return union(anyOf.map((part) => typeOf(part, indent)));
  if (schema.allOf !== undefined) return schema.allOf.map((part) => `(${typeOf(part, indent)})`).join(" & ");
  const types = typeof schema.type === "string" ? [schema.type] : (schema.type ?? []);
  return types.length === 0 ? "unknown" : union(types.map((type) => simpleType(type, schema, indent)));
}

function simpleType(type: string, schema: JsonSchema, indent: string): string {
  switch (type) {
    case "integer":
    case "number":
      return "number";
    case "array":
      return arrayType(schema, indent);
    case "object":
      return objectType(schema, indent);
    default:
      return type;
  }
}

function arrayType({ items, prefixItems }: JsonSchema, indent: string): string {
  if (prefixItems !== undefined) return `[${prefixItems.map((item) => typeOf(item, indent)).join(", ")}]`;
  return typeof items === "object" ? `Array<${typeOf(items, indent)}>` : "unknown[]";
}

function objectType({ properties, required, additionalProperties }: JsonSchema, indent: string): string {
  const more = typeof additionalProperties === "object" ? typeOf(additionalProperties, indent) : "unknown";
  const fields = Object.entries(properties ?? {});
  if (fields.length === 0) return additionalProperties === false ? "Record<string, never>" : `Record<string, ${more}>`;
  const inner = `${indent}  `;
  const lines = fields.map(
    ([name, field]) =>
      `${doc(field.description, inner)}${inner}${JSON.stringify(name)}${required?.includes(name) ? "" : "?"}: ${typeOf(field, inner)};`,
  );
  return `{\n${lines.join("\n")}\n${indent}}`;
}

const union = (types: readonly string[]): string => [...new Set(types)].join(" | ");

function doc(text: string | undefined, indent: string): string {
  return text === undefined || text === ""
    ? ""
    : `${indent}/** ${text.replaceAll("*/", "*\\/").replace(/\s+/g, " ")} */\n`;
}
