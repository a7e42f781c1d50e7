/**
 * The text about a name that a schema does not know (docs/contract.md §13). It gives the close name, the right place, the
 * usual alias, or else the known names. It never says only "leave it out", because a caller who does that loses what they
 * wanted.
 */
import { cronOfParts, isCalendarPart, isDated, isOnce, onceOfParts } from "./calendar-parts.ts";
import { exampleOf } from "./example.ts";
import { type Field, fieldAt, fieldsBelow, type Reads } from "./field.ts";
import { nearNames, sameName, spelling, wordsOf } from "./near.ts";
import { durationsOf, rightValues, unitMs, unitOf } from "./value.ts";
import { either, json, nested, shown } from "./write.ts";

type Placed = { readonly path: readonly string[]; readonly field: Field };
/** A field that the name may mean. */
type Target = Placed & { readonly how: "name" | "alias" | "near" };

export type Wrong = {
  /** The object's whole schema. */
  readonly root: Field;
  /** The place of the name in it. */
  readonly at: readonly string[];
  readonly name: string;
  readonly value: unknown;
  /** The other names in the same object, with their values. */
  readonly beside: Readonly<Record<string, unknown>>;
  readonly now: number;
};

/** The name to write instead. Undefined if no known name is like it. */
export function correction(wrong: Wrong): string | undefined {
  const { root, at, name, value } = wrong;
  const special = calendar(wrong) ?? kindAsField(wrong) ?? unitBeside(wrong) ?? wrapper(wrong) ?? pairInName(wrong);
  if (special !== undefined) return special;
  const unit = unitOf(name);
  const timed = (targets: readonly Target[]) =>
    targets.filter(({ field }) => field.reads === "duration" || field.reads === "moment");
  const base = unit === undefined ? "" : unit.base === "" ? name : unit.base;
  const looks: readonly (() => readonly [targets: readonly Target[], unit?: number])[] = [
    () => [unit === undefined ? sureTargets(root, at, name) : []],
    () => (unit === undefined ? [[]] : [timed(sureTargets(root, at, base)), unit.ms]),
    () => [sureTargets(root, at, name)],
    () => (unit === undefined ? [[]] : [timed(likelyTargets(root, at, base)), unit.ms]),
    () => [likelyTargets(root, at, name)],
  ];
  const [targets, unitMs] = looks.map((look) => look()).find(([found]) => found.length > 0) ?? [[]];
  return targets.length === 0 ? undefined : sentence(targets, at, asMeant(targets, name, value), wrong.now, unitMs);
}

/** The names that are accepted there. */
export function namesAt(root: Field, at: readonly string[]): readonly string[] {
  return fieldAt(root, at)?.fields.map(({ name }) => name) ?? [];
}

const KIND_NAMES = ["type", "kind", "mode", "trigger"];

/**
 * The correction for `{"type": "cron", "expression": "…"}`. The kind itself is the field, and its neighbour is the value.
 */
function kindAsField({ root, at, name, value, beside, now }: Wrong): string | undefined {
  const here = fieldAt(root, at)?.fields ?? [];
  const kindOf = (given: unknown): Field | undefined => {
    if (typeof given !== "string" || given.length > 30) return undefined;
    return here.find((field) => [field.name, ...field.aliases].some((one) => spelling(one) === spelling(given)));
  };
  const unknown = Object.entries(beside).filter(([other]) => !here.some((field) => field.name === other));
  const isKind = KIND_NAMES.includes(spelling(name)) ? kindOf(value) : undefined;
  if (isKind !== undefined) {
    const [other, given] = unknown.find(([one]) => one !== name) ?? [];
    const unit = other === undefined ? undefined : unitOf(other);
    const [text = "…"] =
      given === undefined
        ? beside[isKind.name] === undefined
          ? []
          : [json(beside[isKind.name])]
        : rightValues(isKind, given, now, isKind.reads === "duration" ? unit?.ms : undefined);
    return `is no field here, for the kind is itself the field: write ${nested([...at, isKind.name], text)}`;
  }
  const kind = unknown.map(([other, given]) => (KIND_NAMES.includes(spelling(other)) ? kindOf(given) : undefined));
  const known = kind.find((one) => one !== undefined);
  if (known === undefined || sureTargets(root, at, name).length > 0) return undefined;
  const unit = known.reads === "duration" ? unitOf(name)?.ms : undefined;
  const [text = shown(value)] = rightValues(known, value, now, unit);
  return `is called \`${known.name}\` here: write ${nested([...at, known.name], text)}`;
}

/** The correction for `{"every": 2, "unit": "hours"}`. A duration includes its unit. */
function unitBeside({ root, at, name, value, beside }: Wrong): string | undefined {
  const ms =
    /^(?:unit|units|interval_unit|time_unit)$/.test(name) && typeof value === "string" ? unitMs(value) : undefined;
  const timed = fieldAt(root, at)?.fields.find(
    (field) => field.reads === "duration" && typeof beside[field.name] === "number",
  );
  if (ms === undefined || timed === undefined) return undefined;
  const [text = "…"] = durationsOf(beside[timed.name], ms);
  return `is not a field here, for a duration has its unit in it: write "${timed.name}": ${json(text)}`;
}

/** The correction for `{"job": {"name": …}}`. The fields belong at the top level. */
function wrapper({ root, at, name, value }: Wrong): string | undefined {
  if (at.length > 0 || typeof value !== "object" || value === null || isKnown(root, name)) return undefined;
  const inner = Object.keys(value).filter((key) => root.fields.some((field) => field.name === key));
  if (inner.length === 0) return undefined;
  return `is not a field here: send what is in it at the top level, ${shown(value)}`;
}

/** `label.team=ops` or `labels[team]=ops`: the key stands in the value, as `label=team:ops`. */
function pairInName({ root, at, name, value, now }: Wrong): string | undefined {
  const [, base, key] = /^(\w+)[.[]([\w-]+)\]?$/.exec(name) ?? [];
  if (base === undefined || key === undefined) return undefined;
  const targets = sureTargets(root, at, base).filter(({ field }) => field.reads === "pair");
  return targets.length === 0 ? undefined : sentence(targets, at, { [key]: value }, now);
}

/** `{"hour": 9, "day_of_week": "mon-fri"}`: a calendar is one expression. */
function calendar({ root, at, name, value, beside, now }: Wrong): string | undefined {
  const isKind = KIND_NAMES.includes(spelling(name));
  if (!isCalendarPart(name) && !isKind) return undefined;
  const { siblings, elsewhere } = around(root, at);
  const placed = (reads: Reads) => [...siblings, ...elsewhere].find(({ field }) => field.reads === reads);
  const [cron, once] = [placed("cron"), placed("instant")];
  const parts = { ...beside, [name]: value };
  const text = cronOfParts(parts);
  if (cron === undefined || once === undefined) return undefined;
  if (text === undefined) {
    const isCalendar =
      isCalendarPart(name) && Object.keys(beside).some((other) => other !== name && isCalendarPart(other));
    return isCalendar
      ? `is not a field here, for a calendar is one expression, such as ${nested(cron.path, json("30 9 * * MON-FRI"))}`
      : undefined;
  }
  const instant = isOnce(parts) ? onceOfParts(parts, now) : undefined;
  if (isOnce(parts)) {
    return instant === undefined
      ? undefined
      : `is not a field here, for a time is one text: write ${nested(once.path, json(instant))}`;
  }
  const often = `is not a field here, for a calendar is one expression: write ${nested(cron.path, json(text))}`;
  const [alone] = rightValues(once.field, beside.time ?? value, now);
  const isAlone = !text.endsWith("* * *") || isDated(parts) || alone === undefined;
  return isAlone ? often : `${often} for every day, or ${nested(once.path, alone)} for once`;
}

/** Whether the schema has this name, or one that it is an alias of, in any place. */
export const isKnown = (root: Field, name: string): boolean => sureTargets(root, [], name).length > 0;

/** The fields with this name in another spelling or as an alias. Those of this object come first. */
function sureTargets(root: Field, at: readonly string[], name: string): readonly Target[] {
  const { siblings, elsewhere } = around(root, at);
  const hasName = ({ name: known }: Field) => sameName(name, [known]).length > 0;
  const hasAlias = ({ aliases }: Field) => sameName(name, aliases).length > 0;
  return firstFound([
    () => dottedPath(root, at, name),
    () => pick(siblings, "name", hasName),
    () => pick(elsewhere, "name", hasName).slice(0, 1),
    () => pick(siblings, "alias", hasAlias),
    () => pick(elsewhere, "alias", hasAlias).slice(0, 1),
  ]);
}

/** The fields whose names resemble this one. */
function likelyTargets(root: Field, at: readonly string[], name: string): readonly Target[] {
  const { siblings, elsewhere } = around(root, at);
  const near = (from: readonly Placed[], isFar = false): readonly Target[] => {
    // In another place one word of a name says too little.
    const known = from
      .map(({ field }) => field.name)
      .filter((one) => !isFar || wordsOf(one).length <= wordsOf(name).length);
    const names = nearNames(name, known);
    return pick(from, "near", ({ name: known }) => names.includes(known));
  };
  const nearAlias = (from: readonly Placed[]): readonly Target[] => {
    // Short aliases are too similar to each other: `foo` is not `for`.
    const aliases = from.flatMap(({ field }) => field.aliases).filter((alias) => alias.length > 4);
    const names = nearNames(name, aliases, 1);
    return pick(from, "alias", ({ aliases }) => aliases.some((alias) => names.includes(alias)));
  };
  return firstFound([() => near(siblings), () => nearAlias(siblings), () => near(elsewhere, true).slice(0, 1)]);
}

/** The fields of one object, and all others. */
function around(root: Field, at: readonly string[]) {
  const siblings = (fieldAt(root, at)?.fields ?? []).map((field) => ({ path: [...at, field.name], field }));
  return { siblings, elsewhere: [...fieldsBelow(root)].filter(({ path }) => !isIn(at, path)) };
}

const isIn = (at: readonly string[], path: readonly string[]): boolean =>
  path.length === at.length + 1 && path.slice(0, -1).join() === at.join();

const pick = (from: readonly Placed[], how: Target["how"], like: (field: Field) => boolean): readonly Target[] =>
  from.filter(({ field }) => like(field)).map((one) => ({ ...one, how }));

const firstFound = (looks: readonly (() => readonly Target[])[]): readonly Target[] =>
  looks.map((look) => look()).find((found) => found.length > 0) ?? [];

/** The target of a dotted name, such as `schedule.cron`. */
function dottedPath(root: Field, at: readonly string[], name: string): readonly Target[] {
  if (!name.includes(".")) return [];
  const path = [...at, ...name.split(".")];
  const field = fieldAt(root, path);
  return field === undefined || field.name !== path.at(-1) ? [] : [{ path, field, how: "name" }];
}

/** The value for the right name: `paused: true` is `enabled: false`. */
function asMeant([target]: readonly Target[], name: string, value: unknown): unknown {
  const isOpposite = target !== undefined && sameName(name, target.field.opposites).length > 0;
  if (isOpposite && typeof value === "string" && /^(?:true|false)$/.test(value)) return value === "false";
  return isOpposite && typeof value === "boolean" ? !value : value;
}

/** The stand-in for an unknown value: an example, if one says more than the name. */
function standIn(field: Field, now: number): string {
  const example = field.types.includes("string") && field.reads === undefined ? undefined : exampleOf(field, now);
  return example === undefined ? "…" : json(example);
}

const MAX_SUGGESTED = 3;

function sentence(
  targets: readonly Target[],
  at: readonly string[],
  value: unknown,
  now: number,
  unit?: number,
): string {
  const [first] = targets;
  if (first === undefined) return "";
  const { path, field, how } = first;
  if (targets.length > 1) {
    const names = targets.slice(0, MAX_SUGGESTED).map((target) => `\`${target.path.slice(at.length).join(".")}\``);
    return `is not a field here; did you mean ${either(names)}?`;
  }
  const values = rightValues(field, value, now, unit).slice(0, 2);
  const text = values[0] === undefined ? standIn(field, now) : values[0].length <= 120 ? values[0] : "…";
  const alternatives = values[1] === undefined || text === "…" ? "" : ` (or ${values[1]})`;
  const isHere = isIn(at, path);
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
