/**
 * MCP Events (extension `io.modelcontextprotocol/events`, SEP-3415) in poll mode, over the events of docs/contract.md §18. Polling is
 * stateless: the cursor is a place in each shard of the directory, bound to the name and arguments that it was made for.
 */
import * as z from "zod";
import { endOfFeed, type FeedPlace, readFeed } from "../../directory/event-feed.ts";
import { hash32, SHARD_COUNT } from "../../domain/directory-shard.ts";
import { eventView } from "../../domain/event/event-view.ts";
import type { Caller } from "../../domain/job/access.ts";
import { cursorsOf } from "../../domain/page.ts";
import { err, ok, type Result } from "../../domain/result.ts";
import { formatInstant, parseInstant } from "../../domain/time/instant.ts";
import type { Env } from "../../env.ts";
import { Event, EventType } from "../../schema/event.ts";
import { SECOND_MS } from "../../schema/limits.ts";

export const EVENTS_EXTENSION = "io.modelcontextprotocol/events";

/** What the server announces of the extension. */
export const EVENTS_CAPABILITY = { delivery: ["poll"] };

const MAX_EVENTS = 100;
const DEFAULT_EVENTS = 50;
const NEXT_POLL_MS = 10 * SECOND_MS;

const text = z.string().min(1).max(200);
const Arguments = z.strictObject({
  job_id: text.optional(),
  agent_id: text.optional(),
  user_id: text.optional(),
  since: text.optional(),
  until: text.optional(),
});

/** The parameters are checked here, so that what is wrong is said in words. */
export const PollParams = z.looseObject({
  name: z.unknown().optional(),
  arguments: z.unknown().optional(),
  cursor: z.unknown().optional(),
  maxAgeMs: z.unknown().optional(),
  maxEvents: z.unknown().optional(),
});

const Limits = z.object({
  maxAgeMs: z.int().min(0).nullish(),
  maxEvents: z.int().min(1).nullish(),
  cursor: z.string().nullish(),
});

const cursors = cursorsOf("mcp-events", z.tuple([z.int(), z.array(z.int()).length(SHARD_COUNT)]));

const DESCRIPTIONS: Readonly<Record<EventType, string>> = {
  "run.failed": "A run has ended as error, its attempts used up.",
  "run.recovered": "The first success after a failure.",
  "run.succeeded": "A run of a job with report all succeeded.",
  "run.skipped": "A fire of a job with report all was skipped.",
  "job.paused": "The agent or Reveille has paused a job.",
  "job.overdue": "A due time has passed and nothing had answered it.",
  "budget.reached": "A budget of a job is used up.",
  "fan_out.failed": "A fan-out ended as error, or with failed users.",
  "heartbeat.failed": "A beat of a heartbeat ended as error.",
  "tick.late": "No tick had come for two minutes.",
};

/** `events/list`: every event that can be polled, with its arguments. */
export function listEventTypes() {
  const inputSchema = z.toJSONSchema(Arguments);
  const payloadSchema = z.toJSONSchema(Event, { unrepresentable: "any" });
  const events = EventType.options.map((name) => ({
    name,
    description: DESCRIPTIONS[name],
    delivery: ["poll"],
    inputSchema,
    payloadSchema,
  }));
  return { resultType: "complete" as const, events };
}

export type PollAnswer = {
  readonly resultType: "complete";
  readonly events: readonly {
    readonly eventId: string;
    readonly name: string;
    readonly timestamp: string;
    readonly data: Event;
  }[];
  readonly cursor: string;
  readonly truncated: boolean;
  readonly hasMore: boolean;
  readonly nextPollMs: number;
};

/** `events/poll`. A null cursor begins now. Errors with a sentence: the parameters are not valid. */
export async function pollEvents(
  { env, caller, now }: { readonly env: Env; readonly caller: Caller; readonly now: number },
  params: z.infer<typeof PollParams>,
): Promise<Result<PollAnswer, string>> {
  const name = EventType.safeParse(params.name);
  if (!name.success) {
    return err(
      `name: there is no event ${JSON.stringify(params.name)}; the names are ${EventType.options.join(", ")}.`,
    );
  }
  const given = Arguments.safeParse(params.arguments ?? {});
  if (!given.success)
    return err(`arguments: ${explain(given.error)} The arguments are job_id, agent_id, user_id, since and until.`);
  const limits = Limits.safeParse(params);
  if (!limits.success) return err(explain(limits.error));
  const { cursor, maxAgeMs, maxEvents } = limits.data;
  const window = readWindow(given.data);
  if (!window.ok) return window;
  const binding = hash32(JSON.stringify([name.data, ...Object.entries(given.data).sort()]));
  const answer = (events: PollAnswer["events"], place: FeedPlace, truncated: boolean, hasMore: boolean) =>
    ok({
      resultType: "complete" as const,
      ...{ events, cursor: cursors.encode([binding, [...place]]), truncated, hasMore },
      nextPollMs: hasMore ? 0 : NEXT_POLL_MS,
    });

  if (cursor === undefined || cursor === null) return answer([], await endOfFeed(env), false, false);
  const decoded = cursors.decode(cursor);
  if (!decoded.ok || decoded.value[0] !== binding) {
    return err("cursor: belongs to another name or other arguments; leave it out (null) to begin now.");
  }
  const { job_id, agent_id, user_id } = given.data;
  const filter = { types: [name.data], job_id, agent_id, user_id, ...window.value };
  const limit = Math.min(maxEvents ?? DEFAULT_EVENTS, MAX_EVENTS);
  const page = await readFeed(env, caller, filter, decoded.value[1], limit);
  const oldest = maxAgeMs === undefined || maxAgeMs === null ? Number.NEGATIVE_INFINITY : now - maxAgeMs;
  const recent = page.events.filter(({ at }) => at >= oldest);
  const events = recent.map((event) => ({
    eventId: event.id,
    name: event.type,
    timestamp: formatInstant(event.at),
    data: eventView(event),
  }));
  return answer(events, page.place, recent.length < page.events.length, page.hasMore);
}

function readWindow({
  since,
  until,
}: z.infer<typeof Arguments>): Result<{ readonly since?: number; readonly until?: number }, string> {
  const window: { since?: number; until?: number } = {};
  for (const [key, value] of Object.entries({ since, until })) {
    if (value === undefined) continue;
    const at = parseInstant(value);
    if (!at.ok) return err(`arguments.${key}: ${at.error}`);
    if (key === "since") window.since = at.value;
    else window.until = at.value;
  }
  return ok(window);
}

const explain = (error: z.ZodError): string =>
  error.issues.map(({ path, message }) => `${path.length === 0 ? "" : `${path.join(".")}: `}${message}.`).join(" ");
