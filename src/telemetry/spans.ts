/**
 * A run that has ended, as spans. The run, how late it was, each attempt, its time in a mailbox, and the wait for its
 * completion. An attempt's span is the parent that the agent got in `traceparent`, so that what the agent records
 * stands under it. Pure.
 */
import type { Attempt, Run } from "../domain/run/run.ts";
import { traceparent } from "../domain/run/traceparent.ts";
import type { JobDefinition } from "../schema/job.ts";

/** The job of a run, as far as telemetry names it. */
export type TracedJob = { readonly id: string } & Pick<JobDefinition, "name" | "agent_id" | "exec_scope">;

type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Times in epoch ms. `calls`: the span of a call to the agent. */
export type Span = {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId?: string;
  readonly name: string;
  readonly calls: boolean;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly attributes: Attributes;
  readonly error?: string | undefined;
};

/** Numbers beyond those of attempts, which are small, for the spans that no agent sees. */
const SPAN_NO = { run: 0, due: -1, completion: -2, mailbox: -3 } as const;

/** The spans of a run that has ended as success or error. */
export function spansOf(job: TracedJob, run: Run): Span[] {
  const { finishedAt = run.startedAt, attempts = [] } = run;
  const isDue = run.trigger === "schedule" && run.dueAt < run.startedAt;
  const error = run.status === "error" ? (run.error ?? "error") : undefined;
  const child = (number: number, name: string, startedAt: number, until: number, more: Partial<Span> = {}): Span => ({
    ...idsOf(run.id, number),
    parentId: idsOf(run.id, SPAN_NO.run).spanId,
    name,
    calls: false,
    startedAt,
    finishedAt: Math.max(startedAt, until),
    attributes: {},
    ...more,
  });
  const root = child(SPAN_NO.run, "run", isDue ? run.dueAt : run.startedAt, finishedAt, {
    attributes: attributesOf(job, run),
    error,
  });
  const { parentId: _none, ...whole } = root;
  const last = attempts.at(-1);
  const acceptedAt = run.claim?.at ?? last?.acceptedAt;
  return [
    whole,
    ...(isDue ? [child(SPAN_NO.due, "due", run.dueAt, attempts[0]?.startedAt ?? run.startedAt)] : []),
    ...attempts.map((attempt) =>
      child(attempt.attempt, "attempt", attempt.startedAt, endOf(attempt, run, finishedAt), {
        calls: true,
        attributes: { "reveille.attempt": attempt.attempt, "http.response.status_code": attempt.httpStatus },
        error: attempt.error,
      }),
    ),
    ...(run.offeredAt === undefined
      ? []
      : [child(SPAN_NO.mailbox, "wait in the mailbox", run.offeredAt, run.claim?.at ?? finishedAt)]),
    ...(acceptedAt === undefined ? [] : [child(SPAN_NO.completion, "wait for completion", acceptedAt, finishedAt)]),
  ];
}

/** An attempt ends with its answer, also where the agent only took the run with it. */
const endOf = ({ acceptedAt, finishedAt }: Attempt, { offeredAt }: Run, runEnd: number): number =>
  acceptedAt ?? offeredAt ?? finishedAt ?? runEnd;

function idsOf(runId: string, number: number): Pick<Span, "traceId" | "spanId"> {
  const [, traceId = "", spanId = ""] = traceparent(runId, number).split("-");
  return { traceId, spanId };
}

const attributesOf = (job: TracedJob, run: Run): Attributes => ({
  "reveille.run_id": run.id,
  "reveille.job_id": job.id,
  "reveille.job_name": job.name,
  "reveille.agent_id": job.agent_id,
  "reveille.exec_scope": job.exec_scope,
  "reveille.trigger": run.trigger,
  "reveille.status": run.status,
  "reveille.attempts": run.attempt,
  "reveille.late_ms": Math.max(0, run.startedAt - run.dueAt),
  "reveille.cost_usd": run.costUsd,
  "reveille.tokens": run.tokens,
});
