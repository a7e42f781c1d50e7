/** zod's schemas as JSON Schema (2020-12), for the API's description and for the tools of `/mcp`. */
import * as z from "zod";

/** `input`: what a client may send. `output`: what is answered. */
export type Io = "input" | "output";

/**
 * A schema as JSON Schema. All transforms of ours make strings of what is written (ids given as numbers), so that is what an
 * output shows for them.
 */
export function jsonSchema(schema: z.ZodType, io: Io): Record<string, unknown> {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema: made }) => {
      if (zodSchema._zod.def.type === "transform") made.type = "string";
      // zod's bounds of an integer that has none say nothing to a reader.
      if (made.maximum === Number.MAX_SAFE_INTEGER) delete made.maximum;
      if (made.minimum === Number.MIN_SAFE_INTEGER) delete made.minimum;
      if (made.minLength === 0) delete made.minLength;
    },
  });
  return rest;
}
