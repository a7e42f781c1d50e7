/**
 * One user's run of a fan-out, and its place in a list. It has the same states as any run (src/domain/run/run.ts).
 */
import type { JobDefinition } from "../../schema/job.ts";
import type { Trigger } from "../../schema/run.ts";
import type { Spent } from "../run/budget.ts";
import { type Run, startRun } from "../run/run.ts";
import { keyedRunId, userKey } from "../run/run-id.ts";
import { sessionId } from "../run/session.ts";

/** The part of a fan-out that each shard gets: the facts that all its users' runs share. */
export type FanOutSpec = {
  readonly number: number;
  readonly id: string;
  readonly jobId: string;
  readonly trigger: Trigger;
  /** Epoch ms. */
  readonly dueAt: number;
  readonly startedAt: number;
  readonly definition: JobDefinition;
  readonly origin?: string;
  readonly shards: number;
  /** The job's spend when the fan-out began. */
  readonly spent?: Spent | undefined;
};

/** The parts of a run that are its own. The rest follows from the fan-out. */
export type UserRunParts = Omit<Run, "id" | "seq" | "sessionId" | "userId" | "trigger" | "dueAt" | "missed"> & {
  readonly userId: string;
};

/**
 * A run whose first attempt is made at `now`. `key` is the user's (`userKey`). If a crash comes before its end is written,
 * it begins again with the same id and session.
 */
export const startUserRun = (spec: FanOutSpec, userId: string, key: string, now: number): Run =>
  startRun({ ...commonOf(spec, userId, key), userId }, now);

/** A complete run from its stored parts. */
export const restoreUserRun = (spec: FanOutSpec, parts: UserRunParts): Run => ({
  ...commonOf(spec, parts.userId, userKey(parts.userId)),
  ...parts,
});

function commonOf(spec: FanOutSpec, userId: string, key: string) {
  const { agent_id: agentId, session_mode: mode } = spec.definition;
  const { jobId, startedAt, number } = spec;
  return {
    id: keyedRunId(spec.id, key),
    seq: number,
    sessionId: sessionId({ jobId, agentId, userId, mode, startedAt, seq: number }),
    trigger: spec.trigger,
    dueAt: spec.dueAt,
  };
}

/** The place of a run in a list, newest first: by its start, then by its id. */
export type RunKey = { readonly startedAt: number; readonly id: string };

/** Compares two runs for a list. Negative if `a` comes before `b`. */
export const byNewest = (a: RunKey, b: RunKey): number =>
  b.startedAt - a.startedAt || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
