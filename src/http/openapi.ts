/**
 * `/openapi.json`: the API's description (OpenAPI 3.1). It is made from the routes and their schemas, so it cannot drift.
 */

import * as z from "zod";
import { version } from "../../package.json";
import { compact } from "../domain/compact.ts";
import { callersOf } from "./auth.ts";
import type { ErrorCode } from "./failure.ts";
import { type Io, jsonSchema } from "./json-schema.ts";
import { ProblemBody } from "./problem.ts";
import { ANSWERS } from "./problem-answers.ts";
import { type AnswerSpec, type AnyRoute, type BodySpec, route } from "./route.ts";
import { CALLS_TAG, TAGS } from "./tags.ts";
import { SIGNATURE_HEADERS, WEBHOOKS } from "./webhooks.ts";

type Json = Record<string, unknown>;

const DESCRIPTION = `A scheduler for AI agents: wake me at, every, or by cron.

Times are RFC 3339 in UTC with milliseconds; on input any offset is taken. Durations are strings such as \`90s\`, \`1h30m\`, \`2d\`.
Optional fields that are empty are left out. \`null\` counts as left out, except in a merge patch (PATCH), where it removes a field. Unknown fields are errors. Sizes are bytes of UTF-8.
Errors are \`application/problem+json\` (RFC 9457): \`code\` tells what happened, \`hint\` how to correct the call. An unknown path is
404 \`not_found\`; a method that a path does not have is 405 \`method_not_allowed\`, with \`Allow\`. Every answer carries \`X-Request-Id\`.

A token sees and touches only jobs that match every id it carries; others are 404.`;

/** The route that answers the description of `routes` and of itself. */
export function describeApi(routes: readonly AnyRoute[]) {
  let document: Json | undefined;
  const describe = route({
    method: "get",
    path: "/openapi.json",
    access: "public",
    id: "getOpenApi",
    tag: "Service",
    summary: "This description",
    answers: { 200: { description: "OpenAPI 3.1.", schema: z.record(z.string(), z.unknown()) } },
    async handle({ settings }) {
      document ??= openApi([...routes, describe]);
      const servers = settings.PUBLIC_URL === undefined ? {} : { servers: [{ url: settings.PUBLIC_URL }] };
      return Response.json({ ...document, ...servers });
    },
  });
  return describe;
}

/** The OpenAPI 3.1 document of these routes. */
export function openApi(routes: readonly AnyRoute[]): Json {
  const components = new Components();
  components.schema(ProblemBody, "output");
  for (const { answers } of routes) {
    for (const { schema } of Object.values(answers)) if (schema !== undefined) components.schema(schema, "output");
  }
  const paths: Record<string, Json> = {};
  for (const declared of routes) {
    const path = declared.path.replace(/:([^/]+)/g, "{$1}");
    paths[path] = { ...paths[path], [declared.method]: operation(declared, components) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Reveille", version, description: DESCRIPTION, license: { name: "MIT", identifier: "MIT" } },
    servers: [{ url: "/" }],
    tags: [...new Set([...routes.map(({ tag }) => tag), CALLS_TAG])].map((name) => ({ name, description: TAGS[name] })),
    security: [{ bearer: [] }],
    paths,
    webhooks: Object.fromEntries(WEBHOOKS.map((call) => [call.name, webhook(call, components)])),
    components: {
      schemas: components.schemas,
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "The operator's ADMIN_TOKEN, or a token made by POST /v1/tokens.",
        },
      },
    },
  };
}

function operation(declared: AnyRoute, components: Components): Json {
  const { id, tag, summary, description, access, body } = declared;
  const callers = callersOf(access);
  const about = [...(description === undefined ? [] : [description]), ...(callers === undefined ? [] : [callers])].join(
    "\n\n",
  );
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(about === "" ? {} : { description: about }),
    ...(callers === undefined ? { security: [] } : {}),
    ...parameters(declared),
    ...(body === undefined ? {} : { requestBody: requestBody(body, components) }),
    responses: responses(declared, components),
  };
}

const Examples = z.array(z.unknown()).default([]);

/** The request body. The example stands beside the schema too, since viewers fill their forms with that one. */
function requestBody(
  { schema, shown = schema, types = ["application/json"], optional }: BodySpec,
  components: Components,
): Json {
  const [example] = Examples.parse(z.globalRegistry.get(shown)?.examples);
  const content = { schema: components.schema(shown, "input"), ...compact({ example }) };
  return { required: optional !== true, content: Object.fromEntries(types.map((type) => [type, content])) };
}

function webhook(
  { name, summary, description, body, answers }: (typeof WEBHOOKS)[number],
  components: Components,
): Json {
  const signature = Object.entries(SIGNATURE_HEADERS).map(([header, about]) => ({
    name: header,
    in: "header",
    required: true,
    description: about,
    schema: { type: "string" },
  }));
  return {
    post: {
      operationId: `receive.${name}`,
      tags: [CALLS_TAG],
      summary,
      description,
      security: [],
      parameters: signature,
      requestBody: { required: true, content: { "application/json": { schema: components.schema(body, "output") } } },
      responses: Object.fromEntries(Object.entries(answers).map(([status, about]) => [status, { description: about }])),
    },
  };
}

function parameters({ path, query, headers }: AnyRoute): Json {
  const inPath = [...path.matchAll(/:([^/]+)/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    description: paramAbout(path, name ?? ""),
    schema: { type: "string" },
  }));
  const all = [...inPath, ...fieldsOf(query, "query"), ...fieldsOf(headers, "header")];
  return all.length === 0 ? {} : { parameters: all };
}

/** `/v1/fan-outs/:fan_out_id`: "The fan-out's id." */
function paramAbout(path: string, name: string): string {
  const collection = path.split(`/:${name}`, 1)[0]?.split("/").at(-1) ?? "";
  return `The ${collection.replace(/s$/, "")}'s ${name.endsWith("id") ? "id" : name}.`;
}

function fieldsOf(schema: z.ZodType | undefined, place: "query" | "header"): Json[] {
  if (schema === undefined) return [];
  const { properties, required } = Shape.parse(jsonSchema(schema, "input"));
  return Object.entries(properties ?? {}).map(([name, { description, ...field }]) => ({
    name: place === "header" ? headerName(name) : name,
    in: place,
    required: required?.includes(name) === true,
    ...compact({ description }),
    schema: field,
  }));
}

const Shape = z.object({
  properties: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
  required: z.array(z.string()).optional(),
});

/** A header's usual spelling: `If-Match` for `if-match`. */
const headerName = (name: string): string => name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());

function response({ description, schema, contentType, headers }: AnswerSpec, components: Components): Json {
  return {
    description,
    ...(headers === undefined
      ? {}
      : {
          headers: Object.fromEntries(
            Object.entries(headers).map(([name, text]) => [name, { description: text, schema: { type: "string" } }]),
          ),
        }),
    ...(schema === undefined && contentType === undefined
      ? {}
      : {
          content: {
            [contentType ?? "application/json"]: {
              schema: schema === undefined ? { type: "string" } : components.schema(schema, "output"),
            },
          },
        }),
  };
}

/** The error codes of this route: its own, and those that follow from its input. */
function errorsOf({ access, body, errors }: AnyRoute): readonly ErrorCode[] {
  // Every route refuses an unknown query parameter.
  const codes: ErrorCode[] = [...(errors ?? []), "validation_failed", "internal"];
  if (access === "health") return codes;
  codes.push("not_configured");
  if (access !== "public") codes.push("unauthorized", "forbidden", "rate_limited");
  if (body !== undefined) codes.push("invalid_json", "payload_too_large", "unsupported_media_type");
  return codes;
}

/** Every status of a call's answer. A status that is both an answer and an error has a form for each. */
function responses(declared: AnyRoute, components: Components): Json {
  const made = new Map<number, Json>();
  for (const [status, answer] of Object.entries(declared.answers))
    made.set(Number(status), response(answer, components));
  for (const [status, codes] of byStatus(errorsOf(declared))) {
    const present = Made.parse(made.get(status) ?? {});
    const error = errorResponse(codes);
    made.set(status, {
      ...error,
      description:
        present.description === undefined ? error.description : `${present.description} Or ${error.description}.`,
      content: { ...present.content, ...error.content },
    });
  }
  return Object.fromEntries(made);
}

const Made = z.object({
  description: z.string().optional(),
  content: z.record(z.string(), z.unknown()).optional(),
});

function byStatus(codes: readonly ErrorCode[]): ReadonlyMap<number, readonly ErrorCode[]> {
  return Map.groupBy(codes, (code) => ANSWERS[code].status);
}

function errorResponse(codes: readonly ErrorCode[]) {
  const headers = codes.flatMap((code) => {
    const header = ANSWERS[code].header;
    return header === undefined ? [] : [[header[0], { description: header[1], schema: { type: "string" } }]];
  });
  return {
    description: codes.map((code) => `\`${code}\``).join(" or "),
    ...(headers.length === 0 ? {} : { headers: Object.fromEntries(headers) }),
    content: {
      "application/problem+json": {
        schema: { allOf: [{ $ref: "#/components/schemas/Problem" }, { properties: { code: { enum: codes } } }] },
      },
    },
  };
}

/**
 * The shared schemas, under `components`. A schema with an id is there once. If the input form differs from the output
 * form, because defaults make fields optional, it is `…Input`.
 */
class Components {
  readonly schemas: Record<string, unknown> = {};

  /** The schema with references to the components in place of its named parts. */
  schema(schema: z.ZodType, io: Io): unknown {
    const { $defs, ...root } = jsonSchema(schema, io);
    const parts = new Map(Object.entries(Parts.parse($defs) ?? {}));
    const rootId = typeof root.id === "string" ? root.id : undefined;
    if (rootId !== undefined) parts.set(rootId, root);
    const names = this.#namesFor(parts);
    for (const [id, part] of parts) this.schemas[names.get(id) ?? id] = moved(part, names);
    return rootId === undefined ? moved(root, names) : { $ref: `#/components/schemas/${names.get(rootId)}` };
  }

  /** The names of the parts. A part is renamed if another form of it has its name, and the references follow. */
  #namesFor(parts: ReadonlyMap<string, Json>): ReadonlyMap<string, string> {
    const names = new Map([...parts.keys()].map((id) => [id, id]));
    const isTaken = ([id, part]: [string, Json]): boolean => {
      const present = this.schemas[id];
      return (
        names.get(id) === id && present !== undefined && JSON.stringify(present) !== JSON.stringify(moved(part, names))
      );
    };
    for (let taken = [...parts].find(isTaken); taken !== undefined; taken = [...parts].find(isTaken)) {
      names.set(taken[0], `${taken[0]}Input`);
    }
    return names;
  }
}

const Parts = z.record(z.string(), z.record(z.string(), z.unknown())).optional();

/** The schema without its `id`, its references pointing to the components. */
function moved({ id: _id, ...schema }: Json, names: ReadonlyMap<string, string>): unknown {
  return moveRefs(schema, names);
}

/** The same JSON, with every `#/$defs/X` replaced by a reference to the components. */
function moveRefs(value: unknown, named: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((item) => moveRefs(item, named));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key !== "$ref" || typeof inner !== "string") return [key, moveRefs(inner, named)];
      const name = inner.replace("#/$defs/", "");
      return [key, `#/components/schemas/${named.get(name) ?? name}`];
    }),
  );
}
