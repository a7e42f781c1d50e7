/** The session in which the agent is woken (docs/contract.md §2). It is the same each time, or a new one for every run. */
import type { JobDefinition } from "../../schema/job.ts";

/** The parts of a session id. An empty id counts as none. `startedAt` and `seq` count only in mode `new`. */
export type SessionParts = {
  readonly jobId: string;
  readonly agentId?: string | undefined;
  readonly userId?: string | undefined;
  readonly mode: JobDefinition["session_mode"];
  /** When the run was recorded, epoch ms. The due time would not do, since a backfill runs due times again. */
  readonly startedAt: number;
  /** The run's number in its job. For a user's run, the number of its fan-out. */
  readonly seq: number;
};

/**
 * `[{agent_id}:]scheduler:{job id}[:u{user_id}][:{timestamp}]`, the timestamp in microseconds since 1970.
 *
 * It must differ for every run and be the same for every attempt of one run. So it is computed once, when the run is
 * recorded, and stored with it. Several runs of a job can start in one millisecond (`allow_all`, a backfill), so the
 * microseconds are the last three digits of the run's number. Only a thousand runs in one millisecond could share a
 * session.
 */
export function sessionId({ jobId, agentId, userId, mode, startedAt, seq }: SessionParts): string {
  const agent = agentId ? `${agentId}:` : "";
  const user = userId ? `:u${userId}` : "";
  const timestamp = mode === "new" ? `:${startedAt * 1_000 + (seq % 1_000)}` : "";
  return `${agent}scheduler:${jobId}${user}${timestamp}`;
}
