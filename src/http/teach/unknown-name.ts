/**
 * What is said about a name that a schema does not know (docs/contract.md §13, reviews of models): the close name, the right
 * place, the usual alias, else the names there are. It never only says "leave it out": who obeys loses what they wished for.
 */
import { type Field, fieldAt, fieldsBelow } from "./field.ts";
import { nearNames, sameName, spelling } from "./near.ts";
import { rightValues, unitOf } from "./value.ts";
import { either, nested, shown } from "./write.ts";

type Placed = { readonly path: readonly string[]; readonly field: Field };
/** A field that the name may have meant. */
type Target = Placed & { readonly how: "name" | "alias" | "near" };

export type Wrong = {
  /** The object's whole schema. */
  readonly root: Field;
  /** Where in it the name stands. */
  readonly at: readonly string[];
  readonly name: string;
  readonly value: unknown;
  /** The other names that stand beside it, with their values. */
  readonly beside: Readonly<Record<string, unknown>>;
};

/** What to write in place of the name, or nothing where nothing is like it. */
export function correction(wrong: Wrong): string | undefined {
  const { root, at, name, value } = wrong;
  const kind = kindAsField(wrong);
  if (kind !== undefined) return kind;
  const targets = targetsOf(root, at, name);
  if (targets.length > 0) return sentence(targets, at, asMeant(targets, name, value));
  const unit = unitOf(name);
  if (unit === undefined) return undefined;
  const timed = targetsOf(root, at, unit.base === "" ? name : unit.base).filter(
    ({ field }) => field.reads === "duration",
  );
  return timed.length === 0 ? undefined : sentence(timed, at, value, unit.ms);
}

/** The names that may stand there. */
export function namesAt(root: Field, at: readonly string[]): readonly string[] {
  return fieldAt(root, at)?.fields.map(({ name }) => name) ?? [];
}

/** `{"type": "cron", "expression": "…"}`: the kind is itself the field, and what stands beside it is its value. */
function kindAsField({ root, at, name, value, beside }: Wrong): string | undefined {
  const here = fieldAt(root, at)?.fields ?? [];
  const kindOf = (given: unknown): Field | undefined => {
    if (typeof given !== "string" || given.length > 30) return undefined;
    return here.find((field) => [field.name, ...field.aliases].some((one) => spelling(one) === spelling(given)));
  };
  const unknown = Object.entries(beside).filter(([other]) => !here.some((field) => field.name === other));
  const isKind = ["type", "kind", "mode"].includes(spelling(name)) ? kindOf(value) : undefined;
  if (isKind !== undefined) {
    const [other, given] = unknown.find(([one]) => one !== name) ?? [];
    const unit = other === undefined ? undefined : unitOf(other);
    const [text = "…"] =
      given === undefined ? [] : rightValues(isKind, given, isKind.reads === "duration" ? unit?.ms : undefined);
    return `is no field here, for the kind is itself the field: write ${nested([...at, isKind.name], text)}`;
  }
  const kind = unknown.map(([other, given]) =>
    ["type", "kind", "mode"].includes(spelling(other)) ? kindOf(given) : undefined,
  );
  const known = kind.find((one) => one !== undefined);
  if (known === undefined || targetsOf(root, at, name).some(({ how }) => how !== "near")) return undefined;
  const unit = known.reads === "duration" ? unitOf(name)?.ms : undefined;
  const [text = shown(value)] = rightValues(known, value, unit);
  return `is called \`${known.name}\` here: write ${nested([...at, known.name], text)}`;
}

/** The fields that are meant, surest first: the name itself, an alias, a likeness; each here before elsewhere. */
function targetsOf(root: Field, at: readonly string[], name: string): readonly Target[] {
  const here = fieldAt(root, at);
  const siblings = (here?.fields ?? []).map((field) => ({ path: [...at, field.name], field }));
  const isSibling = (path: readonly string[]): boolean =>
    path.length === at.length + 1 && path.slice(0, -1).join() === at.join();
  const elsewhere = [...fieldsBelow(root)].filter(({ path }) => !isSibling(path));
  const pick = (from: readonly Placed[], how: Target["how"], like: (field: Field) => boolean): readonly Target[] =>
    from.filter(({ field }) => like(field)).map((one) => ({ ...one, how }));
  const hasName = ({ name: known }: Field) => sameName(name, [known]).length > 0;
  const hasAlias = ({ aliases }: Field) => sameName(name, aliases).length > 0;
  const near = (from: readonly Placed[]): readonly Target[] => {
    const names = nearNames(
      name,
      from.map(({ field }) => field.name),
    );
    return pick(from, "near", ({ name: known }) => names.includes(known));
  };
  const nearAlias = (from: readonly Placed[]): readonly Target[] => {
    const names = nearNames(
      name,
      from.flatMap(({ field }) => field.aliases),
    );
    return pick(from, "alias", ({ aliases }) => aliases.some((alias) => names.includes(alias)));
  };
  const dotted = dottedPath(root, at, name);
  const first = (found: readonly Target[]): readonly Target[] => found.slice(0, 1);
  return (
    [
      () => dotted,
      () => pick(siblings, "name", hasName),
      () => first(pick(elsewhere, "name", hasName)),
      () => pick(siblings, "alias", hasAlias),
      () => first(pick(elsewhere, "alias", hasAlias)),
      () => near(siblings),
      () => nearAlias(siblings),
      () => first(near(elsewhere)),
    ]
      .map((look) => look())
      .find((found) => found.length > 0) ?? []
  );
}

/** `schedule.cron` written as one name. */
function dottedPath(root: Field, at: readonly string[], name: string): readonly Target[] {
  if (!name.includes(".")) return [];
  const path = [...at, ...name.split(".")];
  const field = fieldAt(root, path);
  return field === undefined || field.name !== path.at(-1) ? [] : [{ path, field, how: "name" }];
}

/** `paused: true` is `enabled: false`. */
function asMeant([target]: readonly Target[], name: string, value: unknown): unknown {
  const isOpposite = target !== undefined && sameName(name, target.field.opposites).length > 0;
  return isOpposite && typeof value === "boolean" ? !value : value;
}

const MAX_SUGGESTED = 3;

function sentence(targets: readonly Target[], at: readonly string[], value: unknown, unit?: number): string {
  const [first] = targets;
  if (first === undefined) return "";
  const { path, field, how } = first;
  if (targets.length > 1) {
    const names = targets.slice(0, MAX_SUGGESTED).map((target) => `\`${target.path.slice(at.length).join(".")}\``);
    return `is not a field here; did you mean ${either(names)}?`;
  }
  const values = rightValues(field, value, unit).slice(0, 2);
  const text = values[0] !== undefined && values[0].length <= 120 ? values[0] : "…";
  const alternatives = values[1] === undefined || text === "…" ? "" : ` (or ${values[1]})`;
  const isHere = path.length === at.length + 1 && path.slice(0, -1).join() === at.join();
  const dotted = path.join(".");
  if (isHere) {
    const written = `"${field.name}": ${text}${alternatives}`;
    return how === "alias"
      ? `is called \`${field.name}\` here: write ${written}`
      : `is not a field here; did you mean \`${field.name}\`? Write ${written}`;
  }
  const whole = nested(path, text);
  if (how === "alias") return `is called \`${dotted}\` here: write ${whole}${alternatives}`;
  if (how === "near") return `is not a field here; did you mean \`${dotted}\`? Write ${whole}${alternatives}`;
  if (path.length === 1) return `belongs at the top level, beside \`${at[0] ?? ""}\`: write ${whole}${alternatives}`;
  return `belongs inside \`${path.slice(0, -1).join(".")}\`: write ${whole}${alternatives}`;
}
