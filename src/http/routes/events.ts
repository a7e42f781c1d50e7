/** `/v1/events` and `/v1/runs`: the events and the ended runs of all jobs. */
import * as z from "zod";
import { listEvents } from "../../directory/events.ts";
import type { EventFilter } from "../../domain/event/event-filter.ts";
import { eventView } from "../../domain/event/event-view.ts";
import { invalid, type Outcome } from "../../domain/failure.ts";
import { mapPage } from "../../domain/page.ts";
import { ok } from "../../domain/result.ts";
import { parseInstant } from "../../domain/time/instant.ts";
import type { ListedEvent } from "../../objects/events.ts";
import { EVENT_ALIASES, Event, EventType } from "../../schema/event.ts";
import { RunStatus } from "../../schema/job.ts";
import { Run } from "../../schema/run.ts";
import { commaList, pageCursor, pageLimit, pageShape, queryText } from "../fields.ts";
import { reply, route } from "../route.ts";

const tag = "Events";

const typeList = commaList(EventType, EventType.options, EVENT_ALIASES);

/** The meta of `since` and `until` for the texts about wrong ones. */
export const TIMES = {
  since: { reads: "instant", aliases: ["from", "after", "start", "newer_than"] },
  until: { reads: "instant", aliases: ["to", "before", "end", "older_than"] },
};

const window = {
  agent_id: queryText.optional().meta({ description: "Of this agent's jobs." }),
  user_id: queryText.optional().meta({ description: "Of jobs that run as this user." }),
  since: queryText.optional().meta({
    ...TIMES.since,
    description: "RFC 3339: at this time or later.",
    examples: ["2026-11-27T00:00:00Z"],
  }),
  until: queryText.optional().meta({ ...TIMES.until, description: "RFC 3339: before this time." }),
  limit: pageLimit(50),
  cursor: pageCursor,
};

const RunOfJob = z.strictObject({ ...Run.shape, job_name: z.string() }).meta({ id: "RunOfJob" });

const runOf = ({ run, job }: ListedEvent) => (run === undefined ? [] : [{ ...run, job_name: job?.name ?? "" }]);

const list = route({
  method: "get",
  path: "/v1/events",
  access: "read",
  id: "listEvents",
  tag,
  summary: "List events, newest first",
  description:
    "Events that Reveille reports by itself: jobs that fail, recover, are paused or overdue. A token gets the events of jobs that it may see. Events of heartbeats and ticks are for the operator and viewers. They are kept for 30 days. A job's field `report` chooses its events.",
  query: z.strictObject({
    type: typeList.optional().meta({
      description: "Comma-separated types.",
      examples: ["run.failed,run.recovered"],
    }),
    job_id: queryText.optional().meta({ description: "Of this job." }),
    ...window,
  }),
  answers: { 200: { description: "A page of events.", schema: pageShape(Event) } },
  async handle({ env, caller, query }) {
    const { type: types, since, until, limit, cursor, ...filter } = query;
    const times = readTimes({ since, until });
    if (!times.ok) return times;
    const page = await listEvents(env, caller, { ...filter, types, ...times.value }, { limit, cursor });
    if (!page.ok) return page;
    return reply(200, mapPage(page.value, eventView));
  },
});

const runs = route({
  method: "get",
  path: "/v1/runs",
  access: "read",
  id: "listAllRuns",
  tag,
  summary: "List the ended runs of all jobs, newest first",
  description:
    "Runs that ended as error, of all jobs that the token may see, and every ended run of jobs with `report: all`. They are sorted by the time of their end and kept for 30 days. An ended fan-out shows at most 50 of its users' failed runs; all of them are in the job's runs.",
  query: z
    .strictObject({
      status: RunStatus.optional().meta({ description: "error, success or skipped." }),
      ...window,
    })
    .meta({
      notHere: {
        job_id: "is not a query parameter here: the runs of one job are at GET /v1/jobs/{value}/runs",
        name: "is not a query parameter here: find the job with GET /v1/jobs?name=…, then its runs at GET /v1/jobs/{id}/runs",
      },
    }),
  answers: { 200: { description: "A page of runs.", schema: pageShape(RunOfJob) } },
  async handle({ env, caller, query }) {
    const { status, since, until, limit, cursor, ...filter } = query;
    const times = readTimes({ since, until });
    if (!times.ok) return times;
    const wanted: EventFilter = { ...filter, ...times.value, runs: { status, ofAllUsers: true } };
    const page = await listEvents(env, caller, wanted, { limit, cursor });
    if (!page.ok) return page;
    return reply(200, { ...page.value, items: page.value.items.flatMap(runOf) });
  },
});

export const eventRoutes = [list, runs] as const;

/** The times in epoch ms. Errors: `validation_failed` on the parameter that is not a time. */
export function readTimes(
  query: Readonly<Partial<Record<"since" | "until", string | undefined>>>,
): Outcome<{ readonly since: number | undefined; readonly until: number | undefined }> {
  const read: Record<"since" | "until", number | undefined> = { since: undefined, until: undefined };
  for (const name of ["since", "until"] as const) {
    const text = query[name];
    if (text === undefined) continue;
    const at = parseInstant(text);
    if (!at.ok) {
      return invalid(
        [{ path: name, message: at.error }],
        `Send ${name} as RFC 3339 with an offset, for example 2026-11-27T00:00:00Z.`,
      );
    }
    read[name] = at.value;
  }
  return ok(read);
}
