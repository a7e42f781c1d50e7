/** Examples of values, for the texts about wrong calls. */
import type { Field } from "./field.ts";
import { tomorrow } from "./value.ts";

/** An example of the field's value: one of its own, with times after now. */
export function exampleOf(field: Field, now: number): unknown {
  if (field.reads === "instant") return tomorrow(now);
  if (field.example !== undefined) return field.example;
  if (field.reads === "duration") return field.fallback ?? "1h";
  if (field.values.length > 0) return field.values[0];
  const required = field.fields.filter(({ isRequired }) => isRequired);
  const inner = required.length > 0 ? required : field.fields.slice(0, 1);
  const entries = inner.map((one) => [one.name, exampleOf(one, now)]);
  return entries.length === 0 || entries.some(([, value]) => value === undefined)
    ? undefined
    : Object.fromEntries(entries);
}
