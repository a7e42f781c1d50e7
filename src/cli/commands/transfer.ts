/** `reveille export` and `import FILE`: write all jobs out, and read them in. */
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import * as z from "zod";
import { type Command, type Given, UsageError } from "../command.ts";
import { readText } from "../documents.ts";
import { json } from "../render.ts";
import { connect, read, type Service } from "../service.ts";
import type { Terminal } from "../terminal.ts";
import { importForeign, isKind } from "./import-foreign.ts";

const Imported = z.looseObject({
  imported: z.number(),
  skipped: z.array(z.looseObject({ id: z.string().optional(), reason: z.string() })).default([]),
});

type Skipped = z.infer<typeof Imported>["skipped"][number];

export const exportJobs: Command = {
  name: "export",
  summary: "Write all jobs as NDJSON, for `reveille import`",
  options: { output: { type: "string", short: "o", value: "FILE", about: "Write to a file, not to stdout" } },
  examples: ["reveille export > jobs.ndjson", "reveille export -o jobs.ndjson"],
  async run(given, terminal) {
    const service = await connect(given, terminal);
    const text = await exportedBy(service);
    const output = given.text("output");
    if (output === undefined) {
      if (text !== "") terminal.print(text.trimEnd());
    } else {
      await writeFile(resolve(terminal.cwd, output), text, { mode: 0o600 });
      terminal.warn(`${text.split("\n").filter((line) => line !== "").length} jobs are in ${output}.`);
    }
    return 0;
  },
};

/** All jobs, part by part, since one call may not be enough. */
async function exportedBy(service: Service): Promise<string> {
  let text = "";
  for (let cursor: string | null = ""; cursor !== null; ) {
    const from: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const part = await service.fetch("GET", `/v1/export?limit=1000${from}`);
    text += await part.text();
    cursor = part.headers.get("reveille-next-cursor");
  }
  return text;
}

export const importJobs: Command = {
  name: "import",
  summary: "Import an export, jobs.json of the Go original, or another scheduler's jobs",
  about: [
    "`import FILE` keeps ids, and skips jobs whose ids exist. `import crontab|openclaw|codex FILE` shows each job with its next 10 fires and",
    "refuses, line by line, what cannot be carried over (exit code 1 then); --apply creates the others.",
  ].join("\n"),
  positionals: [
    { name: "KIND", about: "crontab, openclaw or codex; left out for an export", optional: true },
    { name: "FILE", about: "the file; - for stdin", optional: true },
  ],
  options: {
    apply: { type: "boolean", about: "Create the jobs of another scheduler, not only show them" },
    timezone: { type: "string", value: "ZONE", about: "The zone of times without one (this machine's)" },
    "agent-id": { type: "string", value: "ID", aliases: ["agent"], about: "The agent that the jobs call" },
  },
  examples: [
    "reveille import jobs.ndjson",
    "reveille export --url URL1 | reveille import - --url URL2",
    "crontab -l | reveille import crontab -",
    "reveille import openclaw ~/.openclaw/cron/jobs.json --apply",
    "reveille import codex ~/.codex/automations/weekly/automation.toml --timezone Europe/Berlin",
  ],
  async run(given, terminal) {
    const [first, second, third] = given.positionals;
    if (first === undefined) throw new UsageError("FILE is missing: reveille import jobs.ndjson");
    if (third !== undefined) throw new UsageError(`"${third}" is one argument too many`);
    if (isKind(first) && second !== undefined) return importForeign(first, second, given, terminal);
    if (second !== undefined) throw new UsageError(`"${first}" is not known; there are crontab, openclaw and codex`);
    if (isKind(first)) throw new UsageError(`FILE is missing: reveille import ${first} FILE`);
    return importExport(first, given, terminal);
  },
};

const NDJSON = "application/x-ndjson";
/** The beginning of the reason for a job that a call had no room for. Such a job is sent again. */
const NOT_LOOKED_AT = "not looked at";

/** The most bytes of one call, some less than the limit of 10 MiB. */
const MAX_PART_BYTES = 8 * 1_048_576;

/** Imports jobs.json of the Go original, or an export. A long export is sent in parts. Ids are kept. */
export async function importExport(file: string, given: Given, terminal: Terminal): Promise<number> {
  const text = await readText(file, terminal);
  const service = await connect(given, terminal);
  const parts = isDocument(text) ? [{ body: text, type: "application/json" }] : linesOf(text);
  let imported = 0;
  const skipped: Skipped[] = [];
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    const { body, type } = part;
    const answered = await service.send("POST", "/v1/import", { body, headers: { "content-type": type } });
    const done = read(Imported, answered);
    imported += done.imported;
    const mayGoOn = type === NDJSON && done.imported > 0;
    const isLeft = ({ id = "#", reason }: Skipped): boolean =>
      mayGoOn && !id.startsWith("#") && reason.startsWith(NOT_LOOKED_AT);
    parts.unshift(...linesOf(body, new Set(done.skipped.filter(isLeft).map(({ id }) => id))));
    skipped.push(...done.skipped.filter((job) => !isLeft(job)));
  }
  if (given.flag("json")) terminal.print(json({ imported, skipped }));
  else {
    for (const { id, reason } of skipped) terminal.warn(`skipped ${id ?? ""}: ${reason}`);
    terminal.print(`${imported} imported, ${skipped.length} skipped.`);
  }
  return 0;
}

/** Whether the text is one JSON document with many jobs, and not one job on each line. */
function isDocument(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) || (typeof value === "object" && value !== null && "jobs" in value);
  } catch {
    return false;
  }
}

/** The lines in parts. If ids are given, only the lines of these jobs. */
function linesOf(text: string, only?: ReadonlySet<string | undefined>): { body: string; type: string }[] {
  const parts: { body: string; type: string }[] = [];
  let body = "";
  for (const line of text.split("\n").filter((one) => one.trim() !== "" && (only?.has(idIn(one)) ?? true))) {
    if (body !== "" && Buffer.byteLength(body) + Buffer.byteLength(line) > MAX_PART_BYTES) {
      parts.push({ body, type: NDJSON });
      body = "";
    }
    body += `${line}\n`;
  }
  return body === "" && only !== undefined ? parts : [...parts, { body, type: NDJSON }];
}

function idIn(line: string): string | undefined {
  try {
    return z.object({ id: z.string() }).safeParse(JSON.parse(line)).data?.id;
  } catch {
    return undefined;
  }
}
