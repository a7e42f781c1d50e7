/**
 * Plugin jobs of the Go original, which are known by their owner. Early ones were marked by an envelope inside the message.
 */
import * as z from "zod";
import { parseExactJson } from "../text/exact-json.ts";

/** The beginning of a message that is a plugin job's envelope. */
export const ENVELOPE_PREFIX = "__anna_plugin_job__:";

/** The content of an envelope, under our names. A text that is left out is `""`, and the payload `{}`. */
export type PluginJob = {
  readonly plugin_id: string;
  readonly job_key: string;
  readonly runtime_name: string;
  readonly description: string;
  readonly payload: Readonly<Record<string, unknown>>;
};

/** A text that is null or missing in Go's JSON stays empty. */
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? "");

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);

const Envelope = z.object({
  plugin_id: text.pipe(z.string().min(1)),
  key: text.pipe(z.string().min(1)),
  runtime_name: text,
  description: text,
  // zod's own records leave out `__proto__`.
  payload: z
    .custom<Readonly<Record<string, unknown>>>(isObject)
    .nullish()
    .transform((value) => value ?? {}),
});

/** Whether a job belongs to a plugin. */
export const isPluginJob = (job: { readonly owner_kind?: string | undefined }): boolean => job.owner_kind === "plugin";

/**
 * The plugin job in the envelope of a legacy message. Undefined if there is none, or it lacks plugin or key. It follows the
 * original's `DecodePluginJob`; its `runtime_name` may be empty.
 */
export const decodePluginJob = (job: { readonly message?: string | undefined }): PluginJob | undefined =>
  decodeWith(JSON.parse, job.message);

/**
 * Reads like {@link decodePluginJob}, for an import. A number of the payload that a double cannot hold is marked and
 * refused later.
 */
export const readPluginJob = (message: string): PluginJob | undefined => decodeWith(parseExactJson, message);

function decodeWith(read: (json: string) => unknown, message: string | undefined): PluginJob | undefined {
  if (typeof message !== "string" || !message.startsWith(ENVELOPE_PREFIX)) return undefined;
  const envelope = Envelope.safeParse(parse(read, message.slice(ENVELOPE_PREFIX.length)));
  if (!envelope.success) return undefined;
  const { key, ...rest } = envelope.data;
  return { ...rest, job_key: key };
}

function parse(read: (json: string) => unknown, json: string): unknown {
  try {
    return read(json);
  } catch {
    // The text is not an envelope.
    return undefined;
  }
}
