/**
 * The body of calls to an agent that was not made for Reveille (docs/contract.md §14). It is a JSON value whose strings and
 * keys hold placeholders. They are filled in the value and not in its text, so no message can break out of its string.
 */
import type { FieldError } from "../failure.ts";

/** The names that a string may hold as `{{name}}`. */
export const PLACEHOLDERS = [
  "message",
  "session_id",
  "run_id",
  "job_id",
  "job_name",
  "user_id",
  "scheduled_at",
  "complete_url",
  "complete_token",
] as const;
export type Placeholder = (typeof PLACEHOLDERS)[number];

/** The values of one call's placeholders. A placeholder without a value becomes an empty text. */
export type TemplateValues = Readonly<Partial<Record<Placeholder, string | undefined>>> & {
  readonly payload?: Readonly<Record<string, unknown>> | undefined;
};

/** A string that is only this placeholder becomes the payload itself. */
const PAYLOAD = "{{payload}}";
const PLACEHOLDER = /\{\{([^{}]*)\}\}/g;
const ALLOWED = [...PLACEHOLDERS, "payload"].map((name) => `{{${name}}}`).join(" ");

/** The faults of a template, one for each wrong string. `path` is the field that holds the template. */
export function templateErrors(template: unknown, path: string): FieldError[] {
  if (typeof template === "string") return stringErrors(template, path);
  if (Array.isArray(template)) return template.flatMap((item, index) => templateErrors(item, `${path}.${index}`));
  if (typeof template !== "object" || template === null) return [];
  return Object.entries(template).flatMap(([key, item]) => [
    ...(key === PAYLOAD ? [notAKey(`${path}.${key}`)] : stringErrors(key, `${path}.${key}`)),
    ...templateErrors(item, `${path}.${key}`),
  ]);
}

const notAKey = (path: string): FieldError => ({
  path,
  message: `${PAYLOAD} is the payload itself, so it is no key: {"payload": "${PAYLOAD}"}`,
});

/** Usual names of placeholders that are called otherwise here. */
const OTHER_NAMES: Readonly<Record<string, Placeholder>> = {
  prompt: "message",
  text: "message",
  input: "message",
  session: "session_id",
  run: "run_id",
  id: "run_id",
  name: "job_name",
  user: "user_id",
};

/** The placeholder that a name in another spelling most likely means: `run.id`, `runId`, ` message `, `data.message`. */
function meantBy(name: string): string {
  const words = name
    .slice(0, 100)
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== "" && word !== "data");
  const spelled = words.join("_");
  const meant = [...PLACEHOLDERS, "payload"].find((one) => one === spelled || one === OTHER_NAMES[spelled]);
  return meant === undefined ? "" : ` did you mean {{${meant}}}?`;
}

function stringErrors(text: string, path: string): FieldError[] {
  if (text === PAYLOAD) return [];
  const errors: FieldError[] = [];
  for (const [whole, name = ""] of text.matchAll(PLACEHOLDER)) {
    if (whole === PAYLOAD) {
      errors.push({ path, message: `${PAYLOAD} is the payload itself, so it must be the whole string: "${PAYLOAD}"` });
    } else if (!isPlaceholder(name)) {
      errors.push({ path, message: `${whole} is no placeholder;${meantBy(name)} there are ${ALLOWED}` });
    }
  }
  return errors;
}

const isPlaceholder = (name: string): name is Placeholder => PLACEHOLDERS.some((known) => known === name);

/** The body of a call: the template with every placeholder filled. Filled-in values are not searched for placeholders. */
export function fillTemplate(template: unknown, values: TemplateValues): unknown {
  if (typeof template === "string") return fillString(template, values);
  if (Array.isArray(template)) return template.map((item) => fillTemplate(item, values));
  if (typeof template !== "object" || template === null) return template;
  return Object.fromEntries(
    Object.entries(template).map(([key, item]) => [fillText(key, values), fillTemplate(item, values)]),
  );
}

const fillString = (text: string, values: TemplateValues): unknown =>
  text === PAYLOAD ? (values.payload ?? {}) : fillText(text, values);

function fillText(text: string, values: TemplateValues): string {
  return text.replace(PLACEHOLDER, (whole, name: string) => (isPlaceholder(name) ? (values[name] ?? "") : whole));
}
