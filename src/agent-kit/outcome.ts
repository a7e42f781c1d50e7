/** The outcome of a run, as the answer to a call or as a later report. */
import { outputBesideControl } from "../domain/run/answer-output.ts";
import { cutUtf8 } from "../domain/text/cut-text.ts";
import { messageOf } from "../domain/text/error-text.ts";
import { parseJson } from "../domain/text/parse-json.ts";
import { type Control, isObject } from "./run.ts";

/** The outcome as plain data, so that one request may answer with the result of another. */
export type Outcome = {
  /** The value that `onRun` returned, unless it is a `Response`. */
  readonly value?: unknown;
  /** The `Response` that it returned, with its body read. */
  readonly reply?: Reply;
  /** The value that it threw. */
  readonly failure?: { readonly error: unknown };
  readonly control: Control;
};

export type Reply = {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly text: string;
};

/** The body of `POST …/complete`. */
export type Completion = {
  readonly status: "success" | "error";
  readonly output?: string | object;
  readonly error?: string;
  readonly control?: Control;
};

/**
 * The parts of an output and of an error that are reported. Reveille keeps 16 KiB of the one and 4 KiB of the other, and refuses a
 * report of more than 256 KiB. So much text is less than that as JSON, even if each of its characters is escaped.
 */
const MAX_OUTPUT_BYTES = 32_768;
const MAX_ERROR_BYTES = 8_192;
const SERVER_ERROR = 500;
const ACCEPTED = 202;
const GONE = 410;
const JSON_TYPE = "application/json";

/** A response with its body read to the end. */
export async function replyOf(response: Response): Promise<Reply> {
  return { status: response.status, headers: [...response.headers], text: await response.text() };
}

/** The answer to a call whose run has ended in time. */
export function answerOf({ value, reply, failure, control }: Outcome): Response {
  if (failure !== undefined) return json({ error: messageOf(failure.error) }, SERVER_ERROR);
  if (reply !== undefined) return withControl(reply, control);
  if (isEmpty(control)) {
    if (value === undefined || value === null) return new Response(null, { status: 204 });
    return typeof value === "string" ? new Response(value) : json(value);
  }
  // The control is at the top of an answer that is a JSON object.
  if (isObject(value)) return json({ ...value, reveille: control });
  return json({ ...(value === undefined || value === null ? {} : { output: value }), reveille: control });
}

/** The report of a run that was answered with 202 or came from a mailbox. Undefined if another process completes it. Never throws. */
export function completionOf(outcome: Outcome): Completion | undefined {
  try {
    return reportOf(outcome);
  } catch (error) {
    return { status: "error", error: errorOf(`the output cannot be written as JSON: ${messageOf(error)}`) };
  }
}

function reportOf({ value, reply, failure, control }: Outcome): Completion | undefined {
  const steered = isEmpty(control) ? {} : { control };
  if (failure !== undefined) return { status: "error", error: errorOf(messageOf(failure.error)), ...steered };
  if (reply === undefined)
    return { status: "success", ...outputOf(outputIn(value) ?? value), ...steeredBy(value, control) };
  const { status, text } = reply;
  if (status === ACCEPTED) return undefined;
  if (status >= 200 && status < 300) {
    const parsed = parseJson(text);
    return { status: "success", ...outputOf(outputIn(parsed) ?? (text || undefined)), ...steeredBy(parsed, control) };
  }
  const error = errorOf(`${status}${text === "" ? "" : `: ${text}`}`);
  // As in an answer to a call, 410 means that the agent does not want this job any more.
  return { status: "error", error, ...(status === GONE ? { control: { pause: error, ...control } } : steered) };
}

/** The control under the key `reveille` of a report. It works as in an answer (docs/contract.md §15). */
function steeredBy(value: unknown, control: Control): { control?: Control } {
  const steering = isObject(value) && isObject(value.reveille) ? { ...value.reveille, ...control } : control;
  return isEmpty(steering) ? {} : { control: steering };
}

function outputOf(value: unknown): { output?: string | object } {
  if (value === undefined || value === null) return {};
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  const kept = cutUtf8(text, MAX_OUTPUT_BYTES).text;
  return { output: typeof value === "object" && kept === text ? value : kept };
}

const errorOf = (text: string): string => cutUtf8(text, MAX_ERROR_BYTES).text;

/** The output within a value that also steers, the same as Reveille reads from an answer. */
const outputIn = (value: unknown): unknown => (isObject(value) ? outputBesideControl(value) : undefined);

function withControl({ status, headers, text }: Reply, control: Control): Response {
  // A status without a body takes none, not even an empty one.
  if (isEmpty(control))
    return new Response(text === "" ? null : text, {
      status,
      headers: new Headers(headers.map(([name, value]): [string, string] => [name, value])),
    });
  const parsed = parseJson(text);
  const body = isObject(parsed) ? parsed : text === "" ? {} : { output: parsed ?? text };
  return json({ ...body, reveille: control }, status);
}

const isEmpty = (control: Control): boolean => Object.keys(control).length === 0;

const json = (value: unknown, status = 200): Response =>
  new Response(JSON.stringify(value) ?? "null", { status, headers: { "content-type": JSON_TYPE } });
