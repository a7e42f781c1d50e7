/**
 * The forecast of a job's fires in a window, day by day, with their cost (docs/budgets.md). The cost is the average of its
 * runs so far. Fires are counted without a walk if possible, so a month of a job every second is as cheap as a day. Pure.
 */
import type { DayForecast, JobForecast } from "../../schema/forecast.ts";
import { compact } from "../compact.ts";
import { addSpend, budgetZone, dayOf, type Spend, spentOn } from "../run/budget.ts";
import { reachedAt } from "../time/daylight-saving.ts";
import { formatLocal } from "../time/instant.ts";
import { offsetAt } from "../time/zone.ts";
import type { CompiledJob } from "./definition.ts";
import { money } from "./forecast-sums.ts";
import { type Cursor, firesOf, type JobRecord } from "./job.ts";

const DAY_MS = 86_400_000;

/**
 * The number of fires of a job that are walked over if they cannot be counted. The later days are estimated from the
 * earlier ones.
 */
const MAX_WALKED = 2_000;

/**
 * The number of days before the window whose budget is worked through. Later fires count as runs, since a window may begin
 * in a thousand years.
 */
const MAX_BUDGET_DAYS = 366;

/** A window from `from` up to but not including `to` (epoch ms), by calendar days of `timeZone`. */
export type ForecastWindow = { readonly from: number; readonly to: number; readonly timeZone: string };

export type ForecastState = {
  readonly job: CompiledJob;
  readonly record: JobRecord;
  readonly cursor: Cursor;
  /**
   * The number of users that the job's last fan-out ran for. Each user is a run. Undefined if the job is not for all users
   * or has had no fan-out.
   */
  readonly usersPerFire?: number | undefined;
};

/** A calendar day, and the part of it that lies in the window. */
type Day = { readonly day: string; readonly from: number; readonly to: number };

/** The job's forecast. It holds only the days on which the job fires. */
export function forecastJob(state: ForecastState, window: ForecastWindow, now: number): JobForecast {
  const { record, cursor, usersPerFire = 1 } = state;
  const { id, definition } = record;
  const { total } = spentOn(cursor.spent, dayOf(definition.schedule, now));
  const mayRun = runsWithin(state, now);
  const { budget } = definition;
  const zoneOfBudget = budget === undefined ? undefined : budgetZone(definition.schedule);
  let firesLeft = firesLeftOf(state);
  let isEstimated = false;
  const days: DayForecast[] = [];
  // The runs before the window use up part of max_runs and of the total budget.
  const isUsedUp = Number.isFinite(firesLeft) || budget?.usd_total !== undefined;
  const count = counterOf(state, isUsedUp ? { ...window, from: Math.min(now, window.from) } : window, now);
  const expect = (day: Day) => {
    let [fires, runs] = [0, 0];
    // A budget counts its own days. Two of them may overlap one day of the window.
    for (const part of zoneOfBudget === undefined ? [day] : daysOf({ ...day, timeZone: zoneOfBudget })) {
      const counted = count(Math.max(part.from, now + 1), part.to);
      const most = Math.min(counted.fires, firesLeft);
      if (most === 0) continue;
      isEstimated ||= counted.isEstimated;
      const mine = mayRun(most * usersPerFire, part.day);
      // A fire that is skipped for the budget does not count against max_runs.
      const begun = Math.ceil(mine / Math.max(1, usersPerFire));
      fires += begun < firesLeft ? counted.fires : most;
      runs += mine;
      firesLeft -= begun;
    }
    return { fires, runs };
  };
  if (isUsedUp && window.from > now) {
    const walkedTo = zoneOfBudget === undefined ? window.from : Math.min(window.from, now + MAX_BUDGET_DAYS * DAY_MS);
    expect({ day: dayOf(definition.schedule, now), from: now, to: walkedTo });
    if (walkedTo < window.from) firesLeft = Math.max(0, firesLeft - count(walkedTo, window.from).fires);
  }
  for (const day of daysOf(window)) {
    const { fires, runs } = expect(day);
    if (fires > 0) days.push({ day: day.day, fires, runs, ...costOf(runs, total) });
  }
  const runs = sumOf(days, "runs");
  return {
    job_id: id,
    name: definition.name,
    ...compact({ agent_id: definition.agent_id, user_id: definition.user_id, plugin_id: definition.plugin_id }),
    exec_scope: definition.exec_scope,
    fires: sumOf(days, "fires"),
    runs,
    ...costOf(runs, total),
    ...(total.runs === 0 ? {} : { average: { usd: 0, tokens: 0, ...costOf(1, total) } }),
    ...(isEstimated ? { estimated: true as const } : {}),
    days,
  };
}

const sumOf = (days: readonly DayForecast[], field: "fires" | "runs"): number =>
  days.reduce((sum, day) => sum + day[field], 0);

/** The cost of that many runs. A job that has not run yet has no known cost. */
const costOf = (runs: number, total: Spend): { readonly usd?: number; readonly tokens?: number } =>
  total.runs === 0
    ? {}
    : { usd: money((runs * total.usd) / total.runs), tokens: Math.round((runs * total.tokens) / total.runs) };

function firesLeftOf({ record, cursor }: ForecastState): number {
  const { max_runs: maxRuns } = record.definition.schedule;
  return maxRuns === undefined ? Number.POSITIVE_INFINITY : Math.max(0, maxRuns - cursor.fires);
}

type Counted = { readonly fires: number; readonly isEstimated: boolean };

/** Counts fires from one instant up to but not including another. The questions must come in the order of time. */
function counterOf(
  { job, record, cursor }: ForecastState,
  window: ForecastWindow,
  now: number,
): (from: number, to: number) => Counted {
  const none = { fires: 0, isEstimated: false };
  if (record.finishedAt !== undefined) return () => none;
  const fires = firesOf(job, record);
  // A paused job that resumes by itself begins with the first fire after that.
  const first = record.definition.enabled
    ? cursor.nextDueAt
    : record.resumeAt === undefined
      ? null
      : fires.next(Math.max(record.resumeAt, now));
  if (first === null) return () => none;
  // The agent may have chosen the first fire, and the schedule does not know that one. An overdue fire comes now.
  const firstAt = Math.max(first, now + 1);
  const begin = Math.max(window.from - 1, now, first);
  let walked: readonly number[] | undefined;
  return (from, to) => {
    const chosen = firstAt >= from && firstAt < to ? 1 : 0;
    const after = Math.max(from - 1, first);
    if (to - 1 <= after) return { fires: chosen, isEstimated: false };
    if (fires.countsAtOnce) {
      return { fires: chosen + fires.count(after, to - 1, Number.MAX_SAFE_INTEGER), isEstimated: false };
    }
    // All days share one walk. A walk for each day would search for a far fire each time.
    walked ??= fires.between(begin + 1, window.to - 1, MAX_WALKED);
    const end = walked.length < MAX_WALKED ? to - 1 : (walked.at(-1) ?? begin);
    const found = walked.filter((at) => at > after && at < to).length;
    if (to - 1 <= end) return { fires: chosen + found, isEstimated: false };
    const gaps = (end - (walked[0] ?? begin)) / (walked.length - 1);
    const rest = Math.round((to - Math.max(after, end)) / gaps);
    return { fires: chosen + found + rest, isEstimated: true };
  };
}

/**
 * The number of a day's fires that the budget lets begin, at the average cost of the runs so far. Asked in the order of
 * time.
 */
function runsWithin({ record, cursor }: ForecastState, now: number): (wanted: number, day: string) => number {
  const { budget, schedule } = record.definition;
  if (budget === undefined) return (wanted) => wanted;
  let spent = spentOn(cursor.spent, dayOf(schedule, now));
  const { runs, usd, tokens } = spent.total;
  const [usdEach, tokensEach] = runs === 0 ? [0, 0] : [usd / runs, tokens / runs];
  return (wanted, day) => {
    const { today, total } = spentOn(spent, day);
    const may = Math.min(
      wanted,
      roomFor(budget.usd_total, total.usd, usdEach),
      roomFor(budget.runs_per_day, today.runs, 1),
      roomFor(budget.usd_per_day, today.usd, usdEach),
      roomFor(budget.tokens_per_day, today.tokens, tokensEach),
    );
    spent = addSpend(spent, { runs: may, usd: may * usdEach, tokens: may * tokensEach }, day);
    return may;
  };
}

/** The number of runs that begin before the limit is spent. The last one may exceed it. */
function roomFor(most: number | undefined, used: number, each: number): number {
  if (most === undefined) return Number.POSITIVE_INFINITY;
  if (used >= most) return 0;
  return each === 0 ? Number.POSITIVE_INFINITY : Math.ceil((most - used) / each);
}

function daysOf({ from, to, timeZone }: ForecastWindow): readonly Day[] {
  const days: Day[] = [];
  for (let at = from; at < to; ) {
    const local = at + offsetAt(timeZone, at);
    const next = reachedAt(timeZone, (Math.floor(local / DAY_MS) + 1) * DAY_MS);
    // If the window begins before a repeated midnight, the next day has already been reached.
    const end = Math.min(to, next > at ? next : at + DAY_MS);
    days.push({ day: formatLocal(at, timeZone).slice(0, 10), from: at, to: end });
    at = end;
  }
  return days;
}
