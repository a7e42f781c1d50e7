/**
 * The tools of `/mcp` (docs/contract.md §12). Each stands for one route: its fields are the route's own, at one level, with
 * the job named by `job_id`; what it does, allows and answers is the route's. So a tool cannot drift from the API.
 */
import * as z from "zod";
import type { FieldError } from "../../domain/failure.ts";
import { ok } from "../../domain/result.ts";
import { typed } from "../input.ts";
import type { Input } from "../invoke.ts";
import { wholeSchema } from "../json-schema.ts";
import type { AnyRoute } from "../route.ts";
import { missingText } from "../teach/explain.ts";
import { type Field, fieldAt, fieldOf, joined } from "../teach/field.ts";
import { SPECS, type ToolSpec } from "./tool-texts.ts";
import type { Fields } from "./trim.ts";

/** A tool ready to be listed and called. */
export type Tool = Omit<ToolSpec, "route"> & {
  readonly route: AnyRoute;
  /** Its fields, for the texts about wrong calls. */
  readonly root: Field;
  /** JSON Schema (2020-12) of the arguments. */
  readonly inputSchema: { readonly [name: string]: unknown; readonly type: "object" };
};

/** The tools over these routes, which must hold every one that a tool stands for. */
export function toolsOver(routes: readonly AnyRoute[]): readonly Tool[] {
  return SPECS.map(({ route: id, ...spec }) => {
    const route = routes.find((one) => one.id === id);
    if (route === undefined) throw new Error(`The tool ${spec.name} stands for ${id}, which is no route`);
    return { ...spec, route, root: rootOf(route, spec), inputSchema: inputSchemaOf(route, spec) };
  });
}

const JobId = z
  .string()
  .meta({ aliases: ["id", "job", "job_name"], description: "The job's id, as schedule_job and list_jobs show it." });
const Key = z.string().meta({
  description:
    "Any text that names this call: for 24 hours the same call with it answers with the job that it made the first time. Use one where you might have to call again.",
});

const Shape = z.looseObject({
  properties: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  required: z.array(z.string()).default([]),
});

const shapeOf = (schema: z.ZodType | undefined): z.output<typeof Shape> =>
  Shape.parse(schema === undefined ? {} : wholeSchema(schema, "input"));

/** The parameters of the path by the names that the tools have for them: a job is named by `job_id` everywhere. */
const paramsOf = ({ path }: AnyRoute): readonly (readonly [param: string, field: string])[] =>
  [...path.matchAll(/:([^/]+)/g)].map(([, name = ""]) => [name, name === "id" ? "job_id" : name]);

/** The tool's fields at one level, as the texts about wrong calls know them. */
function rootOf(route: AnyRoute, spec: Omit<ToolSpec, "route">): Field {
  const ids = Object.fromEntries(paramsOf(route).map(([, field]) => [field, JobId]));
  const own = z.strictObject({ ...ids, ...(spec.idempotencyKey ? { idempotency_key: Key.optional() } : {}) });
  const shapes = [own, route.body?.shown ?? route.body?.schema, route.query];
  return joined(...shapes.flatMap((schema) => (schema === undefined ? [] : [fieldOf(schema)])));
}

/** The route's fields at one level: those of its path, its body and its query. */
function inputSchemaOf(route: AnyRoute, spec: Omit<ToolSpec, "route">) {
  const query = shapeOf(route.query);
  const body = shapeOf(route.body?.shown ?? route.body?.schema);
  const named = paramsOf(route).map(([, field]) => field);
  return {
    type: "object" as const,
    properties: {
      ...Object.fromEntries(named.map((field) => [field, wholeSchema(JobId, "input")])),
      ...body.properties,
      ...query.properties,
      ...(spec.idempotencyKey ? { idempotency_key: wholeSchema(Key, "input") } : {}),
    },
    required: [...named, ...body.required, ...query.required],
    additionalProperties: false,
  };
}

/** What the route is to be asked with these arguments. */
export function inputOf(tool: Tool, args: Fields, now: number): Input {
  const { route, root } = tool;
  const given = new Map(Object.entries(parsed(args, root)));
  const params: Record<string, string> = {};
  const wrong: FieldError[] = [];
  for (const [param, field] of paramsOf(route)) {
    const id = given.get(field);
    if (id !== undefined) given.delete(field);
    if (typeof id === "string" && id !== "") params[param] = id;
    else wrong.push({ path: field, message: missingText(fieldAt(root, [field]), now) });
  }
  const key = given.get("idempotency_key");
  if (tool.idempotencyKey) given.delete("idempotency_key");
  const inQuery = route.query instanceof z.ZodObject ? route.query.shape : {};
  const query: Record<string, unknown> = {};
  const body: [string, unknown][] = [];
  for (const [name, value] of given) {
    const isQuery = Object.hasOwn(inQuery, name) || route.body === undefined;
    if (!isQuery) body.push([name, value]);
    else query[name] = typeof value === "string" ? typed(inQuery[name], value) : value;
  }
  return {
    params,
    query,
    headers: tool.idempotencyKey && typeof key === "string" ? { "idempotency-key": key } : {},
    readBody: async () => ok(Object.fromEntries(body)),
    places: { arguments: root },
    ...(wrong.length === 0 ? {} : { faults: wrong }),
  };
}

/** The arguments with JSON text read where an object or a list is expected: models often send the text of one. */
function parsed(args: Fields, root: Field): Fields {
  return Object.fromEntries(
    Object.entries(args).map(([name, value]) => {
      const field = root.fields.find((one) => one.name === name);
      if (typeof value !== "string" || field === undefined || field.types.includes("string")) return [name, value];
      const isJson = /^\s*[[{]/.test(value) && field.types.some((type) => type === "object" || type === "array");
      return [name, isJson ? (parseOr(value) ?? value) : value];
    }),
  );
}

function parseOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
