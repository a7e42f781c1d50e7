/** The session in which the agent is woken (CONTRACT.md §2): the same one each time, or a new one for every run. */
import type { JobDefinition } from "../schema/job.ts";

/** What a session id is made of. `startedAt` (epoch ms) counts only in mode `new`. Empty ids mean none. */
export type SessionParts = {
  readonly jobId: string;
  readonly agentId?: string | undefined;
  readonly userId?: string | undefined;
  readonly mode: JobDefinition["session_mode"];
  readonly startedAt: number;
};

/**
 * `[{agent_id}:]scheduler:{job id}[:u{user_id}][:{started at}]`.
 *
 * In mode `new` the session must differ for every run and stay the same for every attempt of one. So it is worked out
 * once, when the run is recorded, and stored with it; and `startedAt` must be one that no other run of the job has:
 * take it from {@link distinctStart}. The runs of one fan-out share the fan-out's start and differ by user.
 */
export function sessionId({ jobId, agentId, userId, mode, startedAt }: SessionParts): string {
  const agent = agentId ? `${agentId}:` : "";
  const user = userId ? `:u${userId}` : "";
  const start = mode === "new" ? `:${startedAt}` : "";
  return `${agent}scheduler:${jobId}${user}${start}`;
}

/**
 * The start of a job's next run: `now`, or the first millisecond after the start of its run before, where that one began
 * in the same millisecond (a backfill, `allow_all`) or the clock was set back. `lastStartedAt` is undefined for the first run.
 */
export const distinctStart = (now: number, lastStartedAt: number | undefined): number =>
  lastStartedAt === undefined ? now : Math.max(now, lastStartedAt + 1);
