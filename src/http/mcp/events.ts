/**
 * MCP Events (extension `io.modelcontextprotocol/events`, SEP-3415) in poll mode, over the events of docs/contract.md §18
 * and the offers of §14. Polling is stateless: the cursor is a place in every shard or mailbox, bound to its name and
 * arguments. Names, fields and error codes were checked against two other servers and the extension's conformance tests
 * (docs/events.md).
 */
import * as z from "zod";
import { hash32 } from "../../domain/directory-shard.ts";
import { err, ok, type Result } from "../../domain/result.ts";
import { formatInstant, parseInstant } from "../../domain/time/instant.ts";
import { Event, EventType, OfferedEvent } from "../../schema/event.ts";
import { SECOND_MS } from "../../schema/limits.ts";
import { feedSource, offerSource, type PollCaller, type Source, type Wanted } from "./event-sources.ts";

export const EVENTS_EXTENSION = "io.modelcontextprotocol/events";

/** The server's announcement of the extension. */
export const EVENTS_CAPABILITY = { delivery: ["poll"] };

const OFFERED = "run.offered";
const NAMES = [...EventType.options, OFFERED] as const;
const MAX_EVENTS = 100;
const DEFAULT_EVENTS = 50;
const NEXT_POLL_MS = 10 * SECOND_MS;
/** The extension's error code for an unknown event. */
const NOT_FOUND = -32_011;
const INVALID_PARAMS = -32_602;

const text = z.string().min(1).max(200);
const Arguments = z.strictObject({
  job_id: text.optional(),
  agent_id: text.optional(),
  user_id: text.optional(),
  since: text.optional(),
  until: text.optional(),
});

/** The parameters. They are checked here, so that faults are explained in words. */
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

const DESCRIPTIONS: Readonly<Record<(typeof NAMES)[number], string>> = {
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
  "run.offered": "A run waits in an agent's mailbox; take it with wait_for_run.",
};

/** `events/list`: every event that can be polled, with its arguments. */
export function listEventTypes() {
  const inputSchema = z.toJSONSchema(Arguments);
  const events = NAMES.map((name) => ({
    name,
    description: DESCRIPTIONS[name],
    delivery: ["poll"],
    inputSchema,
    payloadSchema: z.toJSONSchema(name === OFFERED ? OfferedEvent : Event, { unrepresentable: "any" }),
  }));
  return { resultType: "complete" as const, events };
}

export type PollAnswer = {
  readonly resultType: "complete";
  readonly events: readonly {
    readonly eventId: string;
    readonly name: string;
    readonly timestamp: string;
    readonly data: Event | OfferedEvent;
  }[];
  readonly cursor: string;
  readonly truncated: boolean;
  readonly hasMore: boolean;
  readonly nextPollMs: number;
};

/** An error of JSON-RPC. Its message is for the model that called. */
export type PollError = { readonly code: number; readonly message: string; readonly data?: { readonly kind: string } };

/** `events/poll`. A null cursor begins now. */
export async function pollEvents(
  caller: PollCaller,
  params: z.infer<typeof PollParams>,
): Promise<Result<PollAnswer, PollError>> {
  const name = NAMES.find((each) => each === params.name);
  if (name === undefined) return err(unknownName(params.name));
  const given = Arguments.safeParse(params.arguments ?? {});
  if (!given.success) {
    return invalid(`arguments: ${explain(given.error)} The arguments are job_id, agent_id, user_id, since and until.`);
  }
  const limits = Limits.safeParse(params);
  if (!limits.success) return invalid(explain(limits.error));
  const window = readWindow(given.data);
  if (!window.ok) return invalid(window.error);
  const { since: _since, until: _until, ...of } = given.data;
  const wanted = { ...of, ...window.value };
  const binding = hash32(JSON.stringify([name, ...Object.entries(given.data).sort()]));
  const asked = { ...limits.data, binding, now: caller.now };
  return name === OFFERED ? poll(offerSource(caller, wanted), asked) : poll(feedSource(caller, name, wanted), asked);
}

/** Polls one source, from the place in the cursor. */
async function poll<Place>(
  source: Source<Place>,
  { cursor, binding, maxAgeMs, maxEvents, now }: z.infer<typeof Limits> & { binding: number; now: number },
): Promise<Result<PollAnswer, PollError>> {
  const answer = (place: Place, rest: Pick<PollAnswer, "events" | "truncated" | "hasMore">) =>
    ok({
      resultType: "complete" as const,
      ...rest,
      cursor: source.cursors.encode([binding, place]),
      nextPollMs: rest.hasMore ? 0 : NEXT_POLL_MS,
    });
  if (cursor === undefined || cursor === null) {
    return answer(await source.begin(), { events: [], truncated: false, hasMore: false });
  }
  const decoded = source.cursors.decode(cursor);
  if (!decoded.ok || decoded.value[0] !== binding) {
    return invalid("cursor: belongs to another name or other arguments; leave it out (null) to begin now.");
  }
  const page = await source.read(decoded.value[1], Math.min(maxEvents ?? DEFAULT_EVENTS, MAX_EVENTS));
  const oldest = maxAgeMs === undefined || maxAgeMs === null ? Number.NEGATIVE_INFINITY : now - maxAgeMs;
  const recent = page.occurrences.filter(({ at }) => at >= oldest);
  const events = recent.map(({ at, data }) => ({
    eventId: data.id,
    name: data.type,
    timestamp: formatInstant(at),
    data,
  }));
  const truncated = page.isCut || recent.length < page.occurrences.length;
  return answer(page.place, { events, truncated, hasMore: page.hasMore });
}

const invalid = (message: string) => err({ code: INVALID_PARAMS, message });

function unknownName(name: unknown): PollError {
  const message = `name: there is no event ${JSON.stringify(name)}; the names are ${NAMES.join(", ")}.`;
  return typeof name === "string"
    ? { code: NOT_FOUND, message, data: { kind: "event" } }
    : { code: INVALID_PARAMS, message };
}

function readWindow({ since, until }: z.infer<typeof Arguments>): Result<Pick<Wanted, "since" | "until">, string> {
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
