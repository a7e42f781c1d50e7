/** The calendar behind a cron expression. The only file that knows croner. */
import { Cron } from "croner";
import { type CronExpression, cronTimes } from "./cron-syntax.ts";
import type { Calendar } from "./daylight-saving.ts";
import { STEPS } from "./effort.ts";

/** Any instant will do: an expression repeats within 400 years or not at all. */
const SOME_TIME = Date.UTC(2000, 0, 1);

/**
 * The calendar of an expression that `parseCron` has read, or null if no date ever matches it. Clock changes are the
 * business of `daylight-saving.ts`. It sees no year beyond 3000.
 */
export function calendarOf(expression: CronExpression): Calendar | null {
  const cron = new Cron(expression.canonical, { mode: "5-part", utcOffset: 0 });
  const nextAfter = (local: number) => cron.nextRun(new Date(local))?.getTime() ?? null;
  // croner looks strictly before; local times are whole milliseconds.
  const lastUntil = (local: number) => cron.previousRuns(1, new Date(local + 1))[0]?.getTime() ?? null;
  if (nextAfter(SOME_TIME) === null) return null;
  return {
    next: (local, effort) => (effort.spend(STEPS.cron) ? nextAfter(local) : null),
    timesOfDay: cronTimes(expression),
    last: (local, effort) => (effort.spend(STEPS.cron) ? lastUntil(local) : null),
  };
}
