/**
 * The fires of a job, by the same rules as in the service (src/domain). So drawing the coming fires of thousands of jobs
 * needs no call. Instants are epoch ms.
 */

import { compileSchedule } from "../../../src/domain/time/compile-schedule.ts";
import { describeSchedule } from "../../../src/domain/time/describe.ts";
import { bindFires, type Fires } from "../../../src/domain/time/fires.ts";
import { jitterDelay } from "../../../src/domain/time/jitter.ts";
import { type Schedule, scheduleZone } from "../../../src/domain/time/schedule.ts";
import type { Job, ScheduleSpec } from "../api/jobs.ts";

const compiled = new Map<string, Schedule | undefined>();
const described = new Map<string, string>();

function scheduleOf(spec: ScheduleSpec): Schedule | undefined {
  const key = JSON.stringify(spec);
  if (!compiled.has(key)) {
    const schedule = compileSchedule(spec, { tickAligned: false });
    compiled.set(key, schedule.ok ? schedule.value : undefined);
  }
  return compiled.get(key);
}

/** The schedule in plain English, without the zone, which is shown beside it. */
export function inWords(spec: ScheduleSpec): string {
  const key = JSON.stringify(spec);
  const known = described.get(key);
  if (known !== undefined) return known;
  // An `at` is shown with its countdown and as it was written, so its instant need not be repeated.
  const words = spec.at === undefined ? describeSchedule(spec) : "Once";
  described.set(key, words);
  return words;
}

/** The schedule as it was written: `0 9 * * 1-5`, `every 30m`, `at 2027-01-15T14:30:00+08:00`, `FREQ=WEEKLY;BYDAY=TU`. */
export function asWritten({ cron, every, at, rrule, manual }: ScheduleSpec): string {
  if (manual) return "manual";
  return cron ?? rrule ?? (every === undefined ? `at ${at ?? ""}` : `every ${every}`);
}

/** The zone of the schedule. Undefined if it has none: `manual`, and `every` without exclusions. */
export function zoneOf(spec: ScheduleSpec): string | undefined {
  const schedule = scheduleOf(spec);
  if (schedule === undefined || schedule.timing.kind === "manual") return undefined;
  return schedule.timing.kind === "every" && schedule.exclusions.length === 0 ? undefined : scheduleZone(schedule);
}

type Coming = { readonly schedule: Schedule; readonly fires: Fires; readonly nextAt: number };

/** The job's fires from its next one on, which gives its phase. Undefined if no fire is coming. */
function comingOf(job: Job): Coming | undefined {
  const schedule = scheduleOf(job.schedule);
  if (schedule === undefined || job.next_run_at === undefined || job.state !== "active") return undefined;
  const nextAt = Date.parse(job.next_run_at);
  const delayMs = jitterDelay(job.id, schedule.jitterMs);
  const { timing } = schedule;
  // A rule counts from the job's creation. For `every`, one interval back makes the next fire the first after the anchor.
  const anchorAt =
    timing.kind === "rrule"
      ? Date.parse(job.created_at)
      : nextAt - delayMs - (timing.kind === "every" ? timing.everyMs : 0);
  return { schedule, fires: bindFires(schedule, { anchorAt, delayMs }), nextAt };
}

/** The job's next `count` fires. There are fewer if its schedule or its runs end. */
export function comingFires(job: Job, count: number): readonly number[] {
  const coming = comingOf(job);
  if (coming === undefined) return [];
  const { fires, nextAt, schedule } = coming;
  const { timing } = schedule;
  // If the agent has chosen the next fire, that does not show the phase of the schedule.
  const isPhaseKnown = timing.kind === "cron" || timing.kind === "rrule" || job.pacing === undefined;
  if (!isPhaseKnown) return [nextAt];
  return [nextAt, ...fires.take(nextAt, count - 1)].slice(0, runsLeft(job));
}

function runsLeft(job: Job): number {
  return job.schedule.max_runs === undefined
    ? Number.POSITIVE_INFINITY
    : Math.max(0, job.schedule.max_runs - job.run_count);
}

const MINUTE_MS = 60_000;

/** Whether the job fires more than once a minute, and so fills every minute equally. */
export function isSteady(job: Job): boolean {
  const timing = scheduleOf(job.schedule)?.timing;
  return timing?.kind === "every" && timing.everyMs < MINUTE_MS;
}

/** The number of the job's fires from `fromAt` up to but not including `toAt`. */
export function countFires(job: Job, fromAt: number, toAt: number): number {
  const coming = comingOf(job);
  if (coming === undefined) return 0;
  const { fires, nextAt } = coming;
  return Math.min(runsLeft(job), fires.count(Math.max(fromAt, nextAt) - 1, toAt - 1, MAX_COUNTED));
}

/** The fires of a day for a job that fires every second. */
const MAX_COUNTED = 86_400;

/**
 * Adds the job's fires before `toAt` to their minutes. `minutes[i]` begins at `fromAt` + i minutes. Returns the number of
 * fires. It is not for steady jobs.
 */
export function addFires(job: Job, fromAt: number, toAt: number, minutes: Float64Array): number {
  const coming = comingOf(job);
  if (coming === undefined) return 0;
  const { fires, nextAt } = coming;
  const lastAt = Math.min(toAt, fromAt + minutes.length * MINUTE_MS) - 1;
  const found = fires.between(Math.max(fromAt, nextAt), lastAt, minutes.length).slice(0, runsLeft(job));
  for (const at of found) {
    const index = Math.floor((at - fromAt) / MINUTE_MS);
    minutes[index] = (minutes[index] ?? 0) + 1;
  }
  return found.length;
}
