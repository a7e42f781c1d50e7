/**
 * Reads the input of a call in the order of docs/contract.md §6: media type, size, JSON, shape. Every error says how to
 * correct it.
 */

import * as z from "zod";
import { invalid, type Outcome } from "../domain/failure.ts";
import { err, ok, type Result } from "../domain/result.ts";
import { messageOf } from "../domain/text/error-text.ts";
import { parseExactJson } from "../domain/text/exact-json.ts";
import { MAX_BODY_BYTES } from "../schema/limits.ts";
import type { HttpFailure } from "./failure.ts";
import type { BodySpec } from "./route.ts";
import { exampleOf } from "./teach/example.ts";
import { fieldOf } from "./teach/field.ts";
import { json } from "./teach/write.ts";

const JSON_ONLY = ["application/json"] as const;
/** The depth of JSON that is read. Deeper JSON has no use here, and recursion over it would overflow the stack. */
export const MAX_DEPTH = 100;

/** The JSON (or text) body, unchecked. The result is never `undefined`; an empty optional body is `{}`. */
export async function readJson(request: Request, spec: BodySpec): Promise<Result<unknown, HttpFailure>> {
  const types = spec.types ?? JSON_ONLY;
  if (spec.optional && request.body === null) return ok({});
  const mediaType = mediaTypeOf(request);
  const isMissing = request.body === null || request.headers.get("content-length") === "0";
  const wrongType = err({
    kind: "unsupported_media_type",
    got: mediaType,
    types,
    isMissing,
    ...exampleFor(spec),
  } as const);
  const isTyped = mediaType !== undefined && types.includes(mediaType);
  // Only reading shows whether an optional body is empty. Any other body is refused before it is read.
  if (!isTyped && !spec.optional) return wrongType;
  const bytes = await readBytes(request, spec.maxBytes ?? MAX_BODY_BYTES);
  if (!bytes.ok) return bytes;
  if (spec.optional && bytes.value.byteLength === 0) return ok({});
  if (!isTyped) return wrongType;
  if (spec.read !== undefined) return spec.read(bytes.value, mediaType);
  return spec.text ? readText(bytes.value) : parseJson(bytes.value);
}

/** An example of the body, if it is JSON. */
function exampleFor({ schema, shown = schema, text }: BodySpec): { readonly example?: string } {
  const example = text === true ? undefined : exampleOf(fieldOf(shown), Date.now());
  return example === undefined ? {} : { example: json(example) };
}

function mediaTypeOf(request: Request): string | undefined {
  const type = request.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  return type === "" ? undefined : type;
}

/** The body, or `payload_too_large` as soon as its size is known: from Content-Length, or after `maxBytes`. */
export async function readBytes(request: Request, maxBytes: number): Promise<Result<Uint8Array, HttpFailure>> {
  const tooLarge = err({ kind: "payload_too_large", maxBytes } as const);
  const length = Number(request.headers.get("content-length") ?? Number.NaN);
  if (length > maxBytes) return tooLarge;
  if (request.body === null) return ok(new Uint8Array());
  // A body that is known to fit is read in one piece. Otherwise it is counted while it arrives.
  if (length <= maxBytes) return ok(await request.bytes());
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > maxBytes) {
      // The rest is read before the answer goes out (drain.ts).
      reader.releaseLock();
      return tooLarge;
    }
    chunks.push(value);
  }
  const [only] = chunks;
  if (chunks.length === 1 && only !== undefined) return ok(only);
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return ok(bytes);
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** The bytes as text. Errors: `validation_failed` if they are not UTF-8. */
function readText(bytes: Uint8Array): Outcome<string> {
  try {
    return ok(utf8.decode(bytes));
  } catch {
    return invalid([{ path: "", message: "is not valid UTF-8" }]);
  }
}

/** The JSON value of the bytes. Errors: `invalid_json` if they are not UTF-8, not JSON, or nested too deep. */
export function parseJson(
  bytes: Uint8Array,
  parse: (text: string) => unknown = parseExactJson,
): Result<unknown, HttpFailure> {
  const refuse = (detail: string) => err({ kind: "invalid_json", detail } as const);
  if (bytes.byteLength === 0) return refuse("The body is missing: it has no bytes.");
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return refuse("The body is not valid UTF-8.");
  }
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    return refuse(`The body cannot be read as JSON: ${messageOf(error)}.`);
  }
  return isDeep(value) ? refuse(`The body is nested deeper than ${MAX_DEPTH} levels.`) : ok(value);
}

/** Whether the value is nested deeper than {@link MAX_DEPTH} levels. */
export function isDeep(root: unknown): boolean {
  let level: unknown[] = [root];
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    level = level.flatMap((value) => (typeof value === "object" && value !== null ? Object.values(value) : []));
    if (level.length === 0) return false;
  }
  return true;
}

/**
 * The URL's query. Each parameter gets its type from `schema`, if its text can be read as that type. A `+` in a URL is a
 * blank, so an unescaped offset of a time contains a blank.
 */
export function queryIn(schema: z.ZodType | undefined, url: URL): Readonly<Record<string, unknown>> {
  const shape = schema instanceof z.ZodObject ? schema.shape : {};
  const fields = schema === undefined ? [] : fieldOf(schema).fields;
  const isTime = (name: string) => fields.some((field) => field.name === name && field.reads === "instant");
  const entries = [...new Set(url.searchParams.keys())].map((name): [string, unknown] => {
    const given = url.searchParams.getAll(name);
    const [only] = given;
    const field = Object.hasOwn(shape, name) ? shape[name] : undefined;
    if (given.length !== 1 || only === undefined) return [name, given];
    return [name, typed(field, isTime(name) ? only.replace(/(T[\d:.]+) (\d{2}:\d{2})$/i, "$1+$2") : only)];
  });
  return Object.fromEntries(entries);
}

/** The text as the field's type: a number, a boolean, or a list of one. Otherwise the text itself. */
export function typed(field: z.core.$ZodType | undefined, text: string): unknown {
  const type = field === undefined ? undefined : bare(field);
  if (type instanceof z.ZodBoolean && (text === "true" || text === "false")) return text === "true";
  if (type instanceof z.ZodNumber && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  return type instanceof z.ZodArray ? [text] : text;
}

/** The field's schema without the wrappers that make it optional. */
const bare = (field: z.core.$ZodType): z.core.$ZodType =>
  field instanceof z.ZodDefault || field instanceof z.ZodOptional || field instanceof z.ZodNullable
    ? bare(field.def.innerType)
    : field;

/** The headers that `schema` names. */
export function headersIn(schema: z.ZodObject | undefined, headers: Headers): Readonly<Record<string, string>> {
  const names = Object.keys(schema?.shape ?? {});
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = headers.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );
}
