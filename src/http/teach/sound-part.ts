/** The valid part of a body with faults. Nulls are left out, and faulty fields are removed. */
import { exampleOf } from "./example.ts";
import type { Field } from "./field.ts";

/** The value without the fields that are `null` but may not be. For a new thing that means leaving them out. */
export function withoutNulls(value: unknown, field: Field | undefined): unknown {
  if (field === undefined || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => withoutNulls(item, field.item));
  const known = new Map(field.fields.map((one) => [one.name, one]));
  if (!Object.keys(value).some((name) => known.has(name))) return value;
  const kept = Object.entries(value).flatMap(([name, inner]) => {
    const own = known.get(name);
    if (own !== undefined && inner === null && !own.types.includes("null") && own.types.length > 0) return [];
    return [[name, own === undefined ? inner : withoutNulls(inner, own)]];
  });
  return Object.fromEntries(kept);
}

/**
 * The body without its faulty fields. Examples stand in for required ones. `isUntouched` tells whether a fault at a path is
 * genuine and does not follow from a removed field.
 */
export function withoutFaults(
  body: unknown,
  field: Field,
  faults: readonly string[],
  now: number,
): { readonly sound: unknown; readonly isUntouched: (path: string) => boolean } {
  const cut = faults.reduce<unknown>((rest, path) => without(rest, path.split(".")), isObject(body) ? body : {});
  const standIns = isObject(cut) ? field.fields.filter(({ name, isRequired }) => isRequired && !(name in cut)) : [];
  const filled = standIns.map((one) => [one.name, exampleOf(one, now) ?? "x"]);
  // A value that stands in for one of a few decides what else is asked for: of what was not sent, nothing is said then.
  const isGuess = standIns.some(({ values }) => values.length > 0);
  const touched = [...faults, ...standIns.map(({ name }) => name)];
  return {
    sound: { ...(isObject(cut) ? cut : {}), ...Object.fromEntries(filled) },
    isUntouched: (path) =>
      !(isGuess && isObject(body) && !((path.split(".")[0] ?? "") in body)) &&
      !touched.some((one) => within(path, one) || within(one, path)),
  };
}

const within = (inner: string, outer: string): boolean =>
  inner === outer || inner.startsWith(`${outer}.`) || outer === "";

function without(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const at = Number(name);
    if (rest.length === 0) return value.filter((_item, index) => index !== at);
    return value.map((item, index) => (index === at ? without(item, rest) : item));
  }
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => {
      if (key !== name) return [[key, inner]];
      return rest.length === 0 ? [] : [[key, without(inner, rest)]];
    }),
  );
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
