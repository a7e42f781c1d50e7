/** `POST /v1/import` and `GET /v1/export`: all jobs out of one deployment and into another, or out of the Go original. */
import * as z from "zod";
import type { Env } from "../../env.ts";
import { exportPage } from "../../jobs/export.ts";
import { type ImportItem, importJobs } from "../../jobs/import.ts";
import { ExportedJob, ImportedItem, ImportReport } from "../../schema/job-export.ts";
import { MAX_IMPORT_BODY_BYTES } from "../../schema/limits.ts";
import { IMPORT_TYPES, readImport } from "../import-body.ts";
import { reply, route } from "../route.ts";

const tag = "Import and export";
/** So many jobs are in memory at a time: at their largest some 200 KB each. */
const EXPORT_PAGE = 100;

const importAll = route({
  method: "post",
  path: "/v1/import",
  access: "admin",
  id: "importJobs",
  tag,
  summary: "Take in jobs of an export or of the Go original",
  description: [
    'An array of jobs (jobs.json of the Go original), `{"jobs": […]}`, or one job a line (an export); at most 10 MiB.',
    "Ids, times, counts and the phase of `every` are kept, and paused jobs stay paused; fires from before the import are not made up for. An id that exists is skipped, so the call may be repeated, and after an interruption it goes on where it was.",
    "A job that cannot be made is skipped with the reason, the others are made: an `at` that is over, an unknown field, an owner at MAX_JOBS_PER_OWNER. A finished job of an export stays finished for the rest of its 7 days.",
    'Of the original, fields that are empty in Go (`""`, 0, null, the year 1) count as left out, `@every 30m` becomes an interval, a job with exec_scope user and no user runs as the system, and a message that begins with `__anna_plugin_job__:` becomes a plugin job.',
    "One call has room for some 2,000 jobs (on Cloudflare it may make 10,000 calls of its own, of which a job takes up to four; on one machine each job is three open files for ten seconds): send larger files in parts.",
  ].join("\n\n"),
  body: {
    schema: z.custom<readonly ImportItem[]>(),
    shown: z.union([z.array(ImportedItem), z.strictObject({ jobs: z.array(ImportedItem) })]),
    types: IMPORT_TYPES,
    maxBytes: MAX_IMPORT_BODY_BYTES,
    read: readImport,
  },
  answers: { 200: { description: "What became of the jobs, in the order of the file.", schema: ImportReport } },
  async handle({ env, settings, body, url }) {
    return reply(200, await importJobs({ env, settings, origin: url.origin }, body, () => Date.now()));
  },
});

const exportAll = route({
  method: "get",
  path: "/v1/export",
  access: "admin",
  id: "exportJobs",
  tag,
  summary: "All jobs, one a line",
  description:
    "Newest first, in every state, with what an import needs to go on with them; each line is an ExportedJob. Runs, users, agents and heartbeats are not in it. The connection is broken off if a job cannot be read, so an answer that ends well is complete.",
  answers: {
    200: { description: "NDJSON.", schema: ExportedJob, contentType: "application/x-ndjson" },
  },
  async handle({ env }) {
    return new Response(exportStream(env), {
      headers: {
        "content-type": "application/x-ndjson",
        "content-disposition": 'attachment; filename="reveille-jobs.ndjson"',
        "cache-control": "no-store",
      },
    });
  },
});

export const importRoutes = [importAll, exportAll] as const;

/** Reads the next page when the one before has been taken. */
function exportStream(env: Env): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let after: Parameters<typeof exportPage>[1];
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const { jobs, next } = await exportPage(env, after, EXPORT_PAGE);
          after = next;
          if (jobs.length > 0)
            controller.enqueue(encoder.encode(jobs.map((job) => `${JSON.stringify(job)}\n`).join("")));
          if (next === undefined) return controller.close();
          if (jobs.length > 0) return;
        }
      },
    },
    { highWaterMark: 0 },
  );
}
