/** The result of reading another scheduler's file: jobs of ours, and the entries that were refused. */
import { isFields } from "../job-body.ts";

export type Foreign = {
  readonly jobs: readonly ForeignJob[];
  readonly refused: readonly Refusal[];
};

export type ForeignJob = {
  /** The place of the entry: `line 3`, `jobs[0] "Morning brief"`. */
  readonly place: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** The differences that the agent must handle from now on. */
  readonly notes: readonly string[];
};

export type Refusal = { readonly place: string; readonly why: string };

export type ImportOptions = {
  /** The IANA name of the zone for times without one. */
  readonly timezone: string;
  /** Epoch ms. */
  readonly now: number;
};

/** Thrown by a reader for an entry that is refused, with the reason. */
export class NotCarriedOver extends Error {}

/** Reads each entry independently, so a wrong one does not stop the others. */
export function readEntries<T>(
  entries: readonly (readonly [place: string, entry: T])[],
  read: (entry: T) => Omit<ForeignJob, "place"> | undefined,
): Foreign {
  const jobs: ForeignJob[] = [];
  const refused: Refusal[] = [];
  for (const [place, entry] of entries) {
    try {
      const job = read(entry);
      if (job !== undefined) jobs.push({ place, ...job });
    } catch (error) {
      if (!(error instanceof NotCarriedOver)) throw error;
      refused.push({ place, why: error.message });
    }
  }
  return { jobs, refused };
}

/** The text of a field. Throws a refusal that names the field if it is missing. */
export function textOf(entry: unknown, field: string): string {
  const value = isFields(entry) ? entry[field] : undefined;
  if (typeof value !== "string" || value === "") throw new NotCarriedOver(`${field} is missing`);
  return value;
}

/** Without the fields that are undefined. */
export const present = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** The beginning of a text, at most `bytes` bytes of UTF-8, in whole characters. */
export function shortened(text: string, bytes: number): string {
  let kept = "";
  let used = 0;
  for (const character of text) {
    used += Buffer.byteLength(character);
    if (used > bytes) return kept;
    kept += character;
  }
  return kept;
}
