/**
 * The tools of `/mcp` (docs/contract.md §12). Each calls one route. Its fields are the route's own, at one level, with the
 * job named by `job_id`. The route decides what the tool does, allows and answers, so a tool cannot drift from the API.
 */
import * as z from "zod";
import type { FieldError } from "../../domain/failure.ts";
import type { Caller } from "../../domain/job/access.ts";
import { ok } from "../../domain/result.ts";
import { parseJson } from "../../domain/text/parse-json.ts";
import { typed } from "../input.ts";
import type { Input } from "../invoke.ts";
import type { AnyRoute } from "../route.ts";
import { explainIssues, missingText } from "../teach/explain.ts";
import { type Field, fieldAt, fieldOf, joined } from "../teach/field.ts";
import { sameName } from "../teach/near.ts";
import { withoutNulls } from "../teach/sound-part.ts";
import { json } from "../teach/write.ts";
import { zodWords } from "../teach/zod-words.ts";
import { briefProperties } from "./brief-schema.ts";
import { SPECS, type ToolSpec } from "./tool-texts.ts";
import type { Fields } from "./trim.ts";

/** A tool ready to be listed and called. */
export type Tool = Omit<ToolSpec, "route" | "withoutJob"> & {
  readonly route: AnyRoute;
  /** The route for calls without a job. */
  readonly withoutJob: AnyRoute | undefined;
  /** JSON Schema (2020-12) of the arguments, in short. */
  readonly inputSchema: { readonly [name: string]: unknown; readonly type: "object" };
};

/** The tools over these routes, which must include every route of a tool. */
export function toolsOver(routes: readonly AnyRoute[]): readonly Tool[] {
  const find = (id: string): AnyRoute => {
    const route = routes.find((one) => one.id === id);
    if (route === undefined) throw new Error(`A tool stands for ${id}, which is no route`);
    return route;
  };
  return SPECS.map(({ route: id, withoutJob: otherId, ...spec }) => {
    const route = find(id);
    const withoutJob = otherId === undefined ? undefined : find(otherId);
    const tool = { ...spec, route, withoutJob };
    return { ...tool, inputSchema: inputSchemaOf(tool) };
  });
}

/** The route for the arguments. */
export function routeFor({ route, withoutJob }: Tool, args: Fields): AnyRoute {
  const namesJob = Object.entries(args).some(
    ([name, value]) => value !== null && sameName(name, ["job_id", ...JOB_ALIASES]).length > 0,
  );
  return withoutJob === undefined || namesJob ? route : withoutJob;
}

const JOB_ALIASES = ["id", "job", "job_name"];

const Args = z.record(z.string(), z.unknown());
const Key = z.string().meta({ description: "Names this call: a repeat within 24 hours makes no second job." });

/** The path's parameters by their names in the tools. `id` is a job's or an agent's, by the collection. */
const paramsOf = ({ path }: AnyRoute): readonly (readonly [param: string, field: string])[] =>
  [...path.matchAll(/([^/:]+)\/:([^/]+)/g)].map(([, collection = "", name = ""]) => [
    name,
    name === "id" ? `${collection.replace(/s$/, "")}_id` : name,
  ]);

/** The tool's fields at one level for this route: those of the route's path, body and query. */
export function rootOf(tool: Omit<Tool, "inputSchema">, route: AnyRoute): Field {
  if (tool.own !== undefined) return fieldOf(tool.own.schema);
  const id = (param: string, field: string) =>
    z.string().meta({
      aliases: field === "job_id" ? JOB_ALIASES : [param, field.replace(/_id$/, "")],
      description: ID_WORDS[field] ?? `The id of the ${field.replace(/_id$/, "")}`,
    });
  const ids = Object.fromEntries(paramsOf(route).map(([param, field]) => [field, id(param, field)]));
  const own = z.strictObject({ ...ids, ...(tool.idempotencyKey ? { idempotency_key: Key.optional() } : {}) });
  const shapes = [own, route.body?.shown ?? route.body?.schema, route.query];
  return joined(...shapes.flatMap((schema) => (schema === undefined ? [] : [fieldOf(schema)])));
}

const NO_ID = "must be an id, as text that is not empty: take it from schedule_job, list_jobs or list_runs";
const ID_WORDS: Readonly<Record<string, string>> = {
  job_id: "The job's id, as schedule_job and list_jobs show it",
  run_id: "The run's id, as list_runs shows it",
};

/**
 * The arguments as JSON Schema. `additionalProperties` is left out, so that our answer and not the client explains an
 * unknown name.
 */
function inputSchemaOf(tool: Omit<Tool, "inputSchema">) {
  const { route, withoutJob, own, words = false, unlisted = [] } = tool;
  const whole = rootOf(tool, route);
  const root = { ...whole, fields: whole.fields.filter(({ name }) => !unlisted.includes(name)) };
  const other = withoutJob === undefined ? {} : briefProperties(rootOf(tool, withoutJob), words);
  const ids = own === undefined ? paramsOf(route).map(([, field]) => field) : [];
  const needed = new Set([...ids, ...(tool.required ?? [])]);
  const required = root.fields.filter(({ name, isRequired }) => isRequired || needed.has(name)).map(({ name }) => name);
  const isOptional = (name: string): boolean => withoutJob !== undefined && name === "job_id";
  return {
    type: "object" as const,
    properties: { ...briefProperties(root, words), ...other },
    ...(required.length === 0 ? {} : { required: required.filter((name) => !isOptional(name)) }),
  };
}

/** The request to the route with these arguments. */
export function inputOf(tool: Tool, route: AnyRoute, args: Fields, caller: Caller, now: number): Input {
  const root = rootOf(tool, route);
  const places = { arguments: root };
  const { own } = tool;
  const read = Args.parse(own === undefined ? parsed(args, root) : withoutNulls(parsed(args, root), root));
  const checked = own?.schema.safeParse(read, { error: zodWords });
  const ownFaults =
    checked?.success === false ? explainIssues(checked.error.issues, read, "arguments", { places, now }) : [];
  const meant = checked?.success ? Args.parse(checked.data) : read;
  const given = new Map(
    Object.entries({ ...tool.defaults, ...(own === undefined ? read : own.toRoute(meant, caller)) }),
  );
  const params: Record<string, string> = {};
  const wrong: FieldError[] = [...ownFaults];
  for (const [param, field] of paramsOf(route)) {
    const id = given.get(field);
    if (id !== undefined) given.delete(field);
    if (typeof id === "string" && id !== "") params[param] = id;
    else
      wrong.push({
        path: field,
        message: id === undefined || id === null ? missingText(fieldAt(root, [field]), now) : NO_ID,
      });
  }
  const key = given.get("idempotency_key");
  if (tool.idempotencyKey) given.delete("idempotency_key");
  // If a wrong key were silently dropped, a repeat would create a second job.
  if (tool.idempotencyKey && key !== undefined && key !== null && typeof key !== "string") {
    wrong.push({ path: "idempotency_key", message: `must be a string; write ${json(String(key))}` });
  }
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
    places,
    ...(wrong.length === 0 ? {} : { faults: wrong }),
  };
}

/** The arguments with parsed JSON text where an object or a list is expected, since models often send text there. */
function parsed(args: Fields, root: Field): Fields {
  return Object.fromEntries(
    Object.entries(args).map(([name, value]) => {
      const field = root.fields.find((one) => one.name === name);
      if (typeof value !== "string" || field === undefined || field.types.includes("string")) return [name, value];
      const isJson = /^\s*[[{]/.test(value) && field.types.some((type) => type === "object" || type === "array");
      return [name, isJson ? (parseJson(value) ?? value) : value];
    }),
  );
}
