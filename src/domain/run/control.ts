/**
 * Reads an agent's control of its job (docs/contract.md §15), once, when the outcome of an attempt is made. Each field is
 * read by itself. A wrong field is left out, and its fault is kept for the run's `control_error`.
 */
import { KIB, MAX_ANSWER_BYTES, MAX_CONTROL_TEXT_BYTES } from "../../schema/limits.ts";
import { cutUtf8 } from "../text/cut-text.ts";
import { parseDuration } from "../time/duration.ts";
import { parseInstant } from "../time/instant.ts";
import { outputBesideControl } from "./answer-output.ts";

/** The agent's requests, as far as they are valid. */
export type Control = {
  /** The next fire: a number of ms from now, or an instant in epoch ms. */
  readonly next?:
    | { readonly field: "next_in"; readonly inMs: number }
    | { readonly field: "next_at"; readonly at: number };
  readonly done?: true;
  /** Why the job is to be paused. */
  readonly pause?: string;
  readonly unchanged?: true;
  readonly costUsd?: number;
  readonly tokens?: number;
};

export type ControlField = "next_in" | "next_at" | "done" | "pause" | "unchanged" | "cost_usd" | "tokens";

/** The fault of a field, or of the whole control (`control`). */
export type ControlFault = { readonly field: string; readonly problem: string };

/** A control as it was read. */
export type Steering = { readonly control: Control; readonly faults: readonly ControlFault[] };

type Read = Control | { readonly problem: string };

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isAmount = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value) && value >= 0;

const READERS: Readonly<Record<ControlField, (value: unknown) => Read>> = {
  next_in: (value) => {
    const duration = typeof value === "string" ? parseDuration(value) : undefined;
    if (duration === undefined) return { problem: 'must be a duration such as "10m"' };
    if (!duration.ok) return { problem: duration.error };
    if (duration.value < 0) return { problem: `"${String(value)}" lies in the past; give a positive duration` };
    return { next: { field: "next_in", inMs: Math.round(duration.value) } };
  },
  next_at: (value) => {
    const at = typeof value === "string" ? parseInstant(value) : undefined;
    if (at === undefined) return { problem: 'must be a time such as "2027-01-15T14:30:00Z"' };
    return at.ok ? { next: { field: "next_at", at: at.value } } : { problem: at.error };
  },
  done: (value) => flag(value, { done: true }),
  pause: (value) =>
    typeof value === "string" && value.trim() !== ""
      ? { pause: cutUtf8(value, MAX_CONTROL_TEXT_BYTES).text }
      : { problem: 'must be the reason, a text such as "waiting for the invoice"' },
  unchanged: (value) => flag(value, { unchanged: true }),
  cost_usd: (value) => (isAmount(value) ? { costUsd: value } : { problem: "must be a number of at least 0" }),
  tokens: (value) =>
    isAmount(value) && Number.isSafeInteger(value)
      ? { tokens: value }
      : { problem: "must be a whole number of at least 0" },
};

function flag(value: unknown, whenTrue: Control): Read {
  if (value === true) return whenTrue;
  return value === false ? {} : { problem: "must be true or false" };
}

const isField = (key: string): key is ControlField => Object.hasOwn(READERS, key);

/** Reads `control` of a completion, or the key `reveille` of an answer. A field that is null counts as left out. */
export function readControl(given: unknown): Steering {
  if (!isObject(given)) {
    const problem = 'must be a JSON object such as {"next_in": "10m", "cost_usd": 0.01}';
    return { control: {}, faults: [{ field: "control", problem }] };
  }
  const faults: ControlFault[] = [];
  let control: Control = {};
  const isTwice = isGiven(given.next_in) && isGiven(given.next_at);
  if (isTwice) faults.push({ field: "next_in, next_at", problem: "give one of them, not both" });
  for (const [field, value] of Object.entries(given)) {
    if (!isGiven(value)) continue;
    if (!isField(field)) {
      faults.push({ field, problem: `is not a field here; the fields are ${Object.keys(READERS).join(", ")}` });
      continue;
    }
    if (isTwice && (field === "next_in" || field === "next_at")) continue;
    const read = READERS[field](value);
    if ("problem" in read) faults.push({ field, problem: read.problem });
    else control = { ...control, ...read };
  }
  return { control, faults };
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;

const TOO_LONG: ControlFault = {
  field: "control",
  problem: `the answer is too long for its key reveille to be read: make it JSON, by its content-type too, of at most ${MAX_ANSWER_BYTES / KIB} KiB`,
};

/** An answer that steers its job. */
export type SteeringAnswer = {
  readonly steering: Steering;
  /** The run's output, if the answer gives it beside the control. Left out: the whole answer is the output. */
  readonly output?: string;
};

/**
 * The control under the key `reveille` at the top of an answer's JSON object. Undefined if there is none. `isCut`: only the
 * beginning of the answer is in `text`.
 */
export function readSteeringAnswer(text: string, isCut = false): SteeringAnswer | undefined {
  if (!text.includes('"reveille"')) return undefined;
  if (isCut) return /^\s*\{/.test(text) ? { steering: { control: {}, faults: [TOO_LONG] } } : undefined;
  try {
    const answer: unknown = JSON.parse(text);
    if (!isObject(answer) || !isGiven(answer.reveille)) return undefined;
    const steering = readControl(answer.reveille);
    const output = outputBesideControl(answer);
    if (output === undefined) return { steering };
    return { steering, output: typeof output === "string" ? output : JSON.stringify(output) };
  } catch {
    return undefined;
  }
}

/** The faults as text, for the run's `control_error`. */
export const explainFaults = (faults: readonly ControlFault[]): string =>
  cutUtf8(faults.map(({ field, problem }) => `${field}: ${problem}`).join("; "), 2 * MAX_CONTROL_TEXT_BYTES).text;
