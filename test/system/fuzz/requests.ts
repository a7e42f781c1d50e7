/** Requests generated from the API's description: valid, faulty and broken ones. */
import fc from "fast-check";
import * as z from "zod";
import { allowed, oddText, type Resolve, type Schema, spoilt } from "./values.ts";

const AnySchema = z.record(z.string(), z.unknown());
const Content = z.record(z.string(), z.object({ schema: AnySchema.optional() }));
const OperationShape = z.object({
  operationId: z.string(),
  parameters: z
    .array(z.object({ name: z.string(), in: z.enum(["path", "query", "header"]), schema: AnySchema }))
    .default([]),
  requestBody: z.object({ content: Content }).optional(),
  responses: z.record(z.string(), z.object({ content: Content.optional() })),
});
export const ApiDocument = z.object({
  paths: z.record(z.string(), z.record(z.string(), OperationShape)),
  components: z.object({ schemas: z.record(z.string(), AnySchema) }),
});
export type ApiDocument = z.infer<typeof ApiDocument>;

export type Operation = z.infer<typeof OperationShape> & { readonly method: string; readonly path: string };

export const operationsOf = ({ paths }: ApiDocument): readonly Operation[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path })),
  );

/** A part of a path: an id that exists when the request is sent, the `nth` of its kind, or any text. */
export type Piece = { readonly nth: number } | { readonly raw: string };

export type FuzzRequest = {
  readonly operation: Operation;
  /** The method of the operation, or another one. */
  readonly method: string;
  /** The value of each parameter of the path. */
  readonly pieces: Readonly<Record<string, Piece>>;
  /** The query, with its `?`. */
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The bytes as base64, so that a counterexample can be read and sent again. */
  readonly body: string | undefined;
  readonly token: (typeof TOKENS)[number];
};

export const TOKENS = [
  "admin",
  "agent",
  "user",
  "plugin",
  "viewer",
  "reader",
  "limited",
  "none",
  "broken",
  "trigger",
] as const;

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const RAW_PIECES = [
  "%",
  "%ff",
  "%00",
  "..",
  "%2e%2e",
  "%2F",
  "a%20b",
  "__proto__",
  "x".repeat(3_000),
  "*",
  "~",
  ";a=b",
];

const weighted = <T>(...choices: readonly (readonly [number, fc.Arbitrary<T>])[]): fc.Arbitrary<T> =>
  fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })));

const piece: fc.Arbitrary<Piece> = weighted<Piece>(
  [12, fc.record({ nth: fc.nat(1_000) })],
  [1, fc.constantFrom(...RAW_PIECES).map((raw) => ({ raw }))],
  [1, fc.string({ unit: "binary", minLength: 1, maxLength: 30 }).map((text) => ({ raw: encodeURIComponent(text) }))],
  [1, fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/).map((raw) => ({ raw }))],
);

/** A header value of visible ASCII, or of other bytes that HTTP allows. */
const headerText = fc.oneof(
  fc.constantFrom('"1"', "*", 'W/"1"', "1", '""', "0", "-1", "9".repeat(400), "a,b", "\u00ff"),
  fc.stringMatching(/^[\x21-\x7e]{1,40}$/),
);

export const Tool = z.object({ name: z.string(), inputSchema: AnySchema });
export type Tool = z.infer<typeof Tool>;

/** A body that an import accepts. It also takes any other object, and reports its faults. */
const TAKEN_BY_IMPORT: Schema = {
  type: "object",
  properties: {
    id: { type: "string" },
    name: { type: "string" },
    message: { type: "string" },
    schedule: { $ref: "#/components/schemas/Schedule" },
    enabled: { type: "boolean" },
    created_at: { type: "string" },
    finished_at: { type: "string" },
    anchor_at: { type: "string" },
    state: { enum: ["active", "paused", "finished"] },
    fires: { type: "integer" },
  },
  required: ["id", "name", "schedule"],
};

/** Requests to any operation of the document, and to any tool. */
export function requests(document: ApiDocument, tools: readonly Tool[]): fc.Arbitrary<FuzzRequest> {
  const resolve: Resolve = (ref) => {
    const name = ref.replace("#/components/schemas/", "");
    return name === "ImportedJob" ? TAKEN_BY_IMPORT : (document.components.schemas[name] ?? {});
  };
  return fc.oneof(
    ...operationsOf(document)
      .filter(({ operationId }) => operationId === "callMcp")
      .flatMap((operation) =>
        tools.map((tool) => ({
          weight: tool.name === "schedule_job" ? 4 : 1,
          arbitrary: toolCall(operation, tool, resolve),
        })),
      ),
    ...operationsOf(document)
      .filter(({ operationId }) => operationId === "callMcp")
      .map((operation) => ({ weight: 4, arbitrary: protocolCall(operation, tools) })),
    ...operationsOf(document).map((operation) => ({
      // More objects are created than deleted.
      weight: operation.operationId === "createJob" ? 5 : 1,
      arbitrary: requestTo(operation, resolve),
    })),
  );
}

function toolCall(operation: Operation, { name, inputSchema }: Tool, resolve: Resolve): fc.Arbitrary<FuzzRequest> {
  // The list of tools describes a job in short. The API's own schema generates calls that are accepted.
  const whole = name === "schedule_job" ? { $ref: "#/components/schemas/JobInput" } : inputSchema;
  const fitting = allowed(whole, resolve).map(withoutWaiting);
  const names = weighted(
    [19, fc.constant(name)],
    [1, fc.constantFrom(`${name}s`, name.toUpperCase(), "", "__proto__")],
  );
  return fc.record({
    operation: fc.constant(operation),
    method: fc.constant(operation.method),
    pieces: fc.constant({}),
    query: fc.constant(""),
    headers: fc.constant({ "content-type": "application/json", accept: "application/json, text/event-stream" }),
    body: fc
      .tuple(names, weighted([2, fitting], [1, spoilt(fitting)]))
      .map(([named, given]) =>
        Buffer.from(
          JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: named, arguments: given } }),
        ).toString("base64"),
      ),
    token: weighted([8, fc.constant<(typeof TOKENS)[number]>("admin")], [2, fc.constantFrom(...TOKENS)]),
  });
}

/** Messages of the protocol other than calls of tools, valid and faulty, alone and in batches. */
function protocolCall(operation: Operation, tools: readonly Tool[]): fc.Arbitrary<FuzzRequest> {
  const names = fc.constantFrom("run.failed", "job.paused", "run.offered", "none", "");
  const poll = fc.record(
    {
      name: names,
      arguments: fc.oneof(fc.constant({}), fc.record({ job_id: oddText }), fc.record({ agent_id: fc.constant("a1") })),
      cursor: fc.oneof(fc.constant(null), oddText),
      maxEvents: fc.integer({ min: -1, max: 1_000 }),
      maxAgeMs: fc.integer({ min: -1, max: 1_000_000 }),
    },
    { requiredKeys: ["name"] },
  );
  const list = fc.constantFrom(...tools.map(({ name }) => name)).map((name) => ({ name, arguments: {} }));
  const uris = fc.constantFrom("reveille://guide", "file:///etc/passwd", "", "http://127.0.0.1:9/");
  const fitting = fc.oneof(
    fc.tuple(fc.constant("events/poll"), poll),
    fc.tuple(fc.constant("events/list"), fc.constant({})),
    fc.tuple(fc.constantFrom("tools/list", "resources/list", "prompts/list", "ping"), fc.constant({})),
    fc.tuple(fc.constant("tools/call"), list),
    fc.tuple(fc.constant("resources/read"), fc.record({ uri: uris })),
    fc.tuple(fc.constant("prompts/get"), fc.record({ name: oddText })),
    fc.tuple(oddText, fc.constant({})),
  );
  const message = fitting.chain(([method, params]) => {
    const whole = fc.constant({ jsonrpc: "2.0", id: 1, method, params });
    return weighted<unknown>([3, whole], [1, spoilt(whole)]);
  });
  const body = weighted<unknown>([6, message.map(unwaiting)], [1, fc.array(message.map(unwaiting), { maxLength: 6 })]);
  return fc.record({
    operation: fc.constant(operation),
    method: fc.constant(operation.method),
    pieces: fc.constant({}),
    query: fc.constant(""),
    headers: fc.constant({ "content-type": "application/json", accept: "application/json, text/event-stream" }),
    body: body.map((sent) => Buffer.from(JSON.stringify(sent)).toString("base64")),
    token: weighted([4, fc.constant<(typeof TOKENS)[number]>("admin")], [2, fc.constantFrom(...TOKENS)]),
  });
}

/** The message, or a ping in place of `wait_for_run`, which would wait for its default time. */
const unwaiting = (message: unknown): unknown =>
  JSON.stringify(message).includes("wait_for_run") ? { jsonrpc: "2.0", id: 1, method: "ping" } : message;

/** The arguments with a wait of zero. */
const withoutWaiting = (given: unknown): unknown =>
  typeof given === "object" && given !== null && "wait_seconds" in given && typeof given.wait_seconds === "number"
    ? { ...given, wait_seconds: 0 }
    : given;

function requestTo(operation: Operation, resolve: Resolve): fc.Arbitrary<FuzzRequest> {
  const named = (place: string) => operation.parameters.filter((parameter) => parameter.in === place);
  return fc.record({
    operation: fc.constant(operation),
    method: weighted([19, fc.constant(operation.method)], [1, fc.constantFrom(...METHODS)]),
    pieces: fc.record(Object.fromEntries(named("path").map(({ name }) => [name, piece]))),
    query: queries(named("query"), resolve),
    headers: fc
      .tuple(
        fc.record(Object.fromEntries(named("header").map(({ name }) => [name, maybe(headerText)]))),
        types(operation),
      )
      .map(([own, type]) =>
        Object.fromEntries(
          Object.entries({ ...own, "content-type": type }).flatMap(([name, value]) =>
            value === undefined ? [] : [[name, value]],
          ),
        ),
      ),
    body: bodies(operation, resolve).map((bytes) => bytes?.toString("base64")),
    token: weighted([8, fc.constant<(typeof TOKENS)[number]>("admin")], [2, fc.constantFrom(...TOKENS)]),
  });
}

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  weighted<T | undefined>([4, fc.constant(undefined)], [1, arbitrary]);

type Parameter = Operation["parameters"][number];

function queries(parameters: readonly Parameter[], resolve: Resolve): fc.Arbitrary<string> {
  const written = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [String(value)]);
  const pairs = parameters.map(({ name, schema }) => {
    const value = weighted<unknown>([4, allowed(schema, resolve, name)], [1, oddText]);
    return maybe(
      value.map((given) =>
        written(given)
          .map((text) => `${name}=${encode(text)}`)
          .join("&"),
      ),
    );
  });
  const stray = maybe(
    fc.oneof(
      oddText.map((text) => `${encode(text)}=1`),
      fc.constantFrom("%", "a=%ff", "&&&", "limit=1&limit=2", "cursor=", "dry_run", "=", "limit=%D9%A1"),
    ),
  );
  // A stray parameter is refused nearly everywhere, so it must be rare.
  const strays = weighted<string | undefined>([3, fc.constant(undefined)], [1, stray]);
  return fc.tuple(...pairs, strays).map((parts) => {
    const all = parts.filter((part) => part !== undefined && part !== "").join("&");
    return all === "" ? "" : `?${all.slice(0, 6_000)}`;
  });
}

/** Encodes a text, in which half characters are replaced, since `encodeURIComponent` throws at them. */
const encode = (text: string): string => encodeURIComponent(text.toWellFormed());

const typesOf = ({ requestBody }: Operation): string[] => Object.keys(requestBody?.content ?? {});

function types(operation: Operation): fc.Arbitrary<string | undefined> {
  const [first = "application/json", ...more] = typesOf(operation);
  const fitting = [first, ...more].flatMap((type) => [type, `${type}; charset=utf-8`]);
  const others = [
    "text/html",
    "multipart/form-data; boundary=x",
    "application/xml",
    ";",
    "a",
    "application/json/x",
    " ",
  ];
  return weighted<string | undefined>(
    [24, fc.constantFrom(...fitting)],
    [1, fc.constantFrom(...others)],
    [1, fc.constant(undefined)],
  );
}

const BROKEN_BODIES = [
  "",
  "{",
  "[}",
  '{"name":"a",}',
  "\ufeff{}",
  "NaN",
  "undefined",
  "'a'",
  '{"name":"a"} {}',
  '"\ud800"',
  "[".repeat(50_000),
  `${"[".repeat(5_000)}${"]".repeat(5_000)}`,
  `{"a":${"1".repeat(2_000)}}`,
  '{"__proto__":{"admin":true},"constructor":{"prototype":{}}}',
  `{"name":"${"a".repeat(300_000)}"}`,
].map((text) => Buffer.from(text));
const NOT_UTF8 = [Buffer.from([0xff, 0xfe, 0x7b, 0x7d]), Buffer.from([0x22, 0xc3, 0x28, 0x22]), Buffer.from([0x00])];

function bodies(operation: Operation, resolve: Resolve): fc.Arbitrary<Buffer | undefined> {
  const broken = fc.constantFrom(...BROKEN_BODIES, ...NOT_UTF8);
  const [type] = typesOf(operation);
  if (operation.requestBody === undefined || type === undefined) {
    return weighted<Buffer | undefined>([9, fc.constant(undefined)], [1, broken]);
  }
  const schema: Schema = operation.requestBody.content[type]?.schema ?? {};
  const fitting = allowed(schema, resolve, type === "text/markdown" ? "document" : "");
  const text = (value: unknown): Buffer =>
    Buffer.from(type.endsWith("json") ? JSON.stringify(value) : String(value).toWellFormed());
  return weighted<Buffer | undefined>(
    [10, fitting.map(text)],
    [6, spoilt(fitting).map(text)],
    [1, broken],
    [1, oddText.map((odd) => Buffer.from(JSON.stringify(odd)))],
    [1, fc.constant(undefined)],
  );
}
