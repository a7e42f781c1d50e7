/**
 * Warnings about jobs that are valid but may not do what their author meant (docs/contract.md §13). Pure: the caller passes
 * in the surroundings.
 */
import type { Job, JobDefinition } from "../../schema/job.ts";
import { JOB_DEFAULTS } from "../../schema/job-defaults.ts";
import { HOUR_MS } from "../../schema/limits.ts";
import type { Warning } from "../../schema/warning.ts";
import { parseDuration } from "../time/duration.ts";
import { formatInstant } from "../time/instant.ts";
import { rateOf } from "../time/rate.ts";
import type { Schedule } from "../time/schedule.ts";
import { readAt } from "../time/schedule-kinds.ts";
import { scheduleWarnings } from "../time/schedule-warnings.ts";

/** The facts around a job, which the shell looks up. */
export type JobSurroundings = {
  /** Epoch ms. */
  readonly now: number;
  /** The next nominal time of the schedule, epoch ms. Undefined if there is none, as in a paused job. */
  readonly firstAt: number | undefined;
  /** The job's agent. With `unregistered` and `missing` its runs would fail for lack of an agent. */
  readonly agent: "there" | "unregistered" | "missing";
  /** Another unfinished job of the owner with the same name. */
  readonly namesake?: { readonly id: string } | undefined;
  /** False: the job runs for all users, and there is no active one. */
  readonly hasUsers: boolean;
  /** Whether the client has given `catchup_window`. */
  readonly catchupGiven: boolean;
  /** Whether the client has given `timeout`, or it differs from the default. */
  readonly timeoutGiven: boolean;
};

/** All warnings for a job, those of its schedule last. */
export function jobWarnings(job: JobDefinition, schedule: Schedule, around: JobSurroundings): Warning[] {
  return [
    ...agentWarning(job, around),
    ...usersWarning(around),
    ...nameWarning(job, around),
    ...overlapWarning(job, schedule, around),
    ...catchupWarning(job, schedule, around),
    ...scheduleWarnings(job.schedule, schedule, around.firstAt),
  ];
}

/** The warning that a pause (`POST …/pause` alone) outlasts the job's fires. The job would end without another run. */
export function pauseWarnings({ id, schedule, paused_until: until }: Job): Warning[] {
  const end = schedule.at ?? schedule.ends_at;
  if (until === undefined || end === undefined) return [];
  const read = readAt(end, {
    zone: schedule.at === undefined ? undefined : schedule.timezone,
    startsAt: undefined,
    tickAligned: false,
  });
  const lastAt = read.ok && read.value.timing.kind === "at" ? read.value.timing.at : undefined;
  if (lastAt === undefined || lastAt > Date.parse(until)) return [];
  const what = schedule.at === undefined ? "the schedule ends at" : "its only fire is due at";
  const instead = json(schedule.at === undefined ? { ends_at: null } : { at: until });
  const message = `${what} ${formatInstant(lastAt)}, before the pause does: what comes due meanwhile is not run, so the job will be finished then; for it to run later send PATCH /v1/jobs/${id} {"schedule": ${instead}}`;
  return [{ path: "until", code: "pause_outlasts_fires", message }];
}

const json = (value: Readonly<Record<string, unknown>>): string => JSON.stringify(value).replace(":", ": ");

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

function usersWarning({ hasUsers }: JobSurroundings): Warning[] {
  if (hasUsers) return [];
  const message =
    'no user of the roster is active, so each fire would call nobody; add users with PUT /v1/users/{id} or POST /v1/users/import {"users": ["alice", "bob"]}';
  return [{ path: "exec_scope", code: "no_active_users", message }];
}

function nameWarning({ name }: JobDefinition, { namesake }: JobSurroundings): Warning[] {
  if (namesake === undefined) return [];
  const message = `job ${namesake.id} of the same owner is called "${name}" too, and both will run; to change that one use PATCH /v1/jobs/${namesake.id}, and DELETE the one too many`;
  return [{ path: "name", code: "duplicate_name", message }];
}

/**
 * The warning of a window that no missed fire outlasts. It is meant as the longest downtime, and is the age of one fire. The
 * default stands in every job that the dashboard makes, and nobody means anything by it.
 */
function catchupWarning(job: JobDefinition, { timing, exclusions }: Schedule, around: JobSurroundings): Warning[] {
  const window = parseDuration(job.catchup_window);
  const isMeant = around.catchupGiven && job.catchup_window !== JOB_DEFAULTS.catchup_window;
  // After the end of a schedule its last fire grows older than any window.
  if (!isMeant || !window.ok || exclusions.length > 0 || job.schedule.ends_at !== undefined) return [];
  const gap = longestGap(timing);
  if (gap === undefined || window.value < gap) return [];
  const message = `a downtime of any length is followed by one run, since the last fire that was missed is never older than ${job.catchup_window}; for no run after a downtime write "0s"`;
  return [{ path: "catchup_window", code: "catchup_always_runs", message }];
}

/** The longest time between two fires, ms, of an interval and of an expression that fires in every hour. */
function longestGap(timing: Schedule["timing"]): number | undefined {
  if (timing.kind === "every") return timing.everyMs;
  const isHourly = timing.kind === "cron" && timing.expression.fields.slice(1).every((field) => field === "*");
  return isHourly ? HOUR_MS : undefined;
}

function overlapWarning(job: JobDefinition, schedule: Schedule, { timeoutGiven, now }: JobSurroundings): Warning[] {
  if (!timeoutGiven || job.overlap !== "skip") return [];
  const timeout = parseDuration(job.timeout);
  if (!timeout.ok || timeout.value <= rateOf(schedule, now).minGapMs) return [];
  const message = `a run may last ${job.timeout}, longer than the time between two fires, and a fire that comes due meanwhile is skipped; to run it afterwards set "overlap": "buffer_one", or shorten timeout`;
  return [{ path: "timeout", code: "may_overlap", message }];
}
