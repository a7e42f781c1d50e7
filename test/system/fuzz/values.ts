/** Values for the fuzz run: valid ones by a JSON schema, invalid ones, and absurd ones. */
import fc from "fast-check";
import * as z from "zod";

/** The part of JSON Schema that the API's description uses. */
export type Schema = { readonly [keyword: string]: unknown };
const SchemaShape: z.ZodType<Schema> = z.record(z.string(), z.unknown());

/** Resolves `#/components/schemas/X`. */
export type Resolve = (ref: string) => Schema;

const HALF = ["\ud800", "a\udc00b", "\udfff\ud800"];
const ODD_TEXTS = [
  "",
  " ",
  "\u0000",
  "a\u0000b",
  "\r\nx: y",
  "\u202etxt.exe",
  "e\u0301",
  "\ufeff",
  "\uffff",
  "👩‍👩‍👧‍👦",
  "İstanbul ſ ß",
  "null",
  "__proto__",
  "constructor",
  "' OR 1=1 --",
  "%_%",

  "<script>alert(1)</script>",
  "../../etc/passwd",
  "-1",
  "1e400",
  "9007199254740993",
];

/** Strings of any kind. Only texts inside JSON have halves of characters, since JSON can write them as escapes. */
export const oddText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...ODD_TEXTS),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 200 }),
  fc.integer({ min: 60, max: 70_000 }).map((length) => "ü".repeat(length)),
);

const hugeNumber = fc.constantFrom(
  ...[0, -0, -1, 0.5, 101, 2 ** 31, 2 ** 53 - 1, 2 ** 53, 2 ** 63, 8.64e15 + 1, 1e21, 1e308, -1e308, 5e-324],
);

const deep = (depth: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
};

/** Any value of JSON. */
export const junk: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(null, true, false, [], {}, [[]], [null], { "": 0 }),
  oddText,
  fc.constantFrom(...HALF),
  hugeNumber,
  fc.integer({ min: 2, max: 150 }).map(deep),
  fc.jsonValue({ maxDepth: 3 }),
);

/** In a body: the id of a job that exists when the request is sent. */
export const KNOWN_JOB = "{a job}";

/**
 * Valid texts of fields whose format only code knows, not the schema. Without them hardly a request would pass the first
 * check. No URL leads off this machine.
 */
const KNOWN_TEXTS: Readonly<Record<string, readonly string[]>> = {
  cron: ["0 9 * * 1-5", "*/7 * * * *", "@daily", "0 0 29 2 *", "CRON_TZ=Asia/Tokyo 30 4 L * ?", "0 0 30 2 *"],
  every: ["1h", "36h", "90m", "365d", "1s", "1.5h", "366d", "1ns"],
  at: ["2099-01-15T14:30:00+08:00", "2026-02-29T00:00:00Z", "9999-12-31T23:59:59.999Z", "1970-01-01T00:00:00Z"],
  starts_at: ["2099-01-01T00:00:00Z", "2020-01-01T00:00:00-12:00"],
  ends_at: ["2199-01-01T00:00:00Z", "2020-01-01T00:00:00Z"],
  from: ["2026-01-01T00:00:00Z", "2026-11-01T00:00:00Z", "0000-01-01T00:00:00Z", "+275760-09-13T00:00:00Z"],
  to: ["2026-01-02T00:00:00Z", "2026-11-03T00:00:00Z", "9999-12-31T23:59:59Z"],
  timezone: ["Europe/Berlin", "UTC", "America/St_Johns", "Mars/Olympus", "+05:30", "../UTC"],
  jitter: ["5m", "0s", "365d"],
  timeout: ["1s", "10m", "11m"],
  completion_timeout: ["1s", "7d"],
  catchup_window: ["0s", "365d", "24h"],
  min_backoff: ["1s", "5s"],
  max_backoff: ["10m", "1s"],
  expires_in: ["1s", "1h", "365d", "366d"],
  url: ["http://127.0.0.1:9/", "http://127.0.0.1:9/x?y=z", "ftp://127.0.0.1/", "https://", "http://[::1]:9/"],
  secret: ["whsec_dGhlIHNlY3JldCBvZiB0aGUgYWdlbnQgaW4gdGVzdHM=", "whsec_", "secret"],
  id: Array.from({ length: 30 }, (_, index) => `import-${index}`),
  job_id: [KNOWN_JOB],
  created_at: ["2026-01-01T00:00:00.000Z", "2099-01-01T00:00:00Z"],
  updated_at: ["2026-01-01T00:00:00.000Z"],
  anchor_at: ["2026-01-01T00:00:00.000Z", "1970-01-01T00:00:00Z"],
  finished_at: ["2026-11-22T00:00:00.000Z", "2020-01-01T00:00:00Z"],
  last_run_at: ["2026-11-22T00:00:00.000Z"],
  next_run_at: ["2026-11-22T00:00:00.000Z"],
  name: ["one", "two", "Ünïcode", "main"],
  agent_id: ["", "a1", "a2"],
  user_id: ["", "u1", "u2", "42"],
  plugin_id: ["p1", "p2"],
  label: ["k:v", "a:", ":", "k:v:w"],
  state: ["active", "paused,finished", "active,,", "active,paused,finished"],
  cursor: ["e30", "AAAA", "eyJhIjoxfQ", "!", "MTIz"],
  document: ["# Look\n\n- at the mail"],
};

/** Whole schedules, since few of the fields above are valid together. */
const SCHEDULES = [
  { every: "1h" },
  { every: "36h", jitter: "5m", max_runs: 3 },
  { every: "2d", starts_at: "2099-01-01T00:00:00Z" },
  { cron: "0 9 * * 1-5", timezone: "Europe/Berlin" },
  { cron: "CRON_TZ=Asia/Tokyo 30 4 L * ?", ends_at: "2199-01-01T00:00:00Z" },
  { cron: "@daily" },
  { at: "2099-01-15T14:30:00+08:00" },
];

/** Values that the schema's keywords allow. `name` is the property's, for {@link KNOWN_TEXTS}. */
export function allowed(schema: Schema, resolve: Resolve, name = "", depth = 0): fc.Arbitrary<unknown> {
  const sub = (inner: unknown, innerName = name) => allowed(SchemaShape.parse(inner), resolve, innerName, depth + 1);
  const several = (inner: unknown) => z.array(SchemaShape).parse(inner);
  if (depth > 10) return fc.constant(null);
  if (name === "schedule" && depth < 7 && schema.$ref !== undefined) {
    const own = allowed(resolve(String(schema.$ref)), resolve, "", depth + 1);
    return fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...SCHEDULES) }, own);
  }
  if (typeof schema.$ref === "string") return allowed(resolve(schema.$ref), resolve, name, depth + 1);
  if ("const" in schema) return fc.constant(schema.const);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum);
  for (const keyword of ["anyOf", "oneOf"] as const) {
    if (schema[keyword] !== undefined) return fc.oneof(...several(schema[keyword]).map((inner) => sub(inner)));
  }
  const known = KNOWN_TEXTS[name];
  switch (schema.type) {
    case "string": {
      const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 });
      return known === undefined ? text : fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...known) }, text);
    }
    case "integer":
    case "number": {
      const min = typeof schema.minimum === "number" ? schema.minimum : 0;
      const max = typeof schema.maximum === "number" ? schema.maximum : 1_000;
      return fc.integer({ min: Math.max(min, -(2 ** 31)), max: Math.min(Math.max(max, min), 2 ** 31) });
    }
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array":
      return fc.array(sub(schema.items ?? {}), { maxLength: 4 });
    case "object":
      return objects(schema, sub);
    default:
      return schema.properties === undefined ? junk : objects(schema, sub);
  }
}

const ObjectShape = z.object({
  properties: z.record(z.string(), SchemaShape).default({}),
  required: z.array(z.string()).default([]),
  additionalProperties: z.unknown().optional(),
});

function objects(schema: Schema, sub: (inner: unknown, name: string) => fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const { properties, required, additionalProperties } = ObjectShape.parse(schema);
  const fields = Object.entries(properties);
  if (fields.length === 0) {
    const value = additionalProperties === false ? fc.constant(null) : fc.oneof(oddText, fc.jsonValue({ maxDepth: 2 }));
    return additionalProperties === false ? fc.constant({}) : fc.dictionary(oddText, value, { maxKeys: 4 });
  }
  // Few optional fields, since each further one makes it less likely that all are valid together. Most jobs need a message.
  const field = ([name, inner]: [string, Schema]) => {
    const value = sub(inner, name).map((given): [string, unknown][] => [[name, given]]);
    return required.includes(name)
      ? value
      : fc.oneof(
          { weight: name === "message" ? 1 : 8, arbitrary: fc.constant<[string, unknown][]>([]) },
          { weight: name === "message" ? 8 : 1, arbitrary: value },
        );
  };
  return fc.tuple(...fields.map(field)).map((entries) => Object.fromEntries(entries.flat()));
}

type Mutation = { readonly where: number; readonly how: "replace" | "drop" | "add" | "rename"; readonly with: unknown };
const mutation: fc.Arbitrary<Mutation> = fc.record({
  where: fc.nat(1_000),
  how: fc.constantFrom("replace", "replace", "replace", "drop", "add", "rename"),
  with: junk,
});

/** A valid value with one or two faults. */
export const spoilt = (value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc
    .tuple(value, fc.array(mutation, { minLength: 1, maxLength: 2 }))
    .map(([whole, mutations]) => mutations.reduce(spoil, whole));

function spoil(whole: unknown, { where, how, with: given }: Mutation): unknown {
  const paths = pathsOf(whole);
  const path = paths[where % paths.length] ?? [];
  return (
    edit(whole, path, (parent, key) => {
      if (how === "replace") return [[key, given]];
      if (how === "drop") return [];
      if (how === "rename") return [[`${key} `, parent]];
      return [
        [key, parent],
        ["unknown", given],
      ];
    }) ?? given
  );
}

const pathsOf = (value: unknown): string[][] =>
  typeof value !== "object" || value === null || Array.isArray(value)
    ? []
    : Object.entries(value).flatMap(([key, inner]) => [[key], ...pathsOf(inner).map((path) => [key, ...path])]);

/** The value with the entry at `path` replaced by `change` of it; undefined if there is no such entry. */
function edit(
  value: unknown,
  [key, ...rest]: readonly string[],
  change: (value: unknown, key: string) => [string, unknown][],
): unknown {
  if (typeof value !== "object" || value === null || key === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]): [string, unknown][] => {
      if (name !== key) return [[name, inner]];
      return rest.length === 0 ? change(inner, name) : [[name, edit(inner, rest, change)]];
    }),
  );
}
