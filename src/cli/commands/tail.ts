/** `reveille tail`: what is happening, as it comes. */
import { EventSourceParserStream } from "eventsource-parser/stream";
import type * as z from "zod";
import { compact } from "../../domain/compact.ts";
import { messageOf } from "../../domain/text/error-text.ts";
import { type Command, Failure } from "../command.ts";
import { type Event, EventPage, paintType } from "../events.ts";
import { findJob, JobShape, scheduleText } from "../jobs.ts";
import { oneLine, paintStatus } from "../render.ts";
import { RunShape, resultOf, tookOf } from "../runs.ts";
import { answer, connect, Refused, read, type Service } from "../service.ts";
import type { Terminal } from "../terminal.ts";

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

/** The time from which `tail` asks for events, given the newest event. An event may be listed after a newer one. */
function sinceOf({ items: [newest] }: { readonly items: readonly Event[] }): string {
  return new Date(newest === undefined ? 0 : Date.parse(newest.at) - LISTED_LATE_MS).toISOString();
}

const eventPage = async (
  service: Service,
  query: Readonly<Record<string, string>>,
): Promise<z.infer<typeof EventPage>> => read(EventPage, await answer(service.client.v1.events.$get({ query })));

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
