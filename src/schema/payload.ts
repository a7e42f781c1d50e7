/**
 * A payload: data for the agent, handed over as it was written (docs/contract.md §2). Every key and every number of
 * it is kept.
 */
import * as z from "zod";
import { MAX_PAYLOAD_BYTES } from "./limits.ts";
import { utf8Bytes } from "./text.ts";

/** A JSON number that a double cannot hold as it was written. The JSON reader puts it where the number stood. */
export class LossyNumber {
  readonly written: string;

  constructor(written: string) {
    this.written = written;
  }

  toJSON(): number {
    return Number(this.written);
  }
}

type Path = readonly (string | number)[];
type Lossy = { readonly path: Path; readonly written: string };

/** Every number within `value` that would be handed over as another one; `path` begins with the given one. */
function lossyNumbers(value: unknown, path: Path): Lossy[] {
  if (value instanceof LossyNumber) return [{ path, written: value.written }];
  if (Array.isArray(value)) return value.flatMap((item, index) => lossyNumbers(item, [...path, index]));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => lossyNumbers(item, [...path, key]));
}

const SHOWN_CHARS = 40;
const asText = (written: string): string =>
  written.length <= SHOWN_CHARS ? `"${written}"` : `"${written.slice(0, SHOWN_CHARS)}…"`;

/** Reports every number that would be changed on its way to the agent. */
export const refuseLossyNumbers = (value: unknown, context: z.RefinementCtx): void => {
  for (const { path, written } of lossyNumbers(value, [])) {
    const message = `would reach the agent as another number (${JSON.stringify(Number(written))}); send it as a string: ${asText(written)}`;
    context.addIssue({ code: "custom", path: [...path], message });
  }
};

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);

/** A JSON object of at most 64 KiB, taken as it is, since zod's own records leave `__proto__` out. */
export const Payload = z
  .custom<Record<string, unknown>>()
  .superRefine((value, context) => {
    if (!isObject(value) || value instanceof LossyNumber) {
      context.addIssue({ code: "invalid_type", expected: "object", input: value });
      return;
    }
    refuseLossyNumbers(value, context);
    if (utf8Bytes(JSON.stringify(value)) <= MAX_PAYLOAD_BYTES) return;
    const message = `must be at most ${MAX_PAYLOAD_BYTES} bytes as JSON; keep the data elsewhere and pass a reference`;
    context.addIssue({ code: "custom", message });
  })
  .meta({ type: "object", additionalProperties: {} });
export type Payload = z.infer<typeof Payload>;
