/** The result of reading another scheduler's file: jobs of ours, and the rest that could not be carried over. */
import { isFields } from "../job-body.ts";

export type Foreign = {
  readonly jobs: readonly ForeignJob[];
  readonly refused: readonly Refusal[];
};

export type ForeignJob = {
  /** Where it stands: `line 3`, `jobs[0] "Morning brief"`. */
  readonly place: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** The differences that the agent has to see to from now on. */
  readonly notes: readonly string[];
};

export type Refusal = { readonly place: string; readonly why: string };

export type ImportOptions = {
  /** IANA name of the zone that times without one are meant in. */
  readonly timezone: string;
  /** Epoch ms. */
  readonly now: number;
};

/** Thrown by a reader for one entry, which is then refused with this reason. */
export class NotCarriedOver extends Error {}

/** Reads each entry by itself: what is wrong with one does not keep back the others. */
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

/** The text of a field, or a refusal that names it. */
export function textOf(entry: unknown, field: string): string {
  const value = isFields(entry) ? entry[field] : undefined;
  if (typeof value !== "string" || value === "") throw new NotCarriedOver(`${field} is missing`);
  return value;
}

/** Without the fields that are undefined. */
export const present = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** At most so many bytes of UTF-8, whole characters. */
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
