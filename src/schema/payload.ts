/** A payload: data for the agent, passed on as it was written (docs/contract.md §2). Every key and every number is kept. */
import * as z from "zod";
import { MAX_PAYLOAD_BYTES } from "./limits.ts";
import { utf8Bytes } from "./text.ts";

/** A JSON number that a double cannot hold exactly. The JSON reader puts it in the number's place. */
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

/** Every number within `value` that would change on its way. `path` begins with the given path. */
function lossyNumbers(value: unknown, path: Path): Lossy[] {
  if (value instanceof LossyNumber) return [{ path, written: value.written }];
  if (Array.isArray(value)) return value.flatMap((item, index) => lossyNumbers(item, [...path, index]));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => lossyNumbers(item, [...path, key]));
}

const SHOWN_CHARS = 40;
const asText = (written: string): string =>
  written.length <= SHOWN_CHARS ? `"${written}"` : `"${written.slice(0, SHOWN_CHARS)}…"`;

/** Refuses every number that would change on its way to the agent. */
export const refuseLossyNumbers = (value: unknown, context: z.RefinementCtx): void => {
  for (const { path, written } of lossyNumbers(value, [])) {
    const message = `would reach the agent as another number (${JSON.stringify(Number(written))}); send it as a string: ${asText(written)}`;
    context.addIssue({ code: "custom", path: [...path], message });
  }
};

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);

/** A JSON object of at most 64 KiB. It is taken unchanged, since zod's own records leave out `__proto__`. */
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
