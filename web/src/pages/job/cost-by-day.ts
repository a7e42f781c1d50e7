/** The cost of the log's runs, day by day. The days are those of the job's budget, in its schedule's zone. */
import { dayOf } from "../../../../src/domain/run/budget.ts";
import type { Job } from "../../../../src/schema/job.ts";
import type { Run } from "../../../../src/schema/run.ts";

type Day = {
  readonly day: string;
  /** Its midnight in UTC, epoch ms. */
  readonly at: number;
  readonly usd: number;
  readonly tokens: number;
  readonly count: number;
};

/** The days with ended runs that reported a cost, and the days between them, oldest first. */
export function costByDay({ schedule }: Pick<Job, "schedule">, runs: readonly Run[]): readonly Day[] {
  const found = new Map<string, Day>();
  for (const { cost_usd: usd, tokens, finished_at: finishedAt } of runs) {
    if ((usd === undefined && tokens === undefined) || finishedAt === undefined) continue;
    const day = dayOf(schedule, Date.parse(finishedAt));
    const sum = found.get(day) ?? empty(day);
    found.set(day, {
      ...sum,
      usd: Math.round((sum.usd + (usd ?? 0)) * 1e9) / 1e9,
      tokens: sum.tokens + (tokens ?? 0),
      count: sum.count + 1,
    });
  }
  const days = [...found.keys()].sort();
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined) return [];
  const shown: Day[] = [];
  const to = Date.parse(last);
  const from = Math.min(Math.max(Date.parse(first), to - MOST_DAYS * DAY_MS), to - LEAST_DAYS * DAY_MS);
  for (let at = from; at <= to; at += DAY_MS) {
    const day = new Date(at).toISOString().slice(0, 10);
    shown.push(found.get(day) ?? empty(day));
  }
  return shown;
}

const DAY_MS = 86_400_000;
/** The number of days that are shown before the last one. A bar is then as wide as a day. */
const LEAST_DAYS = 13;
const MOST_DAYS = 30;
const empty = (day: string): Day => ({ day, at: Date.parse(day), usd: 0, tokens: 0, count: 0 });
