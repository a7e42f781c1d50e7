/**
 * A jobs.json of any length in parts that fit into one call of the import route. On one machine every job of a call, and of
 * the seconds before it, needs three open files.
 */
import * as z from "zod";
import { err, ok, type Result } from "../src/domain/result.ts";
import { parseImportedJson, writeExactJson } from "../src/domain/text/exact-json.ts";
import { LEFT_OVER, NOT_STORED } from "../src/domain/transfer/imported-job.ts";
import { MAX_IMPORT_BODY_BYTES } from "../src/schema/limits.ts";

const PART_JOBS = 500;
/** The size of a part, without the brackets and commas between the jobs. */
const PART_BYTES = MAX_IMPORT_BODY_BYTES - PART_JOBS - 2;
/** The number of tries in a row in which a part may store nothing. After that the import is given up. */
const MAX_TRIES = 4;

export type Skipped = { readonly id: string; readonly reason: string };
export type Report = { readonly imported: number; readonly skipped: readonly Skipped[] };

export type PartsIo = {
  /** Sends one body to the import route. Errors: a sentence. */
  readonly send: (body: string | Uint8Array) => Promise<Result<Report, string>>;
  /** Waits until the files of the last sent jobs are closed. */
  readonly pause: () => Promise<void>;
};

/** One job of the file. `no` is its place in it, from 1. */
type Job = { readonly no: number; readonly id: string | undefined; readonly text: string };

const files = z.union([
  z.array(z.unknown()),
  z.strictObject({ jobs: z.array(z.unknown()) }).transform(({ jobs }) => jobs),
]);

/**
 * Sends the file part by part, and repeats jobs that there was no room for. The report is that of the whole file. Errors:
 * the message for the refused part, with the number of jobs imported before it. A repeat continues there, since existing
 * ids are skipped.
 */
export async function importInParts(file: Uint8Array, io: PartsIo): Promise<Result<Report, string>> {
  const jobs = jobsOf(file);
  // The route itself can best say what the file is and what is wrong with it.
  if (jobs === undefined) return io.send(file);
  let imported = 0;
  const skipped: Skipped[] = [];
  for (const part of partsOf(jobs)) {
    const answer = await importPart(part, io);
    if (!answer.ok)
      return imported === 0 ? answer : err(`${answer.error} (${imported} jobs were imported before that)`);
    imported += answer.value.imported;
    skipped.push(...answer.value.skipped);
  }
  return ok({ imported, skipped });
}

/** Sends a part until every job of it is created or refused for good. Jobs that could not be stored are sent again. */
async function importPart(part: readonly Job[], { send, pause }: PartsIo): Promise<Result<Report, string>> {
  let imported = 0;
  const skipped: Skipped[] = [];
  let left = part;
  for (let tries = 1; ; tries++) {
    const answer = await send(`[${left.map(({ text }) => text).join(",")}]`);
    if (!answer.ok) return answer;
    imported += answer.value.imported;
    const unstored = new Set<string>();
    for (const { id, reason } of answer.value.skipped) {
      if (reason === NOT_STORED || reason === LEFT_OVER) unstored.add(id);
      else skipped.push({ id: inFile(id, left), reason });
    }
    if (unstored.size === 0) return ok({ imported, skipped });
    if (answer.value.imported > 0) tries = 0;
    if (tries === MAX_TRIES)
      return err(`${unstored.size} jobs could not be stored; raise the limit of open files (ulimit -Hn)`);
    left = left.filter(({ id }) => id !== undefined && unstored.delete(id));
    await pause();
  }
}

/** The place of a job without an id, which the report gives within the sent part. */
const inFile = (id: string, sent: readonly Job[]): string =>
  id.startsWith("#") ? `#${sent[Number(id.slice(1)) - 1]?.no}` : id;

/** The jobs of the file. Undefined if it is not a JSON list of jobs. */
function jobsOf(file: Uint8Array): readonly Job[] | undefined {
  try {
    const parsed = files.safeParse(
      parseImportedJson(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(file)),
    );
    return parsed.data?.map((job, index) => ({
      no: index + 1,
      id: z.object({ id: z.string() }).safeParse(job).data?.id,
      text: writeExactJson(job),
    }));
  } catch {
    return undefined;
  }
}

function* partsOf(jobs: readonly Job[]): Generator<readonly Job[]> {
  let part: Job[] = [];
  let bytes = 0;
  for (const job of jobs) {
    const size = Buffer.byteLength(job.text);
    if (part.length === PART_JOBS || (part.length > 0 && bytes + size > PART_BYTES)) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(job);
    bytes += size;
  }
  if (part.length > 0 || jobs.length === 0) yield part;
}
