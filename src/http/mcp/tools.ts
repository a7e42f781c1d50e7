/**
 * The tools of `/mcp` (docs/contract.md §12). Each stands for one route: its fields are the route's own, at one level, with
 * the job named by `job_id`; what it does, allows and answers is the route's. So a tool cannot drift from the API.
 */
import * as z from "zod";
import type { FieldError } from "../../domain/failure.ts";
import { err, ok, type Result } from "../../domain/result.ts";
import { typed } from "../input.ts";
import type { Input } from "../invoke.ts";
import { wholeSchema } from "../json-schema.ts";
import type { AnyRoute } from "../route.ts";
import { SPECS, type ToolSpec } from "./tool-texts.ts";
import type { Fields } from "./trim.ts";

/** A tool ready to be listed and called. */
export type Tool = Omit<ToolSpec, "route"> & {
  readonly route: AnyRoute;
  /** JSON Schema (2020-12) of the arguments. */
  readonly inputSchema: { readonly [name: string]: unknown; readonly type: "object" };
};

/** The tools over these routes, which must hold every one that a tool stands for. */
export function toolsOver(routes: readonly AnyRoute[]): readonly Tool[] {
  return SPECS.map(({ route: id, ...spec }) => {
    const route = routes.find((one) => one.id === id);
    if (route === undefined) throw new Error(`The tool ${spec.name} stands for ${id}, which is no route`);
    return { ...spec, route, inputSchema: inputSchemaOf(route, spec) };
  });
}

const JobId = z.string().meta({ description: "The job's id, as schedule_job and list_jobs show it." });
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

/** What the route is to be asked with these arguments, or what is wrong with them before it can be asked. */
export function inputOf(tool: Tool, args: Fields): Result<Input, readonly FieldError[]> {
  const { route, name: toolName, inputSchema } = tool;
  const known = Object.keys(z.record(z.string(), z.unknown()).parse(inputSchema.properties));
  const { idempotency_key: key = null, ...rest } = args;
  const fields = new Map(Object.entries(rest));
  const wrong: FieldError[] = Object.keys(args)
    .filter((name) => !known.includes(name))
    .map((path) => ({
      path,
      message: `is not a field of ${toolName}; leave it out, or use one of ${known.join(", ")}`,
    }));
  const params: Record<string, string> = {};
  for (const [param, field] of paramsOf(route)) {
    const given = fields.get(field);
    fields.delete(field);
    if (typeof given === "string" && given !== "") params[param] = given;
    else wrong.push({ path: field, message: "is required: the id of a job, as list_jobs shows it" });
  }
  if (key !== null && typeof key !== "string") wrong.push({ path: "idempotency_key", message: "must be a string" });
  if (wrong.length > 0) return err(wrong);

  const inQuery = route.query instanceof z.ZodObject ? route.query.shape : {};
  const query: Record<string, unknown> = {};
  const body: Record<string, unknown> = {};
  for (const [name, value] of fields) {
    // A model that fills in every field writes null for "none"; in a patch null removes.
    if (value === null && route.method !== "patch") continue;
    if (!Object.hasOwn(inQuery, name)) body[name] = value;
    else query[name] = typeof value === "string" ? typed(inQuery[name], value) : value;
  }
  return ok({
    params,
    query,
    headers: typeof key === "string" ? { "idempotency-key": key } : {},
    readBody: async () => ok(body),
  });
}
