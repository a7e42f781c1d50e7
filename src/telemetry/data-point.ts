/** A run that has ended, as a data point of Workers Analytics Engine. The places of its values are fixed: queries name them. Pure. */
import type { Run } from "../domain/run/run.ts";
import type { TracedJob } from "./spans.ts";

export type DataPoint = {
  readonly indexes: [string];
  readonly blobs: string[];
  readonly doubles: number[];
};

/** The longest text of an index; a job's id is shorter. */
const MAX_INDEX_CHARS = 96;

/**
 * index1: the job's id, by which points are sampled. blob1 to 6: job's name, agent, scope, trigger, status, error's beginning.
 * double1 to 6: ms from the due time to the start, ms from the start to the end, attempts, HTTP status, cost in USD, tokens.
 */
export const dataPointOf = (job: TracedJob, run: Run): DataPoint => ({
  indexes: [job.id.slice(0, MAX_INDEX_CHARS)],
  blobs: [job.name, job.agent_id ?? "", job.exec_scope, run.trigger, run.status, (run.error ?? "").slice(0, 200)],
  doubles: [
    Math.max(0, run.startedAt - run.dueAt),
    Math.max(0, (run.finishedAt ?? run.startedAt) - run.startedAt),
    run.attempt,
    run.httpStatus ?? 0,
    run.costUsd ?? 0,
    run.tokens ?? 0,
  ],
});
