/** Watches a job: its events as they happen, and why it did or did not run at a time. */
import * as z from "zod";
import { askJob, findJob } from "../../directory/find-job.ts";
import { invalid } from "../../domain/failure.ts";
import { ok } from "../../domain/result.ts";
import { parseInstant } from "../../domain/time/instant.ts";
import { Explanation } from "../../schema/explanation.ts";
import { InstantText } from "../../schema/schedule.ts";
import { reply, route } from "../route.ts";

const explain = route({
  method: "get",
  path: "/v1/jobs/:id/explain",
  access: "read",
  id: "explainJob",
  tag: "Jobs",
  summary: "Explain why a job did or did not run",
  description:
    "It explains the last fire that was due by `at`. For a future time it says whether the job will run by then.",
  query: z.strictObject({
    at: InstantText.optional().meta({
      aliases: ["time", "when", "timestamp", "date"],
      description: "The time to explain: RFC 3339 with an offset; default now.",
      examples: ["2026-11-23T09:00:00Z"],
    }),
  }),
  answers: { 200: { description: "The explanation, in words and fields.", schema: Explanation } },
  errors: ["not_found"],
  async handle({ env, caller, params, query }) {
    const at = query.at === undefined ? ok(undefined) : parseInstant(query.at);
    if (!at.ok) return invalid([{ path: "at", message: at.error }]);
    const explanation = await askJob(env, params.id, (job) => job.explain(caller, at.value));
    return explanation.ok ? reply(200, explanation.value) : explanation;
  },
});

/** The headers of a stream. No proxy between the job and the listener may cache, change or hold back its messages. */
const STREAM_HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store, no-transform",
  "x-accel-buffering": "no",
};

const events = route({
  method: "get",
  path: "/v1/jobs/:id/events",
  access: "read",
  id: "streamJobEvents",
  tag: "Jobs",
  summary: "Follow a job as it changes",
  description:
    "Server-sent events: `job` with the job as it is now, `run` with a run, `fan_out` with a fan-out of an all_users job as `GET /v1/jobs/{id}/fan-outs/{fan_out_id}` shows it: when it opens, as its counts move (looked at about once a second, less often while nothing moves) and when it has ended; `deleted` with the job's id, after which the stream ends. It opens with the job. With Last-Event-ID it opens with what has changed since then: the job, runs, and fan-outs that have ended. Either way the present counts of a fan-out that is going follow. Counts on the way are not stored, so these events have no id and leave the last one in force. A comment every 15 s keeps it open.",
  headers: z.object({
    "last-event-id": z
      .string()
      .optional()
      .meta({
        description:
          "The id of the last event that was received; browsers send it by themselves. One that Reveille has not given is ignored.",
        examples: ["17"],
      }),
  }),
  answers: {
    200: {
      description: "The stream.",
      contentType: "text/event-stream",
      headers: { "Cache-Control": "no-store, no-transform" },
    },
  },
  errors: ["not_found"],
  async handle({ env, caller, params, headers, request }) {
    const found = await findJob(env, params.id);
    if (!found.ok) return found;
    if (request.method === "HEAD") {
      const job = await found.value.read(caller);
      return job.ok ? new Response(null, { headers: STREAM_HEADERS }) : job;
    }
    const stream = await found.value.events(caller, revisionOf(headers["last-event-id"]));
    return stream.ok ? new Response(stream.value, { headers: STREAM_HEADERS }) : stream;
  },
});

/**
 * The write that an event id names. Ids are numbers of writes; `16.1` comes after the 16th and before the end of the 17th.
 * For any other id the listener gets the present state.
 */
function revisionOf(lastEventId: string | undefined): number | undefined {
  const [, revision] = /^(\d{1,15})(?:\.\d+)?$/.exec(lastEventId ?? "") ?? [];
  return revision === undefined ? undefined : Number(revision);
}

export const jobWatchRoutes = [explain, events] as const;
