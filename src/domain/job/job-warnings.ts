/**
 * Warnings about jobs that are valid and may not mean what was meant (docs/contract.md §13). Pure: what it needs to
 * know is passed in.
 */
import type { JobDefinition } from "../../schema/job.ts";
import type { Warning } from "../../schema/warning.ts";
import { parseDuration } from "../time/duration.ts";
import { rateOf } from "../time/rate.ts";
import type { Schedule } from "../time/schedule.ts";
import { scheduleWarnings } from "../time/schedule-warnings.ts";

/** The surroundings of a job, which the shell looks up. */
export type JobSurroundings = {
  /** Epoch ms. */
  readonly now: number;
  /** The next nominal time of the schedule, epoch ms; undefined where none comes, as while paused. */
  readonly firstAt: number | undefined;
  /** The agent of the job: `unregistered` and `missing` mean that its runs would fail for want of one. */
  readonly agent: "there" | "unregistered" | "missing";
  /** Another unfinished job of the owner that has the name. */
  readonly namesake?: { readonly id: string } | undefined;
  /** Whether the client has given `timeout`, or it differs from the default. */
  readonly timeoutGiven: boolean;
};

/** All warnings for a job, those of its schedule last. */
export function jobWarnings(job: JobDefinition, schedule: Schedule, around: JobSurroundings): Warning[] {
  return [
    ...agentWarning(job, around),
    ...nameWarning(job, around),
    ...overlapWarning(job, schedule, around),
    ...scheduleWarnings(job.schedule, schedule, around.firstAt),
  ];
}

function agentWarning({ agent_id }: JobDefinition, { agent }: JobSurroundings): Warning[] {
  if (agent === "there") return [];
  const path = "agent_id";
  if (agent === "unregistered") {
    const message = `no agent is registered as "${agent_id}", so each run will end as an error; register it with PUT /v1/agents/${agent_id}, or name one that is`;
    return [{ path, code: "agent_not_registered", message }];
  }
  const message =
    "agent_id is empty and no default agent is configured, so each run will end as an error; name a registered agent in agent_id, or have the operator set AGENT_URL and AGENT_SECRET";
  return [{ path, code: "no_agent", message }];
}

function nameWarning({ name }: JobDefinition, { namesake }: JobSurroundings): Warning[] {
  if (namesake === undefined) return [];
  const message = `job ${namesake.id} of the same owner is called "${name}" too, and both will run; to change that one use PATCH /v1/jobs/${namesake.id}, and DELETE the one too many`;
  return [{ path: "name", code: "duplicate_name", message }];
}

function overlapWarning(job: JobDefinition, schedule: Schedule, { timeoutGiven, now }: JobSurroundings): Warning[] {
  if (!timeoutGiven || job.overlap !== "skip") return [];
  const timeout = parseDuration(job.timeout);
  if (!timeout.ok || timeout.value <= rateOf(schedule, now).minGapMs) return [];
  const message = `a run may last ${job.timeout}, longer than the time between two fires, and a fire that comes due meanwhile is skipped; to run it afterwards set "overlap": "buffer_one", or shorten timeout`;
  return [{ path: "timeout", code: "may_overlap", message }];
}
