/** The calendar behind a cron expression. Only this file uses croner. */
import { Cron } from "croner";
import { type CronExpression, cronTimes } from "./cron-syntax.ts";
import { type Calendar, timesUpTo } from "./daylight-saving.ts";
import { STEPS } from "./effort.ts";

const DAY_MS = 86_400_000;
/** Any instant works here, since an expression repeats within 400 years or not at all. */
const SOME_TIME = Date.UTC(2000, 0, 1);

/**
 * The calendar of an expression that `parseCron` has read, or null if no date ever matches it. `daylight-saving.ts` handles
 * clock changes. The calendar ends with the year 3000.
 */
export function calendarOf(expression: CronExpression): Calendar | null {
  const cron = new Cron(expression.canonical, { mode: "5-part", utcOffset: 0 });
  const nextAfter = (local: number) => cron.nextRun(new Date(local))?.getTime() ?? null;
  // croner looks strictly before; local times are whole milliseconds.
  const lastUntil = (local: number) => cron.previousRuns(1, new Date(local + 1))[0]?.getTime() ?? null;
  if (nextAfter(SOME_TIME) === null) return null;
  const timesOfDay = cronTimes(expression);
  let matchedDay: number | undefined;
  /** The next match. Every matching day has the same times, so croner is asked once for each day of a walk. */
  const nextKnown = (local: number): number | null => {
    const day = Math.floor(local / DAY_MS);
    const time = day === matchedDay ? timesOfDay[timesUpTo(timesOfDay, local - day * DAY_MS)] : undefined;
    if (time !== undefined) return day * DAY_MS + time;
    const next = nextAfter(local);
    matchedDay = next === null ? undefined : Math.floor(next / DAY_MS);
    return next;
  };
  return {
    next: (local, effort) => (effort.spend(STEPS.cron) ? nextKnown(local) : null),
    timesOfDay,
    last: (local, effort) => (effort.spend(STEPS.cron) ? lastUntil(local) : null),
  };
}
