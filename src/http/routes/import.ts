/** `POST /v1/import` and `GET /v1/export`: moves all jobs between deployments, or from the Go original. */

import * as z from "zod";
import { authorOf } from "../../domain/audit.ts";
import { everyJob, exportCursors, exportedJobs, exportPart, MAX_PART } from "../../jobs/export.ts";
import { type ImportItem, importJobs } from "../../jobs/import.ts";
import { requestBudget } from "../../outbound/call-budget.ts";
import { type ExportedJob as Exported, ExportedJob, ImportedItem, ImportReport } from "../../schema/job-export.ts";
import { MAX_IMPORT_BODY_BYTES } from "../../schema/limits.ts";
import { pageCursor } from "../fields.ts";
import { IMPORT_TYPES, readImport } from "../import-body.ts";
import { reply, route } from "../route.ts";

const tag = "Import and export";
const importAll = route({
  method: "post",
  path: "/v1/import",
  access: "admin",
  id: "importJobs",
  tag,
  summary: "Import jobs of an export or of the Go original",
  description: [
    'An array of jobs (jobs.json of the Go original), `{"jobs": […]}`, or one job a line (an export); at most 10 MiB.',
    "Ids, times, counts and the phase of `every` are kept, and paused jobs stay paused; fires from before the import are not caught up on. An existing id is skipped, so the call may be repeated, and after an interruption it continues where it stopped.",
    "A job that cannot be created is skipped with the reason, and the others are created. Reasons are an `at` in the past, an unknown field, or an owner at MAX_JOBS_PER_OWNER. A finished job of an export stays finished for the rest of its 7 days.",
    'Of the original, fields that are empty in Go (`""`, 0, null, the year 1) count as left out, `@every 30m` becomes an interval, a job with exec_scope user and no user runs as the system, and a message that begins with `__anna_plugin_job__:` becomes a plugin job.',
    "On Cloudflare one call makes as many calls of its own as `CALLS_PER_WAKE` says, and a job takes some five of them (a system job 21): the jobs for which none were left are named in `skipped` with a reason that begins with `not looked at`; send those again. On one machine each job is three open files for ten seconds: send files of more than 2,000 jobs in parts.",
  ].join("\n\n"),
  body: {
    schema: z.custom<readonly ImportItem[]>(),
    shown: z.union([z.array(ImportedItem), z.strictObject({ jobs: z.array(ImportedItem) })]),
    types: IMPORT_TYPES,
    maxBytes: MAX_IMPORT_BODY_BYTES,
    read: readImport,
  },
  answers: { 200: { description: "The result for each job, in the order of the file.", schema: ImportReport } },
  async handle({ env, settings, caller, body, url }) {
    return reply(
      200,
      await importJobs({ env, settings, origin: url.origin, by: authorOf(caller) }, body, {
        clock: () => Date.now(),
        budget: requestBudget(settings),
      }),
    );
  },
});

const exportAll = route({
  method: "get",
  path: "/v1/export",
  access: "admin",
  id: "exportJobs",
  tag,
  summary: "All jobs, one a line",
  description: [
    "Newest first, in every state, with everything that an import needs; each line is an ExportedJob. Runs, users, agents and heartbeats are not included. If a job cannot be read, the connection breaks, so an answer that ends normally is complete.",
    'On Cloudflare one call makes as many calls of its own as `CALLS_PER_WAKE` says: some 24,000 jobs with 1,000, 960 with 40. For more ask for parts: `limit` jobs a call, and as `cursor` the `reveille-next-cursor` of the part before (also in `link` with `rel="next"`), until a part has none. A part ends early when its calls are used up.',
  ].join("\n\n"),
  query: z.strictObject({
    limit: z
      .int()
      .min(1)
      .max(MAX_PART)
      .optional()
      .meta({ description: `So many jobs at most, 1 to ${MAX_PART}; left out, and no cursor given: all jobs.` }),
    cursor: pageCursor.meta({ description: "reveille-next-cursor of the part before, unchanged." }),
  }),
  answers: {
    200: {
      description: "NDJSON.",
      schema: ExportedJob,
      contentType: "application/x-ndjson",
      headers: {
        "reveille-next-cursor": "The cursor of the next part; left out on the last one, and without limit and cursor.",
        link: "The next part's URL, with rel=next.",
      },
    },
  },
  errors: ["validation_failed"],
  async handle({ env, settings, query: { limit, cursor } }) {
    const call = { env, budget: requestBudget(settings), callsPerWake: settings.CALLS_PER_WAKE };
    if (limit === undefined && cursor === undefined) return ndjson(everyJob(call), {});
    const after = exportCursors.after(cursor);
    if (!after.ok) return after;
    const size = limit ?? MAX_PART;
    const { items, next_cursor: next } = exportCursors.shown(await exportPart(call, after.value, size));
    const query = new URLSearchParams({ limit: String(size), cursor: next ?? "" });
    return ndjson(
      exportedJobs(call, items),
      next === undefined ? {} : { "reveille-next-cursor": next, link: `</v1/export?${query}>; rel="next"` },
    );
  },
});

export const importRoutes = [importAll, exportAll] as const;

const ndjson = (jobs: AsyncIterator<readonly Exported[]>, headers: Readonly<Record<string, string>>): Response =>
  new Response(streamOf(jobs), {
    headers: {
      "content-type": "application/x-ndjson",
      "content-disposition": 'attachment; filename="reveille-jobs.ndjson"',
      "cache-control": "no-store",
      ...headers,
    },
  });

/** Streams the jobs. It reads the next ones when the earlier ones have been taken. */
function streamOf(pages: AsyncIterator<readonly Exported[]>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const page = await pages.next();
          if (page.done === true) return controller.close();
          if (page.value.length === 0) continue;
          controller.enqueue(encoder.encode(page.value.map((job) => `${JSON.stringify(job)}\n`).join("")));
          return;
        }
      },
    },
    { highWaterMark: 0 },
  );
}
