/** `reveille events` and `reveille tail`: what happened, and what is happening. */

import { EventSourceParserStream } from "eventsource-parser/stream";
import * as z from "zod";
import { compact } from "../../domain/compact.ts";
import { messageOf } from "../../domain/text/error-text.ts";
import { type Command, Failure } from "../command.ts";
import { findJob, JobShape, scheduleText } from "../jobs.ts";
import { json, oneLine, paint, paintStatus, relative, table } from "../render.ts";
import { RunShape, resultOf, tookOf } from "../runs.ts";
import { answer, connect, Refused, read, type Service } from "../service.ts";
import type { Terminal } from "../terminal.ts";
import { timeAgo } from "../times.ts";

const Event = z.looseObject({
  id: z.string(),
  type: z.string(),
  at: z.string(),
  message: z.string(),
  job_name: z.string().optional(),
});
type Event = z.infer<typeof Event>;
const Page = z.looseObject({ items: z.array(Event), next_cursor: z.string().optional() });

export const events: Command = {
  name: "events",
  summary: "List what went wrong, recovered or was paused, newest first",
  options: {
    type: {
      type: "string",
      value: "TYPES",
      about: "A comma list: run.failed, run.recovered, job.paused, job.overdue, ...",
    },
    "job-id": { type: "string", value: "JOB", aliases: ["job"], about: "Of this job, by id or name" },
    "agent-id": { type: "string", value: "ID", aliases: ["agent"], about: "Of this agent's jobs" },
    "user-id": { type: "string", value: "ID", aliases: ["user"], about: "Of this user's jobs" },
    since: { type: "string", value: "WHEN", about: "From this time on: RFC 3339, or 24h ago" },
    until: { type: "string", value: "WHEN", about: "Up to this time" },
    limit: { type: "string", value: "N", about: "1 to 100 (50)" },
    cursor: { type: "string", value: "CURSOR", about: "The next_cursor of the page before" },
  },
  examples: ["reveille events --since 24h", "reveille events --type run.failed,job.paused --json"],
  async run(given, terminal) {
    const service = await connect(given, terminal);
    const now = Date.now();
    const job = given.text("job-id");
    const query = compact({
      type: given.text("type"),
      job_id: job === undefined ? undefined : (await findJob(service, job)).id,
      agent_id: given.text("agent-id"),
      user_id: given.text("user-id"),
      since: timeAgo(given.text("since"), now),
      until: timeAgo(given.text("until"), now),
      limit: given.text("limit"),
      cursor: given.text("cursor"),
    });
    const answered = await answer(service.client.v1.events.$get({ query }));
    if (given.flag("json")) terminal.print(json(answered));
    else {
      const { items, next_cursor } = read(Page, answered);
      const rows = items.map(({ at, type, job_name = "", message }) => [
        relative(at, now),
        paintType(terminal, type),
        job_name,
        message,
      ]);
      terminal.print(items.length === 0 ? "Nothing happened." : table(terminal, ["AT", "EVENT", "JOB", "WHAT"], rows));
      if (next_cursor !== undefined) terminal.warn(`There are more: --cursor ${next_cursor}`);
    }
    return 0;
  },
};

const paintType = (terminal: Terminal, type: string): string =>
  paint(
    terminal,
    /recovered|succeeded/.test(type) ? "green" : /skipped|paused|budget/.test(type) ? "yellow" : "red",
    type,
  );

export const tail: Command = {
  name: "tail",
  summary: "Follow a job, or the events of all, as they come",
  about:
    "Of a job: its runs as they begin and end, and its changes. Of all: the events of `reveille events`. Ctrl-C ends it.",
  positionals: [{ name: "JOB", about: "the job's id, or its whole name", optional: true }],
  examples: ["reveille tail stand-up", "reveille tail", "reveille tail stand-up --json"],
  async run(given, terminal) {
    const service = await connect(given, terminal);
    const [named] = given.positionals;
    if (named === undefined) return tailAll(service, given.flag("json"), terminal);
    return tailJob(service, await findJob(service, named), given.flag("json"), terminal);
  },
};

const RETRY_MS = 2_000;
const LOOK_MS = 2_000;
const REMEMBERED = 1_000;
const LISTED_LATE_MS = 30_000;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** One job's stream; a connection that is lost is made again, from where it broke off. Ends when the job is deleted. */
async function tailJob(service: Service, job: JobShape, isJson: boolean, terminal: Terminal): Promise<number> {
  let lastId: string | undefined;
  // After a lost connection what was shown last comes again.
  const shown = new Map<string, string>();
  for (;;) {
    try {
      const headers = { accept: "text/event-stream", ...(lastId === undefined ? {} : { "last-event-id": lastId }) };
      const { body } = await service.fetch("GET", `/v1/jobs/${job.id}/events`, { headers });
      if (body === null) throw new Failure("The stream has no body.");
      for await (const { id, event = "message", data } of body
        .pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream())) {
        if (id !== undefined && id !== "") lastId = id;
        const value: unknown = JSON.parse(data);
        const line = isJson ? JSON.stringify({ event, data: value }) : lineOf(event, value, terminal);
        const subject = `${event} ${RunShape.safeParse(value).data?.id ?? ""}`;
        if (line !== undefined && shown.get(subject) !== line) terminal.print(line);
        if (line !== undefined) remember(shown, subject, line);
        if (event === "deleted") return 0;
      }
    } catch (error) {
      if (error instanceof Refused && error.status < 500 && error.status !== 429) throw error;
      terminal.warn(`${messageOf(error)} Connecting again.`);
    }
    await pause(RETRY_MS);
  }
}

function remember(shown: Map<string, string>, subject: string, line: string): void {
  shown.delete(subject);
  shown.set(subject, line);
  const [oldest] = shown.keys();
  if (shown.size > REMEMBERED && oldest !== undefined) shown.delete(oldest);
}

/** An event of a job's stream as a line; undefined if people need not see it. */
function lineOf(event: string, value: unknown, terminal: Terminal): string | undefined {
  if (event === "run") {
    const run = RunShape.safeParse(value).data;
    if (run === undefined) return undefined;
    const took = run.finished_at === undefined || run.status === "skipped" ? "" : ` in ${tookOf(run, 0)}`;
    const at = run.finished_at ?? run.started_at;
    return `${at}  ${paintStatus(terminal, run.status)}${took}  attempt ${run.attempt}  ${oneLine(resultOf(run))}`.trimEnd();
  }
  if (event === "job") {
    const job = JobShape.safeParse(value).data;
    if (job === undefined) return undefined;
    const next = job.next_run_at === undefined ? "nothing is scheduled" : `fires at ${job.next_run_at}`;
    return `${job.name} is ${paintStatus(terminal, job.state)} (${scheduleText(job.schedule)}), ${next}`;
  }
  return `${event} ${JSON.stringify(value)}`;
}

/**
 * The events of all jobs, asked for again and again, by the service's own clock. What was there or was shown is not
 * shown again.
 */
async function tailAll(service: Service, isJson: boolean, terminal: Terminal): Promise<never> {
  let seen: ReadonlySet<string> | undefined;
  let since: string | undefined;
  for (;;) {
    try {
      since ??= sinceOf(await eventPage(service, { limit: "1" }));
      const found = await eventsSince(service, since);
      const before = seen ?? new Set(found.map(({ id }) => id));
      for (const event of found.toReversed()) {
        if (!before.has(event.id)) terminal.print(isJson ? JSON.stringify(event) : eventLine(event, terminal));
      }
      seen = new Set(found.map(({ id }) => id));
      if (found.length > 0) since = sinceOf({ items: found });
    } catch (error) {
      if (error instanceof Refused && error.status < 500 && error.status !== 429) throw error;
      terminal.warn(`${messageOf(error)} Asking again.`);
    }
    await pause(LOOK_MS);
  }
}

/** The time from which events are asked for, given the newest there are. One may be listed after one that is newer. */
function sinceOf({ items: [newest] }: { readonly items: readonly Event[] }): string {
  return new Date(newest === undefined ? 0 : Date.parse(newest.at) - LISTED_LATE_MS).toISOString();
}

const eventPage = async (service: Service, query: Readonly<Record<string, string>>): Promise<z.infer<typeof Page>> =>
  read(Page, await answer(service.client.v1.events.$get({ query })));

/** All events from `since` on, newest first. */
async function eventsSince(service: Service, since: string): Promise<readonly Event[]> {
  const found: Event[] = [];
  let cursor: string | undefined;
  do {
    const page = await eventPage(service, compact({ since, cursor, limit: "100" }));
    found.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== undefined);
  return found;
}

const eventLine = ({ at, type, message }: Event, terminal: Terminal): string =>
  `${at}  ${paintType(terminal, type)}  ${message}`;
