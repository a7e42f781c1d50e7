/**
 * The tools of `/mcp` (docs/contract.md §12). Each stands for one route: its fields are the route's own, at one level, with
 * the job named by `job_id`; what it does, allows and answers is the route's. So a tool cannot drift from the API.
 */
import * as z from "zod";
import type { FieldError } from "../../domain/failure.ts";
import type { Caller } from "../../domain/job/access.ts";
import { ok } from "../../domain/result.ts";
import { typed } from "../input.ts";
import type { Input } from "../invoke.ts";
import type { AnyRoute } from "../route.ts";
import { missingText } from "../teach/explain.ts";
import { type Field, fieldAt, fieldOf, joined } from "../teach/field.ts";
import { briefProperties } from "./brief-schema.ts";
import { SPECS, type ToolSpec } from "./tool-texts.ts";
import type { Fields } from "./trim.ts";

/** A tool ready to be listed and called. */
export type Tool = Omit<ToolSpec, "route" | "withoutJob"> & {
  readonly route: AnyRoute;
  /** The route for calls without a job. */
  readonly withoutJob: AnyRoute | undefined;
  /** Its fields, for the texts about wrong calls. */
  readonly root: Field;
  /** JSON Schema (2020-12) of the arguments, in short. */
  readonly inputSchema: { readonly [name: string]: unknown; readonly type: "object" };
};

/** The tools over these routes, which must hold every one that a tool stands for. */
export function toolsOver(routes: readonly AnyRoute[]): readonly Tool[] {
  return SPECS.map(({ route: id, withoutJob, ...spec }) => {
    const route = routes.find((one) => one.id === id);
    if (route === undefined) throw new Error(`The tool ${spec.name} stands for ${id}, which is no route`);
    const root = rootOf(route, spec);
    const other = routes.find((one) => one.id === withoutJob);
    return {
      ...spec,
      route,
      withoutJob: other,
      root,
      inputSchema: inputSchemaOf(route, spec, root, other !== undefined),
    };
  });
}

const Key = z.string().meta({ description: "Names this call: a repeat within 24 hours makes no second job." });

/** The parameters of the path by the names that the tools have for them: `id` is a job's, an agent's, by the collection. */
const paramsOf = ({ path }: AnyRoute): readonly (readonly [param: string, field: string])[] =>
  [...path.matchAll(/([^/:]+)\/:([^/]+)/g)].map(([, collection = "", name = ""]) => [
    name,
    name === "id" ? `${collection.replace(/s$/, "")}_id` : name,
  ]);

/** The tool's fields at one level: those of its route's path, body and query. */
function rootOf(route: AnyRoute, spec: Omit<ToolSpec, "route">): Field {
  if (spec.own !== undefined) return fieldOf(spec.own.schema);
  const ids = Object.fromEntries(
    paramsOf(route).map(([param, field]) => [field, z.string().meta({ aliases: [param, field.replace(/_id$/, "")] })]),
  );
  const own = z.strictObject({ ...ids, ...(spec.idempotencyKey ? { idempotency_key: Key.optional() } : {}) });
  const shapes = [own, route.body?.shown ?? route.body?.schema, route.query];
  return joined(...shapes.flatMap((schema) => (schema === undefined ? [] : [fieldOf(schema)])));
}

/** The root as JSON Schema. `additionalProperties` stays unsaid: what is wrong is told by the answer, not by a client. */
function inputSchemaOf(route: AnyRoute, spec: Omit<ToolSpec, "route">, root: Field, jobIsOptional: boolean) {
  const ids = paramsOf(route).map(([, field]) => field);
  const needed = new Set([...(spec.own === undefined ? ids : []), ...(spec.required ?? [])]);
  if (jobIsOptional) needed.delete("job_id");
  const required = root.fields.filter(({ name, isRequired }) => isRequired || needed.has(name)).map(({ name }) => name);
  return {
    type: "object" as const,
    properties: briefProperties(root, spec.words === true),
    ...(required.length === 0 ? {} : { required: required.filter((name) => !jobIsOptional || name !== "job_id") }),
  };
}

/** What the route is to be asked with these arguments. */
export function inputOf(tool: Tool, route: AnyRoute, args: Fields, caller: Caller, now: number): Input {
  const { root, own } = tool;
  const read = parsed(args, root);
  const checked = own?.schema.safeParse(read);
  const given = new Map(Object.entries(checked?.success && own !== undefined ? own.toRoute(read, caller) : read));
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
