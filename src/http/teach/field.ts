/**
 * The fields of a body, a query or a tool, read from its schema: names, places, aliases and spellings. All texts about
 * wrong calls come from here, so a new field of a schema is explained without another line.
 */
import * as z from "zod";
import { wholeSchema } from "../json-schema.ts";

/** The reading of a field's text: the schema's own `.meta({reads: …})`. */
/** `moment`: a duration from now, or an instant. `pair`: KEY:VALUE. */
const ReadsName = z.enum(["duration", "instant", "moment", "cron", "rrule", "pair"]);
export type Reads = z.infer<typeof ReadsName>;

export type Field = {
  readonly name: string;
  /** JSON Schema's type names, with `integer` apart from `number`. */
  readonly types: readonly string[];
  /** The values of an enum. */
  readonly values: readonly string[];
  /** Usual names for values with another name here: `queue` for `buffer_one`. */
  readonly valueAliases: Readonly<Record<string, string>>;
  /** Usual names of the field: `prompt` for `message`. */
  readonly aliases: readonly string[];
  /** Aliases with the opposite value: `paused` for `enabled`. */
  readonly opposites: readonly string[];
  readonly reads: Reads | undefined;
  /** The neighbouring field for a text of another form: for `at`, `in` takes a duration. */
  readonly instead: Partial<Readonly<Record<Reads, string>>>;
  readonly description: string | undefined;
  readonly example: unknown;
  /** The smallest number that it takes. */
  readonly least: number | undefined;
  /** The value when the field is left out. */
  readonly fallback: unknown;
  readonly isRequired: boolean;
  /** The fields of an object. */
  readonly fields: readonly Field[];
  /** The form of an array's items. */
  readonly item: Field | undefined;
  /** Any name is accepted here. */
  readonly isOpen: boolean;
  /** Names that only answers contain. */
  readonly shownOnly: readonly string[];
  /** Names that belong in another call, with the text about it. `{value}` in the text stands for the sent value. */
  readonly notHere: Readonly<Record<string, string>>;
};

const known = new WeakMap<z.ZodType, Field>();

/** The fields of this schema, in the form that a client writes. */
export function fieldOf(schema: z.ZodType): Field {
  const present = known.get(schema);
  if (present !== undefined) return present;
  // zod leaves out the examples of a schema with a transform.
  const { examples } = z.globalRegistry.get(schema) ?? {};
  const made = read("", { examples, ...wholeSchema(schema, "input", "teach") }, false);
  known.set(schema, made);
  return made;
}

/** The fields of several objects as those of one. A tool takes its route's path, query and body at one level. */
export const joined = (...objects: readonly Field[]): Field => ({
  ...read("", { type: "object", additionalProperties: objects.some(({ isOpen }) => isOpen) ? {} : false }, false),
  fields: objects.flatMap(({ fields }) => fields),
  shownOnly: objects.flatMap(({ shownOnly }) => shownOnly),
  notHere: Object.assign({}, ...objects.map(({ notHere }) => notHere)),
});

const strings = z.array(z.string()).catch([]);
const Part: z.ZodType<Record<string, unknown>> = z.record(z.string(), z.unknown());
const parts = z.array(Part).catch([]);

function read(name: string, schema: Readonly<Record<string, unknown>>, isRequired: boolean): Field {
  const alternatives = [...parts.parse(schema.anyOf), ...parts.parse(schema.oneOf)].map((one) =>
    read(name, one, false),
  );
  const required = strings.parse(schema.required);
  const own = Object.entries(Part.catch({}).parse(schema.properties)).map(([inner, form]) =>
    read(inner, Part.catch({}).parse(form), required.includes(inner)),
  );
  const item = Part.safeParse(schema.items);
  const [example] = z.array(z.unknown()).catch([]).parse(schema.examples);
  const types = typeof schema.type === "string" ? [schema.type] : strings.parse(schema.type);
  return {
    name,
    types: unique([...types, ...alternatives.flatMap((one) => one.types)]),
    values: unique([
      ...strings.parse(schema.enum),
      ...(typeof schema.const === "string" ? [schema.const] : []),
      ...(takesAnyText(alternatives) ? [] : alternatives.flatMap((one) => one.values)),
    ]),
    valueAliases: {
      ...Object.assign({}, ...alternatives.map((one) => one.valueAliases)),
      ...z.record(z.string(), z.string()).catch({}).parse(schema.valueAliases),
    },
    aliases: [...strings.parse(schema.aliases), ...strings.parse(schema.opposites)],
    opposites: strings.parse(schema.opposites),
    // If a field may be null, its other alternative gives the form.
    reads: ReadsName.optional().catch(undefined).parse(schema.reads) ?? alternatives.find((one) => one.reads)?.reads,
    instead: {
      ...Object.assign({}, ...alternatives.map((one) => one.instead)),
      ...z.partialRecord(ReadsName, z.string()).catch({}).parse(schema.instead),
    },
    description: typeof schema.description === "string" ? schema.description : undefined,
    example,
    least: typeof schema.minimum === "number" ? schema.minimum : undefined,
    fallback: schema.default,
    isRequired,
    fields: uniqueByName([...own, ...alternatives.flatMap((one) => one.fields)]),
    item: item.success ? read("", item.data, false) : alternatives.find((one) => one.item !== undefined)?.item,
    isOpen: isOpen(schema, own.length) || alternatives.some((one) => one.types.includes("object") && one.isOpen),
    shownOnly: strings.parse(schema.shownOnly),
    notHere: z.record(z.string(), z.string()).catch({}).parse(schema.notHere),
  };
}

/** Whether one alternative takes any text. Then the values of the others are only examples. */
const takesAnyText = (alternatives: readonly Field[]): boolean =>
  alternatives.some(({ types, values }) => types.includes("string") && values.length === 0);

const isOpen = (schema: Readonly<Record<string, unknown>>, fields: number): boolean =>
  schema.type === "object" ? schema.additionalProperties !== false : schema.type === undefined && fields === 0;

const unique = <T>(values: readonly T[]): readonly T[] => [...new Set(values)];

const uniqueByName = (fields: readonly Field[]): readonly Field[] =>
  [...new Map(fields.toReversed().map((field) => [field.name, field])).values()].toReversed();

/** The field at this path. Numbers are places in arrays. Undefined if any name, or none, is accepted there. */
export function fieldAt(root: Field, path: readonly string[]): Field | undefined {
  let here: Field | undefined = root;
  for (const step of path) {
    const inner: Field | undefined = here?.fields.find(({ name }) => name === step);
    here = inner ?? (/^\d+$/.test(step) ? here?.item : undefined);
  }
  return here;
}

/** Every field below this one with its path. The fields of one level come before those below them. */
export function* fieldsBelow(root: Field): Generator<{ readonly path: readonly string[]; readonly field: Field }> {
  let level: { path: readonly string[]; field: Field }[] = [{ path: [], field: root }];
  while (level.length > 0) {
    level = level.flatMap(({ path, field }) =>
      field.fields.map((inner) => ({ path: [...path, inner.name], field: inner })),
    );
    yield* level;
  }
}

/** The value at this path of a body. Undefined if there is none. */
export function valueAt(root: unknown, path: readonly string[]): unknown {
  let here = root;
  for (const step of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, step)) return undefined;
    here = Reflect.get(here, step);
  }
  return here;
}
