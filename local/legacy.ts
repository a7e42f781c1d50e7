/** LEGACY_DATA_PATH: sends the Go original's jobs.json to the import route once, and then renames it. */

import { access, readdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { err, ok, type Result } from "../src/domain/result.ts";
import { messageOf } from "../src/domain/text/error-text.ts";
import { importInParts, type Report, type Skipped } from "./legacy-parts.ts";

const FILE_NAME = "jobs.json";
const IMPORTED_NAME = "jobs.json.imported";
const TIMEOUT_MS = 120_000;
/** The pause after which workerd has closed a job's files. It does so ten seconds after the last call. */
const PAUSE_MS = 11_000;
const MAX_REASONS_SHOWN = 3;

const report = z.object({ imported: z.number(), skipped: z.array(z.object({ id: z.string(), reason: z.string() })) });
const problem = z.object({ detail: z.string(), hint: z.string().optional() });

/**
 * Imports `folder`/jobs.json into the service at `url`. Returns the line to print, or undefined if an earlier start has
 * imported it. The file is renamed only after an answer about every job. A repeat does no harm, since existing ids are
 * skipped.
 */
export async function importLegacy(folder: string, url: string, adminToken: string): Promise<string | undefined> {
  const path = join(folder, FILE_NAME);
  try {
    const names = await readdir(folder);
    if (!names.includes(FILE_NAME)) {
      return names.some((name) => name.startsWith(IMPORTED_NAME))
        ? undefined
        : `LEGACY_DATA_PATH: there is no ${FILE_NAME} in ${folder}`;
    }
    const done = await importInParts(await readFile(path), {
      send: (body) => send(`${url}/v1/import`, adminToken, body),
      pause: () => sleep(PAUSE_MS),
    });
    if (!done.ok) return `LEGACY_DATA_PATH: ${path} was not imported: ${done.error}`;
    const { imported, skipped } = done.value;
    const kept = await freeName(folder);
    await rename(path, join(folder, kept));
    return `Imported ${count(imported)} from ${path}${describeSkipped(skipped)}; the file is now ${kept}`;
  } catch (error) {
    return `LEGACY_DATA_PATH: ${path} was not imported: ${messageOf(error)}`;
  }
}

async function send(route: string, adminToken: string, body: string | Uint8Array): Promise<Result<Report, string>> {
  const response = await fetch(route, {
    method: "POST",
    headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
    body,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await response.text();
  return response.ok ? ok(report.parse(JSON.parse(text))) : err(`${response.status} ${explain(text)}`);
}

const count = (jobs: number): string => (jobs === 1 ? "1 job" : `${jobs} jobs`);

function describeSkipped(skipped: readonly Skipped[]): string {
  if (skipped.length === 0) return "";
  const shown = skipped.slice(0, MAX_REASONS_SHOWN).map(({ id, reason }) => `${id}: ${reason}`);
  const rest = skipped.length > shown.length ? "; …" : "";
  return `, ${skipped.length} skipped (${shown.join("; ")}${rest})`;
}

/** The detail and hint of a problem+json answer, or else the answer itself, on one line. */
function explain(text: string): string {
  try {
    const parsed = problem.safeParse(JSON.parse(text));
    if (parsed.success) return [parsed.data.detail, parsed.data.hint].filter(Boolean).join(" ");
  } catch {
    // The answer is not JSON and is shown unchanged.
  }
  return text.replace(/\s+/g, " ").slice(0, 300);
}

async function freeName(folder: string): Promise<string> {
  for (let counter = 1; ; counter++) {
    const name = counter === 1 ? IMPORTED_NAME : `${IMPORTED_NAME}.${counter}`;
    try {
      await access(join(folder, name));
    } catch {
      return name;
    }
  }
}
