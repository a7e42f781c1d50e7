/** zod's schemas as JSON Schema (2020-12), for the API's description and for the tools of `/mcp`. */
import * as z from "zod";

/** `input`: what a client may send. `output`: what an answer contains. */
export type Io = "input" | "output";

/** `docs` is for readers of the API. `teach` adds our own keywords, which only the texts about wrong calls need. */
export type Readers = "docs" | "teach";

/**
 * The parts of a schema's meta that the texts about wrong calls use (`teach/field.ts`). JSON Schema has no such keywords.
 */
const TEACHING = ["aliases", "opposites", "valueAliases", "reads", "instead", "shownOnly", "notHere"] as const;

/**
 * A schema as JSON Schema. All our transforms make strings of the input (ids given as numbers), so an output shows them as
 * strings.
 */
export function jsonSchema(schema: z.ZodType, io: Io, readers: Readers = "docs"): Record<string, unknown> {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema: made }) => {
      if (zodSchema._zod.def.type === "transform") made.type = "string";
      // zod adds bounds to an integer that has none. They do not help a reader.
      if (made.maximum === Number.MAX_SAFE_INTEGER) delete made.maximum;
      if (made.minimum === Number.MIN_SAFE_INTEGER) delete made.minimum;
      if (made.minLength === 0) delete made.minLength;
      if (io === "input" && readers === "docs") sayDefault(made);
      if (readers === "docs") for (const keyword of TEACHING) delete made[keyword];
    },
  });
  return rest;
}

/**
 * The default of an optional field, in words. Generators of clients read the keyword `default` as a promise that the field
 * is always present, and make every caller send it.
 */
function sayDefault(made: z.core.JSONSchema.BaseSchema): void {
  const { default: value, description = "" } = made;
  if (value === undefined) return;
  delete made.default;
  const words =
    typeof value === "object" || /\bdefault\b/i.test(description) ? "" : `Default: ${JSON.stringify(value)}.`;
  const text = [description, words].filter((part) => part !== "").join(" ");
  if (text !== "") made.description = text;
}

const Defs = z.record(z.string(), z.unknown()).default({});

/**
 * Like {@link jsonSchema}, but with every named part inline, since many clients of models do not know `$ref`. None of our
 * schemas is recursive.
 */
export function wholeSchema(schema: z.ZodType, io: Io, readers: Readers = "docs"): Record<string, unknown> {
  const { $defs, ...root } = jsonSchema(schema, io, readers);
  const parts = Defs.parse($defs);
  const write = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(write);
    if (typeof value !== "object" || value === null) return value;
    if ("$ref" in value && typeof value.$ref === "string") {
      const { $ref, ...beside } = value;
      return { ...Part.parse(write(parts[$ref.replace("#/$defs/", "")])), ...beside };
    }
    const { id, ...rest } = Part.parse(value);
    const isName = typeof id === "string";
    return Object.fromEntries(
      Object.entries(isName ? rest : Part.parse(value)).map(([key, inner]) => [key, write(inner)]),
    );
  };
  return Part.parse(write(root));
}

const Part = z.record(z.string(), z.unknown());
